/* SPDX-License-Identifier: Apache-2.0 */
/* The way of one batch: create, prepare, feed, commit or discard, broadcast.
 * Nothing is shown to anyone before it is durable. Source: docs/protocol.md, section 5. */
#include "chain/snapshot.h"
#include "host/internal.h"

#define RETRY_US 500000u /* a failed store step */
#define TERM_RESERVE 16u
#define SNAPSHOT_META_EVERY 1024u
#define BATCH_OVERHEAD 4096u

static uint64_t next_number(const struct ts_host *h)
{
    return h->chain.head.number + 1;
}

static struct member *creator_of(struct ts_host *h)
{
    return h->prep.creator == TS_NOBODY ? NULL : &h->members[h->prep.creator];
}

/* ---- discarded hashes ---- */

bool produce_is_discarded(const struct ts_host *h, const ts_hash *hash)
{
    for (size_t i = 0; i < h->n_discarded; i++)
        if (ts_hash_equal(&h->discarded[i], hash))
            return true;
    return false;
}

void produce_discarded_add(struct ts_host *h, const ts_hash *hash)
{
    if (h->n_discarded == h->cap_discarded) {
        size_t cap = h->cap_discarded ? h->cap_discarded * 2 : 16;
        ts_hash *bigger = realloc(h->discarded, cap * sizeof(*bigger));
        TS_CHECK(bigger != NULL);
        h->discarded = bigger;
        h->cap_discarded = cap;
    }
    h->discarded[h->n_discarded++] = *hash;
}

/* ---- terms: durable before anyone is asked ---- */

void produce_reserve_term(struct ts_host *h)
{
    if (h->term_storing)
        return;
    uint64_t chain = h->chain.head.term;
    uint64_t from = h->term_handed > chain ? h->term_handed : chain;
    struct store_step *s = step_new(h, STEP_TERM, 1);
    s->value = from + TERM_RESERVE;
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
    h->term_handed = term;
    h->line = L_ACTIVATING;
    h->producer = who;
    if (h->term_reserved - h->term_handed < TERM_RESERVE / 2)
        produce_reserve_term(h);
}

/* ---- creation ---- */

struct gathered {
    struct ts_lifecycle_event *transitions;
    size_t n_transitions;
    struct ts_restart_event *reports;
    size_t n_reports;
};

/* Those of m's transitions that the chain does not hold yet and the producer can carry. An Active that
 * would take effect over the producer's own, and what follows it, stays behind. */
static bool gather_transitions(struct ts_host *h, const struct member *m, uint64_t producer_term,
                               struct gathered *g)
{
    const struct ts_registry_entry *e = ts_registry_find(&h->chain.registry, &m->id);
    uint64_t tip = e != NULL ? e->tip_seq : 0;
    for (size_t i = 0; i < m->n_transitions; i++) {
        const struct ts_lifecycle_event *t = &m->transitions[i];
        if (t->seq <= tip)
            continue;
        if (t->kind == TS_ACTIVE && t->term > producer_term &&
            ts_hash_equal(&t->batch_head, &h->chain.head.hash))
            return false;
        g->transitions[g->n_transitions++] = *t;
    }
    return true;
}

static bool report_fits(const struct ts_host *h, const struct member *m)
{
    const struct ts_registry_entry *e = ts_registry_find(&h->chain.registry, &m->id);
    if (!m->has_report || e == NULL || !e->whitelisted)
        return false;
    if (m->report.current_batch_number + h->genesis->params.max_report_lag < next_number(h) ||
        m->report.current_batch_number > h->chain.head.number)
        return false;
    bool same_boot = ts_hash_equal(&e->boot_id, &m->report.boot_id);
    return !same_boot || !e->has_report || m->report.current_batch_number > e->last_report_head;
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
    for (size_t i = 0; i < n; i++) {
        const struct member *m = &h->members[order[i]];
        if (gather_transitions(h, m, term, g) && report_fits(h, m))
            g->reports[g->n_reports++] = m->report;
    }
}

static void create(struct ts_host *h, int who)
{
    struct member *m = &h->members[who];
    const struct ts_params *p = &h->genesis->params;
    struct gathered g;
    gather(h, who, &g);
    size_t overhead = BATCH_OVERHEAD + g.n_transitions * 320 + (g.n_reports + 1) * 320 +
                      TS_MAX_UNPUBLISHED * 320 + TS_MAX_WHITELIST * 21;
    size_t max_bytes = p->max_batch_bytes > overhead ? p->max_batch_bytes - overhead : 0;
    size_t max = (size_t)(p->batch_gas_limit / 21000) + 1;
    if (max > h->pool_n)
        max = (size_t)h->pool_n;
    ts_arena_reset(&h->create_arena);
    ts_bytes *txs = ts_arena_array(&h->create_arena, max + 1, sizeof(*txs));
    h->offered = ts_arena_array(&h->create_arena, max + 1, sizeof(*h->offered));
    TS_CHECK(txs != NULL && h->offered != NULL);
    pool_pick(h, max_bytes, txs, h->offered, max, &h->n_offered);

    struct ts_msg msg = {.type = TS_MSG_CREATE};
    struct ts_msg_create *c = &msg.u.create;
    c->parent = (struct ts_msg_head){h->chain.head.number, h->chain.head.hash};
    c->time = h->now.unix_ms;
    c->l1_number = h->chain.head.l1_number;
    c->l1_hash = h->chain.head.l1_hash;
    c->transitions = g.transitions;
    c->n_transitions = g.n_transitions;
    c->reports = g.reports;
    c->n_reports = g.n_reports;
    c->txs = txs;
    c->n_txs = h->n_offered;
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
        if (old->phase == M_READY && old->state == TS_ENC_ACTIVE && member_ask(h, old, &msg, 0, 0)) {
            h->line = L_STEPPING_DOWN;
            return;
        }
    }
    create(h, who);
}

void produce_stepped_down(struct ts_host *h, struct member *m)
{
    if (h->line != L_STEPPING_DOWN || h->sw.from != member_index(h, m))
        return;
    h->sw.done_down = true;
    h->line = L_IDLE;
    create(h, h->sw.to);
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
        out_event(h, TS_LOG_WARN, "event-refused", "by=%s of=%s reason=\"%.*s\"",
                  short_id(h, &m->id), short_id(h, &bad->id), (int)e->text.n,
                  (const char *)e->text.p);
        h->excluded |= (uint64_t)1 << member_index(h, bad);
        h->line = L_IDLE;
        create(h, who);
        return;
    }
    char why[160];
    snprintf(why, sizeof(why), "refused %s: %.*s", ts_msg_name(type), (int)e->text.n,
             (const char *)e->text.p);
    if (h->sw.started && type == TS_MSG_ACTIVATE)
        switch_failed(h, why);
    member_reset(h, m, "%s", why);
}

/* ---- prepared ---- */

static void prepared_clear(struct ts_host *h)
{
    free(h->prep.raw);
    ts_arena_free(&h->prep.arena);
    memset(&h->prep, 0, sizeof(h->prep));
    h->prep.creator = TS_NOBODY;
    for (unsigned i = 0; i < h->n_members; i++)
        h->members[i].vote = VOTE_NONE;
}

static void store_failed(struct ts_host *h, ts_err err)
{
    h->prep.retry_us = h->now.mono_us + RETRY_US;
    if (!h->storage_bad)
        out_event(h, TS_LOG_ERROR, "storage-failed", "reason=\"%s\" production=stopped",
                  ts_err_text(err));
    h->storage_bad = true;
}

static void store_recovered(struct ts_host *h)
{
    h->prep.retry_us = 0;
    if (h->storage_bad)
        out_event(h, TS_LOG_INFO, "storage-recovered", "production=goes-on");
    h->storage_bad = false;
}

static void store_prepared(struct ts_host *h)
{
    struct store_step *s = step_new(h, STEP_PREPARED, 1);
    struct ts_store_op *op = step_op(s, TS_OP_PUT_BATCH);
    op->number = h->prep.batch.header.number;
    op->hash = h->prep.hash;
    op->status = TS_BATCH_PREPARED;
    op->data = ts_bytes_of(h->prep.raw, h->prep.n_raw);
    h->prep.stage = P_STORING;
    h->prep.retry_us = 0;
    step_send(h, s);
}

static void note_rejected(struct ts_host *h, const struct ts_msg_created *c)
{
    struct prepared *p = &h->prep;
    if (c == NULL || !c->fresh || c->n_rejected == 0)
        return;
    p->rejected = ts_arena_array(&p->arena, c->n_rejected, sizeof(*p->rejected));
    TS_CHECK(p->rejected != NULL);
    for (size_t i = 0; i < c->n_rejected; i++) {
        const struct ts_msg_rejected *r = &c->rejected[i];
        if (r->code == TS_E_TX_DEFERRED || r->index >= h->n_offered)
            continue;
        struct rejected_tx *out = &p->rejected[p->n_rejected++];
        out->hash = h->offered[r->index];
        out->code = r->code;
        snprintf(out->text, sizeof(out->text), "%.*s", (int)r->text.n, (const char *)r->text.p);
    }
}

static ts_err check_raw(struct ts_host *h, ts_bytes raw, struct ts_fault *fault)
{
    struct prepared *p = &h->prep;
    ts_arena_init(&p->arena, 0);
    p->raw = host_alloc(raw.n);
    memcpy(p->raw, raw.p, raw.n);
    p->n_raw = raw.n;
    ts_err err = ts_batch_decode(ts_bytes_of(p->raw, p->n_raw),
                                 (size_t)h->genesis->params.max_batch_bytes, &p->arena, &p->batch);
    if (err != TS_OK) {
        snprintf(fault->what, sizeof(fault->what), "not a batch: %s", ts_err_text(err));
        return err;
    }
    ts_header_hash(&h->genesis->domain, &p->batch.header, &p->hash);
    if (produce_is_discarded(h, &p->hash))
        return TS_E_CONFLICT;
    err = ts_batch_check(&h->chain, &p->batch, NULL, h->effect, fault);
    if (err != TS_OK)
        return err;
    p->tx_hashes = ts_arena_array(&p->arena, p->batch.n_txs + 1, sizeof(*p->tx_hashes));
    TS_CHECK(p->tx_hashes != NULL);
    for (size_t i = 0; i < p->batch.n_txs; i++)
        ts_tx_hash(p->batch.txs[i], &p->tx_hashes[i]);
    return TS_OK;
}

ts_err produce_take(struct ts_host *h, struct member *creator, ts_bytes raw,
                    const struct ts_msg_created *c, struct ts_fault *fault)
{
    memset(fault, 0, sizeof(*fault));
    if (h->prep.stage != P_NONE)
        return TS_E_CONFLICT;
    ts_err err = check_raw(h, raw, fault);
    if (err == TS_OK && creator != NULL &&
        !ts_address_equal(&h->prep.batch.header.producer, &creator->id)) {
        snprintf(fault->what, sizeof(fault->what), "the batch is by another producer");
        err = TS_E_V2_PRODUCER;
    }
    if (err != TS_OK) {
        prepared_clear(h);
        return err;
    }
    for (unsigned i = 0; i < h->n_members; i++)
        h->members[i].vote = VOTE_NONE;
    h->prep.creator = creator != NULL ? member_index(h, creator) : TS_NOBODY;
    h->prep.producer = h->prep.batch.header.producer;
    h->prep.since_us = h->now.mono_us;
    note_rejected(h, c);
    pool_take(h, h->prep.tx_hashes, h->prep.batch.n_txs, true);
    for (size_t i = 0; i < h->prep.n_rejected; i++)
        pool_take(h, &h->prep.rejected[i].hash, 1, true);
    store_prepared(h);
    return TS_OK;
}

void produce_created(struct ts_host *h, struct member *m, const struct ts_msg_created *c)
{
    if (h->line != L_CREATING || h->producer != member_index(h, m)) {
        member_reset(h, m, "%s", "created a batch that is no longer wanted");
        return;
    }
    struct ts_fault fault;
    ts_err err = produce_take(h, m, c->batch, c, &fault);
    if (err == TS_E_CONFLICT) {
        member_reset(h, m, "%s", "created a batch that had been discarded");
        return;
    }
    if (err != TS_OK) {
        member_corrupt(h, m, "created an invalid batch: %s: %s", ts_err_name(err), fault.what);
        return;
    }
    h->line = L_IDLE;
    m->head = (struct ts_msg_head){h->prep.batch.header.number, h->prep.hash};
    m->state = TS_ENC_ACTIVE;
    member_take_events(h, m, c->has_report, &c->report, c->transitions, c->n_transitions);
}

/* ---- feeding and votes ---- */

void produce_feed_member(struct ts_host *h, struct member *m)
{
    if (h->prep.stage != P_FEEDING || m->phase != M_READY || m->vote != VOTE_NONE ||
        !ts_hash_equal(&m->head.hash, &h->chain.head.hash))
        return;
    struct ts_msg msg = {.type = TS_MSG_ACCEPT};
    msg.u.accept.batch = ts_bytes_of(h->prep.raw, h->prep.n_raw);
    if (member_ask(h, m, &msg, h->prep.batch.n_txs, h->prep.batch.header.number))
        m->vote = VOTE_FED;
}

static bool whitelisted_after(const struct ts_host *h, const struct member *m)
{
    size_t n;
    const ts_address *ids = ts_effect_whitelist(h->effect, &n);
    for (size_t i = 0; i < n; i++)
        if (ts_address_equal(&ids[i], &m->id))
            return true;
    return false;
}

struct tally {
    uint64_t accepted, refused, waiting;
};

static struct tally count_votes(struct ts_host *h)
{
    struct tally t = {0, 0, 0};
    for (unsigned i = 0; i < h->n_members; i++) {
        struct member *m = &h->members[i];
        if ((int)i == h->prep.creator || !m->known ||
            ts_address_equal(&m->id, &h->prep.producer) || m->suspect || !whitelisted_after(h, m))
            continue;
        bool has_it = ts_hash_equal(&m->head.hash, &h->prep.hash) && m->phase == M_READY;
        if (m->vote == VOTE_ACCEPTED || has_it)
            t.accepted++;
        else if (m->vote == VOTE_REFUSED)
            t.refused++;
        else if (m->vote == VOTE_FED && m->phase == M_READY)
            t.waiting++;
    }
    if (!start_settled(h))
        t.waiting++;
    return t;
}

static void say_under_quorum(struct ts_host *h, uint64_t accepted)
{
    if (accepted >= h->set.commit_quorum) {
        h->under_quorum_said = false;
        return;
    }
    h->counters.alone += accepted == 0;
    if (!h->under_quorum_said)
        out_event(h, TS_LOG_WARN, "under-quorum", "number=%llu accepted=%llu quorum=%llu",
                  (unsigned long long)h->prep.batch.header.number, (unsigned long long)accepted,
                  (unsigned long long)h->set.commit_quorum);
    h->under_quorum_said = true;
}

/* ---- commit ---- */

static void commit(struct ts_host *h)
{
    struct prepared *p = &h->prep;
    struct store_step *s = step_new(h, STEP_COMMIT, 1 + p->batch.n_txs + 2 * p->n_rejected);
    struct ts_store_op *op = step_op(s, TS_OP_SET_STATUS);
    op->number = p->batch.header.number;
    op->hash = p->hash;
    op->status = TS_BATCH_COMMITTED;
    op->tx_hashes = p->tx_hashes;
    op->n_tx_hashes = p->batch.n_txs;
    for (size_t i = 0; i < p->batch.n_txs; i++)
        step_op(s, TS_OP_DROP_TX)->hash = p->tx_hashes[i];
    for (size_t i = 0; i < p->n_rejected; i++) {
        step_op(s, TS_OP_DROP_TX)->hash = p->rejected[i].hash;
        op = step_op(s, TS_OP_PUT_REJECTED);
        op->hash = p->rejected[i].hash;
        op->number = p->batch.header.number;
        op->code = p->rejected[i].code;
        op->text = p->rejected[i].text;
    }
    p->stage = P_COMMITTING;
    p->retry_us = 0;
    step_send(h, s);
}

/* So that a start need not read every batch again. */
static void store_chain_snapshot(struct ts_host *h)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_chain_snapshot_put(&b, &h->chain);
    if (b.err == TS_OK)
        put_meta(h, "chain", ts_buf_bytes(&b));
    ts_buf_free(&b);
}

static void schedule_snapshot(struct ts_host *h)
{
    for (unsigned i = 0; i < h->n_members; i++)
        if (h->members[i].snapshotting)
            return;
    unsigned up = 0;
    for (unsigned i = 0; i < h->n_members; i++)
        up += is_up(h, &h->members[i]);
    for (unsigned i = 0; i < h->n_members; i++) {
        struct member *m = &h->members[i];
        if (!is_up(h, m) || m->head.number < m->snapshot_at + h->set.snapshot_every ||
            (m->state == TS_ENC_ACTIVE && up > 1))
            continue;
        struct ts_msg msg = {.type = TS_MSG_SNAPSHOT};
        if (member_ask(h, m, &msg, 0, 0))
            m->snapshotting = true;
        return;
    }
}

static void say_takeover(struct ts_host *h)
{
    h->counters.last_takeover_us = h->now.mono_us - h->takeover_since_us;
    h->taking_over = false;
    out_event(h, TS_LOG_INFO, "takeover", "to=%s number=%llu term=%llu took_us=%llu",
              short_id(h, &h->prep.producer), (unsigned long long)h->prep.batch.header.number,
              (unsigned long long)h->prep.batch.header.term,
              (unsigned long long)h->counters.last_takeover_us);
}

static void committed(struct ts_host *h)
{
    struct prepared *p = &h->prep;
    TS_CHECK(ts_chain_apply(&h->chain, h->effect) == TS_OK);
    uint8_t *raw = ts_arena_alloc(&h->arena, p->n_raw);
    TS_CHECK(raw != NULL);
    memcpy(raw, p->raw, p->n_raw);
    struct ts_host_output *o = out_push(h, TS_OUT_BROADCAST);
    o->bytes = ts_bytes_of(raw, p->n_raw);
    o->number = p->batch.header.number;
    o->hash = p->hash;
    h->counters.batches++;
    pool_remove(h, p->tx_hashes, p->batch.n_txs, true);
    for (size_t i = 0; i < p->n_rejected; i++)
        pool_remove(h, &p->rejected[i].hash, 1, false);
    if (p->creator != TS_NOBODY)
        h->last_producer = p->creator;
    if (h->taking_over)
        say_takeover(h);
    switch_committed(h);
    uint64_t due = h->tick_us + h->set.interval_us;
    h->next_batch_us = due > h->now.mono_us ? due : h->now.mono_us;
    h->excluded = 0;
    h->n_discarded = 0; /* all of them were at this number */
    prepared_clear(h);
    pool_forget_senders(h);
    if (h->chain.head.number % SNAPSHOT_META_EVERY == 0)
        store_chain_snapshot(h);
    schedule_snapshot(h);
    for (unsigned i = 0; i < h->n_members; i++)
        join_advance(h, &h->members[i]);
}

/* ---- dispute ---- */

static void discard(struct ts_host *h)
{
    struct store_step *s = step_new(h, STEP_DISCARD, 1);
    struct ts_store_op *op = step_op(s, TS_OP_SET_STATUS);
    op->number = h->prep.batch.header.number;
    op->hash = h->prep.hash;
    op->status = TS_BATCH_DISCARDED;
    h->prep.stage = P_DISCARDING;
    h->prep.retry_us = 0;
    step_send(h, s);
}

static void discarded(struct ts_host *h)
{
    uint64_t number = h->prep.batch.header.number;
    ts_hash hash = h->prep.hash;
    struct member *creator = creator_of(h);
    if (creator == NULL)
        creator = member_by_id(h, &h->prep.producer);
    produce_discarded_add(h, &hash);
    h->counters.discarded++;
    h->hold_number = number;
    h->hold_until_us = h->now.mono_us + h->set.dispute_hold_us;
    pool_take(h, h->prep.tx_hashes, h->prep.batch.n_txs, false);
    for (size_t i = 0; i < h->prep.n_rejected; i++)
        pool_take(h, &h->prep.rejected[i].hash, 1, false);
    out_event(h, TS_LOG_ERROR, "batch-discarded", "number=%llu by=%s", (unsigned long long)number,
              short_id(h, &h->prep.producer));
    snprintf(h->switch_reason, sizeof(h->switch_reason),
             "batch %llu of %s was refused by the other enclaves", (unsigned long long)number,
             short_id(h, &h->prep.producer));
    prepared_clear(h);
    if (creator != NULL)
        make_suspect(h, creator, number);
    for (unsigned i = 0; i < h->n_members; i++) {
        struct member *m = &h->members[i];
        if (m->phase == M_READY && ts_hash_equal(&m->head.hash, &hash))
            member_bench(h, m, true, "its head %llu was discarded", (unsigned long long)number);
    }
    h->counters.failovers++;
    h->next_batch_us = h->now.mono_us;
}

static void refuser_is_wrong(struct ts_host *h, struct member *m, uint64_t number, ts_bytes text)
{
    make_suspect(h, m, number);
    if (++m->wrong_refusals >= 3) {
        member_corrupt(h, m, "refused batches that others accepted, %u times", m->wrong_refusals);
        return;
    }
    member_bench(h, m, true, "refused batch %llu that others accepted: %.*s",
                 (unsigned long long)number, (int)text.n, (const char *)text.p);
}

void produce_vote(struct ts_host *h, struct member *m, uint64_t number, bool accepted,
                  ts_bytes text)
{
    bool of_prepared = h->prep.stage >= P_FEEDING && number == h->prep.batch.header.number;
    if (accepted) {
        if (of_prepared)
            m->vote = VOTE_ACCEPTED;
        if (m->suspect && number >= m->suspect_number &&
            !ts_hash_equal(&m->boot_id, &m->suspect_boot))
            m->suspect = false;
        produce_feed_member(h, m); /* a slow one may be at the parent only now */
        return;
    }
    out_event(h, TS_LOG_ERROR, "batch-refused", "number=%llu by=%s reason=\"%.*s\"",
              (unsigned long long)number, short_id(h, &m->id), (int)text.n, (const char *)text.p);
    if (of_prepared && h->prep.stage == P_FEEDING)
        m->vote = VOTE_REFUSED;
    else
        refuser_is_wrong(h, m, number, text);
}

static void punish_refusers(struct ts_host *h)
{
    for (unsigned i = 0; i < h->n_members; i++)
        if (h->members[i].vote == VOTE_REFUSED)
            refuser_is_wrong(h, &h->members[i], h->prep.batch.header.number,
                             ts_bytes_of(NULL, 0));
}

/* What becomes of the prepared batch, once enough is known. */
static void evaluate(struct ts_host *h)
{
    struct tally t = count_votes(h);
    if (t.refused > 0) {
        if (t.waiting > 0)
            return;
        if (t.accepted < h->set.commit_quorum) {
            discard(h);
            return;
        }
        punish_refusers(h);
    } else if (t.accepted < h->set.commit_quorum && t.waiting > 0) {
        return;
    }
    bool held = h->hold_number == h->prep.batch.header.number &&
                h->now.mono_us < h->hold_until_us;
    if (t.accepted == 0 && held)
        return;
    say_under_quorum(h, t.accepted);
    commit(h);
}

void produce_member_lost(struct ts_host *h, struct member *m)
{
    int who = member_index(h, m);
    if (h->line != L_IDLE && h->producer == who)
        h->line = L_IDLE;
    if (h->sw.started && (h->sw.to == who || h->sw.from == who)) {
        bool successor_lost = h->sw.to == who;
        if (successor_lost)
            switch_failed(h, "the successor was lost in the middle of the switch");
        else if (h->line == L_STEPPING_DOWN) {
            /* It died instead of stepping down: the successor goes on without its Passive. */
            h->line = L_IDLE;
            create(h, h->sw.to);
        }
    }
}

/* ---- durable ---- */

void produce_stored(struct ts_host *h, int what, ts_err err)
{
    if (err != TS_OK) {
        store_failed(h, err);
        return;
    }
    store_recovered(h);
    if (what == STEP_PREPARED) {
        h->prep.stage = P_FEEDING;
        for (unsigned i = 0; i < h->n_members; i++)
            produce_feed_member(h, &h->members[i]);
    } else if (what == STEP_COMMIT) {
        committed(h);
    } else if (what == STEP_DISCARD) {
        discarded(h);
    }
}

/* ---- the line ---- */

static void say_no_candidate(struct ts_host *h)
{
    if (h->no_candidate_said)
        return;
    h->no_candidate_said = true;
    out_event(h, TS_LOG_ERROR, "no-candidate", "head=%llu", (unsigned long long)h->chain.head.number);
    for (unsigned i = 0; i < h->n_members; i++) {
        const struct member *m = &h->members[i];
        const char *fault = candidate_fault(h, m);
        out_event(h, TS_LOG_WARN, "not-a-candidate", "link=%u enclave=%s reason=\"%s\"", m->link,
                  m->known ? short_id(h, &m->id) : "?", fault ? fault : "cannot be activated now");
    }
}

static bool start_switch(struct ts_host *h, int producer)
{
    if (!h->sw.wanted || h->sw.started)
        return false;
    const char *fault = candidate_fault(h, &h->members[h->sw.to]);
    if (fault != NULL || h->sw.to == producer) {
        switch_failed(h, fault ? fault : "it is the active one");
        return false;
    }
    h->sw.started = true;
    h->sw.from = producer;
    activate(h, h->sw.to);
    if (h->line == L_ACTIVATING)
        return true;
    h->sw.started = false; /* a term is being reserved: the next turn */
    return false;
}

static void next_batch(struct ts_host *h)
{
    int producer = choose_producer(h);
    if (h->tick_us < h->next_batch_us)
        h->tick_us = h->next_batch_us;
    if (producer != TS_NOBODY) {
        h->no_candidate_said = false;
        if (!start_switch(h, producer) && h->line == L_IDLE)
            create(h, producer);
        return;
    }
    int successor = choose_successor(h, TS_NOBODY);
    if (successor == TS_NOBODY) {
        say_no_candidate(h);
        return;
    }
    h->no_candidate_said = false;
    activate(h, successor);
}

static void retry_store(struct ts_host *h)
{
    if (h->prep.retry_us == 0 || h->now.mono_us < h->prep.retry_us)
        return;
    if (h->prep.stage == P_STORING)
        store_prepared(h);
    else if (h->prep.stage == P_COMMITTING)
        commit(h);
    else if (h->prep.stage == P_DISCARDING)
        discard(h);
}

void produce_advance(struct ts_host *h)
{
    retry_store(h);
    if (h->prep.stage == P_FEEDING)
        evaluate(h);
    if (h->prep.stage != P_NONE || h->line != L_IDLE)
        return;
    if (h->stopping) {
        if (!h->stopped)
            out_push(h, TS_OUT_STOPPED);
        h->stopped = true;
        return;
    }
    if (h->paused || !start_settled(h) || h->now.mono_us < h->next_batch_us)
        return;
    next_batch(h);
}

uint64_t produce_wake(const struct ts_host *h)
{
    if (h->prep.stage != P_NONE) {
        if (h->prep.retry_us != 0)
            return h->prep.retry_us;
        if (h->prep.stage == P_FEEDING && h->hold_number == h->prep.batch.header.number &&
            h->now.mono_us < h->hold_until_us)
            return h->hold_until_us;
        return h->settled ? UINT64_MAX : h->grace_until_us;
    }
    if (h->stopped || h->paused || h->line != L_IDLE)
        return UINT64_MAX;
    if (!h->settled && h->grace_until_us > h->now.mono_us)
        return h->grace_until_us;
    return h->next_batch_us > h->now.mono_us ? h->next_batch_us : UINT64_MAX;
}
