// SPDX-License-Identifier: Apache-2.0
// Verdict, now, findings, assessment.

import {byId, el, save, say} from './dom.js';
import {RpcError, ask} from './rpc.js';
import {SEVERITIES, behindOf, count, eventName, shortId, some, span, tally, time, titleOf, verdict} from './words.js';

/* ---- the verdict ---- */

export const isStill = (state) => Date.now() - state.seen > Math.max(3 * (state.interval || 1000), 3000);

/** In words why what is shown is not up to date; null: it is, or the connection says it. */
export const behindNow = (state) => state.lost ? null : behindOf(state.health, state.head, isStill(state));

export function showVerdict(state) {
    const {findings, assessment, health, head} = state;
    const v = verdict(findings, assessment, health, head, behindNow(state));
    const t = tally(findings, assessment);
    const box = byId('verdict');
    box.dataset.level = v.level;
    say(byId('late'), v.late);
    say(byId('verdict-sign'), v.sign);
    say(byId('verdict-title'), v.title);
    say(byId('verdict-lead'), v.lead);
    say(byId('say-proven'), v.proven);
    say(byId('say-suspicious'), v.suspicious);
    say(byId('say-sure'), v.sure);
    say(byId('say-unseen'), v.unseen);
    const figures = t.known ? [['proof', t.proofs], ['omission', t.omissions], ['pattern', t.patterns]] : [];
    byId('counts').replaceChildren(...figures.map(([severity, list]) => el('li', {'data-severity': severity, 'data-any': String(list.length > 0)},
        el('b', {text: count(list.length)}), el('span', {text: ` ${severity === 'proof' ? 'proof' : severity === 'omission' ? 'gap' : 'pattern'}${list.length === 1 ? '' : 's'}`}))));
}

/* ---- now ---- */

function rateOf(heads) {
    if (heads.length < 2)
        return null;
    const ms = heads.at(-1).time - heads[0].time;
    return ms > 0 ? (heads.length - 1) * 1000 / ms : null;
}

export const isChange = (mark) => mark.kind === 'takeover' || mark.kind === 'clean-takeover';

/** The newest takeover of all ranges that were looked at, or of the whole chain. */
function lastSwitch(state, names) {
    const {view} = state;
    const newest = view ? view.marks.filter(isChange).at(-1) : null;
    if (newest && (!state.last || newest.batch > state.last.mark.batch))
        state.last = {mark: newest, took: view.takeoverTimes.find(([batch]) => batch === newest.batch)};
    if (state.past && (!state.last || state.past.mark.batch > state.last.mark.batch))
        state.last = state.past;
    if (!state.last)
        return null;
    const {mark, took} = state.last;
    return {mark, text: `${eventName(mark)} by ${names.full(mark.enclave)} at batch ${count(mark.batch)}${mark.time ? `, ${time(mark.time)}` : ''}` +
        `${mark.removed ? `: ${names.full(mark.removed)}, active until then, was taken off the list` : ''}${took ? `; that batch came ${span(took[1])} after the one before` : ''}.`};
}

/** state: {head, heads, active, term, health, interval, lost, view, lateSince} */
export function showNow(state, names) {
    const still = isStill(state);
    const rate = still ? null : rateOf(state.heads);
    const behind = behindNow(state);
    const figures = [
        ['Active', state.active ? names.of(state.active) : 'none', state.active ? shortId(state.active) : 'no batch yet'],
        ['Newest batch', count(state.head.number), state.head.time ? time(state.head.time) : ''],
        ['Term', count(state.head.term), 'grows with each activation'],
        ['Batches a second', rate ? (rate >= 10 ? rate.toFixed(0) : rate.toFixed(1)) : '–', state.interval ? `one each ${span(state.interval)}` : ''],
    ];
    const list = byId('now');
    if (list.children.length !== figures.length)
        list.replaceChildren(...figures.map(([name]) => el('div', {}, el('dt', {text: name}), el('dd', {class: 'big'}), el('dd', {class: 'small'}))));
    figures.forEach(([, big, small], i) => {
        say(list.children[i].children[1], big);
        say(list.children[i].children[2], small);
    });
    const last = lastSwitch(state, names);
    let note = last ? `Last change of the active enclave: ${last.text}` : state.past === null ? 'The active enclave has been the same since the chain began.' : '';
    let mood = 'calm';
    if (state.lost)
        note = 'Not connected: this is what it was then.';
    else if (behind) {
        note = `This node stands at batch ${count(state.head.number)}: ${behind}. What the enclaves do now cannot be seen here.`;
        mood = 'late';
    } else if (state.head.number > 0 && still) {
        note = `No new batch for more than ${span(Math.floor((Date.now() - state.seen) / 3000) * 3000)}. A switch to another enclave may be in progress, or production is paused.`;
        mood = 'late';
    } else if (last && state.head.number - last.mark.batch < 8) {
        note = `Switch in progress or just done. ${last.text}`;
        mood = last.mark.kind === 'takeover' ? 'switch' : 'planned';
    }
    byId('now-note').dataset.mood = mood;
    say(byId('now-note'), note);
}

/* ---- findings ---- */

const PAGE = 20;
const curly = (text) => text.replaceAll('\'', '’');
const whole = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
export const sentence = (text) => whole(curly(text));
const keyOf = (f) => f.serial !== null ? `s${f.serial}` : `e${f.name}${f.evidence}${f.hash}`;
const newestFirst = (a, b) => (b.last - a.last) || (b.time - a.time) || ((b.serial || 0) - (a.serial || 0));

export class Findings {
    /** open(finding): shows its batch. */
    constructor(names, open) {
        Object.assign(this, {names, open, all: new Map(), shown: PAGE, filter: 'all', nodes: new Map(), known: false});
        byId('severities').append(...Object.entries(SEVERITIES).map(([severity, [name, why]]) =>
            el('div', {'data-severity': severity}, el('dt', {text: name}), el('dd', {text: why}))));
        byId('findings-more').addEventListener('click', () => {
            this.shown += 2 * PAGE;
            this.draw();
        });
        const filters = [['all', 'All'], ...Object.entries(SEVERITIES).slice(0, 3).map(([k, [name]]) => [k, `${name}s only`])];
        byId('filters').append(...filters.map(([key, name]) => el('button', {type: 'button', 'aria-pressed': String(key === 'all'), 'data-key': key, text: name, onclick: () => {
            this.filter = key;
            this.shown = PAGE;
            byId('filters').querySelectorAll('button').forEach((b) => b.setAttribute('aria-pressed', b.dataset.key === key));
            this.draw();
        }})));
    }

    list() {
        return this.known ? [...this.all.values()] : null;
    }

    take(answer) {
        this.known = !(answer instanceof RpcError);
        this.all.clear();
        if (this.known)
            answer.findings.forEach((f) => this.all.set(keyOf(f), f));
        else
            this.why = answer.message;
        this.draw();
    }

    add(f) {
        this.all.set(keyOf(f), {...f, isNew: true});
        this.nodes.delete(keyOf(f));
        this.draw();
    }

    item(f) {
        const key = `${keyOf(f)}/${f.state}/${this.names.letters.size}`;
        if (this.nodes.get(keyOf(f))?.key === key)
            return this.nodes.get(keyOf(f)).node;
        const where = f.first === f.last ? `Batch ${count(f.last)}` : `Batches ${count(f.first)} to ${count(f.last)}`;
        const buttons = [el('button', {type: 'button', class: 'line', text: 'Show the batch', onclick: () => this.open(f)})];
        if (f.evidence)
            buttons.push(el('button', {type: 'button', class: 'line strong', text: 'Download the evidence', onclick: (e) => this.evidence(f, e.target)}));
        const node = el('li', {class: f.isNew ? 'finding fresh' : 'finding', 'data-severity': f.severity, 'data-name': f.name},
            el('div', {class: 'finding-head'}, el('span', {class: 'tag', text: (SEVERITIES[f.severity] || [f.severity])[0]}),
                el('strong', {text: titleOf(f)}),
                f.state === 'open' ? el('span', {class: 'tag open', text: 'not over yet'}) : null,
                f.about === 'peer' ? el('span', {class: 'tag', text: 'about a peer, not the operator'}) : null),
            el('p', {class: 'text', text: sentence(this.names.in(f.text))}),
            el('p', {class: 'meta'}, el('span', {text: `${where}${f.time ? ` · ${time(f.time)}` : ''}${f.enclave ? ` · ${this.names.full(f.enclave)}` : ''}`}), ...buttons));
        this.nodes.set(keyOf(f), {key, node});
        return node;
    }

    draw() {
        const of = [...this.all.values()].filter((f) => this.filter === 'all' || f.severity === this.filter).sort(newestFirst);
        const none = byId('findings-none');
        byId('findings').replaceChildren(...of.slice(0, this.shown).map((f) => this.item(f)));
        none.hidden = of.length > 0;
        say(none, this.known ? this.filter === 'all' ? 'None so far.' : 'None of this kind.' : `Not available from this node: ${this.why || 'not asked yet'}`);
        byId('findings-more').hidden = of.length <= this.shown;
        say(byId('findings-more'), `Show more (${count(of.length - this.shown)} older)`);
    }

    async evidence(f, button) {
        button.disabled = true;
        try {
            const file = await ask('ten_evidence', [f.evidence]);
            if (!file)
                throw new Error('it keeps none under this name');
            save(`${f.name}-${f.first}-${f.evidence.slice(2, 10)}.json`, JSON.stringify(file, null, 1), 'application/json');
            say(button, 'Downloaded. Check it: tenseq verify FILE');
        } catch (error) {
            say(button, `Not available from this node: ${error.message}`);
        } finally {
            button.disabled = false;
        }
    }
}

/* ---- the assessment ---- */

const percent = (share) => share === undefined || share === null ? '–' : `${(Math.floor(share * 10000) / 100)} %`;
const fixed = (x) => typeof x === 'number' ? String(Math.round(x * 100) / 100 || 0) : '–';

const perDay = (x) => `${fixed(x)} ${x === 1 ? 'restart' : 'restarts'} a day`;

function table(caption, head, rows) {
    return el('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption},
        el('table', {'aria-label': caption}, el('thead', {}, el('tr', {}, ...head.map((h) => el('th', {scope: 'col', class: h.length > 12 ? 'long' : null, text: h})))),
            el('tbody', {}, ...rows.map((row) => el('tr', {}, ...row.map((cell, i) => i === 0 ? el('th', {scope: 'row', text: cell}) : el('td', {text: cell})))))));
}

function likelihood(l, name, what) {
    if (!l)
        return null;
    const full = Math.max(0, Math.min(l.logRatio / l.threshold, l.alarm ? 1 : 0.98));
    const alarm = l.alarm ? `${what.isRemark ? 'over the threshold' : 'Alarm'}${l.alarmAt ? ` since batch ${count(l.alarmAt)}` : ''}` : 'no alarm';
    return el('div', {class: 'likelihood', 'data-alarm': String(Boolean(l.alarm))},
        el('p', {}, el('strong', {text: `${name}: `}), el('span', {text: `${fixed(l.alarm ? l.logRatio : Math.min(l.logRatio, l.threshold - 0.01))} of ${fixed(l.threshold)}, ${alarm}`})),
        el('meter', {min: 0, max: 1, high: 0.75, optimum: 0, value: full.toFixed(3), 'aria-label': `${name}: how far to the alarm`}),
        el('p', {class: 'why', text: what.text}));
}

function parameters(p) {
    const pairs = [
        [`at most one in ${count(Math.round(1 / p.alpha))} networks, in their whole life (α)`, 'false alarms'],
        [perDay(p.lambda0PerDay), 'promised at most'],
        [perDay(p.lambda1PerDay), 'what misuse would look like'],
        [span(p.mergeWindowMs), 'restarts this close count as one incident'],
        [`${span(p.bootMs)} (${p.bootMsFrom === 'observed' ? 'the shortest seen' : 'set by the node’s operator'})`, 'a boot takes at least'],
    ];
    return el('dl', {class: 'params'}, ...pairs.map(([value, name]) => el('div', {}, el('dt', {text: name}), el('dd', {text: value}))));
}

export function showAssessment(a, names) {
    const box = byId('assessment');
    if (!a || a instanceof RpcError || !a.operator) {
        box.replaceChildren(el('p', {class: 'none', text: `Not available from this node${a instanceof RpcError ? `: ${a.message}` : ''}. What is proven and what was found above does not depend on it.`}));
        return;
    }
    const o = a.operator;
    const enclaves = [...a.enclaves || []].sort((x, y) => names.rank(x.id) - names.rank(y.id));
    const rows = enclaves.map((e) => [names.brief(e.id), e.state, percent(e.uptime && e.uptime.share), count(e.boots), count(e.restarts),
        `${count(e.takeovers.clean)} / ${count(e.takeovers.unclean)}`, e.longestSilence ? `${span(e.longestSilence.ms)} (${some(e.longestSilence.batches, 'batch', 'batches')})` : 'none',
        e.lag ? `${fixed(e.lag.mean)} / ${count(e.lag.max)}` : '–', e.exposure ? count(e.exposure.boots) : '–']);
    box.replaceChildren(
        el('p', {text: `Over ${span(o.days * 86400000)} and ${some(a.number, 'batch', 'batches')}: ${some(o.restarts, 'restart')} in ${some(o.incidents, 'incident')}, ` +
            `${some(o.takeovers.clean, 'planned switch', 'planned switches')}, ${some(o.takeovers.unclean, 'unclean takeover')}.`}),
        el('h3', {text: 'Are there more restarts than promised?'}),
        el('p', {class: 'why', text: 'Two stories are compared: restarts come at most as often as the operator promised, or as often as misuse would need. Each restart moves the scale towards misuse, each quiet day away from it. ' +
            'At the threshold there is an alarm.'}),
        likelihood(o.likelihood && o.likelihood.merged, 'Restarts of one incident counted once', {text: 'The figure that the verdict goes by: a power cut that takes three enclaves down is one incident.'}),
        likelihood(o.likelihood && o.likelihood.raw, 'Each restart counted', {isRemark: true, text: 'Told beside it, and accuses nobody: it oversteps sooner, and wrongly when honest restarts come close together.'}),
        el('h3', {text: 'How much could have happened unseen?'}),
        el('p', {}, el('strong', {text: `At most ${some(o.exposure.boots, 'boot')}`}), el('span', {text: ` in ${some(o.exposure.windows, 'dark window')} of ${span(o.exposure.darkMs)} altogether.`})),
        el('p', {class: 'why', text: 'A window is dark from an enclave’s last report until it is back. An upper bound: so many boots would have fitted in, if one boot followed the other.'}),
        el('h3', {text: 'Each enclave'}),
        el('p', {class: 'sideways', text: 'The table is wider than the screen: move it sideways →'}),
        table('Each enclave', ['Enclave', 'Now', 'Reported', 'Boots', 'Restarts', 'Takeovers planned / unclean', 'Longest silence', 'Lag of reports, mean / most', 'Unseen boots at most'], rows),
        el('h3', {text: 'What these figures rest on'}), parameters(a.parameters),
        el('h3', {text: 'What nobody can see here'}),
        el('ul', {class: 'open'}, ...(a.open || []).map((x) => el('li', {text: curly(x.what)}))));
}
