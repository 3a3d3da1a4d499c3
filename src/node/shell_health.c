/* SPDX-License-Identifier: Apache-2.0 */
/* What ten_health tells of the node beyond its head. */
#include "codec/json.h"
#include "node/shell_internal.h"

const char *nsh_state_name(const struct ts_node_shell *s, const struct ts_node_status *st)
{
    if (!st->is_storing)
        return "storage";
    if (st->l1.is_halted)
        return "l1-reorg";
    if (st->l1.is_behind)
        return "l1-behind";
    if (s->config.n_peers > 0 && st->peers_up == 0)
        return "connecting";
    return st->is_catching_up && s->config.n_peers > 0 ? "catching-up" : "following";
}

static json_t *peer_json(const struct ts_node_shell *s, unsigned link)
{
    struct ts_node_peer_status p;
    ts_node_peer_of(s->core, link, &p);
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:I, s:I}", "url", s->config.peers[link], "state",
                     p.state_text, "name", p.name, "head", ts_json_u64(p.head), "reason", p.reason,
                     "batches", (json_int_t)p.batches, "drops", (json_int_t)p.drops);
}

static json_t *enclave_json(const struct ts_node_enclave_status *e)
{
    if (e->state == TS_NODE_ENC_NONE)
        return json_null();
    return json_pack("{s:o, s:s, s:o, s:s, s:I, s:o}", "id", ts_json_address(&e->id), "state",
                     e->state_text, "head", ts_json_u64(e->head.number), "reason", e->reason,
                     "disputes", (json_int_t)e->disputes, "disputedBatch",
                     e->disputes > 0 ? ts_json_u64(e->disputed) : json_null());
}

static json_t *rollups_json(const struct ts_node_rollup_status *r)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "checked", ts_json_u64(r->checked),
                     "equal", ts_json_u64(r->equal), "wrong", ts_json_u64(r->wrong), "l1Final",
                     ts_json_u64(r->l1_final), "waiting", (json_int_t)r->waiting, "published",
                     ts_json_u64(r->published), "final", ts_json_u64(r->final));
}

static json_t *counters_json(const struct ts_node_counters *c)
{
    json_t *o = json_object();
#define ADD(name, help) (void)json_object_set_new(o, #name, ts_json_u64(c->name));
    TS_NODE_COUNTERS(ADD)
#undef ADD
    return o;
}

json_t *nsh_health(void *ctx)
{
    const struct ts_node_shell *s = ctx;
    struct ts_node_status st;
    ts_node_status_of(s->core, &st);
    json_t *peers = json_array();
    for (unsigned i = 0; i < st.n_peers; i++)
        (void)json_array_append_new(peers, peer_json(s, i));
    /* Alarms that stay: each alone would be a reason to look. */
    return json_pack("{s:s, s:o, s:b, s:o, s:I, s:o, s:o, s:o, s:o, s:I, s:o}", "state",
                     nsh_state_name(s, &st), "target", ts_json_u64(st.target), "catchingUp",
                     st.is_catching_up, "peers", peers, "subscribers",
                     (json_int_t)(s->front.feed != NULL ? ts_feed_server_peers(s->front.feed) : 0),
                     "enclave", enclave_json(&st.enclave), "l1", nsh_l1_json(s, &st.l1), "rollups",
                     st.l1.is_followed ? rollups_json(&st.rollups) : json_null(), "counters",
                     counters_json(&st.counters), "equivocations", (json_int_t)st.evidence,
                     "uptimeMs", ts_json_u64((uv_hrtime() / 1000 - s->started_us) / 1000));
}
