/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions and receipts as wallets expect them. */
#include <string.h>

#include "rpc/internal.h"

static const char zero_bloom[] = "0x"
                                 "0000000000000000000000000000000000000000000000000000000000000000"
                                 "0000000000000000000000000000000000000000000000000000000000000000"
                                 "0000000000000000000000000000000000000000000000000000000000000000"
                                 "0000000000000000000000000000000000000000000000000000000000000000"
                                 "0000000000000000000000000000000000000000000000000000000000000000"
                                 "0000000000000000000000000000000000000000000000000000000000000000"
                                 "0000000000000000000000000000000000000000000000000000000000000000"
                                 "0000000000000000000000000000000000000000000000000000000000000000";

json_t *ts_bloom_json(void)
{
    return json_string_nocheck(zero_bloom);
}

static json_t *access_entry_json(struct ts_reader *r)
{
    ts_address address;
    json_t *keys = json_array();
    ts_read_list(r);
    ts_read_address(r, &address);
    ts_read_list(r);
    bool ok = keys != NULL;
    while (ok && ts_read_more(r)) {
        ts_hash key;
        ts_read_hash(r, &key);
        ok = json_array_append_new(keys, ts_json_hash(&key)) == 0;
    }
    ts_read_list_end(r);
    ts_read_list_end(r);
    json_t *o = json_object();
    ok = ok && ts_json_add(o, "address", ts_json_address(&address)) &&
         ts_json_add(o, "storageKeys", json_incref(keys));
    json_decref(keys);
    return ts_json_if(ok, o);
}

static json_t *access_list_json(ts_bytes rlp)
{
    json_t *list = json_array();
    if (rlp.n == 0)
        return list;
    bool ok = list != NULL;
    struct ts_reader r = ts_reader_of(rlp);
    ts_read_list(&r);
    while (ok && ts_read_more(&r))
        ok = json_array_append_new(list, access_entry_json(&r)) == 0;
    return ts_json_if(ok, list);
}

static bool add_place(json_t *o, const struct ts_tx_place *p)
{
    if (p->hash == NULL)
        return ts_json_add(o, "blockHash", json_null()) &&
               ts_json_add(o, "blockNumber", json_null()) &&
               ts_json_add(o, "transactionIndex", json_null());
    return ts_json_add(o, "blockHash", ts_json_hash(p->hash)) &&
           ts_json_add(o, "blockNumber", ts_json_quantity(p->number)) &&
           ts_json_add(o, "transactionIndex", ts_json_quantity(p->index));
}

static bool add_typed(json_t *o, const struct ts_tx_info *i)
{
    if (i->type == 0)
        return true;
    bool ok = ts_json_add(o, "accessList", access_list_json(i->access_list)) &&
              ts_json_add(o, "yParity", ts_json_quantity(i->v));
    if (i->type == 2)
        ok = ok && ts_json_add(o, "maxFeePerGas", ts_json_u256(&i->max_fee)) &&
             ts_json_add(o, "maxPriorityFeePerGas", ts_json_u256(&i->max_priority));
    return ok;
}

json_t *ts_tx_json(const struct ts_tx_info *i, const struct ts_tx_place *place)
{
    json_t *o = json_object();
    bool ok = add_place(o, place) && ts_json_add(o, "hash", ts_json_hash(&i->hash)) &&
              ts_json_add(o, "type", ts_json_quantity(i->type)) &&
              ts_json_add(o, "nonce", ts_json_quantity(i->nonce)) &&
              ts_json_add(o, "from", ts_json_address(&i->from)) &&
              ts_json_add(o, "to", ts_json_address(&i->to)) &&
              ts_json_add(o, "value", ts_json_u256(&i->value)) &&
              ts_json_add(o, "gas", ts_json_quantity(i->gas)) &&
              ts_json_add(o, "gasPrice", ts_json_u256(&i->gas_price)) &&
              ts_json_add(o, "input", ts_json_bytes(i->data)) &&
              ts_json_add(o, "v", ts_json_quantity(i->v)) &&
              ts_json_add(o, "r", ts_json_u256(&i->r)) &&
              ts_json_add(o, "s", ts_json_u256(&i->s)) && add_typed(o, i);
    if (ok && i->has_chain_id)
        ok = ts_json_add(o, "chainId", ts_json_quantity(i->chain_id));
    return ts_json_if(ok, o);
}

json_t *ts_receipt_json(const struct ts_infos_batch *b, size_t at)
{
    struct ts_tx_info i = ts_infos_read(b, at);
    json_t *o = json_object();
    bool ok = ts_json_add(o, "transactionHash", ts_json_hash(&i.hash)) &&
              ts_json_add(o, "transactionIndex", ts_json_quantity(at)) &&
              ts_json_add(o, "blockHash", ts_json_hash(&b->hash)) &&
              ts_json_add(o, "blockNumber", ts_json_quantity(b->number)) &&
              ts_json_add(o, "from", ts_json_address(&i.from)) &&
              ts_json_add(o, "to", ts_json_address(&i.to)) &&
              ts_json_add(o, "type", ts_json_quantity(i.type)) &&
              ts_json_add(o, "status", ts_json_quantity(1)) &&
              ts_json_add(o, "gasUsed", ts_json_quantity(i.gas_used)) &&
              ts_json_add(o, "cumulativeGasUsed", ts_json_quantity(b->cumulative_gas[at])) &&
              ts_json_add(o, "effectiveGasPrice", ts_json_u256(&i.effective_gas_price)) &&
              ts_json_add(o, "contractAddress", json_null()) &&
              ts_json_add(o, "logs", json_array()) && ts_json_add(o, "logsBloom", ts_bloom_json());
    return ts_json_if(ok, o);
}
