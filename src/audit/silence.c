/* SPDX-License-Identifier: Apache-2.0 */
/* silence: a whitelisted enclave is listed absent in more than maxReportLag reporting batches in a
 * row (attacks 1, 6, 14, 19). Opened once, closed with its length and whether the boot changed: the
 * same boot was frozen or cut off, another one was restarted meanwhile. */
#include <inttypes.h>

#include "audit/internal.h"

static void open_row(struct audit_step *s, struct audit_enclave *e)
{
    char id[AUDIT_SHORT];
    struct ts_finding f = audit_finding(s, TS_F_SILENCE, e, e->silent.from);
    f.state = TS_FINDING_OPEN;
    f.count = e->silent.n;
    audit_short(&e->id, id);
    if (e->boots == 0)
        audit_text(&f,
                   "enclave %s is whitelisted and has never started: absent from %" PRIu64
                   " reporting batches in a row, since batch %" PRIu64,
                   id, e->silent.n, e->silent.from);
    else
        audit_text(&f,
                   "enclave %s is silent: absent from %" PRIu64
                   " reporting batches in a row, since batch %" PRIu64,
                   id, e->silent.n, e->silent.from);
    e->silent.serial = audit_raise(s, &f);
    s->has_silence = true;
}

static void close_row(struct audit_step *s, struct audit_enclave *e, const char *how)
{
    char id[AUDIT_SHORT], span[AUDIT_SPAN];
    struct ts_finding f = audit_finding(s, TS_F_SILENCE, e, e->silent.from);
    f.state = TS_FINDING_CLOSED;
    f.serial = e->silent.serial;
    f.count = e->silent.n;
    audit_text(&f,
               "enclave %s was silent from batch %" PRIu64 " to batch %" PRIu64 ": %" PRIu64
               " reporting batches, %s; it %s",
               audit_short(&e->id, id), e->silent.from, s->a->number, e->silent.n,
               audit_span(s->b->header.time - e->silent.since, span), how);
    audit_raise(s, &f);
}

static const char *came_back(const struct audit_enclave *e)
{
    if (e->boots == e->silent_boots)
        return "is back with the same boot: it was cut off or held, and kept its memory";
    return e->silent_boots == 0 ? "has started for the first time"
                                : "is back with another boot: it was restarted meanwhile";
}

void audit_silence(struct audit_step *s, struct audit_enclave *e,
                   const struct ts_restart_event *report)
{
    struct audit_row *row = &e->silent;
    if (report != NULL) {
        if (row->serial != 0)
            close_row(s, e, came_back(e));
        *row = (struct audit_row){0};
        return;
    }
    if (row->n++ == 0) {
        row->from = s->a->number;
        row->since = s->b->header.time;
        /* A Started that this very batch publishes ended what was before. */
        e->silent_boots = e->boots - (e->boots > 0 && e->started_in == s->a->number);
    }
    if (row->n == s->a->genesis->params.max_report_lag + TS_AUDIT_SILENCE_OVER_LAG)
        open_row(s, e);
}

void audit_silence_removed(struct audit_step *s, struct audit_enclave *e)
{
    if (e->silent.serial != 0)
        close_row(s, e, "was removed from the whitelist");
}
