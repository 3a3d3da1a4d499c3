/* SPDX-License-Identifier: Apache-2.0 */
#include "rebuild/rebuild.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "crypto/keccak.h"
#include "tenseq/batch.h"

#define ARENA_MAX (TS_ROLLUP_ARENA + TS_ROLLUP_MAX_BATCHES * 512u)

/* A batch that waits for its rollup's last hash. */
struct waiting {
    struct ts_batch_header header;
    ts_hash hash;
};

struct ts_rebuild {
    struct ts_rebuild_config c;
    struct ts_engine *engine;
    struct ts_head head;
    uint64_t count;
    uint64_t l1_number; /* the block asked for last */
    ts_hash l1_hash;
    struct ts_arena arena;
    struct ts_rebuild_fault fault; /* has a code: at its end */
};

/* The rollup in hand. */
struct task {
    struct ts_rebuild *r;
    const struct ts_rollup *rollup;
    size_t n;
    struct ts_rollup_batch *batches;
    struct waiting *waiting;
    struct ts_head head; /* after the batches executed so far */
    struct ts_rebuild_fault fault;
};

ts_err ts_rebuild_new(const struct ts_rebuild_config *config, struct ts_rebuild **out)
{
    const struct ts_genesis *g = config->genesis;
    *out = NULL;
    struct ts_rebuild *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return TS_E_NOMEM;
    r->c = *config;
    ts_err err = config->engine->open(g, config->crypto, config->seed, &r->engine);
    if (err != TS_OK) {
        free(r);
        return err;
    }
    r->head = (struct ts_head){
        .hash = g->hash, .time = g->time, .l1_number = g->l1_number, .l1_hash = g->l1_hash};
    config->engine->root(r->engine, &r->head.state_root);
    r->l1_number = g->l1_number;
    r->l1_hash = g->l1_hash;
    ts_arena_init(&r->arena, ARENA_MAX);
    *out = r;
    return TS_OK;
}

void ts_rebuild_free(struct ts_rebuild *r)
{
    if (r == NULL)
        return;
    r->c.engine->close(r->engine);
    ts_arena_free(&r->arena);
    free(r);
}

const struct ts_head *ts_rebuild_head(const struct ts_rebuild *r)
{
    return &r->head;
}

uint64_t ts_rebuild_count(const struct ts_rebuild *r)
{
    return r->count;
}

/* ---- save and load ---- */

#define SAVED_HEAD 168u

static uint8_t *put_be64(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * (7 - i)));
    return p + 8;
}

static const uint8_t *get_be64(const uint8_t *p, uint64_t *v)
{
    *v = 0;
    for (unsigned i = 0; i < 8; i++)
        *v = *v << 8 | p[i];
    return p + 8;
}

static uint8_t *put_hash(uint8_t *p, const ts_hash *h)
{
    memcpy(p, h->b, sizeof(h->b));
    return p + sizeof(h->b);
}

static const uint8_t *get_hash(const uint8_t *p, ts_hash *h)
{
    memcpy(h->b, p, sizeof(h->b));
    return p + sizeof(h->b);
}

ts_err ts_rebuild_save(const struct ts_rebuild *r, const struct ts_sink *to)
{
    uint8_t bytes[SAVED_HEAD], *p = bytes;
    TS_CHECK(r->fault.code == TS_OK);
    p = put_be64(p, r->count);
    p = put_be64(p, r->head.number);
    p = put_be64(p, r->head.time);
    p = put_be64(p, r->head.term);
    p = put_be64(p, r->head.l1_number);
    p = put_hash(p, &r->head.hash);
    p = put_hash(p, &r->head.l1_hash);
    p = put_hash(p, &r->head.state_root);
    p = put_hash(p, &r->head.protocol_root);
    TS_CHECK(p == bytes + sizeof(bytes));
    ts_err err = to->write(to->ctx, bytes, sizeof(bytes));
    return err == TS_OK ? r->c.engine->save(r->engine, to) : err;
}

/* The engine back to genesis, after a state that is not the head's. */
static ts_err open_again(struct ts_rebuild *r)
{
    struct ts_engine *fresh;
    ts_err err = r->c.engine->open(r->c.genesis, r->c.crypto, r->c.seed, &fresh);
    if (err != TS_OK)
        return err;
    r->c.engine->close(r->engine);
    r->engine = fresh;
    return TS_OK;
}

ts_err ts_rebuild_load(struct ts_rebuild *r, const struct ts_source *from)
{
    uint8_t bytes[SAVED_HEAD];
    const uint8_t *p = bytes;
    struct ts_head head = {0};
    uint64_t count;
    ts_hash root;
    TS_CHECK(r->count == 0 && r->fault.code == TS_OK);
    ts_err err = from->read(from->ctx, bytes, sizeof(bytes));
    if (err != TS_OK)
        return err;
    p = get_be64(p, &count);
    p = get_be64(p, &head.number);
    p = get_be64(p, &head.time);
    p = get_be64(p, &head.term);
    p = get_be64(p, &head.l1_number);
    p = get_hash(p, &head.hash);
    p = get_hash(p, &head.l1_hash);
    p = get_hash(p, &head.state_root);
    p = get_hash(p, &head.protocol_root);
    TS_CHECK(p == bytes + sizeof(bytes));
    err = r->c.engine->load(r->engine, from);
    if (err == TS_OK) {
        r->c.engine->root(r->engine, &root);
        if (!ts_hash_equal(&root, &head.state_root)) {
            err = open_again(r);
            err = err == TS_OK ? TS_E_CORRUPT : err;
        }
    }
    if (err == TS_E_NOMEM) {
        r->fault = (struct ts_rebuild_fault){.code = err};
        snprintf(r->fault.what, sizeof(r->fault.what), "%s", ts_err_text((int)err));
    }
    if (err != TS_OK)
        return err;
    r->head = head;
    r->count = count;
    return TS_OK;
}

static ts_err fail(struct task *t, ts_err code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "rollup 7 (batches 100 to 200): …" */
static size_t put_name(struct task *t)
{
    struct ts_rebuild_fault *f = &t->fault;
    int n = snprintf(f->what, sizeof(f->what),
                     "rollup %" PRIu64 " (batches %" PRIu64 " to %" PRIu64 "): ", f->rollup,
                     t->rollup->first_number, t->rollup->last_number);
    TS_CHECK(n > 0 && (size_t)n < sizeof(f->what));
    return (size_t)n;
}

static ts_err fail(struct task *t, ts_err code, const char *format, ...)
{
    struct ts_rebuild_fault *f = &t->fault;
    va_list args;
    f->code = code;
    f->rollup = t->r->count + 1;
    size_t n = put_name(t);
    va_start(args, format);
    vsnprintf(f->what + n, sizeof(f->what) - n, format, args);
    va_end(args);
    return code;
}

static ts_err fail_batch(struct task *t, ts_err code, const struct ts_batch_header *h,
                         const char *what)
{
    t->fault.has_batch = true;
    t->fault.batch = h->number;
    return fail(t, code, "batch %" PRIu64 ": %s", h->number, what);
}

/* ---- the rollup's header ---- */

static ts_err check_range(struct task *t)
{
    const struct ts_rollup *u = t->rollup;
    const struct ts_head *head = &t->r->head;
    if (u->first_number != head->number + 1)
        return fail(t, TS_E_OUT_OF_ORDER, "the next batch is %" PRIu64, head->number + 1);
    if (u->last_number < u->first_number ||
        u->last_number - u->first_number >= TS_ROLLUP_MAX_BATCHES)
        return fail(t, TS_E_RANGE, "a rollup holds 1 to %u batches", TS_ROLLUP_MAX_BATCHES);
    t->n = (size_t)(u->last_number - u->first_number + 1);
    if (!ts_hash_equal(&u->first_parent_hash, &head->hash))
        return fail(t, TS_E_V1_LINKS, "the parent of its first batch is not batch %" PRIu64,
                    head->number);
    return TS_OK;
}

/* The hash of an L1 block, of which the last one asked for is remembered. */
static ts_err find_l1(struct ts_rebuild *r, uint64_t number, ts_hash *out)
{
    ts_hash hash = r->l1_hash;
    if (number != r->l1_number) {
        ts_err err =
            number == r->c.genesis->l1_number ? TS_OK : r->c.l1_hash(r->c.ctx, number, &hash);
        if (err != TS_OK)
            return err;
        if (number == r->c.genesis->l1_number)
            hash = r->c.genesis->l1_hash;
        r->l1_number = number;
        r->l1_hash = hash;
    }
    *out = hash;
    return TS_OK;
}

static ts_err check_signer(struct task *t)
{
    const struct ts_rebuild_config *c = &t->r->c;
    const struct ts_rollup *u = t->rollup;
    char id[TS_ADDRESS_HEX_SIZE];
    ts_address signer;
    ts_hash l1;
    bool listed = false;
    ts_err err = ts_rollup_signer(c->crypto, &c->genesis->domain, u, &signer);
    if (err != TS_OK)
        return fail(t, err, "its signature: %s", ts_err_text(err));
    err = find_l1(t->r, u->l1_number, &l1);
    if (err != TS_OK)
        return fail(t, err, "its L1 block %" PRIu64 ": %s", u->l1_number, ts_err_text(err));
    if (!ts_hash_equal(&l1, &u->l1_hash))
        return fail(t, TS_E_L1, "L1 block %" PRIu64 " is not the one it names", u->l1_number);
    err = c->is_listed(c->ctx, u, &signer, &listed);
    if (err != TS_OK)
        return fail(t, err, "the whitelist at L1 block %" PRIu64 ": %s", u->l1_number,
                    ts_err_text(err));
    if (!listed)
        return fail(t, TS_E_NOT_WHITELISTED,
                    "its signer %s is not on the whitelist at L1 block %" PRIu64,
                    ts_hex(signer.b, sizeof(signer.b), id), u->l1_number);
    return TS_OK;
}

static ts_err read_data(struct task *t, ts_bytes data)
{
    ts_hash hash;
    ts_keccak256(data, &hash);
    if (!ts_hash_equal(&hash, &t->rollup->data_hash))
        return fail(t, TS_E_CORRUPT, "its data are not those that dataHash names");
    ts_arena_reset(&t->r->arena);
    ts_err err = ts_rollup_decode(data, t->n, &t->r->arena, &t->batches);
    if (err != TS_OK)
        return fail(t, err, "its data do not decode: %s", ts_err_text(err));
    t->waiting = ts_arena_array(&t->r->arena, t->n, sizeof(*t->waiting));
    return t->waiting != NULL ? TS_OK : fail(t, TS_E_NOMEM, "%s", ts_err_text(TS_E_NOMEM));
}

/* ---- its batches ---- */

/* What execution does not need: order, as V1 has it. */
static ts_err check_order(struct task *t, const struct ts_batch_header *h)
{
    if (h->time < t->head.time)
        return fail_batch(t, TS_E_V1_LINKS, h, "its time is before its parent's");
    if (h->term < t->head.term)
        return fail_batch(t, TS_E_V1_LINKS, h, "its term is below its parent's");
    if (h->l1_number < t->head.l1_number)
        return fail_batch(t, TS_E_V1_LINKS, h, "its L1 block is before its parent's");
    return TS_OK;
}

/* Between begin and finish. */
static ts_err run(struct task *t, const struct ts_batch_header *h, const struct ts_rollup_batch *b)
{
    const struct ts_engine_ops *ops = t->r->c.engine;
    for (size_t i = 0; i < b->n_txs; i++) {
        struct ts_tx_result result;
        ts_err err = ops->execute(t->r->engine, b->txs[i], &result);
        if (err != TS_OK)
            return fail_batch(t, err, h, ts_err_text(err));
        if (result.err != TS_OK) {
            char what[TS_WHY_SIZE + 64];
            snprintf(what, sizeof(what), "transaction %zu cannot stand there: %s", i, result.why);
            return fail_batch(t, TS_E_EXECUTION, h, what);
        }
    }
    return TS_OK;
}

static ts_err execute(struct task *t, struct ts_batch_header *h, const struct ts_rollup_batch *b)
{
    const struct ts_engine_ops *ops = t->r->c.engine;
    ts_err err = ops->begin(t->r->engine, h->number, h->time);
    if (err != TS_OK)
        return fail_batch(t, err, h, ts_err_text(err));
    err = run(t, h, b);
    if (err == TS_OK) {
        err = ops->finish(t->r->engine, &h->state_root);
        if (err != TS_OK)
            fail_batch(t, err, h, ts_err_text(err));
    }
    if (err == TS_OK)
        ops->commit(t->r->engine);
    else
        ops->rollback(t->r->engine);
    return err;
}

static ts_err rebuild(struct task *t, const struct ts_rollup_batch *b, struct waiting *w)
{
    const struct ts_genesis *g = t->r->c.genesis;
    struct ts_batch_header *h = &w->header;
    *h = (struct ts_batch_header){.parent_hash = t->head.hash,
                                  .number = t->head.number + 1,
                                  .time = b->time,
                                  .term = b->term,
                                  .producer = b->producer,
                                  .l1_number = b->l1_number};
    ts_err err = check_order(t, h);
    if (err != TS_OK)
        return err;
    err = find_l1(t->r, h->l1_number, &h->l1_hash);
    if (err != TS_OK)
        return fail_batch(t, err, h, "its L1 block is not to be had");
    err = execute(t, h, b);
    if (err != TS_OK)
        return err;
    const struct ts_batch batch = {.txs = (ts_bytes *)(uintptr_t)b->txs, .n_txs = b->n_txs};
    ts_tx_root(&batch, &h->tx_root);
    ts_header_hash(&g->domain, h, &w->hash);
    t->head = (struct ts_head){.number = h->number,
                               .hash = w->hash,
                               .time = h->time,
                               .term = h->term,
                               .l1_number = h->l1_number,
                               .l1_hash = h->l1_hash,
                               .state_root = h->state_root};
    return TS_OK;
}

static ts_err rebuild_all(struct task *t)
{
    for (size_t i = 0; i < t->n; i++) {
        ts_err err = rebuild(t, &t->batches[i], &t->waiting[i]);
        if (err != TS_OK)
            return err;
    }
    if (!ts_hash_equal(&t->head.hash, &t->rollup->last_hash))
        return fail_batch(t, TS_E_CONFLICT, &t->waiting[t->n - 1].header,
                          "its hash is not the lastHash that was signed");
    return TS_OK;
}

static ts_err hand_out(struct task *t)
{
    const struct ts_rebuild_config *c = &t->r->c;
    for (size_t i = 0; i < t->n; i++) {
        const struct ts_rebuilt b = {.header = &t->waiting[i].header,
                                     .hash = &t->waiting[i].hash,
                                     .txs = t->batches[i].txs,
                                     .n_txs = t->batches[i].n_txs};
        ts_err err = c->batch(c->ctx, &b);
        if (err != TS_OK)
            return fail_batch(t, err, b.header, ts_err_text(err));
    }
    return TS_OK;
}

ts_err ts_rebuild_rollup(struct ts_rebuild *r, const struct ts_rollup *rollup, ts_bytes data,
                         struct ts_rebuild_fault *fault)
{
    struct task t = {.r = r, .rollup = rollup, .head = r->head};
    if (r->fault.code != TS_OK) {
        if (fault != NULL)
            *fault = r->fault;
        return r->fault.code;
    }
    ts_err err = check_range(&t);
    if (err == TS_OK)
        err = check_signer(&t);
    if (err == TS_OK)
        err = read_data(&t, data);
    bool is_begun = err == TS_OK || err == TS_E_NOMEM;
    if (err == TS_OK)
        err = rebuild_all(&t);
    if (err == TS_OK)
        err = hand_out(&t);
    if (err == TS_OK) {
        r->head = t.head;
        r->head.protocol_root = rollup->protocol_root;
        r->count++;
        return TS_OK;
    }
    if (is_begun)
        r->fault = t.fault;
    /* L1 may have another block when it is tried again. */
    r->l1_number = r->c.genesis->l1_number;
    r->l1_hash = r->c.genesis->l1_hash;
    if (fault != NULL)
        *fault = t.fault;
    return err;
}
