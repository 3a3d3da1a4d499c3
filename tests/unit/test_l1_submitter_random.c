/* SPDX-License-Identifier: Apache-2.0 */
/* The submitter while everything that can go wrong on L1 does, by seeds: when it stops, every job
 * has been mined exactly once. */
#include "submitworld.h"

static void disturb(struct world *w)
{
    const uint64_t depth = w->settings.confirmations;
    switch (draw(w, 12)) {
    case 0:
        fake_forget(&w->l1);
        break;
    case 1:
        if (depth > 1)
            fake_reorg(&w->l1, 1 + draw(w, depth - 1), draw(w, 2) == 0);
        break;
    case 2:
        fake_foreign(&w->l1, fake_nonce(&w->l1, w->l1.height) + draw(w, 2),
                     1000000000 + draw(w, 50000000000), draw(w, 1000000000));
        break;
    case 3:
        w->l1.base_fee = 1 + draw(w, 150000000000);
        break;
    case 4:
        w->l1.has_funds = draw(w, 2) == 0;
        break;
    case 5:
        w->l1.is_mining_stopped = draw(w, 2) == 0;
        break;
    case 6:
        w->l1.chain_id = draw(w, 3) == 0 ? 5 : 31337;
        break;
    case 7:
        w->l1.refuses_send = draw(w, 3) == 0 ? "internal error" : NULL;
        break;
    case 8:
        w->l1.tip = draw(w, 5000000000);
        break;
    default:
        break;
    }
}

static void calm_down(struct world *w)
{
    w->fault_percent = 0;
    w->l1.base_fee = 1000000000;
    w->l1.tip = 1000000000;
    w->l1.has_funds = true;
    w->l1.is_mining_stopped = false;
    w->l1.chain_id = 31337;
    w->l1.refuses_send = NULL;
}

static void test_random_faults(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct world w;
        begin(&w, 1 + seed % 4);
        w.random = seed * UINT64_C(0x9e3779b97f4a7c15);
        w.fault_percent = (unsigned)draw(&w, 40);
        w.l1.is_chained = seed % 3 == 0;
        uint64_t given = 0;
        for (int i = 0; i < 60; i++) {
            if (given < 14 && draw(&w, 3) == 0)
                give(&w, ++given);
            disturb(&w);
            run(&w, 1 + draw(&w, 40));
        }
        calm_down(&w);
        for (int i = 0; i < 100 && ts_l1_submitter_jobs(w.s) > 0; i++)
            run(&w, 60);
        if (ts_l1_submitter_jobs(w.s) > 0)
            print_error("seed %u does not end\n", (unsigned)seed);
        for (uint64_t job = 1; job <= given; job++)
            if (fake_mined(&w.l1, job) != 1)
                print_error("seed %u\n", (unsigned)seed);
        expect_ok(&w, 1, given);
        end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
