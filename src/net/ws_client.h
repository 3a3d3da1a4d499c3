/* SPDX-License-Identifier: Apache-2.0 */
/* A WebSocket client on the caller's loop. It connects once; trying again and backing off is the
 * caller's. */
#ifndef TS_NET_WS_CLIENT_H
#define TS_NET_WS_CLIENT_H

#include <uv.h>

#include "tenseq/bytes.h"

struct ts_wsc;

/* None of these is called from inside ts_wsc_connect, ts_wsc_send or ts_wsc_close. c is valid until
 * on_close returns or ts_wsc_close is called. */
struct ts_wsc_handlers {
    void (*on_open)(void *ctx, struct ts_wsc *c);
    void (*on_message)(void *ctx, struct ts_wsc *c, ts_bytes message, bool binary);
    /* The connection ended or was never made: exactly once unless ts_wsc_close came first. why is
     * TS_E_TIMEOUT, TS_E_IO, TS_E_CLOSED (by the peer, or its answer was no WebSocket), TS_E_LIMIT
     * (message or queue over its bound); text is one sentence that names the URL. */
    void (*on_close)(void *ctx, struct ts_wsc *c, ts_err why, const char *text);
};

/* A 0 takes the default in brackets. */
struct ts_wsc_limits {
    size_t max_message;  /* bytes of one message received [16 MiB] */
    size_t max_queue;    /* bytes waiting to be sent [16 MiB] */
    unsigned connect_ms; /* name, connection and upgrade together [5 s] */
    unsigned ping_ms;    /* quiet time after which a ping is sent [15 s] */
    unsigned pong_ms;    /* quiet time after that ping which means dead [10 s] */
};

/* url is "ws://host:port/path" (port 80 and path "/" may be left out); limits may be NULL.
 * TS_E_USAGE: why holds a sentence. TS_E_NOMEM, TS_E_IO. *out is unchanged on failure. */
ts_err ts_wsc_connect(uv_loop_t *loop, const char *url, const struct ts_wsc_limits *limits,
                      const struct ts_wsc_handlers *handlers, void *ctx, struct ts_wsc **out,
                      char *why, size_t why_size);
/* TS_E_CLOSED: not open (yet or any more). TS_E_BUSY: the queue would pass its bound; nothing is
 * sent and the connection stays. Bytes are borrowed for the call. */
ts_err ts_wsc_send(struct ts_wsc *c, ts_bytes message, bool binary);
/* Bytes accepted that the system has not taken yet. */
size_t ts_wsc_queued(const struct ts_wsc *c);
/* Ends it with a close frame when open; no callback comes any more and c is invalid. */
void ts_wsc_close(struct ts_wsc *c);

#endif
