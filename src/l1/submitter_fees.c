/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/log.h"
#include "l1/submitter_internal.h"

#define GWEI    UINT64_C(1000000000)
#define MIN_TIP (GWEI / 10)
#define MAX_TIP (2 * GWEI) /* of a first attempt, where the base fee is lower */

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Pools want 10 % more on both fees. */
static uint64_t least_raise(uint64_t fee)
{
    return sum(fee, fee / 10 + 1);
}

static uint64_t usual_raise(uint64_t fee)
{
    return sum(fee, fee / 8 + 1);
}

static void say_cap(struct ts_l1_submitter *s, const struct ts_l1_job *job, uint64_t wanted)
{
    if (!s->said_fee_cap)
        ts_l1_submit_event(s, TS_LOG_WARN, "l1-fee-cap", job,
                           "a transaction must offer %" PRIu64 " wei per gas, the bound is %" PRIu64
                           ": it waits",
                           wanted, s->settings.max_fee);
    s->said_fee_cap = true;
}

/* A node that lies about tips makes us pay no more than the base fee again: who is too low is
 * raised when stuck. */
static uint64_t market_tip(const struct ts_l1_submitter *s)
{
    const uint64_t most = larger(s->fees.base_fee, MAX_TIP);
    return smaller(larger(s->fees.tip, MIN_TIP), most);
}

/* What was sent already is sent as it is, for a node may have dropped it, and raised later. What
 * was not begins at the market's fees again: what it was too low for may be gone. */
static void wait(struct ts_l1_submitter *s, struct ts_l1_job *job, uint64_t now)
{
    ts_l1_job_delay(s, job, now);
    s->fees_us = 0;
    job->wants_raise = false;
    if (job->n_attempts == 0)
        return;
    job->wants_send = true;
    job->sent_us = now;
}

bool ts_l1_choose_fees(struct ts_l1_submitter *s, struct ts_l1_job *job, uint64_t now)
{
    const uint64_t cap = s->settings.max_fee;
    const uint64_t least = sum(s->fees.base_fee, MIN_TIP);
    uint64_t tip = market_tip(s);
    uint64_t fee = sum(sum(s->fees.base_fee, s->fees.base_fee), tip);
    bool good = least <= cap;
    if (!good)
        say_cap(s, job, least);
    if (good && job->wants_raise) {
        tip = larger(tip, usual_raise(job->tx.max_priority));
        fee = larger(fee, usual_raise(job->tx.max_fee));
        good = least_raise(job->tx.max_fee) <= cap && least_raise(job->tx.max_priority) <= cap;
        if (!good)
            say_cap(s, job, least_raise(job->tx.max_fee));
    }
    if (!good) {
        wait(s, job, now);
        return false;
    }
    s->said_fee_cap = false;
    job->tx.max_fee = smaller(fee, cap);
    job->tx.max_priority = smaller(tip, job->tx.max_fee);
    return true;
}
