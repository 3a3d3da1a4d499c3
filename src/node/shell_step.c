/* SPDX-License-Identifier: Apache-2.0 */
/* The core's inputs and outputs. Carrying out an output may call back into the shell; what comes of
 * it waits until all outputs of the step are carried out, since they live no longer than that. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit/evidence_json.h"
#include "base/check.h"
#include "base/log.h"
#include "node/shell_internal.h"

struct ts_now nsh_now(void)
{
    struct timespec real;
    TS_CHECK(clock_gettime(CLOCK_REALTIME, &real) == 0);
    return (struct ts_now){
        .mono_us = uv_hrtime() / 1000,
        .unix_ms = (ts_time)real.tv_sec * 1000 + (ts_time)real.tv_nsec / 1000000,
    };
}

/* ---- outputs --------------------------------------------------------------------------------- */

static void store(struct ts_node_shell *s, const struct ts_node_output *o)
{
    ts_err err = ts_writer_submit(s->writer, o->token, o->ops, o->n_ops);
    if (err == TS_OK)
        return;
    struct ts_node_input in = {.kind = TS_NODE_IN_STORED, .token = o->token, .err = err};
    nsh_input(s, &in);
}

static void committed(struct ts_node_shell *s, const struct ts_node_output *o)
{
    ts_feed_server_publish(s->front.feed, o->number, &o->hash, o->bytes, o->push);
    ts_api_new_head(s->front.api, o->number, &o->hash, o->bytes);
}

static void event(struct ts_node_shell *s, const struct ts_node_output *o)
{
    TS_CHECK(o->level >= 0 && (size_t)o->level < TS_COUNT(s->events));
    s->events[o->level]++;
    ts_log_made((enum ts_log_level)o->level, o->event, o->text);
}

static void tell_hook(struct ts_node_shell *s, const struct ts_finding *f)
{
    json_t *json = NULL;
    char *line = NULL;
    if (s->hook == NULL || f->severity < s->config.on_finding_least)
        return;
    if ((json = ts_finding_json(f)) != NULL)
        line = json_dumps(json, JSON_COMPACT);
    if (line != NULL)
        ts_hook_tell(s->hook, ts_bytes_of(line, strlen(line)), f->about == TS_ABOUT_PEER);
    else
        ts_log(TS_LOG_ERROR, "hook-dropped", "reason=\"out of memory\"");
    free(line);
    json_decref(json);
}

/* Proofs and omissions are for somebody to look at; the others, and what is over, for counting. */
static void finding(struct ts_node_shell *s, const struct ts_finding *f)
{
    char enclave[TS_ADDRESS_HEX_SIZE] = "-";
    bool is_alarm = f->severity == TS_SEVERITY_OMISSION && f->state != TS_FINDING_CLOSED;
    enum ts_log_level less = is_alarm ? TS_LOG_WARN : TS_LOG_INFO;
    enum ts_log_level level = f->severity == TS_SEVERITY_PROOF ? TS_LOG_ERROR : less;
    if (f->has_enclave)
        ts_hex(f->enclave.b, sizeof(f->enclave.b), enclave);
    s->events[level]++;
    ts_log(level == TS_LOG_ERROR ? TS_LOG_ERROR : less, "finding",
           "name=%s severity=%s about=%s state=%s serial=%llu enclave=%s first=%llu last=%llu "
           "text=\"%s\"",
           ts_finding_name((int)f->kind), ts_severity_name((int)f->severity),
           ts_about_name(f->about), ts_finding_state_name(f->state), (unsigned long long)f->serial,
           enclave, (unsigned long long)f->first, (unsigned long long)f->last, f->text);
    ts_api_new_finding(s->front.api, f);
    tell_hook(s, f);
}

static void carry_out_one(struct ts_node_shell *s, const struct ts_node_output *o)
{
    switch (o->kind) {
    case TS_NODE_OUT_CONNECT:
        nsh_connect(s, o->link);
        break;
    case TS_NODE_OUT_CLOSE:
        nsh_close_link(s, o->link);
        break;
    case TS_NODE_OUT_SEND:
        nsh_send(s, o->link, o->bytes);
        break;
    case TS_NODE_OUT_STORE:
        store(s, o);
        break;
    case TS_NODE_OUT_LOAD:
        nsh_on_load(s, o);
        break;
    case TS_NODE_OUT_VERIFY:
        nsh_verify(s, o);
        break;
    case TS_NODE_OUT_COMMITTED:
        committed(s, o);
        break;
    case TS_NODE_OUT_EVIDENCE:
        ts_feed_server_evidence(s->front.feed, o->bytes, o->peer);
        break;
    case TS_NODE_OUT_REFUSE:
        ts_feed_server_refuse(s->front.feed, o->peer, o->err, o->text);
        break;
    case TS_NODE_OUT_REPLY:
        nsh_on_reply(s, o);
        break;
    case TS_NODE_OUT_EVENT:
        event(s, o);
        break;
    case TS_NODE_OUT_FINDING:
        finding(s, o->finding);
        break;
    case TS_NODE_OUT_L1_ASK:
        nsh_l1_ask(s, o->number);
        break;
    case TS_NODE_OUT_L1_FORGET:
        nsh_l1_forget(s, o->number);
        break;
    case TS_NODE_OUT_ROLLUPS:
        nsh_l1_rollups_again(s, o->number, o->from);
        break;
    case TS_NODE_OUT_STOPPED:
        s->result = o->err;
        nsh_close(s);
        break;
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct ts_node_shell *s = timer->data;
    nsh_input(s, &(struct ts_node_input){.kind = TS_NODE_IN_TICK});
}

static void arm(struct ts_node_shell *s, uint64_t wake_us)
{
    uint64_t now = uv_hrtime() / 1000;
    if (!s->has_timer)
        return;
    if (wake_us == UINT64_MAX) {
        uv_timer_stop(&s->timer);
        return;
    }
    uv_update_time(s->config.loop);
    uint64_t ms = wake_us > now ? (wake_us - now + 999) / 1000 : 0;
    TS_CHECK(uv_timer_start(&s->timer, on_timer, ms, 0) == 0);
}

/* ---- inputs ---------------------------------------------------------------------------------- */

void nsh_free_batch(const struct ts_store_batch *b)
{
    free((void *)(uintptr_t)b->raw.p);
    free((void *)(uintptr_t)b->l1_header.p);
}

void nsh_free_batches(struct ts_store_batch *batches, size_t n)
{
    for (size_t i = 0; i < n; i++)
        nsh_free_batch(&batches[i]);
    free(batches);
}

static void queued_free(struct queued *q)
{
    free(q->bytes);
    free(q->text);
    nsh_free_batches(q->batches, q->in.n_batches);
    free(q);
}

static struct queued *enqueue(struct ts_node_shell *s, const struct ts_node_input *in)
{
    struct queued *q = calloc(1, sizeof(*q));
    TS_CHECK(q != NULL); /* an input that is lost would leave the core waiting for ever */
    q->in = *in;
    *s->queue_end = q;
    s->queue_end = &q->next;
    return q;
}

static void enqueue_copy(struct ts_node_shell *s, const struct ts_node_input *in)
{
    struct queued *q = enqueue(s, in);
    TS_CHECK(in->n_batches == 0 && in->n_verified == 0 && in->l1 == NULL);
    if (in->bytes.n > 0) {
        q->bytes = malloc(in->bytes.n);
        TS_CHECK(q->bytes != NULL);
        memcpy(q->bytes, in->bytes.p, in->bytes.n);
        q->in.bytes.p = q->bytes;
    }
    if (in->text != NULL) {
        q->text = strdup(in->text);
        TS_CHECK(q->text != NULL);
        q->in.text = q->text;
    }
}

void nsh_queue_loaded(struct ts_node_shell *s, const struct ts_node_input *in,
                      struct ts_store_batch *batches)
{
    struct queued *q = enqueue(s, in);
    q->batches = batches;
    q->in.batches = batches;
}

static struct queued *dequeue(struct ts_node_shell *s)
{
    struct queued *q = s->queue;
    if (q != NULL)
        s->queue = q->next;
    if (s->queue == NULL)
        s->queue_end = &s->queue;
    return q;
}

void nsh_drop_queue(struct ts_node_shell *s)
{
    struct queued *q;
    while ((q = dequeue(s)) != NULL)
        queued_free(q);
}

void nsh_carry_out(struct ts_node_shell *s, const struct ts_node_outputs *out)
{
    struct queued *q;
    TS_CHECK(!s->stepping);
    s->stepping = true;
    for (size_t i = 0; i < out->n; i++)
        carry_out_one(s, &out->out[i]);
    uint64_t wake_us = out->wake_us;
    while (!s->closing && (q = dequeue(s)) != NULL) {
        struct ts_node_outputs more;
        ts_node_step(s->core, nsh_now(), &q->in, &more);
        for (size_t i = 0; i < more.n; i++)
            carry_out_one(s, &more.out[i]);
        wake_us = more.wake_us;
        queued_free(q);
    }
    arm(s, wake_us);
    s->stepping = false;
}

void nsh_input(struct ts_node_shell *s, const struct ts_node_input *in)
{
    struct ts_node_outputs out;
    if (s->closing)
        return;
    if (s->stepping) {
        enqueue_copy(s, in);
        return;
    }
    ts_node_step(s->core, nsh_now(), in, &out);
    nsh_carry_out(s, &out);
}
