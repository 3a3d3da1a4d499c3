/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/seal.h"

static ts_secret secret_of(const char *hex)
{
    ts_secret s;
    assert_int_equal(ts_unhex(hex, s.b, sizeof(s.b)), TS_OK);
    return s;
}

/* The sealed form of text, in fresh memory. */
static ts_bytes sealed(const ts_secret *key, ts_bytes aad, ts_bytes text)
{
    const uint8_t nonce[12] = {1, 2, 3};
    struct ts_buf b;
    ts_buf_init(&b, 0);
    assert_int_equal(ts_seal(key, nonce, aad, text, &b), TS_OK);
    assert_int_equal(b.n, text.n + TS_SEAL_OVERHEAD);
    return ts_buf_bytes(&b);
}

static void free_bytes(ts_bytes b)
{
    free((void *)(uintptr_t)b.p);
}

/* Test case 14 of McGrew and Viega, "The Galois/Counter Mode of Operation". */
static void gcm_known_answer(void **state)
{
    (void)state;
    const ts_secret key = {{0}};
    const uint8_t nonce[12] = {0};
    const uint8_t plain[16] = {0};
    char text[2 * 44 + 3];
    struct ts_buf b;
    ts_buf_init(&b, 0);
    assert_int_equal(ts_seal(&key, nonce, ts_bytes_of(NULL, 0), ts_bytes_of(plain, 16), &b), TS_OK);
    assert_int_equal(b.n, 44);
    assert_string_equal(ts_hex(b.p, b.n, text),
                        "0x000000000000000000000000cea7403d4d606b6e074ec5d3baf39d18"
                        "d0d1c8a799996bf0265b98b5d48ab919");
    ts_buf_free(&b);
}

/* HKDF of RFC 5869 with no salt, worked out with Python's hmac module. */
static void derives_keys(void **state)
{
    (void)state;
    ts_secret secret;
    ts_secret got;
    for (size_t i = 0; i < sizeof(secret.b); i++)
        secret.b[i] = (uint8_t)i;
    ts_secret want =
        secret_of("0x93ebc87b9aaa8639726bdbd48921341b933e2d708bcc4ee06410fb6efd68e9e5");
    assert_int_equal(ts_derive_key(&secret, "tenseq seal", &got), TS_OK);
    assert_memory_equal(got.b, want.b, sizeof(want.b));
    want = secret_of("0x37ad29109f43265287804b674e2653d0a513718907f97fca97c95bded8104bbf");
    assert_int_equal(ts_derive_key(&secret, "", &got), TS_OK);
    assert_memory_equal(got.b, want.b, sizeof(want.b));
}

/* RFC 7748, section 6.1. */
static void x25519_known_answer(void **state)
{
    (void)state;
    ts_secret alice =
        secret_of("0x77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    ts_hash want = hash_of("0x8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    ts_hash got;
    assert_int_equal(ts_x25519_public(&alice, &got), TS_OK);
    assert_true(ts_hash_equal(&got, &want));
}

static void opens_what_it_sealed(void **state)
{
    (void)state;
    const ts_secret key = {{5}};
    static uint8_t plain[300];
    for (size_t n = 0; n < sizeof(plain); n += 13) {
        struct ts_buf out;
        memset(plain, (int)n, n);
        ts_bytes aad = ts_bytes_of("context", n % 8);
        ts_bytes box = sealed(&key, aad, ts_bytes_of(plain, n));
        ts_buf_init(&out, 0);
        ts_buf_put(&out, "before", 6);
        assert_int_equal(ts_unseal(&key, aad, box, &out), TS_OK);
        assert_int_equal(out.n, 6 + n);
        assert_memory_equal(out.p, "before", 6);
        assert_memory_equal(out.p + 6, plain, n);
        ts_buf_free(&out);
        free_bytes(box);
    }
}

static void expect_shut(const ts_secret *key, ts_bytes aad, ts_bytes box)
{
    struct ts_buf out;
    ts_buf_init(&out, 0);
    ts_buf_put(&out, "before", 6);
    assert_int_equal(ts_unseal(key, aad, box, &out), TS_E_SEAL);
    assert_int_equal(out.err, TS_OK);
    assert_int_equal(out.n, 6);
    ts_buf_free(&out);
}

/* Any bit changed, any byte cut off or added, another key or context: nothing comes out. */
static void tampering_shows(void **state)
{
    (void)state;
    const ts_secret key = {{5}};
    const ts_secret other = {{6}};
    ts_bytes aad = ts_bytes_of("context", 7);
    ts_bytes box = sealed(&key, aad, ts_bytes_of("a secret of some length", 23));
    uint8_t copy[64];
    for (size_t bit = 0; bit < 8 * box.n; bit++) {
        memcpy(copy, box.p, box.n);
        copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        expect_shut(&key, aad, ts_bytes_of(copy, box.n));
    }
    for (size_t n = 0; n < box.n; n++)
        expect_shut(&key, aad, ts_bytes_of(box.p, n));
    memcpy(copy, box.p, box.n);
    copy[box.n] = 0;
    expect_shut(&key, aad, ts_bytes_of(copy, box.n + 1));
    expect_shut(&other, aad, box);
    expect_shut(&key, ts_bytes_of("contexT", 7), box);
    expect_shut(&key, ts_bytes_of(NULL, 0), box);
    free_bytes(box);
}

static void bounded_output(void **state)
{
    (void)state;
    const ts_secret key = {{5}};
    const uint8_t nonce[12] = {0};
    struct ts_buf out;
    ts_buf_init(&out, 30);
    assert_int_equal(ts_seal(&key, nonce, ts_bytes_of(NULL, 0), ts_bytes_of("abc", 3), &out),
                     TS_E_LIMIT);
    assert_int_equal(out.n, 0);
    ts_buf_free(&out);
}

static void wipes_and_compares(void **state)
{
    (void)state;
    ts_secret s = {{1, 2, 3}};
    ts_secret t = s;
    const ts_secret zero = {{0}};
    assert_true(ts_equal_secret(&s, &t, sizeof(s)));
    t.b[31] ^= 1;
    assert_false(ts_equal_secret(&s, &t, sizeof(s)));
    ts_secret_wipe(&s);
    assert_memory_equal(&s, &zero, sizeof(s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gcm_known_answer),    cmocka_unit_test(derives_keys),
        cmocka_unit_test(x25519_known_answer), cmocka_unit_test(opens_what_it_sealed),
        cmocka_unit_test(tampering_shows),     cmocka_unit_test(bounded_output),
        cmocka_unit_test(wipes_and_compares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
