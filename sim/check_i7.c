/* SPDX-License-Identifier: Apache-2.0 */
/* I7: in every line each enclave's transitions are one chain: 1, 2, 3, …, each naming the hash of
 * the one before; and each boot begins with a Started of its own. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "check_line.h"
#include "tenseq/verify.h"

struct tip {
    uint64_t seq; /* 0: none yet */
    ts_hash hash;
    ts_hash boot_id;
};

struct boot {
    ts_address enclave;
    ts_hash boot_id;
};

struct line {
    struct ts_map tips;  /* ts_address → struct tip */
    struct ts_map boots; /* struct boot */
};

struct i7 {
    struct sim_lines lines;
    struct line of[SIM_LINES];
};

static const char *link_wrong(const struct i7 *s, const struct tip *tip,
                              const struct ts_lifecycle_event *t)
{
    const ts_hash *prev = tip->seq == 0 ? &s->lines.setting->genesis->hash : &tip->hash;
    if (t->seq != tip->seq + 1)
        return "is not numbered one above the one before";
    return ts_hash_equal(&t->prev, prev) ? NULL : "does not name the hash of the one before";
}

static const char *boot_wrong(struct line *l, const struct tip *tip,
                              const struct ts_lifecycle_event *t)
{
    struct boot key = {t->enclave_id, t->boot_id};
    bool is_new;
    if (t->kind != TS_STARTED)
        return tip->seq != 0 && ts_hash_equal(&tip->boot_id, &t->boot_id)
                   ? NULL
                   : "is of a boot that did not begin with Started";
    sim_check_memory(ts_map_put(&l->boots, &key, &is_new));
    return is_new ? NULL : "is a second Started of one boot";
}

static void transition(struct i7 *s, unsigned line, const struct sim_batch *b,
                       const struct ts_lifecycle_event *t, const struct sim_event *e,
                       struct sim_verdict *v)
{
    struct line *l = &s->of[line];
    char where[SIM_WHERE_SIZE];
    struct tip *tip = sim_check_memory(ts_map_put(&l->tips, &t->enclave_id, NULL));
    const char *wrong = link_wrong(s, tip, t);
    if (wrong == NULL)
        wrong = boot_wrong(l, tip, t);
    if (wrong != NULL)
        sim_violate(v, e, "I7",
                    "transition %" PRIu64 " of an enclave in %s %s; the one before is %" PRIu64,
                    t->seq, sim_where(line, b->number, where), wrong, tip->seq);
    tip->seq = t->seq;
    tip->boot_id = t->boot_id;
    ts_transition_hash(&s->lines.setting->genesis->domain, t, &tip->hash);
}

static void batch(void *state, unsigned line, const struct sim_batch *b, const struct sim_event *e,
                  struct sim_verdict *v)
{
    for (size_t i = 0; i < b->b->payload.n_transitions; i++)
        transition(state, line, b, &b->b->payload.transitions[i], e, v);
}

static void reset(void *state, unsigned line)
{
    struct line *l = &((struct i7 *)state)->of[line];
    ts_map_clear(&l->tips);
    ts_map_clear(&l->boots);
}

static void *make(const struct sim_setting *setting)
{
    struct i7 *s = sim_check_memory(calloc(1, sizeof(*s)));
    s->lines = (struct sim_lines){.setting = setting, .batch = batch, .reset = reset};
    for (size_t i = 0; i < SIM_LINES; i++) {
        ts_map_init(&s->of[i].tips, sizeof(ts_address), sizeof(struct tip), sim_map_seed);
        ts_map_init(&s->of[i].boots, sizeof(struct boot), 0, sim_map_seed);
    }
    return s;
}

static void drop(void *state)
{
    struct i7 *s = state;
    for (size_t i = 0; i < SIM_LINES; i++) {
        ts_map_free(&s->of[i].tips);
        ts_map_free(&s->of[i].boots);
    }
    sim_lines_free(&s->lines);
    free(s);
}

static void see(void *state, const struct sim_event *e, struct sim_verdict *v)
{
    sim_lines_see(&((struct i7 *)state)->lines, state, e, v);
}

const struct sim_checker sim_check_i7 = {
    .name = "I7", .title = "transitions are one chain", .make = make, .see = see, .drop = drop};
