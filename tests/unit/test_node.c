/* SPDX-License-Identifier: Apache-2.0 */
/* Node cores on virtual time: following, catching up, peers that lie, stall or lose things. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "node_kit.h"

static void follows_pushed_batches(void **state)
{
    struct testnet *net = net_of(10);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 10, NW_S));
    for (int i = 0; i < 20; i++) {
        tn_run(net, 1);
        nw_publish(w, 0, net->n_history);
        nw_run(w, 30 * NW_MS);
        assert_int_equal(nw_head(w, node), net->n_history);
    }
    assert_int_equal(nw_counters(w, node).batches, 30);
    assert_int_equal(nw_counters(w, node).peers_dropped, 0);
    assert_true(tn_chain_equal(ts_node_chain(w->nodes[node].core), &net->chain));
    end(w);
}

static void catches_up_in_ranges_and_tells_it(void **state)
{
    struct testnet *net = net_of(5000);
    struct nw *w = nw_new(net, 2);
    (void)state;
    nw_host_up(w, 0);
    nw_host_up(w, 1);
    w->hosts[1].max_answer = 100; /* shorter answers than asked for are fine */
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    assert_true(nw_reach(w, node, 5000, 20 * NW_S));
    nw_run(w, NW_S);
    struct ts_node_counters c = nw_counters(w, node);
    assert_int_equal(c.batches, 5000);
    assert_int_equal(c.peers_dropped, 0);
    assert_int_equal(c.sigs_inline, 0); /* workers had found all of them */
    assert_true(c.sigs_ahead > 4 * 4900);
    assert_true(w->hosts[0].gets > 0 && w->hosts[1].gets > 0);
    assert_true(w->nodes[node].store.steps < 500); /* many batches in one step */
    assert_true(nw_said(w, node, "catching-up"));
    assert_true(nw_said(w, node, "caught-up head=5000"));
    struct ts_node_status s;
    ts_node_status_of(w->nodes[node].core, &s);
    assert_false(s.is_catching_up);
    end(w);
}

static void a_node_serves_the_next(void **state)
{
    struct testnet *net = net_of(300);
    struct nw *w = nw_new(net, 3);
    const unsigned first[] = {0}, second[] = {1};
    (void)state;
    nw_host_up(w, 0);
    nw_node(w, host_0, 1, NULL, false);
    nw_node(w, first, 1, NULL, false);
    nw_node(w, second, 1, NULL, false);
    assert_true(nw_reach(w, 2, 300, 10 * NW_S));
    tn_run(net, 5);
    nw_publish(w, 0, 305);
    nw_run(w, 100 * NW_MS);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(nw_head(w, i), 305);
    end(w);
}

static void lost_and_late_pushes_do_no_harm(void **state)
{
    struct testnet *net = net_of(3);
    struct nw *w = nw_new(net, 4);
    (void)state;
    nw_host_up(w, 0);
    w->hosts[0].push_loss = 40;
    size_t node = nw_node(w, host_0, 1, NULL, false);
    nw_run(w, NW_S);
    for (int i = 0; i < 200; i++) {
        tn_run(net, 1);
        nw_publish(w, 0, net->n_history);
        nw_run(w, 50 * NW_MS);
    }
    assert_true(nw_reach(w, node, net->n_history, 10 * NW_S)); /* the last push may be lost */
    assert_int_equal(nw_counters(w, node).peers_dropped, 0);
    end(w);
}

static void order_does_not_matter_within_the_window(void **state)
{
    struct testnet *net = net_of(60);
    struct nw *w = nw_new(net, 5);
    (void)state;
    nw_host_up(w, 0);
    w->hosts[0].head = 10;
    w->hosts[0].delay_us = 20 * NW_S; /* ranges would come far too late */
    struct ts_node_settings s;
    ts_node_settings_default(&s);
    s.get_us = 60 * NW_S;
    size_t node = nw_node(w, host_0, 1, &s, false);
    assert_true(nw_reach(w, node, 10, 40 * NW_S));
    for (uint64_t n = 60; n > 10; n--)
        nw_push_raw(w, 0, tn_raw(net, n));
    for (uint64_t n = 11; n <= 60; n++)
        nw_push_raw(w, 0, tn_raw(net, n)); /* and all of them twice */
    nw_run(w, NW_S);
    assert_int_equal(nw_head(w, node), 60);
    assert_true(nw_counters(w, node).ahead >= 48);
    assert_true(nw_counters(w, node).duplicates >= 49);
    end(w);
}

static void an_invalid_batch_is_neither_kept_nor_relayed(void **state)
{
    struct testnet *net = net_of(20);
    struct nw *w = nw_new(net, 6);
    const unsigned below[] = {0};
    (void)state;
    nw_host_up(w, 0);
    nw_host_up(w, 1);
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    size_t listener = nw_node(w, below, 1, NULL, false);
    nw_run(w, NW_S);
    struct tn_draft *d = tn_draft(net, 0);
    d->header.time = 1; /* before its parent's */
    tn_seal(net, d);
    nw_push_raw(w, 1, ts_buf_bytes(&d->raw));
    nw_run(w, 100 * NW_MS);
    assert_int_equal(nw_head(w, node), 20);
    assert_int_equal(nw_head(w, listener), 20);
    struct ts_node_counters c = nw_counters(w, node);
    assert_int_equal(c.invalid, 1);
    assert_int_equal(c.peers_dropped, 1);
    struct ts_node_peer_status p;
    ts_node_peer_of(w->nodes[node].core, 1, &p);
    assert_int_equal(p.state, TS_NODE_PEER_DOWN);
    assert_non_null(strstr(p.reason, "TS_E_V1_LINKS"));
    assert_true(nw_said(w, node, "peer-dropped peer=1"));
    assert_int_equal(nw_counters(w, listener).invalid, 0);
    tn_run(net, 1); /* the other goes on */
    nw_publish(w, 0, 21);
    nw_run(w, 100 * NW_MS);
    assert_int_equal(nw_head(w, listener), 21);
    end(w);
}

static void a_lying_peer_is_replaced_in_the_middle(void **state)
{
    struct testnet *net = net_of(3000);
    struct nw *w = nw_new(net, 7);
    (void)state;
    nw_host_up(w, 0);
    nw_host_up(w, 1);
    w->hosts[0].corrupt_from = 700;
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    assert_true(nw_reach(w, node, 3000, 30 * NW_S));
    struct ts_node_counters c = nw_counters(w, node);
    assert_true(c.peers_dropped >= 1);
    struct ts_node_peer_status p;
    ts_node_peer_of(w->nodes[node].core, 0, &p);
    assert_non_null(strstr(p.reason, "TS_E_V2_PRODUCER"));
    assert_true(tn_chain_equal(ts_node_chain(w->nodes[node].core), &net->chain));
    end(w);
}

static void peers_that_give_nothing_are_dropped_and_others_used(void **state)
{
    struct testnet *net = net_of(600);
    struct nw *w = nw_new(net, 8);
    (void)state;
    for (size_t i = 0; i < 3; i++)
        nw_host_up(w, i);
    w->hosts[0].is_silent = true;
    w->hosts[1].answers_nothing = true;
    size_t node = nw_node(w, hosts_012, 3, NULL, false);
    assert_true(nw_reach(w, node, 600, 5 * NW_S)); /* long before the deadline of the silent one */
    assert_true(nw_counters(w, node).hedged > 0);
    nw_run(w, 15 * NW_S);
    struct ts_node_peer_status p;
    ts_node_peer_of(w->nodes[node].core, 0, &p);
    assert_true(p.drops >= 1);
    assert_true(nw_counters(w, node).get_timeouts >= 1);
    ts_node_peer_of(w->nodes[node].core, 1, &p);
    assert_true(p.drops >= 1);
    assert_true(nw_said(w, node, "it claims head 600 but gives no batch"));
    end(w);
}

static void a_head_that_does_not_exist_is_not_waited_for(void **state)
{
    struct testnet *net = net_of(100);
    struct nw *w = nw_new(net, 9);
    (void)state;
    nw_host_up(w, 0);
    nw_host_up(w, 1);
    w->hosts[0].claim_extra = 1000000;
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    assert_true(nw_reach(w, node, 100, 5 * NW_S));
    nw_run(w, NW_S);
    struct ts_node_status s;
    ts_node_status_of(w->nodes[node].core, &s);
    assert_int_equal(s.target, 100);
    assert_int_equal(s.peers_up, 1);
    end(w);
}

static void a_mute_or_absent_peer_is_tried_again_with_patience(void **state)
{
    struct testnet *net = net_of(10);
    struct nw *w = nw_new(net, 10);
    (void)state;
    w->hosts[0].is_mute = true;
    nw_host_up(w, 0); /* takes connections, never says hello */
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    nw_run(w, 60 * NW_S);
    assert_int_equal(nw_head(w, node), 0);
    assert_true(nw_said(w, node, "no HELLO in time"));
    assert_true(nw_said(w, node, "peer-lost peer=1")); /* told once */
    assert_null(strstr(strstr(w->nodes[node].events, "peer-lost peer=1") + 1, "peer-lost peer=1"));
    nw_host_up(w, 1);
    assert_true(nw_reach(w, node, 10, 20 * NW_S)); /* the longest backoff is 15 s */
    end(w);
}

static void a_restart_goes_on_where_the_store_ends(void **state)
{
    struct testnet *net = net_of(2500);
    struct nw *w = nw_new(net, 11);
    struct ts_node_settings s;
    (void)state;
    ts_node_settings_default(&s);
    s.chain_every = 400;
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, &s, false);
    for (uint64_t at = 300; at <= 2500; at += 300) {
        assert_true(nw_reach(w, node, at, 20 * NW_S));
        nw_kill(w, node);
        nw_run(w, 100 * NW_MS);
        nw_restart(w, node); /* loads the snapshot, checks what is above it */
    }
    assert_true(nw_reach(w, node, 2500, 20 * NW_S));
    assert_true(w->nodes[node].store.chain.n > 0);
    assert_true(tn_chain_equal(ts_node_chain(w->nodes[node].core), &net->chain));
    end(w);
}

static void a_stop_leaves_nothing_to_check_again(void **state)
{
    struct testnet *net = net_of(100);
    struct nw *w = nw_new(net, 12);
    (void)state;
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 50, 5 * NW_S));
    nw_input(w, node, &(struct ts_node_input){.kind = TS_NODE_IN_STOP});
    nw_run(w, NW_S);
    assert_true(w->nodes[node].is_stopped);
    uint64_t head = w->nodes[node].store.n;
    nw_kill(w, node);
    nw_host_down(w, 0);
    nw_restart(w, node);
    assert_int_equal(nw_counters(w, node).batches, 0);
    assert_int_equal(ts_node_chain(w->nodes[node].core)->head.number, head);
    nw_host_up(w, 0);
    assert_true(nw_reach(w, node, 100, 20 * NW_S));
    end(w);
}

static void a_damaged_store_is_refused_with_a_sentence(void **state)
{
    struct testnet *net = net_of(5);
    struct nw *w = nw_new(net, 13);
    char why[160] = "";
    (void)state;
    size_t node = nw_node(w, NULL, 0, NULL, false);
    struct ts_store_batch b = {.number = 1, .status = TS_BATCH_COMMITTED, .raw = tn_raw(net, 2)};
    assert_int_equal(ts_node_load_batch(w->nodes[node].core, &b, why), TS_E_CORRUPT);
    assert_non_null(strstr(why, "batch 1 does not follow"));
    b.raw = tn_raw(net, 1); /* right bytes under a wrong hash */
    assert_int_equal(ts_node_load_batch(w->nodes[node].core, &b, why), TS_E_CORRUPT);
    static const uint8_t junk[] = {0xc1, 0x01};
    assert_int_not_equal(ts_node_load_chain(w->nodes[node].core, ts_bytes_of(junk, 2),
                                            ts_bytes_of(junk, 2), ts_bytes_of(junk, 2)),
                         TS_OK);
    end(w);
}

static void a_full_disk_stops_nothing_for_ever(void **state)
{
    struct testnet *net = net_of(50);
    struct nw *w = nw_new(net, 14);
    (void)state;
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    w->nodes[node].store.fail_steps = 3;
    nw_run(w, 2 * NW_S);
    struct ts_node_status s;
    ts_node_status_of(w->nodes[node].core, &s);
    assert_int_equal(s.head.number, 0);
    assert_false(s.is_storing);
    assert_true(nw_reach(w, node, 50, 5 * NW_S));
    assert_int_equal(nw_counters(w, node).store_failures, 3);
    assert_true(nw_said(w, node, "store-failed"));
    end(w);
}

static void cut_off_and_connected_again(void **state)
{
    struct testnet *net = net_of(10);
    struct nw *w = nw_new(net, 15);
    (void)state;
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    nw_run(w, NW_S);
    nw_cut(w, node, 0, true);
    tn_run(net, 200);
    nw_publish(w, 0, 210);
    nw_run(w, 30 * NW_S);
    assert_int_equal(nw_head(w, node), 10);
    nw_cut(w, node, 0, false);
    assert_true(nw_reach(w, node, 210, 20 * NW_S));
    end(w);
}

static void without_workers_the_step_checks_itself(void **state)
{
    struct testnet *net = net_of(1000);
    struct nw *w = nw_new(net, 16);
    struct ts_node_settings s;
    (void)state;
    ts_node_settings_default(&s);
    s.verify_run = 0;
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, &s, false);
    assert_true(nw_reach(w, node, 1000, 10 * NW_S));
    assert_int_equal(nw_counters(w, node).sigs_ahead, 0);
    end(w);
}

static void random_worlds_converge(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct testnet *net = net_of(400);
        struct nw *w = nw_new(net, seed);
        const unsigned a[] = {NW_HOST(0), NW_HOST(1), 1}, b[] = {0, NW_HOST(1)}, c[] = {1, 0};
        nw_host_up(w, 0);
        nw_host_up(w, 1);
        w->hosts[seed % 2].corrupt_from = 100 + seed * 20;
        w->hosts[1 - seed % 2].push_loss = 30;
        nw_node(w, a, 3, NULL, false);
        nw_node(w, b, 2, NULL, false);
        nw_node(w, c, 2, NULL, false);
        for (int round = 0; round < 40; round++) {
            tn_run(net, 3);
            nw_publish(w, 0, net->n_history);
            nw_publish(w, 1, net->n_history);
            size_t victim = (seed + (uint64_t)round) % 3;
            if (round % 7 == 3) {
                nw_kill(w, victim);
                nw_run(w, 200 * NW_MS);
                nw_restart(w, victim);
            } else if (round % 5 == 2) {
                nw_cut(w, victim, 0, round % 10 == 2);
            }
            nw_run(w, 300 * NW_MS);
        }
        nw_cut(w, 0, 0, false);
        nw_cut(w, 1, 0, false);
        nw_cut(w, 2, 0, false);
        for (size_t i = 0; i < 3; i++)
            assert_true(nw_reach(w, i, net->n_history, 400 * NW_S));
        end(w);
    }
}

/* Three liars that claim a lot, and one that is honest: at the head soon, and never far from it. */
static void liars_do_not_hold_up_the_honest(void **state)
{
    static const unsigned orders[4][4] = {
        {NW_HOST(0), NW_HOST(1), NW_HOST(2), NW_HOST(3)},
        {NW_HOST(3), NW_HOST(0), NW_HOST(1), NW_HOST(2)},
        {NW_HOST(2), NW_HOST(3), NW_HOST(1), NW_HOST(0)},
        {NW_HOST(1), NW_HOST(2), NW_HOST(3), NW_HOST(0)},
    };
    struct testnet *net = net_of(640);
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct nw *w = nw_new(net, seed);
        for (size_t i = 0; i < 4; i++) {
            w->hosts[i].head = 40;
            w->hosts[i].claim_extra = i < 3 ? 100000 : 0;
            nw_host_up(w, i);
        }
        w->hosts[0].corrupt_from = 1;
        w->hosts[1].answers_nothing = true;
        w->hosts[2].is_silent = true;
        size_t node = nw_node(w, orders[seed % 4], 4, NULL, false);
        for (uint64_t head = 41; head <= 640; head++) {
            nw_publish(w, 3, head);
            nw_run(w, 50 * NW_MS);
            if (head > 160) /* six seconds after the start */
                assert_true(nw_head(w, node) + 5 >= head);
        }
        nw_free(w);
    }
    tn_free(net);
}

/* Silence is no bad data: a peer that stood still for minutes is asked again soon, the more so when
 * there is no other. */
static void who_was_silent_is_asked_again_soon(void **state)
{
    struct testnet *net = net_of(40);
    (void)state;
    for (unsigned others = 0; others < 2; others++) {
        struct nw *w = nw_new(net, 7 + others);
        unsigned peers[2] = {NW_HOST(0), NW_HOST(1)};
        for (size_t i = 0; i < 2; i++) {
            w->hosts[i].head = 20;
            w->hosts[i].push_loss = 100;
            nw_host_up(w, i);
        }
        size_t node = nw_node(w, peers, 1 + others, NULL, false);
        assert_true(nw_reach(w, node, 20, 10 * NW_S));
        w->hosts[0].is_silent = true; /* the other one stays at 20 */
        nw_publish(w, 0, 40);
        nw_run(w, 600 * NW_S);
        assert_true(nw_counters(w, node).peers_dropped > 4);
        w->hosts[0].is_silent = false;
        assert_true(nw_reach(w, node, 40, 35 * NW_S));
        nw_free(w);
    }
    tn_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_pushed_batches),
        cmocka_unit_test(catches_up_in_ranges_and_tells_it),
        cmocka_unit_test(a_node_serves_the_next),
        cmocka_unit_test(lost_and_late_pushes_do_no_harm),
        cmocka_unit_test(order_does_not_matter_within_the_window),
        cmocka_unit_test(an_invalid_batch_is_neither_kept_nor_relayed),
        cmocka_unit_test(a_lying_peer_is_replaced_in_the_middle),
        cmocka_unit_test(peers_that_give_nothing_are_dropped_and_others_used),
        cmocka_unit_test(a_head_that_does_not_exist_is_not_waited_for),
        cmocka_unit_test(a_mute_or_absent_peer_is_tried_again_with_patience),
        cmocka_unit_test(a_restart_goes_on_where_the_store_ends),
        cmocka_unit_test(a_stop_leaves_nothing_to_check_again),
        cmocka_unit_test(a_damaged_store_is_refused_with_a_sentence),
        cmocka_unit_test(a_full_disk_stops_nothing_for_ever),
        cmocka_unit_test(cut_off_and_connected_again),
        cmocka_unit_test(without_workers_the_step_checks_itself),
        cmocka_unit_test(random_worlds_converge),
        cmocka_unit_test(liars_do_not_hold_up_the_honest),
        cmocka_unit_test(who_was_silent_is_asked_again_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
