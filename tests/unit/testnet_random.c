/* SPDX-License-Identifier: Apache-2.0 */
/* Random honest histories. */
#include "testnet.h"

/* splitmix64: the same seed, the same history. */
uint64_t tn_next(uint64_t *s)
{
    uint64_t z = (*s += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static bool chance(uint64_t *s, uint64_t one_in)
{
    return tn_next(s) % one_in == 0;
}

static bool listed(const struct testnet *net, size_t i)
{
    return tn_entry(net, i) != NULL && tn_entry(net, i)->whitelisted;
}

static bool pending(const ts_address *list, size_t n, const ts_address *id)
{
    for (size_t i = 0; i < n; i++) {
        if (ts_address_equal(&list[i], id))
            return true;
    }
    return false;
}

static bool removed_soon(const struct testnet *net, size_t i)
{
    return pending(net->removes, net->n_removes, tn_id(net, i));
}

/* Crashes, boots, cuts and heals. */
static void disturb(struct testnet *net, uint64_t *s)
{
    size_t i = tn_next(s) % net->n;
    struct tn_enclave *e = &net->enclaves[i];
    if (!e->running) {
        if (listed(net, i))
            tn_boot(net, i);
    } else if (!e->up) {
        tn_heal(net, i);
    } else if (chance(s, 2)) {
        tn_crash(net, i);
    } else {
        tn_cut(net, i);
    }
}

static void change_whitelist(struct testnet *net, uint64_t *s)
{
    size_t i = tn_next(s) % net->n;
    if (pending(net->adds, net->n_adds, tn_id(net, i)) || removed_soon(net, i))
        return;
    if (!listed(net, i))
        tn_whitelist_add(net, i);
    else if (net->chain.registry.n_whitelisted > net->n_removes + 2)
        tn_whitelist_remove(net, i);
}

/* Whoever could produce now: up, whitelisted after the next batch, at the head. */
static size_t candidate(const struct testnet *net, uint64_t *s)
{
    size_t start = tn_next(s) % net->n;
    for (size_t k = 0; k < net->n; k++) {
        size_t i = (start + k) % net->n;
        if (net->enclaves[i].up && listed(net, i) && !removed_soon(net, i))
            return i;
    }
    return net->n;
}

static bool can_take_over(const struct testnet *net, size_t i)
{
    return !net->enclaves[i].active && net->enclaves[i].n_unpublished < TS_MAX_UNPUBLISHED - 1;
}

/* Someone activated that never gets to produce, so that its Active turns void. */
static void activate_in_vain(struct testnet *net, uint64_t *s, size_t producer)
{
    size_t i = candidate(net, s);
    if (i < net->n && i != producer && can_take_over(net, i))
        tn_activate(net, i);
}

static bool is_active_on_chain(const struct testnet *net, size_t i)
{
    return net->enclaves[i].up && net->enclaves[i].active &&
           tn_entry(net, i)->role == TS_ROLE_ACTIVE;
}

/* The active one goes on, unless it cannot or a switch is wanted. SIZE_MAX: none can. */
static size_t choose(struct testnet *net, uint64_t *s)
{
    size_t active = net->n;
    for (size_t i = 0; i < net->n; i++) {
        if (listed(net, i) && is_active_on_chain(net, i) && !removed_soon(net, i))
            active = i;
    }
    if (active < net->n && !chance(s, 8))
        return active;
    size_t to = candidate(net, s);
    if (to == net->n || to == active || !can_take_over(net, to))
        return active < net->n ? active : SIZE_MAX;
    if (active < net->n && net->enclaves[active].n_unpublished < TS_MAX_UNPUBLISHED)
        tn_step_down(net, active);
    tn_activate(net, to);
    return to;
}

/* Its transitions may stay behind, or its report, as the host pleases. */
static void leave_some_out(struct testnet *net, uint64_t *s, struct tn_draft *d, size_t producer)
{
    size_t i = tn_next(s) % net->n;
    if (i != producer)
        tn_leave_out(net, d, i);
}

void tn_random_step(struct testnet *net, uint64_t *s)
{
    if (chance(s, 3))
        disturb(net, s);
    if (chance(s, 10))
        change_whitelist(net, s);
    size_t producer = choose(net, s);
    if (producer == SIZE_MAX)
        return;
    if (chance(s, 6))
        activate_in_vain(net, s, producer);
    struct tn_draft *d = tn_draft(net, producer);
    if (chance(s, 5))
        leave_some_out(net, s, d, producer);
    if (chance(s, 4)) {
        ts_bytes tx = ts_bytes_of("a transaction", 1 + tn_next(s) % 12);
        d->txs = &tx;
        d->n_txs = 1;
        tn_publish(net, d);
        return;
    }
    tn_publish(net, d);
}

struct testnet *tn_random(uint64_t seed, size_t steps)
{
    uint64_t s = seed;
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = 3 + tn_next(&s) % 5,
                                                      .whitelisted = 3,
                                                      .report_every = 1 + tn_next(&s) % 3,
                                                      .max_report_lag = 1 + tn_next(&s) % 4});
    tn_start(net);
    for (size_t i = 0; i < steps; i++)
        tn_random_step(net, &s);
    return net;
}
