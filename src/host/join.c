/* SPDX-License-Identifier: Apache-2.0 */
/* How an enclave gets from connected to ready: identify, take what it offers, judge its head, load
 * a state, catch up, be told that it is at the head. Source: docs/protocol.md, sections 3 and 5. */
#include "host/internal.h"

#define PROGRESS_US 3000000u
#define LOAD_US     30000000u /* for batches from the store */
/* While this host must not produce, another may want the enclave: it is not held meanwhile. */
#define ASIDE_US 5000000u

static void judge(struct ts_host *h, struct member *m);

void join_identify(struct ts_host *h, struct member *m)
{
    struct ts_msg msg = {.type = TS_MSG_IDENTIFY};
    member_ask(h, m, &msg, 0, 0);
}

bool join_is_on_chain(const struct ts_host *h, const struct ts_msg_head *head)
{
    const ts_hash *ours =
        head->number == 0 ? &h->genesis->hash : ts_chain_recent(&h->chain, head->number);
    return ours != NULL && ts_hash_equal(ours, &head->hash);
}

static void load_from_store(struct ts_host *h, struct member *m, enum load_why what, uint64_t from,
                            uint64_t count)
{
    m->load_for = what;
    m->loading_store = true;
    m->load_token = ++h->next_token;
    m->load_until_us = h->now.mono_us + LOAD_US;
    struct ts_host_output *o = out_push(h, TS_OUT_LOAD);
    o->token = m->load_token;
    o->from = from;
    o->count = count;
}

/* ---- a fresh boot: from the newest sealed head that is on the chain, or from genesis ---- */

/* A fresh boot that the network needs at another host, or on a newer store. True: it was dealt
 * with.
 */
static bool leave_alone(struct ts_host *h, struct member *m)
{
    if (!must_keep_off(h))
        return false;
    member_set_aside(h, m, ASIDE_US, "%s",
                     "left alone: others serve another host, or stand above what the store holds");
    return true;
}

static void ask_load(struct ts_host *h, struct member *m, const struct ts_msg_head *from)
{
    struct ts_msg msg = {.type = TS_MSG_LOAD};
    msg.u.load.genesis = h->genesis_raw;
    m->from_genesis = from == NULL;
    m->loading = (struct ts_msg_head){0, h->genesis->hash};
    if (from != NULL)
        m->loading = *from;
    msg.u.load.from = m->loading;
    m->phase = M_LOADING;
    member_ask(h, m, &msg, 0, 0);
}

static void load_next_sealed(struct ts_host *h, struct member *m)
{
    while (m->n_sealed > 0) {
        const struct ts_msg_head *s = &m->sealed[--m->n_sealed];
        if (s->number == 0 || s->number > h->chain.head.number)
            continue;
        if (ts_chain_recent(&h->chain, s->number) == NULL) {
            load_from_store(h, m, LOAD_SEALED, s->number, 1);
            return;
        }
        if (join_is_on_chain(h, s)) {
            ask_load(h, m, s);
            return;
        }
    }
    ask_load(h, m, NULL);
}

void join_refused_load(struct ts_host *h, struct member *m)
{
    if (m->from_genesis)
        member_reset(h, m, "%s", "refuses to load the genesis");
    else
        load_next_sealed(h, m);
}

void join_loaded_head(struct ts_host *h, struct member *m, const struct ts_msg_head *a)
{
    if (a->number != m->loading.number || !ts_hash_equal(&a->hash, &m->loading.hash)) {
        member_corrupt(h, m, "%s", "loaded another head than the one asked for");
        return;
    }
    m->head = *a;
    m->state = TS_ENC_SYNCING;
    m->phase = M_CATCHING_UP;
    m->fed = a->number;
    m->snapshot_at = a->number;
}

/* ---- judging the head of an enclave that may have signed ---- */

static bool served_elsewhere(const struct ts_host *h, const struct member *m, const ts_address *id)
{
    for (unsigned i = 0; i < h->n_members; i++) {
        const struct member *o = &h->members[i];
        if (o != m && o->known && o->phase == M_READY && ts_address_equal(&o->id, id))
            return true;
    }
    return false;
}

static void bench_double(struct ts_host *h, struct member *m)
{
    member_bench(h, m, false, "%s", "another link serves an enclave with the same id");
}

static void ready(struct ts_host *h, struct member *m)
{
    if (served_elsewhere(h, m, &m->id)) {
        bench_double(h, m);
        return;
    }
    m->phase = M_READY;
    if (m->fed < m->head.number)
        m->fed = m->head.number;
    m->is_ahead = m->said_ahead = m->elsewhere = false;
    m->tried = true;
    m->vote = VOTE_NONE;
    if (m->suspect && !ts_hash_equal(&m->boot_id, &m->suspect_boot) &&
        h->chain.head.number >= m->suspect_number)
        m->suspect = false;
    out_event(h, m->said_ready ? TS_LOG_DEBUG : TS_LOG_INFO, "enclave-ready",
              "enclave=%s state=%s head=%llu", short_id(h, &m->id), ts_enclave_state_name(m->state),
              (unsigned long long)m->head.number);
    m->said_ready = true;
    prepared_feed(h, m);
}

/* It follows the chain without a part in it, and is on the whitelist, or will be with the next
 * batch. */
static bool is_to_be_invited(const struct ts_host *h, const struct member *m)
{
    return m->state == TS_ENC_VALIDATING && (member_whitelisted(h, m) || l1_lists(h, m));
}

/* The notice of the next batch, to one that it adds. */
static void add_notice(struct ts_host *h, const struct member *m, struct ts_msg_synced *out)
{
    const struct l1_known *k = l1_is_used(h) ? l1_reference(h) : NULL;
    if (k == NULL || member_whitelisted(h, m) || !l1_lists(h, m))
        return;
    out->notice = l1_notice(h, &h->arena);
    if (out->notice.n > 0)
        out->l1_header = ts_bytes_of(k->header, k->n_header);
}

static void tell(struct ts_host *h, struct member *m)
{
    struct ts_msg msg = {.type = TS_MSG_REPORT};
    if (m->state == TS_ENC_SYNCING && leave_alone(h, m))
        return;
    if (m->state == TS_ENC_SYNCING || is_to_be_invited(h, m)) {
        msg.type = TS_MSG_SYNCED;
        msg.u.synced.time = h->now.unix_ms;
        add_notice(h, m, &msg.u.synced);
    }
    m->phase = M_JOINING;
    member_ask(h, m, &msg, 0, 0);
}

static bool at_prepared(const struct ts_host *h, const struct member *m)
{
    return h->prep.stage != P_NONE && ts_hash_equal(&m->head.hash, &h->prep.hash);
}

void join_told(struct ts_host *h, struct member *m)
{
    if (m->state == TS_ENC_SYNCING || m->state == TS_ENC_EMPTY ||
        (!m->has_report && member_whitelisted(h, m))) {
        member_reset(h, m, "%s", "was told that it is at the head and does not join");
        return;
    }
    bool on_chain = join_is_on_chain(h, &m->head);
    if (at_prepared(h, m) ||
        (on_chain && (m->head.number == h->chain.head.number || m->fed >= h->chain.head.number)))
        ready(h, m); /* what it lacks stands in its line */
    else if (on_chain && m->fed >= m->head.number)
        m->phase = M_CATCHING_UP;
    else
        judge(h, m);
}

static void off_chain(struct ts_host *h, struct member *m)
{
    m->elsewhere = false;
    if (m->state == TS_ENC_SYNCING) { /* has signed nothing: it may start over */
        load_next_sealed(h, m);
        return;
    }
    /* A batch that it made itself may be one whose answer came too late. One that it was given is
     * one that this host had stored, or the store is an old copy. */
    m->is_ahead = m->head.number > h->chain.head.number + (m->has_offers ? 1 : 0) &&
                  !prepared_is_discarded(h, &m->head.hash);
    if (!m->is_ahead || h->chain_has_grown || (h->settled && !store_may_be_old(h))) {
        member_bench(h, m, true, "its head %llu is off the chain",
                     (unsigned long long)m->head.number);
        return;
    }
    if (!m->said_ahead)
        out_event(h, TS_LOG_WARN, "enclave-ahead", "enclave=%s head=%llu store=%llu",
                  short_id(h, &m->id), (unsigned long long)m->head.number,
                  (unsigned long long)h->chain.head.number);
    m->said_ahead = true;
    member_set_aside(h, m, ASIDE_US, "its head %llu is above what the store holds",
                     (unsigned long long)m->head.number);
}

static void judge(struct ts_host *h, struct member *m)
{
    uint64_t n = m->head.number, head = h->chain.head.number;
    if (at_prepared(h, m)) {
        m->fed = n; /* it has all that is to be had: nothing is fed while it is told */
        tell(h, m);
        return;
    }
    if (n > head) {
        off_chain(h, m);
        return;
    }
    if (n > 0 && ts_chain_recent(&h->chain, n) == NULL) {
        load_from_store(h, m, LOAD_JUDGE, n, 1);
        return;
    }
    if (!join_is_on_chain(h, &m->head)) {
        off_chain(h, m);
        return;
    }
    m->is_ahead = m->said_ahead = m->elsewhere = false;
    m->phase = M_CATCHING_UP;
    m->fed = n;
}

static bool has_signed(uint64_t state)
{
    return state == TS_ENC_PASSIVE || state == TS_ENC_ACTIVE || state == TS_ENC_VALIDATING;
}

/* What was held against the enclave that stood on this link before is not this one's. */
static void forget_identity(struct ts_host *h, struct member *m)
{
    int who = member_index(h, m);
    m->suspect = false;
    m->proven = false;
    m->wrong_refusals = 0;
    m->cool_us = m->cool_until_us = 0;
    m->has_srtt = false;
    m->per_tx_us = 0;
    m->snapshot_at = 0;
    m->activations = 0;
    m->reason[0] = 0;
    if (h->sw.wanted && (h->sw.to == who || h->sw.from == who) && !switch_sealed(h))
        switch_failed(h, "another enclave stands in its place now");
}

/* An enclave that another link led to brings along what was held against it. */
static void take_over_identity(struct ts_host *h, struct member *m)
{
    for (unsigned i = 0; i < h->n_members; i++) {
        struct member *o = &h->members[i];
        bool idle = o->phase == M_DOWN || o->phase == M_CONNECTING || o->phase == M_SHUT;
        if (o == m || !o->known || !idle || !ts_address_equal(&o->id, &m->id))
            continue;
        m->suspect = o->suspect;
        m->suspect_number = o->suspect_number;
        m->suspect_boot = o->suspect_boot;
        m->wrong_refusals = o->wrong_refusals;
        o->known = false;
    }
    /* Who lost a dispute before the host was started anew is suspect still. */
    if (id_set_has(&h->losers, &m->id) && h->chain.head.number < h->hold_number) {
        m->suspect = true;
        m->suspect_number = h->hold_number;
        memset(&m->suspect_boot, 0, sizeof(m->suspect_boot));
    }
    id_set_remove(&h->losers, &m->id);
}

static void note_identity(struct ts_host *h, struct member *m, const struct ts_msg_identity *a)
{
    bool same = m->known && ts_address_equal(&m->id, &a->id);
    if (m->known && !same)
        forget_identity(h, m);
    m->known = m->named = true;
    m->said_early = false;
    if (!has_signed(a->state)) /* else it counts until its head is judged */
        m->elsewhere = false;
    m->has_offers = false;
    if (!ts_hash_equal(&m->boot_id, &a->boot_id))
        m->is_ahead = m->said_ahead = false; /* a new boot has signed nothing */
    m->id = a->id;
    if (!same)
        take_over_identity(h, m);
    m->boot_id = a->boot_id;
    m->boot_time = a->boot_time;
    m->state = a->state;
    m->head = a->head;
    m->active_term = a->term;
    m->n_sealed = a->n_sealed < TS_COUNT(m->sealed) ? a->n_sealed : TS_COUNT(m->sealed);
    if (m->n_sealed > 0) /* the newest stand last */
        memcpy(m->sealed, a->sealed + (a->n_sealed - m->n_sealed),
               m->n_sealed * sizeof(*a->sealed));
    m->drained = id_set_has(&h->drained, &m->id);
    m->corrupted = id_set_has(&h->corrupted, &m->id);
}

static void ask_offers(struct ts_host *h, struct member *m)
{
    struct ts_msg msg = {.type = TS_MSG_OFFERS};
    msg.u.offers.above = h->chain.head.number;
    member_ask(h, m, &msg, 0, 0);
}

void join_l1(struct ts_host *h, struct member *m)
{
    if (!m->waits_for_l1)
        return;
    m->waits_for_l1 = false;
    ask_offers(h, m);
}

void join_identity(struct ts_host *h, struct member *m, const struct ts_msg_identity *a)
{
    if (a->version != TS_LINK_VERSION) {
        member_bench(h, m, false, "speaks link version %llu, this host %u",
                     (unsigned long long)a->version, TS_LINK_VERSION);
        return;
    }
    if (served_elsewhere(h, m, &a->id)) {
        bench_double(h, m);
        return;
    }
    note_identity(h, m, a);
    if (m->corrupted) {
        member_shut(h, m);
        return;
    }
    if (!ts_hash_is_zero(&a->genesis) && !ts_hash_equal(&a->genesis, &h->genesis->hash)) {
        member_bench(h, m, false, "%s", "serves another network (its genesis differs)");
        return;
    }
    if (a->state == TS_ENC_HALTED) {
        member_bench(h, m, true, "%s", "has halted");
        return;
    }
    if (has_signed(a->state)) {
        ask_offers(h, m);
        return;
    }
    if (leave_alone(h, m))
        return;
    if (a->state == TS_ENC_SYNCING)
        judge(h, m);
    else
        load_next_sealed(h, m);
}

/* Takes the batch that would be the next, if nobody else's was first. True: one was taken. */
static bool take_offer(struct ts_host *h, struct member *m, const struct ts_msg_offered *a)
{
    struct ts_fault fault = {.what = ""};
    ts_err err = TS_E_CONFLICT;
    for (size_t i = 0; i < a->n && h->prep.stage == P_NONE && h->line == L_IDLE && err != TS_E_L1;
         i++)
        err = prepared_take(h, m, a->batches[i], NULL, &fault);
    m->waits_for_l1 = err == TS_E_L1;
    if (err == TS_OK)
        out_event(h, TS_LOG_INFO, "offer-taken", "enclave=%s number=%llu", short_id(h, &m->id),
                  (unsigned long long)h->prep.batch.header.number);
    else if ((err != TS_E_CONFLICT || fault.what[0] != '\0') && err != TS_E_L1)
        out_event(h, TS_LOG_WARN, "offer-refused", "enclave=%s reason=\"%s\"", short_id(h, &m->id),
                  fault.what);
    return err == TS_OK;
}

void join_offered(struct ts_host *h, struct member *m, const struct ts_msg_offered *a)
{
    if (m->phase != M_IDENTIFYING)
        return;
    m->has_offers = a->n > 0;
    bool taken = take_offer(h, m, a);
    if (m->waits_for_l1)
        return; /* the start is not settled before, or its time is over: join_advance */
    /* An enclave two batches ahead of a host that lost them gives them one after the other. */
    if (taken && m->head.number > h->prep.batch.header.number)
        member_reset(h, m, "%s", "has more batches than this host");
    else
        judge(h, m);
}

/* ---- batches from the store ---- */

static bool feed_one(struct ts_host *h, struct member *m, const struct ts_store_batch *b)
{
    if (b->number != m->fed + 1)
        return false;
    /* The transactions are not counted here; their bytes bound the work. */
    if (!member_ask_accept(h, m, b->raw, b->l1_header, b->raw.n < 8192 ? 0 : b->raw.n / 100,
                           b->number, &b->hash))
        return false;
    m->fed = b->number;
    return true;
}

void join_from_store(struct ts_host *h, struct member *m, const struct ts_host_input *in)
{
    enum load_why what = m->load_for;
    m->loading_store = false;
    m->load_for = LOAD_NONE;
    if (in->err != TS_OK || in->n_batches == 0) {
        member_reset(h, m, "the store does not give the batches to catch up with: %s",
                     ts_err_text(in->err == TS_OK ? (int)TS_E_NOT_FOUND : (int)in->err));
        return;
    }
    if (what == LOAD_FEED) {
        for (size_t i = 0; i < in->n_batches && feed_one(h, m, &in->batches[i]); i++)
            ;
        return;
    }
    const struct ts_store_batch *b = &in->batches[0];
    if (what == LOAD_SEALED) {
        struct ts_msg_head *s = &m->sealed[m->n_sealed];
        if (b->number == s->number && ts_hash_equal(&b->hash, &s->hash))
            ask_load(h, m, s);
        else
            load_next_sealed(h, m);
        return;
    }
    if (b->number == m->head.number && ts_hash_equal(&b->hash, &m->head.hash)) {
        m->is_ahead = m->said_ahead = m->elsewhere = false;
        m->phase = M_CATCHING_UP;
        m->fed = b->number;
    } else {
        off_chain(h, m);
    }
}

/* Every few seconds how far a long catch-up has come. */
static void say_progress(struct ts_host *h, struct member *m)
{
    uint64_t passed = h->now.mono_us - m->said_us;
    if (passed < PROGRESS_US)
        return;
    if (m->said_us != 0 && m->head.number > m->said_head)
        out_event(h, TS_LOG_INFO, "enclave-catching-up",
                  "enclave=%s head=%llu of=%llu per_second=%llu", short_id(h, &m->id),
                  (unsigned long long)m->head.number, (unsigned long long)h->chain.head.number,
                  (unsigned long long)((m->head.number - m->said_head) * 1000000 / passed));
    m->said_us = h->now.mono_us;
    m->said_head = m->head.number;
}

void join_advance(struct ts_host *h, struct member *m)
{
    if (m->phase == M_READY && m->head.number < h->chain.head.number && m->fifo_n == 0) {
        m->phase = M_CATCHING_UP; /* it was too slow to be fed in turn */
        m->fed = m->head.number;
    }
    if (m->waits_for_l1 && h->settled) {
        m->waits_for_l1 = false;
        judge(h, m);
        return;
    }
    if (m->phase == M_READY && m->fifo_n == 0 && is_to_be_invited(h, m) &&
        ts_hash_equal(&m->head.hash, &h->chain.head.hash)) {
        tell(h, m);
        return;
    }
    if ((m->phase != M_CATCHING_UP && m->phase != M_JOINING) || m->loading_store)
        return;
    uint64_t head = h->chain.head.number;
    if (m->phase == M_CATCHING_UP)
        say_progress(h, m);
    /* All up to the head has been sent: when it comes to this it is at the head, or as near to it
     * as the way there allows. */
    if (m->phase == M_CATCHING_UP && m->fed == head && m->fifo_n < TS_FEED_WINDOW / 2) {
        m->said_us = 0;
        tell(h, m);
        return;
    }
    if (m->fed < head && m->fifo_n < TS_FEED_WINDOW / 2)
        load_from_store(h, m, LOAD_FEED, m->fed + 1, TS_FEED_WINDOW);
}
