/* SPDX-License-Identifier: Apache-2.0 */
/* The host core and rollups when something stands in their way: a long backlog, large batches,
 * enclaves that fail, and none but the active one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/check.h"
#include "chain/rollup.h"
#include "host_kit.h"

#if defined(__SANITIZE_ADDRESS__)
#define A_DAY 24000 /* the same way, in a time that fits */
#else
#define A_DAY 68000
#endif

/* More than a message to an enclave could show: the range holds a few batches with transactions,
 * and above it are all that came since. Each try reads the range and a bounded rest, and what waits
 * is published, range after range. */
static void a_backlog_of_a_day_is_caught_up_with(void **state)
{
    (void)state;
    struct world_options o = publishing(50);
    o.enclaves = 2;
    o.report_every = 1024;
    o.rollup_batches = 10000;
    o.rollup_us = 600 * SECOND;
    o.l1_block_us = 5 * SECOND;
    struct world *w = world_new(&o);
    world_l1_lose_rollups(w, true);
    for (unsigned i = 0; i < 1200; i++)
        world_send(w, i % WORLD_ACCOUNTS);
    assert_true(world_run_to(w, A_DAY, 100000ull * SECOND));
    assert_int_equal(world_l1_published(w), 0);
    unsigned failed = world_events(w, "rollup-failed"); /* those that were lost */
    world_kill_host(w);
    world_l1_lose_rollups(w, false);
    world_start_host(w);
    uint64_t loaded = world_loaded(w);
    world_run(w, 400 * SECOND);
    assert_true(world_l1_published(w) + 10000 > world_head(w));
    check_rollups(w);
    assert_in_range(world_l1_rollups_taken(w), A_DAY / 16384 + 1, A_DAY / 16384 + 4);
    assert_int_equal(world_events(w, "rollup-failed"), failed);
    assert_in_range(world_loaded(w) - loaded, world_l1_published(w),
                    world_l1_published(w) + 2 * TS_MILESTONE * (world_l1_rollups_taken(w) + 1));
    done(w);
}

/* The range that is full ends with a milestone: no header is shown, not all up to the next one. */
static void a_range_that_ends_with_a_milestone_is_made(void **state)
{
    (void)state;
    struct world_options o = publishing(55);
    o.enclaves = 2;
    o.report_every = 1024;
    o.rollup_batches = 0;
    struct world *w = world_new(&o);
    assert_int_equal(TS_ROLLUP_MAX_BATCHES % TS_MILESTONE, 0);
    assert_true(world_run_to(w, TS_ROLLUP_MAX_BATCHES + 2 * TS_MILESTONE, 10000ull * SECOND));
    world_kill_host(w);
    world_publish_rollups(w, 20);
    world_start_host(w);
    world_run(w, 20 * SECOND);
    ts_bytes data;
    assert_int_equal(world_events(w, "rollup-failed"), 0);
    assert_true(world_l1_published(w) + 100 > world_head(w));
    assert_int_equal(world_l1_rollup(w, 0, &data)->last_number, TS_ROLLUP_MAX_BATCHES);
    check_rollups(w);
    done(w);
}

/* An enclave that answers all ROLLUPs with a refusal. */
struct unwilling {
    unsigned who;
    unsigned answered[WORLD_MAX];
};

static size_t refusal(uint64_t id, ts_err code, uint8_t *out, size_t cap)
{
    struct ts_msg no = {.type = TS_MSG_ERROR, .id = id, .is_answer = true};
    struct ts_buf b;
    no.u.error.code = code;
    no.u.error.text = ts_bytes_of("no", 2);
    ts_buf_init(&b, cap);
    ts_msg_put(&b, &no);
    memcpy(out, b.p, b.n);
    size_t n = b.n;
    ts_buf_free(&b);
    return n;
}

static size_t refuse_rollup(void *ctx, struct world *w, unsigned i, ts_bytes frame, uint8_t *out,
                            size_t cap)
{
    struct unwilling *u = ctx;
    struct ts_arena arena;
    struct ts_msg m;
    (void)w;
    TS_CHECK(frame.n <= cap);
    memcpy(out, frame.p, frame.n);
    size_t n = frame.n;
    ts_arena_init(&arena, 0);
    if (ts_msg_decode_answer(frame, &arena, &m) == TS_OK && m.type == TS_MSG_ROLLUP) {
        u->answered[i]++;
        if (i == u->who)
            n = refusal(m.id, TS_E_NOT_FOUND, out, cap);
    }
    ts_arena_free(&arena);
    return n;
}

/* Who is asked first makes none from then on: another is asked, and goes on being asked. */
static void the_next_one_is_asked_after_a_failure(void **state)
{
    (void)state;
    for (unsigned too_slow = 0; too_slow < 2; too_slow++) {
        struct world_options o = publishing(60 + too_slow);
        struct unwilling u = {.who = WORLD_MAX};
        unsigned first = 0;
        struct world *w = world_new(&o);
        world_tamper(w, refuse_rollup, &u);
        world_run(w, 6 * SECOND);
        assert_true(world_l1_published(w) > 0);
        while (u.answered[first] == 0)
            first++;
        assert_int_not_equal(first, world_active(w));
        if (too_slow)
            world_rollup_cost(w, first, 10 * SECOND);
        else
            u.who = first;
        unsigned before = u.answered[first];
        uint64_t published = world_l1_published(w);
        world_run(w, 60 * SECOND); /* 30 of them are one deadline */
        assert_true(world_l1_published(w) > published + 200);
        assert_true(world_l1_published(w) + 60 > world_head(w));
        assert_in_range(u.answered[first], before, before + 1);
        assert_int_equal(u.answered[world_active(w)], 0);
        check_rollups(w);
        done(w);
    }
}

/* Two that fail: both have their turns, and the active one is asked in the end. */
static void all_get_their_turn(void **state)
{
    (void)state;
    struct world_options o = publishing(65);
    o.enclaves = 4;
    struct world *w = world_new(&o);
    for (unsigned i = 0; i < 4; i++)
        world_rollup_cost(w, i, i == 3 ? 0 : 10 * SECOND);
    world_run(w, SECOND);
    unsigned active = (unsigned)world_active(w);
    assert_int_not_equal(active, 3);
    world_run(w, 120 * SECOND);
    assert_true(world_l1_published(w) + 60 > world_head(w));
    check_rollups(w);
    done(w);
}

/* A chain that was not rolled up holds a batch which takes most of a message to an enclave. */
static void a_batch_that_fills_a_message_ends_nothing(void **state)
{
    (void)state;
    struct world_options o = publishing(70);
    o.rollup_batches = 0;
    o.max_batch_bytes = TS_MAX_BATCH_BYTES;
    o.max_tx_bytes = 1024 * 1024;
    o.batch_gas_limit = 1000000000;
    o.l1_block_us = 10 * SECOND;
    struct world *w = world_new(&o);
    world_run(w, SECOND);
    for (unsigned i = 0; i < 16; i++)
        world_send_data(w, i % WORLD_ACCOUNTS, 1000000);
    assert_true(world_run_to(w, 32000, 73000ull * SECOND));
    world_kill_host(w);
    world_publish_rollups(w, 10000);
    world_start_host(w);
    world_run(w, 400 * SECOND);
    assert_int_equal(world_events(w, "rollup-failed"), 0);
    assert_true(world_l1_published(w) + 600 > world_head(w));
    size_t largest = 0;
    for (size_t i = 0; i < world_l1_rollups_taken(w); i++) {
        ts_bytes data;
        const struct ts_rollup *r = world_l1_rollup(w, i, &data);
        if (r->first_number == r->last_number)
            largest++;
    }
    assert_true(largest >= 1);
    check_rollups(w);
    done(w);
}

/* The longest time between two batches while us passes. */
static uint64_t longest_wait(struct world *w, uint64_t us)
{
    uint64_t head = world_head(w), since = world_now(w), longest = 0;
    for (uint64_t end = world_now(w) + us; world_now(w) < end;) {
        world_run(w, 5 * MS);
        if (world_now(w) - since > longest)
            longest = world_now(w) - since;
        if (world_head(w) != head)
            since = world_now(w);
        head = world_head(w);
    }
    return longest;
}

/* While it makes a rollup it makes no batch: it is given what it can do in between. */
static void a_lone_active_enclave_makes_its_batches_in_time(void **state)
{
    (void)state;
    static const uint64_t costs[] = {10, 100};
    for (size_t i = 0; i < TS_COUNT(costs); i++) {
        struct world_options o = publishing(80 + i);
        o.enclaves = 1;
        o.rollup_batches = 1000;
        o.rollup_us = 20 * SECOND;
        struct world *w = world_new(&o);
        world_rollup_cost(w, 0, costs[i]);
        world_l1_lose_rollups(w, true);
        assert_true(world_run_to(w, 10000, 1100 * SECOND));
        world_kill_host(w);
        world_l1_lose_rollups(w, false);
        world_l1_down(w, true); /* so that nothing but the start goes on at first */
        world_start_host(w);
        world_run(w, SECOND);
        world_l1_down(w, false);
        assert_true(longest_wait(w, 150 * SECOND) <= 150 * MS);
        assert_int_equal(world_events(w, "enclave-reset"), 0);
        assert_true(world_l1_published(w) + 1300 > world_head(w));
        check_rollups(w);
        done(w);
    }
}

/* Alone, and it does not come back from a rollup: that is found out as soon as with any other
 * request. */
static void a_lone_active_enclave_that_hangs_is_reset_soon(void **state)
{
    (void)state;
    struct world_options o = publishing(90);
    o.enclaves = 1;
    struct world *w = world_new(&o);
    world_rollup_cost(w, 0, SECOND);
    while (world_events(w, "enclave-reset") == 0 && world_now(w) < 100 * SECOND)
        world_run(w, 10 * MS);
    assert_in_range(world_now(w), 3 * SECOND, 6 * SECOND); /* the first range is full after 3 s */
    world_rollup_cost(w, 0, 0);
    world_run(w, 60 * SECOND);
    assert_true(world_l1_published(w) > 0);
    done(w);
}

/* Data that take more than a rollup may, for whatever reason: fewer batches are tried. */
static size_t limit_rollup(void *ctx, struct world *w, unsigned i, ts_bytes frame, uint8_t *out,
                           size_t cap)
{
    struct ts_arena arena;
    struct ts_msg m;
    (void)w;
    (void)i;
    TS_CHECK(frame.n <= cap);
    memcpy(out, frame.p, frame.n);
    size_t n = frame.n;
    ts_arena_init(&arena, 0);
    if (ts_msg_decode_answer(frame, &arena, &m) == TS_OK && m.type == TS_MSG_ROLLUP &&
        m.u.rolled.rollup.last_number - m.u.rolled.rollup.first_number >= 6) {
        n = refusal(m.id, TS_E_LIMIT, out, cap);
        ++*(unsigned *)ctx;
    }
    ts_arena_free(&arena);
    return n;
}

static void a_range_whose_data_are_too_large_is_halved(void **state)
{
    (void)state;
    struct world_options o = publishing(95);
    unsigned refused = 0;
    struct world *w = world_new(&o);
    world_tamper(w, limit_rollup, &refused);
    world_run(w, 30 * SECOND);
    assert_true(refused >= 2);
    assert_true(world_l1_rollups_taken(w) >= 2);
    check_rollups(w);
    done(w);
}

/* A confirmation takes many intervals, and ranges go on being published meanwhile. */
static void three_are_on_their_way_at_once(void **state)
{
    (void)state;
    struct world_options o = publishing(100);
    o.l1_block_us = 12 * SECOND;
    struct world *w = world_new(&o);
    while (world_l1_rollups_taken(w) == 0)
        world_run(w, 100 * MS);
    assert_int_equal(world_events(w, "rollup-made"), 3);
    world_run(w, 120 * SECOND);
    assert_true(world_l1_rollups_taken(w) >= 12); /* one at a time: six */
    assert_int_equal(world_events(w, "rollup-failed"), 0);
    assert_in_range(world_events(w, "rollup-made"), world_l1_rollups_taken(w),
                    world_l1_rollups_taken(w) + 3);
    check_rollups(w);
    done(w);
}

/* The contract refuses the one in the middle, once: what is behind it comes to nothing with it, and
 * all of it is made anew. */
static void one_that_fails_takes_those_behind_it_along(void **state)
{
    (void)state;
    for (unsigned which = 1; which <= 3; which++) {
        struct world_options o = publishing(110 + which);
        o.l1_block_us = 12 * SECOND;
        struct world *w = world_new(&o);
        while (world_events(w, "rollup-made") < which - 1)
            world_run(w, 100 * MS);
        world_l1_refuse_rollup(w);
        world_run(w, 130 * SECOND);
        assert_int_equal(world_events(w, "rollup-failed"), 1);
        assert_true(world_l1_published(w) + 400 > world_head(w));
        check_rollups(w);
        done(w);
    }
}

/* What an earlier life sent is mined after the next one has begun: it counts, and what that one had
 * sent meanwhile is made anew behind it. */
static void what_an_earlier_life_sent_counts(void **state)
{
    (void)state;
    for (unsigned life = 0; life < 4; life++) {
        struct world_options o = publishing(120 + life);
        o.l1_block_us = 12 * SECOND;
        struct world *w = world_new(&o);
        world_run(w, (9 + 4 * life) * SECOND);
        for (unsigned i = 0; i < 4; i++) {
            world_kill_host(w);
            world_run(w, 500 * MS);
            world_start_host(w);
            world_run(w, (5 + 3 * i) * SECOND);
        }
        world_run(w, 100 * SECOND);
        assert_true(world_l1_published(w) + 400 > world_head(w));
        check_rollups(w);
        done(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backlog_of_a_day_is_caught_up_with),
        cmocka_unit_test(a_range_that_ends_with_a_milestone_is_made),
        cmocka_unit_test(the_next_one_is_asked_after_a_failure),
        cmocka_unit_test(all_get_their_turn),
        cmocka_unit_test(a_batch_that_fills_a_message_ends_nothing),
        cmocka_unit_test(a_lone_active_enclave_makes_its_batches_in_time),
        cmocka_unit_test(a_lone_active_enclave_that_hangs_is_reset_soon),
        cmocka_unit_test(a_range_whose_data_are_too_large_is_halved),
        cmocka_unit_test(three_are_on_their_way_at_once),
        cmocka_unit_test(one_that_fails_takes_those_behind_it_along),
        cmocka_unit_test(what_an_earlier_life_sent_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
