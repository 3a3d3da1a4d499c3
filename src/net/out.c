/* SPDX-License-Identifier: Apache-2.0 */
#include "net/out.h"

#include "base/check.h"

#define MAX_PIECES 4

struct queued_write {
    uv_write_t req;
    struct ts_out *out;
    uint8_t bytes[];
};

size_t ts_out_queued(const struct ts_out *o)
{
    return uv_stream_get_write_queue_size(o->stream);
}

static void on_written(uv_write_t *req, int status)
{
    struct queued_write *w = req->data;
    struct ts_out *o = w->out;
    free(w);
    if (status == UV_ECANCELED)
        return; /* the handle is being closed by its owner */
    if (status < 0)
        o->on_error(o->ctx, status);
    else if (o->on_drain && ts_out_queued(o) == 0)
        o->on_drain(o->ctx);
}

/* Copies what lies after the first skip bytes of the pieces. */
static void copy_rest(uint8_t *to, const ts_bytes *pieces, unsigned n_pieces, size_t skip)
{
    for (unsigned i = 0; i < n_pieces; i++) {
        size_t off = skip < pieces[i].n ? skip : pieces[i].n;
        size_t n = pieces[i].n - off;
        skip -= off;
        if (n > 0)
            memcpy(to, pieces[i].p + off, n);
        to += n;
    }
}

static ts_err queue_rest(struct ts_out *o, const ts_bytes *pieces, unsigned n_pieces, size_t sent,
                         size_t rest, int *uv_error)
{
    struct queued_write *w = malloc(sizeof(*w) + rest);
    if (!w)
        return TS_E_NOMEM;
    w->out = o;
    w->req.data = w;
    copy_rest(w->bytes, pieces, n_pieces, sent);
    /* libuv counts a buffer in unsigned int; every bound here is far below. */
    uv_buf_t buf = uv_buf_init((char *)w->bytes, (unsigned)rest);
    int r = uv_write(&w->req, o->stream, &buf, 1, on_written);
    if (r == 0)
        return TS_OK;
    free(w);
    *uv_error = r;
    return TS_E_IO;
}

ts_err ts_out_write(struct ts_out *o, const ts_bytes *pieces, unsigned n_pieces, int *uv_error)
{
    uv_buf_t bufs[MAX_PIECES];
    size_t total = 0;
    size_t sent = 0;
    TS_CHECK(n_pieces <= MAX_PIECES);
    for (unsigned i = 0; i < n_pieces; i++) {
        TS_CHECK(pieces[i].n < UINT32_MAX);
        bufs[i].base = (char *)(uintptr_t)pieces[i].p;
        bufs[i].len = pieces[i].n;
        total += pieces[i].n;
    }
    TS_CHECK(total < UINT32_MAX);
    if (ts_out_queued(o) == 0) {
        int r = uv_try_write(o->stream, bufs, n_pieces);
        if (r < 0 && r != UV_EAGAIN) {
            *uv_error = r;
            return TS_E_IO;
        }
        sent = r > 0 ? (size_t)r : 0;
    }
    if (o->bytes)
        *o->bytes += total;
    if (sent == total)
        return TS_OK;
    return queue_rest(o, pieces, n_pieces, sent, total - sent, uv_error);
}
