/* SPDX-License-Identifier: Apache-2.0 */
/* Row 19: freezes an enclave and lets it go on later, for time to look around it. That is silence,
 * closed with an unchanged boot. */
#include "sim/operators.h"
#include "sim/operators/silenced.h"

static void freeze(struct sim_world *w, unsigned enclave, bool silent)
{
    if (silent)
        w->enclaves[enclave].p.asleep_until = w->now + 2 * w->o.interval_us;
}

static void wake(struct sim_world *w, uint64_t token)
{
    static const struct sim_silencing how = {freeze, "it is frozen", "it goes on"};
    sim_silenced_wake(w, token, &how);
}

const struct sim_operator sim_op_frozen = {
    .name = "frozen",
    .row = 19,
    .what = "an enclave is frozen and goes on later",
    .expects = sim_silenced_expects,
    .tail = 12,
    .begin = sim_silenced_begin,
    .wake = wake,
};
