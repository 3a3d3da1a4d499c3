/* SPDX-License-Identifier: Apache-2.0 */
/* The RLP reader on any bytes: it stays inside them, and what it reads the writer writes again. */
#include <string.h>

#include "base/check.h"
#include "codec/rlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads one item, whatever its shape, and writes it. */
static void copy(struct ts_reader *r, struct ts_buf *b)
{
    if (!ts_read_is_list(r)) {
        ts_put_bytes(b, ts_read_bytes(r, SIZE_MAX));
        return;
    }
    ts_read_list(r);
    size_t mark = ts_put_list(b);
    size_t count = ts_read_count(r);
    for (; ts_read_more(r); count--)
        copy(r, b);
    TS_CHECK(r->err != TS_OK || count == 0);
    ts_read_list_end(r);
    ts_put_list_end(b, mark);
}

/* Each typed read on the same bytes: a number or fixed string that is read is written the same. */
static void read_typed(ts_bytes in, struct ts_buf *b)
{
    struct ts_reader r = ts_reader_of(in);
    ts_hash hash;
    uint64_t number = ts_read_u64(&r);
    if (ts_reader_done(&r) == TS_OK) {
        ts_buf_reset(b);
        ts_put_u64(b, number);
        TS_CHECK(ts_bytes_equal(ts_buf_bytes(b), in));
    }
    r = ts_reader_of(in);
    ts_u256 wide = ts_read_u256(&r);
    if (ts_reader_done(&r) == TS_OK) {
        ts_buf_reset(b);
        ts_put_u256(b, &wide);
        TS_CHECK(ts_bytes_equal(ts_buf_bytes(b), in));
    }
    r = ts_reader_of(in);
    ts_read_hash(&r, &hash);
    TS_CHECK(ts_reader_done(&r) == TS_OK || r.err == TS_OK || ts_hash_is_zero(&hash));
    r = ts_reader_of(in);
    ts_bytes raw = ts_read_raw(&r);
    TS_CHECK(raw.n <= in.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ts_bytes in = ts_bytes_of(data, size);
    struct ts_reader r = ts_reader_of(in);
    struct ts_buf b;
    ts_buf_init(&b, 0);
    copy(&r, &b);
    if (ts_reader_done(&r) == TS_OK)
        TS_CHECK(b.err == TS_OK && ts_bytes_equal(ts_buf_bytes(&b), in));
    read_typed(in, &b);
    ts_buf_free(&b);
    return 0;
}
