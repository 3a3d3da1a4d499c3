/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence: what a finding of severity proof rests on, whole, so that anyone checks it with nothing
 * else at hand. No I/O; the JSON around it is docs/evidence.md's.
 *
 * Every signature in it is bound to one network by the salt of its domain, the genesis hash: the
 * genesis is part of the evidence, and whoever reads it compares its hash with the network he
 * means.
 *
 * Who signed was whitelisted: by the genesis, or by a grant, a batch whose whitelist notice lists
 * him and whose producer was listed before. When the whole list changes at once, one of the new
 * enclaves seals the batch that lists it; then L1 has the last word. That nobody of them was
 * removed again before, and what is on L1, is not in the evidence: ts_evidence_verdict.rests says
 * so. Source: docs/evidence.md. */
#ifndef TENSEQ_EVIDENCE_H
#define TENSEQ_EVIDENCE_H

#include "tenseq/finding.h"
#include "tenseq/genesis.h"
#include "tenseq/verify.h"

#define TS_EVIDENCE_VERSION    1
#define TS_EVIDENCE_MAX_GRANTS 16
#define TS_EVIDENCE_TEXT       1000
/* Signers that one piece of evidence can have. */
#define TS_EVIDENCE_SIGNERS 2

/* A rollup of more batches than that is none. */
#define TS_EVIDENCE_ROLLUP_BATCHES 16384u

/* A batch without its transactions: what its seal proves. */
struct ts_sealed {
    struct ts_batch_header header;
    ts_hash parent_root; /* the protocol root before it */
    ts_bytes payload;    /* RLP of its protocol payload; borrowed */
    ts_sig seal;
};

/* All memory is borrowed. Which members count follows from kind; the others are zero. */
struct ts_evidence {
    enum ts_finding_kind kind;
    const struct ts_genesis *genesis; /* finished: with hash and domain */
    const struct ts_sealed *grants;   /* ascending by number; at most TS_EVIDENCE_MAX_GRANTS */
    size_t n_grants;
    /* The batch of the chain; of whitelist-mismatch the one that L1 denies. Of rollup-mismatch the
     * first batch that differs, and not there when none is needed. */
    bool has_batch;
    struct ts_sealed batch;
    struct ts_sealed other; /* equivocation: the second one */
    ts_bytes given;         /* payload-edited: the payload that somebody gave, RLP */
    ts_bytes l1_header; /* whitelist-mismatch: of L1's block at the number the batch names, RLP */
    const ts_address *l1_list; /* and the contract's list after it, ascending, when that block is
                                  the one the batch names; else none */
    size_t n_l1_list;
    struct ts_rollup rollup; /* rollup-mismatch */
    bool has_data;           /* whether the difference is in its data; */
    ts_bytes data;           /* then these, which may be empty */
};

/* What the data of a rollup say of one batch. */
struct ts_rollup_said {
    ts_time time;
    uint64_t term;
    ts_address producer;
    uint64_t l1_number;
    ts_hash tx_root; /* keccak256(RLP(transactions)) */
};

/* Reads the data of a rollup of n batches and tells its batch at (from 0). TS_E_NOMEM; any other
 * error: the data are none of a rollup of n batches. */
typedef ts_err (*ts_rollup_said_fn)(ts_bytes data, size_t n, size_t at, struct ts_rollup_said *out);

struct ts_evidence_verdict {
    struct ts_finding finding; /* what is proven; its evidence is the id */
    /* Who did not ask L1 knows what was signed, and that it proves this if L1 is as it says. */
    bool rests_on_l1;
    uint32_t own_grants;          /* bit i: grants[i] lists its own producer; whether the contract
                                     lists him after the L1 block it names, L1 must tell */
    char rests[TS_EVIDENCE_TEXT]; /* on what, beside the signatures; one sentence, no full stop */
    char why[TS_EVIDENCE_TEXT];   /* the reason when it is not; likewise */
};

/* Whether the evidence proves a finding, and which.
 *
 * Returns: TS_OK: finding and rests are filled in. Else why is, and the others are unspecified:
 *          TS_E_EVIDENCE     it does not prove it: a seal is not by the producer, the two batches
 *                            are the same, and so on
 *          TS_E_UNSUPPORTED  a kind that is no proof; or data of a rollup, and said is NULL
 *          TS_E_NOMEM
 * In:      said  how the data of rollups are read: they are compressed, which this library does not
 *                do. NULL: not at all. */
ts_err ts_evidence_check(const struct ts_evidence *e, const struct ts_crypto *crypto,
                         ts_rollup_said_fn said, struct ts_evidence_verdict *out);

/* Batch hash and protocol root of a sealed batch. TS_OK when its producer made the seal over both;
 * else TS_E_SIGNATURE or TS_E_SIGNER, with both filled in. */
ts_err ts_sealed_verify(const struct ts_crypto *crypto, const struct ts_domain *domain,
                        const struct ts_sealed *s, ts_hash *hash, ts_hash *root);

#endif
