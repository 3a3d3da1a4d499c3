/* SPDX-License-Identifier: Apache-2.0 */
/* The host: pool, production, publication, failover, transactions; without I/O.
 * One input at a time; the outputs say, in order, what must happen. The same host, inputs and times
 * give the same outputs. Source: docs/protocol.md, section 5. */
#ifndef TS_HOST_CORE_H
#define TS_HOST_CORE_H

#include "base/now.h"
#include "chain/l1.h"
#include "engine/info.h"
#include "link/messages.h"
#include "store/store.h"
#include "tenseq/chain.h"

#define TS_HOST_MAX_ENCLAVES 64

struct ts_host_settings {
    uint64_t interval_us;         /* between batches; default: genesis batchInterval */
    uint64_t commit_quorum;       /* default 1 */
    uint64_t dispute_hold_us;     /* default 30 s */
    uint64_t connect_deadline_us; /* link up and identified; default 2 s */
    uint64_t answer_min_us;       /* bounds of the adaptive deadline; default 100 ms and 2 s */
    uint64_t answer_max_us;
    uint64_t cool_down_us;        /* a failed enclave is second choice for so long; default 10 s */
    uint64_t heartbeat_us;        /* ping after so long without traffic; default 500 ms */
    uint64_t snapshot_every;      /* batches between checkpoints of one enclave; default 10,000 */
    uint64_t pool_max_txs;        /* default 100,000 */
    uint64_t pool_max_bytes;      /* default 64 MiB */
    uint64_t pool_max_per_sender; /* default 16,384 */
    bool publishes;               /* rollups, with an L1 in the genesis; default false */
    uint64_t rollup_batches;      /* one is made when so many wait; default 10,000 */
    uint64_t rollup_bytes;        /* or so many bytes of transactions; default 110,000 */
    uint64_t rollup_us;           /* or so long after the last; default 10 min */
};

void ts_host_settings_default(struct ts_host_settings *s, const struct ts_genesis *g);

enum ts_host_in {
    TS_IN_TICK,      /* the timer asked for is due (or any time passed) */
    TS_IN_LINK_UP,   /* link */
    TS_IN_LINK_DOWN, /* link; also the answer to a connect that failed. text: why */
    TS_IN_FRAME,     /* link, bytes: one frame body from the enclave */
    TS_IN_STORED,    /* token, err: the store step is durable, or failed */
    TS_IN_LOADED,    /* token, err, batches: what OUT_LOAD asked for */
    TS_IN_TX,        /* token, bytes: a raw transaction from a user; token comes back in a reply */
    TS_IN_QUERY,     /* token, query_kind, bytes: an engine query */
    TS_IN_ADMIN,     /* token, admin, has_id, id */
    TS_IN_L1_BLOCK, /* l1, is_newest: the newest confirmed block of L1, or what OUT_L1_ASK asked for
                     */
    TS_IN_L1_REORG, /* l1: L1 went back behind its confirmations; this block was replaced */
    TS_IN_ROLLUP,   /* rollup: the contract took it, in a confirmed block; in its order */
    TS_IN_ROLLBACK, /* rollback: governance took rollups back, likewise */
    TS_IN_SUBMITTED, /* token, err, text: what became of OUT_PUBLISH. TS_OK: it is on L1, confirmed
                        or nearly */
    TS_IN_REQUESTED, /* id, err: the replacement of this enclave, which OUT_CORRUPTED named, stands
                        on L1 as a request (TS_OK, durable from then on), or cannot */
    TS_IN_STOP       /* finish the batch in hand, then OUT_STOPPED */
};

enum ts_host_admin {
    TS_ADMIN_SWITCHOVER, /* to id, or to the best candidate */
    TS_ADMIN_PAUSE,
    TS_ADMIN_RESUME,
    TS_ADMIN_DRAIN,
    TS_ADMIN_UNDRAIN,
    TS_ADMIN_REGISTER /* id: its statement for the management contract. The reply's bytes are the
                         measurement and the signature, 32 and 65 bytes, checked */
};

struct ts_host_input {
    enum ts_host_in kind;
    unsigned link;
    uint64_t token;
    ts_err err;
    ts_bytes bytes;
    const char *text;                     /* or NULL */
    const struct ts_store_batch *batches; /* LOADED: ascending, contiguous, all committed */
    size_t n_batches;
    enum ts_query_kind query_kind;
    enum ts_host_admin admin;
    bool has_id;
    ts_address id;
    const struct ts_l1_block *l1;
    bool is_newest;
    const struct ts_rollup *rollup;
    const struct ts_l1_rollback *rollback;
};

enum ts_host_out {
    TS_OUT_CONNECT, /* link: connect, whether or not one is open (then close it first) */
    TS_OUT_CLOSE,   /* link */
    TS_OUT_SEND,    /* link, bytes: frame body */
    TS_OUT_STORE,   /* token, ops, n_ops: one durable step, then IN_STORED; steps stay in order */
    TS_OUT_LOAD, /* token, from, count: committed batches; then IN_LOADED with at most count and at
                    most 4 MiB but at least one if there is one; fewer when the store ends */
    TS_OUT_BROADCAST, /* bytes: raw batch, number, hash: committed; send it to every subscriber */
    TS_OUT_REPLY,     /* token, err, bytes or text: answers IN_TX (bytes: 32-byte hash), IN_QUERY
                         (bytes), IN_ADMIN (switchover: switched is set) */
    TS_OUT_EVENT,     /* level, event, text: one log line, text made by ts_log_pairs; level error or
                         warn is an alarm */
    TS_OUT_PUBLISH,  /* token, rollup, bytes (its data): bring it to the contract; then IN_SUBMITTED
                      */
    TS_OUT_WITHDRAW, /* token: what OUT_PUBLISH gave is not wanted any more: nothing that costs is
                        begun for it. What IN_SUBMITTED says of it does not matter then */
    TS_OUT_L1_ASK,   /* number: tell me that L1 block as soon as L1 has it; then IN_L1_BLOCK */
    TS_OUT_CORRUPTED, /* switched.from: an enclave that is marked and on the whitelist, switched.to:
                         one that could replace it; text: why. Whoever asks for that on L1 says with
                         IN_REQUESTED what came of it. Else it is told again after a start */
    TS_OUT_STOPPED
};

struct ts_host_output {
    enum ts_host_out kind;
    unsigned link;
    uint64_t token;
    ts_err err;
    ts_bytes bytes;
    const char *text;
    const char *event;
    int level; /* enum ts_log_level */
    const struct ts_store_op *ops;
    size_t n_ops;
    uint64_t from, count;
    uint64_t number;
    ts_hash hash;
    const struct ts_rollup *rollup;
    struct {
        bool set;
        ts_address from, to;
        uint64_t term, at_batch;
    } switched;
};

/* The outputs of one step. Everything they point to lives until the next step, except store ops
 * and what they point to, which live until the step's IN_STORED. */
struct ts_host_outputs {
    const struct ts_host_output *out;
    size_t n;
    uint64_t wake_us; /* mono time of the next TICK; UINT64_MAX: none */
};

/* What the store knows at start. */
struct ts_host_start {
    const struct ts_genesis *genesis; /* borrowed for ever, as is its RLP */
    ts_bytes genesis_raw;
    const struct ts_crypto *crypto;
    const struct ts_engine_ops *engine; /* for the state root of genesis only */
    struct ts_host_settings settings;
    unsigned n_links;
    uint64_t seed[2]; /* for hash maps */
};

struct ts_host;

/* Then feed committed batches (or a chain snapshot) and the rest of the store with the load calls,
 * in this order, and begin with ts_host_begin. */
ts_err ts_host_new(const struct ts_host_start *start, struct ts_host **out);
void ts_host_free(struct ts_host *h);
/* A chain snapshot (chain/snapshot.h) that the store kept under meta key "chain"; before the
 * batches. */
ts_err ts_host_load_chain(struct ts_host *h, ts_bytes snapshot);
/* A committed batch above the snapshot: checked again. TS_E_CORRUPT with a log event otherwise.
 * TS_E_NOMEM, here and below: the host is to be freed. */
ts_err ts_host_load_committed(struct ts_host *h, const struct ts_store_batch *b);
/* The header of the L1 block that the chain's head names, when the store has it; after the batches.
 * Whatever does not decode is as if it were not there. */
void ts_host_load_l1(struct ts_host *h, ts_bytes header);
ts_err ts_host_load_prepared(struct ts_host *h, const struct ts_store_batch *b);
ts_err ts_host_load_discarded(struct ts_host *h, const struct ts_store_batch *b);
/* Meta keys the core writes: "term", "paused", "drained", "corrupted", "requested", "rollup",
 * "chain". */
ts_err ts_host_load_meta(struct ts_host *h, const char *key, ts_bytes value);
ts_err ts_host_load_tx(struct ts_host *h, const struct ts_store_tx *tx);

void ts_host_begin(struct ts_host *h, struct ts_now now, struct ts_host_outputs *out);
void ts_host_step(struct ts_host *h, struct ts_now now, const struct ts_host_input *in,
                  struct ts_host_outputs *out);

/* Looking in. Valid until the next step. */
enum ts_host_state {
    TS_HOST_PRODUCING,
    TS_HOST_PAUSED,
    TS_HOST_NO_CANDIDATE,
    TS_HOST_STORAGE,
    TS_HOST_L1
};

struct ts_host_enclave_status {
    unsigned link;
    bool known; /* identified once; id is valid */
    ts_address id;
    const char
        *role; /* "active", "passive", "syncing", "starting", "validating", "halted", "absent" */
    const char *state; /* of the link: "up", "connecting", "down" */
    struct ts_msg_head head;
    ts_hash boot_id;
    ts_time boot_time;
    uint64_t lag;         /* batches behind the committed head */
    uint64_t last_report; /* number of the batch with its newest published report; 0: none */
    uint64_t restarts;    /* published */
    uint64_t latency_us;  /* smoothed answer time */
    bool whitelisted, corrupted, drained, suspect;
    const char *reason; /* why it is not a candidate, or ""  */
};

struct ts_host_counters {
    uint64_t batches, alone, discarded, failovers, switches, deadlines_missed, bad_answers;
    uint64_t txs_accepted, txs_refused, txs_included, txs_rejected;
    uint64_t rollups;          /* confirmed on L1, as told since the start */
    uint64_t takeovers;        /* from an enclave that failed, ended by a batch */
    uint64_t last_takeover_us; /* noticed → new active's first batch broadcast */
};

struct ts_host_status {
    struct ts_head head;
    enum ts_host_state state;
    bool has_active; /* and it is here: an absent enclave is none */
    ts_address active;
    uint64_t interval_us;
    uint64_t pool_txs, pool_bytes;
    const char *last_switch_reason; /* "" before the first */
    bool l1_is_halted;              /* for good: what the chain names is gone from L1 */
    const char *l1_fault;           /* why L1 keeps it from producing, or "" */
    uint64_t rolled_up;             /* last batch of the newest rollup on confirmed L1 */
    /* And on disk: before, whoever follows L1 must not count it as told. */
    bool rolled_up_is_stored;
    uint64_t l1_newest; /* number of L1's newest confirmed block; 0: none yet */
    struct ts_host_counters counters;
    size_t n_enclaves;
};

void ts_host_status_of(const struct ts_host *h, struct ts_host_status *out);
/* i below n_enclaves. */
void ts_host_enclave_of(const struct ts_host *h, size_t i, struct ts_host_enclave_status *out);
const struct ts_chain *ts_host_chain(const struct ts_host *h);
/* Next nonce of a sender counting the pool's transactions; false: none of its are pending. */
bool ts_host_pending_nonce(const struct ts_host *h, const ts_address *sender, uint64_t *nonce);
/* A pending transaction's bytes; false: not pending. */
bool ts_host_pending_tx(const struct ts_host *h, const ts_hash *hash, ts_bytes *raw);

#endif
