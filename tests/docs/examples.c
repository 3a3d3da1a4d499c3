/* SPDX-License-Identifier: Apache-2.0 */
/* usage: doc_examples      prints the JSON object that scripts/docs.py holds the documents against
 */
#include "examples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "engine/tx_sign.h"

void doc_add(json_t *to, const char *name, json_t *value)
{
    TS_CHECK(value != NULL && json_object_get(to, name) == NULL);
    TS_CHECK(json_object_set_new(to, name, value) == 0);
}

void doc_add_hex(json_t *to, const char *name, const void *p, size_t n)
{
    char *text = malloc(2 * n + 3);
    TS_CHECK(text != NULL);
    doc_add(to, name, json_string(ts_hex(p, n, text)));
    free(text);
}

void doc_add_hash(json_t *to, const char *name, const ts_hash *h)
{
    doc_add_hex(to, name, h->b, sizeof(h->b));
}

void doc_add_buf(json_t *to, const char *name, struct ts_buf *b)
{
    TS_CHECK(b->err == TS_OK);
    doc_add_hex(to, name, b->p, b->n);
    ts_buf_reset(b);
}

static void open_account(struct doc_net *d, const struct ts_crypto *crypto)
{
    memset(d->account_key.b, 0, sizeof(d->account_key.b));
    d->account_key.b[31] = 1;
    TS_CHECK(crypto->address(crypto->ctx, d->account_key.b, &d->account) == TS_OK);
    d->recipient = (ts_address){{0x0a, 0x11, 0xce}};
}

static void make_net(struct doc_net *d, struct ts_crypto *crypto)
{
    struct ts_alloc alloc = {.address = d->account};
    struct tn_options options = {.enclaves = 2, .crypto = crypto, .alloc = &alloc, .n_alloc = 1};
    const uint64_t seed[2] = {1, 2};
    const ts_u256 funds = ts_u256_of(10000000000000000000u); /* ten whole units */
    ts_hash root;
    ts_u256_to_be(&funds, alloc.balance);
    d->net = tn_new(&options);
    TS_CHECK(ts_ledger_engine.open(&d->net->genesis, crypto, seed, &d->engine) == TS_OK);
    ts_ledger_engine.root(d->engine, &root);
    tn_free(d->net);
    ts_ledger_engine.close(d->engine);
    options.state_root = &root;
    d->net = tn_new(&options);
    TS_CHECK(ts_ledger_engine.open(&d->net->genesis, crypto, seed, &d->engine) == TS_OK);
}

static void sign_transfer(struct doc_net *d)
{
    struct ts_tx fields = {.type = TS_TX_DYNAMIC_FEE,
                           .chain_id = d->net->genesis.chain_id,
                           .max_priority = ts_u256_of(0),
                           .max_fee = ts_u256_of(2000000000),
                           .gas = 21000,
                           .to = d->recipient,
                           .value = ts_u256_of(1000000000000000000)};
    ts_buf_init(&d->tx, 0);
    TS_CHECK(ts_tx_sign(d->net->crypto, &d->account_key, &fields, &d->tx) == TS_OK);
}

/* The engine's part of batch 3. */
static void execute(struct doc_net *d, struct tn_draft *draft)
{
    struct ts_tx_result result;
    const struct ts_engine_ops *ops = &ts_ledger_engine;
    TS_CHECK(ops->begin(d->engine, draft->header.number, draft->header.time) == TS_OK);
    TS_CHECK(ops->execute(d->engine, ts_buf_bytes(&d->tx), &result) == TS_OK);
    TS_CHECK(result.err == TS_OK);
    TS_CHECK(ops->finish(d->engine, &draft->header.state_root) == TS_OK);
    ops->commit(d->engine);
}

void doc_net_open(struct doc_net *d)
{
    struct ts_crypto *crypto = ts_crypto_new();
    TS_CHECK(crypto != NULL);
    open_account(d, crypto);
    make_net(d, crypto);
    tn_start(d->net);
    tn_run(d->net, 1);
    tn_crash(d->net, 0);
    tn_activate(d->net, 1);
    sign_transfer(d);
    struct tn_draft *draft = tn_draft(d->net, 1);
    ts_bytes tx = ts_buf_bytes(&d->tx);
    draft->txs = &tx;
    draft->n_txs = 1;
    execute(d, draft);
    tn_seal(d->net, draft);
    TS_CHECK(tn_check(d->net, draft) == TS_OK);
    tn_publish(d->net, draft);
}

void doc_net_close(struct doc_net *d)
{
    struct ts_crypto *crypto = (struct ts_crypto *)(uintptr_t)d->net->crypto;
    ts_ledger_engine.close(d->engine);
    ts_buf_free(&d->tx);
    tn_free(d->net);
    ts_crypto_free(crypto);
}

int main(void)
{
    struct doc_net d;
    json_t *out = json_object();
    TS_CHECK(out != NULL);
    doc_net_open(&d);
    doc_types(out);
    doc_chain(out, &d);
    doc_link(out, &d);
    doc_feed(out, &d);
    doc_engine(out, &d);
    doc_enclave(out, &d);
    doc_tables(out);
    doc_net_close(&d);
    int bad = json_dumpf(out, stdout, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    json_decref(out);
    printf("\n");
    return bad == 0 && fflush(stdout) == 0 ? 0 : 1;
}
