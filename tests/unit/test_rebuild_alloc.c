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

static ts_bytes rebuilt_of(struct world *w, const struct ts_batch *b)
{
    struct ts_buf out;
    ts_buf_init(&out, 0);
    size_t mark = ts_put_list(&out);
    ts_put_raw(&out, b->raw_header);
    ts_put_raw(&out, b->raw_txs);
    ts_put_list_end(&out, mark);
    ts_bytes kept = world_keep(w->k, ts_buf_bytes(&out));
    ts_buf_free(&out);
    return kept;
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
    struct ts_batch b = ek_decode(w.k, ek_batch(w.k, 1));
    ts_bytes rebuilt = rebuilt_of(&w, &b);
    ts_header_hash(&w.k->genesis.domain, &b.header, &hash);
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

struct cursor {
    ts_bytes left;
};

static ts_err get_bytes(void *ctx, void *p, size_t n)
{
    struct cursor *c = ctx;
    if (c->left.n < n)
        return TS_E_TRUNCATED;
    memcpy(p, c->left.p, n);
    c->left = ts_bytes_of(c->left.p + n, c->left.n - n);
    return TS_OK;
}

static ts_err put_bytes(void *ctx, const void *p, size_t n)
{
    ts_buf_put(ctx, p, n);
    return TS_OK;
}

/* Also a state that is not the head's, for which the engine is opened again. */
static void loading_fails_cleanly(void **state)
{
    (void)state;
    struct world w;
    struct ts_buf saved;
    const struct ts_sink sink = {.ctx = &saved, .write = put_bytes};
    world_open(&w);
    ts_buf_init(&saved, 0);
    assert_int_equal(ts_rebuild_rollup(w.rebuild, &w.rolled[0].rollup, w.rolled[0].data, NULL),
                     TS_OK);
    assert_int_equal(ts_rebuild_save(w.rebuild, &sink), TS_OK);
    for (unsigned is_bad = 0; is_bad < 2; is_bad++) {
        ts_err err = TS_E_NOMEM;
        saved.p[40 + 64 + 3] ^= (uint8_t)is_bad;
        for (size_t n = 0; err == TS_E_NOMEM; n++) {
            struct cursor c = {ts_buf_bytes(&saved)};
            const struct ts_source source = {.ctx = &c, .read = get_bytes};
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
