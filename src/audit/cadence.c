/* SPDX-License-Identifier: Apache-2.0 */
/* cadence: batches come late, or bunched, against the network's batchInterval (attack 31): either
 * holds transactions longer than users were told. Times are the headers', the operator's claims.
 * One finding for a whole stretch. */
#include <inttypes.h>

#include "audit/internal.h"

static bool is_late(uint64_t gap, uint64_t interval)
{
    return gap > TS_AUDIT_LATE_MORE_MS &&
           (gap - TS_AUDIT_LATE_MORE_MS - 1) / TS_AUDIT_LATE_FACTOR >= interval;
}

static void open_stretch(struct audit_step *s, struct audit_cadence *c, uint64_t first,
                         uint64_t gap)
{
    char span[AUDIT_SPAN], interval[AUDIT_SPAN];
    struct ts_finding f = audit_finding(s, TS_F_CADENCE, NULL, first);
    f.state = TS_FINDING_OPEN;
    f.count = c->late + c->bunched;
    audit_span(s->a->genesis->params.batch_interval_ms, interval);
    if (c->late > 0)
        audit_text(&f, "batch %" PRIu64 " came %s after its parent; the interval is %s",
                   s->a->number, audit_span(gap, span), interval);
    else
        audit_text(&f,
                   "batches %" PRIu64 " to %" PRIu64
                   " are bunched: each came within half the interval of %s",
                   first, s->a->number, interval);
    c->from = first;
    c->serial = audit_raise(s, &f);
}

static void close_stretch(struct audit_step *s, struct audit_cadence *c)
{
    char span[AUDIT_SPAN], interval[AUDIT_SPAN];
    struct ts_finding f = audit_finding(s, TS_F_CADENCE, NULL, c->from);
    f.state = TS_FINDING_CLOSED;
    f.serial = c->serial;
    f.last = c->last;
    f.count = c->late + c->bunched;
    audit_span(s->a->genesis->params.batch_interval_ms, interval);
    audit_span(c->longest_ms, span);
    if (c->late == 0)
        audit_text(&f,
                   "batches %" PRIu64 " to %" PRIu64
                   " are bunched: each came within half the interval of %s",
                   c->from, c->last, interval);
    else if (c->from == c->last && c->late == 1)
        audit_text(&f, "batch %" PRIu64 " came %s after its parent; the interval is %s", c->from,
                   span, interval);
    else
        audit_text(&f,
                   "of batches %" PRIu64 " to %" PRIu64 " %" PRIu64
                   " came late, up to %s after the parent, and %" PRIu64
                   " bunched; the interval is %s",
                   c->from, c->last, c->late, span, c->bunched, interval);
    audit_raise(s, &f);
    *c = (struct audit_cadence){.short_ones = c->short_ones};
}

void audit_cadence(struct audit_step *s)
{
    struct audit_cadence *c = &s->a->cadence;
    uint64_t number = s->a->number;
    uint64_t interval = s->a->genesis->params.batch_interval_ms;
    if (number < 2 || interval == 0)
        return; /* genesis is made long before the first batch */
    uint64_t gap = s->b->header.time - s->a->times[(number - 1) % TS_RECENT];
    bool late = is_late(gap, interval);
    c->short_ones = gap < interval / 2 ? c->short_ones + 1 : 0;
    bool bunched = c->short_ones >= TS_AUDIT_BUNCHED;
    if (!late && !bunched) {
        if (c->serial != 0 && ++c->calm >= TS_AUDIT_CALM)
            close_stretch(s, c);
        return;
    }
    c->calm = 0;
    c->late += late;
    c->bunched += bunched ? (c->short_ones == TS_AUDIT_BUNCHED ? TS_AUDIT_BUNCHED : 1) : 0;
    if (late && gap > c->longest_ms)
        c->longest_ms = gap;
    c->last = number;
    if (c->serial == 0)
        open_stretch(s, c, late ? number : number - TS_AUDIT_BUNCHED + 1, gap);
}
