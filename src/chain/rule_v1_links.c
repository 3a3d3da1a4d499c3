/* SPDX-License-Identifier: Apache-2.0 */
/* V1 links: parentHash, number + 1, time at or above the parent's and the transitions' (an enclave
 * lifts a header's time to both); l1Number at or above the parent's and equal numbers have equal
 * hashes; with L1, time - timestamp of the L1 block <= maxL1Age; term.
 *
 * The parent of batch 1 is genesis: its time, l1Number and l1Hash. */
#include <inttypes.h>

#include "chain/rules.h"

static ts_err parent(const struct ts_head *head, const struct ts_batch_header *h,
                     struct ts_fault *fault)
{
    if (h->number != head->number + 1)
        return ts_fail(fault, TS_E_V1_LINKS, NULL,
                       "batch %" PRIu64 " does not follow head %" PRIu64, h->number, head->number);
    if (!ts_hash_equal(&h->parent_hash, &head->hash))
        return ts_fail(fault, TS_E_V1_LINKS, NULL,
                       "batch %" PRIu64 " has another parent than batch %" PRIu64 " of this chain",
                       h->number, head->number);
    return TS_OK;
}

static ts_err times(const struct ts_head *head, const struct ts_batch_header *h,
                    const struct ts_payload *p, struct ts_fault *fault)
{
    if (h->time < head->time)
        return ts_fail(fault, TS_E_V1_LINKS, NULL,
                       "time %" PRIu64 " is below the parent's %" PRIu64, h->time, head->time);
    for (size_t i = 0; i < p->n_transitions; i++) {
        const struct ts_lifecycle_event *e = &p->transitions[i];
        if (h->time < e->time)
            return ts_fail(fault, TS_E_V1_LINKS, &e->enclave_id,
                           "time %" PRIu64 " is below the %" PRIu64 " of a transition", h->time,
                           e->time);
    }
    return TS_OK;
}

static ts_err l1_reference(const struct ts_head *head, const struct ts_batch_header *h,
                           struct ts_fault *fault)
{
    if (h->l1_number < head->l1_number)
        return ts_fail(fault, TS_E_V1_LINKS, NULL,
                       "L1 block %" PRIu64 " is below the parent's %" PRIu64, h->l1_number,
                       head->l1_number);
    if (h->l1_number == head->l1_number && !ts_hash_equal(&h->l1_hash, &head->l1_hash))
        return ts_fail(fault, TS_E_V1_LINKS, NULL,
                       "L1 block %" PRIu64 " has another hash than in the parent", h->l1_number);
    return TS_OK;
}

static ts_err l1_age(const struct ts_params *params, const struct ts_batch_header *h,
                     const struct ts_l1_evidence *l1, struct ts_fault *fault)
{
    if (l1->number != h->l1_number || !ts_hash_equal(&l1->hash, &h->l1_hash))
        return ts_fail(fault, TS_E_V1_LINKS, NULL,
                       "the L1 evidence, block %" PRIu64 ", is not the L1 block %" PRIu64
                       " that the header names",
                       l1->number, h->l1_number);
    if (h->time > l1->time && h->time - l1->time > params->max_l1_age_ms)
        return ts_fail(fault, TS_E_V1_LINKS, NULL,
                       "L1 block %" PRIu64 " is %" PRIu64 " ms old, at most %" PRIu64
                       " are allowed",
                       h->l1_number, h->time - l1->time, params->max_l1_age_ms);
    return TS_OK;
}

ts_err ts_rule_v1_links(const struct ts_chain *chain, const struct ts_batch_header *h,
                        const struct ts_payload *p, const struct ts_l1_evidence *l1,
                        struct ts_fault *fault)
{
    ts_err err = parent(&chain->head, h, fault);
    if (err == TS_OK)
        err = times(&chain->head, h, p, fault);
    if (err == TS_OK)
        err = l1_reference(&chain->head, h, fault);
    if (err == TS_OK && l1 != NULL)
        err = l1_age(&chain->genesis->params, h, l1, fault);
    return err;
}

/* The parent's, unless an Active takes effect: then that of the last that does. */
ts_err ts_rule_v1_term(const struct ts_check *c, const struct ts_batch_header *h)
{
    uint64_t term = c->chain->registry.term;
    for (size_t i = 0; i < c->payload->n_transitions; i++) {
        const struct ts_lifecycle_event *e = &c->payload->transitions[i];
        if (e->kind == TS_ACTIVE &&
            ts_active_takes_effect(c->chain, e, term,
                                   ts_effect_whitelisted(c->effect, &e->enclave_id)))
            term = e->term;
    }
    if (h->term != term)
        return ts_fail(c->fault, TS_E_V1_LINKS, NULL,
                       "term %" PRIu64 " stands where %" PRIu64 " follows from parent and payload",
                       h->term, term);
    return TS_OK;
}
