/* SPDX-License-Identifier: Apache-2.0 */
/* Notice 1: what decodes has one encoding. */
#include "base/check.h"
#include "chain/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ts_bytes in = ts_bytes_of(data, size);
    struct ts_whitelist_change change;
    struct ts_arena arena;
    struct ts_buf b;
    ts_arena_init(&arena, 64u * 1024);
    ts_buf_init(&b, 0);
    if (ts_whitelist_change_decode(in, &arena, &change) == TS_OK) {
        TS_CHECK(change.n_added <= TS_MAX_WHITELIST && change.n_removed <= TS_MAX_WHITELIST);
        ts_whitelist_change_put(&b, &change);
        TS_CHECK(b.err == TS_OK && ts_bytes_equal(ts_buf_bytes(&b), in));
    }
    ts_buf_free(&b);
    ts_arena_free(&arena);
    return 0;
}
