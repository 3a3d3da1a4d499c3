/* SPDX-License-Identifier: Apache-2.0 */
/* What must become of a lie: which finding every honest node raises, and within how many batches;
 * or that the act is impossible. The operator says in the trace when it lies (SIM_LIE); whether it
 * was found is judged in expect.c, from the trace alone. */
#ifndef TS_SIM_EXPECT_H
#define TS_SIM_EXPECT_H

#include "tenseq/finding.h"

enum sim_expect_kind {
    SIM_FOUND = 1,  /* every node raises the finding */
    SIM_FOUND_BY,   /* the node who of SIM_LIE raises it */
    SIM_REFUSED,    /* the next answer of enclave who is one of these errors */
    SIM_SAME_AGAIN, /* the next answer of enclave who is the batch it sealed before on that parent,
                       and says nothing of transactions */
    SIM_GOES_ON,    /* every node takes a batch of a later term */
    SIM_TAKEN,      /* every node comes to take the batch of SIM_LIE for its chain */
    SIM_NOT_TAKEN   /* no node ever takes the batch of SIM_LIE for its chain */
};

#define SIM_MAX_EXPECTS 8
#define SIM_MAX_ERRS    5

struct sim_expect {
    enum sim_expect_kind kind; /* 0: ends a list */
    enum ts_finding_kind finding;
    bool is_about_who;           /* it names the enclave who of SIM_LIE */
    enum ts_finding_state state; /* TS_FINDING_CLOSED: the closing one, else any */
    const char *says;            /* its text holds this; NULL: any */
    /* A node must have it before it takes the batch so many above the one that was newest at
     * SIM_LIE: reports reporting batches, maxReportLag more if over_lag, and then batches. */
    unsigned reports;
    bool over_lag;
    unsigned batches;
    bool by_report; /* or before it takes one beyond these that carries a report by who, whenever
                       that is; by the end of the world at the latest */
    ts_err errs[SIM_MAX_ERRS]; /* SIM_REFUSED; ends with TS_OK */
    bool is_rare;              /* not every world gets to it */
};

#endif
