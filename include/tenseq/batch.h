/* SPDX-License-Identifier: Apache-2.0 */
/* Batches from bytes, and the hashes taken of them. Source: docs/protocol.md, section 2. */
#ifndef TENSEQ_BATCH_H
#define TENSEQ_BATCH_H

#include "tenseq/types.h"

/* Decodes [header, transactions, payload, seal] of at most max bytes (a genesis' max_batch_bytes).
 * Checks form and the fixed limits; signatures and rules are ts_batch_check's (tenseq/chain.h).
 *
 * Returns: TS_OK, and *out is a batch to be freed with ts_batch_free; its byte strings point into
 *          raw, which must outlive it. Else *out is NULL: TS_E_LIMIT, TS_E_TRUNCATED,
 * TS_E_TRAILING, TS_E_NOT_CANONICAL, TS_E_TYPE, TS_E_LENGTH, TS_E_ARITY, TS_E_RANGE, TS_E_NOMEM. */
ts_err ts_batch_parse(ts_bytes raw, size_t max, struct ts_batch **out);
/* NULL is ignored. Only for what ts_batch_parse gave. */
void ts_batch_free(struct ts_batch *batch);

/* keccak256(RLP(transactions)). */
void ts_tx_root(const struct ts_batch *batch, ts_hash *out);
/* keccak256(parent root ‖ keccak256(RLP(payload))); raw_payload is that RLP. */
void ts_protocol_root(const ts_hash *parent_root, ts_bytes raw_payload, ts_hash *out);
/* The hash that names a transaction for host, node and wallets: keccak256 of its bytes. */
void ts_tx_hash(ts_bytes tx, ts_hash *out);

#endif
