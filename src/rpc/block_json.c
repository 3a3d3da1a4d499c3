/* SPDX-License-Identifier: Apache-2.0 */
/* Batches as blocks; api.h says what each member is. */
#include "rpc/internal.h"

#define EMPTY_UNCLES "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
#define EMPTY_TRIE   "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
#define ZERO_HASH    "0x0000000000000000000000000000000000000000000000000000000000000000"

static bool add_constants(const struct ts_api *api, json_t *o)
{
    const struct ts_params *p = &api->backend.genesis->params;
    return ts_json_add(o, "sha3Uncles", json_string_nocheck(EMPTY_UNCLES)) &&
           ts_json_add(o, "receiptsRoot", json_string_nocheck(EMPTY_TRIE)) &&
           ts_json_add(o, "logsBloom", ts_bloom_json()) &&
           ts_json_add(o, "difficulty", ts_json_quantity(0)) &&
           ts_json_add(o, "totalDifficulty", ts_json_quantity(0)) &&
           ts_json_add(o, "extraData", json_string_nocheck("0x")) &&
           ts_json_add(o, "nonce", json_string_nocheck("0x0000000000000000")) &&
           ts_json_add(o, "mixHash", json_string_nocheck(ZERO_HASH)) &&
           ts_json_add(o, "gasLimit", ts_json_quantity(p->batch_gas_limit)) &&
           ts_json_add(o, "baseFeePerGas", ts_json_quantity(p->base_fee)) &&
           ts_json_add(o, "uncles", json_array());
}

static bool add_header(json_t *o, const struct ts_batch_header *h, const ts_hash *hash, size_t size)
{
    return ts_json_add(o, "number", ts_json_quantity(h->number)) &&
           ts_json_add(o, "hash", ts_json_hash(hash)) &&
           ts_json_add(o, "parentHash", ts_json_hash(&h->parent_hash)) &&
           ts_json_add(o, "timestamp", ts_json_quantity(h->time / 1000)) &&
           ts_json_add(o, "miner", ts_json_address(&h->producer)) &&
           ts_json_add(o, "stateRoot", ts_json_hash(&h->state_root)) &&
           ts_json_add(o, "transactionsRoot", ts_json_hash(&h->tx_root)) &&
           ts_json_add(o, "size", ts_json_quantity(size));
}

json_t *ts_block_json(const struct ts_api *api, const struct ts_batch *batch, const ts_hash *hash,
                      bool has_gas, uint64_t gas_used)
{
    json_t *o = json_object();
    bool ok = add_header(o, &batch->header, hash, batch->raw.n) && add_constants(api, o);
    if (ok && has_gas)
        ok = ts_json_add(o, "gasUsed", ts_json_quantity(gas_used));
    return ts_json_if(ok, o);
}

json_t *ts_genesis_block_json(const struct ts_api *api)
{
    const struct ts_genesis *g = api->backend.genesis;
    struct ts_batch_header h = {
        .time = g->time, .state_root = api->backend.genesis_state_root, .producer = g->coinbase};
    struct ts_batch empty = {.n_txs = 0};
    ts_tx_root(&empty, &h.tx_root);
    json_t *o = json_object();
    bool ok = add_header(o, &h, &g->hash, 0) && add_constants(api, o) &&
              ts_json_add(o, "gasUsed", ts_json_quantity(0)) &&
              ts_json_add(o, "transactions", json_array());
    return ts_json_if(ok, o);
}
