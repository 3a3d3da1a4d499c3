/* SPDX-License-Identifier: Apache-2.0 */
/* What a batch changes: copies of the registry entries it touches, never of the whole registry. */
#ifndef TS_CHAIN_EFFECT_H
#define TS_CHAIN_EFFECT_H

#include "base/arena.h"
#include "chain/registry.h"

/* A batch touches only enclaves whitelisted before or after its notice. */
#define TS_MAX_CHANGES (2 * TS_MAX_WHITELIST)
#define TS_NEW_ENTRY   SIZE_MAX

/* One entry as it is after the batch. */
struct ts_change {
    size_t index; /* of the entry in the registry, or TS_NEW_ENTRY */
    bool was_whitelisted;
    struct ts_registry_entry entry; /* its boot id list is the registry's: before the batch */
};

struct ts_new_boot {
    size_t change;
    ts_hash boot_id;
};

/*   EMPTY ──begin──▶ OPEN ──rules──▶ FOLDED ──ts_effect_seal──▶ SEALED; begin again at any time. */
enum ts_effect_state { TS_EFFECT_EMPTY, TS_EFFECT_OPEN, TS_EFFECT_FOLDED, TS_EFFECT_SEALED };

struct ts_effect {
    enum ts_effect_state state;
    const struct ts_chain *chain;
    uint64_t parent_number;
    ts_hash parent_hash;
    struct ts_head head;
    uint64_t term;
    bool has_active;
    ts_address active;
    bool has_change; /* a whitelist notice is there, and names this L1 block */
    uint64_t change_l1_number;
    ts_hash change_l1_hash;
    ts_address whitelist[TS_MAX_WHITELIST]; /* after the notice; sorted */
    size_t n_whitelist;
    struct ts_change changes[TS_MAX_CHANGES];
    size_t n_changes;
    struct ts_new_boot *boots; /* in the order they were published */
    size_t n_boots;
    size_t cap_boots;
    uint8_t *change_of; /* by registry index: place in changes + 1; 0: not touched */
    size_t cap_change_of;
    struct ts_arena arena; /* for a notice */
};

/* Nothing changed yet. TS_E_NOMEM: the effect is EMPTY. */
ts_err ts_effect_begin(struct ts_effect *e, const struct ts_chain *chain);

/* The entry of an enclave that is whitelisted before or after the notice, to be changed; NULL for
 * any other. Stays where it is until the next begin. */
struct ts_change *ts_effect_change(struct ts_effect *e, const ts_address *id);

/* Whether id is whitelisted after the notice. */
bool ts_effect_whitelisted(const struct ts_effect *e, const ts_address *id);

/* The whitelist after adding and removing. The caller has checked that both lists ascend; here it
 * is checked that the added were not whitelisted, the removed were, and at most TS_MAX_WHITELIST
 * are left. NULL, or what is wrong; *who is then the enclave it concerns, or NULL. */
const char *ts_effect_whitelist_change(struct ts_effect *e, const struct ts_whitelist_change *c,
                                       const ts_address **who);

/* Applies one transition that fits. TS_E_NOMEM. */
ts_err ts_effect_transition(struct ts_effect *e, struct ts_change *change,
                            const struct ts_lifecycle_event *event, const ts_hash *hash);

#endif
