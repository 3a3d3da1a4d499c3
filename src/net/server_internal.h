/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the server share. */
#ifndef TS_NET_SERVER_INTERNAL_H
#define TS_NET_SERVER_INTERNAL_H

#include <http_parser.h>

#include "base/buf.h"
#include "net/http_head.h"
#include "net/out.h"
#include "net/server.h"
#include "net/ws_io.h"

#define SERVER_READ_SIZE   (64u * 1024)
#define SERVER_MAX_HEADERS 100u
#define SERVER_MAX_EXTRA   1024u /* bytes of headers that a handler adds */
#define SERVER_LINGER_MS   1000u
#define SERVER_PEER_SIZE   64u

/* The states of a connection. A deadline belongs to each; what passes it is in server_sweep.c. */
enum conn_state {
    CONN_HEAD,   /* between requests, or reading a request's head */
    CONN_BODY,   /* reading its body */
    CONN_BUSY,   /* its handler is at work; input waits in pending */
    CONN_FLUSH,  /* the peer is taking the reply; input waits in pending */
    CONN_LINGER, /* our side is closed; input is thrown away, so that the peer can read the reply */
    CONN_WS,     /* a WebSocket */
    CONN_DEAD,   /* the handle is closing */
};

struct ts_ws {
    struct ts_conn *conn;
    const struct ts_ws_path *path;
    struct ts_wsio io;
    uint64_t id;
    void *user;
    bool is_local;
    bool is_authorised;
};

struct ts_conn {
    uv_tcp_t tcp;
    uv_shutdown_t shutdown;
    struct ts_server *server;
    struct ts_conn *prev; /* in server->conns */
    struct ts_conn *next;
    struct ts_conn *wake_next; /* in server->wake_list */
    bool waking;

    enum conn_state state;
    uint64_t deadline; /* loop time in ms, 0: none */
    struct ts_out out;
    size_t flush_seen; /* bytes queued when the deadline of CONN_FLUSH was set */

    http_parser parser;
    bool begun;        /* the first byte of a request has come */
    bool complete;     /* the parser has paused behind a request */
    bool headers_done; /* what comes as headers now are trailers */
    struct ts_http_head head;
    struct ts_buf body;
    const struct ts_ws_path *upgrade; /* the request asks for this WebSocket */

    unsigned refuse_status; /* the request is refused; 0: not */
    char refuse_text[256];
    const char *refuse_header; /* NULL or "Name: value\r\n" */

    struct ts_http_request *req; /* in CONN_BUSY */
    struct ts_buf pending;       /* input after the current request */
    bool in_feed;                /* conn_feed is on the stack */
    bool eof;                    /* the peer sends no more */
    bool keep_alive;             /* of the current request */
    bool read_paused;

    struct ts_ws *ws;
    bool is_local;
    char peer[SERVER_PEER_SIZE];
};

struct ts_http_request {
    struct ts_conn *conn;     /* NULL once peer, deadline or server is gone */
    struct ts_server *server; /* a reference */
    bool is_local;
    bool is_authorised;
    bool is_head;
    struct ts_buf extra; /* headers added: "Name: value\r\n"… */
    char peer[SERVER_PEER_SIZE];
};

struct ts_server {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
    } listener;
    uv_timer_t sweep;
    uv_idle_t wake; /* runs while connections have pending input that may be parsed */
    uv_loop_t *loop;
    struct ts_server_config config; /* its strings are owned */
    char **hosts;
    char **origins;
    struct ts_ws_path *ws_paths;
    char *address;
    char *token;
    bool is_loopback;
    uint16_t port;
    struct ts_net_counters counters;
    struct ts_conn *conns;
    struct ts_conn *wake_list;
    size_t n_conns;
    uint64_t next_ws_id;
    unsigned handles; /* of the server itself, not closed yet */
    size_t refs;      /* requests not replied to, and the server's own until done */
    bool accept_owed; /* a connection waits because there was no memory for it */
    bool closing;
    uint64_t close_deadline;
    void (*done)(void *ctx);
    void *done_ctx;
    char read_buf[SERVER_READ_SIZE]; /* input is used up before the read callback returns */
};

/* ---- server.c ---- */
void ts_server_unref(struct ts_server *s);
/* A connection's handle is closed and its memory gone; ends a closing server. */
void ts_server_conn_gone(struct ts_server *s);
/* Lets the connection parse its pending input from the loop. */
void ts_server_wake(struct ts_conn *c);

/* ---- server_conn.c ---- */
void ts_conn_accept(struct ts_server *s);
/* Ends it; the WebSocket's on_close and the freeing come from the loop. */
void ts_conn_kill(struct ts_conn *c);
/* Closes our side when all is sent and waits a moment for the peer to read it. */
void ts_conn_linger(struct ts_conn *c);
/* Parses bytes as long as no request is being handled; keeps the rest. */
void ts_conn_feed(struct ts_conn *c, ts_bytes in);
/* The reply is handed to ts_out: waits for the peer or goes on to the next request. */
void ts_conn_replied(struct ts_conn *c);
void ts_conn_set_deadline(struct ts_conn *c, unsigned ms);
uint64_t ts_conn_now(const struct ts_conn *c);

/* ---- server_parse.c ---- */
extern const http_parser_settings ts_server_parser_settings;
/* The value of a header of the current request, or NULL. */
const char *ts_conn_header(const struct ts_conn *c, const char *name);
/* Refuses the current request from inside the parser; always returns -1. */
int ts_conn_refuse(struct ts_conn *c, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- server_check.c: the rules for a request whose head is complete. 0, or -1 when refused. ----
 */
int ts_conn_check_head(struct ts_conn *c);
/* Who asks: fills in the two answers of ts_http_is_local and ts_http_is_authorised. */
void ts_conn_identify(const struct ts_conn *c, bool *is_local, bool *is_authorised);
/* Splits and decodes the target. false: malformed. query is borrowed from target. */
bool ts_target_split(const char *target, char *path, size_t path_size, const char **query);

/* ---- server_reply.c ---- */
/* The request is complete: hands it to its handler or upgrades. */
void ts_conn_dispatch(struct ts_conn *c);
/* Answers by itself and closes. header: NULL or "Name: value\r\n". */
void ts_conn_answer_and_close(struct ts_conn *c, unsigned status, const char *header,
                              const char *text);
/* The deadline passed or the connection ends: a later reply is dropped. */
void ts_conn_detach_request(struct ts_conn *c);

/* ---- server_ws.c ---- */
void ts_conn_upgrade(struct ts_conn *c);
void ts_conn_ws_feed(struct ts_conn *c, ts_bytes in);
void ts_conn_ws_sweep(struct ts_conn *c, uint64_t now);
void ts_conn_ws_free(struct ts_conn *c);

/* ---- server_sweep.c ---- */
void ts_server_on_sweep(uv_timer_t *timer);
unsigned ts_server_sweep_period(const struct ts_server_config *config);

#endif
