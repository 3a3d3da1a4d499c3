/* SPDX-License-Identifier: Apache-2.0 */
/* Each finding is raised when it should be, and not when it should not. */
#include "audit_kit.h"
#include "tenseq/verify.h"

/* ---- silence --------------------------------------------------------------------------------- */

static void a_quiet_life_finds_nothing(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 300);
    kit_follow(k);
    assert_int_equal(k->n_told, 0);
    kit_free(k);
}

static void silence_opens_once_and_closes_with_its_length(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 5);
    tn_cut(k->net, 2);
    tn_run(k->net, 2); /* batches 7 and 8: within maxReportLag */
    kit_follow(k);
    assert_int_equal(k->n_told, 0);
    tn_run(k->net, 1);
    kit_follow(k);
    const struct ts_finding *f = kit_only(k, TS_F_SILENCE);
    assert_int_equal(f->severity, TS_SEVERITY_OMISSION);
    assert_int_equal(f->state, TS_FINDING_OPEN);
    assert_int_equal(f->serial, 1);
    assert_true(f->has_enclave && ts_address_equal(&f->enclave, tn_id(k->net, 2)));
    assert_int_equal(f->first, 7);
    assert_int_equal(f->last, 9);
    assert_int_equal(f->count, 3);
    tn_run(k->net, 30);
    kit_follow(k);
    assert_int_equal(k->n_told, 1);
    tn_heal(k->net, 2);
    tn_run(k->net, 1);
    kit_follow(k);
    assert_int_equal(k->n_told, 2);
    f = &k->told[1];
    assert_int_equal(f->kind, TS_F_SILENCE);
    assert_int_equal(f->state, TS_FINDING_CLOSED);
    assert_int_equal(f->serial, 1);
    assert_int_equal(f->first, 7);
    assert_int_equal(f->last, 40);
    assert_int_equal(f->count, 33);
    assert_non_null(strstr(f->text, "same boot"));
    assert_int_equal(ts_audit_count(k->audit), 1);
    assert_int_equal(ts_audit_get(k->audit, 0)->state, TS_FINDING_CLOSED);
    kit_free(k);
}

static void silence_that_ends_in_a_restart_says_so(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 5);
    tn_crash(k->net, 2);
    tn_run(k->net, 10);
    tn_boot(k->net, 2);
    tn_run(k->net, 1);
    kit_follow(k);
    assert_int_equal(k->n_told, 3); /* silence, restart, silence */
    const struct ts_finding *f = kit_find(k, TS_F_RESTART);
    assert_int_equal(f->severity, TS_SEVERITY_PATTERN);
    assert_int_equal(f->count, 2);
    assert_int_equal(f->first, 6);
    assert_int_equal(f->last, 17);
    f = &k->told[2];
    assert_int_equal(f->state, TS_FINDING_CLOSED);
    assert_non_null(strstr(f->text, "another boot"));
    kit_free(k);
}

/* The batch that publishes its Started already lists it absent: that boot was not there before. */
static void a_row_that_begins_with_started_ends_what_was_before(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 5);
    tn_crash(k->net, 2);
    tn_boot(k->net, 2);
    struct tn_draft *d = tn_draft(k->net, 0);
    struct ts_lifecycle_event started = *tn_transition_of(k->net, d, 2);
    tn_leave_out(k->net, d, 2);
    d->transitions[d->payload.n_transitions++] = started;
    tn_publish(k->net, d);
    for (int i = 0; i < 3; i++) {
        d = tn_draft(k->net, 0);
        tn_leave_out(k->net, d, 2);
        tn_publish(k->net, d);
    }
    tn_run(k->net, 1);
    kit_follow(k);
    assert_int_equal(k->n_told, 3); /* restart, silence, silence */
    assert_int_equal(k->told[1].first, 7);
    assert_non_null(strstr(k->told[2].text, "another boot"));
    kit_free(k);
}

static void an_enclave_that_never_starts_is_silent(void **state)
{
    (void)state;
    struct testnet *net = tn_new(NULL);
    tn_boot(net, 0);
    tn_boot(net, 1);
    tn_activate(net, 0);
    tn_run(net, 10);
    struct audit_kit *k = kit_of(net);
    kit_follow(k);
    assert_non_null(strstr(kit_only(k, TS_F_SILENCE)->text, "never started"));
    tn_boot(net, 2);
    tn_run(net, 1);
    kit_follow(k);
    assert_int_equal(k->n_told, 2);
    assert_non_null(strstr(k->told[1].text, "for the first time"));
    kit_free(k);
}

static void leaving_an_enclave_out_is_silence(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    for (int i = 0; i < 4; i++) {
        struct tn_draft *d = tn_draft(k->net, 0);
        tn_leave_out(k->net, d, 1);
        tn_publish(k->net, d);
    }
    kit_follow(k);
    assert_int_equal(kit_only(k, TS_F_SILENCE)->first, 2);
    kit_free(k);
}

static void silence_counts_reporting_batches(void **state)
{
    (void)state;
    struct tn_options o = {.enclaves = 3, .report_every = 5, .max_report_lag = 2};
    struct testnet *net = tn_new(&o);
    tn_start(net);
    struct audit_kit *k = kit_of(net);
    tn_run(net, 10);
    tn_cut(net, 1);
    uint64_t cut_at = net->chain.head.number;
    while (net->chain.head.number < cut_at + 10)
        tn_run(net, 1);
    kit_follow(k);
    assert_int_equal(k->n_told, 0); /* two reporting batches */
    tn_run(net, 5);
    kit_follow(k);
    assert_int_equal(kit_only(k, TS_F_SILENCE)->count, 3);
    kit_free(k);
}

/* ---- lagging --------------------------------------------------------------------------------- */

static void lagging_takes_a_row_of_old_reports(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    struct testnet *net = k->net;
    tn_run(net, 3);
    for (unsigned i = 0; i < TS_AUDIT_LAGGING + 3; i++) {
        struct tn_draft *d = tn_draft(net, 0);
        struct ts_restart_event *r = tn_report_of(net, d, 2);
        if (i == 0) { /* once absent: then its reports may stay one behind */
            tn_leave_out(net, d, 2);
        } else {
            r->current_batch_number--;
            r->current_batch_head = *ts_chain_recent(&net->chain, r->current_batch_number);
            tn_sign_report(net, r);
        }
        tn_publish(net, d);
        kit_follow(k);
        assert_int_equal(k->n_told, i < TS_AUDIT_LAGGING ? 0 : 1);
    }
    const struct ts_finding *f = kit_only(k, TS_F_LAGGING);
    assert_int_equal(f->severity, TS_SEVERITY_OMISSION);
    assert_int_equal(f->count, TS_AUDIT_LAGGING);
    tn_run(net, 1);
    kit_follow(k);
    assert_int_equal(k->n_told, 2);
    assert_int_equal(k->told[1].state, TS_FINDING_CLOSED);
    assert_int_equal(k->told[1].count, TS_AUDIT_LAGGING + 2);
    kit_free(k);
}

/* The batches it is absent in leave it room to fall back further. */
static void lagging_tells_the_most(void **state)
{
    (void)state;
    struct tn_options o = {.enclaves = 3, .max_report_lag = 3};
    struct testnet *net = tn_new(&o);
    tn_start(net);
    struct audit_kit *k = kit_of(net);
    tn_run(net, 3);
    for (unsigned i = 0; i < TS_AUDIT_LAGGING + 3; i++) {
        struct tn_draft *d = tn_draft(net, 0);
        struct ts_restart_event *r = tn_report_of(net, d, 2);
        if (i == 0 || i == 2 || i == 4) {
            tn_leave_out(net, d, 2);
        } else {
            r->current_batch_number -= i < 4 ? 1 : 2;
            r->current_batch_head = *ts_chain_recent(&net->chain, r->current_batch_number);
            tn_sign_report(net, r);
        }
        tn_publish(net, d);
    }
    kit_follow(k);
    assert_non_null(strstr(kit_only(k, TS_F_LAGGING)->text, "up to 3 batches below"));
    kit_free(k);
}

/* ---- takeovers ------------------------------------------------------------------------------- */

static void a_planned_switch_is_clean(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 3);
    for (size_t i = 1; i < 6; i++) {
        tn_step_down(k->net, (i - 1) % 3);
        tn_activate(k->net, i % 3);
        tn_run(k->net, 2);
    }
    kit_follow(k);
    assert_int_equal(k->n_told, 0);
    kit_free(k);
}

static void a_failover_is_an_unclean_takeover(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 3);
    tn_crash(k->net, 0);
    tn_activate(k->net, 1);
    tn_run(k->net, 1);
    kit_follow(k);
    const struct ts_finding *f = kit_only(k, TS_F_UNCLEAN_TAKEOVER);
    assert_int_equal(f->severity, TS_SEVERITY_OMISSION);
    assert_true(ts_address_equal(&f->enclave, tn_id(k->net, 0)));
    assert_int_equal(f->first, 4);
    assert_int_equal(f->last, 5);
    tn_boot(k->net, 0);
    tn_run(k->net, 1);
    kit_follow(k);
    assert_int_equal(k->n_told, 2);
    assert_int_equal(k->told[1].kind, TS_F_RESTART);
    assert_int_equal(kit_worst(k), TS_SEVERITY_OMISSION);
    kit_free(k);
}

static void a_new_boot_that_takes_over_from_its_old_one_is_unclean(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 3);
    tn_crash(k->net, 0);
    tn_boot(k->net, 0);
    tn_activate(k->net, 0);
    tn_run(k->net, 1);
    kit_follow(k);
    assert_int_equal(k->n_told, 2);
    assert_non_null(strstr(kit_find(k, TS_F_UNCLEAN_TAKEOVER)->text, "a new boot"));
    assert_non_null(strstr(kit_find(k, TS_F_RESTART)->text, "while it was active"));
    kit_free(k);
}

static void a_passive_at_another_head_is_not_clean(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 3);
    tn_cut(k->net, 0);
    tn_activate(k->net, 1);
    tn_run(k->net, 1);
    tn_heal(k->net, 0); /* accepts the other's batch and signs Passive at it */
    tn_run(k->net, 2);
    kit_follow(k);
    kit_only(k, TS_F_UNCLEAN_TAKEOVER);
    kit_free(k);
}

/* In the very batch of the takeover, but at a head before its parent: nothing is said of that one.
 */
static void a_passive_below_the_parent_is_not_clean(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 3);
    tn_step_down(k->net, 0);
    struct ts_lifecycle_event *e = &k->net->enclaves[0].unpublished[0];
    e->batch_number--;
    e->batch_head = *ts_chain_recent(&k->net->chain, e->batch_number);
    tn_sign_transition(k->net, e);
    tn_activate(k->net, 1);
    tn_run(k->net, 1);
    kit_follow(k);
    kit_only(k, TS_F_UNCLEAN_TAKEOVER);
    kit_free(k);
}

/* Behind another event of the same enclave. */
static void link_behind(struct testnet *net, struct ts_lifecycle_event *e,
                        const struct ts_lifecycle_event *before)
{
    e->seq = before->seq + 1;
    ts_transition_hash(&net->genesis.domain, before, &e->prev);
    tn_sign_transition(net, e);
}

static void back_and_forth_of_two_boots_is_no_flap(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    struct tn_enclave *e = &k->net->enclaves[0];
    tn_run(k->net, 3);
    tn_step_down(k->net, 0);
    struct ts_lifecycle_event passive = e->unpublished[0];
    tn_crash(k->net, 0);
    tn_boot(k->net, 0);
    tn_activate(k->net, 0);
    assert_int_equal(e->n_unpublished, 2);
    memmove(&e->unpublished[1], &e->unpublished[0], 2 * sizeof(passive));
    e->unpublished[0] = passive;
    link_behind(k->net, &e->unpublished[1], &e->unpublished[0]);
    link_behind(k->net, &e->unpublished[2], &e->unpublished[1]);
    e->n_unpublished = 3;
    tn_run(k->net, 1);
    kit_follow(k);
    kit_only(k, TS_F_RESTART);
    kit_free(k);
}

static void back_and_forth_at_one_head_is_a_flap(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 3);
    tn_step_down(k->net, 0);
    tn_activate(k->net, 0);
    tn_run(k->net, 1);
    kit_follow(k);
    const struct ts_finding *f = kit_only(k, TS_F_FLAP);
    assert_int_equal(f->severity, TS_SEVERITY_OMISSION);
    assert_true(ts_address_equal(&f->enclave, tn_id(k->net, 0)));
    assert_int_equal(f->first, 4);
    assert_int_equal(f->last, 5);
    tn_step_down(k->net, 0); /* at another head it is none */
    tn_activate(k->net, 1);
    tn_run(k->net, 1);
    tn_step_down(k->net, 1);
    tn_activate(k->net, 0);
    tn_run(k->net, 1);
    kit_follow(k);
    assert_int_equal(k->n_told, 1);
    kit_free(k);
}

/* ---- restarts -------------------------------------------------------------------------------- */

static void all_restarted_is_found_once_and_is_no_proof(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 5);
    for (size_t i = 0; i < 3; i++)
        tn_crash(k->net, i);
    for (size_t i = 0; i < 3; i++)
        tn_boot(k->net, i);
    tn_activate(k->net, 1);
    tn_run(k->net, 20);
    kit_follow(k);
    assert_int_equal(kit_count(k, TS_F_MASS_RESTART), 1);
    assert_int_equal(kit_count(k, TS_F_RESTART), 3);
    assert_int_equal(kit_worst(k), TS_SEVERITY_OMISSION);
    assert_int_equal(kit_find(k, TS_F_MASS_RESTART)->count, 3);
    tn_crash(k->net, 0); /* one more is none */
    tn_boot(k->net, 0);
    tn_run(k->net, 5);
    kit_follow(k);
    assert_int_equal(kit_count(k, TS_F_MASS_RESTART), 1);
    kit_free(k);
}

static void one_that_restarts_alone_is_no_mass_restart(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(1);
    tn_run(k->net, 3);
    tn_crash(k->net, 0);
    tn_boot(k->net, 0);
    tn_activate(k->net, 0);
    tn_run(k->net, 3);
    kit_follow(k);
    assert_int_equal(kit_count(k, TS_F_RESTART), 1);
    assert_int_equal(kit_count(k, TS_F_MASS_RESTART), 0);
    kit_free(k);
}

static void all_but_a_silent_one_restarted_is_found(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 5);
    for (size_t i = 0; i < 3; i++)
        tn_crash(k->net, i);
    tn_boot(k->net, 0);
    tn_boot(k->net, 1);
    tn_activate(k->net, 1);
    tn_run(k->net, 2);
    kit_follow(k);
    assert_int_equal(kit_count(k, TS_F_MASS_RESTART), 0);
    tn_run(k->net, 1); /* now the third is silent */
    kit_follow(k);
    assert_int_equal(kit_count(k, TS_F_MASS_RESTART), 1);
    kit_free(k);
}

static void restarts_far_apart_are_no_mass_restart(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 5);
    for (size_t i = 0; i < 3; i++) {
        size_t next = (i + 1) % 3;
        tn_step_down(k->net, i);
        tn_activate(k->net, next);
        tn_run(k->net, 1);
        tn_crash(k->net, i);
        tn_boot(k->net, i);
        tn_run(k->net, TS_AUDIT_MASS_WINDOW / 2);
    }
    kit_follow(k);
    assert_int_equal(kit_count(k, TS_F_RESTART), 3);
    assert_int_equal(kit_count(k, TS_F_MASS_RESTART), 0);
    kit_free(k);
}

static void a_restart_before_the_head_it_names_is_out_of_the_bracket(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 5);
    tn_crash(k->net, 2);
    tn_run(k->net, 1);
    tn_boot(k->net, 2);
    struct ts_lifecycle_event *e = &k->net->enclaves[2].unpublished[0];
    assert_int_equal(e->kind, TS_STARTED);
    e->time = k->net->chain.head.time - 1;
    k->net->enclaves[2].start_time = e->time;
    tn_sign_transition(k->net, e);
    tn_run(k->net, 1);
    kit_follow(k);
    const struct ts_finding *f = kit_find(k, TS_F_TIME_BRACKET);
    assert_int_equal(f->severity, TS_SEVERITY_PATTERN);
    assert_true(ts_address_equal(&f->enclave, tn_id(k->net, 2)));
    assert_int_equal(k->n_told, 2); /* and the restart */
    kit_free(k);
}

/* It names an old head, and a time at which the boot before it still reported. */
static void a_restart_before_what_was_reported_is_out_of_the_bracket(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    struct testnet *net = k->net;
    tn_run(net, 5); /* the last report of 2, in batch 6, is at head 5 */
    ts_time at_6 = net->chain.head.time;
    tn_crash(net, 2);
    tn_boot(net, 2);
    struct tn_enclave *e = &net->enclaves[2];
    e->unpublished[0].batch_number = 3;
    e->unpublished[0].batch_head = *ts_chain_recent(&net->chain, 3);
    e->unpublished[0].time = e->start_time = at_6 - 2000; /* of batch 4 */
    e->start_head.number = 3;
    e->start_head.hash = e->unpublished[0].batch_head;
    tn_sign_transition(net, &e->unpublished[0]);
    tn_run(net, 1);
    kit_follow(k);
    assert_int_equal(k->n_told, 2); /* and the restart */
    assert_non_null(strstr(kit_find(k, TS_F_TIME_BRACKET)->text, "its earlier boot reported at"));
    kit_free(k);
}

/* Enclaves lift their times to the head's. */
static void a_restart_at_the_time_of_its_head_is_in_the_bracket(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 5);
    tn_crash(k->net, 2);
    tn_boot(k->net, 2);
    struct ts_lifecycle_event *e = &k->net->enclaves[2].unpublished[0];
    e->time = k->net->enclaves[2].start_time = k->net->chain.head.time;
    tn_sign_transition(k->net, e);
    tn_run(k->net, 1);
    kit_follow(k);
    kit_only(k, TS_F_RESTART);
    kit_free(k);
}

/* ---- whitelist, cadence ---------------------------------------------------------------------- */

static void a_whitelist_change_is_churn_and_ends_what_was_open(void **state)
{
    (void)state;
    struct tn_options o = {.enclaves = 4, .whitelisted = 3};
    struct testnet *net = tn_new(&o);
    tn_start(net);
    struct audit_kit *k = kit_of(net);
    tn_run(net, 3);
    tn_crash(net, 2);
    tn_run(net, 5);
    tn_whitelist_remove(net, 2);
    tn_whitelist_add(net, 3);
    tn_boot(net, 3);
    tn_run(net, 3);
    kit_follow(k);
    assert_int_equal(kit_count(k, TS_F_CHURN), 1);
    assert_int_equal(kit_find(k, TS_F_CHURN)->count, 2);
    assert_int_equal(kit_count(k, TS_F_SILENCE), 2);
    assert_int_equal(k->n_told, 3);
    assert_non_null(strstr(k->told[2].text, "removed from the whitelist"));
    kit_free(k);
}

static void who_is_removed_and_listed_again_restarts(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 3);
    tn_whitelist_remove(k->net, 2);
    tn_run(k->net, 3);
    tn_crash(k->net, 2);
    tn_whitelist_add(k->net, 2);
    tn_boot(k->net, 2);
    tn_run(k->net, 3);
    kit_follow(k);
    assert_int_equal(kit_count(k, TS_F_CHURN), 2);
    assert_int_equal(kit_count(k, TS_F_RESTART), 1);
    assert_int_equal(kit_find(k, TS_F_RESTART)->count, 2);
    kit_free(k);
}

static void removal_of_the_active_one_is_no_unclean_takeover(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 3);
    tn_whitelist_remove(k->net, 0);
    tn_activate(k->net, 1);
    tn_run(k->net, 3);
    kit_follow(k);
    kit_only(k, TS_F_CHURN);
    kit_free(k);
}

static void a_late_batch_is_one_stretch(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 3);
    k->net->time += 3000; /* three intervals and one second: at the bound */
    tn_run(k->net, 2);
    kit_follow(k);
    assert_int_equal(k->n_told, 0);
    k->net->time += 3001;
    tn_run(k->net, 1);
    kit_follow(k);
    assert_int_equal(kit_only(k, TS_F_CADENCE)->first, 7);
    k->net->time += 60000;
    tn_run(k->net, TS_AUDIT_CALM - 1);
    kit_follow(k);
    assert_int_equal(kit_count(k, TS_F_CADENCE), 1);
    tn_run(k->net, 20);
    kit_follow(k);
    assert_int_equal(kit_count(k, TS_F_CADENCE), 2);
    assert_int_equal(k->told[1].state, TS_FINDING_CLOSED);
    assert_int_equal(k->told[1].severity, TS_SEVERITY_PATTERN);
    assert_non_null(strstr(k->told[1].text, "late"));
    kit_free(k);
}

static void bunched_batches_are_found(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 3);
    ts_time held = k->net->time;
    for (int i = 0; i <= TS_AUDIT_BUNCHED; i++) {
        kit_follow(k);
        assert_int_equal(k->n_told, 0);
        k->net->time = held + 1; /* a second goes by with each batch otherwise */
        held = k->net->time;
        tn_run(k->net, 1);
    }
    kit_follow(k);
    assert_non_null(strstr(kit_only(k, TS_F_CADENCE)->text, "bunched"));
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quiet_life_finds_nothing),
        cmocka_unit_test(silence_opens_once_and_closes_with_its_length),
        cmocka_unit_test(silence_that_ends_in_a_restart_says_so),
        cmocka_unit_test(a_row_that_begins_with_started_ends_what_was_before),
        cmocka_unit_test(an_enclave_that_never_starts_is_silent),
        cmocka_unit_test(leaving_an_enclave_out_is_silence),
        cmocka_unit_test(silence_counts_reporting_batches),
        cmocka_unit_test(lagging_takes_a_row_of_old_reports),
        cmocka_unit_test(lagging_tells_the_most),
        cmocka_unit_test(a_planned_switch_is_clean),
        cmocka_unit_test(a_failover_is_an_unclean_takeover),
        cmocka_unit_test(a_new_boot_that_takes_over_from_its_old_one_is_unclean),
        cmocka_unit_test(a_passive_at_another_head_is_not_clean),
        cmocka_unit_test(a_passive_below_the_parent_is_not_clean),
        cmocka_unit_test(back_and_forth_at_one_head_is_a_flap),
        cmocka_unit_test(back_and_forth_of_two_boots_is_no_flap),
        cmocka_unit_test(all_restarted_is_found_once_and_is_no_proof),
        cmocka_unit_test(one_that_restarts_alone_is_no_mass_restart),
        cmocka_unit_test(all_but_a_silent_one_restarted_is_found),
        cmocka_unit_test(restarts_far_apart_are_no_mass_restart),
        cmocka_unit_test(a_restart_before_the_head_it_names_is_out_of_the_bracket),
        cmocka_unit_test(a_restart_before_what_was_reported_is_out_of_the_bracket),
        cmocka_unit_test(a_restart_at_the_time_of_its_head_is_in_the_bracket),
        cmocka_unit_test(a_whitelist_change_is_churn_and_ends_what_was_open),
        cmocka_unit_test(who_is_removed_and_listed_again_restarts),
        cmocka_unit_test(removal_of_the_active_one_is_no_unclean_takeover),
        cmocka_unit_test(a_late_batch_is_one_stretch),
        cmocka_unit_test(bunched_batches_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
