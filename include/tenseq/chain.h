/* SPDX-License-Identifier: Apache-2.0 */
/* Following a chain: the registry, the rules V1–V8, and moving from head to head.
 *
 * Every party (enclave, host, node) uses this one module. Check gives an effect, apply takes it:
 *
 *     struct ts_effect *e = ts_effect_new();
 *     ts_batch_decode(raw, max, &arena, &batch);
 *     if (ts_batch_check(chain, &batch, NULL, e, &fault) == TS_OK)
 *         ts_chain_apply(chain, e);
 *
 * Source: docs/protocol.md, sections 2 to 4. */
#ifndef TENSEQ_CHAIN_H
#define TENSEQ_CHAIN_H

#include "tenseq/genesis.h"
#include "tenseq/verify.h"

enum ts_role { TS_ROLE_NONE, TS_ROLE_PASSIVE, TS_ROLE_ACTIVE }; /* NONE: no Started published yet */

/* What the chain says of one enclave. A removed enclave keeps its entry. */
struct ts_registry_entry {
    ts_address id;
    bool whitelisted;
    enum ts_role role;
    ts_hash boot_id;
    ts_hash boot_key;
    uint64_t tip_seq; /* 0: nothing published; tip_hash is the genesis hash then */
    ts_hash tip_hash;
    ts_time restart_time;      /* of the current boot's Started; so too the next two */
    ts_hash restart_head;
    uint64_t restart_number;
    uint64_t started_in;       /* number of the batch that carried that Started */
    uint64_t last_report_head; /* head number of the newest published report of this boot */
    ts_hash last_report_hash;  /* that head's hash */
    bool has_report;           /* whether this boot has published one */
    uint64_t last_report_in;   /* number of the batch that carried the newest report of any boot */
    uint64_t restarts;         /* Started events published */
    ts_hash *boot_ids;         /* every boot id published, oldest first; owned by the registry */
    size_t n_boot_ids;
    size_t cap_boot_ids;
};

struct ts_registry {
    uint64_t term;
    bool has_active;
    ts_address active;
    struct ts_registry_entry *entries; /* sorted by id; owned */
    size_t n;
    size_t cap;
    size_t n_whitelisted;
};

/* NULL: not known. */
const struct ts_registry_entry *ts_registry_find(const struct ts_registry *r, const ts_address *id);

/* The chain up to a head. Owns its registry. The genesis is borrowed and must outlive it. */
struct ts_chain {
    const struct ts_genesis *genesis;
    const struct ts_crypto *crypto;
    struct ts_head head;
    ts_hash recent[TS_RECENT]; /* hash of batch n at n % TS_RECENT, for the newest TS_RECENT */
    struct ts_registry registry;
};

/* The empty chain at genesis. genesis_state_root is the state root of the allocations. */
ts_err ts_chain_init(struct ts_chain *c, const struct ts_genesis *g, const struct ts_crypto *crypto,
                     const ts_hash *genesis_state_root);
void ts_chain_free(struct ts_chain *c);

/* The hash of batch number (0: genesis) when it is among the newest TS_RECENT; else NULL. */
const ts_hash *ts_chain_recent(const struct ts_chain *c, uint64_t number);

/* An L1 header as evidence; rlp's Keccak hash must be the claimed l1Hash. Empty without L1. */
struct ts_l1_evidence {
    uint64_t number;
    ts_hash hash;
    ts_time time; /* of the L1 block, in milliseconds */
};

/* Which event broke a rule, for errors that name it. */
struct ts_fault {
    ts_err rule;
    bool has_enclave;
    ts_address enclave;
    char what[160]; /* one sentence: what was expected, what stood there */
};

/* What a valid batch changes. Opaque, reusable, and only meaningful for the chain it was checked on. */
struct ts_effect;
struct ts_effect *ts_effect_new(void); /* NULL: out of memory */
void ts_effect_free(struct ts_effect *e);
/* The head after the batch. */
const struct ts_head *ts_effect_head(const struct ts_effect *e);
/* Who is whitelisted after the batch; *n of them, sorted. Valid until the effect is used again. */
const ts_address *ts_effect_whitelist(const struct ts_effect *e, size_t *n);
/* Fills in *out with the registry entry as it is after the batch (boot id list not included: NULL).
 * TS_E_NOT_FOUND. */
ts_err ts_effect_entry(const struct ts_effect *e, const ts_address *id,
                       struct ts_registry_entry *out);

/* Checks one batch against rules V1–V8 (docs/protocol.md, section 4), in that order.
 *
 * Returns: TS_OK; the code of the first rule that fails (TS_E_V1_LINKS … TS_E_V8_TIP); TS_E_NOMEM.
 *          A batch whose number is not head + 1, or whose parent is not the head, fails V1.
 * In:      chain   the chain up to the parent; unchanged.
 *          batch   decoded batch; no signature need have been checked.
 *          l1      the L1 block the header names, or NULL: then the age rule of V1 is not checked.
 * Out:     effect  what it changes; unspecified on failure.
 *          fault   written on failure only; may be NULL.
 * Cost:    one signature check for the seal and one for each event; allocates only when an enclave
 *          or boot is new. */
ts_err ts_batch_check(const struct ts_chain *chain, const struct ts_batch *batch,
                      const struct ts_l1_evidence *l1, struct ts_effect *effect,
                      struct ts_fault *fault);

/* The same for a payload that is to be put into a batch: V4–V8 and the form and effect of notices, for a
 * batch with this producer, number head + 1. *term is the term the header must have. The effect holds the
 * registry, its head is unspecified: ts_effect_seal completes it. Used by the producer.
 * known_good: signatures of events by this enclave need no check (its own), may be NULL. */
ts_err ts_payload_check(const struct ts_chain *chain, const struct ts_payload *payload,
                        const ts_address *producer, const ts_address *known_good,
                        struct ts_effect *effect, uint64_t *term, struct ts_fault *fault);
/* Gives the effect of ts_payload_check the head of the finished batch. */
void ts_effect_seal(struct ts_effect *e, const struct ts_batch_header *h, const ts_hash *hash,
                    const ts_hash *protocol_root);

/* Moves the chain to the effect's head. TS_E_NOMEM: unchanged. The effect must come from this chain
 * at this head (checked). */
ts_err ts_chain_apply(struct ts_chain *chain, const struct ts_effect *effect);

/* Checks one transition or report as an enclave gives it: signer, and that it is the enclave's.
 * For the host, before it hands events on. */
ts_err ts_event_bounds(const struct ts_chain *chain, ts_time now, const struct ts_lifecycle_event *e);

#endif
