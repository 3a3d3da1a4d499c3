# SPDX-License-Identifier: Apache-2.0
"""An enclave that answers wrongly is marked corrupted and never used again; one that says nothing is replaced."""

import os

import checks
from liar import Liar
from network import Network


class LyingNetwork(Network):
    """Each enclave is reached through a man in the middle."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.liar = []
        for i in range(len(self.ids)):
            path = os.path.join(self.dir, f"m{i}.sock")
            self.liar.append(Liar(path, self.socket(f"e{i}")))
            self.links[i] = f"unix:{path}"
        self.liars = []

    def close(self):
        for liar in self.liar:
            liar.close()
        super().close()


def _lie(mode, corrupted):
    with LyingNetwork(interval="100ms") as net:
        with net.load(400, 100) as result:
            net.wait_more(3)
            active = net.active()
            net.liars.append(net.ids[active])
            net.liar[active].mode = mode
            net.until("another takes over", lambda: net.active() != active, 10)
            net.wait_more(5)
        assert net.liar[active].lies >= 1
        assert net.enclave_status(active)["corrupted"] == corrupted
        if corrupted:
            said = net.cli("switchover", "--to", net.ids[active], code=1)
            assert "corrupted" in said
            net.host.kill()
            net.host.start()
            net.until("the host is back", lambda: net.rpc("web3_clientVersion"))
            net.wait_more(3)
            assert net.enclave_status(active)["corrupted"], "that survives a restart"
        else:
            net.liar[active].mode = None
            net.wait_passive(active)
        checks.all_is_well(net, result["hashes"])


def test_garbage():
    _lie("garbage", True)


def test_bad_signature():
    _lie("signature", True)


def test_wrong_height():
    _lie("height", True)


def test_no_answer():
    _lie("nothing", False)
