/* SPDX-License-Identifier: Apache-2.0 */
/* ten_evidence: what a node keeps of a proof, with all that checking it needs, from the store. */
#include "audit/evidence_build.h"

#include <stdlib.h>

#include "audit/evidence_json.h"
#include "base/check.h"
#include "chain/rollup.h"
#include "rpc/internal.h"

static ts_err read_record(void *ctx, const ts_hash *id, struct ts_buf *out)
{
    return ts_store_evidence(ctx, id, out);
}

static bool keep_raw(void *ctx, const struct ts_store_batch *b)
{
    ts_buf_put(ctx, b->raw.p, b->raw.n);
    return false;
}

static ts_err read_batch(void *ctx, const ts_hash *hash, struct ts_buf *out)
{
    return ts_store_by_hash(ctx, hash, keep_raw, out);
}

/* Nothing is handed out that would be refused. */
static void answer(struct ts_rpc_call *call, const struct ts_evidence *e,
                   const struct ts_crypto *crypto, const ts_hash *id)
{
    struct ts_evidence_verdict *v = calloc(1, sizeof(*v));
    ts_err err = v != NULL ? ts_evidence_check(e, crypto, ts_rollup_said, v) : TS_E_NOMEM;
    if (err == TS_OK && !ts_hash_equal(&v->finding.evidence, id))
        err = TS_E_CORRUPT;
    if (err == TS_E_EVIDENCE)
        ts_rpc_fail(call, TS_RPC_FAILED, "what is kept is not enough for a proof: %s", v->why);
    else if (err != TS_OK)
        ts_api_answer_missing(call, err);
    else
        ts_rpc_result(call, ts_evidence_to_json(e, v));
    free(v);
}

void ts_ten_evidence(void *ctx, struct ts_rpc_call *call)
{
    const struct ts_api *api = ctx;
    const struct ts_rpc_backend *b = &api->backend;
    const struct ts_evidence_source source = {
        .ctx = b->store, .record = read_record, .batch = read_batch};
    struct ts_evidence_built *built;
    ts_hash id;
    if (b->audit == NULL) {
        ts_api_fail(call, TS_E_UNSUPPORTED, "only a node audits: ask one");
        return;
    }
    if (!ts_rpc_param_hash(call, 0, "id", &id))
        return;
    built = calloc(1, sizeof(*built));
    ts_err err =
        built != NULL ? ts_evidence_build(&source, &id, b->genesis, b->crypto, built) : TS_E_NOMEM;
    if (err == TS_OK) {
        answer(call, &built->evidence, b->crypto, &id);
        ts_evidence_built_free(built);
    } else {
        ts_api_answer_missing(call, err);
    }
    free(built);
}
