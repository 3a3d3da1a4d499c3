/* SPDX-License-Identifier: Apache-2.0 */
/* The audit: turns a followed chain, and evidence beside it, into findings. No I/O, no clock.
 *
 * What follows from the chain alone is deterministic: who joins late, or starts again from a stored
 * state, reaches the same findings with the same serials and texts. Memory is bounded whatever the
 * chain holds, and a batch takes none, so auditing one cannot fail.
 *
 * Source: attacks.md's findings, as docs/findings.md tells them. */
#ifndef TS_AUDIT_AUDIT_H
#define TS_AUDIT_AUDIT_H

#include "audit/finding.h"
#include "chain/l1.h"
#include "codec/rlp.h"
#include "tenseq/chain.h"

/* Bounds, in batches unless said. A "reporting" batch is one that holds reports. */

/* silence: absent in so many more than maxReportLag reporting batches in a row. An honest enclave
 * that is up reports at latest maxReportLag below. */
#define TS_AUDIT_SILENCE_OVER_LAG 1
/* lagging: so many reports in a row at a head that is not the parent; absences do not end the row.
 */
#define TS_AUDIT_LAGGING 8
/* mass-restart: within so many batches. */
#define TS_AUDIT_MASS_WINDOW 128
/* cadence: a batch is late when it comes more than so many batchIntervals and a second after its
 * parent; batches are bunched when so many in a row come within half an interval each; it is over
 * after so many in a row that are neither. */
#define TS_AUDIT_LATE_FACTOR  3
#define TS_AUDIT_LATE_MORE_MS 1000
#define TS_AUDIT_BUNCHED      8
#define TS_AUDIT_CALM         16
/* Removed enclaves that are remembered, for seals they made before; the newest of the last
 * TS_RECENT batches. */
#define TS_AUDIT_PAST 1024
/* Findings kept: the newest of the chain; of evidence; of payloads, one for each batch number. When
 * there are more, the oldest that is no proof about the operator is forgotten. */
#define TS_AUDIT_KEPT     1024
#define TS_AUDIT_EVIDENCE 256

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
 * In:      own is of the newest TS_RECENT batches of the chain that a has followed. */
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
/* The chain goes on and keeps naming an old L1 block, while L1 goes on: stale-l1. A node's own
 * view: the others may see it elsewhere. In:  b, hash   the newest batch; first: the first one that
 * names the block named     that L1 block newest, newest_time  number and time of the newest
 * confirmed one */
void ts_audit_stale_l1(const struct ts_batch *b, const ts_hash *hash, uint64_t first,
                       const struct ts_l1_evidence *named, uint64_t newest, ts_time newest_time,
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

/* ---- as bytes ----------------------------------------------------------------------------------
 */

#define TS_AUDIT_VERSION 1

/* Appends one item: everything that follows from the chain, the same bytes for the same chain.
 * Evidence is not part of it: it is added again from where it is stored. */
void ts_audit_put(struct ts_buf *b, const struct ts_audit *a);
/* Reads one item into a, which must be as ts_audit_new made it, for the chain whose head it must
 * stand at. TS_OK, or the reader's error: a decoding error, TS_E_VERSION, TS_E_FOREIGN for another
 * genesis, TS_E_CORRUPT for another head or what no audit can be; then a is as before. */
ts_err ts_audit_read(struct ts_reader *r, const struct ts_chain *chain, struct ts_audit *a);

#endif
