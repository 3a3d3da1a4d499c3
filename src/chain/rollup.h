/* SPDX-License-Identifier: Apache-2.0 */
/* The data of a rollup: headers and transactions of a contiguous range of batches in columns, then
 * compressed. In it is what neither execution nor L1 gives: time, term, producer and L1 number of
 * each batch, and its transactions. Not in it: protocol payloads, hashes, roots, l1Hash.
 *
 * The data are not unique: a compressor may write the same columns in more than one way. What was
 * signed is named by dataHash, and two who decode the same data have the same batches.
 *
 * Whoever holds the header chain checks decoded batches by filling in the rest and hashing
 * (rebuild/rebuild.h). Source: docs/protocol.md, section 6. */
#ifndef TS_CHAIN_ROLLUP_H
#define TS_CHAIN_ROLLUP_H

#include "base/arena.h"
#include "base/buf.h"
#include "tenseq/evidence.h"
#include "tenseq/types.h"
#include "tenseq/verify.h"

#define TS_ROLLUP_VERSION     1
#define TS_ROLLUP_MAX_BATCHES 16384u
#define TS_ROLLUP_MAX_DATA    120000u /* bytes of data; geth takes L1 transactions of 131072 bytes */
/* One batch alone may take more, since a batch is not divided: how such data get to L1 is up to who
 * publishes them. */
#define TS_ROLLUP_MAX_SINGLE TS_MAX_BATCH_BYTES
#define TS_ROLLUP_MAX_TXS    (1u << 18)          /* transactions in a rollup */
#define TS_ROLLUP_MAX_RAW    (24u * 1024 * 1024) /* bytes of columns, and of transactions */
#define TS_ROLLUP_ARENA      (64u * 1024 * 1024) /* arena bound that every decoding stays below */

/* What a rollup keeps of a batch. */
struct ts_rollup_batch {
    ts_time time;
    uint64_t term;
    ts_address producer;
    uint64_t l1_number;
    const ts_bytes *txs; /* borrowed */
    size_t n_txs;
};

/* The columns, in the order in which they stand. */
enum ts_rollup_column {
    TS_COL_TIME,
    TS_COL_TERM,
    TS_COL_PRODUCER,
    TS_COL_L1,
    TS_COL_COUNT, /* transactions of each batch; the columns behind are there when there are some */
    TS_COL_KIND,
    TS_COL_CHAIN,
    TS_COL_NONCE,
    TS_COL_TIP,
    TS_COL_TIP_BYTES,
    TS_COL_FEE,
    TS_COL_FEE_BYTES,
    TS_COL_GAS,
    TS_COL_TO,
    TS_COL_TO_BYTES,
    TS_COL_VALUE,
    TS_COL_VALUE_BYTES,
    TS_COL_DATA,
    TS_COL_DATA_BYTES,
    TS_COL_ACCESS,
    TS_COL_ACCESS_BYTES,
    TS_COL_PARITY,
    TS_COL_SIGNATURE,
    TS_COL_RAW,
    TS_COL_RAW_BYTES,
    TS_ROLLUP_COLUMNS
};

/* Bytes of each column before compression and as it stands in the data, header included. */
struct ts_rollup_sizes {
    size_t raw[TS_ROLLUP_COLUMNS];
    size_t stored[TS_ROLLUP_COLUMNS];
};

const char *ts_rollup_column_name(enum ts_rollup_column column);

/* How many bytes the data of a rollup of n batches may have. */
size_t ts_rollup_data_max(uint64_t n);

/* Appends the data of batches b[0] to b[n - 1], consecutive ones; any values, any transactions.
 * A function of its arguments and the compressor's version.
 *
 * Returns: TS_OK; TS_E_RANGE when n is 0; TS_E_LIMIT above TS_ROLLUP_MAX_BATCHES, _MAX_TXS,
 * _MAX_RAW or when the data take more than max bytes (max: ts_rollup_data_max(n) or less); then a
 *          shorter range may do. TS_E_NOMEM. On failure out holds what it held.
 * Out:     sizes  may be NULL; written on TS_OK, and on TS_E_LIMIT for max (else zeros), so that a
 *                 caller sees by how much.
 * Cost:    a millisecond or two for 12,770 empty batches, 40 ms for 120,000 bytes of transfers.
 *          Memory: up to three times the columns, and the compressor's few MiB. */
ts_err ts_rollup_encode(const struct ts_rollup_batch *b, size_t n, size_t max, struct ts_buf *out,
                        struct ts_rollup_sizes *sizes);

/* How many of b[0] to b[n - 1] surely fit into max bytes together, without compressing: for who
 * picks a range. Close to the most that do, where transactions are no text and batches are alike;
 * at least 1, since one batch alone goes by its own limit.
 *
 * Returns: TS_OK; TS_E_RANGE when n is 0; TS_E_NOMEM. *fit is unchanged on failure.
 * Cost:    some passes over the batches, each about 2 µs a transaction. */
ts_err ts_rollup_fit(const struct ts_rollup_batch *b, size_t n, size_t max, size_t *fit);

/* Reads the data of a rollup of n batches. Hostile data give an error, and take no more memory than
 * TS_ROLLUP_ARENA and what the decompressor needs (16 MiB).
 *
 * Returns: TS_OK: *out has n batches; it, the transactions and their bytes are in the arena.
 *          TS_E_RANGE: n is 0 or above TS_ROLLUP_MAX_BATCHES, or a number in the data is out of its
 *          range. TS_E_LIMIT: the data are longer than ts_rollup_data_max(n), or hold more than a
 *          rollup may. TS_E_CORRUPT: the decompressor's complaint. TS_E_VERSION, TS_E_TRUNCATED,
 *          TS_E_TRAILING, TS_E_NOT_CANONICAL, TS_E_NOMEM. *out is then unchanged. */
ts_err ts_rollup_decode(ts_bytes data, size_t n, struct ts_arena *arena,
                        struct ts_rollup_batch **out);

/* What the data of a rollup of n batches say of its batch at, which is below n: how evidence is
 * read (tenseq/evidence.h). Errors as ts_rollup_decode's. */
ts_err ts_rollup_said(ts_bytes data, size_t n, size_t at, struct ts_rollup_said *out);

/* ---- the signed header ---- */

/* The EIP-712 digest of a rollup. */
void ts_rollup_hash(const struct ts_domain *d, const struct ts_rollup *r, ts_hash *out);
/* Who signed it. TS_E_SIGNATURE: *out is unchanged. Whether that party may is the caller's
 * question. */
ts_err ts_rollup_signer(const struct ts_crypto *c, const struct ts_domain *d,
                        const struct ts_rollup *r, ts_address *out);

/* [fields…, signature], as everything signed. */
void ts_rollup_put(struct ts_buf *b, const struct ts_rollup *r);
/* TS_OK or a decoding error: *out is then unspecified. Nothing but the form is checked. */
ts_err ts_rollup_read(ts_bytes raw, struct ts_rollup *out);

#endif
