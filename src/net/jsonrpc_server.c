/* SPDX-License-Identifier: Apache-2.0 */
/* The dispatcher on the server's HTTP and WebSocket paths, and subscriptions. */
#include "base/check.h"
#include "net/jsonrpc_internal.h"

void ts_rpc_on_post(void *rpc, struct ts_http_request *req, ts_bytes body)
{
    const struct rpc_target target = {
        .req = req,
        .peer = {.is_local = ts_http_is_local(req), .is_authorised = ts_http_is_authorised(req)}};
    ts_rpc_run(rpc, &target, body);
}

void ts_rpc_conn_unref(struct rpc_conn *conn)
{
    TS_CHECK(conn->refs > 0);
    if (--conn->refs > 0)
        return;
    ts_rpc_unref(conn->rpc);
    free(conn);
}

static void on_open(void *ctx, struct ts_ws *ws)
{
    struct ts_rpc *rpc = ctx;
    struct rpc_conn *conn = calloc(1, sizeof(*conn));
    if (!conn) {
        ts_ws_close(ws, 1011, "out of memory");
        return;
    }
    conn->rpc = rpc;
    conn->ws = ws;
    conn->refs = 1;
    conn->next = rpc->conns;
    if (rpc->conns)
        rpc->conns->prev = conn;
    rpc->conns = conn;
    rpc->refs++;
    ts_ws_set_user(ws, conn);
}

static void on_message(void *ctx, struct ts_ws *ws, ts_bytes message, bool binary)
{
    struct rpc_conn *conn = ts_ws_user(ws);
    (void)binary;
    if (!conn)
        return; /* it is closing */
    const struct rpc_target target = {
        .conn = conn,
        .peer = {.is_local = ts_ws_is_local(ws), .is_authorised = ts_ws_is_authorised(ws)}};
    ts_rpc_run(ctx, &target, message);
}

static void on_close(void *ctx, struct ts_ws *ws)
{
    struct ts_rpc *rpc = ctx;
    struct rpc_conn *conn = ts_ws_user(ws);
    if (!conn)
        return;
    conn->ws = NULL;
    while (conn->subs) {
        struct rpc_sub *next = conn->subs->next;
        free(conn->subs);
        conn->subs = next;
    }
    conn->n_subs = 0;
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        rpc->conns = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    ts_rpc_conn_unref(conn);
}

const struct ts_ws_handlers ts_rpc_ws_handlers = {on_open, on_message, on_close};

/* ---- subscriptions ---- */

void ts_rpc_subscribe(struct ts_rpc_call *call, const char *topic, const char *notify)
{
    struct rpc_conn *conn = call->group ? call->group->target.conn : NULL;
    char id[32];
    if (!conn || !conn->ws) {
        ts_rpc_fail(call, TS_RPC_FAILED, "subscriptions are served over a WebSocket only");
        return;
    }
    if (conn->n_subs >= call->rpc->limits.max_subscriptions) {
        ts_rpc_fail(call, TS_RPC_TOO_MANY, "the connection has %zu subscriptions already",
                    conn->n_subs);
        return;
    }
    struct rpc_sub *sub = calloc(1, sizeof(*sub));
    if (!sub) {
        ts_rpc_fail(call, TS_RPC_INTERNAL, "out of memory");
        return;
    }
    sub->id = call->rpc->next_sub++;
    sub->topic = topic;
    sub->notify = notify;
    sub->next = conn->subs;
    conn->subs = sub;
    conn->n_subs++;
    snprintf(id, sizeof(id), "0x%llx", (unsigned long long)sub->id);
    ts_rpc_result_string(call, id);
}

void ts_rpc_unsubscribe(struct ts_rpc_call *call)
{
    struct rpc_conn *conn = call->group ? call->group->target.conn : NULL;
    uint64_t id;
    bool found = false;
    if (!ts_rpc_param_quantity(call, 0, NULL, &id))
        return;
    struct rpc_sub **at = conn ? &conn->subs : NULL;
    while (at && *at && (*at)->id != id)
        at = &(*at)->next;
    if (at && *at) {
        struct rpc_sub *sub = *at;
        *at = sub->next;
        free(sub);
        conn->n_subs--;
        found = true;
    }
    ts_rpc_result(call, json_boolean(found));
}

/* false: the connection is closing. */
static bool notify_one(struct ts_rpc *rpc, const struct rpc_conn *conn, const struct rpc_sub *sub,
                       ts_bytes result, struct ts_buf *b)
{
    ts_buf_reset(b);
    ts_buf_printf(b,
                  "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":{\"subscription\":\"0x%llx\",",
                  sub->notify, (unsigned long long)sub->id);
    ts_buf_put(b, "\"result\":", 9);
    ts_buf_put(b, result.p, result.n);
    ts_buf_put(b, "}}", 2);
    if (b->err != TS_OK) {
        ts_ws_close(conn->ws, 1011, "out of memory");
        return false;
    }
    rpc->counters.notifications++;
    return ts_ws_send(conn->ws, ts_buf_bytes(b), false) == TS_OK;
}

void ts_rpc_publish(struct ts_rpc *rpc, const char *topic, const json_t *result)
{
    struct ts_buf text;
    struct ts_buf b;
    if (ts_rpc_subscribers(rpc, topic) == 0)
        return;
    ts_buf_init(&text, 0);
    ts_buf_init(&b, 0);
    ts_rpc_put_json(&text, result);
    /* No callback runs inside: ts_ws_send and ts_ws_close tell of an end from the loop. */
    for (struct rpc_conn *conn = rpc->conns; conn && text.err == TS_OK; conn = conn->next)
        for (const struct rpc_sub *sub = conn->subs; sub; sub = sub->next)
            if (strcmp(sub->topic, topic) == 0 &&
                !notify_one(rpc, conn, sub, ts_buf_bytes(&text), &b))
                break;
    ts_buf_free(&text);
    ts_buf_free(&b);
}

size_t ts_rpc_subscribers(const struct ts_rpc *rpc, const char *topic)
{
    size_t n = 0;
    for (const struct rpc_conn *conn = rpc->conns; conn; conn = conn->next)
        for (const struct rpc_sub *sub = conn->subs; sub; sub = sub->next)
            n += strcmp(sub->topic, topic) == 0;
    return n;
}
