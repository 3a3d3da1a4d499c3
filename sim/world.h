/* SPDX-License-Identifier: Apache-2.0 */
/* A whole network in one process on virtual time: real cores, and everything around them from a
 * seed.
 *
 *   world.c     the events in their order, and the two phases
 *   wire.c      links between host or nodes and enclaves
 *   feed.c      feeds between nodes and their peers
 *   disk.c      what host and nodes have made durable
 *   enclaves.c  processes with an enclave core, and their checkpoints
 *   hosts.c     the process with the host core
 *   nodes.c     processes with a node core
 *   l1_chain.c  L1; l1_node.c  what an L1 node answers
 *   l1_rollups.c  the management contract's rollups
 *   l1_party.c  the cores of host and nodes that speak to L1; l1_faults.c  what befalls it
 *   wallets.c   those who send transactions
 *   faults.c    what befalls all of them
 *   swarm.c     what world a seed draws
 *   trace.c     telling it: hash, printing, checkers */
#ifndef TS_SIM_WORLD_H
#define TS_SIM_WORLD_H

#include "base/map.h"
#include "checker.h"
#include "enclave/core.h"
#include "host/core.h"
#include "net/feed_session.h"
#include "node/core.h"
#include "rng.h"

#define SIM_MS         UINT64_C(1000)
#define SIM_S          UINT64_C(1000000)
#define SIM_UNIX_START UINT64_C(1700000000000)
#define SIM_MAX_PEERS  4
#define SIM_MAX_OPEN   256  /* transactions without an end, over all accounts */
#define SIM_HOST       (-1) /* as who: neither enclave nor node */

struct sim_operator; /* operator.h */

/* X(name, what it does). Of L1: l1_faults.c. They stand last, so that worlds without an L1 are what
 * they were before there was one. */
#define SIM_L1_FAULTS(X)                                                                           \
    X(l1_down, "somebody's L1 node is down for a while")                                           \
    X(l1_lag, "somebody's L1 node shows no new block for a while")                                 \
    X(l1_slow, "somebody's L1 node answers late, and some questions never")                        \
    X(l1_reorg, "L1 replaces its newest blocks, none that counts as confirmed")                    \
    X(l1_slow_blocks, "L1 makes its blocks slowly for a while")                                    \
    X(l1_tx_lost, "L1 forgets the transactions that wait")                                         \
    X(l1_fees, "L1's fees rise for a while")                                                       \
    X(l1_grant, "governance grants an enclave")                                                    \
    X(l1_revoke, "governance revokes an enclave")                                                  \
    X(l1_revoke_active, "governance revokes the active enclave")                                   \
    X(l1_replace_all, "governance replaces all enclaves at once")                                  \
    X(l1_roll_back, "governance takes rollups back, the newest ones")

#define SIM_FAULTS(X)                                                                              \
    SIM_OWN_FAULTS(X)                                                                              \
    SIM_L1_FAULTS(X)

#define SIM_OWN_FAULTS(X)                                                                          \
    X(kill_enclave, "an enclave is killed; a supervisor starts it again")                          \
    X(kill_active, "the active enclave is killed")                                                 \
    X(cut_enclave_short, "an enclave does what it was asked and dies before it answers")           \
    X(freeze_enclave, "an enclave's process stands still for a while")                             \
    X(leave_enclave, "an enclave's process is asked to end")                                       \
    X(cut_link, "a link to an enclave drops and cannot be made for a while")                       \
    X(hole_link, "a link to an enclave swallows what is sent, and nobody is told")                 \
    X(slow_link, "a link to an enclave becomes slow")                                              \
    X(kill_host, "the host is killed")                                                             \
    X(cut_host_short, "the host dies between two outputs of a step")                               \
    X(freeze_host, "the host's process stands still for a while")                                  \
    X(kill_all, "host and enclaves are killed at once")                                            \
    X(disk_slow, "the host's disk becomes slow")                                                   \
    X(disk_full, "durable steps of the host fail for a while")                                     \
    X(disk_doubt, "a durable step of the host took place and is reported as failed")               \
    X(kill_node, "a node is killed")                                                               \
    X(cut_node_short, "a node dies between two outputs of a step")                                 \
    X(freeze_node, "a node's process stands still for a while")                                    \
    X(node_disk, "durable steps of a node fail for a while")                                       \
    X(cut_feed, "a feed drops and cannot be made for a while")                                     \
    X(hole_feed, "a feed swallows what is sent")                                                   \
    X(noise_feed, "pushes on a feed are lost, doubled and late for a while")                       \
    X(clock_jump, "somebody's clock jumps")                                                        \
    X(break_engine, "an enclave executes wrongly, at once or from its next boot on")               \
    X(mend_engine, "the broken ones are mended and restarted")                                     \
    X(tear_checkpoint, "a checkpoint of an enclave is damaged")                                    \
    X(order_switch, "the operator switches over")                                                  \
    X(order_drain, "the operator drains an enclave, or undrains it")                               \
    X(order_pause, "the operator pauses, and resumes after a while")

#define SIM_FAULT_ENUM(name, text) SIM_F_##name,
enum sim_fault { SIM_FAULTS(SIM_FAULT_ENUM) SIM_N_FAULTS };
#undef SIM_FAULT_ENUM

struct sim_l1; /* l1.h */

/* What a seed draws of L1. */
struct sim_l1_options {
    bool is_there;
    bool goes_back;    /* the world ends when L1 goes back behind its confirmations */
    uint64_t number;   /* genesis' block */
    uint64_t block_us; /* between two blocks */
    uint64_t node_us;  /* a question to an L1 node and its answer; up to twice that by chance */
    uint64_t confirmations;          /* the host's */
    uint64_t of_node[SIM_MAX_NODES]; /* and those of the nodes */
    uint64_t poll_us, save_us, stuck_us;
    uint64_t rollup_batches, rollup_bytes, rollup_us;
    uint64_t max_age_ms;
    unsigned spares; /* the last of the host's enclaves that genesis does not list */
    bool replaces;   /* governance replaces who was marked corrupted */
};

/* What a seed draws. */
struct sim_options {
    uint64_t seed;
    bool real_crypto;
    uint64_t batches;  /* at least so many are broadcast before the end */
    unsigned enclaves; /* of the host */
    unsigned nodes;
    bool validator[SIM_MAX_NODES];           /* the node has an enclave of its own */
    int peers[SIM_MAX_NODES][SIM_MAX_PEERS]; /* SIM_HOST or a node */
    unsigned n_peers[SIM_MAX_NODES];
    uint64_t interval_us;
    uint64_t report_every, max_report_lag, max_batch_bytes, batch_gas_limit; /* 0: the default */
    uint64_t commit_quorum, snapshot_every, dispute_hold_us, pool_max_txs;   /* 0: likewise */
    uint64_t link_us;    /* to an enclave, one way; up to twice that by chance */
    uint64_t feed_us;    /* to a peer; likewise */
    uint64_t disk_us;    /* a durable step; likewise */
    uint64_t restart_us; /* a supervisor starts an ended process after so long */
    uint64_t snapshot_us;
    uint64_t tx_us;       /* between transactions of wallets; 0: none */
    unsigned burst;       /* transactions sent at once, at most */
    unsigned odd_percent; /* of the transactions are not good */
    uint64_t skew_ms;     /* clocks differ by up to so much */
    uint64_t fault_us;    /* between faults, on average; 0: none */
    unsigned weight[SIM_N_FAULTS];
    struct sim_l1_options l1;
    const struct sim_operator *op; /* NULL: honest */
    const char *check;             /* this invariant alone; NULL: all of them */
};

/* Draws everything but seed, real_crypto, batches and op. */
void sim_draw(struct sim_options *o);

enum sim_ev_kind {
    EV_TO_ENCLAVE, /* who, link: enclave; bytes */
    EV_FROM_ENCLAVE,
    EV_LINK_UP,
    EV_LINK_DOWN,
    EV_BOOT,        /* who: enclave */
    EV_ENCLAVE_END, /* who: enclave; token: its boot */
    EV_HOST_TICK,
    EV_HOST_STORED, /* token */
    EV_HOST_LOADED, /* token, from, count */
    EV_HOST_START,
    EV_NODE_TICK,
    EV_NODE_STORED,
    EV_NODE_LOADED,
    EV_NODE_LINK,  /* who, link; token: connection; count: 1 up, 0 down */
    EV_NODE_FRAME, /* who, link; token: connection; bytes */
    EV_NODE_START,
    EV_TO_SERVER, /* token: connection; bytes */
    EV_WALLET,
    EV_FAULT,
    EV_L1_BLOCK,
    EV_L1_TICK,   /* who; link: which core; token: its time */
    EV_L1_ANSWER, /* who; link: which core; bytes: struct sim_l1_answer */
    EV_HEAL,      /* who, token: which fault is over */
    EV_OPERATOR   /* token: the operator's own */
};

struct sim_ev {
    uint64_t at, order;
    enum sim_ev_kind kind;
    int who;
    unsigned link;
    uint64_t gen; /* of the process or connection it belongs to; stale ones are dropped */
    uint64_t token, from, count;
    uint8_t *bytes; /* owned */
    size_t n;
};

struct sim_proc {
    uint64_t runs; /* how often it was started; also its generation */
    uint64_t asleep_until;
    int64_t skew_ms;
    bool held_down;     /* stays down */
    unsigned die_after; /* so many outputs (an enclave: requests); 0: it does not */
    uint64_t rng;
};

struct sim_slots {
    struct ts_checkpoint_store ops;
    struct ts_buf slots[2];
    struct ts_buf writing;
    size_t slot, at;
};

struct sim_enclave {
    struct sim_proc p;
    struct sim_world *w;
    struct ts_enclave *core; /* NULL: down */
    ts_secret key;
    ts_address id;
    struct sim_slots slots;
    bool is_broken;  /* its build: from the next boot on */
    bool is_corrupt; /* it executes wrongly in this boot */
    bool is_leaving;
    uint64_t booted_us;
};

/* Host or node to one enclave. */
struct sim_link {
    int owner;   /* SIM_HOST or a node */
    unsigned no; /* the owner's number for it */
    unsigned enclave;
    uint64_t conn; /* 0: none */
    uint64_t lost; /* the connection on which something was swallowed */
    bool is_up;    /* the enclave has taken it */
    uint64_t cut_until, hole_until, slow_until;
    uint64_t last_to, last_from;
};

struct sim_stored_tx {
    struct ts_store_tx t;
    uint8_t *raw;
    bool there;
};

struct sim_meta {
    char key[16];
    struct ts_buf value;
};

/* A durable step under way; the ops are the core's. */
struct sim_pending {
    uint64_t token;
    const struct ts_store_op *ops;
    size_t n;
};

struct sim_evidence {
    ts_hash id;
    uint8_t *raw;
    size_t n;
};

struct sim_l1_header {
    uint64_t number;
    ts_hash hash;
    uint8_t *raw;
    size_t n;
};

struct sim_stored_rollup {
    uint64_t last;
    uint8_t *record;
    size_t n;
};

struct sim_disk {
    const struct sim_batch **committed; /* number n at n - 1 */
    uint64_t n_committed, cap_committed;
    const struct sim_batch *prepared; /* NULL: none */
    const struct sim_batch **discarded;
    size_t n_discarded;
    struct sim_stored_tx *txs;
    size_t n_txs, cap_txs, first_tx; /* none below first_tx is there */
    struct ts_map tx_of;             /* hash → index in txs */
    struct sim_meta metas[12];
    size_t n_metas;
    struct sim_evidence *evidence;
    size_t n_evidence;
    struct sim_l1_header *l1;
    size_t n_l1;
    struct sim_stored_rollup *rollups; /* ascending */
    size_t n_rollups;
    struct sim_pending *pending;
    size_t n_pending, cap_pending;
    uint64_t last; /* when the newest step under way is done */
    uint64_t full_until, slow_until;
    unsigned doubt; /* so many steps succeed and are reported as failed */
};

struct sim_host {
    struct sim_proc p;
    struct ts_host *core;
    struct sim_disk disk;
    uint64_t wake, tick_at;
    bool is_paused_by_fault;
    uint64_t n_orders; /* given to it */
};

/* A node's feed to a peer; the peer's end keeps the session. */
struct sim_feed {
    uint64_t id;   /* 0: none is open */
    uint64_t lost; /* the connection on which something was swallowed */
    int server;
    bool is_up; /* the client was told */
    struct ts_feed_session session;
    uint64_t to_client, to_server;
    uint64_t cut_until, hole_until, noise_until;
};

struct sim_node {
    struct sim_proc p;
    struct ts_node *core;
    struct sim_disk disk;
    struct sim_feed feeds[SIM_MAX_PEERS];
    uint64_t wake, tick_at;
    uint64_t head; /* newest durable batch */
};

enum sim_tx_state { STX_SENT, STX_ACKED, STX_INCLUDED, STX_OVER };

struct sim_tx {
    ts_hash hash;
    unsigned account;
    uint64_t nonce;
    enum sim_tx_state state;
    uint64_t sent_at;
    uint8_t *raw;
    size_t n;
    bool is_odd;
    bool is_answered; /* once, with more than "later" */
};

struct sim_account {
    ts_secret key;
    uint64_t next;     /* nonce of its next new transaction */
    uint64_t included; /* nonces below are in batches */
};

struct sim_trace;

struct sim_world {
    struct sim_options o;
    struct sim_setting setting;
    struct ts_crypto *real; /* owned, when it is the real one */
    const struct ts_crypto *crypto;
    struct ts_genesis genesis;
    uint8_t *genesis_raw;
    size_t n_genesis_raw;
    uint64_t now, order, next_conn;
    struct sim_rng rng;       /* of wires, disks and wallets */
    struct sim_rng fault_rng; /* of what goes wrong */
    struct sim_ev *heap;
    size_t n_heap, cap_heap;
    struct sim_enclave enclaves[SIM_MAX_ENCLAVES];
    unsigned n_enclaves;
    unsigned n_frail; /* faults befall so many of them; not copies of a lying operator */
    struct sim_link links[SIM_MAX_ENCLAVES]; /* link i leads to enclave i */
    struct sim_host host;
    struct sim_node nodes[SIM_MAX_NODES];
    struct ts_map batches;          /* SipHash of all bytes → struct sim_batch * */
    struct ts_map by_hash;          /* → the first with that header */
    const struct sim_batch *newest; /* broadcast last */
    struct sim_tx *txs;
    size_t n_txs, cap_txs;
    size_t open[SIM_MAX_OPEN]; /* those without an end, oldest first, and some that have one */
    size_t n_open;
    struct ts_map tx_of; /* hash → index */
    struct sim_account accounts[SIM_ACCOUNTS];
    struct ts_arena arena;
    struct sim_calm calm;
    bool is_calm;
    bool is_quiet;     /* wallets send nothing new */
    struct sim_l1 *l1; /* NULL: there is none */
    struct sim_trace *trace;
    void *op_state;
    unsigned op_hidden; /* bit i: nothing passes between host and enclave i */
    struct ts_arena op_arena;
    struct sim_rng op_rng; /* of the operator's choices */
    int spared;            /* an enclave that no fault befalls; -1: none */
    uint64_t done_us;      /* when the operator had done all; 0: not yet */
    uint64_t done_number;  /* newest batch then */
};

/* ---- world.c ---- */

/* verbose: print the trace. The world's parts are made, and nothing has happened yet. */
struct sim_world *sim_world_new(const struct sim_options *o, bool verbose);
void sim_world_free(struct sim_world *w);

struct sim_result {
    bool ok;
    struct sim_verdict verdict;
    uint64_t trace_hash;
    uint64_t events;
    uint64_t batches;   /* broadcast */
    uint64_t takeovers; /* terms begun */
    uint64_t virtual_us;
    unsigned findings;
};

/* Both phases, until the end or the first violation. */
void sim_run(struct sim_world *w, struct sim_result *r);
/* One event; false: violated, or none is due before until (now is until then). */
bool sim_step(struct sim_world *w, uint64_t until);

void *sim_must(void *p);
uint8_t *sim_copy(ts_bytes b);
struct sim_ev *sim_schedule(struct sim_world *w, uint64_t at, enum sim_ev_kind kind, int who);
/* When something that takes base, up to twice that by chance, is done; not before *last. */
uint64_t sim_later(struct sim_world *w, uint64_t base, uint64_t *last);
struct ts_now sim_clock(const struct sim_world *w, const struct sim_proc *p);
ts_err sim_random(void *proc, void *out, size_t n); /* ctx: struct sim_proc */
/* The batch with these bytes, decoded once. NULL: they are none. */
const struct sim_batch *sim_batch_of(struct sim_world *w, ts_bytes raw);
const struct sim_batch *sim_batch_by(struct sim_world *w, const ts_hash *hash);

/* ---- wire.c ---- */

void sim_connect(struct sim_world *w, struct sim_link *l);
void sim_close(struct sim_world *w, struct sim_link *l);
void sim_send(struct sim_world *w, struct sim_link *l, ts_bytes frame);
/* The same without asking the operator. */
void sim_send_past(struct sim_world *w, struct sim_link *l, ts_bytes frame);
/* From the enclave, leaving at at. */
void sim_answer(struct sim_world *w, struct sim_link *l, uint64_t at, ts_bytes frame);
/* The connection is gone, and the owner will be told. */
void sim_drop(struct sim_world *w, struct sim_link *l);
void sim_wire_event(struct sim_world *w, struct sim_ev *ev);

/* ---- enclaves.c ---- */

void sim_boot(struct sim_world *w, unsigned i);
void sim_end(struct sim_world *w, unsigned i, const char *why);
void sim_leave(struct sim_world *w, unsigned i);
/* Gives a frame to the core, traces both, appends the answer. NULL core: false. */
bool sim_handle(struct sim_world *w, unsigned i, ts_bytes frame, struct ts_buf *answer);
void sim_slots_init(struct sim_slots *s);
void sim_slots_free(struct sim_slots *s);

/* ---- hosts.c ---- */

void sim_host_start(struct sim_world *w);
void sim_host_kill(struct sim_world *w);
void sim_host_input(struct sim_world *w, struct ts_host_input *in);
void sim_host_event(struct sim_world *w, struct sim_ev *ev);
void sim_host_order(struct sim_world *w, enum ts_host_admin what, int enclave);

/* ---- nodes.c ---- */

void sim_node_start(struct sim_world *w, unsigned i);
void sim_node_kill(struct sim_world *w, unsigned i);
void sim_node_input(struct sim_world *w, unsigned i, struct ts_node_input *in);
void sim_node_event(struct sim_world *w, struct sim_ev *ev);

/* ---- feed.c ---- */

void sim_feed_connect(struct sim_world *w, unsigned node, unsigned link);
void sim_feed_close(struct sim_world *w, unsigned node, unsigned link, bool tell_client);
void sim_feed_send(struct sim_world *w, unsigned node, unsigned link, ts_bytes message);
/* A batch from the host to one node, whatever the operator's show says. False: it has no feed. */
bool sim_feed_slip(struct sim_world *w, unsigned node, const struct sim_batch *b);
/* A batch to all who follow server, but not on connection except. */
void sim_feed_push(struct sim_world *w, int server, ts_bytes raw, uint64_t except);
void sim_feed_accepted(struct sim_world *w, uint64_t token, ts_err code, const char *text);
void sim_feed_refuse(struct sim_world *w, uint64_t conn);
/* The process of server is gone. */
void sim_feed_server_gone(struct sim_world *w, int server);
void sim_feed_event(struct sim_world *w, struct sim_ev *ev);
#define SIM_FEED_TOKEN (UINT64_C(1) << 63) /* of transactions that came over a feed */

/* ---- disk.c ---- */

/* What the stored evidence with an id proves (evidence.c). TS_E_NOT_FOUND: it is a grant, or its
 * batch is not stored; TS_E_UNSUPPORTED: it rests on the chain alone; else as ts_evidence_check. */
ts_err sim_evidence_judge(const struct sim_world *w, const struct sim_disk *d, const ts_hash *id,
                          struct ts_evidence_verdict *out);
void sim_disk_init(struct sim_disk *d);
void sim_disk_free(struct sim_disk *d);
/* Begins a durable step: ev_kind with its token comes when it is done. */
void sim_disk_store(struct sim_world *w, struct sim_disk *d, int who, uint64_t gen, uint64_t token,
                    const struct ts_store_op *ops, size_t n);
/* Ends it: applied or not; what the core is told. */
ts_err sim_disk_done(struct sim_world *w, struct sim_disk *d, int who, uint64_t token);
/* The process is gone: of what was under way, a part from the front took place. */
void sim_disk_crash(struct sim_world *w, struct sim_disk *d, int who);
const struct sim_meta *sim_disk_meta(const struct sim_disk *d, const char *key);
/* As a core is given it, with the L1 header that is stored of it. */
struct ts_store_batch sim_disk_batch(const struct sim_disk *d, const struct sim_batch *b,
                                     enum ts_batch_status status);
/* Committed batches from from on; list has room for count. */
size_t sim_disk_list(const struct sim_disk *d, uint64_t from, uint64_t count,
                     struct ts_store_batch *list);

/* ---- wallets.c ---- */

void sim_wallets_init(struct sim_world *w);
void sim_wallets_free(struct sim_world *w);
void sim_wallet_event(struct sim_world *w);
void sim_wallet_told(struct sim_world *w, uint64_t tx, ts_err err, const char *text);
void sim_wallet_stored(struct sim_world *w, const ts_hash *hash);
void sim_wallet_rejected(struct sim_world *w, const ts_hash *hash, ts_err err, const char *text);
void sim_wallet_sees(struct sim_world *w, const struct sim_batch *b);
/* A signed transfer; returns its length. */
size_t sim_make_tx(struct sim_world *w, unsigned account, uint64_t nonce, uint64_t value,
                   uint8_t *out, size_t cap);

/* ---- faults.c ---- */

void sim_fault_event(struct sim_world *w);
void sim_heal_event(struct sim_world *w, const struct sim_ev *ev);
/* No more faults; processes wake and links are whole again. Nothing is told of it. */
void sim_faults_end(struct sim_world *w);
/* All that passes is over; what stays is in w->calm. */
void sim_calm_down(struct sim_world *w);

/* ---- l1_chain.c, l1_party.c, l1_faults.c; the rest of them in l1.h ---- */

/* Before genesis is finished: its L1 block goes into it. */
void sim_l1_new(struct sim_world *w);
void sim_l1_free(struct sim_world *w);
void sim_l1_begin(struct sim_world *w);
void sim_l1_event(struct sim_world *w, struct sim_ev *ev);
/* The process starts, with what its disk holds, and ends. who: SIM_HOST or a node. */
void sim_l1_start(struct sim_world *w, int who);
void sim_l1_stop(struct sim_world *w, int who);
void sim_l1_ask(struct sim_world *w, int who, uint64_t number);
void sim_l1_forget(struct sim_world *w, int who, uint64_t number);
void sim_l1_rollups_again(struct sim_world *w, unsigned node, uint64_t above, uint64_t from);
void sim_l1_publish(struct sim_world *w, const struct ts_host_output *o);
void sim_l1_withdraw(struct sim_world *w, uint64_t job);
void sim_l1_corrupted(struct sim_world *w, const struct ts_host_output *o);
/* True: the durable step was one of what is kept of L1. */
bool sim_l1_stored(struct sim_world *w, int who, uint64_t token, ts_err err);
void sim_l1_faults_end(struct sim_world *w);
/* From a transaction that waits to what host and nodes know, when nothing is wrong. */
uint64_t sim_l1_time(const struct sim_world *w);
/* The whitelist that the newest batch names is not the one that comes to be. */
bool sim_l1_is_changing(const struct sim_world *w);
/* Who of the chosen is on the whitelist in the end; one of them at least will be. */
void sim_l1_calm(struct sim_world *w, struct sim_calm *c);
/* L1 goes back behind what the chain names, and the world to its end. */
void sim_l1_go_back(struct sim_world *w);
/* The batch of that number is in a confirmed rollup that all nodes have looked at. */
bool sim_l1_is_rolled_up(const struct sim_world *w, uint64_t number);
#define SIM_L1_SAVE_TOKEN UINT64_MAX /* of durable steps with what a follower keeps */

/* ---- trace.c ---- */

void sim_trace_init(struct sim_world *w, bool verbose);
void sim_trace_free(struct sim_world *w);
/* Fills in the time. */
void sim_tell(struct sim_world *w, struct sim_event *e);
void sim_tell_fault(struct sim_world *w, int who, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool sim_check_is_known(const char *invariant);
bool sim_violated(const struct sim_world *w);
void sim_trace_result(const struct sim_world *w, struct sim_result *r);

#endif
