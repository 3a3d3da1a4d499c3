/* SPDX-License-Identifier: Apache-2.0 */
/* I10 when L1 itself breaks its word: it went back behind what the newest batch names, so nobody
 * knows any more whom it lists. Host and nodes stop, each with an alarm; after a restart
 * too, when they see it again. That they do not part ways is I12's. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "check_l1.h"
#include "tenseq/finding.h"

#define SLACK 2 /* blocks that the host had heard of and not named when L1 went back */

struct halt {
    const struct sim_setting *setting;
    const struct sim_batch *newest; /* broadcast */
    bool is_back;
    uint64_t by_us;
    uint64_t until_us[1 + SIM_MAX_NODES]; /* who started anew may take as long again to see it */
    bool alarm[1 + SIM_MAX_NODES];        /* the host's, then the nodes' */
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

/* Until it is seen nothing newer is named: a batch on the new line would go on from one that is on
 * none. */
static void look(const struct halt *s, const struct sim_event *e, struct sim_verdict *v)
{
    const char *what = e->kind == SIM_BROADCAST ? "broadcast" : "taken";
    uint64_t ago = (e->at_us + s->setting->l1_halt_us - s->by_us) / 1000;
    if (e->batch->b->header.l1_number > s->newest->b->header.l1_number + SLACK)
        sim_violate(v, e, "I10",
                    "batch %" PRIu64 " is %s and names L1 block %" PRIu64
                    ", though L1 went back %" PRIu64 " ms ago",
                    e->batch->number, what, e->batch->b->header.l1_number, ago);
    else if (e->at_us > s->by_us && e->at_us > s->until_us[e->who + 1])
        sim_violate(v, e, "I10",
                    "batch %" PRIu64
                    " is %s, though L1 went back behind what the chain names %" PRIu64 " ms ago",
                    e->batch->number, what, ago);
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
    if (e->kind == SIM_BROADCAST && !s->is_back)
        s->newest = e->batch;
    if (!s->is_back)
        return;
    if ((e->kind == SIM_HOST_UP || e->kind == SIM_NODE_UP) && e->who < SIM_MAX_NODES)
        s->until_us[e->who + 1] = e->at_us + s->setting->l1_halt_us;
    if (e->kind == SIM_BROADCAST || e->kind == SIM_NODE_TAKES)
        look(s, e, v);
    if (is_alarm(e) && e->who >= -1 && e->who < SIM_MAX_NODES)
        s->alarm[e->who + 1] = true;
    if (e->kind == SIM_OVER)
        over(s, e, v);
}

const struct sim_checker sim_check_halt = {
    .name = "I10", .title = "when L1 goes back all stop", .make = make, .see = see, .drop = drop};
