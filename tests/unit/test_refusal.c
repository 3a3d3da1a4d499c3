/* SPDX-License-Identifier: Apache-2.0 */
/* What tenseq send makes of a refusal. */
#include "unit.h"

#include "base/check.h"
#include "cli/refusal.h"
#include "tenseq/err.h"

static enum refusal of(int code, const char *name)
{
    json_t *error = json_pack("{s:i,s:s}", "code", code, "message", "x");
    assert_non_null(error);
    if (name != NULL)
        assert_int_equal(json_object_set_new(error, "data", json_pack("{s:s}", "code", name)), 0);
    enum refusal r = cli_refusal_of(error);
    json_decref(error);
    return r;
}

static void what_cannot_change_is_final(void **state)
{
    (void)state;
    static const char *const names[] = {
        "TS_E_TX_FORM",        "TS_E_TX_TYPE",      "TS_E_TX_CHAIN_ID",    "TS_E_TX_SIGNATURE",
        "TS_E_TX_CREATE",      "TS_E_TX_CODE",      "TS_E_TX_UNDERPRICED", "TS_E_TX_FUNDS",
        "TS_E_TX_GAS_LOW",     "TS_E_TX_GAS_LIMIT", "TS_E_TX_SIZE",        "TS_E_TX_NONCE_MAX",
        "TS_E_TX_TIP_OVER_FEE"};
    for (size_t i = 0; i < TS_COUNT(names); i++)
        assert_int_equal(of(-32000, names[i]), REFUSAL_FINAL);
}

static void a_wrong_nonce_is_asked_for(void **state)
{
    (void)state;
    static const char *const names[] = {"TS_E_TX_NONCE_LOW", "TS_E_TX_NONCE_GAP", "TS_E_TX_KNOWN",
                                        "TS_E_TX_REPLACE"};
    for (size_t i = 0; i < TS_COUNT(names); i++)
        assert_int_equal(of(-32000, names[i]), REFUSAL_NONCE);
}

static void what_may_pass_is_waited_for(void **state)
{
    (void)state;
    static const char *const names[] = {"TS_E_DISK_FULL", "TS_E_BUSY",  "TS_E_TIMEOUT",
                                        "TS_E_CLOSED",    "TS_E_NOMEM", "TS_E_TX_DEFERRED",
                                        "TS_E_IO",        "TS_E_STATE"};
    for (size_t i = 0; i < TS_COUNT(names); i++)
        assert_int_equal(of(-32000, names[i]), REFUSAL_PASSING);
}

static void without_a_name_the_code_decides(void **state)
{
    (void)state;
    assert_int_equal(of(-32602, NULL), REFUSAL_FINAL);
    assert_int_equal(of(-32601, NULL), REFUSAL_FINAL);
    assert_int_equal(of(-32000, NULL), REFUSAL_PASSING);
    assert_int_equal(of(-32005, NULL), REFUSAL_PASSING);
    assert_int_equal(of(-32000, "TS_E_OF_ANOTHER_VERSION"), REFUSAL_PASSING);
    assert_int_equal(cli_refusal_of(NULL), REFUSAL_PASSING); /* no error object at all */
}

static void waits_grow_to_a_bound(void **state)
{
    (void)state;
    static const unsigned ms[] = {50, 100, 200, 400, 800, 1600, 2000, 2000};
    for (unsigned i = 0; i < TS_COUNT(ms); i++)
        assert_int_equal(cli_backoff_ms(i + 1), ms[i]);
    assert_int_equal(cli_backoff_ms(UINT32_MAX), 2000);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_change_is_final),
        cmocka_unit_test(a_wrong_nonce_is_asked_for),
        cmocka_unit_test(what_may_pass_is_waited_for),
        cmocka_unit_test(without_a_name_the_code_decides),
        cmocka_unit_test(waits_grow_to_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
