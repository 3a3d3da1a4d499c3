/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of payload-edited: the sealed batch, and a payload that somebody gave with its header
 * and that its seal does not cover. It proves that the payload is false, and nothing of the
 * operator. */
#include "audit/evidence_internal.h"
#include "audit/internal.h"

ts_err evidence_payload_edited(struct evidence_check *c)
{
    const struct ts_sealed *s = &c->e->batch;
    struct ts_audit_place own = {.number = s->header.number};
    ts_hash root;
    ts_err err = evidence_open(c, "the batch", s, &own.hash, &own.root);
    if (err != TS_OK)
        return err;
    ts_protocol_root(&s->parent_root, c->e->given, &root);
    if (!ts_audit_payload(&own, &root, &c->out->finding))
        return evidence_refuse(c, "the payload that was given is the sealed one");
    evidence_rests(c, own.number, "%s", "");
    return TS_OK;
}
