/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "chain/batch.h"
#include "chain/rollup.h"
#include "crypto/keccak.h"

static ts_err tell(const struct ts_rollup_batch *b, struct ts_rollup_said *out)
{
    struct ts_buf txs;
    ts_buf_init(&txs, 0);
    ts_txs_put(&txs, b->txs, b->n_txs);
    ts_err err = txs.err;
    if (err == TS_OK) {
        *out = (struct ts_rollup_said){
            .time = b->time, .term = b->term, .producer = b->producer, .l1_number = b->l1_number};
        ts_keccak256(ts_buf_bytes(&txs), &out->tx_root);
    }
    ts_buf_free(&txs);
    return err;
}

ts_err ts_rollup_said(ts_bytes data, size_t n, size_t at, struct ts_rollup_said *out)
{
    struct ts_arena arena;
    struct ts_rollup_batch *batches;
    TS_CHECK(at < n);
    ts_arena_init(&arena, TS_ROLLUP_ARENA);
    ts_err err = ts_rollup_decode(data, n, &arena, &batches);
    if (err == TS_OK)
        err = tell(&batches[at], out);
    ts_arena_free(&arena);
    return err;
}
