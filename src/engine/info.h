/* SPDX-License-Identifier: Apache-2.0 */
/* The answers of an engine's queries as bytes: host and node decode what the enclave encodes. */
#ifndef TS_ENGINE_INFO_H
#define TS_ENGINE_INFO_H

#include "base/arena.h"
#include "codec/rlp.h"
#include "engine/engine.h"

void ts_tx_info_put(struct ts_buf *b, const struct ts_tx_info *i);
void ts_tx_info_read(struct ts_reader *r, struct ts_tx_info *out); /* byte strings borrowed */
void ts_tx_verdict_put(struct ts_buf *b, const struct ts_tx_verdict *v);
void ts_tx_verdict_read(struct ts_reader *r, struct ts_tx_verdict *out);

#endif
