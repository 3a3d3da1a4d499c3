/* SPDX-License-Identifier: Apache-2.0 */
/* churn: the whitelist changed (attack 13). What is known of an enclave ends with its place on the
 * whitelist, so how often places change is counted for the operator. Who was removed is remembered
 * for a while: it may have sealed something before. */
#include <inttypes.h>
#include <string.h>

#include "audit/internal.h"
#include "base/check.h"

static bool is_listed_now(const struct ts_registry *r, const ts_address *id)
{
    for (size_t i = 0; i < r->n_whitelisted; i++) {
        if (ts_address_equal(&r->whitelist[i], id))
            return true;
    }
    return false;
}

static size_t mark_removed(struct audit_step *s, const struct ts_registry *r)
{
    size_t n = 0;
    for (size_t i = 0; i < s->a->n_enclaves; i++) {
        struct audit_enclave *e = &s->a->enclaves[i];
        e->is_listed = is_listed_now(r, &e->id);
        n += !e->is_listed;
    }
    return n;
}

static void insert(struct ts_audit *a, const ts_address *id)
{
    size_t at = 0;
    TS_CHECK(a->n_enclaves < TS_COUNT(a->enclaves));
    while (at < a->n_enclaves && ts_address_compare(&a->enclaves[at].id, id) < 0)
        at++;
    memmove(&a->enclaves[at + 1], &a->enclaves[at], (a->n_enclaves - at) * sizeof(a->enclaves[0]));
    a->n_enclaves++;
    a->enclaves[at] = (struct audit_enclave){.id = *id, .is_listed = true, .since = a->number};
}

/* The boots that an enclave which was listed before has published: the next is a restart. */
static void recall(struct audit_enclave *e, const struct audit_step *s)
{
    const struct ts_registry_entry *r = ts_registry_find(&s->chain->registry, &e->id);
    TS_CHECK(r != NULL);
    uint64_t fresh = 0; /* those of this batch are still to be walked */
    for (size_t i = 0; i < s->b->payload.n_transitions; i++) {
        const struct ts_lifecycle_event *t = &s->b->payload.transitions[i];
        fresh += t->kind == TS_STARTED && ts_address_equal(&t->enclave_id, &e->id);
    }
    e->boots = r->restarts - fresh;
    if (fresh == 0) {
        e->boot_id = r->boot_id;
        e->started_in = r->started_in;
    }
}

static size_t add_new(struct audit_step *s, const struct ts_registry *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_whitelisted; i++) {
        if (audit_find(s->a, &r->whitelist[i]) != NULL)
            continue;
        insert(s->a, &r->whitelist[i]);
        recall(audit_find(s->a, &r->whitelist[i]), s);
        n++;
    }
    return n;
}

void audit_churn(struct audit_step *s)
{
    const struct ts_registry *r = &s->chain->registry;
    size_t removed = mark_removed(s, r);
    size_t added = add_new(s, r);
    if (removed + added == 0)
        return; /* notices of other types */
    struct ts_finding f = audit_finding(s, TS_F_CHURN, NULL, s->a->number);
    f.count = removed + added;
    audit_text(&f,
               "the whitelist changed in batch %" PRIu64 ": %zu added, %zu removed, %zu enclaves "
               "are whitelisted now",
               s->a->number, added, removed, r->n_whitelisted);
    audit_raise(s, &f);
}

static void remember(struct ts_audit *a, const struct audit_enclave *e)
{
    if (a->n_past == TS_AUDIT_PAST) {
        a->n_past--;
        memmove(&a->past[0], &a->past[1], a->n_past * sizeof(a->past[0]));
    }
    a->past[a->n_past++] = (struct audit_past){.id = e->id, .since = e->since, .until = a->number};
}

void audit_churn_end(struct audit_step *s)
{
    struct ts_audit *a = s->a;
    size_t left = 0;
    for (size_t i = 0; i < a->n_enclaves; i++) {
        struct audit_enclave *e = &a->enclaves[i];
        if (e->is_listed) {
            a->enclaves[left++] = *e;
            continue;
        }
        audit_silence_removed(s, e);
        audit_lagging_removed(s, e);
        remember(a, e);
    }
    a->n_enclaves = left;
}

bool audit_was_listed(const struct ts_audit *a, const ts_address *id, uint64_t number)
{
    for (size_t i = 0; i < a->n_enclaves; i++) {
        const struct audit_enclave *e = &a->enclaves[i];
        if (ts_address_equal(&e->id, id) && e->since <= number)
            return true;
    }
    for (size_t i = 0; i < a->n_past; i++) {
        const struct audit_past *p = &a->past[i];
        if (ts_address_equal(&p->id, id) && p->since <= number && number <= p->until)
            return true;
    }
    return false;
}
