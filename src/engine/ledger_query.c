/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the committed state. Arguments are hostile. */
#include "base/check.h"
#include "codec/rlp.h"
#include "engine/info.h"
#include "engine/ledger.h"

static ts_err read_address_arg(ts_bytes arg, ts_address *out)
{
    if (arg.n != sizeof(out->b))
        return TS_E_LENGTH;
    memcpy(out->b, arg.p, arg.n);
    return TS_OK;
}

static ts_err query_account(struct ts_engine *e, enum ts_query_kind kind, ts_bytes arg,
                            struct ts_buf *out)
{
    ts_address address;
    uint8_t balance[32];
    ts_err err = read_address_arg(arg, &address);
    if (err != TS_OK)
        return err;
    struct ts_account a = ts_ledger_committed(e, &address);
    if (kind == TS_QUERY_NONCE) {
        ts_put_u64(out, a.nonce);
        return TS_OK;
    }
    ts_u256_to_be(&a.balance, balance);
    ts_buf_put(out, balance, sizeof(balance));
    return TS_OK;
}

static struct ts_tx_info info_of(const struct ts_tx *tx, const ts_address *from, uint64_t base_fee)
{
    ts_u256 price = ts_tx_price(tx, base_fee);
    bool dynamic = tx->type == TS_TX_DYNAMIC_FEE;
    return (struct ts_tx_info){
        .hash = tx->hash,
        .type = tx->type,
        .has_chain_id = true,
        .chain_id = tx->chain_id,
        .nonce = tx->nonce,
        .from = *from,
        .to = tx->to,
        .value = tx->value,
        .gas = tx->gas,
        .gas_price = price,
        .max_fee = dynamic ? tx->max_fee : ts_u256_of(0),
        .max_priority = dynamic ? tx->max_priority : ts_u256_of(0),
        .data = tx->data,
        .access_list = tx->access.raw,
        .v = tx->v,
        .r = tx->r,
        .s = tx->s,
        .gas_used = ts_tx_intrinsic_gas(tx),
        .effective_gas_price = price,
    };
}

static ts_err query_transaction(struct ts_engine *e, ts_bytes raw, struct ts_buf *out)
{
    struct ts_tx tx;
    ts_address from;
    bool has_sender;
    char why[TS_WHY_SIZE];
    ts_err err = ts_ledger_admit(e, raw, &tx, &from, &has_sender, why);
    if (err != TS_OK)
        return err;
    struct ts_tx_info info = info_of(&tx, &from, e->genesis->params.base_fee);
    ts_tx_info_put(out, &info);
    return TS_OK;
}

/* What the state says of a transaction whose sender is known. A gap is no fault here: the nonces
 * before it may wait in a pool. */
static void judge_by_state(struct ts_engine *e, const struct ts_tx *tx, struct ts_tx_verdict *v)
{
    struct ts_account a = ts_ledger_committed(e, &v->sender);
    v->nonce = tx->nonce;
    v->account_nonce = a.nonce;
    v->balance = a.balance;
    ts_tx_cost(tx, &v->cost);
    if (v->err == TS_OK && tx->nonce < a.nonce)
        v->err = ts_tx_check_nonce(tx, a.nonce, v->why);
    if (v->err == TS_OK)
        v->err = ts_tx_check_funds(tx, &a.balance, v->why);
}

static ts_err query_check(struct ts_engine *e, ts_bytes raw, struct ts_buf *out)
{
    struct ts_tx tx;
    struct ts_tx_verdict v = {.err = TS_OK};
    bool has_sender;
    v.err = ts_ledger_admit(e, raw, &tx, &v.sender, &has_sender, v.why);
    if (has_sender)
        judge_by_state(e, &tx, &v);
    ts_tx_verdict_put(out, &v);
    return TS_OK;
}

/* Answers a list of transactions with the list of what ask says of each. */
static ts_err query_each(struct ts_engine *e, ts_bytes arg, struct ts_buf *out,
                         ts_err (*ask)(struct ts_engine *e, ts_bytes raw, struct ts_buf *out))
{
    struct ts_reader r = ts_reader_of(arg);
    size_t mark = ts_put_list(out);
    ts_err err = TS_OK;
    ts_read_list(&r);
    while (err == TS_OK && out->err == TS_OK && ts_read_more(&r)) {
        ts_bytes raw = ts_read_bytes(&r, SIZE_MAX);
        if (r.err == TS_OK)
            err = ask(e, raw, out);
    }
    if (err != TS_OK || out->err != TS_OK)
        return err;
    ts_read_list_end(&r);
    ts_put_list_end(out, mark);
    return ts_reader_done(&r);
}

/* What a call says that a wallet wants an estimate for: not signed, no nonce, no price. */
struct call {
    ts_address from;
    ts_bytes to;
    ts_u256 value;
    ts_bytes data;
    struct ts_access_list access;
};

static ts_err read_call(ts_bytes arg, struct call *out)
{
    struct ts_reader r = ts_reader_of(arg);
    ts_read_list(&r);
    ts_read_address(&r, &out->from);
    out->to = ts_read_bytes(&r, sizeof(ts_address));
    out->value = ts_read_u256(&r);
    out->data = ts_read_bytes(&r, SIZE_MAX);
    ts_access_list_read(&r, &out->access);
    ts_read_list_end(&r);
    if (out->to.n != 0 && out->to.n != sizeof(ts_address))
        ts_reader_fail(&r, TS_E_LENGTH);
    return ts_reader_done(&r);
}

static ts_err query_estimate(struct ts_engine *e, ts_bytes arg, struct ts_buf *out)
{
    const struct ts_params *p = &e->genesis->params;
    struct call call;
    ts_address to;
    ts_err err = read_call(arg, &call);
    if (err != TS_OK)
        return err;
    if (call.data.n + call.access.raw.n > p->max_tx_bytes)
        return TS_E_TX_SIZE;
    if (call.to.n == 0)
        return TS_E_TX_CREATE;
    memcpy(to.b, call.to.p, sizeof(to.b));
    if (ts_is_reserved(&to))
        return TS_E_TX_CODE;
    uint64_t gas = ts_intrinsic_gas(call.data, &call.access);
    if (gas > p->batch_gas_limit)
        return TS_E_TX_GAS_LIMIT;
    struct ts_account from = ts_ledger_committed(e, &call.from);
    if (ts_u256_compare(&call.value, &from.balance) > 0)
        return TS_E_TX_FUNDS;
    ts_put_u64(out, gas);
    return TS_OK;
}

static ts_err answer(struct ts_engine *e, enum ts_query_kind kind, ts_bytes arg, struct ts_buf *out)
{
    switch (kind) {
    case TS_QUERY_BALANCE:
    case TS_QUERY_NONCE:
        return query_account(e, kind, arg, out);
    case TS_QUERY_TRANSACTION:
        return query_transaction(e, arg, out);
    case TS_QUERY_RECEIPTS:
        return query_each(e, arg, out, query_transaction);
    case TS_QUERY_ESTIMATE:
        return query_estimate(e, arg, out);
    case TS_QUERY_CHECK:
        return query_each(e, arg, out, query_check);
    }
    return TS_E_UNSUPPORTED;
}

ts_err ts_ledger_query(struct ts_engine *e, enum ts_query_kind kind, ts_bytes arg,
                       struct ts_buf *out)
{
    size_t start = out->n;
    TS_CHECK(out->err == TS_OK);
    ts_err err = answer(e, kind, arg, out);
    if (err == TS_OK)
        err = out->err;
    if (err != TS_OK) {
        out->n = start;
        out->err = TS_OK;
    }
    return err;
}
