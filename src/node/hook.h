/* SPDX-License-Identifier: Apache-2.0 */
/* A command of the operator's that is told of things as they happen: run by /bin/sh, once for each,
 * with one line on its standard input. One at a time, in order; what it prints goes to the
 * program's standard error. A command that does not end in time is killed with all it started, and
 * a slow one makes the newest wait, then be dropped: the program never waits for it. */
#ifndef TS_NODE_HOOK_H
#define TS_NODE_HOOK_H

#include <stdbool.h>
#include <uv.h>

#include "tenseq/bytes.h"

#define TS_HOOK_DEADLINE_MS 10000u
#define TS_HOOK_WAITING     64u    /* lines that wait; more are dropped */
#define TS_HOOK_LINE_MAX    65536u /* bytes of one */

struct ts_hook;

struct ts_hook_counters {
    uint64_t done;    /* runs that ended with 0 */
    uint64_t failed;  /* with another code, by a signal, or never begun */
    uint64_t killed;  /* when their time was over */
    uint64_t dropped; /* lines that nobody was told */
};

/* command is copied. NULL: out of memory. */
struct ts_hook *ts_hook_new(uv_loop_t *loop, const char *command);
/* Tells the command of one line, to which a line feed is added; copied. is_peers: any peer may be
 * the cause of it; such lines take at most half the places. */
void ts_hook_tell(struct ts_hook *h, ts_bytes line, bool is_peers);
/* h NULL: zeros. */
struct ts_hook_counters ts_hook_counters(const struct ts_hook *h);
/* Ends it: what runs is killed, what waits is dropped; it frees itself when the loop has closed its
 * handles. NULL is allowed. */
void ts_hook_close(struct ts_hook *h);

#endif
