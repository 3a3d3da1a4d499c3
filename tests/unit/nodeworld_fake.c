/* SPDX-License-Identifier: Apache-2.0 */
/* Stand-ins: signatures that cost nothing, an engine without accounts. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/rollup_record.h"
#include "crypto/keccak.h"
#include "nodeworld_internal.h"

/* ---- a stand-in for signatures: the signer's address and a tag that binds it to the digest ----
 */

static ts_err fake_address(void *ctx, const uint8_t key[32], ts_address *out)
{
    ts_hash h;
    (void)ctx;
    ts_keccak256(ts_bytes_of(key, 32), &h);
    memcpy(out->b, h.b, 20);
    return TS_OK;
}

static void fake_tag(const ts_address *a, const ts_hash *digest, uint8_t out[32])
{
    struct ts_keccak k;
    ts_hash h;
    ts_keccak_init(&k);
    ts_keccak_update(&k, a->b, 20);
    ts_keccak_update(&k, digest->b, 32);
    ts_keccak_final(&k, &h);
    memcpy(out, h.b, 32);
}

static ts_err fake_sign(void *ctx, const uint8_t key[32], const ts_hash *digest, ts_sig *out)
{
    ts_address a;
    fake_address(ctx, key, &a);
    memset(out, 0, sizeof(*out));
    memcpy(out->b, a.b, 20);
    fake_tag(&a, digest, out->b + 32);
    out->b[64] = 27;
    return TS_OK;
}

static ts_err fake_recover(void *ctx, const ts_hash *digest, const ts_sig *sig, ts_address *out)
{
    static const uint8_t zeros[12];
    uint8_t tag[32];
    ts_address a;
    (void)ctx;
    if (memcmp(sig->b + 20, zeros, sizeof(zeros)) != 0)
        return TS_E_SIGNATURE; /* one signature of a digest, no other bytes for it */
    memcpy(a.b, sig->b, 20);
    fake_tag(&a, digest, tag);
    if (sig->b[64] != 27 || memcmp(tag, sig->b + 32, 32) != 0)
        return TS_E_SIGNATURE;
    *out = a;
    return TS_OK;
}

static void fake_free(void *ctx)
{
    (void)ctx;
}

const struct ts_crypto *nw_crypto(void)
{
    static const struct ts_crypto crypto = {
        .sign = fake_sign, .recover = fake_recover, .address = fake_address, .free = fake_free};
    return &crypto;
}

/* ---- an engine that knows the genesis root and nothing else ---- */

static const ts_hash *the_root; /* of the net of the world that is making a node */

static ts_err root_open(const struct ts_genesis *g, const struct ts_crypto *crypto,
                        const uint64_t seed[2], struct ts_engine **out)
{
    (void)g;
    (void)crypto;
    (void)seed;
    *out = NULL;
    return TS_OK;
}

static void root_close(struct ts_engine *e)
{
    (void)e;
}

static void root_root(const struct ts_engine *e, ts_hash *out)
{
    (void)e;
    *out = *the_root;
}

void nw_root_engine_of(const ts_hash *genesis_root)
{
    the_root = genesis_root;
}

struct ts_engine_ops nw_root_engine(void)
{
    return (struct ts_engine_ops){
        .name = "root", .open = root_open, .close = root_close, .root = root_root};
}

/* ---- the store ---- */

void nw_drop_rollups(struct nw_store *s, uint64_t from)
{
    struct ts_rollup_record r;
    while (s->n_rollups > 0) {
        TS_CHECK(ts_rollup_record_read(s->rollups[s->n_rollups - 1], &r) == TS_OK);
        if (r.rollup.last_number < from)
            return;
        free((void *)(uintptr_t)s->rollups[--s->n_rollups].p);
    }
}
