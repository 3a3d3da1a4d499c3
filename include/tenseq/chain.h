/* SPDX-License-Identifier: Apache-2.0 */
/* Following a chain: the registry, the rules V1–V8, and moving from head to head.
 *
 * Every party (enclave, host, node) uses this one module. Check gives an effect, apply takes it:
 *
 *     struct ts_effect *e = ts_effect_new();
 *     if (ts_batch_parse(raw, max, &batch) == TS_OK &&
 *         ts_batch_check(chain, batch, NULL, e, &fault) == TS_OK)
 *         ts_chain_apply(chain, e);
 *
 * Source: docs/protocol.md, sections 2 to 4. */
#ifndef TENSEQ_CHAIN_H
#define TENSEQ_CHAIN_H

#include "tenseq/batch.h"
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
    uint8_t tip_kind;     /* enum ts_event_kind; 0: nothing published */
    uint64_t tip_term;    /* of the current boot's newest Active; 0: none */
    ts_time restart_time; /* of the current boot's Started; so too the next two */
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
    ts_address whitelist[TS_MAX_WHITELIST]; /* sorted */
    size_t n_whitelisted;
};

/* NULL: not known. */
const struct ts_registry_entry *ts_registry_find(const struct ts_registry *r, const ts_address *id);

/* Signatures found good before, so that none is recovered twice (src/chain/verified.h). */
struct ts_verified;

/* The chain up to a head. Owns its registry. Genesis, crypto and cache are borrowed and must
 * outlive it; the cache may be put in place or taken away at any time. */
struct ts_chain {
    const struct ts_genesis *genesis;
    const struct ts_crypto *crypto;
    struct ts_verified *verified; /* NULL, as after init: no cache */
    struct ts_head head;
    ts_hash recent[TS_RECENT]; /* hash of batch n at n % TS_RECENT, for the newest TS_RECENT */
    struct ts_registry registry;
};

/* The empty chain at genesis. genesis_state_root is the state root of the allocations; who executes
 * nothing may give zeros, since no rule looks at it. */
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

/* A block of L1 as a party that follows it sees it. */
struct ts_l1_block {
    uint64_t number;
    ts_hash hash;
    ts_time time;                /* in milliseconds; L1's own timestamps are whole seconds */
    ts_bytes header;             /* RLP whose Keccak hash is hash */
    const ts_address *whitelist; /* the sequencers after this block, ascending */
    size_t n_whitelist;
};

/* Which event broke a rule, for errors that name it. */
struct ts_fault {
    ts_err rule;
    bool has_enclave;
    ts_address enclave;
    char what[160]; /* one sentence: what was expected, what stood there */
};

/* What a valid batch changes. Opaque, reusable, and only meaningful for the chain it was checked
 * on. Holds nothing of the batch: that may be freed before the effect is applied. */
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

/* Checks one batch against rules V1–V8 (docs/protocol.md, section 4), in that order. What each rule
 * means where the protocol leaves room is said at its function (src/chain/rule_v*.c).
 *
 * The whitelist notice is taken first, since V1's term and V2 ask for the whitelist after it: when
 * it is ill-formed the answer is V3, unless the links of V1 fail.
 *
 * In a network with an L1 a batch may list its own producer, and anyone can seal such a batch:
 * before it is applied, the whitelist after it (ts_effect_whitelist) is to be held against L1's at
 * the block that the header names. Without an L1 it fails V2.
 *
 * Returns: TS_OK; the code of the first rule that fails (TS_E_V1_LINKS … TS_E_V8_TIP); TS_E_NOMEM.
 *          A batch whose number is not head + 1, or whose parent is not the head, fails V1.
 * In:      chain   the chain up to the parent; unchanged.
 *          batch   decoded batch; no signature need have been checked.
 *          l1      the L1 block the header names, or NULL: then the age rule of V1 is not checked.
 *                  Evidence of another block fails V1.
 * Out:     effect  what it changes; unspecified on failure.
 *          fault   written on failure only; may be NULL. Not written for TS_E_NOMEM.
 * Cost:    one signature check for the seal and one for each event; allocates only when an enclave
 *          or boot is new, or a whitelist notice is there. */
ts_err ts_batch_check(const struct ts_chain *chain, const struct ts_batch *batch,
                      const struct ts_l1_evidence *l1, struct ts_effect *effect,
                      struct ts_fault *fault);

/* The same for a payload that is to be put into a batch: V4–V8 and the form and effect of notices,
 * for a batch with this producer, number head + 1. *term is the term the header must have. The
 * effect holds the registry, its head is unspecified: ts_effect_seal completes it. Used by the
 * producer. known_good: signatures of events by this enclave need no check (its own), may be NULL.
 *
 * On failure fault->enclave, when there is one, is whose transitions and report to leave out before
 * trying again (with that enclave listed absent). It is the producer when the producer itself is
 * the obstacle; then, and when no enclave is named, leaving events out does not help. A producer
 * outside the whitelist fails V2. */
ts_err ts_payload_check(const struct ts_chain *chain, const struct ts_payload *payload,
                        const ts_address *producer, const ts_address *known_good,
                        struct ts_effect *effect, uint64_t *term, struct ts_fault *fault);

/* What ts_payload_check cannot see, for a header whose roots are not known yet: V1, that the
 * producer is whitelisted (V2), and that a whitelist notice names the header's L1 block (V3). The
 * effect is that of ts_payload_check for the same payload. Everything a batch can fail for but the
 * transactions and the seal has then been checked. */
ts_err ts_draft_check(const struct ts_chain *chain, const struct ts_batch_header *header,
                      const struct ts_payload *payload, const struct ts_l1_evidence *l1,
                      const struct ts_effect *effect, struct ts_fault *fault);

/* The newest time among the payload's transitions, 0 when there is none: a header's time must not
 * be below it. */
ts_time ts_payload_time(const struct ts_payload *payload);

/* Gives the effect of ts_payload_check the head of the finished batch. */
void ts_effect_seal(struct ts_effect *e, const struct ts_batch_header *h, const ts_hash *hash,
                    const ts_hash *protocol_root);

/* Moves the chain to the effect's head. TS_E_NOMEM: unchanged. The effect must come from this chain
 * at this head (checked: anything else is the caller's bug). */
ts_err ts_chain_apply(struct ts_chain *chain, const struct ts_effect *effect);

#endif
