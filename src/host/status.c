/* SPDX-License-Identifier: Apache-2.0 */
#include "host/internal.h"

/* The enclave that the chain's active names, while it is here and says that it is active. */
static bool active_is_here(const struct ts_host *h)
{
    const struct ts_registry *r = &h->chain.registry;
    for (unsigned i = 0; i < h->n_members; i++) {
        const struct member *m = &h->members[i];
        if (r->has_active && m->known && ts_address_equal(&m->id, &r->active) &&
            m->phase == M_READY && m->state == TS_ENC_ACTIVE)
            return true;
    }
    return false;
}

/* Nothing is on its way and nobody could make anything. */
static bool nobody_can_produce(const struct ts_host *h)
{
    return h->prep.stage == P_NONE && h->line == L_IDLE && choose_producer(h, true) == TS_NOBODY &&
           choose_successor(h, TS_NOBODY) == TS_NOBODY;
}

static enum ts_host_state state_of(const struct ts_host *h)
{
    if (h->storage_bad || h->store_is_behind)
        return TS_HOST_STORAGE;
    if (h->paused)
        return TS_HOST_PAUSED;
    if (h->l1.stopped || h->l1.fault_said)
        return TS_HOST_L1;
    return h->no_candidate_said || nobody_can_produce(h) ? TS_HOST_NO_CANDIDATE : TS_HOST_PRODUCING;
}

void ts_host_status_of(const struct ts_host *h, struct ts_host_status *out)
{
    memset(out, 0, sizeof(*out));
    out->head = h->chain.head;
    out->state = state_of(h);
    out->has_active = active_is_here(h);
    out->active = h->chain.registry.active;
    out->interval_us = h->set.interval_us;
    out->pool_txs = h->pool_n;
    out->pool_bytes = h->pool_bytes;
    out->last_switch_reason = h->switch_reason;
    out->l1_is_halted = h->l1.stopped;
    out->l1_fault = h->l1.reason;
    out->rolled_up = h->roll.number;
    out->rolled_up_is_stored = rollup_is_stored(h);
    out->l1_newest = h->l1.newest;
    out->counters = h->counters;
    out->n_enclaves = h->n_members;
}

static const char *role_of(const struct member *m)
{
    if (m->phase < M_IDENTIFYING || m->phase == M_SHUT)
        return "absent";
    if (m->phase == M_IDENTIFYING)
        return "starting";
    if (m->phase == M_BENCHED && m->state != TS_ENC_HALTED)
        return "absent";
    static const char *const roles[] = {"starting", "syncing", "validating",
                                        "passive",  "active",  "halted"};
    return m->state < TS_COUNT(roles) ? roles[m->state] : "unknown";
}

static const char *link_state(const struct member *m)
{
    if (m->phase == M_CONNECTING)
        return "connecting";
    return m->phase == M_DOWN || m->phase == M_SHUT ? "down" : "up";
}

void ts_host_enclave_of(const struct ts_host *h, size_t i, struct ts_host_enclave_status *out)
{
    TS_CHECK(i < h->n_members);
    const struct member *m = &h->members[i];
    memset(out, 0, sizeof(*out));
    out->link = m->link;
    out->known = m->known;
    out->id = m->id;
    out->role = role_of(m);
    out->state = link_state(m);
    out->head = m->head;
    out->boot_id = m->boot_id;
    out->boot_time = m->boot_time;
    out->lag = m->head.number < h->chain.head.number ? h->chain.head.number - m->head.number : 0;
    out->latency_us = m->srtt_us;
    out->corrupted = m->corrupted;
    out->drained = m->drained;
    out->suspect = m->suspect;
    const struct ts_registry_entry *e =
        m->known ? ts_registry_find(&h->chain.registry, &m->id) : NULL;
    if (e != NULL) {
        out->whitelisted = e->whitelisted;
        out->last_report = e->last_report_in;
        out->restarts = e->restarts;
    }
    /* While a batch is on its way everyone is a step ahead of the head: that is no fault. */
    bool in_step = m->phase == M_READY && out->lag <= 1 && !m->suspect && !m->drained &&
                   !m->corrupted && !is_tired(h, m) && l1_lists(h, m);
    const char *fault = in_step ? NULL : candidate_fault(h, m);
    out->reason = fault == NULL ? "" : m->reason[0] != 0 && m->phase != M_READY ? m->reason : fault;
}

const struct ts_chain *ts_host_chain(const struct ts_host *h)
{
    return &h->chain;
}
