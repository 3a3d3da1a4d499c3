/* SPDX-License-Identifier: Apache-2.0 */
/* A spare enclave that is silent for longer than maxReportLag and then speaks again, for operators
 * that bring it about in different ways. */
#ifndef TS_SIM_SILENCED_H
#define TS_SIM_SILENCED_H

#include "sim/operator.h"

struct sim_silencing {
    /* Brings the silence about: asked when it begins and now and then as long as it lasts; with
     * silent false it ends. NULL: some other hook does, by sim_silenced. */
    void (*keep)(struct sim_world *w, unsigned enclave, bool silent);
    const char *begins, *ends; /* what is told */
};

/* Silence about the enclave, which is closed with an unchanged boot. */
extern const struct sim_expect sim_silenced_expects[];

/* The hooks begin and wake. */
void sim_silenced_begin(struct sim_world *w);
void sim_silenced_wake(struct sim_world *w, uint64_t token, const struct sim_silencing *how);
/* Who is silent now; -1: nobody. */
int sim_silenced(const struct sim_world *w);

#endif
