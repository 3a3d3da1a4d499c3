/* SPDX-License-Identifier: Apache-2.0 */
/* The checkers of what an honest host promises, I1, I3, I4 and I9: each with a trace that is good
 * and with those that are not. */
#include "unit.h"

#include "sim/check_line.h"
#include "simkit.h"

/* Another batch in the place of the newest one of the net, which is not published. */
static const struct sim_batch *sibling(struct simkit *k, ts_time later)
{
    struct tn_draft *d = tn_draft(k->net, 0);
    d->header.time += later;
    return sk_sealed(k, d);
}

/* ---- I1 ---- */

static void i1_one_for_each_number(void **state)
{
    struct simkit *k = sk_new(3, &sim_check_i1);
    (void)state;
    tn_start(k->net);
    tn_run(k->net, 3);
    sk_lines(k, 1);
    sk_batch(k, SIM_BROADCAST, -1, sk_published(k, 2)); /* again */
    sk_good(k);
    sk_free(k);
}

static void i1_two_broadcast(void **state)
{
    struct simkit *k = sk_new(3, &sim_check_i1);
    (void)state;
    tn_start(k->net);
    sk_lines(k, 1);
    sk_batch(k, SIM_BROADCAST, -1, sibling(k, 0));
    sk_good(k);
    sk_batch(k, SIM_BROADCAST, -1, sibling(k, 1));
    sk_bad(k, "I1", "two batches with number 2 were broadcast");
    sk_free(k);
}

static void i1_two_payloads(void **state)
{
    struct simkit *k = sk_new(3, &sim_check_i1);
    (void)state;
    tn_start(k->net);
    struct tn_draft *d = tn_draft(k->net, 0);
    sk_batch(k, SIM_BROADCAST, -1, sk_sealed(k, d));
    tn_leave_out(k->net, d, 1);
    sk_batch(k, SIM_BROADCAST, -1, sk_sealed(k, d));
    sk_bad(k, "I1", "two protocol payloads");
    sk_free(k);
}

static void i1_two_committed(void **state)
{
    struct simkit *k = sk_new(3, &sim_check_i1);
    (void)state;
    tn_start(k->net);
    sk_batch(k, SIM_COMMITTED, -1, sibling(k, 0));
    sk_batch(k, SIM_COMMITTED, -1, sibling(k, 1));
    sk_bad(k, "I1", "were committed");
    sk_free(k);
}

static void i1_a_liar_promises_nothing(void **state)
{
    struct simkit *k = sk_new(3, &sim_check_i1);
    (void)state;
    k->setting.is_honest = false;
    tn_start(k->net);
    sk_batch(k, SIM_BROADCAST, -1, sibling(k, 0));
    sk_batch(k, SIM_BROADCAST, -1, sibling(k, 1));
    sk_good(k);
    sk_free(k);
}

/* ---- I3 ---- */

static void i3_durable_first(void **state)
{
    struct simkit *k = sk_new(3, &sim_check_i3);
    (void)state;
    tn_start(k->net);
    tn_run(k->net, 4);
    sk_batch(k, SIM_COMMITTED, -1, sk_published(k, 1));
    sk_batch(k, SIM_BROADCAST, -1, sk_published(k, 1));
    /* A crash between the two steps. */
    sk_batch(k, SIM_COMMITTED, -1, sk_published(k, 2));
    sk_tell(k, (struct sim_event){.kind = SIM_HOST_DOWN});
    sk_tell(k, (struct sim_event){.kind = SIM_HOST_UP});
    sk_batch(k, SIM_COMMITTED, -1, sk_published(k, 3));
    sk_batch(k, SIM_BROADCAST, -1, sk_published(k, 3));
    sk_batch(k, SIM_BROADCAST, -1, sk_published(k, 1));
    sk_good(k);
    sk_free(k);
}

static void i3_not_durable(void **state)
{
    struct simkit *k = sk_new(3, &sim_check_i3);
    (void)state;
    tn_start(k->net);
    sk_batch(k, SIM_PREPARED, -1, sk_published(k, 1));
    sk_batch(k, SIM_BROADCAST, -1, sk_published(k, 1));
    sk_bad(k, "I3", "batch 1 was broadcast before it was durably committed");
    sk_free(k);
}

static void i3_a_gap(void **state)
{
    struct simkit *k = sk_new(3, &sim_check_i3);
    (void)state;
    tn_start(k->net);
    tn_run(k->net, 2);
    sk_line(k, sk_published(k, 1));
    sk_line(k, sk_published(k, 3));
    sk_bad(k, "I3", "batch 3 was broadcast after batch 1 and does not extend it");
    sk_free(k);
}

static void i3_another_line_after_a_crash(void **state)
{
    struct simkit *k = sk_new(3, &sim_check_i3);
    (void)state;
    tn_start(k->net);
    sk_lines(k, 1);
    sk_line(k, sibling(k, 5));
    sk_tell(k, (struct sim_event){.kind = SIM_HOST_UP});
    tn_run(k->net, 2); /* on batch 1: another batch 2 */
    sk_line(k, sk_published(k, 3));
    sk_bad(k, "I3", "batch 3 was broadcast after batch 2");
    sk_free(k);
}

/* ---- I4 ---- */

static const struct sim_calm calm = {.enclave = {true},
                                     .node = {true},
                                     .first_us = 5 * SK_SECOND,
                                     .between_us = 3 * SK_SECOND,
                                     .nodes_us = 2 * SK_SECOND,
                                     .settle_us = 10 * SK_SECOND};

static void at(struct simkit *k, uint64_t second, struct sim_event e)
{
    e.at_us = second * SK_SECOND;
    sk_tell(k, e);
}

static struct simkit *calm_world(const struct sim_calm *c)
{
    struct simkit *k = sk_new(3, &sim_check_i4);
    tn_start(k->net);
    tn_run(k->net, 20);
    at(k, 100, (struct sim_event){.kind = SIM_CALM, .calm = c});
    return k;
}

static void broadcast_at(struct simkit *k, uint64_t second, uint64_t number)
{
    at(k, second, (struct sim_event){.kind = SIM_BROADCAST, .batch = sk_published(k, number)});
}

static void i4_batches_follow(void **state)
{
    struct simkit *k = calm_world(&calm);
    (void)state;
    for (uint64_t i = 0; i < 15; i++) {
        broadcast_at(k, 104 + 2 * i, 1 + i);
        at(k, 105 + 2 * i,
           (struct sim_event){.kind = SIM_NODE_TAKES, .batch = sk_published(k, 1 + i)});
    }
    at(k, 134, (struct sim_event){.kind = SIM_OVER});
    sk_good(k);
    sk_free(k);
}

static void i4_the_first_is_late(void **state)
{
    struct simkit *k = calm_world(&calm);
    (void)state;
    at(k, 105, (struct sim_event){.kind = SIM_LOG});
    sk_good(k);
    broadcast_at(k, 106, 1);
    sk_bad(k, "I4", "no batch has followed batch 0");
    sk_free(k);
}

static void i4_the_second_is_late(void **state)
{
    struct simkit *k = calm_world(&calm);
    (void)state;
    broadcast_at(k, 101, 1);
    broadcast_at(k, 103, 1); /* again: it is no news */
    at(k, 104, (struct sim_event){.kind = SIM_LOG});
    sk_good(k);
    at(k, 105, (struct sim_event){.kind = SIM_OVER});
    sk_bad(k, "I4", "no batch has followed batch 1");
    sk_free(k);
}

static void i4_a_node_is_late(void **state)
{
    struct simkit *k = calm_world(&calm);
    (void)state;
    for (uint64_t i = 0; i < 8; i++)
        broadcast_at(k, 101 + 2 * i, 1 + i);
    at(k, 117, (struct sim_event){.kind = SIM_NODE_TAKES, .batch = sk_published(k, 8)});
    broadcast_at(k, 117, 9);
    broadcast_at(k, 119, 10);
    sk_good(k);
    at(k, 120, (struct sim_event){.kind = SIM_LOG});
    sk_bad(k, "I4", "node 0 does not hold batch 9");
    sk_free(k);
}

static void i4_nobody_is_healthy(void **state)
{
    struct sim_calm none = calm;
    (void)state;
    none.enclave[0] = false;
    struct simkit *k = calm_world(&none);
    at(k, 1000, (struct sim_event){.kind = SIM_OVER});
    sk_good(k);
    sk_free(k);
}

/* ---- I9 ---- */

static ts_hash named(uint8_t n)
{
    return (ts_hash){{n, n}};
}

static void tx(struct simkit *k, enum sim_kind kind, ts_hash hash, const char *text)
{
    sk_tell(k, (struct sim_event){.kind = kind, .hash = hash, .text = text});
}

/* A batch with that text n times as its transactions; *hash is the transaction's. */
static const struct sim_batch *with_text(struct simkit *k, const char *text, size_t n,
                                         ts_hash *hash)
{
    ts_bytes txs[2] = {ts_bytes_of(text, 4), ts_bytes_of(text, 4)};
    struct tn_draft *d = tn_draft(k->net, 0);
    d->txs = txs;
    d->n_txs = n;
    ts_tx_hash(txs[0], hash);
    tn_publish(k->net, d);
    return sk_published(k, k->net->n_history);
}

static struct simkit *i9_world(void)
{
    struct simkit *k = sk_new(3, &sim_check_i9);
    tn_start(k->net);
    sk_lines(k, 1);
    return k;
}

static void i9_each_has_its_end(void **state)
{
    struct simkit *k = i9_world();
    ts_hash one;
    (void)state;
    const struct sim_batch *b = with_text(k, "one.", 1, &one);
    tx(k, SIM_TX_SENT, one, NULL);
    tx(k, SIM_TX_ACKED, one, NULL);
    tx(k, SIM_TX_ACKED, named(2), NULL);
    sk_tell(k, (struct sim_event){.kind = SIM_CALM, .calm = &calm});
    sk_line(k, b);
    sk_line(k, b); /* a durable step told twice */
    tx(k, SIM_TX_REJECTED, named(2), "insufficient funds");
    sk_tell(k, (struct sim_event){.kind = SIM_OVER, .at_us = 100 * SK_SECOND});
    sk_good(k);
    sk_free(k);
}

static void i9_rejected_and_sent_again(void **state)
{
    struct simkit *k = i9_world();
    ts_hash one;
    (void)state;
    const struct sim_batch *b = with_text(k, "one.", 1, &one);
    tx(k, SIM_TX_ACKED, one, NULL);
    tx(k, SIM_TX_REJECTED, one, "nonce too high");
    tx(k, SIM_TX_SENT, one, NULL);
    sk_line(k, b);
    sk_good(k);
    sk_free(k);
}

static void i9_lost(void **state)
{
    struct simkit *k = i9_world();
    (void)state;
    tx(k, SIM_TX_ACKED, named(2), NULL);
    sk_tell(k, (struct sim_event){.kind = SIM_CALM, .calm = &calm, .at_us = 100 * SK_SECOND});
    tx(k, SIM_TX_ACKED, named(3), NULL);
    sk_tell(k, (struct sim_event){.kind = SIM_LOG, .at_us = 110 * SK_SECOND});
    sk_good(k);
    sk_tell(k, (struct sim_event){.kind = SIM_OVER, .at_us = 111 * SK_SECOND});
    sk_bad(k, "I9", "neither in a batch nor rejected");
    sk_free(k);
}

static void i9_lost_later(void **state)
{
    struct simkit *k = i9_world();
    (void)state;
    sk_tell(k, (struct sim_event){.kind = SIM_CALM, .calm = &calm, .at_us = 100 * SK_SECOND});
    sk_tell(k,
            (struct sim_event){.kind = SIM_TX_ACKED, .hash = named(3), .at_us = 150 * SK_SECOND});
    sk_tell(k, (struct sim_event){.kind = SIM_LOG, .at_us = 160 * SK_SECOND});
    sk_good(k);
    sk_tell(k, (struct sim_event){.kind = SIM_LOG, .at_us = 160 * SK_SECOND + 1});
    sk_bad(k, "I9", "neither in a batch nor rejected");
    sk_free(k);
}

static void i9_in_two_batches(void **state)
{
    struct simkit *k = i9_world();
    ts_hash one;
    (void)state;
    sk_line(k, with_text(k, "one.", 1, &one));
    sk_good(k);
    sk_line(k, with_text(k, "one.", 1, &one));
    sk_bad(k, "I9", "is in batch 2 and in batch 3");
    sk_free(k);
}

static void i9_twice_in_a_batch(void **state)
{
    struct simkit *k = i9_world();
    ts_hash one;
    (void)state;
    sk_line(k, with_text(k, "one.", 2, &one));
    sk_bad(k, "I9", "is in batch 2 twice");
    sk_free(k);
}

static void i9_both(void **state)
{
    struct simkit *k = i9_world();
    ts_hash one;
    (void)state;
    sk_line(k, with_text(k, "one.", 1, &one));
    tx(k, SIM_TX_REJECTED, one, "nonce too low");
    sk_bad(k, "I9", "is rejected and is in batch 2");
    sk_free(k);

    k = i9_world();
    const struct sim_batch *b = with_text(k, "one.", 1, &one);
    tx(k, SIM_TX_REJECTED, one, "nonce too low");
    sk_line(k, b);
    sk_bad(k, "I9", "in batch 2 after it was rejected");
    sk_free(k);
}

static void i9_no_reason(void **state)
{
    struct simkit *k = i9_world();
    (void)state;
    tx(k, SIM_TX_REJECTED, named(1), "");
    sk_bad(k, "I9", "without a reason");
    sk_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i1_one_for_each_number),
        cmocka_unit_test(i1_two_broadcast),
        cmocka_unit_test(i1_two_payloads),
        cmocka_unit_test(i1_two_committed),
        cmocka_unit_test(i1_a_liar_promises_nothing),
        cmocka_unit_test(i3_durable_first),
        cmocka_unit_test(i3_not_durable),
        cmocka_unit_test(i3_a_gap),
        cmocka_unit_test(i3_another_line_after_a_crash),
        cmocka_unit_test(i4_batches_follow),
        cmocka_unit_test(i4_the_first_is_late),
        cmocka_unit_test(i4_the_second_is_late),
        cmocka_unit_test(i4_a_node_is_late),
        cmocka_unit_test(i4_nobody_is_healthy),
        cmocka_unit_test(i9_each_has_its_end),
        cmocka_unit_test(i9_rejected_and_sent_again),
        cmocka_unit_test(i9_lost),
        cmocka_unit_test(i9_lost_later),
        cmocka_unit_test(i9_in_two_batches),
        cmocka_unit_test(i9_twice_in_a_batch),
        cmocka_unit_test(i9_both),
        cmocka_unit_test(i9_no_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
