/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/u256.h"
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

/* Changes one part of a good signature and expects it refused as malformed. */
static void expect_refused(const struct ts_crypto *c, const ts_sig *good, size_t at,
                           const char *hex32)
{
    ts_sig sig = *good;
    ts_hash part = hash_of(hex32);
    ts_hash digest = {{1}};
    ts_address out = {{7}};
    memcpy(sig.b + at, part.b, sizeof(part.b));
    assert_int_equal(ts_recover(c, &digest, &sig, &out), TS_E_SIGNATURE);
    assert_int_equal(out.b[0], 7);
}

#define ZERO    "0x0000000000000000000000000000000000000000000000000000000000000000"
#define MAX     "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define ORDER   "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
#define ORDER_1 "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"
#define HALF    "0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0"
#define HALF_1  "0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1"

static void refuses_malformed_signatures(void **state)
{
    (void)state;
    struct ts_crypto *c = ts_crypto_new();
    ts_secret key = secret_of(dev_key);
    ts_hash digest = {{1}};
    ts_address out = {{7}};
    ts_sig sig;
    assert_int_equal(ts_sign(c, &key, &digest, &sig), TS_OK);
    expect_refused(c, &sig, 0, ZERO);
    expect_refused(c, &sig, 0, ORDER);
    expect_refused(c, &sig, 0, MAX);
    expect_refused(c, &sig, 32, ZERO);
    expect_refused(c, &sig, 32, ORDER);
    expect_refused(c, &sig, 32, ORDER_1);
    expect_refused(c, &sig, 32, HALF_1);
    for (unsigned v = 0; v < 256; v++) {
        ts_sig other = sig;
        other.b[64] = (uint8_t)v;
        ts_err err = ts_recover(c, &digest, &other, &out);
        if (v != 27 && v != 28)
            assert_int_equal(err, TS_E_SIGNATURE);
    }
    /* The largest low s is in range: it recovers, to somebody. */
    ts_hash half = hash_of(HALF);
    memcpy(sig.b + 32, half.b, sizeof(half.b));
    assert_int_equal(ts_recover(c, &digest, &sig, &out), TS_OK);
    ts_crypto_free(c);
}

/* n - s with the other v is the same signature to ECDSA; here it is refused (EIP-2). */
static void refuses_the_high_s_twin(void **state)
{
    (void)state;
    struct ts_crypto *c = ts_crypto_new();
    ts_secret key = secret_of(dev_key);
    ts_hash digest = {{3}};
    ts_hash order = hash_of(ORDER);
    ts_address out;
    ts_sig sig;
    assert_int_equal(ts_sign(c, &key, &digest, &sig), TS_OK);
    ts_u256 n = ts_u256_from_be(order.b, 32);
    ts_u256 s = ts_u256_from_be(sig.b + 32, 32);
    assert_true(ts_u256_sub(&n, &s, &s));
    ts_u256_to_be(&s, sig.b + 32);
    sig.b[64] = (uint8_t)(27 + 28 - sig.b[64]);
    assert_int_equal(ts_recover(c, &digest, &sig, &out), TS_E_SIGNATURE);
    ts_crypto_free(c);
}

static void refuses_bad_keys(void **state)
{
    (void)state;
    static const char *const bad[] = {ZERO, ORDER, MAX};
    struct ts_crypto *c = ts_crypto_new();
    ts_hash digest = {{1}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ts_secret key = secret_of(bad[i]);
        ts_sig sig = {{7}};
        ts_address address = {{7}};
        assert_int_equal(ts_sign(c, &key, &digest, &sig), TS_E_KEY);
        assert_int_equal(ts_address_of_key(c, &key, &address), TS_E_KEY);
        assert_int_equal(sig.b[0], 7);
        assert_int_equal(address.b[0], 7);
    }
    ts_crypto_free(c);
    ts_crypto_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keccak_known_answers),    cmocka_unit_test(keccak_in_pieces),
        cmocka_unit_test(sign_and_recover),        cmocka_unit_test(refuses_malformed_signatures),
        cmocka_unit_test(refuses_the_high_s_twin), cmocka_unit_test(refuses_bad_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
