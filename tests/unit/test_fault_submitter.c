/* SPDX-License-Identifier: Apache-2.0 */
/* The nth allocation inside a submitter fails, once. It never ends its process: the job that it
 * could not take is refused, any other is mined once. FAULTS_ALL=1: every n, not some. */
#include "faults.h"
#include "submitworld.h"

#define JOBS 3
#define RUNS 100

void __real_ts_l1_submitter_step(struct ts_l1_submitter *s, struct ts_now now,
                                 const struct ts_l1_submit_input *in,
                                 struct ts_l1_submit_outputs *out);
void __wrap_ts_l1_submitter_step(struct ts_l1_submitter *s, struct ts_now now,
                                 const struct ts_l1_submit_input *in,
                                 struct ts_l1_submit_outputs *out);
void __real_ts_l1_submitter_free(struct ts_l1_submitter *s);
void __wrap_ts_l1_submitter_free(struct ts_l1_submitter *s);

void __wrap_ts_l1_submitter_step(struct ts_l1_submitter *s, struct ts_now now,
                                 const struct ts_l1_submit_input *in,
                                 struct ts_l1_submit_outputs *out)
{
    assert_true(FAULT_INSIDE(__real_ts_l1_submitter_step(s, now, in, out)));
}

void __wrap_ts_l1_submitter_free(struct ts_l1_submitter *s)
{
    assert_true(FAULT_INSIDE(__real_ts_l1_submitter_free(s)));
}

/* With a job raised, one taken away by a reorg, and a gap filled. Returns the allocations. */
static size_t play(size_t nth)
{
    struct world w;
    fault_arm(nth);
    begin(&w, 2);
    for (uint64_t job = 1; job <= JOBS; job++)
        give(&w, job);
    w.l1.is_mining_stopped = true;
    run(&w, 70);
    w.l1.is_mining_stopped = false;
    run(&w, 13);
    fake_reorg(&w.l1, 1, true);
    run(&w, 60);
    fake_reorg(&w.l1, 6, true); /* beyond what was told: the next nonce hangs */
    give(&w, JOBS + 1);
    run(&w, 250);
    assert_int_equal(ts_l1_submitter_jobs(w.s), 0);
    for (uint64_t job = 1; job <= JOBS + 1; job++) {
        assert_int_equal(w.jobs[job].done, 1);
        if (w.jobs[job].err == TS_OK)
            assert_true(fake_mined(&w.l1, job) == (job <= JOBS ? 0 : 1));
        else
            assert_true(w.jobs[job].err == TS_E_NOMEM && nth > 0 && w.jobs[job].sent == 0);
    }
    if (nth == 0)
        assert_true(count_events(&w, "l1-nonce-gap") > 0);
    end(&w);
    return fault_count();
}

static void test_every_allocation(void **state)
{
    (void)state;
    const size_t total = play(0);
    const size_t stride = fault_stride(total, RUNS);
    assert_true(total > 20);
    for (size_t n = 1; n <= total; n += stride)
        play(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
