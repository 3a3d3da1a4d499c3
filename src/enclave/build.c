/* SPDX-License-Identifier: Apache-2.0 */
/* CREATE: building is one-shot. Everything but transactions is checked before the first is opened;
 * from then on the build ends in a seal or in HALTED, and what the transactions did leaves only
 * with the seal. Source: docs/protocol.md, section 3. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "crypto/sign.h"
#include "enclave/draft.h"

/* Sentences of rejections in one answer: beyond this they are left empty, so that the answer fits
 * in a frame. The codes are always there. */
#define REJECTED_TEXT_MAX (1024u * 1024)

/* No transaction takes less gas. Source: Yellow Paper, appendix G (G_transaction). */
#define MIN_GAS 21000u

struct build {
    struct ts_draft draft;
    ts_bytes *txs; /* those that are in */
    size_t n_txs;
    struct ts_msg_rejected *rejected;
    size_t n_rejected;
    size_t text_left;
    struct ts_batch batch;
};

/* All memory the transactions can need, before the first is opened. */
static ts_err reserve(struct ts_enclave *e, size_t n, struct build *b)
{
    b->txs = ts_arena_array(&e->frame_arena, n, sizeof(*b->txs));
    b->rejected = ts_arena_array(&e->frame_arena, n, sizeof(*b->rejected));
    b->text_left = REJECTED_TEXT_MAX;
    return b->txs != NULL && b->rejected != NULL ? TS_OK : TS_E_NOMEM;
}

static void reject(struct ts_enclave *e, struct build *b, size_t index, ts_err code,
                   const char *why)
{
    struct ts_msg_rejected *r = &b->rejected[b->n_rejected++];
    size_t n = strlen(why);
    *r = (struct ts_msg_rejected){.index = index, .code = code};
    if (n == 0 || n > b->text_left)
        return;
    char *copy = ts_arena_alloc(&e->frame_arena, n);
    if (copy == NULL)
        return;
    memcpy(copy, why, n);
    b->text_left -= n;
    r->text = ts_bytes_of(copy, n);
}

/* What is left when the batch is full is deferred without being looked at: to go on with others
 * would judge later transactions of a sender without the earlier one. */
static void defer_rest(struct ts_enclave *e, struct build *b, const struct ts_msg_create *req,
                       size_t from)
{
    for (size_t i = from; i < req->n_txs; i++)
        reject(e, b, i, TS_E_TX_DEFERRED, "");
}

/* Whether the gas that is left is too little for any transaction. */
static bool gas_is_used_up(const struct ts_params *params, uint64_t used)
{
    return used >= params->batch_gas_limit || params->batch_gas_limit - used < MIN_GAS;
}

/* Executes transactions until the batch is full. One that finds too little gas does not stop those
 * behind it: it may ask for much and would keep the batch empty. An error is one of the
 * environment. */
static ts_err run(struct ts_enclave *e, const struct ts_msg_create *req, struct build *b)
{
    const struct ts_params *params = &e->line->genesis.params;
    size_t bytes = b->draft.bytes;
    uint64_t gas = 0;
    for (size_t i = 0; i < req->n_txs; i++) {
        struct ts_tx_result result;
        uint8_t header[TS_RLP_HEADER_MAX];
        ts_bytes tx = req->txs[i];
        size_t size = ts_rlp_bytes_header(tx, header) + tx.n;
        if (tx.n > params->max_tx_bytes) {
            reject(e, b, i, TS_E_TX_SIZE, "the transaction is larger than the network allows");
            continue;
        }
        if (size > params->max_batch_bytes - bytes || gas_is_used_up(params, gas)) {
            defer_rest(e, b, req, i);
            return TS_OK;
        }
        ts_err err = e->engine_ops->execute(e->line->engine, tx, &result);
        if (err != TS_OK)
            return err;
        if (result.err != TS_OK) {
            reject(e, b, i, result.err, result.why);
            continue;
        }
        b->txs[b->n_txs++] = tx;
        bytes += size;
        gas += result.gas_used;
    }
    return TS_OK;
}

/* Fills in the roots, signs, and moves the chain: nothing of it is out yet. */
static ts_err seal(struct ts_enclave *e, struct build *b, struct ts_kept_batch *kept)
{
    struct ts_chain *chain = &e->line->chain;
    struct ts_batch_header *h = &b->draft.header;
    struct ts_batch_seal s;
    ts_hash digest;
    b->batch = (struct ts_batch){.txs = b->txs, .n_txs = b->n_txs, .payload = b->draft.payload};
    ts_tx_root(&b->batch, &h->tx_root);
    ts_err err = e->engine_ops->finish(e->line->engine, &h->state_root);
    if (err != TS_OK)
        return err;
    b->batch.header = *h;
    ts_buf_reset(&e->scratch);
    ts_payload_put(&e->scratch, &b->batch.payload);
    if (e->scratch.err != TS_OK)
        return e->scratch.err;
    ts_header_hash(&chain->genesis->domain, h, &s.batch_hash);
    ts_protocol_root(&chain->head.protocol_root, ts_buf_bytes(&e->scratch), &s.protocol_root);
    ts_seal_digest(&chain->genesis->domain, &s, &digest);
    err = ts_sign(e->crypto, &e->own.key, &digest, &b->batch.seal);
    if (err != TS_OK)
        return err;
    ts_buf_reset(&e->scratch);
    ts_batch_put(&e->scratch, &b->batch);
    if (e->scratch.err != TS_OK)
        return e->scratch.err;
    TS_CHECK(e->scratch.n <= chain->genesis->params.max_batch_bytes);
    *kept = (struct ts_kept_batch){.number = h->number, .parent = h->parent_hash};
    kept->p = malloc(e->scratch.n);
    kept->n = e->scratch.n;
    if (kept->p == NULL)
        return TS_E_NOMEM;
    memcpy(kept->p, e->scratch.p, kept->n);
    ts_effect_seal(e->effect, h, &s.batch_hash, &s.protocol_root);
    err = ts_line_apply(e->line, e->effect);
    if (err != TS_OK)
        free(kept->p);
    return err;
}

static void take(struct ts_enclave *e, struct ts_kept_batch *kept)
{
    e->engine_ops->commit(e->line->engine);
    ts_own_all_published(&e->own);
    if (e->own.term > e->line->own_term)
        e->line->own_term = e->own.term;
    ts_kept_add(&e->kept, (size_t)e->line->genesis.params.max_report_lag + 1, *kept);
    ts_enclave_move(e, TS_ON_SEALED);
    e->counters.sealed++;
}

/* From begin to seal. */
static ts_err build(struct ts_enclave *e, const struct ts_msg_create *req, struct build *b)
{
    struct ts_kept_batch kept;
    ts_err err =
        e->engine_ops->begin(e->line->engine, b->draft.header.number, b->draft.header.time);
    if (err != TS_OK)
        return err;
    err = run(e, req, b);
    if (err == TS_OK)
        err = seal(e, b, &kept);
    if (err == TS_OK) {
        take(e, &kept);
        return TS_OK;
    }
    e->engine_ops->rollback(e->line->engine);
    return ts_enclave_halt(e, "building batch %llu failed after it was begun: %s",
                           (unsigned long long)b->draft.header.number, ts_err_text(err));
}

static ts_err answer(struct ts_enclave *e, const struct ts_kept_batch *kept,
                     struct ts_msg_created *out)
{
    struct ts_msg_events events;
    ts_err err = ts_enclave_events(e, &events);
    if (err != TS_OK)
        return err;
    out->batch = ts_bytes_of(kept->p, kept->n);
    out->has_report = events.has_report;
    out->report = events.report;
    out->transitions = events.transitions;
    out->n_transitions = events.n_transitions;
    return TS_OK;
}

/* Whether a fresh batch may be begun on this parent. */
static ts_err check_parent(struct ts_enclave *e, const struct ts_msg_head *parent)
{
    const struct ts_chain *chain = &e->line->chain;
    if (e->state != TS_ENC_ACTIVE)
        return ts_enclave_refuse(e, TS_E_STATE, "create is not taken in state %s",
                                 ts_enclave_state_name(e->state));
    if (parent->number == chain->head.number && ts_hash_equal(&parent->hash, &chain->head.hash))
        return TS_OK;
    const ts_hash *known = ts_chain_recent(chain, parent->number);
    if (known != NULL && ts_hash_equal(known, &parent->hash))
        return ts_enclave_refuse(
            e, TS_E_ONE_LINE, "batch %llu has a child on this line, and the head is batch %llu",
            (unsigned long long)parent->number, (unsigned long long)chain->head.number);
    return ts_enclave_refuse(e, TS_E_OUT_OF_ORDER,
                             "the parent is not the head, which is batch %llu",
                             (unsigned long long)chain->head.number);
}

ts_err ts_enclave_create(struct ts_enclave *e, const struct ts_msg *req, struct ts_msg *ans)
{
    const struct ts_msg_create *c = &req->u.create;
    const struct ts_kept_batch *kept = ts_kept_find(&e->kept, &c->parent.hash);
    struct build b = {0};
    memset(&ans->u.created, 0, sizeof(ans->u.created));
    if (kept != NULL)
        return answer(e, kept, &ans->u.created);
    ts_err err = check_parent(e, &c->parent);
    if (err == TS_OK)
        err = ts_draft_make(e, c, &b.draft);
    if (err == TS_OK)
        err = reserve(e, c->n_txs, &b);
    if (err == TS_OK)
        err = build(e, c, &b);
    if (err != TS_OK)
        return err;
    ans->u.created.fresh = true;
    ans->u.created.rejected = b.rejected;
    ans->u.created.n_rejected = b.n_rejected;
    return answer(e, &e->kept.batches[e->kept.n - 1], &ans->u.created);
}
