/* SPDX-License-Identifier: Apache-2.0 */
/* Row 12: runs two active enclaves at once: beside the host's a spare that was activated in secret
 * seals a line of its own, and each half of the nodes is shown one of the lines. Their terms
 * differ; two seals for one number on one parent are equivocation all the same. */
#include "sim/operators.h"
#include "sim/operators/second_line.h"

enum { TWO_LINES };

static const struct sim_expect expects[] = {
    [TWO_LINES] = {.kind = SIM_FOUND, .finding = TS_F_EQUIVOCATION, .batches = 12},
    {0},
};

static void begin(struct sim_world *w)
{
    sim_op_state(w, sizeof(struct sim_second));
    sim_op_begin(w);
}

static bool seal_second(struct sim_world *w, struct sim_second *s, unsigned spare)
{
    struct sim_answer a;
    sim_answer_init(&a);
    bool done = sim_op_activate(w, spare, w->newest->b->header.term + 1, &a) &&
                sim_op_create(w, spare, 3, &a);
    if (done)
        sim_second_begin(s, 0, sim_op_created(w, &a), (int)spare);
    sim_answer_free(&a);
    return done;
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct sim_second *s = w->op_state;
    int spare = sim_op_is_calm(w) ? sim_op_spare(w, sim_op_active(w), -1) : -1;
    (void)token;
    /* It has no batch that nobody else has yet: that one's child is asked for in vain. */
    if (spare < 0 || ts_enclave_head(w->enclaves[spare].core).number != sim_op_head(w)) {
        sim_op_later(w, 0);
        return;
    }
    sim_op_hide(w, (unsigned)spare, true);
    w->spared = spare;
    if (!seal_second(w, s, (unsigned)spare)) {
        sim_op_hide(w, (unsigned)spare, false);
        sim_op_later(w, 0);
        return;
    }
    sim_second_share(w, s, SIM_HOSTS);
    sim_second_slip(w, s);
    sim_op_lie(w, TWO_LINES, spare, NULL, "it seals a second line");
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

const struct sim_operator sim_op_two_actives = {
    .name = "two-actives",
    .row = 12,
    .what = "two enclaves are active at once",
    .expects = expects,
    .tail = 14,
    .min_nodes = 2,
    .steady_nodes = true,
    .begin = begin,
    .wake = wake,
    .sees = sees,
    .show = show,
};
