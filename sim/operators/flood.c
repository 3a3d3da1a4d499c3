/* SPDX-License-Identifier: Apache-2.0 */
/* Row 24: floods the chain with events, to exhaust nodes. There is one report for each enclave in a
 * batch, an enclave signs at most eight transitions that are not published, and notices have a
 * bound. */
#include <string.h>

#include "sim/operators.h"

enum { TWO_REPORTS, NINTH, NOTICES };

static const struct sim_expect expects[] = {
    [TWO_REPORTS] = {.kind = SIM_REFUSED, .errs = {TS_E_BAD_EVENT, TS_E_V5_COMPLETE}},
    [NINTH] = {.kind = SIM_REFUSED, .errs = {TS_E_NO_ROOM}},
    [NOTICES] = {.kind = SIM_REFUSED, .errs = {TS_E_LIMIT, TS_E_V3_FORM}},
    {0},
};

static void begin(struct sim_world *w)
{
    sim_op_begin(w);
}

/* Takes it to active and back until it signs no more. */
static void burn_transitions(struct sim_world *w, int spare, struct sim_answer *a)
{
    struct ts_msg down = {.type = TS_MSG_STEP_DOWN};
    uint64_t term = w->newest->b->header.term;
    down.u.step_down.time = sim_clock(w, &w->host.p).unix_ms;
    for (unsigned i = 0; i < TS_MAX_UNPUBLISHED / 2; i++)
        if (!sim_op_activate(w, (unsigned)spare, ++term, a) ||
            !sim_op_ask(w, (unsigned)spare, &down, a))
            break;
    sim_op_lie(w, NINTH, spare, NULL, "a ninth transition is asked for");
    sim_op_activate(w, (unsigned)spare, ++term, a);
}

static void give_two_reports(struct sim_world *w, int active, int spare)
{
    struct sim_answer a, b;
    struct ts_restart_event reports[2];
    struct ts_msg_create with = {.reports = reports, .n_reports = 2};
    sim_answer_init(&a);
    sim_answer_init(&b);
    if (sim_op_ask_for(w, (unsigned)spare, TS_MSG_REPORT, &a) && a.msg.u.events.has_report) {
        reports[0] = reports[1] = a.msg.u.events.report;
        sim_op_lie(w, TWO_REPORTS, active, NULL, "two reports of one enclave are given");
        sim_op_create_with(w, (unsigned)active, &with, 0, &b);
    }
    sim_answer_free(&a);
    sim_answer_free(&b);
}

static void give_notices(struct sim_world *w, int active, size_t n, size_t bytes)
{
    static const uint8_t zeros[TS_MAX_NOTICE_BYTES + 1];
    struct ts_notice notices[TS_MAX_NOTICES + 1];
    struct ts_msg_create with = {.notices = notices, .n_notices = n};
    struct sim_answer a;
    sim_answer_init(&a);
    for (size_t i = 0; i < n; i++)
        notices[i] = (struct ts_notice){200, ts_bytes_of(zeros, bytes)};
    sim_op_lie(w, NOTICES, active, NULL, "too much of notices is given");
    sim_op_create_with(w, (unsigned)active, &with, 0, &a);
    sim_answer_free(&a);
}

static void flood(struct sim_world *w, int active, int spare)
{
    struct sim_answer a;
    sim_answer_init(&a);
    give_notices(w, active, TS_MAX_NOTICES + 1, 1);
    give_notices(w, active, 1, TS_MAX_NOTICE_BYTES + 1);
    give_notices(w, active, 5, TS_MAX_NOTICE_BYTES);
    give_two_reports(w, active, spare);
    burn_transitions(w, spare, &a);
    sim_answer_free(&a);
    sim_op_done(w);
}

static void wake(struct sim_world *w, uint64_t token)
{
    int active = sim_op_active(w);
    int spare = token == 1 || sim_op_is_calm(w) ? sim_op_spare(w, active, -1) : -1;
    /* Reports given for a batch that holds none are not looked at. */
    if (spare >= 0 && active >= 0 && token == 1 &&
        (ts_enclave_head(w->enclaves[active].core).number + 1) % w->genesis.params.report_every ==
            0) {
        flood(w, active, spare);
        return;
    }
    sim_op_wake(w, w->o.interval_us / 3, token == 1 || spare >= 0);
}

const struct sim_operator sim_op_flood = {
    .name = "flood",
    .row = 24,
    .what = "events and notices are made in masses",
    .expects = expects,
    .tail = 8,
    .begin = begin,
    .wake = wake,
};
