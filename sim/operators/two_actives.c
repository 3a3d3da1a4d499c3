/* SPDX-License-Identifier: Apache-2.0 */
/* Row 12: runs two active enclaves at once: beside the host's a spare that was activated in secret
 * seals a line of its own, and each half of the nodes is shown one of the lines. Their terms
 * differ; two seals for one number on one parent are equivocation all the same. */
#include "sim/operators.h"
#include "sim/operators/second_line.h"

static const struct sim_expect expects[] = {
    {.kind = SIM_FOUND, .finding = TS_F_EQUIVOCATION, .batches = 12},
    {0},
};

static bool seal_second(struct sim_world *w, unsigned spare)
{
    struct sim_answer a;
    sim_answer_init(&a);
    bool done = sim_second_seal(w, spare, &a);
    sim_answer_free(&a);
    return done;
}

static void wake(struct sim_world *w, uint64_t token)
{
    int spare = sim_op_is_calm(w) ? sim_op_spare(w, sim_op_active(w), -1) : -1;
    (void)token;
    /* It has no batch that nobody else has yet: that one's child is asked for in vain. */
    if (spare < 0 || ts_enclave_head(w->enclaves[spare].core).number != sim_op_head(w)) {
        sim_op_later(w, 0);
        return;
    }
    sim_op_hide(w, (unsigned)spare, true);
    w->spared = spare;
    if (!seal_second(w, (unsigned)spare)) {
        sim_op_hide(w, (unsigned)spare, false);
        sim_op_later(w, 0);
        return;
    }
    sim_second_tell(w, spare, "it seals a second line");
}

const struct sim_operator sim_op_two_actives = {
    .name = "two-actives",
    .row = 12,
    .what = "two enclaves are active at once",
    .expects = expects,
    .tail = 14,
    .min_nodes = 2,
    .steady_nodes = true,
    .begin = sim_second_op_begin,
    .wake = wake,
    .sees = sim_second_op_sees,
    .show = sim_second_op_show,
};
