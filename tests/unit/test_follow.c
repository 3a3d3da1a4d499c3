/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups of L1 blocks while L1 is away: who asks may be led by what others sent, so that no number
 * of them may end the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shell/follow.h"

struct bench {
    uv_loop_t loop;
    struct ts_genesis genesis;
    struct ts_store *store;
    struct ts_follow *follow;
    char dir[32], path[64];
};

static void on_output(void *ctx, const struct ts_l1_follow_output *o)
{
    (void)ctx;
    assert_int_equal(o->kind, TS_L1_FOLLOW_EVENT);
}

static void setup(struct bench *b)
{
    char why[200];
    *b = (struct bench){.genesis = {.l1_chain_id = 31337}, .dir = "/tmp/ts-follow-XXXXXX"};
    assert_non_null(mkdtemp(b->dir));
    (void)snprintf(b->path, sizeof(b->path), "%s/store.db", b->dir);
    assert_int_equal(uv_loop_init(&b->loop), 0);
    assert_int_equal(ts_store_open(b->path, &b->genesis.hash, "test", &b->store, why, sizeof(why)),
                     TS_OK);
    struct ts_follow_config c = {.loop = &b->loop,
                                 .genesis = &b->genesis,
                                 .url = "http://127.0.0.1:1", /* nobody is there */
                                 .store = b->store,
                                 .on_output = on_output};
    ts_l1_follow_settings_default(&c.settings);
    assert_int_equal(ts_follow_new(&c, &b->follow, why, sizeof(why)), TS_OK);
}

static void teardown(struct bench *b)
{
    char other[80];
    ts_follow_close(b->follow);
    (void)uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&b->loop), 0);
    ts_store_close(b->store);
    (void)snprintf(other, sizeof(other), "%s-wal", b->path);
    (void)unlink(other);
    (void)snprintf(other, sizeof(other), "%s-shm", b->path);
    (void)unlink(other);
    (void)unlink(b->path);
    (void)rmdir(b->dir);
}

static void the_same_again_and_again(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    for (unsigned i = 0; i < 4 * TS_L1_MAX_LOOKUPS; i++) {
        ts_follow_lookup(b.follow, 7, 7);
        (void)uv_run(&b.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(ts_follow_lookups(b.follow), 1);
    teardown(&b);
}

/* Which are the lowest is kept: those that nobody can have yet are not in their way. */
static void more_than_can_wait(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    for (uint64_t i = 0; i < 4 * TS_L1_MAX_LOOKUPS; i++) {
        ts_follow_lookup(b.follow, UINT64_MAX - i, UINT64_MAX - i);
        (void)uv_run(&b.loop, UV_RUN_NOWAIT);
    }
    ts_follow_lookup(b.follow, 7, 7);
    ts_follow_lookup(b.follow, 7, 7);
    (void)uv_run(&b.loop, UV_RUN_NOWAIT);
    assert_int_equal(ts_follow_lookups(b.follow), TS_L1_MAX_LOOKUPS);
    assert_true(ts_follow_waits_for(b.follow, 7));
    assert_false(ts_follow_waits_for(b.follow, UINT64_MAX));
    teardown(&b);
}

static void what_is_forgotten_waits_no_more(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    for (uint64_t i = 1; i <= 3; i++)
        ts_follow_lookup(b.follow, 100 + i, 100 + i);
    ts_follow_forget(b.follow, 102, 102);
    ts_follow_forget(b.follow, 900, 900); /* never asked for */
    (void)uv_run(&b.loop, UV_RUN_NOWAIT);
    assert_int_equal(ts_follow_lookups(b.follow), 2);
    assert_false(ts_follow_waits_for(b.follow, 102));
    assert_true(ts_follow_waits_for(b.follow, 101) && ts_follow_waits_for(b.follow, 103));
    teardown(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_again_and_again),
        cmocka_unit_test(more_than_can_wait),
        cmocka_unit_test(what_is_forgotten_waits_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
