/* SPDX-License-Identifier: Apache-2.0 */
/* A chain from L1 alone: the rollups in order are decoded and executed, and every header, its hash
 * and its transactions come out, byte for byte as their producers had them. A core: L1 is asked
 * through the caller.
 *
 *     while (next rollup from L1)
 *         if (ts_rebuild_rollup(r, &rollup, data, &fault) != TS_OK)
 *             say fault.what;
 *
 * Batches are handed out when their rollup's lastHash has come out, not before: what is told is
 * what a whitelisted enclave signed, up to the hash of its last batch. Seals and protocol payloads
 * are not on L1; they come from peers, and are checked against protocolRoot by who fetches them.
 *
 * Speed: a batch costs about ten microseconds and a transaction a signature recovery. A shell with
 * threads decodes the rollups ahead (ts_rollup_decode), recovers senders there (ts_tx_decode,
 * ts_tx_recover), and gives a crypto table whose recover looks into what they found.
 *
 * Source: docs/protocol.md, section 6. */
#ifndef TS_REBUILD_REBUILD_H
#define TS_REBUILD_REBUILD_H

#include "chain/rollup.h"
#include "engine/engine.h"

/* A batch as it comes out. Valid during the call. */
struct ts_rebuilt {
    const struct ts_batch_header *header;
    const ts_hash *hash;
    const ts_bytes *txs;
    size_t n_txs;
};

/* All is borrowed and must outlive the rebuild. Callbacks return TS_OK or why not; what they return
 * is what ts_rebuild_rollup returns. */
struct ts_rebuild_config {
    const struct ts_genesis *genesis;
    const struct ts_crypto *crypto;
    const struct ts_engine_ops *engine;
    uint64_t seed[2]; /* for hash maps */
    void *ctx;
    /* The hash of an L1 block. Asked for every number that rollups and batches name, but for the
     * genesis's (0 without L1), and not twice in a row. TS_E_NOT_FOUND: there is no such block. */
    ts_err (*l1_hash)(void *ctx, uint64_t number, ts_hash *out);
    /* Whether an enclave may have signed a rollup: it is on L1's whitelist after the block that the
     * rollup names, since enclaves name none before the one at which they know themselves listed.
     */
    ts_err (*is_listed)(void *ctx, const struct ts_rollup *rollup, const ts_address *id, bool *out);
    /* The next batch, in order. */
    ts_err (*batch)(void *ctx, const struct ts_rebuilt *b);
};

/* What is wrong with which rollup, and with which batch of it. */
struct ts_rebuild_fault {
    ts_err code;
    uint64_t rollup; /* counted from 1 */
    bool has_batch;
    uint64_t batch; /* its number */
    char what[400]; /* one sentence that names both */
};

struct ts_rebuild;

/* At genesis. TS_E_NOMEM, or the engine's error: *out is NULL. */
ts_err ts_rebuild_new(const struct ts_rebuild_config *config, struct ts_rebuild **out);
void ts_rebuild_free(struct ts_rebuild *r); /* NULL is ignored */

/* The next rollup. On failure fault (may be NULL) says what is wrong.
 *
 * Nothing has changed, and another rollup may be given, after: TS_E_OUT_OF_ORDER (not the next
 * range), TS_E_RANGE (not a range, or too long a one), TS_E_V1_LINKS (its first parent is not the
 * head), TS_E_SIGNATURE, TS_E_NOT_WHITELISTED (the signer), TS_E_L1 (its L1 block is another),
 * TS_E_CORRUPT (the data are not those of dataHash), the errors of ts_rollup_decode, and those of
 * l1_hash and is_listed for the rollup's own L1 block.
 *
 * Behind that the signer is wrong, or this code is: TS_E_V1_LINKS (times, terms or L1 numbers go
 * back), TS_E_EXECUTION (a transaction cannot stand there), TS_E_CONFLICT (lastHash does not come
 * out). Then, after TS_E_NOMEM and after an error of a callback the rebuild is at its end: it gives
 * the same error and fault for every further rollup. */
ts_err ts_rebuild_rollup(struct ts_rebuild *r, const struct ts_rollup *rollup, ts_bytes data,
                         struct ts_rebuild_fault *fault);

/* What a later run needs to go on from here: head, count and the engine's state, as bytes that
 * depend on the chain alone. The error is the sink's. Not after its end, nor from inside a callback
 * (a caller's bug). */
ts_err ts_rebuild_save(const struct ts_rebuild *r, const struct ts_sink *to);
/* Reads what save wrote, and nothing behind it, before the first rollup. Who keeps the bytes knows
 * that nobody changed them; of them, only that the state is the head's is looked at. TS_E_CORRUPT,
 * TS_E_VERSION, TS_E_FOREIGN or the source's error: it is at genesis. TS_E_NOMEM: it is at its end.
 */
ts_err ts_rebuild_load(struct ts_rebuild *r, const struct ts_source *from);

/* Number and hash of the newest batch handed out, with its protocol root; the genesis at first. */
const struct ts_head *ts_rebuild_head(const struct ts_rebuild *r);
/* Rollups taken. */
uint64_t ts_rebuild_count(const struct ts_rebuild *r);

#endif
