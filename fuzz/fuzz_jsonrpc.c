/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON-RPC dispatcher: any text gets exactly one answer, which is nothing or valid JSON-RPC. */
#include "base/check.h"
#include "net/jsonrpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct ts_rpc_call *held[64];
    size_t n_held;
    unsigned answers;
};

static void params(void *ctx, struct ts_rpc_call *call)
{
    ts_address a;
    ts_hash h;
    ts_u256 v;
    uint64_t n;
    bool b;
    const char *s;
    struct ts_block_ref block;
    struct ts_buf bytes;
    (void)ctx;
    ts_buf_init(&bytes, 0);
    if (ts_rpc_param_count(call, 9) && ts_rpc_param_address(call, 0, "address", &a) &&
        ts_rpc_param_hash(call, 1, "hash", &h) && ts_rpc_param_u64(call, 2, "count", &n) &&
        ts_rpc_param_quantity(call, 3, "quantity", &n) && ts_rpc_param_u256(call, 4, "value", &v) &&
        ts_rpc_param_bool(call, 5, "flag", &b) && ts_rpc_param_string(call, 6, "reason", 20, &s) &&
        ts_rpc_param_bytes(call, 7, "data", 40, &bytes) &&
        ts_rpc_param_block(call, 8, "block", &block))
        ts_rpc_result_string(call, s);
    ts_buf_free(&bytes);
}

static void block(void *ctx, struct ts_rpc_call *call)
{
    struct ts_block_ref ref;
    (void)ctx;
    if (ts_rpc_param_block(call, 0, "block", &ref))
        ts_rpc_result_u64(call, ref.number);
}

static void bytes(void *ctx, struct ts_rpc_call *call)
{
    struct ts_buf b;
    (void)ctx;
    ts_buf_init(&b, 0);
    if (ts_rpc_param_bytes(call, 0, "data", 64, &b)) {
        TS_CHECK(b.n <= 64);
        ts_rpc_result_u64(call, b.n);
    }
    ts_buf_free(&b);
}

static void echo(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    const json_t *p = ts_rpc_params(call);
    ts_rpc_result(call, p ? json_deep_copy(p) : json_null());
}

static void string(void *ctx, struct ts_rpc_call *call)
{
    const char *s;
    (void)ctx;
    if (ts_rpc_param_string(call, 0, "s", 1000, &s))
        ts_rpc_fail(call, TS_RPC_FAILED, "%s", s);
}

static void later(void *ctx, struct ts_rpc_call *call)
{
    struct world *w = ctx;
    if (w->n_held < TS_COUNT(w->held))
        w->held[w->n_held++] = call;
    else
        ts_rpc_result(call, json_true());
}

static void unsubscribe(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    ts_rpc_unsubscribe(call);
}

static const struct ts_rpc_method methods[] = {
    {"p", 0, params, NULL},
    {"b", 0, block, NULL},
    {"d", 0, bytes, NULL},
    {"e", 0, echo, NULL},
    {"s", 0, string, NULL},
    {"l", 0, later, NULL},
    {"o", TS_RPC_OPERATOR, echo, NULL},
    {"w", TS_RPC_WS_ONLY, echo, NULL},
    {"u", 0, unsubscribe, NULL},
};

/* One answer object: jsonrpc, id, and either result or error with code and message. */
static void check_one(const json_t *a)
{
    const json_t *error = json_object_get(a, "error");
    TS_CHECK(strcmp(json_string_value(json_object_get(a, "jsonrpc")), "2.0") == 0);
    TS_CHECK(json_object_get(a, "id") && json_object_size(a) == 3);
    TS_CHECK(!json_object_get(a, "result") != !error);
    if (error)
        TS_CHECK(json_is_integer(json_object_get(error, "code")) &&
                 json_string_length(json_object_get(error, "message")) > 0);
}

static void on_answer(void *ctx, ts_bytes text)
{
    struct world *w = ctx;
    w->answers++;
    if (text.n == 0)
        return;
    json_t *root = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    TS_CHECK(root);
    if (json_is_array(root)) {
        TS_CHECK(json_array_size(root) > 0);
        for (size_t i = 0; i < json_array_size(root); i++)
            check_one(json_array_get(root, i));
    } else {
        check_one(root);
    }
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ts_rpc_limits limits = {.max_batch = 20, .max_depth = 8, .max_answer = 4000};
    const struct ts_rpc_peer peer = {.is_local = size % 2 == 0, .is_authorised = size % 2 == 0};
    struct world w = {0};
    struct ts_rpc *rpc = ts_rpc_new(NULL, &limits, methods, TS_COUNT(methods), &w);
    TS_CHECK(rpc);
    ts_rpc_handle(rpc, &peer, ts_bytes_of(data, size), on_answer, &w);
    TS_CHECK(w.answers == (w.n_held > 0 ? 0 : 1));
    while (w.n_held > 0) /* the last first */
        ts_rpc_result_u64(w.held[--w.n_held], 1);
    TS_CHECK(w.answers == 1 && ts_rpc_in_flight(rpc) == 0);
    ts_rpc_close(rpc);
    return 0;
}
