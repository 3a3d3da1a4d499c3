/* SPDX-License-Identifier: Apache-2.0 */
/* I3: what is broadcast is durable first, and extends what was broadcast before, whatever crashed
 * in between. A batch that became durable just before a crash may never be broadcast as such:
 * subscribers ask for it. So what is durable may stand between two that are broadcast. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "check_line.h"

struct i3 {
    const struct sim_setting *setting;
    struct ts_map committed; /* hash → const struct sim_batch * */
    struct ts_map broadcast; /* hashes */
    uint64_t highest;        /* broadcast so far */
    ts_hash highest_hash;    /* the genesis hash at first */
};

static void *make(const struct sim_setting *setting)
{
    struct i3 *s = sim_check_memory(calloc(1, sizeof(*s)));
    s->setting = setting;
    s->highest_hash = setting->genesis->hash;
    ts_map_init(&s->committed, sizeof(ts_hash), sizeof(struct sim_batch *), sim_map_seed);
    ts_map_init(&s->broadcast, sizeof(ts_hash), 0, sim_map_seed);
    return s;
}

static void drop(void *state)
{
    struct i3 *s = state;
    ts_map_free(&s->committed);
    ts_map_free(&s->broadcast);
    free(s);
}

/* From b back over durable ones to the highest that was broadcast. */
static bool extends(const struct i3 *s, const struct sim_batch *b)
{
    while (b->number > s->highest + 1) {
        const struct sim_batch **parent = ts_map_get(&s->committed, &b->b->header.parent_hash);
        if (parent == NULL || (*parent)->number != b->number - 1)
            return false;
        b = *parent;
    }
    return b->number == s->highest + 1 &&
           ts_hash_equal(&b->b->header.parent_hash, &s->highest_hash);
}

static void broadcast(struct i3 *s, const struct sim_event *e, struct sim_verdict *v)
{
    const struct sim_batch *b = e->batch;
    bool is_new;
    sim_check_memory(ts_map_put(&s->broadcast, &b->hash, &is_new));
    if (!is_new)
        return;
    if (ts_map_get(&s->committed, &b->hash) == NULL)
        sim_violate(v, e, "I3", "batch %" PRIu64 " was broadcast before it was durably committed",
                    b->number);
    else if (!extends(s, b))
        sim_violate(v, e, "I3",
                    "batch %" PRIu64 " was broadcast after batch %" PRIu64
                    " and does not extend it",
                    b->number, s->highest);
    s->highest = b->number;
    s->highest_hash = b->hash;
}

static void see(void *state, const struct sim_event *e, struct sim_verdict *v)
{
    struct i3 *s = state;
    if (!s->setting->is_honest || e->batch == NULL)
        return;
    if (e->kind == SIM_COMMITTED) {
        const struct sim_batch **b =
            sim_check_memory(ts_map_put(&s->committed, &e->batch->hash, NULL));
        *b = e->batch;
    } else if (e->kind == SIM_BROADCAST) {
        broadcast(s, e, v);
    }
}

const struct sim_checker sim_check_i3 = {
    .name = "I3", .title = "durable before it is seen", .make = make, .see = see, .drop = drop};
