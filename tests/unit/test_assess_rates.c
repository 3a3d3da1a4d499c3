/* SPDX-License-Identifier: Apache-2.0 */
/* How often the alarm is false and how long it takes when it is not: measured in simulation, with
 * the assessment's own ratio, against the formulas. Prints both. Fixed seeds: the same figures
 * every time. */
#include <math.h>
#include <stdio.h>

#include "audit/ratio.h"
#include "base/check.h"
#include "testnet.h"
#include "unit.h"

#define DAY     86400000.0
#define ALPHA   0.001
#define CEILING 0.1
#define DAYS    3000

static void assert_near(double x, double y)
{
    assert_true(fabs(x - y) < 1e-9);
}

/* A waiting time in days, at so many a day. */
static double wait(uint64_t *seed, double rate)
{
    double u = ((double)(tn_next(seed) >> 11) + 0.5) / 9007199254740992.0;
    return -log(u) / rate;
}

static struct ts_assess_params params(double abuse)
{
    struct ts_assess_params p;
    ts_assess_params_default(&p);
    p.alpha = ALPHA;
    p.ceiling_per_day = CEILING;
    p.abuse_per_day = abuse;
    assert_null(ts_assess_params_check(&p));
    return p;
}

/* One operator, whose incidents come at a rate; each is so many restarts, a minute apart at most.
 */
struct life {
    double rate;
    size_t cluster; /* at most; 1: no clusters */
    double days;
};

/* The day of the alarm, or -1. */
static double live(struct ts_ratio *r, const struct life *l, uint64_t *seed)
{
    uint64_t n = 0;
    uint64_t last = 0;
    double at = 0;
    while (!r->l.alarm && (at += wait(seed, l->rate)) < l->days) {
        size_t size = l->cluster > 1 ? 1 + tn_next(seed) % l->cluster : 1;
        uint64_t time = (uint64_t)(at * DAY);
        for (size_t i = 0; i < size; i++) {
            n++;
            if (time > last) /* a cluster that reaches into the next: times ascend */
                last = time;
            ts_ratio_restart(r, last, n, n);
            time += tn_next(seed) % 60000;
        }
    }
    return r->l.alarm ? (double)r->l.alarm_time / DAY : -1;
}

struct outcome {
    size_t alarms;
    double mean; /* days, of those */
};

static struct outcome repeat(const struct ts_assess_params *p, bool merged, const struct life *l,
                             size_t runs)
{
    struct outcome o = {0};
    double sum = 0;
    uint64_t seed = 20260101;
    for (size_t i = 0; i < runs; i++) {
        struct ts_ratio r;
        ts_ratio_begin(&r, p, merged, 0);
        double day = live(&r, l, &seed);
        o.alarms += day >= 0;
        sum += day >= 0 ? day : 0;
    }
    o.mean = o.alarms > 0 ? sum / (double)o.alarms : 0;
    return o;
}

/* Three standard deviations of a rate that is measured so often. */
static double margin(double rate, size_t runs)
{
    return 3 * sqrt(rate * (1 - rate) / (double)runs);
}

static void false_alarms_are_as_rare_as_promised(void **state)
{
    (void)state;
    static const struct {
        double rate, times;
    } cases[] = {{CEILING, 2}, {CEILING, 10}, {CEILING / 2, 2}};
    const size_t runs = 50000;
    double measured[TS_COUNT(cases)];
    for (size_t i = 0; i < TS_COUNT(cases); i++) {
        const struct ts_assess_params p = params(cases[i].times * CEILING);
        const struct life l = {.rate = cases[i].rate, .cluster = 1, .days = DAYS};
        measured[i] = (double)repeat(&p, false, &l, runs).alarms / (double)runs;
        print_message(
            "note: false alarms in %d days, ceiling %.1f, held against %.1f, true rate %.2f a "
            "day: at most %.4f, measured %.5f\n",
            DAYS, CEILING, p.abuse_per_day, l.rate, ALPHA, measured[i]);
    }
    assert_true(measured[0] <= ALPHA + margin(ALPHA, runs));
    assert_true(measured[0] >= ALPHA / 2); /* the bound is no idle one */
    assert_true(measured[1] <= measured[0]);
    assert_true(measured[2] <= ALPHA / 10);
}

static void the_delay_is_as_the_formula_says(void **state)
{
    (void)state;
    static const double times[] = {10, 5, 2};
    for (size_t i = 0; i < TS_COUNT(times); i++) {
        const struct ts_assess_params p = params(times[i] * CEILING);
        const struct life l = {.rate = p.abuse_per_day, .cluster = 1, .days = 1e6};
        struct ts_ratio r;
        ts_ratio_begin(&r, &p, false, 0);
        double formula = r.l.expected_delay;
        struct outcome o = repeat(&p, false, &l, 20000);
        print_message("note: delay at %2.0f times the ceiling: formula %.1f days, measured %.1f\n",
                      times[i], formula, o.mean);
        assert_int_equal(o.alarms, 20000); /* all are found */
        /* The formula leaves out by how much the last restart oversteps: at most its gain. */
        double jump = r.gain / (p.abuse_per_day * r.gain - (p.abuse_per_day - CEILING));
        assert_true(o.mean > formula * 0.98 && o.mean < formula + jump);
    }
}

static void an_honest_cluster_counts_once_when_merged(void **state)
{
    (void)state;
    const size_t runs = 30000;
    const struct ts_assess_params p = params(10 * CEILING);
    /* Incidents that restart one to three enclaves: 0.1 restarts a day in all. */
    const struct life l = {.rate = CEILING / 2, .cluster = 3, .days = DAYS};
    double raw = (double)repeat(&p, false, &l, runs).alarms / (double)runs;
    double merged = (double)repeat(&p, true, &l, runs).alarms / (double)runs;
    print_message(
        "note: false alarms in %d days, ceiling %.1f, true rate %.1f a day in clusters of one "
        "to three: raw %.4f, merged %.5f\n",
        DAYS, CEILING, CEILING, raw, merged);
    assert_true(raw > 10 * ALPHA); /* independence is assumed, and is not so */
    assert_true(merged <= ALPHA + margin(ALPHA, runs));
}

/* Merging hides nobody who restarts steadily: an incident ends so long after its first restart. */
static void merging_does_not_hide_an_endless_row(void **state)
{
    (void)state;
    const struct ts_assess_params p = params(10 * CEILING);
    struct ts_ratio r;
    ts_ratio_begin(&r, &p, true, 0);
    uint64_t every = p.merge_ms / 2;
    uint64_t n = 0;
    while (!r.l.alarm && n < 1000) {
        n++;
        ts_ratio_restart(&r, n * every, n, n);
    }
    assert_true(r.l.alarm);
    assert_int_equal(n, 3 * (r.l.n - 1) + 1); /* every third begins an incident */
    assert_int_equal(r.l.alarm_at, n);
}

static void the_ratio_is_the_formula(void **state)
{
    (void)state;
    const struct ts_assess_params p = params(1);
    struct ts_ratio r;
    ts_ratio_begin(&r, &p, false, 1000);
    ts_ratio_restart(&r, 1000 + (uint64_t)DAY, 7, 1);
    ts_ratio_restart(&r, 1000 + (uint64_t)(2 * DAY), 9, 5); /* three of them were not told */
    struct ts_likelihood l = ts_ratio_at(&r, 1000 + (uint64_t)(4 * DAY));
    assert_near(l.log_ratio, 5 * log(10) - 0.9 * 4);
    assert_near(l.highest, 5 * log(10) - 0.9 * 2);
    assert_near(l.threshold, log(1000));
    assert_true(l.alarm);
    assert_int_equal(l.alarm_at, 9);
    /* It stays, however long nothing happens. */
    l = ts_ratio_at(&r, (uint64_t)(400 * DAY));
    assert_true(l.log_ratio < 0 && l.alarm && l.alarm_at == 9);
}

static void bad_parameters_are_named(void **state)
{
    (void)state;
    static const struct {
        double alpha, ceiling, abuse;
        const char *part;
    } cases[] = {{0, 0.1, 1, "alpha"},      {1, 0.1, 1, "alpha"},
                 {NAN, 0.1, 1, "alpha"},    {0.001, 0, 1, "ceiling"},
                 {0.001, -1, 1, "ceiling"}, {0.001, NAN, 1, "ceiling"},
                 {0.001, 1, 1, "abuse"},    {0.001, 1, 0.5, "abuse"},
                 {0.001, 1, NAN, "abuse"},  {0.001, 1, INFINITY, "abuse"}};
    for (size_t i = 0; i < TS_COUNT(cases); i++) {
        struct ts_assess_params p = {.alpha = cases[i].alpha,
                                     .ceiling_per_day = cases[i].ceiling,
                                     .abuse_per_day = cases[i].abuse};
        const char *why = ts_assess_params_check(&p);
        assert_non_null(why);
        assert_non_null(strstr(why, cases[i].part));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(false_alarms_are_as_rare_as_promised),
        cmocka_unit_test(the_delay_is_as_the_formula_says),
        cmocka_unit_test(an_honest_cluster_counts_once_when_merged),
        cmocka_unit_test(merging_does_not_hide_an_endless_row),
        cmocka_unit_test(the_ratio_is_the_formula),
        cmocka_unit_test(bad_parameters_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
