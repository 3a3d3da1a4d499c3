/* SPDX-License-Identifier: Apache-2.0 */
/* The frame reader: however a stream is cut into pieces, the frames are the same, the error is the
 * same, and memory stays within what has arrived. */
#include "base/check.h"
#include "net/frames.h"

#define MAX_FRAME 1000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    uint64_t hash; /* of lengths and bodies in order */
    size_t frames;
    ts_err err;
    bool at_boundary;
};

static uint64_t mix(uint64_t h, const uint8_t *p, size_t n)
{
    h = (h ^ n) * 1099511628211u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 1099511628211u;
    return h;
}

static struct outcome read_in_pieces(ts_bytes all, size_t piece)
{
    struct outcome o = {.hash = 14695981039346656037u};
    struct ts_frame_reader r;
    ts_bytes frame;
    bool have;
    ts_frame_reader_init(&r, MAX_FRAME);
    while (all.n > 0 && o.err == TS_OK) {
        ts_bytes in = {all.p, piece < all.n ? piece : all.n};
        all.p += in.n;
        all.n -= in.n;
        while ((o.err = ts_frame_reader_next(&r, &in, &frame, &have)) == TS_OK && have) {
            TS_CHECK(frame.n <= MAX_FRAME);
            o.hash = mix(o.hash, frame.p, frame.n);
            o.frames++;
        }
        TS_CHECK(o.err != TS_OK || in.n == 0);
        TS_CHECK(r.body.cap <= 2 * MAX_FRAME);
    }
    TS_CHECK(o.err == TS_OK || o.err == TS_E_LIMIT);
    o.at_boundary = ts_frame_reader_at_boundary(&r);
    ts_frame_reader_free(&r);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {1, 2, 3, 5, 64};
    struct outcome whole = read_in_pieces(ts_bytes_of(data, size), SIZE_MAX);
    for (size_t i = 0; i < TS_COUNT(pieces); i++) {
        struct outcome cut = read_in_pieces(ts_bytes_of(data, size), pieces[i]);
        TS_CHECK(cut.hash == whole.hash && cut.frames == whole.frames && cut.err == whole.err);
        TS_CHECK(cut.err != TS_OK || cut.at_boundary == whole.at_boundary);
    }
    return 0;
}
