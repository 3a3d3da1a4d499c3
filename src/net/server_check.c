/* SPDX-License-Identifier: Apache-2.0 */
/* The rules for a request whose head has come: what is refused, with which status and sentence. */
#include <strings.h>

#include "net/http_access.h"
#include "net/server_internal.h"

#define PATH_SIZE 1024u

/* http_parser's own flag names; they are part of its header. */
static bool has_body(const struct ts_conn *c)
{
    bool length = (c->parser.flags & F_CONTENTLENGTH) != 0;
    return (c->parser.flags & F_CHUNKED) || (length && c->parser.content_length > 0);
}

static int hex_digit(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    if (ch >= 'a' && ch <= 'f')
        return ch - 'a' + 10;
    if (ch >= 'A' && ch <= 'F')
        return ch - 'A' + 10;
    return -1;
}

/* Decodes %xx; false at a bad escape, a control character or when out is full. */
static bool decode(const char *in, size_t n, char *out, size_t size)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char ch = (unsigned char)in[i];
        if (ch == '%') {
            int hi = i + 2 < n ? hex_digit(in[i + 1]) : -1;
            int lo = i + 2 < n ? hex_digit(in[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return false;
            ch = (unsigned char)(hi * 16 + lo);
            i += 2;
        }
        if (ch < 0x20 || ch == 0x7f || ch == '\\' || k + 1 >= size)
            return false;
        out[k++] = (char)ch;
    }
    out[k] = '\0';
    return true;
}

bool ts_target_split(const char *target, char *path, size_t path_size, const char **query)
{
    size_t n = strcspn(target, "?#");
    if (target[0] != '/' || target[n] == '#' || !decode(target, n, path, path_size))
        return false;
    if (strstr(path, "//") || strstr(path, "/../") || strstr(path, "/./"))
        return false;
    const char *last = strrchr(path, '/');
    if (strcmp(last, "/..") == 0 || strcmp(last, "/.") == 0)
        return false;
    *query = target[n] == '?' ? target + n + 1 : target + n;
    return true;
}

static int bad(struct ts_conn *c, unsigned status, const char *text)
{
    c->server->counters.bad_requests++;
    return ts_conn_refuse(c, status, "%s", text);
}

static int no(struct ts_conn *c, unsigned status, const char *text)
{
    c->server->counters.refused++;
    return ts_conn_refuse(c, status, "%s", text);
}

static int check_host_and_origin(struct ts_conn *c)
{
    const struct ts_server *s = c->server;
    const char *host = ts_conn_header(c, "host");
    const char *origin = ts_conn_header(c, "origin");
    unsigned n_hosts = ts_http_head_count(&c->head, "host");
    if (n_hosts > 1 || (n_hosts == 0 && c->parser.http_minor == 1))
        return bad(c, 400, "a request has exactly one Host header");
    if (s->is_loopback && host && !ts_access_host(host, s->address, s->hosts, s->config.n_hosts))
        return no(c, 403, "the Host header names no host that is served here");
    if (origin && !ts_access_origin(origin, host ? host : "", s->origins, s->config.n_origins))
        return no(c, 403, "pages of this origin may not call");
    return 0;
}

static int check_token(struct ts_conn *c)
{
    const char *authorization = ts_conn_header(c, "authorization");
    if (!authorization || !c->server->token || !ts_access_is_bearer(authorization) ||
        ts_access_bearer(authorization, c->server->token))
        return 0;
    c->server->counters.unauthorised++;
    c->refuse_header = "WWW-Authenticate: Bearer\r\n";
    return ts_conn_refuse(c, 401, "the bearer token is wrong");
}

/* A proxy on this machine speaks for others: what it forwards is not local, whatever the socket
 * says. */
static bool is_forwarded(const struct ts_conn *c)
{
    static const char *const names[] = {"forwarded", "via", "x-forwarded-for", "x-forwarded-host",
                                        "x-real-ip"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (ts_conn_header(c, names[i]))
            return true;
    return false;
}

void ts_conn_identify(const struct ts_conn *c, bool *is_local, bool *is_authorised)
{
    const char *authorization = ts_conn_header(c, "authorization");
    *is_local = c->is_local && !is_forwarded(c);
    *is_authorised = *is_local || (authorization && c->server->token &&
                                   ts_access_bearer(authorization, c->server->token));
}

/* Fetches the body's first byte only when the rest of the head is in order. */
static int check_expect(struct ts_conn *c)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const char *expect = ts_conn_header(c, "expect");
    ts_bytes piece = {(const uint8_t *)go_on, sizeof(go_on) - 1};
    int uv_error;
    if (!expect || c->parser.http_minor == 0)
        return 0;
    if (strcasecmp(expect, "100-continue") != 0)
        return bad(c, 417, "the only expectation served is 100-continue");
    if (ts_out_write(&c->out, &piece, 1, &uv_error) != TS_OK)
        return bad(c, 400, "the connection is broken");
    return 0;
}

static int check_post(struct ts_conn *c, const char *path)
{
    size_t max = c->server->config.max_body;
    if (strcmp(path, "/") != 0)
        return no(c, 404, "POST is served at / only");
    if (!c->server->config.on_post) {
        c->refuse_header = "Allow: GET, HEAD\r\n";
        return no(c, 405, "POST is not served here");
    }
    if (!(c->parser.flags & (F_CONTENTLENGTH | F_CHUNKED)))
        return bad(c, 411, "a POST needs a Content-Length");
    if (!(c->parser.flags & F_CHUNKED) && c->parser.content_length > max) {
        c->server->counters.oversized++;
        return ts_conn_refuse(c, 413, "the body is longer than %zu bytes", max);
    }
    return check_expect(c);
}

static bool wants_websocket(struct ts_conn *c)
{
    const char *upgrade = ts_conn_header(c, "upgrade");
    const char *connection = ts_conn_header(c, "connection");
    return upgrade && connection && ts_access_has_token(upgrade, "websocket") &&
           ts_access_has_token(connection, "upgrade");
}

static int check_websocket(struct ts_conn *c, const char *path)
{
    const char *version = ts_conn_header(c, "sec-websocket-version");
    const char *key = ts_conn_header(c, "sec-websocket-key");
    const struct ts_server *s = c->server;
    if (!version || strcmp(version, "13") != 0) {
        c->refuse_header = "Sec-WebSocket-Version: 13\r\n";
        return bad(c, 426, "WebSocket version 13 is the one served");
    }
    if (c->parser.http_minor == 0 || !key || strlen(key) != 24 || strcmp(key + 22, "==") != 0)
        return bad(c, 400, "Sec-WebSocket-Key must be 16 bytes in base64");
    for (size_t i = 0; i < s->config.n_ws_paths && !c->upgrade; i++)
        if (strcmp(s->ws_paths[i].path, path) == 0)
            c->upgrade = &s->ws_paths[i];
    return c->upgrade ? 0 : no(c, 404, "no WebSocket is served at this path");
}

static int check_get(struct ts_conn *c, const char *path)
{
    if (has_body(c))
        return bad(c, 400, "a GET, HEAD or OPTIONS has no body");
    if (c->parser.method == HTTP_GET && wants_websocket(c))
        return check_websocket(c, path);
    return 0;
}

int ts_conn_check_head(struct ts_conn *c)
{
    char path[PATH_SIZE];
    const char *query;
    c->parser.upgrade = 0; /* upgrades are decided here; all other offers are ignored */
    if (c->parser.http_major != 1 || c->parser.http_minor > 1)
        return bad(c, 505, "HTTP/1.0 and HTTP/1.1 are served");
    if (ts_conn_header(c, "transfer-encoding") && !(c->parser.flags & F_CHUNKED))
        return bad(c, 501, "chunked is the only transfer encoding served");
    if (check_host_and_origin(c) != 0 || check_token(c) != 0)
        return -1;
    if (!ts_target_split(ts_http_head_get_target(&c->head), path, sizeof(path), &query))
        return bad(c, 400, "the request's target is malformed or longer than 1000 bytes");
    switch (c->parser.method) {
    case HTTP_POST:
        return check_post(c, path);
    case HTTP_GET:
    case HTTP_HEAD:
    case HTTP_OPTIONS:
        return check_get(c, path);
    default:
        c->refuse_header = "Allow: POST, GET, HEAD, OPTIONS\r\n";
        return no(c, 405, "the method is not served; POST, GET, HEAD and OPTIONS are");
    }
}
