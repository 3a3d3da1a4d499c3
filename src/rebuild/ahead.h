/* SPDX-License-Identifier: Apache-2.0 */
/* What can be found out of a rollup before its turn: the L1 blocks that it names, and who signed
 * its transactions. */
#ifndef TS_REBUILD_AHEAD_H
#define TS_REBUILD_AHEAD_H

#include "chain/rollup.h"
#include "tenseq/genesis.h"

struct ts_ahead_sender {
    ts_hash digest;
    ts_sig sig;
    ts_address sender;
};

struct ts_ahead {
    uint64_t *l1; /* the rollup's own and its batches', ascending, none twice */
    size_t n_l1;
    struct ts_ahead_sender *senders; /* by digest */
    size_t n_senders;
};

/* Any thread. Data that do not decode and transactions that nobody signed give nothing: that is
 * said by who executes them. TS_E_NOMEM: *out is empty. */
ts_err ts_ahead_make(const struct ts_genesis *genesis, const struct ts_crypto *crypto,
                     const struct ts_rollup *rollup, ts_bytes data, struct ts_ahead *out);
void ts_ahead_free(struct ts_ahead *a);
/* false: not known; *out is unchanged. */
bool ts_ahead_sender(const struct ts_ahead *a, const ts_hash *digest, const ts_sig *sig,
                     ts_address *out);

#endif
