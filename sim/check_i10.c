/* SPDX-License-Identifier: Apache-2.0 */
/* I10: every batch of every line is by an enclave on the whitelist, as it is after the batch's own
 * notice. */
#include <stdlib.h>

#include "check_line.h"

struct i10 {
    struct sim_lines lines;
    struct sim_whitelist whitelist[SIM_LINES];
};

static void batch(void *state, unsigned line, const struct sim_batch *b, const struct sim_event *e,
                  struct sim_verdict *v)
{
    struct i10 *s = state;
    char where[SIM_WHERE_SIZE];
    char id[TS_ADDRESS_HEX_SIZE];
    bool changed;
    const ts_address *producer = &b->b->header.producer;
    sim_whitelist_fold(&s->whitelist[line], b->b, &changed); /* an ill-formed one is I6's */
    if (sim_whitelist_find(&s->whitelist[line], producer) < 0)
        sim_violate(v, e, "I10", "%s is by %s, which is not on the whitelist",
                    sim_where(line, b->number, where),
                    ts_hex(producer->b, sizeof(producer->b), id));
}

static void reset(void *state, unsigned line)
{
    struct i10 *s = state;
    sim_whitelist_init(&s->whitelist[line], s->lines.setting->genesis);
}

static void *make(const struct sim_setting *setting)
{
    struct i10 *s = sim_check_memory(calloc(1, sizeof(*s)));
    s->lines = (struct sim_lines){.setting = setting, .batch = batch, .reset = reset};
    for (unsigned i = 0; i < SIM_LINES; i++)
        reset(s, i);
    return s;
}

static void drop(void *state)
{
    struct i10 *s = state;
    sim_lines_free(&s->lines);
    free(s);
}

static void see(void *state, const struct sim_event *e, struct sim_verdict *v)
{
    sim_lines_see(&((struct i10 *)state)->lines, state, e, v);
}

const struct sim_checker sim_check_i10 = {.name = "I10",
                                          .title = "nobody outside the whitelist produces",
                                          .make = make,
                                          .see = see,
                                          .drop = drop};
