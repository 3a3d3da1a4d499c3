/* SPDX-License-Identifier: Apache-2.0 */
/* What the parties that follow L1 tell each other about it: blocks, and the sequencer whitelist
 * that the management contract holds after each. Source: docs/protocol.md, sections 2 and 4;
 * Ethereum's yellow paper, 4.4 (the block header). */
#ifndef TS_CHAIN_L1_H
#define TS_CHAIN_L1_H

#include "tenseq/chain.h"

/* Governance took rollups back on L1: those of these batches count no more, and the next one begins
 * at first_number again. */
struct ts_l1_rollback {
    uint64_t first_number, last_number;
    ts_hash last_hash;     /* of the batch before first_number; the genesis hash before batch 1 */
    ts_hash protocol_root; /* after that batch; zero before batch 1 */
    uint64_t l1_block;     /* that carries it */
};

/* Reads an L1 header. Items behind the ones looked at (later forks add some) are allowed.
 * In:  header  any bytes; the caller compares out->hash with the hash it expects.
 * Out: *out    number, hash and time of the block; parent (may be NULL) the hash of its parent.
 * Returns TS_OK or a decoding error, TS_E_LIMIT above TS_MAX_L1_HEADER; outputs are then unchanged.
 */
ts_err ts_l1_header_read(ts_bytes header, struct ts_l1_evidence *out, ts_hash *parent);

#endif
