/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/genesis_check.h"

#include <string.h>

#include "base/check.h"
#include "base/u256.h"
#include "chain/lists.h"

#define DAY_MS UINT64_C(86400000)
/* The largest time and height that any JSON reader holds exactly; no sum with it can overflow. */
#define MAX_EXACT UINT64_C(9007199254740991)
/* 2 * id + 36, the v of an EIP-155 signature, must fit in a uint64. */
#define MAX_CHAIN_ID (UINT64_MAX / 2 - 18)

const struct ts_param ts_params_table[TS_N_PARAMS] = {
    {"batchInterval", offsetof(struct ts_params, batch_interval_ms), 1, DAY_MS, 1000},
    {"reportEvery", offsetof(struct ts_params, report_every), 1, UINT32_MAX, 1},
    {"maxReportLag", offsetof(struct ts_params, max_report_lag), 1, 64, 2},
    {"maxL1Age", offsetof(struct ts_params, max_l1_age_ms), 1, 365 * DAY_MS, 3600000},
    {"maxBatchBytes", offsetof(struct ts_params, max_batch_bytes), 4096, TS_MAX_BATCH_BYTES,
     1024 * 1024},
    {"maxTxBytes", offsetof(struct ts_params, max_tx_bytes), 128, TS_MAX_BATCH_BYTES, 128 * 1024},
    {"batchGasLimit", offsetof(struct ts_params, batch_gas_limit), 21000, MAX_EXACT, 30000000},
    {"baseFee", offsetof(struct ts_params, base_fee), 0, UINT64_MAX, 1000000000},
    {"grantQuorum", offsetof(struct ts_params, grant_quorum), 1, TS_MAX_WHITELIST, 1},
    {"maxSilence", offsetof(struct ts_params, max_silence), 1, UINT32_MAX, 100},
};

uint64_t *ts_param_at(struct ts_params *p, size_t index)
{
    TS_CHECK(index < TS_N_PARAMS);
    return (uint64_t *)((char *)p + ts_params_table[index].offset);
}

uint64_t ts_param_get(const struct ts_params *p, size_t index)
{
    TS_CHECK(index < TS_N_PARAMS);
    return *(const uint64_t *)((const char *)p + ts_params_table[index].offset);
}

void ts_params_default(struct ts_params *p)
{
    for (size_t i = 0; i < TS_N_PARAMS; i++)
        *ts_param_at(p, i) = ts_params_table[i].initial;
}

/* Which parameter is out of its range, or that maxTxBytes does not suit maxBatchBytes. */
static const char *fault_of_params(const struct ts_params *p)
{
    static const char *const sentences[TS_N_PARAMS] = {
        "batchInterval must be 1 to 86400000 milliseconds",
        "reportEvery must be 1 to 4294967295 batches",
        "maxReportLag must be 1 to 64 batches",
        "maxL1Age must be 1 to 31536000000 milliseconds",
        "maxBatchBytes must be 4096 to 16777216",
        "maxTxBytes must be 128 to half of maxBatchBytes",
        "batchGasLimit must be 21000 to 9007199254740991",
        "baseFee is out of range",
        "grantQuorum must be 1 to 64",
        "maxSilence must be 1 to 4294967295 batches",
    };
    for (size_t i = 0; i < TS_N_PARAMS; i++) {
        uint64_t v = ts_param_get(p, i);
        if (v < ts_params_table[i].min || v > ts_params_table[i].max)
            return sentences[i];
    }
    /* A batch carries the protocol payload too: a transaction near its limit would never fit. */
    if (p->max_tx_bytes > p->max_batch_bytes / 2)
        return "maxTxBytes must be 128 to half of maxBatchBytes";
    return NULL;
}

static const char *fault_of_chain(const struct ts_genesis *g)
{
    if (g->chain_id == 0 || g->chain_id > MAX_CHAIN_ID)
        return "chainId must be 1 to 9223372036854775789";
    if (g->time > MAX_EXACT)
        return "time must be at most 9007199254740991 (milliseconds since 1970)";
    if (g->l1_number > MAX_EXACT)
        return "l1Number must be at most 9007199254740991";
    if (g->l1_chain_id == 0 &&
        (!ts_address_is_zero(&g->contract) || g->l1_number != 0 || !ts_hash_is_zero(&g->l1_hash)))
        return "contract, l1Number and l1Hash must be zero when l1ChainId is 0 (a network without "
               "L1)";
    if (g->l1_chain_id != 0 && ts_address_is_zero(&g->contract))
        return "contract must not be zero when l1ChainId is set";
    return NULL;
}

/* Lists in order are assumed: what is equal stands side by side. */
static const char *fault_of_alloc(const struct ts_genesis *g)
{
    ts_u256 sum = ts_u256_of(0);
    if (g->n_alloc > TS_MAX_ALLOC)
        return "alloc must have at most 65536 accounts";
    for (size_t i = 0; i < g->n_alloc; i++) {
        ts_u256 balance = ts_u256_from_be(g->alloc[i].balance, sizeof(g->alloc[i].balance));
        if (!ts_u256_add(&sum, &balance, &sum))
            return "alloc adds up to more than 2^256 - 1";
    }
    return NULL;
}

static const char *duplicate_in(const struct ts_genesis *g)
{
    for (size_t i = 1; i < g->n_whitelist; i++) {
        if (ts_address_equal(&g->whitelist[i - 1], &g->whitelist[i]))
            return "whitelist names an enclave twice";
    }
    for (size_t i = 1; i < g->n_alloc; i++) {
        if (ts_address_equal(&g->alloc[i - 1].address, &g->alloc[i].address))
            return "alloc names an account twice";
    }
    return NULL;
}

ts_err ts_genesis_check(const struct ts_genesis *g, const char **why)
{
    const char *fault = fault_of_chain(g);
    if (fault == NULL && (g->n_whitelist == 0 || g->n_whitelist > TS_MAX_WHITELIST))
        fault = "whitelist must name 1 to 64 enclaves";
    if (fault == NULL)
        fault = fault_of_alloc(g);
    if (fault == NULL)
        fault = fault_of_params(&g->params);
    ts_err err = fault == NULL ? TS_OK : TS_E_RANGE;
    if (fault == NULL && (fault = duplicate_in(g)) != NULL)
        err = TS_E_CONFLICT;
    if (why != NULL)
        *why = fault;
    return err;
}
