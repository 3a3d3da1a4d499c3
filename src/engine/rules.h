/* SPDX-License-Identifier: Apache-2.0 */
/* What a transaction costs and when it may stand: the rules that need the genesis alone, and those
 * that need the sender's account. Sources: EIP-1559, 2028, 2681, 2930. */
#ifndef TS_ENGINE_RULES_H
#define TS_ENGINE_RULES_H

#include "engine/tx.h"

/* 21000, and 4 for a zero byte of data and 16 for another (EIP-2028), 2400 for an address and 1900
 * for a key of the access list (EIP-2930). The calldata floor of EIP-7623 is not
 * part of it: it bounds the size of L1 blocks, and here params.max_batch_bytes bounds that of
 * batches. */
uint64_t ts_intrinsic_gas(ts_bytes data, const struct ts_access_list *access);
uint64_t ts_tx_intrinsic_gas(const struct ts_tx *tx);

/* What a unit of gas is charged at: the signed price, or min(max fee, base fee + max priority). */
ts_u256 ts_tx_price(const struct ts_tx *tx, uint64_t base_fee);

/* value + gas limit * max fee, what the sender must own. False: over 256 bits, *out is the maximum.
 */
bool ts_tx_cost(const struct ts_tx *tx, ts_u256 *out);

/* 1 to 0xffff, where Ethereum and its rollups keep precompiled contracts. */
bool ts_is_reserved(const ts_address *a);

/* The rules that need no state: TS_E_TX_CREATE, _CODE, _TIP_OVER_FEE, _UNDERPRICED, _GAS_LOW,
 * _GAS_LIMIT, _NONCE_MAX, in this order. why is written on failure. */
ts_err ts_tx_check_static(const struct ts_tx *tx, const struct ts_genesis *g,
                          char why[TS_WHY_SIZE]);
/* TS_E_TX_NONCE_LOW or _NONCE_GAP against the sender's next nonce. */
ts_err ts_tx_check_nonce(const struct ts_tx *tx, uint64_t account_nonce, char why[TS_WHY_SIZE]);
/* TS_E_TX_FUNDS against the sender's balance. */
ts_err ts_tx_check_funds(const struct ts_tx *tx, const ts_u256 *balance, char why[TS_WHY_SIZE]);

#endif
