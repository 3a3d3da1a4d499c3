/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "chain/batch.h"
#include "engine/info.h"

/* ---- transactions ---------------------------------------------------------------------------- */

size_t kit_tx(struct kit *k, enum ts_tx_type type, uint64_t nonce)
{
    assert_true(k->n_txs < TS_COUNT(k->txs));
    static const uint8_t data[] = {1, 2, 3};
    struct ts_tx fields = {
        .type = type,
        .chain_id = k->net->genesis.chain_id,
        .nonce = nonce,
        .max_priority = ts_u256_of(1),
        .max_fee = ts_u256_of(2 * k->net->genesis.params.base_fee),
        .gas = 30000,
        .to = k->people[1],
        .value = ts_u256_of(1000 + nonce),
        .data = ts_bytes_of(data, sizeof(data)),
    };
    struct ts_buf *b = &k->txs[k->n_txs];
    ts_buf_init(b, 0);
    assert_int_equal(ts_tx_sign(k->net->crypto, &k->keys[0], &fields, b), TS_OK);
    return k->n_txs++;
}

ts_bytes kit_raw(const struct kit *k, size_t tx)
{
    return ts_buf_bytes(&k->txs[tx]);
}

const char *kit_hash(const struct kit *k, size_t tx)
{
    static char text[TS_HASH_HEX_SIZE];
    ts_hash h;
    ts_tx_hash(kit_raw(k, tx), &h);
    return ts_hex(h.b, sizeof(h.b), text);
}

void kit_put(struct kit *k, const struct ts_store_op *op)
{
    assert_int_equal(ts_store_apply(k->store, op, 1), TS_OK);
}

/* The newest published batch into the store, with n transactions from first on. */
static void store_newest(struct kit *k, size_t first, size_t n)
{
    ts_hash hashes[KIT_CHUNKY];
    for (size_t i = 0; i < n; i++)
        ts_tx_hash(kit_raw(k, first + i), &hashes[i]);
    struct ts_store_op op = {
        .kind = TS_OP_PUT_BATCH,
        .number = k->net->chain.head.number,
        .hash = k->net->chain.head.hash,
        .status = TS_BATCH_COMMITTED,
        .data = tn_raw(k->net, k->net->chain.head.number),
        .tx_hashes = hashes,
        .n_tx_hashes = n,
    };
    kit_put(k, &op);
}

static void publish(struct kit *k, size_t first, size_t n)
{
    ts_bytes txs[KIT_CHUNKY];
    struct tn_draft *d = tn_draft(k->net, 0);
    for (size_t i = 0; i < n; i++)
        txs[i] = kit_raw(k, first + i);
    d->txs = txs;
    d->n_txs = n;
    tn_publish(k->net, d);
    store_newest(k, first, n);
}

/* ---- the program ----------------------------------------------------------------------------- */

static const struct ts_chain *chain(void *ctx)
{
    const struct kit *k = ctx;
    return &k->net->chain;
}

static void answer_query(struct kit *k, enum ts_query_kind kind, ts_bytes arg, ts_rpc_done done,
                         void *ctx)
{
    struct ts_buf out;
    ts_buf_init(&out, 0);
    ts_err err = k->query_err;
    if (err == TS_OK)
        err = ts_ledger_engine.query(k->engine, kind, arg, &out);
    if (err == TS_OK && k->lie)
        out.p[out.n / 2] ^= 1;
    done(ctx, err, ts_buf_bytes(&out), err != TS_OK ? k->enclave_says : NULL);
    ts_buf_free(&out);
}

static void query(void *ctx, enum ts_query_kind kind, ts_bytes arg, ts_rpc_done done,
                  void *done_ctx)
{
    struct kit *k = ctx;
    k->n_queries++;
    if (!k->hold) {
        answer_query(k, kind, arg, done, done_ctx);
        return;
    }
    assert_true(k->n_held < TS_COUNT(k->held));
    struct kit_query *q = &k->held[k->n_held++];
    *q = (struct kit_query){.kind = kind, .done = done, .ctx = done_ctx};
    ts_buf_init(&q->arg, 0);
    ts_buf_put(&q->arg, arg.p, arg.n);
}

void kit_release(struct kit *k)
{
    assert_true(k->n_held > 0);
    struct kit_query q = k->held[0];
    k->n_held--;
    memmove(k->held, k->held + 1, k->n_held * sizeof(q));
    answer_query(k, q.kind, ts_buf_bytes(&q.arg), q.done, q.ctx);
    ts_buf_free(&q.arg);
}

static void send_tx(void *ctx, ts_bytes raw, ts_rpc_done done, void *done_ctx)
{
    struct kit *k = ctx;
    ts_hash h;
    ts_buf_reset(&k->sent);
    ts_buf_put(&k->sent, raw.p, raw.n);
    ts_tx_hash(raw, &h);
    done(done_ctx, k->send_err, ts_bytes_of(h.b, sizeof(h.b)),
         k->send_err != TS_OK ? k->enclave_says : NULL);
}

static bool pending_nonce(void *ctx, const ts_address *sender, uint64_t *nonce)
{
    const struct kit *k = ctx;
    if (!k->has_nonce || !ts_address_equal(sender, &k->people[0]))
        return false;
    *nonce = k->nonce;
    return true;
}

static bool pending_tx(void *ctx, const ts_hash *hash, ts_bytes *raw)
{
    const struct kit *k = ctx;
    ts_hash h;
    if (k->pending.p == NULL)
        return false;
    ts_tx_hash(k->pending, &h);
    *raw = k->pending;
    return ts_hash_equal(&h, hash);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void on_answer(void *ctx, ts_bytes text)
{
    struct kit *k = ctx;
    ts_buf_reset(&k->answer);
    ts_buf_put(&k->answer, text.p, text.n);
    k->n_answers++;
}

void kit_start(struct kit *k, const char *method, const char *params)
{
    struct ts_buf b;
    struct ts_rpc_peer peer = {.is_local = true, .is_authorised = true};
    ts_buf_init(&b, 0);
    ts_buf_printf(&b, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method,
                  params);
    ts_buf_reset(&k->answer);
    ts_rpc_handle(k->rpc, &peer, ts_buf_bytes(&b), on_answer, k);
    ts_buf_free(&b);
}

static json_t *parse(struct kit *k)
{
    json_error_t error;
    json_t *o = json_loadb((const char *)k->answer.p, k->answer.n, JSON_DECODE_ANY, &error);
    if (o == NULL)
        fail_msg("%s in '%.*s'", error.text, (int)k->answer.n, (const char *)k->answer.p);
    return o;
}

json_t *kit_answer(struct kit *k)
{
    assert_true(k->answer.n > 0); /* it has come */
    json_t *o = parse(k);
    json_t *result = json_incref(json_object_get(o, "result"));
    json_decref(o);
    return result;
}

json_t *kit_call(struct kit *k, const char *method, const char *params)
{
    kit_start(k, method, params);
    json_t *result = kit_answer(k);
    if (result == NULL)
        fail_msg("%s: %.*s", method, (int)k->answer.n, (const char *)k->answer.p);
    return result;
}

void kit_expect(struct kit *k, const char *method, const char *params, const char *result)
{
    json_t *got = kit_call(k, method, params);
    char *text = json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, result);
    free(text);
    json_decref(got);
}

void kit_refused(struct kit *k, const char *method, const char *params, int code, const char *text)
{
    kit_start(k, method, params);
    json_t *o = parse(k);
    const json_t *error = json_object_get(o, "error");
    if (error == NULL || json_integer_value(json_object_get(error, "code")) != code ||
        strstr(member(error, "message"), text) == NULL)
        fail_msg("%s: not %d '%s' but %.*s", method, code, text, (int)k->answer.n,
                 (const char *)k->answer.p);
    json_decref(o);
}

const char *member(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    if (text == NULL)
        fail_msg("there is no string %s", key);
    return text;
}

/* ---- opening --------------------------------------------------------------------------------- */

static void make_people(struct kit *k)
{
    struct ts_crypto *crypto = ts_crypto_new();
    assert_non_null(crypto);
    for (size_t i = 0; i < KIT_PEOPLE; i++) {
        memset(k->keys[i].b, (int)i + 0x21, sizeof(k->keys[i].b));
        assert_int_equal(ts_address_of_key(crypto, &k->keys[i], &k->people[i]), TS_OK);
        k->alloc[i].address = k->people[i];
        k->alloc[i].balance[24] = 0x0d; /* about 0.9 ether */
    }
    for (size_t i = 0; i < KIT_PEOPLE; i++) {
        for (size_t j = i + 1; j < KIT_PEOPLE; j++) {
            if (ts_address_compare(&k->alloc[i].address, &k->alloc[j].address) > 0) {
                struct ts_alloc a = k->alloc[i];
                k->alloc[i] = k->alloc[j];
                k->alloc[j] = a;
            }
        }
    }
    ts_crypto_free(crypto);
}

static void make_chain(struct kit *k)
{
    struct tn_options o = {.alloc = k->alloc, .n_alloc = KIT_PEOPLE};
    char why[256];
    k->net = tn_new(&o);
    tn_start(k->net);
    ts_err err = ts_store_open(k->path, &k->net->genesis.hash, "host", &k->store, why, sizeof(why));
    assert_int_equal(err, TS_OK);
    store_newest(k, 0, 0);
    size_t first = kit_tx(k, TS_TX_LEGACY, 0);
    (void)kit_tx(k, TS_TX_ACCESS_LIST, 1);
    (void)kit_tx(k, TS_TX_DYNAMIC_FEE, 2);
    publish(k, first, 3);
    for (unsigned i = 0; i < 5; i++)
        publish(k, 0, 0);
    first = k->n_txs;
    for (uint64_t i = 0; i < KIT_CHUNKY; i++)
        (void)kit_tx(k, TS_TX_LEGACY, 3 + i);
    publish(k, first, KIT_CHUNKY);
    assert_int_equal(k->net->chain.head.number, 8);
}

static bool rollups(void *ctx, uint64_t *l1_final)
{
    const struct kit *k = ctx;
    *l1_final = k->l1_final;
    return k->has_rollups;
}

static const struct ts_audit *audit(void *ctx)
{
    const struct kit *k = ctx;
    return k->audit;
}

static void settle(void *ctx, ts_rpc_done done, void *done_ctx)
{
    struct kit *k = ctx;
    k->n_settles++;
    if (k->settle_err == TS_OK && k->settles != NULL)
        assert_int_equal(ts_store_apply(k->store, k->settles, 1), TS_OK);
    done(done_ctx, k->settle_err, (ts_bytes){0}, k->settle_err != TS_OK ? "not yet" : NULL);
}

static const struct ts_timeline *timeline(void *ctx)
{
    const struct kit *k = ctx;
    return k->timeline;
}

struct ts_timeline *kit_timeline_of(const struct testnet *net)
{
    struct ts_timeline *t = ts_timeline_new(&net->genesis);
    struct ts_arena arena;
    struct ts_batch b;
    ts_hash hash;
    assert_non_null(t);
    ts_arena_init(&arena, 0);
    for (uint64_t n = 1; n <= net->chain.head.number; n++) {
        ts_arena_reset(&arena);
        tn_decode(net, n, &arena, &b);
        ts_header_hash(&net->genesis.domain, &b.header, &hash);
        assert_int_equal(ts_timeline_batch(t, &b, &hash), TS_OK);
    }
    ts_arena_free(&arena);
    return t;
}

static void make_api(struct kit *k, bool with_loop)
{
    struct ts_rpc_backend b = {
        .ctx = k,
        .loop = with_loop ? &k->loop : NULL,
        .client = "tenseq-test/1",
        .genesis = &k->net->genesis,
        .genesis_state_root = k->net->genesis_root,
        .crypto = k->net->crypto,
        .store = k->store,
        .chain = chain,
        .audit = audit,
        .settle = settle,
        .timeline = timeline,
        .rollups = rollups,
        .query = query,
        .send_tx = send_tx,
        .pending_nonce = pending_nonce,
        .pending_tx = pending_tx,
    };
    size_t n = 0;
    k->api = ts_api_new(&b, NULL, 0);
    assert_non_null(k->api);
    const struct ts_rpc_method *methods = ts_api_methods(k->api, &n);
    k->rpc = ts_rpc_new(NULL, NULL, methods, n, k->api);
    assert_non_null(k->rpc);
    ts_api_attach(k->api, k->rpc);
}

struct kit *kit_open(bool with_loop)
{
    struct kit *k = calloc(1, sizeof(*k));
    const uint64_t seed[2] = {1, 2};
    assert_non_null(k);
    (void)snprintf(k->dir, sizeof(k->dir), "/tmp/tenseq-rpc-XXXXXX");
    assert_non_null(mkdtemp(k->dir));
    (void)snprintf(k->path, sizeof(k->path), "%s/db", k->dir);
    assert_int_equal(uv_loop_init(&k->loop), 0);
    ts_buf_init(&k->sent, 0);
    ts_buf_init(&k->answer, 0);
    make_people(k);
    make_chain(k);
    assert_int_equal(ts_ledger_engine.open(&k->net->genesis, k->net->crypto, seed, &k->engine),
                     TS_OK);
    k->audit = ts_audit_new(&k->net->genesis);
    assert_non_null(k->audit);
    k->timeline = kit_timeline_of(k->net);
    make_api(k, with_loop);
    return k;
}

void kit_close(struct kit *k)
{
    ts_api_free(k->api);
    ts_rpc_close(k->rpc);
    assert_int_equal(uv_run(&k->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&k->loop), 0);
    ts_ledger_engine.close(k->engine);
    ts_store_close(k->store);
    ts_audit_free(k->audit);
    ts_timeline_free(k->timeline);
    tn_free(k->net);
    for (size_t i = 0; i < k->n_txs; i++)
        ts_buf_free(&k->txs[i]);
    ts_buf_free(&k->sent);
    ts_buf_free(&k->answer);
    assert_int_equal(unlink(k->path), 0);
    assert_int_equal(rmdir(k->dir), 0);
    free(k);
}
