/* SPDX-License-Identifier: Apache-2.0 */
/* What the node says of what it is asked to estimate and to take. */
#include <inttypes.h>

#include "base/log.h"
#include "l1/submitter_internal.h"

#define MAX_GAS UINT64_C(1000000000) /* an estimate above is nonsense */

/* The L1 node itself is in trouble, not the transaction. */
static bool is_trouble(ts_err err)
{
    return err == TS_E_CLOSED || err == TS_E_TIMEOUT || err == TS_E_NOMEM;
}

static void say_no_funds(struct ts_l1_submitter *s, const struct ts_l1_job *job)
{
    char account[TS_ADDRESS_HEX_SIZE];
    if (!s->said_no_funds)
        ts_l1_submit_event(s, TS_LOG_ERROR, "l1-no-funds", job,
                           "account %s has too little on L1: transactions wait",
                           ts_hex(s->account.b, sizeof(s->account.b), account));
    s->said_no_funds = true;
}

static void say_refused(struct ts_l1_submitter *s, struct ts_l1_job *job, const char *text)
{
    if (!job->said_refused)
        ts_l1_submit_event(s, TS_LOG_WARN, "l1-tx-refused", job, "%s: it is tried again", text);
    job->said_refused = true;
}

/* ---- estimates ---- */

static bool are_others_under_way(const struct ts_l1_submitter *s)
{
    for (size_t i = 0; i < s->n_jobs; i++)
        if (ts_l1_job_has_nonce(s->jobs[i]) && !s->jobs[i]->is_filler)
            return true;
    return false;
}

static void on_gas(struct ts_l1_submitter *s, uint64_t now, struct ts_l1_job *job, uint64_t gas)
{
    if (gas > MAX_GAS) {
        say_refused(s, job, "the L1 node's estimate is out of all bounds");
        ts_l1_job_delay(s, job, now);
        return;
    }
    job->tx.gas = gas + gas * s->settings.gas_margin / 100;
    job->state = TS_L1_JOB_READY;
    job->tries = 0;
}

void ts_l1_submit_on_estimate(struct ts_l1_submitter *s, uint64_t now, const struct ts_l1_answer *a)
{
    struct ts_l1_job *job = s->about;
    if (is_trouble(a->err)) {
        ts_l1_submit_down(s, now, a->text);
    } else if (!job) {
        return;
    } else if (a->err == TS_OK) {
        on_gas(s, now, job, a->u.number);
    } else if (a->err == TS_E_L1_REVERT && are_others_under_way(s)) {
        job->is_blocked = true;
    } else if (a->err == TS_E_L1_REVERT) {
        ts_l1_submit_done(s, job, TS_E_L1_REVERT, a->text);
    } else {
        s->has_no_pending = !s->has_no_pending; /* perhaps the other one is to its taste */
        if (ts_l1_refusal_of(a->text) == TS_L1_REFUSAL_FUNDS)
            say_no_funds(s, job);
        else
            say_refused(s, job, a->text);
        ts_l1_job_delay(s, job, now);
    }
}

/* ---- sending ---- */

void ts_l1_submit_on_fees(struct ts_l1_submitter *s, uint64_t now, const struct ts_l1_answer *a)
{
    if (a->err == TS_OK) {
        s->fees = a->u.fees;
        s->fees_us = now > 0 ? now : 1;
    } else if (is_trouble(a->err)) {
        ts_l1_submit_down(s, now, a->text);
    } else if (s->about) {
        say_refused(s, s->about, a->text);
        ts_l1_job_delay(s, s->about, now);
    }
}

/* From here on an attempt of the job may be mined, and its nonce is the job's. */
static void take_nonce(struct ts_l1_job *job)
{
    if (!ts_l1_job_has_nonce(job))
        job->state = TS_L1_JOB_SENT;
}

static void on_accepted(struct ts_l1_submitter *s, struct ts_l1_job *job)
{
    take_nonce(job);
    job->wants_send = job->wants_raise = false;
    job->said_refused = false;
    job->tries = 0;
    if (job->n_told != job->n_attempts) {
        s->said_no_funds = false;
        ts_l1_submit_sent(s, job);
    }
    job->n_told = job->n_attempts;
}

/* It is certain that the node did not take the attempt. If that was new, it never was; if it was
 * the job's first, the job has sent nothing, and the nonce is free again. */
static void on_not_taken(struct ts_l1_submitter *s, struct ts_l1_job *job)
{
    if (job->is_new)
        job->n_attempts--;
    job->is_new = false;
    if (!ts_l1_job_has_nonce(job) && job->is_cancelled)
        ts_l1_submit_done(s, job, TS_E_CLOSED, "cancelled");
}

/* What pays more is tried again with the same fees when what was lacking is there. */
static void take_fees_back(struct ts_l1_job *job)
{
    if (!job->is_new)
        return;
    job->tx.max_fee = job->before_fee;
    job->tx.max_priority = job->before_tip;
}

/* The account's nonce has moved on: look before anything else. */
static void on_nonce_low(struct ts_l1_submitter *s, struct ts_l1_job *job)
{
    job->wants_send = job->wants_raise = false;
    s->look_us = 0;
    take_fees_back(job);
    on_not_taken(s, job);
}

/* A filler's nonce that somebody has is not lost: it is raised only when stuck. */
static void on_underpriced(struct ts_l1_submitter *s, struct ts_l1_job *job, uint64_t now)
{
    job->wants_raise = job->n_attempts < TS_L1_MAX_ATTEMPTS && !job->is_filler;
    job->wants_send = false;
    job->retry_us = now + TS_L1_FIRST_RETRY_US;
    s->fees_us = 0;
    on_not_taken(s, job);
}

static void on_never(struct ts_l1_submitter *s, struct ts_l1_job *job, const char *text)
{
    if (!ts_l1_job_has_nonce(job)) {
        ts_l1_submit_done(s, job, TS_E_L1_REFUSED, text);
        return;
    }
    say_refused(s, job, text);
    job->wants_send = job->wants_raise = false;
    take_fees_back(job);
    on_not_taken(s, job);
}

static void on_refused(struct ts_l1_submitter *s, uint64_t now, struct ts_l1_job *job, ts_err err,
                       const char *text)
{
    switch (err == TS_E_L1_REFUSED ? ts_l1_refusal_of(text) : TS_L1_REFUSAL_OTHER) {
    case TS_L1_REFUSAL_KNOWN:
        on_accepted(s, job);
        break;
    case TS_L1_REFUSAL_NONCE_LOW:
        ts_l1_job_delay(s, job, now);
        on_nonce_low(s, job);
        break;
    case TS_L1_REFUSAL_UNDERPRICED:
        on_underpriced(s, job, now);
        break;
    case TS_L1_REFUSAL_FUNDS:
        say_no_funds(s, job);
        ts_l1_job_delay(s, job, now);
        take_fees_back(job);
        on_not_taken(s, job);
        break;
    case TS_L1_REFUSAL_NEVER:
        on_never(s, job, text);
        break;
    case TS_L1_REFUSAL_BUSY:
        say_refused(s, job, text);
        ts_l1_job_delay(s, job, now);
        take_fees_back(job);
        on_not_taken(s, job);
        break;
    case TS_L1_REFUSAL_OTHER:
        say_refused(s, job, text);
        ts_l1_job_delay(s, job, now);
        take_nonce(job);
        job->wants_send = true;
        break;
    }
}

void ts_l1_submit_on_sent(struct ts_l1_submitter *s, uint64_t now, const struct ts_l1_answer *a)
{
    struct ts_l1_job *job = s->about; /* a job is not cancelled while it is being sent */
    if (is_trouble(a->err)) {
        take_nonce(job);
        job->wants_send = true;
        ts_l1_submit_down(s, now, a->text);
    } else if (a->err == TS_OK) {
        on_accepted(s, job);
    } else {
        on_refused(s, now, job, a->err, a->text);
    }
}
