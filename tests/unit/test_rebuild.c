/* SPDX-License-Identifier: Apache-2.0 */
/* A chain from its rollups alone is the chain, byte for byte; what is wrong is named. */
#include <string.h>

#include "base/check.h"
#include "rebuild_kit.h"

static ts_err give(struct world *w, const struct ts_msg_rolled *r)
{
    memset(&w->fault, 0, sizeof(w->fault));
    ts_err err = ts_rebuild_rollup(w->rebuild, &r->rollup, r->data, &w->fault);
    assert_int_equal(w->fault.code, err);
    return err;
}

#define assert_gives(w, r, err)                                                                    \
    assert_string_equal(ts_err_name((int)give((w), (r))), ts_err_name((int)(err)))
#define assert_says(w, text) assert_non_null(strstr((w)->fault.what, (text)))

static void the_chain_comes_back_byte_for_byte(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    const struct ts_head *head = ts_rebuild_head(w.rebuild);
    assert_true(ts_hash_equal(&head->hash, &w.k->genesis.hash));
    for (size_t i = 0; i < w.n_rolled; i++) {
        assert_gives(&w, &w.rolled[i], TS_OK);
        assert_int_equal(ts_rebuild_count(w.rebuild), i + 1);
        assert_int_equal(w.told, w.rolled[i].rollup.last_number);
    }
    assert_int_equal(head->number, 11);
    assert_memory_equal(head, &w.k->chain.head, sizeof(*head));
    world_close(&w);
}

static void a_rollup_that_is_not_the_next_changes_nothing(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    assert_gives(&w, &w.rolled[1], TS_E_OUT_OF_ORDER);
    assert_says(&w, "rollup 1 (batches 5 to 10): the next batch is 1");
    struct ts_msg_rolled r = w.rolled[0];
    r.rollup.last_number = 0;
    r = world_forge(&w, &r, 0);
    assert_gives(&w, &r, TS_E_RANGE);
    r.rollup.last_number = TS_ROLLUP_MAX_BATCHES + 1;
    assert_gives(&w, &r, TS_E_RANGE);
    r = w.rolled[0];
    r.rollup.first_parent_hash.b[0] ^= 1;
    assert_gives(&w, &r, TS_E_V1_LINKS);
    assert_gives(&w, &w.rolled[0], TS_OK);
    assert_gives(&w, &w.rolled[0], TS_E_OUT_OF_ORDER);
    assert_gives(&w, &w.rolled[1], TS_OK);
    assert_gives(&w, &w.rolled[2], TS_OK);
    world_close(&w);
}

static void who_signed_must_be_listed_and_the_data_his(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    w.listed = (ts_address){{0}};
    assert_gives(&w, &w.rolled[0], TS_E_NOT_WHITELISTED);
    assert_says(&w, "not on the whitelist at L1 block 61");
    w.listed = w.k->enclaves[1].id;
    struct ts_msg_rolled r = w.rolled[0];
    r.rollup.sig.b[64] = 9;
    assert_gives(&w, &r, TS_E_SIGNATURE);
    r = w.rolled[0];
    r.rollup.protocol_root.b[5] ^= 1; /* signed by whoever, but not by an enclave */
    ts_err err = give(&w, &r);
    assert_true(err == TS_E_NOT_WHITELISTED || err == TS_E_SIGNATURE);
    r = w.rolled[0];
    r.data.n--;
    assert_gives(&w, &r, TS_E_CORRUPT);
    r = world_forge(&w, &r, 0);
    assert_gives(&w, &r, TS_E_TRUNCATED);
    assert_says(&w, "do not decode");
    assert_gives(&w, &w.rolled[0], TS_OK);
    world_close(&w);
}

static void its_l1_block_must_be_the_one_on_l1(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    struct ts_msg_rolled r = w.rolled[0];
    r.rollup.l1_hash.b[9] ^= 1;
    r = world_forge(&w, &r, 0);
    assert_gives(&w, &r, TS_E_L1);
    r.rollup.l1_number = MAX_L1;
    r = world_forge(&w, &r, 0);
    assert_gives(&w, &r, TS_E_NOT_FOUND);
    w.l1_err = TS_E_TIMEOUT;
    assert_gives(&w, &w.rolled[0], TS_E_TIMEOUT);
    w.l1_err = TS_OK;
    w.list_err = TS_E_TIMEOUT;
    assert_gives(&w, &w.rolled[0], TS_E_TIMEOUT);
    w.list_err = TS_OK;
    assert_gives(&w, &w.rolled[0], TS_OK);
    world_close(&w);
}

/* Data of a listed enclave that lies; edit changes one batch. */
static struct ts_msg_rolled lie(struct world *w, void (*edit)(struct ts_rollup_batch *b))
{
    struct ts_msg_rolled r = w->rolled[0];
    struct ts_rollup_batch *b;
    struct ts_buf data;
    ts_buf_init(&data, 0);
    assert_int_equal(ts_rollup_decode(r.data, 4, &w->k->arena, &b), TS_OK);
    edit(b);
    assert_int_equal(ts_rollup_encode(b, 4, TS_ROLLUP_MAX_DATA, &data, NULL), TS_OK);
    r.data = world_keep(w->k, ts_buf_bytes(&data));
    ts_buf_free(&data);
    return world_forge(w, &r, 0);
}

static void leave_out_a_transaction(struct ts_rollup_batch *b)
{
    b[3].txs++;
    b[3].n_txs--;
}

static void swap_two_batches(struct ts_rollup_batch *b)
{
    const ts_bytes *txs = b[1].txs;
    b[1].txs = b[2].txs;
    b[2].txs = txs;
}

static void turn_time_back(struct ts_rollup_batch *b)
{
    b[2].time = b[1].time - 1;
}

static void turn_term_back(struct ts_rollup_batch *b)
{
    b[3].term--;
}

static void turn_l1_back(struct ts_rollup_batch *b)
{
    b[3].l1_number = 0;
}

static void name_another_producer(struct ts_rollup_batch *b)
{
    b[3].producer.b[0] ^= 1;
}

static void name_an_l1_block_to_come(struct ts_rollup_batch *b)
{
    b[3].l1_number = MAX_L1;
}

static void a_lie_is_named_and_ends_the_rebuild(void **state)
{
    (void)state;
    static const struct {
        void (*edit)(struct ts_rollup_batch *b);
        ts_err err;
        uint64_t batch;
        const char *says;
    } lies[] = {
        {leave_out_a_transaction, TS_E_CONFLICT, 4, "batch 4: its hash is not the lastHash"},
        {swap_two_batches, TS_E_EXECUTION, 2, "transaction 0 cannot stand there: nonce too high"},
        {turn_time_back, TS_E_V1_LINKS, 3, "batch 3: its time is before its parent's"},
        {turn_term_back, TS_E_V1_LINKS, 4, "batch 4: its term is below its parent's"},
        {turn_l1_back, TS_E_V1_LINKS, 4, "batch 4: its L1 block is before its parent's"},
        {name_another_producer, TS_E_CONFLICT, 4, "lastHash"},
        {name_an_l1_block_to_come, TS_E_NOT_FOUND, 4, "batch 4: its L1 block"},
    };
    struct world w;
    world_open(&w);
    for (size_t i = 0; i < TS_COUNT(lies); i++) {
        struct ts_msg_rolled r = lie(&w, lies[i].edit);
        world_start(&w);
        assert_gives(&w, &r, lies[i].err);
        assert_true(w.fault.has_batch);
        assert_int_equal(w.fault.batch, lies[i].batch);
        assert_int_equal(w.fault.rollup, 1);
        assert_says(&w, lies[i].says);
        assert_int_equal(w.told, 0); /* nothing of it came out */
        /* What was executed cannot be taken back. */
        assert_gives(&w, &w.rolled[0], lies[i].err);
        assert_says(&w, lies[i].says);
        assert_int_equal(ts_rebuild_head(w.rebuild)->number, 0);
    }
    world_close(&w);
}

static void who_takes_the_batches_can_stop_it(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    w.batch_err = TS_E_DISK_FULL;
    assert_gives(&w, &w.rolled[0], TS_E_DISK_FULL);
    assert_int_equal(w.told, 1);
    w.batch_err = TS_OK;
    assert_gives(&w, &w.rolled[0], TS_E_DISK_FULL);
    world_close(&w);
}

/* L1 was rolled back below a batch: its hash does not come out any more. */
static void another_l1_gives_another_hash(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    w.l1_hashes[1].b[0] ^= 1;
    assert_gives(&w, &w.rolled[0], TS_E_CONFLICT);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chain_comes_back_byte_for_byte),
        cmocka_unit_test(a_rollup_that_is_not_the_next_changes_nothing),
        cmocka_unit_test(who_signed_must_be_listed_and_the_data_his),
        cmocka_unit_test(its_l1_block_must_be_the_one_on_l1),
        cmocka_unit_test(a_lie_is_named_and_ends_the_rebuild),
        cmocka_unit_test(who_takes_the_batches_can_stop_it),
        cmocka_unit_test(another_l1_gives_another_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
