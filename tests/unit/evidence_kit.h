/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence as a node core makes it of an attack, with real signatures: one sample for each way to
 * be caught. Each run gives the same bytes. */
#ifndef TS_TESTS_EVIDENCE_KIT_H
#define TS_TESTS_EVIDENCE_KIT_H

#include "audit/evidence_build.h"
#include "nodeworld.h"

/* What a node of a world has stored. w and node must stay. */
struct ek_store {
    const struct nw *w;
    size_t node;
};
struct ts_evidence_source ek_source(struct ek_store *s);

/* A sample in the making. */
struct ek_sample {
    struct testnet *net;
    struct nw *w;
    size_t node;
    struct ts_buf keep; /* a batch that was sealed aside */
};

struct ek_case {
    const char *name; /* of its file */
    enum ts_finding_kind kind;
    void (*run)(struct ek_sample *s);
};
extern const struct ek_case ek_cases[];
extern const size_t ek_n_cases;

/* Runs the attack; then the node of s has found just this kind, and nothing else that is a proof.
 */
void ek_begin(struct ek_sample *s, const struct ek_case *c);
void ek_end(struct ek_sample *s);
/* The finding, and its evidence as the node's store gives it. */
const struct ts_finding *ek_finding(const struct ek_sample *s, enum ts_finding_kind kind);

/* The evidence of the sample of that name; close it. */
struct ek_proof {
    struct ek_sample s;
    struct ts_evidence_built built;
};
void ek_open(struct ek_proof *p, const char *name);
void ek_close(struct ek_proof *p);

/* The file that is kept, without line ends behind it; free it. With TENSEQ_WRITE_SAMPLES=1 in the
 * environment it is written first, as made. */
char *ek_kept(const char *path, const char *made);

#endif
