/* SPDX-License-Identifier: Apache-2.0 */
/* Rollups: when one is due, its range is read from the store, an enclave makes and signs it, and it
 * goes to L1. The contract takes ranges without gap or overlap, so that what a crash leaves in
 * doubt is settled by what L1 says: the next range always begins behind the newest that it told.
 *
 *     idle ──due──▶ LOADING ─▶ ASKING ─▶ PUBLISHING ──told by L1──▶ idle
 *       ▲──────── whatever fails, after a while ◀──┘
 *
 * Source: docs/protocol.md, section 6. */
#include "chain/rollup.h"
#include "crypto/keccak.h"
#include "host/internal.h"

#define LOAD_BATCHES    1024u
#define RETRY_MIN_US    1000000u
#define RETRY_MAX_US    60000000u
#define CONFIRM_WAIT_US 600000000u /* from the end of the submission to its confirmation */
#define NEAR_HEAD       (TS_RECENT / 2)

bool rollup_is_used(const struct ts_host *h)
{
    return l1_is_used(h) && h->set.publishes;
}

/* ---- what L1 holds ---- */

struct store_step *rollup_put(struct ts_host *h)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    size_t mark = ts_put_list(&b);
    ts_put_u64(&b, h->roll.number);
    ts_put_hash(&b, &h->roll.hash);
    ts_put_hash(&b, &h->roll.root);
    ts_put_list_end(&b, mark);
    TS_CHECK(b.err == TS_OK); /* a few bytes */
    struct store_step *s = put_meta(h, "rollup", ts_buf_bytes(&b));
    h->roll.n_storing++;
    ts_buf_free(&b);
    return s;
}

void rollup_put_done(struct ts_host *h)
{
    h->roll.n_storing--;
}

bool rollup_is_stored(const struct ts_host *h)
{
    return h->roll.n_storing == 0 && !h->setting_failed[SETTING_ROLLUP];
}

ts_err rollup_load(struct ts_host *h, ts_bytes value)
{
    struct ts_reader r = ts_reader_of(value);
    struct roll got = {0};
    ts_read_list(&r);
    got.number = ts_read_u64(&r);
    ts_read_hash(&r, &got.hash);
    ts_read_hash(&r, &got.root);
    ts_read_list_end(&r);
    if (ts_reader_done(&r) != TS_OK)
        return TS_E_CORRUPT;
    h->roll.number = got.number;
    h->roll.hash = got.hash;
    h->roll.root = got.root;
    return TS_OK;
}

static void drop_work(struct ts_host *h)
{
    struct roll *r = &h->roll;
    r->stage = R_IDLE;
    r->load_token = r->job = 0;
    r->is_submitted = false;
    r->member = TS_NOBODY;
    r->n_range = r->n_above = 0;
    r->bytes = 0;
    ts_arena_free(&r->arena);
    ts_arena_init(&r->arena, TS_ROLLUP_ARENA);
}

static void try_later(struct ts_host *h, const char *why)
{
    struct roll *r = &h->roll;
    drop_work(h);
    r->is_due = true;
    r->backoff_us = r->backoff_us == 0 ? RETRY_MIN_US : 2 * r->backoff_us;
    if (r->backoff_us > RETRY_MAX_US)
        r->backoff_us = RETRY_MAX_US;
    r->retry_us = h->now.mono_us + r->backoff_us;
    if (!r->failure_said)
        out_event(h, TS_LOG_WARN, "rollup-failed", "first=%llu reason=\"%s\"",
                  (unsigned long long)r->number + 1, why);
    r->failure_said = true;
}

/* A rollup on confirmed L1. Ours, an earlier life's or another host's: it counts the same. */
void rollup_confirmed(struct ts_host *h, const struct ts_rollup *rollup)
{
    struct roll *r = &h->roll;
    if (!rollup_is_used(h) || rollup->last_number <= r->number)
        return;
    r->number = rollup->last_number;
    r->hash = rollup->last_hash;
    r->root = rollup->protocol_root;
    r->since_us = h->now.mono_us;
    r->is_due = r->is_due || (r->stage == R_PUBLISHING && r->range_is_full);
    r->backoff_us = r->retry_us = 0;
    r->failure_said = false;
    h->counters.rollups++;
    settings_put(h, SETTING_ROLLUP);
    out_event(h, TS_LOG_INFO, "rollup-confirmed", "first=%llu last=%llu",
              (unsigned long long)rollup->first_number, (unsigned long long)rollup->last_number);
    const ts_hash *own = ts_chain_recent(&h->chain, r->number);
    if (r->number > h->chain.head.number || (own != NULL && !ts_hash_equal(own, &r->hash))) {
        r->is_foreign = true;
        out_event(h, TS_LOG_ERROR, "rollup-foreign", "last=%llu publishing=stopped",
                  (unsigned long long)r->number);
    }
    drop_work(h);
}

/* ---- when one is due ---- */

void rollup_batch_committed(struct ts_host *h, const struct ts_batch *b)
{
    if (!rollup_is_used(h))
        return;
    h->roll.pending_txs_bytes += b->raw_txs.n;
}

static uint64_t waiting(const struct ts_host *h)
{
    uint64_t head = h->chain.head.number;
    return head > h->roll.number ? head - h->roll.number : 0;
}

static uint64_t due_us(const struct ts_host *h)
{
    const struct roll *r = &h->roll;
    if (waiting(h) == 0)
        return UINT64_MAX;
    bool is_full = r->is_due || waiting(h) >= h->set.rollup_batches ||
                   r->pending_txs_bytes >= h->set.rollup_bytes;
    uint64_t due = is_full ? h->now.mono_us : r->since_us + h->set.rollup_us;
    return due > r->retry_us ? due : r->retry_us;
}

/* ---- the range ---- */

static void load(struct ts_host *h, uint64_t from, uint64_t count)
{
    struct roll *r = &h->roll;
    r->load_token = ++h->next_token;
    struct ts_host_output *o = out_push(h, TS_OUT_LOAD);
    o->token = r->load_token;
    o->from = from;
    o->count = count < LOAD_BATCHES ? count : LOAD_BATCHES;
}

static void begin(struct ts_host *h)
{
    struct roll *r = &h->roll;
    drop_work(h);
    r->stage = R_LOADING;
    r->last = r->number;
    r->work_root = r->root;
    r->range_is_full = false;
    r->began_us = h->now.mono_us;
    r->target = h->chain.head.number;
    r->is_due = false;
    r->pending_txs_bytes = 0; /* what does not fit is due when this is done */
    load(h, r->last + 1, r->target - r->last);
}

static ts_bytes keep(struct ts_host *h, ts_bytes b)
{
    uint8_t *copy = ts_arena_alloc(&h->roll.arena, b.n);
    if (copy == NULL)
        return ts_bytes_of(NULL, 0);
    memcpy(copy, b.p, b.n);
    return ts_bytes_of(copy, b.n);
}

/* Whether the batch still fits. One alone always does. */
static bool fits(const struct ts_host *h, const struct ts_batch *b)
{
    const struct roll *r = &h->roll;
    return r->n_range == 0 ||
           (r->n_range < TS_ROLLUP_MAX_BATCHES && r->bytes + b->raw_txs.n <= h->set.rollup_bytes);
}

static bool add_to_range(struct ts_host *h, const struct ts_batch *b, const ts_hash *hash)
{
    struct roll *r = &h->roll;
    if (r->range == NULL)
        r->range = host_alloc(TS_ROLLUP_MAX_BATCHES * sizeof(*r->range));
    if (r->n_range == 0)
        r->first_parent = b->header.parent_hash;
    struct ts_msg_range_item *item = &r->range[r->n_range];
    *item = (struct ts_msg_range_item){keep(h, b->raw_header), keep(h, b->raw_txs)};
    if (item->header.p == NULL || item->transactions.p == NULL)
        return false;
    r->n_range++;
    r->bytes += b->raw_txs.n;
    r->last = b->header.number;
    r->last_hash = *hash;
    r->seal = b->seal;
    ts_protocol_root(&r->work_root, b->raw_payload, &r->work_root);
    return true;
}

static bool add_above(struct ts_host *h, const struct ts_batch *b)
{
    struct roll *r = &h->roll;
    if (r->above == NULL)
        r->above = host_alloc(TS_MAX_ABOVE * sizeof(*r->above));
    if (r->n_above == TS_MAX_ABOVE)
        return false;
    r->above[r->n_above] = keep(h, b->raw_header);
    return r->above[r->n_above++].p != NULL;
}

/* One batch of the store, the next after those before it. */
static const char *take(struct ts_host *h, const struct ts_store_batch *s)
{
    struct roll *r = &h->roll;
    struct ts_batch b;
    uint64_t next = r->last + r->n_above + 1;
    if (s->number != next)
        return "the store left a batch out";
    if (ts_batch_decode(s->raw, TS_MAX_BATCH_BYTES, &h->arena, &b) != TS_OK)
        return "the store gave a batch that does not decode";
    r->range_is_full = r->range_is_full || !fits(h, &b);
    bool taken = r->range_is_full ? add_above(h, &b) : add_to_range(h, &b, &s->hash);
    return taken ? NULL : "the batches up to the head are more than an enclave can be shown";
}

/* Up to where the enclave must be shown headers: near enough to its head. */
static bool is_complete(const struct ts_host *h)
{
    const struct roll *r = &h->roll;
    uint64_t shown = r->last + r->n_above;
    if (!r->range_is_full)
        return shown >= r->target;
    return r->n_range > 0 && shown + NEAR_HEAD >= h->chain.head.number;
}

/* ---- the enclave ---- */

/* On L1's list and on the chain's: who is only on L1's yet may be gone from it before any batch
 * names it, and nodes would find the rollup to be signed by nobody. */
static int choose_maker(const struct ts_host *h)
{
    int best = TS_NOBODY;
    for (unsigned i = 0; i < h->n_members; i++) {
        const struct member *m = &h->members[i];
        if (!is_up(h, m) || !l1_lists(h, m) || !member_whitelisted(h, m) ||
            m->fifo_n > TS_MAX_REQUESTS / 2 ||
            m->head.number + NEAR_HEAD / 2 < h->chain.head.number ||
            (m->state != TS_ENC_PASSIVE && m->state != TS_ENC_ACTIVE))
            continue;
        if (best == TS_NOBODY ||
            (h->members[best].state == TS_ENC_ACTIVE && m->state == TS_ENC_PASSIVE))
            best = (int)i;
    }
    return best;
}

static void ask(struct ts_host *h)
{
    struct roll *r = &h->roll;
    const struct l1_known *l1 = l1_reference(h);
    int who = choose_maker(h);
    if (who == TS_NOBODY || l1 == NULL) {
        try_later(h, l1 == NULL ? "no L1 block is known" : "no enclave is up that could make it");
        return;
    }
    struct ts_msg msg = {.type = TS_MSG_ROLLUP};
    msg.u.rollup = (struct ts_msg_rollup){.l1_number = l1->number,
                                          .l1_hash = l1->hash,
                                          .l1_header = ts_bytes_of(l1->header, l1->n_header),
                                          .protocol_root = r->work_root,
                                          .seal = r->seal,
                                          .range = r->range,
                                          .n_range = r->n_range,
                                          .above = r->above,
                                          .n_above = r->n_above};
    r->l1_number = l1->number;
    r->l1_hash = l1->hash;
    if (!member_ask(h, &h->members[who], &msg, 0, 0)) {
        try_later(h, "the enclave has too much to do");
        return;
    }
    r->stage = R_ASKING;
    r->member = who;
    h->members[who].rolling = true;
}

void rollup_loaded(struct ts_host *h, const struct ts_host_input *in)
{
    struct roll *r = &h->roll;
    const char *fault =
        in->err != TS_OK || in->n_batches == 0 ? "the store does not give its batches" : NULL;
    r->load_token = 0;
    for (size_t i = 0; i < in->n_batches && fault == NULL && !is_complete(h); i++)
        fault = take(h, &in->batches[i]);
    if (fault != NULL)
        try_later(h, fault);
    else if (is_complete(h))
        ask(h);
    else
        load(h, r->last + r->n_above + 1, LOAD_BATCHES);
}

bool rollup_waits_for(const struct ts_host *h, uint64_t load_token)
{
    return h->roll.load_token == load_token && load_token != 0;
}

/* ---- the answer ---- */

static bool same_batch(const struct ts_msg_range_item *item, const struct ts_rollup_batch *b)
{
    struct ts_reader r = ts_reader_of(item->header);
    struct ts_reader txs = ts_reader_of(item->transactions);
    struct ts_batch_header e;
    ts_schema_read(&r, &ts_batch_header_type, &e);
    if (ts_reader_done(&r) != TS_OK || e.time != b->time || e.term != b->term ||
        e.l1_number != b->l1_number || !ts_address_equal(&e.producer, &b->producer))
        return false;
    ts_read_list(&txs);
    for (size_t i = 0; i < b->n_txs; i++) {
        ts_bytes tx = ts_read_bytes(&txs, TS_MAX_BATCH_BYTES);
        if (tx.n != b->txs[i].n || (tx.n > 0 && memcmp(tx.p, b->txs[i].p, tx.n) != 0))
            return false;
    }
    ts_read_list_end(&txs);
    return ts_reader_done(&txs) == TS_OK;
}

/* The header that was signed, against the range that was asked for. */
static const char *header_fault(struct ts_host *h, const struct member *m,
                                const struct ts_msg_rolled *a)
{
    const struct roll *r = &h->roll;
    const struct ts_rollup *got = &a->rollup;
    ts_address signer;
    ts_hash data;
    ts_keccak256(a->data, &data);
    if (got->first_number != r->number + 1 || got->last_number != r->last ||
        !ts_hash_equal(&got->first_parent_hash, &r->first_parent) ||
        !ts_hash_equal(&got->last_hash, &r->last_hash) ||
        !ts_hash_equal(&got->protocol_root, &r->work_root) || got->l1_number != r->l1_number ||
        !ts_hash_equal(&got->l1_hash, &r->l1_hash))
        return "made a rollup of another range than the one asked for";
    if (!ts_hash_equal(&got->data_hash, &data))
        return "signed other rollup data than it gave";
    if (ts_rollup_signer(h->crypto, &h->genesis->domain, got, &signer) != TS_OK ||
        !ts_address_equal(&signer, &m->id))
        return "gave a rollup that is not signed by it";
    return NULL;
}

/* NULL, or what is wrong; *err TS_E_NOMEM: nothing is known to be. */
static const char *data_fault(struct ts_host *h, const struct ts_msg_rolled *a, ts_err *err)
{
    const struct roll *r = &h->roll;
    struct ts_arena arena;
    struct ts_rollup_batch *batches;
    const char *fault = NULL;
    ts_arena_init(&arena, TS_ROLLUP_ARENA);
    *err = ts_rollup_decode(a->data, r->n_range, &arena, &batches);
    if (*err != TS_OK)
        fault = "gave rollup data that do not decode";
    for (size_t i = 0; i < r->n_range && fault == NULL; i++)
        if (!same_batch(&r->range[i], &batches[i]))
            fault = "gave rollup data of other batches";
    ts_arena_free(&arena);
    return fault;
}

void rollup_answered(struct ts_host *h, struct member *m, const struct ts_msg_rolled *a)
{
    struct roll *r = &h->roll;
    ts_err err = TS_OK;
    m->rolling = false;
    if (r->stage != R_ASKING || r->member != member_index(h, m))
        return;
    const char *fault = header_fault(h, m, a);
    if (fault == NULL)
        fault = data_fault(h, a, &err);
    if (fault != NULL) {
        try_later(h, err == TS_E_NOMEM ? "no memory to check it" : fault);
        if (err != TS_E_NOMEM)
            member_corrupt(h, m, "%s", fault);
        return;
    }
    r->stage = R_PUBLISHING;
    r->member = TS_NOBODY;
    r->job = ++h->next_token;
    r->since_publish_us = h->now.mono_us;
    uint8_t *data = ts_arena_alloc(&h->arena, a->data.n);
    TS_CHECK(data != NULL);
    memcpy(data, a->data.p, a->data.n);
    r->made = a->rollup;
    struct ts_host_output *o = out_push(h, TS_OUT_PUBLISH);
    o->token = r->job;
    o->rollup = &r->made;
    o->bytes = ts_bytes_of(data, a->data.n);
    out_event(h, TS_LOG_INFO, "rollup-made", "first=%llu last=%llu bytes=%zu enclave=%s",
              (unsigned long long)a->rollup.first_number, (unsigned long long)a->rollup.last_number,
              a->data.n, short_id(h, &m->id));
}

void rollup_refused(struct ts_host *h, struct member *m, const struct ts_msg_error *e)
{
    m->rolling = false;
    if (h->roll.stage != R_ASKING || h->roll.member != member_index(h, m))
        return;
    try_later(h, said(h, e->text));
}

void rollup_member_lost(struct ts_host *h, struct member *m)
{
    m->rolling = false;
    if (h->roll.stage == R_ASKING && h->roll.member == member_index(h, m))
        try_later(h, "the enclave that made it was lost");
}

/* ---- L1 ---- */

void rollup_submitted(struct ts_host *h, const struct ts_host_input *in)
{
    struct roll *r = &h->roll;
    if (r->stage != R_PUBLISHING || in->token != r->job)
        return;
    if (in->err != TS_OK)
        try_later(h, in->text != NULL ? in->text : ts_err_text(in->err));
    else
        r->since_publish_us = h->now.mono_us; /* the follower tells it when it is confirmed */
    r->is_submitted = in->err == TS_OK;
}

void rollup_advance(struct ts_host *h)
{
    struct roll *r = &h->roll;
    if (!rollup_is_used(h) || r->is_foreign || h->stopping || !h->l1.has_newest)
        return;
    if (r->since_us == 0)
        r->since_us = h->now.mono_us;
    if (r->stage == R_LOADING && h->now.mono_us >= r->began_us + RETRY_MAX_US)
        try_later(h, "the store does not answer");
    if (r->stage == R_PUBLISHING && r->is_submitted &&
        h->now.mono_us >= r->since_publish_us + CONFIRM_WAIT_US)
        try_later(h, "it was taken by L1 and is not confirmed");
    if (r->stage == R_IDLE && h->now.mono_us >= due_us(h))
        begin(h);
}

uint64_t rollup_wake(const struct ts_host *h)
{
    const struct roll *r = &h->roll;
    uint64_t now = h->now.mono_us;
    if (!rollup_is_used(h) || r->is_foreign || h->stopping || !h->l1.has_newest)
        return UINT64_MAX;
    uint64_t wake = UINT64_MAX;
    if (r->stage == R_IDLE)
        wake = due_us(h);
    else if (r->stage == R_LOADING)
        wake = r->began_us + RETRY_MAX_US;
    else if (r->stage == R_PUBLISHING && r->is_submitted)
        wake = r->since_publish_us + CONFIRM_WAIT_US;
    return wake > now ? wake : now + 1000;
}

void rollup_free(struct ts_host *h)
{
    ts_arena_free(&h->roll.arena);
    free(h->roll.range);
    free(h->roll.above);
}
