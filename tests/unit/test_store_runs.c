/* SPDX-License-Identifier: Apache-2.0 */
/* The index of transactions in SQLite: its runs, their merging, and that nothing is lost on the
 * way, whenever the program ends. With small runs, so that a few thousand entries fill several
 * levels. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "store/sqlite.h"
#include "store/writer.h"

#define RUN  64 /* entries in a full run */
#define EACH 64 /* transactions in a batch: each fills a run */

struct fixture {
    char dir[64];
    char path[96];
    struct ts_store *store;
    uint64_t batches;
    ts_hash txs[EACH];
    uv_loop_t loop;
    size_t reported;
};

/* Of transaction i of batch n: spread evenly, as hashes are. */
static ts_hash tx_hash(uint64_t n, uint64_t i)
{
    uint64_t z = n * 1000 + i;
    ts_hash h;
    for (size_t k = 0; k < 4; k++) {
        z += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
        uint64_t y = z;
        y = (y ^ (y >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        y = (y ^ (y >> 27)) * UINT64_C(0x94d049bb133111eb);
        y ^= y >> 31;
        memcpy(h.b + 8 * k, &y, sizeof(y));
    }
    return h;
}

static void open_it(struct fixture *f)
{
    char why[256];
    ts_hash genesis = {{1}};
    ts_err err = ts_store_open(f->path, &genesis, "host", &f->store, why, sizeof(why));
    if (err != TS_OK)
        fail_msg("%s", why);
    f->store->index.run = RUN;
}

static void reopen(struct fixture *f)
{
    ts_store_close(f->store);
    open_it(f);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return 1;
    /* Thousands of flushes: in memory, where there is such a place. */
    (void)snprintf(f->dir, sizeof(f->dir), "/dev/shm/tenseq-runs-XXXXXX");
    if (mkdtemp(f->dir) == NULL) {
        (void)snprintf(f->dir, sizeof(f->dir), "/tmp/tenseq-runs-XXXXXX");
        assert_non_null(mkdtemp(f->dir));
    }
    (void)snprintf(f->path, sizeof(f->path), "%s/db", f->dir);
    open_it(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    ts_store_close(f->store);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
}

static struct ts_store_op batch(struct fixture *f, uint64_t number)
{
    for (uint64_t i = 0; i < EACH; i++)
        f->txs[i] = tx_hash(number, i);
    struct ts_store_op op = {.kind = TS_OP_PUT_BATCH,
                             .number = number,
                             .status = TS_BATCH_COMMITTED,
                             .data = ts_bytes_of("raw", 3),
                             .tx_hashes = f->txs,
                             .n_tx_hashes = EACH};
    memcpy(op.hash.b, &number, sizeof(number));
    return op;
}

static void add(struct fixture *f)
{
    struct ts_store_op op = batch(f, ++f->batches);
    assert_int_equal(ts_store_apply(f->store, &op, 1), TS_OK);
}

static void expect(struct fixture *f, uint64_t n, uint64_t i)
{
    ts_hash h = tx_hash(n, i);
    uint64_t number = 0;
    uint64_t index = 0;
    if (ts_store_find_tx(f->store, &h, &number, &index) != TS_OK || number != n || index != i)
        fail_msg("transaction %u of batch %u of %u is lost", (unsigned)i, (unsigned)n,
                 (unsigned)f->batches);
}

/* Every step-th transaction, and none that is not there. */
static void expect_each(struct fixture *f, uint64_t step)
{
    for (uint64_t at = 0; at < f->batches * EACH; at += step)
        expect(f, 1 + at / EACH, at % EACH);
    ts_hash h = tx_hash(f->batches + 1, 0);
    uint64_t number = 0;
    assert_int_equal(ts_store_find_tx(f->store, &h, &number, &number), TS_E_NOT_FOUND);
}

static void expect_all(struct fixture *f)
{
    expect_each(f, 1);
}

/* Runs that are searched. */
static size_t runs(const struct fixture *f)
{
    size_t n = 0;
    for (size_t i = 0; i < TS_SQLITE_LEVELS; i++)
        n += f->store->index.levels[i].last + 1 - f->store->index.levels[i].first;
    return n;
}

static sqlite3_int64 entries(const struct fixture *f)
{
    sqlite3_stmt *st = NULL;
    assert_int_equal(sqlite3_prepare_v2(f->store->read, "SELECT count(*) FROM tx", -1, &st, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    sqlite3_int64 n = sqlite3_column_int64(st, 0);
    (void)sqlite3_finalize(st);
    return n;
}

static void tidy_all(struct fixture *f)
{
    while (ts_store_is_untidy(f->store))
        assert_int_equal(ts_store_tidy(f->store), TS_OK);
}

static void merging_keeps_all_and_leaves_few_runs(void **state)
{
    struct fixture *f = *state;
    while (f->batches < 300) {
        add(f);
        tidy_all(f);
        assert_true(runs(f) < 3 * TS_SQLITE_FAN);
    }
    expect_all(f);
    assert_int_equal(entries(f), 300 * EACH);
    assert_true(f->store->index.levels[2].last >= 1); /* it came to two merges on top of another */
    reopen(f);
    expect_all(f);
    assert_true(runs(f) < 3 * TS_SQLITE_FAN);
}

/* Whatever slice was the last one before the end, all is found, and the merge goes on. */
static void a_merge_that_was_cut_off_goes_on(void **state)
{
    struct fixture *f = *state;
    while (f->batches < 300)
        add(f);
    assert_true(runs(f) > 200); /* nothing was tidied yet */
    expect_each(f, 101);
    size_t slices = 0;
    while (ts_store_is_untidy(f->store)) {
        assert_int_equal(ts_store_tidy(f->store), TS_OK);
        if (slices % 23 == 0) {
            reopen(f);
            expect(f, 1 + slices % f->batches, slices % EACH);
        }
        if (slices % 64 == 0)
            expect_each(f, 37);
        slices++;
    }
    assert_true(slices > 50);
    expect_all(f);
    assert_int_equal(entries(f), 300 * EACH);
    /* And new ones come in after it. */
    add(f);
    expect_all(f);
}

static void steps_between_slices_do_no_harm(void **state)
{
    struct fixture *f = *state;
    while (f->batches < 400) {
        add(f);
        if (f->batches % 3 != 0)
            assert_int_equal(ts_store_tidy(f->store), TS_OK);
        if (f->batches % 97 == 0)
            reopen(f);
    }
    expect_each(f, 37);
    tidy_all(f);
    expect_all(f);
    assert_int_equal(entries(f), 400 * EACH);
}

/* ---- with the writer's thread ------------------------------------------------------------------
 */

static void on_done(void *ctx, uint64_t token, ts_err err, const char *why, uint64_t us)
{
    struct fixture *f = ctx;
    (void)why;
    (void)us;
    assert_int_equal(err, TS_OK);
    assert_int_equal(token, f->batches);
    f->reported++;
}

/* One thread merges while this one finds. */
static void finding_goes_on_while_the_writer_merges(void **state)
{
    struct fixture *f = *state;
    struct ts_writer *w = NULL;
    const struct ts_writer_config c = {.store = f->store, .done = on_done, .ctx = f};
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(ts_writer_new(&f->loop, &c, &w), TS_OK);
    while (f->batches < 300) {
        struct ts_store_op op = batch(f, ++f->batches);
        assert_int_equal(ts_writer_submit(w, f->batches, &op, 1), TS_OK);
        while (f->reported < f->batches)
            (void)uv_run(&f->loop, UV_RUN_ONCE);
        for (uint64_t k = 1; k <= 20; k++)
            expect(f, 1 + (f->batches * 31 + k * 17) % f->batches, k);
    }
    assert_true(ts_writer_counters(w).tidied > 20);
    ts_writer_close(w);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    expect_all(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(merging_keeps_all_and_leaves_few_runs),
        T(a_merge_that_was_cut_off_goes_on),
        T(steps_between_slices_do_no_harm),
        T(finding_goes_on_while_the_writer_merges),
    };
#undef T
    return cmocka_run_group_tests_name("store_runs", tests, NULL, NULL);
}
