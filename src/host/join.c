/* SPDX-License-Identifier: Apache-2.0 */
/* How an enclave gets from connected to ready: identify, take what it offers, judge its head, load
 * a state, catch up, be told that it is at the head. Source: docs/protocol.md, sections 3 and 5. */
#include "host/internal.h"

#define PROGRESS_US 3000000u

static void judge(struct ts_host *h, struct member *m);

void join_identify(struct ts_host *h, struct member *m)
{
    struct ts_msg msg = {.type = TS_MSG_IDENTIFY};
    member_ask(h, m, &msg, 0, 0);
}

bool join_is_on_chain(const struct ts_host *h, const struct ts_msg_head *head)
{
    const ts_hash *ours = ts_chain_recent(&h->chain, head->number);
    return head->number <= h->chain.head.number && ours != NULL && ts_hash_equal(ours, &head->hash);
}

static void load_from_store(struct ts_host *h, struct member *m, enum load_why what, uint64_t from,
                            uint64_t count)
{
    m->load_for = what;
    m->loading_store = true;
    m->load_token = ++h->next_token;
    struct ts_host_output *o = out_push(h, TS_OUT_LOAD);
    o->token = m->load_token;
    o->from = from;
    o->count = count;
}

/* ---- a fresh boot: from the newest sealed head that is on the chain, or from genesis ---- */

static void ask_load(struct ts_host *h, struct member *m, const struct ts_msg_head *from)
{
    struct ts_msg msg = {.type = TS_MSG_LOAD};
    msg.u.load.genesis = h->genesis_raw;
    if (from != NULL)
        msg.u.load.from = *from;
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
    if (m->n_sealed == 0 && m->head.number == UINT64_MAX) {
        member_reset(h, m, "%s", "refuses to load the genesis");
        return;
    }
    if (m->n_sealed == 0)
        m->head.number = UINT64_MAX; /* the last try: from genesis */
    load_next_sealed(h, m);
}

void join_loaded_head(struct ts_host *h, struct member *m, const struct ts_msg_head *a)
{
    m->head = *a;
    m->state = TS_ENC_SYNCING;
    m->phase = M_CATCHING_UP;
    m->fed = a->number;
    m->snapshot_at = a->number;
    if (a->number > h->chain.head.number)
        member_reset(h, m, "%s", "loaded a head that is above the chain's");
}

/* ---- judging the head of an enclave that may have signed ---- */

static void ready(struct ts_host *h, struct member *m)
{
    m->phase = M_READY;
    m->tried = true;
    m->backoff_us = 0;
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

static void tell(struct ts_host *h, struct member *m)
{
    struct ts_msg msg = {.type = TS_MSG_REPORT};
    if (m->state == TS_ENC_SYNCING || (m->state == TS_ENC_VALIDATING && member_whitelisted(h, m))) {
        msg.type = TS_MSG_SYNCED;
        msg.u.synced.time = h->now.unix_ms;
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
    if (m->state == TS_ENC_SYNCING || m->state == TS_ENC_EMPTY) {
        member_reset(h, m, "%s", "was told that it is at the head and does not join");
        return;
    }
    if (ts_hash_equal(&m->head.hash, &h->chain.head.hash) || at_prepared(h, m))
        ready(h, m);
    else
        judge(h, m);
}

static void off_chain(struct ts_host *h, struct member *m)
{
    if (m->state == TS_ENC_SYNCING) { /* has signed nothing: it may start over */
        load_next_sealed(h, m);
        return;
    }
    /* A batch that it made itself may be one whose answer came too late. One that it was given is
     * one that this host had stored, or the store is an old copy. */
    m->is_ahead = m->head.number > h->chain.head.number + (m->has_offers ? 1 : 0) &&
                  !prepared_is_discarded(h, &m->head.hash);
    bool may_be_right = m->is_ahead && (!h->settled || h->store_is_behind);
    member_bench(h, m, !may_be_right, "its head %llu is %s", (unsigned long long)m->head.number,
                 may_be_right ? "above what the store holds" : "off the chain");
}

static void judge(struct ts_host *h, struct member *m)
{
    uint64_t n = m->head.number, head = h->chain.head.number;
    if (at_prepared(h, m)) {
        tell(h, m);
        return;
    }
    if (n > head) {
        off_chain(h, m);
        return;
    }
    if (ts_chain_recent(&h->chain, n) == NULL) {
        load_from_store(h, m, LOAD_JUDGE, n, 1);
        return;
    }
    if (!join_is_on_chain(h, &m->head)) {
        off_chain(h, m);
        return;
    }
    m->is_ahead = false;
    m->phase = M_CATCHING_UP;
    m->fed = n;
}

static bool has_signed(uint64_t state)
{
    return state == TS_ENC_PASSIVE || state == TS_ENC_ACTIVE || state == TS_ENC_VALIDATING;
}

static bool served_elsewhere(struct ts_host *h, const struct member *m, const ts_address *id)
{
    for (unsigned i = 0; i < h->n_members; i++) {
        const struct member *o = &h->members[i];
        if (o != m && o->known && o->phase > M_IDENTIFYING && o->phase < M_BENCHED &&
            ts_address_equal(&o->id, id))
            return true;
    }
    return false;
}

static void note_identity(struct ts_host *h, struct member *m, const struct ts_msg_identity *a)
{
    m->known = true;
    m->has_offers = false;
    if (!ts_hash_equal(&m->boot_id, &a->boot_id))
        m->is_ahead = false; /* a new boot has signed nothing */
    m->id = a->id;
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

void join_identity(struct ts_host *h, struct member *m, const struct ts_msg_identity *a)
{
    if (a->version != TS_LINK_VERSION) {
        member_bench(h, m, false, "speaks link version %llu, this host %u",
                     (unsigned long long)a->version, TS_LINK_VERSION);
        return;
    }
    if (served_elsewhere(h, m, &a->id)) {
        member_bench(h, m, false, "%s", "another link serves an enclave with the same id");
        return;
    }
    note_identity(h, m, a);
    if (m->corrupted) {
        m->phase = M_SHUT;
        m->tried = true;
        out_push(h, TS_OUT_CLOSE)->link = m->link;
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
        struct ts_msg msg = {.type = TS_MSG_OFFERS};
        msg.u.offers.above = h->chain.head.number;
        member_ask(h, m, &msg, 0, 0);
        return;
    }
    if (a->state == TS_ENC_SYNCING)
        judge(h, m);
    else
        load_next_sealed(h, m);
}

/* Takes the batch that would be the next, if nobody else's was first. */
static void take_offer(struct ts_host *h, struct member *m, ts_bytes raw)
{
    struct ts_fault fault;
    ts_err err = prepared_take(h, m, raw, NULL, &fault);
    if (err == TS_OK)
        out_event(h, TS_LOG_INFO, "offer-taken", "enclave=%s number=%llu", short_id(h, &m->id),
                  (unsigned long long)h->prep.batch.header.number);
    else if (err != TS_E_CONFLICT)
        out_event(h, TS_LOG_WARN, "offer-refused", "enclave=%s reason=\"%s\"", short_id(h, &m->id),
                  fault.what);
}

void join_offered(struct ts_host *h, struct member *m, const struct ts_msg_offered *a)
{
    if (m->phase != M_IDENTIFYING)
        return;
    m->has_offers = a->n > 0;
    for (size_t i = 0; i < a->n && h->prep.stage == P_NONE && h->line == L_IDLE; i++)
        take_offer(h, m, a->batches[i]);
    /* An enclave two batches ahead of a host that lost them gives them one after the other. */
    if (h->prep.stage != P_NONE && m->head.number > h->prep.batch.header.number) {
        m->phase = M_DOWN;
        m->retry_us = h->now.mono_us + 10000;
        out_push(h, TS_OUT_CLOSE)->link = m->link;
        return;
    }
    judge(h, m);
}

/* ---- batches from the store ---- */

static bool feed_one(struct ts_host *h, struct member *m, const struct ts_store_batch *b)
{
    if (b->number != m->fed + 1)
        return false;
    struct ts_msg msg = {.type = TS_MSG_ACCEPT};
    msg.u.accept.batch = b->raw;
    /* The transactions are not counted here; their bytes bound the work. */
    if (!member_ask(h, m, &msg, b->raw.n < 8192 ? 0 : b->raw.n / 100, b->number))
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
    if (m->phase != M_CATCHING_UP || m->loading_store)
        return;
    uint64_t head = h->chain.head.number;
    say_progress(h, m);
    if (m->head.number == head && m->fifo_n == 0) {
        m->said_us = 0;
        tell(h, m);
        return;
    }
    if (m->fed < head && m->fifo_n < TS_FEED_WINDOW / 2)
        load_from_store(h, m, LOAD_FEED, m->fed + 1, TS_FEED_WINDOW);
}
