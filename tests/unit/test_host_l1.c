/* SPDX-License-Identifier: Apache-2.0 */
/* The host core and L1: which block batches name, whitelist changes, what becomes of the removed
 * and of the new, and when L1 is down, old, or goes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/check.h"
#include "chain/batch.h"
#include "hostworld.h"
#include "link/messages.h"

#define MS     1000u
#define SECOND 1000000u

/* Of five enclaves the last two are not on the whitelist at first. */
static struct world *with_l1(uint64_t seed)
{
    struct world_options o = {.enclaves = 5,
                              .validators = 2,
                              .seed = seed,
                              .interval_us = 100 * MS,
                              .delay_us = 200,
                              .disk_us = 500,
                              .restart_us = 300 * MS,
                              .l1_block_us = SECOND,
                              .fast_crypto = true};
    return world_new(&o);
}

static void done(struct world *w)
{
    world_run(w, 2 * SECOND);
    world_check(w, true);
    world_free(w);
}

static const struct ts_head *head_of(struct world *w)
{
    return &ts_host_chain(world_host(w))->head;
}

static bool listed_on_chain(struct world *w, unsigned i)
{
    ts_address id = world_id(w, i);
    const struct ts_registry_entry *e =
        ts_registry_find(&ts_host_chain(world_host(w))->registry, &id);
    return e != NULL && e->whitelisted;
}

static struct ts_host_status status(struct world *w)
{
    struct ts_host_status s;
    ts_host_status_of(world_host(w), &s);
    return s;
}

static void batches_name_the_newest_block(void **state)
{
    (void)state;
    struct world *w = with_l1(1);
    for (unsigned i = 0; i < 5; i++) {
        world_run(w, SECOND);
        assert_in_range(head_of(w)->l1_number, world_l1_number(w) - 1, world_l1_number(w));
    }
    assert_true(world_head(w) > 40);
    assert_int_equal(world_events(w, "l1-missing"), 0);
    assert_int_equal(status(w).state, TS_HOST_PRODUCING);
    done(w);
}

/* In force with the first batch after the block. */
static void who_is_granted_joins_by_itself(void **state)
{
    (void)state;
    struct world *w = with_l1(2);
    world_run(w, 3 * SECOND);
    assert_false(listed_on_chain(w, 3));
    world_l1_list(w, 3, true);
    uint64_t number = world_l1_number(w);
    while (world_l1_number(w) == number)
        world_run(w, 10 * MS);
    world_run(w, 150 * MS);
    assert_true(listed_on_chain(w, 3));
    assert_false(listed_on_chain(w, 4));
    world_run(w, SECOND);
    struct ts_host_enclave_status e = world_status(w, 3);
    assert_string_equal(e.role, "passive");
    assert_true(e.last_report + 3 > world_head(w));
    assert_int_equal(world_admin(w, TS_ADMIN_SWITCHOVER, 3, NULL, 0), TS_OK);
    world_run(w, SECOND);
    assert_int_equal(world_active(w), 3);
    done(w);
}

static void who_is_revoked_goes(void **state)
{
    (void)state;
    struct world *w = with_l1(3);
    world_run(w, 3 * SECOND);
    int passive = world_active(w) == 0 ? 1 : 0;
    uint64_t head = world_head(w);
    world_l1_list(w, (unsigned)passive, false);
    world_run(w, 2 * SECOND);
    assert_false(listed_on_chain(w, (unsigned)passive));
    assert_true(world_head(w) >= head + 19);
    assert_string_equal(world_status(w, (unsigned)passive).role, "validating");
    assert_int_equal(world_events(w, "failover"), 0);
    assert_int_equal(world_boots(w, (unsigned)passive), 1);
    done(w);
}

/* Without a missed batch: a planned switch with the batch that announces it. */
static void the_revoked_active_is_replaced(void **state)
{
    (void)state;
    struct world *w = with_l1(4);
    world_run(w, 3 * SECOND);
    int active = world_active(w);
    uint64_t head = world_head(w);
    world_l1_list(w, (unsigned)active, false);
    world_run(w, 2 * SECOND);
    assert_int_not_equal(world_active(w), active);
    assert_false(listed_on_chain(w, (unsigned)active));
    assert_true(world_head(w) >= head + 19);
    assert_int_equal(world_events(w, "switched"), 1);
    assert_int_equal(world_events(w, "failover"), 0);
    done(w);
}

/* All at once, as when a corrupted enclave that was alone is replaced. */
static void the_only_one_is_replaced_by_a_new_one(void **state)
{
    (void)state;
    struct world *w = with_l1(5);
    world_run(w, 2 * SECOND);
    for (unsigned i = 0; i < 3; i++)
        world_l1_list(w, i, false);
    world_l1_list(w, 3, true);
    uint64_t head = world_head(w);
    world_run(w, 3 * SECOND);
    assert_int_equal(world_active(w), 3);
    assert_true(world_head(w) >= head + 25);
    assert_int_equal(world_events(w, "no-candidate"), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_false(listed_on_chain(w, i));
    done(w);
}

static void with_nobody_left_nothing_is_made(void **state)
{
    (void)state;
    struct world *w = with_l1(6);
    world_run(w, 2 * SECOND);
    for (unsigned i = 0; i < 3; i++)
        world_l1_list(w, i, false);
    world_run(w, 2 * SECOND);
    uint64_t head = world_head(w);
    world_run(w, 3 * SECOND);
    assert_int_equal(world_head(w), head);
    assert_true(world_events(w, "no-candidate") >= 1);
    assert_int_equal(status(w).state, TS_HOST_NO_CANDIDATE);
    struct ts_host_enclave_status e = world_status(w, 0);
    assert_non_null(strstr(e.reason, "L1 has removed it"));
    world_l1_list(w, 1, true);
    assert_true(world_run_to(w, head + 5, 3 * SECOND));
    assert_int_equal(world_active(w), 1);
    done(w);
}

/* The last block goes on being named, until it is too old. */
static void production_outlasts_l1(void **state)
{
    (void)state;
    struct world_options o = {.enclaves = 3,
                              .seed = 7,
                              .interval_us = 100 * MS,
                              .delay_us = 200,
                              .disk_us = 500,
                              .restart_us = 300 * MS,
                              .l1_block_us = SECOND,
                              .max_l1_age_ms = 20000};
    struct world *w = world_new(&o);
    world_run(w, 3 * SECOND);
    world_l1_down(w, true);
    uint64_t head = world_head(w);
    world_run(w, 15 * SECOND);
    assert_true(world_head(w) >= head + 145);
    world_kill_host(w); /* what the head names is known from the disk */
    world_start_host(w);
    head = world_head(w);
    world_run(w, 2 * SECOND);
    assert_true(world_head(w) >= head + 15);
    world_run(w, 10 * SECOND);
    head = world_head(w);
    world_run(w, 5 * SECOND);
    assert_int_equal(world_head(w), head);
    assert_int_equal(status(w).state, TS_HOST_L1);
    assert_non_null(strstr(status(w).l1_fault, "older than a batch may name"));
    world_l1_down(w, false);
    assert_true(world_run_to(w, head + 10, 3 * SECOND));
    assert_int_equal(status(w).state, TS_HOST_PRODUCING);
    assert_int_equal(world_events(w, "failover"), 0);
    assert_int_equal(world_events(w, "enclave-corrupted"), 0);
    done(w);
}

static void a_deep_reorg_stops_it(void **state)
{
    (void)state;
    struct world *w = with_l1(8);
    world_run(w, 5500 * MS);
    world_l1_reorg(w, 3);
    world_run(w, SECOND);
    uint64_t head = world_head(w);
    world_run(w, 5 * SECOND);
    assert_int_equal(world_head(w), head);
    assert_int_equal(world_events(w, "l1-reorg"), 1);
    assert_int_equal(status(w).state, TS_HOST_L1);
    assert_non_null(strstr(status(w).l1_fault, "behind its confirmations"));
    /* A restart is no way around it: what the chain names is looked at again. */
    world_kill_host(w);
    world_start_host(w);
    world_run(w, 3 * SECOND);
    uint64_t after = world_head(w);
    assert_true(after <= head + 2);
    world_run(w, 5 * SECOND);
    assert_int_equal(world_head(w), after);
    assert_int_equal(status(w).state, TS_HOST_L1);
    assert_non_null(strstr(status(w).l1_fault, "has another hash on L1"));
    world_check(w, false);
    world_free(w);
}

/* What the follower says is that its newest confirmed block is gone. The chain names an older one,
 * which may be gone with it: nothing newer is named until that is known. */
static void what_the_chain_names_is_looked_at_again(void **state)
{
    (void)state;
    for (unsigned depth = 2; depth <= 6; depth += 4) {
        struct world *w = with_l1(31);
        world_run(w, 6500 * MS);
        assert_int_equal(world_admin(w, TS_ADMIN_PAUSE, -1, NULL, 0), TS_OK);
        world_run(w, 3 * SECOND);
        uint64_t named = head_of(w)->l1_number;
        assert_true(world_l1_number(w) >= named + 3);
        uint64_t head = world_head(w);
        world_l1_reorg_told(w, depth, 1);
        assert_int_equal(world_admin(w, TS_ADMIN_RESUME, -1, NULL, 0), TS_OK);
        bool goes_on = world_run_to(w, head + 10, 4 * SECOND);
        assert_true(goes_on == (depth == 2));
        assert_true(status(w).l1_is_halted == (depth == 6));
        assert_int_equal(world_events(w, "l1-reorg"), depth == 6);
        if (depth == 6) /* one may name the old block once more before L1 has answered */
            assert_true(world_head(w) <= head + 1);
        if (depth == 6)
            assert_int_equal(head_of(w)->l1_number, named);
        world_check(w, false);
        world_free(w);
    }
}

/* The batch that an enclave sealed before the host died names a block that the new host has to ask
 * for. */
static void an_offer_waits_for_its_block(void **state)
{
    (void)state;
    unsigned taken = 0;
    for (uint64_t seed = 9; seed < 29; seed++) {
        struct world_options o = {.enclaves = 3,
                                  .seed = seed,
                                  .interval_us = 100 * MS,
                                  .delay_us = 200,
                                  .disk_us = 30 * MS,
                                  .restart_us = 300 * MS,
                                  .l1_block_us = SECOND,
                                  .fast_crypto = true};
        struct world *w = world_new(&o);
        world_run(w, 2 * SECOND + seed * 37 % 100 * MS);
        world_kill_host(w);
        world_run(w, 3 * SECOND); /* three blocks later */
        world_start_host(w);
        assert_true(world_run_to(w, world_head(w) + 10, 5 * SECOND));
        taken += world_events(w, "offer-taken");
        assert_int_equal(world_events(w, "enclave-corrupted"), 0);
        done(w);
    }
    assert_true(taken > 0);
}

/* A batch on the head that names a block nobody has, and a seal of nobody's. */
static size_t offer_made_up(void *ctx, struct world *w, unsigned i, ts_bytes frame, uint8_t *out,
                            size_t cap)
{
    const struct ts_head *head = head_of(w);
    struct ts_arena arena;
    struct ts_msg m;
    struct ts_buf raw, b;
    size_t n = frame.n;
    memcpy(out, frame.p, frame.n);
    ts_arena_init(&arena, 0);
    ts_buf_init(&raw, 0);
    ts_buf_init(&b, 0);
    if (ts_msg_decode_answer(frame, &arena, &m) == TS_OK && m.type == TS_MSG_OFFERS) {
        struct ts_batch made = {.header = {.parent_hash = head->hash,
                                           .number = head->number + 1,
                                           .time = head->time,
                                           .term = head->term,
                                           .producer = world_id(w, i),
                                           .l1_number = 1000000 + ++*(uint64_t *)ctx}};
        ts_tx_root(&made, &made.header.tx_root);
        ts_batch_put(&raw, &made);
        ts_bytes offer = ts_buf_bytes(&raw);
        m.u.offered.batches = &offer;
        m.u.offered.n = 1;
        ts_msg_put(&b, &m);
        assert_true(raw.err == TS_OK && b.err == TS_OK && b.n <= cap);
        memcpy(out, b.p, b.n);
        n = b.n;
    }
    ts_buf_free(&raw);
    ts_buf_free(&b);
    ts_arena_free(&arena);
    return n;
}

/* Only what is sealed as it should be makes the host ask L1, and wait for it. */
static void a_made_up_offer_asks_for_nothing(void **state)
{
    (void)state;
    struct world *w = with_l1(31);
    uint64_t told = 0;
    world_run(w, 2 * SECOND);
    size_t asks = world_l1_asks(w);
    unsigned passive = world_active(w) == 0 ? 1 : 0;
    world_tamper(w, offer_made_up, &told);
    world_cut(w, passive, true);
    world_run(w, 100 * MS);
    world_cut(w, passive, false);
    world_run(w, 2 * SECOND);
    world_tamper(w, NULL, NULL);
    assert_true(told > 0);
    assert_int_equal(world_l1_asks(w), asks);
    assert_string_equal(world_status(w, passive).role, "passive");
    done(w);
}

/* Whoever starts anew is given the headers with the batches. */
static void who_catches_up_is_given_the_headers(void **state)
{
    (void)state;
    struct world *w = with_l1(30);
    world_run(w, 2 * SECOND);
    int passive = world_active(w) == 0 ? 1 : 0;
    world_hold_down(w, (unsigned)passive, true);
    world_kill(w, (unsigned)passive);
    world_run(w, 6 * SECOND);
    world_hold_down(w, (unsigned)passive, false);
    world_start(w, (unsigned)passive);
    world_run(w, 2 * SECOND);
    assert_string_equal(world_status(w, (unsigned)passive).role, "passive");
    done(w);
}

/* After a reorg to the same hash, or when the logs were read anew. */
static void the_newest_telling_of_a_block_counts(void **state)
{
    (void)state;
    struct world *w = with_l1(46);
    world_run(w, 3 * SECOND);
    assert_int_equal(world_admin(w, TS_ADMIN_PAUSE, -1, NULL, 0), TS_OK);
    world_run(w, 1100 * MS);
    world_l1_tell_again(w, 3, true);
    world_l1_tell_again(w, 4, true);
    world_l1_tell_again(w, 4, false);
    assert_int_equal(world_admin(w, TS_ADMIN_RESUME, -1, NULL, 0), TS_OK);
    assert_true(world_run_to(w, world_head(w) + 2, SECOND));
    assert_true(listed_on_chain(w, 3));
    assert_false(listed_on_chain(w, 4));
    assert_int_equal(world_events(w, "enclave-corrupted"), 0);
    done(w);
}

static size_t talk_nonsense(void *ctx, struct world *w, unsigned i, ts_bytes frame, uint8_t *out,
                            size_t cap)
{
    unsigned *whose = ctx;
    (void)w;
    assert_true(frame.n <= cap);
    memcpy(out, frame.p, frame.n);
    if (i != *whose)
        return frame.n;
    *whose = WORLD_MAX; /* once */
    out[0] = 0xff;
    return 1;
}

static void corrupt(struct world *w, unsigned i)
{
    unsigned before = world_events(w, "enclave-corrupted"), whose = i;
    world_tamper(w, talk_nonsense, &whose);
    world_run(w, SECOND);
    world_tamper(w, NULL, NULL);
    assert_int_equal(world_events(w, "enclave-corrupted"), before + 1);
}

static void restart_host(struct world *w)
{
    world_kill_host(w);
    world_start_host(w);
    world_run(w, 2 * SECOND);
}

static void hold_spares(struct world *w, bool down)
{
    for (unsigned i = 3; i < 5; i++) {
        world_hold_down(w, i, down);
        if (down)
            world_kill(w, i);
        else
            world_start(w, i);
    }
    world_run(w, 2 * SECOND);
}

/* Whenever the host dies, and whenever the spare comes: it is named until it is asked for. */
static void who_could_replace_a_corrupted_one_is_named_until_asked_for(void **state)
{
    (void)state;
    struct world *w = with_l1(48);
    ts_address from, to, id = world_id(w, 0), spare = world_id(w, 3);
    world_run(w, 2 * SECOND);
    hold_spares(w, true);
    corrupt(w, 0);
    assert_int_equal(world_replacements(w, &from, &to), 0);
    restart_host(w);
    assert_int_equal(world_replacements(w, &from, &to), 0);
    world_hold_down(w, 3, false);
    world_start(w, 3);
    world_run(w, 2 * SECOND);
    assert_int_equal(world_replacements(w, &from, &to), 1);
    assert_true(ts_address_equal(&from, &id) && ts_address_equal(&to, &spare));
    restart_host(w);
    assert_int_equal(world_replacements(w, &from, &to), 2);
    world_replacement_asked(w, TS_OK);
    world_run(w, SECOND);
    restart_host(w);
    assert_int_equal(world_replacements(w, &from, &to), 2);
    done(w);
}

/* The operator took the mark away; when it is made again, the request of before counts no more,
 * also for a host that dies before the next. */
static void a_mark_that_is_taken_away_takes_its_request_along(void **state)
{
    (void)state;
    struct world *w = with_l1(51);
    ts_address from, to;
    world_run(w, 2 * SECOND);
    corrupt(w, 0);
    assert_int_equal(world_replacements(w, &from, &to), 1);
    world_replacement_asked(w, TS_OK);
    world_run(w, SECOND);
    world_kill_host(w);
    world_set_meta(w, "corrupted", ts_bytes_of("", 0));
    world_start_host(w);
    world_run(w, 3 * SECOND);
    hold_spares(w, true);
    corrupt(w, 0);
    restart_host(w);
    hold_spares(w, false);
    assert_int_equal(world_replacements(w, &from, &to), 2);
    done(w);
}

/* Two are not replaced by one, nor is anybody asked for too often. */
static void each_corrupted_one_needs_a_spare_of_its_own(void **state)
{
    (void)state;
    struct world *w = with_l1(49);
    ts_address from, to, first;
    world_run(w, 2 * SECOND);
    unsigned passive = world_active(w) == 0 ? 1 : 0;
    corrupt(w, passive);
    assert_int_equal(world_replacements(w, &from, &first), 1);
    corrupt(w, (unsigned)world_active(w));
    assert_int_equal(world_replacements(w, &from, &to), 2);
    assert_false(ts_address_equal(&first, &to));
    world_replacement_asked(w, TS_E_L1_REVERT);
    world_run(w, 500 * SECOND);
    assert_int_equal(world_replacements(w, &from, &to), 2);
    world_run(w, 110 * SECOND);
    assert_int_equal(world_replacements(w, &from, &to), 3);
    done(w);
}

/* One that cannot be asked for is not in the way of another that could. */
static void another_spare_is_named_after_a_failure(void **state)
{
    (void)state;
    struct world *w = with_l1(50);
    ts_address from, to, before;
    world_run(w, 2 * SECOND);
    corrupt(w, world_active(w) == 0 ? 1 : 0);
    for (size_t n = 1; n <= 3; n++) {
        assert_int_equal(world_replacements(w, &from, &to), n);
        assert_true(n == 1 || !ts_address_equal(&to, &before));
        before = to;
        world_replacement_asked(w, TS_E_SIGNER);
        world_run(w, 610 * SECOND);
    }
    done(w);
}

/* Crashes, changes of the whitelist and an L1 that comes and goes. */
static void everything_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 120; seed++) {
        struct world *w = with_l1(seed);
        uint64_t rng = seed;
        world_run(w, SECOND);
        for (unsigned round = 0; round < 30; round++) {
            rng = rng * 6364136223846793005u + 1442695040888963407u;
            unsigned dice = (unsigned)(rng >> 33);
            unsigned who = dice / 8 % 5;
            if (dice % 8 == 0)
                world_l1_down(w, dice / 64 % 2 == 0);
            else if (dice % 8 <= 3)
                world_l1_list(w, who, dice / 64 % 2 == 0);
            else if (dice % 8 <= 5)
                world_kill(w, who);
            else if (dice % 8 == 6 && dice / 64 % 4 == 0) {
                world_kill_host(w);
                world_run(w, 100 * MS);
                world_start_host(w);
            }
            world_send(w, who % WORLD_ACCOUNTS);
            world_run(w, 300 * MS);
        }
        for (unsigned i = 0; i < 5; i++)
            world_l1_list(w, i, true);
        world_l1_down(w, false);
        world_run(w, 10 * SECOND);
        uint64_t head = world_head(w);
        assert_true(world_run_to(w, head + 10, 3 * SECOND));
        assert_int_equal(world_events(w, "enclave-corrupted"), 0);
        for (unsigned i = 0; i < 5; i++)
            assert_true(listed_on_chain(w, i));
        done(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_name_the_newest_block),
        cmocka_unit_test(who_is_granted_joins_by_itself),
        cmocka_unit_test(who_is_revoked_goes),
        cmocka_unit_test(the_revoked_active_is_replaced),
        cmocka_unit_test(the_only_one_is_replaced_by_a_new_one),
        cmocka_unit_test(with_nobody_left_nothing_is_made),
        cmocka_unit_test(production_outlasts_l1),
        cmocka_unit_test(a_deep_reorg_stops_it),
        cmocka_unit_test(what_the_chain_names_is_looked_at_again),
        cmocka_unit_test(an_offer_waits_for_its_block),
        cmocka_unit_test(a_made_up_offer_asks_for_nothing),
        cmocka_unit_test(who_catches_up_is_given_the_headers),
        cmocka_unit_test(the_newest_telling_of_a_block_counts),
        cmocka_unit_test(who_could_replace_a_corrupted_one_is_named_until_asked_for),
        cmocka_unit_test(a_mark_that_is_taken_away_takes_its_request_along),
        cmocka_unit_test(each_corrupted_one_needs_a_spare_of_its_own),
        cmocka_unit_test(another_spare_is_named_after_a_failure),
        cmocka_unit_test(everything_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
