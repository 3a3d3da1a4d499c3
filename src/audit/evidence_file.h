/* SPDX-License-Identifier: Apache-2.0 */
/* What writing and reading evidence share. Not for others. */
#ifndef TS_AUDIT_EVIDENCE_FILE_H
#define TS_AUDIT_EVIDENCE_FILE_H

#define TS_EVIDENCE_FORMAT "tenseq-evidence"

#endif
