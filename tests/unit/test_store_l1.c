/* SPDX-License-Identifier: Apache-2.0 */
/* From a raw batch to the stored header of the L1 block it names. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "chain/batch.h"
#include "store/l1_lookup.h"
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
        cmocka_unit_test_setup_teardown(the_header_of_the_named_block_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(without_l1_nothing_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_batch_that_is_none_is_an_error, setup, teardown),
    };
    return cmocka_run_group_tests_name("store_l1", tests, NULL, NULL);
}
