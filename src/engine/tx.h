/* SPDX-License-Identifier: Apache-2.0 */
/* Ethereum transactions as bytes: legacy ones with a chain id (EIP-155), EIP-2930 and EIP-1559.
 * Sources: Yellow Paper section 4.3, EIP-2, 155, 2718, 2930, 1559. */
#ifndef TS_ENGINE_TX_H
#define TS_ENGINE_TX_H

#include "codec/rlp.h"
#include "engine/why.h"
#include "tenseq/genesis.h"
#include "tenseq/verify.h"

enum ts_tx_type { TS_TX_LEGACY = 0, TS_TX_ACCESS_LIST = 1, TS_TX_DYNAMIC_FEE = 2 };

struct ts_access_list {
    ts_bytes raw; /* its RLP, header included */
    size_t n_addresses;
    size_t n_keys;
};

struct ts_tx {
    ts_bytes
        raw; /* borrowed, as are data, the access list and signed_fields, which point into it */
    ts_hash hash; /* keccak256 of raw */
    enum ts_tx_type type;
    uint64_t chain_id;
    uint64_t nonce;
    ts_u256 max_priority; /* types 0 and 1: the gas price, so too max_fee */
    ts_u256 max_fee;
    uint64_t gas;
    bool creates; /* a contract: no recipient */
    ts_address to;
    ts_u256 value;
    ts_bytes data;
    struct ts_access_list access; /* types 1 and 2; else empty */
    uint64_t v;                   /* as signed: legacy v, or y parity */
    uint8_t y_parity;
    ts_u256 r;
    ts_u256 s;
    ts_bytes signed_fields; /* the items of the list that the signature covers */
};

/* Decodes strictly: canonical RLP, nothing missing, nothing left over.
 * Returns: TS_E_TX_SIZE (over params.max_tx_bytes), TS_E_TX_FORM, TS_E_TX_TYPE, TS_E_TX_CHAIN_ID
 *          (another chain's, or signed for none), TS_E_TX_SIGNATURE (v or y parity impossible).
 * Out:     on failure *out is unspecified and why says what and where.
 * Cost:    one or more Keccak blocks; no allocation. */
ts_err ts_tx_decode(ts_bytes raw, const struct ts_genesis *g, struct ts_tx *out,
                    char why[TS_WHY_SIZE]);

/* The digest that the signature covers. */
void ts_tx_signing_hash(const struct ts_tx *tx, ts_hash *out);

/* The sender. TS_E_TX_SIGNATURE: *out is unchanged, why says what is wrong. */
ts_err ts_tx_recover(const struct ts_tx *tx, const struct ts_crypto *crypto, ts_address *out,
                     char why[TS_WHY_SIZE]);

/* [[address, [key, …]], …]. On failure *out is unspecified and the reader has failed. */
void ts_access_list_read(struct ts_reader *r, struct ts_access_list *out);

#endif
