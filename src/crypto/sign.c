/* SPDX-License-Identifier: Apache-2.0 */
/* The table's calls, whatever scheme stands behind it. */
#include "crypto/sign.h"

#include <stdlib.h>

struct ts_crypto *ts_crypto_new(void)
{
    return ts_crypto_secp256k1(NULL);
}

void ts_crypto_free(struct ts_crypto *c)
{
    if (c == NULL)
        return;
    c->free(c->ctx);
    free(c);
}

ts_err ts_sign(const struct ts_crypto *c, const ts_secret *key, const ts_hash *digest, ts_sig *out)
{
    return c->sign(c->ctx, key->b, digest, out);
}

ts_err ts_address_of_key(const struct ts_crypto *c, const ts_secret *key, ts_address *out)
{
    return c->address(c->ctx, key->b, out);
}

ts_err ts_recover(const struct ts_crypto *c, const ts_hash *digest, const ts_sig *sig,
                  ts_address *out)
{
    return c->recover(c->ctx, digest, sig, out);
}

ts_err ts_verify_signer(const struct ts_crypto *c, const ts_hash *digest, const ts_sig *sig,
                        const ts_address *signer)
{
    ts_address by;
    ts_err err = ts_recover(c, digest, sig, &by);
    if (err != TS_OK)
        return err;
    return ts_address_equal(&by, signer) ? TS_OK : TS_E_SIGNER;
}
