/* SPDX-License-Identifier: Apache-2.0 */
/* The timeline's life and its buckets. */
#include "audit/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "audit/timeline_internal.h"
#include "base/check.h"

#define FIRST_BUCKETS 64

/* ---- its life -------------------------------------------------------------------------------- */

static void free_lanes(struct ts_timeline *t)
{
    for (size_t i = 0; i < t->n_lanes; i++)
        free(t->lanes[i].cells);
    t->n_lanes = 0;
}

bool timeline_reserve(struct ts_timeline *t, size_t buckets)
{
    size_t cap = t->cap > 0 ? t->cap : FIRST_BUCKETS;
    while (cap < buckets)
        cap *= 2;
    for (size_t i = 0; i < t->n_lanes && cap > t->cap; i++) {
        struct lane_cell *cells = realloc(t->lanes[i].cells, cap * sizeof(*cells));
        if (cells == NULL)
            return false;
        memset(cells + t->cap, 0, (cap - t->cap) * sizeof(*cells));
        t->lanes[i].cells = cells;
    }
    if (cap > t->cap) {
        struct ts_timeline_bucket *b = realloc(t->buckets, cap * sizeof(*b));
        if (b == NULL)
            return false; /* lanes have more room than is told: no harm */
        memset(b + t->cap, 0, (cap - t->cap) * sizeof(*b));
        t->buckets = b;
        t->cap = cap;
    }
    return true;
}

struct lane *timeline_lane(struct ts_timeline *t, const ts_address *id)
{
    for (size_t i = 0; i < t->n_lanes; i++) {
        if (ts_address_equal(&t->lanes[i].id, id))
            return &t->lanes[i];
    }
    return NULL;
}

/* At most TS_MAX_WHITELIST are listed, so one of so many lanes is not. */
static struct lane *oldest_removed(struct ts_timeline *t)
{
    struct lane *oldest = NULL;
    for (size_t i = 0; i < t->n_lanes; i++) {
        struct lane *l = &t->lanes[i];
        if (!l->is_listed && (oldest == NULL || l->changed < oldest->changed))
            oldest = l;
    }
    return oldest;
}

struct lane *timeline_add_lane(struct ts_timeline *t, const ts_address *id)
{
    struct lane_cell *cells;
    if (t->n_lanes == TS_TIMELINE_LANES) {
        struct lane *old = oldest_removed(t);
        if (old == NULL)
            return NULL;
        cells = old->cells;
        memset(cells, 0, t->cap * sizeof(*cells));
        memmove(old, old + 1, (size_t)(t->lanes + t->n_lanes - (old + 1)) * sizeof(*old));
        t->n_lanes--;
    } else {
        cells = calloc(t->cap, sizeof(*cells));
        if (cells == NULL)
            return NULL;
    }
    struct lane *l = &t->lanes[t->n_lanes++];
    *l = (struct lane){.id = *id, .cells = cells};
    return l;
}

void timeline_reset(struct ts_timeline *t)
{
    const struct ts_genesis *g = t->genesis;
    struct ts_timeline_bucket *buckets = t->buckets;
    size_t cap = t->cap;
    free_lanes(t);
    if (buckets != NULL)
        memset(buckets, 0, cap * sizeof(*buckets));
    *t = (struct ts_timeline){.genesis = g,
                              .first = 1,
                              .width = 1,
                              .hash = g->hash,
                              .time = g->time,
                              .buckets = buckets,
                              .cap = cap};
}

/* At its beginning, with room, without lanes. */
static struct ts_timeline *make(const struct ts_genesis *genesis)
{
    struct ts_timeline *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return NULL;
    t->genesis = genesis;
    timeline_reset(t);
    if (timeline_reserve(t, FIRST_BUCKETS))
        return t;
    ts_timeline_free(t);
    return NULL;
}

struct ts_timeline *ts_timeline_new(const struct ts_genesis *genesis)
{
    struct ts_timeline *t = make(genesis);
    for (size_t i = 0; t != NULL && i < genesis->n_whitelist; i++) {
        struct lane *l = timeline_add_lane(t, &genesis->whitelist[i]);
        if (l == NULL) {
            ts_timeline_free(t);
            return NULL;
        }
        l->is_listed = true;
    }
    if (t != NULL)
        t->is_settled = true;
    return t;
}

struct ts_timeline *ts_timeline_window(const struct ts_timeline *all, uint64_t from, uint64_t n)
{
    TS_CHECK(!all->is_window && from > 0 && n > 0 && n <= TS_TIMELINE_BUCKETS);
    struct ts_timeline *t = make(all->genesis);
    if (t == NULL)
        return NULL;
    t->is_window = true;
    t->first = from;
    bool ok = timeline_reserve(t, (size_t)n);
    for (size_t i = 0; ok && i < all->n_lanes; i++) {
        const struct lane *from_lane = &all->lanes[i];
        struct lane *l = timeline_add_lane(t, &from_lane->id);
        ok = l != NULL;
        if (ok) {
            l->granted = from_lane->granted;
            l->started = from_lane->started;
        }
    }
    if (ok)
        return t;
    ts_timeline_free(t);
    return NULL;
}

void ts_timeline_free(struct ts_timeline *t)
{
    if (t == NULL)
        return;
    free_lanes(t);
    free(t->buckets);
    free(t);
}

uint64_t ts_timeline_head(const struct ts_timeline *t)
{
    return t->number;
}

uint64_t ts_timeline_width(const struct ts_timeline *t)
{
    return t->width;
}

/* ---- buckets --------------------------------------------------------------------------------- */

void timeline_join(struct ts_timeline_bucket *a, const struct ts_timeline_bucket *b)
{
    a->n += b->n;
    a->time = b->time;
    a->term = b->term;
    a->txs += b->txs;
    a->span_ms += b->span_ms;
    a->longest_ms = b->longest_ms > a->longest_ms ? b->longest_ms : a->longest_ms;
    a->lag = b->lag > a->lag ? b->lag : a->lag;
    a->takeovers += b->takeovers;
    a->unclean += b->unclean;
    a->marks += b->marks;
}

/* Every two become one. */
static void widen(struct ts_timeline *t)
{
    for (size_t i = 0; i < t->n / 2; i++) {
        struct ts_timeline_bucket k = t->buckets[2 * i];
        timeline_join(&k, &t->buckets[2 * i + 1]);
        t->buckets[i] = k;
    }
    memset(t->buckets + t->n / 2, 0, (t->n - t->n / 2) * sizeof(*t->buckets));
    for (size_t j = 0; j < t->n_lanes; j++) {
        struct lane_cell *c = t->lanes[j].cells;
        for (size_t i = 0; i < t->n / 2; i++) {
            struct lane_cell both = c[2 * i];
            for (size_t k = 0; k < TS_LANE_STATES; k++)
                both.n[k] += c[2 * i + 1].n[k];
            c[i] = both;
        }
        memset(c + t->n / 2, 0, (t->n - t->n / 2) * sizeof(*c));
    }
    t->n /= 2;
    t->width *= 2;
}

struct ts_timeline_bucket *timeline_bucket(struct ts_timeline *t, uint64_t number)
{
    uint64_t at = (number - t->first) / t->width;
    if (at == TS_TIMELINE_BUCKETS) {
        TS_CHECK(!t->is_window);
        widen(t);
        at = (number - t->first) / t->width;
    }
    TS_CHECK(at < t->cap && at <= t->n);
    t->n = (size_t)at + 1;
    return &t->buckets[at];
}

/* ---- names ----------------------------------------------------------------------------------- */

const char *ts_lane_state_name(int state)
{
    static const char *const names[TS_LANE_STATES] = {
        [TS_LANE_NONE] = "",           [TS_LANE_ACTIVE] = "active",
        [TS_LANE_PASSIVE] = "passive", [TS_LANE_STARTING] = "starting",
        [TS_LANE_ABSENT] = "absent",   [TS_LANE_REVOKED] = "revoked",
    };
    return state >= 0 && state < TS_LANE_STATES ? names[state] : NULL;
}

const char *ts_mark_name(int kind)
{
#define MARK_NAME(constant, name) [constant] = (name),
    static const char *const names[] = {TS_MARK_KINDS(MARK_NAME)};
#undef MARK_NAME
    return kind >= 0 && kind < TS_MARK_KIND_COUNT ? names[kind] : NULL;
}
