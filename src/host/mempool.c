/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions from admission to their end. One is acknowledged when it is on disk, and leaves when
 * the batch that holds it, or that decided against it, is committed. What is inside is the
 * enclave's business: it is asked for sender and nonce. Source: docs/protocol.md, section 5. */
#include "chain/rollup.h"
#include "host/internal.h"

#define CHECK_WAIT_US 3000000u
#define CHECK_MAX     256u
#define SENDER_KEEP   32u /* batches that a sender's nonce is remembered for after its last one */

/* ---- the list ---- */

static struct pool_tx *pool_find(const struct ts_host *h, const ts_hash *hash)
{
    struct pool_tx **slot = ts_map_get(&h->pool_by_hash, hash);
    return slot ? *slot : NULL;
}

/* Into the list before another; NULL: at the end. */
static void pool_link(struct ts_host *h, struct pool_tx *t, struct pool_tx *before)
{
    t->next = before;
    t->prev = before != NULL ? before->prev : h->pool_last;
    if (t->prev != NULL)
        t->prev->next = t;
    else
        h->pool_first = t;
    if (before != NULL)
        before->prev = t;
    else
        h->pool_last = t;
}

static struct pool_tx *pool_insert(struct ts_host *h, const ts_hash *hash, ts_bytes raw,
                                   struct pool_tx *before)
{
    struct pool_tx *t = host_alloc(sizeof(*t));
    t->hash = *hash;
    t->raw = host_alloc(raw.n);
    memcpy(t->raw, raw.p, raw.n);
    t->n_raw = raw.n;
    pool_link(h, t, before);
    struct pool_tx **slot = ts_map_put(&h->pool_by_hash, hash, NULL);
    TS_CHECK(slot != NULL);
    *slot = t;
    h->pool_n++;
    h->pool_bytes += raw.n;
    return t;
}

static void pool_unlink(struct ts_host *h, struct pool_tx *t)
{
    if (t->prev != NULL)
        t->prev->next = t->next;
    else
        h->pool_first = t->next;
    if (t->next != NULL)
        t->next->prev = t->prev;
    else
        h->pool_last = t->prev;
    ts_map_remove(&h->pool_by_hash, &t->hash);
    h->pool_n--;
    h->pool_bytes -= t->n_raw;
    free(t->raw);
    free(t);
}

/* ---- senders ---- */

static void sender_add(struct ts_host *h, const struct pool_tx *t)
{
    struct sender *s = ts_map_put(&h->senders, &t->sender, NULL);
    TS_CHECK(s != NULL);
    s->count++;
    s->touched = h->chain.head.number;
    if (t->nonce + 1 > s->next_nonce)
        s->next_nonce = t->nonce + 1;
    if (!ts_u256_add(&s->cost, &t->cost, &s->cost))
        memset(&s->cost, 0xff, sizeof(s->cost));
}

static void sender_drop(struct ts_host *h, const struct pool_tx *t, bool included)
{
    struct sender *s = ts_map_get(&h->senders, &t->sender);
    if (s == NULL)
        return;
    s->count--;
    s->touched = h->chain.head.number;
    if (!ts_u256_sub(&s->cost, &t->cost, &s->cost))
        s->cost = ts_u256_of(0);
    if (!included && s->next_nonce > t->nonce)
        s->next_nonce = t->nonce; /* what follows it will be rejected too */
    if (s->count == 0 && !included)
        ts_map_remove(&h->senders, &t->sender);
}

void pool_forget_senders(struct ts_host *h)
{
    if (h->chain.head.number % SENDER_KEEP != 0 || h->senders.n == 0)
        return;
    /* Removing ends an iteration, so they are collected first. */
    ts_address *old = host_alloc(h->senders.n * sizeof(*old));
    size_t at = 0, n = 0;
    const void *key;
    void *value;
    while ((key = ts_map_next(&h->senders, &at, &value)) != NULL) {
        const struct sender *s = value;
        if (s->count == 0 && s->touched + SENDER_KEEP < h->chain.head.number)
            memcpy(&old[n++], key, sizeof(*old));
    }
    for (size_t i = 0; i < n; i++)
        ts_map_remove(&h->senders, &old[i]);
    free(old);
}

bool ts_host_pending_nonce(const struct ts_host *h, const ts_address *sender, uint64_t *nonce)
{
    const struct sender *s = ts_map_get(&h->senders, sender);
    if (s == NULL || s->next_nonce == 0)
        return false;
    *nonce = s->next_nonce;
    return true;
}

bool ts_host_pending_tx(const struct ts_host *h, const ts_hash *hash, ts_bytes *raw)
{
    const struct pool_tx *t = pool_find(h, hash);
    if (t == NULL || t->state != TX_PENDING)
        return false;
    *raw = ts_bytes_of(t->raw, t->n_raw);
    return true;
}

/* ---- admission ---- */

static void refuse(struct ts_host *h, struct pool_tx *t, ts_err err, const char *why)
{
    h->counters.txs_refused++;
    out_reply_error(h, t->token, err, "%s", why);
    for (unsigned i = 0; i < t->n_also; i++)
        out_reply_error(h, t->also[i], err, "%s", why);
    if (t->state == TX_UNCHECKED || t->state == TX_CHECKING)
        h->unchecked_n--;
    pool_unlink(h, t);
}

/* In a batch on its way though nobody offered it. */
static bool is_in_prepared(const struct ts_host *h, const ts_hash *hash)
{
    const struct prepared *p = &h->prep;
    for (size_t i = 0; p->has_unknown && i < p->batch.n_txs; i++)
        if (ts_hash_equal(&p->tx_hashes[i], hash))
            return true;
    return false;
}

/* "Already known" is said only of what is durable: a node takes it for an acknowledgement when it
 * has sent the transaction before. Who comes earlier is answered with the first. */
static void send_again(struct ts_host *h, struct pool_tx *t, uint64_t token)
{
    if (t->state != TX_PENDING && t->n_also < TS_POOL_ALSO) {
        t->also[t->n_also++] = token;
        return;
    }
    h->counters.txs_refused++;
    if (t->state == TX_PENDING)
        out_reply_error(h, token, TS_E_TX_KNOWN, "already known");
    else
        out_reply_error(h, token, TS_E_BUSY, "the transaction is being taken already");
}

/* It must fit into a rollup, alone if need be, and that into a transaction of L1. */
static uint64_t max_tx_bytes(const struct ts_host *h)
{
    uint64_t max = h->genesis->params.max_tx_bytes;
    return rollup_is_used(h) && max > TS_ROLLUP_MAX_DATA ? TS_ROLLUP_MAX_DATA : max;
}

void pool_add(struct ts_host *h, const struct ts_host_input *in)
{
    uint64_t max = max_tx_bytes(h);
    if (in->bytes.n == 0 || in->bytes.n > max) {
        h->counters.txs_refused++;
        out_reply_error(h, in->token, TS_E_TX_SIZE,
                        "the transaction has %zu bytes; it must have 1 to %llu", in->bytes.n,
                        (unsigned long long)max);
        return;
    }
    if (h->pool_n >= h->set.pool_max_txs || h->pool_bytes + in->bytes.n > h->set.pool_max_bytes) {
        h->counters.txs_refused++;
        out_reply_error(h, in->token, TS_E_BUSY, "the transaction pool is full; try again later");
        return;
    }
    ts_hash hash;
    ts_tx_hash(in->bytes, &hash);
    struct pool_tx *t = pool_find(h, &hash);
    if (t != NULL) {
        send_again(h, t, in->token);
        return;
    }
    t = pool_insert(h, &hash, in->bytes, NULL);
    t->token = in->token;
    t->taken = is_in_prepared(h, &hash);
    t->state = TX_UNCHECKED;
    t->until_us = h->now.mono_us + CHECK_WAIT_US;
    h->unchecked_n++;
}

/* Any enclave at the head can tell; a passive one has the time. */
static int choose_checker(const struct ts_host *h)
{
    int best = TS_NOBODY;
    for (unsigned i = 0; i < h->n_members; i++) {
        const struct member *m = &h->members[i];
        if (m->phase != M_READY || m->snapshotting || m->head.number + 1 < h->chain.head.number ||
            m->fifo_n > TS_MAX_REQUESTS / 2)
            continue;
        if (best == TS_NOBODY ||
            (h->members[best].state == TS_ENC_ACTIVE && m->state != TS_ENC_ACTIVE))
            best = (int)i;
    }
    return best;
}

static void send_check(struct ts_host *h, int who)
{
    struct ts_buf list;
    ts_buf_init(&list, TS_MAX_BATCH_BYTES);
    size_t mark = ts_put_list(&list);
    unsigned n = 0;
    for (struct pool_tx *t = h->pool_last; t != NULL; t = t->prev) {
        if (t->state != TX_UNCHECKED)
            break;
        if (t->prev == NULL || t->prev->state != TX_UNCHECKED) {
            for (; t != NULL && n < CHECK_MAX && list.n < TS_MAX_BATCH_BYTES / 4; t = t->next) {
                ts_put_bytes(&list, ts_bytes_of(t->raw, t->n_raw));
                t->state = TX_CHECKING;
                n++;
            }
            break;
        }
    }
    ts_put_list_end(&list, mark);
    TS_CHECK(list.err == TS_OK);
    struct ts_msg msg = {.type = TS_MSG_QUERY};
    msg.u.query.kind = TS_QUERY_CHECK;
    msg.u.query.arg = ts_buf_bytes(&list);
    if (n > 0 && member_ask(h, &h->members[who], &msg, n, 0))
        h->checker = who;
    else
        pool_check_lost(h);
    ts_buf_free(&list);
}

/* Not at every step: with thousands waiting each would cost a look at all of them. */
static void expire_unchecked(struct ts_host *h)
{
    if (h->now.mono_us < h->expire_us)
        return;
    h->expire_us = h->now.mono_us + CHECK_WAIT_US / 8;
    struct pool_tx *t = h->pool_last;
    while (t != NULL && (t->state == TX_UNCHECKED || t->state == TX_CHECKING)) {
        struct pool_tx *prev = t->prev;
        if (h->now.mono_us >= t->until_us && t->state == TX_UNCHECKED)
            refuse(h, t, TS_E_TIMEOUT,
                   "no enclave is up to check the transaction; it was not accepted, send it again "
                   "later");
        t = prev;
    }
}

void pool_advance(struct ts_host *h)
{
    if (h->unchecked_n == 0)
        return;
    expire_unchecked(h);
    if (h->checker != TS_NOBODY || h->unchecked_n == 0)
        return;
    int who = choose_checker(h);
    if (who != TS_NOBODY)
        send_check(h, who);
}

uint64_t pool_wake(const struct ts_host *h)
{
    return h->unchecked_n > 0 && h->checker == TS_NOBODY ? h->now.mono_us + CHECK_WAIT_US / 8
                                                         : UINT64_MAX;
}

void pool_check_lost(struct ts_host *h)
{
    h->checker = TS_NOBODY;
    for (struct pool_tx *t = h->pool_last;
         t != NULL && (t->state == TX_UNCHECKED || t->state == TX_CHECKING); t = t->prev)
        t->state = TX_UNCHECKED;
}

/* NULL when the pool can take it, else why not, with *err set. */
static const char *pool_fault(struct ts_host *h, const struct ts_tx_verdict *v, ts_err *err)
{
    const struct sender *s = ts_map_get(&h->senders, &v->sender);
    uint64_t expected = v->account_nonce;
    if (s != NULL && s->next_nonce > expected)
        expected = s->next_nonce;
    char *text = ts_arena_alloc(&h->arena, 160);
    TS_CHECK(text != NULL);
    if (v->nonce < expected) {
        *err = TS_E_TX_REPLACE;
        snprintf(
            text, 160,
            "nonce too low: a transaction of this sender with nonce %llu is already pending or "
            "included; next is %llu",
            (unsigned long long)v->nonce, (unsigned long long)expected);
        return text;
    }
    if (v->nonce > expected) {
        *err = TS_E_TX_NONCE_GAP;
        snprintf(text, 160, "nonce too high: expected %llu, got %llu", (unsigned long long)expected,
                 (unsigned long long)v->nonce);
        return text;
    }
    if (s != NULL && s->count >= h->set.pool_max_per_sender) {
        *err = TS_E_BUSY;
        return "this sender has too many pending transactions; try again later";
    }
    ts_u256 total = v->cost;
    if (s != NULL && s->count > 0 &&
        (!ts_u256_add(&total, &s->cost, &total) || ts_u256_compare(&total, &v->balance) > 0)) {
        *err = TS_E_TX_FUNDS;
        return "insufficient funds for gas * price + value, together with the sender's pending "
               "transactions";
    }
    return NULL;
}

static bool take_verdict(struct ts_host *h, struct pool_tx *t, const struct ts_tx_verdict *v)
{
    if (v->err != TS_OK) {
        refuse(h, t, v->err, v->why);
        return false;
    }
    if (t->taken) { /* nobody offered it; to store it too would be to offer it again */
        refuse(h, t, TS_E_TX_KNOWN, "already known: it is in a batch");
        return false;
    }
    ts_err err = TS_OK;
    const char *fault = pool_fault(h, v, &err);
    if (fault != NULL) {
        refuse(h, t, err, fault);
        return false;
    }
    t->sender = v->sender;
    t->nonce = v->nonce;
    t->cost = v->cost;
    t->seq = ++h->next_seq;
    t->state = TX_STORING;
    h->unchecked_n--;
    sender_add(h, t);
    return true;
}

static void add_put(struct store_step *s, const struct pool_tx *t)
{
    struct ts_store_op *op = step_op(s, TS_OP_PUT_TX);
    op->seq = t->seq;
    op->hash = t->hash;
    op->data = ts_bytes_of(t->raw, t->n_raw); /* the pool keeps it until the step is done */
    op->sender = t->sender;
    op->nonce = t->nonce;
}

void pool_verdicts(struct ts_host *h, ts_bytes answer)
{
    int who = h->checker;
    h->checker = TS_NOBODY;
    struct pool_tx *t;
    /* The ones being checked stand together; those before are stored, those after unchecked. */
    for (t = h->pool_last; t != NULL && t->state == TX_UNCHECKED; t = t->prev)
        ;
    while (t != NULL && t->prev != NULL && t->prev->state == TX_CHECKING)
        t = t->prev;
    struct ts_reader r = ts_reader_of(answer);
    ts_read_list(&r);
    struct store_step *s = step_new(h, STEP_TXS, CHECK_MAX);
    while (t != NULL && t->state == TX_CHECKING) {
        struct pool_tx *next = t->next;
        struct ts_tx_verdict v;
        ts_tx_verdict_read(&r, &v);
        if (r.err != TS_OK)
            break;
        if (take_verdict(h, t, &v))
            add_put(s, t);
        t = next;
    }
    ts_read_list_end(&r);
    if (s->n_ops > 0) {
        step_send(h, s);
    } else {
        ts_arena_free(&s->arena);
        free(s);
    }
    if (ts_reader_done(&r) != TS_OK) {
        pool_check_lost(h);
        if (who != TS_NOBODY)
            member_corrupt(h, &h->members[who], "%s", "its verdicts on transactions are malformed");
    }
}

static void say_storage(struct ts_host *h, ts_err err)
{
    bool bad = err != TS_OK;
    if (bad && !h->pool_storage_bad)
        out_event(h, TS_LOG_ERROR, "transactions-not-stored", "reason=\"%s\" acknowledged=no",
                  ts_err_text(err));
    if (!bad && h->pool_storage_bad)
        out_event(h, TS_LOG_INFO, "transactions-stored-again", "acknowledged=yes");
    h->pool_storage_bad = bad;
}

/* What the sender's next ones are worth nothing without was not stored: they must not be
 * acknowledged, though their own step may succeed. */
static void orphan_followers(struct ts_host *h, const struct pool_tx *lost)
{
    for (struct pool_tx *t = h->pool_last; t != NULL && t->state != TX_PENDING; t = t->prev)
        if (t->state == TX_STORING && t->nonce > lost->nonce &&
            ts_address_equal(&t->sender, &lost->sender))
            t->is_orphan = true;
}

static void not_stored(struct ts_host *h, struct pool_tx *t, ts_err err)
{
    char why[160];
    sender_drop(h, t, false);
    if (err == TS_OK) {
        refuse(h, t, TS_E_TX_NONCE_GAP, "an earlier transaction of this sender was not accepted");
        return;
    }
    orphan_followers(h, t);
    snprintf(why, sizeof(why), "the transaction was not accepted: %s", ts_err_text(err));
    refuse(h, t, err, why);
}

static void acknowledge(struct ts_host *h, struct pool_tx *t)
{
    t->state = TX_PENDING;
    h->counters.txs_accepted++;
    out_reply_bytes(h, t->token, ts_bytes_of(t->hash.b, sizeof(t->hash.b)));
    for (unsigned k = 0; k < t->n_also; k++)
        out_reply_bytes(h, t->also[k], ts_bytes_of(t->hash.b, sizeof(t->hash.b)));
    t->n_also = 0;
}

void pool_stored(struct ts_host *h, struct store_step *s, ts_err err)
{
    say_storage(h, err);
    /* Those not acknowledged leave the disk too, where they are or, if a step that failed took
     * place after all, may be. Should that fail, they may come back with the host's next start. */
    struct store_step *undo = NULL;
    for (size_t i = 0; i < s->n_ops; i++) {
        struct pool_tx *t = pool_find(h, &s->ops[i].hash);
        if (t == NULL || t->state != TX_STORING)
            continue;
        if (err == TS_OK && !t->is_orphan) {
            acknowledge(h, t);
            continue;
        }
        if (undo == NULL)
            undo = step_new(h, STEP_UNDO, s->n_ops);
        step_op(undo, TS_OP_DROP_TX)->hash = t->hash;
        not_stored(h, t, err);
    }
    if (undo != NULL)
        step_send(h, undo);
}

/* The sender's first one in the list that comes after this nonce, when it was taken before: what
 * was stored though its step was said to have failed, and is sent again, comes after its followers.
 */
static struct pool_tx *pool_follower(struct ts_host *h, const struct ts_store_tx *stored)
{
    const struct sender *s = ts_map_get(&h->senders, &stored->sender);
    if (s == NULL || s->next_nonce <= stored->nonce + 1)
        return NULL; /* none has a higher nonce: the usual case, which looks at no list */
    for (struct pool_tx *t = h->pool_first; t != NULL; t = t->next)
        if (t->nonce > stored->nonce && ts_address_equal(&t->sender, &stored->sender))
            return t;
    return NULL;
}

void pool_load(struct ts_host *h, const struct ts_store_tx *stored)
{
    if (pool_find(h, &stored->hash) != NULL)
        return;
    struct pool_tx *t = pool_insert(h, &stored->hash, stored->raw, pool_follower(h, stored));
    t->sender = stored->sender;
    t->nonce = stored->nonce;
    t->seq = stored->seq;
    t->state = TX_PENDING;
    if (t->seq > h->next_seq)
        h->next_seq = t->seq;
    sender_add(h, t);
}

/* ---- into batches and out ---- */

void pool_pick(struct ts_host *h, size_t max_bytes, ts_bytes *txs, ts_hash *hashes, size_t max,
               size_t *n)
{
    size_t bytes = 0;
    *n = 0;
    for (struct pool_tx *t = h->pool_first; t != NULL && *n < max; t = t->next) {
        if (t->state != TX_PENDING)
            break; /* what follows is younger still */
        if (t->taken)
            continue;
        if (*n > 0 && bytes + t->n_raw + 9 > max_bytes)
            break; /* the first always goes: else it would be in the way for ever */
        bytes += t->n_raw + 9;
        txs[*n] = ts_bytes_of(t->raw, t->n_raw);
        hashes[(*n)++] = t->hash;
    }
}

bool pool_has(const struct ts_host *h, const ts_hash *hash)
{
    return pool_find(h, hash) != NULL;
}

bool pool_is_taken(const struct ts_host *h, const ts_hash *hash)
{
    const struct pool_tx *t = pool_find(h, hash);
    return t != NULL && t->taken;
}

void pool_take(struct ts_host *h, const ts_hash *hashes, size_t n, bool taken)
{
    for (size_t i = 0; i < n; i++) {
        struct pool_tx *t = pool_find(h, &hashes[i]);
        if (t != NULL)
            t->taken = taken;
    }
}

void pool_remove(struct ts_host *h, const ts_hash *hashes, size_t n, bool included)
{
    if (included)
        h->counters.txs_included += n;
    else
        h->counters.txs_rejected += n;
    for (size_t i = 0; i < n; i++) {
        struct pool_tx *t = pool_find(h, &hashes[i]);
        if (t == NULL)
            continue;
        if (t->state != TX_PENDING)
            continue; /* still being checked: what it is told then is that it was taken */
        sender_drop(h, t, included);
        pool_unlink(h, t);
    }
}
