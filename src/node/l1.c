/* SPDX-License-Identifier: Apache-2.0 */
/* L1's word on the blocks that batches name. A batch is taken when L1 has the block that it names
 * and the whitelist after the batch is the one after that block; until L1 has spoken it waits, and
 * all behind it. What L1 says of a block that is not confirmed yet may change: when it agrees with
 * the batch that is believed and looked at again when the block is confirmed; when it does not the
 * batch waits until it is, so that no honest peer is blamed for an L1 node that lags.
 *
 * Source: docs/protocol.md, sections 2 and 4. */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "node/internal.h"

#define STALE_MS UINT64_C(600000)

bool ts_node_l1_is_on(const struct ts_node *n)
{
    return n->start.follows_l1;
}

static void add_claim(struct ts_node *n, uint64_t number, const ts_hash *hash, uint64_t batch)
{
    TS_CHECK(n->l1.n_claims < NODE_L1_CLAIMS);
    n->l1.claims[n->l1.n_claims++] =
        (struct l1_claim){.number = number, .hash = *hash, .batch = batch};
}

/* Of the stored chain only the block that its head names is looked at again: one before it that L1
 * had and no longer has was seen by the run that took it. */
void ts_node_l1_begin(struct ts_node *n)
{
    const struct ts_genesis *g = n->start.genesis;
    const struct ts_head *head = &n->chain.head;
    if (g->l1_chain_id == 0)
        return;
    if (!ts_node_l1_is_on(n)) {
        ts_node_event(n, TS_LOG_WARN, "l1-not-followed", "l1_chain=%" PRIu64 " reason=\"%s\"",
                      g->l1_chain_id,
                      "no L1 node is configured: who is whitelisted is taken on the batches' word");
        return;
    }
    n->l1.confirmed = g->l1_number;
    if (head->l1_number > g->l1_number)
        add_claim(n, head->l1_number, &head->l1_hash, head->number);
}

void ts_node_l1_free(struct ts_node *n)
{
    ts_node_l1_words_free(n);
    ts_node_l1_word_drop(n->l1.ref);
    n->l1.ref = NULL;
}

/* ---- a batch in hand ------------------------------------------------------------------------- */

bool ts_node_l1_still_waits(struct ts_node *n, ts_bytes raw)
{
    return n->l1.waiting == raw.p && raw.p != NULL && !n->l1.is_woken;
}

static bool is_block(const struct l1_word *w, const struct ts_batch_header *h)
{
    return w->at.number == h->l1_number && ts_hash_equal(&w->at.hash, &h->l1_hash);
}

enum l1_said ts_node_l1_look(struct ts_node *n, const struct ts_batch *b, struct l1_word **word)
{
    struct l1_view *v = &n->l1;
    if (v->ref != NULL && is_block(v->ref, &b->header)) {
        *word = v->ref;
        return L1_AGREES;
    }
    struct l1_slot *s = ts_node_l1_slot(n, b->header.l1_number);
    if (s == NULL || s->word == NULL)
        return L1_WAIT;
    *word = s->word;
    if (is_block(s->word, &b->header))
        return s->is_settled || v->n_claims < NODE_L1_CLAIMS ? L1_AGREES : L1_WAIT;
    if (s->is_settled)
        return L1_DENIES;
    if (s->again_us == 0)
        s->again_us = n->now.mono_us + n->s.l1_again_us;
    return L1_WAIT;
}

void ts_node_l1_wait(struct ts_node *n, const struct ts_batch *b)
{
    struct l1_view *v = &n->l1;
    if (v->waiting != b->raw.p)
        v->since_us = n->now.mono_us;
    v->waiting = b->raw.p;
    v->waiting_batch = b->header.number;
    v->waits_for = b->header.l1_number;
    v->is_woken = false;
}

void ts_node_l1_unwait(struct ts_node *n)
{
    n->l1.waiting = NULL;
    n->l1.is_woken = false;
}

/* ---- the chain moves ------------------------------------------------------------------------- */

static void look_at_age(struct ts_node *n, const struct ts_batch *b)
{
    struct l1_view *v = &n->l1;
    uint64_t bound = n->start.genesis->params.max_l1_age_ms / 4;
    struct ts_finding f;
    if (bound > STALE_MS)
        bound = STALE_MS;
    if (v->is_stale || b->header.time <= v->ref->at.time + bound ||
        v->confirmed_time <= v->ref->at.time + bound)
        return;
    v->is_stale = true;
    ts_audit_stale_l1(b, &n->chain.head.hash, v->ref_from, &v->ref->at, v->confirmed,
                      v->confirmed_time, &f);
    (void)ts_node_findings_add(n, &f);
}

void ts_node_l1_applied(struct ts_node *n, const struct ts_batch *b, struct l1_word *w)
{
    struct l1_view *v = &n->l1;
    if (v->ref != w) {
        const struct l1_slot *s = ts_node_l1_slot(n, w->at.number);
        if (s == NULL || !s->is_settled)
            add_claim(n, w->at.number, &w->at.hash, b->header.number);
        ts_node_l1_word_use(w);
        ts_node_l1_word_drop(v->ref);
        v->ref = w;
        v->ref_from = b->header.number;
        v->is_stale = false;
    }
    ts_node_l1_unwait(n);
    look_at_age(n, b);
    if (!v->is_behind)
        return;
    v->is_behind = false;
    ts_node_event(n, TS_LOG_INFO, "l1-in-step", "number=%" PRIu64 " l1_number=%" PRIu64,
                  b->header.number, w->at.number);
}

/* ---- what L1 says ---------------------------------------------------------------------------- */

/* batch 0: it is not known which. */
static void halt(struct ts_node *n, uint64_t number, uint64_t batch)
{
    struct l1_view *v = &n->l1;
    if (v->is_halted)
        return;
    v->is_halted = true;
    snprintf(v->reason, sizeof(v->reason),
             "L1 went back behind its confirmations: block %" PRIu64
             " is another one now than the chain is built on; no batch is taken any more",
             number);
    ts_node_event(n, TS_LOG_ERROR, "l1-reorg",
                  "l1_number=%" PRIu64 " batch=%" PRIu64 " head=%" PRIu64 " reason=\"%s\"", number,
                  batch, n->chain.head.number, v->reason);
}

/* Blocks that the chain names and that are confirmed by now: they are those it names, or L1 went
 * back. */
static void settle(struct ts_node *n)
{
    struct l1_view *v = &n->l1;
    size_t kept = 0;
    for (size_t i = 0; i < v->n_claims; i++) {
        const struct l1_claim c = v->claims[i];
        const struct l1_slot *s = ts_node_l1_slot(n, c.number);
        if (s == NULL || !s->is_settled) {
            v->claims[kept++] = c;
        } else if (!ts_hash_equal(&s->word->at.hash, &c.hash)) {
            halt(n, c.number, c.batch);
            return;
        }
    }
    v->n_claims = kept;
}

static void take_word(struct ts_node *n, struct l1_slot *s, const struct ts_l1_block *b)
{
    struct l1_word *w = ts_node_l1_word_new(b);
    if (w == NULL)
        return; /* out of memory: asked again */
    ts_node_l1_word_drop(s->word);
    s->word = w;
    s->again_us = 0;
    s->is_settled = b->number <= n->l1.confirmed;
    n->l1.is_woken = true;
    settle(n);
}

void ts_node_l1_block(struct ts_node *n, const struct ts_l1_block *b)
{
    struct l1_slot *s = ts_node_l1_slot(n, b->number);
    if (!ts_node_l1_is_on(n) || n->l1.is_halted || s == NULL || !s->is_asked)
        return;
    s->is_asked = false;
    take_word(n, s, b);
}

void ts_node_l1_confirmed(struct ts_node *n, const struct ts_l1_block *b)
{
    struct l1_view *v = &n->l1;
    if (!ts_node_l1_is_on(n) || v->is_halted || b->number < v->confirmed)
        return;
    v->confirmed = b->number;
    v->confirmed_time = b->time;
    v->is_woken = true;
    struct l1_slot *s = ts_node_l1_slot(n, b->number);
    for (size_t i = 0; s == NULL && i < TS_NODE_L1_ASKS; i++)
        if (!v->slots[i].is_used)
            s = &v->slots[i];
    if (s == NULL)
        return;
    s->is_used = true;
    s->number = b->number;
    take_word(n, s, b);
}

/* The block is the newest that was confirmed; how far below it L1 went back is not said. When the
 * chain names it or one above, that is enough to stop; else the block that the chain names is
 * looked at again, when the follower, which begins anew, comes to it. */
void ts_node_l1_reorg(struct ts_node *n, const struct ts_l1_block *b)
{
    struct l1_view *v = &n->l1;
    const struct ts_head *head = &n->chain.head;
    const struct ts_genesis *g = n->start.genesis;
    if (!ts_node_l1_is_on(n) || v->is_halted)
        return;
    if (head->l1_number >= b->number) {
        halt(n, b->number, 0);
        return;
    }
    ts_node_event(n, TS_LOG_WARN, "l1-anew",
                  "l1_number=%" PRIu64 " reference=%" PRIu64 " reason=\"%s\"", b->number,
                  head->l1_number,
                  "L1 went back behind its confirmations, perhaps not behind what the chain names");
    for (size_t i = 0; i < TS_NODE_L1_ASKS; i++)
        v->slots[i].is_settled = false;
    v->confirmed = g->l1_number;
    v->confirmed_time = 0;
    v->n_claims = 0; /* with its newest block all that the chain names is on L1 */
    if (head->l1_number > g->l1_number)
        add_claim(n, head->l1_number, &head->l1_hash, head->number);
}

/* ---- time ------------------------------------------------------------------------------------ */

static void sooner(uint64_t *wake, uint64_t due)
{
    if (due < *wake)
        *wake = due;
}

static void tell_behind(struct ts_node *n)
{
    n->l1.is_behind = true;
    ts_node_event(n, TS_LOG_WARN, "l1-behind",
                  "number=%" PRIu64 " l1_number=%" PRIu64 " confirmed=%" PRIu64 " reason=\"%s\"",
                  n->l1.waiting_batch, n->l1.waits_for, n->l1.confirmed,
                  "a batch waits for what the L1 node says of the block it names");
}

/* Perhaps L1 will never have that block, and another peer gives a batch whose block it has. Nobody
 * is blamed. */
static void let_go(struct ts_node *n)
{
    struct run *r = n->runs;
    if (r != NULL && !r->source.is_subscriber)
        n->peers[r->source.link].is_slow = true;
    ts_node_pipeline_flush(n);
    ts_node_catchup_rewind(n, n->chain.head.number + 1);
}

void ts_node_l1_tick(struct ts_node *n, uint64_t *wake)
{
    struct l1_view *v = &n->l1;
    if (!ts_node_l1_is_on(n) || n->is_stopping || v->is_halted)
        return;
    for (size_t i = 0; i < TS_NODE_L1_ASKS; i++) {
        const struct l1_slot *s = &v->slots[i];
        if (s->again_us > n->now.mono_us)
            sooner(wake, s->again_us);
    }
    if (v->waiting == NULL)
        return;
    if (!v->is_behind && n->now.mono_us >= v->since_us + n->s.l1_behind_us)
        tell_behind(n);
    else if (!v->is_behind)
        sooner(wake, v->since_us + n->s.l1_behind_us);
    if (n->start.n_peers > 1 && n->now.mono_us >= v->since_us + n->s.l1_release_us)
        let_go(n);
}

void ts_node_l1_status_of(const struct ts_node *n, struct ts_node_l1_status *out)
{
    const struct l1_view *v = &n->l1;
    bool waits = v->waiting != NULL && !v->is_halted;
    *out = (struct ts_node_l1_status){
        .is_needed = n->start.genesis->l1_chain_id != 0,
        .is_followed = ts_node_l1_is_on(n),
        .is_halted = v->is_halted,
        .is_behind = v->is_behind,
        .confirmed = v->confirmed,
        .reference = n->chain.head.l1_number,
        .waits_for = waits ? v->waits_for : 0,
        .waits_us = waits ? n->now.mono_us - v->since_us : 0,
        .reason = v->reason,
    };
}
