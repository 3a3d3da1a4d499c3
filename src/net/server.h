/* SPDX-License-Identifier: Apache-2.0 */
/* One listener for HTTP/1.1 and WebSocket on the caller's libuv loop. JSON-RPC sits above it
 * (net/jsonrpc.h); this layer knows bytes, paths, bounds and deadlines only.
 *
 * What holds for all of it:
 * - everything runs on the loop's thread; nothing here is for another thread;
 * - a peer can cost at most the bounds of struct ts_server_config; what is beyond them is refused
 *   with one sentence, counted, and changes nothing;
 * - requests of one connection are handled one after the other in their order, so pipelining is
 *   safe: the next is parsed when the one before it is answered;
 * - the program ignores SIGPIPE, here as in link.h and ws_client.h: writing to a peer that has gone
 * is an error like others. */
#ifndef TS_NET_SERVER_H
#define TS_NET_SERVER_H

#include <uv.h>

#include "tenseq/bytes.h"

struct ts_server;
struct ts_http_request;
struct ts_ws;

/* X(name, help): one counter each, only ever growing; the table also feeds net/metrics.h. */
#define TS_NET_COUNTERS(X)                                                                         \
    X(connections, "connections accepted")                                                         \
    X(connections_refused, "connections refused because the bound on connections was reached")     \
    X(requests, "well-formed HTTP requests")                                                       \
    X(bad_requests, "malformed HTTP requests, answered 400, 411, 417, 431, 501 or 505")            \
    X(oversized, "bodies or messages over the size bound")                                         \
    X(refused, "requests refused for their method, path, Host or Origin")                          \
    X(unauthorised, "requests with a wrong bearer token")                                          \
    X(timeouts, "connections closed because header, body or idle time ran out")                    \
    X(late, "requests answered 504 because the handler missed the deadline")                       \
    X(dropped_replies, "replies dropped because the peer or its deadline had gone")                \
    X(ws_opened, "WebSocket connections opened")                                                   \
    X(ws_closed, "WebSocket connections closed")                                                   \
    X(ws_bad, "WebSocket connections closed for breaking the protocol")                            \
    X(ws_overflow, "WebSocket connections closed because their send queue was full")               \
    X(ws_dead, "WebSocket connections closed because no pong came")                                \
    X(ws_messages, "WebSocket messages received")                                                  \
    X(bytes_in, "bytes received")                                                                  \
    X(bytes_out, "bytes handed to the system for sending")

#define TS_NET_COUNTER_FIELD(name, help) uint64_t name;
struct ts_net_counters {
    TS_NET_COUNTERS(TS_NET_COUNTER_FIELD)
};
#undef TS_NET_COUNTER_FIELD

/* Callbacks of one WebSocket path. ws is valid from on_open until on_close returns. */
struct ts_ws_handlers {
    void (*on_open)(void *ctx, struct ts_ws *ws);
    /* A whole message; borrowed for the call. A text message is valid UTF-8. */
    void (*on_message)(void *ctx, struct ts_ws *ws, ts_bytes message, bool binary);
    /* Exactly once for each on_open, for whatever reason, also at ts_server_close. Sending to ws
     * in it is refused. */
    void (*on_close)(void *ctx, struct ts_ws *ws);
};

struct ts_ws_path {
    const char *path; /* such as "/" or "/feed" */
    bool binary;      /* the path takes binary messages; else text; the other kind closes (1003) */
    size_t max_message; /* bytes; a longer message closes the connection (1009) */
    size_t max_queue;   /* bytes waiting to be sent; beyond it the connection is closed */
    struct ts_ws_handlers handlers;
    void *ctx;
};

/* All strings and arrays are copied by ts_server_new. A 0 takes the default in brackets. */
struct ts_server_config {
    const char *address; /* numeric IPv4 or IPv6, or "localhost" ["127.0.0.1"] */
    uint16_t port;       /* 0: any free port; see ts_server_port */

    size_t max_header;      /* bytes of request line and headers [16 KiB] */
    size_t max_body;        /* bytes of a POST body [5 MiB] */
    size_t max_connections; /* at one time [1024] */
    unsigned header_ms;     /* from the first byte of a request to the end of its headers [5 s] */
    unsigned body_ms;       /* from there to the end of the body [20 s] */
    unsigned idle_ms;       /* between requests of a kept connection [60 s] */
    unsigned request_ms;    /* for the handler to reply; then 504 [30 s] */
    unsigned write_ms;      /* without the peer taking any byte of a reply [20 s] */
    unsigned ws_ping_ms;    /* quiet time after which a ping is sent [15 s] */
    unsigned ws_pong_ms;    /* quiet time after that ping which means dead [10 s] */

    /* Secret for "Authorization: Bearer …"; NULL: none, then nobody is authorised from outside. */
    const char *bearer_token;
    /* Host names beside loopback names and the address itself that a loopback listener takes in
     * the Host header (protection against DNS rebinding); "*" takes any. */
    const char *const *hosts;
    size_t n_hosts;
    /* Origins, such as "https://app.example", whose pages may call; "*" takes any. Same-origin
     * pages and callers that send no Origin always may. */
    const char *const *origins;
    size_t n_origins;

    /* A POST to "/". The callee answers req exactly once, now or later. body is borrowed for the
     * call. NULL: POST is refused with 405. */
    void (*on_post)(void *ctx, struct ts_http_request *req, ts_bytes body);
    void *post_ctx;
    /* A GET or HEAD; path is percent-decoded without the query, which is query ("" when none) as
     * sent. Paths with "..", "//" or control characters never arrive. The callee answers req
     * exactly once (404 when it has no such path). NULL: all GETs are 404. */
    void (*on_get)(void *ctx, struct ts_http_request *req, const char *path, const char *query);
    void *get_ctx;

    const struct ts_ws_path *ws_paths;
    size_t n_ws_paths;
};

/* Listens. TS_E_USAGE (address or configuration) or TS_E_IO (bind, listen): why holds a sentence
 * that names the address, *out is unchanged. */
ts_err ts_server_new(uv_loop_t *loop, const struct ts_server_config *config, struct ts_server **out,
                     char *why, size_t why_size);
/* The bound port. */
uint16_t ts_server_port(const struct ts_server *s);
/* True when only this machine can reach the listener. */
bool ts_server_is_loopback(const struct ts_server *s);
const struct ts_net_counters *ts_server_counters(const struct ts_server *s);
/* Connections open now, WebSockets included. */
size_t ts_server_connections(const struct ts_server *s);
/* Stops listening, lets running requests finish for at most grace_ms, then closes all. on_close
 * callbacks may run in it. When the last handle is closed it calls done(ctx), may be NULL, from the
 * loop; s is then freed. Requests not yet answered stay valid for their one ts_http_reply. */
void ts_server_close(struct ts_server *s, unsigned grace_ms, void (*done)(void *ctx), void *ctx);

/* ---- requests ------------------------------------------------------------------------------ */

/* A request is a promise to reply once: it stays a valid pointer until ts_http_reply, whatever
 * became of peer, deadline and server meanwhile, and is invalid after it. */

/* The listener is loopback, so is the peer, and no proxy forwards for somebody else (Forwarded,
 * Via, X-Forwarded-For, X-Forwarded-Host, X-Real-IP). A proxy that hides itself is the operator's
 * fault: give it a listener of its own, or a token. */
bool ts_http_is_local(const struct ts_http_request *req);
/* May do what the operator may: local, or the bearer token matched. */
bool ts_http_is_authorised(const struct ts_http_request *req);
/* False once the peer has gone or has been sent 504: work for it is in vain. A peer that closed
 * only its sending side still waits for the reply. */
bool ts_http_is_open(const struct ts_http_request *req);
/* The peer's numeric address, for logs. Valid until the reply. */
const char *ts_http_peer(const struct ts_http_request *req);
/* The value of a request header (name in lower case), or NULL. Only inside the callback that
 * brought req. */
const char *ts_http_header(const struct ts_http_request *req, const char *name);

/* Adds a header to the reply; both are copied. Caller's bug: CR, LF in either, over 1 KiB in all.
 */
void ts_http_set_header(struct ts_http_request *req, const char *name, const char *value);
/* Answers and frees req. body is borrowed for the call. content_type may be NULL when body is
 * empty. The reply is dropped and counted when ts_http_is_open is false. */
void ts_http_reply(struct ts_http_request *req, unsigned status, const char *content_type,
                   ts_bytes body);
/* The same with one line of text/plain. */
void ts_http_reply_text(struct ts_http_request *req, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- WebSockets of the server --------------------------------------------------------------- */

/* Sends one message; bytes are borrowed for the call. TS_E_CLOSED: the connection is closing.
 * TS_E_BUSY: the queue would pass its bound; the connection is then closed and counted (its
 * on_close comes from the loop, never from inside this call). TS_E_NOMEM: likewise closed. */
ts_err ts_ws_send(struct ts_ws *ws, ts_bytes message, bool binary);
/* Bytes accepted by ts_ws_send that the system has not taken yet. */
size_t ts_ws_queued(const struct ts_ws *ws);
/* Starts closing with a WebSocket close code (1000, 1001, 1008, …) and a reason of at most 120
 * bytes; what is queued is sent first, for at most a second. on_close follows from the loop. */
void ts_ws_close(struct ts_ws *ws, uint16_t code, const char *reason);
/* A number never used twice by one server, for tables that outlive the connection. */
uint64_t ts_ws_id(const struct ts_ws *ws);
/* The open connection with that number, or NULL. */
struct ts_ws *ts_server_ws(struct ts_server *s, uint64_t id);
bool ts_ws_is_local(const struct ts_ws *ws);
bool ts_ws_is_authorised(const struct ts_ws *ws);
const char *ts_ws_peer(const struct ts_ws *ws);
/* One pointer of the path's owner. NULL at on_open. */
void ts_ws_set_user(struct ts_ws *ws, void *user);
void *ts_ws_user(const struct ts_ws *ws);

#endif
