/* SPDX-License-Identifier: Apache-2.0 */
/* Row 10: takes the active back and activates it again at one head, for a second ordering in
 * between. Both transitions are in its chain, and nothing of it is published without them. */
#include "sim/operators.h"

enum { FLAPS };

static const struct sim_expect expects[] = {
    [FLAPS] = {.kind = SIM_FOUND, .finding = TS_F_FLAP, .is_about_who = true, .batches = 2},
    {0},
};

static void begin(struct sim_world *w)
{
    sim_op_begin(w);
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct sim_answer a;
    struct ts_msg down = {.type = TS_MSG_STEP_DOWN};
    int active = sim_op_is_calm(w) ? sim_op_active(w) : -1;
    bool done = false;
    (void)token;
    sim_answer_init(&a);
    if (active >= 0) {
        w->spared = active;
        down.u.step_down.time = sim_clock(w, &w->host.p).unix_ms;
        done = sim_op_ask(w, (unsigned)active, &down, &a) &&
               sim_op_activate(w, (unsigned)active, w->newest->b->header.term + 3, &a);
    }
    sim_answer_free(&a);
    if (!done) {
        sim_op_later(w, 0);
        return;
    }
    sim_op_lie(w, FLAPS, active, NULL, "passive and active again at one head");
    sim_op_done(w);
}

const struct sim_operator sim_op_flap = {
    .name = "flap",
    .row = 10,
    .what = "the active becomes passive and active again at one head",
    .expects = expects,
    .tail = 4,
    .begin = begin,
    .wake = wake,
};
