/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes, errors, buffers, arena, state tables. */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/fsm.h"

static void errors_have_names(void **state)
{
    (void)state;
    assert_string_equal(ts_err_name(TS_OK), "TS_OK");
    assert_string_equal(ts_err_name(TS_E_V6_FRESH), "TS_E_V6_FRESH");
    assert_string_equal(ts_err_text(TS_E_TRAILING), "bytes follow the value");
    assert_string_equal(ts_err_name(9999), "TS_E_?");
    assert_string_equal(ts_err_text(-1), "unknown error");
}

static void hex_writes(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0x00, 0x9f, 0xaB};
    char text[9];
    assert_string_equal(ts_hex(bytes, sizeof(bytes), text), "0x009fab");
    assert_string_equal(ts_hex(NULL, 0, text), "0x");
}

static void hex_reads_exactly(void **state)
{
    (void)state;
    static const char *const bad[] = {"",           "0",       "0x",     "0x1",     "0x123",
                                      "0x12345",    "1234",    "0X1234", "0x12 4",  "0x123g",
                                      "0x12345678", " 0x1234", "0x-123", "0x1234\n"};
    uint8_t out[2] = {7, 7};
    for (size_t i = 0; i < TS_COUNT(bad); i++) {
        assert_int_equal(ts_unhex(bad[i], out, sizeof(out)), TS_E_HEX);
        assert_int_equal(out[0] << 8 | out[1], 0x0707);
    }
    assert_int_equal(ts_unhex("0xaBcD", out, sizeof(out)), TS_OK);
    assert_int_equal(out[0] << 8 | out[1], 0xabcd);
}

static void hex_reads_any_length(void **state)
{
    (void)state;
    uint8_t out[3] = {7, 7, 7};
    size_t n = 99;
    assert_int_equal(ts_unhex_any("0x123", out, sizeof(out), &n), TS_E_HEX);
    assert_int_equal(ts_unhex_any("0x12345678", out, sizeof(out), &n), TS_E_LIMIT);
    assert_int_equal(n, 99);
    assert_int_equal(out[0], 7);
    assert_int_equal(ts_unhex_any("0x123456", out, sizeof(out), &n), TS_OK);
    assert_int_equal(n, 3);
    assert_int_equal(ts_unhex_any("0x", out, sizeof(out), &n), TS_OK);
    assert_int_equal(n, 0);
}

static void bytes_compare(void **state)
{
    (void)state;
    ts_hash a = {{0}};
    ts_hash b = {{0}};
    assert_true(ts_hash_is_zero(&a));
    b.b[31] = 1;
    assert_false(ts_hash_is_zero(&b));
    assert_true(ts_hash_compare(&a, &b) < 0);
    assert_true(ts_hash_compare(&b, &a) > 0);
    assert_false(ts_hash_equal(&a, &b));
    assert_true(ts_bytes_equal(ts_bytes_of(NULL, 0), ts_bytes_of("x", 0)));
    assert_false(ts_bytes_equal(ts_bytes_of("ab", 2), ts_bytes_of("abc", 3)));
    assert_true(ts_bytes_equal(ts_bytes_of("abc", 3), ts_bytes_of("abc", 3)));
}

static void buf_appends(void **state)
{
    (void)state;
    struct ts_buf b;
    ts_buf_init(&b, 0);
    for (int i = 0; i < 1000; i++)
        ts_buf_printf(&b, "%03d,", i);
    assert_int_equal(b.err, TS_OK);
    assert_int_equal(b.n, 4000);
    assert_memory_equal(b.p + 3996, "999,", 4);
    ts_buf_reset(&b);
    assert_int_equal(ts_buf_bytes(&b).n, 0);
    ts_buf_put(&b, "ab", 2);
    ts_buf_put_byte(&b, 'c');
    ts_buf_put(&b, NULL, 0);
    assert_memory_equal(b.p, "abc", 3);
    ts_buf_free(&b);
}

static void buf_bound_is_sticky(void **state)
{
    (void)state;
    struct ts_buf b;
    ts_buf_init(&b, 100);
    ts_buf_printf(&b, "%0100d", 7); /* exactly full */
    assert_int_equal(b.err, TS_OK);
    assert_int_equal(b.n, 100);
    assert_non_null(ts_buf_extend(&b, 0));
    assert_null(ts_buf_extend(&b, 1));
    assert_int_equal(b.err, TS_E_LIMIT);
    assert_null(ts_buf_extend(&b, 0));
    assert_int_equal(b.n, 100);
    ts_buf_reset(&b);
    assert_null(ts_buf_extend(&b, SIZE_MAX));
    ts_buf_reset(&b);
    ts_buf_put(&b, "x", 1);
    assert_int_equal(b.err, TS_OK);
    ts_buf_free(&b);
}

static void arena_gives_zeroed_aligned_memory(void **state)
{
    (void)state;
    struct ts_arena a;
    ts_arena_init(&a, 0);
    for (int round = 0; round < 3; round++) {
        for (size_t n = 0; n < 300; n++) {
            uint8_t *p = ts_arena_alloc(&a, n);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xff, n);
        }
        ts_arena_reset(&a);
        assert_int_equal(a.used, 0);
    }
    ts_arena_free(&a);
}

static void arena_is_bounded(void **state)
{
    (void)state;
    struct ts_arena a;
    ts_arena_init(&a, 10000);
    assert_null(ts_arena_alloc(&a, 10001));
    assert_null(ts_arena_array(&a, SIZE_MAX / 2, 4));
    assert_null(ts_arena_array(&a, 101, 100));
    assert_non_null(ts_arena_array(&a, 100, 100));
    assert_null(ts_arena_alloc(&a, 1));
    ts_arena_reset(&a);
    size_t count = 0;
    while (ts_arena_alloc(&a, 1) != NULL)
        count++;
    assert_in_range(count, 1, 10000 / _Alignof(max_align_t) + 1); /* padding counts */
    ts_arena_free(&a);
}

static void fsm_refuses_what_is_not_in_the_table(void **state)
{
    (void)state;
    static const struct ts_fsm_move moves[] = {{0, 0, 1}, {1, 0, 0}, {1, 1, 2}};
    const struct ts_fsm fsm = {.name = "test", .moves = moves, .n_moves = TS_COUNT(moves)};
    assert_int_equal(ts_fsm_next(&fsm, 0, 0), 1);
    assert_int_equal(ts_fsm_next(&fsm, 1, 1), 2);
    assert_int_equal(ts_fsm_next(&fsm, 0, 1), -1);
    assert_int_equal(ts_fsm_next(&fsm, 2, 0), -1);
}

/* A failed check ends the process and names itself on standard error. */
static void check_aborts(void **state)
{
    (void)state;
    int fds[2];
    char text[200] = {0};
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(fds[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        TS_CHECK(fds[0] < 0);
        _exit(0);
    }
    int status = 0;
    close(fds[1]);
    assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, "check failed: fds[0] < 0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_have_names),
        cmocka_unit_test(hex_writes),
        cmocka_unit_test(hex_reads_exactly),
        cmocka_unit_test(hex_reads_any_length),
        cmocka_unit_test(bytes_compare),
        cmocka_unit_test(buf_appends),
        cmocka_unit_test(buf_bound_is_sticky),
        cmocka_unit_test(arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(arena_is_bounded),
        cmocka_unit_test(fsm_refuses_what_is_not_in_the_table),
        cmocka_unit_test(check_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
