/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/check.h"
#include "l1world_one.h"

/* ---- the ordinary ---- */

static void begins_with_genesis(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    l1world_run(&w, SECOND);
    assert_int_equal(w.told, 17);
    assert_int_equal(w.n_told, 1);
    assert_int_equal(l1world_said(&w, "l1-up"), 1);
    assert_int_equal(w.n_events, 1);
}

static void tells_what_has_its_confirmations(void **state)
{
    (void)state;
    for (uint64_t c = 1; c < 5; c++) {
        w.s.confirmations = c;
        l1world_start(&w, NONE);
        lives(6);
        l1world_check_settled(&w);
    }
}

static void tells_each_change_of_the_whitelist(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    for (unsigned i = 3; i < 9; i++) {
        l1world_grant(&w, i);
        lives(1);
        l1world_revoke(&w, i - 3);
        l1world_mine(&w, 3); /* several at once: none with a change is left out */
        l1world_run(&w, 12 * SECOND);
    }
    lives(2);
    l1world_check_settled(&w);
    assert_int_equal(w.n_events, 1);
}

static void catches_up_with_a_long_line(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        if (i % 97 == 0)
            i % 2 == 0 ? l1world_grant(&w, i / 97 + 3) : l1world_revoke(&w, i / 97 + 2);
        if (i % 31 == 0)
            l1world_publish(&w, 1 + i % 5, FAKEL1_DIRECT);
        l1world_mine(&w, 1);
    }
    w.s.log_blocks = 300;
    l1world_start(&w, NONE);
    l1world_run(&w, 60 * SECOND);
    l1world_check_settled(&w);
    assert_true(w.l1->log_calls < 30);
    assert_int_equal(w.rollups, 162);
    assert_true(w.max_in_flight <= 6);
}

static void halves_what_the_node_refuses(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 800; i++) {
        if (i % 50 == 0)
            l1world_grant(&w, i / 50 + 3);
        l1world_mine(&w, 1);
    }
    w.l1->mood.max_logs = 100;
    l1world_start(&w, NONE);
    l1world_run(&w, 60 * SECOND);
    l1world_check_settled(&w);
    assert_int_equal(w.n_events, 1);
}

static void follows_what_is_finalized(void **state)
{
    (void)state;
    w.s.confirmations = 0;
    w.l1->final = 17;
    l1world_start(&w, NONE);
    for (unsigned i = 0; i < 40; i++) {
        if (i % 4 == 0)
            l1world_grant(&w, i + 3);
        lives(3);
        w.l1->final = w.l1->tip->number - fakel1_random(w.l1, 3);
    }
    l1world_run(&w, 5 * SECOND);
    l1world_check_settled(&w);
    l1world_mine(&w, 900); /* no finality for long: then all at once */
    l1world_grant(&w, 1000);
    l1world_run(&w, 60 * SECOND);
    l1world_check_settled(&w);
    w.l1->final = w.l1->tip->number - 40;
    l1world_mine(&w, 1);
    l1world_run(&w, 60 * SECOND);
    l1world_check_settled(&w);
}

/* ---- lookups ---- */

static void looks_up_any_block(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        if (i % 10 == 0)
            i % 20 == 0 ? l1world_grant(&w, i + 3) : l1world_revoke(&w, i - 7);
        l1world_mine(&w, 1);
    }
    l1world_start(&w, NONE);
    for (uint64_t n = 17; n <= 417; n += 8)
        l1world_lookup(&w, n);
    l1world_run(&w, 30 * SECOND);
    assert_int_equal(w.n_open, 0);
    assert_int_equal(w.n_found, 51);
    for (unsigned i = 0; i < 60; i++)
        l1world_lookup(&w, 17 + fakel1_random(w.l1, 401));
    l1world_run(&w, 30 * SECOND);
    l1world_check_settled(&w);
}

static void a_lookup_waits_for_its_block(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    l1world_grant(&w, 7);
    l1world_lookup(&w, 19);
    l1world_lookup(&w, 18);
    l1world_run(&w, 20 * SECOND);
    assert_int_equal(w.n_found, 0);
    l1world_mine(&w, 1);
    l1world_run(&w, 3 * SECOND);
    assert_int_equal(w.n_found, 1); /* not confirmed yet: 4 on the list already */
    assert_int_equal(w.told, 17);
    assert_int_equal(w.found.n_whitelist, 4);
    lives(1);
    assert_int_equal(w.n_found, 2);
}

static void no_block_is_below_genesis(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    l1world_run(&w, SECOND);
    l1world_lookup(&w, 16);
    l1world_lookup(&w, 0);
    assert_int_equal(w.n_found, 2);
}

/* ---- reorgs ---- */

static void follows_a_reorg_within_the_confirmations(void **state)
{
    (void)state;
    w.s.confirmations = 6;
    l1world_start(&w, NONE);
    lives(10);
    l1world_grant(&w, 5);
    l1world_publish(&w, 3, FAKEL1_DIRECT);
    lives(3);
    fakel1_back(w.l1, 5);
    l1world_grant(&w, 6);
    lives(1);
    l1world_publish(&w, 4, FAKEL1_DIRECT);
    lives(3);
    l1world_lookup(&w, w.l1->tip->number);
    lives(8);
    l1world_check_settled(&w);
    assert_int_equal(l1world_said(&w, "l1-reorg state=followed"), 1);
    assert_int_equal(w.n_events, 2);
}

static void a_reorg_to_a_shorter_line_is_followed(void **state)
{
    (void)state;
    w.s.confirmations = 4;
    l1world_start(&w, NONE);
    lives(10);
    fakel1_back(w.l1, 3);
    lives(2);
    assert_int_equal(l1world_said(&w, "l1-reorg state=followed"), 1);
    lives(8);
    l1world_check_settled(&w);
}

static void a_reorg_behind_the_confirmations_is_the_end(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    lives(10);
    fakel1_back(w.l1, 2);
    l1world_mine(&w, 2);
    l1world_run(&w, 10 * SECOND);
    assert_true(w.is_over);
    assert_true(l1world_status(&w).is_stopped);
    assert_false(l1world_status(&w).is_up);
    assert_int_equal(l1world_said(&w, "l1-reorg state=over"), 1);
    lives(5); /* step() checks that nothing more is put out */
}

static void with_one_confirmation_any_reorg_is_the_end(void **state)
{
    (void)state;
    w.s.confirmations = 1;
    l1world_start(&w, NONE);
    lives(3);
    fakel1_back(w.l1, 1);
    lives(1);
    assert_true(w.is_over);
}

static void a_reorg_far_behind_is_the_end_too(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    lives(10);
    fakel1_back(w.l1, 5);
    l1world_mine(&w, 700);
    l1world_run(&w, 10 * SECOND);
    assert_true(w.is_over);
}

static void a_reorg_of_the_finalized_is_the_end(void **state)
{
    (void)state;
    w.s.confirmations = 0;
    w.l1->final = 17;
    l1world_start(&w, NONE);
    lives(20);
    w.l1->final = 30;
    lives(2);
    fakel1_back(w.l1, 15);
    w.l1->final = 24;
    lives(20);
    assert_false(w.is_over); /* the other line is not finalized at that height */
    w.l1->final = 32;
    lives(2);
    assert_true(w.is_over);
}

static void an_unconfirmed_other_line_does_not_end_it(void **state)
{
    (void)state;
    w.s.confirmations = 4;
    l1world_start(&w, NONE);
    lives(20);
    struct fakel1_block *good = w.l1->tip;
    fakel1_back(w.l1, 6);
    lives(3); /* below the told one's confirmations */
    assert_false(w.is_over);
    assert_int_equal(l1world_said(&w, "l1-reorg state=deep"), 1);
    w.l1->tip = good;
    lives(4);
    l1world_check_settled(&w);
}

static void one_look_at_another_line_does_not_end_it(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    lives(20);
    struct fakel1_block *good = w.l1->tip;
    fakel1_back(w.l1, 5);
    l1world_mine(&w, 6);
    l1world_run(&w, SECOND);
    assert_int_equal(l1world_said(&w, "l1-reorg state=deep"), 1);
    w.l1->tip = good;
    lives(4);
    l1world_check_settled(&w);
}

/* ---- a node in trouble ---- */

static void says_once_that_it_is_down_and_up(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    lives(3);
    w.l1->mood.is_down = true;
    lives(10);
    assert_int_equal(l1world_said(&w, "l1-down"), 1);
    assert_false(l1world_status(&w).is_up);
    assert_string_equal(l1world_status(&w).reason, "connection refused");
    w.l1->mood.is_down = false;
    l1world_grant(&w, 3);
    l1world_mine(&w, 100);
    lives(3);
    l1world_check_settled(&w);
    assert_int_equal(l1world_said(&w, "l1-up"), 2);
    assert_int_equal(w.n_events, 3);
}

static void a_silent_node_is_down(void **state)
{
    (void)state;
    w.l1->mood.lost = 1000;
    l1world_start(&w, NONE);
    l1world_run(&w, 100 * SECOND);
    assert_int_equal(l1world_said(&w, "l1-down"), 1);
    w.l1->mood.lost = 0;
    lives(5);
    l1world_check_settled(&w);
}

static void stops_at_the_wrong_chain(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    lives(3);
    w.l1->mood.is_down = true;
    lives(2);
    w.l1->mood.is_down = false;
    w.l1->mood.chain_id = 1;
    lives(20);
    assert_int_equal(l1world_said(&w, "l1-wrong-chain"), 1);
    assert_true(l1world_status(&w).is_stopped);
    assert_string_equal(l1world_status(&w).reason,
                        "the L1 node serves chain 1, the genesis names 31337");
    uint64_t told = w.told;
    lives(3);
    assert_int_equal(w.told, told);
    w.l1->mood.chain_id = 0;
    lives(4);
    l1world_check_settled(&w);
}

static void stops_at_another_networks_contract(void **state)
{
    (void)state;
    w.l1->mood.has_other_genesis = true;
    l1world_start(&w, NONE);
    lives(5);
    assert_int_equal(w.n_told, 0);
    assert_int_equal(l1world_said(&w, "l1-wrong-chain"), 1);
    w.l1->mood.has_other_genesis = false;
    w.l1->mood.has_no_code = true;
    lives(5);
    assert_int_equal(w.n_told, 0);
    assert_true(l1world_status(&w).is_stopped);
    w.l1->mood.has_no_code = false;
    lives(5);
    l1world_check_settled(&w);
}

static void stops_at_another_l1_of_the_same_id(void **state)
{
    (void)state;
    w.genesis.l1_hash.b[0] ^= 1;
    l1world_start(&w, NONE);
    lives(5);
    assert_int_equal(w.n_told, 0);
    assert_int_equal(l1world_said(&w, "l1-wrong-chain"), 1);
}

static void takes_a_registry_without_genesis_hash(void **state)
{
    (void)state;
    w.l1->mood.is_plain = true;
    l1world_start(&w, NONE);
    lives(3);
    w.l1->mood.is_down = true;
    lives(2);
    w.l1->mood.is_down = false;
    lives(3);
    l1world_check_settled(&w);
    assert_int_equal(l1world_said(&w, "l1-plain-registry"), 1);
}

static void says_when_nonsense_begins_and_ends(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    lives(3);
    w.l1->mood.nonsense = 700;
    lives(10);
    assert_int_equal(l1world_said(&w, "l1-nonsense state=begun"), 1);
    assert_true(l1world_status(&w).nonsense > 5);
    w.l1->mood.nonsense = 0;
    lives(5);
    assert_int_equal(l1world_said(&w, "l1-nonsense state=ended"), 1);
    l1world_check_settled(&w);
}

static void a_node_that_lags_hides_no_change(void **state)
{
    (void)state;
    w.s.confirmations = 3;
    l1world_start(&w, NONE);
    w.l1->mood.lagging = 200;
    for (unsigned i = 0; i < 60; i++) {
        if (i % 2 == 0)
            l1world_grant(&w, i + 3);
        l1world_publish(&w, 2, FAKEL1_DIRECT);
        lives(1);
    }
    w.l1->mood.lagging = 0;
    lives(4);
    l1world_check_settled(&w);
    assert_int_equal(l1world_said(&w, "l1-rollup-gap"), 0);
}

static void a_node_that_falls_behind_is_waited_for(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    lives(20);
    struct fakel1_block *tip = w.l1->tip;
    fakel1_back(w.l1, 10);
    l1world_run(&w, 30 * SECOND);
    assert_int_equal(l1world_said(&w, "l1-lags state=begun"), 1);
    w.l1->tip = tip;
    lives(3);
    l1world_check_settled(&w);
    assert_int_equal(l1world_said(&w, "l1-lags state=ended"), 1);
    assert_int_equal(w.n_events, 3);
}

/* ---- logs ---- */

/* The newest block was told from one line, the logs are of another that holds none. */
static void logs_of_another_line_are_not_taken(void **state)
{
    (void)state;
    w.l1->has_no_bloom = true;
    l1world_start(&w, NONE);
    lives(3);
    w.l1->mood.min_us = w.l1->mood.max_us = SECOND / 4; /* all before the next look */
    l1world_run(&w, 5 * SECOND);
    l1world_lookup(&w, w.l1->tip->number + 1);
    l1world_grant(&w, 7);
    l1world_mine(&w, 1);
    for (uint64_t calls = w.l1->calls; w.l1->calls == calls;)
        l1world_run(&w, SECOND / 100);
    fakel1_back(w.l1, 1);
    l1world_mine(&w, 1);
    l1world_run(&w, 10 * SECOND);
    assert_int_equal(w.n_found, 1);
    assert_int_equal(l1world_said(&w, "l1-reorg state=followed"), 1);
    lives(3);
    l1world_check_settled(&w);
}

static void odd_logs_have_no_effect_and_are_said_once(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    for (unsigned i = 0; i < 3; i++) {
        l1world_revoke(&w, 99);
        fakel1_act(w.l1, (struct fakel1_act){.kind = FAKEL1_ODD, .who = l1world_who(50)});
        lives(2);
    }
    l1world_check_settled(&w);
    assert_int_equal(l1world_said(&w, "l1-odd-log"), 1);
}

static void no_more_than_64_are_on_the_list(void **state)
{
    (void)state;
    l1world_start(&w, NONE);
    for (unsigned i = 3; i < 80; i++) {
        l1world_grant(&w, i);
        l1world_mine(&w, i % 4 == 0);
    }
    lives(3);
    l1world_revoke(&w, 75); /* was never on it */
    l1world_revoke(&w, 5);
    l1world_grant(&w, 78);
    lives(3);
    l1world_check_settled(&w);
    assert_int_equal(fakel1_at(w.l1, w.told)->n_list, 64);
    assert_int_equal(l1world_said(&w, "l1-odd-log"), 2); /* too many; not on it */
}

/* ---- save and load ---- */

static struct ts_buf save(void)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_l1_follower_save(w.f, &b);
    assert_int_equal(b.err, TS_OK);
    return b;
}

static void goes_on_from_what_was_saved(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        if (i % 30 == 0)
            i % 60 == 0 ? l1world_grant(&w, i + 3) : l1world_revoke(&w, i - 27);
        l1world_publish(&w, 1, FAKEL1_DIRECT);
        l1world_mine(&w, 1);
    }
    w.s.log_blocks = 100;
    l1world_start(&w, NONE);
    l1world_run(&w, 20 * SECOND); /* rollups that were seen wait for their data */
    assert_true(w.rollups < 2999);
    uint64_t told = w.told, calls = w.l1->log_calls;
    struct ts_buf b = save();
    l1world_start(&w, ts_buf_bytes(&b));
    l1world_run(&w, SECOND);
    assert_true(w.told >= told);
    l1world_run(&w, 300 * SECOND);
    l1world_check_settled(&w);
    assert_int_equal(w.rollups, 2999);
    if (told > 3000)
        assert_true(w.l1->log_calls <= calls + 3);
    for (unsigned i = 0; i < 60; i++)
        l1world_lookup(&w, 17 + fakel1_random(w.l1, 3000));
    l1world_run(&w, 30 * SECOND);
    l1world_check_settled(&w);
    ts_buf_free(&b);
}

static void a_loaded_block_that_is_gone_is_the_end(void **state)
{
    (void)state;
    for (unsigned far = 0; far < 2; far++) {
        l1world_start(&w, NONE);
        lives(10);
        struct ts_buf b = save();
        fakel1_back(w.l1, 4);
        l1world_mine(&w, far ? 300 : 5);
        l1world_start(&w, ts_buf_bytes(&b));
        l1world_run(&w, 10 * SECOND);
        assert_true(w.is_over);
        assert_false(w.has_told);
        ts_buf_free(&b);
    }
}

static void refuses_what_it_did_not_save(void **state)
{
    (void)state;
    l1world_grant(&w, 4);
    l1world_publish(&w, 5, FAKEL1_HIDDEN);
    l1world_start(&w, NONE);
    lives(3);
    struct ts_buf b = save();
    struct ts_l1_follower *f;
    for (size_t n = 0; n < b.n; n++) { /* cut short */
        assert_int_equal(ts_l1_follower_new(&w.genesis, &w.s, &f), TS_OK);
        assert_int_not_equal(ts_l1_follower_load(f, ts_bytes_of(b.p, n)), TS_OK);
        ts_l1_follower_free(f);
    }
    for (size_t i = 0; i < 8 * b.n; i++) { /* a bit is wrong: refused, or harmless */
        b.p[i / 8] = (uint8_t)(b.p[i / 8] ^ 1u << (i % 8));
        assert_int_equal(ts_l1_follower_new(&w.genesis, &w.s, &f), TS_OK);
        (void)ts_l1_follower_load(f, ts_buf_bytes(&b));
        ts_l1_follower_free(f);
        b.p[i / 8] = (uint8_t)(b.p[i / 8] ^ 1u << (i % 8));
    }
    struct ts_genesis other = w.genesis;
    other.hash.b[0] ^= 1;
    assert_int_equal(ts_l1_follower_new(&other, &w.s, &f), TS_OK);
    assert_int_equal(ts_l1_follower_load(f, ts_buf_bytes(&b)), TS_E_FOREIGN);
    ts_l1_follower_free(f);
    ts_buf_free(&b);
}

static void wants_settings_that_make_sense(void **state)
{
    (void)state;
    struct ts_l1_follower *f;
    struct ts_l1_follow_settings s = w.s;
    struct ts_genesis g = w.genesis;
    s.confirmations = TS_L1_MAX_CONFIRMATIONS + 1;
    assert_int_equal(ts_l1_follower_new(&g, &s, &f), TS_E_RANGE);
    s = w.s;
    s.log_blocks = 0;
    assert_int_equal(ts_l1_follower_new(&g, &s, &f), TS_E_RANGE);
    g.l1_chain_id = 0;
    assert_int_equal(ts_l1_follower_new(&g, &w.s, &f), TS_E_UNSUPPORTED);
}

/* ---- everything at once ---- */

static void act_at_random(void)
{
    for (uint64_t k = fakel1_random(w.l1, 3); k > 0; k--) {
        unsigned who = (unsigned)fakel1_random(w.l1, 70);
        uint64_t what = fakel1_random(w.l1, 4);
        if (what == 0 && fakel1_random(w.l1, 5) == 0)
            l1world_roll_back(&w, 1 + fakel1_random(w.l1, 4));
        else if (what == 0)
            l1world_publish(&w, 1 + fakel1_random(w.l1, 5),
                            fakel1_random(w.l1, 2) ? FAKEL1_DIRECT : FAKEL1_FORWARDED);
        else
            what < 3 ? l1world_grant(&w, who) : l1world_revoke(&w, who);
    }
}

static void change_mood(void)
{
    struct fakel1_mood *m = &w.l1->mood;
    bool is_bad = fakel1_random(w.l1, 2);
    *m = (struct fakel1_mood){
        .min_us = 1000,
        .max_us = is_bad ? 3 * SECOND : 100000,
        .lost = is_bad ? 30 : 0,
        .closed = is_bad ? 50 : 0,
        .refused = is_bad ? 50 : 0,
        .nonsense = is_bad ? 80 : 0,
        .twice = is_bad ? 100 : 0,
        .lagging = is_bad && !w.l1->has_no_bloom ? 100 : 0,
        .max_logs = fakel1_random(w.l1, 2) ? 1 + fakel1_random(w.l1, 50) : 0,
        .is_down = fakel1_random(w.l1, 8) == 0,
    };
}

static void live_at_random(void)
{
    if (fakel1_random(w.l1, 10) == 0)
        change_mood();
    if (w.s.confirmations > 1 && fakel1_random(w.l1, 6) == 0) {
        uint64_t depth = 1 + fakel1_random(w.l1, w.s.confirmations - 1);
        uint64_t room = w.l1->tip->number + 1 > 17 + w.s.confirmations ? depth : 0;
        fakel1_back(w.l1, room);
        while (room-- > 0)
            fakel1_mine(w.l1);
    }
    for (uint64_t k = fakel1_random(w.l1, 30) == 0 ? 200 : 1; k > 0; k--) {
        act_at_random();
        fakel1_mine(w.l1);
    }
    l1world_lookup(&w, 17 + fakel1_random(w.l1, w.l1->tip->number - 17 + 3));
    l1world_run(&w, fakel1_random(w.l1, 12 * SECOND));
    if (fakel1_random(w.l1, 40) == 0) {
        struct ts_buf b = save();
        l1world_start(&w, ts_buf_bytes(&b));
        ts_buf_free(&b);
    }
}

static void holds_in_any_weather(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        l1world_close(&w);
        l1world_open(&w, 17, seed);
        w.s.confirmations = 1 + seed % 7;
        w.loses_calls = seed % 3 == 0 ? 20 : 0;
        w.l1->has_no_bloom = seed % 4 == 0; /* then nothing betrays a node that lags */
        l1world_start(&w, NONE);
        for (unsigned i = 0; i < 120; i++)
            live_at_random();
        w.l1->mood = (struct fakel1_mood){.min_us = 1000, .max_us = 50000};
        w.loses_calls = 0;
        l1world_mine(&w, 4);
        l1world_run(&w, 300 * SECOND);
        l1world_check_settled(&w);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, open, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(begins_with_genesis),
        T(tells_what_has_its_confirmations),
        T(tells_each_change_of_the_whitelist),
        T(catches_up_with_a_long_line),
        T(halves_what_the_node_refuses),
        T(follows_what_is_finalized),
        T(looks_up_any_block),
        T(a_lookup_waits_for_its_block),
        T(no_block_is_below_genesis),
        T(follows_a_reorg_within_the_confirmations),
        T(a_reorg_to_a_shorter_line_is_followed),
        T(a_reorg_behind_the_confirmations_is_the_end),
        T(with_one_confirmation_any_reorg_is_the_end),
        T(a_reorg_far_behind_is_the_end_too),
        T(a_reorg_of_the_finalized_is_the_end),
        T(an_unconfirmed_other_line_does_not_end_it),
        T(one_look_at_another_line_does_not_end_it),
        T(says_once_that_it_is_down_and_up),
        T(a_silent_node_is_down),
        T(stops_at_the_wrong_chain),
        T(stops_at_another_networks_contract),
        T(stops_at_another_l1_of_the_same_id),
        T(takes_a_registry_without_genesis_hash),
        T(says_when_nonsense_begins_and_ends),
        T(a_node_that_lags_hides_no_change),
        T(a_node_that_falls_behind_is_waited_for),
        T(logs_of_another_line_are_not_taken),
        T(odd_logs_have_no_effect_and_are_said_once),
        T(no_more_than_64_are_on_the_list),
        T(goes_on_from_what_was_saved),
        T(a_loaded_block_that_is_gone_is_the_end),
        T(refuses_what_it_did_not_save),
        T(wants_settings_that_make_sense),
        T(holds_in_any_weather),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
