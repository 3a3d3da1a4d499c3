/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence as a JSON file (evidence_json_dep), and findings as JSON. Not in libtenseq, which has no
 * JSON. Source: docs/evidence.md. */
#ifndef TS_AUDIT_EVIDENCE_JSON_H
#define TS_AUDIT_EVIDENCE_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "tenseq/evidence.h"

#define TS_EVIDENCE_FILE_MAX (64u * 1024 * 1024)

/* A new object; NULL: out of memory. As ten_findings gives it. */
json_t *ts_finding_json(const struct ts_finding *f);
/* The whole file, for evidence that was checked: a function of the evidence alone. */
json_t *ts_evidence_to_json(const struct ts_evidence *e, const struct ts_evidence_verdict *v);

/* Evidence that was read; its bytes and lists stand in the arena. */
struct ts_evidence_file {
    struct ts_evidence evidence;
    struct ts_genesis genesis;
    struct ts_arena arena;
};
void ts_evidence_file_free(struct ts_evidence_file *f);

/* Reads a file and checks it: the evidence proves a finding (ts_evidence_check), and every member
 * of the file is the one that ts_evidence_to_json gives for it, so that nothing in it is but what
 * was proven.
 *
 * Returns: TS_OK; *file is to be freed by ts_evidence_file_free, *verdict is filled in. Else
 * verdict->why is one sentence, and *file is empty: TS_E_JSON, TS_E_EVIDENCE, TS_E_LIMIT,
 * TS_E_NOMEM, TS_E_VERSION, TS_E_UNSUPPORTED. */
ts_err ts_evidence_verify(const char *text, size_t n, const struct ts_crypto *crypto,
                          ts_rollup_said_fn said, struct ts_evidence_file *file,
                          struct ts_evidence_verdict *verdict);

#endif
