# SPDX-License-Identifier: Apache-2.0
"""The chain from L1 alone, and its payloads from peers that may lie."""

import http.client
import http.server
import json
import os
import random
import signal
import subprocess
import threading
import time

import keccak
import rlp
from network import Network, free_port, program, rpc

ROLLUP = 15  # batches


def unhex(text):
    return bytes.fromhex(text[2:])


class Proxy:
    """A JSON-RPC server before another: answer(call, ask) gives the HTTP status and the body's text, where ask(call)
    is what the other says."""

    def __init__(self, port, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, text = answer(call, ask)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        def ask(call):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.request("POST", "/", json.dumps(call), {"Content-Type": "application/json"})
                return json.loads(connection.getresponse().read())
            finally:
                connection.close()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def liar(port, edit):
    """A node with some batches edited or left out: edit(number, raw) gives other bytes, or None."""
    def answer(call, ask):
        result = ask(call)
        if call["method"] == "ten_getBatches":
            raws = [(b, edit(b["number"], unhex(b["raw"]))) for b in result["result"]]
            result["result"] = [dict(b, raw="0x" + raw.hex()) for b, raw in raws if raw is not None]
        return 200, json.dumps(result)

    return Proxy(port, answer)


def rebuild(net, out, *extra, code=0, genesis=True, l1=None):
    """What tenseq rebuild --json says; or, when it fails, its stderr."""
    argv = [program("tenseq"), "rebuild", "--l1", l1 or net.l1.url, "--registry", net.l1.contract, "--out", out,
            "--l1-confirmations", "1", "--patience", "10s", "--json", *extra]
    if genesis:
        argv += ["--genesis", net.genesis]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=100)
    assert done.returncode == code, f"{' '.join(argv)} gave {done.returncode}: {done.stdout}{done.stderr}"
    return json.loads(done.stdout) if code == 0 else done.stderr


def read_runs(directory):
    """The items of all batches and their hashes, by the index."""
    items, hashes = [], []
    for name in sorted(n for n in os.listdir(directory) if n.endswith(".rlp")):
        assert int(name[:10]) == len(items) + 1
        with open(os.path.join(directory, name), "rb") as f:
            data = f.read()
        with open(os.path.join(directory, name[:10] + ".idx"), "rb") as f:
            index = f.read()
        start = 0
        for at in range(0, len(index), 40):
            end = int.from_bytes(index[at:at + 8], "big")
            items.append(data[start:end])
            hashes.append(index[at + 8:at + 40])
            start = end
        assert start == len(data)
    return items, hashes


def compare(net, out, last):
    """Every header, hash and transaction, byte for byte."""
    items, hashes = read_runs(os.path.join(out, "rebuilt"))
    assert len(items) == last
    batches = net.batches(0)[:last]
    for batch, item, hash_ in zip(batches, items, hashes):
        header, txs, _, _ = rlp.decode(unhex(batch["raw"]))
        assert item == rlp.encode([header, txs]), f"batch {batch['number']}"
        assert hash_ == unhex(batch["hash"])
        assert [keccak.keccak256(t) for t in txs] == [unhex(h) for h in batch["transactionHashes"]]
    return batches


def edited(number):
    """An absent enclave is made up in one payload: the form is right, and the seal is not for it."""
    def edit(n, raw):
        header, txs, payload, seal = rlp.decode(raw)
        if n == number:
            payload[2] = payload[2] + [b"\xee" * 20]
        return rlp.encode([header, txs, payload, seal])
    return edit


def without(number):
    return lambda n, raw: raw if n != number else None


def published(net):
    """The last batch in a rollup on L1."""
    return int(net.l1.call("lastNumber()(uint64)").split()[0])


def only(out):
    """What a rebuild has left in its directory."""
    return {n: os.path.getsize(os.path.join(out, n)) for n in os.listdir(out)}


def test_rebuild():
    with Network(l1=True, enclaves=3, nodes=1, host={"rollup-batches": ROLLUP, "rollup-every": "3s"}) as net:
        out = os.path.join(net.dir, "rebuilt")
        with net.load(60, 60):
            net.wait_more(5)
        old = net.active()
        net[f"e{old}"].kill(signal.SIGKILL)
        net.until("another is active", lambda: net.active() not in (None, old), 10)
        with net.load(40, 60):
            net.wait_more(ROLLUP)
        done = net.head()
        net.until("all that is on L1", lambda: published(net) >= done, 30)

        # Headers, hashes and transactions, from L1 alone.
        said = rebuild(net, out)
        last = said["last"]["number"]
        assert last >= done and said["rollups"] >= 2 and said["payloads"] is None
        batches = compare(net, out, last)
        assert said["transactions"] == sum(len(b["transactions"]) for b in batches) >= 100
        assert said["last"]["hash"] == batches[-1]["hash"]
        assert len({b["header"]["term"] for b in batches}) >= 2, "a takeover is in it"
        assert len({b["header"]["l1Number"] for b in batches}) >= 3
        with open(os.path.join(out, "summary.json")) as f:
            assert json.load(f) == said
        with open(os.path.join(out, "genesis.rlp"), "rb") as f:
            assert keccak.keccak256(f.read()) == unhex(said["genesis"])

        # Again: on from there.
        net.wait_more(ROLLUP)
        net.until("another rollup", lambda: published(net) > last, 30)
        again = rebuild(net, out)
        assert again["rebuilt"] == again["last"]["number"] - last > 0
        last = again["last"]["number"]
        compare(net, out, last)

        # With payloads: whole batches, from a node's JSON-RPC, and from a feed.
        node = f"http://127.0.0.1:{net.node_ports[0]}"
        for name, url in (("rpc", node), ("feed", f"ws://127.0.0.1:{net.node_ports[0]}/feed")):
            other = os.path.join(net.dir, name)
            said = rebuild(net, other, "--payloads", url, genesis=name != "rpc")
            batches = compare(net, other, said["last"]["number"])
            items, _ = read_runs(os.path.join(other, "batches"))
            assert items == [unhex(b["raw"]) for b in batches]
            assert said["payloads"]["faults"] == [] and said["payloads"]["last"] == len(items)
            assert said["payloads"]["protocolRoot"] == said["last"]["protocolRoot"]

        # An edited one, and a missing one, are named; what is before them is kept.
        bad = 7
        port = net.node_ports[0]
        with liar(port, edited(bad)) as editor, liar(port, without(bad + 2)) as gap:
            why = rebuild(net, out, "--payloads", editor.url, code=1)
            assert f"batch {bad}: its payload was edited" in why, why
            items, _ = read_runs(os.path.join(out, "batches"))
            assert len(items) == bad - 1
            why = rebuild(net, out, "--payloads", gap.url, code=1)
            assert f"batch {bad + 2}: it is missing" in why, why
            # Two that lie, each at its place, and nobody else: what one has not the other has.
            out = os.path.join(net.dir, "both")
            said = rebuild(net, out, "--payloads", f"{editor.url},{gap.url}")
            faults = said["payloads"]["faults"]
            assert [(f["peer"], f["batch"]) for f in faults] == [(editor.url, bad), (gap.url, bad + 2)]
        items, _ = read_runs(os.path.join(out, "batches"))
        assert items == [unhex(b["raw"]) for b in net.batches(0)[:said["last"]["number"]]]


def test_rebuild_refuses():
    """What does not fit is told in one sentence, and nothing is left behind."""
    with Network(l1=True, enclaves=1, nodes=0, host={"rollup-batches": 5, "rollup-every": "1s"}) as net:
        net.until("a rollup", lambda: published(net) >= 5, 30)
        out = os.path.join(net.dir, "out")
        why = rebuild(net, out, genesis=False, code=1)
        assert "holds only the hash of the genesis" in why and "--genesis FILE" in why, why
        with open(net.genesis) as f:
            other = json.load(f)
        other["coinbase"] = "0x" + "ab" * 20
        path = os.path.join(net.dir, "other.json")
        with open(path, "w") as f:
            json.dump(other, f)
        why = rebuild(net, out, "--genesis", path, genesis=False, code=1)
        assert "the contract on L1 is of" in why and why.count("\n") == 1, why
        why = rebuild(net, out, "--registry", "0x" + "ab" * 20, code=1)
        assert "there is no contract at" in why, why
        assert not os.path.exists(out)
        # What L1 has not called final yet does not count, when so asked: here that is all.
        final = os.path.join(net.dir, "final")
        said = rebuild(net, final, "--l1-confirmations", "0", "--payloads", f"http://127.0.0.1:{net.host_port}")
        assert said["last"]["number"] == said["rollups"] == 0 and said["last"]["hash"] == said["genesis"]
        os.mkdir(out)
        with open(os.path.join(out, "mine"), "w") as f:
            f.write("x")
        assert "is not empty" in rebuild(net, out, code=1)
        assert only(out) == {"mine": 1}
        start = time.monotonic()
        why = rebuild(net, os.path.join(net.dir, "away"), "--patience", "2s", code=1,
                      l1=f"http://127.0.0.1:{free_port()}")
        assert "L1 does not answer" in why and time.monotonic() - start < 10, why
        bad = subprocess.run([program("tenseq"), "rebuild", "--out", out], capture_output=True, text=True)
        assert bad.returncode == 2 and "--l1" in bad.stderr, bad.stderr


def bad_l1(seed):
    """Slow, refuses wide ranges of logs, and one answer in six is none."""
    draw = random.Random(seed)

    def answer(call, ask):
        method, luck = call["method"], draw.random()
        if method == "eth_getLogs":
            span = call["params"][0]
            if int(span["toBlock"], 16) - int(span["fromBlock"], 16) >= 4:
                return 200, json.dumps({"jsonrpc": "2.0", "id": call["id"], "error": {
                    "code": -32005, "message": "query returned more than 10000 results"}})
        time.sleep(0.01)
        said = ask(call)
        if method in ("eth_chainId", "eth_getCode", "eth_call") or luck > 0.17:
            return 200, json.dumps(said)
        if luck < 0.04:
            return 502, "<html>bad gateway</html>"
        if luck < 0.08:
            return 200, json.dumps(said)[:-20]
        if luck < 0.12 and isinstance(said.get("result"), dict) and "stateRoot" in said["result"]:
            said["result"]["stateRoot"] = "0x" + "77" * 32
        else:
            said["result"] = {"number": "0xffffffffffffffffff"}
        return 200, json.dumps(said)

    return answer


def test_rebuild_from_a_bad_l1():
    """It takes longer, and what comes out is the same; what is not to be had is told in the end."""
    with Network(l1=True, enclaves=2, nodes=1, validators=False,
                 host={"rollup-batches": 5, "rollup-every": "1s"}) as net:
        net.until("some rollups", lambda: published(net) >= 30, 60)
        out = os.path.join(net.dir, "out")
        with Proxy(net.l1.port, bad_l1(7)) as l1:
            said = rebuild(net, out, "--patience", "30s", l1=l1.url)
            assert said["last"]["number"] >= 30 and said["rollups"] >= 4
            compare(net, out, said["last"]["number"])

        def without_index(call, ask):
            none = {"jsonrpc": "2.0", "id": call["id"], "result": None}
            return 200, json.dumps(none if call["method"] == "eth_getTransactionByHash" else ask(call))

        net.until("another rollup", lambda: published(net) > said["last"]["number"] + 5, 30)
        before = read_runs(os.path.join(out, "rebuilt"))
        with Proxy(net.l1.port, without_index) as l1:
            why = rebuild(net, out, "--patience", "3s", l1=l1.url, code=1)
            assert "does not have a rollup's transaction" in why, why
        assert read_runs(os.path.join(out, "rebuilt")) == before

        # Killed, and told to end, at some moment: the next run goes on, and all is there.
        slow = Proxy(net.l1.port, lambda call, ask: (time.sleep(0.03), (200, json.dumps(ask(call))))[1])
        with slow as l1:
            for sig, code in ((signal.SIGKILL, -9), (signal.SIGTERM, 1)):
                done = subprocess.Popen(
                    [program("tenseq"), "rebuild", "--l1", l1.url, "--registry", net.l1.contract, "--out", out,
                     "--l1-confirmations", "1", "--genesis", net.genesis], stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE, text=True)
                time.sleep(0.4)
                done.send_signal(sig)
                _, why = done.communicate(timeout=10)
                assert done.returncode == code, (done.returncode, why)
                assert code != 1 or "the same command goes on from there" in why, why
        said = rebuild(net, out)
        compare(net, out, said["last"]["number"])


def test_rebuild_over_changes_of_the_list():
    """Who signed a rollup was listed then: rollups of one that was revoked since, and of one that was granted."""
    with Network(l1=True, enclaves=2, spares=1, nodes=1, validators=False,
                 host={"rollup-batches": 5, "rollup-every": "1s"}) as net:
        def signers():
            return [r["signer"] for r in net.node_rpc(0, "ten_rollups")]

        net.until("a rollup", signers, 30)
        old, new = signers()[0], net.ids[2]
        net.register(2)
        net.l1.grant(new)
        net.wait_passive(2)
        net.l1.revoke(old)
        net.until("the new one signs", lambda: new in signers(), 30)
        assert net.l1.call("isSequencer(address)(bool)", old) == "false"
        out = os.path.join(net.dir, "out")
        said = rebuild(net, out, "--payloads", f"http://127.0.0.1:{net.node_ports[0]}")
        assert {old, new} <= set(signers()[:said["rollups"]])
        compare(net, out, said["last"]["number"])
        # The same by halves: what an earlier run passed over is not needed to know who is listed.
        said = rebuild(net, out)
        compare(net, out, said["last"]["number"])
