/* SPDX-License-Identifier: Apache-2.0 */
/* The audit as bytes:
 *   [version, genesisHash, number, hash, active, activeBoot, massFrom, serial, times, enclaves,
 *    past, cadence, findings, assessment]
 * active "" or an address; times oldest first, the newest min(number + 1, 256) of them. Term and
 * whitelist are the chain's. The assessment: assess_state.c. */
#include <string.h>

#include "audit/assess.h"

static uint64_t oldest_time(uint64_t number)
{
    return number < TS_RECENT ? 0 : number - TS_RECENT + 1;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void put_row(struct ts_buf *b, const struct audit_row *row)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, row->n);
    ts_put_u64(b, row->from);
    ts_put_u64(b, row->since);
    ts_put_u64(b, row->serial);
    ts_put_list_end(b, mark);
}

static void put_enclave(struct ts_buf *b, const struct audit_enclave *e)
{
    size_t mark = ts_put_list(b);
    ts_put_address(b, &e->id);
    ts_put_u64(b, e->since);
    ts_put_u64(b, e->boots);
    ts_put_hash(b, &e->boot_id);
    ts_put_u64(b, e->started_in);
    ts_put_u64(b, e->seen_in);
    ts_put_u64(b, e->seen_time);
    ts_put_u64(b, e->has_passive);
    ts_put_hash(b, &e->passive_head);
    put_row(b, &e->silent);
    ts_put_u64(b, e->silent_boots);
    put_row(b, &e->lag);
    ts_put_u64(b, e->lag_most);
    ts_put_list_end(b, mark);
}

static void put_past(struct ts_buf *b, const struct ts_audit *a)
{
    size_t mark = ts_put_list(b);
    for (size_t i = 0; i < a->n_past; i++) {
        size_t one = ts_put_list(b);
        ts_put_address(b, &a->past[i].id);
        ts_put_u64(b, a->past[i].since);
        ts_put_u64(b, a->past[i].until);
        ts_put_list_end(b, one);
    }
    ts_put_list_end(b, mark);
}

static void put_cadence(struct ts_buf *b, const struct audit_cadence *c)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, c->serial);
    ts_put_u64(b, c->from);
    ts_put_u64(b, c->last);
    ts_put_u64(b, c->late);
    ts_put_u64(b, c->bunched);
    ts_put_u64(b, c->longest_ms);
    ts_put_u64(b, c->calm);
    ts_put_u64(b, c->short_ones);
    ts_put_list_end(b, mark);
}

/* Severity and whom it speaks of follow from the kind; evidence is zero. */
static void put_finding(struct ts_buf *b, const struct ts_finding *f)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, (uint64_t)f->kind);
    ts_put_u64(b, (uint64_t)f->state);
    ts_put_u64(b, f->serial);
    ts_put_bytes(b, ts_bytes_of(f->enclave.b, f->has_enclave ? sizeof(f->enclave.b) : 0));
    ts_put_u64(b, f->first);
    ts_put_u64(b, f->last);
    ts_put_hash(b, &f->hash);
    ts_put_u64(b, f->time);
    ts_put_u64(b, f->count);
    ts_put_bytes(b, ts_bytes_of(f->text, strnlen(f->text, sizeof(f->text) - 1)));
    ts_put_list_end(b, mark);
}

static void put_lists(struct ts_buf *b, const struct ts_audit *a)
{
    size_t mark = ts_put_list(b);
    for (uint64_t n = oldest_time(a->number); n <= a->number; n++)
        ts_put_u64(b, a->times[n % TS_RECENT]);
    ts_put_list_end(b, mark);
    mark = ts_put_list(b);
    for (size_t i = 0; i < a->n_enclaves; i++)
        put_enclave(b, &a->enclaves[i]);
    ts_put_list_end(b, mark);
    put_past(b, a);
    put_cadence(b, &a->cadence);
    mark = ts_put_list(b);
    for (size_t i = 0; i < a->kept.n; i++)
        put_finding(b, &a->kept.f[i]);
    ts_put_list_end(b, mark);
    assess_put(b, a->assess);
}

void ts_audit_put(struct ts_buf *b, const struct ts_audit *a)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, TS_AUDIT_VERSION);
    ts_put_hash(b, &a->genesis->hash);
    ts_put_u64(b, a->number);
    ts_put_hash(b, &a->hash);
    ts_put_bytes(b, ts_bytes_of(a->active.b, a->has_active ? sizeof(a->active.b) : 0));
    ts_put_hash(b, &a->active_boot);
    ts_put_u64(b, a->mass_from);
    ts_put_u64(b, a->serial);
    put_lists(b, a);
    ts_put_list_end(b, mark);
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool read_optional(struct ts_reader *r, ts_address *out)
{
    ts_bytes v = ts_read_bytes(r, sizeof(out->b));
    ts_reader_want(r, v.n == 0 || v.n == sizeof(out->b));
    if (r->err != TS_OK || v.n == 0)
        return false;
    memcpy(out->b, v.p, v.n);
    return true;
}

static void read_times(struct ts_reader *r, struct ts_audit *a, const struct ts_head *head)
{
    ts_time before = 0;
    ts_read_list(r);
    for (uint64_t n = oldest_time(a->number); n <= a->number && r->err == TS_OK; n++) {
        ts_time time = ts_read_u64(r);
        ts_reader_want(r, time >= before);
        before = time;
        a->times[n % TS_RECENT] = time;
    }
    ts_read_list_end(r);
    ts_reader_want(r, before == head->time);
}

static void read_row(struct ts_reader *r, const struct ts_audit *a, const struct ts_head *head,
                     struct audit_row *row)
{
    ts_read_list(r);
    row->n = ts_read_u64(r);
    row->from = ts_read_at_most(r, a->number);
    row->since = ts_read_at_most(r, head->time);
    row->serial = ts_read_at_most(r, a->serial);
    ts_read_list_end(r);
}

static void read_enclave(struct ts_reader *r, const struct ts_audit *a, const struct ts_chain *c,
                         struct audit_enclave *e)
{
    *e = (struct audit_enclave){.is_listed = true};
    ts_read_list(r);
    ts_read_address(r, &e->id);
    e->since = ts_read_at_most(r, a->number);
    e->boots = ts_read_u64(r);
    ts_read_hash(r, &e->boot_id);
    e->started_in = ts_read_at_most(r, a->number);
    e->seen_in = ts_read_at_most(r, a->number);
    e->seen_time = ts_read_at_most(r, c->head.time);
    e->has_passive = ts_read_at_most(r, 1) == 1;
    ts_read_hash(r, &e->passive_head);
    read_row(r, a, &c->head, &e->silent);
    e->silent_boots = ts_read_u64(r);
    read_row(r, a, &c->head, &e->lag);
    e->lag_most = ts_read_u64(r);
    ts_read_list_end(r);
}

/* They are those of the chain's whitelist, in its order. */
static void read_enclaves(struct ts_reader *r, struct ts_audit *a, const struct ts_chain *c)
{
    a->n_enclaves = c->registry.n_whitelisted;
    ts_read_list(r);
    for (size_t i = 0; i < a->n_enclaves && r->err == TS_OK; i++) {
        struct audit_enclave *e = &a->enclaves[i];
        read_enclave(r, a, c, e);
        const struct ts_registry_entry *entry = ts_registry_find(&c->registry, &e->id);
        ts_reader_want(r, ts_address_equal(&e->id, &c->registry.whitelist[i]) && entry != NULL &&
                              e->boots == entry->restarts);
    }
    ts_read_list_end(r);
}

static void read_past(struct ts_reader *r, struct ts_audit *a)
{
    ts_read_list(r);
    while (ts_read_more(r)) {
        ts_reader_want(r, a->n_past < TS_AUDIT_PAST);
        if (r->err != TS_OK)
            return;
        struct audit_past *p = &a->past[a->n_past++];
        ts_read_list(r);
        ts_read_address(r, &p->id);
        p->since = ts_read_u64(r);
        p->until = ts_read_at_most(r, a->number);
        ts_read_list_end(r);
    }
    ts_read_list_end(r);
}

static void read_cadence(struct ts_reader *r, struct ts_audit *a)
{
    struct audit_cadence *c = &a->cadence;
    ts_read_list(r);
    c->serial = ts_read_at_most(r, a->serial);
    c->from = ts_read_at_most(r, a->number);
    c->last = ts_read_at_most(r, a->number);
    c->late = ts_read_u64(r);
    c->bunched = ts_read_u64(r);
    c->longest_ms = ts_read_u64(r);
    c->calm = ts_read_u64(r);
    c->short_ones = ts_read_u64(r);
    ts_read_list_end(r);
}

static void read_finding(struct ts_reader *r, const struct ts_audit *a, struct ts_finding *f)
{
    *f = (struct ts_finding){0};
    ts_read_list(r);
    f->kind = (enum ts_finding_kind)ts_read_at_most(r, (uint64_t)TS_F_COUNT - 1);
    f->severity = ts_finding_severity(f->kind);
    f->about = ts_finding_about(f->kind);
    f->state = (enum ts_finding_state)ts_read_at_most(r, TS_FINDING_CLOSED);
    f->serial = ts_read_at_most(r, a->serial);
    f->has_enclave = read_optional(r, &f->enclave);
    f->first = ts_read_at_most(r, a->number);
    f->last = ts_read_at_most(r, a->number);
    ts_read_hash(r, &f->hash);
    f->time = ts_read_u64(r);
    f->count = ts_read_u64(r);
    ts_bytes text = ts_read_bytes(r, sizeof(f->text) - 1);
    for (size_t i = 0; i < text.n; i++)
        ts_reader_want(r, text.p[i] >= ' ' && text.p[i] <= '~');
    if (r->err == TS_OK && text.n > 0)
        memcpy(f->text, text.p, text.n);
    ts_read_list_end(r);
    ts_reader_want(r, f->first <= f->last);
}

static void read_findings(struct ts_reader *r, struct ts_audit *a)
{
    struct audit_findings *k = &a->kept;
    ts_read_list(r);
    while (ts_read_more(r)) {
        ts_reader_want(r, k->n < k->max);
        if (r->err != TS_OK)
            return;
        struct ts_finding *f = &k->f[k->n++];
        read_finding(r, a, f);
        ts_reader_want(r, f->serial > (k->n > 1 ? f[-1].serial : 0));
    }
    ts_read_list_end(r);
}

/* Those that the audit follows are known here as listed, and nobody else is. */
static void read_assess(struct ts_reader *r, const struct ts_chain *chain, struct ts_audit *a)
{
    size_t listed = 0;
    assess_read(r, &chain->head, a->assess);
    for (size_t i = 0; i < a->assess->n_enclaves; i++)
        listed += a->assess->enclaves[i].is_listed;
    ts_reader_want(r, a->number == 0 || listed == a->n_enclaves);
    for (size_t i = 0; a->number > 0 && r->err == TS_OK && i < a->n_enclaves; i++) {
        const struct assess_enclave *e = assess_find(a->assess, &a->enclaves[i].id);
        ts_reader_want(r, e != NULL && e->is_listed);
    }
}

static void read_all(struct ts_reader *r, const struct ts_chain *chain, struct ts_audit *a)
{
    ts_hash genesis;
    ts_read_list(r);
    uint64_t version = ts_read_u64(r);
    if (r->err == TS_OK && version != TS_AUDIT_VERSION)
        ts_reader_fail(r, TS_E_VERSION);
    ts_read_hash(r, &genesis);
    if (r->err == TS_OK && !ts_hash_equal(&genesis, &a->genesis->hash))
        ts_reader_fail(r, TS_E_FOREIGN);
    a->number = ts_read_u64(r);
    ts_read_hash(r, &a->hash);
    ts_reader_want(r,
                   a->number == chain->head.number && ts_hash_equal(&a->hash, &chain->head.hash));
    if (r->err != TS_OK)
        return;
    a->term = chain->head.term;
    a->has_active = read_optional(r, &a->active);
    ts_read_hash(r, &a->active_boot);
    ts_reader_want(r,
                   a->has_active == chain->registry.has_active &&
                       (!a->has_active || ts_address_equal(&a->active, &chain->registry.active)));
    a->mass_from = ts_read_u64(r);
    a->serial = ts_read_u64(r);
    read_times(r, a, &chain->head);
    read_enclaves(r, a, chain);
    read_past(r, a);
    read_cadence(r, a);
    read_findings(r, a);
    read_assess(r, chain, a);
    ts_read_list_end(r);
}

ts_err ts_audit_read(struct ts_reader *r, const struct ts_chain *chain, struct ts_audit *a)
{
    read_all(r, chain, a);
    if (r->err != TS_OK)
        audit_reset(a);
    return r->err;
}
