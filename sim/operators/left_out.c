/* SPDX-License-Identifier: Apache-2.0 */
/* Row 6: leaves an enclave's events out of the batches, to hide it. A batch that does not account
 * for it is never sealed, so it is listed absent, and that is silence. */
#include "sim/operators.h"
#include "sim/operators/silenced.h"

static void wake(struct sim_world *w, uint64_t token)
{
    static const struct sim_silencing how = {NULL, "its events are left out",
                                             "its events are let in again"};
    sim_silenced_wake(w, token, &how);
}

static bool to_enclave(struct sim_world *w, unsigned enclave, ts_bytes frame)
{
    int silenced = sim_silenced(w);
    struct ts_msg *m = silenced >= 0 ? sim_op_read(w, frame) : NULL;
    if (m == NULL || m->type != TS_MSG_CREATE)
        return true;
    sim_op_leave_out(&m->u.create, &w->enclaves[silenced].id);
    sim_op_send(w, enclave, m);
    return false;
}

const struct sim_operator sim_op_left_out = {
    .name = "left-out",
    .row = 6,
    .what = "an enclave's events are left out of the batches",
    .expects = sim_silenced_expects,
    .tail = 12,
    .begin = sim_silenced_begin,
    .wake = wake,
    .to_enclave = to_enclave,
};
