/* SPDX-License-Identifier: Apache-2.0 */
/* What the JSON-RPC methods need of the program they run in: a host or a node. Everything on the
 * loop's thread. */
#ifndef TS_RPC_BACKEND_H
#define TS_RPC_BACKEND_H

#include "audit/audit.h"
#include "audit/timeline.h"
#include "engine/engine.h"
#include "net/jsonrpc.h"
#include "store/store.h"
#include "tenseq/assessment.h"
#include "tenseq/chain.h"

/* answer is borrowed for the call; text is the enclave's (or the program's) sentence when err is
 * not TS_OK, or NULL. Exactly once, perhaps before the function that was given it returns. */
typedef void (*ts_rpc_done)(void *ctx, ts_err err, ts_bytes answer, const char *text);

/* Borrowed pointers outlive the API. A callback marked optional may be NULL. */
struct ts_rpc_backend {
    void *ctx;
    uv_loop_t *loop;    /* for long folds, which are done in slices; NULL: in one go */
    const char *client; /* "tenseq-host/0.1.0" */
    const struct ts_genesis *genesis;
    ts_hash genesis_state_root;
    const struct ts_crypto *crypto;
    struct ts_store *store;

    /* The chain up to the committed head. Batches above it in the store are not shown yet. */
    const struct ts_chain *(*chain)(void *ctx);
    /* Optional: the number behind the tags safe and finalized. Else the head's. */
    uint64_t (*finality)(void *ctx, enum ts_block_kind kind);
    /* Optional: true while catching up, with the highest number known. */
    bool (*syncing)(void *ctx, uint64_t *highest);

    /* A query of an enclave's engine. */
    void (*query)(void *ctx, enum ts_query_kind kind, ts_bytes arg, ts_rpc_done done,
                  void *done_ctx);
    /* Hands in a transaction; TS_OK only when it is durable. The answer is its hash (32 bytes). */
    void (*send_tx)(void *ctx, ts_bytes raw, ts_rpc_done done, void *done_ctx);
    /* Optional: the sender's next nonce counting what is pending; false: nothing of its is. */
    bool (*pending_nonce)(void *ctx, const ts_address *sender, uint64_t *nonce);
    /* Optional: a pending transaction's bytes, valid until the program goes on; false: none. */
    bool (*pending_tx)(void *ctx, const ts_hash *hash, ts_bytes *raw);
    /* Optional: the audit of that chain, for ten_findings. */
    const struct ts_audit *(*audit)(void *ctx);
    /* With audit: calls back, with no answer, once all that the audit has seen by now is in the
     * store. TS_E_TIMEOUT, TS_E_BUSY, TS_E_CLOSED. */
    void (*settle)(void *ctx, ts_rpc_done done, void *done_ctx);
    /* Optional: the timeline of that chain, for ten_timeline. */
    const struct ts_timeline *(*timeline)(void *ctx);
    /* What ten_assessment weighs with; NULL: the defaults. Borrowed. */
    const struct ts_assess_params *assess_params;
    /* Optional: whether rollups are followed; then the number of the newest L1 block that L1 calls
     * final (0: not known), for ten_rollups and ten_finality. */
    bool (*rollups)(void *ctx, uint64_t *l1_final);
    /* Members for ten_health: a new object, or NULL for none more. Optional. */
    json_t *(*health)(void *ctx);
};

#endif
