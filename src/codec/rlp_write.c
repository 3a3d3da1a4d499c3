/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/rlp.h"

#include <string.h>

#include "base/check.h"

/* Writes v big-endian without leading zeros to the end of out; returns how many bytes. */
static size_t minimal_be(uint64_t v, uint8_t out[8])
{
    size_t n = 0;
    for (; v != 0; v >>= 8)
        out[7 - n++] = (uint8_t)v;
    return n;
}

/* The header of a body of n bytes; kind is 0x80 for a string, 0xc0 for a list. */
static size_t make_header(uint8_t kind, size_t n, uint8_t out[TS_RLP_HEADER_MAX])
{
    if (n < 56) {
        out[0] = (uint8_t)(kind + n);
        return 1;
    }
    uint8_t be[8];
    size_t len = minimal_be(n, be);
    out[0] = (uint8_t)(kind + 55 + len);
    memcpy(out + 1, be + 8 - len, len);
    return 1 + len;
}

size_t ts_rlp_list_header(size_t body, uint8_t out[TS_RLP_HEADER_MAX])
{
    return make_header(0xc0, body, out);
}

size_t ts_rlp_bytes_header(ts_bytes v, uint8_t out[TS_RLP_HEADER_MAX])
{
    if (v.n == 1 && v.p[0] < 0x80)
        return 0;
    return make_header(0x80, v.n, out);
}

void ts_put_bytes(struct ts_buf *b, ts_bytes v)
{
    uint8_t header[TS_RLP_HEADER_MAX];
    size_t n = ts_rlp_bytes_header(v, header);
    uint8_t *at = ts_buf_extend(b, n + v.n);
    if (at == NULL)
        return;
    memcpy(at, header, n);
    if (v.n > 0)
        memcpy(at + n, v.p, v.n);
}

void ts_put_u64(struct ts_buf *b, uint64_t v)
{
    uint8_t be[8];
    if (v < 0x80) { /* most of all numbers */
        ts_buf_put_byte(b, v == 0 ? 0x80 : (uint8_t)v);
        return;
    }
    size_t n = minimal_be(v, be);
    ts_put_bytes(b, ts_bytes_of(be + 8 - n, n));
}

void ts_put_u256(struct ts_buf *b, const ts_u256 *v)
{
    uint8_t be[32];
    size_t skip = 0;
    ts_u256_to_be(v, be);
    while (skip < sizeof(be) && be[skip] == 0)
        skip++;
    ts_put_bytes(b, ts_bytes_of(be + skip, sizeof(be) - skip));
}

void ts_put_hash(struct ts_buf *b, const ts_hash *v)
{
    ts_put_bytes(b, ts_bytes_of(v->b, sizeof(v->b)));
}

void ts_put_address(struct ts_buf *b, const ts_address *v)
{
    ts_put_bytes(b, ts_bytes_of(v->b, sizeof(v->b)));
}

void ts_put_sig(struct ts_buf *b, const ts_sig *v)
{
    ts_put_bytes(b, ts_bytes_of(v->b, sizeof(v->b)));
}

void ts_put_raw(struct ts_buf *b, ts_bytes v)
{
    ts_buf_put(b, v.p, v.n);
}

size_t ts_put_list(struct ts_buf *b)
{
    return b->n;
}

void ts_put_list_end(struct ts_buf *b, size_t mark)
{
    uint8_t header[TS_RLP_HEADER_MAX];
    if (b->err != TS_OK)
        return;
    TS_CHECK(mark <= b->n);
    size_t body = b->n - mark;
    size_t n = ts_rlp_list_header(body, header);
    if (ts_buf_extend(b, n) == NULL)
        return;
    memmove(b->p + mark + n, b->p + mark, body);
    memcpy(b->p + mark, header, n);
}
