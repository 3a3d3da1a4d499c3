/* SPDX-License-Identifier: Apache-2.0 */
#include "submitworld.h"

#include "crypto/sign.h"

uint64_t draw(struct world *w, uint64_t bound)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random % bound;
}

unsigned count_events(const struct world *w, const char *name)
{
    unsigned n = 0;
    for (size_t i = 0; i < w->n_events && i < 200; i++)
        n += strcmp(w->events[i], name) == 0;
    return n;
}

void begin(struct world *w, uint64_t confirmations)
{
    memset(w, 0, sizeof(*w));
    fake_begin(&w->l1);
    w->crypto = ts_crypto_secp256k1(NULL);
    const ts_secret key = {{7}};
    ts_l1_submit_settings_default(&w->settings);
    w->settings.chain_id = 31337;
    w->settings.confirmations = confirmations;
    w->settings.max_fee = UINT64_C(100000000000);
    assert_int_equal(ts_l1_submitter_new(&w->settings, w->crypto, &key, &w->s), TS_OK);
    w->now = 5 * SECOND;
    w->block_us = 12 * SECOND;
    w->next_block = w->now + w->block_us;
    w->latency = 50000;
    w->bad_method = -1;
}

void end(struct world *w)
{
    ts_l1_submitter_free(w->s);
    ts_crypto_free(w->crypto);
}

/* A fault for this call, drawn or as planned. TS_OK: none. */
static ts_err fault(struct world *w, const struct ts_l1_call *call, bool *after)
{
    static const ts_err drawn[] = {TS_E_CLOSED, TS_E_TIMEOUT, TS_E_L1_NONSENSE, TS_E_L1_REFUSED};
    if (w->bad_left > 0 && (w->bad_method == 99 || w->bad_method == (int)call->method)) {
        w->bad_left--;
        *after = w->bad_after;
        return w->bad_err;
    }
    if (w->fault_percent > 0 && draw(w, 100) < w->fault_percent) {
        *after = draw(w, 2) == 0;
        return drawn[draw(w, 4)];
    }
    return TS_OK;
}

static void take_call(struct world *w, const struct ts_l1_call *call)
{
    bool after = false;
    const ts_err err = fault(w, call, &after);
    w->calls[call->method]++;
    if (err == TS_OK || after)
        fake_answer(&w->l1, call, &w->answer);
    if (err != TS_OK) {
        memset(&w->answer, 0, sizeof(w->answer));
        w->answer.id = call->id;
        w->answer.method = call->method;
        w->answer.err = err;
        w->answer.text = "a fault";
    }
    w->has_answer = err != TS_E_TIMEOUT; /* the deadline is the submitter's own */
    w->answer_us = w->now + (w->random ? 1 + draw(w, 2 * SECOND) : w->latency);
}

/* What is told as confirmed is in the chain, and as deep as asked. */
static void check_done(const struct world *w, const struct ts_l1_submit_output *o)
{
    const uint64_t depth = w->settings.confirmations;
    bool found = false;
    for (size_t i = 0; i < w->l1.n_txs; i++) {
        const struct fake_tx *tx = &w->l1.txs[i];
        found |= ts_hash_equal(&tx->hash, &o->tx) && tx->block == o->block && tx->job == o->job;
    }
    assert_true(found);
    assert_true(depth > 0 ? o->block + depth - 1 <= w->l1.height : o->block <= w->l1.finalized);
}

static void take_output(struct world *w, const struct ts_l1_submit_output *o)
{
    struct seen *job = &w->jobs[o->job % MAX_SEEN];
    switch (o->kind) {
    case TS_L1_SUBMIT_CALL:
        assert_false(w->has_answer);
        take_call(w, o->call);
        break;
    case TS_L1_SUBMIT_SENT:
        job->sent++;
        break;
    case TS_L1_SUBMIT_DONE:
        job->done++;
        job->err = o->err;
        job->block = o->block;
        job->tx = o->tx;
        snprintf(job->text, sizeof(job->text), "%s", o->text);
        if (o->err == TS_OK)
            check_done(w, o);
        break;
    case TS_L1_SUBMIT_EVENT:
        assert_true(o->text[0] != '\0');
        snprintf(w->events[w->n_events++ % 200], 32, "%s", o->event);
        break;
    }
}

void step(struct world *w, const struct ts_l1_submit_input *in)
{
    struct ts_l1_submit_outputs out;
    const struct ts_now now = {.mono_us = w->now};
    ts_l1_submitter_step(w->s, now, in, &out);
    w->wake = out.wake_us;
    for (size_t i = 0; i < out.n; i++)
        take_output(w, &out.out[i]);
    assert_true(out.wake_us > w->now);
}

void give(struct world *w, uint64_t job)
{
    uint8_t data[8];
    fake_data(job, data);
    step(w, &(struct ts_l1_submit_input){
                .kind = TS_L1_SUBMIT_JOB, .job = job, .to = {{1}}, .data = {data, sizeof(data)}});
}

void cancel(struct world *w, uint64_t job)
{
    step(w, &(struct ts_l1_submit_input){.kind = TS_L1_SUBMIT_CANCEL, .job = job});
}

/* Whatever comes next, at most up to until: a block, an answer, or the submitter's own clock. */
static void advance(struct world *w, uint64_t until)
{
    uint64_t next = w->next_block < until ? w->next_block : until;
    if (w->has_answer && w->answer_us < next)
        next = w->answer_us;
    if (w->wake < next)
        next = w->wake;
    w->now = next > w->now ? next : w->now;
    if (w->now >= w->next_block) {
        fake_mine(&w->l1);
        w->next_block = w->now + w->block_us;
    }
    if (w->has_answer && w->now >= w->answer_us) {
        w->has_answer = false;
        const struct ts_l1_answer answer = w->answer;
        step(w, &(struct ts_l1_submit_input){.kind = TS_L1_SUBMIT_ANSWER, .answer = &answer});
    } else if (w->now >= w->wake) {
        w->has_answer = false; /* what comes after its deadline does not matter */
        step(w, &(struct ts_l1_submit_input){.kind = TS_L1_SUBMIT_TICK});
    }
}

void run(struct world *w, uint64_t seconds)
{
    const uint64_t until = w->now + seconds * SECOND;
    step(w, &(struct ts_l1_submit_input){.kind = TS_L1_SUBMIT_TICK});
    while (w->now < until)
        advance(w, until);
}

void expect_ok(const struct world *w, uint64_t first, uint64_t last)
{
    for (uint64_t job = first; job <= last; job++) {
        if (w->jobs[job].done != 1 || w->jobs[job].err != TS_OK || fake_mined(&w->l1, job) != 1)
            fail_msg("job %u: done %u times, %s \"%s\", mined %u times", (unsigned)job,
                     w->jobs[job].done, ts_err_name((int)w->jobs[job].err), w->jobs[job].text,
                     fake_mined(&w->l1, job));
    }
}
