/* SPDX-License-Identifier: Apache-2.0 */
/* The checkers of the simulator, all at once: their list, and honest histories that none of them
 * complains about. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "sim/check_line.h"
#include "simkit.h"

static void every_invariant_has_its_checker(void **state)
{
    char name[24];
    (void)state;
    assert_int_equal(n_sim_checkers, 16);
    for (size_t i = 0; i < 12; i++) {
        snprintf(name, sizeof(name), "I%zu", i + 1);
        assert_string_equal(sim_checkers[i]->name, name);
        assert_non_null(sim_checkers[i]->title);
    }
    assert_string_equal(sim_checkers[12]->name, "I12"); /* what must become of a lie */
    assert_string_equal(sim_checkers[13]->name, "I11"); /* rollups */
    assert_string_equal(sim_checkers[14]->name, "I4");  /* the same */
    assert_string_equal(sim_checkers[15]->name, "I10"); /* when L1 goes back */
}

static void the_first_violation_stays(void **state)
{
    struct sim_verdict v = {0};
    struct sim_event e = {.at_us = 5};
    (void)state;
    sim_violate(&v, &e, "I1", "batch %d", 1);
    e.at_us = 6;
    sim_violate(&v, &e, "I12", "batch %d", 2);
    assert_true(v.violated);
    assert_string_equal(v.invariant, "I1");
    assert_string_equal(v.text, "batch 1");
    assert_int_equal(v.at_us, 5);
}

/* What a world would tell of the enclaves since the last time. */
struct watched {
    uint64_t boots, head;
    bool running;
};

static void tell_enclave(struct simkit *k, size_t i, struct watched *w)
{
    struct tn_enclave *e = &k->net->enclaves[i];
    if (w->running && (!e->running || e->boots != w->boots))
        sk_tell(k, (struct sim_event){.kind = SIM_END, .who = (int)i});
    if (e->running && e->boots != w->boots) {
        sk_tell(k, (struct sim_event){.kind = SIM_BOOT, .who = (int)i});
        w->head = e->head.number;
    }
    w->running = e->running;
    w->boots = e->boots;
    if (!e->running || !e->up || tn_entry(k->net, i) == NULL || !tn_entry(k->net, i)->whitelisted)
        return;
    while (w->head + 1 < e->head.number) {
        const struct sim_batch *b = sk_published(k, ++w->head);
        struct ts_msg request = {.type = TS_MSG_ACCEPT, .u.accept.batch = b->b->raw};
        struct ts_msg msg = {.type = TS_MSG_ACCEPT};
        msg.u.events =
            (struct ts_msg_events){.state = TS_ENC_PASSIVE, .head = {b->number, b->hash}};
        sk_answer(k, (int)i, msg, &request, b);
    }
    sk_events(k, i, w->head < e->head.number ? sk_published(k, e->head.number) : NULL);
    w->head = e->head.number;
}

/* I9 and I11 are not asked: the transactions of random histories are not real ones. */
static void random_histories_are_good(void **state)
{
    (void)state;
    for (uint64_t run = 1; run <= 6; run++) {
        uint64_t random = run;
        struct watched watched[6] = {{0}};
        struct simkit *k = sk_new_with(
            (struct tn_options){.enclaves = 6, .whitelisted = 4, .report_every = run}, NULL);
        sk_skip(k, &sim_check_i9);
        sk_skip(k, &sim_check_i11);
        tn_start(k->net);
        uint64_t told = 0;
        for (int step = 0; step < 80; step++) {
            for (size_t i = 0; i < 6; i++)
                tell_enclave(k, i, &watched[i]);
            while (told < k->net->n_history)
                sk_line(k, sk_published(k, ++told));
            tn_random_step(k->net, &random);
        }
        sk_tell(k, (struct sim_event){.kind = SIM_OVER});
        sk_good(k);
        assert_true(told > 40);
        sk_free(k);
    }
}

static void transfers_are_good(void **state)
{
    struct simkit *k = sk_new(3, NULL);
    struct ts_buf raw[4];
    ts_bytes txs[4];
    (void)state;
    tn_start(k->net);
    sk_lines(k, 1);
    for (uint64_t i = 0; i < 4; i++) {
        ts_hash hash;
        ts_buf_init(&raw[i], 0);
        txs[i] = sk_transfer(k, i, &raw[i]);
        ts_tx_hash(txs[i], &hash);
        sk_tell(k, (struct sim_event){.kind = SIM_TX_SENT, .who = -1, .number = i, .hash = hash});
        sk_tell(k, (struct sim_event){.kind = SIM_TX_ACKED, .number = i, .hash = hash});
        struct tn_draft *d = tn_draft(k->net, 0);
        sk_put_txs(k, d, &txs[i], i != 3); /* the last one is rejected */
        tn_publish(k->net, d);
        if (i == 3)
            sk_tell(k, (struct sim_event){.kind = SIM_TX_REJECTED, .hash = hash, .text = "no"});
    }
    sk_lines(k, 2);
    struct sim_calm calm = {.first_us = 9 * SK_SECOND, .settle_us = SK_SECOND};
    sk_tell(k, (struct sim_event){.kind = SIM_CALM, .calm = &calm});
    sk_tell(k, (struct sim_event){.kind = SIM_LOG});
    sk_tell(k, (struct sim_event){.kind = SIM_LOG});
    sk_tell(k, (struct sim_event){.kind = SIM_OVER});
    sk_good(k);
    sk_free(k);
    for (size_t i = 0; i < 4; i++)
        ts_buf_free(&raw[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_invariant_has_its_checker),
        cmocka_unit_test(the_first_violation_stays),
        cmocka_unit_test(random_histories_are_good),
        cmocka_unit_test(transfers_are_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
