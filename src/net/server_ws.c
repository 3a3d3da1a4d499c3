/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "net/server_internal.h"
#include "net/ws_handshake.h"

#define CLOSE_MS 1000u

static void on_message(void *owner, ts_bytes message, bool binary)
{
    struct ts_ws *ws = owner;
    ws->conn->server->counters.ws_messages++;
    ws->path->handlers.on_message(ws->path->ctx, ws, message, binary);
}

static struct ts_ws *make_ws(struct ts_conn *c)
{
    struct ts_ws *ws = calloc(1, sizeof(*ws));
    if (!ws)
        return NULL;
    ws->conn = c;
    ws->path = c->upgrade;
    ws->id = c->server->next_ws_id++;
    ts_conn_identify(c, &ws->is_local, &ws->is_authorised);
    ws->io.out = &c->out;
    ws->io.max_message = ws->path->max_message;
    ws->io.max_queue = ws->path->max_queue;
    ws->io.kind = ws->path->binary ? TS_WS_BINARY : TS_WS_TEXT;
    ws->io.on_message = on_message;
    ws->io.owner = ws;
    if (ts_wsio_start(&ws->io, true, ts_conn_now(c)) == TS_OK)
        return ws;
    free(ws);
    return NULL;
}

void ts_conn_upgrade(struct ts_conn *c)
{
    char accept[TS_WS_ACCEPT_SIZE];
    char reply[256];
    int uv_error;
    struct ts_ws *ws = make_ws(c);
    if (!ws) {
        ts_conn_kill(c);
        return;
    }
    ts_ws_accept(ts_conn_header(c, "sec-websocket-key"), accept);
    int n = snprintf(reply, sizeof(reply),
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                     accept);
    ts_bytes piece = ts_bytes_of(reply, (size_t)n);
    c->ws = ws;
    c->state = CONN_WS;
    c->deadline = 0;
    c->server->counters.ws_opened++;
    ts_buf_free(&c->body);
    ts_http_head_free(&c->head);
    if (ts_out_write(&c->out, &piece, 1, &uv_error) != TS_OK)
        ts_conn_kill(c);
    ws->path->handlers.on_open(ws->path->ctx, ws);
}

/* Acts on what a step of the framing has led to. */
static void settle(struct ts_conn *c, enum ts_wsio_state state)
{
    struct ts_net_counters *counters = &c->server->counters;
    if (c->state != CONN_WS)
        return;
    switch (state) {
    case TS_WSIO_OPEN:
        break;
    case TS_WSIO_DONE:
        ts_conn_linger(c);
        break;
    case TS_WSIO_BAD:
        if (c->ws->io.oversized)
            counters->oversized++;
        else
            counters->ws_bad++;
        ts_conn_linger(c);
        break;
    case TS_WSIO_OVERFLOW:
        counters->ws_overflow++;
        ts_conn_kill(c);
        break;
    case TS_WSIO_BROKEN:
        ts_conn_kill(c);
        break;
    }
}

void ts_conn_ws_feed(struct ts_conn *c, ts_bytes in)
{
    settle(c, ts_wsio_feed(&c->ws->io, in, ts_conn_now(c)));
}

void ts_conn_ws_sweep(struct ts_conn *c, uint64_t now)
{
    const struct ts_server_config *config = &c->server->config;
    if (ts_wsio_keep_alive(&c->ws->io, now, config->ws_ping_ms, config->ws_pong_ms))
        return;
    c->server->counters.ws_dead++;
    ts_conn_kill(c);
}

void ts_conn_ws_free(struct ts_conn *c)
{
    struct ts_ws *ws = c->ws;
    c->server->counters.ws_closed++;
    ws->path->handlers.on_close(ws->path->ctx, ws);
    ts_wsio_free(&ws->io);
    free(ws);
    c->ws = NULL;
}

ts_err ts_ws_send(struct ts_ws *ws, ts_bytes message, bool binary)
{
    struct ts_conn *c = ws->conn;
    if (c->state != CONN_WS)
        return TS_E_CLOSED;
    ts_err err = ts_wsio_send(&ws->io, message, binary);
    if (err == TS_OK || err == TS_E_CLOSED)
        return err;
    if (err == TS_E_BUSY)
        c->server->counters.ws_overflow++;
    ts_conn_kill(c);
    return err == TS_E_IO ? TS_E_CLOSED : err;
}

size_t ts_ws_queued(const struct ts_ws *ws)
{
    return ws->conn->state == CONN_DEAD ? 0 : ts_out_queued(&ws->conn->out);
}

void ts_ws_close(struct ts_ws *ws, uint16_t code, const char *reason)
{
    struct ts_conn *c = ws->conn;
    if (c->state != CONN_WS || ws->io.closing)
        return;
    ts_conn_set_deadline(c, CLOSE_MS);
    settle(c, ts_wsio_close(&ws->io, code, reason));
}

uint64_t ts_ws_id(const struct ts_ws *ws)
{
    return ws->id;
}

struct ts_ws *ts_server_ws(struct ts_server *s, uint64_t id)
{
    for (struct ts_conn *c = s->conns; c; c = c->next)
        if (c->ws && c->state == CONN_WS && c->ws->id == id)
            return c->ws;
    return NULL;
}

bool ts_ws_is_local(const struct ts_ws *ws)
{
    return ws->is_local;
}

bool ts_ws_is_authorised(const struct ts_ws *ws)
{
    return ws->is_authorised;
}

const char *ts_ws_peer(const struct ts_ws *ws)
{
    return ws->conn->peer;
}

void ts_ws_set_user(struct ts_ws *ws, void *user)
{
    ws->user = user;
}

void *ts_ws_user(const struct ts_ws *ws)
{
    return ws->user;
}
