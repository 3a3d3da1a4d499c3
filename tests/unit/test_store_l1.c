/* SPDX-License-Identifier: Apache-2.0 */
/* What a store keeps of L1: headers and the way from a raw batch to the one of the block it names,
 * rollups, and leaving a line. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "chain/batch.h"
#include "shell/l1_lookup.h"
#include "testnet.h"

struct fixture {
    char dir[64], path[96];
    struct ts_store *store;
    struct ts_l1_lookup lookup;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    ts_hash genesis = {{7}};
    char why[256];
    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/tenseq-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/node.db", f->dir);
    assert_int_equal(ts_store_open(f->path, &genesis, "node", &f->store, why, sizeof(why)), TS_OK);
    ts_l1_lookup_init(&f->lookup, f->store);
    *state = f;
    return 0;
}

static void reopen(struct fixture *f)
{
    ts_hash genesis = {{7}};
    char why[256];
    ts_l1_lookup_free(&f->lookup);
    ts_store_close(f->store);
    assert_int_equal(ts_store_open(f->path, &genesis, "node", &f->store, why, sizeof(why)), TS_OK);
    ts_l1_lookup_init(&f->lookup, f->store);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    ts_l1_lookup_free(&f->lookup);
    ts_store_close(f->store);
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < TS_COUNT(ends); i++) {
        char name[128];
        (void)snprintf(name, sizeof(name), "%s%s", f->path, ends[i]);
        (void)unlink(name);
    }
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
}

static struct ts_buf batch_naming(uint64_t number, uint8_t first)
{
    struct ts_buf b;
    struct ts_batch batch = {.header = {.number = 1, .l1_number = number, .l1_hash = {{first}}}};
    ts_buf_init(&b, 0);
    ts_batch_put(&b, &batch);
    assert_int_equal(b.err, TS_OK);
    return b;
}

static void expect(struct fixture *f, uint64_t number, uint8_t first, const char *header)
{
    struct ts_buf raw = batch_naming(number, first);
    ts_bytes got = ts_bytes_of("x", 1);
    assert_int_equal(ts_l1_lookup(&f->lookup, ts_buf_bytes(&raw), &got), TS_OK);
    assert_int_equal(got.n, strlen(header));
    if (got.n > 0)
        assert_memory_equal(got.p, header, got.n);
    ts_buf_free(&raw);
}

static void put(struct fixture *f, uint64_t number, uint8_t first, const char *header)
{
    struct ts_store_op op = {.kind = TS_OP_PUT_L1,
                             .number = number,
                             .hash = {{first}},
                             .data = ts_bytes_of(header, strlen(header))};
    assert_int_equal(ts_store_apply(f->store, &op, 1), TS_OK);
}

/* ---- the store ---- */

/* NULL: none is there. */
static void expect_kept(struct fixture *f, uint64_t number, uint8_t first, const char *header)
{
    struct ts_buf b;
    ts_hash h = {{first}};
    ts_buf_init(&b, 0);
    ts_err err = ts_store_l1_header(f->store, number, &h, &b);
    assert_int_equal(err, header != NULL ? TS_OK : TS_E_NOT_FOUND);
    assert_int_equal(b.n, header != NULL ? strlen(header) : 0);
    if (header != NULL)
        assert_memory_equal(b.p, header, b.n);
    ts_buf_free(&b);
}

/* Two blocks of one number are two: L1 may go back. */
static void headers_are_kept_once(void **state)
{
    struct fixture *f = *state;
    put(f, 0, 5, "zero"); /* a devnet's first block */
    put(f, 0, 5, "again");
    put(f, 9, 5, "nine");
    put(f, 9, 6, "other nine");
    reopen(f);
    expect_kept(f, 0, 5, "zero");
    expect_kept(f, 9, 5, "nine");
    expect_kept(f, 9, 6, "other nine");
    expect_kept(f, 9, 7, NULL);
    expect_kept(f, 8, 5, NULL);
    expect_kept(f, UINT64_MAX, 5, NULL);
    struct ts_store_op op = {.kind = TS_OP_PUT_L1, .number = UINT64_MAX};
    assert_int_equal(ts_store_apply(f->store, &op, 1), TS_E_RANGE);
}

/* The header belongs to the step of its batch: when that fails it is not there either. */
static void a_header_of_a_failed_step_is_not_kept(void **state)
{
    struct fixture *f = *state;
    struct ts_store_op ops[] = {
        {.kind = TS_OP_PUT_L1, .number = 3, .hash = {{5}}, .data = ts_bytes_of("three", 5)},
        {.kind = TS_OP_SET_STATUS, .number = 1, .hash = {{9}}, .status = TS_BATCH_COMMITTED}};
    assert_int_equal(ts_store_apply(f->store, ops, 2), TS_E_NOT_FOUND);
    expect_kept(f, 3, 5, NULL);
}

struct rollups_seen {
    char text[200];
    size_t n, stop_after;
};

static bool see_rollup(void *ctx, uint64_t first, uint64_t last, ts_bytes data)
{
    struct rollups_seen *s = ctx;
    size_t used = strlen(s->text);
    (void)snprintf(s->text + used, sizeof(s->text) - used, "%llu-%llu:%.*s ",
                   (unsigned long long)first, (unsigned long long)last, (int)data.n,
                   (const char *)data.p);
    return ++s->n != s->stop_after;
}

static void expect_rollups(struct fixture *f, uint64_t from, uint64_t count, const char *want)
{
    struct rollups_seen s = {.text = ""};
    assert_int_equal(ts_store_rollups(f->store, from, count, see_rollup, &s), TS_OK);
    assert_string_equal(s.text, want);
}

static void put_rollup(struct fixture *f, uint64_t first, uint64_t last, const char *data)
{
    struct ts_store_op op = {.kind = TS_OP_PUT_ROLLUP,
                             .seq = first,
                             .number = last,
                             .data = ts_bytes_of(data, strlen(data))};
    assert_int_equal(ts_store_apply(f->store, &op, 1), TS_OK);
}

static void rollups_come_back_by_their_batches(void **state)
{
    struct fixture *f = *state;
    expect_rollups(f, 0, UINT64_MAX, "");
    put_rollup(f, 11, 20, "two");
    put_rollup(f, 1, 10, "one");
    put_rollup(f, 21, 30, "three");
    put_rollup(f, 11, 20, "second");
    reopen(f);
    expect_rollups(f, 0, UINT64_MAX, "1-10:one 11-20:second 21-30:three ");
    expect_rollups(f, 10, 1, "1-10:one ");
    expect_rollups(f, 11, 1, "11-20:second ");
    expect_rollups(f, 31, 9, "");
    expect_rollups(f, UINT64_MAX, 9, "");
    struct rollups_seen s = {.text = "", .stop_after = 2};
    assert_int_equal(ts_store_rollups(f->store, 1, 9, see_rollup, &s), TS_OK);
    assert_int_equal(s.n, 2);
    struct ts_store_op drop = {.kind = TS_OP_DROP_ROLLUPS, .number = 11};
    assert_int_equal(ts_store_apply(f->store, &drop, 1), TS_OK);
    assert_int_equal(ts_store_apply(f->store, &drop, 1), TS_OK);
    reopen(f);
    expect_rollups(f, 0, UINT64_MAX, "1-10:one ");
}

/* ---- two lines ---- */

static ts_hash hash_n(uint64_t n)
{
    ts_hash h = {{0xaa}};
    memcpy(h.b + 8, &n, sizeof(n));
    return h;
}

static struct ts_store_op batch_op(uint64_t number, uint64_t id, const char *raw)
{
    return (struct ts_store_op){.kind = TS_OP_PUT_BATCH,
                                .number = number,
                                .hash = hash_n(id),
                                .status = TS_BATCH_COMMITTED,
                                .data = ts_bytes_of(raw, strlen(raw))};
}

static ts_err apply1(struct fixture *f, struct ts_store_op op)
{
    return ts_store_apply(f->store, &op, 1);
}

static bool count_batch(void *ctx, const struct ts_store_batch *b)
{
    *(size_t *)ctx += b->raw.n > 0;
    return true;
}

/* Another line takes the place of batches that were committed; those stay, and may come back. */
static void a_line_can_be_left(void **state)
{
    struct fixture *f = *state;
    size_t committed = 0, discarded = 0;
    uint64_t number = 0;
    ts_hash hash, tx = hash_n(1003);
    for (uint64_t n = 1; n <= 5; n++) {
        struct ts_store_op op = batch_op(n, n, "old");
        ts_hash in_it = hash_n(1000 + n);
        op.tx_hashes = &in_it;
        op.n_tx_hashes = 1;
        assert_int_equal(apply1(f, op), TS_OK);
    }
    struct ts_store_op leave = {.kind = TS_OP_DISCARD, .number = 3};
    struct ts_store_op ops[] = {
        leave, {.kind = TS_OP_PUT_META, .key = "line", .data = ts_bytes_of("rollup", 6)}};
    assert_int_equal(ts_store_apply(f->store, ops, 2), TS_OK);
    assert_int_equal(ts_store_head(f->store, &number, &hash), TS_OK);
    assert_int_equal(number, 2);
    assert_int_equal(ts_store_committed(f->store, 1, 9, count_batch, &committed), TS_OK);
    assert_int_equal(ts_store_discarded(f->store, 1, count_batch, &discarded), TS_OK);
    assert_int_equal(committed, 2);
    assert_int_equal(discarded, 3);
    uint64_t at = 0;
    assert_int_equal(ts_store_find_tx(f->store, &tx, &number, &at), TS_E_NOT_FOUND);
    assert_int_equal(apply1(f, batch_op(3, 33, "new")), TS_OK);
    assert_int_equal(apply1(f, leave), TS_OK); /* and back again */
    struct ts_store_op again = batch_op(3, 3, "old");
    again.tx_hashes = &tx;
    again.n_tx_hashes = 1;
    assert_int_equal(apply1(f, again), TS_OK);
    assert_int_equal(ts_store_find_tx(f->store, &tx, &number, &at), TS_OK);
    assert_int_equal(number, 3);
    leave.number = UINT64_MAX;
    assert_int_equal(apply1(f, leave), TS_E_RANGE);
}

/* ---- the lookup ---- */

static void the_header_of_the_named_block_is_found(void **state)
{
    struct fixture *f = *state;
    expect(f, 5, 1, "");
    put(f, 5, 1, "five");
    put(f, 5, 2, "five on another line");
    put(f, 6, 3, "six");
    expect(f, 5, 1, "five"); /* that it was not there is not remembered */
    expect(f, 5, 1, "five");
    expect(f, 5, 2, "five on another line");
    expect(f, 6, 3, "six");
    expect(f, 7, 4, "");
    expect(f, 6, 3, "six");
}

/* Zeros name no block, as without L1. */
static void without_l1_nothing_is_read(void **state)
{
    struct fixture *f = *state;
    put(f, 0, 0, "nobody's");
    expect(f, 0, 0, "");
}

static void a_batch_that_is_none_is_an_error(void **state)
{
    struct fixture *f = *state;
    ts_bytes got = ts_bytes_of("x", 1);
    assert_int_not_equal(ts_l1_lookup(&f->lookup, ts_bytes_of("\xc1\x80", 2), &got), TS_OK);
    assert_int_equal(got.n, 0);
    assert_int_not_equal(ts_l1_lookup(&f->lookup, (ts_bytes){0}, &got), TS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(headers_are_kept_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_header_of_a_failed_step_is_not_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(rollups_come_back_by_their_batches, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_can_be_left, setup, teardown),
        cmocka_unit_test_setup_teardown(the_header_of_the_named_block_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(without_l1_nothing_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_batch_that_is_none_is_an_error, setup, teardown),
    };
    return cmocka_run_group_tests_name("store_l1", tests, NULL, NULL);
}
