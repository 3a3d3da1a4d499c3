/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>

#include "base/check.h"
#include "net/server_internal.h"

#define PATH_SIZE 1024u

/* Writes status line, headers and body. extra: "Name: value\r\n"… */
static ts_err write_reply(struct ts_conn *c, unsigned status, const char *content_type,
                          ts_bytes extra, ts_bytes body, bool head_only)
{
    char head[512];
    char length[64] = "";
    int uv_error;
    const char *connection = "";
    if (!c->keep_alive)
        connection = "Connection: close\r\n";
    else if (c->parser.http_minor == 0)
        connection = "Connection: keep-alive\r\n";
    if (status != 204)
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", body.n);
    int n = snprintf(
        head, sizeof(head), "HTTP/1.1 %u %s\r\n%s%s%s%sX-Content-Type-Options: nosniff\r\n%s",
        status, http_status_str((enum http_status)status), content_type ? "Content-Type: " : "",
        content_type ? content_type : "", content_type ? "\r\n" : "", length, connection);
    TS_CHECK(n > 0 && (size_t)n < sizeof(head));
    ts_bytes pieces[] = {
        {(const uint8_t *)head, (size_t)n}, extra, {(const uint8_t *)"\r\n", 2}, body};
    return ts_out_write(&c->out, pieces, head_only ? 3 : 4, &uv_error);
}

/* "Access-Control-…" for a page whose origin was let in by ts_conn_check_head. */
static void put_cors(const struct ts_conn *c, struct ts_buf *extra)
{
    const char *origin = ts_conn_header(c, "origin");
    if (origin)
        ts_buf_printf(extra, "Access-Control-Allow-Origin: %s\r\nVary: Origin\r\n", origin);
}

void ts_conn_answer_and_close(struct ts_conn *c, unsigned status, const char *header,
                              const char *text)
{
    char line[320];
    if (c->state == CONN_DEAD)
        return;
    int n = snprintf(line, sizeof(line), "%s\n", text);
    TS_CHECK(n > 0 && (size_t)n < sizeof(line));
    c->keep_alive = false;
    ts_bytes extra = ts_bytes_of(header, header ? strlen(header) : 0);
    bool head_only = c->headers_done && c->parser.method == HTTP_HEAD;
    if (write_reply(c, status, "text/plain; charset=utf-8", extra, ts_bytes_of(line, (size_t)n),
                    head_only) == TS_OK)
        ts_conn_linger(c);
    else
        ts_conn_kill(c);
}

void ts_conn_detach_request(struct ts_conn *c)
{
    if (!c->req)
        return;
    c->req->conn = NULL;
    c->req = NULL;
}

/* ---- from the parser to the handler ---- */

static struct ts_http_request *make_request(struct ts_conn *c)
{
    struct ts_http_request *req = calloc(1, sizeof(*req));
    if (!req)
        return NULL;
    req->conn = c;
    req->server = c->server;
    ts_conn_identify(c, &req->is_local, &req->is_authorised);
    req->is_head = c->parser.method == HTTP_HEAD;
    memcpy(req->peer, c->peer, sizeof(req->peer));
    ts_buf_init(&req->extra, c->server->config.max_header + SERVER_MAX_EXTRA);
    put_cors(c, &req->extra);
    if (req->extra.err != TS_OK) {
        ts_buf_free(&req->extra);
        free(req);
        return NULL;
    }
    c->server->refs++;
    c->req = req;
    c->state = CONN_BUSY;
    ts_conn_set_deadline(c, c->server->config.request_ms);
    return req;
}

static void answer_options(struct ts_conn *c)
{
    struct ts_buf extra;
    ts_buf_init(&extra, 0);
    put_cors(c, &extra);
    ts_buf_printf(&extra, "Allow: POST, GET, HEAD, OPTIONS\r\n"
                          "Access-Control-Allow-Methods: POST, GET\r\n"
                          "Access-Control-Allow-Headers: Content-Type, Authorization\r\n"
                          "Access-Control-Max-Age: 600\r\n");
    ts_err err = extra.err;
    if (err == TS_OK)
        err = write_reply(c, 204, NULL, ts_buf_bytes(&extra), (ts_bytes){0}, false);
    ts_buf_free(&extra);
    if (err == TS_OK)
        ts_conn_replied(c);
    else
        ts_conn_kill(c);
}

static void dispatch_get(struct ts_conn *c, struct ts_http_request *req)
{
    const struct ts_server_config *config = &c->server->config;
    char path[PATH_SIZE];
    const char *query;
    TS_CHECK(ts_target_split(ts_http_head_get_target(&c->head), path, sizeof(path), &query));
    if (config->on_get)
        config->on_get(config->get_ctx, req, path, query);
    else
        ts_http_reply_text(req, 404, "nothing is served at %s", path);
}

void ts_conn_dispatch(struct ts_conn *c)
{
    const struct ts_server_config *config = &c->server->config;
    c->server->counters.requests++;
    if (c->upgrade) {
        ts_conn_upgrade(c);
        return;
    }
    if (c->parser.method == HTTP_OPTIONS) {
        answer_options(c);
        return;
    }
    struct ts_http_request *req = make_request(c);
    if (!req)
        ts_conn_kill(c);
    else if (c->parser.method == HTTP_POST)
        config->on_post(config->post_ctx, req, ts_buf_bytes(&c->body));
    else
        dispatch_get(c, req);
}

/* ---- the handler's side ---- */

bool ts_http_is_local(const struct ts_http_request *req)
{
    return req->is_local;
}

bool ts_http_is_authorised(const struct ts_http_request *req)
{
    return req->is_authorised;
}

bool ts_http_is_open(const struct ts_http_request *req)
{
    return req->conn != NULL;
}

const char *ts_http_peer(const struct ts_http_request *req)
{
    return req->peer;
}

const char *ts_http_header(const struct ts_http_request *req, const char *name)
{
    return req->conn ? ts_conn_header(req->conn, name) : NULL;
}

void ts_http_set_header(struct ts_http_request *req, const char *name, const char *value)
{
    TS_CHECK(strlen(name) + strlen(value) + 4 <= SERVER_MAX_EXTRA);
    TS_CHECK(!strpbrk(name, "\r\n: ") && !strpbrk(value, "\r\n"));
    ts_buf_printf(&req->extra, "%s: %s\r\n", name, value);
    TS_CHECK(req->extra.err != TS_E_LIMIT);
}

void ts_http_reply(struct ts_http_request *req, unsigned status, const char *content_type,
                   ts_bytes body)
{
    struct ts_conn *c = req->conn;
    struct ts_server *s = req->server;
    TS_CHECK(status >= 200 && status <= 599);
    TS_CHECK(content_type || body.n == 0);
    if (!c) {
        s->counters.dropped_replies++;
    } else {
        TS_CHECK(c->req == req && c->state == CONN_BUSY);
        c->req = NULL;
        if (s->closing)
            c->keep_alive = false;
        ts_err err = req->extra.err;
        if (err == TS_OK)
            err =
                write_reply(c, status, content_type, ts_buf_bytes(&req->extra), body, req->is_head);
        if (err == TS_OK)
            ts_conn_replied(c);
        else
            ts_conn_kill(c);
    }
    ts_buf_free(&req->extra);
    free(req);
    ts_server_unref(s);
}

void ts_http_reply_text(struct ts_http_request *req, unsigned status, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof(line) - 1, format, args);
    va_end(args);
    TS_CHECK(n >= 0);
    size_t len = strlen(line);
    line[len++] = '\n';
    ts_http_reply(req, status, "text/plain; charset=utf-8", ts_bytes_of(line, len));
}
