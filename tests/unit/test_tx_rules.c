/* SPDX-License-Identifier: Apache-2.0 */
/* Well-formed transactions that may not stand: each gives its error and its sentence, changes
 * nothing, and admission says the same as execution. */
#include "base/check.h"
#include "engine/info.h"
#include "engine/rules.h"
#include "ledger_kit.h"

/* Signed by person 0 with this v, r and s in place of its own (NULL: keep). */
static ts_bytes resign(const struct kit *k, const struct ts_tx *fields, const ts_u256 *v,
                       const ts_u256 *r, const ts_u256 *s, struct ts_buf *buf)
{
    struct ts_tx tx;
    struct ts_buf own;
    char why[TS_WHY_SIZE];
    ts_buf_init(&own, 0);
    ts_bytes raw = kit_sign(k, 0, fields, &own);
    assert_int_equal(ts_tx_decode(raw, &k->genesis, &tx, why), TS_OK);
    const ts_u256 own_v = ts_u256_of(tx.v);
    size_t start = buf->n;
    if (tx.type != TS_TX_LEGACY)
        ts_buf_put_byte(buf, (uint8_t)tx.type);
    size_t mark = ts_put_list(buf);
    ts_put_raw(buf, tx.signed_fields);
    ts_put_u256(buf, v != NULL ? v : &own_v);
    ts_put_u256(buf, r != NULL ? r : &tx.r);
    ts_put_u256(buf, s != NULL ? s : &tx.s);
    ts_put_list_end(buf, mark);
    ts_buf_free(&own);
    return ts_bytes_of(buf->p + start, buf->n - start);
}

static struct ts_tx_verdict check(struct ts_engine *e, ts_bytes raw)
{
    struct ts_buf arg;
    struct ts_buf out;
    struct ts_tx_verdict v;
    ts_buf_init(&arg, 0);
    ts_buf_init(&out, 0);
    size_t mark = ts_put_list(&arg);
    ts_put_bytes(&arg, raw);
    ts_put_list_end(&arg, mark);
    assert_int_equal(ts_ledger_engine.query(e, TS_QUERY_CHECK, ts_buf_bytes(&arg), &out), TS_OK);
    struct ts_reader r = ts_reader_of(ts_buf_bytes(&out));
    ts_read_list(&r);
    ts_tx_verdict_read(&r, &v);
    ts_read_list_end(&r);
    assert_int_equal(ts_reader_done(&r), TS_OK);
    ts_buf_free(&arg);
    ts_buf_free(&out);
    return v;
}

/* Executing and checking both refuse with these; nothing is touched. */
static void assert_refused(struct kit *k, ts_bytes raw, ts_err err, const char *why)
{
    const ts_hash before = kit_root(k->engine);
    ts_hash after;
    assert_int_equal(ts_ledger_engine.begin(k->engine, 1, 0), TS_OK);
    struct ts_tx_result result = kit_execute(k->engine, raw);
    assert_string_equal(result.why, why);
    assert_int_equal(result.err, err);
    assert_int_equal(result.gas_used, 0);
    assert_int_equal(ts_ledger_engine.finish(k->engine, &after), TS_OK);
    ts_ledger_engine.commit(k->engine);
    assert_hash(&after, &before);
    struct ts_tx_verdict v = check(k->engine, raw);
    if (err == TS_E_TX_NONCE_GAP) {
        assert_int_equal(v.err, TS_OK);
        return;
    }
    assert_int_equal(v.err, err);
    assert_string_equal(v.why, why);
}

static void assert_refused_fields(struct kit *k, const struct ts_tx *fields, ts_err err,
                                  const char *why)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    assert_refused(k, kit_sign(k, 0, fields, &b), err, why);
    ts_buf_free(&b);
}

static void another_chains_transactions_are_refused(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    for (int type = 0; type < 3; type++) {
        struct ts_tx tx = kit_transfer(k, 0, &k->people[1], 1);
        tx.type = (enum ts_tx_type)type;
        tx.chain_id = 1;
        assert_refused_fields(
            k, &tx, TS_E_TX_CHAIN_ID,
            "invalid chain id: the transaction is for chain 1, this is chain 443");
    }
    kit_close(k);
}

/* Legacy transactions from before EIP-155 are valid on every chain; here they are refused. */
static void unprotected_transactions_are_refused(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    struct ts_buf b;
    struct ts_tx tx = kit_transfer(k, 0, &k->people[1], 1);
    tx.type = TS_TX_LEGACY;
    ts_u256 v = ts_u256_of(27);
    ts_buf_init(&b, 0);
    assert_refused(k, resign(k, &tx, &v, NULL, NULL, &b), TS_E_TX_CHAIN_ID,
                   "the transaction has no replay protection (v is 27): sign it for this chain "
                   "(EIP-155)");
    v = ts_u256_of(28);
    assert_refused(k, resign(k, &tx, &v, NULL, NULL, &b), TS_E_TX_CHAIN_ID,
                   "the transaction has no replay protection (v is 28): sign it for this chain "
                   "(EIP-155)");
    ts_buf_free(&b);
    kit_close(k);
}

static const ts_u256 order = {
    .w = {0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff}};

static void signatures_are_checked_strictly(void **state)
{
    (void)state;
    static const char none[] =
        "invalid signature: no account can have made it (r, s or v is wrong)";
    static const char zero[] =
        "invalid signature: r and s must not be zero; is the transaction signed?";
    struct kit *k = kit_open();
    struct ts_buf b;
    struct ts_tx tx = kit_transfer(k, 0, &k->people[1], 1);
    const ts_u256 nothing = ts_u256_of(0);
    const ts_u256 two = ts_u256_of(2);
    const ts_u256 wide = {.w = {0, 1}};
    ts_u256 off_curve = ts_u256_of(5); /* no point has this x */
    ts_buf_init(&b, 0);
    assert_refused(k, resign(k, &tx, NULL, &nothing, NULL, &b), TS_E_TX_SIGNATURE, zero);
    assert_refused(k, resign(k, &tx, NULL, NULL, &nothing, &b), TS_E_TX_SIGNATURE, zero);
    assert_refused(k, resign(k, &tx, NULL, &order, NULL, &b), TS_E_TX_SIGNATURE, none);
    assert_refused(k, resign(k, &tx, NULL, &off_curve, NULL, &b), TS_E_TX_SIGNATURE, none);
    assert_refused(k, resign(k, &tx, NULL, NULL, &order, &b), TS_E_TX_SIGNATURE,
                   "invalid signature: s is above half the curve order (EIP-2)");
    assert_refused(k, resign(k, &tx, &two, NULL, NULL, &b), TS_E_TX_SIGNATURE,
                   "invalid signature: y parity is 2, not 0 or 1");
    tx.type = TS_TX_LEGACY;
    assert_refused(k, resign(k, &tx, &two, NULL, NULL, &b), TS_E_TX_SIGNATURE,
                   "invalid signature: v is 2, which no signature has");
    assert_refused(k, resign(k, &tx, &wide, NULL, NULL, &b), TS_E_TX_CHAIN_ID,
                   "invalid chain id: v is 18446744073709551616, above 64 bits");
    ts_buf_free(&b);
    kit_close(k);
}

/* The other form of a good signature: order - s with the parity turned. */
static void the_high_s_of_a_good_signature_is_refused(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    struct ts_buf b;
    ts_buf_init(&b, 0);
    for (int type = 0; type < 3; type++) {
        struct ts_tx fields = kit_transfer(k, 0, &k->people[1], 1);
        struct ts_tx tx;
        char why[TS_WHY_SIZE];
        ts_u256 s;
        fields.type = (enum ts_tx_type)type;
        assert_int_equal(ts_tx_decode(kit_sign(k, 0, &fields, &b), &k->genesis, &tx, why), TS_OK);
        assert_true(ts_u256_sub(&order, &tx.s, &s));
        ts_u256 v = ts_u256_of(type == 0 ? 35 + 2 * KIT_CHAIN + 1 - tx.y_parity : 1u - tx.y_parity);
        ts_buf_reset(&b);
        assert_refused(k, resign(k, &fields, &v, NULL, &s, &b), TS_E_TX_SIGNATURE,
                       "invalid signature: s is above half the curve order (EIP-2)");
    }
    ts_buf_free(&b);
    kit_close(k);
}

static void contracts_are_neither_created_nor_called(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    const ts_address first = {{[19] = 1}};
    const ts_address last = {{[18] = 0xff, [19] = 0xff}};
    const ts_address next = {{[17] = 1}};
    const ts_address zero = {{0}};
    struct ts_tx tx = kit_transfer(k, 0, &first, 1);
    assert_refused_fields(k, &tx, TS_E_TX_CODE,
                          "0x0000000000000000000000000000000000000001 is reserved for code, which "
                          "this chain does not run: calls and transfers to it are not supported");
    tx.to = last;
    assert_refused_fields(k, &tx, TS_E_TX_CODE,
                          "0x000000000000000000000000000000000000ffff is reserved for code, which "
                          "this chain does not run: calls and transfers to it are not supported");
    assert_false(ts_is_reserved(&next));
    assert_false(ts_is_reserved(&zero));
    tx.creates = true;
    tx.data = ts_bytes_of("\x60\x00", 2);
    tx.gas = 60000;
    assert_refused_fields(k, &tx, TS_E_TX_CREATE,
                          "contract creation is not supported on this chain: give a recipient");
    kit_close(k);
}

static void prices_are_checked(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    struct ts_tx tx = kit_transfer(k, 0, &k->people[1], 1);
    tx.max_fee = ts_u256_of(KIT_BASE_FEE - 1);
    assert_refused_fields(k, &tx, TS_E_TX_UNDERPRICED,
                          "max fee per gas less than block base fee: 999999999 under 1000000000");
    tx.type = TS_TX_LEGACY;
    assert_refused_fields(k, &tx, TS_E_TX_UNDERPRICED,
                          "max fee per gas less than block base fee: 999999999 under 1000000000");
    tx.type = TS_TX_DYNAMIC_FEE;
    tx.max_fee = ts_u256_of(KIT_BASE_FEE);
    tx.max_priority = ts_u256_of(KIT_BASE_FEE + 1);
    assert_refused_fields(
        k, &tx, TS_E_TX_TIP_OVER_FEE,
        "max priority fee per gas higher than max fee per gas: 1000000001 over 1000000000");
    kit_close(k);
}

static void gas_limits_are_checked(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    struct ts_tx tx = kit_transfer(k, 0, &k->people[1], 1);
    tx.gas = 20999;
    assert_refused_fields(k, &tx, TS_E_TX_GAS_LOW,
                          "intrinsic gas too low: the gas limit is 20999, 21000 is needed");
    tx.gas = 21000 + 4 + 16 - 1;
    tx.data = ts_bytes_of("\0\1", 2);
    assert_refused_fields(k, &tx, TS_E_TX_GAS_LOW,
                          "intrinsic gas too low: the gas limit is 21019, 21020 is needed");
    tx.gas = KIT_LIMIT + 1;
    assert_refused_fields(k, &tx, TS_E_TX_GAS_LIMIT,
                          "exceeds block gas limit: the gas limit is 300001, a batch holds 300000");
    kit_close(k);
}

static void large_transactions_are_refused(void **state)
{
    (void)state;
    static uint8_t data[4096];
    struct kit *k = kit_open();
    struct ts_tx tx = kit_transfer(k, 0, &k->people[1], 1);
    struct ts_buf b;
    ts_buf_init(&b, 0);
    tx.data = ts_bytes_of(data, sizeof(data));
    tx.gas = KIT_LIMIT;
    ts_bytes raw = kit_sign(k, 0, &tx, &b);
    char why[TS_WHY_SIZE];
    snprintf(why, sizeof(why), "oversized data: the transaction has %zu bytes, the limit is 4096",
             raw.n);
    assert_refused(k, raw, TS_E_TX_SIZE, why);
    /* At the limit it stands. */
    k->genesis.params.max_tx_bytes = raw.n;
    assert_int_equal(check(k->engine, raw).err, TS_OK);
    ts_buf_free(&b);
    kit_close(k);
}

static void nonces_are_checked(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    struct ts_buf b;
    ts_buf_init(&b, 0);
    struct ts_tx tx = kit_transfer(k, 0, &k->people[1], 1);
    ts_bytes raw = kit_sign(k, 0, &tx, &b);
    kit_batch(k->engine, &raw, 1);
    assert_refused(k, raw, TS_E_TX_NONCE_LOW,
                   "nonce too low: the transaction has 0, the account's next is 1");
    tx.nonce = 2;
    assert_refused_fields(k, &tx, TS_E_TX_NONCE_GAP,
                          "nonce too high: the transaction has 2, the account's next is 1");
    tx.nonce = UINT64_MAX;
    assert_refused_fields(k, &tx, TS_E_TX_NONCE_MAX,
                          "nonce has max value: 18446744073709551615 cannot be used (EIP-2681)");
    ts_buf_free(&b);
    kit_close(k);
}

/* What the sender must own is the whole gas limit at the highest fee, and the value. */
static void funds_are_checked(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    const uint64_t fee = 21000ull * 2 * KIT_BASE_FEE;
    struct ts_tx tx = kit_transfer(k, 0, &k->people[1], KIT_FUNDS - fee + 1);
    assert_refused_fields(k, &tx, TS_E_TX_FUNDS,
                          "insufficient funds for gas * price + value: balance "
                          "1000000000000000000, needed 1000000000000000001");
    tx.value = (ts_u256){.w = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    assert_refused_fields(k, &tx, TS_E_TX_FUNDS,
                          "insufficient funds for gas * price + value: balance "
                          "1000000000000000000, needed more than 2^256 - 1");
    tx.value = ts_u256_of(0);
    tx.max_fee = (ts_u256){.w = {0, 0, 0, UINT64_MAX}};
    assert_refused_fields(k, &tx, TS_E_TX_FUNDS,
                          "insufficient funds for gas * price + value: balance "
                          "1000000000000000000, needed more than 2^256 - 1");
    struct ts_buf b;
    ts_buf_init(&b, 0);
    tx = kit_transfer(k, 0, &k->people[1], KIT_FUNDS - fee);
    ts_bytes raw = kit_sign(k, 0, &tx, &b);
    kit_batch(k->engine, &raw, 1);
    ts_buf_free(&b);
    kit_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_chains_transactions_are_refused),
        cmocka_unit_test(unprotected_transactions_are_refused),
        cmocka_unit_test(signatures_are_checked_strictly),
        cmocka_unit_test(the_high_s_of_a_good_signature_is_refused),
        cmocka_unit_test(contracts_are_neither_created_nor_called),
        cmocka_unit_test(prices_are_checked),
        cmocka_unit_test(gas_limits_are_checked),
        cmocka_unit_test(large_transactions_are_refused),
        cmocka_unit_test(nonces_are_checked),
        cmocka_unit_test(funds_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
