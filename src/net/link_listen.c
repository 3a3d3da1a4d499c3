/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "net/link_internal.h"

#define BACKLOG   8
#define LEAVING   8    /* turned away, that may still have to read why */
#define LEAVES_MS 1000 /* each */

struct ts_link_listener {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } u;
    uv_loop_t *loop;
    struct ts_link_addr addr;
    struct ts_link_limits limits;
    struct ts_link_handlers handlers;
    void *ctx;
    struct ts_link *current;
    struct ts_link *leaving[LEAVING];
    size_t n_leaving;
    uint64_t accepted;
    uint64_t refused;
    bool closing;
};

void ts_link_listener_forget(struct ts_link_listener *s, const struct ts_link *l)
{
    if (s->current == l)
        s->current = NULL;
    for (size_t i = 0; i < s->n_leaving; i++) {
        if (s->leaving[i] != l)
            continue;
        s->n_leaving--;
        memmove(&s->leaving[i], &s->leaving[i + 1], (s->n_leaving - i) * sizeof(struct ts_link *));
    }
}

static int fd_of(const struct ts_link *l)
{
    uv_os_fd_t fd;
    return uv_fileno(&l->u.handle, &fd) == 0 ? fd : -1;
}

/* Also when bytes that nobody has read yet stand before the end. */
static bool peer_has_ended(const struct ts_link *l)
{
    struct pollfd p = {.fd = fd_of(l), .events = POLLRDHUP};
    int r = p.fd < 0 ? -1 : poll(&p, 1, 0);
    return r < 0 || (p.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

static bool is_in_use(const struct ts_link *l, unsigned hold_ms)
{
    return l->frame_ns != 0 && uv_hrtime() - l->frame_ns < (uint64_t)hold_ms * 1000000 &&
           !peer_has_ended(l);
}

static void on_left_alone(uv_timer_t *timer)
{
    ts_link_close(timer->data);
}

static void on_room(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    struct ts_link *l = h->data;
    (void)suggested;
    *buf = uv_buf_init(l->read_buf, sizeof(l->read_buf));
}

static void on_unheard(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    (void)buf;
    if (n < 0)
        ts_link_close(stream->data);
}

/* What it says is read, and not heard: a socket that is closed with bytes in it takes along what
 * its peer has not read yet. */
static void let_it_read(struct ts_link_listener *s, struct ts_link *l)
{
    if (s->n_leaving == LEAVING)
        ts_link_close(s->leaving[0]);
    s->leaving[s->n_leaving++] = l;
    l->listener = s;
    uv_timer_start(&l->timer, on_left_alone, LEAVES_MS, 0);
    if (uv_read_start(&l->u.stream, on_room, on_unheard) < 0)
        ts_link_close(l);
}

/* One frame as far as the system takes it at once, time to read it, and the end. */
static void turn_away(struct ts_link_listener *s, struct ts_link *l)
{
    s->refused++;
    ts_bytes body =
        s->handlers.on_refuse != NULL ? s->handlers.on_refuse(s->ctx) : (ts_bytes){NULL, 0};
    if (body.n > 0 && body.n <= l->limits.max_frame) {
        uint8_t head[TS_FRAME_HEAD];
        ts_frame_head(body.n, head);
        struct iovec pieces[] = {{head, sizeof(head)}, {(void *)(uintptr_t)body.p, body.n}};
        struct msghdr m = {.msg_iov = pieces, .msg_iovlen = TS_COUNT(pieces)};
        (void)!sendmsg(fd_of(l), &m, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)shutdown(fd_of(l), SHUT_WR);
        let_it_read(s, l);
    } else {
        ts_link_close(l);
    }
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct ts_link_listener *s = stream->data;
    struct ts_link *l;
    if (status < 0)
        return;
    ts_err err =
        ts_link_make(s->loop, s->addr.is_unix, s->addr.text, &s->limits, &s->handlers, s->ctx, &l);
    if (err != TS_OK)
        return; /* libuv holds the connection and takes no other: the host sees a deadline pass */
    if (uv_accept(stream, &l->u.stream) < 0) {
        ts_link_close(l);
        return;
    }
    if (s->current != NULL && is_in_use(s->current, s->limits.hold_ms)) {
        turn_away(s, l);
        return;
    }
    s->accepted++;
    /* The new one exists before the old one is ended: whoever asks meanwhile sees one of them. */
    struct ts_link *old = s->current;
    s->current = l;
    l->listener = s;
    if (old) {
        old->listener = NULL;
        ts_link_end(old, TS_E_CLOSED, true, "%s: a new connection took the place of this one",
                    s->addr.text);
    }
    if (l->state == LINK_CONNECTING) /* else the owner closed the listener in on_close */
        ts_link_start(l);
}

/* Is somebody listening at the path? A full backlog counts as somebody. */
static bool is_live(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    memcpy(sa.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true; /* cannot tell: do not remove */
    int r = connect(fd, (const struct sockaddr *)&sa, sizeof(sa));
    bool live = r == 0 || errno != ECONNREFUSED;
    close(fd);
    return live;
}

static ts_err clear_stale(const char *path, char *why, size_t why_size)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return TS_OK;
    if (!S_ISSOCK(st.st_mode)) {
        snprintf(why, why_size, "unix:%s: a file that is no socket is already there", path);
        return TS_E_USAGE;
    }
    if (is_live(path)) {
        snprintf(why, why_size, "unix:%s: another program is listening there", path);
        return TS_E_IO;
    }
    if (unlink(path) < 0 && errno != ENOENT) {
        snprintf(why, why_size, "unix:%s: cannot remove the stale socket: %s", path,
                 uv_strerror(uv_translate_sys_error(errno)));
        return TS_E_IO;
    }
    return TS_OK;
}

/* Between bind and listen nobody can connect, so the mode is right before the first peer. The group
 * may: host and enclaves run as different users of one (packaging/sysusers). */
static int bind_and_listen(struct ts_link_listener *s)
{
    int r;
    if (s->addr.is_unix) {
        r = uv_pipe_bind(&s->u.pipe, s->addr.path);
        if (r == 0 && chmod(s->addr.path, S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) < 0)
            r = uv_translate_sys_error(errno);
    } else {
        r = uv_tcp_bind(&s->u.tcp, (const struct sockaddr *)&s->addr.tcp, 0);
    }
    return r < 0 ? r : uv_listen(&s->u.stream, BACKLOG, on_connection);
}

static void on_listener_closed(uv_handle_t *h)
{
    free(h->data);
}

ts_err ts_link_listen(uv_loop_t *loop, const struct ts_link_addr *addr,
                      const struct ts_link_limits *limits, const struct ts_link_handlers *handlers,
                      void *ctx, struct ts_link_listener **out, char *why, size_t why_size)
{
    ts_err err = addr->is_unix ? clear_stale(addr->path, why, why_size) : TS_OK;
    if (err != TS_OK)
        return err;
    struct ts_link_listener *s = calloc(1, sizeof(*s));
    if (!s) {
        snprintf(why, why_size, "%s: out of memory", addr->text);
        return TS_E_NOMEM;
    }
    s->loop = loop;
    s->addr = *addr;
    s->handlers = *handlers;
    s->ctx = ctx;
    ts_link_fill_limits(&s->limits, limits);
    int r = addr->is_unix ? uv_pipe_init(loop, &s->u.pipe, 0) : uv_tcp_init(loop, &s->u.tcp);
    if (r < 0) {
        snprintf(why, why_size, "%s: cannot listen: %s", addr->text, uv_strerror(r));
        free(s);
        return TS_E_IO;
    }
    s->u.handle.data = s;
    r = bind_and_listen(s);
    if (r < 0) {
        snprintf(why, why_size, "%s: cannot listen: %s", addr->text, uv_strerror(r));
        uv_close(&s->u.handle, on_listener_closed);
        return TS_E_IO;
    }
    *out = s;
    return TS_OK;
}

uint16_t ts_link_listener_port(const struct ts_link_listener *s)
{
    struct sockaddr_storage sa;
    int n = sizeof(sa);
    if (s->addr.is_unix || uv_tcp_getsockname(&s->u.tcp, (struct sockaddr *)&sa, &n) < 0)
        return 0;
    return ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port
                                          : ((struct sockaddr_in *)&sa)->sin_port);
}

uint64_t ts_link_listener_accepted(const struct ts_link_listener *s)
{
    return s->accepted;
}

uint64_t ts_link_listener_refused(const struct ts_link_listener *s)
{
    return s->refused;
}

void ts_link_listener_close(struct ts_link_listener *s)
{
    if (!s || s->closing)
        return;
    s->closing = true;
    struct ts_link *current = s->current;
    s->current = NULL;
    if (current) {
        current->listener = NULL;
        ts_link_close(current);
    }
    while (s->n_leaving > 0)
        ts_link_close(s->leaving[0]);
    uv_close(&s->u.handle, on_listener_closed); /* libuv removes the socket file it bound */
}
