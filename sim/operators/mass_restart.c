/* SPDX-License-Identifier: Apache-2.0 */
/* Row 15: restarts all enclaves at once, to wipe what they remember. Each new Started still links
 * to the chain (I7), and together they are a mass-restart. */
#include "sim/operators.h"

enum { ALL };

static const struct sim_expect expects[] = {
    [ALL] = {.kind = SIM_FOUND, .finding = TS_F_MASS_RESTART, .batches = 40},
    {0},
};

static void begin(struct sim_world *w)
{
    sim_op_begin(w);
}

static void wake(struct sim_world *w, uint64_t token)
{
    (void)token;
    if (!sim_op_is_calm(w)) {
        sim_op_later(w, 0);
        return;
    }
    for (unsigned i = 0; i < w->o.enclaves; i++)
        sim_end(w, i, "restarted with all others");
    sim_op_lie(w, ALL, SIM_HOST, NULL, "all enclaves are restarted");
    sim_op_done(w);
}

const struct sim_operator sim_op_mass_restart = {
    .name = "mass-restart",
    .row = 15,
    .what = "all enclaves are restarted at once",
    .expects = expects,
    .tail = 41,
    .begin = begin,
    .wake = wake,
};
