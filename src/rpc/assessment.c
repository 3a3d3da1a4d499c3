/* SPDX-License-Identifier: Apache-2.0 */
/* The assessment as JSON. */
#include <math.h>

#include "base/check.h"
#include "rpc/internal.h"
#include "tenseq/assessment.h"

#define DAY_MS 86400000.0

static json_t *real(double v)
{
    return json_real(isfinite(v) ? v : 0);
}

/* Six places: the figures are no more exact. */
static json_t *rounded(double v)
{
    return real(round(v * 1e6) / 1e6);
}

static json_t *likelihood_json(const struct ts_likelihood *l)
{
    json_t *o = json_object();
    bool ok = ts_json_add(o, "n", ts_json_u64(l->n)) &&
              ts_json_add(o, "logRatio", rounded(l->log_ratio)) &&
              ts_json_add(o, "highest", rounded(l->highest)) &&
              ts_json_add(o, "threshold", rounded(l->threshold)) &&
              ts_json_add(o, "alarm", json_boolean(l->alarm)) &&
              ts_json_add(o, "alarmAt", l->alarm ? ts_json_u64(l->alarm_at) : json_null()) &&
              ts_json_add(o, "alarmTime", l->alarm ? ts_json_u64(l->alarm_time) : json_null()) &&
              ts_json_add(o, "expectedDelayDays", rounded(l->expected_delay));
    return ts_json_if(ok, o);
}

static json_t *both_json(const struct ts_likelihood *raw, const struct ts_likelihood *merged)
{
    json_t *o = json_object();
    bool ok = ts_json_add(o, "raw", likelihood_json(raw)) &&
              ts_json_add(o, "merged", likelihood_json(merged));
    return ts_json_if(ok, o);
}

static json_t *exposure_json(const struct ts_exposure *e)
{
    json_t *o = json_object();
    bool ok = ts_json_add(o, "boots", ts_json_u64(e->boots)) &&
              ts_json_add(o, "darkMs", ts_json_u64(e->dark_ms)) &&
              ts_json_add(o, "windows", ts_json_u64(e->windows)) &&
              ts_json_add(o, "openMs", ts_json_u64(e->open_ms)) &&
              ts_json_add(o, "openBoots", ts_json_u64(e->open_boots));
    return ts_json_if(ok, o);
}

/* enclave NULL: it is clear whose. */
static json_t *silence_json(const struct ts_longest_silence *s, const ts_address *enclave)
{
    if (s->batches == 0)
        return json_null();
    json_t *o = json_object();
    bool ok = ts_json_add(o, "batches", ts_json_u64(s->batches)) &&
              ts_json_add(o, "ms", ts_json_u64(s->ms)) &&
              ts_json_add(o, "first", ts_json_u64(s->first)) &&
              ts_json_add(o, "last", ts_json_u64(s->last));
    if (ok && enclave != NULL)
        ok = ts_json_add(o, "enclave", ts_json_address(enclave));
    return ts_json_if(ok, o);
}

static json_t *takeovers_json(uint64_t clean, uint64_t unclean)
{
    json_t *o = json_object();
    bool ok = ts_json_add(o, "clean", ts_json_u64(clean)) &&
              ts_json_add(o, "unclean", ts_json_u64(unclean));
    return ts_json_if(ok, o);
}

static json_t *parameters_json(const struct ts_assessment *x, const struct ts_genesis *g)
{
    const struct ts_assess_params *p = &x->params;
    const char *from = p->boot_ms != 0 ? "configured" : x->is_boot_seen ? "observed" : "unknown";
    json_t *o = json_object();
    bool ok = ts_json_add(o, "alpha", real(p->alpha)) &&
              ts_json_add(o, "lambda0PerDay", real(p->ceiling_per_day)) &&
              ts_json_add(o, "lambda1PerDay", real(p->abuse_per_day)) &&
              ts_json_add(o, "mergeWindowMs", ts_json_u64(p->merge_ms)) &&
              ts_json_add(o, "bootMs", ts_json_u64(x->boot_ms)) &&
              ts_json_add(o, "bootMsFrom", json_string(from)) &&
              ts_json_add(o, "batchIntervalMs", ts_json_u64(g->params.batch_interval_ms)) &&
              ts_json_add(o, "maxReportLag", ts_json_u64(g->params.max_report_lag));
    return ts_json_if(ok, o);
}

static json_t *operator_json(const struct ts_assessment *x)
{
    json_t *o = json_object();
    bool ok = ts_json_add(o, "since", ts_json_u64(x->since)) &&
              ts_json_add(o, "days", rounded((double)(x->time - x->since) / DAY_MS)) &&
              ts_json_add(o, "restarts", ts_json_u64(x->restarts)) &&
              ts_json_add(o, "incidents", ts_json_u64(x->merged.n)) &&
              ts_json_add(o, "takeovers", takeovers_json(x->clean, x->unclean)) &&
              ts_json_add(o, "longestSilence", silence_json(&x->silence, &x->silent)) &&
              ts_json_add(o, "exposure", exposure_json(&x->exposure)) &&
              ts_json_add(o, "proofs", ts_json_u64(x->proofs)) &&
              ts_json_add(o, "omissions", ts_json_u64(x->omissions)) &&
              ts_json_add(o, "patterns", ts_json_u64(x->patterns)) &&
              ts_json_add(o, "likelihood", both_json(&x->raw, &x->merged));
    return ts_json_if(ok, o);
}

/* Of no time at all the share is 1 when it reports. */
static json_t *uptime_json(const struct ts_assessed_enclave *e)
{
    bool is_up = e->state == TS_ASSESSED_ACTIVE || e->state == TS_ASSESSED_PASSIVE;
    double share = e->listed_ms > 0 ? (double)e->up_ms / (double)e->listed_ms : is_up;
    json_t *o = json_object();
    bool ok = ts_json_add(o, "share", rounded(share)) &&
              ts_json_add(o, "ms", ts_json_u64(e->up_ms)) &&
              ts_json_add(o, "ofMs", ts_json_u64(e->listed_ms));
    return ts_json_if(ok, o);
}

static json_t *lag_json(const struct ts_assessed_enclave *e)
{
    json_t *o = json_object();
    bool ok = ts_json_add(o, "last", ts_json_u64(e->lag_last)) &&
              ts_json_add(o, "mean", rounded(e->lag_mean)) &&
              ts_json_add(o, "max", ts_json_u64(e->lag_most));
    return ts_json_if(ok, o);
}

static json_t *enclave_json(const struct ts_assessed_enclave *e)
{
    json_t *o = json_object();
    bool ok = ts_json_add(o, "id", ts_json_address(&e->id)) &&
              ts_json_add(o, "whitelisted", json_boolean(e->is_listed)) &&
              ts_json_add(o, "state", json_string(ts_assessed_state_name(e->state))) &&
              ts_json_add(o, "since", ts_json_u64(e->since)) &&
              ts_json_add(o, "uptime", uptime_json(e)) &&
              ts_json_add(o, "boots", ts_json_u64(e->boots)) &&
              ts_json_add(o, "restarts", ts_json_u64(e->restarts)) &&
              ts_json_add(o, "takeovers", takeovers_json(e->clean, e->unclean)) &&
              ts_json_add(o, "longestSilence", silence_json(&e->silence, NULL)) &&
              ts_json_add(o, "lag", lag_json(e)) &&
              ts_json_add(o, "exposure", exposure_json(&e->exposure)) &&
              ts_json_add(o, "likelihood", both_json(&e->raw, &e->merged));
    return ts_json_if(ok, o);
}

static json_t *enclaves_json(const struct ts_assessment *x)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < x->n; i++)
        ok = json_array_append_new(list, enclave_json(&x->enclaves[i])) == 0;
    return ts_json_if(ok, list);
}

static bool add_unseen(json_t *list, unsigned row, const char *what)
{
    json_t *o = json_object();
    bool ok = ts_json_add(o, "row", row != 0 ? ts_json_u64(row) : json_null()) &&
              ts_json_add(o, "what", json_string(what));
    return json_array_append_new(list, ts_json_if(ok, o)) == 0;
}

static json_t *open_json(const struct ts_rpc_backend *b)
{
    size_t n = 0;
    uint64_t ignored = 0;
    const struct ts_unseen *unseen = ts_assess_unseen(&n);
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < n; i++)
        ok = add_unseen(list, unseen[i].row, unseen[i].what);
    if (ok && (b->rollups == NULL || !b->rollups(b->ctx, &ignored)))
        ok = add_unseen(list, 27,
                        "This node follows no L1: whether the list of enclaves is the contract's, "
                        "and whether rollups hold these batches, is not checked here.");
    return ts_json_if(ok, list);
}

void ts_ten_assessment(void *ctx, struct ts_rpc_call *call)
{
    const struct ts_api *api = ctx;
    const struct ts_rpc_backend *b = &api->backend;
    struct ts_assess_params params;
    if (b->audit == NULL) {
        ts_api_fail(call, TS_E_UNSUPPORTED, "only a node audits: ask one");
        return;
    }
    ts_assess_params_default(&params);
    struct ts_assessment *x =
        ts_assess(b->audit(b->ctx), b->assess_params != NULL ? b->assess_params : &params);
    json_t *o = json_object();
    bool ok = x != NULL && ts_json_add(o, "number", ts_json_u64(x->number)) &&
              ts_json_add(o, "time", ts_json_u64(x->time)) &&
              ts_json_add(o, "parameters", parameters_json(x, b->genesis)) &&
              ts_json_add(o, "operator", operator_json(x)) &&
              ts_json_add(o, "enclaves", enclaves_json(x)) && ts_json_add(o, "open", open_json(b));
    ts_assessment_free(x);
    ts_rpc_result(call, ts_json_if(ok, o));
}
