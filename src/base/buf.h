/* SPDX-License-Identifier: Apache-2.0 */
/* A growable byte buffer with a bound that fails sticky: append at will, check once at the end. */
#ifndef TS_BASE_BUF_H
#define TS_BASE_BUF_H

#include "tenseq/bytes.h"

struct ts_buf {
    uint8_t *p; /* owned; freed by ts_buf_free */
    size_t n;   /* bytes used */
    size_t cap; /* bytes allocated */
    size_t max; /* TS_E_LIMIT beyond this */
    ts_err err; /* first failure; later appends do nothing */
};

/* An empty buffer that holds at most max bytes (0: SIZE_MAX / 2). Allocates nothing yet. */
void ts_buf_init(struct ts_buf *b, size_t max);
void ts_buf_free(struct ts_buf *b);
/* Empties it and clears the error; keeps the memory. */
void ts_buf_reset(struct ts_buf *b);

void ts_buf_put(struct ts_buf *b, const void *p, size_t n);
void ts_buf_put_byte(struct ts_buf *b, uint8_t byte);
/* Room for n more bytes at the end, already counted in; NULL when failed. For in-place writing. */
uint8_t *ts_buf_extend(struct ts_buf *b, size_t n);
/* Appends formatted text without a NUL. */
void ts_buf_printf(struct ts_buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

ts_bytes ts_buf_bytes(const struct ts_buf *b);

#endif
