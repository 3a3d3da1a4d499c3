/* SPDX-License-Identifier: Apache-2.0 */
/* I1: an honest host never broadcasts two seals for one number that differ in batch hash or
 * protocol root; and its disk never has two committed batches of one number. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "check_line.h"

struct at_number {
    const struct sim_batch *broadcast, *committed;
};

struct i1 {
    const struct sim_setting *setting;
    struct ts_map numbers; /* uint64_t → struct at_number */
};

static void *make(const struct sim_setting *setting)
{
    struct i1 *s = sim_check_memory(calloc(1, sizeof(*s)));
    s->setting = setting;
    ts_map_init(&s->numbers, sizeof(uint64_t), sizeof(struct at_number), sim_map_seed);
    return s;
}

static void drop(void *state)
{
    struct i1 *s = state;
    ts_map_free(&s->numbers);
    free(s);
}

static void hold(const struct sim_batch **held, const struct sim_batch *b,
                 const struct sim_event *e, struct sim_verdict *v, const char *what)
{
    if (*held == NULL)
        *held = b;
    if (!ts_hash_equal(&(*held)->hash, &b->hash))
        sim_violate(v, e, "I1", "two batches with number %" PRIu64 " were %s; one may be",
                    b->number, what);
    else if (!sim_same_batch(*held, b))
        sim_violate(v, e, "I1", "batch %" PRIu64 " was %s with two protocol payloads; one may be",
                    b->number, what);
}

static void see(void *state, const struct sim_event *e, struct sim_verdict *v)
{
    struct i1 *s = state;
    if (!s->setting->is_honest || e->batch == NULL ||
        (e->kind != SIM_BROADCAST && e->kind != SIM_COMMITTED))
        return;
    struct at_number *n = sim_check_memory(ts_map_put(&s->numbers, &e->batch->number, NULL));
    if (e->kind == SIM_BROADCAST)
        hold(&n->broadcast, e->batch, e, v, "broadcast");
    else
        hold(&n->committed, e->batch, e, v, "committed");
}

const struct sim_checker sim_check_i1 = {
    .name = "I1", .title = "one batch for each number", .make = make, .see = see, .drop = drop};
