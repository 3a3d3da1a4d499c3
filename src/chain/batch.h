/* SPDX-License-Identifier: Apache-2.0 */
/* Batches and payloads as bytes. Source: docs/protocol.md, section 2. */
#ifndef TS_CHAIN_BATCH_H
#define TS_CHAIN_BATCH_H

#include "base/arena.h"
#include "codec/rlp.h"
#include "codec/schema.h"
#include "tenseq/batch.h"

/* Decodes one batch of at most max bytes. Lists come from the arena; byte strings point into raw.
 * Checks form and the fixed limits, no signature and no rule. On failure *out is unspecified. */
ts_err ts_batch_decode(ts_bytes raw, size_t max, struct ts_arena *arena, struct ts_batch *out);

/* Of a raw batch, the L1 block its header names; nothing else of it is looked at. A decoding error:
 * outputs unchanged. */
ts_err ts_batch_l1(ts_bytes raw, uint64_t *number, ts_hash *hash);

/* Appends [header, transactions, payload, seal]. */
void ts_batch_put(struct ts_buf *b, const struct ts_batch *batch);
void ts_payload_put(struct ts_buf *b, const struct ts_payload *payload);
void ts_txs_put(struct ts_buf *b, const ts_bytes *txs, size_t n);

void ts_payload_read(struct ts_reader *r, struct ts_arena *arena, struct ts_payload *out);

/* [transition, …] and [report, …] as the link and the payload carry them. */
void ts_transitions_put(struct ts_buf *b, const struct ts_lifecycle_event *e, size_t n);
void ts_transitions_read(struct ts_reader *r, struct ts_arena *arena, size_t max,
                         struct ts_lifecycle_event **out, size_t *n);
void ts_reports_put(struct ts_buf *b, const struct ts_restart_event *e, size_t n);
void ts_reports_read(struct ts_reader *r, struct ts_arena *arena, size_t max,
                     struct ts_restart_event **out, size_t *n);

/* The whitelist change that a payload announces. TS_E_NOT_FOUND: none; else as the decoder below;
 * *out is then unspecified. */
ts_err ts_payload_whitelist_change(const struct ts_payload *p, struct ts_arena *arena,
                                   struct ts_whitelist_change *out);
ts_err ts_whitelist_change_decode(ts_bytes body, struct ts_arena *arena,
                                  struct ts_whitelist_change *out);
void ts_whitelist_change_put(struct ts_buf *b, const struct ts_whitelist_change *c);

#endif
