/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's methods. Their ctx is the API; the shell is its backend's. */
#include "base/check.h"
#include "codec/json.h"
#include "host/shell_internal.h"

struct ts_shell *shell_of(void *api)
{
    return ts_api_backend(api)->ctx;
}

static bool add(json_t *o, const char *key, json_t *value)
{
    return json_object_set_new_nocheck(o, key, value) == 0;
}

static json_t *finish(bool ok, json_t *o)
{
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

const char *shell_state_name(enum ts_host_state state)
{
    switch (state) {
    case TS_HOST_PRODUCING:
        return "producing";
    case TS_HOST_PAUSED:
        return "paused";
    case TS_HOST_NO_CANDIDATE:
        return "no-candidate";
    case TS_HOST_STORAGE:
        return "storage";
    case TS_HOST_L1:
        return "l1";
    }
    return "unknown";
}

/* ---- sequencer_status ------------------------------------------------------------------------ */

static json_t *enclave_json(const struct ts_shell *s, size_t i)
{
    struct ts_host_enclave_status e;
    ts_host_enclave_of(s->core, i, &e);
    json_t *o = json_object();
    bool ok = add(o, "id", e.known ? ts_json_address(&e.id) : json_null()) &&
              add(o, "address", json_string(s->config.links[e.link].text)) &&
              add(o, "role", json_string(e.role)) && add(o, "link", json_string(e.state)) &&
              add(o, "head", ts_json_u64(e.head.number)) && add(o, "lag", ts_json_u64(e.lag)) &&
              add(o, "boot", e.known ? ts_json_hash(&e.boot_id) : json_null()) &&
              add(o, "bootTime", ts_json_u64(e.boot_time)) &&
              add(o, "lastReport", ts_json_u64(e.last_report)) &&
              add(o, "restarts", ts_json_u64(e.restarts)) &&
              add(o, "latencyUs", ts_json_u64(e.latency_us)) &&
              add(o, "whitelisted", json_boolean(e.whitelisted)) &&
              add(o, "corrupted", json_boolean(e.corrupted)) &&
              add(o, "drained", json_boolean(e.drained)) &&
              add(o, "suspect", json_boolean(e.suspect));
    if (ok && e.reason[0] != '\0')
        ok = add(o, "reason", json_string(e.reason));
    return finish(ok, o);
}

static json_t *enclaves_json(const struct ts_shell *s, size_t n)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < n; i++)
        ok = json_array_append_new(list, enclave_json(s, i)) == 0;
    return finish(ok, list);
}

static json_t *head_json(const struct ts_head *h)
{
    json_t *o = json_object();
    bool ok = add(o, "number", ts_json_u64(h->number)) && add(o, "hash", ts_json_hash(&h->hash)) &&
              add(o, "time", ts_json_u64(h->time));
    return finish(ok, o);
}

static void sequencer_status(void *ctx, struct ts_rpc_call *call)
{
    struct ts_shell *s = shell_of(ctx);
    struct ts_host_status st;
    ts_host_status_of(s->core, &st);
    json_t *o = json_object();
    bool ok = add(o, "head", head_json(&st.head)) && add(o, "term", ts_json_u64(st.head.term)) &&
              add(o, "state", json_string(shell_state_name(st.state))) &&
              add(o, "active", st.has_active ? ts_json_address(&st.active) : json_null()) &&
              add(o, "enclaves", enclaves_json(s, st.n_enclaves)) &&
              add(o, "batchInterval", ts_json_u64(st.interval_us / 1000)) &&
              add(o, "mempool", ts_json_u64(st.pool_txs)) &&
              add(o, "mempoolBytes", ts_json_u64(st.pool_bytes)) &&
              add(o, "lastSwitchReason", json_string(st.last_switch_reason)) &&
              add(o, "l1", shell_l1_json(s));
    ts_rpc_result(call, finish(ok, o));
}

json_t *shell_health(void *ctx)
{
    struct ts_shell *s = ctx;
    struct ts_host_status st;
    ts_host_status_of(s->core, &st);
    json_t *o = json_object();
    bool ok = add(o, "state", json_string(shell_state_name(st.state))) &&
              add(o, "healthy", json_boolean(st.state == TS_HOST_PRODUCING));
    return finish(ok, o);
}

/* ---- the acts -------------------------------------------------------------------------------- */

static void on_done(struct ts_shell *s, void *ctx, const struct ts_host_output *reply)
{
    (void)s;
    if (reply->err == TS_OK)
        ts_rpc_result(ctx, json_true());
    else
        ts_api_fail(ctx, reply->err, reply->text);
}

static void on_switched(struct ts_shell *s, void *ctx, const struct ts_host_output *reply)
{
    (void)s;
    if (reply->err != TS_OK || !reply->switched.set) {
        ts_api_fail(ctx, reply->err, reply->text);
        return;
    }
    json_t *o = json_object();
    bool ok = add(o, "from", ts_json_address(&reply->switched.from)) &&
              add(o, "to", ts_json_address(&reply->switched.to)) &&
              add(o, "term", ts_json_u64(reply->switched.term)) &&
              add(o, "atBatch", ts_json_u64(reply->switched.at_batch));
    ts_rpc_result(ctx, finish(ok, o));
}

static void act(void *ctx, struct ts_rpc_call *call, struct ts_host_input *in,
                enum ts_host_admin what)
{
    in->kind = TS_IN_ADMIN;
    in->admin = what;
    shell_ask(shell_of(ctx), in, what == TS_ADMIN_SWITCHOVER ? on_switched : on_done, call);
}

static void sequencer_switchover(void *ctx, struct ts_rpc_call *call)
{
    struct ts_host_input in = {.has_id = ts_rpc_has(call, 0, "to")};
    if (!in.has_id || ts_rpc_param_address(call, 0, "to", &in.id))
        act(ctx, call, &in, TS_ADMIN_SWITCHOVER);
}

static void sequencer_pause(void *ctx, struct ts_rpc_call *call)
{
    struct ts_host_input in = {.has_id = false};
    act(ctx, call, &in, TS_ADMIN_PAUSE);
}

static void sequencer_resume(void *ctx, struct ts_rpc_call *call)
{
    struct ts_host_input in = {.has_id = false};
    act(ctx, call, &in, TS_ADMIN_RESUME);
}

static void with_enclave(void *ctx, struct ts_rpc_call *call, enum ts_host_admin what)
{
    struct ts_host_input in = {.has_id = true};
    if (ts_rpc_param_address(call, 0, "enclave", &in.id))
        act(ctx, call, &in, what);
}

static void sequencer_drain(void *ctx, struct ts_rpc_call *call)
{
    with_enclave(ctx, call, TS_ADMIN_DRAIN);
}

static void sequencer_undrain(void *ctx, struct ts_rpc_call *call)
{
    with_enclave(ctx, call, TS_ADMIN_UNDRAIN);
}

const struct ts_rpc_method shell_methods[] = {
    {"sequencer_status", TS_RPC_OPERATOR, sequencer_status, ""},
    {"sequencer_switchover", TS_RPC_OPERATOR, sequencer_switchover, "to"},
    {"sequencer_pause", TS_RPC_OPERATOR, sequencer_pause, ""},
    {"sequencer_resume", TS_RPC_OPERATOR, sequencer_resume, ""},
    {"sequencer_drain", TS_RPC_OPERATOR, sequencer_drain, "enclave"},
    {"sequencer_undrain", TS_RPC_OPERATOR, sequencer_undrain, "enclave"},
    {"sequencer_register", TS_RPC_OPERATOR, shell_register, "enclave"},
    {"sequencer_replace", TS_RPC_OPERATOR, shell_replace, "enclave replacement reason"},
};
const size_t shell_n_methods = TS_COUNT(shell_methods);
