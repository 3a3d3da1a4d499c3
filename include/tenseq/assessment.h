/* SPDX-License-Identifier: Apache-2.0 */
/* How far the record speaks for or against the operator, in figures: what each enclave did, how
 * many boots could have gone unseen at most, and how the restarts compare with the number promised.
 * No single probability of misuse: nobody can know one.
 *
 * What it rests on is gathered by the audit with each batch, so that every node has the same; the
 * parameters come in only when somebody asks, and another choice of them needs no other history.
 *
 *     struct ts_assess_params p;
 *     ts_assess_params_default(&p);
 *     struct ts_assessment *x = ts_assess(audit, &p);
 *     if (x->merged.alarm)
 *         …
 *     ts_assessment_free(x);
 *
 * Source: docs/assessment.md, which tells what each figure says and what it does not. */
#ifndef TENSEQ_ASSESSMENT_H
#define TENSEQ_ASSESSMENT_H

#include "tenseq/audit.h"

/* Enclaves that are told apart: those on the whitelist, and those removed last. Of others only the
 * operator's figures speak. */
#define TS_ASSESS_ENCLAVES 256
/* Restarts of which the time is known. When there are more, some are forgotten, evenly: of N, never
 * more than N / 2048 + 1 in a row. Numbers of restarts stay exact and so does the ratio of today;
 * an alarm may be dated so many restarts later, dark windows are summed up before they are divided
 * (the bound stays one), and merged figures count less, never more than there was. */
#define TS_ASSESS_RESTARTS 8192

struct ts_assess_params {
    double alpha;           /* chance of a false alarm, at most: above 0, below 1 */
    double ceiling_per_day; /* lambda0: restarts a day, of all enclaves together, that the operator
                               promises not to exceed: above 0 */
    double abuse_per_day;   /* lambda1: the rate it is held against: above lambda0 */
    uint64_t merge_ms;      /* an incident: restarts within so long of its first */
    uint64_t boot_ms;       /* t_boot: no boot is shorter; 0: the shortest one seen */
};

/* alpha 0.001, 0.1 and 1 a day, ten minutes, the shortest one seen. */
void ts_assess_params_default(struct ts_assess_params *p);
/* NULL: they are good. Else a sentence saying what is wrong with them. */
const char *ts_assess_params_check(const struct ts_assess_params *p);

/* The likelihood ratio of "restarts at lambda1" against "at most lambda0":
 *     ln(l1/l0) n - (l1 - l0) T
 * and the alarm when it reaches ln(1/alpha), which then stays. */
struct ts_likelihood {
    uint64_t n;       /* restarts, or incidents */
    double log_ratio; /* now */
    double highest;   /* at any time; 0: it never was above its start */
    double threshold; /* ln(1/alpha) */
    bool alarm;
    uint64_t alarm_at;     /* the batch that raised it first */
    ts_time alarm_time;    /* that batch's */
    double expected_delay; /* days, until an operator at lambda1 is found out, on average */
};

/* From the last report's head (without one: from the listing) to the batch that carries Started,
 * nothing of an enclave is seen. */
struct ts_exposure {
    uint64_t windows;
    uint64_t dark_ms;
    uint64_t boots;   /* at most: the sum of floor(window / t_boot) */
    uint64_t open_ms; /* of windows that are not over: those absent now. Not in the above */
    uint64_t open_boots;
};

/* Absent from so many reporting batches in a row; batches 0: never. */
struct ts_longest_silence {
    uint64_t batches;
    uint64_t ms;
    uint64_t first, last; /* numbers of the first and the last of them */
};

enum ts_assessed_state {
    TS_ASSESSED_ACTIVE,
    TS_ASSESSED_PASSIVE,
    TS_ASSESSED_STARTING, /* listed, and has not reported since it started, or never started */
    TS_ASSESSED_ABSENT,   /* sealed as absent by the newest reporting batch */
    TS_ASSESSED_REVOKED   /* not on the whitelist any more */
};

struct ts_assessed_enclave {
    ts_address id;
    bool is_listed;
    enum ts_assessed_state state;
    ts_time since;           /* of the batch that listed it first; of genesis' ones batch 1 */
    uint64_t listed_ms;      /* on the whitelist */
    uint64_t up_ms;          /* of that, up to batches that it reports in */
    uint64_t boots;          /* Started published */
    uint64_t restarts;       /* of those, the second and later */
    uint64_t clean, unclean; /* takeovers from it */
    struct ts_longest_silence silence;
    /* Of its reports: how far their head is below the batch; 1 is the newest there can be. */
    uint64_t lag_last, lag_most;
    double lag_mean;
    struct ts_exposure exposure;
    struct ts_likelihood raw, merged; /* from its first Started on */
};

struct ts_assessment {
    uint64_t number; /* after this batch; 0: there is none yet */
    ts_time time;    /* of that batch, the operator's word as all times here */
    ts_time since;   /* of batch 1 */
    struct ts_assess_params params;
    uint64_t boot_ms;  /* the t_boot that was used */
    bool is_boot_seen; /* it is the shortest one seen */

    uint64_t restarts;
    uint64_t clean, unclean;
    struct ts_longest_silence silence;
    ts_address silent; /* whose that was */
    struct ts_exposure exposure;
    /* Findings about the operator: all there were of the chain, and those kept of evidence. */
    uint64_t proofs, omissions, patterns;
    struct ts_likelihood raw, merged;

    size_t n; /* enclaves, ascending by id */
    struct ts_assessed_enclave enclaves[];
};

/* params must be good. NULL: out of memory. */
struct ts_assessment *ts_assess(const struct ts_audit *a, const struct ts_assess_params *params);
void ts_assessment_free(struct ts_assessment *x);

/* "active", …, "revoked". */
const char *ts_assessed_state_name(enum ts_assessed_state state);

/* What no node can see, so that nobody reads a clean page as more than it is. */
struct ts_unseen {
    unsigned row; /* of the table of attacks; 0: none */
    const char *what;
};
const struct ts_unseen *ts_assess_unseen(size_t *n);

#endif
