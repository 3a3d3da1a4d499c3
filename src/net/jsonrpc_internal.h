/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the dispatcher share. */
#ifndef TS_NET_JSONRPC_INTERNAL_H
#define TS_NET_JSONRPC_INTERNAL_H

#include "net/json_text.h"
#include "net/jsonrpc.h"

struct rpc_sub {
    struct rpc_sub *next; /* of the connection */
    uint64_t id;
    const char *topic;
    const char *notify;
};

/* One WebSocket. Lives until it is closed and its last call is answered. */
struct rpc_conn {
    struct ts_rpc *rpc;
    struct ts_ws *ws;      /* NULL once closed */
    struct rpc_conn *prev; /* in rpc->conns while open */
    struct rpc_conn *next;
    struct rpc_sub *subs;
    size_t n_subs;
    size_t in_flight;
    size_t refs;
};

struct rpc_slot {
    size_t at; /* of the answer in group->text */
    size_t n;
};

/* Where the answer to one text goes; exactly one of conn, req and answer is set. */
struct rpc_target {
    struct rpc_conn *conn;
    struct ts_http_request *req;
    void (*answer)(void *ctx, ts_bytes text);
    void *answer_ctx;
    struct ts_rpc_peer peer;
};

/* The calls that came in one text and are answered in one. */
struct rpc_group {
    struct ts_rpc *rpc;
    struct rpc_target target; /* a reference to conn */
    bool is_batch;
    bool in_order;    /* the answers stand in text in the order of the calls */
    size_t n;         /* calls */
    size_t open;      /* calls not answered yet, and one while calls are still dispatched */
    size_t next_slot; /* behind the newest answer's */
    size_t n_answers;
    size_t start;       /* of the answer being written */
    struct ts_buf text; /* answers, in a batch each followed by a comma */
    struct rpc_slot *slots;
    struct rpc_slot one; /* slots of a single call */
};

struct ts_rpc_call {
    struct ts_rpc *rpc;
    struct rpc_group *group; /* NULL: nobody waits any more */
    const struct ts_rpc_method *method;
    json_t *request; /* a reference; id and params are inside */
    const json_t *id;
    const json_t *params; /* array or object, or NULL */
    struct ts_rpc_peer peer;
    size_t slot;
    uint64_t deadline;        /* loop time in ms */
    struct ts_rpc_call *prev; /* in rpc->calls, the oldest first */
    struct ts_rpc_call *next;
};

struct ts_rpc {
    uv_loop_t *loop;
    uv_timer_t timer; /* runs while calls wait */
    struct ts_rpc_limits limits;
    struct ts_rpc_method *methods; /* a copy, sorted by name */
    size_t n_methods;
    void *ctx;
    struct ts_rpc_counters counters;
    struct ts_rpc_call *calls; /* unanswered, the oldest first */
    struct ts_rpc_call *last_call;
    size_t in_flight;
    uint64_t heavy_turn, heavy_ns; /* loop time of the newest heavy call's turn; when that began */
    struct rpc_conn *conns;
    uint64_t next_sub;
    size_t refs; /* calls, connections, the timer's handle, and the owner's */
    bool closing;
};

void ts_rpc_unref(struct ts_rpc *rpc);

/* ---- jsonrpc_scan.c: what must hold before the text is parsed. NULL, or a sentence. ---- */
const char *ts_rpc_scan(ts_bytes text, size_t max_depth);

/* ---- jsonrpc_answer.c ---- */
/* A group for n calls with open = 1; takes a reference to the target's connection. NULL: out of
 * memory. */
struct rpc_group *ts_rpc_group_new(struct ts_rpc *rpc, const struct rpc_target *target, size_t n,
                                   bool is_batch);
/* Answers a slot with an error; id NULL: null. */
void ts_rpc_group_error(struct rpc_group *g, size_t slot, const json_t *id, int code,
                        const char *message, const json_t *data);
/* One of g->open is done; the last one sends the answer and frees the group. */
void ts_rpc_group_close_one(struct rpc_group *g);
/* Sends text to where it belongs; n = 0: nothing is to be answered. */
void ts_rpc_deliver(const struct rpc_target *target, ts_bytes text);
/* The same with an error that needs no memory. */
void ts_rpc_deliver_no_memory(const struct rpc_target *target);
/* Answers the call as late; the handler's own answer is dropped when it comes. */
void ts_rpc_call_give_up(struct ts_rpc_call *call);

/* ---- jsonrpc_server.c ---- */
void ts_rpc_conn_unref(struct rpc_conn *conn);

/* ---- jsonrpc.c ---- */
/* Handles one text; target.conn stays the caller's. */
void ts_rpc_run(struct ts_rpc *rpc, const struct rpc_target *target, ts_bytes text);
void ts_rpc_call_unlink(struct ts_rpc_call *call);

#endif
