/* SPDX-License-Identifier: Apache-2.0 */
#include "host/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "host/shell_internal.h"

/* ---- opening --------------------------------------------------------------------------------- */

static void on_timer(uv_poll_t *timer, int status, int events)
{
    struct ts_shell *s = timer->data;
    uint64_t expired = 0;
    (void)events;
    if (status != 0 || read(s->timer_fd, &expired, sizeof(expired)) != sizeof(expired))
        return;
    s->armed_us = UINT64_MAX; /* it has fired */
    struct ts_host_input in = {.kind = TS_IN_TICK};
    shell_input(s, &in);
}

static ts_err open_timer(struct ts_shell *s)
{
    s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (s->timer_fd < 0)
        return TS_E_IO;
    if (uv_poll_init(s->config.loop, &s->timer, s->timer_fd) != 0) {
        (void)close(s->timer_fd);
        return TS_E_IO;
    }
    s->timer.data = s;
    s->has_timer = true;
    s->armed_us = UINT64_MAX;
    return uv_poll_start(&s->timer, UV_READABLE, on_timer) == 0 ? TS_OK : TS_E_IO;
}

static void on_stored(void *ctx, uint64_t token, ts_err err, const char *why, uint64_t us)
{
    struct ts_shell *s = ctx;
    if (err != TS_OK)
        ts_log(TS_LOG_ERROR, "store-failed", "err=%s why=\"%s\"", ts_err_name((int)err), why);
    else
        shell_note_step(s, us);
    if (shell_l1_stored(s, token, err))
        return;
    struct ts_host_input in = {.kind = TS_IN_STORED, .token = token, .err = err};
    shell_input(s, &in);
}

static ts_err open_core(struct ts_shell *s)
{
    struct ts_host_start start = {
        .genesis = s->config.genesis,
        .genesis_raw = s->config.genesis_raw,
        .crypto = s->config.crypto,
        .engine = &ts_ledger_engine,
        .settings = s->config.settings,
        .n_links = s->config.n_links,
    };
    if (getrandom(start.seed, sizeof(start.seed), 0) != (ssize_t)sizeof(start.seed))
        return TS_E_RANDOM;
    return ts_host_new(&start, &s->core);
}

static ts_err open_writer(struct ts_shell *s)
{
    struct ts_writer_config c = {.store = s->store, .done = on_stored, .ctx = s};
    return ts_writer_new(s->config.loop, &c, &s->writer);
}

static ts_err feed_read(void *ctx, uint64_t from, uint64_t count, ts_store_batch_fn fn,
                        void *fn_ctx)
{
    struct ts_shell *s = ctx;
    return ts_store_committed(s->store, from, count, fn, fn_ctx);
}

/* The state root of an empty chain stands in no batch; the engine knows it. */
static ts_err genesis_root(struct ts_shell *s, ts_hash *out)
{
    struct ts_engine *e = NULL;
    const uint64_t seed[2] = {0, 0}; /* the genesis is trusted: nobody chose it against the seed */
    ts_err err = ts_ledger_engine.open(s->config.genesis, s->config.crypto, seed, &e);
    if (err != TS_OK)
        return err;
    ts_ledger_engine.root(e, out);
    ts_ledger_engine.close(e);
    return TS_OK;
}

static ts_err open_front(struct ts_shell *s, char *why, size_t why_size)
{
    const struct ts_head *head = &ts_host_chain(s->core)->head;
    struct ts_feed_server_config feed = {
        .genesis = s->config.genesis->hash,
        .name = "tenseq-host/" TS_VERSION,
        .head_number = head->number,
        .head_hash = head->hash,
        .ctx = s,
        .read = feed_read,
        .on_tx = shell_on_feed_tx,
    };
    struct ts_rpc_backend backend;
    struct ts_front_config c = {
        .listener = &s->config.listener,
        .feed = &feed,
        .backend = &backend,
        .methods = shell_methods,
        .n_methods = shell_n_methods,
        .on_get = shell_on_get,
        .get_ctx = s,
    };
    shell_backend(s, &backend);
    ts_err err = genesis_root(s, &backend.genesis_state_root);
    if (err != TS_OK)
        return err;
    return ts_front_open(&s->front, s->config.loop, &c, why, why_size);
}

static ts_err open_all(struct ts_shell *s, char *why, size_t why_size)
{
    ts_err err = ts_store_open(s->config.store_path, &s->config.genesis->hash, "host", &s->store,
                               why, why_size);
    if (err == TS_OK)
        err = open_core(s);
    if (err == TS_OK)
        err = shell_load(s, why, why_size);
    if (err == TS_OK)
        err = open_timer(s);
    if (err == TS_OK)
        err = open_writer(s);
    if (err == TS_OK)
        err = shell_l1_open(s, why, why_size);
    if (err == TS_OK)
        err = shell_submit_open(s, why, why_size);
    if (err == TS_OK)
        err = open_front(s, why, why_size);
    return err;
}

static void begin(struct ts_shell *s)
{
    struct ts_host_outputs out;
    s->begun = true;
    ts_host_begin(s->core, shell_now(), &out);
    shell_carry_out(s, &out);
}

ts_err ts_shell_new(const struct ts_shell_config *config, struct ts_shell **out, char *why,
                    size_t why_size)
{
    TS_CHECK(config->n_links > 0 && config->n_links <= TS_HOST_MAX_ENCLAVES && why_size > 0);
    why[0] = '\0';
    struct ts_shell *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        (void)snprintf(why, why_size, "out of memory");
        return TS_E_NOMEM;
    }
    s->config = *config;
    s->queue_end = &s->queue;
    s->timer_fd = -1;
    for (unsigned i = 0; i < config->n_links; i++)
        s->links[i] = (struct link_slot){.shell = s, .index = i};
    s->metrics = shell_metrics_new();
    ts_err err = s->metrics != NULL ? open_all(s, why, why_size) : TS_E_NOMEM;
    if (err != TS_OK) {
        if (why[0] == '\0')
            (void)snprintf(why, why_size, "the host cannot start: %s", ts_err_text(err));
        shell_close(s);
        (void)uv_run(config->loop, UV_RUN_DEFAULT);
        ts_shell_free(s);
        return err;
    }
    begin(s);
    *out = s;
    return TS_OK;
}

uint16_t ts_shell_port(const struct ts_shell *s)
{
    return ts_server_port(s->front.server);
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct ts_shell *s = handle->data;
    (void)close(s->timer_fd);
    s->timer_fd = -1;
}

void shell_close(struct ts_shell *s)
{
    if (s->closing)
        return;
    s->closing = true;
    shell_fail_calls(s, TS_E_CLOSED, "the host is ending");
    shell_close_links(s);
    if (s->has_timer) {
        s->has_timer = false;
        uv_close((uv_handle_t *)&s->timer, on_timer_closed);
    }
    shell_submit_close(s);
    ts_follow_close(s->follow);
    s->follow = NULL;
    ts_writer_close(s->writer); /* what was submitted is durable when this returns */
    s->writer = NULL;
    ts_front_close(&s->front);
}

void shell_on_stopped(struct ts_shell *s)
{
    shell_close(s);
}

void ts_shell_stop(struct ts_shell *s)
{
    if (s->stopping) {
        shell_close(s);
        return;
    }
    struct ts_host_input in = {.kind = TS_IN_STOP};
    s->stopping = true;
    shell_input(s, &in);
}

void ts_shell_free(struct ts_shell *s)
{
    if (s == NULL)
        return;
    TS_CHECK(s->front.server == NULL && s->writer == NULL);
    shell_drop_queue(s);
    ts_host_free(s->core);
    ts_store_close(s->store);
    ts_metrics_free(s->metrics);
    free(s->calls);
    free(s);
}
