/* SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

#include "net/frames.h"

static size_t put_frame(uint8_t *to, const char *body)
{
    size_t n = strlen(body);
    ts_frame_head(n, to);
    memcpy(to + TS_FRAME_HEAD, body, n);
    return TS_FRAME_HEAD + n;
}

static void expect_frame(ts_bytes frame, const char *body)
{
    assert_int_equal(frame.n, strlen(body));
    assert_memory_equal(frame.p, body, frame.n);
}

static void many_in_one_piece(void **state)
{
    struct ts_frame_reader r;
    uint8_t raw[64];
    size_t n = 0;
    ts_bytes frame;
    bool have;
    (void)state;
    n += put_frame(raw + n, "first");
    n += put_frame(raw + n, "");
    n += put_frame(raw + n, "third");
    ts_frame_reader_init(&r, 16);
    ts_bytes in = {raw, n};
    assert_int_equal(ts_frame_reader_next(&r, &in, &frame, &have), TS_OK);
    assert_true(have);
    expect_frame(frame, "first");
    assert_ptr_equal(frame.p, raw + TS_FRAME_HEAD); /* not copied */
    assert_int_equal(ts_frame_reader_next(&r, &in, &frame, &have), TS_OK);
    assert_true(have);
    assert_int_equal(frame.n, 0);
    assert_int_equal(ts_frame_reader_next(&r, &in, &frame, &have), TS_OK);
    assert_true(have);
    expect_frame(frame, "third");
    assert_true(ts_frame_reader_at_boundary(&r));
    assert_int_equal(ts_frame_reader_next(&r, &in, &frame, &have), TS_OK);
    assert_false(have);
    ts_frame_reader_free(&r);
}

/* Every way to cut the stream of two frames and an empty one into two pieces, and byte by byte. */
static void split_at_every_byte(void **state)
{
    uint8_t raw[64];
    size_t n = 0;
    const char *bodies[] = {"hello", "", "a somewhat longer body"};
    (void)state;
    for (size_t i = 0; i < 3; i++)
        n += put_frame(raw + n, bodies[i]);
    for (size_t cut = 0; cut <= n; cut++) {
        struct ts_frame_reader r;
        ts_bytes pieces[] = {{raw, cut}, {raw + cut, n - cut}};
        ts_bytes frame;
        bool have;
        size_t got = 0;
        ts_frame_reader_init(&r, 32);
        for (size_t i = 0; i < 2; i++) {
            while (ts_frame_reader_next(&r, &pieces[i], &frame, &have) == TS_OK && have) {
                assert_true(got < 3);
                expect_frame(frame, bodies[got++]);
            }
            assert_int_equal(pieces[i].n, 0);
        }
        assert_int_equal(got, 3);
        assert_true(ts_frame_reader_at_boundary(&r));
        ts_frame_reader_free(&r);
    }
}

static void byte_by_byte(void **state)
{
    struct ts_frame_reader r;
    uint8_t raw[32];
    size_t n = put_frame(raw, "one byte at a time");
    ts_bytes frame;
    bool have;
    (void)state;
    ts_frame_reader_init(&r, 32);
    for (size_t i = 0; i < n; i++) {
        ts_bytes in = {raw + i, 1};
        assert_int_equal(ts_frame_reader_next(&r, &in, &frame, &have), TS_OK);
        assert_int_equal(have, i == n - 1);
        assert_int_equal(ts_frame_reader_at_boundary(&r), i == n - 1);
    }
    expect_frame(frame, "one byte at a time");
    ts_frame_reader_free(&r);
}

static void oversize_is_sticky(void **state)
{
    struct ts_frame_reader r;
    uint8_t raw[] = {0, 0, 0, 17, 'x', 'y'};
    ts_bytes in = {raw, sizeof(raw)};
    ts_bytes frame;
    bool have = true;
    (void)state;
    ts_frame_reader_init(&r, 16);
    assert_int_equal(ts_frame_reader_next(&r, &in, &frame, &have), TS_E_LIMIT);
    assert_false(have);
    assert_int_equal(ts_frame_reader_next(&r, &in, &frame, &have), TS_E_LIMIT);
    ts_frame_reader_reset(&r);
    raw[3] = 2;
    in = ts_bytes_of(raw, sizeof(raw));
    assert_int_equal(ts_frame_reader_next(&r, &in, &frame, &have), TS_OK);
    assert_true(have);
    expect_frame(frame, "xy");
    ts_frame_reader_free(&r);
}

static void memory_follows_the_bytes_not_the_claim(void **state)
{
    struct ts_frame_reader r;
    uint8_t raw[] = {0x7f, 0xff, 0xff, 0xff, 'x', 'y', 'z'};
    ts_bytes in = {raw, sizeof(raw)};
    ts_bytes frame;
    bool have;
    (void)state;
    ts_frame_reader_init(&r, INT32_MAX);
    assert_int_equal(ts_frame_reader_next(&r, &in, &frame, &have), TS_OK);
    assert_false(have);
    assert_true(r.body.cap < 1024);
    ts_frame_reader_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_in_one_piece),
        cmocka_unit_test(split_at_every_byte),
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(oversize_is_sticky),
        cmocka_unit_test(memory_follows_the_bytes_not_the_claim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
