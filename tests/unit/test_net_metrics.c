/* SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

#include <math.h>

#include "base/check.h"
#include "net/metrics.h"

enum { BATCHES, MEMPOOL, LAG, DELAY };

static const double delays[] = {0.1, 1, 2.5};

static const struct ts_metric_def defs[] = {
    [BATCHES] = {"t_batches_total", TS_COUNTER, "batches", "batches made", NULL, NULL, 0},
    [MEMPOOL] = {"t_mempool_bytes", TS_GAUGE, "bytes", "a \\ and\na newline", NULL, NULL, 0},
    [LAG] = {"t_lag_batches", TS_GAUGE, "batches", "how far behind", "enclave", NULL, 0},
    [DELAY] = {"t_delay_seconds", TS_HISTOGRAM, "seconds", "time taken", "kind", delays, 3},
};

static void expect(struct ts_metrics *m, const char *text)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_metrics_write(m, &b);
    ts_buf_put_byte(&b, 0);
    assert_int_equal(b.err, TS_OK);
    assert_string_equal((const char *)b.p, text);
    ts_buf_free(&b);
}

#define HEAD_BATCHES "# HELP t_batches_total batches made\n# TYPE t_batches_total counter\n"
#define HEAD_MEMPOOL "# HELP t_mempool_bytes a \\\\ and\\na newline\n# TYPE t_mempool_bytes gauge\n"
#define HEAD_LAG     "# HELP t_lag_batches how far behind\n# TYPE t_lag_batches gauge\n"
#define HEAD_DELAY   "# HELP t_delay_seconds time taken\n# TYPE t_delay_seconds histogram\n"

static void exposition(void **state)
{
    struct ts_metrics *m = ts_metrics_new(defs, TS_COUNT(defs));
    (void)state;
    expect(m, HEAD_BATCHES "t_batches_total 0\n" HEAD_MEMPOOL
                           "t_mempool_bytes 0\n" HEAD_LAG HEAD_DELAY);
    ts_metrics_add(m, BATCHES, NULL, 2);
    ts_metrics_add(m, BATCHES, NULL, 1);
    ts_metrics_set_counter(m, BATCHES, NULL, 9007199254740993u);
    ts_metrics_set(m, MEMPOOL, NULL, 1700000000.125);
    ts_metrics_set(m, LAG, "0x\"\\\n", 3);
    ts_metrics_observe(m, DELAY, "a", 0.1);
    ts_metrics_observe(m, DELAY, "a", 0.5);
    ts_metrics_observe(m, DELAY, "a", 99);
    expect(m, HEAD_BATCHES "t_batches_total 9007199254740993\n" HEAD_MEMPOOL
                           "t_mempool_bytes 1700000000.125\n" HEAD_LAG
                           "t_lag_batches{enclave=\"0x\\\"\\\\\\n\"} 3\n" HEAD_DELAY
                           "t_delay_seconds_bucket{kind=\"a\",le=\"0.1\"} 1\n"
                           "t_delay_seconds_bucket{kind=\"a\",le=\"1\"} 2\n"
                           "t_delay_seconds_bucket{kind=\"a\",le=\"2.5\"} 2\n"
                           "t_delay_seconds_bucket{kind=\"a\",le=\"+Inf\"} 3\n"
                           "t_delay_seconds_sum{kind=\"a\"} 99.6\n"
                           "t_delay_seconds_count{kind=\"a\"} 3\n");
    assert_true(ts_metrics_get(m, DELAY, "a") > 2.9);
    assert_true(ts_metrics_get(m, LAG, "absent") < 0.1);
    ts_metrics_clear(m, LAG);
    ts_metrics_set(m, MEMPOOL, NULL, NAN);
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_metrics_write(m, &b);
    assert_null(memmem(b.p, b.n, "enclave=", 8));
    assert_non_null(memmem(b.p, b.n, "t_mempool_bytes NaN\n", 20));
    ts_buf_free(&b);
    ts_metrics_free(m);
}

static void labels_are_bounded(void **state)
{
    struct ts_metrics *m = ts_metrics_new(defs, TS_COUNT(defs));
    char label[100];
    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(label, sizeof(label), "%d", i);
        ts_metrics_set(m, LAG, label, i);
    }
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_metrics_write(m, &b);
    ts_buf_put_byte(&b, 0);
    size_t count = 0;
    for (const char *p = (const char *)b.p; (p = strstr(p, "enclave=")) != NULL; p++)
        count++;
    assert_int_equal(count, TS_METRIC_LABELS_MAX + 1);
    assert_non_null(strstr((const char *)b.p, "{enclave=\"other\"} 999\n"));
    ts_buf_free(&b);
    /* Labels are cut at 64 bytes, and found again. */
    ts_metrics_clear(m, LAG);
    memset(label, 'x', 99);
    label[99] = '\0';
    ts_metrics_set(m, LAG, label, 1);
    ts_metrics_set(m, LAG, label, 2);
    assert_true(ts_metrics_get(m, LAG, label) > 1.9);
    ts_metrics_free(m);
}

static void table(void **state)
{
    struct ts_buf b;
    (void)state;
    ts_buf_init(&b, 0);
    ts_metrics_write_table(defs, 1, &b);
    ts_buf_put_byte(&b, 0);
    assert_string_equal((const char *)b.p,
                        "| metric | kind | unit | label | what it tells |\n|---|---|---|---|---|\n"
                        "| `t_batches_total` | counter | batches |  | batches made |\n");
    ts_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exposition),
        cmocka_unit_test(labels_are_bounded),
        cmocka_unit_test(table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
