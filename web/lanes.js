// SPDX-License-Identifier: Apache-2.0
// Draws a range of the timeline: one lane for each enclave, marks for events. Shape tells as much as
// colour: active is a full bar, passive a thin one, starting dashes, absent a hatched frame, revoked dots.

import {svg} from './dom.js';
import {STATES, count, eventWords, shortId, span, time} from './words.js';

const LANE = 46;
const TOP = 8;
const AXIS = 30;
const NEAR = 17;  // marks closer than this are shown as one
const RANK = ['takeover', 'revoked', 'restart', 'granted', 'clean-takeover', 'activation', 'start'];

/** Signs of 16 by 16 around (0, 0); also used for the legend. */
export function signOf(kind, many) {
    const g = svg('g', {class: `sign sign-${kind}`});
    const back = kind === 'takeover' ? svg('path', {class: 'back', d: 'M0-10 10 8H-10z'})
        : svg('circle', {class: 'back', r: 8.5});
    g.append(back);
    if (many) {
        g.append(svg('text', {y: kind === 'takeover' ? 6 : 4, class: 'many', text: many > 99 ? '99+' : many}));
        return g;
    }
    const path = {
        takeover: 'M0-4v6M0 4.5v1.5',
        'clean-takeover': 'M-4 0l3 3 5-6',
        restart: 'M3.5-3A4.6 4.6 0 1 0 4.6.6M4.4-5.4l-.4 3.2-3.1-.6',
        start: 'M-2.4-4 4 0-2.4 4z',
        activation: 'M-3-4.4v9M-3-4.4h6.4l-1.8 2.4 1.8 2.4H-3',
        granted: 'M-4 0h8M0-4v8',
        revoked: 'M-3.4-3.4l6.8 6.8M3.4-3.4l-6.8 6.8',
    }[kind];
    g.append(svg('path', {class: 'glyph', d: path}));
    return g;
}

/** A state as it looks in a lane of this height. */
export function barOf(state, x, width, middle) {
    const w = Math.max(width, 1);
    if (state === 'active')
        return svg('rect', {class: 'bar active', x, y: middle - 11, width: w, height: 22, rx: 2});
    if (state === 'passive')
        return svg('rect', {class: 'bar passive', x, y: middle - 4, width: w, height: 8});
    if (state === 'absent')
        return svg('rect', {class: 'bar absent', x, y: middle - 8, width: w, height: 16, fill: 'url(#hatch)'});
    if (state === 'starting')
        return svg('rect', {class: 'bar starting', x, y: middle - 4, width: w, height: 8, fill: 'url(#steps)'});
    return svg('line', {class: `bar ${state}`, x1: x, x2: x + w, y1: middle, y2: middle});
}

export function patterns() {
    return svg('defs', {},
        svg('pattern', {id: 'hatch', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)'},
            svg('rect', {class: 'hatch-back', width: 6, height: 6}), svg('rect', {class: 'hatch-line', width: 2.4, height: 6})),
        svg('pattern', {id: 'steps', width: 5, height: 8, patternUnits: 'userSpaceOnUse'},
            svg('rect', {class: 'steps-line', width: 3, height: 8})));
}

const batchesOf = (a, b) => a === b ? `batch ${count(a)}` : `batches ${count(a)} to ${count(b)}`;

/** What an event says in one sentence. */
export function eventText(mark, names) {
    const [what, did] = eventWords(mark, names);
    return `${what}: ${names.full(mark.enclave)} ${did}. Batch ${count(mark.batch)}, ${time(mark.time)}`;
}

/** A switch is told as another when the one before had been taken off the list: each such mark gets removed, the id. */
export function tellRemovals(view) {
    const {first} = view.buckets;
    const wasActive = (id, batch) => {
        const at = first.findLastIndex((n) => n < batch);
        return view.lanes.some((l) => l.id === id && l.runs.some(([a, b, state]) => a <= at && at <= b && state === 'active'));
    };
    for (const mark of view.marks.filter((m) => m.kind === 'clean-takeover')) {
        const gone = view.marks.find((m) => m.kind === 'revoked' && m.batch <= mark.batch && m.batch >= mark.batch - 1 && m.enclave !== mark.enclave && wasActive(m.enclave, mark.batch));
        if (gone)
            mark.removed = gone.enclave;
    }
}

function niceSteps(from, to, most) {
    const raw = (to - from + 1) / most;
    const ten = 10 ** Math.floor(Math.log10(Math.max(raw, 1)));
    const step = [1, 2, 5, 10].map((k) => k * ten).find((s) => s >= raw) || 10 * ten;
    const list = [];
    for (let n = Math.ceil(from / step) * step; n <= to; n += step)
        list.push(n);
    return list;
}

export class Lanes {
    /** view: an answer of ten_timeline. */
    constructor(view, width, names) {
        this.view = view;
        this.names = names;
        this.narrow = width < 620;
        this.left = this.narrow ? 12 : 168;
        this.width = width;
        this.height = TOP + view.lanes.length * LANE + AXIS;
        this.inner = Math.max(width - this.left - 10, 50);
        this.first = view.buckets.first;
        this.marks = [];
    }

    x(n) {
        return this.left + (n - this.view.from) / (this.view.to - this.view.from + 1) * this.inner;
    }

    numberAt(x) {
        const n = this.view.from + (x - this.left) / this.inner * (this.view.to - this.view.from + 1);
        return Math.min(Math.max(Math.floor(n), this.view.from), this.view.to);
    }

    bucketAt(n) {
        let low = 0, high = this.first.length - 1;
        while (low < high) {
            const middle = (low + high + 1) >> 1;
            if (this.first[middle] <= n)
                low = middle;
            else
                high = middle - 1;
        }
        return low;
    }

    end(i) {
        return i + 1 < this.first.length ? this.first[i + 1] : this.view.to + 1;
    }

    middle(lane) {
        return TOP + lane * LANE + (this.narrow ? 30 : LANE / 2);
    }

    laneOf(id) {
        return this.view.lanes.findIndex((l) => l.id === id);
    }

    stateAt(lane, bucket) {
        const run = lane.runs.find(([a, b]) => a <= bucket && bucket <= b);
        return run ? run[2] : null;
    }

    drawLane(lane, i) {
        const m = this.middle(i);
        const g = svg('g', {class: 'lane'});
        g.append(svg('line', {class: 'rail', x1: this.left, x2: this.left + this.inner, y1: m, y2: m}));
        for (const [a, b, state] of lane.runs)
            g.append(barOf(state, this.x(this.first[a]), this.x(this.end(b)) - this.x(this.first[a]), m));
        for (const [bucket] of lane.absent || [])
            g.append(svg('rect', {class: 'partly', x: this.x(this.first[bucket]), y: m + 12, height: 4,
                width: Math.max(this.x(this.end(bucket)) - this.x(this.first[bucket]), 2)}));
        return g;
    }

    /** The names keep still while the lanes are dragged. */
    drawName(lane, i) {
        const state = this.stateAt(lane, this.first.length - 1) || '';
        const m = this.middle(i);
        const y = this.narrow ? m - 16 : m - 2;
        const g = svg('g', {class: 'name'});
        g.append(svg('text', {x: this.narrow ? 2 : 0, y, class: 'who'}, svg('tspan', {text: this.names.of(lane.id)})));
        g.append(svg('text', {x: this.narrow ? 84 : 0, y: this.narrow ? y : y + 15, class: 'what',
            text: this.narrow ? `${shortId(lane.id)} · ${state}` : `${shortId(lane.id)} · ${state}`}));
        return g;
    }

    /** From who was active to who is, so that the eye follows. */
    drawHandover(mark) {
        const to = this.laneOf(mark.enclave);
        const bucket = this.bucketAt(mark.batch);
        const before = bucket > 0 ? this.view.lanes.findIndex((l, i) => i !== to && this.stateAt(l, bucket - 1) === 'active') : -1;
        if (to < 0 || before < 0)
            return null;
        const x = this.x(mark.batch);
        return svg('line', {class: `handover ${mark.kind}`, x1: x, x2: x, y1: this.middle(before), y2: this.middle(to)});
    }

    clusters() {
        const out = [];
        this.view.lanes.forEach((lane, i) => {
            let last = null;
            for (const mark of this.view.marks.filter((m) => m.enclave === lane.id)) {
                const x = this.x(mark.batch + 0.5);
                if (last && x - last.end < NEAR) {
                    last.marks.push(mark);
                    last.end = x;
                } else {
                    last = {lane: i, x, end: x, marks: [mark]};
                    out.push(last);
                }
            }
        });
        out.forEach((c) => { c.x = (c.x + c.end) / 2; });
        return out.sort((a, b) => a.marks[0].batch - b.marks[0].batch);
    }

    drawMark(cluster) {
        const worst = cluster.marks.map((m) => m.kind).sort((a, b) => RANK.indexOf(a) - RANK.indexOf(b))[0];
        const many = cluster.marks.length > 1 ? cluster.marks.length : 0;
        const label = many ? `${many} events of ${this.names.full(cluster.marks[0].enclave)}, ${batchesOf(cluster.marks[0].batch, cluster.marks.at(-1).batch)}`
            : eventText(cluster.marks[0], this.names);
        const g = svg('g', {class: 'mark', role: 'button', tabindex: -1, 'aria-label': label,
            transform: `translate(${cluster.x.toFixed(1)} ${this.middle(cluster.lane)})`},
        svg('circle', {class: 'hit', r: 13}), signOf(worst, many));
        cluster.node = g;
        cluster.label = label;
        return g;
    }

    drawAxis() {
        const g = svg('g', {class: 'axis', 'aria-hidden': 'true'});
        const y = this.height - AXIS;
        const most = Math.max(2, Math.floor(this.inner / (this.narrow ? 80 : 130)));
        for (const n of niceSteps(this.view.from, this.view.to, most)) {
            const x = this.x(n + 0.5);
            if (x > this.left + this.inner - 20 || x < this.left + 20)
                continue;
            g.append(svg('line', {x1: x, x2: x, y1: TOP, y2: y + 4}));
            g.append(svg('text', {x, y: y + 15, text: count(n)}));
            g.append(svg('text', {x, y: y + 27, class: 'clock', text: time(this.view.buckets.time[this.bucketAt(n)])}));
        }
        return g;
    }

    draw() {
        const root = svg('svg', {class: 'lanes', width: this.width, height: this.height, viewBox: `0 0 ${this.width} ${this.height}`,
            role: 'group', 'aria-label': `Timeline of ${this.view.lanes.length} enclaves, batches ${count(this.view.from)} to ${count(this.view.to)}, ` +
            `${count(this.view.marks.length)} events`});
        const clip = svg('clipPath', {id: 'inside'}, svg('rect', {x: this.left - 12, y: 0, width: this.inner + 22, height: this.height}));
        const moved = svg('g', {class: 'moved'}, this.drawAxis());
        this.view.lanes.forEach((lane, i) => moved.append(this.drawLane(lane, i)));
        for (const mark of this.view.marks)
            if (mark.kind === 'takeover' || mark.kind === 'clean-takeover')
                moved.append(...[this.drawHandover(mark)].filter(Boolean));
        this.marks = this.clusters();
        this.cursor = svg('line', {class: 'cursor', visibility: 'hidden', y1: TOP, y2: this.height - AXIS, x1: -9, x2: -9});
        moved.append(this.cursor, ...this.marks.map((c) => this.drawMark(c)));
        root.append(svg('defs', {}, clip), svg('g', {'clip-path': 'url(#inside)'}, moved));
        this.view.lanes.forEach((lane, i) => root.append(this.drawName(lane, i)));
        this.moved = moved;
        this.root = root;
        return root;
    }

    /** What was at a batch, for who points at it. */
    textAt(n) {
        const b = this.bucketAt(n);
        const k = this.view.buckets;
        const size = this.end(b) - this.first[b];
        const head = size > 1 ? `Batches ${count(this.first[b])} to ${count(this.end(b) - 1)}` : `Batch ${count(this.first[b])}`;
        const lines = [`${head}, ${time(k.time[b])}, term ${count(k.term[b])}`];
        for (const lane of this.view.lanes) {
            const state = this.stateAt(lane, b);
            if (state)
                lines.push(`${this.names.full(lane.id)}: ${STATES[state][0].toLowerCase()}`);
        }
        lines.push(`${size > 1 ? 'intervals of' : 'interval'} ${span(k.intervalMean[b])}${size > 1 ? `, at most ${span(k.intervalMax[b])}` : ''}; ${count(k.transactions[b])} transactions`);
        return lines;
    }
}
