/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions and batches against tests/vectors/transactions.json, made by another wallet. */
#include <jansson.h>

#include "ledger_kit.h"

static json_t *vectors;

static int load_vectors(void **state)
{
    (void)state;
    json_error_t error;
    vectors = json_load_file(TS_VECTORS "/transactions.json", 0, &error);
    return vectors != NULL ? 0 : -1;
}

static int free_vectors(void **state)
{
    (void)state;
    json_decref(vectors);
    return 0;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (text == NULL)
        fail_msg("no member %s", name);
    return text;
}

static ts_u256 number_of(const json_t *object, const char *name)
{
    ts_u256 v;
    assert_int_equal(ts_u256_parse(text_of(object, name), &v), TS_OK);
    return v;
}

static uint64_t u64_of(const json_t *object, const char *name)
{
    ts_u256 v = number_of(object, name);
    assert_int_equal(v.w[1] | v.w[2] | v.w[3], 0);
    return v.w[0];
}

/* Hex to fresh bytes. */
static ts_bytes bytes_of(const char *hex)
{
    size_t max = strlen(hex) / 2;
    size_t n;
    uint8_t *p = malloc(max + 1);
    assert_non_null(p);
    assert_int_equal(ts_unhex_any(hex, p, max, &n), TS_OK);
    return ts_bytes_of(p, n);
}

static void release(ts_bytes b)
{
    free((void *)(uintptr_t)b.p);
}

static void assert_fields(const json_t *vector, const struct ts_tx *tx)
{
    ts_hash hash = hash_of(text_of(vector, "hash"));
    ts_address to = address_of(text_of(vector, "to"));
    ts_u256 max_fee = number_of(vector, "maxFee");
    ts_u256 max_priority = number_of(vector, "maxPriority");
    ts_u256 value = number_of(vector, "value");
    ts_u256 r = number_of(vector, "r");
    ts_u256 s = number_of(vector, "s");
    ts_bytes data = bytes_of(text_of(vector, "data"));
    assert_hash(&tx->hash, &hash);
    assert_int_equal(tx->type, json_integer_value(json_object_get(vector, "type")));
    assert_int_equal(tx->chain_id, u64_of(vector, "chainId"));
    assert_int_equal(tx->nonce, u64_of(vector, "nonce"));
    assert_u256(&tx->max_fee, &max_fee);
    assert_u256(&tx->max_priority, &max_priority);
    assert_int_equal(tx->gas, u64_of(vector, "gas"));
    assert_false(tx->creates);
    assert_memory_equal(tx->to.b, to.b, sizeof(to.b));
    assert_u256(&tx->value, &value);
    assert_true(ts_bytes_equal(tx->data, data));
    assert_int_equal(tx->access.n_addresses,
                     json_integer_value(json_object_get(vector, "addresses")));
    assert_int_equal(tx->access.n_keys, json_integer_value(json_object_get(vector, "keys")));
    assert_int_equal(tx->v, u64_of(vector, "v"));
    assert_u256(&tx->r, &r);
    assert_u256(&tx->s, &s);
    release(data);
}

/* Every field, the hash and the sender are what the other wallet says; signed again, the bytes are
 * the same. */
static void transactions_decode_as_their_wallet_made_them(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    const json_t *list = json_object_get(vectors, "transactions");
    size_t i;
    const json_t *vector;
    assert_true(json_array_size(list) > 50);
    json_array_foreach(list, i, vector)
    {
        struct ts_tx tx;
        char why[TS_WHY_SIZE] = "";
        ts_address sender;
        ts_secret key;
        struct ts_buf again;
        ts_bytes raw = bytes_of(text_of(vector, "raw"));
        ts_address from = address_of(text_of(vector, "from"));
        ts_hash secret = hash_of(text_of(vector, "key"));
        k->genesis.chain_id = u64_of(vector, "chainId");
        assert_int_equal(ts_tx_decode(raw, &k->genesis, &tx, why), TS_OK);
        assert_fields(vector, &tx);
        assert_int_equal(ts_tx_recover(&tx, k->crypto, &sender, why), TS_OK);
        assert_memory_equal(sender.b, from.b, sizeof(from.b));
        memcpy(key.b, secret.b, sizeof(key.b));
        ts_buf_init(&again, 0);
        assert_int_equal(ts_tx_sign(k->crypto, &key, &tx, &again), TS_OK);
        assert_true(ts_bytes_equal(raw, ts_buf_bytes(&again)));
        ts_buf_free(&again);
        release(raw);
    }
    kit_close(k);
}

static void transactions_of_other_kinds_are_refused(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    const json_t *list = json_object_get(vectors, "refused");
    size_t i;
    const json_t *vector;
    assert_int_equal(json_array_size(list), 3);
    assert_int_equal(ts_ledger_engine.begin(k->engine, 1, 0), TS_OK);
    json_array_foreach(list, i, vector)
    {
        ts_bytes raw = bytes_of(text_of(vector, "raw"));
        struct ts_tx_result result = kit_execute(k->engine, raw);
        assert_string_equal(ts_err_name((int)result.err), text_of(vector, "error"));
        release(raw);
    }
    ts_ledger_engine.rollback(k->engine);
    kit_close(k);
}

/* The genesis that the vectors' chain starts from. */
static struct ts_genesis genesis_of(const json_t *chain)
{
    const json_t *alloc = json_object_get(chain, "alloc");
    struct ts_genesis g = {
        .chain_id = u64_of(vectors, "chainId"),
        .coinbase = address_of(text_of(chain, "coinbase")),
        .params = {.max_tx_bytes = 100000,
                   .batch_gas_limit = 30000000,
                   .base_fee = u64_of(vectors, "baseFee")},
        .alloc = calloc(json_object_size(alloc), sizeof(struct ts_alloc)),
    };
    const char *name;
    json_t *value;
    assert_non_null(g.alloc);
    json_object_foreach((json_t *)(uintptr_t)alloc, name, value)
    {
        struct ts_alloc a = {.address = address_of(name)};
        ts_u256 balance = number_of(alloc, name);
        size_t at = g.n_alloc++;
        ts_u256_to_be(&balance, a.balance);
        for (; at > 0 && ts_address_compare(&g.alloc[at - 1].address, &a.address) > 0; at--)
            g.alloc[at] = g.alloc[at - 1];
        g.alloc[at] = a;
    }
    return g;
}

static void run_batch(struct ts_engine *e, const json_t *batch)
{
    ts_hash expected = hash_of(text_of(batch, "root"));
    ts_hash root;
    uint64_t gas = 0;
    size_t i;
    const json_t *tx;
    assert_int_equal(ts_ledger_engine.begin(e, 1, 0), TS_OK);
    json_array_foreach(json_object_get(batch, "transactions"), i, tx)
    {
        ts_bytes raw = bytes_of(json_string_value(tx));
        struct ts_tx_result result = kit_execute(e, raw);
        assert_string_equal(result.why, "");
        gas += result.gas_used;
        release(raw);
    }
    assert_int_equal(gas, u64_of(batch, "gasUsed"));
    assert_int_equal(ts_ledger_engine.finish(e, &root), TS_OK);
    assert_hash(&root, &expected);
    ts_ledger_engine.commit(e);
}

/* State roots, gas, balances and nonces are those that the specification gives when it is followed
 * by hand with another RLP and another Keccak. */
static void batches_give_the_roots_of_the_specification(void **state)
{
    (void)state;
    const json_t *chain = json_object_get(vectors, "chain");
    const uint64_t seed[2] = {3, 4};
    struct ts_genesis g = genesis_of(chain);
    struct ts_crypto *crypto = ts_crypto_new();
    struct ts_engine *e;
    size_t i;
    const json_t *item;
    const char *name;
    assert_int_equal(ts_ledger_engine.open(&g, crypto, seed, &e), TS_OK);
    ts_hash root = kit_root(e);
    ts_hash expected = hash_of(text_of(chain, "genesisRoot"));
    assert_hash(&root, &expected);
    json_array_foreach(json_object_get(chain, "batches"), i, item) run_batch(e, item);
    json_object_foreach(json_object_get(chain, "accounts"), name, item)
    {
        ts_address address = address_of(name);
        ts_u256 balance = kit_balance(e, &address);
        ts_u256 wanted = number_of(item, "balance");
        assert_u256(&balance, &wanted);
        assert_int_equal(kit_nonce(e, &address), u64_of(item, "nonce"));
    }
    ts_ledger_engine.close(e);
    ts_crypto_free(crypto);
    free(g.alloc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transactions_decode_as_their_wallet_made_them),
        cmocka_unit_test(transactions_of_other_kinds_are_refused),
        cmocka_unit_test(batches_give_the_roots_of_the_specification),
    };
    return cmocka_run_group_tests(tests, load_vectors, free_vectors);
}
