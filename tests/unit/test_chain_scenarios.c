/* SPDX-License-Identifier: Apache-2.0 */
/* What an honest network does (protocol section 3) passes every rule, and the registry says so
 * after. */
#include <string.h>

#include "chain/batch.h"
#include "testnet.h"
#include "unit.h"

static void assert_role(const struct testnet *net, size_t i, enum ts_role role)
{
    assert_non_null(tn_entry(net, i));
    assert_int_equal(tn_entry(net, i)->role, role);
}

static void assert_active(const struct testnet *net, size_t i)
{
    assert_true(net->chain.registry.has_active);
    assert_true(ts_address_equal(&net->chain.registry.active, tn_id(net, i)));
    assert_role(net, i, TS_ROLE_ACTIVE);
}

static void assert_tip(const struct testnet *net, size_t i, enum ts_event_kind kind, uint64_t seq)
{
    assert_int_equal(tn_entry(net, i)->tip_kind, kind);
    assert_int_equal(tn_entry(net, i)->tip_seq, seq);
}

static bool absent_in(const struct tn_draft *d, const ts_address *id)
{
    for (size_t i = 0; i < d->payload.n_absent; i++) {
        if (ts_address_equal(&d->payload.absent[i], id))
            return true;
    }
    return false;
}

/* The first batch carries each enclave's Started with its first report, and one Active. */
static void boot(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    assert_int_equal(net->chain.head.number, 1);
    assert_int_equal(net->chain.head.term, 1);
    assert_active(net, 0);
    assert_tip(net, 0, TS_ACTIVE, 2);
    for (size_t i = 1; i < 3; i++) {
        const struct ts_registry_entry *e = tn_entry(net, i);
        assert_role(net, i, TS_ROLE_PASSIVE);
        assert_tip(net, i, TS_STARTED, 1);
        assert_int_equal(e->restarts, 1);
        assert_int_equal(e->n_boot_ids, 1);
        assert_int_equal(e->started_in, 1);
        assert_true(e->has_report);
        assert_int_equal(e->last_report_head, 0);
        assert_true(ts_hash_equal(&e->last_report_hash, &net->genesis.hash));
        assert_int_equal(e->last_report_in, 1);
    }
    tn_run(net, 3);
    assert_int_equal(net->chain.head.term, 1);
    assert_int_equal(tn_entry(net, 2)->last_report_head, 3);
    tn_free(net);
}

/* An enclave that never booted is absent until its Started is published. */
static void late_boot(void **state)
{
    (void)state;
    struct testnet *net = tn_new(NULL);
    tn_boot(net, 0);
    tn_activate(net, 0);
    tn_run(net, 2);
    assert_role(net, 1, TS_ROLE_NONE);
    assert_true(ts_hash_equal(&tn_entry(net, 1)->tip_hash, &net->genesis.hash));
    tn_boot(net, 1);
    tn_run(net, 1);
    assert_role(net, 1, TS_ROLE_PASSIVE);
    assert_int_equal(tn_entry(net, 1)->restart_number, 2);
    tn_free(net);
}

/* Passive and Active at the same head, both in the next batch. */
static void planned_switch(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_run(net, 2);
    tn_step_down(net, 0);
    tn_activate(net, 2);
    tn_run(net, 1);
    assert_active(net, 2);
    assert_int_equal(net->chain.head.term, 2);
    assert_tip(net, 0, TS_PASSIVE, 3);
    assert_role(net, 0, TS_ROLE_PASSIVE);
    /* And back. */
    tn_step_down(net, 2);
    tn_activate(net, 0);
    tn_run(net, 3);
    assert_active(net, 0);
    assert_int_equal(net->chain.head.term, 3);
    tn_free(net);
}

/* Active alone, the old one absent until it returns: with Passive when it kept its memory. */
static void failover_and_return(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_cut(net, 0);
    tn_activate(net, 1);
    struct tn_draft *d = tn_draft(net, 1);
    assert_true(absent_in(d, tn_id(net, 0)));
    tn_publish(net, d);
    assert_active(net, 1);
    assert_role(net, 0, TS_ROLE_PASSIVE);
    assert_tip(net, 0, TS_ACTIVE, 2);
    tn_run(net, 4);
    tn_heal(net, 0);
    tn_run(net, 1);
    assert_tip(net, 0, TS_PASSIVE, 3);
    assert_int_equal(tn_entry(net, 0)->tip_term, 1);
    assert_active(net, 1);
    tn_free(net);
}

/* With Started when it had to restart. */
static void failover_and_restart(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    tn_crash(net, 0);
    tn_activate(net, 1);
    tn_run(net, 2);
    tn_boot(net, 0);
    tn_run(net, 1);
    assert_tip(net, 0, TS_STARTED, 3);
    assert_int_equal(tn_entry(net, 0)->restarts, 2);
    assert_int_equal(tn_entry(net, 0)->n_boot_ids, 2);
    assert_active(net, 1);
    tn_free(net);
}

/* Started makes its enclave passive: when it was the active one none is left, and the batch needs
 * an Active after it. */
static void restart_of_the_active(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    tn_crash(net, 0);
    tn_boot(net, 0);
    assert_int_equal(tn_check(net, tn_draft(net, 0)), TS_E_V7_ROLES);
    tn_activate(net, 0);
    tn_run(net, 1);
    assert_active(net, 0);
    assert_int_equal(net->chain.head.term, 2);
    tn_free(net);
}

/* A boot that never published leaves no trace; the next links to the published tip. */
static void lost_unpublished_transitions(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_crash(net, 2);
    tn_boot(net, 2);
    tn_activate(net, 2);
    tn_step_down(net, 2);
    tn_crash(net, 2);
    tn_run(net, 1);
    tn_boot(net, 2);
    tn_run(net, 1);
    assert_tip(net, 2, TS_STARTED, 2);
    assert_int_equal(tn_entry(net, 2)->restarts, 2);
    tn_free(net);
}

/* The host publishes what an earlier boot had handed out: the new boot learns it and signs its own
 * again on top, with the head, time and term it had. */
static void signed_again_on_a_learnt_transition(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_crash(net, 2);
    tn_boot(net, 2);
    struct ts_lifecycle_event old = net->enclaves[2].unpublished[0];
    tn_crash(net, 2);
    tn_boot(net, 2);
    tn_activate(net, 2);
    tn_step_down(net, 2);
    struct tn_draft *d = tn_draft(net, 0);
    tn_leave_out(net, d, 2);
    d->transitions[d->payload.n_transitions++] = old;
    tn_publish(net, d);
    assert_tip(net, 2, TS_STARTED, 2);
    assert_int_equal(net->enclaves[2].unpublished[0].seq, 3);
    assert_int_equal(net->enclaves[2].unpublished[2].term, 2);
    tn_run(net, 1);
    assert_tip(net, 2, TS_PASSIVE, 5);
    assert_int_equal(tn_entry(net, 2)->restarts, 3);
    assert_active(net, 0);
    assert_int_equal(net->chain.head.term, 1);
    tn_free(net);
}

/* An Active whose batch came too late changes nothing; it is linked and recorded. */
static void void_active(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_activate(net, 1);
    struct tn_draft *d = tn_draft(net, 0);
    assert_true(absent_in(d, tn_id(net, 1))); /* would take effect: not handed on */
    tn_publish(net, d);
    assert_int_equal(net->enclaves[1].n_unpublished, 2); /* Active, and Passive since it was late */
    tn_run(net, 1);
    assert_tip(net, 1, TS_PASSIVE, 3);
    assert_int_equal(tn_entry(net, 1)->tip_term, 2);
    assert_active(net, 0);
    assert_int_equal(net->chain.head.term, 1);
    tn_free(net);
}

/* At its head but with a term below one that takes effect before it: void too. */
static void void_active_of_a_lower_term(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_activate(net, 1);
    tn_activate(net, 2);
    tn_run(net, 1); /* 2 has the higher term; its transitions come first */
    assert_active(net, 2);
    assert_int_equal(net->chain.head.term, 3);
    assert_tip(net, 1, TS_ACTIVE, 2);
    assert_role(net, 1, TS_ROLE_PASSIVE);
    tn_run(net, 1);
    assert_tip(net, 1, TS_PASSIVE, 3);
    assert_tip(net, 0, TS_PASSIVE, 3);
    tn_free(net);
}

static void eight_unpublished(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_cut(net, 2);
    for (int i = 0; i < 4; i++) {
        tn_activate(net, 2);
        tn_step_down(net, 2);
    }
    tn_run(net, 1);
    tn_heal(net, 2);
    assert_int_equal(net->enclaves[2].n_unpublished, 8);
    tn_run(net, 1);
    assert_tip(net, 2, TS_PASSIVE, 9);
    assert_active(net, 0);
    assert_int_equal(net->chain.head.term, 1);
    tn_free(net);
}

/* Longer than validity looks back. */
static void back_after_300_batches(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    tn_cut(net, 0);
    tn_activate(net, 1);
    tn_run(net, 300);
    net->enclaves[0].up = true; /* its Active was published; a Passive is signed at the next head */
    tn_heal(net, 0);
    tn_run(net, 1);
    assert_tip(net, 0, TS_PASSIVE, 3);
    tn_free(net);
}

/* The host handed on nothing of an enclave for 300 batches, then all. */
static void published_after_300_batches(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    tn_activate(net, 1);
    struct tn_enclave *cut = &net->enclaves[1];
    for (int i = 0; i < 300; i++) {
        struct tn_draft *d = tn_draft(net, 0);
        tn_leave_out(net, d, 1);
        tn_publish(net, d);
    }
    assert_int_equal(cut->unpublished[0].batch_number, 1);
    tn_run(net, 1);
    assert_tip(net, 1, TS_PASSIVE, 3);
    tn_free(net);
}

static void whitelist_add(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = 4, .whitelisted = 2});
    tn_start(net);
    assert_null(tn_entry(net, 3));
    tn_whitelist_add(net, 3); /* announced; it may start before it is in the chain */
    tn_boot(net, 3);
    tn_run(net, 1);
    assert_true(tn_entry(net, 3)->whitelisted);
    assert_role(net, 3, TS_ROLE_PASSIVE);
    assert_int_equal(tn_entry(net, 3)->n_boot_ids, 1);
    tn_whitelist_add(net, 2); /* this one has not booted */
    tn_run(net, 2);
    assert_role(net, 2, TS_ROLE_NONE);
    assert_int_equal(net->chain.registry.n_whitelisted, 4);
    /* The newly whitelisted one may take over at once. */
    tn_step_down(net, 0);
    tn_activate(net, 3);
    tn_run(net, 1);
    assert_active(net, 3);
    tn_free(net);
}

/* One that the notice adds may even seal the batch that carries the notice, if L1 can bear it out.
 */
static void whitelisted_by_its_own_batch(void **state)
{
    (void)state;
    struct testnet *net =
        tn_new(&(struct tn_options){.enclaves = 3, .whitelisted = 2, .l1_chain_id = 1});
    tn_start(net);
    tn_whitelist_add(net, 2);
    tn_whitelist_remove(net, 0);
    tn_boot(net, 2);
    tn_activate(net, 2);
    tn_run(net, 1);
    assert_active(net, 2);
    assert_false(tn_entry(net, 0)->whitelisted);
    tn_free(net);
}

/* Where no L1 is, anyone could seal such a batch, and nothing would tell him from the operator's.
 */
static void whitelisted_by_its_own_batch_without_l1(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = 3, .whitelisted = 2});
    tn_start(net);
    tn_boot(net, 2);
    tn_activate(net, 2);
    tn_whitelist_add(net, 2);
    struct tn_draft *d = tn_draft(net, 2);
    assert_int_equal(tn_check(net, d), TS_E_V2_PRODUCER);
    assert_int_equal(net->fault.rule, TS_E_V2_PRODUCER);
    assert_true(ts_address_equal(&net->fault.enclave, &net->enclaves[2].id));
    assert_non_null(strstr(net->fault.what, "lists itself"));
    /* Listed by another's batch it may. */
    tn_crash(net, 2);
    tn_run(net, 1);
    tn_boot(net, 2);
    tn_activate(net, 2);
    tn_run(net, 1);
    assert_active(net, 2);
    tn_free(net);
}

/* Active, then removed: in silence. It keeps its entry; added again it goes on with the same boot,
 * and its next Active follows the former with no Passive between. */
static void removal_of_the_active(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_whitelist_remove(net, 0);
    tn_activate(net, 1);
    tn_publish(net, tn_draft(net, 1));
    assert_active(net, 1);
    assert_role(net, 0, TS_ROLE_PASSIVE);
    assert_tip(net, 0, TS_ACTIVE, 2);
    assert_false(tn_entry(net, 0)->whitelisted);
    assert_int_equal(net->enclaves[0].n_unpublished, 0);
    tn_run(net, 2);
    tn_whitelist_add(net, 0);
    tn_run(net, 1);
    assert_true(tn_entry(net, 0)->whitelisted);
    assert_int_equal(tn_entry(net, 0)->restarts, 1);
    tn_step_down(net, 1);
    tn_activate(net, 0);
    tn_run(net, 1);
    assert_active(net, 0);
    assert_tip(net, 0, TS_ACTIVE, 3);
    tn_free(net);
}

/* Removal of the active with nobody made active leaves none: no batch. */
static void removal_needs_a_successor(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    tn_whitelist_remove(net, 0);
    struct tn_draft *d = tn_draft(net, 1);
    assert_int_equal(tn_check(net, d), TS_E_V7_ROLES);
    tn_free(net);
}

/* What a removed enclave had not published may come with the batch that removes it; its Active is
 * void. */
static void transitions_of_the_removed(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_step_down(net, 0);
    tn_activate(net, 1); /* term 2, but it is removed */
    tn_activate(net, 2); /* term 3 */
    tn_whitelist_remove(net, 0);
    tn_whitelist_remove(net, 1);
    struct tn_draft *d = tn_draft(net, 2);
    assert_int_equal(d->payload.n_transitions, 3);
    assert_int_equal(d->payload.n_reports, 1);
    tn_publish(net, d);
    assert_tip(net, 0, TS_PASSIVE, 3);
    assert_tip(net, 1, TS_ACTIVE, 2);
    assert_role(net, 1, TS_ROLE_PASSIVE);
    assert_active(net, 2);
    tn_free(net);
}

/* Even with a higher term and at the parent: who is not whitelisted after the notice does not rule.
 */
static void active_of_the_removed_is_void(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_activate(net, 1);
    tn_whitelist_remove(net, 1);
    struct tn_draft *d = tn_draft(net, 0);
    assert_int_equal(d->payload.n_transitions, 1);
    tn_publish(net, d);
    assert_active(net, 0);
    assert_int_equal(net->chain.head.term, 1);
    assert_tip(net, 1, TS_ACTIVE, 2);
    assert_role(net, 1, TS_ROLE_PASSIVE);
    tn_free(net);
}

static void report_every_third(void **state)
{
    (void)state;
    struct testnet *net =
        tn_new(&(struct tn_options){.enclaves = 3, .report_every = 3, .max_report_lag = 2});
    tn_start(net);
    for (uint64_t n = 2; n < 10; n++) {
        struct tn_draft *d = tn_draft(net, 0);
        assert_int_equal(d->payload.n_reports, n % 3 == 0 ? 3 : 0);
        tn_publish(net, d);
    }
    /* A transition makes any batch report, and so does a notice. */
    tn_run(net, 1);
    tn_step_down(net, 0);
    tn_activate(net, 1);
    struct tn_draft *d = tn_draft(net, 1);
    assert_int_not_equal(d->header.number % 3, 0);
    assert_int_equal(d->payload.n_reports, 3);
    tn_publish(net, d);
    tn_run(net, 1);
    tn_whitelist_remove(net, 2);
    d = tn_draft(net, 1);
    assert_int_not_equal(d->header.number % 3, 0);
    assert_int_equal(d->payload.n_reports, 2);
    tn_publish(net, d);
    tn_free(net);
}

/* Two behind is the limit of the default; three behind is absent. */
static void lag_window(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_run(net, 3);
    tn_cut(net, 2);
    tn_run(net, 1);
    net->enclaves[2].up = true; /* its last answer, one batch old */
    struct tn_draft *d = tn_draft(net, 0);
    assert_int_equal(tn_report_of(net, d, 2)->current_batch_number + 2, d->header.number);
    assert_int_equal(tn_check(net, d), TS_OK);
    net->enclaves[2].up = false;
    tn_run(net, 1);
    net->enclaves[2].up = true;
    d = tn_draft(net, 0);
    assert_true(absent_in(d, tn_id(net, 2)));
    tn_publish(net, d);
    tn_free(net);
}

/* A boot's lag counts for each report anew: steady, always two behind. */
static void steadily_behind(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    tn_run(net, 2);
    struct ts_restart_event late = tn_report(net, 1);
    for (int i = 0; i < 5; i++) {
        struct tn_draft *d = tn_draft(net, 0);
        struct ts_restart_event fresh = *tn_report_of(net, d, 1);
        if (i > 0)
            *tn_report_of(net, d, 1) = late;
        else
            tn_leave_out(net, d, 1);
        tn_publish(net, d);
        late = fresh;
    }
    assert_int_equal(tn_entry(net, 1)->last_report_head + 2, net->chain.head.number);
    tn_free(net);
}

/* A prepared batch was discarded: who had accepted it restarts, a successor is activated there. */
static void discarded_batch(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    struct tn_draft *discarded = tn_draft(net, 0);
    assert_int_equal(tn_check(net, discarded), TS_OK);
    tn_crash(net, 0); /* it had sealed, so its head is off the chain */
    tn_activate(net, 1);
    tn_run(net, 1);
    tn_boot(net, 0);
    tn_run(net, 1);
    assert_active(net, 1);
    tn_free(net);
}

/* The largest network: 64 enclaves, all replaced in one batch. */
static void sixty_four(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = 65, .whitelisted = 64});
    tn_start(net);
    tn_whitelist_add(net, 64);
    assert_int_equal(tn_check(net, tn_draft(net, 0)), TS_E_V3_FORM);
    tn_whitelist_remove(net, 5);
    tn_boot(net, 64);
    tn_run(net, 1);
    assert_int_equal(net->chain.registry.n_whitelisted, 64);
    assert_int_equal(net->chain.registry.n, 65);
    assert_role(net, 64, TS_ROLE_PASSIVE);
    tn_free(net);
}

static void all_replaced_at_once(void **state)
{
    (void)state;
    struct testnet *net =
        tn_new(&(struct tn_options){.enclaves = 80, .whitelisted = 40, .l1_chain_id = 1});
    tn_start(net);
    for (size_t i = 0; i < 40; i++) {
        tn_whitelist_remove(net, i);
        tn_whitelist_add(net, 40 + i);
        tn_boot(net, 40 + i);
    }
    tn_activate(net, 77);
    tn_run(net, 1);
    assert_active(net, 77);
    assert_int_equal(net->chain.registry.n_whitelisted, 40);
    assert_int_equal(net->chain.registry.n, 80);
    for (size_t i = 0; i < 80; i++)
        assert_int_equal(tn_entry(net, i)->whitelisted, i >= 40);
    for (size_t i = 0; i < 40; i++) {
        tn_whitelist_add(net, i);
        tn_whitelist_remove(net, 40 + i);
    }
    tn_activate(net, 3);
    tn_run(net, 1);
    assert_active(net, 3);
    assert_int_equal(tn_entry(net, 77)->restarts, 1);
    tn_free(net);
}

/* Notices of types that a later version will know are carried and ignored. */
static void unknown_notice(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    struct tn_draft *d = tn_draft(net, 0);
    tn_set_notice(d, 128, ts_bytes_of("anything", 8));
    tn_publish(net, d);
    assert_int_equal(net->chain.head.number, 2);
    tn_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boot),
        cmocka_unit_test(late_boot),
        cmocka_unit_test(planned_switch),
        cmocka_unit_test(failover_and_return),
        cmocka_unit_test(failover_and_restart),
        cmocka_unit_test(restart_of_the_active),
        cmocka_unit_test(lost_unpublished_transitions),
        cmocka_unit_test(signed_again_on_a_learnt_transition),
        cmocka_unit_test(void_active),
        cmocka_unit_test(void_active_of_a_lower_term),
        cmocka_unit_test(eight_unpublished),
        cmocka_unit_test(back_after_300_batches),
        cmocka_unit_test(published_after_300_batches),
        cmocka_unit_test(whitelist_add),
        cmocka_unit_test(whitelisted_by_its_own_batch),
        cmocka_unit_test(whitelisted_by_its_own_batch_without_l1),
        cmocka_unit_test(removal_of_the_active),
        cmocka_unit_test(removal_needs_a_successor),
        cmocka_unit_test(transitions_of_the_removed),
        cmocka_unit_test(active_of_the_removed_is_void),
        cmocka_unit_test(report_every_third),
        cmocka_unit_test(lag_window),
        cmocka_unit_test(steadily_behind),
        cmocka_unit_test(discarded_batch),
        cmocka_unit_test(sixty_four),
        cmocka_unit_test(all_replaced_at_once),
        cmocka_unit_test(unknown_notice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
