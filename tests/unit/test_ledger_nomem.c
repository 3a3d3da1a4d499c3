/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger when memory runs out: each allocation fails once, and nothing is half done. */
#include "alloc_kit.h"
#include "ledger_kit.h"

static void opening_fails_cleanly(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    const uint64_t seed[2] = {1, 2};
    struct ts_engine *e = NULL;
    long n = 0;
    ts_err err = TS_E_NOMEM;
    for (; err == TS_E_NOMEM; n++) {
        alloc_count((size_t)n + 1);
        err = ts_ledger_engine.open(&k->genesis, k->crypto, seed, &e);
        alloc_counted();
        assert_true((err == TS_OK) == (e != NULL));
    }
    assert_int_equal(err, TS_OK);
    assert_true(n > 4);
    ts_ledger_engine.close(e);
    kit_close(k);
}

/* Executes all, finishes and commits, with each step tried again after it failed for memory. */
static unsigned batch_with_failures(struct kit *k, const ts_bytes *txs, size_t n, long every)
{
    unsigned failures = 0;
    ts_hash root;
    assert_int_equal(ts_ledger_engine.begin(k->engine, 1, 0), TS_OK);
    for (size_t i = 0; i <= n; i++) {
        long granted = 0;
        ts_err err = TS_E_NOMEM;
        while (err == TS_E_NOMEM) {
            struct ts_tx_result result = {.err = TS_OK};
            alloc_count((size_t)granted + 1);
            err = i < n ? ts_ledger_engine.execute(k->engine, txs[i], &result)
                        : ts_ledger_engine.finish(k->engine, &root);
            alloc_counted();
            assert_true(err == TS_OK || err == TS_E_NOMEM);
            assert_int_equal(result.err, TS_OK);
            failures += err != TS_OK;
            granted += every;
        }
    }
    alloc_count(1); /* the commit needs nothing */
    ts_ledger_engine.commit(k->engine);
    alloc_counted();
    return failures;
}

static void a_batch_survives_failures_and_commits_without_memory(void **state)
{
    (void)state;
    enum { COUNT = 800 }; /* more strangers than one chunk and one index hold */
    struct kit *k = kit_open();
    struct kit *other = kit_open();
    struct ts_buf b;
    size_t ends[COUNT];
    ts_bytes txs[COUNT];
    ts_buf_init(&b, 0);
    k->genesis.params.batch_gas_limit = other->genesis.params.batch_gas_limit = 1u << 30;
    for (uint32_t i = 0; i < COUNT; i++) {
        const ts_address stranger = kit_stranger(i);
        struct ts_tx tx = kit_transfer(k, i, &stranger, 1);
        kit_sign(k, 0, &tx, &b);
        ends[i] = b.n;
    }
    for (size_t i = 0; i < COUNT; i++) {
        size_t start = i > 0 ? ends[i - 1] : 0;
        txs[i] = ts_bytes_of(b.p + start, ends[i] - start);
    }
    assert_true(batch_with_failures(k, txs, COUNT, 1) > 5);
    const ts_hash expected = kit_batch(other->engine, txs, COUNT);
    const ts_hash root = kit_root(k->engine);
    assert_hash(&root, &expected);
    ts_buf_free(&b);
    kit_close(k);
    kit_close(other);
}

static void a_query_without_memory_answers_nothing(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    struct ts_buf out;
    ts_buf_init(&out, 0);
    alloc_count(1);
    ts_err err =
        ts_ledger_engine.query(k->engine, TS_QUERY_BALANCE, ts_bytes_of(k->people[0].b, 20), &out);
    alloc_counted();
    assert_int_equal(err, TS_E_NOMEM);
    assert_int_equal(out.n, 0);
    assert_int_equal(out.err, TS_OK);
    ts_buf_free(&out);
    kit_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_fails_cleanly),
        cmocka_unit_test(a_batch_survives_failures_and_commits_without_memory),
        cmocka_unit_test(a_query_without_memory_answers_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
