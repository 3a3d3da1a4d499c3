/* SPDX-License-Identifier: Apache-2.0 */
/* The writer thread: order, sharing of flushes, steps that fail alone, bounds, the end. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "store/writer.h"

#define STEPS 5000

struct fixture {
    char dir[64];
    char path[96];
    uv_loop_t loop;
    struct ts_store *store;
    struct ts_writer *writer;
    struct ts_store_op ops[STEPS];
    uint64_t next; /* token that must be reported next */
    size_t failed;
    uint64_t max_us;
    uint64_t stop_at;
};

static void on_done(void *ctx, uint64_t token, ts_err err, const char *why, uint64_t us)
{
    struct fixture *f = ctx;
    assert_int_equal(token, f->next);
    f->next++;
    if (err != TS_OK) {
        f->failed++;
        assert_int_equal(err, TS_E_CONFLICT);
        assert_true(why != NULL && why[0] != '\0');
    }
    if (us > f->max_us)
        f->max_us = us;
    if (f->next == f->stop_at)
        uv_stop(&f->loop);
}

static void start(struct fixture *f, size_t max_steps)
{
    struct ts_writer_config c = {
        .store = f->store, .max_steps = max_steps, .fold_pages = 64, .done = on_done, .ctx = f};
    assert_int_equal(ts_writer_new(&f->loop, &c, &f->writer), TS_OK);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/tenseq-writer-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/db", f->dir);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    ts_hash genesis = {{1}};
    char why[256];
    assert_int_equal(ts_store_open(f->path, &genesis, "host", &f->store, why, sizeof(why)), TS_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    ts_writer_close(f->writer);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    ts_store_close(f->store);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
}

static struct ts_store_op *tx(struct fixture *f, size_t i, uint64_t seq)
{
    f->ops[i] = (struct ts_store_op){
        .kind = TS_OP_PUT_TX, .seq = seq, .data = ts_bytes_of("transaction", 11)};
    memcpy(f->ops[i].hash.b, &i, sizeof(i));
    return &f->ops[i];
}

static void run_until(struct fixture *f, uint64_t token)
{
    f->stop_at = token;
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->next, token);
}

static bool count_tx(void *ctx, const struct ts_store_tx *t)
{
    assert_true(t->seq > 0);
    ++*(size_t *)ctx;
    return true;
}

static size_t stored(struct fixture *f)
{
    size_t n = 0;
    assert_int_equal(ts_store_pool(f->store, count_tx, &n), TS_OK);
    return n;
}

static void steps_share_flushes_and_are_reported_in_order(void **state)
{
    struct fixture *f = *state;
    start(f, 0);
    for (size_t i = 0; i < STEPS; i++)
        assert_int_equal(ts_writer_submit(f->writer, i, tx(f, i, i + 1), 1), TS_OK);
    assert_int_equal(ts_writer_waiting(f->writer), STEPS);
    run_until(f, STEPS);
    assert_int_equal(f->failed, 0);
    assert_int_equal(stored(f), STEPS);
    assert_int_equal(ts_writer_waiting(f->writer), 0);
    struct ts_writer_counters c = ts_writer_counters(f->writer);
    assert_int_equal(c.steps, STEPS);
    assert_true(c.groups < STEPS / 10);
}

static void a_step_that_fails_takes_no_other_with_it(void **state)
{
    struct fixture *f = *state;
    start(f, 0);
    for (size_t i = 0; i < 40; i++) {
        uint64_t seq = i % 8 == 7 ? 1 : i + 1; /* every eighth has a number that is taken */
        assert_int_equal(ts_writer_submit(f->writer, i, tx(f, i, seq), 1), TS_OK);
    }
    run_until(f, 40);
    assert_int_equal(f->failed, 5);
    assert_int_equal(stored(f), 35);
}

static void the_queue_is_bounded(void **state)
{
    struct fixture *f = *state;
    start(f, 8);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(ts_writer_submit(f->writer, i, tx(f, i, i + 1), 1), TS_OK);
    /* Even what is durable counts until it is reported. */
    (void)usleep(50000);
    assert_int_equal(ts_writer_submit(f->writer, 8, tx(f, 8, 9), 1), TS_E_BUSY);
    run_until(f, 8);
    assert_int_equal(ts_writer_submit(f->writer, 8, tx(f, 8, 9), 1), TS_OK);
    run_until(f, 9);
}

static void closing_applies_what_was_submitted(void **state)
{
    struct fixture *f = *state;
    start(f, 0);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(ts_writer_submit(f->writer, i, tx(f, i, i + 1), 1), TS_OK);
    ts_writer_close(f->writer);
    f->writer = NULL;
    assert_int_equal(stored(f), 100);
}

/* One at a time, long enough for the log to be folded several times beneath them. */
static void lone_steps_go_on_while_the_log_is_folded(void **state)
{
    struct fixture *f = *state;
    start(f, 0);
    for (size_t i = 0; i < 400; i++) {
        assert_int_equal(ts_writer_submit(f->writer, i, tx(f, i, i + 1), 1), TS_OK);
        run_until(f, i + 1);
    }
    struct ts_writer_counters c = ts_writer_counters(f->writer);
    assert_int_equal(c.groups, 400);
    assert_true(c.folds > 0);
    assert_int_equal(stored(f), 400);
    print_message("slowest step %u us, %u folds\n", (unsigned)f->max_us, (unsigned)c.folds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(steps_share_flushes_and_are_reported_in_order, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_step_that_fails_takes_no_other_with_it, setup, teardown),
        cmocka_unit_test_setup_teardown(the_queue_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_applies_what_was_submitted, setup, teardown),
        cmocka_unit_test_setup_teardown(lone_steps_go_on_while_the_log_is_folded, setup, teardown),
    };
    return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
