/* SPDX-License-Identifier: Apache-2.0 */
/* I4 on L1: once the world is calm every batch comes to be in a confirmed rollup, and every node
 * has looked at it, within the bounds of struct sim_calm. What governance takes back counts as
 * never brought: the batches wait from then on, and no node goes on with its verdicts on it. */
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
    uint64_t *at_us; /* of the commit of batch n at n - 1, or of the block that took it back */
    size_t n, cap;
    uint64_t back_us; /* rollups were taken back last */
    struct verdicts {
        uint64_t *last; /* of each rollup that it has a verdict on, ascending */
        size_t n, cap;
    } of[SIM_MAX_NODES];
};

/* The last batch of the newest one. */
static uint64_t looked_at(const struct verdicts *x)
{
    return x->n > 0 ? x->last[x->n - 1] : 0;
}

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
    for (unsigned i = 0; i < SIM_MAX_NODES; i++)
        free(s->of[i].last);
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
        if (s->calm.node[i] &&
            is_late(s, looked_at(&s->of[i]), 2 * s->calm.rollup_us, e->at_us, &since))
            sim_violate(v, e, "I4",
                        "node %u has looked at no rollup of batch %" PRIu64 " after %" PRIu64
                        " ms; it should have within %" PRIu64 " ms",
                        i, looked_at(&s->of[i]) + 1, since / 1000, 2 * s->calm.rollup_us / 1000);
}

static void committed(struct progress *s, const struct sim_event *e)
{
    if (e->batch->number != s->n + 1)
        return;
    s->at_us = sim_check_grow(s->at_us, s->n, &s->cap, sizeof(*s->at_us));
    s->at_us[s->n++] = e->at_us;
}

/* ---- what is taken back ---- */

static void taken_back(struct progress *s, const struct sim_event *e)
{
    for (size_t i = 0; i < e->l1->n_taken_back; i++) {
        s->back_us = e->at_us;
        for (uint64_t number = e->l1->taken_back[i].first; number <= s->n; number++)
            s->at_us[number - 1] = e->at_us;
    }
}

static void looks(struct verdicts *x, uint64_t last)
{
    while (x->n > 0 && x->last[x->n - 1] >= last)
        x->n--;
    x->last = sim_check_grow(x->last, x->n, &x->cap, sizeof(*x->last));
    x->last[x->n++] = last;
}

static void drops(struct verdicts *x, uint64_t from)
{
    while (x->n > 0 && x->last[x->n - 1] >= from)
        x->n--;
}

/* Whether a rollup of the contract ends there, as L1 is now. */
static bool is_on_l1(const struct progress *s, uint64_t last)
{
    const struct sim_l1_block *b = s->l1.n > 0 ? s->l1.line[s->l1.n - 1] : NULL;
    uint64_t below = UINT64_MAX; /* rollups further back count up to here */
    for (; b != NULL; b = sim_l1_seen_by(&s->l1, &b->parent)) {
        for (size_t i = 0; i < b->n_rollups; i++)
            if (b->rollups[i].rollup.last_number == last && last < below)
                return true;
        for (size_t i = 0; i < b->n_taken_back; i++)
            below = b->taken_back[i].first < below ? b->taken_back[i].first : below;
    }
    return false;
}

/* They are told in order: who has a verdict on one that counts has heard of all that was taken back
 * before it. So has everyone when there was time enough. */
static bool has_heard(const struct progress *s, const struct verdicts *x, uint64_t now)
{
    return now > s->back_us + 2 * s->calm.rollup_us || (x->n > 0 && is_on_l1(s, looked_at(x)));
}

static void over(struct progress *s, const struct sim_event *e, struct sim_verdict *v)
{
    for (unsigned i = 0; i < s->setting->n_nodes; i++) {
        const struct verdicts *x = &s->of[i];
        for (size_t k = 0; has_heard(s, x, e->at_us) && k < x->n; k++)
            if (!is_on_l1(s, x->last[k]))
                sim_violate(v, e, "I4",
                            "node %u has a verdict on a rollup that ends at %" PRIu64
                            ", and the contract has none",
                            i, x->last[k]);
    }
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
    else if (e->kind == SIM_L1_BLOCK && e->l1 != NULL)
        taken_back(s, e);
    else if (e->kind == SIM_NODE_ROLLUP && e->who >= 0 && e->who < SIM_MAX_NODES)
        looks(&s->of[e->who], e->number);
    else if (e->kind == SIM_NODE_ROLLUPS_BACK && e->who >= 0 && e->who < SIM_MAX_NODES)
        drops(&s->of[e->who], e->number);
    else if (e->kind == SIM_OVER && s->is_calm)
        over(s, e, v);
}

const struct sim_checker sim_check_i4_rollups = {
    .name = "I4", .title = "batches come to be in rollups", .make = make, .see = see, .drop = drop};
