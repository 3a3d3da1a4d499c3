/* SPDX-License-Identifier: Apache-2.0 */
/* What a genesis refuses, and how it says so; known answers stand in test_vectors.c. */
#include "unit.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "chain/genesis_json.h"
#include "codec/rlp.h"

/* A small valid genesis without L1. The caller frees it. */
static struct ts_genesis sample(void)
{
    struct ts_genesis g = {.chain_id = 443, .time = 1000, .n_whitelist = 2, .n_alloc = 2};
    g.whitelist = calloc(2, sizeof(*g.whitelist));
    g.alloc = calloc(2, sizeof(*g.alloc));
    assert_true(g.whitelist != NULL && g.alloc != NULL);
    g.whitelist[0].b[0] = 9; /* not in order: finish sorts */
    g.whitelist[1].b[0] = 3;
    g.alloc[0].address.b[0] = 8;
    g.alloc[0].balance[31] = 80;
    g.alloc[1].address.b[0] = 2;
    g.alloc[1].balance[31] = 20;
    ts_params_default(&g.params);
    return g;
}

static void finish_sorts(void **state)
{
    (void)state;
    struct ts_genesis g = sample();
    assert_int_equal(ts_genesis_finish(&g), TS_OK);
    assert_int_equal(g.whitelist[0].b[0], 3);
    assert_int_equal(g.alloc[0].balance[31], 20);
    assert_int_equal(g.alloc[1].balance[31], 80);
    assert_false(ts_hash_is_zero(&g.hash));
    ts_genesis_free(&g);
}

static void round_trips(void **state)
{
    (void)state;
    struct ts_genesis g = sample();
    struct ts_genesis back;
    uint8_t *raw;
    size_t n;
    char why[200];
    assert_int_equal(ts_genesis_finish(&g), TS_OK);
    assert_int_equal(ts_genesis_encode(&g, &raw, &n), TS_OK);
    assert_int_equal(ts_genesis_decode(ts_bytes_of(raw, n), &back), TS_OK);
    assert_true(ts_hash_equal(&back.hash, &g.hash));
    ts_genesis_free(&back);
    for (size_t cut = 0; cut < n; cut++) {
        assert_int_not_equal(ts_genesis_decode(ts_bytes_of(raw, cut), &back), TS_OK);
        assert_null(back.whitelist);
    }
    free(raw);
    char *text = ts_genesis_to_json(&g);
    assert_non_null(text);
    assert_int_equal(ts_genesis_from_json(text, strlen(text), &back, why, sizeof(why)), TS_OK);
    assert_true(ts_hash_equal(&back.hash, &g.hash));
    assert_true(ts_hash_equal(&back.domain.separator, &g.domain.separator));
    free(text);
    ts_genesis_free(&back);
    ts_genesis_free(&g);
}

/* Changes a valid genesis in one way and expects it refused, by finish and by decode. */
static void expect_bad(void (*change)(struct ts_genesis *), ts_err want)
{
    struct ts_genesis g = sample();
    struct ts_genesis back;
    uint8_t *raw;
    size_t n;
    assert_int_equal(ts_genesis_finish(&g), TS_OK);
    change(&g);
    assert_int_equal(ts_genesis_encode(&g, &raw, &n), TS_OK);
    assert_int_not_equal(ts_genesis_decode(ts_bytes_of(raw, n), &back), TS_OK);
    assert_int_equal(ts_genesis_finish(&g), want);
    free(raw);
    ts_genesis_free(&g);
}

static void no_chain_id(struct ts_genesis *g)
{
    g->chain_id = 0;
}
static void huge_chain_id(struct ts_genesis *g)
{
    g->chain_id = UINT64_MAX / 2 - 17;
}
static void huge_time(struct ts_genesis *g)
{
    g->time = (UINT64_C(1) << 53);
}
static void contract_without_l1(struct ts_genesis *g)
{
    g->contract.b[0] = 1;
}
static void l1_block_without_l1(struct ts_genesis *g)
{
    g->l1_number = 1;
}
static void l1_without_contract(struct ts_genesis *g)
{
    g->l1_chain_id = 1;
}
static void empty_whitelist(struct ts_genesis *g)
{
    g->n_whitelist = 0;
}
static void twice_whitelisted(struct ts_genesis *g)
{
    g->whitelist[0] = g->whitelist[1];
}
static void twice_allocated(struct ts_genesis *g)
{
    g->alloc[0].address = g->alloc[1].address;
}
static void too_much_money(struct ts_genesis *g)
{
    memset(g->alloc[0].balance, 0xff, 32);
}
static void no_interval(struct ts_genesis *g)
{
    g->params.batch_interval_ms = 0;
}
static void never_reports(struct ts_genesis *g)
{
    g->params.report_every = 0;
}
static void long_lag(struct ts_genesis *g)
{
    g->params.max_report_lag = 65;
}
static void large_batches(struct ts_genesis *g)
{
    g->params.max_batch_bytes = TS_MAX_BATCH_BYTES + 1;
}
static void large_txs(struct ts_genesis *g)
{
    g->params.max_tx_bytes = g->params.max_batch_bytes / 2 + 1;
}
static void little_gas(struct ts_genesis *g)
{
    g->params.batch_gas_limit = 20999;
}

static void bounds(void **state)
{
    (void)state;
    expect_bad(no_chain_id, TS_E_RANGE);
    expect_bad(huge_chain_id, TS_E_RANGE);
    expect_bad(huge_time, TS_E_RANGE);
    expect_bad(contract_without_l1, TS_E_RANGE);
    expect_bad(l1_block_without_l1, TS_E_RANGE);
    expect_bad(l1_without_contract, TS_E_RANGE);
    expect_bad(empty_whitelist, TS_E_RANGE);
    expect_bad(twice_whitelisted, TS_E_CONFLICT);
    expect_bad(twice_allocated, TS_E_CONFLICT);
    expect_bad(too_much_money, TS_E_RANGE);
    expect_bad(no_interval, TS_E_RANGE);
    expect_bad(never_reports, TS_E_RANGE);
    expect_bad(long_lag, TS_E_RANGE);
    expect_bad(large_batches, TS_E_RANGE);
    expect_bad(large_txs, TS_E_RANGE);
    expect_bad(little_gas, TS_E_RANGE);
}

static void whitelist_is_bounded(void **state)
{
    (void)state;
    struct ts_genesis g = sample();
    free(g.whitelist);
    g.whitelist = calloc(TS_MAX_WHITELIST + 1, sizeof(*g.whitelist));
    assert_non_null(g.whitelist);
    for (size_t i = 0; i <= TS_MAX_WHITELIST; i++)
        g.whitelist[i].b[0] = (uint8_t)i;
    g.n_whitelist = TS_MAX_WHITELIST;
    assert_int_equal(ts_genesis_finish(&g), TS_OK);
    g.n_whitelist++;
    assert_int_equal(ts_genesis_finish(&g), TS_E_RANGE);
    ts_genesis_free(&g);
}

/* Lists out of order are another encoding of the same genesis, and refused as such. */
static void order_is_canonical(void **state)
{
    (void)state;
    struct ts_genesis g = sample();
    struct ts_genesis back;
    uint8_t *raw;
    size_t n;
    assert_int_equal(ts_genesis_encode(&g, &raw, &n), TS_OK);
    assert_int_equal(ts_genesis_decode(ts_bytes_of(raw, n), &back), TS_E_NOT_CANONICAL);
    free(raw);
    ts_genesis_free(&g);
}

static void other_versions(void **state)
{
    (void)state;
    struct ts_genesis g = sample();
    struct ts_genesis back;
    uint8_t *raw;
    size_t n;
    assert_int_equal(ts_genesis_finish(&g), TS_OK);
    assert_int_equal(ts_genesis_encode(&g, &raw, &n), TS_OK);
    size_t at = n > 257 ? 3 : 2; /* behind the list header */
    assert_int_equal(raw[at], TS_GENESIS_VERSION);
    raw[at] = 2;
    assert_int_equal(ts_genesis_decode(ts_bytes_of(raw, n), &back), TS_E_VERSION);
    free(raw);
    ts_genesis_free(&g);
}

/* Replaces from by to in the JSON of a valid genesis; expects the error and its sentence. */
static void expect_sentence(const char *from, const char *to, ts_err want, const char *sentence)
{
    struct ts_genesis g = sample();
    struct ts_genesis back;
    char why[200] = "";
    struct ts_buf b;
    assert_int_equal(ts_genesis_finish(&g), TS_OK);
    char *text = ts_genesis_to_json(&g);
    char *at = strstr(text, from);
    if (at == NULL)
        fail_msg("no %s in %s", from, text);
    ts_buf_init(&b, 0);
    ts_buf_put(&b, text, (size_t)(at - text));
    ts_buf_put(&b, to, strlen(to));
    ts_buf_put(&b, at + strlen(from), strlen(at + strlen(from)));
    ts_err err = ts_genesis_from_json((const char *)b.p, b.n, &back, why, sizeof(why));
    assert_string_equal(why, sentence);
    assert_int_equal(err, want);
    assert_null(back.whitelist);
    ts_buf_free(&b);
    free(text);
    ts_genesis_free(&g);
}

static void json_says_what_is_wrong(void **state)
{
    (void)state;
    expect_sentence("\"chainId\": 443,", "", TS_E_JSON, "the member \"chainId\" is missing");
    expect_sentence("\"chainId\"", "\"chianId\"", TS_E_JSON, "the member \"chianId\" is unknown");
    expect_sentence("\"version\": 1", "\"version\": 7", TS_E_VERSION,
                    "version is 7; this program knows 1");
    expect_sentence("443", "-443", TS_E_JSON, "chainId must be a whole number from 0 to 2^64 - 1");
    expect_sentence("443", "4.5", TS_E_JSON, "chainId must be a whole number from 0 to 2^64 - 1");
    expect_sentence("443", "0", TS_E_RANGE, "chainId must be 1 to 9223372036854775789");
    expect_sentence("\"reportEvery\": 1", "\"reportEvery\": 0", TS_E_RANGE,
                    "reportEvery must be 1 to 4294967295 batches");
    expect_sentence("0x0900", "0x09", TS_E_JSON, "whitelist[1] must be 0x and 40 hex digits");
    expect_sentence("0x0900", "0x0300", TS_E_CONFLICT, "whitelist names an enclave twice");
    expect_sentence(
        "\"0x0200", "\"0x02", TS_E_JSON,
        "alloc: \"0x02000000000000000000000000000000000000\" must be 0x and 40 hex digits");
    expect_sentence("\"20\"", "\"-1\"", TS_E_JSON,
                    "alloc[0x0200000000000000000000000000000000000000] must be a string with an "
                    "amount in wei below 2^256");
    expect_sentence("\"coinbase\": \"0x", "\"coinbase\": \"", TS_E_JSON,
                    "coinbase must be 0x and 40 hex digits");
    expect_sentence("\"l1Number\": 0", "\"l1Number\": 5", TS_E_RANGE,
                    "contract, l1Number and l1Hash must be zero when l1ChainId is 0 (a network "
                    "without L1)");
    expect_sentence("\"version\": 1,\n", "\"version\": 1\n", TS_E_JSON,
                    "line 3: '}' expected near '\"l1ChainId\"'");
    expect_sentence("\"time\"", "\"chainId\": 443, \"time\"", TS_E_JSON,
                    "line 6: duplicate object key near '\"chainId\"'");
    expect_sentence("\"time\"", "\"a\\nb\": 1, \"time\"", TS_E_JSON,
                    "the member \"a?b\" is unknown");
}

static void json_of_other_shapes(void **state)
{
    (void)state;
    static const char *const texts[] = {"",   "[]",    "7",   "{",
                                        "{}", "\"x\"", "nul", "{\"version\":1}"};
    for (size_t i = 0; i < TS_COUNT(texts); i++) {
        struct ts_genesis g;
        char why[200] = "";
        assert_int_equal(ts_genesis_from_json(texts[i], strlen(texts[i]), &g, why, sizeof(why)),
                         TS_E_JSON);
        assert_true(why[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finish_sorts),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(bounds),
        cmocka_unit_test(whitelist_is_bounded),
        cmocka_unit_test(order_is_canonical),
        cmocka_unit_test(other_versions),
        cmocka_unit_test(json_says_what_is_wrong),
        cmocka_unit_test(json_of_other_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
