/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of evidence share: evidence.c is the way in, one file for each kind. */
#ifndef TS_AUDIT_EVIDENCE_INTERNAL_H
#define TS_AUDIT_EVIDENCE_INTERNAL_H

#include "base/arena.h"
#include "tenseq/evidence.h"

/* The evidence in hand. */
struct evidence_check {
    const struct ts_evidence *e;
    const struct ts_crypto *crypto;
    ts_rollup_said_fn said;
    struct ts_evidence_verdict *out;
    struct ts_arena arena;
    ts_address signers[TS_EVIDENCE_SIGNERS]; /* each once */
    uint64_t listed_by[TS_EVIDENCE_SIGNERS]; /* number of the batch; 0: the genesis */
    size_t n_signers;
};

/* Says why it proves nothing. Returns TS_E_EVIDENCE. */
ts_err evidence_refuse(struct evidence_check *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Hash and root of a batch whose seal is its producer's, who was listed at its number: a signer
 * from now on. what: "the batch", for why. */
ts_err evidence_open(struct evidence_check *c, const char *what, const struct ts_sealed *s,
                     ts_hash *hash, ts_hash *root);
/* Notes a signer who was listed at a number; NULL: ever. */
ts_err evidence_signer(struct evidence_check *c, const ts_address *id, const uint64_t *number);
/* Whether the whitelist notice of a sealed batch lists an enclave. */
bool evidence_lists(const struct ts_sealed *grant, const ts_address *id);
/* Decodes a protocol payload into the arena. */
ts_err evidence_payload(struct evidence_check *c, ts_bytes raw, struct ts_payload *out);
/* rests: the whitelist at a number, and what is said behind it ("" or "; and …"). */
void evidence_rests(struct evidence_check *c, uint64_t number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One for each kind. They fill in finding and rests. */
ts_err evidence_equivocation(struct evidence_check *c);
ts_err evidence_payload_edited(struct evidence_check *c);
ts_err evidence_whitelist_mismatch(struct evidence_check *c);
ts_err evidence_rollup_mismatch(struct evidence_check *c);

#endif
