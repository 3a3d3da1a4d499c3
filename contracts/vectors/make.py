#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes management.json: what enclaves of one network sign for the management contract, by Foundry's
cast, which knows neither the contract nor the C code. Both are held against it.

usage: make.py CAST      (the native binary, such as node_modules/@foundry-rs/cast-linux-amd64/bin/cast)

The network is the one that tests/vectors calls devnet: its contract is the first that anvil's first
account deploys. What it writes is the same at each run.
"""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../tests/vectors"))
import make as base  # noqa: E402  (reads CAST from the command line)

TYPES = {base.name_of(t): t for t in base.TYPES}
HEADER, SEAL, ROLLUP = TYPES["BatchHeader"], TYPES["BatchSeal"], TYPES["Rollup"]
REGISTRATION = TYPES["EnclaveRegistration"]
DOMAIN = {
    "chainId": 31337,
    "verifyingContract": "0x5fbdb2315678afecb367f032d93f642f64180aa3",
    "salt": base.fixed(base.derived("genesis 2", 256), 256),
}
KEYS = [base.fixed(base.derived(f"enclave key {i}", 250), 256) for i in range(3)]


def word(label):
    return base.fixed(base.derived(label, 256), 256)


def address(key):
    return base.cast("wallet", "address", "--private-key", key).lower()


def signed(type_string, value, key):
    """Digest and signature, each by two ways of cast that must agree."""
    inner = base.struct_hash(type_string, value)
    digest = base.keccak("0x1901" + base.separator(DOMAIN)[2:] + inner[2:])
    signature = base.sign_typed(type_string, DOMAIN, value, key)
    if signature != base.cast("wallet", "sign", "--private-key", key, "--no-hash", digest):
        sys.exit(f"{type_string}: cast's two ways to the digest differ")
    return digest, signature


def registration(key, measurement):
    value = {"enclaveId": address(key), "measurement": measurement}
    digest, signature = signed(REGISTRATION, value, key)
    return {**value, "digest": digest, "signature": signature}


def sealed(key, tx_root, protocol_root, number=8, term=3):
    header = {
        "parentHash": word("parent"),
        "number": number,
        "time": 1700000000123,
        "term": term,
        "producer": address(key),
        "l1Number": 990,
        "l1Hash": word("l1 990"),
        "txRoot": word(tx_root),
        "stateRoot": word("state"),
    }
    batch_hash = signed(HEADER, header, key)[0]
    value = {"batchHash": batch_hash, "protocolRoot": word(protocol_root)}
    digest, seal = signed(SEAL, value, key)
    return {"header": header, **value, "sealDigest": digest, "seal": seal}


def rollup(key):
    data = "0x" + "".join(word(f"data {i}")[2:] for i in range(5)) + "0102"
    value = {
        "firstNumber": 1,
        "lastNumber": 100,
        "firstParentHash": DOMAIN["salt"],
        "lastHash": word("batch 100"),
        "protocolRoot": word("root 100"),
        "l1Number": 995,
        "l1Hash": word("l1 995"),
        "dataHash": base.keccak(data),
    }
    digest, signature = signed(ROLLUP, value, key)
    return {"rollup": value, "digest": digest, "signature": signature, "data": data}


def main():
    made = {
        "source": base.cast("--version").split("\n")[0],
        "domain": {**DOMAIN, "chainId": str(DOMAIN["chainId"])},
        "separator": base.separator(DOMAIN),
        "enclaves": [address(key) for key in KEYS],
        "registrations": [
            registration(KEYS[0], word("measurement")),
            registration(KEYS[1], base.fixed(0, 256)),
        ],
        "equivocations": [
            {"a": sealed(KEYS[0], "txs", "root"), "b": sealed(KEYS[0], "other txs", "root")},
            {"a": sealed(KEYS[0], "txs", "root", 9), "b": sealed(KEYS[1], "txs", "root", 9, 4)},
            {"a": sealed(KEYS[2], "txs", "root", 10), "b": sealed(KEYS[2], "txs", "other root", 10)},
        ],
        "rollups": [rollup(KEYS[1])],
    }
    with open(os.path.join(HERE, "management.json"), "w", encoding="utf-8") as f:
        json.dump(made, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
