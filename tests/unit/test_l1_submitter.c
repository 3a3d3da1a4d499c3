/* SPDX-License-Identifier: Apache-2.0 */
/* The submitter against an L1 in miniature: one fault after the other. */
#include "crypto/sign.h"
#include "submitworld.h"

/* ---- no faults ---- */

static void test_several_in_one_block(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 2);
    for (uint64_t job = 1; job <= 5; job++)
        give(&w, job);
    assert_int_equal(ts_l1_submitter_jobs(w.s), 5);
    run(&w, 13);
    for (uint64_t job = 1; job <= 5; job++) {
        assert_int_equal(w.jobs[job].sent, 1);
        assert_int_equal(w.jobs[job].done, 0); /* one confirmation */
    }
    run(&w, 13);
    expect_ok(&w, 1, 5);
    assert_int_equal(w.jobs[1].block, w.jobs[5].block);
    assert_int_equal(w.n_events, 0);
    assert_int_equal(ts_l1_submitter_jobs(w.s), 0);
    const unsigned calls = w.calls[TS_L1_BLOCK];
    run(&w, 100);
    assert_int_equal(w.calls[TS_L1_BLOCK], calls); /* nothing to do, nothing asked */
    end(&w);
}

static void test_one_confirmation_and_finalized(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    give(&w, 1);
    run(&w, 15);
    expect_ok(&w, 1, 1);
    end(&w);
    begin(&w, 0);
    give(&w, 1);
    run(&w, 100);
    assert_int_equal(w.jobs[1].done, 0);
    w.l1.finalized = w.l1.height;
    run(&w, 3);
    expect_ok(&w, 1, 1);
    end(&w);
}

static void test_bounds(void **state)
{
    (void)state;
    struct world w;
    static uint8_t much[TS_L1_MAX_INPUT + 1];
    begin(&w, 1);
    for (uint64_t job = 1; job <= TS_L1_MAX_JOBS + 1; job++)
        give(&w, job);
    assert_int_equal(w.jobs[TS_L1_MAX_JOBS + 1].err, TS_E_BUSY);
    run(&w, 60);
    expect_ok(&w, 1, TS_L1_MAX_JOBS);
    step(&w, &(struct ts_l1_submit_input){
                 .kind = TS_L1_SUBMIT_JOB, .job = 30, .data = {much, sizeof(much)}});
    assert_int_equal(w.jobs[30].err, TS_E_LIMIT);
    end(&w);
}

static void test_bad_key(void **state)
{
    (void)state;
    struct ts_crypto *crypto = ts_crypto_secp256k1(NULL);
    struct ts_l1_submit_settings settings;
    struct ts_l1_submitter *s = NULL;
    const ts_secret none = {{0}};
    ts_l1_submit_settings_default(&settings);
    assert_int_equal(ts_l1_submitter_new(&settings, crypto, &none, &s), TS_E_KEY);
    assert_null(s);
    ts_l1_submitter_free(NULL);
    ts_crypto_free(crypto);
}

static void test_cancel(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    w.bad_method = TS_L1_ESTIMATE;
    w.bad_err = TS_E_TIMEOUT;
    w.bad_left = 1;
    give(&w, 1);
    give(&w, 2);
    run(&w, 2);
    cancel(&w, 1); /* while its estimate is asked for */
    assert_int_equal(w.jobs[1].err, TS_E_CLOSED);
    run(&w, 14);
    assert_int_equal(w.jobs[2].sent, 1);
    cancel(&w, 2); /* too late */
    cancel(&w, 99);
    run(&w, 40);
    expect_ok(&w, 2, 2);
    assert_int_equal(w.jobs[1].done, 1);
    assert_int_equal(fake_mined(&w.l1, 1), 0);
    end(&w);
}

/* ---- stuck ---- */

static void test_stuck_is_raised(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 2);
    w.l1.is_mining_stopped = true;
    give(&w, 1);
    give(&w, 2);
    run(&w, 200);
    assert_int_equal(count_events(&w, "l1-tx-stuck"), 3);
    assert_int_equal(w.jobs[1].sent, 4);
    assert_int_equal(w.jobs[2].sent, 1); /* it waits for the other, not for its fees */
    assert_int_equal(fake_queued(&w.l1), 2);
    w.l1.is_mining_stopped = false;
    run(&w, 40);
    expect_ok(&w, 1, 2);
    end(&w);
}

static void test_an_older_attempt_is_mined(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 2);
    w.l1.is_mining_stopped = true;
    give(&w, 1);
    run(&w, 130);
    assert_int_equal(w.jobs[1].sent, 3);
    assert_int_equal(w.l1.n_txs, 3);
    w.l1.txs[2].block = FAKE_GONE; /* another node had the first */
    w.l1.txs[0].block = FAKE_QUEUED;
    w.l1.is_mining_stopped = false;
    run(&w, 40);
    expect_ok(&w, 1, 1);
    assert_true(ts_hash_equal(&w.jobs[1].tx, &w.l1.txs[0].hash));
    end(&w);
}

static void test_a_forgetful_node(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    w.l1.is_mining_stopped = true;
    give(&w, 1);
    run(&w, 5);
    fake_forget(&w.l1);
    run(&w, 20); /* sooner than it counts as stuck */
    assert_int_equal(fake_queued(&w.l1), 1);
    assert_int_equal(w.l1.n_txs, 1);
    w.l1.is_mining_stopped = false;
    run(&w, 20);
    expect_ok(&w, 1, 1);
    end(&w);
}

/* ---- fees and funds ---- */

static void test_fee_cap(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    w.l1.base_fee = 2 * w.settings.max_fee;
    give(&w, 1);
    run(&w, 300);
    assert_int_equal(count_events(&w, "l1-fee-cap"), 1);
    assert_int_equal(w.l1.n_txs, 0);
    w.l1.base_fee = 1000000000;
    run(&w, 40);
    expect_ok(&w, 1, 1);
    end(&w);
}

static void test_a_spike_after_sending(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    give(&w, 1);
    run(&w, 3);
    w.l1.base_fee = 2 * w.settings.max_fee;
    run(&w, 600);
    assert_int_equal(w.l1.n_txs, 1);
    assert_int_equal(count_events(&w, "l1-fee-cap"), 1);
    w.l1.base_fee = w.settings.max_fee / 4;
    run(&w, 100);
    expect_ok(&w, 1, 1);
    for (size_t i = 0; i < w.l1.n_txs; i++)
        assert_true(w.l1.txs[i].fee <= w.settings.max_fee);
    end(&w);
}

static void test_never_above_the_cap(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    w.l1.is_mining_stopped = true;
    w.l1.tip = UINT64_MAX; /* a node that lies about the market */
    give(&w, 1);
    run(&w, 3);
    assert_true(w.l1.txs[0].tip <= 2000000000);
    run(&w, 8000);
    for (size_t i = 0; i < w.l1.n_txs; i++)
        assert_true(w.l1.txs[i].fee <= w.settings.max_fee);
    assert_true(w.l1.n_txs > 20 && w.l1.n_txs <= 64);
    w.l1.is_mining_stopped = false;
    run(&w, 30);
    expect_ok(&w, 1, 1);
    end(&w);
}

static void test_no_funds(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    w.l1.has_funds = false;
    give(&w, 1);
    run(&w, 300);
    assert_int_equal(count_events(&w, "l1-no-funds"), 1);
    cancel(&w, 1); /* it never left */
    assert_int_equal(w.jobs[1].err, TS_E_CLOSED);
    give(&w, 2);
    run(&w, 30);
    w.l1.has_funds = true;
    run(&w, 40);
    expect_ok(&w, 2, 2);
    assert_int_equal(w.l1.txs[0].nonce, 0);
    assert_true(w.l1.txs[0].fee < 4000000000); /* not raised for want of funds */
    end(&w);
}

/* ---- others who use the key ---- */

static void test_an_earlier_life_is_replaced(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    fake_foreign(&w.l1, 0, 20000000000, 3000000000);
    give(&w, 1);
    run(&w, 11);
    assert_int_equal(fake_queued(&w.l1), 1);
    run(&w, 20);
    expect_ok(&w, 1, 1);
    assert_int_equal(fake_mined(&w.l1, FAKE_FOREIGN), 0);
    assert_int_equal(w.n_events, 0);
    end(&w);
}

static void test_a_replaced_transaction(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 2);
    w.l1.is_mining_stopped = true;
    give(&w, 1);
    give(&w, 2);
    run(&w, 3);
    fake_foreign(&w.l1, 0, 90000000000, 50000000000); /* somebody else has the key too */
    w.l1.is_mining_stopped = false;
    run(&w, 13);
    assert_int_equal(fake_mined(&w.l1, FAKE_FOREIGN), 1);
    assert_int_equal(count_events(&w, "l1-tx-replaced"), 0); /* a reorg could give it back */
    run(&w, 60);
    assert_int_equal(count_events(&w, "l1-tx-replaced"), 1);
    expect_ok(&w, 1, 2);
    end(&w);
}

static void test_a_replaced_transaction_comes_back(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 3);
    w.l1.is_mining_stopped = true;
    give(&w, 1);
    run(&w, 3);
    fake_foreign(&w.l1, 0, 90000000000, 50000000000);
    w.l1.is_mining_stopped = false;
    run(&w, 22);
    assert_int_equal(fake_mined(&w.l1, FAKE_FOREIGN), 1);
    fake_reorg(&w.l1, 2, true); /* both are free again; the submitter's is still known */
    run(&w, 60);
    expect_ok(&w, 1, 1);
    assert_int_equal(count_events(&w, "l1-tx-replaced"), 0);
    end(&w);
}

static void test_nonce_used_before_the_first_look(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    for (uint64_t i = 0; i < 3; i++)
        fake_foreign(&w.l1, i, 90000000000, 50000000000);
    fake_mine(&w.l1);
    give(&w, 1);
    run(&w, 30);
    expect_ok(&w, 1, 1);
    assert_int_equal(w.l1.txs[3].nonce, 3);
    end(&w);
}

static void test_nonce_too_low(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    w.l1.refuses_send = "nonce too low";
    give(&w, 1);
    run(&w, 3);
    assert_int_equal(w.jobs[1].sent, 0);
    fake_foreign(&w.l1, 0, 90000000000, 50000000000);
    fake_mine(&w.l1);
    w.l1.refuses_send = NULL;
    run(&w, 30);
    expect_ok(&w, 1, 1);
    assert_int_equal(count_events(&w, "l1-tx-replaced"), 0); /* it was never sent */
    end(&w);
}

/* ---- reorgs ---- */

static void test_reorg(void **state)
{
    (void)state;
    for (int forgets = 0; forgets <= 1; forgets++) {
        struct world w;
        begin(&w, 4);
        give(&w, 1);
        give(&w, 2);
        run(&w, 14);
        assert_int_equal(fake_mined(&w.l1, 1), 1);
        w.l1.is_mining_stopped = true;
        fake_reorg(&w.l1, 1, forgets);
        run(&w, 3);
        assert_int_equal(count_events(&w, "l1-tx-reorged"), 2);
        assert_int_equal(fake_queued(&w.l1), 2);
        w.l1.is_mining_stopped = false;
        run(&w, 80);
        expect_ok(&w, 1, 2);
        end(&w);
    }
}

/* Deeper than the confirmations: what was told as done is gone, and the nonces after it hang. */
static void test_gap_after_a_deep_reorg(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    give(&w, 1);
    run(&w, 14);
    expect_ok(&w, 1, 1);
    fake_reorg(&w.l1, 1, true);
    give(&w, 2);
    run(&w, 30);
    assert_int_equal(w.jobs[2].done, 0);
    run(&w, 100);
    assert_int_equal(count_events(&w, "l1-nonce-gap"), 1);
    expect_ok(&w, 2, 2);
    assert_int_equal(fake_mined(&w.l1, 0), 1);
    assert_int_equal(ts_l1_submitter_jobs(w.s), 0);
    end(&w);
}

/* ---- a node in trouble ---- */

static void test_down(void **state)
{
    (void)state;
    static const ts_err errs[] = {TS_E_CLOSED, TS_E_TIMEOUT, TS_E_L1_NONSENSE};
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        begin(&w, 2);
        give(&w, 1);
        run(&w, 5);
        w.bad_method = 99;
        w.bad_err = errs[i];
        w.bad_left = 1000;
        give(&w, 2);
        run(&w, 600);
        assert_int_equal(count_events(&w, "l1-submit-down"), 1);
        assert_true(1000 - w.bad_left < 80); /* it does not hammer */
        fake_forget(&w.l1);
        w.bad_left = 0;
        run(&w, 70);
        assert_int_equal(count_events(&w, "l1-submit-up"), 1);
        expect_ok(&w, 1, 2);
        end(&w);
    }
}

static void test_every_call_fails_once(void **state)
{
    (void)state;
    static const ts_err errs[] = {TS_E_CLOSED, TS_E_TIMEOUT, TS_E_L1_NONSENSE, TS_E_L1_REFUSED};
    for (int method = TS_L1_CHAIN_ID; method <= TS_L1_SEND; method++) {
        for (size_t i = 0; i < 8; i++) {
            struct world w;
            begin(&w, 2);
            w.bad_method = method;
            w.bad_err = errs[i / 2];
            w.bad_after = i % 2 == 1;
            w.bad_left = 1;
            for (uint64_t job = 1; job <= 3; job++)
                give(&w, job);
            run(&w, 90);
            expect_ok(&w, 1, 3);
            end(&w);
        }
    }
}

static void test_wrong_chain(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    w.l1.chain_id = 1;
    run(&w, 60); /* said without a job too */
    assert_int_equal(count_events(&w, "l1-wrong-chain"), 1);
    give(&w, 1);
    run(&w, 200);
    assert_int_equal(count_events(&w, "l1-wrong-chain"), 1);
    assert_int_equal(w.calls[TS_L1_SEND] + w.calls[TS_L1_NONCE], 0);
    w.l1.chain_id = 31337;
    run(&w, 60);
    assert_int_equal(count_events(&w, "l1-submit-up"), 1);
    expect_ok(&w, 1, 1);
    end(&w);
}

static void test_a_refusal_nobody_knows(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    w.l1.refuses_send = "the moon is full";
    give(&w, 1);
    run(&w, 200);
    assert_int_equal(count_events(&w, "l1-tx-refused"), 1);
    w.l1.refuses_send = NULL;
    run(&w, 40);
    expect_ok(&w, 1, 1);
    end(&w);
}

static void test_never_taken(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    w.l1.refuses_send = "oversized data: transaction size 200000, limit 131072";
    give(&w, 1);
    run(&w, 5);
    assert_int_equal(w.jobs[1].err, TS_E_L1_REFUSED);
    w.l1.refuses_send = NULL;
    give(&w, 2);
    run(&w, 20);
    expect_ok(&w, 2, 2);
    assert_int_equal(w.l1.txs[0].nonce, 0); /* no gap is left */
    end(&w);
}

/* ---- reverts ---- */

static void test_reverts(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 2);
    w.l1.reverts_from = w.l1.reverts_to = 1;
    w.l1.fails_job = 2;
    give(&w, 1);
    run(&w, 2);
    assert_int_equal(w.jobs[1].err, TS_E_L1_REVERT);
    assert_string_equal(w.jobs[1].text, "the contract refuses: NotNext(2, 1)");
    give(&w, 2);
    run(&w, 40);
    assert_int_equal(w.jobs[2].err, TS_E_L1_REVERT);
    assert_string_equal(w.jobs[2].text, "the contract refused it in block 11");
    assert_int_equal(w.jobs[2].block, 11);
    end(&w);
}

/* Each needs the one before it: none is refused for being early. */
static void test_jobs_that_follow_each_other(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 3);
    w.l1.is_chained = true;
    for (uint64_t job = 1; job <= 4; job++)
        give(&w, job);
    run(&w, 120);
    expect_ok(&w, 1, 4);
    w.l1.reverts_from = w.l1.reverts_to = 6;
    give(&w, 5);
    give(&w, 6);
    run(&w, 60);
    expect_ok(&w, 5, 5);
    assert_int_equal(w.jobs[6].err, TS_E_L1_REVERT);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_several_in_one_block),
        cmocka_unit_test(test_one_confirmation_and_finalized),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_bad_key),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_stuck_is_raised),
        cmocka_unit_test(test_an_older_attempt_is_mined),
        cmocka_unit_test(test_a_forgetful_node),
        cmocka_unit_test(test_fee_cap),
        cmocka_unit_test(test_a_spike_after_sending),
        cmocka_unit_test(test_never_above_the_cap),
        cmocka_unit_test(test_no_funds),
        cmocka_unit_test(test_an_earlier_life_is_replaced),
        cmocka_unit_test(test_a_replaced_transaction),
        cmocka_unit_test(test_a_replaced_transaction_comes_back),
        cmocka_unit_test(test_nonce_used_before_the_first_look),
        cmocka_unit_test(test_nonce_too_low),
        cmocka_unit_test(test_reorg),
        cmocka_unit_test(test_gap_after_a_deep_reorg),
        cmocka_unit_test(test_down),
        cmocka_unit_test(test_every_call_fails_once),
        cmocka_unit_test(test_wrong_chain),
        cmocka_unit_test(test_a_refusal_nobody_knows),
        cmocka_unit_test(test_never_taken),
        cmocka_unit_test(test_reverts),
        cmocka_unit_test(test_jobs_that_follow_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
