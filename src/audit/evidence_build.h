/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence from what a node has stored: the record, the chain's batch beside it, and what listed
 * who signed. No I/O: the store comes in as two functions. */
#ifndef TS_AUDIT_EVIDENCE_BUILD_H
#define TS_AUDIT_EVIDENCE_BUILD_H

#include "audit/record.h"

struct ts_evidence_source {
    void *ctx;
    /* Appends the stored evidence of an id, and a raw batch, of whatever status, by its hash.
     * TS_E_NOT_FOUND. */
    ts_err (*record)(void *ctx, const ts_hash *id, struct ts_buf *out);
    ts_err (*batch)(void *ctx, const ts_hash *hash, struct ts_buf *out);
};

/* Evidence that was built. All it points to is in the arena, but for the genesis. */
struct ts_evidence_built {
    struct ts_evidence evidence;
    struct ts_sealed grants[TS_EVIDENCE_MAX_GRANTS];
    struct ts_arena arena;
};

/* Builds the evidence with an id. It is not checked.
 *
 * Returns: TS_OK, and *out is to be freed with ts_evidence_built_free. Else *out is empty:
 *          TS_E_NOT_FOUND  none is stored under it, or the batch is not
 *          TS_E_NOMEM, a decoding error, or one of the source's
 * In:      genesis is borrowed as long as *out is used. */
ts_err ts_evidence_build(const struct ts_evidence_source *source, const ts_hash *id,
                         const struct ts_genesis *genesis, const struct ts_crypto *crypto,
                         struct ts_evidence_built *out);
void ts_evidence_built_free(struct ts_evidence_built *b);

#endif
