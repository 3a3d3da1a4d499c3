/* SPDX-License-Identifier: Apache-2.0 */
/* Row 7: replays an old report, to hide a spare that is dead or busy. A report must be of the
 * current boot, newer than the last one published and at most maxReportLag old: else no enclave
 * seals it. */
#include "sim/operators.h"

enum { NOT_SEALED };

static const struct sim_expect expects[] = {
    [NOT_SEALED] = {.kind = SIM_REFUSED, .errs = {TS_E_BAD_EVENT}},
    {0},
};

struct state {
    bool has_restarted;
    unsigned enclave;
    struct ts_restart_event old; /* of the boot before */
};

static void begin(struct sim_world *w)
{
    sim_op_state(w, sizeof(struct state));
    sim_op_begin(w);
}

static void replay(struct sim_world *w, int active, struct ts_restart_event *r, const char *text)
{
    struct sim_answer a;
    struct ts_msg_create with = {.reports = r, .n_reports = 1};
    sim_answer_init(&a);
    sim_op_lie(w, NOT_SEALED, active, NULL, text);
    sim_op_create_with(w, (unsigned)active, &with, 0, &a);
    sim_answer_free(&a);
}

/* The newest published report of the enclave at number or below. */
static struct ts_restart_event *published(struct sim_world *w, unsigned enclave, uint64_t number)
{
    for (uint64_t n = number; n > 0; n--) {
        const struct ts_payload *p = &w->host.disk.committed[n - 1]->b->payload;
        for (size_t i = 0; i < p->n_reports; i++)
            if (ts_address_equal(&p->reports[i].enclave_id, &w->enclaves[enclave].id))
                return &p->reports[i];
    }
    return NULL;
}

/* Reports given for a batch that holds none are not looked at. */
static bool next_reports(struct sim_world *w, int active)
{
    return (ts_enclave_head(w->enclaves[active].core).number + 1) %
               w->genesis.params.report_every ==
           0;
}

static void replay_all(struct sim_world *w, const struct state *s, int active)
{
    uint64_t old = sim_op_head(w) - w->genesis.params.max_report_lag - 2;
    struct ts_restart_event before = s->old;
    replay(w, active, &before, "a report of an earlier boot");
    replay(w, active, published(w, s->enclave, sim_op_head(w)), "the report published last");
    replay(w, active, published(w, s->enclave, old), "a report older than maxReportLag");
    sim_op_done(w);
}

static bool is_back(struct sim_world *w, const struct state *s)
{
    return s->has_restarted && sim_op_is_calm(w) &&
           !ts_hash_equal(&published(w, s->enclave, sim_op_head(w))->boot_id, &s->old.boot_id);
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct state *s = w->op_state;
    int active = sim_op_active(w);
    int spare = !s->has_restarted && sim_op_is_calm(w) ? sim_op_spare(w, active, -1) : -1;
    if (token == 1 && active >= 0 && active != (int)s->enclave && next_reports(w, active)) {
        replay_all(w, s, active);
        return;
    }
    if (spare >= 0) {
        s->enclave = (unsigned)spare;
        s->old = *published(w, s->enclave, sim_op_head(w));
        s->has_restarted = true;
        sim_op_spare_it(w, s->enclave);
        sim_end(w, s->enclave, "killed, so that there is a report of another boot");
    }
    sim_op_wake(w, w->o.interval_us / 3, token == 1 || is_back(w, s));
}

const struct sim_operator sim_op_replayed_report = {
    .name = "replayed-report",
    .row = 7,
    .what = "an old report is published again",
    .expects = expects,
    .tail = 4,
    .begin = begin,
    .wake = wake,
};
