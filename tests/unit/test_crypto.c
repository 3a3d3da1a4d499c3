/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "crypto/keccak.h"
#include "crypto/sign.h"

static void expect_keccak(const char *text, size_t n, const char *hex)
{
    ts_hash got;
    ts_hash want = hash_of(hex);
    ts_keccak256(ts_bytes_of(text, n), &got);
    assert_memory_equal(got.b, want.b, sizeof(got.b));
}

/* Known answers of the Keccak team's test vectors (Keccak-256, original padding). */
static void keccak_known_answers(void **state)
{
    (void)state;
    expect_keccak("", 0, "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    expect_keccak("abc", 3, "0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    expect_keccak("The quick brown fox jumps over the lazy dog", 43,
                  "0x4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15");
}

/* Any split of the input gives the hash of the whole, across the block bound of 136 bytes. */
static void keccak_in_pieces(void **state)
{
    (void)state;
    uint8_t data[300];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    for (size_t n = 0; n <= sizeof(data); n++) {
        ts_hash whole;
        ts_keccak256(ts_bytes_of(data, n), &whole);
        for (size_t piece = 1; piece <= 140; piece += 9) {
            struct ts_keccak k;
            ts_hash got;
            ts_keccak_init(&k);
            for (size_t at = 0; at < n; at += piece)
                ts_keccak_update(&k, data + at, n - at < piece ? n - at : piece);
            ts_keccak_final(&k, &got);
            assert_true(ts_hash_equal(&got, &whole));
        }
    }
}

/* The first key of the well-known development mnemonic "test test … junk". */
static const char dev_key[] = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
static const char dev_address[] = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

static ts_secret secret_of(const char *hex)
{
    ts_secret s;
    assert_int_equal(ts_unhex(hex, s.b, sizeof(s.b)), TS_OK);
    return s;
}

static void sign_and_recover(void **state)
{
    (void)state;
    const uint8_t seed[32] = {1};
    struct ts_crypto *c = ts_crypto_secp256k1(seed);
    ts_secret key = secret_of(dev_key);
    ts_address want = address_of(dev_address);
    ts_address got;
    ts_hash digest;
    ts_sig sig;
    ts_keccak256(ts_bytes_of("abc", 3), &digest);
    assert_int_equal(ts_address_of_key(c, &key, &got), TS_OK);
    assert_true(ts_address_equal(&got, &want));
    assert_int_equal(ts_sign(c, &key, &digest, &sig), TS_OK);
    assert_int_equal(ts_verify_signer(c, &digest, &sig, &want), TS_OK);
    want.b[0] ^= 1;
    assert_int_equal(ts_verify_signer(c, &digest, &sig, &want), TS_E_SIGNER);
    ts_crypto_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keccak_known_answers),
        cmocka_unit_test(keccak_in_pieces),
        cmocka_unit_test(sign_and_recover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
