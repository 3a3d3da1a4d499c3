/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/front.h"

#include "base/check.h"

#define GRACE_MS  500 /* for answers on their way when the server is closed */
#define WS_QUEUE  (8u * 1024 * 1024)
#define RPC_PATHS 2

/* ---- opening and closing --------------------------------------------------------------------- */

static ts_err open_rpc(struct ts_front *f, uv_loop_t *loop, const struct ts_front_config *c)
{
    size_t n = 0;
    f->api = ts_api_new(c->backend, c->methods, c->n_methods);
    if (f->api == NULL)
        return TS_E_NOMEM;
    const struct ts_rpc_method *methods = ts_api_methods(f->api, &n);
    f->rpc = ts_rpc_new(loop, NULL, methods, n, f->api);
    if (f->rpc == NULL)
        return TS_E_NOMEM;
    ts_api_attach(f->api, f->rpc);
    return TS_OK;
}

static ts_err open_server(struct ts_front *f, uv_loop_t *loop, const struct ts_front_config *c,
                          char *why, size_t why_size)
{
    struct ts_server_config all = *c->listener;
    const struct ts_ws_path paths[RPC_PATHS] = {
        {.path = "/",
         .max_message = all.max_body,
         .max_queue = WS_QUEUE,
         .handlers = ts_rpc_ws_handlers,
         .ctx = f->rpc},
        {.path = "/feed",
         .binary = true,
         .max_message = TS_FEED_MAX_FRAME,
         .max_queue = TS_FEED_WS_QUEUE,
         .handlers = ts_feed_server_ws_handlers,
         .ctx = f->feed},
    };
    all.on_post = ts_rpc_on_post;
    all.post_ctx = f->rpc;
    all.on_get = c->on_get;
    all.get_ctx = c->get_ctx;
    all.ws_paths = paths;
    all.n_ws_paths = RPC_PATHS;
    return ts_server_new(loop, &all, &f->server, why, why_size);
}

ts_err ts_front_open(struct ts_front *f, uv_loop_t *loop, const struct ts_front_config *c,
                     char *why, size_t why_size)
{
    f->feed = ts_feed_server_new(loop, c->feed);
    ts_err err = f->feed != NULL ? open_rpc(f, loop, c) : TS_E_NOMEM;
    return err == TS_OK ? open_server(f, loop, c, why, why_size) : err;
}

/* With the server gone nobody calls into feed, API and dispatcher any more. */
static void on_server_closed(void *ctx)
{
    struct ts_front *f = ctx;
    f->server = NULL;
    ts_feed_server_close(f->feed);
    f->feed = NULL;
    ts_api_free(f->api);
    f->api = NULL;
    if (f->rpc != NULL)
        ts_rpc_close(f->rpc);
    f->rpc = NULL;
}

void ts_front_close(struct ts_front *f)
{
    if (f->server != NULL)
        ts_server_close(f->server, GRACE_MS, on_server_closed, f);
    else
        on_server_closed(f);
}

/* ---- metrics --------------------------------------------------------------------------------- */

void ts_front_measure(const struct ts_front *f, struct ts_metrics *m,
                      const struct ts_front_metrics *at)
{
    const struct ts_net_counters *n = ts_server_counters(f->server);
    const struct ts_rpc_counters *r = ts_rpc_counters(f->rpc);
    const struct ts_feed_server_counters *s = ts_feed_server_counters(f->feed);
#define NET(name, help) ts_metrics_set_counter(m, at->net, #name, n->name);
    TS_NET_COUNTERS(NET)
#undef NET
#define RPC(name, help) ts_metrics_set_counter(m, at->rpc, #name, r->name);
    TS_RPC_COUNTERS(RPC)
#undef RPC
#define FEED(name, help) ts_metrics_set_counter(m, at->feed, #name, s->name);
    TS_FEED_SERVER_COUNTERS(FEED)
#undef FEED
    ts_metrics_set(m, at->connections, NULL, (double)ts_server_connections(f->server));
    ts_metrics_set(m, at->rpc_in_flight, NULL, (double)ts_rpc_in_flight(f->rpc));
    ts_metrics_set(m, at->feed_peers, NULL, (double)ts_feed_server_peers(f->feed));
}

void ts_front_measure_events(struct ts_metrics *m, size_t at, const uint64_t events[4])
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    for (size_t i = 0; i < TS_COUNT(levels); i++)
        ts_metrics_set_counter(m, at, levels[i], events[i]);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void answer(struct ts_http_request *req, const char *type, const struct ts_buf *out)
{
    if (out->err == TS_OK)
        ts_http_reply(req, 200, type, ts_buf_bytes(out));
    else
        ts_http_reply_text(req, 500, "%s", ts_err_text((int)out->err));
}

void ts_front_answer_metrics(struct ts_http_request *req, struct ts_metrics *m)
{
    struct ts_buf out;
    ts_buf_init(&out, 0);
    ts_metrics_write(m, &out);
    answer(req, TS_METRICS_CONTENT_TYPE, &out);
    ts_buf_free(&out);
}

void ts_front_answer_page(const struct ts_front *f, struct ts_http_request *req, struct ts_buf *out,
                          const char *which)
{
    ts_buf_printf(out,
                  "\n"
                  "JSON-RPC: POST / or WebSocket /\n"
                  "feed of batches: WebSocket /feed\n"
                  "also: GET /healthz, /readyz, /metrics (Prometheus)\n"
                  "\n"
                  "methods, of which %s:\n",
                  which);
    ts_api_put_methods(f->api, out);
    answer(req, "text/plain; charset=utf-8", out);
}

void ts_front_answer_nothing(struct ts_http_request *req)
{
    ts_http_reply_text(req, 404,
                       "nothing is here; there is GET /, /healthz, /readyz and /metrics, "
                       "JSON-RPC by POST / or WebSocket /, and the feed by WebSocket /feed");
}
