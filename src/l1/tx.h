/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions for L1: EIP-1559, signed. Source: EIP-1559, EIP-2718, EIP-155; yellow paper, 7
 * (the address of a new contract). */
#ifndef TS_L1_TX_H
#define TS_L1_TX_H

#include "base/buf.h"
#include "base/u256.h"
#include "crypto/secret.h"
#include "tenseq/verify.h"

struct ts_l1_tx {
    uint64_t chain_id;
    uint64_t nonce;
    uint64_t max_priority; /* wei per gas */
    uint64_t max_fee;      /* wei per gas */
    uint64_t gas;
    bool creates; /* a contract: data is its code, to does not matter */
    ts_address to;
    ts_u256 value; /* wei */
    ts_bytes data;
};

/* Appends the signed transaction; *hash (may be NULL) is its hash. The same fields and key give the
 * same bytes. TS_E_KEY, TS_E_NOMEM, TS_E_LIMIT: out and *hash are unchanged. */
ts_err ts_l1_tx_sign(const struct ts_crypto *c, const ts_secret *key, const struct ts_l1_tx *tx,
                     struct ts_buf *out, ts_hash *hash);

/* The address of the contract that a transaction of this sender and nonce creates. */
void ts_l1_created_address(const ts_address *sender, uint64_t nonce, ts_address *out);

#endif
