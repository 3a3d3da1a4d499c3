/* SPDX-License-Identifier: Apache-2.0 */
/* stale-l1: the chain keeps naming an old L1 block while L1 goes on (attack 26), long before
 * maxL1Age forbids it: so a removed enclave could be kept for a while. */
#include <inttypes.h>

#include "audit/internal.h"

void ts_audit_stale_l1(const struct ts_batch *b, const ts_hash *hash, uint64_t first,
                       const struct ts_l1_evidence *named, uint64_t newest, ts_time newest_time,
                       struct ts_finding *out)
{
    char age[AUDIT_SPAN], behind[AUDIT_SPAN];
    *out = (struct ts_finding){.kind = TS_F_STALE_L1,
                               .severity = ts_finding_severity(TS_F_STALE_L1),
                               .about = ts_finding_about(TS_F_STALE_L1),
                               .first = first,
                               .last = b->header.number,
                               .hash = *hash,
                               .time = b->header.time,
                               .count = b->header.number - first + 1};
    audit_text(out,
               "the chain names L1 block %" PRIu64 " since batch %" PRIu64
               ": it is %s old at batch "
               "%" PRIu64 ", and L1 has gone on for %s, to block %" PRIu64,
               named->number, first, audit_span(b->header.time - named->time, age),
               b->header.number, audit_span(newest_time - named->time, behind), newest);
}
