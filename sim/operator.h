/* SPDX-License-Identifier: Apache-2.0 */
/* A lying operator: owns the host, its disk, the wires to its enclaves and what its nodes are
 * given. It works around the honest host core, or without it: asks enclaves behind its back, holds
 * frames back, shows nodes what it likes. One file for each act (operator_*.c), one for each row of
 * the table in docs/findings.md. */
#ifndef TS_SIM_OPERATOR_H
#define TS_SIM_OPERATOR_H

#include "world.h"

struct sim_operator {
    const char *name; /* as in tenseq-sim --attack NAME */
    const char *what; /* one sentence */
    bool calms;       /* the second phase follows: the world must go on in spite of it */
    void (*begin)(struct sim_world *w);
    /* Of sim_op_wake. */
    void (*wake)(struct sim_world *w, uint64_t token);
    /* NULL: everything passes. False: it does not reach the other side. */
    bool (*to_enclave)(struct sim_world *w, unsigned enclave, ts_bytes frame);
    bool (*to_host)(struct sim_world *w, unsigned enclave, ts_bytes frame);
    /* What node (or SIM_HOST: unknown) is shown for the host's batch; b itself, another, or NULL
     * for nothing. */
    const struct sim_batch *(*show)(struct sim_world *w, int node, const struct sim_batch *b);
    /* A batch the host broadcasts, before anyone sees it. */
    void (*sees)(struct sim_world *w, const struct sim_batch *b);
    void (*end)(struct sim_world *w); /* frees its state; may be NULL */
};

/* wake comes after so long. */
void sim_op_wake(struct sim_world *w, uint64_t after_us, uint64_t token);

#endif
