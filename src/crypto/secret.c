/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/secret.h"

#include <openssl/crypto.h>

void ts_wipe(void *p, size_t n)
{
    OPENSSL_cleanse(p, n);
}

void ts_secret_wipe(ts_secret *s)
{
    ts_wipe(s->b, sizeof(s->b));
}

bool ts_equal_secret(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}
