/* SPDX-License-Identifier: Apache-2.0 */
/* eth_feeHistory. The base fee never changes and a tip buys nothing; how full batches were, the
 * enclave tells. So the answer holds fewer blocks than asked for, as it may, where more would be
 * too much work. */
#include <stdlib.h>

#include "base/check.h"
#include "rpc/internal.h"

#define MAX_BLOCKS      128u
#define MAX_PERCENTILES 100u
#define MAX_TXS         20000u /* whose gas is asked for in one answer */

struct history {
    struct ts_api *api;
    struct ts_rpc_call *call;
    uint64_t newest;
    size_t count;
    size_t n; /* blocks told so far, newest first */
    size_t txs;
    size_t percentiles;
    bool has_percentiles;
    double ratio[MAX_BLOCKS];
};

static json_t *repeat(size_t n, json_t *value)
{
    json_t *list = json_array();
    bool ok = list != NULL && value != NULL;
    for (size_t i = 0; ok && i < n; i++)
        ok = json_array_append(list, value) == 0;
    json_decref(value);
    return ts_json_if(ok, list);
}

static json_t *ratios(const struct history *h)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = h->n; ok && i > 0; i--)
        ok = json_array_append_new(list, json_real(h->ratio[i - 1])) == 0;
    return ts_json_if(ok, list);
}

static void answer(struct history *h)
{
    const struct ts_params *p = &h->api->backend.genesis->params;
    json_t *o = json_object();
    bool ok =
        ts_json_add(o, "oldestBlock", ts_json_quantity(h->n > 0 ? h->newest - (h->n - 1) : 0)) &&
        ts_json_add(o, "baseFeePerGas", repeat(h->n + 1, ts_json_quantity(p->base_fee))) &&
        ts_json_add(o, "gasUsedRatio", ratios(h));
    if (ok && h->has_percentiles)
        ok = ts_json_add(o, "reward", repeat(h->n, repeat(h->percentiles, ts_json_quantity(0))));
    ts_rpc_result(h->call, ts_json_if(ok, o));
    free(h);
}

static void note(struct history *h, uint64_t gas)
{
    uint64_t limit = h->api->backend.genesis->params.batch_gas_limit;
    h->ratio[h->n++] = limit != 0 ? (double)gas / (double)limit : 0;
}

static void go_on(struct history *h);

static void on_loaded(void *ctx, ts_err err, const struct ts_infos_batch *b, const char *why)
{
    struct history *h = ctx;
    if (err != TS_OK) {
        ts_api_fail(h->call, err, why);
        free(h);
        return;
    }
    note(h, b->gas_used);
    if (ts_rpc_may_go_on(h->call))
        go_on(h);
    else
        free(h);
}

static void count_txs(void *ctx, const struct ts_batch *batch)
{
    *(size_t *)ctx = batch->n_txs;
}

/* One more block. False: the rest comes later, or was answered. */
static bool next(struct history *h)
{
    struct ts_api_batch b;
    uint64_t gas = 0;
    size_t txs = 0;
    uint64_t number = h->newest - h->n;
    ts_err err = TS_OK;
    if (number > 0)
        err = ts_api_batch_by_number(h->api, number, &b);
    if (number == 0 || (err == TS_OK && ts_infos_gas(h->api->infos, number, &b.hash, &gas))) {
        note(h, gas);
        return true;
    }
    if (err == TS_OK)
        err = ts_api_decode(b.raw, count_txs, &txs);
    if (err == TS_OK && (h->n == 0 || h->txs + txs <= MAX_TXS)) {
        h->txs += txs;
        ts_infos_get(h->api->infos, number, &b.hash, b.raw, on_loaded, h);
        return false;
    }
    h->count = h->n; /* enough, or the store begins here */
    return true;
}

static void go_on(struct history *h)
{
    while (h->n < h->count) {
        if (!next(h))
            return;
    }
    answer(h);
}

static bool read_percentiles(struct ts_rpc_call *call, struct history *h)
{
    const json_t *list = ts_rpc_param(call, 2, NULL);
    if (list == NULL)
        return true;
    bool ok = json_is_array(list) && json_array_size(list) <= MAX_PERCENTILES;
    double last = 0;
    for (size_t i = 0; ok && i < json_array_size(list); i++) {
        const json_t *p = json_array_get(list, i);
        ok = json_is_number(p) && json_number_value(p) >= last && json_number_value(p) <= 100;
        last = json_number_value(p);
    }
    if (!ok) {
        ts_rpc_fail(call, TS_RPC_INVALID_PARAMS,
                    "parameter 3 must be at most %u growing numbers from 0 to 100",
                    MAX_PERCENTILES);
        return false;
    }
    h->has_percentiles = true;
    h->percentiles = json_array_size(list);
    return true;
}

static bool read_params(struct ts_rpc_call *call, struct history *h)
{
    struct ts_block_ref ref;
    uint64_t count = 0;
    if (!ts_rpc_param_u64(call, 0, NULL, &count) || !ts_rpc_param_block(call, 1, NULL, &ref))
        return false;
    if (ref.kind == TS_BLOCK_HASH) {
        ts_rpc_fail(call, TS_RPC_INVALID_PARAMS, "parameter 2 must be a block number or tag");
        return false;
    }
    h->newest = ts_api_number_of(h->api, &ref);
    if (h->newest > ts_api_head(h->api)->number) {
        ts_rpc_fail(call, TS_RPC_FAILED, "request beyond head block");
        return false;
    }
    if (count > MAX_BLOCKS)
        count = MAX_BLOCKS;
    h->count = (size_t)(count <= h->newest ? count : h->newest + 1);
    return read_percentiles(call, h);
}

void ts_eth_fee_history(void *ctx, struct ts_rpc_call *call)
{
    struct history *h = calloc(1, sizeof(*h));
    if (h == NULL) {
        ts_rpc_result(call, NULL);
        return;
    }
    h->api = ctx;
    h->call = call;
    if (read_params(call, h))
        go_on(h);
    else
        free(h);
}
