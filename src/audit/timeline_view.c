/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at a range of a timeline. */
#include <stdlib.h>
#include <string.h>

#include "audit/timeline_internal.h"
#include "base/check.h"

/* Buckets at to at + n of the timeline, k at a time; groups begin at multiples of k, so that they
 * stay what they are while the range moves on. */
struct cut {
    size_t at, n, k;
};

static struct cut cut_of(const struct ts_timeline *t, uint64_t from, uint64_t to, size_t points)
{
    uint64_t last = (t->number - t->first) / t->width;
    uint64_t a = from < t->first ? 0 : (from - t->first) / t->width;
    uint64_t b = to < t->first ? 0 : (to - t->first) / t->width;
    b = b > last ? last : b;
    a = a > b ? b : a;
    size_t n = (size_t)(b - a + 1);
    size_t k = (n + points - 1) / points;
    while ((size_t)b / k - (size_t)a / k + 1 > points)
        k++;
    struct cut c = {.k = k, .at = (size_t)a / k * k};
    size_t end = ((size_t)b / k + 1) * k;
    c.n = (end > t->n ? t->n : end) - c.at;
    return c;
}

/* The state that most of the batches have; of two that are as many, the one that says more. */
static uint8_t most_of(const struct lane_cell *c, uint64_t n)
{
    static const uint8_t order[] = {TS_LANE_ABSENT,   TS_LANE_ACTIVE,  TS_LANE_REVOKED,
                                    TS_LANE_STARTING, TS_LANE_PASSIVE, TS_LANE_NONE};
    uint64_t known = 0;
    uint8_t best = TS_LANE_NONE;
    struct lane_cell all = *c;
    for (size_t i = 1; i < TS_LANE_STATES; i++)
        known += c->n[i];
    all.n[TS_LANE_NONE] = (uint32_t)(n - known); /* before there was a lane, too */
    for (size_t i = sizeof(order); i-- > 0;) {
        if (all.n[order[i]] >= all.n[best])
            best = order[i];
    }
    return best;
}

static void look_at_lane(const struct lane *l, const struct cut *c,
                         const struct ts_timeline_view *v, struct ts_lane_view *out)
{
    out->id = l->id;
    for (size_t i = 0; i < v->n; i++) {
        struct lane_cell sum = {{0}};
        for (size_t j = i * c->k; j < (i + 1) * c->k && j < c->n; j++) {
            for (size_t k = 0; k < TS_LANE_STATES; k++)
                sum.n[k] += l->cells[c->at + j].n[k];
        }
        out->states[i] = most_of(&sum, v->buckets[i].n);
        out->absent[i] = sum.n[TS_LANE_ABSENT];
    }
}

static void look_at_buckets(const struct ts_timeline *t, const struct cut *c,
                            struct ts_timeline_view *v)
{
    for (size_t j = 0; j < c->n; j++) {
        const struct ts_timeline_bucket *b = &t->buckets[c->at + j];
        if (j % c->k == 0) {
            v->buckets[j / c->k] = *b;
            v->first[j / c->k] = t->first + (c->at + j) * t->width;
        } else {
            timeline_join(&v->buckets[j / c->k], b);
        }
    }
}

static void look_at_marks(const struct ts_timeline *t, size_t max, struct ts_timeline_view *v)
{
    uint64_t all = 0;
    uint64_t kept = t->n_marks < TS_TIMELINE_MARKS ? t->n_marks : TS_TIMELINE_MARKS;
    for (size_t i = 0; i < v->n; i++)
        all += v->buckets[i].marks;
    uint64_t end = t->n_marks;
    while (kept > 0 && t->marks[(end - 1) % TS_TIMELINE_MARKS].number > v->to) {
        end--;
        kept--;
    }
    uint64_t n = 0;
    while (n < kept && n < max && t->marks[(end - n - 1) % TS_TIMELINE_MARKS].number >= v->from)
        n++;
    for (uint64_t i = 0; i < n; i++)
        v->marks[i] = t->marks[(end - n + i) % TS_TIMELINE_MARKS];
    v->n_marks = (size_t)n;
    v->marks_left_out = all - n;
}

static void look_at_times(const struct ts_timeline *t, struct ts_timeline_view *v)
{
    uint64_t from = t->n_times < TS_TIMELINE_TIMES ? 0 : t->n_times - TS_TIMELINE_TIMES;
    for (uint64_t i = from; i < t->n_times; i++) {
        const struct ts_takeover_time *x = &t->times[i % TS_TIMELINE_TIMES];
        if (x->number >= v->from && x->number <= v->to)
            v->times[v->n_times++] = *x;
    }
}

static bool make_room(const struct ts_timeline *t, size_t n, size_t max_marks,
                      struct ts_timeline_view *v)
{
    v->buckets = calloc(n, sizeof(*v->buckets));
    v->first = calloc(n, sizeof(*v->first));
    v->lanes = calloc(t->n_lanes > 0 ? t->n_lanes : 1, sizeof(*v->lanes));
    v->marks = calloc(max_marks > 0 ? max_marks : 1, sizeof(*v->marks));
    v->times = calloc(TS_TIMELINE_TIMES, sizeof(*v->times));
    if (v->buckets == NULL || v->first == NULL || v->lanes == NULL || v->marks == NULL ||
        v->times == NULL)
        return false;
    v->n_lanes = t->n_lanes;
    for (size_t i = 0; i < t->n_lanes; i++) {
        v->lanes[i].states = calloc(n, sizeof(*v->lanes[i].states));
        v->lanes[i].absent = calloc(n, sizeof(*v->lanes[i].absent));
        if (v->lanes[i].states == NULL || v->lanes[i].absent == NULL)
            return false;
    }
    return true;
}

ts_err ts_timeline_look(const struct ts_timeline *t, uint64_t from, uint64_t to, size_t points,
                        size_t max_marks, struct ts_timeline_view *out)
{
    TS_CHECK(from >= 1 && from <= to && points >= 1);
    struct ts_timeline_view v = {
        .head = t->number, .from = from, .to = from - 1, .width = t->width};
    *out = v;
    if (t->n == 0)
        return TS_OK;
    struct cut c = cut_of(t, from, to, points);
    v.n = (c.n + c.k - 1) / c.k;
    v.width = c.k * t->width;
    if (!make_room(t, v.n, max_marks, &v)) {
        ts_timeline_view_free(&v);
        return TS_E_NOMEM;
    }
    look_at_buckets(t, &c, &v);
    v.from = v.first[0];
    v.to = v.first[v.n - 1] + v.buckets[v.n - 1].n - 1;
    for (size_t i = 0; i < t->n_lanes; i++)
        look_at_lane(&t->lanes[i], &c, &v, &v.lanes[i]);
    look_at_marks(t, max_marks, &v);
    look_at_times(t, &v);
    *out = v;
    return TS_OK;
}

void ts_timeline_view_free(struct ts_timeline_view *v)
{
    for (size_t i = 0; v->lanes != NULL && i < v->n_lanes; i++) {
        free(v->lanes[i].states);
        free(v->lanes[i].absent);
    }
    free(v->buckets);
    free(v->first);
    free(v->lanes);
    free(v->marks);
    free(v->times);
    *v = (struct ts_timeline_view){0};
}
