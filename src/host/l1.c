/* SPDX-License-Identifier: Apache-2.0 */
/* L1 as the host sees it: which block the next batch names, the whitelist that goes with it, and
 * whether a sealed batch names what L1 holds. Source: docs/protocol.md, sections 2 and 4. */
#include <stdarg.h>

#include "chain/l1.h"
#include "host/internal.h"

#define ASK_AGAIN_US 2000000u

bool l1_is_used(const struct ts_host *h)
{
    return h->genesis->l1_chain_id != 0;
}

/* ---- blocks that are known ---- */

static struct l1_known *find(const struct ts_host *h, uint64_t number, const ts_hash *hash)
{
    for (size_t i = 0; i < h->l1.n_known; i++)
        if (h->l1.known[i].number == number && ts_hash_equal(&h->l1.known[i].hash, hash))
            return &((struct ts_host *)(uintptr_t)h)->l1.known[i];
    return NULL;
}

/* While L1 is down the next batches name the block of the head too; and whoever is fed the prepared
 * batch, however long that takes, is given its block's header. */
static bool is_needed(const struct ts_host *h, const struct l1_known *k)
{
    const struct prepared *p = &h->prep;
    return ts_hash_equal(&k->hash, &h->chain.head.l1_hash) ||
           (p->stage != P_NONE && ts_hash_equal(&k->hash, &p->batch.header.l1_hash));
}

/* The oldest that is not needed makes room. */
static struct l1_known *make_place(struct ts_host *h)
{
    struct l1_host *l1 = &h->l1;
    if (l1->n_known < TS_COUNT(l1->known))
        return &l1->known[l1->n_known++];
    size_t at = 0;
    while (is_needed(h, &l1->known[at])) /* so are two at most */
        at++;
    free(l1->known[at].header);
    memmove(&l1->known[at], &l1->known[at + 1], (l1->n_known - at - 1) * sizeof(l1->known[0]));
    return &l1->known[l1->n_known - 1];
}

static struct l1_known *remember(struct ts_host *h, uint64_t number, const ts_hash *hash,
                                 ts_time time, ts_bytes header)
{
    struct l1_known *k = find(h, number, hash);
    if (k != NULL)
        return k;
    k = make_place(h);
    *k = (struct l1_known){.number = number, .hash = *hash, .time = time};
    k->header = host_alloc(header.n);
    memcpy(k->header, header.p, header.n);
    k->n_header = header.n;
    return k;
}

void l1_load_header(struct ts_host *h, ts_bytes header)
{
    struct ts_l1_evidence e;
    if (header.n > 0 && ts_l1_header_read(header, &e, NULL) == TS_OK)
        remember(h, e.number, &e.hash, e.time, header);
}

void l1_free(struct ts_host *h)
{
    for (size_t i = 0; i < h->l1.n_known; i++)
        free(h->l1.known[i].header);
}

static void take_block(struct ts_host *h, const struct ts_l1_block *b, bool is_newest)
{
    TS_CHECK(b->n_whitelist <= TS_MAX_WHITELIST && b->header.n <= TS_MAX_L1_HEADER);
    struct l1_known *k = remember(h, b->number, &b->hash, b->time, b->header);
    if (b->n_whitelist > 0) /* what was said before counts no more */
        memcpy(k->whitelist, b->whitelist, b->n_whitelist * sizeof(*b->whitelist));
    k->n_whitelist = b->n_whitelist;
    k->has_whitelist = true;
    if (b->number == h->l1.asked)
        h->l1.asked = 0;
    if (!is_newest)
        return;
    if (h->l1.is_doubted && b->number >= h->chain.head.l1_number)
        h->l1.asked = 0; /* what is said of the head's block counts from now on */
    h->l1.has_newest = true;
    h->l1.newest = b->number;
    h->l1.newest_hash = b->hash;
}

/* ---- what the chain names already ---- */

/* L1 has said so. What an earlier run named, or what was named before L1 went back, it need not
 * have any more. */
static bool has_block(const struct ts_host *h, uint64_t number, const ts_hash *hash)
{
    const struct l1_known *k = find(h, number, hash);
    return number <= h->genesis->l1_number || (k != NULL && k->has_whitelist);
}

static bool has_block_of_head(const struct ts_host *h)
{
    return has_block(h, h->chain.head.l1_number, &h->chain.head.l1_hash);
}

bool l1_waits_for_prepared(const struct ts_host *h)
{
    const struct ts_batch_header *e = &h->prep.batch.header;
    return l1_is_used(h) && h->prep.stage != P_NONE && h->prep.from_store && !h->prep.l1_gone &&
           !has_block(h, e->l1_number, &e->l1_hash);
}

/* Those before the block that a REORG names may be gone too: how far L1 went back it says only when
 * it has been read anew. */
bool l1_denies(const struct ts_host_input *in, uint64_t number, const ts_hash *hash)
{
    if (in->kind == TS_IN_L1_REORG)
        return number >= in->l1->number;
    return number == in->l1->number && !ts_hash_equal(hash, &in->l1->hash);
}

static void prepared_is_gone(struct ts_host *h)
{
    if (h->prep.l1_gone || h->l1.stopped)
        return;
    h->prep.l1_gone = true;
    if (h->prep.stage == P_COMMITTING)
        return; /* it may be on the disk: l1_committed_gone */
    out_event(h, TS_LOG_ERROR, "prepared-l1-gone", "number=%llu l1_number=%llu reason=\"%s\"",
              (unsigned long long)h->prep.batch.header.number,
              (unsigned long long)h->prep.batch.header.l1_number,
              "L1 went back behind its confirmations and behind what this batch names: it is not "
              "committed, and made anew");
}

/* A batch that is on its way and names one of the others is not taken. */
static void forget_what_l1_said(struct ts_host *h)
{
    struct l1_host *l1 = &h->l1;
    size_t kept = 0;
    for (size_t i = 0; i < l1->n_known; i++) {
        l1->known[i].has_whitelist = false;
        if (is_needed(h, &l1->known[i]))
            l1->known[kept++] = l1->known[i];
        else
            free(l1->known[i].header);
    }
    l1->n_known = kept;
    l1->has_newest = false;
    l1->asked = 0;
}

void l1_advance(struct ts_host *h)
{
    if (!l1_is_used(h) || h->l1.stopped)
        return;
    if (!has_block_of_head(h))
        l1_ask(h, h->chain.head.l1_number);
    else if (l1_waits_for_prepared(h))
        l1_ask(h, h->prep.batch.header.l1_number);
}

/* ---- what stops production ---- */

static void stop(struct ts_host *h, const char *format, ...)
{
    va_list args;
    if (h->l1.stopped)
        return;
    h->l1.stopped = true;
    va_start(args, format);
    vsnprintf(h->l1.reason, sizeof(h->l1.reason), format, args);
    va_end(args);
    out_event(
        h, TS_LOG_ERROR, "l1-reorg", "production=stopped reason=\"%s\" remedy=\"%s\"", h->l1.reason,
        "check the L1 node; if L1 itself has gone back, batches name blocks that are gone and "
        "no node that follows L1 takes them");
}

void l1_committed_gone(struct ts_host *h)
{
    stop(h, "L1 went back behind block %llu while batch %llu, which names it, was committed",
         (unsigned long long)h->chain.head.l1_number, (unsigned long long)h->chain.head.number);
}

/* What is asked for is told at once, confirmed or not: before, another line may take over. */
static bool is_confirmed(const struct ts_host *h, const struct ts_host_input *in)
{
    return in->kind == TS_IN_L1_REORG || in->is_newest ||
           (h->l1.has_newest && in->l1->number <= h->l1.newest);
}

void l1_input(struct ts_host *h, const struct ts_host_input *in)
{
    const struct ts_head *head = &h->chain.head;
    const struct ts_batch_header *prepared = &h->prep.batch.header;
    bool is_reorg = in->kind == TS_IN_L1_REORG;
    if (!l1_is_used(h))
        return;
    bool is_denied = l1_denies(in, head->l1_number, &head->l1_hash);
    if (is_denied && !is_confirmed(h, in)) {
        h->l1.is_doubted = true; /* it is asked for again */
        return;
    }
    if (is_denied && is_reorg)
        stop(h,
             "L1 went back behind its confirmations: block %llu was replaced, and the chain names "
             "block %llu",
             (unsigned long long)in->l1->number, (unsigned long long)head->l1_number);
    else if (is_denied)
        stop(h, "L1 block %llu, which the chain names, has another hash on L1",
             (unsigned long long)head->l1_number);
    else if (is_reorg)
        forget_what_l1_said(h);
    else
        take_block(h, in->l1, in->is_newest);
    h->l1.is_doubted = h->l1.is_doubted && !has_block_of_head(h);
    if (h->prep.stage != P_NONE && l1_denies(in, prepared->l1_number, &prepared->l1_hash))
        prepared_is_gone(h);
    rollup_l1(h, in);
    for (unsigned i = 0; i < h->n_members; i++)
        join_l1(h, &h->members[i]);
}

/* ---- what the next batch names ---- */

/* With an interval to spare, since a batch may say a time a little ahead of the clock. */
static bool is_too_old(const struct ts_host *h, const struct l1_known *k)
{
    ts_time time = h->now.unix_ms > h->chain.head.time ? h->now.unix_ms : h->chain.head.time;
    time += h->set.interval_us / 1000;
    return time > k->time && time - k->time > h->genesis->params.max_l1_age_ms;
}

const struct l1_known *l1_reference(const struct ts_host *h)
{
    const struct ts_head *head = &h->chain.head;
    const struct l1_known *k = NULL;
    if (h->l1.has_newest && h->l1.newest >= head->l1_number && has_block_of_head(h))
        k = find(h, h->l1.newest, &h->l1.newest_hash);
    if (k == NULL)
        k = find(h, head->l1_number, &head->l1_hash);
    return k;
}

const char *l1_fault(struct ts_host *h)
{
    const struct l1_known *k = l1_is_used(h) ? l1_reference(h) : NULL;
    const char *fault = NULL;
    if (h->l1.stopped)
        return h->l1.reason;
    if (l1_is_used(h) && k == NULL)
        fault = "no L1 block is known that the next batch could name: L1 has not answered yet";
    else if (h->l1.is_doubted)
        fault = "L1's newest blocks, not confirmed yet, do not have the one that the chain names";
    else if (k != NULL && is_too_old(h, k))
        fault = "the newest L1 block known is older than a batch may name: L1 is down or behind";
    bool is_early = !h->l1.has_newest && h->now.mono_us < h->grace_until_us;
    if (fault != NULL && is_early)
        return fault; /* L1 has been asked a moment ago */
    if (fault != NULL && !h->l1.fault_said)
        out_event(h, TS_LOG_ERROR, "l1-missing", "production=stopped reason=\"%s\"", fault);
    if (fault == NULL && h->l1.fault_said)
        out_event(h, TS_LOG_INFO, "l1-found", "production=resumed");
    h->l1.fault_said = fault != NULL;
    snprintf(h->l1.reason, sizeof(h->l1.reason), "%s", fault != NULL ? fault : "");
    return fault;
}

/* L1's whitelist after the block that the next batch names; false: the chain's stays. */
static bool next_whitelist(const struct ts_host *h, const ts_address **ids, size_t *n)
{
    const struct l1_known *k = l1_is_used(h) ? l1_reference(h) : NULL;
    if (k == NULL || !k->has_whitelist)
        return false;
    *ids = k->whitelist;
    *n = k->n_whitelist;
    return true;
}

static bool has_id(const ts_address *ids, size_t n, const ts_address *id)
{
    for (size_t i = 0; i < n; i++)
        if (ts_address_equal(&ids[i], id))
            return true;
    return false;
}

bool l1_lists(const struct ts_host *h, const struct member *m)
{
    const ts_address *ids;
    size_t n;
    if (!m->known || !next_whitelist(h, &ids, &n))
        return member_whitelisted(h, m);
    return has_id(ids, n, &m->id);
}

bool l1_lists_id(const struct ts_host *h, const ts_address *id)
{
    const ts_address *ids;
    size_t n;
    return !next_whitelist(h, &ids, &n) || has_id(ids, n, id);
}

bool l1_change(struct ts_host *h, struct ts_arena *arena, struct ts_whitelist_change *out)
{
    const struct ts_registry *r = &h->chain.registry;
    const struct l1_known *k = l1_is_used(h) ? l1_reference(h) : NULL;
    const ts_address *ids;
    size_t n;
    if (k == NULL || !next_whitelist(h, &ids, &n))
        return false;
    *out = (struct ts_whitelist_change){.l1_number = k->number, .l1_hash = k->hash};
    out->added = ts_arena_array(arena, n + 1, sizeof(ts_address));
    out->removed = ts_arena_array(arena, r->n_whitelisted + 1, sizeof(ts_address));
    TS_CHECK(out->added != NULL && out->removed != NULL);
    for (size_t i = 0; i < n; i++)
        if (!has_id(r->whitelist, r->n_whitelisted, &ids[i]))
            out->added[out->n_added++] = ids[i];
    for (size_t i = 0; i < r->n_whitelisted; i++)
        if (!has_id(ids, n, &r->whitelist[i]))
            out->removed[out->n_removed++] = r->whitelist[i];
    return out->n_added + out->n_removed > 0;
}

ts_bytes l1_notice(struct ts_host *h, struct ts_arena *arena)
{
    struct ts_whitelist_change change;
    struct ts_buf b;
    if (!l1_change(h, arena, &change))
        return ts_bytes_of(NULL, 0);
    ts_buf_init(&b, TS_MAX_NOTICE_BYTES);
    ts_whitelist_change_put(&b, &change);
    TS_CHECK(b.err == TS_OK);
    uint8_t *copy = ts_arena_alloc(arena, b.n);
    TS_CHECK(copy != NULL);
    memcpy(copy, b.p, b.n);
    ts_bytes notice = ts_bytes_of(copy, b.n);
    ts_buf_free(&b);
    return notice;
}

/* ---- what a sealed batch names ---- */

static bool same_whitelist(const struct l1_known *k, const struct ts_effect *effect)
{
    size_t n;
    const ts_address *ids = ts_effect_whitelist(effect, &n);
    return n == k->n_whitelist && memcmp(ids, k->whitelist, n * sizeof(*ids)) == 0;
}

/* L1 has said which block has this number. */
static bool has_another(const struct ts_host *h, uint64_t number)
{
    for (size_t i = 0; i < h->l1.n_known; i++)
        if (h->l1.known[i].number == number && h->l1.known[i].has_whitelist)
            return true;
    return false;
}

ts_err l1_check(struct ts_host *h, const struct ts_batch *b, const struct ts_l1_evidence **evidence,
                struct ts_fault *fault)
{
    const struct ts_batch_header *e = &b->header;
    *evidence = NULL;
    if (!l1_is_used(h))
        return TS_OK;
    struct l1_known *k = find(h, e->l1_number, &e->l1_hash);
    if (k == NULL && has_another(h, e->l1_number)) {
        snprintf(fault->what, sizeof(fault->what), "L1 block %llu has another hash on L1",
                 (unsigned long long)e->l1_number);
        return TS_E_CONFLICT;
    }
    if (k == NULL) {
        snprintf(fault->what, sizeof(fault->what), "L1 block %llu is not known here (yet)",
                 (unsigned long long)e->l1_number);
        return TS_E_L1;
    }
    k->evidence = (struct ts_l1_evidence){.number = k->number, .hash = k->hash, .time = k->time};
    *evidence = &k->evidence;
    return TS_OK;
}

ts_err l1_check_whitelist(const struct ts_host *h, const struct ts_batch *b, struct ts_fault *fault)
{
    if (!l1_is_used(h))
        return TS_OK;
    const struct l1_known *k = find(h, b->header.l1_number, &b->header.l1_hash);
    if (k == NULL || !k->has_whitelist || same_whitelist(k, h->effect))
        return TS_OK;
    snprintf(fault->what, sizeof(fault->what),
             "after its notices the whitelist is not the one of L1 block %llu",
             (unsigned long long)b->header.l1_number);
    return TS_E_V3_FORM;
}

void l1_ask(struct ts_host *h, uint64_t number)
{
    if (number == 0 || (h->l1.asked == number && h->now.mono_us < h->l1.asked_us + ASK_AGAIN_US))
        return;
    h->l1.asked = number;
    h->l1.asked_us = h->now.mono_us;
    out_push(h, TS_OUT_L1_ASK)->number = number;
}

ts_bytes l1_header_of(const struct ts_host *h, const struct ts_batch_header *e)
{
    const struct l1_known *k = l1_is_used(h) ? find(h, e->l1_number, &e->l1_hash) : NULL;
    return k == NULL ? ts_bytes_of(NULL, 0) : ts_bytes_of(k->header, k->n_header);
}
