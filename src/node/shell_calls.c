/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the core that it answers by a token, and who asks them. */
#include <string.h>

#include "base/check.h"
#include "node/shell_internal.h"

#define MAX_ASKED 65536u

/* done is called exactly once, perhaps before this returns. */
static void ask(struct ts_node_shell *s, struct ts_node_input *in, const struct asked *a)
{
    struct ts_node_output no = {.kind = TS_NODE_OUT_REPLY, .err = TS_E_CLOSED};
    uint64_t token = ++s->next_token;
    no.text = "the node is stopping";
    if (s->stopping || s->closing) {
        a->done(s, a, &no);
        return;
    }
    void *value = s->asked.n < MAX_ASKED ? ts_map_put(&s->asked, &token, NULL) : NULL;
    if (value == NULL) {
        no.err = TS_E_BUSY;
        no.text = "too many requests wait; try again";
        a->done(s, a, &no);
        return;
    }
    memcpy(value, a, sizeof(*a));
    in->token = token;
    nsh_input(s, in);
}

void nsh_on_reply(struct ts_node_shell *s, const struct ts_node_output *o)
{
    struct asked a;
    const void *value = ts_map_get(&s->asked, &o->token);
    TS_CHECK(value != NULL); /* answered twice, or never asked */
    memcpy(&a, value, sizeof(a));
    ts_map_remove(&s->asked, &o->token);
    a.done(s, &a, o);
}

void nsh_fail_calls(struct ts_node_shell *s)
{
    struct ts_node_output no = {.kind = TS_NODE_OUT_REPLY, .err = TS_E_CLOSED};
    no.text = "the node is stopping";
    while (s->asked.n > 0) {
        size_t at = 0;
        void *value;
        struct asked a;
        const void *token = ts_map_next(&s->asked, &at, &value);
        uint64_t copy;
        memcpy(&copy, token, sizeof(copy));
        memcpy(&a, value, sizeof(a));
        ts_map_remove(&s->asked, &copy);
        a.done(s, &a, &no);
    }
}

/* ---- the backend of JSON-RPC ----------------------------------------------------------------- */

static void rpc_answer(struct ts_node_shell *s, const struct asked *a,
                       const struct ts_node_output *o)
{
    (void)s;
    a->rpc_done(a->ctx, o->err, o->bytes, o->text);
}

/* What depends on a transaction's bytes alone, the node tells without an enclave. */
static bool is_pure(enum ts_query_kind kind)
{
    return kind == TS_QUERY_TRANSACTION || kind == TS_QUERY_RECEIPTS || kind == TS_QUERY_ESTIMATE;
}

static void answer_here(struct ts_node_shell *s, enum ts_query_kind kind, ts_bytes arg,
                        ts_rpc_done done, void *ctx)
{
    struct ts_buf out;
    ts_buf_init(&out, 0);
    ts_err err = ts_ledger_engine.query(s->engine, kind, arg, &out);
    if (err == TS_OK)
        err = out.err;
    done(ctx, err, err == TS_OK ? ts_buf_bytes(&out) : (ts_bytes){0}, NULL);
    ts_buf_free(&out);
}

static void backend_query(void *ctx, enum ts_query_kind kind, ts_bytes arg, ts_rpc_done done,
                          void *done_ctx)
{
    struct ts_node_shell *s = ctx;
    struct ts_node_status st;
    ts_node_status_of(s->core, &st);
    if (is_pure(kind) && st.enclave.state != TS_NODE_ENC_VALIDATING) {
        answer_here(s, kind, arg, done, done_ctx);
        return;
    }
    struct ts_node_input in = {.kind = TS_NODE_IN_QUERY, .query_kind = kind, .bytes = arg};
    ask(s, &in, &(struct asked){.done = rpc_answer, .rpc_done = done, .ctx = done_ctx});
}

static void backend_send_tx(void *ctx, ts_bytes raw, ts_rpc_done done, void *done_ctx)
{
    struct ts_node_input in = {.kind = TS_NODE_IN_TX, .bytes = raw};
    ask(ctx, &in, &(struct asked){.done = rpc_answer, .rpc_done = done, .ctx = done_ctx});
}

static void backend_settle(void *ctx, ts_rpc_done done, void *done_ctx)
{
    struct ts_node_input in = {.kind = TS_NODE_IN_SETTLE};
    ask(ctx, &in, &(struct asked){.done = rpc_answer, .rpc_done = done, .ctx = done_ctx});
}

/* Blocks are shown once they are durable; the core's chain may be a moment ahead of that. */
static const struct ts_chain *backend_chain(void *ctx)
{
    struct ts_node_shell *s = ctx;
    struct ts_node_status st;
    ts_node_status_of(s->core, &st);
    s->view = *ts_node_chain(s->core);
    s->view.head = st.head;
    return &s->view;
}

static bool backend_syncing(void *ctx, uint64_t *highest)
{
    struct ts_node_shell *s = ctx;
    struct ts_node_status st;
    ts_node_status_of(s->core, &st);
    *highest = st.target;
    return st.is_catching_up;
}

static const struct ts_audit *backend_audit(void *ctx)
{
    const struct ts_node_shell *s = ctx;
    return ts_node_audit(s->core);
}

static const struct ts_timeline *backend_timeline(void *ctx)
{
    const struct ts_node_shell *s = ctx;
    return ts_node_timeline(s->core);
}

static bool backend_rollups(void *ctx, uint64_t *l1_final)
{
    struct ts_node_shell *s = ctx;
    struct ts_node_status st;
    ts_node_status_of(s->core, &st);
    *l1_final = st.rollups.l1_final;
    return st.l1.is_followed;
}

/* With an L1 the tags mean what it says; without one the head is as good as it gets. */
static uint64_t backend_finality(void *ctx, enum ts_block_kind kind)
{
    struct ts_node_shell *s = ctx;
    struct ts_node_status st;
    ts_node_status_of(s->core, &st);
    if (!st.l1.is_needed)
        return st.head.number;
    return kind == TS_BLOCK_FINALIZED ? st.rollups.final : st.rollups.published;
}

void nsh_backend(struct ts_node_shell *s, struct ts_rpc_backend *out)
{
    *out = (struct ts_rpc_backend){
        .ctx = s,
        .loop = s->config.loop,
        .client = NODE_CLIENT,
        .genesis = s->config.genesis,
        .genesis_state_root = s->genesis_root,
        .crypto = s->config.crypto,
        .store = s->store,
        .chain = backend_chain,
        .syncing = backend_syncing,
        .audit = backend_audit,
        .settle = backend_settle,
        .timeline = backend_timeline,
        .assess_params = &s->config.assess,
        .finality = backend_finality,
        .rollups = backend_rollups,
        .query = backend_query,
        .send_tx = backend_send_tx,
        .health = nsh_health,
    };
}

/* ---- the feed -------------------------------------------------------------------------------- */

static void feed_answer(struct ts_node_shell *s, const struct asked *a,
                        const struct ts_node_output *o)
{
    if (s->front.feed != NULL)
        ts_feed_server_accepted(s->front.feed, a->ticket, o->err, o->text);
}

void nsh_on_feed_tx(void *ctx, uint64_t ticket, ts_bytes raw)
{
    struct ts_node_input in = {.kind = TS_NODE_IN_TX, .bytes = raw, .is_relay = true};
    ask(ctx, &in, &(struct asked){.done = feed_answer, .ticket = ticket});
}

void nsh_on_feed_batch(void *ctx, uint64_t peer, ts_bytes raw)
{
    nsh_input(ctx, &(struct ts_node_input){.kind = TS_NODE_IN_BATCH, .peer = peer, .bytes = raw});
}
