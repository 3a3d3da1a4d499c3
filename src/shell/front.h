/* SPDX-License-Identifier: Apache-2.0 */
/* The front of a host and of a node: one listener with JSON-RPC, the feed and pages. */
#ifndef TS_SHELL_FRONT_H
#define TS_SHELL_FRONT_H

#include "net/feed_server.h"
#include "net/metrics.h"
#include "rpc/api.h"

/* All are NULL before it is opened, where opening failed, and after it is closed. */
struct ts_front {
    struct ts_feed_server *feed;
    struct ts_api *api;
    struct ts_rpc *rpc;
    struct ts_server *server;
};

/* All borrowed for the call, but for what its parts' headers say lives longer. */
struct ts_front_config {
    const struct ts_server_config *listener; /* without handlers and WebSocket paths */
    const struct ts_feed_server_config *feed;
    const struct ts_rpc_backend *backend;
    const struct ts_rpc_method *methods; /* beside those of the API */
    size_t n_methods;
    void (*on_get)(void *ctx, struct ts_http_request *req, const char *path, const char *query);
    void *get_ctx;
};

/* *f is zeroed before. TS_E_NOMEM, and the errors of ts_server_new, which fill why; what was opened
 * until then is closed by ts_front_close. */
ts_err ts_front_open(struct ts_front *f, uv_loop_t *loop, const struct ts_front_config *c,
                     char *why, size_t why_size);
/* Answers on their way get a moment more; feed, API and dispatcher end with the server. */
void ts_front_close(struct ts_front *f);

/* The indices of the metrics of these names in a program's table. */
struct ts_front_metrics {
    size_t net, connections, rpc, rpc_in_flight, feed, feed_peers;
};
void ts_front_measure(const struct ts_front *f, struct ts_metrics *m,
                      const struct ts_front_metrics *at);
/* What was logged, by level, as the metric at. */
void ts_front_measure_events(struct ts_metrics *m, size_t at, const uint64_t events[4]);

/* ---- answers to a GET ---- */

/* Writes and answers the metrics. */
void ts_front_answer_metrics(struct ts_http_request *req, struct ts_metrics *m);
/* The page /: what is in out, then how the program is reached and the methods, behind the words
 * `which`. */
void ts_front_answer_page(const struct ts_front *f, struct ts_http_request *req, struct ts_buf *out,
                          const char *which);
void ts_front_answer_nothing(struct ts_http_request *req);

#endif
