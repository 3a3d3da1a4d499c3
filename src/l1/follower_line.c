/* SPDX-License-Identifier: Apache-2.0 */
/* The line of headers, linked by their parents' hashes from the told block (and a few below it) to
 * the newest. A new top is walked down, parent by parent, until it meets the line; what lay above
 * is then another fork's and goes. When it does not meet the line at the told block, L1 went back
 * behind its confirmations; but that is said only when the other line has as many confirmations
 * itself and a second look finds the same, so that a node that lags or flips does no harm. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "l1/follower_internal.h"

#define DOUBTS  2
#define BEHINDS 5

/* ---- blocks ---- */

ts_err ts_l1f_block_take(const struct ts_l1_answer_block *b, struct l1f_block *out)
{
    struct ts_l1_evidence e;
    ts_hash parent;
    if (ts_l1_header_read(b->header, &e, &parent) != TS_OK || e.number != b->number ||
        e.time != b->time || !ts_hash_equal(&e.hash, &b->hash) ||
        !ts_hash_equal(&parent, &b->parent))
        return TS_E_L1_NONSENSE;
    uint8_t *header = malloc(b->header.n);
    if (header == NULL)
        return TS_E_NOMEM;
    memcpy(header, b->header.p, b->header.n);
    *out = (struct l1f_block){
        .number = b->number,
        .hash = b->hash,
        .parent = b->parent,
        .time = b->time,
        .header = header,
        .n_header = b->header.n,
    };
    return TS_OK;
}

static const char *name_of(unsigned which)
{
    switch (which) {
    case L1F_GENESIS_BLOCK:
        return "the block at which the network begins";
    case L1F_LATEST:
        return "a newest block";
    case L1F_FINAL:
        return "a finalized block";
    default:
        return "a block below its newest";
    }
}

bool ts_l1f_block_answer(struct ts_l1_follower *f, unsigned which, const struct ts_l1_answer *a,
                         struct l1f_block *out)
{
    const struct ts_l1_call *call = &f->asks[which].call;
    struct l1f_block b;
    if (a->err != TS_OK) {
        ts_l1f_failed(f, which, a->err, "%s", a->text);
        return false;
    }
    if (!a->u.block.found) {
        ts_l1f_failed(f, which, TS_E_NOT_FOUND, "the L1 node does not have %s", name_of(which));
        return false;
    }
    ts_err err = ts_l1f_block_take(&a->u.block, &b);
    if (err == TS_OK && call->tag == TS_L1_AT_NUMBER && b.number != call->number) {
        ts_l1f_block_free(&b);
        err = TS_E_L1_NONSENSE;
    }
    if (err != TS_OK) {
        ts_l1f_failed(f, which, err, "a block's header does not agree with the rest of the answer");
        return false;
    }
    *out = b;
    return true;
}

void ts_l1f_block_free(struct l1f_block *b)
{
    free(b->header);
    *b = (struct l1f_block){0};
}

/* ---- the line ---- */

struct l1f_block *ts_l1f_line_at(struct ts_l1_follower *f, uint64_t number)
{
    if (f->n_line == 0 || number < f->line[0].number || number - f->line[0].number >= f->n_line)
        return NULL;
    return &f->line[number - f->line[0].number];
}

uint64_t ts_l1f_line_top(const struct ts_l1_follower *f)
{
    return f->n_line > 0 ? f->line[f->n_line - 1].number : f->told;
}

void ts_l1f_line_reset(struct ts_l1_follower *f, struct l1f_block *b)
{
    struct l1f_block keep = *b;
    *b = (struct l1f_block){0};
    while (f->n_line > 0)
        ts_l1f_block_free(&f->line[--f->n_line]);
    f->line[f->n_line++] = keep;
}

/* Keeps no more than L1F_TAIL below the told one. */
void ts_l1f_line_trim(struct ts_l1_follower *f)
{
    size_t n = 0;
    while (n < f->n_line && f->line[n].number + L1F_TAIL < f->told)
        ts_l1f_block_free(&f->line[n++]);
    if (n == 0)
        return;
    f->n_line -= n;
    memmove(f->line, f->line + n, f->n_line * sizeof(f->line[0]));
}

/* Nothing above number stays, and nothing of what was read there. */
static void cut(struct ts_l1_follower *f, uint64_t number)
{
    TS_CHECK(number >= f->told);
    if (ts_l1f_line_top(f) > number)
        ts_l1f_scan_cut(f, number);
    while (f->n_line > 0 && f->line[f->n_line - 1].number > number)
        ts_l1f_block_free(&f->line[--f->n_line]);
}

void ts_l1f_fresh_drop(struct ts_l1_follower *f)
{
    while (f->n_fresh > 0)
        ts_l1f_block_free(&f->fresh[--f->n_fresh]);
    ts_l1f_forget(f, L1F_LINK);
}

/* ---- is the told block still there? ---- */

void ts_l1f_seen_told(struct ts_l1_follower *f)
{
    f->is_linked = true;
    f->doubts = 0;
    f->is_doubt_said = false;
}

static void say_over(struct ts_l1_follower *f)
{
    const struct l1f_block *b = ts_l1f_line_at(f, f->told);
    if (!ts_l1f_out_block(f, TS_L1_FOLLOW_REORG, 0, b)) {
        f->doubts--; /* the next look says it */
        return;
    }
    f->is_over = true;
    f->is_good = false;
    ts_l1f_event(f, TS_LOG_ERROR, "l1-reorg",
                 "state=over block=%llu reason=\"L1 replaced a block behind its confirmations\"",
                 (unsigned long long)f->told);
    ts_l1f_forget_all(f);
}

void ts_l1f_doubt(struct ts_l1_follower *f, uint64_t top)
{
    bool is_confirmed = f->s.confirmations > 0 ? top - f->told + 1 >= f->s.confirmations
                                               : f->has_final && f->final_number >= f->told;
    ts_l1f_fresh_drop(f);
    f->target = 0;
    f->is_anchored = false;
    if (!f->is_doubt_said) {
        f->is_doubt_said = true;
        ts_l1f_event(f, TS_LOG_WARN, "l1-reorg", "state=deep block=%llu latest=%llu",
                     (unsigned long long)f->told, (unsigned long long)top);
    }
    if (is_confirmed && ++f->doubts >= DOUBTS)
        say_over(f);
}

/* ---- new tops ---- */

static void join(struct ts_l1_follower *f, uint64_t at)
{
    uint64_t top = ts_l1f_line_top(f);
    if (top > at)
        ts_l1f_event(f, TS_LOG_INFO, "l1-reorg", "state=followed from=%llu blocks=%llu latest=%llu",
                     (unsigned long long)at + 1, (unsigned long long)(top - at),
                     (unsigned long long)f->fresh[0].number);
    cut(f, at);
    while (f->n_fresh > 0) {
        TS_CHECK(f->n_line < L1F_LINE);
        f->line[f->n_line++] = f->fresh[--f->n_fresh];
    }
    ts_l1f_fresh_drop(f);
    ts_l1f_seen_told(f);
}

static void try_join(struct ts_l1_follower *f)
{
    const struct l1f_block *low = &f->fresh[f->n_fresh - 1];
    const struct l1f_block *below = ts_l1f_line_at(f, low->number - 1);
    if (low->number <= f->told)
        ts_l1f_doubt(f, f->fresh[0].number);
    else if (below != NULL && ts_hash_equal(&below->hash, &low->parent))
        join(f, below->number);
    else if (low->number - 1 == f->told)
        ts_l1f_doubt(f, f->fresh[0].number);
}

/* So many confirmed blocks are missing that their headers are left out. */
static bool is_far(struct ts_l1_follower *f, uint64_t newest)
{
    uint64_t c = f->s.confirmations;
    uint64_t confirmed =
        c == 0 ? (f->has_final ? f->final_number : 0) : (newest + 1 > c ? newest + 1 - c : 0);
    if (confirmed <= f->told + L1F_NEAR)
        return false;
    if (f->target <= f->told) {
        ts_l1f_fresh_drop(f);
        cut(f, f->told);
        f->is_anchored = false;
    }
    if (confirmed - L1F_LAST > f->target)
        f->target = confirmed - L1F_LAST;
    return true;
}

static void say_behind(struct ts_l1_follower *f, uint64_t newest)
{
    if (newest >= f->told) {
        f->behinds = 0;
        if (f->is_behind_said)
            ts_l1f_event(f, TS_LOG_INFO, "l1-lags", "state=ended latest=%llu",
                         (unsigned long long)newest);
        f->is_behind_said = false;
    } else if (!f->is_behind_said && ++f->behinds >= BEHINDS) {
        f->is_behind_said = true;
        ts_l1f_event(f, TS_LOG_WARN, "l1-lags", "state=begun latest=%llu confirmed=%llu",
                     (unsigned long long)newest, (unsigned long long)f->told);
    }
}

/* Takes b over. */
static void take_top(struct ts_l1_follower *f, struct l1f_block *b)
{
    const struct l1f_block *have = ts_l1f_line_at(f, b->number);
    if (have != NULL && ts_hash_equal(&have->hash, &b->hash)) {
        if (b->number >= f->told)
            ts_l1f_seen_told(f);
        ts_l1f_block_free(b);
    } else if (f->n_fresh > 0 || f->target > f->told || b->number < f->told) {
        ts_l1f_block_free(b);
    } else {
        f->fresh[f->n_fresh++] = *b;
        try_join(f);
    }
}

static void take_latest(struct ts_l1_follower *f, struct l1f_block *b)
{
    f->latest = b->number;
    say_behind(f, b->number);
    if (!is_far(f, b->number) && b->number > f->told + L1F_AHEAD) {
        f->is_capped = true;
        ts_l1f_block_free(b);
        return;
    }
    take_top(f, b);
}

static void take_link(struct ts_l1_follower *f, struct l1f_block *b)
{
    if (f->n_fresh == 0) { /* the top, capped */
        take_top(f, b);
        return;
    }
    const struct l1f_block *low = &f->fresh[f->n_fresh - 1];
    if (!ts_hash_equal(&low->parent, &b->hash)) { /* L1 moved meanwhile: from the top again */
        ts_l1f_block_free(b);
        ts_l1f_fresh_drop(f);
        return;
    }
    TS_CHECK(f->n_fresh < TS_COUNT(f->fresh));
    f->fresh[f->n_fresh++] = *b;
    try_join(f);
}

static void take_anchor(struct ts_l1_follower *f, const struct l1f_block *b)
{
    if (ts_hash_equal(&b->hash, &ts_l1f_line_at(f, f->told)->hash)) {
        f->is_anchored = true;
        ts_l1f_seen_told(f);
    } else {
        ts_l1f_doubt(f, f->target);
    }
}

static void take_final(struct ts_l1_follower *f, const struct l1f_block *b)
{
    f->has_final = true;
    f->final_number = b->number;
    f->final_hash = b->hash;
}

/* ---- asking ---- */

/* A look that failed is repeated when its wait is over, not only at the next poll. */
static void poll(struct ts_l1_follower *f)
{
    bool is_due = f->now.mono_us >= f->poll_us || f->asks[L1F_LATEST].state == L1F_WAITING;
    if (!is_due || !ts_l1f_may_ask(f, L1F_LATEST))
        return;
    if (f->s.confirmations == 0 && ts_l1f_may_ask(f, L1F_FINAL))
        ts_l1f_ask(f, L1F_FINAL,
                   (struct ts_l1_call){.method = TS_L1_BLOCK, .tag = TS_L1_FINALIZED});
    ts_l1f_ask(f, L1F_LATEST, (struct ts_l1_call){.method = TS_L1_BLOCK, .tag = TS_L1_LATEST});
    f->poll_us = f->now.mono_us + f->s.poll_us;
}

void ts_l1f_line_plan(struct ts_l1_follower *f)
{
    poll(f);
    if (f->target > f->told) {
        if (!f->is_anchored && f->sealed == f->told && ts_l1f_may_ask(f, L1F_ANCHOR))
            ts_l1f_ask_block(f, L1F_ANCHOR, f->told);
    } else if (f->n_fresh > 0 && ts_l1f_may_ask(f, L1F_LINK)) {
        ts_l1f_ask_block(f, L1F_LINK, f->fresh[f->n_fresh - 1].number - 1);
    } else if (f->is_capped && ts_l1f_may_ask(f, L1F_LINK)) {
        f->is_capped = false;
        ts_l1f_ask_block(f, L1F_LINK, f->told + L1F_AHEAD);
    }
}

void ts_l1f_line_answer(struct ts_l1_follower *f, unsigned which, const struct ts_l1_answer *a)
{
    struct l1f_block b;
    if (!ts_l1f_block_answer(f, which, a, &b)) {
        /* The parent of a block is not there: the node lags, or another one answers. */
        if (which == L1F_LINK && a->err == TS_OK && !a->u.block.found)
            ts_l1f_fresh_drop(f);
        return;
    }
    ts_l1f_good(f, which);
    if (which == L1F_LATEST) {
        take_latest(f, &b);
    } else if (which == L1F_LINK) {
        take_link(f, &b);
    } else {
        if (which == L1F_FINAL)
            take_final(f, &b);
        else
            take_anchor(f, &b);
        ts_l1f_block_free(&b);
    }
}
