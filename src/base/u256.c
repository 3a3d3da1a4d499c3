/* SPDX-License-Identifier: Apache-2.0 */
#include "base/u256.h"

#include <string.h>

#include "base/check.h"

__extension__ typedef unsigned __int128 u128;

ts_u256 ts_u256_of(uint64_t v)
{
    return (ts_u256){.w = {v, 0, 0, 0}};
}

bool ts_u256_is_zero(const ts_u256 *a)
{
    return (a->w[0] | a->w[1] | a->w[2] | a->w[3]) == 0;
}

int ts_u256_compare(const ts_u256 *a, const ts_u256 *b)
{
    for (int i = 3; i >= 0; i--) {
        if (a->w[i] != b->w[i])
            return a->w[i] < b->w[i] ? -1 : 1;
    }
    return 0;
}

bool ts_u256_add(const ts_u256 *a, const ts_u256 *b, ts_u256 *out)
{
    ts_u256 sum;
    u128 carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (u128)a->w[i] + b->w[i];
        sum.w[i] = (uint64_t)carry;
        carry >>= 64;
    }
    if (carry != 0)
        return false;
    *out = sum;
    return true;
}

bool ts_u256_sub(const ts_u256 *a, const ts_u256 *b, ts_u256 *out)
{
    if (ts_u256_compare(a, b) < 0)
        return false;
    ts_u256 difference;
    u128 borrow = 0;
    for (int i = 0; i < 4; i++) {
        u128 d = (u128)a->w[i] - b->w[i] - borrow;
        difference.w[i] = (uint64_t)d;
        borrow = (d >> 64) & 1;
    }
    *out = difference;
    return true;
}

/* a * b + add; false on overflow. */
static bool mul_add(const ts_u256 *a, uint64_t b, uint64_t add, ts_u256 *out)
{
    ts_u256 product;
    u128 carry = add;
    for (int i = 0; i < 4; i++) {
        carry += (u128)a->w[i] * b;
        product.w[i] = (uint64_t)carry;
        carry >>= 64;
    }
    if (carry != 0)
        return false;
    *out = product;
    return true;
}

bool ts_u256_mul64(const ts_u256 *a, uint64_t b, ts_u256 *out)
{
    return mul_add(a, b, 0, out);
}

ts_u256 ts_u256_from_be(const uint8_t *p, size_t n)
{
    TS_CHECK(n <= 32);
    ts_u256 v = {.w = {0}};
    for (size_t i = 0; i < n; i++) {
        size_t at = n - 1 - i; /* the place of p[i], counted from the low end */
        v.w[at / 8] |= (uint64_t)p[i] << (8 * (at % 8));
    }
    return v;
}

void ts_u256_to_be(const ts_u256 *a, uint8_t out[32])
{
    for (size_t i = 0; i < 32; i++)
        out[31 - i] = (uint8_t)(a->w[i / 8] >> (8 * (i % 8)));
}

char *ts_u256_quantity(const ts_u256 *a, char *out)
{
    uint8_t be[32];
    char text[67];
    ts_u256_to_be(a, be);
    ts_hex(be, sizeof(be), text);
    const char *first = text + 2;
    while (first[0] == '0' && first[1] != '\0')
        first++;
    out[0] = '0';
    out[1] = 'x';
    memcpy(out + 2, first, strlen(first) + 1);
    return out;
}

/* Divides in place and returns the remainder. */
static uint64_t div_small(ts_u256 *a, uint64_t by)
{
    u128 rest = 0;
    for (int i = 3; i >= 0; i--) {
        rest = rest << 64 | a->w[i];
        a->w[i] = (uint64_t)(rest / by);
        rest %= by;
    }
    return (uint64_t)rest;
}

char *ts_u256_decimal(const ts_u256 *a, char *out)
{
    char digits[79];
    size_t n = 0;
    ts_u256 left = *a;
    do {
        digits[n++] = (char)('0' + div_small(&left, 10));
    } while (!ts_u256_is_zero(&left));
    for (size_t i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    out[n] = '\0';
    return out;
}

/* base: 10 or 16. False when c is no such digit. */
static bool digit_of(char c, uint64_t base, uint64_t *out)
{
    uint64_t d = 255;
    if (c >= '0' && c <= '9')
        d = (uint64_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
        d = (uint64_t)(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
        d = (uint64_t)(c - 'A') + 10;
    *out = d;
    return d < base;
}

ts_err ts_u256_parse(const char *text, ts_u256 *out)
{
    uint64_t base = 10;
    if (text[0] == '0' && text[1] == 'x') {
        base = 16;
        text += 2;
    }
    ts_u256 v = ts_u256_of(0);
    if (*text == '\0')
        return TS_E_RANGE;
    for (; *text != '\0'; text++) {
        uint64_t digit;
        if (!digit_of(*text, base, &digit) || !mul_add(&v, base, digit, &v))
            return TS_E_RANGE;
    }
    *out = v;
    return TS_OK;
}
