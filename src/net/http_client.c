/* SPDX-License-Identifier: Apache-2.0 */
/* JSON-RPC as a client: libcurl's multi interface on the caller's loop, and one call that waits. */
#include "net/http_client.h"

#include <curl/curl.h>

#include "base/buf.h"
#include "base/check.h"

#define DEFAULT_CONNECTIONS 8
#define DEFAULT_QUEUE       4096
#define DEFAULT_ANSWER      ((size_t)32 << 20)
#define DEFAULT_CONNECT_MS  3000

struct request {
    struct ts_http_client *client;
    struct request *next;
    CURL *easy;
    struct ts_buf body, answer;
    ts_http_done done;
    void *ctx;
};

struct ts_http_client {
    uv_loop_t *loop;
    uv_timer_t *timer;
    CURLM *multi;
    struct curl_slist *headers;
    struct request *running;
    char *url;
    size_t in_flight, max_queue, max_answer;
    unsigned connect_ms;
    bool closing;
};

/* One socket that libcurl wants watched. */
struct watch {
    uv_poll_t poll;
    curl_socket_t fd;
    struct ts_http_client *client;
};

/* ---- what went wrong, as a sentence ---- */

static ts_err sentence(CURLcode code, long status, const char *url, char *why, size_t size)
{
    if (code == CURLE_OK && status == 200)
        return TS_OK;
    if (code == CURLE_OK) {
        snprintf(why, size, "%s answered with HTTP status %ld", url, status);
        return TS_E_IO;
    }
    if (code == CURLE_COULDNT_CONNECT)
        snprintf(why, size, "connection refused: is a host or node running at %s?", url);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        snprintf(why, size, "no answer from %s in time", url);
    else if (code == CURLE_WRITE_ERROR)
        snprintf(why, size, "the answer of %s is larger than allowed", url);
    else
        snprintf(why, size, "asking %s failed: %s", url, curl_easy_strerror(code));
    if (code == CURLE_OPERATION_TIMEDOUT)
        return TS_E_TIMEOUT;
    return code == CURLE_WRITE_ERROR ? TS_E_LIMIT : TS_E_IO;
}

/* ---- one request ---- */

static size_t take(char *p, size_t size, size_t n, void *ctx)
{
    struct ts_buf *answer = ctx;
    (void)size; /* is 1 */
    ts_buf_put(answer, p, n);
    return answer->err == TS_OK ? n : 0;
}

static bool set_up(CURL *easy, const char *url, struct curl_slist *headers,
                   const struct ts_buf *body, struct ts_buf *answer, unsigned connect_ms,
                   unsigned timeout_ms)
{
    return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->p) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->n) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms) == CURLE_OK;
}

static void request_free(struct request *r)
{
    if (r->easy != NULL)
        curl_easy_cleanup(r->easy);
    ts_buf_free(&r->body);
    ts_buf_free(&r->answer);
    free(r);
}

static void unlink_request(struct request *r)
{
    struct request **at = &r->client->running;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    r->client->in_flight--;
}

static void finish(struct request *r, CURLcode code)
{
    long status = 0;
    char why[512] = "";
    curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(r->client->multi, r->easy);
    unlink_request(r);
    ts_err err = sentence(code, status, r->client->url, why, sizeof(why));
    r->done(r->ctx, err, ts_buf_bytes(&r->answer), why);
    request_free(r);
}

static void reap(struct ts_http_client *c)
{
    CURLMsg *m;
    int left;
    while (!c->closing && (m = curl_multi_info_read(c->multi, &left)) != NULL) {
        struct request *r = NULL;
        CURLcode code = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&r);
        finish(r, code);
    }
}

/* ---- libcurl on the loop ---- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    struct ts_http_client *c = w->client;
    int flags = (status < 0 ? CURL_CSELECT_ERR : 0) | (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
                (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
    int running;
    curl_multi_socket_action(c->multi, w->fd, flags, &running);
    reap(c);
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct ts_http_client *c = ctx;
    struct watch *w = socket_ctx;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL) {
            curl_multi_assign(c->multi, fd, NULL);
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_watch_closed);
        }
        return 0;
    }
    if (w == NULL) {
        w = calloc(1, sizeof(*w));
        if (w == NULL || uv_poll_init_socket(c->loop, &w->poll, fd) != 0) {
            free(w);
            return -1;
        }
        w->poll.data = w;
        w->fd = fd;
        w->client = c;
        curl_multi_assign(c->multi, fd, w);
    }
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(&w->poll, events, on_poll) == 0 ? 0 : -1;
}

static void on_timer(uv_timer_t *timer)
{
    struct ts_http_client *c = timer->data;
    int running;
    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    reap(c);
}

static int want_timer(CURLM *multi, long ms, void *ctx)
{
    struct ts_http_client *c = ctx;
    (void)multi;
    if (ms < 0)
        uv_timer_stop(c->timer);
    else
        uv_timer_start(c->timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

/* ---- the client ---- */

static bool url_is_good(const char *url)
{
    CURLU *u = curl_url();
    char *scheme = NULL;
    bool good = u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_url_cleanup(u);
    return good;
}

static struct curl_slist *make_headers(const char *token)
{
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    list = curl_slist_append(list, "Expect:");
    if (token != NULL && token[0] != 0) {
        char line[600];
        snprintf(line, sizeof(line), "Authorization: Bearer %s", token);
        list = curl_slist_append(list, line);
    }
    return list;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

ts_err ts_http_client_new(uv_loop_t *loop, const struct ts_http_client_config *config,
                          struct ts_http_client **out, char *why, size_t why_size)
{
    if (!url_is_good(config->url)) {
        snprintf(why, why_size, "%s is not an http:// or https:// URL", config->url);
        return TS_E_USAGE;
    }
    struct ts_http_client *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return TS_E_NOMEM;
    c->loop = loop;
    c->url = strdup(config->url);
    c->timer = calloc(1, sizeof(*c->timer));
    c->multi = curl_multi_init();
    c->headers = make_headers(config->bearer_token);
    c->max_queue = config->max_queue ? config->max_queue : DEFAULT_QUEUE;
    c->max_answer = config->max_answer ? config->max_answer : DEFAULT_ANSWER;
    c->connect_ms = config->connect_ms ? config->connect_ms : DEFAULT_CONNECT_MS;
    if (c->url == NULL || c->timer == NULL || c->multi == NULL || c->headers == NULL) {
        free(c->timer);
        curl_multi_cleanup(c->multi);
        curl_slist_free_all(c->headers);
        free(c->url);
        free(c);
        return TS_E_NOMEM;
    }
    uv_timer_init(loop, c->timer);
    c->timer->data = c;
    size_t connections = config->max_connections ? config->max_connections : DEFAULT_CONNECTIONS;
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)connections);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)connections);
    *out = c;
    return TS_OK;
}

void ts_http_client_close(struct ts_http_client *c)
{
    if (c == NULL)
        return;
    c->closing = true;
    while (c->running != NULL) {
        struct request *r = c->running;
        curl_multi_remove_handle(c->multi, r->easy);
        unlink_request(r);
        r->done(r->ctx, TS_E_CLOSED, ts_bytes_of(NULL, 0), "the client was closed");
        request_free(r);
    }
    curl_multi_cleanup(c->multi); /* takes its sockets back, through want_socket */
    uv_timer_stop(c->timer);
    uv_close((uv_handle_t *)c->timer, on_timer_closed);
    curl_slist_free_all(c->headers);
    free(c->url);
    free(c);
}

size_t ts_http_client_in_flight(const struct ts_http_client *c)
{
    return c->in_flight;
}

ts_err ts_http_client_post(struct ts_http_client *c, ts_bytes body, unsigned timeout_ms,
                           ts_http_done done, void *ctx)
{
    if (c->closing || c->in_flight >= c->max_queue)
        return TS_E_BUSY;
    struct request *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return TS_E_NOMEM;
    r->client = c;
    r->done = done;
    r->ctx = ctx;
    ts_buf_init(&r->body, 0);
    ts_buf_init(&r->answer, c->max_answer);
    ts_buf_put(&r->body, body.p, body.n);
    r->easy = curl_easy_init();
    if (r->easy == NULL || r->body.err != TS_OK ||
        !set_up(r->easy, c->url, c->headers, &r->body, &r->answer, c->connect_ms, timeout_ms) ||
        curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r) != CURLE_OK ||
        curl_multi_add_handle(c->multi, r->easy) != CURLM_OK) {
        request_free(r);
        return TS_E_NOMEM;
    }
    r->next = c->running;
    c->running = r;
    c->in_flight++;
    return TS_OK;
}

/* ---- calls ---- */

static ts_err make_call(const char *method, json_t *params, struct ts_buf *body)
{
    json_t *call = json_pack("{s:s,s:i,s:s,s:o}", "jsonrpc", "2.0", "id", 1, "method", method,
                             "params", params != NULL ? params : json_array());
    char *text = call != NULL ? json_dumps(call, JSON_COMPACT) : NULL;
    json_decref(call);
    if (text == NULL)
        return TS_E_NOMEM;
    ts_buf_put(body, text, strlen(text));
    free(text);
    return body->err;
}

/* *root is a new reference that result and error borrow from. */
static ts_err read_answer(ts_bytes body, json_t **root, json_t **result, json_t **error, char *why,
                          size_t size)
{
    *root = json_loadb((const char *)body.p, body.n, 0, NULL);
    *result = json_object_get(*root, "result");
    *error = json_object_get(*root, "error");
    if (json_is_object(*error)) {
        const char *message = json_string_value(json_object_get(*error, "message"));
        snprintf(why, size, "%s", message ? message : "an error without a message");
        *result = NULL;
        return TS_E_CONFLICT;
    }
    if (*result == NULL) {
        snprintf(why, size, "the answer is no JSON-RPC");
        return TS_E_JSON;
    }
    return TS_OK;
}

struct call {
    ts_rpc_done done;
    void *ctx;
};

static void call_done(void *ctx, ts_err err, ts_bytes body, const char *why)
{
    struct call *call = ctx;
    json_t *root = NULL, *result = NULL, *error = NULL;
    char text[512] = "";
    if (err == TS_OK) {
        err = read_answer(body, &root, &result, &error, text, sizeof(text));
        why = text;
    }
    call->done(call->ctx, err, result, error, why);
    json_decref(root);
    free(call);
}

ts_err ts_http_client_call(struct ts_http_client *c, const char *method, json_t *params,
                           unsigned timeout_ms, ts_rpc_done done, void *ctx)
{
    struct ts_buf body;
    ts_buf_init(&body, 0);
    ts_err err = make_call(method, params, &body);
    struct call *call = calloc(1, sizeof(*call));
    if (err == TS_OK && call == NULL)
        err = TS_E_NOMEM;
    if (err == TS_OK) {
        *call = (struct call){done, ctx};
        err = ts_http_client_post(c, ts_buf_bytes(&body), timeout_ms, call_done, call);
    }
    if (err != TS_OK)
        free(call);
    ts_buf_free(&body);
    return err;
}

ts_err ts_rpc_call_blocking(const char *url, const char *token, const char *method, json_t *params,
                            unsigned timeout_ms, json_t **result, char *why, size_t why_size)
{
    struct ts_buf body, answer;
    ts_buf_init(&body, 0);
    ts_buf_init(&answer, DEFAULT_ANSWER);
    struct curl_slist *headers = make_headers(token);
    CURL *easy = curl_easy_init();
    json_t *root = NULL, *found, *error;
    long status = 0;
    ts_err err = make_call(method, params, &body);
    if (!url_is_good(url)) {
        snprintf(why, why_size, "%s is not an http:// or https:// URL", url);
        err = TS_E_USAGE;
    } else if (err != TS_OK || easy == NULL || headers == NULL ||
               !set_up(easy, url, headers, &body, &answer, DEFAULT_CONNECT_MS, timeout_ms)) {
        snprintf(why, why_size, "out of memory");
        err = TS_E_NOMEM;
    } else {
        CURLcode code = curl_easy_perform(easy);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        err = sentence(code, status, url, why, why_size);
    }
    if (err == TS_OK)
        err = read_answer(ts_buf_bytes(&answer), &root, &found, &error, why, why_size);
    if (err == TS_OK)
        *result = json_incref(found);
    json_decref(root);
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    ts_buf_free(&body);
    ts_buf_free(&answer);
    return err;
}
