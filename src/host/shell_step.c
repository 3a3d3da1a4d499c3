/* SPDX-License-Identifier: Apache-2.0 */
/* The core's inputs and outputs. Carrying out an output may call back into the shell; what comes of
 * it waits until all outputs of the step are carried out, since they live no longer than that. */
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>

#include "base/check.h"
#include "base/log.h"
#include "host/shell_internal.h"

struct ts_now shell_now(void)
{
    struct timespec mono;
    struct timespec real;
    TS_CHECK(clock_gettime(CLOCK_MONOTONIC, &mono) == 0);
    TS_CHECK(clock_gettime(CLOCK_REALTIME, &real) == 0);
    return (struct ts_now){
        .mono_us = (uint64_t)mono.tv_sec * 1000000 + (uint64_t)mono.tv_nsec / 1000,
        .unix_ms = (ts_time)real.tv_sec * 1000 + (ts_time)real.tv_nsec / 1000000,
    };
}

/* ---- outputs --------------------------------------------------------------------------------- */

static void store(struct ts_shell *s, const struct ts_host_output *o)
{
    ts_err err = ts_writer_submit(s->writer, o->token, o->ops, o->n_ops);
    if (err == TS_OK)
        return;
    struct ts_host_input in = {.kind = TS_IN_STORED, .token = o->token, .err = err};
    shell_input(s, &in);
}

static void broadcast(struct ts_shell *s, const struct ts_host_output *o)
{
    shell_note_batch(s);
    if (s->front.feed != NULL)
        ts_feed_server_publish(s->front.feed, o->number, &o->hash, o->bytes, true);
    if (s->front.api != NULL)
        ts_api_new_head(s->front.api, o->number, &o->hash, o->bytes);
}

static void event(struct ts_shell *s, const struct ts_host_output *o)
{
    TS_CHECK(o->level >= 0 && (size_t)o->level < TS_COUNT(s->events));
    s->events[o->level]++;
    ts_log_made((enum ts_log_level)o->level, o->event, o->text);
}

static void carry_out_one(struct ts_shell *s, const struct ts_host_output *o)
{
    switch (o->kind) {
    case TS_OUT_CONNECT:
        shell_connect(s, o->link);
        break;
    case TS_OUT_CLOSE:
        shell_close_link(s, o->link);
        break;
    case TS_OUT_SEND:
        shell_send(s, o->link, o->bytes);
        break;
    case TS_OUT_STORE:
        store(s, o);
        break;
    case TS_OUT_LOAD:
        shell_on_load(s, o);
        break;
    case TS_OUT_BROADCAST:
        broadcast(s, o);
        break;
    case TS_OUT_REPLY:
        shell_on_reply(s, o);
        break;
    case TS_OUT_EVENT:
        event(s, o);
        break;
    case TS_OUT_CORRUPTED:
        shell_on_corrupted(s, o);
        break;
    case TS_OUT_PUBLISH:
        shell_publish(s, o);
        break;
    case TS_OUT_WITHDRAW:
        shell_withdraw(s, o->token);
        break;
    case TS_OUT_L1_ASK:
        shell_l1_ask(s, o->number);
        break;
    case TS_OUT_STOPPED:
        shell_on_stopped(s);
        break;
    }
}

/* The timer is absolute and of nanoseconds: never early, and late only by the system's delay. */
static void arm(struct ts_shell *s, uint64_t wake_us)
{
    struct itimerspec spec = {{0, 0}, {0, 0}};
    if (wake_us == s->armed_us || !s->has_timer)
        return;
    if (wake_us != UINT64_MAX) {
        uint64_t at = wake_us > 0 ? wake_us : 1; /* zero would mean never */
        spec.it_value.tv_sec = (time_t)(at / 1000000);
        spec.it_value.tv_nsec = (long)(at % 1000000) * 1000;
    }
    TS_CHECK(timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0);
    s->armed_us = wake_us;
}

/* ---- inputs ---------------------------------------------------------------------------------- */

static void input_free(struct queued_input *q)
{
    free(q->bytes);
    free(q->text);
    free(q->batches);
    free(q);
}

static void *copy(const void *p, size_t n)
{
    void *to = malloc(n > 0 ? n : 1);
    TS_CHECK(to != NULL); /* an input that is lost would leave the core waiting for ever */
    if (n > 0)
        memcpy(to, p, n);
    return to;
}

/* Behind one another into at. */
static ts_bytes put(uint8_t **at, ts_bytes b)
{
    if (b.n > 0)
        memcpy(*at, b.p, b.n);
    b.p = *at;
    *at += b.n;
    return b;
}

static void copy_batches(struct queued_input *q)
{
    size_t total = 0;
    for (size_t i = 0; i < q->in.n_batches; i++)
        total += q->in.batches[i].raw.n + q->in.batches[i].l1_header.n;
    q->batches = copy(q->in.batches, q->in.n_batches * sizeof(*q->batches));
    q->bytes = malloc(total > 0 ? total : 1);
    TS_CHECK(q->bytes != NULL);
    uint8_t *at = q->bytes;
    for (size_t i = 0; i < q->in.n_batches; i++) {
        q->batches[i].raw = put(&at, q->batches[i].raw);
        q->batches[i].l1_header = put(&at, q->batches[i].l1_header);
    }
    q->in.batches = q->batches;
}

static void enqueue(struct ts_shell *s, const struct ts_host_input *in)
{
    struct queued_input *q = calloc(1, sizeof(*q));
    TS_CHECK(q != NULL);
    /* What the follower tells comes from the loop. */
    TS_CHECK(in->l1 == NULL && in->rollup == NULL && in->rollback == NULL);
    q->in = *in;
    if (in->n_batches > 0)
        copy_batches(q);
    else
        q->bytes = copy(in->bytes.p, in->bytes.n);
    if (in->n_batches == 0)
        q->in.bytes.p = q->bytes;
    if (in->text != NULL) {
        q->text = strdup(in->text);
        TS_CHECK(q->text != NULL);
        q->in.text = q->text;
    }
    *s->queue_end = q;
    s->queue_end = &q->next;
}

static struct queued_input *dequeue(struct ts_shell *s)
{
    struct queued_input *q = s->queue;
    if (q != NULL)
        s->queue = q->next;
    if (s->queue == NULL)
        s->queue_end = &s->queue;
    return q;
}

void shell_drop_queue(struct ts_shell *s)
{
    struct queued_input *q;
    while ((q = dequeue(s)) != NULL)
        input_free(q);
}

void shell_carry_out(struct ts_shell *s, const struct ts_host_outputs *out)
{
    struct queued_input *q;
    TS_CHECK(!s->stepping);
    s->stepping = true;
    for (size_t i = 0; i < out->n && !s->closing; i++)
        carry_out_one(s, &out->out[i]);
    uint64_t wake_us = out->wake_us;
    /* Once closed, links, store and calls are gone: what is queued is for nobody. */
    while (!s->closing && (q = dequeue(s)) != NULL) {
        struct ts_host_outputs more;
        ts_host_step(s->core, shell_now(), &q->in, &more);
        for (size_t i = 0; i < more.n && !s->closing; i++)
            carry_out_one(s, &more.out[i]);
        wake_us = more.wake_us;
        input_free(q);
    }
    arm(s, wake_us);
    s->stepping = false;
}

void shell_input(struct ts_shell *s, const struct ts_host_input *in)
{
    if (s->closing)
        return;
    if (s->stepping) {
        enqueue(s, in);
        return;
    }
    struct ts_host_outputs out;
    ts_host_step(s->core, shell_now(), in, &out);
    shell_carry_out(s, &out);
}
