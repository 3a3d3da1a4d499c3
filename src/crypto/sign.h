/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures behind one table: libsecp256k1 for programs; a stand-in for the simulator alone.
 * Source: SEC 1, RFC 6979, EIP-2 (low s). */
#ifndef TS_CRYPTO_SIGN_H
#define TS_CRYPTO_SIGN_H

#include "crypto/secret.h"
#include "tenseq/verify.h"

/* struct ts_crypto (tenseq/verify.h) holds: sign, recover, address. */

/* libsecp256k1, with a context blinded by seed (32 random bytes, may be NULL for verifiers).
 * NULL: out of memory. Free with ts_crypto_free. */
struct ts_crypto *ts_crypto_secp256k1(const uint8_t seed[32]);

/* r ‖ s ‖ v over digest, deterministic, low s. TS_E_KEY: *out unchanged. */
ts_err ts_sign(const struct ts_crypto *c, const ts_secret *key, const ts_hash *digest, ts_sig *out);
/* The address of the key's public key. TS_E_KEY: *out unchanged. */
ts_err ts_address_of_key(const struct ts_crypto *c, const ts_secret *key, ts_address *out);
/* The signer. TS_E_SIGNATURE for r or s out of range, a high s, v not 27 or 28. */
ts_err ts_recover(const struct ts_crypto *c, const ts_hash *digest, const ts_sig *sig,
                  ts_address *out);
/* TS_OK when signer made sig; else TS_E_SIGNATURE or TS_E_SIGNER. */
ts_err ts_verify_signer(const struct ts_crypto *c, const ts_hash *digest, const ts_sig *sig,
                        const ts_address *signer);

#endif
