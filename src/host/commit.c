/* SPDX-License-Identifier: Apache-2.0 */
/* A batch from its seal to its end: prepared on disk, fed to the passives, then committed and
 * broadcast, or discarded after a dispute. Nothing is shown to anyone before it is durable. Source:
 * docs/protocol.md, section 5. */
#include "chain/snapshot.h"
#include "host/internal.h"

#define RETRY_US            500000u /* a failed store step */
#define SNAPSHOT_META_EVERY 1024u

/* ---- discarded hashes ---- */

bool prepared_is_discarded(const struct ts_host *h, const ts_hash *hash)
{
    for (size_t i = 0; i < h->n_discarded; i++)
        if (ts_hash_equal(&h->discarded[i], hash))
            return true;
    return false;
}

void prepared_note_discarded(struct ts_host *h, const ts_hash *hash)
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

/* ---- prepared ---- */

static void prepared_clear(struct ts_host *h)
{
    free(h->prep.raw);
    ts_arena_free(&h->prep.arena);
    memset(&h->prep, 0, sizeof(h->prep));
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
        out_event(h, TS_LOG_INFO, "storage-recovered", "production=%s",
                  h->paused ? "paused" : "resumed");
    h->storage_bad = false;
}

/* Whoever catches up is given it with the batch; so is this host at its next start. */
static void put_l1_header(struct ts_host *h, struct store_step *s)
{
    const struct ts_batch_header *e = &h->prep.batch.header;
    ts_bytes header = l1_header_of(h, e);
    if (header.n == 0 ||
        (h->chain.head.number > 0 && ts_hash_equal(&e->l1_hash, &h->chain.head.l1_hash)))
        return;
    uint8_t *copy = ts_arena_alloc(&s->arena, header.n);
    TS_CHECK(copy != NULL);
    memcpy(copy, header.p, header.n);
    struct ts_store_op *op = step_op(s, TS_OP_PUT_L1);
    op->number = e->l1_number;
    op->hash = e->l1_hash;
    op->data = ts_bytes_of(copy, header.n);
}

static void store_prepared(struct ts_host *h)
{
    struct store_step *s = step_new(h, STEP_PREPARED, 2);
    put_l1_header(h, s);
    struct ts_store_op *op = step_op(s, TS_OP_PUT_BATCH);
    op->number = h->prep.batch.header.number;
    op->hash = h->prep.hash;
    op->status = TS_BATCH_PREPARED;
    op->data = ts_bytes_of(h->prep.raw, h->prep.n_raw);
    h->prep.stage = P_STORING;
    h->prep.retry_us = 0;
    step_send(h, s);
}

/* The batch's transactions are marked as taken. The decoder has seen to it that indices ascend. */
static ts_err note_rejected(struct ts_host *h, const struct ts_msg_created *c,
                            struct ts_fault *fault)
{
    struct prepared *p = &h->prep;
    if (c == NULL || !c->fresh || c->n_rejected == 0)
        return TS_OK;
    const char *lie = c->rejected[c->n_rejected - 1].index >= h->n_offered
                          ? "a transaction is rejected that was not offered"
                          : NULL;
    p->rejected = lie ? NULL : ts_arena_array(&p->arena, c->n_rejected, sizeof(*p->rejected));
    if (lie == NULL && p->rejected == NULL)
        return TS_E_NOMEM;
    for (size_t i = 0; i < c->n_rejected && lie == NULL; i++) {
        const struct ts_msg_rejected *r = &c->rejected[i];
        const ts_hash *hash = &h->offered[r->index];
        if (pool_is_taken(h, hash))
            lie = "a transaction is rejected and in the batch";
        if (r->code == TS_E_TX_DEFERRED)
            continue;
        struct rejected_tx *out = &p->rejected[p->n_rejected++];
        out->hash = *hash;
        out->code = r->code;
        snprintf(out->text, sizeof(out->text), "%s", said(h, r->text));
    }
    if (lie == NULL)
        return TS_OK;
    snprintf(fault->what, sizeof(fault->what), "%s", lie);
    return TS_E_RANGE;
}

/* An L1 block that is not known is asked for, and waited for, only on the word of a batch that is
 * valid otherwise. */
static ts_err check_chain(struct ts_host *h, struct ts_fault *fault)
{
    const struct ts_batch *b = &h->prep.batch;
    const struct ts_l1_evidence *l1;
    struct ts_fault unknown = {.what = ""};
    ts_err known = l1_check(h, b, &l1, &unknown);
    ts_err err = ts_batch_check(&h->chain, b, l1, h->effect, fault);
    if (err == TS_OK && known == TS_E_L1)
        l1_ask(h, b->header.l1_number);
    if (err == TS_OK && known != TS_OK) {
        *fault = unknown;
        return known;
    }
    return err == TS_OK ? l1_check_whitelist(h, b, fault) : err;
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
    if (prepared_is_discarded(h, &p->hash))
        return TS_E_CONFLICT;
    err = check_chain(h, fault);
    if (err != TS_OK)
        return err;
    bool too_many = p->batch.n_txs >= (p->arena.max - p->arena.used) / sizeof(*p->tx_hashes);
    p->tx_hashes = ts_arena_array(&p->arena, p->batch.n_txs + 1, sizeof(*p->tx_hashes));
    if (p->tx_hashes == NULL && !too_many)
        return TS_E_NOMEM;
    if (p->tx_hashes == NULL) {
        snprintf(fault->what, sizeof(fault->what), "more transactions than can be kept in memory");
        return TS_E_LIMIT;
    }
    for (size_t i = 0; i < p->batch.n_txs; i++) {
        ts_tx_hash(p->batch.txs[i], &p->tx_hashes[i]);
        p->has_unknown = p->has_unknown || !pool_has(h, &p->tx_hashes[i]);
    }
    return TS_OK;
}

ts_err prepared_take(struct ts_host *h, struct member *creator, ts_bytes raw,
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
    if (err == TS_OK) {
        pool_take(h, h->prep.tx_hashes, h->prep.batch.n_txs, true);
        err = note_rejected(h, c, fault);
        if (err != TS_OK)
            pool_take(h, h->prep.tx_hashes, h->prep.batch.n_txs, false);
    }
    if (err != TS_OK) {
        prepared_clear(h);
        return err;
    }
    for (unsigned i = 0; i < h->n_members; i++)
        h->members[i].vote = VOTE_NONE;
    h->prep.producer = h->prep.batch.header.producer;
    h->prep.since_us = h->now.mono_us;
    for (size_t i = 0; i < h->prep.n_rejected; i++)
        pool_take(h, &h->prep.rejected[i].hash, 1, true);
    store_prepared(h);
    return TS_OK;
}

/* ---- feeding and votes ---- */

/* It is at the parent, or will be once it has dealt with what stands in its line: one whose answers
 * take longer than a batch is fed ahead of them. */
static bool can_be_fed(const struct ts_host *h, const struct member *m)
{
    if (ts_hash_equal(&m->head.hash, &h->chain.head.hash))
        return true;
    return !m->snapshotting && m->fed == h->chain.head.number && m->fifo_n > 0 &&
           m->fifo_n < TS_FEED_WINDOW / 2;
}

void prepared_feed(struct ts_host *h, struct member *m)
{
    if (h->prep.stage != P_FEEDING || h->prep.l1_gone || m->phase != M_READY ||
        m->vote != VOTE_NONE || !can_be_fed(h, m))
        return;
    if (member_ask_accept(h, m, ts_bytes_of(h->prep.raw, h->prep.n_raw),
                          l1_header_of(h, &h->prep.batch.header), h->prep.batch.n_txs,
                          h->prep.batch.header.number, &h->prep.hash)) {
        m->vote = VOTE_FED;
        m->fed = h->prep.batch.header.number;
    }
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

/* Nobody waits long for an enclave that writes a checkpoint or makes a rollup. */
static bool is_busy_sealing(const struct ts_host *h, const struct member *m)
{
    return (m->snapshotting || m->rolling) &&
           h->now.mono_us >= h->prep.since_us + TS_SEALING_WAIT_US;
}

static struct tally count_votes(struct ts_host *h)
{
    struct tally t = {0, 0, 0};
    for (unsigned i = 0; i < h->n_members; i++) {
        struct member *m = &h->members[i];
        if (!m->known || ts_address_equal(&m->id, &h->prep.producer) || m->suspect ||
            !whitelisted_after(h, m))
            continue;
        bool has_it = ts_hash_equal(&m->head.hash, &h->prep.hash) && m->phase == M_READY;
        if (m->vote == VOTE_ACCEPTED || has_it)
            t.accepted++;
        else if (m->vote == VOTE_REFUSED)
            t.refused++;
        else if (m->vote == VOTE_FED && m->phase == M_READY && !is_busy_sealing(h, m))
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
    size_t pending = 0; /* others were never stored */
    for (size_t i = 0; i < p->batch.n_txs; i++)
        pending += pool_has(h, &p->tx_hashes[i]);
    struct store_step *s = step_new(h, STEP_COMMIT, 1 + pending + 2 * p->n_rejected);
    struct ts_store_op *op = step_op(s, TS_OP_SET_STATUS);
    op->number = p->batch.header.number;
    op->hash = p->hash;
    op->status = TS_BATCH_COMMITTED;
    op->tx_hashes = p->tx_hashes;
    op->n_tx_hashes = p->batch.n_txs;
    for (size_t i = 0; i < p->batch.n_txs; i++)
        if (pool_has(h, &p->tx_hashes[i]))
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

/* The active one writes a checkpoint while nothing is produced: when there is no other, or none has
 * been there for long. */
static bool may_stop(const struct ts_host *h, const struct member *m, unsigned up)
{
    return h->n_members == 1 ||
           (up == 1 && m->head.number >= m->snapshot_at + 2 * h->set.snapshot_every);
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
            (m->state == TS_ENC_ACTIVE && !may_stop(h, m, up)))
            continue;
        struct ts_msg msg = {.type = TS_MSG_SNAPSHOT};
        if (member_ask(h, m, &msg, 0, 0))
            m->snapshotting = true;
        return;
    }
}

static void say_takeover(struct ts_host *h)
{
    h->counters.takeovers++;
    h->counters.last_takeover_us = h->now.mono_us - h->takeover_since_us;
    h->taking_over = false;
    out_event(h, TS_LOG_INFO, "takeover", "to=%s number=%llu term=%llu took_us=%llu",
              short_id(h, &h->prep.producer), (unsigned long long)h->prep.batch.header.number,
              (unsigned long long)h->prep.batch.header.term,
              (unsigned long long)h->counters.last_takeover_us);
}

/* Who lost a dispute about this number has restarted and taken part in it since. */
static void cleared(struct member *m, uint64_t number)
{
    if (m->suspect && number >= m->suspect_number && !ts_hash_equal(&m->boot_id, &m->suspect_boot))
        m->suspect = false;
}

static void committed(struct ts_host *h)
{
    struct prepared *p = &h->prep;
    TS_CHECK(ts_chain_apply(&h->chain, h->effect) == TS_OK);
    if (p->l1_gone)
        l1_committed_gone(h);
    uint8_t *raw = ts_arena_alloc(&h->arena, p->n_raw);
    TS_CHECK(raw != NULL);
    memcpy(raw, p->raw, p->n_raw);
    struct ts_host_output *o = out_push(h, TS_OUT_BROADCAST);
    o->bytes = ts_bytes_of(raw, p->n_raw);
    o->number = p->batch.header.number;
    o->hash = p->hash;
    h->chain_has_grown = h->chain_has_grown || !p->from_store;
    h->counters.batches++;
    rollup_batch_committed(h, &p->batch);
    pool_remove(h, p->tx_hashes, p->batch.n_txs, true);
    for (size_t i = 0; i < p->n_rejected; i++)
        pool_remove(h, &p->rejected[i].hash, 1, false);
    struct member *creator = member_by_id(h, &p->producer);
    if (creator != NULL)
        h->last_producer = member_index(h, creator);
    if (creator != NULL)
        cleared(creator, p->batch.header.number);
    /* The last batch of one that was lost is no takeover: its successor's first follows at once. */
    bool by_living = creator != NULL && creator->phase == M_READY;
    if (h->taking_over && by_living)
        say_takeover(h);
    switch_committed(h);
    uint64_t due = h->tick_us + h->set.interval_us;
    h->next_batch_us = due > h->now.mono_us && !h->taking_over ? due : h->now.mono_us;
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
    bool l1_gone = h->prep.l1_gone; /* nobody is to blame */
    const char *why = l1_gone ? "names an L1 block that is gone" : "was refused by the others";
    struct member *creator = member_by_id(h, &h->prep.producer);
    prepared_note_discarded(h, &hash);
    h->counters.discarded++;
    h->hold_number = number;
    h->hold_until_us = h->now.mono_us + h->set.dispute_hold_us;
    pool_take(h, h->prep.tx_hashes, h->prep.batch.n_txs, false);
    for (size_t i = 0; i < h->prep.n_rejected; i++)
        pool_take(h, &h->prep.rejected[i].hash, 1, false);
    out_event(h, TS_LOG_ERROR, "batch-discarded", "number=%llu by=%s reason=\"it %s\"",
              (unsigned long long)number, short_id(h, &h->prep.producer), why);
    snprintf(h->switch_reason, sizeof(h->switch_reason), "batch %llu of %s %s",
             (unsigned long long)number, short_id(h, &h->prep.producer), why);
    prepared_clear(h);
    if (creator != NULL && !l1_gone)
        make_suspect(h, creator, number);
    if (h->sw.started)
        switch_failed(h, l1_gone
                             ? "the batch that would have made it names an L1 block that is gone"
                             : "the other enclaves refused the batch that would have made it");
    for (unsigned i = 0; i < h->n_members; i++) {
        struct member *m = &h->members[i];
        if (m->fed >= number)
            m->fed = number - 1;
        if (m->phase == M_READY && ts_hash_equal(&m->head.hash, &hash))
            member_bench(h, m, true, "its head %llu was discarded", (unsigned long long)number);
    }
    h->next_batch_us = h->now.mono_us;
}

static void refuser_is_wrong(struct ts_host *h, struct member *m, uint64_t number, const char *text)
{
    make_suspect(h, m, number);
    if (++m->wrong_refusals >= 3) {
        member_corrupt(h, m, "refused batches that others accepted, %u times", m->wrong_refusals);
        return;
    }
    member_bench(h, m, true, "refused batch %llu that others accepted: %.120s",
                 (unsigned long long)number, text);
}

static bool is_prepared(const struct ts_host *h, const struct request *r)
{
    return h->prep.stage >= P_FEEDING && ts_hash_equal(&r->hash, &h->prep.hash);
}

/* What is fed is committed or prepared when it is sent, and a committed one stays. */
bool prepared_gone(const struct ts_host *h, const struct request *r)
{
    if (is_prepared(h, r))
        return false;
    const ts_hash *ours = ts_chain_recent(&h->chain, r->ref);
    return r->ref > h->chain.head.number || (ours != NULL && !ts_hash_equal(ours, &r->hash));
}

void prepared_vote(struct ts_host *h, struct member *m, const struct request *r, const char *text)
{
    bool of_prepared = is_prepared(h, r);
    if (text == NULL) {
        if (of_prepared)
            m->vote = VOTE_ACCEPTED;
        if (of_prepared)
            m->activations = 0;
        cleared(m, r->ref);
        prepared_feed(h, m); /* a slow one may be at the parent only now */
        return;
    }
    out_event(h, TS_LOG_ERROR, "batch-refused", "number=%llu by=%s reason=\"%s\"",
              (unsigned long long)r->ref, short_id(h, &m->id), text);
    if (of_prepared && h->prep.stage == P_FEEDING)
        m->vote = VOTE_REFUSED;
    else if (of_prepared ? h->prep.stage == P_COMMITTING : !prepared_gone(h, r))
        refuser_is_wrong(h, m, r->ref, text);
}

static void punish_refusers(struct ts_host *h)
{
    for (unsigned i = 0; i < h->n_members; i++)
        if (h->members[i].vote == VOTE_REFUSED)
            refuser_is_wrong(h, &h->members[i], h->prep.batch.header.number, "see above");
}

/* What becomes of the prepared batch, once enough is known. */
void prepared_evaluate(struct ts_host *h)
{
    if (h->prep.l1_gone) { /* where the store is an old copy another has dealt with it */
        if (start_settled(h))
            discard(h);
        return;
    }
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
    /* Where there is no other, nobody speaks first. */
    bool held = h->hold_number == h->prep.batch.header.number &&
                h->now.mono_us < h->hold_until_us && h->chain.registry.n_whitelisted > 1;
    if (t.accepted == 0 && held)
        return;
    say_under_quorum(h, t.accepted);
    commit(h);
}

/* ---- durable ---- */

void prepared_stored(struct ts_host *h, int what, ts_err err)
{
    if (err != TS_OK) {
        store_failed(h, err);
        return;
    }
    store_recovered(h);
    if (what == STEP_PREPARED) {
        h->prep.stage = P_FEEDING;
        for (unsigned i = 0; i < h->n_members; i++)
            prepared_feed(h, &h->members[i]);
    } else if (what == STEP_COMMIT) {
        committed(h);
    } else if (what == STEP_DISCARD) {
        discarded(h);
    }
}

void prepared_retry(struct ts_host *h)
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
