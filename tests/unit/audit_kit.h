/* SPDX-License-Identifier: Apache-2.0 */
/* An audit that follows a testnet, and what it has told. */
#ifndef TS_TESTS_AUDIT_KIT_H
#define TS_TESTS_AUDIT_KIT_H

#include <string.h>

#include "audit/audit.h"
#include "testnet.h"
#include "unit.h"

#define KIT_TOLD 4096

struct audit_kit {
    struct testnet *net; /* owned */
    struct ts_audit *audit;
    struct ts_chain chain; /* as far as the audit has followed */
    struct ts_effect *effect;
    struct ts_finding *told;
    size_t n_told;
};

/* Takes over the net. The audit stands at genesis. */
struct audit_kit *kit_of(struct testnet *net);
struct audit_kit *kit_running(size_t n); /* of tn_running */
void kit_free(struct audit_kit *k);
/* Follows the net's chain up to number, or to its head. */
void kit_follow_to(struct audit_kit *k, uint64_t number);
void kit_follow(struct audit_kit *k);
/* What the chain holds at number. */
struct ts_audit_place kit_place(const struct audit_kit *k, uint64_t number);

size_t kit_count(const struct audit_kit *k, enum ts_finding_kind kind); /* told, closings too */
/* The first of this kind that was told; there must be one. */
const struct ts_finding *kit_find(const struct audit_kit *k, enum ts_finding_kind kind);
/* The same; nothing else must have been told. */
const struct ts_finding *kit_only(const struct audit_kit *k, enum ts_finding_kind kind);
/* The highest severity told. */
int kit_worst(const struct audit_kit *k);

#endif
