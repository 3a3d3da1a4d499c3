/* SPDX-License-Identifier: Apache-2.0 */
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"

/* Half the group's order, rounded down: the largest s that counts as low. */
static const uint8_t half_order[32] = {
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0};

static void address_of(const secp256k1_context *ctx, const secp256k1_pubkey *key, ts_address *out)
{
    uint8_t point[65]; /* 4 ‖ x ‖ y */
    size_t n = sizeof(point);
    ts_hash hash;
    secp256k1_ec_pubkey_serialize(ctx, point, &n, key, SECP256K1_EC_UNCOMPRESSED);
    TS_CHECK(n == sizeof(point));
    ts_keccak256(ts_bytes_of(point + 1, 64), &hash);
    memcpy(out->b, hash.b + 12, sizeof(out->b));
}

static ts_err sign(void *ctx, const uint8_t key[32], const ts_hash *digest, ts_sig *out)
{
    secp256k1_ecdsa_recoverable_signature sig;
    ts_sig made;
    int id;
    if (!secp256k1_ecdsa_sign_recoverable(ctx, &sig, digest->b, key, NULL, NULL))
        return TS_E_KEY;
    secp256k1_ecdsa_recoverable_signature_serialize_compact(ctx, made.b, &id, &sig);
    /* 2 and 3 stand for an r above the group's order, which the format cannot carry; it comes up
     * once in 2^127 signatures. */
    if (id > 1)
        return TS_E_SIGNATURE;
    made.b[64] = (uint8_t)(27 + id);
    *out = made;
    return TS_OK;
}

static ts_err recover(void *ctx, const ts_hash *digest, const ts_sig *sig, ts_address *out)
{
    secp256k1_ecdsa_recoverable_signature parsed;
    secp256k1_pubkey key;
    int v = sig->b[64];
    if ((v != 27 && v != 28) || memcmp(sig->b + 32, half_order, 32) > 0)
        return TS_E_SIGNATURE;
    if (!secp256k1_ecdsa_recoverable_signature_parse_compact(ctx, &parsed, sig->b, v - 27) ||
        !secp256k1_ecdsa_recover(ctx, &key, &parsed, digest->b))
        return TS_E_SIGNATURE;
    address_of(ctx, &key, out);
    return TS_OK;
}

static ts_err address(void *ctx, const uint8_t key[32], ts_address *out)
{
    secp256k1_pubkey public;
    if (!secp256k1_ec_pubkey_create(ctx, &public, key))
        return TS_E_KEY;
    address_of(ctx, &public, out);
    return TS_OK;
}

static void release(void *ctx)
{
    secp256k1_context_destroy(ctx);
}

struct ts_crypto *ts_crypto_secp256k1(const uint8_t seed[32])
{
    struct ts_crypto *c = malloc(sizeof(*c));
    if (c == NULL)
        return NULL;
    secp256k1_context *ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    if (ctx == NULL || (seed != NULL && !secp256k1_context_randomize(ctx, seed))) {
        if (ctx != NULL)
            secp256k1_context_destroy(ctx);
        free(c);
        return NULL;
    }
    *c = (struct ts_crypto){
        .ctx = ctx, .sign = sign, .recover = recover, .address = address, .free = release};
    return c;
}
