/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ws_client.h"

#include <stdarg.h>

#include <http_parser.h>

#include "base/check.h"
#include "net/http_access.h"
#include "net/http_head.h"
#include "net/ws_handshake.h"
#include "net/ws_io.h"

#define READ_SIZE   (64u * 1024)
#define HEAD_MAX    (16u * 1024)
#define HEADERS_MAX 100u
#define URL_MAX     512u

enum wsc_state {
    WSC_RESOLVING,
    WSC_CONNECTING,
    WSC_UPGRADING, /* our request is sent; its answer is read */
    WSC_OPEN,
    WSC_ENDED, /* handles are closing */
};

struct ts_wsc {
    uv_tcp_t tcp;
    uv_timer_t timer; /* connect deadline, then keep-alive */
    uv_getaddrinfo_t resolve;
    uv_connect_t connect;
    struct ts_out out;
    struct ts_wsio io;
    http_parser parser;
    struct ts_http_head head;
    size_t head_bytes; /* bytes of the answer before the upgrade */
    struct ts_wsc_limits limits;
    struct ts_wsc_handlers handlers;
    void *ctx;
    enum wsc_state state;
    unsigned refs; /* handles not closed and requests not finished */
    bool silent;   /* no callback any more */
    ts_err why;
    char text[256 + URL_MAX];
    char url[URL_MAX];
    char host[256];
    char path[URL_MAX];
    uint16_t port;
    char key[TS_WS_KEY_SIZE];
    char read_buf[READ_SIZE];
};

static void fill_limits(struct ts_wsc_limits *to, const struct ts_wsc_limits *from)
{
    *to = from ? *from : (struct ts_wsc_limits){0};
    if (to->max_message == 0)
        to->max_message = 16u * 1024 * 1024;
    if (to->max_queue == 0)
        to->max_queue = 16u * 1024 * 1024;
    if (to->connect_ms == 0)
        to->connect_ms = 5000;
    if (to->ping_ms == 0)
        to->ping_ms = 15000;
    if (to->pong_ms == 0)
        to->pong_ms = 10000;
}

/* ---- the end ---- */

static void tell_close(struct ts_wsc *c)
{
    if (c->silent)
        return;
    c->silent = true;
    c->handlers.on_close(c->ctx, c, c->why, c->text);
}

static void unref(struct ts_wsc *c)
{
    if (--c->refs > 0)
        return;
    tell_close(c);
    ts_wsio_free(&c->io);
    ts_http_head_free(&c->head);
    free(c);
}

static void on_handle_closed(uv_handle_t *h)
{
    unref(h->data);
}

static void close_handles(struct ts_wsc *c)
{
    if (c->state == WSC_RESOLVING)
        uv_cancel((uv_req_t *)&c->resolve);
    c->state = WSC_ENDED;
    uv_close((uv_handle_t *)&c->tcp, on_handle_closed);
    uv_close((uv_handle_t *)&c->timer, on_handle_closed);
}

__attribute__((format(printf, 3, 4))) static void end(struct ts_wsc *c, ts_err why,
                                                      const char *format, ...)
{
    va_list args;
    if (c->state == WSC_ENDED)
        return;
    int n = snprintf(c->text, sizeof(c->text), "%s: ", c->url);
    va_start(args, format);
    vsnprintf(c->text + n, sizeof(c->text) - (size_t)n, format, args);
    va_end(args);
    c->why = why;
    close_handles(c); /* on_close comes when the handles are closed */
}

static void end_uv(struct ts_wsc *c, const char *what, int uv_error)
{
    end(c, TS_E_IO, "%s: %s", what, uv_strerror(uv_error));
}

static void end_closed(struct ts_wsc *c)
{
    uint16_t code = wslay_event_get_status_code_received(c->io.ctx);
    if (wslay_event_get_close_received(c->io.ctx) && code != WSLAY_CODE_NO_STATUS_RCVD)
        end(c, TS_E_CLOSED, "the other side closed with code %u", code);
    else
        end(c, TS_E_CLOSED, "the other side closed the connection");
}

static void settle(struct ts_wsc *c, enum ts_wsio_state state)
{
    if (c->state != WSC_OPEN)
        return;
    switch (state) {
    case TS_WSIO_OPEN:
        break;
    case TS_WSIO_DONE:
        end_closed(c);
        break;
    case TS_WSIO_BAD:
        if (c->io.oversized)
            end(c, TS_E_LIMIT, "a message is over the limit of %zu bytes", c->limits.max_message);
        else
            end(c, TS_E_CLOSED, "the other side broke the WebSocket protocol");
        break;
    case TS_WSIO_OVERFLOW:
        end(c, TS_E_LIMIT, "the queue is over its bound");
        break;
    case TS_WSIO_BROKEN:
        end(c, TS_E_IO, "writing failed");
        break;
    }
}

/* ---- reading ---- */

static void on_message(void *owner, ts_bytes message, bool binary)
{
    struct ts_wsc *c = owner;
    if (c->state == WSC_OPEN)
        c->handlers.on_message(c->ctx, c, message, binary);
}

static int on_name(http_parser *p, const char *at, size_t n)
{
    struct ts_wsc *c = p->data;
    return ts_http_head_name(&c->head, at, n) ? 0 : -1;
}

static int on_value(http_parser *p, const char *at, size_t n)
{
    struct ts_wsc *c = p->data;
    return ts_http_head_value(&c->head, at, n) ? 0 : -1;
}

static int on_headers_complete(http_parser *p)
{
    struct ts_wsc *c = p->data;
    char expect[TS_WS_ACCEPT_SIZE];
    if (!ts_http_head_end(&c->head))
        return -1;
    if (p->status_code != 101) {
        end(c, TS_E_CLOSED, "the other side answered %u instead of a WebSocket", p->status_code);
        return -1;
    }
    const char *accept = ts_http_head_get(&c->head, "sec-websocket-accept");
    const char *upgrade = ts_http_head_get(&c->head, "upgrade");
    ts_ws_accept(c->key, expect);
    if (!accept || strcmp(accept, expect) != 0 || !upgrade ||
        !ts_access_has_token(upgrade, "websocket")) {
        end(c, TS_E_CLOSED, "the other side's answer is no WebSocket handshake");
        return -1;
    }
    return 0;
}

static const http_parser_settings answer_settings = {
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_headers_complete,
};

static void on_timer(uv_timer_t *timer);

static void become_open(struct ts_wsc *c)
{
    unsigned shorter =
        c->limits.ping_ms < c->limits.pong_ms ? c->limits.ping_ms : c->limits.pong_ms;
    unsigned period = shorter / 4 < 5 ? 5 : shorter / 4;
    c->io = (struct ts_wsio){.out = &c->out,
                             .max_message = c->limits.max_message,
                             .max_queue = c->limits.max_queue,
                             .kind = TS_WS_BOTH,
                             .on_message = on_message,
                             .owner = c};
    if (ts_wsio_start(&c->io, false, uv_now(c->tcp.loop)) != TS_OK) {
        end(c, TS_E_NOMEM, "out of memory");
        return;
    }
    c->state = WSC_OPEN;
    uv_timer_start(&c->timer, on_timer, period, period);
    c->handlers.on_open(c->ctx, c);
}

static void read_answer(struct ts_wsc *c, ts_bytes *in)
{
    size_t used = http_parser_execute(&c->parser, &answer_settings, (const char *)in->p, in->n);
    in->p += used;
    in->n -= used;
    c->head_bytes += used;
    if (c->state != WSC_UPGRADING)
        return;
    if (c->parser.upgrade)
        become_open(c);
    else if (HTTP_PARSER_ERRNO(&c->parser) != HPE_OK || c->head_bytes > HEAD_MAX)
        end(c, TS_E_CLOSED, "the other side's answer is no WebSocket handshake");
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    struct ts_wsc *c = h->data;
    (void)suggested;
    *buf = uv_buf_init(c->read_buf, sizeof(c->read_buf));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct ts_wsc *c = stream->data;
    if (n == 0)
        return;
    if (n == UV_EOF) {
        end(c, TS_E_CLOSED, "the other side closed the connection");
        return;
    }
    if (n < 0) {
        end_uv(c, "reading failed", (int)n);
        return;
    }
    ts_bytes in = ts_bytes_of(buf->base, (size_t)n);
    if (c->state == WSC_UPGRADING)
        read_answer(c, &in);
    if (c->state == WSC_OPEN && in.n > 0)
        settle(c, ts_wsio_feed(&c->io, in, uv_now(c->tcp.loop)));
}

/* ---- connecting ---- */

static void on_timer(uv_timer_t *timer)
{
    struct ts_wsc *c = timer->data;
    if (c->state != WSC_OPEN)
        end(c, TS_E_TIMEOUT, "no WebSocket within %u ms", c->limits.connect_ms);
    else if (!ts_wsio_keep_alive(&c->io, uv_now(timer->loop), c->limits.ping_ms, c->limits.pong_ms))
        end(c, TS_E_TIMEOUT, "the other side does not answer pings");
}

static void on_out_error(void *ctx, int uv_error)
{
    end_uv(ctx, "writing failed", uv_error);
}

static void send_upgrade(struct ts_wsc *c)
{
    uint8_t random[16];
    char request[URL_MAX + 512];
    int uv_error = 0;
    bool v6 = strchr(c->host, ':') != NULL;
    if (uv_random(NULL, NULL, random, sizeof(random), 0, NULL) != 0) {
        end(c, TS_E_IO, "no random bytes");
        return;
    }
    ts_ws_key(random, c->key);
    int n = snprintf(request, sizeof(request),
                     "GET %s HTTP/1.1\r\nHost: %s%s%s:%u\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: %s\r\n\r\n",
                     c->path, v6 ? "[" : "", c->host, v6 ? "]" : "", c->port, c->key);
    TS_CHECK(n > 0 && (size_t)n < sizeof(request));
    ts_bytes piece = ts_bytes_of(request, (size_t)n);
    c->state = WSC_UPGRADING;
    if (ts_out_write(&c->out, &piece, 1, &uv_error) != TS_OK)
        end_uv(c, "writing failed", uv_error);
}

static void on_connect(uv_connect_t *req, int status)
{
    struct ts_wsc *c = req->data;
    if (c->state == WSC_CONNECTING && status < 0) {
        end_uv(c, "cannot connect", status);
    } else if (c->state == WSC_CONNECTING) {
        uv_tcp_nodelay(&c->tcp, 1);
        int r = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
        if (r < 0)
            end_uv(c, "reading failed", r);
        else
            send_upgrade(c);
    }
    unref(c);
}

static void start_connect(struct ts_wsc *c, const struct sockaddr *sa)
{
    c->state = WSC_CONNECTING;
    int r = uv_tcp_connect(&c->connect, &c->tcp, sa, on_connect);
    if (r < 0)
        end_uv(c, "cannot connect", r);
    else
        c->refs++; /* on_connect comes from the loop */
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    struct ts_wsc *c = req->data;
    const struct addrinfo *best = list;
    for (const struct addrinfo *a = list; a; a = a->ai_next) {
        if (a->ai_family == AF_INET) { /* most listeners have an IPv4 address */
            best = a;
            break;
        }
    }
    if (c->state == WSC_RESOLVING && (status < 0 || !best))
        end_uv(c, "cannot resolve the name", status < 0 ? status : UV_EAI_NONAME);
    else if (c->state == WSC_RESOLVING)
        start_connect(c, best->ai_addr);
    uv_freeaddrinfo(list);
    unref(c);
}

static ts_err start_resolve(struct ts_wsc *c)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char port[8];
    snprintf(port, sizeof(port), "%u", c->port);
    if (uv_getaddrinfo(c->tcp.loop, &c->resolve, on_resolved, c->host, port, &hints) < 0)
        return TS_E_IO;
    c->refs++;
    return TS_OK;
}

static ts_err start(struct ts_wsc *c)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    const char *host = strcmp(c->host, "localhost") == 0 ? "127.0.0.1" : c->host;
    uv_timer_start(&c->timer, on_timer, c->limits.connect_ms, 0);
    if (uv_ip4_addr(host, c->port, &v4) == 0)
        start_connect(c, (const struct sockaddr *)&v4);
    else if (uv_ip6_addr(host, c->port, &v6) == 0)
        start_connect(c, (const struct sockaddr *)&v6);
    else
        return start_resolve(c);
    return TS_OK;
}

/* ---- the URL ---- */

static bool copy_field(const char *url, const struct http_parser_url *u, int field, char *out,
                       size_t size)
{
    size_t n = u->field_data[field].len;
    if (!(u->field_set & (1u << field)) || n >= size)
        return false;
    memcpy(out, url + u->field_data[field].off, n);
    out[n] = '\0';
    return true;
}

static bool parse_url(struct ts_wsc *c, const char *url)
{
    struct http_parser_url u;
    http_parser_url_init(&u);
    if (strlen(url) >= URL_MAX || strncmp(url, "ws://", 5) != 0 || strpbrk(url, " \r\n\t"))
        return false;
    if (http_parser_parse_url(url, strlen(url), 0, &u) != 0 ||
        (u.field_set & ((1u << UF_USERINFO) | (1u << UF_FRAGMENT))))
        return false;
    if (!copy_field(url, &u, UF_HOST, c->host, sizeof(c->host)))
        return false;
    c->port = u.field_set & (1u << UF_PORT) ? u.port : 80;
    snprintf(c->path, sizeof(c->path), "%s",
             u.field_set & (1u << UF_PATH) ? url + u.field_data[UF_PATH].off : "/");
    memcpy(c->url, url, strlen(url) + 1);
    return c->port != 0;
}

ts_err ts_wsc_connect(uv_loop_t *loop, const char *url, const struct ts_wsc_limits *limits,
                      const struct ts_wsc_handlers *handlers, void *ctx, struct ts_wsc **out,
                      char *why, size_t why_size)
{
    struct ts_wsc *c = calloc(1, sizeof(*c));
    if (!c) {
        snprintf(why, why_size, "out of memory");
        return TS_E_NOMEM;
    }
    if (!parse_url(c, url)) {
        snprintf(why, why_size, "\"%.200s\" is no WebSocket URL such as ws://127.0.0.1:9010/feed",
                 url);
        free(c);
        return TS_E_USAGE;
    }
    int r = uv_tcp_init(loop, &c->tcp);
    if (r < 0) {
        snprintf(why, why_size, "%s: %s", url, uv_strerror(r));
        free(c);
        return TS_E_IO;
    }
    uv_timer_init(loop, &c->timer);
    c->refs = 2;
    c->tcp.data = c->timer.data = c->resolve.data = c->connect.data = c;
    fill_limits(&c->limits, limits);
    c->handlers = *handlers;
    c->ctx = ctx;
    c->out = (struct ts_out){.stream = (uv_stream_t *)&c->tcp, .on_error = on_out_error, .ctx = c};
    http_parser_init(&c->parser, HTTP_RESPONSE);
    c->parser.data = c;
    ts_http_head_init(&c->head, HEAD_MAX, HEADERS_MAX);
    if (start(c) != TS_OK) {
        snprintf(why, why_size, "%s: cannot resolve the name", url);
        ts_wsc_close(c);
        return TS_E_IO;
    }
    *out = c;
    return TS_OK;
}

/* ---- the owner's side ---- */

ts_err ts_wsc_send(struct ts_wsc *c, ts_bytes message, bool binary)
{
    if (c->state != WSC_OPEN)
        return TS_E_CLOSED;
    ts_err err = ts_wsio_send(&c->io, message, binary);
    if (err == TS_OK || err == TS_E_BUSY || err == TS_E_CLOSED)
        return err;
    end(c, err, "writing failed");
    return err == TS_E_IO ? TS_E_CLOSED : err;
}

size_t ts_wsc_queued(const struct ts_wsc *c)
{
    return c->state == WSC_OPEN ? ts_out_queued(&c->out) : 0;
}

void ts_wsc_close(struct ts_wsc *c)
{
    if (!c)
        return;
    c->silent = true;
    if (c->state == WSC_ENDED)
        return;
    if (c->state == WSC_OPEN)
        (void)ts_wsio_close(&c->io, WSLAY_CODE_NORMAL_CLOSURE, "");
    close_handles(c);
}
