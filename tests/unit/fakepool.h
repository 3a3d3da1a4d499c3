/* SPDX-License-Identifier: Apache-2.0 */
/* An L1 in miniature for the submitter: one account, a queue with geth's rules of replacement,
 * blocks, reorgs, and faults as they are asked for. Its time is the test's. */
#ifndef TS_TESTS_FAKEPOOL_H
#define TS_TESTS_FAKEPOOL_H

#include "l1/submitter.h"
#include "unit.h"

#define FAKE_MAX_TXS 4096
#define FAKE_QUEUED  UINT64_MAX /* of fake_tx.block: in the queue */
#define FAKE_GONE    (UINT64_MAX - 1)
#define FAKE_FOREIGN 1000000 /* of fake_tx.job */

struct fake_tx {
    ts_hash hash;
    uint64_t nonce, fee, tip, gas;
    uint64_t job; /* the first eight bytes of its data; 0 for a filler */
    uint64_t block;
    bool fails;
};

struct fake_l1 {
    uint64_t chain_id;
    uint64_t height;
    uint64_t finalized;
    uint64_t forks; /* so that blocks after a reorg have other hashes */
    uint64_t base_fee, tip;
    bool has_funds;
    bool is_mining_stopped;
    uint64_t reverts_from; /* jobs of these numbers are refused by estimates, up to reverts_to */
    uint64_t reverts_to;
    bool is_chained;    /* each job's estimate is refused until the one before it is mined */
    uint64_t fails_job; /* is mined, and refused then */
    struct fake_tx txs[FAKE_MAX_TXS];
    size_t n_txs;
    const char *refuses_send; /* every SEND, with this */
};

void fake_begin(struct fake_l1 *f);
/* The data of a job's transaction. */
void fake_data(uint64_t job, uint8_t out[8]);
void fake_mine(struct fake_l1 *f);
/* Replaces the newest blocks by as many empty ones; what was in them goes back into the queue, or
 * is forgotten. */
void fake_reorg(struct fake_l1 *f, uint64_t depth, bool forgets);
/* The node forgets its queue. */
void fake_forget(struct fake_l1 *f);
/* Somebody else queues a transaction of the account. */
void fake_foreign(struct fake_l1 *f, uint64_t nonce, uint64_t fee, uint64_t tip);
/* The account's nonce after a block. */
uint64_t fake_nonce(const struct fake_l1 *f, uint64_t block);
/* How often transactions of a job are in blocks. */
unsigned fake_mined(const struct fake_l1 *f, uint64_t job);
size_t fake_queued(const struct fake_l1 *f);
/* Does what the call asks. */
void fake_answer(struct fake_l1 *f, const struct ts_l1_call *call, struct ts_l1_answer *a);

#endif
