/* SPDX-License-Identifier: Apache-2.0 */
/* clock-skew: the time of a batch is not that of the node's own clock (attack 9). Within a chain
 * times cannot be checked, only held against each other (time_bracket.c); a node that was there has
 * a clock of its own. Its own view: nobody else need see it. */
#include <inttypes.h>

#include "audit/internal.h"

void ts_audit_clock_skew(const struct ts_batch *b, const ts_hash *hash, ts_time own,
                         struct ts_finding *out)
{
    const struct ts_batch_header *h = &b->header;
    char span[AUDIT_SPAN], id[AUDIT_SHORT];
    bool is_ahead = h->time > own;
    *out = (struct ts_finding){.kind = TS_F_CLOCK_SKEW,
                               .severity = ts_finding_severity(TS_F_CLOCK_SKEW),
                               .about = ts_finding_about(TS_F_CLOCK_SKEW),
                               .has_enclave = true,
                               .enclave = h->producer,
                               .first = h->number,
                               .last = h->number,
                               .hash = *hash,
                               .time = h->time};
    audit_text(out, "the time of batch %" PRIu64 " by enclave %s is %s %s this node's clock",
               h->number, audit_short(&h->producer, id),
               audit_span(is_ahead ? h->time - own : own - h->time, span),
               is_ahead ? "ahead of" : "behind");
}
