# SPDX-License-Identifier: Apache-2.0
"""Bad input of every kind: one clear sentence, nothing changed, the process alive."""

import json
import os
import random
import socket
import sqlite3
import subprocess

import checks
from network import Network, RpcError, cast_path, program


def _mktx(net, account, nonce, *extra, chain="443", price="2000000000", value="1"):
    return net.run([cast_path(), "mktx", "--private-key", account["key"], net.accounts[1]["address"],
                    "--value", value, "--nonce", str(nonce), "--gas-limit", "21000", "--gas-price",
                    price, "--legacy", "--chain", chain, *extra]).strip()


def _refused(net, raw, word):
    try:
        net.rpc("eth_sendRawTransaction", raw)
    except RpcError as e:
        assert e.code in (-32000, -32602), e.code
        assert word in e.message, f"{word!r} is not in {e.message!r}"
        assert "\n" not in e.message
        return
    raise AssertionError(f"accepted: {raw[:40]}… ({word})")


def test_transactions():
    with Network(nodes=1) as net:
        a = net.accounts[0]
        good = _mktx(net, a, 0)
        _refused(net, _mktx(net, a, 0, chain="1"), "chain")
        _refused(net, _mktx(net, a, 5), "nonce too high")
        _refused(net, _mktx(net, a, 0, price="1"), "max fee per gas")
        _refused(net, _mktx(net, a, 0, value="2000ether"), "insufficient funds")
        _refused(net, "0x", "transaction")
        _refused(net, "0xdeadbeef", "transaction")
        _refused(net, good[:-2], "transaction")
        _refused(net, good + "00", "transaction")
        _refused(net, "0x03" + good[4:], "transaction")
        _refused(net, "0x" + "ff" * 200_000, "bytes")
        for bad in ("zz", "0xabc", 7, None, ["0x00"], {}):
            try:
                net.rpc("eth_sendRawTransaction", bad)
                raise AssertionError(f"accepted {bad!r}")
            except RpcError as e:
                assert e.code == -32602, (bad, e.code, e.message)
        net.rpc("eth_sendRawTransaction", good)
        _refused(net, good, "already known")
        net.until("it is in a batch",
                  lambda: int(net.rpc("eth_getTransactionCount", a["address"], "latest"), 16) == 1)
        _refused(net, good, "nonce too low")
        creation = net.run([cast_path(), "mktx", "--private-key", a["key"], "--nonce", "1", "--gas-limit",
                            "100000", "--gas-price", "2000000000", "--legacy", "--chain", "443",
                            "--create", "0x6001"]).strip()
        _refused(net, creation, "contract creation")
        checks.all_is_well(net)


def _http(port, data, timeout=5):
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as s:
        s.sendall(data)
        try:
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        answer = b""
        try:
            while more := s.recv(65536):
                answer += more
        except OSError:
            pass
        return answer


def _post(port, body):
    return _http(port, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                       b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def _refuses_names(net):
    for method, params in (("sequencer_switchover", {"too": net.ids[0]}), ("sequencer_pause", {"for": 5}),
                           ("sequencer_drain", {"enclave": net.ids[0], "force": True}),
                           ("ten_lifecycle", {"enclave": net.ids[0]}), ("ten_registry", {"block": 1}),
                           ("eth_getBalance", {"address": net.accounts[0]["address"]})):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        error = json.loads(_post(net.host_port, body).split(b"\r\n\r\n", 1)[1])["error"]
        assert error["code"] == -32602 and error["message"].startswith(f"{method}: "), error


def test_http_and_json():
    with Network(nodes=1) as net:
        _refuses_names(net)
        for port in (net.host_port, net.node_ports[0]):
            for body, code in ((b"{", -32700), (b"", -32700), (b"[]", -32600), (b"7", -32600),
                               (b'{"jsonrpc":"2.0","id":1}', -32600),
                               (b'{"jsonrpc":"2.0","id":1,"method":"no_such"}', -32601),
                               (b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x1"]}',
                                -32602),
                               (b"[" * 100_000, -32700)):
                answer = _post(port, body)
                payload = answer.split(b"\r\n\r\n", 1)[1]
                assert json.loads(payload)["error"]["code"] == code, (body[:60], answer[-300:])
            assert b" 413 " in _http(port, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                                           b"999999999\r\n\r\n").split(b"\r\n")[0]
            assert b" 404 " in _http(port, b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n").split(
                b"\r\n")[0]
            for junk in (b"\x00\xff" * 500, b"GET\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n",
                         b"GET / HTTP/1.1\r\n" + b"A: " + b"x" * 200_000 + b"\r\n\r\n"):
                _http(port, junk)
            assert b" 200 " in _http(port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").split(
                b"\r\n")[0]
        rng = random.Random(7)
        for _ in range(50):
            _http(net.host_port, rng.randbytes(rng.randrange(1, 400)))
        net.wait_more(2)
        checks.all_is_well(net)


def _speak(path, junk):
    """What a stranger on an enclave's link is answered."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.settimeout(0.3)
        try:
            s.sendall(junk)
        except OSError:
            pass  # turned away already; what was said before is read below
        try:
            return s.recv(1000)
        except OSError:
            return b""


def test_frames():
    with Network() as net:
        rng = random.Random(3)
        passive = (net.active() + 1) % 3
        path = net.socket(f"e{passive}")
        many = (b"\xff\xff\xff\xff", b"\0\0\0\1\x00", b"\0\0\0\3\xc2\x01\x02", rng.randbytes(100),
                b"\0\0\0\0")
        for junk in many:  # a host at work is not disturbed
            assert b"another host" in _speak(path, junk)
        net.wait_passive(passive)
        assert net[f"e{passive}"].log().count(" enclave connected ") == 1
        net.host.kill()
        for junk in many:  # nobody is there: the stranger is listened to
            assert b"another host" not in _speak(path, junk)
        assert net[f"e{passive}"].alive()
        assert net[f"e{passive}"].log().count(" enclave connected ") == 1 + len(many)
        net.host.start()
        net.until("the host is back", lambda: net.rpc("web3_clientVersion"))
        net.wait_passive(passive)
        net.wait_more(2)
        checks.all_is_well(net)


def _fails(argv, *words, code=None):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    assert done.returncode not in (0, -6, -11, 134, 139), f"{argv} gave {done.returncode}"
    if code is not None:
        assert done.returncode == code, (argv, done.returncode, done.stderr)
    text = done.stderr.strip().split("\n")[-1]
    for word in words:
        assert word in done.stderr, f"{word!r} is not in {done.stderr!r}"
    assert text
    return done.stderr


def test_flags_and_files():
    with Network(nodes=1) as net:
        host, node, enclave = program("tenseq-host"), program("tenseq-node"), program("tenseq-enclave")
        for p in (host, node, enclave, net.tenseq):
            _fails([p, "--no-such-flag"], code=2)
        _fails([net.tenseq, "no-such-verb"], "no-such-verb", code=2)
        _fails([net.tenseq, "batch"], code=2)
        path = os.path.join(net.dir, "bad.yaml")
        with open(path, "w") as f:
            f.write("data-dir: x\nenclavs:\n  - unix:/x\n")
        _fails([host, "--config", path], "bad.yaml:2", "enclaves", code=2)
        with open(path, "w") as f:
            f.write("interval: soon\n")
        _fails([host, "--config", path], "bad.yaml:1", "soon", code=2)
        _fails([host, "--config", "/nowhere.yaml"], "/nowhere.yaml", code=2)
        assert "data-dir" in net.run([host, "--print-config", *net.host_argv()[1:]])
        # the database of another network, a file that is no database, a damaged one
        net.host.stop()
        data = [f for f in os.listdir(net.host_data) if f.endswith((".db", ".sqlite"))]
        assert len(data) == 1, os.listdir(net.host_data)
        db = os.path.join(net.host_data, data[0])
        with open(db, "rb") as f:
            good = f.read()
        for bad in (b"this is no database at all" * 100, good[:5000]):
            with open(db, "wb") as f:
                f.write(bad)
            _fails(net.host_argv(), data[0], code=65)
        os.unlink(db)
        sqlite3.connect(db).execute("create table t(x)").connection.close()
        _fails(net.host_argv(), data[0], code=65)
        os.unlink(db)
        # another network's genesis
        other = os.path.join(net.dir, "other.json")
        net.run([net.tenseq, "genesis", "--out", other, "--enclave", net.ids[0]])
        with open(db, "wb") as f:
            f.write(good)
        argv = net.host_argv() + ["--genesis", other]
        _fails(argv, "network", code=65)
        with open(other, "w") as f:
            f.write('{"version": 1,')
        _fails(net.host_argv() + ["--genesis", other], "other.json")
        # what is missing is told with its key
        _fails(net.host_argv() + ["--l1", "http://127.0.0.1:1", "--l1-key", "/nofile"], "l1-key /nofile", "No such file",
               code=78)
        _fails([enclave, "--data-dir", os.path.join(net.dir, "none")], "data-dir", "none", "--init", code=78)
        # keys
        key = os.path.join(net.dir, "machine.key")
        os.chmod(key, 0o644)
        e = net["e0"]
        e.restart = False
        e.kill()
        _fails(e.argv, "machine.key")
        os.chmod(key, 0o600)
        with open(key, "rb") as f:
            machine = f.read()
        with open(key, "wb") as f:
            f.write(b"short")
        _fails(e.argv, "machine.key")
        with open(key, "wb") as f:
            f.write(bytes(len(machine)))
        _fails(e.argv)
        with open(key, "wb") as f:
            f.write(machine)
        e.start()
        net.host.start()
        net.until("the host is back", lambda: net.rpc("web3_clientVersion"))
        net.wait_passive(0)
        net.wait_more(2)
        checks.all_is_well(net)
