/* SPDX-License-Identifier: Apache-2.0 */
/* The dispatcher: from text to calls. */
#include "net/jsonrpc.h"

#include <stdarg.h>

#include "base/check.h"
#include "net/jsonrpc_internal.h"

#define TIMER_MS 100u

static void fill(size_t *value, size_t standard)
{
    if (*value == 0)
        *value = standard;
}

static void fill_limits(struct ts_rpc_limits *to, const struct ts_rpc_limits *from)
{
    *to = from ? *from : (struct ts_rpc_limits){0};
    fill(&to->max_batch, 1000);
    fill(&to->max_depth, 32);
    fill(&to->max_in_flight, 20000);
    fill(&to->max_in_flight_per_connection, 2000);
    fill(&to->max_subscriptions, 32);
    fill(&to->max_answer, 32u * 1024 * 1024);
    if (to->heavy_ms == 0)
        to->heavy_ms = 500;
    if (to->deadline_ms == 0)
        to->deadline_ms = 20000;
}

static int by_name(const void *a, const void *b)
{
    const struct ts_rpc_method *x = a;
    const struct ts_rpc_method *y = b;
    return strcmp(x->name, y->name);
}

static int by_key(const void *key, const void *b)
{
    const struct ts_rpc_method *y = b;
    return strcmp(key, y->name);
}

struct ts_rpc *ts_rpc_new(uv_loop_t *loop, const struct ts_rpc_limits *limits,
                          const struct ts_rpc_method *methods, size_t n_methods, void *ctx)
{
    struct ts_rpc *rpc = calloc(1, sizeof(*rpc));
    if (!rpc)
        return NULL;
    rpc->methods = calloc(n_methods + 1, sizeof(*rpc->methods));
    if (!rpc->methods) {
        free(rpc);
        return NULL;
    }
    for (size_t i = 0; i < n_methods; i++) {
        TS_CHECK(strlen(methods[i].name) <= 64 && methods[i].handler);
        rpc->methods[i] = methods[i];
    }
    qsort(rpc->methods, n_methods, sizeof(*rpc->methods), by_name);
    for (size_t i = 1; i < n_methods; i++)
        TS_CHECK(strcmp(rpc->methods[i - 1].name, rpc->methods[i].name) != 0);
    rpc->n_methods = n_methods;
    rpc->ctx = ctx;
    rpc->loop = loop;
    rpc->next_sub = 1;
    rpc->refs = 1;
    rpc->heavy_turn = UINT64_MAX;
    fill_limits(&rpc->limits, limits);
    if (loop) {
        uv_timer_init(loop, &rpc->timer);
        rpc->timer.data = rpc;
        rpc->refs++;
    }
    return rpc;
}

void ts_rpc_unref(struct ts_rpc *rpc)
{
    TS_CHECK(rpc->refs > 0);
    if (--rpc->refs > 0)
        return;
    free(rpc->methods);
    free(rpc);
}

static void on_timer_closed(uv_handle_t *h)
{
    ts_rpc_unref(h->data);
}

void ts_rpc_close(struct ts_rpc *rpc)
{
    if (rpc->loop)
        uv_close((uv_handle_t *)&rpc->timer, on_timer_closed);
    rpc->loop = NULL; /* no deadlines any more */
    ts_rpc_unref(rpc);
}

const struct ts_rpc_counters *ts_rpc_counters(const struct ts_rpc *rpc)
{
    return &rpc->counters;
}

size_t ts_rpc_in_flight(const struct ts_rpc *rpc)
{
    return rpc->in_flight;
}

/* ---- calls that wait, and their deadlines ---- */

static void link_call(struct ts_rpc *rpc, struct ts_rpc_call *call)
{
    call->prev = rpc->last_call;
    if (rpc->last_call)
        rpc->last_call->next = call;
    else
        rpc->calls = call;
    rpc->last_call = call;
    rpc->in_flight++;
    rpc->refs++;
}

/* The caller drops the call's reference to rpc. */
void ts_rpc_call_unlink(struct ts_rpc_call *call)
{
    struct ts_rpc *rpc = call->rpc;
    if (call->prev)
        call->prev->next = call->next;
    else
        rpc->calls = call->next;
    if (call->next)
        call->next->prev = call->prev;
    else
        rpc->last_call = call->prev;
    rpc->in_flight--;
}

/* All have the same time to answer, so the oldest comes first. A call given up stays in the list
 * until its handler answers: it still counts against max_in_flight. */
static void on_timer(uv_timer_t *timer)
{
    struct ts_rpc *rpc = timer->data;
    uint64_t now = uv_now(rpc->loop);
    bool waiting = false;
    rpc->refs++;
    struct ts_rpc_call *next;
    for (struct ts_rpc_call *c = rpc->calls; c && c->deadline <= now; c = next) {
        next = c->next;
        if (c->group)
            ts_rpc_call_give_up(c); /* sends, but runs no handler */
    }
    for (const struct ts_rpc_call *c = rpc->last_call; c && !waiting; c = c->prev)
        waiting = c->group != NULL;
    if (!waiting)
        uv_timer_stop(timer);
    ts_rpc_unref(rpc);
}

static void watch_deadlines(struct ts_rpc *rpc)
{
    unsigned period = rpc->limits.deadline_ms / 8;
    if (!rpc->loop || !rpc->calls || uv_is_active((uv_handle_t *)&rpc->timer))
        return;
    period = period < 1 ? 1 : period > TIMER_MS ? TIMER_MS : period;
    uv_timer_start(&rpc->timer, on_timer, period, period);
}

/* ---- from text to calls ---- */

/* One call of the text: what the request object says, or why it is refused. */
struct request {
    const json_t *id; /* NULL: a notification */
    const json_t *params;
    const struct ts_rpc_method *method;
    int code; /* 0: all is well */
    char message[256];
};

__attribute__((format(printf, 3, 4))) static bool refuse(struct request *r, int code,
                                                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->message, sizeof(r->message), format, args);
    va_end(args);
    r->code = code;
    return false;
}

static bool read_envelope(const json_t *json, struct request *r)
{
    const char *version = json_string_value(json_object_get(json, "jsonrpc"));
    const json_t *id = json_object_get(json, "id");
    if (!json_is_object(json))
        return refuse(r, TS_RPC_INVALID_REQUEST, "a request must be a JSON object");
    if (id && !json_is_string(id) && !json_is_number(id) && !json_is_null(id))
        return refuse(r, TS_RPC_INVALID_REQUEST, "\"id\" must be a string, a number or null");
    r->id = id;
    if (!version || strcmp(version, "2.0") != 0)
        return refuse(r, TS_RPC_INVALID_REQUEST, "\"jsonrpc\" must be \"2.0\"");
    return true;
}

static bool read_request(struct ts_rpc *rpc, const json_t *json, struct request *r)
{
    if (!read_envelope(json, r))
        return false;
    const char *name = json_string_value(json_object_get(json, "method"));
    if (!name)
        return refuse(r, TS_RPC_INVALID_REQUEST, "\"method\" must be a string");
    const struct ts_rpc_method *found =
        bsearch(name, rpc->methods, rpc->n_methods, sizeof(*rpc->methods), by_key);
    if (!found) {
        rpc->counters.unknown_methods++;
        return refuse(r, TS_RPC_NO_METHOD, "the method %.64s does not exist", name);
    }
    r->method = found;
    r->params = json_object_get(json, "params");
    if (json_is_null(r->params))
        r->params = NULL;
    if (r->params && !json_is_array(r->params) && !json_is_object(r->params))
        return refuse(r, TS_RPC_INVALID_PARAMS, "%s: \"params\" must be an array or an object",
                      name);
    return true;
}

/* The calls of one text run in one turn of the loop, and so may those of many connections. */
static bool has_time(struct ts_rpc *rpc, const struct ts_rpc_method *m)
{
    if (!(m->flags & TS_RPC_HEAVY) || !rpc->loop)
        return true;
    uint64_t turn = uv_now(rpc->loop), now = uv_hrtime();
    if (turn != rpc->heavy_turn) {
        rpc->heavy_turn = turn;
        rpc->heavy_ns = now;
    }
    return now - rpc->heavy_ns < (uint64_t)rpc->limits.heavy_ms * 1000000;
}

#define NO_TIME "the calls before it took %u ms; ask in a text of its own"

bool ts_rpc_may_go_on(struct ts_rpc_call *call)
{
    struct ts_rpc *rpc = call->rpc;
    TS_CHECK(call->method->flags & TS_RPC_HEAVY);
    if (has_time(rpc, call->method))
        return true;
    rpc->counters.too_many++;
    ts_rpc_fail(call, TS_RPC_TOO_MANY, NO_TIME, rpc->limits.heavy_ms);
    return false;
}

static bool may_run(struct rpc_group *g, struct request *r)
{
    struct ts_rpc *rpc = g->rpc;
    const struct rpc_target *t = &g->target;
    size_t mine = t->conn ? t->conn->in_flight : g->open - 1;
    if ((r->method->flags & TS_RPC_OPERATOR) && !t->peer.is_authorised) {
        rpc->counters.unauthorised++;
        return refuse(r, TS_RPC_UNAUTHORISED,
                      "%s: only the operator may call this, from the host's own machine or with "
                      "its bearer token",
                      r->method->name);
    }
    if ((r->method->flags & TS_RPC_WS_ONLY) && !t->conn)
        return refuse(r, TS_RPC_FAILED, "%s: only served over a WebSocket", r->method->name);
    if (rpc->in_flight >= rpc->limits.max_in_flight ||
        mine >= rpc->limits.max_in_flight_per_connection) {
        rpc->counters.too_many++;
        return refuse(r, TS_RPC_TOO_MANY, "%s: too many requests are unanswered; try again",
                      r->method->name);
    }
    if (!has_time(rpc, r->method)) {
        rpc->counters.too_many++;
        return refuse(r, TS_RPC_TOO_MANY, "%s: " NO_TIME, r->method->name, rpc->limits.heavy_ms);
    }
    return true;
}

/* Answers otherwise. */
static bool check_params(struct ts_rpc_call *call)
{
    const struct ts_rpc_method *m = call->method;
    if (m->params == NULL)
        return true;
    return (m->flags & TS_RPC_BY_POSITION) ? ts_rpc_param_by_position(call, m->params)
                                           : ts_rpc_param_known(call, m->params);
}

static bool start_call(struct rpc_group *g, size_t slot, json_t *json, struct request *r)
{
    struct ts_rpc *rpc = g->rpc;
    struct ts_rpc_call *call = calloc(1, sizeof(*call));
    if (!call)
        return refuse(r, TS_RPC_INTERNAL, "out of memory");
    call->rpc = rpc;
    call->group = g;
    call->method = r->method;
    call->request = json_incref(json);
    call->id = r->id;
    call->params = r->params;
    call->peer = g->target.peer;
    call->slot = slot;
    call->deadline = rpc->loop ? uv_now(rpc->loop) + rpc->limits.deadline_ms : 0;
    g->open++;
    if (g->target.conn)
        g->target.conn->in_flight++;
    rpc->counters.calls++;
    link_call(rpc, call);
    if (check_params(call))
        r->method->handler(rpc->ctx, call);
    return true;
}

static void dispatch_one(struct rpc_group *g, size_t slot, json_t *json)
{
    struct request r = {0};
    if (read_request(g->rpc, json, &r) && may_run(g, &r) && start_call(g, slot, json, &r))
        return;
    if (r.code == TS_RPC_INVALID_REQUEST)
        g->rpc->counters.malformed++;
    if (r.id || r.code == TS_RPC_INVALID_REQUEST)
        ts_rpc_group_error(g, slot, r.id, r.code, r.message, NULL);
    else
        g->rpc->counters.errors++; /* a notification: nobody is told */
}

static void refuse_text(struct ts_rpc *rpc, const struct rpc_target *target, int code,
                        const char *message)
{
    struct rpc_group *g = ts_rpc_group_new(rpc, target, 1, false);
    rpc->counters.malformed++;
    if (!g) {
        ts_rpc_deliver_no_memory(target);
        return;
    }
    ts_rpc_group_error(g, 0, NULL, code, message, NULL);
    ts_rpc_group_close_one(g);
}

static json_t *parse(struct ts_rpc *rpc, const struct rpc_target *target, ts_bytes text)
{
    json_error_t error;
    char message[320];
    const char *refused = ts_rpc_scan(text, rpc->limits.max_depth);
    if (refused) {
        refuse_text(rpc, target, TS_RPC_PARSE_ERROR, refused);
        return NULL;
    }
    json_t *root =
        json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (root)
        return root;
    snprintf(message, sizeof(message), "the text is not valid JSON at byte %d: %s", error.position,
             error.text);
    refuse_text(rpc, target, TS_RPC_PARSE_ERROR, message);
    return NULL;
}

static void dispatch_all(struct rpc_group *g, json_t *root)
{
    if (g->is_batch)
        for (size_t i = 0; i < g->n; i++)
            dispatch_one(g, i, json_array_get(root, i));
    else
        dispatch_one(g, 0, root);
    watch_deadlines(g->rpc);
    ts_rpc_group_close_one(g);
}

void ts_rpc_run(struct ts_rpc *rpc, const struct rpc_target *target, ts_bytes text)
{
    char message[128];
    json_t *root = parse(rpc, target, text);
    if (!root)
        return;
    bool is_batch = json_is_array(root);
    size_t n = is_batch ? json_array_size(root) : 1;
    if (n == 0 || n > rpc->limits.max_batch) {
        snprintf(message, sizeof(message), "a batch must hold 1 to %zu requests, not %zu",
                 rpc->limits.max_batch, n);
        refuse_text(rpc, target, TS_RPC_INVALID_REQUEST, message);
    } else {
        struct rpc_group *g = ts_rpc_group_new(rpc, target, n, is_batch);
        if (g)
            dispatch_all(g, root);
        else
            ts_rpc_deliver_no_memory(target);
    }
    json_decref(root);
}

void ts_rpc_handle(struct ts_rpc *rpc, const struct ts_rpc_peer *peer, ts_bytes text,
                   void (*answer)(void *ctx, ts_bytes text), void *ctx)
{
    const struct rpc_target target = {.answer = answer, .answer_ctx = ctx, .peer = *peer};
    ts_rpc_run(rpc, &target, text);
}

/* ---- what a handler may ask ---- */

const char *ts_rpc_method_name(const struct ts_rpc_call *call)
{
    return call->method->name;
}

const json_t *ts_rpc_params(const struct ts_rpc_call *call)
{
    return call->params;
}

bool ts_rpc_is_local(const struct ts_rpc_call *call)
{
    return call->peer.is_local;
}

bool ts_rpc_is_authorised(const struct ts_rpc_call *call)
{
    return call->peer.is_authorised;
}

struct ts_ws *ts_rpc_ws(const struct ts_rpc_call *call)
{
    return call->group && call->group->target.conn ? call->group->target.conn->ws : NULL;
}

bool ts_rpc_is_open(const struct ts_rpc_call *call)
{
    if (!call->group)
        return false;
    const struct rpc_target *t = &call->group->target;
    if (t->req)
        return ts_http_is_open(t->req);
    return t->answer || t->conn->ws;
}
