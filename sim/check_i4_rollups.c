/* SPDX-License-Identifier: Apache-2.0 */
/* I4 on L1: once the world is calm every batch comes to be in a confirmed rollup, and every node
 * has looked at it, within the bounds of struct sim_calm. */
#include <inttypes.h>
#include <stdlib.h>

#include "check_l1.h"

struct progress {
    const struct sim_setting *setting;
    struct sim_l1_seen l1;
    struct sim_calm calm;
    bool is_calm;
    uint64_t from_us; /* no batch is older */
    uint64_t looked_at_us;
    uint64_t *at_us; /* of the commit of batch n at n - 1 */
    size_t n, cap;
    uint64_t looked_at[SIM_MAX_NODES]; /* the last batch of the newest rollup */
};

static void *make(const struct sim_setting *setting)
{
    struct progress *s = sim_check_memory(calloc(1, sizeof(*s)));
    s->setting = setting;
    sim_l1_seen_init(&s->l1);
    return s;
}

static void drop(void *state)
{
    struct progress *s = state;
    sim_l1_seen_free(&s->l1);
    free(s->at_us);
    free(s);
}

/* Whether the first batch above done waits for longer than bound; *since: its age. */
static bool is_late(const struct progress *s, uint64_t done, uint64_t bound, uint64_t now,
                    uint64_t *since)
{
    if (done >= s->n)
        return false;
    uint64_t from = s->at_us[done] > s->from_us ? s->at_us[done] : s->from_us;
    *since = now > from ? now - from : 0;
    return *since > bound;
}

static void look(struct progress *s, const struct sim_event *e, struct sim_verdict *v)
{
    uint64_t since;
    s->looked_at_us = e->at_us;
    const struct sim_l1_block *tip = s->l1.n > 0 ? s->l1.line[s->l1.n - 1] : NULL;
    uint64_t c = s->setting->l1_confirmations;
    uint64_t done = tip != NULL && tip->number + 1 >= c
                        ? sim_l1_rolled_up(&s->l1, sim_l1_seen_at(&s->l1, tip->number + 1 - c))
                        : 0;
    if (is_late(s, done, s->calm.rollup_us, e->at_us, &since))
        sim_violate(v, e, "I4",
                    "batch %" PRIu64 " is in no confirmed rollup after %" PRIu64
                    " ms; it should be within %" PRIu64 " ms",
                    done + 1, since / 1000, s->calm.rollup_us / 1000);
    for (unsigned i = 0; i < s->setting->n_nodes; i++)
        if (s->calm.node[i] && is_late(s, s->looked_at[i], 2 * s->calm.rollup_us, e->at_us, &since))
            sim_violate(v, e, "I4",
                        "node %u has looked at no rollup of batch %" PRIu64 " after %" PRIu64
                        " ms; it should have within %" PRIu64 " ms",
                        i, s->looked_at[i] + 1, since / 1000, 2 * s->calm.rollup_us / 1000);
}

static void committed(struct progress *s, const struct sim_event *e)
{
    if (e->batch->number != s->n + 1)
        return;
    s->at_us = sim_check_grow(s->at_us, s->n, &s->cap, sizeof(*s->at_us));
    s->at_us[s->n++] = e->at_us;
}

static void begin(struct progress *s, const struct sim_event *e)
{
    s->calm = *e->calm;
    for (unsigned i = 0; i < SIM_MAX_ENCLAVES; i++)
        s->is_calm = s->is_calm || s->calm.enclave[i];
    s->from_us = e->at_us + s->calm.first_us;
}

static void see(void *state, const struct sim_event *e, struct sim_verdict *v)
{
    struct progress *s = state;
    if (!s->setting->has_l1 || !s->setting->is_honest)
        return;
    if (s->is_calm && e->at_us != s->looked_at_us)
        look(s, e, v);
    sim_l1_seen_event(&s->l1, e);
    if (e->kind == SIM_CALM && e->calm != NULL)
        begin(s, e);
    else if (e->kind == SIM_COMMITTED && e->batch != NULL)
        committed(s, e);
    else if (e->kind == SIM_NODE_ROLLUP && e->who >= 0 && e->who < SIM_MAX_NODES &&
             e->number > s->looked_at[e->who])
        s->looked_at[e->who] = e->number;
}

const struct sim_checker sim_check_i4_rollups = {
    .name = "I4", .title = "batches come to be in rollups", .make = make, .see = see, .drop = drop};
