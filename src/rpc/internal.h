/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the JSON-RPC methods share. Not for others. */
#ifndef TS_RPC_INTERNAL_H
#define TS_RPC_INTERNAL_H

#include "codec/json.h"
#include "rpc/api.h"
#include "rpc/infos.h"

struct ts_fold;
struct ts_head_note;

#define TS_HEADS_MAX_WAITING 64u

struct ts_api {
    struct ts_rpc_backend backend;
    struct ts_infos *infos;
    struct ts_rpc *rpc; /* NULL: not attached */
    struct ts_rpc_method *methods;
    size_t n_methods;
    struct ts_buf raw;     /* of the batch that was read last */
    struct ts_buf scratch; /* for arguments */
    struct ts_fold *fold;  /* registries being folded, the first of them now */
    size_t n_folds;
    uv_idle_t *idle;            /* for them */
    struct ts_head_note *notes; /* new heads that subscribers are not told of yet */
    size_t n_notes;
};

#define TS_API_NO_BYTES ts_bytes_of(NULL, 0)

/* The tables of each file. */
extern const struct ts_rpc_method ts_eth_methods[];
extern const size_t ts_eth_n_methods;
extern const struct ts_rpc_method ts_eth_state_methods[];
extern const size_t ts_eth_n_state_methods;
extern const struct ts_rpc_method ts_eth_block_methods[];
extern const size_t ts_eth_n_block_methods;
extern const struct ts_rpc_method ts_eth_tx_methods[];
extern const size_t ts_eth_n_tx_methods;
extern const struct ts_rpc_method ts_ten_methods[];
extern const size_t ts_ten_n_methods;

/* ---- batches (api.c) ------------------------------------------------------------------------- */

const struct ts_head *ts_api_head(const struct ts_api *api);
/* The number that a block reference means; TS_BLOCK_HASH is not one. */
uint64_t ts_api_number_of(const struct ts_api *api, const struct ts_block_ref *ref);

/* A committed batch up to the head. raw stands in api->raw until the next read. */
struct ts_api_batch {
    uint64_t number;
    ts_hash hash;
    ts_bytes raw;
};

/* TS_E_NOT_FOUND, or the store's error. Number 0 is not found: it has no batch. */
ts_err ts_api_batch_by_number(struct ts_api *api, uint64_t number, struct ts_api_batch *out);
ts_err ts_api_batch_by_hash(struct ts_api *api, const ts_hash *hash, struct ts_api_batch *out);
ts_err ts_api_batch_by_ref(struct ts_api *api, const struct ts_block_ref *ref,
                           struct ts_api_batch *out);
/* Where a transaction stands, up to the head. TS_E_NOT_FOUND. */
ts_err ts_api_find_tx(struct ts_api *api, const ts_hash *hash, uint64_t *number, uint64_t *index);

/* Answers a call for something that cannot be read: null for TS_E_NOT_FOUND, else an error. */
void ts_api_answer_missing(struct ts_rpc_call *call, ts_err err);

/* ---- JSON (tx_json.c, block_json.c, batch_json.c) ---------------------------------------------
 */

/* Where a transaction stands; hash NULL: it is pending. */
struct ts_tx_place {
    const ts_hash *hash; /* of the batch */
    uint64_t number;
    uint64_t index;
};

/* New objects; NULL: out of memory. */
json_t *ts_tx_json(const struct ts_tx_info *info, const struct ts_tx_place *place);
json_t *ts_bloom_json(void); /* of no logs */
json_t *ts_receipt_json(const struct ts_infos_batch *b, size_t at);
/* All members of a block but transactions, with gasUsed when has_gas. */
json_t *ts_block_json(const struct ts_api *api, const struct ts_batch *batch, const ts_hash *hash,
                      bool has_gas, uint64_t gas_used);
json_t *ts_genesis_block_json(const struct ts_api *api);
/* The three elements of a batch by name, and raw. */
json_t *ts_batch_json(const struct ts_batch *batch, const ts_hash *hash);
json_t *ts_registry_json(const struct ts_chain *chain);
/* The transition i of a batch: {batch, index, hash, event}. */
json_t *ts_transition_json(const struct ts_api *api, const struct ts_batch *batch, size_t i);

/* A batch that was read, decoded for the call's time; bytes are borrowed from b. */
typedef void (*ts_decoded_fn)(void *ctx, const struct ts_batch *batch);
ts_err ts_api_decode(ts_bytes raw, ts_decoded_fn fn, void *ctx);

/* Adds a member, which is stolen; false when it or obj is NULL. */
bool ts_json_add(json_t *obj, const char *key, json_t *value);
/* obj, or NULL (and obj is freed) when ok is false. */
json_t *ts_json_if(bool ok, json_t *obj);

/* ---- parameters -------------------------------------------------------------------------------
 */

/* A call object (to, from, value, data or input, accessList) as the argument of TS_QUERY_ESTIMATE,
 * appended to out. False: the call was answered. */
bool ts_call_param(struct ts_rpc_call *call, size_t index, struct ts_buf *out);

bool ts_ten_param_ref(struct ts_rpc_call *call, struct ts_block_ref *ref); /* ten.c */

/* eth_feeHistory (fee_history.c). */
void ts_eth_fee_history(void *ctx, struct ts_rpc_call *call);

/* ten_assessment (assessment.c). */
void ts_ten_assessment(void *ctx, struct ts_rpc_call *call);

/* ten_findings (findings.c). */
void ts_ten_findings(void *ctx, struct ts_rpc_call *call);

/* ten_evidence (evidence.c). */
void ts_ten_evidence(void *ctx, struct ts_rpc_call *call);

/* ten_timeline (timeline.c). */
void ts_ten_timeline(void *ctx, struct ts_rpc_call *call);

/* ten_rollups, ten_finality (rollups.c). */
void ts_ten_rollups(void *ctx, struct ts_rpc_call *call);
void ts_ten_finality(void *ctx, struct ts_rpc_call *call);

/* ten_registry, and the end of what is being folded (registry.c). */
void ts_ten_registry(void *ctx, struct ts_rpc_call *call);
void ts_folds_free(struct ts_api *api);

#endif
