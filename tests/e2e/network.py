# SPDX-License-Identifier: Apache-2.0
"""A network of the real programs for one test, started by hand from configuration files: enclaves, a host,
nodes with validators. Everything is in one temporary directory; nothing outlives the test."""

import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("E2E_BUILD", os.path.join(ROOT, "build"))
ETHER = 10**18
ACCOUNTS = 10
# Of a host in a test where nobody is to be replaced only because the machine is busy.
PATIENT = {"answer-min": "1500ms"}
SLOW = float(os.environ.get("E2E_SLOW", "1"))  # sanitizers: everything takes longer


def program(name):
    path = os.path.join(BUILD, name)
    if not os.path.exists(path):
        path = os.path.join(BUILD, "src", name.replace("tenseq-", "") if name != "tenseq" else "cli", name)
    assert os.path.exists(path), f"{name} is not built in {BUILD}"
    return path


def cast_path():
    script = os.path.join(ROOT, "scripts", "foundry.sh")
    out = subprocess.run([script, "cast"], capture_output=True, text=True)
    assert out.returncode == 0, f"cast is missing: {out.stderr}"
    return out.stdout.strip()


def sign(digest, key):
    """r, s and v over 32 bytes, as 0x…"""
    done = subprocess.run([cast_path(), "wallet", "sign", "--no-hash", "--private-key", key, digest],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# Below those that the kernel gives to outgoing connections, which would take them between now and their use; and
# each process has its own, since tests run side by side.
PORTS_FROM, PORTS_END, PORTS_EACH = 10240, 32640, 200
_taken = set()


def is_free(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(also=()):
    """A port that is free, with those that far above it; none is given twice by one process."""
    first = PORTS_FROM + os.getpid() % ((PORTS_END - PORTS_FROM) // PORTS_EACH) * PORTS_EACH
    for port in random.sample(range(first, first + PORTS_EACH - 32), PORTS_EACH - 32):
        ports = [port, *(port + i for i in also)]
        if not _taken.intersection(ports) and all(is_free(p) for p in ports):
            _taken.update(ports)
            return port
    raise RuntimeError("no port is free")


class RpcError(Exception):
    def __init__(self, error):
        super().__init__(error.get("message"))
        self.code = error.get("code")
        self.message = error.get("message", "")


def rpc(port, method, *params, timeout=10):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    if "error" in answer:
        raise RpcError(answer["error"])
    return answer["result"]


def wait_for(what, condition, timeout=15.0, every=0.02):
    """Waits until condition() is true and returns what it returned; fails with what after the timeout."""
    until = time.monotonic() + timeout * SLOW
    last = None
    while time.monotonic() < until:
        try:
            last = condition()
            if last:
                return last
        except (OSError, http.client.HTTPException, RpcError, ValueError, LookupError) as e:
            last = e
        time.sleep(every)
    raise AssertionError(f"not within {timeout} s: {what} (last: {last!r})")


class Process:
    """One program. Restarted by the network's care() when restart is set, as a supervisor would."""

    def __init__(self, net, name, argv):
        self.net, self.name, self.argv = net, name, argv
        self.popen = None
        self.restart = False
        self.again_at = None
        self.expect_end = False
        self.piped = False  # its log is written for it, so that nothing it may not write is missing

    def start(self):
        assert not self.alive(), f"{self.name} is running"
        with open(os.path.join(self.net.dir, self.name + ".log"), "ab") as log:
            out = subprocess.PIPE if self.piped else log
            self.popen = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out,
                                          stderr=subprocess.STDOUT)
        if self.piped:
            threading.Thread(target=self._keep, args=(self.popen.stdout,), daemon=True).start()
        return self

    def _keep(self, lines):
        for line in lines:
            with open(os.path.join(self.net.dir, self.name + ".log"), "ab") as log:
                log.write(line)

    def alive(self):
        return self.popen is not None and self.popen.poll() is None

    def kill(self, sig=signal.SIGKILL):
        self.popen.send_signal(sig)
        if sig == signal.SIGKILL:
            self.popen.wait()

    def stop(self, timeout=8):
        """SIGTERM; it must end by itself. Returns the exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(timeout * SLOW)

    def log(self):
        with open(os.path.join(self.net.dir, self.name + ".log"), errors="replace") as f:
            return f.read()


class Network:
    def __init__(self, enclaves=3, nodes=1, interval="200ms", restart=True, genesis=(), host=(),
                 validators=True, l1=None, spares=0, confirmations=1):
        """l1: True for an anvil of its own, with a contract that lists the enclaves; spares are known to the host
        and not on the list."""
        self.dir = tempfile.mkdtemp(prefix="tseq-")
        self.tenseq = program("tenseq")
        self.interval = interval
        self.processes = {}
        self.restart = restart
        self.host_extra = dict(host)
        self.validators = validators
        self.accounts = [self._account(i) for i in range(ACCOUNTS)]
        self.ids = [self._init_enclave(i) for i in range(enclaves + spares)]
        self.n_listed = enclaves
        self.l1, self.l1_config = None, {}
        if l1:
            self._make_l1(confirmations)
        enclaves += spares
        self.genesis = os.path.join(self.dir, "genesis.json")
        self._make_genesis(genesis)
        self.host_port = free_port()
        self.links = [f"unix:{self.socket(f'e{i}')}" for i in range(enclaves)]
        for i in range(enclaves):
            self._add(f"e{i}", self._enclave_argv(f"e{i}"), restart)
        self.node_ports = []
        self.host_data = os.path.join(self.dir, "host")
        for _ in range(nodes):
            self.add_node()

    # ---- making it ----

    def socket(self, name):
        return os.path.join(self.dir, name + ".sock")

    def config(self, name, values):
        """A YAML file of flat values and lists, which is what configuration files are."""
        path = os.path.join(self.dir, name + ".yaml")
        with open(path, "w") as f:
            for key, value in values.items():
                if isinstance(value, (list, tuple)):
                    f.write(f"{key}:\n" + "".join(f'  - "{v}"\n' for v in value))
                else:
                    f.write(f"{key}: {value}\n")
        return path

    def _account(self, i):
        import keccak

        key = keccak.keccak256(f"tenseq devnet account {i}".encode())
        return {"key": "0x" + key.hex()}

    def _init_enclave(self, i):
        data = os.path.join(self.dir, f"e{i}")
        os.mkdir(data)
        return self.run([program("tenseq-enclave"), "--init", "--data-dir", data, "--machine-key",
                         os.path.join(self.dir, "machine.key")]).strip()

    def _make_genesis(self, extra):
        cast = cast_path()
        for a in self.accounts:
            a["address"] = self.run([cast, "wallet", "address", "--private-key", a["key"]]).strip()
        argv = [self.tenseq, "genesis", "--out", self.genesis, "--interval", self.interval,
                "--coinbase", "0x" + "fe" * 20]
        for i in self.ids[:self.n_listed]:
            argv += ["--enclave", i]
        for a in self.accounts:
            argv += ["--alloc", f"{a['address']}={1000 * ETHER}"]
        if self.l1:
            argv += ["--l1", self.l1.url, "--registry", self.l1.contract, "--l1-number", str(self.l1.number())]
        genesis_hash = self.run(argv + list(extra)).strip()
        if self.l1:
            self.l1.transact("setGenesis(bytes32)", genesis_hash)

    def _make_l1(self, confirmations):
        from l1 import Anvil, OPERATOR_KEY

        self.l1 = Anvil(self.dir).start()
        self.l1.deploy_listing(self.ids[:self.n_listed])
        key = os.path.join(self.dir, "operator.key")
        with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(OPERATOR_KEY + "\n")
        self.l1_config = {"l1": self.l1.url, "l1-confirmations": confirmations}
        self.host_extra = {**self.l1_config, "l1-key": key, **self.host_extra}

    def _enclave_argv(self, name):
        config = self.config(name, {
            "data-dir": os.path.join(self.dir, name),
            "machine-key": os.path.join(self.dir, "machine.key"),
            "listen": f"unix:{self.socket(name)}",
        })
        return [program("tenseq-enclave"), "--config", config]

    def host_argv(self):
        config = self.config("host", {
            "data-dir": self.host_data,
            "genesis": self.genesis,
            "rpc-listen": f"127.0.0.1:{self.host_port}",
            "enclaves": self.links,
            **self.host_extra,
        })
        return [program("tenseq-host"), "--config", config]

    def add_node(self, peers=None, start=False, extra=()):
        i = len(self.node_ports)
        port = free_port()
        self.node_ports.append(port)
        data = os.path.join(self.dir, f"n{i}")
        os.makedirs(data, exist_ok=True)
        values = {
            "data-dir": data,
            "genesis": self.genesis,
            "rpc-listen": f"127.0.0.1:{port}",
            "peers": peers or [f"ws://127.0.0.1:{self.host_port}/feed"],
            **self.l1_config,
            **dict(extra),
        }
        if self.validators:
            name = f"v{i}"
            os.makedirs(os.path.join(self.dir, name), exist_ok=True)
            self.run([program("tenseq-enclave"), "--init", "--data-dir",
                      os.path.join(self.dir, name), "--machine-key",
                      os.path.join(self.dir, "machine.key")])
            self._add(name, self._enclave_argv(name), self.restart)
            values["enclave"] = f"unix:{self.socket(name)}"
        config = self.config(f"n{i}", values)
        self._add(f"n{i}", [program("tenseq-node"), "--config", config], False)
        if start:
            if self.validators:
                self[f"v{i}"].start()
            self[f"n{i}"].start()
        return i

    def _add(self, name, argv, restart):
        self.processes[name] = Process(self, name, argv)
        self.processes[name].restart = restart

    def __getitem__(self, name):
        return self.processes[name]

    @property
    def host(self):
        return self.processes["host"]

    def start(self):
        os.makedirs(self.host_data, exist_ok=True)
        self._add("host", self.host_argv(), False)
        for p in self.processes.values():
            if not p.alive():
                p.start()
        self.wait_head(2)
        for i in range(len(self.node_ports)):
            self.wait_node(i, 1)
        return self

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.keep_logs()
            self.close()
            raise

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.keep_logs()
        self.close()

    def keep_logs(self):
        keep = os.environ.get("E2E_LOGS")
        if keep:
            target = os.path.join(keep, os.path.basename(self.dir))
            shutil.copytree(self.dir, target, ignore=shutil.ignore_patterns("*.sock"))
            print(f"    kept in {target}")
        else:
            for name in ("host", "e0", "n0", "anvil"):
                path = os.path.join(self.dir, name + ".log")
                if os.path.exists(path):
                    with open(path, errors="replace") as f:
                        print(f"    --- {name}.log, its end\n" + "".join(f.readlines()[-25:]))

    def close(self):
        for p in self.processes.values():
            p.restart = False
            if p.alive():
                p.popen.send_signal(signal.SIGCONT)
                p.popen.kill()
                p.popen.wait()
        if self.l1:
            self.l1.end()
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- acting ----

    def enclave_key(self, i):
        """The identity key of enclave i, for a test that plays an enclave out of control."""
        return self.run([os.path.join(BUILD, "tests", "e2e", "enclave_key"), os.path.join(self.dir, f"e{i}"),
                         os.path.join(self.dir, "machine.key")]).strip()

    def register(self, i):
        """Enclave i's statement goes on L1, as its host brings it."""
        digest = self.l1.call("registrationDigest(address,bytes32)(bytes32)", self.ids[i], "0x" + "00" * 32)
        self.l1.act("registerEnclave(address,bytes32,bytes)", self.ids[i], "0x" + "00" * 32,
                    sign(digest, self.enclave_key(i)))

    def run(self, argv, code=0, timeout=60):
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout * SLOW,
                              stdin=subprocess.DEVNULL)
        assert done.returncode == code, \
            f"{' '.join(argv[:4])} … gave {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout if code == 0 else done.stderr

    def cli(self, *args, code=0):
        return self.run([self.tenseq, *args, "--rpc", f"http://127.0.0.1:{self.host_port}"], code)

    def cast(self, *args, port=None, code=0):
        return self.run([cast_path(), *args, "--rpc-url",
                         f"http://127.0.0.1:{port or self.host_port}"], code).strip()

    def care(self):
        """What a supervisor does: starts what ended, a moment later."""
        now = time.monotonic()
        for p in self.processes.values():
            if p.popen is None or p.alive() or not p.restart:
                p.again_at = None
            elif p.again_at is None:
                p.again_at = now + 0.3
            elif now >= p.again_at:
                p.again_at = None
                p.start()

    def until(self, what, condition, timeout=15.0):
        def step():
            self.care()
            return condition()

        return wait_for(what, step, timeout)

    def pass_time(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.care()
            time.sleep(0.02)

    @contextlib.contextmanager
    def load(self, count, rate, *extra):
        """Load in the background; on leaving it waits for its end. Yields a dict that is filled then."""
        hashes = os.path.join(self.dir, "hashes")
        argv = [self.tenseq, "send", "--rpc", f"http://127.0.0.1:{self.host_port}", "--count",
                str(count), "--rate", str(rate), "--hashes", hashes, "--json", "--quiet", *extra]
        p = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        result = {}
        try:
            yield result
            until = time.monotonic() + 90 * SLOW
            while p.poll() is None and time.monotonic() < until:
                self.care()
                time.sleep(0.02)
            out, err = p.communicate(timeout=1)
            assert p.returncode == 0, f"send gave {p.returncode}: {out}{err}"
            result.update(json.loads(out))
            with open(hashes) as f:
                result["hashes"] = f.read().split()
            assert len(result["hashes"]) == result["acknowledged"] >= count
        finally:
            if p.poll() is None:
                p.kill()
                p.communicate()

    # ---- looking ----

    def rpc(self, method, *params):
        return rpc(self.host_port, method, *params)

    def node_rpc(self, i, method, *params):
        return rpc(self.node_ports[i], method, *params)

    def status(self):
        return self.rpc("sequencer_status")

    def active(self):
        """The index of the active enclave."""
        return self.ids.index(self.status()["active"])

    def enclave_status(self, i):
        for e in self.status()["enclaves"]:
            if e["id"] == self.ids[i]:
                return e
        return None

    def role(self, i):
        """None: the host has not heard of it since it started."""
        return (self.enclave_status(i) or {}).get("role")

    def head(self):
        return int(self.rpc("eth_blockNumber"), 16)

    def node_head(self, i):
        return int(self.node_rpc(i, "eth_blockNumber"), 16)

    def wait_head(self, number, timeout=20.0):
        self.until(f"batch {number}", lambda: self.head() >= number, timeout)

    def wait_more(self, n, timeout=20.0):
        start = self.until("the host serves", lambda: [self.head()], timeout)
        self.wait_head(start[0] + n, timeout)

    def wait_node(self, i, number, timeout=20.0):
        self.until(f"batch {number} at node {i}", lambda: self.node_head(i) >= number, timeout)

    def wait_passive(self, i, timeout=20.0):
        def ready():
            e = self.enclave_status(i)
            return e and e["role"] in ("passive", "active") and e["lag"] <= 1

        self.until(f"enclave {i} to be in step", ready, timeout)

    def batches(self, i):
        """Every batch of node i."""
        result, head = [], self.node_head(i)
        while len(result) < head:
            page = self.node_rpc(i, "ten_getBatches", {"from": len(result) + 1, "count": 100})
            page = page["batches"] if isinstance(page, dict) else page
            assert page, f"node {i} says its head is {head} and gives {len(result)}"
            result += page
        return result[:head]

    def lifecycle(self, enclave=None, node=0):
        events, start = [], 1
        while start:
            ask = {"from": start}
            if enclave is not None:
                ask["enclaveId"] = self.ids[enclave]
            page = self.node_rpc(node, "ten_lifecycle", ask)
            events += page["events"]
            start = page.get("next")
        return events

    def balance(self, address, port=None):
        return int(rpc(port or self.host_port, "eth_getBalance", address, "latest"), 16)
