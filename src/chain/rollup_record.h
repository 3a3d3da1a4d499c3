/* SPDX-License-Identifier: Apache-2.0 */
/* What a node keeps of a rollup that it has looked at, under TS_OP_PUT_ROLLUP: RLP [rollup,
 * l1Block, l1Tx, bytes, verdict, text, ownHash, ownRoot]. The data stay on L1. */
#ifndef TS_CHAIN_ROLLUP_RECORD_H
#define TS_CHAIN_ROLLUP_RECORD_H

#include "base/buf.h"
#include "tenseq/types.h"

enum ts_rollup_verdict {
    TS_ROLLUP_EQUAL, /* it holds the chain's batches */
    TS_ROLLUP_WRONG, /* it does not: text says how */
    TS_ROLLUP_VERDICTS
};

#define TS_ROLLUP_TEXT 200

struct ts_rollup_record {
    struct ts_rollup rollup;
    uint64_t l1_block; /* that carries it */
    ts_hash l1_tx;
    uint64_t bytes; /* of its data */
    enum ts_rollup_verdict verdict;
    char text[TS_ROLLUP_TEXT];
    ts_hash own_hash, own_root; /* the chain's, after the last batch */
};

void ts_rollup_record_put(struct ts_buf *b, const struct ts_rollup_record *r);
/* TS_OK, a decoding error, TS_E_RANGE: *out is then unspecified. */
ts_err ts_rollup_record_read(ts_bytes raw, struct ts_rollup_record *out);

#endif
