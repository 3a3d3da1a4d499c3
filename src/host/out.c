/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_render.h"
#include "host/internal.h"

#include <stdarg.h>

/* Four operations for each of some millions of pending transactions. */
#define STEP_MAX_BYTES ((size_t)4 << 30)

void *host_alloc(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    TS_CHECK(p != NULL);
    return p;
}

struct ts_host_output *out_push(struct ts_host *h, enum ts_host_out kind)
{
    if (h->n_out == h->cap_out) {
        size_t cap = h->cap_out ? h->cap_out * 2 : 64;
        struct ts_host_output *bigger = realloc(h->out, cap * sizeof(*bigger));
        TS_CHECK(bigger != NULL);
        h->out = bigger;
        h->cap_out = cap;
    }
    struct ts_host_output *o = &h->out[h->n_out++];
    memset(o, 0, sizeof(*o));
    o->kind = kind;
    return o;
}

static const char *format_text(struct ts_arena *a, const char *format, va_list args)
{
    char text[512];
    int n = vsnprintf(text, sizeof(text), format, args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
    char *copy = ts_arena_alloc(a, len + 1);
    TS_CHECK(copy != NULL);
    memcpy(copy, text, len);
    return copy;
}

/* What an enclave said may stand in it: escaped here, where it is known what came from outside. */
void out_event(struct ts_host *h, int level, const char *event, const char *format, ...)
{
    char *pairs = ts_arena_alloc(&h->arena, TS_LOG_PAIRS_MAX);
    TS_CHECK(pairs != NULL);
    va_list args;
    va_start(args, format);
    ts_log_pairs(format, args, pairs, TS_LOG_PAIRS_MAX);
    va_end(args);
    struct ts_host_output *o = out_push(h, TS_OUT_EVENT);
    o->level = level;
    o->event = event;
    o->text = pairs;
}

void out_reply_error(struct ts_host *h, uint64_t token, ts_err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = format_text(&h->arena, format, args);
    va_end(args);
    struct ts_host_output *o = out_push(h, TS_OUT_REPLY);
    o->token = token;
    o->err = err;
    o->text = text;
}

void out_reply_bytes(struct ts_host *h, uint64_t token, ts_bytes bytes)
{
    uint8_t *copy = ts_arena_alloc(&h->arena, bytes.n);
    TS_CHECK(copy != NULL);
    if (bytes.n > 0)
        memcpy(copy, bytes.p, bytes.n);
    struct ts_host_output *o = out_push(h, TS_OUT_REPLY);
    o->token = token;
    o->bytes = ts_bytes_of(copy, bytes.n);
}

struct store_step *step_new(struct ts_host *h, int what, size_t max_ops)
{
    struct store_step *s = host_alloc(sizeof(*s));
    ts_arena_init(&s->arena, STEP_MAX_BYTES);
    s->what = what;
    s->token = ++h->next_token;
    s->ops = ts_arena_array(&s->arena, max_ops, sizeof(*s->ops));
    TS_CHECK(s->ops != NULL);
    return s;
}

struct ts_store_op *step_op(struct store_step *s, enum ts_store_op_kind kind)
{
    struct ts_store_op *op = &s->ops[s->n_ops++];
    op->kind = kind;
    return op;
}

void step_send(struct ts_host *h, struct store_step *s)
{
    s->next = h->steps;
    h->steps = s;
    struct ts_host_output *o = out_push(h, TS_OUT_STORE);
    o->token = s->token;
    o->ops = s->ops;
    o->n_ops = s->n_ops;
}

struct store_step *put_meta(struct ts_host *h, const char *key, ts_bytes value)
{
    struct store_step *s = step_new(h, STEP_META, 1);
    uint8_t *copy = ts_arena_alloc(&s->arena, value.n);
    TS_CHECK(copy != NULL);
    if (value.n > 0)
        memcpy(copy, value.p, value.n);
    struct ts_store_op *op = step_op(s, TS_OP_PUT_META);
    op->key = key;
    op->data = ts_bytes_of(copy, value.n);
    s->setting = -1;
    step_send(h, s);
    return s;
}

const char *said(struct ts_host *h, ts_bytes text)
{
    size_t n = text.n < TS_MAX_MSG_TEXT ? text.n : TS_MAX_MSG_TEXT;
    char *copy = ts_arena_alloc(&h->arena, n + 1);
    TS_CHECK(copy != NULL);
    for (size_t i = 0; i < n; i++)
        copy[i] = text.p[i] >= 0x20 && text.p[i] <= 0x7e ? (char)text.p[i] : '?';
    return copy;
}

const char *short_id(struct ts_host *h, const ts_address *id)
{
    char *text = ts_arena_alloc(&h->arena, TS_ADDRESS_HEX_SIZE);
    TS_CHECK(text != NULL);
    return ts_hex(id->b, sizeof(id->b), text);
}
