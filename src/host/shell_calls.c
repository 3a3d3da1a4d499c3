/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the core that it answers by a token, and who asks them. */
#include <stdlib.h>

#include "base/check.h"
#include "host/shell_internal.h"

#define NO_CALL UINT32_MAX

static bool grow(struct ts_shell *s)
{
    uint32_t cap = s->cap_calls > 0 ? s->cap_calls * 2 : 256;
    struct call_slot *more = realloc(s->calls, cap * sizeof(*more));
    if (more == NULL)
        return false;
    for (uint32_t i = s->cap_calls; i < cap; i++)
        more[i] = (struct call_slot){.next_free = i + 1 < cap ? i + 1 : NO_CALL};
    s->free_call = s->cap_calls;
    s->calls = more;
    s->cap_calls = cap;
    return true;
}

void shell_ask(struct ts_shell *s, struct ts_host_input *in,
               void (*done)(struct ts_shell *s, void *ctx, const struct ts_host_output *reply),
               void *ctx)
{
    struct ts_host_output no = {.kind = TS_OUT_REPLY, .err = TS_E_CLOSED};
    no.text = "the host is ending";
    if (s->stopping || s->closing) {
        done(s, ctx, &no);
        return;
    }
    if (s->n_calls == s->cap_calls && !grow(s)) {
        no.err = TS_E_NOMEM;
        no.text = NULL;
        done(s, ctx, &no);
        return;
    }
    uint32_t i = s->free_call;
    struct call_slot *c = &s->calls[i];
    s->free_call = c->next_free;
    s->n_calls++;
    c->done = done;
    c->ctx = ctx;
    c->serial++;
    in->token = (uint64_t)c->serial << 32 | i;
    shell_input(s, in);
}

static void answer(struct ts_shell *s, uint32_t i, const struct ts_host_output *o)
{
    struct call_slot c = s->calls[i];
    s->calls[i].done = NULL;
    s->calls[i].ctx = NULL;
    s->calls[i].next_free = s->free_call;
    s->free_call = i;
    s->n_calls--;
    c.done(s, c.ctx, o);
}

void shell_on_reply(struct ts_shell *s, const struct ts_host_output *o)
{
    uint32_t i = (uint32_t)o->token;
    TS_CHECK(i < s->cap_calls && s->calls[i].done != NULL);
    TS_CHECK(s->calls[i].serial == o->token >> 32); /* answered twice */
    answer(s, i, o);
}

void shell_fail_calls(struct ts_shell *s, ts_err err, const char *text)
{
    struct ts_host_output o = {.kind = TS_OUT_REPLY, .err = err, .text = text};
    for (uint32_t i = 0; i < s->cap_calls; i++) {
        if (s->calls[i].done != NULL)
            answer(s, i, &o);
    }
}

/* ---- the backend of JSON-RPC ----------------------------------------------------------------- */

/* What shell_ask remembers of a question of the API. */
struct asked {
    ts_rpc_done done;
    void *ctx;
};

static void on_answer(struct ts_shell *s, void *ctx, const struct ts_host_output *o)
{
    (void)s;
    struct asked a = *(struct asked *)ctx;
    free(ctx);
    a.done(a.ctx, o->err, o->bytes, o->text);
}

static void ask(struct ts_shell *s, struct ts_host_input *in, ts_rpc_done done, void *ctx)
{
    struct asked *a = malloc(sizeof(*a));
    if (a == NULL) {
        done(ctx, TS_E_NOMEM, ts_bytes_of(NULL, 0), NULL);
        return;
    }
    *a = (struct asked){.done = done, .ctx = ctx};
    shell_ask(s, in, on_answer, a);
}

static void backend_query(void *ctx, enum ts_query_kind kind, ts_bytes arg, ts_rpc_done done,
                          void *done_ctx)
{
    struct ts_host_input in = {.kind = TS_IN_QUERY, .query_kind = kind, .bytes = arg};
    ask(ctx, &in, done, done_ctx);
}

static void backend_send_tx(void *ctx, ts_bytes raw, ts_rpc_done done, void *done_ctx)
{
    struct ts_host_input in = {.kind = TS_IN_TX, .bytes = raw};
    ask(ctx, &in, done, done_ctx);
}

static const struct ts_chain *backend_chain(void *ctx)
{
    const struct ts_shell *s = ctx;
    return ts_host_chain(s->core);
}

static bool backend_pending_nonce(void *ctx, const ts_address *sender, uint64_t *nonce)
{
    const struct ts_shell *s = ctx;
    return ts_host_pending_nonce(s->core, sender, nonce);
}

static bool backend_pending_tx(void *ctx, const ts_hash *hash, ts_bytes *raw)
{
    const struct ts_shell *s = ctx;
    return ts_host_pending_tx(s->core, hash, raw);
}

void shell_backend(struct ts_shell *s, struct ts_rpc_backend *out)
{
    *out = (struct ts_rpc_backend){
        .ctx = s,
        .loop = s->config.loop,
        .client = "tenseq-host/" TS_VERSION,
        .genesis = s->config.genesis,
        .crypto = s->config.crypto,
        .store = s->store,
        .chain = backend_chain,
        .query = backend_query,
        .send_tx = backend_send_tx,
        .pending_nonce = backend_pending_nonce,
        .pending_tx = backend_pending_tx,
        .health = shell_health,
    };
}

/* ---- the feed -------------------------------------------------------------------------------- */

struct ticket {
    uint64_t number;
};

static void on_feed_answer(struct ts_shell *s, void *ctx, const struct ts_host_output *o)
{
    struct ticket t = *(struct ticket *)ctx;
    free(ctx);
    if (s->front.feed != NULL)
        ts_feed_server_accepted(s->front.feed, t.number, o->err, o->text);
}

void shell_on_feed_tx(void *ctx, uint64_t number, ts_bytes raw)
{
    struct ts_shell *s = ctx;
    struct ticket *t = malloc(sizeof(*t));
    if (t == NULL) {
        ts_feed_server_accepted(s->front.feed, number, TS_E_NOMEM, NULL);
        return;
    }
    t->number = number;
    struct ts_host_input in = {.kind = TS_IN_TX, .bytes = raw};
    shell_ask(s, &in, on_feed_answer, t);
}
