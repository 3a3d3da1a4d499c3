/* SPDX-License-Identifier: Apache-2.0 */
#include "net/feed.h"

#include "base/check.h"
#include "net/feed_session.h"

static void put_hello(struct ts_buf *b, const struct ts_feed_frame *f)
{
    ts_put_u64(b, f->version);
    ts_put_hash(b, &f->genesis);
    ts_put_u64(b, f->number);
    ts_put_hash(b, &f->hash);
    ts_put_bytes(b, f->bytes);
}

static void put_body(struct ts_buf *b, const struct ts_feed_frame *f)
{
    switch (f->type) {
    case TS_FEED_HELLO:
        put_hello(b, f);
        break;
    case TS_FEED_BATCH:
        ts_put_bytes(b, f->bytes);
        break;
    case TS_FEED_GET:
        ts_put_u64(b, f->id);
        ts_put_u64(b, f->number);
        ts_put_u64(b, f->count);
        break;
    case TS_FEED_BATCHES: {
        ts_put_u64(b, f->id);
        size_t list = ts_put_list(b);
        for (size_t i = 0; i < f->n_batches; i++)
            ts_put_bytes(b, f->batches[i]);
        ts_put_list_end(b, list);
        break;
    }
    case TS_FEED_TRANSACTION:
        ts_put_u64(b, f->id);
        ts_put_bytes(b, f->bytes);
        break;
    case TS_FEED_ACCEPTED:
        ts_put_u64(b, f->id);
        ts_put_u64(b, (uint64_t)f->code);
        ts_put_bytes(b, f->bytes);
        break;
    case TS_FEED_ERROR:
        ts_put_u64(b, (uint64_t)f->code);
        ts_put_bytes(b, f->bytes);
        break;
    case TS_FEED_EVIDENCE:
        ts_put_hash(b, &f->hash);
        ts_put_bytes(b, f->bytes);
        break;
    default:
        TS_CHECK(!"a feed frame of an unknown type");
    }
}

void ts_feed_put(struct ts_buf *b, const struct ts_feed_frame *f)
{
    size_t list = ts_put_list(b);
    ts_put_u64(b, f->type);
    put_body(b, f);
    ts_put_list_end(b, list);
}

static void read_hello(struct ts_reader *r, struct ts_feed_frame *f)
{
    f->version = ts_read_u64(r);
    ts_read_hash(r, &f->genesis);
    f->number = ts_read_u64(r);
    ts_read_hash(r, &f->hash);
    f->bytes = ts_read_bytes(r, TS_FEED_NAME_MAX);
}

static void read_get(struct ts_reader *r, struct ts_feed_frame *f)
{
    f->id = ts_read_u64(r);
    f->number = ts_read_u64(r);
    f->count = ts_read_u64(r);
    if (f->count == 0 || f->count > TS_FEED_MAX_GET || f->number == 0 ||
        f->number > UINT64_MAX - f->count)
        ts_reader_fail(r, TS_E_RANGE);
}

static void read_batches(struct ts_reader *r, struct ts_arena *arena, struct ts_feed_frame *f)
{
    f->id = ts_read_u64(r);
    ts_read_list(r);
    size_t n = ts_read_count(r);
    if (n > TS_FEED_MAX_GET) {
        ts_reader_fail(r, TS_E_LIMIT);
        return;
    }
    f->batches = ts_arena_array(arena, n, sizeof(*f->batches));
    if (f->batches == NULL) {
        ts_reader_fail(r, TS_E_NOMEM);
        return;
    }
    for (size_t i = 0; i < n; i++)
        f->batches[i] = ts_read_bytes(r, TS_MAX_BATCH_BYTES);
    f->n_batches = n;
    ts_read_list_end(r);
}

/* Two bytes hold every error code; one of a later version has no name here, that is all. */
static ts_err read_code(struct ts_reader *r)
{
    return (ts_err)ts_read_uint(r, 2);
}

static void read_body(struct ts_reader *r, struct ts_arena *arena, struct ts_feed_frame *f)
{
    switch (f->type) {
    case TS_FEED_HELLO:
        read_hello(r, f);
        break;
    case TS_FEED_BATCH:
        f->bytes = ts_read_bytes(r, TS_MAX_BATCH_BYTES);
        break;
    case TS_FEED_GET:
        read_get(r, f);
        break;
    case TS_FEED_BATCHES:
        read_batches(r, arena, f);
        break;
    case TS_FEED_TRANSACTION:
        f->id = ts_read_u64(r);
        f->bytes = ts_read_bytes(r, TS_MAX_BATCH_BYTES);
        break;
    case TS_FEED_ACCEPTED:
        f->id = ts_read_u64(r);
        f->code = read_code(r);
        f->bytes = ts_read_bytes(r, TS_FEED_TEXT_MAX);
        break;
    case TS_FEED_ERROR:
        f->code = read_code(r);
        f->bytes = ts_read_bytes(r, TS_FEED_TEXT_MAX);
        break;
    case TS_FEED_EVIDENCE:
        ts_read_hash(r, &f->hash);
        f->bytes = ts_read_bytes(r, TS_MAX_BATCH_BYTES);
        break;
    default:
        ts_reader_fail(r, TS_E_UNKNOWN_MESSAGE);
    }
}

ts_err ts_feed_decode(ts_bytes in, struct ts_arena *arena, struct ts_feed_frame *out)
{
    if (in.n > TS_FEED_MAX_FRAME)
        return TS_E_LIMIT;
    struct ts_feed_frame f = {0};
    struct ts_reader r = ts_reader_of(in);
    ts_read_list(&r);
    f.type = ts_read_u64(&r);
    if (r.err == TS_OK)
        read_body(&r, arena, &f);
    ts_read_list_end(&r);
    ts_err err = ts_reader_done(&r);
    if (err == TS_OK)
        *out = f;
    return err;
}
