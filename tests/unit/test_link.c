/* SPDX-License-Identifier: Apache-2.0 */
/* The message table: what is written is read back, and nothing else is. */
#include <string.h>

#include "base/check.h"
#include "link/messages.h"
#include "unit.h"

static struct ts_lifecycle_event transitions[2] = {
    {.kind = TS_STARTED, .seq = 7, .time = 1000, .enclave_id = {{1}}, .boot_id = {{2}}},
    {.kind = TS_ACTIVE, .seq = 8, .term = 4, .time = 1001, .prev = {{9}}, .sig = {{5}}},
};
static struct ts_restart_event reports[2] = {
    {.enclave_id = {{3}}, .seq = 7, .current_batch_number = 300},
    {.enclave_id = {{4}}, .last_restart_time = 9, .sig = {{6}}},
};
static struct ts_msg_head heads[2] = {{1, {{1}}}, {70000, {{2}}}};
static struct ts_notice notices[1] = {{1, {(const uint8_t *)"notice", 6}}};
static ts_bytes strings[3] = {
    {(const uint8_t *)"a", 1}, {NULL, 0}, {(const uint8_t *)"\xff\xff", 2}};
static struct ts_msg_rejected rejected[2] = {
    {0, TS_E_TX_NONCE_LOW, {(const uint8_t *)"too low", 7}},
    {2, TS_E_TX_DEFERRED, {NULL, 0}},
};

static ts_bytes headers[2] = {{(const uint8_t *)"\xc2\x01\x02", 3}, {(const uint8_t *)"\xc0", 1}};
static struct ts_msg_range_item range[2] = {
    {{(const uint8_t *)"\xc1\x01", 2}, {(const uint8_t *)"\xc0", 1}},
    {{(const uint8_t *)"\xc1\x02", 2}, {(const uint8_t *)"\xc1\x80", 2}},
};

static ts_bytes text(const char *s)
{
    return ts_bytes_of(s, strlen(s));
}

/* One sample of every request and of every answer, with each optional part there. */
static size_t samples(struct ts_msg *m)
{
    struct ts_msg *at = m;
    struct ts_msg_events events = {.state = TS_ENC_ACTIVE,
                                   .head = heads[1],
                                   .has_report = true,
                                   .report = reports[0],
                                   .transitions = transitions,
                                   .n_transitions = 2};
    for (uint64_t type = TS_MSG_IDENTIFY; type <= TS_MSG_EXIT; type++)
        at[type - 1] = (struct ts_msg){.type = type, .id = type << 40};
    at[TS_MSG_LOAD - 1].u.load = (struct ts_msg_load){text("genesis"), heads[1]};
    at[TS_MSG_ACCEPT - 1].u.accept = (struct ts_msg_accept){text("batch"), text("l1")};
    at[TS_MSG_SYNCED - 1].u.synced = (struct ts_msg_synced){5, text("n"), text("l1")};
    at[TS_MSG_ACTIVATE - 1].u.activate = (struct ts_msg_activate){9, 1000};
    at[TS_MSG_STEP_DOWN - 1].u.step_down.time = UINT64_MAX;
    at[TS_MSG_CREATE - 1].u.create = (struct ts_msg_create){
        heads[0], 77, 5, {{8}}, text("l1"), transitions, 2, reports, 2, notices, 1, strings, 3};
    at[TS_MSG_QUERY - 1].u.query = (struct ts_msg_query){3, text("arg")};
    at[TS_MSG_OFFERS - 1].u.offers.above = 41;
    at += TS_MSG_EXIT;
    for (uint64_t type = TS_MSG_ERROR; type <= TS_MSG_LEAVING; type++)
        at[type] = (struct ts_msg){.type = type, .id = type, .is_answer = true};
    at[TS_MSG_ERROR].u.error =
        (struct ts_msg_error){TS_E_BAD_EVENT, true, {{1, 2}}, text("one sentence")};
    at[TS_MSG_IDENTIFY].u.identity = (struct ts_msg_identity){
        1, {{1}}, {{2}}, {{3}}, 1000, TS_ENC_PASSIVE, {{4}}, heads[0], 3, 4, heads, 2};
    at[TS_MSG_LOAD].u.head = at[TS_MSG_SNAPSHOT].u.head = heads[1];
    at[TS_MSG_ACCEPT].u.events = at[TS_MSG_SYNCED].u.events = at[TS_MSG_REPORT].u.events = events;
    events.has_report = false;
    events.n_transitions = 0;
    at[TS_MSG_ACTIVATE].u.events = at[TS_MSG_STEP_DOWN].u.events = events;
    at[TS_MSG_CREATE].u.created =
        (struct ts_msg_created){text("batch"), true, rejected, 2, true, reports[1], transitions, 1};
    at[TS_MSG_QUERY].u.query_answer = (struct ts_msg_query_answer){heads[0], text("answer")};
    at[TS_MSG_OFFERS].u.offered = (struct ts_msg_offered){strings, 3};
    at += TS_MSG_LEAVING + 1;
    at[0] = (struct ts_msg){.type = TS_MSG_ROLLUP, .id = 77};
    at[0].u.rollup = (struct ts_msg_rollup){
        9, {{8}}, text("l1"), {{7}}, {{6}}, range, TS_COUNT(range), headers, TS_COUNT(headers)};
    at[1] = (struct ts_msg){.type = TS_MSG_ROLLUP, .id = 77, .is_answer = true};
    at[1].u.rolled =
        (struct ts_msg_rolled){{.first_number = 3, .last_number = 9, .sig = {{5}}}, text("data")};
    at[2] = (struct ts_msg){.type = TS_MSG_REGISTER, .id = 77};
    at[3] = (struct ts_msg){.type = TS_MSG_REGISTER, .id = 77, .is_answer = true};
    at[3].u.registered = (struct ts_msg_registered){{{{9}}, {{8}}}, {{7}}};
    return TS_MSG_EXIT + TS_MSG_LEAVING + 5;
}

static struct ts_msg all[34];

static ts_err decode(ts_bytes frame, bool is_answer, struct ts_arena *arena, struct ts_msg *out)
{
    ts_arena_reset(arena);
    return is_answer ? ts_msg_decode_answer(frame, arena, out)
                     : ts_msg_decode_request(frame, arena, out);
}

static void every_message_comes_back_byte_for_byte(void **state)
{
    (void)state;
    struct ts_arena arena;
    struct ts_buf first, second;
    ts_arena_init(&arena, 0);
    ts_buf_init(&first, 0);
    ts_buf_init(&second, 0);
    size_t n = samples(all);
    for (size_t i = 0; i < n; i++) {
        struct ts_msg back;
        ts_buf_reset(&first);
        ts_buf_reset(&second);
        ts_msg_put(&first, &all[i]);
        assert_int_equal(decode(ts_buf_bytes(&first), all[i].is_answer, &arena, &back), TS_OK);
        assert_int_equal(back.type, all[i].type);
        assert_int_equal(back.id, all[i].id);
        ts_msg_put(&second, &back);
        assert_int_equal(first.n, second.n);
        assert_memory_equal(first.p, second.p, first.n);
    }
    ts_buf_free(&first);
    ts_buf_free(&second);
    ts_arena_free(&arena);
}

static void members_come_back_with_their_values(void **state)
{
    (void)state;
    struct ts_arena arena;
    struct ts_buf b;
    struct ts_msg m;
    ts_arena_init(&arena, 0);
    ts_buf_init(&b, 0);
    samples(all);
    ts_msg_put(&b, &all[TS_MSG_CREATE - 1]);
    assert_int_equal(decode(ts_buf_bytes(&b), false, &arena, &m), TS_OK);
    assert_int_equal(m.u.create.n_transitions, 2);
    assert_memory_equal(&m.u.create.transitions[1], &transitions[1], sizeof(transitions[1]));
    assert_memory_equal(&m.u.create.reports[0], &reports[0], sizeof(reports[0]));
    assert_int_equal(m.u.create.time, 77);
    assert_true(ts_bytes_equal(m.u.create.txs[2], strings[2]));
    assert_true(ts_bytes_equal(m.u.create.notices[0].body, notices[0].body));
    ts_buf_reset(&b);
    ts_msg_put(&b, &all[TS_MSG_EXIT + TS_MSG_ERROR]);
    assert_int_equal(decode(ts_buf_bytes(&b), true, &arena, &m), TS_OK);
    assert_int_equal(m.u.error.code, TS_E_BAD_EVENT);
    assert_true(m.u.error.has_enclave);
    assert_true(ts_bytes_equal(m.u.error.text, text("one sentence")));
    ts_buf_free(&b);
    ts_arena_free(&arena);
}

/* Cut anywhere, or followed by anything, a frame is refused; type and id survive where readable. */
static void a_cut_or_longer_frame_is_refused(void **state)
{
    (void)state;
    struct ts_arena arena;
    struct ts_buf b;
    struct ts_msg m;
    ts_arena_init(&arena, 0);
    ts_buf_init(&b, 0);
    size_t n = samples(all);
    for (size_t i = 0; i < n; i++) {
        ts_buf_reset(&b);
        ts_msg_put(&b, &all[i]);
        for (size_t cut = 0; cut < b.n; cut++)
            assert_int_not_equal(decode(ts_bytes_of(b.p, cut), all[i].is_answer, &arena, &m),
                                 TS_OK);
        ts_buf_put_byte(&b, 0);
        assert_int_equal(decode(ts_buf_bytes(&b), all[i].is_answer, &arena, &m), TS_E_TRAILING);
        assert_int_equal(m.type, all[i].type);
        assert_int_equal(m.id, all[i].id);
    }
    ts_buf_free(&b);
    ts_arena_free(&arena);
}

/* Whatever one changed byte does, a frame that still decodes is canonical. */
static void a_changed_byte_never_gives_a_second_encoding(void **state)
{
    (void)state;
    struct ts_arena arena;
    struct ts_buf b, again;
    struct ts_msg m;
    size_t refused = 0;
    ts_arena_init(&arena, 0);
    ts_buf_init(&b, 0);
    ts_buf_init(&again, 0);
    size_t n = samples(all);
    for (size_t i = 0; i < n; i++) {
        ts_buf_reset(&b);
        ts_msg_put(&b, &all[i]);
        for (size_t at = 0; at < b.n; at++) {
            uint8_t was = b.p[at];
            for (unsigned step = 1; step < 256; step += 37) {
                b.p[at] = (uint8_t)(was + step);
                if (decode(ts_buf_bytes(&b), all[i].is_answer, &arena, &m) != TS_OK) {
                    refused++;
                    continue;
                }
                ts_buf_reset(&again);
                ts_msg_put(&again, &m);
                assert_int_equal(again.n, b.n);
                assert_memory_equal(again.p, b.p, b.n);
            }
            b.p[at] = was;
        }
    }
    assert_true(refused > 1000);
    ts_buf_free(&b);
    ts_buf_free(&again);
    ts_arena_free(&arena);
}

/* A frame [type, id, []] of three bytes more or less. */
static ts_err decode_empty(uint64_t type, bool is_answer, struct ts_msg *m)
{
    struct ts_arena arena;
    struct ts_buf b;
    ts_arena_init(&arena, 0);
    ts_buf_init(&b, 0);
    size_t mark = ts_put_list(&b);
    ts_put_u64(&b, type);
    ts_put_u64(&b, 5);
    ts_put_list_end(&b, ts_put_list(&b));
    ts_put_list_end(&b, mark);
    ts_err err = decode(ts_buf_bytes(&b), is_answer, &arena, m);
    ts_buf_free(&b);
    ts_arena_free(&arena);
    return err;
}

static void unknown_types_are_named_as_such(void **state)
{
    (void)state;
    struct ts_msg m;
    assert_int_equal(decode_empty(TS_MSG_REGISTER + 1, false, &m), TS_E_UNKNOWN_MESSAGE);
    assert_int_equal(m.type, TS_MSG_REGISTER + 1);
    assert_int_equal(m.id, 5);
    assert_int_equal(decode_empty(UINT64_MAX, true, &m), TS_E_UNKNOWN_MESSAGE);
    /* Neither an error nor a farewell can be asked for. */
    assert_int_equal(decode_empty(TS_MSG_ERROR, false, &m), TS_E_UNKNOWN_MESSAGE);
    assert_int_equal(decode_empty(TS_MSG_LEAVING, false, &m), TS_E_UNKNOWN_MESSAGE);
    assert_int_equal(decode_empty(TS_MSG_LEAVING, true, &m), TS_OK);
    assert_int_equal(decode_empty(TS_MSG_LOAD, false, &m), TS_E_ARITY);
}

static void lists_and_texts_over_their_limits_are_refused(void **state)
{
    (void)state;
    static struct ts_lifecycle_event nine[TS_MAX_UNPUBLISHED + 1];
    static char long_text[TS_MAX_MSG_TEXT + 50];
    struct ts_arena arena;
    struct ts_buf b;
    struct ts_msg back;
    struct ts_msg m = {.type = TS_MSG_REPORT, .is_answer = true};
    ts_arena_init(&arena, 0);
    ts_buf_init(&b, 0);
    m.u.events.transitions = nine;
    m.u.events.n_transitions = TS_MAX_UNPUBLISHED + 1;
    ts_msg_put(&b, &m);
    assert_int_equal(decode(ts_buf_bytes(&b), true, &arena, &back), TS_E_LIMIT);
    /* A sentence is cut when written, so that an error always goes out. */
    memset(long_text, 'x', sizeof(long_text));
    ts_buf_reset(&b);
    m = (struct ts_msg){.type = TS_MSG_ERROR, .is_answer = true};
    m.u.error.code = TS_E_STATE;
    m.u.error.text = ts_bytes_of(long_text, sizeof(long_text));
    ts_msg_put(&b, &m);
    assert_int_equal(decode(ts_buf_bytes(&b), true, &arena, &back), TS_OK);
    assert_int_equal(back.u.error.text.n, TS_MAX_MSG_TEXT);
    ts_buf_free(&b);
    ts_arena_free(&arena);
}

static void a_rollup_of_too_many_batches_is_no_message(void **state)
{
    (void)state;
    static struct ts_msg_range_item many[TS_ROLLUP_MAX_BATCHES + 1];
    struct ts_arena arena;
    struct ts_buf b;
    struct ts_msg back;
    struct ts_msg m = {.type = TS_MSG_ROLLUP};
    ts_arena_init(&arena, 0);
    ts_buf_init(&b, 0);
    for (size_t i = 0; i < TS_COUNT(many); i++)
        many[i] = range[0];
    m.u.rollup.range = many;
    m.u.rollup.n_range = TS_ROLLUP_MAX_BATCHES;
    ts_msg_put(&b, &m);
    assert_int_equal(decode(ts_buf_bytes(&b), false, &arena, &back), TS_OK);
    assert_int_equal(back.u.rollup.n_range, TS_ROLLUP_MAX_BATCHES);
    m.u.rollup.n_range++;
    ts_buf_reset(&b);
    ts_msg_put(&b, &m);
    assert_int_equal(decode(ts_buf_bytes(&b), false, &arena, &back), TS_E_LIMIT);
    ts_buf_free(&b);
    ts_arena_free(&arena);
}

/* A small frame cannot ask for much memory: the arena's bound holds. */
static void many_empty_transactions_stay_within_the_bound(void **state)
{
    (void)state;
    struct ts_arena arena;
    struct ts_buf b;
    struct ts_msg back;
    struct ts_msg m = {.type = TS_MSG_CREATE};
    static ts_bytes many[TS_MAX_CREATE_TXS + 1];
    ts_arena_init(&arena, 4u * 1024 * 1024);
    ts_buf_init(&b, 0);
    m.u.create.txs = many;
    m.u.create.n_txs = TS_MAX_CREATE_TXS;
    ts_msg_put(&b, &m);
    assert_int_equal(decode(ts_buf_bytes(&b), false, &arena, &back), TS_OK);
    m.u.create.n_txs++;
    ts_buf_reset(&b);
    ts_msg_put(&b, &m);
    assert_int_equal(decode(ts_buf_bytes(&b), false, &arena, &back), TS_E_LIMIT);
    ts_buf_free(&b);
    ts_arena_free(&arena);
}

static void names_are_words_for_any_number(void **state)
{
    (void)state;
    assert_string_equal(ts_msg_name(TS_MSG_STEP_DOWN), "step-down");
    assert_string_equal(ts_msg_name(TS_MSG_LEAVING), "leaving");
    assert_string_equal(ts_msg_name(UINT64_MAX), "unknown");
    assert_string_equal(ts_enclave_state_name(TS_ENC_HALTED), "HALTED");
    assert_string_equal(ts_enclave_state_name(99), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_comes_back_byte_for_byte),
        cmocka_unit_test(members_come_back_with_their_values),
        cmocka_unit_test(a_cut_or_longer_frame_is_refused),
        cmocka_unit_test(a_changed_byte_never_gives_a_second_encoding),
        cmocka_unit_test(unknown_types_are_named_as_such),
        cmocka_unit_test(lists_and_texts_over_their_limits_are_refused),
        cmocka_unit_test(a_rollup_of_too_many_batches_is_no_message),
        cmocka_unit_test(many_empty_transactions_stay_within_the_bound),
        cmocka_unit_test(names_are_words_for_any_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
