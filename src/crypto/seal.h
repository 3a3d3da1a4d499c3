/* SPDX-License-Identifier: Apache-2.0 */
/* AES-256-GCM sealing with a key derived per purpose (HKDF-SHA256), and X25519 boot keys. OpenSSL.
 */
#ifndef TS_CRYPTO_SEAL_H
#define TS_CRYPTO_SEAL_H

#include "base/buf.h"
#include "crypto/secret.h"

#define TS_SEAL_OVERHEAD 28 /* 12-byte nonce in front, 16-byte tag behind */

/* key = HKDF-SHA256(secret, salt = none, info = label). */
ts_err ts_derive_key(const ts_secret *secret, const char *label, ts_secret *out);
/* Appends nonce ‖ ciphertext ‖ tag to out. nonce: 12 bytes never used with this key before. */
ts_err ts_seal(const ts_secret *key, const uint8_t nonce[12], ts_bytes aad, ts_bytes plain,
               struct ts_buf *out);
/* Appends the plain text to out. TS_E_SEAL: out is as before. */
ts_err ts_unseal(const ts_secret *key, ts_bytes aad, ts_bytes sealed, struct ts_buf *out);
/* The X25519 public key of a secret (RFC 7748). */
ts_err ts_x25519_public(const ts_secret *secret, ts_hash *out);

#endif
