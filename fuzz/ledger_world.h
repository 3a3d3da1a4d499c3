/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger for fuzzing: two funded accounts and a stand-in for signatures, under which any r and s
 * are the signature of one of them, so that inputs get past the sender. */
#ifndef TS_FUZZ_LEDGER_WORLD_H
#define TS_FUZZ_LEDGER_WORLD_H

#include <string.h>

#include "base/check.h"
#include "engine/engine.h"
#include "engine/tx_sign.h"

static ts_sig world_sig; /* what signing gives: set it to rebuild a decoded transaction */

static struct ts_alloc world_alloc[2] = {
    {.address = {{1, 1}}, .balance = {[8] = 1}},
    {.address = {{2, 2}}, .balance = {[20] = 1}},
};

static ts_err world_sign(void *ctx, const uint8_t key[32], const ts_hash *digest, ts_sig *out)
{
    (void)ctx;
    (void)key;
    (void)digest;
    *out = world_sig;
    return TS_OK;
}

static ts_err world_recover(void *ctx, const ts_hash *digest, const ts_sig *sig, ts_address *out)
{
    const ts_hash zero = {{0}};
    (void)ctx;
    (void)digest;
    if (memcmp(sig->b, zero.b, 32) == 0 || memcmp(sig->b + 32, zero.b, 32) == 0)
        return TS_E_SIGNATURE;
    *out = world_alloc[sig->b[31] % 2].address;
    return TS_OK;
}

static const struct ts_crypto world_crypto = {.sign = world_sign, .recover = world_recover};

static const struct ts_genesis world_genesis = {
    .chain_id = 443,
    .alloc = world_alloc,
    .n_alloc = 2,
    .coinbase = {{3, 3}},
    .hash = {{4}},
    .params = {.max_tx_bytes = 4096, .batch_gas_limit = 1000000, .base_fee = 1000000000},
};

static struct ts_engine *world_engine(void)
{
    static struct ts_engine *engine;
    const uint64_t seed[2] = {1, 2};
    if (engine == NULL)
        TS_CHECK(ts_ledger_engine.open(&world_genesis, &world_crypto, seed, &engine) == TS_OK);
    return engine;
}

#endif
