/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of small numbers and of bytes, and their way into and out of a rollup's data.
 *
 * A number column is a string of tokens, and is made so that what is expected is zero. A token is
 * one number from 1 on, or a run of zeros: the lowest bit of the first byte is 1 for a run, the
 * next six and then seven bits of each byte are the number, or the run's length less one, lowest
 * bits first; the highest bit of a byte says that another follows. Two runs never stand side by
 * side.
 *
 * In the data a column is: varint (2 * bytes that follow + 1 when they are compressed), when they
 * are compressed varint (bytes before), the bytes. Source: docs/protocol.md, section 6. */
#ifndef TS_CHAIN_ROLLUP_COLUMNS_H
#define TS_CHAIN_ROLLUP_COLUMNS_H

#include "chain/rollup.h"

/* A column in the making. */
struct ts_column {
    struct ts_buf bytes;
    uint64_t zeros; /* of a run that has not been written yet */
};

void ts_column_init(struct ts_column *c);
void ts_column_free(struct ts_column *c);
void ts_column_put(struct ts_column *c, uint64_t v);
void ts_column_put_bytes(struct ts_column *c, ts_bytes v);
/* LEB128, outside the tokens: only before the first and after the last of these. */
void ts_column_put_varint(struct ts_column *c, uint64_t v);
/* Ends the tokens. */
void ts_column_end(struct ts_column *c);

/* Negative numbers among tokens: 0, -1, 1, -2 … become 0, 1, 2, 3 …; every difference of two
 * numbers modulo 2^64 fits. */
uint64_t ts_zigzag(uint64_t difference);
uint64_t ts_unzigzag(uint64_t v);

/* ---- what the columns are measured against ---- */

#define TS_ROLLUP_USUAL_GAS 21000u /* before the first transaction */
#define TS_ROLLUP_MAX_SHIFT 62u

/* Tokens of recipients. */
#define TS_ROLLUP_TO_NEW  0u /* the next address of TS_COL_TO_BYTES */
#define TS_ROLLUP_TO_NONE 1u
#define TS_ROLLUP_TO_SEEN 2u /* and how many others were new before it was */

/* Where the next batch's time is measured from: at + step would have been expected, off is how much
 * later (modulo 2^64) it was, and 1/2^shift of that, towards zero, is taken over. */
uint64_t ts_rollup_time_next(uint64_t at, uint64_t step, uint64_t off, unsigned shift);

/* How a column may be stored. */
enum ts_squeeze {
    TS_SQUEEZE_NEVER, /* random bytes: not even tried */
    TS_SQUEEZE_TRY    /* compressed where that is shorter */
};

/* Appends a column to the data. TS_E_NOMEM by the buffer's own error. */
void ts_column_pack(struct ts_buf *out, ts_bytes column, enum ts_squeeze how);

/* A column being read; fails once and stays failed, and gives zeros then. */
struct ts_column_reader {
    const uint8_t *p;
    const uint8_t *end;
    uint64_t zeros; /* left of a run */
    bool was_zeros; /* the token before was a run */
    ts_err err;
};

struct ts_column_reader ts_column_reader_of(ts_bytes column);
uint64_t ts_column_get(struct ts_column_reader *r);
uint64_t ts_column_get_varint(struct ts_column_reader *r);
/* The next n bytes; NULL after an error. */
const uint8_t *ts_column_get_bytes(struct ts_column_reader *r, uint64_t n);
void ts_column_fail(struct ts_column_reader *r, ts_err err);
/* TS_OK when all was in order and nothing is left. */
ts_err ts_column_done(const struct ts_column_reader *r);

/* Takes the next column out of the data. What is compressed is put into the arena; *room is how
 * many bytes columns may still have, and is lowered. */
ts_err ts_column_unpack(struct ts_column_reader *data, struct ts_arena *arena, size_t *room,
                        ts_bytes *out);

#endif
