/* SPDX-License-Identifier: Apache-2.0 */
#include "net/feed_session.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/check.h"

#define MILLION UINT64_C(1000000)
#define MIB     (UINT64_C(1024) * 1024)

void ts_bucket_init(struct ts_bucket *b, uint64_t rate, uint64_t burst, uint64_t now_us)
{
    TS_CHECK(burst > 0 && burst < UINT64_MAX / MILLION / 2);
    *b =
        (struct ts_bucket){.rate = rate, .burst = burst, .level = burst * MILLION, .at_us = now_us};
}

bool ts_bucket_take(struct ts_bucket *b, uint64_t n, uint64_t now_us)
{
    uint64_t full = b->burst * MILLION;
    uint64_t passed = now_us > b->at_us ? now_us - b->at_us : 0;
    /* One microsecond drips rate millionths. */
    uint64_t missing = full - b->level;
    if (b->rate > 0 && passed > missing / b->rate)
        b->level = full;
    else
        b->level += passed * b->rate;
    b->at_us += passed;
    if (n > b->level / MILLION)
        return false;
    b->level -= n * MILLION;
    return true;
}

void ts_feed_limits_default(struct ts_feed_limits *l, enum ts_feed_role role)
{
    bool server = role == TS_FEED_SERVER;
    *l = (struct ts_feed_limits){
        .frames_per_s = 20000,
        .frames_burst = 40000,
        .bytes_per_s = server ? 8 * MIB : 64 * MIB,
        .bytes_burst = server ? 32 * MIB : 128 * MIB,
        .max_gets = 8,
        .max_txs = 4096,
        .hello_us = server ? 10 * MILLION : 5 * MILLION,
    };
}

static void fill_limits(struct ts_feed_limits *l, const struct ts_feed_limits *given,
                        enum ts_feed_role role)
{
    ts_feed_limits_default(l, role);
    if (given == NULL)
        return;
    if (given->frames_per_s != 0)
        l->frames_per_s = given->frames_per_s;
    if (given->frames_burst != 0)
        l->frames_burst = given->frames_burst;
    if (given->bytes_per_s != 0)
        l->bytes_per_s = given->bytes_per_s;
    if (given->bytes_burst != 0)
        l->bytes_burst = given->bytes_burst;
    if (given->max_gets != 0)
        l->max_gets = given->max_gets;
    if (given->max_txs != 0)
        l->max_txs = given->max_txs;
    if (given->hello_us != 0)
        l->hello_us = given->hello_us;
    TS_CHECK(l->max_gets <= TS_FEED_MAX_GETS);
    TS_CHECK(l->bytes_burst >= TS_FEED_MAX_FRAME);
}

void ts_feed_session_init(struct ts_feed_session *s, enum ts_feed_role role, const ts_hash *genesis,
                          const struct ts_feed_limits *limits, uint64_t now_us)
{
    *s = (struct ts_feed_session){.role = role, .genesis = *genesis, .start_us = now_us};
    fill_limits(&s->limits, limits, role);
    ts_bucket_init(&s->frames, s->limits.frames_per_s, s->limits.frames_burst, now_us);
    ts_bucket_init(&s->bytes, s->limits.bytes_per_s, s->limits.bytes_burst, now_us);
}

static const char *type_name(uint64_t type)
{
    static const char *const names[] = {"frame",       "HELLO",    "BATCH", "GET",     "BATCHES",
                                        "TRANSACTION", "ACCEPTED", "ERROR", "EVIDENCE"};
    return type < TS_COUNT(names) ? names[type] : names[0];
}

/* Closes the session with a sentence. */
__attribute__((format(printf, 4, 5))) static ts_err
end(struct ts_feed_session *s, ts_err err, char why[TS_FEED_TEXT_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, TS_FEED_TEXT_MAX, format, args);
    va_end(args);
    s->is_closed = true;
    return err;
}

/* The two tables at the top of feed_session.h. */
static bool is_legal(enum ts_feed_role me, uint64_t type)
{
    switch (type) {
    case TS_FEED_HELLO:
    case TS_FEED_BATCH:
    case TS_FEED_ERROR:
        return true;
    case TS_FEED_GET:
    case TS_FEED_TRANSACTION:
        return me == TS_FEED_SERVER;
    case TS_FEED_EVIDENCE:
    case TS_FEED_BATCHES:
    case TS_FEED_ACCEPTED:
        return me == TS_FEED_CLIENT;
    default:
        return false;
    }
}

static ts_err take_hello(struct ts_feed_session *s, const struct ts_feed_frame *f,
                         char why[TS_FEED_TEXT_MAX])
{
    if (s->has_hello)
        return end(s, TS_E_STATE, why, "a second HELLO on one connection");
    if (f->version != TS_FEED_VERSION)
        return end(s, TS_E_VERSION, why,
                   "HELLO speaks version %" PRIu64 " of the feed, expected %d", f->version,
                   TS_FEED_VERSION);
    if (!ts_hash_equal(&f->genesis, &s->genesis)) {
        char hex[TS_HASH_HEX_SIZE];
        return end(s, TS_E_FOREIGN, why, "HELLO is of another network, with genesis %s",
                   ts_hex(f->genesis.b, sizeof(f->genesis.b), hex));
    }
    s->has_hello = true;
    s->head_number = f->number;
    s->head_hash = f->hash;
    for (size_t i = 0; i < f->bytes.n; i++) {
        uint8_t c = f->bytes.p[i];
        s->name[i] = c > ' ' && c < 0x7f && c != '"' && c != '\\' ? (char)c : '?';
    }
    return TS_OK;
}

static ts_err take_get(struct ts_feed_session *s, const struct ts_feed_frame *f, uint64_t now_us,
                       char why[TS_FEED_TEXT_MAX])
{
    if (s->n_gets >= s->limits.max_gets)
        return end(s, TS_E_LIMIT, why, "more than %u GETs at a time", s->limits.max_gets);
    s->gets[s->n_gets++] =
        (struct ts_feed_get){.id = f->id, .from = f->number, .count = f->count, .at_us = now_us};
    return TS_OK;
}

static void remove_get(struct ts_feed_session *s, unsigned i)
{
    s->n_gets--;
    memmove(&s->gets[i], &s->gets[i + 1], (s->n_gets - i) * sizeof(s->gets[0]));
}

static ts_err take_batches(struct ts_feed_session *s, const struct ts_feed_frame *f,
                           struct ts_feed_get *get, char why[TS_FEED_TEXT_MAX])
{
    unsigned i = 0;
    while (i < s->n_gets && s->gets[i].id != f->id)
        i++;
    if (i == s->n_gets)
        return end(s, TS_E_STATE, why, "BATCHES with id %" PRIu64 " answers no GET", f->id);
    if (f->n_batches > s->gets[i].count)
        return end(s, TS_E_LIMIT, why, "BATCHES holds %zu batches, asked were %" PRIu64,
                   f->n_batches, s->gets[i].count);
    if (get != NULL)
        *get = s->gets[i];
    remove_get(s, i);
    return TS_OK;
}

static ts_err take_accepted(struct ts_feed_session *s, const struct ts_feed_frame *f,
                            char why[TS_FEED_TEXT_MAX])
{
    if (s->n_txs == 0 || f->id == 0 || f->id > s->last_id)
        return end(s, TS_E_STATE, why, "ACCEPTED with id %" PRIu64 " answers no TRANSACTION",
                   f->id);
    s->n_txs--;
    return TS_OK;
}

static ts_err take_evidence(struct ts_feed_session *s, char why[TS_FEED_TEXT_MAX])
{
    if (s->n_evidence >= TS_FEED_MAX_EVIDENCE)
        return end(s, TS_E_LIMIT, why, "more than %d EVIDENCE on one connection",
                   TS_FEED_MAX_EVIDENCE);
    s->n_evidence++;
    return TS_OK;
}

static ts_err take(struct ts_feed_session *s, uint64_t now_us, struct ts_feed_frame *f,
                   struct ts_feed_get *get, char why[TS_FEED_TEXT_MAX])
{
    switch (f->type) {
    case TS_FEED_HELLO:
        return take_hello(s, f, why);
    case TS_FEED_GET:
        return take_get(s, f, now_us, why);
    case TS_FEED_BATCHES:
        return take_batches(s, f, get, why);
    case TS_FEED_TRANSACTION:
        if (s->n_txs >= s->limits.max_txs)
            return TS_E_BUSY;
        s->n_txs++;
        return TS_OK;
    case TS_FEED_ACCEPTED:
        return take_accepted(s, f, why);
    case TS_FEED_EVIDENCE:
        return take_evidence(s, why);
    case TS_FEED_ERROR:
        s->is_closed = true;
        return TS_OK;
    default:
        return TS_OK;
    }
}

static ts_err within_rates(struct ts_feed_session *s, uint64_t now_us,
                           const struct ts_feed_frame *f, size_t n, char why[TS_FEED_TEXT_MAX])
{
    if (f->type == TS_FEED_BATCHES || f->type == TS_FEED_ACCEPTED)
        return TS_OK; /* bounded by what was asked */
    if (!ts_bucket_take(&s->frames, 1, now_us))
        return end(s, TS_E_LIMIT, why, "more than %" PRIu64 " frames a second",
                   s->limits.frames_per_s);
    if (!ts_bucket_take(&s->bytes, n, now_us))
        return end(s, TS_E_LIMIT, why, "more than %" PRIu64 " bytes a second",
                   s->limits.bytes_per_s);
    return TS_OK;
}

ts_err ts_feed_session_receive(struct ts_feed_session *s, uint64_t now_us, ts_bytes message,
                               struct ts_arena *arena, struct ts_feed_frame *frame,
                               struct ts_feed_get *get, char why[TS_FEED_TEXT_MAX])
{
    struct ts_feed_frame f;
    if (s->is_closed)
        return end(s, TS_E_CLOSED, why, "the connection is closing");
    ts_err err = ts_feed_decode(message, arena, &f);
    if (err != TS_OK)
        return end(s, err, why, "a frame of %zu bytes is malformed: %s", message.n,
                   ts_err_text((int)err));
    if (!is_legal(s->role, f.type))
        return end(s, TS_E_STATE, why, "%s may not be sent in this direction", type_name(f.type));
    if (!s->has_hello && f.type != TS_FEED_HELLO && f.type != TS_FEED_ERROR)
        return end(s, TS_E_STATE, why, "%s before HELLO", type_name(f.type));
    err = within_rates(s, now_us, &f, message.n, why);
    if (err == TS_OK)
        err = take(s, now_us, &f, get, why);
    if (err == TS_OK || err == TS_E_BUSY)
        *frame = f;
    return err;
}

ts_err ts_feed_session_tick(struct ts_feed_session *s, uint64_t now_us)
{
    if (s->has_hello || s->is_closed || now_us < s->start_us + s->limits.hello_us)
        return TS_OK;
    s->is_closed = true;
    return TS_E_TIMEOUT;
}

ts_err ts_feed_session_ask_get(struct ts_feed_session *s, uint64_t now_us, uint64_t from,
                               uint64_t count, uint64_t *id)
{
    TS_CHECK(s->role == TS_FEED_CLIENT && count > 0 && count <= TS_FEED_MAX_GET);
    if (s->n_gets >= s->limits.max_gets)
        return TS_E_BUSY;
    *id = ++s->last_id;
    s->gets[s->n_gets++] =
        (struct ts_feed_get){.id = *id, .from = from, .count = count, .at_us = now_us};
    return TS_OK;
}

ts_err ts_feed_session_ask_tx(struct ts_feed_session *s, uint64_t *id)
{
    TS_CHECK(s->role == TS_FEED_CLIENT);
    if (s->n_txs >= s->limits.max_txs)
        return TS_E_BUSY;
    s->n_txs++;
    *id = ++s->last_id;
    return TS_OK;
}

bool ts_feed_session_next_get(struct ts_feed_session *s, struct ts_feed_get *out)
{
    TS_CHECK(s->role == TS_FEED_SERVER);
    if (s->n_gets == 0)
        return false;
    *out = s->gets[0];
    remove_get(s, 0);
    return true;
}

void ts_feed_session_tx_done(struct ts_feed_session *s)
{
    TS_CHECK(s->role == TS_FEED_SERVER && s->n_txs > 0);
    s->n_txs--;
}

static ts_bytes text_of(const char *text, size_t max)
{
    return ts_bytes_of(text, text != NULL ? strnlen(text, max) : 0);
}

void ts_feed_put_hello(struct ts_buf *b, const ts_hash *genesis, uint64_t head_number,
                       const ts_hash *head_hash, const char *name)
{
    struct ts_feed_frame f = {.type = TS_FEED_HELLO,
                              .version = TS_FEED_VERSION,
                              .genesis = *genesis,
                              .number = head_number,
                              .hash = *head_hash,
                              .bytes = text_of(name, TS_FEED_NAME_MAX)};
    ts_feed_put(b, &f);
}

void ts_feed_put_batch(struct ts_buf *b, ts_bytes raw)
{
    ts_feed_put(b, &(struct ts_feed_frame){.type = TS_FEED_BATCH, .bytes = raw});
}

void ts_feed_put_evidence(struct ts_buf *b, const ts_hash *parent_root, ts_bytes raw)
{
    ts_feed_put(
        b, &(struct ts_feed_frame){.type = TS_FEED_EVIDENCE, .hash = *parent_root, .bytes = raw});
}

void ts_feed_put_get(struct ts_buf *b, uint64_t id, uint64_t from, uint64_t count)
{
    struct ts_feed_frame f = {.type = TS_FEED_GET, .id = id, .number = from, .count = count};
    ts_feed_put(b, &f);
}

void ts_feed_put_tx(struct ts_buf *b, uint64_t id, ts_bytes raw)
{
    ts_feed_put(b, &(struct ts_feed_frame){.type = TS_FEED_TRANSACTION, .id = id, .bytes = raw});
}

void ts_feed_put_accepted(struct ts_buf *b, uint64_t id, ts_err code, const char *text)
{
    struct ts_feed_frame f = {.type = TS_FEED_ACCEPTED,
                              .id = id,
                              .code = code,
                              .bytes = text_of(text, TS_FEED_TEXT_MAX - 1)};
    ts_feed_put(b, &f);
}

void ts_feed_put_error(struct ts_buf *b, ts_err code, const char *text)
{
    struct ts_feed_frame f = {
        .type = TS_FEED_ERROR, .code = code, .bytes = text_of(text, TS_FEED_TEXT_MAX - 1)};
    ts_feed_put(b, &f);
}
