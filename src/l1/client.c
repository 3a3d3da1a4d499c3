/* SPDX-License-Identifier: Apache-2.0 */
#include "l1/client.h"

#include <curl/curl.h>

#include "base/check.h"
#include "l1/json.h"
#include "net/http_client.h"

#define MAX_ARENA (32u * 1024 * 1024) /* for one answer */

struct ts_l1_client {
    struct ts_http_client *http;
    char *name;
};

/* A call that is under way, with copies of what it borrows. */
struct pending {
    struct ts_l1_call call;
    ts_hash *topics;
    uint8_t *data;
    ts_l1_client_done done;
    void *ctx;
};

/* ---- the URL ---- */

struct address {
    char *url;   /* as curl takes it: with user and password, without a bearer token */
    char *name;  /* scheme, host and port */
    char *token; /* or NULL */
};

static void free_address(struct address *a)
{
    curl_free(a->url);
    curl_free(a->name);
    curl_free(a->token);
}

static bool has_text(CURLU *u, CURLUPart part, const char *text)
{
    char *got = NULL;
    const bool same =
        curl_url_get(u, part, &got, CURLU_URLDECODE) == CURLUE_OK && strcmp(got, text) == 0;
    curl_free(got);
    return same;
}

/* curl ends a header at a line break, but a token has none in the first place. */
static bool is_token(const char *token)
{
    for (; *token != '\0'; token++)
        if (*token <= ' ' || *token > '~')
            return false;
    return true;
}

static bool take_token(CURLU *u, struct address *out)
{
    if (!has_text(u, CURLUPART_USER, "bearer"))
        return true;
    if (curl_url_get(u, CURLUPART_PASSWORD, &out->token, CURLU_URLDECODE) != CURLUE_OK ||
        !is_token(out->token))
        return false;
    return curl_url_set(u, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
           curl_url_set(u, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK;
}

static bool take_name(CURLU *u, struct address *out)
{
    static const CURLUPart secret[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_PATH,
                                       CURLUPART_QUERY, CURLUPART_FRAGMENT};
    for (size_t i = 0; i < TS_COUNT(secret); i++)
        curl_url_set(u, secret[i], NULL, 0);
    if (curl_url_get(u, CURLUPART_URL, &out->name, 0) != CURLUE_OK)
        return false;
    const size_t n = strlen(out->name);
    if (n > 0 && out->name[n - 1] == '/')
        out->name[n - 1] = '\0';
    return true;
}

/* Says nothing of the URL itself: what is wrong in it may be the secret. */
static ts_err read_url(const char *url, struct address *out, char *why, size_t why_size)
{
    CURLU *u = curl_url();
    *out = (struct address){0};
    const bool good =
        u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
        (has_text(u, CURLUPART_SCHEME, "http") || has_text(u, CURLUPART_SCHEME, "https")) &&
        take_token(u, out) && curl_url_get(u, CURLUPART_URL, &out->url, 0) == CURLUE_OK &&
        take_name(u, out);
    curl_url_cleanup(u);
    if (good)
        return TS_OK;
    snprintf(why, why_size,
             "the L1 node's URL is none such as http://127.0.0.1:8545 or "
             "https://bearer:TOKEN@example.org");
    free_address(out);
    return TS_E_USAGE;
}

/* ---- a client ---- */

ts_err ts_l1_client_new(uv_loop_t *loop, const struct ts_l1_client_config *config,
                        struct ts_l1_client **out, char *why, size_t why_size)
{
    struct address a;
    ts_err err = read_url(config->url, &a, why, why_size);
    if (err != TS_OK)
        return err;
    const struct ts_http_client_config http = {
        .url = a.url,
        .name = a.name,
        .bearer_token = a.token,
        .max_connections = config->max_connections ? config->max_connections : 4,
        .max_queue = config->max_calls ? config->max_calls : 256,
        .max_answer = TS_L1_MAX_ANSWER,
        .connect_ms = config->connect_ms,
    };
    struct ts_l1_client *c = calloc(1, sizeof(*c));
    if (c)
        c->name = strdup(a.name);
    err = TS_E_NOMEM;
    if (c && c->name)
        err = ts_http_client_new(loop, &http, &c->http, why, why_size);
    else
        snprintf(why, why_size, "out of memory");
    free_address(&a);
    if (err == TS_OK) {
        *out = c;
        return TS_OK;
    }
    free(c ? c->name : NULL);
    free(c);
    return err;
}

void ts_l1_client_close(struct ts_l1_client *c)
{
    if (!c)
        return;
    ts_http_client_close(c->http);
    free(c->name);
    free(c);
}

const char *ts_l1_client_name(const struct ts_l1_client *c)
{
    return c->name;
}

size_t ts_l1_client_in_flight(const struct ts_l1_client *c)
{
    return ts_http_client_in_flight(c->http);
}

/* ---- calls ---- */

static void free_pending(struct pending *p)
{
    free(p->topics);
    free(p->data);
    free(p);
}

static void *copy_of(const void *p, size_t n)
{
    void *copy = malloc(n + 1);
    if (copy && n > 0)
        memcpy(copy, p, n);
    return copy;
}

static struct pending *make_pending(const struct ts_l1_call *call)
{
    struct pending *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->call = *call;
    p->topics = copy_of(call->topics, call->n_topics * sizeof(ts_hash));
    p->data = copy_of(call->data.p, call->data.n);
    p->call.topics = p->topics;
    p->call.data.p = p->data;
    if (p->topics && p->data)
        return p;
    free_pending(p);
    return NULL;
}

static ts_err error_of(const struct ts_l1_call *call, ts_err http)
{
    switch (http) {
    case TS_E_TIMEOUT:
    case TS_E_NOMEM:
        return http;
    case TS_E_LIMIT:
        return call->method == TS_L1_LOGS ? TS_E_L1_REFUSED : TS_E_L1_NONSENSE;
    default:
        return TS_E_CLOSED;
    }
}

/* Some nodes send a JSON-RPC error with an HTTP status of its own. */
static bool is_refusal(const struct ts_l1_call *call, ts_bytes body, struct ts_arena *arena,
                       struct ts_l1_answer *out)
{
    ts_l1_read_answer(call, body, arena, out);
    return out->err == TS_E_L1_REFUSED || out->err == TS_E_L1_REVERT;
}

static void on_done(void *ctx, ts_err err, ts_bytes body, const char *why)
{
    struct pending *p = ctx;
    struct ts_arena arena;
    struct ts_l1_answer answer;
    ts_arena_init(&arena, MAX_ARENA);
    if (err == TS_OK)
        ts_l1_read_answer(&p->call, body, &arena, &answer);
    else if (err != TS_E_IO || !is_refusal(&p->call, body, &arena, &answer))
        ts_l1_fail_answer(&p->call, error_of(&p->call, err), why, &arena, &answer);
    p->done(p->ctx, &answer);
    ts_arena_free(&arena);
    free_pending(p);
}

ts_err ts_l1_client_call(struct ts_l1_client *c, const struct ts_l1_call *call, unsigned timeout_ms,
                         ts_l1_client_done done, void *ctx)
{
    struct ts_buf text;
    struct pending *p = make_pending(call);
    if (!p)
        return TS_E_NOMEM;
    p->done = done;
    p->ctx = ctx;
    ts_buf_init(&text, 0);
    ts_l1_put_request(&text, call);
    ts_err err = text.err;
    if (err == TS_OK)
        err = ts_http_client_post(c->http, ts_buf_bytes(&text), timeout_ms, on_done, p);
    ts_buf_free(&text);
    if (err != TS_OK)
        free_pending(p);
    return err;
}
