/* SPDX-License-Identifier: Apache-2.0 */
/* The timeline as bytes:
 *   [version, genesisHash, number, hash, time, producer, producerBoot, width, buckets, lanes,
 * nMarks, marks, nTimes, times] of the newest marks and times, oldest first. A lane's cells are
 * told as runs of equal ones. */
#include <string.h>

#include "audit/timeline_internal.h"

/* ---- writing --------------------------------------------------------------------------------- */

static void put_bucket(struct ts_buf *b, const struct ts_timeline_bucket *k)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, k->n);
    ts_put_u64(b, k->time);
    ts_put_u64(b, k->term);
    ts_put_u64(b, k->txs);
    ts_put_u64(b, k->span_ms);
    ts_put_u64(b, k->longest_ms);
    ts_put_u64(b, k->lag);
    ts_put_u64(b, k->takeovers);
    ts_put_u64(b, k->unclean);
    ts_put_u64(b, k->marks);
    ts_put_list_end(b, mark);
}

static void put_cells(struct ts_buf *b, const struct lane_cell *c, size_t n)
{
    size_t mark = ts_put_list(b);
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && memcmp(&c[end], &c[i], sizeof(*c)) == 0)
            end++;
        ts_put_u64(b, end - i);
        for (size_t k = 0; k < TS_LANE_STATES; k++)
            ts_put_u64(b, c[i].n[k]);
        i = end;
    }
    ts_put_list_end(b, mark);
}

static void put_lane(struct ts_buf *b, const struct lane *l, size_t n)
{
    size_t mark = ts_put_list(b);
    ts_put_address(b, &l->id);
    ts_put_u64(b, l->is_listed);
    ts_put_u64(b, l->state);
    ts_put_u64(b, l->granted);
    ts_put_u64(b, l->started);
    ts_put_u64(b, l->changed);
    put_cells(b, l->cells, n);
    ts_put_list_end(b, mark);
}

static void put_mark(struct ts_buf *b, const struct ts_mark *m)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, m->number);
    ts_put_u64(b, m->time);
    ts_put_address(b, &m->enclave);
    ts_put_u64(b, (uint64_t)m->kind);
    ts_put_u64(b, m->index);
    ts_put_list_end(b, mark);
}

static void put_time(struct ts_buf *b, const struct ts_takeover_time *x)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, x->number);
    ts_put_u64(b, x->ms);
    ts_put_u64(b, x->is_clean);
    ts_put_list_end(b, mark);
}

static void put_rings(struct ts_buf *b, const struct ts_timeline *t)
{
    uint64_t from = t->n_marks < TS_TIMELINE_MARKS ? 0 : t->n_marks - TS_TIMELINE_MARKS;
    ts_put_u64(b, t->n_marks);
    size_t mark = ts_put_list(b);
    for (uint64_t i = from; i < t->n_marks; i++)
        put_mark(b, &t->marks[i % TS_TIMELINE_MARKS]);
    ts_put_list_end(b, mark);
    from = t->n_times < TS_TIMELINE_TIMES ? 0 : t->n_times - TS_TIMELINE_TIMES;
    ts_put_u64(b, t->n_times);
    mark = ts_put_list(b);
    for (uint64_t i = from; i < t->n_times; i++)
        put_time(b, &t->times[i % TS_TIMELINE_TIMES]);
    ts_put_list_end(b, mark);
}

void ts_timeline_put(struct ts_buf *b, const struct ts_timeline *t)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, TS_TIMELINE_VERSION);
    ts_put_hash(b, &t->genesis->hash);
    ts_put_u64(b, t->number);
    ts_put_hash(b, &t->hash);
    ts_put_u64(b, t->time);
    ts_put_address(b, &t->producer);
    ts_put_hash(b, &t->producer_boot);
    ts_put_u64(b, t->width);
    size_t list = ts_put_list(b);
    for (size_t i = 0; i < t->n; i++)
        put_bucket(b, &t->buckets[i]);
    ts_put_list_end(b, list);
    list = ts_put_list(b);
    for (size_t i = 0; i < t->n_lanes; i++)
        put_lane(b, &t->lanes[i], t->n);
    ts_put_list_end(b, list);
    put_rings(b, t);
    ts_put_list_end(b, mark);
}

/* ---- reading --------------------------------------------------------------------------------- */

static void read_bucket(struct ts_reader *r, struct ts_timeline_bucket *k)
{
    ts_read_list(r);
    k->n = ts_read_u64(r);
    k->time = ts_read_u64(r);
    k->term = ts_read_u64(r);
    k->txs = ts_read_u64(r);
    k->span_ms = ts_read_u64(r);
    k->longest_ms = ts_read_u64(r);
    k->lag = ts_read_u64(r);
    k->takeovers = (uint32_t)ts_read_at_most(r, UINT32_MAX);
    k->unclean = (uint32_t)ts_read_at_most(r, k->takeovers);
    k->marks = (uint32_t)ts_read_at_most(r, UINT32_MAX);
    ts_read_list_end(r);
}

/* All are full but the last, and together they are the chain. */
static void read_buckets(struct ts_reader *r, struct ts_timeline *t)
{
    uint64_t left = t->number;
    uint64_t n = left / t->width + (left % t->width != 0);
    ts_reader_want(r, n <= TS_TIMELINE_BUCKETS);
    if (r->err == TS_OK && !timeline_reserve(t, (size_t)n))
        ts_reader_fail(r, TS_E_NOMEM);
    ts_read_list(r);
    for (; t->n < n && r->err == TS_OK; t->n++) {
        struct ts_timeline_bucket *k = &t->buckets[t->n];
        read_bucket(r, k);
        ts_reader_want(r, k->n == (left < t->width ? left : t->width));
        left -= t->width < left ? t->width : left;
    }
    ts_read_list_end(r);
}

static void read_cells(struct ts_reader *r, const struct ts_timeline *t, struct lane *l)
{
    size_t at = 0;
    ts_read_list(r);
    while (ts_read_more(r)) {
        struct lane_cell c;
        uint64_t sum = 0;
        uint64_t n = ts_read_at_most(r, t->n - at);
        ts_reader_want(r, n > 0);
        for (size_t k = 0; k < TS_LANE_STATES; k++) {
            c.n[k] = (uint32_t)ts_read_at_most(r, UINT32_MAX);
            sum += c.n[k];
        }
        ts_reader_want(r, sum <= t->width);
        for (size_t end = at + (size_t)n; at < end && r->err == TS_OK; at++) {
            ts_reader_want(r, sum <= t->buckets[at].n);
            l->cells[at] = c;
        }
    }
    ts_read_list_end(r);
    ts_reader_want(r, at == t->n);
}

static void read_lane(struct ts_reader *r, struct ts_timeline *t)
{
    ts_address id;
    ts_read_list(r);
    ts_read_address(r, &id);
    ts_reader_want(r, t->n_lanes < TS_TIMELINE_LANES && timeline_lane(t, &id) == NULL);
    struct lane *l = r->err == TS_OK ? timeline_add_lane(t, &id) : NULL;
    if (l == NULL) {
        ts_reader_fail(r, TS_E_NOMEM); /* unless it failed already */
        return;
    }
    l->is_listed = ts_read_at_most(r, 1) == 1;
    l->state = (uint8_t)ts_read_at_most(r, TS_LANE_STATES - 1);
    l->granted = ts_read_at_most(r, t->number);
    l->started = ts_read_at_most(r, t->number);
    l->changed = ts_read_at_most(r, t->number);
    read_cells(r, t, l);
    ts_read_list_end(r);
}

/* Ascending, and none above the head. */
static void read_marks(struct ts_reader *r, struct ts_timeline *t)
{
    uint64_t before = 1;
    t->n_marks = ts_read_u64(r);
    uint64_t n = t->n_marks < TS_TIMELINE_MARKS ? t->n_marks : TS_TIMELINE_MARKS;
    ts_read_list(r);
    for (uint64_t i = t->n_marks - n; i < t->n_marks && r->err == TS_OK; i++) {
        struct ts_mark *m = &t->marks[i % TS_TIMELINE_MARKS];
        ts_read_list(r);
        m->number = ts_read_at_most(r, t->number);
        m->time = ts_read_u64(r);
        ts_read_address(r, &m->enclave);
        m->kind = (enum ts_mark_kind)ts_read_at_most(r, TS_MARK_KIND_COUNT - 1);
        m->index = (uint32_t)ts_read_at_most(r, UINT32_MAX);
        ts_read_list_end(r);
        ts_reader_want(r, m->number >= before);
        before = m->number;
    }
    ts_read_list_end(r);
}

static void read_times(struct ts_reader *r, struct ts_timeline *t)
{
    uint64_t before = 0;
    t->n_times = ts_read_u64(r);
    uint64_t n = t->n_times < TS_TIMELINE_TIMES ? t->n_times : TS_TIMELINE_TIMES;
    ts_read_list(r);
    for (uint64_t i = t->n_times - n; i < t->n_times && r->err == TS_OK; i++) {
        struct ts_takeover_time *x = &t->times[i % TS_TIMELINE_TIMES];
        ts_read_list(r);
        x->number = ts_read_at_most(r, t->number);
        x->ms = ts_read_u64(r);
        x->is_clean = ts_read_at_most(r, 1) == 1;
        ts_read_list_end(r);
        ts_reader_want(r, x->number > before);
        before = x->number;
    }
    ts_read_list_end(r);
}

static void read_head(struct ts_reader *r, const struct ts_head *head, struct ts_timeline *t)
{
    ts_hash genesis;
    uint64_t version = ts_read_u64(r);
    if (r->err == TS_OK && version != TS_TIMELINE_VERSION)
        ts_reader_fail(r, TS_E_VERSION);
    ts_read_hash(r, &genesis);
    ts_reader_want(r, ts_hash_equal(&genesis, &t->genesis->hash));
    t->number = ts_read_u64(r);
    ts_read_hash(r, &t->hash);
    t->time = ts_read_u64(r);
    ts_reader_want(r, t->number == head->number && ts_hash_equal(&t->hash, &head->hash) &&
                          t->time == head->time);
    t->term = head->term;
    ts_read_address(r, &t->producer);
    ts_read_hash(r, &t->producer_boot);
    t->width = ts_read_at_most(r, UINT32_MAX / 2);
    ts_reader_want(r, t->width > 0 && (t->width & (t->width - 1)) == 0);
}

static void read_all(struct ts_reader *r, const struct ts_head *head, struct ts_timeline *t)
{
    ts_read_list(r);
    read_head(r, head, t);
    if (r->err != TS_OK)
        return;
    read_buckets(r, t);
    ts_read_list(r);
    while (ts_read_more(r))
        read_lane(r, t);
    ts_read_list_end(r);
    read_marks(r, t);
    read_times(r, t);
    ts_read_list_end(r);
    t->is_settled = true;
}

ts_err ts_timeline_read(struct ts_reader *r, const struct ts_head *head, struct ts_timeline *t)
{
    struct ts_timeline *got = ts_timeline_new(t->genesis);
    if (got == NULL)
        return TS_E_NOMEM;
    timeline_reset(got); /* its lanes are those that are read */
    read_all(r, head, got);
    if (r->err == TS_OK) {
        struct ts_timeline old = *t;
        *t = *got;
        *got = old;
    }
    ts_timeline_free(got);
    return r->err;
}
