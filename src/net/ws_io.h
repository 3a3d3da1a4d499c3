/* SPDX-License-Identifier: Apache-2.0 */
/* WebSocket framing by wslay over a ts_out: what server and client have in common. Not for use
 * outside net. */
#ifndef TS_NET_WS_IO_H
#define TS_NET_WS_IO_H

#include <wslay/wslay.h>

#include "base/buf.h"
#include "net/out.h"

enum ts_wsio_kind { TS_WS_TEXT, TS_WS_BINARY, TS_WS_BOTH };

struct ts_wsio {
    wslay_event_context_ptr ctx;
    struct ts_out *out;
    struct ts_buf gather;  /* frames that wslay has made and ts_out has not got yet */
    struct ts_buf message; /* what has come of the current message */
    ts_bytes in;           /* received bytes that wslay has not taken yet */
    size_t max_message;
    size_t max_queue;
    enum ts_wsio_kind kind; /* messages taken; the other kind closes with 1003 */
    void (*on_message)(void *owner, ts_bytes message, bool binary);
    void *owner;
    uint64_t last_in; /* loop time in ms of the last bytes */
    uint64_t ping_at; /* of the ping that waits for its pong, or 0 */
    bool closing;     /* a close frame is sent or on its way: no message is delivered any more */
    bool in_data_frame;
    bool oversized; /* closing because a message was too long */
};

/* What became of the connection after a step. */
enum ts_wsio_state {
    TS_WSIO_OPEN,
    TS_WSIO_DONE,     /* closed in order by both: end the connection when all is sent */
    TS_WSIO_BAD,      /* the peer broke the protocol; it has been told: end it likewise */
    TS_WSIO_OVERFLOW, /* the queue is over its bound: end it now */
    TS_WSIO_BROKEN,   /* writing failed or no memory: end it now */
};

/* io zeroed; out, bounds, kind, on_message and owner filled in. TS_E_NOMEM. */
ts_err ts_wsio_start(struct ts_wsio *io, bool is_server, uint64_t now);
void ts_wsio_free(struct ts_wsio *io);
/* Takes received bytes; delivers messages and answers pings and closes. */
enum ts_wsio_state ts_wsio_feed(struct ts_wsio *io, ts_bytes in, uint64_t now);
/* Sends one message. TS_E_BUSY: it would pass the bound and was not sent; TS_E_CLOSED; TS_E_IO or
 * TS_E_NOMEM: broken. */
ts_err ts_wsio_send(struct ts_wsio *io, ts_bytes message, bool binary);
/* Sends a close frame, once. */
enum ts_wsio_state ts_wsio_close(struct ts_wsio *io, uint16_t code, const char *reason);
/* Called from time to time: pings a quiet peer; false when it is dead. */
bool ts_wsio_keep_alive(struct ts_wsio *io, uint64_t now, unsigned ping_ms, unsigned pong_ms);

#endif
