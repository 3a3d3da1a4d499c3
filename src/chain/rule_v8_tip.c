/* SPDX-License-Identifier: Apache-2.0 */
/* V8 tip: a report's (seq, lastEvent) equals the enclave's published tip after this payload. */
#include <inttypes.h>

#include "chain/rules.h"

ts_err ts_rule_v8_report(const struct ts_registry_entry *entry, const struct ts_restart_event *r,
                         struct ts_fault *fault)
{
    if (r->seq != entry->tip_seq)
        return ts_fail(fault, TS_E_V8_TIP, &r->enclave_id,
                       "the report's tip is transition %" PRIu64 ", the published one %" PRIu64,
                       r->seq, entry->tip_seq);
    if (!ts_hash_equal(&r->last_event, &entry->tip_hash))
        return ts_fail(fault, TS_E_V8_TIP, &r->enclave_id,
                       "lastEvent is not the hash of the published transition %" PRIu64, r->seq);
    return TS_OK;
}

ts_err ts_rule_v8_tip(const struct ts_check *c)
{
    for (size_t i = 0; i < c->payload->n_reports; i++) {
        const struct ts_restart_event *r = &c->payload->reports[i];
        const struct ts_change *change = ts_effect_change(c->effect, &r->enclave_id);
        ts_err err = ts_rule_v8_report(&change->entry, r, c->fault);
        if (err != TS_OK)
            return err;
    }
    return TS_OK;
}
