/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the host core share. Nobody outside src/host includes this.
 *
 *   core.c      inputs to handlers, start-up, the end of every step (advance)
 *   out.c       outputs, durable steps, log events
 *   member.c    one enclave: link, requests, deadlines, what its answers mean
 *   join.c      how an enclave gets from connected to ready: identify, judge, load, catch up
 *   failover.c  who produces next, who may, and what is held against whom
 *   produce.c   the production line: when a batch is due, activation, creation
 *   commit.c    a sealed batch: prepared, fed, committed or discarded
 *   switch.c    planned switches, drain, pause
 *   replace.c   who could stand in for a corrupted one, until that is asked for on L1
 *   mempool.c   transactions from admission to their end
 *   l1.c        which L1 block the next batch names, and the whitelist that goes with it
 *   rollup.c    rollups: due, made by an enclave, brought to L1
 *   roll_range.c  which batches and headers an enclave is given for one
 *   roll_maker.c  which enclave that is, and how much it is given
 *   query.c     engine queries
 *   status.c    looking in
 */
#ifndef TS_HOST_INTERNAL_H
#define TS_HOST_INTERNAL_H

#include "base/arena.h"
#include "base/check.h"
#include "base/log.h"
#include "base/map.h"
#include "chain/batch.h"
#include "chain/events.h"
#include "chain/verified.h"
#include "crypto/sign.h"
#include "host/core.h"

#define TS_MAX_REQUESTS 64 /* outstanding on one link */
#define TS_FEED_WINDOW  16 /* catch-up batches outstanding on one link */
#define TS_NOBODY       (-1)
/* A batch waits no longer for an enclave that writes a checkpoint. */
#define TS_SEALING_WAIT_US 200000u
#define TS_ROLL_NEAR       (TS_RECENT / 2) /* so near to its head an enclave surely has all hashes */
/* Bytes of a ROLLUP that are neither range, above nor L1 header. */
#define TS_ROLL_FRAME_REST 4096u

/* How far one enclave is from being of use.
 *
 *   DOWN ─▶ CONNECTING ─▶ IDENTIFYING ─▶ LOADING ─▶ CATCHING_UP ─▶ JOINING ─▶ READY
 *     ▲                        │  └──────(signed already)──▶┘                   │
 *     └── link lost, deadline missed ◀──────────────────────────────────────────┘
 *                              └─▶ BENCHED: off the chain, halted, foreign: told to exit, fed
 * nothing
 *
 * SHUT: corrupted; now and then the host looks whether another enclave stands in its place */
enum member_phase {
    M_DOWN,
    M_CONNECTING,
    M_IDENTIFYING,
    M_LOADING,
    M_CATCHING_UP,
    M_JOINING,
    M_READY,
    M_BENCHED,
    M_SHUT
};

/* What an enclave said of the prepared batch. */
enum vote { VOTE_NONE, VOTE_FED, VOTE_ACCEPTED, VOTE_REFUSED };

/* What the batches asked from the store are for. */
enum load_why { LOAD_NONE, LOAD_JUDGE, LOAD_SEALED, LOAD_FEED };

struct request {
    uint64_t id;
    uint64_t type;
    uint64_t sent_us;
    uint64_t allow_us; /* time to answer, from when it is first in line */
    uint64_t work;     /* transactions in it; ROLLUP: as roll_cost counts */
    bool queued;       /* others were before it in the line */
    uint64_t ref;      /* ACCEPT: batch number; QUERY: query id; REGISTER: the order's token */
    ts_hash hash;      /* ACCEPT: of the batch */
};

struct member {
    unsigned link;
    enum member_phase phase;
    bool known; /* it has named itself: whether truly is shown by proven */
    ts_address id;
    bool named;  /* on this connection */
    bool proven; /* on this link: a report by id that nobody can have from the chain */
    bool useful; /* on this connection: it has accepted or sealed a batch */
    ts_hash boot_id;
    ts_time boot_time;
    uint64_t state; /* enum ts_enclave_state, as last answered */
    struct ts_msg_head head;
    uint64_t active_term; /* of its Active when state is ACTIVE */

    /* Newest verified events. */
    bool has_report;
    struct ts_restart_event report;
    struct ts_lifecycle_event transitions[TS_MAX_UNPUBLISHED];
    size_t n_transitions;

    struct request fifo[TS_MAX_REQUESTS];
    size_t fifo_at, fifo_n;
    uint64_t next_request_id;
    uint64_t line_since_us; /* when the first request became first */
    uint64_t last_traffic_us;
    uint64_t srtt_us, rttvar_us, per_tx_us;
    bool has_srtt;

    uint64_t retry_us; /* DOWN: when to connect */
    uint64_t backoff_us;
    uint64_t bench_us; /* BENCHED, SHUT: when to look again */
    unsigned doubts;   /* bad answers by nobody known, in a row */
    bool tried;        /* one connect attempt since start has ended */
    bool said_ready;   /* on this connection */

    bool corrupted, drained, leaving;
    bool exit_asked; /* after LEAVING */
    bool suspect;
    uint64_t suspect_number;
    ts_hash suspect_boot;
    uint64_t cool_until_us, cool_us;
    char reason[200];

    /* Joining. */
    struct ts_msg_head sealed[8];
    size_t n_sealed;
    struct ts_msg_head loading; /* what LOAD asked for */
    bool from_genesis;          /* which was the genesis: the last try */
    bool loading_store;         /* an OUT_LOAD for this member is under way */
    uint64_t load_until_us;
    enum load_why load_for;
    uint64_t fed; /* number up to which it has or was sent all batches, on this connection */
    uint64_t load_token;
    uint64_t said_us, said_head; /* progress of catching up, as last told */
    unsigned wrong_refusals;     /* of batches that others accepted */
    bool rolling;                /* it makes a rollup */
    uint64_t roll_failed_us;     /* when it last failed to make one; 0: never */
    uint64_t roll_slowness;      /* measured against roll_cost, in thousandths; 0: not known */
    bool snapshotting;
    uint64_t snapshot_at; /* head number of its newest checkpoint */

    enum vote vote;
    bool waits_for_l1; /* IDENTIFYING: what it offers names an L1 block that was asked for */
    bool has_offers;   /* it keeps batches of its own above our head */
    bool is_ahead;     /* it signed for a head that our store should hold and does not */
    bool said_ahead;   /* that, since it was last found on the chain */
    bool elsewhere;    /* at the last try it said that it serves another host */
    bool said_early;   /* that its links end before it has named itself, since it last did */

    unsigned activations; /* asked for since it last sealed or accepted a new batch */
    uint64_t activated_us;
};

enum prepared_stage {
    P_NONE,
    P_STORING, /* not durable yet: nobody may see it */
    P_FEEDING, /* durable; passives execute it */
    P_COMMITTING,
    P_DISCARDING
};

struct rejected_tx {
    ts_hash hash;
    ts_err code;
    char text[200];
};

struct prepared {
    enum prepared_stage stage;
    ts_address producer;
    uint8_t *raw; /* owned */
    size_t n_raw;
    struct ts_arena arena;
    struct ts_batch batch;
    ts_hash hash;
    ts_hash *tx_hashes;           /* in arena */
    struct rejected_tx *rejected; /* in arena */
    size_t n_rejected;
    bool has_unknown; /* transactions in it that the pool did not hold */
    bool from_store;  /* prepared before this start */
    bool l1_gone; /* L1 went back behind the block that it names: it is discarded, or the last */
    uint64_t retry_us; /* a failed store step is tried again then */
    uint64_t since_us;
};

/* What the production line is doing while no batch is prepared. */
enum line { L_IDLE, L_ACTIVATING, L_STEPPING_DOWN, L_CREATING };

#define TS_POOL_ALSO 3
struct pool_tx {
    ts_hash hash;
    ts_address sender;
    uint64_t nonce;
    uint64_t seq;
    ts_u256 cost;
    uint8_t *raw; /* owned */
    size_t n_raw;
    enum { TX_UNCHECKED, TX_CHECKING, TX_STORING, TX_PENDING } state;
    uint64_t token;              /* of the user who waits; while not yet pending */
    uint64_t also[TS_POOL_ALSO]; /* of others who sent the same meanwhile */
    unsigned n_also;
    bool is_orphan;              /* STORING: one of the sender's before it was not stored */
    uint64_t until_us;           /* UNCHECKED: give up then */
    bool taken;                  /* in the prepared batch or in its list of rejected */
    struct pool_tx *prev, *next; /* in the order of arrival */
};

struct sender {
    uint64_t next_nonce; /* after its newest pending or lately included one */
    uint64_t count;      /* pending */
    uint64_t touched;    /* head number of the last change */
    ts_u256 cost;        /* of the pending ones */
};

struct query {
    uint64_t id;
    uint64_t token;
    enum ts_query_kind kind;
    uint8_t *arg; /* owned */
    size_t n_arg;
    uint64_t until_us;
    int member;    /* asked, or TS_NOBODY */
    unsigned lost; /* so many enclaves were lost with it */
    struct ts_msg_head
        head;        /* that an answer rests on which waits for its batch; so too the next */
    uint8_t *answer; /* owned; NULL: none waits */
    size_t n_answer;
    struct query *next;
};

struct store_step {
    uint64_t token;
    enum {
        STEP_TXS,
        STEP_UNDO, /* of one of TXS; nothing waits for it */
        STEP_PREPARED,
        STEP_COMMIT,
        STEP_DISCARD,
        STEP_TERM,
        STEP_META
    } what;
    struct ts_arena arena; /* ops and what they point to */
    struct ts_store_op *ops;
    size_t n_ops;
    uint64_t value; /* STEP_TERM: the term that becomes reserved */
    int setting;    /* STEP_META: enum setting, or -1 */
    bool has_reply; /* STEP_META: whoever gave the order waits for it */
    uint64_t reply;
    struct store_step *next;
};

struct switch_request {
    bool wanted;
    bool started; /* the successor has been asked */
    bool has_token;
    bool done_down; /* the old active has stepped down */
    uint64_t token;
    uint64_t until_us; /* given up then, if not started */
    int to;            /* member */
    int from;          /* member, or TS_NOBODY */
    ts_address to_id, from_id;
    const char *why; /* static: "asked for", "drained", "leaving" */
};

struct id_set {
    ts_address ids[TS_HOST_MAX_ENCLAVES];
    size_t n;
};

/* An L1 block that this host was told of, or that a stored batch names. */
struct l1_known {
    uint64_t number;
    ts_hash hash;
    ts_time time;
    uint8_t *header; /* owned */
    size_t n_header;
    bool has_whitelist; /* L1 said what the whitelist is after it */
    ts_address whitelist[TS_MAX_WHITELIST];
    size_t n_whitelist;
    struct ts_l1_evidence evidence; /* of the same */
};

#define TS_L1_KNOWN 64
struct l1_host {
    struct l1_known known[TS_L1_KNOWN]; /* in the order they came */
    size_t n_known;
    bool has_newest; /* confirmed one, since the start */
    uint64_t newest;
    ts_hash newest_hash;
    uint64_t asked, asked_us; /* number of a block that was asked for; 0: none */
    bool is_doubted; /* L1's newest, not confirmed blocks do not have the one that the head names */
    bool stopped;    /* for good: what the chain names is gone from L1 */
    bool fault_said;
    char reason[200];
};

/* A rollup on its way to L1. */
struct flight {
    struct ts_rollup made;
    uint64_t job;      /* token of the submission */
    bool is_submitted; /* it is on L1, as who submits says: the follower has not told it yet */
    uint64_t since_us; /* when it was made, or submitted */
};

/* Where a rollup ended: batch, its hash, and the protocol root after it. */
struct roll_end {
    uint64_t number;
    ts_hash hash;
    ts_hash root;
};

#define TS_ROLL_FLIGHTS 3
struct roll {
    /* The newest rollup on confirmed L1: its last batch; durable when no step is under way. */
    uint64_t number;
    unsigned n_storing;
    ts_hash hash;
    ts_hash root;
    bool is_foreign;   /* it is not of this chain: nothing more is published; durable too */
    uint64_t since_us; /* when the last one was made, or told; or when the host began */
    uint64_t pending_txs_bytes; /* of batches committed since the last range was read */
    bool is_due; /* what is left of a full range, or of one that failed, waits for nothing more */
    uint64_t retry_us, backoff_us;
    bool failure_said;

    struct flight flights[TS_ROLL_FLIGHTS]; /* each begins where the one before it ends */
    size_t n_flights;
    enum { R_IDLE, R_LOADING, R_READY, R_ASKING } stage; /* of the one in work, behind them */
    uint64_t began_us;                                   /* LOADING: when the store was asked */
    uint64_t ready_us; /* when the range was first read; 0: not yet */
    uint64_t load_token;
    uint64_t target;                 /* the head when it began */
    struct ts_arena arena;           /* what range and above point to */
    struct ts_msg_range_item *range; /* owned, of TS_ROLLUP_MAX_BATCHES; NULL before the first */
    size_t n_range;
    size_t bytes; /* of its transactions */
    size_t frame; /* bytes of range and above in a message */
    bool range_is_full;
    size_t most; /* batches, after a range whose data took more than a rollup may; 0: no such */
    uint64_t cost_max; /* as roll_cost counts */
    ts_bytes *above;   /* owned, of TS_MAX_ABOVE: headers behind the range; NULL before the first */
    size_t n_above;
    uint64_t first;
    uint64_t last; /* of the range; so too the next three */
    ts_hash last_hash;
    ts_hash work_root;
    ts_sig seal;
    ts_hash first_parent; /* as its first batch says */
    ts_hash behind;       /* as L1 told, or will */
    uint64_t l1_number;   /* that it names */
    ts_hash l1_hash;
    int member; /* ASKING */
};

/* What operators and verdicts leave behind; durable. */
enum setting {
    SETTING_PAUSED,
    SETTING_DRAINED,
    SETTING_CORRUPTED,
    SETTING_REQUESTED,
    SETTING_ROLLUP,
    N_SETTINGS
};

/* OUT_CORRUPTED, in this run. */
struct replacing {
    ts_address id, to;
    uint64_t again_us; /* it came to nothing: told again then; 0: not heard of since */
};

struct ts_host {
    const struct ts_genesis *genesis;
    ts_bytes genesis_raw;
    struct ts_host_settings set;
    const struct ts_crypto *crypto;
    struct ts_verified *verified; /* signatures found good before */
    struct ts_chain chain;        /* up to the committed head */
    struct ts_effect *effect;     /* of the prepared batch */
    struct ts_now now;
    uint64_t wake_us; /* when the next tick is due */

    struct member *members;
    unsigned n_members;

    struct prepared prep;
    enum line line;
    int producer;      /* who is asked in ACTIVATING and CREATING */
    uint64_t excluded; /* bit per member: its events were refused for this number */
    uint64_t next_batch_us;
    uint64_t line_since_us;
    ts_hash *discarded; /* hashes, of numbers above discarded_floor */
    size_t n_discarded, cap_discarded;
    uint64_t hold_number, hold_until_us; /* after a dispute */
    struct id_set losers;                /* of disputes before the host's start */
    bool taking_over;
    uint64_t takeover_since_us;
    ts_hash *offered; /* hashes of the transactions in the CREATE under way */
    size_t n_offered;
    struct ts_arena create_arena;

    /* Durable, by id: they outlive links and restarts. requested: of the corrupted, whose
     * replacement stands on L1 as a request. */
    struct id_set drained, corrupted, requested;
    struct {
        struct replacing told[TS_HOST_MAX_ENCLAVES];
        size_t n;
    } repl;
    bool setting_failed[N_SETTINGS];
    uint64_t settings_retry_us; /* 0: nothing to try again */
    uint64_t tick_us;           /* when the batch in hand was due */
    bool under_quorum_said;
    int last_producer; /* whose turn it was, to go round */

    uint64_t term_handed, term_reserved;
    bool term_storing;
    bool paused, stopping, stopped, storage_bad;
    uint64_t grace_until_us;
    bool settled;
    bool chain_has_grown; /* a batch was committed since the start */
    bool store_is_behind; /* found at the start: the store is an old copy; nothing is produced */
    char switch_reason[200];
    bool no_candidate_said;
    struct switch_request sw;

    struct ts_map pool_by_hash; /* → struct pool_tx * */
    struct ts_map senders;      /* → struct sender */
    struct pool_tx *pool_first, *pool_last;
    uint64_t pool_n, pool_bytes, next_seq;
    uint64_t unchecked_n;
    uint64_t expire_us; /* when those that nobody checked are looked through again */
    bool pool_storage_bad;
    int checker; /* member with a CHECK under way, or TS_NOBODY */
    struct l1_host l1;
    struct roll roll;
    struct query *queries;
    uint64_t n_queries, next_query;

    struct store_step *steps;
    uint64_t next_token;
    struct ts_arena arena; /* one step's outputs and decoding */
    struct ts_host_output *out;
    size_t n_out, cap_out;
    struct ts_host_counters counters;
};

void *host_alloc(size_t n); /* zeroed; out of memory ends the process, which loses nothing (ADR) */

/* out.c */
struct ts_host_output *out_push(struct ts_host *h, enum ts_host_out kind);
void out_event(struct ts_host *h, int level, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void out_reply_error(struct ts_host *h, uint64_t token, ts_err err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void out_reply_bytes(struct ts_host *h, uint64_t token, ts_bytes bytes);
/* A durable step under construction; step_op adds to it, step_send gives it out. */
struct store_step *step_new(struct ts_host *h, int what, size_t max_ops);
struct ts_store_op *step_op(struct store_step *s, enum ts_store_op_kind kind);
void step_send(struct ts_host *h, struct store_step *s);
/* The step is returned so that more can be noted in it. */
struct store_step *put_meta(struct ts_host *h, const char *key, ts_bytes value);
/* What an enclave said, as printable ASCII of at most 300 bytes. */
const char *said(struct ts_host *h, ts_bytes text);
const char *short_id(struct ts_host *h, const ts_address *id);

/* member.c */
void member_connect(struct ts_host *h, struct member *m);
void member_link_up(struct ts_host *h, struct member *m);
void member_link_down(struct ts_host *h, struct member *m, const char *why);
void member_frame(struct ts_host *h, struct member *m, ts_bytes frame);
void member_tick(struct ts_host *h, struct member *m);
uint64_t member_wake(const struct ts_host *h, const struct member *m);
/* Sends a request; false when the line is full. work: transactions in it, or roll_work. */
bool member_ask(struct ts_host *h, struct member *m, struct ts_msg *msg, uint64_t work,
                uint64_t ref);
/* The same for ACCEPT. l1_header: of the L1 block that the batch names, empty without L1. */
bool member_ask_accept(struct ts_host *h, struct member *m, ts_bytes batch, ts_bytes l1_header,
                       uint64_t work, uint64_t number, const ts_hash *hash);
/* Ends the connection and connects anew after the back-off. */
void member_reset(struct ts_host *h, struct member *m, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Ends the connection and looks again after wait_us. */
void member_set_aside(struct ts_host *h, struct member *m, uint64_t wait_us, const char *format,
                      ...) __attribute__((format(printf, 4, 5)));
/* Fed nothing, told to exit; looked at again when its next process connects. */
void member_bench(struct ts_host *h, struct member *m, bool tell_exit, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A wrong answer. Who has proven its identity is marked, for good; who has not may be anybody in
 * its name, and is only shown the door. */
void member_corrupt(struct ts_host *h, struct member *m, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Corrupted: the link is closed. */
void member_shut(struct ts_host *h, struct member *m);
int member_index(const struct ts_host *h, const struct member *m);
struct member *member_by_id(struct ts_host *h, const ts_address *id);
bool member_whitelisted(const struct ts_host *h, const struct member *m);
/* Takes over the events of an answer after checking them; false: the member was dealt with. */
bool member_events(struct ts_host *h, struct member *m, const struct ts_msg_events *e);
bool member_take_events(struct ts_host *h, struct member *m, bool has_report,
                        const struct ts_restart_event *report,
                        const struct ts_lifecycle_event *transitions, size_t n);

/* join.c */
void join_identify(struct ts_host *h, struct member *m);
void join_identity(struct ts_host *h, struct member *m, const struct ts_msg_identity *a);
void join_offered(struct ts_host *h, struct member *m, const struct ts_msg_offered *a);
void join_loaded_head(struct ts_host *h, struct member *m, const struct ts_msg_head *a);
void join_refused_load(struct ts_host *h, struct member *m);
void join_from_store(struct ts_host *h, struct member *m, const struct ts_host_input *in);
void join_advance(struct ts_host *h, struct member *m);
bool join_is_on_chain(const struct ts_host *h, const struct ts_msg_head *head);
void join_told(struct ts_host *h, struct member *m);
/* An L1 block came: whoever waits for one is asked for its offers again. */
void join_l1(struct ts_host *h, struct member *m);

/* failover.c */
bool is_up(const struct ts_host *h, const struct member *m);
#define NO_ROOM "it has no room for another unpublished transition"
/* NULL when m may be activated now, else why not. */
const char *candidate_fault(const struct ts_host *h, const struct member *m);
/* Its activations came to nothing, several in a row: the next try is later. */
bool is_tired(const struct ts_host *h, const struct member *m);
/* Who is active here and can go on; a suspect one only with suspects. */
int choose_producer(const struct ts_host *h, bool suspects);
int choose_successor(const struct ts_host *h, int except);
void hold_against(struct ts_host *h, struct member *m, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void make_suspect(struct ts_host *h, struct member *m, uint64_t number);
void producer_lost(struct ts_host *h, struct member *m);
bool start_settled(struct ts_host *h);
/* While nothing was committed since the start: may the store be an old copy? */
bool store_may_be_old(const struct ts_host *h);
/* Nothing was committed since the start, and of the enclaves as many as not stand above the store
 * or serve another host, while none that has signed is on our chain: fresh boots are not touched,
 * and what stood prepared is not committed, since whoever is wrong here makes a second line. One
 * liar among several restarted enclaves is outvoted. */
bool must_keep_off(const struct ts_host *h);
/* False while the store is known to be an old copy: going on would make a second line. */
bool store_is_newest(struct ts_host *h);

/* produce.c */
void produce_advance(struct ts_host *h);
uint64_t produce_wake(const struct ts_host *h);
void produce_activated(struct ts_host *h, struct member *m, const struct ts_msg_events *e);
void produce_stepped_down(struct ts_host *h, struct member *m);
void produce_created(struct ts_host *h, struct member *m, const struct ts_msg_created *c);
void produce_refused(struct ts_host *h, struct member *m, uint64_t type,
                     const struct ts_msg_error *e);
void produce_member_lost(struct ts_host *h, struct member *m);
void produce_reserve_term(struct ts_host *h);
void produce_stock_terms(struct ts_host *h);

/* commit.c */
/* Tries to make raw the prepared batch. c: the answer it came in, or NULL for an offer.
 * TS_E_CONFLICT: another batch is prepared, or this one was discarded, or L1 does not have the
 * block that it names, which fault then says. */
ts_err prepared_take(struct ts_host *h, struct member *creator, ts_bytes raw,
                     const struct ts_msg_created *c, struct ts_fault *fault);
/* m's answer to an ACCEPT; text: why it refuses, or NULL: it has accepted. */
void prepared_vote(struct ts_host *h, struct member *m, const struct request *r, const char *text);
/* Whether the batch that r fed is discarded by now. */
bool prepared_gone(const struct ts_host *h, const struct request *r);
void prepared_feed(struct ts_host *h, struct member *m);
/* What becomes of the prepared batch, once enough is known. */
void prepared_evaluate(struct ts_host *h);
void prepared_retry(struct ts_host *h);
void prepared_stored(struct ts_host *h, int what, ts_err err);
bool prepared_is_discarded(const struct ts_host *h, const ts_hash *hash);
void prepared_note_discarded(struct ts_host *h, const ts_hash *hash);

/* switch.c */
void admin_input(struct ts_host *h, const struct ts_host_input *in);
void admin_registered(struct ts_host *h, struct member *m, const struct request *r,
                      const struct ts_msg_registered *a);
void switch_failed(struct ts_host *h, const char *why);
void switch_committed(struct ts_host *h);
void switch_leaving(struct ts_host *h, struct member *m);
/* The batch that makes the switch is sealed: it decides. */
bool switch_sealed(const struct ts_host *h);
/* An active enclave that is drained or about to end gives way as soon as another can take over. */
void switch_relieve(struct ts_host *h, int active);
void switch_expire(struct ts_host *h);
/* What outlives a restart: "term", "paused", "drained", "corrupted", "requested". */
ts_err settings_load(struct ts_host *h, const char *key, ts_bytes value);
void settings_put(struct ts_host *h, enum setting which);
void settings_stored(struct ts_host *h, const struct store_step *s, ts_err err);
void settings_retry(struct ts_host *h);
bool id_set_has(const struct id_set *s, const ts_address *id);
/* When the set is full, an id that is whitelisted no more makes room; false: none is. */
bool id_set_add(const struct ts_host *h, struct id_set *s, const ts_address *id);
void id_set_remove(struct id_set *s, const ts_address *id);

/* mempool.c */
void pool_add(struct ts_host *h, const struct ts_host_input *in);
void pool_load(struct ts_host *h, const struct ts_store_tx *stored);
void pool_advance(struct ts_host *h);
uint64_t pool_wake(const struct ts_host *h);
void pool_verdicts(struct ts_host *h, ts_bytes answer);
void pool_check_lost(struct ts_host *h);
void pool_stored(struct ts_host *h, struct store_step *s, ts_err err);
/* Picks transactions for a batch: borrowed until they leave the pool. */
void pool_pick(struct ts_host *h, size_t max_bytes, ts_bytes *txs, ts_hash *hashes, size_t max,
               size_t *n);
void pool_take(struct ts_host *h, const ts_hash *hashes, size_t n, bool taken);
bool pool_is_taken(const struct ts_host *h, const ts_hash *hash);
bool pool_has(const struct ts_host *h, const ts_hash *hash);
/* They leave the pool: included or rejected with the batch just committed. */
void pool_remove(struct ts_host *h, const ts_hash *hashes, size_t n, bool included);
void pool_forget_senders(struct ts_host *h);

/* l1.c */
bool l1_is_used(const struct ts_host *h);
/* IN_L1_BLOCK and IN_L1_REORG. */
void l1_input(struct ts_host *h, const struct ts_host_input *in);
/* The head was being committed when L1 said that the block which it names is gone. */
void l1_committed_gone(struct ts_host *h);
/* Whether one of these says that L1 does not have this block. */
bool l1_denies(const struct ts_host_input *in, uint64_t number, const ts_hash *hash);
/* The header that a stored batch names. */
void l1_load_header(struct ts_host *h, ts_bytes header);
void l1_free(struct ts_host *h);
/* Asks whether L1 still has the block that the head names, and the one that a batch names which was
 * prepared before this start, where it has not said so. */
void l1_advance(struct ts_host *h);
/* The second is not known yet. */
bool l1_waits_for_prepared(const struct ts_host *h);
/* The L1 block that the next batch names: the newest confirmed one, and while that is not known, or
 * L1 has not said that it has the one that the head names, that one. NULL: none is known. */
const struct l1_known *l1_reference(const struct ts_host *h);
/* Why no batch can be made for want of L1, or NULL; said once when it begins and when it ends. */
const char *l1_fault(struct ts_host *h);
/* Whether m will be on the whitelist after the next batch. */
bool l1_lists(const struct ts_host *h, const struct member *m);
/* The same of an enclave that need not be here; where L1 has not spoken it is true. */
bool l1_lists_id(const struct ts_host *h, const ts_address *id);
/* The whitelist change that the next batch must announce, its lists from the arena; false: none. */
bool l1_change(struct ts_host *h, struct ts_arena *arena, struct ts_whitelist_change *out);
/* The same as the body of a notice; empty: none. */
ts_bytes l1_notice(struct ts_host *h, struct ts_arena *arena);
/* The L1 block that a sealed batch names, for its check; *evidence is NULL without L1. TS_E_L1: it
 * is not known here, which may change. TS_E_CONFLICT: L1 has another one of this number. */
ts_err l1_check(struct ts_host *h, const struct ts_batch *b, const struct ts_l1_evidence **evidence,
                struct ts_fault *fault);
/* Then, with the batch's effect: whether it announces what L1 says. */
ts_err l1_check_whitelist(const struct ts_host *h, const struct ts_batch *b,
                          struct ts_fault *fault);
void l1_ask(struct ts_host *h, uint64_t number);
/* Empty: not known, or there is no L1. */
ts_bytes l1_header_of(const struct ts_host *h, const struct ts_batch_header *e);

/* replace.c */
void replace_begin(struct ts_host *h); /* after all loading */
void replace_advance(struct ts_host *h);
void replace_done(struct ts_host *h, const struct ts_host_input *in); /* IN_REQUESTED */

/* rollup.c */
bool rollup_is_used(const struct ts_host *h);
/* What put_meta "rollup" kept. */
ts_err rollup_load(struct ts_host *h, ts_bytes value);
/* After all loading: when what L1 holds is not of this chain, that is said. */
void rollup_begin(struct ts_host *h);
/* What L1 told goes to disk; done: it has, or has failed. */
struct store_step *rollup_put(struct ts_host *h);
void rollup_put_done(struct ts_host *h);
bool rollup_is_stored(const struct ts_host *h);
void rollup_free(struct ts_host *h);
void rollup_batch_committed(struct ts_host *h, const struct ts_batch *b);
/* IN_ROLLUP, IN_ROLLBACK and IN_SUBMITTED. */
void rollup_confirmed(struct ts_host *h, const struct ts_rollup *rollup);
void rollup_rolled_back(struct ts_host *h, const struct ts_l1_rollback *back);
void rollup_submitted(struct ts_host *h, const struct ts_host_input *in);
/* IN_L1_BLOCK and IN_L1_REORG: what names a block that is gone is made anew. */
void rollup_l1(struct ts_host *h, const struct ts_host_input *in);
/* An OUT_LOAD of it. */
bool rollup_waits_for(const struct ts_host *h, uint64_t load_token);
void rollup_loaded(struct ts_host *h, const struct ts_host_input *in);
void rollup_answered(struct ts_host *h, struct member *m, const struct ts_msg_rolled *a);
void rollup_refused(struct ts_host *h, struct member *m, const struct ts_msg_error *e);
void rollup_member_lost(struct ts_host *h, struct member *m);
void rollup_advance(struct ts_host *h);
uint64_t rollup_wake(const struct ts_host *h);

/* roll_range.c */
/* Begins to read what follows, as much as maker may be given. */
void roll_range_begin(struct ts_host *h, const struct member *maker, const struct roll_end *behind);
/* What the store gave. NULL, or why it is of no use. first_parent is known from then on. */
const char *roll_range_take(struct ts_host *h, const struct ts_host_input *in);
/* Whether range and above are all that an enclave must be given now. */
bool roll_range_is_shown(const struct ts_host *h);
/* Reads on until they are. */
void roll_range_go_on(struct ts_host *h);

/* roll_maker.c */
/* Who makes the next rollup, or TS_NOBODY. */
int roll_choose_maker(const struct ts_host *h);
/* m did not make the one it was asked for: the others come first from now on. */
void roll_maker_failed(struct ts_host *h, struct member *m);
/* What a rollup costs that m can make without a batch being late; UINT64_MAX: anything. */
uint64_t roll_cost_max(const struct ts_host *h, const struct member *m);
/* Microseconds that so many batches and bytes of transactions took where they were measured; of
 * what is in work, the headers above the range included. */
uint64_t roll_cost(size_t batches, size_t bytes);
uint64_t roll_work(const struct roll *r);
/* The same at m, as far as is known. */
uint64_t roll_time_us(const struct member *m, uint64_t work);
void roll_learn(struct member *m, uint64_t work, uint64_t took_us);
/* Whether the range in work was read for one that may be given more than m. */
bool roll_is_too_much(const struct ts_host *h, const struct member *m);
/* Whether m has time for the range in work before the next batch is due. */
bool roll_has_time(const struct ts_host *h, const struct member *m);

/* query.c */
void query_add(struct ts_host *h, const struct ts_host_input *in);
void query_advance(struct ts_host *h);
uint64_t query_wake(const struct ts_host *h);
void query_answered(struct ts_host *h, uint64_t id, const struct ts_msg_query_answer *a);
void query_refused(struct ts_host *h, uint64_t id, const struct ts_msg_error *e);
void query_member_lost(struct ts_host *h, struct member *m);

#endif
