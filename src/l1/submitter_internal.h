/* SPDX-License-Identifier: Apache-2.0 */
/* The submitter's state. One call is under way at a time; after each answer the most urgent of all
 * there is to do is looked for anew (submitter_next.c). Not for use outside the submitter.
 *
 *   WAITING ──estimate──▶ READY ──send (takes a nonce)──▶ SENT ──receipt──▶ MINED ──▶ done
 *      ▲                    ▲                             │  ▲                │
 *      │                    └──the node took it not───────┤  └────reorg───────┘
 *      └─another transaction is confirmed at its nonce────┘
 */
#ifndef TS_L1_SUBMITTER_INTERNAL_H
#define TS_L1_SUBMITTER_INTERNAL_H

#include "l1/submitter.h"
#include "l1/tx.h"

#define TS_L1_MAX_ATTEMPTS                                                                         \
    64 /* different transactions for one job; then none is raised further                          \
        */
#define TS_L1_MAX_FILLERS 4
#define TS_L1_MAX_OUTPUTS 64
#define TS_L1_FOREIGN     3 /* looks in a row that must find another transaction at a nonce */

#define TS_L1_FIRST_RETRY_US 100000u

enum ts_l1_job_state { TS_L1_JOB_WAITING, TS_L1_JOB_READY, TS_L1_JOB_SENT, TS_L1_JOB_MINED };

struct ts_l1_job {
    uint64_t id;
    enum ts_l1_job_state state;
    bool is_filler; /* a transfer of nothing that closes a gap; nobody's job */
    bool is_cancelled;
    struct ts_l1_tx tx;                   /* of the newest attempt; nonce from SENT on */
    uint8_t *data;                        /* owned: tx.data */
    ts_hash attempts[TS_L1_MAX_ATTEMPTS]; /* any of them may be in some node's queue */
    size_t n_attempts;
    bool wants_send;  /* the newest attempt, once more */
    bool wants_raise; /* a new attempt with higher fees */
    bool is_blocked;  /* its estimate reverts, and others before it are under way */
    bool said_refused;
    bool is_new;         /* the newest attempt is on its way to a node for the first time */
    size_t n_told;       /* attempts when SENT was last told */
    uint64_t before_fee; /* tx's fees before the newest attempt */
    uint64_t before_tip;
    uint64_t sent_us;   /* the newest attempt, for the first time */
    uint64_t resent_us; /* for the last time */
    uint64_t retry_us;  /* nothing is done for it before */
    unsigned tries;     /* in vain, in a row */
    bool wants_receipt;
    size_t receipt_of; /* attempts below this one are still to be asked for */
    bool wants_foreign;
    unsigned foreign; /* looks in a row that found its nonce used by none of its attempts */
    struct ts_l1_answer_receipt receipt; /* MINED */
    ts_hash mined;                       /* MINED: the attempt */
};

enum ts_l1_look { TS_L1_LOOK_BLOCK, TS_L1_LOOK_NONCE };

struct ts_l1_submitter {
    struct ts_l1_submit_settings settings;
    const struct ts_crypto *crypto;
    ts_secret key;
    ts_address account;
    struct ts_l1_job *jobs[TS_L1_MAX_JOBS + TS_L1_MAX_FILLERS]; /* in the order given */
    size_t n_jobs;

    bool is_asking;
    struct ts_l1_call call;
    struct ts_l1_job *about; /* the job the call is for; NULL: none, or it is gone */
    bool is_foreign_check;   /* the call is NONCE at the confirmed block */
    uint64_t deadline_us;
    uint64_t last_id;
    struct ts_buf raw; /* SEND's data */

    bool is_chain_known;
    bool is_wrong_chain;
    uint64_t chain_us; /* when it is asked for again */

    bool is_down;
    unsigned failures; /* in a row */
    uint64_t retry_us; /* nothing is asked before */

    enum ts_l1_look look;
    uint64_t look_us;
    bool has_confirmed;
    uint64_t confirmed;  /* the newest block with enough confirmations */
    uint64_t nonce;      /* of the account in the newest block */
    uint64_t done_nonce; /* one above the highest of a job that is done */
    uint64_t lowest;     /* nonce of the lowest job that is not mined */
    uint64_t lowest_us;  /* since when it is the lowest */
    uint64_t gap_us;     /* since when nobody has the account's next nonce; 0: no gap */

    uint64_t fees_us; /* when fees were asked for; 0: they must be */
    struct ts_l1_answer_fees fees;
    bool has_no_pending; /* the node refuses estimates in the next block */
    bool said_fee_cap;
    bool said_no_funds;

    struct ts_l1_submit_output out[TS_L1_MAX_OUTPUTS];
    char texts[TS_L1_MAX_OUTPUTS][TS_L1_MAX_TEXT];
    size_t n_out;
};

/* submitter.c */
void ts_l1_submit_event(struct ts_l1_submitter *s, int level, const char *event,
                        const struct ts_l1_job *job, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void ts_l1_submit_sent(struct ts_l1_submitter *s, const struct ts_l1_job *job);
/* Ends a job with its DONE (none for a filler) and frees it; blocked ones are tried again. */
void ts_l1_submit_done(struct ts_l1_submitter *s, struct ts_l1_job *job, ts_err err,
                       const char *text);
/* A new job or, on failure, NULL. */
struct ts_l1_job *ts_l1_submit_add(struct ts_l1_submitter *s, const struct ts_l1_tx *tx);
uint64_t ts_l1_backoff(const struct ts_l1_submitter *s, unsigned failures);
/* The job is not touched for a while, longer each time. */
void ts_l1_job_delay(const struct ts_l1_submitter *s, struct ts_l1_job *job, uint64_t now);
/* L1 has changed: who was refused for what those before it would do is tried again. */
void ts_l1_submit_unblock(struct ts_l1_submitter *s);
/* SENT or MINED: it has a nonce. */
bool ts_l1_job_has_nonce(const struct ts_l1_job *job);

/* submitter_next.c: asks for the most urgent thing, if there is any. */
void ts_l1_submit_next(struct ts_l1_submitter *s, uint64_t now);
uint64_t ts_l1_submit_wake(const struct ts_l1_submitter *s, uint64_t now);

/* submitter_answer.c */
void ts_l1_submit_down(struct ts_l1_submitter *s, uint64_t now, const char *why);
void ts_l1_submit_up(struct ts_l1_submitter *s);
void ts_l1_submit_answer(struct ts_l1_submitter *s, uint64_t now,
                         const struct ts_l1_answer *answer);

/* submitter_send.c */
void ts_l1_submit_on_fees(struct ts_l1_submitter *s, uint64_t now, const struct ts_l1_answer *a);
void ts_l1_submit_on_sent(struct ts_l1_submitter *s, uint64_t now, const struct ts_l1_answer *a);
void ts_l1_submit_on_estimate(struct ts_l1_submitter *s, uint64_t now,
                              const struct ts_l1_answer *a);

/* submitter_fees.c: the fees of the job's next attempt into its tx. false: the market, or what a
 * replacement must pay, is above the bound; the job waits. */
bool ts_l1_choose_fees(struct ts_l1_submitter *s, struct ts_l1_job *job, uint64_t now);

/* submitter_why.c: what a refusal of SEND means. */
enum ts_l1_refusal {
    TS_L1_REFUSAL_KNOWN,       /* it has it already */
    TS_L1_REFUSAL_NONCE_LOW,   /* the nonce is used on L1 */
    TS_L1_REFUSAL_UNDERPRICED, /* pays too little, for the market or for a replacement */
    TS_L1_REFUSAL_FUNDS,
    TS_L1_REFUSAL_NEVER, /* this transaction will never be taken */
    TS_L1_REFUSAL_BUSY,  /* the node did not take it now */
    TS_L1_REFUSAL_OTHER  /* anything: it may have been taken */
};
enum ts_l1_refusal ts_l1_refusal_of(const char *text);

#endif
