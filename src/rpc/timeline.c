/* SPDX-License-Identifier: Apache-2.0 */
/* ten_timeline: a range of the chain's history in as many points as are asked for. Coarse ones come
 * from what the node keeps; finer ones from the batches of a range that is not too long. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "rpc/internal.h"
#include "rpc/ten.h"

/* ---- parameters ------------------------------------------------------------------------------ */

struct asked_range {
    uint64_t from, to, points;
};

/* The newest so many. False: the call was answered. */
static bool read_last(struct ts_rpc_call *call, uint64_t head, struct asked_range *r)
{
    uint64_t last = 0;
    if (!ts_rpc_has(call, 3, "last"))
        return true;
    if (!ts_rpc_param_u64(call, 3, "last", &last))
        return false;
    if (last == 0 || ts_rpc_has(call, 0, "from") || ts_rpc_has(call, 1, "to")) {
        ts_rpc_fail(call, TS_RPC_INVALID_PARAMS,
                    last == 0 ? "last must be a number from 1 on, not 0"
                              : "last is given without from and to, which say the same");
        return false;
    }
    r->from = head > last ? head - last + 1 : 1;
    return true;
}

/* False: the call was answered. */
static bool read_range(struct ts_rpc_call *call, uint64_t head, struct asked_range *r)
{
    *r = (struct asked_range){.from = 1, .to = head, .points = TS_TEN_POINTS};
    if (ts_rpc_has(call, 0, "from") && !ts_rpc_param_u64(call, 0, "from", &r->from))
        return false;
    bool has_to = ts_rpc_has(call, 1, "to");
    if (has_to && !ts_rpc_param_u64(call, 1, "to", &r->to))
        return false;
    if (ts_rpc_has(call, 2, "points") && !ts_rpc_param_u64(call, 2, "points", &r->points))
        return false;
    if (!read_last(call, head, r))
        return false;
    if (r->points == 0 || r->points > TS_TEN_MAX_POINTS) {
        ts_rpc_fail(call, TS_RPC_INVALID_PARAMS,
                    "points must be a number from 1 to %u, not %" PRIu64, TS_TEN_MAX_POINTS,
                    r->points);
        return false;
    }
    if (has_to && r->from > r->to) {
        ts_rpc_fail(call, TS_RPC_INVALID_PARAMS,
                    "from must not be above to, and %" PRIu64 " is above %" PRIu64, r->from, r->to);
        return false;
    }
    if (r->from == 0)
        r->from = 1; /* batch 0 is the genesis */
    if (r->to > head)
        r->to = head;
    return true;
}

/* ---- as JSON --------------------------------------------------------------------------------- */

static json_t *column(const struct ts_timeline_view *v,
                      uint64_t (*of)(const struct ts_timeline_view *v, size_t i))
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < v->n; i++)
        ok = json_array_append_new(list, ts_json_u64(of(v, i))) == 0;
    return ts_json_if(ok, list);
}

#define COLUMN(name, value)                                                                        \
    static uint64_t name(const struct ts_timeline_view *v, size_t i)                               \
    {                                                                                              \
        return value;                                                                              \
    }
COLUMN(col_first, v->first[i])
COLUMN(col_time, v->buckets[i].time)
COLUMN(col_txs, v->buckets[i].txs)
COLUMN(col_mean, v->buckets[i].n > 0 ? v->buckets[i].span_ms / v->buckets[i].n : 0)
COLUMN(col_longest, v->buckets[i].longest_ms)
COLUMN(col_takeovers, v->buckets[i].takeovers)
COLUMN(col_unclean, v->buckets[i].unclean)
COLUMN(col_lag, v->buckets[i].lag)
COLUMN(col_term, v->buckets[i].term)
#undef COLUMN

static json_t *buckets_json(const struct ts_timeline_view *v)
{
    json_t *o = json_object();
    bool ok = ts_json_add(o, "first", column(v, col_first)) &&
              ts_json_add(o, "time", column(v, col_time)) &&
              ts_json_add(o, "transactions", column(v, col_txs)) &&
              ts_json_add(o, "intervalMean", column(v, col_mean)) &&
              ts_json_add(o, "intervalMax", column(v, col_longest)) &&
              ts_json_add(o, "takeovers", column(v, col_takeovers)) &&
              ts_json_add(o, "unclean", column(v, col_unclean)) &&
              ts_json_add(o, "reportLagMax", column(v, col_lag)) &&
              ts_json_add(o, "term", column(v, col_term));
    return ts_json_if(ok, o);
}

/* [[first bucket, last bucket, state], …]: what is not told is from before the enclave was listed.
 */
static json_t *runs_json(const struct ts_timeline_view *v, const struct ts_lane_view *l)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < v->n;) {
        size_t end = i + 1;
        while (end < v->n && l->states[end] == l->states[i])
            end++;
        if (l->states[i] != TS_LANE_NONE)
            ok =
                json_array_append_new(list, json_pack("[I,I,s]", (json_int_t)i, (json_int_t)end - 1,
                                                      ts_lane_state_name(l->states[i]))) == 0;
        i = end;
    }
    return ts_json_if(ok, list);
}

/* [[bucket, batches], …] of buckets whose state does not tell that it was absent. */
static json_t *absences_json(const struct ts_timeline_view *v, const struct ts_lane_view *l)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < v->n; i++) {
        if (l->absent[i] > 0 && l->states[i] != TS_LANE_ABSENT && l->states[i] != TS_LANE_STARTING)
            ok = json_array_append_new(
                     list, json_pack("[I,I]", (json_int_t)i, (json_int_t)l->absent[i])) == 0;
    }
    return ts_json_if(ok, list);
}

static bool is_shown(const struct ts_timeline_view *v, const struct ts_lane_view *l)
{
    for (size_t i = 0; i < v->n; i++) {
        if (l->states[i] != TS_LANE_NONE)
            return true;
    }
    return false;
}

static bool add_lanes(json_t *o, const struct ts_timeline_view *v)
{
    json_t *ids = json_array(), *lanes = json_array();
    bool ok = ids != NULL && lanes != NULL;
    for (size_t i = 0; ok && i < v->n_lanes; i++) {
        const struct ts_lane_view *l = &v->lanes[i];
        if (!is_shown(v, l))
            continue;
        json_t *lane = json_object();
        ok = ts_json_add(lane, "id", ts_json_address(&l->id)) &&
             ts_json_add(lane, "runs", runs_json(v, l)) &&
             ts_json_add(lane, "absent", absences_json(v, l));
        ok = json_array_append_new(lanes, lane) == 0 && ok &&
             json_array_append_new(ids, ts_json_address(&l->id)) == 0;
    }
    ok = ts_json_add(o, "enclaves", ids) && ok;
    return ts_json_add(o, "lanes", lanes) && ok;
}

static json_t *mark_json(const struct ts_mark *m)
{
    json_t *o = json_object();
    bool ok =
        ts_json_add(o, "batch", ts_json_u64(m->number)) &&
        ts_json_add(o, "time", ts_json_u64(m->time)) &&
        ts_json_add(o, "enclave", ts_json_address(&m->enclave)) &&
        ts_json_add(o, "kind", json_string(ts_mark_name((int)m->kind))) &&
        ts_json_add(o, "index", m->index == TS_MARK_NO_INDEX ? json_null() : ts_json_u64(m->index));
    return ts_json_if(ok, o);
}

static json_t *marks_json(const struct ts_timeline_view *v)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < v->n_marks; i++)
        ok = json_array_append_new(list, mark_json(&v->marks[i])) == 0;
    return ts_json_if(ok, list);
}

static json_t *times_json(const struct ts_timeline_view *v)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < v->n_times; i++)
        ok = json_array_append_new(list, json_pack("[o,o,b]", ts_json_u64(v->times[i].number),
                                                   ts_json_u64(v->times[i].ms),
                                                   (int)v->times[i].is_clean)) == 0;
    return ts_json_if(ok, list);
}

static json_t *view_json(const struct ts_timeline_view *v, uint64_t head)
{
    json_t *o = json_object();
    bool ok = ts_json_add(o, "head", ts_json_u64(head)) &&
              ts_json_add(o, "from", ts_json_u64(v->from)) &&
              ts_json_add(o, "to", ts_json_u64(v->to)) &&
              ts_json_add(o, "width", ts_json_u64(v->width)) &&
              ts_json_add(o, "buckets", buckets_json(v)) && add_lanes(o, v) &&
              ts_json_add(o, "marks", marks_json(v)) &&
              ts_json_add(o, "marksLeftOut", ts_json_u64(v->marks_left_out)) &&
              ts_json_add(o, "takeoverTimes", times_json(v));
    return ts_json_if(ok, o);
}

/* ---- from the batches ------------------------------------------------------------------------ */

struct scan {
    struct ts_timeline *window;
    uint64_t next;
    size_t bytes;
    ts_hash hash; /* of the batch in hand */
    ts_err err;
};

static void take(void *ctx, const struct ts_batch *b)
{
    struct scan *s = ctx;
    s->err = ts_timeline_batch(s->window, b, &s->hash);
}

static bool scan_batch(void *ctx, const struct ts_store_batch *b)
{
    struct scan *s = ctx;
    s->bytes += b->raw.n;
    if (b->number != s->next || s->bytes > TS_TEN_WINDOW_BYTES)
        return false;
    s->next++;
    s->hash = b->hash;
    ts_err err = ts_api_decode(b->raw, take, s);
    if (s->err == TS_OK)
        s->err = err;
    return s->err == TS_OK;
}

/* TS_E_LIMIT: the batches are too many bytes. */
static ts_err look_closely(struct ts_api *api, const struct ts_timeline *all,
                           const struct asked_range *r, struct ts_timeline_view *out)
{
    uint64_t before = api->backend.genesis->params.report_every;
    struct scan s = {.next = r->from > before ? r->from - before : 1};
    s.window = ts_timeline_window(all, r->from, r->to - r->from + 1);
    if (s.window == NULL)
        return TS_E_NOMEM;
    ts_err err = ts_store_committed(api->backend.store, s.next, r->to - s.next + 1, scan_batch, &s);
    if (err == TS_OK)
        err = s.err;
    if (err == TS_OK && s.next <= r->to)
        err = s.bytes > TS_TEN_WINDOW_BYTES ? TS_E_LIMIT : TS_E_NOT_FOUND;
    if (err == TS_OK)
        err = ts_timeline_look(s.window, r->from, r->to, (size_t)r->points, TS_TEN_MAX_MARKS, out);
    ts_timeline_free(s.window);
    return err;
}

/* Buckets that the node keeps are too wide for the points, and the batches are few enough. */
static bool is_close(const struct ts_api *api, const struct ts_timeline *t,
                     const struct asked_range *r)
{
    uint64_t n = r->to - r->from + 1;
    return n <= TS_TEN_WINDOW && n < ts_timeline_width(t) * r->points && ts_timeline_width(t) > 1 &&
           api->backend.genesis->params.report_every <= TS_TEN_WINDOW;
}

static ts_err look(struct ts_api *api, const struct ts_timeline *t, const struct asked_range *r,
                   struct ts_timeline_view *out)
{
    ts_err err = TS_E_LIMIT;
    *out = (struct ts_timeline_view){.from = r->from, .to = r->from - 1, .width = 1};
    if (r->from > r->to)
        return TS_OK; /* above the head */
    if (is_close(api, t, r))
        err = look_closely(api, t, r, out);
    if (err == TS_E_LIMIT)
        err = ts_timeline_look(t, r->from, r->to, (size_t)r->points, TS_TEN_MAX_MARKS, out);
    return err;
}

void ts_ten_timeline(void *ctx, struct ts_rpc_call *call)
{
    struct ts_api *api = ctx;
    struct asked_range r;
    struct ts_timeline_view v;
    if (api->backend.timeline == NULL) {
        ts_api_fail(call, TS_E_UNSUPPORTED, "only a node keeps a timeline: ask one");
        return;
    }
    const struct ts_timeline *t = api->backend.timeline(api->backend.ctx);
    uint64_t head = ts_api_head(api)->number;
    if (!read_range(call, head, &r))
        return;
    if (ts_timeline_head(t) < head) {
        ts_api_fail(call, TS_E_NOT_FOUND, "this node has no timeline: its store could not be read");
        return;
    }
    ts_err err = look(api, t, &r, &v);
    if (err != TS_OK) {
        ts_api_fail(call, err, NULL);
        return;
    }
    ts_rpc_result(call, view_json(&v, head));
    ts_timeline_view_free(&v);
}
