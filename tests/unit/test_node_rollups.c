/* SPDX-License-Identifier: Apache-2.0 */
/* Rollups at a node: compared with its own batches in order, whole ranges, waiting for them, kept.
 */
#include "unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/rollup.h"
#include "chain/rollup_record.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"
#include "node_kit.h"

struct made {
    struct ts_l1_rollup rollup;
    struct ts_buf data;
    struct ts_rollup_batch *batches;
    struct ts_arena arena;
    size_t n;
};

/* The rollup of batches first to last, as an honest enclave makes it; not signed yet. */
static void make(struct testnet *net, uint64_t first, uint64_t last, struct made *m)
{
    struct ts_chain chain;
    memset(m, 0, sizeof(*m));
    m->n = (size_t)(last - first + 1);
    ts_arena_init(&m->arena, 0);
    ts_buf_init(&m->data, 0);
    m->batches = ts_arena_array(&m->arena, m->n, sizeof(*m->batches));
    for (size_t i = 0; i < m->n; i++) {
        struct ts_batch b;
        tn_decode(net, first + i, &m->arena, &b);
        m->batches[i] = (struct ts_rollup_batch){.time = b.header.time,
                                                 .term = b.header.term,
                                                 .producer = b.header.producer,
                                                 .l1_number = b.header.l1_number,
                                                 .txs = b.txs,
                                                 .n_txs = b.n_txs};
        if (i == 0)
            m->rollup.rollup.first_parent_hash = b.header.parent_hash;
    }
    tn_fold(net, last, &chain);
    m->rollup.rollup.first_number = first;
    m->rollup.rollup.last_number = last;
    m->rollup.rollup.last_hash = chain.head.hash;
    m->rollup.rollup.protocol_root = chain.head.protocol_root;
    m->rollup.rollup.l1_number = chain.head.l1_number;
    m->rollup.l1_block = 200 + last;
    ts_chain_free(&chain);
}

/* Encodes and signs, by enclave i. */
static void sign(struct testnet *net, struct made *m, size_t i)
{
    ts_hash digest;
    ts_buf_reset(&m->data);
    assert_int_equal(ts_rollup_encode(m->batches, m->n, ts_rollup_data_max(m->n), &m->data, NULL),
                     TS_OK);
    m->rollup.data = ts_buf_bytes(&m->data);
    ts_keccak256(m->rollup.data, &m->rollup.rollup.data_hash);
    ts_rollup_hash(&net->genesis.domain, &m->rollup.rollup, &digest);
    assert_int_equal(ts_sign(net->crypto, &net->enclaves[i].key, &digest, &m->rollup.rollup.sig),
                     TS_OK);
}

static void give(struct nw *w, size_t node, struct made *m)
{
    nw_input(w, node, &(struct ts_node_input){.kind = TS_NODE_IN_ROLLUP, .rollup = &m->rollup});
    ts_buf_free(&m->data);
    ts_arena_free(&m->arena);
}

static void publish(struct nw *w, size_t node, uint64_t first, uint64_t last)
{
    struct made m;
    make(w->net, first, last, &m);
    sign(w->net, &m, 1);
    give(w, node, &m);
}

static struct ts_node_rollup_status rollups_of(const struct nw *w, size_t node)
{
    struct ts_node_status st;
    ts_node_status_of(w->nodes[node].core, &st);
    return st.rollups;
}

/* A node with all batches of a net. */
static struct nw *world(size_t batches, size_t *node)
{
    struct nw *w = nw_new(net_of(batches), 1);
    nw_host_up(w, 0);
    *node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, *node, batches, 10 * NW_S));
    return w;
}

static struct ts_rollup_record record_of(const struct nw *w, size_t node, size_t i)
{
    const struct nw_store *s = &w->nodes[node].store;
    struct ts_rollup_record r;
    assert_true(i < s->n_rollups);
    assert_int_equal(ts_rollup_record_read(s->rollups[i], &r), TS_OK);
    return r;
}

static size_t found(const struct nw *w, size_t node, enum ts_finding_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < w->nodes[node].n_findings; i++)
        n += w->nodes[node].findings[i].kind == kind;
    return n;
}

static void rollups_of_the_chain_are_equal(void **state)
{
    size_t node;
    struct nw *w = world(300, &node);
    (void)state;
    publish(w, node, 1, 150);
    publish(w, node, 151, 151);
    publish(w, node, 152, 300);
    nw_run(w, 2 * NW_S);
    struct ts_node_rollup_status st = rollups_of(w, node);
    assert_int_equal(st.checked, 300);
    assert_int_equal(st.equal, 3);
    assert_int_equal(st.wrong, 0);
    assert_int_equal(st.waiting, 0);
    assert_int_equal(w->nodes[node].store.n_rollups, 3);
    struct ts_rollup_record r = record_of(w, node, 2);
    assert_int_equal(r.verdict, TS_ROLLUP_EQUAL);
    assert_int_equal(r.rollup.first_number, 152);
    assert_int_equal(r.l1_block, 500);
    assert_int_equal(found(w, node, TS_F_ROLLUP_GAP), 0);
    assert_true(nw_said(w, node, "rollup first=1 last=150"));
    publish(w, node, 1, 150); /* again: it is known */
    nw_run(w, NW_S);
    assert_int_equal(rollups_of(w, node).equal, 3);
    end(w);
}

static void one_that_is_ahead_waits(void **state)
{
    struct nw *w = nw_new(net_of(60), 1);
    (void)state;
    nw_host_up(w, 0);
    w->hosts[0].head = 40;
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 40, 5 * NW_S));
    publish(w, node, 1, 30);
    publish(w, node, 31, 60);
    nw_run(w, NW_S);
    assert_int_equal(rollups_of(w, node).checked, 30);
    assert_int_equal(rollups_of(w, node).waiting, 1);
    nw_publish(w, 0, 60);
    nw_run(w, NW_S);
    assert_int_equal(rollups_of(w, node).checked, 60);
    assert_int_equal(rollups_of(w, node).equal, 2);
    end(w);
}

static void a_restart_goes_on_where_it_was(void **state)
{
    size_t node;
    struct nw *w = world(100, &node);
    (void)state;
    publish(w, node, 1, 50);
    nw_run(w, NW_S);
    nw_kill(w, node);
    nw_restart(w, node);
    assert_int_equal(rollups_of(w, node).checked, 50);
    assert_int_equal(rollups_of(w, node).equal, 1);
    publish(w, node, 51, 100);
    nw_run(w, NW_S);
    assert_int_equal(rollups_of(w, node).equal, 2);
    end(w);
}

/* What is changed, what is said; the rollup behind it is good all the same. */
static void expect_wrong(void (*change)(struct testnet *net, struct made *m), size_t signer,
                         const char *part)
{
    size_t node;
    struct nw *w = world(100, &node);
    struct made m;
    make(w->net, 1, 50, &m);
    change(w->net, &m);
    sign(w->net, &m, signer);
    if (strstr(part, "do not decode") != NULL)
        m.rollup.data.n--;
    give(w, node, &m);
    publish(w, node, 51, 100);
    nw_run(w, 2 * NW_S);
    struct ts_node_rollup_status st = rollups_of(w, node);
    assert_int_equal(st.wrong, 1);
    assert_int_equal(st.equal, 1);
    assert_int_equal(found(w, node, TS_F_ROLLUP_MISMATCH), 1);
    const struct ts_finding f = w->nodes[node].findings[w->nodes[node].n_findings - 1];
    assert_int_equal(f.kind, TS_F_ROLLUP_MISMATCH);
    assert_int_equal(f.severity, TS_SEVERITY_PROOF);
    if (strstr(f.text, part) == NULL)
        fail_msg("%s", f.text);
    assert_int_equal(record_of(w, node, 0).verdict, TS_ROLLUP_WRONG);
    nw_kill(w, node); /* it is known after a restart too */
    nw_restart(w, node);
    assert_int_equal(rollups_of(w, node).wrong, 1);
    const struct ts_audit *a = ts_node_audit(w->nodes[node].core);
    assert_memory_equal(ts_audit_get(a, ts_audit_count(a) - 1), &f, sizeof(f));
    end(w);
}

static void nothing(struct testnet *net, struct made *m)
{
    (void)net;
    (void)m;
}

static void other_time(struct testnet *net, struct made *m)
{
    (void)net;
    m->batches[20].time++;
}

static void other_term(struct testnet *net, struct made *m)
{
    (void)net;
    m->batches[21].term++;
}

static void other_producer(struct testnet *net, struct made *m)
{
    m->batches[22].producer = net->enclaves[2].id;
}

static void other_l1(struct testnet *net, struct made *m)
{
    (void)net;
    m->batches[23].l1_number++;
}

static void other_transaction(struct testnet *net, struct made *m)
{
    static const ts_bytes tx = {(const uint8_t *)"made up", 7};
    (void)net;
    m->batches[24].txs = &tx;
    m->batches[24].n_txs = 1;
}

static void other_parent(struct testnet *net, struct made *m)
{
    (void)net;
    m->rollup.rollup.first_parent_hash.b[0] ^= 1;
}

static void other_root(struct testnet *net, struct made *m)
{
    (void)net;
    m->rollup.rollup.protocol_root.b[0] ^= 1;
}

static void whatever_differs_is_found(void **state)
{
    (void)state;
    expect_wrong(other_time, 1, "has another time in batch 21");
    expect_wrong(other_term, 1, "has another term in batch 22");
    expect_wrong(other_producer, 1, "has another producer in batch 23");
    expect_wrong(other_l1, 1, "has another L1 block in batch 24");
    expect_wrong(other_transaction, 1, "has other transactions in batch 25");
    expect_wrong(other_parent, 1, "begins on another parent than batch 1");
    expect_wrong(other_root, 1, "has another protocol root after batch 50");
    expect_wrong(nothing, 1, "do not decode");
}

/* A last batch that the chain will not reach: that is told now, not then. */
static void a_range_without_end_is_found(void **state)
{
    size_t node;
    struct nw *w = world(100, &node);
    struct made m;
    (void)state;
    make(w->net, 1, 50, &m);
    m.rollup.rollup.last_number = UINT64_MAX;
    sign(w->net, &m, 1);
    give(w, node, &m);
    nw_run(w, 5 * NW_S);
    assert_int_equal(found(w, node, TS_F_ROLLUP_MISMATCH), 1);
    assert_false(w->nodes[node].is_stopped);
    give(w, node, &m);
    nw_run(w, 5 * NW_S);
    assert_int_equal(found(w, node, TS_F_ROLLUP_MISMATCH), 1);
    end(w);
}

/* As if there were another line, of which nobody has seen a batch: the node stays on its own. */
static void a_line_that_nobody_sealed_moves_nobody(void **state)
{
    size_t node;
    struct nw *w = world(100, &node);
    struct made m;
    (void)state;
    make(w->net, 1, 50, &m);
    m.rollup.rollup.last_hash.b[0] ^= 1;
    sign(w->net, &m, 1);
    give(w, node, &m);
    nw_run(w, 30 * NW_S);
    assert_false(w->nodes[node].is_stopped);
    assert_int_equal(nw_head(w, node), 100);
    assert_int_equal(rollups_of(w, node).waiting, 1);
    assert_int_equal(found(w, node, TS_F_ROLLUP_MISMATCH), 1);
    assert_non_null(strstr(w->nodes[node].findings[w->nodes[node].n_findings - 1].text,
                           "ends with another batch 50"));
    end(w);
}

/* Fifty batches, and enclave 3, which nobody has listed. */
static struct nw *with_a_stranger(size_t *node)
{
    struct testnet *net =
        tn_new(&(struct tn_options){.crypto = nw_crypto(), .enclaves = 4, .whitelisted = 3});
    tn_start(net);
    tn_run(net, 50 - net->n_history);
    struct nw *w = nw_new(net, 1);
    nw_host_up(w, 0);
    *node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, *node, 50, 5 * NW_S));
    return w;
}

static void a_stranger_signs_nothing(void **state)
{
    struct made m;
    size_t node;
    struct nw *w = with_a_stranger(&node);
    (void)state;
    make(w->net, 1, 50, &m);
    sign(w->net, &m, 3);
    give(w, node, &m);
    nw_run(w, NW_S);
    assert_int_equal(rollups_of(w, node).wrong, 1);
    const struct ts_finding *f = &w->nodes[node].findings[w->nodes[node].n_findings - 1];
    assert_non_null(strstr(f->text, "signed by nobody that the chain ever listed"));
    assert_int_equal(f->severity, TS_SEVERITY_OMISSION); /* it proves nothing against anybody */
    end(w);
}

/* The node is behind: the batch that lists the signer names the L1 block that the rollup names, or
 * one above it. */
static void a_signer_may_be_listed_later(void **state)
{
    struct made m;
    size_t node;
    struct nw *w = with_a_stranger(&node);
    (void)state;
    make(w->net, 1, 20, &m);
    m.rollup.rollup.l1_number++;
    sign(w->net, &m, 3);
    give(w, node, &m);
    nw_run(w, 5 * NW_S);
    assert_int_equal(rollups_of(w, node).wrong, 0);
    assert_int_equal(rollups_of(w, node).checked, 0);
    assert_int_equal(rollups_of(w, node).waiting, 1);
    end(w);
}

static void batches_that_are_left_out_are_found(void **state)
{
    size_t node;
    struct nw *w = world(100, &node);
    (void)state;
    publish(w, node, 1, 30);
    publish(w, node, 41, 100);
    nw_run(w, NW_S);
    assert_int_equal(found(w, node, TS_F_ROLLUP_GAP), 1);
    assert_int_equal(found(w, node, TS_F_ROLLUP_MISMATCH), 0);
    assert_int_equal(rollups_of(w, node).equal, 2); /* its own batches are the chain's */
    assert_int_equal(rollups_of(w, node).checked, 100);
    nw_kill(w, node);
    nw_restart(w, node);
    const struct ts_audit *a = ts_node_audit(w->nodes[node].core);
    const struct ts_finding *f = ts_audit_get(a, ts_audit_count(a) - 1);
    assert_int_equal(f->kind, TS_F_ROLLUP_GAP);
    assert_int_equal(f->first, 41);
    end(w);
}

/* Published, and final once L1 says that of the block; without room to remember all, too. */
static void what_l1_calls_final_is_final(void **state)
{
    size_t node;
    struct nw *w = world(400, &node);
    (void)state;
    for (uint64_t n = 1; n <= 350; n++) {
        publish(w, node, n, n);
        if (n % 50 == 0)
            nw_run(w, NW_S);
    }
    assert_int_equal(rollups_of(w, node).published, 350);
    assert_int_equal(rollups_of(w, node).final, 0);
    nw_input(w, node, &(struct ts_node_input){.kind = TS_NODE_IN_L1_FINAL, .number = 500});
    assert_int_equal(rollups_of(w, node).final, 300);
    nw_input(w, node, &(struct ts_node_input){.kind = TS_NODE_IN_L1_FINAL, .number = 490});
    assert_int_equal(rollups_of(w, node).l1_final, 500);
    nw_kill(w, node);
    nw_restart(w, node);
    assert_int_equal(rollups_of(w, node).published, 350);
    nw_input(w, node, &(struct ts_node_input){.kind = TS_NODE_IN_L1_FINAL, .number = 549});
    assert_int_equal(rollups_of(w, node).final, 349);
    publish(w, node, 351, 400); /* in a block that is final already */
    nw_input(w, node, &(struct ts_node_input){.kind = TS_NODE_IN_L1_FINAL, .number = 900});
    nw_run(w, NW_S);
    assert_int_equal(rollups_of(w, node).final, 400);
    end(w);
}

/* More come than there is room for: the rest is asked for when what is there is done. */
static void too_many_are_asked_for_again(void **state)
{
    struct nw *w = nw_new(net_of(100), 1);
    (void)state;
    nw_host_up(w, 0);
    w->hosts[0].head = 10;
    size_t node = nw_node(w, host_0, 1, NULL, false);
    assert_true(nw_reach(w, node, 10, 5 * NW_S));
    for (uint64_t n = 1; n <= 100; n++)
        publish(w, node, n, n);
    nw_run(w, NW_S);
    assert_int_equal(w->nodes[node].rollups_again, 0);
    assert_true(rollups_of(w, node).waiting > 0);
    nw_publish(w, 0, 100);
    nw_run(w, 2 * NW_S);
    assert_int_equal(w->nodes[node].rollups_again, 1);
    assert_int_equal(w->nodes[node].rollups_above, 64);
    assert_int_equal(rollups_of(w, node).waiting, 0);
    for (uint64_t n = 65; n <= 100; n++)
        publish(w, node, n, n);
    nw_run(w, 2 * NW_S);
    assert_int_equal(rollups_of(w, node).equal, 100);
    assert_int_equal(w->nodes[node].n_findings, 0);
    end(w);
}

static void a_full_disk_loses_none(void **state)
{
    size_t node;
    struct nw *w = world(100, &node);
    (void)state;
    w->nodes[node].store.fail_steps = 3;
    publish(w, node, 1, 100);
    nw_run(w, NW_S);
    assert_int_equal(rollups_of(w, node).waiting, 1); /* checked, but not stored */
    nw_run(w, 5 * NW_S);
    assert_int_equal(rollups_of(w, node).waiting, 0);
    assert_int_equal(w->nodes[node].store.n_rollups, 1);
    end(w);
}

/* ---- taken back ---- */

static void take_back(struct nw *w, size_t node, uint64_t first, uint64_t last)
{
    const struct ts_l1_rollback b = {.first_number = first, .last_number = last, .l1_block = 900};
    nw_input(w, node, &(struct ts_node_input){.kind = TS_NODE_IN_ROLLBACK, .rollback = &b});
}

static void what_is_taken_back_counts_no_more(void **state)
{
    size_t node;
    struct nw *w = world(300, &node);
    struct made m;
    (void)state;
    publish(w, node, 1, 100);
    publish(w, node, 101, 150);
    make(w->net, 151, 200, &m);
    other_time(w->net, &m);
    sign(w->net, &m, 1);
    give(w, node, &m);
    publish(w, node, 201, 250);
    nw_run(w, 2 * NW_S);
    nw_input(w, node, &(struct ts_node_input){.kind = TS_NODE_IN_L1_FINAL, .number = 450});
    assert_int_equal(rollups_of(w, node).final, 250);
    assert_int_equal(rollups_of(w, node).equal, 3);
    assert_int_equal(rollups_of(w, node).checked_l1, 450);
    take_back(w, node, 251, 300); /* none of these */
    assert_int_equal(rollups_of(w, node).checked, 250);
    w->nodes[node].store.fail_steps = 1;
    take_back(w, node, 151, 250);
    struct ts_node_rollup_status st = rollups_of(w, node);
    assert_int_equal(st.checked, 150);
    assert_int_equal(st.checked_l1, 350);
    assert_int_equal(st.equal, 2);
    assert_int_equal(st.wrong, 0);
    assert_int_equal(st.published, 150);
    assert_int_equal(st.final, 150);
    assert_int_equal(st.waiting, 1); /* until it is durable */
    nw_run(w, 10 * NW_S);
    assert_int_equal(rollups_of(w, node).waiting, 0);
    assert_int_equal(w->nodes[node].store.n_rollups, 2);
    assert_true(nw_said(w, node, "rollups-rolled-back first=151 last=250"));
    assert_int_equal(found(w, node, TS_F_ROLLUP_MISMATCH), 1); /* it was signed all the same */
    nw_kill(w, node);
    nw_restart(w, node);
    assert_int_equal(rollups_of(w, node).checked, 150);
    publish(w, node, 151, 300);
    nw_run(w, 2 * NW_S);
    assert_int_equal(rollups_of(w, node).equal, 3);
    assert_int_equal(rollups_of(w, node).published, 300);
    take_back(w, node, 1, 300);
    assert_int_equal(rollups_of(w, node).published, 0);
    publish(w, node, 1, 300); /* before it is durable */
    nw_run(w, 2 * NW_S);
    assert_int_equal(rollups_of(w, node).equal, 1);
    assert_int_equal(w->nodes[node].store.n_rollups, 1);
    assert_int_equal(found(w, node, TS_F_ROLLUP_GAP), 0);
    end(w);
}

/* One that nothing can come after: behind it the chain's own are checked again. */
static void what_waits_for_ever_is_taken_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        size_t node;
        struct nw *w = world(100, &node);
        struct made m;
        publish(w, node, 1, 20);
        make(w->net, 21, 50, &m);
        if (i == 0)
            m.rollup.rollup.last_hash.b[0] ^= 1; /* decides for nobody's line */
        else
            m.rollup.rollup.last_number = UINT64_MAX;
        uint64_t last = m.rollup.rollup.last_number;
        sign(w->net, &m, 1);
        give(w, node, &m);
        nw_run(w, 5 * NW_S);
        assert_int_equal(rollups_of(w, node).waiting, 1);
        take_back(w, node, 21, last);
        assert_int_equal(rollups_of(w, node).waiting, 0);
        publish(w, node, 21, 100);
        nw_run(w, 2 * NW_S);
        assert_int_equal(rollups_of(w, node).equal, 2);
        assert_int_equal(rollups_of(w, node).checked, 100);
        assert_int_equal(found(w, node, TS_F_ROLLUP_GAP), 0);
        end(w);
    }
}

/* Told while the node stops: nothing of it is lost, since L1 is not saved. */
static void a_stopping_node_is_told_again(void **state)
{
    size_t node;
    struct nw *w = world(100, &node);
    (void)state;
    publish(w, node, 1, 20);
    nw_run(w, NW_S);
    nw_input(w, node, &(struct ts_node_input){.kind = TS_NODE_IN_STOP});
    take_back(w, node, 1, 20);
    assert_int_equal(rollups_of(w, node).waiting, 1);
    assert_int_equal(rollups_of(w, node).checked, 20);
    end(w);
}

/* ---- two lines ---- */

/* Host 0 has the net's line, which the node follows to 90; host 1 another one, to 95, which parts
 * from it after 50. */
struct parted {
    struct nw *w;
    struct testnet *other;
    size_t node;
};

static struct parted parted(void)
{
    struct parted p = {.other = net_of(50)};
    struct testnet *net = net_of(50);
    net->time += 300;
    tn_run(net, 40);
    tn_run(p.other, 45);
    p.w = nw_new(net, 5);
    p.w->any_line = true;
    nw_host_up(p.w, 0);
    p.w->hosts[1].history = p.other->history;
    p.w->hosts[1].head = 95;
    p.node = nw_node(p.w, hosts_01, 2, NULL, false);
    assert_true(nw_reach(p.w, p.node, 90, 5 * NW_S));
    publish(p.w, p.node, 1, 30);
    nw_run(p.w, NW_S);
    assert_int_equal(rollups_of(p.w, p.node).equal, 1);
    return p;
}

/* The node looks at the other line, keeps the first batch of it as evidence, and leaves it alone.
 */
static void see_other(struct parted *p)
{
    nw_host_up(p->w, 1);
    nw_run(p->w, 20 * NW_S); /* it may not have been tried for a while */
    assert_true(nw_said(p->w, p->node, "equivocation number=51"));
    assert_int_equal(nw_head(p->w, p->node), 90);
}

static void publish_other(struct parted *p, uint64_t first, uint64_t last)
{
    struct made m;
    make(p->other, first, last, &m);
    sign(p->other, &m, 1);
    give(p->w, p->node, &m);
}

static void close_parted(struct parted *p)
{
    tn_free(p->other);
    end(p->w);
}

/* last: of the rollup that was followed. */
static void expect_followed(struct parted *p, uint64_t last)
{
    char text[80];
    struct nw *w = p->w;
    struct nw_node *n = &w->nodes[p->node];
    assert_true(n->is_stopped);
    assert_int_equal(n->stopped_by, TS_E_CONFLICT);
    assert_true(nw_said(w, p->node, "reorganise from=51 head=90"));
    assert_int_equal(n->store.n, 50); /* what both lines have stays */
    nw_kill(w, p->node);
    nw_restart(w, p->node);
    assert_true(nw_reach(w, p->node, 95, 120 * NW_S));
    assert_true(tn_chain_equal(ts_node_chain(n->core), &p->other->chain));
    snprintf(text, sizeof(text), "reorganised first=31 last=%" PRIu64, last);
    assert_true(nw_said(w, p->node, text));
    publish_other(p, 31, last); /* L1 is read again: it had not been kept */
    nw_run(w, NW_S);
    assert_int_equal(rollups_of(w, p->node).checked, last);
    assert_int_equal(rollups_of(w, p->node).equal, 2);
    nw_kill(w, p->node); /* a start from a store that holds it all asks for nothing */
    nw_restart(w, p->node);
    assert_int_equal(nw_head(w, p->node), 95);
}

/* While host 0 goes on offering the old line, and once it is gone. */
static void the_line_on_l1_wins(void **state)
{
    struct parted p = parted();
    (void)state;
    see_other(&p);
    publish_other(&p, 31, 70);
    nw_run(p.w, NW_S);
    expect_followed(&p, 70);
    close_parted(&p);
    p = parted();
    publish_other(&p, 31, 70); /* before anything of that line was seen */
    nw_run(p.w, 10 * NW_S);
    assert_false(p.w->nodes[p.node].is_stopped);
    assert_int_equal(found(p.w, p.node, TS_F_ROLLUP_MISMATCH), 1);
    see_other(&p);
    nw_run(p.w, 15 * NW_S);
    nw_host_down(p.w, 0);
    expect_followed(&p, 70);
    close_parted(&p);
}

/* Nobody goes on with the line that loses: it ends before the rollup does. */
static void a_shorter_line_is_left_too(void **state)
{
    struct parted p = parted();
    (void)state;
    publish_other(&p, 31, 95);
    nw_run(p.w, 15 * NW_S); /* of the other line nothing was seen yet */
    assert_false(p.w->nodes[p.node].is_stopped);
    see_other(&p);
    nw_run(p.w, 15 * NW_S);
    expect_followed(&p, 95);
    close_parted(&p);
}

/* The disk is full, then well; the process is killed in between. */
static void leaving_a_line_is_one_durable_step(void **state)
{
    struct parted p = parted();
    struct nw_node *n = &p.w->nodes[p.node];
    (void)state;
    see_other(&p);
    n->store.fail_steps = 2;
    publish_other(&p, 31, 70);
    nw_run(p.w, 500 * NW_MS);
    assert_false(n->is_stopped);
    assert_int_equal(n->store.n, 90);
    nw_kill(p.w, p.node);
    nw_restart(p.w, p.node); /* nothing of it was stored: L1 tells it again */
    assert_int_equal(nw_head(p.w, p.node), 90);
    n->store.fail_steps = 2;
    publish_other(&p, 31, 70);
    nw_run(p.w, 10 * NW_S);
    expect_followed(&p, 70);
    close_parted(&p);
}

/* Nobody offers the rollup's line: the node stays where the lines part rather than go back. */
static void the_old_line_is_not_taken_again(void **state)
{
    struct parted p = parted();
    struct nw_node *n = &p.w->nodes[p.node];
    (void)state;
    see_other(&p);
    publish_other(&p, 31, 70);
    nw_run(p.w, NW_S);
    assert_true(n->is_stopped);
    nw_host_down(p.w, 1);
    nw_kill(p.w, p.node);
    nw_restart(p.w, p.node);
    nw_run(p.w, 60 * NW_S);
    assert_int_equal(nw_head(p.w, p.node), 50);
    assert_true(nw_said(p.w, p.node, "than in the rollup on L1, whose line is followed"));
    close_parted(&p);
}

/* A rollup of the other line with data that are not its batches proves nothing but itself. */
static void a_wrong_rollup_of_another_line_moves_nobody(void **state)
{
    struct parted p = parted();
    struct made m;
    (void)state;
    make(p.other, 31, 70, &m);
    sign(p.other, &m, 1);
    m.rollup.rollup.sig.b[5] ^= 1;
    see_other(&p);
    give(p.w, p.node, &m);
    nw_run(p.w, 2 * NW_S);
    assert_false(p.w->nodes[p.node].is_stopped);
    assert_int_equal(rollups_of(p.w, p.node).wrong, 1);
    close_parted(&p);
}

/* The rollup that decided is taken back: the node follows whom it finds, also after a start. */
static void a_decision_is_taken_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct parted p = parted();
        struct nw_node *n = &p.w->nodes[p.node];
        see_other(&p);
        publish_other(&p, 31, 70);
        nw_run(p.w, NW_S);
        assert_true(n->is_stopped);
        nw_host_down(p.w, 1);
        nw_kill(p.w, p.node);
        nw_restart(p.w, p.node);
        publish_other(&p, 31, 70);
        nw_run(p.w, 20 * NW_S);
        assert_int_equal(nw_head(p.w, p.node), 50);
        take_back(p.w, p.node, 31, 70);
        nw_run(p.w, NW_S);
        assert_int_equal(rollups_of(p.w, p.node).waiting, 0);
        if (i == 1) {
            nw_kill(p.w, p.node);
            nw_restart(p.w, p.node);
        }
        assert_true(nw_reach(p.w, p.node, 90, 120 * NW_S));
        publish(p.w, p.node, 31, 90);
        nw_run(p.w, NW_S);
        assert_int_equal(rollups_of(p.w, p.node).equal, 2);
        close_parted(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rollups_of_the_chain_are_equal),
        cmocka_unit_test(one_that_is_ahead_waits),
        cmocka_unit_test(a_restart_goes_on_where_it_was),
        cmocka_unit_test(whatever_differs_is_found),
        cmocka_unit_test(a_range_without_end_is_found),
        cmocka_unit_test(a_line_that_nobody_sealed_moves_nobody),
        cmocka_unit_test(a_stranger_signs_nothing),
        cmocka_unit_test(a_signer_may_be_listed_later),
        cmocka_unit_test(batches_that_are_left_out_are_found),
        cmocka_unit_test(what_l1_calls_final_is_final),
        cmocka_unit_test(too_many_are_asked_for_again),
        cmocka_unit_test(a_full_disk_loses_none),
        cmocka_unit_test(what_is_taken_back_counts_no_more),
        cmocka_unit_test(what_waits_for_ever_is_taken_back),
        cmocka_unit_test(a_stopping_node_is_told_again),
        cmocka_unit_test(the_line_on_l1_wins),
        cmocka_unit_test(a_shorter_line_is_left_too),
        cmocka_unit_test(a_decision_is_taken_back),
        cmocka_unit_test(leaving_a_line_is_one_durable_step),
        cmocka_unit_test(the_old_line_is_not_taken_again),
        cmocka_unit_test(a_wrong_rollup_of_another_line_moves_nobody),
    };
    return cmocka_run_group_tests_name("node_rollups", tests, NULL, NULL);
}
