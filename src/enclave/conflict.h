/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a batch that is not the child of the head proves a second line. */
#ifndef TS_ENCLAVE_CONFLICT_H
#define TS_ENCLAVE_CONFLICT_H

#include "enclave/state.h"

enum ts_line_verdict {
    TS_LINE_SAME,     /* the very batch that is on the line: same hash, same protocol root */
    TS_LINE_CONFLICT, /* another one with the same parent, sealed by a whitelisted enclave */
    TS_LINE_UNKNOWN   /* neither can be shown */
};

/* When two lines part, exactly one batch of the other line has its parent on this one, and it is
 * the one that proves: its seal covers the parent's protocol root, which is known here. Any other
 * batch off the line is of unknown worth: out of order, no more.
 *
 * A conflict is what a hostile host must not be able to make up, so it needs all of: the parent at
 * number - 1 is among the newest TS_RECENT batches of this line; the transactions are those of
 * txRoot; header hash or protocol root differ from those on the line; and the seal over both is by
 * the producer, who is whitelisted now. An enclave that runs as measured seals only what is valid,
 * so its seal stands for the rules that cannot be run again, V4 to V8 and execution at a parent
 * whose state is gone. One that does not can halt others with such a seal, which is evidence
 * against it that nobody can deny. Source: docs/protocol.md, section 3. */
enum ts_line_verdict ts_conflict_judge(const struct ts_line *line, const struct ts_batch *batch);

#endif
