/* SPDX-License-Identifier: Apache-2.0 */
/* From what was gathered, and parameters, to figures. */
#include "audit/assess.h"

#include <stdlib.h>

#include "audit/ratio.h"
#include "base/check.h"

const char *ts_assessed_state_name(enum ts_assessed_state state)
{
    static const char *const names[] = {"active", "passive", "starting", "absent", "revoked"};
    return names[state];
}

/* One sentence each, in the words of somebody who has not read the table. */
static const struct ts_unseen unseen[] = {
    {4,
     "A copy of an enclave, started from its sealed key, that never publishes anything leaves no "
     "trace here: its operator can try out orders of transactions on it."},
    {20, "Results of a batch that was sealed and held back can be read from a private copy of the "
         "software; only that the enclave which sealed it must be restarted shows."},
    {21, "A transaction that the operator drops or delays leaves no trace in this record."},
    {0, "Transactions are not encrypted to the enclaves: the operator reads them and can compute "
        "what an order would bring without any enclave."},
    {0, "Exposure and likelihood count what enclaves published. Between two reports an enclave can "
        "be used in ways that no count shows."},
    {9, "Times are the operator's word: a clock that runs fast makes restarts look rarer."},
};

const struct ts_unseen *ts_assess_unseen(size_t *n)
{
    *n = TS_COUNT(unseen);
    return unseen;
}

/* ---- one enclave ----------------------------------------------------------------------------- */

static uint64_t since(ts_time now, ts_time then)
{
    return now > then ? now - then : 0;
}

static enum ts_assessed_state state_of(const struct ts_audit *a, const struct assess_enclave *e)
{
    if (!e->is_listed)
        return TS_ASSESSED_REVOKED;
    if (a->has_active && ts_address_equal(&a->active, &e->id))
        return TS_ASSESSED_ACTIVE;
    if (e->boots == 0)
        return TS_ASSESSED_STARTING;
    if (e->absent > 0)
        return e->has_reported ? TS_ASSESSED_ABSENT : TS_ASSESSED_STARTING;
    return e->has_reported ? TS_ASSESSED_PASSIVE : TS_ASSESSED_STARTING;
}

static struct ts_assessed_enclave enclave_of(const struct ts_assessment *out,
                                             const struct ts_audit *a,
                                             const struct assess_enclave *e)
{
    struct ts_assessed_enclave r = {.id = e->id,
                                    .is_listed = e->is_listed,
                                    .state = state_of(a, e),
                                    .since = e->since,
                                    .listed_ms = e->listed_ms,
                                    .up_ms = e->up_ms,
                                    .boots = e->boots,
                                    .restarts = e->boots > 0 ? e->boots - 1 : 0,
                                    .clean = e->clean,
                                    .unclean = e->unclean,
                                    .silence = e->silence,
                                    .lag_last = e->lag_last,
                                    .lag_most = e->lag_most};
    if (e->is_listed)
        r.listed_ms = assess_add(e->listed_ms, since(a->assess->accounted, e->listed_from));
    if (e->reports > 0)
        r.lag_mean = (double)e->lag_sum / (double)e->reports;
    r.exposure.windows = e->windows;
    r.exposure.dark_ms = e->thinned_ms;
    r.exposure.boots = e->thinned_ms / out->boot_ms;
    if (e->is_listed && (e->absent > 0 || e->boots == 0)) {
        r.exposure.open_ms = since(out->time, e->dark_from);
        r.exposure.open_boots = r.exposure.open_ms / out->boot_ms;
    }
    return r;
}

/* ---- the walk through the restarts -----------------------------------------------------------
 */

struct walk {
    const struct audit_assess *x;
    struct ts_assessment *out;
    struct ts_ratio raw, merged; /* the operator's */
    struct lane {
        uint64_t serial;
        size_t at; /* in out->enclaves */
        struct ts_ratio raw, merged;
    } lanes[]; /* ascending by serial */
};

static int by_serial(const void *a, const void *b)
{
    const struct lane *x = a;
    const struct lane *y = b;
    return (x->serial > y->serial) - (x->serial < y->serial);
}

static struct walk *walk_new(const struct audit_assess *x, struct ts_assessment *out)
{
    struct walk *w = malloc(sizeof(*w) + x->n_enclaves * sizeof(w->lanes[0]));
    if (w == NULL)
        return NULL;
    w->x = x;
    w->out = out;
    ts_ratio_begin(&w->raw, &out->params, false, x->since);
    ts_ratio_begin(&w->merged, &out->params, true, x->since);
    for (size_t i = 0; i < x->n_enclaves; i++) {
        struct lane *l = &w->lanes[i];
        *l = (struct lane){.serial = x->enclaves[i].serial, .at = i};
        /* Without a boot nothing has begun: the ratio stands at its start. */
        ts_time from = x->enclaves[i].boots > 0 ? x->enclaves[i].first_start : out->time;
        ts_ratio_begin(&l->raw, &out->params, false, from);
        ts_ratio_begin(&l->merged, &out->params, true, from);
    }
    if (x->n_enclaves > 0)
        qsort(w->lanes, x->n_enclaves, sizeof(w->lanes[0]), by_serial);
    return w;
}

static void add_window(struct ts_exposure *e, uint64_t dark_ms, uint64_t boot_ms)
{
    e->dark_ms = assess_add(e->dark_ms, dark_ms);
    e->boots = assess_add(e->boots, dark_ms / boot_ms);
}

static void walk_restart(struct walk *w, const struct assess_restart *r)
{
    struct ts_assessment *out = w->out;
    const struct lane key = {.serial = r->enclave};
    struct lane *l = w->x->n_enclaves > 0
                         ? bsearch(&key, w->lanes, w->x->n_enclaves, sizeof(w->lanes[0]), by_serial)
                         : NULL;
    add_window(&out->exposure, r->dark_ms, out->boot_ms);
    if (l != NULL)
        add_window(&out->enclaves[l->at].exposure, r->dark_ms, out->boot_ms);
    if (r->is_first)
        return;
    ts_ratio_restart(&w->raw, r->time, r->number, r->all);
    ts_ratio_restart(&w->merged, r->time, r->number, r->all);
    if (l == NULL)
        return;
    ts_ratio_restart(&l->raw, r->time, r->number, r->own);
    ts_ratio_restart(&l->merged, r->time, r->number, r->own);
}

static void walk_end(struct walk *w)
{
    struct ts_assessment *out = w->out;
    out->raw = ts_ratio_at(&w->raw, out->time);
    out->merged = ts_ratio_at(&w->merged, out->time);
    for (size_t i = 0; i < out->n; i++) {
        const struct lane *l = &w->lanes[i];
        out->enclaves[l->at].raw = ts_ratio_at(&l->raw, out->time);
        out->enclaves[l->at].merged = ts_ratio_at(&l->merged, out->time);
    }
    free(w);
}

/* ---- all ------------------------------------------------------------------------------------- */

static void count_findings(const struct ts_audit *a, struct ts_assessment *out)
{
    out->proofs = a->assess->found[TS_SEVERITY_PROOF];
    out->omissions = a->assess->found[TS_SEVERITY_OMISSION];
    out->patterns = a->assess->found[TS_SEVERITY_PATTERN];
    for (size_t i = 0; i < a->evidence.n; i++) {
        const struct ts_finding *f = &a->evidence.f[i];
        if (f->about != TS_ABOUT_OPERATOR)
            continue;
        out->proofs += f->severity == TS_SEVERITY_PROOF;
        out->omissions += f->severity == TS_SEVERITY_OMISSION;
        out->patterns += f->severity == TS_SEVERITY_PATTERN;
    }
}

/* The shortest boot that counts. Before any was seen every length would be made up. */
static void choose_boot(const struct ts_audit *a, struct ts_assessment *out)
{
    out->boot_ms = out->params.boot_ms;
    if (out->boot_ms != 0)
        return;
    out->is_boot_seen = a->assess->boot_ms != 0;
    out->boot_ms = out->is_boot_seen ? a->assess->boot_ms : 1;
}

static void fill(const struct ts_audit *a, struct ts_assessment *out)
{
    const struct audit_assess *x = a->assess;
    out->number = a->number;
    out->time = a->times[a->number % TS_RECENT];
    out->since = a->number > 0 ? x->since : out->time;
    choose_boot(a, out);
    out->restarts = x->restarts;
    out->clean = x->clean;
    out->unclean = x->unclean;
    out->silence = x->silence;
    out->silent = x->silent;
    out->exposure.windows = x->windows;
    out->exposure.dark_ms = x->thinned_ms;
    out->exposure.boots = x->thinned_ms / out->boot_ms;
    count_findings(a, out);
    out->n = x->n_enclaves;
    for (size_t i = 0; i < x->n_enclaves; i++) {
        struct ts_assessed_enclave *e = &out->enclaves[i];
        *e = enclave_of(out, a, &x->enclaves[i]);
        out->exposure.open_ms = assess_add(out->exposure.open_ms, e->exposure.open_ms);
        out->exposure.open_boots += e->exposure.open_boots;
    }
}

struct ts_assessment *ts_assess(const struct ts_audit *a, const struct ts_assess_params *params)
{
    const struct audit_assess *x = a->assess;
    TS_CHECK(ts_assess_params_check(params) == NULL);
    struct ts_assessment *out = calloc(1, sizeof(*out) + x->n_enclaves * sizeof(out->enclaves[0]));
    if (out == NULL)
        return NULL;
    out->params = *params;
    fill(a, out);
    struct walk *w = walk_new(x, out);
    if (w == NULL) {
        free(out);
        return NULL;
    }
    for (size_t i = 0; i < x->n_list; i++)
        walk_restart(w, &x->list[i]);
    walk_end(w);
    return out;
}

void ts_assessment_free(struct ts_assessment *x)
{
    free(x);
}
