/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ws_io.h"

#include "base/check.h"

#define CONTROL_SLACK 4096u /* pongs and closes may go this far over the queue's bound */
#define HEAD_MAX      14u   /* of a WebSocket frame */
#define REASON_MAX    120u
#define KEEP_BYTES    (64u * 1024) /* buffers larger than this are given back when empty */

static ssize_t take_in(wslay_event_context_ptr ctx, uint8_t *buf, size_t n, int flags, void *user)
{
    struct ts_wsio *io = user;
    (void)flags;
    if (io->in.n == 0) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    n = n < io->in.n ? n : io->in.n;
    memcpy(buf, io->in.p, n);
    io->in.p += n;
    io->in.n -= n;
    return (ssize_t)n;
}

/* Always takes all, so that wslay is between frames whenever it returns. */
static ssize_t put_out(wslay_event_context_ptr ctx, const uint8_t *p, size_t n, int flags,
                       void *user)
{
    struct ts_wsio *io = user;
    (void)flags;
    ts_buf_put(&io->gather, p, n);
    if (io->gather.err == TS_OK)
        return (ssize_t)n;
    wslay_event_set_error(ctx, WSLAY_ERR_NOMEM);
    return -1;
}

static int make_mask(wslay_event_context_ptr ctx, uint8_t *buf, size_t n, void *user)
{
    (void)user;
    if (uv_random(NULL, NULL, buf, n, 0, NULL) == 0)
        return 0;
    wslay_event_set_error(ctx, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static void queue_close(struct ts_wsio *io, uint16_t code, const char *reason)
{
    size_t n = strlen(reason);
    if (io->closing)
        return;
    io->closing = true;
    n = n < REASON_MAX ? n : REASON_MAX;
    (void)wslay_event_queue_close(io->ctx, code, (const uint8_t *)reason, n);
}

static void refuse_message(struct ts_wsio *io, uint16_t code, const char *reason)
{
    queue_close(io, code, reason);
    wslay_event_shutdown_read(io->ctx);
}

static void on_frame_start(wslay_event_context_ptr ctx,
                           const struct wslay_event_on_frame_recv_start_arg *arg, void *user)
{
    struct ts_wsio *io = user;
    (void)ctx;
    io->in_data_frame = !wslay_is_ctrl_frame(arg->opcode);
    if (!io->in_data_frame || io->closing)
        return;
    if ((arg->opcode == WSLAY_BINARY_FRAME && io->kind == TS_WS_TEXT) ||
        (arg->opcode == WSLAY_TEXT_FRAME && io->kind == TS_WS_BINARY)) {
        refuse_message(io, WSLAY_CODE_UNSUPPORTED_DATA,
                       io->kind == TS_WS_TEXT ? "only text messages are taken here"
                                              : "only binary messages are taken here");
    } else if (arg->payload_length > io->max_message - io->message.n) {
        io->oversized = true;
        refuse_message(io, WSLAY_CODE_MESSAGE_TOO_BIG, "the message is too long");
    }
}

/* wslay keeps the bytes of control frames itself. */
static void on_frame_chunk(wslay_event_context_ptr ctx,
                           const struct wslay_event_on_frame_recv_chunk_arg *arg, void *user)
{
    struct ts_wsio *io = user;
    (void)ctx;
    if (io->in_data_frame && !io->closing && arg->data_length > 0)
        ts_buf_put(&io->message, arg->data, arg->data_length);
}

static void drop_large(struct ts_buf *b)
{
    ts_buf_reset(b);
    if (b->cap > KEEP_BYTES)
        ts_buf_free(b);
}

static void on_msg(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *arg,
                   void *user)
{
    struct ts_wsio *io = user;
    (void)ctx;
    if (wslay_is_ctrl_frame(arg->opcode))
        return;
    if (io->message.err != TS_OK)
        refuse_message(io, WSLAY_CODE_INTERNAL_SERVER_ERROR, "out of memory");
    else if (!io->closing)
        io->on_message(io->owner, ts_buf_bytes(&io->message), arg->opcode == WSLAY_BINARY_FRAME);
    drop_large(&io->message);
}

static const struct wslay_event_callbacks server_callbacks = {
    .recv_callback = take_in,
    .send_callback = put_out,
    .on_frame_recv_start_callback = on_frame_start,
    .on_frame_recv_chunk_callback = on_frame_chunk,
    .on_msg_recv_callback = on_msg,
};

static const struct wslay_event_callbacks client_callbacks = {
    .recv_callback = take_in,
    .send_callback = put_out,
    .genmask_callback = make_mask,
    .on_frame_recv_start_callback = on_frame_start,
    .on_frame_recv_chunk_callback = on_frame_chunk,
    .on_msg_recv_callback = on_msg,
};

ts_err ts_wsio_start(struct ts_wsio *io, bool is_server, uint64_t now)
{
    int r = is_server ? wslay_event_context_server_init(&io->ctx, &server_callbacks, io)
                      : wslay_event_context_client_init(&io->ctx, &client_callbacks, io);
    if (r != 0) {
        io->ctx = NULL;
        return TS_E_NOMEM;
    }
    /* Messages are put together here, so that memory follows the bytes and not the claimed length;
     * the bound is on_frame_start's. */
    wslay_event_config_set_no_buffering(io->ctx, 1);
    wslay_event_config_set_max_recv_msg_length(io->ctx, INT64_MAX);
    ts_buf_init(&io->gather, 0);
    ts_buf_init(&io->message, io->max_message);
    io->last_in = now;
    return TS_OK;
}

void ts_wsio_free(struct ts_wsio *io)
{
    if (io->ctx)
        wslay_event_context_free(io->ctx);
    io->ctx = NULL;
    ts_buf_free(&io->gather);
    ts_buf_free(&io->message);
}

/* Lets wslay make its frames and hands them over. */
static enum ts_wsio_state flush(struct ts_wsio *io)
{
    int uv_error = 0;
    ts_err err = TS_OK;
    if (wslay_event_send(io->ctx) != 0)
        return TS_WSIO_BROKEN;
    if (ts_out_queued(io->out) + io->gather.n > io->max_queue + CONTROL_SLACK)
        return TS_WSIO_OVERFLOW;
    if (io->gather.n > 0) {
        ts_bytes all = ts_buf_bytes(&io->gather);
        err = ts_out_write(io->out, &all, 1, &uv_error);
        drop_large(&io->gather);
    }
    return err == TS_OK ? TS_WSIO_OPEN : TS_WSIO_BROKEN;
}

static enum ts_wsio_state after(struct ts_wsio *io)
{
    enum ts_wsio_state state = flush(io);
    if (state != TS_WSIO_OPEN)
        return state;
    if (wslay_event_get_close_received(io->ctx) && wslay_event_get_close_sent(io->ctx))
        return TS_WSIO_DONE;
    return wslay_event_get_read_enabled(io->ctx) ? TS_WSIO_OPEN : TS_WSIO_BAD;
}

enum ts_wsio_state ts_wsio_feed(struct ts_wsio *io, ts_bytes in, uint64_t now)
{
    io->last_in = now;
    io->ping_at = 0;
    io->in = in;
    int r = wslay_event_recv(io->ctx);
    io->in = (ts_bytes){0};
    if (r != 0 && r != WSLAY_ERR_CALLBACK_FAILURE)
        return TS_WSIO_BROKEN;
    if (wslay_event_get_close_received(io->ctx) || !wslay_event_get_read_enabled(io->ctx))
        io->closing = true;
    return after(io);
}

ts_err ts_wsio_send(struct ts_wsio *io, ts_bytes message, bool binary)
{
    struct wslay_event_msg msg = {.opcode = binary ? WSLAY_BINARY_FRAME : WSLAY_TEXT_FRAME,
                                  .msg = message.p,
                                  .msg_length = message.n};
    if (io->closing)
        return TS_E_CLOSED;
    if (ts_out_queued(io->out) + HEAD_MAX + message.n > io->max_queue)
        return TS_E_BUSY;
    int r = wslay_event_queue_msg(io->ctx, &msg);
    if (r != 0)
        return r == WSLAY_ERR_NOMEM ? TS_E_NOMEM : TS_E_CLOSED;
    return flush(io) == TS_WSIO_OPEN ? TS_OK : TS_E_IO;
}

enum ts_wsio_state ts_wsio_close(struct ts_wsio *io, uint16_t code, const char *reason)
{
    queue_close(io, code, reason);
    return flush(io);
}

bool ts_wsio_keep_alive(struct ts_wsio *io, uint64_t now, unsigned ping_ms, unsigned pong_ms)
{
    struct wslay_event_msg ping = {.opcode = WSLAY_PING};
    if (io->ping_at != 0)
        return now - io->ping_at < pong_ms;
    if (io->closing || now - io->last_in < ping_ms)
        return true;
    io->ping_at = now != 0 ? now : 1;
    return wslay_event_queue_msg(io->ctx, &ping) == 0 && flush(io) == TS_WSIO_OPEN;
}
