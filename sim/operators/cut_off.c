/* SPDX-License-Identifier: Apache-2.0 */
/* Row 14: cuts an enclave off and calls it a partition, for time to use it unseen. However it is
 * called, it is silence, with its length; and a boot that comes back the same is told apart from a
 * new one. */
#include "sim/operators.h"
#include "sim/operators/silenced.h"

static void wake(struct sim_world *w, uint64_t token)
{
    static const struct sim_silencing how = {sim_op_hide, "it is cut off", "it is let back"};
    sim_silenced_wake(w, token, &how);
}

const struct sim_operator sim_op_cut_off = {
    .name = "cut-off",
    .row = 14,
    .what = "an enclave is cut off and it is called a partition",
    .expects = sim_silenced_expects,
    .tail = 12,
    .begin = sim_silenced_begin,
    .wake = wake,
};
