/* SPDX-License-Identifier: Apache-2.0 */
/* Entries: what is checked becomes durable, many in one step, and is then told and relayed. One
 * step is in flight; what is checked meanwhile goes into the next. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/snapshot.h"
#include "node/internal.h"

static struct entry *add(struct entries *list)
{
    if (list->n == list->cap) {
        list->cap = list->cap != 0 ? 2 * list->cap : 16;
        list->e = ts_node_need(realloc(list->e, list->cap * sizeof(*list->e)));
    }
    struct entry *e = &list->e[list->n++];
    *e = (struct entry){0};
    return e;
}

static void free_entries(struct ts_node *n, struct entries *list)
{
    for (size_t i = 0; i < list->n; i++) {
        ts_node_release(n, list->e[i].raw);
        ts_node_release(n, list->e[i].record);
        free(list->e[i].tx_hashes);
        ts_node_l1_word_drop(list->e[i].l1);
    }
    list->n = 0;
}

void ts_node_commit_free_done(struct ts_node *n)
{
    free_entries(n, &n->done);
}

void ts_node_commit_free(struct ts_node *n)
{
    free_entries(n, &n->queue);
    free_entries(n, &n->flight);
    free_entries(n, &n->done);
    free(n->queue.e);
    free(n->flight.e);
    free(n->done.e);
    free(n->ops);
    ts_buf_free(&n->meta_chain);
    ts_buf_free(&n->meta_roots);
    ts_buf_free(&n->meta_audit);
    ts_buf_free(&n->meta_timeline);
}

void ts_node_commit_batch(struct ts_node *n, const struct ts_batch *b, ts_bytes raw,
                          const struct source *s, ts_hash *tx_hashes, struct l1_word *l1)
{
    struct entry *e = add(&n->queue);
    e->number = b->header.number;
    e->hash = n->chain.head.hash;
    e->head = n->chain.head;
    e->raw = raw;
    e->tx_hashes = tx_hashes;
    e->n_txs = b->n_txs;
    e->source = *s;
    if (l1 != NULL) {
        e->l1 = ts_node_l1_word_use(l1);
        e->stores_l1 = !ts_hash_equal(&l1->at.hash, &n->l1.stored);
        n->l1.stored = l1->at.hash;
    }
    n->queue_bytes += raw.n;
}

void ts_node_commit_evidence(struct ts_node *n, struct entry *e)
{
    *add(&n->queue) = *e;
    n->queue_bytes += e->raw.n + e->record.n;
}

bool ts_node_commit_has_room(const struct ts_node *n)
{
    return n->queue.n < n->s.store_max && n->queue_bytes < n->s.window_bytes / 4;
}

bool ts_node_commit_is_idle(const struct ts_node *n)
{
    return n->queue.n == 0 && n->flight.n == 0 && n->store_token == 0;
}

/* The chain as it is after the newest entry of the step, so that a start need not check all. */
static void add_snapshot(struct ts_node *n)
{
    uint64_t first = n->chain.head.number;
    ts_buf_reset(&n->meta_chain);
    ts_buf_reset(&n->meta_roots);
    ts_buf_reset(&n->meta_audit);
    ts_buf_reset(&n->meta_timeline);
    ts_chain_snapshot_put(&n->meta_chain, &n->chain);
    ts_audit_put(&n->meta_audit, n->audit);
    while (first > 0 && ts_node_root(n, first - 1) != NULL)
        first--;
    size_t list = ts_put_list(&n->meta_roots);
    ts_put_u64(&n->meta_roots, first);
    for (uint64_t i = first; i <= n->chain.head.number; i++)
        ts_put_hash(&n->meta_roots, ts_node_root(n, i));
    ts_put_list_end(&n->meta_roots, list);
    n->chain_saved = n->chain.head.number;
    if (n->meta_chain.err != TS_OK || n->meta_roots.err != TS_OK || n->meta_audit.err != TS_OK)
        return; /* out of memory: without it a start only takes longer */
    n->ops[n->n_ops++] = (struct ts_store_op){
        .kind = TS_OP_PUT_META, .key = "chain", .data = ts_buf_bytes(&n->meta_chain)};
    n->ops[n->n_ops++] = (struct ts_store_op){
        .kind = TS_OP_PUT_META, .key = "roots", .data = ts_buf_bytes(&n->meta_roots)};
    n->ops[n->n_ops++] = (struct ts_store_op){
        .kind = TS_OP_PUT_META, .key = "audit", .data = ts_buf_bytes(&n->meta_audit)};
    if (ts_timeline_head(n->timeline) != n->chain.head.number)
        return;
    ts_timeline_put(&n->meta_timeline, n->timeline);
    if (n->meta_timeline.err == TS_OK)
        n->ops[n->n_ops++] = (struct ts_store_op){
            .kind = TS_OP_PUT_META, .key = "timeline", .data = ts_buf_bytes(&n->meta_timeline)};
}

static struct ts_store_op op_of(const struct entry *e)
{
    if (e->is_rollback)
        return (struct ts_store_op){.kind = TS_OP_DROP_ROLLUPS, .number = e->first};
    if (e->is_rollup)
        return (struct ts_store_op){
            .kind = TS_OP_PUT_ROLLUP, .seq = e->first, .number = e->number, .data = e->record};
    if (e->is_evidence)
        return (struct ts_store_op){
            .kind = TS_OP_PUT_EVIDENCE, .hash = e->id, .number = e->number, .data = e->record};
    return (struct ts_store_op){.kind = TS_OP_PUT_BATCH,
                                .number = e->number,
                                .hash = e->hash,
                                .status = TS_BATCH_COMMITTED,
                                .data = e->raw,
                                .tx_hashes = e->tx_hashes,
                                .n_tx_hashes = e->n_txs};
}

static struct ts_store_op l1_op_of(const struct l1_word *w)
{
    return (struct ts_store_op){
        .kind = TS_OP_PUT_L1, .number = w->at.number, .hash = w->at.hash, .data = w->header};
}

static void submit(struct ts_node *n)
{
    n->store_token = ++n->next_token;
    n->retry_us = 0;
    struct ts_node_output *o = ts_node_output_new(n, TS_NODE_OUT_STORE);
    o->token = n->store_token;
    o->ops = n->ops;
    o->n_ops = n->n_ops;
}

void ts_node_commit_pump(struct ts_node *n)
{
    uint64_t unsaved = n->chain.head.number - n->chain_saved;
    bool save = unsaved >= n->s.chain_every || (n->is_stopping && unsaved > 0);
    if (n->line.is_leaving && !n->line.is_submitted && ts_node_commit_is_idle(n) && n->n_ops == 0) {
        free(n->ops);
        n->ops = ts_node_need(calloc(NODE_LINE_OPS, sizeof(*n->ops)));
        n->n_ops = ts_node_line_ops(n, n->ops);
        submit(n);
        return;
    }
    save = save && !n->line.is_leaving;
    if (n->store_token != 0 || n->flight.n > 0 || n->n_ops > 0 || (n->queue.n == 0 && !save))
        return;
    struct entries empty = n->flight;
    n->flight = n->queue;
    n->queue = empty;
    n->queue_bytes = 0;
    free(n->ops);
    n->ops = ts_node_need(calloc(2 * n->flight.n + 4, sizeof(*n->ops)));
    for (size_t i = 0; i < n->flight.n; i++) {
        if (n->flight.e[i].stores_l1)
            n->ops[n->n_ops++] = l1_op_of(n->flight.e[i].l1);
        n->ops[n->n_ops++] = op_of(&n->flight.e[i]);
        if (n->flight.e[i].unpins)
            n->ops[n->n_ops++] = (struct ts_store_op){.kind = TS_OP_PUT_META, .key = "line"};
    }
    if (save)
        add_snapshot(n);
    if (n->n_ops > 0)
        submit(n);
}

static void tell(struct ts_node *n, const struct entry *e, bool push)
{
    if (e->is_rollup) {
        ts_node_rollups_stored(n);
        return;
    }
    if (e->is_evidence) {
        if (!e->is_quiet)
            ts_node_gossip_stored_evidence(n, e);
        return;
    }
    n->stored = e->head;
    struct ts_node_output *o = ts_node_output_new(n, TS_NODE_OUT_COMMITTED);
    o->number = e->number;
    o->hash = e->hash;
    o->bytes = e->raw;
    o->push = push;
    ts_node_validator_committed(n, e);
}

static void failed(struct ts_node *n, ts_err err)
{
    n->counters.store_failures++;
    if (err == TS_E_CONFLICT || err == TS_E_CORRUPT || err == TS_E_FOREIGN) {
        ts_node_event(n, TS_LOG_ERROR, "store-damaged", "reason=\"%s\"", ts_err_text((int)err));
        n->is_stopped = true; /* trying again changes nothing */
        ts_node_output_new(n, TS_NODE_OUT_STOPPED)->err = TS_E_CORRUPT;
        return;
    }
    n->retry_us = n->now.mono_us + n->s.store_retry_us;
    ts_node_event(n, TS_LOG_ERROR, "store-failed", "retry_ms=%" PRIu64 " reason=\"%s\"",
                  n->s.store_retry_us / 1000, ts_err_text((int)err));
}

void ts_node_commit_stored(struct ts_node *n, uint64_t token, ts_err err)
{
    TS_CHECK(token == n->store_token && token != 0);
    n->store_token = 0;
    if (err != TS_OK) {
        failed(n, err);
        return;
    }
    struct entries stored = n->flight;
    n->n_ops = 0;
    ts_node_settle_stored(n);
    n->flight = n->done; /* emptied at the start of this step */
    n->done = stored;
    if (n->line.is_submitted) {
        ts_node_line_left(n);
        return;
    }
    for (size_t i = 0; i < stored.n; i++)
        tell(n, &stored.e[i], stored.n <= NODE_PUSH_FEW || i + 1 == stored.n);
}

void ts_node_commit_tick(struct ts_node *n, uint64_t *wake)
{
    if (n->retry_us == 0)
        return;
    if (n->now.mono_us >= n->retry_us)
        submit(n);
    else if (n->retry_us < *wake)
        *wake = n->retry_us;
}
