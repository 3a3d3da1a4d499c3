/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/log.h"
#include "cfg/exit.h"
#include "cfg/notify.h"
#include "chain/genesis_json.h"

#define GENESIS_MAX (64u * 1024 * 1024)
#define WHY_MAX     4352 /* a path and some words */
#define END_SECONDS 4    /* then the process ends, whatever hangs: five are promised */
#define END_MICROS  700000

int ts_program_fail(int code, const char *why)
{
    ts_log(TS_LOG_ERROR, "cannot-start", "why=\"%s\"", why);
    (void)ts_notify("STATUS=cannot start");
    return code;
}

/* ---- reading --------------------------------------------------------------------------------- */

static ts_err read_file(const char *path, struct ts_buf *to)
{
    FILE *from = fopen(path, "rbe");
    if (from == NULL)
        return TS_E_IO;
    char chunk[65536];
    size_t n;
    while ((n = fread(chunk, 1, sizeof(chunk), from)) > 0)
        ts_buf_put(to, chunk, n);
    bool bad = ferror(from) != 0;
    (void)fclose(from);
    return bad ? TS_E_IO : to->err;
}

int ts_program_read_genesis(struct ts_program *p, const char *path)
{
    char why[WHY_MAX], what[256];
    struct ts_buf text;
    ts_buf_init(&text, GENESIS_MAX);
    errno = 0;
    ts_err err = read_file(path, &text);
    (void)snprintf(what, sizeof(what), "it cannot be read: %s",
                   errno != 0 ? strerror(errno) : ts_err_text((int)err));
    if (err == TS_OK)
        err = ts_genesis_from_json((const char *)text.p, text.n, &p->genesis, what, sizeof(what));
    ts_buf_free(&text);
    if (err == TS_OK)
        err = ts_genesis_encode(&p->genesis, &p->genesis_raw, &p->genesis_n);
    if (err == TS_OK)
        return TS_EXIT_OK;
    (void)snprintf(why, sizeof(why), "genesis %s: %s", path, what);
    return ts_program_fail(TS_EXIT_CONFIG, why);
}

int ts_program_read_listen(struct ts_program *p, const char *text)
{
    if (ts_endpoint_parse(text, &p->listen) == TS_OK && !p->listen.is_unix)
        return TS_EXIT_OK;
    return ts_program_fail(TS_EXIT_USAGE, "rpc-listen must be HOST:PORT");
}

int ts_program_make_data_dir(struct ts_program *p, const char *dir, const char *name)
{
    char why[WHY_MAX];
    struct stat st;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        (void)snprintf(why, sizeof(why), "data-dir %s cannot be made: %s", dir, strerror(errno));
        return ts_program_fail(TS_EXIT_CONFIG, why);
    }
    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        (void)snprintf(why, sizeof(why), "data-dir %s is not a directory", dir);
        return ts_program_fail(TS_EXIT_CONFIG, why);
    }
    int n = snprintf(p->store_path, sizeof(p->store_path), "%s/%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof(p->store_path))
        return ts_program_fail(TS_EXIT_CONFIG, "data-dir: the path is too long");
    return TS_EXIT_OK;
}

/* ---- signals --------------------------------------------------------------------------------- */

/* The last resort when the end hangs, on a disk for example: nothing acknowledged is lost by it,
 * and what a node has not stored it fetches anew. */
static void on_alarm(int number)
{
    static const char text[] = ": the end took too long and was cut short\n";
    const char *name = program_invocation_short_name;
    (void)number;
    if (write(STDERR_FILENO, name, strlen(name)) < 0 ||
        write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        _exit(TS_EXIT_FAILED);
    _exit(TS_EXIT_OK);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct ts_program *p = handle->data;
    ts_log(TS_LOG_INFO, "stopping", "signal=%d", number);
    (void)ts_notify("STOPPING=1");
    struct sigaction alarm = {.sa_handler = on_alarm};
    (void)sigaction(SIGALRM, &alarm, NULL);
    const struct itimerval at = {.it_value = {.tv_sec = END_SECONDS, .tv_usec = END_MICROS}};
    (void)setitimer(ITIMER_REAL, &at, NULL);
    p->stop(p->stop_ctx);
}

static void catch_signals(struct ts_program *p)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGXFSZ, &ignore, NULL); /* a limit on file size is told by write() */
    for (size_t i = 0; i < TS_COUNT(numbers); i++) {
        TS_CHECK(uv_signal_init(&p->loop, &p->signals[i]) == 0);
        p->signals[i].data = p;
        TS_CHECK(uv_signal_start(&p->signals[i], on_signal, numbers[i]) == 0);
        uv_unref((uv_handle_t *)&p->signals[i]); /* they alone do not keep it running */
    }
}

/* ---- running --------------------------------------------------------------------------------- */

int ts_program_open(struct ts_program *p, void (*stop)(void *ctx), void *ctx)
{
    p->stop = stop;
    p->stop_ctx = ctx;
    p->crypto = ts_crypto_new();
    if (p->crypto == NULL || uv_loop_init(&p->loop) != 0)
        return ts_program_fail(TS_EXIT_FAILED, "out of memory");
    catch_signals(p);
    return TS_EXIT_OK;
}

void ts_program_listener(const struct ts_program *p, const struct ts_rpc_keys *keys,
                         struct ts_server_config *out)
{
    *out = (struct ts_server_config){
        .address = p->listen.host,
        .port = p->listen.port,
        .bearer_token = keys->token,
        .hosts = keys->hosts.items,
        .n_hosts = keys->hosts.n,
        .origins = keys->origins.items,
        .n_origins = keys->origins.n,
        .max_body = keys->max_body,
        .max_connections = keys->max_connections,
    };
}

void ts_program_ready(void)
{
    if (ts_notify("READY=1") != TS_OK)
        ts_log(TS_LOG_WARN, "notify-failed", "why=\"the service manager cannot be told\"");
}

int ts_program_exit_code(ts_err err)
{
    switch (err) {
    case TS_OK:
        return TS_EXIT_OK;
    case TS_E_FOREIGN:
    case TS_E_VERSION:
    case TS_E_CORRUPT:
        return TS_EXIT_DATA;
    case TS_E_USAGE:
        return TS_EXIT_USAGE;
    default:
        return TS_EXIT_FAILED;
    }
}

void ts_program_close(struct ts_program *p)
{
    for (size_t i = 0; i < TS_COUNT(p->signals); i++)
        uv_close((uv_handle_t *)&p->signals[i], NULL);
    (void)uv_run(&p->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&p->loop) != 0)
        ts_log(TS_LOG_WARN, "handles-left", "why=\"the loop was not empty at the end\"");
}

void ts_program_free(struct ts_program *p)
{
    ts_crypto_free(p->crypto);
    ts_genesis_free(&p->genesis);
    free(p->genesis_raw);
}
