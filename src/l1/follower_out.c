/* SPDX-License-Identifier: Apache-2.0 */
/* The outputs of one step. Their number is bounded by what makes them, so that the array never
 * fails; headers and whitelists are copied, and when there is no memory for that it is tried again.
 */
#include <stdarg.h>
#include <string.h>

#include "base/check.h"
#include "l1/follower_internal.h"

/* Kept for calls and events, which cannot wait. */
#define SPARE (L1F_ASKS + L1F_EVENTS + 4)

void ts_l1f_out_reset(struct ts_l1_follower *f)
{
    f->n_out = 0;
    f->n_texts = 0;
    f->soon_us = 0;
    ts_arena_reset(&f->step);
}

struct ts_l1_follow_output *ts_l1f_out(struct ts_l1_follower *f, enum ts_l1_follow_out kind)
{
    TS_CHECK(f->n_out < L1F_OUTPUTS);
    struct ts_l1_follow_output *o = &f->out[f->n_out++];
    *o = (struct ts_l1_follow_output){.kind = kind};
    return o;
}

bool ts_l1f_out_has_room(const struct ts_l1_follower *f)
{
    return f->n_out + SPARE < L1F_OUTPUTS;
}

/* What came in from the node may stand in it: escaped here. */
void ts_l1f_event(struct ts_l1_follower *f, int level, const char *event, const char *format, ...)
{
    if (f->n_texts == L1F_EVENTS)
        return;
    char *text = f->texts[f->n_texts++];
    va_list args;
    va_start(args, format);
    (void)ts_log_pairs(format, args, text, TS_LOG_PAIRS_MAX);
    va_end(args);
    struct ts_l1_follow_output *o = ts_l1f_out(f, TS_L1_FOLLOW_EVENT);
    o->level = level;
    o->event = event;
    o->text = text;
}

bool ts_l1f_out_block(struct ts_l1_follower *f, enum ts_l1_follow_out kind, uint64_t token,
                      const struct l1f_block *b)
{
    struct l1f_list list = {.n = 0};
    if (kind != TS_L1_FOLLOW_REORG && b->header != NULL)
        ts_l1f_list_at(f, b->number, &list);
    uint8_t *header = ts_arena_alloc(&f->step, b->n_header);
    ts_address *who = ts_arena_array(&f->step, list.n, sizeof(*who));
    if (header == NULL || who == NULL) {
        ts_l1f_soon(f, L1F_FIRST_RETRY);
        return false;
    }
    if (b->header != NULL)
        memcpy(header, b->header, b->n_header);
    memcpy(who, list.a, list.n * sizeof(*who));
    struct ts_l1_follow_output *o = ts_l1f_out(f, kind);
    o->token = token;
    o->block = (struct ts_l1_block){
        .number = b->number,
        .hash = b->hash,
        .time = b->time,
        .header = ts_bytes_of(header, b->n_header),
        .whitelist = who,
        .n_whitelist = list.n,
    };
    return true;
}

void ts_l1f_soon(struct ts_l1_follower *f, uint64_t in_us)
{
    uint64_t at = f->now.mono_us + in_us;
    if (f->soon_us == 0 || at < f->soon_us)
        f->soon_us = at;
}
