/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of base, codec, crypto and chain fails once, in turn: each time the answer is
 * TS_E_NOMEM (or NULL) and outputs are as the contracts say; the sanitizers see any leak. */
#include "unit.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "chain/batch.h"
#include "chain/genesis_json.h"
#include "codec/json.h"
#include "crypto/sign.h"
#include "testnet.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static size_t countdown; /* 0: nothing fails; else the allocation at which it gets to 0 */
static bool has_failed;

static bool fails_now(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    has_failed = true;
    return true;
}

void *__wrap_malloc(size_t n)
{
    return fails_now() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails_now() ? NULL : __real_realloc(p, n);
}

/* Runs one with the nth allocation failing, for n = 1, 2, … until none is left to fail. */
static size_t fail_each(ts_err (*one)(void *ctx), void *ctx)
{
    for (size_t n = 1;; n++) {
        has_failed = false;
        countdown = n;
        ts_err err = one(ctx);
        countdown = 0;
        if ((err == TS_E_NOMEM) != has_failed)
            fail_msg("allocation %zu: %s", n, ts_err_name(err));
        if (!has_failed)
            return n - 1;
    }
}

static struct testnet *net;

static int set_up(void **state)
{
    (void)state;
    net = tn_running(3);
    tn_run(net, 2);
    json_set_alloc_funcs(__wrap_malloc, free);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tn_free(net);
    return 0;
}

static ts_err parse_batch(void *ctx)
{
    struct ts_batch *batch = ctx;
    ts_err err = ts_batch_parse(tn_raw(net, 1), TS_MAX_BATCH_BYTES, &batch);
    assert_int_equal(batch == NULL, err != TS_OK);
    ts_batch_free(batch);
    return err;
}

static ts_err encode_batch(void *ctx)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_batch_put(&b, ctx);
    ts_err err = b.err;
    ts_buf_free(&b);
    return err;
}

static void batches(void **state)
{
    (void)state;
    struct ts_batch *batch;
    assert_true(fail_each(parse_batch, NULL) >= 2);
    assert_int_equal(ts_batch_parse(tn_raw(net, 1), TS_MAX_BATCH_BYTES, &batch), TS_OK);
    assert_true(fail_each(encode_batch, batch) >= 2);
    ts_batch_free(batch);
}

static ts_err decode_genesis(void *ctx)
{
    struct ts_genesis g;
    ts_err err = ts_genesis_decode(*(const ts_bytes *)ctx, &g);
    assert_int_equal(g.whitelist == NULL, err != TS_OK);
    ts_genesis_free(&g);
    return err;
}

static ts_err finish_genesis(void *ctx)
{
    ts_hash before = net->genesis.hash;
    (void)ctx;
    ts_err err = ts_genesis_finish(&net->genesis);
    assert_true(ts_hash_equal(&before, &net->genesis.hash));
    return err;
}

/* Jansson 2.14 passes over a failure while it writes a key and gives text without that key; such a
 * text must not load. */
static ts_err genesis_to_json(void *ctx)
{
    (void)ctx;
    char why[200];
    struct ts_genesis g;
    char *text = ts_genesis_to_json(&net->genesis);
    countdown = 0;
    ts_err err = TS_E_NOMEM;
    if (text != NULL && ts_genesis_from_json(text, strlen(text), &g, why, sizeof(why)) == TS_OK) {
        err = TS_OK;
        assert_true(ts_hash_equal(&g.hash, &net->genesis.hash));
        ts_genesis_free(&g);
    }
    free(text);
    return err;
}

static void genesis(void **state)
{
    (void)state;
    uint8_t *raw;
    size_t n;
    assert_int_equal(ts_genesis_encode(&net->genesis, &raw, &n), TS_OK);
    ts_bytes bytes = ts_bytes_of(raw, n);
    assert_int_equal(fail_each(decode_genesis, &bytes), 2);
    assert_true(fail_each(finish_genesis, NULL) >= 1);
    assert_true(fail_each(genesis_to_json, NULL) >= 20);
    free(raw);
}

/* Jansson says "line n: out of memory" as a syntax error; ours or its, nothing is loaded. */
static void genesis_from_json(void **state)
{
    (void)state;
    char *text = ts_genesis_to_json(&net->genesis);
    assert_non_null(text);
    for (size_t n = 1;; n++) {
        struct ts_genesis g;
        char why[200] = "";
        has_failed = false;
        countdown = n;
        ts_err err = ts_genesis_from_json(text, strlen(text), &g, why, sizeof(why));
        countdown = 0;
        if (!has_failed) {
            assert_int_equal(err, TS_OK);
            assert_true(n > 20);
            ts_genesis_free(&g);
            break;
        }
        assert_true(err == TS_E_NOMEM || err == TS_E_JSON);
        assert_null(g.whitelist);
        assert_true(why[0] != '\0');
    }
    free(text);
}

static ts_err event_to_json(void *ctx)
{
    json_t *json = ts_schema_to_json(&ts_lifecycle_event_type, ctx);
    ts_err err = json != NULL ? TS_OK : TS_E_NOMEM;
    json_decref(json);
    return err;
}

static void json(void **state)
{
    (void)state;
    struct ts_lifecycle_event event = {.seq = UINT64_MAX};
    assert_true(fail_each(event_to_json, &event) >= 10);
}

static ts_err fill_map(void *ctx)
{
    struct ts_map m;
    ts_err err = TS_OK;
    (void)ctx;
    ts_map_init(&m, sizeof(uint32_t), sizeof(uint32_t), (uint64_t[]){1, 2});
    for (uint32_t i = 0; i < 100 && err == TS_OK; i++) {
        uint32_t *value = ts_map_put(&m, &i, NULL);
        if (value == NULL)
            err = TS_E_NOMEM;
        else
            *value = i;
    }
    /* What was put before the failure is all there. */
    for (uint32_t i = 0; i < m.n; i++) {
        const uint32_t *value = ts_map_get(&m, &i);
        assert_true(value != NULL && *value == i);
    }
    ts_map_free(&m);
    return err;
}

static void map(void **state)
{
    (void)state;
    assert_true(fail_each(fill_map, NULL) >= 8);
}

static ts_err make_crypto(void *ctx)
{
    (void)ctx;
    struct ts_crypto *c = ts_crypto_new();
    ts_err err = c != NULL ? TS_OK : TS_E_NOMEM;
    ts_crypto_free(c);
    return err;
}

static void crypto(void **state)
{
    (void)state;
    assert_int_equal(fail_each(make_crypto, NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches), cmocka_unit_test(genesis), cmocka_unit_test(genesis_from_json),
        cmocka_unit_test(json),    cmocka_unit_test(map),     cmocka_unit_test(crypto),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
