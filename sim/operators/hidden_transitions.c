/* SPDX-License-Identifier: Apache-2.0 */
/* Row 1, without hiding the enclave: a spare is active in secret for a moment, and afterwards its
 * reports are shown and its transitions are not: none of them, or the newest without the one before
 * it. No report whose tip is not the published one is carried (V8), nor a transition that leaves
 * one out (V4): the spare is absent, and that is silence. */
#include "sim/operators.h"

enum { SILENT };

static const struct sim_expect expects[] = {
    [SILENT] = {.kind = SIM_FOUND,
                .finding = TS_F_SILENCE,
                .is_about_who = true,
                .over_lag = true,
                .reports = 1,
                .batches = 3},
    {0},
};

struct state {
    bool is_on, is_mine;
    unsigned enclave;
    uint64_t until;
};

static void begin(struct sim_world *w)
{
    sim_op_state(w, sizeof(struct state));
    sim_op_begin(w);
}

static bool was_active(struct sim_world *w, unsigned spare)
{
    struct ts_msg down = {.type = TS_MSG_STEP_DOWN};
    struct sim_answer a;
    sim_answer_init(&a);
    down.u.step_down.time = sim_clock(w, &w->host.p).unix_ms;
    bool done = sim_op_activate(w, spare, w->newest->b->header.term + 1, &a) &&
                sim_op_ask(w, spare, &down, &a);
    sim_answer_free(&a);
    return done;
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct state *s = w->op_state;
    const struct ts_params *p = &w->genesis.params;
    int spare = token == 0 && sim_op_is_calm(w) ? sim_op_spare(w, sim_op_active(w), -1) : -1;
    if (spare >= 0 && was_active(w, (unsigned)spare)) {
        *s = (struct state){.is_on = true, .enclave = (unsigned)spare};
        s->until = sim_op_head(w) + (p->max_report_lag + 4) * p->report_every;
        sim_op_spare_it(w, s->enclave);
        sim_op_lie(w, SILENT, spare, NULL, "its transitions are hidden, its reports are not");
    }
    if (!s->is_on || sim_op_head(w) < s->until) {
        sim_op_later(w, s->is_on);
        return;
    }
    s->is_on = false;
    sim_op_done(w);
}

/* Takes out all, or all but the newest. */
static void cut(const struct sim_world *w, struct ts_lifecycle_event **list, size_t *n)
{
    size_t keep = *n > 1 && w->o.seed % 2 == 0 ? 1 : 0;
    *list += *n - keep;
    *n = keep;
}

static bool to_host(struct sim_world *w, unsigned enclave, ts_bytes frame)
{
    struct state *s = w->op_state;
    struct ts_arena arena;
    struct ts_msg m;
    if (!s->is_on || s->is_mine || enclave != s->enclave)
        return true;
    ts_arena_init(&arena, 0);
    bool has_events = ts_msg_decode_answer(frame, &arena, &m) == TS_OK &&
                      (m.type == TS_MSG_ACCEPT || m.type == TS_MSG_REPORT ||
                       m.type == TS_MSG_SYNCED || m.type == TS_MSG_STEP_DOWN);
    if (has_events) {
        struct ts_buf b;
        ts_buf_init(&b, TS_LINK_MAX_FRAME);
        cut(w, &m.u.events.transitions, &m.u.events.n_transitions);
        ts_msg_put(&b, &m);
        s->is_mine = true;
        sim_answer(w, &w->links[enclave], w->now, ts_buf_bytes(&b));
        s->is_mine = false;
        ts_buf_free(&b);
    }
    ts_arena_free(&arena);
    return !has_events;
}

const struct sim_operator sim_op_hidden_transitions = {
    .name = "hidden-transitions",
    .row = 1,
    .what = "a spare was active in secret; its reports are shown, its transitions are not",
    .expects = expects,
    .tail = 12,
    .begin = begin,
    .wake = wake,
    .to_host = to_host,
};
