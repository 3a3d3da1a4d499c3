/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold. A checker sees the trace and nothing else: never a core, its state or its
 * opinion. One file for each invariant (check_i1.c … check_i12.c), named in docs/protocol.md,
 * section 8.
 *
 * In a world with a lying operator the invariants of an honest host (I1, I3, I4, I9) are not
 * promised: their checkers look at setting->is_honest. */
#ifndef TS_SIM_CHECKER_H
#define TS_SIM_CHECKER_H

#include "trace.h"

/* The first violation is kept; later ones are dropped. */
struct sim_verdict {
    bool violated;
    char invariant[8]; /* "I1" */
    char text[400];    /* one sentence: what was seen, and what should have been */
    uint64_t at_us;
};

struct sim_checker {
    const char *name;  /* "I1" */
    const char *title; /* the invariant in a few words */
    /* The setting outlives the state. */
    void *(*make)(const struct sim_setting *setting);
    void (*see)(void *state, const struct sim_event *e, struct sim_verdict *v);
    void (*drop)(void *state);
};

void sim_violate(struct sim_verdict *v, const struct sim_event *e, const char *invariant,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* All of them, I1 first. */
extern const struct sim_checker *const sim_checkers[];
extern const size_t n_sim_checkers;

#endif
