/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures checked ahead, on worker threads: the slow part of validity, without the chain.
 *
 * The rules stay in one place (tenseq/chain.h). A worker recovers the signers of everything a run
 * of batches holds; the core then runs ts_batch_check with a struct ts_crypto that answers recover
 * from what the workers found and computes whatever they did not. */
#ifndef TS_NODE_VERIFY_H
#define TS_NODE_VERIFY_H

#include "base/buf.h"
#include "base/map.h"
#include "tenseq/genesis.h"
#include "tenseq/verify.h"

/* signer made sig over digest. */
struct ts_recovered {
    ts_hash digest;
    ts_sig sig;
    ts_address signer;
};

/* Recovers the signers of n raw batches in a row and appends a struct ts_recovered for each to out.
 * root is the protocol root before the first. What does not decode or recover is left out: the core
 * finds it again and says why. Touches nothing shared; any thread. */
void ts_node_verify(const struct ts_genesis *g, const struct ts_crypto *crypto, const ts_hash *root,
                    const ts_bytes *raws, size_t n, struct ts_buf *out);

/* The protocol roots after each of n batches, for the roots of the runs that follow. A batch that
 * is no batch: TS_E_… of the decoder, *root unspecified. */
ts_err ts_node_roots(const ts_bytes *raws, size_t n, ts_hash *root);

/* A struct ts_crypto that remembers. */
struct ts_sig_cache {
    struct ts_crypto crypto; /* what ts_batch_check gets; ctx is this cache */
    const struct ts_crypto *under;
    struct ts_map known; /* digest ‖ signature → signer */
    uint64_t hits, misses;
};

/* The cache must not move afterwards. under is borrowed. */
void ts_sig_cache_init(struct ts_sig_cache *c, const struct ts_crypto *under,
                       const uint64_t seed[2]);
void ts_sig_cache_free(struct ts_sig_cache *c);
/* Replaces all it knows. Out of memory only means that more is computed. */
void ts_sig_cache_fill(struct ts_sig_cache *c, const struct ts_recovered *v, size_t n);

#endif
