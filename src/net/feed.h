/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of the peer feed (WebSocket /feed, binary): RLP [type, …]. No I/O. Source:
 * docs/protocol.md. */
#ifndef TS_NET_FEED_H
#define TS_NET_FEED_H

#include "base/arena.h"
#include "codec/rlp.h"
#include "tenseq/types.h"

#define TS_FEED_VERSION      1
#define TS_FEED_MAX_FRAME    (TS_MAX_BATCH_BYTES + 1024u * 1024)
#define TS_FEED_MAX_GET      1024 /* batches in one request */
#define TS_FEED_MAX_EVIDENCE 32   /* EVIDENCE on one connection */

enum ts_feed_type {
    TS_FEED_HELLO = 1,   /* version, genesis hash, head number, head hash, client name */
    TS_FEED_BATCH = 2,   /* raw batch: new head or evidence */
    TS_FEED_GET = 3,     /* request id, from, count */
    TS_FEED_BATCHES = 4, /* request id, [raw batch, …]: ascending from from; fewer than asked, even
                            none, is allowed */
    TS_FEED_TRANSACTION = 5, /* request id, raw transaction: answered by ACCEPTED */
    TS_FEED_ACCEPTED = 6,    /* request id, error code (0: durable at the host), sentence */
    TS_FEED_ERROR = 7,       /* code, sentence; the sender closes after it */
    TS_FEED_EVIDENCE = 8     /* the protocol root before it, raw batch: a second one that the server
                                has kept; after HELLO */
};

struct ts_feed_frame {
    uint64_t type;
    uint64_t id;
    uint64_t version;
    ts_hash genesis;
    uint64_t number; /* HELLO: head; GET: from */
    ts_hash hash;    /* HELLO: head; EVIDENCE: the protocol root before the batch */
    uint64_t count;
    ts_err code;
    ts_bytes
        bytes; /* BATCH, EVIDENCE, TRANSACTION: raw; HELLO: client name; ACCEPTED, ERROR: text */
    ts_bytes *batches;
    size_t n_batches;
};

void ts_feed_put(struct ts_buf *b, const struct ts_feed_frame *f);
/* Lists from the arena; bytes borrowed from in. */
ts_err ts_feed_decode(ts_bytes in, struct ts_arena *arena, struct ts_feed_frame *out);

#endif
