/* SPDX-License-Identifier: Apache-2.0 */
/* A chain from its rollups alone is the chain, byte for byte; what is wrong is named. */
#include "rebuild/rebuild.h"

#include <string.h>

#include "base/check.h"
#include "codec/schema.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"
#include "enclave_kit.h"

#define L1_CHAIN   31337u
#define MAX_L1     64
#define MAX_ROLLED 8

/* What L1 holds. */
struct world {
    struct ek *k;
    ts_bytes l1_headers[MAX_L1]; /* by number */
    ts_hash l1_hashes[MAX_L1];
    ts_address listed;
    struct ts_msg_rolled rolled[MAX_ROLLED];
    size_t n_rolled;
    struct ts_rebuild *rebuild;
    struct ts_rebuild_fault fault;
    size_t told;   /* batches that came out */
    ts_err l1_err; /* what the callbacks answer */
    ts_err list_err;
    ts_err batch_err;
};

static ts_bytes keep(struct ek *k, ts_bytes b)
{
    uint8_t *p = ts_arena_alloc(&k->arena, b.n);
    assert_non_null(p);
    memcpy(p, b.p, b.n);
    return ts_bytes_of(p, b.n);
}

static void make_l1(struct world *w)
{
    static const uint8_t filler[32];
    for (uint64_t number = 0; number < MAX_L1; number++) {
        struct ts_buf b;
        ts_buf_init(&b, 0);
        size_t mark = ts_put_list(&b);
        for (size_t i = 0; i < 8; i++)
            ts_put_bytes(&b, ts_bytes_of(filler, sizeof(filler)));
        ts_put_u64(&b, number);
        ts_put_u64(&b, 30000000);
        ts_put_u64(&b, 21000);
        ts_put_u64(&b, 990);
        ts_put_list_end(&b, mark);
        w->l1_headers[number] = keep(w->k, ts_buf_bytes(&b));
        ts_keccak256(ts_buf_bytes(&b), &w->l1_hashes[number]);
        ts_buf_free(&b);
    }
}

/* The header that a batch names, and the batch to whoever runs. */
static void publish(struct world *w, size_t producer, ts_bytes raw)
{
    struct ts_batch b = ek_decode(w->k, raw);
    ek_publish(w->k, raw);
    for (size_t i = 0; i < w->k->n; i++) {
        struct ts_msg m = {.type = TS_MSG_ACCEPT};
        m.u.accept = (struct ts_msg_accept){raw, w->l1_headers[b.header.l1_number]};
        if (i == producer || w->k->enclaves[i].core == NULL)
            continue;
        m = ek_ask(w->k, i, &m);
        assert_code(m, TS_OK);
    }
}

static void make_batch(struct world *w, size_t producer, uint64_t l1_number, ts_bytes *txs,
                       size_t n_txs)
{
    struct ts_msg req = ek_create_request(w->k, producer, EK_ALL);
    req.u.create.l1_number = l1_number;
    req.u.create.l1_hash = w->l1_hashes[l1_number];
    req.u.create.l1_header = w->l1_headers[l1_number];
    req.u.create.txs = txs;
    req.u.create.n_txs = n_txs;
    struct ts_msg m = ek_ask(w->k, producer, &req);
    assert_code(m, TS_OK);
    assert_int_equal(m.u.created.n_rejected, 0);
    publish(w, producer, m.u.created.batch);
}

static void roll(struct world *w, size_t signer, uint64_t first, uint64_t last, uint64_t l1_number)
{
    struct ts_msg req = ek_rollup_request(w->k, first, last, 0);
    req.u.rollup.l1_number = l1_number;
    req.u.rollup.l1_hash = w->l1_hashes[l1_number];
    req.u.rollup.l1_header = w->l1_headers[l1_number];
    struct ts_msg m = ek_ask(w->k, signer, &req);
    assert_code(m, TS_OK);
    struct ts_msg_rolled *r = &w->rolled[w->n_rolled++];
    *r = m.u.rolled;
    r->data = keep(w->k, r->data);
}

static ts_err l1_hash(void *ctx, uint64_t number, ts_hash *out)
{
    const struct world *w = ctx;
    if (w->l1_err != TS_OK || number >= MAX_L1)
        return w->l1_err != TS_OK ? w->l1_err : TS_E_NOT_FOUND;
    *out = w->l1_hashes[number];
    return TS_OK;
}

static ts_err is_listed(void *ctx, const struct ts_rollup *rollup, const ts_address *id, bool *out)
{
    const struct world *w = ctx;
    assert_true(rollup->last_number >= rollup->first_number);
    *out = ts_address_equal(id, &w->k->enclaves[0].id) || ts_address_equal(id, &w->listed);
    return w->list_err;
}

/* It is the batch that was published, to the byte. */
static ts_err on_batch(void *ctx, const struct ts_rebuilt *b)
{
    struct world *w = ctx;
    struct ts_batch was = ek_decode(w->k, ek_batch(w->k, ++w->told));
    struct ts_buf raw;
    ts_hash hash;
    ts_buf_init(&raw, 0);
    ts_schema_put(&raw, &ts_batch_header_type, b->header);
    assert_true(ts_bytes_equal(ts_buf_bytes(&raw), was.raw_header));
    ts_buf_reset(&raw);
    ts_txs_put(&raw, b->txs, b->n_txs);
    assert_true(ts_bytes_equal(ts_buf_bytes(&raw), was.raw_txs));
    ts_header_hash(&w->k->genesis.domain, &was.header, &hash);
    assert_true(ts_hash_equal(&hash, b->hash));
    ts_buf_free(&raw);
    return w->batch_err;
}

static void start_rebuild(struct world *w)
{
    const struct ts_rebuild_config c = {.genesis = &w->k->genesis,
                                        .crypto = w->k->crypto,
                                        .engine = &ts_ledger_engine,
                                        .seed = {1, 2},
                                        .ctx = w,
                                        .l1_hash = l1_hash,
                                        .is_listed = is_listed,
                                        .batch = on_batch};
    ts_rebuild_free(w->rebuild);
    w->told = 0;
    assert_int_equal(ts_rebuild_new(&c, &w->rebuild), TS_OK);
}

/* Eleven batches by two producers, with transfers, terms that change and L1 numbers that jump, in
 * three rollups of the two. */
static void world_open(struct world *w)
{
    struct ts_params params;
    ts_params_default(&params);
    params.base_fee = EK_BASE_FEE;
    *w = (struct world){.k = ek_open_with(2, 2, &params, L1_CHAIN)};
    struct ek *k = w->k;
    k->now = 1000000;
    make_l1(w);
    ek_start(k, 0);
    ek_start(k, 1);
    ek_promote(k, 0);
    ts_bytes txs[3];
    make_batch(w, 0, 1, NULL, 0);
    for (uint64_t n = 0; n < 4; n++) {
        txs[0] = ek_transfer(k, 0, n, 5);
        txs[1] = ek_transfer_to(k, 1, n, &k->person[0]);
        txs[2] = ek_transfer(k, 2, n, 1);
        make_batch(w, 0, 1 + n / 2, txs, 3);
    }
    ek_promote(k, 1);
    make_batch(w, 1, 40, NULL, 0);
    for (uint64_t n = 4; n < 7; n++) {
        txs[0] = ek_transfer(k, 0, n, 5);
        make_batch(w, 1, 40, txs, 1);
    }
    ek_promote(k, 0);
    make_batch(w, 0, 41, NULL, 0);
    make_batch(w, 0, 60, NULL, 0);
    w->listed = k->enclaves[1].id;
    roll(w, 1, 1, 4, 61);
    roll(w, 0, 5, 10, 60);
    roll(w, 1, 11, 11, 60);
    start_rebuild(w);
}

static void world_close(struct world *w)
{
    ts_rebuild_free(w->rebuild);
    ek_close(w->k);
}

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

/* Signs what no honest enclave would. */
static struct ts_msg_rolled forge(struct world *w, const struct ts_msg_rolled *from, size_t signer)
{
    struct ts_msg_rolled r = *from;
    ts_hash digest;
    ts_keccak256(r.data, &r.rollup.data_hash);
    ts_rollup_hash(&w->k->genesis.domain, &r.rollup, &digest);
    assert_int_equal(
        ts_sign(w->k->crypto, &w->k->enclaves[signer].identity, &digest, &r.rollup.sig), TS_OK);
    return r;
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
    r = forge(&w, &r, 0);
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
    r = forge(&w, &r, 0);
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
    r = forge(&w, &r, 0);
    assert_gives(&w, &r, TS_E_L1);
    r.rollup.l1_number = MAX_L1;
    r = forge(&w, &r, 0);
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
    r.data = keep(w->k, ts_buf_bytes(&data));
    ts_buf_free(&data);
    return forge(w, &r, 0);
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
        start_rebuild(&w);
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
