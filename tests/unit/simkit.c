/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "simkit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/tx_sign.h"
#include "sim/check_line.h"
#include "sim/crypto_fast.h"

static const uint64_t seed[2] = {1, 2};

static ts_hash state_root_of(const struct ts_genesis *g)
{
    struct ts_engine *engine;
    ts_hash root;
    assert_int_equal(ts_ledger_engine.open(g, sim_crypto_fast(), seed, &engine), TS_OK);
    ts_ledger_engine.root(engine, &root);
    ts_ledger_engine.close(engine);
    return root;
}

/* The net, with the state root that the ledger gives its genesis. */
static struct testnet *make_net(struct tn_options o, const ts_secret *wallet)
{
    struct ts_alloc alloc = {.balance = {[20] = 1}};
    assert_int_equal(ts_address_of_key(sim_crypto_fast(), wallet, &alloc.address), TS_OK);
    o.crypto = sim_crypto_fast();
    o.alloc = &alloc;
    o.n_alloc = 1;
    struct testnet *first = tn_new(&o);
    ts_hash root = state_root_of(&first->genesis);
    tn_free(first);
    o.state_root = &root;
    return tn_new(&o);
}

struct simkit *sk_new_with(struct tn_options o, const struct sim_checker *checker)
{
    struct simkit *k = sim_check_memory(calloc(1, sizeof(*k)));
    k->wallet = (ts_secret){{7, 7, 7}};
    k->net = make_net(o, &k->wallet);
    k->setting = (struct sim_setting){.genesis = &k->net->genesis,
                                      .crypto = sim_crypto_fast(),
                                      .n_enclaves = (unsigned)k->net->n,
                                      .n_whitelisted = (unsigned)k->net->n,
                                      .n_nodes = 2,
                                      .is_honest = true,
                                      .interval_us = SK_SECOND};
    for (size_t i = 0; i < k->net->n; i++)
        k->setting.enclave[i] = *tn_id(k->net, i);
    k->checkers = sim_checkers;
    k->n_checkers = n_sim_checkers;
    for (size_t i = 0; checker != NULL && i < n_sim_checkers; i++) {
        if (sim_checkers[i] == checker) {
            k->checkers = &sim_checkers[i];
            k->n_checkers = 1;
        }
    }
    for (size_t i = 0; i < k->n_checkers; i++)
        k->states[i] = k->checkers[i]->make(&k->setting);
    return k;
}

struct simkit *sk_new(size_t enclaves, const struct sim_checker *checker)
{
    return sk_new_with((struct tn_options){.enclaves = enclaves}, checker);
}

void sk_skip(struct simkit *k, const struct sim_checker *checker)
{
    for (size_t i = 0; i < k->n_checkers; i++) {
        if (k->checkers[i] != checker || k->states[i] == NULL)
            continue;
        checker->drop(k->states[i]);
        k->states[i] = NULL;
    }
}

void sk_free(struct simkit *k)
{
    for (size_t i = 0; i < n_sim_checkers; i++)
        sk_skip(k, sim_checkers[i]);
    for (size_t i = 0; i < k->n_batches; i++) {
        const struct ts_batch *b = k->batches[i]->b;
        void *raw = (void *)(uintptr_t)b->raw.p;
        ts_batch_free((struct ts_batch *)(uintptr_t)b);
        free(raw);
        free(k->batches[i]);
    }
    free(k->batches);
    tn_free(k->net);
    free(k);
}

void sk_tell(struct simkit *k, struct sim_event e)
{
    if (e.at_us == 0)
        e.at_us = k->now_us += SK_SECOND;
    k->now_us = e.at_us;
    for (size_t i = 0; i < k->n_checkers; i++) {
        if (k->states[i] != NULL)
            k->checkers[i]->see(k->states[i], &e, &k->verdict);
    }
}

void sk_batch(struct simkit *k, enum sim_kind kind, int who, const struct sim_batch *b)
{
    sk_tell(k, (struct sim_event){.kind = kind, .who = who, .number = b->number, .batch = b});
}

void sk_line(struct simkit *k, const struct sim_batch *b)
{
    sk_batch(k, SIM_COMMITTED, -1, b);
    sk_batch(k, SIM_BROADCAST, -1, b);
    sk_batch(k, SIM_NODE_TAKES, 0, b);
    sk_batch(k, SIM_NODE_TAKES, 1, b);
}

void sk_lines(struct simkit *k, uint64_t from)
{
    for (uint64_t n = from; n <= k->net->n_history; n++)
        sk_line(k, sk_published(k, n));
}

/* The protocol root after a batch, from that of its parent where the net has published it. */
static void root_of(const struct simkit *k, struct sim_batch *b)
{
    ts_hash root = {{0}};
    for (uint64_t n = 1; n < b->number && n <= k->net->n_history; n++) {
        struct ts_batch *parsed;
        assert_int_equal(ts_batch_parse(tn_raw(k->net, n), TS_MAX_BATCH_BYTES, &parsed), TS_OK);
        ts_protocol_root(&root, parsed->raw_payload, &root);
        ts_batch_free(parsed);
    }
    ts_protocol_root(&root, b->b->raw_payload, &b->protocol_root);
    b->has_root = true;
}

static const struct sim_batch *batch_of(struct simkit *k, ts_bytes raw)
{
    struct ts_batch *parsed;
    uint8_t *copy = sim_check_memory(malloc(raw.n));
    memcpy(copy, raw.p, raw.n);
    assert_int_equal(ts_batch_parse(ts_bytes_of(copy, raw.n), TS_MAX_BATCH_BYTES, &parsed), TS_OK);
    struct sim_batch *b = sim_check_memory(calloc(1, sizeof(*b)));
    b->b = parsed;
    b->number = parsed->header.number;
    b->producer = (int)tn_index(k->net, &parsed->header.producer);
    ts_header_hash(&k->net->genesis.domain, &parsed->header, &b->hash);
    root_of(k, b);
    k->batches = sim_check_grow(k->batches, k->n_batches, &k->cap_batches, sizeof(b));
    k->batches[k->n_batches++] = b;
    return b;
}

const struct sim_batch *sk_published(struct simkit *k, uint64_t number)
{
    for (size_t i = 0; i < k->n_batches; i++) {
        if (ts_bytes_equal(k->batches[i]->b->raw, tn_raw(k->net, number)))
            return k->batches[i];
    }
    return batch_of(k, tn_raw(k->net, number));
}

const struct sim_batch *sk_sealed(struct simkit *k, struct tn_draft *d)
{
    tn_seal(k->net, d);
    return batch_of(k, ts_buf_bytes(&d->raw));
}

void sk_answer(struct simkit *k, int who, struct ts_msg msg, const struct ts_msg *request,
               const struct sim_batch *b)
{
    msg.is_answer = true;
    sk_tell(k, (struct sim_event){
                   .kind = SIM_ANSWER, .who = who, .msg = &msg, .request = request, .batch = b});
}

void sk_events(struct simkit *k, size_t i, const struct sim_batch *b)
{
    struct tn_enclave *e = &k->net->enclaves[i];
    struct ts_msg request = {.type = b != NULL ? TS_MSG_ACCEPT : TS_MSG_REPORT};
    struct ts_msg msg = {.type = request.type};
    if (b != NULL)
        request.u.accept.batch = b->b->raw;
    msg.u.events = (struct ts_msg_events){.state = e->active ? TS_ENC_ACTIVE : TS_ENC_PASSIVE,
                                          .head = {e->head.number, e->head.hash},
                                          .has_report = true,
                                          .report = tn_report(k->net, i),
                                          .transitions = e->unpublished,
                                          .n_transitions = e->n_unpublished};
    sk_answer(k, (int)i, msg, &request, b);
}

ts_bytes sk_transfer(struct simkit *k, uint64_t nonce, struct ts_buf *out)
{
    size_t start = out->n;
    struct ts_tx tx = {.type = TS_TX_LEGACY,
                       .chain_id = k->net->genesis.chain_id,
                       .nonce = nonce,
                       .max_fee = ts_u256_of(k->net->genesis.params.base_fee),
                       .gas = 21000,
                       .to = {{0xee, 0xee}},
                       .value = ts_u256_of(5)};
    assert_int_equal(ts_tx_sign(sim_crypto_fast(), &k->wallet, &tx, out), TS_OK);
    return ts_bytes_of(out->p + start, out->n - start);
}

void sk_put_txs(struct simkit *k, struct tn_draft *d, ts_bytes *txs, size_t n)
{
    struct ts_engine *engine;
    struct ts_tx_result result;
    assert_int_equal(ts_ledger_engine.open(&k->net->genesis, sim_crypto_fast(), seed, &engine),
                     TS_OK);
    for (uint64_t number = 1; number <= k->net->n_history + 1; number++) {
        const struct ts_batch *b = number <= k->net->n_history ? sk_published(k, number)->b : NULL;
        size_t count = b != NULL ? b->n_txs : n;
        assert_int_equal(ts_ledger_engine.begin(engine, number, 0), TS_OK);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(
                ts_ledger_engine.execute(engine, b != NULL ? b->txs[i] : txs[i], &result), TS_OK);
        assert_int_equal(ts_ledger_engine.finish(engine, &d->header.state_root), TS_OK);
        ts_ledger_engine.commit(engine);
    }
    ts_ledger_engine.close(engine);
    d->txs = txs;
    d->n_txs = n;
}

void sk_good(const struct simkit *k)
{
    if (k->verdict.violated)
        fail_msg("%s: %s", k->verdict.invariant, k->verdict.text);
}

void sk_bad(const struct simkit *k, const char *invariant, const char *text)
{
    assert_true(k->verdict.violated);
    assert_string_equal(k->verdict.invariant, invariant);
    if (strstr(k->verdict.text, text) == NULL)
        fail_msg("\"%s\" holds no \"%s\"", k->verdict.text, text);
}
