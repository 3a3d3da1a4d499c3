/* SPDX-License-Identifier: Apache-2.0 */
/* What a network starts from. Source: docs/protocol.md, section 1 (genesis). */
#ifndef TENSEQ_GENESIS_H
#define TENSEQ_GENESIS_H

#include "tenseq/types.h"

#define TS_GENESIS_VERSION 1
#define TS_MAX_ALLOC       65536 /* accounts in a genesis */

struct ts_alloc {
    ts_address address;
    uint8_t balance[32]; /* wei, big-endian */
};

struct ts_params {
    uint64_t batch_interval_ms;
    uint64_t report_every;   /* batches; at least 1 */
    uint64_t max_report_lag; /* batches; at least 1, at most 64 */
    uint64_t max_l1_age_ms;
    uint64_t max_batch_bytes; /* whole batch; at most TS_MAX_BATCH_BYTES */
    uint64_t max_tx_bytes;    /* one transaction */
    uint64_t batch_gas_limit;
    uint64_t base_fee; /* wei per gas, constant; all of the fee goes to the coinbase */
    uint64_t grant_quorum;
    uint64_t max_silence; /* batches */
};

/* Owns whitelist and alloc; free with ts_genesis_free. */
struct ts_genesis {
    uint64_t l1_chain_id; /* 0 without L1 */
    ts_address contract;  /* zero without L1 */
    uint64_t chain_id;
    ts_time time;
    uint64_t l1_number;
    ts_hash l1_hash;
    ts_address *whitelist; /* sorted, no duplicates, 1 to TS_MAX_WHITELIST */
    size_t n_whitelist;
    struct ts_alloc *alloc; /* sorted by address, no duplicates */
    size_t n_alloc;
    ts_address coinbase;
    struct ts_params params;
    ts_hash hash;            /* keccak256 of the RLP; filled in by decode, load and seal */
    struct ts_domain domain; /* likewise */
};

void ts_params_default(struct ts_params *p);

/* Decodes the RLP form, checks every bound, fills in hash and domain. Any error: *out is empty. */
ts_err ts_genesis_decode(ts_bytes raw, struct ts_genesis *out);
/* The RLP form in fresh memory: *raw and *n are set, the caller frees *raw. */
ts_err ts_genesis_encode(const struct ts_genesis *g, uint8_t **raw, size_t *n);
/* Sorts lists, checks bounds (TS_E_RANGE, TS_E_CONFLICT for a duplicate), fills in hash and domain.
 */
ts_err ts_genesis_finish(struct ts_genesis *g);

void ts_genesis_free(struct ts_genesis *g);

#endif
