/* SPDX-License-Identifier: Apache-2.0 */
/* ten_timeline. What is in it is the timeline's (test_timeline.c); here: its form, its parameters.
 */
#include "rpc_kit.h"

#include <stdlib.h>

#include "base/check.h"
#include "rpc/ten.h"

static int setup(void **state)
{
    *state = kit_open(false);
    return 0;
}

static int teardown(void **state)
{
    kit_close(*state);
    return 0;
}

static json_int_t number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    assert_true(json_is_integer(v));
    return json_integer_value(v);
}

static const json_t *column(const json_t *o, const char *name, size_t n)
{
    const json_t *c = json_object_get(json_object_get(o, "buckets"), name);
    assert_int_equal(json_array_size(c), n);
    return c;
}

static void the_whole_chain_is_the_default(void **state)
{
    static const char *const columns[] = {"first",        "time",         "transactions",
                                          "intervalMean", "intervalMax",  "takeovers",
                                          "unclean",      "reportLagMax", "term"};
    struct kit *k = *state;
    json_t *o = kit_call(k, "ten_timeline", "[]");
    assert_int_equal(number(o, "head"), 8);
    assert_int_equal(number(o, "from"), 1);
    assert_int_equal(number(o, "to"), 8);
    assert_int_equal(number(o, "width"), 1);
    for (size_t i = 0; i < TS_COUNT(columns); i++)
        (void)column(o, columns[i], 8);
    const json_t *txs = column(o, "transactions", 8);
    assert_int_equal(json_integer_value(json_array_get(txs, 1)), 3);
    assert_int_equal(json_integer_value(json_array_get(txs, 7)), KIT_CHUNKY);
    assert_int_equal(json_integer_value(json_array_get(column(o, "intervalMean", 8), 5)), 1000);
    const json_t *lanes = json_object_get(o, "lanes");
    assert_int_equal(json_array_size(lanes), 3);
    assert_int_equal(json_array_size(json_object_get(o, "enclaves")), 3);
    char *runs = json_dumps(json_object_get(json_array_get(lanes, 0), "runs"), JSON_COMPACT);
    assert_string_equal(runs, "[[0,7,\"active\"]]");
    free(runs);
    const json_t *marks = json_object_get(o, "marks");
    assert_int_equal(json_array_size(marks), 4); /* three first boots, one activation */
    assert_string_equal(member(json_array_get(marks, 0), "kind"), "activation");
    assert_int_equal(number(o, "marksLeftOut"), 0);
    assert_int_equal(json_array_size(json_object_get(o, "takeoverTimes")), 0);
    json_t *same = kit_call(k, "ten_timeline", "{\"from\":0,\"to\":\"0xffff\",\"points\":1024}");
    assert_true(json_equal(o, same));
    json_decref(same);
    json_decref(o);
}

static void a_range_is_in_as_many_points_as_asked(void **state)
{
    struct kit *k = *state;
    json_t *o = kit_call(k, "ten_timeline", "{\"from\":2,\"to\":7,\"points\":2}");
    (void)column(o, "first", 2);
    assert_int_equal(number(o, "width"), 4);
    assert_int_equal(number(o, "from"), 1); /* whole buckets */
    assert_int_equal(number(o, "to"), 8);
    json_decref(o);
    o = kit_call(k, "ten_timeline", "[5, 6]");
    (void)column(o, "first", 2);
    assert_int_equal(number(o, "from"), 5);
    json_decref(o);
    o = kit_call(k, "ten_timeline", "{\"last\":3}");
    (void)column(o, "first", 3);
    assert_int_equal(number(o, "from"), 6);
    json_decref(o);
    o = kit_call(k, "ten_timeline", "{\"last\":300}");
    (void)column(o, "first", 8);
    json_decref(o);
    o = kit_call(k, "ten_timeline", "{\"from\":9}"); /* above the head: nothing */
    (void)column(o, "first", 0);
    assert_int_equal(json_array_size(json_object_get(o, "lanes")), 0);
    json_decref(o);
}

static char *lane(struct kit *k, const char *params, size_t i, const char *name)
{
    json_t *o = kit_call(k, "ten_timeline", params);
    const json_t *lanes = json_object_get(o, "lanes");
    char *text = json_dumps(json_object_get(json_array_get(lanes, i), name), JSON_COMPACT);
    assert_non_null(text);
    json_decref(o);
    return text;
}

static void lane_is(struct kit *k, const char *params, size_t i, const char *runs,
                    const char *absent)
{
    char *text = lane(k, params, i, "runs");
    assert_string_equal(text, runs);
    free(text);
    text = lane(k, params, i, "absent");
    assert_string_equal(text, absent);
    free(text);
}

/* Absences that the state of a bucket does not tell stand beside it, and no others. */
static void an_absence_is_told_once(void **state)
{
    struct kit *k = *state;
    struct testnet *net = tn_running(3);
    tn_run(net, 3);
    tn_cut(net, 2);
    tn_run(net, 1); /* 5 */
    tn_heal(net, 2);
    tn_run(net, 3);
    struct ts_timeline *was = k->timeline;
    k->timeline = kit_timeline_of(net);
    lane_is(k, "[]", 2, "[[0,0,\"starting\"],[1,3,\"passive\"],[4,4,\"absent\"],[5,7,\"passive\"]]",
            "[]");
    lane_is(k, "{\"points\":2}", 2, "[[0,1,\"passive\"]]", "[[1,1]]");
    ts_timeline_free(k->timeline);
    k->timeline = was;
    tn_free(net);
}

static void a_timeline_that_is_behind_says_nothing(void **state)
{
    struct kit *k = *state;
    struct ts_timeline *was = k->timeline;
    k->timeline = ts_timeline_new(&k->net->genesis);
    assert_non_null(k->timeline);
    kit_refused(k, "ten_timeline", "[]", -32000, "this node has no timeline");
    ts_timeline_free(k->timeline);
    k->timeline = was;
}

static void bad_parameters_are_named(void **state)
{
    struct kit *k = *state;
    static const struct {
        const char *params, *says;
    } bad[] = {
        {"[-1]", "from"},
        {"[\"x\"]", "from"},
        {"[1.5]", "from"},
        {"[[]]", "from"},
        {"{\"from\":true}", "from"},
        {"{\"to\":\"\"}", "to"},
        {"{\"to\":\"0x\"}", "to"},
        {"{\"from\":\"18446744073709551616\"}", "from"},
        {"{\"from\":5,\"to\":4}", "from must not be above to, and 5 is above 4"},
        {"{\"points\":0}", "points must be a number from 1 to 1024, not 0"},
        {"{\"points\":1025}", "points must be a number from 1 to 1024, not 1025"},
        {"{\"points\":\"many\"}", "points"},
        {"{\"point\":5}", "there is no parameter \"point\""},
        {"[1,2,3,4]", "last is given without"},
        {"{\"from\":2,\"last\":4}", "last is given without"},
        {"{\"last\":0}", "last must be a number from 1 on"},
        {"{\"last\":\"few\"}", "last"},
        {"[1,2,3,4,5]", "5 parameters are given"},
        {"[{\"from\":1},2]", "from"},
    };
    for (size_t i = 0; i < TS_COUNT(bad); i++)
        kit_refused(k, "ten_timeline", bad[i].params, -32602, bad[i].says);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_whole_chain_is_the_default), T(a_range_is_in_as_many_points_as_asked),
        T(an_absence_is_told_once),        T(a_timeline_that_is_behind_says_nothing),
        T(bad_parameters_are_named),
    };
#undef T
    return cmocka_run_group_tests_name("rpc_timeline", tests, NULL, NULL);
}
