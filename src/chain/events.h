/* SPDX-License-Identifier: Apache-2.0 */
/* Events as one enclave hands them out, before they are in a batch. For the host, which believes no
 * enclave: would they pass in batch head + 1 of this chain? Signatures are asked of the chain's
 * cache first, so asking again, and checking the batch that carries them, recovers nothing twice.
 * Source: docs/protocol.md, section 4, V4, V6 and V8. */
#ifndef TS_CHAIN_EVENTS_H
#define TS_CHAIN_EVENTS_H

#include "tenseq/chain.h"

/* What one enclave wants published. */
struct ts_offer {
    ts_address enclave;
    const struct ts_lifecycle_event *transitions; /* all unpublished ones, by seq */
    size_t n_transitions;
    const struct ts_restart_event *report; /* NULL: none */
};

struct ts_offer_verdict {
    /* TS_OK: the transitions may be carried, with or without the report. Else what they fail:
     * TS_E_NOT_WHITELISTED or TS_E_V4_EVENTS; none of them may be, and the report neither. */
    ts_err transitions;
    /* TS_OK: with all the transitions the report passes in any batch head + 1 that asks for one,
     * whose producer is another; the producer's own head must be the chain's too. Else the first it
     * fails: TS_E_NOT_FOUND (none given), TS_E_NOT_WHITELISTED (it may not report after the
     * notice), V4, V6, V8, or what the transitions failed. The enclave is then to be listed absent.
     */
    ts_err report;
    /* With the transitions published, and no other enclave's: would it be active, and by which
     * term? A host gives no such offer to another producer unless that one's Active has a higher
     * term. */
    bool takes_effect;
    uint64_t term;         /* of the last Active that takes effect, when takes_effect */
    struct ts_fault fault; /* of the first failure, when there is one; what is "" else */
};

/* Judges an offer for batch head + 1. change: the whitelist change of that batch, or NULL.
 * Cost: at most one signature check for each event; no allocation. */
void ts_offer_judge(const struct ts_chain *chain, const struct ts_offer *offer,
                    const struct ts_whitelist_change *change, struct ts_offer_verdict *out);

/* How many of an offer's transitions, from its front, are published on this chain: to be dropped.
 * By seq alone; ts_offer_judge tells whether the rest links. */
size_t ts_offer_published(const struct ts_chain *chain, const struct ts_offer *offer);

#endif
