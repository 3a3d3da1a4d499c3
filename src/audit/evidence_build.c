/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/evidence_build.h"

#include <string.h>

#include "audit/evidence_internal.h"
#include "codec/eip712.h"
#include "crypto/sign.h"

#define ARENA_MAX (96u * 1024 * 1024)
#define DEPTH     8   /* a grant's producer may have been listed by a grant, and so on */
#define RELISTED  256 /* so often one enclave */

struct building {
    const struct ts_evidence_source *source;
    const struct ts_genesis *genesis;
    const struct ts_crypto *crypto;
    struct ts_evidence_built *out;
};

typedef ts_err (*fetch_fn)(void *ctx, const ts_hash *id, struct ts_buf *out);

/* What the source gives, in the arena. */
static ts_err fetch(struct building *b, fetch_fn fn, const ts_hash *id, ts_bytes *out)
{
    struct ts_buf buf;
    ts_buf_init(&buf, 0);
    ts_err err = fn(b->source->ctx, id, &buf);
    if (err == TS_OK)
        err = buf.err;
    uint8_t *copy = err == TS_OK ? ts_arena_alloc(&b->out->arena, buf.n + 1) : NULL;
    if (err == TS_OK && copy == NULL)
        err = TS_E_NOMEM;
    if (err == TS_OK) {
        if (buf.n > 0)
            memcpy(copy, buf.p, buf.n);
        *out = ts_bytes_of(copy, buf.n);
    }
    ts_buf_free(&buf);
    return err;
}

static ts_err fetch_record(struct building *b, const ts_hash *id, struct ts_record *out)
{
    ts_bytes raw;
    ts_err err = fetch(b, b->source->record, id, &raw);
    return err == TS_OK ? ts_record_read(raw, &b->out->arena, out) : err;
}

/* ---- grants ---------------------------------------------------------------------------------- */

/* In its place by number; once. */
static ts_err insert(struct ts_evidence_built *out, const struct ts_sealed *g)
{
    size_t n = out->evidence.n_grants, at = 0;
    while (at < n && out->grants[at].header.number < g->header.number)
        at++;
    if (at < n && out->grants[at].header.number == g->header.number)
        return TS_OK;
    if (n == TS_EVIDENCE_MAX_GRANTS)
        return TS_E_LIMIT;
    memmove(&out->grants[at + 1], &out->grants[at], (n - at) * sizeof(*g));
    out->grants[at] = *g;
    out->evidence.n_grants++;
    return TS_OK;
}

/* The newest that listed an enclave, below a number. TS_E_NOT_FOUND: none is stored. */
static ts_err newest_grant(struct building *b, const ts_address *who, uint64_t end,
                           struct ts_sealed *out)
{
    ts_err found = TS_E_NOT_FOUND;
    for (uint32_t nth = 1; nth <= RELISTED; nth++) {
        struct ts_record r;
        struct ts_sealed g;
        ts_hash key;
        ts_record_grant_id(who, nth, &key);
        ts_err err = fetch_record(b, &key, &r);
        if (err == TS_E_NOT_FOUND)
            break;
        if (err == TS_OK)
            err = r.kind == TS_RECORD_GRANT ? ts_sealed_of_grant(&r, &g) : TS_E_CORRUPT;
        if (err != TS_OK)
            return err;
        if (g.header.number >= end)
            break;
        *out = g;
        found = TS_OK;
    }
    return found;
}

/* What listed the signer of batch number, and what listed the producer of that. A grant that is not
 * stored is left out: the check tells. Who stands in the genesis may have been removed and listed
 * again. */
static ts_err add_grants(struct building *b, const ts_address *signer, uint64_t number)
{
    ts_address id = *signer;
    uint64_t end = number < UINT64_MAX ? number + 1 : number; /* a batch may list its producer */
    for (int depth = 0; depth < DEPTH; depth++) {
        struct ts_sealed g;
        ts_err err = newest_grant(b, &id, end, &g);
        if (err == TS_OK)
            err = insert(b->out, &g);
        if (err != TS_OK)
            return err == TS_E_NOT_FOUND ? TS_OK : err;
        id = g.header.producer;
        end = g.header.number;
        if (evidence_lists(&g, &id))
            return TS_OK; /* nobody was listed before him */
    }
    return TS_OK;
}

static bool rollup_signer(const struct building *b, ts_address *out)
{
    const struct ts_rollup *r = &b->out->evidence.rollup;
    ts_hash digest;
    ts_eip712_digest(&b->genesis->domain, &ts_rollup_type, r, &digest);
    return ts_recover(b->crypto, &digest, &r->sig, out) == TS_OK;
}

/* L1 denied it, so that the chain does not have it; but L1 lists who sealed it, and only by this
 * batch is he listed. Then it is its own grant. */
static ts_err add_itself(struct building *b)
{
    const struct ts_evidence *e = &b->out->evidence;
    const ts_address *id = &e->batch.header.producer;
    bool is_known =
        e->n_grants > 0 || ts_address_among(b->genesis->whitelist, b->genesis->n_whitelist, id);
    return !is_known && evidence_lists(&e->batch, id) ? insert(b->out, &e->batch) : TS_OK;
}

static ts_err add_all_grants(struct building *b)
{
    struct ts_evidence *e = &b->out->evidence;
    ts_address signer;
    ts_err err = TS_OK;
    e->grants = b->out->grants;
    if (e->has_batch)
        err = add_grants(b, &e->batch.header.producer, e->batch.header.number);
    if (err == TS_OK && e->kind == TS_F_WHITELIST_MISMATCH)
        err = add_itself(b);
    if (err == TS_OK && e->kind == TS_F_EQUIVOCATION)
        err = add_grants(b, &e->other.header.producer, e->other.header.number);
    if (err == TS_OK && e->kind == TS_F_ROLLUP_MISMATCH && rollup_signer(b, &signer))
        err = add_grants(b, &signer, UINT64_MAX);
    return err;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static ts_err build(struct building *b, const ts_hash *id)
{
    struct ts_record r;
    ts_bytes own = {0};
    ts_err err = fetch_record(b, id, &r);
    if (err == TS_OK && r.kind == TS_RECORD_GRANT)
        return TS_E_NOT_FOUND;
    /* The batch beside it may have been discarded since: by its hash it is there all the same. */
    if (err == TS_OK && r.kind != TS_RECORD_WHITELIST &&
        (r.kind != TS_RECORD_ROLLUP || r.number != 0))
        err = fetch(b, b->source->batch, &r.own_hash, &own);
    if (err == TS_OK)
        err = ts_record_evidence(&r, own, b->genesis, &b->out->arena, &b->out->evidence);
    return err == TS_OK ? add_all_grants(b) : err;
}

ts_err ts_evidence_build(const struct ts_evidence_source *source, const ts_hash *id,
                         const struct ts_genesis *genesis, const struct ts_crypto *crypto,
                         struct ts_evidence_built *out)
{
    struct building b = {.source = source, .genesis = genesis, .crypto = crypto, .out = out};
    memset(out, 0, sizeof(*out));
    ts_arena_init(&out->arena, ARENA_MAX);
    ts_err err = build(&b, id);
    if (err != TS_OK)
        ts_evidence_built_free(out);
    return err;
}

void ts_evidence_built_free(struct ts_evidence_built *b)
{
    ts_arena_free(&b->arena);
    memset(b, 0, sizeof(*b));
}
