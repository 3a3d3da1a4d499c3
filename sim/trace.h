/* SPDX-License-Identifier: Apache-2.0 */
/* The trace: all that happens in a simulated world, in order, as somebody who sees every wire,
 * every disk and every process would tell it. It is hashed (the same seed and build give the same
 * hash), it is what SEED=x prints, and it is all that the checkers get. */
#ifndef TS_SIM_TRACE_H
#define TS_SIM_TRACE_H

#include "link/messages.h"
#include "tenseq/batch.h"
#include "tenseq/chain.h"

struct ts_finding; /* tenseq/finding.h */
struct sim_expect; /* expect.h */

#define SIM_MAX_WHITELIST 9
#define SIM_MAX_NODES     8
/* The whitelisted ones stand first, then those that nodes keep as validators. */
#define SIM_MAX_ENCLAVES (SIM_MAX_WHITELIST + SIM_MAX_NODES)
#define SIM_ACCOUNTS     8

/* A batch somebody sealed, decoded once for the whole world. Lives as long as the world. */
struct sim_batch {
    uint64_t number;
    ts_hash hash;
    ts_hash protocol_root; /* valid when has_root: its parent's root is known */
    bool has_root;
    int producer; /* index of the enclave; -1: none of the world's */
    const struct ts_batch *b;
};

/* A block of L1 with what matters of the management contract. Lives as long as the world. */
struct sim_l1_rollup {
    struct ts_rollup rollup;
    ts_bytes data;
};
struct sim_l1_range {
    uint64_t first, last; /* batches */
};
struct sim_l1_block {
    uint64_t number;
    ts_hash hash, parent;
    ts_time time;
    ts_address whitelist[SIM_MAX_ENCLAVES]; /* after it, ascending */
    size_t n_whitelist;
    struct sim_l1_range *taken_back; /* rollups that it gave up in it, before it took others */
    size_t n_taken_back;
    struct sim_l1_rollup *rollups; /* that the contract took in it */
    size_t n_rollups;
};

enum sim_kind {
    /* Processes. who: enclave or node; number: how many times it has been started. */
    SIM_BOOT,      /* an enclave's process starts */
    SIM_END,       /* it is gone: killed, or it ended by itself (text) */
    SIM_HOST_UP,   /* the host's process starts, from its disk */
    SIM_HOST_DOWN, /* it is gone; what was not durable is lost */
    SIM_NODE_UP,
    SIM_NODE_DOWN,

    /* The wire between host (or operator) and enclave who. msg: decoded; NULL when the bytes do not
     * decode. err: the code of an error answer, else TS_OK. */
    SIM_REQUEST, /* reaches the enclave */
    SIM_ANSWER,  /* leaves the enclave (it may be lost afterwards) */

    /* The host's disk: a durable step took place. */
    SIM_PREPARED,  /* batch */
    SIM_COMMITTED, /* batch */
    SIM_DISCARDED, /* batch */

    /* What others see. */
    SIM_BROADCAST,     /* batch: the host gives it to its subscribers */
    SIM_NODE_TAKES,    /* node who holds batch durably: it is valid to it and its new head */
    SIM_NODE_LEAVES,   /* node who leaves its line: what it held from number on is discarded */
    SIM_NODE_EVIDENCE, /* node who keeps batch as conflicting with its chain */
    SIM_FINDING,       /* node who raises finding */

    /* Transactions. number: its index in the world; hash. */
    SIM_TX_SENT,     /* a wallet gives it to the host, or through node who (-1: host) */
    SIM_TX_STORED,   /* the host's disk: it is in the pool; number UINT64_MAX: no wallet's */
    SIM_TX_ACKED,    /* the wallet is told that it was taken */
    SIM_TX_REFUSED,  /* the wallet is told that it was not: err, text */
    SIM_TX_REJECTED, /* the host's disk: rejected later, err and text say why */

    /* L1, as it is, whatever anybody's L1 node shows. */
    SIM_L1_BLOCK,    /* l1: it is the newest now; its parent is on the line, perhaps below others */
    SIM_L1_REORG,    /* number: blocks above this one are gone from the line */
    SIM_NODE_ROLLUP, /* node who keeps its verdict on the rollup that ends at number: err TS_OK, or
                        TS_E_CONFLICT when it is not its chain's */
    SIM_NODE_ROLLUPS_BACK, /* node who drops its verdicts on rollups that end at number or above */

    /* What an operator does that is no honest host's. who: the enclave or node it is done to;
     * number: which of setting->expects tells what must become of it; batch; text. */
    SIM_LIE,

    /* The world itself. */
    SIM_FAULT, /* text: what was done to whom; number and who as fit */
    SIM_CALM,  /* from here on no faults but those that stay: see struct sim_calm */
    SIM_LOG,   /* text: a log line of a core; who: -1 host, else node */
    SIM_OVER   /* the end; nothing follows */
};

/* The second phase: what is up and connected stays so. */
struct sim_calm {
    bool enclave[SIM_MAX_ENCLAVES]; /* whitelisted, up and healthy from now on */
    bool node[SIM_MAX_NODES];       /* up, and reaches the host directly or over others of these */
    uint64_t first_us;              /* a batch must be broadcast within so long after SIM_CALM */
    uint64_t between_us;            /* and then one after the other within so long */
    uint64_t nodes_us;  /* a node must hold a batch so long after its broadcast, once first_us and
                           settle_us have passed */
    uint64_t settle_us; /* acknowledged transactions must be in a batch or rejected so long after
                           SIM_CALM; those acknowledged later, so long after that */
    uint64_t rollup_us; /* with L1: a batch must be in a confirmed rollup so long after its
                           broadcast, or after SIM_CALM and first_us if that is later; and the nodes
                           must have looked at it after as long again */
};

struct sim_event {
    enum sim_kind kind;
    uint64_t at_us; /* virtual time; never goes back */
    int who;
    uint64_t number;
    ts_hash hash;
    const struct sim_batch *batch;
    const struct ts_msg *msg;
    const struct ts_msg *request; /* ANSWER: what it answers; NULL if that did not decode */
    const struct ts_finding *finding;
    const struct sim_calm *calm;
    const struct sim_l1_block *l1;
    ts_err err;
    const char *text;
};

/* What is known of the world before anything happens. */
struct sim_setting {
    uint64_t seed;
    const struct ts_genesis *genesis;
    const struct ts_crypto *crypto;
    unsigned n_enclaves; /* validators included */
    unsigned n_whitelisted;
    unsigned n_nodes;
    ts_address enclave[SIM_MAX_ENCLAVES];
    bool broken[SIM_MAX_ENCLAVES]; /* its engine or build is faulty in this world */
    bool is_honest; /* the operator: its host runs our core, and nobody talks to its enclaves but it
                     */
    uint64_t interval_us;
    bool has_l1;
    uint64_t l1_confirmations; /* the host's */
    uint64_t l1_halt_us;       /* L1 went back behind what the chain names: all have stopped so long
                                  after it */
    const char *attack;        /* the lying operator's act; NULL: honest */
    const struct sim_expect *expects; /* what must become of it; NULL: honest */
};

#endif
