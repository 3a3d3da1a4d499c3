/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical RLP: a bounded reader that fails once and stays failed, and a writer.
 * Source: Ethereum Yellow Paper, appendix B; protocol section 1. */
#ifndef TS_CODEC_RLP_H
#define TS_CODEC_RLP_H

#include "base/buf.h"
#include "base/u256.h"

#define TS_RLP_DEPTH 8

/* Reads one item (usually a list) that must fill its input exactly. After the first error every
 * read returns zeros and nothing moves; ask ts_rlp_done at the end. */
struct ts_reader {
    const uint8_t *p;
    const uint8_t *end;                 /* of the innermost list entered, or of the input */
    const uint8_t *outer[TS_RLP_DEPTH]; /* ends of the lists around it */
    unsigned depth;
    ts_err err;
};

struct ts_reader ts_reader_of(ts_bytes in);
/* TS_OK only if every read was in bounds and canonical, every list was left, and nothing is left
 * over. */
ts_err ts_reader_done(const struct ts_reader *r);
/* Makes the reader fail with err unless it already failed: for a caller's own limits. */
void ts_reader_fail(struct ts_reader *r, ts_err err);
/* Fails with TS_E_CORRUPT unless ok: for what a program stored itself and reads again. */
void ts_reader_want(struct ts_reader *r, bool ok);

void ts_read_list(struct ts_reader *r);     /* enter the list that comes next */
void ts_read_list_end(struct ts_reader *r); /* leave it; TS_E_ARITY if items are left */
/* True while the list entered has items left; false after an error. */
bool ts_read_more(const struct ts_reader *r);
/* How many items are left in the list entered; 0 after an error. Cost: linear, headers only. */
size_t ts_read_count(struct ts_reader *r);

uint64_t ts_read_uint(struct ts_reader *r, unsigned bytes); /* at most that many bytes, 1 to 8 */
uint64_t ts_read_u64(struct ts_reader *r);
/* Of what was stored: a number above max is TS_E_CORRUPT, and 0 is returned, as after any error. */
uint64_t ts_read_at_most(struct ts_reader *r, uint64_t max);
ts_u256 ts_read_u256(struct ts_reader *r);
void ts_read_fixed(struct ts_reader *r, void *out, size_t n); /* exactly n bytes */
void ts_read_hash(struct ts_reader *r, ts_hash *out);
void ts_read_address(struct ts_reader *r, ts_address *out);
void ts_read_sig(struct ts_reader *r, ts_sig *out);
/* A string of at most max bytes, borrowed from the input. */
ts_bytes ts_read_bytes(struct ts_reader *r, size_t max);
/* The next item whole, header and all, borrowed; its inside is not checked. */
ts_bytes ts_read_raw(struct ts_reader *r);
/* True if the next item is a list. */
bool ts_read_is_list(const struct ts_reader *r);

#define TS_RLP_HEADER_MAX 9

/* The header alone, for hashing piece by piece: of a list whose items take body bytes, and of a
 * string (none for a single byte below 0x80). Returns its size. */
size_t ts_rlp_list_header(size_t body, uint8_t out[TS_RLP_HEADER_MAX]);
size_t ts_rlp_bytes_header(ts_bytes v, uint8_t out[TS_RLP_HEADER_MAX]);

/* Writing: a list is opened, filled and closed; its header is put in place at the close. */
void ts_put_u64(struct ts_buf *b, uint64_t v);
void ts_put_u256(struct ts_buf *b, const ts_u256 *v);
void ts_put_bytes(struct ts_buf *b, ts_bytes v);
void ts_put_hash(struct ts_buf *b, const ts_hash *v);
void ts_put_address(struct ts_buf *b, const ts_address *v);
void ts_put_sig(struct ts_buf *b, const ts_sig *v);
/* Bytes that are RLP already. */
void ts_put_raw(struct ts_buf *b, ts_bytes v);
/* Returns the mark to close with. */
size_t ts_put_list(struct ts_buf *b);
void ts_put_list_end(struct ts_buf *b, size_t mark);

#endif
