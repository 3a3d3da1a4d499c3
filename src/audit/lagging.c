/* SPDX-License-Identifier: Apache-2.0 */
/* lagging: an enclave's reports are at heads older than the parent, batch after batch (attack 8).
 * Only a report at the parent ends the row: alternating with absence does not. */
#include <inttypes.h>

#include "audit/internal.h"

static void open_row(struct audit_step *s, struct audit_enclave *e)
{
    char id[AUDIT_SHORT];
    struct ts_finding f = audit_finding(s, TS_F_LAGGING, e, e->lag.from);
    f.state = TS_FINDING_OPEN;
    f.count = e->lag.n;
    audit_text(&f,
               "enclave %s lags: its last %" PRIu64 " reports, since batch %" PRIu64
               ", are all at old heads, up to %" PRIu64 " batches below",
               audit_short(&e->id, id), e->lag.n, e->lag.from, e->lag_most);
    e->lag.serial = audit_raise(s, &f);
}

static void close_row(struct audit_step *s, struct audit_enclave *e, const char *how)
{
    char id[AUDIT_SHORT], span[AUDIT_SPAN];
    struct ts_finding f = audit_finding(s, TS_F_LAGGING, e, e->lag.from);
    f.state = TS_FINDING_CLOSED;
    f.serial = e->lag.serial;
    f.count = e->lag.n;
    audit_text(&f,
               "enclave %s lagged from batch %" PRIu64 " to batch %" PRIu64 ": %" PRIu64
               " reports at old heads, up to %" PRIu64 " batches below, %s; it %s",
               audit_short(&e->id, id), e->lag.from, s->a->number, e->lag.n, e->lag_most,
               audit_span(s->b->header.time - e->lag.since, span), how);
    audit_raise(s, &f);
}

void audit_lagging(struct audit_step *s, struct audit_enclave *e,
                   const struct ts_restart_event *report)
{
    struct audit_row *row = &e->lag;
    if (report == NULL)
        return;
    uint64_t lag = s->a->number - report->current_batch_number;
    if (lag <= 1) {
        if (row->serial != 0)
            close_row(s, e, "reports at the newest head again");
        *row = (struct audit_row){0};
        e->lag_most = 0;
        return;
    }
    if (row->n++ == 0) {
        row->from = s->a->number;
        row->since = s->b->header.time;
    }
    if (lag > e->lag_most)
        e->lag_most = lag;
    if (row->n == TS_AUDIT_LAGGING)
        open_row(s, e);
}

void audit_lagging_removed(struct audit_step *s, struct audit_enclave *e)
{
    if (e->lag.serial != 0)
        close_row(s, e, "was removed from the whitelist");
}
