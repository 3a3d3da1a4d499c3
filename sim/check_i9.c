/* SPDX-License-Identifier: Apache-2.0 */
/* I9: a transaction is in one batch at most; one that was acknowledged is, some time after the
 * world became calm, in one batch or rejected with a reason, and never both. Who sends a rejected
 * one again begins anew. What is sent in a calm world is answered: with a fate, an acknowledgement
 * or a refusal that is no "later". */
#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "check_line.h"

#define GIVEN_UP_US UINT64_C(30000000) /* not sent for so long: its wallet has begun anew */

struct tx {
    uint64_t in;      /* number of the batch that holds it; 0: none */
    uint64_t commit;  /* when that was told last: the same step may be told again */
    bool is_rejected; /* and not sent again since */
    bool has_fate;    /* it was once included or rejected */
    uint64_t sent_us; /* last */
    bool is_asked;    /* sent since the world is calm */
    bool is_answered; /* once, with more than "later" */
    uint64_t stored;  /* in which life of the host, when it was not acknowledged in it; 0: it was */
};

struct acked {
    ts_hash hash;
    uint64_t at_us;
};

struct i9 {
    const struct sim_setting *setting;
    struct ts_map txs;   /* hash → struct tx */
    struct acked *acked; /* in the order they were */
    size_t n_acked, cap_acked;
    uint64_t n_commits;
    uint64_t life;       /* of the host, from 1 on */
    size_t next;         /* those before it had their fate in time */
    struct acked *asked; /* in the calm world, in the order they were */
    size_t n_asked, cap_asked;
    size_t next_asked;   /* those before it were answered in time */
    uint64_t n_rejected; /* for what they are, and not for what is missing before them */
    bool is_calm;
    uint64_t calm_us, settle_us;
};

static void *make(const struct sim_setting *setting)
{
    struct i9 *s = sim_check_memory(calloc(1, sizeof(*s)));
    s->setting = setting;
    ts_map_init(&s->txs, sizeof(ts_hash), sizeof(struct tx), sim_map_seed);
    return s;
}

static void drop(void *state)
{
    struct i9 *s = state;
    ts_map_free(&s->txs);
    free(s->acked);
    free(s->asked);
    free(s);
}

static struct tx *tx_of(struct i9 *s, const ts_hash *hash)
{
    return sim_check_memory(ts_map_put(&s->txs, hash, NULL));
}

static void in_batch(struct i9 *s, const struct sim_batch *b, size_t i, const struct sim_event *e,
                     struct sim_verdict *v)
{
    ts_hash hash;
    char hex[TS_HASH_HEX_SIZE];
    ts_tx_hash(b->b->txs[i], &hash);
    struct tx *t = tx_of(s, &hash);
    if (t->in != 0 && t->in != b->number)
        sim_violate(v, e, "I9",
                    "transaction %s is in batch %" PRIu64 " and in batch %" PRIu64
                    "; it may be in one",
                    ts_hex(hash.b, sizeof(hash.b), hex), t->in, b->number);
    else if (t->in != 0 && t->commit == s->n_commits)
        sim_violate(v, e, "I9", "transaction %s is in batch %" PRIu64 " twice",
                    ts_hex(hash.b, sizeof(hash.b), hex), b->number);
    if (t->is_rejected)
        sim_violate(v, e, "I9",
                    "transaction %s is in batch %" PRIu64 " after it was rejected and not sent "
                    "again",
                    ts_hex(hash.b, sizeof(hash.b), hex), b->number);
    t->in = b->number;
    t->commit = s->n_commits;
    t->has_fate = true;
}

static void rejected(struct i9 *s, const struct sim_event *e, struct sim_verdict *v)
{
    char hex[TS_HASH_HEX_SIZE];
    struct tx *t = tx_of(s, &e->hash);
    ts_hex(e->hash.b, sizeof(e->hash.b), hex);
    if (t->in != 0)
        sim_violate(v, e, "I9", "transaction %s is rejected and is in batch %" PRIu64, hex, t->in);
    if (e->text == NULL || e->text[0] == 0)
        sim_violate(v, e, "I9", "transaction %s is rejected without a reason", hex);
    /* The pool keeps the order of a sender's nonces. What was never acknowledged when the host went
     * down may stand in it without its predecessor, which may not have been stored. */
    bool is_odd = t->stored != 0 && t->stored < s->life;
    if (e->err == TS_E_TX_NONCE_GAP && s->n_rejected == 0 && !is_odd)
        sim_violate(v, e, "I9",
                    "transaction %s was acknowledged and is rejected for a gap, and nothing was "
                    "rejected before it",
                    hex);
    s->n_rejected += e->err != TS_E_TX_NONCE_GAP || is_odd;
    t->is_rejected = true;
    t->has_fate = true;
}

static void look(struct i9 *s, const struct sim_event *e, struct sim_verdict *v)
{
    char hex[TS_HASH_HEX_SIZE];
    for (; s->is_calm && s->next < s->n_acked; s->next++) {
        const struct acked *a = &s->acked[s->next];
        const struct tx *t = tx_of(s, &a->hash);
        uint64_t from = a->at_us > s->calm_us ? a->at_us : s->calm_us;
        if (t->has_fate)
            continue;
        if (e->at_us <= from + s->settle_us)
            return;
        sim_violate(v, e, "I9",
                    "transaction %s was acknowledged %" PRIu64
                    " ms ago and is neither in a batch nor rejected",
                    ts_hex(a->hash.b, sizeof(a->hash.b), hex), (e->at_us - a->at_us) / 1000);
    }
}

static void look_at_asked(struct i9 *s, const struct sim_event *e, struct sim_verdict *v)
{
    char hex[TS_HASH_HEX_SIZE];
    for (; s->next_asked < s->n_asked; s->next_asked++) {
        const struct acked *a = &s->asked[s->next_asked];
        const struct tx *t = tx_of(s, &a->hash);
        if (t->has_fate || t->is_answered || t->sent_us + GIVEN_UP_US < e->at_us)
            continue;
        if (e->at_us <= a->at_us + s->settle_us)
            return;
        sim_violate(v, e, "I9",
                    "transaction %s was sent %" PRIu64
                    " ms ago in a calm world, again and again, and was neither taken nor refused",
                    ts_hex(a->hash.b, sizeof(a->hash.b), hex), (e->at_us - a->at_us) / 1000);
    }
}

static void begins_anew(struct tx *t)
{
    t->has_fate = t->has_fate && !t->is_rejected;
    t->is_rejected = false;
}

/* A copy may have been on its way when the transaction was rejected. */
static void stored(struct i9 *s, const struct sim_event *e)
{
    struct tx *t = tx_of(s, &e->hash);
    begins_anew(t);
    t->stored = s->life;
}

static void sent(struct i9 *s, const struct sim_event *e)
{
    struct tx *t = tx_of(s, &e->hash);
    begins_anew(t);
    t->sent_us = e->at_us;
    if (!s->is_calm || t->is_asked)
        return;
    t->is_asked = true;
    s->asked = sim_check_grow(s->asked, s->n_asked, &s->cap_asked, sizeof(*s->asked));
    s->asked[s->n_asked++] = (struct acked){e->hash, e->at_us};
}

static void refused(struct i9 *s, const struct sim_event *e, struct sim_verdict *v)
{
    bool is_later = e->err == TS_E_TIMEOUT || e->err == TS_E_BUSY || e->err == TS_E_CLOSED ||
                    e->err == TS_E_IO || e->err == TS_E_DISK_FULL;
    if (e->err == TS_E_CONFLICT)
        sim_violate(v, e, "I9", "a transaction is refused since another has its place on disk");
    if (!is_later)
        tx_of(s, &e->hash)->is_answered = true;
}

static void acked(struct i9 *s, const struct sim_event *e)
{
    struct tx *t = tx_of(s, &e->hash);
    t->is_answered = true;
    if (t->stored == s->life)
        t->stored = 0;
    /* An acknowledgement may reach the wallet after the batch did. */
    if (t->has_fate)
        return;
    s->acked = sim_check_grow(s->acked, s->n_acked, &s->cap_acked, sizeof(*s->acked));
    s->acked[s->n_acked++] = (struct acked){e->hash, e->at_us};
}

static void committed(struct i9 *s, const struct sim_event *e, struct sim_verdict *v)
{
    s->n_commits++;
    for (size_t i = 0; i < e->batch->b->n_txs; i++)
        in_batch(s, e->batch, i, e, v);
}

static void see(void *state, const struct sim_event *e, struct sim_verdict *v)
{
    struct i9 *s = state;
    if (!s->setting->is_honest)
        return;
    look(s, e, v);
    look_at_asked(s, e, v);
    if (e->kind == SIM_COMMITTED && e->batch != NULL) {
        committed(s, e, v);
    } else if (e->kind == SIM_TX_ACKED) {
        acked(s, e);
    } else if (e->kind == SIM_TX_REJECTED) {
        rejected(s, e, v);
    } else if (e->kind == SIM_TX_SENT) {
        sent(s, e);
    } else if (e->kind == SIM_TX_STORED) {
        stored(s, e);
    } else if (e->kind == SIM_HOST_UP) {
        s->life++;
    } else if (e->kind == SIM_TX_REFUSED) {
        refused(s, e, v);
    } else if (e->kind == SIM_CALM && e->calm != NULL) {
        s->is_calm = true;
        s->calm_us = e->at_us;
        s->settle_us = e->calm->settle_us;
    }
}

const struct sim_checker sim_check_i9 = {.name = "I9",
                                         .title = "transactions are neither lost nor doubled",
                                         .make = make,
                                         .see = see,
                                         .drop = drop};
