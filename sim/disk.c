/* SPDX-License-Identifier: Apache-2.0 */
/* What is durable. A step is all or nothing and steps keep their order, as store/store.h says; its
 * suite shows that of the real one. What was not reported is lost with the process, or was done. */
#include "base/check.h"
#include "chain/rollup_record.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim_disk_init(struct sim_disk *d)
{
    static const uint64_t seed[2] = {5, 6};
    memset(d, 0, sizeof(*d));
    ts_map_init(&d->tx_of, sizeof(ts_hash), sizeof(size_t), seed);
}

void sim_disk_free(struct sim_disk *d)
{
    for (size_t i = 0; i < d->n_txs; i++)
        free(d->txs[i].raw);
    for (size_t i = 0; i < d->n_metas; i++)
        ts_buf_free(&d->metas[i].value);
    for (size_t i = 0; i < d->n_evidence; i++)
        free(d->evidence[i].raw);
    for (size_t i = 0; i < d->n_l1; i++)
        free(d->l1[i].raw);
    for (size_t i = 0; i < d->n_rollups; i++)
        free(d->rollups[i].record);
    ts_map_free(&d->tx_of);
    free(d->rollups);
    free(d->l1);
    free(d->committed);
    free(d->discarded);
    free(d->txs);
    free(d->evidence);
    free(d->pending);
}

/* ---- one operation ---- */

static const struct sim_batch *committed_at(const struct sim_disk *d, uint64_t number)
{
    return number >= 1 && number <= d->n_committed ? d->committed[number - 1] : NULL;
}

static const struct sim_batch *discarded_of(const struct sim_disk *d, const ts_hash *hash)
{
    for (size_t i = 0; i < d->n_discarded; i++)
        if (ts_hash_equal(&d->discarded[i]->hash, hash))
            return d->discarded[i];
    return NULL;
}

/* The stored batch of an operation, whatever its status; NULL: there is none. */
static const struct sim_batch *find_batch(const struct sim_disk *d, const struct ts_store_op *op)
{
    const struct sim_batch *c = committed_at(d, op->number);
    if (d->prepared != NULL && ts_hash_equal(&d->prepared->hash, &op->hash))
        return d->prepared;
    return c != NULL && ts_hash_equal(&c->hash, &op->hash) ? c : discarded_of(d, &op->hash);
}

/* What the real store refuses, before anything is changed. */
static ts_err check_op(const struct sim_disk *d, const struct ts_store_op *op)
{
    const struct sim_batch *c = committed_at(d, op->number);
    switch (op->kind) {
    case TS_OP_PUT_BATCH:
        return op->status == TS_BATCH_COMMITTED && c != NULL && !ts_hash_equal(&c->hash, &op->hash)
                   ? TS_E_CONFLICT
                   : TS_OK;
    case TS_OP_SET_STATUS:
        if (find_batch(d, op) == NULL)
            return TS_E_NOT_FOUND;
        return op->status == TS_BATCH_COMMITTED && c != NULL && !ts_hash_equal(&c->hash, &op->hash)
                   ? TS_E_CONFLICT
                   : TS_OK;
    case TS_OP_PUT_TX:
        for (size_t i = d->first_tx; i < d->n_txs; i++)
            if (d->txs[i].there && d->txs[i].t.seq == op->seq &&
                !ts_hash_equal(&d->txs[i].t.hash, &op->hash))
                return TS_E_CONFLICT;
        return TS_OK;
    default:
        return TS_OK;
    }
}

static void commit_batch(struct sim_disk *d, const struct sim_batch *b)
{
    if (committed_at(d, b->number) != NULL)
        return;
    TS_CHECK(b->number == d->n_committed + 1);
    if (d->n_committed == d->cap_committed) {
        d->cap_committed = d->cap_committed != 0 ? 2 * d->cap_committed : 64;
        d->committed =
            sim_must(realloc(d->committed, (size_t)d->cap_committed * sizeof(*d->committed)));
    }
    d->committed[d->n_committed++] = b;
}

static void set_status(struct sim_world *w, struct sim_disk *d, int who, const struct sim_batch *b,
                       enum ts_batch_status status)
{
    TS_CHECK(b != NULL); /* check_op has seen it */
    static const enum sim_kind kinds[] = {[TS_BATCH_PREPARED] = SIM_PREPARED,
                                          [TS_BATCH_COMMITTED] = SIM_COMMITTED,
                                          [TS_BATCH_DISCARDED] = SIM_DISCARDED};
    if (status == TS_BATCH_PREPARED) {
        d->prepared = b;
    } else {
        if (d->prepared == b)
            d->prepared = NULL;
        if (status == TS_BATCH_COMMITTED) {
            commit_batch(d, b);
        } else if (discarded_of(d, &b->hash) == NULL) {
            d->discarded =
                sim_must(realloc(d->discarded, (d->n_discarded + 1) * sizeof(*d->discarded)));
            d->discarded[d->n_discarded++] = b;
        }
    }
    struct sim_event ev = {.kind = who == SIM_HOST ? kinds[status] : SIM_NODE_TAKES,
                           .who = who,
                           .number = b->number,
                           .hash = b->hash,
                           .batch = b};
    sim_tell(w, &ev);
}

static void put_meta(struct sim_disk *d, const char *key, ts_bytes value)
{
    struct sim_meta *m = (struct sim_meta *)(uintptr_t)sim_disk_meta(d, key);
    if (m == NULL) {
        TS_CHECK(d->n_metas < TS_COUNT(d->metas));
        m = &d->metas[d->n_metas++];
        snprintf(m->key, sizeof(m->key), "%s", key);
        ts_buf_init(&m->value, 0);
    }
    ts_buf_reset(&m->value);
    ts_buf_put(&m->value, value.p, value.n);
}

static void put_tx(struct sim_disk *d, const struct ts_store_op *op)
{
    bool is_new;
    size_t *at = sim_must(ts_map_put(&d->tx_of, op->hash.b, &is_new));
    if (!is_new && d->txs[*at].there && d->txs[*at].t.seq == op->seq)
        return;
    if (!is_new)
        d->txs[*at].there = false; /* it takes the new place */
    if (d->n_txs == d->cap_txs) {
        d->cap_txs = d->cap_txs != 0 ? 2 * d->cap_txs : 64;
        d->txs = sim_must(realloc(d->txs, d->cap_txs * sizeof(*d->txs)));
    }
    *at = d->n_txs;
    d->txs[d->n_txs++] = (struct sim_stored_tx){.t = {.seq = op->seq,
                                                      .hash = op->hash,
                                                      .sender = op->sender,
                                                      .nonce = op->nonce,
                                                      .raw = {NULL, op->data.n}},
                                                .raw = sim_copy(op->data),
                                                .there = true};
}

static void drop_tx(struct sim_disk *d, const ts_hash *hash)
{
    const size_t *at = ts_map_get(&d->tx_of, hash->b);
    if (at != NULL)
        d->txs[*at].there = false;
    while (d->first_tx < d->n_txs && !d->txs[d->first_tx].there)
        d->first_tx++;
}

/* A grant alone is none. */
static void tell_evidence(struct sim_world *w, const struct sim_disk *d, int who, const ts_hash *id)
{
    struct ts_evidence_verdict v;
    ts_err err = sim_evidence_judge(w, d, id, &v);
    struct sim_event ev = {.kind = SIM_NODE_EVIDENCE,
                           .who = who,
                           .hash = *id,
                           .err = err,
                           .finding = err == TS_OK ? &v.finding : NULL,
                           .text = err == TS_OK ? v.finding.text : v.why};
    if (err != TS_E_NOT_FOUND)
        sim_tell(w, &ev);
}

static void put_evidence(struct sim_world *w, struct sim_disk *d, int who,
                         const struct ts_store_op *op)
{
    for (size_t i = 0; i < d->n_evidence; i++)
        if (ts_hash_equal(&d->evidence[i].id, &op->hash))
            return;
    d->evidence = sim_must(realloc(d->evidence, (d->n_evidence + 1) * sizeof(*d->evidence)));
    d->evidence[d->n_evidence++] = (struct sim_evidence){op->hash, sim_copy(op->data), op->data.n};
    tell_evidence(w, d, who, &op->hash);
}

static const struct sim_l1_header *l1_header(const struct sim_disk *d, uint64_t number,
                                             const ts_hash *hash)
{
    for (size_t i = d->n_l1; i-- > 0;) /* the newest are asked for mostly */
        if (d->l1[i].number == number && ts_hash_equal(&d->l1[i].hash, hash))
            return &d->l1[i];
    return NULL;
}

static void put_l1(struct sim_disk *d, const struct ts_store_op *op)
{
    if (l1_header(d, op->number, &op->hash) != NULL)
        return;
    d->l1 = sim_must(realloc(d->l1, (d->n_l1 + 1) * sizeof(*d->l1)));
    d->l1[d->n_l1++] = (struct sim_l1_header){op->number, op->hash, sim_copy(op->data), op->data.n};
}

/* What a node says of it, which the trace tells. */
static void tell_verdict(struct sim_world *w, int who, const struct ts_store_op *op)
{
    struct ts_rollup_record record;
    TS_CHECK(ts_rollup_record_read(op->data, &record) == TS_OK);
    bool is_equal = record.verdict == TS_ROLLUP_EQUAL;
    struct sim_event ev = {.kind = SIM_NODE_ROLLUP,
                           .who = who,
                           .number = op->number,
                           .err = is_equal ? TS_OK : TS_E_CONFLICT,
                           .text = is_equal ? NULL : record.text};
    sim_tell(w, &ev);
}

static void put_rollup(struct sim_world *w, struct sim_disk *d, int who,
                       const struct ts_store_op *op)
{
    size_t at = d->n_rollups;
    while (at > 0 && d->rollups[at - 1].last > op->number)
        at--;
    struct sim_stored_rollup new = {op->number, sim_copy(op->data), op->data.n};
    if (at > 0 && d->rollups[at - 1].last == op->number) {
        free(d->rollups[at - 1].record);
        d->rollups[at - 1] = new;
    } else {
        d->rollups = sim_must(realloc(d->rollups, (d->n_rollups + 1) * sizeof(new)));
        memmove(&d->rollups[at + 1], &d->rollups[at], (d->n_rollups++ - at) * sizeof(new));
        d->rollups[at] = new;
    }
    tell_verdict(w, who, op);
}

static void drop_rollups(struct sim_world *w, struct sim_disk *d, int who, uint64_t from)
{
    while (d->n_rollups > 0 && d->rollups[d->n_rollups - 1].last >= from)
        free(d->rollups[--d->n_rollups].record);
    struct sim_event ev = {.kind = SIM_NODE_ROLLUPS_BACK, .who = who, .number = from};
    sim_tell(w, &ev);
}

static void leave_line(struct sim_world *w, struct sim_disk *d, int who, uint64_t from)
{
    TS_CHECK(from > 0);
    for (uint64_t number = from; number <= d->n_committed; number++) {
        d->discarded =
            sim_must(realloc(d->discarded, (d->n_discarded + 1) * sizeof(*d->discarded)));
        d->discarded[d->n_discarded++] = d->committed[number - 1];
    }
    if (d->n_committed >= from)
        d->n_committed = from - 1;
    struct sim_event ev = {.kind = SIM_NODE_LEAVES, .who = who, .number = from};
    sim_tell(w, &ev);
}

static void apply_op(struct sim_world *w, struct sim_disk *d, int who, const struct ts_store_op *op)
{
    const struct sim_batch *b;
    switch (op->kind) {
    case TS_OP_PUT_BATCH:
        b = sim_batch_of(w, op->data);
        TS_CHECK(b != NULL && ts_hash_equal(&b->hash, &op->hash));
        set_status(w, d, who, b, op->status);
        return;
    case TS_OP_SET_STATUS:
        b = find_batch(d, op);
        set_status(w, d, who, b, op->status);
        return;
    case TS_OP_PUT_META:
        put_meta(d, op->key, op->data);
        return;
    case TS_OP_PUT_TX:
        put_tx(d, op);
        sim_wallet_stored(w, &op->hash);
        return;
    case TS_OP_DROP_TX:
        drop_tx(d, &op->hash);
        return;
    case TS_OP_PUT_REJECTED:
        sim_wallet_rejected(w, &op->hash, op->code, op->text);
        return;
    case TS_OP_PUT_EVIDENCE:
        put_evidence(w, d, who, op);
        return;
    case TS_OP_PUT_L1:
        put_l1(d, op);
        return;
    case TS_OP_PUT_ROLLUP:
        put_rollup(w, d, who, op);
        return;
    case TS_OP_DROP_ROLLUPS:
        drop_rollups(w, d, who, op->number);
        return;
    case TS_OP_DISCARD:
        leave_line(w, d, who, op->number);
        return;
    }
}

static ts_err apply(struct sim_world *w, struct sim_disk *d, int who, const struct sim_pending *p)
{
    for (size_t i = 0; i < p->n; i++) {
        ts_err err = check_op(d, &p->ops[i]);
        if (err != TS_OK)
            return err;
    }
    for (size_t i = 0; i < p->n; i++)
        apply_op(w, d, who, &p->ops[i]);
    return TS_OK;
}

/* ---- steps ---- */

void sim_disk_store(struct sim_world *w, struct sim_disk *d, int who, uint64_t gen, uint64_t token,
                    const struct ts_store_op *ops, size_t n)
{
    if (d->n_pending == d->cap_pending) {
        d->cap_pending = d->cap_pending != 0 ? 2 * d->cap_pending : 8;
        d->pending = sim_must(realloc(d->pending, d->cap_pending * sizeof(*d->pending)));
    }
    d->pending[d->n_pending++] = (struct sim_pending){token, ops, n};
    uint64_t base = w->now < d->slow_until ? w->o.disk_us * 30 : w->o.disk_us;
    struct sim_ev *ev = sim_schedule(w, sim_later(w, base, &d->last),
                                     who == SIM_HOST ? EV_HOST_STORED : EV_NODE_STORED, who);
    ev->gen = gen;
    ev->token = token;
}

ts_err sim_disk_done(struct sim_world *w, struct sim_disk *d, int who, uint64_t token)
{
    TS_CHECK(d->n_pending > 0 && d->pending[0].token == token); /* steps stay in order */
    struct sim_pending p = d->pending[0];
    memmove(d->pending, d->pending + 1, --d->n_pending * sizeof(p));
    if (w->now < d->full_until)
        return TS_E_DISK_FULL;
    ts_err err = apply(w, d, who, &p);
    if (err == TS_OK && d->doubt > 0) {
        d->doubt--;
        return TS_E_IO;
    }
    return err;
}

void sim_disk_crash(struct sim_world *w, struct sim_disk *d, int who)
{
    size_t done = sim_below(&w->rng, d->n_pending + 1);
    for (size_t i = 0; i < done && w->now >= d->full_until; i++)
        (void)apply(w, d, who, &d->pending[i]);
    d->n_pending = 0;
    d->last = 0;
}

/* ---- reading ---- */

const struct sim_meta *sim_disk_meta(const struct sim_disk *d, const char *key)
{
    for (size_t i = 0; i < d->n_metas; i++)
        if (strcmp(d->metas[i].key, key) == 0)
            return &d->metas[i];
    return NULL;
}

struct ts_store_batch sim_disk_batch(const struct sim_disk *d, const struct sim_batch *b,
                                     enum ts_batch_status status)
{
    const struct sim_l1_header *l1 = l1_header(d, b->b->header.l1_number, &b->b->header.l1_hash);
    return (struct ts_store_batch){.number = b->number,
                                   .hash = b->hash,
                                   .status = status,
                                   .raw = b->b->raw,
                                   .l1_header =
                                       l1 != NULL ? ts_bytes_of(l1->raw, l1->n) : (ts_bytes){0}};
}

size_t sim_disk_list(const struct sim_disk *d, uint64_t from, uint64_t count,
                     struct ts_store_batch *list)
{
    size_t n = 0, bytes = 0;
    for (uint64_t number = from; number < from + count; number++) {
        const struct sim_batch *b = committed_at(d, number);
        if (b == NULL || (n > 0 && bytes + b->b->raw.n > 4u * 1024 * 1024))
            break;
        bytes += b->b->raw.n;
        list[n++] = sim_disk_batch(d, b, TS_BATCH_COMMITTED);
    }
    return n;
}
