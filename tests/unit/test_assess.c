/* SPDX-License-Identifier: Apache-2.0 */
/* What an assessment counts. */
#include <stdlib.h>

#include "audit/assess.h"
#include "audit/ratio.h"
#include "audit_kit.h"
#include "base/check.h"

static struct ts_assessment *assess(const struct audit_kit *k)
{
    struct ts_assess_params p;
    ts_assess_params_default(&p);
    p.boot_ms = 500;
    struct ts_assessment *x = ts_assess(k->audit, &p);
    assert_non_null(x);
    return x;
}

/* Follows all there is and assesses it. */
static struct ts_assessment *look(struct audit_kit *k)
{
    kit_follow(k);
    return assess(k);
}

static const struct ts_assessed_enclave *of(const struct ts_assessment *x,
                                            const struct audit_kit *k, size_t i)
{
    for (size_t n = 0; n < x->n; n++)
        if (ts_address_equal(&x->enclaves[n].id, tn_id(k->net, i)))
            return &x->enclaves[n];
    fail_msg("enclave %zu is not assessed", i);
    return NULL;
}

static void nothing_is_held_against_who_does_nothing(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    struct ts_assessment *x = assess(k);
    assert_int_equal(x->number, 0);
    assert_int_equal(x->n, 0);
    ts_assessment_free(x);
    tn_run(k->net, 9);
    x = look(k);
    assert_int_equal(x->number, 10);
    assert_int_equal(x->n, 3);
    assert_int_equal(x->time - x->since, 9000);
    assert_int_equal(x->restarts + x->clean + x->unclean + x->silence.batches, 0);
    assert_int_equal(x->proofs + x->omissions + x->patterns, 0);
    assert_int_equal(x->exposure.windows, 0);
    assert_true(x->raw.log_ratio < 0 && !x->raw.alarm && x->raw.highest == 0);
    for (size_t i = 0; i < 3; i++) {
        const struct ts_assessed_enclave *e = of(x, k, i);
        assert_int_equal(e->state, i == 0 ? TS_ASSESSED_ACTIVE : TS_ASSESSED_PASSIVE);
        assert_int_equal(e->boots, 1);
        assert_int_equal(e->listed_ms, 9000);
        assert_int_equal(e->up_ms, 9000);
        assert_int_equal(e->lag_last, 1);
        assert_int_equal(e->lag_most, 1);
        assert_true(e->lag_mean == 1);
    }
    ts_assessment_free(x);
    kit_free(k);
}

static void a_crash_is_a_takeover_a_silence_and_a_window(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3); /* batch 1; a second for each batch */
    tn_run(k->net, 4);                    /* the last report of 0, in batch 5, is at head 4 */
    tn_crash(k->net, 0);
    tn_activate(k->net, 1);
    tn_run(k->net, 5); /* 6 to 10 */
    struct ts_assessment *x = look(k);
    assert_int_equal(of(x, k, 0)->state, TS_ASSESSED_ABSENT);
    assert_int_equal(of(x, k, 0)->exposure.windows, 0);
    assert_int_equal(of(x, k, 0)->exposure.open_ms, 6000); /* from head 4 to batch 10 */
    assert_int_equal(of(x, k, 0)->exposure.open_boots, 12);
    ts_assessment_free(x);

    tn_boot(k->net, 0);
    tn_run(k->net, 1); /* 11 */
    x = look(k);
    const struct ts_assessed_enclave *e = of(x, k, 0);
    assert_int_equal(e->state, TS_ASSESSED_PASSIVE);
    assert_int_equal(e->boots, 2);
    assert_int_equal(e->restarts, 1);
    assert_int_equal(e->unclean, 1);
    assert_int_equal(e->clean, 0);
    assert_int_equal(e->silence.batches, 5);
    assert_int_equal(e->silence.first, 6);
    assert_int_equal(e->silence.last, 10);
    assert_int_equal(e->silence.ms, 5000);
    assert_int_equal(e->listed_ms - e->up_ms, 5000);
    assert_int_equal(e->exposure.windows, 1);
    assert_int_equal(e->exposure.dark_ms, 7000);
    assert_int_equal(e->exposure.boots, 14);
    assert_int_equal(e->exposure.open_ms, 0);
    assert_int_equal(e->raw.n, 1);
    assert_true(e->raw.log_ratio > 2.3 && e->raw.log_ratio < 2.31);

    assert_int_equal(of(x, k, 1)->state, TS_ASSESSED_ACTIVE);
    assert_int_equal(of(x, k, 1)->restarts, 0);
    assert_true(ts_address_equal(&x->silent, tn_id(k->net, 0)));
    assert_int_equal(x->silence.batches, 5);
    assert_int_equal(x->exposure.boots, 14);
    assert_int_equal(x->unclean, 1);
    assert_int_equal(x->omissions, 2); /* silence, unclean-takeover */
    assert_int_equal(x->patterns, 1);  /* restart */
    ts_assessment_free(x);
    kit_free(k);
}

static void a_planned_switch_is_a_clean_takeover(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 2);
    tn_step_down(k->net, 0);
    tn_activate(k->net, 1);
    tn_run(k->net, 2);
    tn_step_down(k->net, 1); /* and back to itself: a flap */
    tn_activate(k->net, 1);
    tn_run(k->net, 2);
    struct ts_assessment *x = look(k);
    assert_int_equal(of(x, k, 0)->clean, 1);
    assert_int_equal(of(x, k, 1)->clean, 1);
    assert_int_equal(x->clean, 2);
    assert_int_equal(x->unclean, 0);
    assert_int_equal(of(x, k, 0)->state, TS_ASSESSED_PASSIVE);
    ts_assessment_free(x);
    kit_free(k);
}

static void what_is_removed_keeps_its_history(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 4);
    tn_whitelist_remove(k->net, 2);
    tn_run(k->net, 5); /* removed by batch 6 */
    struct ts_assessment *x = look(k);
    assert_int_equal(of(x, k, 2)->state, TS_ASSESSED_REVOKED);
    assert_false(of(x, k, 2)->is_listed);
    assert_int_equal(of(x, k, 2)->listed_ms, 4000); /* accounted for up to batch 5 */
    assert_int_equal(of(x, k, 2)->up_ms, 4000);
    assert_int_equal(of(x, k, 2)->exposure.open_ms, 0);
    ts_assessment_free(x);

    tn_crash(k->net, 2);
    tn_whitelist_add(k->net, 2);
    tn_run(k->net, 2); /* listed by batch 11, absent there and in 12 */
    tn_boot(k->net, 2);
    tn_run(k->net, 1);
    x = look(k);
    const struct ts_assessed_enclave *e = of(x, k, 2);
    assert_int_equal(e->boots, 2);
    assert_int_equal(e->restarts, 1);
    assert_int_equal(e->listed_ms, 6000);
    assert_int_equal(e->up_ms, 5000);
    /* Dark from when it was listed again: before, it had no say. */
    assert_int_equal(e->exposure.dark_ms, 2000);
    assert_int_equal(x->restarts, 1);
    ts_assessment_free(x);
    kit_free(k);
}

static void who_never_started_is_starting_and_dark(void **state)
{
    (void)state;
    struct tn_options options = {.enclaves = 4, .whitelisted = 3};
    struct audit_kit *k = kit_of(tn_new(&options));
    tn_start(k->net);
    tn_run(k->net, 2);
    tn_whitelist_add(k->net, 3);
    tn_run(k->net, 4); /* listed by batch 4 */
    struct ts_assessment *x = look(k);
    assert_int_equal(of(x, k, 3)->state, TS_ASSESSED_STARTING);
    assert_int_equal(of(x, k, 3)->exposure.open_ms, 3000);
    assert_int_equal(of(x, k, 3)->raw.n, 0);
    assert_true(of(x, k, 3)->raw.log_ratio == 0);
    ts_assessment_free(x);
    tn_boot(k->net, 3);
    tn_run(k->net, 1);
    x = look(k);
    assert_int_equal(of(x, k, 3)->boots, 1);
    assert_int_equal(of(x, k, 3)->exposure.windows, 1);
    assert_int_equal(of(x, k, 3)->exposure.dark_ms, 4000);
    assert_int_equal(x->restarts, 0);
    assert_int_equal(x->raw.n, 0);
    ts_assessment_free(x);
    kit_free(k);
}

static void of_silences_as_long_the_first_is_told(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 3);
    for (size_t i = 1; i < 3; i++) {
        tn_cut(k->net, i);
        tn_run(k->net, 4); /* 5 to 8, and 10 to 13 */
        tn_heal(k->net, i);
        tn_run(k->net, 1);
    }
    tn_cut(k->net, 1);
    tn_run(k->net, 4); /* 15 to 18 */
    struct ts_assessment *x = look(k);
    assert_int_equal(of(x, k, 1)->silence.first, 5);
    assert_int_equal(of(x, k, 2)->silence.first, 10);
    assert_true(ts_address_equal(&x->silent, tn_id(k->net, 1)));
    assert_int_equal(x->silence.first, 5);
    assert_int_equal(x->silence.batches, 4);
    ts_assessment_free(x);
    kit_free(k);
}

static void lags_are_counted(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    tn_run(k->net, 3);
    struct tn_draft *d = tn_draft(k->net, 0);
    tn_leave_out(k->net, d, 2);
    tn_publish(k->net, d);
    d = tn_draft(k->net, 0);
    struct ts_restart_event *r = tn_report_of(k->net, d, 2);
    r->current_batch_number--;
    r->current_batch_head = *ts_chain_recent(&k->net->chain, r->current_batch_number);
    tn_sign_report(k->net, r);
    tn_publish(k->net, d);
    tn_run(k->net, 4);
    struct ts_assessment *x = look(k); /* one of 2, eight of 1 */
    assert_int_equal(of(x, k, 2)->lag_last, 1);
    assert_int_equal(of(x, k, 2)->lag_most, 2);
    assert_true(of(x, k, 2)->lag_mean == 10.0 / 9);
    assert_int_equal(of(x, k, 1)->lag_most, 1);
    ts_assessment_free(x);
    kit_free(k);
}

/* What a peer is caught at is not the operator's. */
static void proofs_about_the_operator_are_counted(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    kit_follow(k);
    struct ts_finding f = {.kind = TS_F_PAYLOAD_EDITED,
                           .severity = TS_SEVERITY_PROOF,
                           .about = TS_ABOUT_PEER,
                           .first = 1,
                           .last = 1};
    assert_true(ts_audit_add(k->audit, &f, NULL));
    struct ts_assessment *x = assess(k);
    assert_int_equal(x->proofs, 0);
    ts_assessment_free(x);
    f.kind = TS_F_EQUIVOCATION;
    f.about = TS_ABOUT_OPERATOR;
    assert_true(ts_audit_add(k->audit, &f, NULL));
    x = assess(k);
    assert_int_equal(x->proofs, 1);
    ts_assessment_free(x);
    kit_free(k);
}

/* Three restarts in one minute are three, and one incident; a fourth later alarms the raw one. */
static void incidents_are_counted_once_across_enclaves(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(4);
    tn_run(k->net, 2);
    for (size_t i = 1; i < 4; i++) {
        tn_crash(k->net, i);
        tn_boot(k->net, i);
        tn_run(k->net, 2);
    }
    tn_crash(k->net, 1);
    tn_boot(k->net, 1);
    tn_run(k->net, 2);
    uint64_t at = k->net->chain.head.number - 1;
    struct ts_assessment *x = look(k);
    assert_int_equal(x->raw.n, 4);
    assert_int_equal(x->merged.n, 1);
    assert_true(x->raw.alarm && !x->merged.alarm);
    assert_int_equal(x->raw.alarm_at, at);
    assert_false(of(x, k, 1)->raw.alarm);
    assert_int_equal(of(x, k, 1)->raw.n, 2);
    assert_int_equal(of(x, k, 1)->merged.n, 1);
    ts_assessment_free(x);

    /* Other parameters need no other history. */
    struct ts_assess_params p;
    ts_assess_params_default(&p);
    p.merge_ms = 0;
    p.alpha = 0.05; /* ln 20: two restarts */
    x = ts_assess(k->audit, &p);
    assert_int_equal(x->merged.n, 4);
    assert_true(x->merged.alarm && x->merged.alarm_at < at);
    assert_true(of(x, k, 1)->raw.alarm);
    assert_false(of(x, k, 2)->raw.alarm);
    ts_assessment_free(x);
    kit_free(k);
}

static void restart_at(struct audit_kit *k, size_t i, ts_time time)
{
    tn_crash(k->net, i);
    k->net->time = time;
    tn_boot(k->net, i);
    tn_run(k->net, 1);
    assert_int_equal(k->net->chain.head.time, time);
}

/* A window is as long as it is from its first restart on, to the millisecond, and no longer. */
static void an_incident_ends_with_its_window(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    struct ts_assess_params p;
    ts_assess_params_default(&p);
    tn_run(k->net, 2);
    ts_time first = k->net->chain.head.time + 5000;
    static const struct {
        uint64_t after_ms, incidents;
    } rows[] = {{0, 1}, {300000, 1}, {600000, 1}, {600001, 2}, {1200001, 2}, {1200002, 3}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        restart_at(k, 1 + i % 2, first + rows[i].after_ms);
        kit_follow(k);
        struct ts_assessment *x = ts_assess(k->audit, &p);
        assert_int_equal(x->raw.n, i + 1);
        assert_int_equal(x->merged.n, rows[i].incidents);
        ts_assessment_free(x);
    }
    kit_free(k);
}

static void the_shortest_boot_that_was_seen_counts(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(2);
    struct ts_assess_params p;
    ts_assess_params_default(&p);
    tn_run(k->net, 3);
    tn_crash(k->net, 1);
    tn_run(k->net, 5);
    tn_boot(k->net, 1);
    k->net->time += 400; /* starts now, is published later */
    tn_run(k->net, 1);
    kit_follow(k);
    struct ts_assessment *x = ts_assess(k->audit, &p);
    assert_true(x->is_boot_seen);
    assert_int_equal(x->boot_ms, 400);
    assert_int_equal(x->exposure.dark_ms, 7400);
    assert_int_equal(x->exposure.boots, 18);
    ts_assessment_free(x);
    kit_free(k);
}

/* ---- random histories ------------------------------------------------------------------------ */

static void assert_same(const struct ts_assessment *x, const struct ts_assessment *y)
{
    assert_int_equal(x->n, y->n);
    assert_memory_equal(x, y, sizeof(*x) + x->n * sizeof(x->enclaves[0]));
}

/* Counted anew from the registry and the findings. */
static void check_sums(const struct audit_kit *k, const struct ts_assessment *x)
{
    uint64_t restarts = 0, windows = 0, dark = 0, boots = 0, unclean = 0, clean = 0;
    for (size_t i = 0; i < x->n; i++) {
        const struct ts_assessed_enclave *e = &x->enclaves[i];
        const struct ts_registry_entry *r = ts_registry_find(&k->chain.registry, &e->id);
        assert_int_equal(e->boots, r->restarts);
        assert_int_equal(e->is_listed, r->whitelisted);
        assert_int_equal(e->state == TS_ASSESSED_ACTIVE, r->role == TS_ROLE_ACTIVE);
        assert_true(e->up_ms <= e->listed_ms);
        assert_int_equal(e->raw.n, e->restarts);
        assert_true(e->merged.n <= e->raw.n);
        assert_true(e->silence.batches <= x->silence.batches);
        restarts += e->restarts;
        windows += e->exposure.windows;
        dark += e->exposure.dark_ms;
        boots += e->exposure.boots;
        unclean += e->unclean;
        clean += e->clean;
    }
    assert_int_equal(restarts, x->restarts);
    assert_int_equal(x->raw.n, x->restarts);
    assert_int_equal(windows, x->exposure.windows);
    assert_int_equal(dark, x->exposure.dark_ms);
    assert_int_equal(boots, x->exposure.boots);
    assert_int_equal(unclean, x->unclean);
    assert_int_equal(clean, x->clean);
    assert_int_equal(kit_count(k, TS_F_UNCLEAN_TAKEOVER), x->unclean);
    assert_int_equal(x->proofs, 0);
}

static void who_joins_late_or_restarts_has_the_same_figures(void **state)
{
    (void)state;
    uint64_t restarts = 0, unclean = 0, clean = 0;
    for (uint64_t seed = 21; seed <= 30; seed++) {
        struct audit_kit *live = kit_of(tn_random(seed, 150));
        struct ts_buf buf;
        ts_buf_init(&buf, 0);
        struct ts_assessment *x = look(live);
        check_sums(live, x);
        restarts += x->restarts;
        unclean += x->unclean;
        clean += x->clean;
        ts_audit_put(&buf, live->audit);
        struct ts_audit *again = ts_audit_new(&live->net->genesis);
        struct ts_reader r = ts_reader_of(ts_buf_bytes(&buf));
        assert_int_equal(ts_audit_read(&r, &live->chain, again), TS_OK);
        struct ts_assessment *y = ts_assess(again, &x->params);
        assert_same(x, y);
        ts_assessment_free(x);
        ts_assessment_free(y);
        ts_audit_free(again);
        ts_buf_free(&buf);
        kit_free(live);
    }
    assert_true(restarts > 20 && unclean > 5 && clean > 5);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

/* The walk's step for a made-up batch so many milliseconds after the one before. */
static struct audit_step next_step(struct ts_audit *a, struct ts_batch *b, uint64_t ms)
{
    *b = (struct ts_batch){.header.time = a->times[a->number % TS_RECENT] + ms};
    a->number++;
    b->header.number = a->number;
    a->times[a->number % TS_RECENT] = b->header.time;
    return (struct audit_step){.a = a, .b = b};
}

static void more_restarts_than_fit_are_thinned_out(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    struct ts_assess_params p;
    struct ts_ratio exact;
    ts_assess_params_default(&p);
    p.boot_ms = 700;
    kit_follow(k);
    ts_ratio_begin(&exact, &p, false, k->audit->assess->since);
    uint64_t dark = 0, boots = 0;
    const uint64_t n = 5 * TS_ASSESS_RESTARTS;
    for (uint64_t i = 1; i <= n; i++) {
        struct ts_batch b;
        /* Slower than the ceiling at first: the alarm lies among those that are thinned. */
        uint64_t ms = i < 50 ? 40 * 86400000ull : 600 + i % 900;
        struct audit_step s = next_step(k->audit, &b, ms);
        struct ts_lifecycle_event t = {.kind = TS_STARTED,
                                       .enclave_id = *tn_id(k->net, i % 2),
                                       .time = b.header.time,
                                       .batch_number = k->audit->number};
        struct assess_enclave *e = assess_find(k->audit->assess, &t.enclave_id);
        dark += b.header.time - e->dark_from;
        boots += (b.header.time - e->dark_from) / p.boot_ms;
        assess_started(&s, &t);
        ts_ratio_restart(&exact, b.header.time, k->audit->number, i);
        assert_true(k->audit->assess->n_list <= TS_ASSESS_RESTARTS);
    }
    struct ts_assessment *x = ts_assess(k->audit, &p);
    struct ts_likelihood want = ts_ratio_at(&exact, x->time);
    assert_int_equal(x->restarts, n);
    assert_int_equal(x->raw.n, n);
    assert_true(x->raw.log_ratio == want.log_ratio);
    assert_true(x->raw.alarm && want.alarm);
    assert_true(x->raw.alarm_at >= want.alarm_at && x->raw.alarm_at < want.alarm_at + n / 2048 + 2);
    assert_int_equal(of(x, k, 0)->restarts + of(x, k, 1)->restarts, n);
    assert_int_equal(x->exposure.dark_ms, dark);
    assert_true(x->exposure.boots >= boots); /* still a bound */
    assert_true(x->merged.n <= n && x->merged.n > 0);
    ts_assessment_free(x);
    kit_free(k);
}

static void more_enclaves_than_fit_are_forgotten_from_the_front(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(2);
    kit_follow(k);
    struct ts_audit *a = k->audit;
    for (unsigned i = 0; i < 2 * TS_ASSESS_ENCLAVES; i++) {
        struct ts_batch b;
        struct audit_step s = next_step(a, &b, 1000);
        /* The one before leaves, another comes, and is started twice. */
        a->enclaves[0] = a->enclaves[1];
        a->enclaves[0].is_listed = false;
        a->enclaves[1] = (struct audit_enclave){.is_listed = true};
        a->enclaves[1].id.b[0] = (uint8_t)(i * 37);
        a->enclaves[1].id.b[1] = (uint8_t)(i >> 8);
        a->enclaves[1].id.b[19] = 1;
        assess_listed(&s);
        struct ts_lifecycle_event t = {
            .enclave_id = a->enclaves[1].id, .time = b.header.time, .batch_number = a->number};
        assess_started(&s, &t);
        assess_started(&s, &t);
        assert_true(a->assess->n_enclaves <= TS_ASSESS_ENCLAVES);
        assert_non_null(assess_find(a->assess, &a->enclaves[1].id));
    }
    struct ts_assessment *x = assess(k);
    assert_int_equal(x->n, TS_ASSESS_ENCLAVES);
    assert_int_equal(x->restarts, 2 * TS_ASSESS_ENCLAVES); /* also of those forgotten */
    assert_int_equal(x->raw.n, x->restarts);
    for (size_t i = 1; i < x->n; i++)
        assert_true(ts_address_compare(&x->enclaves[i - 1].id, &x->enclaves[i].id) < 0);
    ts_assessment_free(x);
    kit_free(k);
}

static void what_cannot_be_seen_is_told(void **state)
{
    (void)state;
    size_t n = 0;
    const struct ts_unseen *u = ts_assess_unseen(&n);
    unsigned rows = 0;
    for (size_t i = 0; i < n; i++) {
        rows |= 1u << u[i].row;
        size_t length = strlen(u[i].what);
        assert_true(length > 20 && u[i].what[length - 1] == '.');
    }
    assert_int_equal(rows & (1u << 4 | 1u << 20 | 1u << 21), 1u << 4 | 1u << 20 | 1u << 21);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_held_against_who_does_nothing),
        cmocka_unit_test(a_crash_is_a_takeover_a_silence_and_a_window),
        cmocka_unit_test(a_planned_switch_is_a_clean_takeover),
        cmocka_unit_test(what_is_removed_keeps_its_history),
        cmocka_unit_test(who_never_started_is_starting_and_dark),
        cmocka_unit_test(of_silences_as_long_the_first_is_told),
        cmocka_unit_test(lags_are_counted),
        cmocka_unit_test(proofs_about_the_operator_are_counted),
        cmocka_unit_test(incidents_are_counted_once_across_enclaves),
        cmocka_unit_test(an_incident_ends_with_its_window),
        cmocka_unit_test(the_shortest_boot_that_was_seen_counts),
        cmocka_unit_test(who_joins_late_or_restarts_has_the_same_figures),
        cmocka_unit_test(more_restarts_than_fit_are_thinned_out),
        cmocka_unit_test(more_enclaves_than_fit_are_forgotten_from_the_front),
        cmocka_unit_test(what_cannot_be_seen_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
