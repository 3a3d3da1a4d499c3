/* SPDX-License-Identifier: Apache-2.0 */
/* A small network for the tests of the ledger: people with keys, a genesis, transactions of theirs.
 */
#ifndef TS_TESTS_LEDGER_KIT_H
#define TS_TESTS_LEDGER_KIT_H

#include "engine/engine.h"
#include "engine/tx_sign.h"
#include "unit.h"

#define KIT_PEOPLE   8
#define KIT_CHAIN    443u
#define KIT_BASE_FEE 1000000000u
#define KIT_LIMIT    300000u
#define KIT_FUNDS    1000000000000000000u /* of each person */

struct kit {
    struct ts_crypto *crypto;
    ts_secret keys[KIT_PEOPLE];
    ts_address people[KIT_PEOPLE];
    struct ts_alloc alloc[KIT_PEOPLE]; /* sorted */
    struct ts_genesis genesis;
    struct ts_engine *engine;
};

/* A fresh kit with an engine open; kit_close frees all. */
struct kit *kit_open(void);
void kit_close(struct kit *k);

/* A plain transfer that can execute: type 2, gas 21000, max fee twice the base fee, tip 1. */
struct ts_tx kit_transfer(const struct kit *k, uint64_t nonce, const ts_address *to,
                          uint64_t value);
/* Its bytes, signed by a person; appended to what buf holds. Valid until buf changes. */
ts_bytes kit_sign(const struct kit *k, size_t person, const struct ts_tx *fields,
                  struct ts_buf *buf);

/* An address that nobody has the key of. */
ts_address kit_stranger(uint32_t n);

/* Executes in the open batch and says what came of it. */
struct ts_tx_result kit_execute(struct ts_engine *e, ts_bytes raw);
/* Begins, executes what must all stand, finishes and commits; returns the root. */
ts_hash kit_batch(struct ts_engine *e, const ts_bytes *txs, size_t n);
ts_hash kit_root(const struct ts_engine *e);

/* By query. */
ts_u256 kit_balance(struct ts_engine *e, const ts_address *a);
uint64_t kit_nonce(struct ts_engine *e, const ts_address *a);

void assert_hash(const ts_hash *a, const ts_hash *b);
void assert_u256(const ts_u256 *a, const ts_u256 *b);

#endif
