/* SPDX-License-Identifier: Apache-2.0 */
#include "nodeworld_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"

/* ---- events ---- */

uint64_t nw_rnd(struct nw *w, uint64_t below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return below > 0 ? w->random % below : 0;
}

static bool before(const struct nw_event *a, const struct nw_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push_event(struct nw *w, struct nw_event ev)
{
    if (w->n_events == w->cap_events) {
        w->cap_events = w->cap_events != 0 ? 2 * w->cap_events : 256;
        w->events = realloc(w->events, w->cap_events * sizeof(ev));
        TS_CHECK(w->events != NULL);
    }
    ev.order = ++w->order;
    size_t i = w->n_events++;
    for (; i > 0 && before(&ev, &w->events[(i - 1) / 2]); i = (i - 1) / 2)
        w->events[i] = w->events[(i - 1) / 2];
    w->events[i] = ev;
}

static struct nw_event pop_event(struct nw *w)
{
    struct nw_event top = w->events[0];
    struct nw_event last = w->events[--w->n_events];
    size_t i = 0;
    for (;;) {
        size_t c = 2 * i + 1;
        if (c >= w->n_events)
            break;
        if (c + 1 < w->n_events && before(&w->events[c + 1], &w->events[c]))
            c++;
        if (!before(&w->events[c], &last))
            break;
        w->events[i] = w->events[c];
        i = c;
    }
    w->events[i] = last;
    return top;
}

static struct nw_event event_for(struct nw *w, size_t node, uint64_t at, enum event_kind kind)
{
    return (struct nw_event){
        .at = at, .kind = kind, .node = node, .incarnation = w->nodes[node].incarnation};
}

static ts_bytes copy_of(ts_bytes b)
{
    uint8_t *p = malloc(b.n > 0 ? b.n : 1);
    TS_CHECK(p != NULL);
    if (b.n > 0)
        memcpy(p, b.p, b.n);
    return ts_bytes_of(p, b.n);
}

static void copy_into(struct nw_event *ev, ts_bytes b)
{
    ev->bytes = (uint8_t *)(uintptr_t)copy_of(b).p;
    ev->n = b.n;
}

/* ---- wires ---- */

struct nw_conn *nw_conn_by_id(struct nw *w, uint64_t id)
{
    for (size_t i = 0; i < w->n_conns; i++) {
        if (w->conns[i].id == id)
            return &w->conns[i];
    }
    return NULL;
}

static struct nw_conn *conn_of(struct nw *w, size_t client, unsigned link)
{
    for (size_t i = 0; i < w->n_conns; i++) {
        if (w->conns[i].is_open && w->conns[i].client == client && w->conns[i].link == link)
            return &w->conns[i];
    }
    return NULL;
}

void nw_to_client(struct nw *w, struct nw_conn *c, const struct ts_buf *b, uint64_t delay)
{
    TS_CHECK(b->err == TS_OK);
    uint64_t at = w->now + w->link_us + nw_rnd(w, w->link_us) + delay;
    if (at < c->to_client)
        at = c->to_client;
    c->to_client = at;
    struct nw_event ev = event_for(w, c->client, at, EV_INPUT);
    ev.in = (struct ts_node_input){.kind = TS_NODE_IN_FRAME, .link = c->link};
    ev.conn = c->id;
    copy_into(&ev, ts_buf_bytes(b));
    push_event(w, ev);
}

static void link_event(struct nw *w, size_t node, unsigned link, enum ts_node_in kind,
                       const char *text, uint64_t conn)
{
    struct nw_event ev = event_for(w, node, w->now + w->link_us, EV_INPUT);
    ev.in = (struct ts_node_input){.kind = kind, .link = link, .text = text};
    ev.conn = conn;
    push_event(w, ev);
}

void nw_close_conn(struct nw *w, struct nw_conn *c, bool tell)
{
    if (!c->is_open)
        return;
    c->is_open = false;
    if (tell)
        link_event(w, c->client, c->link, TS_NODE_IN_LINK_DOWN, "closed by the peer", 0);
}

bool nw_server_is_up(const struct nw *w, unsigned server)
{
    if (server >= NW_MAX_NODES)
        return w->hosts[server - NW_MAX_NODES].is_up;
    return w->nodes[server].core != NULL;
}

const ts_bytes *nw_history_of(const struct nw *w, const struct nw_host *h)
{
    return h->history != NULL ? h->history : w->net->history;
}

static void server_head(struct nw *w, unsigned server, uint64_t *number, ts_hash *hash)
{
    *number = 0;
    *hash = w->net->genesis.hash;
    if (server >= NW_MAX_NODES) {
        const struct nw_host *h = &w->hosts[server - NW_MAX_NODES];
        struct ts_arena arena;
        struct ts_batch b;
        *number = h->head + h->claim_extra;
        if (h->head == 0)
            return;
        ts_arena_init(&arena, 0);
        TS_CHECK(ts_batch_decode(nw_history_of(w, h)[h->head - 1], TS_MAX_BATCH_BYTES, &arena,
                                 &b) == TS_OK);
        ts_header_hash(&w->net->genesis.domain, &b.header, hash);
        ts_arena_free(&arena);
    } else if (w->nodes[server].store.n > 0) {
        *number = w->nodes[server].store.n;
        *hash = w->nodes[server].store.hashes[*number - 1];
    }
}

static void connect_link(struct nw *w, size_t node, unsigned link)
{
    unsigned server = w->nodes[node].targets[link];
    if (w->cut[node][link] || !nw_server_is_up(w, server)) {
        link_event(w, node, link, TS_NODE_IN_LINK_DOWN, "connection refused", 0);
        return;
    }
    if (w->n_conns == w->cap_conns) {
        w->cap_conns = w->cap_conns != 0 ? 2 * w->cap_conns : 16;
        w->conns = realloc(w->conns, w->cap_conns * sizeof(*w->conns));
        TS_CHECK(w->conns != NULL);
    }
    struct nw_conn *c = &w->conns[w->n_conns++];
    *c = (struct nw_conn){
        .id = w->n_conns, .client = node, .link = link, .server = server, .is_open = true};
    ts_feed_session_init(&c->session, TS_FEED_SERVER, &w->net->genesis.hash, NULL, w->now);
    link_event(w, node, link, TS_NODE_IN_LINK_UP, NULL, c->id);
    c->to_client = w->now + w->link_us;
    if (server >= NW_MAX_NODES && w->hosts[server - NW_MAX_NODES].is_mute)
        return;
    uint64_t number;
    ts_hash hash;
    struct ts_buf b;
    ts_buf_init(&b, 0);
    server_head(w, server, &number, &hash);
    ts_feed_put_hello(&b, &w->net->genesis.hash, number, &hash, "world");
    nw_to_client(w, c, &b, 0);
    ts_buf_free(&b);
}

/* ---- what nodes want done ---- */

static void put_batch(struct nw *w, struct nw_store *s, const struct ts_store_op *op)
{
    if (s->fail_applied && op->number <= s->n) { /* once more, as a real store takes it */
        TS_CHECK(ts_hash_equal(&op->hash, &s->hashes[op->number - 1]));
        return;
    }
    TS_CHECK(op->number == s->n + 1 && op->status == TS_BATCH_COMMITTED);
    if (s->n == s->cap) {
        s->cap = s->cap != 0 ? 2 * s->cap : 64;
        s->raws = realloc(s->raws, s->cap * sizeof(*s->raws));
        s->hashes = realloc(s->hashes, s->cap * sizeof(*s->hashes));
        TS_CHECK(s->raws != NULL && s->hashes != NULL);
    }
    if (!w->any_line)
        TS_CHECK(ts_bytes_equal(op->data, tn_raw(w->net, op->number)));
    s->hashes[s->n] = op->hash;
    s->raws[s->n++] = copy_of(op->data);
}

static ts_err apply(struct nw *w, struct nw_store *s, const struct ts_node_output *o)
{
    bool fails = ++s->steps == s->fail_at;
    if (s->fail_steps > 0) {
        s->fail_steps--;
        return TS_E_DISK_FULL;
    }
    if (fails && !s->fail_applied)
        return s->fail_err;
    for (size_t i = 0; i < o->n_ops; i++) {
        const struct ts_store_op *op = &o->ops[i];
        if (op->kind == TS_OP_PUT_BATCH) {
            put_batch(w, s, op);
        } else if (op->kind == TS_OP_DISCARD) {
            while (s->n >= op->number)
                free((void *)(uintptr_t)s->raws[--s->n].p);
        } else if (op->kind == TS_OP_PUT_ROLLUP) {
            TS_CHECK(s->n_rollups < TS_COUNT(s->rollups));
            s->rollups[s->n_rollups++] = copy_of(op->data);
        } else if (op->kind == TS_OP_DROP_ROLLUPS) {
            nw_drop_rollups(s, op->number);
        } else if (op->kind == TS_OP_PUT_L1) {
            l1_shelf_put(&s->l1, op);
        } else if (op->kind == TS_OP_PUT_EVIDENCE) {
            TS_CHECK(s->n_evidence < TS_COUNT(s->evidence));
            s->records[s->n_evidence] = copy_of(op->data);
            s->evidence[s->n_evidence++] = op->hash;
        } else {
            TS_CHECK(op->kind == TS_OP_PUT_META);
            struct ts_buf *meta = strcmp(op->key, "chain") == 0   ? &s->chain
                                  : strcmp(op->key, "roots") == 0 ? &s->roots
                                  : strcmp(op->key, "line") == 0  ? &s->line
                                  : strcmp(op->key, "audit") == 0 ? &s->audit
                                                                  : &s->timeline;
            ts_buf_reset(meta);
            ts_buf_put(meta, op->data.p, op->data.n);
        }
    }
    return fails ? s->fail_err : TS_OK;
}

static void do_store(struct nw *w, size_t node, const struct ts_node_output *o)
{
    struct nw_event ev = event_for(w, node, w->now + 2 * NW_MS + nw_rnd(w, 3 * NW_MS), EV_INPUT);
    ev.in = (struct ts_node_input){.kind = TS_NODE_IN_STORED, .token = o->token};
    ev.in.err = apply(w, &w->nodes[node].store, o);
    push_event(w, ev);
}

static void do_load(struct nw *w, size_t node, const struct ts_node_output *o)
{
    const struct nw_store *s = &w->nodes[node].store;
    struct nw_event ev = event_for(w, node, w->now + NW_MS, EV_INPUT);
    ev.in = (struct ts_node_input){.kind = TS_NODE_IN_LOADED, .token = o->token};
    ev.batches = calloc((size_t)o->count, sizeof(*ev.batches));
    TS_CHECK(ev.batches != NULL);
    for (uint64_t n = o->from; n < o->from + o->count && n <= s->n; n++)
        ev.batches[ev.in.n_batches++] =
            (struct ts_store_batch){.number = n,
                                    .hash = s->hashes[n - 1],
                                    .status = TS_BATCH_COMMITTED,
                                    .raw = s->raws[n - 1],
                                    .l1_header = l1_shelf_of(&s->l1, s->raws[n - 1])};
    ev.in.batches = ev.batches;
    push_event(w, ev);
}

static void do_verify(struct nw *w, size_t node, const struct ts_node_output *o)
{
    struct nw_event ev = event_for(w, node, w->now + NW_MS + nw_rnd(w, 20 * NW_MS), EV_VERIFY);
    ev.in.token = o->token;
    ev.raws = malloc(o->n_raws * sizeof(*ev.raws));
    TS_CHECK(ev.raws != NULL);
    memcpy(ev.raws, o->raws, o->n_raws * sizeof(*ev.raws));
    ev.n_raws = o->n_raws;
    ev.root = o->hash;
    push_event(w, ev);
}

static void do_send(struct nw *w, size_t node, const struct ts_node_output *o)
{
    if (o->link == TS_NODE_LINK_ENCLAVE) {
        if (!w->enclave_up || node != 0)
            return;
        struct ts_buf answer;
        ts_buf_init(&answer, 0);
        w->enclave(w->enclave_ctx, o->bytes, &answer);
        struct nw_event ev = event_for(w, node, w->now + w->link_us, EV_INPUT);
        ev.in = (struct ts_node_input){.kind = TS_NODE_IN_FRAME, .link = o->link};
        if (answer.n > 0) {
            copy_into(&ev, ts_buf_bytes(&answer));
            push_event(w, ev);
        }
        ts_buf_free(&answer);
        return;
    }
    struct nw_conn *c = conn_of(w, node, o->link);
    if (c == NULL || w->cut[node][o->link])
        return;
    uint64_t at = w->now + w->link_us + nw_rnd(w, w->link_us);
    if (at < c->to_server)
        at = c->to_server;
    c->to_server = at;
    struct nw_event ev = event_for(w, node, at, EV_TO_SERVER);
    ev.conn = c->id;
    copy_into(&ev, o->bytes);
    push_event(w, ev);
}

static void do_reply(struct nw *w, size_t node, const struct ts_node_output *o)
{
    if (o->token >> 63 != 0) {
        struct nw_conn *c = nw_conn_by_id(w, o->token >> 32 & 0x7fffffff);
        if (c != NULL && c->is_open)
            nw_answer_tx(w, c, o->token & 0xffffffff, o->err, o->text);
        return;
    }
    struct nw_node *n = &w->nodes[node];
    TS_CHECK(n->n_replies < TS_COUNT(n->replies));
    struct nw_reply *r = &n->replies[n->n_replies++];
    *r = (struct nw_reply){.token = o->token, .err = o->err};
    snprintf(r->text, sizeof(r->text), "%s", o->text != NULL ? o->text : "");
    r->n = o->bytes.n < sizeof(r->bytes) ? o->bytes.n : sizeof(r->bytes);
    if (r->n > 0)
        memcpy(r->bytes, o->bytes.p, r->n);
}

static void do_connect(struct nw *w, size_t node, const struct ts_node_output *o)
{
    if (o->link != TS_NODE_LINK_ENCLAVE) {
        struct nw_conn *old = conn_of(w, node, o->link);
        if (old != NULL)
            nw_close_conn(w, old, false);
        connect_link(w, node, o->link);
    } else {
        link_event(w, node, o->link, w->enclave_up ? TS_NODE_IN_LINK_UP : TS_NODE_IN_LINK_DOWN,
                   "no enclave", 0);
    }
}

static void do_output(struct nw *w, size_t node, const struct ts_node_output *o)
{
    struct nw_node *n = &w->nodes[node];
    struct nw_conn *c;
    size_t used;
    switch (o->kind) {
    case TS_NODE_OUT_CONNECT:
        do_connect(w, node, o);
        break;
    case TS_NODE_OUT_CLOSE:
        c = o->link != TS_NODE_LINK_ENCLAVE ? conn_of(w, node, o->link) : NULL;
        if (c != NULL)
            nw_close_conn(w, c, false);
        break;
    case TS_NODE_OUT_SEND:
        do_send(w, node, o);
        break;
    case TS_NODE_OUT_STORE:
        do_store(w, node, o);
        break;
    case TS_NODE_OUT_LOAD:
        do_load(w, node, o);
        break;
    case TS_NODE_OUT_VERIFY:
        do_verify(w, node, o);
        break;
    case TS_NODE_OUT_COMMITTED:
        TS_CHECK(o->number <= n->store.n);
        n->pushes += o->push;
        if (o->push)
            nw_push_all(w, (unsigned)node, o->bytes, 0);
        break;
    case TS_NODE_OUT_FINDING:
        TS_CHECK(n->n_findings < TS_COUNT(n->findings));
        n->findings[n->n_findings++] = *o->finding;
        break;
    case TS_NODE_OUT_EVIDENCE:
        n->evidence_pushed++;
        nw_push_all(w, (unsigned)node, o->bytes, o->peer);
        break;
    case TS_NODE_OUT_REFUSE:
        c = nw_conn_by_id(w, o->peer);
        if (c != NULL)
            nw_close_conn(w, c, true);
        break;
    case TS_NODE_OUT_REPLY:
        do_reply(w, node, o);
        break;
    case TS_NODE_OUT_EVENT:
        used = strlen(n->events);
        snprintf(n->events + used, sizeof(n->events) - used, "%s %s\n", o->event, o->text);
        break;
    case TS_NODE_OUT_L1_ASK:
        nw_l1_ask(w, node, o->number);
        push_event(w, event_for(w, node, w->now + 5 * NW_MS, EV_L1));
        break;
    case TS_NODE_OUT_L1_FORGET:
        nw_l1_forget(w, node, o->number);
        break;
    case TS_NODE_OUT_ROLLUPS:
        n->rollups_again++;
        n->rollups_above = o->number;
        break;
    case TS_NODE_OUT_STOPPED:
        n->is_stopped = true;
        n->stopped_by = o->err;
        break;
    }
}

static void do_outputs(struct nw *w, size_t node, const struct ts_node_outputs *out)
{
    struct nw_node *n = &w->nodes[node];
    for (size_t i = 0; i < out->n; i++)
        do_output(w, node, &out->out[i]);
    if (out->wake_us == UINT64_MAX || (n->wake != 0 && n->wake <= out->wake_us && n->wake > w->now))
        return;
    n->wake = out->wake_us > w->now ? out->wake_us : w->now + 1;
    push_event(w, event_for(w, node, n->wake, EV_TICK));
}

static struct ts_now now_of(const struct nw *w)
{
    return (struct ts_now){.mono_us = w->now, .unix_ms = 1700000000000 + w->now / 1000};
}

void nw_input(struct nw *w, size_t node, struct ts_node_input *in)
{
    struct ts_node_outputs out;
    if (w->nodes[node].core == NULL)
        return;
    ts_node_step(w->nodes[node].core, now_of(w), in, &out);
    do_outputs(w, node, &out);
}

/* ---- running ---- */

static void run_verify(struct nw *w, const struct nw_event *ev)
{
    struct ts_buf found;
    ts_buf_init(&found, 0);
    ts_node_verify(&w->net->genesis, w->net->crypto, &ev->root, ev->raws, ev->n_raws, &found);
    struct ts_node_input in = {.kind = TS_NODE_IN_VERIFIED,
                               .token = ev->in.token,
                               .verified = (const struct ts_recovered *)(const void *)found.p,
                               .n_verified = found.n / sizeof(struct ts_recovered)};
    nw_input(w, ev->node, &in);
    ts_buf_free(&found);
}

static bool still_matters(struct nw *w, const struct nw_event *ev)
{
    const struct nw_node *n = &w->nodes[ev->node];
    if (ev->kind == EV_TO_SERVER)
        return true;
    if (n->core == NULL || n->incarnation != ev->incarnation)
        return false;
    if (ev->conn == 0)
        return true;
    struct nw_conn *c = nw_conn_by_id(w, ev->conn);
    return c != NULL && c->is_open && !w->cut[c->client][c->link];
}

/* Counts the frames of node 0; true: this one does not arrive, and its link is gone. */
static bool frame_is_lost(struct nw *w, const struct nw_event *ev)
{
    bool to_server = ev->kind == EV_TO_SERVER;
    bool is_frame = to_server || (ev->kind == EV_INPUT && ev->in.kind == TS_NODE_IN_FRAME);
    struct nw_conn *c = is_frame && ev->conn != 0 ? nw_conn_by_id(w, ev->conn) : NULL;
    if (c == NULL || !c->is_open || c->client != 0 ||
        ++w->frames[to_server] != w->lose_frame[to_server])
        return false;
    nw_close_conn(w, c, true);
    return true;
}

static void run_event(struct nw *w, struct nw_event *ev)
{
    w->now = ev->at;
    if (still_matters(w, ev) && !frame_is_lost(w, ev)) {
        struct nw_node *n = &w->nodes[ev->node];
        switch (ev->kind) {
        case EV_INPUT:
            ev->in.bytes = ts_bytes_of(ev->bytes, ev->n);
            nw_input(w, ev->node, &ev->in);
            break;
        case EV_TICK:
            if (n->wake == ev->at) {
                n->wake = 0;
                nw_input(w, ev->node, &(struct ts_node_input){.kind = TS_NODE_IN_TICK});
            }
            break;
        case EV_TO_SERVER:
            nw_serve(w, ev->conn, ts_bytes_of(ev->bytes, ev->n));
            break;
        case EV_VERIFY:
            run_verify(w, ev);
            break;
        case EV_L1:
            nw_l1_answer(w, ev->node);
            break;
        }
    }
    free(ev->bytes);
    free(ev->raws);
    free(ev->batches);
}

void nw_run(struct nw *w, uint64_t us)
{
    uint64_t end = w->now + us;
    while (w->n_events > 0 && w->events[0].at <= end) {
        struct nw_event ev = pop_event(w);
        run_event(w, &ev);
    }
    w->now = end;
}

bool nw_reach(struct nw *w, size_t node, uint64_t number, uint64_t us)
{
    for (uint64_t end = w->now + us; w->now < end && nw_head(w, node) < number;)
        nw_run(w, 10 * NW_MS);
    return nw_head(w, node) >= number;
}

/* ---- making it ---- */

struct nw *nw_new(struct testnet *net, uint64_t seed)
{
    struct nw *w = calloc(1, sizeof(*w));
    TS_CHECK(w != NULL);
    w->net = net;
    w->now = NW_S;
    w->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    w->link_us = 2 * NW_MS;
    w->genesis_raw = ts_bytes_of("\xc0", 1);
    w->engine = nw_root_engine();
    return w;
}

static void free_store(struct nw_store *s)
{
    for (uint64_t i = 0; i < s->n; i++)
        free((void *)(uintptr_t)s->raws[i].p);
    for (size_t i = 0; i < s->n_evidence; i++)
        free((void *)(uintptr_t)s->records[i].p);
    for (size_t i = 0; i < s->n_rollups; i++)
        free((void *)(uintptr_t)s->rollups[i].p);
    l1_shelf_free(&s->l1);
    free(s->raws);
    free(s->hashes);
    ts_buf_free(&s->chain);
    ts_buf_free(&s->roots);
    ts_buf_free(&s->audit);
    ts_buf_free(&s->timeline);
    ts_buf_free(&s->line);
}

void nw_free(struct nw *w)
{
    for (size_t i = 0; i < w->n_nodes; i++) {
        ts_node_free(w->nodes[i].core);
        free_store(&w->nodes[i].store);
    }
    while (w->n_events > 0) {
        struct nw_event ev = pop_event(w);
        free(ev.bytes);
        free(ev.raws);
        free(ev.batches);
    }
    free(w->events);
    free(w->conns);
    free(w);
}

void nw_host_up(struct nw *w, size_t host)
{
    struct nw_host *h = &w->hosts[host];
    h->is_up = true;
    if (h->head == 0)
        h->head = w->net->n_history;
}

void nw_host_down(struct nw *w, size_t host)
{
    w->hosts[host].is_up = false;
    for (size_t i = 0; i < w->n_conns; i++) {
        if (w->conns[i].server == NW_HOST(host))
            nw_close_conn(w, &w->conns[i], true);
    }
}

void nw_push_raw(struct nw *w, size_t host, ts_bytes raw)
{
    nw_push_all(w, NW_HOST(host), raw, 0);
}

void nw_publish(struct nw *w, size_t host, uint64_t number)
{
    struct nw_host *h = &w->hosts[host];
    while (h->head < number) {
        struct ts_buf copy;
        ts_buf_init(&copy, 0);
        ts_buf_put(&copy, nw_history_of(w, h)[h->head].p, nw_history_of(w, h)[h->head].n);
        h->head++;
        nw_corrupt(h, h->head, &copy);
        nw_push_raw(w, host, ts_buf_bytes(&copy));
        ts_buf_free(&copy);
    }
}

static ts_err load_node(struct nw_node *n)
{
    char why[160];
    ts_err err = TS_OK;
    if (n->store.chain.n > 0)
        err = ts_node_load_chain(n->core, ts_buf_bytes(&n->store.chain),
                                 ts_buf_bytes(&n->store.roots), ts_buf_bytes(&n->store.audit));
    if (err == TS_OK)
        err = nw_load_timeline(n);
    if (err != TS_OK)
        return err;
    for (uint64_t i = ts_node_chain(n->core)->head.number; i < n->store.n && err == TS_OK; i++) {
        struct ts_store_batch b = {.number = i + 1,
                                   .hash = n->store.hashes[i],
                                   .status = TS_BATCH_COMMITTED,
                                   .raw = n->store.raws[i]};
        err = ts_node_load_batch(n->core, &b, why);
    }
    for (size_t i = 0; i < n->store.n_evidence && err == TS_OK; i++)
        ts_node_load_evidence(n->core, &n->store.evidence[i], n->store.records[i]);
    for (size_t i = 0; i < n->store.n_rollups && err == TS_OK; i++)
        err = ts_node_load_rollup(n->core, n->store.rollups[i]);
    if (err == TS_OK && n->store.line.n > 0)
        err = ts_node_load_line(n->core, ts_buf_bytes(&n->store.line));
    return err;
}

static bool start_node(struct nw *w, size_t node)
{
    struct nw_node *n = &w->nodes[node];
    struct ts_node_outputs out;
    nw_root_engine_of(&w->net->genesis_root);
    n->incarnation++;
    n->wake = 0;
    n->is_stopped = false;
    ts_err err = ts_node_new(&n->start, &n->core);
    if (err == TS_OK)
        err = load_node(n);
    TS_CHECK(err == TS_OK || err == TS_E_NOMEM);
    if (err != TS_OK) {
        ts_node_free(n->core);
        n->core = NULL;
        return false;
    }
    n->n_l1_asked = 0;
    n->l1_told = 0;
    ts_node_begin(n->core, now_of(w), &out);
    do_outputs(w, node, &out);
    nw_l1_tell(w, node);
    return true;
}

size_t nw_node(struct nw *w, const unsigned *targets, size_t n, const struct ts_node_settings *s,
               bool has_enclave)
{
    TS_CHECK(w->n_nodes < NW_MAX_NODES && n <= NW_MAX_LINKS);
    struct nw_node *node = &w->nodes[w->n_nodes];
    for (size_t i = 0; i < n; i++)
        node->targets[i] = targets[i];
    node->start = (struct ts_node_start){.genesis = &w->net->genesis,
                                         .genesis_raw = w->genesis_raw,
                                         .crypto = w->net->crypto,
                                         .engine = &w->engine,
                                         .name = "node/test",
                                         .n_peers = (unsigned)n,
                                         .has_enclave = has_enclave,
                                         .follows_l1 = w->l1.is_on,
                                         .seed = {w->random, w->n_nodes}};
    if (s != NULL)
        node->start.settings = *s;
    else
        ts_node_settings_default(&node->start.settings);
    node->start.settings.clock_skew_ms = w->clock_skew_ms;
    ts_buf_init(&node->store.chain, 0);
    ts_buf_init(&node->store.roots, 0);
    ts_buf_init(&node->store.audit, 0);
    ts_buf_init(&node->store.timeline, 0);
    ts_buf_init(&node->store.line, 0);
    node->l1_depth = 2;
    TS_CHECK(start_node(w, w->n_nodes));
    return w->n_nodes++;
}

void nw_kill(struct nw *w, size_t node)
{
    struct nw_node *n = &w->nodes[node];
    ts_node_free(n->core);
    n->core = NULL;
    for (size_t i = 0; i < w->n_conns; i++) {
        struct nw_conn *c = &w->conns[i];
        if (c->client == node)
            nw_close_conn(w, c, false);
        else if (c->server == node)
            nw_close_conn(w, c, true);
    }
}

void nw_restart(struct nw *w, size_t node)
{
    TS_CHECK(start_node(w, node));
}

bool nw_try_restart(struct nw *w, size_t node)
{
    return start_node(w, node);
}

void nw_cut(struct nw *w, size_t node, unsigned link, bool cut)
{
    w->cut[node][link] = cut;
    struct nw_conn *c = conn_of(w, node, link);
    if (cut && c != NULL)
        nw_close_conn(w, c, true);
}

void nw_enclave(struct nw *w, bool up)
{
    if (w->enclave_up && !up)
        link_event(w, 0, TS_NODE_LINK_ENCLAVE, TS_NODE_IN_LINK_DOWN, "the enclave ended", 0);
    w->enclave_up = up;
}
