/* SPDX-License-Identifier: Apache-2.0 */
/* The host core when L1 goes back behind its confirmations, and behind what a batch on its way
 * names, or is not there to say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "host_kit.h"
#include "link/messages.h"

static const struct ts_head *head_of(struct world *w)
{
    return &ts_host_chain(world_host(w))->head;
}

/* The chain names a block, L1 is three further, and the next batch names its newest. */
static struct world *about_to_name(unsigned enclaves, uint64_t seed, uint64_t l1_block_us)
{
    struct world_options o = {.enclaves = enclaves,
                              .seed = seed,
                              .interval_us = 100 * MS,
                              .delay_us = 200,
                              .disk_us = 500,
                              .restart_us = 300 * MS,
                              .dispute_hold_us = enclaves > 1 ? 2 * SECOND : 30 * SECOND,
                              .l1_block_us = l1_block_us,
                              .fast_crypto = true};
    struct world *w = world_new(&o);
    world_run(w, 6500 * MS);
    assert_int_equal(world_admin(w, TS_ADMIN_PAUSE, -1, NULL, 0), TS_OK);
    world_run(w, 3 * SECOND);
    assert_true(world_l1_number(w) >= head_of(w)->l1_number + 3);
    (void)world_admin_later(w, TS_ADMIN_RESUME, -1);
    return w;
}

static struct world *about_to_name_the_newest(uint64_t seed, uint64_t l1_block_us)
{
    return about_to_name(3, seed, l1_block_us);
}

static size_t note_created(void *ctx, struct world *w, unsigned i, ts_bytes frame, uint8_t *out,
                           size_t cap)
{
    struct ts_arena arena;
    struct ts_msg m;
    (void)w;
    (void)i;
    assert_true(frame.n <= cap);
    memcpy(out, frame.p, frame.n);
    ts_arena_init(&arena, 0);
    if (ts_msg_decode_answer(frame, &arena, &m) == TS_OK && m.type == TS_MSG_CREATE)
        *(bool *)ctx = true;
    ts_arena_free(&arena);
    return frame.n;
}

static void made_anew(struct world *w, uint64_t head)
{
    assert_true(world_run_to(w, head + 10, 6 * SECOND));
    assert_int_equal(world_events(w, "l1-reorg"), 0);
    assert_int_equal(world_events(w, "enclave-corrupted"), 0);
    assert_int_equal(world_host_status(w).state, TS_HOST_PRODUCING);
    done(w);
}

static void run_to_created(struct world *w)
{
    bool created = false;
    world_tamper(w, note_created, &created);
    for (unsigned i = 0; i < 20000 && !created; i++)
        world_run(w, 20);
    assert_true(created);
    world_tamper(w, NULL, NULL);
}

/* Else it would be committed, and the host would stop when L1 says that the block is gone. */
static void a_batch_on_its_way_names_no_gone_block(void **state)
{
    (void)state;
    struct world *w = about_to_name_the_newest(41, SECOND);
    uint64_t head = world_head(w);
    run_to_created(w);
    world_l1_reorg_told(w, 2, 1);
    made_anew(w, head);
}

static bool run_to_prepared(struct world *w)
{
    for (unsigned i = 0; i < 20000 && world_prepared_by(w) < 0; i++)
        world_run(w, 20);
    return world_prepared_by(w) >= 0;
}

/* It was shown to nobody but the enclaves. */
static void a_prepared_batch_whose_block_is_gone_is_discarded(void **state)
{
    (void)state;
    struct world *w = about_to_name_the_newest(42, SECOND);
    uint64_t head = world_head(w);
    assert_true(run_to_prepared(w));
    world_l1_reorg_told(w, 2, 1);
    world_run(w, 5 * MS);
    assert_int_equal(world_events(w, "prepared-l1-gone"), 1);
    assert_int_equal(world_events(w, "batch-discarded"), 1);
    made_anew(w, head);
}

/* Nobody else is there to speak first. */
static void a_lone_enclave_goes_on_at_once(void **state)
{
    (void)state;
    struct world *w = about_to_name(1, 49, SECOND);
    uint64_t head = world_head(w);
    assert_true(run_to_prepared(w));
    world_kill_host(w);
    world_l1_reorg_told(w, 2, 1);
    world_start_host(w);
    world_run(w, 500 * MS);
    assert_int_equal(world_events(w, "batch-discarded"), 1);
    made_anew(w, head);
}

/* Too late: it may be committed on the disk already. It is the last one, whether or not L1 can be
 * asked then. */
static void a_batch_being_committed_whose_block_is_gone_is_the_last(void **state)
{
    (void)state;
    struct world *w = about_to_name_the_newest(48, SECOND);
    uint64_t head = world_head(w);
    assert_true(run_to_prepared(w));
    world_disk_error(w, TS_E_DISK_FULL);
    world_run(w, 100 * MS);
    world_l1_down(w, true);
    world_l1_reorg_told(w, 2, 1);
    world_disk_error(w, TS_OK);
    world_run(w, 5 * SECOND);
    assert_int_equal(world_head(w), head + 1);
    assert_int_equal(world_events(w, "prepared-l1-gone"), 0);
    assert_int_equal(world_events(w, "l1-reorg"), 1);
    assert_int_equal(world_host_status(w).state, TS_HOST_L1);
    world_check(w, false);
    world_free(w);
}

/* Below the reorg, it is carried on. */
static void a_prepared_batch_whose_block_stays_is_committed(void **state)
{
    (void)state;
    struct world *w = about_to_name_the_newest(43, SECOND);
    uint64_t head = world_head(w);
    assert_true(run_to_prepared(w));
    world_disk_error(w, TS_E_DISK_FULL);
    uint64_t named = world_l1_number(w);
    world_l1_down(w, true);
    world_run(w, 1100 * MS);
    world_l1_down(w, false);
    assert_int_equal(world_head(w), head);
    assert_true(world_l1_number(w) > named);
    world_l1_reorg_told(w, 1, 1);
    world_disk_error(w, TS_OK);
    assert_true(world_run_to(w, head + 10, 3 * SECOND));
    assert_int_equal(world_events(w, "prepared-l1-gone"), 0);
    assert_int_equal(world_events(w, "batch-discarded"), 0);
    made_anew(w, head);
}

/* The reorg came while the host was down. */
static void after_a_start_what_is_prepared_waits_for_l1(void **state)
{
    (void)state;
    for (unsigned gone = 0; gone < 2; gone++) {
        struct world *w = about_to_name_the_newest(44, SECOND);
        uint64_t head = world_head(w);
        assert_true(run_to_prepared(w));
        world_kill_host(w);
        if (gone == 1)
            world_l1_reorg_told(w, 2, 1);
        world_start_host(w);
        world_run(w, 500 * MS);
        assert_int_equal(world_events(w, "prepared-l1-gone"), gone);
        assert_int_equal(world_events(w, "batch-discarded"), gone);
        made_anew(w, head);
    }
}

/* No longer than for an enclave that does not come. */
static void what_is_prepared_goes_on_without_l1(void **state)
{
    (void)state;
    struct world *w = about_to_name_the_newest(45, SECOND);
    uint64_t head = world_head(w);
    assert_true(run_to_prepared(w));
    world_kill_host(w);
    world_l1_down(w, true);
    world_start_host(w);
    world_run(w, SECOND);
    assert_int_equal(world_head(w), head);
    assert_true(world_run_to(w, head + 5, 2 * SECOND));
    world_l1_down(w, false);
    made_anew(w, head);
}

/* L1 goes back behind what the batch on its way names, somewhere between its creation and its
 * commit, and the disk or an enclave fails meanwhile, or the host dies. */
static void reorg_under_way(struct world *w, uint64_t dice)
{
    world_run(w, dice % 40 * 50);
    if (dice / 64 % 4 == 0)
        world_kill(w, (unsigned)(dice / 256 % 3));
    else if (dice / 64 % 4 == 1)
        world_disk_error(w, TS_E_DISK_FULL);
    else if (dice / 64 % 4 == 2)
        world_disk_lies(w, TS_E_IO);
    world_run(w, dice / 1024 % 8 * 50);
    if (head_of(w)->l1_number + 1 < world_l1_number(w))
        world_l1_reorg_told(w, 2, 1);
    world_run(w, dice / 8192 % 40 * 50);
    bool dies = dice / 524288 % 2 == 0;
    if (dies)
        world_kill_host(w);
    world_run(w, dies ? dice / 1048576 % 4 * 100 * MS : 0);
    world_disk_error(w, TS_OK);
    if (dies)
        world_start_host(w);
}

/* No transaction is lost or twice, and batches go on unless the chain names what is gone. */
static void what_is_discarded_is_made_anew_whatever_else_fails(void **state)
{
    (void)state;
    unsigned discarded = 0;
    for (uint64_t seed = 200; seed < 240; seed++) {
        struct world *w = about_to_name_the_newest(seed, SECOND);
        for (unsigned i = 0; i < 8; i++)
            world_send(w, i % WORLD_ACCOUNTS);
        uint64_t head = world_head(w);
        run_to_prepared(w);
        reorg_under_way(w,
                        (seed * 2654435761u * 6364136223846793005u + 1442695040888963407u) >> 33);
        world_run(w, 6 * SECOND);
        discarded += world_events(w, "batch-discarded");
        assert_int_equal(world_events(w, "enclave-corrupted"), 0);
        bool is_halted = world_events(w, "l1-reorg") > 0;
        assert_true(is_halted || world_head(w) > head + 10);
        world_run(w, 2 * SECOND);
        world_check(w, !is_halted);
        world_free(w);
    }
    assert_true(discarded >= 5);
}

/* However many blocks come meanwhile: whoever catches up with it needs the header. */
static void the_block_of_a_prepared_batch_is_kept(void **state)
{
    (void)state;
    struct world *w = about_to_name_the_newest(47, 200 * MS);
    uint64_t head = world_head(w);
    world_hold_down(w, 2, true);
    world_kill(w, 2);
    run_to_created(w);
    world_disk_error(w, TS_E_DISK_FULL);
    world_run(w, 20 * SECOND);
    assert_int_equal(world_head(w), head);
    world_disk_error(w, TS_OK);
    world_run(w, 2 * SECOND);
    world_hold_down(w, 2, false);
    world_start(w, 2);
    world_run(w, 3 * SECOND);
    assert_string_equal(world_status(w, 2).role, "passive");
    assert_int_equal(world_events(w, "batch-refused"), 0);
    assert_int_equal(world_events(w, "enclave-corrupted"), 0);
    done(w);
}

/* A start asks for what the chain names, and L1's tip has another block there for a moment. */
static void a_tip_that_does_not_last_stops_nothing(void **state)
{
    (void)state;
    struct world *w = about_to_name_the_newest(48, SECOND);
    world_l1_down(w, true);
    world_kill_host(w);
    world_start_host(w);
    world_run(w, SECOND);
    world_l1_tell_tip(w, head_of(w)->l1_number);
    world_run(w, 200 * MS); /* one may be on its way */
    uint64_t doubted = world_head(w);
    world_run(w, 3 * SECOND);
    assert_int_equal(world_head(w), doubted); /* it may be gone */
    assert_int_equal(world_host_status(w).state, TS_HOST_L1);
    assert_false(world_host_status(w).l1_is_halted);
    world_l1_down(w, false);
    made_anew(w, doubted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_on_its_way_names_no_gone_block),
        cmocka_unit_test(a_prepared_batch_whose_block_is_gone_is_discarded),
        cmocka_unit_test(a_lone_enclave_goes_on_at_once),
        cmocka_unit_test(a_batch_being_committed_whose_block_is_gone_is_the_last),
        cmocka_unit_test(a_prepared_batch_whose_block_stays_is_committed),
        cmocka_unit_test(after_a_start_what_is_prepared_waits_for_l1),
        cmocka_unit_test(what_is_prepared_goes_on_without_l1),
        cmocka_unit_test(what_is_discarded_is_made_anew_whatever_else_fails),
        cmocka_unit_test(the_block_of_a_prepared_batch_is_kept),
        cmocka_unit_test(a_tip_that_does_not_last_stops_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
