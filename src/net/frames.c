/* SPDX-License-Identifier: Apache-2.0 */
#include "net/frames.h"

#include "base/check.h"

void ts_frame_head(size_t n, uint8_t out[TS_FRAME_HEAD])
{
    TS_CHECK(n <= UINT32_MAX);
    out[0] = (uint8_t)(n >> 24);
    out[1] = (uint8_t)(n >> 16);
    out[2] = (uint8_t)(n >> 8);
    out[3] = (uint8_t)n;
}

void ts_frame_reader_init(struct ts_frame_reader *r, size_t max_frame)
{
    TS_CHECK(max_frame > 0 && max_frame <= INT32_MAX);
    memset(r, 0, sizeof(*r));
    r->max_frame = max_frame;
    ts_buf_init(&r->body, max_frame);
}

void ts_frame_reader_free(struct ts_frame_reader *r)
{
    ts_buf_free(&r->body);
}

void ts_frame_reader_reset(struct ts_frame_reader *r)
{
    ts_buf_free(&r->body);
    ts_buf_init(&r->body, r->max_frame);
    r->head_n = 0;
    r->need = 0;
    r->err = TS_OK;
}

bool ts_frame_reader_at_boundary(const struct ts_frame_reader *r)
{
    return r->head_n == 0;
}

static void skip(ts_bytes *in, size_t n)
{
    in->p += n;
    in->n -= n;
}

/* Reads the length; false when more is needed or it is over the bound. */
static bool read_head(struct ts_frame_reader *r, ts_bytes *in)
{
    if (r->head_n == TS_FRAME_HEAD)
        return true;
    ts_buf_reset(&r->body); /* the frame handed out before is given up now */
    while (r->head_n < TS_FRAME_HEAD && in->n > 0) {
        r->head[r->head_n++] = in->p[0];
        skip(in, 1);
    }
    if (r->head_n < TS_FRAME_HEAD)
        return false;
    r->need = (size_t)r->head[0] << 24 | (size_t)r->head[1] << 16 | (size_t)r->head[2] << 8 |
              (size_t)r->head[3];
    if (r->need > r->max_frame)
        r->err = TS_E_LIMIT;
    return r->err == TS_OK;
}

ts_err ts_frame_reader_next(struct ts_frame_reader *r, ts_bytes *in, ts_bytes *frame, bool *have)
{
    *have = false;
    if (r->err != TS_OK)
        return r->err;
    if (!read_head(r, in))
        return r->err;
    size_t take = r->need - r->body.n;
    if (r->body.n == 0 && in->n >= take) {
        *frame = (ts_bytes){in->p, take}; /* whole in the caller's bytes: no copy */
        skip(in, take);
    } else {
        take = take < in->n ? take : in->n;
        if (take > 0)
            ts_buf_put(&r->body, in->p, take);
        if (r->body.err != TS_OK)
            return r->err = r->body.err;
        skip(in, take);
        if (r->body.n < r->need)
            return TS_OK;
        *frame = ts_buf_bytes(&r->body);
    }
    r->head_n = 0;
    *have = true;
    return TS_OK;
}
