/* SPDX-License-Identifier: Apache-2.0 */
/* Durable storage of host and node: batches, transactions, settings. One writer.
 *
 * A list of operations is one durable step: all of it is on disk when apply returns TS_OK, none of
 * it otherwise. Reads see what was applied. Another database may take SQLite's place behind this
 * header; the suite in tests/unit/test_store.c is the same for all.
 *
 * Two threads at the most: one applies (apply, apply_group, checkpoint_rest, tidy, error), one
 * reads (everything that returns data); a third may run ts_store_checkpoint. */
#ifndef TS_STORE_STORE_H
#define TS_STORE_STORE_H

#include "base/buf.h"
#include "tenseq/types.h"

enum ts_batch_status { TS_BATCH_PREPARED = 1, TS_BATCH_COMMITTED = 2, TS_BATCH_DISCARDED = 3 };

enum ts_store_op_kind {
    TS_OP_PUT_BATCH = 1, /* number, hash, status, data = raw; tx_hashes are indexed when committed.
                            A batch that is there already only takes the status */
    TS_OP_SET_STATUS,    /* number, hash, status; becoming committed indexes tx_hashes, any other
                            status takes the batch's transactions out of the index.
                            TS_E_NOT_FOUND: no such batch */
    TS_OP_PUT_META,      /* key, data */
    TS_OP_PUT_TX,       /* pool: seq, hash, data = raw, sender, nonce. A hash that is there already,
                           of a step that seemed to fail, say, takes the new seq. TS_E_CONFLICT:
                           another hash has the seq */
    TS_OP_DROP_TX,      /* pool: hash; no error if it is not there */
    TS_OP_PUT_REJECTED, /* hash, number = batch that decided it (or 0), code, text = why. The newest
                           TS_STORE_MAX_REJECTED are kept, a hash's newest replaces its older */
    TS_OP_PUT_EVIDENCE, /* hash = id, data = RLP; for conflicting batches a node keeps. No error
                           if it is there already */
    TS_OP_PUT_L1,       /* number, hash, data = RLP of the header of an L1 block that a batch names;
                           in the step of that batch. No error if it is there already */
    TS_OP_PUT_ROLLUP, /* seq = first and number = last batch of a rollup, data = what is kept of it.
                         Replaces one with the same last */
    TS_OP_DROP_ROLLUPS, /* number: every rollup whose last batch is number or above is forgotten */
    TS_OP_DISCARD       /* number: every committed batch from number on becomes discarded */
};

#define TS_STORE_MAX_REJECTED 1000000

/* All bytes are borrowed until the step is done. */
struct ts_store_op {
    enum ts_store_op_kind kind;
    uint64_t number;
    ts_hash hash;
    enum ts_batch_status status;
    const char *key;
    ts_bytes data;
    const ts_hash *tx_hashes; /* of the batch, in its order */
    size_t n_tx_hashes;
    uint64_t seq;
    ts_address sender;
    uint64_t nonce;
    ts_err code;
    const char *text;
};

struct ts_store_batch {
    uint64_t number;
    ts_hash hash;
    enum ts_batch_status status;
    ts_bytes raw;       /* valid during the callback only */
    ts_bytes l1_header; /* for cores that are given loaded batches: of the L1 block that the batch
                           names, empty without one. The store's own callbacks leave it empty */
};

struct ts_store_tx {
    uint64_t seq;
    ts_hash hash;
    ts_bytes raw; /* valid during the callback only */
    ts_address sender;
    uint64_t nonce;
};

struct ts_store;

/* Opens or makes the database at path for one network and program ("host" or "node"). Errors, each
 * with a sentence in why: TS_E_FOREIGN (another network, program or file type), TS_E_VERSION (newer
 * schema), TS_E_CORRUPT, TS_E_BUSY (another process has it), TS_E_DISK_FULL, TS_E_IO. */
ts_err ts_store_open(const char *path, const ts_hash *genesis, const char *program,
                     struct ts_store **out, char *why, size_t why_size);
void ts_store_close(struct ts_store *s);

/* One durable step, in order. TS_E_CONFLICT (another committed batch has the number, or see the
 * operations), TS_E_NOT_FOUND (SET_STATUS), TS_E_RANGE (a number or seq of 2^63 or more, a batch
 * 0), TS_E_DISK_FULL, TS_E_IO, TS_E_BUSY (another program writes), TS_E_CORRUPT, TS_E_NOMEM:
 * nothing changed, and the store stays usable. */
ts_err ts_store_apply(struct ts_store *s, const struct ts_store_op *ops, size_t n);

struct ts_store_step {
    const struct ts_store_op *ops;
    size_t n;
    ts_err err; /* out */
};

/* Several steps, in order, with one disk flush for all where that works; each is still all or
 * nothing in its own right and gets its own err. */
void ts_store_apply_group(struct ts_store *s, struct ts_store_step *steps, size_t n);
/* One sentence about the newest failure of an apply; "" when there was none. */
const char *ts_store_error(const struct ts_store *s);

/* What was applied stands in a log that must be folded into the database now and then. apply does
 * it only when the log has grown past all bounds, at the cost of a slow step; so call these when
 * ts_store_log_pages is over a few thousand: ts_store_checkpoint from any one other thread while
 * steps go on, then, when it leaves little, ts_store_checkpoint_rest between steps to empty the
 * log. *left: pages not folded yet. Errors: as apply; nothing is lost. */
size_t ts_store_log_pages(const struct ts_store *s);
ts_err ts_store_checkpoint(struct ts_store *s, size_t *left);
ts_err ts_store_checkpoint_rest(struct ts_store *s, size_t *left);

/* Keeping the index of transactions fast is work that can wait for a moment without steps: while
 * ts_store_is_untidy, ts_store_tidy does a few milliseconds of it. Both for the thread that
 * applies. Errors: as apply; the next call tries again. */
bool ts_store_is_untidy(const struct ts_store *s);
ts_err ts_store_tidy(struct ts_store *s);

/* Reads. TS_E_NOT_FOUND; TS_E_CORRUPT, TS_E_IO; callbacks return false to stop. A callback may read
 * from the store, but not by the function that called it. */
typedef bool (*ts_store_batch_fn)(void *ctx, const struct ts_store_batch *b);
typedef bool (*ts_store_tx_fn)(void *ctx, const struct ts_store_tx *t);
ts_err ts_store_head(struct ts_store *s, uint64_t *number,
                     ts_hash *hash); /* committed; NOT_FOUND: empty */
/* Ascending from from; none is no error. */
ts_err ts_store_committed(struct ts_store *s, uint64_t from, uint64_t count, ts_store_batch_fn fn,
                          void *ctx);
/* Of whatever status. */
ts_err ts_store_by_hash(struct ts_store *s, const ts_hash *hash, ts_store_batch_fn fn, void *ctx);
/* Prepared ones (at most one in a sound host), and the discarded ones from a number on, by number.
 */
ts_err ts_store_prepared(struct ts_store *s, ts_store_batch_fn fn, void *ctx);
ts_err ts_store_discarded(struct ts_store *s, uint64_t from, ts_store_batch_fn fn, void *ctx);
/* Appends the value to out. */
ts_err ts_store_meta(struct ts_store *s, const char *key, struct ts_buf *out);
ts_err ts_store_pool(struct ts_store *s, ts_store_tx_fn fn, void *ctx); /* by seq */
/* Where a transaction is: number and index of its committed batch. */
ts_err ts_store_find_tx(struct ts_store *s, const ts_hash *hash, uint64_t *number, uint64_t *index);
/* why gets the sentence appended. A transaction may have been included since: ask find_tx first. */
ts_err ts_store_rejected(struct ts_store *s, const ts_hash *hash, uint64_t *number, ts_err *code,
                         struct ts_buf *why);
/* The header of an L1 block, appended to out. */
ts_err ts_store_l1_header(struct ts_store *s, uint64_t number, const ts_hash *hash,
                          struct ts_buf *out);
/* Rollups whose last batch is from or above, ascending; none is no error. data: during the call. */
typedef bool (*ts_store_rollup_fn)(void *ctx, uint64_t first, uint64_t last, ts_bytes data);
ts_err ts_store_rollups(struct ts_store *s, uint64_t from, uint64_t count, ts_store_rollup_fn fn,
                        void *ctx);
/* Evidence: one by id, appended to out; all, oldest first. */
ts_err ts_store_evidence(struct ts_store *s, const ts_hash *id, struct ts_buf *out);
typedef bool (*ts_store_evidence_fn)(void *ctx, const ts_hash *id, ts_bytes data);
ts_err ts_store_each_evidence(struct ts_store *s, ts_store_evidence_fn fn, void *ctx);

#endif
