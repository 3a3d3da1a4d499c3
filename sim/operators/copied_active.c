/* SPDX-License-Identifier: Apache-2.0 */
/* Rows 4 and 12: runs a copy of the active enclave from its sealed key, and each half of the nodes
 * is shown the line of one of the two. One key, two seals for one number: equivocation. */
#include "sim/operators.h"
#include "sim/operators/second_line.h"

enum { TWO_LINES };

static const struct sim_expect expects[] = {
    [TWO_LINES] = {.kind = SIM_FOUND,
                   .finding = TS_F_EQUIVOCATION,
                   .is_about_who = true,
                   .batches = 12},
    {0},
};

static void begin(struct sim_world *w)
{
    sim_op_state(w, sizeof(struct sim_second));
    sim_op_begin(w);
}

static bool seal_second(struct sim_world *w, struct sim_second *s, unsigned copy)
{
    struct sim_answer a;
    struct ts_msg synced = {.type = TS_MSG_SYNCED};
    sim_answer_init(&a);
    synced.u.synced.time = sim_clock(w, &w->host.p).unix_ms;
    bool done = sim_op_catch_up(w, copy, UINT64_MAX, &a) && sim_op_ask(w, copy, &synced, &a) &&
                sim_op_activate(w, copy, w->newest->b->header.term + 1, &a) &&
                sim_op_create(w, copy, 3, &a);
    if (done)
        sim_second_begin(s, 0, sim_op_created(w, &a), (int)copy);
    sim_answer_free(&a);
    return done;
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct sim_second *s = w->op_state;
    (void)token;
    if (!sim_op_is_calm(w)) {
        sim_op_later(w, 0);
        return;
    }
    int active = sim_op_active(w);
    w->spared = active;
    if (!seal_second(w, s, sim_op_clone(w, (unsigned)active)))
        return; /* then it was not done, and expect.c says so */
    sim_second_share(w, s, SIM_HOSTS);
    sim_second_slip(w, s);
    sim_op_lie(w, TWO_LINES, active, NULL, "its copy seals a second line");
    sim_op_done(w);
}

static void sees(struct sim_world *w, const struct sim_batch *b)
{
    sim_second_grow(w, w->op_state, b);
}

static const struct sim_batch *show(struct sim_world *w, int node, enum sim_showing as,
                                    const struct sim_batch *b)
{
    (void)as;
    return sim_second_show(w->op_state, node, b);
}

const struct sim_operator sim_op_copied_active = {
    .name = "copied-active",
    .row = 4,
    .what = "a copy of the active enclave seals a second line",
    .expects = expects,
    .tail = 14,
    .min_nodes = 2,
    .steady_nodes = true,
    .begin = begin,
    .wake = wake,
    .sees = sees,
    .show = show,
};
