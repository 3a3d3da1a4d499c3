/* SPDX-License-Identifier: Apache-2.0 */
/* The sending half of a libuv stream: written at once as far as the system takes it, the rest
 * queued. Shared by links, the server and the WebSocket client; not for use outside net. */
#ifndef TS_NET_OUT_H
#define TS_NET_OUT_H

#include <uv.h>

#include "tenseq/bytes.h"

struct ts_out {
    uv_stream_t *stream;
    uint64_t *bytes;                           /* counts what is handed over; may be NULL */
    void (*on_drain)(void *ctx);               /* the queue became empty; may be NULL */
    void (*on_error)(void *ctx, int uv_error); /* a queued write failed */
    void *ctx;
};

/* Bytes the system has not taken yet. */
size_t ts_out_queued(const struct ts_out *o);
/* Writes the pieces as one; they are borrowed for the call. TS_E_IO: the stream is broken and
 * *uv_error says how; TS_E_NOMEM: the stream is broken too, since a part may have gone. The caller
 * bounds the queue before it calls. No callback comes from inside. */
ts_err ts_out_write(struct ts_out *o, const ts_bytes *pieces, unsigned n_pieces, int *uv_error);

#endif
