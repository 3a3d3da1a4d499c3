/* SPDX-License-Identifier: Apache-2.0 */
/* An L1 in miniature, with the management contract on it, behind a node that may be slow, refuse,
 * lie, lag or be gone: it takes typed calls (l1/call.h) and gives typed answers, later. All of it
 * comes from one seed. It keeps every fork, and knows the truth: the whitelist after each block and
 * the rollups in the contract's order. */
#ifndef TS_TESTS_FAKEL1_H
#define TS_TESTS_FAKEL1_H

#include "l1/contract.h"
#include "tenseq/genesis.h"

#define FAKEL1_MAX_ACTS 8 /* in one block */

enum fakel1_act_kind {
    FAKEL1_GRANT, /* the log alone: whether it has an effect is for its reader to say */
    FAKEL1_REVOKE,
    FAKEL1_ROLLUP,
    FAKEL1_ROLLBACK, /* first: the number of rollups that go; filled in: first and last batch */
    FAKEL1_ODD       /* a whitelist log of a wrong form */
};

enum fakel1_way { FAKEL1_DIRECT, FAKEL1_FORWARDED, FAKEL1_HIDDEN /* not in the calldata at all */ };

struct fakel1_act {
    enum fakel1_act_kind kind;
    ts_address who;
    uint64_t first, last; /* ROLLUP, ROLLBACK */
    enum fakel1_way way;
};

struct fakel1_block {
    struct fakel1_block *parent;
    struct fakel1_block *all; /* every block there ever was */
    uint64_t number;
    ts_hash hash;
    ts_time time;
    uint8_t *header;
    size_t n_header;
    struct fakel1_act acts[FAKEL1_MAX_ACTS];
    size_t n_acts;
    bool is_change;                    /* the whitelist changed at it */
    ts_address list[TS_MAX_WHITELIST]; /* after it, ascending */
    size_t n_list;
    uint64_t rollup_last; /* last batch of the newest rollup up to it */
    uint64_t salt;
};

/* How the node behaves. Chances are in thousandths. */
struct fakel1_mood {
    uint64_t min_us, max_us; /* from a call to its answer */
    unsigned lost;           /* never answered */
    unsigned closed;         /* the connection fails */
    unsigned refused;
    unsigned nonsense; /* an answer that cannot be */
    unsigned twice;    /* answered again later */
    unsigned lagging;  /* answered by a node that is a few blocks behind */
    uint64_t max_logs; /* blocks in one eth_getLogs; 0: any */
    bool is_down;
    uint64_t chain_id; /* 0: the right one */
    bool is_plain;     /* no genesisHash() */
    bool has_no_code;
    bool has_other_genesis;
    bool hides_logs; /* no log is given, though headers speak of them */
};

struct fakel1_answer;

struct fakel1 {
    const struct ts_genesis *genesis;
    struct fakel1_mood mood;
    uint64_t random;
    struct fakel1_block *all, *tip;
    uint64_t final;                          /* number of the finalized block */
    bool has_no_bloom;                       /* headers' filters are empty, as on some chains */
    uint64_t block_ms;                       /* between two blocks */
    struct fakel1_act next[FAKEL1_MAX_ACTS]; /* of the next block */
    size_t n_next;
    struct fakel1_answer *answers; /* by due time */
    struct fakel1_answer *taken;   /* the newest taken */
    uint64_t calls, log_calls;
};

/* An L1 with blocks up to *number; the newest one's number and hash go into the genesis, which is
 * finished here and must outlive it. genesis needs its whitelist, chain id and contract. */
struct fakel1 *fakel1_new(struct ts_genesis *genesis, uint64_t number, uint64_t seed);
void fakel1_free(struct fakel1 *l);
uint64_t fakel1_random(struct fakel1 *l, uint64_t below);

enum ts_l1_event_kind fakel1_event(enum fakel1_act_kind kind);
void fakel1_act(struct fakel1 *l, struct fakel1_act act);
void fakel1_mine(struct fakel1 *l);
/* The newest depth blocks go; what they held is dropped. Mine to make the other line. */
void fakel1_back(struct fakel1 *l, uint64_t depth);
/* The block at number on the line that ends at tip; NULL above it. */
const struct fakel1_block *fakel1_at(const struct fakel1 *l, uint64_t number);
/* A rollup's data, the same for the same range. Owned by the caller's buffer. */
void fakel1_rollup(const struct fakel1 *l, const struct fakel1_block *in,
                   const struct fakel1_act *act, struct ts_rollup *r, struct ts_buf *data);

/* A call reaches the node. */
void fakel1_call(struct fakel1 *l, uint64_t now_us, const struct ts_l1_call *c);
/* When the next answer comes; UINT64_MAX: none. */
uint64_t fakel1_due(const struct fakel1 *l);
/* Drops all that is under way. */
void fakel1_hang_up(struct fakel1 *l);
/* The next answer, if it is due: valid until the next take. NULL: none. */
const struct ts_l1_answer *fakel1_take(struct fakel1 *l, uint64_t now_us);

#endif
