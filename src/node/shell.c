/* SPDX-License-Identifier: Apache-2.0 */
#include "node/shell.h"
#include "audit/record.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "node/shell_internal.h"

/* ---- opening --------------------------------------------------------------------------------- */

static void on_stored(void *ctx, uint64_t token, ts_err err, const char *why, uint64_t us)
{
    struct ts_node_shell *s = ctx;
    if (err != TS_OK)
        ts_log(TS_LOG_ERROR, "step-failed", "err=%s why=\"%s\"", ts_err_name((int)err), why);
    else
        nsh_note_step(s, us);
    if (nsh_l1_stored(s, token, err))
        return;
    nsh_input(s, &(struct ts_node_input){.kind = TS_NODE_IN_STORED, .token = token, .err = err});
}

static ts_err open_core(struct ts_node_shell *s)
{
    struct ts_node_start start = {
        .genesis = s->config.genesis,
        .genesis_raw = s->config.genesis_raw,
        .crypto = s->config.crypto,
        .engine = &ts_ledger_engine,
        .settings = s->config.settings,
        .name = NODE_CLIENT,
        .n_peers = s->config.n_peers,
        .has_enclave = s->config.enclave != NULL,
        .follows_l1 = s->config.l1_url != NULL,
    };
    if (uv_random(NULL, NULL, start.seed, sizeof(start.seed), 0, NULL) != 0)
        return TS_E_RANDOM;
    ts_map_init(&s->asked, sizeof(uint64_t), sizeof(struct asked), start.seed);
    return ts_node_new(&start, &s->core);
}

static ts_err open_engine(struct ts_node_shell *s)
{
    const uint64_t seed[2] = {0, 0}; /* the genesis is trusted: nobody chose it against the seed */
    ts_err err = ts_ledger_engine.open(s->config.genesis, s->config.crypto, seed, &s->engine);
    if (err == TS_OK)
        ts_ledger_engine.root(s->engine, &s->genesis_root);
    return err;
}

static ts_err open_timer(struct ts_node_shell *s)
{
    if (uv_timer_init(s->config.loop, &s->timer) != 0)
        return TS_E_IO;
    s->timer.data = s;
    s->has_timer = true;
    return TS_OK;
}

static ts_err open_writer(struct ts_node_shell *s)
{
    struct ts_writer_config c = {.store = s->store, .done = on_stored, .ctx = s};
    return ts_writer_new(s->config.loop, &c, &s->writer);
}

static ts_err feed_read(void *ctx, uint64_t from, uint64_t count, ts_store_batch_fn fn,
                        void *fn_ctx)
{
    struct ts_node_shell *s = ctx;
    return ts_store_committed(s->store, from, count, fn, fn_ctx);
}

/* One that cannot be read is left out: the others tell of it too. */
static void feed_evidence(void *ctx,
                          bool (*fn)(void *fn_ctx, const ts_hash *parent_root, ts_bytes raw),
                          void *fn_ctx)
{
    const struct ts_node_shell *s = ctx;
    ts_hash ids[TS_NODE_NEWEST_EVIDENCE];
    struct ts_record r;
    struct ts_arena arena;
    struct ts_buf b;
    bool more = true;
    size_t n = ts_node_newest_evidence(s->core, ids);
    ts_arena_init(&arena, 0);
    ts_buf_init(&b, 0);
    for (size_t i = 0; i < n && more; i++) {
        ts_arena_reset(&arena);
        ts_buf_reset(&b);
        if (ts_store_evidence(s->store, &ids[i], &b) == TS_OK &&
            ts_record_read(ts_buf_bytes(&b), &arena, &r) == TS_OK &&
            (r.kind == TS_RECORD_CONFLICT || r.kind == TS_RECORD_WHITELIST))
            more = fn(fn_ctx, &r.parent_root, r.batch);
    }
    ts_buf_free(&b);
    ts_arena_free(&arena);
}

static ts_err open_front(struct ts_node_shell *s, char *why, size_t why_size)
{
    const struct ts_head *head = &ts_node_chain(s->core)->head;
    struct ts_feed_server_config feed = {
        .genesis = s->config.genesis->hash,
        .name = NODE_CLIENT,
        .head_number = head->number,
        .head_hash = head->hash,
        .max_peers = s->config.max_feed_peers,
        .ctx = s,
        .read = feed_read,
        .evidence = feed_evidence,
        .on_tx = nsh_on_feed_tx,
        .on_batch = nsh_on_feed_batch,
    };
    struct ts_rpc_backend backend;
    struct ts_front_config c = {
        .listener = &s->config.listener,
        .feed = &feed,
        .backend = &backend,
        .on_get = nsh_on_get,
        .get_ctx = s,
    };
    nsh_backend(s, &backend);
    return ts_front_open(&s->front, s->config.loop, &c, why, why_size);
}

static ts_err open_hook(struct ts_node_shell *s)
{
    if (s->config.on_finding == NULL)
        return TS_OK;
    s->hook = ts_hook_new(s->config.loop, s->config.on_finding);
    return s->hook != NULL ? TS_OK : TS_E_NOMEM;
}

static ts_err open_all(struct ts_node_shell *s, char *why, size_t why_size)
{
    ts_err err = ts_store_open(s->config.store_path, &s->config.genesis->hash, "node", &s->store,
                               why, why_size);
    if (err == TS_OK)
        err = open_core(s);
    if (err == TS_OK)
        err = nsh_load(s, why, why_size);
    if (err == TS_OK)
        err = open_engine(s);
    if (err == TS_OK)
        err = open_timer(s);
    if (err == TS_OK)
        err = open_hook(s);
    if (err == TS_OK)
        err = open_writer(s);
    if (err == TS_OK)
        err = nsh_l1_open(s, why, why_size);
    if (err == TS_OK)
        err = open_front(s, why, why_size);
    return err;
}

ts_err ts_node_shell_new(const struct ts_node_shell_config *config, struct ts_node_shell **out,
                         char *why, size_t why_size)
{
    TS_CHECK(config->n_peers <= TS_NODE_MAX_PEERS && why_size > 0);
    why[0] = '\0';
    struct ts_node_shell *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        (void)snprintf(why, why_size, "out of memory");
        return TS_E_NOMEM;
    }
    s->config = *config;
    s->queue_end = &s->queue;
    s->started_us = uv_hrtime() / 1000;
    for (unsigned i = 0; i < config->n_peers; i++)
        s->feeds[i] = (struct feed_slot){.shell = s, .link = i};
    s->metrics = nsh_metrics_new();
    ts_err err = s->metrics != NULL ? open_all(s, why, why_size) : TS_E_NOMEM;
    if (err != TS_OK) {
        if (why[0] == '\0')
            (void)snprintf(why, why_size, "the node cannot start: %s", ts_err_text((int)err));
        nsh_close(s);
        (void)uv_run(config->loop, UV_RUN_DEFAULT);
        ts_node_shell_free(s);
        return err;
    }
    struct ts_node_outputs first;
    ts_node_begin(s->core, nsh_now(), &first);
    nsh_carry_out(s, &first);
    *out = s;
    return TS_OK;
}

uint16_t ts_node_shell_port(const struct ts_node_shell *s)
{
    return ts_server_port(s->front.server);
}

uint64_t ts_node_shell_head(const struct ts_node_shell *s)
{
    struct ts_node_status st;
    ts_node_status_of(s->core, &st);
    return st.head.number;
}

ts_err ts_node_shell_result(const struct ts_node_shell *s)
{
    return s->result;
}

/* ---- ending ---------------------------------------------------------------------------------- */

void nsh_close(struct ts_node_shell *s)
{
    if (s->closing)
        return;
    s->closing = true;
    nsh_fail_calls(s);
    nsh_close_links(s);
    if (s->has_timer)
        uv_close((uv_handle_t *)&s->timer, NULL);
    s->has_timer = false;
    ts_follow_close(s->follow);
    s->follow = NULL;
    ts_hook_close(s->hook);
    s->hook = NULL;
    if (s->writer != NULL)
        ts_writer_close(s->writer); /* what was submitted is durable when this returns */
    s->writer = NULL;
    ts_front_close(&s->front);
}

void ts_node_shell_stop(struct ts_node_shell *s)
{
    if (s->stopping) {
        nsh_close(s);
        return;
    }
    nsh_input(s, &(struct ts_node_input){.kind = TS_NODE_IN_STOP});
    s->stopping = true;
}

void ts_node_shell_free(struct ts_node_shell *s)
{
    if (s == NULL)
        return;
    TS_CHECK(s->front.server == NULL && s->writer == NULL);
    nsh_drop_queue(s);
    ts_node_free(s->core);
    if (s->engine != NULL)
        ts_ledger_engine.close(s->engine);
    if (s->store != NULL)
        ts_store_close(s->store);
    ts_metrics_free(s->metrics);
    ts_map_free(&s->asked);
    free(s);
}
