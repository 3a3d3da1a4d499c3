/* SPDX-License-Identifier: Apache-2.0 */
/* Node cores on virtual time: second batches at a number, other lines, transactions on their way.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "node_kit.h"

static void a_second_sealed_batch_is_kept_and_relayed_as_evidence(void **state)
{
    struct testnet *net = net_of(20);
    struct nw *w = nw_new(net, 1);
    struct ts_buf keep;
    const unsigned to_node[] = {0};
    (void)state;
    nw_host_up(w, 0);
    nw_host_up(w, 1);
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    size_t below = nw_node(w, to_node, 1, NULL, false);
    nw_run(w, NW_S);
    ts_bytes other = sibling(net, &keep);
    nw_publish(w, 0, 21);
    nw_run(w, 100 * NW_MS);
    nw_push_raw(w, 1, other);
    nw_push_raw(w, 1, other);
    nw_run(w, 100 * NW_MS);
    assert_int_equal(nw_head(w, node), 21); /* the node keeps its head */
    assert_int_equal(nw_counters(w, node).equivocations, 1);
    assert_int_equal(w->nodes[node].store.n_evidence, 1);
    assert_int_equal(nw_counters(w, node).peers_dropped, 0); /* who brings evidence is welcome */
    assert_true(nw_said(w, node, "equivocation number=21"));
    assert_int_equal(w->nodes[below].store.n_evidence, 1); /* and so it goes on */
    assert_true(
        ts_hash_equal(&w->nodes[below].store.evidence[0], &w->nodes[node].store.evidence[0]));
    ts_buf_free(&keep);
    end(w);
}

static void evidence_goes_up_to_the_peers_too(void **state)
{
    struct testnet *net = net_of(20);
    struct nw *w = nw_new(net, 2);
    struct ts_buf keep;
    const unsigned up[] = {0, NW_HOST(1)};
    (void)state;
    nw_host_up(w, 0);
    nw_host_up(w, 1);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    size_t below = nw_node(w, up, 2, NULL, false);
    nw_run(w, NW_S);
    ts_bytes other = sibling(net, &keep);
    nw_publish(w, 0, 21);
    nw_run(w, 100 * NW_MS);
    nw_push_raw(w, 1, other); /* only the one below sees it */
    nw_run(w, 200 * NW_MS);
    assert_int_equal(nw_counters(w, below).equivocations, 1);
    assert_int_equal(nw_counters(w, node).equivocations, 1);
    assert_int_equal(w->nodes[node].evidence_pushed, 2); /* and its own batch beside it */
    ts_buf_free(&keep);
    end(w);
}

/* The one above follows another line: what it serves is seen below, and it must see ours. */
static void who_serves_the_other_line_is_shown_ours(void **state)
{
    struct testnet *net = net_of(20);
    struct nw *w = nw_new(net, 2);
    struct ts_buf keep;
    const unsigned up[] = {NW_HOST(0), 0};
    (void)state;
    w->any_line = true;
    nw_host_up(w, 0);
    nw_host_up(w, 1);
    size_t above = nw_node(w, host_1, 1, NULL, false);
    size_t below = nw_node(w, up, 2, NULL, false);
    nw_run(w, NW_S);
    ts_bytes other = sibling(net, &keep);
    nw_publish(w, 0, 21);
    nw_run(w, 100 * NW_MS);
    nw_push_raw(w, 1, other); /* only the one above sees it, and takes it */
    nw_run(w, 500 * NW_MS);
    assert_int_equal(nw_head(w, above), 21);
    assert_int_equal(nw_head(w, below), 21);
    assert_int_equal(nw_counters(w, below).equivocations, 1);
    assert_int_equal(nw_counters(w, above).equivocations, 1);
    ts_buf_free(&keep);
    end(w);
}

static void the_same_header_with_another_payload_is_evidence(void **state)
{
    struct testnet *net = net_of(20);
    struct nw *w = nw_new(net, 3);
    struct ts_buf keep;
    (void)state;
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    nw_run(w, NW_S);
    struct tn_draft *d = tn_draft(net, 0);
    uint8_t body[1] = {9};
    tn_set_notice(d, 200, ts_bytes_of(body, 1)); /* ignored by all, but sealed */
    seal_into(net, d, &keep);
    tn_run(net, 1);
    nw_publish(w, 0, 21);
    nw_run(w, 100 * NW_MS);
    nw_push_raw(w, 0, ts_buf_bytes(&keep));
    nw_run(w, 100 * NW_MS);
    assert_int_equal(nw_counters(w, node).equivocations, 1);
    ts_buf_free(&keep);
    end(w);
}

static void what_proves_nothing_is_not_kept(void **state)
{
    struct ts_buf keep;
    size_t node;
    struct nw *w = with_sibling(4, &node, &keep);
    (void)state;
    keep.p[keep.n - 30] ^= 1; /* the seal */
    nw_push_raw(w, 1, ts_buf_bytes(&keep));
    nw_run(w, 100 * NW_MS);
    assert_int_equal(nw_counters(w, node).equivocations, 0);
    assert_int_equal(w->nodes[node].store.n_evidence, 0);
    assert_int_equal(nw_counters(w, node).peers_dropped, 1);
    assert_true(nw_said(w, node, "proves nothing"));
    ts_buf_free(&keep);
    end(w);
}

/* Without an L1 nothing but his own batch would list him. */
static void a_stranger_does_not_take_the_chain_over(void **state)
{
    struct testnet *net =
        tn_new(&(struct tn_options){.crypto = nw_crypto(), .whitelisted = 3, .enclaves = 4});
    struct nw *w = nw_new(net, 1);
    (void)state;
    tn_start(net);
    tn_run(net, 9);
    w->any_line = true;
    nw_host_up(w, 0);
    nw_host_up(w, 1);
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    uint64_t head = net->n_history;
    assert_true(nw_reach(w, node, head, 5 * NW_S));
    tn_boot(net, 3);
    tn_activate(net, 3);
    tn_whitelist_add(net, 3);
    struct tn_draft *d = tn_draft(net, 3);
    for (size_t i = 0; i < 3; i++)
        tn_leave_out(net, d, i);
    assert_int_equal(tn_check(net, d), TS_E_V2_PRODUCER);
    nw_push_raw(w, 1, ts_buf_bytes(&d->raw));
    nw_run(w, NW_S);
    assert_int_equal(nw_head(w, node), head);
    assert_int_equal(nw_counters(w, node).invalid, 1);
    assert_int_equal(nw_counters(w, node).peers_dropped, 1);
    net->n_adds = 0;
    tn_crash(net, 3);
    tn_run(net, 1);
    nw_publish(w, 0, head + 1);
    assert_true(nw_reach(w, node, head + 1, 5 * NW_S));
    end(w);
}

static void evidence_is_bounded_and_survives_a_restart(void **state)
{
    struct testnet *net = net_of(20);
    struct nw *w = nw_new(net, 5);
    struct ts_buf keep[10];
    (void)state;
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    nw_run(w, NW_S);
    for (size_t i = 0; i < TS_COUNT(keep); i++) {
        struct tn_draft *d = tn_draft(net, 0);
        d->header.time += 1 + i;
        seal_into(net, d, &keep[i]);
    }
    tn_run(net, 1);
    nw_publish(w, 0, 21);
    nw_run(w, 100 * NW_MS);
    for (size_t i = 0; i < TS_COUNT(keep); i++)
        nw_push_raw(w, 0, ts_buf_bytes(&keep[i]));
    nw_run(w, 200 * NW_MS);
    assert_int_equal(w->nodes[node].store.n_evidence, 4); /* of one number that is enough */
    assert_int_equal(nw_counters(w, node).evidence_dropped, 6);
    nw_input(w, node, &(struct ts_node_input){.kind = TS_NODE_IN_STOP});
    nw_run(w, 100 * NW_MS);
    nw_kill(w, node);
    nw_restart(w, node);
    nw_run(w, NW_S);
    struct ts_node_status s;
    ts_node_status_of(w->nodes[node].core, &s);
    assert_int_equal(s.evidence, 4);
    nw_push_raw(w, 0, ts_buf_bytes(&keep[0]));
    nw_run(w, 100 * NW_MS);
    assert_int_equal(w->nodes[node].store.n_evidence, 4);
    assert_int_equal(nw_counters(w, node).duplicates, 1);
    for (size_t i = 0; i < TS_COUNT(keep); i++)
        ts_buf_free(&keep[i]);
    end(w);
}

/* Two histories that part after some batch: the second is folded onto a net of its own. */
struct lines {
    struct testnet *a, *b;
};

static struct lines two_lines(size_t common, size_t a, size_t b)
{
    struct lines l = {net_of(common), net_of(common)};
    tn_run(l.a, a);
    l.b->time += 5; /* the same enclaves seal something else */
    tn_run(l.b, b);
    assert_true(ts_bytes_equal(tn_raw(l.a, common), tn_raw(l.b, common)));
    assert_false(ts_bytes_equal(tn_raw(l.a, common + 1), tn_raw(l.b, common + 1)));
    return l;
}

static void a_peer_on_another_line_gives_evidence_and_is_left(void **state)
{
    struct lines l = two_lines(50, 40, 45);
    struct nw *w = nw_new(l.a, 6);
    (void)state;
    nw_host_up(w, 0);
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    assert_true(nw_reach(w, node, 90, 5 * NW_S));
    w->hosts[1].history = l.b->history;
    w->hosts[1].head = 95; /* longer, and parts 40 batches back */
    nw_host_up(w, 1);
    nw_run(w, 20 * NW_S);
    assert_int_equal(nw_head(w, node), 90);
    assert_int_equal(nw_counters(w, node).equivocations, 1);
    assert_true(nw_said(w, node, "equivocation number=51"));
    assert_true(nw_said(w, node, "it follows another line from batch 51 on"));
    assert_true(tn_chain_equal(ts_node_chain(w->nodes[node].core), &l.a->chain));
    tn_free(l.b);
    end(w);
}

static void a_line_that_parts_far_back_is_left_too(void **state)
{
    struct lines l = two_lines(20, 500, 505);
    struct nw *w = nw_new(l.a, 7);
    (void)state;
    nw_host_up(w, 0);
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    assert_true(nw_reach(w, node, 520, 5 * NW_S));
    w->hosts[1].history = l.b->history;
    w->hosts[1].head = 525;
    nw_host_up(w, 1);
    nw_run(w, 20 * NW_S);
    assert_int_equal(nw_head(w, node), 520);
    assert_true(nw_said(w, node, "another line that parts far back"));
    tn_free(l.b);
    end(w);
}

static void a_hello_of_another_line_is_noticed_at_once(void **state)
{
    struct lines l = two_lines(50, 10, 5);
    struct nw *w = nw_new(l.a, 8);
    (void)state;
    nw_host_up(w, 0);
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    assert_true(nw_reach(w, node, 60, 5 * NW_S));
    w->hosts[1].history = l.b->history;
    w->hosts[1].head = 55; /* behind us: nothing of it would be asked for otherwise */
    nw_host_up(w, 1);
    nw_run(w, 20 * NW_S);
    assert_true(nw_said(w, node, "equivocation number=51"));
    tn_free(l.b);
    end(w);
}

static void two_nodes_on_two_lines_keep_theirs(void **state)
{
    struct lines l = two_lines(30, 10, 10);
    struct nw *w = nw_new(l.a, 9);
    const unsigned b_and_node[] = {NW_HOST(1), 0};
    (void)state;
    w->any_line = true;
    nw_host_up(w, 0);
    w->hosts[1].history = l.b->history;
    w->hosts[1].head = 40;
    nw_host_up(w, 1);
    size_t a = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, a, 40, 5 * NW_S));
    size_t b = nw_node(w, b_and_node, 2, NULL, false);
    nw_run(w, 20 * NW_S);
    /* The second took what came first, batch by batch from one or both, and then stayed there. */
    assert_int_equal(nw_head(w, b), 40);
    assert_true(nw_counters(w, a).equivocations + nw_counters(w, b).equivocations >= 1);
    assert_true(tn_chain_equal(ts_node_chain(w->nodes[a].core), &l.a->chain));
    tn_free(l.b);
    end(w);
}

/* ---- transactions ---- */

static void send(struct nw *w, size_t node, uint64_t token, const char *tx)
{
    struct ts_node_input in = {
        .kind = TS_NODE_IN_TX, .token = token, .bytes = ts_bytes_of(tx, strlen(tx))};
    nw_input(w, node, &in);
}

static void a_transaction_goes_hop_by_hop_to_a_host(void **state)
{
    struct testnet *net = net_of(5);
    struct nw *w = nw_new(net, 20);
    const unsigned first[] = {0}, second[] = {1};
    (void)state;
    nw_host_up(w, 0);
    nw_node(w, host_0, 1, NULL, false);
    nw_node(w, first, 1, NULL, false);
    size_t far = nw_node(w, second, 1, NULL, false);
    nw_run(w, NW_S);
    send(w, far, 1, "pay me");
    assert_null(nw_reply(w, far, 1)); /* nobody said durable yet */
    nw_run(w, 100 * NW_MS);
    const struct nw_reply *r = nw_reply(w, far, 1);
    assert_non_null(r);
    assert_int_equal(r->err, TS_OK);
    ts_hash hash;
    ts_tx_hash(ts_bytes_of("pay me", 6), &hash);
    assert_memory_equal(r->bytes, hash.b, 32);
    assert_int_equal(w->hosts[0].txs, 1);
    assert_int_equal(nw_counters(w, 0).txs_durable, 1);
    end(w);
}

static void a_refusal_of_the_host_comes_back_as_it_is(void **state)
{
    struct testnet *net = net_of(5);
    struct nw *w = nw_new(net, 21);
    (void)state;
    nw_host_up(w, 0);
    nw_host_up(w, 1);
    w->hosts[0].tx_code = TS_E_TX_NONCE_LOW;
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    nw_run(w, NW_S);
    send(w, node, 1, "pay me");
    nw_run(w, 100 * NW_MS);
    assert_int_equal(nw_reply(w, node, 1)->err, TS_E_TX_NONCE_LOW);
    assert_string_equal(nw_reply(w, node, 1)->text, "the host says no");
    assert_int_equal(w->hosts[1].txs, 0); /* about the transaction itself one host is enough */
    end(w);
}

static void a_silent_peer_is_passed_over(void **state)
{
    struct testnet *net = net_of(5);
    struct nw *w = nw_new(net, 22);
    (void)state;
    nw_host_up(w, 0);
    nw_host_up(w, 1);
    w->hosts[0].tx_silent = true;
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    nw_run(w, NW_S);
    send(w, node, 1, "pay me");
    nw_run(w, 3 * NW_S);
    assert_null(nw_reply(w, node, 1));
    nw_run(w, 2 * NW_S);
    assert_int_equal(nw_reply(w, node, 1)->err, TS_OK);
    w->hosts[1].tx_code = TS_E_TX_KNOWN; /* the first had taken it after all: as good as durable */
    send(w, node, 2, "pay me too");
    nw_run(w, 5 * NW_S);
    assert_int_equal(nw_reply(w, node, 2)->err, TS_OK);
    w->hosts[1].tx_silent = true;
    send(w, node, 3, "and me");
    nw_run(w, 11 * NW_S);
    assert_int_equal(nw_reply(w, node, 3)->err, TS_E_TIMEOUT);
    assert_string_equal(nw_reply(w, node, 3)->text,
                        "no host said in time that it has the transaction");
    end(w);
}

static void without_a_peer_the_answer_is_clear_and_quick(void **state)
{
    struct testnet *net = net_of(5);
    struct nw *w = nw_new(net, 23);
    (void)state;
    size_t node = nw_node(w, host_0, 1, NULL, false);
    nw_run(w, NW_S);
    send(w, node, 1, "pay me");
    assert_int_equal(nw_reply(w, node, 1)->err, TS_E_CLOSED);
    assert_string_equal(nw_reply(w, node, 1)->text,
                        "no peer is connected that could take the transaction to a host");
    send(w, node, 2, "");
    assert_int_equal(nw_reply(w, node, 2)->err, TS_E_TX_SIZE);
    nw_host_up(w, 0);
    w->hosts[0].tx_silent = true;
    nw_run(w, 20 * NW_S);
    send(w, node, 3, "lost on the way");
    nw_run(w, 100 * NW_MS);
    nw_host_down(w, 0);
    nw_run(w, 100 * NW_MS);
    assert_int_equal(nw_reply(w, node, 3)->err, TS_E_CLOSED);
    end(w);
}

static void the_same_transaction_twice_is_sent_once(void **state)
{
    struct testnet *net = net_of(5);
    struct nw *w = nw_new(net, 24);
    (void)state;
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    nw_run(w, NW_S);
    send(w, node, 1, "pay me");
    send(w, node, 2, "pay me");
    nw_run(w, 100 * NW_MS);
    assert_int_equal(nw_reply(w, node, 1)->err, TS_OK);
    assert_int_equal(nw_reply(w, node, 2)->err, TS_OK);
    assert_int_equal(w->hosts[0].txs, 1);
    end(w);
}

static void a_circle_of_nodes_does_not_run_for_ever(void **state)
{
    struct testnet *net = net_of(5);
    struct nw *w = nw_new(net, 25);
    const unsigned one_then_host[] = {1, NW_HOST(0)}, zero[] = {0};
    (void)state;
    nw_host_up(w, 0);
    size_t a = nw_node(w, zero, 1, NULL, false); /* itself, until the other is there */
    nw_kill(w, a);
    memcpy(w->nodes[a].targets, one_then_host, sizeof(one_then_host));
    w->nodes[a].start.n_peers = 2;
    nw_restart(w, a);
    nw_node(w, zero, 1, NULL, false);
    nw_run(w, 20 * NW_S);
    send(w, a, 1, "round and round");
    nw_run(w, 200 * NW_MS);
    assert_non_null(nw_reply(w, a, 1));
    assert_int_equal(nw_reply(w, a, 1)->err, TS_OK);
    assert_int_equal(w->hosts[0].txs, 1);
    end(w);
}

static void too_many_transactions_are_refused(void **state)
{
    struct testnet *net = net_of(5);
    struct nw *w = nw_new(net, 26);
    struct ts_node_settings s;
    (void)state;
    ts_node_settings_default(&s);
    s.max_txs = 2;
    nw_host_up(w, 0);
    w->hosts[0].tx_silent = true;
    size_t node = nw_node(w, host_0, 1, &s, false);
    nw_run(w, NW_S);
    send(w, node, 1, "a");
    send(w, node, 2, "b");
    send(w, node, 3, "c");
    assert_int_equal(nw_reply(w, node, 3)->err, TS_E_BUSY);
    nw_input(w, node, &(struct ts_node_input){.kind = TS_NODE_IN_STOP});
    assert_int_equal(nw_reply(w, node, 1)->err, TS_E_CLOSED);
    assert_int_equal(nw_reply(w, node, 2)->err, TS_E_CLOSED);
    end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_sealed_batch_is_kept_and_relayed_as_evidence),
        cmocka_unit_test(evidence_goes_up_to_the_peers_too),
        cmocka_unit_test(who_serves_the_other_line_is_shown_ours),
        cmocka_unit_test(the_same_header_with_another_payload_is_evidence),
        cmocka_unit_test(what_proves_nothing_is_not_kept),
        cmocka_unit_test(a_stranger_does_not_take_the_chain_over),
        cmocka_unit_test(evidence_is_bounded_and_survives_a_restart),
        cmocka_unit_test(a_peer_on_another_line_gives_evidence_and_is_left),
        cmocka_unit_test(a_line_that_parts_far_back_is_left_too),
        cmocka_unit_test(a_hello_of_another_line_is_noticed_at_once),
        cmocka_unit_test(two_nodes_on_two_lines_keep_theirs),
        cmocka_unit_test(a_transaction_goes_hop_by_hop_to_a_host),
        cmocka_unit_test(a_refusal_of_the_host_comes_back_as_it_is),
        cmocka_unit_test(a_silent_peer_is_passed_over),
        cmocka_unit_test(without_a_peer_the_answer_is_clear_and_quick),
        cmocka_unit_test(the_same_transaction_twice_is_sent_once),
        cmocka_unit_test(a_circle_of_nodes_does_not_run_for_ever),
        cmocka_unit_test(too_many_transactions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
