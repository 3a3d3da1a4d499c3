/* SPDX-License-Identifier: Apache-2.0 */
/* The rules V1–V8, one file each (rule_v*.c), and what they share. A rule returns TS_OK, its own
 * code with the fault written, or TS_E_NOMEM. Source: docs/protocol.md, section 4. */
#ifndef TS_CHAIN_RULES_H
#define TS_CHAIN_RULES_H

#include "chain/effect.h"

/* One check of one payload or batch. */
struct ts_check {
    const struct ts_chain *chain;
    const struct ts_payload *payload;
    const ts_address *producer;
    const ts_address *known_good; /* whose signatures need no check, or NULL */
    struct ts_effect *effect;     /* the registry as far as it has been folded */
    struct ts_fault *fault;       /* may be NULL */
    uint64_t number;              /* of the batch: the chain's head + 1 */
};

/* What hashing a batch gives. */
struct ts_batch_hashes {
    ts_hash batch;
    ts_hash protocol_root;
};

/* Writes the fault and returns rule. who: the enclave at fault, or NULL. */
ts_err ts_fail(struct ts_fault *fault, ts_err rule, const ts_address *who, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

ts_err ts_rule_v1_links(const struct ts_chain *chain, const struct ts_batch_header *h,
                        const struct ts_payload *p, const struct ts_l1_evidence *l1,
                        struct ts_fault *fault);
/* The term before V4 has looked at a single event: only an Active that would take effect matters.
 */
ts_err ts_rule_v1_term(const struct ts_check *c, const struct ts_batch_header *h);

ts_err ts_rule_v2_whitelisted(const struct ts_check *c);
ts_err ts_rule_v2_seal(const struct ts_check *c, const struct ts_batch *batch,
                       const struct ts_batch_hashes *hashes);

/* Form of the notices; takes the whitelist change into the effect. */
ts_err ts_rule_v3_notices(const struct ts_check *c);
/* The whitelist notice, if there is one, is of the header's L1 block. */
ts_err ts_rule_v3_notice_l1(const struct ts_effect *e, const struct ts_batch_header *h,
                            struct ts_fault *fault);
ts_err ts_rule_v3_lists(const struct ts_check *c);
ts_err ts_rule_v3_batch(const struct ts_check *c, const struct ts_batch *batch);

/* Checks and folds the transitions; checks order and signers of the reports. */
ts_err ts_rule_v4_events(const struct ts_check *c);
/* Whether run[k] continues the chain of its enclave, whose entry is as after run[0..k-1]:
 * everything V4 asks of one transition but order, whitelist and signature. fault may be NULL. */
ts_err ts_rule_v4_fits(const struct ts_chain *chain, const struct ts_registry_entry *entry,
                       const struct ts_lifecycle_event *run, size_t k, struct ts_fault *fault);

ts_err ts_rule_v5_complete(const struct ts_check *c);

ts_err ts_rule_v6_fresh(const struct ts_check *c);
/* One report; entry is its enclave's after the payload's transitions, number the batch's. */
ts_err ts_rule_v6_report(const struct ts_chain *chain, const struct ts_registry_entry *entry,
                         const struct ts_restart_event *r, uint64_t number, struct ts_fault *fault);

ts_err ts_rule_v7_roles(const struct ts_check *c);

ts_err ts_rule_v8_tip(const struct ts_check *c);
ts_err ts_rule_v8_report(const struct ts_registry_entry *entry, const struct ts_restart_event *r,
                         struct ts_fault *fault);

#endif
