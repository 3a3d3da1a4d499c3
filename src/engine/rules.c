/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/rules.h"

#include <inttypes.h>

#define GAS_BASE     21000u
#define GAS_ZERO     4u
#define GAS_NONZERO  16u
#define GAS_ADDRESS  2400u
#define GAS_KEY      1900u
#define DECIMAL_SIZE 79

uint64_t ts_intrinsic_gas(ts_bytes data, const struct ts_access_list *access)
{
    uint64_t zeros = 0;
    for (size_t i = 0; i < data.n; i++)
        zeros += data.p[i] == 0;
    return GAS_BASE + GAS_ZERO * zeros + GAS_NONZERO * (data.n - zeros) +
           GAS_ADDRESS * (uint64_t)access->n_addresses + GAS_KEY * (uint64_t)access->n_keys;
}

uint64_t ts_tx_intrinsic_gas(const struct ts_tx *tx)
{
    return ts_intrinsic_gas(tx->data, &tx->access);
}

ts_u256 ts_tx_price(const struct ts_tx *tx, uint64_t base_fee)
{
    ts_u256 price = ts_u256_of(base_fee);
    if (!ts_u256_add(&price, &tx->max_priority, &price) ||
        ts_u256_compare(&price, &tx->max_fee) > 0)
        return tx->max_fee;
    return price;
}

bool ts_tx_cost(const struct ts_tx *tx, ts_u256 *out)
{
    ts_u256 fee;
    if (ts_u256_mul64(&tx->max_fee, tx->gas, &fee) && ts_u256_add(&fee, &tx->value, out))
        return true;
    *out = (ts_u256){.w = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    return false;
}

bool ts_is_reserved(const ts_address *a)
{
    const ts_address zero = {{0}};
    return memcmp(a->b, zero.b, 18) == 0 && (a->b[18] | a->b[19]) != 0;
}

static ts_err check_recipient(const struct ts_tx *tx, char *why)
{
    char text[TS_ADDRESS_HEX_SIZE];
    if (tx->creates)
        return ts_refuse(why, TS_E_TX_CREATE,
                         "contract creation is not supported on this chain: give a recipient");
    if (ts_is_reserved(&tx->to))
        return ts_refuse(why, TS_E_TX_CODE,
                         "%s is reserved for code, which this chain does not run: calls and "
                         "transfers to it are not supported",
                         ts_hex(tx->to.b, sizeof(tx->to.b), text));
    return TS_OK;
}

static ts_err check_price(const struct ts_tx *tx, uint64_t base_fee, char *why)
{
    char fee[DECIMAL_SIZE];
    char tip[DECIMAL_SIZE];
    const ts_u256 base = ts_u256_of(base_fee);
    if (ts_u256_compare(&tx->max_priority, &tx->max_fee) > 0)
        return ts_refuse(why, TS_E_TX_TIP_OVER_FEE,
                         "max priority fee per gas higher than max fee per gas: %s over %s",
                         ts_u256_decimal(&tx->max_priority, tip),
                         ts_u256_decimal(&tx->max_fee, fee));
    if (ts_u256_compare(&tx->max_fee, &base) < 0)
        return ts_refuse(why, TS_E_TX_UNDERPRICED,
                         "max fee per gas less than block base fee: %s under %" PRIu64,
                         ts_u256_decimal(&tx->max_fee, fee), base_fee);
    return TS_OK;
}

static ts_err check_gas(const struct ts_tx *tx, uint64_t limit, char *why)
{
    uint64_t needed = ts_tx_intrinsic_gas(tx);
    if (tx->gas < needed)
        return ts_refuse(why, TS_E_TX_GAS_LOW,
                         "intrinsic gas too low: the gas limit is %" PRIu64 ", %" PRIu64
                         " is needed",
                         tx->gas, needed);
    if (tx->gas > limit)
        return ts_refuse(why, TS_E_TX_GAS_LIMIT,
                         "exceeds block gas limit: the gas limit is %" PRIu64
                         ", a batch holds %" PRIu64,
                         tx->gas, limit);
    return TS_OK;
}

ts_err ts_tx_check_static(const struct ts_tx *tx, const struct ts_genesis *g, char why[TS_WHY_SIZE])
{
    ts_err err = check_recipient(tx, why);
    if (err == TS_OK)
        err = check_price(tx, g->params.base_fee, why);
    if (err == TS_OK)
        err = check_gas(tx, g->params.batch_gas_limit, why);
    if (err == TS_OK && tx->nonce == UINT64_MAX)
        err = ts_refuse(why, TS_E_TX_NONCE_MAX,
                        "nonce has max value: %" PRIu64 " cannot be used (EIP-2681)", tx->nonce);
    return err;
}

ts_err ts_tx_check_nonce(const struct ts_tx *tx, uint64_t account_nonce, char why[TS_WHY_SIZE])
{
    if (tx->nonce == account_nonce)
        return TS_OK;
    bool low = tx->nonce < account_nonce;
    return ts_refuse(why, low ? TS_E_TX_NONCE_LOW : TS_E_TX_NONCE_GAP,
                     "nonce too %s: the transaction has %" PRIu64
                     ", the account's next is %" PRIu64,
                     low ? "low" : "high", tx->nonce, account_nonce);
}

ts_err ts_tx_check_funds(const struct ts_tx *tx, const ts_u256 *balance, char why[TS_WHY_SIZE])
{
    char have[DECIMAL_SIZE];
    char need[DECIMAL_SIZE] = "more than 2^256 - 1";
    ts_u256 cost;
    bool fits = ts_tx_cost(tx, &cost);
    if (fits && ts_u256_compare(&cost, balance) <= 0)
        return TS_OK;
    if (fits)
        ts_u256_decimal(&cost, need);
    return ts_refuse(why, TS_E_TX_FUNDS,
                     "insufficient funds for gas * price + value: balance %s, needed %s",
                     ts_u256_decimal(balance, have), need);
}
