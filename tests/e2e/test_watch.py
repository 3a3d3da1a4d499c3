# SPDX-License-Identifier: Apache-2.0
"""tenseq watch, in a terminal and in a pipe, against a real network."""

import http.server
import json
import os
import re
import signal
import subprocess
import threading
import time

from network import Network, RpcError, free_port, program, rpc, wait_for
from terminal import Terminal


def url(port):
    return f"http://127.0.0.1:{port}"


def short(enclave):
    return enclave[:10]


def lane(t, enclave):
    """The cells of an enclave, or ""."""
    for line in t.screen():
        if short(enclave) in line[:14]:
            return line[36:]
    return ""


def head(t):
    for line in t.screen():
        if line.startswith("head "):
            return int(line.split()[1])
    return 0


def until(net, t, what, condition, timeout=15.0):
    def look():
        t.read(0.05)
        assert t.process.poll() is None, f"it has ended: {t.text()}"
        return condition()

    try:
        return net.until(what, look, timeout) if net else wait_for(what, look, timeout)
    except AssertionError:
        print("    --- its screen\n" + t.text())
        raise


def test_a_node_is_watched():
    with Network(interval="200ms") as net:
        node = net.node_ports[0]
        with Terminal([net.tenseq, "watch", "--rpc", url(node)], 110, 30) as t:
            until(net, t, "all three lanes", lambda: all("." in lane(t, i) or "A" in lane(t, i) for i in net.ids))
            active = net.active()
            until(net, t, "who is active", lambda: t.screen()[2].startswith("active ") and net.ids[active] in t.screen()[2])
            assert t.is_other and not t.has_cursor
            assert "following" in t.screen()[0] and "batches/s" in t.screen()[1]
            assert "operator proofs 0" in t.text() and "\x1b[0;30;42m" in t.raw
            # It keeps up: a screen is no older than a batch and the time between two looks.
            for _ in range(5):
                before = net.node_rpc(0, "ten_health")["head"]["number"]
                until(net, t, "the newest batch", lambda: head(t) >= before, 0.6)
            # a planned switch
            net.cli("switchover")
            other = net.active()
            until(net, t, "the switch", lambda: "t" in lane(t, net.ids[other]) and "PLANNED SWITCH" in t.text())
            until(net, t, "the new active", lambda: t.screen()[2].startswith("active ") and net.ids[other] in t.screen()[2])
            # the active is killed
            net[f"e{other}"].kill()
            until(net, t, "the failover", lambda: "UNCLEAN TAKEOVER" in t.text() and
                  any("T" in lane(t, i) for i in net.ids), 20)
            until(net, t, "the restart", lambda: "R" in lane(t, net.ids[other]), 20)
            until(net, t, "both findings", lambda: "took over from" in t.text() and "was restarted" in t.text(), 10)
            assert "omission" in t.text() and "unclean 1" in t.text()
            # it fits any size
            for columns, rows in ((38, 12), (60, 9), (200, 50), (20, 3)):
                t.resize(columns, rows)
                t.read(0.2)
                until(net, t, "a head", lambda: t.screen()[1].startswith("head"))
                batch, t.cut_off = head(t), 0
                until(net, t, "another", lambda: head(t) > batch)
                assert t.cut_off == 0, f"{t.cut_off} letters find no room in {columns} columns"
            t.resize(110, 30)
            until(net, t, "lanes again", lambda: len(lane(t, net.ids[0])) > 5)
            # the node goes, and comes back
            net["n0"].kill()
            until(net, t, "that it is lost", lambda: "CONNECTION LOST" in t.text() and "refused" in t.text(), 10)
            assert lane(t, net.ids[0]), "the last picture is gone"
            net.pass_time(1.0)
            net["n0"].start()
            until(net, t, "that it is back", lambda: "CONNECTED AGAIN" in t.text(), 30)
            assert "CONNECTION LOST" not in t.text()
            batch = head(t)
            until(net, t, "new batches", lambda: head(t) > batch + 2, 20)
            # Ctrl-C
            t.type("\x03")
            assert t.end() == -signal.SIGINT and t.is_as_before()


def test_a_hung_node_and_an_end_are_told():
    with Network(interval="200ms") as net:
        with Terminal([net.tenseq, "watch", "--rpc", url(net.node_ports[0])], 100, 30, {"NO_COLOR": "1"}) as t:
            until(net, t, "a head", lambda: head(t) > 0)
            os.kill(net["n0"].popen.pid, signal.SIGSTOP)
            until(net, t, "that it does not answer", lambda: "CONNECTION LOST" in t.text(), 12)
            assert "no answer within" in t.text()
            # stopped and continued by the user, the screen is drawn again
            os.kill(net["n0"].popen.pid, signal.SIGCONT)
            until(net, t, "that it is back", lambda: "CONNECTED AGAIN" in t.text(), 12)
            t.type("\x1a")
            wait_for("that it stops", lambda: t.read(0.05) or t.is_as_before(), 5)
            t.signal(signal.SIGCONT)
            batch = head(t)
            until(net, t, "that it goes on", lambda: t.is_other and head(t) > batch + 2)
            # without batches it says so
            net.host.kill()
            until(net, t, "that nothing comes", lambda: "NO BATCHES" in t.text() and "0.0 batches/s" in t.text(), 12)
            assert not re.search(r"\x1b\[[0-9;]*m", t.raw), "colours"
            t.type("q")
            assert t.end() == 0 and t.is_as_before()


class Altered(http.server.BaseHTTPRequestHandler):
    """A node that says something else of itself."""
    node = 0
    alter = None

    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = {"jsonrpc": "2.0", "id": call["id"]}
        try:
            answer["result"] = rpc(self.node, call["method"], *call.get("params", []))
            self.alter(call["method"], answer["result"])
        except RpcError as e:
            answer["error"] = {"code": e.code, "message": e.message}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_a_node_that_is_behind_and_restarts_that_came_close_together():
    def alter(self, method, result):
        if method == "ten_health":
            result.update(state="l1-behind", target=result["head"]["number"] + 77)
        if method == "ten_assessment":
            result["operator"]["likelihood"]["raw"].update(alarm=True, alarmAt=3, logRatio=9.0)
            result["operator"]["likelihood"]["merged"].update(logRatio=result["operator"]["likelihood"]["merged"]["threshold"] - 0.001)

    with Network(interval="200ms") as net:
        net.pass_time(1)
        handler = type("Handler", (Altered,), {"node": net.node_ports[0], "alter": alter})
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            with Terminal([net.tenseq, "watch", "--rpc", url(server.server_port)], 110, 30) as t:
                until(net, t, "that it is behind", lambda: "NODE IS BEHIND" in t.text() and "L1 node" in t.text())
                until(net, t, "the remark", lambda: "close together" in t.text())
                assert "no alarm" in t.text() and "ALARM since" not in t.text(), t.text()
                assert "6.8 of 6.9 (each incident)" in t.text(), t.text()
                assert "switch is on its way" not in t.text()
                t.type("q")
                assert t.end() == 0
            server.shutdown()


def test_a_host_is_watched():
    with Network(interval="200ms", nodes=1) as net:
        with Terminal([net.tenseq, "watch", "--rpc", url(net.host_port)], 110, 30) as t:
            until(net, t, "a host's lanes", lambda: "host " in t.text() and all(lane(t, i) for i in net.ids))
            active = net.active()
            passive = (active + 1) % 3
            until(net, t, "their states", lambda: "A" in lane(t, net.ids[active]) and "." in lane(t, net.ids[passive]))
            net.cli("switchover", "--to", net.ids[passive])
            until(net, t, "the switch", lambda: "t" in lane(t, net.ids[passive]))
            net.cli("drain", net.ids[active])
            until(net, t, "the remark", lambda: "drained" in t.text())
            t.signal(signal.SIGTERM)
            assert t.end() == -signal.SIGTERM and t.is_as_before()


def lines_of(process):
    for line in process.stdout:
        yield json.loads(line)


def test_lines_of_json():
    with Network(interval="200ms") as net:
        node = net.node_ports[0]
        argv = [net.tenseq, "watch", "--rpc", url(node)]
        p = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        try:
            lines = lines_of(p)
            first = next(lines)
            assert first["connected"] and first["kind"] == "node" and first["head"]["number"] > 0
            assert {e["id"] for e in first["enclaves"]} == set(net.ids)
            assert first["operator"]["proofs"] == 0 and first["active"] in net.ids
            heads = [next(lines)["head"]["number"] for _ in range(5)]
            assert heads == sorted(heads) and heads[-1] > heads[0]
            victim = net.ids.index(first["active"])
            net[f"e{victim}"].kill()
            seen, start = set(), time.monotonic()
            while not {"unclean-takeover", "restart"} <= seen:
                net.care()
                assert time.monotonic() - start < 30, seen
                seen |= {f["name"] for f in next(lines)["findings"]}
            net["n0"].kill()
            while next(lines)["connected"]:
                pass
            net["n0"].start()
            assert next(lines)["connected"]
        finally:
            p.kill()
            p.wait()
        once = json.loads(net.run([*argv, "--once"]))
        assert once["head"]["number"] >= heads[-1] and len(once["findings"]) >= 2
        # on a terminal once is text, and no screen
        with Terminal([*argv, "--once"], 110, 40) as t:
            assert t.end() == 0
            assert "\x1b[?" not in t.raw and "operator proofs 0" in t.text()
    port = free_port()
    said = subprocess.run([program("tenseq"), "watch", "--once", "--rpc", url(port)], capture_output=True, text=True,
                          timeout=60)
    assert said.returncode == 1 and "refused" in said.stderr and said.stderr.count("\n") == 1, said


def test_an_assessment_keeps_over_restarts_and_late_joining():
    """Two nodes say the same, whatever became of them; parameters are a node's own."""
    with Network(interval="100ms", nodes=1) as net:
        passive = (net.active() + 1) % 3
        for boots in (2, 3):
            net[f"e{passive}"].kill()
            net.until("its restart is counted", lambda: next(
                e for e in net.node_rpc(0, "ten_assessment")["enclaves"] if e["id"] == net.ids[passive])["boots"]
                == boots, 20)
            net.wait_passive(passive)
        strict = net.add_node(start=True, extra={"alpha": 0.1, "restart-ceiling-per-day": 0.5,
                                                 "restart-abuse-per-day": 50, "restart-merge-window": "0",
                                                 "boot-time": "5s"})
        net.wait_node(strict, net.head(), 30)
        for end in (net["n0"].stop, net["n0"].kill):
            end()
            net["n0"].start()
            net.wait_node(0, net.head(), 30)
        try:
            said = net.rpc("ten_assessment")
            raise AssertionError(f"a host is its own judge: {said}")
        except RpcError as e:
            assert "only a node" in str(e), e
        net.host.stop()  # nothing moves any more
        net.until("both are at one head", lambda: net.node_rpc(0, "ten_health")["head"] ==
                  net.node_rpc(strict, "ten_health")["head"], 10)
        mine, late = net.node_rpc(0, "ten_assessment"), net.node_rpc(strict, "ten_assessment")
        assert mine["number"] == late["number"] > 0
        assert late["parameters"]["bootMsFrom"] == "configured" and late["parameters"]["bootMs"] == 5000
        assert mine["parameters"]["bootMsFrom"] == "observed" and mine["parameters"]["lambda0PerDay"] == 0.1
        for a in (mine, late):
            assert a["operator"]["restarts"] == 2 and a["operator"]["proofs"] == 0
        assert late["operator"]["likelihood"]["merged"]["alarm"], late["operator"]
        assert not mine["operator"]["likelihood"]["merged"]["alarm"]
        for a in (mine, late):  # what depends on parameters
            for x in [a["operator"], *a["enclaves"]]:
                for key in ("likelihood", "incidents"):
                    x.pop(key, None)
                for key in ("boots", "openBoots"):
                    x["exposure"].pop(key)
        assert mine["operator"] == late["operator"] and mine["enclaves"] == late["enclaves"]
        bad = net.run([program("tenseq-node"), "--genesis", net.genesis, "--restart-abuse-per-day", "0.05"], code=2)
        assert "restart-abuse-per-day 0.05" in bad and "above the ceiling" in bad, bad
