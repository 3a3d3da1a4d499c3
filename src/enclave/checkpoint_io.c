/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/checkpoint_io.h"

#include <string.h>

#include "base/check.h"
#include "crypto/seal.h"

#define MAGIC       "tsckpt02" /* the last two are the version of form and content */
#define MAGIC_SIZE  8u
#define MAGIC_NAME  6u
#define SALT_SIZE   8u
#define NONCE_SIZE  12u
#define AAD_SIZE    (MAGIC_SIZE + SALT_SIZE + 4 + 1)
#define HEAD_PLAIN  (20u + 32 + 8 + 8 + 32)
#define HEAD_SEALED (HEAD_PLAIN + TS_SEAL_OVERHEAD)
#define HEAD_BYTES  (MAGIC_SIZE + SALT_SIZE + HEAD_SEALED)
#define CHUNK_HEAD  5u

static void put_be(uint8_t *out, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

static uint64_t get_be(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static void put_head(const struct ts_checkpoint_head *h, uint8_t out[HEAD_PLAIN])
{
    memcpy(out, h->enclave.b, 20);
    memcpy(out + 20, h->genesis.b, 32);
    put_be(out + 52, h->generation, 8);
    put_be(out + 60, h->number, 8);
    memcpy(out + 68, h->hash.b, 32);
}

static void get_head(const uint8_t p[HEAD_PLAIN], struct ts_checkpoint_head *out)
{
    memcpy(out->enclave.b, p, 20);
    memcpy(out->genesis.b, p + 20, 32);
    out->generation = get_be(p + 52, 8);
    out->number = get_be(p + 60, 8);
    memcpy(out->hash.b, p + 68, 32);
}

static void make_aad(const uint8_t salt[SALT_SIZE], uint32_t record, bool is_last,
                     uint8_t aad[AAD_SIZE])
{
    memcpy(aad, MAGIC, MAGIC_SIZE);
    memcpy(aad + MAGIC_SIZE, salt, SALT_SIZE);
    put_be(aad + MAGIC_SIZE + SALT_SIZE, record, 4);
    aad[AAD_SIZE - 1] = is_last ? 1 : 0;
}

/* Seals plain as record number record into out, which is emptied first. */
static ts_err seal_record(const ts_secret *key, const uint8_t salt[SALT_SIZE], uint32_t record,
                          bool is_last, ts_bytes plain, struct ts_buf *out)
{
    uint8_t nonce[NONCE_SIZE];
    uint8_t aad[AAD_SIZE];
    memcpy(nonce, salt, SALT_SIZE);
    put_be(nonce + SALT_SIZE, record, 4);
    make_aad(salt, record, is_last, aad);
    ts_buf_reset(out);
    return ts_seal(key, nonce, ts_bytes_of(aad, sizeof(aad)), plain, out);
}

/* Opens a record into out, which is emptied first. */
static ts_err open_record(const ts_secret *key, const uint8_t salt[SALT_SIZE], uint32_t record,
                          bool is_last, ts_bytes sealed, struct ts_buf *out)
{
    uint8_t aad[AAD_SIZE];
    make_aad(salt, record, is_last, aad);
    ts_buf_reset(out);
    return ts_unseal(key, ts_bytes_of(aad, sizeof(aad)), sealed, out);
}

/* The head record from the first HEAD_BYTES of a slot. */
static ts_err open_head(const ts_secret *key, const uint8_t bytes[HEAD_BYTES],
                        struct ts_checkpoint_head *out)
{
    struct ts_buf plain;
    const uint8_t *salt = bytes + MAGIC_SIZE;
    if (memcmp(bytes, MAGIC, MAGIC_SIZE) != 0)
        return memcmp(bytes, MAGIC, MAGIC_NAME) == 0 ? TS_E_VERSION : TS_E_SEAL;
    ts_buf_init(&plain, HEAD_PLAIN);
    ts_err err = open_record(key, salt, 0, false,
                             ts_bytes_of(bytes + MAGIC_SIZE + SALT_SIZE, HEAD_SEALED), &plain);
    if (err == TS_OK)
        get_head(plain.p, out);
    ts_buf_free(&plain);
    return err;
}

ts_err ts_checkpoint_peek(const struct ts_checkpoint_store *store, size_t slot,
                          const ts_secret *key, struct ts_checkpoint_head *out)
{
    uint8_t bytes[HEAD_BYTES];
    size_t got = 0;
    if (store->peek(store->ctx, slot, bytes, sizeof(bytes), &got) != TS_OK || got == 0)
        return TS_E_NOT_FOUND;
    return got == sizeof(bytes) ? open_head(key, bytes, out) : TS_E_SEAL;
}

static void stream_init(struct ts_checkpoint_stream *s, const struct ts_checkpoint_store *store,
                        const ts_secret *key)
{
    *s = (struct ts_checkpoint_stream){.store = store, .key = key, .record = 1};
    ts_buf_init(&s->plain, TS_CHECKPOINT_CHUNK);
    ts_buf_init(&s->sealed, TS_CHECKPOINT_CHUNK + TS_SEAL_OVERHEAD);
}

static void stream_free(struct ts_checkpoint_stream *s)
{
    if (s->plain.p != NULL)
        ts_wipe(s->plain.p, s->plain.cap);
    ts_buf_free(&s->plain);
    ts_buf_free(&s->sealed);
}

static ts_err write_head(struct ts_checkpoint_stream *s, const struct ts_checkpoint_head *head)
{
    const struct ts_checkpoint_store *store = s->store;
    uint8_t plain[HEAD_PLAIN];
    put_head(head, plain);
    ts_err err =
        seal_record(s->key, s->salt, 0, false, ts_bytes_of(plain, sizeof(plain)), &s->sealed);
    if (err == TS_OK)
        err = store->write(store->ctx, MAGIC, MAGIC_SIZE);
    if (err == TS_OK)
        err = store->write(store->ctx, s->salt, SALT_SIZE);
    if (err == TS_OK)
        err = store->write(store->ctx, s->sealed.p, s->sealed.n);
    return err;
}

ts_err ts_checkpoint_write_begin(struct ts_checkpoint_stream *s,
                                 const struct ts_checkpoint_store *store, size_t slot,
                                 const ts_secret *key, const uint8_t salt[8],
                                 const struct ts_checkpoint_head *head)
{
    stream_init(s, store, key);
    memcpy(s->salt, salt, SALT_SIZE);
    ts_err err = store->write_begin(store->ctx, slot);
    if (err != TS_OK) {
        stream_free(s);
        return err;
    }
    err = write_head(s, head);
    return err == TS_OK ? TS_OK : ts_checkpoint_write_end(s, err);
}

static ts_err write_chunk(struct ts_checkpoint_stream *s, bool is_last)
{
    const struct ts_checkpoint_store *store = s->store;
    uint8_t chunk_head[CHUNK_HEAD];
    TS_CHECK(s->record < UINT32_MAX);
    ts_err err =
        seal_record(s->key, s->salt, s->record++, is_last, ts_buf_bytes(&s->plain), &s->sealed);
    if (err != TS_OK)
        return err;
    chunk_head[0] = is_last ? 1 : 0;
    put_be(chunk_head + 1, s->sealed.n, 4);
    err = store->write(store->ctx, chunk_head, sizeof(chunk_head));
    if (err == TS_OK)
        err = store->write(store->ctx, s->sealed.p, s->sealed.n);
    ts_buf_reset(&s->plain);
    return err;
}

ts_err ts_checkpoint_write(void *ctx, const void *p, size_t n)
{
    struct ts_checkpoint_stream *s = ctx;
    const uint8_t *from = p;
    while (n > 0) {
        size_t room = TS_CHECKPOINT_CHUNK - s->plain.n;
        if (room == 0) {
            ts_err err = write_chunk(s, false);
            if (err != TS_OK)
                return err;
            continue;
        }
        size_t part = n < room ? n : room;
        ts_buf_put(&s->plain, from, part);
        if (s->plain.err != TS_OK)
            return s->plain.err;
        from += part;
        n -= part;
    }
    return TS_OK;
}

ts_err ts_checkpoint_write_end(struct ts_checkpoint_stream *s, ts_err err)
{
    if (err == TS_OK)
        err = write_chunk(s, true);
    ts_err ended = s->store->write_end(s->store->ctx, err == TS_OK);
    stream_free(s);
    return err != TS_OK ? err : ended;
}

/* Exactly n bytes of the slot; TS_E_CORRUPT when it ends before. */
static ts_err read_raw(const struct ts_checkpoint_store *store, void *out, size_t n)
{
    size_t got = 0;
    ts_err err = store->read(store->ctx, out, n, &got);
    if (err != TS_OK)
        return err;
    return got == n ? TS_OK : TS_E_CORRUPT;
}

ts_err ts_checkpoint_read_begin(struct ts_checkpoint_stream *s,
                                const struct ts_checkpoint_store *store, size_t slot,
                                const ts_secret *key, struct ts_checkpoint_head *out)
{
    uint8_t bytes[HEAD_BYTES];
    stream_init(s, store, key);
    if (store->read_begin(store->ctx, slot) != TS_OK) {
        stream_free(s);
        return TS_E_NOT_FOUND;
    }
    ts_err err = read_raw(store, bytes, sizeof(bytes));
    if (err == TS_OK)
        err = open_head(key, bytes, out);
    if (err != TS_OK)
        return ts_checkpoint_read_end(s, err);
    memcpy(s->salt, bytes + MAGIC_SIZE, SALT_SIZE);
    return TS_OK;
}

static ts_err read_chunk(struct ts_checkpoint_stream *s)
{
    uint8_t chunk_head[CHUNK_HEAD];
    ts_err err = read_raw(s->store, chunk_head, sizeof(chunk_head));
    if (err != TS_OK)
        return err;
    size_t n = (size_t)get_be(chunk_head + 1, 4);
    if (chunk_head[0] > 1 || n > TS_CHECKPOINT_CHUNK + TS_SEAL_OVERHEAD)
        return TS_E_CORRUPT;
    ts_buf_reset(&s->sealed);
    uint8_t *sealed = ts_buf_extend(&s->sealed, n);
    if (sealed == NULL)
        return s->sealed.err;
    err = read_raw(s->store, sealed, n);
    if (err != TS_OK)
        return err;
    s->is_last = chunk_head[0] == 1;
    s->at = 0;
    err =
        open_record(s->key, s->salt, s->record++, s->is_last, ts_buf_bytes(&s->sealed), &s->plain);
    return err == TS_E_SEAL ? TS_E_CORRUPT : err;
}

ts_err ts_checkpoint_read(void *ctx, void *p, size_t n)
{
    struct ts_checkpoint_stream *s = ctx;
    uint8_t *to = p;
    while (n > 0) {
        size_t left = s->plain.n - s->at;
        if (left == 0) {
            if (s->is_last)
                return TS_E_TRUNCATED;
            ts_err err = read_chunk(s);
            if (err != TS_OK)
                return err;
            continue;
        }
        size_t part = n < left ? n : left;
        memcpy(to, s->plain.p + s->at, part);
        s->at += part;
        to += part;
        n -= part;
    }
    return TS_OK;
}

/* What must follow when everything was taken: the last chunk's end, and nothing behind it. */
static ts_err expect_end(struct ts_checkpoint_stream *s)
{
    uint8_t byte;
    size_t got = 0;
    while (s->at == s->plain.n && !s->is_last) {
        ts_err err = read_chunk(s);
        if (err != TS_OK)
            return err;
    }
    if (s->at < s->plain.n)
        return TS_E_CORRUPT;
    ts_err err = s->store->read(s->store->ctx, &byte, 1, &got);
    if (err != TS_OK)
        return err;
    return got == 0 ? TS_OK : TS_E_CORRUPT;
}

ts_err ts_checkpoint_read_end(struct ts_checkpoint_stream *s, ts_err err)
{
    if (err == TS_OK)
        err = expect_end(s);
    s->store->read_end(s->store->ctx);
    stream_free(s);
    return err;
}
