/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the timeline share. */
#ifndef TS_AUDIT_TIMELINE_INTERNAL_H
#define TS_AUDIT_TIMELINE_INTERNAL_H

#include "audit/timeline.h"

/* Batches of a bucket in which a lane has each state. */
struct lane_cell {
    uint32_t n[TS_LANE_STATES];
};

struct lane {
    ts_address id;
    bool is_listed;
    uint8_t state;           /* in the newest batch */
    uint64_t granted;        /* batch that listed it first; 0: genesis */
    uint64_t started;        /* batch with its first Started; 0: none */
    uint64_t changed;        /* batch that listed or removed it last */
    struct lane_cell *cells; /* cap of them */
};

struct ts_timeline {
    const struct ts_genesis *genesis;
    bool is_window;
    bool is_settled; /* a reporting batch, or genesis, has told who is listed */
    uint64_t first;  /* number of the first batch of the first bucket */
    uint64_t number; /* of the newest batch; the next five are its too */
    ts_hash hash;
    ts_time time;
    uint64_t term;
    ts_address producer;
    ts_hash producer_boot;
    uint64_t width;
    size_t n, cap; /* buckets */
    struct ts_timeline_bucket *buckets;
    size_t n_lanes;
    struct lane lanes[TS_TIMELINE_LANES];
    uint64_t n_marks, n_times; /* all there were; number i stands at i modulo the bound */
    struct ts_mark marks[TS_TIMELINE_MARKS];
    struct ts_takeover_time times[TS_TIMELINE_TIMES];
};

/* As ts_timeline_new made it. */
void timeline_reset(struct ts_timeline *t);
struct lane *timeline_lane(struct ts_timeline *t, const ts_address *id);
/* Adds b, which comes behind a, to a. */
void timeline_join(struct ts_timeline_bucket *a, const struct ts_timeline_bucket *b);
/* The bucket of a number, which is that of the newest batch or of the next one: there is room. */
struct ts_timeline_bucket *timeline_bucket(struct ts_timeline *t, uint64_t number);
/* Room for so many buckets, lanes' cells included. False: out of memory, unchanged. */
bool timeline_reserve(struct ts_timeline *t, size_t buckets);
/* A lane with cells and no more; NULL: out of memory. When all are taken, the one that was removed
 * first is given away. */
struct lane *timeline_add_lane(struct ts_timeline *t, const ts_address *id);

#endif
