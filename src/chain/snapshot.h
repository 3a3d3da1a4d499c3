/* SPDX-License-Identifier: Apache-2.0 */
/* A chain as bytes: for sealed checkpoints and for starting up.
 *
 * RLP, canonical, and the same bytes for the same chain:
 *   [version, genesisHash, head, recent, registry]
 *   head     = [number, hash, time, term, l1Number, l1Hash, stateRoot, protocolRoot]
 *   recent   = [hash, …], oldest first, the newest min(number + 1, 256) of them, the head's the
 * last registry = [active, entries]; active = "" or an address entry    = [id, whitelisted, role,
 * bootKey, tipSeq, tipHash, tipKind, tipTerm, restartTime, restartHead, restartNumber, startedIn,
 * hasReport, lastReportHead, lastReportHash, lastReportIn, [bootId, …]], sorted by id; the newest
 * boot id is the boot's Term, whitelist and number of restarts follow from these. */
#ifndef TS_CHAIN_SNAPSHOT_H
#define TS_CHAIN_SNAPSHOT_H

#include "base/buf.h"
#include "codec/rlp.h"
#include "tenseq/chain.h"

#define TS_SNAPSHOT_VERSION 1

/* Appends one item. */
void ts_chain_snapshot_put(struct ts_buf *b, const struct ts_chain *chain);

/* Reads one item into *out, as ts_chain_init would set it up. Returns TS_OK or the reader's error,
 * which it then has: a decoding error; TS_E_VERSION; TS_E_FOREIGN for another genesis; TS_E_CORRUPT
 * for what no chain can be; TS_E_NOMEM. *out is empty then; ts_chain_free does no harm.
 * Whether it is a chain that exists is for the caller to know: by a seal, or by what follows it. */
ts_err ts_chain_snapshot_read(struct ts_reader *r, const struct ts_genesis *g,
                              const struct ts_crypto *crypto, struct ts_chain *out);

#endif
