/* SPDX-License-Identifier: Apache-2.0 */
/* The host core with real enclave cores on virtual time: production, failover, disputes, switches,
 * restarts, a full disk, transactions. */
#include "chain/batch.h"
#include "crypto/sign.h"
#include "host_kit.h"

static void batches_come_on_time(void **state)
{
    (void)state;
    struct world *w = some(3, 1);
    assert_true(world_run_to(w, 1, SECOND));
    uint64_t from = world_head(w), at = world_now(w);
    world_run(w, 5 * SECOND);
    assert_in_range(world_head(w) - from, 49, 51);
    assert_int_equal(world_events(w, "failover"), 0);
    assert_int_equal(world_events(w, "under-quorum"), 0);
    (void)at;
    done(w);
}

static void transactions_get_in(void **state)
{
    (void)state;
    struct world *w = some(3, 2);
    assert_true(world_run_to(w, 2, SECOND));
    unsigned id[20];
    for (unsigned i = 0; i < 20; i++)
        id[i] = world_send(w, i % WORLD_ACCOUNTS);
    world_run(w, SECOND);
    world_check(w, true);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(world_tx_state(w, id[i], NULL), WTX_ACKED);
        assert_int_equal(world_tx_batches(w, id[i]), 1);
    }
    done(w);
}

static void bad_transactions_are_refused(void **state)
{
    (void)state;
    struct world *w = some(3, 3);
    assert_true(world_run_to(w, 2, SECOND));
    uint8_t raw[256];
    ts_err err;
    unsigned gap =
        world_send_raw(w, ts_bytes_of(raw, world_make_tx(w, 0, 5, 1000000000u, raw, sizeof(raw))));
    unsigned junk = world_send_raw(w, ts_bytes_of("\x01\x02", 2));
    unsigned cheap =
        world_send_raw(w, ts_bytes_of(raw, world_make_tx(w, 1, 0, 1, raw, sizeof(raw))));
    unsigned good = world_send(w, 2);
    world_run(w, SECOND);
    unsigned again =
        world_send_raw(w, ts_bytes_of(raw, world_make_tx(w, 2, 0, 1000000000u, raw, sizeof(raw))));
    world_run(w, SECOND);
    assert_int_equal(world_tx_state(w, gap, &err), WTX_REFUSED);
    assert_int_equal(err, TS_E_TX_NONCE_GAP);
    assert_int_equal(world_tx_state(w, junk, &err), WTX_REFUSED);
    assert_int_equal(world_tx_state(w, cheap, &err), WTX_REFUSED);
    assert_int_equal(err, TS_E_TX_UNDERPRICED);
    assert_int_equal(world_tx_state(w, good, NULL), WTX_ACKED);
    assert_int_equal(world_tx_state(w, again, NULL), WTX_REFUSED);
    done(w);
}

static void every_enclave_is_killed_in_turn(void **state)
{
    (void)state;
    struct world *w = some(3, 4);
    assert_true(world_run_to(w, 2, SECOND));
    unsigned hit[3] = {0, 0, 0};
    for (unsigned k = 0; k < 10; k++) {
        int active = world_active(w);
        assert_true(active >= 0);
        for (unsigned i = 0; i < 5; i++)
            world_send(w, i % WORLD_ACCOUNTS);
        uint64_t head = world_head(w), at = world_now(w);
        hit[active]++;
        world_kill(w, (unsigned)active);
        assert_true(world_run_to(w, head + 2, SECOND));
        assert_true(world_now(w) - at < 150 * MS);
        assert_int_not_equal(world_active(w), active);
        world_run(w, SECOND);
    }
    assert_true(hit[0] >= 2 && hit[1] >= 2 && hit[2] >= 2);
    assert_int_equal(world_events(w, "enclave-corrupted"), 0);
    done(w);
}

/* Killed at any moment of the making of a batch: the successor's first batch comes at once, not
 * only when the next is due. */
static void a_takeover_never_waits(void **state)
{
    (void)state;
    struct world *w = some(3, 14);
    assert_true(world_run_to(w, 3, SECOND));
    for (unsigned k = 0; k < 24; k++) {
        int active = world_active(w);
        assert_true(world_run_to(w, world_head(w) + 1, SECOND));
        world_run(w, 95 * MS + k * 400); /* around the making of the next one */
        active = world_active(w);
        uint64_t at = world_now(w);
        world_kill(w, (unsigned)active);
        while (world_active(w) == active && world_now(w) < at + SECOND)
            world_run(w, 500);
        assert_true(world_now(w) - at < 30 * MS);
        world_run(w, SECOND);
    }
    done(w);
}

static void a_frozen_active_is_replaced(void **state)
{
    (void)state;
    struct world *w = some(3, 5);
    assert_true(world_run_to(w, 5, SECOND));
    int active = world_active(w);
    uint64_t head = world_head(w), at = world_now(w);
    world_freeze(w, (unsigned)active, true);
    assert_true(world_run_to(w, head + 1, SECOND));
    assert_true(world_now(w) - at < 250 * MS);
    assert_int_not_equal(world_active(w), active);
    world_run(w, 2 * SECOND);
    world_freeze(w, (unsigned)active, false);
    world_run(w, 3 * SECOND);
    /* It comes back, by a restart only if its head is off the chain. */
    struct ts_host_enclave_status s;
    ts_host_enclave_of(world_host(w), (size_t)active, &s);
    assert_string_equal(s.role, "passive");
    assert_int_equal(s.lag, 0);
    done(w);
}

static void the_host_is_killed_again_and_again(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct world *w = some(3, 100 + seed);
        assert_true(world_run_to(w, 3, SECOND));
        for (unsigned k = 0; k < 4; k++) {
            for (unsigned i = 0; i < 5; i++)
                world_send(w, i % WORLD_ACCOUNTS);
            world_run(w, 40 * MS + seed * 7 * MS + k * 1300);
            world_kill_host(w);
            world_run(w, 50 * MS);
            world_start_host(w);
            uint64_t head = world_head(w);
            assert_true(world_run_to(w, head + 2, 3 * SECOND));
        }
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(world_boots(w, i), 1); /* no enclave needs a restart for it */
        done(w);
    }
}

static void everything_is_killed(void **state)
{
    (void)state;
    struct world *w = some(3, 6);
    assert_true(world_run_to(w, 10, 3 * SECOND));
    for (unsigned i = 0; i < 5; i++)
        world_send(w, i % WORLD_ACCOUNTS);
    world_run(w, 30 * MS);
    world_kill_host(w);
    for (unsigned i = 0; i < 3; i++)
        world_kill(w, i);
    world_run(w, SECOND);
    world_start_host(w);
    assert_true(world_run_to(w, world_head(w) + 3, 5 * SECOND));
    done(w);
}

static void all_enclaves_down_then_one_back(void **state)
{
    (void)state;
    struct world *w = some(3, 7);
    assert_true(world_run_to(w, 5, SECOND));
    for (unsigned i = 0; i < 3; i++)
        world_hold_down(w, i, true);
    world_run(w, 2 * SECOND);
    struct ts_host_status s;
    ts_host_status_of(world_host(w), &s);
    assert_int_equal(s.state, TS_HOST_NO_CANDIDATE);
    uint64_t head = world_head(w);
    unsigned tx = world_send(w, 0);
    world_run(w, 5 * SECOND);
    ts_err err;
    assert_int_equal(world_tx_state(w, tx, &err), WTX_REFUSED);
    assert_int_equal(err, TS_E_TIMEOUT);
    world_hold_down(w, 1, false);
    assert_true(world_run_to(w, head + 3, 5 * SECOND));
    assert_int_equal(world_active(w), 1);
    done(w);
}

static void planned_switches_go_round(void **state)
{
    (void)state;
    struct world *w = some(3, 8);
    assert_true(world_run_to(w, 3, SECOND));
    for (unsigned k = 0; k < 6; k++) {
        int to = (world_active(w) + 1) % 3;
        uint64_t head = world_head(w), at = world_now(w);
        assert_int_equal(world_admin(w, TS_ADMIN_SWITCHOVER, to, NULL, 0), TS_OK);
        assert_int_equal(world_active(w), to);
        assert_true(world_head(w) >= head + 1);
        assert_true(world_now(w) - at < 110 * MS); /* no batch late */
        world_run(w, 250 * MS);
    }
    assert_int_equal(world_events(w, "failover"), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(world_boots(w, i), 1);
    done(w);
}

static void a_switch_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct world *w = some(3, 9);
    assert_true(world_run_to(w, 3, SECOND));
    int active = world_active(w), other = (active + 1) % 3, third = (active + 2) % 3;
    char text[256];
    assert_int_equal(world_admin(w, TS_ADMIN_SWITCHOVER, active, text, sizeof(text)), TS_E_STATE);
    assert_non_null(strstr(text, "active one already"));
    assert_int_equal(world_admin(w, TS_ADMIN_SWITCHOVER, WORLD_MAX, text, sizeof(text)),
                     TS_E_NOT_FOUND);
    world_hold_down(w, (unsigned)other, true);
    world_run(w, 100 * MS);
    assert_int_equal(world_admin(w, TS_ADMIN_SWITCHOVER, other, text, sizeof(text)), TS_E_STATE);
    assert_non_null(strstr(text, "not connected"));
    assert_int_equal(world_admin(w, TS_ADMIN_DRAIN, third, NULL, 0), TS_OK);
    assert_int_equal(world_admin(w, TS_ADMIN_SWITCHOVER, third, text, sizeof(text)), TS_E_STATE);
    assert_non_null(strstr(text, "drained"));
    assert_int_equal(world_admin(w, TS_ADMIN_DRAIN, active, text, sizeof(text)), TS_E_STATE);
    assert_int_equal(world_active(w), active);
    world_hold_down(w, (unsigned)other, false);
    world_run(w, SECOND);
    assert_int_equal(world_admin(w, TS_ADMIN_DRAIN, active, NULL, 0), TS_OK);
    world_run(w, SECOND);
    assert_int_equal(world_active(w), other);
    done(w);
}

static void pause_loses_nothing_and_survives(void **state)
{
    (void)state;
    struct world *w = some(3, 10);
    assert_true(world_run_to(w, 3, SECOND));
    assert_int_equal(world_admin(w, TS_ADMIN_PAUSE, -1, NULL, 0), TS_OK);
    world_run(w, 300 * MS);
    uint64_t head = world_head(w);
    unsigned tx = world_send(w, 0);
    world_run(w, SECOND);
    assert_int_equal(world_tx_state(w, tx, NULL), WTX_ACKED);
    assert_int_equal(world_head(w), head);
    world_kill_host(w);
    world_start_host(w);
    world_run(w, 2 * SECOND);
    assert_int_equal(world_head(w), head);
    assert_int_equal(world_admin(w, TS_ADMIN_SWITCHOVER, -1, NULL, 0), TS_E_STATE);
    assert_int_equal(world_admin(w, TS_ADMIN_RESUME, -1, NULL, 0), TS_OK);
    assert_true(world_run_to(w, head + 2, SECOND));
    done(w);
}

static void a_full_disk_stops_and_goes_on(void **state)
{
    (void)state;
    struct world *w = some(3, 11);
    assert_true(world_run_to(w, 3, SECOND));
    world_disk_error(w, TS_E_DISK_FULL);
    world_run(w, 2 * SECOND);
    uint64_t head = world_head(w);
    unsigned tx = world_send(w, 0);
    world_run(w, 2 * SECOND);
    ts_err err;
    assert_int_equal(world_head(w), head);
    assert_int_equal(world_tx_state(w, tx, &err), WTX_REFUSED);
    assert_int_equal(err, TS_E_DISK_FULL);
    struct ts_host_status s;
    ts_host_status_of(world_host(w), &s);
    assert_int_equal(s.state, TS_HOST_STORAGE);
    world_disk_error(w, TS_OK);
    assert_true(world_run_to(w, head + 3, 3 * SECOND));
    done(w);
}

/* ---- enclaves that lie ---- */

struct liar {
    unsigned who;
    int how;
    unsigned done;
};

enum { GARBAGE, BAD_SIGNATURE, WRONG_HEIGHT, NOTHING, OLD_BATCH };

static size_t lie(void *ctx, struct world *w, unsigned i, ts_bytes frame, uint8_t *out, size_t cap)
{
    struct liar *l = ctx;
    memcpy(out, frame.p, frame.n);
    (void)w;
    (void)cap;
    struct ts_arena arena;
    struct ts_msg m;
    ts_arena_init(&arena, 0);
    size_t n = frame.n;
    if (i == l->who && ts_msg_decode_answer(frame, &arena, &m) == TS_OK &&
        m.type == TS_MSG_CREATE) {
        l->done++;
        struct ts_buf b;
        ts_buf_init(&b, 0);
        uint8_t *raw = (uint8_t *)(uintptr_t)m.u.created.batch.p;
        if (l->how == GARBAGE)
            memset(out, 0x5a, n);
        if (l->how == NOTHING)
            n = 0;
        if (l->how == BAD_SIGNATURE)
            raw[m.u.created.batch.n - 10] ^= 1;
        if (l->how == WRONG_HEIGHT)
            raw[m.u.created.batch.n > 300 ? 40 : 4] ^= 1; /* inside the parent hash */
        if (l->how == BAD_SIGNATURE || l->how == WRONG_HEIGHT) {
            ts_msg_put(&b, &m);
            memcpy(out, b.p, b.n);
            n = b.n;
        }
        ts_buf_free(&b);
    }
    ts_arena_free(&arena);
    return n;
}

static void liar_is_replaced(int how, bool corrupted)
{
    struct world *w = some(3, 20 + (uint64_t)how);
    assert_true(world_run_to(w, 3, SECOND));
    for (unsigned i = 0; i < 5; i++)
        world_send(w, i % WORLD_ACCOUNTS);
    struct liar l = {.who = (unsigned)world_active(w), .how = how};
    world_tamper(w, lie, &l);
    uint64_t head = world_head(w);
    assert_true(world_run_to(w, head + 3, 2 * SECOND));
    assert_int_not_equal(world_active(w), l.who);
    assert_true(l.done >= 1);
    struct ts_host_enclave_status s;
    ts_host_enclave_of(world_host(w), l.who, &s);
    assert_int_equal(s.corrupted, corrupted);
    if (corrupted) { /* that outlives the host */
        world_kill_host(w);
        world_start_host(w);
        world_run(w, SECOND);
        ts_host_enclave_of(world_host(w), l.who, &s);
        assert_true(s.corrupted);
        assert_int_equal(world_admin(w, TS_ADMIN_SWITCHOVER, (int)l.who, NULL, 0), TS_E_STATE);
    }
    world_tamper(w, NULL, NULL);
    done(w);
}

static void garbage(void **state)
{
    (void)state;
    liar_is_replaced(GARBAGE, true);
}

static void bad_signature(void **state)
{
    (void)state;
    liar_is_replaced(BAD_SIGNATURE, true);
}

static void wrong_height(void **state)
{
    (void)state;
    liar_is_replaced(WRONG_HEIGHT, true);
}

static void no_answer(void **state)
{
    (void)state;
    liar_is_replaced(NOTHING, false);
}

/* ---- disputes about execution ---- */

/* A spare whose engine is wrong refuses what the others accept: it is restarted, twice, and then
 * used no more; the service does not notice. */
static void a_wrong_spare_is_used_no_more(void **state)
{
    (void)state;
    struct world *w = some(3, 40);
    assert_true(world_run_to(w, 5, SECOND));
    int active = world_active(w), other = (active + 1) % 3;
    world_break_engine(w, (unsigned)other, true);
    world_kill(w, (unsigned)other);
    world_run(w, 20 * SECOND);
    struct ts_host_enclave_status s;
    ts_host_enclave_of(world_host(w), (size_t)other, &s);
    assert_true(s.corrupted);
    assert_int_equal(world_events(w, "batch-refused"), 3);
    assert_int_equal(world_boots(w, (unsigned)other), 4);
    assert_int_equal(world_active(w), active);
    assert_int_equal(world_events(w, "failover"), 0);
    done(w);
}

/* An answer that is on its way while the enclave is told to exit is no wrong answer. */
static void late_answers_of_a_benched_one_are_no_lie(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct world_options o = {.enclaves = 3,
                                  .seed = 60 + seed,
                                  .interval_us = 30 * MS,
                                  .delay_us = 8 * MS,
                                  .disk_us = 500,
                                  .restart_us = 300 * MS};
        struct world *w = world_new(&o);
        assert_true(world_run_to(w, 3, SECOND));
        unsigned spare = (unsigned)(world_active(w) + 1) % 3;
        world_break_engine(w, spare, true);
        world_kill(w, spare);
        assert_true(world_run_to(w, world_head(w) + 30, 20 * SECOND));
        world_run(w, 400 * MS); /* it has been told to exit while batches were fed to it */
        assert_true(world_events(w, "enclave-benched") >= 1);
        world_break_engine(w, spare, false);
        world_kill(w, spare);
        world_run(w, 3 * SECOND);
        struct ts_host_enclave_status s;
        ts_host_enclave_of(world_host(w), spare, &s);
        assert_true(s.corrupted == (world_events(w, "batch-refused") >= 3));
        done(w);
    }
}

/* Tampers with what the active seals so that it is well-formed, sealed by its key, and wrong: the
 * state root is another and the seal is made anew with the enclave's key. */
struct forger {
    unsigned who;
    ts_secret key;
    unsigned done;
    bool stop;
};

static size_t forge(void *ctx, struct world *w, unsigned i, ts_bytes frame, uint8_t *out,
                    size_t cap)
{
    struct forger *f = ctx;
    (void)cap;
    memcpy(out, frame.p, frame.n);
    struct ts_arena arena;
    struct ts_msg m;
    size_t n = frame.n;
    ts_arena_init(&arena, 0);
    if (i == f->who && !f->stop && ts_msg_decode_answer(frame, &arena, &m) == TS_OK &&
        m.type == TS_MSG_CREATE && m.u.created.fresh) {
        f->done++;
        struct ts_batch b;
        assert_int_equal(ts_batch_decode(m.u.created.batch, TS_MAX_BATCH_BYTES, &arena, &b), TS_OK);
        b.header.state_root.b[0] ^= 1;
        const struct ts_chain *chain = ts_host_chain(world_host(w));
        struct ts_batch_seal seal;
        ts_hash digest;
        ts_header_hash(&chain->genesis->domain, &b.header, &seal.batch_hash);
        ts_protocol_root(&chain->head.protocol_root, b.raw_payload, &seal.protocol_root);
        ts_seal_digest(&chain->genesis->domain, &seal, &digest);
        assert_int_equal(ts_sign(chain->crypto, &f->key, &digest, &b.seal), TS_OK);
        struct ts_buf raw, answer;
        ts_buf_init(&raw, 0);
        ts_buf_init(&answer, 0);
        ts_batch_put(&raw, &b);
        m.u.created.batch = ts_buf_bytes(&raw);
        m.u.created.has_report = false; /* it would name the honest head */
        m.u.created.n_transitions = 0;
        ts_msg_put(&answer, &m);
        memcpy(out, answer.p, answer.n);
        n = answer.n;
        ts_buf_free(&raw);
        ts_buf_free(&answer);
    }
    ts_arena_free(&arena);
    return n;
}

static void a_refused_batch_is_discarded(void **state)
{
    (void)state;
    struct world *w = some(3, 41);
    assert_true(world_run_to(w, 3, SECOND));
    struct forger f = {.who = (unsigned)world_active(w)};
    memset(f.key.b, (int)(0x11 + f.who), 32);
    unsigned tx[5];
    for (unsigned i = 0; i < 5; i++)
        tx[i] = world_send(w, i % WORLD_ACCOUNTS);
    world_run(w, 20 * MS);
    world_tamper(w, forge, &f);
    uint64_t head = world_head(w);
    assert_true(world_run_to(w, head + 4, 3 * SECOND));
    world_tamper(w, NULL, NULL);
    assert_int_equal(f.done, 1);
    assert_int_equal(world_events(w, "batch-discarded"), 1);
    assert_int_equal(world_events(w, "enclave-suspect"), 1);
    assert_int_not_equal(world_active(w), f.who);
    struct ts_host_counters c = world_host_status(w).counters;
    assert_int_equal(c.discarded, 1);
    assert_int_equal(c.failovers, world_events(w, "failover"));
    assert_true(world_boots(w, f.who) == 2); /* its head was off the chain */
    world_run(w, 5 * SECOND);
    struct ts_host_enclave_status s;
    ts_host_enclave_of(world_host(w), f.who, &s);
    assert_false(s.suspect); /* restarted, and accepted that number */
    world_check(w, true);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(world_tx_batches(w, tx[i]), 1);
    /* What was discarded stays discarded over a restart of the host. */
    world_kill_host(w);
    world_start_host(w);
    assert_true(world_run_to(w, world_head(w) + 2, 3 * SECOND));
    done(w);
}

/* An old copy of the store: the enclaves know better, and no second line is begun. */
static void an_old_store_is_refused(void **state)
{
    (void)state;
    struct world *w = some(3, 50);
    assert_true(world_run_to(w, 5, SECOND));
    world_run(w, 50 * MS); /* nothing is on its way */
    world_copy_disk(w);
    assert_true(world_run_to(w, 40, 5 * SECOND));
    world_kill_host(w);
    world_restore_disk(w);
    uint64_t head = world_head(w);
    world_start_host(w);
    world_run(w, 20 * SECOND);
    assert_int_equal(world_head(w), head); /* nothing was made on the old head */
    assert_int_equal(world_events(w, "store-is-behind"), 1);
    struct ts_host_status s;
    ts_host_status_of(world_host(w), &s);
    assert_int_equal(s.state, TS_HOST_STORAGE);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(world_boots(w, i), 1); /* nobody was told to exit */
    world_free(w);
}

/* The wrong data directory: a store with nothing in it, beside enclaves that have signed. */
static void an_empty_store_is_refused(uint64_t first, bool host_was_there)
{
    struct world *w = some(3, 50);
    world_copy_disk(w);
    assert_true(world_run_to(w, first, 60 * SECOND));
    if (!host_was_there)
        world_run(w, 50 * MS); /* nothing is on its way */
    world_kill_host(w);
    world_restore_disk(w);
    world_start_host(w);
    world_run(w, 20 * SECOND);
    if (first > 4) { /* fewer are in the enclaves' offers, and the same line goes on */
        assert_int_equal(world_head(w), first);
        assert_int_equal(world_events(w, "store-is-behind"), 1);
    }
    world_check(w, false);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(world_boots(w, i), 1);
    world_free(w);
}

static void empty_stores_are_refused(void **state)
{
    (void)state;
    for (uint64_t first = 1; first < 7; first++) {
        an_empty_store_is_refused(first, false);
        an_empty_store_is_refused(first, true);
    }
    an_empty_store_is_refused(300, false);
}

/* ---- anything at any time ---- */

static void random_faults(uint64_t seed)
{
    struct world_options o = {.enclaves = 1 + (unsigned)(seed % 5),
                              .seed = seed,
                              .interval_us = 50 * MS,
                              .delay_us = 100 + seed % 7 * 900,
                              .disk_us = 200 + seed % 5 * 2000,
                              .restart_us = 100 * MS + seed % 3 * 400 * MS,
                              .report_every = 1 + seed % 3,
                              .commit_quorum = 1 + seed % 2,
                              .fast_crypto = true};
    struct world *w = world_new(&o);
    uint64_t r = seed * 2654435761u + 1;
    for (unsigned k = 0; k < 60; k++) {
        r = r * 6364136223846793005u + 1442695040888963407u;
        unsigned who = (unsigned)(r >> 33) % o.enclaves;
        switch ((r >> 40) % 9) {
        case 0:
            world_kill(w, who);
            break;
        case 1:
            world_freeze(w, who, true);
            break;
        case 2:
            for (unsigned i = 0; i < o.enclaves; i++)
                world_freeze(w, i, false);
            break;
        case 3:
            world_cut(w, who, true);
            break;
        case 4:
            for (unsigned i = 0; i < o.enclaves; i++)
                world_cut(w, i, false);
            break;
        case 5:
            if (world_host(w) != NULL)
                world_kill_host(w);
            world_run(w, (r >> 20) % (100 * MS));
            world_start_host(w);
            break;
        case 6:
            world_disk_error(w, (r >> 50) % 2 ? TS_E_DISK_FULL : TS_OK);
            break;
        default:
            for (unsigned i = 0; i < 4; i++)
                world_send(w, i);
        }
        world_run(w, (r >> 12) % (150 * MS));
    }
    world_disk_error(w, TS_OK);
    for (unsigned i = 0; i < o.enclaves; i++) {
        world_freeze(w, i, false);
        world_cut(w, i, false);
    }
    uint64_t head = world_head(w);
    world_run(w, 40 * SECOND); /* a dispute's hold passes too */
    if (world_head(w) < head + 20)
        fail_msg("seed %llu: no progress after the faults", (unsigned long long)seed);
    assert_int_equal(world_events(w, "enclave-corrupted"), 0);
    world_check(w, true);
    world_free(w);
}

static void faults_in_any_order(void **state)
{
    (void)state;
    const char *one = getenv("WORLD_SEED");
    if (one != NULL) {
        random_faults(strtoull(one, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= 5; seed++)
        random_faults(seed);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_come_on_time),
        cmocka_unit_test(transactions_get_in),
        cmocka_unit_test(bad_transactions_are_refused),
        cmocka_unit_test(every_enclave_is_killed_in_turn),
        cmocka_unit_test(a_takeover_never_waits),
        cmocka_unit_test(a_frozen_active_is_replaced),
        cmocka_unit_test(the_host_is_killed_again_and_again),
        cmocka_unit_test(everything_is_killed),
        cmocka_unit_test(all_enclaves_down_then_one_back),
        cmocka_unit_test(planned_switches_go_round),
        cmocka_unit_test(a_switch_that_cannot_be_is_refused),
        cmocka_unit_test(pause_loses_nothing_and_survives),
        cmocka_unit_test(a_full_disk_stops_and_goes_on),
        cmocka_unit_test(garbage),
        cmocka_unit_test(bad_signature),
        cmocka_unit_test(wrong_height),
        cmocka_unit_test(no_answer),
        cmocka_unit_test(a_wrong_spare_is_used_no_more),
        cmocka_unit_test(late_answers_of_a_benched_one_are_no_lie),
        cmocka_unit_test(a_refused_batch_is_discarded),
        cmocka_unit_test(an_old_store_is_refused),
        cmocka_unit_test(empty_stores_are_refused),
        cmocka_unit_test(faults_in_any_order),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]); /* by name, with * */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
