/* SPDX-License-Identifier: Apache-2.0 */
/* JSON-RPC over HTTP or HTTPS as a client, by libcurl: asynchronous on the caller's loop, and one
 * blocking call for command-line verbs. */
#ifndef TS_NET_HTTP_CLIENT_H
#define TS_NET_HTTP_CLIENT_H

#include <jansson.h>
#include <uv.h>

#include "tenseq/bytes.h"

struct ts_http_client;

/* Strings are copied. A 0 takes the default in brackets. */
struct ts_http_client_config {
    const char *url;  /* "http://127.0.0.1:9000" or https; with user:password@, if need be */
    const char *name; /* what sentences call it [url] */
    const char *bearer_token; /* or NULL */
    size_t max_connections;   /* kept open and used side by side [8] */
    size_t max_queue;         /* requests waiting or running [4096] */
    size_t max_answer;        /* bytes of one answer [32 MiB] */
    unsigned connect_ms;      /* [3 s] */
};

/* TS_E_USAGE: why holds a sentence about the URL. TS_E_NOMEM. *out is unchanged. */
ts_err ts_http_client_new(uv_loop_t *loop, const struct ts_http_client_config *config,
                          struct ts_http_client **out, char *why, size_t why_size);
/* Ends all; callbacks still owed come with TS_E_CLOSED before it returns. c is invalid after, its
 * handles are closed by the loop. NULL is allowed. */
void ts_http_client_close(struct ts_http_client *c);
/* Requests waiting or running. */
size_t ts_http_client_in_flight(const struct ts_http_client *c);

/* err is TS_OK with the body of a 200 answer; else why is one sentence ("connection refused: is a
 * host or node running at http://127.0.0.1:9000?") and body is what came, may be empty: TS_E_IO,
 * TS_E_TIMEOUT, TS_E_LIMIT, TS_E_CLOSED. body and why are borrowed for the call. */
typedef void (*ts_http_done)(void *ctx, ts_err err, ts_bytes body, const char *why);
/* Posts a body as application/json. done comes exactly once from the loop (or from
 * ts_http_client_close). body is copied. TS_E_BUSY: the queue is full; TS_E_NOMEM: done does not
 * come. */
ts_err ts_http_client_post(struct ts_http_client *c, ts_bytes body, unsigned timeout_ms,
                           ts_http_done done, void *ctx);

/* result is borrowed for the call (keep it with json_incref); NULL on error. err TS_E_JSON: the
 * answer is no JSON-RPC; TS_E_CONFLICT: the other side answered with a JSON-RPC error, whose
 * message is why and whose whole object is rpc_error. */
typedef void (*ts_rpc_done)(void *ctx, ts_err err, json_t *result, json_t *rpc_error,
                            const char *why);
/* One call. params is stolen, also on failure; NULL: no parameters. */
ts_err ts_http_client_call(struct ts_http_client *c, const char *method, json_t *params,
                           unsigned timeout_ms, ts_rpc_done done, void *ctx);

/* One call that waits. params is stolen, NULL: none. TS_OK: *result is a new reference. Else why
 * holds one sentence, *result is unchanged, and the errors are those above. token may be NULL. */
ts_err ts_rpc_call_blocking(const char *url, const char *token, const char *method, json_t *params,
                            unsigned timeout_ms, json_t **result, char *why, size_t why_size);

#endif
