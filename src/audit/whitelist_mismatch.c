/* SPDX-License-Identifier: Apache-2.0 */
/* whitelist-mismatch: a sealed batch that names an L1 block that is not on L1, or that leaves
 * another whitelist than the one after that block (attacks 25, 27): a change that L1 has was not
 * announced, or one was made up. Anyone with an L1 node checks it from the batch. */
#include <inttypes.h>
#include <string.h>

#include "audit/internal.h"
#include "crypto/keccak.h"

/* How many of one ascending list are not in the other. */
static size_t missing(const ts_address *of, size_t n_of, const ts_address *in, size_t n_in)
{
    size_t n = 0, k = 0;
    for (size_t i = 0; i < n_of; i++) {
        while (k < n_in && memcmp(&in[k], &of[i], sizeof(*of)) < 0)
            k++;
        n += k == n_in || !ts_address_equal(&in[k], &of[i]);
    }
    return n;
}

void audit_whitelist_mismatch(const struct ts_batch_header *h, const ts_hash *batch,
                              const ts_hash *root, const struct ts_l1_block *l1,
                              const ts_address *after, size_t n_after, struct ts_finding *out)
{
    char hash[AUDIT_SHORT], theirs[AUDIT_SHORT], ours[AUDIT_SHORT];
    ts_hash sealed;
    *out = (struct ts_finding){.kind = TS_F_WHITELIST_MISMATCH,
                               .severity = ts_finding_severity(TS_F_WHITELIST_MISMATCH),
                               .about = ts_finding_about(TS_F_WHITELIST_MISMATCH),
                               .has_enclave = true,
                               .enclave = h->producer,
                               .first = h->number,
                               .last = h->number,
                               .hash = *batch,
                               .time = h->time};
    ts_keccak256_pair(batch, root, &sealed);
    ts_keccak256_pair(&sealed, &l1->hash, &out->evidence);
    audit_short_hash(batch, hash);
    if (!ts_hash_equal(&l1->hash, &h->l1_hash)) {
        audit_text(out,
                   "batch %" PRIu64 " (%s) names L1 block %" PRIu64
                   " with the hash %s, and on L1 that block is %s",
                   h->number, hash, l1->number, audit_short_hash(&h->l1_hash, theirs),
                   audit_short_hash(&l1->hash, ours));
        return;
    }
    audit_text(out,
               "the whitelist after batch %" PRIu64 " (%s) is not that of L1 block %" PRIu64
               ", which it names: %zu that L1 does not list, %zu of L1 left out",
               h->number, hash, l1->number, missing(after, n_after, l1->whitelist, l1->n_whitelist),
               missing(l1->whitelist, l1->n_whitelist, after, n_after));
}

bool ts_audit_accounted(const struct ts_payload *p, ts_address out[TS_MAX_WHITELIST], size_t *n)
{
    size_t r = 0, a = 0;
    if (p->n_reports == 0 || p->n_reports + p->n_absent > TS_MAX_WHITELIST)
        return false;
    for (*n = 0; r < p->n_reports || a < p->n_absent; (*n)++) {
        bool is_report =
            a == p->n_absent ||
            (r < p->n_reports && ts_address_compare(&p->reports[r].enclave_id, &p->absent[a]) < 0);
        out[*n] = is_report ? p->reports[r++].enclave_id : p->absent[a++];
        if (*n > 0 && ts_address_compare(&out[*n - 1], &out[*n]) >= 0)
            return false;
    }
    return true;
}

void ts_audit_whitelist(const struct ts_audit *a, const ts_hash *parent_root,
                        const struct ts_batch *b, const struct ts_l1_block *l1,
                        const ts_address *after, size_t n_after, struct ts_finding *out)
{
    ts_hash hash, root;
    ts_header_hash(&a->genesis->domain, &b->header, &hash);
    ts_protocol_root(parent_root, b->raw_payload, &root);
    audit_whitelist_mismatch(&b->header, &hash, &root, l1, after, n_after, out);
}
