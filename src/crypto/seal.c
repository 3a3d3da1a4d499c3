/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/seal.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#define NONCE_SIZE 12u
#define TAG_SIZE   16u

ts_err ts_derive_key(const ts_secret *secret, const char *label, ts_secret *out)
{
    char digest[] = "SHA256";
    ts_secret derived;
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    EVP_KDF_free(kdf);
    /* The parameters are read only, though their type does not say so. */
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret->b,
                                          sizeof(secret->b)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)label,
                                          strlen(label)),
        OSSL_PARAM_construct_end(),
    };
    bool ok = ctx != NULL && EVP_KDF_derive(ctx, derived.b, sizeof(derived.b), params) == 1;
    EVP_KDF_CTX_free(ctx);
    if (ok)
        *out = derived;
    ts_secret_wipe(&derived);
    return ok ? TS_OK : TS_E_NOMEM;
}

/* Encrypts into out: plain.n bytes, then the tag. */
static bool encrypt(EVP_CIPHER_CTX *ctx, const ts_secret *key, const uint8_t *nonce, ts_bytes aad,
                    ts_bytes plain, uint8_t *out)
{
    int n;
    return EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->b, nonce) == 1 &&
           (aad.n == 0 || EVP_EncryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) == 1) &&
           (plain.n == 0 || EVP_EncryptUpdate(ctx, out, &n, plain.p, (int)plain.n) == 1) &&
           EVP_EncryptFinal_ex(ctx, out + plain.n, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, out + plain.n) == 1;
}

ts_err ts_seal(const ts_secret *key, const uint8_t nonce[12], ts_bytes aad, ts_bytes plain,
               struct ts_buf *out)
{
    if (aad.n > INT_MAX || plain.n > INT_MAX - TS_SEAL_OVERHEAD)
        return TS_E_LIMIT;
    if (out->err != TS_OK)
        return out->err;
    uint8_t *at = ts_buf_extend(out, plain.n + TS_SEAL_OVERHEAD);
    if (at == NULL)
        return out->err;
    memcpy(at, nonce, NONCE_SIZE);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx != NULL && encrypt(ctx, key, nonce, aad, plain, at + NONCE_SIZE);
    EVP_CIPHER_CTX_free(ctx);
    if (!ok)
        out->n -= plain.n + TS_SEAL_OVERHEAD;
    return ok ? TS_OK : TS_E_NOMEM;
}

/* body: the ciphertext, with the tag behind it. */
static bool decrypt(EVP_CIPHER_CTX *ctx, const ts_secret *key, const uint8_t *nonce, ts_bytes aad,
                    ts_bytes body, uint8_t *out)
{
    int n;
    uint8_t tag[TAG_SIZE];
    memcpy(tag, body.p + body.n, TAG_SIZE);
    return EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->b, nonce) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
           (aad.n == 0 || EVP_DecryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) == 1) &&
           (body.n == 0 || EVP_DecryptUpdate(ctx, out, &n, body.p, (int)body.n) == 1) &&
           EVP_DecryptFinal_ex(ctx, out + body.n, &n) == 1;
}

ts_err ts_unseal(const ts_secret *key, ts_bytes aad, ts_bytes sealed, struct ts_buf *out)
{
    if (aad.n > INT_MAX || sealed.n > INT_MAX)
        return TS_E_LIMIT;
    if (sealed.n < TS_SEAL_OVERHEAD)
        return TS_E_SEAL;
    if (out->err != TS_OK)
        return out->err;
    ts_bytes body = ts_bytes_of(sealed.p + NONCE_SIZE, sealed.n - TS_SEAL_OVERHEAD);
    uint8_t *at = ts_buf_extend(out, body.n);
    if (at == NULL)
        return out->err;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx != NULL && decrypt(ctx, key, sealed.p, aad, body, at);
    EVP_CIPHER_CTX_free(ctx);
    if (!ok) {
        ts_wipe(at, body.n); /* what was decrypted before the tag failed */
        out->n -= body.n;
    }
    if (ctx == NULL)
        return TS_E_NOMEM;
    return ok ? TS_OK : TS_E_SEAL;
}

ts_err ts_x25519_public(const ts_secret *secret, ts_hash *out)
{
    ts_hash public;
    size_t n = sizeof(public.b);
    EVP_PKEY *key =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret->b, sizeof(secret->b));
    bool ok = key != NULL && EVP_PKEY_get_raw_public_key(key, public.b, &n) == 1;
    EVP_PKEY_free(key);
    if (!ok)
        return TS_E_NOMEM;
    *out = public;
    return TS_OK;
}
