// SPDX-License-Identifier: Apache-2.0
// What things are called on this page, and the verdict.

const number = new Intl.NumberFormat('en');
const clock = new Intl.DateTimeFormat('en-GB', {hour: '2-digit', minute: '2-digit', second: '2-digit'});
const day = new Intl.DateTimeFormat('en-GB', {day: 'numeric', month: 'short', year: 'numeric'});

export const count = (n) => number.format(n);
export const some = (n, one, many) => `${count(n)} ${n === 1 ? one : many || one + 's'}`;

export function time(ms) {
    const date = new Date(ms);
    if (Number.isNaN(date.getTime()))
        return 'a time that no calendar has';
    const today = day.format(date) === day.format(new Date());
    return today ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
}

export function span(ms) {
    if (ms < 1000)
        return `${Math.round(ms)} ms`;
    const s = ms / 1000;
    if (s < 600)  // as the findings have it (audit_span)
        return `${(Math.round(s * 10) / 10)} s`;
    if (s < 7200)
        return `${Math.round(s / 60)} min`;
    if (s < 172800)
        return `${Math.round(s / 360) / 10} h`;
    return `${Math.round(s / 8640) / 10} days`;
}

export const shortId = (id) => id.slice(0, 10);

/** Enclaves get letters, in the order in which the chain listed them: ten_timeline has them so. `tenseq watch` and `tenseq audit` have the
 *  same rule (src/cli/names.h); docs/dashboard.md tells it. */
export class Names {
    constructor() {
        this.letters = new Map();
    }

    learn(ids) {
        for (const id of ids) {
            if (!this.letters.has(id)) {
                const n = this.letters.size;
                this.letters.set(id, n < 26 ? String.fromCharCode(65 + n) : `${n + 1}`);
            }
        }
    }

    /** Where the id stands beside it. */
    of(id) {
        return `Enclave ${this.letters.get(id) || shortId(id)}`;
    }

    /** In a sentence. */
    full(id) {
        const letter = this.letters.get(id);
        return letter ? `Enclave ${letter} (${shortId(id)})` : this.of(id);
    }

    /** In a list, beside others. */
    brief(id) {
        return `${this.letters.get(id) || ''} ${shortId(id)}`.trim();
    }

    /** For sorting: by letter; who has none comes last. */
    rank(id) {
        const at = [...this.letters.keys()].indexOf(id);
        return at < 0 ? this.letters.size : at;
    }

    /** Letters put where a sentence of the node has the beginning of an id. */
    in(text) {
        let out = text;
        for (const [id, letter] of this.letters)
            out = out.replaceAll(shortId(id), `${letter} (${shortId(id)})`);
        return out;
    }
}

export const STATES = {
    active: ['Active', 'makes the batches'],
    passive: ['Passive', 'follows, and signs in each batch that it is there'],
    starting: ['Starting', 'has just started, or never has yet'],
    absent: ['Absent', 'no sign of it; the operator sealed that there is none'],
    revoked: ['Revoked', 'taken off the list of allowed enclaves'],
};

/** Events: sign, name, what it means. */
export const EVENTS = {
    takeover: ['Unclean takeover', 'took over and the one before never signed off',
        'What the old one did last is not known: it crashed, or it was stopped on purpose.'],
    'clean-takeover': ['Planned switch', 'took over after the one before had signed off',
        'The old one signed that it stopped at exactly this place, so nothing is hidden here.'],
    restart: ['Restart', 'was started anew',
        'Innocent after a crash or an upgrade. Each restart is also a chance to try something out unseen, so they are counted.'],
    start: ['First start', 'was started for the first time', 'Expected once for each enclave.'],
    activation: ['Activation', 'began a new term without replacing anybody', 'Expected at the start of the network.'],
    granted: ['Put on the list', 'was put on the list of allowed enclaves', 'Decided outside, by the management contract.'],
    revoked: ['Taken off the list', 'was taken off the list of allowed enclaves', 'Decided outside, by the management contract.'],
};

/** Of an event. removed: who was active before and had just been taken off the list (tellRemovals). */
export const eventName = (mark) => mark.removed ? 'Switch after a removal' : (EVENTS[mark.kind] || [mark.kind])[0];

export function eventWords(mark, names) {
    if (mark.removed)
        return [eventName(mark), `took over since ${names.full(mark.removed)}, active until then, was taken off the list of allowed enclaves`,
            'Decided outside, by the management contract: the old one signs nothing any more.'];
    return EVENTS[mark.kind] || [mark.kind, 'changed', ''];
}

/** Severities: name, what it means, worst first. */
export const SEVERITIES = {
    proof: ['Proof', 'Signed data that contradict each other. Anyone can verify it offline; no innocent reason exists.'],
    omission: ['Gap', 'Something that should be there is missing. That it is missing is signed; why is not. (The command line says omission.)'],
    pattern: ['Pattern', 'Innocent once. Only how often it happens says something.'],
    notice: ['Notice', 'Worth knowing; speaks against nobody.'],
};

export const FINDINGS = {
    silence: 'An enclave was not heard of',
    restart: 'An enclave was restarted',
    'unclean-takeover': 'A takeover without a sign-off',
    lagging: 'An enclave keeps being late',
    flap: 'Switched off and on again at one place',
    'mass-restart': 'All enclaves were restarted',
    equivocation: 'Two different batches for one place were signed',
    'payload-edited': 'A peer handed out a falsified record',
    'payload-withheld': 'A peer withholds a record',
    'time-bracket': 'The time of a start cannot be true',
    churn: 'The list of enclaves changed',
    cadence: 'Batches came at the wrong times',
    'whitelist-mismatch': 'The list of enclaves is not that of the contract',
    'stale-l1': 'An old state of L1 is used',
    'rollup-mismatch': 'What was published is not what was sealed',
    'rollup-gap': 'A published part is missing',
    'clock-skew': 'The operator’s clock is not the node’s',
};

/** Which of the two it is, the finding's text tells. */
const OTHER_BLOCK = 'A sealed batch names an L1 block that L1 does not have';

export const titleOf = (f) => f.name === 'whitelist-mismatch' && f.text?.includes(' names L1 block ') ? OTHER_BLOCK : FINDINGS[f.name] || f.name;

const BEHIND = {
    'l1-behind': 'its L1 node is down, behind, or of another chain, and no batch is taken unchecked',
    'l1-reorg': 'L1 no longer has blocks that the chain names, so no batch is taken any more',
    storage: 'it cannot store batches',
    connecting: 'it reaches none of its peers, so whether there are newer batches is not known',
    'catching-up': 'it is still catching up',
};

/** Why the node is not where the chain is, in words; null when it is. isStill: no batch for longer than there should be none. */
export function behindOf(health, head, isStill) {
    const isShort = Boolean(health) && health.target > head.number + 1;
    if (!health || (health.state === 'following' && !(isShort && isStill)))
        return null;
    const l1 = health.state === 'l1-behind' && health.l1 && !health.l1.up && health.l1.reason ? `: ${health.l1.reason}` : '';
    const why = health.state === 'following' ? 'newer batches are known, but none has been taken' : (BEHIND[health.state] || health.state) + l1;
    return isShort ? `${why}; it knows of ${count(health.target)} batches` : why;
}

const UNSEEN = 'Copies of an enclave that never publish anything, results looked at before a batch is published, and users’ transactions ' +
    'that are dropped or delayed leave no trace in this record.';

const isAbout = (f) => f.about !== 'peer';
const joinAnd = (list) => list.length < 2 ? list.join('') : `${list.slice(0, -1).join(', ')} and ${list.at(-1)}`;

/** Only the merged figure accuses: the raw one does so falsely more often than it says when honest restarts come in clusters. */
function alarmsOf(assessment) {
    const l = assessment?.operator?.likelihood;
    const alarm = Boolean(l?.merged?.alarm);
    return {alarm, isClose: !alarm && Boolean(l?.raw?.alarm)};
}

/** How the whole stands. findings: an array, or null when the node does not tell. */
export function tally(findings, assessment) {
    const of = (severity) => (findings || []).filter((f) => f.severity === severity && isAbout(f));
    return {
        known: findings !== null,
        proofs: of('proof'),
        omissions: of('omission'),
        patterns: of('pattern'),
        open: (findings || []).filter((f) => f.state === 'open' && isAbout(f) && f.severity !== 'notice'),
        peers: (findings || []).filter((f) => !isAbout(f)),
        ...alarmsOf(assessment),
    };
}

const kinds = (list) => {
    const by = new Map();
    list.forEach((f) => by.set(f.name, (by.get(f.name) || 0) + 1));
    const word = {
        silence: 'silence', restart: 'restart', 'unclean-takeover': 'takeover without a sign-off', lagging: 'stretch of late reports',
        flap: 'switch off and on', 'mass-restart': 'time that every enclave was restarted, together or one after another', cadence: 'stretch of late or bunched batches',
        churn: 'change of the list', 'time-bracket': 'impossible start time', 'stale-l1': 'use of an old L1', 'rollup-gap': 'gap in what was published',
        'clock-skew': 'clock that differs',
    };
    const many = {silence: 'silences', restart: 'restarts', 'unclean-takeover': 'takeovers without a sign-off', lagging: 'stretches of late reports',
        flap: 'switches off and on', 'mass-restart': 'times that every enclave was restarted, together or one after another', cadence: 'stretches of late or bunched batches', churn: 'changes of the list',
        'time-bracket': 'impossible start times', 'stale-l1': 'uses of an old L1', 'rollup-gap': 'gaps in what was published', 'clock-skew': 'clocks that differ'};
    return joinAnd([...by].map(([name, n]) => some(n, word[name] || name, many[name])));
};

function headline(t, head) {
    const over = `in ${some(head.number, 'batch', 'batches')}`;
    if (!t.known)
        return ['unknown', '?', 'This node does not say', 'It answers no question about findings, so this page cannot judge.'];
    if (t.proofs.length > 0)
        return ['bad', '✕', 'No: there is proof of misconduct',
            `${some(t.proofs.length, 'proof')} ${over}. Each is a file with signatures that anyone can verify without trusting this node: download ${t.proofs.length === 1 ? 'it' : 'them'} below.`];
    if (t.alarm)
        return ['warn', '!', 'Suspicious: more restarts than promised',
            'Nothing is proven. But enclaves are restarted so often that an operator who keeps his promise would hardly ever look like this.'];
    if (t.open.some((f) => f.severity === 'omission'))
        return ['warn', '!', 'No proof of misconduct, but something is missing right now',
            `${kinds(t.open)}: not over yet. A crash looks like this, and so does an enclave that is kept aside; how long it lasts tells more.`];
    if (t.omissions.length > 0)
        return ['fair', '✓', 'Apparently yes: no proof of misconduct',
            `${some(t.omissions.length, 'gap')} ${over} (${kinds(t.omissions)}), all over now. Crashes look like this. It is how often that counts.`];
    return ['good', '✓', 'Yes, as far as can be seen',
        t.patterns.length > 0 ? `No proof and no gap ${over}; ${kinds(t.patterns)} so far, which is ordinary.` : `Nothing speaks against the operator ${over}.`];
}

const fewer = (alpha) => `1 of ${count(Math.round(1 / alpha))}`;

function sure(t, assessment, health, behind) {
    const checked = 'Proofs are certain: this node checked every signature itself, and no crash makes an honest operator cause one.';
    const p = assessment && assessment.parameters;
    const l = assessment && assessment.operator && assessment.operator.likelihood;
    const odds = p && l ? ` The count of restarts accuses at most ${fewer(p.alpha)} honest operators falsely, ever, those of one incident counted once; ${t.alarm ? 'it has raised the alarm' : 'it has raised no alarm'}.`
        : ' How often is too often is not judged by this node.';
    return checked + odds + (behind ? ` This node is not up to date just now (${health.state}).` : '');
}

/** Not as good as what is known now: nothing is green while the node stands still. */
function dated([level, sign, title, lead], behind, head) {
    if (!behind || level === 'unknown')
        return [level, sign, title, lead];
    const isCalm = level === 'good' || level === 'fair';
    return [isCalm ? 'behind' : level, isCalm ? '!' : sign, `Up to batch ${count(head.number)}: ${title.charAt(0).toLowerCase()}${title.slice(1)}`, lead];
}

const CLOSE = 'Restarts came close together: counted one by one they would raise the alarm, counted by incident they do not. ' +
    'Was it one incident, as a power cut or an upgrade? The times of the restarts tell.';

/** behind: of behindOf. {level, sign, title, lead, late, proven, suspicious, sure, unseen}; late: "" or what stands above all. */
export function verdict(findings, assessment, health, head, behind) {
    const t = tally(findings, assessment);
    const [level, sign, title, lead] = dated(headline(t, head), behind, head);
    const peers = t.peers.length > 0 ? ` ${some(t.peers.length, 'finding')} about peers of this node, which say nothing of the operator.` : '';
    const suspicious = [t.omissions.length ? kinds(t.omissions) : '', t.patterns.length ? kinds(t.patterns) : ''].filter(Boolean);
    const unseen = UNSEEN + (assessment && assessment.open && assessment.open.length > 0 ? ' The whole list stands with the assessment.' : '');
    return {
        level, sign, title, lead,
        late: behind ? `This page is not up to date: its node stands at batch ${count(head.number)} (${behind}). What follows holds up to there.` : '',
        proven: (t.proofs.length > 0 ? `${t.proofs.map(titleOf).filter((x, i, a) => a.indexOf(x) === i).join('. ')}.`
            : t.known ? 'Nothing against the operator. In every place there is one batch, by an allowed enclave.' : 'Not available from this node.') + peers,
        suspicious: !t.known ? 'Not available from this node.' : suspicious.length === 0 ? 'Nothing.'
            : `${suspicious.join('; ')}. Each alone has innocent reasons.${t.isClose ? ` ${CLOSE}` : ''}`,
        sure: sure(t, assessment, health, behind),
        unseen,
    };
}
