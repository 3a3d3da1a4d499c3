/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/events.h"

#include "base/check.h"
#include "chain/rules.h"
#include "chain/verified.h"

/* One offer being judged. */
struct judging {
    const struct ts_chain *chain;
    const struct ts_offer *offer;
    struct ts_registry_entry entry; /* as after the transitions seen so far */
    bool whitelisted_after;
    struct ts_offer_verdict *out;
};

/* Whitelisted before or after the change; the entry to start from. */
static bool enter(struct judging *j, const struct ts_whitelist_change *change)
{
    const ts_address *id = &j->offer->enclave;
    const struct ts_registry_entry *known = ts_registry_find(&j->chain->registry, id);
    bool before = known != NULL && known->whitelisted;
    bool added = change != NULL && ts_address_among(change->added, change->n_added, id);
    bool removed = change != NULL && ts_address_among(change->removed, change->n_removed, id);
    j->entry = known != NULL ? *known : ts_entry_fresh(id, &j->chain->genesis->hash);
    j->whitelisted_after = (before || added) && !removed;
    return before || added;
}

static ts_err signer(const struct judging *j, const ts_hash *hash, const ts_sig *sig,
                     const char *what)
{
    const ts_address *id = &j->offer->enclave;
    ts_err err = ts_verified_check(j->chain->verified, j->chain->crypto, hash, sig, id);
    if (err == TS_OK)
        return TS_OK;
    return ts_fail(&j->out->fault, TS_E_V4_EVENTS, id, "%s: %s", what, ts_err_text(err));
}

static ts_err foreign(const struct judging *j, const char *what)
{
    return ts_fail(&j->out->fault, TS_E_V4_EVENTS, &j->offer->enclave, "%s of another enclave",
                   what);
}

static ts_err transition(struct judging *j, size_t k)
{
    const struct ts_lifecycle_event *e = &j->offer->transitions[k];
    uint64_t term = j->out->takes_effect ? j->out->term : j->chain->registry.term;
    ts_hash hash;
    if (!ts_address_equal(&e->enclave_id, &j->offer->enclave))
        return foreign(j, "a transition");
    ts_err err = ts_rule_v4_fits(j->chain, &j->entry, j->offer->transitions, k, &j->out->fault);
    if (err != TS_OK)
        return err;
    ts_transition_hash(&j->chain->genesis->domain, e, &hash);
    err = signer(j, &hash, &e->sig, "a transition");
    if (err != TS_OK)
        return err;
    ts_entry_fold(&j->entry, e, &hash, j->chain->head.number + 1);
    if (ts_active_takes_effect(j->chain, e, term, j->whitelisted_after)) {
        j->out->takes_effect = true;
        j->out->term = e->term;
    }
    return TS_OK;
}

static ts_err transitions(struct judging *j)
{
    ts_err err = TS_OK;
    for (size_t k = 0; k < j->offer->n_transitions && err == TS_OK; k++)
        err = transition(j, k);
    return err;
}

static ts_err report(struct judging *j)
{
    const struct ts_restart_event *r = j->offer->report;
    struct ts_fault *fault = &j->out->fault;
    ts_hash hash;
    if (!ts_address_equal(&r->enclave_id, &j->offer->enclave))
        return foreign(j, "a report");
    ts_report_hash(&j->chain->genesis->domain, r, &hash);
    ts_err err = signer(j, &hash, &r->sig, "a report");
    if (err == TS_OK)
        err = ts_rule_v6_report(j->chain, &j->entry, r, j->chain->head.number + 1, fault);
    if (err == TS_OK)
        err = ts_rule_v8_report(&j->entry, r, fault);
    return err;
}

static ts_err not_whitelisted(const struct judging *j)
{
    return ts_fail(&j->out->fault, TS_E_NOT_WHITELISTED, &j->offer->enclave,
                   "the enclave is not whitelisted");
}

void ts_offer_judge(const struct ts_chain *chain, const struct ts_offer *offer,
                    const struct ts_whitelist_change *change, struct ts_offer_verdict *out)
{
    struct judging j = {.chain = chain, .offer = offer, .out = out};
    *out = (struct ts_offer_verdict){.report = TS_E_NOT_FOUND};
    out->transitions = enter(&j, change) ? transitions(&j) : not_whitelisted(&j);
    if (out->transitions != TS_OK) {
        out->takes_effect = false;
        out->report = out->transitions;
    } else if (offer->report != NULL) {
        out->report = j.whitelisted_after ? report(&j) : not_whitelisted(&j);
    }
}

size_t ts_offer_published(const struct ts_chain *chain, const struct ts_offer *offer)
{
    const struct ts_registry_entry *entry = ts_registry_find(&chain->registry, &offer->enclave);
    size_t n = 0;
    while (entry != NULL && n < offer->n_transitions && offer->transitions[n].seq <= entry->tip_seq)
        n++;
    return n;
}
