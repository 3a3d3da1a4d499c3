/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of the peer feed, as either end sees it: which frame is legal when, and how many.
 * No I/O, no clock: messages and times come in. The server is who was connected to.
 *
 *     both     → HELLO, once, first
 *     client   → GET, TRANSACTION, BATCH (evidence), ERROR
 *     server   → BATCH (new head or evidence), EVIDENCE, BATCHES, ACCEPTED, ERROR
 *
 * Everything else, and too much of it, ends the connection: the error is sent as a frame, then the
 * connection is closed. Source: docs/protocol.md, peer feed. */
#ifndef TS_NET_FEED_SESSION_H
#define TS_NET_FEED_SESSION_H

#include "net/feed.h"

enum ts_feed_role { TS_FEED_SERVER, TS_FEED_CLIENT };

#define TS_FEED_MAX_GETS 16 /* most that any limit allows for unanswered GETs */
#define TS_FEED_NAME_MAX 64
#define TS_FEED_TEXT_MAX 300 /* bytes of a sentence; also of the why below */

/* Tokens that drip in with time: rate per second, at most burst of them. */
struct ts_bucket {
    uint64_t rate;
    uint64_t burst;
    uint64_t level; /* in millionths of a token */
    uint64_t at_us;
};

/* Full at now. */
void ts_bucket_init(struct ts_bucket *b, uint64_t rate, uint64_t burst, uint64_t now_us);
/* Takes n tokens, or none and false. A time before the last one counts as the last one. */
bool ts_bucket_take(struct ts_bucket *b, uint64_t n, uint64_t now_us);

/* What one peer may send. A 0 takes the default in brackets (server end; client end). */
struct ts_feed_limits {
    uint64_t frames_per_s; /* frames that answer no request [20,000; 20,000] */
    uint64_t frames_burst; /* [40,000; 40,000] */
    uint64_t bytes_per_s;  /* bytes of those frames [8 MiB; 64 MiB] */
    uint64_t bytes_burst;  /* at least a whole frame [32 MiB; 128 MiB] */
    unsigned max_gets;     /* unanswered GETs [8; 8], at most TS_FEED_MAX_GETS */
    unsigned max_txs;      /* unanswered TRANSACTIONs [4096; 4096] */
    uint64_t hello_us;     /* from the start to the peer's HELLO [10 s; 5 s] */
};

void ts_feed_limits_default(struct ts_feed_limits *l, enum ts_feed_role role);

/* A GET that waits for its answer, on either end. */
struct ts_feed_get {
    uint64_t id;
    uint64_t from;
    uint64_t count;
    uint64_t at_us;
};

struct ts_feed_session {
    enum ts_feed_role role;
    ts_hash genesis;
    struct ts_feed_limits limits;
    struct ts_bucket frames;
    struct ts_bucket bytes;
    uint64_t start_us;
    bool has_hello; /* the peer's came; the next three are valid */
    bool is_closed;
    uint64_t head_number; /* the newest head the peer spoke of in its HELLO */
    ts_hash head_hash;
    char name[TS_FEED_NAME_MAX + 1];           /* printable ASCII, whatever the peer sent */
    struct ts_feed_get gets[TS_FEED_MAX_GETS]; /* unanswered, oldest first */
    unsigned n_gets;
    unsigned n_txs;      /* unanswered */
    unsigned n_evidence; /* that came */
    uint64_t last_id;    /* client: newest request id given out */
};

/* limits may be NULL. */
void ts_feed_session_init(struct ts_feed_session *s, enum ts_feed_role role, const ts_hash *genesis,
                          const struct ts_feed_limits *limits, uint64_t now_us);

/* One message from the peer. TS_OK: *frame is legal here and counted (lists from the arena, bytes
 * borrowed from message). A GET is now among gets, a BATCHES no longer; *get (may be NULL) is the
 * request that BATCHES answers. A TRANSACTION over max_txs is TS_E_BUSY, with *frame filled in: the
 * session stays, and the caller answers ACCEPTED with it.
 * Any other error: the session is closed, why (TS_FEED_TEXT_MAX bytes) holds one sentence for the
 * ERROR frame: a decoding error, TS_E_VERSION, TS_E_FOREIGN (another network), TS_E_STATE (not
 * legal here), TS_E_LIMIT (too many), TS_E_CLOSED (after an earlier error). */
ts_err ts_feed_session_receive(struct ts_feed_session *s, uint64_t now_us, ts_bytes message,
                               struct ts_arena *arena, struct ts_feed_frame *frame,
                               struct ts_feed_get *get, char why[TS_FEED_TEXT_MAX]);

/* TS_E_TIMEOUT once the peer's HELLO is overdue; the session is then closed. */
ts_err ts_feed_session_tick(struct ts_feed_session *s, uint64_t now_us);

/* Client: notes a request that is being sent and gives it an id. TS_E_BUSY: no more at a time. */
ts_err ts_feed_session_ask_get(struct ts_feed_session *s, uint64_t now_us, uint64_t from,
                               uint64_t count, uint64_t *id);
ts_err ts_feed_session_ask_tx(struct ts_feed_session *s, uint64_t *id);
/* Server: takes the oldest unanswered GET. False: none. */
bool ts_feed_session_next_get(struct ts_feed_session *s, struct ts_feed_get *out);
/* Server: a TRANSACTION is being answered. */
void ts_feed_session_tx_done(struct ts_feed_session *s);

/* Appends the frames that both ends send. text is cut at TS_FEED_TEXT_MAX - 1 bytes. */
void ts_feed_put_hello(struct ts_buf *b, const ts_hash *genesis, uint64_t head_number,
                       const ts_hash *head_hash, const char *name);
void ts_feed_put_batch(struct ts_buf *b, ts_bytes raw);
void ts_feed_put_evidence(struct ts_buf *b, const ts_hash *parent_root, ts_bytes raw);
void ts_feed_put_get(struct ts_buf *b, uint64_t id, uint64_t from, uint64_t count);
void ts_feed_put_tx(struct ts_buf *b, uint64_t id, ts_bytes raw);
void ts_feed_put_accepted(struct ts_buf *b, uint64_t id, ts_err code, const char *text);
void ts_feed_put_error(struct ts_buf *b, ts_err code, const char *text);

#endif
