/* SPDX-License-Identifier: Apache-2.0 */
#include "node/hook.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"

struct line {
    uint8_t *p;
    size_t n;
    bool is_peers;
};

struct ts_hook {
    uv_loop_t *loop;
    char *command;
    struct line waiting[TS_HOOK_WAITING]; /* a ring */
    size_t first, n;
    size_t n_peers; /* of those */
    uv_process_t process;
    uv_pipe_t input;
    uv_timer_t timer;
    uv_write_t write;
    struct line now; /* what the run is told */
    unsigned open;   /* handles of the run that are not closed yet */
    bool is_running; /* the process has not ended */
    bool is_late;
    bool drop_said[2]; /* of the operator's, of peers' */
    bool is_closing;
    struct ts_hook_counters counters;
};

static void begin(struct ts_hook *h);

static void hook_free(struct ts_hook *h)
{
    for (; h->n > 0; h->n--, h->first++)
        free(h->waiting[h->first % TS_HOOK_WAITING].p);
    free(h->now.p);
    free(h->command);
    free(h);
}

/* The next one begins when nothing of the last is left. */
static void closed(uv_handle_t *handle)
{
    struct ts_hook *h = handle->data;
    TS_CHECK(h->open > 0);
    if (--h->open > 0)
        return;
    free(h->now.p);
    h->now = (struct line){0};
    if (h->is_closing)
        hook_free(h);
    else if (h->n > 0)
        begin(h);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, closed);
}

static void end_run(struct ts_hook *h)
{
    close_handle((uv_handle_t *)&h->process);
    close_handle((uv_handle_t *)&h->input);
    close_handle((uv_handle_t *)&h->timer);
}

static void kill_run(const struct ts_hook *h)
{
    (void)kill(-h->process.pid, SIGKILL); /* it leads a group of its own */
}

static void on_end(uv_process_t *process, int64_t status, int signal)
{
    struct ts_hook *h = process->data;
    h->is_running = false;
    kill_run(h); /* what it left behind in the background */
    if (h->is_late)
        h->counters.killed++;
    else if (status == 0 && signal == 0)
        h->counters.done++;
    else
        h->counters.failed++;
    if (h->is_late)
        ts_log(TS_LOG_WARN, "hook-killed", "after_ms=%u command=\"%s\"", TS_HOOK_DEADLINE_MS,
               h->command);
    else if (status != 0 || signal != 0)
        ts_log(TS_LOG_WARN, "hook-failed", "code=%lld signal=%d command=\"%s\"", (long long)status,
               signal, h->command);
    end_run(h);
}

static void on_late(uv_timer_t *timer)
{
    struct ts_hook *h = timer->data;
    h->is_late = true;
    kill_run(h);
}

static void on_written(uv_write_t *write, int status)
{
    struct ts_hook *h = write->data;
    (void)status; /* a command that does not read is told by its code */
    close_handle((uv_handle_t *)&h->input);
}

static void write_line(struct ts_hook *h)
{
    uv_buf_t buf = uv_buf_init((char *)h->now.p, (unsigned)h->now.n);
    h->write.data = h;
    if (uv_write(&h->write, (uv_stream_t *)&h->input, &buf, 1, on_written) != 0)
        close_handle((uv_handle_t *)&h->input);
}

static int spawn(struct ts_hook *h)
{
    char shell[] = "/bin/sh", flag[] = "-c";
    char *argv[] = {shell, flag, h->command, NULL};
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&h->input},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
    };
    uv_process_options_t options = {.file = argv[0],
                                    .args = argv,
                                    .exit_cb = on_end,
                                    .stdio_count = 3,
                                    .stdio = stdio,
                                    .flags = UV_PROCESS_DETACHED};
    return uv_spawn(h->loop, &h->process, &options);
}

static void begin(struct ts_hook *h)
{
    h->now = h->waiting[h->first % TS_HOOK_WAITING];
    h->first = (h->first + 1) % TS_HOOK_WAITING;
    h->n--;
    h->n_peers -= h->now.is_peers;
    h->is_late = false;
    TS_CHECK(uv_pipe_init(h->loop, &h->input, 0) == 0 && uv_timer_init(h->loop, &h->timer) == 0);
    h->process.data = h->input.data = h->timer.data = h;
    h->open = 3;
    int err = spawn(h);
    if (err != 0) {
        h->counters.failed++;
        ts_log(TS_LOG_ERROR, "hook-failed", "reason=\"%s\" command=\"%s\"", uv_strerror(err),
               h->command);
        end_run(h);
        return;
    }
    h->is_running = true;
    TS_CHECK(uv_timer_start(&h->timer, on_late, TS_HOOK_DEADLINE_MS, 0) == 0);
    write_line(h);
}

struct ts_hook *ts_hook_new(uv_loop_t *loop, const char *command)
{
    struct ts_hook *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return NULL;
    h->loop = loop;
    h->command = strdup(command);
    if (h->command != NULL)
        return h;
    free(h);
    return NULL;
}

static void drop(struct ts_hook *h, bool is_peers, const char *why)
{
    h->counters.dropped++;
    if (!h->drop_said[is_peers])
        ts_log(TS_LOG_ERROR, "hook-dropped", "reason=\"%s\" command=\"%s\"", why, h->command);
    h->drop_said[is_peers] = true;
}

static bool has_place(const struct ts_hook *h, bool is_peers)
{
    return h->n < TS_HOOK_WAITING && (!is_peers || h->n_peers < TS_HOOK_WAITING / 2);
}

void ts_hook_tell(struct ts_hook *h, ts_bytes line, bool is_peers)
{
    struct line copy = {.n = line.n + 1, .is_peers = is_peers};
    bool fits = has_place(h, is_peers);
    TS_CHECK(!h->is_closing);
    if (!fits || line.n > TS_HOOK_LINE_MAX || (copy.p = malloc(copy.n)) == NULL) {
        drop(h, is_peers, !fits ? "too many wait for the command" : "too long");
        return;
    }
    memcpy(copy.p, line.p, line.n);
    copy.p[line.n] = '\n';
    h->waiting[(h->first + h->n++) % TS_HOOK_WAITING] = copy;
    h->n_peers += is_peers;
    h->drop_said[is_peers] = false;
    if (h->open == 0)
        begin(h);
}

struct ts_hook_counters ts_hook_counters(const struct ts_hook *h)
{
    return h != NULL ? h->counters : (struct ts_hook_counters){0};
}

void ts_hook_close(struct ts_hook *h)
{
    if (h == NULL)
        return;
    h->is_closing = true;
    if (h->open == 0) {
        hook_free(h);
        return;
    }
    if (h->is_running)
        kill_run(h);
    end_run(h);
}
