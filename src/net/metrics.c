/* SPDX-License-Identifier: Apache-2.0 */
#include "net/metrics.h"

#include <math.h>

#include "base/check.h"

#define LABEL_MAX   64
#define BUCKETS_MAX 32

/* One label value of one metric. */
struct series {
    char label[LABEL_MAX + 1];
    uint64_t count; /* counters; histograms: observations */
    double value;   /* gauges; histograms: their sum */
    uint64_t buckets[BUCKETS_MAX];
};

struct metric {
    struct series *series; /* owned */
    size_t n, cap;
};

struct ts_metrics {
    const struct ts_metric_def *defs;
    size_t n;
    struct metric *metrics;
};

static bool name_is_good(const char *name)
{
    for (const char *p = name; *p != 0; p++) {
        bool digit = *p >= '0' && *p <= '9';
        if (!((*p >= 'a' && *p <= 'z') || *p == '_' || (digit && p != name)))
            return false;
    }
    return *name != 0;
}

static void check_def(const struct ts_metric_def *d)
{
    TS_CHECK(d->name != NULL && d->help != NULL && name_is_good(d->name));
    TS_CHECK(d->label == NULL || name_is_good(d->label));
    size_t n = strlen(d->name);
    TS_CHECK((d->kind == TS_COUNTER) == (n > 6 && strcmp(d->name + n - 6, "_total") == 0));
    TS_CHECK((d->kind == TS_HISTOGRAM) == (d->n_buckets > 0) && d->n_buckets <= BUCKETS_MAX);
    for (size_t i = 1; i < d->n_buckets; i++)
        TS_CHECK(d->buckets[i - 1] < d->buckets[i]);
}

struct ts_metrics *ts_metrics_new(const struct ts_metric_def *defs, size_t n_defs)
{
    struct ts_metrics *m = calloc(1, sizeof(*m));
    if (m == NULL)
        return NULL;
    *m = (struct ts_metrics){defs, n_defs, calloc(n_defs, sizeof(struct metric))};
    if (m->metrics == NULL) {
        free(m);
        return NULL;
    }
    for (size_t i = 0; i < n_defs; i++)
        check_def(&defs[i]);
    return m;
}

void ts_metrics_free(struct ts_metrics *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->n; i++)
        free(m->metrics[i].series);
    free(m->metrics);
    free(m);
}

static struct series *look_up(const struct metric *metric, const char *label)
{
    for (size_t i = 0; i < metric->n; i++)
        if (strncmp(metric->series[i].label, label, LABEL_MAX) == 0)
            return &metric->series[i];
    return NULL;
}

/* The series of a label value, made at its first use; NULL when memory is out: the figure is lost.
 */
static struct series *series_of(struct ts_metrics *m, size_t i, const char *label)
{
    TS_CHECK(i < m->n && (label == NULL) == (m->defs[i].label == NULL));
    struct metric *metric = &m->metrics[i];
    char key[LABEL_MAX + 1];
    snprintf(key, sizeof(key), "%s", label != NULL ? label : "");
    struct series *s = look_up(metric, key);
    if (s == NULL && metric->n >= TS_METRIC_LABELS_MAX) {
        snprintf(key, sizeof(key), "other");
        s = look_up(metric, key);
    }
    if (s != NULL)
        return s;
    if (metric->n == metric->cap) {
        size_t cap = metric->cap ? 2 * metric->cap : 1;
        struct series *bigger = realloc(metric->series, cap * sizeof(*bigger));
        if (bigger == NULL)
            return NULL;
        metric->series = bigger;
        metric->cap = cap;
    }
    s = &metric->series[metric->n++];
    memset(s, 0, sizeof(*s));
    memcpy(s->label, key, sizeof(key));
    return s;
}

void ts_metrics_add(struct ts_metrics *m, size_t i, const char *label, uint64_t n)
{
    struct series *s = series_of(m, i, label);
    TS_CHECK(m->defs[i].kind == TS_COUNTER);
    if (s != NULL)
        s->count += n;
}

void ts_metrics_set_counter(struct ts_metrics *m, size_t i, const char *label, uint64_t value)
{
    struct series *s = series_of(m, i, label);
    TS_CHECK(m->defs[i].kind == TS_COUNTER);
    if (s == NULL)
        return;
    TS_CHECK(value >= s->count);
    s->count = value;
}

void ts_metrics_set(struct ts_metrics *m, size_t i, const char *label, double value)
{
    struct series *s = series_of(m, i, label);
    TS_CHECK(m->defs[i].kind == TS_GAUGE);
    if (s != NULL)
        s->value = value;
}

void ts_metrics_observe(struct ts_metrics *m, size_t i, const char *label, double value)
{
    struct series *s = series_of(m, i, label);
    const struct ts_metric_def *d = &m->defs[i];
    TS_CHECK(d->kind == TS_HISTOGRAM);
    if (s == NULL)
        return;
    s->count++;
    s->value += value;
    for (size_t k = 0; k < d->n_buckets; k++)
        if (value <= d->buckets[k]) {
            s->buckets[k]++;
            return;
        }
}

void ts_metrics_clear(struct ts_metrics *m, size_t i)
{
    TS_CHECK(i < m->n && m->defs[i].kind == TS_GAUGE);
    m->metrics[i].n = 0;
}

double ts_metrics_get(const struct ts_metrics *m, size_t i, const char *label)
{
    TS_CHECK(i < m->n);
    const struct series *s = look_up(&m->metrics[i], label != NULL ? label : "");
    if (s == NULL)
        return 0;
    return m->defs[i].kind == TS_GAUGE ? s->value : (double)s->count;
}

/* ---- the text form ---- */

static void put_value(struct ts_buf *out, double v)
{
    if (isnan(v))
        ts_buf_printf(out, "NaN\n");
    else if (isinf(v))
        ts_buf_printf(out, v > 0 ? "+Inf\n" : "-Inf\n");
    else
        ts_buf_printf(out, "%.15g\n", v);
}

/* Backslash, quote and newline are escaped, as the format asks. */
static void put_escaped(struct ts_buf *out, const char *text, bool quotes)
{
    for (; *text != 0; text++) {
        if (*text == '\\' || (quotes && *text == '"'))
            ts_buf_put_byte(out, '\\');
        if (*text == '\n')
            ts_buf_printf(out, "\\n");
        else
            ts_buf_put_byte(out, (uint8_t)*text);
    }
}

/* name_suffix{label="value",le="bound"} and a space. */
static void put_name(struct ts_buf *out, const struct ts_metric_def *d, const struct series *s,
                     const char *suffix, const double *bound, bool infinite)
{
    ts_buf_printf(out, "%s%s", d->name, suffix);
    bool has_bound = bound != NULL || infinite;
    if (d->label != NULL || has_bound)
        ts_buf_put_byte(out, '{');
    if (d->label != NULL) {
        ts_buf_printf(out, "%s=\"", d->label);
        put_escaped(out, s->label, true);
        ts_buf_printf(out, has_bound ? "\"," : "\"");
    }
    if (bound != NULL)
        ts_buf_printf(out, "le=\"%.15g\"", *bound);
    else if (infinite)
        ts_buf_printf(out, "le=\"+Inf\"");
    if (d->label != NULL || has_bound)
        ts_buf_put_byte(out, '}');
    ts_buf_put_byte(out, ' ');
}

static void put_histogram(struct ts_buf *out, const struct ts_metric_def *d, const struct series *s)
{
    uint64_t sum = 0;
    for (size_t k = 0; k < d->n_buckets; k++) {
        sum += s->buckets[k];
        put_name(out, d, s, "_bucket", &d->buckets[k], false);
        ts_buf_printf(out, "%llu\n", (unsigned long long)sum);
    }
    put_name(out, d, s, "_bucket", NULL, true);
    ts_buf_printf(out, "%llu\n", (unsigned long long)s->count);
    put_name(out, d, s, "_sum", NULL, false);
    put_value(out, s->value);
    put_name(out, d, s, "_count", NULL, false);
    ts_buf_printf(out, "%llu\n", (unsigned long long)s->count);
}

static void put_series(struct ts_buf *out, const struct ts_metric_def *d, const struct series *s)
{
    if (d->kind == TS_HISTOGRAM) {
        put_histogram(out, d, s);
        return;
    }
    put_name(out, d, s, "", NULL, false);
    if (d->kind == TS_COUNTER)
        ts_buf_printf(out, "%llu\n", (unsigned long long)s->count);
    else
        put_value(out, s->value);
}

static const char *const kind_names[] = {"counter", "gauge", "histogram"};

void ts_metrics_write(const struct ts_metrics *m, struct ts_buf *out)
{
    static const struct series zero;
    for (size_t i = 0; i < m->n; i++) {
        const struct ts_metric_def *d = &m->defs[i];
        const struct metric *metric = &m->metrics[i];
        ts_buf_printf(out, "# HELP %s ", d->name);
        put_escaped(out, d->help, false);
        ts_buf_printf(out, "\n# TYPE %s %s\n", d->name, kind_names[d->kind]);
        if (metric->n == 0 && d->label == NULL)
            put_series(out, d, &zero);
        for (size_t k = 0; k < metric->n; k++)
            put_series(out, d, &metric->series[k]);
    }
}

void ts_metrics_write_table(const struct ts_metric_def *defs, size_t n_defs, struct ts_buf *out)
{
    ts_buf_printf(out, "| metric | kind | unit | label | what it tells |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < n_defs; i++)
        ts_buf_printf(out, "| `%s` | %s | %s | %s | %s |\n", defs[i].name, kind_names[defs[i].kind],
                      defs[i].unit != NULL ? defs[i].unit : "", defs[i].label ? defs[i].label : "",
                      defs[i].help);
}
