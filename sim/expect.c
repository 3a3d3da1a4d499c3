/* SPDX-License-Identifier: Apache-2.0 */
/* The second half of I12: every attack that leaves a finding yields it at every honest node within
 * its bound, and what is prevented is refused. */
#include "expect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "check_line.h"

#define MAX_LIES 256 /* later ones of a world are not looked at */

/* One SIM_LIE. */
struct lie {
    const struct sim_expect *x;
    int who;
    uint64_t term;                 /* GOES_ON: the newest then */
    uint64_t from;                 /* newest batch that was broadcast then */
    uint64_t until;                /* a node that takes this one must have found it */
    const struct sim_batch *batch; /* NOT_TAKEN */
    bool is_due;                   /* REFUSED, SAME_AGAIN: the answer is still to come */
    bool found[SIM_MAX_NODES];
};

struct expect {
    const struct sim_setting *setting;
    uint64_t newest, term;
    unsigned told[SIM_MAX_EXPECTS];
    struct lie lies[MAX_LIES];
    size_t n;
    struct sealed {
        int who;
        ts_hash parent;
        const struct sim_batch *batch;
    } * sealed;
    size_t n_sealed, cap_sealed;
};

static void *make(const struct sim_setting *setting)
{
    struct expect *s = sim_check_memory(calloc(1, sizeof(*s)));
    s->setting = setting;
    return s;
}

static void drop(void *state)
{
    struct expect *s = state;
    free(s->sealed);
    free(s);
}

static uint64_t bound(const struct expect *s, const struct sim_expect *x)
{
    const struct ts_params *p = &s->setting->genesis->params;
    uint64_t reports = x->reports + (x->over_lag ? p->max_report_lag : 0);
    return reports * p->report_every + x->batches;
}

static void take_lie(struct expect *s, const struct sim_event *e)
{
    const struct sim_expect *x = &s->setting->expects[e->number];
    s->told[e->number]++;
    if (s->n == MAX_LIES)
        return;
    s->lies[s->n++] = (struct lie){.x = x,
                                   .who = e->who,
                                   .term = s->term,
                                   .from = s->newest,
                                   .until = s->newest + bound(s, x) + 1,
                                   .batch = e->batch,
                                   .is_due = x->kind == SIM_REFUSED || x->kind == SIM_SAME_AGAIN};
}

/* ---- findings ---- */

static bool is_it(const struct expect *s, const struct lie *l, const struct sim_event *e)
{
    const struct sim_expect *x = l->x;
    const struct ts_finding *f = e->finding;
    if ((x->kind != SIM_FOUND && x->kind != SIM_FOUND_BY) || f->kind != x->finding ||
        (f->serial != 0 && f->last + 1 < l->from))
        return false; /* it speaks of what was before */
    if (x->state == TS_FINDING_CLOSED && f->state != TS_FINDING_CLOSED)
        return false;
    if (x->is_about_who &&
        (!f->has_enclave || !ts_address_equal(&f->enclave, &s->setting->enclave[l->who])))
        return false;
    return x->says == NULL || strstr(f->text, x->says) != NULL;
}

static void take_finding(struct expect *s, const struct sim_event *e)
{
    for (size_t i = 0; i < s->n; i++)
        if (is_it(s, &s->lies[i], e))
            s->lies[i].found[e->who] = true;
}

static bool waits_for(const struct lie *l, unsigned node)
{
    return (l->x->kind == SIM_FOUND || l->x->kind == SIM_GOES_ON || l->x->kind == SIM_TAKEN ||
            (l->x->kind == SIM_FOUND_BY && l->who == (int)node)) &&
           !l->found[node];
}

static bool reports_of(const struct expect *s, const struct sim_batch *b, int who)
{
    for (size_t i = 0; i < b->b->payload.n_reports; i++)
        if (ts_address_equal(&b->b->payload.reports[i].enclave_id, &s->setting->enclave[who]))
            return true;
    return false;
}

static bool is_overdue(const struct expect *s, const struct lie *l, const struct sim_event *e)
{
    return waits_for(l, (unsigned)e->who) && e->batch->number >= l->until &&
           (!l->x->by_report || reports_of(s, e->batch, l->who));
}

static const char *missing(const struct sim_expect *x)
{
    if (x->kind == SIM_TAKEN)
        return "batch of the line on L1";
    return x->kind == SIM_GOES_ON ? "batch of a later term" : ts_finding_name((int)x->finding);
}

static void node_takes(struct expect *s, const struct sim_event *e, struct sim_verdict *v)
{
    for (size_t i = 0; i < s->n; i++) {
        struct lie *l = &s->lies[i];
        if (l->x->kind == SIM_GOES_ON && e->batch->b->header.term > l->term)
            l->found[e->who] = true;
        if (l->x->kind == SIM_TAKEN && l->batch == e->batch)
            l->found[e->who] = true;
        if (l->x->kind == SIM_NOT_TAKEN && l->batch == e->batch)
            sim_violate(v, e, "I12", "node %d takes batch %" PRIu64 ", which is forged (%s)",
                        e->who, e->batch->number, s->setting->attack);
        if (is_overdue(s, l, e))
            sim_violate(v, e, "I12",
                        "%s: node %d takes batch %" PRIu64 " and has no %s for what was done at "
                        "batch %" PRIu64,
                        s->setting->attack, e->who, e->batch->number, missing(l->x), l->from);
    }
}

/* ---- refusals ---- */

static bool is_among(const ts_err *errs, ts_err err)
{
    for (size_t i = 0; i < SIM_MAX_ERRS && errs[i] != TS_OK; i++)
        if (errs[i] == err)
            return true;
    return false;
}

static const struct sim_batch *sealed_before(const struct expect *s, int who, const ts_hash *parent)
{
    for (size_t i = s->n_sealed; i > 0; i--)
        if (s->sealed[i - 1].who == who && ts_hash_equal(&s->sealed[i - 1].parent, parent))
            return s->sealed[i - 1].batch;
    return NULL;
}

static bool is_same(const struct expect *s, const struct sim_event *e)
{
    const struct ts_msg_created *c = &e->msg->u.created;
    return e->msg->type == TS_MSG_CREATE && e->batch != NULL && !c->fresh && c->n_rejected == 0 &&
           sealed_before(s, e->who, &e->batch->b->header.parent_hash) == e->batch;
}

static void judge_answer(struct expect *s, struct lie *l, const struct sim_event *e,
                         struct sim_verdict *v)
{
    l->is_due = false;
    if (l->x->kind == SIM_REFUSED && !is_among(l->x->errs, e->err))
        sim_violate(v, e, "I12", "%s: enclave %d should refuse with %s and answers %s",
                    s->setting->attack, e->who, ts_err_name((int)l->x->errs[0]),
                    ts_err_name((int)e->err));
    if (l->x->kind == SIM_SAME_AGAIN && (e->msg == NULL || !is_same(s, e)))
        sim_violate(v, e, "I12",
                    "%s: enclave %d should give the batch it sealed before and nothing else",
                    s->setting->attack, e->who);
}

static void answer(struct expect *s, const struct sim_event *e, struct sim_verdict *v)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->lies[i].is_due && s->lies[i].who == e->who)
            judge_answer(s, &s->lies[i], e, v);
    if (e->msg == NULL || e->msg->type != TS_MSG_CREATE || e->batch == NULL ||
        !e->msg->u.created.fresh)
        return;
    s->sealed = sim_check_grow(s->sealed, s->n_sealed, &s->cap_sealed, sizeof(*s->sealed));
    s->sealed[s->n_sealed++] = (struct sealed){e->who, e->batch->b->header.parent_hash, e->batch};
}

/* ---- the end ---- */

static void over(const struct expect *s, const struct sim_event *e, struct sim_verdict *v)
{
    for (size_t i = 0; s->setting->expects[i].kind != 0; i++)
        if (s->told[i] == 0 && !s->setting->expects[i].is_rare)
            sim_violate(v, e, "I12", "%s: the world ends before the operator did all of it (%zu)",
                        s->setting->attack, i);
    for (size_t i = 0; i < s->n; i++) {
        const struct lie *l = &s->lies[i];
        if (l->is_due)
            sim_violate(v, e, "I12", "%s: enclave %d was asked and did not answer",
                        s->setting->attack, l->who);
        for (unsigned k = 0; k < s->setting->n_nodes; k++)
            if (waits_for(l, k))
                sim_violate(v, e, "I12",
                            "%s: the world ends and node %u has no %s for what was done at batch "
                            "%" PRIu64,
                            s->setting->attack, k, missing(l->x), l->from);
    }
}

static void see(void *state, const struct sim_event *e, struct sim_verdict *v)
{
    struct expect *s = state;
    if (s->setting->expects == NULL)
        return;
    switch (e->kind) {
    case SIM_LIE:
        take_lie(s, e);
        return;
    case SIM_BROADCAST:
        s->newest = e->number;
        s->term = e->batch->b->header.term;
        return;
    case SIM_FINDING:
        take_finding(s, e);
        return;
    case SIM_NODE_TAKES:
        node_takes(s, e, v);
        return;
    case SIM_ANSWER:
        answer(s, e, v);
        return;
    case SIM_OVER:
        over(s, e, v);
        return;
    default:
        return;
    }
}

const struct sim_checker sim_check_expect = {.name = "I12",
                                             .title = "a lying operator is found, or cannot lie",
                                             .make = make,
                                             .see = see,
                                             .drop = drop};
