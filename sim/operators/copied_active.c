/* SPDX-License-Identifier: Apache-2.0 */
/* Rows 4 and 12: runs a copy of the active enclave from its sealed key, and each half of the nodes
 * is shown the line of one of the two. One key, two seals for one number: equivocation. */
#include "sim/operators.h"
#include "sim/operators/second_line.h"

static const struct sim_expect expects[] = {
    {.kind = SIM_FOUND, .finding = TS_F_EQUIVOCATION, .is_about_who = true, .batches = 12},
    {0},
};

static bool seal_second(struct sim_world *w, unsigned copy)
{
    struct sim_answer a;
    struct ts_msg synced = {.type = TS_MSG_SYNCED};
    sim_answer_init(&a);
    synced.u.synced.time = sim_clock(w, &w->host.p).unix_ms;
    bool done = sim_op_catch_up(w, copy, UINT64_MAX, &a) && sim_op_ask(w, copy, &synced, &a) &&
                sim_second_seal(w, copy, &a);
    sim_answer_free(&a);
    return done;
}

static void wake(struct sim_world *w, uint64_t token)
{
    (void)token;
    if (!sim_op_is_calm(w)) {
        sim_op_later(w, 0);
        return;
    }
    int active = sim_op_active(w);
    w->spared = active;
    if (!seal_second(w, sim_op_clone(w, (unsigned)active)))
        return; /* then it was not done, and expect.c says so */
    sim_second_tell(w, active, "its copy seals a second line");
}

const struct sim_operator sim_op_copied_active = {
    .name = "copied-active",
    .row = 4,
    .what = "a copy of the active enclave seals a second line",
    .expects = expects,
    .tail = 14,
    .min_nodes = 2,
    .steady_nodes = true,
    .begin = sim_second_op_begin,
    .wake = wake,
    .sees = sim_second_op_sees,
    .show = sim_second_op_show,
};
