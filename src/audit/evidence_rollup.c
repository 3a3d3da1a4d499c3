/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of rollup-mismatch: a signed rollup, and a sealed batch that contradicts it; or data
 * that it commits to and that are none; or a range that no rollup may have. */
#include <inttypes.h>
#include <stdio.h>

#include "audit/evidence_internal.h"
#include "audit/internal.h"
#include "base/check.h"
#include "codec/eip712.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"

#define WHAT 80

static const char *differs(const struct ts_rollup_said *x, const struct ts_batch_header *h)
{
    if (x->time != h->time)
        return "another time";
    if (x->term != h->term)
        return "another term";
    if (!ts_address_equal(&x->producer, &h->producer))
        return "another producer";
    if (x->l1_number != h->l1_number)
        return "another L1 block";
    return ts_hash_equal(&x->tx_root, &h->tx_root) ? NULL : "other transactions";
}

/* The difference is in the data. */
static ts_err look_at_data(struct evidence_check *c, char what[WHAT])
{
    const struct ts_evidence *e = c->e;
    const struct ts_rollup *r = &e->rollup;
    uint64_t n = r->last_number - r->first_number + 1;
    struct ts_rollup_said said;
    uint64_t number = e->has_batch ? e->batch.header.number : r->first_number;
    ts_hash hash;
    ts_keccak256(e->data, &hash);
    if (!ts_hash_equal(&hash, &r->data_hash))
        return evidence_refuse(c, "the data are not those that the rollup commits to");
    if (c->said == NULL) {
        (void)evidence_refuse(c, "the data of rollups cannot be read here");
        return TS_E_UNSUPPORTED;
    }
    ts_err err = c->said(e->data, (size_t)n, (size_t)(number - r->first_number), &said);
    if (err == TS_E_NOMEM)
        return err;
    if (err != TS_OK && e->has_batch)
        return evidence_refuse(c, "the data do not decode, so a batch proves nothing about them");
    if (err != TS_OK) {
        (void)snprintf(what, WHAT, "has data that do not decode");
        return TS_OK;
    }
    const char *part = e->has_batch ? differs(&said, &e->batch.header) : NULL;
    if (part == NULL)
        return evidence_refuse(c, "the data of the rollup are in order");
    (void)snprintf(what, WHAT, "has %s in batch %" PRIu64, part, number);
    return TS_OK;
}

/* The difference is in what was signed. */
static ts_err look_at_ends(struct evidence_check *c, char what[WHAT], const ts_hash *hash,
                           const ts_hash *root)
{
    const struct ts_rollup *r = &c->e->rollup;
    const struct ts_batch_header *h = &c->e->batch.header;
    bool is_last = h->number == r->last_number;
    if (h->number == r->first_number && !ts_hash_equal(&r->first_parent_hash, &h->parent_hash))
        (void)snprintf(what, WHAT, "begins on another parent than batch %" PRIu64, h->number);
    else if (is_last && !ts_hash_equal(&r->last_hash, hash))
        (void)snprintf(what, WHAT, "ends with another batch %" PRIu64, h->number);
    else if (is_last && !ts_hash_equal(&r->protocol_root, root))
        (void)snprintf(what, WHAT, "has another protocol root after batch %" PRIu64, h->number);
    else
        return evidence_refuse(c, "the rollup and the batch do not contradict each other");
    return TS_OK;
}

static ts_err look(struct evidence_check *c, char what[WHAT])
{
    const struct ts_evidence *e = c->e;
    const struct ts_rollup *r = &e->rollup;
    ts_hash hash, root;
    if (r->first_number == 0 || r->first_number > r->last_number)
        return evidence_refuse(c, "the rollup has no range");
    if (!e->has_batch && !e->has_data) {
        (void)snprintf(what, WHAT, "names more batches than a rollup may hold");
        return r->last_number - r->first_number >= TS_EVIDENCE_ROLLUP_BATCHES
                   ? TS_OK
                   : evidence_refuse(c, "neither a batch nor data are there to contradict it");
    }
    if (r->last_number - r->first_number >= TS_EVIDENCE_ROLLUP_BATCHES)
        return evidence_refuse(c, "the rollup names more batches than one may hold: that is all");
    if (!e->has_batch)
        return look_at_data(c, what);
    uint64_t number = e->batch.header.number;
    if (number < r->first_number || number > r->last_number)
        return evidence_refuse(c, "the batch is not in the rollup's range");
    ts_err err = evidence_open(c, "the batch", &e->batch, &hash, &root);
    if (err != TS_OK)
        return err;
    return e->has_data ? look_at_data(c, what) : look_at_ends(c, what, &hash, &root);
}

ts_err evidence_rollup_mismatch(struct evidence_check *c)
{
    const struct ts_rollup *r = &c->e->rollup;
    char what[WHAT] = "";
    ts_address signer;
    ts_hash digest;
    ts_eip712_digest(&c->e->genesis->domain, &ts_rollup_type, r, &digest);
    if (ts_recover(c->crypto, &digest, &r->sig, &signer) != TS_OK)
        return evidence_refuse(c, "the rollup has no valid signature");
    ts_err err = evidence_signer(c, &signer, NULL);
    if (err == TS_OK)
        err = look(c, what);
    if (err != TS_OK)
        return err;
    ts_audit_rollup(false, r, &digest, &signer, what, &c->out->finding);
    evidence_rests(c, r->last_number, "; and on L1, where the contract took this rollup");
    return TS_OK;
}
