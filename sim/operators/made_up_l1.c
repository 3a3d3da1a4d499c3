/* SPDX-License-Identifier: Apache-2.0 */
/* Row 27: makes up an L1 on which an enclave is listed that nobody granted. An enclave cannot tell:
 * the headers are well-formed, and it knows no L1 of its own. Nodes do. */
#include "sim/l1.h"
#include "sim/operators.h"

enum { MISMATCH, NOT_VALID };

static const struct sim_expect expects[] = {
    [MISMATCH] = {.kind = SIM_FOUND,
                  .finding = TS_F_WHITELIST_MISMATCH,
                  .says = "and on L1 that block is"},
    [NOT_VALID] = {.kind = SIM_NOT_TAKEN},
    {0},
};

struct state {
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
    (void)token;
    s->enclave = w->o.enclaves - 1;
    if (!sim_op_is_calm(w) || !sim_l1_make_up(w, s->enclave, true))
        sim_op_later(w, 0);
}

static bool is_made_up(const struct sim_world *w, const struct sim_batch *b)
{
    const struct sim_l1_mined *x = w->l1->made_up;
    while (x != NULL && x->told.number > b->b->header.l1_number)
        x = x->parent;
    return x != NULL && ts_hash_equal(&x->told.hash, &b->b->header.l1_hash) &&
           sim_l1_at(w->l1->tip, x->told.number) != x;
}

static void sees(struct sim_world *w, const struct sim_batch *b)
{
    const struct state *s = w->op_state;
    if (w->l1->made_up == NULL || w->done_us != 0 || !is_made_up(w, b) ||
        b->b->payload.n_notices == 0)
        return;
    sim_op_lie(w, MISMATCH, (int)s->enclave, NULL, "it is listed on an L1 that is made up");
    sim_op_lie(w, NOT_VALID, (int)s->enclave, b, "a batch names a block that is made up");
    sim_op_done(w);
}

const struct sim_operator sim_op_made_up_l1 = {
    .name = "made-up-l1",
    .row = 27,
    .what = "an L1 is made up for the enclaves",
    .expects = expects,
    .has_l1 = true,
    .spares = 1,
    .begin = begin,
    .wake = wake,
    .sees = sees,
};
