/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed form of a checkpoint: a head record and a stream of chunks in one slot.
 *
 *   magic(8) ‖ salt(8) ‖ sealed head record ‖ chunk…
 *   head record = enclave id(20) ‖ genesis(32) ‖ generation(8) ‖ number(8) ‖ hash(32)
 *   chunk       = last(1) ‖ length(4) ‖ sealed bytes
 *
 * The magic ends with the version; content of another one is not read, since a boot can always
 * start from the genesis. Integers are big-endian. Records are sealed one by one with AES-256-GCM;
 * the head is record 0. The nonce is salt ‖ record number(4), the salt drawn for each checkpoint;
 * the additional data are magic ‖ salt ‖ record number ‖ last. So a record that is changed,
 * missing, moved, of another checkpoint, or behind the end does not open. */
#ifndef TS_ENCLAVE_CHECKPOINT_IO_H
#define TS_ENCLAVE_CHECKPOINT_IO_H

#include "enclave/core.h"

struct ts_checkpoint_head {
    ts_address enclave;
    ts_hash genesis;
    uint64_t generation; /* grows with every checkpoint an enclave seals */
    uint64_t number;
    ts_hash hash;
};

#define TS_CHECKPOINT_CHUNK (64u * 1024) /* plain bytes */

/* Sealing and opening: one of the two at a time. */
struct ts_checkpoint_stream {
    const struct ts_checkpoint_store *store;
    const ts_secret *key;
    uint8_t salt[8];
    uint32_t record;     /* number of the next one */
    struct ts_buf plain; /* writing: not sealed yet; reading: the opened chunk */
    size_t at;           /* reading: bytes of plain taken */
    struct ts_buf sealed;
    bool is_last; /* reading: the chunk in plain is the last */
};

/* The head record of a slot. TS_E_NOT_FOUND: the slot is empty or cannot be read. TS_E_SEAL:
 * damaged, or sealed under another key. TS_E_VERSION: of another version of this program. */
ts_err ts_checkpoint_peek(const struct ts_checkpoint_store *store, size_t slot,
                          const ts_secret *key, struct ts_checkpoint_head *out);

/* Starts to replace a slot. Every begin that returned TS_OK is followed by one end. */
ts_err ts_checkpoint_write_begin(struct ts_checkpoint_stream *s,
                                 const struct ts_checkpoint_store *store, size_t slot,
                                 const ts_secret *key, const uint8_t salt[8],
                                 const struct ts_checkpoint_head *head);
/* A ts_sink write; ctx is the stream. */
ts_err ts_checkpoint_write(void *ctx, const void *p, size_t n);
/* err: TS_OK when all was written: then the last chunk follows and the slot is durable if this
 * returns TS_OK. Otherwise the slot is given up and err comes back. */
ts_err ts_checkpoint_write_end(struct ts_checkpoint_stream *s, ts_err err);

/* Starts to read a slot, up to behind its head record. Errors as peek. */
ts_err ts_checkpoint_read_begin(struct ts_checkpoint_stream *s,
                                const struct ts_checkpoint_store *store, size_t slot,
                                const ts_secret *key, struct ts_checkpoint_head *out);
/* A ts_source read; ctx is the stream. TS_E_TRUNCATED at the end; TS_E_CORRUPT for a chunk that
 * does not open. */
ts_err ts_checkpoint_read(void *ctx, void *p, size_t n);
/* err: TS_OK when all was read: then TS_E_CORRUPT if anything is left. Otherwise err comes back. */
ts_err ts_checkpoint_read_end(struct ts_checkpoint_stream *s, ts_err err);

#endif
