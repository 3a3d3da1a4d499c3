/* SPDX-License-Identifier: Apache-2.0 */
/* Batches from peers: no bytes crash the decoder, and what decodes has one encoding. */
#include "base/check.h"
#include "chain/batch.h"
#include "crypto/keccak.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_decoded(const struct ts_batch *batch)
{
    struct ts_buf again;
    ts_hash by_pieces;
    ts_hash whole;
    ts_buf_init(&again, 0);
    ts_batch_put(&again, batch);
    TS_CHECK(again.err == TS_OK && ts_bytes_equal(ts_buf_bytes(&again), batch->raw));
    ts_buf_reset(&again);
    ts_payload_put(&again, &batch->payload);
    TS_CHECK(ts_bytes_equal(ts_buf_bytes(&again), batch->raw_payload));
    ts_tx_root(batch, &by_pieces);
    ts_keccak256(batch->raw_txs, &whole);
    TS_CHECK(ts_hash_equal(&by_pieces, &whole));
    ts_buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ts_arena arena;
    struct ts_batch batch;
    ts_arena_init(&arena, 8u * 1024 * 1024);
    if (ts_batch_decode(ts_bytes_of(data, size), TS_MAX_BATCH_BYTES, &arena, &batch) == TS_OK)
        check_decoded(&batch);
    ts_arena_free(&arena);
    return 0;
}
