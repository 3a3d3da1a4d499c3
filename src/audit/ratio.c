/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/ratio.h"

#include <math.h>

#define DAY_MS 86400000.0

void ts_assess_params_default(struct ts_assess_params *p)
{
    *p = (struct ts_assess_params){
        .alpha = 0.001, .ceiling_per_day = 0.1, .abuse_per_day = 1, .merge_ms = 600000};
}

/* Written so that what is no number is refused too. */
const char *ts_assess_params_check(const struct ts_assess_params *p)
{
    if (!(p->alpha >= 1e-12 && p->alpha <= 0.5))
        return "alpha, the chance of a false alarm, must be from 1e-12 to 0.5";
    if (!(p->ceiling_per_day >= 1e-6 && p->ceiling_per_day <= 1e6))
        return "the ceiling of restarts must be from 0.000001 to 1000000 a day";
    if (!(p->abuse_per_day >= p->ceiling_per_day * 1.01 && p->abuse_per_day <= 1e9))
        return "the rate of abuse must be above the ceiling of restarts by a hundredth at least";
    return NULL;
}

void ts_ratio_begin(struct ts_ratio *r, const struct ts_assess_params *p, bool merged,
                    ts_time since)
{
    double more = p->abuse_per_day - p->ceiling_per_day;
    *r = (struct ts_ratio){.gain = log(p->abuse_per_day / p->ceiling_per_day),
                           .fall = more / DAY_MS,
                           .since = since,
                           .merge_ms = merged ? p->merge_ms : 0};
    r->l.threshold = log(1 / p->alpha);
    r->l.expected_delay = r->l.threshold / (p->abuse_per_day * r->gain - more);
}

static double value(const struct ts_ratio *r, ts_time now)
{
    double ms = now > r->since ? (double)(now - r->since) : 0;
    return (double)r->l.n * r->gain - r->fall * ms;
}

void ts_ratio_restart(struct ts_ratio *r, ts_time time, uint64_t number, uint64_t n)
{
    bool is_merged = r->merge_ms > 0;
    if (is_merged && r->l.n > 0 && time - r->incident <= r->merge_ms)
        return;
    r->incident = time;
    r->l.n = is_merged ? r->l.n + 1 : n;
    double now = value(r, time);
    if (now > r->l.highest)
        r->l.highest = now;
    if (r->l.alarm || now < r->l.threshold)
        return;
    r->l.alarm = true;
    r->l.alarm_at = number;
    r->l.alarm_time = time;
}

struct ts_likelihood ts_ratio_at(const struct ts_ratio *r, ts_time now)
{
    struct ts_likelihood l = r->l;
    l.log_ratio = value(r, now);
    return l;
}
