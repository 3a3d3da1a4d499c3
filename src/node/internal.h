/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the node core share. Which way a batch goes:
 *
 *     feed ─▶ ahead (pushed) or range (asked for) ─▶ run (signatures) ─▶ checked: the chain moves
 *          ─▶ entry (one durable step for many) ─▶ stored: told, relayed, given to the enclave
 *
 * follow.c    peers: connect, greet, drop, back off
 * catchup.c   ranges: what to ask of whom
 * pipeline.c  runs: check, and hand to the store
 * commit.c    entries: durable steps
 * gossip.c    pushed batches, other lines, evidence
 * clock.c     times of batches against the own clock
 * old_evidence.c  second batches that servers have kept
 * findings.c  the audit: what it is fed, what it says
 * l1.c        L1's word on the blocks that batches name; l1_words.c  what was said of which block
 * rollups.c   rollups that come, wait and are kept; rollup_check.c  is a rollup the chain's?
 * line.c      a rollup decides for another line
 * forward.c   transactions
 * validator.c, validator_feed.c   the attached enclave */
#ifndef TS_NODE_INTERNAL_H
#define TS_NODE_INTERNAL_H

#include "audit/record.h"
#include "base/arena.h"
#include "base/log.h"
#include "chain/rollup.h"
#include "chain/rollup_record.h"
#include "net/feed_session.h"
#include "node/core.h"

#define NODE_AHEAD               64 /* how far above the head a pushed batch is kept */
#define NODE_AHEAD_BYTES         (8u * 1024 * 1024)
#define NODE_RANGES              64
#define NODE_PUSH_FEW            8 /* batches in one durable step that are still pushed one by one */
#define NODE_EVIDENCE_MAX        1024
#define NODE_EVIDENCE_PER_NUMBER 4  /* of each kind */
#define NODE_PROBE               64 /* batches looked at when a peer seems to follow another line */
#define NODE_REFUSED             8 /* refused batches whose payload may turn out to be an edited one */
#define NODE_SHOWINGS            16 /* batches of ours on their way to who has another */
#define NODE_TEXT                200
#define NODE_TOLD                32 /* second batches that servers told of, to be looked at */
#define NODE_TOLD_BYTES          (8u * 1024 * 1024)
#define NODE_EDITED_MAX          64 /* edited payloads that are kept: any peer can make them */
#define NODE_SETTLING            64 /* callers who wait for the store */

/* Who gave us something: a feed of ours, or a subscriber. */
struct source {
    bool is_subscriber;
    unsigned link;
    uint64_t peer;
};

/* ---- peers ---- */

/* PARTED: it is shown our batch where the lines part (probe_from), then it is dropped. */
enum probe_state { PROBE_NONE, PROBE_WANTED, PROBE_ASKED, PROBE_PARTED };

struct peer {
    enum ts_node_peer_state state;
    struct ts_feed_session session;
    uint64_t due_us;    /* DOWN: connect then; CONNECTING: given up then */
    uint64_t up_us;     /* since when UP */
    uint64_t answer_us; /* its newest answer to a GET */
    unsigned attempts;  /* to connect, since it was last useful */
    unsigned offences;
    uint64_t offence_us; /* the newest */
    uint64_t head;       /* highest it claims */
    uint64_t batches;
    uint64_t drops;
    uint64_t poll_id; /* 0: none */
    enum probe_state probe;
    uint64_t probe_id, probe_from, probe_to;
    bool is_proven; /* gave a valid batch since it is up: its claims count for our state */
    bool is_slow;   /* a range had to be asked of another instead; until its next answer */
    char reason[NODE_TEXT];
};

/* Our batch at a number, to be shown beside another one. */
struct own_showing {
    uint64_t number; /* 0: free */
    uint64_t token;  /* of OUT_LOAD; 0: it is not durable yet */
    bool to_all;     /* to peers and subscribers */
    unsigned link;   /* else to this peer, which is PARTED there */
};

/* A pushed batch, and when it came. */
struct arrival {
    uint64_t number;
    ts_time time, own;
};

#define NODE_OWN_LINK TS_NODE_MAX_PEERS /* no peer's */

/* A second batch that a server told of, or perhaps one: L1 denied it, and the chain may have
 * another. Once it is judged it may wait for L1's word. */
struct told {
    uint64_t number; /* 0: free */
    uint64_t token;  /* of OUT_LOAD; 0: the chain has not come so far */
    uint64_t l1;     /* it is judged, and this is the block it names; 0: it is not */
    ts_hash id;      /* of the evidence that it would be */
    ts_hash parent_root;
    ts_bytes raw;  /* owned */
    unsigned link; /* or NODE_OWN_LINK */
};

/* ---- batches on their way ---- */

struct ahead {
    uint64_t number; /* 0: free */
    ts_bytes raw;    /* owned */
    struct source source;
};

enum range_state { RANGE_WANTED, RANGE_ASKED, RANGE_HELD };

struct range {
    enum range_state state;
    uint64_t from, count;
    uint64_t asked_us;
    unsigned link; /* ASKED */
    uint64_t id;
    bool has_hedge; /* asked of a second peer too */
    unsigned hedge_link;
    uint64_t hedge_id;
    ts_bytes *raws; /* HELD: count of them, owned, as is the array */
    struct source source;
};

enum run_state { RUN_WAITING, RUN_SENT, RUN_DONE };

/* Consecutive batches of one source whose signatures are checked together. */
struct run {
    struct run *next;
    enum run_state state;
    bool is_dead; /* SENT and no longer wanted: freed when it comes back */
    uint64_t token;
    uint64_t from;
    size_t n;
    size_t at; /* the next to check; those before it have been moved on */
    ts_bytes *raws;
    ts_hash root; /* the protocol root before the first, if what came before is sound */
    struct source source;
    struct ts_recovered *found;
    size_t n_found;
    uint64_t *l1; /* L1 blocks that they name, each once; NULL: none, or L1 is not followed */
    size_t n_l1;
};

/* What L1 says of a block; shared by all who need it. */
struct l1_word {
    unsigned users;
    struct ts_l1_evidence at;
    ts_bytes header;       /* owned */
    ts_address *whitelist; /* after it; owned */
    size_t n_whitelist;
};

/* One thing to be made durable. */
struct entry {
    bool is_evidence;
    bool is_rollup; /* record is one of a rollup of batches first to number */
    uint64_t first;
    bool is_rollback;   /* the records of rollups from batch first on go; and the line is not */
    bool unpins;        /* followed any more that one of them decided for */
    bool is_quiet;      /* evidence that is no conflicting batch, and is not relayed */
    struct l1_word *l1; /* the block that the batch names; NULL: L1 is not followed */
    bool stores_l1;     /* its header is not stored yet */
    uint64_t number;
    ts_hash hash;
    struct ts_head head; /* the chain's after this batch */
    ts_bytes raw;        /* the batch, owned */
    ts_hash *tx_hashes;
    size_t n_txs;
    ts_bytes record; /* evidence: what is stored, owned */
    ts_hash id;      /* evidence: its id */
    struct source source;
};

struct entries {
    struct entry *e;
    size_t n, cap;
};

/* ---- transactions ---- */

#define NODE_TX_TOKENS 8

struct forward {
    bool is_used;
    bool is_asked;  /* a peer has been asked and has neither answered nor been given up */
    bool was_asked; /* some peer was */
    unsigned link;
    uint64_t id;
    ts_hash hash;
    uint8_t *raw;
    size_t n;
    uint64_t end_us; /* then it fails */
    uint64_t try_us; /* then the next peer is asked */
    uint64_t tried;  /* bit per link */
    uint64_t tokens[NODE_TX_TOKENS];
    size_t n_tokens;
    ts_err err; /* the newest refusal that was not final */
    char text[NODE_TEXT];
};

struct forwards {
    struct forward *f;
    size_t n, cap, used;
    size_t bytes;
    uint32_t *spare; /* free slots among the n */
    size_t n_spare;
    struct ts_map by_hash; /* ts_hash → uint32_t slot */
    struct ts_map by_ask;  /* link, id → uint32_t slot */
};

/* ---- the enclave ---- */

#define NODE_ENC_PENDING 320
#define NODE_ENC_QUERIES 256

struct enc_request {
    uint64_t id;
    uint64_t type;           /* enum ts_msg_type */
    struct ts_msg_head head; /* ACCEPT: what it should stand at */
    uint64_t token;          /* QUERY */
    uint64_t sent_us;
};

struct validator {
    enum ts_node_enclave_state state;
    uint64_t due_us; /* DOWN: connect; CONNECTING: given up; DISPUTE: try again */
    unsigned attempts;
    uint64_t next_id;
    uint64_t answer_us;
    struct enc_request pending[NODE_ENC_PENDING]; /* a ring: answers come in order */
    size_t first, n_pending, n_accepts, n_queries;
    bool is_identified;
    ts_address id;
    struct ts_msg_head head;
    struct ts_msg_head places[16]; /* where it may stand or start, best first */
    size_t n_places, at_place;
    bool is_current;     /* places[0] is where it stands */
    uint64_t load_token; /* of OUT_LOAD; 0: none */
    uint64_t next_feed;
    bool wants_l1;        /* the header of an L1 block is missing: */
    uint64_t l1_wanted;   /* of this one */
    uint64_t snapshot_at; /* its newest checkpoint */
    bool is_snapshotting;
    bool is_sync_asked;
    bool is_leaving; /* it was told to end */
    bool can_load;   /* it has nothing loaded, or may start over */
    uint64_t disputes, disputed;
    char reason[NODE_TEXT];
};

/* ---- L1 ---- */

#define NODE_L1_CLAIMS 256 /* blocks named by the chain before this node saw them confirmed */

struct l1_slot {
    uint64_t number;
    bool is_used;
    bool is_asked;        /* an answer is on its way */
    bool is_settled;      /* the block was confirmed when L1 spoke of it: that is final */
    bool is_needed;       /* while planning */
    uint64_t asked_us;    /* when */
    uint64_t again_us;    /* it said something else than a batch: asked again then; 0: no */
    struct l1_word *word; /* NULL: not said yet */
};

struct l1_claim {
    uint64_t number;
    ts_hash hash;
    uint64_t batch; /* the first that names it */
};

struct l1_view {
    struct l1_slot slots[TS_NODE_L1_ASKS];
    struct l1_word *ref; /* of the block that the chain's head names; NULL: not heard */
    ts_hash stored;      /* of the newest block whose header went to the store */
    uint64_t confirmed;
    ts_time confirmed_time;                 /* 0: not heard */
    struct l1_claim claims[NODE_L1_CLAIMS]; /* ascending */
    size_t n_claims;
    const uint8_t *waiting; /* the first batch, which waits for L1's word; NULL: it does not */
    uint64_t waiting_batch, waits_for, since_us;
    bool is_woken;     /* something was heard since it was looked at */
    bool is_behind;    /* told so by an event */
    uint64_t ref_from; /* the first batch that names ref, as far as this run knows */
    bool is_stale;     /* told so by a finding */
    bool is_halted;
    char reason[NODE_TEXT];
};

/* ---- rollups ---- */

#define NODE_ROLLUPS      64 /* that wait */
#define NODE_ROLLUP_BYTES (32u * 1024 * 1024)
#define NODE_ROLLUP_LOAD  64 /* batches compared in one step */

struct held_rollup {
    struct ts_rollup_record record; /* text: what is found wrong already */
    ts_bytes data;                  /* owned */
    /* What shows that, when there is a text. */
    uint64_t shown_by;             /* number of the own batch; 0: none is needed */
    ts_hash own_hash, parent_root; /* of that batch, and before it */
    bool in_data;                  /* it stands in the data */
};

/* The check of the first that waits: own batches from checked + 1 to its last, in order. */
struct rollup_check {
    bool is_on;
    struct ts_arena arena;
    bool is_early;                   /* its signer may be listed by a batch that is not here yet */
    struct ts_rollup_batch *batches; /* of the rollup, in the arena; NULL: they do not decode */
    uint64_t at;                     /* the next own batch */
    uint64_t to;         /* the last that is compared: the rollup's, or the newest there is */
    ts_hash hash, root;  /* of the one before it */
    ts_hash parent_root; /* and before that */
    uint64_t load_token; /* 0: none under way */
    bool is_sound;       /* decoded, and signed by an enclave */
    bool has_other_parent, is_other_line;
    uint64_t parts; /* the first batch that differs; 0: none yet */
};

/* One that was checked. All are remembered, as the store does: some 100 bytes for each, so that
 * what was before one of them is known when governance takes it back. */
struct past_rollup {
    uint64_t last, l1_block;
    bool is_equal;
    ts_hash hash, root; /* the chain's, after its last batch */
};

struct rollups {
    struct held_rollup q[NODE_ROLLUPS]; /* a ring */
    size_t first, n, bytes;
    bool is_lost;      /* some came when there was no room */
    uint64_t retry_us; /* not before: memory is short */
    uint64_t short_us; /* not before: one that is longer than the own line is looked at */
    uint64_t told;     /* the last batch of the newest in the ring, or checked */
    uint64_t checked;
    ts_hash checked_hash, checked_root; /* the chain's, after that batch */
    struct rollup_check check;
    size_t unstored;
    uint64_t equal, wrong;
    struct past_rollup *past; /* owned, ascending */
    size_t n_past, cap_past;
    uint64_t published_to, final_to; /* batches */
    uint64_t final;                  /* L1 block */
};

/* ---- two lines ---- */

#define NODE_LINE_OPS 5

struct line {
    bool is_leaving, is_submitted;
    uint64_t from;
    struct ts_buf pin;
    struct ts_rollup rollup; /* whose line is followed, when batches is not NULL */
    struct ts_rollup_batch *batches;
    struct ts_arena arena;
};

/* A batch at head + 1 that was refused and that no seal covers as it came. */
struct refused {
    uint64_t number; /* 0: free */
    ts_hash hash;
    ts_hash root;     /* with the payload that it came with: */
    ts_bytes payload; /* owned */
};

/* ---- all of it ---- */

/* Of one kind, so that none takes the room of another. */
struct evidence_at {
    uint64_t number;
    uint64_t kind; /* enum ts_record_kind */
};

/* Who is answered after so many durable steps. */
struct settling {
    uint64_t token, after, until_us;
};

struct ts_node {
    struct ts_node_start start;
    struct ts_node_settings s;
    struct ts_sig_cache cache;
    struct ts_chain chain;
    struct ts_effect *effect;
    ts_hash roots[TS_RECENT]; /* protocol root of batch n at n % TS_RECENT */
    uint64_t roots_from;      /* lowest number whose root is known, if recent */
    struct ts_now now;
    uint64_t random;

    struct peer peers[TS_NODE_MAX_PEERS];
    bool has_heard; /* some peer said hello since start */

    struct ahead ahead[NODE_AHEAD];
    size_t ahead_bytes;
    struct range ranges[NODE_RANGES]; /* ascending, without gaps above what is in runs */
    size_t n_ranges;
    uint64_t answer_bytes; /* smoothed size of an answer to GET */
    struct run *runs;      /* in order */
    struct run *dead_runs;
    size_t n_sent;
    ts_hash run_root; /* protocol root after the newest run */
    uint64_t next_token;
    size_t held_bytes;   /* of all raw batches held, from arrival until they are stored */
    uint64_t stalled_us; /* nothing is checked until then: out of memory */

    struct entries queue; /* checked, waits for the step in flight */
    struct entries flight;
    struct entries done; /* stored; freed at the next step */
    size_t queue_bytes;
    uint64_t store_token; /* 0: none in flight */
    uint64_t retry_us;    /* the step failed: again then; 0: it did not */
    struct ts_store_op *ops;
    size_t n_ops;
    struct ts_buf meta_chain, meta_roots, meta_audit, meta_timeline;
    bool has_meta;         /* of the step in flight */
    uint64_t chain_saved;  /* number of the newest snapshot of the chain */
    struct ts_head stored; /* the durable head */
    uint64_t steps_stored;
    struct settling settling[NODE_SETTLING];
    size_t n_settling;
    uint64_t last_batch_us;
    uint64_t news_us; /* a new batch, or the newest poll */
    unsigned poll_next;
    uint64_t progress_due_us;
    uint64_t progress_from, progress_from_us;
    bool is_behind; /* told so by an event */

    struct ts_audit *audit;
    struct ts_timeline *timeline; /* behind the chain only when no part of it was loaded */
    struct refused refused[NODE_REFUSED];
    size_t next_refused;
    size_t n_edited;           /* edited payloads that are kept */
    struct ts_map evidence;    /* id → nothing */
    struct ts_map evidence_at; /* struct evidence_at → uint32_t how many */
    struct ts_map grants;      /* ts_address → struct grants */
    struct own_showing showings[NODE_SHOWINGS];
    struct told told[NODE_TOLD];
    struct arrival arrivals[NODE_AHEAD]; /* by number */
    bool is_clock_off;
    size_t told_bytes;
    ts_hash newest[TS_NODE_NEWEST_EVIDENCE]; /* ids of equivocations; a ring */
    size_t n_newest;                         /* ever put in */

    struct forwards forwards;
    struct validator validator;
    struct l1_view l1;
    struct rollups rollups;
    struct line line;

    bool is_stopping, is_stopped;
    struct ts_node_counters counters;

    struct ts_node_output *out;
    size_t n_out, cap_out;
    struct ts_arena step;    /* texts and small bytes of the outputs */
    struct ts_arena scratch; /* the frame in hand */
    struct ts_arena decode;  /* the batch in hand */
    struct ts_buf *sends;    /* bytes of the outputs, owned */
    size_t n_sends, cap_sends;
};

/* ---- out.c: outputs of the step ---- */

/* Memory that the node cannot go on without: a few KiB. A supervisor restarts it, the store is
 * whole. */
void *ts_node_need(void *p);
struct ts_node_output *ts_node_output_new(struct ts_node *n, enum ts_node_out kind);
char *ts_node_text(struct ts_node *n, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void ts_node_event(struct ts_node *n, int level, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A fresh buffer whose bytes live until the next step. */
struct ts_buf *ts_node_buf(struct ts_node *n);
void ts_node_send(struct ts_node *n, unsigned link, const struct ts_buf *b);
void ts_node_reply(struct ts_node *n, uint64_t token, ts_err err, ts_bytes bytes, const char *text);
void ts_node_outputs_reset(struct ts_node *n);
uint64_t ts_node_random(struct ts_node *n, uint64_t below);
/* base doubled times times, at most max, a quarter of it at random. */
uint64_t ts_node_backoff(struct ts_node *n, uint64_t base, uint64_t max, unsigned times);
/* A copy of raw, counted in held_bytes; p NULL: out of memory. */
ts_bytes ts_node_hold(struct ts_node *n, ts_bytes raw);
void ts_node_release(struct ts_node *n, ts_bytes raw);

/* ---- follow.c ---- */

void ts_node_follow_begin(struct ts_node *n);
void ts_node_follow_tick(struct ts_node *n, uint64_t *wake);
void ts_node_follow_link_up(struct ts_node *n, unsigned link);
void ts_node_follow_link_down(struct ts_node *n, unsigned link, const char *text);
void ts_node_follow_frame(struct ts_node *n, unsigned link, ts_bytes message);
/* Ends a peer. is_fault: it sent bad or no data, and waits longer; else an ordinary loss. */
void ts_node_follow_drop(struct ts_node *n, unsigned link, bool is_fault, ts_err err,
                         const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same for whoever it was: drops a peer, refuses a subscriber. */
void ts_node_follow_blame(struct ts_node *n, const struct source *s, ts_err err, const char *text);
void ts_node_follow_stop(struct ts_node *n);
bool ts_node_peer_is_up(const struct ts_node *n, unsigned link);
/* The highest head that a peer claims: to ask for it. */
uint64_t ts_node_follow_target(const struct ts_node *n);
/* The same of those who have shown that they have something to give, if there are any: to tell how
 * far behind we are. Whoever claims a lot and gives nothing does not make the node look late. */
uint64_t ts_node_follow_credible(const struct ts_node *n);

/* ---- catchup.c ---- */

/* Asks for what is missing. */
void ts_node_catchup_plan(struct ts_node *n);
void ts_node_catchup_tick(struct ts_node *n, uint64_t *wake);
void ts_node_catchup_answer(struct ts_node *n, unsigned link, const struct ts_feed_get *get,
                            const struct ts_feed_frame *f);
/* What was asked of a peer is wanted again; with its data (forget) also what it gave. */
void ts_node_catchup_peer_gone(struct ts_node *n, unsigned link, bool forget);
/* The ranges start at from again; what lies between is wanted. */
void ts_node_catchup_rewind(struct ts_node *n, uint64_t from);
/* Takes the first range when it is held; the caller owns raws then. */
bool ts_node_catchup_take(struct ts_node *n, struct range *out);
void ts_node_catchup_clear(struct ts_node *n);
void ts_node_range_free(struct ts_node *n, struct range *r);
/* The number above all that is in ranges, runs or chain. */
uint64_t ts_node_catchup_next(const struct ts_node *n);

/* ---- pipeline.c ---- */

/* Moves batches from ranges through their checks to the queue; true when something moved. */
bool ts_node_pipeline_pump(struct ts_node *n);
void ts_node_pipeline_verified(struct ts_node *n, uint64_t token, const struct ts_recovered *v,
                               size_t n_v);
void ts_node_pipeline_flush(struct ts_node *n);
void ts_node_pipeline_free(struct ts_node *n);
/* The number after the newest batch in a run, or after the chain's head. */
uint64_t ts_node_pipeline_next(const struct ts_node *n);
/* Whether this very batch is being checked. */
bool ts_node_pipeline_has(const struct ts_node *n, uint64_t number, ts_bytes raw);
/* The protocol root of batch number, or NULL when it is not known any more. */
const ts_hash *ts_node_root(const struct ts_node *n, uint64_t number);
void ts_node_note_root(struct ts_node *n);

/* ---- commit.c ---- */

/* l1: of the block it names, or NULL; used from now on by the entry too. */
void ts_node_commit_batch(struct ts_node *n, const struct ts_batch *b, ts_bytes raw,
                          const struct source *s, ts_hash *tx_hashes, struct l1_word *l1);
void ts_node_commit_evidence(struct ts_node *n, struct entry *e);
bool ts_node_commit_has_room(const struct ts_node *n);
/* Starts a durable step if there is something and none is in flight. */
void ts_node_commit_pump(struct ts_node *n);
void ts_node_commit_stored(struct ts_node *n, uint64_t token, ts_err err);
void ts_node_commit_tick(struct ts_node *n, uint64_t *wake);
bool ts_node_commit_is_idle(const struct ts_node *n);
void ts_node_commit_free_done(struct ts_node *n);
void ts_node_commit_free(struct ts_node *n);

/* ---- settle.c ---- */

void ts_node_settle(struct ts_node *n, uint64_t token);
/* A step is durable. */
void ts_node_settle_stored(struct ts_node *n);
void ts_node_settle_stop(struct ts_node *n);
void ts_node_settle_tick(struct ts_node *n, uint64_t *wake);

/* ---- gossip.c ---- */

void ts_node_gossip_batch(struct ts_node *n, const struct source *s, ts_bytes raw);
bool ts_node_gossip_take_ahead(struct ts_node *n, uint64_t number, struct ahead *out);
/* The lowest number above from that is kept ahead; 0: none. */
uint64_t ts_node_gossip_next_ahead(const struct ts_node *n, uint64_t from);
/* The chain moved: who stands at this number on another line is looked at. */
void ts_node_gossip_head_moved(struct ts_node *n);
/* What was kept ahead and is not any more: another one may have been taken in its place. */
void ts_node_gossip_pump(struct ts_node *n);
void ts_node_gossip_forget(struct ts_node *n, unsigned link);
/* A batch at head + 1 of this peer has another parent. */
void ts_node_gossip_other_line(struct ts_node *n, unsigned link);
void ts_node_gossip_probe(struct ts_node *n, unsigned link);
void ts_node_gossip_probe_answer(struct ts_node *n, unsigned link, const struct ts_feed_frame *f);
void ts_node_gossip_stored_evidence(struct ts_node *n, const struct entry *e);
/* Notes that evidence of a kind about a batch number is kept. False: it is kept already, or there
 * is too much. */
bool ts_node_gossip_note_evidence(struct ts_node *n, enum ts_record_kind kind, uint64_t number,
                                  const ts_hash *id);
/* What was noted could not be kept after all: the next who brings it is listened to. */
void ts_node_gossip_forget_evidence(struct ts_node *n, enum ts_record_kind kind, uint64_t number,
                                    const ts_hash *id);
void ts_node_gossip_free(struct ts_node *n);
/* A conflict with the stored batch at own was judged: it is kept, and passed on while the others
 * can judge it too. */
void ts_node_gossip_told(struct ts_node *n, const struct ts_audit_place *own,
                         const struct ts_batch *b, const struct ts_finding *f, unsigned link);
/* The id of a second batch, or of one that L1 denies, that is kept now. When the chain has another
 * batch in the place of the latter, it is a second one too, to who was not there. */
void ts_node_gossip_newest(struct ts_node *n, const ts_hash *id);

/* ---- clock.c ---- */

/* A batch above the head was pushed. */
void ts_node_clock_pushed(struct ts_node *n, const struct ts_batch_header *h);
/* The chain has moved by b. */
void ts_node_clock_applied(struct ts_node *n, const struct ts_batch *b);

/* ---- old_evidence.c ---- */

/* A server told of a second batch; parent_root: the protocol root before it, as he says. */
void ts_node_told(struct ts_node *n, unsigned link, const ts_hash *parent_root, ts_bytes raw);
/* L1 has denied b: when the chain comes to have another batch in its place there are two. */
void ts_node_told_denied(struct ts_node *n, const ts_hash *parent_root, const struct ts_batch *b);
/* b is a second batch: is it what L1 says? */
void ts_node_told_second(struct ts_node *n, const ts_hash *parent_root, const struct ts_batch *b,
                         const ts_hash *id);
void ts_node_told_pump(struct ts_node *n);
/* False: it was somebody else's OUT_LOAD. */
bool ts_node_told_loaded(struct ts_node *n, const struct ts_node_input *in);
void ts_node_told_free(struct ts_node *n);

/* ---- both_sides.c ---- */

/* Shows everybody our batch. When too many are on their way it is left out. */
void ts_node_show_all(struct ts_node *n, uint64_t number);
/* Shows it to a peer whose line parts there, and drops him. */
void ts_node_show_parted(struct ts_node *n, unsigned link, uint64_t number);
/* Asks the store for what is durable by now. */
void ts_node_show_pump(struct ts_node *n);
/* False: it was somebody else's OUT_LOAD. */
bool ts_node_show_loaded(struct ts_node *n, const struct ts_node_input *in);

/* ---- findings.c ---- */

/* The chain has moved by b. quiet: it was stored before. */
void ts_node_findings_batch(struct ts_node *n, const struct ts_batch *b, bool quiet);
/* What the chain holds at number; false: it is too far back. */
bool ts_node_findings_place(const struct ts_node *n, uint64_t number, struct ts_audit_place *out);
/* Keeps a finding of evidence and tells it, once; false: it was kept already. */
bool ts_node_findings_add(struct ts_node *n, const struct ts_finding *f);
/* On its way to disk: a record about the batch of that number and hash. False: out of memory. */
bool ts_node_findings_store(struct ts_node *n, uint64_t number, const ts_hash *hash,
                            const ts_hash *id, const struct ts_record *r);
/* Its evidence goes to the store; nobody is sent it. */
void ts_node_findings_keep(struct ts_node *n, const struct ts_finding *f,
                           const struct ts_record *r);
/* A payload that came with the header of the chain's batch at own; given: the root with it. */
void ts_node_findings_payload(struct ts_node *n, const struct ts_audit_place *own,
                              const ts_hash *given, ts_bytes payload);
/* Stored evidence: its finding is kept, and nobody is told. */
void ts_node_findings_load(struct ts_node *n, const ts_hash *id, const struct ts_record *r);
void ts_node_findings_free(struct ts_node *n);
/* b, at head + 1, was refused. */
void ts_node_findings_refused(struct ts_node *n, const struct ts_batch *b);

/* b, sealed, at head + 1, is not what L1 says, which is in word. after: who is whitelisted after b.
 */
void ts_node_findings_denied(struct ts_node *n, const struct ts_batch *b,
                             const struct l1_word *word, const ts_address *after, size_t n_after);
/* b, a second batch at its number, is held against what L1 says, for good. */
void ts_node_findings_second(struct ts_node *n, const struct ts_batch *b,
                             const ts_hash *parent_root, const struct l1_word *word);

/* ---- l1_words.c ---- */

struct l1_word *ts_node_l1_word_new(const struct ts_l1_block *b); /* NULL: out of memory */
struct l1_word *ts_node_l1_word_use(struct l1_word *w);
void ts_node_l1_word_drop(struct l1_word *w); /* NULL: nothing */
/* The slot of a number, or NULL. */
struct l1_slot *ts_node_l1_slot(struct ts_node *n, uint64_t number);
/* Asks for what is needed, several ahead, and forgets what is not. */
void ts_node_l1_plan(struct ts_node *n);
/* Which L1 blocks the batches of a run name. */
void ts_node_l1_scan(struct ts_node *n, struct run *r);
void ts_node_l1_words_free(struct ts_node *n);

/* ---- l1.c ---- */

enum l1_said { L1_WAIT, L1_AGREES, L1_DENIES };

/* Whether batches are held against L1. */
bool ts_node_l1_is_on(const struct ts_node *n);
void ts_node_l1_begin(struct ts_node *n);
void ts_node_l1_free(struct ts_node *n);
/* True: this batch, the first of the first run, was seen to wait, and nothing has been heard since.
 */
bool ts_node_l1_still_waits(struct ts_node *n, ts_bytes raw);
/* What L1 says of the block that b names. WAIT: nothing yet, or nothing final. Else it is *word:
 * AGREES it is the block b names, DENIES another one is there, for good. */
enum l1_said ts_node_l1_look(struct ts_node *n, const struct ts_batch *b, struct l1_word **word);
/* The batch, right in all else, waits until L1 has spoken. */
void ts_node_l1_wait(struct ts_node *n, const struct ts_batch *b);
/* The first batch is another one now. */
void ts_node_l1_unwait(struct ts_node *n);
/* The chain has moved by b, and w is the block that it names. */
void ts_node_l1_applied(struct ts_node *n, const struct ts_batch *b, struct l1_word *w);
void ts_node_l1_block(struct ts_node *n, const struct ts_l1_block *b);
void ts_node_l1_confirmed(struct ts_node *n, const struct ts_l1_block *b);
void ts_node_l1_reorg(struct ts_node *n, const struct ts_l1_block *b);
void ts_node_l1_tick(struct ts_node *n, uint64_t *wake);
void ts_node_l1_status_of(const struct ts_node *n, struct ts_node_l1_status *out);

/* ---- rollups.c ---- */

void ts_node_rollups_init(struct ts_node *n);
void ts_node_rollups_free(struct ts_node *n);
void ts_node_rollups_take(struct ts_node *n, const struct ts_l1_rollup *r);
void ts_node_rollups_back(struct ts_node *n, const struct ts_l1_rollback *b);
/* The first that waits is this: it goes to the store and leaves the ring. wrong NULL: it is equal.
 * own: number, hash and root of the chain's batch at its last. */
void ts_node_rollups_judge(struct ts_node *n, const char *wrong, const struct ts_head *own);
/* The first that waits is found to be wrong, and goes on waiting. */
void ts_node_rollups_wrong(struct ts_node *n);
void ts_node_rollups_final(struct ts_node *n, uint64_t number);
void ts_node_rollups_stored(struct ts_node *n);
void ts_node_rollups_pump(struct ts_node *n, uint64_t *wake);
void ts_node_rollups_status_of(const struct ts_node *n, struct ts_node_rollup_status *out);

/* ---- rollup_check.c ---- */

void ts_node_rollup_check_begin(struct ts_node *n);
/* The first that waits is longer than the own line: where there is evidence of two lines, what the
 * own one has is compared. */
void ts_node_rollup_check_short(struct ts_node *n);
/* It is not looked at any more. */
void ts_node_rollup_check_end(struct ts_node *n);
/* False: it was somebody else's OUT_LOAD. */
bool ts_node_rollup_check_loaded(struct ts_node *n, const struct ts_node_input *in);

/* What of a batch is not as in its place in a rollup: "another time", …; NULL: nothing. */
const char *ts_node_rollup_differs(const struct ts_rollup_batch *x, const struct ts_batch *b);

/* ---- line.c ---- */

void ts_node_line_init(struct ts_node *n);
void ts_node_line_free(struct ts_node *n);
/* The rollup holds another line than the own, which differs from batch from on. */
void ts_node_line_leave(struct ts_node *n, uint64_t from, const struct ts_rollup *r, ts_bytes data);
/* The durable step that leaves it; and it is done. */
size_t ts_node_line_ops(struct ts_node *n, struct ts_store_op ops[NODE_LINE_OPS]);
void ts_node_line_left(struct ts_node *n);
/* Rollups from batch first on count no more. True: one of them was followed, and is not now. */
bool ts_node_line_rolled_back(struct ts_node *n, uint64_t first);
/* b was checked, effect is its: why the rollup that is followed does not allow it; NULL: it does.
 */
const char *ts_node_line_refuses(struct ts_node *n, const struct ts_batch *b);

/* ---- forward.c ---- */

void ts_node_forward_init(struct ts_node *n);
void ts_node_forward_tx(struct ts_node *n, uint64_t token, ts_bytes raw, bool is_relay);
void ts_node_forward_accepted(struct ts_node *n, unsigned link, const struct ts_feed_frame *a);
void ts_node_forward_peer_gone(struct ts_node *n, unsigned link);
void ts_node_forward_tick(struct ts_node *n, uint64_t *wake);
void ts_node_forward_stop(struct ts_node *n);
void ts_node_forward_free(struct ts_node *n);

/* ---- validator.c ---- */

void ts_node_validator_begin(struct ts_node *n);
void ts_node_validator_link_up(struct ts_node *n);
void ts_node_validator_link_down(struct ts_node *n, const char *text);
void ts_node_validator_frame(struct ts_node *n, ts_bytes frame);
void ts_node_validator_query(struct ts_node *n, uint64_t token, enum ts_query_kind kind,
                             ts_bytes arg);
void ts_node_validator_loaded(struct ts_node *n, const struct ts_node_input *in);
void ts_node_validator_committed(struct ts_node *n, const struct entry *e);
void ts_node_validator_tick(struct ts_node *n, uint64_t *wake);
void ts_node_validator_stop(struct ts_node *n);
const char *ts_node_validator_state_text(enum ts_node_enclave_state state);
/* Appends m, gives it an id and notes that an answer is due. extra: what goes with the note. */
void ts_node_validator_ask(struct ts_node *n, struct ts_msg *m, const struct enc_request *extra);
/* Tells it to end, once on a link: a supervisor starts it anew. */
void ts_node_validator_exit(struct ts_node *n);
/* The link ends, to be made again after a while. */
void ts_node_validator_fail(struct ts_node *n, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- validator_feed.c: where it starts, and what it is fed ---- */

void ts_node_validator_identified(struct ts_node *n, const struct ts_msg_identity *id);
void ts_node_validator_placed(struct ts_node *n, const struct ts_msg_head *head);
void ts_node_validator_no_place(struct ts_node *n, const char *why);
void ts_node_validator_stands(struct ts_node *n, const struct enc_request *r,
                              const struct ts_msg_events *events);
void ts_node_validator_refused(struct ts_node *n, const struct enc_request *r,
                               const struct ts_msg_error *error);
void ts_node_validator_feed(struct ts_node *n);

/* ---- grants.c ---- */

void ts_node_grants_init(struct ts_node *n);
void ts_node_grants_free(struct ts_node *n);
/* b is the head now: whom it lists. */
void ts_node_grants_batch(struct ts_node *n, const struct ts_batch *b, const ts_hash *parent_root);
/* A stored GRANT, in the order they were stored. */
void ts_node_grants_load(struct ts_node *n, const ts_hash *id, const struct ts_record *r);

#endif
