/* SPDX-License-Identifier: Apache-2.0 */
/* Row 4: runs a copy of an enclave from its sealed key and publishes the copy's events in place of
 * the enclave's. The chain links only one of them: whoever of the two sees the other's transitions
 * halts, and each new one is a restart that every node sees. */
#include "sim/operators.h"

enum { RESTARTED, ENCLAVE_HALTS, COPY_HALTS };

static const struct sim_expect expects[] = {
    [RESTARTED] = {.kind = SIM_FOUND, .finding = TS_F_RESTART, .is_about_who = true},
    /* Not when the batch comes to the host as an offer: then the host feeds it first. */
    [ENCLAVE_HALTS] = {.kind = SIM_REFUSED, .errs = {TS_E_HALTS}, .is_rare = true},
    [COPY_HALTS] = {.kind = SIM_REFUSED, .errs = {TS_E_HALTS}},
    {0},
};

enum step { WAITS, PUBLISHES, PUBLISHED, OVER };

struct state {
    enum step step;
    bool is_shown; /* the copy's Started to the enclave */
    unsigned enclave, copy;
    ts_hash boot;              /* of the copy */
    const struct sim_batch *b; /* carries a Started that the other one did not sign */
    struct sim_answer a;
};

static void begin(struct sim_world *w)
{
    struct state *s = sim_op_state(w, sizeof(struct state));
    sim_answer_init(&s->a);
    sim_op_begin(w);
}

static bool make_copy(struct sim_world *w, struct state *s)
{
    struct ts_msg synced = {.type = TS_MSG_SYNCED};
    s->copy = sim_op_clone(w, s->enclave);
    synced.u.synced.time = sim_clock(w, &w->host.p).unix_ms;
    if (!sim_op_catch_up(w, s->copy, UINT64_MAX, &s->a) || !sim_op_ask(w, s->copy, &synced, &s->a))
        return false;
    s->boot = s->a.msg.u.events.report.boot_id;
    return true;
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct state *s = w->op_state;
    if (token == 1) {
        sim_op_catch_up(w, s->copy, s->b->number - 1, &s->a);
        sim_op_lie(w, COPY_HALTS, (int)s->copy, NULL, "it is given the enclave's new Started");
        sim_op_accept(w, s->copy, s->b, &s->a);
        sim_op_done(w);
        return;
    }
    int spare = sim_op_is_calm(w) ? sim_op_spare(w, sim_op_active(w), -1) : -1;
    if (spare < 0) {
        sim_op_later(w, 0);
        return;
    }
    s->enclave = (unsigned)spare;
    sim_op_spare_it(w, s->enclave);
    if (make_copy(w, s))
        s->step = PUBLISHES;
}

/* The copy's events in place of the enclave's. */
static void replace(struct sim_world *w, struct state *s, struct ts_msg_create *c)
{
    const ts_address *id = &w->enclaves[s->copy].id;
    const struct ts_msg_events *own = &s->a.msg.u.events;
    struct ts_lifecycle_event *t =
        ts_arena_array(&w->op_arena, c->n_transitions + TS_MAX_UNPUBLISHED, sizeof(*t));
    size_t n = 0, i = 0;
    while (i < c->n_transitions && ts_address_compare(&c->transitions[i].enclave_id, id) < 0)
        t[n++] = c->transitions[i++];
    for (size_t k = 0; k < own->n_transitions; k++)
        t[n++] = own->transitions[k];
    for (; i < c->n_transitions; i++)
        if (!ts_address_equal(&c->transitions[i].enclave_id, id))
            t[n++] = c->transitions[i];
    c->transitions = t;
    c->n_transitions = n;
    for (i = 0; i < c->n_reports; i++)
        if (ts_address_equal(&c->reports[i].enclave_id, id))
            c->reports[i] = own->report;
}

static bool to_enclave(struct sim_world *w, unsigned enclave, ts_bytes frame)
{
    struct state *s = w->op_state;
    struct ts_msg *m = s->step == PUBLISHES ? sim_op_read(w, frame) : NULL;
    if (m == NULL || m->type != TS_MSG_CREATE ||
        !sim_op_catch_up(w, s->copy, m->u.create.parent.number, &s->a) ||
        !sim_op_ask_for(w, s->copy, TS_MSG_REPORT, &s->a))
        return true;
    replace(w, s, &m->u.create);
    sim_op_send(w, enclave, m);
    return false;
}

static bool starts(const struct sim_world *w, const struct state *s, const struct sim_batch *b,
                   bool copy)
{
    for (size_t i = 0; i < b->b->payload.n_transitions; i++) {
        const struct ts_lifecycle_event *t = &b->b->payload.transitions[i];
        if (t->kind == TS_STARTED && ts_address_equal(&t->enclave_id, &w->enclaves[s->copy].id) &&
            ts_hash_equal(&t->boot_id, &s->boot) == copy)
            return true;
    }
    return false;
}

/* The batch with the copy's Started comes to the enclave before any other. */
static bool to_host(struct sim_world *w, unsigned enclave, ts_bytes frame)
{
    struct state *s = w->op_state;
    struct ts_msg m;
    (void)enclave;
    if (s->step != PUBLISHES || s->is_shown)
        return true;
    ts_arena_reset(&w->op_arena);
    if (ts_msg_decode_answer(frame, &w->op_arena, &m) != TS_OK || m.type != TS_MSG_CREATE)
        return true;
    const struct sim_batch *b = sim_batch_of(w, m.u.created.batch);
    if (!starts(w, s, b, true) || !sim_op_catch_up(w, s->enclave, b->number - 1, &s->a))
        return true;
    s->is_shown = true;
    sim_op_lie(w, ENCLAVE_HALTS, (int)s->enclave, NULL, "it is given the copy's Started");
    sim_op_accept(w, s->enclave, b, &s->a);
    return true;
}

static void sees(struct sim_world *w, const struct sim_batch *b)
{
    struct state *s = w->op_state;
    if ((s->step != PUBLISHES && s->step != PUBLISHED) || !starts(w, s, b, s->step == PUBLISHES))
        return;
    s->step = s->step == PUBLISHES ? PUBLISHED : OVER;
    s->b = b;
    sim_op_lie(w, RESTARTED, (int)s->enclave, NULL,
               s->step == PUBLISHED ? "the copy's Started is published"
                                    : "the enclave's new Started is published");
    if (s->step == OVER)
        sim_op_wake(w, 0, 1);
}

static void end(struct sim_world *w)
{
    sim_answer_free(&((struct state *)w->op_state)->a);
}

const struct sim_operator sim_op_copied_enclave = {
    .name = "copied-enclave",
    .row = 4,
    .what = "a copy of an enclave is run and its events are published",
    .expects = expects,
    .tail = 12,
    .min_enclaves = 3,
    .begin = begin,
    .wake = wake,
    .to_enclave = to_enclave,
    .to_host = to_host,
    .sees = sees,
    .end = end,
};
