/* SPDX-License-Identifier: Apache-2.0 */
/* Row 5: rolls an enclave's sealed state back to an older checkpoint and starts it there, to replay
 * a position. Sealed state is only a cache: the Started it signs there links to a tip that is no
 * longer the published one, and no batch carries it. Fed on from there it signs again, and that is
 * a restart. */
#include "sim/operators.h"

enum { NOT_CARRIED, RESTARTED };

static const struct sim_expect expects[] = {
    [NOT_CARRIED] = {.kind = SIM_REFUSED, .errs = {TS_E_BAD_EVENT}},
    [RESTARTED] = {.kind = SIM_FOUND,
                   .finding = TS_F_RESTART,
                   .is_about_who = true,
                   .batches = 2, /* one may be on its way with a report of the boot before */
                   .by_report = true},
    {0},
};

enum step { WAITS, SAVED };

struct state {
    enum step step;
    unsigned enclave;
    struct ts_msg_head head; /* of the saved checkpoint */
    struct ts_buf saved[2];
    struct sim_answer a, b;
};

static void begin(struct sim_world *w)
{
    struct state *s = sim_op_state(w, sizeof(struct state));
    for (unsigned i = 0; i < 2; i++)
        ts_buf_init(&s->saved[i], 0);
    sim_answer_init(&s->a);
    sim_answer_init(&s->b);
    sim_op_begin(w);
}

static void copy(struct ts_buf *to, const struct ts_buf *from)
{
    ts_buf_reset(to);
    ts_buf_put(to, from->p, from->n);
}

/* The tip that the checkpoint knows will be an old one: the enclave restarts after it. */
static void save(struct sim_world *w, struct state *s, unsigned enclave)
{
    struct sim_enclave *e = &w->enclaves[enclave];
    if (!sim_op_ask_for(w, enclave, TS_MSG_SNAPSHOT, &s->a))
        return;
    s->enclave = enclave;
    s->head = s->a.msg.u.head;
    for (unsigned i = 0; i < 2; i++)
        copy(&s->saved[i], &e->slots.slots[i]);
    s->step = SAVED;
    sim_op_spare_it(w, enclave);
    e->p.asleep_until = 0;
    sim_end(w, enclave, "restarted after its sealed state was copied");
}

static bool start_at_old(struct sim_world *w, struct state *s)
{
    struct sim_enclave *e = &w->enclaves[s->enclave];
    struct ts_msg load = {.type = TS_MSG_LOAD}, synced = {.type = TS_MSG_SYNCED};
    sim_end(w, s->enclave, "its sealed state is rolled back");
    for (unsigned i = 0; i < 2; i++)
        copy(&e->slots.slots[i], &s->saved[i]);
    sim_boot(w, s->enclave);
    load.u.load.genesis = ts_bytes_of(w->genesis_raw, w->n_genesis_raw);
    load.u.load.from = s->head;
    synced.u.synced.time = sim_clock(w, &w->host.p).unix_ms;
    return sim_op_ask(w, s->enclave, &load, &s->a) && sim_op_ask(w, s->enclave, &synced, &s->a);
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct state *s = w->op_state;
    int active = sim_op_active(w);
    int spare = sim_op_is_calm(w) ? sim_op_spare(w, active, -1) : -1;
    (void)token;
    if (spare >= 0 && s->step == WAITS)
        save(w, s, (unsigned)spare);
    else if (spare >= 0 && active != (int)s->enclave && sim_op_head(w) > s->head.number + 2 &&
             start_at_old(w, s)) {
        struct ts_msg_create with = {.transitions = s->a.msg.u.events.transitions,
                                     .n_transitions = s->a.msg.u.events.n_transitions,
                                     .reports = &s->a.msg.u.events.report,
                                     .n_reports = 1};
        sim_op_lie(w, NOT_CARRIED, active, NULL, "a Started from rolled back state is offered");
        sim_op_create_with(w, (unsigned)active, &with, 0, &s->b);
        with.n_reports = 0;
        sim_op_lie(w, NOT_CARRIED, active, NULL, "the same without a report");
        sim_op_create_with(w, (unsigned)active, &with, 0, &s->b);
        sim_op_lie(w, RESTARTED, (int)s->enclave, NULL, "the host finds it there");
        sim_op_done(w);
        return;
    }
    sim_op_later(w, 0);
}

static void end(struct sim_world *w)
{
    struct state *s = w->op_state;
    for (unsigned i = 0; i < 2; i++)
        ts_buf_free(&s->saved[i]);
    sim_answer_free(&s->a);
    sim_answer_free(&s->b);
}

const struct sim_operator sim_op_rolled_back_state = {
    .name = "rolled-back-state",
    .row = 5,
    .what = "an enclave is started from an old copy of its sealed state",
    .expects = expects,
    .tail = 12,
    .checkpoints = true,
    .begin = begin,
    .wake = wake,
    .end = end,
};
