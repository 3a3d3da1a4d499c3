/* SPDX-License-Identifier: Apache-2.0 */
/* Row 25: goes on with an enclave that a notice in the chain has removed, such as one whose key is
 * known to others. It takes no activation and seals nothing; and a batch that its key seals is
 * invalid at every node (V2). */
#include "chain/batch.h"
#include "sim/operators.h"

enum { CHANGED, IDLE, NOT_VALID };

static const struct sim_expect expects[] = {
    [CHANGED] = {.kind = SIM_FOUND, .finding = TS_F_CHURN},
    [IDLE] = {.kind = SIM_REFUSED, .errs = {TS_E_STATE}},
    [NOT_VALID] = {.kind = SIM_NOT_TAKEN},
    {0},
};

enum step { WAITS, REMOVES, REMOVED, OVER };

struct state {
    enum step step;
    unsigned enclave;
    uint64_t number; /* of the batch with the notice */
};

static void begin(struct sim_world *w)
{
    sim_op_state(w, sizeof(struct state));
    sim_op_begin(w);
}

static void go_on(struct sim_world *w, const struct state *s)
{
    struct sim_answer a;
    uint64_t term = w->newest->b->header.term + 1;
    sim_answer_init(&a);
    if (sim_op_catch_up(w, s->enclave, UINT64_MAX, &a)) {
        sim_op_lie(w, IDLE, (int)s->enclave, NULL, "it is to be active though it is removed");
        sim_op_activate(w, s->enclave, term, &a);
        sim_op_lie(w, IDLE, (int)s->enclave, NULL, "it is to seal though it is removed");
        sim_op_create(w, s->enclave, 0, &a);
    }
    sim_answer_free(&a);
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct state *s = w->op_state;
    if (token == 1) {
        go_on(w, s);
        return;
    }
    int spare = sim_op_is_calm(w) ? sim_op_spare(w, sim_op_active(w), -1) : -1;
    if (spare < 0) {
        sim_op_later(w, 0);
        return;
    }
    s->enclave = (unsigned)spare;
    s->step = REMOVES;
    sim_op_spare_it(w, s->enclave);
}

/* The notice is the operator's to give: without L1 nobody asks where it comes from. */
static bool to_enclave(struct sim_world *w, unsigned enclave, ts_bytes frame)
{
    struct state *s = w->op_state;
    struct ts_msg *m = s->step == REMOVES ? sim_op_read(w, frame) : NULL;
    struct ts_whitelist_change change = {.removed = &w->enclaves[s->enclave].id, .n_removed = 1};
    struct ts_notice notice = {.type = TS_NOTICE_WHITELIST};
    struct ts_buf b;
    if (m == NULL || m->type != TS_MSG_CREATE)
        return true;
    ts_buf_init(&b, 0);
    change.l1_number = m->u.create.l1_number;
    change.l1_hash = m->u.create.l1_hash;
    ts_whitelist_change_put(&b, &change);
    notice.body = ts_buf_bytes(&b);
    sim_op_leave_out(&m->u.create, &w->enclaves[s->enclave].id);
    m->u.create.notices = &notice;
    m->u.create.n_notices = 1;
    sim_op_send(w, enclave, m);
    ts_buf_free(&b);
    return false;
}

/* The true batch with the removed enclave's name and seal. */
static void forge(struct sim_world *w, const struct sim_batch *b, const struct state *s)
{
    const struct sim_batch *parent = sim_batch_by(w, &b->b->header.parent_hash);
    struct ts_batch copy = *b->b;
    copy.header.producer = w->enclaves[s->enclave].id;
    const struct sim_batch *forged = sim_op_forge(w, parent, &copy, &w->enclaves[s->enclave].key);
    sim_op_lie(w, NOT_VALID, (int)s->enclave, forged, "its key seals a batch");
    for (unsigned i = 0; i < w->o.nodes; i++)
        sim_feed_slip(w, i, forged);
}

static void sees(struct sim_world *w, const struct sim_batch *b)
{
    struct state *s = w->op_state;
    if (s->step == REMOVES && b->b->payload.n_notices > 0) {
        s->step = REMOVED;
        s->number = b->number;
        sim_op_lie(w, CHANGED, (int)s->enclave, NULL, "a notice removes it");
        sim_op_wake(w, 0, 1);
    } else if (s->step == REMOVED && b->number > s->number + 1) {
        s->step = OVER;
        forge(w, b, s);
        sim_op_done(w);
    }
}

const struct sim_operator sim_op_removed_enclave = {
    .name = "removed-enclave",
    .row = 25,
    .what = "a removed enclave goes on",
    .expects = expects,
    .tail = 10,
    .begin = begin,
    .wake = wake,
    .to_enclave = to_enclave,
    .sees = sees,
};
