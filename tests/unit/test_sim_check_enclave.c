/* SPDX-License-Identifier: Apache-2.0 */
/* The checkers that listen to enclaves, I2 and I8: each with a trace that is good and with those
 * that are not. That honest histories of all kinds are good to them is in test_sim_check.c. */
#include "unit.h"

#include "sim/check_line.h"
#include "simkit.h"

/* Enclave 1 has answered when it started and at batches 1 and 2. */
static struct simkit *world(const struct sim_checker *checker)
{
    struct simkit *k = sk_new(3, checker);
    sk_tell(k, (struct sim_event){.kind = SIM_BOOT, .who = 1});
    for (size_t i = 0; i < 3; i++)
        tn_boot(k->net, i);
    sk_events(k, 1, NULL); /* Started */
    tn_activate(k->net, 0);
    tn_run(k->net, 1);
    sk_events(k, 1, sk_published(k, 1));
    sk_lines(k, 1);
    tn_run(k->net, 1);
    sk_events(k, 1, sk_published(k, 2));
    sk_lines(k, 2);
    sk_good(k);
    return k;
}

static void head_goes_to(struct simkit *k, const struct sim_batch *b, uint64_t state)
{
    struct ts_msg request = {.type = TS_MSG_ACCEPT, .u.accept.batch = b->b->raw};
    struct ts_msg msg = {.type = TS_MSG_ACCEPT};
    msg.u.events = (struct ts_msg_events){.state = state, .head = {b->number, b->hash}};
    sk_answer(k, 1, msg, &request, NULL); /* the checker decodes it itself */
}

/* ---- I2 ---- */

static void i2_children(void **state)
{
    struct simkit *k = world(&sim_check_i2);
    (void)state;
    tn_run(k->net, 3);
    for (uint64_t n = 3; n <= 5; n++)
        head_goes_to(k, sk_published(k, n), TS_ENC_PASSIVE);
    sk_events(k, 1, NULL);
    sk_good(k);
    sk_free(k);
}

static void i2_a_sibling(void **state)
{
    struct simkit *k = world(&sim_check_i2);
    (void)state;
    struct tn_draft *d = tn_draft(k->net, 0);
    head_goes_to(k, sk_sealed(k, d), TS_ENC_PASSIVE);
    sk_good(k);
    d->header.time++;
    head_goes_to(k, sk_sealed(k, d), TS_ENC_VALIDATING); /* removed ones are held to it too */
    sk_bad(k, "I2", "which is not its child");
    sk_free(k);
}

static void i2_a_jump(void **state)
{
    struct simkit *k = world(&sim_check_i2);
    (void)state;
    tn_run(k->net, 2);
    head_goes_to(k, sk_published(k, 4), TS_ENC_PASSIVE);
    sk_bad(k, "I2", "from batch 2 to batch 4, which is not its child");
    sk_free(k);
}

static void i2_for_no_reason(void **state)
{
    struct simkit *k = world(&sim_check_i2);
    (void)state;
    tn_run(k->net, 1);
    sk_events(k, 1, NULL); /* asked for a report */
    sk_bad(k, "I2", "which it was not given");
    sk_free(k);
}

static void i2_identify_and_load(void **state)
{
    struct simkit *k = world(&sim_check_i2);
    (void)state;
    const struct sim_batch *b = sk_published(k, 2);
    struct ts_msg msg = {.type = TS_MSG_IDENTIFY};
    msg.u.identity.state = TS_ENC_PASSIVE;
    msg.u.identity.head = (struct ts_msg_head){b->number, b->hash};
    sk_answer(k, 1, msg, NULL, NULL);
    sk_good(k);
    b = sk_published(k, 1);
    msg = (struct ts_msg){.type = TS_MSG_LOAD, .u.head = {b->number, b->hash}};
    sk_answer(k, 1, msg, NULL, NULL);
    sk_bad(k, "I2", "from batch 2 to batch 1");
    sk_free(k);
}

static void i2_a_new_boot_may(void **state)
{
    struct simkit *k = world(&sim_check_i2);
    (void)state;
    const struct sim_batch *b = sk_published(k, 1);
    sk_tell(k, (struct sim_event){.kind = SIM_BOOT, .who = 1});
    sk_answer(k, 1, (struct ts_msg){.type = TS_MSG_LOAD, .u.head = {b->number, b->hash}}, NULL,
              NULL);
    head_goes_to(k, sk_published(k, 2), TS_ENC_SYNCING);
    sk_answer(k, 1, (struct ts_msg){.type = TS_MSG_LOAD, .u.head = {b->number, b->hash}}, NULL,
              NULL);
    sk_good(k);
    sk_free(k);
}

static void created(struct simkit *k, const struct sim_batch *b, bool fresh)
{
    struct ts_msg msg = {.type = TS_MSG_CREATE};
    msg.u.created = (struct ts_msg_created){.batch = b->b->raw, .fresh = fresh};
    sk_answer(k, 0, msg, NULL, b);
}

static void i2_two_seals(void **state)
{
    struct simkit *k = world(&sim_check_i2);
    (void)state;
    struct tn_draft *d = tn_draft(k->net, 0);
    const struct sim_batch *first = sk_sealed(k, d);
    created(k, first, true);
    created(k, first, false);
    struct ts_msg offers = {.type = TS_MSG_OFFERS};
    ts_bytes raw = first->b->raw;
    offers.u.offered = (struct ts_msg_offered){.batches = &raw, .n = 1};
    sk_answer(k, 0, offers, NULL, NULL);
    sk_good(k);
    tn_leave_out(k->net, d, 2); /* the same header, another payload */
    raw = sk_sealed(k, d)->b->raw;
    sk_answer(k, 0, offers, NULL, NULL);
    sk_bad(k, "I2", "enclave 0 has sealed two batches on one parent");
    sk_free(k);
}

/* ---- I8 ---- */

/* Enclave 1 is activated, which its answer shows. */
static struct simkit *activated(void)
{
    struct simkit *k = world(&sim_check_i8);
    tn_activate(k->net, 1);
    sk_events(k, 1, NULL);
    sk_good(k);
    return k;
}

static void i8_published(void **state)
{
    struct simkit *k = activated();
    (void)state;
    tn_run(k->net, 6);
    sk_lines(k, 3);
    sk_tell(k, (struct sim_event){.kind = SIM_OVER});
    sk_good(k);
    sk_free(k);
}

/* It goes on with 0, and 1 is absent: that shows. */
static void i8_silent(void **state)
{
    struct simkit *k = activated();
    (void)state;
    tn_cut(k->net, 1);
    tn_run(k->net, 8);
    sk_lines(k, 3);
    sk_tell(k, (struct sim_event){.kind = SIM_OVER});
    sk_good(k);
    sk_free(k);
}

/* A report at a newer head, and no Active. */
static void i8_hidden(void **state)
{
    struct simkit *k = activated();
    (void)state;
    tn_cut(k->net, 1);
    tn_run(k->net, 1);
    struct tn_draft *d = tn_draft(k->net, 0);
    struct ts_restart_event r = tn_report(k->net, 1);
    r.seq = 1;
    r.current_batch_number = 3;
    d->payload.reports[d->payload.n_reports++] = r;
    sk_lines(k, 3);
    sk_good(k);
    sk_line(k, sk_sealed(k, d));
    sk_bad(k, "I8", "the Active it had signed at head 2 is not published");
    sk_free(k);
}

/* A report at the same head that names it, and no Active. */
static void i8_named_and_hidden(void **state)
{
    struct simkit *k = activated();
    (void)state;
    tn_cut(k->net, 1);
    struct tn_draft *d = tn_draft(k->net, 0);
    d->payload.reports[d->payload.n_reports++] = tn_report(k->net, 1);
    sk_line(k, sk_sealed(k, d));
    sk_bad(k, "I8", "the Active it had signed at head 2 is not published");
    sk_free(k);
}

/* An older report, signed before, may come later. */
static void i8_signed_before(void **state)
{
    struct simkit *k = world(&sim_check_i8);
    (void)state;
    struct ts_restart_event r = tn_report(k->net, 1);
    tn_activate(k->net, 1);
    sk_events(k, 1, NULL);
    tn_cut(k->net, 1);
    struct tn_draft *d = tn_draft(k->net, 0);
    d->payload.reports[d->payload.n_reports++] = r;
    sk_line(k, sk_sealed(k, d));
    sk_good(k);
    sk_free(k);
}

/* The enclave itself leaves its Active out of its report. */
static void i8_an_enclave_hides(void **state)
{
    struct simkit *k = activated();
    (void)state;
    struct ts_msg msg = {.type = TS_MSG_REPORT};
    msg.u.events = (struct ts_msg_events){.state = TS_ENC_ACTIVE, .has_report = true};
    msg.u.events.report = tn_report(k->net, 1);
    msg.u.events.report.seq--;
    sk_answer(k, 1, msg, NULL, NULL);
    sk_bad(k, "I8", "enclave 1 reports transition 1 as its newest and has signed 2");
    sk_free(k);
}

/* It claims an old position in its reports, so that only the end shows it; unless its boot ended.
 */
static void hidden_to_the_end(bool ends)
{
    struct simkit *k = activated();
    tn_cut(k->net, 1);
    for (int i = 0; i < 8; i++) {
        struct tn_draft *d = tn_draft(k->net, 0);
        struct ts_restart_event r = tn_report(k->net, 1);
        r.seq = 1;
        r.current_batch_number = 2;
        d->payload.reports[d->payload.n_reports++] = r;
        sk_line(k, sk_sealed(k, d));
        d->payload.n_reports--;
        tn_publish(k->net, d);
    }
    sk_good(k);
    if (ends)
        sk_tell(k, (struct sim_event){.kind = SIM_END, .who = 1});
    sk_tell(k, (struct sim_event){.kind = SIM_OVER});
    if (ends)
        sk_good(k);
    else
        sk_bad(k, "I8", "was never published");
    sk_free(k);
}

static void i8_at_the_end(void **state)
{
    (void)state;
    hidden_to_the_end(false);
    hidden_to_the_end(true);
}

/* A node that is behind takes what it reported long before it signed: that hides nothing. */
static void i8_a_node_is_behind(void **state)
{
    struct simkit *k = world(&sim_check_i8);
    (void)state;
    tn_run(k->net, 8);
    for (uint64_t n = 3; n <= 10; n++)
        sk_batch(k, SIM_COMMITTED, -1, sk_published(k, n));
    tn_activate(k->net, 1);
    sk_events(k, 1, NULL);
    for (uint64_t n = 3; n <= 10; n++)
        sk_batch(k, SIM_NODE_TAKES, 1, sk_published(k, n));
    sk_tell(k, (struct sim_event){.kind = SIM_OVER});
    sk_good(k);
    sk_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i2_children),
        cmocka_unit_test(i2_a_sibling),
        cmocka_unit_test(i2_a_jump),
        cmocka_unit_test(i2_for_no_reason),
        cmocka_unit_test(i2_identify_and_load),
        cmocka_unit_test(i2_a_new_boot_may),
        cmocka_unit_test(i2_two_seals),
        cmocka_unit_test(i8_published),
        cmocka_unit_test(i8_silent),
        cmocka_unit_test(i8_hidden),
        cmocka_unit_test(i8_named_and_hidden),
        cmocka_unit_test(i8_signed_before),
        cmocka_unit_test(i8_an_enclave_hides),
        cmocka_unit_test(i8_at_the_end),
        cmocka_unit_test(i8_a_node_is_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
