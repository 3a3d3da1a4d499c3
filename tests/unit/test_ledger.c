/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's batches and queries. */
#include "base/check.h"
#include "crypto/keccak.h"
#include "engine/info.h"
#include "ledger_kit.h"

#define FEE (21000ull * (KIT_BASE_FEE + 1)) /* of kit_transfer: base fee and tip */

static void assert_balance(struct kit *k, const ts_address *a, uint64_t expected)
{
    ts_u256 balance = kit_balance(k->engine, a);
    ts_u256 wanted = ts_u256_of(expected);
    assert_u256(&balance, &wanted);
}

static void send(struct kit *k, size_t person, const struct ts_tx *fields)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_bytes raw = kit_sign(k, person, fields, &b);
    kit_batch(k->engine, &raw, 1);
    ts_buf_free(&b);
}

static void a_transfer_moves_value_and_the_coinbase_gets_the_fee(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    struct ts_tx tx = kit_transfer(k, 0, &k->people[1], 1000);
    tx.gas = 50000; /* what is not used is not charged */
    send(k, 0, &tx);
    assert_balance(k, &k->people[0], KIT_FUNDS - 1000 - FEE);
    assert_balance(k, &k->people[1], KIT_FUNDS + 1000);
    assert_balance(k, &k->genesis.coinbase, FEE);
    assert_int_equal(kit_nonce(k->engine, &k->people[0]), 1);
    assert_int_equal(kit_nonce(k->engine, &k->people[1]), 0);
    kit_close(k);
}

static void the_price_is_capped_by_the_max_fee(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    struct ts_tx tx = kit_transfer(k, 0, &k->people[1], 0);
    tx.max_fee = ts_u256_of(KIT_BASE_FEE + 5);
    tx.max_priority = ts_u256_of(10);
    send(k, 0, &tx);
    assert_balance(k, &k->genesis.coinbase, 21000ull * (KIT_BASE_FEE + 5));
    /* A legacy transaction pays the price it names. */
    tx.type = TS_TX_LEGACY;
    tx.nonce = 1;
    tx.max_fee = ts_u256_of(KIT_BASE_FEE + 7);
    send(k, 0, &tx);
    assert_balance(k, &k->genesis.coinbase, 21000ull * (2ull * KIT_BASE_FEE + 12));
    kit_close(k);
}

static void sender_recipient_and_coinbase_may_be_one_account(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    struct ts_tx tx = kit_transfer(k, 0, &k->people[0], 1000);
    send(k, 0, &tx); /* to oneself */
    assert_balance(k, &k->people[0], KIT_FUNDS - FEE);
    assert_balance(k, &k->genesis.coinbase, FEE);

    tx = kit_transfer(k, 1, &k->genesis.coinbase, 1000);
    send(k, 0, &tx); /* to the coinbase */
    assert_balance(k, &k->people[0], KIT_FUNDS - 2 * FEE - 1000);
    assert_balance(k, &k->genesis.coinbase, 2 * FEE + 1000);

    k->genesis.coinbase = k->people[1];
    tx = kit_transfer(k, 0, &k->people[2], 1000);
    send(k, 1, &tx); /* from the coinbase */
    assert_balance(k, &k->people[1], KIT_FUNDS - 1000);
    assert_balance(k, &k->people[2], KIT_FUNDS + 1000);

    tx = kit_transfer(k, 1, &k->people[1], 1000);
    send(k, 1, &tx); /* all three */
    assert_balance(k, &k->people[1], KIT_FUNDS - 1000);
    assert_int_equal(kit_nonce(k->engine, &k->people[1]), 2);
    kit_close(k);
}

/* A batch sees its own transfers in order; nobody else does before the commit. */
static void a_batch_is_invisible_until_it_is_committed(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    const ts_hash before = kit_root(k->engine);
    struct ts_buf b;
    ts_hash root;
    ts_buf_init(&b, 0);
    for (int round = 0; round < 3; round++) { /* rolled back, rolled back after finish, committed */
        assert_int_equal(ts_ledger_engine.begin(k->engine, 1, 0), TS_OK);
        for (uint64_t nonce = 0; nonce < 2; nonce++) {
            struct ts_tx tx = kit_transfer(k, nonce, &k->people[1], 1000);
            ts_buf_reset(&b);
            assert_int_equal(kit_execute(k->engine, kit_sign(k, 0, &tx, &b)).err, TS_OK);
        }
        assert_balance(k, &k->people[1], KIT_FUNDS);
        assert_int_equal(kit_nonce(k->engine, &k->people[0]), 0);
        if (round > 0) {
            assert_int_equal(ts_ledger_engine.finish(k->engine, &root), TS_OK);
            assert_balance(k, &k->people[1], KIT_FUNDS);
        }
        const ts_hash now = kit_root(k->engine);
        assert_hash(&now, &before);
        if (round < 2)
            ts_ledger_engine.rollback(k->engine);
    }
    ts_ledger_engine.commit(k->engine);
    assert_balance(k, &k->people[1], KIT_FUNDS + 2000);
    assert_int_equal(kit_nonce(k->engine, &k->people[0]), 2);
    ts_buf_free(&b);
    kit_close(k);
}

static void a_batch_without_transactions_keeps_the_root(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    const ts_hash before = kit_root(k->engine);
    const ts_hash after = kit_batch(k->engine, NULL, 0);
    assert_hash(&before, &after);
    kit_close(k);
}

static void no_allocation_means_the_zero_root(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    const uint64_t seed[2] = {1, 2};
    struct ts_engine *e;
    const ts_hash zero = {{0}};
    k->genesis.n_alloc = 0;
    assert_int_equal(ts_ledger_engine.open(&k->genesis, k->crypto, seed, &e), TS_OK);
    const ts_hash root = kit_root(e);
    assert_hash(&root, &zero);
    ts_ledger_engine.close(e);
    kit_close(k);
}

static void a_bad_genesis_is_refused(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    const uint64_t seed[2] = {1, 2};
    struct ts_engine *e = NULL;
    const struct ts_alloc first = k->alloc[0];
    k->alloc[0] = k->alloc[1]; /* twice the same */
    assert_int_equal(ts_ledger_engine.open(&k->genesis, k->crypto, seed, &e), TS_E_RANGE);
    k->alloc[0] = first;
    memset(k->alloc[0].balance, 0xff, 32); /* the sum is above 2^256 */
    assert_int_equal(ts_ledger_engine.open(&k->genesis, k->crypto, seed, &e), TS_E_RANGE);
    assert_null(e);
    kit_close(k);
}

static ts_err execute_one(struct kit *k, size_t person, const struct ts_tx *fields)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    struct ts_tx_result result = kit_execute(k->engine, kit_sign(k, person, fields, &b));
    if (result.err == TS_OK)
        assert_true(result.gas_used >= 21000);
    ts_buf_free(&b);
    return result.err;
}

/* The gas limit counts for room, the gas used for what is left. */
static void a_transaction_without_room_is_deferred(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    struct ts_tx tx = kit_transfer(k, 0, &k->people[1], 1);
    assert_int_equal(ts_ledger_engine.begin(k->engine, 1, 0), TS_OK);
    tx.gas = KIT_LIMIT;
    assert_int_equal(execute_one(k, 0, &tx), TS_OK);
    tx.nonce = 1;
    tx.gas = KIT_LIMIT - 21000 + 1;
    assert_int_equal(execute_one(k, 0, &tx), TS_E_TX_DEFERRED);
    /* The nonce behind the deferred one waits with it; another sender's gap is a gap. */
    tx.nonce = 2;
    tx.gas = 21000;
    assert_int_equal(execute_one(k, 0, &tx), TS_E_TX_DEFERRED);
    assert_int_equal(execute_one(k, 1, &tx), TS_E_TX_NONCE_GAP);
    tx.nonce = 0;
    assert_int_equal(execute_one(k, 0, &tx), TS_E_TX_NONCE_LOW);
    assert_int_equal(execute_one(k, 1, &tx), TS_OK);
    tx.nonce = 1;
    tx.gas = KIT_LIMIT - 2 * 21000;
    assert_int_equal(execute_one(k, 0, &tx), TS_OK);
    ts_ledger_engine.rollback(k->engine);
    /* Nothing of this stays for the next batch. */
    assert_int_equal(ts_ledger_engine.begin(k->engine, 1, 0), TS_OK);
    tx.nonce = 2;
    tx.gas = 21000;
    assert_int_equal(execute_one(k, 0, &tx), TS_E_TX_NONCE_GAP);
    ts_ledger_engine.rollback(k->engine);
    kit_close(k);
}

static void a_full_batch_holds_as_much_gas_as_the_limit_says(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    uint64_t done = 0;
    struct ts_tx tx = kit_transfer(k, 0, &k->people[1], 1);
    assert_int_equal(ts_ledger_engine.begin(k->engine, 1, 0), TS_OK);
    for (; execute_one(k, 0, &tx) == TS_OK; tx.nonce++)
        done++;
    assert_int_equal(execute_one(k, 0, &tx), TS_E_TX_DEFERRED);
    assert_int_equal(done, KIT_LIMIT / 21000);
    ts_ledger_engine.rollback(k->engine);
    kit_close(k);
}

/* An account that holds nothing and has sent nothing is touched all the same. */
static void empty_accounts_are_in_the_root(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    const ts_address stranger = kit_stranger(1);
    struct ts_tx tx = kit_transfer(k, 0, &stranger, 0);
    struct ts_tx other = kit_transfer(k, 0, &k->people[0], 0);
    const uint64_t seed[2] = {9, 9};
    struct ts_engine *twin;
    struct ts_buf b;
    ts_hash root;
    ts_buf_init(&b, 0);
    assert_int_equal(ts_ledger_engine.open(&k->genesis, k->crypto, seed, &twin), TS_OK);
    send(k, 0, &tx);
    assert_int_equal(ts_ledger_engine.begin(twin, 1, 0), TS_OK);
    assert_int_equal(kit_execute(twin, kit_sign(k, 0, &other, &b)).err, TS_OK);
    assert_int_equal(ts_ledger_engine.finish(twin, &root), TS_OK);
    const ts_hash mine = kit_root(k->engine);
    assert_false(ts_hash_equal(&root, &mine));
    ts_ledger_engine.close(twin);
    ts_buf_free(&b);
    kit_close(k);
}

static ts_err query(struct kit *k, enum ts_query_kind kind, ts_bytes arg, struct ts_buf *out)
{
    ts_buf_reset(out);
    ts_buf_put(out, "before", 6);
    ts_err err = ts_ledger_engine.query(k->engine, kind, arg, out);
    assert_memory_equal(out->p, "before", 6);
    if (err != TS_OK)
        assert_int_equal(out->n, 6);
    assert_int_equal(out->err, TS_OK);
    return err;
}

static void an_info_tells_what_wallets_ask(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    static const uint8_t list[] = {0xd7, 0xd6, 0x94, [23] = 0xc0};
    struct ts_buf b;
    struct ts_buf out;
    struct ts_tx_info info;
    ts_hash hash;
    ts_buf_init(&b, 0);
    ts_buf_init(&out, 0);
    struct ts_tx tx = kit_transfer(k, 3, &k->people[1], 77);
    tx.access.raw = ts_bytes_of(list, sizeof(list));
    tx.data = ts_bytes_of("\0x", 2);
    tx.gas = 40000;
    ts_bytes raw = kit_sign(k, 2, &tx, &b);
    ts_keccak256(raw, &hash);
    assert_int_equal(query(k, TS_QUERY_TRANSACTION, raw, &out), TS_OK);
    struct ts_reader r = ts_reader_of(ts_bytes_of(out.p + 6, out.n - 6));
    ts_tx_info_read(&r, &info);
    assert_int_equal(ts_reader_done(&r), TS_OK);
    assert_hash(&info.hash, &hash);
    assert_int_equal(info.type, 2);
    assert_true(info.has_chain_id);
    assert_int_equal(info.chain_id, KIT_CHAIN);
    assert_int_equal(info.nonce, 3);
    assert_memory_equal(info.from.b, k->people[2].b, 20);
    assert_memory_equal(info.to.b, k->people[1].b, 20);
    assert_int_equal(info.value.w[0], 77);
    assert_int_equal(info.gas, 40000);
    assert_int_equal(info.gas_used, 21000 + 4 + 16 + 2400);
    assert_int_equal(info.gas_price.w[0], KIT_BASE_FEE + 1);
    assert_int_equal(info.effective_gas_price.w[0], KIT_BASE_FEE + 1);
    assert_int_equal(info.max_fee.w[0], 2ull * KIT_BASE_FEE);
    assert_int_equal(info.max_priority.w[0], 1);
    assert_true(ts_bytes_equal(info.data, tx.data));
    assert_true(ts_bytes_equal(info.access_list, tx.access.raw));
    assert_true(info.v <= 1);
    assert_false(ts_u256_is_zero(&info.r));
    assert_false(ts_u256_is_zero(&info.s));
    ts_buf_free(&b);
    ts_buf_free(&out);
    kit_close(k);
}

/* Of every kind, and none is much longer than its transaction. */
static void receipts_are_the_infos_of_a_batch(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    struct ts_buf arg;
    struct ts_buf out;
    struct ts_buf one;
    ts_buf_init(&arg, 0);
    ts_buf_init(&out, 0);
    ts_buf_init(&one, 0);
    size_t mark = ts_put_list(&arg);
    for (int type = 0; type < 3; type++) {
        struct ts_tx tx = kit_transfer(k, (uint64_t)type, &k->people[1], 5);
        tx.type = (enum ts_tx_type)type;
        tx.max_fee = (ts_u256){.w = {1, 2, 3, 4}};
        tx.max_priority = tx.max_fee;
        ts_buf_reset(&one);
        ts_put_bytes(&arg, kit_sign(k, 1, &tx, &one));
    }
    ts_put_list_end(&arg, mark);
    assert_int_equal(query(k, TS_QUERY_RECEIPTS, ts_buf_bytes(&arg), &out), TS_OK);
    assert_true(out.n - 6 <= arg.n + 3 * 200);
    struct ts_reader r = ts_reader_of(ts_bytes_of(out.p + 6, out.n - 6));
    ts_read_list(&r);
    for (uint64_t type = 0; type < 3; type++) {
        struct ts_tx_info info;
        ts_tx_info_read(&r, &info);
        assert_int_equal(r.err, TS_OK);
        assert_int_equal(info.type, type);
        assert_int_equal(info.nonce, type);
        assert_memory_equal(info.from.b, k->people[1].b, 20);
    }
    ts_read_list_end(&r);
    assert_int_equal(ts_reader_done(&r), TS_OK);
    out.max = out.n - 1;
    assert_int_equal(query(k, TS_QUERY_RECEIPTS, ts_buf_bytes(&arg), &out), TS_E_LIMIT);
    ts_buf_free(&arg);
    ts_buf_free(&out);
    ts_buf_free(&one);
    kit_close(k);
}

static void a_query_with_a_bad_argument_answers_nothing(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    struct ts_buf out;
    ts_buf_init(&out, 0);
    uint8_t zeros[21] = {0};
    for (int kind = TS_QUERY_BALANCE; kind <= TS_QUERY_NONCE; kind++) {
        assert_int_equal(query(k, (enum ts_query_kind)kind, ts_bytes_of(zeros, 19), &out),
                         TS_E_LENGTH);
        assert_int_equal(query(k, (enum ts_query_kind)kind, ts_bytes_of(zeros, 21), &out),
                         TS_E_LENGTH);
    }
    assert_int_equal(query(k, TS_QUERY_TRANSACTION, ts_bytes_of(NULL, 0), &out), TS_E_TX_FORM);
    assert_int_equal(query(k, TS_QUERY_CHECK, ts_bytes_of(NULL, 0), &out), TS_E_TRUNCATED);
    assert_int_equal(query(k, TS_QUERY_CHECK, ts_bytes_of("\x80", 1), &out), TS_E_TYPE);
    assert_int_equal(query(k, TS_QUERY_CHECK, ts_bytes_of("\xc1\xc0", 2), &out), TS_E_TYPE);
    assert_int_equal(query(k, TS_QUERY_CHECK, ts_bytes_of("\xc0\xc0", 2), &out), TS_E_TRAILING);
    assert_int_equal(query(k, TS_QUERY_RECEIPTS, ts_bytes_of("\xc1\x80", 2), &out), TS_E_TX_FORM);
    assert_int_equal(query(k, TS_QUERY_ESTIMATE, ts_bytes_of("\xc0", 1), &out), TS_E_ARITY);
    assert_int_equal(query(k, (enum ts_query_kind)0, ts_bytes_of(NULL, 0), &out), TS_E_UNSUPPORTED);
    assert_int_equal(query(k, (enum ts_query_kind)7, ts_bytes_of(NULL, 0), &out), TS_E_UNSUPPORTED);
    ts_buf_free(&out);
    kit_close(k);
}

static void put_call(struct ts_buf *b, const ts_address *from, const ts_address *to,
                     const ts_u256 *value, ts_bytes data)
{
    ts_buf_reset(b);
    size_t mark = ts_put_list(b);
    ts_put_address(b, from);
    ts_put_bytes(b, ts_bytes_of(to != NULL ? to->b : NULL, to != NULL ? 20 : 0));
    ts_put_u256(b, value);
    ts_put_bytes(b, data);
    ts_put_list_end(b, ts_put_list(b));
    ts_put_list_end(b, mark);
}

static void an_estimate_is_the_intrinsic_gas(void **state)
{
    (void)state;
    static uint8_t ones[20000];
    struct kit *k = kit_open();
    const ts_address code = {{[19] = 4}};
    ts_u256 value = ts_u256_of(KIT_FUNDS);
    struct ts_buf b;
    struct ts_buf out;
    memset(ones, 1, sizeof(ones));
    ts_buf_init(&b, 0);
    ts_buf_init(&out, 0);
    put_call(&b, &k->people[0], &k->people[1], &value, ts_bytes_of("\0a", 2));
    assert_int_equal(query(k, TS_QUERY_ESTIMATE, ts_buf_bytes(&b), &out), TS_OK);
    struct ts_reader r = ts_reader_of(ts_bytes_of(out.p + 6, out.n - 6));
    assert_int_equal(ts_read_u64(&r), 21020);
    assert_int_equal(ts_reader_done(&r), TS_OK);
    put_call(&b, &k->people[0], NULL, &value, ts_bytes_of("\0a", 2));
    assert_int_equal(query(k, TS_QUERY_ESTIMATE, ts_buf_bytes(&b), &out), TS_E_TX_CREATE);
    put_call(&b, &k->people[0], &code, &value, ts_bytes_of("\0a", 2));
    assert_int_equal(query(k, TS_QUERY_ESTIMATE, ts_buf_bytes(&b), &out), TS_E_TX_CODE);
    put_call(&b, &k->people[0], &k->people[1], &value, ts_bytes_of(ones, 4097));
    assert_int_equal(query(k, TS_QUERY_ESTIMATE, ts_buf_bytes(&b), &out), TS_E_TX_SIZE);
    k->genesis.params.max_tx_bytes = sizeof(ones) + 1;
    put_call(&b, &k->people[0], &k->people[1], &value, ts_bytes_of(ones, sizeof(ones)));
    assert_int_equal(query(k, TS_QUERY_ESTIMATE, ts_buf_bytes(&b), &out), TS_E_TX_GAS_LIMIT);
    value = ts_u256_of(KIT_FUNDS + 1);
    put_call(&b, &k->people[0], &k->people[1], &value, ts_bytes_of(NULL, 0));
    assert_int_equal(query(k, TS_QUERY_ESTIMATE, ts_buf_bytes(&b), &out), TS_E_TX_FUNDS);
    ts_buf_free(&b);
    ts_buf_free(&out);
    kit_close(k);
}

static void a_verdict_gives_the_facts_for_a_pool(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    struct ts_buf one;
    struct ts_buf arg;
    struct ts_buf out;
    struct ts_tx_verdict v[2];
    ts_buf_init(&one, 0);
    ts_buf_init(&arg, 0);
    ts_buf_init(&out, 0);
    struct ts_tx tx = kit_transfer(k, 9, &k->people[1], 5); /* a gap is fine here */
    size_t mark = ts_put_list(&arg);
    ts_put_bytes(&arg, kit_sign(k, 3, &tx, &one));
    ts_put_bytes(&arg, ts_bytes_of("?", 1));
    ts_put_list_end(&arg, mark);
    assert_int_equal(query(k, TS_QUERY_CHECK, ts_buf_bytes(&arg), &out), TS_OK);
    struct ts_reader r = ts_reader_of(ts_bytes_of(out.p + 6, out.n - 6));
    ts_read_list(&r);
    ts_tx_verdict_read(&r, &v[0]);
    ts_tx_verdict_read(&r, &v[1]);
    ts_read_list_end(&r);
    assert_int_equal(ts_reader_done(&r), TS_OK);
    const ts_u256 cost = ts_u256_of(21000ull * 2 * KIT_BASE_FEE + 5);
    const ts_u256 funds = ts_u256_of(KIT_FUNDS);
    assert_int_equal(v[0].err, TS_OK);
    assert_string_equal(v[0].why, "");
    assert_memory_equal(v[0].sender.b, k->people[3].b, 20);
    assert_int_equal(v[0].nonce, 9);
    assert_int_equal(v[0].account_nonce, 0);
    assert_u256(&v[0].cost, &cost);
    assert_u256(&v[0].balance, &funds);
    assert_int_equal(v[1].err, TS_E_TX_TYPE);
    assert_true(ts_address_is_zero(&v[1].sender));
    ts_buf_free(&one);
    ts_buf_free(&arg);
    ts_buf_free(&out);
    kit_close(k);
}

/* What an enclave that lies could send to its host. */
static void hostile_answers_are_refused(void **state)
{
    (void)state;
    static const uint8_t list[] = {0xc1, 0x01};
    struct ts_tx_info infos[] = {{.type = 3},
                                 {.type = 0, .access_list = {list, 1}},
                                 {.type = 1},
                                 {.type = 2, .access_list = {list, 2}}};
    struct ts_buf b;
    ts_buf_init(&b, 0);
    for (size_t i = 0; i < TS_COUNT(infos); i++) {
        struct ts_tx_info got;
        ts_buf_reset(&b);
        ts_tx_info_put(&b, &infos[i]);
        struct ts_reader r = ts_reader_of(ts_buf_bytes(&b));
        ts_tx_info_read(&r, &got);
        assert_int_not_equal(ts_reader_done(&r), TS_OK);
    }
    struct ts_tx_verdict v = {.err = TS_E_TX_FORM, .why = "two\nlines"};
    struct ts_tx_verdict got;
    ts_buf_reset(&b);
    ts_tx_verdict_put(&b, &v);
    struct ts_reader r = ts_reader_of(ts_buf_bytes(&b));
    ts_tx_verdict_read(&r, &got);
    assert_int_equal(ts_reader_done(&r), TS_E_RANGE);
    ts_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transfer_moves_value_and_the_coinbase_gets_the_fee),
        cmocka_unit_test(the_price_is_capped_by_the_max_fee),
        cmocka_unit_test(sender_recipient_and_coinbase_may_be_one_account),
        cmocka_unit_test(a_batch_is_invisible_until_it_is_committed),
        cmocka_unit_test(a_batch_without_transactions_keeps_the_root),
        cmocka_unit_test(no_allocation_means_the_zero_root),
        cmocka_unit_test(a_bad_genesis_is_refused),
        cmocka_unit_test(a_transaction_without_room_is_deferred),
        cmocka_unit_test(a_full_batch_holds_as_much_gas_as_the_limit_says),
        cmocka_unit_test(empty_accounts_are_in_the_root),
        cmocka_unit_test(an_info_tells_what_wallets_ask),
        cmocka_unit_test(receipts_are_the_infos_of_a_batch),
        cmocka_unit_test(a_query_with_a_bad_argument_answers_nothing),
        cmocka_unit_test(an_estimate_is_the_intrinsic_gas),
        cmocka_unit_test(a_verdict_gives_the_facts_for_a_pool),
        cmocka_unit_test(hostile_answers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
