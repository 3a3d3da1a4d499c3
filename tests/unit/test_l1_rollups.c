/* SPDX-License-Identifier: Apache-2.0 */
/* The follower and rollups: their data, and what governance takes back. */
#include <string.h>

#include "base/check.h"
#include "l1world_one.h"

/* ---- rollups ---- */

static void finds_a_rollup_that_was_forwarded(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    l1world_publish(&w, 5, FAKEL1_FORWARDED);
    l1world_publish(&w, 5, FAKEL1_DIRECT);
    lives(4);
    l1world_check_settled(&w);
    assert_int_equal(w.rollups, 2);
    assert_int_equal(l1world_status(&w).rollups, 2);
}

static void an_unreadable_rollup_is_said_and_left_out(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    l1world_publish(&w, 5, FAKEL1_DIRECT);
    l1world_publish(&w, 5, FAKEL1_HIDDEN);
    l1world_publish(&w, 5, FAKEL1_DIRECT);
    lives(4);
    l1world_check_settled(&w);
    assert_int_equal(w.rollups, 2);
    assert_int_equal(l1world_status(&w).unreadable, 1);
    assert_int_equal(l1world_said(&w, "l1-rollup-unreadable state=left-out"), 1);
}

static void reads_no_rollups_when_none_are_wanted(void **state)
{
    (void)state;
    w.s.wants_rollups = false;
    l1world_start(&w, NONE);
    l1world_publish(&w, 5, FAKEL1_DIRECT);
    l1world_grant(&w, 4);
    lives(4);
    l1world_check_settled(&w);
    assert_int_equal(w.rollups, 0);
}

/* ---- rollbacks ---- */

static void tells_what_was_rolled_back(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    l1world_publish(&w, 5, FAKEL1_DIRECT);
    l1world_publish(&w, 6, FAKEL1_DIRECT);
    l1world_publish(&w, 7, FAKEL1_DIRECT);
    lives(4);
    assert_int_equal(w.rollup_next, 19);
    l1world_roll_back(&w, 2);
    lives(1);
    assert_int_equal(w.rollbacks, 0); /* not confirmed */
    lives(3);
    assert_int_equal(w.rollbacks, 1);
    assert_int_equal(w.rollup_next, 6);
    l1world_publish(&w, 20, FAKEL1_DIRECT);
    lives(4);
    l1world_check_settled(&w);
    assert_int_equal(w.rollups, 4);
    l1world_roll_back(&w, 9); /* all */
    l1world_publish(&w, 3, FAKEL1_DIRECT);
    l1world_roll_back(&w, 1);
    l1world_publish(&w, 4, FAKEL1_DIRECT);
    lives(4);
    l1world_check_settled(&w);
    assert_int_equal(w.rollup_next, 5);
    assert_int_equal(w.rollbacks, 2); /* the first of the two is a part of the second */
}

static void a_rollback_that_a_reorg_takes_away_is_none(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    l1world_publish(&w, 5, FAKEL1_DIRECT);
    lives(1);
    l1world_roll_back(&w, 1);
    lives(1);
    fakel1_back(w.l1, 1);
    lives(4);
    l1world_check_settled(&w);
    assert_int_equal(w.rollbacks, 0);
    assert_int_equal(w.rollup_next, 6);
}

/* What is gone at a block need not even be readable. */
static void what_is_rolled_back_already_is_not_read(void **state)
{
    (void)state;
    l1world_publish(&w, 5, FAKEL1_DIRECT);
    l1world_mine(&w, 200);
    l1world_publish(&w, 6, FAKEL1_HIDDEN);
    l1world_publish(&w, 7, FAKEL1_DIRECT);
    l1world_mine(&w, 200);
    l1world_roll_back(&w, 2);
    l1world_mine(&w, 1);
    l1world_publish(&w, 8, FAKEL1_DIRECT);
    l1world_mine(&w, 4);
    w.has_hidden = false;
    w.s.log_blocks = 20;
    w.s.rollups_at = w.l1->tip->number - 1;
    l1world_start(&w, NONE);
    l1world_run(&w, 100 * SECOND);
    l1world_check_settled(&w);
    assert_int_equal(w.rollups, 2);
    assert_int_equal(w.rollbacks, 1);
    assert_int_equal(l1world_status(&w).unreadable, 0);
}

/* From genesis again: what the caller has is passed over, and what was rolled back in between is no
 * news; unless the caller does not say from which block on. */
static void what_was_rolled_back_long_ago_is_known(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    l1world_publish(&w, 5, FAKEL1_DIRECT);
    l1world_publish(&w, 90, FAKEL1_DIRECT);
    lives(4);
    l1world_roll_back(&w, 1);
    lives(1);
    l1world_publish(&w, 8, FAKEL1_DIRECT);
    uint64_t at = w.l1->tip->number + 1;
    lives(4);
    l1world_check_settled(&w);
    assert_int_equal(w.rollups, 3);
    w.s.rollups_from = at;
    l1world_start(&w, NONE);
    lives(4);
    assert_int_equal(w.rollups, 3);
    assert_int_equal(w.rollbacks, 1);
    w.s.rollups_from = 0;
    l1world_start(&w, NONE);
    lives(4);
    l1world_check_settled(&w);
    assert_int_equal(w.rollbacks, 2);
    assert_int_equal(w.rollups, 4);
}

static void a_rollback_is_kept_while_it_waits(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    l1world_publish(&w, 5, FAKEL1_DIRECT);
    lives(4);
    w.s.rollups_at = w.l1->tip->number + 10; /* nothing is told before that */
    l1world_start(&w, NONE);
    l1world_publish(&w, 6, FAKEL1_DIRECT);
    l1world_roll_back(&w, 2);
    lives(4);
    assert_int_equal(l1world_status(&w).waiting, 3);
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_l1_follower_save(w.f, &b);
    w.s.rollups_at = 0;
    l1world_start(&w, ts_buf_bytes(&b));
    ts_buf_free(&b);
    lives(2);
    l1world_check_settled(&w);
    assert_int_equal(w.rollbacks, 1);
    assert_int_equal(w.rollups, 1);
    assert_int_equal(w.rollup_next, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(finds_a_rollup_that_was_forwarded),          T(an_unreadable_rollup_is_said_and_left_out),
        T(reads_no_rollups_when_none_are_wanted),      T(tells_what_was_rolled_back),
        T(a_rollback_that_a_reorg_takes_away_is_none), T(what_is_rolled_back_already_is_not_read),
        T(what_was_rolled_back_long_ago_is_known),     T(a_rollback_is_kept_while_it_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
