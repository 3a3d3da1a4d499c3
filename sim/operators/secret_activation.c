/* SPDX-License-Identifier: Apache-2.0 */
/* Row 1: activates a spare in secret and lets it build a batch, to see results before choosing an
 * order. From then on its head is off the chain and its tip is not the published one, so no batch
 * can carry a report of it: it is silent until it restarts. Some hide it for long, some hand it
 * back to the host at once. */
#include "sim/operators.h"

enum { SILENT, RESTARTED };

static const struct sim_expect expects[] = {
    [SILENT] = {.kind = SIM_FOUND,
                .finding = TS_F_SILENCE,
                .is_about_who = true,
                .over_lag = true,
                .reports = 1,
                .batches = 2,
                .is_rare = true},
    [RESTARTED] = {.kind = SIM_FOUND,
                   .finding = TS_F_RESTART,
                   .is_about_who = true,
                   .batches = 2,
                   .by_report = true},
    {0},
};

struct state {
    bool is_hidden;
    int spare;
    uint64_t until;
};

static void begin(struct sim_world *w)
{
    sim_op_state(w, sizeof(struct state));
    sim_op_begin(w);
}

/* Whether the spare built a batch that nobody is to see. */
static bool try_order(struct sim_world *w, int spare)
{
    struct sim_answer a;
    sim_answer_init(&a);
    uint64_t term = w->newest->b->header.term + sim_between(&w->op_rng, 1, 9);
    bool done = sim_op_activate(w, (unsigned)spare, term, &a) &&
                sim_op_create(w, (unsigned)spare, SIM_ACCOUNTS, &a);
    sim_answer_free(&a);
    return done;
}

static void hide(struct sim_world *w, struct state *s)
{
    uint64_t reports = w->genesis.params.max_report_lag + 3;
    s->is_hidden = true;
    sim_op_hide(w, (unsigned)s->spare, true);
    s->until = sim_op_head(w) + reports * w->genesis.params.report_every;
    sim_op_lie(w, SILENT, s->spare, NULL, "it is not given back");
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct state *s = w->op_state;
    if (token == 0) {
        s->spare = sim_op_is_calm(w) ? sim_op_spare(w, sim_op_active(w), -1) : -1;
        if (s->spare < 0 || !try_order(w, s->spare)) {
            sim_op_later(w, 0);
            return;
        }
        sim_op_spare_it(w, (unsigned)s->spare);
        if (sim_chance(&w->op_rng, 60))
            hide(w, s);
    }
    if (s->is_hidden && sim_op_head(w) < s->until) {
        sim_op_later(w, 1);
        return;
    }
    sim_op_hide(w, (unsigned)s->spare, false);
    sim_op_lie(w, RESTARTED, s->spare, NULL, "an order was tried on it in secret");
    sim_op_done(w);
}

const struct sim_operator sim_op_secret_activation = {
    .name = "secret-activation",
    .row = 1,
    .what = "a spare is activated in secret and orders are tried on it",
    .expects = expects,
    .tail = 12,
    .begin = begin,
    .wake = wake,
};
