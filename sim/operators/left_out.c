/* SPDX-License-Identifier: Apache-2.0 */
/* Row 6: leaves an enclave's events out of the batches, to hide it. A batch that does not account
 * for it is never sealed, so it is listed absent, and that is silence. */
#include "sim/operators.h"

enum { SILENT, BACK };

static const struct sim_expect expects[] = {
    [SILENT] = {.kind = SIM_FOUND,
                .finding = TS_F_SILENCE,
                .is_about_who = true,
                .over_lag = true,
                .reports = 1,
                .batches = 2},
    [BACK] = {.kind = SIM_FOUND,
              .finding = TS_F_SILENCE,
              .is_about_who = true,
              .state = TS_FINDING_CLOSED,
              .says = "same boot",
              .batches = 1,
              .by_report = true},
    {0},
};

struct state {
    bool is_on;
    unsigned enclave;
    uint64_t until;
};

static void begin(struct sim_world *w)
{
    sim_op_state(w, sizeof(struct state));
    sim_op_begin(w);
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct state *s = w->op_state;
    const struct ts_params *p = &w->genesis.params;
    int spare = token == 0 && sim_op_is_calm(w) ? sim_op_spare(w, sim_op_active(w), -1) : -1;
    if (spare >= 0) {
        *s = (struct state){true, (unsigned)spare,
                            sim_op_head(w) + (p->max_report_lag + 4) * p->report_every};
        sim_op_spare_it(w, s->enclave);
        sim_op_lie(w, SILENT, spare, NULL, "its events are left out");
    }
    if (!s->is_on || sim_op_head(w) < s->until) {
        sim_op_later(w, s->is_on);
        return;
    }
    s->is_on = false;
    sim_op_lie(w, BACK, (int)s->enclave, NULL, "its events are let in again");
    sim_op_done(w);
}

static bool to_enclave(struct sim_world *w, unsigned enclave, ts_bytes frame)
{
    const struct state *s = w->op_state;
    struct ts_msg *m = s->is_on ? sim_op_read(w, frame) : NULL;
    if (m == NULL || m->type != TS_MSG_CREATE)
        return true;
    sim_op_leave_out(&m->u.create, &w->enclaves[s->enclave].id);
    sim_op_send(w, enclave, m);
    return false;
}

const struct sim_operator sim_op_left_out = {
    .name = "left-out",
    .row = 6,
    .what = "an enclave's events are left out of the batches",
    .expects = expects,
    .tail = 12,
    .begin = begin,
    .wake = wake,
    .to_enclave = to_enclave,
};
