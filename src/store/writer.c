/* SPDX-License-Identifier: Apache-2.0 */
#include "store/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* Pages left by the folding thread that the writer folds itself between two steps: a millisecond or
 * so. More than that is left to the other thread once more. */
#define REST_PAGES 256

/* Groups between two moments of tidying when steps always wait, and after a failure. */
#define TIDY_EVERY 8
#define TIDY_RETRY 256

struct step {
    uint64_t token;
    const struct ts_store_op *ops;
    size_t n;
    uint64_t at_us; /* of submission; after the step, how long it took */
    ts_err err;
};

/* Steps first .. first + taken of the ring are applied and wait to be reported, the rest waits to
 * be applied. Positions only grow; modulo cap they are slots. */
struct ts_writer {
    struct ts_writer_config config;
    uv_thread_t thread;
    uv_thread_t folder;
    uv_async_t async;
    uv_mutex_t mutex; /* guards all below */
    uv_cond_t work;   /* for the writer */
    uv_cond_t fold;   /* for the folder */
    struct step *ring;
    size_t cap;
    uint64_t reported, applied, submitted;
    bool stop;
    bool fold_wanted;
    bool rest_wanted; /* the folder left little: the writer ends the fold */
    uint64_t tidy_at; /* counters.groups at which the store is tidied even if steps wait */
    bool tidy_failed;
    struct ts_writer_counters counters;
    char why[256];               /* of the newest failure */
    struct ts_store_step *group; /* the writer's own */
};

static uint64_t now_us(void)
{
    return uv_hrtime() / 1000;
}

static struct step *slot(struct ts_writer *w, uint64_t at)
{
    return &w->ring[at % w->cap];
}

static size_t bytes_of(const struct step *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += s->ops[i].data.n + s->ops[i].n_tx_hashes * sizeof(ts_hash);
    return n;
}

/* How many of the waiting steps go into one flush. */
static size_t take(struct ts_writer *w)
{
    size_t n = 0;
    size_t bytes = 0;
    while (w->applied + n < w->submitted && n < w->config.max_group_steps) {
        struct step *s = slot(w, w->applied + n);
        bytes += bytes_of(s);
        if (n > 0 && bytes > w->config.max_group_bytes)
            break;
        w->group[n] = (struct ts_store_step){.ops = s->ops, .n = s->n};
        n++;
    }
    return n;
}

static void want_fold(struct ts_writer *w)
{
    if (w->fold_wanted || ts_store_log_pages(w->config.store) < w->config.fold_pages)
        return;
    w->fold_wanted = true;
    uv_cond_signal(&w->fold);
}

/* Applies a group with the mutex open; the slots are the writer's until applied moves. */
static void apply(struct ts_writer *w)
{
    size_t n = take(w);
    uv_mutex_unlock(&w->mutex);
    ts_store_apply_group(w->config.store, w->group, n);
    uint64_t now = now_us();
    uv_mutex_lock(&w->mutex);
    for (size_t i = 0; i < n; i++) {
        struct step *s = slot(w, w->applied + i);
        s->err = w->group[i].err;
        s->at_us = now - s->at_us;
        if (s->err != TS_OK)
            (void)snprintf(w->why, sizeof(w->why), "%s", ts_store_error(w->config.store));
    }
    w->applied += n;
    w->counters.groups++;
    (void)uv_async_send(&w->async);
    want_fold(w);
}

static void fold_rest(struct ts_writer *w)
{
    uv_mutex_unlock(&w->mutex);
    size_t left = 0;
    (void)ts_store_checkpoint_rest(w->config.store, &left); /* a failure comes again with a step */
    uv_mutex_lock(&w->mutex);
    w->rest_wanted = false;
    w->fold_wanted = false;
    w->counters.folds++;
}

/* A few milliseconds of tidying. A failure, of a full disk say, is left for later. */
static void tidy(struct ts_writer *w)
{
    uv_mutex_unlock(&w->mutex);
    ts_err err = ts_store_tidy(w->config.store);
    uv_mutex_lock(&w->mutex);
    w->tidy_at = w->counters.groups + (err == TS_OK ? TIDY_EVERY : TIDY_RETRY);
    w->tidy_failed = err != TS_OK;
    w->counters.tidied++;
    want_fold(w);
}

/* When nothing waits; or when that has not been so for many groups. */
static bool should_tidy(const struct ts_writer *w)
{
    bool idle = w->applied == w->submitted && !w->tidy_failed;
    return (idle || w->counters.groups >= w->tidy_at) && ts_store_is_untidy(w->config.store);
}

static void run_writer(void *arg)
{
    struct ts_writer *w = arg;
    uv_mutex_lock(&w->mutex);
    for (;;) {
        if (w->rest_wanted)
            fold_rest(w);
        if (!w->stop && should_tidy(w))
            tidy(w);
        if (w->applied < w->submitted)
            apply(w);
        else if (w->stop)
            break;
        else if (!w->rest_wanted && !should_tidy(w))
            uv_cond_wait(&w->work, &w->mutex);
    }
    uv_mutex_unlock(&w->mutex);
}

/* Folds until little is left: steps go on meanwhile. False: not this time, so the next step asks
 * again; a reader may hold a part of the log. */
static bool fold_most(struct ts_store *store)
{
    size_t left = SIZE_MAX;
    for (unsigned tries = 0; tries < 4 && left > REST_PAGES; tries++) {
        if (ts_store_checkpoint(store, &left) != TS_OK)
            return false;
    }
    return left <= REST_PAGES;
}

static void run_folder(void *arg)
{
    struct ts_writer *w = arg;
    uv_mutex_lock(&w->mutex);
    while (!w->stop) {
        if (!w->fold_wanted || w->rest_wanted) {
            uv_cond_wait(&w->fold, &w->mutex);
            continue;
        }
        uv_mutex_unlock(&w->mutex);
        bool done = fold_most(w->config.store);
        uv_mutex_lock(&w->mutex);
        w->rest_wanted = done;
        w->fold_wanted = done;
        if (done)
            uv_cond_signal(&w->work);
    }
    uv_mutex_unlock(&w->mutex);
}

/* Reports what was applied. done may submit more. */
static void on_async(uv_async_t *handle)
{
    struct ts_writer *w = handle->data;
    char why[sizeof(w->why)];
    uv_mutex_lock(&w->mutex);
    uint64_t end = w->applied;
    memcpy(why, w->why, sizeof(why));
    while (w->reported < end && !w->stop) {
        struct step s = *slot(w, w->reported);
        w->reported++;
        w->counters.steps++;
        w->counters.failed += s.err != TS_OK;
        uv_mutex_unlock(&w->mutex);
        w->config.done(w->config.ctx, s.token, s.err, s.err != TS_OK ? why : NULL, s.at_us);
        uv_mutex_lock(&w->mutex);
    }
    uv_mutex_unlock(&w->mutex);
}

static void take_defaults(struct ts_writer_config *c)
{
    if (c->max_steps == 0)
        c->max_steps = 65536;
    if (c->max_group_steps == 0)
        c->max_group_steps = 1024;
    if (c->max_group_bytes == 0)
        c->max_group_bytes = 8u * 1024 * 1024;
    if (c->fold_pages == 0)
        c->fold_pages = 1024;
}

static void free_memory(struct ts_writer *w)
{
    free(w->ring);
    free(w->group);
    free(w);
}

static void stop_threads(struct ts_writer *w, bool has_folder)
{
    uv_mutex_lock(&w->mutex);
    w->stop = true;
    uv_cond_signal(&w->work);
    uv_cond_signal(&w->fold);
    uv_mutex_unlock(&w->mutex);
    (void)uv_thread_join(&w->thread);
    if (has_folder)
        (void)uv_thread_join(&w->folder);
}

static void on_closed(uv_handle_t *handle)
{
    struct ts_writer *w = handle->data;
    uv_cond_destroy(&w->fold);
    uv_cond_destroy(&w->work);
    uv_mutex_destroy(&w->mutex);
    free_memory(w);
}

/* Locks, handle and threads; on failure nothing of them is left but perhaps a handle that closes
 * and frees w. */
static ts_err start(struct ts_writer *w, uv_loop_t *loop)
{
    if (uv_mutex_init(&w->mutex) != 0 || uv_cond_init(&w->work) != 0 ||
        uv_cond_init(&w->fold) != 0 || uv_async_init(loop, &w->async, on_async) != 0) {
        free_memory(w);
        return TS_E_IO;
    }
    w->async.data = w;
    if (uv_thread_create(&w->thread, run_writer, w) != 0) {
        uv_close((uv_handle_t *)&w->async, on_closed);
        return TS_E_IO;
    }
    if (uv_thread_create(&w->folder, run_folder, w) != 0) {
        stop_threads(w, false);
        uv_close((uv_handle_t *)&w->async, on_closed);
        return TS_E_IO;
    }
    return TS_OK;
}

ts_err ts_writer_new(uv_loop_t *loop, const struct ts_writer_config *config, struct ts_writer **out)
{
    TS_CHECK(config->store != NULL && config->done != NULL);
    struct ts_writer *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return TS_E_NOMEM;
    w->config = *config;
    take_defaults(&w->config);
    w->cap = w->config.max_steps;
    w->ring = calloc(w->cap, sizeof(*w->ring));
    w->group = calloc(w->config.max_group_steps, sizeof(*w->group));
    if (w->ring == NULL || w->group == NULL) {
        free_memory(w);
        return TS_E_NOMEM;
    }
    ts_err err = start(w, loop);
    if (err == TS_OK)
        *out = w;
    return err;
}

ts_err ts_writer_submit(struct ts_writer *w, uint64_t token, const struct ts_store_op *ops,
                        size_t n)
{
    ts_err err = TS_OK;
    uv_mutex_lock(&w->mutex);
    TS_CHECK(!w->stop);
    if (w->submitted - w->reported >= w->cap) {
        err = TS_E_BUSY;
    } else {
        *slot(w, w->submitted) =
            (struct step){.token = token, .ops = ops, .n = n, .at_us = now_us()};
        w->submitted++;
        uv_cond_signal(&w->work);
    }
    uv_mutex_unlock(&w->mutex);
    return err;
}

size_t ts_writer_waiting(const struct ts_writer *w)
{
    /* Only the loop's thread, which calls this, changes the two. */
    return (size_t)(w->submitted - w->reported);
}

struct ts_writer_counters ts_writer_counters(struct ts_writer *w)
{
    uv_mutex_lock(&w->mutex);
    struct ts_writer_counters c = w->counters;
    uv_mutex_unlock(&w->mutex);
    return c;
}

void ts_writer_close(struct ts_writer *w)
{
    if (w == NULL)
        return;
    stop_threads(w, true);
    uv_close((uv_handle_t *)&w->async, on_closed);
}
