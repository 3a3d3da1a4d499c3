/* SPDX-License-Identifier: Apache-2.0 */
/* payload-edited, payload-withheld (attack 23): every later seal commits to all payloads by the
 * running root, so history can be held back, but not edited. An edited payload is provably false;
 * nobody signed it, so it speaks of whoever gave it, and not of the operator. That a payload is
 * missing shows; that somebody has it and will not give it cannot be shown. */
#include <inttypes.h>

#include "audit/internal.h"
#include "crypto/keccak.h"

static struct ts_finding begin(const struct ts_audit_place *own, enum ts_finding_kind kind)
{
    return (struct ts_finding){.kind = kind,
                               .severity = ts_finding_severity(kind),
                               .about = ts_finding_about(kind),
                               .first = own->number,
                               .last = own->number,
                               .hash = own->hash};
}

bool ts_audit_payload(const struct ts_audit_place *own, const ts_hash *given,
                      struct ts_finding *out)
{
    char hash[AUDIT_SHORT];
    if (given == NULL) {
        *out = begin(own, TS_F_PAYLOAD_WITHHELD);
        audit_text(out, "a peer that claims batch %" PRIu64 " (%s) did not give its payload",
                   own->number, audit_short_hash(&own->hash, hash));
        return true;
    }
    if (ts_hash_equal(given, &own->root))
        return false;
    *out = begin(own, TS_F_PAYLOAD_EDITED);
    ts_keccak256_pair(&own->hash, given, &out->evidence);
    audit_text(out,
               "a peer gave batch %" PRIu64 " (%s) with a protocol payload that is not the one "
               "sealed: it was edited",
               own->number, audit_short_hash(&own->hash, hash));
    return true;
}
