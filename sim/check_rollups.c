/* SPDX-License-Identifier: Apache-2.0 */
/* I11 on L1: whatever fork is looked at, the rollups that the contract took are one after the other
 * from batch 1 on, or from where governance took some back, and each holds the host's committed
 * batches, whole, and not a byte more: encoded again from what they say they are the same data, so
 * no payload hides in them. */
#include <inttypes.h>
#include <stdlib.h>

#include "chain/rollup.h"
#include "check_l1.h"

struct rollups {
    const struct sim_setting *setting;
    struct sim_l1_seen l1;
    const struct sim_batch **batches; /* committed, as they are broadcast; number n at n - 1 */
    size_t n, cap;
    struct ts_map good; /* ts_hash of the data: looked at before */
};

static const char *batch_differs(const struct ts_rollup_batch *x, const struct ts_batch *b)
{
    const struct ts_batch_header *h = &b->header;
    if (x->time != h->time || x->term != h->term || x->l1_number != h->l1_number ||
        !ts_address_equal(&x->producer, &h->producer))
        return "says something else than its header";
    if (x->n_txs != b->n_txs)
        return "has another number of transactions";
    for (size_t i = 0; i < b->n_txs; i++)
        if (!ts_bytes_equal(x->txs[i], b->txs[i]))
            return "has another transaction";
    return NULL;
}

static bool is_all(const struct ts_rollup_batch *batches, size_t n, ts_bytes data)
{
    struct ts_buf again;
    ts_buf_init(&again, 0);
    bool same = ts_rollup_encode(batches, n, ts_rollup_data_max(n), &again, NULL) == TS_OK &&
                ts_bytes_equal(ts_buf_bytes(&again), data);
    ts_buf_free(&again);
    return same;
}

/* The numbers are those of broadcast batches. */
static const char *content_wrong(const struct rollups *s, const struct sim_l1_rollup *x)
{
    const struct ts_rollup *r = &x->rollup;
    size_t n = (size_t)(r->last_number - r->first_number + 1);
    struct ts_arena arena;
    struct ts_rollup_batch *batches;
    const char *wrong = NULL;
    ts_arena_init(&arena, TS_ROLLUP_ARENA);
    if (ts_rollup_decode(x->data, n, &arena, &batches) != TS_OK)
        wrong = "does not decode";
    for (size_t i = 0; i < n && wrong == NULL; i++)
        wrong = batch_differs(&batches[i], s->batches[r->first_number - 1 + i]->b);
    if (wrong == NULL && !is_all(batches, n, x->data))
        wrong = "holds more than its batches";
    ts_arena_free(&arena);
    return wrong;
}

static const char *place_wrong(const struct rollups *s, const struct ts_rollup *r, uint64_t before)
{
    if (r->first_number != before + 1)
        return "does not begin behind the one before it";
    if (r->last_number < r->first_number || r->last_number > s->n)
        return "holds batches that were never committed";
    const struct sim_batch *last = s->batches[r->last_number - 1];
    const ts_hash *parent = before > 0 ? &s->batches[before - 1]->hash : &s->setting->genesis->hash;
    if (!ts_hash_equal(parent, &r->first_parent_hash))
        return "begins on another parent";
    if (!ts_hash_equal(&last->hash, &r->last_hash))
        return "ends with another batch";
    return ts_hash_equal(&last->protocol_root, &r->protocol_root) ? NULL
                                                                  : "has another protocol root";
}

static void look(struct rollups *s, const struct sim_event *e, struct sim_verdict *v)
{
    uint64_t before = sim_l1_rolled_up(&s->l1, sim_l1_seen_by(&s->l1, &e->l1->parent));
    if (e->l1->n_taken_back > 0)
        before = e->l1->taken_back[e->l1->n_taken_back - 1].first - 1;
    for (size_t i = 0; i < e->l1->n_rollups && !v->violated; i++) {
        const struct sim_l1_rollup *x = &e->l1->rollups[i];
        bool is_new = true;
        const char *wrong = place_wrong(s, &x->rollup, before);
        if (wrong == NULL)
            sim_check_memory(ts_map_put(&s->good, x->rollup.data_hash.b, &is_new));
        if (wrong == NULL && is_new)
            wrong = content_wrong(s, x);
        if (wrong != NULL)
            sim_violate(v, e, "I11", "the rollup of batches %" PRIu64 " to %" PRIu64 " %s",
                        x->rollup.first_number, x->rollup.last_number, wrong);
        before = x->rollup.last_number;
    }
}

static void committed(struct rollups *s, const struct sim_batch *b)
{
    if (b->number == 0 || b->number > s->n + 1) /* a gap: I3 says so */
        return;
    s->n = (size_t)b->number - 1;
    s->batches = sim_check_grow(s->batches, s->n, &s->cap, sizeof(b));
    s->batches[s->n++] = b;
}

static void *make(const struct sim_setting *setting)
{
    struct rollups *s = sim_check_memory(calloc(1, sizeof(*s)));
    s->setting = setting;
    sim_l1_seen_init(&s->l1);
    ts_map_init(&s->good, sizeof(ts_hash), 1, sim_map_seed);
    return s;
}

static void drop(void *state)
{
    struct rollups *s = state;
    sim_l1_seen_free(&s->l1);
    ts_map_free(&s->good);
    free(s->batches);
    free(s);
}

static void see(void *state, const struct sim_event *e, struct sim_verdict *v)
{
    struct rollups *s = state;
    if (!s->setting->has_l1 || !s->setting->is_honest)
        return;
    if (e->kind == SIM_COMMITTED && e->batch != NULL && e->batch->number > s->n)
        committed(s, e->batch);
    else if (e->kind == SIM_L1_BLOCK && e->l1 != NULL)
        look(s, e, v);
    sim_l1_seen_event(&s->l1, e);
}

const struct sim_checker sim_check_rollups = {.name = "I11",
                                              .title = "rollups are the batches, in order",
                                              .make = make,
                                              .see = see,
                                              .drop = drop};
