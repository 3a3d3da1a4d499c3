/* SPDX-License-Identifier: Apache-2.0 */
/* What the asynchronous and the blocking JSON-RPC client have in common. Not for use outside net.
 */
#ifndef TS_NET_RPC_TEXT_H
#define TS_NET_RPC_TEXT_H

#include <curl/curl.h>
#include <jansson.h>

#include "base/buf.h"

/* Checks that url is http or https with a host. false: why holds a sentence. */
bool ts_rpc_url_ok(const char *url, char *why, size_t why_size);
/* The settings every transfer has: no redirects, no signals, only http and https, no proxy for
 * loopback, answers into answer. */
void ts_rpc_setup(CURL *easy, const char *url, struct curl_slist *headers, struct ts_buf *answer,
                  char error[CURL_ERROR_SIZE]);
/* Content type, no "Expect", and the token when there is one. NULL: out of memory. */
struct curl_slist *ts_rpc_headers(const char *bearer_token);
/* The text of one call with id 1; params may be NULL. */
void ts_rpc_put_call(struct ts_buf *b, const char *method, const json_t *params);

struct ts_rpc_outcome {
    CURLcode code;
    long status; /* of HTTP */
    long os_errno;
    unsigned timeout_ms;
    const char *url;
    const char *error; /* curl's own words, may be "" */
};
/* Reads code's companions from the handle. */
void ts_rpc_read_outcome(CURL *easy, struct ts_rpc_outcome *o);
/* What became of a transfer; on failure why holds a sentence. */
ts_err ts_rpc_judge(const struct ts_rpc_outcome *o, const struct ts_buf *answer, char *why,
                    size_t why_size);
/* Reads the answer to a call: *root is a new reference that holds *result or, for TS_E_CONFLICT,
 * *rpc_error. TS_E_JSON: *root is NULL. */
ts_err ts_rpc_read_answer(ts_bytes body, const char *url, json_t **root, json_t **result,
                          json_t **rpc_error, char *why, size_t why_size);

#endif
