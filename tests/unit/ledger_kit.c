/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger_kit.h"

static const uint64_t seed[2] = {1, 2};

static int by_address(const void *a, const void *b)
{
    const struct ts_alloc *left = a;
    const struct ts_alloc *right = b;
    return ts_address_compare(&left->address, &right->address);
}

static void make_people(struct kit *k)
{
    const ts_u256 funds = ts_u256_of(KIT_FUNDS);
    for (size_t i = 0; i < KIT_PEOPLE; i++) {
        k->keys[i].b[31] = (uint8_t)(i + 1);
        assert_int_equal(ts_address_of_key(k->crypto, &k->keys[i], &k->people[i]), TS_OK);
        k->alloc[i].address = k->people[i];
        ts_u256_to_be(&funds, k->alloc[i].balance);
    }
    qsort(k->alloc, KIT_PEOPLE, sizeof(k->alloc[0]), by_address);
}

struct kit *kit_open(void)
{
    struct kit *k = calloc(1, sizeof(*k));
    assert_non_null(k);
    k->crypto = ts_crypto_secp256k1(NULL);
    assert_non_null(k->crypto);
    make_people(k);
    k->genesis = (struct ts_genesis){
        .chain_id = KIT_CHAIN,
        .alloc = k->alloc,
        .n_alloc = KIT_PEOPLE,
        .coinbase = kit_stranger(0xc0),
        .params = {.max_tx_bytes = 4096, .batch_gas_limit = KIT_LIMIT, .base_fee = KIT_BASE_FEE},
        .hash = {{7}},
    };
    assert_int_equal(ts_ledger_engine.open(&k->genesis, k->crypto, seed, &k->engine), TS_OK);
    return k;
}

void kit_close(struct kit *k)
{
    ts_ledger_engine.close(k->engine);
    ts_crypto_free(k->crypto);
    free(k);
}

struct ts_tx kit_transfer(const struct kit *k, uint64_t nonce, const ts_address *to, uint64_t value)
{
    return (struct ts_tx){
        .type = TS_TX_DYNAMIC_FEE,
        .chain_id = k->genesis.chain_id,
        .nonce = nonce,
        .max_priority = ts_u256_of(1),
        .max_fee = ts_u256_of(2 * k->genesis.params.base_fee),
        .gas = 21000,
        .to = *to,
        .value = ts_u256_of(value),
    };
}

ts_bytes kit_sign(const struct kit *k, size_t person, const struct ts_tx *fields,
                  struct ts_buf *buf)
{
    size_t start = buf->n;
    assert_int_equal(ts_tx_sign(k->crypto, &k->keys[person], fields, buf), TS_OK);
    return ts_bytes_of(buf->p + start, buf->n - start);
}

ts_address kit_stranger(uint32_t n)
{
    return (ts_address){
        {0x57, [16] = (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

struct ts_tx_result kit_execute(struct ts_engine *e, ts_bytes raw)
{
    struct ts_tx_result result;
    memset(&result, 0xff, sizeof(result));
    assert_int_equal(ts_ledger_engine.execute(e, raw, &result), TS_OK);
    assert_true((result.err == TS_OK) == (result.why[0] == '\0'));
    return result;
}

ts_hash kit_batch(struct ts_engine *e, const ts_bytes *txs, size_t n)
{
    ts_hash root;
    assert_int_equal(ts_ledger_engine.begin(e, 1, 0), TS_OK);
    for (size_t i = 0; i < n; i++) {
        struct ts_tx_result result = kit_execute(e, txs[i]);
        assert_string_equal(result.why, "");
    }
    assert_int_equal(ts_ledger_engine.finish(e, &root), TS_OK);
    ts_ledger_engine.commit(e);
    const ts_hash committed = kit_root(e);
    assert_hash(&committed, &root);
    return root;
}

ts_hash kit_root(const struct ts_engine *e)
{
    ts_hash root;
    ts_ledger_engine.root(e, &root);
    return root;
}

ts_u256 kit_balance(struct ts_engine *e, const ts_address *a)
{
    struct ts_buf out;
    ts_buf_init(&out, 0);
    assert_int_equal(
        ts_ledger_engine.query(e, TS_QUERY_BALANCE, ts_bytes_of(a->b, sizeof(a->b)), &out), TS_OK);
    assert_int_equal(out.n, 32);
    ts_u256 balance = ts_u256_from_be(out.p, 32);
    ts_buf_free(&out);
    return balance;
}

uint64_t kit_nonce(struct ts_engine *e, const ts_address *a)
{
    struct ts_buf out;
    ts_buf_init(&out, 0);
    assert_int_equal(
        ts_ledger_engine.query(e, TS_QUERY_NONCE, ts_bytes_of(a->b, sizeof(a->b)), &out), TS_OK);
    struct ts_reader r = ts_reader_of(ts_buf_bytes(&out));
    uint64_t nonce = ts_read_u64(&r);
    assert_int_equal(ts_reader_done(&r), TS_OK);
    ts_buf_free(&out);
    return nonce;
}

void assert_hash(const ts_hash *a, const ts_hash *b)
{
    char left[TS_HASH_HEX_SIZE];
    char right[TS_HASH_HEX_SIZE];
    assert_string_equal(ts_hex(a->b, 32, left), ts_hex(b->b, 32, right));
}

void assert_u256(const ts_u256 *a, const ts_u256 *b)
{
    char left[79];
    char right[79];
    assert_string_equal(ts_u256_decimal(a, left), ts_u256_decimal(b, right));
}
