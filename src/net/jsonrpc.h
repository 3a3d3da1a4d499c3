/* SPDX-License-Identifier: Apache-2.0 */
/* JSON-RPC 2.0: one dispatcher for HTTP bodies and WebSocket text messages.
 *
 * A handler gets a struct ts_rpc_call, which is a promise to answer exactly once, now or later, by
 * ts_rpc_result, ts_rpc_error or one of their kin. The call stays a valid pointer until then,
 * whatever became of the peer, and is invalid after it. Answers of a batch are joined and sent when
 * the last is there. A call without id (a notification) is run and its answer dropped.
 *
 * Refused before any handler runs: text that is not JSON, duplicate keys, nesting beyond the bound
 * (-32700); what is no request object, an empty batch, a batch over its bound (-32600); unknown
 * methods (-32601); calls beyond the bounds in flight (-32005). */
#ifndef TS_NET_JSONRPC_H
#define TS_NET_JSONRPC_H

#include <jansson.h>
#include <uv.h>

#include "base/buf.h"
#include "base/u256.h"
#include "net/server.h"

#define TS_RPC_PARSE_ERROR     (-32700)
#define TS_RPC_INVALID_REQUEST (-32600)
#define TS_RPC_NO_METHOD       (-32601)
#define TS_RPC_INVALID_PARAMS  (-32602)
#define TS_RPC_INTERNAL        (-32603)
#define TS_RPC_FAILED          (-32000) /* refused or failed, with a sentence */
#define TS_RPC_UNAUTHORISED    (-32001)
#define TS_RPC_NOT_FOUND       (-32002)
#define TS_RPC_TOO_MANY        (-32005)

struct ts_rpc;
struct ts_rpc_call;

enum {
    TS_RPC_OPERATOR = 1,    /* only for callers that may do what the operator may */
    TS_RPC_WS_ONLY = 2,     /* only over a WebSocket (subscriptions) */
    TS_RPC_BY_POSITION = 4, /* its parameters have no names: params must be an array */
    TS_RPC_HEAVY = 8,       /* may take milliseconds: see heavy_ms */
};

struct ts_rpc_method {
    const char *name;
    unsigned flags;
    void (*handler)(void *ctx, struct ts_rpc_call *call);
    /* What its parameters are called, in their order and parted by blanks; "": it has none. More of
     * them, or a member of another name, are refused with -32602 before the handler runs. NULL: the
     * handler looks itself. Static. */
    const char *params;
};

/* A 0 takes the default in brackets. */
struct ts_rpc_limits {
    size_t max_batch;                    /* calls in one batch [1000] */
    size_t max_depth;                    /* nesting of the JSON [32] */
    size_t max_in_flight;                /* calls unanswered in all [20000] */
    size_t max_in_flight_per_connection; /* one WebSocket or one HTTP request [2000] */
    size_t max_subscriptions;            /* of one WebSocket [32] */
    size_t max_answer;                   /* bytes of one joined answer [32 MiB] */
    unsigned heavy_ms;                   /* in one turn of the loop, from its first heavy call on
                                            [500]: what comes later is refused with -32005, so that
                                            nobody holds up the program with texts of many calls */
    unsigned deadline_ms;                /* for a handler to answer; then -32000 [20 s]. Below the
                                            server's request_ms, so that this sentence is the one
                                            the caller sees. */
};

/* X(name, help) */
#define TS_RPC_COUNTERS(X)                                                                         \
    X(calls, "calls dispatched to a handler")                                                      \
    X(errors, "calls answered with an error")                                                      \
    X(malformed, "texts that were no JSON-RPC")                                                    \
    X(unknown_methods, "calls of unknown methods")                                                 \
    X(unauthorised, "operator calls refused")                                                      \
    X(too_many, "calls refused because too many were in flight")                                   \
    X(late, "calls whose handler missed the deadline")                                             \
    X(notifications, "subscription notifications sent")

#define TS_RPC_COUNTER_FIELD(name, help) uint64_t name;
struct ts_rpc_counters {
    TS_RPC_COUNTERS(TS_RPC_COUNTER_FIELD)
};
#undef TS_RPC_COUNTER_FIELD

/* methods are copied, their names stay borrowed; ctx goes to every handler. loop NULL: no
 * deadlines (for tests and fuzzing). limits may be NULL. NULL when out of memory. Two methods of
 * one name are the caller's bug. */
struct ts_rpc *ts_rpc_new(uv_loop_t *loop, const struct ts_rpc_limits *limits,
                          const struct ts_rpc_method *methods, size_t n_methods, void *ctx);
/* Answers still owed are dropped when they come; the memory goes with the last of them. Close the
 * server, or at least its WebSockets, first. */
void ts_rpc_close(struct ts_rpc *rpc);
const struct ts_rpc_counters *ts_rpc_counters(const struct ts_rpc *rpc);
/* Calls unanswered now. */
size_t ts_rpc_in_flight(const struct ts_rpc *rpc);

/* ---- joining it to a server: config.on_post = ts_rpc_on_post with post_ctx = rpc, and a text path
 * with handlers = ts_rpc_ws_handlers and ctx = rpc. It uses ts_ws_set_user itself. --------------
 */

void ts_rpc_on_post(void *rpc, struct ts_http_request *req, ts_bytes body);
extern const struct ts_ws_handlers ts_rpc_ws_handlers;

/* The dispatcher alone, without a transport. answer is called exactly once: with the text, or with
 * n = 0 when nothing is to be answered; perhaps before ts_rpc_handle returns. */
struct ts_rpc_peer {
    bool is_local;
    bool is_authorised;
};
void ts_rpc_handle(struct ts_rpc *rpc, const struct ts_rpc_peer *peer, ts_bytes text,
                   void (*answer)(void *ctx, ts_bytes text), void *ctx);

/* ---- a call ------------------------------------------------------------------------------------
 */

const char *ts_rpc_method_name(const struct ts_rpc_call *call);
/* The params array or object, or NULL when there are none. Borrowed until the answer. */
const json_t *ts_rpc_params(const struct ts_rpc_call *call);
bool ts_rpc_is_local(const struct ts_rpc_call *call);
bool ts_rpc_is_authorised(const struct ts_rpc_call *call);
/* The WebSocket it came over, or NULL: HTTP, or closed meanwhile. */
struct ts_ws *ts_rpc_ws(const struct ts_rpc_call *call);
/* False when nobody waits for the answer any more. */
bool ts_rpc_is_open(const struct ts_rpc_call *call);
/* For a heavy method that goes on when what it waited for has come, as many others may with it.
 * False: heavy calls have had their time in this turn, and the call was answered. */
bool ts_rpc_may_go_on(struct ts_rpc_call *call);

/* Each answers and frees the call. A json_t is taken over (its reference is stolen), also when the
 * answer is dropped; a NULL result is out of memory and answers -32603. */
void ts_rpc_result(struct ts_rpc_call *call, json_t *result);
/* The same for a string, without building JSON: the cheap way for hashes and quantities. */
void ts_rpc_result_string(struct ts_rpc_call *call, const char *text);
void ts_rpc_result_u64(struct ts_rpc_call *call, uint64_t v); /* a 0x-quantity */
/* The same for JSON text that the caller made; it must be valid. */
void ts_rpc_result_text(struct ts_rpc_call *call, ts_bytes json);
/* data may be NULL. message is one sentence that says what and where. */
void ts_rpc_error(struct ts_rpc_call *call, int code, const char *message, json_t *data);
/* With a format; the method's name and ": " are put before it. */
void ts_rpc_fail(struct ts_rpc_call *call, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- parameters --------------------------------------------------------------------------------
 * index counts from 0. The parameter is params[index] of an array, params.name of an object, and
 * params[0].name when the array holds one object and nothing else; name NULL: by position only.
 * Each returns true with *out set, or answers the call with -32602 ("eth_getBalance: parameter 1
 * must be a 0x address of 20 bytes"), frees it, leaves *out unchanged and returns false: the
 * handler then just returns. */

/* The parameter, or NULL when it is absent or null. Answers nothing. */
const json_t *ts_rpc_param(const struct ts_rpc_call *call, size_t index, const char *name);
bool ts_rpc_has(const struct ts_rpc_call *call, size_t index, const char *name);
/* At most n positional parameters are given. */
bool ts_rpc_param_count(struct ts_rpc_call *call, size_t n);
/* Named ones are among names, and of others at most so many are given. names: as in struct
 * ts_rpc_method, whose own are looked at before the handler runs. */
bool ts_rpc_param_known(struct ts_rpc_call *call, const char *names);
/* Named ones are not given at all, positional ones at most as many as names. */
bool ts_rpc_param_by_position(struct ts_rpc_call *call, const char *names);
bool ts_rpc_param_hash(struct ts_rpc_call *call, size_t index, const char *name, ts_hash *out);
bool ts_rpc_param_address(struct ts_rpc_call *call, size_t index, const char *name,
                          ts_address *out);
/* A JSON integer, decimal string or 0x-quantity. */
bool ts_rpc_param_u64(struct ts_rpc_call *call, size_t index, const char *name, uint64_t *out);
/* Only a 0x-quantity without leading zeros. */
bool ts_rpc_param_quantity(struct ts_rpc_call *call, size_t index, const char *name, uint64_t *out);
bool ts_rpc_param_u256(struct ts_rpc_call *call, size_t index, const char *name, ts_u256 *out);
bool ts_rpc_param_bool(struct ts_rpc_call *call, size_t index, const char *name, bool *out);
/* At most max bytes of UTF-8 without NUL; *out is borrowed until the answer. */
bool ts_rpc_param_string(struct ts_rpc_call *call, size_t index, const char *name, size_t max,
                         const char **out);
/* 0x and hex digits of at most max bytes, appended to out (which the caller initialised). */
bool ts_rpc_param_bytes(struct ts_rpc_call *call, size_t index, const char *name, size_t max,
                        struct ts_buf *out);

enum ts_block_kind {
    TS_BLOCK_LATEST,
    TS_BLOCK_PENDING,
    TS_BLOCK_SAFE,
    TS_BLOCK_FINALIZED,
    TS_BLOCK_EARLIEST,
    TS_BLOCK_NUMBER,
    TS_BLOCK_HASH,
};
struct ts_block_ref {
    enum ts_block_kind kind;
    uint64_t number; /* TS_BLOCK_NUMBER */
    ts_hash hash;    /* TS_BLOCK_HASH */
};
/* A tag, a quantity, a hash of 32 bytes, or an object {blockNumber} or {blockHash} (EIP-1898).
 * Absent or null: TS_BLOCK_LATEST. */
bool ts_rpc_param_block(struct ts_rpc_call *call, size_t index, const char *name,
                        struct ts_block_ref *out);

/* ---- subscriptions -----------------------------------------------------------------------------
 * A topic is a name such as "newHeads". A subscription ends with its connection. */

/* Subscribes the call's connection and answers the call with the new id ("0x…"). notify is the
 * method of the notifications, such as "eth_subscription"; topic and notify are static strings.
 * Over HTTP, or beyond the bound, it answers with an error. Always answers. */
void ts_rpc_subscribe(struct ts_rpc_call *call, const char *topic, const char *notify);
/* Takes the id from parameter 0 and answers true or false. Always answers. */
void ts_rpc_unsubscribe(struct ts_rpc_call *call);
/* Sends {"jsonrpc":"2.0","method":notify,"params":{"subscription":id,"result":result}} to every
 * subscription of the topic. result is borrowed. A connection whose queue is full is closed. */
void ts_rpc_publish(struct ts_rpc *rpc, const char *topic, const json_t *result);
/* Subscriptions of the topic, so that nobody builds what nobody wants. */
size_t ts_rpc_subscribers(const struct ts_rpc *rpc, const char *topic);

#endif
