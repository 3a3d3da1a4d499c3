/* SPDX-License-Identifier: Apache-2.0 */
#include "net/link.h"

#include <stdarg.h>

#include "base/check.h"
#include "net/link_internal.h"

#define DEFAULT_MAX_FRAME  (32u * 1024 * 1024)
#define DEFAULT_MAX_QUEUE  (64u * 1024 * 1024)
#define DEFAULT_CONNECT_MS 2000
#define DEFAULT_HOLD_MS    2000

void ts_link_fill_limits(struct ts_link_limits *to, const struct ts_link_limits *from)
{
    *to = from ? *from : (struct ts_link_limits){0};
    if (to->max_frame == 0)
        to->max_frame = DEFAULT_MAX_FRAME;
    if (to->max_queue == 0)
        to->max_queue = DEFAULT_MAX_QUEUE;
    if (to->max_queue < to->max_frame + TS_FRAME_HEAD)
        to->max_queue = to->max_frame + TS_FRAME_HEAD; /* one frame must always fit */
    if (to->connect_ms == 0)
        to->connect_ms = DEFAULT_CONNECT_MS;
    if (to->hold_ms == 0)
        to->hold_ms = DEFAULT_HOLD_MS;
}

static void tell_close(struct ts_link *l)
{
    if (l->silent)
        return;
    l->silent = true;
    l->handlers.on_close(l->ctx, l, l->why, l->text);
}

static void on_handle_closed(uv_handle_t *h)
{
    struct ts_link *l = h->data;
    if (--l->handles > 0)
        return;
    tell_close(l);
    ts_frame_reader_free(&l->reader);
    free(l);
}

static void close_handles(struct ts_link *l)
{
    l->state = LINK_ENDED;
    if (l->listener)
        ts_link_listener_forget(l->listener, l);
    l->listener = NULL;
    uv_close(&l->u.handle, on_handle_closed);
    uv_close((uv_handle_t *)&l->timer, on_handle_closed);
}

void ts_link_end(struct ts_link *l, ts_err why, bool now, const char *format, ...)
{
    va_list args;
    if (l->state == LINK_ENDED)
        return;
    va_start(args, format);
    vsnprintf(l->text, sizeof(l->text), format, args);
    va_end(args);
    l->why = why;
    close_handles(l);
    if (now)
        tell_close(l);
}

void ts_link_close(struct ts_link *l)
{
    if (!l)
        return;
    l->silent = true;
    if (l->state != LINK_ENDED)
        close_handles(l);
}

/* ---- reading ---- */

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    struct ts_link *l = h->data;
    (void)suggested;
    *buf = uv_buf_init(l->read_buf, sizeof(l->read_buf));
}

static void take_frames(struct ts_link *l, ts_bytes in)
{
    ts_bytes frame;
    bool have;
    ts_err err = TS_OK;
    while (l->state == LINK_OPEN) {
        err = ts_frame_reader_next(&l->reader, &in, &frame, &have);
        if (err != TS_OK || !have)
            break;
        l->handlers.on_frame(l->ctx, l, frame);
        l->frame_ns = uv_hrtime();
    }
    if (err == TS_E_LIMIT)
        ts_link_end(l, err, true, "%s: a frame of %zu bytes is over the limit of %zu", l->name,
                    l->reader.need, l->limits.max_frame);
    else if (err != TS_OK)
        ts_link_end(l, err, true, "%s: %s", l->name, ts_err_text(err));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct ts_link *l = stream->data;
    if (n > 0)
        take_frames(l, ts_bytes_of(buf->base, (size_t)n));
    else if (n == UV_EOF && ts_frame_reader_at_boundary(&l->reader))
        ts_link_end(l, TS_E_CLOSED, true, "%s: the other side closed the connection", l->name);
    else if (n == UV_EOF)
        ts_link_end(l, TS_E_TRUNCATED, true,
                    "%s: the other side closed the connection inside a frame", l->name);
    else if (n < 0)
        ts_link_end(l, TS_E_IO, true, "%s: reading failed: %s", l->name, uv_strerror((int)n));
}

void ts_link_start(struct ts_link *l)
{
    uv_timer_stop(&l->timer);
    if (l->u.handle.type == UV_TCP)
        uv_tcp_nodelay(&l->u.tcp, 1);
    l->state = LINK_OPEN;
    int r = uv_read_start(&l->u.stream, on_alloc, on_read);
    if (r < 0) {
        ts_link_end(l, TS_E_IO, true, "%s: reading failed: %s", l->name, uv_strerror(r));
        return;
    }
    l->handlers.on_open(l->ctx, l);
}

/* ---- sending ---- */

static void on_out_error(void *ctx, int uv_error)
{
    struct ts_link *l = ctx;
    ts_link_end(l, TS_E_IO, true, "%s: writing failed: %s", l->name, uv_strerror(uv_error));
}

ts_err ts_link_send(struct ts_link *l, ts_bytes body)
{
    uint8_t head[TS_FRAME_HEAD];
    int uv_error = 0;
    if (l->state != LINK_OPEN)
        return TS_E_CLOSED;
    if (body.n > l->limits.max_frame)
        return TS_E_LIMIT;
    if (ts_out_queued(&l->out) + sizeof(head) + body.n > l->limits.max_queue)
        return TS_E_BUSY;
    ts_frame_head(body.n, head);
    ts_bytes pieces[] = {{head, sizeof(head)}, body};
    ts_err err = ts_out_write(&l->out, pieces, 2, &uv_error);
    if (err == TS_OK)
        return TS_OK;
    /* A part of the frame may have gone out: the stream is of no use any more. */
    ts_link_end(l, err, false, "%s: writing failed: %s", l->name,
                err == TS_E_IO ? uv_strerror(uv_error) : ts_err_text(err));
    return err == TS_E_IO ? TS_E_CLOSED : err;
}

size_t ts_link_queued(const struct ts_link *l)
{
    return l->state == LINK_OPEN ? ts_out_queued(&l->out) : 0;
}

bool ts_link_is_open(const struct ts_link *l)
{
    return l->state == LINK_OPEN;
}

/* ---- connecting ---- */

ts_err ts_link_make(uv_loop_t *loop, bool is_unix, const char *name,
                    const struct ts_link_limits *limits, const struct ts_link_handlers *handlers,
                    void *ctx, struct ts_link **out)
{
    struct ts_link *l = malloc(sizeof(*l));
    if (!l)
        return TS_E_NOMEM;
    memset(l, 0, offsetof(struct ts_link, read_buf));
    int r = is_unix ? uv_pipe_init(loop, &l->u.pipe, 0) : uv_tcp_init(loop, &l->u.tcp);
    if (r < 0) {
        free(l);
        return TS_E_IO;
    }
    uv_timer_init(loop, &l->timer);
    l->handles = 2;
    l->u.handle.data = l;
    l->timer.data = l;
    l->connect.data = l;
    l->limits = *limits;
    l->handlers = *handlers;
    l->ctx = ctx;
    l->out = (struct ts_out){.stream = &l->u.stream, .on_error = on_out_error, .ctx = l};
    ts_frame_reader_init(&l->reader, limits->max_frame);
    snprintf(l->name, sizeof(l->name), "%s", name);
    *out = l;
    return TS_OK;
}

static void on_connect(uv_connect_t *req, int status)
{
    struct ts_link *l = req->data;
    if (l->state != LINK_CONNECTING)
        return; /* ended meanwhile; the handle is closing */
    if (status < 0)
        ts_link_end(l, TS_E_IO, true, "%s: cannot connect: %s", l->name, uv_strerror(status));
    else
        ts_link_start(l);
}

static void on_connect_deadline(uv_timer_t *timer)
{
    struct ts_link *l = timer->data;
    ts_link_end(l, TS_E_TIMEOUT, true, "%s: no connection within %u ms", l->name,
                l->limits.connect_ms);
}

ts_err ts_link_connect(uv_loop_t *loop, const struct ts_link_addr *addr,
                       const struct ts_link_limits *limits, const struct ts_link_handlers *handlers,
                       void *ctx, struct ts_link **out)
{
    struct ts_link_limits full;
    struct ts_link *l;
    int r = 0;
    ts_link_fill_limits(&full, limits);
    ts_err err = ts_link_make(loop, addr->is_unix, addr->text, &full, handlers, ctx, &l);
    if (err != TS_OK)
        return err;
    uv_timer_start(&l->timer, on_connect_deadline, full.connect_ms, 0);
    if (addr->is_unix)
        uv_pipe_connect(&l->connect, &l->u.pipe, addr->path, on_connect);
    else
        r = uv_tcp_connect(&l->connect, &l->u.tcp, (const struct sockaddr *)&addr->tcp, on_connect);
    if (r < 0)
        ts_link_end(l, TS_E_IO, false, "%s: cannot connect: %s", l->name, uv_strerror(r));
    *out = l;
    return TS_OK;
}
