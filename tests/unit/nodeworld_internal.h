/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of nodeworld share. */
#ifndef TS_TESTS_NODEWORLD_INTERNAL_H
#define TS_TESTS_NODEWORLD_INTERNAL_H

#include "net/feed_session.h"
#include "nodeworld.h"

enum event_kind { EV_INPUT, EV_TICK, EV_TO_SERVER, EV_VERIFY, EV_L1 };

struct nw_event {
    uint64_t at, order;
    enum event_kind kind;
    size_t node;
    uint64_t incarnation;
    struct ts_node_input in;
    uint8_t *bytes; /* owned; what in.bytes or the message is */
    size_t n;
    uint64_t conn;  /* id, for frames and what becomes of links */
    ts_bytes *raws; /* VERIFY, borrowed of the core */
    size_t n_raws;
    ts_hash root;
    struct ts_store_batch *batches; /* LOADED, owned; raws owned by the store */
};

struct nw_conn {
    uint64_t id;
    size_t client;
    unsigned link;
    unsigned server;
    bool is_open;
    struct ts_feed_session session;
    uint64_t to_client, to_server; /* nothing arrives before what was sent before it */
};

/* ---- nodeworld_fake.c ---- */

/* TS_OP_DROP_ROLLUPS */
void nw_drop_rollups(struct nw_store *s, uint64_t from);

/* An engine that knows the root of the net's genesis and nothing else. */
struct ts_engine_ops nw_root_engine(void);
void nw_root_engine_of(const ts_hash *genesis_root);

/* ---- nodeworld.c ---- */

uint64_t nw_rnd(struct nw *w, uint64_t below);
struct nw_conn *nw_conn_by_id(struct nw *w, uint64_t id);
const ts_bytes *nw_history_of(const struct nw *w, const struct nw_host *h);
bool nw_server_is_up(const struct nw *w, unsigned server);
void nw_to_client(struct nw *w, struct nw_conn *c, const struct ts_buf *b, uint64_t delay);
void nw_close_conn(struct nw *w, struct nw_conn *c, bool tell);

/* ---- nodeworld_l1.c ---- */

/* A node asks; what it asked for is answered as far as L1 has it; it is told what is confirmed. */
void nw_l1_ask(struct nw *w, size_t node, uint64_t number);
void nw_l1_forget(struct nw *w, size_t node, uint64_t number);
void nw_l1_answer(struct nw *w, size_t node);
void nw_l1_tell(struct nw *w, size_t node);

/* ---- nodeworld_serve.c ---- */

/* Breaks a batch as the host is told to. */
void nw_corrupt(const struct nw_host *h, uint64_t number, struct ts_buf *raw);
void nw_push_all(struct nw *w, unsigned server, ts_bytes raw, uint64_t except);
void nw_answer_tx(struct nw *w, struct nw_conn *c, uint64_t id, ts_err code, const char *text);
/* A message of a client arrives at its server. */
void nw_serve(struct nw *w, uint64_t conn, ts_bytes message);

/* The stored timeline, or one that is folded from the stored batches. */
ts_err nw_load_timeline(struct nw_node *n);

#endif
