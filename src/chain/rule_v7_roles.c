/* SPDX-License-Identifier: Apache-2.0 */
/* V7 roles: when all transitions are applied in order, exactly one enclave is active and it is the
 * producer. The fold never holds two (ts_effect_transition); it may hold none, or another. */
#include "chain/rules.h"

/* The last enclave beside the producer whose Active in this payload takes effect; NULL: none does.
 * It need not be active still: a Passive may follow in the same payload. */
static const ts_address *activated_over(const struct ts_check *c)
{
    const ts_address *over = NULL;
    uint64_t term = c->chain->registry.term;
    for (size_t i = 0; i < c->payload->n_transitions; i++) {
        const struct ts_lifecycle_event *e = &c->payload->transitions[i];
        bool whitelisted = ts_effect_whitelisted(c->effect, &e->enclave_id);
        if (!ts_active_takes_effect(c->chain, e, term, whitelisted))
            continue;
        term = e->term;
        if (!ts_address_equal(&e->enclave_id, c->producer))
            over = &e->enclave_id;
    }
    return over;
}

ts_err ts_rule_v7_roles(const struct ts_check *c)
{
    const struct ts_effect *e = c->effect;
    if (e->has_active && ts_address_equal(&e->active, c->producer))
        return TS_OK;
    const ts_address *over = activated_over(c);
    if (over != NULL)
        return ts_fail(c->fault, TS_E_V7_ROLES, over,
                       "its Active takes effect over the producer's");
    if (e->has_active)
        return ts_fail(c->fault, TS_E_V7_ROLES, c->producer,
                       "the producer is not active: another enclave is");
    return ts_fail(c->fault, TS_E_V7_ROLES, c->producer,
                   "the producer is not active: no enclave is");
}
