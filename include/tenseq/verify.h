/* SPDX-License-Identifier: Apache-2.0 */
/* Digests and signers of the protocol's things. */
#ifndef TENSEQ_VERIFY_H
#define TENSEQ_VERIFY_H

#include "tenseq/types.h"

/* Signature schemes behind one table. Make one with ts_crypto_new; the simulator makes its own.
 * Thread-safe to read after it is made. */
struct ts_crypto {
    void *ctx;
    ts_err (*sign)(void *ctx, const uint8_t key[32], const ts_hash *digest, ts_sig *out);
    ts_err (*recover)(void *ctx, const ts_hash *digest, const ts_sig *sig, ts_address *out);
    ts_err (*address)(void *ctx, const uint8_t key[32], ts_address *out);
    void (*free)(void *ctx);
};

/* libsecp256k1, for verifying. NULL: out of memory. */
struct ts_crypto *ts_crypto_new(void);
/* Releases ctx by the table's free, then the table, which must be from malloc. NULL is ignored. */
void ts_crypto_free(struct ts_crypto *c);

/* The EIP-712 digests; the hash of a header or an event is its digest, without the signature. */
void ts_header_hash(const struct ts_domain *d, const struct ts_batch_header *h, ts_hash *out);
void ts_seal_digest(const struct ts_domain *d, const struct ts_batch_seal *s, ts_hash *out);
void ts_transition_hash(const struct ts_domain *d, const struct ts_lifecycle_event *e,
                        ts_hash *out);
void ts_report_hash(const struct ts_domain *d, const struct ts_restart_event *e, ts_hash *out);

/* TS_OK when the enclave the event names signed it; else TS_E_SIGNATURE or TS_E_SIGNER. */
ts_err ts_transition_verify(const struct ts_crypto *c, const struct ts_domain *d,
                            const struct ts_lifecycle_event *e);
ts_err ts_report_verify(const struct ts_crypto *c, const struct ts_domain *d,
                        const struct ts_restart_event *e);

#endif
