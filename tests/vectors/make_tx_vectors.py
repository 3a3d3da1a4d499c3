#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes transactions.json: transactions by a wallet that shares no code with this project.

usage: CAST=/path/to/cast make_tx_vectors.py > transactions.json

Signing, hashing and RLP are Foundry's cast; what is computed here is intrinsic gas and the ledger's
arithmetic, in the plainest way. The same cast gives the same file: signatures are deterministic and the
random choices have a fixed seed.
"""
import json
import os
import random
import subprocess
import sys
import tempfile

CAST = os.environ.get("CAST", "cast")
CHAIN = 443
BASE_FEE = 1_000_000_000
KEYS = ["0x" + format(0x1000 + i, "064x") for i in range(1, 7)]
COINBASE = "0x00000000000000000000000000000000c01bba5e"
PLAIN = "0x00000000000000000000000000000000000a11ce"
rng = random.Random(443)


def cast(*args):
    done = subprocess.run([CAST, *args], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"cast {' '.join(args)}: {done.stderr.strip()}")
    return done.stdout.strip()


def mktx(key, to, *, kind, nonce, gas, fee, tip=None, value=0, data="0x", access=None, chain=CHAIN, more=()):
    args = ["mktx", "--private-key", key, "--chain", str(chain), "--nonce", str(nonce), "--gas-limit",
            str(gas), "--gas-price", str(fee), "--value", str(value), *more]
    if kind == 2:
        args += ["--priority-gas-price", str(tip)]
    else:
        args += ["--legacy"]
    if access is not None:
        args += ["--access-list", json.dumps(access)]
    args += [to]
    if data != "0x":
        args += [data]
    return cast(*args)


def intrinsic(data, access):
    raw = bytes.fromhex(data[2:])
    keys = sum(len(a["storageKeys"]) for a in access or [])
    return 21000 + sum(16 if b else 4 for b in raw) + 2400 * len(access or []) + 1900 * keys


def access_list(shape):
    """shape: how many keys each address has."""
    return [{"address": "0x" + rng.randbytes(20).hex(),
             "storageKeys": ["0x" + rng.randbytes(32).hex() for _ in range(n)]} for n in shape]


def vector(name, key, to, **f):
    access = f.get("access")
    data = f.get("data", "0x")
    f["gas"] = f.get("gas", intrinsic(data, access) + rng.randrange(5000))
    raw = mktx(key, to, **f)
    seen = json.loads(json.loads(cast("decode-transaction", raw)))
    digest = cast("keccak", raw)
    sender = cast("wallet", "address", key).lower()
    assert seen["hash"] == digest and seen["signer"].lower() == sender, name
    assert int(seen["type"], 16) == f["kind"] and int(seen["nonce"], 16) == f["nonce"], name
    return {"name": name, "key": key, "raw": raw, "hash": digest, "from": sender, "type": f["kind"],
            "chainId": str(f.get("chain", CHAIN)), "nonce": str(f["nonce"]), "gas": str(f["gas"]),
            "maxFee": str(f["fee"]), "maxPriority": str(f["fee"] if f["kind"] != 2 else f["tip"]),
            "to": to, "value": str(f.get("value", 0)), "data": data,
            "addresses": len(access or []), "keys": sum(len(a["storageKeys"]) for a in access or []),
            "v": seen.get("v", seen.get("yParity")), "r": seen["r"], "s": seen["s"],
            "intrinsicGas": str(intrinsic(data, access))}


def transactions():
    gwei = 10**9
    yield vector("legacy transfer", KEYS[0], PLAIN, kind=0, nonce=0, fee=2 * gwei, value=10**18)
    yield vector("legacy of nothing to the zero address", KEYS[0], "0x" + "00" * 20, kind=0, nonce=1, fee=0, gas=0)
    yield vector("access list, empty", KEYS[1], PLAIN, kind=1, nonce=127, fee=gwei, value=1, access=[])
    yield vector("access list, one key", KEYS[1], PLAIN, kind=1, nonce=128, fee=gwei, value=127, access=access_list([1]))
    yield vector("access list, long", KEYS[1], PLAIN, kind=1, nonce=255, fee=gwei, value=128,
                 data="0x00ff00", access=access_list([0, 3, 1, 0, 7]))
    yield vector("dynamic fee transfer", KEYS[2], PLAIN, kind=2, nonce=256, fee=3 * gwei, tip=gwei, value=10**20)
    yield vector("dynamic fee, no tip", KEYS[2], PLAIN, kind=2, nonce=65535, fee=gwei, tip=0)
    yield vector("dynamic fee with access list", KEYS[2], PLAIN, kind=2, nonce=65536, fee=gwei, tip=1,
                 data="0x" + rng.randbytes(100).hex(), access=access_list([2, 2]))
    yield vector("the largest numbers", KEYS[3], "0x" + "ff" * 20, kind=2, nonce=2**64 - 2, fee=2**128 - 1,
                 tip=2**128 - 1, value=2**256 - 1, gas=2**63)
    for size in (1, 2, 55, 56, 255, 256, 1000):
        for kind in (0, 2):
            yield vector(f"type {kind}, {size} bytes of data", KEYS[4], PLAIN, kind=kind, nonce=size, fee=gwei, tip=7,
                         data="0x" + bytes(rng.choice((0, 1, 127, 128, 255)) for _ in range(size)).hex())
    for byte in ("00", "01", "7f", "80", "ff"):
        yield vector(f"data 0x{byte}", KEYS[4], PLAIN, kind=0, nonce=3, fee=gwei, data="0x" + byte)
    for chain in (1, 110, 2**31, 2**53 + 1, 2**63 - 19):
        for kind in (0, 2):
            yield vector(f"type {kind} on chain {chain}", KEYS[5], PLAIN, kind=kind, nonce=9, fee=gwei, tip=1, chain=chain)
    for i in range(24):
        kind = rng.choice((0, 1, 2))
        fee = rng.randrange(1, 2 ** rng.randrange(1, 100))
        yield vector(f"random {i}", rng.choice(KEYS), "0x" + rng.randbytes(20).hex(), kind=kind,
                     nonce=rng.randrange(2 ** rng.randrange(1, 64)), fee=fee, tip=rng.randrange(fee + 1),
                     value=rng.randrange(2 ** rng.randrange(1, 256)), data="0x" + rng.randbytes(rng.randrange(40)).hex(),
                     access=access_list([rng.randrange(3) for _ in range(rng.randrange(3))]) if kind else None)


def refused():
    """Real transactions of kinds that this chain does not run."""
    common = dict(nonce=0, gas=100000, fee=2 * 10**9)
    auth = cast("wallet", "sign-auth", PLAIN, "--private-key", KEYS[1], "--nonce", "0", "--chain", str(CHAIN))
    with tempfile.NamedTemporaryFile(suffix=".blob") as blob:
        blob.write(b"blob")
        blob.flush()
        blob_tx = mktx(KEYS[0], PLAIN, kind=2, tip=1, more=("--blob", "--eip4844", "--blob-gas-price", "1", "--path",
                                                          blob.name), **common)
    create = cast("mktx", "--private-key", KEYS[0], "--chain", str(CHAIN), "--legacy", "--nonce", "0", "--gas-limit",
                  "100000", "--gas-price", str(2 * 10**9), "--create", "0x6001600155")
    return [
        # A blob transaction's first kilobyte tells its type as well as all 128.
        {"name": "EIP-4844", "error": "TS_E_TX_TYPE", "raw": blob_tx[:2 + 2048]},
        {"name": "EIP-7702", "error": "TS_E_TX_TYPE",
         "raw": mktx(KEYS[0], PLAIN, kind=2, tip=1, more=("--auth", auth), **common)},
        {"name": "creation", "error": "TS_E_TX_CREATE", "raw": create},
    ]


class State:
    """The ledger, as the specification has it."""

    def __init__(self, alloc):
        self.accounts = {a: [0, int(b)] for a, b in alloc.items()}
        self.root = "0x" + "00" * 32
        self.absorb(alloc)

    def absorb(self, touched):
        def number(n):
            return "0x" + (n.to_bytes((n.bit_length() + 7) // 8, "big").hex())
        if touched:
            items = [[a, number(self.accounts[a][0]), number(self.accounts[a][1])] for a in sorted(touched)]
            inner = cast("keccak", cast("to-rlp", json.dumps(items)))
            self.root = cast("keccak", self.root + inner[2:])

    def batch(self, txs):
        touched = set()
        for tx in txs:
            gas = int(tx["intrinsicGas"])
            price = min(int(tx["maxFee"]), BASE_FEE + int(tx["maxPriority"]))
            for a in (tx["from"], tx["to"], COINBASE):
                self.accounts.setdefault(a, [0, 0])
                touched.add(a)
            assert self.accounts[tx["from"]][0] == int(tx["nonce"])
            self.accounts[tx["from"]][0] += 1
            self.accounts[tx["from"]][1] -= int(tx["value"]) + gas * price
            assert self.accounts[tx["from"]][1] >= 0
            self.accounts[tx["to"]][1] += int(tx["value"])
            self.accounts[COINBASE][1] += gas * price
        self.absorb(touched)


def chain_of_batches():
    """Senders pay each other, themselves, the coinbase and strangers."""
    people = [cast("wallet", "address", k).lower() for k in KEYS]
    alloc = {a: str(10**20 + i) for i, a in enumerate(people)}
    alloc["0x" + "ee" * 20] = "0"
    state = State(alloc)
    genesis_root = state.root
    nonces = [0] * len(KEYS)
    batches = []
    for n in range(6):
        txs = []
        for _ in range((0, 1, 5, 8)[n] if n < 4 else 6):
            who = rng.randrange(len(KEYS))
            kind = rng.choice((0, 1, 2))
            to = rng.choice(people + [people[who], COINBASE, "0x" + rng.randbytes(20).hex()])
            txs.append(vector("in a batch", KEYS[who], to, kind=kind, nonce=nonces[who], fee=rng.randrange(10**9, 10**10),
                              tip=rng.randrange(10**9), value=rng.choice((0, 1, rng.randrange(10**18))),
                              data="0x" + rng.randbytes(rng.choice((0, 0, 9))).hex(),
                              access=access_list([1]) if kind == 1 else None))
            nonces[who] += 1
        state.batch(txs)
        batches.append({"transactions": [t["raw"] for t in txs], "root": state.root,
                        "gasUsed": str(sum(int(t["intrinsicGas"]) for t in txs))})
    return {"alloc": alloc, "coinbase": COINBASE, "genesisRoot": genesis_root, "batches": batches,
            "accounts": {a: {"nonce": str(n), "balance": str(b)} for a, (n, b) in sorted(state.accounts.items())}}


def main():
    json.dump({"madeBy": cast("--version").splitlines()[0], "chainId": str(CHAIN), "baseFee": str(BASE_FEE),
               "transactions": list(transactions()), "refused": refused(), "chain": chain_of_batches()},
              sys.stdout, indent=1)
    print()


main()
