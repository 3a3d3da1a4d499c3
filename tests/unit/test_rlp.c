/* SPDX-License-Identifier: Apache-2.0 */
/* What the RLP reader refuses; what it and the writer agree on stands in test_vectors.c. */
#include "unit.h"

#include <string.h>

#include "base/check.h"
#include "codec/rlp.h"

/* Reads any item, whatever its shape, to its last leaf. */
static void read_any(struct ts_reader *r)
{
    if (!ts_read_is_list(r)) {
        ts_read_bytes(r, SIZE_MAX);
        return;
    }
    ts_read_list(r);
    while (ts_read_more(r))
        read_any(r);
    ts_read_list_end(r);
}

static struct ts_reader reader_of_hex(const char *hex)
{
    static uint8_t bytes[600];
    size_t n;
    assert_int_equal(ts_unhex_any(hex, bytes, sizeof(bytes), &n), TS_OK);
    return ts_reader_of(ts_bytes_of(bytes, n));
}

static void refuses_what_is_not_canonical(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        ts_err err;
    } cases[] = {
        {"0x", TS_E_TRUNCATED},
        {"0x8100", TS_E_NOT_CANONICAL}, /* one byte below 0x80 with a header */
        {"0x817f", TS_E_NOT_CANONICAL},
        {"0x8180", TS_OK},
        {"0x81", TS_E_TRUNCATED},
        {"0x8261", TS_E_TRUNCATED},
        {"0xb801ff", TS_E_NOT_CANONICAL}, /* long form of a short length */
        {"0xb8", TS_E_TRUNCATED},
        {"0xb90038", TS_E_NOT_CANONICAL}, /* a length with a leading zero */
        {"0xb900", TS_E_TRUNCATED},
        {"0xb838", TS_E_TRUNCATED},
        {"0xbfffffffffffffffff", TS_E_TRUNCATED},
        {"0xbf0000000000000001", TS_E_NOT_CANONICAL},
        {"0xc0", TS_OK},
        {"0xc1", TS_E_TRUNCATED},
        {"0xc100", TS_OK},
        {"0xf800", TS_E_NOT_CANONICAL},
        {"0xf801c0", TS_E_NOT_CANONICAL},
        {"0xf90001c0", TS_E_NOT_CANONICAL},
        {"0xffffffffffffffffff", TS_E_TRUNCATED},
        {"0xc28180", TS_OK},
        {"0xc28100", TS_E_NOT_CANONICAL},
        {"0xc181", TS_E_TRUNCATED},     /* an item longer than its list */
        {"0xc2c2c0c0", TS_E_TRUNCATED}, /* though the input has the bytes */
        {"0x0000", TS_E_TRAILING},
        {"0xc000", TS_E_TRAILING},
    };
    for (size_t i = 0; i < TS_COUNT(cases); i++) {
        struct ts_reader r = reader_of_hex(cases[i].hex);
        read_any(&r);
        if (ts_reader_done(&r) != cases[i].err)
            fail_msg("%s gives %s", cases[i].hex, ts_err_name(ts_reader_done(&r)));
    }
}

static void expect_number(const char *hex, unsigned bytes, ts_err err, uint64_t want)
{
    struct ts_reader r = reader_of_hex(hex);
    assert_int_equal(ts_read_uint(&r, bytes), want);
    if (ts_reader_done(&r) != err)
        fail_msg("%s gives %s", hex, ts_err_name(ts_reader_done(&r)));
}

static void reads_numbers(void **state)
{
    (void)state;
    expect_number("0x80", 8, TS_OK, 0);
    expect_number("0x00", 8, TS_E_NOT_CANONICAL, 0);
    expect_number("0x7f", 1, TS_OK, 127);
    expect_number("0x81ff", 1, TS_OK, 255);
    expect_number("0x820100", 1, TS_E_RANGE, 0);
    expect_number("0x820001", 8, TS_E_NOT_CANONICAL, 0);
    expect_number("0x88ffffffffffffffff", 8, TS_OK, UINT64_MAX);
    expect_number("0x89010000000000000000", 8, TS_E_RANGE, 0);
    expect_number("0x89000000000000000001", 8, TS_E_NOT_CANONICAL, 0);
    expect_number("0xc0", 8, TS_E_TYPE, 0);
}

static void reads_wide_numbers(void **state)
{
    (void)state;
    char text[79];
    struct ts_reader r = reader_of_hex("0x89010000000000000000");
    ts_u256 v = ts_read_u256(&r);
    assert_int_equal(ts_reader_done(&r), TS_OK);
    assert_string_equal(ts_u256_decimal(&v, text), "18446744073709551616");
    r = reader_of_hex("0xa1010000000000000000000000000000000000000000000000000000000000000000");
    v = ts_read_u256(&r);
    assert_int_equal(ts_reader_done(&r), TS_E_RANGE);
    assert_true(ts_u256_is_zero(&v));
    r = reader_of_hex("0x00");
    ts_read_u256(&r);
    assert_int_equal(ts_reader_done(&r), TS_E_NOT_CANONICAL);
}

static void reads_fixed_lengths(void **state)
{
    (void)state;
    uint8_t out[3] = {9, 9, 9};
    struct ts_reader r = reader_of_hex("0x83010203");
    ts_read_fixed(&r, out, sizeof(out));
    assert_int_equal(ts_reader_done(&r), TS_OK);
    assert_memory_equal(out, "\1\2\3", 3);
    static const char *const bad[] = {"0x820102", "0x8401020304", "0x80", "0x01"};
    for (size_t i = 0; i < TS_COUNT(bad); i++) {
        memset(out, 9, sizeof(out));
        r = reader_of_hex(bad[i]);
        ts_read_fixed(&r, out, sizeof(out));
        assert_int_equal(ts_reader_done(&r), TS_E_LENGTH);
        assert_memory_equal(out, "\0\0\0", 3);
    }
    ts_address address;
    ts_hash hash;
    ts_sig sig;
    r = reader_of_hex("0xc3808080");
    ts_read_list(&r);
    ts_read_address(&r, &address);
    ts_read_hash(&r, &hash);
    ts_read_sig(&r, &sig);
    assert_int_equal(ts_reader_done(&r), TS_E_LENGTH);
    assert_true(ts_hash_is_zero(&hash) && ts_address_is_zero(&address));
}

static void bounds_strings(void **state)
{
    (void)state;
    struct ts_reader r = reader_of_hex("0x83010203");
    assert_int_equal(ts_read_bytes(&r, 3).n, 3);
    assert_int_equal(ts_reader_done(&r), TS_OK);
    r = reader_of_hex("0x83010203");
    assert_int_equal(ts_read_bytes(&r, 2).n, 0);
    assert_int_equal(ts_reader_done(&r), TS_E_LIMIT);
}

static void counts_arity(void **state)
{
    (void)state;
    struct ts_reader r = reader_of_hex("0xc3010203");
    ts_read_list(&r);
    assert_int_equal(ts_read_count(&r), 3);
    ts_read_u64(&r);
    assert_int_equal(ts_read_count(&r), 2);
    ts_read_u64(&r);
    ts_read_list_end(&r); /* one item is left */
    assert_int_equal(ts_reader_done(&r), TS_E_ARITY);
    r = reader_of_hex("0xc101");
    ts_read_list(&r);
    ts_read_u64(&r);
    ts_read_u64(&r); /* no item is left */
    assert_int_equal(ts_reader_done(&r), TS_E_ARITY);
    r = reader_of_hex("0xc101");
    ts_read_list(&r);
    ts_read_u64(&r); /* the list is not left */
    assert_int_equal(ts_reader_done(&r), TS_E_ARITY);
    r = reader_of_hex("0xc20181"); /* the second header is cut off */
    ts_read_list(&r);
    assert_int_equal(ts_read_count(&r), 0);
    assert_int_equal(ts_reader_done(&r), TS_E_TRUNCATED);
    r = reader_of_hex("0x01");
    ts_read_list(&r);
    assert_int_equal(ts_reader_done(&r), TS_E_TYPE);
}

static void stops_at_the_depth(void **state)
{
    (void)state;
    uint8_t nested[200];
    for (size_t depth = 1; depth < 56; depth++) {
        for (size_t i = 0; i < depth; i++)
            nested[i] = (uint8_t)(0xc0 + depth - 1 - i);
        struct ts_reader r = ts_reader_of(ts_bytes_of(nested, depth));
        read_any(&r);
        assert_int_equal(ts_reader_done(&r), depth <= TS_RLP_DEPTH ? TS_OK : TS_E_LIMIT);
    }
}

/* After the first error nothing moves and every read gives zeros; the first error stays. */
static void errors_stick(void **state)
{
    (void)state;
    ts_hash hash = {{1}};
    struct ts_reader r = reader_of_hex("0xc401c00203");
    ts_read_list(&r);
    assert_int_equal(ts_read_u64(&r), 1);
    assert_int_equal(ts_read_u64(&r), 0); /* a list */
    const uint8_t *at = r.p;
    assert_int_equal(ts_read_u64(&r), 0);
    ts_read_hash(&r, &hash);
    assert_true(ts_hash_is_zero(&hash));
    assert_int_equal(ts_read_bytes(&r, 9).n, 0);
    assert_int_equal(ts_read_raw(&r).n, 0);
    assert_int_equal(ts_read_count(&r), 0);
    assert_false(ts_read_more(&r));
    assert_false(ts_read_is_list(&r));
    ts_read_list(&r);
    ts_read_list_end(&r);
    ts_read_list_end(&r);
    ts_read_list_end(&r);
    ts_reader_fail(&r, TS_E_LIMIT);
    assert_ptr_equal(r.p, at);
    assert_int_equal(ts_reader_done(&r), TS_E_TYPE);
}

static void reads_raw_items(void **state)
{
    (void)state;
    struct ts_reader r = reader_of_hex("0xc6c281008261620a");
    ts_read_list(&r);
    assert_true(ts_read_is_list(&r));
    ts_bytes raw = ts_read_raw(&r); /* its inside is not canonical and not looked at */
    assert_int_equal(raw.n, 3);
    raw = ts_read_raw(&r);
    assert_memory_equal(raw.p,
                        "\x82"
                        "ab",
                        3);
    assert_int_equal(ts_reader_done(&r), TS_E_ARITY);
}

static void writer_is_bounded(void **state)
{
    (void)state;
    struct ts_buf b;
    ts_buf_init(&b, 60);
    size_t outer = ts_put_list(&b);
    size_t inner = ts_put_list(&b);
    for (int i = 0; i < 59; i++)
        ts_put_u64(&b, 0);
    ts_put_list_end(&b, inner); /* the header makes 61 */
    ts_put_list_end(&b, outer);
    assert_int_equal(b.err, TS_E_LIMIT);
    ts_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_not_canonical),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(reads_wide_numbers),
        cmocka_unit_test(reads_fixed_lengths),
        cmocka_unit_test(bounds_strings),
        cmocka_unit_test(counts_arity),
        cmocka_unit_test(stops_at_the_depth),
        cmocka_unit_test(errors_stick),
        cmocka_unit_test(reads_raw_items),
        cmocka_unit_test(writer_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
