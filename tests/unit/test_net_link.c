/* SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

#include <sys/stat.h>

#include "base/check.h"
#include "net/link.h"

struct end {
    struct ts_link *link; /* the newest */
    unsigned opens;
    unsigned closes;
    unsigned frames;
    size_t bytes;
    uint8_t last[64];
    size_t last_n;
    ts_err why;
    char text[256];
    bool echo;
    bool close_on_frame;
    unsigned refusals;
    bool farewell;
    char order[32]; /* o and c as they come */
};

static void note(struct end *e, char what)
{
    size_t n = strlen(e->order);
    if (n + 1 < sizeof(e->order))
        e->order[n] = what;
}

static void end_open(void *ctx, struct ts_link *l)
{
    struct end *e = ctx;
    e->opens++;
    e->link = l;
    note(e, 'o');
}

static void end_frame(void *ctx, struct ts_link *l, ts_bytes frame)
{
    struct end *e = ctx;
    e->frames++;
    e->bytes += frame.n;
    e->last_n = frame.n;
    if (frame.n > 0 && frame.n <= sizeof(e->last))
        memcpy(e->last, frame.p, frame.n);
    if (e->echo)
        assert_int_equal(ts_link_send(l, frame), TS_OK);
    if (e->close_on_frame) {
        ts_link_close(l);
        e->link = NULL;
    }
}

static void end_close(void *ctx, struct ts_link *l, ts_err why, const char *text)
{
    struct end *e = ctx;
    e->closes++;
    e->why = why;
    snprintf(e->text, sizeof(e->text), "%s", text);
    assert_int_equal(ts_link_send(l, ts_bytes_of("x", 1)), TS_E_CLOSED);
    if (e->link == l)
        e->link = NULL;
    note(e, 'c');
}

static ts_bytes end_refuse(void *ctx)
{
    struct end *e = ctx;
    e->refusals++;
    return ts_bytes_of("taken", e->farewell ? 5 : 0);
}

static const struct ts_link_handlers handlers = {end_open, end_frame, end_close, end_refuse};

struct fixture {
    uv_loop_t loop;
    struct ts_link_listener *listener;
    struct ts_link_addr addr; /* where it listens */
    struct end server;
    struct end client;
    char path[64];
    char why[256];
};

static void start(struct fixture *f, const char *addr, const struct ts_link_limits *limits)
{
    struct ts_link_addr a;
    char text[64];
    memset(f, 0, sizeof(*f));
    loop_start(&f->loop);
    assert_int_equal(ts_link_addr_parse(addr, &a, f->why, sizeof(f->why)), TS_OK);
    assert_int_equal(ts_link_listen(&f->loop, &a, limits, &handlers, &f->server, &f->listener,
                                    f->why, sizeof(f->why)),
                     TS_OK);
    f->addr = a;
    if (!a.is_unix) {
        snprintf(text, sizeof(text), "tcp:127.0.0.1:%u", ts_link_listener_port(f->listener));
        assert_int_equal(ts_link_addr_parse(text, &f->addr, f->why, sizeof(f->why)), TS_OK);
    }
}

static void stop(struct fixture *f)
{
    ts_link_listener_close(f->listener);
    ts_link_close(f->client.link);
    loop_end(&f->loop);
}

static void unix_path(char *out, size_t size)
{
    snprintf(out, size, "/tmp/ts-link-%d-%u", getpid(), (unsigned)(uv_hrtime() % 1000000));
}

static struct ts_link *connect_client(struct fixture *f)
{
    struct ts_link *l = NULL;
    unsigned opens = f->client.opens;
    unsigned accepted = f->server.opens;
    assert_int_equal(ts_link_connect(&f->loop, &f->addr, NULL, &handlers, &f->client, &l), TS_OK);
    PUMP_UNTIL(&f->loop, f->client.opens > opens && f->server.opens > accepted, 2000);
    assert_int_equal(f->client.opens, opens + 1);
    assert_ptr_equal(f->client.link, l);
    return l;
}

static void addresses(void **state)
{
    struct ts_link_addr a;
    char why[256];
    char longest[256];
    (void)state;
    const char *good[] = {"unix:/tmp/x",         "unix:rel",    "tcp:127.0.0.1:0",
                          "tcp:127.9.9.9:65535", "tcp:[::1]:1", "tcp:localhost:80"};
    const char *bad[] = {"",
                         "unix:",
                         "tcp:127.0.0.1",
                         "tcp:127.0.0.1:",
                         "tcp:127.0.0.1:65536",
                         "tcp:127.0.0.1:8x",
                         "tcp::80",
                         "tcp:example.org:80",
                         "udp:127.0.0.1:1",
                         "tcp:10.0.0.1:80",
                         "tcp:0.0.0.0:80",
                         "tcp:[::]:80",
                         "tcp:128.0.0.1:80"};
    for (size_t i = 0; i < TS_COUNT(good); i++)
        if (ts_link_addr_parse(good[i], &a, why, sizeof(why)) != TS_OK)
            fail_msg("%s: %s", good[i], why);
    for (size_t i = 0; i < TS_COUNT(bad); i++) {
        why[0] = '\0';
        assert_int_equal(ts_link_addr_parse(bad[i], &a, why, sizeof(why)), TS_E_USAGE);
        assert_true(strlen(why) > 10);
    }
    ts_link_addr_parse("tcp:10.0.0.1:80", &a, why, sizeof(why));
    assert_non_null(strstr(why, "only loopback"));
    memset(longest, 'a', sizeof(longest));
    memcpy(longest, "unix:", 5);
    longest[5 + 107] = '\0';
    assert_int_equal(ts_link_addr_parse(longest, &a, why, sizeof(why)), TS_OK);
    longest[5 + 107] = 'a';
    longest[5 + 108] = '\0';
    assert_int_equal(ts_link_addr_parse(longest, &a, why, sizeof(why)), TS_E_USAGE);
    assert_non_null(strstr(why, "at most 107"));
}

static void echo_over(const char *addr)
{
    struct fixture f;
    start(&f, addr, NULL);
    f.server.echo = true;
    struct ts_link *l = connect_client(&f);
    assert_int_equal(ts_link_send(l, ts_bytes_of("ping", 4)), TS_OK);
    assert_int_equal(ts_link_send(l, ts_bytes_of(NULL, 0)), TS_OK);
    PUMP_UNTIL(&f.loop, f.client.frames == 2, 2000);
    assert_int_equal(f.client.frames, 2);
    assert_int_equal(f.client.bytes, 4);
    /* Larger than any socket buffer, both ways. */
    size_t n = 8u << 20;
    uint8_t *big = calloc(1, n);
    assert_int_equal(ts_link_send(l, ts_bytes_of(big, n)), TS_OK);
    assert_true(ts_link_queued(l) > 0);
    PUMP_UNTIL(&f.loop, f.client.frames == 3, 10000);
    assert_int_equal(f.client.bytes, 4 + n);
    assert_int_equal(ts_link_queued(l), 0);
    free(big);
    stop(&f);
}

static void echo_tcp(void **state)
{
    (void)state;
    echo_over("tcp:127.0.0.1:0");
}

static void echo_unix(void **state)
{
    char addr[96] = "unix:";
    struct stat st;
    (void)state;
    unix_path(addr + 5, sizeof(addr) - 5);
    echo_over(addr);
    assert_int_equal(lstat(addr + 5, &st), -1); /* removed at the end */
}

static void unix_mode_and_stale_file(void **state)
{
    struct fixture f;
    struct ts_link_listener *second = NULL;
    char addr[96] = "unix:";
    struct stat st;
    (void)state;
    unix_path(addr + 5, sizeof(addr) - 5);
    /* A stale socket: bound by somebody who is gone. */
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", addr + 5);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    close(fd);
    start(&f, addr, NULL);
    assert_int_equal(stat(addr + 5, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    /* A live one is not replaced, and goes on. */
    assert_int_equal(
        ts_link_listen(&f.loop, &f.addr, NULL, &handlers, &f.server, &second, f.why, sizeof(f.why)),
        TS_E_IO);
    assert_null(second);
    assert_non_null(strstr(f.why, "another program is listening"));
    connect_client(&f);
    stop(&f);
}

static void unix_file_of_another_kind_is_kept(void **state)
{
    uv_loop_t loop;
    struct ts_link_addr a;
    struct ts_link_listener *l = NULL;
    char addr[96] = "unix:";
    char why[256];
    (void)state;
    unix_path(addr + 5, sizeof(addr) - 5);
    int fd = open(addr + 5, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    close(fd);
    loop_start(&loop);
    assert_int_equal(ts_link_addr_parse(addr, &a, why, sizeof(why)), TS_OK);
    assert_int_equal(ts_link_listen(&loop, &a, NULL, &handlers, NULL, &l, why, sizeof(why)),
                     TS_E_USAGE);
    assert_non_null(strstr(why, "no socket"));
    assert_int_equal(unlink(addr + 5), 0);
    loop_end(&loop);
}

static void new_connection_ends_the_old(void **state)
{
    struct fixture f;
    struct raw_in *in = calloc(1, sizeof(*in));
    (void)state;
    start(&f, "tcp:127.0.0.1:0", NULL);
    int old = raw_tcp(ts_link_listener_port(f.listener));
    PUMP_UNTIL(&f.loop, f.server.opens == 1, 2000);
    /* Something is queued for the old one, which does not read. */
    size_t n = 16u << 20;
    uint8_t *big = calloc(1, n);
    assert_int_equal(ts_link_send(f.server.link, ts_bytes_of(big, n)), TS_OK);
    assert_true(ts_link_queued(f.server.link) > 0);
    int new = raw_tcp(ts_link_listener_port(f.listener));
    PUMP_UNTIL(&f.loop, f.server.opens == 2, 2000);
    assert_string_equal(f.server.order, "oco");
    assert_int_equal(f.server.why, TS_E_CLOSED);
    assert_non_null(strstr(f.server.text, "new connection"));
    assert_int_equal(ts_link_queued(f.server.link), 0);
    assert_int_equal(ts_link_listener_accepted(f.listener), 2);
    /* The new one works; the old one ends before all that was queued has come. */
    assert_int_equal(ts_link_send(f.server.link, ts_bytes_of("new", 3)), TS_OK);
    EXPECT_TEXT(&f.loop, new, in, "new");
    memset(in, 0, sizeof(*in));
    size_t got = 0;
    for (int i = 0; i < 2000 && !in->eof; i++) {
        pump_once(&f.loop);
        raw_read(old, in);
        got += in->n;
        in->n = 0;
    }
    assert_true(in->eof);
    assert_true(got < n);
    free(big);
    free(in);
    close(old);
    close(new);
    stop(&f);
}

/* A connection that has just brought a frame is in use: a new one is told so and closed. */
static void in_use_it_is_not_taken_over(const char *addr)
{
    struct fixture f;
    struct ts_link_limits limits = {.hold_ms = 300};
    struct raw_in *in = calloc(1, sizeof(*in));
    start(&f, addr, &limits);
    f.server.echo = true;
    f.server.farewell = true;
    struct ts_link *l = connect_client(&f);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(ts_link_send(l, ts_bytes_of("mine", 4)), TS_OK);
        PUMP_UNTIL(&f.loop, f.client.frames == i, 2000);
        int fd =
            f.addr.is_unix ? raw_unix(f.addr.path) : raw_tcp(ts_link_listener_port(f.listener));
        memset(in, 0, sizeof(*in));
        for (int k = 0; k < 2000 && !in->eof; k++) {
            pump_once(&f.loop);
            raw_read(fd, in);
        }
        assert_true(in->eof);
        assert_int_equal(in->n, 9);
        assert_memory_equal(in->p, "\0\0\0\5taken", 9);
        close(fd);
        assert_int_equal(ts_link_listener_refused(f.listener), i);
        assert_int_equal(f.server.refusals, i);
    }
    assert_int_equal(ts_link_listener_accepted(f.listener), 1);
    assert_string_equal(f.server.order, "o");
    assert_true(ts_link_is_open(l));
    /* Silent for so long it gives way, though it is open still. */
    pump_ms(&f.loop, 320);
    int fd = f.addr.is_unix ? raw_unix(f.addr.path) : raw_tcp(ts_link_listener_port(f.listener));
    PUMP_UNTIL(&f.loop, f.server.opens == 2, 2000);
    assert_string_equal(f.server.order, "oco");
    assert_int_equal(ts_link_listener_refused(f.listener), 3);
    close(fd);
    free(in);
    stop(&f);
}

/* Who speaks first, as a host does, is told as well: a socket that is closed with unread bytes in
 * it would take along what was sent. At most a few are waited for. */
static void who_is_turned_away_reads_why(const char *addr)
{
    struct fixture f;
    struct raw_in *in = calloc(1, sizeof(*in));
    int fds[20];
    start(&f, addr, NULL);
    f.server.echo = true;
    f.server.farewell = true;
    struct ts_link *l = connect_client(&f);
    assert_int_equal(ts_link_send(l, ts_bytes_of("mine", 4)), TS_OK);
    PUMP_UNTIL(&f.loop, f.client.frames == 1, 2000);
    for (unsigned i = 0; i < TS_COUNT(fds); i++) {
        fds[i] =
            f.addr.is_unix ? raw_unix(f.addr.path) : raw_tcp(ts_link_listener_port(f.listener));
        assert_int_equal(write(fds[i], "\0\0\0\3who", 7), 7); /* before it is looked at */
        memset(in, 0, sizeof(*in));
        for (int k = 0; k < 2000 && in->n < 9; k++) {
            pump_once(&f.loop);
            raw_read(fds[i], in);
        }
        assert_int_equal(in->n, 9);
        assert_memory_equal(in->p, "\0\0\0\5taken", 9);
        assert_int_equal(write(fds[i], "\0\0\0\3why", 7), 7); /* it is not gone yet */
        pump_ms(&f.loop, 5);
    }
    for (int k = 0; k < 2000 && !in->eof; k++) { /* nor does it stay */
        pump_once(&f.loop);
        raw_read(fds[TS_COUNT(fds) - 1], in);
    }
    assert_true(in->eof);
    assert_int_equal(ts_link_listener_refused(f.listener), TS_COUNT(fds));
    assert_string_equal(f.server.order, "o");
    for (unsigned i = 0; i < TS_COUNT(fds); i++)
        close(fds[i]);
    free(in);
    stop(&f);
}

static void who_is_turned_away_reads_why_tcp(void **state)
{
    (void)state;
    who_is_turned_away_reads_why("tcp:127.0.0.1:0");
}

static void who_is_turned_away_reads_why_unix(void **state)
{
    char addr[96] = "unix:";
    (void)state;
    unix_path(addr + 5, sizeof(addr) - 5);
    who_is_turned_away_reads_why(addr);
}

static void in_use_it_is_not_taken_over_tcp(void **state)
{
    (void)state;
    in_use_it_is_not_taken_over("tcp:127.0.0.1:0");
}

static void in_use_it_is_not_taken_over_unix(void **state)
{
    char addr[96] = "unix:";
    (void)state;
    unix_path(addr + 5, sizeof(addr) - 5);
    in_use_it_is_not_taken_over(addr);
}

/* A host that ends and starts again loses no time, whatever it left unread. Nothing is read between
 * its end and the new connection: both are there in one turn of the loop. */
static void ended_by_its_peer_it_gives_way_at_once(const char *addr, bool unread)
{
    struct fixture f;
    struct ts_link_limits limits = {.hold_ms = 60000};
    start(&f, addr, &limits);
    for (unsigned i = 1; i < 4; i++) {
        int fd =
            f.addr.is_unix ? raw_unix(f.addr.path) : raw_tcp(ts_link_listener_port(f.listener));
        PUMP_UNTIL(&f.loop, f.server.opens == i, 2000);
        assert_int_equal(f.server.opens, i);
        raw_send(&f.loop, fd, "\0\0\0\1a", 5);
        PUMP_UNTIL(&f.loop, f.server.frames == i, 2000);
        if (unread)
            assert_int_equal(send(fd, "\0\0\0", 3, MSG_NOSIGNAL), 3);
        close(fd);
    }
    assert_int_equal(ts_link_listener_refused(f.listener), 0);
    stop(&f);
}

static void ended_by_its_peer_gives_way(void **state)
{
    char addr[96] = "unix:";
    (void)state;
    unix_path(addr + 5, sizeof(addr) - 5);
    for (int unread = 0; unread < 2; unread++) {
        ended_by_its_peer_it_gives_way_at_once("tcp:127.0.0.1:0", unread);
        ended_by_its_peer_it_gives_way_at_once(addr, unread);
    }
}

/* Half a frame is none. */
static void who_never_sent_a_frame_gives_way(void **state)
{
    struct fixture f;
    struct ts_link_limits limits = {.hold_ms = 60000};
    (void)state;
    start(&f, "tcp:127.0.0.1:0", &limits);
    int first = raw_tcp(ts_link_listener_port(f.listener));
    PUMP_UNTIL(&f.loop, f.server.opens == 1, 2000);
    raw_send(&f.loop, first, "\0\0\0\2a", 5);
    pump_ms(&f.loop, 20);
    connect_client(&f);
    assert_string_equal(f.server.order, "oco");
    assert_int_equal(ts_link_listener_refused(f.listener), 0);
    close(first);
    stop(&f);
}

static void slow_frame(void *ctx, struct ts_link *l, ts_bytes frame)
{
    end_frame(ctx, l, frame);
    poll(NULL, 0, 150);
}

/* What the owner takes to deal with a frame is not the host's silence. */
static void work_is_no_silence(void **state)
{
    struct fixture f;
    struct ts_link_limits limits = {.hold_ms = 100};
    struct ts_link_handlers slow = {end_open, slow_frame, end_close, end_refuse};
    struct ts_link_addr a;
    (void)state;
    memset(&f, 0, sizeof(f));
    loop_start(&f.loop);
    assert_int_equal(ts_link_addr_parse("tcp:127.0.0.1:0", &a, f.why, sizeof(f.why)), TS_OK);
    assert_int_equal(
        ts_link_listen(&f.loop, &a, &limits, &slow, &f.server, &f.listener, f.why, sizeof(f.why)),
        TS_OK);
    int first = raw_tcp(ts_link_listener_port(f.listener));
    PUMP_UNTIL(&f.loop, f.server.opens == 1, 2000);
    assert_int_equal(send(first, "\0\0\0\1a", 5, MSG_NOSIGNAL), 5);
    PUMP_UNTIL(&f.loop, f.server.frames == 1, 2000);
    int second = raw_tcp(ts_link_listener_port(f.listener));
    PUMP_UNTIL(&f.loop, ts_link_listener_refused(f.listener) == 1, 50);
    assert_int_equal(ts_link_listener_refused(f.listener), 1);
    close(first);
    close(second);
    stop(&f);
}

static void peer_end_is_reported(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, "tcp:127.0.0.1:0", NULL);
    int fd = raw_tcp(ts_link_listener_port(f.listener));
    PUMP_UNTIL(&f.loop, f.server.opens == 1, 2000);
    raw_send(&f.loop, fd, "\0\0\0\3abc", 7);
    PUMP_UNTIL(&f.loop, f.server.frames == 1, 2000);
    close(fd);
    PUMP_UNTIL(&f.loop, f.server.closes == 1, 2000);
    assert_int_equal(f.server.why, TS_E_CLOSED);
    /* The end inside a frame is another matter. */
    fd = raw_tcp(ts_link_listener_port(f.listener));
    PUMP_UNTIL(&f.loop, f.server.opens == 2, 2000);
    raw_send(&f.loop, fd, "\0\0\0\3ab", 6);
    pump_ms(&f.loop, 10);
    shutdown(fd, SHUT_WR); /* half-open counts as the end: a link has two directions */
    PUMP_UNTIL(&f.loop, f.server.closes == 2, 2000);
    assert_int_equal(f.server.why, TS_E_TRUNCATED);
    close(fd);
    stop(&f);
}

static void oversize_frame_ends_the_link(void **state)
{
    struct fixture f;
    struct ts_link_limits limits = {.max_frame = 16};
    (void)state;
    start(&f, "tcp:127.0.0.1:0", &limits);
    struct ts_link *l = connect_client(&f);
    assert_int_equal(ts_link_send(f.server.link, ts_bytes_of("12345678901234567", 17)), TS_E_LIMIT);
    assert_int_equal(ts_link_send(l, ts_bytes_of("12345678901234567", 17)), TS_OK);
    PUMP_UNTIL(&f.loop, f.server.closes == 1 && f.client.closes == 1, 2000);
    assert_int_equal(f.server.why, TS_E_LIMIT);
    assert_non_null(strstr(f.server.text, "17 bytes is over the limit of 16"));
    assert_int_equal(f.client.closes, 1);
    stop(&f);
}

static void queue_is_bounded(void **state)
{
    struct fixture f;
    struct ts_link_limits limits = {.max_frame = 1u << 20, .max_queue = 4u << 20};
    uint8_t *big = calloc(1, 1u << 20);
    ts_err err = TS_OK;
    (void)state;
    start(&f, "tcp:127.0.0.1:0", &limits);
    int fd = raw_tcp(ts_link_listener_port(f.listener));
    PUMP_UNTIL(&f.loop, f.server.opens == 1, 2000);
    for (int i = 0; i < 100 && err == TS_OK; i++)
        err = ts_link_send(f.server.link, ts_bytes_of(big, 1u << 20));
    assert_int_equal(err, TS_E_BUSY);
    assert_true(ts_link_queued(f.server.link) <= limits.max_queue);
    assert_true(ts_link_is_open(f.server.link));
    free(big);
    close(fd);
    PUMP_UNTIL(&f.loop, f.server.closes == 1, 2000);
    stop(&f);
}

static void nobody_listens(void **state)
{
    uv_loop_t loop;
    struct ts_link_addr a;
    struct ts_link *l = NULL;
    struct end e = {0};
    char text[96];
    char why[256];
    uint16_t port;
    (void)state;
    close(raw_listen(&port));
    loop_start(&loop);
    snprintf(text, sizeof(text), "tcp:127.0.0.1:%u", port);
    assert_int_equal(ts_link_addr_parse(text, &a, why, sizeof(why)), TS_OK);
    assert_int_equal(ts_link_connect(&loop, &a, NULL, &handlers, &e, &l), TS_OK);
    assert_int_equal(ts_link_send(l, ts_bytes_of("x", 1)), TS_E_CLOSED);
    PUMP_UNTIL(&loop, e.closes == 1, 2000);
    assert_int_equal(e.why, TS_E_IO);
    assert_non_null(strstr(e.text, "connection refused"));
    assert_int_equal(ts_link_addr_parse("unix:/tmp/ts-no-such-socket", &a, why, sizeof(why)),
                     TS_OK);
    assert_int_equal(ts_link_connect(&loop, &a, NULL, &handlers, &e, &l), TS_OK);
    PUMP_UNTIL(&loop, e.closes == 2, 2000);
    assert_int_equal(e.why, TS_E_IO);
    /* Closed before anything came of it: no callback. */
    assert_int_equal(ts_link_connect(&loop, &a, NULL, &handlers, &e, &l), TS_OK);
    ts_link_close(l);
    pump_ms(&loop, 20);
    assert_int_equal(e.closes, 2);
    loop_end(&loop);
}

/* A full backlog leaves a TCP connect hanging: the deadline must end it. */
static void connect_deadline(void **state)
{
    uv_loop_t loop;
    struct ts_link_addr a;
    struct ts_link *l = NULL;
    struct end e = {0};
    struct ts_link_limits limits = {.connect_ms = 100};
    struct sockaddr_in sa = {.sin_family = AF_INET};
    char text[96];
    char why[256];
    int fillers[8];
    uint16_t port;
    (void)state;
    loop_start(&loop);
    int fd = raw_listen(&port);
    assert_int_equal(listen(fd, 0), 0);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sa.sin_port = htons(port);
    for (size_t i = 0; i < TS_COUNT(fillers); i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(fillers[i], (struct sockaddr *)&sa, sizeof(sa));
    }
    snprintf(text, sizeof(text), "tcp:127.0.0.1:%u", port);
    assert_int_equal(ts_link_addr_parse(text, &a, why, sizeof(why)), TS_OK);
    assert_int_equal(ts_link_connect(&loop, &a, &limits, &handlers, &e, &l), TS_OK);
    PUMP_UNTIL(&loop, e.closes == 1, 2000);
    assert_int_equal(e.why, TS_E_TIMEOUT);
    assert_non_null(strstr(e.text, "within 100 ms"));
    for (size_t i = 0; i < TS_COUNT(fillers); i++)
        close(fillers[i]);
    close(fd);
    loop_end(&loop);
}

/* The owner ends the link from inside on_frame, with more frames already read. */
static void close_inside_a_callback(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, "tcp:127.0.0.1:0", NULL);
    f.server.close_on_frame = true;
    int fd = raw_tcp(ts_link_listener_port(f.listener));
    PUMP_UNTIL(&f.loop, f.server.opens == 1, 2000);
    raw_send(&f.loop, fd, "\0\0\0\1a\0\0\0\1b", 10);
    pump_ms(&f.loop, 20);
    assert_int_equal(f.server.frames, 1);
    assert_int_equal(f.server.closes, 0);
    close(fd);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(echo_tcp),
        cmocka_unit_test(echo_unix),
        cmocka_unit_test(unix_mode_and_stale_file),
        cmocka_unit_test(unix_file_of_another_kind_is_kept),
        cmocka_unit_test(new_connection_ends_the_old),
        cmocka_unit_test(in_use_it_is_not_taken_over_tcp),
        cmocka_unit_test(in_use_it_is_not_taken_over_unix),
        cmocka_unit_test(who_is_turned_away_reads_why_tcp),
        cmocka_unit_test(who_is_turned_away_reads_why_unix),
        cmocka_unit_test(ended_by_its_peer_gives_way),
        cmocka_unit_test(who_never_sent_a_frame_gives_way),
        cmocka_unit_test(work_is_no_silence),
        cmocka_unit_test(peer_end_is_reported),
        cmocka_unit_test(oversize_frame_ends_the_link),
        cmocka_unit_test(queue_is_bounded),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(connect_deadline),
        cmocka_unit_test(close_inside_a_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
