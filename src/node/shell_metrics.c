/* SPDX-License-Identifier: Apache-2.0 */
/* The node's metrics: the one table, and how its values are gathered. docs/metrics.md is made of
 * the table. */
#include <string.h>

#include "base/check.h"
#include "node/shell_internal.h"
#include "shell/metric_rows.h"

enum metric {
    M_HEAD,
    M_TARGET,
    M_TERM,
    M_STATE,
    M_COUNTERS,
    M_EVIDENCE,
    M_FINDINGS,
    M_FINDINGS_OPEN,
    M_PROOFS,
    M_RESTARTS,
    M_TAKEOVERS,
    M_EXPOSURE,
    M_RATIO,
    M_THRESHOLD,
    M_ALARM,
    M_HOOK,
    M_PEERS_UP,
    M_PEER_HEAD,
    M_ENCLAVE_STATE,
    M_ENCLAVE_HEAD,
    M_L1_UP,
    M_L1_CONFIRMED,
    M_L1_REFERENCE,
    M_PUBLISHED,
    M_FINAL,
    M_STEP_SECONDS,
    M_STEPS,
    M_STEP_GROUPS,
    M_STEPS_FAILED,
    M_LOG_EVENTS,
    M_NET,
    M_CONNECTIONS,
    M_RPC,
    M_RPC_IN_FLIGHT,
    M_FEED,
    M_FEED_PEERS,
    M_MEMORY,
    M_COUNT
};

static const struct ts_metric_def defs[M_COUNT] = {
    [M_HEAD] = {.name = "tenseq_node_head_number",
                .kind = TS_GAUGE,
                .unit = "batches",
                .help = "number of the newest durable batch"},
    [M_TARGET] = {.name = "tenseq_node_target_number",
                  .kind = TS_GAUGE,
                  .unit = "batches",
                  .help = "highest head that a connected peer claims"},
    [M_TERM] = {.name = "tenseq_node_term",
                .kind = TS_GAUGE,
                .unit = "terms",
                .help = "term of the newest durable batch"},
    [M_STATE] = {.name = "tenseq_node_state",
                 .kind = TS_GAUGE,
                 .unit = "bool",
                 .label = "state",
                 .help = "1 for the state the node is in"},
    [M_COUNTERS] = {.name = "tenseq_node_events_total",
                    .kind = TS_COUNTER,
                    .unit = "events",
                    .label = "what",
                    .help = "what the node counted"},
    [M_EVIDENCE] = {.name = "tenseq_node_evidence",
                    .kind = TS_GAUGE,
                    .unit = "batches",
                    .help = "conflicting sealed batches kept as evidence"},
    [M_FINDINGS] = {.name = "tenseq_node_findings",
                    .kind = TS_GAUGE,
                    .unit = "findings",
                    .label = "name",
                    .help = "findings of the audit that are kept, over and lasting ones"},
    [M_FINDINGS_OPEN] = {.name = "tenseq_node_findings_open",
                         .kind = TS_GAUGE,
                         .unit = "findings",
                         .label = "name",
                         .help = "of these, the ones that last"},
    [M_PROOFS] = {.name = "tenseq_node_operator_proofs",
                  .kind = TS_GAUGE,
                  .unit = "findings",
                  .help = "proofs about the operator that are kept; an honest one has none"},
    [M_RESTARTS] = {.name = "tenseq_node_operator_restarts",
                    .kind = TS_GAUGE,
                    .unit = "restarts",
                    .help = "restarts of enclaves that are on record"},
    [M_TAKEOVERS] = {.name = "tenseq_node_operator_takeovers",
                     .kind = TS_GAUGE,
                     .unit = "takeovers",
                     .label = "kind",
                     .help = "takeovers on record, clean and unclean"},
    [M_EXPOSURE] = {.name = "tenseq_node_operator_exposure_boots",
                    .kind = TS_GAUGE,
                    .unit = "boots",
                    .help = "boots, at most, that could have gone unseen"},
    [M_RATIO] = {.name = "tenseq_node_operator_log_ratio",
                 .kind = TS_GAUGE,
                 .unit = "nats",
                 .label = "of",
                 .help = "log of the likelihood ratio for more restarts than promised, of raw and "
                         "of merged ones; docs/assessment.md"},
    [M_THRESHOLD] = {.name = "tenseq_node_operator_log_ratio_threshold",
                     .kind = TS_GAUGE,
                     .unit = "nats",
                     .help = "what is an alarm"},
    [M_ALARM] = {.name = "tenseq_node_operator_alarm",
                 .kind = TS_GAUGE,
                 .unit = "bool",
                 .label = "of",
                 .help = "1 when the ratio has ever reached the threshold"},
    [M_HOOK] = {.name = "tenseq_node_hook_total",
                .kind = TS_COUNTER,
                .unit = "runs",
                .label = "outcome",
                .help = "runs of the on-finding command: done, failed, killed when late, and "
                        "findings it was not told of since too many waited"},
    [M_PEERS_UP] = {.name = "tenseq_node_peers_up",
                    .kind = TS_GAUGE,
                    .unit = "peers",
                    .help = "feeds that are connected"},
    [M_PEER_HEAD] = {.name = "tenseq_node_peer_head_number",
                     .kind = TS_GAUGE,
                     .unit = "batches",
                     .label = "peer",
                     .help = "head that the peer claims; 0 while it is not connected"},
    [M_ENCLAVE_STATE] = {.name = "tenseq_node_enclave_state",
                         .kind = TS_GAUGE,
                         .unit = "bool",
                         .label = "state",
                         .help = "1 for the state of the attached enclave"},
    [M_ENCLAVE_HEAD] = {.name = "tenseq_node_enclave_head_number",
                        .kind = TS_GAUGE,
                        .unit = "batches",
                        .help = "number of the newest batch the attached enclave accepted"},
    [M_L1_UP] = {.name = "tenseq_node_l1_up",
                 .kind = TS_GAUGE,
                 .unit = "bool",
                 .help = "1 while the L1 node answers; 0 without one, too"},
    [M_L1_CONFIRMED] = {.name = "tenseq_node_l1_confirmed_number",
                        .kind = TS_GAUGE,
                        .unit = "blocks",
                        .help = "number of the newest confirmed L1 block"},
    [M_L1_REFERENCE] = {.name = "tenseq_node_l1_reference_number",
                        .kind = TS_GAUGE,
                        .unit = "blocks",
                        .help = "number of the L1 block that the newest batch names"},
    [M_PUBLISHED] = {.name = "tenseq_node_published_number",
                     .kind = TS_GAUGE,
                     .unit = "batches",
                     .help = "last batch of the newest rollup on L1 that holds this chain"},
    [M_FINAL] = {.name = "tenseq_node_final_number",
                 .kind = TS_GAUGE,
                 .unit = "batches",
                 .help = "the same, of the rollups whose L1 block is final"},
    [M_STEP_SECONDS] = TS_ROW_STEP_SECONDS("tenseq_node_"),
    [M_STEPS] = TS_ROW_STEPS("tenseq_node_"),
    [M_STEP_GROUPS] = TS_ROW_STEP_GROUPS("tenseq_node_"),
    [M_STEPS_FAILED] = TS_ROW_STEPS_FAILED("tenseq_node_"),
    [M_LOG_EVENTS] = {.name = "tenseq_node_log_events_total",
                      .kind = TS_COUNTER,
                      .unit = "events",
                      .label = "level",
                      .help = "events the node logged; error and warn are alarms"},
    [M_NET] = TS_ROW_NET("tenseq_node_"),
    [M_CONNECTIONS] = TS_ROW_CONNECTIONS("tenseq_node_"),
    [M_RPC] = TS_ROW_RPC("tenseq_node_"),
    [M_RPC_IN_FLIGHT] = TS_ROW_RPC_IN_FLIGHT("tenseq_node_"),
    [M_FEED] = TS_ROW_FEED("tenseq_node_"),
    [M_FEED_PEERS] = TS_ROW_FEED_PEERS("tenseq_node_"),
    [M_MEMORY] = {.name = "tenseq_node_resident_bytes",
                  .kind = TS_GAUGE,
                  .unit = "bytes",
                  .help = "resident memory of the process"},
};

const struct ts_metric_def *nsh_metrics_table(size_t *n)
{
    *n = M_COUNT;
    return defs;
}

struct ts_metrics *nsh_metrics_new(void)
{
    return ts_metrics_new(defs, M_COUNT);
}

void nsh_note_step(struct ts_node_shell *s, uint64_t us)
{
    ts_metrics_observe(s->metrics, M_STEP_SECONDS, NULL, (double)us / 1e6);
}

/* ---- gathering ------------------------------------------------------------------------------- */

static void gather_state(struct ts_node_shell *s, const struct ts_node_status *st)
{
    struct ts_metrics *m = s->metrics;
    ts_metrics_clear(m, M_STATE);
    ts_metrics_set(m, M_STATE, nsh_state_name(s, st), 1);
    ts_metrics_set(m, M_HEAD, NULL, (double)st->head.number);
    ts_metrics_set(m, M_TARGET, NULL, (double)st->target);
    ts_metrics_set(m, M_TERM, NULL, (double)st->head.term);
    ts_metrics_set(m, M_L1_UP, NULL, nsh_l1_is_up(s));
    ts_metrics_set(m, M_L1_CONFIRMED, NULL, (double)st->l1.confirmed);
    ts_metrics_set(m, M_L1_REFERENCE, NULL, (double)st->l1.reference);
    ts_metrics_set(m, M_PUBLISHED, NULL, (double)st->rollups.published);
    ts_metrics_set(m, M_FINAL, NULL, (double)st->rollups.final);
    ts_metrics_set(m, M_EVIDENCE, NULL, (double)st->evidence);
    ts_metrics_set(m, M_PEERS_UP, NULL, st->peers_up);
    ts_metrics_clear(m, M_ENCLAVE_STATE);
    ts_metrics_set(m, M_ENCLAVE_STATE, st->enclave.state_text, 1);
    ts_metrics_set(m, M_ENCLAVE_HEAD, NULL, (double)st->enclave.head.number);
#define ADD(name, help) ts_metrics_set_counter(m, M_COUNTERS, #name, st->counters.name);
    TS_NODE_COUNTERS(ADD)
#undef ADD
    for (unsigned i = 0; i < st->n_peers; i++) {
        struct ts_node_peer_status p;
        ts_node_peer_of(s->core, i, &p);
        ts_metrics_set(m, M_PEER_HEAD, s->config.peers[i],
                       p.state == TS_NODE_PEER_UP ? (double)p.head : 0);
    }
}

static void gather_findings(struct ts_node_shell *s)
{
    const struct ts_audit *audit = ts_node_audit(s->core);
    uint64_t kept[TS_F_COUNT] = {0}, open[TS_F_COUNT] = {0}, proofs = 0;
    for (size_t i = 0; i < ts_audit_count(audit); i++) {
        const struct ts_finding *f = ts_audit_get(audit, i);
        kept[f->kind]++;
        open[f->kind] += f->state == TS_FINDING_OPEN;
        proofs += f->severity == TS_SEVERITY_PROOF && f->about == TS_ABOUT_OPERATOR;
    }
    for (int k = 0; k < TS_F_COUNT; k++) {
        ts_metrics_set(s->metrics, M_FINDINGS, ts_finding_name(k), (double)kept[k]);
        ts_metrics_set(s->metrics, M_FINDINGS_OPEN, ts_finding_name(k), (double)open[k]);
    }
    ts_metrics_set(s->metrics, M_PROOFS, NULL, (double)proofs);
}

static void gather_likelihood(struct ts_metrics *m, const char *of, const struct ts_likelihood *l)
{
    ts_metrics_set(m, M_RATIO, of, l->log_ratio);
    ts_metrics_set(m, M_ALARM, of, l->alarm);
    ts_metrics_set(m, M_THRESHOLD, NULL, l->threshold);
}

/* Without memory for it the gauges stay what they were. */
static void gather_assessment(struct ts_node_shell *s)
{
    struct ts_assessment *x = ts_assess(ts_node_audit(s->core), &s->config.assess);
    if (x == NULL)
        return;
    ts_metrics_set(s->metrics, M_RESTARTS, NULL, (double)x->restarts);
    ts_metrics_set(s->metrics, M_TAKEOVERS, "clean", (double)x->clean);
    ts_metrics_set(s->metrics, M_TAKEOVERS, "unclean", (double)x->unclean);
    ts_metrics_set(s->metrics, M_EXPOSURE, NULL, (double)x->exposure.boots);
    gather_likelihood(s->metrics, "raw", &x->raw);
    gather_likelihood(s->metrics, "merged", &x->merged);
    ts_assessment_free(x);
}

static void gather_hook(struct ts_node_shell *s)
{
    struct ts_hook_counters c = ts_hook_counters(s->hook);
    ts_metrics_set_counter(s->metrics, M_HOOK, "done", c.done);
    ts_metrics_set_counter(s->metrics, M_HOOK, "failed", c.failed);
    ts_metrics_set_counter(s->metrics, M_HOOK, "killed", c.killed);
    ts_metrics_set_counter(s->metrics, M_HOOK, "dropped", c.dropped);
}

static void gather_store(struct ts_node_shell *s)
{
    struct ts_writer_counters c = ts_writer_counters(s->writer);
    size_t resident = 0;
    ts_metrics_set_counter(s->metrics, M_STEPS, NULL, c.steps);
    ts_metrics_set_counter(s->metrics, M_STEP_GROUPS, NULL, c.groups);
    ts_metrics_set_counter(s->metrics, M_STEPS_FAILED, NULL, c.failed);
    if (uv_resident_set_memory(&resident) == 0)
        ts_metrics_set(s->metrics, M_MEMORY, NULL, (double)resident);
}

static void gather_net(struct ts_node_shell *s)
{
    static const struct ts_front_metrics at = {
        .net = M_NET,
        .connections = M_CONNECTIONS,
        .rpc = M_RPC,
        .rpc_in_flight = M_RPC_IN_FLIGHT,
        .feed = M_FEED,
        .feed_peers = M_FEED_PEERS,
    };
    ts_front_measure(&s->front, s->metrics, &at);
    ts_front_measure_events(s->metrics, M_LOG_EVENTS, s->events);
}

void nsh_metrics_gather(struct ts_node_shell *s, const struct ts_node_status *st)
{
    gather_state(s, st);
    gather_findings(s);
    gather_assessment(s);
    gather_hook(s);
    gather_store(s);
    gather_net(s);
}
