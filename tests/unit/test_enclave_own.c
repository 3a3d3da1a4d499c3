/* SPDX-License-Identifier: Apache-2.0 */
/* The own chain of transitions: Started, Active, Passive, reports, removal, and copies. */
#include <string.h>

#include "enclave_kit.h"

static const struct ts_registry_entry *entry_of(const struct ek *k, size_t i)
{
    const struct ts_registry_entry *e = ts_registry_find(&k->chain.registry, &k->enclaves[i].id);
    assert_non_null(e);
    return e;
}

/* n enclaves, all listed and PASSIVE, 0 active with a batch published. */
static struct ek *running(size_t n)
{
    struct ek *k = ek_open(n, n);
    for (size_t i = 0; i < n; i++)
        ek_start(k, i);
    ek_promote(k, 0);
    ek_run(k, 0, 1);
    return k;
}

static void started_names_the_head_and_the_start_of_the_process(void **state)
{
    (void)state;
    struct ek *k = running(2);
    ek_run(k, 0, 2);
    k->now = 500; /* an early clock: the time is lifted to the head's */
    ek_start(k, 1);
    struct ts_msg m = ek_plain(k, 1, TS_MSG_REPORT);
    assert_int_equal(m.u.events.n_transitions, 1);
    const struct ts_lifecycle_event *s = &m.u.events.transitions[0];
    assert_int_equal(s->kind, TS_STARTED);
    assert_int_equal(s->term, 0);
    assert_int_equal(s->seq, 2); /* behind the earlier boot's */
    assert_memory_equal(&s->prev, &entry_of(k, 1)->tip_hash, 32);
    assert_int_equal(s->time, k->chain.head.time);
    assert_memory_equal(&s->batch_head, &k->chain.head.hash, 32);
    assert_int_equal(ts_transition_verify(k->crypto, &k->genesis.domain, s), TS_OK);
    ek_close(k);
}

static void synced_again_signs_nothing_more(void **state)
{
    (void)state;
    struct ek *k = running(2);
    ek_start(k, 1);
    struct ts_msg first = ek_plain(k, 1, TS_MSG_REPORT);
    struct ts_msg again = ek_synced(k, 1);
    assert_int_equal(again.u.events.n_transitions, 1);
    assert_memory_equal(first.u.events.transitions, again.u.events.transitions,
                        sizeof(*again.u.events.transitions));
    ek_close(k);
}

static void a_report_is_the_same_for_the_same_head_and_tip(void **state)
{
    (void)state;
    struct ek *k = running(2);
    struct ts_msg a = ek_plain(k, 1, TS_MSG_REPORT);
    struct ts_msg b = ek_plain(k, 1, TS_MSG_REPORT);
    assert_memory_equal(&a.u.events.report, &b.u.events.report, sizeof(a.u.events.report));
    const struct ts_restart_event *r = &a.u.events.report;
    assert_int_equal(ts_report_verify(k->crypto, &k->genesis.domain, r), TS_OK);
    assert_int_equal(r->last_restart_time, entry_of(k, 1)->restart_time);
    assert_memory_equal(&r->batch_head_at_restart, &entry_of(k, 1)->restart_head, 32);
    assert_int_equal(r->seq, entry_of(k, 1)->tip_seq);
    assert_int_equal(r->current_batch_number, 1);
    ek_run(k, 0, 1);
    b = ek_plain(k, 1, TS_MSG_REPORT);
    assert_int_equal(b.u.events.report.current_batch_number, 2);
    ek_close(k);
}

static void a_planned_switch_is_one_batch(void **state)
{
    (void)state;
    struct ek *k = running(3);
    struct ts_msg m = ek_step_down(k, 0);
    assert_code(m, TS_OK);
    assert_state(k, 0, TS_ENC_PASSIVE);
    ek_promote(k, 1);
    ek_run(k, 1, 1);
    struct ts_batch b = ek_decode(k, ek_batch(k, 2));
    assert_int_equal(b.payload.n_transitions, 2);
    assert_int_equal(b.payload.n_absent, 0);
    assert_int_equal(b.header.term, 2);
    assert_true(ts_address_equal(&k->chain.registry.active, &k->enclaves[1].id));
    /* Asked twice, it steps down once. */
    m = ek_step_down(k, 0);
    assert_code(m, TS_OK);
    assert_int_equal(m.u.events.n_transitions, 0);
    ek_close(k);
}

static void a_failover_lists_the_old_one_absent(void **state)
{
    (void)state;
    struct ek *k = running(3);
    ek_kill(k, 0);
    ek_promote(k, 2);
    ek_run(k, 2, 2);
    struct ts_batch b = ek_decode(k, ek_batch(k, 2));
    assert_int_equal(b.payload.n_absent, 1);
    assert_memory_equal(&b.payload.absent[0], &k->enclaves[0].id, 20);
    ek_start(k, 0);
    ek_run(k, 2, 1);
    b = ek_decode(k, ek_batch(k, 4));
    assert_int_equal(b.payload.n_absent, 0);
    assert_int_equal(entry_of(k, 0)->restarts, 2);
    ek_close(k);
}

/* A batch of 0 that does not carry i's Active, which would take effect over the producer's; after
 * it, it is void. */
static void go_on_without(struct ek *k, size_t i)
{
    struct ts_msg m = ek_create(k, 0, EK_ALL & ~(1u << i));
    assert_code(m, TS_OK);
    ek_publish(k, m.u.created.batch);
    ek_feed(k, i);
}

/* ---- terms ---- */

static void terms_only_grow_and_not_by_too_much(void **state)
{
    (void)state;
    struct ek *k = running(2);
    struct ts_msg m = ek_activate(k, 1, 1);
    assert_code(m, TS_E_TERM);
    m = ek_activate(k, 1, 2 + TS_TERM_STEP_MAX);
    assert_code(m, TS_E_TERM);
    m = ek_activate(k, 1, 1 + TS_TERM_STEP_MAX);
    assert_code(m, TS_OK);
    m = ek_activate(k, 1, 1 + TS_TERM_STEP_MAX); /* the same again */
    assert_code(m, TS_OK);
    assert_int_equal(m.u.events.n_transitions, 1);
    m = ek_activate(k, 1, 5);
    assert_code(m, TS_E_STATE);
    m = ek_step_down(k, 1);
    assert_code(m, TS_OK);
    m = ek_activate(k, 1, 5); /* above the chain's, not above its own */
    assert_code(m, TS_E_TERM);
    ek_close(k);
}

/* Its own newest Active of an earlier boot binds it too, though it was void. */
static void a_void_active_of_an_earlier_boot_binds(void **state)
{
    (void)state;
    struct ek *k = running(2);
    struct ts_msg m = ek_activate(k, 1, 50);
    assert_code(m, TS_OK);
    go_on_without(k, 1);
    ek_run(k, 0, 1); /* carries the Active, void, and the Passive */
    assert_int_equal(k->chain.registry.term, 1);
    ek_start(k, 1);
    m = ek_activate(k, 1, 50);
    assert_code(m, TS_E_TERM);
    m = ek_activate(k, 1, 51);
    assert_code(m, TS_OK);
    ek_close(k);
}

/* ---- overtaken and void ---- */

static void an_active_that_accepts_anothers_child_becomes_passive(void **state)
{
    (void)state;
    struct ek *k = running(3);
    ek_promote(k, 1); /* its Active will be void: 0 goes on */
    struct ts_msg m = ek_create(k, 0, 1u << 2);
    assert_code(m, TS_OK);
    ek_publish(k, m.u.created.batch);
    m = ek_accept(k, 1, ek_batch(k, 2));
    assert_code(m, TS_OK);
    assert_int_equal(m.u.events.state, TS_ENC_PASSIVE);
    assert_int_equal(m.u.events.n_transitions, 2);
    assert_int_equal(m.u.events.transitions[0].kind, TS_ACTIVE);
    assert_int_equal(m.u.events.transitions[1].kind, TS_PASSIVE);
    assert_int_equal(m.u.events.transitions[1].term, 2);
    assert_int_equal(m.u.events.transitions[1].batch_number, 2);
    ek_feed(k, 2);
    ek_run(k, 0, 1);
    struct ts_batch b = ek_decode(k, ek_batch(k, 3));
    assert_int_equal(b.payload.n_transitions, 2);
    assert_int_equal(b.payload.n_absent, 0);
    assert_int_equal(b.header.term, 1); /* the Active was void */
    assert_true(ts_address_equal(&k->chain.registry.active, &k->enclaves[0].id));
    m = ek_plain(k, 1, TS_MSG_REPORT);
    assert_int_equal(m.u.events.n_transitions, 0);
    ek_close(k);
}

/* An enclave activated in secret cannot report (V8): its silence shows. */
static void a_hidden_activation_cannot_report(void **state)
{
    (void)state;
    struct ek *k = running(3);
    ek_promote(k, 2);
    struct ts_msg req = ek_create_request(k, 0, (1u << 1) | (1u << 2));
    req.u.create.n_transitions = 0; /* the host hides it */
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_code(m, TS_E_BAD_EVENT);
    assert_true(m.u.error.has_enclave);
    assert_memory_equal(&m.u.error.enclave, &k->enclaves[2].id, 20);
    m = ek_create(k, 0, 1u << 1);
    assert_code(m, TS_OK);
    struct ts_batch b = ek_decode(k, m.u.created.batch);
    assert_int_equal(b.payload.n_absent, 1);
    ek_close(k);
}

static void at_most_eight_are_unpublished(void **state)
{
    (void)state;
    struct ek *k = running(2);
    struct ts_msg m;
    for (size_t n = 0; n < 4; n++) {
        ek_promote(k, 1);
        m = ek_step_down(k, 1);
        assert_code(m, TS_OK);
        assert_int_equal(m.u.events.n_transitions, 2 * n + 2);
    }
    m = ek_activate(k, 1, ++k->term);
    assert_code(m, TS_E_NO_ROOM);
    assert_state(k, 1, TS_ENC_PASSIVE);
    go_on_without(k, 1);
    ek_run(k, 0, 1); /* publishes all eight, void */
    assert_int_equal(ek_decode(k, ek_batch(k, 3)).payload.n_transitions, 8);
    m = ek_activate(k, 1, ++k->term);
    assert_code(m, TS_OK);
    ek_close(k);
}

/* Started and seven others: no Active that would leave no room for a Passive. */
static void room_for_a_passive_is_kept(void **state)
{
    (void)state;
    struct ek *k = running(2);
    struct ts_msg m;
    ek_start(k, 1);
    for (size_t n = 0; n < 3; n++) {
        ek_promote(k, 1);
        m = ek_step_down(k, 1);
        assert_code(m, TS_OK);
    }
    assert_int_equal(m.u.events.n_transitions, 7);
    m = ek_activate(k, 1, ++k->term);
    assert_code(m, TS_E_NO_ROOM);
    ek_close(k);
}

/* ---- earlier boots ---- */

static void assert_signed_again(const struct ek *k, const struct ts_msg_events *e,
                                const struct ts_lifecycle_event *before, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct ts_lifecycle_event *t = &e->transitions[i];
        assert_int_equal(t->kind, before[i].kind);
        assert_int_equal(t->seq, before[i].seq + 1);
        assert_int_equal(t->term, before[i].term);
        assert_int_equal(t->time, before[i].time);
        assert_memory_equal(&t->batch_head, &before[i].batch_head, 32);
        assert_memory_equal(&t->boot_id, &before[i].boot_id, 32);
        assert_memory_not_equal(&t->sig, &before[i].sig, 65);
        assert_int_equal(ts_transition_verify(k->crypto, &k->genesis.domain, t), TS_OK);
    }
}

/* An earlier boot's transition appears while the own Started is unpublished. */
static void started_is_signed_again_on_what_is_learnt(void **state)
{
    (void)state;
    struct ek *k = running(2);
    ek_start(k, 1); /* its Started is handed out to the host, */
    struct ts_msg earlier = ek_create_request(k, 0, EK_ALL);
    earlier.u.create.n_reports = 0;
    ek_start(k, 1); /* and then it starts again. */
    ek_promote(k, 1);
    struct ts_msg before = ek_plain(k, 1, TS_MSG_REPORT);
    assert_int_equal(before.u.events.n_transitions, 2);
    struct ts_msg m = ek_ask(k, 0, &earlier);
    assert_code(m, TS_OK);
    ek_publish(k, m.u.created.batch);
    m = ek_accept(k, 1, ek_batch(k, 2));
    assert_code(m, TS_OK);
    assert_int_equal(m.u.events.n_transitions, 3); /* and the Passive of the overtaken */
    assert_memory_equal(&m.u.events.transitions[0].prev, &entry_of(k, 1)->tip_hash, 32);
    assert_signed_again(k, &m.u.events, before.u.events.transitions, 2);
    ek_run(k, 0, 1);
    assert_int_equal(entry_of(k, 1)->tip_seq, 5);
    assert_int_equal(entry_of(k, 1)->restarts, 3);
    ek_run(k, 0, 1);
    ek_close(k);
}

/* While SYNCING they are simply learnt. */
static void earlier_boots_are_learnt_while_syncing(void **state)
{
    (void)state;
    struct ek *k = running(2);
    for (size_t n = 0; n < 3; n++) {
        ek_start(k, 1);
        ek_run(k, 0, 1);
    }
    ek_boot(k, 1);
    struct ts_msg m = ek_load(k, 1, NULL);
    ek_feed(k, 1);
    m = ek_plain(k, 1, TS_MSG_IDENTIFY);
    assert_int_equal(m.u.identity.tip_seq, 4);
    assert_int_equal(m.u.identity.state, TS_ENC_SYNCING);
    ek_close(k);
}

/* A batch of an earlier boot, committed after the new one started: no copy, and no halt. */
static void a_late_batch_of_an_earlier_boot_is_accepted(void **state)
{
    (void)state;
    struct ek *k = running(2);
    struct ts_msg m = ek_create(k, 0, EK_ALL); /* prepared when the enclave dies */
    assert_code(m, TS_OK);
    ts_bytes prepared = m.u.created.batch;
    ek_start(k, 0);
    ek_publish(k, prepared);
    m = ek_accept(k, 0, prepared);
    assert_code(m, TS_OK);
    assert_state(k, 0, TS_ENC_PASSIVE);
    ek_feed(k, 1);
    ek_promote(k, 1);
    ek_run(k, 1, 2);
    ek_close(k);
}

/* ---- copies ---- */

/* Enclave 1 runs twice, both from the head: both hand out a Started. */
static void a_copy_that_publishes_halts_the_other(void **state)
{
    (void)state;
    struct ek *k = running(2);
    struct ts_enclave *original = k->enclaves[1].core;
    k->enclaves[1].core = NULL;
    ek_start(k, 1);
    struct ts_enclave *copy = k->enclaves[1].core;
    struct ts_msg m = ek_create(k, 0, EK_ALL); /* carries the copy's Started */
    assert_code(m, TS_OK);
    ek_publish(k, m.u.created.batch);
    m = ek_accept(k, 1, ek_batch(k, 2));
    assert_code(m, TS_OK);
    k->enclaves[1].core = original;
    m = ek_accept(k, 1, ek_batch(k, 2));
    assert_code(m, TS_E_HALTS);
    assert_state(k, 1, TS_ENC_HALTED);
    ts_enclave_free(copy);
    ek_close(k);
}

/* The chain links only one: the copy cannot publish behind the original's Started. */
static void a_copy_cannot_link_a_second_started(void **state)
{
    (void)state;
    struct ek *k = running(2);
    struct ts_enclave *original = k->enclaves[1].core;
    k->enclaves[1].core = NULL;
    ek_start(k, 1);
    struct ts_msg stolen = ek_create_request(k, 0, EK_ALL);
    ts_enclave_free(k->enclaves[1].core);
    k->enclaves[1].core = original;
    ek_promote(k, 1);
    struct ts_msg m = ek_step_down(k, 1);
    go_on_without(k, 1);
    ek_run(k, 0, 1); /* the original's are published first */
    stolen.u.create.parent = ek_head(k);
    m = ek_ask(k, 0, &stolen);
    assert_code(m, TS_E_BAD_EVENT);
    assert_memory_equal(&m.u.error.enclave, &k->enclaves[1].id, 20);
    ek_close(k);
}

/* A child of the head under the own seal which this boot did not make. */
static void a_seal_by_the_own_key_from_elsewhere_halts(void **state)
{
    (void)state;
    struct ek *k = running(2);
    struct ts_batch b = ek_decode(k, ek_batch(k, 1));
    struct ts_msg own = ek_plain(k, 0, TS_MSG_REPORT);
    struct ts_restart_event reports[1] = {own.u.events.report};
    b.header.number = 2;
    b.header.parent_hash = k->chain.head.hash;
    b.header.time = k->now;
    b.payload = (struct ts_payload){
        .reports = reports, .n_reports = 1, .absent = &k->enclaves[1].id, .n_absent = 1};
    ts_bytes forged = ek_forge(k, &b, &k->chain.head.protocol_root);
    struct ts_msg m = ek_accept(k, 1, forged); /* it is valid */
    assert_code(m, TS_OK);
    m = ek_accept(k, 0, forged);
    assert_code(m, TS_E_HALTS);
    assert_state(k, 0, TS_ENC_HALTED);
    ek_close(k);
}

/* ---- the whitelist ---- */

static struct ts_notice change(struct ek *k, const ts_address *added, const ts_address *removed)
{
    struct ts_whitelist_change c = {.l1_number = k->chain.head.l1_number,
                                    .l1_hash = k->chain.head.l1_hash};
    struct ts_buf b;
    c.added = (ts_address *)(uintptr_t)added;
    c.n_added = added != NULL;
    c.removed = (ts_address *)(uintptr_t)removed;
    c.n_removed = removed != NULL;
    ts_buf_init(&b, 0);
    ts_whitelist_change_put(&b, &c);
    uint8_t *kept = ts_arena_alloc(&k->arena, b.n);
    assert_non_null(kept);
    memcpy(kept, b.p, b.n);
    struct ts_notice notice = {TS_NOTICE_WHITELIST, ts_bytes_of(kept, b.n)};
    ts_buf_free(&b);
    return notice;
}

/* The producer's next batch with a notice; published, and fed to all who run. */
static struct ts_batch run_with(struct ek *k, size_t producer, struct ts_notice notice,
                                unsigned with)
{
    struct ts_msg req = ek_create_request(k, producer, with);
    req.u.create.notices = &notice;
    req.u.create.n_notices = 1;
    struct ts_msg m = ek_ask(k, producer, &req);
    assert_code(m, TS_OK);
    ek_publish(k, m.u.created.batch);
    for (size_t i = 0; i < k->n; i++) {
        if (i != producer && k->enclaves[i].core != NULL)
            ek_feed(k, i);
    }
    return ek_decode(k, ek_batch(k, k->n_batches));
}

static void a_new_enclave_starts_in_the_batch_that_adds_it(void **state)
{
    (void)state;
    struct ek *k = ek_open(3, 2);
    ek_start(k, 0);
    ek_start(k, 1);
    ek_promote(k, 0);
    ek_run(k, 0, 1);
    ek_boot(k, 2);
    struct ts_msg m = ek_load(k, 2, NULL);
    ek_feed(k, 2);
    struct ts_notice notice = change(k, &k->enclaves[2].id, NULL);
    struct ts_msg req = {.type = TS_MSG_SYNCED};
    req.u.synced = (struct ts_msg_synced){.time = k->now, .notice = ts_bytes_of("x", 1)};
    m = ek_ask(k, 2, &req);
    assert_int_not_equal(ek_code(&m), TS_OK);
    assert_state(k, 2, TS_ENC_SYNCING);
    req.u.synced.notice = notice.body;
    m = ek_ask(k, 2, &req);
    assert_code(m, TS_OK);
    assert_state(k, 2, TS_ENC_PASSIVE);
    struct ts_batch b = run_with(k, 0, notice, EK_ALL);
    assert_int_equal(b.payload.n_reports, 3);
    assert_int_equal(b.payload.n_transitions, 1);
    assert_state(k, 2, TS_ENC_PASSIVE);
    ek_run(k, 0, 1);
    ek_close(k);
}

static void a_removed_passive_falls_silent_and_may_return(void **state)
{
    (void)state;
    struct ek *k = running(3);
    run_with(k, 0, change(k, NULL, &k->enclaves[1].id), (1u << 2));
    assert_state(k, 1, TS_ENC_VALIDATING);
    struct ts_msg m = ek_plain(k, 1, TS_MSG_REPORT);
    assert_false(m.u.events.has_report);
    m = ek_activate(k, 1, 9);
    assert_code(m, TS_E_STATE);
    ek_run(k, 0, 1);
    m = ek_synced(k, 1);
    assert_state(k, 1, TS_ENC_VALIDATING);
    run_with(k, 0, change(k, &k->enclaves[1].id, NULL), (1u << 2));
    m = ek_synced(k, 1);
    assert_code(m, TS_OK);
    assert_state(k, 1, TS_ENC_PASSIVE);
    assert_int_equal(m.u.events.n_transitions, 0); /* no second Started in one boot */
    ek_run(k, 0, 1);
    struct ts_batch b = ek_decode(k, ek_batch(k, k->n_batches));
    assert_int_equal(b.payload.n_reports, 3);
    assert_int_equal(entry_of(k, 1)->restarts, 1);
    ek_close(k);
}

static void a_removed_active_falls_silent_without_a_passive(void **state)
{
    (void)state;
    struct ek *k = running(3);
    struct ts_notice out = change(k, NULL, &k->enclaves[0].id);
    /* Another takes over and removes it in the same batch. */
    ek_promote(k, 1);
    run_with(k, 1, out, (1u << 2));
    assert_state(k, 0, TS_ENC_VALIDATING);
    struct ts_msg m = ek_plain(k, 0, TS_MSG_REPORT);
    assert_int_equal(m.u.events.n_transitions, 0);
    run_with(k, 1, change(k, &k->enclaves[0].id, NULL), (1u << 2));
    m = ek_synced(k, 0);
    assert_code(m, TS_OK);
    assert_int_equal(m.u.events.n_transitions, 0);
    /* An Active may follow the earlier one, with no Passive between. */
    m = ek_step_down(k, 1);
    ek_promote(k, 0);
    ek_run(k, 0, 2);
    ek_close(k);
}

static void a_producer_cannot_remove_itself(void **state)
{
    (void)state;
    struct ek *k = running(2);
    struct ts_notice notice = change(k, NULL, &k->enclaves[0].id);
    struct ts_msg req = ek_create_request(k, 0, EK_ALL);
    req.u.create.notices = &notice;
    req.u.create.n_notices = 1;
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_code(m, TS_E_V2_PRODUCER);
    assert_state(k, 0, TS_ENC_ACTIVE);
    ek_run(k, 0, 1);
    ek_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(started_names_the_head_and_the_start_of_the_process),
        cmocka_unit_test(synced_again_signs_nothing_more),
        cmocka_unit_test(a_report_is_the_same_for_the_same_head_and_tip),
        cmocka_unit_test(a_planned_switch_is_one_batch),
        cmocka_unit_test(a_failover_lists_the_old_one_absent),
        cmocka_unit_test(terms_only_grow_and_not_by_too_much),
        cmocka_unit_test(a_void_active_of_an_earlier_boot_binds),
        cmocka_unit_test(an_active_that_accepts_anothers_child_becomes_passive),
        cmocka_unit_test(a_hidden_activation_cannot_report),
        cmocka_unit_test(at_most_eight_are_unpublished),
        cmocka_unit_test(room_for_a_passive_is_kept),
        cmocka_unit_test(started_is_signed_again_on_what_is_learnt),
        cmocka_unit_test(earlier_boots_are_learnt_while_syncing),
        cmocka_unit_test(a_late_batch_of_an_earlier_boot_is_accepted),
        cmocka_unit_test(a_copy_that_publishes_halts_the_other),
        cmocka_unit_test(a_copy_cannot_link_a_second_started),
        cmocka_unit_test(a_seal_by_the_own_key_from_elsewhere_halts),
        cmocka_unit_test(a_new_enclave_starts_in_the_batch_that_adds_it),
        cmocka_unit_test(a_removed_passive_falls_silent_and_may_return),
        cmocka_unit_test(a_removed_active_falls_silent_without_a_passive),
        cmocka_unit_test(a_producer_cannot_remove_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
