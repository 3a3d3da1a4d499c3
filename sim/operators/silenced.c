/* SPDX-License-Identifier: Apache-2.0 */
#include "silenced.h"

enum { SILENT, BACK };

const struct sim_expect sim_silenced_expects[] = {
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

void sim_silenced_begin(struct sim_world *w)
{
    sim_op_state(w, sizeof(struct state));
    sim_op_begin(w);
}

int sim_silenced(const struct sim_world *w)
{
    const struct state *s = w->op_state;
    return s->is_on ? (int)s->enclave : -1;
}

static void keep(struct sim_world *w, const struct sim_silencing *how, bool silent)
{
    const struct state *s = w->op_state;
    if (how->keep != NULL)
        how->keep(w, s->enclave, silent);
}

void sim_silenced_wake(struct sim_world *w, uint64_t token, const struct sim_silencing *how)
{
    struct state *s = w->op_state;
    const struct ts_params *p = &w->genesis.params;
    int spare = token == 0 && sim_op_is_calm(w) ? sim_op_spare(w, sim_op_active(w), -1) : -1;
    if (spare >= 0) {
        *s = (struct state){true, (unsigned)spare,
                            sim_op_head(w) + (p->max_report_lag + 4) * p->report_every};
        sim_op_spare_it(w, s->enclave);
        sim_op_lie(w, SILENT, spare, NULL, how->begins);
    }
    if (!s->is_on || sim_op_head(w) < s->until) {
        if (s->is_on)
            keep(w, how, true);
        sim_op_later(w, s->is_on);
        return;
    }
    s->is_on = false;
    keep(w, how, false);
    sim_op_lie(w, BACK, (int)s->enclave, NULL, how->ends);
    sim_op_done(w);
}
