/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rpc_text.h"

#include <ctype.h>
#include <errno.h>

#include "net/json_text.h"

#define NO_PROXY "localhost,127.0.0.1,::1"

bool ts_rpc_url_ok(const char *url, char *why, size_t why_size)
{
    CURLU *u = curl_url();
    char *scheme = NULL;
    char *host = NULL;
    bool ok = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && host[0] != '\0' &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(u);
    if (!ok)
        snprintf(why, why_size, "\"%.200s\" is no URL such as http://127.0.0.1:9000", url);
    return ok;
}

static size_t take_body(char *p, size_t size, size_t n, void *ctx)
{
    struct ts_buf *answer = ctx;
    ts_buf_put(answer, p, size * n);
    return answer->err == TS_OK ? size * n : 0; /* 0 makes curl give up */
}

void ts_rpc_setup(CURL *easy, const char *url, struct curl_slist *headers, struct ts_buf *answer,
                  char error[CURL_ERROR_SIZE])
{
    error[0] = '\0';
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, NO_PROXY);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "tenseq/" TS_VERSION);
}

struct curl_slist *ts_rpc_headers(const char *bearer_token)
{
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    struct curl_slist *more = list ? curl_slist_append(list, "Expect:") : NULL;
    struct ts_buf b;
    if (!more || !bearer_token || bearer_token[0] == '\0') {
        if (!more)
            curl_slist_free_all(list);
        return more;
    }
    ts_buf_init(&b, 0);
    ts_buf_printf(&b, "Authorization: Bearer %s%c", bearer_token, 0);
    more = b.err == TS_OK ? curl_slist_append(list, (const char *)b.p) : NULL;
    ts_buf_free(&b);
    if (!more)
        curl_slist_free_all(list);
    return more;
}

void ts_rpc_put_call(struct ts_buf *b, const char *method, const json_t *params)
{
    ts_buf_printf(b, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":");
    ts_rpc_put_string(b, method);
    ts_buf_printf(b, ",\"params\":");
    if (params)
        ts_rpc_put_json(b, params);
    else
        ts_buf_put(b, "[]", 2);
    ts_buf_put_byte(b, '}');
}

void ts_rpc_read_outcome(CURL *easy, struct ts_rpc_outcome *o)
{
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &o->status);
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &o->os_errno);
}

/* The first line of a refusal's body, so that the server's own sentence is not lost. */
static void first_line(const struct ts_buf *answer, char *out, size_t size)
{
    size_t n = 0;
    while (n < answer->n && n + 1 < size && isprint(answer->p[n])) {
        out[n] = (char)answer->p[n];
        n++;
    }
    out[n] = '\0';
}

ts_err ts_rpc_judge(const struct ts_rpc_outcome *o, const struct ts_buf *answer, char *why,
                    size_t why_size)
{
    char line[200];
    why[0] = '\0';
    if (answer->err == TS_E_LIMIT) {
        snprintf(why, why_size, "%s: the answer is longer than %zu bytes", o->url, answer->max);
        return TS_E_LIMIT;
    }
    switch (o->code) {
    case CURLE_OK:
        break;
    case CURLE_COULDNT_CONNECT:
        if (o->os_errno == ECONNREFUSED)
            snprintf(why, why_size, "nothing listens at %s (connection refused)", o->url);
        else
            snprintf(why, why_size, "%s: cannot connect: %s", o->url, o->error);
        return TS_E_IO;
    case CURLE_OPERATION_TIMEDOUT:
        snprintf(why, why_size, "%s: no answer within %u ms", o->url, o->timeout_ms);
        return TS_E_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
        snprintf(why, why_size,
                 "%s: no TLS connection; a host or node itself speaks http://, and https:// only "
                 "behind a proxy (%s)",
                 o->url, o->error[0] != '\0' ? o->error : curl_easy_strerror(o->code));
        return TS_E_IO;
    case CURLE_OUT_OF_MEMORY:
        snprintf(why, why_size, "out of memory");
        return TS_E_NOMEM;
    default:
        snprintf(why, why_size, "%s: %s", o->url,
                 o->error[0] != '\0' ? o->error : curl_easy_strerror(o->code));
        return TS_E_IO;
    }
    if (o->status >= 200 && o->status < 300)
        return TS_OK;
    first_line(answer, line, sizeof(line));
    snprintf(why, why_size, "%s answered HTTP %ld%s%s", o->url, o->status,
             line[0] != '\0' ? ": " : "", line);
    return TS_E_IO;
}

ts_err ts_rpc_read_answer(ts_bytes body, const char *url, json_t **root, json_t **result,
                          json_t **rpc_error, char *why, size_t why_size)
{
    *result = NULL;
    *rpc_error = NULL;
    *root = json_loadb((const char *)body.p, body.n, 0, NULL);
    json_t *error = json_object_get(*root, "error");
    const char *message = json_string_value(json_object_get(error, "message"));
    why[0] = '\0';
    if (json_is_object(error) && message) {
        *rpc_error = error;
        snprintf(why, why_size, "%s", message);
        return TS_E_CONFLICT;
    }
    *result = json_object_get(*root, "result");
    if (*result && json_integer_value(json_object_get(*root, "id")) == 1)
        return TS_OK;
    json_decref(*root);
    *root = NULL;
    *result = NULL;
    snprintf(why, why_size, "%s: the answer is no JSON-RPC", url);
    return TS_E_JSON;
}
