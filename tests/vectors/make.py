#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the vectors in this directory with Foundry's cast, which knows nothing of this code base.

usage: make.py CAST      (the native binary, such as node_modules/@foundry-rs/cast-linux-amd64/bin/cast)

Digests are put together twice: by `cast abi-encode` and `cast keccak` from the structs of
docs/protocol.md, and inside `cast wallet sign --data`, which reads standard EIP-712 JSON. The script
stops if the two differ. What it writes is the same at each run.
"""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CAST = sys.argv[1] if len(sys.argv) == 2 else sys.exit(__doc__)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

TYPES = [
    "BatchHeader(bytes32 parentHash,uint64 number,uint64 time,uint64 term,address producer,uint64 l1Number,bytes32 l1Hash,bytes32 txRoot,bytes32 stateRoot)",
    "BatchSeal(bytes32 batchHash,bytes32 protocolRoot)",
    "LifecycleEvent(uint8 kind,address enclaveId,bytes32 bootId,bytes32 bootKey,uint64 seq,bytes32 prev,uint64 term,uint64 time,bytes32 batchHead,uint64 batchNumber)",
    "RestartEvent(address enclaveId,bytes32 bootId,uint64 seq,bytes32 lastEvent,uint64 lastRestartTime,bytes32 batchHeadAtRestart,bytes32 currentBatchHead,uint64 currentBatchNumber)",
    "Rollup(uint64 firstNumber,uint64 lastNumber,bytes32 firstParentHash,bytes32 lastHash,bytes32 protocolRoot,uint64 l1Number,bytes32 l1Hash,bytes32 dataHash)",
    "EnclaveRegistration(address enclaveId,bytes32 measurement)",
]
SIGNED = {"LifecycleEvent", "RestartEvent", "Rollup"}  # their RLP ends with the signature
DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
BITS = {"uint8": 8, "uint64": 64, "address": 160, "bytes32": 256}


def cast(*args):
    done = subprocess.run([CAST, *args], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"cast {' '.join(args)[:200]}: {done.stderr.strip()}")
    return done.stdout.strip()


def keccak(data):
    return cast("keccak", data)


def members(type_string):
    """[(type, name)] of a type string."""
    return [tuple(m.split()) for m in type_string.split("(")[1].rstrip(")").split(",")]


def name_of(type_string):
    return type_string.split("(")[0]


def fixed(number, bits):
    return "0x%0*x" % (bits // 4, number)


def derived(label, bits):
    """A value that looks random and is the same at each run."""
    return int(keccak("0x" + label.encode().hex()), 16) % (1 << bits)


def value_of(type_string, which):
    value = {}
    for kind, name in members(type_string):
        bits = BITS[kind]
        number = {
            "zero": 0,
            "max": (1 << bits) - 1,
        }.get(which, derived(f"{which}/{type_string}/{name}", bits))
        if which == "small" and kind.startswith("uint"):
            number %= 200
        value[name] = number if kind.startswith("uint") else fixed(number, bits)
    return value


def struct_hash(type_string, value):
    kinds = ["bytes32"] + [kind for kind, _ in members(type_string)]
    words = [keccak(type_string)] + [str(value[name]) for _, name in members(type_string)]
    return keccak(cast("abi-encode", f"f({','.join(kinds)})", *words))


def separator(domain):
    return keccak(
        cast(
            "abi-encode",
            "f(bytes32,bytes32,bytes32,uint256,address,bytes32)",
            keccak(DOMAIN),
            keccak("tenseq"),
            keccak("1"),
            str(domain["chainId"]),
            domain["verifyingContract"],
            domain["salt"],
        )
    )


def sign_typed(type_string, domain, value, key):
    def table(s):
        return [{"name": name, "type": kind} for kind, name in members(s)]

    def text(v):
        return str(v)  # numbers as decimal strings: JSON numbers stop at 2^53

    document = {
        "types": {"EIP712Domain": table(DOMAIN), name_of(type_string): table(type_string)},
        "primaryType": name_of(type_string),
        "domain": {"name": "tenseq", "version": "1", **{k: text(v) for k, v in domain.items()}},
        "message": {k: text(v) for k, v in value.items()},
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump(document, f)
        f.flush()
        return cast("wallet", "sign", "--private-key", key, "--data", "--from-file", f.name)


def minimal(number):
    """The RLP string of a number, for cast to-rlp."""
    if number == 0:
        return "0x"
    text = "%x" % number
    return "0x" + "0" * (len(text) % 2) + text


def to_rlp(structure):
    return cast("to-rlp", json.dumps(structure))


def rlp_of(type_string, value, signature):
    items = [
        minimal(value[name]) if kind.startswith("uint") else value[name]
        for kind, name in members(type_string)
    ]
    return to_rlp(items + ([signature] if name_of(type_string) in SIGNED else []))


def make_vector(type_string, which, domain, key):
    value = value_of(type_string, which)
    sep, inner = separator(domain), struct_hash(type_string, value)
    digest = keccak("0x1901" + sep[2:] + inner[2:])
    signature = sign_typed(type_string, domain, value, key)
    if signature != cast("wallet", "sign", "--private-key", key, "--no-hash", digest):
        sys.exit(f"{name_of(type_string)} {which}: cast's two ways to the digest differ")
    text = {k: str(v) if isinstance(v, int) and v > 1 << 53 else v for k, v in value.items()}
    if name_of(type_string) in SIGNED:
        text["signature"] = signature
    return {
        "type": name_of(type_string),
        "case": which,
        "typeHash": keccak(type_string),
        "domain": {**domain, "chainId": str(domain["chainId"])},
        "separator": sep,
        "value": text,
        "digest": digest,
        "key": key,
        "address": cast("wallet", "address", "--private-key", key).lower(),
        "signature": signature,
        "rlp": rlp_of(type_string, value, signature),
    }


def make_eip712():
    zero = {"chainId": 0, "verifyingContract": fixed(0, 160), "salt": fixed(0, 256)}
    no_l1 = {**zero, "salt": fixed(derived("genesis 1", 256), 256)}
    devnet = {
        "chainId": 31337,
        "verifyingContract": "0x5fbdb2315678afecb367f032d93f642f64180aa3",
        "salt": fixed(derived("genesis 2", 256), 256),
    }
    full = {
        "chainId": (1 << 64) - 1,
        "verifyingContract": fixed((1 << 160) - 1, 160),
        "salt": fixed((1 << 256) - 1, 256),
    }
    keys = [
        "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
        fixed(1, 256),
        fixed(ORDER - 1, 256),
        "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    ]
    cases = [("zero", zero), ("zero", full), ("max", full), ("max", no_l1)]
    cases += [("small", no_l1), ("small", devnet), ("large", devnet), ("large", no_l1)]
    return [
        make_vector(t, which, domain, keys[(i + j) % len(keys)])
        for i, t in enumerate(TYPES)
        for j, (which, domain) in enumerate(cases)
    ]


def make_rlp():
    def run(n, first=1):
        return "0x" + bytes((first + i) % 256 for i in range(n)).hex()

    deep = []
    for _ in range(7):
        deep = [deep]
    values = ["0x", "0x00", "0x01", "0x7f", "0x80", "0xff", "0x0400"]
    values += [run(n) for n in (2, 54, 55, 56, 57, 255, 256, 257, 1024)]
    values += [[], ["0x"], ["0x00"], [[]], [[], [[]], [[], [[]]]], deep]
    values += [[run(n)] for n in (53, 54, 55, 56, 255, 256)]
    values += [["0x" for _ in range(55)], ["0x" for _ in range(56)], [run(32)] * 9]
    values += [[run(20), ["0x01", [run(60), []], "0x"], minimal((1 << 64) - 1)]]
    return [{"value": v, "rlp": to_rlp(v)} for v in values]


PARAMS = (
    "batchInterval reportEvery maxReportLag maxL1Age maxBatchBytes maxTxBytes batchGasLimit baseFee "
    "grantQuorum maxSilence"
).split()


def genesis_rlp(g):
    items = [minimal(g[k]) for k in ("version", "l1ChainId")] + [g["contract"]]
    items += [minimal(g[k]) for k in ("chainId", "time", "l1Number")] + [g["l1Hash"]]
    items += [sorted(g["whitelist"])]
    items += [[[a, minimal(int(g["alloc"][a]))] for a in sorted(g["alloc"])], g["coinbase"]]
    return to_rlp(items + [minimal(g[k]) for k in PARAMS])


def make_genesis():
    def address(label):
        return fixed(derived(label, 160), 160)

    base = dict(zip(PARAMS, [1000, 1, 2, 3600000, 1 << 20, 131072, 30000000, 10**9, 1, 100]))
    smallest = {
        "version": 1,
        "l1ChainId": 0,
        "contract": fixed(0, 160),
        "chainId": 1,
        "time": 0,
        "l1Number": 0,
        "l1Hash": fixed(0, 256),
        "whitelist": [fixed(0, 160)],
        "alloc": {},
        "coinbase": fixed(0, 160),
        **dict(zip(PARAMS, [1, 1, 1, 1, 4096, 128, 21000, 0, 1, 1])),
    }
    devnet = {
        "version": 1,
        "l1ChainId": 31337,
        "contract": address("contract"),
        "chainId": 443,
        "time": 1700000000000,
        "l1Number": 17,
        "l1Hash": fixed(derived("l1", 256), 256),
        "whitelist": [address(f"enclave {i}") for i in range(3)],
        "alloc": {address(f"account {i}"): str(10**22 + i) for i in range(4)},
        "coinbase": address("coinbase"),
        **base,
    }
    most = (1 << 53) - 1
    largest = {
        **devnet,
        "l1ChainId": (1 << 64) - 1,
        "chainId": (1 << 63) - 19,
        "time": most,
        "l1Number": most,
        "l1Hash": fixed((1 << 256) - 1, 256),
        "whitelist": [fixed((1 << 160) - 1 - i, 160) for i in range(64)],
        "alloc": {fixed((1 << 160) - 1, 160): str((1 << 256) - 1), fixed(0, 160): "0"},
        **dict(
            zip(
                PARAMS,
                [86400000, (1 << 32) - 1, 64, 31536000000, 1 << 24, 1 << 23, most]
                + [(1 << 64) - 1, 64, (1 << 32) - 1],
            )
        ),
    }
    vectors = []
    for g in (smallest, devnet, largest):
        rlp = genesis_rlp(g)
        domain = {"chainId": g["l1ChainId"], "verifyingContract": g["contract"], "salt": keccak(rlp)}
        text = {k: str(v) if isinstance(v, int) and v > 1 << 53 else v for k, v in g.items()}
        vectors.append(
            {"json": text, "rlp": rlp, "hash": domain["salt"], "separator": separator(domain)}
        )
    return vectors


if __name__ == "__main__":
    for file, make in (("eip712", make_eip712), ("rlp", make_rlp), ("genesis", make_genesis)):
        with open(os.path.join(HERE, file + ".json"), "w") as f:
            json.dump({"source": cast("--version").split("\n")[0], "vectors": make()}, f, indent=1)
            f.write("\n")
