/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of equivocation: two seals for one number on one parent, which differ in batch hash or
 * protocol root. The rule is equivocation.c's and that of the contract (Equivocation.sol). */
#include "audit/evidence_internal.h"
#include "audit/internal.h"

ts_err evidence_equivocation(struct evidence_check *c)
{
    const struct ts_sealed *one = &c->e->batch, *two = &c->e->other;
    struct ts_batch_seal seal;
    ts_hash hash, root;
    if (one->header.number != two->header.number ||
        !ts_hash_equal(&one->header.parent_hash, &two->header.parent_hash) ||
        !ts_hash_equal(&one->parent_root, &two->parent_root))
        return evidence_refuse(c, "the two batches are not for one number on one parent");
    ts_err err = evidence_open(c, "the batch", one, &hash, &root);
    if (err == TS_OK)
        err = evidence_open(c, "the other batch", two, &seal.batch_hash, &seal.protocol_root);
    if (err != TS_OK)
        return err;
    if (ts_hash_equal(&hash, &seal.batch_hash) && ts_hash_equal(&root, &seal.protocol_root))
        return evidence_refuse(c, "both seals are for the same batch");
    audit_equivocation(&hash, &two->header, &seal, &c->out->finding);
    evidence_rests(c, one->header.number, "%s", "");
    return TS_OK;
}
