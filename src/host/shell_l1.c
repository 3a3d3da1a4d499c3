/* SPDX-License-Identifier: Apache-2.0 */
/* L1 for the core: what it asks is looked up by the follower, and what that says is told to the
 * core. */
#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/log.h"
#include "codec/json.h"
#include "host/shell_internal.h"

#define SAVE_TOKEN UINT64_MAX /* the core's tokens count from 1 */

static void tell(struct ts_shell *s, enum ts_host_in kind, const struct ts_l1_block *b,
                 bool is_newest)
{
    struct ts_host_input in = {.kind = kind, .l1 = b, .is_newest = is_newest};
    shell_input(s, &in);
}

/* When what L1 took back is named by no batch, the host goes on with what it has now. */
static void on_reorg(struct ts_shell *s, const struct ts_l1_block *b)
{
    struct ts_host_status st;
    tell(s, TS_IN_L1_REORG, b, false);
    ts_host_status_of(s->core, &st);
    if (!st.l1_is_halted && s->follow != NULL)
        ts_follow_again(s->follow);
}

static void on_output(void *ctx, const struct ts_l1_follow_output *o)
{
    struct ts_shell *s = ctx;
    TS_CHECK(!s->stepping); /* it comes from the loop: the core reads o itself */
    switch (o->kind) {
    case TS_L1_FOLLOW_CONFIRMED:
        tell(s, TS_IN_L1_BLOCK, &o->block, true);
        break;
    case TS_L1_FOLLOW_BLOCK:
        tell(s, TS_IN_L1_BLOCK, &o->block, false);
        break;
    case TS_L1_FOLLOW_REORG:
        on_reorg(s, &o->block);
        break;
    case TS_L1_FOLLOW_EVENT:
        TS_CHECK(o->level >= 0 && (size_t)o->level < TS_COUNT(s->events));
        s->events[o->level]++;
        break;
    case TS_L1_FOLLOW_ROLLUP:
        shell_input(s, &(struct ts_host_input){.kind = TS_IN_ROLLUP, .rollup = &o->rollup->rollup});
        break;
    case TS_L1_FOLLOW_ROLLBACK:
        shell_input(s, &(struct ts_host_input){.kind = TS_IN_ROLLBACK, .rollback = &o->rollback});
        break;
    case TS_L1_FOLLOW_CALL:
        break;
    }
}

static ts_err must_follow(const struct ts_shell *s, char *why, size_t why_size)
{
    const struct ts_genesis *g = s->config.genesis;
    if (g->l1_chain_id != 0 && s->config.l1_url == NULL)
        (void)snprintf(why, why_size,
                       "the genesis names L1 chain %" PRIu64
                       ": the host needs --l1 URL, a node of it",
                       g->l1_chain_id);
    else if (g->l1_chain_id == 0 && s->config.l1_url != NULL)
        (void)snprintf(why, why_size, "l1: the genesis names no L1, so none is followed");
    else
        return TS_OK;
    return TS_E_USAGE;
}

/* Rollups that the follower has told are not told again after a start: what it knows is kept only
 * when the core has them on disk. */
static bool may_save(void *ctx)
{
    const struct ts_shell *s = ctx;
    struct ts_host_status st;
    ts_host_status_of(s->core, &st);
    return st.rolled_up_is_stored;
}

ts_err shell_l1_open(struct ts_shell *s, char *why, size_t why_size)
{
    struct ts_follow_config c = {
        .loop = s->config.loop,
        .genesis = s->config.genesis,
        .url = s->config.l1_url,
        .store = s->store,
        .writer = s->writer,
        .save_token = SAVE_TOKEN,
        .on_output = on_output,
        .may_save = may_save,
        .ctx = s,
    };
    ts_err err = must_follow(s, why, why_size);
    if (err != TS_OK || c.url == NULL)
        return err;
    ts_l1_follow_settings_default(&c.settings);
    c.settings.confirmations = s->config.l1_confirmations;
    c.settings.wants_rollups = s->config.settings.publishes;
    return ts_follow_new(&c, &s->follow, why, why_size);
}

bool shell_l1_stored(struct ts_shell *s, uint64_t token, ts_err err)
{
    if (token != SAVE_TOKEN)
        return false;
    if (s->follow != NULL)
        ts_follow_saved(s->follow, err);
    return true;
}

void shell_l1_ask(struct ts_shell *s, uint64_t number)
{
    TS_CHECK(s->follow != NULL); /* only with an L1 in the genesis does the core ask */
    ts_follow_lookup(s->follow, number, number);
}

json_t *shell_l1_json(const struct ts_shell *s)
{
    struct ts_l1_status st;
    struct ts_host_status host;
    if (s->follow == NULL)
        return json_null();
    ts_follow_status(s->follow, &st);
    ts_host_status_of(s->core, &host);
    return json_pack("{s:s, s:b, s:o, s:o, s:o, s:s}", "node", ts_follow_name(s->follow), "up",
                     st.is_up, "latest", ts_json_u64(st.latest), "confirmed",
                     ts_json_u64(host.l1_newest), "reference", ts_json_u64(host.head.l1_number),
                     "reason", host.l1_fault[0] != '\0' ? host.l1_fault : st.reason);
}

bool shell_l1_is_up(const struct ts_shell *s)
{
    struct ts_l1_status st;
    if (s->follow == NULL)
        return false;
    ts_follow_status(s->follow, &st);
    return st.is_up;
}
