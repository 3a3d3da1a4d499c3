/* SPDX-License-Identifier: Apache-2.0 */
/* Methods about the state at the head, which enclaves answer. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "rpc/internal.h"

/* Only the head's state is kept. False: the call was answered. */
static bool at_head(struct ts_api *api, struct ts_rpc_call *call, size_t index,
                    struct ts_block_ref *ref)
{
    if (!ts_rpc_param_block(call, index, NULL, ref))
        return false;
    const struct ts_head *head = ts_api_head(api);
    if (ref->kind == TS_BLOCK_HASH) {
        if (ts_hash_equal(&ref->hash, &head->hash))
            return true;
        ts_rpc_fail(call, TS_RPC_FAILED,
                    "only the state of the newest batch is kept, which is %" PRIu64
                    " and has another hash",
                    head->number);
        return false;
    }
    /* The finality tags read the newest state too: there is no other to show. */
    bool is_number = ref->kind == TS_BLOCK_NUMBER || ref->kind == TS_BLOCK_EARLIEST;
    uint64_t number = ts_api_number_of(api, ref);
    if (!is_number || number == head->number)
        return true;
    ts_rpc_fail(call, TS_RPC_FAILED,
                "the state of batch %" PRIu64 " is not kept, only that of the newest, which is "
                "%" PRIu64,
                number, head->number);
    return false;
}

static void on_balance(void *ctx, ts_err err, ts_bytes answer, const char *text)
{
    struct ts_rpc_call *call = ctx;
    if (err == TS_OK && answer.n > 32)
        err = TS_E_LENGTH;
    if (err != TS_OK) {
        ts_api_fail(call, err, text);
        return;
    }
    ts_u256 balance = ts_u256_from_be(answer.p, answer.n);
    char hex[67];
    ts_rpc_result_string(call, ts_u256_quantity(&balance, hex));
}

static void on_uint(void *ctx, ts_err err, ts_bytes answer, const char *text)
{
    struct ts_rpc_call *call = ctx;
    uint64_t v = 0;
    if (err == TS_OK) {
        struct ts_reader r = ts_reader_of(answer);
        v = ts_read_u64(&r);
        err = ts_reader_done(&r);
    }
    if (err != TS_OK)
        ts_api_fail(call, err, text);
    else
        ts_rpc_result_u64(call, v);
}

static void query(struct ts_api *api, enum ts_query_kind kind, ts_bytes arg, ts_rpc_done done,
                  struct ts_rpc_call *call)
{
    api->backend.query(api->backend.ctx, kind, arg, done, call);
}

static void eth_get_balance(void *ctx, struct ts_rpc_call *call)
{
    struct ts_api *api = ctx;
    ts_address a;
    struct ts_block_ref ref;
    if (ts_rpc_param_address(call, 0, NULL, &a) && at_head(api, call, 1, &ref))
        query(api, TS_QUERY_BALANCE, ts_bytes_of(a.b, sizeof(a.b)), on_balance, call);
}

static void eth_get_transaction_count(void *ctx, struct ts_rpc_call *call)
{
    struct ts_api *api = ctx;
    ts_address a;
    struct ts_block_ref ref;
    if (!ts_rpc_param_address(call, 0, NULL, &a) || !at_head(api, call, 1, &ref))
        return;
    uint64_t nonce = 0;
    if (ref.kind == TS_BLOCK_PENDING && api->backend.pending_nonce != NULL &&
        api->backend.pending_nonce(api->backend.ctx, &a, &nonce))
        ts_rpc_result_u64(call, nonce);
    else
        query(api, TS_QUERY_NONCE, ts_bytes_of(a.b, sizeof(a.b)), on_uint, call);
}

static void eth_get_code(void *ctx, struct ts_rpc_call *call)
{
    ts_address a;
    struct ts_block_ref ref;
    if (ts_rpc_param_address(call, 0, NULL, &a) && at_head(ctx, call, 1, &ref))
        ts_rpc_result_string(call, "0x");
}

static void eth_get_storage_at(void *ctx, struct ts_rpc_call *call)
{
    ts_address a;
    ts_u256 slot;
    struct ts_block_ref ref;
    if (ts_rpc_param_address(call, 0, NULL, &a) && ts_rpc_param_u256(call, 1, NULL, &slot) &&
        at_head(ctx, call, 2, &ref))
        ts_rpc_result_string(call,
                             "0x0000000000000000000000000000000000000000000000000000000000000000");
}

/* The argument of an estimate from parameters 0 and 1. False: the call was answered. */
static bool read_call(struct ts_api *api, struct ts_rpc_call *call)
{
    struct ts_block_ref ref;
    if (!at_head(api, call, 1, &ref))
        return false;
    if (ts_rpc_has(call, 2, NULL)) {
        ts_rpc_fail(call, TS_RPC_INVALID_PARAMS, "state overrides are not supported");
        return false;
    }
    ts_buf_reset(&api->scratch);
    return ts_call_param(call, 0, &api->scratch);
}

static void eth_estimate_gas(void *ctx, struct ts_rpc_call *call)
{
    struct ts_api *api = ctx;
    if (read_call(api, call))
        query(api, TS_QUERY_ESTIMATE, ts_buf_bytes(&api->scratch), on_uint, call);
}

/* A transfer returns nothing; whether it could be made, the estimate says. */
static void on_call(void *ctx, ts_err err, ts_bytes answer, const char *text)
{
    (void)answer;
    struct ts_rpc_call *call = ctx;
    if (err != TS_OK)
        ts_api_fail(call, err, text);
    else
        ts_rpc_result_string(call, "0x");
}

static void eth_call(void *ctx, struct ts_rpc_call *call)
{
    struct ts_api *api = ctx;
    if (read_call(api, call))
        query(api, TS_QUERY_ESTIMATE, ts_buf_bytes(&api->scratch), on_call, call);
}

const struct ts_rpc_method ts_eth_state_methods[] = {
    {"eth_getBalance", TS_RPC_BY_POSITION, eth_get_balance, "address block"},
    {"eth_getTransactionCount", TS_RPC_BY_POSITION, eth_get_transaction_count, "address block"},
    {"eth_getCode", TS_RPC_BY_POSITION, eth_get_code, "address block"},
    {"eth_getStorageAt", TS_RPC_BY_POSITION, eth_get_storage_at, "address slot block"},
    {"eth_estimateGas", TS_RPC_BY_POSITION, eth_estimate_gas, "call block overrides"},
    {"eth_call", TS_RPC_BY_POSITION, eth_call, "call block overrides"},
};
const size_t ts_eth_n_state_methods = TS_COUNT(ts_eth_state_methods);
