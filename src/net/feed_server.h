/* SPDX-License-Identifier: Apache-2.0 */
/* The server's end of the peer feed on a WebSocket path, for host and node:
 *
 *     feed = ts_feed_server_new(loop, &config);
 *     path = {.path = "/feed", .binary = true, .max_message = TS_FEED_MAX_FRAME,
 *             .max_queue = TS_FEED_WS_QUEUE, .handlers = ts_feed_server_ws_handlers, .ctx = feed};
 *     … ts_server_new with that path …
 *     ts_feed_server_publish(feed, number, &hash, raw, true);  at each new durable batch
 *
 * Whoever connects is told HELLO and is sent every new batch from then on; who does not say HELLO
 * too is dropped soon. Ranges are read one answer at a time, peers
 * in turn, only while the peer takes what it was sent. What a peer does wrong is counted, answered
 * with an ERROR frame and ends the connection; an address that does it again and again is refused
 * for a while. All on the loop's thread. */
#ifndef TS_NET_FEED_SERVER_H
#define TS_NET_FEED_SERVER_H

#include "net/feed_session.h"
#include "net/server.h"
#include "store/store.h"

/* Bytes that may wait for one peer: one frame of any size, and some more. */
#define TS_FEED_WS_QUEUE (TS_FEED_MAX_FRAME + 8u * 1024 * 1024)

struct ts_feed_server;

/* Strings are copied. A 0 takes the default in brackets. */
struct ts_feed_server_config {
    ts_hash genesis;
    const char *name; /* of this program in HELLO, such as "tenseq-host/0.1.0" */

    /* The committed head at start; then ts_feed_server_publish moves it. */
    uint64_t head_number;
    ts_hash head_hash;

    size_t max_peers;          /* [256] */
    size_t max_peers_per_addr; /* of an address that is not loopback [32] */
    size_t max_answer;         /* bytes of one BATCHES, but at least one batch [1 MiB] */
    size_t slow_bytes;         /* a peer with more than this waiting is dropped at the next push
                                  [8 MiB] */
    size_t max_queued; /* waiting for all peers together; beyond it the slowest go [64 MiB] */
    struct ts_feed_limits limits;

    void *ctx;
    /* Reads committed batches for GET: the shape of ts_store_committed, ascending from from. */
    ts_err (*read)(void *ctx, uint64_t from, uint64_t count, ts_store_batch_fn fn, void *fn_ctx);
    /* Optional: tells the second batches that are kept, to whoever has just said HELLO; fn returns
     * false when it wants no more. */
    void (*evidence)(void *ctx, bool (*fn)(void *fn_ctx, const ts_hash *parent_root, ts_bytes raw),
                     void *fn_ctx);
    /* A TRANSACTION; answer with ts_feed_server_accepted, once, now or later. NULL: refused with
     * TS_E_UNSUPPORTED. */
    void (*on_tx)(void *ctx, uint64_t ticket, ts_bytes raw);
    /* A BATCH from a subscriber; peer is for ts_feed_server_refuse. NULL: dropped and counted. */
    void (*on_batch)(void *ctx, uint64_t peer, ts_bytes raw);
};

/* X(name, help) */
#define TS_FEED_SERVER_COUNTERS(X)                                                                 \
    X(peers, "feed peers that said hello")                                                         \
    X(refused, "feed connections refused: too many, or the address is backed off")                 \
    X(malformed, "feed peers dropped for a frame that does not decode")                            \
    X(illegal, "feed peers dropped for a frame that is not allowed there, or bad data")            \
    X(too_many, "feed peers dropped for sending too much")                                         \
    X(foreign, "feed peers of another network or version")                                         \
    X(late, "feed peers dropped because their hello did not come")                                 \
    X(slow, "feed peers dropped because they did not take what was sent")                          \
    X(gets, "ranges asked for")                                                                    \
    X(batches_served, "batches sent in answer to ranges")                                          \
    X(bytes_served, "bytes of those")                                                              \
    X(read_failures, "ranges that could not be read from the store")                               \
    X(pushes, "batches pushed to peers")                                                           \
    X(txs, "transactions taken from peers")                                                        \
    X(batches_taken, "batches peers sent, new or evidence")

#define TS_FEED_SERVER_FIELD(name, help) uint64_t name;
struct ts_feed_server_counters {
    TS_FEED_SERVER_COUNTERS(TS_FEED_SERVER_FIELD)
};
#undef TS_FEED_SERVER_FIELD

/* NULL: out of memory. */
struct ts_feed_server *ts_feed_server_new(uv_loop_t *loop,
                                          const struct ts_feed_server_config *config);
/* Close the server first, so that its WebSockets are gone. Handles are closed by the loop. */
void ts_feed_server_close(struct ts_feed_server *f);
extern const struct ts_ws_handlers ts_feed_server_ws_handlers;

/* A batch became durable: the head that HELLO tells, and a push of raw to every subscriber. push
 * false: the head only, while this end catches up itself (subscribers ask for ranges). */
void ts_feed_server_publish(struct ts_feed_server *f, uint64_t number, const ts_hash *hash,
                            ts_bytes raw, bool push);
/* A conflicting batch: pushed to every subscriber but one (0: none); the head stays. */
void ts_feed_server_evidence(struct ts_feed_server *f, ts_bytes raw, uint64_t except_peer);
/* Answers a transaction. text may be NULL. A peer that has gone is no error. */
void ts_feed_server_accepted(struct ts_feed_server *f, uint64_t ticket, ts_err code,
                             const char *text);
/* Ends a peer that sent bad data, with an ERROR frame, and counts it against its address. */
void ts_feed_server_refuse(struct ts_feed_server *f, uint64_t peer, ts_err code, const char *text);

/* Subscribers now. */
size_t ts_feed_server_peers(const struct ts_feed_server *f);
const struct ts_feed_server_counters *ts_feed_server_counters(const struct ts_feed_server *f);

#endif
