/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: one slot for each purpose, so few are under way. Each has a deadline and is repeated with
 * growing waits. An answer to anything that is no longer asked is late and dropped. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "l1/follower_internal.h"

bool ts_l1f_may_ask(const struct ts_l1_follower *f, unsigned which)
{
    const struct l1f_ask *k = &f->asks[which];
    return k->state == L1F_IDLE || (k->state == L1F_WAITING && k->until_us <= f->now.mono_us);
}

bool ts_l1f_is_asked(const struct ts_l1_follower *f, unsigned which)
{
    return f->asks[which].state == L1F_ASKED;
}

void ts_l1f_ask(struct ts_l1_follower *f, unsigned which, struct ts_l1_call call)
{
    struct l1f_ask *k = &f->asks[which];
    TS_CHECK(ts_l1f_may_ask(f, which));
    call.id = f->next_id++;
    k->state = L1F_ASKED;
    k->until_us = f->now.mono_us + f->s.answer_us;
    k->call = call;
    ts_l1f_out(f, TS_L1_FOLLOW_CALL)->call = &k->call;
}

void ts_l1f_ask_block(struct ts_l1_follower *f, unsigned which, uint64_t number)
{
    ts_l1f_ask(
        f, which,
        (struct ts_l1_call){.method = TS_L1_BLOCK, .tag = TS_L1_AT_NUMBER, .number = number});
}

void ts_l1f_forget(struct ts_l1_follower *f, unsigned which)
{
    f->asks[which].state = L1F_IDLE;
    f->asks[which].failures = 0;
}

void ts_l1f_forget_all(struct ts_l1_follower *f)
{
    for (unsigned i = 0; i < L1F_ASKS; i++)
        ts_l1f_forget(f, i);
}

void ts_l1f_good(struct ts_l1_follower *f, unsigned which)
{
    f->asks[which].failures = 0;
    f->failures = 0;
    f->is_good = true;
    f->good_us = f->now.mono_us;
    if (f->calm < L1F_CALM_AFTER && ++f->calm == L1F_CALM_AFTER && f->is_nonsense_said) {
        f->is_nonsense_said = false;
        ts_l1f_event(f, TS_LOG_INFO, "l1-nonsense", "state=ended answers=%llu",
                     (unsigned long long)f->nonsense);
    }
}

static void wait_for_next(struct ts_l1_follower *f, struct l1f_ask *k)
{
    uint64_t wait = L1F_FIRST_RETRY;
    for (unsigned i = 0; i < k->failures && wait < f->s.retry_max_us; i++)
        wait *= 2;
    if (wait > f->s.retry_max_us)
        wait = f->s.retry_max_us;
    if (k->failures < 64)
        k->failures++;
    k->state = L1F_WAITING;
    k->until_us = f->now.mono_us + wait;
}

static void count_nonsense(struct ts_l1_follower *f)
{
    f->nonsense++;
    f->calm = 0;
    if (f->is_nonsense_said)
        return;
    f->is_nonsense_said = true;
    ts_l1f_event(f, TS_LOG_WARN, "l1-nonsense", "state=begun reason=\"%s\"", f->reason);
}

/* After this the chain and the contract are looked at anew: it may be another node that answers. */
static void count_failure(struct ts_l1_follower *f)
{
    f->is_good = false;
    if (f->failures < UINT32_MAX)
        f->failures++;
    if (f->failures < L1F_DOWN_AFTER || f->is_down_said)
        return;
    f->is_down_said = true;
    ts_l1f_event(f, TS_LOG_WARN, "l1-down", "reason=\"%s\"", f->reason);
    ts_l1f_identity_lost(f);
}

void ts_l1f_failed(struct ts_l1_follower *f, unsigned which, ts_err err, const char *format, ...)
{
    wait_for_next(f, &f->asks[which]);
    if (err == TS_E_NOMEM || err == TS_E_BUSY)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(f->reason, sizeof(f->reason), format, args);
    va_end(args);
    if (err == TS_E_L1_NONSENSE)
        count_nonsense(f);
    count_failure(f);
}

void ts_l1f_ask_tick(struct ts_l1_follower *f)
{
    for (unsigned i = 0; i < L1F_ASKS; i++)
        if (ts_l1f_is_asked(f, i) && f->asks[i].until_us <= f->now.mono_us) {
            struct ts_l1_answer a = {
                .id = f->asks[i].call.id,
                .method = f->asks[i].call.method,
                .err = TS_E_TIMEOUT,
                .text = "the L1 node did not answer in time",
            };
            ts_l1f_answer(f, &a);
        }
}

/* A waiting call is asked by the plan of its own accord, if it is still wanted. */
uint64_t ts_l1f_ask_wake(const struct ts_l1_follower *f)
{
    uint64_t wake = UINT64_MAX;
    for (unsigned i = 0; i < L1F_ASKS; i++) {
        const struct l1f_ask *k = &f->asks[i];
        if (k->state == L1F_IDLE || (k->state == L1F_WAITING && k->until_us <= f->now.mono_us))
            continue;
        if (k->until_us < wake)
            wake = k->until_us;
    }
    return wake;
}

static void dispatch(struct ts_l1_follower *f, unsigned which, const struct ts_l1_answer *a)
{
    if (which <= L1F_GENESIS_BLOCK)
        ts_l1f_identity_answer(f, which, a);
    else if (which <= L1F_ANCHOR)
        ts_l1f_line_answer(f, which, a);
    else if (which <= L1F_SEAL)
        ts_l1f_scan_answer(f, which, a);
    else if (which == L1F_CHANGE)
        ts_l1f_tell_answer(f, which, a);
    else if (which == L1F_TX)
        ts_l1f_rollup_answer(f, a);
    else
        ts_l1f_lookup_answer(f, which, a);
}

void ts_l1f_answer(struct ts_l1_follower *f, const struct ts_l1_answer *a)
{
    unsigned which = 0;
    while (which < L1F_ASKS && !(ts_l1f_is_asked(f, which) && f->asks[which].call.id == a->id))
        which++;
    if (which == L1F_ASKS) {
        f->late++;
        return;
    }
    f->asks[which].state = L1F_IDLE;
    if (a->method == f->asks[which].call.method)
        dispatch(f, which, a);
    else
        ts_l1f_failed(f, which, TS_E_L1_NONSENSE, "the answer is to another method");
}
