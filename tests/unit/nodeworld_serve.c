/* SPDX-License-Identifier: Apache-2.0 */
/* The feeds that hosts and nodes of the world serve. */
#include <stdlib.h>

#include "audit/record.h"
#include "base/check.h"
#include "nodeworld_internal.h"

void nw_corrupt(const struct nw_host *h, uint64_t number, struct ts_buf *raw)
{
    if (h->corrupt_from != 0 && number >= h->corrupt_from)
        raw->p[raw->n - 20] ^= 0x55; /* in the seal */
}

static void push_to(struct nw *w, struct nw_conn *c, ts_bytes raw)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_feed_put_batch(&b, raw);
    nw_to_client(w, c, &b, 0);
    ts_buf_free(&b);
}

void nw_push_all(struct nw *w, unsigned server, ts_bytes raw, uint64_t except)
{
    for (size_t i = 0; i < w->n_conns; i++) {
        struct nw_conn *c = &w->conns[i];
        if (!c->is_open || c->server != server || c->id == except)
            continue;
        if (server >= NW_MAX_NODES && nw_rnd(w, 100) < w->hosts[server - NW_MAX_NODES].push_loss)
            continue;
        push_to(w, c, raw);
    }
}

static void answer_get(struct nw *w, struct nw_conn *c, const struct ts_feed_get *get)
{
    const ts_bytes *history = NULL;
    uint64_t n = 0, max = UINT64_MAX, delay = 0;
    struct nw_host *h = NULL;
    if (c->server >= NW_MAX_NODES) {
        h = &w->hosts[c->server - NW_MAX_NODES];
        h->gets++;
        if (h->is_silent)
            return;
        history = nw_history_of(w, h);
        n = h->answers_nothing ? 0 : h->head;
        delay = h->delay_us;
        max = h->max_answer != 0 ? h->max_answer : max;
    } else {
        history = w->nodes[c->server].store.raws;
        n = w->nodes[c->server].store.n;
    }
    ts_bytes list[TS_FEED_MAX_GET];
    struct ts_buf copies[TS_FEED_MAX_GET];
    struct ts_feed_frame f = {.type = TS_FEED_BATCHES, .id = get->id, .batches = list};
    while (f.n_batches < get->count && f.n_batches < max && get->from + f.n_batches <= n) {
        uint64_t number = get->from + f.n_batches;
        struct ts_buf *copy = &copies[f.n_batches];
        ts_buf_init(copy, 0);
        ts_buf_put(copy, history[number - 1].p, history[number - 1].n);
        if (h != NULL)
            nw_corrupt(h, number, copy);
        list[f.n_batches++] = ts_buf_bytes(copy);
    }
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_feed_put(&b, &f);
    nw_to_client(w, c, &b, delay);
    ts_buf_free(&b);
    for (size_t i = 0; i < f.n_batches; i++)
        ts_buf_free(&copies[i]);
}

void nw_answer_tx(struct nw *w, struct nw_conn *c, uint64_t id, ts_err code, const char *text)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_feed_session_tx_done(&c->session);
    ts_feed_put_accepted(&b, id, code, text);
    nw_to_client(w, c, &b, 0);
    ts_buf_free(&b);
}

/* A relayed transaction's token names connection and request, so that its reply finds back. */
static uint64_t relay_token(const struct nw_conn *c, uint64_t id)
{
    return UINT64_C(1) << 63 | c->id << 32 | id;
}

static void serve_tx(struct nw *w, struct nw_conn *c, const struct ts_feed_frame *f)
{
    if (c->server < NW_MAX_NODES) {
        struct ts_node_input in = {.kind = TS_NODE_IN_TX,
                                   .token = relay_token(c, f->id),
                                   .bytes = f->bytes,
                                   .is_relay = true};
        nw_input(w, c->server, &in);
        return;
    }
    struct nw_host *h = &w->hosts[c->server - NW_MAX_NODES];
    h->txs++;
    if (!h->tx_silent)
        nw_answer_tx(w, c, f->id, h->tx_code, h->tx_code != TS_OK ? "the host says no" : NULL);
}

/* As the shell does. */
static void tell_evidence(struct nw *w, struct nw_conn *c)
{
    const struct nw_node *node = &w->nodes[c->server];
    ts_hash ids[TS_NODE_NEWEST_EVIDENCE];
    size_t n = ts_node_newest_evidence(node->core, ids);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < node->store.n_evidence; k++) {
            struct ts_arena arena;
            struct ts_record r;
            struct ts_buf b;
            if (!ts_hash_equal(&node->store.evidence[k], &ids[i]))
                continue;
            ts_arena_init(&arena, 0);
            ts_buf_init(&b, 0);
            TS_CHECK(ts_record_read(node->store.records[k], &arena, &r) == TS_OK);
            ts_feed_put_evidence(&b, &r.parent_root, r.batch);
            nw_to_client(w, c, &b, 0);
            ts_buf_free(&b);
            ts_arena_free(&arena);
        }
    }
}

void nw_serve(struct nw *w, uint64_t conn, ts_bytes message)
{
    struct nw_conn *c = nw_conn_by_id(w, conn);
    if (c == NULL || !c->is_open || !nw_server_is_up(w, c->server))
        return;
    struct ts_arena arena;
    struct ts_feed_frame f;
    struct ts_feed_get get;
    char why[TS_FEED_TEXT_MAX];
    ts_arena_init(&arena, 0);
    ts_err err = ts_feed_session_receive(&c->session, w->now, message, &arena, &f, NULL, why);
    TS_CHECK(err == TS_OK); /* a node core never breaks the rules of the feed */
    if (f.type == TS_FEED_GET && ts_feed_session_next_get(&c->session, &get))
        answer_get(w, c, &get);
    else if (f.type == TS_FEED_TRANSACTION)
        serve_tx(w, c, &f);
    else if (f.type == TS_FEED_HELLO && c->server < NW_MAX_NODES)
        tell_evidence(w, c);
    else if (f.type == TS_FEED_BATCH && c->server < NW_MAX_NODES) {
        struct ts_node_input in = {.kind = TS_NODE_IN_BATCH, .peer = conn, .bytes = f.bytes};
        nw_input(w, c->server, &in);
    } else if (f.type == TS_FEED_ERROR) {
        nw_close_conn(w, c, false);
    }
    ts_arena_free(&arena);
}

/* ---- loading ---- */

ts_err nw_load_timeline(struct nw_node *n)
{
    uint64_t head = ts_node_chain(n->core)->head.number;
    ts_err err = TS_OK;
    if (head == 0 || ts_node_load_timeline(n->core, ts_buf_bytes(&n->store.timeline)) == TS_OK)
        return TS_OK;
    for (uint64_t i = 0; i < head && err == TS_OK; i++) {
        struct ts_store_batch b = {
            .number = i + 1, .hash = n->store.hashes[i], .raw = n->store.raws[i]};
        err = ts_node_fold_timeline(n->core, &b);
    }
    return err;
}
