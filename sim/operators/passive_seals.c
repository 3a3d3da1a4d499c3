/* SPDX-License-Identifier: Apache-2.0 */
/* Row 12, with one of the two not active: a batch in the current term is sealed with the key of a
 * passive enclave and shown before the true one. Nobody but the active enclave makes batches (V7).
 */
#include "sim/operators.h"

enum { NOT_VALID };

#define PATIENCE 20 /* batches whose payload would give the lie away in another way too */

static const struct sim_expect expects[] = {
    [NOT_VALID] = {.kind = SIM_NOT_TAKEN},
    {0},
};

struct state {
    bool is_due;
    unsigned n, tries;
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
    s->is_due = sim_op_is_calm(w);
    if (s->n < 3)
        sim_op_later(w, 0);
    else
        sim_op_done(w);
}

/* As a producer must, where anybody does. */
static bool reports(const struct sim_batch *b, const ts_address *id)
{
    if (b->b->payload.n_reports == 0)
        return true;
    for (size_t i = 0; i < b->b->payload.n_reports; i++) {
        const struct ts_restart_event *r = &b->b->payload.reports[i];
        if (ts_address_equal(&r->enclave_id, id) && r->current_batch_number + 1 == b->number)
            return true;
    }
    return false;
}

/* The true batch with another's name and seal. */
static void sees(struct sim_world *w, const struct sim_batch *b)
{
    struct state *s = w->op_state;
    const struct sim_batch *parent = sim_batch_by(w, &b->b->header.parent_hash);
    int spare = s->is_due && s->n < 3 ? sim_op_spare(w, b->producer, -1) : -1;
    bool is_odd = spare >= 0 && !reports(b, &w->enclaves[spare].id);
    if (spare < 0 || parent == NULL || (is_odd && s->tries++ < PATIENCE))
        return;
    struct ts_batch copy = *b->b;
    copy.header.producer = w->enclaves[spare].id;
    const struct sim_batch *forged = sim_op_forge(w, parent, &copy, &w->enclaves[spare].key);
    sim_op_lie(w, NOT_VALID, spare, forged,
               "a passive enclave's key seals in the active one's term");
    for (unsigned i = 0; i < w->o.nodes; i++)
        sim_feed_slip(w, i, forged);
    s->n++;
}

const struct sim_operator sim_op_passive_seals = {
    .name = "passive-seals",
    .row = 12,
    .what = "a batch is sealed with the key of an enclave that is not active",
    .expects = expects,
    .tail = 10,
    .begin = begin,
    .wake = wake,
    .sees = sees,
};
