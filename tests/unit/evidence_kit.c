/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "chain/rollup.h"
#include "codec/rlp.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"
#include "node_kit.h"
#include "unit.h"

/* ---- a store --------------------------------------------------------------------------------- */

static ts_err read_record(void *ctx, const ts_hash *id, struct ts_buf *out)
{
    const struct ek_store *s = ctx;
    const struct nw_store *store = &s->w->nodes[s->node].store;
    for (size_t i = 0; i < store->n_evidence; i++) {
        if (!ts_hash_equal(&store->evidence[i], id))
            continue;
        ts_buf_put(out, store->records[i].p, store->records[i].n);
        return TS_OK;
    }
    return TS_E_NOT_FOUND;
}

static ts_err read_batch(void *ctx, const ts_hash *hash, struct ts_buf *out)
{
    const struct ek_store *s = ctx;
    const struct nw_store *store = &s->w->nodes[s->node].store;
    for (uint64_t i = 0; i < store->n; i++) {
        if (!ts_hash_equal(&store->hashes[i], hash))
            continue;
        ts_buf_put(out, store->raws[i].p, store->raws[i].n);
        return TS_OK;
    }
    return TS_E_NOT_FOUND;
}

struct ts_evidence_source ek_source(struct ek_store *s)
{
    return (struct ts_evidence_source){.ctx = s, .record = read_record, .batch = read_batch};
}

/* ---- worlds ---------------------------------------------------------------------------------- */

static struct testnet *plain_net(size_t batches)
{
    static const struct ts_alloc alloc = {.address = {{7}}, .balance = {[24] = 0x0d, 0xe0}};
    struct testnet *net = tn_new(
        &(struct tn_options){.enclaves = 4, .whitelisted = 3, .alloc = &alloc, .n_alloc = 1});
    tn_start(net);
    tn_run(net, batches - net->n_history);
    return net;
}

static struct testnet *l1_net(void)
{
    struct testnet *net =
        tn_new(&(struct tn_options){.enclaves = 4, .whitelisted = 3, .l1_chain_id = 31337});
    tn_start(net);
    tn_run(net, 10 - net->n_history);
    return net;
}

static void make_world(struct ek_sample *s)
{
    s->w = nw_new(s->net, 1);
    if (s->net->genesis.l1_chain_id != 0)
        nw_l1_start(s->w, 110);
    s->w->any_line = true;
}

/* A node that has all batches so far. */
static void follow(struct ek_sample *s)
{
    if (s->w == NULL)
        make_world(s);
    nw_host_up(s->w, 0);
    nw_host_up(s->w, 1);
    s->node = nw_node(s->w, hosts_01, 2, NULL, false);
    assert_true(nw_reach(s->w, s->node, s->net->n_history, 5 * NW_S));
}

static void push(struct ek_sample *s, ts_bytes raw)
{
    nw_push_raw(s->w, 1, raw);
    nw_run(s->w, 2 * NW_S);
}

/* ---- equivocation ---------------------------------------------------------------------------- */

static void second_batch(struct ek_sample *s)
{
    s->net = plain_net(10);
    (void)sibling(s->net, &s->keep);
    follow(s);
    push(s, ts_buf_bytes(&s->keep));
}

static void second_payload(struct ek_sample *s)
{
    static const uint8_t body[] = {1, 2, 3};
    s->net = plain_net(10);
    struct tn_draft *d = tn_draft(s->net, 0);
    tn_set_notice(d, 200, ts_bytes_of(body, sizeof(body)));
    seal_into(s->net, d, &s->keep);
    tn_run(s->net, 1);
    follow(s);
    push(s, ts_buf_bytes(&s->keep));
}

/* By an enclave that a batch listed, in its own term. */
static void second_batch_of_a_granted_one(struct ek_sample *s)
{
    s->net = plain_net(5);
    tn_whitelist_add(s->net, 3);
    tn_run(s->net, 1);
    tn_boot(s->net, 3);
    tn_run(s->net, 2);
    tn_step_down(s->net, 0);
    tn_activate(s->net, 3);
    tn_run(s->net, 2);
    struct tn_draft *d = tn_draft(s->net, 3);
    d->header.time += 9;
    seal_into(s->net, d, &s->keep);
    tn_run(s->net, 1);
    follow(s);
    push(s, ts_buf_bytes(&s->keep));
}

/* Two enclaves of which one was taken off the list by the batch that listed the other, and is on it
 * again. */
static void batches_of_one_listed_again(struct ek_sample *s)
{
    s->net = tn_new(&(struct tn_options){.enclaves = 5, .whitelisted = 3});
    tn_start(s->net);
    tn_whitelist_add(s->net, 3);
    tn_run(s->net, 1);
    tn_whitelist_remove(s->net, 3);
    tn_whitelist_add(s->net, 4);
    tn_run(s->net, 1);
    tn_boot(s->net, 4);
    tn_whitelist_add(s->net, 3);
    tn_run(s->net, 1);
    tn_boot(s->net, 3);
    tn_run(s->net, 1);
    tn_step_down(s->net, 0);
    tn_activate(s->net, 4);
    tn_run(s->net, 1);
    seal_into(s->net, tn_draft(s->net, 4), &s->keep);
    tn_step_down(s->net, 4);
    tn_activate(s->net, 3);
    tn_run(s->net, 1);
    follow(s);
    push(s, ts_buf_bytes(&s->keep));
}

/* By an enclave of a list that is all new: it sealed the batch that announces that. */
static void second_batch_of_a_new_list(struct ek_sample *s)
{
    s->net = l1_net();
    tn_boot(s->net, 3);
    s->net->l1_number = 104;
    for (size_t i = 0; i < 3; i++)
        tn_whitelist_remove(s->net, i);
    tn_whitelist_add(s->net, 3);
    tn_step_down(s->net, 0);
    tn_activate(s->net, 3);
    tn_run(s->net, 3);
    struct tn_draft *d = tn_draft(s->net, 3);
    d->header.time += 9;
    seal_into(s->net, d, &s->keep);
    tn_run(s->net, 1);
    make_world(s);
    nw_l1_whitelist(s->w, 104, tn_id(s->net, 3), 1);
    follow(s);
    push(s, ts_buf_bytes(&s->keep));
}

/* ---- payload-edited -------------------------------------------------------------------------- */

static void edited_payload(struct ek_sample *s)
{
    static const uint8_t body[1] = {9};
    struct ts_notice notice = {.type = 200, .body = {body, sizeof(body)}};
    struct ts_arena arena;
    struct ts_batch b;
    s->net = plain_net(10);
    ts_arena_init(&arena, 0);
    tn_decode(s->net, 7, &arena, &b);
    b.payload.notices = &notice;
    b.payload.n_notices = 1;
    ts_buf_init(&s->keep, 0);
    ts_batch_put(&s->keep, &b);
    ts_arena_free(&arena);
    follow(s);
    push(s, ts_buf_bytes(&s->keep));
}

/* ---- whitelist-mismatch ---------------------------------------------------------------------- */

static void made_up_block(struct ek_sample *s)
{
    s->net = l1_net();
    follow(s);
    struct tn_draft *d = tn_draft(s->net, 0);
    d->header.l1_number = 105;
    d->header.l1_hash = tn_l1_block(105, 7, NULL).hash;
    seal_into(s->net, d, &s->keep);
    push(s, ts_buf_bytes(&s->keep));
}

static void change_not_announced(struct ek_sample *s)
{
    s->net = l1_net();
    follow(s);
    nw_l1_whitelist(s->w, 102, s->net->genesis.whitelist, 2);
    s->net->l1_number = 103;
    seal_into(s->net, tn_draft(s->net, 0), &s->keep);
    push(s, ts_buf_bytes(&s->keep));
}

/* By one whom L1 lists and who lists himself: he leaves those on the list whom L1 does not have. */
static void own_list(struct ek_sample *s)
{
    s->net = tn_new(&(struct tn_options){.enclaves = 5, .whitelisted = 3, .l1_chain_id = 31337});
    tn_start(s->net);
    follow(s);
    nw_l1_whitelist(s->w, 102, tn_id(s->net, 4), 1);
    tn_boot(s->net, 4);
    tn_activate(s->net, 4);
    tn_whitelist_add(s->net, 4);
    s->net->l1_number = 103;
    seal_into(s->net, tn_draft(s->net, 4), &s->keep);
    push(s, ts_buf_bytes(&s->keep));
}

/* ---- rollup-mismatch ------------------------------------------------------------------------- */

struct made {
    struct ts_l1_rollup rollup;
    struct ts_rollup_batch *batches;
    struct ts_arena arena;
    size_t n;
};

/* The rollup of batches 1 to last, as an honest enclave makes it. */
static void make(struct testnet *net, uint64_t last, struct made *m)
{
    struct ts_chain chain;
    memset(m, 0, sizeof(*m));
    m->n = (size_t)last;
    ts_arena_init(&m->arena, 0);
    m->batches = ts_arena_array(&m->arena, m->n, sizeof(*m->batches));
    for (size_t i = 0; i < m->n; i++) {
        struct ts_batch b;
        tn_decode(net, 1 + i, &m->arena, &b);
        m->batches[i] = (struct ts_rollup_batch){.time = b.header.time,
                                                 .term = b.header.term,
                                                 .producer = b.header.producer,
                                                 .l1_number = b.header.l1_number,
                                                 .txs = b.txs,
                                                 .n_txs = b.n_txs};
    }
    tn_fold(net, last, &chain);
    m->rollup.rollup = (struct ts_rollup){.first_number = 1,
                                          .last_number = last,
                                          .first_parent_hash = net->genesis.hash,
                                          .last_hash = chain.head.hash,
                                          .protocol_root = chain.head.protocol_root,
                                          .l1_number = chain.head.l1_number};
    m->rollup.l1_block = 200;
    ts_chain_free(&chain);
}

/* Signed by enclave 1 and given to the node. cut: so many bytes of the data are missing. */
static void give(struct ek_sample *s, struct made *m, size_t cut)
{
    ts_hash digest;
    ts_buf_init(&s->keep, 0);
    TS_CHECK(ts_rollup_encode(m->batches, m->n, ts_rollup_data_max(m->n), &s->keep, NULL) == TS_OK);
    m->rollup.data = ts_bytes_of(s->keep.p, cut < s->keep.n ? s->keep.n - cut : 0);

    ts_keccak256(m->rollup.data, &m->rollup.rollup.data_hash);
    ts_rollup_hash(&s->net->genesis.domain, &m->rollup.rollup, &digest);
    TS_CHECK(ts_sign(s->net->crypto, &s->net->enclaves[1].key, &digest, &m->rollup.rollup.sig) ==
             TS_OK);
    nw_input(s->w, s->node,
             &(struct ts_node_input){.kind = TS_NODE_IN_ROLLUP, .rollup = &m->rollup});
    nw_run(s->w, 2 * NW_S);
    ts_arena_free(&m->arena);
}

/* A transaction as a wallet writes it, of type 2 or an old one; who signed it does not matter. */
static ts_bytes transaction(struct ts_buf *b, bool is_typed, uint64_t nonce)
{
    static const ts_address to = {{0x70, 0x99}};
    static const uint8_t list_of_none[] = {0xc0};
    uint8_t number[32];
    ts_buf_init(b, 0);
    if (is_typed)
        ts_buf_put_byte(b, 2);
    size_t list = ts_put_list(b);
    if (is_typed)
        ts_put_u64(b, 443);
    ts_put_u64(b, nonce);
    if (is_typed)
        ts_put_u64(b, 1500000000);
    ts_put_u64(b, 30000000000);
    ts_put_u64(b, 21000);
    if (nonce % 3 == 2)
        ts_put_bytes(b, (ts_bytes){0}); /* creates a contract */
    else
        ts_put_address(b, &to);
    ts_put_u64(b, 1000000000000000000 + nonce);
    ts_put_bytes(b, ts_bytes_of("data", nonce));
    if (is_typed)
        ts_put_raw(b, ts_bytes_of(list_of_none, 1));
    ts_put_u64(b, is_typed ? nonce % 2 : 35 + 2 * 443 + nonce % 2);
    memset(number, 0x31 + (int)nonce, sizeof(number));
    ts_put_bytes(b, ts_bytes_of(number, 32));
    ts_put_bytes(b, ts_bytes_of(number, 31));
    ts_put_list_end(b, list);
    return ts_buf_bytes(b);
}

/* Transactions of the kinds that a rollup's columns know, and one of none. */
static void with_transactions(struct ek_sample *s)
{
    struct ts_buf b[5];
    ts_bytes list[6] = {{(const uint8_t *)"no transaction", 14}};
    s->net = plain_net(4);
    for (size_t i = 0; i < TS_COUNT(b); i++)
        list[i + 1] = transaction(&b[i], i != 1, i > 3 ? 1 : i);
    for (size_t k = 0; k < 4; k++) {
        struct tn_draft *d = tn_draft(s->net, 0);
        d->txs = list + k;
        d->n_txs = 3 - k % 2;
        tn_publish(s->net, d);
    }
    for (size_t i = 0; i < TS_COUNT(b); i++)
        ts_buf_free(&b[i]);
    tn_run(s->net, 2);
    follow(s);
}

/* And the honest rollup of them. */
static void with_rollup(struct ek_sample *s, struct made *m)
{
    with_transactions(s);
    make(s->net, 8, m);
}

static void rollup_time(struct ek_sample *s)
{
    struct made m;
    with_rollup(s, &m);
    m.batches[3].time++;
    give(s, &m, 0);
}

static void rollup_transactions(struct ek_sample *s)
{
    struct made m;
    with_rollup(s, &m);
    m.batches[6].n_txs--; /* one is dropped */
    give(s, &m, 0);
}

static void rollup_parent(struct ek_sample *s)
{
    struct made m;
    with_rollup(s, &m);
    m.rollup.rollup.first_parent_hash.b[0] ^= 1;
    give(s, &m, 0);
}

static void rollup_hash(struct ek_sample *s)
{
    struct made m;
    with_rollup(s, &m);
    m.rollup.rollup.last_hash.b[0] ^= 1;
    give(s, &m, 0);
}

static void rollup_root(struct ek_sample *s)
{
    struct made m;
    with_rollup(s, &m);
    m.rollup.rollup.protocol_root.b[0] ^= 1;
    give(s, &m, 0);
}

static void rollup_cut(struct ek_sample *s)
{
    struct made m;
    with_rollup(s, &m);
    give(s, &m, 1);
}

static void rollup_empty(struct ek_sample *s)
{
    struct made m;
    with_rollup(s, &m);
    give(s, &m, SIZE_MAX);
}

static void rollup_range(struct ek_sample *s)
{
    struct made m;
    with_rollup(s, &m);
    m.rollup.rollup.last_number = 1u << 20;
    give(s, &m, 0);
}

/* ---- all of them ----------------------------------------------------------------------------- */

const struct ek_case ek_cases[] = {
    {"equivocation-batch", TS_F_EQUIVOCATION, second_batch},
    {"equivocation-payload", TS_F_EQUIVOCATION, second_payload},
    {"equivocation-granted", TS_F_EQUIVOCATION, second_batch_of_a_granted_one},
    {"equivocation-relisted", TS_F_EQUIVOCATION, batches_of_one_listed_again},
    {"equivocation-new-list", TS_F_EQUIVOCATION, second_batch_of_a_new_list},
    {"payload-edited", TS_F_PAYLOAD_EDITED, edited_payload},
    {"whitelist-mismatch-block", TS_F_WHITELIST_MISMATCH, made_up_block},
    {"whitelist-mismatch-list", TS_F_WHITELIST_MISMATCH, change_not_announced},
    {"whitelist-mismatch-new", TS_F_WHITELIST_MISMATCH, own_list},
    {"rollup-mismatch-time", TS_F_ROLLUP_MISMATCH, rollup_time},
    {"rollup-mismatch-transactions", TS_F_ROLLUP_MISMATCH, rollup_transactions},
    {"rollup-mismatch-parent", TS_F_ROLLUP_MISMATCH, rollup_parent},
    {"rollup-mismatch-hash", TS_F_ROLLUP_MISMATCH, rollup_hash},
    {"rollup-mismatch-root", TS_F_ROLLUP_MISMATCH, rollup_root},
    {"rollup-mismatch-data", TS_F_ROLLUP_MISMATCH, rollup_cut},
    {"rollup-mismatch-empty", TS_F_ROLLUP_MISMATCH, rollup_empty},
    {"rollup-mismatch-range", TS_F_ROLLUP_MISMATCH, rollup_range},
};
const size_t ek_n_cases = TS_COUNT(ek_cases);

void ek_begin(struct ek_sample *s, const struct ek_case *c)
{
    *s = (struct ek_sample){.net = NULL};
    c->run(s);
    const struct nw_node *n = &s->w->nodes[s->node];
    for (size_t i = 0; i < n->n_findings; i++)
        if (n->findings[i].severity == TS_SEVERITY_PROOF && n->findings[i].kind != c->kind)
            fail_msg("%s: found too: %s", c->name, n->findings[i].text);
}

void ek_end(struct ek_sample *s)
{
    ts_buf_free(&s->keep);
    nw_free(s->w);
    tn_free(s->net);
}

const struct ts_finding *ek_finding(const struct ek_sample *s, enum ts_finding_kind kind)
{
    const struct nw_node *n = &s->w->nodes[s->node];
    for (size_t i = 0; i < n->n_findings; i++)
        if (n->findings[i].kind == kind)
            return &n->findings[i];
    fail_msg("no %s was found", ts_finding_name((int)kind));
    return NULL;
}

/* ---- files and proofs ------------------------------------------------------------------------ */

char *ek_kept(const char *path, const char *made)
{
    const char *write = getenv("TENSEQ_WRITE_SAMPLES");
    if (write != NULL && strcmp(write, "1") == 0) {
        FILE *f = fopen(path, "we");
        assert_non_null(f);
        fprintf(f, "%s\n", made);
        assert_int_equal(fclose(f), 0);
    }
    FILE *f = fopen(path, "re");
    if (f == NULL)
        fail_msg("%s is not there", path);
    char *text = calloc(1, 1u << 20);
    assert_non_null(text);
    size_t n = fread(text, 1, (1u << 20) - 1, f);
    fclose(f);
    while (n > 0 && text[n - 1] == '\n')
        text[--n] = '\0';
    return text;
}

void ek_open(struct ek_proof *p, const char *name)
{
    size_t i = 0;
    while (i < ek_n_cases && strcmp(ek_cases[i].name, name) != 0)
        i++;
    assert_true(i < ek_n_cases);
    ek_begin(&p->s, &ek_cases[i]);
    struct ek_store store = {.w = p->s.w, .node = p->s.node};
    struct ts_evidence_source source = ek_source(&store);
    assert_int_equal(ts_evidence_build(&source, &ek_finding(&p->s, ek_cases[i].kind)->evidence,
                                       &p->s.net->genesis, p->s.net->crypto, &p->built),
                     TS_OK);
}

void ek_close(struct ek_proof *p)
{
    ts_evidence_built_free(&p->built);
    ek_end(&p->s);
}
