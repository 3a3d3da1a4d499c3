// SPDX-License-Identifier: Apache-2.0
// The timeline's range: following the head, moving, zooming; by buttons, keys and dragging.

import {byId, el, svg, say} from './dom.js';
import {Lanes, barOf, eventText, patterns, signOf, tellRemovals} from './lanes.js';
import {ask} from './rpc.js';
import {EVENTS, STATES, count, eventWords, some, span, time} from './words.js';

const LIVE = 300;     // batches shown at first
const LEAST = 20;
const POINTS = 512;
const LIST = 60;
const EVERY = 1000;   // live: at most one question in so many ms

export class Timeline {
    /** open(mark), shown(view), missing() */
    constructor(names, {open, shown, missing}) {
        Object.assign(this, {names, open, shown, missing, head: 0, live: true, size: LIVE, from: 1, to: 1, busy: false, again: false, last: 0});
        this.plot = byId('plot');
        this.tip = byId('tip');
        byId('tools').addEventListener('click', (e) => {
            const what = e.target.dataset && e.target.dataset.do;
            if (what)
                this.act(what);
        });
        this.plot.addEventListener('keydown', (e) => this.key(e));
        this.plot.addEventListener('pointerdown', (e) => this.drag(e));
        this.plot.addEventListener('pointermove', (e) => this.point(e));
        this.plot.addEventListener('pointerleave', () => this.point(null));
        this.plot.addEventListener('wheel', (e) => this.wheel(e), {passive: false});
        this.plot.addEventListener('focusin', (e) => this.focused(e.target));
        this.plot.addEventListener('focusout', () => this.hideTip());
        this.plot.addEventListener('click', (e) => this.clicked(e));
        new ResizeObserver(() => this.redraw()).observe(this.plot);
        this.legend();
    }

    legend() {
        const box = (node, text, why) => el('li', {title: why},
            svg('svg', {width: 26, height: 24, viewBox: '-13 -12 26 24', 'aria-hidden': 'true'}, node), el('span', {text}));
        const list = byId('legend');
        document.body.append(svg('svg', {class: 'patterns', width: 0, height: 0, 'aria-hidden': 'true'}, patterns()));
        list.append(...Object.entries(STATES).map(([state, [name, why]]) => box(barOf(state, -12, 24, 0), name, why)));
        list.append(...Object.entries(EVENTS).map(([kind, [name, , why]]) => box(signOf(kind), name, why)));
        list.append(box(signOf('start', 3), 'A number: so many events close together', 'The sign is that of the gravest. Press it to see them apart.'));
    }

    /** What the first view asks for. */
    question() {
        if (this.live)
            return ['ten_timeline', Number.isFinite(this.size) ? {last: this.size, points: POINTS} : {points: POINTS}];
        return ['ten_timeline', {from: this.from, to: this.to, points: POINTS}];
    }

    /** An answer, or an error. */
    take(view) {
        if (view instanceof Error) {
            this.view = null;
            this.missing();
            this.plot.replaceChildren(el('p', {class: 'none', text: `The timeline is not available from this node: ${view.message}`}));
            return;
        }
        tellRemovals(view);
        this.view = view;
        this.head = Math.max(this.head, view.head);
        this.names.learn(view.enclaves);
        this.redraw();
        this.list();
        this.shown(view);
    }

    async load() {
        if (this.busy) {
            this.again = true;
            return;
        }
        this.busy = true;
        try {
            this.last = performance.now();
            this.take(await ask(...this.question()));
        } catch (error) {
            if (error.code !== undefined)
                this.take(error);  // else the connection says it
        } finally {
            this.busy = false;
        }
        if (this.again) {
            this.again = false;
            this.load();
        }
    }

    newHead(number) {
        this.head = Math.max(this.head, number);
        if (!this.live || this.timer || this.dragging || document.hidden)
            return;
        this.timer = setTimeout(() => {
            this.timer = null;
            if (this.live && !this.dragging)
                this.load();
        }, Math.max(0, this.last + EVERY - performance.now()));
    }

    /* ---- drawing ---- */

    redraw() {
        if (!this.view || this.dragging)
            return;
        const width = this.plot.clientWidth;
        if (width === 0)
            return;
        const focused = this.lanes && this.lanes.marks.find((c) => c.node === document.activeElement);
        if (this.view.lanes.length === 0) {
            this.lanes = null;
            this.plot.replaceChildren(el('p', {class: 'none', text: 'There is no batch yet.'}));
            return;
        }
        const had = this.plot.contains(document.activeElement);
        this.lanes = new Lanes(this.view, width, this.names);
        this.plot.replaceChildren(this.lanes.draw());
        const marks = this.lanes.marks;
        const again = focused && marks.find((c) => c.marks[0].batch === focused.marks[0].batch && c.lane === focused.lane);
        const stop = again || marks.at(-1);
        if (stop)
            stop.node.setAttribute('tabindex', 0);
        this.lanes.root.setAttribute('tabindex', stop ? -1 : 0);
        if (again) {
            again.node.focus();
        } else if (had) {
            this.hideTip();
            this.lanes.root.focus();  // what had the focus has moved out: the keys still work
        }
        this.words();
    }

    words() {
        const v = this.view;
        const left = v.marksLeftOut > 0 ? `; ${count(v.marksLeftOut)} older events are not drawn, zoom in to see them` : '';
        const times = v.buckets.time;
        const lasts = times.length > 1 ? ` (${span(times.at(-1) - times[0])})` : '';
        say(byId('range'), `Batches ${count(v.from)} to ${count(v.to)} of ${count(Math.max(this.head, v.head))}${lasts}${v.width > 1 ? `, ${count(v.width)} batches to a step` : ''}${left}.`);
        for (const button of byId('tools').querySelectorAll('[aria-pressed]'))
            button.setAttribute('aria-pressed', this.live);
    }

    list() {
        const older = this.view.marks.length - LIST + (this.view.marksLeftOut || 0);
        const newest = this.view.marks.slice(-LIST).reverse();
        byId('events').replaceChildren(...newest.map((mark) => el('li', {},
            el('button', {type: 'button', class: 'line', onclick: () => this.open(mark)},
                svg('svg', {width: 22, height: 22, viewBox: '-11 -11 22 22', 'aria-hidden': 'true'}, signOf(mark.kind)), el('span', {text: eventText(mark, this.names)})))));
        say(byId('events-title'), `The same events as a list (${count(newest.length)})`);
        if (older > 0)
            byId('events').append(el('li', {class: 'none', text: `${some(older, 'older event')} of this range: zoom in to see them.`}));
        if (newest.length === 0)
            byId('events').append(el('li', {class: 'none', text: 'Nothing happened in this range.'}));
    }

    /* ---- the range ---- */

    range() {
        return this.view ? [this.view.from, this.view.to] : [1, Math.max(1, this.head)];
    }

    show(from, to) {
        const size = Math.min(Math.max(Math.round(to - from + 1), Math.min(LEAST, this.head)), this.head);
        const start = Math.max(1, Math.min(Math.round(from), this.head - size + 1));
        this.live = start + size - 1 >= this.head;
        this.size = size;
        [this.from, this.to] = [start, start + size - 1];
        this.load();
    }

    zoom(by, at) {
        const [from, to] = this.range();
        const middle = at === undefined ? (this.live ? to : (from + to) / 2) : at;
        this.show(middle - (middle - from) * by, middle + (to - middle) * by);
    }

    move(share) {
        const [from, to] = this.range();
        const by = (to - from + 1) * share;
        this.show(from + by, to + by);
    }

    act(what) {
        const acts = {
            earlier: () => this.move(-0.5), later: () => this.move(0.5), in: () => this.zoom(0.5), out: () => this.zoom(2),
            all: () => {
                this.size = Infinity;
                this.live = true;
                this.load();
            },
            live: () => {
                this.size = Math.min(this.size, LIVE);
                this.live = true;
                this.load();
            },
        };
        acts[what]();
    }

    /* ---- keys, pointer ---- */

    key(e) {
        if (e.ctrlKey || e.altKey || e.metaKey)
            return;
        const marks = this.lanes ? this.lanes.marks : [];
        const at = marks.findIndex((c) => c.node === document.activeElement);
        const step = {ArrowLeft: -1, ArrowRight: 1}[e.key];
        const acts = {'+': 'in', '=': 'in', '-': 'out', Home: 'all', End: 'live'};
        if (step && e.shiftKey)
            this.move(step / 2);
        else if (step)
            this.focusMark(marks[Math.min(Math.max(at + step, 0), marks.length - 1)]);
        else if (acts[e.key])
            this.act(acts[e.key]);
        else if ((e.key === 'Enter' || e.key === ' ') && at >= 0)
            this.openCluster(marks[at]);
        else if (e.key === 'Escape')
            this.hideTip();
        else
            return;
        e.preventDefault();
    }

    focusMark(cluster) {
        if (!cluster)
            return;
        this.lanes.marks.forEach((c) => c.node.setAttribute('tabindex', c === cluster ? 0 : -1));
        cluster.node.focus();
    }

    clusterOf(node) {
        const g = node.closest ? node.closest('.mark') : null;
        return g && this.lanes ? this.lanes.marks.find((c) => c.node === g) : null;
    }

    focused(node) {
        const cluster = this.clusterOf(node);
        if (cluster)
            this.showTip([cluster.label, ...(cluster.marks.length === 1 ? [eventWords(cluster.marks[0], this.names)[2], 'Enter opens it.'] : ['Enter zooms in.'])], cluster.node.getBoundingClientRect());
    }

    clicked(e) {
        const cluster = this.clusterOf(e.target);
        if (cluster && !this.moved)
            this.openCluster(cluster);
    }

    openCluster(cluster) {
        const [a, b] = [cluster.marks[0].batch, cluster.marks.at(-1).batch];
        if (cluster.marks.length > 1 && (b - a) * 4 > LEAST && this.view.to - this.view.from + 1 > LEAST * 2)
            this.show(a - (b - a), b + (b - a));
        else
            this.open(cluster.marks.at(-1), cluster.marks);
    }

    point(e) {
        if (!e || !this.lanes || this.dragging) {
            if (!this.plot.contains(document.activeElement))
                this.hideTip();
            if (this.lanes)
                this.lanes.cursor.setAttribute('visibility', 'hidden');
            return;
        }
        const cluster = this.clusterOf(e.target);
        if (cluster) {
            this.focused(cluster.node);
            return;
        }
        const x = e.clientX - this.plot.getBoundingClientRect().left;
        if (x < this.lanes.left || e.pointerType === 'touch') {
            this.hideTip();
            return;
        }
        const n = this.lanes.numberAt(x);
        const at = this.lanes.x(n + 0.5);
        this.lanes.cursor.setAttribute('visibility', 'visible');
        this.lanes.cursor.setAttribute('x1', at);
        this.lanes.cursor.setAttribute('x2', at);
        this.showTip(this.lanes.textAt(n), {left: e.clientX, right: e.clientX, top: e.clientY - 8, bottom: e.clientY + 8});
    }

    drag(e) {
        this.moved = false;
        if (!this.lanes || e.button !== 0)
            return;
        const start = e.clientX;
        const [from, to] = this.range();
        const lanes = this.lanes;
        const move = (m) => {
            const by = m.clientX - start;
            if (!this.dragging && Math.abs(by) > 5) {
                this.dragging = this.moved = true;
                this.plot.classList.add('dragging');
                this.hideTip();
            }
            if (this.dragging)
                lanes.moved.setAttribute('transform', `translate(${by} 0)`);
        };
        const up = (m) => {
            removeEventListener('pointermove', move);
            removeEventListener('pointerup', up);
            removeEventListener('pointercancel', up);
            if (!this.dragging)
                return;
            this.dragging = false;
            this.plot.classList.remove('dragging');
            const by = (start - m.clientX) / lanes.inner * (to - from + 1);
            this.show(from + by, to + by);
        };
        addEventListener('pointermove', move);
        addEventListener('pointerup', up);
        addEventListener('pointercancel', up);
    }

    wheel(e) {
        if (!e.ctrlKey || !this.lanes)
            return;
        e.preventDefault();
        const x = e.clientX - this.plot.getBoundingClientRect().left;
        this.zoom(e.deltaY > 0 ? 1.25 : 0.8, this.lanes.numberAt(x));
    }

    /* ---- the box that tells ---- */

    showTip(lines, near) {
        this.tip.replaceChildren(...lines.map((text) => el('p', {text})));
        this.tip.hidden = false;
        const box = this.tip.getBoundingClientRect();
        const left = Math.min(Math.max(8, (near.left + near.right) / 2 - box.width / 2), innerWidth - box.width - 8);
        const above = near.top - box.height - 8;
        this.tip.style.left = `${left}px`;
        this.tip.style.top = `${above > 4 ? above : near.bottom + 10}px`;
    }

    hideTip() {
        this.tip.hidden = true;
    }
}
