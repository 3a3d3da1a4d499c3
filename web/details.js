// SPDX-License-Identifier: Apache-2.0
// One event or batch with its signatures and its raw form.

import {byId, el, save} from './dom.js';
import {sentence} from './panels.js';
import {ask} from './rpc.js';
import {count, eventName, eventWords, some, time, titleOf} from './words.js';

const KINDS = {1: 'Started', 2: 'Active', 3: 'Passive'};
const FIELDS = {
    kind: 'kind', enclaveId: 'enclave', bootId: 'boot', bootKey: 'key of the boot', seq: 'place in the enclave’s own chain', prev: 'hash of its event before',
    term: 'term', time: 'time it claims', batchHead: 'newest batch it knew', batchNumber: 'number of that', signature: 'signature of the enclave',
    parentHash: 'parent', number: 'number', producer: 'producer', l1Number: 'L1 block', l1Hash: 'hash of that', txRoot: 'hash of the transactions', stateRoot: 'state after it',
};

function rows(object, words) {
    return el('dl', {class: 'fields'}, ...Object.entries(object).map(([name, value]) => {
        const text = name === 'kind' ? `${value} ${KINDS[value] || ''}` : name === 'time' || name === 'lastRestartTime' ? `${value} (${time(Number(value))})` : String(value);
        return el('div', {}, el('dt', {text: words[name] || name}), el('dd', {class: 'mono', text}));
    }));
}

function raw(batch) {
    const box = el('pre', {class: 'raw', tabindex: 0, 'aria-label': 'The whole batch as RLP, in hex', text: batch.raw});
    return [el('h3', {text: 'The whole batch, as it was sealed'}), box,
        el('p', {}, el('button', {type: 'button', class: 'line', text: 'Save as file', onclick: () => save(`batch-${batch.number}.json`, JSON.stringify(batch, null, 1), 'application/json')}))];
}

function batchParts(batch, names) {
    const p = batch.protocolPayload;
    const list = (ids) => [...ids].sort((a, b) => names.rank(a) - names.rank(b)).map((id) => names.brief(id)).join(', ') || 'nobody';
    return [
        el('h3', {text: `Batch ${count(batch.number)}`}),
        el('p', {text: `Sealed by ${names.full(batch.header.producer)} at ${time(Number(batch.header.time))}; ${some(batch.transactions.length, 'transaction')}. ` +
            `Reported: ${list(p.reports.map((r) => r.enclaveId))}. Absent: ${list(p.absent)}.`}),
        rows({...batch.header, hash: batch.hash, seal: batch.seal}, {...FIELDS, time: 'time', seal: 'seal, the producer’s signature', hash: 'hash'}),
    ];
}

const signed = (event) => [el('h3', {text: 'What the enclave signed'}), rows(event, FIELDS)];

export class Details {
    constructor(names) {
        this.names = names;
        this.dialog = byId('details');
        byId('details-close').addEventListener('click', () => this.dialog.close());
        this.dialog.addEventListener('click', (e) => {
            if (e.target === this.dialog)
                this.dialog.close();
        });
        this.dialog.addEventListener('close', () => this.back && this.back.isConnected && this.back.focus());
    }

    async show(title, number, parts) {
        const body = byId('details-body');
        this.back = document.activeElement;
        byId('details-title').textContent = title;
        body.replaceChildren(el('p', {class: 'none', text: 'Asking the node…'}));
        if (!this.dialog.open)
            this.dialog.showModal();
        try {
            const batch = await ask('ten_getBatch', [number]);
            if (!batch)
                throw new Error('it has no such batch');
            body.replaceChildren(...parts(batch).flat(), ...batchParts(batch, this.names), ...raw(batch));
        } catch (error) {
            body.replaceChildren(el('p', {class: 'none', text: `Not available from this node: ${error.message}`}));
        }
    }

    event(mark, others) {
        const [what, did, why] = eventWords(mark, this.names);
        const near = (others || []).filter((m) => m !== mark);
        return this.show(`${what}: ${this.names.full(mark.enclave)}`, mark.batch, (batch) => [
            el('p', {class: 'lead', text: `${this.names.full(mark.enclave)} ${did}, in batch ${count(mark.batch)} (${time(mark.time)}).`}),
            el('p', {text: why}),
            near.length === 0 ? [] : el('p', {class: 'near'}, el('span', {text: 'Close to it: '}), ...near.slice(-12).map((m) =>
                el('button', {type: 'button', class: 'line', text: `${eventName(m)}, batch ${count(m.batch)}`, onclick: () => this.event(m, others)}))),
            mark.index === null ? [el('p', {class: 'none', text: 'A notice of the batch did it; the enclave signs nothing for that.'})]
                : signed(batch.protocolPayload.transitions[mark.index]),
        ]);
    }

    finding(f) {
        return this.show(titleOf(f), f.last, () => [el('p', {class: 'lead', text: sentence(this.names.in(f.text))})]);
    }
}
