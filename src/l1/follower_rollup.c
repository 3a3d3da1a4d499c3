/* SPDX-License-Identifier: Apache-2.0 */
/* Rollups: the logs say which there are and in which order; the data lies in the calldata of the
 * transaction that published each. They are read one by one, in order, once their block is told.
 * Those that governance has taken back by then are not read at all.
 * One whose data cannot be found is left out, said and counted: whoever follows sees the gap. */
#include <stdlib.h>
#include <string.h>

#include "crypto/keccak.h"
#include "l1/follower_internal.h"

#define TRIES      16 /* places in one transaction whose data are hashed */
#define SAID_AFTER 8  /* failures in a row to get a transaction */

bool ts_l1f_rollup_reserve(struct ts_l1_follower *f, size_t more)
{
    size_t want = f->n_pending + more;
    if (!f->s.wants_rollups || want <= f->cap_pending)
        return true;
    size_t cap = 2 * f->cap_pending > want ? 2 * f->cap_pending : want;
    struct l1f_pending *p = realloc(f->pending, cap * sizeof(*p));
    if (p == NULL)
        return false;
    f->pending = p;
    f->cap_pending = cap;
    return true;
}

bool ts_l1f_rollup_has_room(const struct ts_l1_follower *f)
{
    return f->n_pending < (f->told < f->s.rollups_at ? L1F_PENDING_AT : L1F_PENDING);
}

bool ts_l1f_rollup_follows(const struct ts_l1_event *e, uint64_t *last)
{
    const struct ts_l1_published *p = &e->published;
    bool is_rollback = e->kind == TS_L1_ROLLED_BACK;
    if (p->first_number == 0 || p->last_number < p->first_number ||
        (is_rollback ? p->last_number : p->first_number - 1) != *last)
        return false;
    *last = is_rollback ? p->first_number - 1 : p->last_number;
    return true;
}

/* The last batch after it. */
static uint64_t last_after(const struct l1f_pending *p)
{
    return !p->is_rollback           ? p->log.last_number
           : p->log.first_number > 0 ? p->log.first_number - 1
                                     : 0;
}

void ts_l1f_rollup_seen(struct ts_l1_follower *f, const struct ts_l1_log *log,
                        const struct ts_l1_event *e)
{
    uint64_t last = f->rollup_last;
    if (!ts_l1f_rollup_follows(e, &last))
        ts_l1f_event(f, TS_LOG_WARN, "l1-rollup-gap",
                     "block=%llu expected=%llu first=%llu last=%llu",
                     (unsigned long long)log->block, (unsigned long long)f->rollup_last + 1,
                     (unsigned long long)e->published.first_number,
                     (unsigned long long)e->published.last_number);
    struct l1f_pending *p = &f->pending[f->n_pending++];
    *p = (struct l1f_pending){.block = log->block,
                              .tx = log->tx,
                              .is_rollback = e->kind == TS_L1_ROLLED_BACK,
                              .log = e->published};
    f->rollup_last = last_after(p);
}

static void set_last(struct ts_l1_follower *f)
{
    f->rollup_last = f->n_pending > 0 ? last_after(&f->pending[f->n_pending - 1]) : f->rollup_done;
}

void ts_l1f_rollup_cut(struct ts_l1_follower *f, uint64_t number)
{
    while (f->n_pending > 0 && f->pending[f->n_pending - 1].block > number)
        f->n_pending--;
    set_last(f);
}

/* The first n are done with. */
static void drop(struct ts_l1_follower *f, size_t n)
{
    if (n == 0)
        return;
    f->rollup_done = last_after(&f->pending[n - 1]);
    f->n_pending -= n;
    memmove(f->pending, f->pending + n, f->n_pending * sizeof(f->pending[0]));
}

size_t ts_l1f_rollups_waiting(const struct ts_l1_follower *f)
{
    size_t n = 0;
    while (n < f->n_pending && f->pending[n].block <= f->told)
        n++;
    return n;
}

/* ---- rollbacks ---- */

/* Takes what the rollback at place at takes back out of the pending ones before it; a rollback of a
 * part of that too. */
static void take_back(struct ts_l1_follower *f, size_t at)
{
    uint64_t first = f->pending[at].log.first_number;
    size_t kept = 0;
    for (size_t i = 0; i < at; i++) {
        const struct l1f_pending *p = &f->pending[i];
        if (p->log.first_number < first)
            f->pending[kept++] = *p;
        else if (i == 0)
            ts_l1f_forget(f, L1F_TX); /* it may be under way */
    }
    f->pending[at].is_applied = true;
    memmove(f->pending + kept, f->pending + at, (f->n_pending - at) * sizeof(f->pending[0]));
    f->n_pending -= at - kept;
}

/* A rollback in a told block stands: what it takes back need not be read any more. */
static void take_all_back(struct ts_l1_follower *f)
{
    size_t n = ts_l1f_rollups_waiting(f), i = 0;
    while (i < n) {
        size_t before = f->n_pending;
        if (f->pending[i].is_rollback && !f->pending[i].is_applied)
            take_back(f, i);
        i = i + 1 - (before - f->n_pending);
        n -= before - f->n_pending;
    }
}

/* Known, as the caller said. */
static bool is_known(const struct ts_l1_follower *f, const struct l1f_pending *p)
{
    return p->block < f->s.rollups_from ||
           (!p->is_rollback && p->log.last_number <= f->s.rollups_above);
}

static void tell_rollback(struct ts_l1_follower *f, const struct l1f_pending *p)
{
    uint64_t last = last_after(p);
    if (p->block > f->s.rollups_at && last < f->s.rollups_above)
        f->s.rollups_above = last;
    ts_l1f_out(f, TS_L1_FOLLOW_ROLLBACK)->rollback = (struct ts_l1_rollback){
        .first_number = last + 1,
        .last_number = p->log.last_number,
        .last_hash = p->log.last_hash,
        .protocol_root = p->log.protocol_root,
        .l1_block = p->block,
    };
}

/* What needs no transaction. */
static void pass(struct ts_l1_follower *f)
{
    size_t n = 0, waiting = ts_l1f_rollups_waiting(f);
    for (; n < waiting; n++) {
        const struct l1f_pending *p = &f->pending[n];
        if (is_known(f, p))
            continue;
        if (!p->is_rollback)
            break;
        if (!ts_l1f_out_has_room(f)) {
            ts_l1f_soon(f, 0);
            break;
        }
        tell_rollback(f, p);
    }
    drop(f, n);
}

void ts_l1f_rollup_plan(struct ts_l1_follower *f)
{
    if (f->doubts > 0 || !f->is_linked || f->told < f->s.rollups_at)
        return;
    take_all_back(f);
    if (ts_l1f_is_asked(f, L1F_TX))
        return;
    pass(f);
    if (f->n_pending > 0 && !f->pending[0].is_rollback && f->pending[0].block <= f->told &&
        ts_l1f_may_ask(f, L1F_TX))
        ts_l1f_ask(f, L1F_TX, (struct ts_l1_call){.method = TS_L1_TX, .hash = f->pending[0].tx});
}

/* ---- the data ---- */

static bool is_of_log(const struct ts_rollup *r, const struct ts_l1_published *p)
{
    return r->first_number == p->first_number && r->last_number == p->last_number &&
           ts_hash_equal(&r->last_hash, &p->last_hash) &&
           ts_hash_equal(&r->protocol_root, &p->protocol_root) &&
           ts_hash_equal(&r->data_hash, &p->data_hash) && r->l1_number == p->l1_number &&
           memcmp(r->sig.b, p->sig.b, sizeof(p->sig.b)) == 0;
}

/* Looks for the call in what was sent: at the beginning when it went to the contract itself, else
 * anywhere inside, since a multisig or forwarder hands calldata on as it is. */
static bool find_call(ts_bytes input, const struct ts_l1_published *p, struct ts_rollup *r,
                      ts_bytes *data)
{
    unsigned tries = 0;
    for (size_t at = 0; at + 4 <= input.n && tries < TRIES; at++) {
        ts_hash h;
        if (ts_l1_read_publish(ts_bytes_of(input.p + at, input.n - at), r, data) != TS_OK ||
            !is_of_log(r, p))
            continue;
        ts_keccak256(*data, &h);
        tries++;
        if (ts_hash_equal(&h, &r->data_hash))
            return true;
    }
    return false;
}

static void give_up(struct ts_l1_follower *f)
{
    const struct l1f_pending *p = &f->pending[0];
    char tx[TS_HASH_HEX_SIZE];
    f->unreadable++;
    ts_l1f_event(f, TS_LOG_ERROR, "l1-rollup-unreadable",
                 "state=left-out first=%llu last=%llu block=%llu tx=%s reason=\"the transaction "
                 "does not hold the rollup's data\"",
                 (unsigned long long)p->log.first_number, (unsigned long long)p->log.last_number,
                 (unsigned long long)p->block, ts_hex(p->tx.b, sizeof(p->tx.b), tx));
    drop(f, 1);
}

static void not_there(struct ts_l1_follower *f)
{
    const struct l1f_pending *p = &f->pending[0];
    char tx[TS_HASH_HEX_SIZE];
    if (f->asks[L1F_TX].failures == SAID_AFTER)
        ts_l1f_event(f, TS_LOG_WARN, "l1-rollup-unreadable",
                     "state=waiting first=%llu last=%llu block=%llu tx=%s reason=\"the L1 node "
                     "does not have the transaction: it keeps no index that far back?\"",
                     (unsigned long long)p->log.first_number,
                     (unsigned long long)p->log.last_number, (unsigned long long)p->block,
                     ts_hex(p->tx.b, sizeof(p->tx.b), tx));
    ts_l1f_failed(f, L1F_TX, TS_E_BUSY, "the L1 node does not have a rollup's transaction");
}

static bool tell(struct ts_l1_follower *f, const struct ts_rollup *r, ts_bytes data)
{
    uint8_t *copy = ts_arena_alloc(&f->step, data.n);
    if (copy == NULL)
        return false;
    if (data.n > 0)
        memcpy(copy, data.p, data.n);
    f->rollup = (struct ts_l1_rollup){
        .rollup = *r,
        .data = ts_bytes_of(copy, data.n),
        .l1_block = f->pending[0].block,
        .l1_tx = f->pending[0].tx,
    };
    ts_l1f_out(f, TS_L1_FOLLOW_ROLLUP)->rollup = &f->rollup;
    return true;
}

void ts_l1f_rollup_answer(struct ts_l1_follower *f, const struct ts_l1_answer *a)
{
    struct ts_rollup r;
    ts_bytes data;
    if (a->err != TS_OK) {
        ts_l1f_failed(f, L1F_TX, a->err, "%s", a->text);
    } else if (!a->u.tx.found || !a->u.tx.is_mined) {
        not_there(f);
    } else if (a->u.tx.block != f->pending[0].block) {
        ts_l1f_failed(f, L1F_TX, TS_E_L1_NONSENSE, "a transaction is not in the block of its log");
    } else if (!find_call(a->u.tx.input, &f->pending[0].log, &r, &data)) {
        ts_l1f_good(f, L1F_TX);
        give_up(f);
    } else if (!tell(f, &r, data)) {
        ts_l1f_failed(f, L1F_TX, TS_E_NOMEM, "out of memory");
    } else {
        ts_l1f_good(f, L1F_TX);
        f->rollups++;
        drop(f, 1);
    }
}
