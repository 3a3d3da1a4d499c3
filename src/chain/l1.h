/* SPDX-License-Identifier: Apache-2.0 */
/* What the parties that follow L1 tell each other about it: blocks, and the sequencer whitelist
 * that the management contract holds after each. Source: docs/protocol.md, sections 2 and 4;
 * Ethereum's yellow paper, 4.4 (the block header). */
#ifndef TS_CHAIN_L1_H
#define TS_CHAIN_L1_H

#include "tenseq/chain.h"

/* Reads an L1 header. Items behind the ones looked at (later forks add some) are allowed.
 * In:  header  any bytes; the caller compares out->hash with the hash it expects.
 * Out: *out    number, hash and time of the block; parent (may be NULL) the hash of its parent.
 * Returns TS_OK or a decoding error, TS_E_LIMIT above TS_MAX_L1_HEADER; outputs are then unchanged.
 */
ts_err ts_l1_header_read(ts_bytes header, struct ts_l1_evidence *out, ts_hash *parent);

#endif
