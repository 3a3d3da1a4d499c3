/* SPDX-License-Identifier: Apache-2.0 */
/* What world a seed draws: each is of its own kind (Groce et al., "Swarm Testing"), since a world
 * that has a little of everything hides what shows only with much of one thing. */
#include <string.h>

#include "base/check.h"
#include "operator.h"

static uint64_t one_of(struct sim_rng *r, const uint64_t *list, size_t n)
{
    return list[sim_below(r, n)];
}

#define ONE_OF(r, ...)                                                                             \
    one_of((r), (const uint64_t[]){__VA_ARGS__},                                                   \
           sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* Each node reaches the host, directly or over earlier ones; further peers are any. */
static void draw_peers(struct sim_options *o, struct sim_rng *r)
{
    for (unsigned i = 0; i < o->nodes; i++) {
        unsigned n = 0;
        o->peers[i][n++] = i == 0 || sim_chance(r, 60) ? SIM_HOST : (int)sim_below(r, i);
        while (n < SIM_MAX_PEERS && sim_chance(r, 45)) {
            int peer = (int)sim_below(r, o->nodes + 1) - 1;
            bool is_there = peer == (int)i;
            for (unsigned k = 0; k < n; k++)
                is_there = is_there || o->peers[i][k] == peer;
            if (!is_there)
                o->peers[i][n++] = peer;
        }
        o->n_peers[i] = n;
        o->validator[i] = sim_chance(r, 20);
    }
}

static void draw_network(struct sim_options *o, struct sim_rng *r)
{
    o->link_us = ONE_OF(r, 20, 50, 200, 1000, 5000, 20000);
    o->feed_us = ONE_OF(r, 100, 1000, 10000, 50000, 150000);
    o->disk_us = ONE_OF(r, 50, 500, 3000, 10000);
    o->restart_us = ONE_OF(r, 50 * SIM_MS, 300 * SIM_MS, SIM_S, 5 * SIM_S);
    o->snapshot_us = ONE_OF(r, SIM_MS, 20 * SIM_MS, 300 * SIM_MS);
    o->skew_ms = ONE_OF(r, 0, 0, 5, 500, 5000);
}

static void draw_params(struct sim_options *o, struct sim_rng *r)
{
    o->interval_us = ONE_OF(r, 20, 50, 100, 200, 1000) * SIM_MS;
    o->report_every = ONE_OF(r, 1, 1, 1, 2, 5, 10);
    o->max_report_lag = ONE_OF(r, 1, 2, 4, 8, 16);
    o->max_batch_bytes = ONE_OF(r, 0, 0, 0, 32 * 1024);
    o->batch_gas_limit = ONE_OF(r, 0, 0, 210000);
    o->commit_quorum = ONE_OF(r, 0, 0, 1, 2);
    o->snapshot_every = ONE_OF(r, 0, 20, 50, 200);
    o->dispute_hold_us = ONE_OF(r, 0, 0, 2 * SIM_S);
    o->pool_max_txs = ONE_OF(r, 0, 0, 0, 40);
    o->tx_us = ONE_OF(r, 0, 5, 50, 500) * SIM_MS;
    o->burst = (unsigned)ONE_OF(r, 1, 1, 4, 12);
    o->odd_percent = (unsigned)ONE_OF(r, 0, 0, 5, 20);
}

/* A corrupted build is noticed by the others: they must be there. */
static void draw_corruption(struct sim_options *o, struct sim_rng *r)
{
    memset(o->weight, 0, sizeof(o->weight));
    o->weight[SIM_F_break_engine] = 10;
    o->weight[SIM_F_mend_engine] = 5;
    o->weight[SIM_F_order_switch] = 10; /* who executes wrongly is found out soon, as a passive */
    o->weight[SIM_F_kill_node] = 2;
    o->weight[SIM_F_noise_feed] = 2;
    /* A dispute that the host's disk or a crash of the host interrupts. */
    o->weight[SIM_F_disk_full] = o->weight[SIM_F_disk_doubt] = (unsigned)ONE_OF(r, 0, 5);
    o->weight[SIM_F_kill_host] = o->weight[SIM_F_cut_host_short] = (unsigned)ONE_OF(r, 0, 3);
    if (o->enclaves < 3)
        o->enclaves = 3;
    o->commit_quorum = 0;
    if (o->fault_us == 0)
        o->fault_us = SIM_S;
    if (o->tx_us == 0 || o->tx_us > o->interval_us)
        o->tx_us = o->interval_us; /* discarded batches hold transactions */
}

static void draw_faults(struct sim_options *o, struct sim_rng *r)
{
    o->fault_us = ONE_OF(r, 0, 200, 1000, 1000, 5000, 20000) * SIM_MS;
    /* Most kinds are left out of most worlds. */
    unsigned there = (unsigned)ONE_OF(r, 10, 30, 60, 100);
    for (unsigned i = 0; i < SIM_F_l1_down; i++)
        if (sim_chance(r, there))
            o->weight[i] = (unsigned)ONE_OF(r, 1, 1, 3, 10);
    o->weight[SIM_F_break_engine] = o->weight[SIM_F_mend_engine] = 0;
    if (sim_chance(r, 12))
        draw_corruption(o, r);
}

static void draw_l1_faults(struct sim_options *o, struct sim_rng *r)
{
    unsigned there = (unsigned)ONE_OF(r, 20, 50, 100);
    bool is_governed = o->weight[SIM_F_break_engine] == 0; /* else who is wrong may be left alone */
    for (unsigned i = SIM_F_l1_down; i < SIM_F_l1_roll_back; i++)
        if (sim_chance(r, there) && (is_governed || i < SIM_F_l1_grant))
            o->weight[i] = (unsigned)ONE_OF(r, 1, 3, 10);
    if (o->fault_us == 0 && sim_chance(r, 50)) /* else a world where L1 is all that happens */
        memset(o->weight, 0, sizeof(o->weight));
    else if (o->fault_us == 0 || o->fault_us > 2 * SIM_S)
        o->fault_us = 2 * SIM_S;
}

/* From a stream of its own: the other worlds are what they were. */
static void draw_l1(struct sim_options *o)
{
    struct sim_l1_options *l = &o->l1;
    struct sim_rng r = {o->seed ^ UINT64_C(0x6c31)};
    (void)sim_next(&r);
    if (!sim_chance(&r, 33))
        return;
    l->is_there = true;
    l->goes_back = sim_chance(&r, 6);
    l->number = sim_between(&r, 0, 200);
    l->block_us = ONE_OF(&r, 500, 1000, 1000, 2000, 4000) * SIM_MS;
    l->node_us = ONE_OF(&r, 1, 10, 100) * SIM_MS;
    l->confirmations = ONE_OF(&r, 1, 2, 2, 3, 5);
    for (unsigned i = 0; i < SIM_MAX_NODES; i++)
        l->of_node[i] =
            l->confirmations + ONE_OF(&r, 0, 0, 0, 1, 3); /* fewer: docs/simulation.md */
    l->poll_us = ONE_OF(&r, 200, 500, 1000) * SIM_MS;
    l->save_us = ONE_OF(&r, 1, 10) * SIM_S;
    l->stuck_us = ONE_OF(&r, 5, 20) * SIM_S;
    l->rollup_batches = ONE_OF(&r, 10, 40, 10000);
    l->rollup_bytes = ONE_OF(&r, 110000, 110000, 30000);
    l->rollup_us = ONE_OF(&r, 5, 10, 20) * SIM_S;
    l->spares = (unsigned)ONE_OF(&r, 0, 1, 1, 2, 3);
    l->replaces = sim_chance(&r, 50);
    if (o->enclaves + l->spares > SIM_MAX_WHITELIST)
        l->spares = SIM_MAX_WHITELIST - o->enclaves;
    o->enclaves += l->spares;
    if (o->interval_us < 200 * SIM_MS)
        o->interval_us = 200 * SIM_MS;
    /* One rollup at a time is on its way: what they hold bounds what can be sent. */
    if (o->tx_us != 0 && o->tx_us < 500 * SIM_MS)
        o->tx_us = 500 * SIM_MS;
    draw_l1_faults(o, &r);
    if (o->weight[SIM_F_clock_jump] == 0 && sim_chance(&r, 30))
        l->max_age_ms = 40 * l->block_us / 1000 + 60000;
    if (o->fault_us != 0 && sim_chance(&r, 50)) /* the last draw: the others are what they were */
        o->weight[SIM_F_l1_roll_back] = (unsigned)ONE_OF(&r, 3, 10, 30);
}

void sim_draw(struct sim_options *o)
{
    struct sim_rng r = {o->seed};
    (void)sim_next(&r);
    o->enclaves = (unsigned)ONE_OF(&r, 1, 2, 2, 3, 3, 3, 4, 5, 5, 7, 9);
    o->nodes = (unsigned)ONE_OF(&r, 1, 1, 2, 3, 3, 4, 8);
    draw_peers(o, &r);
    draw_network(o, &r);
    draw_params(o, &r);
    draw_faults(o, &r);
    if (o->interval_us < 4 * o->link_us)
        o->interval_us = 200 * SIM_MS;
    if (o->commit_quorum > o->enclaves - 1 && o->enclaves > 1)
        o->commit_quorum = o->enclaves - 1;
    draw_l1(o);
}

/* ---- worlds with a lying operator ---- */

/* Nodes see each other: what one is shown, others come to see. The first two follow the host. */
static void draw_open_peers(struct sim_options *o, struct sim_rng *r)
{
    for (unsigned i = 0; i < o->nodes; i++) {
        unsigned n = 0;
        if (i < 2 || sim_chance(r, 50))
            o->peers[i][n++] = SIM_HOST;
        if (i > 0)
            o->peers[i][n++] = (int)sim_below(r, i);
        o->n_peers[i] = n;
        o->validator[i] = sim_chance(r, 20);
    }
}

static void draw_rare_faults(struct sim_options *o, struct sim_rng *r)
{
    static const enum sim_fault of_enclaves[] = {SIM_F_kill_enclave,   SIM_F_leave_enclave,
                                                 SIM_F_freeze_enclave, SIM_F_cut_link,
                                                 SIM_F_kill_host,      SIM_F_freeze_host};
    static const enum sim_fault of_nodes[] = {SIM_F_kill_node, SIM_F_freeze_node, SIM_F_cut_feed};
    o->fault_us = ONE_OF(r, 0, 2, 5, 15) * SIM_S;
    memset(o->weight, 0, sizeof(o->weight));
    o->weight[SIM_F_slow_link] = o->weight[SIM_F_disk_slow] = 1;
    for (size_t i = 0; i < TS_COUNT(of_enclaves) && !o->op->steady_enclaves; i++)
        o->weight[of_enclaves[i]] = 1;
    for (size_t i = 0; i < TS_COUNT(of_nodes) && !o->op->steady_nodes; i++)
        o->weight[of_nodes[i]] = 1;
}

static void at_least(unsigned *n, unsigned min)
{
    if (*n < min)
        *n = min;
}

/* Nobody but a governance that is asked to changes the list. */
static void draw_lie_l1(struct sim_options *o, struct sim_rng *r)
{
    struct sim_l1_options *l = &o->l1;
    l->is_there = true;
    l->number = sim_between(r, 0, 200);
    l->block_us = ONE_OF(r, 300, 500) * SIM_MS;
    l->node_us = ONE_OF(r, 1, 10, 50) * SIM_MS;
    l->confirmations = ONE_OF(r, 1, 2, 3);
    for (unsigned i = 0; i < SIM_MAX_NODES; i++)
        l->of_node[i] = l->confirmations + ONE_OF(r, 0, 0, 1);
    l->poll_us = ONE_OF(r, 200, 500) * SIM_MS;
    l->save_us = ONE_OF(r, 1, 10) * SIM_S;
    l->stuck_us = 5 * SIM_S;
    l->rollup_batches = ONE_OF(r, 10, 40);
    l->rollup_bytes = 110000;
    l->rollup_us = ONE_OF(r, 5, 10) * SIM_S;
    l->max_age_ms = o->op->max_l1_age_ms;
    l->spares = o->op->spares;
    o->enclaves += l->spares;
    for (unsigned i = SIM_F_l1_down; i < SIM_F_l1_grant; i++)
        o->weight[i] = 1;
    for (unsigned i = 0; i < o->nodes; i++)
        if (o->peers[i][0] != SIM_HOST)
            o->peers[i][o->n_peers[i]++] = SIM_HOST;
}

void sim_draw_lie(struct sim_options *o)
{
    struct sim_rng r = {o->seed};
    (void)sim_next(&r);
    o->enclaves = (unsigned)sim_between(&r, 2, 7);
    o->nodes = (unsigned)sim_between(&r, 1, 6);
    at_least(&o->enclaves, o->op->min_enclaves);
    at_least(&o->nodes, o->op->min_nodes);
    draw_open_peers(o, &r);
    draw_network(o, &r);
    o->link_us = ONE_OF(&r, 20, 200, 2000);
    o->feed_us = ONE_OF(&r, 100, 1000, 10000);
    o->disk_us = ONE_OF(&r, 50, 500, 3000);
    o->restart_us = ONE_OF(&r, 50, 300) * SIM_MS;
    o->interval_us = ONE_OF(&r, 200, 500, 1000) * SIM_MS;
    o->report_every = ONE_OF(&r, 1, 1, 2, 3);
    o->max_report_lag = ONE_OF(&r, 1, 2, 4);
    if (o->max_report_lag < o->op->min_lag)
        o->max_report_lag = o->op->min_lag;
    o->snapshot_every = o->op->checkpoints ? 20 : ONE_OF(&r, 0, 20);
    o->tx_us = ONE_OF(&r, 0, 500) * SIM_MS;
    o->burst = 2;
    draw_rare_faults(o, &r);
    o->batches = 60;
    if (o->op->has_l1)
        draw_lie_l1(o, &r);
}
