/* SPDX-License-Identifier: Apache-2.0 */
/* Carries calls to an L1 node and its answers back, over HTTP or HTTPS: on the caller's loop, and
 * one call that waits for the command line.
 *
 * Who asks is in the URL: "https://USER:PASSWORD@host" is basic authentication, and
 * "https://bearer:TOKEN@host" a bearer token. Sentences name the node by scheme, host and port
 * alone, for its user and its path may be secrets. */
#ifndef TS_L1_CLIENT_H
#define TS_L1_CLIENT_H

#include <uv.h>

#include "l1/call.h"

struct ts_l1_client;

/* Strings are copied. A 0 takes the default in brackets. */
struct ts_l1_client_config {
    const char *url;
    size_t max_connections; /* calls that run side by side [4] */
    size_t max_calls;       /* running or waiting [256] */
    unsigned connect_ms;    /* [3 s] */
};

/* TS_E_USAGE: why holds a sentence about the URL. TS_E_NOMEM. *out is unchanged. */
ts_err ts_l1_client_new(uv_loop_t *loop, const struct ts_l1_client_config *config,
                        struct ts_l1_client **out, char *why, size_t why_size);
/* Answers still owed come with TS_E_CLOSED before it returns. c is invalid after; its handles are
 * closed by the loop. NULL is allowed. */
void ts_l1_client_close(struct ts_l1_client *c);
/* The node as sentences name it, such as "https://example.org:8545". */
const char *ts_l1_client_name(const struct ts_l1_client *c);
/* Calls running or waiting. */
size_t ts_l1_client_in_flight(const struct ts_l1_client *c);

/* The answer, with a result or an error (call.h); it and all it points to are borrowed for the
 * call. */
typedef void (*ts_l1_client_done)(void *ctx, const struct ts_l1_answer *answer);

/* Copies the call. done comes exactly once, from the loop or from ts_l1_client_close, at the latest
 * when timeout_ms have passed. TS_E_BUSY: too many calls; TS_E_NOMEM, TS_E_LIMIT, TS_E_CLOSED: done
 * does not come. */
ts_err ts_l1_client_call(struct ts_l1_client *c, const struct ts_l1_call *call, unsigned timeout_ms,
                         ts_l1_client_done done, void *ctx);

/* One call that waits. *out is filled in any case; what it points to is in the arena. The URL may
 * be bad: TS_E_USAGE. */
void ts_l1_client_ask(const char *url, const struct ts_l1_call *call, unsigned timeout_ms,
                      struct ts_arena *arena, struct ts_l1_answer *out);

#endif
