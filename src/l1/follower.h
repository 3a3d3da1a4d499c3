/* SPDX-License-Identifier: Apache-2.0 */
/* Follows L1 and the management contract on it, without I/O: the newest block that has enough
 * confirmations, the sequencer whitelist after each block, and the rollups in their order. One
 * input at a time; the outputs say what must happen. The same inputs and times give the same
 * outputs.
 *
 * It believes its L1 node's view of L1 but not its arithmetic: headers must hash to what they claim
 * and link to each other, logs must lie in blocks that are on the line. The registry may be TEN's
 * own: only the two whitelist events are required. Source: docs/protocol.md, sections 2, 4, 6. */
#ifndef TS_L1_FOLLOWER_H
#define TS_L1_FOLLOWER_H

#include "base/now.h"
#include "chain/l1.h"
#include "l1/call.h"
#include "tenseq/genesis.h"

#define TS_L1_MAX_LOOKUPS       64
#define TS_L1_MAX_CONFIRMATIONS 256

struct ts_l1_follow_settings {
    uint64_t confirmations; /* a block counts when this many are there, itself included; 1: the
                               newest does. Default 2. 0: L1's own "finalized" */
    uint64_t poll_us;       /* between looks at the newest block; default 1 s */
    uint64_t answer_us;     /* for one answer; default 10 s */
    uint64_t
        retry_max_us;    /* calls that fail are repeated, from 100 ms, doubling up to this; 15 s */
    uint64_t log_blocks; /* blocks in one eth_getLogs; halved when the node refuses; 2,000 */
    bool wants_rollups;  /* read rollups and their data too */
    uint64_t rollups_above; /* rollups whose last batch is at most this are passed over unread,
                               until a ROLLBACK is told of some of them */
    uint64_t rollups_from;  /* rollups and rollbacks in blocks below this are passed over unread */
    uint64_t rollups_at; /* nothing of rollups is told before this block is confirmed, and what was
                            rolled back up to it is passed over unread; 0: as it comes */
};
void ts_l1_follow_settings_default(struct ts_l1_follow_settings *s);

/* A rollup that the contract took. */
struct ts_l1_rollup {
    struct ts_rollup rollup; /* with the signature that the contract checked */
    ts_bytes data;           /* its Keccak hash is rollup.data_hash */
    uint64_t l1_block;       /* that carries it */
    ts_hash l1_tx;
};

enum ts_l1_follow_in {
    TS_L1_FOLLOW_TICK,
    TS_L1_FOLLOW_ANSWER, /* answer */
    TS_L1_FOLLOW_LOOKUP  /* token, number: tell me block number as soon as it is there, confirmed or
                            not. At most TS_L1_MAX_LOOKUPS at a time (a caller's bug) */
};

struct ts_l1_follow_input {
    enum ts_l1_follow_in kind;
    const struct ts_l1_answer *answer;
    uint64_t token;
    uint64_t number;
};

enum ts_l1_follow_out {
    TS_L1_FOLLOW_CALL,      /* call: ask the L1 node; at most one ANSWER must follow */
    TS_L1_FOLLOW_CONFIRMED, /* block: the newest confirmed one has changed. The first is the one it
                               began with: genesis', or the loaded one. Numbers ascend; some may be
                               left out, but none at which the whitelist changed */
    TS_L1_FOLLOW_BLOCK,  /* token, block: what LOOKUP asked for. It is on L1's line now; when it is
                            not confirmed yet and a reorg takes it away, nothing more is said:
                            look it up again if it matters. A number below genesis' is answered
                            with a zero hash and no header: no batch may name it */
    TS_L1_FOLLOW_ROLLUP, /* rollup: in a confirmed block; in the contract's order, none twice */
    TS_L1_FOLLOW_ROLLBACK, /* rollback: in a confirmed block; in the contract's order among the
                              rollups. Some of them may not have been told */
    TS_L1_FOLLOW_REORG,    /* block: the confirmed block of this number (hash: the one that was told
                              before is gone) was replaced: L1 went back behind its confirmations,
                              and the other line has as many itself. After it comes its EVENT and
                              nothing more: the follower stands still from now on */
    TS_L1_FOLLOW_EVENT /* level, event, text (key=value pairs): one log line: "l1-up", "l1-down",
                          "l1-wrong-chain", "l1-lags", "l1-nonsense", "l1-reorg", "l1-odd-log",
                          "l1-plain-registry", "l1-rollup-gap", "l1-rollup-unreadable"; each is
                          said when it begins and ends, not at every try */
};

struct ts_l1_follow_output {
    enum ts_l1_follow_out kind;
    const struct ts_l1_call *call;
    struct ts_l1_block block;
    uint64_t token;
    const struct ts_l1_rollup *rollup;
    struct ts_l1_rollback rollback;
    int level; /* enum ts_log_level */
    const char *event;
    const char *text;
};

/* Everything the outputs point to lives until the next step. */
struct ts_l1_follow_outputs {
    const struct ts_l1_follow_output *out;
    size_t n;
    uint64_t wake_us; /* mono time of the next TICK */
};

struct ts_l1_status {
    bool is_up;          /* the last answer was good */
    bool is_stopped;     /* after REORG, or while the chain or genesis hash is another */
    uint64_t latest;     /* L1's newest block */
    uint64_t confirmed;  /* number of the last CONFIRMED; genesis' l1Number before the first */
    uint64_t since_us;   /* mono time of the last good answer; 0: none yet */
    uint64_t rollups;    /* told */
    size_t waiting;      /* rollups and rollbacks in blocks that were told, to be told still */
    uint64_t unreadable; /* rollups that were left out: their data is not in the transaction */
    uint64_t nonsense;   /* answers that cannot be */
    uint64_t late;       /* answers that nobody waited for any more */
    const char *reason;  /* why it is not up, or "" */
};

struct ts_l1_follower;

/* Begins at genesis' L1 block with genesis' whitelist. genesis is borrowed. TS_E_UNSUPPORTED: a
 * network without an L1; TS_E_RANGE: more than TS_L1_MAX_CONFIRMATIONS, or a zero that makes no
 * sense; TS_E_NOMEM. */
ts_err ts_l1_follower_new(const struct ts_genesis *genesis,
                          const struct ts_l1_follow_settings *settings,
                          struct ts_l1_follower **out);
void ts_l1_follower_free(struct ts_l1_follower *f);

/* What a restart need not read again: the confirmed block and the whitelist's changes up to it.
 * Load: before the first step, once. A decoding error, TS_E_CORRUPT, TS_E_VERSION, TS_E_FOREIGN
 * (another network), TS_E_UNSUPPORTED (rollups are wanted and were not when it was saved),
 * TS_E_NOMEM: as before, so it begins at genesis. Rollups above rollups_above that were seen and
 * not told yet are among it. */
void ts_l1_follower_save(const struct ts_l1_follower *f, struct ts_buf *out);
ts_err ts_l1_follower_load(struct ts_l1_follower *f, ts_bytes saved);

void ts_l1_follower_step(struct ts_l1_follower *f, struct ts_now now,
                         const struct ts_l1_follow_input *in, struct ts_l1_follow_outputs *out);
void ts_l1_follower_status(const struct ts_l1_follower *f, struct ts_l1_status *out);

#endif
