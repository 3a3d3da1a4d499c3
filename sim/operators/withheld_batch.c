/* SPDX-License-Identifier: Apache-2.0 */
/* Row 2: lets the active seal a batch, looks, withholds it and fails over: a second try at an
 * ordering. The successor's Active has no Passive beside it; the old one's Passive stands at a head
 * that nobody knows and cannot be carried; the old one takes no other batch at that number. It can
 * only come back by a restart. */
#include "sim/operators.h"

enum { UNCLEAN, NO_PASSIVE, NO_OTHER_LINE, RESTARTED };

static const struct sim_expect expects[] = {
    [UNCLEAN] = {.kind = SIM_FOUND,
                 .finding = TS_F_UNCLEAN_TAKEOVER,
                 .is_about_who = true,
                 .batches = 1},
    [NO_PASSIVE] = {.kind = SIM_REFUSED, .errs = {TS_E_BAD_EVENT}},
    [NO_OTHER_LINE] = {.kind = SIM_REFUSED, .errs = {TS_E_HALTS}},
    [RESTARTED] = {.kind = SIM_FOUND,
                   .finding = TS_F_RESTART,
                   .is_about_who = true,
                   .batches = 2,
                   .by_report = true},
    {0},
};

enum step { WAITS, WANTS, WITHHOLDS, OVER };

struct state {
    enum step step;
    unsigned old;
    uint64_t number; /* of the withheld batch */
};

static void begin(struct sim_world *w)
{
    sim_op_state(w, sizeof(struct state));
    sim_op_begin(w);
}

/* The old one's Passive is offered to the successor, and the successor's batch to the old one. */
static void come_back(struct sim_world *w, const struct state *s, unsigned successor)
{
    struct sim_answer a, b;
    struct ts_msg down = {.type = TS_MSG_STEP_DOWN};
    sim_answer_init(&a);
    sim_answer_init(&b);
    down.u.step_down.time = sim_clock(w, &w->host.p).unix_ms;
    if (sim_op_ask(w, s->old, &down, &a)) {
        struct ts_msg_create with = {.transitions = a.msg.u.events.transitions,
                                     .n_transitions = a.msg.u.events.n_transitions};
        sim_op_lie(w, NO_PASSIVE, (int)successor, NULL, "a Passive at a withheld head is offered");
        sim_op_create_with(w, successor, &with, 0, &b);
    }
    sim_op_lie(w, NO_OTHER_LINE, (int)s->old, NULL, "the successor's batch is offered");
    sim_op_accept(w, s->old, w->host.disk.committed[s->number - 1], &a);
    sim_answer_free(&a);
    sim_answer_free(&b);
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct state *s = w->op_state;
    int active = sim_op_active(w);
    if (token == 0) {
        if (!sim_op_is_calm(w)) {
            sim_op_later(w, 0);
            return;
        }
        s->step = WANTS;
        s->old = (unsigned)active;
        w->spared = active;
    }
    for (unsigned i = 0; i < w->o.enclaves && s->step == WITHHOLDS; i++) {
        if (i == s->old || sim_op_head(w) < s->number || w->newest->producer != (int)i ||
            w->enclaves[i].core == NULL ||
            ts_enclave_state_of(w->enclaves[i].core) != TS_ENC_ACTIVE)
            continue;
        come_back(w, s, i);
        s->step = OVER;
        sim_op_hide(w, s->old, false);
        sim_op_lie(w, RESTARTED, (int)s->old, NULL, "it is given back");
        sim_op_done(w);
    }
    if (s->step == WANTS && active >= 0 && (unsigned)active != s->old) { /* a failover came first */
        s->step = WAITS;
        sim_op_later(w, 0);
    } else if (s->step != OVER) {
        sim_op_later(w, 1);
    }
}

static bool to_host(struct sim_world *w, unsigned enclave, ts_bytes frame)
{
    struct state *s = w->op_state;
    struct ts_msg m;
    ts_arena_reset(&w->op_arena);
    if (s->step != WANTS || enclave != s->old ||
        ts_msg_decode_answer(frame, &w->op_arena, &m) != TS_OK || m.type != TS_MSG_CREATE)
        return true;
    s->step = WITHHOLDS;
    sim_op_hide(w, enclave, true);
    s->number = sim_batch_of(w, m.u.created.batch)->number;
    sim_op_lie(w, UNCLEAN, (int)enclave, NULL, "its batch is withheld");
    return false;
}

const struct sim_operator sim_op_withheld_batch = {
    .name = "withheld-batch",
    .row = 2,
    .what = "a sealed batch is looked at and withheld, and a spare takes over",
    .expects = expects,
    .tail = 12,
    .begin = begin,
    .wake = wake,
    .to_host = to_host,
};
