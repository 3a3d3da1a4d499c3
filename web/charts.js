// SPDX-License-Identifier: Apache-2.0
// Charts with uPlot, which is loaded behind everything else.

import {byId, el, say} from './dom.js';
import {count, span} from './words.js';

const ms = (v) => v === null || v === undefined ? '–' : span(v);
const whole = (v) => v === null || v === undefined ? '–' : count(v);
const most = (list) => list.reduce((a, b) => Math.max(a, b), 0);
const mean = (list) => list.length ? list.reduce((a, b) => a + b, 0) / list.length : 0;

/** name, title, unit, series [label, colour, shape], data of a view, words of a view */
const CHARTS = [
    {
        id: 'interval', title: 'Time between batches', unit: ms, series: [['mean', '--c1', 'line'], ['longest', '--c2', 'step']],
        data: ({buckets: b}) => [b.first, b.intervalMean, b.intervalMax],
        words: ({buckets: b}) => `Mean ${span(mean(b.intervalMean))}, longest ${span(most(b.intervalMax))}. A peak is a pause, or a takeover that took its time.`,
    },
    {
        id: 'takeovers', title: 'How long takeovers took', unit: ms, series: [['unclean', '--c3', 'full'], ['planned', '--c1', 'ring']],
        data: ({takeoverTimes: t}) => [t.map((x) => x[0]), t.map((x) => x[2] ? null : x[1]), t.map((x) => x[2] ? x[1] : null)],
        words: ({takeoverTimes: t}) => t.length === 0 ? 'No takeover in this range.' : `${count(t.length)} in this range; the slowest first batch came ${span(most(t.map((x) => x[1])))} after the one before.`,
    },
    {
        id: 'lag', title: 'How far reports lag, at most', unit: whole, series: [['batches', '--c2', 'step']],
        data: ({buckets: b}) => [b.first, b.reportLagMax],
        words: ({buckets: b}) => `At most ${count(most(b.reportLagMax))}; 1 is as it should be. An enclave that keeps lagging may be busy with something else.`,
    },
    {
        id: 'transactions', title: 'Transactions', unit: whole, series: [['transactions', '--c1', 'step']],
        data: ({buckets: b}) => [b.first, b.transactions],
        words: ({buckets: b}) => `${count(b.transactions.reduce((a, x) => a + x, 0))} in this range.`,
    },
];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function seriesOf(uPlot, [label, name, shape], unit) {
    const stroke = colour(name);
    const base = {label, stroke, width: 1.5, value: (u, v) => unit(v), points: {show: false}};
    if (shape === 'step')
        return {...base, paths: uPlot.paths.stepped({align: 1}), fill: `${stroke}22`};
    if (shape === 'full' || shape === 'ring')
        return {...base, paths: () => null, points: {show: true, size: 9, fill: shape === 'full' ? stroke : 'transparent', stroke, width: 2}};
    return base;
}

function optionsOf(uPlot, chart, width, range) {
    const axis = {stroke: colour('--soft'), grid: {stroke: colour('--line'), width: 1}, ticks: {stroke: colour('--line')}, font: '12px system-ui, sans-serif'};
    return {
        width, height: 170, cursor: {drag: {x: false, y: false}, sync: {key: 'charts'}}, legend: {live: true},
        scales: {x: {time: false, range}, y: {range: (u, low, high) => [0, Math.max(high * 1.1, chart.unit === ms ? 10 : 4)]}},
        axes: [{...axis, values: (u, v) => v.map((n) => Number.isInteger(n) ? count(n) : ''), space: 90}, {...axis, values: (u, v) => v.map((x) => chart.unit === ms || Number.isInteger(x) ? chart.unit(x) : ''), size: 62}],
        series: [{label: 'batch', value: (u, v) => whole(v)}, ...chart.series.map((s) => seriesOf(uPlot, s, chart.unit))],
    };
}

export class Charts {
    constructor() {
        this.made = new Map();
        this.box = byId('charts');
        this.box.append(...CHARTS.map((chart) => el('figure', {id: `chart-${chart.id}`}, el('figcaption', {}, el('h3', {text: chart.title}), el('p', {class: 'why'})),
            el('div', {class: 'chart', role: 'img', 'aria-label': chart.title}))));
        new ResizeObserver(() => this.fit()).observe(this.box);
    }

    /** uPlot comes when the first view is there. */
    async begin() {
        this.uPlot = this.uPlot || (await import('./vendor/uplot.js')).default;
        this.draw();
    }

    take(view) {
        this.view = view;
        this.draw();
    }

    /** There is no timeline to draw. */
    missing() {
        this.made.forEach((plot) => plot.destroy());
        this.made.clear();
        this.view = null;
        CHARTS.forEach((chart) => say(byId(`chart-${chart.id}`).querySelector('.why'), 'Not available from this node.'));
    }

    /** In other colours. */
    again() {
        this.made.forEach((plot) => plot.destroy());
        this.made.clear();
        this.draw();
    }

    fit() {
        for (const [id, plot] of this.made) {
            const width = byId(`chart-${id}`).clientWidth;
            if (width > 0 && width !== plot.width)
                plot.setSize({width, height: 170});
        }
    }

    draw() {
        if (!this.view || !this.uPlot)
            return;
        for (const chart of CHARTS) {
            const figure = byId(`chart-${chart.id}`);
            say(figure.querySelector('.why'), chart.words(this.view));
            const data = chart.data(this.view);
            const plot = this.made.get(chart.id);
            if (plot)
                plot.setData(data);
            else if (figure.clientWidth > 0)
                this.made.set(chart.id, new this.uPlot(optionsOf(this.uPlot, chart, figure.clientWidth, () => [this.view.from, Math.max(this.view.to, this.view.from + 1)]), data, figure.querySelector('.chart')));
        }
    }
}
