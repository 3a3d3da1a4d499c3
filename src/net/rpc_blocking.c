/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_client.h"
#include "net/rpc_text.h"

#define MAX_ANSWER (64u * 1024 * 1024)

static ts_err perform(CURL *easy, const char *url, struct curl_slist *headers,
                      const struct ts_buf *call, unsigned timeout_ms, struct ts_buf *answer,
                      char *why, size_t why_size)
{
    char error[CURL_ERROR_SIZE];
    struct ts_rpc_outcome o = {.timeout_ms = timeout_ms, .url = url, .error = error};
    ts_rpc_setup(easy, url, headers, answer, error);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, (const char *)call->p);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->n);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    o.code = curl_easy_perform(easy);
    ts_rpc_read_outcome(easy, &o);
    return ts_rpc_judge(&o, answer, why, why_size);
}

static ts_err call_and_read(CURL *easy, const char *url, struct curl_slist *headers,
                            const struct ts_buf *call, unsigned timeout_ms, json_t **result,
                            char *why, size_t why_size)
{
    struct ts_buf answer;
    json_t *root = NULL;
    json_t *found;
    json_t *rpc_error;
    ts_buf_init(&answer, MAX_ANSWER);
    ts_err err = perform(easy, url, headers, call, timeout_ms, &answer, why, why_size);
    if (err == TS_OK)
        err = ts_rpc_read_answer(ts_buf_bytes(&answer), url, &root, &found, &rpc_error, why,
                                 why_size);
    if (err == TS_OK)
        *result = json_incref(found);
    json_decref(root);
    ts_buf_free(&answer);
    return err;
}

ts_err ts_rpc_call_blocking(const char *url, const char *token, const char *method, json_t *params,
                            unsigned timeout_ms, json_t **result, char *why, size_t why_size)
{
    struct ts_buf call;
    ts_err err = TS_E_USAGE;
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = ts_rpc_headers(token);
    ts_buf_init(&call, 0);
    ts_rpc_put_call(&call, method, params);
    json_decref(params);
    if (!easy || !headers || call.err != TS_OK) {
        snprintf(why, why_size, "out of memory");
        err = TS_E_NOMEM;
    } else if (ts_rpc_url_ok(url, why, why_size)) {
        err = call_and_read(easy, url, headers, &call, timeout_ms, result, why, why_size);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    ts_buf_free(&call);
    return err;
}
