/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/log_render.h"

static char line[TS_LOG_LINE_MAX + 1];

static void render(enum ts_log_format as, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Into line, ended by NUL. */
static void render(enum ts_log_format as, const char *format, ...)
{
    const struct ts_log_line head = {.time_ms = 1700000000123,
                                     .level = TS_LOG_INFO,
                                     .format = as,
                                     .component = "host",
                                     .event = "batch"};
    va_list args;
    va_start(args, format);
    size_t n = ts_log_render(&head, format, args, line);
    va_end(args);
    assert_true(n <= TS_LOG_LINE_MAX);
    line[n] = '\0';
    assert_ptr_equal(strchr(line, '\n'), line + n - 1);
}

static json_t *parsed(void)
{
    json_error_t error;
    json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        fail_msg("%s in %s", error.text, line);
    return json;
}

static void text_line(void **state)
{
    (void)state;
    render(TS_LOG_TEXT, "number=%llu share=%.2f%% left=%-4d| hex=%#06x c=%c n=%zu", 42ULL, 12.5, -7,
           0xabu, 'x', (size_t)9);
    assert_string_equal(line, "2023-11-14T22:13:20.123Z info  host batch number=42 share=12.50% "
                              "left=-7  | hex=0x00ab c=x n=9\n");
    render(TS_LOG_TEXT, NULL);
    assert_string_equal(line, "2023-11-14T22:13:20.123Z info  host batch\n");
    render(TS_LOG_TEXT, "a=%s b=%.*s c=%.2s d=%ld e=%hhu f=%*d", "x", 3, "abcdef", "xyz", -1L,
           (unsigned char)255, 5, 3);
    assert_non_null(strstr(line, "batch a=x b=abc c=xy d=-1 e=255 f=    3\n"));
}

static void values_cannot_break_out(void **state)
{
    (void)state;
    static const char evil[] = "a\" admin=1 \\ \r\n\x1b[31m\xc3\xa9";
    render(TS_LOG_TEXT, "reason=\"%s\" bare=%s end=1", evil, "x y=1\n");
    assert_non_null(strstr(line,
                           "reason=\"a\\\" admin=1 \\\\ \\u000d\\u000a\\u001b[31m\\u00c3\\u00a9\""
                           " bare=x\\u0020y=1\\u000a end=1\n"));
    render(TS_LOG_JSON, "reason=\"%s\" bare=%s end=%d", evil, "x y=1\n", 1);
    json_t *json = parsed();
    assert_string_equal(json_string_value(json_object_get(json, "bare")), "x y=1\n");
    assert_int_equal(json_integer_value(json_object_get(json, "end")), 1);
    assert_null(json_object_get(json, "admin"));
    assert_int_equal(
        strncmp(json_string_value(json_object_get(json, "reason")), "a\" admin=1 \\ \r\n", 15), 0);
    json_decref(json);
}

static void json_line(void **state)
{
    (void)state;
    render(TS_LOG_JSON, "n=%d neg=%d zero=%d lead=%s big=%llu ok=%s text=\"%s\" none=%s", 7, -1, 0,
           "007", 18446744073709551615ULL, "true", "a b", "");
    json_t *json = parsed();
    assert_string_equal(json_string_value(json_object_get(json, "time")),
                        "2023-11-14T22:13:20.123Z");
    assert_string_equal(json_string_value(json_object_get(json, "level")), "info");
    assert_string_equal(json_string_value(json_object_get(json, "component")), "host");
    assert_string_equal(json_string_value(json_object_get(json, "event")), "batch");
    assert_int_equal(json_integer_value(json_object_get(json, "n")), 7);
    assert_true(json_is_integer(json_object_get(json, "zero")));
    assert_string_equal(json_string_value(json_object_get(json, "lead")), "007");
    assert_string_equal(json_string_value(json_object_get(json, "big")), "18446744073709551615");
    assert_true(json_is_true(json_object_get(json, "ok")));
    assert_string_equal(json_string_value(json_object_get(json, "text")), "a b");
    assert_string_equal(json_string_value(json_object_get(json, "none")), "");
    json_decref(json);
}

/* Long values of every length keep the line whole and within its bound. */
static void long_lines_are_cut(void **state)
{
    (void)state;
    static char value[4000];
    for (size_t n = 100; n < sizeof(value); n += 37) {
        memset(value, n % 2 == 0 ? '"' : 'v', n);
        value[n] = '\0';
        render(TS_LOG_JSON, "a=%d v=\"%s\" b=%d", 1, value, 2);
        json_t *json = parsed();
        bool cut = json_is_true(json_object_get(json, "truncated"));
        assert_int_equal(cut, json_object_get(json, "b") == NULL);
        assert_int_equal(json_integer_value(json_object_get(json, "a")), 1);
        json_decref(json);
        render(TS_LOG_TEXT, "a=%d v=\"%s\" b=%d", 1, value, 2);
        assert_int_equal(strstr(line, " truncated=true\n") != NULL, cut);
    }
}

static void writes_to_stderr(void **state)
{
    (void)state;
    int fds[2];
    int saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(fds), 0);
    dup2(fds[1], STDERR_FILENO);
    ts_log_setup("node", TS_LOG_WARN, TS_LOG_TEXT);
    ts_log(TS_LOG_INFO, "quiet", "n=%d", 1);
    ts_log(TS_LOG_WARN, "loud", "n=%d", 2);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(fds[1]);
    ssize_t n = read(fds[0], line, sizeof(line) - 1);
    close(fds[0]);
    assert_true(n > 0);
    line[n] = '\0';
    assert_string_equal(line + strcspn(line, " "), " warn  node loud n=2\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_line),        cmocka_unit_test(values_cannot_break_out),
        cmocka_unit_test(json_line),        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(writes_to_stderr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
