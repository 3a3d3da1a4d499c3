/* SPDX-License-Identifier: Apache-2.0 */
/* From the store into the core. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "node/shell_internal.h"
#include "shell/l1_lookup.h"

#define LOAD_MAX_BYTES (4u * 1024 * 1024)

/* ---- at start -------------------------------------------------------------------------------- */

/* One that cannot be read is no loss: the batches tell the same, it only takes longer. */
static void load_snapshot(struct ts_node_shell *s)
{
    struct ts_buf chain, roots, audit;
    ts_buf_init(&chain, 0);
    ts_buf_init(&roots, 0);
    ts_buf_init(&audit, 0);
    ts_err err = ts_store_meta(s->store, "chain", &chain);
    if (err == TS_OK && chain.n == 0)
        err = TS_E_NOT_FOUND; /* another line was left: it is folded anew */
    if (err == TS_OK)
        err = ts_store_meta(s->store, "roots", &roots);
    if (err == TS_OK) /* not there: written by a version without an audit, which is made up for */
        err = ts_store_meta(s->store, "audit", &audit);
    if (err == TS_OK)
        err = ts_node_load_chain(s->core, ts_buf_bytes(&chain), ts_buf_bytes(&roots),
                                 ts_buf_bytes(&audit));
    if (err != TS_OK && err != TS_E_NOT_FOUND)
        ts_log(TS_LOG_WARN, "snapshot-unusable", "reason=\"%s\"", ts_err_text((int)err));
    ts_buf_free(&chain);
    ts_buf_free(&roots);
    ts_buf_free(&audit);
}

static bool fold_timeline(void *ctx, const struct ts_store_batch *b)
{
    const struct ts_node_shell *s = ctx;
    return ts_node_fold_timeline(s->core, b) == TS_OK;
}

/* For the chain as the snapshot has it; a store without it is read from its first batch. */
static void load_timeline(struct ts_node_shell *s)
{
    struct ts_buf timeline;
    uint64_t head = ts_node_chain(s->core)->head.number;
    if (head == 0)
        return;
    ts_buf_init(&timeline, 0);
    ts_err err = ts_store_meta(s->store, "timeline", &timeline);
    if (err == TS_OK)
        err = ts_node_load_timeline(s->core, ts_buf_bytes(&timeline));
    ts_buf_free(&timeline);
    if (err != TS_OK)
        err = ts_store_committed(s->store, 1, head, fold_timeline, s);
    if (err != TS_OK || ts_timeline_head(ts_node_timeline(s->core)) != head)
        ts_log(TS_LOG_WARN, "timeline-unusable", "reason=\"%s\"", ts_err_text((int)err));
}

struct loading {
    struct ts_node_shell *s;
    ts_err err;
    char why[160];
};

static bool load_batch(void *ctx, const struct ts_store_batch *b)
{
    struct loading *l = ctx;
    l->err = ts_node_load_batch(l->s->core, b, l->why);
    return l->err == TS_OK;
}

static bool load_evidence(void *ctx, const ts_hash *id, ts_bytes data)
{
    const struct ts_node_shell *s = ctx;
    ts_node_load_evidence(s->core, id, data);
    return true;
}

static bool load_rollup(void *ctx, uint64_t first, uint64_t last, ts_bytes data)
{
    struct loading *l = ctx;
    (void)first;
    l->err = ts_node_load_rollup(l->s->core, data);
    if (l->err != TS_OK)
        (void)snprintf(l->why, sizeof(l->why),
                       "the rollup that ends at batch %" PRIu64 " is damaged", last);
    return l->err == TS_OK;
}

static ts_err load_line(struct ts_node_shell *s)
{
    struct ts_buf pin;
    ts_buf_init(&pin, 0);
    ts_err err = ts_store_meta(s->store, "line", &pin);
    if (err == TS_OK)
        err = ts_node_load_line(s->core, ts_buf_bytes(&pin));
    ts_buf_free(&pin);
    return err == TS_E_NOT_FOUND ? TS_OK : err;
}

ts_err nsh_load(struct ts_node_shell *s, char *why, size_t why_size)
{
    struct loading l = {.s = s, .why = ""};
    load_snapshot(s);
    load_timeline(s);
    uint64_t from = ts_node_chain(s->core)->head.number + 1;
    ts_err err = ts_store_committed(s->store, from, UINT64_MAX, load_batch, &l);
    if (err == TS_OK)
        err = l.err;
    if (err == TS_OK)
        err = ts_store_each_evidence(s->store, load_evidence, s);
    if (err == TS_OK)
        err = ts_store_rollups(s->store, 0, UINT64_MAX, load_rollup, &l);
    if (err == TS_OK)
        err = l.err;
    if (err == TS_OK)
        err = load_line(s);
    if (err != TS_OK)
        (void)snprintf(why, why_size, "%s: %s", s->config.store_path,
                       l.why[0] != '\0' ? l.why : ts_err_text((int)err));
    return err;
}

/* ---- later ----------------------------------------------------------------------------------- */

struct range {
    struct ts_store_batch *batches;
    size_t n, cap;
    uint64_t next;
    size_t bytes;
    struct ts_l1_lookup l1;
};

/* NULL: out of memory. */
static const uint8_t *copy_of(ts_bytes bytes)
{
    uint8_t *p = malloc(bytes.n > 0 ? bytes.n : 1);
    if (p != NULL && bytes.n > 0)
        memcpy(p, bytes.p, bytes.n);
    return p;
}

static bool add_batch(void *ctx, const struct ts_store_batch *b)
{
    struct range *r = ctx;
    if (r->n == r->cap || b->number != r->next ||
        (r->n > 0 && r->bytes + b->raw.n > LOAD_MAX_BYTES))
        return false;
    struct ts_store_batch got = *b;
    if (ts_l1_lookup(&r->l1, b->raw, &got.l1_header) != TS_OK)
        return false; /* fewer than asked for is allowed */
    got.raw.p = copy_of(b->raw);
    got.l1_header.p = copy_of(got.l1_header);
    r->batches[r->n++] = got;
    if (got.raw.p == NULL || got.l1_header.p == NULL) {
        nsh_free_batch(&r->batches[--r->n]);
        return false;
    }
    r->bytes += b->raw.n;
    r->next++;
    return true;
}

void nsh_on_load(struct ts_node_shell *s, const struct ts_node_output *o)
{
    struct ts_node_input in = {.kind = TS_NODE_IN_LOADED, .token = o->token};
    struct range r = {.cap = (size_t)o->count, .next = o->from};
    TS_CHECK(o->count > 0 && o->count <= TS_FEED_MAX_GET);
    r.batches = calloc(r.cap, sizeof(*r.batches));
    ts_l1_lookup_init(&r.l1, s->store);
    in.err = r.batches != NULL ? ts_store_committed(s->store, o->from, o->count, add_batch, &r)
                               : TS_E_NOMEM;
    in.n_batches = r.n;
    ts_l1_lookup_free(&r.l1);
    nsh_queue_loaded(s, &in, r.batches);
}
