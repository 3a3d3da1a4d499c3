/* SPDX-License-Identifier: Apache-2.0 */
/* The rows that the tables of a host's and of a node's metrics share: writer, log and front. The
 * prefix is that of the program's names, a literal such as "tenseq_host_"; what differs is the
 * index of a row, which is the table's. docs/metrics.md is made of the tables. */
#ifndef TS_SHELL_METRIC_ROWS_H
#define TS_SHELL_METRIC_ROWS_H

#include "base/check.h"
#include "net/metrics.h"

/* ---- the writer of the store ---- */

static const double ts_store_step_buckets[] = {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02,
                                               0.05,   0.1,   0.25,  0.5,   1,    2.5};

#define TS_ROW_STEP_SECONDS(prefix)                                                                \
    {                                                                                              \
        .name = prefix "store_step_seconds", .kind = TS_HISTOGRAM, .unit = "seconds",              \
        .buckets = ts_store_step_buckets, .n_buckets = TS_COUNT(ts_store_step_buckets),            \
        .help = "from submitting a step to its being durable",                                     \
    }
#define TS_ROW_STEPS(prefix)                                                                       \
    {                                                                                              \
        .name = prefix "store_steps_total", .kind = TS_COUNTER, .unit = "steps",                   \
        .help = "durable steps",                                                                   \
    }
#define TS_ROW_STEP_GROUPS(prefix)                                                                 \
    {                                                                                              \
        .name = prefix "store_flushes_total", .kind = TS_COUNTER, .unit = "flushes",               \
        .help = "flushes they shared",                                                             \
    }
#define TS_ROW_STEPS_FAILED(prefix)                                                                \
    {                                                                                              \
        .name = prefix "store_failures_total", .kind = TS_COUNTER, .unit = "steps",                \
        .help = "steps that failed",                                                               \
    }

/* ---- what ts_front_measure fills, shell/front.h ---- */

#define TS_ROW_NET(prefix)                                                                         \
    {                                                                                              \
        .name = prefix "net_total", .kind = TS_COUNTER, .unit = "events", .label = "what",         \
        .help = "what the listener counted",                                                       \
    }
#define TS_ROW_CONNECTIONS(prefix)                                                                 \
    {                                                                                              \
        .name = prefix "connections", .kind = TS_GAUGE, .unit = "connections",                     \
        .help = "connections open now",                                                            \
    }
#define TS_ROW_RPC(prefix)                                                                         \
    {                                                                                              \
        .name = prefix "rpc_total", .kind = TS_COUNTER, .unit = "calls", .label = "what",          \
        .help = "what JSON-RPC counted",                                                           \
    }
#define TS_ROW_RPC_IN_FLIGHT(prefix)                                                               \
    {                                                                                              \
        .name = prefix "rpc_in_flight", .kind = TS_GAUGE, .unit = "calls",                         \
        .help = "calls not answered yet",                                                          \
    }
#define TS_ROW_FEED(prefix)                                                                        \
    {                                                                                              \
        .name = prefix "feed_total", .kind = TS_COUNTER, .unit = "events", .label = "what",        \
        .help = "what the feed that is served counted",                                            \
    }
#define TS_ROW_FEED_PEERS(prefix)                                                                  \
    {                                                                                              \
        .name = prefix "feed_peers", .kind = TS_GAUGE, .unit = "peers",                            \
        .help = "subscribers of the feed that is served",                                          \
    }

#endif
