/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/submit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "l1/client.h"

#define MAX_KEY_FILE 128

/* A job that the core has not been given yet: it is given from the loop, since what it answers is
 * not told from inside ts_submit_job. */
struct waiting {
    uint64_t job;
    ts_address to;
    uint8_t *data; /* owned */
    size_t n;
};

struct ts_submit {
    struct ts_submit_config config;
    struct ts_l1_submitter *core;
    struct ts_l1_client *client;
    uv_timer_t timer;
    struct waiting waiting[TS_L1_MAX_JOBS];
    size_t n_waiting;
    uint64_t cancels[TS_L1_MAX_JOBS]; /* jobs, likewise: after those that wait */
    size_t n_cancels;
    bool is_closing;
};

static struct ts_now now_of_all(void)
{
    struct timespec real;
    TS_CHECK(clock_gettime(CLOCK_REALTIME, &real) == 0);
    return (struct ts_now){
        .mono_us = uv_hrtime() / 1000,
        .unix_ms = (ts_time)real.tv_sec * 1000 + (ts_time)real.tv_nsec / 1000000,
    };
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void step(struct ts_submit *s, const struct ts_l1_submit_input *in);

static void on_answer(void *ctx, const struct ts_l1_answer *answer)
{
    struct ts_submit *s = ctx;
    if (!s->is_closing)
        step(s, &(struct ts_l1_submit_input){.kind = TS_L1_SUBMIT_ANSWER, .answer = answer});
}

static void carry_out(struct ts_submit *s, const struct ts_l1_submit_output *o)
{
    if (o->kind == TS_L1_SUBMIT_CALL) {
        /* One that cannot be made is one that is not answered: the core sees that in time. */
        (void)ts_l1_client_call(s->client, o->call, (unsigned)(s->config.settings.answer_us / 1000),
                                on_answer, s);
        return;
    }
    if (o->kind == TS_L1_SUBMIT_EVENT)
        ts_log_made((enum ts_log_level)o->level, o->event, o->text);
    s->config.on_output(s->config.ctx, o);
}

static void on_timer(uv_timer_t *timer);

static void arm(struct ts_submit *s, uint64_t wake_us)
{
    uint64_t now = uv_hrtime() / 1000;
    uint64_t ms = wake_us > now ? (wake_us - now + 999) / 1000 : 0;
    if (s->is_closing || wake_us == UINT64_MAX)
        return;
    uv_update_time(s->config.loop);
    TS_CHECK(uv_timer_start(&s->timer, on_timer, ms, 0) == 0);
}

static void step(struct ts_submit *s, const struct ts_l1_submit_input *in)
{
    struct ts_l1_submit_outputs out;
    ts_l1_submitter_step(s->core, now_of_all(), in, &out);
    for (size_t i = 0; i < out.n && !s->is_closing; i++)
        carry_out(s, &out.out[i]);
    if (!s->is_closing)
        arm(s, s->n_waiting + s->n_cancels > 0 ? 0 : out.wake_us);
}

static void give_first(struct ts_submit *s)
{
    struct waiting w = s->waiting[0];
    memmove(&s->waiting[0], &s->waiting[1], --s->n_waiting * sizeof(w));
    step(s,
         &(struct ts_l1_submit_input){
             .kind = TS_L1_SUBMIT_JOB, .job = w.job, .to = w.to, .data = ts_bytes_of(w.data, w.n)});
    free(w.data);
}

static void on_timer(uv_timer_t *timer)
{
    struct ts_submit *s = timer->data;
    while (s->n_waiting > 0 && !s->is_closing)
        give_first(s);
    while (s->n_cancels > 0 && !s->is_closing)
        step(s, &(struct ts_l1_submit_input){.kind = TS_L1_SUBMIT_CANCEL,
                                             .job = s->cancels[--s->n_cancels]});
    if (!s->is_closing)
        step(s, &(struct ts_l1_submit_input){.kind = TS_L1_SUBMIT_TICK});
}

/* ---- the caller's ---------------------------------------------------------------------------- */

ts_err ts_submit_job(struct ts_submit *s, uint64_t job, const ts_address *to, ts_bytes data)
{
    if (s->n_waiting + ts_l1_submitter_jobs(s->core) >= TS_L1_MAX_JOBS)
        return TS_E_BUSY;
    uint8_t *copy = malloc(data.n > 0 ? data.n : 1);
    if (copy == NULL)
        return TS_E_NOMEM;
    if (data.n > 0)
        memcpy(copy, data.p, data.n);
    s->waiting[s->n_waiting++] = (struct waiting){job, *to, copy, data.n};
    arm(s, 0);
    return TS_OK;
}

void ts_submit_cancel(struct ts_submit *s, uint64_t job)
{
    if (s->n_cancels == TS_COUNT(s->cancels))
        return;
    s->cancels[s->n_cancels++] = job;
    arm(s, 0);
}

ts_address ts_submit_account(const struct ts_submit *s)
{
    return ts_l1_submitter_account(s->core);
}

size_t ts_submit_jobs(const struct ts_submit *s)
{
    return s->n_waiting + ts_l1_submitter_jobs(s->core);
}

static void free_all(struct ts_submit *s)
{
    for (size_t i = 0; i < s->n_waiting; i++)
        free(s->waiting[i].data);
    ts_l1_submitter_free(s->core);
    free(s);
}

ts_err ts_submit_new(const struct ts_submit_config *config, struct ts_submit **out, char *why,
                     size_t why_size)
{
    struct ts_l1_client_config c = {.url = config->url};
    why[0] = '\0';
    struct ts_submit *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return TS_E_NOMEM;
    s->config = *config;
    s->config.url = NULL;
    s->config.key = NULL;
    ts_err err = ts_l1_submitter_new(&config->settings, config->crypto, config->key, &s->core);
    if (err == TS_OK)
        err = ts_l1_client_new(config->loop, &c, &s->client, why, why_size);
    if (err == TS_OK && uv_timer_init(config->loop, &s->timer) != 0) {
        ts_l1_client_close(s->client);
        err = TS_E_IO;
    }
    if (err != TS_OK) {
        if (why[0] == '\0')
            (void)snprintf(why, why_size, "nothing can be brought onto L1: %s",
                           ts_err_text((int)err));
        free_all(s);
        return err;
    }
    s->timer.data = s;
    arm(s, 0);
    *out = s;
    return TS_OK;
}

static void on_closed(uv_handle_t *handle)
{
    free_all(handle->data);
}

void ts_submit_close(struct ts_submit *s)
{
    if (s == NULL)
        return;
    s->is_closing = true;
    ts_l1_client_close(s->client);
    uv_close((uv_handle_t *)&s->timer, on_closed);
}

/* ---- the key --------------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static ts_err parse_key(const char *path, char *text, size_t n, ts_secret *out, char *why,
                        size_t why_size)
{
    while (n > 0 && is_space(text[n - 1]))
        n--;
    text[n] = '\0';
    const char *at = text;
    while (is_space(*at))
        at++;
    if (ts_unhex(at, out->b, sizeof(out->b)) == TS_OK)
        return TS_OK;
    (void)snprintf(why, why_size, "%s: not a key: 0x and 64 hexadecimal digits are expected", path);
    return TS_E_USAGE;
}

static ts_err read_all(int fd, const char *path, ts_secret *out, char *why, size_t why_size)
{
    char text[MAX_KEY_FILE + 1];
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)snprintf(why, why_size, "%s: not a file", path);
        return TS_E_USAGE;
    }
    if ((st.st_mode & 077) != 0) {
        (void)snprintf(why, why_size, "%s: others can read this key (mode %03o); give it mode 600",
                       path, (unsigned)st.st_mode & 0777);
        return TS_E_USAGE;
    }
    ssize_t n = read(fd, text, MAX_KEY_FILE);
    if (n < 0) {
        (void)snprintf(why, why_size, "%s: %s", path, strerror(errno));
        return TS_E_IO;
    }
    ts_err err = parse_key(path, text, (size_t)n, out, why, why_size);
    ts_wipe(text, sizeof(text));
    return err;
}

ts_err ts_submit_read_key(const char *path, ts_secret *out, char *why, size_t why_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        (void)snprintf(why, why_size, "%s: %s", path, strerror(errno));
        return TS_E_IO;
    }
    ts_err err = read_all(fd, path, out, why, why_size);
    (void)close(fd);
    return err;
}
