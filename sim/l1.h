/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated L1: one chain with all of its forks, the management contract as far as it matters
 * here, the transactions that wait, and for each party an L1 node of its own and the cores that
 * speak to it. What is asked and answered are the cores' own types (l1/call.h), over a wire with
 * delays. Sources: docs/protocol.md, sections 2 and 6; contracts/src. */
#ifndef TS_SIM_L1_H
#define TS_SIM_L1_H

#include "l1/contract.h"
#include "l1/follower.h"
#include "l1/submitter.h"
#include "world.h"

#define SIM_L1_CHAIN   31337
#define SIM_L1_FINAL   8 /* blocks behind the newest one that L1 calls final */
#define SIM_L1_ACTS    64
#define SIM_L1_PARTIES (1 + SIM_MAX_NODES)
#define SIM_L1_JOBS    32

/* A rollup that the contract has taken, and the one before it. */
struct sim_l1_taken {
    const struct sim_l1_taken *before; /* NULL: it is the first */
    struct sim_l1_taken *all;
    struct ts_rollup rollup;
    ts_hash digest;
};

/* What governance sends. */
struct sim_l1_act {
    unsigned enclave;
    bool is_grant;
    /* Not NULL: it takes rollups back, this one and those before it, and kept stays (NULL: none).
     */
    const struct sim_l1_taken *newest, *kept;
};

struct sim_l1_tx {
    ts_hash hash;
    uint8_t *raw; /* owned */
    uint64_t nonce, fee, tip;
    ts_address to;
    ts_bytes data; /* in raw */
    bool is_queued;
    bool is_slow; /* not in the next block yet */
};

/* A transaction of the host's account in a block. */
struct sim_l1_done {
    size_t tx;
    bool succeeded;
};

struct sim_l1_mined {
    struct sim_l1_block told;
    struct sim_l1_mined *parent; /* NULL: the first */
    struct sim_l1_mined *all;    /* every block there ever was */
    uint8_t *header;             /* owned */
    size_t n_header;
    struct sim_l1_act acts[SIM_L1_ACTS]; /* with an effect */
    size_t n_acts;
    struct sim_l1_done *done;
    size_t n_done;
    struct ts_l1_log *logs; /* data owned */
    size_t n_logs;
    uint32_t list;                    /* bit i: enclave i is listed after it */
    uint64_t nonce;                   /* of the host's account after it */
    const struct sim_l1_taken *taken; /* the newest; NULL: none */
    uint64_t rollup_last;
    ts_hash rollup_hash;
};

/* A follower and what the programs' shell keeps around it (shell/follow.c). */
struct sim_follow {
    struct ts_l1_follower *core; /* NULL: the process is down */
    struct ts_l1_follow_settings settings;
    struct {
        uint64_t token, number;
    } lookups[TS_L1_MAX_LOOKUPS]; /* first those that the core has */
    size_t n_lookups, n_given;
    bool is_again;
    struct ts_buf saving;
    struct ts_store_op op;
    bool is_saving, is_dirty;
    uint64_t saved_us;
    uint64_t final, final_us;
    bool is_final_asked;
    uint64_t tick_at;
};

/* A submitter, likewise (shell/submit.c). */
struct sim_submit {
    struct ts_l1_submitter *core; /* NULL: the process is down */
    struct {
        uint64_t job;
        struct ts_buf data;
    } waiting[SIM_L1_JOBS];
    size_t n_waiting;
    uint64_t cancels[SIM_L1_JOBS];
    size_t n_cancels;
    uint64_t tick_at;
};

struct sim_l1_party {
    struct sim_follow follow;
    struct sim_submit submit;        /* the host's alone */
    const struct sim_l1_mined *view; /* its L1 node's newest block */
    /* What a lying operator has its L1 node show instead; NULL: it does not. */
    const struct sim_l1_mined *shown;
    uint64_t down_until, lag_until, slow_until;
};

struct sim_l1 {
    struct sim_rng rng;
    struct sim_l1_mined *all, *tip;
    struct sim_l1_mined *made_up;       /* newest block of a line that is not L1's; NULL: none */
    struct sim_l1_act gov[SIM_L1_ACTS]; /* waits, in order */
    size_t n_gov;
    struct sim_l1_tx *txs;
    size_t n_txs, cap_txs;
    struct sim_l1_taken *taken; /* every rollup there ever was */
    uint64_t highest;           /* the newest block there ever was */
    uint64_t base_fee;
    uint64_t fees_until, slow_until;
    struct sim_l1_party party[SIM_L1_PARTIES]; /* the host, then the nodes */
    ts_secret key;                             /* of the host's account */
};

/* An answer on its way; the logs stand behind it. */
struct sim_l1_answer {
    struct ts_l1_answer a;
    struct ts_l1_log logs[];
};
enum sim_l1_asker { SIM_L1_FOLLOWS, SIM_L1_SUBMITS, SIM_L1_FINALITY };

/* ---- l1_chain.c ---- */

const struct sim_l1_mined *sim_l1_at(const struct sim_l1_mined *tip, uint64_t number);
/* A new block on the tip, with what waits. */
void sim_l1_mine(struct sim_world *w);
/* The newest depth blocks go and as many come, or with falls one for the moment; what they held
 * waits again, or is lost. */
void sim_l1_back(struct sim_world *w, uint64_t depth, bool falls);
/* From now on the host's L1 node shows another line, which begins on the newest confirmed block
 * with that and goes on as L1 does. False: L1 is too young. */
bool sim_l1_make_up(struct sim_world *w, unsigned enclave, bool grant);
/* Why the contract would not take the call in a block on parent; NULL: it would. */
const char *sim_l1_refuses(const struct sim_world *w, const struct sim_l1_mined *parent,
                           ts_bytes data, struct ts_rollup *r, ts_bytes *rollup_data);
/* Governance's transaction waits. */
void sim_l1_act(struct sim_world *w, unsigned enclave, bool grant);
/* Likewise: it takes back rollups, so many at the most. False: there is none, or no room. */
bool sim_l1_act_back(struct sim_world *w, uint64_t most);
/* The whitelist when all that waits is mined. */
uint32_t sim_l1_list_to_be(const struct sim_world *w);

/* ---- l1_rollups.c ---- */

/* Why the contract would not take it in block at, which follows parent; NULL: it would. */
const char *sim_l1_rollup_refused(const struct sim_world *w, const struct sim_l1_mined *at,
                                  const struct sim_l1_mined *parent, const struct ts_rollup *r,
                                  ts_bytes data);
void sim_l1_add_rollup(struct sim_world *w, struct sim_l1_mined *b, const struct ts_rollup *r,
                       ts_bytes data);
/* False: the contract refuses it; the newest are others by now. */
bool sim_l1_take_back(const struct sim_world *w, struct sim_l1_mined *b,
                      const struct sim_l1_act *a);
/* The contract's events: the topic behind the first one, and data, which the caller frees. */
void sim_l1_write_published(const struct sim_world *w, const struct ts_rollup *r, ts_hash *first,
                            struct ts_buf *data);
void sim_l1_write_back(const struct sim_world *w, const struct sim_l1_act *a, ts_hash *first,
                       struct ts_buf *data);

/* ---- l1_node.c ---- */

/* A question reaches the L1 node of a party; the answer is scheduled, if there is to be one. */
void sim_l1_call(struct sim_world *w, int who, enum sim_l1_asker asker,
                 const struct ts_l1_call *call);

/* ---- l1_party.c ---- */

struct sim_l1_party *sim_l1_party(const struct sim_world *w, int who);
const struct sim_proc *sim_l1_proc(const struct sim_world *w, int who);
void sim_l1_party_event(struct sim_world *w, struct sim_ev *ev);

/* ---- l1_faults.c: SIM_L1_FAULTS, with sim_ before each ---- */

#define SIM_L1_FAULT_FN(name, text) void sim_##name(struct sim_world *w);
SIM_L1_FAULTS(SIM_L1_FAULT_FN)
#undef SIM_L1_FAULT_FN

#endif
