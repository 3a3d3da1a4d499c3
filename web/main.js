// SPDX-License-Identifier: Apache-2.0
// Puts it together: the first view in one question, then the news.

import {byId, el, say} from './dom.js';
import {Charts} from './charts.js';
import {Details} from './details.js';
import {tellRemovals} from './lanes.js';
import {Findings, behindNow, isChange, isStill, showAssessment, showNow, showVerdict} from './panels.js';
import {Feed, RpcError, ask, askAll} from './rpc.js';
import {Timeline} from './timeline.js';
import {Names, shortId, span, time} from './words.js';

const SLOW = 15000;  // what changes slowly is asked for again
const SOON = 2000;   // and when the node stands still, which it is to say soon
const BUSY = -32005;  // of a node that has too much to do: asked again

const names = new Names();
const state = {
    head: {number: 0, term: 0}, heads: [], active: null, seen: Date.now(), interval: null,
    health: null, findings: null, assessment: null, view: null, lost: false, linked: false, past: undefined,
};

/* ---- what is shown ---- */

const details = new Details(names);
const charts = new Charts();
const findings = new Findings(names, (f) => details.finding(f));
const timeline = new Timeline(names, {
    open: (mark, others) => details.event(mark, others),
    missing: () => charts.missing(),
    shown: (view) => {
        state.view = view;
        charts.take(view);
        showNow(state, names);
    },
});

function showNetwork() {
    const h = state.health;
    const box = byId('network');
    if (!h || h instanceof RpcError)
        return;
    box.replaceChildren(el('span', {text: `Chain ${h.chainId} · network `}), el('span', {class: 'mono', text: shortId(h.genesis)}));
    document.title = `tenseq ${h.chainId}: ${byId('verdict-title').textContent}`;
}

function showJudgement() {
    state.findings = findings.list();
    showVerdict(state);
    showNetwork();
    showLive();
}

/* ---- what is asked ---- */

const okOr = (answer, other) => answer instanceof RpcError ? other : answer;

function takeHealth(answer) {
    const health = okOr(answer, null);
    if (!health)
        return;
    state.health = health;
    if (health.head.number >= state.head.number)
        takeHead(health.head);
}

function takeHead(head) {
    if (head.number < state.head.number)
        return;
    if (head.number > state.head.number)
        state.seen = Date.now();
    state.head = head;
    state.heads.push({number: head.number, time: head.time});
    state.heads = state.heads.filter((h, i, all) => i === 0 || h.number === all[i - 1].number + 1).slice(-20);
    if (state.heads.at(-1)?.number !== head.number)
        state.heads = [{number: head.number, time: head.time}];
    if (head.producer)
        state.active = head.producer;
}

function takeAssessment(answer) {
    state.assessment = okOr(answer, null);
    state.interval = state.assessment?.parameters?.batchIntervalMs || state.interval;
    showAssessment(answer, names);
}

/** The answers that first.js has asked for, once; null when there are none. */
async function takeFirst() {
    const answers = await window.tenseqFirst;
    window.tenseqFirst = null;
    if (!answers || answers.length !== 5)
        return null;
    const [health, ...rest] = answers.map((a) => a.error ? new RpcError(a.error) : a.result);
    takeHealth(health);
    return rest;
}

async function askFirst() {
    const [health, ...rest] = await askAll([['ten_health'], timeline.question(), ['ten_findings'], ['ten_registry'], ['ten_assessment']]);
    takeHealth(health);
    return rest;
}

/** Everything. Throws when the node cannot be reached. */
async function load() {
    const [view, found, registry, assessment] = await takeFirst() || await askFirst();
    state.active = okOr(registry, {}).active || state.active;
    timeline.take(view);
    if (!state.interval && !(view instanceof RpcError) && view.buckets.intervalMean.length > 0)
        state.interval = view.buckets.intervalMean.slice(-20).sort((a, b) => a - b)[10] || null;
    findings.take(found);
    takeAssessment(assessment);
    showJudgement();
    showNow(state, names);
    byId('main').setAttribute('aria-busy', 'false');
    timeline.head = Math.max(timeline.head, state.head.number);
    if ([view, found, registry, assessment].some((a) => a instanceof RpcError && a.code === BUSY))
        setTimeout(() => load().catch(() => {}), 2000);  // else the connection says it
}

/** As it is seen from near. */
async function changeAt(batch) {
    const near = await ask('ten_timeline', {from: Math.max(1, batch - 1), to: batch, points: 2});
    tellRemovals(near);
    return near.marks.find((m) => m.batch === batch && isChange(m));
}

/** The last change of the active enclave when it is out of sight: one question about the whole chain. */
async function askPast() {
    if (state.past !== undefined || !state.view || state.view.marks.some(isChange))
        return;
    try {
        const whole = await ask('ten_timeline', {points: 1});
        const at = whole.takeoverTimes.at(-1);
        if (!at)
            state.past = null;  // there was none
        else
            state.past = {took: at, mark: await changeAt(at[0]) || {batch: at[0], kind: at[2] ? 'clean-takeover' : 'takeover', enclave: state.active}};
        showNow(state, names);
    } catch {
        // it stays unsaid
    }
}

async function refresh() {
    if (document.hidden || state.lost)
        return;
    try {
        const [health, assessment] = await askAll([['ten_health'], ['ten_assessment']]);
        takeHealth(health);
        takeAssessment(assessment);
        showJudgement();
    } catch {
        // the connection says it
    }
}

/* ---- the connection ---- */

const banner = byId('banner');
let lostAt = 0;
let retryAt = 0;
let calm = null;

function showLink(kind, text) {
    byId('link').dataset.state = kind;
    say(byId('link-text'), text);
    document.documentElement.dataset.link = kind;
}

/** Connected is not live: the node may stand still. */
function showLive() {
    const behind = behindNow(state);
    say(byId('tools').querySelector('[data-do=live]'), behind ? 'Newest' : 'Live');
    if (state.linked && behind)
        showLink('behind', 'Connected, not up to date');
    else if (state.linked)
        showLink('live', 'Live');
}

function countDown() {
    if (!state.lost)
        return;
    const left = Math.max(0, retryAt - Date.now());
    say(byId('banner-text'), `Connection to this node lost at ${time(lostAt)}. What you see is from then.`);
    say(byId('banner-wait'), left > 900 ? `Next attempt in ${span(Math.ceil(left / 1000) * 1000)}.` : 'Trying…');  // not read aloud each second
}

function down(wait) {
    state.linked = false;
    if (!state.lost) {
        state.lost = true;
        lostAt = Date.now();
        showLink('lost', 'Not connected');
        banner.dataset.state = 'lost';
        banner.hidden = false;
        byId('banner-retry').hidden = false;
        showNow(state, names);
    }
    clearTimeout(calm);
    retryAt = Date.now() + wait;
    countDown();
}

async function up() {
    try {
        await load();
    } catch {
        return;  // it is closed again
    }
    state.linked = true;
    if (state.lost) {
        state.lost = false;
        banner.dataset.state = 'back';
        byId('banner-retry').hidden = true;
        say(byId('banner-wait'), '');
        say(byId('banner-text'), `Connected again after ${span(Date.now() - lostAt)}.${behindNow(state) ? '' : ' All is up to date.'}`);
        calm = setTimeout(() => { banner.hidden = true; }, 5000);
        showNow(state, names);
    }
    showJudgement();
}

let soon = null;
let drawn = null;  // a node that catches up tells thousands of heads a second

function news(topic, object) {
    if (topic === 'heads') {
        takeHead(object);
        timeline.newHead(object.number);
        drawn = drawn || setTimeout(() => {
            drawn = null;
            showNow(state, names);
        }, 150);
    } else if (topic === 'findings') {
        findings.add(object);
        showJudgement();
        clearTimeout(soon);
        soon = setTimeout(refresh, 400);
    } else if (topic === 'lifecycle') {
        timeline.newHead(object.batch);
    }
}

/* ---- colours ---- */

const THEMES = {auto: ['Colours: auto', 'As the system has them; press for light'], light: ['Colours: light', 'Press for dark'], dark: ['Colours: dark', 'Press for those of the system']};

function kept(value) {
    try {
        if (value !== undefined)
            localStorage.setItem('theme', value);
        return localStorage.getItem('theme');
    } catch {
        return null;
    }
}

function setTheme(theme) {
    const [text, title] = THEMES[theme];
    if (theme === 'auto')
        delete document.documentElement.dataset.theme;
    else
        document.documentElement.dataset.theme = theme;
    byId('theme').textContent = text;
    byId('theme').title = title;
    charts.again();
}

let theme = THEMES[kept()] ? kept() : 'auto';
setTheme(theme);
byId('theme').addEventListener('click', () => {
    const all = Object.keys(THEMES);
    theme = all[(all.indexOf(theme) + 1) % all.length];
    kept(theme);
    setTheme(theme);
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => charts.again());

/* ---- the beginning ---- */

const first = load().then(() => {
    performance.mark('first-view');
    charts.begin();
    askPast();
}).catch(() => down(0));

const feed = new Feed(['heads', 'lifecycle', 'findings'], {
    up: async () => {
        await first;
        if (state.lost || !state.health) {
            await up();
            return;
        }
        state.linked = true;
        showJudgement();
        timeline.load();
    },
    down,
    news,
});
document.addEventListener('visibilitychange', () => {
    if (document.hidden || state.lost)
        return;
    timeline.load();
    refresh();
});
byId('banner-retry').addEventListener('click', () => feed.now());
setInterval(() => {
    countDown();
    if (!document.hidden)
        showNow(state, names);
    if (!document.hidden && state.health)
        showJudgement();
}, 1000);
setInterval(refresh, SLOW);
setInterval(() => {
    if (behindNow(state) || isStill(state))
        refresh();
}, SOON);
