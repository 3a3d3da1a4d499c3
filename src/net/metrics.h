/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics as a table, written in the Prometheus text format (version 0.0.4). No globals: each
 * program has one table and one set of values. */
#ifndef TS_NET_METRICS_H
#define TS_NET_METRICS_H

#include "base/buf.h"

enum ts_metric_kind { TS_COUNTER, TS_GAUGE, TS_HISTOGRAM };

#define TS_METRIC_LABELS_MAX 64 /* label values of one metric; more go to the value "other" */

/* Names follow Prometheus: counters end in _total, a unit stands before that or last. */
struct ts_metric_def {
    const char *name;
    enum ts_metric_kind kind;
    const char *unit;      /* "seconds", "bytes", "batches", … for the documentation */
    const char *help;      /* one sentence without a full stop */
    const char *label;     /* name of the one label, or NULL */
    const double *buckets; /* histogram: upper bounds, growing, without +Inf */
    size_t n_buckets;      /* at most 32 */
};

struct ts_metrics;

/* defs stay borrowed. NULL: out of memory. A malformed table is the caller's bug. */
struct ts_metrics *ts_metrics_new(const struct ts_metric_def *defs, size_t n_defs);
void ts_metrics_free(struct ts_metrics *m);

/* i is the index in the table; the wrong kind is the caller's bug. label is the label's value,
 * copied at its first use (at most 64 bytes), NULL when the metric has none. Cheap: no allocation
 * after the first use of a label value. */
void ts_metrics_add(struct ts_metrics *m, size_t i, const char *label, uint64_t n);
/* For counters kept elsewhere: sets the value, which must not shrink. */
void ts_metrics_set_counter(struct ts_metrics *m, size_t i, const char *label, uint64_t value);
void ts_metrics_set(struct ts_metrics *m, size_t i, const char *label, double value);
void ts_metrics_observe(struct ts_metrics *m, size_t i, const char *label, double value);
/* Drops all label values of a gauge, before it is set anew (an enclave that is gone is shown no
 * more). */
void ts_metrics_clear(struct ts_metrics *m, size_t i);
/* The value of a counter or gauge, the count of a histogram. */
double ts_metrics_get(const struct ts_metrics *m, size_t i, const char *label);

/* Appends the exposition. Metrics without a label are always shown, from 0 on. */
void ts_metrics_write(const struct ts_metrics *m, struct ts_buf *out);
/* Appends the table as Markdown, for docs/metrics.md. */
void ts_metrics_write_table(const struct ts_metric_def *defs, size_t n_defs, struct ts_buf *out);

#define TS_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

#endif
