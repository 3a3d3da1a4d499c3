/* SPDX-License-Identifier: Apache-2.0 */
/* Row 25: L1 removes an enclave, and the operator goes on with it: the host is told lists on which
 * it stands, so its batches name L1's newest block and announce no change. Nodes that follow L1
 * know the list after that block. */
#include <string.h>

#include "sim/l1.h"
#include "sim/operators.h"

enum { MISMATCH, NOT_VALID };

static const struct sim_expect expects[] = {
    [MISMATCH] = {.kind = SIM_FOUND, .finding = TS_F_WHITELIST_MISMATCH, .says = "of L1 block"},
    [NOT_VALID] = {.kind = SIM_NOT_TAKEN},
    {0},
};

struct state {
    bool is_begun, is_over;
    unsigned enclave;
    ts_address list[SIM_MAX_WHITELIST];
};

static void begin(struct sim_world *w)
{
    sim_op_state(w, sizeof(struct state));
    sim_op_begin(w);
}

static bool is_listed(const struct state *s, uint32_t list)
{
    return (list >> s->enclave & 1) != 0;
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct state *s = w->op_state;
    int active = sim_op_is_calm(w) ? sim_op_active(w) : -1;
    int other = active >= 0 ? sim_op_spare(w, active, -1) : -1;
    (void)token;
    if (other < 0) {
        sim_op_later(w, 0);
        return;
    }
    s->enclave = (unsigned)(sim_chance(&w->op_rng, 50) ? active : other);
    s->is_begun = true;
}

/* What governance sends may be lost: it sends it again. */
static void l1_mined(struct sim_world *w)
{
    const struct state *s = w->op_state;
    if (s->is_begun && is_listed(s, sim_l1_list_to_be(w)))
        sim_l1_act(w, s->enclave, false);
}

static void l1_tells(struct sim_world *w, struct ts_l1_block *b)
{
    struct state *s = w->op_state;
    const ts_address *id = &w->enclaves[s->enclave].id;
    size_t n = 0;
    if (!s->is_begun)
        return;
    while (n < b->n_whitelist && ts_address_compare(&b->whitelist[n], id) < 0) {
        s->list[n] = b->whitelist[n];
        n++;
    }
    if (n < b->n_whitelist && ts_address_equal(&b->whitelist[n], id))
        return;
    if (n < b->n_whitelist)
        memcpy(&s->list[n + 1], &b->whitelist[n], (b->n_whitelist - n) * sizeof(*id));
    s->list[n] = *id;
    b->whitelist = s->list;
    b->n_whitelist++;
}

static void sees(struct sim_world *w, const struct sim_batch *b)
{
    struct state *s = w->op_state;
    const struct sim_l1_mined *l1 = sim_l1_at(w->l1->tip, b->b->header.l1_number);
    if (!s->is_begun || s->is_over || l1 == NULL || is_listed(s, l1->list))
        return;
    s->is_over = true;
    sim_op_lie(w, MISMATCH, (int)s->enclave, NULL, "L1 has removed it, and no batch says so");
    sim_op_lie(w, NOT_VALID, (int)s->enclave, b, "a batch leaves it on the whitelist");
    sim_op_done(w);
}

const struct sim_operator sim_op_hidden_removal = {
    .name = "hidden-removal",
    .row = 25,
    .what = "an enclave that L1 removes stays, unannounced",
    .expects = expects,
    .has_l1 = true,
    .begin = begin,
    .wake = wake,
    .sees = sees,
    .l1_tells = l1_tells,
    .l1_mined = l1_mined,
};
