/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's multi interface on the caller's loop: curl says which sockets to watch and when to wake
 * it, libuv does that. Requests beyond the connections wait here and not in curl, whose own queue
 * knows no deadlines. */
#include "net/http_client.h"

#include "base/check.h"
#include "net/rpc_text.h"

#define EXPIRE_MS 20u /* how often waiting requests are looked at */

struct request {
    struct ts_http_client *client;
    struct request *prev; /* in client->running or client->waiting */
    struct request *next;
    CURL *easy; /* while running */
    struct ts_buf body;
    struct ts_buf answer;
    uint64_t deadline;
    unsigned timeout_ms;
    ts_http_done done;
    void *ctx;
    char error[CURL_ERROR_SIZE];
};

struct list {
    struct request *first;
    struct request *last;
    size_t n;
};

struct ts_http_client {
    uv_loop_t *loop;
    uv_timer_t timer;  /* curl's */
    uv_timer_t expire; /* runs while requests wait */
    CURLM *multi;
    struct curl_slist *headers;
    char *url;
    char *name; /* in sentences */
    struct ts_http_client_config config;
    struct list running;
    struct list waiting;
    CURL **pool; /* handles for the next requests, max_connections at most */
    size_t n_pool;
    size_t handles; /* not closed: the timers and one for each socket */
    bool closing;
};

/* A socket of curl's. */
struct watched {
    uv_poll_t poll;
    struct ts_http_client *client;
    curl_socket_t fd;
};

static void put_last(struct list *l, struct request *r)
{
    r->prev = l->last;
    r->next = NULL;
    if (l->last)
        l->last->next = r;
    else
        l->first = r;
    l->last = r;
    l->n++;
}

static void take_out(struct list *l, struct request *r)
{
    TS_CHECK((l->first == r) == (r->prev == NULL) && (l->last == r) == (r->next == NULL));
    if (r->prev)
        r->prev->next = r->next;
    else
        l->first = r->next;
    if (r->next)
        r->next->prev = r->prev;
    else
        l->last = r->prev;
    l->n--;
}

/* ---- the end of a request ---- */

static void free_client(struct ts_http_client *c)
{
    for (size_t i = 0; i < c->n_pool; i++)
        curl_easy_cleanup(c->pool[i]);
    free(c->pool);
    curl_slist_free_all(c->headers);
    free(c->url);
    free(c->name);
    free(c);
}

/* The request is in no list any more. */
static void finish(struct request *r, ts_err err, const char *why)
{
    struct ts_http_client *c = r->client;
    r->done(r->ctx, err, ts_buf_bytes(&r->answer), why);
    if (r->easy && c->n_pool < c->config.max_connections)
        c->pool[c->n_pool++] = r->easy;
    else if (r->easy)
        curl_easy_cleanup(r->easy);
    ts_buf_free(&r->body);
    ts_buf_free(&r->answer);
    free(r);
}

static void finish_transfer(struct request *r, CURLcode code)
{
    char why[512];
    struct ts_http_client *c = r->client;
    struct ts_rpc_outcome o = {
        .code = code, .timeout_ms = r->timeout_ms, .url = c->name, .error = r->error};
    ts_rpc_read_outcome(r->easy, &o);
    ts_err err = ts_rpc_judge(&o, &r->answer, why, sizeof(why));
    curl_multi_remove_handle(c->multi, r->easy);
    take_out(&c->running, r);
    finish(r, err, why);
}

static void start_waiting(struct ts_http_client *c);

static void take_finished(struct ts_http_client *c)
{
    const CURLMsg *msg;
    int left;
    while (!c->closing && (msg = curl_multi_info_read(c->multi, &left)) != NULL) {
        char *private = NULL;
        if (msg->msg != CURLMSG_DONE)
            continue;
        CURLcode code = msg->data.result; /* msg goes with the handle */
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private);
        finish_transfer((struct request *)(void *)private, code);
    }
    if (!c->closing)
        start_waiting(c);
}

/* ---- curl's sockets and timer on the loop ---- */

static void on_timer(uv_timer_t *timer)
{
    struct ts_http_client *c = timer->data;
    int running;
    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    take_finished(c);
}

static int want_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct ts_http_client *c = ctx;
    (void)multi;
    if (c->closing)
        return 0;
    if (timeout_ms < 0)
        uv_timer_stop(&c->timer);
    else
        uv_timer_start(&c->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watched *w = poll->data;
    struct ts_http_client *c = w->client;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    int running;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    curl_multi_socket_action(c->multi, w->fd, flags, &running);
    take_finished(c);
}

static void unref_client(struct ts_http_client *c)
{
    if (--c->handles == 0)
        free_client(c);
}

static void on_poll_closed(uv_handle_t *h)
{
    struct watched *w = h->data;
    struct ts_http_client *c = w->client;
    free(w);
    unref_client(c);
}

static void unwatch(struct watched *w)
{
    uv_poll_stop(&w->poll);
    uv_close((uv_handle_t *)&w->poll, on_poll_closed);
}

static struct watched *watch(struct ts_http_client *c, curl_socket_t fd)
{
    struct watched *w = calloc(1, sizeof(*w));
    if (!w)
        return NULL;
    if (uv_poll_init_socket(c->loop, &w->poll, fd) < 0) {
        free(w);
        return NULL;
    }
    w->poll.data = w;
    w->client = c;
    w->fd = fd;
    c->handles++;
    curl_multi_assign(c->multi, fd, w);
    return w;
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket)
{
    struct ts_http_client *c = ctx;
    struct watched *w = socket;
    int events = 0;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w)
            unwatch(w);
        curl_multi_assign(c->multi, fd, NULL);
        return 0;
    }
    if (!w)
        w = watch(c, fd);
    if (!w)
        return -1; /* curl fails the transfer */
    if (what & CURL_POLL_IN)
        events |= UV_READABLE;
    if (what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    return uv_poll_start(&w->poll, events, on_poll) < 0 ? -1 : 0;
}

/* ---- requests ---- */

static bool start_transfer(struct request *r)
{
    struct ts_http_client *c = r->client;
    uint64_t now = uv_now(c->loop);
    r->easy = c->n_pool > 0 ? c->pool[--c->n_pool] : curl_easy_init();
    if (!r->easy)
        return false;
    ts_rpc_setup(r->easy, c->url, c->headers, &r->answer, r->error);
    curl_easy_setopt(r->easy, CURLOPT_PRIVATE, (char *)r);
    curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, (const char *)r->body.p);
    curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
    curl_easy_setopt(r->easy, CURLOPT_TIMEOUT_MS,
                     r->deadline > now ? (long)(r->deadline - now) : 1L);
    curl_easy_setopt(r->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)c->config.connect_ms);
    return curl_multi_add_handle(c->multi, r->easy) == CURLM_OK;
}

static void start_waiting(struct ts_http_client *c)
{
    while (!c->closing && c->waiting.first && c->running.n < c->config.max_connections) {
        struct request *r = c->waiting.first;
        take_out(&c->waiting, r);
        if (start_transfer(r))
            put_last(&c->running, r);
        else
            finish(r, TS_E_NOMEM, "out of memory");
    }
    if (!c->closing && !c->waiting.first)
        uv_timer_stop(&c->expire);
}

/* Waiting requests do not come in the order of their deadlines. */
static struct request *find_expired(const struct ts_http_client *c)
{
    struct request *r = c->waiting.first;
    while (r && r->deadline > uv_now(c->loop))
        r = r->next;
    return r;
}

static void on_expire(uv_timer_t *timer)
{
    struct ts_http_client *c = timer->data;
    struct request *r;
    char why[512];
    while (!c->closing && (r = find_expired(c)) != NULL) {
        snprintf(why, sizeof(why), "%s: no answer within %u ms: other requests came first", c->name,
                 r->timeout_ms);
        take_out(&c->waiting, r);
        finish(r, TS_E_TIMEOUT, why);
    }
    if (!c->closing && !c->waiting.first)
        uv_timer_stop(timer);
}

ts_err ts_http_client_post(struct ts_http_client *c, ts_bytes body, unsigned timeout_ms,
                           ts_http_done done, void *ctx)
{
    if (c->closing)
        return TS_E_CLOSED;
    if (ts_http_client_in_flight(c) >= c->config.max_queue)
        return TS_E_BUSY;
    struct request *r = calloc(1, sizeof(*r));
    if (!r)
        return TS_E_NOMEM;
    ts_buf_init(&r->body, 0);
    ts_buf_init(&r->answer, c->config.max_answer);
    ts_buf_put(&r->body, body.p, body.n);
    r->client = c;
    r->timeout_ms = timeout_ms;
    r->deadline = uv_now(c->loop) + timeout_ms;
    r->done = done;
    r->ctx = ctx;
    bool ok = r->body.err == TS_OK;
    if (ok && c->running.n < c->config.max_connections && !c->waiting.first) {
        ok = start_transfer(r);
        if (ok)
            put_last(&c->running, r);
    } else if (ok) {
        put_last(&c->waiting, r);
        if (!uv_is_active((uv_handle_t *)&c->expire))
            uv_timer_start(&c->expire, on_expire, EXPIRE_MS, EXPIRE_MS);
    }
    if (ok)
        return TS_OK;
    if (r->easy)
        curl_easy_cleanup(r->easy);
    ts_buf_free(&r->body);
    free(r);
    return TS_E_NOMEM;
}

size_t ts_http_client_in_flight(const struct ts_http_client *c)
{
    return c->running.n + c->waiting.n;
}

/* ---- a client ---- */

static void fill_config(struct ts_http_client_config *to)
{
    if (to->max_connections == 0)
        to->max_connections = 8;
    if (to->max_queue == 0)
        to->max_queue = 4096;
    if (to->max_answer == 0)
        to->max_answer = 32u * 1024 * 1024;
    if (to->connect_ms == 0)
        to->connect_ms = 3000;
}

static ts_err set_up_curl(struct ts_http_client *c)
{
    if (!c->multi || !c->headers || !c->url || !c->name || !c->pool)
        return TS_E_NOMEM;
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)c->config.max_connections);
    curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return TS_OK;
}

ts_err ts_http_client_new(uv_loop_t *loop, const struct ts_http_client_config *config,
                          struct ts_http_client **out, char *why, size_t why_size)
{
    if (!ts_rpc_url_ok(config->url, why, why_size))
        return TS_E_USAGE;
    struct ts_http_client *c = calloc(1, sizeof(*c));
    if (!c) {
        snprintf(why, why_size, "out of memory");
        return TS_E_NOMEM;
    }
    c->loop = loop;
    c->config = *config;
    fill_config(&c->config);
    c->multi = curl_multi_init();
    c->headers = ts_rpc_headers(config->bearer_token);
    c->url = strdup(config->url);
    c->name = strdup(config->name ? config->name : config->url);
    c->pool = calloc(c->config.max_connections, sizeof(CURL *));
    c->config.url = c->url;
    c->config.name = c->name;
    c->config.bearer_token = NULL; /* it is in the headers */
    if (set_up_curl(c) != TS_OK) {
        curl_multi_cleanup(c->multi);
        free_client(c);
        snprintf(why, why_size, "out of memory");
        return TS_E_NOMEM;
    }
    uv_timer_init(loop, &c->timer);
    uv_timer_init(loop, &c->expire);
    c->timer.data = c->expire.data = c;
    c->handles = 2;
    *out = c;
    return TS_OK;
}

static void on_timer_closed(uv_handle_t *h)
{
    unref_client(h->data);
}

void ts_http_client_close(struct ts_http_client *c)
{
    struct request *r;
    if (!c)
        return;
    TS_CHECK(!c->closing);
    c->closing = true;
    while ((r = c->running.first) != NULL) {
        curl_multi_remove_handle(c->multi, r->easy);
        take_out(&c->running, r);
        finish(r, TS_E_CLOSED, "the client was closed");
    }
    while ((r = c->waiting.first) != NULL) {
        take_out(&c->waiting, r);
        finish(r, TS_E_CLOSED, "the client was closed");
    }
    curl_multi_cleanup(c->multi); /* gives up its sockets through want_socket */
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
    uv_close((uv_handle_t *)&c->expire, on_timer_closed);
}

/* ---- one call ---- */

struct one_call {
    ts_rpc_done done;
    void *ctx;
    char *url;
};

static void on_call_done(void *ctx, ts_err err, ts_bytes body, const char *why)
{
    struct one_call *call = ctx;
    char text[512];
    json_t *root = NULL;
    json_t *result = NULL;
    json_t *rpc_error = NULL;
    if (err == TS_OK) {
        err = ts_rpc_read_answer(body, call->url, &root, &result, &rpc_error, text, sizeof(text));
        why = text;
    }
    call->done(call->ctx, err, result, rpc_error, why);
    json_decref(root);
    free(call->url);
    free(call);
}

ts_err ts_http_client_call(struct ts_http_client *c, const char *method, json_t *params,
                           unsigned timeout_ms, ts_rpc_done done, void *ctx)
{
    struct ts_buf text;
    struct one_call *call = calloc(1, sizeof(*call));
    char *url = strdup(c->name);
    ts_err err = TS_E_NOMEM;
    ts_buf_init(&text, 0);
    ts_rpc_put_call(&text, method, params);
    json_decref(params);
    if (call && url && text.err == TS_OK) {
        *call = (struct one_call){done, ctx, url};
        err = ts_http_client_post(c, ts_buf_bytes(&text), timeout_ms, on_call_done, call);
    }
    if (err != TS_OK) {
        free(url);
        free(call);
    }
    ts_buf_free(&text);
    return err;
}
