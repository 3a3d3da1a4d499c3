/* SPDX-License-Identifier: Apache-2.0 */
/* A signature holds the signer's address in the open and a tag over address and digest in all that
 * is left; to recover is to make the signature anew and compare. */
#include "crypto_fast.h"

#include <string.h>

#include "base/siphash.h"

static const uint64_t tag_seed[2] = {0x74656e7365717369u, 0x676e617475726573u};
static const uint64_t address_seed[2] = {0x61646472657373u, 0x6f66736563726574u};

/* One step of splitmix64: stretches one hash to as many words as are wanted. */
static uint64_t stretch(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* n is a multiple of eight. Little-endian, so that a trace is the same on every machine. */
static void fill(uint64_t state, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i += 8) {
        uint64_t word = stretch(&state);
        for (size_t k = 0; k < 8; k++)
            out[i + k] = (uint8_t)(word >> (8 * k));
    }
}

/* r = 12 bytes of tag ‖ address, s = 32 bytes of tag; both above zero and below half the order. */
static void make(const ts_address *signer, const ts_hash *digest, ts_sig *out)
{
    uint8_t in[sizeof(signer->b) + sizeof(digest->b)];
    uint8_t tag[48];
    memcpy(in, signer->b, sizeof(signer->b));
    memcpy(in + sizeof(signer->b), digest->b, sizeof(digest->b));
    fill(ts_siphash13(tag_seed, in, sizeof(in)), tag, sizeof(tag));
    memcpy(out->b, tag, 12);
    memcpy(out->b + 12, signer->b, sizeof(signer->b));
    memcpy(out->b + 32, tag + 12, 32);
    out->b[0] = (uint8_t)((out->b[0] & 0x3f) | 1);
    out->b[32] = (uint8_t)((out->b[32] & 0x3f) | 1);
    out->b[64] = (uint8_t)(27 + (tag[44] & 1));
}

static ts_err address(void *ctx, const uint8_t key[32], ts_address *out)
{
    static const uint8_t zero[32];
    uint8_t made[24];
    (void)ctx;
    if (memcmp(key, zero, sizeof(zero)) == 0)
        return TS_E_KEY;
    fill(ts_siphash13(address_seed, key, 32), made, sizeof(made));
    memcpy(out->b, made, sizeof(out->b));
    return TS_OK;
}

static ts_err sign(void *ctx, const uint8_t key[32], const ts_hash *digest, ts_sig *out)
{
    ts_address signer;
    ts_err err = address(ctx, key, &signer);
    if (err == TS_OK)
        make(&signer, digest, out);
    return err;
}

static ts_err recover(void *ctx, const ts_hash *digest, const ts_sig *sig, ts_address *out)
{
    ts_address signer;
    ts_sig expected;
    (void)ctx;
    memcpy(signer.b, sig->b + 12, sizeof(signer.b));
    make(&signer, digest, &expected);
    if (memcmp(expected.b, sig->b, sizeof(expected.b)) != 0)
        return TS_E_SIGNATURE;
    *out = signer;
    return TS_OK;
}

static void release(void *ctx)
{
    (void)ctx;
}

const struct ts_crypto *sim_crypto_fast(void)
{
    static const struct ts_crypto table = {
        .sign = sign, .recover = recover, .address = address, .free = release};
    return &table;
}
