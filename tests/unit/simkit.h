/* SPDX-License-Identifier: Apache-2.0 */
/* Traces made by hand for the simulator's checkers: a testnet whose batches become what a world
 * would tell. Each event is a second after the one before unless told otherwise. */
#ifndef TS_TESTS_SIMKIT_H
#define TS_TESTS_SIMKIT_H

#include "sim/checker.h"
#include "testnet.h"

#define SK_SECOND 1000000u

struct simkit {
    struct testnet *net;
    struct sim_setting setting;
    const struct sim_checker *const *checkers;
    size_t n_checkers;
    void *states[16];
    struct sim_verdict verdict;
    uint64_t now_us;
    struct sim_batch **batches; /* all that were made; freed with the kit */
    size_t n_batches, cap_batches;
    ts_secret wallet; /* owns all there is */
};

/* n enclaves in genesis, none started; two nodes; an honest operator. checker: NULL for all. */
struct simkit *sk_new(size_t enclaves, const struct sim_checker *checker);
/* With so many of the enclaves whitelisted, and that reportEvery. */
struct simkit *sk_new_with(struct tn_options o, const struct sim_checker *checker);
void sk_free(struct simkit *k);
/* This one is not asked. */
void sk_skip(struct simkit *k, const struct sim_checker *checker);

void sk_tell(struct simkit *k, struct sim_event e);
/* An event about a batch: who takes, commits, … it. */
void sk_batch(struct simkit *k, enum sim_kind kind, int who, const struct sim_batch *b);
/* Committed, broadcast, and taken by both nodes. */
void sk_line(struct simkit *k, const struct sim_batch *b);
/* The same for all published batches from that number on. */
void sk_lines(struct simkit *k, uint64_t from);

/* The published batch of that number. */
const struct sim_batch *sk_published(struct simkit *k, uint64_t number);
/* Seals a draft; it need not be valid. */
const struct sim_batch *sk_sealed(struct simkit *k, struct tn_draft *d);
/* An answer of an enclave; request may be NULL. */
void sk_answer(struct simkit *k, int who, struct ts_msg msg, const struct ts_msg *request,
               const struct sim_batch *b);
/* The answer with head, report and transitions that enclave i gives now, to an ACCEPT of b; b NULL:
 * to REPORT. */
void sk_events(struct simkit *k, size_t i, const struct sim_batch *b);
/* A transfer by the wallet, appended to out. */
ts_bytes sk_transfer(struct simkit *k, uint64_t nonce, struct ts_buf *out);
/* The draft gets these transactions and the state root they give on the chain as it was made. */
void sk_put_txs(struct simkit *k, struct tn_draft *d, ts_bytes *txs, size_t n);

void sk_good(const struct simkit *k);
/* That invariant was violated, and the sentence holds that text. */
void sk_bad(const struct simkit *k, const char *invariant, const char *text);

#endif
