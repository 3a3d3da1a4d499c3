/* SPDX-License-Identifier: Apache-2.0 */
/* What the answers about the chain, the account and mined transactions mean. */
#include <inttypes.h>

#include "base/log.h"
#include "l1/submitter_internal.h"

void ts_l1_submit_down(struct ts_l1_submitter *s, uint64_t now, const char *why)
{
    if (!s->is_down && !s->is_wrong_chain)
        ts_l1_submit_event(s, TS_LOG_WARN, "l1-submit-down", NULL, "%s", why);
    s->is_down = true;
    s->is_chain_known = false; /* another node may answer when it comes back */
    s->look = TS_L1_LOOK_BLOCK;
    s->look_us = 0;
    s->failures = s->failures < 64 ? s->failures + 1 : 64;
    s->retry_us = now + ts_l1_backoff(s, s->failures);
}

/* A node that was away may have forgotten what it was sent. */
void ts_l1_submit_up(struct ts_l1_submitter *s)
{
    s->failures = 0;
    if (!s->is_down && !s->is_wrong_chain)
        return;
    s->is_down = false;
    s->is_wrong_chain = false;
    for (size_t i = 0; i < s->n_jobs; i++)
        s->jobs[i]->wants_send |= ts_l1_job_has_nonce(s->jobs[i]);
    ts_l1_submit_event(s, TS_LOG_INFO, "l1-submit-up", NULL, "the L1 node answers");
}

/* Without jobs this is all that is asked; with jobs a whole look must succeed. */
static void on_chain(struct ts_l1_submitter *s, uint64_t now, uint64_t id)
{
    if (id == s->settings.chain_id) {
        s->is_chain_known = true;
        if (s->n_jobs == 0)
            ts_l1_submit_up(s);
        return;
    }
    if (!s->is_wrong_chain)
        ts_l1_submit_event(s, TS_LOG_ERROR, "l1-wrong-chain", NULL,
                           "the L1 node is of chain %" PRIu64 ", not of %" PRIu64
                           ": nothing is sent",
                           id, s->settings.chain_id);
    s->is_wrong_chain = true;
    ts_l1_submit_down(s, now, "");
}

static void on_block(struct ts_l1_submitter *s, const struct ts_l1_answer_block *block)
{
    const uint64_t behind = s->settings.confirmations > 0 ? s->settings.confirmations - 1 : 0;
    s->has_confirmed = block->found && block->number >= behind;
    s->confirmed = s->has_confirmed ? block->number - behind : 0;
    s->look = TS_L1_LOOK_NONCE;
}

static void take_away(struct ts_l1_submitter *s, struct ts_l1_job *job)
{
    job->state = TS_L1_JOB_SENT;
    job->wants_send = true;
    ts_l1_submit_event(s, TS_LOG_WARN, "l1-tx-reorged", job,
                       "a reorg of L1 took the transaction of nonce %" PRIu64
                       " out of block %" PRIu64 ": it is sent again",
                       job->tx.nonce, job->receipt.block);
}

/* What the account's nonce says of a job: whether it can be mined at all. */
static void look_at(struct ts_l1_submitter *s, struct ts_l1_job *job)
{
    const bool is_used = job->tx.nonce < s->nonce;
    job->wants_receipt = false;
    job->wants_foreign = false;
    if (!is_used) {
        job->foreign = 0;
        if (job->state == TS_L1_JOB_MINED)
            take_away(s, job);
        return;
    }
    job->wants_send = job->wants_raise = false;
    if (job->state == TS_L1_JOB_SENT || (s->has_confirmed && job->receipt.block <= s->confirmed)) {
        job->wants_receipt = true;
        job->receipt_of = job->n_attempts;
    }
}

static void on_nonce(struct ts_l1_submitter *s, uint64_t now, uint64_t nonce)
{
    s->nonce = nonce;
    s->look = TS_L1_LOOK_BLOCK;
    s->look_us = now + s->settings.poll_us;
    for (size_t i = s->n_jobs; i-- > 0;) {
        struct ts_l1_job *job = s->jobs[i];
        if (job->is_filler && job->tx.nonce < nonce)
            ts_l1_submit_done(s, job, TS_OK, "");
        else if (ts_l1_job_has_nonce(job))
            look_at(s, job);
    }
}

/* ---- receipts ---- */

static void end_mined(struct ts_l1_submitter *s, struct ts_l1_job *job)
{
    char text[TS_L1_MAX_TEXT];
    if (job->receipt.succeeded) {
        ts_l1_submit_done(s, job, TS_OK, "");
    } else {
        snprintf(text, sizeof(text), "%s in block %" PRIu64,
                 job->receipt.gas_used >= job->tx.gas ? "it ran out of gas"
                                                      : "the contract refused it",
                 job->receipt.block);
        ts_l1_submit_done(s, job, TS_E_L1_REVERT, text);
    }
}

static void on_found(struct ts_l1_submitter *s, struct ts_l1_job *job,
                     const struct ts_l1_answer_receipt *receipt)
{
    if (job->state != TS_L1_JOB_MINED)
        ts_l1_submit_unblock(s);
    job->state = TS_L1_JOB_MINED;
    job->receipt = *receipt;
    job->mined = s->call.hash;
    job->wants_receipt = false;
    job->foreign = 0;
    if (s->has_confirmed && receipt->block <= s->confirmed)
        end_mined(s, job);
}

static void on_receipt(struct ts_l1_submitter *s, const struct ts_l1_answer_receipt *receipt)
{
    struct ts_l1_job *job = s->about;
    if (!job)
        return;
    if (receipt->found) {
        on_found(s, job, receipt);
        return;
    }
    if (--job->receipt_of > 0)
        return; /* an older attempt, perhaps */
    job->wants_receipt = false;
    job->state = TS_L1_JOB_SENT;
    job->wants_foreign = s->has_confirmed;
    if (job->wants_foreign && job->foreign == 0)
        s->is_chain_known = false; /* a node of another chain would say the same */
}

/* Somebody else used the key, or what an earlier life had sent was mined. */
static void give_up_nonce(struct ts_l1_submitter *s, struct ts_l1_job *job)
{
    ts_l1_submit_event(s, TS_LOG_WARN, "l1-tx-replaced", job,
                       "nonce %" PRIu64 " was used by another transaction of this account",
                       job->tx.nonce);
    if (job->is_cancelled) {
        ts_l1_submit_done(s, job, TS_E_CLOSED, "cancelled");
        return;
    }
    job->state = TS_L1_JOB_WAITING;
    job->n_attempts = job->n_told = 0;
    job->wants_send = job->wants_raise = false;
    job->foreign = 0;
    job->tries = 0;
    job->retry_us = 0;
    ts_l1_submit_unblock(s);
}

static void on_foreign(struct ts_l1_submitter *s, uint64_t nonce)
{
    struct ts_l1_job *job = s->about;
    if (!job)
        return;
    job->wants_foreign = false;
    if (nonce <= job->tx.nonce)
        job->foreign = 0;
    else if (++job->foreign >= TS_L1_FOREIGN)
        give_up_nonce(s, job);
}

/* ---- dispatch ---- */

static bool is_about_job(enum ts_l1_method method)
{
    return method == TS_L1_SEND || method == TS_L1_ESTIMATE || method == TS_L1_FEES;
}

void ts_l1_submit_answer(struct ts_l1_submitter *s, uint64_t now, const struct ts_l1_answer *a)
{
    s->is_asking = false;
    if (a->err != TS_OK && !is_about_job(a->method)) {
        ts_l1_submit_down(s, now, a->text);
        return;
    }
    switch (a->method) {
    case TS_L1_CHAIN_ID:
        on_chain(s, now, a->u.number);
        break;
    case TS_L1_BLOCK:
        on_block(s, &a->u.block);
        break;
    case TS_L1_NONCE:
        if (s->is_foreign_check)
            on_foreign(s, a->u.number);
        else
            on_nonce(s, now, a->u.number);
        break;
    case TS_L1_RECEIPT:
        on_receipt(s, &a->u.receipt);
        break;
    case TS_L1_FEES:
        ts_l1_submit_on_fees(s, now, a);
        break;
    case TS_L1_ESTIMATE:
        ts_l1_submit_on_estimate(s, now, a);
        break;
    case TS_L1_SEND:
        ts_l1_submit_on_sent(s, now, a);
        break;
    default:
        break;
    }
}
