/* SPDX-License-Identifier: Apache-2.0 */
/* Node cores on virtual time, with feeds that a test scripts: hosts that serve a chain, honest or
 * not, and nodes that serve each other. The same seed gives the same run.
 *
 * Time, stores, threads and wires are the world's: a durable step takes a while, connections keep
 * their order, and pushes may be lost where a test says so. */
#ifndef TS_TESTS_NODEWORLD_H
#define TS_TESTS_NODEWORLD_H

#include "l1_shelf.h"
#include "node/core.h"
#include "testnet.h"

#define NW_MAX_NODES 8
#define NW_MAX_HOSTS 4
#define NW_MAX_LINKS 8

#define NW_MS UINT64_C(1000)
#define NW_S  UINT64_C(1000000)

/* A feed that the test plays. All zero: honest. */
struct nw_host {
    bool is_up;
    const ts_bytes *history; /* raw batch n at n - 1 */
    uint64_t head;           /* how many of them are published */
    bool is_silent;          /* never answers GET */
    bool answers_nothing;    /* answers GET with no batch */
    uint64_t corrupt_from;   /* batches from this number on have a broken seal; 0: none */
    uint64_t claim_extra;    /* HELLO claims a head so much higher */
    uint64_t max_answer;     /* batches in one answer; 0: as asked */
    uint64_t delay_us;       /* before each answer */
    unsigned push_loss;      /* of a hundred pushes, so many are lost */
    bool is_mute;            /* takes connections and says nothing */
    ts_err tx_code;          /* what it says of transactions */
    bool tx_silent;
    uint64_t txs; /* it was given */
    uint64_t gets;
};

struct nw_reply {
    uint64_t token;
    ts_err err;
    char text[200];
    uint8_t bytes[64];
    size_t n;
};

struct nw_store {
    ts_bytes *raws; /* owned */
    ts_hash *hashes;
    uint64_t n, cap;
    struct ts_buf chain, roots, audit, timeline, line;
    ts_hash evidence[64];
    ts_bytes records[64]; /* owned */
    size_t n_evidence;
    struct l1_shelf l1;
    ts_bytes rollups[512]; /* records, owned */
    size_t n_rollups;
    uint64_t steps, fail_steps; /* the next so many steps fail with TS_E_DISK_FULL */
    uint64_t fail_at;           /* the step of this number fails with fail_err; 0: none does */
    ts_err fail_err;
    bool fail_applied; /* it takes place all the same */
};

struct nw_l1_list {
    uint64_t from; /* the block whose whitelist it is first */
    ts_address ids[TS_MAX_WHITELIST];
    size_t n;
};

/* The L1 of all nodes: one line, but each node sees it confirmed at a depth of its own. */
struct nw_l1 {
    bool is_on, is_down;
    uint64_t latest;
    uint64_t fork, fork_at; /* from that block on; 0: the one that the net's batches name */
    struct nw_l1_list lists[8];
    size_t n_lists;
};

struct nw_node {
    struct ts_node *core; /* NULL: not running */
    struct ts_node_start start;
    struct nw_store store;
    unsigned targets[NW_MAX_LINKS]; /* below NW_MAX_NODES: a node; else host + NW_MAX_NODES */
    uint64_t incarnation;
    uint64_t wake;
    bool is_stopped;
    ts_err stopped_by;
    unsigned pushes; /* COMMITTED with push */
    struct nw_reply replies[64];
    size_t n_replies;
    char events[16384]; /* "event text\n" */
    unsigned evidence_pushed;
    struct ts_finding findings[64]; /* as they were told */
    size_t n_findings;
    uint64_t l1_asked[TS_NODE_L1_ASKS]; /* and not answered */
    size_t n_l1_asked, most_l1_asked;
    uint64_t l1_answers;
    uint64_t l1_depth; /* confirmations; at first 2 */
    unsigned rollups_again;
    uint64_t rollups_above; /* asked for with the newest of those */
    uint64_t l1_told;       /* the newest confirmed block it was told of */
};

struct nw_event;
struct nw_conn;

struct nw {
    struct testnet *net;
    uint64_t now;
    uint64_t random;
    uint64_t order;
    struct nw_host hosts[NW_MAX_HOSTS];
    struct nw_node nodes[NW_MAX_NODES];
    size_t n_nodes;
    struct nw_conn *conns;
    size_t n_conns, cap_conns;
    struct nw_event *events; /* a heap by time, then order */
    size_t n_events, cap_events;
    struct ts_engine_ops engine;
    uint64_t clock_skew_ms; /* of nodes made from then on; 0, as at first: batches' times are not
                               the world's */
    bool any_line;          /* nodes may hold batches that are not the net's */
    uint64_t link_us;       /* one way */
    bool cut[NW_MAX_NODES][NW_MAX_LINKS];
    /* Frames on the links of node 0, to it and from it; the one of this number is lost, and its
     * link with it; 0: none is. */
    uint64_t frames[2], lose_frame[2];
    /* The enclave of node 0: answers one frame; NULL: no enclave is there. */
    void (*enclave)(void *ctx, ts_bytes frame, struct ts_buf *out);
    void *enclave_ctx;
    bool enclave_up;
    struct nw_l1 l1;
    ts_bytes genesis_raw; /* for nodes made from then on; an empty list at first */
};

/* Borrows net. Its crypto stands behind every core. */
struct nw *nw_new(struct testnet *net, uint64_t seed);
void nw_free(struct nw *w);
/* A cheap stand-in for signatures: for testnets of many batches. */
const struct ts_crypto *nw_crypto(void);

#define NW_HOST(i) ((unsigned)(i) + NW_MAX_NODES)
/* A host with all batches of the net, unless its head is set; more with nw_publish. */
void nw_host_up(struct nw *w, size_t host);
void nw_host_down(struct nw *w, size_t host);
/* The host's head is now number; what is new is pushed. */
void nw_publish(struct nw *w, size_t host, uint64_t number);
/* Pushes any bytes as a batch to all who listen to the host. */
void nw_push_raw(struct nw *w, size_t host, ts_bytes raw);

/* A node with feeds; settings NULL: the defaults. Returns its index; it starts at once. */
size_t nw_node(struct nw *w, const unsigned *targets, size_t n, const struct ts_node_settings *s,
               bool has_enclave);
/* Nodes made from now on follow L1, whose newest block is latest. Its blocks are those that the
 * net's batches name (tn_l1_block), and its whitelist is genesis' until nw_l1_whitelist. */
void nw_l1_start(struct nw *w, uint64_t latest);
void nw_l1_mine(struct nw *w, uint64_t latest);
/* Nothing is answered while it is down. */
void nw_l1_down(struct nw *w, bool down);
/* From block from on; ascending. */
void nw_l1_whitelist(struct nw *w, uint64_t from, const ts_address *ids, size_t n);
/* The blocks from from on are others now; whoever was told that one of them was confirmed hears,
 * and is told of what is confirmed now with the next nw_l1_mine. */
void nw_l1_fork(struct nw *w, uint64_t from);
void nw_kill(struct nw *w, size_t node);
void nw_restart(struct nw *w, size_t node);
/* False: it ran out of memory on its way, and is not running. */
bool nw_try_restart(struct nw *w, size_t node);
/* Cuts the link of a node, or lets it work again. */
void nw_cut(struct nw *w, size_t node, unsigned link, bool cut);
/* The enclave of node 0 goes away, and comes back. */
void nw_enclave(struct nw *w, bool up);
void nw_input(struct nw *w, size_t node, struct ts_node_input *in);

void nw_run(struct nw *w, uint64_t us);
/* Runs until the node's durable head is number; false: not within us. */
bool nw_reach(struct nw *w, size_t node, uint64_t number, uint64_t us);
uint64_t nw_head(const struct nw *w, size_t node);
struct ts_node_counters nw_counters(const struct nw *w, size_t node);
bool nw_said(const struct nw *w, size_t node, const char *part);
const struct nw_reply *nw_reply(const struct nw *w, size_t node, uint64_t token);

#endif
