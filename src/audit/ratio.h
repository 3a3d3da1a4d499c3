/* SPDX-License-Identifier: Apache-2.0 */
/* Wald's sequential probability ratio of restarts that come at lambda1 against lambda0, as a test
 * with one threshold and no end: for any rate up to lambda0 it is a supermartingale that starts at
 * 1, so that it ever reaches 1/alpha with a chance of at most alpha (Ville's inequality).
 *
 * It falls all the time and jumps at restarts: the threshold can only be crossed at one. */
#ifndef TS_AUDIT_RATIO_H
#define TS_AUDIT_RATIO_H

#include "tenseq/assessment.h"

struct ts_ratio {
    struct ts_likelihood l; /* up to the newest restart */
    double gain;            /* ln(l1/l0) */
    double fall;            /* (l1 - l0) a millisecond */
    ts_time since;
    uint64_t merge_ms; /* 0: every restart counts */
    ts_time incident;  /* the first restart of the newest incident */
};

/* Nothing is seen before since. Merged: those within merge_ms of an incident's first are it. */
void ts_ratio_begin(struct ts_ratio *r, const struct ts_assess_params *p, bool merged,
                    ts_time since);
/* One more restart, in this batch. Times ascend. n: how many there are with it, when some before it
 * were not told; at least one more than before, and without meaning when merged. */
void ts_ratio_restart(struct ts_ratio *r, ts_time time, uint64_t number, uint64_t n);
/* The whole at now. */
struct ts_likelihood ts_ratio_at(const struct ts_ratio *r, ts_time now);

#endif
