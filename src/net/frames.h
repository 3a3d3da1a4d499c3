/* SPDX-License-Identifier: Apache-2.0 */
/* Frames on a byte stream: u32 big-endian length ‖ body. No I/O here.
 *
 * Memory grows only as bytes arrive, never by the length a peer claims, and stays below twice
 * max_frame. A frame that lies whole in the bytes given is not copied. */
#ifndef TS_NET_FRAMES_H
#define TS_NET_FRAMES_H

#include "base/buf.h"

#define TS_FRAME_HEAD 4

struct ts_frame_reader {
    struct ts_buf body; /* the part of the current frame that came in earlier calls */
    size_t max_frame;
    uint8_t head[TS_FRAME_HEAD];
    size_t head_n; /* bytes of head read */
    size_t need;   /* the current frame's length, known when head_n is TS_FRAME_HEAD */
    ts_err err;    /* sticky */
};

/* max_frame is the longest body taken, 1 to 2^31 - 1 bytes. Allocates nothing yet. */
void ts_frame_reader_init(struct ts_frame_reader *r, size_t max_frame);
void ts_frame_reader_free(struct ts_frame_reader *r);
/* Forgets a half-read frame and the error, for a new connection. */
void ts_frame_reader_reset(struct ts_frame_reader *r);

/* Takes at most one frame out of *in and moves *in past what was used. *have: a frame is complete;
 * *frame (may be empty) is valid until the next call and as long as the memory of *in. Not *have:
 * all of *in was used and more is needed. Call until not *have:
 *
 *     while ((err = ts_frame_reader_next(&r, &in, &frame, &have)) == TS_OK && have)
 *
 * TS_E_LIMIT: the claimed length is over max_frame, noticed with the fourth byte. TS_E_NOMEM. Both
 * are sticky, *have is false. */
ts_err ts_frame_reader_next(struct ts_frame_reader *r, ts_bytes *in, ts_bytes *frame, bool *have);
/* True between frames: an end of the stream here cuts nothing off. */
bool ts_frame_reader_at_boundary(const struct ts_frame_reader *r);

/* The head of a frame with a body of n bytes, n < 2^32. */
void ts_frame_head(size_t n, uint8_t out[TS_FRAME_HEAD]);

#endif
