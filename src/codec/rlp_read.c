/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/rlp.h"

#include <string.h>

#include "base/check.h"

/* One item: its header, if it has one, and its body. */
struct item {
    const uint8_t *body;
    size_t n;
    bool is_list;
};

/* The length that follows a long header; first is its leading byte less 0xb7 or 0xf7. */
static ts_err long_length(const uint8_t **p, const uint8_t *end, size_t digits, size_t *out)
{
    uint64_t n = 0;
    if ((size_t)(end - *p) < digits)
        return TS_E_TRUNCATED;
    if (**p == 0)
        return TS_E_NOT_CANONICAL;
    for (size_t i = 0; i < digits; i++)
        n = n << 8 | *(*p)++;
    if (n < 56)
        return TS_E_NOT_CANONICAL;
    if (n > SIZE_MAX)
        return TS_E_TRUNCATED;
    *out = (size_t)n;
    return TS_OK;
}

/* Parses the item at p. Looks at nothing at or behind end. */
static ts_err parse(const uint8_t *p, const uint8_t *end, struct item *out)
{
    if (p == end)
        return TS_E_TRUNCATED;
    uint8_t first = *p++;
    struct item item = {.is_list = first >= 0xc0};
    ts_err err = TS_OK;
    if (first < 0x80) {
        p--;
        item.n = 1;
    } else {
        size_t code = item.is_list ? first - 0xc0u : first - 0x80u;
        if (code < 56)
            item.n = code;
        else
            err = long_length(&p, end, code - 55, &item.n);
    }
    if (err != TS_OK)
        return err;
    if (item.n > (size_t)(end - p))
        return TS_E_TRUNCATED;
    if (first == 0x81 && *p < 0x80)
        return TS_E_NOT_CANONICAL;
    item.body = p;
    *out = item;
    return TS_OK;
}

struct ts_reader ts_reader_of(ts_bytes in)
{
    static const uint8_t nothing[1];
    const uint8_t *p = in.n > 0 ? in.p : nothing;
    return (struct ts_reader){.p = p, .end = p + in.n, .err = TS_OK};
}

ts_err ts_reader_done(const struct ts_reader *r)
{
    if (r->err != TS_OK)
        return r->err;
    if (r->depth > 0)
        return TS_E_ARITY;
    return r->p == r->end ? TS_OK : TS_E_TRAILING;
}

void ts_reader_fail(struct ts_reader *r, ts_err err)
{
    TS_CHECK(err != TS_OK);
    if (r->err == TS_OK)
        r->err = err;
}

void ts_reader_want(struct ts_reader *r, bool ok)
{
    if (!ok)
        ts_reader_fail(r, TS_E_CORRUPT);
}

/* Parses the next item without moving. False: the reader has failed. */
static bool peek(struct ts_reader *r, struct item *out)
{
    if (r->err != TS_OK)
        return false;
    if (r->p == r->end && r->depth > 0)
        r->err = TS_E_ARITY;
    else
        r->err = parse(r->p, r->end, out);
    return r->err == TS_OK;
}

/* Takes the next item, which must be a string. */
static bool take_string(struct ts_reader *r, struct item *out)
{
    if (!peek(r, out))
        return false;
    if (out->is_list) {
        r->err = TS_E_TYPE;
        return false;
    }
    r->p = out->body + out->n;
    return true;
}

void ts_read_list(struct ts_reader *r)
{
    struct item item;
    if (!peek(r, &item))
        return;
    if (!item.is_list) {
        r->err = TS_E_TYPE;
    } else if (r->depth == TS_RLP_DEPTH) {
        r->err = TS_E_LIMIT;
    } else {
        r->outer[r->depth++] = r->end;
        r->p = item.body;
        r->end = item.body + item.n;
    }
}

void ts_read_list_end(struct ts_reader *r)
{
    if (r->err != TS_OK)
        return;
    TS_CHECK(r->depth > 0);
    if (r->p != r->end) {
        r->err = TS_E_ARITY;
        return;
    }
    r->end = r->outer[--r->depth];
}

bool ts_read_more(const struct ts_reader *r)
{
    return r->err == TS_OK && r->p != r->end;
}

size_t ts_read_count(struct ts_reader *r)
{
    size_t count = 0;
    struct item item;
    if (r->err != TS_OK)
        return 0;
    for (const uint8_t *p = r->p; p != r->end; p = item.body + item.n) {
        r->err = parse(p, r->end, &item);
        if (r->err != TS_OK)
            return 0;
        count++;
    }
    return count;
}

/* Takes a minimal big-endian number of at most max bytes. */
static bool take_number(struct ts_reader *r, size_t max, struct item *out)
{
    if (!take_string(r, out))
        return false;
    if (out->n > 0 && out->body[0] == 0)
        r->err = TS_E_NOT_CANONICAL;
    else if (out->n > max)
        r->err = TS_E_RANGE;
    return r->err == TS_OK;
}

uint64_t ts_read_uint(struct ts_reader *r, unsigned bytes)
{
    struct item item;
    uint64_t v = 0;
    TS_CHECK(bytes >= 1 && bytes <= 8);
    if (!take_number(r, bytes, &item))
        return 0;
    for (size_t i = 0; i < item.n; i++)
        v = v << 8 | item.body[i];
    return v;
}

uint64_t ts_read_u64(struct ts_reader *r)
{
    return ts_read_uint(r, 8);
}

uint64_t ts_read_at_most(struct ts_reader *r, uint64_t max)
{
    uint64_t v = ts_read_u64(r);
    ts_reader_want(r, v <= max);
    return r->err == TS_OK ? v : 0;
}

ts_u256 ts_read_u256(struct ts_reader *r)
{
    struct item item;
    if (!take_number(r, 32, &item))
        return ts_u256_of(0);
    return ts_u256_from_be(item.body, item.n);
}

void ts_read_fixed(struct ts_reader *r, void *out, size_t n)
{
    struct item item;
    memset(out, 0, n);
    if (!take_string(r, &item))
        return;
    if (item.n != n)
        r->err = TS_E_LENGTH;
    else
        memcpy(out, item.body, n);
}

void ts_read_hash(struct ts_reader *r, ts_hash *out)
{
    ts_read_fixed(r, out->b, sizeof(out->b));
}

void ts_read_address(struct ts_reader *r, ts_address *out)
{
    ts_read_fixed(r, out->b, sizeof(out->b));
}

void ts_read_sig(struct ts_reader *r, ts_sig *out)
{
    ts_read_fixed(r, out->b, sizeof(out->b));
}

ts_bytes ts_read_bytes(struct ts_reader *r, size_t max)
{
    struct item item;
    if (!take_string(r, &item))
        return ts_bytes_of(NULL, 0);
    if (item.n > max) {
        r->err = TS_E_LIMIT;
        return ts_bytes_of(NULL, 0);
    }
    return ts_bytes_of(item.body, item.n);
}

ts_bytes ts_read_raw(struct ts_reader *r)
{
    struct item item;
    if (!peek(r, &item))
        return ts_bytes_of(NULL, 0);
    const uint8_t *start = r->p;
    r->p = item.body + item.n;
    return ts_bytes_of(start, (size_t)(r->p - start));
}

bool ts_read_is_list(const struct ts_reader *r)
{
    return ts_read_more(r) && *r->p >= 0xc0;
}
