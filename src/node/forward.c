/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions on their way to a host: one peer after the other is asked, in the order of the
 * configuration, until one says that a host has the transaction on disk, or why it is no good. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "node/internal.h"

#define SWEEP_US UINT64_C(100000) /* how exactly deadlines are kept */

/* A request to a peer, as a map's key: no padding. */
struct ask {
    uint64_t link, id;
};

void ts_node_forward_init(struct ts_node *n)
{
    ts_map_init(&n->forwards.by_ask, sizeof(struct ask), sizeof(uint32_t), n->start.seed);
    ts_map_init(&n->forwards.by_hash, sizeof(ts_hash), sizeof(uint32_t), n->start.seed);
}

void ts_node_forward_free(struct ts_node *n)
{
    for (size_t i = 0; i < n->forwards.n; i++)
        free(n->forwards.f[i].raw);
    free(n->forwards.f);
    free(n->forwards.spare);
    ts_map_free(&n->forwards.by_hash);
    ts_map_free(&n->forwards.by_ask);
}

static struct forward *find(struct ts_node *n, const struct ts_map *map, const void *key)
{
    const void *value = ts_map_get(map, key);
    uint32_t slot;
    if (value == NULL)
        return NULL;
    memcpy(&slot, value, sizeof(slot));
    return &n->forwards.f[slot];
}

static void forget_ask(struct ts_node *n, struct forward *f)
{
    struct ask ask = {.link = f->link, .id = f->id};
    if (f->is_asked)
        ts_map_remove(&n->forwards.by_ask, &ask);
    f->is_asked = false;
}

static void finish(struct ts_node *n, struct forward *f, ts_err err, const char *text)
{
    forget_ask(n, f);
    const char *copy = err == TS_OK ? NULL : ts_node_text(n, "%s", text);
    for (size_t i = 0; i < f->n_tokens; i++)
        ts_node_reply(n, f->tokens[i], err, ts_bytes_of(f->hash.b, sizeof(f->hash.b)), copy);
    if (err == TS_OK)
        n->counters.txs_durable++;
    else if (err == TS_E_TIMEOUT)
        n->counters.txs_late++;
    else
        n->counters.txs_refused++;
    ts_map_remove(&n->forwards.by_hash, &f->hash);
    n->forwards.bytes -= f->n;
    n->forwards.used--;
    free(f->raw);
    *f = (struct forward){0};
    n->forwards.spare[n->forwards.n_spare++] = (uint32_t)(f - n->forwards.f);
}

/* Asks one peer. False: it is not up, was asked before, or has enough to do. */
static bool try_peer(struct ts_node *n, struct forward *f, unsigned link)
{
    struct peer *p = &n->peers[link];
    struct ask ask = {.link = link};
    uint32_t slot = (uint32_t)(f - n->forwards.f);
    if (p->state != TS_NODE_PEER_UP || (f->tried >> link & 1) != 0 ||
        ts_feed_session_ask_tx(&p->session, &ask.id) != TS_OK)
        return false;
    void *value = ts_map_put(&n->forwards.by_ask, &ask, NULL);
    if (value == NULL)
        return false;
    memcpy(value, &slot, sizeof(slot));
    f->tried |= UINT64_C(1) << link;
    f->is_asked = true;
    f->link = link;
    f->id = ask.id;
    f->try_us = n->now.mono_us + n->s.tx_try_us;
    struct ts_buf *b = ts_node_buf(n);
    ts_feed_put_tx(b, ask.id, ts_bytes_of(f->raw, f->n));
    ts_node_send(n, link, b);
    return true;
}

/* Asks the next peer that was not asked yet. None left: fails with the newest refusal. */
static void try_next(struct ts_node *n, struct forward *f)
{
    forget_ask(n, f);
    for (unsigned i = 0; i < n->start.n_peers; i++) {
        if (try_peer(n, f, i))
            return;
    }
    if (f->err != TS_OK)
        finish(n, f, f->err, f->text);
    else
        finish(n, f, TS_E_CLOSED, "no peer is connected that could take the transaction to a host");
}

/* More slots, and room to list all of them as free. */
static bool grow(struct forwards *all)
{
    size_t cap = all->cap != 0 ? 2 * all->cap : 16;
    uint32_t *spare = realloc(all->spare, cap * sizeof(*spare));
    if (spare == NULL)
        return false;
    all->spare = spare;
    struct forward *f = realloc(all->f, cap * sizeof(*f));
    if (f == NULL)
        return false;
    all->f = f;
    all->cap = cap;
    return true;
}

static struct forward *new_slot(struct ts_node *n, uint32_t *slot)
{
    struct forwards *all = &n->forwards;
    if (all->n_spare == 0 && all->n == all->cap && !grow(all))
        return NULL;
    *slot = all->n_spare > 0 ? all->spare[--all->n_spare] : (uint32_t)all->n++;
    return &all->f[*slot];
}

static struct forward *start(struct ts_node *n, const ts_hash *hash, ts_bytes raw)
{
    uint32_t slot;
    uint8_t *copy = malloc(raw.n);
    void *value = copy != NULL ? ts_map_put(&n->forwards.by_hash, hash, NULL) : NULL;
    struct forward *f = value != NULL ? new_slot(n, &slot) : NULL;
    if (f == NULL) {
        free(copy);
        ts_map_remove(&n->forwards.by_hash, hash);
        return NULL;
    }
    memcpy(value, &slot, sizeof(slot));
    memcpy(copy, raw.p, raw.n);
    *f = (struct forward){.is_used = true,
                          .hash = *hash,
                          .raw = copy,
                          .n = raw.n,
                          .end_us = n->now.mono_us + n->s.tx_us};
    n->forwards.used++;
    n->forwards.bytes += raw.n;
    return f;
}

static void refuse(struct ts_node *n, uint64_t token, ts_err err, const char *text)
{
    n->counters.txs_refused++;
    ts_node_reply(n, token, err, (ts_bytes){0}, text);
}

/* The same transaction again while it is on its way. From a user: answered with the first. From a
 * subscriber it may be our own, come round in a circle of nodes: refused, so that it goes
 * elsewhere. */
static void again(struct ts_node *n, struct forward *f, uint64_t token, bool is_relay)
{
    if (is_relay)
        refuse(n, token, TS_E_BUSY, "the transaction is being forwarded here already");
    else if (f->n_tokens == NODE_TX_TOKENS)
        refuse(n, token, TS_E_BUSY, "too many wait for this transaction already");
    else
        f->tokens[f->n_tokens++] = token;
}

void ts_node_forward_tx(struct ts_node *n, uint64_t token, ts_bytes raw, bool is_relay)
{
    uint64_t max = n->start.genesis->params.max_tx_bytes;
    ts_hash hash;
    if (raw.n == 0 || raw.n > max) {
        refuse(n, token, TS_E_TX_SIZE,
               ts_node_text(n, "the transaction has %zu bytes, allowed are 1 to %" PRIu64, raw.n,
                            max));
        return;
    }
    if (n->is_stopping) {
        refuse(n, token, TS_E_CLOSED, "the node is stopping");
        return;
    }
    ts_tx_hash(raw, &hash);
    struct forward *f = find(n, &n->forwards.by_hash, &hash);
    if (f != NULL) {
        again(n, f, token, is_relay);
        return;
    }
    if (n->forwards.used >= n->s.max_txs || n->forwards.bytes + raw.n > n->s.max_tx_bytes) {
        refuse(n, token, TS_E_BUSY, "too many transactions are being forwarded; try again");
        return;
    }
    f = start(n, &hash, raw);
    if (f == NULL) {
        refuse(n, token, TS_E_NOMEM, ts_err_text(TS_E_NOMEM));
        return;
    }
    n->counters.txs_forwarded++;
    f->tokens[f->n_tokens++] = token;
    try_next(n, f);
}

/* Whether an answer settles it: what a host says of the transaction itself does. */
static bool is_final(ts_err err)
{
    return err >= TS_E_TX_FORM && err <= TS_E_TX_REPLACE;
}

static void keep_text(struct forward *f, const struct ts_feed_frame *a)
{
    size_t len = a->bytes.n < sizeof(f->text) - 1 ? a->bytes.n : sizeof(f->text) - 1;
    for (size_t i = 0; i < len; i++) {
        char c = (char)a->bytes.p[i];
        f->text[i] = c >= ' ' && c < 0x7f ? c : '?';
    }
    f->text[len] = '\0';
    if (len == 0)
        snprintf(f->text, sizeof(f->text), "%s", ts_err_text((int)a->code));
}

void ts_node_forward_accepted(struct ts_node *n, unsigned link, const struct ts_feed_frame *a)
{
    struct ask ask = {.link = link, .id = a->id};
    struct forward *f = find(n, &n->forwards.by_ask, &ask);
    if (f == NULL)
        return; /* given up meanwhile */
    bool was_asked = f->was_asked;
    f->was_asked = true;
    if (a->code == TS_OK || (a->code == TS_E_TX_KNOWN && was_asked)) {
        finish(n, f, TS_OK, NULL); /* known: by what was asked before */
        return;
    }
    keep_text(f, a);
    f->err = a->code;
    if (is_final(a->code))
        finish(n, f, f->err, f->text);
    else
        try_next(n, f);
}

static void give_up_try(struct ts_node *n, struct forward *f, ts_err err, const char *text)
{
    f->was_asked = true;
    f->err = err;
    snprintf(f->text, sizeof(f->text), "%s", text);
    try_next(n, f);
}

void ts_node_forward_peer_gone(struct ts_node *n, unsigned link)
{
    for (size_t i = 0; i < n->forwards.n; i++) {
        struct forward *f = &n->forwards.f[i];
        if (f->is_used && f->is_asked && f->link == link)
            give_up_try(n, f, TS_E_CLOSED,
                        "the connection was lost before a host said that it has the transaction");
    }
}

void ts_node_forward_tick(struct ts_node *n, uint64_t *wake)
{
    if (n->forwards.used == 0)
        return;
    for (size_t i = 0; i < n->forwards.n; i++) {
        struct forward *f = &n->forwards.f[i];
        if (!f->is_used)
            continue;
        if (n->now.mono_us >= f->end_us)
            finish(n, f, TS_E_TIMEOUT, "no host said in time that it has the transaction");
        else if (f->is_asked && n->now.mono_us >= f->try_us)
            give_up_try(n, f, TS_E_TIMEOUT, "no host said in time that it has the transaction");
    }
    if (n->forwards.used > 0 && n->now.mono_us + SWEEP_US < *wake)
        *wake = n->now.mono_us + SWEEP_US;
}

void ts_node_forward_stop(struct ts_node *n)
{
    for (size_t i = 0; i < n->forwards.n; i++) {
        if (n->forwards.f[i].is_used)
            finish(n, &n->forwards.f[i], TS_E_CLOSED, "the node is stopping");
    }
}
