/* SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

#include "base/buf.h"
#include "base/check.h"
#include "net/server.h"
#include "net/ws_client.h"

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define UPGRADE_HEAD                                                                               \
    "Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "      \
    "13\r\n"

struct fixture {
    uv_loop_t loop;
    struct ts_server *server;
    uint16_t port;
    struct ts_ws *ws; /* the newest */
    unsigned opens;
    unsigned messages;
    unsigned closes;
    size_t last_n;
    char last[64];
    bool last_binary;
    bool echo;
    bool close_on_message;
    struct raw_in in;
};

static void ws_open(void *ctx, struct ts_ws *ws)
{
    struct fixture *f = ctx;
    f->opens++;
    f->ws = ws;
    assert_null(ts_ws_user(ws));
    ts_ws_set_user(ws, f);
    assert_ptr_equal(ts_server_ws(f->server, ts_ws_id(ws)), ws);
    assert_true(ts_ws_is_local(ws));
    assert_true(ts_ws_is_authorised(ws));
}

static void ws_message(void *ctx, struct ts_ws *ws, ts_bytes m, bool binary)
{
    struct fixture *f = ctx;
    f->messages++;
    f->last_n = m.n;
    f->last_binary = binary;
    snprintf(f->last, sizeof(f->last), "%.*s", (int)(m.n < 60 ? m.n : 60), (const char *)m.p);
    if (f->echo)
        (void)ts_ws_send(ws, m, binary);
    if (f->close_on_message)
        ts_ws_close(ws, 1000, "enough");
}

static void ws_close(void *ctx, struct ts_ws *ws)
{
    struct fixture *f = ctx;
    f->closes++;
    assert_ptr_equal(ts_ws_user(ws), f);
    assert_int_equal(ts_ws_send(ws, ts_bytes_of("x", 1), false), TS_E_CLOSED);
    assert_null(ts_server_ws(f->server, ts_ws_id(ws)));
    if (f->ws == ws)
        f->ws = NULL;
}

static const struct ts_ws_handlers handlers = {ws_open, ws_message, ws_close};

static struct fixture *start(const struct ts_server_config *base)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct ts_server_config config = *base;
    char why[256];
    const struct ts_ws_path paths[] = {
        {"/", false, 1000, 1 << 20, handlers, f},
        {"/feed", true, 4 << 20, 8 << 20, handlers, f},
    };
    loop_start(&f->loop);
    config.ws_paths = paths;
    config.n_ws_paths = TS_COUNT(paths);
    assert_int_equal(ts_server_new(&f->loop, &config, &f->server, why, sizeof(why)), TS_OK);
    f->port = ts_server_port(f->server);
    f->echo = true;
    return f;
}

static void finish(struct fixture *f)
{
    ts_server_close(f->server, 0, NULL, NULL);
    loop_end(&f->loop);
    free(f);
}

static const struct ts_net_counters *counters(struct fixture *f)
{
    return ts_server_counters(f->server);
}

static int upgraded(struct fixture *f, const char *path)
{
    char text[512];
    int fd = raw_tcp(f->port);
    memset(&f->in, 0, sizeof(f->in));
    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" UPGRADE_HEAD KEY "\r\n", path);
    raw_puts(&f->loop, fd, text);
    EXPECT_TEXT(&f->loop, fd, &f->in, "HTTP/1.1 101 Switching Protocols\r\n");
    EXPECT_TEXT(&f->loop, fd, &f->in, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    memset(&f->in, 0, sizeof(f->in));
    return fd;
}

/* A client's frame: head byte as given, masked. */
static size_t put_frame(uint8_t *to, uint8_t head, const void *p, size_t n)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    const uint8_t *from = p;
    assert_true(n < 126);
    to[0] = head;
    to[1] = (uint8_t)(0x80 | n);
    memcpy(to + 2, mask, 4);
    for (size_t i = 0; i < n; i++)
        to[6 + i] = (uint8_t)(from[i] ^ mask[i % 4]);
    return 6 + n;
}

static void send_frame(struct fixture *f, int fd, uint8_t head, const char *text)
{
    uint8_t frame[256];
    raw_send(&f->loop, fd, frame, put_frame(frame, head, text, strlen(text)));
}

/* The close code in the first frame of what came, or 0. */
static unsigned close_code(const struct raw_in *in)
{
    if (in->n < 4 || (uint8_t)in->p[0] != 0x88)
        return 0;
    return (unsigned)(uint8_t)in->p[2] << 8 | (uint8_t)in->p[3];
}

static void text_echo(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    int fd = upgraded(f, "/");
    (void)state;
    send_frame(f, fd, 0x81, "hello");
    EXPECT_TEXT(&f->loop, fd, &f->in, "\x81\x05hello");
    assert_false(f->last_binary);
    /* in pieces, with a ping between them */
    memset(&f->in, 0, sizeof(f->in));
    send_frame(f, fd, 0x01, "one ");
    send_frame(f, fd, 0x89, "ping");
    send_frame(f, fd, 0x00, "two ");
    EXPECT_TEXT(&f->loop, fd, &f->in, "\x8a\x04ping");
    send_frame(f, fd, 0x80, "three");
    EXPECT_TEXT(&f->loop, fd, &f->in, "\x81\x0done two three");
    assert_int_equal(f->messages, 2);
    /* an orderly close */
    memset(&f->in, 0, sizeof(f->in));
    send_frame(f, fd, 0x88, "\x03\xe8");
    EXPECT_EOF(&f->loop, fd, &f->in);
    assert_int_equal(close_code(&f->in), 1000);
    close(fd);
    PUMP_UNTIL(&f->loop, f->closes == 1, 2000);
    assert_int_equal(f->closes, 1);
    assert_int_equal(counters(f)->ws_bad, 0);
    finish(f);
}

static void split_at_every_byte(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    int fd = upgraded(f, "/");
    uint8_t frame[64];
    size_t n = put_frame(frame, 0x81, "bytes", 5);
    (void)state;
    for (size_t i = 0; i < n; i++) {
        raw_send(&f->loop, fd, frame + i, 1);
        pump_once(&f->loop);
    }
    EXPECT_TEXT(&f->loop, fd, &f->in,
                "\x81\x05"
                "bytes");
    close(fd);
    finish(f);
}

/* The upgrade and the first frames in one piece. */
static void frames_behind_the_upgrade(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    struct ts_buf b;
    uint8_t frame[64];
    int fd = raw_tcp(f->port);
    (void)state;
    ts_buf_init(&b, 0);
    ts_buf_printf(&b, "GET / HTTP/1.1\r\n" UPGRADE_HEAD KEY "\r\n");
    ts_buf_put(&b, frame, put_frame(frame, 0x81, "early", 5));
    raw_send(&f->loop, fd, b.p, b.n);
    EXPECT_TEXT(&f->loop, fd, &f->in,
                "\r\n\r\n\x81\x05"
                "early");
    ts_buf_free(&b);
    close(fd);
    finish(f);
}

struct bad_frame {
    const char *bytes;
    size_t n;
    const char *path;
    unsigned code; /* 0: closed without one */
};

static void protocol_errors(void **state)
{
    static const struct bad_frame bad[] = {
        {"\x81\x05hello", 7, "/", 1002},                       /* not masked */
        {"\xc1\x81\1\2\3\4a", 7, "/", 1002},                   /* reserved bit */
        {"\x83\x81\1\2\3\4a", 7, "/", 1002},                   /* reserved opcode */
        {"\x80\x81\1\2\3\4a", 7, "/", 1002},                   /* nothing to continue */
        {"\x01\x81\1\2\3\4a\x01\x81\1\2\3\4a", 14, "/", 1002}, /* a new one inside another */
        {"\x09\x81\1\2\3\4a", 7, "/", 0},                      /* a ping in pieces */
        {"\x89\xfe\x00\x7e\1\2\3\4", 8, "/", 0},               /* a ping of 126 bytes */
        {"\x81\xfe\x00\x01\1\2\3\4a", 9, "/", 0},              /* a length not the shortest */
        {"\x81\x82\0\0\0\0\xc3\x28", 8, "/", 1007},            /* no UTF-8 */
        {"\x82\x81\1\2\3\4a", 7, "/", 1003},                   /* binary at a text path */
        {"\x81\x81\1\2\3\4a", 7, "/feed", 1003},               /* and the reverse */
        {"\x81\xfe\x03\xe9\1\2\3\4a", 9, "/", 1009},           /* 1001 bytes */
        {"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\1\2\3\4a", 15, "/feed", 1009},
        {"\x88\x82\0\0\0\0\x00\x01", 8, "/", 1002}, /* no close code */
    };
    struct fixture *f = start(&(struct ts_server_config){0});
    (void)state;
    for (size_t i = 0; i < TS_COUNT(bad); i++) {
        uint64_t before = counters(f)->ws_bad + counters(f)->oversized;
        int fd = upgraded(f, bad[i].path);
        raw_send(&f->loop, fd, bad[i].bytes, bad[i].n);
        PUMP_UNTIL(&f->loop, raw_eof(fd, &f->in), 3000);
        if (!f->in.eof)
            fail_msg("row %zu: not closed", i);
        if (close_code(&f->in) != bad[i].code)
            fail_msg("row %zu: code %u and not %u", i, close_code(&f->in), bad[i].code);
        close(fd);
        PUMP_UNTIL(&f->loop, f->closes == i + 1, 2000);
        assert_int_equal(counters(f)->ws_bad + counters(f)->oversized, before + 1);
    }
    assert_int_equal(f->messages, 0);
    assert_int_equal(counters(f)->oversized, 2);
    finish(f);
}

/* Many pieces, each small, in all over the bound. */
static void oversize_in_pieces(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    int fd = upgraded(f, "/");
    char piece[101];
    (void)state;
    memset(piece, 'a', 100);
    piece[100] = '\0';
    send_frame(f, fd, 0x01, piece);
    for (int i = 0; i < 10; i++)
        send_frame(f, fd, 0x00, piece);
    EXPECT_EOF(&f->loop, fd, &f->in);
    assert_int_equal(close_code(&f->in), 1009);
    assert_int_equal(f->messages, 0);
    close(fd);
    finish(f);
}

static void bad_upgrades(void **state)
{
    static const struct {
        const char *request;
        const char *expect;
    } rows[] = {
        {"GET /nowhere HTTP/1.1\r\n" UPGRADE_HEAD KEY "\r\n", "HTTP/1.1 404 "},
        {"GET / HTTP/1.1\r\n" UPGRADE_HEAD "\r\n", "HTTP/1.1 400 "},
        {"GET / HTTP/1.1\r\n" UPGRADE_HEAD "Sec-WebSocket-Key: short\r\n\r\n", "HTTP/1.1 400 "},
        {"GET / HTTP/1.0\r\n" UPGRADE_HEAD KEY "\r\n", "HTTP/1.1 400 "},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" KEY
         "\r\n",
         "Sec-WebSocket-Version: 13\r\n"},
        {"GET / HTTP/1.1\r\n" UPGRADE_HEAD KEY "Origin: http://evil.example\r\n\r\n",
         "HTTP/1.1 403 "},
        {"GET / HTTP/1.1\r\nHost: evil.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\n" KEY "\r\n",
         "HTTP/1.1 403 "},
    };
    struct fixture *f = start(&(struct ts_server_config){0});
    (void)state;
    for (size_t i = 0; i < TS_COUNT(rows); i++) {
        int fd = raw_tcp(f->port);
        memset(&f->in, 0, sizeof(f->in));
        raw_puts(&f->loop, fd, rows[i].request);
        EXPECT_TEXT(&f->loop, fd, &f->in, rows[i].expect);
        EXPECT_EOF(&f->loop, fd, &f->in);
        close(fd);
    }
    assert_int_equal(f->opens, 0);
    finish(f);
}

static void backpressure(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    int fd = upgraded(f, "/feed");
    size_t n = 1u << 20;
    uint8_t *big = calloc(1, n);
    ts_err err = TS_OK;
    (void)state;
    for (int i = 0; i < 100 && err == TS_OK; i++) {
        err = ts_ws_send(f->ws, ts_bytes_of(big, n), true);
        assert_true(ts_ws_queued(f->ws) <= 8u << 20);
    }
    assert_int_equal(err, TS_E_BUSY);
    assert_int_equal(f->closes, 0); /* told from the loop, not from inside the call */
    assert_int_equal(ts_ws_send(f->ws, ts_bytes_of(big, 1), true), TS_E_CLOSED);
    PUMP_UNTIL(&f->loop, f->closes == 1, 2000);
    assert_int_equal(f->closes, 1);
    assert_int_equal(counters(f)->ws_overflow, 1);
    free(big);
    close(fd);
    finish(f);
}

/* A peer that sends pings and never reads the pongs fills no memory. */
static void ping_flood(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    int small = 4096;
    int fd = upgraded(f, "/");
    char text[126];
    uint8_t frames[132 * 100];
    (void)state;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    memset(text, 'p', 125);
    for (size_t i = 0; i < 100; i++)
        put_frame(frames + i * 131, 0x89, text, 125);
    for (int i = 0; i < 3000 && f->closes == 0; i++)
        raw_send(&f->loop, fd, frames, 131 * 100);
    PUMP_UNTIL(&f->loop, f->closes == 1, 2000);
    assert_int_equal(f->closes, 1);
    assert_int_equal(counters(f)->ws_overflow, 1);
    close(fd);
    finish(f);
}

static void dead_peer(void **state)
{
    struct ts_server_config config = {.ws_ping_ms = 40, .ws_pong_ms = 40};
    struct fixture *f = start(&config);
    int fd = upgraded(f, "/");
    (void)state;
    EXPECT_TEXT(&f->loop, fd, &f->in, "\x89");
    EXPECT_EOF(&f->loop, fd, &f->in);
    PUMP_UNTIL(&f->loop, f->closes == 1, 2000);
    assert_int_equal(counters(f)->ws_dead, 1);
    close(fd);
    /* One that answers stays. */
    fd = upgraded(f, "/");
    for (int i = 0; i < 40; i++) {
        pump_ms(&f->loop, 5);
        raw_read(fd, &f->in);
        if (f->in.n > 0)
            send_frame(f, fd, 0x8a, "");
        f->in.n = 0;
    }
    assert_int_equal(f->closes, 1);
    assert_false(f->in.eof);
    close(fd);
    finish(f);
}

static void close_from_a_handler(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    int fd = upgraded(f, "/");
    uint8_t frames[64];
    (void)state;
    f->echo = false;
    f->close_on_message = true;
    size_t n = put_frame(frames, 0x81, "a", 1);
    n += put_frame(frames + n, 0x81, "b", 1);
    raw_send(&f->loop, fd, frames, n);
    PUMP_UNTIL(&f->loop, (raw_read(fd, &f->in), close_code(&f->in) != 0), 2000);
    assert_int_equal(close_code(&f->in), 1000);
    assert_int_equal(f->messages, 1); /* nothing is delivered after the close */
    /* The client never answers the close: a second later it is over all the same. */
    PUMP_UNTIL(&f->loop, f->closes == 1, 3000);
    assert_int_equal(f->closes, 1);
    close(fd);
    finish(f);
}

static void server_goes_away(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    int fd = upgraded(f, "/");
    (void)state;
    ts_server_close(f->server, 100, NULL, NULL);
    EXPECT_EOF(&f->loop, fd, &f->in);
    assert_int_equal(close_code(&f->in), 1001);
    close(fd);
    loop_end(&f->loop);
    assert_int_equal(f->closes, 1);
    free(f);
}

/* ---- the client ---- */

struct client {
    struct ts_wsc *c;
    unsigned opens;
    unsigned messages;
    unsigned closes;
    size_t last_n;
    char last[64];
    bool last_binary;
    ts_err why;
    char text[512];
    bool close_on_message;
};

static void c_open(void *ctx, struct ts_wsc *c)
{
    struct client *k = ctx;
    k->opens++;
    assert_ptr_equal(k->c, c);
}

static void c_message(void *ctx, struct ts_wsc *c, ts_bytes m, bool binary)
{
    struct client *k = ctx;
    k->messages++;
    k->last_n = m.n;
    k->last_binary = binary;
    snprintf(k->last, sizeof(k->last), "%.*s", (int)(m.n < 60 ? m.n : 60), (const char *)m.p);
    if (k->close_on_message) {
        ts_wsc_close(c);
        k->c = NULL;
    }
}

static void c_close(void *ctx, struct ts_wsc *c, ts_err why, const char *text)
{
    struct client *k = ctx;
    k->closes++;
    k->why = why;
    snprintf(k->text, sizeof(k->text), "%s", text);
    assert_int_equal(ts_wsc_send(c, ts_bytes_of("x", 1), false), TS_E_CLOSED);
    k->c = NULL;
}

static const struct ts_wsc_handlers client_handlers = {c_open, c_message, c_close};

static void client_start(uv_loop_t *loop, struct client *k, const char *url,
                         const struct ts_wsc_limits *limits)
{
    char why[512];
    memset(k, 0, sizeof(*k));
    if (ts_wsc_connect(loop, url, limits, &client_handlers, k, &k->c, why, sizeof(why)) != TS_OK)
        fail_msg("%s", why);
    assert_int_equal(ts_wsc_send(k->c, ts_bytes_of("x", 1), false), TS_E_CLOSED);
}

static void client_echo(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    struct client k;
    char url[64];
    (void)state;
    snprintf(url, sizeof(url), "ws://localhost:%u/feed", f->port);
    client_start(&f->loop, &k, url, NULL);
    PUMP_UNTIL(&f->loop, k.opens == 1, 2000);
    assert_int_equal(ts_wsc_send(k.c, ts_bytes_of("hello", 5), true), TS_OK);
    assert_int_equal(ts_wsc_send(k.c, ts_bytes_of(NULL, 0), true), TS_OK);
    PUMP_UNTIL(&f->loop, k.messages == 2, 2000);
    assert_int_equal(k.last_n, 0);
    size_t n = 3u << 20;
    uint8_t *big = calloc(1, n);
    assert_int_equal(ts_wsc_send(k.c, ts_bytes_of(big, n), true), TS_OK);
    PUMP_UNTIL(&f->loop, k.messages == 3, 5000);
    assert_int_equal(k.last_n, n);
    assert_true(k.last_binary);
    free(big);
    ts_wsc_close(k.c);
    PUMP_UNTIL(&f->loop, f->closes == 1, 2000);
    assert_int_equal(f->closes, 1);
    assert_int_equal(k.closes, 0);
    assert_int_equal(counters(f)->ws_bad, 0);
    finish(f);
}

static void client_sees_the_close(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    struct client k;
    char url[64];
    (void)state;
    snprintf(url, sizeof(url), "ws://127.0.0.1:%u", f->port);
    client_start(&f->loop, &k, url, NULL);
    PUMP_UNTIL(&f->loop, k.opens == 1 && f->ws, 2000);
    ts_ws_close(f->ws, 1008, "backed off");
    PUMP_UNTIL(&f->loop, k.closes == 1, 2000);
    assert_int_equal(k.why, TS_E_CLOSED);
    assert_non_null(strstr(k.text, "closed with code 1008"));
    finish(f);
}

static void client_bounds(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    struct client k;
    char url[64];
    uint8_t *big = calloc(1, 1u << 20);
    ts_err err = TS_OK;
    (void)state;
    snprintf(url, sizeof(url), "ws://127.0.0.1:%u/feed", f->port);
    client_start(&f->loop, &k, url,
                 &(struct ts_wsc_limits){.max_message = 1000, .max_queue = 4u << 20});
    PUMP_UNTIL(&f->loop, k.opens == 1 && f->ws, 2000);
    for (int i = 0; i < 100 && err == TS_OK; i++)
        err = ts_wsc_send(k.c, ts_bytes_of(big, 1u << 20), true);
    assert_int_equal(err, TS_E_BUSY);
    assert_true(ts_wsc_queued(k.c) > 0);
    assert_int_equal(ts_ws_send(f->ws, ts_bytes_of(big, 1001), true), TS_OK);
    PUMP_UNTIL(&f->loop, k.closes == 1, 3000);
    assert_int_equal(k.why, TS_E_LIMIT);
    assert_non_null(strstr(k.text, "1000 bytes"));
    free(big);
    finish(f);
}

static void client_failures(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    struct client k;
    char url[64];
    char why[512];
    uint16_t port;
    (void)state;
    snprintf(url, sizeof(url), "ws://127.0.0.1:%u/nowhere", f->port);
    client_start(&f->loop, &k, url, NULL);
    PUMP_UNTIL(&f->loop, k.closes == 1, 2000);
    assert_int_equal(k.why, TS_E_CLOSED);
    assert_non_null(strstr(k.text, "answered 404"));
    int fd = raw_listen(&port);
    snprintf(url, sizeof(url), "ws://127.0.0.1:%u/x?y=1", port);
    client_start(&f->loop, &k, url, &(struct ts_wsc_limits){.connect_ms = 50});
    PUMP_UNTIL(&f->loop, k.closes == 1, 2000); /* accepted by the system, never answered */
    assert_int_equal(k.why, TS_E_TIMEOUT);
    close(fd);
    client_start(&f->loop, &k, url, NULL);
    PUMP_UNTIL(&f->loop, k.closes == 1, 2000);
    assert_int_equal(k.why, TS_E_IO);
    assert_non_null(strstr(k.text, "connection refused"));
    client_start(&f->loop, &k, "ws://no-such-name.invalid/", NULL);
    PUMP_UNTIL(&f->loop, k.closes == 1, 6000);
    assert_int_equal(k.closes, 1);
    /* Closed while the name is looked up, and while it connects: no callback. */
    client_start(&f->loop, &k, "ws://no-such-name.invalid/", NULL);
    ts_wsc_close(k.c);
    client_start(&f->loop, &k, url, NULL);
    ts_wsc_close(k.c);
    pump_ms(&f->loop, 20);
    assert_int_equal(k.closes, 0);
    const char *bad[] = {"",          "http://127.0.0.1/", "wss://127.0.0.1/", "ws://",
                         "ws://u@h/", "ws://h:0/",         "ws://h:99999/",    "ws://h/ x",
                         "ws://h/#f"};
    for (size_t i = 0; i < TS_COUNT(bad); i++)
        assert_int_equal(
            ts_wsc_connect(&f->loop, bad[i], NULL, &client_handlers, &k, &k.c, why, sizeof(why)),
            TS_E_USAGE);
    finish(f);
}

/* A server that talks nonsense. */
static void client_meets_nonsense(void **state)
{
    static const char *answers[] = {
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"),
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "",
    };
    uv_loop_t loop;
    struct client k;
    char url[64];
    uint16_t port;
    (void)state;
    loop_start(&loop);
    int listener = raw_listen(&port);
    snprintf(url, sizeof(url), "ws://127.0.0.1:%u/", port);
    for (size_t i = 0; i < TS_COUNT(answers); i++) {
        client_start(&loop, &k, url, NULL);
        pump_ms(&loop, 5);
        int fd = accept(listener, NULL, NULL);
        assert_true(fd >= 0);
        raw_puts(&loop, fd, answers[i]);
        close(fd);
        PUMP_UNTIL(&loop, k.closes == 1, 2000);
        assert_int_equal(k.closes, 1);
        assert_int_equal(k.opens, 0);
        assert_true(k.why == TS_E_CLOSED || k.why == TS_E_IO);
    }
    close(listener);
    loop_end(&loop);
}

static void client_closes_inside_a_callback(void **state)
{
    struct fixture *f = start(&(struct ts_server_config){0});
    struct client k;
    char url[64];
    (void)state;
    snprintf(url, sizeof(url), "ws://127.0.0.1:%u/", f->port);
    client_start(&f->loop, &k, url, NULL);
    k.close_on_message = true;
    PUMP_UNTIL(&f->loop, k.opens == 1 && f->ws, 2000);
    assert_int_equal(ts_ws_send(f->ws, ts_bytes_of("a", 1), false), TS_OK);
    assert_int_equal(ts_ws_send(f->ws, ts_bytes_of("b", 1), false), TS_OK);
    PUMP_UNTIL(&f->loop, f->closes == 1, 2000);
    assert_int_equal(k.messages, 1);
    assert_int_equal(k.closes, 0);
    finish(f);
}

static void client_keeps_alive(void **state)
{
    struct ts_server_config config = {.ws_ping_ms = 10000};
    struct fixture *f = start(&config);
    struct client k;
    char url[64];
    (void)state;
    /* The server answers pings by itself. */
    snprintf(url, sizeof(url), "ws://127.0.0.1:%u/", f->port);
    client_start(&f->loop, &k, url, &(struct ts_wsc_limits){.ping_ms = 20, .pong_ms = 30});
    pump_ms(&f->loop, 200);
    assert_int_equal(k.opens, 1);
    assert_int_equal(k.closes, 0);
    ts_wsc_close(k.c);
    finish(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_echo),
        cmocka_unit_test(split_at_every_byte),
        cmocka_unit_test(frames_behind_the_upgrade),
        cmocka_unit_test(protocol_errors),
        cmocka_unit_test(oversize_in_pieces),
        cmocka_unit_test(bad_upgrades),
        cmocka_unit_test(backpressure),
        cmocka_unit_test(ping_flood),
        cmocka_unit_test(dead_peer),
        cmocka_unit_test(close_from_a_handler),
        cmocka_unit_test(server_goes_away),
        cmocka_unit_test(client_echo),
        cmocka_unit_test(client_sees_the_close),
        cmocka_unit_test(client_bounds),
        cmocka_unit_test(client_failures),
        cmocka_unit_test(client_meets_nonsense),
        cmocka_unit_test(client_closes_inside_a_callback),
        cmocka_unit_test(client_keeps_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
