/* SPDX-License-Identifier: Apache-2.0 */
/* What is told: every confirmed block at which the whitelist changed, and the newest one; and the
 * blocks that somebody asked for. */
#include "base/check.h"
#include "l1/follower_internal.h"

/* The newest block that may be told. */
static uint64_t confirmed(struct ts_l1_follower *f)
{
    uint64_t top = ts_l1f_line_top(f), c = f->s.confirmations, end = f->told;
    if (f->target > f->told)
        return f->sealed;
    if (c > 0) {
        end = top + 1 > c ? top + 1 - c : 0;
    } else if (f->has_final) {
        const struct l1f_block *b = ts_l1f_line_at(f, f->final_number);
        if (b != NULL && ts_hash_equal(&b->hash, &f->final_hash))
            end = f->final_number;
    }
    return end < f->sealed ? end : f->sealed;
}

/* NULL: it is to be asked for. */
static struct l1f_block *header_of(struct ts_l1_follower *f, uint64_t number)
{
    struct l1f_block *b = ts_l1f_line_at(f, number);
    if (b == NULL && f->seal.header != NULL && f->seal.number == number)
        b = &f->seal;
    if (b == NULL && f->change.header != NULL && f->change.number == number)
        b = &f->change;
    return b;
}

static void tell_first(struct ts_l1_follower *f)
{
    const struct l1f_block *b = ts_l1f_line_at(f, f->told);
    if (b != NULL && ts_l1f_out_block(f, TS_L1_FOLLOW_CONFIRMED, 0, b))
        f->has_told = true;
}

void ts_l1f_tell(struct ts_l1_follower *f)
{
    if (f->doubts > 0 || !f->is_linked)
        return;
    if (!f->has_told)
        tell_first(f);
    uint64_t end = confirmed(f);
    for (unsigned i = 0; f->has_told && f->told < end; i++) {
        const struct l1f_change *c = ts_l1f_list_next(f, f->told);
        uint64_t next = c != NULL && c->number < end ? c->number : end;
        struct l1f_block *b = header_of(f, next);
        if (b == NULL) {
            if (ts_l1f_may_ask(f, L1F_CHANGE))
                ts_l1f_ask_block(f, L1F_CHANGE, next);
            return;
        }
        if (i == L1F_TELL || !ts_l1f_out_has_room(f)) {
            ts_l1f_soon(f, 0);
            return;
        }
        if (!ts_l1f_out_block(f, TS_L1_FOLLOW_CONFIRMED, 0, b))
            return;
        f->told = next;
        f->unsures = 0;
        if (ts_l1f_line_at(f, next) == NULL)
            ts_l1f_line_reset(f, b);
        ts_l1f_line_trim(f);
        f->is_anchored = false;
        if (f->target != 0 && f->target <= f->told) { /* there: now the newest ones */
            f->target = 0;
            f->poll_us = f->now.mono_us;
        }
    }
}

void ts_l1f_tell_answer(struct ts_l1_follower *f, unsigned which, const struct ts_l1_answer *a)
{
    struct l1f_block b;
    uint64_t number = f->asks[which].call.number;
    const struct l1f_change *c = ts_l1f_list_next(f, number - 1);
    if (!ts_l1f_block_answer(f, which, a, &b))
        return;
    if (c != NULL && c->number == number && !ts_hash_equal(&c->hash, &b.hash)) {
        /* The logs were another fork's: from the last told block again. */
        ts_l1f_block_free(&b);
        ts_l1f_scan_cut(f, f->told);
        f->is_anchored = false;
        ts_l1f_failed(f, which, TS_E_L1_NONSENSE, "logs lie in a block that is not on L1's line");
    } else {
        ts_l1f_good(f, which);
        ts_l1f_block_free(&f->change);
        f->change = b;
    }
}

/* ---- lookups ---- */

void ts_l1f_lookup_add(struct ts_l1_follower *f, uint64_t token, uint64_t number)
{
    unsigned i = 0;
    while (i < TS_L1_MAX_LOOKUPS && f->lookups[i].is_used)
        i++;
    TS_CHECK(i < TS_L1_MAX_LOOKUPS);
    f->lookups[i] = (struct l1f_lookup){.is_used = true, .token = token, .number = number};
}

static void answer_lookup(struct ts_l1_follower *f, struct l1f_lookup *l, const struct l1f_block *b)
{
    if (!ts_l1f_out_has_room(f))
        ts_l1f_soon(f, 0);
    else if (ts_l1f_out_block(f, TS_L1_FOLLOW_BLOCK, l->token, b))
        l->is_used = false;
}

static bool is_asked_number(const struct ts_l1_follower *f, uint64_t number)
{
    for (unsigned i = L1F_LOOKUP; i < L1F_ASKS; i++)
        if (f->asks[i].state != L1F_IDLE && f->asks[i].call.number == number)
            return true;
    return false;
}

/* One of the slots; one that waits is for its own number. */
static void ask_lookup(struct ts_l1_follower *f, uint64_t number)
{
    for (unsigned i = L1F_LOOKUP; i < L1F_ASKS; i++) {
        bool is_own = f->asks[i].state == L1F_WAITING && f->asks[i].call.number == number;
        if (ts_l1f_may_ask(f, i) && (is_own || !is_asked_number(f, number))) {
            ts_l1f_ask_block(f, i, number);
            return;
        }
    }
}

void ts_l1f_lookups(struct ts_l1_follower *f)
{
    if (f->doubts > 0 || !f->is_linked)
        return;
    for (unsigned i = 0; i < TS_L1_MAX_LOOKUPS; i++) {
        struct l1f_lookup *l = &f->lookups[i];
        const struct l1f_block none = {.number = l->number};
        if (!l->is_used)
            continue;
        const struct l1f_block *b = ts_l1f_line_at(f, l->number);
        if (l->number < f->genesis->l1_number)
            answer_lookup(f, l, &none);
        else if (b != NULL && l->number <= f->sealed)
            answer_lookup(f, l, b);
        else if (b == NULL && l->number < f->told && f->is_known)
            ask_lookup(f, l->number);
    }
}

static void give_found(struct ts_l1_follower *f, unsigned which, const struct l1f_block *b)
{
    ts_l1f_good(f, which);
    for (unsigned i = 0; i < TS_L1_MAX_LOOKUPS; i++)
        if (f->lookups[i].is_used && f->lookups[i].number == b->number)
            answer_lookup(f, &f->lookups[i], b);
}

void ts_l1f_lookup_answer(struct ts_l1_follower *f, unsigned which, const struct ts_l1_answer *a)
{
    struct l1f_block b;
    uint64_t number = f->asks[which].call.number;
    const struct l1f_change *c = ts_l1f_list_next(f, number - 1);
    if (!ts_l1f_block_answer(f, which, a, &b))
        return;
    if ((c != NULL && c->number == number && !ts_hash_equal(&c->hash, &b.hash)) ||
        (number == f->genesis->l1_number && !ts_hash_equal(&b.hash, &f->genesis->l1_hash)))
        ts_l1f_failed(f, which, TS_E_L1_NONSENSE, "a confirmed block is not the one that it was");
    else
        give_found(f, which, &b);
    ts_l1f_block_free(&b);
}
