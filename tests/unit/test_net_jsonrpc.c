/* SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

#include "base/check.h"
#include "net/jsonrpc.h"

struct fixture {
    struct ts_rpc *rpc;
    char text[1 << 16]; /* the newest answer */
    unsigned answers;
    unsigned runs; /* of handlers */
    struct ts_rpc_call *held[32];
    unsigned n_held;
    struct ts_rpc_peer peer;
};

static void echo(void *ctx, struct ts_rpc_call *call)
{
    struct fixture *f = ctx;
    f->runs++;
    const json_t *params = ts_rpc_params(call);
    ts_rpc_result(call, params ? json_deep_copy(params) : json_null());
}

static void hold(void *ctx, struct ts_rpc_call *call)
{
    struct fixture *f = ctx;
    f->runs++;
    assert_true(f->n_held < TS_COUNT(f->held));
    f->held[f->n_held++] = call;
}

static void operator_only(void *ctx, struct ts_rpc_call *call)
{
    struct fixture *f = ctx;
    f->runs++;
    ts_rpc_result(call, json_true());
}

static void failing(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    ts_rpc_error(call, TS_RPC_FAILED, "a \"quoted\" reason\n\xff with bad bytes",
                 json_pack("{s:i}", "n", 7));
}

static void number(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    ts_rpc_result_u64(call, 443);
}

static void large(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    char text[3000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    ts_rpc_result_string(call, text);
}

static void slow(void *ctx, struct ts_rpc_call *call)
{
    struct fixture *f = ctx;
    f->runs++;
    uv_sleep(30);
    ts_rpc_result(call, json_true());
}

static void no_memory(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    ts_rpc_result(call, NULL);
}

static void raw_text(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    ts_rpc_result_text(call, ts_bytes_of("{\"a\":[1]}", 9));
}

/* One method for each parameter helper; the result shows what was read. */
static void p_hash(void *ctx, struct ts_rpc_call *call)
{
    ts_hash h;
    char text[TS_HASH_HEX_SIZE];
    (void)ctx;
    if (ts_rpc_param_hash(call, 0, "hash", &h))
        ts_rpc_result_string(call, ts_hex(h.b, sizeof(h.b), text));
}

static void p_address(void *ctx, struct ts_rpc_call *call)
{
    ts_address a;
    char text[TS_ADDRESS_HEX_SIZE];
    (void)ctx;
    if (ts_rpc_param_count(call, 2) && ts_rpc_param_address(call, 0, "address", &a))
        ts_rpc_result_string(call, ts_hex(a.b, sizeof(a.b), text));
}

static void p_u64(void *ctx, struct ts_rpc_call *call)
{
    uint64_t v;
    (void)ctx;
    if (ts_rpc_param_u64(call, 1, "count", &v))
        ts_rpc_result_u64(call, v);
}

static void p_quantity(void *ctx, struct ts_rpc_call *call)
{
    uint64_t v;
    (void)ctx;
    if (ts_rpc_param_quantity(call, 0, NULL, &v))
        ts_rpc_result_u64(call, v);
}

static void p_u256(void *ctx, struct ts_rpc_call *call)
{
    ts_u256 v;
    char text[80];
    (void)ctx;
    if (ts_rpc_param_u256(call, 0, NULL, &v))
        ts_rpc_result_string(call, ts_u256_decimal(&v, text));
}

static void p_bool(void *ctx, struct ts_rpc_call *call)
{
    bool v;
    (void)ctx;
    if (ts_rpc_param_bool(call, 0, NULL, &v))
        ts_rpc_result(call, json_boolean(v));
}

static void p_string(void *ctx, struct ts_rpc_call *call)
{
    const char *v;
    (void)ctx;
    if (ts_rpc_param_string(call, 0, "reason", 5, &v))
        ts_rpc_result_string(call, v);
}

static void p_bytes(void *ctx, struct ts_rpc_call *call)
{
    struct ts_buf b;
    char text[64];
    (void)ctx;
    ts_buf_init(&b, 0);
    if (ts_rpc_param_bytes(call, 0, NULL, 4, &b))
        ts_rpc_result_string(call, ts_hex(b.p, b.n, text));
    ts_buf_free(&b);
}

static void p_block(void *ctx, struct ts_rpc_call *call)
{
    struct ts_block_ref r;
    char text[TS_HASH_HEX_SIZE + 32];
    char hash[TS_HASH_HEX_SIZE];
    (void)ctx;
    if (!ts_rpc_param_block(call, 0, "block", &r))
        return;
    snprintf(text, sizeof(text), "%d %llu %.6s", (int)r.kind, (unsigned long long)r.number,
             ts_hex(r.hash.b, 32, hash));
    ts_rpc_result_string(call, text);
}

static void ws_only(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    ts_rpc_subscribe(call, "newHeads", "eth_subscription");
}

static void unsubscribe(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    ts_rpc_unsubscribe(call);
}

static const struct ts_rpc_method methods[] = {
    {"echo", 0, echo, NULL},
    {"hold", 0, hold, NULL},
    {"failing", 0, failing, NULL},
    {"number", 0, number, NULL},
    {"slow", TS_RPC_HEAVY, slow, NULL},
    {"large", 0, large, NULL},
    {"no_memory", 0, no_memory, NULL},
    {"raw_text", 0, raw_text, NULL},
    {"p_hash", 0, p_hash, NULL},
    {"p_address", 0, p_address, NULL},
    {"p_u64", 0, p_u64, NULL},
    {"p_quantity", 0, p_quantity, NULL},
    {"p_u256", 0, p_u256, NULL},
    {"p_bool", 0, p_bool, NULL},
    {"p_string", 0, p_string, NULL},
    {"p_bytes", 0, p_bytes, NULL},
    {"p_block", 0, p_block, NULL},
    {"n_none", 0, echo, ""},
    {"n_one", 0, echo, "enclave"},
    {"n_three", 0, echo, "enclave replacement reason"},
    {"n_position", TS_RPC_BY_POSITION, echo, "address block"},
    {"operator_only", TS_RPC_OPERATOR, operator_only, NULL},
    {"eth_subscribe", TS_RPC_WS_ONLY, ws_only, NULL},
    {"eth_unsubscribe", TS_RPC_WS_ONLY, unsubscribe, NULL},
};

static void on_answer(void *ctx, ts_bytes text)
{
    struct fixture *f = ctx;
    assert_true(text.n < sizeof(f->text));
    f->answers++;
    if (text.n > 0)
        memcpy(f->text, text.p, text.n);
    f->text[text.n] = '\0';
    if (text.n > 0) {
        json_t *json = json_loadb((const char *)text.p, text.n, 0, NULL);
        if (!json)
            fail_msg("no JSON: %s", f->text);
        json_decref(json);
    }
}

static void start_on(struct fixture *f, uv_loop_t *loop, const struct ts_rpc_limits *limits)
{
    memset(f, 0, sizeof(*f));
    if (loop != NULL)
        loop_start(loop);
    f->rpc = ts_rpc_new(loop, limits, methods, TS_COUNT(methods), f);
    assert_non_null(f->rpc);
}

static void start(struct fixture *f, const struct ts_rpc_limits *limits)
{
    start_on(f, NULL, limits);
}

static const char *ask(struct fixture *f, const char *text)
{
    f->text[0] = '\0';
    ts_rpc_handle(f->rpc, &f->peer, ts_bytes_of(text, strlen(text)), on_answer, f);
    return f->text;
}

struct row {
    const char *in;
    const char *out;
};

static void rows(struct fixture *f, const struct row *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned before = f->answers;
        const char *out = ask(f, table[i].in);
        if (strcmp(out, table[i].out) != 0)
            fail_msg("%s\n gives  %s\n and not %s", table[i].in, out, table[i].out);
        assert_int_equal(f->answers, before + 1);
    }
}

#define CALL(id, method, params)                                                                   \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"
#define OK(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"
#define ERR(id, code, message)                                                                     \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" code ",\"message\":\"" message "\"}" \
    "}"

static void error_table(void **state)
{
    static const struct row table[] = {
        {"", ERR("null", "-32700",
                 "the text is not valid JSON at byte 0: unexpected token near end of file")},
        {"{\"a\":1,\"a\":2}",
         ERR("null", "-32700",
             "the text is not valid JSON at byte 10: duplicate object key near '\\\"a\\\"'")},
        {"7", ERR("null", "-32600", "a request must be a JSON object")},
        {"{} x", ERR("null", "-32700",
                     "the text is not valid JSON at byte 4: end of file expected near 'x'")},
        {"[]", ERR("null", "-32600", "a batch must hold 1 to 1000 requests, not 0")},
        {"{}", ERR("null", "-32600", "\\\"jsonrpc\\\" must be \\\"2.0\\\"")},
        {"[1]", "[" ERR("null", "-32600", "a request must be a JSON object") "]"},
        {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"echo\"}",
         ERR("1", "-32600", "\\\"jsonrpc\\\" must be \\\"2.0\\\"")},
        {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"echo\"}",
         ERR("null", "-32600", "\\\"id\\\" must be a string, a number or null")},
        {"{\"jsonrpc\":\"2.0\",\"id\":1}", ERR("1", "-32600", "\\\"method\\\" must be a string")},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}",
         ERR("1", "-32600", "\\\"method\\\" must be a string")},
        {CALL("\"x\"", "nosuch", "[]"), ERR("\"x\"", "-32601", "the method nosuch does not exist")},
        {CALL("1", "echo", "7"),
         ERR("1", "-32602", "echo: \\\"params\\\" must be an array or an object")},
        {CALL("1", "operator_only", "[]"),
         ERR("1", "-32001",
             "operator_only: only the operator may call this, from the host's own machine or with "
             "its bearer token")},
        {CALL("1", "eth_subscribe", "[\"newHeads\"]"),
         ERR("1", "-32000", "eth_subscribe: only served over a WebSocket")},
        {CALL("1", "no_memory", "[]"), ERR("1", "-32603", "no_memory: out of memory")},
        {CALL("1", "failing", "[]"),
         "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32000,\"message\":\"a \\\"quoted\\\" "
         "reason\\u000a? with bad bytes\",\"data\":{\"n\":7}}}"},
    };
    struct fixture f;
    (void)state;
    start(&f, NULL);
    rows(&f, table, TS_COUNT(table));
    assert_int_equal(f.runs, 0);
    assert_int_equal(ts_rpc_counters(f.rpc)->errors, TS_COUNT(table));
    assert_int_equal(ts_rpc_in_flight(f.rpc), 0);
    ts_rpc_close(f.rpc);
}

static void good_calls(void **state)
{
    static const struct row table[] = {
        {CALL("1", "number", "[]"), OK("1", "\"0x1bb\"")},
        {CALL("\"a\\\"b\"", "number", "{}"), OK("\"a\\\"b\"", "\"0x1bb\"")},
        {CALL("null", "number", "null"), OK("null", "\"0x1bb\"")},
        {CALL("-5", "raw_text", "[]"), OK("-5", "{\"a\":[1]}")},
        {CALL("1.5", "number", "[]"), OK("1.5", "\"0x1bb\"")},
        {CALL("1", "echo", "[1,\"\u00e9\",null]"), OK("1", "[1,\"\u00e9\",null]")},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}", OK("1", "null")},
        {" [" CALL("1", "number", "[]") "]", "[" OK("1", "\"0x1bb\"") "]"},
        /* notifications get no answer, not even for their errors */
        {"{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}", ""},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"nosuch\"}", ""},
        {"[{\"jsonrpc\":\"2.0\",\"method\":\"echo\"},{\"jsonrpc\":\"2.0\",\"method\":\"failing\"}]",
         ""},
        {"[{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}," CALL("2", "number", "[]") ",3," CALL(
             "4", "nosuch", "[]") "]",
         "[" OK("2", "\"0x1bb\"") "," ERR(
             "null", "-32600",
             "a request must be a JSON object") "," ERR("4", "-32601",
                                                        "the method nosuch does not exist") "]"},
    };
    struct fixture f;
    (void)state;
    start(&f, NULL);
    rows(&f, table, TS_COUNT(table));
    f.peer.is_authorised = true;
    assert_string_equal(ask(&f, CALL("1", "operator_only", "[]")), OK("1", "true"));
    ts_rpc_close(f.rpc);
}

#define A40 "00000000000000000000000000000000000000Aa"
#define A64 "00000000000000000000000000000000000000000000000000000000000000ff"

static const struct row parameter_table[] = {
    {CALL("1", "p_hash", "[\"0x" A64 "\"]"), OK("1", "\"0x" A64 "\"")},
    {CALL("1", "p_hash", "[\"0x" A40 "\"]"),
     ERR("1", "-32602", "p_hash: parameter 1 must be a 0x hash of 32 bytes")},
    {CALL("1", "p_hash", "[7]"),
     ERR("1", "-32602", "p_hash: parameter 1 must be a 0x hash of 32 bytes")},
    {CALL("1", "p_hash", "[]"),
     ERR("1", "-32602", "p_hash: parameter 1 is missing; it must be a 0x hash of 32 bytes")},
    {CALL("1", "p_hash", "{}"),
     ERR("1", "-32602",
         "p_hash: parameter \\\"hash\\\" is missing; it must be a 0x hash of 32 bytes")},
    {CALL("1", "p_address", "[\"0x" A40 "\",\"latest\"]"),
     OK("1", "\"0x00000000000000000000000000000000000000aa\"")},
    {CALL("1", "p_address", "{\"address\":\"0x" A40 "\"}"),
     OK("1", "\"0x00000000000000000000000000000000000000aa\"")},
    {CALL("1", "p_address", "[{\"address\":\"0x" A40 "\"}]"),
     OK("1", "\"0x00000000000000000000000000000000000000aa\"")},
    {CALL("1", "p_address", "[\"0x12\"]"),
     ERR("1", "-32602", "p_address: parameter 1 must be a 0x address of 20 bytes")},
    {CALL("1", "p_address", "[1,2,3]"),
     ERR("1", "-32602", "p_address: 3 parameters are given, at most 2 are taken")},
    {CALL("1", "p_u64", "[0,7]"), OK("1", "\"0x7\"")},
    {CALL("1", "p_u64", "[0,\"18446744073709551615\"]"), OK("1", "\"0xffffffffffffffff\"")},
    {CALL("1", "p_u64", "{\"count\":\"0x10\"}"), OK("1", "\"0x10\"")},
    {CALL("1", "p_u64", "[{\"from\":1,\"count\":16}]"), OK("1", "\"0x10\"")},
    {CALL("1", "p_u64", "[0,-1]"),
     ERR("1", "-32602",
         "p_u64: parameter 2 must be a number from 0 to 2^64 - 1, a decimal string or 0x hex")},
    {CALL("1", "p_quantity", "[\"0x0\"]"), OK("1", "\"0x0\"")},
    {CALL("1", "p_quantity", "[\"0xABc\"]"), OK("1", "\"0xabc\"")},
    {CALL("1", "p_quantity", "[\"0x00\"]"),
     ERR("1", "-32602",
         "p_quantity: parameter 1 must be a 0x quantity of at most 8 bytes without leading "
         "zeros")},
    {CALL("1", "p_quantity", "[\"0x\"]"),
     ERR("1", "-32602",
         "p_quantity: parameter 1 must be a 0x quantity of at most 8 bytes without leading "
         "zeros")},
    {CALL("1", "p_quantity", "[\"0x10000000000000000\"]"),
     ERR("1", "-32602",
         "p_quantity: parameter 1 must be a 0x quantity of at most 8 bytes without leading "
         "zeros")},
    {CALL("1", "p_u256", "[\"1000000000000000000000\"]"), OK("1", "\"1000000000000000000000\"")},
    {CALL("1", "p_u256", "[\"0xff\"]"), OK("1", "\"255\"")},
    {CALL("1", "p_u256", "[null]"),
     ERR("1", "-32602",
         "p_u256: parameter 1 is missing; it must be a 0x or decimal string of at most 32 "
         "bytes")},
    {CALL("1", "p_bool", "[true]"), OK("1", "true")},
    {CALL("1", "p_bool", "[\"true\"]"),
     ERR("1", "-32602", "p_bool: parameter 1 must be true or false")},
    {CALL("1", "p_string", "[\"12345\"]"), OK("1", "\"12345\"")},
    {CALL("1", "p_string", "{\"reason\":\"123456\"}"),
     ERR("1", "-32602", "p_string: parameter \\\"reason\\\" must be a string of at most 5 bytes")},
    {CALL("1", "p_bytes", "[\"0x\"]"), OK("1", "\"0x\"")},
    {CALL("1", "p_bytes", "[\"0xdeadbeef\"]"), OK("1", "\"0xdeadbeef\"")},
    {CALL("1", "p_bytes", "[\"0xdeadbeef00\"]"),
     ERR("1", "-32602", "p_bytes: parameter 1 must be 0x and hex digits of at most 4 bytes")},
    {CALL("1", "p_bytes", "[\"0xabc\"]"),
     ERR("1", "-32602", "p_bytes: parameter 1 must be 0x and hex digits of at most 4 bytes")},
    {CALL("1", "p_bytes", "[\"abcd\"]"),
     ERR("1", "-32602", "p_bytes: parameter 1 must be 0x and hex digits of at most 4 bytes")},
    {CALL("1", "p_block", "[]"), OK("1", "\"0 0 0x0000\"")},
    {CALL("1", "p_block", "[\"pending\"]"), OK("1", "\"1 0 0x0000\"")},
    {CALL("1", "p_block", "[\"earliest\"]"), OK("1", "\"4 0 0x0000\"")},
    {CALL("1", "p_block", "[\"0x1b4\"]"), OK("1", "\"5 436 0x0000\"")},
    {CALL("1", "p_block",
          "[\"0xab"
          "000000000000000000000000000000000000000000000000000000000000"
          "00\"]"),
     OK("1", "\"6 0 0xab00\"")},
    {CALL("1", "p_block", "[{\"blockNumber\":\"0x2\"}]"), OK("1", "\"5 2 0x0000\"")},
    {CALL("1", "p_block", "[{\"blockHash\":\"0x" A64 "\"}]"), OK("1", "\"6 0 0x0000\"")},
    {CALL("1", "p_block", "[\"newest\"]"),
     ERR("1", "-32602",
         "p_block: parameter 1 must be a block tag, a 0x number, a 0x hash of 32 bytes, or an "
         "object with one of blockNumber and blockHash")},
};

static void parameters(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, NULL);
    rows(&f, parameter_table, TS_COUNT(parameter_table));
    ts_rpc_close(f.rpc);
}

static const struct row names_table[] = {
    {CALL("1", "n_none", "[]"), OK("1", "[]")},
    {CALL("1", "n_none", "{}"), OK("1", "{}")},
    {CALL("1", "n_none", "[1]"),
     ERR("1", "-32602", "n_none: 1 parameters are given, at most 0 are taken")},
    {CALL("1", "n_none", "{\"to\":1}"),
     ERR("1", "-32602", "n_none: there is no parameter \\\"to\\\"; there are none")},
    {CALL("1", "n_one", "{\"enclav\":1}"),
     ERR("1", "-32602", "n_one: there is no parameter \\\"enclav\\\"; there is \\\"enclave\\\"")},
    {CALL("1", "n_three", "{\"reason\":1,\"enclave\":2}"), OK("1", "{\"reason\":1,\"enclave\":2}")},
    {CALL("1", "n_three", "[{\"reason\":1,\"rep\":2}]"),
     ERR("1", "-32602",
         "n_three: there is no parameter \\\"rep\\\"; there are \\\"enclave\\\", "
         "\\\"replacement\\\", \\\"reason\\\"")},
    {CALL("1", "n_three", "[1,2,3,4]"),
     ERR("1", "-32602", "n_three: 4 parameters are given, at most 3 are taken")},
    {CALL("1", "n_position", "[{\"anything\":1},2]"), OK("1", "[{\"anything\":1},2]")},
    {CALL("1", "n_position", "{}"), OK("1", "{}")},
    {CALL("1", "n_position", "{\"address\":1}"),
     ERR("1", "-32602",
         "n_position: parameters are taken by position, as an array: [address, block]")},
    {CALL("1", "n_position", "[1,2,3]"),
     ERR("1", "-32602", "n_position: 3 parameters are given, at most 2 are taken")},
};

static void names_of_parameters(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, NULL);
    rows(&f, names_table, TS_COUNT(names_table));
    ts_rpc_close(f.rpc);
}

static void depth_and_amount(void **state)
{
    struct fixture f;
    struct ts_buf b;
    (void)state;
    start(&f, &(struct ts_rpc_limits){.max_depth = 5, .max_batch = 3});
    assert_non_null(strstr(ask(&f, CALL("1", "echo", "[[[[7]]]]")), "\"result\":[[[[7]]]]"));
    assert_non_null(strstr(ask(&f, CALL("1", "echo", "[[[[[7]]]]]")), "nested too deeply"));
    assert_non_null(strstr(ask(&f, CALL("1", "echo", "[\"[[[[[[[[[[\\\"[[[[[[[\"]")), "result"));
    assert_non_null(strstr(ask(&f, "[1,2,3,4]"), "1 to 3 requests, not 4"));
    ts_buf_init(&b, 0);
    for (int i = 0; i < 300000; i++)
        ts_buf_printf(&b, i == 0 ? "[" : ",");
    ts_buf_printf(&b, "]%c", 0);
    assert_non_null(strstr(ask(&f, (const char *)b.p), "too many values"));
    ts_buf_reset(&b);
    for (int i = 0; i < 100000; i++)
        ts_buf_put_byte(&b, '[');
    ts_buf_put_byte(&b, 0);
    assert_non_null(strstr(ask(&f, (const char *)b.p), "nested too deeply"));
    ts_buf_free(&b);
    assert_int_equal(ts_rpc_counters(f.rpc)->malformed, 4);
    ts_rpc_close(f.rpc);
}

static void batch_waits_for_the_last(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, NULL);
    ask(&f, "[" CALL("1", "hold", "[]") "," CALL("2", "number", "[]") "," CALL(
                "3", "hold", "[]") "," CALL("4", "hold", "[]") "]");
    assert_int_equal(f.answers, 0);
    assert_int_equal(ts_rpc_in_flight(f.rpc), 3);
    ts_rpc_result_u64(f.held[2], 4);
    ts_rpc_fail(f.held[0], TS_RPC_FAILED, "no %d", 1);
    assert_int_equal(f.answers, 0);
    ts_rpc_result_u64(f.held[1], 3);
    assert_int_equal(f.answers, 1);
    /* in the order of the calls, whatever the order of the answers */
    assert_string_equal(f.text,
                        "[" ERR("1", "-32000", "hold: no 1") "," OK("2", "\"0x1bb\"") "," OK(
                            "3", "\"0x3\"") "," OK("4", "\"0x4\"") "]");
    assert_int_equal(ts_rpc_in_flight(f.rpc), 0);
    ts_rpc_close(f.rpc);
}

static void in_flight_is_bounded(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, &(struct ts_rpc_limits){.max_in_flight = 3, .max_in_flight_per_connection = 2});
    ask(&f,
        "[" CALL("1", "hold", "[]") "," CALL("2", "hold", "[]") "," CALL("3", "hold", "[]") "]");
    assert_int_equal(f.n_held, 2);
    ask(&f, CALL("4", "hold", "[]"));
    assert_int_equal(f.n_held, 3);
    assert_string_equal(ask(&f, CALL("5", "hold", "[]")),
                        ERR("5", "-32005", "hold: too many requests are unanswered; try again"));
    assert_int_equal(ts_rpc_counters(f.rpc)->too_many, 2);
    for (unsigned i = 0; i < 3; i++)
        ts_rpc_result(f.held[i], json_true());
    assert_non_null(strstr(ask(&f, CALL("6", "number", "[]")), "0x1bb"));
    ts_rpc_close(f.rpc);
}

static void answer_is_bounded(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, &(struct ts_rpc_limits){.max_answer = 4000});
    assert_non_null(strstr(ask(&f, CALL("1", "large", "[]")), "xxxx"));
    ask(&f, "[" CALL("1", "large", "[]") "," CALL("2", "large", "[]") "," CALL("3", "number",
                                                                               "[]") "]");
    assert_non_null(strstr(
        f.text,
        "xxx\"}," ERR("2", "-32000", "large: the answer would be longer than 4000 bytes") "," OK(
            "3", "\"0x1bb\"") "]"));
    ts_rpc_close(f.rpc);
}

/* What takes long does not hold up the rest, however many calls are in a text. */
static void heavy_calls_share_a_turn_of_the_loop(void **state)
{
    struct fixture f;
    uv_loop_t loop;
    (void)state;
    start_on(&f, &loop, &(struct ts_rpc_limits){.heavy_ms = 20});
    ask(&f,
        "[" CALL("1", "slow", "[]") "," CALL("2", "slow", "[]") "," CALL("3", "number", "[]") "]");
    assert_string_equal(
        f.text, "[" OK("1", "true") "," ERR("2", "-32005",
                                            "slow: the calls before it took 20 ms; ask in a text "
                                            "of its own") "," OK("3", "\"0x1bb\"") "]");
    ask(&f, CALL("4", "slow", "[]")); /* another connection, in the same turn */
    assert_non_null(strstr(f.text, "-32005"));
    assert_int_equal(f.runs, 1);
    assert_int_equal(ts_rpc_counters(f.rpc)->too_many, 2);
    uv_update_time(&loop);
    assert_string_equal(ask(&f, CALL("5", "slow", "[]")), OK("5", "true"));
    ts_rpc_close(f.rpc);
    loop_end(&loop);
}

static void late_answer_is_dropped(void **state)
{
    struct fixture f;
    uv_loop_t loop;
    (void)state;
    start_on(&f, &loop, &(struct ts_rpc_limits){.deadline_ms = 40});
    ask(&f, "[" CALL("1", "hold", "[5]") "," CALL("2", "hold", "[]") "]");
    ts_rpc_result_u64(f.held[1], 2);
    PUMP_UNTIL(&loop, f.answers == 1, 2000);
    assert_string_equal(
        f.text, "[" ERR("1", "-32000", "hold: no answer within 40 ms") "," OK("2", "\"0x2\"") "]");
    assert_int_equal(ts_rpc_counters(f.rpc)->late, 1);
    /* The handler still may look at its call. */
    assert_false(ts_rpc_is_open(f.held[0]));
    assert_null(ts_rpc_ws(f.held[0]));
    assert_true(ts_rpc_param_u64(f.held[0], 0, NULL, &(uint64_t){0}));
    assert_int_equal(ts_rpc_in_flight(f.rpc), 1);
    ts_rpc_result_u64(f.held[0], 1);
    assert_int_equal(f.answers, 1);
    assert_int_equal(ts_rpc_in_flight(f.rpc), 0);
    /* One that is answered after the dispatcher has gone. */
    ask(&f, CALL("3", "hold", "[]"));
    ts_rpc_close(f.rpc);
    loop_end(&loop);
    ts_rpc_fail(f.held[2], TS_RPC_FAILED, "too late");
}

/* ---- over sockets ---- */

struct net {
    uv_loop_t loop;
    struct ts_server *server;
    struct fixture f;
    struct raw_in in;
};

static struct net *net_start(unsigned deadline_ms)
{
    struct net *n = calloc(1, sizeof(*n));
    char why[256];
    start_on(&n->f, &n->loop, &(struct ts_rpc_limits){.deadline_ms = deadline_ms});
    struct ts_ws_path path = {.path = "/",
                              .max_message = 1 << 16,
                              .max_queue = 1 << 16,
                              .handlers = ts_rpc_ws_handlers,
                              .ctx = n->f.rpc};
    struct ts_server_config config = {
        .on_post = ts_rpc_on_post, .post_ctx = n->f.rpc, .ws_paths = &path, .n_ws_paths = 1};
    assert_int_equal(ts_server_new(&n->loop, &config, &n->server, why, sizeof(why)), TS_OK);
    return n;
}

static void net_end(struct net *n)
{
    ts_server_close(n->server, 0, NULL, NULL);
    pump_ms(&n->loop, 5);
    ts_rpc_close(n->f.rpc);
    loop_end(&n->loop);
    free(n);
}

static void post(struct net *n, int fd, const char *body)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_buf_printf(&b, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s",
                  strlen(body), body);
    raw_send(&n->loop, fd, b.p, b.n);
    ts_buf_free(&b);
}

static void over_http(void **state)
{
    struct net *n = net_start(0);
    int fd = raw_tcp(ts_server_port(n->server));
    (void)state;
    post(n, fd, CALL("1", "operator_only", "[]")); /* loopback: the operator */
    EXPECT_TEXT(&n->loop, fd, &n->in, "\r\n\r\n" OK("1", "true"));
    assert_non_null(strstr(n->in.p, "Content-Type: application/json\r\n"));
    post(n, fd, "{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}");
    EXPECT_TEXT(&n->loop, fd, &n->in, "HTTP/1.1 204 No Content");
    post(n, fd, "not JSON");
    EXPECT_TEXT(&n->loop, fd, &n->in, "-32700");
    /* The client goes away while its call is at work. */
    post(n, fd, CALL("9", "hold", "[]"));
    PUMP_UNTIL(&n->loop, n->f.n_held == 1, 2000);
    assert_true(ts_rpc_is_open(n->f.held[0]));
    struct linger hard = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(fd);
    PUMP_UNTIL(&n->loop, !ts_rpc_is_open(n->f.held[0]), 2000);
    assert_false(ts_rpc_is_open(n->f.held[0]));
    ts_rpc_result(n->f.held[0], json_true());
    assert_int_equal(ts_server_counters(n->server)->dropped_replies, 1);
    net_end(n);
}

#define UPGRADE                                                                                    \
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, "          \
    "Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static void ws_text(struct net *n, int fd, const char *text)
{
    uint8_t frame[600] = {0x81};
    size_t len = strlen(text);
    assert_true(len < 500);
    frame[1] = 0x80 | 126;
    frame[2] = (uint8_t)(len >> 8);
    frame[3] = (uint8_t)len;
    if (len < 126) {
        frame[1] = (uint8_t)(0x80 | len);
        memset(frame + 2, 0, 4); /* a mask of zeroes */
        memcpy(frame + 6, text, len);
        raw_send(&n->loop, fd, frame, 6 + len);
        return;
    }
    memcpy(frame + 8, text, len);
    raw_send(&n->loop, fd, frame, 8 + len);
}

static void over_websocket(void **state)
{
    struct net *n = net_start(0);
    int fd = raw_tcp(ts_server_port(n->server));
    (void)state;
    raw_puts(&n->loop, fd, UPGRADE);
    EXPECT_TEXT(&n->loop, fd, &n->in, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    ws_text(n, fd, CALL("1", "number", "[]"));
    EXPECT_TEXT(&n->loop, fd, &n->in, OK("1", "\"0x1bb\""));
    ws_text(n, fd, "junk");
    EXPECT_TEXT(&n->loop, fd, &n->in, "-32700");
    ws_text(n, fd, CALL("2", "eth_subscribe", "[\"newHeads\"]"));
    EXPECT_TEXT(&n->loop, fd, &n->in, OK("2", "\"0x1\""));
    assert_int_equal(ts_rpc_subscribers(n->f.rpc, "newHeads"), 1);
    json_t *head = json_pack("{s:s}", "number", "0x7");
    ts_rpc_publish(n->f.rpc, "newHeads", head);
    ts_rpc_publish(n->f.rpc, "other", head);
    EXPECT_TEXT(&n->loop, fd, &n->in,
                "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{\"subscription\":"
                "\"0x1\",\"result\":{\"number\":\"0x7\"}}}");
    assert_int_equal(ts_rpc_counters(n->f.rpc)->notifications, 1);
    ws_text(n, fd, CALL("3", "eth_unsubscribe", "[\"0x9\"]"));
    EXPECT_TEXT(&n->loop, fd, &n->in, OK("3", "false"));
    ws_text(n, fd, CALL("4", "eth_unsubscribe", "[\"0x1\"]"));
    EXPECT_TEXT(&n->loop, fd, &n->in, OK("4", "true"));
    assert_int_equal(ts_rpc_subscribers(n->f.rpc, "newHeads"), 0);
    /* Subscriptions end with the connection, and answers for it are dropped. */
    ws_text(n, fd, CALL("5", "eth_subscribe", "[\"newHeads\"]"));
    ws_text(n, fd, CALL("6", "hold", "[]"));
    PUMP_UNTIL(&n->loop, n->f.n_held == 1, 2000);
    assert_int_equal(ts_rpc_subscribers(n->f.rpc, "newHeads"), 1);
    assert_non_null(ts_rpc_ws(n->f.held[0]));
    close(fd);
    PUMP_UNTIL(&n->loop, !ts_rpc_is_open(n->f.held[0]), 2000);
    assert_null(ts_rpc_ws(n->f.held[0]));
    assert_int_equal(ts_rpc_subscribers(n->f.rpc, "newHeads"), 0);
    ts_rpc_publish(n->f.rpc, "newHeads", head);
    ts_rpc_result(n->f.held[0], json_true());
    json_decref(head);
    net_end(n);
}

static void too_many_subscriptions(void **state)
{
    struct net *n = net_start(0);
    int fd = raw_tcp(ts_server_port(n->server));
    (void)state;
    raw_puts(&n->loop, fd, UPGRADE);
    for (int i = 0; i < 33; i++)
        ws_text(n, fd, CALL("2", "eth_subscribe", "[\"newHeads\"]"));
    EXPECT_TEXT(&n->loop, fd, &n->in, "the connection has 32 subscriptions already");
    close(fd);
    net_end(n);
}

/* A subscriber that does not read is closed when its queue is full; the others go on. */
static void slow_subscriber(void **state)
{
    struct net *n = net_start(0);
    int slow = raw_tcp(ts_server_port(n->server));
    int good = raw_tcp(ts_server_port(n->server));
    struct raw_in *in = calloc(1, sizeof(*in));
    size_t got = 0;
    (void)state;
    setsockopt(slow, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int));
    const int fds[] = {slow, good};
    for (size_t i = 0; i < 2; i++) {
        raw_puts(&n->loop, fds[i], UPGRADE);
        ws_text(n, fds[i], CALL("2", "eth_subscribe", "[\"newHeads\"]"));
    }
    PUMP_UNTIL(&n->loop, ts_rpc_subscribers(n->f.rpc, "newHeads") == 2, 2000);
    json_t *text = json_sprintf("%030000d", 0);
    for (int i = 0; i < 400; i++) {
        ts_rpc_publish(n->f.rpc, "newHeads", text);
        pump_once(&n->loop);
        raw_read(good, in);
        got += in->n;
        in->n = 0;
    }
    json_decref(text);
    assert_int_equal(ts_server_counters(n->server)->ws_overflow, 1);
    assert_int_equal(ts_rpc_subscribers(n->f.rpc, "newHeads"), 1);
    PUMP_UNTIL(&n->loop, (raw_read(good, in), got += in->n, in->n = 0, got > 400u * 30000u), 3000);
    assert_true(got > 400u * 30000u);
    close(slow);
    close(good);
    free(in);
    net_end(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_table),
        cmocka_unit_test(good_calls),
        cmocka_unit_test(parameters),
        cmocka_unit_test(names_of_parameters),
        cmocka_unit_test(depth_and_amount),
        cmocka_unit_test(batch_waits_for_the_last),
        cmocka_unit_test(in_flight_is_bounded),
        cmocka_unit_test(heavy_calls_share_a_turn_of_the_loop),
        cmocka_unit_test(answer_is_bounded),
        cmocka_unit_test(late_answer_is_dropped),
        cmocka_unit_test(over_http),
        cmocka_unit_test(over_websocket),
        cmocka_unit_test(too_many_subscriptions),
        cmocka_unit_test(slow_subscriber),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
