/* SPDX-License-Identifier: Apache-2.0 */
/* The host core where another host, an old store or a bad enclave is in its way. */
#include "base/check.h"
#include "host_kit.h"

/* The enclaves serve another host: it is told once for each, nothing is made, and when they are
 * free the host goes on at once. */
static void enclaves_of_another_host_are_left_alone(bool mute)
{
    struct world *w = some(3, 51);
    assert_true(world_run_to(w, 5, SECOND));
    world_run(w, 50 * MS);
    world_kill_host(w);
    for (unsigned i = 0; i < 3; i++)
        world_occupy(w, i, true, mute);
    uint64_t head = world_head(w);
    unsigned lines = world_events(w, "enclave-link-down");
    world_start_host(w);
    world_run(w, 30 * SECOND);
    assert_int_equal(world_head(w), head);
    assert_int_equal(world_events(w, "enclave-elsewhere"), mute ? 0 : 3);
    assert_int_equal(world_events(w, "enclave-link-down") - lines, mute ? 3 : 0);
    assert_int_equal(world_events(w, "no-candidate"), 1);
    struct ts_host_status s;
    ts_host_status_of(world_host(w), &s);
    assert_int_equal(s.state, TS_HOST_NO_CANDIDATE);
    struct ts_host_enclave_status e = world_status(w, 0);
    assert_non_null(strstr(e.reason, mute ? "before it said who it is" : "serves another host"));
    for (unsigned i = 0; i < 3; i++)
        world_occupy(w, i, false, false);
    assert_true(world_run_to(w, head + 2, 2 * SECOND));
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(world_boots(w, i), 1);
    done(w);
}

static void a_second_host_keeps_off(void **state)
{
    (void)state;
    enclaves_of_another_host_are_left_alone(false);
    enclaves_of_another_host_are_left_alone(true);
}

/* A second host with an old store has long stood beside the network when the first one dies. */
static void a_second_host_with_an_old_store_makes_no_line(void **state)
{
    (void)state;
    struct world *w = some(3, 52);
    assert_true(world_run_to(w, 5, SECOND));
    world_run(w, 50 * MS);
    world_copy_disk(w);
    assert_true(world_run_to(w, 40, 5 * SECOND));
    world_kill_host(w);
    world_restore_disk(w);
    for (unsigned i = 0; i < 3; i++)
        world_occupy(w, i, true, false);
    uint64_t head = world_head(w);
    world_start_host(w);
    world_run(w, 20 * SECOND);
    /* One is restarted meanwhile, and falls into its hands. */
    world_kill(w, 0);
    world_occupy(w, 0, false, false);
    world_run(w, 20 * SECOND);
    assert_int_equal(world_head(w), head);
    assert_int_equal(world_boots(w, 0), 2);
    assert_int_equal(ts_enclave_state_of(world_enclave(w, 0)), TS_ENC_EMPTY);
    for (unsigned i = 1; i < 3; i++)
        world_occupy(w, i, false, false);
    world_run(w, 30 * SECOND);
    assert_int_equal(world_head(w), head);
    assert_int_equal(world_events(w, "store-is-behind"), 1);
    assert_int_equal(world_events(w, "store-is-accepted"), 0);
    assert_int_equal(world_events(w, "enclave-ahead"), 2);
    assert_int_equal(world_events(w, "enclave-reset"), 0);
    for (unsigned i = 1; i < 3; i++)
        assert_int_equal(world_boots(w, i), 1);
    world_free(w);
}

/* A batch that stood prepared in the old copy is not shown alone: it may have been discarded since.
 */
static void a_prepared_batch_of_an_old_store_waits(bool elsewhere)
{
    struct world *w = some(3, 58);
    assert_true(world_run_to(w, 5, SECOND));
    while (world_prepared_by(w) < 0)
        world_run(w, 100);
    world_copy_disk(w);
    assert_true(world_run_to(w, 40, 5 * SECOND));
    world_kill_host(w);
    world_restore_disk(w);
    assert_true(world_prepared_by(w) >= 0);
    for (unsigned i = 0; i < 3; i++)
        world_occupy(w, i, elsewhere, false);
    uint64_t sent = world_broadcasts(w);
    world_start_host(w);
    world_run(w, 20 * SECOND);
    for (unsigned i = 0; i < 3; i++)
        world_occupy(w, i, false, false);
    world_run(w, 20 * SECOND);
    assert_int_equal(world_broadcasts(w), sent);
    assert_int_equal(world_events(w, "store-is-behind"), 1);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(world_boots(w, i), 1);
    world_free(w);
}

static void prepared_batches_of_old_stores_wait(void **state)
{
    (void)state;
    a_prepared_batch_of_an_old_store_waits(false);
    a_prepared_batch_of_an_old_store_waits(true);
}

/* One enclave that lies about another host does not hold up those that have signed. */
static void one_that_says_elsewhere_holds_nobody_up(void **state)
{
    (void)state;
    struct world *w = some(3, 53);
    assert_true(world_run_to(w, 5, SECOND));
    world_run(w, 50 * MS);
    unsigned liar = (unsigned)world_active(w);
    world_kill_host(w);
    world_occupy(w, liar, true, false);
    uint64_t head = world_head(w);
    world_start_host(w);
    assert_true(world_run_to(w, head + 5, 4 * SECOND));
    /* A boot that is new joins the others. */
    world_kill(w, liar == 0 ? 1 : 0);
    world_run(w, 5 * SECOND);
    world_check(w, false);
    assert_true(world_head(w) > head + 40);
    world_free(w);
}

/* ---- terms ---- */

static size_t note_activated(void *ctx, struct world *w, unsigned i, ts_bytes frame, uint8_t *out,
                             size_t cap)
{
    struct ts_arena arena;
    struct ts_msg m;
    (void)w;
    (void)i;
    (void)cap;
    ts_arena_init(&arena, 0);
    bool is = ts_msg_decode_answer(frame, &arena, &m) == TS_OK && m.type == TS_MSG_ACTIVATE;
    ts_arena_free(&arena);
    if (is)
        *(bool *)ctx = true;
    else
        memcpy(out, frame.p, frame.n);
    return is ? 0 : frame.n;
}

/* The only enclave dies of each activation. */
static void die_of_activations(struct world *w, uint64_t seconds)
{
    bool activated = false;
    world_tamper(w, note_activated, &activated);
    for (uint64_t until = world_now(w) + seconds * SECOND; world_now(w) < until;) {
        world_run(w, 10 * MS);
        if (activated)
            world_kill(w, 0);
        activated = false;
    }
    world_tamper(w, NULL, NULL);
}

/* Each activation uses up a term: those that come to nothing become rare. */
static void activations_in_vain_become_rare(void **state)
{
    (void)state;
    struct world_options o = {.enclaves = 1,
                              .seed = 54,
                              .interval_us = 100 * MS,
                              .delay_us = 200,
                              .disk_us = 500,
                              .restart_us = 300 * MS};
    struct world *w = world_new(&o);
    die_of_activations(w, 60);
    unsigned early = world_events(w, "activating");
    assert_in_range(early, 5, 10);
    die_of_activations(w, 600);
    assert_in_range(world_events(w, "activating") - early, 5, 12);
    struct ts_host_enclave_status e = world_status(w, 0);
    assert_non_null(strstr(e.reason, "came to nothing"));
    /* Then it is well again, and as quick as ever. */
    assert_true(world_run_to(w, 5, 70 * SECOND));
    uint64_t head = world_head(w);
    world_kill(w, 0);
    assert_true(world_run_to(w, head + 2, SECOND));
    done(w);
}

/* The host says which terms a start leaves out. */
static void skipped_terms_are_told(void **state)
{
    (void)state;
    struct world *w = some(3, 55);
    assert_true(world_run_to(w, 5, SECOND));
    assert_int_equal(world_events(w, "terms-skipped"), 0);
    world_kill_host(w);
    world_start_host(w);
    assert_int_equal(world_events(w, "terms-skipped"), 1);
    assert_int_equal(world_events(w, "activating"), 1);
    done(w);
}

/* ---- status ---- */

/* With every enclave gone nobody is active, whatever the chain says, and the state says so. */
static void an_absent_enclave_is_not_active(void **state)
{
    (void)state;
    struct world *w = some(3, 56);
    struct ts_host_status s;
    assert_true(world_run_to(w, 5, SECOND));
    ts_host_status_of(world_host(w), &s);
    assert_true(s.has_active);
    assert_int_equal(s.state, TS_HOST_PRODUCING);
    for (unsigned i = 0; i < 3; i++)
        world_hold_down(w, i, true);
    world_run(w, 20 * MS);
    ts_host_status_of(world_host(w), &s);
    assert_false(s.has_active);
    assert_int_equal(s.state, TS_HOST_NO_CANDIDATE);
    for (unsigned i = 0; i < 3; i++)
        assert_string_equal(world_status(w, i).role, "absent");
    assert_true(ts_host_chain(world_host(w))->registry.has_active);
    uint64_t head = world_head(w);
    unsigned back = 0;
    world_hold_down(w, back, false);
    assert_true(world_run_to(w, head + 3, 3 * SECOND));
    ts_host_status_of(world_host(w), &s);
    assert_true(s.has_active);
    ts_address id = world_id(w, back);
    assert_true(ts_address_equal(&s.active, &id));
    assert_string_equal(world_status(w, back).role, "active");
    assert_int_equal(s.state, TS_HOST_PRODUCING);
    done(w);
}

/* Whenever an active one is named, its role says the same. */
static void active_and_roles_agree(void **state)
{
    (void)state;
    struct world *w = some(3, 57);
    unsigned named = 0;
    for (unsigned round = 0; round < 400; round++) {
        if (round % 50 == 49 && world_active(w) >= 0)
            world_kill(w, (unsigned)world_active(w));
        world_run(w, 5 * MS);
        struct ts_host_status s;
        ts_host_status_of(world_host(w), &s);
        unsigned active = 0;
        for (unsigned i = 0; i < 3; i++) {
            struct ts_host_enclave_status e = world_status(w, i);
            active += s.has_active && e.known && ts_address_equal(&e.id, &s.active) &&
                      strcmp(e.role, "active") == 0;
        }
        assert_int_equal(active, s.has_active);
        named += s.has_active;
    }
    assert_true(named > 300);
    done(w);
}

/* ---- a disk that says no and has done it ---- */

/* A transaction was refused since it could not be stored, and is on the disk after all. Sent again
 * it is taken like any other, as are those stored along with it. */
static void what_was_stored_after_all_is_stored_again(void **state)
{
    (void)state;
    struct world *w = some(3, 59);
    uint8_t raw[256];
    ts_err err = TS_OK;
    assert_true(world_run_to(w, 3, SECOND));
    size_t n = world_make_tx(w, 0, 0, 1000000000, raw, sizeof(raw));
    world_admin(w, TS_ADMIN_PAUSE, -1, NULL, 0);
    world_disk_lies(w, TS_E_IO);
    unsigned first = world_send_raw(w, ts_bytes_of(raw, n));
    world_run(w, SECOND);
    assert_int_equal(world_tx_state(w, first, &err), WTX_REFUSED);
    assert_int_equal(err, TS_E_IO);
    world_disk_error(w, TS_OK);
    unsigned again = world_send_raw(w, ts_bytes_of(raw, n));
    unsigned other = world_send(w, 1);
    world_run(w, SECOND);
    assert_int_equal(world_tx_state(w, again, NULL), WTX_ACKED);
    assert_int_equal(world_tx_state(w, other, NULL), WTX_ACKED);
    world_admin(w, TS_ADMIN_RESUME, -1, NULL, 0);
    world_run(w, SECOND);
    world_kill_host(w);
    world_start_host(w);
    world_run(w, SECOND);
    world_check(w, false);
    assert_int_equal(world_tx_batches(w, first), 1); /* the hash counts for the first that had it */
    assert_int_equal(world_tx_batches(w, other), 1);
    world_free(w);
}

/* Of two under way to the disk the first is not stored: the second is not acknowledged either,
 * though it was, and neither is found there after a restart. Sent again both are taken. */
static void who_follows_what_was_not_stored(bool applied)
{
    struct world_options o = {.enclaves = 2,
                              .seed = 64,
                              .interval_us = 100 * MS,
                              .delay_us = 200,
                              .disk_us = 20 * MS,
                              .restart_us = 300 * MS};
    struct world *w = world_new(&o);
    struct ts_host_status s;
    uint8_t raw[2][256];
    size_t n[2];
    unsigned sent[2], again[2];
    ts_err err = TS_OK;
    assert_true(world_run_to(w, 3, 5 * SECOND));
    assert_int_equal(world_admin(w, TS_ADMIN_PAUSE, -1, NULL, 0), TS_OK);
    world_run(w, SECOND);
    world_fail_step(w, 1, TS_E_IO, applied);
    for (unsigned i = 0; i < 2; i++) {
        n[i] = world_make_tx(w, 0, i, 1000000000, raw[i], sizeof(raw[i]));
        sent[i] = world_send_raw(w, ts_bytes_of(raw[i], n[i]));
        world_run(w, 5 * MS);
        ts_host_status_of(world_host(w), &s);
        assert_int_equal(s.pool_txs, i + 1);
    }
    world_run(w, SECOND);
    assert_int_equal(world_tx_state(w, sent[0], &err), WTX_REFUSED);
    assert_int_equal(err, TS_E_IO);
    assert_int_equal(world_tx_state(w, sent[1], &err), WTX_REFUSED);
    assert_int_equal(err, TS_E_TX_NONCE_GAP);
    world_kill_host(w);
    world_start_host(w);
    ts_host_status_of(world_host(w), &s);
    assert_int_equal(s.pool_txs, 0);
    world_run(w, SECOND);
    for (unsigned i = 0; i < 2; i++)
        again[i] = world_send_raw(w, ts_bytes_of(raw[i], n[i]));
    world_run(w, SECOND);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(world_tx_state(w, again[i], NULL), WTX_ACKED);
    assert_int_equal(world_admin(w, TS_ADMIN_RESUME, -1, NULL, 0), TS_OK);
    world_run(w, 2 * SECOND);
    world_check(w, false);
    for (unsigned i = 0; i < 2; i++) /* the hash counts for the first that had it */
        assert_int_equal(world_tx_batches(w, sent[i]), 1);
    world_free(w);
}

static void followers_of_what_was_not_stored(void **state)
{
    (void)state;
    who_follows_what_was_not_stored(false);
    who_follows_what_was_not_stored(true);
}

/* On the disk a sender's transactions may stand in another order than that of their nonces. */
static void a_stored_pool_is_put_in_order(void **state)
{
    (void)state;
    static const uint64_t nonces[] = {2, 0, 3, 1};
    struct world *w = some(3, 65);
    struct ts_host_status s;
    assert_true(world_run_to(w, 3, SECOND));
    world_kill_host(w);
    for (unsigned i = 0; i < TS_COUNT(nonces); i++)
        for (unsigned a = 0; a < 2; a++) {
            uint8_t raw[256];
            ts_address sender = world_account(w, a);
            size_t n = world_make_tx(w, a, nonces[i], 1000000000, raw, sizeof(raw));
            world_put_tx(w, ts_bytes_of(raw, n), &sender, nonces[i]);
        }
    world_start_host(w);
    world_run(w, 2 * SECOND);
    ts_host_status_of(world_host(w), &s);
    assert_int_equal(s.counters.txs_included, 2 * TS_COUNT(nonces));
    assert_int_equal(s.counters.txs_rejected, 0);
    assert_int_equal(s.pool_txs, 0);
    world_free(w);
}

/* A batch is prepared and cannot be committed. Enclaves that have it and come back meanwhile are
 * ready, and are not given batches from the beginning on. */
static void enclaves_come_back_while_a_batch_is_prepared(void **state)
{
    (void)state;
    struct world_options o = options(3, 66);
    o.delay_us = 20 * MS; /* the store answers before the enclaves do */
    o.disk_us = 50;
    struct world *w = world_new(&o);
    assert_true(world_run_to(w, 5, 2 * SECOND));
    while (world_prepared_by(w) < 0)
        world_run(w, 100);
    world_disk_error(w, TS_E_IO);
    world_run(w, 100 * MS);
    for (unsigned i = 0; i < 3; i++)
        world_cut(w, i, true);
    world_run(w, 100 * MS);
    for (unsigned i = 0; i < 3; i++)
        world_cut(w, i, false);
    world_run(w, 3 * SECOND);
    assert_int_equal(world_events(w, "enclave-reset"), 0);
    assert_int_equal(world_head(w), 5);
    for (unsigned i = 0; i < 3; i++)
        assert_string_equal(world_status(w, i).state, "up");
    world_disk_error(w, TS_OK);
    assert_true(world_run_to(w, 10, 2 * SECOND));
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(world_boots(w, i), 1);
    done(w);
}

/* What enclaves know of a batch that is only prepared is told when it is committed. */
static void queries_wait_for_the_commit(void **state)
{
    (void)state;
    struct world *w = some(3, 67);
    ts_err err = TS_OK;
    assert_true(world_run_to(w, 5, SECOND));
    while (world_prepared_by(w) < 0)
        world_run(w, 100);
    world_disk_error(w, TS_E_IO);
    world_run(w, 50 * MS); /* all enclaves have it by now */
    unsigned early = world_query(w, 0);
    world_run(w, SECOND);
    assert_false(world_asked(w, early, &err));
    world_disk_error(w, TS_OK);
    assert_true(world_run_to(w, 7, 2 * SECOND));
    assert_true(world_asked(w, early, &err));
    assert_int_equal(err, TS_OK);
    while (world_prepared_by(w) < 0)
        world_run(w, 100);
    world_disk_error(w, TS_E_IO);
    world_run(w, 50 * MS);
    unsigned late = world_query(w, 0);
    world_run(w, 6 * SECOND);
    assert_true(world_asked(w, late, &err));
    assert_int_equal(err, TS_E_TIMEOUT);
    world_disk_error(w, TS_OK);
    done(w);
}

/* Every kind of step, at any time. */
static void a_disk_that_lies_loses_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 60; seed < 63; seed++) {
        struct world *w = some(3, seed);
        assert_true(world_run_to(w, 3, SECOND));
        for (unsigned round = 0; round < 10; round++) {
            world_send(w, round % WORLD_ACCOUNTS);
            world_run(w, seed * 7 % 100 * MS);
            world_disk_lies(w, TS_E_IO);
            world_run(w, 300 * MS);
            world_disk_error(w, TS_OK);
            world_run(w, 700 * MS);
        }
        done(w);
    }
}

/* ---- an enclave that is far away ---- */

static uint64_t alone(struct world *w)
{
    struct ts_host_status s;
    ts_host_status_of(world_host(w), &s);
    return s.counters.alone;
}

/* Its answers take longer than the next batch, and it is the only other one: it joins none the
 * less, and batches wait for it. */
static void the_only_other_one_joins_from_afar(void **state)
{
    (void)state;
    for (uint64_t seed = 70; seed < 73; seed++) {
        struct world_options o = {.enclaves = 2,
                                  .seed = seed,
                                  .interval_us = 100 * MS,
                                  .delay_us = 200,
                                  .disk_us = 500,
                                  .restart_us = 300 * MS};
        struct world *w = world_new(&o);
        assert_true(world_run_to(w, 5, SECOND));
        unsigned far = world_active(w) == 0 ? 1 : 0;
        world_kill(w, far);
        world_slow(w, far, 150 * MS);
        world_run(w, 10 * SECOND);
        uint64_t before = alone(w), head = world_head(w);
        world_run(w, 10 * SECOND);
        assert_int_equal(alone(w), before);
        assert_true(world_head(w) > head + 10);
        assert_string_equal(world_status(w, far).role, "passive");
        /* It takes over like any other. */
        world_hold_down(w, 1 - far, true);
        assert_true(world_run_to(w, world_head(w) + 3, 8 * SECOND));
        world_hold_down(w, 1 - far, false);
        world_slow(w, far, 0);
        world_run(w, 3 * SECOND);
        done(w);
    }
}

/* With a near one the pace is that of the near one; the far one follows some batches behind. */
static void one_of_two_joins_from_afar(void **state)
{
    (void)state;
    for (uint64_t seed = 80; seed < 83; seed++) {
        struct world *w = some(3, seed);
        assert_true(world_run_to(w, 5, SECOND));
        unsigned far = world_active(w) == 0 ? 1 : 0;
        unsigned ready = world_events(w, "enclave-ready");
        world_kill(w, far);
        world_slow(w, far, 150 * MS);
        world_run(w, 5 * SECOND);
        assert_int_equal(world_events(w, "enclave-ready"), ready + 1);
        uint64_t head = world_head(w);
        world_run(w, 10 * SECOND);
        assert_in_range(world_head(w) - head, 98, 102);
        struct ts_host_enclave_status s = world_status(w, far);
        assert_string_equal(s.role, "passive");
        assert_in_range(s.lag, 1, 8);
        assert_int_equal(world_events(w, "enclave-reset"), 0);
        assert_int_equal(world_events(w, "under-quorum"), 0);
        for (unsigned i = 0; i < 3; i++)
            if (i != far)
                world_hold_down(w, i, true);
        assert_true(world_run_to(w, world_head(w) + 3, 8 * SECOND));
        for (unsigned i = 0; i < 3; i++)
            if (i != far)
                world_hold_down(w, i, false);
        world_slow(w, far, 0);
        world_run(w, 3 * SECOND);
        done(w);
    }
}

static void far_faults(uint64_t seed)
{
    struct world_options o = options(3, seed);
    o.fast_crypto = true;
    struct world *w = world_new(&o);
    uint64_t r = seed * 0x9e3779b97f4a7c15u;
    unsigned far = (unsigned)(seed % 3);
    assert_true(world_run_to(w, 3, SECOND));
    world_kill(w, far);
    world_slow(w, far, (60 + seed % 5 * 30) * MS);
    for (unsigned round = 0; round < 40; round++) {
        r = r * 6364136223846793005u + 1442695040888963407u;
        unsigned i = (unsigned)(r >> 33) % 3;
        world_send(w, round % WORLD_ACCOUNTS);
        switch ((r >> 40) % 6) {
        case 0:
            world_kill(w, i);
            break;
        case 1:
            world_cut(w, i, true);
            world_run(w, (r >> 45) % 300 * MS);
            world_cut(w, i, false);
            break;
        case 2:
            world_freeze(w, i, true);
            world_run(w, (r >> 45) % 900 * MS);
            world_freeze(w, i, false);
            break;
        case 3:
            world_admin_later(w, TS_ADMIN_SWITCHOVER, (int)i);
            break;
        case 4:
            world_kill_host(w);
            world_start_host(w);
            break;
        default:
            break;
        }
        world_run(w, (r >> 50) % 1500 * MS);
    }
    for (unsigned i = 0; i < 3; i++) {
        world_kill(w, i);
        world_slow(w, i, 0);
    }
    world_run(w, 60 * SECOND);
    assert_true(world_run_to(w, world_head(w) + 3, 5 * SECOND));
    done(w);
}

/* It refuses what others accepted, or is one of those who refuse: batches behind the disputed one
 * are on their way to it. */
static void disputes_with_a_far_one(void **state)
{
    (void)state;
    for (uint64_t seed = 90; seed < 93; seed++) {
        struct world *w = some(3, seed);
        assert_true(world_run_to(w, 3, SECOND));
        unsigned active = (unsigned)world_active(w);
        unsigned far = (active + 1) % 3;
        unsigned wrong = seed % 2 ? far : active;
        world_kill(w, far);
        world_slow(w, far, 150 * MS);
        world_run(w, 6 * SECOND);
        world_break_engine(w, wrong, true);
        world_kill(w, wrong);
        world_run(w, 8 * SECOND);
        world_admin(w, TS_ADMIN_SWITCHOVER, (int)wrong, NULL, 0);
        world_send(w, 0);
        world_run(w, 10 * SECOND);
        world_break_engine(w, wrong, false);
        world_kill(w, wrong);
        world_slow(w, far, 0);
        world_run(w, 40 * SECOND);
        assert_true(world_run_to(w, world_head(w) + 3, 5 * SECOND));
        done(w);
    }
}

static void faults_with_a_far_one(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 104; seed++)
        far_faults(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_host_keeps_off),
        cmocka_unit_test(a_second_host_with_an_old_store_makes_no_line),
        cmocka_unit_test(prepared_batches_of_old_stores_wait),
        cmocka_unit_test(one_that_says_elsewhere_holds_nobody_up),
        cmocka_unit_test(activations_in_vain_become_rare),
        cmocka_unit_test(skipped_terms_are_told),
        cmocka_unit_test(the_only_other_one_joins_from_afar),
        cmocka_unit_test(one_of_two_joins_from_afar),
        cmocka_unit_test(disputes_with_a_far_one),
        cmocka_unit_test(faults_with_a_far_one),
        cmocka_unit_test(what_was_stored_after_all_is_stored_again),
        cmocka_unit_test(followers_of_what_was_not_stored),
        cmocka_unit_test(a_stored_pool_is_put_in_order),
        cmocka_unit_test(enclaves_come_back_while_a_batch_is_prepared),
        cmocka_unit_test(queries_wait_for_the_commit),
        cmocka_unit_test(a_disk_that_lies_loses_nothing),
        cmocka_unit_test(an_absent_enclave_is_not_active),
        cmocka_unit_test(active_and_roles_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
