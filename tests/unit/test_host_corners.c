/* SPDX-License-Identifier: Apache-2.0 */
/* The host core where two things happen at once, or what comes is late, lost or the last of its
 * kind. */
#include "base/check.h"
#include "chain/batch.h"
#include "crypto/sign.h"
#include "host_kit.h"

static bool is_spare(const struct world *w, unsigned i)
{
    struct ts_host_enclave_status s = world_status(w, i);
    return strcmp(s.role, "passive") == 0 && s.lag == 0 && s.reason[0] == 0;
}

/* ---- time ---- */

/* A host that stood still for long forgives its enclaves, but not those that hang after that. */
static void a_host_that_stood_still_waits_no_longer_after(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct world *w = some(3, 100 + seed);
        assert_true(world_run_to(w, 5, SECOND));
        world_run(w, seed * 10 * MS);
        world_stop_host(w, 1000 * SECOND);
        world_run(w, 1000 * SECOND + 300 * MS);
        assert_int_equal(world_events(w, "failover"), 0);
        uint64_t head = world_head(w);
        world_freeze(w, (unsigned)world_active(w), true);
        assert_true(world_run_to(w, head + 3, SECOND));
        done(w);
    }
}

/* Each start of the host uses up terms; enclaves take none that is too far above the chain's. */
static void starts_do_not_use_up_the_terms(void **state)
{
    (void)state;
    struct world *w = some(2, 1);
    assert_true(world_run_to(w, 2, SECOND));
    assert_int_equal(world_admin(w, TS_ADMIN_PAUSE, -1, NULL, 0), TS_OK);
    uint8_t term[8] = {[6] = 65000 >> 8, [7] = 65000 & 0xff}; /* what many starts came to */
    world_kill_host(w);
    world_set_meta(w, "term", ts_bytes_of(term, sizeof(term)));
    for (unsigned k = 0; k < 50; k++) {
        world_start_host(w);
        world_run(w, 3 * MS);
        world_kill_host(w);
    }
    world_start_host(w);
    uint64_t head = world_head(w);
    world_hold_down(w, (unsigned)world_active(w), true);
    assert_int_equal(world_admin(w, TS_ADMIN_RESUME, -1, NULL, 0), TS_OK);
    assert_true(world_run_to(w, head + 3, 5 * SECOND));
    done(w);
}

/* A transaction's time is over in the very step in which the host stops. */
static void the_stop_comes_last(void **state)
{
    (void)state;
    unsigned refused = 0;
    for (unsigned k = 0; k < 60; k++) {
        struct world *w = some(1, 50);
        assert_true(world_run_to(w, 2, SECOND));
        world_hold_down(w, 0, true);
        world_kill(w, 0);
        world_run(w, 100 * MS);
        unsigned tx = world_send(w, 0);
        world_run(w, 2900 * MS + k * 7 * MS);
        world_ask_stop(w);
        assert_int_equal(world_events(w, "stopped"), 1);
        refused += world_tx_state(w, tx, NULL) == WTX_REFUSED;
        world_free(w);
    }
    assert_in_range(refused, 1, 59);
}

/* The store answers no request for batches: who needs them is lost, nobody else. */
static void a_load_that_never_returns(void **state)
{
    (void)state;
    struct world *w = some(3, 2);
    assert_true(world_run_to(w, 5, SECOND));
    unsigned spare = (unsigned)(world_active(w) + 1) % 3;
    world_lose_loads(w, true);
    world_kill(w, spare);
    uint64_t head = world_head(w);
    world_run(w, 40 * SECOND);
    assert_true(world_head(w) >= head + 390);
    world_lose_loads(w, false);
    world_run(w, 35 * SECOND);
    assert_true(is_spare(w, spare));
    done(w);
}

/* ---- joining ---- */

/* An enclave that stands at genesis when its link drops is let in again, however long the chain. */
static void one_that_stands_at_genesis_comes_back(void **state)
{
    (void)state;
    struct world_options o = options(2, 3);
    o.interval_us = 10 * MS;
    o.delay_us = 100;
    struct world *w = world_new(&o);
    assert_true(world_run_to(w, 2, SECOND));
    unsigned spare = (unsigned)(world_active(w) + 1) % 2;
    world_hold_down(w, spare, true);
    assert_true(world_run_to(w, 300, 10 * SECOND));
    world_hold_down(w, spare, false);
    for (unsigned k = 0; k < 100000; k++) {
        struct ts_enclave *e = world_enclave(w, spare);
        if (e != NULL && ts_enclave_state_of(e) == TS_ENC_SYNCING)
            break;
        world_run(w, 20);
    }
    world_cut(w, spare, true);
    assert_int_equal(ts_enclave_head(world_enclave(w, spare)).number, 0);
    world_run(w, 500 * MS);
    world_cut(w, spare, false);
    world_run(w, 10 * SECOND);
    assert_true(is_spare(w, spare));
    assert_int_equal(world_boots(w, spare), 2);
    done(w);
}

/* Enclaves that change places are found where they are. */
static void links_that_change_places(void **state)
{
    (void)state;
    struct world *w = some(3, 4);
    assert_true(world_run_to(w, 3, SECOND));
    world_point(w, 0, 1);
    world_point(w, 1, 2);
    world_point(w, 2, 0);
    world_run(w, 10 * SECOND);
    for (unsigned i = 0; i < 3; i++)
        if ((int)i != world_active(w)) {
            assert_int_equal(world_admin(w, TS_ADMIN_SWITCHOVER, (int)i, NULL, 0), TS_OK);
            assert_int_equal(world_active(w), i);
            world_run(w, SECOND);
        }
    assert_int_equal(world_admin(w, TS_ADMIN_DRAIN, world_active(w), NULL, 0), TS_OK);
    done(w);
}

static void two_links_to_one_enclave(void **state)
{
    (void)state;
    struct world *w = some(3, 5);
    assert_true(world_run_to(w, 3, SECOND));
    unsigned a = (unsigned)world_active(w);
    world_point(w, (a + 1) % 3, a); /* the active one, twice */
    uint64_t head = world_head(w);
    world_run(w, 10 * SECOND);
    assert_true(world_head(w) >= head + 90);
    world_point(w, (a + 1) % 3, (a + 1) % 3);
    world_run(w, 10 * SECOND);
    for (unsigned i = 0; i < 3; i++)
        assert_true(is_spare(w, i) || world_active(w) == (int)i);
    assert_int_equal(world_events(w, "enclave-corrupted"), 0);
    done(w);
}

/* ---- transactions ---- */

/* A batch so small that the events fill most of it: what fits is the enclave's to say. */
static void small_batches_take_transactions_too(void **state)
{
    (void)state;
    struct world_options o = options(3, 6);
    o.max_batch_bytes = 4096;
    o.max_tx_bytes = 512;
    struct world *w = world_new(&o);
    assert_true(world_run_to(w, 3, SECOND));
    for (unsigned i = 0; i < 60; i++)
        world_send(w, i % WORLD_ACCOUNTS);
    world_run(w, 5 * SECOND);
    done(w);
}

/* More pending transactions than a request may hold, and a gas limit that would take them all. */
static void more_transactions_than_a_request_holds(void **state)
{
    (void)state;
    struct world_options o = options(2, 7);
    o.batch_gas_limit = 9007199254740991u;
    struct world *w = world_new(&o);
    assert_true(world_run_to(w, 3, SECOND));
    world_kill_host(w);
    for (unsigned i = 0; i < TS_MAX_CREATE_TXS + 1000; i++) {
        uint8_t raw[4] = {0xff, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
        world_put_tx(w, ts_bytes_of(raw, sizeof(raw)), &(ts_address){{0}}, 0);
    }
    world_start_host(w);
    struct ts_host_status s;
    assert_true(world_run_to(w, world_head(w) + 3, 100 * SECOND));
    ts_host_status_of(world_host(w), &s);
    assert_int_equal(s.pool_txs, 0); /* junk: all rejected */
    world_free(w);
}

static void a_query_that_is_too_large(void **state)
{
    (void)state;
    struct world *w = some(2, 8);
    assert_true(world_run_to(w, 3, SECOND));
    size_t n = TS_LINK_MAX_FRAME + 1;
    uint8_t *p = calloc(1, n);
    assert_non_null(p);
    ts_err err;
    unsigned q = world_query_raw(w, TS_QUERY_RECEIPTS, ts_bytes_of(p, n));
    unsigned kind = world_query_raw(w, (enum ts_query_kind)77, ts_bytes_of(p, 10));
    free(p);
    world_run(w, SECOND);
    assert_true(world_asked(w, q, &err));
    assert_int_equal(err, TS_E_LIMIT);
    assert_true(world_asked(w, kind, &err));
    assert_int_not_equal(err, TS_OK);
    done(w);
}

static size_t hang_on_queries(void *ctx, struct world *w, unsigned i, ts_bytes frame, uint8_t *out,
                              size_t cap)
{
    struct ts_arena arena;
    struct ts_msg m;
    (void)cap;
    ts_arena_init(&arena, 0);
    bool is = ts_msg_decode_answer(frame, &arena, &m) == TS_OK && m.type == TS_MSG_QUERY;
    ts_arena_free(&arena);
    memcpy(out, frame.p, frame.n);
    if (is)
        world_freeze(w, i, true);
    *(unsigned *)ctx += is;
    return is ? 0 : frame.n;
}

/* A query on which enclaves hang takes two of them down, not all in turn, and is answered. */
static void a_query_that_hangs(void **state)
{
    (void)state;
    struct world *w = some(5, 9);
    assert_true(world_run_to(w, 5, SECOND));
    unsigned hung = 0;
    world_tamper(w, hang_on_queries, &hung);
    unsigned q = world_query(w, 0);
    world_run(w, 8 * SECOND);
    assert_true(world_asked(w, q, NULL));
    assert_int_equal(hung, 2);
    for (unsigned i = 0; i < 5; i++)
        world_freeze(w, i, false);
    world_tamper(w, NULL, NULL);
    done(w);
}

/* ---- orders ---- */

/* What was answered outlives a host that is killed right after. */
static void an_order_is_durable_when_it_is_answered(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct world_options o = options(3, 200 + seed);
        o.disk_us = 20 * MS;
        struct world *w = world_new(&o);
        assert_true(world_run_to(w, 3, SECOND));
        int drained = (world_active(w) + 1) % 3;
        assert_int_equal(world_admin(w, TS_ADMIN_DRAIN, drained, NULL, 0), TS_OK);
        world_kill_host(w);
        world_start_host(w);
        world_run(w, SECOND);
        assert_true(world_status(w, (unsigned)drained).drained);
        assert_int_equal(world_admin(w, TS_ADMIN_PAUSE, -1, NULL, 0), TS_OK);
        world_kill_host(w);
        world_start_host(w);
        world_run(w, SECOND);
        struct ts_host_status s;
        ts_host_status_of(world_host(w), &s);
        assert_int_equal(s.state, TS_HOST_PAUSED);
        world_free(w);
    }
}

static void an_order_on_a_full_disk(void **state)
{
    (void)state;
    struct world *w = some(3, 10);
    assert_true(world_run_to(w, 3, SECOND));
    world_disk_error(w, TS_E_DISK_FULL);
    char text[256];
    assert_int_equal(world_admin(w, TS_ADMIN_PAUSE, -1, text, sizeof(text)), TS_E_DISK_FULL);
    assert_non_null(strstr(text, "not stored"));
    world_disk_error(w, TS_OK);
    world_run(w, SECOND);
    world_kill_host(w);
    world_start_host(w);
    struct ts_host_status s;
    ts_host_status_of(world_host(w), &s);
    assert_int_equal(s.state, TS_HOST_PAUSED); /* it was stored as soon as that was possible */
    assert_int_equal(world_admin(w, TS_ADMIN_RESUME, -1, NULL, 0), TS_OK);
    assert_true(world_run_to(w, world_head(w) + 3, 5 * SECOND));
    done(w);
}

static void a_switch_that_cannot_begin_is_answered(void **state)
{
    (void)state;
    struct world *w = some(3, 11);
    assert_true(world_run_to(w, 3, SECOND));
    int to = (world_active(w) + 1) % 3;
    for (unsigned k = 0; k < 5000 && world_prepared_by(w) < 0; k++)
        world_run(w, 50);
    unsigned order = world_admin_later(w, TS_ADMIN_SWITCHOVER, to);
    for (unsigned i = 0; i < 3; i++)
        world_cut(w, i, true);
    world_run(w, 15 * SECOND);
    ts_err err;
    assert_true(world_asked(w, order, &err));
    assert_int_equal(err, TS_E_STATE);
    for (unsigned i = 0; i < 3; i++)
        world_cut(w, i, false);
    world_run(w, 3 * SECOND);
    done(w);
}

/* The successor is lost when its first batch is prepared: the batch decides, and the answer is
 * what the chain says. */
static void a_switch_whose_batch_is_sealed_is_done(void **state)
{
    (void)state;
    unsigned sealed = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct world_options o = options(3, 300 + seed);
        o.disk_us = 10 * MS;
        struct world *w = world_new(&o);
        assert_true(world_run_to(w, 3, SECOND));
        int to = (world_active(w) + 1) % 3;
        unsigned order = world_admin_later(w, TS_ADMIN_SWITCHOVER, to);
        for (unsigned k = 0; k < 3000 && world_prepared_by(w) != to; k++)
            world_run(w, 100);
        world_run(w, seed * 500);
        sealed += world_prepared_by(w) == to;
        if (seed % 3 == 0)
            world_kill(w, (unsigned)to);
        else if (seed % 3 == 1)
            world_admin_later(w, TS_ADMIN_PAUSE, -1);
        else
            world_ask_stop(w);
        ts_err err;
        world_run(w, 2 * SECOND);
        assert_true(world_asked(w, order, &err));
        assert_int_equal(err, TS_OK); /* it was in the chain, whoever was active after that */
        world_check(w, true);
        world_free(w);
    }
    assert_true(sealed >= 10);
}

static void a_drained_active_gives_way_later(void **state)
{
    (void)state;
    struct world *w = some(3, 12);
    assert_true(world_run_to(w, 3, SECOND));
    int active = world_active(w);
    assert_int_equal(world_admin(w, TS_ADMIN_PAUSE, -1, NULL, 0), TS_OK);
    assert_int_equal(world_admin(w, TS_ADMIN_DRAIN, active, NULL, 0), TS_OK);
    world_kill_host(w);
    world_start_host(w);
    world_run(w, SECOND);
    assert_int_equal(world_admin(w, TS_ADMIN_RESUME, -1, NULL, 0), TS_OK);
    world_run(w, SECOND);
    assert_int_not_equal(world_active(w), active);
    assert_int_equal(world_events(w, "failover"), 0);
    done(w);
}

/* An active one that is about to end while it is being switched away from waits for that. */
static void leaving_in_the_middle_of_a_switch(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct world *w = some(3, 400 + seed);
        assert_true(world_run_to(w, 3, SECOND));
        unsigned active = (unsigned)world_active(w);
        int to = ((int)active + 1) % 3;
        unsigned order = world_admin_later(w, TS_ADMIN_SWITCHOVER, to);
        world_run(w, seed * 150);
        world_leave(w, active);
        world_run(w, SECOND);
        ts_err err;
        assert_true(world_asked(w, order, &err));
        assert_int_equal(err, TS_OK);
        assert_int_equal(world_active(w), to);
        assert_int_equal(world_events(w, "failover"), 0);
        assert_int_equal(world_boots(w, active), 2);
        done(w);
    }
}

/* ---- checkpoints ---- */

static void checkpoints_hold_nobody_up(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 3; n++) {
        struct world_options o = options(n, 13);
        o.snapshot_every = 20;
        o.snapshot_us = 300 * MS;
        struct world *w = world_new(&o);
        world_run(w, 20 * SECOND);
        assert_true(world_head(w) > (n == 1 ? 80 : 150));
        assert_int_equal(world_events(w, "failover"), 0);
        for (unsigned i = 0; i < n; i++)
            assert_true(world_events(w, "snapshot-failed") == 0);
        world_kill(w, (unsigned)(world_active(w) + 1) % n);
        world_run(w, 3 * SECOND);
        done(w);
    }
}

/* One that takes longer than anybody waits is not tried again at once, for ever. */
static void a_checkpoint_that_takes_too_long(void **state)
{
    (void)state;
    struct world_options o = options(3, 14);
    o.snapshot_every = 300;
    o.snapshot_us = 45 * SECOND;
    struct world *w = world_new(&o);
    world_run(w, 120 * SECOND);
    struct ts_host_status s;
    ts_host_status_of(world_host(w), &s);
    assert_true(world_head(w) > 1100);
    assert_true(s.counters.deadlines_missed <= 30);
    assert_int_equal(world_events(w, "failover"), 0);
    world_free(w);
}

/* ---- the last of its kind ---- */

/* The only enclave there is holds so many unpublished transitions that it cannot be activated. */
static void no_room_is_made_by_a_restart(void **state)
{
    (void)state;
    struct world *w = some(1, 15);
    assert_true(world_run_to(w, 3, SECOND));
    world_run(w, 50 * MS);
    world_kill_host(w);
    for (uint64_t k = 0; k < 7; k++) {
        struct ts_msg m = {.type = k % 2 ? TS_MSG_ACTIVATE : TS_MSG_STEP_DOWN};
        if (k % 2)
            m.u.activate.term = 40 + k;
        struct ts_buf b, out;
        ts_buf_init(&b, 0);
        ts_buf_init(&out, 0);
        ts_msg_put(&b, &m);
        ts_enclave_handle(world_enclave(w, 0), ts_buf_bytes(&b), &out);
        ts_buf_free(&b);
        ts_buf_free(&out);
    }
    world_start_host(w);
    assert_true(world_run_to(w, world_head(w) + 3, 20 * SECOND));
    assert_int_equal(world_boots(w, 0), 2);
    done(w);
}

/* ---- disputes ---- */

struct forger {
    unsigned who;
    unsigned done, max;
};

/* Well-formed, sealed by its key, and wrong: another state root. */
static size_t forge(void *ctx, struct world *w, unsigned i, ts_bytes frame, uint8_t *out,
                    size_t cap)
{
    struct forger *f = ctx;
    struct ts_arena arena;
    struct ts_msg m;
    size_t n = frame.n;
    memcpy(out, frame.p, frame.n);
    ts_arena_init(&arena, 0);
    if (i == f->who && f->done < f->max && ts_msg_decode_answer(frame, &arena, &m) == TS_OK &&
        m.type == TS_MSG_CREATE && m.u.created.fresh) {
        const struct ts_chain *chain = ts_host_chain(world_host(w));
        ts_secret key = world_key(w, i);
        struct ts_batch_seal seal;
        struct ts_batch b;
        struct ts_buf raw, answer;
        ts_hash digest;
        f->done++;
        assert_int_equal(ts_batch_decode(m.u.created.batch, TS_MAX_BATCH_BYTES, &arena, &b), TS_OK);
        b.header.state_root.b[0] ^= 1;
        ts_header_hash(&chain->genesis->domain, &b.header, &seal.batch_hash);
        ts_protocol_root(&chain->head.protocol_root, b.raw_payload, &seal.protocol_root);
        ts_seal_digest(&chain->genesis->domain, &seal, &digest);
        assert_int_equal(ts_sign(chain->crypto, &key, &digest, &b.seal), TS_OK);
        ts_buf_init(&raw, 0);
        ts_buf_init(&answer, 0);
        ts_batch_put(&raw, &b);
        m.u.created.batch = ts_buf_bytes(&raw);
        m.u.created.has_report = false; /* it would name the honest head */
        m.u.created.n_transitions = 0;
        ts_msg_put(&answer, &m);
        assert_true(answer.n <= cap);
        memcpy(out, answer.p, answer.n);
        n = answer.n;
        ts_buf_free(&raw);
        ts_buf_free(&answer);
    }
    ts_arena_free(&arena);
    return n;
}

/* Runs until a batch has been discarded, 100 us more at the most. */
static void until_discarded(struct world *w, struct forger *f)
{
    world_tamper(w, forge, f);
    for (unsigned k = 0; k < 50000 && world_events(w, "batch-discarded") == 0; k++)
        world_run(w, 100);
    assert_int_equal(world_events(w, "batch-discarded"), 1);
}

/* Its head is off the chain, and it is the only one left: it goes on when the hold has passed. */
static void a_suspect_that_is_alone_goes_on(void **state)
{
    (void)state;
    struct world_options o = options(2, 16);
    o.dispute_hold_us = 2 * SECOND;
    struct world *w = world_new(&o);
    assert_true(world_run_to(w, 3, SECOND));
    struct forger f = {.who = (unsigned)world_active(w), .max = 1};
    until_discarded(w, &f);
    uint64_t head = world_head(w);
    world_hold_down(w, 1 - f.who, true);
    world_run(w, 1900 * MS);
    assert_int_equal(world_head(w), head);
    assert_true(world_run_to(w, head + 5, 5 * SECOND));
    assert_int_equal(world_active(w), f.who);
    world_hold_down(w, 1 - f.who, false);
    world_run(w, 3 * SECOND);
    assert_true(is_spare(w, 1 - f.who));
    done(w);
}

/* A host that starts in the middle of a dispute remembers it. */
static void a_dispute_outlives_the_host(void **state)
{
    (void)state;
    struct world_options o = options(2, 17);
    o.dispute_hold_us = 10 * SECOND;
    struct world *w = world_new(&o);
    assert_true(world_run_to(w, 3, SECOND));
    struct forger f = {.who = (unsigned)world_active(w), .max = 1};
    until_discarded(w, &f);
    uint64_t head = world_head(w);
    world_kill_host(w);
    world_hold_down(w, f.who, true);
    world_start_host(w);
    world_run(w, 5 * SECOND);
    assert_int_equal(world_head(w), head); /* nothing alone at that number */
    world_hold_down(w, f.who, false);
    assert_true(world_run_to(w, head + 1, SECOND)); /* the one that lost has spoken */
    assert_int_equal(world_active(w), 1 - f.who);
    world_run(w, SECOND);
    assert_false(world_status(w, f.who).suspect);
    done(w);
}

/* One without a vote answers late, when the next batch of that number is there: what it says is of
 * the discarded one. */
static void a_late_answer_about_a_discarded_batch(void **state)
{
    (void)state;
    for (uint64_t late = 0; late < 12; late++) {
        struct world_options o = options(4, 500 + late);
        o.validators = 1;
        o.disk_us = 4 * MS;
        struct world *w = world_new(&o);
        assert_true(world_run_to(w, 5, 3 * SECOND));
        struct forger f = {.who = (unsigned)world_active(w), .max = 1};
        world_tamper(w, forge, &f);
        for (unsigned k = 0; k < 50000 && f.done == 0; k++)
            world_run(w, 50);
        world_freeze(w, 3, true);
        for (unsigned k = 0; k < 50000 && world_events(w, "batch-discarded") == 0; k++)
            world_run(w, 50);
        world_run(w, late * 2 * MS);
        world_freeze(w, 3, false);
        world_run(w, 3 * SECOND);
        assert_int_equal(world_events(w, "enclave-suspect"), 1); /* the forger */
        assert_int_equal(world_events(w, "enclave-corrupted"), 0);
        assert_int_equal(world_events(w, "batch-discarded"), 1);
        assert_int_equal(world_boots(w, 3), 1); /* it was right */
        world_tamper(w, NULL, NULL);
        done(w);
    }
}

/* "Already known" is an acknowledgement to who asked before: it is said of what is durable alone.
 */
static void the_same_transaction_while_it_is_taken(void **state)
{
    (void)state;
    struct world *w = world_new(&(struct world_options){
        .enclaves = 2, .seed = 5, .interval_us = 100 * MS, .delay_us = 3 * MS, .disk_us = 5 * MS});
    assert_true(world_run_to(w, 2, 5 * SECOND));
    uint8_t raw[256];
    ts_err err;
    size_t n = world_make_tx(w, 1, 0, 1000000000, raw, sizeof(raw));
    unsigned tx[5];
    for (unsigned i = 0; i < 5; i++)
        tx[i] = world_send_raw(w, ts_bytes_of(raw, n));
    assert_int_equal(world_tx_state(w, tx[4], &err), WTX_REFUSED); /* four wait */
    assert_int_equal(err, TS_E_BUSY);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(world_tx_state(w, tx[i], NULL), WTX_WAITING);
    world_run(w, SECOND);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(world_tx_state(w, tx[i], NULL), WTX_ACKED);

    world_disk_error(w, TS_E_DISK_FULL);
    n = world_make_tx(w, 1, 1, 1000000000, raw, sizeof(raw));
    for (unsigned i = 0; i < 3; i++)
        tx[i] = world_send_raw(w, ts_bytes_of(raw, n));
    world_run(w, 100 * MS);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(world_tx_state(w, tx[i], &err), WTX_REFUSED);
        assert_int_equal(err, TS_E_DISK_FULL);
    }
    world_free(w);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_that_stood_still_waits_no_longer_after),
        cmocka_unit_test(starts_do_not_use_up_the_terms),
        cmocka_unit_test(the_stop_comes_last),
        cmocka_unit_test(a_load_that_never_returns),
        cmocka_unit_test(one_that_stands_at_genesis_comes_back),
        cmocka_unit_test(links_that_change_places),
        cmocka_unit_test(two_links_to_one_enclave),
        cmocka_unit_test(small_batches_take_transactions_too),
        cmocka_unit_test(more_transactions_than_a_request_holds),
        cmocka_unit_test(a_query_that_is_too_large),
        cmocka_unit_test(a_query_that_hangs),
        cmocka_unit_test(an_order_is_durable_when_it_is_answered),
        cmocka_unit_test(an_order_on_a_full_disk),
        cmocka_unit_test(a_switch_that_cannot_begin_is_answered),
        cmocka_unit_test(a_switch_whose_batch_is_sealed_is_done),
        cmocka_unit_test(a_drained_active_gives_way_later),
        cmocka_unit_test(leaving_in_the_middle_of_a_switch),
        cmocka_unit_test(checkpoints_hold_nobody_up),
        cmocka_unit_test(a_checkpoint_that_takes_too_long),
        cmocka_unit_test(no_room_is_made_by_a_restart),
        cmocka_unit_test(a_suspect_that_is_alone_goes_on),
        cmocka_unit_test(a_dispute_outlives_the_host),
        cmocka_unit_test(a_late_answer_about_a_discarded_batch),
        cmocka_unit_test(the_same_transaction_while_it_is_taken),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]); /* by name, with * */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
