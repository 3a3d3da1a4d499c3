/* SPDX-License-Identifier: Apache-2.0 */
#include "hostworld_internal.h"

#include "chain/batch.h"

/* Numbers never go down. Where the batches of higher ones begin. */
static size_t end_of(const struct world *w, uint64_t number)
{
    size_t low = 0, high = w->n_batches;
    while (low < high) {
        size_t at = low + (high - low) / 2;
        if (w->batches[at].number <= number)
            low = at + 1;
        else
            high = at;
    }
    return low;
}

struct stored_batch *world_disk_find(struct world *w, uint64_t number, const ts_hash *hash)
{
    for (size_t i = end_of(w, number); i-- > 0 && w->batches[i].number == number;)
        if (ts_hash_equal(&w->batches[i].hash, hash))
            return &w->batches[i];
    return NULL;
}

struct stored_batch *world_disk_committed(struct world *w, uint64_t number)
{
    for (size_t i = end_of(w, number); i-- > 0 && w->batches[i].number == number;)
        if (w->batches[i].status == TS_BATCH_COMMITTED)
            return &w->batches[i];
    return NULL;
}

/* A batch is prepared once, then committed or discarded once; one is prepared at a time, and no
 * number has two committed. */
static void check_status(struct world *w, const struct stored_batch *b,
                         const struct ts_store_op *op)
{
    if (w->disk_lied && b != NULL && b->status == op->status)
        return;
    TS_CHECK(op->status != TS_BATCH_PREPARED || b == NULL || b->status == TS_BATCH_PREPARED);
    TS_CHECK(op->status == TS_BATCH_PREPARED || (b != NULL && b->status == TS_BATCH_PREPARED));
    while (w->n_settled < w->n_batches && w->batches[w->n_settled].number < op->number &&
           w->batches[w->n_settled].status != TS_BATCH_PREPARED)
        w->n_settled++;
    for (size_t i = w->n_settled; i < w->n_batches; i++) {
        const struct stored_batch *o = &w->batches[i];
        if (o == b)
            continue;
        TS_CHECK(op->status != TS_BATCH_PREPARED || o->status != TS_BATCH_PREPARED);
        TS_CHECK(op->status != TS_BATCH_COMMITTED || o->number != op->number ||
                 o->status != TS_BATCH_COMMITTED);
    }
}

static void put_batch(struct world *w, const struct ts_store_op *op)
{
    struct stored_batch *b = world_disk_find(w, op->number, &op->hash);
    check_status(w, b, op);
    if (b != NULL) {
        b->status = op->status;
        return;
    }
    TS_CHECK(w->n_batches == 0 || w->batches[w->n_batches - 1].number <= op->number);
    WORLD_GROW(w->batches, w->n_batches);
    w->batches[w->n_batches++] =
        (struct stored_batch){op->number, op->hash, op->status, world_copy(op->data), op->data.n};
}

static void put_meta(struct world *w, const char *key, ts_bytes value)
{
    struct meta *m = NULL;
    for (size_t i = 0; i < w->n_metas; i++)
        if (strcmp(w->metas[i].key, key) == 0)
            m = &w->metas[i];
    if (m == NULL) {
        TS_CHECK(w->n_metas < TS_COUNT(w->metas));
        m = &w->metas[w->n_metas++];
        memset(m, 0, sizeof(*m));
        snprintf(m->key, sizeof(m->key), "%s", key);
    }
    free(m->p);
    m->p = world_copy(value);
    m->n = value.n;
}

void world_set_meta(struct world *w, const char *key, ts_bytes value)
{
    TS_CHECK(w->host == NULL);
    put_meta(w, key, value);
}

static void add_tx(struct world *w, const struct ts_store_op *op)
{
    WORLD_GROW(w->txs, w->n_txs);
    w->txs[w->n_txs++] = (struct stored_tx){.t = {.seq = op->seq,
                                                  .hash = op->hash,
                                                  .sender = op->sender,
                                                  .nonce = op->nonce,
                                                  .raw = {NULL, op->data.n}},
                                            .raw = world_copy(op->data),
                                            .there = true};
}

static void put_tx(struct world *w, const struct ts_store_op *op)
{
    for (size_t i = 0; i < w->n_txs; i++) {
        bool same = ts_hash_equal(&w->txs[i].t.hash, &op->hash);
        TS_CHECK(!w->txs[i].there || same || w->txs[i].t.seq != op->seq);
        TS_CHECK(!w->txs[i].there || !same ||
                 w->disk_lied); /* nothing is stored twice for nothing */
        if (same)
            w->txs[i].there = false;
    }
    add_tx(w, op);
}

static void put_rejected(struct world *w, const struct ts_store_op *op)
{
    struct tx_record *r = world_record_of(w, &op->hash);
    if (r == NULL)
        return;
    r->rejected = true;
    r->rejected_code = op->code;
    snprintf(r->rejected_text, sizeof(r->rejected_text), "%s", op->text);
}

static void apply_op(struct world *w, const struct ts_store_op *op)
{
    struct stored_batch *b;
    switch (op->kind) {
    case TS_OP_PUT_BATCH:
        put_batch(w, op);
        return;
    case TS_OP_SET_STATUS:
        b = world_disk_find(w, op->number, &op->hash);
        TS_CHECK(b != NULL);
        check_status(w, b, op);
        b->status = op->status;
        return;
    case TS_OP_PUT_META:
        put_meta(w, op->key, op->data);
        return;
    case TS_OP_PUT_TX:
        put_tx(w, op);
        return;
    case TS_OP_DROP_TX:
        for (size_t i = 0; i < w->n_txs; i++)
            if (w->txs[i].there && ts_hash_equal(&w->txs[i].t.hash, &op->hash)) {
                w->txs[i].there = false;
                return; /* a hash is there once */
            }
        return;
    case TS_OP_PUT_REJECTED:
        put_rejected(w, op);
        return;
    case TS_OP_PUT_EVIDENCE:
        return;
    case TS_OP_PUT_L1:
        l1_shelf_put(&w->l1, op);
        return;
    case TS_OP_PUT_ROLLUP:
    case TS_OP_DROP_ROLLUPS:
    case TS_OP_DISCARD:
        return; /* the host keeps none, and leaves no line */
    }
}

void world_put_tx(struct world *w, ts_bytes raw, const ts_address *sender, uint64_t nonce)
{
    struct ts_store_op op = {.seq = w->n_txs + 1, .data = raw, .sender = *sender, .nonce = nonce};
    TS_CHECK(w->host == NULL);
    ts_tx_hash(raw, &op.hash);
    add_tx(w, &op);
}

void world_lose_loads(struct world *w, bool lose)
{
    w->lose_loads = lose;
}

int world_prepared_by(struct world *w)
{
    struct ts_arena arena;
    struct ts_batch b;
    int who = -1;
    ts_arena_init(&arena, 0);
    for (size_t i = 0; i < w->n_batches; i++) {
        if (w->batches[i].status != TS_BATCH_PREPARED)
            continue;
        assert_int_equal(ts_batch_decode(ts_bytes_of(w->batches[i].raw, w->batches[i].n),
                                         TS_MAX_BATCH_BYTES, &arena, &b),
                         TS_OK);
        for (unsigned p = 0; p < w->o.enclaves; p++)
            if (ts_address_equal(&b.header.producer, &w->peers[p].id))
                who = (int)p;
    }
    ts_arena_free(&arena);
    return who;
}

void world_disk_apply(struct world *w, const struct step *s)
{
    for (size_t k = 0; k < s->n; k++)
        apply_op(w, &s->ops[k]);
}

void world_disk_done(struct world *w, uint64_t token)
{
    size_t i = 0;
    while (i < w->n_steps && w->steps[i].token != token)
        i++;
    TS_CHECK(i < w->n_steps);
    struct step s = w->steps[i];
    memmove(&w->steps[i], &w->steps[i + 1], (w->n_steps - i - 1) * sizeof(s));
    w->n_steps--;
    bool fails = ++w->steps_done == w->fail_step;
    if (fails ? w->fail_applied : (w->disk == TS_OK || w->disk_lies))
        world_disk_apply(w, &s);
    w->disk_lied = w->disk_lied || (fails && w->fail_applied);
    struct ts_host_input in = {
        .kind = TS_IN_STORED, .token = token, .err = fails ? w->fail_err : w->disk};
    world_input(w, &in);
}

void world_disk_error(struct world *w, ts_err err)
{
    w->disk = err;
    w->disk_lies = false;
}

void world_disk_lies(struct world *w, ts_err err)
{
    w->disk = err;
    w->disk_lies = w->disk_lied = true;
}

struct ts_store_batch world_disk_batch(const struct world *w, const struct stored_batch *b)
{
    ts_bytes raw = ts_bytes_of(b->raw, b->n);
    return (struct ts_store_batch){.number = b->number,
                                   .hash = b->hash,
                                   .status = b->status,
                                   .raw = raw,
                                   .l1_header = l1_shelf_of(&w->l1, raw)};
}

void world_fail_step(struct world *w, uint64_t n, ts_err err, bool applied)
{
    w->fail_step = n == 0 ? 0 : w->steps_done + n;
    w->fail_err = err;
    w->fail_applied = applied;
}

void world_lose_frame(struct world *w, uint64_t n, bool to_host)
{
    w->lose_frame[to_host] = n == 0 ? 0 : w->frames[to_host] + n;
}

uint64_t world_steps(const struct world *w)
{
    return w->steps_done;
}

uint64_t world_frames(const struct world *w, bool to_host)
{
    return w->frames[to_host];
}

/* Only memory may be lacking. */
static ts_err good(ts_err err)
{
    if (err != TS_E_NOMEM)
        assert_int_equal(err, TS_OK);
    return err;
}

static ts_err load_batches(struct world *w, uint64_t number)
{
    ts_err err = TS_OK;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < w->n_batches && err == TS_OK; i++) {
            struct ts_store_batch sb = world_disk_batch(w, &w->batches[i]);
            if (pass == 0 && sb.status == TS_BATCH_PREPARED)
                err = good(ts_host_load_prepared(w->host, &sb));
            if (pass == 1 && sb.status == TS_BATCH_DISCARDED && sb.number >= number)
                err = good(ts_host_load_discarded(w->host, &sb));
        }
    return err;
}

/* In the order of the shell: snapshot, committed, prepared, discarded, settings, pool. */
ts_err world_disk_load(struct world *w)
{
    ts_err err = TS_OK;
    for (size_t i = 0; i < w->n_metas && err == TS_OK; i++)
        if (strcmp(w->metas[i].key, "chain") == 0)
            err = good(ts_host_load_chain(w->host, ts_bytes_of(w->metas[i].p, w->metas[i].n)));
    if (err != TS_OK)
        return err;
    uint64_t number = ts_host_chain(w->host)->head.number + 1;
    for (const struct stored_batch *b; (b = world_disk_committed(w, number)) != NULL; number++) {
        struct ts_store_batch sb = world_disk_batch(w, b);
        err = good(ts_host_load_committed(w->host, &sb));
        if (err != TS_OK)
            return err;
    }
    for (uint64_t n = world_head(w) + 1; n < number; n++) { /* a subscriber would ask for it */
        const struct stored_batch *b = world_disk_committed(w, n);
        world_add_sent(w, n, &b->hash, ts_bytes_of(b->raw, b->n));
    }
    const struct ts_head *head = &ts_host_chain(w->host)->head;
    if (w->n_batches > 0 && head->number > 0)
        ts_host_load_l1(w->host,
                        world_disk_batch(w, world_disk_committed(w, head->number)).l1_header);
    err = load_batches(w, number);
    for (size_t i = 0; i < w->n_metas && err == TS_OK; i++)
        if (strcmp(w->metas[i].key, "chain") != 0)
            err = good(ts_host_load_meta(w->host, w->metas[i].key,
                                         ts_bytes_of(w->metas[i].p, w->metas[i].n)));
    for (size_t i = 0; i < w->n_txs && err == TS_OK; i++)
        if (w->txs[i].there) {
            struct ts_store_tx t = w->txs[i].t;
            t.raw = ts_bytes_of(w->txs[i].raw, t.raw.n);
            err = good(ts_host_load_tx(w->host, &t));
        }
    return err;
}

void world_disk_free(struct world *w)
{
    for (size_t i = 0; i < w->n_batches; i++)
        free(w->batches[i].raw);
    for (size_t i = 0; i < w->n_txs; i++)
        free(w->txs[i].raw);
    for (size_t i = 0; i < w->n_metas; i++)
        free(w->metas[i].p);
    l1_shelf_free(&w->l1);
    free(w->batches);
    free(w->txs);
    free(w->steps);
}

/* ---- the enclaves' checkpoints ---- */

void world_fail_slot(struct world *w, uint64_t n, bool reading)
{
    w->fail_slot[reading] = n == 0 ? 0 : w->slot_calls[reading] + n;
}

uint64_t world_slot_calls(const struct world *w, bool reading)
{
    return w->slot_calls[reading];
}

static bool slot_fails(struct world_slots *s, bool reading)
{
    struct world *w = s->world;
    return ++w->slot_calls[reading] == w->fail_slot[reading];
}

static ts_err slots_peek(void *ctx, size_t slot, void *out, size_t n, size_t *got)
{
    struct world_slots *s = ctx;
    if (slot_fails(s, true))
        return TS_E_IO;
    *got = n < s->slots[slot].n ? n : s->slots[slot].n;
    if (*got > 0)
        memcpy(out, s->slots[slot].p, *got);
    return TS_OK;
}

static ts_err slots_write_begin(void *ctx, size_t slot)
{
    struct world_slots *s = ctx;
    if (slot_fails(s, false))
        return TS_E_DISK_FULL;
    s->slot = slot;
    ts_buf_reset(&s->writing);
    return TS_OK;
}

static ts_err slots_write(void *ctx, const void *p, size_t n)
{
    struct world_slots *s = ctx;
    if (slot_fails(s, false))
        return TS_E_DISK_FULL;
    ts_buf_put(&s->writing, p, n);
    return s->writing.err;
}

static ts_err slots_write_end(void *ctx, bool keep)
{
    struct world_slots *s = ctx;
    if (slot_fails(s, false))
        return TS_E_DISK_FULL; /* what stood there stays */
    ts_buf_reset(&s->slots[s->slot]);
    if (keep)
        ts_buf_put(&s->slots[s->slot], s->writing.p, s->writing.n);
    return s->slots[s->slot].err;
}

static ts_err slots_read_begin(void *ctx, size_t slot)
{
    struct world_slots *s = ctx;
    if (slot_fails(s, true))
        return TS_E_IO;
    s->slot = slot;
    s->at = 0;
    return s->slots[slot].n > 0 ? TS_OK : TS_E_NOT_FOUND;
}

static ts_err slots_read(void *ctx, void *out, size_t n, size_t *got)
{
    struct world_slots *s = ctx;
    if (slot_fails(s, true))
        return TS_E_IO;
    size_t left = s->slots[s->slot].n - s->at;
    *got = n < left ? n : left;
    if (*got > 0)
        memcpy(out, s->slots[s->slot].p + s->at, *got);
    s->at += *got;
    return TS_OK;
}

static void slots_read_end(void *ctx)
{
    (void)ctx;
}

void world_slots_init(struct world_slots *s, struct world *w)
{
    s->world = w;
    s->ops = (struct ts_checkpoint_store){.ctx = s,
                                          .n_slots = 2,
                                          .peek = slots_peek,
                                          .write_begin = slots_write_begin,
                                          .write = slots_write,
                                          .write_end = slots_write_end,
                                          .read_begin = slots_read_begin,
                                          .read = slots_read,
                                          .read_end = slots_read_end};
    ts_buf_init(&s->slots[0], 0);
    ts_buf_init(&s->slots[1], 0);
    ts_buf_init(&s->writing, 0);
}

void world_slots_free(struct world_slots *s)
{
    ts_buf_free(&s->slots[0]);
    ts_buf_free(&s->slots[1]);
    ts_buf_free(&s->writing);
}

void world_copy_disk(struct world *w)
{
    w->copied_batches = w->n_batches;
    if (w->n_batches > 0) /* all before it have their last status */
        w->copied_status = w->batches[w->n_batches - 1].status;
}

void world_restore_disk(struct world *w)
{
    TS_CHECK(w->host == NULL);
    for (size_t i = w->copied_batches; i < w->n_batches; i++)
        free(w->batches[i].raw);
    w->n_batches = w->copied_batches;
    w->n_settled = 0;
    if (w->n_batches > 0)
        w->batches[w->n_batches - 1].status = w->copied_status;
}
