// SPDX-License-Identifier: Apache-2.0
// JSON-RPC over HTTP for questions, over a WebSocket for news.

const base = new URL('./', location.href);
let nextId = 1;

export class RpcError extends Error {
    constructor(error) {
        super(error.message);
        this.code = error.code;
    }
}

/** Asks several things in one request: [[method, params], …]. Each answer is a value or an RpcError. */
export async function askAll(questions) {
    const calls = questions.map(([method, params]) =>
        ({jsonrpc: '2.0', id: nextId++, method, params: params || []}));
    const answer = await fetch(base, {
        method: 'POST',
        headers: {'content-type': 'application/json'},
        body: JSON.stringify(calls),
        cache: 'no-store',
        signal: AbortSignal.timeout(20000),
    });
    const answers = await answer.json();
    if (!Array.isArray(answers))
        throw new RpcError(answers.error || {message: `HTTP ${answer.status}`});
    const byId = new Map(answers.map((a) => [a.id, a]));
    return calls.map(({id}) => {
        const a = byId.get(id);
        if (!a)
            return new RpcError({message: 'not answered'});
        return a.error ? new RpcError(a.error) : a.result;
    });
}

export async function ask(method, params) {
    const [answer] = await askAll([[method, params]]);
    if (answer instanceof RpcError)
        throw answer;
    return answer;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15000;
const QUIET = 20000;  // without a word: asked whether it lives

/** News of a node. on: {up(), down(seconds until the next attempt), news(topic, object)}. */
export class Feed {
    constructor(topics, on) {
        this.topics = topics;
        this.on = on;
        this.wait = FIRST_WAIT;
        this.open();
        addEventListener('online', () => this.now());
        document.addEventListener('visibilitychange', () => {
            if (!document.hidden)
                this.now();
        });
    }

    /** Tries at once if it waits for the next attempt. */
    now() {
        if (this.timer) {
            clearTimeout(this.timer);
            this.timer = null;
            this.open();
        }
    }

    open() {
        const url = new URL(base);
        url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
        const socket = new WebSocket(url);
        const asked = new Map();
        const topicOf = new Map();
        this.socket = socket;
        socket.onopen = () => {
            this.topics.forEach((topic, i) => {
                asked.set(i + 1, topic);
                socket.send(JSON.stringify(
                    {jsonrpc: '2.0', id: i + 1, method: 'ten_subscribe', params: [topic]}));
            });
            this.heard();
        };
        socket.onmessage = (event) => {
            this.heard();
            const message = JSON.parse(event.data);
            if (message.method === 'ten_subscription') {
                this.on.news(topicOf.get(message.params.subscription), message.params.result);
            } else if (asked.has(message.id) && message.result) {
                topicOf.set(message.result, asked.get(message.id));
                if (topicOf.size === this.topics.length) {
                    this.wait = FIRST_WAIT;
                    this.on.up();
                }
            }
        };
        socket.onclose = () => this.closed(socket);
    }

    /** A connection that died without a word is not one: a question must come back. */
    heard() {
        clearTimeout(this.quiet);
        const socket = this.socket;
        this.quiet = setTimeout(() => {
            if (socket.readyState === WebSocket.OPEN)
                socket.send(JSON.stringify({jsonrpc: '2.0', id: 0, method: 'web3_clientVersion', params: []}));
            this.quiet = setTimeout(() => {
                this.closed(socket);
                socket.close();
            }, 5000);
        }, QUIET);
    }

    closed(socket) {
        if (socket !== this.socket)
            return;
        clearTimeout(this.quiet);
        this.socket = null;
        const wait = this.wait * (0.75 + Math.random() / 2);
        this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
        this.timer = setTimeout(() => this.now(), wait);
        this.on.down(wait);
    }
}
