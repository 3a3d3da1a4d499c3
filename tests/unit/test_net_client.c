/* SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

#include <pthread.h>

#include "base/check.h"
#include "net/http_client.h"
#include "net/jsonrpc.h"

struct rig {
    uv_loop_t loop;
    struct ts_server *server;
    struct ts_rpc *rpc;
    struct ts_rpc_call *held[16];
    unsigned n_held;
    char url[64];
    uv_async_t stop; /* when the rig has a thread of its own */
    pthread_t thread;
};

static void echo(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    ts_rpc_result(call, json_deep_copy(ts_rpc_params(call)));
}

static void hold(void *ctx, struct ts_rpc_call *call)
{
    struct rig *g = ctx;
    assert_true(g->n_held < TS_COUNT(g->held));
    g->held[g->n_held++] = call;
}

static void refuse(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    ts_rpc_fail(call, TS_RPC_FAILED, "there is no candidate");
}

static void large(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    char text[3000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    ts_rpc_result_string(call, text);
}

static void operator_only(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    ts_rpc_result(call, json_true());
}

static const struct ts_rpc_method methods[] = {
    {"echo", 0, echo, NULL},
    {"hold", 0, hold, NULL},
    {"refuse", 0, refuse, NULL},
    {"large", 0, large, NULL},
    {"operator_only", TS_RPC_OPERATOR, operator_only, NULL},
};

static void on_get(void *ctx, struct ts_http_request *req, const char *path, const char *query)
{
    (void)ctx;
    (void)query;
    ts_http_reply_text(req, 404, "nothing at %s", path);
}

static void rig_start(struct rig *g, const char *address, const char *token)
{
    char why[256];
    memset(g, 0, sizeof(*g));
    loop_start(&g->loop);
    g->rpc = ts_rpc_new(&g->loop, NULL, methods, TS_COUNT(methods), g);
    struct ts_server_config config = {.address = address,
                                      .bearer_token = token,
                                      .max_body = 5000,
                                      .on_post = ts_rpc_on_post,
                                      .post_ctx = g->rpc,
                                      .on_get = on_get};
    assert_int_equal(ts_server_new(&g->loop, &config, &g->server, why, sizeof(why)), TS_OK);
    snprintf(g->url, sizeof(g->url), "http://127.0.0.1:%u", ts_server_port(g->server));
}

static void rig_end(struct rig *g)
{
    ts_server_close(g->server, 0, NULL, NULL);
    ts_rpc_close(g->rpc);
    loop_end(&g->loop);
}

struct got {
    unsigned n;
    ts_err err;
    char why[512];
    char result[256];
    bool has_error;
    unsigned ok;
};

static void on_done(void *ctx, ts_err err, json_t *result, json_t *rpc_error, const char *why)
{
    struct got *got = ctx;
    got->n++;
    got->ok += err == TS_OK;
    got->err = err;
    got->has_error = rpc_error != NULL;
    snprintf(got->why, sizeof(got->why), "%s", why);
    assert_true((err == TS_OK) == (result != NULL));
    char *text = result ? json_dumps(result, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    snprintf(got->result, sizeof(got->result), "%s", text ? text : "");
    free(text);
}

static struct ts_http_client *client_of(struct rig *g, const char *url, size_t connections)
{
    struct ts_http_client *c = NULL;
    char why[512];
    struct ts_http_client_config config = {
        .url = url, .max_connections = connections, .max_queue = 100, .max_answer = 2500};
    assert_int_equal(ts_http_client_new(&g->loop, &config, &c, why, sizeof(why)), TS_OK);
    return c;
}

static void calls(void **state)
{
    struct rig g;
    struct got got = {0};
    (void)state;
    rig_start(&g, NULL, NULL);
    struct ts_http_client *c = client_of(&g, g.url, 2);
    assert_int_equal(
        ts_http_client_call(c, "echo", json_pack("[i,s]", 1, "two"), 2000, on_done, &got), TS_OK);
    PUMP_UNTIL(&g.loop, got.n == 1, 3000);
    assert_int_equal(got.err, TS_OK);
    assert_string_equal(got.result, "[1,\"two\"]");
    assert_int_equal(ts_http_client_call(c, "refuse", NULL, 2000, on_done, &got), TS_OK);
    PUMP_UNTIL(&g.loop, got.n == 2, 3000);
    assert_int_equal(got.err, TS_E_CONFLICT);
    assert_true(got.has_error);
    assert_string_equal(got.why, "refuse: there is no candidate");
    assert_int_equal(ts_http_client_call(c, "large", NULL, 2000, on_done, &got), TS_OK);
    PUMP_UNTIL(&g.loop, got.n == 3, 3000);
    assert_int_equal(got.err, TS_E_LIMIT);
    assert_non_null(strstr(got.why, "longer than 2500 bytes"));
    char big[6000];
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    assert_int_equal(ts_http_client_call(c, "echo", json_pack("[s]", big), 2000, on_done, &got),
                     TS_OK);
    PUMP_UNTIL(&g.loop, got.n == 4, 3000);
    assert_int_equal(got.err, TS_E_IO);
    assert_non_null(strstr(got.why, "HTTP 413: the body is longer than 5000 bytes"));
    ts_http_client_close(c);
    rig_end(&g);
}

/* Many at once over few connections, which are kept. */
static void many_calls(void **state)
{
    struct rig g;
    struct got got = {0};
    (void)state;
    rig_start(&g, NULL, NULL);
    struct ts_http_client *c = client_of(&g, g.url, 3);
    ts_err err = TS_OK;
    unsigned sent = 0;
    while (err == TS_OK) {
        err = ts_http_client_call(c, "echo", json_pack("[i]", sent), 3000, on_done, &got);
        sent += err == TS_OK;
    }
    assert_int_equal(err, TS_E_BUSY);
    assert_int_equal(sent, 100);
    assert_int_equal(ts_http_client_in_flight(c), 100);
    PUMP_UNTIL(&g.loop, got.n == 100, 5000);
    assert_int_equal(got.ok, 100);
    assert_int_equal(ts_http_client_in_flight(c), 0);
    assert_int_equal(ts_server_counters(g.server)->connections, 3);
    ts_http_client_close(c);
    rig_end(&g);
}

static void deadlines(void **state)
{
    struct rig g;
    struct got first = {0};
    struct got second = {0};
    (void)state;
    rig_start(&g, NULL, NULL);
    struct ts_http_client *c = client_of(&g, g.url, 1);
    assert_int_equal(ts_http_client_call(c, "hold", NULL, 300, on_done, &first), TS_OK);
    assert_int_equal(ts_http_client_call(c, "echo", json_array(), 60, on_done, &second), TS_OK);
    PUMP_UNTIL(&g.loop, second.n == 1, 3000); /* it waited behind the first for too long */
    assert_int_equal(second.err, TS_E_TIMEOUT);
    assert_int_equal(first.n, 0);
    PUMP_UNTIL(&g.loop, first.n == 1, 3000);
    assert_int_equal(first.err, TS_E_TIMEOUT);
    assert_non_null(strstr(first.why, "no answer within 300 ms"));
    assert_int_equal(g.n_held, 1);
    ts_rpc_result(g.held[0], json_true());
    /* and it goes on */
    assert_int_equal(ts_http_client_call(c, "echo", json_array(), 2000, on_done, &second), TS_OK);
    PUMP_UNTIL(&g.loop, second.n == 2, 3000);
    assert_int_equal(second.err, TS_OK);
    ts_http_client_close(c);
    rig_end(&g);
}

static void failures(void **state)
{
    struct rig g;
    struct got got = {0};
    struct ts_http_client *c = NULL;
    char url[96];
    char why[512];
    uint16_t port;
    (void)state;
    rig_start(&g, NULL, NULL);
    close(raw_listen(&port));
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
    c = client_of(&g, url, 1);
    assert_int_equal(ts_http_client_call(c, "echo", NULL, 2000, on_done, &got), TS_OK);
    PUMP_UNTIL(&g.loop, got.n == 1, 3000);
    assert_int_equal(got.err, TS_E_IO);
    snprintf(why, sizeof(why), "nothing listens at %s (connection refused)", url);
    assert_string_equal(got.why, why);
    ts_http_client_close(c);
    /* A server that speaks no JSON-RPC: this one's 404. */
    snprintf(url, sizeof(url), "%s/elsewhere", g.url);
    c = client_of(&g, url, 1);
    assert_int_equal(ts_http_client_call(c, "echo", NULL, 2000, on_done, &got), TS_OK);
    PUMP_UNTIL(&g.loop, got.n == 2, 3000);
    assert_int_equal(got.err, TS_E_IO);
    assert_non_null(strstr(got.why, "HTTP 404"));
    /* Closed with calls running and waiting: each is told. */
    got = (struct got){0};
    for (int i = 0; i < 5; i++)
        assert_int_equal(ts_http_client_call(c, "hold", NULL, 2000, on_done, &got), TS_OK);
    ts_http_client_close(c);
    assert_int_equal(got.n, 5);
    assert_int_equal(got.err, TS_E_CLOSED);
    const char *bad[] = {"", "ftp://x/", "127.0.0.1:80", "http://", "file:///etc/passwd"};
    for (size_t i = 0; i < TS_COUNT(bad); i++) {
        struct ts_http_client_config config = {.url = bad[i]};
        assert_int_equal(ts_http_client_new(&g.loop, &config, &c, why, sizeof(why)), TS_E_USAGE);
        assert_non_null(strstr(why, "is no URL"));
    }
    rig_end(&g);
}

static void nonsense(void **state)
{
    static const char *answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nfoo",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        ("HTTP/1.1 200 OK\r\nContent-Length: 31\r\nConnection: close\r\n\r\n"
         "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\""),
        "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\ncut off",
        "garbage",
        "",
    };
    struct rig g;
    char url[64];
    uint16_t port;
    (void)state;
    rig_start(&g, NULL, NULL);
    int listener = raw_listen(&port);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
    for (size_t i = 0; i < TS_COUNT(answers); i++) {
        struct got got = {0};
        struct ts_http_client *c = client_of(&g, url, 1);
        assert_int_equal(ts_http_client_call(c, "echo", NULL, 1000, on_done, &got), TS_OK);
        int fd = -1;
        PUMP_UNTIL(&g.loop, fd >= 0 || (fd = accept(listener, NULL, NULL)) >= 0, 2000);
        pump_ms(&g.loop, 5);
        raw_puts(&g.loop, fd, answers[i]);
        close(fd);
        PUMP_UNTIL(&g.loop, got.n == 1, 3000);
        assert_int_equal(got.n, 1);
        if (got.err != TS_E_JSON && got.err != TS_E_IO)
            fail_msg("row %zu: %s", i, ts_err_name((int)got.err));
        ts_http_client_close(c);
    }
    close(listener);
    rig_end(&g);
}

/* A callback that closes the client, with others waiting. */
static void on_done_close(void *ctx, ts_err err, ts_bytes body, const char *why)
{
    struct ts_http_client **c = ctx;
    (void)body;
    (void)why;
    if (err == TS_E_CLOSED)
        return;
    ts_http_client_close(*c);
    *c = NULL;
}

static void close_inside_a_callback(void **state)
{
    struct rig g;
    (void)state;
    rig_start(&g, NULL, NULL);
    struct ts_http_client *c = client_of(&g, g.url, 1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ts_http_client_post(c, ts_bytes_of("{}", 2), 2000, on_done_close, &c),
                         TS_OK);
    PUMP_UNTIL(&g.loop, c == NULL, 3000);
    assert_null(c);
    rig_end(&g);
}

/* ---- the blocking call, with the server on a thread of its own ---- */

static void on_stop(uv_async_t *async)
{
    struct rig *g = async->data;
    ts_server_close(g->server, 0, NULL, NULL);
    ts_rpc_close(g->rpc);
    for (unsigned i = 0; i < g->n_held; i++)
        ts_rpc_result(g->held[i], json_true());
    uv_close((uv_handle_t *)async, NULL);
}

static void *serve(void *arg)
{
    struct rig *g = arg;
    uv_run(&g->loop, UV_RUN_DEFAULT);
    return NULL;
}

static void blocking(void **state)
{
    struct rig g;
    json_t *result = NULL;
    char why[512];
    char dead[64];
    uint16_t port;
    (void)state;
    rig_start(&g, "0.0.0.0", "sesame");
    assert_int_equal(uv_async_init(&g.loop, &g.stop, on_stop), 0);
    g.stop.data = &g;
    assert_int_equal(pthread_create(&g.thread, NULL, serve, &g), 0);
    assert_int_equal(ts_rpc_call_blocking(g.url, NULL, "echo", json_pack("[i]", 5), 3000, &result,
                                          why, sizeof(why)),
                     TS_OK);
    assert_int_equal(json_integer_value(json_array_get(result, 0)), 5);
    json_decref(result);
    assert_int_equal(
        ts_rpc_call_blocking(g.url, NULL, "operator_only", NULL, 3000, &result, why, sizeof(why)),
        TS_E_CONFLICT);
    assert_non_null(strstr(why, "only the operator"));
    assert_int_equal(ts_rpc_call_blocking(g.url, "sesame", "operator_only", NULL, 3000, &result,
                                          why, sizeof(why)),
                     TS_OK);
    assert_true(json_is_true(result));
    json_decref(result);
    assert_int_equal(ts_rpc_call_blocking(g.url, "wrong", "operator_only", NULL, 3000, &result, why,
                                          sizeof(why)),
                     TS_E_IO);
    assert_non_null(strstr(why, "HTTP 401: the bearer token is wrong"));
    assert_int_equal(
        ts_rpc_call_blocking(g.url, NULL, "hold", NULL, 100, &result, why, sizeof(why)),
        TS_E_TIMEOUT);
    assert_int_equal(
        ts_rpc_call_blocking("nonsense", NULL, "echo", NULL, 100, &result, why, sizeof(why)),
        TS_E_USAGE);
    close(raw_listen(&port));
    snprintf(dead, sizeof(dead), "http://127.0.0.1:%u", port);
    assert_int_equal(
        ts_rpc_call_blocking(dead, NULL, "echo", NULL, 1000, &result, why, sizeof(why)), TS_E_IO);
    assert_non_null(strstr(why, "nothing listens at http://127.0.0.1:"));
    uv_async_send(&g.stop);
    assert_int_equal(pthread_join(g.thread, NULL), 0);
    assert_int_equal(uv_loop_close(&g.loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls),     cmocka_unit_test(many_calls),
        cmocka_unit_test(deadlines), cmocka_unit_test(failures),
        cmocka_unit_test(nonsense),  cmocka_unit_test(close_inside_a_callback),
        cmocka_unit_test(blocking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
