/* SPDX-License-Identifier: Apache-2.0 */
/* ACCEPT: a child of the head is checked, executed and becomes the head. Anything else changes
 * nothing, but for a proof of a second line, which halts (conflict.c). */
#include "base/check.h"
#include "chain/batch.h"
#include "enclave/conflict.h"
#include "enclave/state.h"

/* Executes all transactions; on TS_OK the engine waits for commit or rollback. */
static ts_err execute(struct ts_enclave *e, const struct ts_batch *b)
{
    const struct ts_engine_ops *ops = e->engine_ops;
    struct ts_engine *engine = e->line->engine;
    ts_hash root;
    ts_err err = ops->begin(engine, b->header.number, b->header.time);
    if (err != TS_OK)
        return err;
    for (size_t i = 0; i < b->n_txs && err == TS_OK; i++) {
        struct ts_tx_result result;
        err = ops->execute(engine, b->txs[i], &result);
        if (err == TS_OK && result.err != TS_OK)
            err = ts_enclave_refuse(e, TS_E_EXECUTION, "transaction %zu cannot stand there: %s", i,
                                    result.why);
    }
    if (err == TS_OK)
        err = ops->finish(engine, &root);
    if (err == TS_OK && !ts_hash_equal(&root, &b->header.state_root))
        err = ts_enclave_refuse(e, TS_E_EXECUTION,
                                "the state root after the transactions is not the header's");
    if (err != TS_OK)
        ops->rollback(engine);
    return err;
}

/* Whether the batch shows that this identity is at work elsewhere since this boot is on the chain.
 */
static const char *copy_at_work(const struct ts_enclave *e, const struct ts_batch *b,
                                const struct ts_own_news *news)
{
    /* Started is the first that this boot has unpublished. */
    bool published = e->own.started_published || news->n_published > 0;
    if (news->is_copied)
        return "a batch publishes a transition that this boot did not sign";
    /* What this boot sealed itself is its head already, and never comes here. */
    if (published && ts_address_equal(&b->header.producer, &e->own.id))
        return "a batch is sealed by this enclave's key but not by this boot";
    return NULL;
}

/* What the state makes of a child that another made. */
static ts_err follow(struct ts_enclave *e, bool was_listed)
{
    bool is_removed = was_listed && !ts_enclave_is_whitelisted(e);
    if ((e->state == TS_ENC_PASSIVE || e->state == TS_ENC_ACTIVE) && is_removed) {
        ts_enclave_move(e, TS_ON_REMOVED);
        return TS_OK;
    }
    if (e->state == TS_ENC_ACTIVE) {
        const struct ts_head *head = &e->line->chain.head;
        ts_err err = ts_own_sign(&e->own, &e->line->genesis.domain, TS_PASSIVE, e->own.term,
                                 head->time, head);
        if (err != TS_OK)
            return ts_enclave_halt(e, "signing failed: %s", ts_err_text(err));
    }
    ts_enclave_move(e, TS_ON_ACCEPTED);
    return TS_OK;
}

/* The checked and executed batch becomes the head. */
static ts_err take(struct ts_enclave *e, const struct ts_batch *b)
{
    const struct ts_domain *d = &e->line->genesis.domain;
    bool was_listed = ts_enclave_is_whitelisted(e);
    struct ts_own_news news;
    ts_own_scan(&e->own, d, b, &news);
    const char *copied = copy_at_work(e, b, &news);
    ts_err err = copied == NULL ? ts_line_apply(e->line, e->effect) : TS_E_HALTS;
    if (err != TS_OK) {
        e->engine_ops->rollback(e->line->engine);
        return copied == NULL ? err : ts_enclave_halt(e, "%s: a copy is at work", copied);
    }
    e->engine_ops->commit(e->line->engine);
    if (news.newest_term > e->line->own_term)
        e->line->own_term = news.newest_term;
    err = ts_own_take(&e->own, d, &news);
    if (err != TS_OK)
        return ts_enclave_halt(e, "signing failed: %s", ts_err_text(err));
    e->counters.accepted++;
    return follow(e, was_listed);
}

static ts_err accept_child(struct ts_enclave *e, const struct ts_batch *b, ts_bytes l1_header)
{
    struct ts_l1_evidence l1;
    struct ts_fault fault = {0};
    bool has_l1;
    ts_err err = ts_enclave_l1(e, l1_header, b->header.l1_number, &b->header.l1_hash, &l1, &has_l1);
    if (err != TS_OK)
        return err;
    err = ts_batch_check(&e->line->chain, b, has_l1 ? &l1 : NULL, e->effect, &fault);
    if (err == TS_E_NOMEM)
        return err;
    if (err != TS_OK)
        return ts_enclave_refuse_fault(e, err, &fault);
    err = execute(e, b);
    if (err != TS_OK)
        return err;
    return take(e, b);
}

static ts_err not_a_child(struct ts_enclave *e, const struct ts_batch *b)
{
    const struct ts_head *head = &e->line->chain.head;
    switch (ts_conflict_judge(e->line, b)) {
    case TS_LINE_SAME:
        if (b->header.number == head->number)
            return TS_OK;
        return ts_enclave_refuse(e, TS_E_OUT_OF_ORDER, "batch %llu is below the head, %llu",
                                 (unsigned long long)b->header.number,
                                 (unsigned long long)head->number);
    case TS_LINE_CONFLICT:
        if (e->own.has_started)
            return ts_enclave_halt(e,
                                   "batch %llu is sealed a second time, with another content: two "
                                   "lines exist",
                                   (unsigned long long)b->header.number);
        return ts_enclave_refuse(e, TS_E_CONFLICT,
                                 "batch %llu conflicts with the one accepted: start over below it",
                                 (unsigned long long)b->header.number);
    case TS_LINE_UNKNOWN:
        break;
    }
    return ts_enclave_refuse(
        e, TS_E_OUT_OF_ORDER, "batch %llu is not the child of the head, which is batch %llu",
        (unsigned long long)b->header.number, (unsigned long long)head->number);
}

ts_err ts_enclave_accept(struct ts_enclave *e, const struct ts_msg *req, struct ts_msg *ans)
{
    const struct ts_head *head = &e->line->chain.head;
    struct ts_batch b;
    ts_arena_reset(&e->batch_arena);
    ts_err err = ts_batch_decode(req->u.accept.batch, TS_MAX_BATCH_BYTES, &e->batch_arena, &b);
    if (err == TS_E_NOMEM)
        return err;
    if (err != TS_OK)
        return ts_enclave_refuse(e, err, "the batch does not decode: %s", ts_err_text(err));
    if (b.header.number == head->number + 1 && ts_hash_equal(&b.header.parent_hash, &head->hash))
        err = accept_child(e, &b, req->u.accept.l1_header);
    else
        err = not_a_child(e, &b);
    return err == TS_OK ? ts_enclave_events(e, &ans->u.events) : err;
}
