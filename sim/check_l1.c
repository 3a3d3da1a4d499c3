/* SPDX-License-Identifier: Apache-2.0 */
#include "check_l1.h"

#include <stdlib.h>

void sim_l1_seen_init(struct sim_l1_seen *s)
{
    *s = (struct sim_l1_seen){.n = 0};
    ts_map_init(&s->by_hash, sizeof(ts_hash), sizeof(const struct sim_l1_block *), sim_map_seed);
}

void sim_l1_seen_free(struct sim_l1_seen *s)
{
    ts_map_free(&s->by_hash);
    free(s->line);
}

static void cut(struct sim_l1_seen *s, uint64_t number)
{
    while (s->n > 0 && s->line[s->n - 1]->number > number)
        s->n--;
}

void sim_l1_seen_event(struct sim_l1_seen *s, const struct sim_event *e)
{
    if (e->kind == SIM_L1_REORG)
        cut(s, e->number);
    if (e->kind != SIM_L1_BLOCK || e->l1 == NULL)
        return;
    const struct sim_l1_block **b = sim_check_memory(ts_map_put(&s->by_hash, e->l1->hash.b, NULL));
    *b = e->l1;
    s->line = sim_check_grow(s->line, s->n, &s->cap, sizeof(*s->line));
    s->line[s->n++] = e->l1;
}

const struct sim_l1_block *sim_l1_seen_by(const struct sim_l1_seen *s, const ts_hash *hash)
{
    const struct sim_l1_block **b = ts_map_get(&s->by_hash, hash->b);
    return b != NULL ? *b : NULL;
}

const struct sim_l1_block *sim_l1_seen_at(const struct sim_l1_seen *s, uint64_t number)
{
    if (s->n == 0 || number < s->line[0]->number || number - s->line[0]->number >= s->n)
        return NULL;
    return s->line[number - s->line[0]->number];
}

uint64_t sim_l1_rolled_up(const struct sim_l1_seen *s, const struct sim_l1_block *block)
{
    for (; block != NULL; block = sim_l1_seen_by(s, &block->parent)) {
        if (block->n_rollups > 0)
            return block->rollups[block->n_rollups - 1].rollup.last_number;
        if (block->n_taken_back > 0)
            return block->taken_back[block->n_taken_back - 1].first - 1;
    }
    return 0;
}

bool sim_l1_goes_back(const struct sim_event *e, const struct sim_batch *newest)
{
    return e->kind == SIM_L1_REORG && newest != NULL && newest->b->header.l1_number > e->number;
}
