/* SPDX-License-Identifier: Apache-2.0 */
/* Notifications of new heads over a real WebSocket: all kinds, in their order. */
#include "rpc_kit.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "net/server.h"
#include "net/ws_client.h"
#include "net_test.h"

struct client {
    struct ts_wsc *c;
    bool open;
    size_t n;
    json_t *got[24]; /* the messages */
};

static void on_open(void *ctx, struct ts_wsc *c)
{
    struct client *w = ctx;
    assert_ptr_equal(c, w->c);
    w->open = true;
}

static void on_message(void *ctx, struct ts_wsc *c, ts_bytes message, bool binary)
{
    struct client *w = ctx;
    (void)c;
    assert_false(binary);
    assert_true(w->n < TS_COUNT(w->got));
    w->got[w->n] = json_loadb((const char *)message.p, message.n, 0, NULL);
    assert_non_null(w->got[w->n]);
    w->n++;
}

static void on_close(void *ctx, struct ts_wsc *c, ts_err why, const char *text)
{
    (void)ctx;
    (void)c;
    fail_msg("%s: %s", ts_err_name((int)why), text);
}

static const struct ts_wsc_handlers handlers = {
    .on_open = on_open, .on_message = on_message, .on_close = on_close};

static void ask(struct kit *k, struct client *w, const char *method, const char *topic)
{
    char text[128];
    size_t before = w->n;
    (void)snprintf(text, sizeof(text),
                   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":[\"%s\"]}", method,
                   topic);
    assert_int_equal(ts_wsc_send(w->c, ts_bytes_of(text, strlen(text)), false), TS_OK);
    PUMP_UNTIL(&k->loop, w->n > before, 3000);
    assert_int_equal(w->n, before + 1);
}

/* What notification i is about. */
static const json_t *told(const struct client *w, size_t i, const char *method)
{
    assert_true(i < w->n);
    assert_string_equal(member(w->got[i], "method"), method);
    return json_object_get(json_object_get(w->got[i], "params"), "result");
}

static void tell(struct kit *k, uint64_t number)
{
    struct ts_chain then;
    tn_fold(k->net, number, &then);
    ts_api_new_head(k->api, number, &then.head.hash, tn_raw(k->net, number));
    ts_chain_free(&then);
}

static void check_told(struct kit *k, struct client *w)
{
    /* Batch 8 has transactions, whose gas the enclave has to tell; 1 has none and waits for it. */
    size_t first = w->n;
    k->hold = true;
    tell(k, 8);
    tell(k, 1);
    PUMP_UNTIL(&k->loop, w->n >= first + 6, 3000);
    assert_int_equal(w->n, first + 6); /* two batches, four transitions of batch 1 */
    assert_int_equal(
        json_integer_value(json_object_get(told(w, first, "ten_subscription"), "number")), 8);
    const json_t *event = told(w, first + 5, "ten_subscription");
    assert_int_equal(json_integer_value(json_object_get(event, "batch")), 1);
    assert_int_equal(json_integer_value(json_object_get(event, "index")), 3);
    while (k->n_held > 0)
        kit_release(k);
    PUMP_UNTIL(&k->loop, w->n >= first + 8, 3000);
    assert_string_equal(member(told(w, first + 6, "eth_subscription"), "number"), "0x8");
    assert_true(strtoull(member(told(w, first + 6, "eth_subscription"), "gasUsed"), NULL, 16) > 0);
    assert_string_equal(member(told(w, first + 7, "eth_subscription"), "number"), "0x1");
    assert_string_equal(member(told(w, first + 7, "eth_subscription"), "gasUsed"), "0x0");
}

static void heads_are_told_in_their_order(void **state)
{
    struct kit *k = *state;
    struct client w = {.n = 0};
    const struct ts_finding finding = {.kind = TS_F_SILENCE, .state = TS_FINDING_OPEN, .serial = 1};
    struct ts_server *server = NULL;
    char why[256];
    char url[64];
    const struct ts_ws_path path = {.path = "/",
                                    .max_message = 1 << 16,
                                    .max_queue = 1 << 22,
                                    .handlers = ts_rpc_ws_handlers,
                                    .ctx = k->rpc};
    const struct ts_server_config config = {
        .on_post = ts_rpc_on_post, .post_ctx = k->rpc, .ws_paths = &path, .n_ws_paths = 1};
    assert_int_equal(ts_server_new(&k->loop, &config, &server, why, sizeof(why)), TS_OK);
    (void)snprintf(url, sizeof(url), "ws://127.0.0.1:%u/", (unsigned)ts_server_port(server));
    assert_int_equal(ts_wsc_connect(&k->loop, url, NULL, &handlers, &w, &w.c, why, sizeof(why)),
                     TS_OK);
    PUMP_UNTIL(&k->loop, w.open, 3000);
    assert_true(w.open);
    ask(k, &w, "eth_subscribe", "newHeads");
    ask(k, &w, "ten_subscribe", "batches");
    ask(k, &w, "ten_subscribe", "lifecycle");
    ask(k, &w, "eth_subscribe", "logs"); /* of which there are none */
    assert_non_null(json_object_get(w.got[3], "error"));
    check_told(k, &w);
    ask(k, &w, "ten_subscribe", "findings");
    size_t next = w.n;
    ts_api_new_finding(k->api, &finding);
    PUMP_UNTIL(&k->loop, w.n > next, 3000);
    assert_string_equal(member(told(&w, next, "ten_subscription"), "name"), "silence");
    assert_string_equal(member(told(&w, next, "ten_subscription"), "state"), "open");
    ask(k, &w, "ten_unsubscribe", json_string_value(json_object_get(w.got[next - 1], "result")));
    ts_api_new_finding(k->api, &finding);
    /* Nobody is told any more after unsubscribing. */
    ask(k, &w, "eth_unsubscribe", json_string_value(json_object_get(w.got[0], "result")));
    ask(k, &w, "ten_unsubscribe", json_string_value(json_object_get(w.got[1], "result")));
    ask(k, &w, "ten_unsubscribe", json_string_value(json_object_get(w.got[2], "result")));
    size_t n = w.n;
    tell(k, 8);
    pump_ms(&k->loop, 30);
    assert_int_equal(w.n, n);
    ts_wsc_close(w.c);
    ts_server_close(server, 0, NULL, NULL);
    pump_ms(&k->loop, 30);
    for (size_t i = 0; i < w.n; i++)
        json_decref(w.got[i]);
}

static int setup(void **state)
{
    *state = kit_open(true);
    return 0;
}

static int teardown(void **state)
{
    kit_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(heads_are_told_in_their_order, setup, teardown),
    };
    return cmocka_run_group_tests_name("rpc_heads", tests, NULL, NULL);
}
