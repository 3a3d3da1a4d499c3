/* SPDX-License-Identifier: Apache-2.0 */
/* A node's findings: the same for one that follows, one that is restarted and one that joins late;
 * evidence; payloads that somebody edited. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "net/feed_session.h"
#include "node_kit.h"

static const struct ts_audit *audit_of(const struct nw *w, size_t node)
{
    return ts_node_audit(w->nodes[node].core);
}

static void assert_same(const struct ts_audit *x, const struct ts_audit *y)
{
    assert_int_equal(ts_audit_head(x), ts_audit_head(y));
    assert_int_equal(ts_audit_count(x), ts_audit_count(y));
    for (size_t i = 0; i < ts_audit_count(x); i++)
        assert_memory_equal(ts_audit_get(x, i), ts_audit_get(y, i), sizeof(struct ts_finding));
}

/* A failover, then the old active one is away for long and comes back. */
static void trouble(struct testnet *net)
{
    tn_crash(net, 0);
    tn_activate(net, 1);
    tn_run(net, 20);
}

static void back_again(struct testnet *net)
{
    tn_boot(net, 0);
    tn_run(net, 5);
}

static size_t stop_and_start(struct nw *w, size_t node)
{
    nw_input(w, node, &(struct ts_node_input){.kind = TS_NODE_IN_STOP});
    nw_run(w, 100 * NW_MS);
    nw_kill(w, node);
    size_t before = w->nodes[node].n_findings;
    nw_restart(w, node);
    return before;
}

static void restarts_and_late_joiners_find_the_same(void **state)
{
    struct testnet *net = net_of(20);
    struct nw *w = nw_new(net, 1);
    (void)state;
    nw_host_up(w, 0);
    size_t live = nw_node(w, host_0, 1, NULL, false);
    size_t stopped = nw_node(w, host_0, 1, NULL, false);
    size_t killed = nw_node(w, host_0, 1, NULL, false);
    trouble(net);
    nw_publish(w, 0, net->n_history);
    nw_run(w, NW_S);
    assert_int_equal(w->nodes[live].n_findings, 2); /* a silence is open */
    size_t told = stop_and_start(w, stopped);       /* from the snapshot */
    nw_kill(w, killed);                             /* from the batches */
    nw_restart(w, killed);
    nw_run(w, NW_S);
    assert_int_equal(w->nodes[stopped].n_findings, told); /* nothing is told again */
    assert_int_equal(w->nodes[killed].n_findings, told);
    assert_same(audit_of(w, stopped), audit_of(w, live));
    assert_same(audit_of(w, killed), audit_of(w, live));
    back_again(net);
    nw_publish(w, 0, net->n_history);
    size_t late = nw_node(w, host_0, 1, NULL, false);
    nw_run(w, NW_S);
    assert_int_equal(nw_head(w, late), net->n_history);
    assert_same(audit_of(w, stopped), audit_of(w, live));
    assert_same(audit_of(w, killed), audit_of(w, live));
    assert_same(audit_of(w, late), audit_of(w, live));
    assert_int_equal(ts_audit_count(audit_of(w, late)), 3); /* takeover, silence, restart */
    assert_int_equal(w->nodes[late].n_findings, 4);         /* the silence twice */
    assert_int_equal(nw_counters(w, live).findings, 4);
    for (size_t i = 0; i < 3; i++)
        assert_int_not_equal(ts_audit_get(audit_of(w, late), i)->severity, TS_SEVERITY_PROOF);
    end(w);
}

static void an_equivocation_is_found_once_and_after_a_restart(void **state)
{
    struct ts_buf keep;
    size_t node;
    struct nw *w = with_sibling(2, &node, &keep);
    (void)state;
    nw_push_raw(w, 1, ts_buf_bytes(&keep));
    nw_push_raw(w, 1, ts_buf_bytes(&keep));
    nw_run(w, 100 * NW_MS);
    assert_int_equal(w->nodes[node].n_findings, 1);
    const struct ts_finding f = w->nodes[node].findings[0];
    assert_int_equal(f.kind, TS_F_EQUIVOCATION);
    assert_int_equal(f.severity, TS_SEVERITY_PROOF);
    assert_int_equal(f.about, TS_ABOUT_OPERATOR);
    assert_int_equal(f.first, 21);
    assert_true(ts_hash_equal(&f.evidence, &w->nodes[node].store.evidence[0]));
    stop_and_start(w, node);
    nw_run(w, NW_S);
    assert_int_equal(ts_audit_count(audit_of(w, node)), 1);
    assert_memory_equal(ts_audit_get(audit_of(w, node), 0), &f, sizeof(f));
    assert_int_equal(w->nodes[node].n_findings, 1);
    ts_buf_free(&keep);
    end(w);
}

static const struct nw_reply *settle(struct nw *w, size_t node, uint64_t token)
{
    struct ts_node_input in = {.kind = TS_NODE_IN_SETTLE, .token = token};
    nw_input(w, node, &in);
    return nw_reply(w, node, token);
}

/* It is told when it is checked, and its file is there a moment later: who waits for that is
 * answered then. */
static void who_waits_for_evidence_is_answered_when_it_is_stored(void **state)
{
    struct ts_buf keep;
    size_t node;
    struct nw *w = with_sibling(2, &node, &keep);
    struct nw_store *store = &w->nodes[node].store;
    (void)state;
    store->fail_steps = 1;
    nw_push_raw(w, 1, ts_buf_bytes(&keep));
    nw_run(w, 100 * NW_MS);
    assert_int_equal(store->fail_steps, 0);
    assert_int_equal(w->nodes[node].n_findings, 1);
    assert_int_equal(store->n_evidence, 0);
    assert_null(settle(w, node, 1));
    while (store->n_evidence == 0) {
        assert_null(nw_reply(w, node, 1));
        nw_run(w, 50);
    }
    nw_run(w, 100 * NW_MS);
    assert_int_equal(nw_reply(w, node, 1)->err, TS_OK);
    nw_run(w, 100 * NW_MS);
    assert_int_equal(settle(w, node, 2)->err, TS_OK); /* nothing is being stored */
    ts_buf_free(&keep);
    end(w);
}

/* Not for ever, not too many, and not beyond its end. */
static void who_waits_for_the_store_waits_in_bounds(void **state)
{
    struct testnet *net = net_of(12);
    struct nw *w = nw_new(net, 9);
    struct ts_node_settings s;
    (void)state;
    ts_node_settings_default(&s);
    nw_host_up(w, 0);
    w->hosts[0].head = 10;
    size_t node = nw_node(w, host_0, 1, &s, false);
    assert_true(nw_reach(w, node, 10, 5 * NW_S));
    nw_run(w, NW_S);
    w->nodes[node].store.fail_steps = 1000;
    nw_publish(w, 0, 11);
    nw_run(w, NW_S);
    assert_int_equal(nw_head(w, node), 10);
    assert_null(settle(w, node, 1));
    nw_run(w, s.settle_us + NW_MS);
    assert_int_equal(nw_reply(w, node, 1)->err, TS_E_TIMEOUT);
    w->nodes[node].n_replies = 0;
    uint64_t token = 2;
    while (settle(w, node, token) == NULL)
        token++;
    assert_in_range(token, 17, 4096);
    assert_int_equal(nw_reply(w, node, token)->err, TS_E_BUSY);
    w->nodes[node].n_replies = 0;
    struct ts_node_input stop = {.kind = TS_NODE_IN_STOP};
    nw_input(w, node, &stop);
    assert_int_equal(w->nodes[node].n_replies, token - 2);
    for (uint64_t i = 2; i < token; i++)
        assert_int_equal(nw_reply(w, node, i)->err, TS_E_CLOSED);
    end(w);
}

/* The same proof, also when the chain has long gone on, and when the sealer was removed since. */
static void who_joins_late_is_told_of_an_old_equivocation(void **state)
{
    static const unsigned node_0[] = {0};
    struct ts_buf keep;
    size_t live;
    struct nw *w = with_sibling(2, &live, &keep);
    struct testnet *net = w->net;
    (void)state;
    nw_push_raw(w, 1, ts_buf_bytes(&keep));
    nw_run(w, 100 * NW_MS);
    assert_int_equal(w->nodes[live].n_findings, 1);
    const struct ts_finding f = w->nodes[live].findings[0];
    tn_step_down(net, 0);
    tn_activate(net, 1);
    tn_run(net, 1);
    tn_whitelist_remove(net, 0);
    tn_run(net, 2 * TS_RECENT);
    nw_publish(w, 0, net->n_history);
    assert_true(nw_reach(w, live, net->n_history, 10 * NW_S));
    size_t late = nw_node(w, node_0, 1, NULL, false);
    assert_true(nw_reach(w, late, net->n_history, 10 * NW_S));
    nw_run(w, NW_S);
    const struct ts_audit *a = audit_of(w, late);
    size_t same = 0;
    for (size_t i = 0; i < ts_audit_count(a); i++)
        same += ts_finding_equal(ts_audit_get(a, i), &f);
    assert_int_equal(same, 1);
    assert_int_equal(nw_counters(w, late).equivocations, 1);
    assert_int_equal(nw_counters(w, late).peers_dropped, 0);
    /* And keeps it, so that the next one hears of it from there. */
    static const unsigned node_1[] = {1};
    size_t later = nw_node(w, node_1, 1, NULL, false);
    assert_true(nw_reach(w, later, net->n_history, 10 * NW_S));
    nw_run(w, NW_S);
    assert_int_equal(nw_counters(w, later).equivocations, 1);
    stop_and_start(w, late);
    nw_run(w, NW_S);
    assert_int_equal(nw_counters(w, late).equivocations, 0); /* it is known */
    ts_buf_free(&keep);
    end(w);
}

static void tell_by(struct nw *w, size_t node, unsigned link, const ts_hash *root, ts_bytes raw)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_feed_put_evidence(&b, root, raw);
    nw_input(
        w, node,
        &(struct ts_node_input){.kind = TS_NODE_IN_FRAME, .link = link, .bytes = ts_buf_bytes(&b)});
    ts_buf_free(&b);
    nw_run(w, 100 * NW_MS);
}

static void tell(struct nw *w, size_t node, const ts_hash *root, ts_bytes raw)
{
    tell_by(w, node, 0, root, raw);
}

/* Different batches at one number, sealed, as only who has an enclave's key makes them. */
static void seal_many(struct testnet *net, struct ts_buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct tn_draft *d = tn_draft(net, 0);
        d->header.time += i;
        seal_into(net, d, &out[i]);
    }
}

static void free_many(struct ts_buf *bufs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ts_buf_free(&bufs[i]);
}

/* Made up roots, our own batch, seals of nobody. */
static void what_is_told_is_not_believed(void **state)
{
    struct testnet *net = net_of(20);
    struct nw *w = nw_new(net, 2);
    struct ts_chain before;
    struct ts_buf keep, ahead;
    const ts_hash made_up = {{5}};
    (void)state;
    tn_fold(net, 20, &before);
    sibling(net, &keep);
    tn_run(net, 1);
    seal_into(net, tn_draft(net, 0), &ahead);
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 22, NW_S));
    tell(w, node, &before.head.protocol_root, tn_raw(net, 21)); /* ours */
    assert_int_equal(nw_counters(w, node).peers_dropped, 0);
    tell(w, node, &made_up, ts_buf_bytes(&keep));
    assert_int_equal(nw_counters(w, node).peers_dropped, 1);
    nw_run(w, 30 * NW_S);
    tell(w, node, &made_up, ts_buf_bytes(&ahead)); /* a number that the chain has not yet */
    assert_int_equal(nw_counters(w, node).peers_dropped, 2);
    nw_run(w, 60 * NW_S);
    keep.p[keep.n - 20] ^= 1;
    tell(w, node, &before.head.protocol_root, ts_buf_bytes(&keep));
    assert_int_equal(nw_counters(w, node).peers_dropped, 3);
    assert_int_equal(nw_counters(w, node).invalid, 3);
    assert_int_equal(w->nodes[node].n_findings, 0);
    nw_run(w, 60 * NW_S);
    keep.p[keep.n - 20] ^= 1;
    tell(w, node, &before.head.protocol_root, ts_buf_bytes(&keep));
    assert_int_equal(w->nodes[node].n_findings, 1);
    ts_chain_free(&before);
    ts_buf_free(&keep);
    ts_buf_free(&ahead);
    end(w);
}

/* Sealed by somebody whom the chain does not list, or on another parent: whoever stands on another
 * line may have kept that in good faith. But no more of it than a server tells. */
static void what_another_line_tells_is_counted_and_bounded(void **state)
{
    struct testnet *net = net_of(22), *other = net_of(18);
    struct nw *w = nw_new(net, 2);
    struct ts_buf keep[TS_FEED_MAX_EVIDENCE + 1];
    (void)state;
    other->time += 5;
    tn_run(other, 2); /* the lines part; their protocol roots do after a batch more */
    const ts_hash root = other->chain.head.protocol_root;
    seal_many(other, keep, TS_COUNT(keep));
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 22, NW_S));
    for (size_t i = 0; i < TS_FEED_MAX_EVIDENCE; i++)
        tell(w, node, &root, ts_buf_bytes(&keep[i]));
    assert_int_equal(nw_counters(w, node).invalid, TS_FEED_MAX_EVIDENCE);
    assert_int_equal(nw_counters(w, node).peers_dropped, 0);
    tell(w, node, &root, ts_buf_bytes(&keep[TS_FEED_MAX_EVIDENCE]));
    assert_int_equal(nw_counters(w, node).bad_frames, 1);
    assert_int_equal(nw_counters(w, node).peers_dropped, 1);
    assert_int_equal(w->nodes[node].n_findings, 0);
    free_many(keep, TS_COUNT(keep));
    tn_free(other);
    end(w);
}

/* A batch was sealed with two payloads: the hashes are the same on both lines, the roots are not.
 */
static void who_has_another_payload_before_is_not_blamed(void **state)
{
    static const uint8_t body[] = {1};
    struct testnet *net = net_of(20), *other = net_of(20);
    struct nw *w = nw_new(net, 1);
    struct ts_buf keep;
    (void)state;
    struct tn_draft *d = tn_draft(other, 0);
    tn_set_notice(d, 200, ts_bytes_of(body, sizeof(body)));
    tn_publish(other, d);
    tn_run(net, 1);
    assert_true(ts_hash_equal(&net->chain.head.hash, &other->chain.head.hash));
    const ts_hash root = other->chain.head.protocol_root;
    d = tn_draft(other, 0);
    d->header.time += 5;
    seal_into(other, d, &keep);
    tn_run(net, 1);
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 22, NW_S));
    tell(w, node, &root, ts_buf_bytes(&keep));
    assert_int_equal(nw_counters(w, node).invalid, 1);
    assert_int_equal(nw_counters(w, node).peers_dropped, 0);
    assert_int_equal(w->nodes[node].n_findings, 0);
    ts_buf_free(&keep);
    tn_free(other);
    end(w);
}

/* Batches that never come do not keep what another server tells from being looked at, whichever of
 * the two speaks first. */
static void a_server_cannot_keep_out_what_another_tells(void **state)
{
    struct testnet *net = net_of(20);
    struct nw *w = nw_new(net, 2);
    struct ts_chain before;
    struct ts_buf keep, ahead[TS_FEED_MAX_EVIDENCE];
    (void)state;
    tn_fold(net, 20, &before);
    sibling(net, &keep);
    tn_run(net, 1);
    const ts_hash root = net->chain.head.protocol_root;
    seal_many(net, ahead, TS_COUNT(ahead));
    for (unsigned liar = 0; liar < 2; liar++) {
        nw_host_up(w, 0);
        nw_host_up(w, 1);
        w->hosts[0].head = w->hosts[1].head = 19; /* so that it waits */
        size_t node = nw_node(w, hosts_01, 2, NULL, false);
        assert_true(nw_reach(w, node, 19, NW_S));
        for (size_t i = 0; i < TS_COUNT(ahead); i++) {
            if (liar == 1 && i == 5) /* later ones do not push it out */
                tell_by(w, node, 1 - liar, &before.head.protocol_root, ts_buf_bytes(&keep));
            tell_by(w, node, liar, &root, ts_buf_bytes(&ahead[i]));
        }
        if (liar == 0) /* now they are all taken */
            tell_by(w, node, 1, &before.head.protocol_root, ts_buf_bytes(&keep));
        assert_true(nw_counters(w, node).evidence_dropped >= 1);
        nw_publish(w, 0, 22);
        nw_publish(w, 1, 22);
        assert_true(nw_reach(w, node, 22, NW_S));
        nw_run(w, NW_S);
        assert_int_equal(w->nodes[node].n_findings, 1);
        assert_int_equal(w->nodes[node].findings[0].kind, TS_F_EQUIVOCATION);
        assert_int_equal(nw_counters(w, node).peers_dropped, 0);
    }
    ts_chain_free(&before);
    ts_buf_free(&keep);
    free_many(ahead, TS_COUNT(ahead));
    end(w);
}

/* What is told has room of its own: batches that never come do not slow down the catching up. */
static void what_is_told_does_not_slow_down_catching_up(void **state)
{
    static uint8_t bytes[120 * 1024];
    struct testnet *net = net_of(200);
    struct nw *w = nw_new(net, 2);
    struct ts_node_settings s;
    struct ts_buf ahead[TS_FEED_MAX_EVIDENCE];
    ts_bytes txs[2] = {{bytes, sizeof(bytes)}, {bytes, sizeof(bytes)}};
    (void)state;
    const ts_hash root = net->chain.head.protocol_root;
    for (size_t i = 0; i < TS_COUNT(ahead); i++) {
        struct tn_draft *d = tn_draft(net, 0);
        d->header.time += i;
        d->txs = txs;
        d->n_txs = 2;
        seal_into(net, d, &ahead[i]);
    }
    ts_node_settings_default(&s);
    s.get_count = 8;
    s.window_bytes = 7900000; /* as much as is told */
    nw_host_up(w, 0);
    w->hosts[0].head = 8;
    w->hosts[0].delay_us = 200 * NW_MS;
    size_t node = nw_node(w, host_0, 1, &s, false);
    assert_true(nw_reach(w, node, 8, 5 * NW_S));
    for (size_t i = 0; i < TS_COUNT(ahead); i++)
        tell(w, node, &root, ts_buf_bytes(&ahead[i]));
    assert_int_equal(nw_counters(w, node).evidence_dropped, 0);
    w->hosts[0].head = 200;
    nw_push_raw(w, 0, tn_raw(net, 200)); /* one range after the other takes five seconds */
    assert_true(nw_reach(w, node, 200, 3 * NW_S));
    free_many(ahead, TS_COUNT(ahead));
    end(w);
}

static size_t found(const struct nw *w, size_t node, enum ts_finding_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < w->nodes[node].n_findings; i++)
        n += w->nodes[node].findings[i].kind == kind;
    return n;
}

/* One more batch, this much off the world's clock, pushed. */
static void push_off(struct nw *w, int64_t ms)
{
    struct testnet *net = w->net;
    uint64_t parent = net->chain.head.time;
    net->time = (ts_time)((int64_t)(1700000000000 + w->now / 1000) + ms);
    if (net->time < parent)
        net->time = parent;
    tn_run(net, 1);
    nw_publish(w, 0, net->n_history);
    nw_run(w, 100 * NW_MS);
}

static void a_clock_that_is_off_is_found_once(void **state)
{
    struct testnet *net = net_of(20);
    struct nw *w = nw_new(net, 2);
    (void)state;
    w->clock_skew_ms = 30000;
    nw_run(w, 20 * NW_S); /* the first batches are a second apart */
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 20, NW_S));
    nw_run(w, 600 * NW_S);
    push_off(w, -1000);
    assert_int_equal(found(w, node, TS_F_CLOCK_SKEW), 0); /* what is caught up with may be old */
    push_off(w, -40000);
    push_off(w, -40000);                                  /* it lasts */
    assert_int_equal(found(w, node, TS_F_CLOCK_SKEW), 0); /* times do not go back in a chain */
    nw_run(w, 60 * NW_S);
    push_off(w, -45000);
    push_off(w, -45000);
    assert_int_equal(found(w, node, TS_F_CLOCK_SKEW), 1);
    const struct ts_finding *f = &w->nodes[node].findings[w->nodes[node].n_findings - 1];
    assert_int_equal(f->severity, TS_SEVERITY_PATTERN);
    assert_non_null(strstr(f->text, "behind this node's clock"));
    push_off(w, 0);
    push_off(w, 31000);
    assert_int_equal(found(w, node, TS_F_CLOCK_SKEW), 2);
    f = &w->nodes[node].findings[w->nodes[node].n_findings - 1];
    assert_non_null(strstr(f->text, "ahead of this node's clock"));
    /* Who joins later sees that one too: a time from the future is one whenever it comes. */
    size_t late = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, late, net->n_history, 10 * NW_S));
    assert_int_equal(found(w, late, TS_F_CLOCK_SKEW), 1);
    end(w);
}

/* Anybody may subscribe, and send what is old long after it was made. */
static void what_subscribers_send_says_nothing_of_the_clock(void **state)
{
    struct testnet *net = net_of(20);
    struct nw *w = nw_new(net, 7);
    (void)state;
    w->clock_skew_ms = 30000;
    nw_host_up(w, 0);
    w->hosts[0].head = 10;
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 10, 5 * NW_S));
    nw_run(w, 600 * NW_S);
    nw_input(
        w, node,
        &(struct ts_node_input){.kind = TS_NODE_IN_BATCH, .peer = 7, .bytes = tn_raw(net, 11)});
    assert_true(nw_reach(w, node, 11, 5 * NW_S));
    assert_int_equal(found(w, node, TS_F_CLOCK_SKEW), 0);
    nw_publish(w, 0, 12);
    assert_true(nw_reach(w, node, 12, 5 * NW_S));
    assert_int_equal(found(w, node, TS_F_CLOCK_SKEW), 1);
    end(w);
}

/* The net's batch number with another notice in its payload, header and seal as they were. */
static void edit(struct testnet *net, uint64_t number, struct ts_buf *out)
{
    struct ts_arena arena;
    struct ts_batch b;
    static const uint8_t body[1] = {9};
    struct ts_notice notice = {.type = 200, .body = {body, sizeof(body)}};
    ts_arena_init(&arena, 0);
    tn_decode(net, number, &arena, &b);
    b.payload.notices = &notice;
    b.payload.n_notices = 1;
    ts_buf_init(out, 0);
    ts_batch_put(out, &b);
    ts_arena_free(&arena);
}

static void an_edited_payload_of_a_known_batch_is_found(void **state)
{
    struct testnet *net = net_of(20);
    struct nw *w = nw_new(net, 3);
    struct ts_buf edited;
    (void)state;
    nw_host_up(w, 0);
    nw_host_up(w, 1);
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    nw_run(w, NW_S);
    edit(net, 15, &edited);
    nw_push_raw(w, 1, ts_buf_bytes(&edited));
    nw_run(w, 100 * NW_MS);
    assert_int_equal(w->nodes[node].n_findings, 1);
    assert_int_equal(w->nodes[node].findings[0].kind, TS_F_PAYLOAD_EDITED);
    assert_int_equal(w->nodes[node].findings[0].about, TS_ABOUT_PEER);
    assert_int_equal(w->nodes[node].findings[0].first, 15);
    assert_int_equal(w->nodes[node].store.n_evidence, 1);
    assert_int_equal(nw_counters(w, node).peers_dropped, 1);
    ts_buf_free(&edited);
    end(w);
}

/* One that joins asks a liar first, and later learns what the payload was. */
static void an_edited_payload_that_was_refused_is_found_later(void **state)
{
    struct testnet *net = net_of(20);
    struct nw *w = nw_new(net, 4);
    struct ts_buf edited;
    (void)state;
    ts_bytes *lies = calloc(net->n_history, sizeof(*lies));
    assert_non_null(lies);
    memcpy(lies, net->history, net->n_history * sizeof(*lies));
    edit(net, 12, &edited);
    lies[11] = ts_buf_bytes(&edited);
    w->hosts[1].history = lies;
    w->hosts[1].head = net->n_history;
    nw_host_up(w, 1);
    size_t alone = nw_node(w, host_1, 1, NULL, false);
    size_t joins = nw_node(w, hosts_01, 2, NULL, false);
    nw_run(w, NW_S);
    assert_int_equal(nw_head(w, joins), 11);
    assert_int_equal(w->nodes[joins].n_findings, 0); /* what is wrong with it is not known */
    nw_host_up(w, 0);
    assert_true(nw_reach(w, joins, 20, 20 * NW_S));
    assert_int_equal(w->nodes[joins].n_findings, 1);
    assert_int_equal(w->nodes[joins].findings[0].kind, TS_F_PAYLOAD_EDITED);
    assert_int_equal(w->nodes[joins].findings[0].first, 12);
    assert_int_equal(w->nodes[alone].n_findings, 0);
    ts_buf_free(&edited);
    nw_kill(w, alone);
    nw_kill(w, joins);
    nw_free(w);
    free(lies);
    tn_free(net);
}

static void a_broken_seal_is_no_edited_payload(void **state)
{
    struct testnet *net = net_of(20);
    struct nw *w = nw_new(net, 5);
    (void)state;
    nw_host_up(w, 1);
    w->hosts[1].corrupt_from = 9;
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    nw_run(w, NW_S);
    nw_host_up(w, 0);
    assert_true(nw_reach(w, node, 20, 20 * NW_S));
    assert_int_equal(w->nodes[node].n_findings, 0);
    end(w);
}

/* A peer claims another line and gives nothing of it: what it should hold of ours is missing. */
static void what_a_peer_will_not_give_is_withheld(void **state)
{
    struct testnet *net = net_of(20);
    struct testnet *other = net_of(15);
    struct nw *w = nw_new(net, 7);
    (void)state;
    other->time += 5;
    tn_run(other, 5);
    nw_host_up(w, 0);
    size_t node = nw_node(w, hosts_01, 2, NULL, false);
    assert_true(nw_reach(w, node, 20, NW_S));
    w->hosts[1].history = other->history;
    w->hosts[1].head = 20;
    w->hosts[1].answers_nothing = true;
    nw_host_up(w, 1);
    nw_run(w, 20 * NW_S);
    assert_int_equal(w->nodes[node].n_findings, 1); /* once, however often it is asked */
    const struct ts_finding *f = &w->nodes[node].findings[0];
    assert_int_equal(f->kind, TS_F_PAYLOAD_WITHHELD);
    assert_int_equal(f->severity, TS_SEVERITY_OMISSION);
    assert_int_equal(f->about, TS_ABOUT_PEER);
    tn_free(other);
    end(w);
}

static void a_state_that_cannot_be_read_is_no_loss(void **state)
{
    struct testnet *net = net_of(20);
    struct nw *w = nw_new(net, 6);
    (void)state;
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    nw_run(w, NW_S);
    nw_input(w, node, &(struct ts_node_input){.kind = TS_NODE_IN_STOP});
    nw_run(w, 100 * NW_MS);
    nw_kill(w, node);
    struct nw_store *s = &w->nodes[node].store;
    size_t fresh = nw_node(w, NULL, 0, NULL, false);
    struct ts_node *core = w->nodes[fresh].core;
    ts_bytes whole = ts_buf_bytes(&s->audit);
    ts_buf_put_byte(&s->audit, 1);
    ts_bytes bad[] = {
        {0}, {whole.p, whole.n - 1}, {s->audit.p, s->audit.n}, {s->chain.p, s->chain.n}};
    for (size_t i = 0; i < TS_COUNT(bad); i++) {
        assert_int_not_equal(
            ts_node_load_chain(core, ts_buf_bytes(&s->chain), ts_buf_bytes(&s->roots), bad[i]),
            TS_OK);
        assert_int_equal(ts_node_chain(core)->head.number, 0);
        assert_int_equal(ts_audit_head(ts_node_audit(core)), 0);
    }
    whole.p = s->audit.p;
    assert_int_equal(ts_node_load_chain(core, ts_buf_bytes(&s->chain), ts_buf_bytes(&s->roots),
                                        ts_bytes_of(s->audit.p, whole.n)),
                     TS_OK);
    assert_int_equal(ts_audit_head(ts_node_audit(core)), 20);
    s->audit.n--;
    nw_restart(w, node);
    end(w);
}

static void a_timeline_is_folded_anew(void **state)
{
    struct nw *w = nw_new(net_of(20), 7);
    struct ts_buf again;
    (void)state;
    ts_buf_init(&again, 0);
    nw_host_up(w, 0);
    size_t node = nw_node(w, host_0, 1, NULL, false);
    nw_run(w, NW_S);
    nw_input(w, node, &(struct ts_node_input){.kind = TS_NODE_IN_STOP});
    nw_run(w, 100 * NW_MS);
    nw_kill(w, node);
    struct nw_store *s = &w->nodes[node].store;
    size_t fresh = nw_node(w, NULL, 0, NULL, false);
    struct ts_node *core = w->nodes[fresh].core;
    assert_int_equal(ts_node_load_chain(core, ts_buf_bytes(&s->chain), ts_buf_bytes(&s->roots),
                                        ts_buf_bytes(&s->audit)),
                     TS_OK);
    ts_bytes bad[] = {{0},
                      {s->timeline.p, s->timeline.n - 1},
                      {s->audit.p, s->audit.n},
                      {s->chain.p, s->chain.n}};
    for (size_t i = 0; i < TS_COUNT(bad); i++) {
        assert_int_not_equal(ts_node_load_timeline(core, bad[i]), TS_OK);
        assert_int_equal(ts_timeline_head(ts_node_timeline(core)), 0);
    }
    for (size_t i = 0; i < 20; i++) {
        struct ts_store_batch b = {.number = i + 1, .hash = s->hashes[i], .raw = s->raws[i]};
        if (i == 7) { /* out of its order */
            b.raw = s->raws[i + 1];
            assert_int_equal(ts_node_fold_timeline(core, &b), TS_E_CORRUPT);
            b.raw = s->raws[i];
        }
        assert_int_equal(ts_node_fold_timeline(core, &b), TS_OK);
    }
    ts_timeline_put(&again, ts_node_timeline(core));
    assert_int_equal(again.n, s->timeline.n);
    assert_memory_equal(again.p, s->timeline.p, again.n);
    ts_buf_free(&again);
    end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restarts_and_late_joiners_find_the_same),
        cmocka_unit_test(an_equivocation_is_found_once_and_after_a_restart),
        cmocka_unit_test(who_waits_for_evidence_is_answered_when_it_is_stored),
        cmocka_unit_test(who_waits_for_the_store_waits_in_bounds),
        cmocka_unit_test(a_clock_that_is_off_is_found_once),
        cmocka_unit_test(what_subscribers_send_says_nothing_of_the_clock),
        cmocka_unit_test(who_joins_late_is_told_of_an_old_equivocation),
        cmocka_unit_test(what_is_told_is_not_believed),
        cmocka_unit_test(what_another_line_tells_is_counted_and_bounded),
        cmocka_unit_test(who_has_another_payload_before_is_not_blamed),
        cmocka_unit_test(a_server_cannot_keep_out_what_another_tells),
        cmocka_unit_test(what_is_told_does_not_slow_down_catching_up),
        cmocka_unit_test(an_edited_payload_of_a_known_batch_is_found),
        cmocka_unit_test(an_edited_payload_that_was_refused_is_found_later),
        cmocka_unit_test(a_broken_seal_is_no_edited_payload),
        cmocka_unit_test(what_a_peer_will_not_give_is_withheld),
        cmocka_unit_test(a_state_that_cannot_be_read_is_no_loss),
        cmocka_unit_test(a_timeline_is_folded_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
