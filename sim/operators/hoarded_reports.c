/* SPDX-License-Identifier: Apache-2.0 */
/* Row 8: hoards a spare's reports and publishes them late, as cover for private work. What is older
 * than maxReportLag is refused (row 7); what is not is a report at an old head, again and again:
 * lagging. */
#include "sim/operators.h"

enum { LAGS };

static const struct sim_expect expects[] = {
    [LAGS] = {.kind = SIM_FOUND,
              .finding = TS_F_LAGGING,
              .is_about_who = true,
              .reports = 12,
              .batches = 2},
    {0},
};

#define HOARD 8

struct state {
    bool is_on;
    unsigned enclave;
    uint64_t until;
    struct ts_restart_event hoard[HOARD]; /* by number of the head */
};

static void begin(struct sim_world *w)
{
    sim_op_state(w, sizeof(struct state));
    sim_op_begin(w);
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct state *s = w->op_state;
    int spare = token == 0 && sim_op_is_calm(w) ? sim_op_spare(w, sim_op_active(w), -1) : -1;
    if (spare >= 0) {
        s->is_on = true;
        s->enclave = (unsigned)spare;
        s->until = sim_op_head(w) + 16 * w->genesis.params.report_every;
        sim_op_spare_it(w, s->enclave);
        sim_op_lie(w, LAGS, spare, NULL, "its reports are published late");
    }
    if (!s->is_on || sim_op_head(w) < s->until) {
        sim_op_later(w, s->is_on);
        return;
    }
    s->is_on = false;
    sim_op_done(w);
}

static bool to_host(struct sim_world *w, unsigned enclave, ts_bytes frame)
{
    struct state *s = w->op_state;
    struct ts_msg m;
    ts_arena_reset(&w->op_arena);
    if (s->is_on && enclave == s->enclave &&
        ts_msg_decode_answer(frame, &w->op_arena, &m) == TS_OK && m.type == TS_MSG_ACCEPT &&
        m.u.events.has_report)
        s->hoard[m.u.events.head.number % HOARD] = m.u.events.report;
    return true;
}

/* The newest report but one, or none. */
static void put_late(struct sim_world *w, const struct state *s, struct ts_msg_create *c)
{
    const struct ts_restart_event *late = &s->hoard[(c->parent.number - 1) % HOARD];
    for (size_t i = 0; i < c->n_reports; i++) {
        struct ts_restart_event *r = &c->reports[i];
        if (!ts_address_equal(&r->enclave_id, &w->enclaves[s->enclave].id) ||
            r->current_batch_number < c->parent.number)
            continue;
        if (late->current_batch_number + 1 != c->parent.number || late->seq != r->seq) {
            sim_op_leave_out(c, &r->enclave_id);
            return;
        }
        *r = *late;
    }
}

static bool to_enclave(struct sim_world *w, unsigned enclave, ts_bytes frame)
{
    const struct state *s = w->op_state;
    struct ts_msg *m = s->is_on ? sim_op_read(w, frame) : NULL;
    if (m == NULL || m->type != TS_MSG_CREATE)
        return true;
    put_late(w, s, &m->u.create);
    sim_op_send(w, enclave, m);
    return false;
}

const struct sim_operator sim_op_hoarded_reports = {
    .name = "hoarded-reports",
    .row = 8,
    .what = "a spare's reports are hoarded and published late",
    .expects = expects,
    .tail = 4,
    .min_lag = 2,
    .begin = begin,
    .wake = wake,
    .to_enclave = to_enclave,
    .to_host = to_host,
};
