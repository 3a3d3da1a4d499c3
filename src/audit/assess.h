/* SPDX-License-Identifier: Apache-2.0 */
/* What an assessment rests on, gathered batch by batch: part of the audit, stored with it, free of
 * every parameter. */
#ifndef TS_AUDIT_ASSESS_H
#define TS_AUDIT_ASSESS_H

#include "audit/internal.h"
#include "tenseq/assessment.h"

struct assess_enclave {
    ts_address id;
    uint64_t serial; /* 1, 2, … in the order of listing; restarts name it */
    bool is_listed;
    uint64_t until;      /* the batch that removed it last; 0: none */
    ts_time since;       /* of the batch that listed it first */
    ts_time listed_from; /* the same of its newest stint */
    uint64_t listed_ms;  /* stints that are over, as far as they were accounted for */
    uint64_t up_ms;
    uint64_t boots;
    ts_time first_start; /* of the batch with its first Started */
    ts_time dark_from;   /* time of the newest head at which it was heard, or listed */
    bool has_reported;   /* this boot has */
    uint64_t clean, unclean;
    struct ts_longest_silence silence;
    uint64_t absent; /* reporting batches in a row; 0: it reported in the newest */
    uint64_t absent_from;
    ts_time absent_since;
    uint64_t lag_last, lag_most, lag_sum, reports;
    uint64_t windows;
    uint64_t thinned_ms; /* dark windows that no restart below tells */
};

/* A Started that ended a dark window. */
struct assess_restart {
    ts_time time; /* of the batch that carries it */
    uint64_t number;
    uint64_t enclave; /* its serial; that enclave may be forgotten */
    uint64_t dark_ms;
    uint64_t all, own; /* restarts with this one: of everybody, of the enclave */
    bool is_first;     /* its first start: a window, and no restart */
};

struct audit_assess {
    ts_time since;     /* of batch 1 */
    ts_time accounted; /* of the newest reporting batch */
    uint64_t serial;   /* of the enclave listed last */
    uint64_t restarts, windows, thinned_ms;
    uint64_t boot_ms; /* the shortest boot seen; 0: none */
    uint64_t clean, unclean;
    struct ts_longest_silence silence;
    ts_address silent;
    uint64_t found[TS_SEVERITY_PROOF + 1]; /* findings of the chain about the operator */
    struct assess_enclave enclaves[TS_ASSESS_ENCLAVES]; /* ascending by id */
    size_t n_enclaves;
    size_t n_list;
    struct assess_restart list[TS_ASSESS_RESTARTS]; /* oldest first; last here, see assess_reset */
};

void assess_reset(struct audit_assess *x);

/* ---- with each batch, in this order (assess_batch.c) ---- */

/* The whitelist is, or may be, another. */
void assess_listed(struct audit_step *s);
/* A term began; findings were raised before. */
void assess_takeover(struct audit_step *s);
void assess_started(struct audit_step *s, const struct ts_lifecycle_event *t);
/* Of a listed enclave in a reporting batch; report NULL: it is absent. */
void assess_account(struct audit_step *s, const ts_address *id,
                    const struct ts_restart_event *report);
/* All of a reporting batch were accounted for. */
void assess_accounted(struct audit_step *s);
/* A new finding of the chain. */
void assess_found(struct audit_step *s, const struct ts_finding *f);

struct assess_enclave *assess_find(struct audit_assess *x, const ts_address *id);
uint64_t assess_add(uint64_t a, uint64_t b); /* no more than fits */

/* ---- as bytes (assess_state.c) ---- */

void assess_put(struct ts_buf *b, const struct audit_assess *x);
/* Into a zeroed one, for that head. */
void assess_read(struct ts_reader *r, const struct ts_head *head, struct audit_assess *x);

#endif
