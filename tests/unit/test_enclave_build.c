/* SPDX-License-Identifier: Apache-2.0 */
/* CREATE: one-shot, idempotent, complete; and OFFERS for a lost answer. */
#include <stdlib.h>
#include <string.h>

#include "enclave_kit.h"

static struct ek *running(size_t n)
{
    struct ek *k = ek_open(n, n);
    for (size_t i = 0; i < n; i++)
        ek_start(k, i);
    ek_promote(k, 0);
    ek_run(k, 0, 2);
    return k;
}

static bool same(ts_bytes a, ts_bytes b)
{
    return ts_bytes_equal(a, b);
}

static void asked_again_it_gives_the_same_batch(void **state)
{
    (void)state;
    struct ek *k = running(3);
    struct ts_msg req = ek_create_request(k, 0, EK_ALL);
    struct ts_msg first = ek_ask(k, 0, &req);
    assert_code(first, TS_OK);
    assert_true(first.u.created.fresh);
    /* With other transactions, another time, without events: all the same. */
    ts_bytes tx = ek_transfer(k, 0, 0, 1);
    req.u.create.txs = &tx;
    req.u.create.n_txs = 1;
    req.u.create.time += 5000;
    req.u.create.n_reports = 0;
    struct ts_msg again = ek_ask(k, 0, &req);
    assert_code(again, TS_OK);
    assert_false(again.u.created.fresh);
    assert_true(same(first.u.created.batch, again.u.created.batch));
    assert_int_equal(again.u.created.n_rejected, 0);
    assert_true(again.u.created.has_report);
    assert_int_equal(again.u.created.report.current_batch_number, 3);
    /* Even when it has stepped down meanwhile. */
    struct ts_msg m = ek_step_down(k, 0);
    again = ek_ask(k, 0, &req);
    assert_code(again, TS_OK);
    assert_true(same(first.u.created.batch, again.u.created.batch));
    m = ek_create(k, 0, EK_ALL);
    assert_code(m, TS_OK);
    assert_false(m.u.created.fresh);
    ek_publish(k, first.u.created.batch);
    m = ek_create(k, 0, EK_ALL);
    assert_code(m, TS_E_STATE);
    ek_close(k);
}

static void a_lost_answer_is_offered(void **state)
{
    (void)state;
    struct ek *k = running(3);
    struct ts_msg lost = ek_create(k, 0, EK_ALL);
    ts_enclave_connected(k->enclaves[0].core);
    struct ts_msg m = ek_offers(k, 0, 2);
    assert_code(m, TS_OK);
    assert_int_equal(m.u.offered.n, 1);
    assert_true(same(m.u.offered.batches[0], lost.u.created.batch));
    ek_publish(k, m.u.offered.batches[0]);
    ek_feed(k, 1);
    ek_feed(k, 2);
    ek_run(k, 0, 1);
    m = ek_offers(k, 1, 0);
    assert_int_equal(m.u.offered.n, 0); /* it sealed none */
    ek_close(k);
}

/* maxReportLag + 1 of them are kept, by default three. */
static void the_newest_batches_are_offered_in_order(void **state)
{
    (void)state;
    struct ek *k = running(2);
    ek_run(k, 0, 4);
    struct ts_msg m = ek_offers(k, 0, 0);
    assert_int_equal(m.u.offered.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(same(m.u.offered.batches[i], ek_batch(k, 4 + i)));
    m = ek_offers(k, 0, 5);
    assert_int_equal(m.u.offered.n, 1);
    m = ek_offers(k, 0, UINT64_MAX);
    assert_int_equal(m.u.offered.n, 0);
    ek_close(k);
}

static void there_is_one_seal_to_a_parent(void **state)
{
    (void)state;
    struct ek *k = running(2);
    ek_run(k, 0, 5);
    struct ts_msg req = ek_create_request(k, 0, EK_ALL);
    /* An old parent, whose child is no longer kept. */
    struct ts_batch b = ek_decode(k, ek_batch(k, 3));
    req.u.create.parent = (struct ts_msg_head){2, b.header.parent_hash};
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_code(m, TS_E_ONE_LINE);
    req.u.create.parent = (struct ts_msg_head){0, k->genesis.hash};
    m = ek_ask(k, 0, &req);
    assert_code(m, TS_E_ONE_LINE);
    req.u.create.parent = ek_head(k);
    req.u.create.parent.number++;
    m = ek_ask(k, 0, &req);
    assert_code(m, TS_E_OUT_OF_ORDER);
    req.u.create.parent = ek_head(k);
    req.u.create.parent.hash.b[0] ^= 1;
    m = ek_ask(k, 0, &req);
    assert_code(m, TS_E_OUT_OF_ORDER);
    ek_run(k, 0, 1);
    ek_close(k);
}

/* ---- events ---- */

static void a_bad_event_is_named_and_nothing_is_opened(void **state)
{
    (void)state;
    struct ek *k = running(3);
    struct ts_msg req = ek_create_request(k, 0, EK_ALL);
    req.u.create.reports[1].sig.b[5] ^= 1;
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_code(m, TS_E_BAD_EVENT);
    assert_true(m.u.error.has_enclave);
    assert_memory_equal(&m.u.error.enclave, &k->enclaves[2].id, 20);
    /* Asked again with that enclave absent. */
    req.u.create.n_reports = 1;
    m = ek_ask(k, 0, &req);
    assert_code(m, TS_OK);
    assert_true(m.u.created.fresh);
    struct ts_batch b = ek_decode(k, m.u.created.batch);
    assert_int_equal(b.payload.n_absent, 1);
    assert_memory_equal(&b.payload.absent[0], &k->enclaves[2].id, 20);
    ek_publish(k, m.u.created.batch);
    ek_close(k);
}

static void a_stale_report_is_a_bad_event(void **state)
{
    (void)state;
    struct ek *k = running(3);
    struct ts_msg old = ek_create_request(k, 0, EK_ALL);
    ek_run(k, 0, 1);
    old.u.create.parent = ek_head(k);
    struct ts_msg m = ek_ask(k, 0, &old);
    assert_code(m, TS_E_BAD_EVENT);
    assert_memory_equal(&m.u.error.enclave, &k->enclaves[1].id, 20);
    ek_close(k);
}

static void the_producers_own_events_are_not_taken_from_the_host(void **state)
{
    (void)state;
    struct ek *k = running(2);
    struct ts_msg own = ek_plain(k, 0, TS_MSG_REPORT);
    struct ts_msg req = ek_create_request(k, 0, 0);
    req.u.create.reports[0] = own.u.events.report;
    req.u.create.n_reports = 1;
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_code(m, TS_E_BAD_EVENT);
    assert_memory_equal(&m.u.error.enclave, &k->enclaves[0].id, 20);
    ek_close(k);
}

static void anothers_active_over_the_producers_is_a_bad_event(void **state)
{
    (void)state;
    struct ek *k = running(3);
    ek_promote(k, 1);
    struct ts_msg m = ek_create(k, 0, EK_ALL);
    assert_code(m, TS_E_BAD_EVENT);
    assert_memory_equal(&m.u.error.enclave, &k->enclaves[1].id, 20);
    ek_close(k);
}

static void unsorted_events_are_refused(void **state)
{
    (void)state;
    struct ek *k = running(3);
    struct ts_msg req = ek_create_request(k, 0, EK_ALL);
    struct ts_restart_event swap = req.u.create.reports[0];
    req.u.create.reports[0] = req.u.create.reports[1];
    req.u.create.reports[1] = swap;
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_int_not_equal(ek_code(&m), TS_OK);
    ek_run(k, 0, 1);
    ek_close(k);
}

static void a_batch_that_does_not_report_has_no_events(void **state)
{
    (void)state;
    struct ts_params params;
    ts_params_default(&params);
    params.report_every = 3;
    params.max_report_lag = 4;
    struct ek *k = ek_open_with(3, 3, &params, 0);
    for (size_t i = 0; i < 3; i++)
        ek_start(k, i);
    ek_promote(k, 0);
    ek_run(k, 0, 6);
    static const size_t reports[] = {3, 0, 3, 0, 0, 3};
    for (size_t n = 1; n <= 6; n++) {
        struct ts_batch b = ek_decode(k, ek_batch(k, n));
        assert_int_equal(b.payload.n_reports, reports[n - 1]);
        assert_int_equal(b.payload.n_absent, 0);
    }
    ek_close(k);
}

/* ---- time ---- */

static void the_time_is_lifted_to_parent_and_events(void **state)
{
    (void)state;
    struct ek *k = running(2);
    struct ts_msg req = ek_create_request(k, 0, EK_ALL);
    req.u.create.time = 1;
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_code(m, TS_OK);
    assert_int_equal(ek_decode(k, m.u.created.batch).header.time, k->chain.head.time);
    ek_publish(k, m.u.created.batch);
    ek_feed(k, 1);
    k->now += 50000;
    ek_start(k, 1); /* its Started is 50 s ahead of the host's next time */
    req = ek_create_request(k, 0, EK_ALL);
    req.u.create.time = 1;
    m = ek_ask(k, 0, &req);
    assert_code(m, TS_OK);
    assert_int_equal(ek_decode(k, m.u.created.batch).header.time, req.u.create.transitions[0].time);
    ek_publish(k, m.u.created.batch);
    ek_close(k);
}

/* ---- transactions ---- */

static void transactions_are_in_or_rejected_with_a_reason(void **state)
{
    (void)state;
    struct ek *k = running(2);
    ts_bytes txs[5] = {
        ek_transfer(k, 0, 0, 100), ek_transfer(k, 1, 7, 100), ek_transfer(k, 0, 1, 100),
        ek_transfer(k, 0, 0, 100), ts_bytes_of("junk", 4),
    };
    struct ts_msg req = ek_create_request(k, 0, EK_ALL);
    req.u.create.txs = txs;
    req.u.create.n_txs = 5;
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_code(m, TS_OK);
    struct ts_batch b = ek_decode(k, m.u.created.batch);
    assert_int_equal(b.n_txs, 2);
    assert_true(same(b.txs[0], txs[0]));
    assert_true(same(b.txs[1], txs[2]));
    assert_int_equal(m.u.created.n_rejected, 3);
    static const ts_err codes[] = {TS_E_TX_NONCE_GAP, TS_E_TX_NONCE_LOW, TS_E_TX_TYPE};
    static const uint64_t indices[] = {1, 3, 4};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(m.u.created.rejected[i].index, indices[i]);
        assert_int_equal(m.u.created.rejected[i].code, codes[i]);
        assert_true(m.u.created.rejected[i].text.n > 0);
    }
    ek_publish(k, m.u.created.batch);
    ek_feed(k, 1); /* executes to the same state root */
    ek_close(k);
}

/* A batch takes no more than its bytes; what is left is deferred, in order, and comes in the next.
 */
static void what_does_not_fit_is_deferred(void **state)
{
    (void)state;
    struct ts_params params;
    ts_params_default(&params);
    params.max_batch_bytes = 8192;
    params.max_tx_bytes = 1024;
    struct ek *k = ek_open_with(2, 2, &params, 0);
    ek_start(k, 0);
    ek_start(k, 1);
    ek_promote(k, 0);
    ts_bytes txs[101];
    for (size_t i = 0; i < 100; i++)
        txs[i] = ek_transfer(k, 0, i, 1);
    static const uint8_t large[2000];
    txs[100] = ts_bytes_of(large, sizeof(large));
    size_t done = 0;
    for (size_t batch = 0; done < 100 && batch < 10; batch++) {
        struct ts_msg req = ek_create_request(k, 0, EK_ALL);
        req.u.create.txs = txs + done;
        req.u.create.n_txs = 101 - done;
        struct ts_msg m = ek_ask(k, 0, &req);
        assert_code(m, TS_OK);
        assert_true(m.u.created.batch.n <= 8192);
        struct ts_batch b = ek_decode(k, m.u.created.batch);
        assert_true(b.n_txs > 20);
        assert_int_equal(b.n_txs + m.u.created.n_rejected, 101 - done);
        done += b.n_txs;
        if (done < 100) {
            assert_true(m.u.created.batch.n > 8192 - 200);
            for (size_t i = 0; i < m.u.created.n_rejected; i++)
                assert_int_equal(m.u.created.rejected[i].code, TS_E_TX_DEFERRED);
        } else {
            assert_int_equal(m.u.created.rejected[0].code, TS_E_TX_SIZE);
        }
        ek_publish(k, m.u.created.batch);
        ek_feed(k, 1);
    }
    assert_int_equal(done, 100);
    ek_close(k);
}

/* One that does not fit the gas that is left, and smaller ones behind it that would. */
static void a_later_nonce_waits_for_the_deferred_one(void **state)
{
    (void)state;
    struct ts_params params;
    ts_params_default(&params);
    params.batch_gas_limit = 100000;
    struct ek *k = ek_open_with(1, 1, &params, 0);
    ek_start(k, 0);
    ek_promote(k, 0);
    ts_bytes txs[4] = {ek_transfer(k, 0, 0, 1), ek_transfer_gas(k, 0, 1, 90000),
                       ek_transfer(k, 0, 2, 1), ek_transfer(k, 1, 0, 1)};
    struct ts_msg req = ek_create_request(k, 0, EK_ALL);
    req.u.create.txs = txs;
    req.u.create.n_txs = 4;
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_code(m, TS_OK);
    struct ts_batch b = ek_decode(k, m.u.created.batch);
    assert_int_equal(b.n_txs, 2); /* another sender's is not kept out */
    assert_true(same(b.txs[1], txs[3]));
    assert_int_equal(m.u.created.n_rejected, 2);
    assert_int_equal(m.u.created.rejected[0].code, TS_E_TX_DEFERRED);
    assert_int_equal(m.u.created.rejected[1].code, TS_E_TX_DEFERRED);
    ek_close(k);
}

/* Larger than any batch: it must not be deferred for ever. */
static void a_transaction_that_fits_no_batch_is_rejected(void **state)
{
    (void)state;
    struct ts_params params;
    ts_params_default(&params);
    params.max_batch_bytes = 8192;
    params.max_tx_bytes = 1024;
    struct ek *k = ek_open_with(1, 1, &params, 0);
    static const uint8_t large[9000];
    ts_bytes txs[2] = {ts_bytes_of(large, sizeof(large)), ek_transfer(k, 0, 0, 1)};
    ek_start(k, 0);
    ek_promote(k, 0);
    struct ts_msg req = ek_create_request(k, 0, EK_ALL);
    req.u.create.txs = txs;
    req.u.create.n_txs = 2;
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_code(m, TS_OK);
    assert_int_equal(m.u.created.n_rejected, 1);
    assert_int_equal(m.u.created.rejected[0].code, TS_E_TX_SIZE);
    assert_int_equal(ek_decode(k, m.u.created.batch).n_txs, 1);
    ek_close(k);
}

static void many_rejections_still_fit_in_a_frame(void **state)
{
    (void)state;
    struct ek *k = running(1);
    static ts_bytes txs[TS_MAX_CREATE_TXS];
    ts_bytes gap = ek_transfer(k, 0, 9, 1);
    for (size_t i = 0; i < TS_MAX_CREATE_TXS; i++)
        txs[i] = i % 8192 == 0 ? gap : ts_bytes_of("junk", 4);
    struct ts_msg req = ek_create_request(k, 0, EK_ALL);
    req.u.create.txs = txs;
    req.u.create.n_txs = TS_MAX_CREATE_TXS;
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_code(m, TS_OK);
    assert_int_equal(m.u.created.n_rejected, TS_MAX_CREATE_TXS);
    assert_int_equal(m.u.created.rejected[TS_MAX_CREATE_TXS - 1].code, TS_E_TX_TYPE);
    ek_close(k);
}

/* ---- failures inside ---- */

/* The ledger, but for what is told to fail; counts what is begun. */
static size_t begun;
static size_t executed;
static size_t fail_execute_at; /* 0: never */
static bool fail_begin;
static bool fail_finish;

static ts_err begin(struct ts_engine *e, uint64_t number, ts_time time)
{
    begun++;
    return fail_begin ? TS_E_NOMEM : ts_ledger_engine.begin(e, number, time);
}

static ts_err execute(struct ts_engine *e, ts_bytes tx, struct ts_tx_result *out)
{
    executed++;
    if (executed == fail_execute_at)
        return TS_E_NOMEM;
    return ts_ledger_engine.execute(e, tx, out);
}

static ts_err finish(struct ts_engine *e, ts_hash *root)
{
    return fail_finish ? TS_E_NOMEM : ts_ledger_engine.finish(e, root);
}

static struct ts_engine_ops failing;

static void failing_resets(void)
{
    failing = ts_ledger_engine;
    failing.begin = begin;
    failing.execute = execute;
    failing.finish = finish;
    begun = executed = fail_execute_at = 0;
    fail_begin = fail_finish = false;
}

static struct ek *with_failing_engine(void)
{
    failing_resets();
    struct ek *k = ek_open(2, 2);
    k->engine = &failing;
    ek_start(k, 0);
    k->engine = &ts_ledger_engine;
    ek_start(k, 1);
    ek_promote(k, 0);
    ek_run(k, 0, 1);
    begun = 0;
    return k;
}

/* Out of gas: all the rest is deferred, and not opened. */
static void when_the_gas_is_used_up_the_rest_is_deferred(void **state)
{
    (void)state;
    struct ts_params params;
    ts_params_default(&params);
    params.batch_gas_limit = 5 * 21000;
    struct ek *k = ek_open_with(1, 1, &params, 0);
    failing_resets();
    k->engine = &failing;
    ek_start(k, 0);
    ek_promote(k, 0);
    ts_bytes txs[8];
    for (size_t i = 0; i < 8; i++)
        txs[i] = ek_transfer(k, 0, i, 1);
    struct ts_msg req = ek_create_request(k, 0, EK_ALL);
    req.u.create.txs = txs;
    req.u.create.n_txs = 8;
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_code(m, TS_OK);
    assert_int_equal(ek_decode(k, m.u.created.batch).n_txs, 5);
    assert_int_equal(m.u.created.n_rejected, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(m.u.created.rejected[i].code, TS_E_TX_DEFERRED);
    assert_int_equal(executed, 5);
    ek_close(k);
}

static struct ts_msg create_two(struct ek *k)
{
    ts_bytes *txs = ts_arena_array(&k->arena, 2, sizeof(*txs));
    assert_non_null(txs);
    txs[0] = ek_transfer(k, 0, 0, 1);
    txs[1] = ek_transfer(k, 0, 1, 1);
    struct ts_msg req = ek_create_request(k, 0, EK_ALL);
    req.u.create.txs = txs;
    req.u.create.n_txs = 2;
    return req;
}

static void a_failure_after_the_first_transaction_halts(void **state)
{
    (void)state;
    for (size_t at = 1; at <= 3; at++) {
        struct ek *k = with_failing_engine();
        executed = 0;
        fail_execute_at = at;
        fail_finish = at == 3;
        struct ts_msg req = create_two(k);
        struct ts_msg m = ek_ask(k, 0, &req);
        assert_code(m, TS_E_HALTS);
        assert_state(k, 0, TS_ENC_HALTED);
        m = ek_ask(k, 0, &req);
        assert_code(m, TS_E_HALTED);
        ek_close(k);
    }
}

static void a_failure_before_it_changes_nothing(void **state)
{
    (void)state;
    struct ek *k = with_failing_engine();
    fail_begin = true;
    struct ts_msg req = create_two(k);
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_code(m, TS_E_NOMEM);
    assert_state(k, 0, TS_ENC_ACTIVE);
    fail_begin = false;
    m = ek_ask(k, 0, &req);
    assert_code(m, TS_OK);
    assert_true(m.u.created.fresh);
    ek_close(k);
}

/* Nothing is opened for a request that fails for anything but its transactions. */
static void no_transaction_is_opened_for_a_bad_request(void **state)
{
    (void)state;
    struct ek *k = with_failing_engine();
    struct ts_msg req = create_two(k);
    struct ts_restart_event good = req.u.create.reports[0];
    struct ts_notice notice = {TS_NOTICE_WHITELIST, ts_bytes_of("bad", 3)};
    executed = 0;
    req.u.create.reports[0].sig.b[0] ^= 1;
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_code(m, TS_E_BAD_EVENT);
    req.u.create.reports[0] = good;
    req.u.create.l1_hash.b[0] = 1; /* another block with the parent's number */
    m = ek_ask(k, 0, &req);
    assert_code(m, TS_E_V1_LINKS);
    req.u.create.l1_hash.b[0] = 0;
    req.u.create.notices = &notice;
    req.u.create.n_notices = 1;
    m = ek_ask(k, 0, &req);
    assert_int_not_equal(ek_code(&m), TS_OK);
    req.u.create.n_notices = 0;
    req.u.create.l1_header = ts_bytes_of("x", 1);
    m = ek_ask(k, 0, &req);
    assert_code(m, TS_E_L1);
    assert_int_equal(begun, 0);
    assert_int_equal(executed, 0);
    assert_state(k, 0, TS_ENC_ACTIVE);
    req.u.create.l1_header.n = 0;
    m = ek_ask(k, 0, &req);
    assert_code(m, TS_OK);
    assert_int_equal(executed, 2);
    ek_close(k);
}

/* A refused batch leaves the state as it was: the true one is accepted after it. */
static void a_failure_while_accepting_changes_nothing(void **state)
{
    (void)state;
    struct ek *k = with_failing_engine();
    struct ts_msg req = create_two(k);
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_code(m, TS_OK);
    ek_publish(k, m.u.created.batch);
    k->engine = &failing;
    ek_boot(k, 1);
    ek_load(k, 1, NULL);
    m = ek_accept(k, 1, ek_batch(k, 1));
    assert_code(m, TS_OK);
    executed = 0;
    fail_execute_at = 2;
    m = ek_accept(k, 1, ek_batch(k, 2));
    assert_code(m, TS_E_NOMEM);
    fail_execute_at = 0;
    m = ek_accept(k, 1, ek_batch(k, 2));
    assert_code(m, TS_OK);
    ek_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asked_again_it_gives_the_same_batch),
        cmocka_unit_test(a_lost_answer_is_offered),
        cmocka_unit_test(the_newest_batches_are_offered_in_order),
        cmocka_unit_test(there_is_one_seal_to_a_parent),
        cmocka_unit_test(a_bad_event_is_named_and_nothing_is_opened),
        cmocka_unit_test(a_stale_report_is_a_bad_event),
        cmocka_unit_test(the_producers_own_events_are_not_taken_from_the_host),
        cmocka_unit_test(anothers_active_over_the_producers_is_a_bad_event),
        cmocka_unit_test(unsorted_events_are_refused),
        cmocka_unit_test(a_batch_that_does_not_report_has_no_events),
        cmocka_unit_test(the_time_is_lifted_to_parent_and_events),
        cmocka_unit_test(transactions_are_in_or_rejected_with_a_reason),
        cmocka_unit_test(what_does_not_fit_is_deferred),
        cmocka_unit_test(when_the_gas_is_used_up_the_rest_is_deferred),
        cmocka_unit_test(a_later_nonce_waits_for_the_deferred_one),
        cmocka_unit_test(a_transaction_that_fits_no_batch_is_rejected),
        cmocka_unit_test(many_rejections_still_fit_in_a_frame),
        cmocka_unit_test(a_failure_after_the_first_transaction_halts),
        cmocka_unit_test(a_failure_before_it_changes_nothing),
        cmocka_unit_test(no_transaction_is_opened_for_a_bad_request),
        cmocka_unit_test(a_failure_while_accepting_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
