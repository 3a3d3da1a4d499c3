# SPDX-License-Identifier: Apache-2.0
"""The made parts by name. Whatever Python can work out by itself is compared with what the code
says before it is shown."""

import json
import os
import re
import subprocess

from docgen import layouts, rlp, rollup
from docgen.keccak import keccak

PART = re.compile(r"<!-- made: ([^\n]+?) -->\n.*?<!-- end -->", re.DOTALL)
DOMAIN = ("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,"
          "bytes32 salt)")
SKIPPED = ("docs/adr/",)


class Wrong(Exception):
    """What the code says is not what follows from the document's own rules."""


def documents(root):
    """The documents that may hold made parts."""
    names = [name for name in os.listdir(root) if name.endswith(".md")]
    for where, _, files in os.walk(os.path.join(root, "docs")):
        names += [os.path.relpath(os.path.join(where, f), root) for f in files
                  if f.endswith(".md")]
    return sorted(name for name in names if not name.startswith(SKIPPED))


def unhex(text):
    return bytes.fromhex(text.removeprefix("0x"))


def fenced(text, language="text"):
    return f"```{language}\n{text}\n```"


def agree(what, ours, theirs):
    if ours != theirs:
        raise Wrong(f"{what}: {ours.hex()} by the document, {theirs.hex()} by the code")


def table(head, lines):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] +
                     ["| " + " | ".join(str(cell) for cell in cells) + " |" for cells in lines])


def word(kind, value):
    """One EIP-712 word."""
    if kind.startswith("uint"):
        return int(value).to_bytes(32, "big")
    return unhex(value).rjust(32, b"\0")


def struct_hash(entry, value):
    return keccak(keccak(entry["string"].encode()) +
                  b"".join(word(kind, value[name]) for name, kind in entry["fields"]))


def separator(chain_id, contract, salt):
    return keccak(keccak(DOMAIN.encode()) + keccak(b"tenseq") + keccak(b"1") +
                  word("uint256", chain_id) + word("address", contract) + word("bytes32", salt))


def digest(domain, inner):
    return keccak(b"\x19\x01" + domain + inner)


class Parts:
    def __init__(self, root, program, metrics):
        self.root = root
        self.metrics = metrics
        done = subprocess.run([program], capture_output=True, text=True, check=True)
        self.code = json.loads(done.stdout)
        self.types = self.code["types"]
        self.layouts = layouts.Layouts(self.types)

    def renew(self, name, text):
        """The document with its parts made anew."""
        def part(match):
            return f"<!-- made: {match[1]} -->\n{self.make(match[1])}\n<!-- end -->"

        try:
            return PART.sub(part, text)
        except (Wrong, rlp.Fault, KeyError) as fault:
            raise SystemExit(f"{name}: {type(fault).__name__}: {fault}") from fault

    def make(self, name):
        kind, _, rest = name.partition(" ")
        return getattr(self, "part_" + kind.replace("-", "_"))(*rest.split())

    def hex(self, name):
        return unhex(self.code[name])

    def vectors(self, file):
        with open(os.path.join(self.root, "tests/vectors", file), encoding="utf-8") as f:
            return json.load(f)["vectors"]

    # ---- metrics

    def part_metrics(self, which):
        """The table of a program's metrics, as the code has it."""
        done = subprocess.run([self.metrics, which], capture_output=True, text=True, check=True)
        return done.stdout.rstrip("\n")

    # ---- types

    def part_type(self, name):
        entry = self.types[name]
        hashed = keccak(entry["string"].encode())
        agree(f"type hash of {name}", hashed, unhex(entry["hash"]))
        sizes = {"uint8": "1 to 2", "uint64": "1 to 9", "address": "21", "bytes32": "33"}
        lines = [[i, f"`{field}`", kind, sizes[kind]]
                 for i, (field, kind) in enumerate(entry["fields"])]
        if entry["signed"]:
            lines.append([len(lines), "`signature`", "65 bytes, not hashed", "67"])
        return "\n\n".join([
            fenced(f"{entry['string']}\ntype hash 0x{hashed.hex()}"),
            table(["#", "field", "type", "RLP bytes"], lines)])

    def part_example(self, name, case="small", chain="31337"):
        """A vector that cast made; decoded and hashed here once more."""
        entry = self.types[name]
        v = next(v for v in self.vectors("eip712.json")
                 if (v["type"], v["case"], v["domain"]["chainId"]) == (name, case, chain))
        domain = separator(v["domain"]["chainId"], v["domain"]["verifyingContract"],
                           v["domain"]["salt"])
        inner = struct_hash(entry, v["value"])
        agree("separator", domain, unhex(v["separator"]))
        agree("digest", digest(domain, inner), unhex(v["digest"]))
        facts = [("domain separator", domain.hex()), ("struct hash", inner.hex()),
                 ("digest", unhex(v["digest"]).hex()), ("signing key", v["key"][2:]),
                 ("its address", v["address"][2:]), ("signature", v["signature"][2:])]
        return fenced(rlp.dump(self.layouts.of(name), unhex(v["rlp"])) + "\n\n" +
                      "\n".join(f"{what:<17} 0x{value}" for what, value in facts))

    def part_domain(self):
        v = next(v for v in self.vectors("eip712.json") if v["domain"]["chainId"] == "31337")
        d = v["domain"]
        sep = separator(d["chainId"], d["verifyingContract"], d["salt"])
        agree("separator", sep, unhex(v["separator"]))
        facts = [("keccak256 of the type string", keccak(DOMAIN.encode()).hex()),
                 ('keccak256("tenseq")', keccak(b"tenseq").hex()),
                 ('keccak256("1")', keccak(b"1").hex()),
                 (f"chainId {d['chainId']}", word("uint256", d["chainId"]).hex()),
                 ("verifyingContract", word("address", d["verifyingContract"]).hex()),
                 ("salt", unhex(d["salt"]).hex())]
        return fenced("\n".join(f"{value}  {what}" for what, value in facts) +
                      f"\n\nseparator = keccak256 of these 192 bytes = 0x{sep.hex()}")

    # ---- genesis and chain

    def part_params(self):
        return table(["#", "parameter", "least", "most", "default"],
                     [[10 + i, f"`{p[0]}`", *p[1:]] for i, p in enumerate(self.code["params"])])

    def part_genesis(self):
        v = next(v for v in self.vectors("genesis.json") if v["json"]["chainId"] == 443)
        data = unhex(v["rlp"])
        agree("genesis hash", keccak(data), unhex(v["hash"]))
        sep = separator(v["json"]["l1ChainId"], v["json"]["contract"], v["hash"])
        agree("separator", sep, unhex(v["separator"]))
        return fenced(rlp.dump(self.layouts.genesis, data) +
                      f"\n\ngenesis hash      {v['hash']}\ndomain separator  {v['separator']}")

    def part_network(self):
        data = self.hex("genesis")
        agree("genesis hash", keccak(data), self.hex("genesis.hash"))
        sep = separator(0, "0x", self.code["genesis.hash"])
        agree("separator", sep, self.hex("genesis.separator"))
        facts = ["enclave0", "enclave1", "account", "genesis.hash", "genesis.separator"]
        return fenced("\n".join(f"{name:<18} {self.code[name]}" for name in facts))

    def items(self, data):
        """The raw items of a list."""
        _, body, _, _ = rlp.parse(data)
        found = []
        while body:
            _, _, _, rest = rlp.parse(body)
            found.append(body[:len(body) - len(rest)])
            body = rest
        return found

    def values(self, name, data):
        """The value of a struct in RLP, for hashing."""
        entry = self.types[name]
        value = {}
        for (field, kind), item in zip(entry["fields"], self.items(data)):
            body = rlp.parse(item)[1]
            value[field] = int.from_bytes(body, "big") if kind.startswith("uint") else body.hex()
        return value

    def part_batch(self):
        data = self.hex("batch")
        return fenced(rlp.dump(self.layouts.batch, data))

    def part_batch_hashes(self):
        header, txs, payload, _ = self.items(self.hex("batch"))
        sep = self.hex("genesis.separator")
        batch_hash = digest(sep, struct_hash(self.types["BatchHeader"],
                                             self.values("BatchHeader", header)))
        root = keccak(self.hex("batch.parentRoot") + keccak(payload))
        seal = digest(sep, struct_hash(self.types["BatchSeal"], {
            "batchHash": batch_hash.hex(), "protocolRoot": root.hex()}))
        transitions, reports = (self.items(part) for part in self.items(payload)[:2])
        facts = [
            ("txRoot", "keccak256(RLP(transactions))", keccak(txs)),
            ("hash", "digest of the header: the batch's hash", batch_hash),
            ("payloadHash", "keccak256(RLP(protocolPayload))", keccak(payload)),
            ("parentRoot", "protocolRoot of batch 2", self.hex("batch.parentRoot")),
            ("protocolRoot", "keccak256(parentRoot ‖ payloadHash)", root),
            ("sealDigest", "digest of BatchSeal(hash, protocolRoot)", seal),
            ("transitionHash", "digest of the transition", digest(sep, struct_hash(
                self.types["LifecycleEvent"], self.values("LifecycleEvent", transitions[0])))),
            ("reportHash", "digest of the report", digest(sep, struct_hash(
                self.types["RestartEvent"], self.values("RestartEvent", reports[0]))))]
        for name, _, value in facts:
            agree(name, value, self.hex("batch." + name))
        return table(["name", "what", "value"],
                     [[name, what, f"`0x{value.hex()}`"] for name, what, value in facts])

    def part_notice(self):
        return fenced(rlp.dump(self.layouts.notice, self.hex("notice")))

    def part_snapshot(self):
        return fenced(rlp.dump(self.layouts.snapshot, self.hex("snapshot")))

    # ---- link, feed, engine, enclave

    def part_link(self, name):
        return fenced(rlp.dump(self.layouts.link[name], self.hex("link." + name)))

    def part_feed(self, name):
        return fenced(rlp.dump(self.layouts.feed[name], self.hex("feed." + name)))

    def part_rollup_data(self):
        """The data of batches 1 to 3 of the example, the last with one transaction."""
        data = self.hex("rollup.data")
        got = {name: body for name, _, body in rollup.columns(data)}
        txs = rlp.parse(self.items(self.hex("batch"))[1])[1]
        agree("the transaction", rlp.parse(txs)[1], rollup.transaction(got))
        signed = self.items(self.items(self.items(self.hex("link.rollup.answer"))[2])[0])
        agree("dataHash", rlp.parse(signed[7])[1], keccak(data))
        return fenced(rollup.dump(data) + f"\n\ndataHash = 0x{keccak(data).hex()}")

    def part_query(self, name):
        data = self.hex("query." + name)
        layout = self.layouts.query.get(name)
        return fenced(rlp.dump(layout, data) if layout else data.hex())

    def part_state_root(self):
        """Batch 3 of the example touches sender, recipient and coinbase."""
        before = rlp.encode([[self.hex("account"), 0, 10 ** 19]])
        root0 = keccak(bytes(32) + keccak(before))
        agree("state root of genesis", root0, self.hex("state.root0"))
        fee = 21000 * 10 ** 9
        touched = sorted([[unhex("0a11ce" + "00" * 17), 0, 10 ** 18],
                          [self.hex("account"), 1, 10 ** 19 - 10 ** 18 - fee],
                          [unhex("c0" + "00" * 19), 0, fee]])
        after = rlp.encode(touched)
        root3 = keccak(root0 + keccak(after))
        agree("state root of batch 3", root3, self.hex("state.root3"))
        account = rlp.rows("account", rlp.address("address"), rlp.u("nonce"), rlp.u("balance"))
        return fenced(
            "stateRoot(0), from the allocations:\n" +
            rlp.dump(rlp.many("accounts", account), before) + f"\n0x{root0.hex()}\n\n"
            "stateRoot(3), from what batch 3 touched:\n" +
            rlp.dump(rlp.many("accounts", account), after) + f"\n0x{root3.hex()}")

    def part_ledger_snapshot(self):
        data = self.hex("ledger.snapshot")
        lines = []
        form = list(layouts.SNAPSHOT_HEADER)
        while data:
            if not form:
                form = list(layouts.SNAPSHOT_RECORD)
            what, size = form.pop(0)
            lines.append(rlp.line(0, data[:size].hex(), what))
            data = data[size:]
        return fenced(rlp.align(lines))

    def part_checkpoint(self):
        data = self.hex("checkpoint")
        form = [("magic", 8), ("salt", 8), ("head record: nonce = salt ‖ 0", 12),
                ("sealed head record", 100), ("tag", 16), ("last: 1, this is the last chunk", 1),
                ("length of what follows", 4), ("nonce = salt ‖ 1", 12)]
        lines = []
        for what, size in form:
            pieces = [data[i:min(i + 32, size)] for i in range(0, size, 32)]
            lines += [rlp.line(0, piece.hex(), what if i == 0 else "")
                      for i, piece in enumerate(pieces)]
            data = data[size:]
        lines.append(rlp.line(0, data[:-16].hex(), "sealed bytes"))
        lines.append(rlp.line(0, data[-16:].hex(), "tag"))
        return fenced(f"key  {self.code['checkpoint.key']}\n\n" + rlp.align(lines))

    # ---- tables

    def part_errors(self):
        return table(["number", "name", "sentence"],
                     [[number, f"`{name}`", sentence]
                      for number, name, sentence in self.code["errors"]])

    def part_diagram(self):
        return fenced(self.code["diagram"].rstrip("\n"), "mermaid")

    def part_moves(self):
        return table(["state", "on", "next state"], self.code["moves"])

    def part_permits(self):
        states = ["EMPTY", "SYNCING", "VALIDATING", "PASSIVE", "ACTIVE", "HALTED"]
        return table(["type", "request", *states],
                     [[number, name, *["yes" if yes else "–" for yes in allowed]]
                      for number, name, allowed in self.code["permits"]])
