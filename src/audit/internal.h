/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the audit share. One file for each finding; audit.c walks a batch through them,
 * state.c writes and reads it all. */
#ifndef TS_AUDIT_INTERNAL_H
#define TS_AUDIT_INTERNAL_H

#include "audit/audit.h"

/* A row of reporting batches in which something lasts. */
struct audit_row {
    uint64_t n;      /* how many; 0: it does not last */
    uint64_t from;   /* number of the first */
    ts_time since;   /* its time */
    uint64_t serial; /* of the finding that was opened; 0: none */
};

/* What is known of a whitelisted enclave. */
struct audit_enclave {
    ts_address id;
    uint64_t since; /* number of the batch whose notice listed it; 0: genesis */
    bool is_listed; /* false: this batch removes it */
    uint64_t boots; /* Started seen */
    ts_hash boot_id;
    uint64_t started_in; /* batch that carried the newest Started */
    uint64_t seen_in;    /* batch that carried its newest report, of any boot; 0: none */
    ts_time seen_time;   /* time of the newest head that it reported at */
    bool has_passive;    /* this boot has published a Passive */
    ts_hash passive_head;
    struct audit_row silent;
    uint64_t silent_boots; /* boots when it fell silent */
    struct audit_row lag;
    uint64_t lag_most;
};

/* An enclave that was removed. */
struct audit_past {
    ts_address id;
    uint64_t since, until; /* batches whose notices listed and removed it */
};

struct audit_findings {
    struct ts_finding *f; /* oldest first */
    size_t n, max;
};

struct audit_assess; /* assess.h */

struct ts_audit {
    const struct ts_genesis *genesis;
    uint64_t number;
    ts_hash hash;
    uint64_t term;
    bool has_active;
    ts_address active;
    ts_hash active_boot;
    ts_time times[TS_RECENT]; /* header time of batch n at n % TS_RECENT */
    /* Sorted by id. Within a batch those removed still stand among those added. */
    struct audit_enclave enclaves[2 * TS_MAX_WHITELIST];
    size_t n_enclaves;
    struct audit_past past[TS_AUDIT_PAST]; /* oldest first */
    size_t n_past;
    uint64_t mass_from; /* only restarts in this batch and after it count */
    struct audit_cadence {
        uint64_t serial; /* 0: calm */
        uint64_t from, last;
        uint64_t late, bunched; /* how many */
        uint64_t longest_ms;
        uint64_t calm;       /* batches in a row that are neither */
        uint64_t short_ones; /* batches in a row within half an interval */
    } cadence;
    uint64_t serial; /* of the newest finding */
    struct audit_findings kept, evidence;
    struct audit_assess *assess; /* owned */
};

/* The batch in hand. */
struct audit_step {
    struct ts_audit *a;
    const struct ts_chain *chain; /* after it */
    const struct ts_batch *b;
    const struct ts_audit_sink *sink;
    bool is_reporting;
    bool has_started; /* some enclave's Started is in it */
    bool has_silence; /* a silence was opened by it */
    bool has_unclean; /* an unclean takeover was found in it */
};

/* ---- audit.c ---- */

/* As ts_audit_new made it, but for evidence. */
void audit_reset(struct ts_audit *a);
struct audit_enclave *audit_find(struct ts_audit *a, const ts_address *id);
/* The time of batch number (0: genesis), when it is known still. */
bool audit_time(const struct ts_audit *a, uint64_t number, ts_time *out);
/* A finding of this batch about an enclave (NULL: none), of batches first to the one in hand. */
struct ts_finding audit_finding(const struct audit_step *s, enum ts_finding_kind kind,
                                const struct audit_enclave *e, uint64_t first);
void audit_text(struct ts_finding *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Keeps it and tells it; gives it the next serial unless it has one. Returns the serial. */
uint64_t audit_raise(struct audit_step *s, struct ts_finding *f);

/* Room for what these write. Return out. */
#define AUDIT_SHORT 16
char *audit_short(const ts_address *id, char out[AUDIT_SHORT]);     /* "0x12345678" */
char *audit_short_hash(const ts_hash *hash, char out[AUDIT_SHORT]); /* likewise */
#define AUDIT_SPAN 32
char *audit_span(uint64_t ms, char out[AUDIT_SPAN]); /* "850 ms", "12.5 s", "3.2 h" */

/* ---- findings, in the order in which a batch goes through them ---- */

void audit_churn(struct audit_step *s); /* also brings enclaves up to the whitelist */
void audit_takeover(struct audit_step *s);
/* For each transition; e is its enclave. */
void audit_restart(struct audit_step *s, struct audit_enclave *e,
                   const struct ts_lifecycle_event *t);
void audit_time_bracket(struct audit_step *s, const struct audit_enclave *e,
                        const struct ts_lifecycle_event *t);
void audit_flap(struct audit_step *s, struct audit_enclave *e, const struct ts_lifecycle_event *t);
/* For each enclave that is accounted for; report NULL: it is absent. */
void audit_silence(struct audit_step *s, struct audit_enclave *e,
                   const struct ts_restart_event *report);
void audit_lagging(struct audit_step *s, struct audit_enclave *e,
                   const struct ts_restart_event *report);
/* Its enclave is removed: what is open is closed. */
void audit_silence_removed(struct audit_step *s, struct audit_enclave *e);
void audit_lagging_removed(struct audit_step *s, struct audit_enclave *e);
void audit_mass_restart(struct audit_step *s);
void audit_cadence(struct audit_step *s);
/* The removed leave. */
void audit_churn_end(struct audit_step *s);
/* Whether id was whitelisted before or after the notice of batch number. */
bool audit_was_listed(const struct ts_audit *a, const ts_address *id, uint64_t number);

/* ---- findings of evidence ---- */

/* own: hash of the chain's batch; h and seal: of the other one. */
void audit_equivocation(const ts_hash *own, const struct ts_batch_header *h,
                        const struct ts_batch_seal *seal, struct ts_finding *out);
/* batch, root: hash of the batch and the protocol root after it; else as ts_audit_whitelist. */
void audit_whitelist_mismatch(const struct ts_batch_header *h, const ts_hash *batch,
                              const ts_hash *root, const struct ts_l1_block *l1,
                              const ts_address *after, size_t n_after, struct ts_finding *out);

/* ---- kept.c ---- */

bool audit_findings_init(struct audit_findings *k, size_t max);
/* In the place of the one with its serial, or at the end. */
void audit_findings_put(struct audit_findings *k, const struct ts_finding *f);

#endif
