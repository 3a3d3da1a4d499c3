/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/rollup_columns.h"

void ts_column_init(struct ts_column *c)
{
    ts_buf_init(&c->bytes, TS_ROLLUP_MAX_RAW);
    c->zeros = 0;
}

void ts_column_free(struct ts_column *c)
{
    ts_buf_free(&c->bytes);
}

void ts_column_put_varint(struct ts_column *c, uint64_t v)
{
    while (v >= 0x80) {
        ts_buf_put_byte(&c->bytes, (uint8_t)(v | 0x80));
        v >>= 7;
    }
    ts_buf_put_byte(&c->bytes, (uint8_t)v);
}

static void put_token(struct ts_column *c, uint64_t v, bool is_run)
{
    uint8_t first = (uint8_t)((v & 0x3f) << 1 | (is_run ? 1 : 0));
    v >>= 6;
    ts_buf_put_byte(&c->bytes, v > 0 ? first | 0x80 : first);
    if (v > 0)
        ts_column_put_varint(c, v);
}

void ts_column_end(struct ts_column *c)
{
    if (c->zeros > 0)
        put_token(c, c->zeros - 1, true);
    c->zeros = 0;
}

void ts_column_put(struct ts_column *c, uint64_t v)
{
    if (v == 0) {
        c->zeros++;
        return;
    }
    ts_column_end(c);
    put_token(c, v, false);
}

void ts_column_put_bytes(struct ts_column *c, ts_bytes v)
{
    ts_buf_put(&c->bytes, v.p, v.n);
}

uint64_t ts_zigzag(uint64_t difference)
{
    return difference << 1 ^ (difference >> 63 != 0 ? UINT64_MAX : 0);
}

uint64_t ts_unzigzag(uint64_t v)
{
    return v >> 1 ^ ((v & 1) != 0 ? UINT64_MAX : 0);
}

uint64_t ts_rollup_time_next(uint64_t at, uint64_t step, uint64_t off, unsigned shift)
{
    bool is_early = off >> 63 != 0;
    uint64_t part = (is_early ? 0 - off : off) >> shift;
    return at + step + (is_early ? 0 - part : part);
}

struct ts_column_reader ts_column_reader_of(ts_bytes column)
{
    static const uint8_t nothing[1];
    const uint8_t *p = column.n > 0 ? column.p : nothing;
    return (struct ts_column_reader){.p = p, .end = p + column.n};
}

void ts_column_fail(struct ts_column_reader *r, ts_err err)
{
    if (r->err == TS_OK)
        r->err = err;
}

static uint8_t get_byte(struct ts_column_reader *r)
{
    if (r->err == TS_OK && r->p == r->end)
        r->err = TS_E_TRUNCATED;
    return r->err == TS_OK ? *r->p++ : 0;
}

/* The bytes that follow one which said so: seven bits each from bit shift on, the last not zero. */
static uint64_t get_more(struct ts_column_reader *r, unsigned shift)
{
    uint64_t v = 0;
    for (;; shift += 7) {
        uint8_t byte = get_byte(r);
        uint64_t part = byte & 0x7f;
        if (shift > 63 || part << shift >> shift != part)
            ts_column_fail(r, TS_E_RANGE);
        else
            v |= part << shift;
        if (byte == 0)
            ts_column_fail(r, TS_E_NOT_CANONICAL);
        if (r->err != TS_OK)
            return 0;
        if ((byte & 0x80) == 0)
            return v;
    }
}

uint64_t ts_column_get_varint(struct ts_column_reader *r)
{
    uint8_t first = get_byte(r);
    uint64_t v = first & 0x7f;
    if ((first & 0x80) != 0)
        v |= get_more(r, 7);
    return r->err == TS_OK ? v : 0;
}

uint64_t ts_column_get(struct ts_column_reader *r)
{
    if (r->zeros > 0) {
        r->zeros--;
        return 0;
    }
    uint8_t first = get_byte(r);
    bool is_run = (first & 1) != 0;
    uint64_t v = first >> 1 & 0x3f;
    if ((first & 0x80) != 0)
        v |= get_more(r, 6);
    if (is_run ? r->was_zeros : v == 0)
        ts_column_fail(r, TS_E_NOT_CANONICAL);
    if (r->err != TS_OK)
        return 0;
    r->was_zeros = is_run;
    r->zeros = is_run ? v : 0; /* the run's first is given now */
    return is_run ? 0 : v;
}

const uint8_t *ts_column_get_bytes(struct ts_column_reader *r, uint64_t n)
{
    if (r->err == TS_OK && n > (uint64_t)(r->end - r->p))
        r->err = TS_E_TRUNCATED;
    if (r->err != TS_OK)
        return NULL;
    r->p += n;
    return r->p - n;
}

ts_err ts_column_done(const struct ts_column_reader *r)
{
    if (r->err != TS_OK)
        return r->err;
    return r->p == r->end && r->zeros == 0 ? TS_OK : TS_E_TRAILING;
}
