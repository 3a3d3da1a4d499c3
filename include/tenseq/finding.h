/* SPDX-License-Identifier: Apache-2.0 */
/* What an audit finds. What each finding means, what an innocent reason would be, and what is
 * proven, is told in docs/findings.md; each has a file of its own in src/audit/. */
#ifndef TENSEQ_FINDING_H
#define TENSEQ_FINDING_H

#include "tenseq/types.h"

enum ts_severity {
    TS_SEVERITY_NOTICE,   /* worth knowing; speaks against nobody */
    TS_SEVERITY_PATTERN,  /* innocent once; only how often it happens speaks (statistical) */
    TS_SEVERITY_OMISSION, /* that something is missing is signed and sealed; why is not */
    TS_SEVERITY_PROOF     /* anyone verifies it offline from signed data */
};

/* Whom a finding speaks of. A peer is nobody's: who gives a false payload proves that it is false,
 * and nothing of the operator. I12 ("an honest operator gets zero proofs") counts findings of
 * severity proof about the operator. */
enum ts_about { TS_ABOUT_OPERATOR, TS_ABOUT_PEER };

/* X(constant, stable name, severity, about). Numbers stand in stores: append only. */
#define TS_FINDINGS(X)                                                                             \
    X(TS_F_SILENCE, "silence", TS_SEVERITY_OMISSION, TS_ABOUT_OPERATOR)                            \
    X(TS_F_RESTART, "restart", TS_SEVERITY_PATTERN, TS_ABOUT_OPERATOR)                             \
    X(TS_F_UNCLEAN_TAKEOVER, "unclean-takeover", TS_SEVERITY_OMISSION, TS_ABOUT_OPERATOR)          \
    X(TS_F_LAGGING, "lagging", TS_SEVERITY_OMISSION, TS_ABOUT_OPERATOR)                            \
    X(TS_F_FLAP, "flap", TS_SEVERITY_OMISSION, TS_ABOUT_OPERATOR)                                  \
    X(TS_F_MASS_RESTART, "mass-restart", TS_SEVERITY_OMISSION, TS_ABOUT_OPERATOR)                  \
    X(TS_F_EQUIVOCATION, "equivocation", TS_SEVERITY_PROOF, TS_ABOUT_OPERATOR)                     \
    X(TS_F_PAYLOAD_EDITED, "payload-edited", TS_SEVERITY_PROOF, TS_ABOUT_PEER)                     \
    X(TS_F_PAYLOAD_WITHHELD, "payload-withheld", TS_SEVERITY_OMISSION, TS_ABOUT_PEER)              \
    X(TS_F_TIME_BRACKET, "time-bracket", TS_SEVERITY_PATTERN, TS_ABOUT_OPERATOR)                   \
    X(TS_F_CHURN, "churn", TS_SEVERITY_PATTERN, TS_ABOUT_OPERATOR)                                 \
    X(TS_F_CADENCE, "cadence", TS_SEVERITY_PATTERN, TS_ABOUT_OPERATOR)                             \
    X(TS_F_WHITELIST_MISMATCH, "whitelist-mismatch", TS_SEVERITY_PROOF, TS_ABOUT_OPERATOR)         \
    X(TS_F_STALE_L1, "stale-l1", TS_SEVERITY_OMISSION, TS_ABOUT_OPERATOR)                          \
    X(TS_F_ROLLUP_MISMATCH, "rollup-mismatch", TS_SEVERITY_PROOF, TS_ABOUT_OPERATOR)               \
    X(TS_F_ROLLUP_GAP, "rollup-gap", TS_SEVERITY_OMISSION, TS_ABOUT_OPERATOR)                      \
    X(TS_F_CLOCK_SKEW, "clock-skew", TS_SEVERITY_PATTERN, TS_ABOUT_OPERATOR)

#define TS_FINDING_ENUM(constant, name, severity, about) constant,
enum ts_finding_kind { TS_FINDINGS(TS_FINDING_ENUM) TS_F_COUNT };
#undef TS_FINDING_ENUM

/* A finding that lasts is told twice with one serial: when it opens and when it closes. */
enum ts_finding_state { TS_FINDING_ONCE, TS_FINDING_OPEN, TS_FINDING_CLOSED };

#define TS_FINDING_TEXT 300

struct ts_finding {
    enum ts_finding_kind kind;
    enum ts_severity severity;
    enum ts_about about;
    enum ts_finding_state state;
    /* 1, 2, …: the same at every node, since they follow from the chain alone. 0: it comes of
     * evidence, which reaches each node at another time or never; then evidence names it. */
    uint64_t serial;
    ts_hash evidence; /* keccak256(batch hash ‖ protocol root) of what conflicts; of a mismatch with
                         L1 keccak256(that ‖ hash of the L1 block); of rollups the digest of the
                         signed Rollup; else zero */
    bool has_enclave;
    ts_address enclave;
    uint64_t first, last; /* numbers of the batches it concerns, first <= last */
    ts_hash hash;         /* of the batch that raised, or closed, it; of the conflicting one */
    ts_time time;         /* that batch's: the chain's claim, not this node's clock */
    uint64_t count; /* how many: reporting batches of silence or lag, boots, batches; else 0 */
    char text[TS_FINDING_TEXT]; /* one sentence, ASCII, without quotes */
};

/* "silence", …; NULL for a number that is none. */
const char *ts_finding_name(int kind);
enum ts_severity ts_finding_severity(enum ts_finding_kind kind);
enum ts_about ts_finding_about(enum ts_finding_kind kind);
/* False: no such name; *out is unchanged. */
bool ts_finding_kind_of(const char *name, enum ts_finding_kind *out);
/* In all members; the text up to its end. */
bool ts_finding_equal(const struct ts_finding *a, const struct ts_finding *b);

/* "notice", "pattern", "omission", "proof"; NULL for a number that is none. */
const char *ts_severity_name(int severity);
bool ts_severity_of(const char *name, enum ts_severity *out);
/* "operator", "peer"; "once", "open", "closed". */
const char *ts_about_name(enum ts_about about);
const char *ts_finding_state_name(enum ts_finding_state state);

#endif
