/* SPDX-License-Identifier: Apache-2.0 */
/* I5: in every line each term has one producer, whose Active takes effect at or before the first
 * batch of the term, and terms never fall. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "check_line.h"

struct active {
    uint64_t term;
    ts_address enclave;
    uint32_t zero; /* no padding in a key */
};

struct line {
    uint64_t term; /* of the newest batch; 0: none */
    ts_address producer;
    struct ts_map actives; /* struct active: those that stood at the right place to take effect */
};

struct i5 {
    struct sim_lines lines;
    struct line of[SIM_LINES];
};

static void take_actives(struct line *l, const struct ts_batch *b)
{
    for (size_t i = 0; i < b->payload.n_transitions; i++) {
        const struct ts_lifecycle_event *t = &b->payload.transitions[i];
        if (t->kind != TS_ACTIVE || !ts_hash_equal(&t->batch_head, &b->header.parent_hash))
            continue;
        struct active key = {.term = t->term, .enclave = t->enclave_id};
        sim_check_memory(ts_map_put(&l->actives, &key, NULL));
    }
}

static void batch(void *state, unsigned line, const struct sim_batch *b, const struct sim_event *e,
                  struct sim_verdict *v)
{
    struct i5 *s = state;
    struct line *l = &s->of[line];
    const struct ts_batch_header *h = &b->b->header;
    char where[SIM_WHERE_SIZE];
    take_actives(l, b->b);
    if (h->term == l->term && h->term != 0) {
        if (!ts_address_equal(&h->producer, &l->producer))
            sim_violate(v, e, "I5",
                        "%s is by another enclave than the one before, in one term: %" PRIu64,
                        sim_where(line, b->number, where), h->term);
        return;
    }
    struct active key = {.term = h->term, .enclave = h->producer};
    if (h->term < l->term)
        sim_violate(v, e, "I5", "%s has term %" PRIu64 " after term %" PRIu64 "; terms never fall",
                    sim_where(line, b->number, where), h->term, l->term);
    else if (ts_map_get(&l->actives, &key) == NULL)
        sim_violate(v, e, "I5",
                    "%s begins term %" PRIu64
                    ", and no Active of its producer with that term took effect by then",
                    sim_where(line, b->number, where), h->term);
    l->term = h->term;
    l->producer = h->producer;
}

static void reset(void *state, unsigned line)
{
    struct line *l = &((struct i5 *)state)->of[line];
    l->term = 0;
    ts_map_clear(&l->actives);
}

static void *make(const struct sim_setting *setting)
{
    struct i5 *s = sim_check_memory(calloc(1, sizeof(*s)));
    s->lines = (struct sim_lines){.setting = setting, .batch = batch, .reset = reset};
    for (size_t i = 0; i < SIM_LINES; i++)
        ts_map_init(&s->of[i].actives, sizeof(struct active), 0, sim_map_seed);
    return s;
}

static void drop(void *state)
{
    struct i5 *s = state;
    for (size_t i = 0; i < SIM_LINES; i++)
        ts_map_free(&s->of[i].actives);
    sim_lines_free(&s->lines);
    free(s);
}

static void see(void *state, const struct sim_event *e, struct sim_verdict *v)
{
    sim_lines_see(&((struct i5 *)state)->lines, state, e, v);
}

const struct sim_checker sim_check_i5 = {
    .name = "I5", .title = "one producer for each term", .make = make, .see = see, .drop = drop};
