/* SPDX-License-Identifier: Apache-2.0 */
/* Is a rollup the chain's? Its data are decoded at once, within bounds (chain/rollup.h); then the
 * own batches are read, some in each step, and compared: parent of the first, what the columns hold
 * of each, hash and running root after the last. */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "chain/rollup.h"
#include "node/internal.h"

#define RETRY_US    UINT64_C(1000000)
#define EVIDENCE_US UINT64_C(10000000)

static const struct held_rollup *rollup_of(const struct ts_node *n)
{
    return &n->rollups.q[n->rollups.first];
}

void ts_node_rollup_check_end(struct ts_node *n)
{
    struct rollup_check *c = &n->rollups.check;
    ts_arena_free(&c->arena);
    *c = (struct rollup_check){.is_on = false};
    ts_arena_init(&c->arena, TS_ROLLUP_ARENA);
}

static void load_next(struct ts_node *n)
{
    struct rollup_check *c = &n->rollups.check;
    uint64_t left = c->to - c->at + 1;
    struct ts_node_output *o = ts_node_output_new(n, TS_NODE_OUT_LOAD);
    c->load_token = o->token = ++n->next_token;
    o->from = c->at;
    o->count = left < NODE_ROLLUP_LOAD ? left : NODE_ROLLUP_LOAD;
}

/* What is wrong before any batch is looked at; the batches are walked all the same, for the root
 * that the next rollup begins with. */
static const char *look_at_rollup(struct ts_node *n, ts_err decoded)
{
    const struct ts_rollup *r = &rollup_of(n)->record.rollup;
    ts_address signer;
    if (ts_rollup_signer(n->start.crypto, &n->start.genesis->domain, r, &signer) != TS_OK)
        return "has no valid signature";
    n->rollups.check.is_early = ts_registry_find(&n->chain.registry, &signer) == NULL &&
                                n->chain.head.l1_number < r->l1_number;
    if (ts_registry_find(&n->chain.registry, &signer) == NULL && !n->rollups.check.is_early)
        return "is signed by nobody that the chain ever listed";
    if (decoded != TS_OK)
        return "has data that do not decode";
    return NULL;
}

/* number: of the own batch in hand, which shows it; 0: none is needed. */
static void note_wrong(struct ts_node *n, const char *what, uint64_t number, bool in_data)
{
    const struct rollup_check *c = &n->rollups.check;
    struct held_rollup *h = &n->rollups.q[n->rollups.first];
    if (h->record.text[0] != '\0')
        return;
    snprintf(h->record.text, TS_ROLLUP_TEXT, "%s", what);
    h->shown_by = number;
    h->in_data = in_data;
    h->own_hash = c->hash;
    h->parent_root = c->parent_root;
}

void ts_node_rollup_check_begin(struct ts_node *n)
{
    struct rollups *v = &n->rollups;
    struct rollup_check *c = &v->check;
    const struct held_rollup *h = rollup_of(n);
    const struct ts_rollup *r = &h->record.rollup;
    ts_arena_reset(&c->arena);
    c->batches = NULL;
    ts_err err = ts_rollup_decode(h->data, (size_t)(r->last_number - r->first_number + 1),
                                  &c->arena, &c->batches);
    if (err == TS_E_NOMEM)
        return; /* another time */
    const char *wrong = look_at_rollup(n, err);
    if (wrong != NULL)
        note_wrong(n, wrong, 0, true);
    c->is_sound = wrong == NULL;
    c->is_on = true;
    c->at = v->checked + 1;
    c->to = r->last_number < n->stored.number ? r->last_number : n->stored.number;
    c->hash = v->checked_hash;
    c->root = v->checked_root;
    load_next(n);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool same_txs(const struct ts_rollup_batch *x, const struct ts_batch *b)
{
    if (x->n_txs != b->n_txs)
        return false;
    for (size_t i = 0; i < b->n_txs; i++)
        if (!ts_bytes_equal(x->txs[i], b->txs[i]))
            return false;
    return true;
}

const char *ts_node_rollup_differs(const struct ts_rollup_batch *x, const struct ts_batch *b)
{
    const struct ts_batch_header *h = &b->header;
    if (x->time != h->time)
        return "another time";
    if (x->term != h->term)
        return "another term";
    if (!ts_address_equal(&x->producer, &h->producer))
        return "another producer";
    if (x->l1_number != h->l1_number)
        return "another L1 block";
    return same_txs(x, b) ? NULL : "other transactions";
}

static void compare(struct ts_node *n, const struct ts_batch *b, const struct ts_store_batch *own)
{
    struct rollup_check *c = &n->rollups.check;
    const struct ts_rollup *r = &rollup_of(n)->record.rollup;
    uint64_t number = b->header.number;
    if (number == r->first_number &&
        !ts_hash_equal(&r->first_parent_hash, &b->header.parent_hash)) {
        c->has_other_parent = true;
        note_wrong(n, ts_node_text(n, "begins on another parent than batch %" PRIu64, number),
                   number, false);
    }
    const char *part = c->batches != NULL
                           ? ts_node_rollup_differs(&c->batches[number - r->first_number], b)
                           : NULL;
    if (part != NULL && c->parts == 0)
        c->parts = number;
    if (part != NULL)
        note_wrong(n, ts_node_text(n, "has %s in batch %" PRIu64, part, number), number, true);
    if (number != r->last_number)
        return;
    c->is_other_line = !ts_hash_equal(&r->last_hash, &own->hash);
    if (c->is_other_line)
        note_wrong(n, ts_node_text(n, "ends with another batch %" PRIu64, number), number, false);
    if (!ts_hash_equal(&r->protocol_root, &c->root))
        note_wrong(n, ts_node_text(n, "has another protocol root after batch %" PRIu64, number),
                   number, false);
}

/* False: the batch is not the next one, or cannot be read. */
static bool walk(struct ts_node *n, const struct ts_store_batch *own)
{
    struct rollup_check *c = &n->rollups.check;
    struct ts_batch b;
    ts_arena_reset(&n->decode);
    if (own->number != c->at || ts_batch_decode(own->raw, n->start.genesis->params.max_batch_bytes,
                                                &n->decode, &b) != TS_OK)
        return false;
    c->parent_root = c->root;
    ts_protocol_root(&c->root, b.raw_payload, &c->root);
    c->hash = own->hash;
    if (own->number >= rollup_of(n)->record.rollup.first_number)
        compare(n, &b, own);
    c->at++;
    return true;
}

/* Memory is short, the disk is ill, or evidence is waited for: from the beginning, after a while.
 */
static void begin_later(struct ts_node *n, uint64_t us)
{
    n->rollups.retry_us = n->now.mono_us + us;
    ts_node_rollup_check_end(n);
}

/* Where a sealed batch beside ours is kept as evidence: at number at, when that is not 0, else at
 * the lowest from from to last. 0: nowhere. */
static uint64_t second_seal(const struct ts_node *n, uint64_t at, uint64_t from, uint64_t last)
{
    uint64_t found = 0;
    for (size_t i = 0; i < ts_audit_count(n->audit); i++) {
        const struct ts_finding *f = ts_audit_get(n->audit, i);
        bool fits = at != 0 ? f->first == at : f->first >= from && f->first <= last;
        if (f->kind == TS_F_EQUIVOCATION && fits && (found == 0 || f->first < found))
            found = f->first;
    }
    return found;
}

/* The rollup wins when the other line is one of sealed batches, which shows by the evidence where
 * the lines part. One that only says so moves nobody: it is a finding, and stays at the front until
 * evidence comes, for no later one can be on this line. */
static void decide(struct ts_node *n)
{
    const struct rollup_check *c = &n->rollups.check;
    const struct held_rollup *h = rollup_of(n);
    uint64_t from = second_seal(n, c->parts, n->rollups.checked + 1, h->record.rollup.last_number);
    if (from != 0)
        ts_node_line_leave(n, from, &h->record.rollup, h->data);
    else
        ts_node_rollups_wrong(n);
    if (!n->line.is_leaving)
        begin_later(n, from != 0 ? RETRY_US : EVIDENCE_US);
}

/* The own line is shorter than the rollup and may stay so, as nobody has more of it: what it has is
 * another batch than the rollup where there is evidence of two. */
static void decide_early(struct ts_node *n)
{
    const struct rollup_check *c = &n->rollups.check;
    const struct held_rollup *h = rollup_of(n);
    bool is_other_line = c->is_sound && !c->is_early && !c->has_other_parent && c->parts != 0 &&
                         second_seal(n, c->parts, 0, 0) != 0;
    if (is_other_line)
        ts_node_line_leave(n, c->parts, &h->record.rollup, h->data);
    if (!n->line.is_leaving)
        ts_node_rollup_check_end(n);
}

void ts_node_rollup_check_short(struct ts_node *n)
{
    struct rollups *v = &n->rollups;
    v->short_us = n->now.mono_us + EVIDENCE_US;
    if (second_seal(n, 0, v->checked + 1, n->stored.number) != 0)
        ts_node_rollup_check_begin(n);
}

bool ts_node_rollup_check_loaded(struct ts_node *n, const struct ts_node_input *in)
{
    struct rollup_check *c = &n->rollups.check;
    if (c->load_token == 0 || in->token != c->load_token)
        return false;
    c->load_token = 0;
    const struct ts_rollup_record *record = &rollup_of(n)->record;
    uint64_t last = record->rollup.last_number;
    bool ok = in->err == TS_OK && in->n_batches > 0;
    for (size_t i = 0; ok && i < in->n_batches && c->at <= c->to; i++)
        ok = walk(n, &in->batches[i]);
    if (!ok) {
        begin_later(n, RETRY_US);
    } else if (c->at <= c->to) {
        load_next(n);
    } else if (c->to < last) {
        decide_early(n);
    } else {
        const struct ts_head own = {.number = last, .hash = c->hash, .protocol_root = c->root};
        char wrong[TS_ROLLUP_TEXT];
        /* A line of its own, on the parent of ours, signed. */
        if (c->is_other_line && !c->has_other_parent && c->is_sound) {
            decide(n);
            return true;
        }
        bool is_early = c->is_early;
        snprintf(wrong, sizeof(wrong), "%s", record->text);
        ts_node_rollup_check_end(n);
        if (wrong[0] == '\0' && is_early) { /* the batches up to the L1 block it names will tell */
            n->rollups.retry_us = n->now.mono_us + RETRY_US;
            return true;
        }
        ts_node_rollups_judge(n, wrong[0] != '\0' ? wrong : NULL, &own);
    }
    return true;
}
