/* SPDX-License-Identifier: Apache-2.0 */
/* The ten_ methods of rpc/api.h, what they take and return:
 *
 *   ten_getBatch(number | hash | tag)  {number, hash, header, transactions,
 *       transactionHashes, protocolPayload {transitions, reports, absent, notices}, payloadHash,
 *       seal, raw}; null: not known here
 *   ten_getBatches {from, count}       an array of these, ascending: at most TS_TEN_MAX_BATCHES of
 *       them and TS_TEN_MAX_BYTES of raw bytes, but one if there is one
 *   ten_registry(number?)              {number, hash, term, active, enclaves: […]} as the chain
 * says after that batch; at most TS_TEN_MAX_FOLD batches above a stored snapshot ten_lifecycle
 * {enclaveId?, from?, to?}  {events: […], next}: published transitions, ascending; next is where to
 * go on, null at the end. Both bounds are batch numbers, inclusive ten_transaction(hash) {state:
 * "pending" | "included" | "rejected" | "unknown", batch?, index?, reason?, code?} ten_health()
 * {client, chainId, genesis, head: {number, hash, time, term}} and what the program adds
 *   ten_genesis()                      {hash, raw}: what the network starts from, as RLP
 *   ten_findings {from?, severity?}    {number, findings: [{name, severity, about, state, serial,
 *       evidence, enclave, first, last, hash, time, count, text}]}: what the audit holds after
 * batch number (audit/audit.h), each in its newest state; serial, evidence and enclave may be null.
 *       from: a batch number; those that ended before it are left out. severity: this and above.
 *       Only of a node
 *   ten_evidence(id)                   the whole file of a proof (docs/evidence.md); id: a
 *       finding's evidence. null: none is kept under it. Only of a node
 *   ten_timeline {from?, to?, points?, last?} {head, from, to, width, buckets: {first, time,
 *       transactions, intervalMean, intervalMax, takeovers, unclean, reportLagMax, term},
 *       enclaves, lanes: [{id, runs: [[bucket, bucket, state]], absent: [[bucket, batches]]}],
 *       marks: [{batch, time, enclave, kind, index}], marksLeftOut,
 *       takeoverTimes: [[batch, ms, clean]]}: the batches from to to (default: all), or the
 *       newest last of them, in at most points buckets (1 to TS_TEN_MAX_POINTS) of width batches;
 * columns of one length, times in milliseconds (audit/timeline.h). Ranges are widened to whole
 * buckets; narrow ones are read batch by batch. Only of a node ten_assessment() how much the record
 * amounts to: {number, time, parameters, operator, enclaves: […], open: […]}, docs/assessment.md.
 * Only of a node ten_subscribe("batches" | "heads" | "lifecycle" | "findings"),
 * ten_unsubscribe(id): notifications "ten_subscription" with the objects above; of heads {number,
 * hash, time, term, producer, transactions, transitions, absent: […]}, with counts of the first
 * two. Findings are published by the program that has any */
#ifndef TS_RPC_TEN_H
#define TS_RPC_TEN_H

#define TS_TEN_MAX_BATCHES  256u
#define TS_TEN_MAX_BYTES    (2u * 1024 * 1024)
#define TS_TEN_MAX_EVENTS   1000u
#define TS_TEN_MAX_SCAN     2000u /* batches looked at for one page of ten_lifecycle */
#define TS_TEN_MAX_FOLD     4096u
#define TS_TEN_POINTS       256u
#define TS_TEN_MAX_POINTS   1024u
#define TS_TEN_MAX_MARKS    512u
#define TS_TEN_WINDOW       4096u               /* batches read for one ten_timeline */
#define TS_TEN_WINDOW_BYTES (16u * 1024 * 1024) /* of either, raw */
#define TS_TEN_MAX_FOLDS    16u                 /* calls of ten_registry that fold, at one time */

#endif
