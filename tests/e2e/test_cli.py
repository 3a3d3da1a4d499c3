# SPDX-License-Identifier: Apache-2.0
"""The command line as people type it: wrong usage, endings of its output, what it prints."""

import http.client
import http.server
import json
import os
import re
import subprocess
import tempfile
import threading

from network import ROOT, Network, cast_path, free_port, program

ID = "0x" + "12" * 20


def _run(*args, code, stdout=subprocess.PIPE, env=None):
    """Exit code and sentence of a verb; what stdout held is returned with it."""
    done = subprocess.run([program("tenseq"), *args], stdout=stdout, stderr=subprocess.PIPE, text=True,
                          timeout=60, stdin=subprocess.DEVNULL, env=dict(os.environ, **(env or {})))
    assert done.returncode == code, f"{args} gave {done.returncode}: {done.stderr}"
    return done.stdout, done.stderr


def _misused(*args, words, env=None):
    out, said = _run(*args, code=2, env=env)
    assert out == "", out
    assert said.count("\n") == 1, f"{args} said {said!r}"
    for word in words:
        assert word in said, f"{args}: {word!r} is not in {said!r}"
    return said


def test_wrong_usage_exits_with_2():
    with tempfile.TemporaryDirectory() as data:
        out = os.path.join(data, "g.json")
        _misused("no-such-verb", words=["no-such-verb", "--help"])
        _misused("statsu", words=["statsu", "did you mean status?"])
        _misused("switchover", ID, words=[f"tenseq switchover --to {ID}"])
        _misused("batch", "-1", words=["-1", "below 0"])
        said = _misused("send", "--key", "zz", words=["--key", "64 hexadecimal"])
        assert "zz" not in said, "what may be a secret is not repeated"
        _misused("send", "--key", "0x" + "00" * 32, words=["--key", "not a valid secret key"])
        _misused("send", "--value", "1ether", words=["--value", "1ether", "wei"])
        _misused("send", "--value", "", words=["--value"])
        for verb in (["status"], ["watch"], ["pause"], ["batch", "1"], ["send"]):
            _misused(*verb, "--rpc", "127.0.0.1:9010", words=["--rpc", "http://127.0.0.1:9000"])
        _misused("status", words=["TENSEQ_RPC", "ftp://x"], env={"TENSEQ_RPC": "ftp://x"})
        for verb in (["lifecycle"], ["drain"], ["undrain"], ["register"], ["switchover", "--to"],
                     ["replace", "--reason", "x", "--with", ID], ["replace", ID, "--reason", "x", "--with"]):
            _misused(*verb, "foo", words=['"foo" is not an enclave\'s id: 0x and 40 hexadecimal digits'])
        _misused("lifecycle", "--from", "5", "--to", "4", words=["--from 5", "--to 4"])
        for what in ("abc", "0xzz", "1e3", "-1", "99999999999999999999999", ""):
            _misused("batch", "--", what, words=["no batch", f'"{what}"'])
        for what in ("abc", "0x" + "11" * 32, "99999999999999999999999"):
            _misused("registry", what, words=["not a batch number"])
        genesis = ["genesis", "--out", out, "--enclave", ID]
        _misused("genesis", "--enclave", ID, words=["--out", "missing"])
        _misused("genesis", "--out", out, words=["--enclave", "missing"])
        _misused(*genesis, "--gas-limit", "1", words=["--gas-limit", "21000"])
        _misused(*genesis, "--interval", "2d", words=["--interval"])
        _misused(*genesis, "--chain-id", "18446744073709551615", words=["--chain-id"])
        _misused(*genesis, "--enclave", ID, words=["--enclave", "twice"])
        _misused(*genesis, "--alloc", ID, words=["--alloc", "ADDR=WEI"])
        most = str(2**256 - 1)
        _misused(*genesis, "--alloc", f"{ID}={most}", "--alloc", f"0x{'13' * 20}={most}",
                 words=["alloc", "2^256"])
        _misused(*genesis, "--l1", "http://127.0.0.1:1", words=["--l1", "--registry", "together"])
        _misused(*genesis, "--registry", ID, words=["--l1", "--registry", "together"])
        _misused(*genesis, "--l1-number", "3", words=["--l1-number", "--l1"])
        _misused("devnet", "--l1", "sepolia", words=["--l1", "sepolia", "anvil", "none", "URL"])
        _misused("devnet", "--l1", "none", "--spares", "1", words=["--spares", "L1"])
        _misused("devnet", "--l1", "none", "--registry", ID, words=["--registry", "--l1"])
        _misused("devnet", "--l1", "none", "--anvil", "anvil", words=["--anvil", "--l1 anvil"])
        _misused("devnet", "--l1-key", "key", words=["--l1-key", "URL"])
        _misused("devnet", "--enclaves", "60", "--spares", "8", words=["--enclaves", "--spares", "64"])
        assert os.listdir(data) == [], "nothing was made"
        _run(*genesis, "--gas-limit", "0", code=0)
        before = open(out).read()
        assert out in _run(*genesis, code=1)[1]
        assert open(out).read() == before


def test_refused_devnet_changes_nothing():
    with tempfile.TemporaryDirectory(prefix="tdev-") as parent:
        long = os.path.join(parent, "d" * 80)
        said = _run("devnet", "--data-dir", long, code=1)[1]
        assert "too long" in said and "--data-dir" in said
        said = _run("devnet", "--data-dir", os.path.join(parent, "no", "such"), code=1)[1]
        assert "cannot make the directory" in said
        server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
        if server.server_port <= 65000:
            port = str(server.server_port)
            said = _run("devnet", "--data-dir", os.path.join(parent, "new"), "--base-port", port,
                        code=1)[1]
            assert f"port {port}" in said
        server.server_close()
        said = _run("devnet", "--data-dir", os.path.join(parent, "new"), "--anvil", parent, code=1)[1]
        assert f"--anvil {parent} is missing" in said
        key = os.path.join(parent, "key")
        with open(key, "w") as f:
            f.write("0x" + "11" * 32 + "\n")
        url = ("--l1", "http://127.0.0.1:1", "--l1-key", key, "--data-dir", os.path.join(parent, "new"))
        assert "read by others" in _run("devnet", *url, code=1)[1]
        os.chmod(key, 0o600)
        with open(key, "w") as f:
            f.write("0x11\n")
        assert "holds no secret key" in _run("devnet", *url, code=1)[1]
        os.unlink(key)
        assert os.listdir(parent) == []


def test_output_that_cannot_be_written():
    with open("/dev/full", "w") as full:
        for args in (["--help"], ["--version"], ["status", "--help"]):
            said = _run(*args, code=1, stdout=full)[1]
            assert "standard output" in said and "No space left" in said, said


def _cut(net, *args):
    """The exit code and stderr when the reader of stdout leaves after the first byte."""
    p = subprocess.Popen([net.tenseq, *args, "--rpc", f"http://127.0.0.1:{net.host_port}"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.read(p.stdout.fileno(), 1)
    p.stdout.close()
    said = p.stderr.read()
    return p.wait(60), said


def _unread(net, *args):
    """The same when nobody reads from the beginning."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run([net.tenseq, *args, "--rpc", f"http://127.0.0.1:{net.host_port}"],
                              stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
    finally:
        os.close(writer)
    return done.returncode, done.stderr


def test_reading_verbs():
    with Network(nodes=1) as net:
        net.wait_head(3)
        net.until("all are on record, and who is active", lambda: len(net.lifecycle()) == 4)
        # lifecycle: what is not there is said
        assert net.cli("lifecycle", net.ids[0]).count("Started") == 1
        said = net.cli("lifecycle", ID, code=1)
        assert said.count("\n") == 1 and ID in said and "no enclave has the id" in said
        assert "no enclave has the id" in net.cli("lifecycle", ID, "--json", code=1)
        assert "no batch 1000000" in net.cli("lifecycle", "--from", "1000000", code=1)
        quiet = net.lifecycle(0)[-1]["batch"] + 1  # whatever it had to say was said before
        net.wait_head(quiet)
        at = ("--from", str(quiet), "--to", str(quiet))
        assert net.cli("lifecycle", net.ids[0], *at) == ""
        assert json.loads(net.cli("lifecycle", net.ids[0], *at,
                                  "--json")) == {"events": []}
        assert len(json.loads(net.cli("lifecycle", "--json"))["events"]) == 4
        # batch and registry: text, and JSON when it is asked for
        text, full = net.cli("batch", "1"), json.loads(net.cli("batch", "1", "--json"))
        assert full["header"]["number"] == 1 and full["raw"].startswith("0x")
        payload = full["protocolPayload"]  # who came a moment late starts in a later batch
        assert 1 <= len(payload["reports"]) <= 3 and len(payload["reports"] + payload["absent"]) == 3
        counts = [f"{name:<13} {len(payload[name])}" for name in ("transitions", "reports", "absent")]
        for word in (full["hash"], full["header"]["stateRoot"], "transactions  0", "Started", "Active", *counts):
            assert word in text, f"{word} is not in {text}"
        assert net.cli("batch", full["hash"]) == text and net.cli("batch", "0x1") == text
        assert "there is no batch" in net.cli("batch", "18446744073709551615", code=1)
        assert net.cli("batch", "latest").startswith("batch ")
        text, full = net.cli("registry", "1"), json.loads(net.cli("registry", "1", "--json"))
        assert full["number"] == 1 and len(full["enclaves"]) == 3
        assert text.startswith("at batch 1 0x") and all(i in text for i in net.ids)
        for args in ([], ["latest"]):
            assert net.cli("registry", *args).startswith("at batch ")
        assert json.loads(net.cli("registry", "latest", "--json"))["number"] >= 3
        # whoever reads may leave, a full disk is told
        assert _cut(net, "watch", "--every", "50ms") == (0, "")
        for args in (["lifecycle"], ["lifecycle", "--json"], ["batch", "1"], ["watch"], ["status"]):
            assert _unread(net, *args) == (0, ""), args
        with open("/dev/full", "w") as disk:
            for verb in ("status", "lifecycle", "registry"):
                done = subprocess.run([net.tenseq, verb, "--rpc", f"http://127.0.0.1:{net.host_port}"],
                                      stdout=disk, stderr=subprocess.PIPE, text=True, timeout=60)
                assert done.returncode == 1 and "No space left" in done.stderr, (verb, done)
        # a host is told from a node
        for verb in ("audit", "rollups"):
            assert "default: http://127.0.0.1:9010" in _run(verb, "--help", code=0)[0]
            said = net.cli(verb, code=1)
            assert said.count("\n") == 1 and "only a node" in said and "--rpc" in said, said
        # https to a listener that has none
        said = _run("status", "--rpc", f"https://127.0.0.1:{net.host_port}", code=1)[1]
        assert said.count("\n") == 1 and "TLS" in said and "http://" in said, said
        # both have a page, and name what there is
        for port, path, words in ((net.host_port, "/", ["host", "sequencer_switchover"]),
                                  (net.node_ports[0], "/methods", ["node", "ten_health"])):
            status, page = _get(port, path)
            assert status == 200
            for word in words + ["head: batch ", "/feed", "/metrics", "eth_sendRawTransaction"]:
                assert word in page, f"{word} is not in {page}"
            status, page = _get(port, "/nothing")
            assert status == 404 and page.count("\n") == 1
            for word in ("/healthz", "/readyz", "/metrics", "/feed"):
                assert word in page


def _get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_send_stops_at_what_cannot_change():
    with Network(nodes=0, validators=False) as net:
        before = int(net.rpc("eth_getTransactionCount", net.accounts[0]["address"], "pending"), 16)
        said = net.cli("send", "--count", "5", "--accounts", "1", "--value", str(10**30), code=1)
        assert "after 0 of 5" in said and "insufficient funds" in said, said
        assert net.accounts[0]["address"].lower() in said and f"nonce {before}" in said
        poor = "0x" + "11" * 32
        done = subprocess.run([net.tenseq, "send", "--rpc", f"http://127.0.0.1:{net.host_port}", "--key",
                               poor, "--count", "3", "--json"], capture_output=True, text=True,
                              timeout=20)
        assert done.returncode == 1 and "insufficient funds" in done.stderr
        assert json.loads(done.stdout)["acknowledged"] == 0
        # What is affordable a few times is counted.
        said = net.cli("send", "--count", "9", "--accounts", "1", "--batch", "1", "--value",
                       str(300 * 10**18), code=1)
        assert "after 3 of 9 were accepted" in said and "insufficient funds" in said, said
        out = net.cli("send", "--count", "20", "--json", "--quiet")
        for number in re.findall(r'"(?:seconds|rate)": ([0-9.]+)', out):
            assert len(number.partition(".")[2]) <= 3, out


class _Full(http.server.BaseHTTPRequestHandler):
    """A host that takes nothing: every transaction is refused for a reason that passes."""

    protocol_version = "HTTP/1.1"
    sent = []

    def do_POST(self):
        calls = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        batch = calls if isinstance(calls, list) else [calls]
        answers = [self.answer(c) for c in batch]
        body = json.dumps(answers if isinstance(calls, list) else answers[0]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, call):
        answer = {"jsonrpc": "2.0", "id": call["id"]}
        if call["method"] == "eth_sendRawTransaction":
            self.sent.append(call)
            return answer | {"error": {"code": -32000, "message": "the disk is full",
                                       "data": {"code": "TS_E_DISK_FULL"}}}
        return answer | {"result": "0x1"}

    def log_message(self, *args):
        pass


def test_send_waits_for_what_passes():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Full)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        out, said = _run("send", "--rpc", f"http://127.0.0.1:{server.server_port}", "--accounts", "1",
                         "--count", "3", "--patience", "3s", code=1)
    finally:
        server.shutdown()
        server.server_close()
    # Waits of 50, 100, 200, 400, 800 and 1600 ms fit into three seconds, with three in each.
    assert 3 * 3 <= len(_Full.sent) <= 3 * 8, len(_Full.sent)
    assert "only 0 of 3 were accepted" in said and "wait before they try again: the disk is full" in said
    assert "waited" in out


def test_nobody_there_is_told():
    url = f"http://127.0.0.1:{free_port()}"
    for verb in ("send", "status", "watch", "audit"):
        said = _run(verb, *(["--once"] if verb == "watch" else []), "--rpc", url, code=1)[1]
        assert f"nothing listens at {url}" in said and "started?" in said and "--rpc" in said, said
        assert said.count("\n") == 1, said


def test_status_waits_for_a_host_that_starts():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), _Full, bind_and_activate=False)

    def begin():
        server.server_bind()
        server.server_activate()
        server.serve_forever()

    begins = threading.Timer(0.7, begin)
    begins.start()
    try:
        out = _run("status", "--json", "--rpc", f"http://127.0.0.1:{server.server_address[1]}", code=0)[0]
        assert out == '"0x1"\n', out
    finally:
        begins.join(0)
        server.shutdown()
        server.server_close()


class _Stranger(http.server.BaseHTTPRequestHandler):
    """Some other program's JSON-RPC, such as anvil's."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        answer = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}'
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def test_status_of_what_is_no_tenseq():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        said = _run("status", "--rpc", url, code=1)[1]
    finally:
        server.shutdown()
        server.server_close()
    assert f"{url} answers, but is no tenseq host or node" in said and said.count("\n") == 1, said


def test_proofs_are_not_written_into_a_file():
    with tempfile.NamedTemporaryFile() as f:
        said = _run("audit", "--export", f.name, "--rpc", f"http://127.0.0.1:{free_port()}", code=1)[1]
        assert said == f"error: --export {f.name}: it is there and is no directory\n"


def _script(name, *files):
    return subprocess.run(["node", os.path.join(ROOT, "verify", name + ".mjs"), *files], capture_output=True, text=True)


def test_scripts_that_check_evidence_refuse_what_is_none():
    for name in ("common", "rollup-data"):  # what they share checks nothing
        done = _script(name, "x.json")
        assert done.returncode == 2 and done.stdout == "" and "node verify/KIND.mjs" in done.stderr, done
    sample = os.path.join(ROOT, "tests", "data", "evidence", "equivocation-batch.json")
    readme = os.path.join(ROOT, "README.md")
    with tempfile.TemporaryDirectory() as data:
        for path, word in ((os.path.join(data, "none.json"), "no such file"), (data, "no file")):
            done = _script("equivocation", path, sample)
            assert done.returncode == 2 and f"{path}: cannot be read: " in done.stderr and word in done.stderr, done
            assert f"{sample}: proven, about the operator" in done.stdout and path not in done.stdout
    done = _script("equivocation", readme)
    assert done.returncode == 1 and "not proven: it is no file of evidence" in done.stdout, done
    assert "not proven: it is no file of evidence" in _run("verify", readme, code=1)[1]


def test_what_does_not_rest_on_l1_is_not_asked_there():
    sample = os.path.join(ROOT, "tests", "data", "evidence", "equivocation-batch.json")
    said = _run("verify", "--l1", f"http://127.0.0.1:{free_port()}", sample, code=0)[0]
    assert ": proven, about the operator" in said and "L1 was not asked: none of this rests on it" in said, said


def test_a_file_of_evidence_that_cannot_be_read():
    with tempfile.TemporaryDirectory() as data:
        for path, word in ((os.path.join(data, "none.json"), "No such file"), (data, "no file")):
            said = _run("verify", path, code=2)[1]
            assert path in said and "cannot be read" in said and word in said and "proven" not in said, said
        bad = os.path.join(data, "bad.json")
        with open(bad, "w") as f:
            f.write("{}")
        assert "not proven" in _run("verify", bad, code=1)[1]
        _run("verify", bad, os.path.join(data, "none.json"), code=2)


def test_replace_for_a_multisig():
    """What --calldata prints is what cast makes of the same call; a wrong use is named."""
    faulty, new, contract = "0x" + "11" * 20, "0x" + "22" * 20, "0x" + "33" * 20
    reason = "bad seals since batch 7 – see the log"
    base = ("replace", faulty, "--with", new, "--reason", reason, "--calldata")
    said = json.loads(_run(*base, "--registry", contract, "--json", code=0)[0])
    approve = json.loads(_run(*base, "--registry", contract, "--json", "--request", "7", code=0)[0])

    def made(signature, *args):
        return subprocess.run([cast_path(), "calldata", signature, *args], capture_output=True, text=True,
                              check=True).stdout.strip()

    assert [t["data"] for t in said["operator"]] == [
        made("requestReplacement(address,address,string)", faulty, new, reason)]
    assert [t["data"] for t in said["governance"]] == [
        made("grantSequencerEnclave(address)", new), made("revokeSequencerEnclave(address)", faulty)]
    assert approve["operator"] == []
    assert [t["data"] for t in approve["governance"]] == [made("approveReplacement(uint256)", "7")]
    for t in said["operator"] + said["governance"] + approve["governance"]:
        assert t["to"] == contract and t["value"] == "0"
    text = _run(*base, "--registry", contract, code=0)[0]
    assert all(t["data"] in text for t in said["operator"] + said["governance"])
    _misused(*base, words=["--registry", "--genesis"])
    _misused(*base, "--registry", contract, "--genesis", "x", words=["not both"])
    _misused(*base, "--registry", contract, "--request", "0", words=["--request 0"])
    _misused("replace", faulty, "--with", faulty, "--reason", "x", words=["--with"])
    _misused("replace", faulty, "--with", new, "--reason", "x", "--request", "1", words=["--calldata"])
    _misused("replace", faulty, "--with", new, words=["--reason"])
    _misused("replace", faulty, "--with", new, "--reason", "é" * 129, words=["--reason", "256 bytes"])
