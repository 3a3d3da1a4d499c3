/* SPDX-License-Identifier: Apache-2.0 */
/* What is inside the transactions of a batch, asked of an enclave once and kept for a while.
 *
 * Enclaves have batches to make: one question is on its way at a time, for at most TS_INFOS_CHUNK
 * transactions, and a batch that is being asked for is not asked for again. */
#ifndef TS_RPC_INFOS_H
#define TS_RPC_INFOS_H

#include "base/arena.h"
#include "chain/batch.h"
#include "rpc/backend.h"

#define TS_INFOS_CHUNK       128u
#define TS_INFOS_MAX_WAITING 512u                /* calls */
#define TS_INFOS_MAX_JOBS    32u                 /* batches */
#define TS_INFOS_MAX_BYTES   (12u * 1024 * 1024) /* of what is kept */

struct ts_infos;

/* A batch whose transactions are known. */
struct ts_infos_batch {
    uint64_t number;
    ts_hash hash;
    struct ts_batch batch; /* decoded; batch.raw is whole */
    const ts_hash *tx_hashes;
    const uint64_t *cumulative_gas; /* used up to and with each transaction */
    uint64_t gas_used;              /* of all */
    const size_t *at;               /* for ts_infos_read */
    ts_bytes answers;
};

/* Of transaction i, below batch.n_txs. Byte strings are borrowed from b. */
struct ts_tx_info ts_infos_read(const struct ts_infos_batch *b, size_t i);

/* NULL: out of memory. backend is borrowed. */
struct ts_infos *ts_infos_new(const struct ts_rpc_backend *backend);
/* Calls back those still waiting, with TS_E_CLOSED. No answer of the backend may be owed. */
void ts_infos_free(struct ts_infos *f);

/* b is valid during the call only; NULL unless err is TS_OK, why is then one sentence. */
typedef void (*ts_infos_done)(void *ctx, ts_err err, const struct ts_infos_batch *b,
                              const char *why);

/* Loads a batch; raw is copied. done comes exactly once, perhaps before this returns: TS_E_BUSY
 * (too much is waiting), a decoding error, TS_E_CORRUPT (the enclave's answer is not about these
 * transactions), or the enclave's error. */
void ts_infos_get(struct ts_infos *f, uint64_t number, const ts_hash *hash, ts_bytes raw,
                  ts_infos_done done, void *ctx);
/* The gas of a batch that was loaded not too long ago; false: not known. */
bool ts_infos_gas(const struct ts_infos *f, uint64_t number, const ts_hash *hash, uint64_t *gas);

#endif
