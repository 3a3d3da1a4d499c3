/* SPDX-License-Identifier: Apache-2.0 */
/* A node that follows L1: it takes no batch that L1 has not confirmed, blames nobody for an L1 that
 * is late, and stops when L1 goes back. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node_kit.h"

/* A net whose batches name a new L1 block every so often; 0: genesis's for ever. */
static struct testnet *l1_net_of(size_t batches, size_t per_block)
{
    struct testnet *net = tn_new(&(struct tn_options){
        .crypto = nw_crypto(), .l1_chain_id = 31337, .whitelisted = 3, .enclaves = 4});
    tn_start(net);
    while (net->n_history < batches) {
        if (per_block != 0 && net->n_history % per_block == 0)
            net->l1_number = TN_GENESIS_L1 + net->n_history / per_block;
        tn_run(net, 1);
    }
    return net;
}

static struct ts_node_l1_status l1_of(const struct nw *w, size_t node)
{
    struct ts_node_status st;
    ts_node_status_of(w->nodes[node].core, &st);
    return st.l1;
}

static size_t found(const struct nw *w, size_t node, enum ts_finding_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < w->nodes[node].n_findings; i++)
        n += w->nodes[node].findings[i].kind == kind;
    return n;
}

static void nobody_is_blamed(const struct nw *w, size_t node)
{
    struct ts_node_counters c = nw_counters(w, node);
    assert_int_equal(c.peers_dropped, 0);
    assert_int_equal(c.invalid, 0);
    assert_int_equal(c.l1_mismatches, 0);
}

/* ---- what is right is taken ---- */

static void each_block_is_asked_for_once_and_ahead(void **state)
{
    struct testnet *net = l1_net_of(1200, 12);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 300);
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 1200, 20 * NW_S));
    nobody_is_blamed(w, node);
    struct ts_node_counters c = nw_counters(w, node);
    assert_in_range(c.l1_asked, 99, 105); /* blocks 100 to 199, perhaps one of a race twice */
    assert_true(w->nodes[node].most_l1_asked > 8);
    assert_int_equal(l1_of(w, node).reference, 199);
    assert_int_equal(w->nodes[node].store.l1.n, 100); /* every header is stored, once */
    end(w);
}

static void headers_come_with_what_is_loaded(void **state)
{
    struct testnet *net = l1_net_of(30, 12);
    struct nw *w = nw_new(net, 1);
    struct ts_buf header;
    (void)state;
    ts_buf_init(&header, 0);
    nw_l1_start(w, 110);
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 30, 5 * NW_S));
    (void)tn_l1_block(101, 0, &header);
    ts_bytes stored = l1_shelf_of(&w->nodes[node].store.l1, tn_raw(net, 20));
    assert_true(ts_bytes_equal(stored, ts_buf_bytes(&header)));
    ts_buf_free(&header);
    end(w);
}

static void a_restart_asks_only_for_the_newest(void **state)
{
    struct testnet *net = l1_net_of(240, 12);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 130);
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 240, 10 * NW_S));
    nw_kill(w, node);
    nw_restart(w, node);
    nw_run(w, 2 * NW_S);
    assert_int_equal(nw_counters(w, node).l1_asked, 1);
    assert_false(l1_of(w, node).is_halted);
    tn_run(net, 3);
    nw_publish(w, 0, 243);
    assert_true(nw_reach(w, node, 243, 5 * NW_S));
    nobody_is_blamed(w, node);
    end(w);
}

static void a_change_that_l1_has_is_taken(void **state)
{
    struct testnet *net = l1_net_of(10, 5);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 110);
    tn_whitelist_add(net, 3);
    tn_whitelist_remove(net, 2);
    net->l1_number = 104;
    tn_run(net, 4);
    ts_address list[] = {*tn_id(net, 0), *tn_id(net, 1), *tn_id(net, 3)};
    nw_l1_whitelist(w, 103, list, 3);
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, net->n_history, 5 * NW_S));
    nobody_is_blamed(w, node);
    assert_int_equal(found(w, node, TS_F_WHITELIST_MISMATCH), 0);
    end(w);
}

/* ---- L1 is late, or down ---- */

/* A second one that comes meanwhile is looked at when the first is taken. */
static void a_second_batch_waits_with_it(void **state)
{
    struct testnet *net = l1_net_of(10, 12);
    struct nw *w = nw_new(net, 1);
    struct ts_buf keep;
    (void)state;
    nw_l1_start(w, 100);
    nw_host_up(w, 0);
    nw_host_up(w, 1);
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    assert_true(nw_reach(w, node, 10, 5 * NW_S));
    net->l1_number = 101;
    ts_bytes other = sibling(net, &keep);
    nw_publish(w, 0, net->n_history);
    nw_run(w, NW_S);
    assert_int_equal(nw_head(w, node), 10);
    nw_push_raw(w, 1, tn_raw(net, 11)); /* no news */
    nw_push_raw(w, 1, other);
    nw_run(w, NW_S);
    assert_int_equal(nw_head(w, node), 10);
    nw_l1_mine(w, 101);
    assert_true(nw_reach(w, node, 11, 5 * NW_S));
    nw_run(w, NW_S);
    assert_int_equal(nw_counters(w, node).equivocations, 1);
    assert_int_equal(w->nodes[node].store.n_evidence, 1);
    ts_buf_free(&keep);
    end(w);
}

static void a_batch_waits_until_l1_has_spoken(void **state)
{
    struct testnet *net = l1_net_of(20, 10);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 100); /* the batches from 11 on name 101 */
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 10, 5 * NW_S));
    nw_run(w, 5 * NW_S);
    assert_int_equal(nw_head(w, node), 10);
    assert_int_equal(l1_of(w, node).waits_for, 101);
    assert_false(nw_said(w, node, "l1-behind"));
    nw_run(w, 10 * NW_S);
    assert_true(nw_said(w, node, "l1-behind number=11 l1_number=101"));
    assert_true(l1_of(w, node).is_behind);
    nw_l1_mine(w, 101); /* not confirmed, but there */
    assert_true(nw_reach(w, node, 20, 5 * NW_S));
    assert_true(nw_said(w, node, "l1-in-step number=11"));
    assert_false(l1_of(w, node).is_behind);
    nobody_is_blamed(w, node);
    end(w);
}

static void an_l1_that_is_down_holds_all_back_and_bounds_hold(void **state)
{
    struct testnet *net = l1_net_of(900, 10);
    struct ts_node_settings s;
    struct nw *w = nw_new(net, 1);
    (void)state;
    ts_node_settings_default(&s);
    s.get_count = 64;
    nw_l1_start(w, 300);
    nw_l1_down(w, true);
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, &s, false);
    nw_run(w, 200 * NW_S);
    assert_int_equal(nw_head(w, node), 0); /* not even genesis' block was told */
    assert_int_equal(w->nodes[node].most_l1_asked, 1);
    nw_l1_down(w, false);
    assert_true(nw_reach(w, node, 900, 20 * NW_S));
    nobody_is_blamed(w, node);
    end(w);
}

/* Our L1 node stands on another line than the host's, of blocks that are not confirmed. */
static void an_unconfirmed_denial_blames_nobody(void **state)
{
    struct testnet *net = l1_net_of(20, 10);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 101);
    nw_l1_fork(w, 101);
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 10, 5 * NW_S));
    nw_run(w, 30 * NW_S);
    assert_int_equal(nw_head(w, node), 10);
    nobody_is_blamed(w, node);
    w->l1.fork = 0; /* it comes round */
    assert_true(nw_reach(w, node, 20, 5 * NW_S));
    nobody_is_blamed(w, node);
    end(w);
}

/* A batch whose block L1 never gets must not be in the way of another peer's. */
static void after_a_while_another_peer_is_asked(void **state)
{
    struct testnet *net = l1_net_of(10, 0);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 105);
    nw_host_up(w, 0);
    nw_host_up(w, 1);
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    assert_true(nw_reach(w, node, 10, 5 * NW_S));
    struct tn_draft *d = tn_draft(net, 0);
    d->header.l1_number = 5000;
    tn_seal(net, d);
    nw_push_raw(w, 0, ts_buf_bytes(&d->raw));
    nw_run(w, NW_S);
    assert_int_equal(l1_of(w, node).waits_for, 5000);
    tn_run(net, 5);
    w->hosts[0].head = 10;
    nw_publish(w, 1, 15);
    nw_run(w, 30 * NW_S);
    assert_int_equal(nw_head(w, node), 10);
    assert_true(nw_reach(w, node, 15, 60 * NW_S));
    nobody_is_blamed(w, node);
    end(w);
}

/* However many of them a peer makes up: then L1 is still asked what is to be known. */
static void made_up_numbers_are_not_waited_for(void **state)
{
    struct testnet *net = l1_net_of(10, 0);
    struct nw *w = nw_new(net, 1);
    struct ts_node_settings s;
    (void)state;
    ts_node_settings_default(&s);
    s.l1_release_us = 2 * NW_S;
    nw_l1_start(w, 105);
    nw_host_up(w, 0);
    nw_host_up(w, 1);
    size_t node = nw_node(w, hosts_01, 2, &s, false);
    assert_true(nw_reach(w, node, 10, 5 * NW_S));
    uint64_t first = nw_counters(w, node).l1_asked;
    for (uint64_t i = 0; i < TS_NODE_L1_ASKS + 10; i++) {
        struct tn_draft *d = tn_draft(net, 0);
        d->header.l1_number = 5000 + i;
        tn_seal(net, d);
        for (unsigned k = 0; k < 1000 && l1_of(w, node).waits_for != 5000 + i; k++) {
            nw_push_raw(w, 0, ts_buf_bytes(&d->raw)); /* it is not listened to for a while */
            nw_run(w, NW_S);
        }
        assert_int_equal(l1_of(w, node).waits_for, 5000 + i);
        nw_run(w, 3 * NW_S);
        assert_int_equal(l1_of(w, node).waits_for, 0);
    }
    assert_int_equal(nw_counters(w, node).l1_asked, first + TS_NODE_L1_ASKS + 10);
    assert_true(w->nodes[node].n_l1_asked <= 1);
    net->l1_number = 104;
    tn_run(net, 5);
    nw_publish(w, 1, 15);
    assert_true(nw_reach(w, node, 15, 60 * NW_S));
    assert_int_equal(nw_counters(w, node).l1_mismatches, 0);
    end(w);
}

/* ---- what is wrong is refused ---- */

/* Host 0 has a chain whose newest batch is wrong; the node refuses that one and keeps evidence. */
static void expect_refused(struct nw *w, struct tn_draft *d, const char *part)
{
    struct testnet *net = w->net;
    uint64_t number = d->header.number;
    w->any_line = true;
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, number - 1, 5 * NW_S));
    tn_seal(net, d);
    nw_push_raw(w, 0, ts_buf_bytes(&d->raw));
    nw_run(w, 2 * NW_S);
    assert_int_equal(nw_head(w, node), number - 1);
    assert_int_equal(nw_counters(w, node).l1_mismatches, 1);
    assert_int_equal(nw_counters(w, node).peers_dropped, 1);
    assert_int_equal(found(w, node, TS_F_WHITELIST_MISMATCH), 1);
    const struct ts_finding *f = &w->nodes[node].findings[w->nodes[node].n_findings - 1];
    assert_int_equal(f->severity, TS_SEVERITY_PROOF);
    assert_int_equal(f->first, number);
    assert_non_null(strstr(f->text, part));
    assert_int_equal(w->nodes[node].evidence_pushed, 0); /* it is relayed to nobody */
    assert_int_equal(w->nodes[node].store.n_evidence, 1);
    /* A restart knows it still. */
    struct ts_finding before = *f;
    nw_kill(w, node);
    nw_restart(w, node);
    const struct ts_audit *a = ts_node_audit(w->nodes[node].core);
    assert_memory_equal(ts_audit_get(a, ts_audit_count(a) - 1), &before, sizeof(before));
    struct ts_node_status st;
    ts_node_status_of(w->nodes[node].core, &st);
    assert_int_equal(st.evidence, 1);
}

static void a_change_that_is_not_announced_is_refused(void **state)
{
    struct testnet *net = l1_net_of(10, 5);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 110);
    nw_l1_whitelist(w, 102, net->genesis.whitelist, 2);
    net->l1_number = 103;
    expect_refused(w, tn_draft(net, 0), "1 that L1 does not list, 0 of L1 left out");
    end(w);
}

static void a_change_that_is_made_up_is_refused(void **state)
{
    struct testnet *net = l1_net_of(10, 5);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 110);
    tn_whitelist_add(net, 3);
    tn_whitelist_remove(net, 2);
    net->l1_number = 103;
    expect_refused(w, tn_draft(net, 0), "1 that L1 does not list, 1 of L1 left out");
    end(w);
}

/* The block stays the parent's: then there is nothing to announce. */
static void a_change_without_a_new_block_is_refused(void **state)
{
    struct testnet *net = l1_net_of(10, 5);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 110);
    tn_whitelist_add(net, 3);
    struct tn_draft *d = tn_draft(net, 0);
    struct ts_whitelist_change c = {
        .l1_number = 101, .l1_hash = net->chain.head.l1_hash, .added = net->adds, .n_added = 1};
    d->header.l1_number = c.l1_number;
    d->header.l1_hash = c.l1_hash;
    tn_set_change(d, &c);
    expect_refused(w, d, "1 that L1 does not list, 0 of L1 left out");
    end(w);
}

static void a_made_up_block_is_refused(void **state)
{
    struct testnet *net = l1_net_of(10, 5);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 110);
    struct tn_draft *d = tn_draft(net, 0);
    d->header.l1_number = 105;
    d->header.l1_hash = tn_l1_block(105, 7, NULL).hash;
    expect_refused(w, d, "names L1 block 105 with the hash");
    end(w);
}

/* Enclave 3, which L1 does not list, puts itself on the list and goes on from the head: whoever has
 * a key of his own can. d is what he seals. */
static struct tn_draft *strangers_batch(struct testnet *net)
{
    tn_boot(net, 3);
    tn_activate(net, 3);
    tn_whitelist_add(net, 3);
    net->l1_number = 103;
    struct tn_draft *d = tn_draft(net, 3);
    for (size_t i = 0; i < 3; i++)
        tn_leave_out(net, d, i);
    return d;
}

static void expect_no_proof(struct nw *w, struct tn_draft *d)
{
    struct testnet *net = w->net;
    w->any_line = true;
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 10, 5 * NW_S));
    assert_int_equal(tn_check(net, d), TS_OK); /* but for L1 */
    nw_push_raw(w, 0, ts_buf_bytes(&d->raw));
    nw_run(w, 2 * NW_S);
    assert_int_equal(nw_head(w, node), 10);
    assert_int_equal(nw_counters(w, node).l1_mismatches, 1);
    assert_int_equal(nw_counters(w, node).peers_dropped, 1);
    assert_int_equal(w->nodes[node].n_findings, 0);
    assert_int_equal(w->nodes[node].store.n_evidence, 0);
    end(w);
}

/* A made-up block proves nothing even when L1 lists him after the block of that number. */
static void a_stranger_proves_nothing_of_the_operator(void **state)
{
    (void)state;
    for (int is_block = 0; is_block < 2; is_block++) {
        struct testnet *net = l1_net_of(10, 5);
        struct nw *w = nw_new(net, 1);
        nw_l1_start(w, 110);
        struct tn_draft *d = strangers_batch(net);
        struct ts_whitelist_change c = {.l1_number = 103,
                                        .l1_hash = tn_l1_block(103, 7, NULL).hash,
                                        .added = (ts_address *)(uintptr_t)tn_id(net, 3),
                                        .n_added = 1};
        if (is_block) {
            nw_l1_whitelist(w, 102, c.added, 1);
            d->header.l1_hash = c.l1_hash;
            tn_set_change(d, &c);
        }
        expect_no_proof(w, d);
    }
}

static const struct ts_finding *finding_of(const struct nw *w, size_t node,
                                           enum ts_finding_kind kind)
{
    const struct ts_audit *a = ts_node_audit(w->nodes[node].core);
    const struct ts_finding *f = NULL;
    for (size_t i = 0; i < ts_audit_count(a); i++) {
        if (ts_audit_get(a, i)->kind != kind)
            continue;
        assert_null(f); /* there is one */
        f = ts_audit_get(a, i);
    }
    assert_non_null(f);
    return f;
}

/* The chain goes on with another batch in the place of the denied one: two seals, to who denied it
 * and to who was not there, who asks L1 about what he is told. */
static void expect_both(struct nw *w)
{
    static const unsigned node_0[] = {0};
    struct testnet *net = w->net;
    tn_run(net, 300);
    w->hosts[0].history = net->history;
    nw_publish(w, 0, net->n_history);
    assert_true(nw_reach(w, 0, net->n_history, 60 * NW_S));
    nw_run(w, NW_S);
    size_t late = nw_node(w, node_0, 1, NULL, false);
    assert_true(nw_reach(w, late, net->n_history, 30 * NW_S));
    nw_run(w, NW_S);
    for (int again = 0; again < 2; again++) {
        const struct ts_finding *two = finding_of(w, 0, TS_F_EQUIVOCATION);
        const struct ts_finding *denied = finding_of(w, 0, TS_F_WHITELIST_MISMATCH);
        assert_memory_equal(finding_of(w, late, TS_F_EQUIVOCATION), two, sizeof(*two));
        assert_memory_equal(finding_of(w, late, TS_F_WHITELIST_MISMATCH), denied, sizeof(*denied));
        assert_int_equal(nw_counters(w, late).peers_dropped, 0);
        assert_int_equal(nw_counters(w, late).invalid, 0);
        nw_kill(w, late);
        nw_restart(w, late);
        nw_run(w, NW_S);
    }
}

static void a_denied_block_beside_the_chains_is_an_equivocation_too(void **state)
{
    struct testnet *net = l1_net_of(10, 5);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 110);
    struct tn_draft *d = tn_draft(net, 0);
    d->header.l1_number = 105;
    d->header.l1_hash = tn_l1_block(105, 7, NULL).hash;
    expect_refused(w, d, "names L1 block 105 with the hash");
    expect_both(w);
    end(w);
}

static void a_denied_list_beside_the_chains_is_an_equivocation_too(void **state)
{
    struct testnet *net = l1_net_of(10, 5);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 110);
    nw_l1_whitelist(w, 102, net->genesis.whitelist, 2);
    net->l1_number = 103;
    expect_refused(w, tn_draft(net, 0), "1 that L1 does not list, 0 of L1 left out");
    tn_whitelist_remove(net, tn_index(net, &net->genesis.whitelist[2]));
    expect_both(w);
    end(w);
}

/* However many batches L1 has denied at a number, that there are two is found: a rollup may decide
 * for another line there. */
static void denied_batches_take_no_room_from_second_ones(void **state)
{
    struct testnet *net = l1_net_of(10, 5);
    struct nw *w = nw_new(net, 1);
    struct ts_buf keep;
    (void)state;
    nw_l1_start(w, 110);
    w->any_line = true;
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 10, 5 * NW_S));
    for (uint64_t i = 0; i < 6; i++) {
        struct tn_draft *d = tn_draft(net, 0);
        d->header.l1_number = 105;
        d->header.l1_hash = tn_l1_block(105, 7 + i, NULL).hash;
        tn_seal(net, d);
        nw_push_raw(w, 0, ts_buf_bytes(&d->raw));
        nw_run(w, 40 * NW_S); /* it stays away from the peer for a while */
    }
    assert_int_equal(found(w, node, TS_F_WHITELIST_MISMATCH), 4); /* more are not kept */
    struct tn_draft *d = tn_draft(net, 0);
    d->header.time += 7;
    seal_into(net, d, &keep);
    tn_run(net, 1);
    w->hosts[0].history = net->history;
    nw_publish(w, 0, 11);
    assert_true(nw_reach(w, node, 11, 60 * NW_S));
    nw_run(w, NW_S);
    nw_push_raw(w, 0, ts_buf_bytes(&keep));
    nw_run(w, NW_S);
    assert_int_equal(found(w, node, TS_F_EQUIVOCATION), 4);
    ts_buf_free(&keep);
    end(w);
}

/* A second batch that L1 agrees with, or that names a block which L1 may never have, is an
 * equivocation alone. */
static void a_second_batch_is_held_against_l1(void **state)
{
    struct testnet *net = l1_net_of(10, 5);
    struct nw *w = nw_new(net, 1);
    struct ts_buf keep[2];
    (void)state;
    nw_l1_start(w, 110);
    nw_host_up(w, 0);
    nw_host_up(w, 1);
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    assert_true(nw_reach(w, node, 10, 5 * NW_S));
    for (size_t i = 0; i < 2; i++) {
        struct tn_draft *d = tn_draft(net, 0);
        d->header.time += 7 + i;
        if (i == 1)
            d->header.l1_number = 5000;
        seal_into(net, d, &keep[i]);
    }
    tn_run(net, 1);
    nw_publish(w, 0, 11);
    assert_true(nw_reach(w, node, 11, 5 * NW_S));
    for (size_t i = 0; i < 2; i++)
        nw_push_raw(w, 1, ts_buf_bytes(&keep[i]));
    nw_run(w, 10 * NW_S);
    assert_int_equal(found(w, node, TS_F_EQUIVOCATION), 2);
    assert_int_equal(found(w, node, TS_F_WHITELIST_MISMATCH), 0);
    nw_l1_mine(w, 5010);
    nw_run(w, 10 * NW_S);
    assert_int_equal(found(w, node, TS_F_WHITELIST_MISMATCH), 1);
    for (size_t i = 0; i < 2; i++)
        ts_buf_free(&keep[i]);
    end(w);
}

/* V1's age, which only those see who have the header: no finding, but invalid. */
static void an_old_block_is_refused(void **state)
{
    struct testnet *net = l1_net_of(10, 0);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 110);
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 10, 5 * NW_S));
    net->time += net->genesis.params.max_l1_age_ms;
    struct tn_draft *d = tn_draft(net, 0);
    tn_seal(net, d);
    nw_push_raw(w, 0, ts_buf_bytes(&d->raw));
    nw_run(w, 2 * NW_S);
    assert_int_equal(nw_head(w, node), 10);
    assert_int_equal(nw_counters(w, node).invalid, 1);
    assert_int_equal(nw_counters(w, node).l1_mismatches, 0);
    assert_true(nw_said(w, node, "ms old, at most 3600000"));
    end(w);
}

/* ---- without L1 ---- */

static void without_l1_that_is_said_once(void **state)
{
    struct testnet *net = l1_net_of(20, 5);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 20, 5 * NW_S));
    assert_true(nw_said(w, node, "l1-not-followed l1_chain=31337"));
    assert_true(l1_of(w, node).is_needed);
    assert_false(l1_of(w, node).is_followed);
    assert_int_equal(nw_counters(w, node).l1_asked, 0);
    end(w);
}

/* ---- L1 goes back ---- */

static void a_reorg_of_what_the_chain_names_stops_it(void **state)
{
    struct testnet *net = l1_net_of(20, 5);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 104); /* 103, the chain's, is the newest confirmed one */
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 20, 5 * NW_S));
    nw_l1_fork(w, 102);
    assert_true(l1_of(w, node).is_halted);
    assert_true(nw_said(w, node, "l1-reorg l1_number=103"));
    tn_run(net, 5);
    nw_publish(w, 0, 25);
    nw_run(w, 30 * NW_S);
    assert_int_equal(nw_head(w, node), 20);
    nobody_is_blamed(w, node);
    assert_non_null(strstr(l1_of(w, node).reason, "block 103"));
    end(w);
}

/* What was replaced is above, but it reaches below: that shows when L1 is followed anew. */
static void a_deep_reorg_stops_it_when_it_shows(void **state)
{
    struct testnet *net = l1_net_of(20, 5);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 110);
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 20, 5 * NW_S));
    nw_l1_fork(w, 102);
    assert_true(nw_said(w, node, "l1-anew l1_number=109 reference=103"));
    assert_false(l1_of(w, node).is_halted);
    nw_l1_mine(w, 112);
    nw_run(w, NW_S);
    assert_true(l1_of(w, node).is_halted);
    assert_true(nw_said(w, node, "l1-reorg l1_number=103"));
    end(w);
}

static void a_reorg_above_the_chain_does_not(void **state)
{
    struct testnet *net = l1_net_of(20, 5);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 110);
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 20, 5 * NW_S));
    nw_l1_fork(w, 106);
    assert_true(nw_said(w, node, "l1-anew"));
    nw_l1_mine(w, 112);
    nw_run(w, NW_S);
    assert_false(l1_of(w, node).is_halted);
    net->l1_number = 105;
    tn_run(net, 5);
    nw_publish(w, 0, 25);
    assert_true(nw_reach(w, node, 25, 5 * NW_S));
    nobody_is_blamed(w, node);
    end(w);
}

/* What was said of the line that is gone does not count until L1 speaks again. */
static void nothing_is_taken_on_a_line_that_is_gone(void **state)
{
    struct testnet *net = l1_net_of(20, 5);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 110);
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 20, 5 * NW_S));
    nw_l1_fork(w, 106);
    nw_l1_down(w, true);
    net->l1_number = 109; /* as it was before */
    tn_run(net, 5);
    nw_publish(w, 0, 25);
    nw_run(w, 5 * NW_S);
    assert_int_equal(nw_head(w, node), 20);
    nw_l1_down(w, false);
    nw_l1_mine(w, 112);
    nw_run(w, 5 * NW_S);
    assert_int_equal(nw_head(w, node), 20);
    assert_false(l1_of(w, node).is_halted); /* nothing of it was taken */
    end(w);
}

/* A block that was not confirmed when a batch named it turns out to be another one. */
static void a_block_that_never_gets_confirmed_stops_it(void **state)
{
    struct testnet *net = l1_net_of(20, 10);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 101); /* 101 is there, and 100 confirmed */
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 20, 5 * NW_S));
    nw_l1_fork(w, 101);
    assert_false(l1_of(w, node).is_halted);
    nw_l1_mine(w, 102);
    nw_run(w, NW_S);
    assert_true(l1_of(w, node).is_halted);
    assert_true(nw_said(w, node, "l1-reorg l1_number=101"));
    /* A restart sees it too. */
    nw_kill(w, node);
    nw_restart(w, node);
    nw_run(w, NW_S);
    assert_true(l1_of(w, node).is_halted);
    end(w);
}

/* ---- an old reference ---- */

static void an_old_reference_is_found(void **state)
{
    struct testnet *net = l1_net_of(20, 10);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_l1_start(w, 105);
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 20, 5 * NW_S));
    net->time += 610000; /* L1 stands still too: nothing is held back */
    tn_run(net, 1);
    nw_publish(w, 0, 21);
    assert_true(nw_reach(w, node, 21, 5 * NW_S));
    assert_int_equal(found(w, node, TS_F_STALE_L1), 0);
    nw_l1_mine(w, 160);
    tn_run(net, 5);
    nw_publish(w, 0, 26);
    assert_true(nw_reach(w, node, 26, 5 * NW_S));
    assert_int_equal(found(w, node, TS_F_STALE_L1), 1);
    const struct ts_finding *f = &w->nodes[node].findings[w->nodes[node].n_findings - 1];
    assert_int_equal(f->kind, TS_F_STALE_L1);
    assert_int_equal(f->first, 11);
    assert_non_null(strstr(f->text, "names L1 block 101 since batch 11"));
    net->l1_number = 150;
    tn_run(net, 1);
    net->time += 610000;
    tn_run(net, 5);
    nw_l1_mine(w, 250);
    nw_publish(w, 0, 32);
    assert_true(nw_reach(w, node, 32, 5 * NW_S));
    assert_int_equal(found(w, node, TS_F_STALE_L1), 2); /* of another block, another one */
    end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_block_is_asked_for_once_and_ahead),
        cmocka_unit_test(headers_come_with_what_is_loaded),
        cmocka_unit_test(a_restart_asks_only_for_the_newest),
        cmocka_unit_test(a_change_that_l1_has_is_taken),
        cmocka_unit_test(a_batch_waits_until_l1_has_spoken),
        cmocka_unit_test(a_second_batch_waits_with_it),
        cmocka_unit_test(an_l1_that_is_down_holds_all_back_and_bounds_hold),
        cmocka_unit_test(an_unconfirmed_denial_blames_nobody),
        cmocka_unit_test(after_a_while_another_peer_is_asked),
        cmocka_unit_test(made_up_numbers_are_not_waited_for),
        cmocka_unit_test(a_change_that_is_not_announced_is_refused),
        cmocka_unit_test(a_change_that_is_made_up_is_refused),
        cmocka_unit_test(a_change_without_a_new_block_is_refused),
        cmocka_unit_test(a_made_up_block_is_refused),
        cmocka_unit_test(a_stranger_proves_nothing_of_the_operator),
        cmocka_unit_test(a_denied_block_beside_the_chains_is_an_equivocation_too),
        cmocka_unit_test(a_denied_list_beside_the_chains_is_an_equivocation_too),
        cmocka_unit_test(a_second_batch_is_held_against_l1),
        cmocka_unit_test(denied_batches_take_no_room_from_second_ones),
        cmocka_unit_test(an_old_block_is_refused),
        cmocka_unit_test(without_l1_that_is_said_once),
        cmocka_unit_test(a_reorg_of_what_the_chain_names_stops_it),
        cmocka_unit_test(a_deep_reorg_stops_it_when_it_shows),
        cmocka_unit_test(a_reorg_above_the_chain_does_not),
        cmocka_unit_test(nothing_is_taken_on_a_line_that_is_gone),
        cmocka_unit_test(a_block_that_never_gets_confirmed_stops_it),
        cmocka_unit_test(an_old_reference_is_found),
    };
    return cmocka_run_group_tests_name("node_l1", tests, NULL, NULL);
}
