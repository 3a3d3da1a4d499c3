/* SPDX-License-Identifier: Apache-2.0 */
/* Hex and amounts as text from users and wallets. */
#include <string.h>

#include "base/check.h"
#include "base/u256.h"

#define MAX 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What parses as hex prints as the same digits. */
static void hex(const char *text)
{
    uint8_t bytes[MAX];
    char again[2 * MAX + 3];
    size_t n = 0;
    ts_err err = ts_unhex_any(text, bytes, sizeof(bytes), &n);
    if (err == TS_OK) {
        TS_CHECK(strcasecmp(ts_hex(bytes, n, again), text) == 0);
        TS_CHECK(ts_unhex(text, bytes, n) == TS_OK);
        TS_CHECK(ts_unhex(text, bytes, n + 1) == TS_E_HEX);
    }
    ts_address address;
    if (ts_unhex(text, address.b, sizeof(address.b)) == TS_OK)
        TS_CHECK(err == TS_OK && n == sizeof(address.b));
}

/* What parses as an amount is the same after each way of printing it. */
static void amount(const char *text)
{
    ts_u256 v;
    ts_u256 back;
    char printed[79];
    if (ts_u256_parse(text, &v) != TS_OK)
        return;
    TS_CHECK(ts_u256_parse(ts_u256_decimal(&v, printed), &back) == TS_OK);
    TS_CHECK(ts_u256_compare(&v, &back) == 0);
    TS_CHECK(ts_u256_parse(ts_u256_quantity(&v, printed), &back) == TS_OK);
    TS_CHECK(ts_u256_compare(&v, &back) == 0);
    uint8_t be[32];
    ts_u256_to_be(&v, be);
    back = ts_u256_from_be(be, sizeof(be));
    TS_CHECK(ts_u256_compare(&v, &back) == 0);
}

/* a + b - b is a, and a + a is a * 2, or both overflow. */
static void arithmetic(const uint8_t *data, size_t size)
{
    size_t half = size / 2 < 32 ? size / 2 : 32;
    ts_u256 a = ts_u256_from_be(data, half);
    ts_u256 b = ts_u256_from_be(data + size - half, half);
    ts_u256 sum;
    ts_u256 twice;
    if (ts_u256_add(&a, &b, &sum)) {
        TS_CHECK(ts_u256_compare(&sum, &a) >= 0);
        TS_CHECK(ts_u256_sub(&sum, &b, &sum) && ts_u256_compare(&sum, &a) == 0);
    }
    bool fits = ts_u256_add(&a, &a, &sum);
    TS_CHECK(ts_u256_mul64(&a, 2, &twice) == fits);
    TS_CHECK(!fits || ts_u256_compare(&sum, &twice) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    TS_CHECK(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    hex(text);
    amount(text);
    arithmetic(data, size);
    free(text);
    return 0;
}
