/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's queries, state and snapshot; the front of a sealed checkpoint. */
#include "examples.h"

#include <string.h>

#include "base/check.h"
#include "codec/rlp.h"
#include "crypto/seal.h"
#include "enclave/checkpoint_io.h"

static void add_query(json_t *to, struct doc_net *d, const char *name, enum ts_query_kind kind,
                      ts_bytes arg)
{
    struct ts_buf b;
    char key[80];
    ts_buf_init(&b, 0);
    TS_CHECK(ts_ledger_engine.query(d->engine, kind, arg, &b) == TS_OK);
    snprintf(key, sizeof(key), "query.%s.arg", name);
    doc_add_hex(to, key, arg.p, arg.n);
    snprintf(key, sizeof(key), "query.%s.answer", name);
    doc_add_buf(to, key, &b);
    ts_buf_free(&b);
}

static void add_estimate(json_t *to, struct doc_net *d)
{
    struct ts_buf b;
    const ts_u256 value = ts_u256_of(1);
    ts_buf_init(&b, 0);
    size_t mark = ts_put_list(&b);
    ts_put_address(&b, &d->account);
    ts_put_address(&b, &d->recipient);
    ts_put_u256(&b, &value);
    ts_put_bytes(&b, ts_bytes_of("\x00\x01", 2));
    ts_put_list_end(&b, ts_put_list(&b));
    ts_put_list_end(&b, mark);
    add_query(to, d, "estimate", TS_QUERY_ESTIMATE, ts_buf_bytes(&b));
    ts_buf_free(&b);
}

/* A list of the one transaction: after batch 3 its nonce is used. */
static void add_check(json_t *to, struct doc_net *d)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    size_t mark = ts_put_list(&b);
    ts_put_bytes(&b, ts_buf_bytes(&d->tx));
    ts_put_list_end(&b, mark);
    add_query(to, d, "check", TS_QUERY_CHECK, ts_buf_bytes(&b));
    add_query(to, d, "receipts", TS_QUERY_RECEIPTS, ts_buf_bytes(&b));
    ts_buf_free(&b);
}

static ts_err to_buf(void *ctx, const void *p, size_t n)
{
    struct ts_buf *b = ctx;
    ts_buf_put(b, p, n);
    return b->err;
}

static void add_roots(json_t *to, struct doc_net *d)
{
    ts_hash root;
    struct ts_buf b;
    struct ts_sink sink = {.ctx = &b, .write = to_buf};
    doc_add_hash(to, "state.root0", &d->net->genesis_root);
    ts_ledger_engine.root(d->engine, &root);
    doc_add_hash(to, "state.root3", &root);
    ts_buf_init(&b, 0);
    TS_CHECK(ts_ledger_engine.save(d->engine, &sink) == TS_OK);
    doc_add_buf(to, "ledger.snapshot", &b);
    ts_buf_free(&b);
}

void doc_engine(json_t *to, struct doc_net *d)
{
    ts_bytes account = ts_bytes_of(d->account.b, sizeof(d->account.b));
    add_query(to, d, "balance", TS_QUERY_BALANCE, account);
    add_query(to, d, "nonce", TS_QUERY_NONCE, account);
    add_query(to, d, "transaction", TS_QUERY_TRANSACTION, ts_buf_bytes(&d->tx));
    add_estimate(to, d);
    add_check(to, d);
    add_roots(to, d);
}

/* A slot in memory. */
static ts_err write_begin(void *ctx, size_t slot)
{
    TS_CHECK(slot == 0);
    ts_buf_reset(ctx);
    return TS_OK;
}

static ts_err write_end(void *ctx, bool keep)
{
    (void)ctx;
    return keep ? TS_OK : TS_E_IO;
}

void doc_enclave(json_t *to, const struct doc_net *d)
{
    struct ts_buf slot;
    ts_secret seal_key;
    ts_secret key;
    const uint8_t salt[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct ts_checkpoint_store store = {.ctx = &slot,
                                        .n_slots = 1,
                                        .write_begin = write_begin,
                                        .write = to_buf,
                                        .write_end = write_end};
    struct ts_checkpoint_head head = {.enclave = d->net->enclaves[1].id,
                                      .genesis = d->net->genesis.hash,
                                      .generation = 1,
                                      .number = 3,
                                      .hash = d->net->chain.head.hash};
    struct ts_checkpoint_stream s;
    memset(seal_key.b, 1, sizeof(seal_key.b));
    TS_CHECK(ts_derive_key(&seal_key, "tenseq enclave checkpoint", &key) == TS_OK);
    doc_add_hex(to, "checkpoint.key", key.b, sizeof(key.b));
    ts_buf_init(&slot, 0);
    TS_CHECK(ts_checkpoint_write_begin(&s, &store, 0, &key, salt, &head) == TS_OK);
    TS_CHECK(ts_checkpoint_write(&s, "chain, then engine", 18) == TS_OK);
    TS_CHECK(ts_checkpoint_write_end(&s, TS_OK) == TS_OK);
    doc_add_buf(to, "checkpoint", &slot);
    ts_buf_free(&slot);
}
