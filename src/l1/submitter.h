/* SPDX-License-Identifier: Apache-2.0 */
/* Brings transactions onto L1 for one account, without I/O: nonces without gaps, fees that follow
 * the market and rise while a transaction is stuck, and an answer for each job: it is on L1 with so
 * many confirmations, or it failed and why. One input at a time; the same inputs and times give the
 * same outputs.
 *
 * A job is mined at most once: all it ever sends has one nonce, and it gets another only when
 * another transaction is confirmed at its nonce, seen three times in a row. It is not lost: what a
 * reorg took away, or a node forgot, is sent again; a nonce that nobody fills any more is filled
 * with a transfer of nothing. Jobs are sent in the order they were given, but do not wait for each
 * other to be mined, except one whose estimate reverts: it is tried again after those before it.
 *
 * Nothing of it is durable: whoever gives the jobs looks at the contract after a restart and gives
 * again what is not there. What an earlier life left in the node's queue is replaced at its nonce.
 * Source: EIP-1559, EIP-2718; replacement rules of geth's transaction pool (10 % on both fees). */
#ifndef TS_L1_SUBMITTER_H
#define TS_L1_SUBMITTER_H

#include "base/now.h"
#include "crypto/secret.h"
#include "l1/call.h"
#include "tenseq/verify.h"

#define TS_L1_MAX_JOBS 16

struct ts_l1_submit_settings {
    uint64_t chain_id;
    uint64_t confirmations; /* as in follower.h; 0: finalized */
    uint64_t poll_us;       /* between looks at receipts; default 1 s */
    uint64_t answer_us;     /* for one answer; default 10 s */
    uint64_t retry_max_us;  /* default 15 s */
    uint64_t stuck_us;      /* not mined for so long: sent again with higher fees; default 60 s */
    uint64_t max_fee;       /* wei per gas that is never exceeded; default 500 gwei */
    uint64_t gas_margin;    /* percent on top of the estimate; default 20 */
};
void ts_l1_submit_settings_default(struct ts_l1_submit_settings *s);

enum ts_l1_submit_in {
    TS_L1_SUBMIT_TICK,
    TS_L1_SUBMIT_ANSWER, /* answer */
    TS_L1_SUBMIT_JOB,    /* job, to or creates, value, data: the data is copied. job is not that of
                            one under way (a caller's bug). TS_L1_MAX_JOBS at a time, more are
                            answered with TS_E_BUSY; over TS_L1_MAX_INPUT bytes: TS_E_LIMIT */
    TS_L1_SUBMIT_CANCEL  /* job: not sent any more if it was not sent yet; DONE follows in any case
                          */
};

struct ts_l1_submit_input {
    enum ts_l1_submit_in kind;
    const struct ts_l1_answer *answer;
    uint64_t job; /* the caller's number */
    ts_address to;
    bool creates; /* a contract: data is its code, to does not matter */
    ts_u256 value;
    ts_bytes data;
};

enum ts_l1_submit_out {
    TS_L1_SUBMIT_CALL,
    TS_L1_SUBMIT_SENT, /* job, tx: it is in the L1 node's queue under this hash (again, when fees
                          were raised) */
    TS_L1_SUBMIT_DONE, /* job, err, tx, block, text. TS_OK: confirmed, and it succeeded.
                          TS_E_L1_REVERT: the contract refuses it (text: why, as far as it says),
                          found before it was sent (block 0) or after. TS_E_L1_REFUSED: the node
                          will never take it, such as one too large. TS_E_CLOSED: cancelled.
                          TS_E_BUSY, TS_E_LIMIT: see JOB. TS_E_NOMEM */
    TS_L1_SUBMIT_EVENT /* level, event, text, and job where it is about one. Said when it begins:
                          "l1-tx-stuck" (at each rise of the fees), "l1-tx-replaced" (another
                          transaction has its nonce), "l1-tx-reorged", "l1-tx-refused" (it is tried
                          again), "l1-fee-cap" (the market is above max_fee: it waits),
                          "l1-no-funds" (it waits), "l1-nonce-gap", "l1-submit-down",
                          "l1-wrong-chain" (both end with "l1-submit-up") */
};

struct ts_l1_submit_output {
    enum ts_l1_submit_out kind;
    const struct ts_l1_call *call;
    uint64_t job;
    ts_err err;
    ts_hash tx;
    uint64_t block;
    int level;
    const char *event;
    const char *text;
};

struct ts_l1_submit_outputs {
    const struct ts_l1_submit_output *out; /* and what it points to: until the next step */
    size_t n;
    uint64_t wake_us;
};

struct ts_l1_submitter;

/* key: of the account that pays; copied, wiped on free. crypto is borrowed. TS_E_KEY, TS_E_NOMEM:
 * *out is unchanged. */
ts_err ts_l1_submitter_new(const struct ts_l1_submit_settings *settings,
                           const struct ts_crypto *crypto, const ts_secret *key,
                           struct ts_l1_submitter **out);
void ts_l1_submitter_free(struct ts_l1_submitter *s);
void ts_l1_submitter_step(struct ts_l1_submitter *s, struct ts_now now,
                          const struct ts_l1_submit_input *in, struct ts_l1_submit_outputs *out);
/* The account's address; jobs that are not done. */
ts_address ts_l1_submitter_account(const struct ts_l1_submitter *s);
size_t ts_l1_submitter_jobs(const struct ts_l1_submitter *s);

#endif
