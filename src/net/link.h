/* SPDX-License-Identifier: Apache-2.0 */
/* Framed links over a Unix socket or loopback TCP on the caller's loop: how a host talks to its
 * enclaves. Other addresses are refused until links are authenticated and encrypted. */
#ifndef TS_NET_LINK_H
#define TS_NET_LINK_H

#include <netinet/in.h>
#include <sys/un.h>
#include <uv.h>

#include "net/frames.h"

struct ts_link_addr {
    bool is_unix;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* when is_unix, ends in NUL */
    struct sockaddr_storage tcp;                            /* else: sockaddr_in or sockaddr_in6 */
    char text[160];                                         /* as given, for messages */
};

/* "unix:PATH", "tcp:ADDR:PORT" with a numeric loopback ADDR (127.0.0.0/8, [::1]) or "localhost".
 * TS_E_USAGE: *out is unchanged and why holds one sentence ("tcp:10.0.0.1:7000: only loopback
 * addresses are allowed: links are not authenticated or encrypted yet"). */
ts_err ts_link_addr_parse(const char *text, struct ts_link_addr *out, char *why, size_t why_size);

struct ts_link;

/* None of these is called from inside ts_link_connect, ts_link_send or ts_link_close. l is valid
 * until on_close returns or ts_link_close is called on it. */
struct ts_link_handlers {
    void (*on_open)(void *ctx, struct ts_link *l);
    /* Borrowed for the call; may be empty. */
    void (*on_frame)(void *ctx, struct ts_link *l, ts_bytes frame);
    /* The link ended or was never made: exactly once, at once at the peer's end of file, unless
     * ts_link_close came first. TS_E_TIMEOUT (connect), TS_E_IO, TS_E_CLOSED (by the peer, or a new
     * connection took its place), TS_E_LIMIT (frame over its bound), TS_E_TRUNCATED (the end came
     * inside a frame); text is one sentence that names the address. */
    void (*on_close)(void *ctx, struct ts_link *l, ts_err why, const char *text);
    /* Listening side only; may be NULL. A new connection was turned away, since the current one is
     * in use. What is returned, when it is not empty, is the body of the only frame it gets. */
    ts_bytes (*on_refuse)(void *ctx);
};

/* A 0 takes the default in brackets. */
struct ts_link_limits {
    size_t max_frame;    /* bytes of a body, both ways [32 MiB] */
    size_t max_queue;    /* bytes waiting to be sent [64 MiB] */
    unsigned connect_ms; /* [2 s] */
    unsigned hold_ms;    /* listening side: see below [2 s] */
};

/* Starts to connect. limits may be NULL. TS_E_NOMEM, TS_E_IO: *out is unchanged. That nobody
 * listens is told by on_close. */
ts_err ts_link_connect(uv_loop_t *loop, const struct ts_link_addr *addr,
                       const struct ts_link_limits *limits, const struct ts_link_handlers *handlers,
                       void *ctx, struct ts_link **out);
/* Sends one frame; written to the system at once as far as it takes it. body is borrowed for the
 * call. TS_E_CLOSED: not open (yet or any more). TS_E_BUSY: the queue would pass its bound;
 * TS_E_LIMIT: longer than max_frame; TS_E_NOMEM. On each failure nothing is sent and the link
 * stays. */
ts_err ts_link_send(struct ts_link *l, ts_bytes body);
/* Bytes accepted by ts_link_send that the system has not taken yet. */
size_t ts_link_queued(const struct ts_link *l);
bool ts_link_is_open(const struct ts_link *l);
/* Ends it at once and drops what is queued; no callback comes any more and l is invalid. NULL is
 * allowed. */
void ts_link_close(struct ts_link *l);

/* ---- the listening side ---------------------------------------------------------------------- */

/* At most one connection at a time. While the current one is in use, a new one is turned away: in
 * use means that it brought a whole frame within the last hold_ms (the time that on_frame took does
 * not count) and that its peer has not ended it. Who is turned away has a second to read why and to
 * go. Else a new one ends the old one and all that is
 * queued there (on_close with TS_E_CLOSED, then on_open of the new one). */
struct ts_link_listener;

/* A Unix socket gets mode 0660: who of the group gets there, its directory says. A stale socket
 * file, one at which nobody listens, is replaced; a live one or a file of another kind is refused.
 * TS_E_USAGE, TS_E_IO, TS_E_NOMEM: why holds a sentence, *out is unchanged. */
ts_err ts_link_listen(uv_loop_t *loop, const struct ts_link_addr *addr,
                      const struct ts_link_limits *limits, const struct ts_link_handlers *handlers,
                      void *ctx, struct ts_link_listener **out, char *why, size_t why_size);
/* The bound TCP port (useful with port 0), 0 for a Unix socket. */
uint16_t ts_link_listener_port(const struct ts_link_listener *s);
/* Connections accepted so far, and turned away. */
uint64_t ts_link_listener_accepted(const struct ts_link_listener *s);
uint64_t ts_link_listener_refused(const struct ts_link_listener *s);
/* Stops listening, removes the socket file, and ends the current connection as ts_link_close
 * does. */
void ts_link_listener_close(struct ts_link_listener *s);

#endif
