/* SPDX-License-Identifier: Apache-2.0 */
#include "node/verify.h"

#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "chain/batch.h"
#include "crypto/sign.h"

struct work {
    const struct ts_genesis *genesis;
    const struct ts_crypto *crypto;
    struct ts_buf *out;
};

static void recover(const struct work *w, const ts_hash *digest, const ts_sig *sig)
{
    struct ts_recovered v = {.digest = *digest, .sig = *sig};
    if (ts_recover(w->crypto, digest, sig, &v.signer) == TS_OK)
        ts_buf_put(w->out, &v, sizeof(v));
}

static void recover_batch(const struct work *w, const struct ts_batch *b, const ts_hash *root)
{
    const struct ts_domain *d = &w->genesis->domain;
    struct ts_batch_seal seal = {.protocol_root = *root};
    ts_hash digest;
    ts_header_hash(d, &b->header, &seal.batch_hash);
    ts_seal_digest(d, &seal, &digest);
    recover(w, &digest, &b->seal);
    for (size_t i = 0; i < b->payload.n_transitions; i++) {
        ts_transition_hash(d, &b->payload.transitions[i], &digest);
        recover(w, &digest, &b->payload.transitions[i].sig);
    }
    for (size_t i = 0; i < b->payload.n_reports; i++) {
        ts_report_hash(d, &b->payload.reports[i], &digest);
        recover(w, &digest, &b->payload.reports[i].sig);
    }
}

void ts_node_verify(const struct ts_genesis *g, const struct ts_crypto *crypto, const ts_hash *root,
                    const ts_bytes *raws, size_t n, struct ts_buf *out)
{
    struct work w = {.genesis = g, .crypto = crypto, .out = out};
    struct ts_arena arena;
    ts_hash at = *root;
    ts_arena_init(&arena, 0);
    for (size_t i = 0; i < n; i++) {
        struct ts_batch b;
        ts_arena_reset(&arena);
        if (ts_batch_decode(raws[i], g->params.max_batch_bytes, &arena, &b) != TS_OK)
            break; /* what follows it cannot be valid either */
        ts_protocol_root(&at, b.raw_payload, &at);
        recover_batch(&w, &b, &at);
    }
    ts_arena_free(&arena);
}

ts_err ts_node_roots(const ts_bytes *raws, size_t n, ts_hash *root)
{
    for (size_t i = 0; i < n; i++) {
        struct ts_reader r = ts_reader_of(raws[i]);
        ts_read_list(&r);
        (void)ts_read_raw(&r); /* header */
        (void)ts_read_raw(&r); /* transactions */
        ts_bytes payload = ts_read_raw(&r);
        (void)ts_read_raw(&r); /* seal */
        ts_read_list_end(&r);
        ts_err err = ts_reader_done(&r);
        if (err != TS_OK)
            return err;
        ts_protocol_root(root, payload, root);
    }
    return TS_OK;
}

/* All bytes: no padding, so that it can be a map's key. */
struct sig_key {
    ts_hash digest;
    ts_sig sig;
};

static ts_err cached_recover(void *ctx, const ts_hash *digest, const ts_sig *sig, ts_address *out)
{
    struct ts_sig_cache *c = ctx;
    struct sig_key key = {.digest = *digest, .sig = *sig};
    const void *signer = ts_map_get(&c->known, &key);
    if (signer != NULL) {
        c->hits++;
        memcpy(out, signer, sizeof(*out));
        return TS_OK;
    }
    c->misses++;
    return ts_recover(c->under, digest, sig, out);
}

static ts_err pass_sign(void *ctx, const uint8_t key[32], const ts_hash *digest, ts_sig *out)
{
    struct ts_sig_cache *c = ctx;
    return c->under->sign(c->under->ctx, key, digest, out);
}

static ts_err pass_address(void *ctx, const uint8_t key[32], ts_address *out)
{
    struct ts_sig_cache *c = ctx;
    return c->under->address(c->under->ctx, key, out);
}

static void free_nothing(void *ctx)
{
    (void)ctx;
}

void ts_sig_cache_init(struct ts_sig_cache *c, const struct ts_crypto *under,
                       const uint64_t seed[2])
{
    *c = (struct ts_sig_cache){.under = under};
    c->crypto = (struct ts_crypto){.ctx = c,
                                   .sign = pass_sign,
                                   .recover = cached_recover,
                                   .address = pass_address,
                                   .free = free_nothing};
    ts_map_init(&c->known, sizeof(struct sig_key), sizeof(ts_address), seed);
}

void ts_sig_cache_free(struct ts_sig_cache *c)
{
    ts_map_free(&c->known);
}

void ts_sig_cache_fill(struct ts_sig_cache *c, const struct ts_recovered *v, size_t n)
{
    ts_map_clear(&c->known);
    for (size_t i = 0; i < n; i++) {
        struct sig_key key = {.digest = v[i].digest, .sig = v[i].sig};
        void *signer = ts_map_put(&c->known, &key, NULL);
        if (signer == NULL)
            return;
        memcpy(signer, &v[i].signer, sizeof(v[i].signer));
    }
}
