/* SPDX-License-Identifier: Apache-2.0 */
#include "l1/follower.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "l1/follower_internal.h"

void ts_l1_follow_settings_default(struct ts_l1_follow_settings *s)
{
    *s = (struct ts_l1_follow_settings){
        .confirmations = 2,
        .poll_us = 1000000,
        .answer_us = 10000000,
        .retry_max_us = 15000000,
        .log_blocks = 2000,
    };
}

static void set_topics(struct ts_l1_follower *f)
{
    ts_l1_event_topic(TS_L1_GRANTED, &f->topics[0]);
    ts_l1_event_topic(TS_L1_REVOKED, &f->topics[1]);
    ts_l1_event_topic(TS_L1_PUBLISHED, &f->topics[2]);
    ts_l1_event_topic(TS_L1_ROLLED_BACK, &f->topics[3]);
    f->n_topics = f->s.wants_rollups ? 4 : 2;
}

ts_err ts_l1_follower_new(const struct ts_genesis *genesis,
                          const struct ts_l1_follow_settings *settings, struct ts_l1_follower **out)
{
    if (genesis->l1_chain_id == 0)
        return TS_E_UNSUPPORTED;
    if (settings->confirmations > TS_L1_MAX_CONFIRMATIONS || settings->poll_us == 0 ||
        settings->answer_us == 0 || settings->retry_max_us == 0 || settings->log_blocks == 0)
        return TS_E_RANGE;
    struct ts_l1_follower *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return TS_E_NOMEM;
    f->genesis = genesis;
    f->s = *settings;
    f->next_id = 1;
    f->chunk = settings->log_blocks;
    f->told = f->sealed = f->scanned = genesis->l1_number;
    f->list.n = genesis->n_whitelist;
    if (f->list.n > 0)
        memcpy(f->list.a, genesis->whitelist, f->list.n * sizeof(f->list.a[0]));
    set_topics(f);
    ts_arena_init(&f->step, 0);
    ts_buf_init(&f->genesis_hash_call, 0);
    ts_l1_put_genesis_hash(&f->genesis_hash_call);
    if (f->genesis_hash_call.err != TS_OK) {
        ts_l1_follower_free(f);
        return TS_E_NOMEM;
    }
    *out = f;
    return TS_OK;
}

void ts_l1_follower_free(struct ts_l1_follower *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->n_line; i++)
        ts_l1f_block_free(&f->line[i]);
    for (size_t i = 0; i < f->n_fresh; i++)
        ts_l1f_block_free(&f->fresh[i]);
    ts_l1f_block_free(&f->seal);
    ts_l1f_block_free(&f->change);
    free(f->changes);
    free(f->pending);
    ts_buf_free(&f->genesis_hash_call);
    ts_arena_free(&f->step);
    free(f);
}

/* What there is to ask and to tell now. */
static void plan(struct ts_l1_follower *f)
{
    if (!f->is_known) {
        ts_l1f_identity_plan(f);
    } else {
        ts_l1f_tell(f);
        ts_l1f_line_plan(f);
        ts_l1f_scan_plan(f);
        ts_l1f_rollup_plan(f);
    }
    ts_l1f_lookups(f);
}

static uint64_t wake_of(const struct ts_l1_follower *f)
{
    uint64_t wake = ts_l1f_ask_wake(f);
    if (f->soon_us != 0 && f->soon_us < wake)
        wake = f->soon_us;
    if (f->is_known && f->asks[L1F_LATEST].state == L1F_IDLE && f->poll_us < wake)
        wake = f->poll_us;
    return f->is_over ? UINT64_MAX : wake;
}

void ts_l1_follower_step(struct ts_l1_follower *f, struct ts_now now,
                         const struct ts_l1_follow_input *in, struct ts_l1_follow_outputs *out)
{
    if (now.mono_us < f->now.mono_us)
        now.mono_us = f->now.mono_us;
    f->now = now;
    /* Ids are not those of a follower before this one, whose answers may still come. */
    if (f->next_id == 1)
        f->next_id += now.mono_us;
    ts_l1f_out_reset(f);
    if (!f->is_over) {
        if (in->kind == TS_L1_FOLLOW_ANSWER)
            ts_l1f_answer(f, in->answer);
        else if (in->kind == TS_L1_FOLLOW_LOOKUP)
            ts_l1f_lookup_add(f, in->token, in->number);
        ts_l1f_ask_tick(f);
    }
    if (!f->is_over)
        plan(f);
    *out = (struct ts_l1_follow_outputs){.out = f->out, .n = f->n_out, .wake_us = wake_of(f)};
}

void ts_l1_follower_status(const struct ts_l1_follower *f, struct ts_l1_status *out)
{
    bool is_up = f->is_known && f->is_good && !f->is_over;
    *out = (struct ts_l1_status){
        .is_up = is_up,
        .is_stopped = f->is_over || f->is_wrong,
        .latest = f->latest,
        .confirmed = f->told,
        .since_us = f->good_us,
        .rollups = f->rollups,
        .waiting = ts_l1f_rollups_waiting(f),
        .unreadable = f->unreadable,
        .nonsense = f->nonsense,
        .late = f->late,
        .reason = is_up                  ? ""
                  : f->is_over           ? "L1 went back behind its confirmations"
                  : f->reason[0] == '\0' ? "the L1 node has not answered yet"
                                         : f->reason,
    };
}
