/* SPDX-License-Identifier: Apache-2.0 */
/* What befalls L1 and the L1 nodes, what governance does, and how both end. */
#include <inttypes.h>

#include "base/check.h"
#include "l1.h"

static uint64_t some_time(struct sim_world *w)
{
    static const uint64_t mean[] = {300 * SIM_MS, 2 * SIM_S, 8 * SIM_S, 25 * SIM_S};
    return 1 + sim_about(&w->fault_rng, mean[sim_below(&w->fault_rng, 4)]);
}

static int any_party(struct sim_world *w)
{
    return (int)sim_below(&w->fault_rng, w->o.nodes + 1) - 1;
}

/* ---- L1 nodes ---- */

static struct sim_l1_party *strike(struct sim_world *w, const char *what, uint64_t *until)
{
    int who = any_party(w);
    uint64_t us = some_time(w);
    *until = w->now + us;
    sim_tell_fault(w, who, "the L1 node of %s %s for %" PRIu64 " ms",
                   who == SIM_HOST ? "the host" : "node", what, us / 1000);
    return sim_l1_party(w, who);
}

void sim_l1_down(struct sim_world *w)
{
    uint64_t until = 0;
    strike(w, "is down", &until)->down_until = until;
}

void sim_l1_lag(struct sim_world *w)
{
    uint64_t until = 0;
    struct sim_l1_party *p = strike(w, "shows no new block", &until);
    if (p->view == NULL || w->now >= p->lag_until)
        p->view = w->l1->tip;
    p->lag_until = until;
}

void sim_l1_slow(struct sim_world *w)
{
    uint64_t until = 0;
    strike(w, "answers late", &until)->slow_until = until;
}

/* ---- L1 itself ---- */

/* Newest blocks that count as confirmed nowhere where the host could have seen it. */
void sim_l1_reorg(struct sim_world *w)
{
    const struct sim_l1 *l = w->l1;
    uint64_t stays = l->highest - (w->o.l1.confirmations - 1);
    uint64_t most = l->tip->told.number > stays ? l->tip->told.number - stays : 0;
    if (l->highest < w->o.l1.number + w->o.l1.confirmations || most == 0)
        return;
    uint64_t depth = 1 + sim_below(&w->fault_rng, most);
    sim_tell_fault(w, SIM_HOST, "L1 replaces its newest %" PRIu64 " blocks", depth);
    sim_l1_back(w, depth, depth > 1 && sim_chance(&w->fault_rng, 30));
}

void sim_l1_slow_blocks(struct sim_world *w)
{
    w->l1->slow_until = w->now + some_time(w);
    sim_tell_fault(w, SIM_HOST, "L1 makes its blocks slowly");
}

void sim_l1_tx_lost(struct sim_world *w)
{
    struct sim_l1 *l = w->l1;
    sim_tell_fault(w, SIM_HOST, "L1 forgets the transactions that wait");
    for (size_t i = 0; i < l->n_txs; i++)
        l->txs[i].is_queued = false;
    l->n_gov = 0;
}

void sim_l1_fees(struct sim_world *w)
{
    w->l1->fees_until = w->now + some_time(w);
    sim_tell_fault(w, SIM_HOST, "L1's fees rise");
}

/* ---- governance ---- */

static unsigned count(uint32_t list)
{
    unsigned n = 0;
    for (; list != 0; list &= list - 1)
        n++;
    return n;
}

/* One of the host's that is listed or not; -1: none. */
static int pick(struct sim_world *w, uint32_t list, bool listed)
{
    unsigned from = (unsigned)sim_below(&w->fault_rng, w->o.enclaves);
    for (unsigned k = 0; k < w->o.enclaves; k++) {
        unsigned i = (from + k) % w->o.enclaves;
        if ((list >> i & 1) == listed)
            return (int)i;
    }
    return -1;
}

static void govern(struct sim_world *w, unsigned i, bool grant)
{
    sim_tell_fault(w, (int)i, "governance %s the enclave", grant ? "grants" : "revokes");
    sim_l1_act(w, i, grant);
}

void sim_l1_grant(struct sim_world *w)
{
    int i = pick(w, sim_l1_list_to_be(w), false);
    if (i >= 0)
        govern(w, (unsigned)i, true);
}

/* The last one seldom: until another is granted nobody produces. */
static void revoke(struct sim_world *w, int i)
{
    uint32_t list = sim_l1_list_to_be(w);
    if (i < 0 || (list >> i & 1) == 0 || (count(list) == 1 && !sim_chance(&w->fault_rng, 5)))
        return;
    govern(w, (unsigned)i, false);
}

void sim_l1_revoke(struct sim_world *w)
{
    revoke(w, pick(w, sim_l1_list_to_be(w), true));
}

void sim_l1_revoke_active(struct sim_world *w)
{
    for (unsigned i = 0; i < w->o.enclaves; i++)
        if (w->enclaves[i].core != NULL &&
            ts_enclave_state_of(w->enclaves[i].core) == TS_ENC_ACTIVE) {
            revoke(w, (int)i);
            return;
        }
}

void sim_l1_replace_all(struct sim_world *w)
{
    uint32_t list = sim_l1_list_to_be(w);
    if (pick(w, list, false) < 0)
        return;
    for (unsigned i = 0; i < w->o.enclaves; i++)
        govern(w, i, (list >> i & 1) == 0);
}

/* Mostly a few, sometimes all there are. */
void sim_l1_roll_back(struct sim_world *w)
{
    uint64_t most = sim_chance(&w->fault_rng, 10) ? UINT64_MAX : 1 + sim_below(&w->fault_rng, 3);
    if (sim_l1_act_back(w, most))
        sim_tell_fault(w, SIM_HOST, "governance takes the newest rollups back");
}

/* ---- the second phase ---- */

void sim_l1_faults_end(struct sim_world *w)
{
    struct sim_l1 *l = w->l1;
    if (l == NULL)
        return;
    l->slow_until = l->fees_until = 0;
    for (unsigned i = 0; i < SIM_L1_PARTIES; i++)
        l->party[i].down_until = l->party[i].lag_until = l->party[i].slow_until = 0;
}

uint64_t sim_l1_time(const struct sim_world *w)
{
    const struct sim_l1_options *o = &w->o.l1;
    uint64_t most = o->confirmations;
    if (!o->is_there)
        return 0;
    for (unsigned i = 0; i < w->o.nodes; i++)
        most = o->of_node[i] > most ? o->of_node[i] : most;
    return (most + 4) * (2 * o->block_us + o->poll_us) + 40 * o->node_us;
}

void sim_l1_calm(struct sim_world *w, struct sim_calm *c)
{
    int chosen = -1;
    bool has_one = false;
    if (w->l1 == NULL)
        return;
    uint32_t list = sim_l1_list_to_be(w);
    for (unsigned i = 0; i < w->o.enclaves; i++) {
        chosen = c->enclave[i] && chosen < 0 ? (int)i : chosen;
        has_one = has_one || (c->enclave[i] && (list >> i & 1) != 0);
    }
    if (!has_one && chosen >= 0)
        govern(w, (unsigned)chosen, true);
    list = sim_l1_list_to_be(w);
    for (unsigned i = 0; i < w->o.enclaves; i++)
        c->enclave[i] = c->enclave[i] && (list >> i & 1) != 0;
}

/* A list between the one that batches name and the one that is to be may leave nobody. */
bool sim_l1_is_changing(const struct sim_world *w)
{
    const struct sim_l1_mined *b = w->l1->tip;
    uint32_t list = sim_l1_list_to_be(w);
    if (w->newest == NULL)
        return true;
    while (b != NULL && b->list == list && b->told.number > w->newest->b->header.l1_number)
        b = b->parent;
    return b == NULL || b->list != list;
}

bool sim_l1_is_rolled_up(const struct sim_world *w, uint64_t number)
{
    struct ts_node_status st;
    if (w->l1 == NULL)
        return true;
    for (unsigned i = 0; i < w->o.nodes; i++) {
        if (w->nodes[i].core == NULL)
            return false;
        ts_node_status_of(w->nodes[i].core, &st);
        if (st.rollups.checked < number || st.rollups.waiting > 0)
            return false;
    }
    const struct sim_l1_mined *b =
        sim_l1_at(w->l1->tip, w->l1->tip->told.number + 1 - w->o.l1.confirmations);
    return b != NULL && b->rollup_last >= number;
}

static void pass(struct sim_world *w, uint64_t us)
{
    uint64_t until = w->now + us;
    while (sim_step(w, until))
        ;
}

void sim_l1_go_back(struct sim_world *w)
{
    struct sim_l1 *l = w->l1;
    sim_faults_end(w);
    for (unsigned i = 0; i < w->o.enclaves; i++)
        w->calm.enclave[i] = !w->setting.broken[i];
    sim_l1_calm(w, &w->calm);
    sim_schedule(w, w->now + w->o.restart_us + SIM_S, EV_HEAL, SIM_HOST)->token = SIM_N_FAULTS;
    pass(w, 60 * SIM_S + 2 * w->setting.l1_halt_us);
    if (sim_violated(w) || w->newest == NULL)
        return;
    uint64_t named = w->newest->b->header.l1_number;
    uint64_t stays = named - 1 - sim_below(&w->fault_rng, 3);
    if (named <= w->o.l1.number + 3 || named > l->tip->told.number)
        return;
    sim_tell_fault(w, SIM_HOST, "L1 goes back to block %" PRIu64 ", the chain names block %" PRIu64,
                   stays, named);
    sim_l1_back(w, l->tip->told.number - stays, false);
    pass(w, sim_below(&w->fault_rng, w->setting.l1_halt_us));
    if (sim_chance(&w->fault_rng, 40))
        sim_host_kill(w);
    for (unsigned i = 0; i < w->o.nodes; i++)
        if (sim_chance(&w->fault_rng, 20))
            sim_node_kill(w, i);
    pass(w, 2 * w->setting.l1_halt_us);
}
