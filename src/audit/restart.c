/* SPDX-License-Identifier: Apache-2.0 */
/* restart: Started of a later boot than the first (attacks 1 to 3). From the head of the enclave's
 * last report to the batch that carries Started it is dark: nobody outside saw what ran. */
#include <inttypes.h>

#include "audit/internal.h"

static void raise(struct audit_step *s, const struct audit_enclave *e)
{
    char id[AUDIT_SHORT], span[AUDIT_SPAN];
    uint64_t seen = e->seen_in > e->started_in ? e->seen_in : e->started_in;
    struct ts_finding f = audit_finding(s, TS_F_RESTART, e, seen);
    bool was_active = s->a->has_active && ts_address_equal(&s->a->active, &e->id) &&
                      ts_hash_equal(&s->a->active_boot, &e->boot_id);
    f.count = e->boots + 1;
    audit_text(&f,
               "enclave %s was restarted%s: boot %" PRIu64 "; last report in batch %" PRIu64
               ", then dark for %s",
               audit_short(&e->id, id), was_active ? " while it was active" : "", e->boots + 1,
               seen,
               audit_span(s->b->header.time > e->seen_time && e->seen_time != 0
                              ? s->b->header.time - e->seen_time
                              : 0,
                          span));
    audit_raise(s, &f);
}

void audit_restart(struct audit_step *s, struct audit_enclave *e,
                   const struct ts_lifecycle_event *t)
{
    if (e->boots > 0)
        raise(s, e);
    e->boots++;
    e->boot_id = t->boot_id;
    e->started_in = s->a->number;
    e->has_passive = false;
}
