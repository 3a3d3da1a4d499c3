/* SPDX-License-Identifier: Apache-2.0 */
/* The submitter's life, its inputs and outputs. */
#include "l1/submitter.h"

#include <stdarg.h>

#include "base/check.h"
#include "base/log.h"
#include "crypto/sign.h"
#include "l1/submitter_internal.h"

void ts_l1_submit_settings_default(struct ts_l1_submit_settings *s)
{
    *s = (struct ts_l1_submit_settings){
        .confirmations = 2,
        .poll_us = 1000000,
        .answer_us = 10000000,
        .retry_max_us = 15000000,
        .stuck_us = 60000000,
        .max_fee = UINT64_C(500000000000),
        .gas_margin = 20,
    };
}

ts_err ts_l1_submitter_new(const struct ts_l1_submit_settings *settings,
                           const struct ts_crypto *crypto, const ts_secret *key,
                           struct ts_l1_submitter **out)
{
    struct ts_l1_submitter *s = calloc(1, sizeof(*s));
    if (!s)
        return TS_E_NOMEM;
    const ts_err err = ts_address_of_key(crypto, key, &s->account);
    if (err != TS_OK) {
        free(s);
        return err;
    }
    s->settings = *settings;
    s->crypto = crypto;
    s->key = *key;
    s->lowest = UINT64_MAX;
    ts_buf_init(&s->raw, 0);
    *out = s;
    return TS_OK;
}

static void free_job(struct ts_l1_job *job)
{
    free(job->data);
    free(job);
}

void ts_l1_submitter_free(struct ts_l1_submitter *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_jobs; i++)
        free_job(s->jobs[i]);
    ts_buf_free(&s->raw);
    ts_secret_wipe(&s->key);
    free(s);
}

ts_address ts_l1_submitter_account(const struct ts_l1_submitter *s)
{
    return s->account;
}

static size_t count_jobs(const struct ts_l1_submitter *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_jobs; i++)
        n += !s->jobs[i]->is_filler;
    return n;
}

size_t ts_l1_submitter_jobs(const struct ts_l1_submitter *s)
{
    return count_jobs(s);
}

/* ---- outputs ---- */

/* One input ends at most all jobs, and asks one thing: there is room. Of many events the last may
 * be left out. */
static struct ts_l1_submit_output *put(struct ts_l1_submitter *s, enum ts_l1_submit_out kind,
                                       const char *text)
{
    if (kind == TS_L1_SUBMIT_EVENT && s->n_out >= TS_L1_MAX_OUTPUTS - TS_L1_MAX_JOBS - 4)
        return NULL;
    TS_CHECK(s->n_out < TS_L1_MAX_OUTPUTS);
    struct ts_l1_submit_output *o = &s->out[s->n_out];
    char *kept = s->texts[s->n_out++];
    snprintf(kept, TS_L1_MAX_TEXT, "%s", text);
    *o = (struct ts_l1_submit_output){.kind = kind, .text = kept, .event = ""};
    return o;
}

void ts_l1_submit_event(struct ts_l1_submitter *s, int level, const char *event,
                        const struct ts_l1_job *job, const char *format, ...)
{
    char text[TS_L1_MAX_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct ts_l1_submit_output *o = put(s, TS_L1_SUBMIT_EVENT, text);
    if (!o)
        return;
    o->level = level;
    o->event = event;
    o->job = job && !job->is_filler ? job->id : 0;
}

void ts_l1_submit_sent(struct ts_l1_submitter *s, const struct ts_l1_job *job)
{
    if (job->is_filler)
        return;
    struct ts_l1_submit_output *o = put(s, TS_L1_SUBMIT_SENT, "");
    o->job = job->id;
    o->tx = job->attempts[job->n_attempts - 1];
}

static void put_done(struct ts_l1_submitter *s, uint64_t id, ts_err err, const char *text)
{
    struct ts_l1_submit_output *o = put(s, TS_L1_SUBMIT_DONE, text);
    o->job = id;
    o->err = err;
}

void ts_l1_submit_done(struct ts_l1_submitter *s, struct ts_l1_job *job, ts_err err,
                       const char *text)
{
    size_t i = 0;
    while (i < s->n_jobs && s->jobs[i] != job)
        i++;
    TS_CHECK(i < s->n_jobs);
    if (!job->is_filler) {
        put_done(s, job->id, err, text);
        if (job->state == TS_L1_JOB_MINED) {
            s->out[s->n_out - 1].tx = job->mined;
            s->out[s->n_out - 1].block = job->receipt.block;
        }
    }
    if (job->state == TS_L1_JOB_MINED && job->tx.nonce >= s->done_nonce)
        s->done_nonce = job->tx.nonce + 1;
    if (s->about == job)
        s->about = NULL;
    memmove(&s->jobs[i], &s->jobs[i + 1], (s->n_jobs - i - 1) * sizeof(struct ts_l1_job *));
    s->n_jobs--;
    free_job(job);
    ts_l1_submit_unblock(s);
}

void ts_l1_submit_unblock(struct ts_l1_submitter *s)
{
    for (size_t i = 0; i < s->n_jobs; i++)
        s->jobs[i]->is_blocked = false;
}

/* ---- jobs ---- */

bool ts_l1_job_has_nonce(const struct ts_l1_job *job)
{
    return job->state == TS_L1_JOB_SENT || job->state == TS_L1_JOB_MINED;
}

uint64_t ts_l1_backoff(const struct ts_l1_submitter *s, unsigned failures)
{
    uint64_t wait = TS_L1_FIRST_RETRY_US;
    for (unsigned i = 1; i < failures && wait < s->settings.retry_max_us; i++)
        wait *= 2;
    return wait < s->settings.retry_max_us ? wait : s->settings.retry_max_us;
}

void ts_l1_job_delay(const struct ts_l1_submitter *s, struct ts_l1_job *job, uint64_t now)
{
    job->tries = job->tries < 64 ? job->tries + 1 : 64;
    job->retry_us = now + ts_l1_backoff(s, job->tries);
}

struct ts_l1_job *ts_l1_submit_add(struct ts_l1_submitter *s, const struct ts_l1_tx *tx)
{
    TS_CHECK(s->n_jobs < TS_COUNT(s->jobs));
    struct ts_l1_job *job = calloc(1, sizeof(*job));
    if (!job)
        return NULL;
    job->tx = *tx;
    job->tx.chain_id = s->settings.chain_id;
    job->data = malloc(tx->data.n + 1);
    if (!job->data) {
        free(job);
        return NULL;
    }
    if (tx->data.n > 0)
        memcpy(job->data, tx->data.p, tx->data.n);
    job->tx.data.p = job->data;
    s->jobs[s->n_jobs++] = job;
    return job;
}

static struct ts_l1_job *find_job(const struct ts_l1_submitter *s, uint64_t id)
{
    for (size_t i = 0; i < s->n_jobs; i++)
        if (!s->jobs[i]->is_filler && s->jobs[i]->id == id)
            return s->jobs[i];
    return NULL;
}

static void take_job(struct ts_l1_submitter *s, const struct ts_l1_submit_input *in)
{
    const struct ts_l1_tx tx = {
        .creates = in->creates, .to = in->to, .value = in->value, .data = in->data};
    TS_CHECK(!find_job(s, in->job));
    if (count_jobs(s) >= TS_L1_MAX_JOBS) {
        put_done(s, in->job, TS_E_BUSY, "too many transactions are under way");
        return;
    }
    if (in->data.n > TS_L1_MAX_INPUT) {
        put_done(s, in->job, TS_E_LIMIT, "the transaction's data is too long");
        return;
    }
    struct ts_l1_job *job = ts_l1_submit_add(s, &tx);
    if (job)
        job->id = in->job;
    else
        put_done(s, in->job, TS_E_NOMEM, "out of memory");
}

/* A job whose first attempt is on its way to the node may be taken: then it goes on. */
static void cancel_job(struct ts_l1_submitter *s, uint64_t id)
{
    struct ts_l1_job *job = find_job(s, id);
    if (!job)
        return;
    const bool is_going = s->is_asking && s->about == job && s->call.method == TS_L1_SEND;
    job->is_cancelled = true;
    if (!ts_l1_job_has_nonce(job) && !is_going)
        ts_l1_submit_done(s, job, TS_E_CLOSED, "cancelled");
}

/* ---- steps ---- */

static void take_answer(struct ts_l1_submitter *s, uint64_t now, const struct ts_l1_answer *a)
{
    if (s->is_asking && a->id == s->call.id && a->method == s->call.method)
        ts_l1_submit_answer(s, now, a);
}

static void check_deadline(struct ts_l1_submitter *s, uint64_t now)
{
    if (!s->is_asking || now < s->deadline_us)
        return;
    const struct ts_l1_answer late = {.id = s->call.id,
                                      .method = s->call.method,
                                      .err = TS_E_TIMEOUT,
                                      .text = "the L1 node does not answer in time"};
    ts_l1_submit_answer(s, now, &late);
}

void ts_l1_submitter_step(struct ts_l1_submitter *s, struct ts_now now,
                          const struct ts_l1_submit_input *in, struct ts_l1_submit_outputs *out)
{
    s->n_out = 0;
    switch (in->kind) {
    case TS_L1_SUBMIT_TICK:
        break;
    case TS_L1_SUBMIT_ANSWER:
        take_answer(s, now.mono_us, in->answer);
        break;
    case TS_L1_SUBMIT_JOB:
        take_job(s, in);
        break;
    case TS_L1_SUBMIT_CANCEL:
        cancel_job(s, in->job);
        break;
    }
    check_deadline(s, now.mono_us);
    const bool was_asking = s->is_asking;
    if (!was_asking)
        ts_l1_submit_next(s, now.mono_us);
    if (s->is_asking && !was_asking)
        put(s, TS_L1_SUBMIT_CALL, "")->call = &s->call;
    out->out = s->out;
    out->n = s->n_out;
    out->wake_us = ts_l1_submit_wake(s, now.mono_us);
}
