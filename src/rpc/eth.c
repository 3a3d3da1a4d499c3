/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that are answered from what is at hand. */
#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "crypto/keccak.h"
#include "rpc/internal.h"

static void web3_client_version(void *ctx, struct ts_rpc_call *call)
{
    const struct ts_api *api = ctx;
    ts_rpc_result_string(call, api->backend.client);
}

static void web3_sha3(void *ctx, struct ts_rpc_call *call)
{
    struct ts_api *api = ctx;
    ts_buf_reset(&api->scratch);
    if (!ts_rpc_param_bytes(call, 0, NULL, 1024 * 1024, &api->scratch))
        return;
    ts_hash h;
    char text[TS_HASH_HEX_SIZE];
    ts_keccak256(ts_buf_bytes(&api->scratch), &h);
    ts_rpc_result_string(call, ts_hex(h.b, sizeof(h.b), text));
}

static void net_version(void *ctx, struct ts_rpc_call *call)
{
    const struct ts_api *api = ctx;
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRIu64, api->backend.genesis->chain_id);
    ts_rpc_result_string(call, text);
}

static void net_listening(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    ts_rpc_result(call, json_true());
}

static void eth_chain_id(void *ctx, struct ts_rpc_call *call)
{
    const struct ts_api *api = ctx;
    ts_rpc_result_u64(call, api->backend.genesis->chain_id);
}

static void eth_block_number(void *ctx, struct ts_rpc_call *call)
{
    ts_rpc_result_u64(call, ts_api_head(ctx)->number);
}

static void eth_gas_price(void *ctx, struct ts_rpc_call *call)
{
    const struct ts_api *api = ctx;
    ts_rpc_result_u64(call, api->backend.genesis->params.base_fee);
}

/* A tip buys nothing: batches are filled in the order of arrival. */
static void eth_max_priority_fee(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    ts_rpc_result_u64(call, 0);
}

static void eth_accounts(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    ts_rpc_result(call, json_array());
}

static void eth_syncing(void *ctx, struct ts_rpc_call *call)
{
    struct ts_api *api = ctx;
    uint64_t highest = 0;
    if (api->backend.syncing == NULL || !api->backend.syncing(api->backend.ctx, &highest)) {
        ts_rpc_result(call, json_false());
        return;
    }
    json_t *o = json_object();
    bool ok = ts_json_add(o, "startingBlock", ts_json_quantity(0)) &&
              ts_json_add(o, "currentBlock", ts_json_quantity(ts_api_head(api)->number)) &&
              ts_json_add(o, "highestBlock", ts_json_quantity(highest));
    ts_rpc_result(call, ts_json_if(ok, o));
}

static void eth_subscribe(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    const char *topic = NULL;
    if (!ts_rpc_param_string(call, 0, NULL, 64, &topic))
        return;
    if (strcmp(topic, "newHeads") == 0)
        ts_rpc_subscribe(call, "newHeads", "eth_subscription");
    else
        ts_rpc_fail(call, TS_RPC_INVALID_PARAMS, "parameter 1 must be \"newHeads\", not \"%.40s\"",
                    topic);
}

static void unsubscribe(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    ts_rpc_unsubscribe(call);
}

/* There are no contracts, so there are no logs. */
static void eth_get_logs(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    if (json_is_object(ts_rpc_param(call, 0, NULL)))
        ts_rpc_result(call, json_array());
    else
        ts_rpc_fail(call, TS_RPC_INVALID_PARAMS, "parameter 1 must be a filter object");
}

const struct ts_rpc_method ts_eth_methods[] = {
    {"web3_clientVersion", TS_RPC_BY_POSITION, web3_client_version, ""},
    {"web3_sha3", TS_RPC_BY_POSITION, web3_sha3, "bytes"},
    {"net_version", TS_RPC_BY_POSITION, net_version, ""},
    {"net_listening", TS_RPC_BY_POSITION, net_listening, ""},
    {"eth_chainId", TS_RPC_BY_POSITION, eth_chain_id, ""},
    {"eth_blockNumber", TS_RPC_BY_POSITION, eth_block_number, ""},
    {"eth_gasPrice", TS_RPC_BY_POSITION, eth_gas_price, ""},
    {"eth_maxPriorityFeePerGas", TS_RPC_BY_POSITION, eth_max_priority_fee, ""},
    {"eth_accounts", TS_RPC_BY_POSITION, eth_accounts, ""},
    {"eth_syncing", TS_RPC_BY_POSITION, eth_syncing, ""},
    {"eth_subscribe", TS_RPC_WS_ONLY | TS_RPC_BY_POSITION, eth_subscribe, "topic"},
    {"eth_unsubscribe", TS_RPC_WS_ONLY | TS_RPC_BY_POSITION, unsubscribe, "subscription"},
    {"eth_getLogs", TS_RPC_BY_POSITION, eth_get_logs, "filter"},
};
const size_t ts_eth_n_methods = TS_COUNT(ts_eth_methods);
