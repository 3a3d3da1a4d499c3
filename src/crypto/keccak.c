/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/keccak.h"

#include <endian.h>
#include <nettle/sha3.h>
#include <string.h>

#include "base/check.h"

#define RATE sizeof(((struct ts_keccak *)0)->block)

void ts_keccak_init(struct ts_keccak *k)
{
    memset(k, 0, sizeof(*k));
}

/* Lanes are little-endian (FIPS 202, section 3.1.2); memcpy compiles to one load. */
static uint64_t lane(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return le64toh(v);
}

static void absorb(struct ts_keccak *k, const uint8_t *block)
{
    _Static_assert(sizeof(struct sha3_state) == sizeof(k->state), "nettle's state is the 25 lanes");
    for (size_t i = 0; i < RATE / 8; i++)
        k->state[i] ^= lane(block + 8 * i);
    sha3_permute((struct sha3_state *)(void *)k->state);
}

void ts_keccak_update(struct ts_keccak *k, const void *p, size_t n)
{
    const uint8_t *bytes = p;
    TS_CHECK(k->fill < RATE);
    while (n > 0) {
        if (k->fill == 0 && n >= RATE) {
            absorb(k, bytes);
            bytes += RATE;
            n -= RATE;
            continue;
        }
        size_t part = n < RATE - k->fill ? n : RATE - k->fill;
        memcpy(k->block + k->fill, bytes, part);
        k->fill += part;
        bytes += part;
        n -= part;
        if (k->fill == RATE) {
            absorb(k, k->block);
            k->fill = 0;
        }
    }
}

void ts_keccak_final(struct ts_keccak *k, ts_hash *out)
{
    TS_CHECK(k->fill < RATE);
    memset(k->block + k->fill, 0, RATE - k->fill);
    k->block[k->fill] ^= 0x01;
    k->block[RATE - 1] ^= 0x80;
    absorb(k, k->block);
    for (size_t i = 0; i < sizeof(out->b) / 8; i++) {
        uint64_t v = htole64(k->state[i]);
        memcpy(out->b + 8 * i, &v, sizeof(v));
    }
}

void ts_keccak256(ts_bytes in, ts_hash *out)
{
    struct ts_keccak k;
    ts_keccak_init(&k);
    ts_keccak_update(&k, in.p, in.n);
    ts_keccak_final(&k, out);
}

void ts_keccak256_pair(const ts_hash *a, const ts_hash *b, ts_hash *out)
{
    uint8_t both[64];
    memcpy(both, a->b, 32);
    memcpy(both + 32, b->b, 32);
    ts_keccak256(ts_bytes_of(both, sizeof(both)), out);
}
