/* SPDX-License-Identifier: Apache-2.0 */
/* The node: follows the chain over feeds of peers it does not trust, verifies, stores and relays
 * it, and keeps an attached enclave, if any, at its head; without I/O. One input at a time; the
 * outputs say, in order, what must happen. The same node, inputs and times give the same outputs.
 * Source: docs/protocol.md, sections 2 to 6. */
#ifndef TS_NODE_CORE_H
#define TS_NODE_CORE_H

#include "audit/audit.h"
#include "audit/timeline.h"
#include "base/now.h"
#include "chain/l1.h"
#include "engine/engine.h"
#include "l1/follower.h"
#include "link/messages.h"
#include "net/feed.h"
#include "node/verify.h"
#include "store/store.h"
#include "tenseq/chain.h"

/* Links 0 to n_peers - 1 are the feeds of config, in its order: the first is asked first. */
#define TS_NODE_MAX_PEERS    64
#define TS_NODE_LINK_ENCLAVE TS_NODE_MAX_PEERS

/* Batches beside the chain that who connects is told of. */
#define TS_NODE_NEWEST_EVIDENCE TS_FEED_MAX_EVIDENCE

#define TS_NODE_L1_ASKS 64 /* L1 blocks asked for at a time */

struct ts_node_settings {
    uint64_t hello_us;       /* from LINK_UP to the peer's HELLO; default 5 s */
    uint64_t connect_us;     /* from CONNECT to LINK_UP; default 10 s */
    uint64_t get_us;         /* for an answer to GET, from the later of asking and the peer's last
                                answer; default 10 s */
    uint64_t hedge_us;       /* a range that all wait for is asked of a second peer; default 2 s */
    uint64_t poll_us;        /* without a new batch: ask whether there is one; default 5 s */
    uint64_t backoff_min_us; /* between attempts to connect, doubling; default 200 ms, 15 s */
    uint64_t backoff_max_us;
    uint64_t penalty_min_us; /* the same after bad data; default 5 s, 5 min. After silence at most
                                twice backoff_max_us, and without any other peer at most that */
    uint64_t penalty_max_us;
    uint64_t progress_us;  /* between progress events while catching up; default 5 s */
    uint64_t get_count;    /* batches in one GET; default 512 */
    uint64_t window;       /* GETs ahead, over all peers; default 8 */
    uint64_t window_bytes; /* bound on what lies unverified or unstored; default 16 MiB */
    uint64_t verify_run; /* batches in one OUT_VERIFY; default 32. 0: verify at once, in the step */
    uint64_t verify_ahead;    /* OUT_VERIFY in flight; default 8 */
    uint64_t store_max;       /* batches in one durable step; default 1024 */
    uint64_t chain_every;     /* batches between snapshots of the chain; default 4096 */
    uint64_t store_retry_us;  /* after a failed durable step; default 1 s */
    uint64_t tx_us;           /* for a host to say durable; default 10 s */
    uint64_t tx_try_us;       /* for one peer to say so, then the next is asked; default 4 s */
    uint64_t max_txs;         /* transactions being forwarded; default 4096 */
    uint64_t max_tx_bytes;    /* of those; default 16 MiB */
    uint64_t enclave_us;      /* for one answer of the enclave; default 10 s */
    uint64_t enclave_load_us; /* for LOAD and SNAPSHOT; default 120 s */
    uint64_t enclave_window;  /* batches given to it ahead of its answers; default 16 */
    uint64_t snapshot_every;  /* batches between its checkpoints; default 10,000 */
    uint64_t l1_behind_us;    /* a batch that waits so long for L1's word is told; default 10 s */
    uint64_t l1_again_us;     /* L1 says something else of an unconfirmed block: asked again after
                                 that; default 2 s */
    uint64_t clock_skew_ms; /* a batch's time may be so far from the node's clock; default 30 s. 0:
                               is not looked at */
    uint64_t settle_us;     /* who waits for the store waits so long; default 5 s */
    uint64_t l1_release_us; /* after waiting so long another peer may give another; default 60 s */
};

void ts_node_settings_default(struct ts_node_settings *s);

enum ts_node_in {
    TS_NODE_IN_TICK,      /* the time asked for has come (or any time passed) */
    TS_NODE_IN_LINK_UP,   /* link */
    TS_NODE_IN_LINK_DOWN, /* link, text: also the answer to a CONNECT that failed */
    TS_NODE_IN_FRAME,     /* link, bytes: one message of the feed, or frame body of the enclave */
    TS_NODE_IN_STORED,    /* token, err: the store step is durable, or failed */
    TS_NODE_IN_LOADED,    /* token, err, batches: what OUT_LOAD asked for */
    TS_NODE_IN_VERIFIED,  /* token, verified: of OUT_VERIFY; none is allowed */
    TS_NODE_IN_BATCH,     /* peer, bytes: a raw batch that a subscriber sent */
    TS_NODE_IN_TX,        /* token, bytes: a raw transaction; is_relay: from a subscriber's feed */
    TS_NODE_IN_QUERY,     /* token, query_kind, bytes: an engine query for the enclave */
    TS_NODE_IN_SETTLE,    /* token: answered when all that is checked by now is durable */
    TS_NODE_IN_L1_BLOCK,  /* l1: what OUT_L1_ASK asked for, confirmed or not */
    TS_NODE_IN_L1_CONFIRMED, /* l1: the newest block with enough confirmations; numbers ascend */
    TS_NODE_IN_L1_REORG,     /* l1: this block, the newest confirmed one, was replaced: L1 went back
                                behind its confirmations. Unless the node is halted then, L1 is told
                                anew, from the genesis' block on */
    TS_NODE_IN_L1_FINAL,     /* number: L1's newest block that L1 says is final */
    TS_NODE_IN_ROLLUP,   /* rollup: of a confirmed block, in the contract's order; those above the
                            newest that is checked, or above what OUT_ROLLUPS asked for */
    TS_NODE_IN_ROLLBACK, /* rollback: governance took rollups back, told in the same order */
    TS_NODE_IN_STOP      /* finish what is in hand, then OUT_STOPPED */
};

struct ts_node_input {
    enum ts_node_in kind;
    unsigned link;
    uint64_t token;
    uint64_t peer;
    ts_err err;
    ts_bytes bytes;
    const char *text; /* or NULL */
    bool is_relay;
    const struct ts_store_batch *batches; /* LOADED: ascending, contiguous, committed */
    size_t n_batches;
    const struct ts_recovered *verified;
    size_t n_verified;
    enum ts_query_kind query_kind;
    const struct ts_l1_block *l1;
    const struct ts_l1_rollup *rollup;
    const struct ts_l1_rollback *rollback;
    uint64_t number;
};

enum ts_node_out {
    TS_NODE_OUT_CONNECT, /* link: connect, whether or not one is open (then close it first) */
    TS_NODE_OUT_CLOSE,   /* link: close after what was sent; no LINK_DOWN need follow */
    TS_NODE_OUT_SEND,    /* link, bytes */
    TS_NODE_OUT_STORE,   /* token, ops, n_ops: one durable step, then IN_STORED; one at a time */
    TS_NODE_OUT_LOAD,    /* token, from, count: committed batches; then IN_LOADED with at most
                            count and 4 MiB but at least one if there is one */
    TS_NODE_OUT_VERIFY,  /* token, raws, n_raws, hash: ts_node_verify(…, root = hash, …), on any
                            thread, then IN_VERIFIED. raws live until that */
    TS_NODE_OUT_COMMITTED, /* number, hash, bytes: a batch is durable; ascending, without gaps.
                              push: send it to subscribers (false while catching up, but for the
                              newest) */
    TS_NODE_OUT_EVIDENCE,  /* number, hash, bytes: a conflicting batch is kept; for subscribers but
                              peer (0: none) */
    TS_NODE_OUT_REFUSE,    /* peer, err, text: a subscriber sent bad data */
    TS_NODE_OUT_REPLY,     /* token, err, bytes or text: answers IN_TX (bytes: 32-byte hash) and
                              IN_QUERY (bytes: the engine's answer, number and hash: at which
                              head), and IN_SETTLE (nothing) */
    TS_NODE_OUT_EVENT,     /* level, event, text: one log line; level error or warn is an alarm */
    TS_NODE_OUT_FINDING, /* finding: the audit found it, or closed it. When its batch is checked: a
                            node that ends before the batch is durable finds it again */
    TS_NODE_OUT_L1_ASK,  /* number: tell me that block of L1, once, as soon as L1 has it. At most
                            TS_NODE_L1_ASKS numbers wait for their answer at a time. After a while
                            the same may be asked again, which is one question */
    TS_NODE_OUT_L1_FORGET, /* number: it need not be told any more, and waits for no answer */
    TS_NODE_OUT_ROLLUPS, /* number, from: too many rollups came at once; tell those whose last batch
                            is above number, in L1's block from or later, again */
    TS_NODE_OUT_STOPPED  /* err: TS_E_CORRUPT, the store is damaged; TS_E_CONFLICT: L1 has decided
                            for  another line, and the node must be started anew to follow it */
};

struct ts_node_output {
    enum ts_node_out kind;
    unsigned link;
    uint64_t token;
    uint64_t peer;
    ts_err err;
    ts_bytes bytes;
    const char *text;
    const char *event; /* a static word such as "peer-dropped" */
    int level;         /* enum ts_log_level */
    const struct ts_store_op *ops;
    size_t n_ops;
    const ts_bytes *raws;
    size_t n_raws;
    uint64_t from, count;
    uint64_t number;
    ts_hash hash;
    bool push;
    const struct ts_finding *finding;
};

/* The outputs of one step. Everything they point to lives until the next step, except store ops and
 * what they point to (until the step's IN_STORED) and raws (until IN_VERIFIED). */
struct ts_node_outputs {
    const struct ts_node_output *out;
    size_t n;
    uint64_t wake_us; /* mono time of the next TICK; UINT64_MAX: none */
};

struct ts_node_start {
    const struct ts_genesis *genesis; /* borrowed for ever, as are its RLP, crypto and name */
    ts_bytes genesis_raw;
    const struct ts_crypto *crypto;
    const struct ts_engine_ops *engine; /* for the state root of genesis only */
    struct ts_node_settings settings;
    const char *name; /* for HELLO, such as "tenseq-node/0.1.0" */
    unsigned n_peers;
    bool has_enclave;
    bool follows_l1; /* IN_L1_… come, OUT_L1_ASK is answered. Only for a genesis with L1. Without,
                        whitelist changes are taken on the word of the producers */
    uint64_t seed[2]; /* for hash maps and the jitter of backoff */
};

struct ts_node;

/* Then, in this order: the chain snapshot, committed batches above it, ts_node_begin. */
ts_err ts_node_new(const struct ts_node_start *start, struct ts_node **out);
void ts_node_free(struct ts_node *n);
/* What the store holds under the meta keys "chain" (chain/snapshot.h), "roots" and "audit"
 * (audit/audit.h), all or none. TS_E_CORRUPT or a decoding error: the node is as before, at
 * genesis.
 */
ts_err ts_node_load_chain(struct ts_node *n, ts_bytes snapshot, ts_bytes roots, ts_bytes audit);
/* What the store holds under the meta key "timeline" (audit/timeline.h), once the chain is loaded.
 * Any error, as for another head: it is as before, at genesis; then it can be had from the
 * committed batches up to the chain's head, each in order, which are not checked again. Without
 * that it stays at genesis for good. TS_E_CORRUPT: another batch is next. */
ts_err ts_node_load_timeline(struct ts_node *n, ts_bytes timeline);
ts_err ts_node_fold_timeline(struct ts_node *n, const struct ts_store_batch *b);
/* The next committed batch above the head: checked and audited again, without a word. TS_E_CORRUPT
 * with a sentence in why (160 bytes): the store is damaged. */
ts_err ts_node_load_batch(struct ts_node *n, const struct ts_store_batch *b, char why[160]);

/* Evidence that is stored already; at any time before ts_node_begin. Its finding is kept. */
void ts_node_load_evidence(struct ts_node *n, const ts_hash *id, ts_bytes data);

/* Records of rollups (chain/rollup_record.h), ascending, all of them; behind the batches, before
 * ts_node_begin. TS_E_CORRUPT or a decoding error: the store is damaged. */
ts_err ts_node_load_rollup(struct ts_node *n, ts_bytes raw);
/* What the store holds under the meta key "line": a rollup whose line is followed; likewise. */
ts_err ts_node_load_line(struct ts_node *n, ts_bytes pin);

void ts_node_begin(struct ts_node *n, struct ts_now now, struct ts_node_outputs *out);
void ts_node_step(struct ts_node *n, struct ts_now now, const struct ts_node_input *in,
                  struct ts_node_outputs *out);

/* ---- looking in; valid until the next step ------------------------------------------------------
 */

enum ts_node_peer_state {
    TS_NODE_PEER_DOWN, /* waits for the end of its backoff */
    TS_NODE_PEER_CONNECTING,
    TS_NODE_PEER_HELLO, /* connected, its HELLO is awaited */
    TS_NODE_PEER_UP
};

struct ts_node_peer_status {
    enum ts_node_peer_state state;
    const char *state_text;
    uint64_t head; /* as it claims */
    const char *name;
    const char *reason; /* why it was dropped last, or "" */
    uint64_t batches;   /* taken from it */
    uint64_t drops;     /* times it was dropped for bad or missing data */
};

enum ts_node_enclave_state {
    TS_NODE_ENC_NONE, /* none is configured */
    TS_NODE_ENC_DOWN,
    TS_NODE_ENC_CONNECTING,
    TS_NODE_ENC_IDENTIFY,
    TS_NODE_ENC_LOADING,    /* looks for its place in the chain, or loads a checkpoint */
    TS_NODE_ENC_SYNCING,    /* is fed batches */
    TS_NODE_ENC_VALIDATING, /* at the head: answers queries */
    TS_NODE_ENC_DISPUTE     /* refuses a batch of this chain */
};

struct ts_node_enclave_status {
    enum ts_node_enclave_state state;
    const char *state_text; /* "none", "down", "connecting", …, "dispute" */
    ts_address id;
    struct ts_msg_head head;
    const char *reason; /* why it is not validating, or "" */
    uint64_t disputes;  /* batches it refused as wrongly executed or invalid, since start */
    uint64_t disputed;  /* number of the newest of those */
};

/* X(name, help) */
#define TS_NODE_COUNTERS(X)                                                                        \
    X(batches, "batches verified and stored")                                                      \
    X(invalid, "batches refused because they break a rule or do not decode")                       \
    X(duplicates, "batches received that were known already")                                      \
    X(ahead, "batches received ahead of the head and kept for later")                              \
    X(stray, "batches received that fit nowhere and were dropped")                                 \
    X(equivocations, "conflicting sealed batches kept as evidence")                                \
    X(evidence_dropped, "conflicting batches that prove nothing, or beyond the bound")             \
    X(findings, "findings of the audit, raised or closed")                                         \
    X(bad_frames, "frames of peers that do not decode or are not allowed")                         \
    X(peers_dropped, "times a peer was dropped for bad or missing data")                           \
    X(gets, "ranges asked of peers")                                                               \
    X(get_timeouts, "ranges that were not answered in time")                                       \
    X(hedged, "ranges asked of a second peer because the first was slow")                          \
    X(l1_asked, "L1 blocks asked for")                                                             \
    X(l1_mismatches, "batches refused because L1 says otherwise")                                  \
    X(store_failures, "durable steps that failed and were tried again")                            \
    X(sigs_ahead, "signatures that worker threads had checked")                                    \
    X(sigs_inline, "signatures checked in the step")                                               \
    X(txs_forwarded, "transactions taken to be forwarded")                                         \
    X(txs_durable, "of those, said to be durable by a host")                                       \
    X(txs_refused, "of those, refused")                                                            \
    X(txs_late, "of those, without an answer in time")                                             \
    X(queries, "engine queries given to the enclave")                                              \
    X(queries_refused, "engine queries refused")                                                   \
    X(enclave_accepted, "batches that the enclave executed and accepted")                          \
    X(enclave_disputes, "batches that the enclave refused")                                        \
    X(enclave_failures, "connections to the enclave that ended or missed a deadline")

#define TS_NODE_COUNTER_FIELD(name, help) uint64_t name;
struct ts_node_counters {
    TS_NODE_COUNTERS(TS_NODE_COUNTER_FIELD)
};
#undef TS_NODE_COUNTER_FIELD

struct ts_node_l1_status {
    bool is_needed; /* genesis names an L1 */
    bool is_followed;
    bool is_halted;     /* the chain names blocks that L1 no longer has: no batch is taken */
    bool is_behind;     /* a batch waits long for L1's word */
    uint64_t confirmed; /* newest confirmed block that is known */
    uint64_t reference; /* the block that the newest verified batch names */
    uint64_t waits_for; /* the block that a batch waits for; 0: none waits */
    uint64_t waits_us;  /* for so long */
    const char *reason; /* why it is halted, or "" */
};

struct ts_node_rollup_status {
    uint64_t checked;    /* the last batch of the newest rollup that was looked at; 0: none was */
    uint64_t checked_l1; /* L1's block that carries it */
    uint64_t equal;      /* rollups found to hold this chain's batches; */
    uint64_t wrong;      /* and not to; without those that were taken back */
    size_t waiting;      /* rollups that are not checked, or not stored, yet */
    uint64_t published;  /* the last batch of the newest that is equal; */
    uint64_t final;      /* and of the newest of those whose L1 block is final */
    uint64_t l1_final;   /* L1's newest final block that is known; 0: not heard */
};

struct ts_node_status {
    struct ts_head head;    /* of the newest durable batch */
    uint64_t target;        /* highest head a peer that is up claims; at least the own */
    bool is_catching_up;    /* more than a few batches behind, or has peers and heard of none yet */
    bool is_storing;        /* false: the newest durable step failed, it is being tried again */
    uint64_t last_batch_us; /* mono time of the newest batch taken from a peer; 0: none yet */
    uint64_t evidence;      /* conflicting batches kept, earlier runs included */
    unsigned peers_up;
    unsigned n_peers;
    struct ts_node_counters counters;
    struct ts_node_enclave_status enclave;
    struct ts_node_l1_status l1;
    struct ts_node_rollup_status rollups;
};

void ts_node_status_of(const struct ts_node *n, struct ts_node_status *out);
/* link below n_peers. */
void ts_node_peer_of(const struct ts_node *n, unsigned link, struct ts_node_peer_status *out);
/* The chain at the newest verified batch, which may be a few ahead of the durable head. */
const struct ts_chain *ts_node_chain(const struct ts_node *n);
/* The ids of the newest second batches and batches that L1 denies that are kept, newest first: for
 * whoever connects. */
size_t ts_node_newest_evidence(const struct ts_node *n, ts_hash out[TS_NODE_NEWEST_EVIDENCE]);
/* The audit of that chain, with all findings that are kept. */
const struct ts_audit *ts_node_audit(const struct ts_node *n);
const struct ts_timeline *ts_node_timeline(const struct ts_node *n);

#endif
