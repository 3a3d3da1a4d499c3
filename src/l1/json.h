/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of an L1 node as JSON-RPC text, and its answers read back, without I/O. The answers are a
 * stranger's: every size has a bound, every type is looked at, a header is hashed.
 * Source: https://ethereum.github.io/execution-apis/ ; JSON-RPC 2.0; EIP-1474 (error codes). */
#ifndef TS_L1_JSON_H
#define TS_L1_JSON_H

#include "l1/call.h"

#define TS_L1_MAX_ANSWER (16u * 1024 * 1024) /* bytes of any answer's text */

/* Appends the request. Its id is the call's, at most 2^53. The buffer fails sticky. */
void ts_l1_put_request(struct ts_buf *b, const struct ts_l1_call *call);

/* Reads what came back for call. *out is filled in any case, with a result or an error (call.h);
 * what it points to is in the arena. */
void ts_l1_read_answer(const struct ts_l1_call *call, ts_bytes body, struct ts_arena *arena,
                       struct ts_l1_answer *out);

/* Fills in an answer without a result: text is copied into the arena, cut to TS_L1_MAX_TEXT, and
 * made printable. err is not TS_OK. */
void ts_l1_fail_answer(const struct ts_l1_call *call, ts_err err, const char *text,
                       struct ts_arena *arena, struct ts_l1_answer *out);

#endif
