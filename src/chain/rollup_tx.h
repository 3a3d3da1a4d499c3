/* SPDX-License-Identifier: Apache-2.0 */
/* A transaction's bytes as the values that columns hold. Only the form counts: whether the ledger
 * would take it is the engine's question. Sources: Yellow Paper section 4.3, EIP-155, 2718, 2930,
 * 1559. */
#ifndef TS_CHAIN_ROLLUP_TX_H
#define TS_CHAIN_ROLLUP_TX_H

#include "base/buf.h"

enum ts_rollup_kind {
    TS_KIND_LEGACY = 0, /* with a chain id (EIP-155) */
    TS_KIND_ACCESS_LIST = 1,
    TS_KIND_DYNAMIC_FEE = 2,
    TS_KIND_RAW = 3 /* any other bytes */
};

#define TS_ROLLUP_CHAIN_MAX ((UINT64_MAX - 36) / 2) /* so that a legacy v fits 64 bits */

struct ts_rollup_tx {
    enum ts_rollup_kind kind;
    uint64_t chain_id;
    uint64_t nonce;
    ts_bytes tip; /* type 2; numbers as they stand in RLP, at most 32 bytes; so too the next */
    ts_bytes fee; /* max fee, or the gas price */
    uint64_t gas;
    bool creates; /* no recipient */
    ts_address to;
    ts_bytes value;
    ts_bytes data;
    ts_bytes access; /* types 1 and 2: what stands in the access list */
    uint8_t parity;
    uint8_t signature[64]; /* r ‖ s */
};

/* True: join gives the very same bytes again; out borrows from raw. False: kind is TS_KIND_RAW. */
bool ts_rollup_tx_split(ts_bytes raw, struct ts_buf *scratch, struct ts_rollup_tx *out);

/* Appends the bytes. kind is not TS_KIND_RAW, chain_id at most TS_ROLLUP_CHAIN_MAX, parity 0 or 1.
 */
void ts_rollup_tx_join(const struct ts_rollup_tx *tx, struct ts_buf *out);

#endif
