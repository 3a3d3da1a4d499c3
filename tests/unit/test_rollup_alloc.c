/* SPDX-License-Identifier: Apache-2.0 */
/* Rollups when memory runs out: each allocation of ours fails once, and nothing is half done. */
#include "alloc_kit.h"
#include "chain/rollup.h"
#include "ledger_kit.h"

#include <string.h>

#define BATCHES 40

struct some {
    struct kit *k;
    struct ts_buf bytes;
    ts_bytes txs[3];
    struct ts_rollup_batch b[BATCHES];
};

static void open_some(struct some *s)
{
    static const uint8_t junk[50] = {1, 2, 3};
    memset(s, 0, sizeof(*s));
    s->k = kit_open();
    ts_buf_init(&s->bytes, 0);
    struct ts_tx tx = kit_transfer(s->k, 3, &s->k->people[1], 1000);
    s->txs[0] = kit_sign(s->k, 0, &tx, &s->bytes);
    s->txs[1] = s->txs[0];
    s->txs[2] = ts_bytes_of(junk, sizeof(junk));
    for (size_t i = 0; i < BATCHES; i++)
        s->b[i] = (struct ts_rollup_batch){
            .time = 5000 + 7 * i * i, .producer = s->k->people[i % 3], .l1_number = i * i};
    s->b[4].txs = s->txs;
    s->b[4].n_txs = 3;
}

static void close_some(struct some *s)
{
    ts_buf_free(&s->bytes);
    kit_close(s->k);
}

static void encoding_fails_cleanly(void **state)
{
    (void)state;
    struct some s;
    struct ts_buf out;
    ts_err err = TS_E_NOMEM;
    size_t n = 0;
    open_some(&s);
    ts_buf_init(&out, 0);
    ts_buf_put(&out, "held", 4);
    for (; err == TS_E_NOMEM; n++) {
        out.err = TS_OK;
        alloc_count(n + 1);
        err = ts_rollup_encode(s.b, BATCHES, TS_ROLLUP_MAX_DATA, &out, NULL);
        alloc_counted();
        if (err != TS_OK)
            assert_int_equal(out.n, 4);
    }
    assert_int_equal(err, TS_OK);
    assert_true(n > 10);
    assert_memory_equal(out.p, "held", 4);
    assert_true(out.n > 100);
    ts_buf_free(&out);
    close_some(&s);
}

static void decoding_fails_cleanly(void **state)
{
    (void)state;
    struct some s;
    struct ts_buf data;
    struct ts_rollup_batch *got = NULL;
    ts_err err = TS_E_NOMEM;
    size_t n = 0;
    open_some(&s);
    ts_buf_init(&data, 0);
    assert_int_equal(ts_rollup_encode(s.b, BATCHES, TS_ROLLUP_MAX_DATA, &data, NULL), TS_OK);
    for (; err == TS_E_NOMEM; n++) {
        struct ts_arena arena;
        ts_arena_init(&arena, TS_ROLLUP_ARENA);
        got = NULL;
        alloc_count(n + 1);
        err = ts_rollup_decode(ts_buf_bytes(&data), BATCHES, &arena, &got);
        alloc_counted();
        assert_true((err == TS_OK) == (got != NULL));
        if (err == TS_OK)
            assert_true(ts_bytes_equal(got[4].txs[2], s.txs[2]));
        ts_arena_free(&arena);
    }
    assert_int_equal(err, TS_OK);
    assert_true(n > 2);
    ts_buf_free(&data);
    close_some(&s);
}

/* An arena that is too small is as good as none. */
static void a_small_arena_is_an_error(void **state)
{
    (void)state;
    struct some s;
    struct ts_buf data;
    struct ts_rollup_batch *got = NULL;
    open_some(&s);
    ts_buf_init(&data, 0);
    assert_int_equal(ts_rollup_encode(s.b, BATCHES, TS_ROLLUP_MAX_DATA, &data, NULL), TS_OK);
    for (size_t max = 1; max < 2000; max += 97) {
        struct ts_arena arena;
        ts_arena_init(&arena, max);
        assert_int_equal(ts_rollup_decode(ts_buf_bytes(&data), BATCHES, &arena, &got), TS_E_NOMEM);
        ts_arena_free(&arena);
    }
    ts_buf_free(&data);
    close_some(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoding_fails_cleanly),
        cmocka_unit_test(decoding_fails_cleanly),
        cmocka_unit_test(a_small_arena_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
