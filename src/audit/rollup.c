/* SPDX-License-Identifier: Apache-2.0 */
/* rollup-mismatch (attack 28): a rollup that the contract took does not hold the batches of the
 * chain, in order. rollup-gap: the contract's rollups leave batches out. Both rest on what is on L1
 * and on the batches; anyone checks them. */
#include <inttypes.h>

#include "audit/internal.h"

void ts_audit_rollup(bool is_gap, const struct ts_rollup *r, const ts_hash *digest,
                     const ts_address *signer, const char *what, struct ts_finding *out)
{
    enum ts_finding_kind kind = is_gap ? TS_F_ROLLUP_GAP : TS_F_ROLLUP_MISMATCH;
    *out = (struct ts_finding){.kind = kind,
                               .severity = ts_finding_severity(kind),
                               .about = ts_finding_about(kind),
                               .evidence = *digest,
                               .has_enclave = signer != NULL,
                               .first = r->first_number,
                               .last = r->last_number,
                               .hash = r->last_hash};
    if (signer != NULL)
        out->enclave = *signer;
    audit_text(out, "the rollup of batches %" PRIu64 " to %" PRIu64 " %s", r->first_number,
               r->last_number, what);
}
