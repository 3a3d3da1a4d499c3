/* SPDX-License-Identifier: Apache-2.0 */
/* Columns as they stand in the data: compressed with brotli (RFC 7932) where that is shorter. */
#include <brotli/decode.h>
#include <brotli/encode.h>
#include <stdlib.h>

#include "chain/rollup_columns.h"

/* Above this a column is of transactions, and the last percent is not worth the time in which an
 * enclave does nothing else. */
#define THOROUGH_MAX (16u * 1024)
#define TRY_MIN      32u /* below, there is nothing to gain */
#define QUICK        9

static void put_varint(struct ts_buf *b, uint64_t v)
{
    while (v >= 0x80) {
        ts_buf_put_byte(b, (uint8_t)(v | 0x80));
        v >>= 7;
    }
    ts_buf_put_byte(b, (uint8_t)v);
}

/* The smallest window that holds all: memory grows with it. */
static int window_for(size_t n)
{
    int bits = BROTLI_MIN_WINDOW_BITS;
    while (bits < BROTLI_DEFAULT_WINDOW && ((size_t)1 << bits) - 16 < n)
        bits++;
    return bits;
}

/* At most room bytes at out. 0: it takes more, or there is no memory: then it is stored as it is,
 * which is as good for whoever reads it. */
static size_t compress(ts_bytes in, uint8_t *out, size_t room)
{
    int quality = in.n <= THOROUGH_MAX ? BROTLI_MAX_QUALITY : QUICK;
    size_t n = room;
    if (!BrotliEncoderCompress(quality, window_for(in.n), BROTLI_MODE_GENERIC, in.n, in.p, &n, out))
        return 0;
    return n;
}

static size_t varint_size(uint64_t v)
{
    size_t n = 1;
    for (; v >= 0x80; v >>= 7)
        n++;
    return n;
}

void ts_column_pack(struct ts_buf *out, ts_bytes column, enum ts_squeeze how)
{
    size_t n = 0;
    uint8_t *squeezed = NULL;
    if (how == TS_SQUEEZE_TRY && column.n >= TRY_MIN)
        squeezed = malloc(column.n);
    /* With its second number it must not take more than it would as it is. */
    if (squeezed != NULL)
        n = compress(column, squeezed, column.n - varint_size(column.n));
    if (n > 0) {
        put_varint(out, 2 * (uint64_t)n + 1);
        put_varint(out, column.n);
        ts_buf_put(out, squeezed, n);
    } else {
        put_varint(out, 2 * (uint64_t)column.n);
        ts_buf_put(out, column.p, column.n);
    }
    free(squeezed);
}

/* Exactly out_n bytes from exactly the input. */
static ts_err decompress(ts_bytes in, uint8_t *out, size_t out_n)
{
    BrotliDecoderState *d = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    if (d == NULL)
        return TS_E_NOMEM;
    size_t in_left = in.n, out_left = out_n;
    BrotliDecoderResult result =
        BrotliDecoderDecompressStream(d, &in_left, &in.p, &out_left, &out, NULL);
    int code = (int)BrotliDecoderGetErrorCode(d);
    BrotliDecoderDestroyInstance(d);
    if (result == BROTLI_DECODER_RESULT_ERROR && code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES)
        return TS_E_NOMEM;
    if (result == BROTLI_DECODER_RESULT_SUCCESS && in_left == 0 && out_left == 0)
        return TS_OK;
    return TS_E_CORRUPT;
}

ts_err ts_column_unpack(struct ts_column_reader *data, struct ts_arena *arena, size_t *room,
                        ts_bytes *out)
{
    uint64_t head = ts_column_get_varint(data);
    bool is_squeezed = (head & 1) != 0;
    uint64_t size = is_squeezed ? ts_column_get_varint(data) : head >> 1;
    const uint8_t *p = ts_column_get_bytes(data, head >> 1);
    if (data->err != TS_OK)
        return data->err;
    if (size > *room)
        return TS_E_LIMIT;
    /* Who is longer than what it stands for should not be compressed. */
    if (is_squeezed && size <= head >> 1)
        return TS_E_NOT_CANONICAL;
    *room -= (size_t)size;
    *out = ts_bytes_of(p, (size_t)size);
    if (!is_squeezed)
        return TS_OK;
    uint8_t *plain = ts_arena_alloc(arena, (size_t)size);
    if (plain == NULL)
        return TS_E_NOMEM;
    out->p = plain;
    return decompress(ts_bytes_of(p, (size_t)(head >> 1)), plain, (size_t)size);
}
