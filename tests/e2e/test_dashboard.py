# SPDX-License-Identifier: Apache-2.0
"""The dashboard as a person meets it: a real browser on the page of a real node of a real network. Pictures of each state
are left in build/dashboard/."""

import http.client
import json
import os
import re
import sys
import subprocess
import tempfile
import time

from browser import Browser
from network import PATIENT, ROOT, SLOW, Network, program, rpc, wait_for
from terminal import Terminal
from test_devnet import _children, _end, _port, _start

sys.path.insert(0, os.path.join(ROOT, "bench"))

LIMIT = 200_000  # bytes of the whole page, unpacked


def url_of(net, i=0):
    return f"http://127.0.0.1:{net.node_ports[i]}/"


def is_live(b):
    return b.eval("document.querySelector('#link').dataset.state") == "live"


def marks(b, word):
    return b.eval(f"[...document.querySelectorAll('#events li')].filter((e) => e.innerText.startsWith('{word}')).length || "
                  f"[...document.querySelectorAll('#plot .mark')].filter((e) => e.getAttribute('aria-label').startsWith('{word}')).length")


def no_complaint(b):
    problems = b.problems()
    assert not problems, problems


def fits(b):
    """Nothing sticks out to the right."""
    wide = b.eval("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1], f"the page is {wide[0]} wide in a window of {wide[1]}"


def level(b):
    return b.eval("document.querySelector('#verdict').dataset.level")


# ---- a failover, live -----------------------------------------------------------------------------


def test_a_switch_and_a_crash_are_seen_as_they_happen():
    with Network(interval="200ms", host=PATIENT) as net, Browser() as b:
        net.pass_time(5)
        b.open(url_of(net))
        net.until("the page is live", lambda: is_live(b))
        net.until("the verdict is good", lambda: level(b) == "good")
        assert b.text("#findings-none") == "None so far."
        assert b.count("#plot .lane") == 3
        b.shot("calm", full=True)
        net.rpc("sequencer_switchover")
        net.until("the switch is seen", lambda: marks(b, "Planned switch"), 5)
        assert "Planned switch" in b.text("#now-note"), b.text("#now-note")
        b.shot("switch")
        assert level(b) == "good", "a planned switch speaks against nobody"
        with net.load(60, 30):
            net.pass_time(2)
        active = net.active()
        net[f"e{active}"].restart = False
        net[f"e{active}"].kill()
        net.until("the takeover is seen", lambda: marks(b, "Unclean takeover"), 5)
        net.until("its finding is there", lambda: b.count("[data-name='unclean-takeover']") == 1, 5)
        net.until("the silence is told", lambda: level(b) == "warn", 10)
        assert "no proof" in b.text("#verdict-title").lower()
        b.shot("something-is-missing", full=True)
        net[f"e{active}"].start()
        net.until("the restart is found", lambda: b.count("[data-name='restart']") == 1, 20)
        net.until("it is over", lambda: level(b) == "fair", 20)
        net.wait_passive(active)
        net.until("the lanes are what the node tells", lambda: _drawn(b) == _told(net), 10)
        assert _drawn(b)[_lane(net, active)][-3:] == ["absent", "starting", "passive"], _drawn(b)
        net.pass_time(3)
        b.shot("failover", full=True)
        b.do("size", width=1120, height=900)
        net.pass_time(1.2)
        b.shot("timeline", what="section:has(#plot)")
        _a_mark_tells_its_story(net, b)
        net.rpc("sequencer_pause")
        net.until("it is told that nothing comes", lambda: b.text("#now-note").startswith("No new batch"), 10)
        b.shot("paused")
        net.rpc("sequencer_resume")
        net.until("it goes on", lambda: not b.text("#now-note").startswith("No new batch"), 10)
        no_complaint(b)


# How a state looks: nobody need tell colours apart.
LOOKS = {"rect 22 ": "active", "rect 8 ": "passive", "rect 16 url(#hatch)": "absent",
         "rect 8 url(#steps)": "starting", "line  ": "revoked"}


def _drawn(b):
    """Of each lane what its bars look like, in their order."""
    bars = b.eval("""[...document.querySelectorAll('#plot .lane')].map((g) => [...g.querySelectorAll('.bar')].map((e) =>
        `${e.tagName} ${e.getAttribute('height') || ''} ${e.getAttribute('fill') || ''}`))""")
    return [[LOOKS[bar] for bar in lane] for lane in bars]


def _timeline(net):
    return net.node_rpc(0, "ten_timeline", {"last": 300, "points": 512})


def _told(net):
    return [[state for _, _, state in lane["runs"]] for lane in _timeline(net)["lanes"]]


def _lane(net, i):
    return [lane["id"] for lane in _timeline(net)["lanes"]].index(net.ids[i])


def _a_mark_tells_its_story(net, b):
    """By keyboard alone: from the top to an event, its signature and raw form, and back."""
    b.eval("document.querySelector('#plot .mark[tabindex=\"0\"]').focus()")
    net.until("a mark tells what it is", lambda: not b.eval("document.querySelector('#tip').hidden"))
    before = b.eval("document.activeElement.getAttribute('aria-label')")
    b.press("ArrowLeft")
    assert b.eval("document.activeElement.getAttribute('aria-label')") != before
    for _ in range(40):
        if b.eval("document.activeElement.getAttribute('aria-label')").startswith("Unclean"):
            break
        b.press("ArrowLeft")
    else:
        raise AssertionError("the arrows do not reach the takeover")
    b.shot("focus")
    b.press("Enter")
    net.until("the batch is shown", lambda: "whole batch" in b.text("#details-body"))
    told = b.text("#details-body")
    assert "signature of the enclave" in told and "Active" in told, told
    number = b.eval("document.querySelector('#details-body .lead').innerText.match(/batch ([0-9,]+)/)[1]").replace(",", "")
    batch = net.node_rpc(0, "ten_getBatch", int(number))
    assert batch["raw"] in told and batch["seal"] in told
    b.shot("details")
    b.press("Escape")
    assert not b.eval("document.querySelector('#details').open")


# ---- the connection -------------------------------------------------------------------------------


def test_a_node_that_stands_still_is_not_live():
    calm = ("good", "fair")  # fair: on a busy machine an enclave may have been silent
    with Network(interval="200ms") as net, Browser() as b:
        b.open(url_of(net))
        net.until("the page is live", lambda: is_live(b) and level(b) in calm)
        assert b.text("#late") == "", b.text("#late")
        b.do("alter", method="ten_health", members={"state": "l1-behind", "target": 117000})
        b.do("goto", url=url_of(net))
        net.until("it says so", lambda: "This page is not up to date" in b.text("#late") and level(b) == "behind")
        assert b.text("#verdict-title").startswith("Up to batch ")
        net.until("it is connected", lambda: b.text("#link-text").startswith("Connected"))
        assert not is_live(b)
        assert b.text("[data-do=live]") == "Newest", b.text("[data-do=live]")
        assert "L1 node" in b.text("#now-note") and "switch to another" not in b.text("#now-note"), b.text("#now-note")
        b.shot("behind")
        b.do("asItIs")
        net.until("the page is live again, soon", lambda: is_live(b) and level(b) in calm and b.text("#late") == "", 5)
        no_complaint(b)


def test_a_switch_after_a_removal_is_told_as_one():
    with Network(l1=True, interval="200ms") as net, Browser() as b:
        net.wait_more(5)
        b.open(url_of(net))
        net.until("the page is live", lambda: is_live(b))
        with Terminal([net.tenseq, "watch", "--rpc", url_of(net)], 110, 30) as t, Terminal(
                [net.tenseq, "watch", "--rpc", f"http://127.0.0.1:{net.host_port}"], 110, 30) as host:
            old = net.active()
            net.l1.revoke(net.ids[old])
            for screen in (t, host):
                net.until("watch tells of it", lambda: screen.read(0.05) or "SWITCH AFTER A REMOVAL" in screen.text(), 15)
        note = lambda: b.text("#now-note")  # noqa: E731
        net.until("the page tells of it", lambda: "was taken off the list" in note() and net.ids[old][:10] in note(), 10)
        assert "Switch after a removal" in note() and "Planned" not in note(), note()
        net.until("its list too", lambda: marks(b, "Switch after a removal") == 1, 5)
        no_complaint(b)


def test_a_lost_connection_is_said_and_found_again():
    with Network(interval="100ms") as net, Browser() as b:
        b.open(url_of(net), reduced=True)
        net.until("the page is live", lambda: is_live(b))
        net["n0"].kill()
        net.until("it says so", lambda: "lost" in b.text("#banner-text"), 5)
        assert b.text("#link-text") == "Not connected"
        assert "Not connected" in b.text("#now-note")
        frozen = b.text("#now")
        net.pass_time(1.5)
        assert b.text("#now") == frozen, "the past is shown as the present"
        b.shot("lost")
        b.problems()  # the browser itself logs each attempt that fails
        net["n0"].start()
        net.wait_node(0, net.head(), 20)
        b.eval("document.querySelector('#banner-retry').click()")
        net.until("it is connected again", lambda: is_live(b), 25)
        assert "Connected again" in b.text("#banner-text")
        b.shot("back")
        then = b.text("#now")
        net.until("batches come in", lambda: b.text("#now") != then)
        net.until("the word is taken down", lambda: b.eval("document.querySelector('#banner').hidden"), 10)
        assert not [p for p in b.problems() if "ERR_CONNECTION" not in p and "WebSocket" not in p]


# ---- other screens, other eyes --------------------------------------------------------------------


def test_a_phone_the_dark_and_the_keyboard():
    with Network(interval="100ms") as net, Browser() as b:
        net[f"e{net.active()}"].kill()
        net.until("a takeover is found", lambda: net.node_rpc(0, "ten_findings")["findings"], 10)
        net.pass_time(3)
        b.open(url_of(net), width=375, height=812, touch=True, scale=2)
        net.until("the page is live", lambda: is_live(b))
        net.pass_time(1.5)
        fits(b)
        b.shot("phone", full=True)
        _table_on_a_phone(b)
        b.shot("phone-timeline", what="section:has(#plot)")
        small = b.eval("[...document.querySelectorAll('button')].filter((e) => e.offsetParent && e.getBoundingClientRect().height < 30).map((e) => e.innerText)")
        assert not small, f"too small for a finger: {small}"
        no_complaint(b)
        b.open(url_of(net), dark=True)
        net.until("the page is live", lambda: is_live(b))
        net.pass_time(1.5)
        b.shot("dark", full=True)
        assert b.eval("getComputedStyle(document.body).backgroundColor") == "rgb(14, 20, 27)"
        b.click("#theme")  # auto, then light
        assert b.eval("getComputedStyle(document.body).backgroundColor") == "rgb(243, 245, 248)"
        b.click("#theme")
        assert b.eval("getComputedStyle(document.body).backgroundColor") == "rgb(14, 20, 27)"
        _walk(net, b)
        _contrast(b)
        no_complaint(b)


def _table_on_a_phone(b):
    """It says that it goes on to the right, and no heading is a tower that pushes the others down."""
    wide, high = b.eval("""(() => { const table = document.querySelector('#assessment table');
        return [table.scrollWidth > table.parentNode.clientWidth, table.tHead.getBoundingClientRect().height]; })()""")
    hint = b.text("#assessment .sideways")
    assert not wide or "sideways" in hint, hint
    assert high < 65, f"the head of the table is {high} pixels high"


def _walk(net, b):
    """Every stop of the Tab key is seen, has a name, and the walk comes to an end."""
    b.do("goto", url=url_of(net))
    net.until("the page is live", lambda: is_live(b))
    seen = []
    for _ in range(60):
        b.press("Tab")
        stop = b.eval("""(() => { const e = document.activeElement; if (e === document.body) return null;
            const s = getComputedStyle(e); const hit = e.querySelector && e.querySelector('.hit');
            const ring = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 1 || hit && parseFloat(getComputedStyle(hit).strokeWidth) > 1;
            return {name: (e.getAttribute('aria-label') || e.innerText || '').trim().slice(0, 60), ring: Boolean(ring)}; })()""")
        if stop is None:
            break
        assert stop["name"], f"a stop without a name after {seen[-1:]}"
        assert stop["ring"], f"the focus is not seen at {stop['name']}"
        seen.append(stop["name"])
    names = " | ".join(seen)
    for word in ("Skip", "Colours", "Earlier", "Zoom in", "Live", "All", "Show the batch"):
        assert word in names, f"the keyboard does not reach {word}: {names}"
    b.eval("document.querySelector('#plot [tabindex=\"0\"]').focus()")
    before = b.text("#range")
    b.press("+")
    net.until("it zooms", lambda: b.text("#range") != before)
    b.press("Home")
    net.until("the whole chain", lambda: "Batches 1 to" in b.text("#range"))


def _contrast(b):
    """Text is readable in both colours (4.5 to 1)."""
    poor = b.eval("""(() => {
        const lum = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
        const rgb = (s) => s.match(/[\\d.]+/g).map(Number);
        const back = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > .9) return c.slice(0, 3); } return [255, 255, 255]; };
        const out = [];
        for (const theme of ['light', 'dark']) { document.documentElement.dataset.theme = theme;
            for (const e of document.querySelectorAll('p, dt, dd, li, h2, h3, span, button, strong, b')) {
                if (!e.offsetParent || !e.innerText.trim() || e.children.length) continue;
                const [a, c] = [lum(rgb(getComputedStyle(e).color).slice(0, 3)), lum(back(e))];
                const ratio = (Math.max(a, c) + .05) / (Math.min(a, c) + .05);
                if (ratio < 4.5) out.push(`${theme}: ${e.innerText.slice(0, 30)} ${ratio.toFixed(1)}`);
            } }
        delete document.documentElement.dataset.theme;
        return out; })()""")
    assert not poor, poor


# ---- a proof --------------------------------------------------------------------------------------


def test_names_signs_and_a_change_out_of_sight():
    """Enclaves have their letters by the order of the list, each sign its word, and who took over last is told however long ago."""
    with Network(interval="60ms") as net, Browser() as b:
        name = {i: f"Enclave {'ABC'[k]} ({i[:10]})" for k, i in enumerate(sorted(net.ids))}

        def changes():
            return [m for m in net.node_rpc(0, "ten_timeline", {"points": 1})["marks"] if m["kind"].endswith("takeover")]

        def is_said():  # on a busy machine an enclave may have been late, and another taken over
            last = changes()[-1:]
            note = b.text("#now-note")
            return f"by {name[last[0]['enclave']]} at batch {last[0]['batch']}" in note if last else \
                note.startswith("The active enclave has been the same")

        net.until("a batch", lambda: net.node_head(0) > 3)
        b.open(url_of(net))
        net.until("that there was no change", is_said)
        net.rpc("sequencer_switchover")
        net.until("it is out of sight", lambda: changes() and net.node_head(0) > changes()[-1]["batch"] + 330, 90)
        b.open(url_of(net))
        net.until("the page is live", lambda: is_live(b))
        net.until("the last change", is_said)
        first = b.eval("[...document.querySelectorAll('#assessment tbody th')].map((e) => e.innerText)")
        assert first == [f"{'ABC'[k]} {i[:10]}" for k, i in enumerate(sorted(net.ids))], first
        legend = b.text("#legend")
        for word in ("Active", "Revoked", "Unclean takeover", "Planned switch", "Restart", "First start", "Put on the list",
                     "Taken off the list", "events close together"):
            assert word in legend, f"{word} is not in {legend}"
        assert b.text("#theme") == "Colours: auto"
        over = b.text("#assessment p")
        assert over.startswith("Over ") and "0 days" not in over, over
        assert "1 restart a day" in b.text("#assessment .params")
        for width in (320, 400):
            b.do("size", width=width, height=800)
            gap = b.eval("""(() => { const table = document.querySelector('#assessment table');
                return table.getBoundingClientRect().top - table.parentNode.previousElementSibling.getBoundingClientRect().bottom; })()""")
            assert 0 <= gap < 10, f"{gap} pixels above the table at a width of {width}"
        fits(b)
        no_complaint(b)


def test_a_proof_is_shown_and_handed_out():
    with tempfile.TemporaryDirectory(prefix="tseq-") as data, Browser() as b:
        port = _port()
        p, network = _start(os.path.join(data, "net"), port, "--attack", "equivocation")
        children = _children(p.pid)
        try:
            wait_for("the lie is found", lambda: [f for f in rpc(port + 11, "ten_findings", 0, "proof")["findings"]
                                                  if f["name"] == "equivocation"], 60)
            b.open(f"http://127.0.0.1:{port + 11}/")
            wait_for("the verdict", lambda: level(b) == "bad", 10)
            assert "proof" in b.text("#verdict-title")
            wait_for("the page is live", lambda: is_live(b))
            time.sleep(1)
            b.shot("proof", full=True)
            path = os.path.join(data, "evidence.json")
            name = b.do("download", what="[data-name='equivocation'] .strong", path=path)
            assert name.startswith("equivocation-") and name.endswith(".json"), name
            done = subprocess.run([program("tenseq"), "verify", path], capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
            wait_for("it says how to check it", lambda: b.eval(  # above it stand newer ones by now, perhaps
                "[...document.querySelectorAll(\"[data-name='equivocation'] .strong\")].some((e) => e.innerText.includes('tenseq verify'))"))
            no_complaint(b)
        finally:
            _end(p, children)


# ---- a long history -------------------------------------------------------------------------------

LONG = 24000


def test_a_long_history_is_looked_at_from_afar_and_near():
    from bench_million import LongNetwork  # one enclave made it all

    net = LongNetwork(LONG)
    try:
        net.make()
        net._add("host", net.host_argv(), False)
        net.host.start()
        net["e0"].start()
        net["n0"].start()
        net.until("the node has caught up", lambda: net.node_head(0) >= LONG, 60)
        with Browser() as b:
            b.open(url_of(net))
            net.until("the page is live", lambda: is_live(b))
            _ranges(net, b)
            no_complaint(b)
        _agrees(net)
    except BaseException:
        net.keep_logs()
        raise
    finally:
        net.close()


def _ranges(net, b):
    range_of = lambda: b.text("#range")  # noqa: E731
    assert "Batches 23," in range_of(), range_of()
    start = time.monotonic()
    b.click("[data-do=all]")
    net.until("the whole chain", lambda: "Batches 1 to 24" in range_of(), 5)
    assert time.monotonic() - start < 2 * SLOW
    net.pass_time(0.3)
    b.shot("long")
    for _ in range(6):
        before = range_of()
        b.click("[data-do=in]")
        net.until("it zooms in", lambda: range_of() != before, 5)
    before = range_of()
    b.do("drag", what="#plot", dx=300)
    net.until("it is dragged", lambda: range_of() != before, 5)
    assert b.eval("document.querySelector('[data-do=live]').getAttribute('aria-pressed')") == "false"
    b.click("[data-do=earlier]")
    b.shot("long-near")
    b.click("[data-do=live]")
    net.until("it is live again", lambda: b.eval("document.querySelector('[data-do=live]').getAttribute('aria-pressed')") == "true", 5)


def _agrees(net):
    """Ranges read batch by batch say what the batches say."""
    near = net.node_rpc(0, "ten_timeline", {"from": 9000, "to": 9099, "points": 100})
    assert near["width"] == 1 and near["buckets"]["first"] == list(range(9000, 9100))
    batches = net.node_rpc(0, "ten_getBatches", 8999, 101)
    times = [int(x["header"]["time"]) for x in batches]
    assert near["buckets"]["time"] == times[1:]
    assert near["buckets"]["intervalMean"] == [y - x for x, y in zip(times, times[1:])]
    assert near["buckets"]["transactions"] == [len(x["transactions"]) for x in batches[1:]]
    far = net.node_rpc(0, "ten_timeline", {"points": 64})
    assert len(far["buckets"]["first"]) <= 64 and far["from"] == 1 and far["to"] >= LONG
    start = time.monotonic()
    for first in range(1, 20000, 4000):
        part = net.node_rpc(0, "ten_timeline", {"from": first, "to": first + 4095, "points": 1024})
        assert part["width"] == 4
    assert time.monotonic() - start < 5 * SLOW


def test_every_finding_has_its_words():
    with open(os.path.join(ROOT, "include", "tenseq", "finding.h")) as f:
        names = re.findall(r'X\(TS_F_\w+, "([\w-]+)"', f.read())
    with open(os.path.join(ROOT, "web", "words.js")) as f:
        words = f.read()
    assert len(names) > 15
    for name in names:
        key = f"'{name}': '" if "-" in name else f"{name}: '"
        assert key in words, f"web/words.js has no words for {name}"


# ---- the files ------------------------------------------------------------------------------------


def get(net, path, method="GET", **headers):
    c = http.client.HTTPConnection("127.0.0.1", net.node_ports[0], timeout=10)
    try:
        c.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        answer = c.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        c.close()


def test_the_page_is_small_closed_and_its_own():
    with Network(interval="200ms", validators=False, host=PATIENT) as net, Browser() as b:
        status, headers, page = get(net, "/")
        assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
        policy = headers["Content-Security-Policy"]
        for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"):
            assert part in policy, policy
        assert "unsafe" not in policy and headers["X-Content-Type-Options"] == "nosniff"
        assert b"http://" not in page and b"https://" not in page
        again, known, body = get(net, "/", If_None_Match=headers["ETag"])
        assert again == 304 and not body and known["ETag"] == headers["ETag"]
        _, packed, short = get(net, "/main.js", Accept_Encoding="br, gzip;q=0.8")
        assert packed["Content-Encoding"] == "gzip" and packed["ETag"] != headers["ETag"]
        import gzip
        with open(os.path.join(ROOT, "web", "main.js"), "rb") as f:
            assert gzip.decompress(short) == f.read()
        assert "Content-Encoding" not in get(net, "/main.js", Accept_Encoding="gzip;q=0")[1]
        assert get(net, "/main.js", method="HEAD")[2] == b""
        assert get(net, "/none.js")[0] == 404
        assert b"ten_timeline" in get(net, "/methods")[2]
        for name in ("uplot.js", "uplot.css"):
            npm = {"uplot.js": "uPlot.iife.min.js", "uplot.css": "uPlot.min.css"}[name]
            with open(os.path.join(ROOT, "node_modules", "uplot", "dist", npm), "rb") as f:
                served = get(net, "/vendor/" + name)[2].removesuffix(b"export default uPlot;\n")
                assert served == f.read(), f"{name} is not npm's"
        b.open(url_of(net))
        net.until("the page is live", lambda: is_live(b))
        net.until("the charts are there", lambda: b.count("#charts canvas") == 4)
        weights = b.do("weight")
        weight = sum(weights.values())
        assert weight < LIMIT, f"the page weighs {weight} bytes"
        assert all(weights.get(url_of(net) + f) for f in ("", "main.js", "app.css", "vendor/uplot.js")), weights
        print(f"note: the whole page is {weight} bytes, unpacked")
        origin = url_of(net)
        assert origin + "main.js" in b.do("requests")
        assert all(r.startswith(origin) or r.startswith("blob:") for r in b.do("requests")), b.do("requests")
        refused = b.eval("(() => { try { document.createElement('p').innerHTML = '<b>x</b>'; return false; } catch { return true; } })()")
        assert refused, "text can become markup"
        b.problems()  # that refusal is logged
        _verdicts(b)
        _words(b)
        b.do("refuse", methods=["ten_timeline", "ten_findings"], code=-32005, texts=1)  # a busy node is asked again
        b.do("goto", url=url_of(net))
        net.until("the page has its verdict", lambda: level(b) == "good")
        net.until("and its lanes", lambda: b.count("#plot .lane") > 0)
        b.do("refuse", methods=["ten_timeline", "ten_findings", "ten_assessment"])
        b.do("goto", url=url_of(net))
        net.until("the page is live", lambda: is_live(b))
        assert level(b) == "unknown" and "does not say" in b.text("#verdict-title")
        for part in ("#plot", "#findings-none", "#assessment", "#charts"):
            assert "ot available from this node" in b.text(part), b.text(part)
        b.shot("not-available", full=True)
        no_complaint(b)


def _verdicts(b):
    """What is said of each kind of record, by the page's own words."""
    def said(findings, alarm=False, raw=False, behind=None):
        code = """import('./words.js').then((w) => w.verdict(%s, {parameters: {alpha: 0.001}, open: [],
            operator: {likelihood: {raw: {alarm: %s}, merged: {alarm: %s}}}}, {state: 'following'}, {number: 9}, %s))"""
        return b.eval(code % tuple(json.dumps(x) for x in (findings, alarm or raw, alarm, behind)))

    def finding(name, severity, state="once", about="operator"):
        return {"name": name, "severity": severity, "state": state, "about": about}

    for claim in (9 * 10**15, "18446744073709551615"):  # an operator may claim any time; the page says the rest all the same
        assert "no calendar" in b.eval("import('./words.js').then((w) => w.time(%s))" % json.dumps(claim))
    proof = finding("equivocation", "proof")
    gone, there = finding("silence", "omission", "closed"), finding("silence", "omission", "open")
    assert said(None)["level"] == "unknown"
    assert said([])["level"] == "good"
    assert said([finding("restart", "pattern")])["level"] == "good"
    assert said([finding("payload-edited", "proof", about="peer")])["level"] == "good"
    assert said([gone])["level"] == "fair"
    assert said([gone, there])["level"] == "warn"
    alarm = said([gone], alarm=True)
    assert alarm["level"] == "warn" and "raised the alarm" in alarm["sure"] and "more restarts" in alarm["title"]
    close = said([finding("restart", "pattern")], raw=True)
    assert close["level"] == "good" and "close together" in close["suspicious"] and "no alarm" in close["sure"], close
    for list_, shown in (([], "behind"), ([gone], "behind"), ([there], "warn"), ([proof], "bad")):
        late = said(list_, behind="it is still catching up")
        assert late["level"] == shown and late["title"].startswith("Up to batch 9: "), late
        assert "stands at batch 9 (it is still catching up)" in late["late"], late
    assert said([])["late"] == ""
    worst = said([proof, gone, there], alarm=True)
    assert worst["level"] == "bad" and "proof of misconduct" in worst["title"]
    assert "1 of 1,000" in worst["sure"]


def _words(b):
    """What a node that stands still, a removal and the two kinds of one finding are called."""
    def of(code):
        return b.eval("import('./words.js').then((w) => %s)" % code)

    assert of("w.behindOf({state: 'following', target: 40}, {number: 40}, true)") is None
    assert of("w.behindOf({state: 'following', target: 117}, {number: 40}, false)") is None
    assert "newer batches are known" in of("w.behindOf({state: 'following', target: 117}, {number: 40}, true)")
    for state in ("l1-behind", "l1-reorg", "storage", "connecting", "catching-up"):
        said = of(f"w.behindOf({{state: '{state}', target: 117}}, {{number: 40}}, false)")
        assert "117 batches" in said and state not in said, said
    block = of("w.titleOf({name: 'whitelist-mismatch', text: 'batch 7 (0xab) names L1 block 3 with the hash 0x1, and on L1 that block is 0x2'})")
    lists = of("w.titleOf({name: 'whitelist-mismatch', text: 'the whitelist after batch 7 (0xab) is not that of L1 block 3, which it names: 1 that L1 does not list'})")
    assert "L1 block" in block and "list of enclaves" in lists, (block, lists)
    assert b.eval("""import('./lanes.js').then((l) => { const runs = (state) => [[0, 0, state]];
        const view = {buckets: {first: [4, 5]}, lanes: [{id: 'a', runs: runs('active')}, {id: 'b', runs: runs('passive')}],
            marks: [{kind: 'revoked', batch: 5, enclave: 'a'}, {kind: 'clean-takeover', batch: 5, enclave: 'b'}]};
        l.tellRemovals(view); return view.marks[1].removed; })""") == "a"
