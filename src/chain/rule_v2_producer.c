/* SPDX-License-Identifier: Apache-2.0 */
/* V2 producer: whitelisted after this batch's whitelist notice; the seal's signer. */
#include "chain/rules.h"
#include "chain/verified.h"

/* Anyone can seal a batch that lists him. Where L1 is, it decides; where none is, nobody could. */
static bool lists_itself(const struct ts_check *c)
{
    const struct ts_registry_entry *e = ts_registry_find(&c->chain->registry, c->producer);
    return c->chain->genesis->l1_chain_id == 0 && (e == NULL || !e->whitelisted);
}

ts_err ts_rule_v2_whitelisted(const struct ts_check *c)
{
    if (!ts_effect_whitelisted(c->effect, c->producer))
        return ts_fail(c->fault, TS_E_V2_PRODUCER, c->producer,
                       "the producer is not whitelisted after this batch's notice");
    if (lists_itself(c))
        return ts_fail(c->fault, TS_E_V2_PRODUCER, c->producer,
                       "the producer lists itself, and this network has no L1 to bear that out");
    return TS_OK;
}

ts_err ts_rule_v2_seal(const struct ts_check *c, const struct ts_batch *batch,
                       const struct ts_batch_hashes *hashes)
{
    struct ts_batch_seal seal = {hashes->batch, hashes->protocol_root};
    ts_hash digest;
    ts_seal_digest(&c->chain->genesis->domain, &seal, &digest);
    ts_err err =
        ts_verified_check(c->chain->verified, c->chain->crypto, &digest, &batch->seal, c->producer);
    if (err == TS_E_SIGNATURE)
        return ts_fail(c->fault, TS_E_V2_PRODUCER, c->producer,
                       "the seal is not a valid signature");
    if (err != TS_OK)
        return ts_fail(c->fault, TS_E_V2_PRODUCER, c->producer,
                       "the seal over this header and payload is not by the producer");
    return TS_OK;
}
