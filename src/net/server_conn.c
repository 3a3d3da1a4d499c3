/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>

#include "base/check.h"
#include "net/server_internal.h"

#define PENDING_MAX   (64u * 1024) /* input kept while a request is handled; then reading stops */
#define KEEP_BYTES    (64u * 1024) /* buffers larger than this are given back after a request */
#define REFUSE_MARGIN 64u          /* connections told 503 at one time; beyond, just closed */

uint64_t ts_conn_now(const struct ts_conn *c)
{
    return uv_now(c->server->loop);
}

void ts_conn_set_deadline(struct ts_conn *c, unsigned ms)
{
    c->deadline = ts_conn_now(c) + ms;
}

static void on_conn_closed(uv_handle_t *h)
{
    struct ts_conn *c = h->data;
    struct ts_server *s = c->server;
    if (c->ws)
        ts_conn_ws_free(c);
    if (c->prev)
        c->prev->next = c->next;
    else
        s->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    ts_http_head_free(&c->head);
    ts_buf_free(&c->body);
    ts_buf_free(&c->pending);
    free(c);
    ts_server_conn_gone(s);
}

static void leave_wake_list(struct ts_conn *c)
{
    struct ts_conn **at = &c->server->wake_list;
    while (*at && *at != c)
        at = &(*at)->wake_next;
    if (*at)
        *at = c->wake_next;
    c->waking = false;
}

void ts_conn_kill(struct ts_conn *c)
{
    if (c->state == CONN_DEAD)
        return;
    c->state = CONN_DEAD;
    c->deadline = 0;
    if (c->waking)
        leave_wake_list(c);
    ts_conn_detach_request(c);
    uv_close((uv_handle_t *)&c->tcp, on_conn_closed);
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
    struct ts_conn *c = req->data;
    if (status < 0 || c->eof)
        ts_conn_kill(c);
}

static void resume_reading(struct ts_conn *c);

void ts_conn_linger(struct ts_conn *c)
{
    if (c->state == CONN_DEAD || c->state == CONN_LINGER)
        return;
    c->state = CONN_LINGER;
    ts_conn_set_deadline(c, SERVER_LINGER_MS);
    ts_buf_free(&c->pending);
    c->shutdown.data = c;
    if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) < 0)
        ts_conn_kill(c);
    else
        resume_reading(c);
}

/* ---- input ---- */

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    struct ts_conn *c = h->data;
    (void)suggested;
    *buf = uv_buf_init(c->server->read_buf, sizeof(c->server->read_buf));
}

static void keep_pending(struct ts_conn *c, ts_bytes in)
{
    if (in.n == 0)
        return;
    ts_buf_put(&c->pending, in.p, in.n);
    if (c->pending.err != TS_OK) {
        ts_conn_kill(c);
        return;
    }
    if (c->pending.n >= PENDING_MAX && !c->read_paused) {
        c->read_paused = true;
        uv_read_stop((uv_stream_t *)&c->tcp);
    }
}

static void parser_failed(struct ts_conn *c)
{
    enum http_errno e = HTTP_PARSER_ERRNO(&c->parser);
    char text[160];
    c->server->counters.bad_requests++;
    snprintf(text, sizeof(text), "the request is no valid HTTP/1.1: %s",
             e == HPE_OK ? "data follows where none may" : http_errno_description(e));
    ts_conn_answer_and_close(c, e == HPE_HEADER_OVERFLOW ? 431 : 400, NULL, text);
}

/* Takes one step of the parser. */
static void parse_some(struct ts_conn *c, ts_bytes *in)
{
    size_t used =
        http_parser_execute(&c->parser, &ts_server_parser_settings, (const char *)in->p, in->n);
    in->p += used;
    in->n -= used;
    if (c->refuse_status != 0) {
        ts_conn_answer_and_close(c, c->refuse_status, c->refuse_header, c->refuse_text);
    } else if (c->complete) {
        c->complete = false;
        c->begun = false;
        http_parser_pause(&c->parser, 0);
        ts_conn_dispatch(c);
    } else if (HTTP_PARSER_ERRNO(&c->parser) != HPE_OK || in->n > 0) {
        parser_failed(c);
    }
}

void ts_conn_feed(struct ts_conn *c, ts_bytes in)
{
    TS_CHECK(!c->in_feed);
    c->in_feed = true;
    while (in.n > 0 && (c->state == CONN_HEAD || c->state == CONN_BODY))
        parse_some(c, &in);
    c->in_feed = false;
    switch (c->state) {
    case CONN_WS:
        if (in.n > 0)
            ts_conn_ws_feed(c, in);
        break;
    case CONN_BUSY:
    case CONN_FLUSH:
        keep_pending(c, in);
        break;
    case CONN_HEAD:
    case CONN_BODY:
        if (c->eof)
            ts_conn_kill(c);
        else
            resume_reading(c);
        break;
    case CONN_LINGER:
    case CONN_DEAD:
        break;
    }
}

static void on_end_of_input(struct ts_conn *c)
{
    c->eof = true;
    uv_read_stop((uv_stream_t *)&c->tcp);
    if (c->state == CONN_HEAD && c->waking)
        return; /* requests wait in pending; the feed sees eof after them */
    if (c->state == CONN_BUSY || c->state == CONN_FLUSH)
        return; /* half-closed: the peer may still want its reply */
    if (c->begun && (c->state == CONN_HEAD || c->state == CONN_BODY))
        c->server->counters.bad_requests++; /* cut off */
    ts_conn_kill(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct ts_conn *c = stream->data;
    if (n == 0 || c->state == CONN_DEAD)
        return;
    if (n == UV_EOF) {
        on_end_of_input(c);
        return;
    }
    if (n < 0) {
        ts_conn_kill(c);
        return;
    }
    c->server->counters.bytes_in += (uint64_t)n;
    ts_bytes in = ts_bytes_of(buf->base, (size_t)n);
    if (c->state == CONN_LINGER)
        return;
    if (c->waking)
        keep_pending(c, in); /* in order, behind what waits */
    else
        ts_conn_feed(c, in);
}

static void resume_reading(struct ts_conn *c)
{
    if (!c->read_paused || c->eof)
        return;
    c->read_paused = false;
    if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) < 0)
        ts_conn_kill(c);
}

/* ---- after a reply ---- */

static void shrink(struct ts_buf *b)
{
    ts_buf_reset(b);
    if (b->cap > KEEP_BYTES)
        ts_buf_free(b);
}

static void next_request(struct ts_conn *c)
{
    if (!c->keep_alive || c->server->closing) {
        ts_conn_linger(c);
        return;
    }
    c->state = CONN_HEAD;
    shrink(&c->body);
    ts_conn_set_deadline(c, c->server->config.idle_ms);
    if (c->in_feed)
        return; /* the loop in ts_conn_feed goes on */
    if (c->pending.n > 0)
        ts_server_wake(c);
    else if (c->eof)
        ts_conn_kill(c);
    else
        resume_reading(c);
}

void ts_conn_replied(struct ts_conn *c)
{
    c->flush_seen = ts_out_queued(&c->out);
    if (c->flush_seen == 0) {
        next_request(c);
        return;
    }
    c->state = CONN_FLUSH;
    ts_conn_set_deadline(c, c->server->config.write_ms);
}

static void on_drain(void *ctx)
{
    struct ts_conn *c = ctx;
    if (c->state == CONN_FLUSH)
        next_request(c);
}

static void on_out_error(void *ctx, int uv_error)
{
    (void)uv_error;
    ts_conn_kill(ctx);
}

/* ---- a new connection ---- */

static void read_peer(struct ts_conn *c)
{
    struct sockaddr_storage sa;
    int n = sizeof(sa);
    memset(&sa, 0, sizeof(sa));
    snprintf(c->peer, sizeof(c->peer), "unknown");
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&sa, &n) < 0)
        return;
    if (sa.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&sa;
        uv_ip6_name(v6, c->peer, sizeof(c->peer));
        c->is_local = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    } else if (sa.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&sa;
        uv_ip4_name(v4, c->peer, sizeof(c->peer));
        c->is_local = (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
    }
    /* Behind a listener that others reach, a loopback peer may be a proxy for anybody. */
    c->is_local = c->is_local && c->server->is_loopback;
}

static struct ts_conn *make_conn(struct ts_server *s)
{
    struct ts_conn *c = calloc(1, sizeof(*c));
    if (!c || uv_tcp_init(s->loop, &c->tcp) < 0) {
        free(c);
        return NULL;
    }
    c->tcp.data = c;
    c->server = s;
    c->next = s->conns;
    if (s->conns)
        s->conns->prev = c;
    s->conns = c;
    s->n_conns++;
    c->out = (struct ts_out){.stream = (uv_stream_t *)&c->tcp,
                             .bytes = &s->counters.bytes_out,
                             .on_drain = on_drain,
                             .on_error = on_out_error,
                             .ctx = c};
    http_parser_init(&c->parser, HTTP_REQUEST);
    c->parser.data = c;
    ts_http_head_init(&c->head, s->config.max_header, SERVER_MAX_HEADERS);
    ts_buf_init(&c->body, s->config.max_body);
    ts_buf_init(&c->pending, 0);
    return c;
}

void ts_conn_accept(struct ts_server *s)
{
    struct ts_conn *c = make_conn(s);
    s->accept_owed = c == NULL; /* libuv brings no other before this one is taken */
    if (!c)
        return;
    if (uv_accept(&s->listener.stream, (uv_stream_t *)&c->tcp) < 0) {
        ts_conn_kill(c);
        return;
    }
    s->counters.connections++;
    if (s->n_conns > s->config.max_connections + REFUSE_MARGIN) {
        s->counters.connections_refused++;
        ts_conn_kill(c);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    read_peer(c);
    ts_conn_set_deadline(c, s->config.idle_ms);
    c->read_paused = true;
    resume_reading(c);
    if (s->n_conns > s->config.max_connections && c->state != CONN_DEAD) {
        s->counters.connections_refused++;
        ts_conn_answer_and_close(c, 503, NULL, "too many connections");
    }
}
