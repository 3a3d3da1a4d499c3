/* SPDX-License-Identifier: Apache-2.0 */
/* Row 26: holds L1 back from the host, so that an enclave which L1 removes stays on the whitelist
 * for as long as maxL1Age allows. All that is named is on L1; but it is old, and nodes see that L1
 * has gone on. */
#include "sim/l1.h"
#include "sim/operators.h"

enum { STALE };

/* Ten seconds after the block that is held, and what a node's L1 lags behind. */
static const struct sim_expect expects[] = {
    [STALE] = {.kind = SIM_FOUND, .finding = TS_F_STALE_L1, .batches = 110},
    {0},
};

struct state {
    bool is_begun;
    unsigned enclave;
};

static void begin(struct sim_world *w)
{
    sim_op_state(w, sizeof(struct state));
    sim_op_begin(w);
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct state *s = w->op_state;
    struct sim_l1_party *p = sim_l1_party(w, SIM_HOST);
    int spare = sim_op_is_calm(w) ? sim_op_spare(w, sim_op_active(w), -1) : -1;
    (void)token;
    if (spare < 0) {
        sim_op_later(w, 0);
        return;
    }
    s->enclave = (unsigned)spare;
    s->is_begun = true;
    p->shown = w->l1->tip;
    sim_op_lie(w, STALE, spare, NULL, "the host sees no new block of L1");
}

static void l1_mined(struct sim_world *w)
{
    const struct state *s = w->op_state;
    if (!s->is_begun || w->done_us != 0)
        return;
    if ((sim_l1_list_to_be(w) >> s->enclave & 1) != 0)
        sim_l1_act(w, s->enclave, false);
    else if ((w->l1->tip->list >> s->enclave & 1) == 0)
        sim_op_done(w);
}

const struct sim_operator sim_op_held_back_l1 = {
    .name = "held-back-l1",
    .row = 26,
    .what = "the host sees no new block of L1",
    .expects = expects,
    .tail = 20,
    .has_l1 = true,
    .max_l1_age_ms = 40000,
    .begin = begin,
    .wake = wake,
    .l1_mined = l1_mined,
};
