/* SPDX-License-Identifier: Apache-2.0 */
/* L1 for the core: what it asks is looked up by the follower, what that says is told to the core.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "codec/json.h"
#include "node/shell_internal.h"

#define SAVE_TOKEN UINT64_MAX /* the core's tokens count from 1 */

static void tell(struct ts_node_shell *s, enum ts_node_in kind, const struct ts_l1_block *b)
{
    nsh_input(s, &(struct ts_node_input){.kind = kind, .l1 = b});
}

/* When what L1 took back is not in the chain, the node goes on with what it has now. */
static void on_reorg(struct ts_node_shell *s, const struct ts_l1_block *b)
{
    struct ts_node_status st;
    tell(s, TS_NODE_IN_L1_REORG, b);
    ts_node_status_of(s->core, &st);
    if (!st.l1.is_halted)
        ts_follow_rollups_again(s->follow, st.rollups.checked, 0); /* other blocks */
}

static void on_output(void *ctx, const struct ts_l1_follow_output *o)
{
    struct ts_node_shell *s = ctx;
    TS_CHECK(!s->stepping); /* it comes from the loop: the core reads o itself */
    switch (o->kind) {
    case TS_L1_FOLLOW_CONFIRMED:
        tell(s, TS_NODE_IN_L1_CONFIRMED, &o->block);
        break;
    case TS_L1_FOLLOW_BLOCK:
        tell(s, TS_NODE_IN_L1_BLOCK, &o->block);
        break;
    case TS_L1_FOLLOW_REORG:
        on_reorg(s, &o->block);
        break;
    case TS_L1_FOLLOW_EVENT:
        TS_CHECK(o->level >= 0 && (size_t)o->level < TS_COUNT(s->events));
        s->events[o->level]++;
        break;
    case TS_L1_FOLLOW_ROLLUP:
        nsh_input(s, &(struct ts_node_input){.kind = TS_NODE_IN_ROLLUP, .rollup = o->rollup});
        break;
    case TS_L1_FOLLOW_ROLLBACK:
        nsh_input(s,
                  &(struct ts_node_input){.kind = TS_NODE_IN_ROLLBACK, .rollback = &o->rollback});
        break;
    case TS_L1_FOLLOW_CALL:
        break;
    }
}

static void on_final(void *ctx, uint64_t number)
{
    nsh_input(ctx, &(struct ts_node_input){.kind = TS_NODE_IN_L1_FINAL, .number = number});
}

/* What the follower has told of rollups is not told again after a start: so that is kept only when
 * all of it is checked and stored. */
static bool may_save(void *ctx)
{
    const struct ts_node_shell *s = ctx;
    struct ts_node_status st;
    ts_node_status_of(s->core, &st);
    return st.rollups.waiting == 0;
}

ts_err nsh_l1_open(struct ts_node_shell *s, char *why, size_t why_size)
{
    struct ts_follow_config c = {
        .loop = s->config.loop,
        .genesis = s->config.genesis,
        .url = s->config.l1_url,
        .store = s->store,
        .writer = s->writer,
        .save_token = SAVE_TOKEN,
        .on_output = on_output,
        .on_final = on_final,
        .may_save = may_save,
        .ctx = s,
    };
    struct ts_node_status st;
    if (c.url == NULL)
        return TS_OK;
    ts_l1_follow_settings_default(&c.settings);
    ts_node_status_of(s->core, &st);
    c.settings.confirmations = s->config.l1_confirmations;
    c.settings.wants_rollups = true;
    c.settings.rollups_above = st.rollups.checked;
    c.settings.rollups_from = st.rollups.checked_l1;
    return ts_follow_new(&c, &s->follow, why, why_size);
}

bool nsh_l1_stored(struct ts_node_shell *s, uint64_t token, ts_err err)
{
    if (token != SAVE_TOKEN)
        return false;
    if (s->follow != NULL)
        ts_follow_saved(s->follow, err);
    return true;
}

void nsh_l1_ask(struct ts_node_shell *s, uint64_t number)
{
    TS_CHECK(s->follow != NULL); /* the core was told that L1 is followed */
    ts_follow_lookup(s->follow, number, number);
}

void nsh_l1_forget(struct ts_node_shell *s, uint64_t number)
{
    if (s->follow != NULL)
        ts_follow_forget(s->follow, number, number);
}

void nsh_l1_rollups_again(struct ts_node_shell *s, uint64_t above, uint64_t from)
{
    if (s->follow != NULL)
        ts_follow_rollups_again(s->follow, above, from);
}

/* ---- what is told of it ---------------------------------------------------------------------- */

json_t *nsh_l1_json(const struct ts_node_shell *s, const struct ts_node_l1_status *l)
{
    struct ts_l1_status st;
    if (!l->is_needed)
        return json_null();
    if (s->follow == NULL)
        return json_pack("{s:b}", "followed", false);
    ts_follow_status(s->follow, &st);
    return json_pack("{s:b, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:s}", "followed", true, "node",
                     ts_follow_name(s->follow), "up", st.is_up, "latest", ts_json_u64(st.latest),
                     "confirmed", ts_json_u64(l->confirmed), "reference", ts_json_u64(l->reference),
                     "waitsFor", l->waits_for != 0 ? ts_json_u64(l->waits_for) : json_null(),
                     "waitsMs", ts_json_u64(l->waits_us / 1000), "reason",
                     l->reason[0] != '\0' ? l->reason : st.reason);
}

bool nsh_l1_is_up(const struct ts_node_shell *s)
{
    struct ts_l1_status st;
    if (s->follow == NULL)
        return false;
    ts_follow_status(s->follow, &st);
    return st.is_up;
}
