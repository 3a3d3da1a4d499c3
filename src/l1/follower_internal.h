/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the follower share. How a block goes:
 *
 *     latest ─▶ fresh (parents, down to the line) ─▶ line ─▶ scan (logs, then a second look at the
 *          newest of them: the same block before and after) ─▶ sealed ─▶ confirmed: told
 *
 * and when many confirmed blocks are missing: anchor (is the told one still there?) ─▶ scan of a
 * chunk that is confirmed whole ─▶ sealed ─▶ told, without the headers between.
 *
 * follower.c          the step, the plan, what can be looked at
 * follower_ask.c      calls: deadlines, repeats, up and down, nonsense
 * follower_identity.c the right chain and contract
 * follower_line.c     headers, reorgs
 * follower_scan.c     logs
 * follower_list.c     the whitelist and its changes
 * follower_tell.c     CONFIRMED and lookups
 * follower_rollup.c   rollups and their data
 * follower_save.c     save and load
 * follower_out.c      outputs */
#ifndef TS_L1_FOLLOWER_INTERNAL_H
#define TS_L1_FOLLOWER_INTERNAL_H

#include "base/arena.h"
#include "base/log.h"
#include "base/log_render.h"
#include "l1/contract.h"
#include "l1/follower.h"

#define L1F_TAIL        64  /* confirmed headers kept */
#define L1F_NEAR        64  /* confirmed blocks to go, above which headers are left out */
#define L1F_LAST        32  /* but not of the last ones: there a node that lags could hide logs */
#define L1F_AHEAD       512 /* headers above the confirmed one */
#define L1F_LINE        (L1F_TAIL + L1F_AHEAD + 1)
#define L1F_PENDING     4096 /* rollups seen and not yet read, above which no more logs are read */
#define L1F_PENDING_AT  (1u << 20) /* the same while nothing of them is told (rollups_at) */
#define L1F_TELL        32         /* CONFIRMED in one step */
#define L1F_OUTPUTS     192
#define L1F_EVENTS      32
#define L1F_LOOKUP_ASKS 2
#define L1F_DOWN_AFTER  3                /* failures in a row */
#define L1F_CALM_AFTER  16               /* good answers in a row end a spell of nonsense */
#define L1F_FIRST_RETRY UINT64_C(100000) /* microseconds */

enum l1f_which {
    L1F_CHAIN,
    L1F_GENESIS_HASH,
    L1F_CODE,
    L1F_GENESIS_BLOCK,
    L1F_LATEST,
    L1F_FINAL,
    L1F_LINK,   /* the parent of the lowest fresh block */
    L1F_ANCHOR, /* the told block, again */
    L1F_LOGS,
    L1F_SEAL,   /* the newest block of what the logs were asked for */
    L1F_CHANGE, /* a block at which the whitelist changed */
    L1F_TX,
    L1F_LOOKUP, /* and the ones behind it */
    L1F_ASKS = L1F_LOOKUP + L1F_LOOKUP_ASKS
};

enum l1f_ask_state { L1F_IDLE, L1F_ASKED, L1F_WAITING };

struct l1f_ask {
    enum l1f_ask_state state;
    uint64_t until_us; /* ASKED: deadline; WAITING: asked again then */
    unsigned failures; /* in a row */
    struct ts_l1_call call;
};

struct l1f_block {
    uint64_t number;
    ts_hash hash, parent;
    ts_time time;
    uint8_t *header; /* owned; NULL: no block */
    size_t n_header;
};

/* One that had an effect: so it can be undone. */
struct l1f_change {
    uint64_t number;
    ts_hash hash; /* of the block */
    ts_address who;
    bool is_grant;
};

struct l1f_list {
    ts_address a[TS_MAX_WHITELIST]; /* ascending */
    size_t n;
};

/* A rollup whose log was seen, or that some were rolled back. */
struct l1f_pending {
    uint64_t block;
    ts_hash tx;
    bool is_rollback;
    bool is_applied; /* ROLLBACK: those that it takes back are no longer among the pending ones */
    struct ts_l1_published log;
};

struct l1f_lookup {
    bool is_used;
    uint64_t token, number;
};

struct ts_l1_follower {
    const struct ts_genesis *genesis;
    struct ts_l1_follow_settings s;
    struct ts_now now;

    struct l1f_ask asks[L1F_ASKS];
    uint64_t next_id;
    unsigned failures; /* in a row, of all */
    uint64_t good_us;
    bool is_good; /* the last answer was */
    bool is_down_said;
    bool is_nonsense_said;
    unsigned calm; /* good answers in a row */
    uint64_t nonsense, late;
    char reason[TS_L1_MAX_TEXT];

    bool is_known; /* chain and contract are the right ones */
    bool is_wrong; /* they are not */
    bool has_chain, has_genesis_hash, asks_code;
    bool is_plain_said, is_odd_said, is_full_said;
    struct ts_buf genesis_hash_call;
    ts_hash topics[4]; /* whitelist changes, then rollups if they are wanted */
    size_t n_topics;

    struct l1f_block line[L1F_LINE]; /* linked, ascending; holds the told one */
    size_t n_line;
    uint64_t told;
    bool has_told;  /* since the start */
    bool is_linked; /* the told one has been seen on L1's line since the start */
    struct l1f_block fresh[L1F_AHEAD + 1]; /* descending, linked to each other */
    size_t n_fresh;
    bool is_capped;   /* a block below the newest is to be asked for as the top */
    uint64_t poll_us; /* the next look at the newest block */
    uint64_t latest;
    bool has_final;
    uint64_t final_number;
    ts_hash final_hash;
    uint64_t target;  /* above told: the newest confirmed block, far away */
    unsigned doubts;  /* looks in a row that found another block where the told one was */
    unsigned behinds; /* looks in a row that found less than the told one */
    bool is_behind_said, is_doubt_said;
    bool is_over;

    uint64_t sealed;  /* logs are read and sure up to here */
    uint64_t scanned; /* above sealed: read, not sure */
    uint64_t chunk;
    unsigned chunk_good;
    bool is_anchored;        /* for the chunk to come */
    unsigned unsures;        /* ranges that L1 moved under, since a block was told */
    unsigned misses;         /* the header speaks of logs that were not among them: asked again */
    struct l1f_block seal;   /* newest of a chunk that is not on the line */
    struct l1f_block change; /* of a block at which the whitelist changed */

    struct l1f_list list; /* after scanned */
    struct l1f_change *changes;
    size_t n_changes, cap_changes;

    struct l1f_lookup lookups[TS_L1_MAX_LOOKUPS];

    struct l1f_pending *pending;
    size_t n_pending, cap_pending;
    uint64_t rollup_last; /* last batch of the newest rollup seen in the logs up to scanned */
    uint64_t rollup_done; /* of the newest one that is no longer pending */
    uint64_t rollups, unreadable;
    struct ts_l1_rollup rollup; /* of the step */

    uint64_t soon_us; /* 0: nothing; else the next TICK because there is more to do */
    struct ts_l1_follow_output out[L1F_OUTPUTS];
    size_t n_out;
    char texts[L1F_EVENTS][TS_LOG_PAIRS_MAX];
    size_t n_texts;
    struct ts_arena step; /* what the outputs point to */
};

/* ---- follower_out.c ---- */

void ts_l1f_out_reset(struct ts_l1_follower *f);
struct ts_l1_follow_output *ts_l1f_out(struct ts_l1_follower *f, enum ts_l1_follow_out kind);
bool ts_l1f_out_has_room(const struct ts_l1_follower *f);
void ts_l1f_event(struct ts_l1_follower *f, int level, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A block and the whitelist after it. False: out of memory, nothing was put out. */
bool ts_l1f_out_block(struct ts_l1_follower *f, enum ts_l1_follow_out kind, uint64_t token,
                      const struct l1f_block *b);
/* There is more to do in so many microseconds. */
void ts_l1f_soon(struct ts_l1_follower *f, uint64_t in_us);

/* ---- follower_ask.c ---- */

/* Whether it may be asked now: neither under way nor to be waited for. */
bool ts_l1f_may_ask(const struct ts_l1_follower *f, unsigned which);
bool ts_l1f_is_asked(const struct ts_l1_follower *f, unsigned which);
void ts_l1f_ask(struct ts_l1_follower *f, unsigned which, struct ts_l1_call call);
void ts_l1f_ask_block(struct ts_l1_follower *f, unsigned which, uint64_t number);
/* Whatever it was about is no longer wanted; its answer is late. */
void ts_l1f_forget(struct ts_l1_follower *f, unsigned which);
void ts_l1f_forget_all(struct ts_l1_follower *f);
/* How the answer to it was. failed: it is asked again later. TS_E_L1_NONSENSE is counted;
 * TS_E_NOMEM is our own trouble; TS_E_BUSY: a race with L1, not the node's fault. */
void ts_l1f_good(struct ts_l1_follower *f, unsigned which);
void ts_l1f_failed(struct ts_l1_follower *f, unsigned which, ts_err err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Deadlines. */
void ts_l1f_ask_tick(struct ts_l1_follower *f);
uint64_t ts_l1f_ask_wake(const struct ts_l1_follower *f);
void ts_l1f_answer(struct ts_l1_follower *f, const struct ts_l1_answer *a);

/* ---- follower_identity.c ---- */

void ts_l1f_identity_plan(struct ts_l1_follower *f);
void ts_l1f_identity_answer(struct ts_l1_follower *f, unsigned which, const struct ts_l1_answer *a);
void ts_l1f_identity_lost(struct ts_l1_follower *f);

/* ---- follower_line.c ---- */

/* A copy of an answered block whose header agrees with it. TS_E_L1_NONSENSE, TS_E_NOMEM. */
ts_err ts_l1f_block_take(const struct ts_l1_answer_block *b, struct l1f_block *out);
/* The block that was asked for, out of the answer: *out is the caller's, who says whether it was
 * good. False: there is none; that is counted, and *out unchanged. */
bool ts_l1f_block_answer(struct ts_l1_follower *f, unsigned which, const struct ts_l1_answer *a,
                         struct l1f_block *out);
void ts_l1f_block_free(struct l1f_block *b);
struct l1f_block *ts_l1f_line_at(struct ts_l1_follower *f, uint64_t number);
uint64_t ts_l1f_line_top(const struct ts_l1_follower *f);
/* The line is this block alone, which it takes over. */
void ts_l1f_line_reset(struct ts_l1_follower *f, struct l1f_block *b);
void ts_l1f_line_trim(struct ts_l1_follower *f);
void ts_l1f_fresh_drop(struct ts_l1_follower *f);
void ts_l1f_line_plan(struct ts_l1_follower *f);
void ts_l1f_line_answer(struct ts_l1_follower *f, unsigned which, const struct ts_l1_answer *a);
/* The told block was where it should be; or was not, on a line up to top. */
void ts_l1f_seen_told(struct ts_l1_follower *f);
void ts_l1f_doubt(struct ts_l1_follower *f, uint64_t top);

/* ---- follower_scan.c ---- */

void ts_l1f_scan_plan(struct ts_l1_follower *f);
void ts_l1f_scan_answer(struct ts_l1_follower *f, unsigned which, const struct ts_l1_answer *a);
/* What was read above number is forgotten. */
void ts_l1f_scan_cut(struct ts_l1_follower *f, uint64_t number);

/* ---- follower_list.c ---- */

bool ts_l1f_list_reserve(struct ts_l1_follower *f, size_t more);
void ts_l1f_list_apply(struct ts_l1_follower *f, const struct l1f_change *c);
void ts_l1f_list_undo(struct ts_l1_follower *f, uint64_t number);
void ts_l1f_list_at(const struct ts_l1_follower *f, uint64_t number, struct l1f_list *out);
/* The first change above number; NULL: none. */
const struct l1f_change *ts_l1f_list_next(const struct ts_l1_follower *f, uint64_t number);

/* ---- follower_tell.c ---- */

void ts_l1f_tell(struct ts_l1_follower *f);
void ts_l1f_tell_answer(struct ts_l1_follower *f, unsigned which, const struct ts_l1_answer *a);
void ts_l1f_lookup_add(struct ts_l1_follower *f, uint64_t token, uint64_t number);
void ts_l1f_lookups(struct ts_l1_follower *f);
void ts_l1f_lookup_answer(struct ts_l1_follower *f, unsigned which, const struct ts_l1_answer *a);

/* ---- follower_rollup.c ---- */

bool ts_l1f_rollup_reserve(struct ts_l1_follower *f, size_t more);
/* Whether a rollup, or a rollback, can come after a rollup that ends at *last; *last is then
 * the last batch after it. */
bool ts_l1f_rollup_follows(const struct ts_l1_event *e, uint64_t *last);
/* Whether more may be read of the logs. */
bool ts_l1f_rollup_has_room(const struct ts_l1_follower *f);
void ts_l1f_rollup_seen(struct ts_l1_follower *f, const struct ts_l1_log *log,
                        const struct ts_l1_event *e);
void ts_l1f_rollup_cut(struct ts_l1_follower *f, uint64_t number);
void ts_l1f_rollup_plan(struct ts_l1_follower *f);
size_t ts_l1f_rollups_waiting(const struct ts_l1_follower *f);
void ts_l1f_rollup_answer(struct ts_l1_follower *f, const struct ts_l1_answer *a);

#endif
