/* SPDX-License-Identifier: Apache-2.0 */
/* What befalls processes, wires, disks and clocks, by chance and by weight. */
#include "l1.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

static uint64_t some_time(struct sim_world *w)
{
    static const uint64_t mean[] = {20 * SIM_MS, 300 * SIM_MS, 2 * SIM_S, 8 * SIM_S};
    return 1 + sim_about(&w->fault_rng, mean[sim_below(&w->fault_rng, 4)]);
}

static unsigned any_enclave(struct sim_world *w)
{
    unsigned i = (unsigned)sim_below(&w->fault_rng, w->n_frail);
    return (int)i == w->spared && w->n_frail > 1 ? (i + 1) % w->n_frail : i;
}

static unsigned any_whitelisted(struct sim_world *w)
{
    return (unsigned)sim_below(&w->fault_rng, w->o.enclaves);
}

static void kill_enclave(struct sim_world *w)
{
    sim_end(w, any_enclave(w), "killed");
}

/* -1: none is. */
static int active_enclave(const struct sim_world *w)
{
    for (unsigned i = 0; i < w->o.enclaves; i++)
        if (w->enclaves[i].core != NULL &&
            ts_enclave_state_of(w->enclaves[i].core) == TS_ENC_ACTIVE)
            return (int)i;
    return -1;
}

static void kill_active(struct sim_world *w)
{
    int i = active_enclave(w);
    if (i >= 0)
        sim_end(w, (unsigned)i, "killed while active");
}

static void die_soon(struct sim_world *w, struct sim_proc *p, int who, const char *what)
{
    p->die_after = 1 + (unsigned)sim_below(&w->fault_rng, 12);
    sim_tell_fault(w, who, "%s dies in the middle of a step", what);
}

static void cut_enclave_short(struct sim_world *w)
{
    int active = active_enclave(w);
    unsigned i = active >= 0 && sim_chance(&w->fault_rng, 50) ? (unsigned)active : any_enclave(w);
    die_soon(w, &w->enclaves[i].p, (int)i, "enclave");
}

static void freeze(struct sim_world *w, struct sim_proc *p, int who, const char *what)
{
    uint64_t us = some_time(w);
    if (p->asleep_until < w->now + us)
        p->asleep_until = w->now + us;
    sim_tell_fault(w, who, "%s stands still for %llu ms", what, (unsigned long long)(us / 1000));
}

static void freeze_enclave(struct sim_world *w)
{
    unsigned i = any_enclave(w);
    freeze(w, &w->enclaves[i].p, (int)i, "enclave");
}

static void leave_enclave(struct sim_world *w)
{
    unsigned i = any_enclave(w);
    sim_tell_fault(w, (int)i, "enclave is asked to end");
    sim_leave(w, i);
}

static struct sim_link *any_link(struct sim_world *w, const char *what, uint64_t *until)
{
    struct sim_link *l = &w->links[any_enclave(w)];
    uint64_t us = some_time(w);
    *until = w->now + us;
    sim_tell_fault(w, (int)l->enclave, "link to the enclave %s for %llu ms", what,
                   (unsigned long long)(us / 1000));
    return l;
}

static void cut_link(struct sim_world *w)
{
    uint64_t until = 0;
    struct sim_link *l = any_link(w, "is cut", &until);
    sim_drop(w, l);
    l->cut_until = until;
}

static void hole_link(struct sim_world *w)
{
    uint64_t until = 0;
    any_link(w, "swallows all", &until)->hole_until = until;
}

static void slow_link(struct sim_world *w)
{
    uint64_t until = 0;
    any_link(w, "is slow", &until)->slow_until = until;
}

static void kill_host(struct sim_world *w)
{
    sim_host_kill(w);
}

static void cut_host_short(struct sim_world *w)
{
    die_soon(w, &w->host.p, SIM_HOST, "host");
}

static void freeze_host(struct sim_world *w)
{
    freeze(w, &w->host.p, SIM_HOST, "host");
}

static void kill_all(struct sim_world *w)
{
    sim_host_kill(w);
    for (unsigned i = 0; i < w->o.enclaves; i++)
        sim_end(w, i, "killed with all others");
}

static void disk_slow(struct sim_world *w)
{
    w->host.disk.slow_until = w->now + some_time(w);
    sim_tell_fault(w, SIM_HOST, "the host's disk is slow");
}

static void disk_full(struct sim_world *w)
{
    w->host.disk.full_until = w->now + some_time(w);
    sim_tell_fault(w, SIM_HOST, "the host's disk is full");
}

static void disk_doubt(struct sim_world *w)
{
    w->host.disk.doubt = 1;
    sim_tell_fault(w, SIM_HOST, "the host's next durable step takes place and is called failed");
}

static int any_node(struct sim_world *w)
{
    return w->o.nodes > 0 ? (int)sim_below(&w->fault_rng, w->o.nodes) : -1;
}

static void kill_node(struct sim_world *w)
{
    int i = any_node(w);
    if (i >= 0)
        sim_node_kill(w, (unsigned)i);
}

static void cut_node_short(struct sim_world *w)
{
    int i = any_node(w);
    if (i >= 0)
        die_soon(w, &w->nodes[i].p, i, "node");
}

static void freeze_node(struct sim_world *w)
{
    int i = any_node(w);
    if (i >= 0)
        freeze(w, &w->nodes[i].p, i, "node");
}

static void node_disk(struct sim_world *w)
{
    int i = any_node(w);
    if (i < 0)
        return;
    w->nodes[i].disk.full_until = w->now + some_time(w);
    sim_tell_fault(w, i, "the node's disk is full");
}

/* NULL: there is none. */
static struct sim_feed *any_feed(struct sim_world *w, const char *what, unsigned *node,
                                 unsigned *link)
{
    int i = any_node(w);
    if (i < 0 || w->o.n_peers[i] == 0)
        return NULL;
    *node = (unsigned)i;
    *link = (unsigned)sim_below(&w->fault_rng, w->o.n_peers[i]);
    sim_tell_fault(w, i, "feed %u of the node %s", *link, what);
    return &w->nodes[i].feeds[*link];
}

static void cut_feed(struct sim_world *w)
{
    unsigned node, link;
    struct sim_feed *f = any_feed(w, "is cut", &node, &link);
    if (f == NULL)
        return;
    sim_feed_close(w, node, link, true);
    f->cut_until = w->now + some_time(w);
}

static void hole_feed(struct sim_world *w)
{
    unsigned node, link;
    struct sim_feed *f = any_feed(w, "swallows all", &node, &link);
    if (f != NULL)
        f->hole_until = w->now + some_time(w);
}

static void noise_feed(struct sim_world *w)
{
    unsigned node, link;
    struct sim_feed *f = any_feed(w, "loses, doubles and delays pushes", &node, &link);
    if (f != NULL)
        f->noise_until = w->now + some_time(w);
}

static void clock_jump(struct sim_world *w)
{
    uint64_t k = sim_below(&w->fault_rng, 1 + w->n_enclaves + w->o.nodes);
    struct sim_proc *p = &w->host.p;
    if (k > w->n_enclaves)
        p = &w->nodes[k - 1 - w->n_enclaves].p;
    else if (k > 0)
        p = &w->enclaves[k - 1].p;
    int64_t jump = (int64_t)sim_about(&w->fault_rng, 4000);
    p->skew_ms += sim_chance(&w->fault_rng, 50) ? jump : -jump;
    sim_tell_fault(w, (int)k, "a clock jumps by %lld ms", (long long)jump);
}

/* Always the same one: what two wrong ones agree on is beyond what a quorum of one promises, and
 * who refused too much is corrupted for good. It is active when it begins: as a passive it would
 * refuse what others make, and never make anything. */
static void break_engine(struct sim_world *w)
{
    int first = active_enclave(w);
    unsigned i = 0;
    while (i < w->o.enclaves && !w->setting.broken[i])
        i++;
    if (i == w->o.enclaves && first < 0)
        return;
    if (i == w->o.enclaves)
        i = (unsigned)first;
    if (w->enclaves[i].is_broken)
        return;
    w->setting.broken[i] = true;
    if (sim_chance(&w->fault_rng, 60)) {
        w->enclaves[i].is_corrupt = true;
        sim_tell_fault(w, (int)i, "enclave executes wrongly from now on");
        return;
    }
    w->enclaves[i].is_broken = true;
    sim_tell_fault(w, (int)i, "enclave executes wrongly from its next boot on");
    sim_end(w, i, "its build is replaced by a broken one");
}

static void mend_engine(struct sim_world *w)
{
    for (unsigned i = 0; i < w->o.enclaves; i++)
        if (w->enclaves[i].is_broken || w->enclaves[i].is_corrupt) {
            w->enclaves[i].is_broken = false;
            sim_end(w, i, "its build is mended");
        }
}

static void tear_checkpoint(struct sim_world *w)
{
    unsigned i = any_enclave(w);
    struct ts_buf *b = &w->enclaves[i].slots.slots[sim_below(&w->fault_rng, 2)];
    if (b->n == 0)
        return;
    sim_tell_fault(w, (int)i, "a checkpoint of the enclave is damaged");
    if (sim_chance(&w->fault_rng, 50))
        b->n = sim_below(&w->fault_rng, b->n);
    else
        b->p[sim_below(&w->fault_rng, b->n)] ^= 0x10;
}

static void order_switch(struct sim_world *w)
{
    int to = sim_chance(&w->fault_rng, 50) ? -1 : (int)any_whitelisted(w);
    sim_tell_fault(w, to, "the operator orders a switch");
    sim_host_order(w, TS_ADMIN_SWITCHOVER, to);
}

static void order_drain(struct sim_world *w)
{
    int who = (int)any_whitelisted(w);
    bool drain = sim_chance(&w->fault_rng, 40);
    sim_tell_fault(w, who, "the operator %s", drain ? "drains" : "undrains");
    sim_host_order(w, drain ? TS_ADMIN_DRAIN : TS_ADMIN_UNDRAIN, who);
}

static void order_pause(struct sim_world *w)
{
    sim_tell_fault(w, SIM_HOST, "the operator pauses");
    sim_host_order(w, TS_ADMIN_PAUSE, -1);
    sim_schedule(w, w->now + some_time(w), EV_HEAL, SIM_HOST)->token = SIM_F_order_pause;
}

/* ---- when and which ---- */

#define FAULT_FN(name, text)    [SIM_F_##name] = (name),
#define L1_FAULT_FN(name, text) [SIM_F_##name] = sim_##name,
static void (*const strike[SIM_N_FAULTS])(struct sim_world *w) = {SIM_OWN_FAULTS(FAULT_FN)
                                                                      SIM_L1_FAULTS(L1_FAULT_FN)};
#undef FAULT_FN
#undef L1_FAULT_FN

void sim_fault_event(struct sim_world *w)
{
    uint64_t sum = 0;
    if (w->is_calm)
        return;
    for (unsigned i = 0; i < SIM_N_FAULTS; i++)
        sum += w->o.weight[i];
    uint64_t at = sim_below(&w->fault_rng, sum);
    for (unsigned i = 0; i < SIM_N_FAULTS && sum > 0; i++) {
        if (at < w->o.weight[i]) {
            strike[i](w);
            break;
        }
        at -= w->o.weight[i];
    }
    sim_schedule(w, w->now + 1 + sim_about(&w->fault_rng, w->o.fault_us), EV_FAULT, SIM_HOST);
}

void sim_heal_event(struct sim_world *w, const struct sim_ev *ev)
{
    if (ev->token == SIM_F_order_pause) {
        sim_tell_fault(w, SIM_HOST, "the operator resumes");
        sim_host_order(w, TS_ADMIN_RESUME, -1);
        if (w->host.core == NULL) /* nobody was there to hear it */
            sim_schedule(w, w->now + SIM_S, EV_HEAL, SIM_HOST)->token = ev->token;
    } else { /* the second phase begins: the operator has nothing against anyone */
        sim_host_order(w, TS_ADMIN_RESUME, -1);
        for (unsigned i = 0; i < w->o.enclaves; i++)
            sim_host_order(w, TS_ADMIN_UNDRAIN, (int)i);
    }
}

/* ---- the second phase ---- */

static void choose_core(struct sim_world *w)
{
    struct sim_calm *c = &w->calm;
    unsigned healthy = 0;
    bool all = sim_chance(&w->fault_rng, 50);
    for (unsigned i = 0; i < w->o.enclaves; i++) {
        c->enclave[i] = !w->setting.broken[i] && (all || sim_chance(&w->fault_rng, 50));
        healthy += c->enclave[i];
    }
    for (unsigned i = 0; i < w->o.enclaves && healthy == 0; i++)
        if (!w->setting.broken[i]) {
            c->enclave[i] = true;
            healthy++;
        }
    sim_l1_calm(w, c);
    for (unsigned i = 0; i < w->o.nodes; i++)
        c->node[i] = true;
}

static void set_bounds(struct sim_world *w)
{
    const struct sim_options *o = &w->o;
    struct sim_calm *c = &w->calm;
    uint64_t hold = o->dispute_hold_us != 0 ? o->dispute_hold_us : 30 * SIM_S;
    uint64_t head = w->newest != NULL ? w->newest->number : 0;
    /* Processes come back, links find each other, the longest deadline passes, who has nothing left
     * is given the whole chain, in turns of a window. */
    c->first_us = 40 * SIM_S + 2 * o->restart_us + hold + 4 * o->interval_us +
                  40 * (o->link_us + o->disk_us) + head * (o->link_us + o->disk_us) / 4;
    c->between_us = 8 * SIM_S + 2 * o->interval_us + 20 * (o->link_us + o->disk_us);
    c->settle_us = c->first_us + 40 * o->interval_us + 60 * SIM_S;
    c->nodes_us = 60 * SIM_S + 40 * o->feed_us + head * o->feed_us / 4;
    if (w->l1 == NULL)
        return;
    /* A deadline for an answer and the longest wait before the next try; the list that comes to be
     * is in force. */
    uint64_t l1_us = sim_l1_time(w) + 30 * SIM_S;
    c->first_us += l1_us;
    c->settle_us += l1_us;
    c->nodes_us += l1_us;
    c->between_us += sim_l1_is_changing(w) ? l1_us : 0;
    c->rollup_us = o->l1.rollup_us + 3 * l1_us + 2 * o->l1.stuck_us + 60 * SIM_S;
}

/* Nobody is woken before his time: what waits for him keeps its order. */
static void let_all_wake(struct sim_world *w)
{
    uint64_t last = w->host.p.asleep_until;
    for (unsigned i = 0; i < w->n_enclaves; i++)
        if (w->enclaves[i].p.asleep_until > last)
            last = w->enclaves[i].p.asleep_until;
    for (unsigned i = 0; i < w->o.nodes; i++)
        if (w->nodes[i].p.asleep_until > last)
            last = w->nodes[i].p.asleep_until;
    while (sim_step(w, last))
        ;
}

void sim_faults_end(struct sim_world *w)
{
    w->is_calm = true;
    let_all_wake(w);
    w->host.disk.full_until = w->host.disk.slow_until = 0;
    w->host.p.die_after = 0;
    w->host.disk.doubt = 0;
    sim_l1_faults_end(w);
    for (unsigned i = 0; i < w->n_enclaves; i++) {
        struct sim_link *l = &w->links[i];
        l->cut_until = l->hole_until = l->slow_until = 0;
        w->enclaves[i].p.die_after = 0;
    }
    for (unsigned i = 0; i < w->o.nodes; i++) {
        w->nodes[i].disk.full_until = 0;
        w->nodes[i].p.die_after = 0;
        for (unsigned k = 0; k < w->o.n_peers[i]; k++) {
            struct sim_feed *f = &w->nodes[i].feeds[k];
            f->cut_until = f->hole_until = f->noise_until = 0;
        }
    }
}

static void hold_others_down(struct sim_world *w)
{
    for (unsigned i = 0; i < w->o.enclaves; i++)
        if (!w->calm.enclave[i] && !w->setting.broken[i]) {
            w->enclaves[i].p.held_down = true;
            sim_end(w, i, "stays down");
        }
}

/* While faults go on the next one ends what the last one stopped for good. So the last one strikes
 * in the middle of a switch, and is followed by nothing. */
static void last_blow(struct sim_world *w)
{
    if (w->o.fault_us == 0 || sim_chance(&w->fault_rng, 50))
        return;
    order_switch(w);
    uint64_t until = w->now + sim_below(&w->fault_rng, 8 * w->o.link_us + 2 * w->o.disk_us);
    while (sim_step(w, until))
        ;
    struct sim_link *l = &w->links[any_whitelisted(w)];
    sim_tell_fault(w, (int)l->enclave, "link to the enclave drops, the last that happens");
    sim_drop(w, l);
}

void sim_calm_down(struct sim_world *w)
{
    last_blow(w);
    sim_faults_end(w);
    choose_core(w);
    set_bounds(w);
    hold_others_down(w);
    struct sim_event ev = {.kind = SIM_CALM, .who = SIM_HOST, .calm = &w->calm};
    sim_tell(w, &ev);
    sim_schedule(w, w->now + w->o.restart_us + SIM_S, EV_HEAL, SIM_HOST)->token = SIM_N_FAULTS;
}
