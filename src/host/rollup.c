/* SPDX-License-Identifier: Apache-2.0 */
/* Rollups: when one is due, its range is read from the store, an enclave makes and signs it, and it
 * goes to L1. The contract takes ranges without gap or overlap, so that what a crash leaves in
 * doubt is settled by what L1 says.
 *
 *     idle ──due──▶ LOADING ─▶ READY ─▶ ASKING ─▶ idle, and a flight more ──told by L1──▶ one less
 *       ▲──────── whatever fails, after a while ◀──┘
 *
 * The next range begins behind the newest that L1 told, or behind those that are on their way
 * there, up to three flights: a confirmation takes longer than a range under load. When one of them
 * fails, or L1 tells another than the first of them, all that rests on it is dropped, and begun
 * anew from what L1 told.
 *
 * Source: docs/protocol.md, section 6. */
#include "chain/rollup.h"
#include "crypto/keccak.h"
#include "host/internal.h"

#define RETRY_MIN_US    1000000u
#define RETRY_MAX_US    60000000u
#define CONFIRM_WAIT_US 600000000u /* from the end of the submission to its confirmation */
/* To that end. By then the L1 block that it names is older than the contract takes, where L1 knows
 * no more than the hashes of 256 blocks. */
#define SUBMIT_WAIT_US 3600000000u

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
    ts_put_u64(&b, h->roll.is_foreign);
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
    got.is_foreign = ts_read_more(&r) && ts_read_u64(&r) != 0;
    ts_read_list_end(&r);
    if (ts_reader_done(&r) != TS_OK)
        return TS_E_CORRUPT;
    h->roll.is_foreign = got.is_foreign;
    h->roll.number = got.number;
    h->roll.hash = got.hash;
    h->roll.root = got.root;
    return TS_OK;
}

static void drop_work(struct ts_host *h)
{
    struct roll *r = &h->roll;
    r->stage = R_IDLE;
    r->load_token = r->ready_us = 0;
    r->member = TS_NOBODY;
    r->n_range = r->n_above = 0;
    r->bytes = r->frame = 0;
    ts_arena_free(&r->arena);
    ts_arena_init(&r->arena, TS_ROLLUP_ARENA);
}

/* Behind which batch the next range begins: the newest that L1 told of, or of the flights. */
static struct roll_end end_of(const struct roll *r)
{
    const struct ts_rollup *made = &r->flights[r->n_flights > 0 ? r->n_flights - 1 : 0].made;
    return r->n_flights > 0
               ? (struct roll_end){made->last_number, made->last_hash, made->protocol_root}
               : (struct roll_end){r->number, r->hash, r->root};
}

static uint64_t tip(const struct roll *r)
{
    return end_of(r).number;
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
                  (unsigned long long)tip(r) + 1, why);
    r->failure_said = true;
}

static bool is_of_chain(const struct ts_host *h)
{
    const struct roll *r = &h->roll;
    const ts_hash *own = ts_chain_recent(&h->chain, r->number);
    return r->number <= h->chain.head.number && (own == NULL || ts_hash_equal(own, &r->hash));
}

static void say_foreign(struct ts_host *h)
{
    out_event(h, TS_LOG_ERROR, "rollup-foreign", "last=%llu publishing=stopped",
              (unsigned long long)h->roll.number);
}

void rollup_begin(struct ts_host *h)
{
    if (!rollup_is_used(h) || h->roll.number == 0)
        return;
    h->roll.is_foreign = h->roll.is_foreign || !is_of_chain(h);
    if (h->roll.is_foreign)
        say_foreign(h);
}

/* Nothing more is paid for flight i and those behind it. */
static void withdraw(struct ts_host *h, size_t i)
{
    struct roll *r = &h->roll;
    for (size_t k = i; k < r->n_flights; k++)
        if (!r->flights[k].is_submitted)
            out_push(h, TS_OUT_WITHDRAW)->token = r->flights[k].job;
    r->n_flights = i;
}

/* Flight i failed: whatever begins behind it can come to nothing now. */
static void drop_flights(struct ts_host *h, size_t i, const char *why)
{
    withdraw(h, i);
    try_later(h, why);
}

/* Whether it is the first of the flights, which is none any more. */
static bool has_landed(struct roll *r, const struct ts_rollup *rollup)
{
    const struct ts_rollup *made = &r->flights[0].made;
    if (r->n_flights == 0 || made->first_number != rollup->first_number ||
        made->last_number != rollup->last_number ||
        !ts_hash_equal(&made->last_hash, &rollup->last_hash) ||
        !ts_hash_equal(&made->protocol_root, &rollup->protocol_root))
        return false;
    r->n_flights--;
    memmove(&r->flights[0], &r->flights[1], r->n_flights * sizeof(r->flights[0]));
    return true;
}

/* What L1 told is not what rests on it here: all begins anew. */
static void begin_anew(struct ts_host *h)
{
    struct roll *r = &h->roll;
    r->is_due = r->is_due || r->n_flights > 0 || r->stage != R_IDLE;
    withdraw(h, 0);
    r->since_us = h->now.mono_us;
    drop_work(h);
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
    r->backoff_us = r->retry_us = 0;
    r->failure_said = false;
    h->counters.rollups++;
    bool was_foreign = r->is_foreign;
    r->is_foreign = was_foreign || !is_of_chain(h);
    settings_put(h, SETTING_ROLLUP);
    out_event(h, TS_LOG_INFO, "rollup-confirmed", "first=%llu last=%llu",
              (unsigned long long)rollup->first_number, (unsigned long long)rollup->last_number);
    if (r->is_foreign && !was_foreign)
        say_foreign(h);
    if (!has_landed(r, rollup) || r->is_foreign)
        begin_anew(h);
}

/* Governance took rollups back: the next one begins where they began. Some, or those before them,
 * may not have been told; what is on its way rests on them. */
void rollup_rolled_back(struct ts_host *h, const struct ts_l1_rollback *back)
{
    struct roll *r = &h->roll;
    if (!rollup_is_used(h))
        return;
    r->number = back->first_number - 1;
    r->hash = back->last_hash;
    r->root = back->protocol_root;
    r->backoff_us = r->retry_us = 0;
    r->failure_said = false;
    r->most = 0;
    r->is_due = true; /* what was in them waits again */
    r->is_foreign = !is_of_chain(h);
    settings_put(h, SETTING_ROLLUP);
    out_event(h, TS_LOG_WARN, "rollups-rolled-back", "first=%llu last=%llu",
              (unsigned long long)back->first_number, (unsigned long long)back->last_number);
    begin_anew(h);
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
    return head > tip(&h->roll) ? head - tip(&h->roll) : 0;
}

static uint64_t due_us(const struct ts_host *h)
{
    const struct roll *r = &h->roll;
    if (waiting(h) == 0 || r->n_flights == TS_ROLL_FLIGHTS)
        return UINT64_MAX;
    bool is_full = r->is_due || waiting(h) >= h->set.rollup_batches ||
                   r->pending_txs_bytes >= h->set.rollup_bytes;
    uint64_t due = is_full ? h->now.mono_us : r->since_us + h->set.rollup_us;
    return due > r->retry_us ? due : r->retry_us;
}

/* ---- the enclave ---- */

static void begin(struct ts_host *h)
{
    struct roll *r = &h->roll;
    int who = roll_choose_maker(h);
    drop_work(h);
    if (who == TS_NOBODY && !start_settled(h)) {
        r->retry_us = h->now.mono_us + RETRY_MIN_US; /* they are still being connected to */
        return;
    }
    if (who == TS_NOBODY) {
        try_later(h, "no enclave is up that could make it");
        return;
    }
    r->stage = R_LOADING;
    r->is_due = false;
    r->pending_txs_bytes = 0; /* what does not fit is due when this is done */
    struct roll_end behind = end_of(r);
    roll_range_begin(h, &h->members[who], &behind);
}

static void ask_member(struct ts_host *h, struct member *m, const struct l1_known *l1)
{
    struct roll *r = &h->roll;
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
    if (!member_ask(h, m, &msg, roll_work(r), 0)) {
        try_later(h, "the enclave has too much to do");
        return;
    }
    r->stage = R_ASKING;
    r->member = member_index(h, m);
    m->rolling = true;
}

/* When the range is read: as soon as whoever makes it has time. */
static void ask(struct ts_host *h)
{
    struct roll *r = &h->roll;
    const struct l1_known *l1 = l1_reference(h);
    int who = roll_choose_maker(h);
    if (who == TS_NOBODY || l1 == NULL) {
        try_later(h, l1 == NULL ? "no L1 block is known" : "no enclave is up that could make it");
        return;
    }
    struct member *m = &h->members[who];
    if (roll_is_too_much(h, m)) {
        begin(h); /* it was read for a passive one that is gone */
        return;
    }
    bool is_late = h->now.mono_us >= r->ready_us + RETRY_MAX_US;
    if (m->rolling && is_late) /* else its answer would be taken for one to this */
        try_later(h, "the enclave still makes one that is no longer wanted");
    if (m->rolling || (!roll_has_time(h, m) && !is_late))
        return;
    if (!roll_range_is_shown(h)) { /* the head went on meanwhile */
        r->stage = R_LOADING;
        roll_range_go_on(h);
        return;
    }
    if (r->frame + l1->n_header + TS_ROLL_FRAME_REST > TS_LINK_MAX_FRAME)
        try_later(h, "its batches take more than a message to an enclave may");
    else
        ask_member(h, m, l1);
}

/* It ends too far back for is_of_chain, and the contract takes nothing of this chain behind it. */
static void found_foreign(struct ts_host *h)
{
    h->roll.is_foreign = true;
    settings_put(h, SETTING_ROLLUP);
    say_foreign(h);
    withdraw(h, 0);
    drop_work(h);
}

void rollup_loaded(struct ts_host *h, const struct ts_host_input *in)
{
    struct roll *r = &h->roll;
    r->load_token = 0;
    const char *fault = roll_range_take(h, in);
    if (fault != NULL) {
        try_later(h, fault);
    } else if (!ts_hash_equal(&r->first_parent, &r->behind)) {
        found_foreign(h);
    } else if (!roll_range_is_shown(h)) {
        roll_range_go_on(h);
    } else {
        r->stage = R_READY;
        if (r->ready_us == 0)
            r->ready_us = h->now.mono_us;
        ask(h);
    }
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
    if (got->first_number != r->first || got->last_number != r->last ||
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

/* To L1. What is left of a full range waits for nothing more. */
static void publish(struct ts_host *h, const struct ts_msg_rolled *a)
{
    struct roll *r = &h->roll;
    TS_CHECK(r->n_flights < TS_ROLL_FLIGHTS && a->rollup.first_number == tip(r) + 1);
    struct flight *f = &r->flights[r->n_flights++];
    *f = (struct flight){.made = a->rollup, .job = ++h->next_token, .since_us = h->now.mono_us};
    uint8_t *data = ts_arena_alloc(&h->arena, a->data.n);
    TS_CHECK(data != NULL);
    memcpy(data, a->data.p, a->data.n);
    struct ts_host_output *o = out_push(h, TS_OUT_PUBLISH);
    o->token = f->job;
    o->rollup = &f->made;
    o->bytes = ts_bytes_of(data, a->data.n);
    r->since_us = h->now.mono_us;
    r->most = 0;
    r->is_due = r->range_is_full;
    drop_work(h);
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
        roll_maker_failed(h, m);
        try_later(h, err == TS_E_NOMEM ? "no memory to check it" : fault);
        if (err != TS_E_NOMEM)
            member_corrupt(h, m, "%s", fault);
        return;
    }
    publish(h, a);
    out_event(h, TS_LOG_INFO, "rollup-made", "first=%llu last=%llu bytes=%zu enclave=%s",
              (unsigned long long)a->rollup.first_number, (unsigned long long)a->rollup.last_number,
              a->data.n, short_id(h, &m->id));
}

void rollup_refused(struct ts_host *h, struct member *m, const struct ts_msg_error *e)
{
    struct roll *r = &h->roll;
    m->rolling = false;
    if (r->stage != R_ASKING || r->member != member_index(h, m))
        return;
    if (e->code == TS_E_LIMIT && r->n_range > 1)
        r->most = r->n_range / 2; /* the data take more than a rollup may */
    else
        roll_maker_failed(h, m);
    try_later(h, said(h, e->text));
}

void rollup_member_lost(struct ts_host *h, struct member *m)
{
    m->rolling = false;
    if (h->roll.stage != R_ASKING || h->roll.member != member_index(h, m))
        return;
    roll_maker_failed(h, m);
    try_later(h, "the enclave that made it was lost");
}

/* ---- L1 ---- */

void rollup_submitted(struct ts_host *h, const struct ts_host_input *in)
{
    struct roll *r = &h->roll;
    size_t i = 0;
    while (i < r->n_flights && r->flights[i].job != in->token)
        i++;
    if (i == r->n_flights)
        return; /* it was told, or dropped */
    if (in->err != TS_OK) {
        drop_flights(h, i, in->text != NULL ? in->text : ts_err_text(in->err));
        return;
    }
    r->flights[i].is_submitted = true; /* the follower tells it when it is confirmed */
    r->flights[i].since_us = h->now.mono_us;
}

/* The contract would refuse it, and that would be paid for. */
void rollup_l1(struct ts_host *h, const struct ts_host_input *in)
{
    static const char *const why = "L1 went back behind the block that it names";
    struct roll *r = &h->roll;
    for (size_t i = 0; i < r->n_flights; i++) {
        const struct ts_rollup *made = &r->flights[i].made;
        if (l1_denies(in, made->l1_number, &made->l1_hash)) {
            drop_flights(h, i, why);
            return;
        }
    }
    if (r->stage == R_ASKING && l1_denies(in, r->l1_number, &r->l1_hash))
        try_later(h, why);
}

/* Nothing is published of a chain that L1 does not have as it is. */
static bool is_at_rest(const struct ts_host *h)
{
    return !rollup_is_used(h) || h->roll.is_foreign || h->stopping || !h->l1.has_newest ||
           h->l1.stopped;
}

/* When a flight is given up, the first that is: *at. UINT64_MAX: there is none. */
static uint64_t give_up_us(const struct roll *r, size_t *at)
{
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < r->n_flights; i++) {
        const struct flight *f = &r->flights[i];
        uint64_t until = f->since_us + (f->is_submitted ? CONFIRM_WAIT_US : SUBMIT_WAIT_US);
        if (until < first)
            *at = i;
        first = until < first ? until : first;
    }
    return first;
}

void rollup_advance(struct ts_host *h)
{
    struct roll *r = &h->roll;
    if (is_at_rest(h))
        return;
    if (r->since_us == 0)
        r->since_us = h->now.mono_us;
    if (r->stage == R_LOADING && h->now.mono_us >= r->began_us + RETRY_MAX_US)
        try_later(h, "the store does not answer");
    size_t late = 0;
    if (h->now.mono_us >= give_up_us(r, &late))
        drop_flights(h, late,
                     r->flights[late].is_submitted ? "it was taken by L1 and is not confirmed"
                                                   : "L1 has not taken it within an hour");
    if (r->stage == R_IDLE && h->now.mono_us >= due_us(h))
        begin(h);
    else if (r->stage == R_READY)
        ask(h);
}

uint64_t rollup_wake(const struct ts_host *h)
{
    const struct roll *r = &h->roll;
    uint64_t now = h->now.mono_us;
    if (is_at_rest(h))
        return UINT64_MAX;
    size_t late;
    uint64_t wake = UINT64_MAX;
    if (r->stage == R_IDLE)
        wake = due_us(h);
    else if (r->stage == R_LOADING)
        wake = r->began_us + RETRY_MAX_US;
    else if (r->stage == R_READY)
        wake = r->ready_us + RETRY_MAX_US;
    uint64_t give_up = give_up_us(r, &late);
    if (wake > give_up)
        wake = give_up;
    return wake > now ? wake : now + 1000;
}

void rollup_free(struct ts_host *h)
{
    ts_arena_free(&h->roll.arena);
    free(h->roll.range);
    free(h->roll.above);
}
