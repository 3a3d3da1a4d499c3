/* SPDX-License-Identifier: Apache-2.0 */
/* Row 30: burns terms, so that nobody can be activated any more. No enclave takes one more than
 * 2^16 above the chain's: what is burnt is one enclave's way for as long as the chain's term
 * stands, and a failover goes on without it. */
#include "sim/operators.h"

enum { TOO_FAR, GOES_ON };

static const struct sim_expect expects[] = {
    [TOO_FAR] = {.kind = SIM_REFUSED, .errs = {TS_E_TERM}},
    [GOES_ON] = {.kind = SIM_GOES_ON, .batches = 2},
    {0},
};

static void begin(struct sim_world *w)
{
    sim_op_begin(w);
}

static void burn(struct sim_world *w, unsigned spare, uint64_t term)
{
    struct sim_answer a;
    struct ts_msg down = {.type = TS_MSG_STEP_DOWN};
    sim_answer_init(&a);
    down.u.step_down.time = sim_clock(w, &w->host.p).unix_ms;
    sim_op_lie(w, TOO_FAR, (int)spare, NULL, "the highest term there is");
    sim_op_activate(w, spare, UINT64_MAX, &a);
    sim_op_lie(w, TOO_FAR, (int)spare, NULL, "one term too far");
    sim_op_activate(w, spare, term + TS_TERM_STEP_MAX + 1, &a);
    if (sim_op_activate(w, spare, term + TS_TERM_STEP_MAX, &a))
        sim_op_ask(w, spare, &down, &a);
    sim_op_lie(w, TOO_FAR, (int)spare, NULL, "one term further");
    sim_op_activate(w, spare, term + TS_TERM_STEP_MAX + 1, &a);
    sim_answer_free(&a);
}

static void wake(struct sim_world *w, uint64_t token)
{
    int active = sim_op_active(w);
    int spare = sim_op_is_calm(w) ? sim_op_spare(w, active, -1) : -1;
    (void)token;
    if (spare < 0 || active != w->newest->producer) {
        sim_op_later(w, 0);
        return;
    }
    burn(w, (unsigned)spare, w->newest->b->header.term);
    sim_op_lie(w, GOES_ON, active, NULL, "the active is killed: another is wanted");
    sim_end(w, (unsigned)active, "killed, so that another is activated");
    sim_op_done(w);
}

const struct sim_operator sim_op_burnt_terms = {
    .name = "burnt-terms",
    .row = 30,
    .what = "terms are burnt",
    .expects = expects,
    .tail = 10,
    .begin = begin,
    .wake = wake,
};
