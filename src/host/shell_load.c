/* SPDX-License-Identifier: Apache-2.0 */
/* From the store into the core. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "host/shell_internal.h"
#include "shell/l1_lookup.h"

#define LOAD_MAX_BYTES (4u * 1024 * 1024)

/* ---- at start -------------------------------------------------------------------------------- */

struct loading {
    struct ts_shell *s;
    ts_err err;
    uint64_t number; /* of the batch that failed */
};

static bool load_committed(void *ctx, const struct ts_store_batch *b)
{
    struct loading *l = ctx;
    uint64_t next = ts_host_chain(l->s->core)->head.number + 1;
    l->number = next;
    l->err = b->number == next ? ts_host_load_committed(l->s->core, b) : TS_E_CORRUPT;
    return l->err == TS_OK;
}

static bool load_prepared(void *ctx, const struct ts_store_batch *b)
{
    struct loading *l = ctx;
    struct ts_store_batch with_l1 = *b;
    struct ts_l1_lookup l1;
    l->number = b->number;
    ts_l1_lookup_init(&l1, l->s->store);
    l->err = ts_l1_lookup(&l1, b->raw, &with_l1.l1_header);
    if (l->err == TS_OK)
        l->err = ts_host_load_prepared(l->s->core, &with_l1);
    ts_l1_lookup_free(&l1);
    return l->err == TS_OK;
}

static bool load_discarded(void *ctx, const struct ts_store_batch *b)
{
    struct loading *l = ctx;
    l->number = b->number;
    l->err = ts_host_load_discarded(l->s->core, b);
    return l->err == TS_OK;
}

static bool load_tx(void *ctx, const struct ts_store_tx *t)
{
    struct loading *l = ctx;
    l->err = ts_host_load_tx(l->s->core, t);
    return l->err == TS_OK;
}

/* A meta value, if there is one, into fn. */
static ts_err load_value(struct ts_shell *s, const char *key, struct ts_buf *b)
{
    ts_buf_reset(b);
    ts_err err = ts_store_meta(s->store, key, b);
    if (err == TS_E_NOT_FOUND)
        return TS_OK;
    if (err != TS_OK)
        return err;
    if (strcmp(key, "chain") == 0)
        return ts_host_load_chain(s->core, ts_buf_bytes(b));
    return ts_host_load_meta(s->core, key, ts_buf_bytes(b));
}

static ts_err load_metas(struct ts_shell *s, char *why, size_t why_size)
{
    static const char *const keys[] = {"term",      "paused",    "drained",
                                       "corrupted", "requested", "rollup"};
    struct ts_buf b;
    ts_err err = TS_OK;
    ts_buf_init(&b, 0);
    for (size_t i = 0; err == TS_OK && i < TS_COUNT(keys); i++) {
        err = load_value(s, keys[i], &b);
        if (err != TS_OK)
            (void)snprintf(why, why_size, "%s: the stored setting %s cannot be read: %s",
                           s->config.store_path, keys[i], ts_err_text(err));
    }
    ts_buf_free(&b);
    return err;
}

static ts_err say(struct ts_shell *s, const char *what, const struct loading *l, ts_err err,
                  char *why, size_t why_size)
{
    if (err == TS_OK)
        err = l->err;
    if (err != TS_OK)
        (void)snprintf(why, why_size, "%s: %s batch %" PRIu64 " does not follow: %s",
                       s->config.store_path, what, l->number, ts_err_text(err));
    return err;
}

static ts_err load_batches(struct ts_shell *s, char *why, size_t why_size)
{
    struct loading l = {.s = s};
    uint64_t from = ts_host_chain(s->core)->head.number + 1;
    ts_err err = ts_store_committed(s->store, from, UINT64_MAX, load_committed, &l);
    err = say(s, "committed", &l, err, why, why_size);
    if (err != TS_OK)
        return err;
    err = ts_store_prepared(s->store, load_prepared, &l);
    err = say(s, "prepared", &l, err, why, why_size);
    if (err != TS_OK)
        return err;
    /* What was discarded below the head can never come again. */
    from = ts_host_chain(s->core)->head.number + 1;
    err = ts_store_discarded(s->store, from, load_discarded, &l);
    return say(s, "discarded", &l, err, why, why_size);
}

/* What the next batches name while L1 is not there. */
static ts_err load_l1(struct ts_shell *s)
{
    const struct ts_head *head = &ts_host_chain(s->core)->head;
    struct ts_buf b;
    ts_buf_init(&b, TS_MAX_L1_HEADER);
    ts_err err = ts_store_l1_header(s->store, head->l1_number, &head->l1_hash, &b);
    if (err == TS_OK)
        ts_host_load_l1(s->core, ts_buf_bytes(&b));
    ts_buf_free(&b);
    return err == TS_E_NOT_FOUND ? TS_OK : err;
}

/* The newest snapshot; one that cannot be read is no loss, the batches tell the same. */
static void load_snapshot(struct ts_shell *s)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    (void)load_value(s, "chain", &b);
    ts_buf_free(&b);
}

ts_err shell_load(struct ts_shell *s, char *why, size_t why_size)
{
    load_snapshot(s);
    ts_err err = load_batches(s, why, why_size);
    if (err == TS_OK)
        err = load_metas(s, why, why_size);
    if (err == TS_OK)
        err = load_l1(s);
    if (err != TS_OK)
        return err;
    struct loading l = {.s = s};
    err = ts_store_pool(s->store, load_tx, &l);
    if (err == TS_OK)
        err = l.err;
    if (err != TS_OK)
        (void)snprintf(why, why_size, "%s: a pending transaction cannot be read: %s",
                       s->config.store_path, ts_err_text(err));
    return err;
}

/* ---- later ----------------------------------------------------------------------------------- */

struct range {
    uint64_t next;
    size_t bytes;
    struct ts_store_batch *batches;
    size_t n, cap;
    struct ts_arena arena; /* for their bytes */
    struct ts_l1_lookup l1;
    ts_err err;
};

static ts_err keep(struct range *r, ts_bytes bytes, ts_bytes *out)
{
    *out = (ts_bytes){0};
    if (bytes.n == 0)
        return TS_OK;
    uint8_t *copy = ts_arena_alloc(&r->arena, bytes.n);
    if (copy == NULL)
        return TS_E_NOMEM;
    memcpy(copy, bytes.p, bytes.n);
    *out = ts_bytes_of(copy, bytes.n);
    return TS_OK;
}

static bool add_batch(void *ctx, const struct ts_store_batch *b)
{
    struct range *r = ctx;
    if (b->number != r->next || (r->n > 0 && r->bytes + b->raw.n > LOAD_MAX_BYTES))
        return false;
    if (r->n == r->cap) {
        size_t cap = r->cap > 0 ? r->cap * 2 : 64;
        struct ts_store_batch *more = realloc(r->batches, cap * sizeof(*more));
        if (more == NULL) {
            r->err = TS_E_NOMEM;
            return false;
        }
        r->batches = more;
        r->cap = cap;
    }
    struct ts_store_batch *got = &r->batches[r->n];
    ts_bytes header;
    *got = *b;
    r->err = ts_l1_lookup(&r->l1, b->raw, &header);
    if (r->err == TS_OK)
        r->err = keep(r, b->raw, &got->raw);
    if (r->err == TS_OK)
        r->err = keep(r, header, &got->l1_header);
    if (r->err != TS_OK)
        return false;
    r->n++;
    r->next++;
    r->bytes += b->raw.n;
    return true;
}

void shell_on_load(struct ts_shell *s, const struct ts_host_output *o)
{
    struct range r = {.next = o->from};
    ts_arena_init(&r.arena, 0);
    ts_l1_lookup_init(&r.l1, s->store);
    ts_err err = ts_store_committed(s->store, o->from, o->count, add_batch, &r);
    if (err == TS_OK)
        err = r.err;
    struct ts_host_input in = {.kind = TS_IN_LOADED, .token = o->token, .err = err};
    if (err == TS_OK) {
        in.batches = r.batches;
        in.n_batches = r.n;
    }
    shell_input(s, &in); /* outputs are being carried out, so this copies */
    ts_l1_lookup_free(&r.l1);
    ts_arena_free(&r.arena);
    free(r.batches);
}
