/* SPDX-License-Identifier: Apache-2.0 */
/* Row 5, without a restart: tells a running enclave to load an earlier state, to take another way
 * from there. One that has signed never starts over. */
#include "sim/operators.h"

enum { NOT_LOADED };

static const struct sim_expect expects[] = {
    [NOT_LOADED] = {.kind = SIM_REFUSED, .errs = {TS_E_STATE}},
    {0},
};

static void begin(struct sim_world *w)
{
    sim_op_begin(w);
}

static void rewind_it(struct sim_world *w, int enclave)
{
    struct ts_msg load = {.type = TS_MSG_LOAD};
    struct sim_answer a;
    sim_answer_init(&a);
    load.u.load.genesis = ts_bytes_of(w->genesis_raw, w->n_genesis_raw);
    sim_op_lie(w, NOT_LOADED, enclave, NULL, "it is told to start over at genesis");
    sim_op_ask(w, (unsigned)enclave, &load, &a);
    sim_answer_free(&a);
}

static void wake(struct sim_world *w, uint64_t token)
{
    int active = sim_op_active(w);
    int spare = sim_op_is_calm(w) ? sim_op_spare(w, active, -1) : -1;
    (void)token;
    if (spare < 0) {
        sim_op_later(w, 0);
        return;
    }
    rewind_it(w, active);
    rewind_it(w, spare);
    sim_op_done(w);
}

const struct sim_operator sim_op_rewound_enclave = {
    .name = "rewound-enclave",
    .row = 5,
    .what = "an enclave that has signed is told to load an earlier state",
    .expects = expects,
    .tail = 12,
    .begin = begin,
    .wake = wake,
};
