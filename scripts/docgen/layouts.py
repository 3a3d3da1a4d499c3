# SPDX-License-Identifier: Apache-2.0
"""The protocol's forms, as the documents name them."""

from docgen.rlp import (address, fixed, hash32, many, opaque, rows, sig, string, text, u)


def struct(name, fields, is_signed):
    """A row of the schema: fields are (name, kind) pairs."""
    items = [u(field) if kind.startswith("uint") else
             address(field) if kind == "address" else hash32(field)
             for field, kind in fields]
    return rows(name, *items, *([sig()] if is_signed else []))


class Layouts:
    def __init__(self, types):
        def of(kind, name=None):
            t = types[kind]
            return struct(name or kind, t["fields"], t["signed"])

        self.of = of
        transition, report = of("LifecycleEvent"), of("RestartEvent")
        notice = rows("notice", u("type"), string("body"))
        payload = rows("protocolPayload", many("transitions", transition),
                       many("reports", report), many("absent", address("enclaveId")),
                       many("notices", notice))
        self.transactions = many("transactions", string("transaction"))
        self.batch = rows("Batch", of("BatchHeader", "header"), self.transactions, payload,
                          sig("seal"))
        self.notice = rows("whitelist change", u("l1Number"), hash32("l1Hash"),
                           many("added", address("enclaveId")),
                           many("removed", address("enclaveId")))
        self.genesis = rows(
            "genesis", u("version"), u("l1ChainId"), address("contract"), u("chainId"), u("time"),
            u("l1Number"), hash32("l1Hash"), many("whitelist", address("enclaveId")),
            many("alloc", rows("account", address("address"), u("balance"))), address("coinbase"),
            *[u(name) for name in ("batchInterval", "reportEvery", "maxReportLag", "maxL1Age",
                                   "maxBatchBytes", "maxTxBytes", "batchGasLimit", "baseFee",
                                   "grantQuorum", "maxSilence")])
        self.snapshot = self.make_snapshot()
        self.link = self.make_link(transition, report, notice)
        self.feed = self.make_feed()
        self.query = self.make_queries()

    @staticmethod
    def make_snapshot():
        head = rows("head", u("number"), hash32("hash"), u("time"), u("term"), u("l1Number"),
                    hash32("l1Hash"), hash32("stateRoot"), hash32("protocolRoot"))
        entry = rows("entry", address("id"), u("whitelisted"), u("role"), hash32("bootKey"),
                     u("tipSeq"), hash32("tipHash"), u("tipKind"), u("tipTerm"),
                     u("restartTime"), hash32("restartHead"), u("restartNumber"), u("startedIn"),
                     u("hasReport"), u("lastReportHead"), hash32("lastReportHash"),
                     u("lastReportIn"), many("bootIds", hash32("bootId")))
        return rows("snapshot", u("version"), hash32("genesisHash"), head,
                    many("recent", hash32("hash")),
                    rows("registry", address("active"), many("entries", entry)))

    def make_link(self, transition, report, notice):
        head = rows("head", u("number"), hash32("hash"))
        events = [u("state"), head, many("report", report), many("transitions", transition)]
        created = [string("batch"), u("fresh"),
                   many("rejected", rows("rejected", u("index"), u("code"), text("text"))),
                   many("report", report), many("transitions", transition)]
        bodies = {
            "identify.request": [],
            "identify.answer": [
                u("version"), address("id"), hash32("bootId"), hash32("bootKey"), u("bootTime"),
                u("state"), hash32("genesis"), head, u("tipSeq"), u("term"), many("sealed", head)],
            "load.request": [string("genesis"), rows("from", u("number"), hash32("hash"))],
            "load.answer": [u("number"), hash32("hash")],
            "accept.request": [string("batch"), string("l1Header")],
            "events.answer": events,
            "synced.request": [u("time"), string("notice"), string("l1Header")],
            "report.request": [],
            "activate.request": [u("term"), u("time")],
            "step-down.request": [u("time")],
            "create.request": [
                rows("parent", u("number"), hash32("hash")), u("time"), u("l1Number"),
                hash32("l1Hash"), string("l1Header"), many("transitions", transition),
                many("reports", report), many("notices", notice),
                many("txs", string("transaction"))],
            "create.answer": created,
            "query.request": [u("kind"), string("arg")],
            "query.answer": [head, string("answer")],
            "snapshot.request": [],
            "offers.request": [u("above")],
            "offers.answer": [many("batches", string("batch"))],
            "exit.request": [],
            "leaving": [],
            "rollup.request": [
                u("l1Number"), hash32("l1Hash"), string("l1Header"), hash32("protocolRoot"),
                sig("seal"), many("range", rows("batch", self.of("BatchHeader", "header"),
                                                self.transactions)),
                many("above", self.of("BatchHeader", "header"))],
            "rollup.answer": [self.of("Rollup", "rollup"), string("data")],
            "register.request": [],
            "register.answer": [
                rows("registration", address("enclaveId"), hash32("measurement")), sig("signature")],
            "error": [u("code"), many("enclave", address("id")), text("text")],
            "error.named": [u("code"), many("enclave", address("id")), text("text")],
        }
        return {name: rows("frame", u("type"), u("id"), rows("body", *items))
                for name, items in bodies.items()}

    @staticmethod
    def make_feed():
        bodies = {
            "hello": [u("version"), hash32("genesis"), u("head number"), hash32("head hash"),
                      text("client name")],
            "batch": [string("batch")],
            "get": [u("request id"), u("from"), u("count")],
            "batches": [u("request id"), many("batches", string("batch"))],
            "transaction": [u("request id"), string("transaction")],
            "accepted": [u("request id"), u("code"), text("sentence")],
            "error": [u("code"), text("sentence")],
            "evidence": [hash32("protocol root before it"), string("batch")],
        }
        return {name: rows("frame", u("type"), *items) for name, items in bodies.items()}

    @staticmethod
    def make_queries():
        info = rows("info", hash32("hash"), u("type"), u("hasChainId"), u("chainId"), u("nonce"),
                    address("from"), address("to"), u("value"), u("gas"), u("gasPrice"),
                    u("maxFee"), u("maxPriority"), string("data"), string("accessList"), u("v"),
                    u("r"), u("s"), u("gasUsed"), u("effectiveGasPrice"))
        verdict = rows("verdict", u("error"), text("sentence"), address("sender"), u("nonce"),
                       u("accountNonce"), u("cost"), u("balance"))
        return {
            "nonce.answer": u("nonce"),
            "transaction.answer": info,
            "receipts.answer": many("infos", info),
            "check.answer": many("verdicts", verdict),
            "estimate.arg": rows("call", address("from"), address("to"), u("value"),
                                 string("data"), opaque("accessList")),
            "estimate.answer": u("gas"),
        }


SNAPSHOT_HEADER = [("magic", 8), ("genesis hash", 32), ("state root", 32), ("count", 8)]
SNAPSHOT_RECORD = [("address", 20), ("nonce", 8), ("balance", 32)]
__all__ = ["Layouts", "SNAPSHOT_HEADER", "SNAPSHOT_RECORD", "fixed"]
