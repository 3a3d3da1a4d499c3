/* SPDX-License-Identifier: Apache-2.0 */
/* flap: one boot signs Passive and then Active at the same head (attack 10): it left a place in the
 * order and came back to it, and others may have been tried in between. */
#include <inttypes.h>

#include "audit/internal.h"

void audit_flap(struct audit_step *s, struct audit_enclave *e, const struct ts_lifecycle_event *t)
{
    char id[AUDIT_SHORT];
    if (t->kind == TS_PASSIVE) {
        e->has_passive = true;
        e->passive_head = t->batch_head;
        return;
    }
    if (!e->has_passive || !ts_hash_equal(&e->passive_head, &t->batch_head))
        return;
    struct ts_finding f = audit_finding(s, TS_F_FLAP, e, t->batch_number);
    audit_text(&f,
               "enclave %s became passive and active again at one head, batch %" PRIu64
               ": a second ordering was possible in between",
               audit_short(&e->id, id), t->batch_number);
    audit_raise(s, &f);
}
