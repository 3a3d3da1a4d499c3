/* SPDX-License-Identifier: Apache-2.0 */
/* The host core and rollups: when they are made, that ranges follow one another whatever crashes,
 * and that what is in them are the batches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/check.h"
#include "chain/rollup.h"
#include "host_kit.h"

static void rollups_are_made_by_number(void **state)
{
    (void)state;
    struct world_options o = publishing(1);
    struct world *w = world_new(&o);
    for (unsigned i = 0; i < 30; i++) {
        world_send(w, i % WORLD_ACCOUNTS);
        world_run(w, 400 * MS);
    }
    assert_true(world_l1_published(w) + 60 > world_head(w));
    assert_true(world_l1_rollups_taken(w) >= 3);
    assert_int_equal(world_events(w, "rollup-failed"), 0);
    check_rollups(w);
    done(w);
}

static void rollups_are_made_by_time(void **state)
{
    (void)state;
    struct world_options o = publishing(2);
    o.rollup_batches = 10000;
    struct world *w = world_new(&o);
    world_run(w, 9 * SECOND);
    assert_int_equal(world_l1_rollups_taken(w), 0);
    world_run(w, 6 * SECOND);
    assert_int_equal(world_l1_rollups_taken(w), 1);
    assert_in_range(world_l1_published(w), 95, 125);
    check_rollups(w);
    done(w);
}

/* L1 takes nothing for a while: what waits is longer than the enclave remembers by itself. */
static void a_backlog_is_caught_up_with(void **state)
{
    (void)state;
    struct world_options o = publishing(3);
    o.interval_us = 20 * MS;
    o.rollup_batches = 200;
    struct world *w = world_new(&o);
    world_l1_lose_rollups(w, true);
    world_run(w, 12 * SECOND);
    assert_int_equal(world_l1_published(w), 0);
    world_kill_host(w);
    world_l1_lose_rollups(w, false);
    world_start_host(w);
    assert_true(world_head(w) > 500);
    world_run(w, 8 * SECOND);
    assert_true(world_l1_published(w) + 500 > world_head(w));
    check_rollups(w);
    done(w);
}

/* Ranges that hold as many bytes as one may: the rest is shown to the enclave as headers. */
static void a_range_ends_where_it_is_full(void **state)
{
    (void)state;
    struct world_options o = publishing(4);
    o.rollup_batches = 10000;
    struct world *w = world_new(&o);
    uint8_t raw[60];
    memset(raw, 0xee, sizeof(raw));
    for (unsigned i = 0; i < 3000; i++) {
        world_send(w, i % WORLD_ACCOUNTS);
        if (i % 300 == 0)
            world_run(w, 300 * MS);
    }
    world_run(w, 20 * SECOND);
    assert_true(world_l1_rollups_taken(w) >= 2);
    check_rollups(w);
    ts_bytes data;
    (void)world_l1_rollup(w, 0, &data);
    assert_in_range(data.n, 50000, TS_ROLLUP_MAX_DATA);
    done(w);
}

static void crashes_neither_skip_nor_double_a_range(void **state)
{
    (void)state;
    for (uint64_t seed = 10; seed < 16; seed++) {
        struct world_options o = publishing(seed);
        struct world *w = world_new(&o);
        uint64_t rng = seed;
        for (unsigned round = 0; round < 20; round++) {
            rng = rng * 6364136223846793005u + 1442695040888963407u;
            unsigned dice = (unsigned)(rng >> 33);
            if (dice % 4 == 0)
                world_kill(w, dice / 4 % 3);
            else if (dice % 4 == 1) {
                world_kill_host(w);
                world_run(w, dice / 4 % 2000 * MS);
                world_start_host(w);
            } else if (dice % 4 == 2)
                world_l1_lose_rollups(w, dice / 4 % 2 == 0);
            world_send(w, dice / 8 % WORLD_ACCOUNTS);
            world_run(w, dice / 32 % 1500 * MS);
        }
        world_l1_lose_rollups(w, false);
        world_kill_host(w); /* what it waits for may be lost for ten minutes */
        world_start_host(w);
        world_run(w, 25 * SECOND);
        assert_true(world_l1_published(w) + 60 > world_head(w));
        assert_int_equal(world_events(w, "enclave-corrupted"), 0);
        check_rollups(w);
        done(w);
    }
}

/* L1 tells something else while an enclave makes a rollup, and all begins anew: the answer to what
 * was dropped is not one to what is asked then. */
static void what_was_dropped_is_not_held_against_its_maker(void **state)
{
    (void)state;
    struct world_options o = publishing(60);
    struct world *w = world_new(&o);
    for (unsigned i = 0; i < 3; i++)
        world_rollup_cost(w, i, 6 * MS);
    for (unsigned round = 0; round < 80; round++) {
        world_run(w, 137 * MS);
        if (world_l1_published(w) > 0 && world_host_status(w).rolled_up == world_l1_published(w))
            world_l1_roll_back(w, 1);
    }
    world_run(w, 25 * SECOND);
    assert_int_equal(world_events(w, "enclave-corrupted"), 0);
    assert_true(world_l1_published(w) + 120 > world_head(w));
    check_rollups(w);
    done(w);
}

/* The enclave's data are of other batches: nothing is published, and it is marked. */
static size_t edit_rollup(void *ctx, struct world *w, unsigned i, ts_bytes frame, uint8_t *out,
                          size_t cap)
{
    struct ts_arena arena;
    struct ts_msg m;
    struct ts_buf b;
    (void)w;
    TS_CHECK(frame.n <= cap);
    memcpy(out, frame.p, frame.n);
    size_t n = frame.n;
    ts_arena_init(&arena, 0);
    if (ts_msg_decode_answer(frame, &arena, &m) == TS_OK && m.type == TS_MSG_ROLLUP) {
        *(unsigned *)ctx = i;
        m.u.rolled.rollup.last_hash.b[0] ^= 1;
        ts_buf_init(&b, cap);
        ts_msg_put(&b, &m);
        TS_CHECK(b.err == TS_OK);
        memcpy(out, b.p, b.n);
        n = b.n;
        ts_buf_free(&b);
    }
    ts_arena_free(&arena);
    return n;
}

static void a_false_rollup_is_not_published(void **state)
{
    (void)state;
    struct world_options o = publishing(40);
    struct world *w = world_new(&o);
    unsigned liar = WORLD_MAX;
    world_run(w, SECOND);
    world_tamper(w, edit_rollup, &liar);
    while (liar == WORLD_MAX)
        world_run(w, 100 * MS);
    world_run(w, 50 * MS);
    world_tamper(w, NULL, NULL);
    assert_true(world_status(w, liar).corrupted);
    assert_int_equal(world_l1_rollups_taken(w), 0);
    assert_int_equal(world_events(w, "rollup-failed"), 1);
    world_run(w, 10 * SECOND);
    assert_true(world_l1_rollups_taken(w) >= 1);
    check_rollups(w);
    done(w);
}

/* Whatever it says: the host waits, and goes on from what governance leaves, with the root that L1
 * tells; also when it was away meanwhile, or has been started anew. */
static void a_made_up_rollup_is_taken_back(void **state)
{
    (void)state;
    static const uint64_t ranges[] = {1, 16384};
    for (unsigned i = 0; i < 4; i++) {
        struct world_options o = publishing(50 + i);
        struct world *w = world_new(&o);
        world_run(w, 8 * SECOND);
        size_t taken = world_l1_rollups_taken(w);
        assert_true(taken >= 2);
        world_l1_foreign_rollup(w, ranges[i % 2]);
        world_run(w, 10 * SECOND);
        assert_int_equal(world_events(w, "rollup-foreign"), 1);
        assert_int_equal(world_l1_rollups_taken(w), taken + 1);
        if (i >= 2)
            world_kill_host(w);
        world_l1_roll_back(w, i == 1 ? taken + 1 : 2); /* all; or one good one goes too */
        if (i >= 2)
            world_start_host(w);
        world_run(w, 15 * SECOND);
        assert_int_equal(world_events(w, "rollups-rolled-back"), 1);
        assert_true(world_l1_published(w) + 60 > world_head(w));
        assert_int_equal(world_events(w, "enclave-corrupted"), 0);
        check_rollups(w);
        done(w);
    }
}

/* More bytes than a rollup is made for: alone in a batch it leaves the pool, and does not stand
 * before all others for ever. What L1 could not carry is not taken. */
static void a_large_transaction_does_not_block_the_others(void **state)
{
    (void)state;
    static uint8_t raw[TS_ROLLUP_MAX_DATA + 1];
    struct world_options o = publishing(41);
    struct world *w = world_new(&o);
    const ts_address sender = world_account(w, 0);
    ts_err err;
    memset(raw, 0xee, sizeof(raw));
    world_run(w, SECOND);
    world_kill_host(w);
    world_put_tx(w, ts_bytes_of(raw, 115000), &sender, 7);
    world_start_host(w);
    world_run(w, SECOND);
    unsigned small = world_send(w, 1);
    unsigned too_large = world_send_raw(w, ts_bytes_of(raw, sizeof(raw)));
    world_run(w, 3 * SECOND);
    world_check(w, true);
    assert_int_equal(world_tx_batches(w, small), 1);
    assert_int_equal(world_tx_state(w, too_large, &err), WTX_REFUSED);
    assert_int_equal(err, TS_E_TX_SIZE);
    world_run(w, 10 * SECOND);
    check_rollups(w);
    done(w);
}

/* What L1 told is told once: until it is on disk the shell may not forget that it was told, and the
 * host goes on trying. */
static void what_l1_told_is_stored(void **state)
{
    (void)state;
    struct world_options o = publishing(50);
    struct world *w = world_new(&o);
    while (world_l1_rollups_taken(w) == 0)
        world_run(w, 50 * MS);
    assert_int_equal(world_host_status(w).rolled_up, 0);
    world_disk_error(w, TS_E_DISK_FULL);
    while (world_host_status(w).rolled_up == 0)
        world_run(w, 50 * MS);
    world_run(w, 2 * SECOND);
    assert_false(world_host_status(w).rolled_up_is_stored);
    world_disk_error(w, TS_OK);
    world_run(w, 2 * SECOND + 300 * MS); /* not in the step in which the next one is told */
    assert_true(world_host_status(w).rolled_up_is_stored);
    uint64_t told = world_host_status(w).rolled_up;
    world_kill_host(w);
    world_start_host(w);
    assert_true(world_host_status(w).rolled_up >= told);
    done(w);
}

/* Ranges would be made that the contract never takes, and paid for. */
static void what_is_foreign_stays_so_over_a_restart(void **state)
{
    (void)state;
    struct world_options o = publishing(51);
    struct world *w = world_new(&o);
    world_run(w, 8 * SECOND);
    assert_int_equal(world_events(w, "rollup-foreign"), 0);
    world_l1_foreign_rollup(w, 5);
    world_run(w, 3 * SECOND);
    assert_int_equal(world_events(w, "rollup-foreign"), 1);
    unsigned made = world_events(w, "rollup-made");
    assert_true(made > 0);
    world_run(w, 30 * SECOND); /* until its last is not among the recent ones */
    for (unsigned i = 2; i < 4; i++) {
        world_kill_host(w);
        world_start_host(w);
        world_run(w, 12 * SECOND);
        assert_int_equal(world_events(w, "rollup-made"), made);
        assert_int_equal(world_events(w, "rollup-foreign"), i);
    }
    done(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rollups_are_made_by_number),
        cmocka_unit_test(rollups_are_made_by_time),
        cmocka_unit_test(a_backlog_is_caught_up_with),
        cmocka_unit_test(a_range_ends_where_it_is_full),
        cmocka_unit_test(a_made_up_rollup_is_taken_back),
        cmocka_unit_test(crashes_neither_skip_nor_double_a_range),
        cmocka_unit_test(what_was_dropped_is_not_held_against_its_maker),
        cmocka_unit_test(a_false_rollup_is_not_published),
        cmocka_unit_test(a_large_transaction_does_not_block_the_others),
        cmocka_unit_test(what_l1_told_is_stored),
        cmocka_unit_test(what_is_foreign_stays_so_over_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
