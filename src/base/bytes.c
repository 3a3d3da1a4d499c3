/* SPDX-License-Identifier: Apache-2.0 */
#include "tenseq/bytes.h"

#include <string.h>

ts_bytes ts_bytes_of(const void *p, size_t n)
{
    return (ts_bytes){.p = p, .n = n};
}

bool ts_bytes_equal(ts_bytes a, ts_bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int ts_hash_compare(const ts_hash *a, const ts_hash *b)
{
    return memcmp(a->b, b->b, sizeof(a->b));
}

int ts_address_compare(const ts_address *a, const ts_address *b)
{
    return memcmp(a->b, b->b, sizeof(a->b));
}

bool ts_hash_equal(const ts_hash *a, const ts_hash *b)
{
    return ts_hash_compare(a, b) == 0;
}

bool ts_address_equal(const ts_address *a, const ts_address *b)
{
    return ts_address_compare(a, b) == 0;
}

bool ts_address_among(const ts_address *list, size_t n, const ts_address *id)
{
    for (size_t i = 0; i < n; i++)
        if (ts_address_equal(&list[i], id))
            return true;
    return false;
}

static bool all_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any == 0;
}

bool ts_hash_is_zero(const ts_hash *h)
{
    return all_zero(h->b, sizeof(h->b));
}

bool ts_address_is_zero(const ts_address *a)
{
    return all_zero(a->b, sizeof(a->b));
}

char *ts_hex(const void *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = p;
    char *at = out;
    *at++ = '0';
    *at++ = 'x';
    for (size_t i = 0; i < n; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    *at = '\0';
    return out;
}

/* -1: not a hex digit. */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The number of hex digits after 0x; SIZE_MAX when the text is anything else. */
static size_t count_digits(const char *text)
{
    if (text[0] != '0' || text[1] != 'x')
        return SIZE_MAX;
    size_t n = 0;
    while (text[2 + n] != '\0') {
        if (hex_digit(text[2 + n]) < 0)
            return SIZE_MAX;
        n++;
    }
    return n;
}

static void read_digits(const char *digits, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)((unsigned)hex_digit(digits[2 * i]) << 4 |
                           (unsigned)hex_digit(digits[2 * i + 1]));
}

ts_err ts_unhex(const char *text, void *out, size_t n)
{
    size_t digits = count_digits(text);
    if (digits == SIZE_MAX || digits % 2 != 0 || digits / 2 != n)
        return TS_E_HEX;
    read_digits(text + 2, out, n);
    return TS_OK;
}

ts_err ts_unhex_any(const char *text, uint8_t *out, size_t max, size_t *len)
{
    size_t digits = count_digits(text);
    if (digits == SIZE_MAX || digits % 2 != 0)
        return TS_E_HEX;
    if (digits / 2 > max)
        return TS_E_LIMIT;
    read_digits(text + 2, out, digits / 2);
    *len = digits / 2;
    return TS_OK;
}
