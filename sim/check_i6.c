/* SPDX-License-Identifier: Apache-2.0 */
/* I6: a batch reports when its number is a multiple of reportEvery, when it holds a transition or a
 * whitelist notice, or begins a term. Then every enclave on the whitelist after the notice reports
 * or is absent, once, and the producer reports; otherwise nobody does either. */
#include <stdlib.h>

#include "check_line.h"

struct line {
    struct sim_whitelist whitelist;
    uint64_t term;
};

struct i6 {
    struct sim_lines lines;
    struct line of[SIM_LINES];
};

/* Counts one more enclave accounted for; seen: one bit for each place in the whitelist. */
static const char *account(const struct sim_whitelist *w, const ts_address *id, uint64_t *seen)
{
    int at = sim_whitelist_find(w, id);
    if (at < 0)
        return "accounts for an enclave that is not on the whitelist";
    if (*seen >> at & 1)
        return "accounts for an enclave twice";
    *seen |= UINT64_C(1) << at;
    return NULL;
}

static const char *accounts_wrong(const struct sim_whitelist *w, const struct ts_batch *b)
{
    const struct ts_payload *p = &b->payload;
    uint64_t seen = 0;
    const char *wrong = NULL;
    bool producer_reports = false;
    for (size_t i = 0; i < p->n_reports && wrong == NULL; i++) {
        wrong = account(w, &p->reports[i].enclave_id, &seen);
        producer_reports =
            producer_reports || ts_address_equal(&p->reports[i].enclave_id, &b->header.producer);
    }
    for (size_t i = 0; i < p->n_absent && wrong == NULL; i++)
        wrong = account(w, &p->absent[i], &seen);
    if (wrong != NULL)
        return wrong;
    if (p->n_reports + p->n_absent != w->n)
        return "leaves out an enclave that is on the whitelist";
    return producer_reports ? NULL : "holds no report of its producer";
}

static void batch(void *state, unsigned line, const struct sim_batch *b, const struct sim_event *e,
                  struct sim_verdict *v)
{
    struct i6 *s = state;
    struct line *l = &s->of[line];
    const struct ts_payload *p = &b->b->payload;
    char where[SIM_WHERE_SIZE];
    bool changed;
    const char *wrong = sim_whitelist_fold(&l->whitelist, b->b, &changed);
    if (wrong != NULL) {
        sim_violate(v, e, "I6", "the whitelist notice in %s %s", sim_where(line, b->number, where),
                    wrong);
        return;
    }
    bool reports = b->number % s->lines.setting->genesis->params.report_every == 0 ||
                   p->n_transitions > 0 || changed || b->b->header.term != l->term;
    l->term = b->b->header.term;
    if (reports)
        wrong = accounts_wrong(&l->whitelist, b->b);
    else if (p->n_reports + p->n_absent > 0)
        wrong = "holds reports or absent ones and is none that reports";
    if (wrong != NULL)
        sim_violate(v, e, "I6", "%s %s", sim_where(line, b->number, where), wrong);
}

static void reset(void *state, unsigned line)
{
    struct i6 *s = state;
    sim_whitelist_init(&s->of[line].whitelist, s->lines.setting->genesis);
    s->of[line].term = 0;
}

static void *make(const struct sim_setting *setting)
{
    struct i6 *s = sim_check_memory(calloc(1, sizeof(*s)));
    s->lines = (struct sim_lines){.setting = setting, .batch = batch, .reset = reset};
    for (unsigned i = 0; i < SIM_LINES; i++)
        reset(s, i);
    return s;
}

static void drop(void *state)
{
    struct i6 *s = state;
    sim_lines_free(&s->lines);
    free(s);
}

static void see(void *state, const struct sim_event *e, struct sim_verdict *v)
{
    sim_lines_see(&((struct i6 *)state)->lines, state, e, v);
}

const struct sim_checker sim_check_i6 = {
    .name = "I6", .title = "everyone is accounted for", .make = make, .see = see, .drop = drop};
