/* SPDX-License-Identifier: Apache-2.0 */
/* mass-restart: within a short window every whitelisted enclave that is not silent began a new boot
 * (attack 15): no enclave's memory reaches back before it. The fact is signed by each of them; a
 * power cut looks the same, so it is no proof against anybody (docs/adr/0031-audit.md). Silent ones
 * cannot be seen to remember anything, and are left out. */
#include <inttypes.h>

#include "audit/internal.h"

/* The earliest batch of the window that carries the newest Started of a later boot; how many do. */
static uint64_t count_restarts(const struct ts_audit *a, uint64_t from, uint64_t *earliest)
{
    uint64_t n = 0;
    *earliest = a->number;
    for (size_t i = 0; i < a->n_enclaves; i++) {
        const struct audit_enclave *e = &a->enclaves[i];
        if (!e->is_listed || e->boots < 2 || e->started_in < from || e->silent.serial != 0)
            continue;
        n++;
        if (e->started_in < *earliest)
            *earliest = e->started_in;
    }
    return n;
}

static bool anyone_remembers(const struct ts_audit *a, uint64_t before)
{
    for (size_t i = 0; i < a->n_enclaves; i++) {
        const struct audit_enclave *e = &a->enclaves[i];
        if (e->is_listed && e->boots > 0 && e->silent.serial == 0 && e->started_in < before)
            return true;
    }
    return false;
}

void audit_mass_restart(struct audit_step *s)
{
    struct ts_audit *a = s->a;
    uint64_t first;
    uint64_t from = a->number >= TS_AUDIT_MASS_WINDOW ? a->number - TS_AUDIT_MASS_WINDOW + 1 : 0;
    if (from < a->mass_from)
        from = a->mass_from;
    uint64_t restarted = count_restarts(a, from, &first);
    if (restarted < 2 || anyone_remembers(a, first))
        return;
    a->mass_from = a->number + 1;
    struct ts_finding f = audit_finding(s, TS_F_MASS_RESTART, NULL, first);
    f.count = restarted;
    if (first == a->number)
        audit_text(&f,
                   "all enclaves that report were restarted in batch %" PRIu64 " (%" PRIu64
                   " of them): no memory reaches back before that",
                   first, restarted);
    else
        audit_text(&f,
                   "all enclaves that report were restarted between batch %" PRIu64
                   " and batch %" PRIu64 " (%" PRIu64
                   " of them): no memory reaches back before that",
                   first, a->number, restarted);
    audit_raise(s, &f);
}
