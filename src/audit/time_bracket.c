/* SPDX-License-Identifier: Apache-2.0 */
/* time-bracket: the restart time that a Started claims lies outside what batches allow (attack 9):
 * before the head that the boot had caught up with, or before a head that the enclave's earlier
 * boot reported at. That it is not after the batch that carries it is rule V1. An enclave lifts
 * what it signs to its head's time, so as measured it never claims the former. */
#include <inttypes.h>

#include "audit/internal.h"

static void raise(struct audit_step *s, const struct audit_enclave *e,
                  const struct ts_lifecycle_event *t, ts_time bound, const char *what)
{
    char id[AUDIT_SHORT], span[AUDIT_SPAN];
    struct ts_finding f = audit_finding(s, TS_F_TIME_BRACKET, e, t->batch_number);
    audit_text(&f,
               "enclave %s claims a restart %s before %s: its time does not fit the batches around "
               "it",
               audit_short(&e->id, id), audit_span(bound - t->time, span), what);
    audit_raise(s, &f);
}

void audit_time_bracket(struct audit_step *s, const struct audit_enclave *e,
                        const struct ts_lifecycle_event *t)
{
    ts_time head;
    if (audit_time(s->a, t->batch_number, &head) && t->time < head)
        raise(s, e, t, head, "the head that it had caught up with");
    else if (t->time < e->seen_time)
        raise(s, e, t, e->seen_time, "a head that its earlier boot reported at");
}
