/* SPDX-License-Identifier: Apache-2.0 */
/* The peer feed without I/O: frames, sessions, token buckets, addresses that are backed off. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "net/feed_guard.h"
#include "net/feed_session.h"

static const ts_hash genesis = {{0xaa, 1}};
static const ts_hash other = {{0xbb, 2}};

struct fixture {
    struct ts_arena arena;
    struct ts_buf out;
    struct ts_feed_frame frame;
    struct ts_feed_get get;
    char why[TS_FEED_TEXT_MAX];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    ts_arena_init(&f->arena, 0);
    ts_buf_init(&f->out, 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    ts_arena_free(&f->arena);
    ts_buf_free(&f->out);
    free(f);
    return 0;
}

static ts_bytes encode(struct fixture *f, const struct ts_feed_frame *frame)
{
    ts_buf_reset(&f->out);
    ts_feed_put(&f->out, frame);
    assert_int_equal(f->out.err, TS_OK);
    return ts_buf_bytes(&f->out);
}

static struct ts_feed_frame hello_frame(void)
{
    return (struct ts_feed_frame){.type = TS_FEED_HELLO,
                                  .version = TS_FEED_VERSION,
                                  .genesis = genesis,
                                  .number = 9,
                                  .hash = other,
                                  .bytes = ts_bytes_of("node/1", 6)};
}

static ts_err receive(struct fixture *f, struct ts_feed_session *s, uint64_t now,
                      const struct ts_feed_frame *frame)
{
    return ts_feed_session_receive(s, now, encode(f, frame), &f->arena, &f->frame, &f->get, f->why);
}

static void greeted(struct fixture *f, struct ts_feed_session *s, enum ts_feed_role role,
                    const struct ts_feed_limits *limits)
{
    struct ts_feed_frame hello = hello_frame();
    ts_feed_session_init(s, role, &genesis, limits, 0);
    assert_int_equal(receive(f, s, 0, &hello), TS_OK);
}

static void frames_come_back_as_they_went(void **state)
{
    struct fixture *f = *state;
    ts_bytes two[2] = {ts_bytes_of("first", 5), ts_bytes_of("second", 6)};
    const struct ts_feed_frame frames[] = {
        hello_frame(),
        {.type = TS_FEED_BATCH, .bytes = two[0]},
        {.type = TS_FEED_GET, .id = 3, .number = 1000, .count = TS_FEED_MAX_GET},
        {.type = TS_FEED_BATCHES, .id = 3, .batches = two, .n_batches = 2},
        {.type = TS_FEED_BATCHES, .id = 4, .batches = two, .n_batches = 0},
        {.type = TS_FEED_TRANSACTION, .id = 5, .bytes = two[1]},
        {.type = TS_FEED_ACCEPTED, .id = 5, .code = TS_E_TX_FUNDS, .bytes = two[1]},
        {.type = TS_FEED_ERROR, .code = TS_E_LIMIT, .bytes = two[0]},
        {.type = TS_FEED_EVIDENCE, .hash = {{9}}, .bytes = two[1]},
    };
    for (size_t i = 0; i < TS_COUNT(frames); i++) {
        const struct ts_feed_frame *in = &frames[i];
        struct ts_feed_frame out;
        assert_int_equal(ts_feed_decode(encode(f, in), &f->arena, &out), TS_OK);
        assert_int_equal(out.type, in->type);
        assert_int_equal(out.id, in->id);
        assert_int_equal(out.version, in->version);
        assert_int_equal(out.number, in->number);
        assert_int_equal(out.count, in->count);
        assert_int_equal(out.code, in->code);
        assert_true(ts_hash_equal(&out.genesis, &in->genesis));
        assert_true(ts_hash_equal(&out.hash, &in->hash));
        assert_true(ts_bytes_equal(out.bytes, in->bytes));
        assert_int_equal(out.n_batches, in->n_batches);
        for (size_t k = 0; k < out.n_batches; k++)
            assert_true(ts_bytes_equal(out.batches[k], in->batches[k]));
    }
}

static void every_cut_of_a_frame_is_an_error(void **state)
{
    struct fixture *f = *state;
    ts_bytes one = ts_bytes_of("batch", 5);
    struct ts_feed_frame in = {.type = TS_FEED_BATCHES, .id = 300, .batches = &one, .n_batches = 1};
    struct ts_feed_frame out = {.id = 77};
    ts_bytes whole = encode(f, &in);
    for (size_t n = 0; n < whole.n; n++)
        assert_int_not_equal(ts_feed_decode(ts_bytes_of(whole.p, n), &f->arena, &out), TS_OK);
    assert_int_equal(out.id, 77); /* unchanged by failures */
}

static void senseless_ranges_are_refused(void **state)
{
    struct fixture *f = *state;
    const uint64_t bad[][2] = {{1, 0}, {1, TS_FEED_MAX_GET + 1}, {0, 1}, {UINT64_MAX, 1}};
    for (size_t i = 0; i < TS_COUNT(bad); i++) {
        struct ts_feed_frame get = {
            .type = TS_FEED_GET, .id = 1, .number = bad[i][0], .count = bad[i][1]};
        struct ts_feed_frame out;
        assert_int_equal(ts_feed_decode(encode(f, &get), &f->arena, &out), TS_E_RANGE);
    }
    static const uint8_t unknown[] = {0xc1, 0x09};
    struct ts_feed_frame out;
    assert_int_equal(ts_feed_decode(ts_bytes_of(unknown, 2), &f->arena, &out),
                     TS_E_UNKNOWN_MESSAGE);
}

static void hello_comes_first_and_once(void **state)
{
    struct fixture *f = *state;
    struct ts_feed_session s;
    struct ts_feed_frame get = {.type = TS_FEED_GET, .id = 1, .number = 1, .count = 1};
    struct ts_feed_frame hello = hello_frame();
    ts_feed_session_init(&s, TS_FEED_SERVER, &genesis, NULL, 0);
    assert_int_equal(receive(f, &s, 0, &get), TS_E_STATE);
    assert_string_equal(f->why, "GET before HELLO");
    assert_int_equal(receive(f, &s, 0, &hello), TS_E_CLOSED);

    greeted(f, &s, TS_FEED_SERVER, NULL);
    assert_int_equal(s.head_number, 9);
    assert_string_equal(s.name, "node/1");
    assert_int_equal(receive(f, &s, 0, &hello), TS_E_STATE);
    assert_true(s.is_closed);
}

static void another_network_or_version_is_refused(void **state)
{
    struct fixture *f = *state;
    struct ts_feed_session s;
    struct ts_feed_frame hello = hello_frame();
    ts_feed_session_init(&s, TS_FEED_CLIENT, &other, NULL, 0);
    assert_int_equal(receive(f, &s, 0, &hello), TS_E_FOREIGN);
    assert_non_null(strstr(f->why, "0xaa01"));
    hello.version = 2;
    ts_feed_session_init(&s, TS_FEED_CLIENT, &genesis, NULL, 0);
    assert_int_equal(receive(f, &s, 0, &hello), TS_E_VERSION);
    assert_false(s.has_hello);
}

static void a_missing_hello_times_out(void **state)
{
    struct fixture *f = *state;
    struct ts_feed_session s;
    ts_feed_session_init(&s, TS_FEED_CLIENT, &genesis, NULL, 1000);
    assert_int_equal(ts_feed_session_tick(&s, 1000 + 4999999), TS_OK);
    assert_int_equal(ts_feed_session_tick(&s, 1000 + 5000000), TS_E_TIMEOUT);
    assert_true(s.is_closed);
    greeted(f, &s, TS_FEED_CLIENT, NULL);
    assert_int_equal(ts_feed_session_tick(&s, UINT64_MAX), TS_OK);
}

static void each_end_may_send_its_own_frames_only(void **state)
{
    struct fixture *f = *state;
    struct ts_feed_session s;
    const struct ts_feed_frame get = {.type = TS_FEED_GET, .id = 1, .number = 1, .count = 1};
    const struct ts_feed_frame batches = {.type = TS_FEED_BATCHES, .id = 1};
    const struct ts_feed_frame tx = {.type = TS_FEED_TRANSACTION, .id = 1};
    const struct ts_feed_frame accepted = {.type = TS_FEED_ACCEPTED, .id = 1};
    const struct ts_feed_frame *for_server[] = {&get, &tx}, *for_client[] = {&batches, &accepted};
    for (size_t i = 0; i < 2; i++) {
        greeted(f, &s, TS_FEED_CLIENT, NULL);
        assert_int_equal(receive(f, &s, 0, for_server[i]), TS_E_STATE);
        greeted(f, &s, TS_FEED_SERVER, NULL);
        assert_int_equal(receive(f, &s, 0, for_client[i]), TS_E_STATE);
    }
}

static void answers_must_have_been_asked_for(void **state)
{
    struct fixture *f = *state;
    struct ts_feed_session s;
    uint64_t id;
    ts_bytes two[2] = {ts_bytes_of("a", 1), ts_bytes_of("b", 1)};
    struct ts_feed_frame batches = {.type = TS_FEED_BATCHES, .batches = two, .n_batches = 2};
    greeted(f, &s, TS_FEED_CLIENT, NULL);
    assert_int_equal(ts_feed_session_ask_get(&s, 5, 10, 2, &id), TS_OK);
    batches.id = id;
    assert_int_equal(receive(f, &s, 6, &batches), TS_OK);
    assert_int_equal(f->get.from, 10);
    assert_int_equal(f->get.at_us, 5);
    assert_int_equal(receive(f, &s, 6, &batches), TS_E_STATE); /* answered already */

    greeted(f, &s, TS_FEED_CLIENT, NULL);
    assert_int_equal(ts_feed_session_ask_get(&s, 5, 10, 1, &id), TS_OK);
    batches.id = id;
    assert_int_equal(receive(f, &s, 6, &batches), TS_E_LIMIT); /* more than asked for */

    struct ts_feed_frame accepted = {.type = TS_FEED_ACCEPTED};
    greeted(f, &s, TS_FEED_CLIENT, NULL);
    assert_int_equal(ts_feed_session_ask_tx(&s, &id), TS_OK);
    accepted.id = id;
    assert_int_equal(receive(f, &s, 6, &accepted), TS_OK);
    assert_int_equal(receive(f, &s, 6, &accepted), TS_E_STATE);
}

static void too_many_requests_end_or_wait(void **state)
{
    struct fixture *f = *state;
    struct ts_feed_session s;
    struct ts_feed_limits limits = {.max_gets = 2, .max_txs = 1};
    struct ts_feed_frame get = {.type = TS_FEED_GET, .id = 1, .number = 1, .count = 1};
    struct ts_feed_frame tx = {.type = TS_FEED_TRANSACTION, .id = 8, .bytes = {genesis.b, 4}};
    struct ts_feed_get taken;
    greeted(f, &s, TS_FEED_SERVER, &limits);
    assert_int_equal(receive(f, &s, 0, &tx), TS_OK);
    assert_int_equal(receive(f, &s, 0, &tx), TS_E_BUSY); /* answered, not punished */
    assert_int_equal(f->frame.id, 8);
    assert_false(s.is_closed);
    ts_feed_session_tx_done(&s);
    assert_int_equal(receive(f, &s, 0, &tx), TS_OK);

    assert_int_equal(receive(f, &s, 0, &get), TS_OK);
    get.id = 2;
    assert_int_equal(receive(f, &s, 0, &get), TS_OK);
    assert_true(ts_feed_session_next_get(&s, &taken));
    assert_int_equal(taken.id, 1);
    assert_int_equal(receive(f, &s, 0, &get), TS_OK);
    assert_int_equal(receive(f, &s, 0, &get), TS_E_LIMIT);
    assert_string_equal(f->why, "more than 2 GETs at a time");
}

static void a_flood_ends_the_session_and_a_steady_stream_does_not(void **state)
{
    struct fixture *f = *state;
    struct ts_feed_session s;
    struct ts_feed_limits limits = {.frames_per_s = 10, .frames_burst = 3};
    struct ts_feed_frame batch = {.type = TS_FEED_BATCH, .bytes = {genesis.b, 4}};
    greeted(f, &s, TS_FEED_CLIENT, &limits); /* HELLO is the first of three */
    assert_int_equal(receive(f, &s, 0, &batch), TS_OK);
    assert_int_equal(receive(f, &s, 0, &batch), TS_OK);
    assert_int_equal(receive(f, &s, 0, &batch), TS_E_LIMIT);
    greeted(f, &s, TS_FEED_CLIENT, &limits);
    for (uint64_t i = 1; i <= 1000; i++)
        assert_int_equal(receive(f, &s, i * 100000, &batch), TS_OK);
}

/* A server tells of so much when one connects, and never again. */
static void evidence_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct ts_feed_session s;
    struct ts_feed_frame evidence = {
        .type = TS_FEED_EVIDENCE, .hash = other, .bytes = {genesis.b, 4}};
    greeted(f, &s, TS_FEED_CLIENT, NULL);
    for (unsigned i = 0; i < TS_FEED_MAX_EVIDENCE; i++)
        assert_int_equal(receive(f, &s, i * 1000000, &evidence), TS_OK);
    assert_int_equal(receive(f, &s, 90000000, &evidence), TS_E_LIMIT);
    assert_string_equal(f->why, "more than 32 EVIDENCE on one connection");
    assert_true(s.is_closed);
    greeted(f, &s, TS_FEED_CLIENT, NULL);
    assert_int_equal(receive(f, &s, 0, &evidence), TS_OK);
}

static void a_bucket_never_overflows_and_never_runs_backwards(void **state)
{
    struct ts_bucket b;
    (void)state;
    ts_bucket_init(&b, 5, 10, 1000000);
    assert_true(ts_bucket_take(&b, 10, 1000000));
    assert_false(ts_bucket_take(&b, 1, 0));
    assert_false(ts_bucket_take(&b, 1, 1199999));
    assert_true(ts_bucket_take(&b, 1, 1200000));
    assert_false(ts_bucket_take(&b, 11, UINT64_MAX)); /* full is ten, however long it took */
    assert_true(ts_bucket_take(&b, 10, UINT64_MAX));
    assert_false(ts_bucket_take(&b, 1, UINT64_MAX));
}

static void text_from_a_peer_is_made_harmless(void **state)
{
    struct fixture *f = *state;
    struct ts_feed_session s;
    struct ts_feed_frame hello = hello_frame();
    hello.bytes = ts_bytes_of("a\n\"\x1b[b", 6);
    ts_feed_session_init(&s, TS_FEED_SERVER, &genesis, NULL, 0);
    assert_int_equal(receive(f, &s, 0, &hello), TS_OK);
    assert_string_equal(s.name, "a???[b");
}

static void repeated_offences_wait_longer_and_are_forgiven(void **state)
{
    const uint64_t seed[2] = {1, 2};
    struct ts_feed_guard g;
    (void)state;
    ts_feed_guard_init(&g, seed);
    for (int i = 0; i < TS_GUARD_FREE; i++) {
        ts_feed_guard_offence(&g, "203.0.113.5", 100);
        assert_int_equal(ts_feed_guard_wait(&g, "203.0.113.5", 100), 0);
    }
    ts_feed_guard_offence(&g, "203.0.113.5", 100);
    assert_int_equal(ts_feed_guard_wait(&g, "203.0.113.5", 100), TS_GUARD_WAIT_US);
    ts_feed_guard_offence(&g, "203.0.113.5", 100);
    assert_int_equal(ts_feed_guard_wait(&g, "203.0.113.5", 100), 2 * TS_GUARD_WAIT_US);
    assert_int_equal(ts_feed_guard_wait(&g, "203.0.113.6", 100), 0);
    for (int i = 0; i < 100; i++)
        ts_feed_guard_offence(&g, "203.0.113.5", 100);
    assert_int_equal(ts_feed_guard_wait(&g, "203.0.113.5", 100), TS_GUARD_MAX_US);
    ts_feed_guard_offence(&g, "203.0.113.5", 100 + 64 * TS_GUARD_FORGET_US);
    assert_int_equal(ts_feed_guard_wait(&g, "203.0.113.5", 100 + 64 * TS_GUARD_FORGET_US), 0);
    ts_feed_guard_free(&g);
}

static void addresses_share_a_network_and_the_table_is_bounded(void **state)
{
    const uint64_t seed[2] = {1, 2};
    struct ts_feed_guard g;
    (void)state;
    ts_feed_guard_init(&g, seed);
    for (int i = 0; i < 4; i++)
        ts_feed_guard_offence(&g, "2001:db8:1:2::1", 0);
    assert_int_not_equal(ts_feed_guard_wait(&g, "2001:db8:1:2:ffff::9", 0), 0);
    assert_int_equal(ts_feed_guard_wait(&g, "2001:db8:1:3::1", 0), 0);
    for (int i = 0; i < 100; i++)
        ts_feed_guard_offence(&g, "127.0.0.1", 0);
    assert_int_equal(ts_feed_guard_wait(&g, "127.0.0.1", 0), TS_GUARD_LOCAL_US);
    for (int i = 0; i < 3 * TS_GUARD_MAX; i++) {
        char addr[32];
        snprintf(addr, sizeof(addr), "10.0.%d.%d", i / 256, i % 256);
        ts_feed_guard_offence(&g, addr, 0);
    }
    assert_int_equal(g.addrs.n, TS_GUARD_MAX);
    assert_int_equal(ts_feed_guard_wait(&g, "127.0.0.1", 0), TS_GUARD_LOCAL_US);
    ts_feed_guard_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_come_back_as_they_went, setup, teardown),
        cmocka_unit_test_setup_teardown(every_cut_of_a_frame_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(senseless_ranges_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(hello_comes_first_and_once, setup, teardown),
        cmocka_unit_test_setup_teardown(another_network_or_version_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_hello_times_out, setup, teardown),
        cmocka_unit_test_setup_teardown(each_end_may_send_its_own_frames_only, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_must_have_been_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_requests_end_or_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flood_ends_the_session_and_a_steady_stream_does_not,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(evidence_is_bounded, setup, teardown),
        cmocka_unit_test(a_bucket_never_overflows_and_never_runs_backwards),
        cmocka_unit_test_setup_teardown(text_from_a_peer_is_made_harmless, setup, teardown),
        cmocka_unit_test(repeated_offences_wait_longer_and_are_forgiven),
        cmocka_unit_test(addresses_share_a_network_and_the_table_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
