/* SPDX-License-Identifier: Apache-2.0 */
/* Row 19: freezes an enclave and lets it go on later, for time to look around it. That is silence,
 * closed with an unchanged boot. */
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
        sim_op_lie(w, SILENT, spare, NULL, "it is frozen");
    }
    if (!s->is_on || sim_op_head(w) < s->until) {
        if (s->is_on)
            w->enclaves[s->enclave].p.asleep_until = w->now + 2 * w->o.interval_us;
        sim_op_later(w, s->is_on);
        return;
    }
    sim_op_lie(w, BACK, (int)s->enclave, NULL, "it goes on");
    sim_op_done(w);
}

const struct sim_operator sim_op_frozen = {
    .name = "frozen",
    .row = 19,
    .what = "an enclave is frozen and goes on later",
    .expects = expects,
    .tail = 12,
    .begin = begin,
    .wake = wake,
};
