/* SPDX-License-Identifier: Apache-2.0 */
/* I10 when L1 itself breaks its word: it went back behind what the newest batch names, so nobody
 * knows any more whom it lists. Host and nodes stop, each with an alarm, and stay so after a
 * restart; that they do not part ways is I12's. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/finding.h"
#include "base/log.h"
#include "check_l1.h"

struct halt {
    const struct sim_setting *setting;
    const struct sim_batch *newest; /* broadcast */
    bool is_back;
    uint64_t by_us;
    bool alarm[1 + SIM_MAX_NODES]; /* the host's, then the nodes' */
};

static void *make(const struct sim_setting *setting)
{
    struct halt *s = sim_check_memory(calloc(1, sizeof(*s)));
    s->setting = setting;
    return s;
}

static void drop(void *state)
{
    free(state);
}

static bool is_alarm(const struct sim_event *e)
{
    if (e->kind == SIM_FINDING)
        return e->finding != NULL && e->finding->kind == TS_F_WHITELIST_MISMATCH;
    return e->kind == SIM_LOG && e->number == TS_LOG_ERROR && e->text != NULL &&
           strncmp(e->text, "l1-reorg ", 9) == 0;
}

static void over(const struct halt *s, const struct sim_event *e, struct sim_verdict *v)
{
    if (e->at_us < s->by_us)
        return;
    for (unsigned i = 0; i <= s->setting->n_nodes; i++)
        if (!s->alarm[i] && i == 0)
            sim_violate(v, e, "I10", "L1 went back, and the host has given no alarm");
        else if (!s->alarm[i])
            sim_violate(v, e, "I10", "L1 went back, and node %u has given no alarm", i - 1);
}

static void see(void *state, const struct sim_event *e, struct sim_verdict *v)
{
    struct halt *s = state;
    if (!s->setting->has_l1 || !s->setting->is_honest)
        return;
    if (!s->is_back && sim_l1_goes_back(e, s->newest)) {
        s->is_back = true;
        s->by_us = e->at_us + s->setting->l1_halt_us;
    }
    if (e->kind == SIM_BROADCAST)
        s->newest = e->batch;
    if (!s->is_back)
        return;
    if (e->at_us > s->by_us && (e->kind == SIM_BROADCAST || e->kind == SIM_NODE_TAKES))
        sim_violate(v, e, "I10",
                    "batch %" PRIu64
                    " is %s, though L1 went back behind what the chain names %" PRIu64 " ms ago",
                    e->batch->number, e->kind == SIM_BROADCAST ? "broadcast" : "taken",
                    (e->at_us + s->setting->l1_halt_us - s->by_us) / 1000);
    if (is_alarm(e) && e->who >= -1 && e->who < SIM_MAX_NODES)
        s->alarm[e->who + 1] = true;
    if (e->kind == SIM_OVER)
        over(s, e, v);
}

const struct sim_checker sim_check_halt = {
    .name = "I10", .title = "when L1 goes back all stop", .make = make, .see = see, .drop = drop};
