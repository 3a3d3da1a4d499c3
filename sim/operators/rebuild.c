/* SPDX-License-Identifier: Apache-2.0 */
/* Row 29: builds again and again with inputs that fail, for results without a seal. What can fail
 * is checked before a transaction is opened; what is opened ends in a seal; and asked again on the
 * same parent, with whatever transactions, the enclave gives the same batch and nothing else. */
#include "sim/operators.h"

enum { FAILS, SAME, OLDER };

static const struct sim_expect expects[] = {
    [FAILS] = {.kind = SIM_REFUSED, .errs = {TS_E_BAD_EVENT, TS_E_V3_FORM}},
    [SAME] = {.kind = SIM_SAME_AGAIN},
    [OLDER] = {.kind = SIM_REFUSED, .errs = {TS_E_ONE_LINE}},
    {0},
};

static void begin(struct sim_world *w)
{
    sim_op_begin(w);
}

/* Each of them fails, whatever the transactions do. */
static void fail(struct sim_world *w, unsigned active, unsigned spare, struct sim_answer *b)
{
    static const uint8_t odd[] = {0xc1, 0x80};
    struct ts_notice notice = {TS_NOTICE_WHITELIST, ts_bytes_of(odd, sizeof(odd))};
    struct ts_lifecycle_event foreign = {.kind = TS_STARTED, .enclave_id = w->enclaves[spare].id};
    struct ts_msg_create with[2] = {
        {.transitions = &foreign, .n_transitions = 1},
        {.notices = &notice, .n_notices = 1},
    };
    for (unsigned i = 0; i < 2; i++) {
        sim_op_lie(w, FAILS, (int)active, NULL, "a build that fails");
        sim_op_create_with(w, active, &with[i], SIM_ACCOUNTS, b);
    }
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct sim_answer a;
    struct ts_msg_create with = {0};
    int active = sim_op_active(w);
    int spare = sim_op_is_calm(w) ? sim_op_spare(w, active, -1) : -1;
    (void)token;
    if (spare < 0) {
        sim_op_later(w, 0);
        return;
    }
    sim_answer_init(&a);
    fail(w, (unsigned)active, (unsigned)spare, &a);
    with.parent = ts_enclave_head(w->enclaves[active].core);
    if (!sim_op_create_with(w, (unsigned)active, &with, SIM_ACCOUNTS, &a)) {
        sim_answer_free(&a);
        sim_op_later(w, 0);
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        sim_op_lie(w, SAME, active, NULL, "a second try on one parent");
        sim_op_create_with(w, (unsigned)active, &with, i, &a);
    }
    uint64_t old = w->host.disk.n_committed - w->genesis.params.max_report_lag - 3;
    with.parent = (struct ts_msg_head){old, w->host.disk.committed[old - 1]->hash};
    sim_op_lie(w, OLDER, active, NULL, "a try on an older parent");
    sim_op_create_with(w, (unsigned)active, &with, 3, &a);
    sim_answer_free(&a);
    sim_op_done(w);
}

const struct sim_operator sim_op_rebuild = {
    .name = "rebuild",
    .row = 29,
    .what = "batches are built again and again",
    .expects = expects,
    .tail = 8,
    .begin = begin,
    .wake = wake,
};
