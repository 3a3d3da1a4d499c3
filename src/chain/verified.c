/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/verified.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/sign.h"

struct slot {
    bool used;
    ts_hash digest;
    ts_sig sig;
    ts_address signer;
};

struct ts_verified {
    uint64_t hits;
    size_t mask; /* slots - 1 */
    struct slot slots[];
};

struct ts_verified *ts_verified_new(size_t slots)
{
    size_t n = 1;
    while (n < slots && n <= SIZE_MAX / (4 * sizeof(struct slot)))
        n *= 2;
    struct ts_verified *v = calloc(1, sizeof(*v) + n * sizeof(v->slots[0]));
    if (v != NULL)
        v->mask = n - 1;
    return v;
}

void ts_verified_free(struct ts_verified *v)
{
    free(v);
}

/* One place for each digest. Who grinds digests that share it gains a miss, nothing more. */
static struct slot *slot_of(struct ts_verified *v, const ts_hash *digest)
{
    uint64_t at;
    memcpy(&at, digest->b, sizeof(at));
    return &v->slots[at & v->mask];
}

ts_err ts_verified_check(struct ts_verified *v, const struct ts_crypto *crypto,
                         const ts_hash *digest, const ts_sig *sig, const ts_address *signer)
{
    if (v == NULL)
        return ts_verify_signer(crypto, digest, sig, signer);
    struct slot *s = slot_of(v, digest);
    if (s->used && ts_hash_equal(&s->digest, digest) &&
        memcmp(s->sig.b, sig->b, sizeof(sig->b)) == 0 && ts_address_equal(&s->signer, signer)) {
        v->hits++;
        return TS_OK;
    }
    ts_err err = ts_verify_signer(crypto, digest, sig, signer);
    if (err == TS_OK)
        *s = (struct slot){true, *digest, *sig, *signer};
    return err;
}

uint64_t ts_verified_hits(const struct ts_verified *v)
{
    return v->hits;
}
