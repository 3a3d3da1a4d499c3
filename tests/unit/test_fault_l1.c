/* SPDX-License-Identifier: Apache-2.0 */
/* The nth allocation inside a follower fails, once. It never ends its process: what it could not
 * hold is asked for again, and in the end it has told the same. FAULTS_ALL=1: every n, not some. */
#include "base/check.h"
#include "faults.h"
#include "l1world.h"

#define SECOND UINT64_C(1000000)
#define RUNS   120

ts_err __real_ts_l1_follower_new(const struct ts_genesis *genesis,
                                 const struct ts_l1_follow_settings *settings,
                                 struct ts_l1_follower **out);
void __real_ts_l1_follower_free(struct ts_l1_follower *f);
ts_err __real_ts_l1_follower_load(struct ts_l1_follower *f, ts_bytes saved);
void __real_ts_l1_follower_step(struct ts_l1_follower *f, struct ts_now now,
                                const struct ts_l1_follow_input *in,
                                struct ts_l1_follow_outputs *out);
ts_err __wrap_ts_l1_follower_new(const struct ts_genesis *genesis,
                                 const struct ts_l1_follow_settings *settings,
                                 struct ts_l1_follower **out);
void __wrap_ts_l1_follower_free(struct ts_l1_follower *f);
ts_err __wrap_ts_l1_follower_load(struct ts_l1_follower *f, ts_bytes saved);
void __wrap_ts_l1_follower_step(struct ts_l1_follower *f, struct ts_now now,
                                const struct ts_l1_follow_input *in,
                                struct ts_l1_follow_outputs *out);

/* Tried again: as a program that is started again. */
ts_err __wrap_ts_l1_follower_new(const struct ts_genesis *genesis,
                                 const struct ts_l1_follow_settings *settings,
                                 struct ts_l1_follower **out)
{
    volatile ts_err err = TS_OK;
    for (volatile unsigned tries = 0; tries < 2; tries++) {
        assert_true(FAULT_INSIDE(err = __real_ts_l1_follower_new(genesis, settings, out)));
        if (err == TS_OK)
            return TS_OK;
        assert_int_equal(err, TS_E_NOMEM);
    }
    return err;
}

void __wrap_ts_l1_follower_free(struct ts_l1_follower *f)
{
    assert_true(FAULT_INSIDE(__real_ts_l1_follower_free(f)));
}

ts_err __wrap_ts_l1_follower_load(struct ts_l1_follower *f, ts_bytes saved)
{
    volatile ts_err err = TS_OK;
    assert_true(FAULT_INSIDE(err = __real_ts_l1_follower_load(f, saved)));
    if (err != TS_OK)
        assert_int_equal(err, TS_E_NOMEM);
    return TS_OK; /* it begins at genesis then */
}

void __wrap_ts_l1_follower_step(struct ts_l1_follower *f, struct ts_now now,
                                const struct ts_l1_follow_input *in,
                                struct ts_l1_follow_outputs *out)
{
    assert_true(FAULT_INSIDE(__real_ts_l1_follower_step(f, now, in, out)));
}

static struct l1world w;

static void lives(unsigned blocks)
{
    for (; blocks > 0; blocks--) {
        l1world_publish(&w, 2, FAKEL1_DIRECT);
        l1world_mine(&w, 1);
        l1world_run(&w, 4 * SECOND);
    }
}

/* A jump, a line, a reorg, lookups, a restart. */
static void life(size_t nth)
{
    l1world_open(&w, 17, 3);
    w.s.confirmations = 4;
    for (unsigned i = 0; i < 200; i++) {
        if (i % 40 == 0)
            l1world_grant(&w, i + 3);
        l1world_mine(&w, 1);
    }
    fault_arm(nth);
    l1world_start(&w, (ts_bytes){0});
    l1world_lookup(&w, 30);
    l1world_run(&w, 20 * SECOND);
    l1world_grant(&w, 300);
    lives(5);
    fakel1_back(w.l1, 3);
    l1world_revoke(&w, 1);
    lives(5);
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_l1_follower_save(w.f, &b);
    assert_int_equal(b.err, TS_OK);
    l1world_start(&w, ts_buf_bytes(&b));
    ts_buf_free(&b);
    l1world_lookup(&w, 40);
    lives(2);
    l1world_run(&w, 30 * SECOND);
    l1world_check_settled(&w);
    l1world_close(&w);
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    life(0);
    size_t total = fault_count(), stride = fault_stride(total, RUNS);
    assert_true(total > 200);
    for (size_t n = 1; n <= total; n += stride) {
        life(n);
        assert_true(fault_hit());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
