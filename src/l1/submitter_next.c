/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be asked of L1 next: the chain; a look at the newest block and the account's nonce,
 * and the receipts that it calls for; fees; then what is to be sent, by nonce; then estimates, in
 * the order the jobs were given. */
#include <inttypes.h>

#include "base/check.h"
#include "base/log.h"
#include "l1/submitter_internal.h"

#define CHAIN_US UINT64_C(30000000) /* the chain's id is asked for again after this */
#define FEES_US  UINT64_C(5000000)  /* fees older than this are asked for again */

static void ask(struct ts_l1_submitter *s, uint64_t now, enum ts_l1_method method,
                struct ts_l1_job *about)
{
    TS_CHECK(!s->is_asking);
    s->call = (struct ts_l1_call){
        .id = ++s->last_id, .method = method, .tag = TS_L1_LATEST, .address = s->account};
    s->about = about;
    s->is_foreign_check = false;
    s->is_asking = true;
    s->deadline_us = now + s->settings.answer_us;
}

/* ---- jobs that have a nonce ---- */

static bool is_unmined(const struct ts_l1_submitter *s, const struct ts_l1_job *job)
{
    return ts_l1_job_has_nonce(job) && job->tx.nonce >= s->nonce;
}

static struct ts_l1_job *lowest_unmined(const struct ts_l1_submitter *s)
{
    struct ts_l1_job *lowest = NULL;
    for (size_t i = 0; i < s->n_jobs; i++)
        if (is_unmined(s, s->jobs[i]) && (!lowest || s->jobs[i]->tx.nonce < lowest->tx.nonce))
            lowest = s->jobs[i];
    return lowest;
}

static size_t count_fillers(const struct ts_l1_submitter *s)
{
    return s->n_jobs - ts_l1_submitter_jobs(s);
}

/* Nobody has the account's next nonce, for longer than a transaction takes: what had it is lost. A
 * transfer of nothing takes its place; whichever of the two is mined, the next can follow. */
static void close_gap(struct ts_l1_submitter *s, const struct ts_l1_job *lowest, uint64_t now)
{
    if (!lowest || lowest->tx.nonce == s->nonce) {
        s->gap_us = 0;
        return;
    }
    if (s->gap_us == 0)
        s->gap_us = now;
    if (now - s->gap_us < s->settings.stuck_us || count_fillers(s) >= TS_L1_MAX_FILLERS)
        return;
    const struct ts_l1_tx nothing = {.to = s->account, .nonce = s->nonce, .gas = 21000};
    struct ts_l1_job *filler = ts_l1_submit_add(s, &nothing);
    if (!filler)
        return;
    filler->is_filler = true;
    filler->state = TS_L1_JOB_SENT;
    filler->wants_send = true;
    s->gap_us = 0;
    ts_l1_submit_event(s, TS_LOG_WARN, "l1-nonce-gap", NULL,
                       "no transaction of nonce %" PRIu64 " is known any more: it is filled",
                       s->nonce);
}

/* Only the lowest is raised: the others wait for it, not for their own fees. */
static void mind_stuck(struct ts_l1_submitter *s, struct ts_l1_job *job, uint64_t now)
{
    if (job->tx.nonce != s->lowest) {
        s->lowest = job->tx.nonce;
        s->lowest_us = now;
    }
    const uint64_t since = job->sent_us > s->lowest_us ? job->sent_us : s->lowest_us;
    if (job->tx.nonce != s->nonce || job->wants_send || job->wants_raise)
        return;
    if (now - since >= s->settings.stuck_us && job->n_attempts < TS_L1_MAX_ATTEMPTS) {
        job->wants_raise = true;
        ts_l1_submit_event(s, TS_LOG_WARN, "l1-tx-stuck", job,
                           "the transaction of nonce %" PRIu64 " is not mined after %" PRIu64
                           " s: it is sent again with higher fees",
                           job->tx.nonce, (now - since) / 1000000);
    } else if (now - job->resent_us >= s->settings.stuck_us / 4) {
        job->wants_send = true; /* a node may have dropped it */
    }
}

static void mind_unmined(struct ts_l1_submitter *s, uint64_t now)
{
    struct ts_l1_job *lowest = lowest_unmined(s);
    close_gap(s, lowest, now);
    lowest = lowest_unmined(s);
    if (lowest)
        mind_stuck(s, lowest, now);
    else
        s->lowest = UINT64_MAX;
}

/* ---- asking ---- */

static bool ask_chain(struct ts_l1_submitter *s, uint64_t now)
{
    if (s->is_chain_known && (s->n_jobs == 0 || now < s->chain_us))
        return false;
    ask(s, now, TS_L1_CHAIN_ID, NULL);
    s->chain_us = now + CHAIN_US;
    return true;
}

static bool ask_nonce(struct ts_l1_submitter *s, uint64_t now)
{
    if (s->look != TS_L1_LOOK_NONCE)
        return false;
    ask(s, now, TS_L1_NONCE, NULL);
    return true;
}

static bool ask_block(struct ts_l1_submitter *s, uint64_t now)
{
    if (now < s->look_us)
        return false;
    ask(s, now, TS_L1_BLOCK, NULL);
    if (s->settings.confirmations == 0)
        s->call.tag = TS_L1_FINALIZED;
    return true;
}

static bool ask_receipt(struct ts_l1_submitter *s, uint64_t now)
{
    for (size_t i = 0; i < s->n_jobs; i++) {
        struct ts_l1_job *job = s->jobs[i];
        if (!job->wants_receipt)
            continue;
        TS_CHECK(job->receipt_of > 0);
        ask(s, now, TS_L1_RECEIPT, job);
        s->call.hash = job->attempts[job->receipt_of - 1];
        return true;
    }
    return false;
}

/* Whether the nonce was used so long ago that no reorg gives it back. */
static bool ask_foreign(struct ts_l1_submitter *s, uint64_t now)
{
    for (size_t i = 0; i < s->n_jobs; i++) {
        struct ts_l1_job *job = s->jobs[i];
        if (!job->wants_foreign)
            continue;
        ask(s, now, TS_L1_NONCE, job);
        s->is_foreign_check = true;
        s->call.tag = s->settings.confirmations == 0 ? TS_L1_FINALIZED : TS_L1_AT_NUMBER;
        s->call.number = s->confirmed;
        return true;
    }
    return false;
}

/* ---- sending ---- */

/* Above all nonces that jobs have or had. */
static uint64_t next_nonce(const struct ts_l1_submitter *s)
{
    uint64_t next = s->nonce > s->done_nonce ? s->nonce : s->done_nonce;
    for (size_t i = 0; i < s->n_jobs; i++)
        if (ts_l1_job_has_nonce(s->jobs[i]) && s->jobs[i]->tx.nonce >= next)
            next = s->jobs[i]->tx.nonce + 1;
    return next;
}

/* The bytes are the same for the same fees, so a repeated attempt is no new one. */
static bool sign(struct ts_l1_submitter *s, struct ts_l1_job *job, uint64_t now)
{
    ts_hash hash;
    ts_buf_reset(&s->raw);
    if (ts_l1_tx_sign(s->crypto, &s->key, &job->tx, &s->raw, &hash) != TS_OK) {
        ts_l1_job_delay(s, job, now);
        return false;
    }
    job->is_new =
        job->n_attempts == 0 || !ts_hash_equal(&hash, &job->attempts[job->n_attempts - 1]);
    if (job->is_new && job->n_attempts == TS_L1_MAX_ATTEMPTS) {
        ts_l1_job_delay(s, job, now);
        return false;
    }
    if (job->is_new) {
        job->attempts[job->n_attempts++] = hash;
        job->sent_us = now;
    }
    return true;
}

static bool send(struct ts_l1_submitter *s, struct ts_l1_job *job, uint64_t now)
{
    const bool is_new = job->n_attempts == 0 || job->wants_raise;
    if (is_new && (s->fees_us == 0 || now - s->fees_us >= FEES_US)) {
        ask(s, now, TS_L1_FEES, job);
        return true;
    }
    job->before_fee = job->tx.max_fee;
    job->before_tip = job->tx.max_priority;
    if (is_new && !ts_l1_choose_fees(s, job, now))
        return false;
    if (!ts_l1_job_has_nonce(job))
        job->tx.nonce = next_nonce(s);
    if (!sign(s, job, now))
        return false;
    job->resent_us = now;
    ask(s, now, TS_L1_SEND, job);
    s->call.data = ts_buf_bytes(&s->raw);
    return true;
}

/* Of those that have a nonce and must be sent, the lowest. */
static bool send_again(struct ts_l1_submitter *s, uint64_t now)
{
    struct ts_l1_job *first = NULL;
    for (size_t i = 0; i < s->n_jobs; i++) {
        struct ts_l1_job *job = s->jobs[i];
        if (is_unmined(s, job) && (job->wants_send || job->wants_raise) && now >= job->retry_us &&
            (!first || job->tx.nonce < first->tx.nonce))
            first = job;
    }
    return first && send(s, first, now);
}

/* As it would run in the next block: at the newest one, that one's own hash reads as zero, and a
 * rollup that names it would be refused. */
static void estimate(struct ts_l1_submitter *s, struct ts_l1_job *job, uint64_t now)
{
    ask(s, now, TS_L1_ESTIMATE, job);
    s->call.tag = s->has_no_pending ? TS_L1_LATEST : TS_L1_PENDING;
    s->call.creates = job->tx.creates;
    s->call.to = job->tx.to;
    s->call.value = job->tx.value;
    s->call.data = job->tx.data;
}

/* The first that has no nonce yet and is not blocked. Behind it the others wait. */
static bool begin_next(struct ts_l1_submitter *s, uint64_t now)
{
    for (size_t i = 0; i < s->n_jobs; i++) {
        struct ts_l1_job *job = s->jobs[i];
        if (ts_l1_job_has_nonce(job) || job->is_blocked)
            continue;
        if (now < job->retry_us)
            return false;
        if (job->state == TS_L1_JOB_READY)
            return send(s, job, now);
        estimate(s, job, now);
        return true;
    }
    return false;
}

void ts_l1_submit_next(struct ts_l1_submitter *s, uint64_t now)
{
    if (now < s->retry_us || ask_chain(s, now) || s->n_jobs == 0)
        return;
    if (ask_nonce(s, now) || ask_receipt(s, now) || ask_foreign(s, now) || ask_block(s, now))
        return;
    ts_l1_submit_up(s);
    mind_unmined(s, now);
    if (!send_again(s, now))
        begin_next(s, now);
}

uint64_t ts_l1_submit_wake(const struct ts_l1_submitter *s, uint64_t now)
{
    uint64_t wake = s->look_us;
    if (s->is_asking)
        return s->deadline_us;
    if (now < s->retry_us)
        return s->retry_us;
    if (s->n_jobs == 0)
        return UINT64_MAX;
    for (size_t i = 0; i < s->n_jobs; i++)
        if (s->jobs[i]->retry_us > now && s->jobs[i]->retry_us < wake)
            wake = s->jobs[i]->retry_us;
    return wake;
}
