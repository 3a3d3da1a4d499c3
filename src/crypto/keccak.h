/* SPDX-License-Identifier: Apache-2.0 */
/* Keccak-256 as Ethereum uses it (pad byte 0x01, not SHA3's 0x06), over nettle's permutation. */
#ifndef TS_CRYPTO_KECCAK_H
#define TS_CRYPTO_KECCAK_H

#include "tenseq/bytes.h"

struct ts_keccak {
    uint64_t state[25];
    uint8_t block[136];
    size_t fill;
};

void ts_keccak_init(struct ts_keccak *k);
void ts_keccak_update(struct ts_keccak *k, const void *p, size_t n);
void ts_keccak_final(struct ts_keccak *k, ts_hash *out);

void ts_keccak256(ts_bytes in, ts_hash *out);
/* keccak256(a ‖ b). */
void ts_keccak256_pair(const ts_hash *a, const ts_hash *b, ts_hash *out);

#endif
