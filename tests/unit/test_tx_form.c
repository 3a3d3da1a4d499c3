/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions whose bytes are wrong: each is refused with the field and the reason. */
#include "base/check.h"
#include "ledger_kit.h"

/* The items of a well-formed transaction, as hex of their RLP; signature values need not be right,
 * for form is checked first. */
#define ADDRESS "9457000000000000000000000000000000000000c0"
#define WORD    "a00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
static const char *const legacy_items[] = {"01",   "843b9aca00", "825208", ADDRESS, "80",
                                           "81ff", "82039a",     WORD,     WORD};
static const char *const access_items[] = {"8201bb", "01", "843b9aca00", "825208", ADDRESS, "80",
                                           "80",     "c0", "80",         WORD,     WORD};
static const char *const dynamic_items[] = {"8201bb", "01", "02", "843b9aca00", "825208", ADDRESS,
                                            "80",     "80", "c0", "01",         WORD,     WORD};

static void put_hex(struct ts_buf *b, const char *hex)
{
    char text[400] = "0x";
    size_t n;
    assert_true(strlen(hex) < sizeof(text) - 2);
    memcpy(text + 2, hex, strlen(hex) + 1);
    uint8_t *at = ts_buf_extend(b, strlen(hex) / 2);
    assert_non_null(at);
    assert_int_equal(ts_unhex_any(text, at, strlen(hex) / 2, &n), TS_OK);
}

struct form_case {
    int type;
    size_t field;    /* replaced by hex; past the end: added */
    const char *hex; /* "" leaves the item out */
    const char *why;
};

static void put_case(struct ts_buf *b, const struct form_case *c)
{
    static const char *const *const all[] = {legacy_items, access_items, dynamic_items};
    static const size_t counts[] = {TS_COUNT(legacy_items), TS_COUNT(access_items),
                                    TS_COUNT(dynamic_items)};
    ts_buf_reset(b);
    if (c->type != 0)
        ts_buf_put_byte(b, (uint8_t)c->type);
    size_t mark = ts_put_list(b);
    for (size_t i = 0; i < counts[c->type]; i++)
        put_hex(b, i == c->field ? c->hex : all[c->type][i]);
    if (c->field >= counts[c->type])
        put_hex(b, c->hex);
    ts_put_list_end(b, mark);
}

#define FORM(field, reason) "malformed transaction: " field ": " reason
#define CANON               "the encoding is not the canonical one"
#define ARITY               "a list has the wrong number of items"
#define STRING              "a list stands where a string is expected, or the reverse"
#define RANGE               "a number is out of range"
#define LENGTH              "a value has the wrong length"
#define LIMIT               "a size is over its limit"
#define SHORT               "the bytes end before the value does"
#define NONE                99

static const struct form_case form_cases[] = {
    /* integers */
    {0, 0, "00", FORM("nonce", CANON)},
    {0, 0, "8101", FORM("nonce", CANON)},
    {0, 0, "820001", FORM("nonce", CANON)},
    {0, 0, "b80101", FORM("nonce", CANON)},
    {0, 0, "89010000000000000000", FORM("nonce", RANGE)},
    {0, 0, "c0", FORM("nonce", STRING)},
    {0, 1, "00", FORM("gasPrice", CANON)},
    {0, 1, "a1010000000000000000000000000000000000000000000000000000000000000000",
     FORM("gasPrice", RANGE)},
    {0, 2, "89010000000000000000", FORM("gasLimit", RANGE)},
    {0, 2, "00", FORM("gasLimit", CANON)},
    {0, 4, "a1010000000000000000000000000000000000000000000000000000000000000000",
     FORM("value", RANGE)},
    {0, 4, "00", FORM("value", CANON)},
    {0, 6, "00", FORM("v", CANON)},
    {0, 7, "00", FORM("r", CANON)},
    {0, 8, "00", FORM("s", CANON)},
    {0, 8, "a1010000000000000000000000000000000000000000000000000000000000000000",
     FORM("s", RANGE)},
    {2, 0, "820001", FORM("chainId", CANON)},
    {2, 0, "89010000000000000000", FORM("chainId", RANGE)},
    {2, 1, "00", FORM("nonce", CANON)},
    {2, 2, "00", FORM("maxPriorityFeePerGas", CANON)},
    {2, 3, "00", FORM("maxFeePerGas", CANON)},
    {2, 4, "00", FORM("gasLimit", CANON)},
    {2, 9, "00", FORM("yParity", CANON)},
    /* the recipient */
    {0, 3, "00", FORM("to", LENGTH)},
    {0, 3, "9300000000000000000000000000000000000000c0", FORM("to", LENGTH)},
    {0, 3, "95000000000000000000000000000000000000000000", FORM("to", LIMIT)},
    {1, 4, "c0", FORM("to", STRING)},
    /* data */
    {0, 5, "c0", FORM("data", STRING)},
    {0, 5, "8101", FORM("data", CANON)},
    {0, 5, "b80100", FORM("data", CANON)},
    {0, 5, "bfffffffffffffffff", FORM("data", SHORT)},
    /* the access list */
    {1, 7, "80", FORM("accessList", STRING)},
    {1, 7, "c100", FORM("accessList", STRING)},
    {1, 7, "c1c0", FORM("accessList", ARITY)},
    {1, 7, "d6d5" ADDRESS, FORM("accessList", ARITY)},
    {1, 7, "d7d6" ADDRESS "80", FORM("accessList", STRING)},
    {1, 7, "d8d7" ADDRESS "c0c0", FORM("accessList", ARITY)},
    {1, 7, "d8d7" ADDRESS "c101", FORM("accessList", LENGTH)},
    {1, 7, "d6d5930000000000000000000000000000000000000000c0", FORM("accessList", LENGTH)},
    {1, 7, "f838f7" ADDRESS "e1" WORD, NULL},
    {1, 7, "f7f6" ADDRESS "e09f0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     FORM("accessList", LENGTH)},
    {2, 8, "80", FORM("accessList", STRING)},
    /* arity */
    {0, 8, "", FORM("s", ARITY)},
    {0, NONE, "80", FORM("the list", ARITY)},
    {1, NONE, "80", FORM("the list", ARITY)},
    {2, 11, "", FORM("s", ARITY)},
    {2, NONE, "c0", FORM("the list", ARITY)},
};

static void each_malformed_field_is_named(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    struct ts_buf b;
    ts_buf_init(&b, 0);
    assert_int_equal(ts_ledger_engine.begin(k->engine, 1, 0), TS_OK);
    for (size_t i = 0; i < TS_COUNT(form_cases); i++) {
        put_case(&b, &form_cases[i]);
        struct ts_tx_result result = kit_execute(k->engine, ts_buf_bytes(&b));
        if (form_cases[i].why ==
            NULL) { /* well-formed, to show that the others fail for their fault */
            assert_int_not_equal(result.err, TS_E_TX_FORM);
            continue;
        }
        assert_string_equal(result.why, form_cases[i].why);
        assert_int_equal(result.err, TS_E_TX_FORM);
    }
    ts_ledger_engine.rollback(k->engine);
    ts_buf_free(&b);
    kit_close(k);
}

/* The unchanged items are not refused for their form, or the cases above would show nothing. */
static void the_pattern_of_the_cases_is_well_formed(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    struct ts_buf b;
    ts_buf_init(&b, 0);
    for (int type = 0; type < 3; type++) {
        struct ts_tx tx;
        char why[TS_WHY_SIZE] = "";
        put_case(&b, &(struct form_case){type, NONE, "", NULL});
        assert_int_equal(ts_tx_decode(ts_buf_bytes(&b), &k->genesis, &tx, why), TS_OK);
        assert_int_equal(tx.type, type);
    }
    ts_buf_free(&b);
    kit_close(k);
}

static void assert_refused(struct kit *k, ts_bytes raw, ts_err err, const char *why)
{
    struct ts_tx_result result = kit_execute(k->engine, raw);
    assert_string_equal(result.why, why);
    assert_int_equal(result.err, err);
}

static void the_envelope_is_checked(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    static const struct {
        const char *hex;
        ts_err err;
        const char *why;
    } cases[] = {
        {"", TS_E_TX_FORM, "malformed transaction: it is empty"},
        {"80", TS_E_TX_FORM, "malformed transaction: first byte 0x80 is neither a list nor a type"},
        {"bf", TS_E_TX_FORM, "malformed transaction: first byte 0xbf is neither a list nor a type"},
        {"c0", TS_E_TX_FORM, FORM("nonce", ARITY)},
        {"f800", TS_E_TX_FORM, FORM("the list", CANON)},
        {"f80101", TS_E_TX_FORM, FORM("the list", CANON)},
        {"f90001", TS_E_TX_FORM, FORM("the list", CANON)},
        {"ffffffffffffffffff", TS_E_TX_FORM, FORM("the list", SHORT)},
        {"01", TS_E_TX_FORM, FORM("the list", SHORT)},
        {"0180", TS_E_TX_FORM, FORM("the list", STRING)},
        {"02c0", TS_E_TX_FORM, FORM("chainId", ARITY)},
        {"00c0", TS_E_TX_TYPE,
         "transaction type 0x00 is not supported: use legacy, EIP-2930 or EIP-1559"},
        {"03c0", TS_E_TX_TYPE,
         "blob transactions (EIP-4844, type 3) are not supported on this chain"},
        {"04c0", TS_E_TX_TYPE,
         "transactions that set code (EIP-7702, type 4) are not supported on this chain"},
        {"7f", TS_E_TX_TYPE,
         "transaction type 0x7f is not supported: use legacy, EIP-2930 or EIP-1559"},
    };
    struct ts_buf b;
    ts_buf_init(&b, 0);
    assert_int_equal(ts_ledger_engine.begin(k->engine, 1, 0), TS_OK);
    for (size_t i = 0; i < TS_COUNT(cases); i++) {
        ts_buf_reset(&b);
        put_hex(&b, cases[i].hex);
        assert_refused(k, ts_buf_bytes(&b), cases[i].err, cases[i].why);
    }
    ts_ledger_engine.rollback(k->engine);
    ts_buf_free(&b);
    kit_close(k);
}

/* No prefix of a transaction is one, nor is a transaction with a byte behind it. */
static void cut_and_lengthened_transactions_are_refused(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    struct ts_buf b;
    ts_buf_init(&b, 0);
    for (int type = 0; type < 3; type++) {
        struct ts_tx fields = kit_transfer(k, 0, &k->people[1], 5);
        struct ts_tx tx;
        char why[TS_WHY_SIZE];
        fields.type = (enum ts_tx_type)type;
        ts_buf_reset(&b);
        size_t n = kit_sign(k, 0, &fields, &b).n;
        for (size_t cut = 0; cut < n; cut++)
            assert_int_equal(ts_tx_decode(ts_bytes_of(b.p, cut), &k->genesis, &tx, why),
                             TS_E_TX_FORM);
        ts_buf_put_byte(&b, 0);
        assert_int_equal(ts_tx_decode(ts_buf_bytes(&b), &k->genesis, &tx, why), TS_E_TX_FORM);
        assert_string_equal(why, FORM("the list", "bytes follow the value"));
        assert_int_equal(ts_tx_decode(ts_bytes_of(b.p, n), &k->genesis, &tx, why), TS_OK);
    }
    ts_buf_free(&b);
    kit_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pattern_of_the_cases_is_well_formed),
        cmocka_unit_test(each_malformed_field_is_named),
        cmocka_unit_test(the_envelope_is_checked),
        cmocka_unit_test(cut_and_lengthened_transactions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
