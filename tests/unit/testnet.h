/* SPDX-License-Identifier: Apache-2.0 */
/* A network in miniature for tests: honest enclaves as the protocol describes them (section 3),
 * with keys made from fixed secrets, that build valid batches on one chain. A test may change
 * anything in a batch and sign again. Everything is a function of what the test asks for: no clock,
 * no randomness.
 *
 *     struct testnet *net = tn_running(3);          // three enclaves started, 0 active, batch 1
 * published tn_run(net, 5);                               // five more batches by the active one
 *     tn_crash(net, 0);
 *     tn_activate(net, 1);
 *     tn_run(net, 1);                               // failover
 *     struct tn_draft *d = tn_draft(net, 1);        // what 1 would seal next
 *     d->payload.reports[0].seq++;
 *     tn_sign_report(net, &d->payload.reports[0]);
 *     assert_int_equal(tn_check(net, d), TS_E_V8_TIP);
 *
 * Enclaves go by index, 0 to n - 1; ids ascend with the index. A misuse fails a TS_CHECK. Needs no
 * test library, so that benchmarks and fuzzers may use it. */
#ifndef TS_TESTS_TESTNET_H
#define TS_TESTS_TESTNET_H

#include "base/arena.h"
#include "base/buf.h"
#include "crypto/secret.h"
#include "tenseq/chain.h"

#define TN_MAX_ENCLAVES 80

/* All zero (or NULL for tn_new): three enclaves, all whitelisted, default parameters, libsecp256k1.
 */
struct tn_options {
    size_t enclaves;    /* how many keys; at most TN_MAX_ENCLAVES */
    size_t whitelisted; /* the first so many are in the genesis whitelist; 0: all */
    uint64_t report_every;
    uint64_t max_report_lag;
    uint64_t max_batch_bytes;
    uint64_t max_tx_bytes;
    uint64_t l1_chain_id;      /* genesis's L1 block is then number 100 */
    const ts_hash *state_root; /* of genesis, and of every batch without more ado; NULL: made up */
    const struct ts_crypto *crypto; /* borrowed */
    const struct ts_alloc *alloc;   /* of genesis, copied; sorted by address */
    size_t n_alloc;
};

/* An honest enclave. Tests may read it, and write it to make it less honest. */
struct tn_enclave {
    ts_secret key;
    ts_address id;
    bool up;      /* connected: follows the chain, hands out its events */
    bool running; /* has booted and not crashed since */
    bool active;
    uint64_t boots;
    ts_hash boot_id;
    ts_hash boot_key;
    struct ts_head head;       /* what it has accepted */
    struct ts_head start_head; /* at its Started */
    ts_time start_time;
    uint64_t published_seq; /* tip as it has learnt it from the chain */
    ts_hash published_tip;
    struct ts_lifecycle_event unpublished[TS_MAX_UNPUBLISHED];
    size_t n_unpublished;
};

struct testnet {
    const struct ts_crypto *crypto;
    struct ts_crypto *own_crypto; /* or NULL */
    struct ts_genesis genesis;
    ts_hash genesis_root;  /* state root of genesis */
    struct ts_chain chain; /* what has been published */
    struct ts_effect *effect;
    struct ts_fault fault; /* of the last tn_check that failed */
    struct tn_enclave enclaves[TN_MAX_ENCLAVES];
    size_t n;
    ts_time time;  /* now, as the host says; a second goes by with each published batch */
    uint64_t term; /* highest handed out */
    ts_address adds[TS_MAX_WHITELIST]; /* the whitelist change that the next batch will announce */
    size_t n_adds;
    ts_address removes[TS_MAX_WHITELIST];
    size_t n_removes;
    uint64_t l1_number; /* the L1 block that drafts name when it is above their parent's */
    ts_bytes *history;  /* history[k]: raw batch k + 1 */
    size_t n_history;
    struct tn_draft *drafts; /* freed with the net */
};

/* A batch in the making. The lists of payload are the arrays below: change, add and remove at will.
 */
struct tn_draft {
    struct ts_batch_header header; /* txRoot is set by tn_seal unless keep_tx_root */
    struct ts_payload payload;
    ts_bytes *txs; /* borrowed; none at first */
    size_t n_txs;
    bool keep_tx_root;
    size_t sealer;     /* whose key seals; at first the producer's */
    struct ts_buf raw; /* the whole batch, after tn_seal */
    uint8_t notice_body[TS_MAX_NOTICE_BYTES];
    struct ts_lifecycle_event transitions[TS_MAX_TRANSITIONS];
    struct ts_restart_event reports[2 * TS_MAX_WHITELIST];
    ts_address absent[2 * TS_MAX_WHITELIST];
    struct ts_notice notices[2 * TS_MAX_NOTICES];
    struct tn_draft *next;
};

/* A block of the made-up L1 of a testnet with one: 12 seconds apart, genesis's at the genesis'
 * time. Of each number there are as many as one likes; the chain names fork 0. The header's RLP is
 * appended when out is not NULL. */
#define TN_GENESIS_L1 100
struct ts_l1_evidence tn_l1_block(uint64_t number, uint64_t fork, struct ts_buf *out);

struct testnet *tn_new(const struct tn_options *options);
/* n enclaves booted, 0 activated, batch 1 published. */
struct testnet *tn_running(size_t n);
/* The same for a net of tn_new: boots all that are whitelisted. */
void tn_start(struct testnet *net);
void tn_free(struct testnet *net);

const ts_address *tn_id(const struct testnet *net, size_t i);
/* The index of an id. */
size_t tn_index(const struct testnet *net, const ts_address *id);
/* What the chain says of enclave i. */
const struct ts_registry_entry *tn_entry(const struct testnet *net, size_t i);

/* A new boot: learns the published chain and signs Started at its head. */
void tn_boot(struct testnet *net, size_t i);
/* The process ends: what it had not published is lost. */
void tn_crash(struct testnet *net, size_t i);
/* The link is cut and comes back: memory stays; then it accepts what it has missed. */
void tn_cut(struct testnet *net, size_t i);
void tn_heal(struct testnet *net, size_t i);
/* Signs Active with the next term, or Passive. */
void tn_activate(struct testnet *net, size_t i);
void tn_activate_with(struct testnet *net, size_t i, uint64_t term);
void tn_step_down(struct testnet *net, size_t i);
/* Announced by the next batch. */
void tn_whitelist_add(struct testnet *net, size_t i);
void tn_whitelist_remove(struct testnet *net, size_t i);

/* What an honest producer would seal on the chain's head: the unpublished transitions and reports
 * of all that are up (less those of whom an Active would take effect over its own), the rest
 * absent, and the announced whitelist change. */
struct tn_draft *tn_draft(struct testnet *net, size_t producer);
/* Signs an event again, by the enclave it names or by another. */
void tn_sign_transition(const struct testnet *net, struct ts_lifecycle_event *e);
void tn_sign_transition_by(const struct testnet *net, struct ts_lifecycle_event *e, size_t i);
void tn_sign_report(const struct testnet *net, struct ts_restart_event *e);
void tn_sign_report_by(const struct testnet *net, struct ts_restart_event *e, size_t i);
/* The report enclave i would sign now. */
struct ts_restart_event tn_report(const struct testnet *net, size_t i);
/* An enclave's place in a draft. The draft must hold it. */
struct ts_restart_event *tn_report_of(struct testnet *net, struct tn_draft *d, size_t i);
struct ts_lifecycle_event *tn_transition_of(struct testnet *net, struct tn_draft *d, size_t i);
/* Leaves an enclave's report and transitions out and lists it absent, if the batch still reports.
 */
void tn_leave_out(struct testnet *net, struct tn_draft *d, size_t i);
/* Replaces the notices by one, of this type and body (copied); NULL change: none. */
void tn_set_notice(struct tn_draft *d, uint64_t type, ts_bytes body);
void tn_set_change(struct tn_draft *d, const struct ts_whitelist_change *c);

/* Fills in txRoot, seals, encodes: d->raw. */
void tn_seal(struct testnet *net, struct tn_draft *d);
/* Seals, decodes, and checks on the chain; net->fault says why not. */
ts_err tn_check(struct testnet *net, struct tn_draft *d);
/* Checks raw bytes: decoding errors too. */
ts_err tn_check_raw(struct testnet *net, ts_bytes raw);
/* Must be valid: goes on the chain, and all that are up accept it. Frees all drafts. */
void tn_publish(struct testnet *net, struct tn_draft *d);
/* n honest batches by whoever is, or is just becoming, active. */
void tn_run(struct testnet *net, size_t n);

/* Raw bytes of a published batch, number from 1. */
ts_bytes tn_raw(const struct testnet *net, uint64_t number);
/* A published batch, decoded. */
void tn_decode(const struct testnet *net, uint64_t number, struct ts_arena *arena,
               struct ts_batch *out);
/* The chain up to number, folded from genesis anew; free with ts_chain_free. */
void tn_fold(const struct testnet *net, uint64_t number, struct ts_chain *out);
/* Whether two chains are the same: head, recent hashes, registry with all boot ids. */
bool tn_chain_equal(const struct ts_chain *a, const struct ts_chain *b);

/* splitmix64: the same state, the same numbers. */
uint64_t tn_next(uint64_t *state);
/* A random honest history of at most so many batches: crashes, cuts, boots, switches, failovers,
 * vain activations, whitelist changes, events left out. The same seed gives the same bytes. */
struct testnet *tn_random(uint64_t seed, size_t steps);
/* One more step of it: at most one batch (none when no enclave can produce). */
void tn_random_step(struct testnet *net, uint64_t *state);

#endif
