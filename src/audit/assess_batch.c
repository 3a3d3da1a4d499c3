/* SPDX-License-Identifier: Apache-2.0 */
/* What each batch adds to what an assessment rests on. */
#include <string.h>

#include "audit/assess.h"
#include "base/check.h"

/* What stands behind n_list is never read. */
void assess_reset(struct audit_assess *x)
{
    memset(x, 0, offsetof(struct audit_assess, list));
}

uint64_t assess_add(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t since(ts_time now, ts_time then)
{
    return now > then ? now - then : 0;
}

/* ---- who there is ---------------------------------------------------------------------------- */

/* Where id is, or would be inserted. */
static size_t index_of(const struct audit_assess *x, const ts_address *id)
{
    size_t low = 0;
    size_t high = x->n_enclaves;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (ts_address_compare(&x->enclaves[mid].id, id) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct assess_enclave *assess_find(struct audit_assess *x, const ts_address *id)
{
    size_t at = index_of(x, id);
    bool is_there = at < x->n_enclaves && ts_address_equal(&x->enclaves[at].id, id);
    return is_there ? &x->enclaves[at] : NULL;
}

/* The one that was removed first goes; what it did stays with the operator. At most 128 are listed
 * in a batch, those it removes included. */
static void forget_one(struct audit_assess *x)
{
    size_t oldest = SIZE_MAX;
    for (size_t i = 0; i < x->n_enclaves; i++) {
        const struct assess_enclave *e = &x->enclaves[i];
        if (!e->is_listed && (oldest == SIZE_MAX || e->until < x->enclaves[oldest].until))
            oldest = i;
    }
    TS_CHECK(oldest != SIZE_MAX);
    x->n_enclaves--;
    memmove(&x->enclaves[oldest], &x->enclaves[oldest + 1],
            (x->n_enclaves - oldest) * sizeof(x->enclaves[0]));
}

static struct assess_enclave *insert(struct audit_assess *x, const ts_address *id, ts_time now)
{
    if (x->n_enclaves == TS_COUNT(x->enclaves))
        forget_one(x);
    size_t at = index_of(x, id);
    memmove(&x->enclaves[at + 1], &x->enclaves[at], (x->n_enclaves - at) * sizeof(x->enclaves[0]));
    x->n_enclaves++;
    x->enclaves[at] =
        (struct assess_enclave){.id = *id, .serial = ++x->serial, .since = now, .dark_from = now};
    return &x->enclaves[at];
}

static void list(struct audit_assess *x, const ts_address *id, ts_time now)
{
    struct assess_enclave *e = assess_find(x, id);
    if (e == NULL)
        e = insert(x, id, now);
    if (e->is_listed)
        return;
    e->is_listed = true;
    e->listed_from = now;
    e->absent = 0;
    if (now > e->dark_from)
        e->dark_from = now; /* off the list it can sign nothing that counts */
}

static void unlist(struct audit_assess *x, const struct audit_step *s, const ts_address *id)
{
    struct assess_enclave *e = assess_find(x, id);
    TS_CHECK(e != NULL);
    if (!e->is_listed)
        return;
    e->is_listed = false;
    e->until = s->a->number;
    e->listed_ms = assess_add(e->listed_ms, since(x->accounted, e->listed_from));
}

void assess_listed(struct audit_step *s)
{
    struct audit_assess *x = s->a->assess;
    ts_time now = s->b->header.time;
    if (s->a->number == 1) {
        /* Genesis' time is a claim that nobody sealed; and its list holds from there on. */
        const struct ts_genesis *g = s->a->genesis;
        x->since = now;
        x->accounted = now;
        for (size_t i = 0; i < g->n_whitelist; i++)
            list(x, &g->whitelist[i], now);
    }
    for (size_t i = 0; i < s->a->n_enclaves; i++) {
        const struct audit_enclave *e = &s->a->enclaves[i];
        if (!e->is_listed)
            unlist(x, s, &e->id);
    }
    for (size_t i = 0; i < s->a->n_enclaves; i++) {
        const struct audit_enclave *e = &s->a->enclaves[i];
        if (e->is_listed)
            list(x, &e->id, now);
    }
}

/* ---- what they do ---------------------------------------------------------------------------- */

/* The batch holds a Passive of the boot that was active. */
static bool stepped_down(const struct audit_step *s)
{
    for (size_t i = 0; i < s->b->payload.n_transitions; i++) {
        const struct ts_lifecycle_event *t = &s->b->payload.transitions[i];
        if (t->kind == TS_PASSIVE && ts_address_equal(&t->enclave_id, &s->a->active) &&
            ts_hash_equal(&t->boot_id, &s->a->active_boot))
            return true;
    }
    return false;
}

/* From one enclave to another, or to itself after it had stepped down, or by a new boot. */
void assess_takeover(struct audit_step *s)
{
    struct audit_assess *x = s->a->assess;
    struct assess_enclave *old = s->a->has_active ? assess_find(x, &s->a->active) : NULL;
    if (old == NULL)
        return;
    if (s->has_unclean) {
        old->unclean++;
        x->unclean++;
    } else if (!ts_address_equal(&s->a->active, &s->b->header.producer) || stepped_down(s)) {
        old->clean++;
        x->clean++;
    }
}

static void forget_window(struct audit_assess *x, const struct assess_restart *r)
{
    x->thinned_ms = assess_add(x->thinned_ms, r->dark_ms);
    for (size_t i = 0; i < x->n_enclaves; i++) {
        struct assess_enclave *e = &x->enclaves[i];
        if (e->serial == r->enclave)
            e->thinned_ms = assess_add(e->thinned_ms, r->dark_ms);
    }
}

/* At least half of them goes: one goes when from the one kept before it to the one behind it there
 * are at most so many restarts. Counts stand in those that stay, dark windows with the enclave. */
static void thin_out(struct audit_assess *x)
{
    uint64_t gap = x->restarts / (TS_COUNT(x->list) / 4) + 1;
    uint64_t before = 0;
    size_t left = 0;
    for (size_t i = 0; i < x->n_list; i++) {
        const struct assess_restart *r = &x->list[i];
        if (i + 1 < x->n_list && r[1].all - before <= gap) {
            forget_window(x, r);
            continue;
        }
        before = r->all;
        x->list[left++] = *r;
    }
    x->n_list = left;
}

static void note_window(struct audit_step *s, struct assess_enclave *e, uint64_t dark_ms)
{
    struct audit_assess *x = s->a->assess;
    bool is_first = e->boots == 1;
    if (is_first && dark_ms == 0)
        return;
    if (x->n_list == TS_COUNT(x->list))
        thin_out(x);
    e->windows++;
    x->windows++;
    x->restarts += !is_first;
    x->list[x->n_list++] = (struct assess_restart){.time = s->b->header.time,
                                                   .number = s->a->number,
                                                   .enclave = e->serial,
                                                   .dark_ms = dark_ms,
                                                   .all = x->restarts,
                                                   .own = e->boots - 1,
                                                   .is_first = is_first};
}

/* A boot took no longer than from the start it claims, and than it was dark. Nothing is known by
 * lengths of zero: times are lifted, and batches in one millisecond are one time. */
static void note_boot(struct audit_assess *x, uint64_t ms)
{
    if (ms > 0 && (x->boot_ms == 0 || ms < x->boot_ms))
        x->boot_ms = ms;
}

void assess_started(struct audit_step *s, const struct ts_lifecycle_event *t)
{
    struct audit_assess *x = s->a->assess;
    struct assess_enclave *e = assess_find(x, &t->enclave_id);
    TS_CHECK(e != NULL);
    ts_time now = s->b->header.time;
    ts_time head = 0;
    uint64_t dark_ms = since(now, e->dark_from);
    e->boots++;
    e->has_reported = false;
    if (e->boots == 1)
        e->first_start = now;
    else
        note_boot(x, dark_ms);
    note_boot(x, since(now, t->time));
    note_window(s, e, dark_ms);
    if (audit_time(s->a, t->batch_number, &head) && head > e->dark_from)
        e->dark_from = head;
}

static void note_absent(struct audit_step *s, struct assess_enclave *e)
{
    struct audit_assess *x = s->a->assess;
    if (e->absent++ == 0) {
        e->absent_from = s->a->number;
        e->absent_since = x->accounted > e->listed_from ? x->accounted : e->listed_from;
    }
    if (e->absent <= e->silence.batches)
        return;
    e->silence = (struct ts_longest_silence){.batches = e->absent,
                                             .ms = since(s->b->header.time, e->absent_since),
                                             .first = e->absent_from,
                                             .last = s->a->number};
    if (e->silence.batches <= x->silence.batches)
        return;
    x->silence = e->silence;
    x->silent = e->id;
}

void assess_account(struct audit_step *s, const ts_address *id,
                    const struct ts_restart_event *report)
{
    struct audit_assess *x = s->a->assess;
    struct assess_enclave *e = assess_find(x, id);
    TS_CHECK(e != NULL && e->is_listed);
    ts_time head = 0;
    if (report == NULL) {
        note_absent(s, e);
        return;
    }
    ts_time from = x->accounted > e->listed_from ? x->accounted : e->listed_from;
    e->up_ms = assess_add(e->up_ms, since(s->b->header.time, from));
    e->absent = 0;
    e->has_reported = true;
    e->lag_last = s->a->number - report->current_batch_number;
    e->lag_sum = assess_add(e->lag_sum, e->lag_last);
    e->reports++;
    if (e->lag_last > e->lag_most)
        e->lag_most = e->lag_last;
    if (audit_time(s->a, report->current_batch_number, &head) && head > e->dark_from)
        e->dark_from = head;
}

void assess_accounted(struct audit_step *s)
{
    s->a->assess->accounted = s->b->header.time;
}

void assess_found(struct audit_step *s, const struct ts_finding *f)
{
    s->has_unclean = s->has_unclean || f->kind == TS_F_UNCLEAN_TAKEOVER;
    s->a->assess->found[f->severity] += f->about == TS_ABOUT_OPERATOR;
}
