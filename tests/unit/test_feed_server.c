/* SPDX-License-Identifier: Apache-2.0 */
/* The feed's server on real sockets: ranges, pushes, transactions, and peers that misbehave. */
#include "net_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "net/feed_server.h"
#include "net/ws_client.h"

#define BATCH_BYTES 1000u
#define N_BATCHES   3000u

static const ts_hash genesis = {{7}};

struct fixture {
    uv_loop_t loop;
    struct ts_server *server;
    struct ts_feed_server *feed;
    uint64_t head;
    bool read_fails;
    unsigned txs;
    uint64_t ticket, peer;
    unsigned batches;
    char url[64];
    uint16_t port;
};

struct client {
    struct ts_wsc *wsc;
    bool is_open, is_closed;
    struct ts_buf newest; /* the newest frame, its copy */
    struct ts_arena arena;
    struct ts_feed_frame frame;
    unsigned n_frames, n_batches, n_answers, n_errors;
    uint64_t answered; /* batches in answers */
    ts_err error;
};

static void batch_of(uint64_t number, uint8_t out[BATCH_BYTES])
{
    memset(out, (int)(number % 251), BATCH_BYTES);
    memcpy(out, &number, sizeof(number));
}

static ts_err read_batches(void *ctx, uint64_t from, uint64_t count, ts_store_batch_fn fn,
                           void *fn_ctx)
{
    struct fixture *f = ctx;
    uint8_t raw[BATCH_BYTES];
    if (f->read_fails)
        return TS_E_IO;
    for (uint64_t n = from; n < from + count && n <= f->head; n++) {
        batch_of(n, raw);
        struct ts_store_batch b = {.number = n, .raw = ts_bytes_of(raw, sizeof(raw))};
        if (!fn(fn_ctx, &b))
            break;
    }
    return TS_OK;
}

static void on_tx(void *ctx, uint64_t ticket, ts_bytes raw)
{
    struct fixture *f = ctx;
    f->txs++;
    f->ticket = ticket;
    if (raw.n == 1) /* answered at once */
        ts_feed_server_accepted(f->feed, ticket, TS_OK, NULL);
}

static void on_batch(void *ctx, uint64_t peer, ts_bytes raw)
{
    struct fixture *f = ctx;
    (void)raw;
    f->batches++;
    f->peer = peer;
}

static struct fixture *start(const struct ts_feed_server_config *base)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct ts_feed_server_config config = *base;
    char why[256];
    loop_start(&f->loop);
    f->head = N_BATCHES;
    config.genesis = genesis;
    config.name = "server/test";
    config.head_number = f->head;
    config.ctx = f;
    config.read = read_batches;
    config.on_tx = on_tx;
    config.on_batch = on_batch;
    f->feed = ts_feed_server_new(&f->loop, &config);
    assert_non_null(f->feed);
    const struct ts_ws_path path = {.path = "/feed",
                                    .binary = true,
                                    .max_message = TS_FEED_MAX_FRAME,
                                    .max_queue = TS_FEED_WS_QUEUE,
                                    .handlers = ts_feed_server_ws_handlers,
                                    .ctx = f->feed};
    const struct ts_server_config server = {.ws_paths = &path, .n_ws_paths = 1};
    assert_int_equal(ts_server_new(&f->loop, &server, &f->server, why, sizeof(why)), TS_OK);
    f->port = ts_server_port(f->server);
    snprintf(f->url, sizeof(f->url), "ws://127.0.0.1:%u/feed", f->port);
    return f;
}

static void finish(struct fixture *f)
{
    ts_server_close(f->server, 0, NULL, NULL);
    ts_feed_server_close(f->feed);
    loop_end(&f->loop);
    free(f);
}

static const struct ts_feed_server_counters *counted(const struct fixture *f)
{
    return ts_feed_server_counters(f->feed);
}

/* ---- a client ---- */

static void client_open(void *ctx, struct ts_wsc *c)
{
    (void)c;
    ((struct client *)ctx)->is_open = true;
}

static void client_message(void *ctx, struct ts_wsc *wsc, ts_bytes m, bool binary)
{
    struct client *c = ctx;
    (void)wsc;
    assert_true(binary);
    ts_buf_reset(&c->newest);
    ts_buf_put(&c->newest, m.p, m.n);
    ts_arena_reset(&c->arena);
    assert_int_equal(ts_feed_decode(ts_buf_bytes(&c->newest), &c->arena, &c->frame), TS_OK);
    c->n_frames++;
    c->n_batches += c->frame.type == TS_FEED_BATCH;
    if (c->frame.type == TS_FEED_BATCHES) {
        c->n_answers++;
        c->answered += c->frame.n_batches;
    }
    if (c->frame.type == TS_FEED_ERROR) {
        c->n_errors++;
        c->error = c->frame.code;
    }
}

static void client_close(void *ctx, struct ts_wsc *wsc, ts_err why, const char *text)
{
    struct client *c = ctx;
    (void)wsc;
    (void)why;
    (void)text;
    c->is_closed = true;
    c->wsc = NULL;
}

static struct client *dial(struct fixture *f)
{
    static const struct ts_wsc_handlers handlers = {client_open, client_message, client_close};
    const struct ts_wsc_limits limits = {.max_message = TS_FEED_MAX_FRAME};
    struct client *c = calloc(1, sizeof(*c));
    char why[200];
    ts_buf_init(&c->newest, 0);
    ts_arena_init(&c->arena, 0);
    assert_int_equal(
        ts_wsc_connect(&f->loop, f->url, &limits, &handlers, c, &c->wsc, why, sizeof(why)), TS_OK);
    PUMP_UNTIL(&f->loop, c->n_frames > 0 || c->is_closed, 3000);
    return c;
}

static void hang_up(struct client *c)
{
    if (c->wsc != NULL)
        ts_wsc_close(c->wsc);
    ts_buf_free(&c->newest);
    ts_arena_free(&c->arena);
    free(c);
}

static void say(struct client *c, const struct ts_feed_frame *frame)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_feed_put(&b, frame);
    assert_int_equal(ts_wsc_send(c->wsc, ts_buf_bytes(&b), true), TS_OK);
    ts_buf_free(&b);
}

static struct client *greeted(struct fixture *f)
{
    struct client *c = dial(f);
    struct ts_feed_frame hello = {
        .type = TS_FEED_HELLO, .version = TS_FEED_VERSION, .genesis = genesis};
    size_t before = ts_feed_server_peers(f->feed);
    assert_int_equal(c->frame.type, TS_FEED_HELLO);
    say(c, &hello);
    PUMP_UNTIL(&f->loop, ts_feed_server_peers(f->feed) > before, 3000);
    return c;
}

static void publish(struct fixture *f, unsigned n)
{
    uint8_t raw[BATCH_BYTES];
    for (unsigned i = 0; i < n; i++) {
        batch_of(++f->head, raw);
        ts_feed_server_publish(f->feed, f->head, &genesis, ts_bytes_of(raw, sizeof(raw)), true);
    }
}

/* ---- what it does ---- */

static void hello_names_network_and_head(void **state)
{
    struct fixture *f = start(&(struct ts_feed_server_config){0});
    struct client *c = greeted(f);
    (void)state;
    assert_int_equal(c->frame.number, N_BATCHES);
    assert_memory_equal(c->frame.genesis.b, genesis.b, 32);
    assert_memory_equal(c->frame.bytes.p, "server/test", 11);
    assert_int_equal(counted(f)->peers, 1);
    hang_up(c);
    finish(f);
}

static void ranges_come_bounded_and_in_order(void **state)
{
    struct fixture *f = start(&(struct ts_feed_server_config){.max_answer = 100 * BATCH_BYTES});
    struct client *c = greeted(f);
    (void)state;
    struct ts_feed_frame get = {.type = TS_FEED_GET, .id = 5, .number = 11, .count = 1000};
    say(c, &get);
    PUMP_UNTIL(&f->loop, c->n_answers == 1, 3000);
    assert_int_equal(c->frame.id, 5);
    assert_true(c->frame.n_batches > 90 && c->frame.n_batches <= 100);
    for (uint64_t i = 0; i < c->frame.n_batches; i++) {
        uint8_t raw[BATCH_BYTES];
        batch_of(11 + i, raw);
        assert_true(ts_bytes_equal(c->frame.batches[i], ts_bytes_of(raw, sizeof(raw))));
    }
    get.number = N_BATCHES - 1; /* up to the head, no further */
    say(c, &get);
    PUMP_UNTIL(&f->loop, c->n_answers == 2, 3000);
    assert_int_equal(c->frame.n_batches, 2);
    get.number = N_BATCHES + 1;
    say(c, &get);
    PUMP_UNTIL(&f->loop, c->n_answers == 3, 3000);
    assert_int_equal(c->frame.n_batches, 0);
    hang_up(c);
    finish(f);
}

static void peers_are_served_in_turn(void **state)
{
    struct fixture *f = start(&(struct ts_feed_server_config){.max_answer = 200 * BATCH_BYTES});
    struct client *greedy = greeted(f), *modest = greeted(f);
    (void)state;
    struct ts_feed_frame get = {.type = TS_FEED_GET, .number = 1, .count = 1000};
    for (get.id = 1; get.id <= 8; get.id++)
        say(greedy, &get);
    PUMP_UNTIL(&f->loop, counted(f)->gets == 8 || greedy->n_answers > 0, 3000);
    say(modest, &get);
    PUMP_UNTIL(&f->loop, modest->n_answers == 1, 3000);
    assert_int_equal(modest->n_answers, 1);
    PUMP_UNTIL(&f->loop, greedy->n_answers == 8, 3000);
    assert_int_equal(greedy->n_answers, 8);
    assert_int_equal(counted(f)->batches_served, greedy->answered + modest->answered);
    hang_up(greedy);
    hang_up(modest);
    finish(f);
}

static void new_batches_go_to_all(void **state)
{
    struct fixture *f = start(&(struct ts_feed_server_config){0});
    struct client *a = greeted(f), *b = greeted(f);
    (void)state;
    publish(f, 3);
    PUMP_UNTIL(&f->loop, a->n_batches == 3 && b->n_batches == 3, 3000);
    assert_int_equal(a->n_batches, 3);
    uint8_t raw[BATCH_BYTES];
    batch_of(N_BATCHES + 3, raw);
    assert_true(ts_bytes_equal(b->frame.bytes, ts_bytes_of(raw, sizeof(raw))));
    assert_int_equal(counted(f)->pushes, 6);
    ts_feed_server_publish(f->feed, ++f->head, &genesis, ts_bytes_of(raw, 1), false);
    pump_ms(&f->loop, 20);
    assert_int_equal(a->n_batches, 3); /* only the head moved */
    hang_up(a);
    hang_up(b);
    finish(f);
}

static void evidence_goes_to_all_but_who_brought_it(void **state)
{
    struct fixture *f = start(&(struct ts_feed_server_config){0});
    struct client *a = greeted(f), *b = greeted(f);
    (void)state;
    struct ts_feed_frame batch = {.type = TS_FEED_BATCH, .bytes = {genesis.b, 32}};
    say(a, &batch);
    PUMP_UNTIL(&f->loop, f->batches == 1, 3000);
    ts_feed_server_evidence(f->feed, batch.bytes, f->peer);
    PUMP_UNTIL(&f->loop, b->n_batches == 1, 3000);
    pump_ms(&f->loop, 20);
    assert_int_equal(b->n_batches, 1);
    assert_int_equal(a->n_batches, 0);
    ts_feed_server_refuse(f->feed, f->peer, TS_E_V2_PRODUCER, "it proves nothing");
    PUMP_UNTIL(&f->loop, a->is_closed, 3000);
    assert_int_equal(a->error, TS_E_V2_PRODUCER);
    hang_up(a);
    hang_up(b);
    finish(f);
}

/* The newest first, and one that is too long. */
static void tell_three(void *ctx,
                       bool (*fn)(void *fn_ctx, const ts_hash *parent_root, ts_bytes raw),
                       void *fn_ctx)
{
    static const uint8_t raw[600];
    const size_t sizes[] = {100, sizeof(raw), 101};
    (void)ctx;
    for (size_t i = 0; i < TS_COUNT(sizes); i++)
        if (!fn(fn_ctx, &genesis, ts_bytes_of(raw, sizes[i])))
            return;
}

static void evidence_that_finds_no_room_keeps_no_other_out(void **state)
{
    struct fixture *f =
        start(&(struct ts_feed_server_config){.slow_bytes = 1000, .evidence = tell_three});
    struct client *c = greeted(f);
    (void)state;
    PUMP_UNTIL(&f->loop, c->n_frames == 3, 3000); /* HELLO, and two */
    assert_int_equal(c->n_frames, 3);
    assert_int_equal(c->frame.type, TS_FEED_EVIDENCE);
    assert_int_equal(c->frame.bytes.n, 101);
    hang_up(c);
    finish(f);
}

static void transactions_are_answered_each(void **state)
{
    struct fixture *f = start(&(struct ts_feed_server_config){.limits = {.max_txs = 2}});
    struct client *c = greeted(f);
    (void)state;
    struct ts_feed_frame tx = {.type = TS_FEED_TRANSACTION, .id = 1, .bytes = {genesis.b, 1}};
    say(c, &tx);
    PUMP_UNTIL(&f->loop, c->n_frames == 2, 3000);
    assert_int_equal(c->frame.type, TS_FEED_ACCEPTED);
    assert_int_equal(c->frame.code, TS_OK);
    tx.bytes.n = 5; /* answered later */
    for (tx.id = 2; tx.id <= 4; tx.id++)
        say(c, &tx);
    PUMP_UNTIL(&f->loop, c->n_frames == 3, 3000);
    assert_int_equal(c->frame.id, 4); /* the third at once is one too many: told, not punished */
    assert_int_equal(c->frame.code, TS_E_BUSY);
    ts_feed_server_accepted(f->feed, f->ticket, TS_E_TX_FUNDS, "insufficient funds");
    PUMP_UNTIL(&f->loop, c->n_frames == 4, 3000);
    assert_int_equal(c->frame.id, 3);
    assert_int_equal(c->frame.code, TS_E_TX_FUNDS);
    assert_memory_equal(c->frame.bytes.p, "insufficient funds", 18);
    hang_up(c);
    pump_ms(&f->loop, 20);
    ts_feed_server_accepted(f->feed, f->ticket - 1, TS_OK, NULL); /* it has gone: no harm */
    finish(f);
}

static void a_bad_frame_is_answered_then_the_door_closes(void **state)
{
    struct fixture *f = start(&(struct ts_feed_server_config){0});
    struct client *good = greeted(f);
    (void)state;
    for (unsigned i = 0; i < TS_COUNT("abcd") - 1; i++) {
        struct client *c = greeted(f);
        assert_int_equal(ts_wsc_send(c->wsc, ts_bytes_of("\xc1\x63", 2), true), TS_OK);
        PUMP_UNTIL(&f->loop, c->is_closed, 3000);
        assert_true(c->is_closed);
        assert_int_equal(c->n_errors, 1);
        assert_int_equal(c->error, TS_E_UNKNOWN_MESSAGE);
        hang_up(c);
    }
    assert_int_equal(counted(f)->malformed, 4);
    struct client *again = dial(f); /* backed off now */
    PUMP_UNTIL(&f->loop, again->is_closed, 3000);
    assert_int_equal(again->error, TS_E_BUSY);
    assert_int_equal(counted(f)->refused, 1);
    hang_up(again);
    publish(f, 1); /* others do not notice */
    PUMP_UNTIL(&f->loop, good->n_batches == 1, 3000);
    assert_int_equal(good->n_batches, 1);
    pump_ms(&f->loop, 1100);
    struct client *later = greeted(f);
    assert_false(later->is_closed);
    hang_up(later);
    hang_up(good);
    finish(f);
}

static void frames_out_of_turn_end_the_connection(void **state)
{
    struct fixture *f = start(&(struct ts_feed_server_config){0});
    struct client *c = dial(f);
    (void)state;
    struct ts_feed_frame get = {.type = TS_FEED_GET, .id = 1, .number = 1, .count = 1};
    say(c, &get); /* before HELLO */
    PUMP_UNTIL(&f->loop, c->is_closed, 3000);
    assert_int_equal(c->error, TS_E_STATE);
    hang_up(c);
    c = greeted(f);
    for (get.id = 0; get.id < 30; get.id++)
        say(c, &get); /* more at a time than anybody may */
    PUMP_UNTIL(&f->loop, c->is_closed, 3000);
    assert_int_equal(c->error, TS_E_LIMIT);
    assert_int_equal(counted(f)->illegal, 1);
    assert_int_equal(counted(f)->too_many, 1);
    hang_up(c);
    finish(f);
}

static void who_never_says_hello_is_dropped(void **state)
{
    struct fixture *f = start(&(struct ts_feed_server_config){.limits = {.hello_us = 200000}});
    struct client *silent = dial(f), *fine = greeted(f);
    (void)state;
    PUMP_UNTIL(&f->loop, silent->is_closed, 3000);
    assert_int_equal(silent->error, TS_E_TIMEOUT);
    assert_false(fine->is_closed);
    assert_int_equal(counted(f)->late, 1);
    hang_up(silent);
    hang_up(fine);
    finish(f);
}

static void a_full_house_is_said_so(void **state)
{
    struct fixture *f = start(&(struct ts_feed_server_config){.max_peers = 2});
    struct client *a = greeted(f), *b = greeted(f), *c = dial(f);
    (void)state;
    PUMP_UNTIL(&f->loop, c->is_closed, 3000);
    assert_int_equal(c->error, TS_E_BUSY);
    hang_up(a);
    PUMP_UNTIL(&f->loop, ts_feed_server_peers(f->feed) == 1, 3000);
    a = greeted(f);
    assert_int_equal(ts_feed_server_peers(f->feed), 2);
    hang_up(a);
    hang_up(b);
    hang_up(c);
    finish(f);
}

static void a_peer_that_takes_nothing_is_dropped(void **state)
{
    struct fixture *f = start(&(struct ts_feed_server_config){.slow_bytes = 1u << 20});
    struct client *good = greeted(f);
    (void)state;
    int fd = raw_tcp(f->port);
    raw_puts(&f->loop, fd,
             "GET /feed HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    pump_ms(&f->loop, 50);
    uint8_t *big = calloc(1, 1u << 19);
    for (unsigned i = 0; i < 40 && counted(f)->slow == 0; i++) {
        ts_feed_server_publish(f->feed, ++f->head, &genesis, ts_bytes_of(big, 1u << 19), true);
        PUMP_UNTIL(&f->loop, good->n_batches == i + 1, 3000);
    }
    assert_int_equal(counted(f)->slow, 1);
    assert_false(good->is_closed);
    free(big);
    close(fd);
    hang_up(good);
    finish(f);
}

static void a_store_that_fails_is_said_so(void **state)
{
    struct fixture *f = start(&(struct ts_feed_server_config){0});
    struct client *c = greeted(f);
    (void)state;
    f->read_fails = true;
    struct ts_feed_frame get = {.type = TS_FEED_GET, .id = 1, .number = 1, .count = 1};
    say(c, &get);
    PUMP_UNTIL(&f->loop, c->is_closed, 3000);
    assert_int_equal(c->error, TS_E_IO);
    assert_int_equal(counted(f)->read_failures, 1);
    hang_up(c);
    finish(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_names_network_and_head),
        cmocka_unit_test(ranges_come_bounded_and_in_order),
        cmocka_unit_test(peers_are_served_in_turn),
        cmocka_unit_test(new_batches_go_to_all),
        cmocka_unit_test(evidence_goes_to_all_but_who_brought_it),
        cmocka_unit_test(evidence_that_finds_no_room_keeps_no_other_out),
        cmocka_unit_test(transactions_are_answered_each),
        cmocka_unit_test(a_bad_frame_is_answered_then_the_door_closes),
        cmocka_unit_test(frames_out_of_turn_end_the_connection),
        cmocka_unit_test(who_never_says_hello_is_dropped),
        cmocka_unit_test(a_full_house_is_said_so),
        cmocka_unit_test(a_peer_that_takes_nothing_is_dropped),
        cmocka_unit_test(a_store_that_fails_is_said_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
