/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures found good before. A host sees each event twice, alone and inside a batch; with the
 * cache it is recovered once. Bounded: a new signature takes the place of an older one. */
#ifndef TS_CHAIN_VERIFIED_H
#define TS_CHAIN_VERIFIED_H

#include "tenseq/verify.h"

struct ts_verified;

/* Room for at least this many signatures (100 bytes or so each). NULL: out of memory. Put it into
 * ts_chain.verified. Not thread-safe. */
struct ts_verified *ts_verified_new(size_t slots);
void ts_verified_free(struct ts_verified *v);

/* ts_verify_signer through the cache v, which may be NULL. Only good signatures are remembered, and
 * digest, signature and signer must all be the same byte for byte. */
ts_err ts_verified_check(struct ts_verified *v, const struct ts_crypto *crypto,
                         const ts_hash *digest, const ts_sig *sig, const ts_address *signer);

/* How many checks were answered without recovering. */
uint64_t ts_verified_hits(const struct ts_verified *v);

#endif
