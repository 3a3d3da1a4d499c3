/* SPDX-License-Identifier: Apache-2.0 */
/* The checkers that follow lines, I5, I6, I7, I10, I11 and I12: each with a trace that is good and
 * with those that are not. */
#include "unit.h"

#include <string.h>

#include "sim/check_line.h"
#include "simkit.h"
#include "tenseq/finding.h"

/* Three enclaves at work, with the first batch told. */
static struct simkit *world(const struct sim_checker *checker)
{
    struct simkit *k = sk_new(3, checker);
    tn_start(k->net);
    sk_lines(k, 1);
    sk_good(k);
    return k;
}

/* A line with a takeover, a restart, a planned switch and a whitelist change is good to it. */
static void an_eventful_line(const struct sim_checker *checker)
{
    struct simkit *k = sk_new_with(
        (struct tn_options){.enclaves = 4, .whitelisted = 3, .report_every = 2}, checker);
    tn_start(k->net);
    tn_run(k->net, 3);
    tn_crash(k->net, 0);
    tn_activate(k->net, 1);
    tn_run(k->net, 3);
    tn_boot(k->net, 0);
    tn_run(k->net, 2);
    tn_step_down(k->net, 1);
    tn_activate(k->net, 2);
    tn_whitelist_add(k->net, 3);
    tn_whitelist_remove(k->net, 0);
    tn_run(k->net, 2);
    tn_boot(k->net, 3);
    tn_run(k->net, 3);
    sk_lines(k, 1);
    sk_tell(k, (struct sim_event){.kind = SIM_OVER});
    sk_good(k);
    sk_free(k);
}

static void good_lines(void **state)
{
    (void)state;
    an_eventful_line(&sim_check_i5);
    an_eventful_line(&sim_check_i6);
    an_eventful_line(&sim_check_i7);
    an_eventful_line(&sim_check_i10);
    an_eventful_line(&sim_check_i11);
    an_eventful_line(&sim_check_i12);
}

/* What a draft by 0, changed by nobody yet, is told as. */
static void tell_draft(struct simkit *k, struct tn_draft *d)
{
    sk_line(k, sk_sealed(k, d));
}

/* ---- I5 ---- */

static void i5_two_producers(void **state)
{
    struct simkit *k = world(&sim_check_i5);
    (void)state;
    struct tn_draft *d = tn_draft(k->net, 0);
    d->header.producer = *tn_id(k->net, 1);
    tell_draft(k, d);
    sk_bad(k, "I5", "batch 2 of the host's line is by another enclave");
    sk_free(k);
}

static void i5_a_term_without_active(void **state)
{
    struct simkit *k = world(&sim_check_i5);
    (void)state;
    struct tn_draft *d = tn_draft(k->net, 0);
    d->header.term++;
    tell_draft(k, d);
    sk_bad(k, "I5", "begins term 2");
    sk_free(k);
}

static void i5_an_active_that_is_void(void **state)
{
    struct simkit *k = world(&sim_check_i5);
    (void)state;
    tn_activate(k->net, 1);
    struct tn_draft *d = tn_draft(k->net, 1);
    tn_transition_of(k->net, d, 1)->batch_head = (ts_hash){{1}};
    tell_draft(k, d);
    sk_bad(k, "I5", "no Active of its producer with that term took effect");
    sk_free(k);
}

static void i5_terms_fall(void **state)
{
    struct simkit *k = world(&sim_check_i5);
    (void)state;
    struct tn_draft *d = tn_draft(k->net, 0);
    d->header.term--;
    tell_draft(k, d);
    sk_bad(k, "I5", "terms never fall");
    sk_free(k);
}

/* ---- I6 ---- */

static void i6_one_left_out(void **state)
{
    struct simkit *k = world(&sim_check_i6);
    (void)state;
    struct tn_draft *d = tn_draft(k->net, 0);
    d->payload.n_reports--;
    tell_draft(k, d);
    sk_bad(k, "I6", "leaves out an enclave");
    sk_free(k);
}

static void i6_one_twice(void **state)
{
    struct simkit *k = world(&sim_check_i6);
    (void)state;
    struct tn_draft *d = tn_draft(k->net, 0);
    d->payload.reports[2] = d->payload.reports[1];
    tell_draft(k, d);
    sk_bad(k, "I6", "accounts for an enclave twice");
    sk_free(k);
}

static void i6_report_and_absent(void **state)
{
    struct simkit *k = world(&sim_check_i6);
    (void)state;
    struct tn_draft *d = tn_draft(k->net, 0);
    d->absent[d->payload.n_absent++] = *tn_id(k->net, 1);
    tell_draft(k, d);
    sk_bad(k, "I6", "accounts for an enclave twice");
    sk_free(k);
}

static void i6_the_producer_is_absent(void **state)
{
    struct simkit *k = world(&sim_check_i6);
    (void)state;
    struct tn_draft *d = tn_draft(k->net, 0);
    tn_leave_out(k->net, d, 0);
    tell_draft(k, d);
    sk_bad(k, "I6", "no report of its producer");
    sk_free(k);
}

static void i6_a_removed_one_reports(void **state)
{
    struct simkit *k = world(&sim_check_i6);
    (void)state;
    struct ts_restart_event gone = tn_report(k->net, 2);
    tn_whitelist_remove(k->net, 2);
    struct tn_draft *d = tn_draft(k->net, 0);
    d->payload.reports[d->payload.n_reports++] = gone;
    tell_draft(k, d);
    sk_bad(k, "I6", "not on the whitelist");
    sk_free(k);
}

static void i6_reports_out_of_turn(void **state)
{
    struct simkit *k =
        sk_new_with((struct tn_options){.enclaves = 3, .report_every = 5}, &sim_check_i6);
    (void)state;
    tn_start(k->net);
    sk_lines(k, 1);
    struct tn_draft *d = tn_draft(k->net, 0);
    assert_int_equal(d->payload.n_reports, 0);
    d->payload.reports[d->payload.n_reports++] = tn_report(k->net, 0);
    tell_draft(k, d);
    sk_bad(k, "I6", "is none that reports");
    sk_free(k);
}

/* Every fifth batch reports: one that does not is found. */
static void i6_no_report_in_turn(void **state)
{
    struct simkit *k =
        sk_new_with((struct tn_options){.enclaves = 3, .report_every = 2}, &sim_check_i6);
    (void)state;
    tn_start(k->net);
    sk_lines(k, 1);
    struct tn_draft *d = tn_draft(k->net, 0);
    d->payload.n_reports = 0;
    tell_draft(k, d);
    sk_bad(k, "I6", "leaves out an enclave");
    sk_free(k);
}

static void i6_a_wrong_notice(void **state)
{
    struct simkit *k = world(&sim_check_i6);
    (void)state;
    struct tn_draft *d = tn_draft(k->net, 0);
    ts_address there = *tn_id(k->net, 1);
    tn_set_change(d, &(struct ts_whitelist_change){.added = &there, .n_added = 1});
    tell_draft(k, d);
    sk_bad(k, "I6", "adds an enclave that is on the whitelist");
    sk_free(k);
}

/* ---- I7 ---- */

static void i7_change(void (*change)(struct ts_lifecycle_event *), const char *text)
{
    struct simkit *k = world(&sim_check_i7);
    tn_crash(k->net, 1);
    tn_boot(k->net, 1);
    struct tn_draft *d = tn_draft(k->net, 0);
    change(tn_transition_of(k->net, d, 1));
    tell_draft(k, d);
    sk_bad(k, "I7", text);
    sk_free(k);
}

static void skip_one(struct ts_lifecycle_event *t)
{
    t->seq++;
}

static void other_prev(struct ts_lifecycle_event *t)
{
    t->prev.b[5] ^= 1;
}

static void no_start(struct ts_lifecycle_event *t)
{
    t->kind = TS_PASSIVE;
}

static void i7_links(void **state)
{
    (void)state;
    i7_change(skip_one, "not numbered one above");
    i7_change(other_prev, "does not name the hash");
    i7_change(no_start, "did not begin with Started");
}

static void i7_started_twice(void **state)
{
    struct simkit *k = world(&sim_check_i7);
    struct ts_batch *first;
    (void)state;
    tn_crash(k->net, 1);
    tn_boot(k->net, 1);
    struct tn_draft *d = tn_draft(k->net, 0);
    assert_int_equal(ts_batch_parse(tn_raw(k->net, 1), TS_MAX_BATCH_BYTES, &first), TS_OK);
    for (size_t i = 0; i < first->payload.n_transitions; i++) {
        if (ts_address_equal(&first->payload.transitions[i].enclave_id, tn_id(k->net, 1)))
            tn_transition_of(k->net, d, 1)->boot_id = first->payload.transitions[i].boot_id;
    }
    ts_batch_free(first);
    tell_draft(k, d);
    sk_bad(k, "I7", "second Started of one boot");
    sk_free(k);
}

/* ---- I10 ---- */

static void i10_a_stranger(void **state)
{
    struct simkit *k =
        sk_new_with((struct tn_options){.enclaves = 4, .whitelisted = 3}, &sim_check_i10);
    (void)state;
    tn_start(k->net);
    sk_lines(k, 1);
    struct tn_draft *d = tn_draft(k->net, 0);
    d->header.producer = *tn_id(k->net, 3);
    tell_draft(k, d);
    sk_bad(k, "I10", "which is not on the whitelist");
    sk_free(k);
}

static void i10_removed_by_its_own_batch(void **state)
{
    struct simkit *k = world(&sim_check_i10);
    (void)state;
    tn_whitelist_remove(k->net, 0);
    tell_draft(k, tn_draft(k->net, 0));
    sk_bad(k, "I10", "which is not on the whitelist");
    sk_free(k);
}

/* The promise stands at nodes of a lying operator. */
static void i10_at_a_node(void **state)
{
    struct simkit *k = world(&sim_check_i10);
    (void)state;
    k->setting.is_honest = false;
    tn_whitelist_remove(k->net, 0);
    const struct sim_batch *b = sk_sealed(k, tn_draft(k->net, 0));
    sk_batch(k, SIM_BROADCAST, -1, b);
    sk_batch(k, SIM_COMMITTED, -1, b);
    sk_good(k);
    sk_batch(k, SIM_NODE_TAKES, 1, b);
    sk_bad(k, "I10", "batch 2 of node 1's line");
    sk_free(k);
}

/* ---- I11 ---- */

static void i11_wrong(void (*change)(struct tn_draft *), const char *text)
{
    struct simkit *k = world(&sim_check_i11);
    struct ts_buf raw;
    ts_buf_init(&raw, 0);
    ts_bytes tx = sk_transfer(k, 0, &raw);
    struct tn_draft *d = tn_draft(k->net, 0);
    sk_put_txs(k, d, &tx, 1);
    change(d);
    tell_draft(k, d);
    sk_bad(k, "I11", text);
    ts_buf_free(&raw);
    sk_free(k);
}

static void other_root(struct tn_draft *d)
{
    d->header.state_root.b[0] ^= 1;
}

static void no_txs(struct tn_draft *d)
{
    d->n_txs = 0;
}

static void other_tx_root(struct tn_draft *d)
{
    d->keep_tx_root = true;
    d->header.tx_root.b[0] ^= 1;
}

static void other_parent(struct tn_draft *d)
{
    d->header.parent_hash.b[0] ^= 1;
}

static void twice_the_same(struct tn_draft *d)
{
    static ts_bytes two[2];
    two[0] = two[1] = d->txs[0];
    d->txs = two;
    d->n_txs = 2;
}

static void i11_roots_and_links(void **state)
{
    (void)state;
    i11_wrong(other_root, "not the state root that its transactions give");
    i11_wrong(no_txs, "no transactions and another state root");
    i11_wrong(other_tx_root, "not the transaction root");
    i11_wrong(other_parent, "does not name the hash of the one before");
    i11_wrong(twice_the_same, "a transaction that cannot stand there");
}

static void i11_another_hash(void **state)
{
    struct simkit *k = world(&sim_check_i11);
    (void)state;
    struct sim_batch b = *sk_sealed(k, tn_draft(k->net, 0));
    b.hash.b[3] ^= 1;
    sk_batch(k, SIM_COMMITTED, -1, &b);
    sk_bad(k, "I11", "another hash than it goes by");
    sk_free(k);
}

/* Nodes of a liar follow two lines: both are executed, each on its own parent. */
static void i11_two_lines(void **state)
{
    struct simkit *k = world(&sim_check_i11);
    struct ts_buf raw[2];
    (void)state;
    k->setting.is_honest = false;
    for (uint64_t i = 0; i < 2; i++) {
        ts_buf_init(&raw[i], 0);
        ts_bytes tx = sk_transfer(k, 0, &raw[i]);
        struct tn_draft *d = tn_draft(k->net, 0);
        sk_put_txs(k, d, &tx, 1);
        d->header.time += i;
        sk_batch(k, SIM_NODE_TAKES, (int)i, sk_sealed(k, d));
    }
    sk_good(k);
    struct tn_draft *d = tn_draft(k->net, 0);
    d->header.time += 9;
    d->header.state_root.b[0] ^= 1;
    sk_batch(k, SIM_NODE_TAKES, 1, sk_sealed(k, d)); /* it turns to a third */
    sk_bad(k, "I11", "batch 2 of node 1's line");
    ts_buf_free(&raw[0]);
    ts_buf_free(&raw[1]);
    sk_free(k);
}

/* That an enclave executes wrongly excuses nobody: the others refuse what it makes. */
static void i11_a_broken_enclave(void **state)
{
    struct simkit *k = world(&sim_check_i11);
    (void)state;
    k->setting.broken[0] = true;
    struct tn_draft *d = tn_draft(k->net, 0);
    other_root(d);
    tell_draft(k, d);
    sk_bad(k, "I11", "another state root");
    sk_free(k);
}

/* ---- I12 ---- */

static void i12_nodes_differ(void **state)
{
    struct simkit *k = world(&sim_check_i12);
    (void)state;
    struct tn_draft *d = tn_draft(k->net, 0);
    sk_batch(k, SIM_NODE_TAKES, 0, sk_sealed(k, d));
    d->header.time++;
    sk_batch(k, SIM_NODE_TAKES, 1, sk_sealed(k, d));
    sk_bad(k, "I12", "batch 2 is not the same to everyone");
    sk_free(k);
}

static void i12_evidence(void **state)
{
    struct simkit *k = world(&sim_check_i12);
    (void)state;
    struct tn_draft *d = tn_draft(k->net, 0);
    sk_line(k, sk_sealed(k, d));
    d->header.time++;
    d->sealer = 1; /* no seal of the producer's: it proves nothing */
    sk_batch(k, SIM_NODE_EVIDENCE, 0, sk_sealed(k, d));
    sk_good(k);
    d->sealer = 0;
    sk_batch(k, SIM_NODE_EVIDENCE, 0, sk_sealed(k, d));
    sk_bad(k, "I12", "node 0 keeps a second batch 2");
    sk_free(k);
}

static void finding(struct simkit *k, enum ts_severity severity, enum ts_about about)
{
    struct ts_finding f = {.severity = severity, .about = about, .text = "two seals"};
    sk_tell(k, (struct sim_event){.kind = SIM_FINDING, .who = 1, .finding = &f});
}

static void i12_findings(void **state)
{
    struct simkit *k = world(&sim_check_i12);
    (void)state;
    finding(k, TS_SEVERITY_OMISSION, TS_ABOUT_OPERATOR);
    finding(k, TS_SEVERITY_PROOF, TS_ABOUT_PEER);
    sk_good(k);
    finding(k, TS_SEVERITY_PROOF, TS_ABOUT_OPERATOR);
    sk_bad(k, "I12", "node 1 has a proof against an honest operator: two seals");
    sk_free(k);
}

static void i12_a_liar_is_found(void **state)
{
    struct simkit *k = world(&sim_check_i12);
    (void)state;
    k->setting.is_honest = false;
    finding(k, TS_SEVERITY_PROOF, TS_ABOUT_OPERATOR);
    sk_good(k);
    sk_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lines),
        cmocka_unit_test(i5_two_producers),
        cmocka_unit_test(i5_a_term_without_active),
        cmocka_unit_test(i5_an_active_that_is_void),
        cmocka_unit_test(i5_terms_fall),
        cmocka_unit_test(i6_one_left_out),
        cmocka_unit_test(i6_one_twice),
        cmocka_unit_test(i6_report_and_absent),
        cmocka_unit_test(i6_the_producer_is_absent),
        cmocka_unit_test(i6_a_removed_one_reports),
        cmocka_unit_test(i6_reports_out_of_turn),
        cmocka_unit_test(i6_no_report_in_turn),
        cmocka_unit_test(i6_a_wrong_notice),
        cmocka_unit_test(i7_links),
        cmocka_unit_test(i7_started_twice),
        cmocka_unit_test(i10_a_stranger),
        cmocka_unit_test(i10_removed_by_its_own_batch),
        cmocka_unit_test(i10_at_a_node),
        cmocka_unit_test(i11_roots_and_links),
        cmocka_unit_test(i11_another_hash),
        cmocka_unit_test(i11_two_lines),
        cmocka_unit_test(i11_a_broken_enclave),
        cmocka_unit_test(i12_nodes_differ),
        cmocka_unit_test(i12_evidence),
        cmocka_unit_test(i12_findings),
        cmocka_unit_test(i12_a_liar_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
