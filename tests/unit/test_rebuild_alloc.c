/* SPDX-License-Identifier: Apache-2.0 */
/* The way back when memory runs out: each allocation of ours fails once, and nothing is half done.
 */
#include <string.h>

#include "alloc_kit.h"
#include "rebuild/ahead.h"
#include "rebuild/fold.h"
#include "rebuild_kit.h"

static void ahead_fails_cleanly(void **state)
{
    (void)state;
    struct world w;
    struct ts_ahead a;
    ts_err err = TS_E_NOMEM;
    size_t n = 0;
    world_open(&w);
    for (; err == TS_E_NOMEM; n++) {
        alloc_count(n + 1);
        err = ts_ahead_make(&w.k->genesis, w.k->crypto, &w.rolled[0].rollup, w.rolled[0].data, &a);
        (void)alloc_counted();
        if (err != TS_OK)
            assert_true(a.l1 == NULL && a.senders == NULL && a.n_l1 == 0 && a.n_senders == 0);
    }
    assert_int_equal(err, TS_OK);
    assert_true(n > 3);
    assert_int_equal(a.n_senders, 9);
    ts_ahead_free(&a);
    world_close(&w);
}

static void folding_fails_cleanly(void **state)
{
    (void)state;
    struct world w;
    char why[TS_FOLD_WHY];
    ts_err err = TS_E_NOMEM;
    ts_hash hash;
    size_t n = 0;
    world_open(&w);
    struct ts_fold f = {.genesis = &w.k->genesis, .crypto = w.k->crypto};
    const struct ts_fold before = f;
    ts_bytes rebuilt = world_rebuilt(&w, 1, &hash);
    for (; err == TS_E_NOMEM; n++) {
        assert_memory_equal(&f, &before, sizeof(f));
        alloc_count(n + 1);
        err = ts_fold_batch(&f, ek_batch(w.k, 1), rebuilt, &hash, why);
        (void)alloc_counted();
    }
    assert_int_equal(err, TS_OK);
    assert_true(n > 1);
    assert_int_equal(f.number, 1);
    world_close(&w);
}

/* Also a state that is not the head's, for which the engine is opened again. */
static void loading_fails_cleanly(void **state)
{
    (void)state;
    struct world w;
    struct ts_buf saved;
    world_open(&w);
    world_save(&w, &saved);
    for (unsigned is_bad = 0; is_bad < 2; is_bad++) {
        ts_err err = TS_E_NOMEM;
        saved.p[40 + 64 + 3] ^= (uint8_t)is_bad;
        for (size_t n = 0; err == TS_E_NOMEM; n++) {
            ts_bytes left = ts_buf_bytes(&saved);
            const struct ts_source source = world_source(&left);
            world_start(&w);
            alloc_count(n + 1);
            err = ts_rebuild_load(w.rebuild, &source);
            (void)alloc_counted();
            /* It is at its end, and not somewhere in between. */
            if (err == TS_E_NOMEM)
                assert_int_equal(
                    ts_rebuild_rollup(w.rebuild, &w.rolled[1].rollup, w.rolled[1].data, NULL),
                    TS_E_NOMEM);
        }
        assert_int_equal(err, is_bad ? TS_E_CORRUPT : TS_OK);
        assert_int_equal(ts_rebuild_head(w.rebuild)->number, is_bad ? 0 : 4);
    }
    ts_buf_free(&saved);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ahead_fails_cleanly),
        cmocka_unit_test(folding_fails_cleanly),
        cmocka_unit_test(loading_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
