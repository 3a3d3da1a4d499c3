/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that return blocks, whole or in part, and the notification of new ones. */
#include <stdlib.h>

#include "base/check.h"
#include "rpc/internal.h"

/* ---- one block ------------------------------------------------------------------------------- */

struct want {
    struct ts_api *api;
    struct ts_rpc_call *call;
    bool full;
};

static json_t *txs_json(const struct ts_infos_batch *b, bool full)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < b->batch.n_txs; i++) {
        json_t *tx = NULL;
        if (full) {
            struct ts_tx_info info = ts_infos_read(b, i);
            struct ts_tx_place place = {.hash = &b->hash, .number = b->number, .index = i};
            tx = ts_tx_json(&info, &place);
        } else {
            tx = ts_json_hash(&b->tx_hashes[i]);
        }
        ok = json_array_append_new(list, tx) == 0;
    }
    return ts_json_if(ok, list);
}

static void on_block(void *ctx, ts_err err, const struct ts_infos_batch *b, const char *why)
{
    struct want w = *(struct want *)ctx;
    free(ctx);
    if (err != TS_OK) {
        ts_api_fail(w.call, err, why);
        return;
    }
    if (!ts_rpc_may_go_on(w.call))
        return;
    json_t *o = ts_block_json(w.api, &b->batch, &b->hash, true, b->gas_used);
    bool ok = o != NULL && ts_json_add(o, "transactions", txs_json(b, w.full));
    ts_rpc_result(w.call, ts_json_if(ok, o));
}

/* Loads the batch that was read and calls done with a struct want to free. */
static void load(struct ts_api *api, struct ts_rpc_call *call, const struct ts_api_batch *b,
                 bool full, ts_infos_done done)
{
    struct want *w = malloc(sizeof(*w));
    if (w == NULL) {
        ts_rpc_result(call, NULL);
        return;
    }
    *w = (struct want){.api = api, .call = call, .full = full};
    ts_infos_get(api->infos, b->number, &b->hash, b->raw, done, w);
}

static bool is_genesis(const struct ts_api *api, const struct ts_block_ref *ref)
{
    if (ref->kind == TS_BLOCK_HASH)
        return ts_hash_equal(&ref->hash, &api->backend.genesis->hash);
    return ts_api_number_of(api, ref) == 0;
}

static void get_block(struct ts_api *api, struct ts_rpc_call *call, const struct ts_block_ref *ref)
{
    bool full = false;
    struct ts_api_batch b;
    if (ts_rpc_has(call, 1, NULL) && !ts_rpc_param_bool(call, 1, NULL, &full))
        return;
    if (is_genesis(api, ref)) {
        ts_rpc_result(call, ts_genesis_block_json(api));
        return;
    }
    ts_err err = ts_api_batch_by_ref(api, ref, &b);
    if (err != TS_OK)
        ts_api_answer_missing(call, err);
    else
        load(api, call, &b, full, on_block);
}

static void eth_get_block_by_number(void *ctx, struct ts_rpc_call *call)
{
    struct ts_block_ref ref;
    if (ts_rpc_param_block(call, 0, NULL, &ref))
        get_block(ctx, call, &ref);
}

static void eth_get_block_by_hash(void *ctx, struct ts_rpc_call *call)
{
    struct ts_block_ref ref = {.kind = TS_BLOCK_HASH};
    if (ts_rpc_param_hash(call, 0, NULL, &ref.hash))
        get_block(ctx, call, &ref);
}

/* ---- receipts of a block, and its number of transactions ----------------------------------------
 */

static void on_receipts(void *ctx, ts_err err, const struct ts_infos_batch *b, const char *why)
{
    struct want w = *(struct want *)ctx;
    free(ctx);
    if (err != TS_OK) {
        ts_api_fail(w.call, err, why);
        return;
    }
    if (!ts_rpc_may_go_on(w.call))
        return;
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < b->batch.n_txs; i++)
        ok = json_array_append_new(list, ts_receipt_json(b, i)) == 0;
    ts_rpc_result(w.call, ts_json_if(ok, list));
}

static void eth_get_block_receipts(void *ctx, struct ts_rpc_call *call)
{
    struct ts_api *api = ctx;
    struct ts_block_ref ref;
    struct ts_api_batch b;
    if (!ts_rpc_param_block(call, 0, NULL, &ref))
        return;
    if (is_genesis(api, &ref)) {
        ts_rpc_result(call, json_array());
        return;
    }
    ts_err err = ts_api_batch_by_ref(api, &ref, &b);
    if (err != TS_OK)
        ts_api_answer_missing(call, err);
    else
        load(api, call, &b, false, on_receipts);
}

static void count_txs(void *ctx, const struct ts_batch *batch)
{
    *(size_t *)ctx = batch->n_txs;
}

static void tx_count(struct ts_api *api, struct ts_rpc_call *call, const struct ts_block_ref *ref)
{
    struct ts_api_batch b;
    size_t n = 0;
    if (is_genesis(api, ref)) {
        ts_rpc_result_u64(call, 0);
        return;
    }
    ts_err err = ts_api_batch_by_ref(api, ref, &b);
    if (err == TS_OK)
        err = ts_api_decode(b.raw, count_txs, &n);
    if (err != TS_OK)
        ts_api_answer_missing(call, err);
    else
        ts_rpc_result_u64(call, n);
}

static void eth_tx_count_by_number(void *ctx, struct ts_rpc_call *call)
{
    struct ts_block_ref ref;
    if (ts_rpc_param_block(call, 0, NULL, &ref))
        tx_count(ctx, call, &ref);
}

static void eth_tx_count_by_hash(void *ctx, struct ts_rpc_call *call)
{
    struct ts_block_ref ref = {.kind = TS_BLOCK_HASH};
    if (ts_rpc_param_hash(call, 0, NULL, &ref.hash))
        tx_count(ctx, call, &ref);
}

const struct ts_rpc_method ts_eth_block_methods[] = {
    {"eth_getBlockByNumber", TS_RPC_BY_POSITION | TS_RPC_HEAVY, eth_get_block_by_number,
     "block full"},
    {"eth_getBlockByHash", TS_RPC_BY_POSITION | TS_RPC_HEAVY, eth_get_block_by_hash, "hash full"},
    {"eth_getBlockReceipts", TS_RPC_BY_POSITION | TS_RPC_HEAVY, eth_get_block_receipts, "block"},
    {"eth_getBlockTransactionCountByNumber", TS_RPC_BY_POSITION | TS_RPC_HEAVY,
     eth_tx_count_by_number, "block"},
    {"eth_getBlockTransactionCountByHash", TS_RPC_BY_POSITION | TS_RPC_HEAVY, eth_tx_count_by_hash,
     "hash"},
    {"eth_feeHistory", TS_RPC_BY_POSITION | TS_RPC_HEAVY, ts_eth_fee_history,
     "count newest percentiles"},
};
const size_t ts_eth_n_block_methods = TS_COUNT(ts_eth_block_methods);
