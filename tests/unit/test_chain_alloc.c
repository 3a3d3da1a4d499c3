/* SPDX-License-Identifier: Apache-2.0 */
/* Memory: a steady batch takes none, and when there is none nothing is half done. Linked with
 * malloc, calloc and realloc wrapped. */
#include "alloc_kit.h"
#include "chain/batch.h"
#include "chain/snapshot.h"
#include "refused.h"

static void decode(struct testnet *net, struct tn_draft *d, struct ts_arena *arena,
                   struct ts_batch *b)
{
    tn_seal(net, d);
    assert_int_equal(ts_batch_decode(ts_buf_bytes(&d->raw), TS_MAX_BATCH_BYTES, arena, b), TS_OK);
}

static void steady_batches_take_no_memory(void **state)
{
    (void)state;
    struct testnet *net = tn_running(5);
    struct ts_arena arena;
    struct ts_batch b;
    struct ts_chain chain;
    struct ts_effect *e = ts_effect_new();
    tn_fold(net, 1, &chain);
    for (int i = 0; i < 5; i++) {
        struct tn_draft *d = tn_draft(net, 0);
        ts_arena_init(&arena, 0);
        decode(net, d, &arena, &b);
        alloc_count(0);
        assert_int_equal(ts_batch_check(&chain, &b, NULL, e, NULL), TS_OK);
        assert_int_equal(ts_chain_apply(&chain, e), TS_OK);
        size_t asked = alloc_counted();
        assert_true(asked == 0 || i == 0); /* the effect grows once */
        tn_publish(net, d);
        ts_arena_free(&arena);
    }
    ts_effect_free(e);
    ts_chain_free(&chain);
    tn_free(net);
}

/* A batch that needs memory for all there is: new enclaves, new boots of old and new ones, a
 * notice. */
static struct tn_draft *hungry_draft(struct testnet *net)
{
    for (size_t i = 3; i < 8; i++) {
        tn_whitelist_add(net, i);
        tn_boot(net, i);
    }
    tn_crash(net, 1);
    tn_boot(net, 1);
    return tn_draft(net, 0);
}

static ts_err check_and_apply(struct ts_chain *chain, const struct ts_batch *b)
{
    struct ts_effect *e = ts_effect_new();
    if (e == NULL)
        return TS_E_NOMEM;
    ts_err err = ts_batch_check(chain, b, NULL, e, NULL);
    if (err == TS_OK)
        err = ts_chain_apply(chain, e);
    ts_effect_free(e);
    return err;
}

static void nothing_is_half_done(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = 8, .whitelisted = 3});
    struct ts_arena arena;
    struct ts_batch b;
    struct ts_chain chain;
    tn_start(net);
    tn_run(net, 2);
    tn_fold(net, 3, &chain);
    ts_arena_init(&arena, 0);
    decode(net, hungry_draft(net), &arena, &b);
    size_t nth = 1;
    for (;; nth++) {
        alloc_count(nth);
        ts_err err = check_and_apply(&chain, &b);
        alloc_counted();
        if (err == TS_OK)
            break;
        assert_int_equal(err, TS_E_NOMEM);
        assert_true(tn_chain_equal(&chain, &net->chain));
    }
    assert_true(nth > 8);
    assert_int_equal(chain.head.number, 4);
    assert_int_equal(chain.registry.n, 8);
    ts_chain_free(&chain);
    ts_arena_free(&arena);
    tn_free(net);
}

static void snapshots(void **state)
{
    (void)state;
    struct testnet *net = tn_running(8);
    struct ts_chain back;
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_chain_snapshot_put(&b, &net->chain);
    size_t nth = 1;
    for (;; nth++) {
        struct ts_reader r = ts_reader_of(ts_buf_bytes(&b));
        alloc_count(nth);
        ts_err err = ts_chain_snapshot_read(&r, &net->genesis, net->crypto, &back);
        alloc_counted();
        if (err == TS_OK)
            break;
        assert_int_equal(err, TS_E_NOMEM);
        assert_null(back.registry.entries);
    }
    assert_true(nth > 8);
    assert_true(tn_chain_equal(&back, &net->chain));
    ts_chain_free(&back);
    ts_buf_free(&b);
    tn_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steady_batches_take_no_memory),
        cmocka_unit_test(nothing_is_half_done),
        cmocka_unit_test(snapshots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
