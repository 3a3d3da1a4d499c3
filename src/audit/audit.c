/* SPDX-License-Identifier: Apache-2.0 */
/* The audit's life, and the walk of a batch through the findings. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/assess.h"
#include "base/check.h"

/* ---- its life -------------------------------------------------------------------------------- */

void audit_reset(struct ts_audit *a)
{
    const struct ts_genesis *g = a->genesis;
    struct audit_findings kept = a->kept;
    struct audit_findings evidence = a->evidence;
    struct audit_assess *assess = a->assess;
    kept.n = 0;
    memset(a, 0, sizeof(*a));
    assess_reset(assess);
    a->genesis = g;
    a->kept = kept;
    a->evidence = evidence;
    a->assess = assess;
    a->hash = g->hash;
    a->times[0] = g->time;
    a->n_enclaves = g->n_whitelist;
    for (size_t i = 0; i < g->n_whitelist; i++)
        a->enclaves[i] = (struct audit_enclave){.id = g->whitelist[i], .is_listed = true};
}

struct ts_audit *ts_audit_new(const struct ts_genesis *genesis)
{
    struct ts_audit *a = calloc(1, sizeof(*a));
    if (a == NULL)
        return NULL;
    a->genesis = genesis;
    a->assess = calloc(1, sizeof(*a->assess));
    if (a->assess == NULL || !audit_findings_init(&a->kept, TS_AUDIT_KEPT) ||
        !audit_findings_init(&a->evidence, TS_AUDIT_EVIDENCE)) {
        ts_audit_free(a);
        return NULL;
    }
    audit_reset(a);
    return a;
}

void ts_audit_free(struct ts_audit *a)
{
    if (a == NULL)
        return;
    free(a->kept.f);
    free(a->evidence.f);
    free(a->assess);
    free(a);
}

uint64_t ts_audit_head(const struct ts_audit *a)
{
    return a->number;
}

size_t ts_audit_count(const struct ts_audit *a)
{
    return a->kept.n + a->evidence.n;
}

const struct ts_finding *ts_audit_get(const struct ts_audit *a, size_t i)
{
    TS_CHECK(i < ts_audit_count(a));
    return i < a->kept.n ? &a->kept.f[i] : &a->evidence.f[i - a->kept.n];
}

/* ---- what the findings use ------------------------------------------------------------------- */

struct audit_enclave *audit_find(struct ts_audit *a, const ts_address *id)
{
    size_t low = 0;
    size_t high = a->n_enclaves;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = ts_address_compare(&a->enclaves[mid].id, id);
        if (order == 0)
            return &a->enclaves[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

bool audit_time(const struct ts_audit *a, uint64_t number, ts_time *out)
{
    if (number > a->number || a->number - number >= TS_RECENT)
        return false;
    *out = a->times[number % TS_RECENT];
    return true;
}

struct ts_finding audit_finding(const struct audit_step *s, enum ts_finding_kind kind,
                                const struct audit_enclave *e, uint64_t first)
{
    struct ts_finding f = {.kind = kind,
                           .severity = ts_finding_severity(kind),
                           .about = ts_finding_about(kind),
                           .has_enclave = e != NULL,
                           .first = first,
                           .last = s->a->number,
                           .hash = s->a->hash,
                           .time = s->b->header.time};
    if (e != NULL)
        f.enclave = e->id;
    return f;
}

void audit_text(struct ts_finding *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(f->text, sizeof(f->text), format, args);
    va_end(args);
}

uint64_t audit_raise(struct audit_step *s, struct ts_finding *f)
{
    if (f->serial == 0) {
        f->serial = ++s->a->serial;
        assess_found(s, f);
    }
    audit_findings_put(&s->a->kept, f);
    if (s->sink != NULL)
        s->sink->emit(s->sink->ctx, f);
    return f->serial;
}

static char *short_of(const uint8_t *p, char out[AUDIT_SHORT])
{
    return ts_hex(p, 4, out);
}

char *audit_short(const ts_address *id, char out[AUDIT_SHORT])
{
    return short_of(id->b, out);
}

char *audit_short_hash(const ts_hash *hash, char out[AUDIT_SHORT])
{
    return short_of(hash->b, out);
}

char *audit_span(uint64_t ms, char out[AUDIT_SPAN])
{
    uint64_t s10 = ms / 100 + (ms % 100 >= 50);
    uint64_t h10 = ms / 360000 + (ms % 360000 >= 180000);
    if (ms < 1000)
        (void)snprintf(out, AUDIT_SPAN, "%" PRIu64 " ms", ms);
    else if (ms < 600000)
        (void)snprintf(out, AUDIT_SPAN, "%" PRIu64 ".%" PRIu64 " s", s10 / 10, s10 % 10);
    else if (ms < 7200000)
        (void)snprintf(out, AUDIT_SPAN, "%" PRIu64 " min", ms / 60000 + (ms % 60000 >= 30000));
    else
        (void)snprintf(out, AUDIT_SPAN, "%" PRIu64 ".%" PRIu64 " h", h10 / 10, h10 % 10);
    return out;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static void move_head(struct ts_audit *a, const struct ts_chain *chain)
{
    a->number = chain->head.number;
    a->hash = chain->head.hash;
    a->times[a->number % TS_RECENT] = chain->head.time;
}

static void walk_transitions(struct audit_step *s)
{
    for (size_t i = 0; i < s->b->payload.n_transitions; i++) {
        const struct ts_lifecycle_event *t = &s->b->payload.transitions[i];
        struct audit_enclave *e = audit_find(s->a, &t->enclave_id);
        TS_CHECK(e != NULL); /* V4: whitelisted before or after the notice */
        if (t->kind == TS_STARTED) {
            audit_time_bracket(s, e, t);
            audit_restart(s, e, t);
            assess_started(s, t);
            s->has_started = true;
        } else {
            audit_flap(s, e, t);
        }
    }
}

/* V5: reports and absent, both sorted, are together those listed. */
static void walk_accounts(struct audit_step *s)
{
    const struct ts_payload *p = &s->b->payload;
    size_t r = 0;
    for (size_t i = 0; i < s->a->n_enclaves; i++) {
        struct audit_enclave *e = &s->a->enclaves[i];
        if (!e->is_listed)
            continue;
        bool reports = r < p->n_reports && ts_address_equal(&p->reports[r].enclave_id, &e->id);
        const struct ts_restart_event *report = reports ? &p->reports[r++] : NULL;
        audit_silence(s, e, report);
        audit_lagging(s, e, report);
        assess_account(s, &e->id, report);
        if (report == NULL)
            continue;
        e->seen_in = s->a->number;
        (void)audit_time(s->a, report->current_batch_number, &e->seen_time);
    }
    TS_CHECK(r == p->n_reports);
    assess_accounted(s);
}

static void note_active(struct ts_audit *a, const struct ts_chain *chain)
{
    const struct ts_registry *r = &chain->registry;
    const struct audit_enclave *e = r->has_active ? audit_find(a, &r->active) : NULL;
    a->term = r->term;
    a->has_active = e != NULL;
    if (e == NULL)
        return;
    a->active = e->id;
    a->active_boot = e->boot_id;
}

void ts_audit_batch(struct ts_audit *a, const struct ts_chain *chain, const struct ts_batch *b,
                    const struct ts_audit_sink *sink)
{
    TS_CHECK(b->header.number == a->number + 1 && chain->head.number == b->header.number);
    TS_CHECK(ts_hash_equal(&b->header.parent_hash, &a->hash));
    struct audit_step s = {
        .a = a, .chain = chain, .b = b, .sink = sink, .is_reporting = b->payload.n_reports > 0};
    move_head(a, chain);
    if (b->payload.n_notices > 0)
        audit_churn(&s);
    if (b->payload.n_notices > 0 || a->number == 1)
        assess_listed(&s);
    if (b->header.term != a->term) {
        audit_takeover(&s);
        assess_takeover(&s);
    }
    walk_transitions(&s);
    if (s.is_reporting)
        walk_accounts(&s);
    if (s.has_started || s.has_silence)
        audit_mass_restart(&s);
    audit_cadence(&s);
    if (b->payload.n_notices > 0)
        audit_churn_end(&s);
    note_active(a, chain);
}
