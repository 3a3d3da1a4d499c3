/* SPDX-License-Identifier: Apache-2.0 */
/* The host's metrics: the one table, and how its values are gathered. docs/metrics.md is made of
 * the table. */
#include <string.h>

#include "base/check.h"
#include "host/shell_internal.h"
#include "shell/metric_rows.h"

static const double takeover_buckets[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                          0.25,  0.5,    1,     2.5,  5,     10,   60};
static const double interval_buckets[] = {0.05, 0.1, 0.2, 0.25, 0.5, 0.75, 1,
                                          1.1,  1.5, 2,   5,    10,  30,   60};

enum metric {
    M_HEAD,
    M_TERM,
    M_STATE,
    M_BATCHES,
    M_ALONE,
    M_DISCARDED,
    M_FAILOVERS,
    M_SWITCHES,
    M_DEADLINES,
    M_BAD_ANSWERS,
    M_TAKEOVER,
    M_TAKEOVER_SECONDS,
    M_INTERVAL_SECONDS,
    M_TXS,
    M_POOL_TXS,
    M_POOL_BYTES,
    M_L1_UP,
    M_L1_BLOCK,
    M_ROLLUPS,
    M_ROLLED_UP,
    M_ENCLAVE_UP,
    M_ENCLAVE_LAG,
    M_ENCLAVE_LATENCY,
    M_ENCLAVE_RESTARTS,
    M_ENCLAVE_CORRUPTED,
    M_LINK_UPS,
    M_LINK_SENT,
    M_LINK_RECEIVED,
    M_LINK_FRAMES,
    M_STEP_SECONDS,
    M_STEPS,
    M_STEP_GROUPS,
    M_STEPS_FAILED,
    M_STEPS_WAITING,
    M_LOG_EVENTS,
    M_NET,
    M_CONNECTIONS,
    M_RPC,
    M_RPC_IN_FLIGHT,
    M_FEED,
    M_FEED_PEERS,
    M_COUNT
};

static const struct ts_metric_def defs[M_COUNT] = {
    [M_HEAD] = {.name = "tenseq_host_head_number",
                .kind = TS_GAUGE,
                .unit = "batches",
                .help = "number of the newest committed batch"},
    [M_TERM] = {.name = "tenseq_host_term",
                .kind = TS_GAUGE,
                .unit = "terms",
                .help = "term of the newest committed batch"},
    [M_STATE] = {.name = "tenseq_host_state",
                 .kind = TS_GAUGE,
                 .unit = "bool",
                 .label = "state",
                 .help = "1 for the state the host is in"},
    [M_BATCHES] = {.name = "tenseq_host_batches_total",
                   .kind = TS_COUNTER,
                   .unit = "batches",
                   .help = "batches committed and broadcast since the start"},
    [M_ALONE] = {.name = "tenseq_host_batches_alone_total",
                 .kind = TS_COUNTER,
                 .unit = "batches",
                 .help = "of these, committed without another enclave that had them"},
    [M_DISCARDED] = {.name = "tenseq_host_batches_discarded_total",
                     .kind = TS_COUNTER,
                     .unit = "batches",
                     .help = "prepared batches that lost a dispute, or whose L1 block is gone"},
    [M_FAILOVERS] = {.name = "tenseq_host_failovers_total",
                     .kind = TS_COUNTER,
                     .unit = "takeovers",
                     .help = "takeovers from an enclave that failed"},
    [M_SWITCHES] = {.name = "tenseq_host_switches_total",
                    .kind = TS_COUNTER,
                    .unit = "takeovers",
                    .help = "planned switches"},
    [M_DEADLINES] = {.name = "tenseq_host_deadlines_missed_total",
                     .kind = TS_COUNTER,
                     .unit = "requests",
                     .help = "requests that an enclave did not answer in time"},
    [M_BAD_ANSWERS] = {.name = "tenseq_host_bad_answers_total",
                       .kind = TS_COUNTER,
                       .unit = "answers",
                       .help = "answers of enclaves that were malformed, invalid or badly signed"},
    [M_TAKEOVER] = {.name = "tenseq_host_last_takeover_seconds",
                    .kind = TS_GAUGE,
                    .unit = "seconds",
                    .help = "from noticing the newest failure to the successor's first batch"},
    [M_TAKEOVER_SECONDS] = {.name = "tenseq_host_takeover_seconds",
                            .kind = TS_HISTOGRAM,
                            .unit = "seconds",
                            .buckets = takeover_buckets,
                            .n_buckets = TS_COUNT(takeover_buckets),
                            .help = "the same, of each failure since the start"},
    [M_INTERVAL_SECONDS] = {.name = "tenseq_host_batch_interval_seconds",
                            .kind = TS_HISTOGRAM,
                            .unit = "seconds",
                            .buckets = interval_buckets,
                            .n_buckets = TS_COUNT(interval_buckets),
                            .help = "from one batch's broadcast to the next one's"},
    [M_TXS] = {.name = "tenseq_host_transactions_total",
               .kind = TS_COUNTER,
               .unit = "transactions",
               .label = "outcome",
               .help = "transactions accepted and refused at the door, included and rejected"},
    [M_POOL_TXS] = {.name = "tenseq_host_pool_transactions",
                    .kind = TS_GAUGE,
                    .unit = "transactions",
                    .help = "transactions that wait for a batch"},
    [M_POOL_BYTES] = {.name = "tenseq_host_pool_bytes",
                      .kind = TS_GAUGE,
                      .unit = "bytes",
                      .help = "bytes of these"},
    [M_ENCLAVE_UP] = {.name = "tenseq_host_enclave_up",
                      .kind = TS_GAUGE,
                      .unit = "bool",
                      .label = "enclave",
                      .help = "1 while the link to the enclave is up"},
    [M_ENCLAVE_LAG] = {.name = "tenseq_host_enclave_lag_batches",
                       .kind = TS_GAUGE,
                       .unit = "batches",
                       .label = "enclave",
                       .help = "batches the enclave is behind the committed head"},
    [M_ENCLAVE_LATENCY] = {.name = "tenseq_host_enclave_latency_seconds",
                           .kind = TS_GAUGE,
                           .unit = "seconds",
                           .label = "enclave",
                           .help = "smoothed time the enclave takes to answer"},
    [M_ENCLAVE_RESTARTS] = {.name = "tenseq_host_enclave_restarts",
                            .kind = TS_GAUGE,
                            .unit = "restarts",
                            .label = "enclave",
                            .help = "published restarts of the enclave"},
    [M_ENCLAVE_CORRUPTED] = {.name = "tenseq_host_enclave_corrupted",
                             .kind = TS_GAUGE,
                             .unit = "bool",
                             .label = "enclave",
                             .help = "1 for an enclave that is never promoted any more"},
    [M_LINK_UPS] = {.name = "tenseq_link_connects_total",
                    .kind = TS_COUNTER,
                    .unit = "connections",
                    .label = "link",
                    .help = "how often the link to an enclave was made"},
    [M_LINK_SENT] = {.name = "tenseq_link_sent_bytes_total",
                     .kind = TS_COUNTER,
                     .unit = "bytes",
                     .label = "link",
                     .help = "frames sent to the enclave"},
    [M_LINK_RECEIVED] = {.name = "tenseq_link_received_bytes_total",
                         .kind = TS_COUNTER,
                         .unit = "bytes",
                         .label = "link",
                         .help = "frames of the enclave"},
    [M_LINK_FRAMES] = {.name = "tenseq_link_received_frames_total",
                       .kind = TS_COUNTER,
                       .unit = "frames",
                       .label = "link",
                       .help = "how many these were"},
    [M_STEP_SECONDS] = TS_ROW_STEP_SECONDS("tenseq_host_"),
    [M_STEPS] = TS_ROW_STEPS("tenseq_host_"),
    [M_STEP_GROUPS] = TS_ROW_STEP_GROUPS("tenseq_host_"),
    [M_STEPS_FAILED] = TS_ROW_STEPS_FAILED("tenseq_host_"),
    [M_STEPS_WAITING] = {.name = "tenseq_host_store_steps_waiting",
                         .kind = TS_GAUGE,
                         .unit = "steps",
                         .help = "steps on their way to the disk"},
    [M_LOG_EVENTS] = {.name = "tenseq_host_events_total",
                      .kind = TS_COUNTER,
                      .unit = "events",
                      .label = "level",
                      .help = "events the host logged; error and warn are alarms"},
    [M_NET] = TS_ROW_NET("tenseq_host_"),
    [M_CONNECTIONS] = TS_ROW_CONNECTIONS("tenseq_host_"),
    [M_RPC] = TS_ROW_RPC("tenseq_host_"),
    [M_RPC_IN_FLIGHT] = TS_ROW_RPC_IN_FLIGHT("tenseq_host_"),
    [M_FEED] = TS_ROW_FEED("tenseq_host_"),
    [M_L1_UP] = {.name = "tenseq_host_l1_up",
                 .kind = TS_GAUGE,
                 .unit = "bool",
                 .help = "1 while the L1 node answers; 0 without L1 too"},
    [M_L1_BLOCK] = {.name = "tenseq_host_l1_block",
                    .kind = TS_GAUGE,
                    .unit = "blocks",
                    .label = "which",
                    .help = "number of the newest confirmed L1 block, and of the one that the head "
                            "names"},
    [M_ROLLUPS] = {.name = "tenseq_host_rollups_total",
                   .kind = TS_COUNTER,
                   .unit = "rollups",
                   .help = "rollups that confirmed L1 has, as told since the start"},
    [M_ROLLED_UP] = {.name = "tenseq_host_rolled_up_number",
                     .kind = TS_GAUGE,
                     .unit = "batches",
                     .help = "last batch of the newest rollup on confirmed L1"},
    [M_FEED_PEERS] = TS_ROW_FEED_PEERS("tenseq_host_"),
};

const struct ts_metric_def *shell_metrics_table(size_t *n)
{
    *n = M_COUNT;
    return defs;
}

struct ts_metrics *shell_metrics_new(void)
{
    return ts_metrics_new(defs, M_COUNT);
}

void shell_note_step(struct ts_shell *s, uint64_t us)
{
    ts_metrics_observe(s->metrics, M_STEP_SECONDS, NULL, (double)us / 1e6);
}

/* Called for each batch that is broadcast; the core has counted it and the takeover that it ends.
 */
void shell_note_batch(struct ts_shell *s)
{
    struct ts_host_status st;
    uint64_t now = uv_hrtime() / 1000;
    ts_host_status_of(s->core, &st);
    if (s->last_batch_us != 0)
        ts_metrics_observe(s->metrics, M_INTERVAL_SECONDS, NULL,
                           (double)(now - s->last_batch_us) / 1e6);
    s->last_batch_us = now;
    if (st.counters.takeovers != s->takeovers_seen)
        ts_metrics_observe(s->metrics, M_TAKEOVER_SECONDS, NULL,
                           (double)st.counters.last_takeover_us / 1e6);
    s->takeovers_seen = st.counters.takeovers;
}

/* ---- gathering ------------------------------------------------------------------------------- */

static void gather_state(struct ts_metrics *m, const struct ts_host_status *st)
{
    for (int i = TS_HOST_PRODUCING; i <= TS_HOST_L1; i++)
        ts_metrics_set(m, M_STATE, shell_state_name((enum ts_host_state)i),
                       st->state == (enum ts_host_state)i);
    ts_metrics_set(m, M_HEAD, NULL, (double)st->head.number);
    ts_metrics_set(m, M_TERM, NULL, (double)st->head.term);
    ts_metrics_set(m, M_POOL_TXS, NULL, (double)st->pool_txs);
    ts_metrics_set(m, M_POOL_BYTES, NULL, (double)st->pool_bytes);
}

static void gather_counters(struct ts_metrics *m, const struct ts_host_counters *c)
{
    ts_metrics_set_counter(m, M_BATCHES, NULL, c->batches);
    ts_metrics_set_counter(m, M_ALONE, NULL, c->alone);
    ts_metrics_set_counter(m, M_DISCARDED, NULL, c->discarded);
    ts_metrics_set_counter(m, M_FAILOVERS, NULL, c->failovers);
    ts_metrics_set_counter(m, M_SWITCHES, NULL, c->switches);
    ts_metrics_set_counter(m, M_DEADLINES, NULL, c->deadlines_missed);
    ts_metrics_set_counter(m, M_BAD_ANSWERS, NULL, c->bad_answers);
    ts_metrics_set(m, M_TAKEOVER, NULL, (double)c->last_takeover_us / 1e6);
    ts_metrics_set_counter(m, M_TXS, "accepted", c->txs_accepted);
    ts_metrics_set_counter(m, M_TXS, "refused", c->txs_refused);
    ts_metrics_set_counter(m, M_TXS, "included", c->txs_included);
    ts_metrics_set_counter(m, M_TXS, "rejected", c->txs_rejected);
}

static void gather_enclaves(struct ts_shell *s, size_t n)
{
    static const enum metric gauges[] = {M_ENCLAVE_UP, M_ENCLAVE_LAG, M_ENCLAVE_LATENCY,
                                         M_ENCLAVE_RESTARTS, M_ENCLAVE_CORRUPTED};
    for (size_t i = 0; i < TS_COUNT(gauges); i++)
        ts_metrics_clear(s->metrics, gauges[i]);
    for (size_t i = 0; i < n; i++) {
        struct ts_host_enclave_status e;
        char id[TS_ADDRESS_HEX_SIZE];
        ts_host_enclave_of(s->core, i, &e);
        if (!e.known)
            continue;
        (void)ts_hex(e.id.b, sizeof(e.id.b), id);
        ts_metrics_set(s->metrics, M_ENCLAVE_UP, id, strcmp(e.state, "up") == 0);
        ts_metrics_set(s->metrics, M_ENCLAVE_LAG, id, (double)e.lag);
        ts_metrics_set(s->metrics, M_ENCLAVE_LATENCY, id, (double)e.latency_us / 1e6);
        ts_metrics_set(s->metrics, M_ENCLAVE_RESTARTS, id, (double)e.restarts);
        ts_metrics_set(s->metrics, M_ENCLAVE_CORRUPTED, id, e.corrupted);
    }
}

/* By the link's address: whose enclave is behind it may change, its counts go on. */
static void gather_links(struct ts_shell *s)
{
    for (unsigned i = 0; i < s->config.n_links; i++) {
        const struct link_slot *slot = &s->links[i];
        const char *link = s->config.links[i].text;
        ts_metrics_set_counter(s->metrics, M_LINK_UPS, link, slot->connects);
        ts_metrics_set_counter(s->metrics, M_LINK_SENT, link, slot->sent_bytes);
        ts_metrics_set_counter(s->metrics, M_LINK_RECEIVED, link, slot->received_bytes);
        ts_metrics_set_counter(s->metrics, M_LINK_FRAMES, link, slot->received_frames);
    }
}

static void gather_store(struct ts_shell *s)
{
    struct ts_writer_counters c = ts_writer_counters(s->writer);
    ts_metrics_set_counter(s->metrics, M_STEPS, NULL, c.steps);
    ts_metrics_set_counter(s->metrics, M_STEP_GROUPS, NULL, c.groups);
    ts_metrics_set_counter(s->metrics, M_STEPS_FAILED, NULL, c.failed);
    ts_metrics_set(s->metrics, M_STEPS_WAITING, NULL, (double)ts_writer_waiting(s->writer));
}

static void gather_l1(struct ts_shell *s, const struct ts_host_status *st)
{
    ts_metrics_set(s->metrics, M_L1_UP, NULL, shell_l1_is_up(s));
    ts_metrics_set(s->metrics, M_L1_BLOCK, "confirmed", (double)st->l1_newest);
    ts_metrics_set(s->metrics, M_L1_BLOCK, "named", (double)st->head.l1_number);
    ts_metrics_set_counter(s->metrics, M_ROLLUPS, NULL, st->counters.rollups);
    ts_metrics_set(s->metrics, M_ROLLED_UP, NULL, (double)st->rolled_up);
}

static void gather_net(struct ts_shell *s)
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

void shell_metrics_gather(struct ts_shell *s, const struct ts_host_status *st)
{
    gather_state(s->metrics, st);
    gather_counters(s->metrics, &st->counters);
    gather_enclaves(s, st->n_enclaves);
    gather_links(s);
    gather_store(s);
    gather_l1(s, st);
    gather_net(s);
}
