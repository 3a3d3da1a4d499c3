/* SPDX-License-Identifier: Apache-2.0 */
/* equivocation: two seals for one number on one parent, by enclaves whitelisted there, that differ
 * in batch hash or protocol root (attacks 4, 11, 12): across terms and payloads, and for one header
 * with two payloads. Anyone checks it from the two batches and the roots before them. */
#include <inttypes.h>
#include <string.h>

#include "audit/internal.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"

void audit_equivocation(const ts_hash *own, const struct ts_batch_header *h,
                        const struct ts_batch_seal *seal, struct ts_finding *out)
{
    char ours[AUDIT_SHORT], theirs[AUDIT_SHORT], id[AUDIT_SHORT];
    *out = (struct ts_finding){.kind = TS_F_EQUIVOCATION,
                               .severity = ts_finding_severity(TS_F_EQUIVOCATION),
                               .about = ts_finding_about(TS_F_EQUIVOCATION),
                               .has_enclave = true,
                               .enclave = h->producer,
                               .first = h->number,
                               .last = h->number,
                               .hash = seal->batch_hash,
                               .time = h->time};
    ts_keccak256_pair(&seal->batch_hash, &seal->protocol_root, &out->evidence);
    audit_short(&h->producer, id);
    audit_short_hash(own, ours);
    if (ts_hash_equal(own, &seal->batch_hash))
        audit_text(out,
                   "batch %" PRIu64 " (%s) was sealed twice, with two different protocol payloads, "
                   "by enclave %s",
                   h->number, ours, id);
    else
        audit_text(out,
                   "there are two sealed batches %" PRIu64 ": %s in the chain, and %s of term "
                   "%" PRIu64 " by enclave %s",
                   h->number, ours, audit_short_hash(&seal->batch_hash, theirs), h->term, id);
}

static void seal_of(const struct ts_audit *a, const struct ts_audit_place *own,
                    const struct ts_batch *b, struct ts_batch_seal *out)
{
    ts_header_hash(&a->genesis->domain, &b->header, &out->batch_hash);
    ts_protocol_root(&own->parent_root, b->raw_payload, &out->protocol_root);
}

ts_err ts_audit_conflict(const struct ts_audit *a, const struct ts_crypto *crypto,
                         const struct ts_audit_place *own, const struct ts_batch *b,
                         struct ts_finding *out)
{
    struct ts_batch_seal seal;
    ts_hash digest;
    if (b->header.number != own->number || own->number == 0 ||
        !ts_hash_equal(&b->header.parent_hash, &own->parent_hash))
        return TS_E_OUT_OF_ORDER;
    seal_of(a, own, b, &seal);
    if (ts_hash_equal(&seal.batch_hash, &own->hash) &&
        ts_hash_equal(&seal.protocol_root, &own->root))
        return TS_E_NOT_FOUND;
    ts_tx_root(b, &digest);
    if (!ts_hash_equal(&digest, &b->header.tx_root))
        return TS_E_V3_FORM;
    if (!audit_was_listed(a, &b->header.producer, own->number))
        return TS_E_V2_PRODUCER;
    ts_seal_digest(&a->genesis->domain, &seal, &digest);
    if (ts_verify_signer(crypto, &digest, &b->seal, &b->header.producer) != TS_OK)
        return TS_E_V2_PRODUCER;
    audit_equivocation(&own->hash, &b->header, &seal, out);
    return TS_OK;
}

void ts_audit_conflict_known(const struct ts_audit *a, const struct ts_audit_place *own,
                             const struct ts_batch *b, struct ts_finding *out)
{
    struct ts_batch_seal seal;
    seal_of(a, own, b, &seal);
    audit_equivocation(&own->hash, &b->header, &seal, out);
}

/* ---- keeping evidence ------------------------------------------------------------------------ */

static bool is_same(const struct ts_finding *x, const struct ts_finding *y)
{
    if (x->kind != y->kind || x->first != y->first)
        return false;
    return x->about == TS_ABOUT_PEER || ts_hash_equal(&x->evidence, &y->evidence);
}

bool ts_audit_add(struct ts_audit *a, const struct ts_finding *f, const struct ts_audit_sink *sink)
{
    for (size_t i = 0; i < a->evidence.n; i++) {
        if (is_same(&a->evidence.f[i], f))
            return false;
    }
    audit_findings_put(&a->evidence, f);
    if (sink != NULL)
        sink->emit(sink->ctx, f);
    return true;
}
