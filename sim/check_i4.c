/* SPDX-License-Identifier: Apache-2.0 */
/* I4: once the world is calm, batches follow within the bounds of struct sim_calm, and its nodes
 * get them. */
#include <inttypes.h>
#include <stdlib.h>

#include "check_line.h"

/* No line has such a gap: I3 says so. */
#define MAX_GAP 1000000u

struct i4 {
    const struct sim_setting *setting;
    struct sim_calm calm;
    bool is_calm; /* and one enclave at least is healthy: else nothing is promised */
    uint64_t looked_at_us;
    uint64_t next_by_us;  /* the next batch is due */
    uint64_t nodes_at_us; /* from then on nodes are held to their bound */
    uint64_t highest;     /* broadcast so far */
    uint64_t *at_us;      /* of the broadcast of batch n at n - 1; 0: it never was as such */
    size_t n_at, cap_at;
    uint64_t head[SIM_MAX_NODES];
};

static void *make(const struct sim_setting *setting)
{
    struct i4 *s = sim_check_memory(calloc(1, sizeof(*s)));
    s->setting = setting;
    return s;
}

static void drop(void *state)
{
    struct i4 *s = state;
    free(s->at_us);
    free(s);
}

static void look_at_node(const struct i4 *s, int i, const struct sim_event *e,
                         struct sim_verdict *v)
{
    uint64_t next = s->head[i];
    if (next >= s->n_at)
        return;
    uint64_t from = s->at_us[next] > s->nodes_at_us ? s->at_us[next] : s->nodes_at_us;
    if (e->at_us > from + s->calm.nodes_us)
        sim_violate(v, e, "I4",
                    "node %d does not hold batch %" PRIu64 ", broadcast %" PRIu64
                    " ms ago; it should within %" PRIu64 " ms",
                    i, next + 1, (e->at_us - from) / 1000, s->calm.nodes_us / 1000);
}

static void look(struct i4 *s, const struct sim_event *e, struct sim_verdict *v)
{
    if (!s->is_calm || e->at_us == s->looked_at_us)
        return;
    s->looked_at_us = e->at_us;
    if (e->at_us > s->next_by_us)
        sim_violate(v, e, "I4",
                    "no batch has followed batch %" PRIu64 " by %" PRIu64
                    " ms; host and an enclave are up, so one should",
                    s->highest, s->next_by_us / 1000);
    for (int i = 0; i < SIM_MAX_NODES; i++) {
        if (s->calm.node[i])
            look_at_node(s, i, e, v);
    }
}

static void begin(struct i4 *s, const struct sim_event *e)
{
    s->calm = *e->calm;
    s->is_calm = false;
    for (int i = 0; i < SIM_MAX_ENCLAVES; i++)
        s->is_calm = s->is_calm || s->calm.enclave[i];
    s->next_by_us = e->at_us + s->calm.first_us;
    s->nodes_at_us = e->at_us + s->calm.first_us + s->calm.settle_us;
}

static void broadcast(struct i4 *s, const struct sim_event *e)
{
    if (e->batch->number <= s->highest || e->batch->number - s->highest > MAX_GAP)
        return;
    while (s->n_at < e->batch->number) {
        s->at_us = sim_check_grow(s->at_us, s->n_at, &s->cap_at, sizeof(*s->at_us));
        s->at_us[s->n_at++] = 0;
    }
    s->highest = e->batch->number;
    s->at_us[s->highest - 1] = e->at_us;
    if (s->is_calm)
        s->next_by_us = e->at_us + s->calm.between_us;
}

static void see(void *state, const struct sim_event *e, struct sim_verdict *v)
{
    struct i4 *s = state;
    if (!s->setting->is_honest)
        return;
    look(s, e, v);
    if (e->kind == SIM_CALM && e->calm != NULL)
        begin(s, e);
    else if (e->kind == SIM_BROADCAST && e->batch != NULL)
        broadcast(s, e);
    else if (e->kind == SIM_NODE_TAKES && e->batch != NULL && e->who >= 0 && e->who < SIM_MAX_NODES)
        s->head[e->who] = e->batch->number;
}

const struct sim_checker sim_check_i4 = {
    .name = "I4", .title = "the service goes on", .make = make, .see = see, .drop = drop};
