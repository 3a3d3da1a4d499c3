/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of net share: a loop that is pumped until something holds, and raw sockets on
 * loopback, so that a test decides about every byte and its moment. */
#ifndef TS_TEST_NET_TEST_H
#define TS_TEST_NET_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

/* Runs the loop until cond or ms have passed; cond is looked at after every turn. */
#define PUMP_UNTIL(loop, cond, ms)                                                                 \
    do {                                                                                           \
        uint64_t pump_end_ = uv_hrtime() + (uint64_t)(ms)*1000000u;                                \
        while (!(cond) && uv_hrtime() < pump_end_)                                                 \
            pump_once(loop);                                                                       \
    } while (0)

static inline void pump_once(uv_loop_t *loop)
{
    uv_run(loop, UV_RUN_NOWAIT);
    poll(NULL, 0, 1);
}

static inline void pump_ms(uv_loop_t *loop, unsigned ms)
{
    PUMP_UNTIL(loop, false, ms);
}

static inline void loop_start(uv_loop_t *loop)
{
    assert_int_equal(uv_loop_init(loop), 0);
}

/* All handles must have been closed by their owners. */
static inline void loop_end(uv_loop_t *loop)
{
    PUMP_UNTIL(loop, !uv_loop_alive(loop), 3000);
    assert_false(uv_loop_alive(loop));
    assert_int_equal(uv_loop_close(loop), 0);
}

static inline int raw_tcp(uint16_t port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static inline int raw_unix(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* A listening socket on a free loopback port. */
static inline int raw_listen(uint16_t *port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t n = sizeof(sa);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    *port = ntohs(sa.sin_port);
    return fd;
}

/* Sends all of it, pumping while the socket is full. */
static inline void raw_send(uv_loop_t *loop, int fd, const void *p, size_t n)
{
    const uint8_t *at = p;
    uint64_t end = uv_hrtime() + 10000000000u;
    while (n > 0 && uv_hrtime() < end) {
        ssize_t k = send(fd, at, n, MSG_NOSIGNAL);
        if (k > 0) {
            at += k;
            n -= (size_t)k;
        } else if (errno != EAGAIN) {
            return; /* the other side is gone: what the test wants to see shows elsewhere */
        }
        uv_run(loop, UV_RUN_NOWAIT);
    }
}

static inline void raw_puts(uv_loop_t *loop, int fd, const char *text)
{
    raw_send(loop, fd, text, strlen(text));
}

/* What arrived on a raw socket. */
struct raw_in {
    char p[1 << 20];
    size_t n; /* p[n] is NUL */
    bool eof; /* closed or reset by the other side */
};

static inline void raw_read(int fd, struct raw_in *in)
{
    while (in->n < sizeof(in->p) - 1) {
        ssize_t k = recv(fd, in->p + in->n, sizeof(in->p) - 1 - in->n, 0);
        if (k > 0) {
            in->n += (size_t)k;
            continue;
        }
        if (k == 0 || errno != EAGAIN)
            in->eof = true;
        break;
    }
    in->p[in->n] = '\0';
}

static inline bool raw_has(int fd, struct raw_in *in, const char *text)
{
    raw_read(fd, in);
    return memmem(in->p, in->n, text, strlen(text)) != NULL;
}

static inline bool raw_eof(int fd, struct raw_in *in)
{
    raw_read(fd, in);
    return in->eof;
}

static inline size_t raw_count(const struct raw_in *in, const char *text)
{
    size_t count = 0;
    for (const char *p = in->p; (p = strstr(p, text)) != NULL; p++)
        count++;
    return count;
}

#define EXPECT_TEXT(loop, fd, in, text)                                                            \
    do {                                                                                           \
        PUMP_UNTIL(loop, raw_has(fd, in, text) || (in)->eof, 5000);                                \
        if (!raw_has(fd, in, text))                                                                \
            fail_msg("no \"%s\" in \"%.300s\"", text, (in)->p);                                    \
    } while (0)

#define EXPECT_EOF(loop, fd, in)                                                                   \
    do {                                                                                           \
        PUMP_UNTIL(loop, raw_eof(fd, in), 5000);                                                   \
        assert_true((in)->eof);                                                                    \
    } while (0)

#endif
