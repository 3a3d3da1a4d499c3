/* SPDX-License-Identifier: Apache-2.0 */
/* The audit inside the tree: its bounds, and its state as bytes. What it does stands in
 * tenseq/audit.h. */
#ifndef TS_AUDIT_AUDIT_H
#define TS_AUDIT_AUDIT_H

#include "chain/l1.h"
#include "codec/rlp.h"
#include "tenseq/audit.h"

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
/* Removed enclaves that are remembered, for seals they made before: the newest. */
#define TS_AUDIT_PAST 1024
/* Findings kept: the newest of the chain; of evidence; of payloads, one for each batch number. When
 * there are more, the oldest that is no proof about the operator is forgotten. */
#define TS_AUDIT_KEPT     1024
#define TS_AUDIT_EVIDENCE 256

/* ---- as bytes ----------------------------------------------------------------------------------
 */

#define TS_AUDIT_VERSION 2

/* Appends one item: everything that follows from the chain, the same bytes for the same chain.
 * Evidence is not part of it: it is added again from where it is stored. */
void ts_audit_put(struct ts_buf *b, const struct ts_audit *a);
/* Reads one item into a, which must be as ts_audit_new made it, for the chain whose head it must
 * stand at. TS_OK, or the reader's error: a decoding error, TS_E_VERSION, TS_E_FOREIGN for another
 * genesis, TS_E_CORRUPT for another head or what no audit can be; then a is as before. */
ts_err ts_audit_read(struct ts_reader *r, const struct ts_chain *chain, struct ts_audit *a);

#endif
