/* SPDX-License-Identifier: Apache-2.0 */
/* The outputs of one step, and the memory they point to. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log_render.h"
#include "node/internal.h"

void *ts_node_need(void *p)
{
    TS_CHECK(p != NULL);
    return p;
}

struct ts_node_output *ts_node_output_new(struct ts_node *n, enum ts_node_out kind)
{
    if (n->n_out == n->cap_out) {
        n->cap_out = n->cap_out != 0 ? 2 * n->cap_out : 16;
        n->out = ts_node_need(realloc(n->out, n->cap_out * sizeof(*n->out)));
    }
    struct ts_node_output *o = &n->out[n->n_out++];
    *o = (struct ts_node_output){.kind = kind};
    return o;
}

char *ts_node_text(struct ts_node *n, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t size = strlen(text) + 1;
    return memcpy(ts_node_need(ts_arena_alloc(&n->step, size)), text, size);
}

/* What a peer or an enclave said may stand in it: escaped here, where it is known what came in. */
void ts_node_event(struct ts_node *n, int level, const char *event, const char *format, ...)
{
    char *text = ts_node_need(ts_arena_alloc(&n->step, TS_LOG_PAIRS_MAX));
    va_list args;
    va_start(args, format);
    (void)ts_log_pairs(format, args, text, TS_LOG_PAIRS_MAX);
    va_end(args);
    struct ts_node_output *o = ts_node_output_new(n, TS_NODE_OUT_EVENT);
    o->level = level;
    o->event = event;
    o->text = text;
}

struct ts_buf *ts_node_buf(struct ts_node *n)
{
    if (n->n_sends == n->cap_sends) {
        n->cap_sends = n->cap_sends != 0 ? 2 * n->cap_sends : 16;
        n->sends = ts_node_need(realloc(n->sends, n->cap_sends * sizeof(*n->sends)));
    }
    struct ts_buf *b = &n->sends[n->n_sends++];
    ts_buf_init(b, 0);
    return b;
}

void ts_node_send(struct ts_node *n, unsigned link, const struct ts_buf *b)
{
    TS_CHECK(b->err == TS_OK);
    struct ts_node_output *o = ts_node_output_new(n, TS_NODE_OUT_SEND);
    o->link = link;
    o->bytes = ts_buf_bytes(b);
}

void ts_node_reply(struct ts_node *n, uint64_t token, ts_err err, ts_bytes bytes, const char *text)
{
    struct ts_node_output *o = ts_node_output_new(n, TS_NODE_OUT_REPLY);
    o->token = token;
    o->err = err;
    o->text = text;
    if (bytes.n > 0) {
        o->bytes.p = memcpy(ts_node_need(ts_arena_alloc(&n->step, bytes.n)), bytes.p, bytes.n);
        o->bytes.n = bytes.n;
    }
}

void ts_node_outputs_reset(struct ts_node *n)
{
    for (size_t i = 0; i < n->n_sends; i++)
        ts_buf_free(&n->sends[i]);
    n->n_sends = 0;
    n->n_out = 0;
    ts_arena_reset(&n->step);
    ts_node_commit_free_done(n);
}

/* xorshift64*: jitter needs no more. */
uint64_t ts_node_random(struct ts_node *n, uint64_t below)
{
    n->random ^= n->random >> 12;
    n->random ^= n->random << 25;
    n->random ^= n->random >> 27;
    return below > 0 ? n->random * UINT64_C(2685821657736338717) % below : 0;
}

uint64_t ts_node_backoff(struct ts_node *n, uint64_t base, uint64_t max, unsigned times)
{
    uint64_t wait = base;
    for (unsigned i = 0; i < times && wait < max; i++)
        wait *= 2;
    if (wait > max)
        wait = max;
    return wait - wait / 4 + ts_node_random(n, wait / 4 + 1);
}

ts_bytes ts_node_hold(struct ts_node *n, ts_bytes raw)
{
    uint8_t *p = malloc(raw.n > 0 ? raw.n : 1);
    if (p == NULL)
        return (ts_bytes){0};
    if (raw.n > 0)
        memcpy(p, raw.p, raw.n);
    n->held_bytes += raw.n;
    return ts_bytes_of(p, raw.n);
}

void ts_node_release(struct ts_node *n, ts_bytes raw)
{
    if (raw.p == NULL)
        return;
    TS_CHECK(n->held_bytes >= raw.n);
    n->held_bytes -= raw.n;
    free((void *)(uintptr_t)raw.p);
}
