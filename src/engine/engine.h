/* SPDX-License-Identifier: Apache-2.0 */
/* What executes transactions, behind a small table so that another engine (an EVM) can take its
 * place.
 *
 * One batch at a time: begin, execute each transaction in order, finish (the state root as it would
 * be), then commit or rollback. Nothing that the batch did is visible to query and check before
 * commit. Source: docs/protocol.md, section on execution. */
#ifndef TS_ENGINE_ENGINE_H
#define TS_ENGINE_ENGINE_H

#include "base/buf.h"
#include "base/u256.h"
#include "engine/why.h"
#include "tenseq/genesis.h"
#include "tenseq/verify.h"

/* What one transaction did, or why it cannot stand in the batch. */
struct ts_tx_result {
    ts_err err; /* TS_OK: executed. TS_E_TX_DEFERRED: no gas left in this batch, or one of this
                   sender before it was deferred; state unchanged. Any other: it can never execute
                   on this state; state unchanged. */
    char why[TS_WHY_SIZE]; /* one sentence with the numbers, when err is not TS_OK; else empty */
    uint64_t gas_used;
};

/* What admission tells: the facts a pool needs to order and bound what it holds. */
struct ts_tx_verdict {
    ts_err err; /* TS_OK: it could execute now, or later once the nonces before it are used */
    char why[TS_WHY_SIZE];
    ts_address
        sender; /* valid unless err is one of TS_E_TX_FORM, _TYPE, _CHAIN_ID, _SIGNATURE, _SIZE */
    uint64_t nonce;         /* the transaction's */
    uint64_t account_nonce; /* the sender's next in the state */
    ts_u256 cost;    /* value + gas limit * max fee; the largest number when that overflows */
    ts_u256 balance; /* the sender's in the state */
};

/* Besides decoding errors a query may fail with the TS_E_TX_ errors named here; out->max bounds the
 * answer (TS_E_LIMIT), and what a list is too long for is asked for in pieces. */
enum ts_query_kind {
    TS_QUERY_BALANCE = 1, /* arg: address(20); answer: 32-byte big-endian */
    TS_QUERY_NONCE = 2,   /* arg: address; answer: RLP uint */
    /* arg: the transaction's bytes; answer: RLP of struct ts_tx_info. Any TS_E_TX_ error that needs
     * no state: such bytes are in no batch. */
    TS_QUERY_TRANSACTION = 3,
    /* arg: RLP list of a batch's transactions; answer: RLP list of infos, each at most 200 bytes
     * longer than its transaction. Errors as for one. */
    TS_QUERY_RECEIPTS = 4,
    /* arg: RLP [from, to or empty, value, data, access list]; answer: RLP uint gas. TS_E_TX_CREATE,
     * TS_E_TX_CODE, TS_E_TX_SIZE, TS_E_TX_GAS_LIMIT; TS_E_TX_FUNDS when from does not own value. */
    TS_QUERY_ESTIMATE = 5,
    TS_QUERY_CHECK = 6 /* arg: RLP list of transactions; answer: RLP list of verdicts */
};

/* One included transaction as wallets want to see it; a pure function of its bytes and the genesis.
 */
struct ts_tx_info {
    ts_hash hash;
    uint64_t type; /* 0, 1, 2 */
    bool has_chain_id;
    uint64_t chain_id;
    uint64_t nonce;
    ts_address from;
    ts_address to;
    ts_u256 value;
    uint64_t gas;
    ts_u256 gas_price;    /* types 0 and 1: the signed one; type 2: the effective one */
    ts_u256 max_fee;      /* type 2 */
    ts_u256 max_priority; /* type 2 */
    ts_bytes data;        /* borrowed from the transaction */
    ts_bytes access_list; /* its RLP, borrowed; types 1 and 2 */
    uint64_t v;           /* as in the transaction: legacy v, or y parity */
    ts_u256 r;
    ts_u256 s;
    uint64_t gas_used;
    ts_u256 effective_gas_price;
};

struct ts_engine;

/* Where a snapshot goes or comes from; bytes in order. */
struct ts_sink {
    void *ctx;
    ts_err (*write)(void *ctx, const void *p, size_t n);
};
struct ts_source {
    void *ctx;
    ts_err (*read)(void *ctx, void *p, size_t n); /* exactly n bytes; TS_E_TRUNCATED at the end */
};

struct ts_engine_ops {
    const char *name;
    /* A fresh state with the allocations of genesis. seed: for hash maps. Genesis and crypto are
     * borrowed. TS_E_NOMEM; TS_E_RANGE: allocations unsorted or above 2^256 - 1 in all. */
    ts_err (*open)(const struct ts_genesis *g, const struct ts_crypto *crypto,
                   const uint64_t seed[2], struct ts_engine **out);
    void (*close)(struct ts_engine *e);
    /* The committed state root; after open, that of genesis. */
    void (*root)(const struct ts_engine *e, ts_hash *out);
    ts_err (*begin)(struct ts_engine *e, uint64_t number, ts_time time);
    /* TS_OK with *out filled in, whatever out->err says; another error only for the environment. */
    ts_err (*execute)(struct ts_engine *e, ts_bytes tx, struct ts_tx_result *out);
    /* TS_E_NOMEM: the batch may go on or be rolled back. */
    ts_err (*finish)(struct ts_engine *e, ts_hash *root);
    /* Only after finish. Cannot fail: finish reserved what it needs. */
    void (*commit)(struct ts_engine *e);
    /* At any point between begin and commit. */
    void (*rollback)(struct ts_engine *e);
    /* Appends the answer to out. Hostile arg: a decoding error, out unchanged. */
    ts_err (*query)(struct ts_engine *e, enum ts_query_kind kind, ts_bytes arg, struct ts_buf *out);
    /* The committed state as bytes, streamed; not between begin and commit. They depend on the
     * chain alone. An error is the sink's. */
    ts_err (*save)(const struct ts_engine *e, const struct ts_sink *to);
    /* Reads what save wrote, and nothing behind it. TS_E_CORRUPT, TS_E_VERSION, TS_E_FOREIGN
     * (another genesis) or the source's error: the state is that of genesis. TS_E_NOMEM: close the
     * engine. */
    ts_err (*load)(struct ts_engine *e, const struct ts_source *from);
};

/* Accounts and value transfers; no contracts. src/engine/ledger. */
extern const struct ts_engine_ops ts_ledger_engine;

#endif
