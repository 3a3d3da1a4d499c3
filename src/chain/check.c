/* SPDX-License-Identifier: Apache-2.0 */
/* The rules in their order. Each is in its own file: rule_v1_links.c … rule_v8_tip.c. */
#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "chain/batch.h"
#include "chain/rules.h"

ts_err ts_fail(struct ts_fault *fault, ts_err rule, const ts_address *who, const char *format, ...)
{
    if (fault == NULL)
        return rule;
    va_list args;
    *fault = (struct ts_fault){.rule = rule};
    if (who != NULL) {
        fault->has_enclave = true;
        fault->enclave = *who;
    }
    va_start(args, format);
    vsnprintf(fault->what, sizeof(fault->what), format, args);
    va_end(args);
    return rule;
}

/* V3 as far as it is of the payload, and V4 to V8. */
static ts_err payload_rules(const struct ts_check *c)
{
    ts_err err = ts_rule_v3_lists(c);
    if (err == TS_OK)
        err = ts_rule_v4_events(c);
    if (err == TS_OK)
        err = ts_rule_v5_complete(c);
    if (err == TS_OK)
        err = ts_rule_v6_fresh(c);
    if (err == TS_OK)
        err = ts_rule_v7_roles(c);
    if (err == TS_OK)
        err = ts_rule_v8_tip(c);
    if (err == TS_OK)
        c->effect->state = TS_EFFECT_FOLDED;
    return err;
}

/* V1 to V3. The whitelist notice comes before all that asks for the whitelist after it. */
static ts_err batch_rules(const struct ts_check *c, const struct ts_batch *batch,
                          const struct ts_l1_evidence *l1, struct ts_batch_hashes *hashes)
{
    const struct ts_batch_header *h = &batch->header;
    ts_err err = ts_rule_v1_links(c->chain, h, c->payload, l1, c->fault);
    if (err == TS_OK)
        err = ts_rule_v3_notices(c);
    if (err == TS_OK)
        err = ts_rule_v1_term(c, h);
    if (err == TS_OK)
        err = ts_rule_v2_whitelisted(c);
    if (err != TS_OK)
        return err;
    ts_header_hash(&c->chain->genesis->domain, h, &hashes->batch);
    ts_protocol_root(&c->chain->head.protocol_root, batch->raw_payload, &hashes->protocol_root);
    err = ts_rule_v2_seal(c, batch, hashes);
    if (err == TS_OK)
        err = ts_rule_v3_notice_l1(c->effect, h, c->fault);
    if (err == TS_OK)
        err = ts_rule_v3_batch(c, batch);
    return err;
}

ts_err ts_batch_check(const struct ts_chain *chain, const struct ts_batch *batch,
                      const struct ts_l1_evidence *l1, struct ts_effect *effect,
                      struct ts_fault *fault)
{
    struct ts_batch_hashes hashes;
    struct ts_check c = {.chain = chain,
                         .payload = &batch->payload,
                         .producer = &batch->header.producer,
                         .effect = effect,
                         .fault = fault,
                         .number = chain->head.number + 1};
    ts_err err = ts_effect_begin(effect, chain);
    if (err == TS_OK)
        err = batch_rules(&c, batch, l1, &hashes);
    if (err == TS_OK)
        err = payload_rules(&c);
    if (err == TS_OK)
        ts_effect_seal(effect, &batch->header, &hashes.batch, &hashes.protocol_root);
    return err;
}

ts_err ts_payload_check(const struct ts_chain *chain, const struct ts_payload *payload,
                        const ts_address *producer, const ts_address *known_good,
                        struct ts_effect *effect, uint64_t *term, struct ts_fault *fault)
{
    struct ts_check c = {.chain = chain,
                         .payload = payload,
                         .producer = producer,
                         .known_good = known_good,
                         .effect = effect,
                         .fault = fault,
                         .number = chain->head.number + 1};
    ts_err err = ts_effect_begin(effect, chain);
    if (err == TS_OK)
        err = ts_rule_v3_notices(&c);
    if (err == TS_OK)
        err = ts_rule_v2_whitelisted(&c);
    if (err == TS_OK)
        err = payload_rules(&c);
    if (err == TS_OK)
        *term = effect->term;
    return err;
}

ts_err ts_draft_check(const struct ts_chain *chain, const struct ts_batch_header *header,
                      const struct ts_payload *payload, const struct ts_l1_evidence *l1,
                      const struct ts_effect *effect, struct ts_fault *fault)
{
    TS_CHECK(effect->state == TS_EFFECT_FOLDED && effect->parent_number == chain->head.number);
    ts_err err = ts_rule_v1_links(chain, header, payload, l1, fault);
    if (err != TS_OK)
        return err;
    if (header->term != effect->term)
        return ts_fail(fault, TS_E_V1_LINKS, NULL,
                       "the term does not follow from parent and payload");
    if (!ts_effect_whitelisted(effect, &header->producer))
        return ts_fail(fault, TS_E_V2_PRODUCER, &header->producer,
                       "the producer is not whitelisted after this batch's notice");
    return ts_rule_v3_notice_l1(effect, header, fault);
}

ts_time ts_payload_time(const struct ts_payload *payload)
{
    ts_time newest = 0;
    for (size_t i = 0; i < payload->n_transitions; i++) {
        if (payload->transitions[i].time > newest)
            newest = payload->transitions[i].time;
    }
    return newest;
}
