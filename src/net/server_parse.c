/* SPDX-License-Identifier: Apache-2.0 */
/* The parser's callbacks: they gather one request and refuse what is over a bound. */
#include <stdarg.h>

#include "net/server_internal.h"

int ts_conn_refuse(struct ts_conn *c, unsigned status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->refuse_text, sizeof(c->refuse_text), format, args);
    va_end(args);
    c->refuse_status = status;
    return -1;
}

static int refuse_bad(struct ts_conn *c, unsigned status, const char *text)
{
    c->server->counters.bad_requests++;
    return ts_conn_refuse(c, status, "%s", text);
}

static int head_refused(struct ts_conn *c)
{
    if (c->head.malformed)
        return refuse_bad(c, 400, "the request's header holds control characters");
    c->server->counters.bad_requests++;
    return ts_conn_refuse(c, 431, "the request's header is longer than %zu bytes or %u lines",
                          c->server->config.max_header, SERVER_MAX_HEADERS);
}

static int on_begin(http_parser *p)
{
    struct ts_conn *c = p->data;
    ts_http_head_reset(&c->head);
    ts_buf_reset(&c->body);
    c->headers_done = false;
    c->upgrade = NULL;
    c->refuse_header = NULL;
    c->begun = true;
    c->state = CONN_HEAD;
    ts_conn_set_deadline(c, c->server->config.header_ms);
    return 0;
}

static int on_target(http_parser *p, const char *at, size_t n)
{
    struct ts_conn *c = p->data;
    return ts_http_head_target(&c->head, at, n) ? 0 : head_refused(c);
}

/* The library is built in its lax mode, which takes spaces inside names; we do not: a proxy before
 * us may read such a line in another way. Trailers are read and dropped. */
static int on_name(http_parser *p, const char *at, size_t n)
{
    struct ts_conn *c = p->data;
    if (memchr(at, ' ', n))
        return refuse_bad(c, 400, "a header's name holds a space");
    if (c->headers_done)
        return 0;
    return ts_http_head_name(&c->head, at, n) ? 0 : head_refused(c);
}

static int on_value(http_parser *p, const char *at, size_t n)
{
    struct ts_conn *c = p->data;
    if (c->headers_done)
        return 0;
    return ts_http_head_value(&c->head, at, n) ? 0 : head_refused(c);
}

static int on_headers_complete(http_parser *p)
{
    struct ts_conn *c = p->data;
    if (!ts_http_head_end(&c->head))
        return head_refused(c);
    c->headers_done = true;
    c->keep_alive = http_should_keep_alive(p) != 0;
    c->state = CONN_BODY;
    ts_conn_set_deadline(c, c->server->config.body_ms);
    return ts_conn_check_head(c);
}

static int on_body(http_parser *p, const char *at, size_t n)
{
    struct ts_conn *c = p->data;
    ts_buf_put(&c->body, at, n);
    if (c->body.err == TS_OK)
        return 0;
    c->server->counters.oversized++;
    return ts_conn_refuse(c, 413, "the body is longer than %zu bytes", c->server->config.max_body);
}

static int on_complete(http_parser *p)
{
    struct ts_conn *c = p->data;
    c->complete = true;
    http_parser_pause(p, 1);
    return 0;
}

const http_parser_settings ts_server_parser_settings = {
    .on_message_begin = on_begin,
    .on_url = on_target,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

const char *ts_conn_header(const struct ts_conn *c, const char *name)
{
    return ts_http_head_get(&c->head, name);
}
