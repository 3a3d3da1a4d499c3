/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/check.h"
#include "base/u256.h"

static const char max_decimal[] =
    "115792089237316195423570985008687907853269984665640564039457584007913129639935";
static const char max_hex[] = "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

static ts_u256 parsed(const char *text)
{
    ts_u256 v;
    assert_int_equal(ts_u256_parse(text, &v), TS_OK);
    return v;
}

static void expect(const ts_u256 *got, const char *want)
{
    char text[79];
    assert_string_equal(ts_u256_decimal(got, text), want);
}

static void adds_and_subtracts(void **state)
{
    (void)state;
    ts_u256 max = parsed(max_decimal);
    ts_u256 one = ts_u256_of(1);
    ts_u256 v = parsed("0xffffffffffffffffffffffffffffffffffffffffffffffff");
    assert_true(ts_u256_add(&v, &one, &v)); /* carries over three words; in place */
    assert_int_equal(v.w[3], 1);
    assert_int_equal(v.w[0] | v.w[1] | v.w[2], 0);
    assert_true(ts_u256_sub(&v, &one, &v)); /* and borrows back */
    expect(&v, "6277101735386680763835789423207666416102355444464034512895");
    ts_u256 same = one;
    assert_false(ts_u256_add(&max, &one, &same));
    assert_int_equal(ts_u256_compare(&same, &one), 0);
    ts_u256 zero = ts_u256_of(0);
    assert_false(ts_u256_sub(&zero, &one, &same));
    assert_int_equal(ts_u256_compare(&same, &one), 0);
    assert_true(ts_u256_sub(&max, &max, &v));
    assert_true(ts_u256_is_zero(&v));
}

static void multiplies(void **state)
{
    (void)state;
    ts_u256 gwei = ts_u256_of(1000000000);
    ts_u256 v;
    assert_true(ts_u256_mul64(&gwei, UINT64_MAX, &v));
    expect(&v, "18446744073709551615000000000");
    ts_u256 half = parsed("0x8000000000000000000000000000000000000000000000000000000000000000");
    ts_u256 kept = gwei;
    assert_false(ts_u256_mul64(&half, 2, &kept));
    assert_int_equal(ts_u256_compare(&kept, &gwei), 0);
    assert_true(ts_u256_mul64(&half, 1, &v));
    assert_int_equal(ts_u256_compare(&v, &half), 0);
    assert_true(ts_u256_mul64(&half, 0, &v));
    assert_true(ts_u256_is_zero(&v));
}

static void compares(void **state)
{
    (void)state;
    ts_u256 low = parsed("0x10000000000000000");
    ts_u256 high = parsed("0x100000000000000000000000000000000");
    assert_true(ts_u256_compare(&low, &high) < 0);
    assert_true(ts_u256_compare(&high, &low) > 0);
    assert_int_equal(ts_u256_compare(&low, &low), 0);
}

static void parses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "0x",
        " 1",
        "1 ",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "0xg",
        "12a",
        "0X1",
        "115792089237316195423570985008687907853269984665640564039457584007913129639936",
        "0x10000000000000000000000000000000000000000000000000000000000000000"};
    ts_u256 v = ts_u256_of(5);
    for (size_t i = 0; i < TS_COUNT(bad); i++) {
        assert_int_equal(ts_u256_parse(bad[i], &v), TS_E_RANGE);
        expect(&v, "5");
    }
    v = parsed(max_decimal);
    ts_u256 hex = parsed(max_hex);
    assert_int_equal(ts_u256_compare(&v, &hex), 0);
    v = parsed("0x00fF");
    expect(&v, "255");
    v = parsed("007");
    expect(&v, "7");
}

static void prints(void **state)
{
    (void)state;
    char text[79];
    ts_u256 v = ts_u256_of(0);
    assert_string_equal(ts_u256_quantity(&v, text), "0x0");
    assert_string_equal(ts_u256_decimal(&v, text), "0");
    v = parsed(max_hex);
    assert_string_equal(ts_u256_quantity(&v, text), max_hex);
    assert_string_equal(ts_u256_decimal(&v, text), max_decimal);
    v = ts_u256_of(1024);
    assert_string_equal(ts_u256_quantity(&v, text), "0x400");
}

static void big_endian(void **state)
{
    (void)state;
    uint8_t be[32];
    uint8_t back[32];
    for (size_t i = 0; i < sizeof(be); i++)
        be[i] = (uint8_t)(i + 1);
    for (size_t n = 0; n <= sizeof(be); n++) {
        uint8_t want[32] = {0};
        memcpy(want + 32 - n, be, n);
        ts_u256 v = ts_u256_from_be(be, n);
        ts_u256_to_be(&v, back);
        assert_memory_equal(back, want, sizeof(want));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_and_subtracts),
        cmocka_unit_test(multiplies),
        cmocka_unit_test(compares),
        cmocka_unit_test(parses),
        cmocka_unit_test(prints),
        cmocka_unit_test(big_endian),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
