/* SPDX-License-Identifier: Apache-2.0 */
#include "rebuild_kit.h"

#include <string.h>

#include "codec/schema.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"

ts_bytes world_keep(struct ek *k, ts_bytes b)
{
    uint8_t *p = ts_arena_alloc(&k->arena, b.n);
    assert_non_null(p);
    memcpy(p, b.p, b.n);
    return ts_bytes_of(p, b.n);
}

static void make_l1(struct world *w)
{
    static const uint8_t filler[32];
    for (uint64_t number = 0; number < MAX_L1; number++) {
        struct ts_buf b;
        ts_buf_init(&b, 0);
        size_t mark = ts_put_list(&b);
        for (size_t i = 0; i < 8; i++)
            ts_put_bytes(&b, ts_bytes_of(filler, sizeof(filler)));
        ts_put_u64(&b, number);
        ts_put_u64(&b, 30000000);
        ts_put_u64(&b, 21000);
        ts_put_u64(&b, 990);
        ts_put_list_end(&b, mark);
        w->l1_headers[number] = world_keep(w->k, ts_buf_bytes(&b));
        ts_keccak256(ts_buf_bytes(&b), &w->l1_hashes[number]);
        ts_buf_free(&b);
    }
}

/* The header that a batch names, and the batch to whoever runs. */
static void publish(struct world *w, size_t producer, ts_bytes raw)
{
    struct ts_batch b = ek_decode(w->k, raw);
    ek_publish(w->k, raw);
    for (size_t i = 0; i < w->k->n; i++) {
        struct ts_msg m = {.type = TS_MSG_ACCEPT};
        m.u.accept = (struct ts_msg_accept){raw, w->l1_headers[b.header.l1_number]};
        if (i == producer || w->k->enclaves[i].core == NULL)
            continue;
        m = ek_ask(w->k, i, &m);
        assert_code(m, TS_OK);
    }
}

void world_batch(struct world *w, size_t producer, uint64_t l1_number, ts_bytes *txs, size_t n_txs)
{
    struct ts_msg req = ek_create_request(w->k, producer, EK_ALL);
    req.u.create.l1_number = l1_number;
    req.u.create.l1_hash = w->l1_hashes[l1_number];
    req.u.create.l1_header = w->l1_headers[l1_number];
    req.u.create.txs = txs;
    req.u.create.n_txs = n_txs;
    struct ts_msg m = ek_ask(w->k, producer, &req);
    assert_code(m, TS_OK);
    assert_int_equal(m.u.created.n_rejected, 0);
    publish(w, producer, m.u.created.batch);
}

void world_roll(struct world *w, size_t signer, uint64_t first, uint64_t last, uint64_t l1_number)
{
    struct ts_msg req = ek_rollup_request(w->k, first, last, 0);
    req.u.rollup.l1_number = l1_number;
    req.u.rollup.l1_hash = w->l1_hashes[l1_number];
    req.u.rollup.l1_header = w->l1_headers[l1_number];
    struct ts_msg m = ek_ask(w->k, signer, &req);
    assert_code(m, TS_OK);
    struct ts_msg_rolled *r = &w->rolled[w->n_rolled++];
    *r = m.u.rolled;
    r->data = world_keep(w->k, r->data);
}

static ts_err l1_hash(void *ctx, uint64_t number, ts_hash *out)
{
    const struct world *w = ctx;
    if (w->l1_err != TS_OK || number >= MAX_L1)
        return w->l1_err != TS_OK ? w->l1_err : TS_E_NOT_FOUND;
    *out = w->l1_hashes[number];
    return TS_OK;
}

static ts_err is_listed(void *ctx, const struct ts_rollup *rollup, const ts_address *id, bool *out)
{
    const struct world *w = ctx;
    assert_true(rollup->last_number >= rollup->first_number);
    *out = ts_address_equal(id, &w->k->enclaves[0].id) || ts_address_equal(id, &w->listed);
    return w->list_err;
}

/* It is the batch that was published, to the byte. */
static ts_err on_batch(void *ctx, const struct ts_rebuilt *b)
{
    struct world *w = ctx;
    struct ts_batch was = ek_decode(w->k, ek_batch(w->k, ++w->told));
    struct ts_buf raw;
    ts_hash hash;
    ts_buf_init(&raw, 0);
    ts_schema_put(&raw, &ts_batch_header_type, b->header);
    assert_true(ts_bytes_equal(ts_buf_bytes(&raw), was.raw_header));
    ts_buf_reset(&raw);
    ts_txs_put(&raw, b->txs, b->n_txs);
    assert_true(ts_bytes_equal(ts_buf_bytes(&raw), was.raw_txs));
    ts_header_hash(&w->k->genesis.domain, &was.header, &hash);
    assert_true(ts_hash_equal(&hash, b->hash));
    ts_buf_free(&raw);
    return w->batch_err;
}

void world_start(struct world *w)
{
    const struct ts_rebuild_config c = {.genesis = &w->k->genesis,
                                        .crypto = w->k->crypto,
                                        .engine = &ts_ledger_engine,
                                        .seed = {1, 2},
                                        .ctx = w,
                                        .l1_hash = l1_hash,
                                        .is_listed = is_listed,
                                        .batch = on_batch};
    ts_rebuild_free(w->rebuild);
    w->told = 0;
    assert_int_equal(ts_rebuild_new(&c, &w->rebuild), TS_OK);
}

void world_open(struct world *w)
{
    struct ts_params params;
    ts_params_default(&params);
    params.base_fee = EK_BASE_FEE;
    *w = (struct world){.k = ek_open_with(2, 2, &params, L1_CHAIN)};
    struct ek *k = w->k;
    k->now = 1000000;
    make_l1(w);
    ek_start(k, 0);
    ek_start(k, 1);
    ek_promote(k, 0);
    ts_bytes txs[3];
    world_batch(w, 0, 1, NULL, 0);
    for (uint64_t n = 0; n < 4; n++) {
        txs[0] = ek_transfer(k, 0, n, 5);
        txs[1] = ek_transfer_to(k, 1, n, &k->person[0]);
        txs[2] = ek_transfer(k, 2, n, 1);
        world_batch(w, 0, 1 + n / 2, txs, 3);
    }
    ek_promote(k, 1);
    world_batch(w, 1, 40, NULL, 0);
    for (uint64_t n = 4; n < 7; n++) {
        txs[0] = ek_transfer(k, 0, n, 5);
        world_batch(w, 1, 40, txs, 1);
    }
    ek_promote(k, 0);
    world_batch(w, 0, 41, NULL, 0);
    world_batch(w, 0, 60, NULL, 0);
    w->listed = k->enclaves[1].id;
    world_roll(w, 1, 1, 4, 61);
    world_roll(w, 0, 5, 10, 60);
    world_roll(w, 1, 11, 11, 60);
    world_start(w);
}

void world_close(struct world *w)
{
    ts_rebuild_free(w->rebuild);
    ek_close(w->k);
}

struct ts_msg_rolled world_forge(struct world *w, const struct ts_msg_rolled *from, size_t signer)
{
    struct ts_msg_rolled r = *from;
    ts_hash digest;
    ts_keccak256(r.data, &r.rollup.data_hash);
    ts_rollup_hash(&w->k->genesis.domain, &r.rollup, &digest);
    assert_int_equal(
        ts_sign(w->k->crypto, &w->k->enclaves[signer].identity, &digest, &r.rollup.sig), TS_OK);
    return r;
}

/* ---- a state that is kept ---- */

static ts_err get_bytes(void *ctx, void *p, size_t n)
{
    ts_bytes *left = ctx;
    if (left->n < n)
        return TS_E_TRUNCATED;
    memcpy(p, left->p, n);
    *left = ts_bytes_of(left->p + n, left->n - n);
    return TS_OK;
}

struct ts_source world_source(ts_bytes *left)
{
    return (struct ts_source){.ctx = left, .read = get_bytes};
}

static ts_err put_bytes(void *ctx, const void *p, size_t n)
{
    ts_buf_put(ctx, p, n);
    return TS_OK;
}

void world_save(struct world *w, struct ts_buf *out)
{
    const struct ts_sink sink = {.ctx = out, .write = put_bytes};
    const struct ts_msg_rolled *first = &w->rolled[0];
    ts_buf_init(out, 0);
    assert_int_equal(ts_rebuild_rollup(w->rebuild, &first->rollup, first->data, NULL), TS_OK);
    assert_int_equal(ts_rebuild_save(w->rebuild, &sink), TS_OK);
}

ts_bytes world_rebuilt(struct world *w, uint64_t number, ts_hash *hash)
{
    struct ts_batch b = ek_decode(w->k, ek_batch(w->k, number));
    struct ts_buf out;
    ts_buf_init(&out, 0);
    size_t mark = ts_put_list(&out);
    ts_put_raw(&out, b.raw_header);
    ts_put_raw(&out, b.raw_txs);
    ts_put_list_end(&out, mark);
    ts_header_hash(&w->k->genesis.domain, &b.header, hash);
    ts_bytes kept = world_keep(w->k, ts_buf_bytes(&out));
    ts_buf_free(&out);
    return kept;
}
