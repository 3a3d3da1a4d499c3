/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: one slot for each call of a text, joined and sent when the last is there. */
#include <stdarg.h>

#include "base/check.h"
#include "net/jsonrpc_internal.h"

#define ERROR_ROOM 4096u /* of each call, beyond max_answer, for its error */
#define OUT_OF_MEMORY                                                                              \
    "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32603,\"message\":\"out of memory\"}}"

struct rpc_group *ts_rpc_group_new(struct ts_rpc *rpc, const struct rpc_target *target, size_t n,
                                   bool is_batch)
{
    struct rpc_group *g = calloc(1, sizeof(*g));
    if (!g)
        return NULL;
    g->slots = &g->one;
    if (n > 1)
        g->slots = calloc(n, sizeof(*g->slots));
    if (!g->slots) {
        free(g);
        return NULL;
    }
    g->rpc = rpc;
    g->target = *target;
    g->is_batch = is_batch;
    g->in_order = true;
    g->n = n;
    g->open = 1;
    ts_buf_init(&g->text, rpc->limits.max_answer + n * ERROR_ROOM);
    if (is_batch)
        ts_buf_put_byte(&g->text, '[');
    if (target->conn)
        target->conn->refs++;
    rpc->refs++;
    return g;
}

void ts_rpc_deliver(const struct rpc_target *t, ts_bytes text)
{
    if (t->req && text.n == 0)
        ts_http_reply(t->req, 204, NULL, text);
    else if (t->req)
        ts_http_reply(t->req, 200, "application/json", text);
    else if (t->answer)
        t->answer(t->answer_ctx, text);
    else if (t->conn && t->conn->ws && text.n > 0)
        (void)ts_ws_send(t->conn->ws, text, false); /* a failure closes the connection */
}

void ts_rpc_deliver_no_memory(const struct rpc_target *t)
{
    ts_rpc_deliver(t, ts_bytes_of(OUT_OF_MEMORY, strlen(OUT_OF_MEMORY)));
}

/* The answers in the order of the calls; out of memory: as they came, which is allowed too. */
static void put_in_order(struct rpc_group *g)
{
    struct ts_buf sorted;
    ts_buf_init(&sorted, g->text.max);
    ts_buf_put_byte(&sorted, '[');
    for (size_t i = 0; i < g->n; i++)
        if (g->slots[i].n > 0)
            ts_buf_put(&sorted, g->text.p + g->slots[i].at, g->slots[i].n);
    if (sorted.err != TS_OK) {
        ts_buf_free(&sorted);
        return;
    }
    ts_buf_free(&g->text);
    g->text = sorted;
}

static void send_answer(struct rpc_group *g)
{
    if (g->text.err != TS_OK) {
        ts_rpc_deliver_no_memory(&g->target);
        return;
    }
    if (g->n_answers == 0) {
        ts_rpc_deliver(&g->target, (ts_bytes){0});
        return;
    }
    if (g->is_batch && !g->in_order)
        put_in_order(g);
    if (g->is_batch)
        g->text.p[g->text.n - 1] = ']'; /* in place of the last comma */
    ts_rpc_deliver(&g->target, ts_buf_bytes(&g->text));
}

void ts_rpc_group_close_one(struct rpc_group *g)
{
    struct ts_rpc *rpc = g->rpc;
    TS_CHECK(g->open > 0);
    if (--g->open > 0)
        return;
    send_answer(g);
    if (g->target.conn)
        ts_rpc_conn_unref(g->target.conn);
    if (g->slots != &g->one)
        free(g->slots);
    ts_buf_free(&g->text);
    free(g);
    ts_rpc_unref(rpc);
}

/* ---- one slot ---- */

static void put_id(struct ts_buf *b, const json_t *id)
{
    if (!id || json_is_null(id))
        ts_buf_put(b, "null", 4);
    else if (json_is_integer(id))
        ts_buf_printf(b, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
    else
        ts_rpc_put_json(b, id);
}

static struct ts_buf *begin(struct rpc_group *g, const json_t *id)
{
    static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":";
    g->start = g->text.n;
    ts_buf_put(&g->text, head, sizeof(head) - 1);
    put_id(&g->text, id);
    return &g->text;
}

static void commit(struct rpc_group *g, size_t slot)
{
    ts_buf_put(&g->text, "},", g->is_batch ? 2 : 1);
    g->slots[slot] = (struct rpc_slot){g->start, g->text.n - g->start};
    if (slot < g->next_slot)
        g->in_order = false;
    g->next_slot = slot + 1;
    g->n_answers++;
}

/* Is what was begun within the bound? If not it is taken back. */
static bool fits(struct rpc_group *g)
{
    if (g->text.err == TS_OK && g->text.n <= g->rpc->limits.max_answer)
        return true;
    g->text.n = g->start;
    g->text.err = TS_OK;
    return false;
}

void ts_rpc_group_error(struct rpc_group *g, size_t slot, const json_t *id, int code,
                        const char *message, const json_t *data)
{
    struct ts_buf *b = begin(g, id);
    g->rpc->counters.errors++;
    ts_buf_printf(b, ",\"error\":{\"code\":%d,\"message\":", code);
    ts_rpc_put_string(b, message);
    if (data) {
        ts_buf_put(b, ",\"data\":", 8);
        ts_rpc_put_json(b, data);
    }
    ts_buf_put_byte(b, '}');
    if (data && !fits(g)) {
        g->rpc->counters.errors--;
        ts_rpc_group_error(g, slot, id, code, message, NULL);
        return;
    }
    commit(g, slot);
}

/* ---- the handler's side ---- */

static struct ts_buf *begin_result(struct ts_rpc_call *call)
{
    static const char head[] = ",\"result\":";
    if (!call->group || !call->id)
        return NULL;
    struct ts_buf *b = begin(call->group, call->id);
    ts_buf_put(b, head, sizeof(head) - 1);
    return b;
}

/* Leaves the group: its slot has been answered, or needs no answer. */
static void leave_group(struct ts_rpc_call *call)
{
    struct rpc_group *g = call->group;
    if (!g)
        return;
    call->group = NULL;
    if (g->target.conn)
        g->target.conn->in_flight--;
    ts_rpc_group_close_one(g);
}

static void free_call(struct ts_rpc_call *call)
{
    struct ts_rpc *rpc = call->rpc;
    ts_rpc_call_unlink(call);
    leave_group(call);
    json_decref(call->request);
    free(call);
    ts_rpc_unref(rpc);
}

static void end_result(struct ts_rpc_call *call)
{
    struct rpc_group *g = call->group;
    char text[160];
    if (g && call->id) {
        if (fits(g)) {
            commit(g, call->slot);
        } else {
            snprintf(text, sizeof(text), "%s: the answer would be longer than %zu bytes",
                     call->method->name, call->rpc->limits.max_answer);
            ts_rpc_group_error(g, call->slot, call->id, TS_RPC_FAILED, text, NULL);
        }
    }
    free_call(call);
}

void ts_rpc_result(struct ts_rpc_call *call, json_t *result)
{
    if (!result) {
        ts_rpc_fail(call, TS_RPC_INTERNAL, "out of memory");
        return;
    }
    struct ts_buf *b = begin_result(call);
    if (b)
        ts_rpc_put_json(b, result);
    json_decref(result);
    end_result(call);
}

void ts_rpc_result_string(struct ts_rpc_call *call, const char *text)
{
    struct ts_buf *b = begin_result(call);
    if (b)
        ts_rpc_put_string(b, text);
    end_result(call);
}

void ts_rpc_result_u64(struct ts_rpc_call *call, uint64_t v)
{
    struct ts_buf *b = begin_result(call);
    if (b)
        ts_buf_printf(b, "\"0x%llx\"", (unsigned long long)v);
    end_result(call);
}

void ts_rpc_result_text(struct ts_rpc_call *call, ts_bytes json)
{
    struct ts_buf *b = begin_result(call);
    if (b)
        ts_buf_put(b, json.p, json.n);
    end_result(call);
}

void ts_rpc_error(struct ts_rpc_call *call, int code, const char *message, json_t *data)
{
    if (call->group && call->id)
        ts_rpc_group_error(call->group, call->slot, call->id, code, message, data);
    json_decref(data);
    free_call(call);
}

void ts_rpc_fail(struct ts_rpc_call *call, int code, const char *format, ...)
{
    char text[512];
    va_list args;
    int n = snprintf(text, sizeof(text), "%s: ", call->method->name);
    TS_CHECK(n > 0 && (size_t)n < sizeof(text));
    va_start(args, format);
    vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
    va_end(args);
    ts_rpc_error(call, code, text, NULL);
}

void ts_rpc_call_give_up(struct ts_rpc_call *call)
{
    char text[160];
    call->rpc->counters.late++;
    if (call->group && call->id) {
        snprintf(text, sizeof(text), "%s: no answer within %u ms", call->method->name,
                 call->rpc->limits.deadline_ms);
        ts_rpc_group_error(call->group, call->slot, call->id, TS_RPC_FAILED, text, NULL);
    }
    leave_group(call);
}
