/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions for L1, against tests/vectors/l1.json, which cast made. */
#include "crypto/sign.h"
#include "l1/tx.h"
#include "l1_kit.h"

static ts_secret key_of_vectors(void)
{
    ts_secret key;
    assert_int_equal(ts_unhex(text_of(vectors, "key"), key.b, sizeof(key.b)), TS_OK);
    return key;
}

static ts_u256 amount_of(const json_t *v, const char *name)
{
    ts_u256 amount;
    assert_int_equal(ts_u256_parse(text_of(v, name), &amount), TS_OK);
    return amount;
}

static uint64_t u64_of(const json_t *v, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(v, name));
}

static void test_signed(void **state)
{
    (void)state;
    const json_t *list = array_of("transactions");
    const ts_secret key = key_of_vectors();
    struct ts_crypto *crypto = ts_crypto_secp256k1(NULL);
    struct ts_buf out;
    ts_buf_init(&out, 0);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        const char *to = json_string_value(json_object_get(v, "to"));
        const ts_bytes data = bytes_of(text_of(v, "data"));
        const ts_bytes raw = bytes_of(text_of(v, "raw"));
        const ts_hash wanted = hash_of(text_of(v, "hash"));
        ts_hash hash;
        const struct ts_l1_tx tx = {
            .chain_id = u64_of(v, "chainId"),
            .nonce = u64_of(v, "nonce"),
            .max_priority = u64_of(v, "tip"),
            .max_fee = amount_of(v, "fee").w[0],
            .gas = u64_of(v, "gas"),
            .creates = !to,
            .to = to ? address_of(to) : address_filled(0),
            .value = amount_of(v, "value"),
            .data = data,
        };
        const size_t before = out.n;
        assert_int_equal(ts_l1_tx_sign(crypto, &key, &tx, &out, &hash), TS_OK);
        assert_true(ts_bytes_equal(ts_bytes_of(out.p + before, out.n - before), raw));
        assert_true(ts_hash_equal(&hash, &wanted));
        release(raw);
        release(data);
    }
    ts_buf_free(&out);
    ts_crypto_free(crypto);
}

static void test_failures_change_nothing(void **state)
{
    (void)state;
    const ts_secret key = key_of_vectors();
    const ts_secret none = {{0}};
    const struct ts_l1_tx tx = {.chain_id = 1, .gas = 21000};
    struct ts_crypto *crypto = ts_crypto_secp256k1(NULL);
    struct ts_buf out;
    ts_hash hash = hash_filled(7);
    const ts_hash before = hash;
    ts_buf_init(&out, 20);
    ts_buf_put(&out, "abc", 3);
    assert_int_equal(ts_l1_tx_sign(crypto, &none, &tx, &out, &hash), TS_E_KEY);
    assert_int_equal(ts_l1_tx_sign(crypto, &key, &tx, &out, &hash), TS_E_LIMIT);
    assert_int_equal(out.n, 3);
    assert_int_equal(out.err, TS_OK);
    assert_true(ts_hash_equal(&hash, &before));
    ts_buf_free(&out);
    ts_crypto_free(crypto);
}

static void test_created_addresses(void **state)
{
    (void)state;
    const json_t *list = array_of("created");
    const ts_secret key = key_of_vectors();
    struct ts_crypto *crypto = ts_crypto_secp256k1(NULL);
    ts_address sender;
    assert_int_equal(ts_address_of_key(crypto, &key, &sender), TS_OK);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        const ts_address wanted = address_of(text_of(v, "address"));
        ts_address a;
        ts_l1_created_address(&sender, amount_of(v, "nonce").w[0], &a);
        assert_true(ts_address_equal(&a, &wanted));
    }
    ts_crypto_free(crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signed),
        cmocka_unit_test(test_failures_change_nothing),
        cmocka_unit_test(test_created_addresses),
    };
    return cmocka_run_group_tests(tests, load_vectors, free_vectors);
}
