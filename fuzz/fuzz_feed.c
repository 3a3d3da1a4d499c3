/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of the peer feed: no bytes crash the decoder or a session, and what decodes has one
 * encoding. */
#include <string.h>

#include "base/check.h"
#include "net/feed_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(ts_bytes frame)
{
    struct ts_arena arena;
    struct ts_buf again;
    struct ts_feed_frame f;
    ts_arena_init(&arena, 0);
    ts_buf_init(&again, 0);
    if (ts_feed_decode(frame, &arena, &f) == TS_OK) {
        ts_feed_put(&again, &f);
        TS_CHECK(again.err == TS_OK && again.n == frame.n);
        TS_CHECK(memcmp(again.p, frame.p, frame.n) == 0);
    }
    ts_buf_free(&again);
    ts_arena_free(&arena);
}

/* One session fed with the messages that the input is cut into: length byte, bytes. */
static void session(enum ts_feed_role role, ts_bytes in)
{
    static const ts_hash genesis = {{1}};
    struct ts_feed_session s;
    struct ts_arena arena;
    struct ts_buf hello;
    struct ts_feed_frame f;
    struct ts_feed_get get;
    char why[TS_FEED_TEXT_MAX];
    uint64_t id, now = 0;
    ts_arena_init(&arena, 0);
    ts_buf_init(&hello, 0);
    ts_feed_session_init(&s, role, &genesis, NULL, now);
    ts_feed_put_hello(&hello, &genesis, 7, &genesis, "fuzz");
    ts_err err = ts_feed_session_receive(&s, now, ts_buf_bytes(&hello), &arena, &f, &get, why);
    TS_CHECK(err == TS_OK && s.has_hello && s.head_number == 7);
    while (in.n > 0) {
        if (role == TS_FEED_CLIENT)
            (void)ts_feed_session_ask_get(&s, now, 1, 4, &id);
        size_t n = in.p[0] < in.n - 1 ? in.p[0] : in.n - 1;
        bool was_closed = s.is_closed;
        err = ts_feed_session_receive(&s, ++now, ts_bytes_of(in.p + 1, n), &arena, &f, &get, why);
        TS_CHECK(err == TS_OK || err == TS_E_BUSY || (s.is_closed && why[0] != '\0'));
        TS_CHECK(!was_closed || err == TS_E_CLOSED);
        TS_CHECK(s.n_gets <= s.limits.max_gets && s.n_txs <= s.limits.max_txs);
        in = ts_bytes_of(in.p + 1 + n, in.n - 1 - n);
        ts_arena_reset(&arena);
    }
    ts_buf_free(&hello);
    ts_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ts_bytes in = ts_bytes_of(data, size);
    round_trip(in);
    session(TS_FEED_SERVER, in);
    session(TS_FEED_CLIENT, in);
    return 0;
}
