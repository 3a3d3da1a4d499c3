/* SPDX-License-Identifier: Apache-2.0 */
/* The answers of an engine's queries as bytes: host and node decode what the enclave encodes.
 *
 * An info is the list of its members in their order, a verdict likewise; bools and errors are
 * numbers, sentences and access lists are strings. Reading checks form, and that a sentence is
 * printable ASCII and an access list is one; what an enclave claims in it stays a claim. */
#ifndef TS_ENGINE_INFO_H
#define TS_ENGINE_INFO_H

#include "base/arena.h"
#include "codec/rlp.h"
#include "engine/engine.h"

void ts_tx_info_put(struct ts_buf *b, const struct ts_tx_info *i);
/* Byte strings are borrowed. On failure *out is unspecified and the reader has failed. */
void ts_tx_info_read(struct ts_reader *r, struct ts_tx_info *out);
void ts_tx_verdict_put(struct ts_buf *b, const struct ts_tx_verdict *v);
void ts_tx_verdict_read(struct ts_reader *r, struct ts_tx_verdict *out);

#endif
