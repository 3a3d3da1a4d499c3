/* SPDX-License-Identifier: Apache-2.0 */
/* The command that is told of findings: in order, none twice, and not kept from the operator's by
 * whatever peers can make. */
#include "net_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/hook.h"
#include "tenseq/bytes.h"

struct fixture {
    uv_loop_t loop;
    char path[64];
    struct ts_hook *hook;
};

/* A hook that appends what it is told to a file. */
static void start(struct fixture *f)
{
    char command[128];
    (void)snprintf(f->path, sizeof(f->path), "/tmp/tenseq-hook-XXXXXX");
    int fd = mkstemp(f->path);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    loop_start(&f->loop);
    (void)snprintf(command, sizeof(command), "cat >> %s", f->path);
    f->hook = ts_hook_new(&f->loop, command);
    assert_non_null(f->hook);
}

static void finish(struct fixture *f)
{
    ts_hook_close(f->hook);
    loop_end(&f->loop);
    assert_int_equal(unlink(f->path), 0);
}

static void tell(struct fixture *f, char what, unsigned number, bool is_peers)
{
    char line[16];
    int n = snprintf(line, sizeof(line), "%c%u", what, number);
    ts_hook_tell(f->hook, ts_bytes_of(line, (size_t)n), is_peers);
}

static void wait_for(struct fixture *f, uint64_t done)
{
    PUMP_UNTIL(&f->loop, ts_hook_counters(f->hook).done == done, 30000);
    assert_int_equal(ts_hook_counters(f->hook).done, done);
}

/* The command was told of these lines: what, from first on, so many. */
static void expect(FILE *file, char what, unsigned first, unsigned n)
{
    char line[32], wanted[32];
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(wanted, sizeof(wanted), "%c%u\n", what, first + i);
        assert_non_null(fgets(line, sizeof(line), file));
        assert_string_equal(line, wanted);
    }
}

static void what_waits_is_bounded_and_told_in_order(void **state)
{
    struct fixture f;
    (void)state;
    start(&f);
    for (unsigned i = 0; i < TS_HOOK_WAITING + 10; i++)
        tell(&f, 'o', i, false); /* the first runs at once */
    assert_int_equal(ts_hook_counters(f.hook).dropped, 9);
    wait_for(&f, TS_HOOK_WAITING + 1);
    FILE *file = fopen(f.path, "r");
    assert_non_null(file);
    expect(file, 'o', 0, TS_HOOK_WAITING + 1);
    assert_int_equal(fgetc(file), EOF);
    assert_int_equal(fclose(file), 0);
    finish(&f);
}

/* Any peer makes findings about peers, as many as it likes. */
static void peers_take_half_the_room_at_most(void **state)
{
    struct fixture f;
    const unsigned half = TS_HOOK_WAITING / 2;
    (void)state;
    start(&f);
    tell(&f, 'o', 0, false);
    for (unsigned i = 0; i < 2 * TS_HOOK_WAITING; i++)
        tell(&f, 'p', i, true);
    assert_int_equal(ts_hook_counters(f.hook).dropped, 2 * TS_HOOK_WAITING - half);
    for (unsigned i = 1; i <= half; i++)
        tell(&f, 'o', i, false);
    assert_int_equal(ts_hook_counters(f.hook).dropped, 2 * TS_HOOK_WAITING - half);
    wait_for(&f, 1 + 2 * half);
    tell(&f, 'p', half, true); /* what was told takes no place any more */
    wait_for(&f, 2 + 2 * half);
    FILE *file = fopen(f.path, "r");
    assert_non_null(file);
    expect(file, 'o', 0, 1);
    expect(file, 'p', 0, half);
    expect(file, 'o', 1, half);
    expect(file, 'p', half, 1);
    assert_int_equal(fclose(file), 0);
    finish(&f);
}

static void a_command_that_fails_is_counted_and_the_next_is_run(void **state)
{
    struct fixture f;
    (void)state;
    start(&f);
    ts_hook_close(f.hook);
    f.hook = ts_hook_new(&f.loop, "read line; exit \"$line\"");
    assert_non_null(f.hook);
    static const char *const codes[] = {"3", "0", "7"};
    for (size_t i = 0; i < TS_COUNT(codes); i++)
        ts_hook_tell(f.hook, ts_bytes_of(codes[i], 1), false);
    wait_for(&f, 1);
    PUMP_UNTIL(&f.loop, ts_hook_counters(f.hook).failed == 2, 30000);
    assert_int_equal(ts_hook_counters(f.hook).failed, 2);
    finish(&f);
}

/* What runs is ended, what waits is dropped; the loop is left without a handle. */
static void it_ends_while_one_runs(void **state)
{
    struct fixture f;
    (void)state;
    start(&f);
    ts_hook_close(f.hook);
    f.hook = ts_hook_new(&f.loop, "sleep 30");
    assert_non_null(f.hook);
    tell(&f, 'o', 0, false);
    tell(&f, 'o', 1, false);
    pump_ms(&f.loop, 20);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_is_bounded_and_told_in_order),
        cmocka_unit_test(peers_take_half_the_room_at_most),
        cmocka_unit_test(a_command_that_fails_is_counted_and_the_next_is_run),
        cmocka_unit_test(it_ends_while_one_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
