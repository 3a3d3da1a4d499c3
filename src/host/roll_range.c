/* SPDX-License-Identifier: Apache-2.0 */
/* The range of a rollup, read from the store: the batches that go into it, and behind them the
 * headers that lead to one whose hash every enclave has. Reading ends there, so that it takes no
 * more than the range and TS_MILESTONE batches however many wait. Source: docs/protocol.md,
 * section 6. */
#include "host/internal.h"

#define LOAD_BATCHES 1024u
#define MAX_HEADER   256u /* bytes of a batch header in RLP */
#define ITEM_FRAMING 16u  /* list headers around an item */

static void load(struct ts_host *h, uint64_t from, uint64_t count)
{
    struct roll *r = &h->roll;
    r->load_token = ++h->next_token;
    r->began_us = h->now.mono_us;
    struct ts_host_output *o = out_push(h, TS_OUT_LOAD);
    o->token = r->load_token;
    o->from = from;
    o->count = count < LOAD_BATCHES ? count : LOAD_BATCHES;
}

void roll_range_begin(struct ts_host *h, const struct member *maker, const struct roll_end *behind)
{
    struct roll *r = &h->roll;
    r->first = behind->number + 1;
    r->last = behind->number;
    r->behind = behind->hash;
    r->work_root = behind->root;
    r->range_is_full = false;
    r->target = h->chain.head.number;
    r->cost_max = roll_cost_max(h, maker);
    load(h, r->last + 1, r->target - r->last);
}

static uint64_t shown(const struct roll *r)
{
    return r->last + r->n_above;
}

static bool range_ends(const struct roll *r)
{
    return r->range_is_full || r->last >= r->target;
}

/* An enclave has the hashes of milestones and of the newest batches. */
bool roll_range_is_shown(const struct ts_host *h)
{
    const struct roll *r = &h->roll;
    return r->n_range > 0 && range_ends(r) &&
           (shown(r) % TS_MILESTONE == 0 || shown(r) + TS_ROLL_NEAR >= h->chain.head.number);
}

void roll_range_go_on(struct ts_host *h)
{
    const struct roll *r = &h->roll;
    uint64_t from = shown(r) + 1;
    uint64_t to = range_ends(r) ? shown(r) - shown(r) % TS_MILESTONE + TS_MILESTONE : r->target;
    if (to > h->chain.head.number)
        to = h->chain.head.number;
    load(h, from, to - shown(r));
}

static ts_bytes keep(struct ts_host *h, ts_bytes b)
{
    uint8_t *copy = ts_arena_alloc(&h->roll.arena, b.n);
    if (copy == NULL)
        return ts_bytes_of(NULL, 0);
    memcpy(copy, b.p, b.n);
    return ts_bytes_of(copy, b.n);
}

static size_t in_frame(const struct ts_batch *b)
{
    return b->raw_header.n + b->raw_txs.n + ITEM_FRAMING;
}

/* Whether the batch still fits. One alone always does: with all headers that may stand above it, it
 * is a message that an enclave takes. */
static bool fits(const struct ts_host *h, const struct ts_batch *b)
{
    const struct roll *r = &h->roll;
    static const size_t frame_max =
        TS_LINK_MAX_FRAME - TS_ROLL_FRAME_REST - TS_MAX_L1_HEADER - TS_MAX_ABOVE * MAX_HEADER;
    if (r->n_range == 0)
        return true;
    return r->n_range < TS_ROLLUP_MAX_BATCHES && (r->most == 0 || r->n_range < r->most) &&
           r->bytes + b->raw_txs.n <= h->set.rollup_bytes && r->frame + in_frame(b) <= frame_max &&
           roll_cost(r->n_range + 1, r->bytes + b->raw_txs.n) <= r->cost_max;
}

static bool add_to_range(struct ts_host *h, const struct ts_batch *b, const ts_hash *hash)
{
    struct roll *r = &h->roll;
    if (r->range == NULL)
        r->range = host_alloc(TS_ROLLUP_MAX_BATCHES * sizeof(*r->range));
    if (r->n_range == 0)
        r->first_parent = b->header.parent_hash;
    struct ts_msg_range_item *item = &r->range[r->n_range];
    *item = (struct ts_msg_range_item){keep(h, b->raw_header), keep(h, b->raw_txs)};
    if (item->header.p == NULL || item->transactions.p == NULL)
        return false;
    r->n_range++;
    r->bytes += b->raw_txs.n;
    r->frame += in_frame(b);
    r->last = b->header.number;
    r->last_hash = *hash;
    r->seal = b->seal;
    ts_protocol_root(&r->work_root, b->raw_payload, &r->work_root);
    return true;
}

static bool add_above(struct ts_host *h, const struct ts_batch *b)
{
    struct roll *r = &h->roll;
    if (r->above == NULL)
        r->above = host_alloc(TS_MAX_ABOVE * sizeof(*r->above));
    if (r->n_above == TS_MAX_ABOVE)
        return false;
    r->above[r->n_above] = keep(h, b->raw_header);
    r->frame += b->raw_header.n;
    return r->above[r->n_above++].p != NULL;
}

/* One batch of the store, the next after those before it. */
static const char *take(struct ts_host *h, const struct ts_store_batch *s)
{
    struct roll *r = &h->roll;
    struct ts_batch b;
    if (s->number != shown(r) + 1)
        return "the store left a batch out";
    if (ts_batch_decode(s->raw, TS_MAX_BATCH_BYTES, &h->arena, &b) != TS_OK)
        return "the store gave a batch that does not decode";
    r->range_is_full = r->range_is_full || (!range_ends(r) && !fits(h, &b));
    if (roll_range_is_shown(h))
        return NULL; /* it turns out that the range ended with a milestone */
    bool taken = range_ends(r) ? add_above(h, &b) : add_to_range(h, &b, &s->hash);
    return taken ? NULL : "its batches take more memory than is set apart for them";
}

const char *roll_range_take(struct ts_host *h, const struct ts_host_input *in)
{
    const char *fault =
        in->err != TS_OK || in->n_batches == 0 ? "the store does not give its batches" : NULL;
    for (size_t i = 0; i < in->n_batches && fault == NULL && !roll_range_is_shown(h); i++)
        fault = take(h, &in->batches[i]);
    return fault;
}
