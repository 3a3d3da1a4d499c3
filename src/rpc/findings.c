/* SPDX-License-Identifier: Apache-2.0 */
/* The audit's findings as JSON: asked for, and as they come. */
#include "audit/evidence_json.h"
#include "base/check.h"
#include "rpc/internal.h"
#include "rpc/ten.h"

/* False: the call was answered. */
static bool read_severity(struct ts_rpc_call *call, enum ts_severity *out)
{
    const char *text = NULL;
    *out = TS_SEVERITY_NOTICE;
    if (!ts_rpc_has(call, 1, "severity"))
        return true;
    if (!ts_rpc_param_string(call, 1, "severity", 32, &text))
        return false;
    if (ts_severity_of(text, out))
        return true;
    ts_rpc_fail(call, TS_RPC_INVALID_PARAMS,
                "severity must be \"notice\", \"pattern\", \"omission\" or \"proof\", not "
                "\"%.40s\"",
                text);
    return false;
}

void ts_ten_findings(void *ctx, struct ts_rpc_call *call)
{
    const struct ts_api *api = ctx;
    uint64_t from = 0;
    enum ts_severity least;
    if (api->backend.audit == NULL) {
        ts_api_fail(call, TS_E_UNSUPPORTED, "only a node audits: ask one");
        return;
    }
    if (ts_rpc_has(call, 0, "from") && !ts_rpc_param_u64(call, 0, "from", &from))
        return;
    if (!read_severity(call, &least))
        return;
    const struct ts_audit *audit = api->backend.audit(api->backend.ctx);
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < ts_audit_count(audit); i++) {
        const struct ts_finding *f = ts_audit_get(audit, i);
        if (f->severity >= least && (f->last >= from || f->state == TS_FINDING_OPEN))
            ok = json_array_append_new(list, ts_finding_json(f)) == 0;
    }
    json_t *o = json_object();
    ok = ts_json_add(o, "number", ts_json_u64(ts_audit_head(audit))) && ok &&
         ts_json_add(o, "findings", json_incref(list));
    json_decref(list);
    ts_rpc_result(call, ts_json_if(ok, o));
}

void ts_api_new_finding(struct ts_api *api, const struct ts_finding *f)
{
    if (api->rpc == NULL || ts_rpc_subscribers(api->rpc, "findings") == 0)
        return;
    json_t *json = ts_finding_json(f);
    if (json != NULL)
        ts_rpc_publish(api->rpc, "findings", json);
    json_decref(json);
}
