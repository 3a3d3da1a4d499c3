/* SPDX-License-Identifier: Apache-2.0 */
/* A node where one thing fails, once: the nth allocation, the nth durable step, the nth frame of a
 * feed, for every n of a short life: catching up, following, a peer that goes, transactions, a
 * restart, on a network with L1. Afterwards it holds the whole chain and the audit of it, as a node
 * to which nothing happened. FAULTS_ALL=1: every n, not some. */
#include "unit.h"

#include <string.h>

#include "base/check.h"
#include "faults.h"
#include "nodeworld.h"

#define BATCHES 48
#define RUNS    2000 /* all: it is quick */

ts_err __real_ts_node_new(const struct ts_node_start *start, struct ts_node **out);
void __real_ts_node_free(struct ts_node *n);
void __real_ts_node_begin(struct ts_node *n, struct ts_now now, struct ts_node_outputs *out);
void __real_ts_node_step(struct ts_node *n, struct ts_now now, const struct ts_node_input *in,
                         struct ts_node_outputs *out);
ts_err __real_ts_node_load_chain(struct ts_node *n, ts_bytes snapshot, ts_bytes roots,
                                 ts_bytes audit);
ts_err __real_ts_node_load_batch(struct ts_node *n, const struct ts_store_batch *b, char *why);
ts_err __real_ts_node_load_timeline(struct ts_node *n, ts_bytes timeline);
ts_err __real_ts_node_fold_timeline(struct ts_node *n, const struct ts_store_batch *b);
void __real_ts_node_verify(const struct ts_genesis *g, const struct ts_crypto *crypto,
                           const ts_hash *root, const ts_bytes *raws, size_t n, struct ts_buf *out);

ts_err __wrap_ts_node_new(const struct ts_node_start *start, struct ts_node **out);
void __wrap_ts_node_free(struct ts_node *n);
void __wrap_ts_node_begin(struct ts_node *n, struct ts_now now, struct ts_node_outputs *out);
void __wrap_ts_node_step(struct ts_node *n, struct ts_now now, const struct ts_node_input *in,
                         struct ts_node_outputs *out);
ts_err __wrap_ts_node_load_chain(struct ts_node *n, ts_bytes snapshot, ts_bytes roots,
                                 ts_bytes audit);
ts_err __wrap_ts_node_load_batch(struct ts_node *n, const struct ts_store_batch *b, char *why);
ts_err __wrap_ts_node_load_timeline(struct ts_node *n, ts_bytes timeline);
ts_err __wrap_ts_node_fold_timeline(struct ts_node *n, const struct ts_store_batch *b);
void __wrap_ts_node_verify(const struct ts_genesis *g, const struct ts_crypto *crypto,
                           const ts_hash *root, const ts_bytes *raws, size_t n, struct ts_buf *out);

static struct ts_node *tested; /* node 0 of the world; others have all the memory they want */
static bool has_ended;
static unsigned n_ended;

static void ended(void)
{
    has_ended = true;
    n_ended++;
}

ts_err __wrap_ts_node_new(const struct ts_node_start *start, struct ts_node **out)
{
    ts_err err;
    if (tested != NULL)
        return __real_ts_node_new(start, out);
    if (!FAULT_INSIDE(err = __real_ts_node_new(start, out))) {
        *out = NULL;
        fault_take_back();
        n_ended++;
        return TS_E_NOMEM;
    }
    tested = *out;
    return err;
}

void __wrap_ts_node_free(struct ts_node *n)
{
    if (n != NULL && n == tested) {
        tested = NULL;
        if (has_ended) {
            fault_take_back();
            has_ended = false;
            return;
        }
    }
    __real_ts_node_free(n);
}

static void outside(struct ts_node_outputs *out)
{
    *out = (struct ts_node_outputs){.wake_us = UINT64_MAX};
}

void __wrap_ts_node_begin(struct ts_node *n, struct ts_now now, struct ts_node_outputs *out)
{
    if (n != tested) {
        __real_ts_node_begin(n, now, out);
    } else if (!FAULT_INSIDE(__real_ts_node_begin(n, now, out))) {
        outside(out);
        ended();
    }
}

void __wrap_ts_node_step(struct ts_node *n, struct ts_now now, const struct ts_node_input *in,
                         struct ts_node_outputs *out)
{
    if (n != tested) {
        __real_ts_node_step(n, now, in, out);
        return;
    }
    if (!has_ended && FAULT_INSIDE(__real_ts_node_step(n, now, in, out)))
        return;
    outside(out);
    if (!has_ended)
        ended();
}

#define LOAD(call)                                                                                 \
    do {                                                                                           \
        ts_err err = TS_E_NOMEM;                                                                   \
        if (!FAULT_INSIDE(err = (call)))                                                           \
            ended();                                                                               \
        return has_ended ? TS_E_NOMEM : err;                                                       \
    } while (0)

ts_err __wrap_ts_node_load_chain(struct ts_node *n, ts_bytes snapshot, ts_bytes roots,
                                 ts_bytes audit)
{
    if (n != tested)
        return __real_ts_node_load_chain(n, snapshot, roots, audit);
    LOAD(__real_ts_node_load_chain(n, snapshot, roots, audit));
}

ts_err __wrap_ts_node_load_batch(struct ts_node *n, const struct ts_store_batch *b, char *why)
{
    if (n != tested)
        return __real_ts_node_load_batch(n, b, why);
    LOAD(__real_ts_node_load_batch(n, b, why));
}

ts_err __wrap_ts_node_load_timeline(struct ts_node *n, ts_bytes timeline)
{
    if (n != tested)
        return __real_ts_node_load_timeline(n, timeline);
    LOAD(__real_ts_node_load_timeline(n, timeline));
}

ts_err __wrap_ts_node_fold_timeline(struct ts_node *n, const struct ts_store_batch *b)
{
    if (n != tested)
        return __real_ts_node_fold_timeline(n, b);
    LOAD(__real_ts_node_fold_timeline(n, b));
}

/* On another thread in a real node: it must answer, with less if need be. */
void __wrap_ts_node_verify(const struct ts_genesis *g, const struct ts_crypto *crypto,
                           const ts_hash *root, const ts_bytes *raws, size_t n, struct ts_buf *out)
{
    assert_true(FAULT_INSIDE(__real_ts_node_verify(g, crypto, root, raws, n, out)));
}

/* ---- a short life ---- */

static struct testnet *net;
static struct ts_buf true_audit; /* of a node to which nothing happened */
static struct ts_buf second,
    denied; /* two more batches 48: sealed; and naming a made up L1 block */

static void pass(struct nw *w, uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i += 5) {
        nw_run(w, 5 * NW_MS);
        if (!has_ended)
            continue;
        nw_kill(w, 0);
        if (!nw_try_restart(w, 0))
            assert_true(nw_try_restart(w, 0)); /* memory was lacking once */
    }
}

static struct nw *begin(uint64_t seed)
{
    static const unsigned hosts[] = {NW_HOST(0), NW_HOST(1)}, first[] = {0};
    struct ts_node_settings s;
    struct nw *w = nw_new(net, seed);
    ts_node_settings_default(&s);
    s.get_count = 8;
    s.window = 3;
    s.verify_run = 4;
    s.chain_every = 10;
    s.get_us = s.tx_try_us = NW_S;
    s.poll_us = NW_S;
    s.store_retry_us = 100 * NW_MS;
    s.penalty_min_us = s.penalty_max_us = 200 * NW_MS;
    w->hosts[0].head = w->hosts[1].head = 30;
    nw_l1_start(w, TN_GENESIS_L1 + 8);
    nw_host_up(w, 0);
    nw_host_up(w, 1);
    nw_node(w, hosts, 2, &s, false);
    nw_node(w, first, 1, NULL, false);
    return w;
}

static void send(struct nw *w, uint64_t token, const char *tx)
{
    struct ts_node_input in = {
        .kind = TS_NODE_IN_TX, .token = token, .bytes = ts_bytes_of(tx, strlen(tx))};
    nw_input(w, 0, &in);
}

static void publish(struct nw *w, uint64_t to)
{
    for (uint64_t n = w->hosts[1].head + 1; n <= to; n++) {
        if (w->hosts[0].is_up)
            nw_publish(w, 0, n);
        nw_publish(w, 1, n);
        nw_l1_mine(w, TN_GENESIS_L1 + n / 3); /* named one block before it is confirmed */
        pass(w, 20);
    }
}

static void live(struct nw *w)
{
    pass(w, 200);
    send(w, 1, "one");
    publish(w, 36);
    nw_host_down(w, 0);
    send(w, 2, "two");
    publish(w, 40);
    pass(w, 200);
    nw_kill(w, 0);
    publish(w, 44);
    if (!nw_try_restart(w, 0))
        assert_true(nw_try_restart(w, 0));
    pass(w, 100);
    w->hosts[0].head = 44;
    nw_host_up(w, 0);
    pass(w, 100);
}

/* Everything is there, with those who follow it too, and it says the same of it. */
static void end(struct nw *w, const char *what, size_t n)
{
    publish(w, BATCHES);
    for (unsigned i = 0; i < 4000 && (nw_head(w, 0) < BATCHES || nw_head(w, 1) < BATCHES); i++)
        pass(w, 5);
    if (nw_head(w, 0) < BATCHES || nw_head(w, 1) < BATCHES)
        fail_msg("%s %zu: stays at %llu, %llu", what, n, (unsigned long long)nw_head(w, 0),
                 (unsigned long long)nw_head(w, 1));
    send(w, 3, "three");
    pass(w, 2000);
    const struct nw_reply *r = nw_reply(w, 0, 3);
    if (r == NULL || (r->err != TS_OK && !fault_hit()))
        fail_msg("%s %zu: a transaction is not taken afterwards", what, n);
    if (!tn_chain_equal(ts_node_chain(w->nodes[0].core), &net->chain) ||
        w->nodes[0].store.n != BATCHES)
        fail_msg("%s %zu: the chain is another", what, n);
    if (nw_said(w, 0, "invalid-batch") || nw_said(w, 0, "equivocation") ||
        nw_said(w, 0, "store-damaged") || w->nodes[0].store.n_evidence > 0)
        fail_msg("%s %zu: honest peers are blamed: %s", what, n, w->nodes[0].events);
    struct ts_buf audit;
    ts_buf_init(&audit, 0);
    ts_audit_put(&audit, ts_node_audit(w->nodes[0].core));
    if (true_audit.n == 0)
        ts_buf_put(&true_audit, audit.p, audit.n);
    if (!ts_bytes_equal(ts_buf_bytes(&audit), ts_buf_bytes(&true_audit)))
        fail_msg("%s %zu: the audit is another", what, n);
    ts_buf_free(&audit);
    nw_free(w);
    fault_take_back();
}

static void some_allocation_fails(void **state)
{
    (void)state;
    fault_arm(0);
    struct nw *w = begin(1);
    live(w);
    size_t total = fault_count();
    end(w, "no allocation", 0);
    n_ended = 0;
    for (size_t n = 1, stride = fault_stride(total, 2 * RUNS); n <= total; n += stride) {
        fault_arm(0); /* not while the world is made */
        w = begin(1);
        fault_arm(n);
        live(w);
        end(w, "allocation", n);
    }
    fault_arm(0);
    assert_true(n_ended > 0);
}

static void fail_steps(ts_err err, bool applied, bool kill)
{
    struct nw *w = begin(2);
    live(w);
    size_t total = (size_t)w->nodes[0].store.steps;
    end(w, "no step", 0);
    for (size_t n = 1, stride = fault_stride(total, RUNS); n <= total; n += stride) {
        w = begin(2);
        struct nw_store *s = &w->nodes[0].store;
        s->fail_at = n;
        s->fail_err = err;
        s->fail_applied = applied;
        for (unsigned i = 0; kill && i < 20 && s->steps < n; i++)
            pass(w, 5);
        if (kill && s->steps >= n) {
            nw_kill(w, 0);
            nw_restart(w, 0);
        }
        live(w);
        end(w, applied ? "applied step" : "step", n);
    }
}

static void some_step_fails(void **state)
{
    (void)state;
    fault_arm(0);
    fail_steps(TS_E_IO, false, false);
    fail_steps(TS_E_DISK_FULL, false, false);
    fail_steps(TS_E_IO, true, false);
    fail_steps(TS_E_IO, true, true);
}

static void some_frame_is_lost(void **state)
{
    (void)state;
    fault_arm(0);
    for (int to_server = 0; to_server < 2; to_server++) {
        struct nw *w = begin(3);
        live(w);
        size_t total = (size_t)w->frames[to_server];
        end(w, "no frame", 0);
        for (size_t n = 1, stride = fault_stride(total, RUNS); n <= total; n += stride) {
            w = begin(3);
            w->lose_frame[to_server] = n;
            live(w);
            end(w, to_server ? "frame from the node" : "frame to the node", n);
        }
    }
}

/* Evidence that cannot be kept for want of memory does not use up the room of its number: whoever
 * brings it again, however often it failed, is listened to. */
static void keep_at_last(size_t n, uint64_t head, ts_bytes raw)
{
    fault_arm(0);
    struct nw *w = begin(4);
    publish(w, head);
    nw_l1_mine(w, TN_GENESIS_L1 + BATCHES);
    pass(w, 500);
    assert_int_equal(nw_head(w, 0), head);
    for (size_t i = 0; i < 22 && w->nodes[0].store.n_evidence == 0; i++) {
        struct ts_node_counters c = nw_counters(w, 0);
        bool fails = i < 21 && n > i / 3 && c.equivocations + c.l1_mismatches < 5;
        fault_arm(fails ? n - i / 3 : 0); /* later ones need less memory */
        nw_push_raw(w, 1, raw);
        pass(w, 20);
        fault_arm(0);
        pass(w, 400); /* after a refusal it stays away for a while */
    }
    if (w->nodes[0].store.n_evidence != 1)
        fail_msg("allocation %zu: what cannot be kept is never kept again", n);
    nw_free(w);
    fault_take_back();
}

static void evidence_is_kept_once_there_is_memory(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 40; n++) {
        keep_at_last(n, BATCHES, ts_buf_bytes(&second));
        keep_at_last(n, BATCHES - 1, ts_buf_bytes(&denied));
    }
}

/* A new L1 block is named every third batch. */
static void make_to(size_t batches)
{
    for (; net->n_history < batches; tn_run(net, 1))
        net->l1_number = TN_GENESIS_L1 + net->n_history / 3;
}

/* The next batch with another time; fork not 0: its L1 block is one of another L1. */
static void seal_another(struct ts_buf *keep, uint64_t fork)
{
    struct tn_draft *d = tn_draft(net, 1);
    d->header.time += 5;
    if (fork != 0)
        d->header.l1_hash = tn_l1_block(++d->header.l1_number, fork, NULL).hash;
    tn_seal(net, d);
    ts_buf_init(keep, 0);
    ts_buf_put(keep, d->raw.p, d->raw.n);
}

static int set_up(void **state)
{
    (void)state;
    net = tn_new(&(struct tn_options){.crypto = nw_crypto(), .l1_chain_id = 31337});
    tn_start(net);
    make_to(14);
    tn_crash(net, 0);
    tn_activate(net, 1);
    make_to(24);
    tn_boot(net, 0);
    make_to(BATCHES - 1);
    seal_another(&second, 0);
    seal_another(&denied, 7);
    make_to(BATCHES);
    ts_buf_init(&true_audit, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ts_buf_free(&true_audit);
    ts_buf_free(&second);
    ts_buf_free(&denied);
    tn_free(net);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_allocation_fails),
        cmocka_unit_test(some_step_fails),
        cmocka_unit_test(some_frame_is_lost),
        cmocka_unit_test(evidence_is_kept_once_there_is_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
