/* SPDX-License-Identifier: Apache-2.0 */
/* The data of rollups: hostile ones give an error and stay in their memory; what decodes comes back
 * when it is encoded again. The first two bytes of the input say how many batches. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/rollup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(const struct ts_rollup_batch *a, const struct ts_rollup_batch *b)
{
    bool same = a->time == b->time && a->term == b->term && a->l1_number == b->l1_number &&
                ts_address_equal(&a->producer, &b->producer) && a->n_txs == b->n_txs;
    for (size_t i = 0; same && i < a->n_txs; i++)
        same = ts_bytes_equal(a->txs[i], b->txs[i]);
    return same;
}

/* Every input is also a transaction that goes in and has to come out. */
static void carry(ts_bytes raw)
{
    struct ts_rollup_batch b = {.txs = &raw, .n_txs = 1};
    struct ts_rollup_batch *got;
    struct ts_arena arena;
    struct ts_buf out;
    ts_arena_init(&arena, TS_ROLLUP_ARENA);
    ts_buf_init(&out, 0);
    TS_CHECK(ts_rollup_encode(&b, 1, TS_ROLLUP_MAX_SINGLE, &out, NULL) == TS_OK);
    TS_CHECK(ts_rollup_decode(ts_buf_bytes(&out), 1, &arena, &got) == TS_OK);
    TS_CHECK(is_same(&b, got));
    ts_buf_free(&out);
    ts_arena_free(&arena);
}

static void read_back(const struct ts_rollup_batch *b, size_t n)
{
    struct ts_rollup_batch *got;
    struct ts_arena arena;
    struct ts_buf out;
    ts_arena_init(&arena, TS_ROLLUP_ARENA);
    ts_buf_init(&out, 0);
    ts_err err = ts_rollup_encode(b, n, ts_rollup_data_max(n), &out, NULL);
    /* Bytes that our compressor makes longer than theirs may not fit any more. */
    TS_CHECK(err == TS_OK || err == TS_E_LIMIT);
    if (err == TS_OK) {
        TS_CHECK(ts_rollup_decode(ts_buf_bytes(&out), n, &arena, &got) == TS_OK);
        for (size_t i = 0; i < n; i++)
            TS_CHECK(is_same(&b[i], &got[i]));
    }
    ts_buf_free(&out);
    ts_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ts_rollup_batch *got = NULL;
    struct ts_arena arena;
    carry(ts_bytes_of(data, size));
    if (size < 2)
        return 0;
    size_t n = (size_t)data[0] << 8 | data[1];
    ts_arena_init(&arena, TS_ROLLUP_ARENA);
    ts_err err = ts_rollup_decode(ts_bytes_of(data + 2, size - 2), n, &arena, &got);
    TS_CHECK((err == TS_OK) == (got != NULL));
    if (err == TS_OK)
        read_back(got, n);
    ts_arena_free(&arena);
    return 0;
}
