/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/info.h"

#include "base/check.h"
#include "engine/tx.h"

void ts_tx_info_put(struct ts_buf *b, const struct ts_tx_info *i)
{
    size_t mark = ts_put_list(b);
    ts_put_hash(b, &i->hash);
    ts_put_u64(b, i->type);
    ts_put_u64(b, i->has_chain_id);
    ts_put_u64(b, i->chain_id);
    ts_put_u64(b, i->nonce);
    ts_put_address(b, &i->from);
    ts_put_address(b, &i->to);
    ts_put_u256(b, &i->value);
    ts_put_u64(b, i->gas);
    ts_put_u256(b, &i->gas_price);
    ts_put_u256(b, &i->max_fee);
    ts_put_u256(b, &i->max_priority);
    ts_put_bytes(b, i->data);
    ts_put_bytes(b, i->access_list);
    ts_put_u64(b, i->v);
    ts_put_u256(b, &i->r);
    ts_put_u256(b, &i->s);
    ts_put_u64(b, i->gas_used);
    ts_put_u256(b, &i->effective_gas_price);
    ts_put_list_end(b, mark);
}

static bool read_bool(struct ts_reader *r)
{
    uint64_t v = ts_read_uint(r, 1);
    if (v > 1)
        ts_reader_fail(r, TS_E_RANGE);
    return v == 1;
}

/* A legacy transaction has none, the others have at least the empty one. */
static ts_bytes read_access_list(struct ts_reader *r, uint64_t type)
{
    struct ts_access_list list;
    ts_bytes raw = ts_read_bytes(r, SIZE_MAX);
    if (r->err != TS_OK || (type == TS_TX_LEGACY && raw.n == 0))
        return raw;
    struct ts_reader inside = ts_reader_of(raw);
    ts_access_list_read(&inside, &list);
    ts_err err = type == TS_TX_LEGACY ? TS_E_LENGTH : ts_reader_done(&inside);
    if (err != TS_OK)
        ts_reader_fail(r, err);
    return raw;
}

void ts_tx_info_read(struct ts_reader *r, struct ts_tx_info *out)
{
    ts_read_list(r);
    ts_read_hash(r, &out->hash);
    out->type = ts_read_uint(r, 1);
    if (out->type > TS_TX_DYNAMIC_FEE)
        ts_reader_fail(r, TS_E_RANGE);
    out->has_chain_id = read_bool(r);
    out->chain_id = ts_read_u64(r);
    out->nonce = ts_read_u64(r);
    ts_read_address(r, &out->from);
    ts_read_address(r, &out->to);
    out->value = ts_read_u256(r);
    out->gas = ts_read_u64(r);
    out->gas_price = ts_read_u256(r);
    out->max_fee = ts_read_u256(r);
    out->max_priority = ts_read_u256(r);
    out->data = ts_read_bytes(r, SIZE_MAX);
    out->access_list = read_access_list(r, out->type);
    out->v = ts_read_u64(r);
    out->r = ts_read_u256(r);
    out->s = ts_read_u256(r);
    out->gas_used = ts_read_u64(r);
    out->effective_gas_price = ts_read_u256(r);
    ts_read_list_end(r);
}

void ts_tx_verdict_put(struct ts_buf *b, const struct ts_tx_verdict *v)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, (uint64_t)v->err);
    ts_put_bytes(b, ts_bytes_of(v->why, strnlen(v->why, sizeof(v->why))));
    ts_put_address(b, &v->sender);
    ts_put_u64(b, v->nonce);
    ts_put_u64(b, v->account_nonce);
    ts_put_u256(b, &v->cost);
    ts_put_u256(b, &v->balance);
    ts_put_list_end(b, mark);
}

static void read_sentence(struct ts_reader *r, char out[TS_WHY_SIZE])
{
    ts_bytes text = ts_read_bytes(r, TS_WHY_SIZE - 1);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < 0x20 || text.p[i] > 0x7e)
            ts_reader_fail(r, TS_E_RANGE);
    }
    memset(out, 0, TS_WHY_SIZE);
    if (text.n > 0)
        memcpy(out, text.p, text.n);
}

void ts_tx_verdict_read(struct ts_reader *r, struct ts_tx_verdict *out)
{
    ts_read_list(r);
    out->err = (ts_err)ts_read_uint(r, 2);
    read_sentence(r, out->why);
    ts_read_address(r, &out->sender);
    out->nonce = ts_read_u64(r);
    out->account_nonce = ts_read_u64(r);
    out->cost = ts_read_u256(r);
    out->balance = ts_read_u256(r);
    ts_read_list_end(r);
}
