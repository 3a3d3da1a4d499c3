/* SPDX-License-Identifier: Apache-2.0 */
/* I10: every batch of every line is by an enclave on the whitelist, as it is after the batch's own
 * notice; and with L1 that whitelist is the contract's after the block that the batch names, which
 * L1 has or had. */
#include <inttypes.h>
#include <stdlib.h>

#include "check_l1.h"

struct i10 {
    struct sim_lines lines;
    struct sim_l1_seen l1;
    struct sim_whitelist whitelist[SIM_LINES];
};

static const char *l1_wrong(const struct i10 *s, const struct sim_whitelist *list,
                            const struct sim_batch *b)
{
    const struct sim_l1_block *l1 = sim_l1_seen_by(&s->l1, &b->b->header.l1_hash);
    if (l1 == NULL || l1->number != b->b->header.l1_number)
        return "names a block that L1 never had";
    if (list->n != l1->n_whitelist)
        return "leaves another whitelist than L1's after the block it names";
    for (size_t i = 0; i < list->n; i++)
        if (sim_whitelist_find(list, &l1->whitelist[i]) < 0)
            return "leaves another whitelist than L1's after the block it names";
    return NULL;
}

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
    const char *wrong = s->lines.setting->has_l1 ? l1_wrong(s, &s->whitelist[line], b) : NULL;
    if (wrong != NULL)
        sim_violate(v, e, "I10", "%s %s", sim_where(line, b->number, where), wrong);
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
    sim_l1_seen_init(&s->l1);
    for (unsigned i = 0; i < SIM_LINES; i++)
        reset(s, i);
    return s;
}

static void drop(void *state)
{
    struct i10 *s = state;
    sim_lines_free(&s->lines);
    sim_l1_seen_free(&s->l1);
    free(s);
}

static void see(void *state, const struct sim_event *e, struct sim_verdict *v)
{
    struct i10 *s = state;
    sim_l1_seen_event(&s->l1, e);
    sim_lines_see(&s->lines, s, e, v);
}

const struct sim_checker sim_check_i10 = {.name = "I10",
                                          .title = "nobody outside the whitelist produces",
                                          .make = make,
                                          .see = see,
                                          .drop = drop};
