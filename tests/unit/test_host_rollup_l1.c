/* SPDX-License-Identifier: Apache-2.0 */
/* The host core and rollups when L1 does what it is not asked for: goes back, stands still, or is
 * led by governance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "host_kit.h"

/* Published and taken back while the host hears nothing of L1: it is told of the second only, and
 * what rests on the rollups that are gone comes to nothing. */
static void what_was_taken_back_unheard_is_made_anew(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 2; n++) {
        struct world_options o = publishing(n);
        struct world *w = world_new(&o);
        world_run(w, 5 * SECOND);
        size_t taken = world_l1_rollups_taken(w);
        assert_true(taken >= 1);
        world_l1_down(w, true);
        while (world_l1_rollups_taken(w) < taken + 2)
            world_run(w, 100 * MS);
        world_l1_roll_back(w, n);
        world_run(w, 2 * SECOND);
        world_l1_down(w, false);
        world_run(w, 15 * SECOND);
        assert_int_equal(world_events(w, "rollups-rolled-back"), 1);
        assert_true(world_l1_published(w) + 80 > world_head(w));
        check_rollups(w);
        done(w);
    }
}

/* Nobody says what became of what was sent, for longer than the contract may take the block that it
 * names: it is not waited for any longer, nor sent any more. */
static void what_is_never_heard_of_is_made_anew(void **state)
{
    (void)state;
    struct world_options o = publishing(10);
    o.interval_us = SECOND;
    o.rollup_us = 60 * SECOND;
    o.l1_block_us = 12 * SECOND;
    struct world *w = world_new(&o);
    world_l1_lose_rollups(w, true);
    world_run(w, 50 * 60ull * SECOND);
    assert_int_equal(world_events(w, "rollup-made"), 3);
    world_l1_lose_rollups(w, false);
    world_run(w, 12 * 60ull * SECOND);
    assert_true(world_l1_published(w) + 200 > world_head(w));
    assert_int_equal(world_events(w, "rollup-failed"), 1);
    assert_int_equal(world_l1_rollups_refused(w), 0);
    check_rollups(w);
    done(w);
}

/* L1 goes back, not behind what the chain names, while an enclave makes a rollup, or when one is on
 * its way: none is paid for that names a block which is gone. */
static void no_rollup_names_a_gone_block(void **state)
{
    (void)state;
    for (unsigned made = 0; made < 2; made++) {
        struct world_options o = publishing(20 + made);
        o.rollup_batches = 10000;
        struct world *w = world_new(&o);
        for (unsigned i = 0; i < 3; i++)
            world_rollup_cost(w, i, made ? 0 : 10 * MS);
        world_run(w, 5 * SECOND);
        assert_int_equal(world_admin(w, TS_ADMIN_PAUSE, -1, NULL, 0), TS_OK);
        while (made && world_events(w, "rollup-made") == 0)
            world_run(w, 10 * MS);
        if (!made) /* it is asked for ten seconds after the first block, and takes half a second */
            world_run(w, 11 * SECOND + 200 * MS - world_now(w));
        assert_int_equal(world_events(w, "rollup-made"), made);
        world_l1_reorg_told(w, 1, 1);
        world_run(w, 10 * SECOND);
        assert_int_equal(world_events(w, "l1-reorg"), 0);
        assert_int_equal(world_l1_rollups_refused(w), 0);
        assert_int_equal(world_l1_rollups_taken(w), 1);
        assert_int_equal(world_admin(w, TS_ADMIN_RESUME, -1, NULL, 0), TS_OK);
        check_rollups(w);
        done(w);
    }
}

/* L1 goes back behind what the chain names: until an operator has looked, nothing is published. */
static void nothing_is_published_of_a_chain_that_l1_denies(void **state)
{
    (void)state;
    struct world_options o = publishing(30);
    struct world *w = world_new(&o);
    world_run(w, 5 * SECOND);
    unsigned made = world_events(w, "rollup-made");
    assert_true(made > 0);
    world_l1_reorg(w, 4);
    assert_int_equal(world_events(w, "l1-reorg"), 1);
    world_run(w, 60 * SECOND);
    assert_int_equal(world_events(w, "rollup-made"), made);
    assert_int_equal(world_l1_rollups_refused(w), 0);
    world_free(w);
}

/* It ends further back than the host has hashes in memory: that it is not of this chain is found
 * when what follows it is read, not paid for again and again. Governance ends it. */
static void an_old_foreign_rollup_is_found_out(void **state)
{
    (void)state;
    struct world_options o = publishing(40);
    o.rollup_batches = 0;
    struct world *w = world_new(&o);
    world_run(w, (TS_RECENT / 10 + 5) * SECOND);
    world_kill_host(w);
    world_publish_rollups(w, 10000);
    world_start_host(w);
    world_l1_foreign_rollup(w, 5);
    world_run(w, 30 * SECOND);
    assert_int_equal(world_events(w, "rollup-foreign"), 1);
    assert_int_equal(world_events(w, "rollup-made"), 0);
    assert_int_equal(world_l1_rollups_refused(w), 0);
    world_kill_host(w);
    world_start_host(w);
    world_run(w, 30 * SECOND);
    assert_int_equal(world_events(w, "rollup-foreign"), 2);
    assert_int_equal(world_events(w, "rollup-made"), 0);
    world_l1_roll_back(w, 1);
    world_run(w, 20 * SECOND);
    assert_true(world_l1_published(w) + 150 > world_head(w));
    check_rollups(w);
    done(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_taken_back_unheard_is_made_anew),
        cmocka_unit_test(what_is_never_heard_of_is_made_anew),
        cmocka_unit_test(no_rollup_names_a_gone_block),
        cmocka_unit_test(nothing_is_published_of_a_chain_that_l1_denies),
        cmocka_unit_test(an_old_foreign_rollup_is_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
