/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of whitelist-mismatch: a sealed batch and the header of L1's block at the number that it
 * names. Either that is another block; or the batch accounts for other enclaves than the contract
 * lists after it: who is whitelisted after a batch that reports is who reports in it or is listed
 * absent (V5), which the seal covers. */
#include <inttypes.h>
#include <string.h>

#include "audit/evidence_internal.h"
#include "audit/internal.h"
#include "base/check.h"
#include "chain/l1.h"
#include "crypto/keccak.h"

static ts_err accounted(struct evidence_check *c, ts_address out[TS_MAX_WHITELIST], size_t *n)
{
    struct ts_payload p;
    ts_err err = evidence_payload(c, c->e->batch.payload, &p);
    if (err != TS_OK)
        return err == TS_E_NOMEM ? err : evidence_refuse(c, "the payload does not decode");
    if (!ts_audit_accounted(&p, out, n))
        return evidence_refuse(c, "the batch does not account for the whitelist, each enclave once "
                                  "and in order");
    return TS_OK;
}

static ts_err check_list(struct evidence_check *c)
{
    const struct ts_evidence *e = c->e;
    if (e->n_l1_list > TS_MAX_WHITELIST)
        return evidence_refuse(c, "L1's list holds more enclaves than one may");
    for (size_t i = 1; i < e->n_l1_list; i++)
        if (ts_address_compare(&e->l1_list[i - 1], &e->l1_list[i]) >= 0)
            return evidence_refuse(c, "L1's list is not ascending");
    return TS_OK;
}

static ts_err read_header(struct evidence_check *c, struct ts_l1_evidence *at)
{
    if (ts_l1_header_read(c->e->l1_header, at, NULL) != TS_OK)
        return evidence_refuse(c, "the header of the L1 block does not decode");
    if (at->number != c->e->batch.header.l1_number)
        return evidence_refuse(c, "the L1 header is of another block than the batch names");
    return TS_OK;
}

ts_err evidence_whitelist_mismatch(struct evidence_check *c)
{
    const struct ts_evidence *e = c->e;
    const struct ts_batch_header *h = &e->batch.header;
    ts_address after[TS_MAX_WHITELIST];
    struct ts_l1_evidence at;
    struct ts_l1_block l1 = {.whitelist = e->l1_list, .n_whitelist = e->n_l1_list};
    char hex[TS_HASH_HEX_SIZE];
    ts_hash hash, root;
    size_t n_after = 0;
    ts_err err = evidence_open(c, "the batch", &e->batch, &hash, &root);
    if (err == TS_OK)
        err = read_header(c, &at);
    if (err != TS_OK)
        return err;
    bool is_other = !ts_hash_equal(&at.hash, &h->l1_hash);
    if (is_other && e->n_l1_list > 0)
        return evidence_refuse(c, "the L1 block is another one, and has no list to compare with");
    if (!is_other &&
        ((err = accounted(c, after, &n_after)) != TS_OK || (err = check_list(c)) != TS_OK))
        return err;
    if (!is_other && n_after == e->n_l1_list &&
        memcmp(after, e->l1_list, n_after * sizeof(*after)) == 0)
        return evidence_refuse(c, "the batch and L1 agree");
    l1.number = at.number;
    l1.hash = at.hash;
    audit_whitelist_mismatch(h, &hash, &root, &l1, after, n_after, &c->out->finding);
    if (is_other)
        evidence_rests(c, h->number,
                       "; and on L1, where block %" PRIu64 " of chain %" PRIu64 " is %s", at.number,
                       e->genesis->l1_chain_id, ts_hex(at.hash.b, 32, hex));
    else
        evidence_rests(c, h->number,
                       "; and on L1, where the contract lists %zu enclaves after block %" PRIu64
                       " of chain %" PRIu64 ", those named here",
                       e->n_l1_list, at.number, e->genesis->l1_chain_id);
    return TS_OK;
}
