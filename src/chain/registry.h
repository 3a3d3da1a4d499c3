/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: what the payloads of the chain say of its enclaves, as a pure fold. One enclave's
 * entry is folded here; what concerns several (who is active, the whitelist) is in effect.h.
 * Source: docs/protocol.md, sections 3 and 4. */
#ifndef TS_CHAIN_REGISTRY_H
#define TS_CHAIN_REGISTRY_H

#include "tenseq/chain.h"

/* Where id is, or would be inserted; *found says which. */
size_t ts_registry_index(const struct ts_registry *r, const ts_address *id, bool *found);

/* The entry of an enclave of which nothing is published. */
struct ts_registry_entry ts_entry_fresh(const ts_address *id, const ts_hash *genesis);

/* Genesis's whitelist, nothing published. TS_E_NOMEM: *r is empty. */
ts_err ts_registry_init(struct ts_registry *r, const struct ts_genesis *g);
void ts_registry_free(struct ts_registry *r);

/* Room for n more entries; for n more boot ids of one entry. TS_E_NOMEM: as before. */
ts_err ts_registry_reserve(struct ts_registry *r, size_t n);
ts_err ts_entry_reserve_boots(struct ts_registry_entry *e, size_t n);
/* In its place by id; room must have been reserved. Takes over the entry's boot id list. */
struct ts_registry_entry *ts_registry_insert(struct ts_registry *r,
                                             const struct ts_registry_entry *e);

/* Folds one transition, which fits, into its enclave's entry: tip, boot, Started. number: of the
 * batch that carries it. Leaves alone the role and the boot id list: the caller's. */
void ts_entry_fold(struct ts_registry_entry *e, const struct ts_lifecycle_event *event,
                   const ts_hash *hash, uint64_t number);
/* Folds a published report. */
void ts_entry_fold_report(struct ts_registry_entry *e, const struct ts_restart_event *report,
                          uint64_t number);

/* Whether an Active takes effect in a batch on this chain: its term is above term (the chain's so
 * far, counting Actives before it in the payload), its head is the batch's parent, number and hash,
 * and its enclave is whitelisted after the batch's notice. Else it is void. False for other kinds.
 */
bool ts_active_takes_effect(const struct ts_chain *chain, const struct ts_lifecycle_event *event,
                            uint64_t term, bool whitelisted_after);

#endif
