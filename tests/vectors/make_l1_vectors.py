#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes l1.json: calldata, transactions and answers of L1 by programs that share no code with this
project.

usage: CAST=/path/to/cast ANVIL=/path/to/anvil make_l1_vectors.py > l1.json

Calldata and signed transactions are Foundry's cast; blocks of several forks and the other answers
are what anvil says. Calldata and transactions come out the same each time, anvil's blocks do not:
they hold the time.
"""
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

CAST = os.environ.get("CAST", "cast")
ANVIL = os.environ.get("ANVIL", "anvil")
KEY = "0x" + format(0x1001, "064x")
RICH = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"  # anvil's first account
HEADER = "(bytes32,uint64,uint64,uint64,address,uint64,bytes32,bytes32,bytes32)"
ROLLUP = "(uint64,uint64,bytes32,bytes32,bytes32,uint64,bytes32,bytes32)"


def cast(*args):
    done = subprocess.run([CAST, *args], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"cast {' '.join(args)}: {done.stderr.strip()}")
    return done.stdout.strip()


def h(byte):
    return "0x" + format(byte, "02x") * 32


def a(byte):
    return "0x" + format(byte, "02x") * 20


def sig(byte):
    return "0x" + format(byte, "02x") * 65


def sealed(first):
    """A header whose values all differ, with protocol root and seal."""
    header = (f"({h(first)},{2**40 + first},{2**41 + first},{first},{a(first + 1)},{2**63 + first},"
              f"{h(first + 2)},{h(first + 3)},{h(first + 4)})")
    return f"({header},{h(first + 5)},{sig(first + 6)})"


def calls():
    """name: signature, arguments."""
    rollup = f"(7,2000000,{h(1)},{h(2)},{h(3)},{2**64 - 1},{h(4)},{h(5)})"
    yield "setGenesis", "setGenesis(bytes32)", [h(0x11)]
    yield "genesisHash", "genesisHash()", []
    yield "isSequencer", "isSequencer(address)", [a(0x22)]
    yield "isAttested", "isAttested(address)", [a(0x22)]
    yield "grant", "grantSequencerEnclave(address)", [a(0x22)]
    yield "revoke", "revokeSequencerEnclave(address)", [a(0x22)]
    yield "sequencers", "sequencers()", []
    yield "register", "registerEnclave(address,bytes32,bytes)", [a(0x22), h(0x33), sig(0x44)]
    for n in (0, 1, 31, 32, 33, 100):
        yield f"request {n}", "requestReplacement(address,address,string)", [a(0x22), a(0x23), "x" * n]
    yield "approve", "approveReplacement(uint256)", ["300"]
    yield "reject", "rejectReplacement(uint256,string)", ["300", "no, because"]
    yield "cancel", "cancelReplacement(uint256)", ["300"]
    yield "open", "openReplacements()", []
    yield "equivocation", f"reportEquivocation(({HEADER},bytes32,bytes),({HEADER},bytes32,bytes))", [
        sealed(0x10), sealed(0x30)]
    for n in (0, 1, 32, 1000):
        yield f"publish {n}", f"publishRollup({ROLLUP},bytes,bytes)", [rollup, sig(0x66), "0x" + "5a" * n]
    yield "lastNumber", "lastNumber()", []
    yield "rollupHash", "rollupHash(uint64)", [str(2**64 - 1)]
    yield "lastHash", "lastHash()", []
    yield "postBond", "postBond()", []


def transactions():
    for nonce, tip, fee, gas, value, size in (
            (0, 0, 1, 21000, 0, 0), (1, 1, 2, 21000, 1, 1), (127, 10**9, 3 * 10**9, 90000, 10**18, 55),
            (128, 5, 2**63, 2**31, 2**255, 56), (2**40, 2**62, 2**63 + 5, 10**7, 0, 5000)):
        for chain in (1, 31337, 2**50):
            data = "0x" + "a7" * size
            args = ["mktx", "--private-key", KEY, "--chain", str(chain), "--nonce", str(nonce), "--gas-limit",
                    str(gas), "--gas-price", str(fee), "--priority-gas-price", str(tip), "--value", str(value)]
            raw = cast(*args, a(0x77), *([data] if size else []))
            yield {"chainId": chain, "nonce": nonce, "tip": tip, "fee": str(fee), "gas": gas, "value": str(value),
                   "data": data, "to": a(0x77), "raw": raw, "hash": cast("keccak", raw)}
    raw = cast("mktx", "--private-key", KEY, "--chain", "31337", "--nonce", "3", "--gas-limit", "100000",
               "--gas-price", "9", "--priority-gas-price", "2", "--create", "0x6001600155")
    yield {"chainId": 31337, "nonce": 3, "tip": 2, "fee": "9", "gas": 100000, "value": "0", "data": "0x6001600155",
           "to": None, "raw": raw, "hash": cast("keccak", raw)}


def created():
    who = cast("wallet", "address", KEY)
    for nonce in (0, 1, 127, 128, 255, 256, 2**32, 2**63):
        text = cast("compute-address", who, "--nonce", str(nonce))
        yield {"nonce": str(nonce), "address": text.split()[-1].lower()}


def events():
    """name: signature, types of what is not indexed, values, first indexed value."""
    yield "granted", "SequencerEnclaveGranted(address)", "f(address)", [a(0x22)], None
    yield "revoked", "SequencerEnclaveRevoked(address)", "f(address)", [a(0x23)], None
    yield ("published", "RollupPublished(uint64,uint64,bytes32,bytes32,bytes32,uint64,address,bytes)",
           "f(uint64,bytes32,bytes32,bytes32,uint64,address,bytes)",
           ["2000000", h(2), h(3), h(5), str(2**64 - 1), a(0x22), sig(0x66)], 7)
    yield ("rolled back", "RollupsRolledBack(uint64,uint64,bytes32,bytes32)", "f(uint64,bytes32,bytes32)",
           ["2000000", h(2), h(3)], 7)
    yield ("requested", "ReplacementRequested(uint256,address,address,string)", "f(address,address,string)",
           [a(0x22), a(0x23), "it lies"], 300)
    yield "approved", "ReplacementApproved(uint256)", None, [], 300
    yield "rejected", "ReplacementRejected(uint256,string)", "f(string)", ["no"], 300
    yield "cancelled", "ReplacementCancelled(uint256)", None, [], 300


def results():
    yield "addresses", cast("abi-encode", "f(address[])", f"[{a(1)},{a(2)},{a(3)}]")
    yield "none", cast("abi-encode", "f(address[])", "[]")
    yield "true", cast("abi-encode", "f(bool)", "true")
    yield "hash", cast("abi-encode", "f(bytes32)", h(9))
    yield "number", cast("abi-encode", "f(uint64)", str(2**64 - 1))
    yield "replacements", cast("abi-encode", "f((uint256,address,address,string)[])",
                               f"[(1,{a(1)},{a(2)},first),(2,{a(3)},{a(4)},{'long ' * 10})]")


def reverts():
    yield "no such thing", REFUSE
    yield "NotNext(5, 3)", cast("calldata", "NotNext(uint64,uint64)", "5", "3")
    yield "NotTaken(7)", cast("calldata", "NotTaken(uint64)", "7")
    yield f"NotSequencer({a(9)})", cast("calldata", "NotSequencer(address)", a(9))
    yield f"NotRecent(5, {h(9)})", cast("calldata", "NotRecent(uint64,bytes32)", "5", h(9))
    yield "EnforcedPause", cast("calldata", "EnforcedPause()")
    yield "panic 0x11", cast("calldata", "Panic(uint256)", "0x11")
    strange = cast("calldata", "SomethingElse(uint64)", "5")
    yield f"custom error {strange[:10]}", strange


class Anvil:
    def __init__(self, *args):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen([ANVIL, "--port", str(self.port), "--silent", *args])
        for _ in range(200):
            try:
                self.ask("eth_chainId", [])
                return
            except OSError:
                time.sleep(0.05)
        sys.exit("anvil does not answer")

    def ask(self, method, params):
        """The answer's text."""
        body = json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()

    def result(self, method, params):
        return json.loads(self.ask(method, params))["result"]

    def end(self):
        self.process.terminate()
        self.process.wait()


def blocks():
    for fork in ("london", "paris", "shanghai", "cancun", "prague", "osaka"):
        anvil = Anvil("--hardfork", fork)
        cast("send", "--rpc-url", anvil.url, "--private-key", RICH, a(0x77), "--value", "1")
        anvil.result("anvil_mine", ["0x3"])
        yield {"fork": fork, "answers": [anvil.ask("eth_getBlockByNumber", [hex(n), False]) for n in range(4)]}
        anvil.end()


# Creation code: memory[0] = 42; LOG2(memory[0:32], "11"×32, 5); code of the new contract: none.
LOGGER = "0x602a600052" + "6005" + "7f" + "11" * 32 + "60206000a2" + "00"
# Creation code: revert Error("no such thing").
REFUSE = "0x" + "08c379a0" + format(32, "064x") + format(13, "064x") + b"no such thing".hex().ljust(64, "0")
REFUSER = "0x6064600c60003960646000fd" + REFUSE[2:]


def answers():
    anvil = Anvil()
    sent = json.loads(cast("send", "--json", "--rpc-url", anvil.url, "--private-key", RICH, "--create", LOGGER))
    tx, contract = sent["transactionHash"], sent["contractAddress"]
    who = cast("wallet", "address", RICH).lower()
    asked = {
        "chainId": ("eth_chainId", []),
        "noBlock": ("eth_getBlockByNumber", ["0x99", False]),
        "logs": ("eth_getLogs", [{"fromBlock": "0x0", "toBlock": "0x1", "address": contract,
                                  "topics": [[h(0x11)]]}]),
        "noLogs": ("eth_getLogs", [{"fromBlock": "0x0", "toBlock": "0x1", "address": contract,
                                    "topics": [[h(0x12)]]}]),
        "tx": ("eth_getTransactionByHash", [tx]),
        "noTx": ("eth_getTransactionByHash", [h(1)]),
        "receipt": ("eth_getTransactionReceipt", [tx]),
        "noReceipt": ("eth_getTransactionReceipt", [h(1)]),
        "nonce": ("eth_getTransactionCount", [who, "latest"]),
        "balance": ("eth_getBalance", [who, "latest"]),
        "fees": ("eth_feeHistory", ["0xa", "latest", [50]]),
        "estimate": ("eth_estimateGas", [{"from": who, "to": a(0x77), "data": "0x"}, "latest"]),
        "estimateRefused": ("eth_estimateGas", [{"from": who, "data": REFUSER}, "latest"]),
        "view": ("eth_call", [{"to": a(4), "data": "0x1234"}, "latest"]),
        "viewRefused": ("eth_call", [{"data": REFUSER}, "latest"]),
        "code": ("eth_getCode", [contract, "latest"]),
        "nonceLow": ("eth_sendRawTransaction", [cast(
            "mktx", "--private-key", RICH, "--chain", "31337", "--nonce", "0", "--gas-limit", "21000", "--gas-price",
            "9000000000", "--priority-gas-price", "2", a(0x77))]),
    }
    out = {"account": who, "contract": contract, "hash": tx,
           **{name: anvil.ask(*question) for name, question in asked.items()}}
    anvil.end()
    return out


def main():
    json.dump({"madeBy": cast("--version").splitlines()[0], "key": KEY,
               "calls": [{"name": name, "calldata": cast("calldata", signature, *args)}
                         for name, signature, args in calls()],
               "events": [{"name": name, "topic": cast("keccak", signature),
                           "indexed": None if indexed is None else "0x" + format(indexed, "064x"),
                           "data": cast("abi-encode", types, *values) if types else "0x"}
                          for name, signature, types, values, indexed in events()],
               "results": dict(results()), "reverts": [{"text": text, "data": data} for text, data in reverts()],
               "transactions": list(transactions()), "created": list(created()),
               "blocks": list(blocks()), "answers": answers()}, sys.stdout, indent=1)
    print()


main()
