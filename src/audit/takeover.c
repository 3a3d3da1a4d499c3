/* SPDX-License-Identifier: Apache-2.0 */
/* unclean-takeover: an Active took effect and the boot that was active has not signed a Passive at
 * the parent (attacks 2, 16). Then nobody outside knows what it did at that head. A planned switch
 * carries both; one that the whitelist removed is not asked. */
#include <inttypes.h>

#include "audit/internal.h"

static bool stepped_down(const struct audit_step *s)
{
    const struct ts_payload *p = &s->b->payload;
    for (size_t i = 0; i < p->n_transitions; i++) {
        const struct ts_lifecycle_event *t = &p->transitions[i];
        if (t->kind == TS_PASSIVE && ts_address_equal(&t->enclave_id, &s->a->active) &&
            ts_hash_equal(&t->boot_id, &s->a->active_boot) &&
            ts_hash_equal(&t->batch_head, &s->b->header.parent_hash))
            return true;
    }
    return false;
}

/* The newest boot of the producer as this payload leaves it. */
static bool same_boot_goes_on(const struct audit_step *s)
{
    const struct ts_payload *p = &s->b->payload;
    if (!ts_address_equal(&s->b->header.producer, &s->a->active))
        return false;
    for (size_t i = 0; i < p->n_transitions; i++) {
        const struct ts_lifecycle_event *t = &p->transitions[i];
        if (t->kind == TS_STARTED && ts_address_equal(&t->enclave_id, &s->a->active))
            return false;
    }
    return true;
}

void audit_takeover(struct audit_step *s)
{
    char old_id[AUDIT_SHORT], new_id[AUDIT_SHORT];
    struct ts_audit *a = s->a;
    const struct audit_enclave *old = a->has_active ? audit_find(a, &a->active) : NULL;
    if (old == NULL || !old->is_listed || stepped_down(s) || same_boot_goes_on(s))
        return;
    struct ts_finding f = audit_finding(s, TS_F_UNCLEAN_TAKEOVER, old, a->number - 1);
    audit_short(&old->id, old_id);
    audit_short(&s->b->header.producer, new_id);
    if (ts_address_equal(&old->id, &s->b->header.producer))
        audit_text(&f,
                   "a new boot of enclave %s took over from its own old one at batch %" PRIu64
                   ", which had not signed off: what it did last is not known",
                   old_id, a->number);
    else
        audit_text(&f,
                   "enclave %s took over from %s at batch %" PRIu64
                   ", which had not signed off: what it did last is not known",
                   new_id, old_id, a->number);
    audit_raise(s, &f);
}
