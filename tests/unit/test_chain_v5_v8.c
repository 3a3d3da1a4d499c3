/* SPDX-License-Identifier: Apache-2.0 */
/* V5 complete, V6 fresh, V7 roles, V8 tip: each way to break one is refused by it, and names who.
 */
#include "base/check.h"
#include "refused.h"

/* ---- V5 ---- */

/* Reports or is absent: neither is not enough, both is too much. */
static void v5_left_out(void **state)
{
    (void)state;
    struct testnet *net = tn_running(4);
    for (size_t i = 1; i < 4; i++) {
        struct tn_draft *d = tn_draft(net, 0);
        tn_leave_out(net, d, i);
        assert_passes(net, d);
        d->payload.n_absent = 0;
        assert_refused_early(net, d, TS_E_V5_COMPLETE, i);
        d = tn_draft(net, 0);
        d->absent[0] = *tn_id(net, i);
        d->payload.n_absent = 1;
        assert_refused_early(net, d, TS_E_V5_COMPLETE, i);
    }
    tn_free(net);
}

static void v5_all_left_out(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    struct tn_draft *d = tn_draft(net, 0);
    d->payload.n_reports = 0;
    assert_refused_early(net, d, TS_E_V5_COMPLETE, 0);
    tn_free(net);
}

static void v5_producer_absent(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    struct tn_draft *d = tn_draft(net, 0);
    tn_leave_out(net, d, 0);
    assert_refused_early(net, d, TS_E_V5_COMPLETE, 0);
    tn_free(net);
}

static void v5_absent_list(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = 4, .whitelisted = 3});
    tn_start(net);
    struct tn_draft *d = tn_draft(net, 0);
    tn_leave_out(net, d, 1);
    tn_leave_out(net, d, 2);
    assert_passes(net, d);
    ts_address first = d->absent[0];
    d->absent[0] = d->absent[1];
    d->absent[1] = first;
    assert_refused_early(net, d, TS_E_V5_COMPLETE, 1);
    d->absent[0] = first;
    d->absent[1] = first; /* twice */
    assert_refused_early(net, d, TS_E_V5_COMPLETE, 1);
    d = tn_draft(net, 0);
    d->absent[d->payload.n_absent++] = *tn_id(net, 3); /* not whitelisted */
    assert_refused_early(net, d, TS_E_V5_COMPLETE, 3);
    tn_free(net);
}

/* Who the notice removes neither reports nor is absent; who it adds does or is. */
static void v5_whitelist_after_the_notice(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = 4, .whitelisted = 3});
    tn_start(net);
    tn_whitelist_remove(net, 2);
    tn_whitelist_add(net, 3);
    struct tn_draft *d = tn_draft(net, 0);
    assert_passes(net, d);
    assert_int_equal(d->payload.n_absent, 1);
    d->reports[d->payload.n_reports++] = tn_report(net, 2);
    assert_refused_early(net, d, TS_E_V5_COMPLETE, 2);
    d = tn_draft(net, 0);
    d->absent[0] = *tn_id(net, 2);
    d->absent[1] = *tn_id(net, 3);
    d->payload.n_absent = 2;
    assert_refused_early(net, d, TS_E_V5_COMPLETE, 2);
    d->payload.n_absent = 0;
    assert_refused_early(net, d, TS_E_V5_COMPLETE, 3);
    tn_free(net);
}

/* Whoever is removed, first, last or between: it is the one named. */
static void v5_report_of_the_removed(void **state)
{
    (void)state;
    for (size_t i = 1; i < 4; i++) {
        struct testnet *net = tn_running(4);
        tn_whitelist_remove(net, i);
        struct tn_draft *d = tn_draft(net, 0);
        assert_passes(net, d);
        memmove(&d->reports[i + 1], &d->reports[i], (3 - i) * sizeof(d->reports[0]));
        d->reports[i] = tn_report(net, i);
        d->payload.n_reports = 4;
        assert_refused_early(net, d, TS_E_V5_COMPLETE, i);
        tn_free(net);
    }
}

static void v5_batch_that_does_not_report(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.report_every = 4});
    tn_start(net);
    struct tn_draft *d = tn_draft(net, 0);
    assert_int_equal(d->payload.n_reports, 0);
    d->reports[d->payload.n_reports++] = tn_report(net, 0);
    assert_refused_early(net, d, TS_E_V5_COMPLETE, NOBODY);
    d->payload.n_reports = 0;
    d->absent[d->payload.n_absent++] = *tn_id(net, 2);
    assert_refused_early(net, d, TS_E_V5_COMPLETE, NOBODY);
    tn_free(net);
}

/* Every reason to report. */
static void v5_batch_that_reports(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.report_every = 4});
    tn_start(net);
    tn_run(net, 2);
    struct tn_draft *d = tn_draft(net, 0);
    assert_int_equal(d->header.number % 4, 0);
    assert_passes(net, d);
    d->payload.n_reports = 0;
    assert_refused_early(net, d, TS_E_V5_COMPLETE, 0);
    tn_run(net, 2);
    tn_crash(net, 1);
    tn_boot(net, 1); /* a transition */
    d = tn_draft(net, 0);
    assert_int_not_equal(d->header.number % 4, 0);
    assert_passes(net, d);
    d->payload.n_reports = 0;
    assert_refused_early(net, d, TS_E_V5_COMPLETE, 0);
    tn_run(net, 1);
    tn_whitelist_remove(net, 2); /* a notice */
    d = tn_draft(net, 0);
    assert_int_not_equal(d->header.number % 4, 0);
    assert_passes(net, d);
    d->payload.n_reports = 0;
    assert_refused_early(net, d, TS_E_V5_COMPLETE, 0);
    tn_free(net);
}

/* ---- V6 ---- */

static struct ts_restart_event *edit(struct testnet *net, struct tn_draft **d, size_t i)
{
    *d = tn_draft(net, 0);
    assert_passes(net, *d);
    return tn_report_of(net, *d, i);
}

static void resign_and_refuse(struct testnet *net, struct tn_draft *d, struct ts_restart_event *r,
                              ts_err rule, size_t who)
{
    tn_sign_report(net, r);
    assert_refused_early(net, d, rule, who);
}

static void v6_not_of_the_current_boot(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    struct tn_draft *d;
    struct ts_restart_event *r = edit(net, &d, 1);
    r->boot_id.b[0] ^= 1;
    resign_and_refuse(net, d, r, TS_E_V6_FRESH, 1);
    /* An old boot's report, kept back until the new boot is in the chain. */
    struct ts_restart_event kept = tn_report(net, 2);
    tn_crash(net, 2);
    tn_boot(net, 2);
    r = edit(net, &d, 2);
    *r = kept;
    assert_refused_early(net, d, TS_E_V6_FRESH, 2);
    tn_free(net);
}

static void v6_nothing_published(void **state)
{
    (void)state;
    struct testnet *net = tn_new(NULL);
    tn_boot(net, 0);
    tn_boot(net, 1);
    tn_activate(net, 0);
    struct tn_draft *d = tn_draft(net, 0);
    tn_leave_out(net, d, 1);
    d->payload.n_absent = 1; /* enclave 2's */
    d->absent[0] = *tn_id(net, 2);
    struct ts_restart_event r = tn_report(net, 1);
    r.seq = 0;
    r.last_event = net->genesis.hash;
    r.boot_id = (ts_hash){{0}};
    r.last_restart_time = 0;
    r.batch_head_at_restart = (ts_hash){{0}};
    tn_sign_report(net, &r);
    d->reports[1] = r;
    d->payload.n_reports = 2;
    assert_refused_early(net, d, TS_E_V6_FRESH, 1);
    tn_free(net);
}

static void v6_restart_fields(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    struct tn_draft *d;
    struct ts_restart_event *r = edit(net, &d, 1);
    r->last_restart_time++;
    resign_and_refuse(net, d, r, TS_E_V6_FRESH, 1);
    r = edit(net, &d, 2);
    r->batch_head_at_restart = net->chain.head.hash;
    resign_and_refuse(net, d, r, TS_E_V6_FRESH, 2);
    tn_free(net);
}

static void v6_head(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_run(net, 6);
    uint64_t head = net->chain.head.number;
    struct tn_draft *d = tn_draft(net, 0);
    tn_leave_out(net, d, 1);
    tn_publish(net, d);
    d = tn_draft(net, 0);
    tn_leave_out(net, d, 1);
    tn_publish(net, d); /* 1's last published report is well back */
    struct ts_restart_event *r = edit(net, &d, 1);
    assert_int_equal(r->current_batch_number, head + 2);
    r->current_batch_head.b[0] ^= 1;
    resign_and_refuse(net, d, r, TS_E_V6_FRESH, 1);
    r->current_batch_number = head + 1; /* lag 2 */
    r->current_batch_head = *ts_chain_recent(&net->chain, head + 1);
    tn_sign_report(net, r);
    assert_passes(net, d);
    r->current_batch_number = head; /* lag 3 */
    r->current_batch_head = *ts_chain_recent(&net->chain, head);
    resign_and_refuse(net, d, r, TS_E_V6_FRESH, 1);
    r->current_batch_number = head + 3; /* not below the batch */
    r->current_batch_head = net->chain.head.hash;
    resign_and_refuse(net, d, r, TS_E_V6_FRESH, 1);
    r->current_batch_number = UINT64_MAX;
    resign_and_refuse(net, d, r, TS_E_V6_FRESH, 1);
    r->current_batch_number = 0;
    r->current_batch_head = net->genesis.hash;
    resign_and_refuse(net, d, r, TS_E_V6_FRESH, 1);
    tn_free(net);
}

/* Strictly newer than the boot's last published one. */
static void v6_replayed(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_run(net, 2);
    struct ts_restart_event kept = tn_report(net, 1);
    tn_run(net, 1);
    struct tn_draft *d;
    struct ts_restart_event *r = edit(net, &d, 1);
    *r = kept;
    assert_refused_early(net, d, TS_E_V6_FRESH, 1);
    tn_free(net);
}

/* But a new boot's first may be of a head its former boot had reported. */
static void v6_new_boot_may_report_the_same_head(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_run(net, 3);
    tn_crash(net, 1);
    tn_boot(net, 1);
    struct ts_restart_event first = tn_report(net, 1);
    struct tn_draft *d = tn_draft(net, 0);
    tn_leave_out(net, d, 1);
    d->transitions[d->payload.n_transitions++] = net->enclaves[1].unpublished[0];
    tn_publish(net, d); /* Started is published, the report not yet */
    assert_false(tn_entry(net, 1)->has_report);
    d = tn_draft(net, 0);
    *tn_report_of(net, d, 1) = first;
    assert_passes(net, d);
    tn_free(net);
}

static void v6_producer_is_at_the_parent(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.report_every = 3});
    tn_start(net);
    tn_run(net, 1);
    struct tn_draft *d;
    struct ts_restart_event *r = edit(net, &d, 0);
    r->current_batch_number--;
    r->current_batch_head = *ts_chain_recent(&net->chain, r->current_batch_number);
    resign_and_refuse(net, d, r, TS_E_V6_FRESH, 0);
    r = edit(net, &d, 1);
    r->current_batch_number--;
    r->current_batch_head = *ts_chain_recent(&net->chain, r->current_batch_number);
    tn_sign_report(net, r);
    assert_passes(net, d); /* another may be one behind */
    tn_free(net);
}

/* ---- V7 ---- */

static void v7_another_is_active(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    assert_refused_early(net, tn_draft(net, 1), TS_E_V7_ROLES, 1);
    tn_free(net);
}

static void v7_none_is_active(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_step_down(net, 0);
    assert_refused_early(net, tn_draft(net, 0), TS_E_V7_ROLES, 0);
    assert_refused_early(net, tn_draft(net, 1), TS_E_V7_ROLES, 1);
    tn_free(net);
}

/* Another's Active over the producer's: that other is to be left out, then the batch is good. */
static void v7_activated_over_the_producer(void **state)
{
    (void)state;
    struct testnet *net = tn_running(4);
    tn_activate(net, 1);
    tn_activate(net, 2);
    struct tn_draft *d = tn_draft(net, 1);
    assert_int_equal(d->payload.n_transitions, 1);
    d->transitions[d->payload.n_transitions++] = net->enclaves[2].unpublished[0];
    d->header.term = 3;
    assert_refused_early(net, d, TS_E_V7_ROLES, 2);
    tn_leave_out(net, d, 2);
    d->header.term = 2;
    assert_passes(net, d);
    tn_free(net);
}

/* Even when it has stepped down again by the same payload. */
static void v7_flap_over_the_producer(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_activate(net, 2);
    tn_step_down(net, 2);
    struct tn_draft *d = tn_draft(net, 0);
    assert_int_equal(d->payload.n_transitions, 0);
    memcpy(d->transitions, net->enclaves[2].unpublished, 2 * sizeof(d->transitions[0]));
    d->payload.n_transitions = 2;
    d->header.term = 2;
    assert_refused_early(net, d, TS_E_V7_ROLES, 2);
    tn_free(net);
}

static void v7_producer_restarted(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    tn_crash(net, 0);
    tn_boot(net, 0);
    assert_refused_early(net, tn_draft(net, 0), TS_E_V7_ROLES, 0);
    tn_free(net);
}

/* Its Active came late: void, so it is not active. */
static void v7_void_active(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    tn_activate(net, 1);
    struct tn_draft *d = tn_draft(net, 0);
    tn_publish(net, d);
    d = tn_draft(net, 1);
    assert_int_equal(d->header.term, 1);
    assert_refused_early(net, d, TS_E_V7_ROLES, 1);
    tn_free(net);
}

/* ---- V8 ---- */

static void v8_tip(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    struct tn_draft *d;
    for (int step = -1; step <= 1; step += 2) {
        struct ts_restart_event *r = edit(net, &d, 1);
        r->seq += (uint64_t)step;
        resign_and_refuse(net, d, r, TS_E_V8_TIP, 1);
    }
    struct ts_restart_event *r = edit(net, &d, 2);
    r->last_event.b[0] ^= 1;
    resign_and_refuse(net, d, r, TS_E_V8_TIP, 2);
    tn_free(net);
}

/* An enclave that was activated in secret cannot report: its tip is not the published one. */
static void v8_hidden_activation(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_run(net, 2);
    tn_activate(net, 2);
    struct ts_restart_event r = tn_report(net, 2);
    struct tn_draft *d = tn_draft(net, 0);
    tn_leave_out(net, d, 2);
    assert_passes(net, d);
    d->payload.n_absent = 0;
    d->reports[d->payload.n_reports++] = r;
    assert_refused_early(net, d, TS_E_V8_TIP, 2);
    tn_free(net);
}

/* With only some of its unpublished transitions carried it cannot report either. */
static void v8_some_left_out(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_activate(net, 2);
    struct tn_draft *d = tn_draft(net, 0);
    tn_publish(net, d); /* now also Passive */
    d = tn_draft(net, 0);
    assert_int_equal(d->payload.n_transitions, 2);
    assert_passes(net, d);
    d->payload.n_transitions = 1;
    assert_refused_early(net, d, TS_E_V8_TIP, 2);
    tn_free(net);
}

/* ---- the producer's way out: leave out whoever is named, until it passes ---- */

static void leave_out_and_try_again(void **state)
{
    (void)state;
    struct testnet *net = tn_running(6);
    tn_run(net, 3);
    for (size_t i = 2; i < 6; i++) {
        tn_crash(net, i);
        tn_boot(net, i);
    }
    tn_activate(net, 5); /* over the producer's */
    struct tn_draft *d = tn_draft(net, 0);
    tn_leave_out(net, d, 5);
    d->payload.n_absent = 0;
    memcpy(&d->transitions[d->payload.n_transitions], net->enclaves[5].unpublished,
           2 * sizeof(d->transitions[0]));
    d->payload.n_transitions += 2;
    d->reports[d->payload.n_reports++] = tn_report(net, 5);
    tn_report_of(net, d, 1)->sig.b[5] ^= 1;
    tn_transition_of(net, d, 2)->seq++;
    tn_sign_transition(net, tn_transition_of(net, d, 2));
    tn_report_of(net, d, 3)->seq++;
    tn_sign_report(net, tn_report_of(net, d, 3));
    bool out[6] = {false};
    uint64_t term = 0;
    ts_err err;
    while ((err = ts_payload_check(&net->chain, &d->payload, tn_id(net, 0), tn_id(net, 0),
                                   net->effect, &term, &net->fault)) != TS_OK) {
        assert_true(net->fault.has_enclave);
        size_t i = tn_index(net, &net->fault.enclave);
        assert_true(i != 0 && !out[i]);
        out[i] = true;
        tn_leave_out(net, d, i);
    }
    assert_true(out[1] && out[2] && out[3] && !out[4] && out[5]);
    assert_int_equal(term, 1);
    tn_publish(net, d);
    tn_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v5_left_out),
        cmocka_unit_test(v5_all_left_out),
        cmocka_unit_test(v5_producer_absent),
        cmocka_unit_test(v5_absent_list),
        cmocka_unit_test(v5_whitelist_after_the_notice),
        cmocka_unit_test(v5_report_of_the_removed),
        cmocka_unit_test(v5_batch_that_does_not_report),
        cmocka_unit_test(v5_batch_that_reports),
        cmocka_unit_test(v6_not_of_the_current_boot),
        cmocka_unit_test(v6_nothing_published),
        cmocka_unit_test(v6_restart_fields),
        cmocka_unit_test(v6_head),
        cmocka_unit_test(v6_replayed),
        cmocka_unit_test(v6_new_boot_may_report_the_same_head),
        cmocka_unit_test(v6_producer_is_at_the_parent),
        cmocka_unit_test(v7_another_is_active),
        cmocka_unit_test(v7_none_is_active),
        cmocka_unit_test(v7_activated_over_the_producer),
        cmocka_unit_test(v7_flap_over_the_producer),
        cmocka_unit_test(v7_producer_restarted),
        cmocka_unit_test(v7_void_active),
        cmocka_unit_test(v8_tip),
        cmocka_unit_test(v8_hidden_activation),
        cmocka_unit_test(v8_some_left_out),
        cmocka_unit_test(leave_out_and_try_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
