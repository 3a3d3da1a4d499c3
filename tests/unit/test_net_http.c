/* SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

#include "base/buf.h"
#include "base/check.h"
#include "net/server.h"

#define HOST   "Host: localhost\r\n"
#define POST_7 "POST / HTTP/1.1\r\n" HOST "Content-Length: 7\r\n\r\n{\"a\":1}"

struct fixture {
    uv_loop_t loop;
    struct ts_server *server;
    uint16_t port;
    struct raw_in in;
    /* what the handler saw */
    unsigned posts;
    unsigned gets;
    size_t last_body_n;
    char last_body[64];
    char last_path[128];
    char last_query[64];
    bool last_local;
    bool last_authorised;
    struct ts_http_request *held[64]; /* not answered yet, when hold is set */
    unsigned n_held;
    bool hold;
    size_t answer_n; /* bytes of zeroes to answer with, 0: an echo of the body */
    bool closed;
};

static void on_post(void *ctx, struct ts_http_request *req, ts_bytes body)
{
    struct fixture *f = ctx;
    f->posts++;
    f->last_body_n = body.n;
    snprintf(f->last_body, sizeof(f->last_body), "%.*s", (int)(body.n < 60 ? body.n : 60),
             (const char *)body.p);
    f->last_local = ts_http_is_local(req);
    f->last_authorised = ts_http_is_authorised(req);
    assert_non_null(strstr(ts_http_peer(req), "127.0.0.1"));
    if (f->hold) {
        assert_true(f->n_held < TS_COUNT(f->held));
        f->held[f->n_held++] = req;
    } else if (f->answer_n > 0) {
        uint8_t *big = calloc(1, f->answer_n);
        ts_http_reply(req, 200, "application/octet-stream", ts_bytes_of(big, f->answer_n));
        free(big);
    } else {
        ts_http_reply(req, 200, "application/json", body);
    }
}

static void on_get(void *ctx, struct ts_http_request *req, const char *path, const char *query)
{
    struct fixture *f = ctx;
    f->gets++;
    snprintf(f->last_path, sizeof(f->last_path), "%s", path);
    snprintf(f->last_query, sizeof(f->last_query), "%s", query);
    if (strcmp(path, "/healthz") == 0) {
        const char *ua = ts_http_header(req, "user-agent");
        ts_http_set_header(req, "X-Agent", ua ? ua : "none");
        ts_http_reply_text(req, 200, "ok");
    } else {
        ts_http_reply_text(req, 404, "no such path: %s", path);
    }
}

static void start_with(struct fixture *f, struct ts_server_config *config)
{
    char why[256];
    memset(f, 0, sizeof(*f));
    loop_start(&f->loop);
    config->on_post = on_post;
    config->post_ctx = f;
    config->on_get = on_get;
    config->get_ctx = f;
    if (ts_server_new(&f->loop, config, &f->server, why, sizeof(why)) != TS_OK)
        fail_msg("%s", why);
    f->port = ts_server_port(f->server);
    assert_true(f->port != 0);
}

static void on_done(void *ctx)
{
    struct fixture *f = ctx;
    f->closed = true;
}

static void stop(struct fixture *f)
{
    ts_server_close(f->server, 0, on_done, f);
    PUMP_UNTIL(&f->loop, f->closed, 2000);
    assert_true(f->closed);
    loop_end(&f->loop);
}

static struct fixture *start(struct ts_server_config *config)
{
    struct fixture *f = malloc(sizeof(*f));
    start_with(f, config);
    return f;
}

static void finish(struct fixture *f)
{
    stop(f);
    free(f);
}

static const struct ts_net_counters *counters(struct fixture *f)
{
    return ts_server_counters(f->server);
}

/* Sends a request on a new connection and expects text in the answer, and the end when told. */
static void ask(struct fixture *f, const char *request, const char *expect, bool expect_end)
{
    int fd = raw_tcp(f->port);
    memset(&f->in, 0, sizeof(f->in));
    raw_puts(&f->loop, fd, request);
    EXPECT_TEXT(&f->loop, fd, &f->in, expect);
    if (expect_end)
        EXPECT_EOF(&f->loop, fd, &f->in);
    else
        assert_false(raw_eof(fd, &f->in));
    close(fd);
}

static void post_and_keep_alive(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    int fd = raw_tcp(f->port);
    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        raw_puts(&f->loop, fd, POST_7);
        PUMP_UNTIL(&f->loop, (raw_read(fd, &f->in), raw_count(&f->in, "{\"a\":1}") == i), 2000);
        assert_int_equal(raw_count(&f->in, "HTTP/1.1 200 OK"), i);
    }
    assert_int_equal(f->posts, 3);
    assert_true(f->last_local);
    assert_true(f->last_authorised);
    assert_int_equal(counters(f)->requests, 3);
    assert_int_equal(counters(f)->connections, 1);
    close(fd);
    finish(f);
}

static void pipelined(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    struct ts_buf many;
    (void)state;
    ts_buf_init(&many, 0);
    for (int i = 0; i < 200; i++)
        ts_buf_printf(&many, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n<%03d>", i);
    int fd = raw_tcp(f->port);
    raw_send(&f->loop, fd, many.p, many.n);
    PUMP_UNTIL(&f->loop, (raw_read(fd, &f->in), raw_count(&f->in, "HTTP/1.1 200") == 200), 5000);
    /* Each answered, in order. */
    const char *at = f->in.p;
    for (int i = 0; i < 200; i++) {
        char expect[8];
        snprintf(expect, sizeof(expect), "<%03d>", i);
        at = strstr(at, expect);
        assert_non_null(at);
    }
    close(fd);
    ts_buf_free(&many);
    finish(f);
}

/* The same with answers that come later: the second request must wait for the first. */
static void pipelined_asynchronous(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    int fd = raw_tcp(f->port);
    (void)state;
    f->hold = true;
    raw_puts(&f->loop, fd, POST_7 POST_7 POST_7);
    for (unsigned i = 1; i <= 3; i++) {
        PUMP_UNTIL(&f->loop, f->n_held == i, 2000);
        pump_ms(&f->loop, 5);
        assert_int_equal(f->n_held, i);
        ts_http_reply_text(f->held[i - 1], 200, "answer %u", i);
        assert_int_equal(f->n_held, i); /* the next handler does not run inside the reply */
    }
    EXPECT_TEXT(&f->loop, fd, &f->in, "answer 3");
    close(fd);
    finish(f);
}

static void byte_by_byte(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    const char *text = POST_7;
    int fd = raw_tcp(f->port);
    (void)state;
    for (size_t i = 0; i < strlen(text); i++) {
        raw_send(&f->loop, fd, text + i, 1);
        pump_once(&f->loop);
    }
    EXPECT_TEXT(&f->loop, fd, &f->in, "\r\n\r\n{\"a\":1}");
    assert_string_equal(f->last_body, "{\"a\":1}");
    close(fd);
    finish(f);
}

static void chunked_body(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){.max_body = 16});
    (void)state;
    ask(f,
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
        "3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\nTrailer: x\r\n\r\n",
        "{\"a\":1}", false);
    ask(f,
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
        "a\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
        "HTTP/1.1 413 ", true);
    assert_int_equal(counters(f)->oversized, 1);
    finish(f);
}

struct bad {
    const char *request;
    const char *expect;
};

static const struct bad bad_requests[] = {
    {"\x01\x02garbage\r\n\r\n", "HTTP/1.1 400 "},
    {"FOO / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
    {"GET / HTTP/3.0\r\n" HOST "\r\n", "HTTP/1.1 505 "},
    {"GET /\r\n\r\n", "HTTP/1.1 505 "},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 400 "},
    {"GET / HTTP/1.1\r\n\r\n", "exactly one Host"},
    {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", "exactly one Host"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 7\r\nContent-Length: 3\r\n\r\n{\"a\":1}",
     "HTTP/1.1 400 "},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 7\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
     "HTTP/1.1 400 "},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "HTTP/1.1 400 "},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 501 "},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: -7\r\n\r\n{\"a\":1}", "HTTP/1.1 400 "},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 7x\r\n\r\n{\"a\":1}", "HTTP/1.1 400 "},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n", "HTTP/1.1 400 "},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length : 7\r\n\r\n{\"a\":1}", "HTTP/1.1 400 "},
    {"POST / HTTP/1.1\r\n" HOST "no colon here\r\n\r\n", "HTTP/1.1 400 "},
    {"POST / HTTP/1.1\r\n" HOST "X: a\x01z\r\n\r\n", "HTTP/1.1 400 "},
    {"POST / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 411 "},
    {"POST / HTTP/1.1\r\n" HOST "Expect: magic\r\nContent-Length: 1\r\n\r\n", "HTTP/1.1 417 "},
    {"POST /elsewhere HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", "HTTP/1.1 404 "},
    {"PUT / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", "HTTP/1.1 405 "},
    {"DELETE / HTTP/1.1\r\n" HOST "\r\n", "Allow: POST, GET, HEAD, OPTIONS"},
    {"CONNECT x:1 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 40"},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", "HTTP/1.1 400 "},
    {"GET /../etc/passwd HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
    {"GET /a/%2e%2e/b HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
    {"GET /a/.. HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
    {"GET //a HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
    {"GET /%zz HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
    {"GET /%0a HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
    {"GET /%00 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
    {"GET http://localhost/ HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
    {"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "HTTP/1.1 403 "},
    {"GET / HTTP/1.1\r\nHost: 10.0.0.1:80\r\n\r\n", "HTTP/1.1 403 "},
    {"GET / HTTP/1.1\r\n" HOST "Origin: http://evil.example\r\n\r\n", "HTTP/1.1 403 "},
    {"GET / HTTP/1.1\r\n" HOST "Origin: null\r\n\r\n", "HTTP/1.1 403 "},
    {"OPTIONS / HTTP/1.1\r\n" HOST "Origin: http://evil.example\r\n\r\n", "HTTP/1.1 403 "},
};

static void malformed_and_refused(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    (void)state;
    for (size_t i = 0; i < TS_COUNT(bad_requests); i++) {
        uint64_t before = counters(f)->bad_requests + counters(f)->refused;
        ask(f, bad_requests[i].request, bad_requests[i].expect, true);
        if (counters(f)->bad_requests + counters(f)->refused != before + 1)
            fail_msg(
                "counted %llu times: %s",
                (unsigned long long)(counters(f)->bad_requests + counters(f)->refused - before),
                bad_requests[i].request);
    }
    assert_int_equal(f->posts, 0);
    assert_int_equal(f->gets, 0);
    /* A request that is cut off is counted too. */
    uint64_t before = counters(f)->bad_requests;
    int fd = raw_tcp(f->port);
    raw_puts(&f->loop, fd, "POST / HTTP/1.1\r\n" HOST "Content-Length: 7\r\n\r\n{");
    pump_ms(&f->loop, 5);
    close(fd);
    PUMP_UNTIL(&f->loop, ts_server_connections(f->server) == 0, 2000);
    assert_int_equal(counters(f)->bad_requests, before + 1);
    ask(f, POST_7, "{\"a\":1}", false); /* and it goes on */
    finish(f);
}

/* http_parser itself lets these through as the first byte of a value. */
static void control_characters(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    const char *with[] = {"\0", "\x01", "\x7f", "\x1b"};
    (void)state;
    for (size_t i = 0; i < TS_COUNT(with); i++) {
        int fd = raw_tcp(f->port);
        memset(&f->in, 0, sizeof(f->in));
        raw_puts(&f->loop, fd, "GET / HTTP/1.1\r\n" HOST "X: ");
        raw_send(&f->loop, fd, with[i], 1);
        raw_puts(&f->loop, fd, "abc\r\n\r\n");
        EXPECT_TEXT(&f->loop, fd, &f->in, "HTTP/1.1 400 ");
        EXPECT_EOF(&f->loop, fd, &f->in);
        close(fd);
    }
    assert_int_equal(counters(f)->bad_requests, TS_COUNT(with));
    finish(f);
}

static void header_bounds(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    struct ts_buf b;
    (void)state;
    ts_buf_init(&b, 0);
    ts_buf_printf(&b, "GET / HTTP/1.1\r\n" HOST "X: ");
    for (int i = 0; i < 20000; i++)
        ts_buf_put_byte(&b, 'a');
    ts_buf_printf(&b, "\r\n\r\n%c", 0);
    ask(f, (const char *)b.p, "HTTP/1.1 431 ", true);
    ts_buf_reset(&b);
    ts_buf_printf(&b, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 101; i++)
        ts_buf_printf(&b, "X%d: 1\r\n", i);
    ts_buf_printf(&b, "\r\n%c", 0);
    ask(f, (const char *)b.p, "HTTP/1.1 431 ", true);
    ts_buf_reset(&b);
    ts_buf_printf(&b, "GET /");
    for (int i = 0; i < 9000; i++)
        ts_buf_put_byte(&b, 'a');
    ts_buf_printf(&b, " HTTP/1.1\r\n" HOST "\r\n%c", 0);
    ask(f, (const char *)b.p, "HTTP/1.1 400 ", true);
    ts_buf_free(&b);
    finish(f);
}

static void body_bound(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){.max_body = 1000});
    struct ts_buf b;
    (void)state;
    ask(f, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n", "longer than 1000 bytes",
        true);
    assert_int_equal(counters(f)->oversized, 1);
    /* A client that sends it all the same must still be able to read why. */
    ts_buf_init(&b, 0);
    ts_buf_printf(&b, "POST / HTTP/1.1\r\n" HOST "Content-Length: 4000000\r\n\r\n");
    memset(ts_buf_extend(&b, 4000000), 'x', 4000000);
    int fd = raw_tcp(f->port);
    memset(&f->in, 0, sizeof(f->in));
    raw_send(&f->loop, fd, b.p, b.n);
    EXPECT_TEXT(&f->loop, fd, &f->in, "HTTP/1.1 413 ");
    close(fd);
    ts_buf_reset(&b);
    ts_buf_printf(&b, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n");
    memset(ts_buf_extend(&b, 1000), 'y', 1000);
    ts_buf_put_byte(&b, 0);
    ask(f, (const char *)b.p, "HTTP/1.1 200 ", false);
    assert_int_equal(f->last_body_n, 1000);
    ts_buf_free(&b);
    finish(f);
}

static void get_requests(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    (void)state;
    ask(f, "GET /healthz HTTP/1.1\r\n" HOST "User-Agent: me\r\n\r\n", "X-Agent: me\r\n", false);
    assert_non_null(strstr(f->in.p, "\r\n\r\nok\n"));
    ask(f, "GET /a%20b?x=%201 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404 ", false);
    assert_string_equal(f->last_path, "/a b");
    assert_string_equal(f->last_query, "x=%201");
    ask(f, "HEAD /healthz HTTP/1.1\r\n" HOST "\r\n", "Content-Length: 3\r\n", false);
    pump_ms(&f->loop, 5);
    assert_false(raw_has(-1, &f->in, "ok\n"));
    ask(f, "GET /healthz HTTP/1.0\r\n\r\n", "Connection: close", true);
    ask(f, "GET /healthz HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "ok\n", true);
    ask(f, "GET /healthz HTTP/1.1\r\n" HOST "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "ok\n",
        false);
    finish(f);
}

static void expect_continue(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    int fd = raw_tcp(f->port);
    (void)state;
    raw_puts(&f->loop, fd,
             "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_TEXT(&f->loop, fd, &f->in, "HTTP/1.1 100 Continue\r\n\r\n");
    raw_puts(&f->loop, fd, "{}");
    EXPECT_TEXT(&f->loop, fd, &f->in, "HTTP/1.1 200 OK");
    close(fd);
    finish(f);
}

static void slow_clients(void **state)
{
    struct ts_server_config config = {.header_ms = 60, .body_ms = 80, .idle_ms = 100};
    struct fixture *f = start(&config);
    int slow = raw_tcp(f->port);
    (void)state;
    /* One byte now and then does not buy more time. */
    for (int i = 0; i < 30 && !raw_eof(slow, &f->in); i++) {
        raw_puts(&f->loop, slow, i == 0 ? "GET / HTTP/1.1\r\nX: " : "a");
        pump_ms(&f->loop, 5);
    }
    EXPECT_TEXT(&f->loop, slow, &f->in, "HTTP/1.1 408 ");
    assert_non_null(strstr(f->in.p, "header"));
    close(slow);
    assert_int_equal(counters(f)->timeouts, 1);
    ask(f, "POST / HTTP/1.1\r\n" HOST "Content-Length: 7\r\n\r\n{\"a", "body did not arrive", true);
    assert_int_equal(counters(f)->timeouts, 2);
    /* One that never sends anything is closed without a word. */
    int idle = raw_tcp(f->port);
    memset(&f->in, 0, sizeof(f->in));
    EXPECT_EOF(&f->loop, idle, &f->in);
    assert_int_equal(f->in.n, 0);
    assert_int_equal(counters(f)->timeouts, 2);
    close(idle);
    finish(f);
}

static void slow_reader(void **state)
{
    struct ts_server_config config = {.write_ms = 80};
    struct fixture *f = start(&config);
    int fd = raw_tcp(f->port);
    (void)state;
    f->answer_n = 30u << 20;
    raw_puts(&f->loop, fd, POST_7 POST_7);
    PUMP_UNTIL(&f->loop, counters(f)->timeouts == 1, 3000);
    assert_int_equal(counters(f)->timeouts, 1);
    assert_int_equal(f->posts, 1); /* the second one waited for the first reply to be taken */
    PUMP_UNTIL(&f->loop, ts_server_connections(f->server) == 0, 2000);
    close(fd);
    /* One that does read gets it all, and then the next. */
    f->answer_n = 3u << 20;
    fd = raw_tcp(f->port);
    raw_puts(&f->loop, fd, POST_7 POST_7);
    size_t got = 0;
    memset(&f->in, 0, sizeof(f->in));
    PUMP_UNTIL(&f->loop, (raw_read(fd, &f->in), got += f->in.n, f->in.n = 0, got > (6u << 20)),
               5000);
    assert_int_equal(f->posts, 3);
    assert_true(got > (6u << 20) && got < (6u << 20) + 1000);
    close(fd);
    finish(f);
}

static void reply_after_the_client_has_gone(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    struct linger hard = {1, 0};
    (void)state;
    f->hold = true;
    int fd = raw_tcp(f->port);
    raw_puts(&f->loop, fd, POST_7);
    PUMP_UNTIL(&f->loop, f->n_held == 1, 2000);
    assert_true(ts_http_is_open(f->held[0]));
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(fd); /* a reset */
    PUMP_UNTIL(&f->loop, !ts_http_is_open(f->held[0]), 2000);
    assert_false(ts_http_is_open(f->held[0]));
    ts_http_reply_text(f->held[0], 200, "too late");
    assert_int_equal(counters(f)->dropped_replies, 1);
    finish(f);
}

/* A client that closes only its sending side still gets the reply. */
static void half_open(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    (void)state;
    f->hold = true;
    int fd = raw_tcp(f->port);
    raw_puts(&f->loop, fd, POST_7 POST_7);
    shutdown(fd, SHUT_WR);
    PUMP_UNTIL(&f->loop, f->n_held == 1, 2000);
    pump_ms(&f->loop, 10);
    ts_http_reply_text(f->held[0], 200, "first");
    PUMP_UNTIL(&f->loop, f->n_held == 2, 2000);
    ts_http_reply_text(f->held[1], 200, "second");
    EXPECT_TEXT(&f->loop, fd, &f->in, "second");
    EXPECT_EOF(&f->loop, fd, &f->in);
    assert_int_equal(raw_count(&f->in, "HTTP/1.1 200"), 2);
    close(fd);
    PUMP_UNTIL(&f->loop, ts_server_connections(f->server) == 0, 2000);
    assert_int_equal(ts_server_connections(f->server), 0);
    finish(f);
}

static void handler_deadline(void **state)
{
    struct ts_server_config config = {.request_ms = 50};
    struct fixture *f = start(&config);
    (void)state;
    f->hold = true;
    ask(f, POST_7, "HTTP/1.1 504 ", true);
    assert_int_equal(counters(f)->late, 1);
    assert_false(ts_http_is_open(f->held[0]));
    ts_http_reply_text(f->held[0], 200, "too late");
    assert_int_equal(counters(f)->dropped_replies, 1);
    finish(f);
}

static void reply_after_the_server_has_gone(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    (void)state;
    f->hold = true;
    int fd = raw_tcp(f->port);
    raw_puts(&f->loop, fd, POST_7);
    PUMP_UNTIL(&f->loop, f->n_held == 1, 2000);
    stop(f);
    assert_false(ts_http_is_open(f->held[0]));
    ts_http_set_header(f->held[0], "X", "y");
    ts_http_reply_text(f->held[0], 200, "nobody there");
    close(fd);
    free(f);
}

static void close_with_grace(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    struct raw_in *in = calloc(1, sizeof(*in));
    (void)state;
    f->hold = true;
    int busy = raw_tcp(f->port);
    int idle = raw_tcp(f->port);
    raw_puts(&f->loop, busy, POST_7);
    PUMP_UNTIL(&f->loop, f->n_held == 1 && ts_server_connections(f->server) == 2, 2000);
    ts_server_close(f->server, 2000, on_done, f);
    EXPECT_EOF(&f->loop, idle, in);
    pump_ms(&f->loop, 20);
    assert_false(f->closed);
    ts_http_reply_text(f->held[0], 200, "the last one");
    EXPECT_TEXT(&f->loop, busy, &f->in, "the last one");
    assert_non_null(strstr(f->in.p, "Connection: close"));
    close(busy);
    close(idle);
    PUMP_UNTIL(&f->loop, f->closed, 3000);
    assert_true(f->closed);
    loop_end(&f->loop);
    free(in);
    free(f);
}

static void many_connections(void **state)
{
    struct ts_server_config config = {.max_connections = 50};
    struct fixture *f = start(&config);
    int fds[60];
    unsigned refused = 0;
    (void)state;
    for (size_t i = 0; i < TS_COUNT(fds); i++)
        fds[i] = raw_tcp(f->port);
    PUMP_UNTIL(&f->loop, counters(f)->connections == 60, 2000);
    assert_int_equal(counters(f)->connections_refused, 10);
    for (size_t i = 0; i < TS_COUNT(fds); i++) {
        memset(&f->in, 0, sizeof(f->in));
        raw_puts(&f->loop, fds[i], POST_7);
        PUMP_UNTIL(&f->loop, raw_has(fds[i], &f->in, "\r\n\r\n"), 2000);
        refused += strstr(f->in.p, "HTTP/1.1 503 ") != NULL;
    }
    assert_int_equal(refused, 10);
    assert_int_equal(f->posts, 50);
    for (size_t i = 0; i < TS_COUNT(fds); i++)
        close(fds[i]);
    PUMP_UNTIL(&f->loop, ts_server_connections(f->server) == 0, 3000);
    ask(f, POST_7, "{\"a\":1}", false);
    finish(f);
}

static void hosts_and_origins(void **state)
{
    const char *hosts[] = {"Node.example"};
    const char *origins[] = {"https://app.example"};
    struct ts_server_config config = {
        .hosts = hosts, .n_hosts = 1, .origins = origins, .n_origins = 1};
    struct fixture *f = start(&config);
    char text[256];
    (void)state;
    const char *good[] = {"localhost", "LOCALHOST:8545", "127.0.0.1:1",    "[::1]:80",
                          "127.1.2.3", "a.localhost",    "node.example:99"};
    const char *wrong[] = {"localhost.evil.example",
                           "evil.example",
                           "[::1",
                           "[::2]:80",
                           "",
                           "0.0.0.0",
                           "notlocalhost"};
    for (size_t i = 0; i < TS_COUNT(good); i++) {
        snprintf(text, sizeof(text), "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", good[i]);
        ask(f, text, "HTTP/1.1 200 ", false);
    }
    for (size_t i = 0; i < TS_COUNT(wrong); i++) {
        snprintf(text, sizeof(text), "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", wrong[i]);
        ask(f, text, "HTTP/1.1 403 ", true);
    }
    ask(f, "POST / HTTP/1.1\r\n" HOST "Origin: http://localhost\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 ", false);
    ask(f, "POST / HTTP/1.1\r\n" HOST "Origin: https://app.example\r\nContent-Length: 2\r\n\r\n{}",
        "Access-Control-Allow-Origin: https://app.example\r\n", false);
    ask(f, "OPTIONS / HTTP/1.1\r\n" HOST "Origin: https://app.example\r\n\r\n",
        "Access-Control-Allow-Methods: POST, GET\r\n", false);
    assert_non_null(strstr(f->in.p, "HTTP/1.1 204 "));
    assert_null(strstr(f->in.p, "Content-Length"));
    ask(f, "OPTIONS / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 204 ", false);
    finish(f);
}

static void bearer_token(void **state)
{
    struct ts_server_config config = {.address = "0.0.0.0", .bearer_token = "sesame"};
    struct fixture *f = start(&config);
    (void)state;
    assert_false(ts_server_is_loopback(f->server));
    ask(f, "POST / HTTP/1.1\r\nHost: any.example\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 ",
        false);
    assert_false(f->last_local);
    assert_false(f->last_authorised);
    ask(f,
        "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: bearer sesame\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 ", false);
    assert_false(f->last_local);
    assert_true(f->last_authorised);
    const char *wrong[] = {"Bearer sesam", "Bearer sesame1", "Bearer ", "Bearer Sesame"};
    for (size_t i = 0; i < TS_COUNT(wrong); i++) {
        char text[256];
        snprintf(text, sizeof(text),
                 "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: %s\r\nContent-Length: 2\r\n\r\n{}",
                 wrong[i]);
        ask(f, text, "HTTP/1.1 401 ", true);
    }
    assert_int_equal(counters(f)->unauthorised, TS_COUNT(wrong));
    ask(f, "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic x\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 ", false);
    assert_false(f->last_authorised);
    finish(f);
    /* Without a token nobody is authorised from outside, not even with an empty one. */
    config.bearer_token = "";
    f = start(&config);
    ask(f, "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 ", false);
    assert_false(f->last_authorised);
    finish(f);
}

/* What a proxy on this machine passes on is not the operator's, without a token. */
static void forwarded(void **state)
{
    static const char *const headers[] = {"Forwarded: for=10.0.0.1", "Via: 1.1 proxy",
                                          "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: a",
                                          "x-real-ip: 10.0.0.1"};
    struct fixture *f = start(&(struct ts_server_config){.bearer_token = "sesame"});
    char text[256];
    (void)state;
    for (size_t i = 0; i < TS_COUNT(headers); i++) {
        snprintf(text, sizeof(text), "POST / HTTP/1.1\r\n" HOST "%s\r\nContent-Length: 2\r\n\r\n{}",
                 headers[i]);
        ask(f, text, "HTTP/1.1 200 ", false);
        assert_false(f->last_local);
        assert_false(f->last_authorised);
    }
    ask(f,
        "POST / HTTP/1.1\r\n" HOST "Via: 1.1 proxy\r\nAuthorization: Bearer sesame\r\n"
        "Content-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 ", false);
    assert_false(f->last_local);
    assert_true(f->last_authorised);
    ask(f, POST_7, "HTTP/1.1 200 ", false);
    assert_true(f->last_local);
    finish(f);
}

static void bad_addresses(void **state)
{
    uv_loop_t loop;
    struct ts_server *s = NULL;
    struct ts_server_config config = {.address = "example.org"};
    char why[256];
    uint16_t port;
    (void)state;
    loop_start(&loop);
    assert_int_equal(ts_server_new(&loop, &config, &s, why, sizeof(why)), TS_E_USAGE);
    assert_non_null(strstr(why, "example.org"));
    int fd = raw_listen(&port);
    config = (struct ts_server_config){.port = port};
    assert_int_equal(ts_server_new(&loop, &config, &s, why, sizeof(why)), TS_E_IO);
    assert_non_null(strstr(why, "address already in use"));
    assert_null(s);
    close(fd);
    loop_end(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(post_and_keep_alive),
        cmocka_unit_test(pipelined),
        cmocka_unit_test(pipelined_asynchronous),
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(chunked_body),
        cmocka_unit_test(malformed_and_refused),
        cmocka_unit_test(control_characters),
        cmocka_unit_test(header_bounds),
        cmocka_unit_test(body_bound),
        cmocka_unit_test(get_requests),
        cmocka_unit_test(expect_continue),
        cmocka_unit_test(slow_clients),
        cmocka_unit_test(slow_reader),
        cmocka_unit_test(reply_after_the_client_has_gone),
        cmocka_unit_test(half_open),
        cmocka_unit_test(handler_deadline),
        cmocka_unit_test(reply_after_the_server_has_gone),
        cmocka_unit_test(close_with_grace),
        cmocka_unit_test(many_connections),
        cmocka_unit_test(hosts_and_origins),
        cmocka_unit_test(bearer_token),
        cmocka_unit_test(forwarded),
        cmocka_unit_test(bad_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
