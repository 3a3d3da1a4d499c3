/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/check.h"
#include "codec/json.h"
#include "tenseq/types.h"

static void expect_json(json_t *json, const char *want)
{
    char *got = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
    assert_string_equal(got, want);
    free(got);
    json_decref(json);
}

static void writes_values(void **state)
{
    (void)state;
    const ts_address address = {{0xab}};
    ts_u256 v = {.w = {0, 0, 1, 0}};
    expect_json(ts_json_address(&address), "\"0xab00000000000000000000000000000000000000\"");
    expect_json(ts_json_bytes(ts_bytes_of("\1\2", 2)), "\"0x0102\"");
    expect_json(ts_json_bytes(ts_bytes_of(NULL, 0)), "\"0x\"");
    expect_json(ts_json_quantity(0), "\"0x0\"");
    expect_json(ts_json_quantity(UINT64_MAX), "\"0xffffffffffffffff\"");
    expect_json(ts_json_u256(&v), "\"0x100000000000000000000000000000000\"");
    expect_json(ts_json_u64(UINT64_C(9007199254740992)), "9007199254740992");
    expect_json(ts_json_u64(UINT64_C(9007199254740993)), "\"9007199254740993\"");
}

static ts_err read_text(const char *text, uint64_t *out)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(json);
    ts_err err = ts_json_read_u64(json, out);
    json_decref(json);
    return err;
}

static void reads_numbers(void **state)
{
    (void)state;
    uint64_t v = 0;
    assert_int_equal(read_text("7", &v), TS_OK);
    assert_int_equal(v, 7);
    assert_int_equal(read_text("\"0x1f\"", &v), TS_OK);
    assert_int_equal(v, 31);
    assert_int_equal(read_text("\"18446744073709551615\"", &v), TS_OK);
    assert_int_equal(v, UINT64_MAX);
    assert_int_equal(read_text("\"18446744073709551616\"", &v), TS_E_RANGE);
    assert_int_equal(read_text("-1", &v), TS_E_RANGE);
    static const char *const bad[] = {"1.0",  "\"\"", "\"x\"",       "null",
                                      "true", "[1]",  "\"1\\u0000\""};
    for (size_t i = 0; i < TS_COUNT(bad); i++)
        assert_int_equal(read_text(bad[i], &v), TS_E_JSON);
    assert_int_equal(v, UINT64_MAX);
}

static void expect_bad_member(const char *name, json_t *value)
{
    const struct ts_restart_event event = {.seq = 1};
    struct ts_restart_event out;
    const char *field = NULL;
    json_t *json = ts_schema_to_json(&ts_restart_event_type, &event);
    if (value != NULL)
        json_object_set_new(json, name, value);
    else
        json_object_del(json, name);
    assert_int_equal(ts_schema_from_json(&ts_restart_event_type, json, &out, &field), TS_E_JSON);
    assert_string_equal(field, name);
    json_decref(json);
}

static void names_the_bad_member(void **state)
{
    (void)state;
    expect_bad_member("seq", NULL);
    expect_bad_member("signature", NULL);
    expect_bad_member("extra", json_integer(1));
    expect_bad_member("seq", json_string("x"));
    expect_bad_member("seq", json_integer(-1));
    expect_bad_member("bootId", json_string("0x12"));
    expect_bad_member("enclaveId", json_integer(1));
    expect_bad_member("signature", json_null());
    const char *field;
    struct ts_restart_event out;
    json_t *list = json_array();
    assert_int_equal(ts_schema_from_json(&ts_restart_event_type, list, &out, &field), TS_E_JSON);
    assert_string_equal(field, "RestartEvent");
    json_decref(list);
    assert_int_equal(ts_schema_from_json(&ts_restart_event_type, NULL, &out, &field), TS_E_JSON);
}

static void small_numbers_are_bounded(void **state)
{
    (void)state;
    struct ts_lifecycle_event event = {.kind = 255};
    struct ts_lifecycle_event out;
    const char *field;
    json_t *json = ts_schema_to_json(&ts_lifecycle_event_type, &event);
    assert_int_equal(ts_schema_from_json(&ts_lifecycle_event_type, json, &out, &field), TS_OK);
    assert_int_equal(out.kind, 255);
    json_object_set_new(json, "kind", json_integer(256));
    assert_int_equal(ts_schema_from_json(&ts_lifecycle_event_type, json, &out, &field), TS_E_JSON);
    assert_string_equal(field, "kind");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_values),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(names_the_bad_member),
        cmocka_unit_test(small_numbers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
