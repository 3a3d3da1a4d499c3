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

/* TS_E_NOT_FOUND: the call was not answered. */
static ts_err from_store(const struct ts_api *api, struct ts_rpc_call *call, const ts_hash *id)
{
    const struct ts_rpc_backend *b = &api->backend;
    const struct ts_evidence_source source = {
        .ctx = b->store, .record = read_record, .batch = read_batch};
    struct ts_evidence_built *built = calloc(1, sizeof(*built));
    ts_err err =
        built != NULL ? ts_evidence_build(&source, id, b->genesis, b->crypto, built) : TS_E_NOMEM;
    if (err == TS_OK) {
        answer(call, &built->evidence, b->crypto, id);
        ts_evidence_built_free(built);
    } else if (err != TS_E_NOT_FOUND) {
        ts_api_answer_missing(call, err);
    }
    free(built);
    return err;
}

/* ---- what is being stored --------------------------------------------------------------------
 */

struct wait {
    const struct ts_api *api;
    struct ts_rpc_call *call;
    ts_hash id;
};

static void settled(void *ctx, ts_err err, ts_bytes none, const char *text)
{
    struct wait *w = ctx;
    (void)none;
    if (err != TS_OK)
        ts_api_fail(w->call, err, text);
    else if (from_store(w->api, w->call, &w->id) == TS_E_NOT_FOUND)
        ts_api_answer_missing(w->call, TS_E_NOT_FOUND);
    free(w);
}

static bool is_found(const struct ts_audit *audit, const ts_hash *id)
{
    for (size_t i = 0; i < ts_audit_count(audit); i++) {
        const struct ts_finding *f = ts_audit_get(audit, i);
        if (f->severity == TS_SEVERITY_PROOF && ts_hash_equal(&f->evidence, id))
            return true;
    }
    return false;
}

/* A proof is told when its batch is checked; its file is there when that is stored. */
static void when_settled(const struct ts_api *api, struct ts_rpc_call *call, const ts_hash *id)
{
    struct wait *w = malloc(sizeof(*w));
    if (w == NULL) {
        ts_rpc_result(call, NULL);
        return;
    }
    *w = (struct wait){.api = api, .call = call, .id = *id};
    api->backend.settle(api->backend.ctx, settled, w);
}

void ts_ten_evidence(void *ctx, struct ts_rpc_call *call)
{
    const struct ts_api *api = ctx;
    const struct ts_rpc_backend *b = &api->backend;
    ts_hash id;
    if (b->audit == NULL) {
        ts_api_fail(call, TS_E_UNSUPPORTED, "only a node audits: ask one");
        return;
    }
    if (!ts_rpc_param_hash(call, 0, "id", &id) || from_store(api, call, &id) != TS_E_NOT_FOUND)
        return;
    if (is_found(b->audit(b->ctx), &id))
        when_settled(api, call, &id);
    else
        ts_api_answer_missing(call, TS_E_NOT_FOUND);
}
