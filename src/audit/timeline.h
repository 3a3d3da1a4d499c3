/* SPDX-License-Identifier: Apache-2.0 */
/* The chain's history in bounded memory, for whoever draws it: what each enclave was at each time,
 * restarts, takeovers and changes of the whitelist, and how batches came. No I/O, no clock; the
 * same batches give the same timeline.
 *
 * Batches are counted into buckets of one width. When all are full, neighbours are merged and the
 * width doubles: a chain of any length has between TS_TIMELINE_BUCKETS / 2 and that many of them.
 * What is finer is made by a window, which is given the batches of a range again.
 *
 * All follows from the batches' payloads; they are taken as valid (V1 to V8). Who is whitelisted:
 * the reports and the absent of a reporting batch. Who is active: the producer (V7). */
#ifndef TS_AUDIT_TIMELINE_H
#define TS_AUDIT_TIMELINE_H

#include "codec/rlp.h"
#include "tenseq/chain.h"

#define TS_TIMELINE_BUCKETS 4096
#define TS_TIMELINE_LANES   128  /* enclaves shown: those listed, and the newest removed ones */
#define TS_TIMELINE_MARKS   2048 /* the newest are kept */
#define TS_TIMELINE_TIMES   512  /* likewise, of takeovers */
#define TS_TIMELINE_VERSION 1

/* What an enclave is in a batch. */
enum ts_lane_state {
    TS_LANE_NONE,     /* not on the list, and never was */
    TS_LANE_ACTIVE,   /* it made the batch */
    TS_LANE_PASSIVE,  /* it reports */
    TS_LANE_STARTING, /* the batch carries its Started; or it is listed and has never started */
    TS_LANE_ABSENT,   /* sealed as absent */
    TS_LANE_REVOKED,  /* was taken off the list */
    TS_LANE_STATES
};

/* X(constant, name) */
#define TS_MARK_KINDS(X)                                                                           \
    X(TS_MARK_START, "start")                   /* an enclave's first boot */                      \
    X(TS_MARK_RESTART, "restart")               /* a later one */                                  \
    X(TS_MARK_ACTIVATION, "activation")         /* a new term that takes nothing from anybody */   \
    X(TS_MARK_TAKEOVER, "takeover")             /* unclean: no Passive at the parent */            \
    X(TS_MARK_CLEAN_TAKEOVER, "clean-takeover") /* the old one stepped down, or was removed */     \
    X(TS_MARK_GRANTED, "granted")               /* put on the list */                              \
    X(TS_MARK_REVOKED, "revoked")               /* taken off it */

#define TS_MARK_ENUM(constant, name) constant,
enum ts_mark_kind { TS_MARK_KINDS(TS_MARK_ENUM) TS_MARK_KIND_COUNT };
#undef TS_MARK_ENUM

#define TS_MARK_NO_INDEX UINT32_MAX

struct ts_mark {
    uint64_t number; /* of the batch */
    ts_time time;    /* of the batch */
    ts_address enclave;
    enum ts_mark_kind kind;
    uint32_t index; /* of the transition in the batch; TS_MARK_NO_INDEX: a notice did it */
};

/* How long after its parent the first batch of a takeover came. */
struct ts_takeover_time {
    uint64_t number;
    uint64_t ms;
    bool is_clean;
};

struct ts_timeline_bucket {
    uint64_t n;   /* batches in it */
    ts_time time; /* of its last; so too term */
    uint64_t term;
    uint64_t txs;
    uint64_t span_ms;    /* from the parent of its first to its last */
    uint64_t longest_ms; /* between a batch and its parent */
    uint64_t lag; /* the most, of a report: batches from its head to this one; 1 is the parent */
    uint32_t takeovers, unclean, marks;
};

struct ts_timeline;

/* At genesis, which is borrowed for ever. NULL: out of memory. */
struct ts_timeline *ts_timeline_new(const struct ts_genesis *genesis);
void ts_timeline_free(struct ts_timeline *t);

/* The next batch, and its hash. TS_E_NOMEM: unchanged, and it may be tried again. */
ts_err ts_timeline_batch(struct ts_timeline *t, const struct ts_batch *b, const ts_hash *hash);
/* The number of the batch it was given last; 0: none. */
uint64_t ts_timeline_head(const struct ts_timeline *t);
uint64_t ts_timeline_width(const struct ts_timeline *t); /* of a bucket, in batches */

/* ---- windows ---- */

/* A timeline of n batches (at most TS_TIMELINE_BUCKETS of them) from number from on, one to a
 * bucket, with the enclaves of all. What it knows of the time before is what it is given: first the
 * reporting batch before from, or an older one and those after it; it begins with any number that
 * is not above from, and batch 1 will always do. NULL: out of memory. */
struct ts_timeline *ts_timeline_window(const struct ts_timeline *all, uint64_t from, uint64_t n);

/* ---- looking at it ---- */

/* Buckets are joined, k at a time, so that there are at most points of them. */
struct ts_timeline_view {
    uint64_t head;
    uint64_t from, to; /* batches first to last, as buckets have them; to < from: none */
    uint64_t width;    /* batches in a bucket, but for the ends */
    size_t n;
    struct ts_timeline_bucket *buckets;
    uint64_t *first; /* number of each one's first batch */
    size_t n_lanes;
    struct ts_lane_view {
        ts_address id;
        uint8_t *states;  /* of each bucket: enum ts_lane_state that most of its batches have */
        uint32_t *absent; /* of each bucket: batches it is absent in */
    } * lanes;
    struct ts_mark *marks; /* ascending: the newest of the range */
    size_t n_marks;
    uint64_t marks_left_out;        /* older ones of the range */
    struct ts_takeover_time *times; /* ascending */
    size_t n_times;
};

/* The buckets that hold from to to, 1 <= from <= to, points >= 1; marks at most max_marks.
 * TS_E_NOMEM: *out is empty. */
ts_err ts_timeline_look(const struct ts_timeline *t, uint64_t from, uint64_t to, size_t points,
                        size_t max_marks, struct ts_timeline_view *out);
void ts_timeline_view_free(struct ts_timeline_view *v);

/* "active", "start", …; NULL for a number that is none. "" for TS_LANE_NONE. */
const char *ts_lane_state_name(int state);
const char *ts_mark_name(int kind);

/* ---- as bytes ---- */

/* Appends one item. Not of a window. */
void ts_timeline_put(struct ts_buf *b, const struct ts_timeline *t);
/* Reads one item into t, which must be as ts_timeline_new made it, for the chain whose head it must
 * stand at. TS_OK, or the reader's error: a decoding error, TS_E_VERSION, TS_E_CORRUPT for another
 * head or what no timeline can be, TS_E_NOMEM; then t is as before. */
ts_err ts_timeline_read(struct ts_reader *r, const struct ts_head *head, struct ts_timeline *t);

#endif
