/* SPDX-License-Identifier: Apache-2.0 */
/* The audit: turns a followed chain, and evidence beside it, into findings. No I/O, no clock.
 *
 * What follows from the chain alone is deterministic: who joins late, or starts again from a stored
 * state, reaches the same findings with the same serials and texts. Memory is bounded whatever the
 * chain holds, and a batch takes none, so auditing one cannot fail.
 *
 *     struct ts_audit *a = ts_audit_new(&genesis);
 *     if (ts_batch_check(chain, batch, NULL, e, &fault) == TS_OK) {
 *         ts_chain_apply(chain, e);
 *         ts_audit_batch(a, chain, batch, &sink);
 *     }
 *
 * Source: docs/findings.md, which tells what each finding means. */
#ifndef TENSEQ_AUDIT_H
#define TENSEQ_AUDIT_H

#include "tenseq/chain.h"
#include "tenseq/finding.h"

struct ts_audit;

/* Is told each finding as it is raised, closed ones again. f is borrowed for the call. */
struct ts_audit_sink {
    void *ctx;
    void (*emit)(void *ctx, const struct ts_finding *f);
};

/* At the empty chain of a genesis, which is borrowed for ever. NULL: out of memory. */
struct ts_audit *ts_audit_new(const struct ts_genesis *genesis);
void ts_audit_free(struct ts_audit *a);

/* The next batch of the chain: once for each, in order, from 1 on.
 * In:   chain  the chain after the batch (a batch that was checked, and applied to it).
 *       sink   may be NULL: nobody is told; what is kept is the same. */
void ts_audit_batch(struct ts_audit *a, const struct ts_chain *chain, const struct ts_batch *b,
                    const struct ts_audit_sink *sink);
/* The number of the batch it was given last; 0: none. */
uint64_t ts_audit_head(const struct ts_audit *a);

/* ---- evidence ----------------------------------------------------------------------------------
 */

/* What the followed chain holds at a number. */
struct ts_audit_place {
    uint64_t number;
    ts_hash hash;        /* of the chain's batch at number */
    ts_hash root;        /* protocol root after it */
    ts_hash parent_hash; /* of the batch before it */
    ts_hash parent_root;
};

/* Whether b conflicts with the chain's own batch at its number: a second seal on the same parent,
 * with another batch hash or another protocol root, by an enclave that was whitelisted at that
 * number. Terms do not matter, nor which of the two came first.
 *
 * Returns: TS_OK: *out is the equivocation, ready for ts_audit_add. Else *out is unchanged:
 *          TS_E_OUT_OF_ORDER  another number or another parent: the lines part elsewhere
 *          TS_E_NOT_FOUND     it is the chain's own batch
 *          TS_E_V3_FORM       its transactions are not those of its header
 *          TS_E_V2_PRODUCER   no enclave that was whitelisted there sealed it
 * In:      own is a batch of the chain that a has followed. */
ts_err ts_audit_conflict(const struct ts_audit *a, const struct ts_crypto *crypto,
                         const struct ts_audit_place *own, const struct ts_batch *b,
                         struct ts_finding *out);
/* The same finding for a conflict that was judged before, such as one from a store. Of own only
 * number, hash and parent_root are read. */
void ts_audit_conflict_known(const struct ts_audit *a, const struct ts_audit_place *own,
                             const struct ts_batch *b, struct ts_finding *out);

/* A payload that somebody gave with the header of the chain's batch at own; given is the protocol
 * root with it: ts_protocol_root(&own->parent_root, raw payload). True: it is not the sealed one,
 * and *out is payload-edited; whoever asks has seen that no seal covers it, else it is a conflict.
 * given NULL: a peer that should have the payload gave none; then *out is payload-withheld, always
 * true. */
bool ts_audit_payload(const struct ts_audit_place *own, const ts_hash *given,
                      struct ts_finding *out);

/* A batch, sealed and valid but for that, that names another L1 block than L1 has at its number, or
 * whose whitelist is another than the one after that block: whitelist-mismatch.
 * In:  parent_root  protocol root before the batch
 *      l1           what L1 has at the number that the batch names, and the whitelist after it
 *      after        the whitelist after the batch, ascending */
void ts_audit_whitelist(const struct ts_audit *a, const ts_hash *parent_root,
                        const struct ts_batch *b, const struct ts_l1_block *l1,
                        const ts_address *after, size_t n_after, struct ts_finding *out);
/* Who is whitelisted after a batch that reports: who reports in it or is listed absent (V5),
 * ascending. False: it does not report, or names one twice or in disorder; outputs unspecified. */
bool ts_audit_accounted(const struct ts_payload *p, ts_address out[TS_MAX_WHITELIST], size_t *n);
/* The chain goes on and keeps naming an old L1 block, while L1 goes on: stale-l1. A node's own
 * view: the others may see it elsewhere.
 * In:  b, hash      the newest batch
 *      first        number of the first one that names the block
 *      named        that L1 block
 *      newest, newest_time  number and time of the newest confirmed one */
void ts_audit_stale_l1(const struct ts_batch *b, const ts_hash *hash, uint64_t first,
                       const struct ts_l1_evidence *named, uint64_t newest, ts_time newest_time,
                       struct ts_finding *out);

/* The time of a batch, with this hash, is not that of the node's own clock: clock-skew. A node's
 * own view. */
void ts_audit_clock_skew(const struct ts_batch *b, const ts_hash *hash, ts_time own,
                         struct ts_finding *out);

/* A rollup that is not the chain's batches (rollup-mismatch), or does not follow the one before it
 * (rollup-gap). digest: of the signed rollup; signer NULL: nobody. what: how, to be read behind
 * "the rollup of batches 1 to 9". */
void ts_audit_rollup(bool is_gap, const struct ts_rollup *r, const ts_hash *digest,
                     const ts_address *signer, const char *what, struct ts_finding *out);

/* Keeps a finding of those above, and tells it. False, and nobody is told: it is kept already
 * (the same evidence; of payloads, one of each kind for each number). */
bool ts_audit_add(struct ts_audit *a, const struct ts_finding *f, const struct ts_audit_sink *sink);

/* ---- what was found ----------------------------------------------------------------------------
 */

/* The findings kept, each in its newest state: first those of the chain, ascending by serial, then
 * those of evidence in the order in which they came. Valid until the next call that changes a. */
size_t ts_audit_count(const struct ts_audit *a);
const struct ts_finding *ts_audit_get(const struct ts_audit *a, size_t i);

#endif
