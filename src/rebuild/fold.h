/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads put to the test of a rebuilt chain: whoever gives them, header and transactions of each
 * batch must be the rebuilt ones, the seal must be its producer's over the running protocol root,
 * and at the end of each rollup that root must be the one on L1. A core.
 *
 * Every seal commits to all payloads up to its batch, so the first batch whose seal does not fit is
 * the one whose payload, or seal, is not what its producer had. Source: docs/protocol.md, section
 * 2. */
#ifndef TS_REBUILD_FOLD_H
#define TS_REBUILD_FOLD_H

#include "tenseq/batch.h"
#include "tenseq/genesis.h"
#include "tenseq/verify.h"

#define TS_FOLD_WHY 400

struct ts_fold {
    const struct ts_genesis *genesis; /* borrowed */
    const struct ts_crypto *crypto;   /* borrowed */
    uint64_t number;                  /* of the last batch taken; 0 at first */
    ts_hash root;                     /* the protocol root after it */
};

/* The next batch: raw as a peer gave it, against rebuilt, the RLP of [header, transactions], and
 * its hash. A decoding error; TS_E_OUT_OF_ORDER: it is another number's; TS_E_CONFLICT: header or
 * transactions are others; TS_E_SIGNATURE or TS_E_SIGNER: the payload or the seal was edited;
 * TS_E_NOMEM. why holds one sentence, and f is unchanged: another peer may be asked. */
ts_err ts_fold_batch(struct ts_fold *f, ts_bytes raw, ts_bytes rebuilt, const ts_hash *hash,
                     char why[TS_FOLD_WHY]);
/* At its last batch. TS_E_CONFLICT: the seals fit, and the root is not the rollup's. */
ts_err ts_fold_rollup(const struct ts_fold *f, const struct ts_rollup *rollup,
                      char why[TS_FOLD_WHY]);

#endif
