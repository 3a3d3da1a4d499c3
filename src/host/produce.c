/* SPDX-License-Identifier: Apache-2.0 */
/* The production line up to the seal: when a batch is due, who makes it, activation, planned steps
 * and creation. What becomes of a sealed batch is in commit.c. Source: docs/protocol.md, section 5.
 */
#include "host/internal.h"

#define TERM_RESERVE 16u

static uint64_t next_number(const struct ts_host *h)
{
    return h->chain.head.number + 1;
}

/* ---- terms: durable before anyone is asked ---- */

/* Every reserved one may have been handed out, so each start of the host uses up what it reserves,
 * and an enclave takes none too far above the chain's: half of that way is left for activations. */
static bool terms_are_scarce(const struct ts_host *h)
{
    uint64_t chain = h->chain.head.term;
    return h->term_handed > chain && h->term_handed - chain > TS_TERM_STEP_MAX / 2;
}

void produce_reserve_term(struct ts_host *h)
{
    uint64_t chain = h->chain.head.term;
    uint64_t from = h->term_handed > chain ? h->term_handed : chain;
    if (h->term_storing)
        return;
    struct store_step *s = step_new(h, STEP_TERM, 1);
    s->value = from + (terms_are_scarce(h) ? 1 : TERM_RESERVE);
    uint8_t *be = ts_arena_alloc(&s->arena, 8);
    TS_CHECK(be != NULL);
    for (unsigned i = 0; i < 8; i++)
        be[i] = (uint8_t)(s->value >> (56 - 8 * i));
    struct ts_store_op *op = step_op(s, TS_OP_PUT_META);
    op->key = "term";
    op->data = ts_bytes_of(be, 8);
    h->term_storing = true;
    step_send(h, s);
}

/* So that an activation need not wait for the disk. */
void produce_stock_terms(struct ts_host *h)
{
    if (h->term_reserved < h->term_handed + TERM_RESERVE / 2 && !terms_are_scarce(h))
        produce_reserve_term(h);
}

/* ---- activation ---- */

static void activate(struct ts_host *h, int who)
{
    struct member *m = &h->members[who];
    uint64_t chain = h->chain.head.term;
    uint64_t term = (h->term_handed > chain ? h->term_handed : chain) + 1;
    if (term > h->term_reserved) {
        produce_reserve_term(h); /* goes on when that is durable */
        return;
    }
    struct ts_msg msg = {.type = TS_MSG_ACTIVATE};
    msg.u.activate.term = term;
    msg.u.activate.time = h->now.unix_ms;
    if (!member_ask(h, m, &msg, 0, 0))
        return;
    out_event(h, TS_LOG_INFO, "activating", "enclave=%s term=%llu head=%llu", short_id(h, &m->id),
              (unsigned long long)term, (unsigned long long)h->chain.head.number);
    m->activations++;
    m->activated_us = h->now.mono_us;
    h->term_handed = term;
    h->line = L_ACTIVATING;
    h->producer = who;
    produce_stock_terms(h);
}

/* ---- creation ---- */

struct gathered {
    struct ts_lifecycle_event *transitions;
    size_t n_transitions;
    struct ts_restart_event *reports;
    size_t n_reports;
};

/* What m wants published, as far as a batch of the producer's can carry it: not what the chain
 * holds already, nothing that fails a rule, and no Active that would take effect over the
 * producer's. */
static void gather_from(struct ts_host *h, const struct member *m, uint64_t producer_term,
                        const struct ts_whitelist_change *change, struct gathered *g)
{
    struct ts_offer offer = {.enclave = m->id,
                             .transitions = m->transitions,
                             .n_transitions = m->n_transitions,
                             .report = m->has_report ? &m->report : NULL};
    size_t published = ts_offer_published(&h->chain, &offer);
    offer.transitions += published;
    offer.n_transitions -= published;
    struct ts_offer_verdict v;
    ts_offer_judge(&h->chain, &offer, change, &v);
    if (v.transitions != TS_OK || (v.takes_effect && v.term > producer_term))
        return;
    for (size_t i = 0; i < offer.n_transitions; i++)
        g->transitions[g->n_transitions++] = offer.transitions[i];
    if (v.report == TS_OK)
        g->reports[g->n_reports++] = m->report;
}

static void gather(struct ts_host *h, int producer, struct gathered *g)
{
    /* Enclave ids in order: a plain insertion sort of at most 64. */
    unsigned order[TS_HOST_MAX_ENCLAVES];
    size_t n = 0;
    for (unsigned i = 0; i < h->n_members; i++) {
        const struct member *m = &h->members[i];
        if ((int)i == producer || m->phase != M_READY || !m->known || (h->excluded >> i & 1))
            continue;
        size_t at = n++;
        while (at > 0 && ts_address_compare(&m->id, &h->members[order[at - 1]].id) < 0) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
    g->transitions = ts_arena_array(&h->arena, n * TS_MAX_UNPUBLISHED + 1, sizeof(*g->transitions));
    g->reports = ts_arena_array(&h->arena, n + 1, sizeof(*g->reports));
    TS_CHECK(g->transitions != NULL && g->reports != NULL);
    g->n_transitions = g->n_reports = 0;
    uint64_t term = h->members[producer].active_term;
    struct ts_whitelist_change change;
    bool has_change = l1_change(h, &h->arena, &change);
    for (size_t i = 0; i < n; i++)
        gather_from(h, &h->members[order[i]], term, has_change ? &change : NULL, g);
}

/* One interval after the parent when it is about then, else now: times that keep their step cost
 * nothing in rollups (ADR 37). */
static ts_time batch_time(const struct ts_host *h)
{
    uint64_t interval = h->set.interval_us / 1000;
    uint64_t slot = h->chain.head.time + interval;
    uint64_t off = slot < h->now.unix_ms ? h->now.unix_ms - slot : slot - h->now.unix_ms;
    return off <= interval / 10 ? slot : h->now.unix_ms;
}

/* A batch is not divided among rollups, and L1 takes no transaction much larger than one. */
static size_t max_bytes(const struct ts_host *h)
{
    size_t max = (size_t)h->genesis->params.max_batch_bytes;
    return rollup_is_used(h) && h->set.rollup_bytes < max ? (size_t)h->set.rollup_bytes : max;
}

static void create(struct ts_host *h, int who)
{
    struct member *m = &h->members[who];
    const struct ts_params *p = &h->genesis->params;
    struct gathered g;
    struct ts_notice notice = {.type = TS_NOTICE_WHITELIST};
    const struct l1_known *l1 = l1_is_used(h) ? l1_reference(h) : NULL;
    gather(h, who, &g);
    uint64_t fit = p->batch_gas_limit / 21000 + 1;
    size_t max = fit < TS_MAX_CREATE_TXS ? (size_t)fit : TS_MAX_CREATE_TXS;
    if (max > h->pool_n)
        max = (size_t)h->pool_n;
    ts_arena_reset(&h->create_arena);
    ts_bytes *txs = ts_arena_array(&h->create_arena, max + 1, sizeof(*txs));
    h->offered = ts_arena_array(&h->create_arena, max + 1, sizeof(*h->offered));
    TS_CHECK(txs != NULL && h->offered != NULL);
    /* What has no room beside the events the enclave defers: it alone knows how much that is. */
    pool_pick(h, max_bytes(h), txs, h->offered, max, &h->n_offered);

    struct ts_msg msg = {.type = TS_MSG_CREATE};
    struct ts_msg_create *c = &msg.u.create;
    c->parent = (struct ts_msg_head){h->chain.head.number, h->chain.head.hash};
    c->time = batch_time(h);
    c->l1_number = l1 != NULL ? l1->number : h->chain.head.l1_number;
    c->l1_hash = l1 != NULL ? l1->hash : h->chain.head.l1_hash;
    c->l1_header = l1 != NULL ? ts_bytes_of(l1->header, l1->n_header) : ts_bytes_of(NULL, 0);
    notice.body = l1_notice(h, &h->create_arena);
    c->notices = &notice;
    c->n_notices = notice.body.n > 0;
    c->transitions = g.transitions;
    c->n_transitions = g.n_transitions;
    c->reports = g.reports;
    c->n_reports = g.n_reports;
    c->txs = txs;
    c->n_txs = h->n_offered;
    h->line = L_IDLE;
    if (!member_ask(h, m, &msg, h->n_offered, next_number(h)))
        return;
    h->line = L_CREATING;
    h->producer = who;
}

void produce_activated(struct ts_host *h, struct member *m, const struct ts_msg_events *e)
{
    int who = member_index(h, m);
    if (!member_events(h, m, e) || h->line != L_ACTIVATING || h->producer != who)
        return;
    if (m->state != TS_ENC_ACTIVE || !ts_hash_equal(&m->head.hash, &h->chain.head.hash)) {
        member_reset(h, m, "%s", "was activated at the head and says it is not active there");
        return;
    }
    m->active_term = h->term_handed;
    if (h->sw.started && h->sw.from != TS_NOBODY && !h->sw.done_down) {
        struct member *old = &h->members[h->sw.from];
        struct ts_msg msg = {.type = TS_MSG_STEP_DOWN};
        msg.u.step_down.time = h->now.unix_ms;
        if (old->phase == M_READY && old->state == TS_ENC_ACTIVE &&
            member_ask(h, old, &msg, 0, 0)) {
            h->line = L_STEPPING_DOWN;
            old->state = TS_ENC_PASSIVE; /* nobody asks it for a batch from here on */
            return;
        }
    }
    if (h->sw.started)
        h->line = L_IDLE; /* the batch is made when it is due */
    else
        create(h, who);
}

void produce_stepped_down(struct ts_host *h, struct member *m)
{
    if (h->line != L_STEPPING_DOWN || h->sw.from != member_index(h, m))
        return;
    h->sw.done_down = true;
    h->line = L_IDLE;
}

void produce_refused(struct ts_host *h, struct member *m, uint64_t type,
                     const struct ts_msg_error *e)
{
    int who = member_index(h, m);
    bool ours = h->line != L_IDLE && (h->producer == who || h->sw.from == who);
    struct member *bad = type == TS_MSG_CREATE && e->code == TS_E_BAD_EVENT && e->has_enclave
                             ? member_by_id(h, &e->enclave)
                             : NULL;
    if (ours && bad != NULL && bad != m && !(h->excluded >> member_index(h, bad) & 1)) {
        out_event(h, TS_LOG_WARN, "event-refused", "by=%s of=%s reason=\"%s\"", short_id(h, &m->id),
                  short_id(h, &bad->id), said(h, e->text));
        h->excluded |= (uint64_t)1 << member_index(h, bad);
        h->line = L_IDLE;
        create(h, who);
        return;
    }
    char why[160];
    snprintf(why, sizeof(why), "refused %s: %.120s", ts_msg_name(type), said(h, e->text));
    if (h->sw.started && type == TS_MSG_ACTIVATE && h->sw.to == who) {
        hold_against(h, m, "%s", why);
        switch_failed(h, why);
    }
    member_reset(h, m, "%s", why);
}

void produce_created(struct ts_host *h, struct member *m, const struct ts_msg_created *c)
{
    if (h->line != L_CREATING || h->producer != member_index(h, m)) {
        member_reset(h, m, "%s", "created a batch that is no longer wanted");
        return;
    }
    struct ts_fault fault;
    ts_err err = prepared_take(h, m, c->batch, c, &fault);
    bool is_gone = err == TS_E_L1 || (err == TS_E_CONFLICT && fault.what[0] != '\0');
    if (is_gone) { /* since it was asked; it makes the next one as a new boot */
        member_reset(h, m, "created a batch that is dropped: %s", fault.what);
        return;
    }
    if (err == TS_E_CONFLICT || err == TS_E_NOMEM) {
        member_reset(h, m, "%s",
                     err == TS_E_NOMEM ? "no memory for the batch it created"
                                       : "created a batch that had been discarded");
        return;
    }
    if (err != TS_OK) {
        member_corrupt(h, m, "created an invalid batch: %s (%s)",
                       fault.what[0] != '\0' ? fault.what : ts_err_text(err), ts_err_name(err));
        return;
    }
    h->line = L_IDLE;
    m->head = (struct ts_msg_head){h->prep.batch.header.number, h->prep.hash};
    m->fed = m->head.number;
    m->state = TS_ENC_ACTIVE;
    m->activations = 0;
    m->useful = true;
    member_take_events(h, m, c->has_report, &c->report, c->transitions, c->n_transitions);
}

void produce_member_lost(struct ts_host *h, struct member *m)
{
    int who = member_index(h, m);
    if (h->line != L_IDLE && h->producer == who)
        h->line = L_IDLE;
    if (!h->sw.started || switch_sealed(h))
        return;
    if (h->sw.to == who) {
        hold_against(h, m, "%s", "lost in the middle of a switch to it");
        switch_failed(h, "the successor was lost in the middle of the switch");
    } else if (h->sw.from == who && h->line == L_STEPPING_DOWN) {
        h->line = L_IDLE; /* the successor goes on without its Passive */
    }
}

/* ---- the line ---- */

static bool someone_is_joining(const struct ts_host *h)
{
    for (unsigned i = 0; i < h->n_members; i++)
        if (h->members[i].phase > M_CONNECTING && h->members[i].phase < M_READY)
            return true;
    return false;
}

/* One that L1 has just put on the whitelist will be of use in a moment. */
static bool someone_is_invited(const struct ts_host *h)
{
    for (unsigned i = 0; i < h->n_members; i++) {
        const struct member *m = &h->members[i];
        if (m->phase == M_JOINING && l1_lists(h, m) && !member_whitelisted(h, m))
            return true;
    }
    return false;
}

static void say_no_candidate(struct ts_host *h)
{
    if (h->no_candidate_said || (someone_is_joining(h) && h->now.mono_us < h->grace_until_us) ||
        someone_is_invited(h))
        return;
    h->no_candidate_said = true;
    out_event(h, TS_LOG_ERROR, "no-candidate", "head=%llu",
              (unsigned long long)h->chain.head.number);
    for (unsigned i = 0; i < h->n_members; i++) {
        const struct member *m = &h->members[i];
        const char *fault = candidate_fault(h, m);
        out_event(h, TS_LOG_WARN, "not-a-candidate", "link=%u enclave=%s reason=\"%s\"", m->link,
                  m->known ? short_id(h, &m->id) : "?", fault ? fault : "cannot be activated now");
    }
}

/* A planned switch begins as soon as the last batch is committed, so that the next one is made in
 * time. True when it has begun. due: the batch is due, so what is not possible now is not possible.
 */
static bool start_switch(struct ts_host *h, int producer, bool due)
{
    if (!h->sw.wanted || h->sw.started || producer == TS_NOBODY)
        return false;
    const char *fault =
        h->sw.to == producer ? "it is the active one" : candidate_fault(h, &h->members[h->sw.to]);
    if (fault != NULL) {
        if (due)
            switch_failed(h, fault);
        return false;
    }
    h->sw.started = true;
    h->sw.from = producer;
    h->sw.from_id = h->members[producer].id;
    activate(h, h->sw.to);
    if (h->line == L_ACTIVATING)
        return true;
    h->sw.started = false; /* a term is being reserved: the next turn */
    return false;
}

/* Nobody can be activated: one that only has no room for an Active gets it by a restart. True: one
 * was told so. */
static bool make_room(struct ts_host *h)
{
    for (unsigned i = 0; i < h->n_members; i++) {
        struct member *m = &h->members[i];
        const char *fault = candidate_fault(h, m);
        if (fault == NULL || strcmp(fault, NO_ROOM) != 0)
            continue;
        member_bench(h, m, true, "%s", "needs a restart: " NO_ROOM);
        return true;
    }
    return false;
}

/* The active one leaves the whitelist with the next batch, which it cannot make. */
static void replace_removed(struct ts_host *h, int removed)
{
    switch_relieve(h, removed);
    if (start_switch(h, removed, true) || h->line != L_IDLE || h->sw.started)
        return;
    int successor = choose_successor(h, removed);
    if (successor == TS_NOBODY)
        say_no_candidate(h);
    else
        activate(h, successor);
}

static void next_batch(struct ts_host *h)
{
    int producer = choose_producer(h, false);
    int successor = producer == TS_NOBODY ? choose_successor(h, TS_NOBODY) : TS_NOBODY;
    if (producer == TS_NOBODY && (successor == TS_NOBODY || h->members[successor].suspect))
        producer = choose_producer(h, true);
    if (h->tick_us < h->next_batch_us)
        h->tick_us = h->next_batch_us;
    if (producer == TS_NOBODY && successor == TS_NOBODY) {
        if (!make_room(h))
            say_no_candidate(h);
        return;
    }
    h->no_candidate_said = false;
    if (producer == TS_NOBODY) {
        activate(h, successor);
        return;
    }
    if (!l1_lists(h, &h->members[producer])) {
        replace_removed(h, producer);
        return;
    }
    switch_relieve(h, producer);
    if (!start_switch(h, producer, true) && h->line == L_IDLE)
        create(h, producer);
}

static void begin_switch_early(struct ts_host *h)
{
    int producer = choose_producer(h, false);
    if (producer == TS_NOBODY)
        return;
    switch_relieve(h, producer);
    start_switch(h, producer, false);
}

/* A batch that stood prepared in the store may have been discarded since, if that is an old copy or
 * another host is at work. */
static bool prepared_may_go_on(struct ts_host *h)
{
    return !h->prep.from_store || (store_is_newest(h) && !must_keep_off(h));
}

void produce_advance(struct ts_host *h)
{
    settings_retry(h);
    switch_expire(h);
    prepared_retry(h);
    bool is_settled = start_settled(h);
    if (h->prep.stage == P_FEEDING && (!is_settled || prepared_may_go_on(h)) &&
        (is_settled || !l1_waits_for_prepared(h)))
        prepared_evaluate(h);
    if (h->prep.stage != P_NONE || h->line != L_IDLE)
        return;
    /* A switch that has begun is finished first, with a batch. */
    bool switching = h->sw.started;
    if (h->stopping && !switching) {
        h->stopped = true;
        return;
    }
    if ((h->paused && !switching) || !start_settled(h) || !store_is_newest(h))
        return;
    if (l1_fault(h) != NULL)
        return;
    if (h->now.mono_us >= h->next_batch_us)
        next_batch(h);
    else if (!switching)
        begin_switch_early(h);
}

static uint64_t line_wake(const struct ts_host *h)
{
    uint64_t now = h->now.mono_us;
    if (h->prep.stage != P_NONE) {
        if (h->prep.retry_us != 0)
            return h->prep.retry_us;
        uint64_t wake = !h->settled && h->grace_until_us > now ? h->grace_until_us : UINT64_MAX;
        if (h->prep.stage == P_FEEDING && h->hold_number == h->prep.batch.header.number &&
            now < h->hold_until_us && h->hold_until_us < wake)
            wake = h->hold_until_us;
        uint64_t sealing = h->prep.since_us + TS_SEALING_WAIT_US;
        if (h->prep.stage == P_FEEDING && now < sealing && sealing < wake)
            wake = sealing;
        return wake;
    }
    if (h->stopped || (h->paused && !h->sw.started) || h->line != L_IDLE)
        return UINT64_MAX;
    if (!h->settled && h->grace_until_us > now)
        return h->grace_until_us;
    return h->next_batch_us > now ? h->next_batch_us : UINT64_MAX;
}

uint64_t produce_wake(const struct ts_host *h)
{
    uint64_t wake = line_wake(h);
    if (h->settings_retry_us != 0 && h->settings_retry_us < wake)
        wake = h->settings_retry_us;
    if (h->sw.wanted && !h->sw.started && h->sw.until_us < wake)
        wake = h->sw.until_us;
    return wake;
}
