# SPDX-License-Identifier: Apache-2.0
"""An L1 for one test: anvil, and on it a management contract whose governance and operator the test plays."""

import json
import os
import signal
import subprocess

import keccak
import rlp
from network import ROOT, cast_path, free_port, rpc, sign, wait_for

# Accounts 0 to 2 of anvil's own mnemonic; everybody has these keys.
GOVERNANCE_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
GOVERNANCE = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
OPERATOR_KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
OPERATOR = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
REPORTER_KEY = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"
REPORTER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
CONSTRUCTOR = "constructor(address,address,(uint128,uint128,uint16,uint32,address))"
ETHER = 10**18


def _word(value):
    n = int(value, 16) if isinstance(value, str) else value
    return n.to_bytes(32, "big")


def calldata(signature, *args):
    """Of a function whose arguments are each one word."""
    return "0x" + (keccak.keccak256(signature.encode())[:4] + b"".join(map(_word, args))).hex()


class Anvil:
    """One anvil process. Ended and started again it goes on from its blocks, as an L1 does."""

    def __init__(self, directory, block_time=1):
        self.dir, self.block_time = directory, block_time
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.popen = None
        self.contract = None

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.end()
            raise

    def __exit__(self, *_):
        self.end()

    def start(self):
        anvil = subprocess.run([os.path.join(ROOT, "scripts", "foundry.sh"), "anvil"],
                               capture_output=True, text=True, check=True).stdout.strip()
        with open(os.path.join(self.dir, "anvil.log"), "ab") as log:
            self.popen = subprocess.Popen(
                [anvil, "--host", "127.0.0.1", "--port", str(self.port), "--chain-id", "31337", "--quiet",
                 "--block-time", str(self.block_time), "--state", os.path.join(self.dir, "anvil.json")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for("anvil to answer", lambda: self.rpc("eth_chainId") == "0x7a69")
        return self

    def end(self):
        """It is gone, with its blocks kept for another start."""
        if self.popen is not None and self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(10)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()

    def rpc(self, method, *params):
        return rpc(self.port, method, *params)

    def number(self):
        return int(self.rpc("eth_blockNumber"), 16)

    def block(self, number):
        return self.rpc("eth_getBlockByNumber", hex(number), False)

    def mine(self, n=1):
        self.rpc("anvil_mine", hex(n))

    def cast(self, *args):
        done = subprocess.run([cast_path(), *args, "--rpc-url", self.url], capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == 0, f"cast {' '.join(args[:4])} … failed: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    # ---- the contract ----

    def submit(self, sender, to, data, value=0):
        """A transaction of one of anvil's accounts, without waiting for it; its hash."""
        tx = {"from": sender, "data": data, "value": hex(value), "gas": hex(6_000_000)}
        if to:
            tx["to"] = to
        return self.rpc("eth_sendTransaction", tx)

    def mined(self, tx):
        receipt = wait_for("a transaction on L1", lambda: self.rpc("eth_getTransactionReceipt", tx))
        assert receipt["status"] == "0x1", receipt
        return receipt

    def deploy(self, slash=ETHER):
        """The contract's transaction; its address is known at once."""
        with open(os.path.join(ROOT, "contracts", "artifacts", "TenseqManagement.json")) as f:
            code = json.load(f)["bytecode"]
        arguments = b"".join(_word(w) for w in (GOVERNANCE, OPERATOR, slash, slash, 1000, 86400, GOVERNANCE))
        return self.submit(GOVERNANCE, None, code + arguments.hex())

    def deploy_listing(self, enclaves):
        """A contract that lists these enclaves; all of it takes one block."""
        made = self.deploy()
        # Account 0's first transaction makes this address.
        self.contract = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
        grants = [self.submit(GOVERNANCE, self.contract, calldata("grantSequencerEnclave(address)", e))
                  for e in enclaves]
        bond = self.submit(OPERATOR, self.contract, calldata("postBond()"), 10 * ETHER)
        assert self.mined(made)["contractAddress"].lower() == self.contract.lower()
        for tx in [*grants, bond]:
            self.mined(tx)

    def transact(self, signature, *args, sender=GOVERNANCE):
        """A call whose arguments are words, by an account of anvil's; its receipt."""
        return self.mined(self.submit(sender, self.contract, calldata(signature, *args)))

    def send(self, *args, key=GOVERNANCE_KEY):
        """A transaction that succeeds; its receipt."""
        receipt = json.loads(self.cast("send", "--json", "--private-key", key, *args))
        assert receipt["status"] == "0x1", receipt
        return receipt

    def call(self, signature, *args):
        return self.cast("call", self.contract, signature, *args)

    def act(self, signature, *args, key=GOVERNANCE_KEY, value=None):
        """A transaction to the contract; its receipt."""
        more = ("--value", str(value)) if value else ()
        return self.send(self.contract, signature, *args, *more, key=key)

    def grant(self, enclave):
        return self.transact("grantSequencerEnclave(address)", enclave)

    def revoke(self, enclave):
        return self.transact("revokeSequencerEnclave(address)", enclave)


# ---- batches that a test seals ----

HEADER = "(bytes32,uint64,uint64,uint64,address,uint64,bytes32,bytes32,bytes32)"


def protocol_root(batches):
    """The running root after the last of these batches, which begin with batch 1 (docs/protocol.md, section 2)."""
    root = bytes(32)
    for batch in batches:
        payload = rlp.encode(rlp.decode(bytes.fromhex(batch["raw"][2:]))[2])
        root = keccak.keccak256(root + keccak.keccak256(payload))
    return "0x" + root.hex()


def header_of(batch):
    return rlp.decode(bytes.fromhex(batch["raw"][2:]))[0]


def header_tuple(header):
    """As cast takes the contract's BatchHeader."""
    return "(" + ",".join(
        str(int.from_bytes(f, "big")) if k in (1, 2, 3, 5) else "0x" + f.hex()
        for k, f in enumerate(header)) + ")"


def seal(l1, header, root, key):
    """Hash of the header and the seal over it and the protocol root, by the contract's own arithmetic."""
    hash_ = l1.call(f"batchHash({HEADER})(bytes32)", header_tuple(header))
    return hash_, sign(l1.call("sealDigest(bytes32,bytes32)(bytes32)", hash_, root), key)
