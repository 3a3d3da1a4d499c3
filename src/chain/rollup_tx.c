/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/rollup_tx.h"

#include <string.h>

#include "codec/rlp.h"

/* r and s are random, so shorter ones are nobody's signature: with them a column could be much
 * longer than the transactions it is made of. */
#define SHORTEST 28u

static void take_number(struct ts_reader *r, uint8_t out[32])
{
    ts_bytes v = ts_read_bytes(r, 32);
    if (v.n < SHORTEST) {
        ts_reader_fail(r, TS_E_RANGE);
        return;
    }
    memset(out, 0, 32);
    memcpy(out + 32 - v.n, v.p, v.n);
}

static void take_recipient(struct ts_reader *r, struct ts_rollup_tx *tx)
{
    ts_bytes to = ts_read_bytes(r, sizeof(tx->to.b));
    tx->creates = to.n == 0;
    if (to.n == sizeof(tx->to.b))
        memcpy(tx->to.b, to.p, to.n);
    else if (to.n != 0)
        ts_reader_fail(r, TS_E_LENGTH);
}

static void take_access_list(struct ts_reader *r, struct ts_rollup_tx *tx)
{
    ts_read_list(r);
    const uint8_t *start = r->p;
    while (ts_read_more(r))
        (void)ts_read_raw(r);
    tx->access = ts_bytes_of(start, (size_t)(r->p - start));
    ts_read_list_end(r);
}

/* Legacy v holds the chain id and the parity: 35 + 2 * chainId + parity (EIP-155). */
static void take_v(struct ts_reader *r, struct ts_rollup_tx *tx)
{
    uint64_t v = ts_read_u64(r);
    if (tx->kind == TS_KIND_LEGACY) {
        if (v < 35)
            ts_reader_fail(r, TS_E_RANGE);
        tx->chain_id = (v - 35) / 2;
        v = (v - 35) % 2;
    }
    if (v > 1)
        ts_reader_fail(r, TS_E_RANGE);
    tx->parity = (uint8_t)(v & 1);
}

static ts_err read_list(ts_bytes list, struct ts_rollup_tx *tx)
{
    struct ts_reader r = ts_reader_of(list);
    ts_read_list(&r);
    if (tx->kind != TS_KIND_LEGACY)
        tx->chain_id = ts_read_u64(&r);
    tx->nonce = ts_read_u64(&r);
    if (tx->kind == TS_KIND_DYNAMIC_FEE)
        tx->tip = ts_read_bytes(&r, 32);
    tx->fee = ts_read_bytes(&r, 32);
    tx->gas = ts_read_u64(&r);
    take_recipient(&r, tx);
    tx->value = ts_read_bytes(&r, 32);
    tx->data = ts_read_bytes(&r, SIZE_MAX);
    if (tx->kind != TS_KIND_LEGACY)
        take_access_list(&r, tx);
    take_v(&r, tx);
    take_number(&r, tx->signature);
    take_number(&r, tx->signature + 32);
    ts_read_list_end(&r);
    return ts_reader_done(&r);
}

bool ts_rollup_tx_split(ts_bytes raw, struct ts_buf *scratch, struct ts_rollup_tx *out)
{
    *out = (struct ts_rollup_tx){.kind = TS_KIND_RAW};
    if (raw.n < 2)
        return false;
    struct ts_rollup_tx tx = {.kind = TS_KIND_LEGACY};
    ts_bytes list = raw;
    if (raw.p[0] == TS_KIND_ACCESS_LIST || raw.p[0] == TS_KIND_DYNAMIC_FEE) {
        tx.kind = (enum ts_rollup_kind)raw.p[0];
        list = ts_bytes_of(raw.p + 1, raw.n - 1);
    }
    if (read_list(list, &tx) != TS_OK || tx.chain_id > TS_ROLLUP_CHAIN_MAX)
        return false;
    /* Whatever else the bytes may be, they count as a transaction only if they come out again. */
    ts_buf_reset(scratch);
    ts_rollup_tx_join(&tx, scratch);
    if (!ts_bytes_equal(raw, ts_buf_bytes(scratch)))
        return false;
    *out = tx;
    return true;
}

static void put_number(struct ts_buf *b, const uint8_t v[32])
{
    size_t zeros = 0;
    while (zeros < 32 && v[zeros] == 0)
        zeros++;
    ts_put_bytes(b, ts_bytes_of(v + zeros, 32 - zeros));
}

void ts_rollup_tx_join(const struct ts_rollup_tx *tx, struct ts_buf *out)
{
    bool legacy = tx->kind == TS_KIND_LEGACY;
    if (!legacy)
        ts_buf_put_byte(out, (uint8_t)tx->kind);
    size_t mark = ts_put_list(out);
    if (!legacy)
        ts_put_u64(out, tx->chain_id);
    ts_put_u64(out, tx->nonce);
    if (tx->kind == TS_KIND_DYNAMIC_FEE)
        ts_put_bytes(out, tx->tip);
    ts_put_bytes(out, tx->fee);
    ts_put_u64(out, tx->gas);
    ts_put_bytes(out, ts_bytes_of(tx->to.b, tx->creates ? 0 : sizeof(tx->to.b)));
    ts_put_bytes(out, tx->value);
    ts_put_bytes(out, tx->data);
    if (!legacy) {
        size_t access = ts_put_list(out);
        ts_buf_put(out, tx->access.p, tx->access.n);
        ts_put_list_end(out, access);
    }
    ts_put_u64(out, legacy ? 35 + 2 * tx->chain_id + tx->parity : tx->parity);
    put_number(out, tx->signature);
    put_number(out, tx->signature + 32);
    ts_put_list_end(out, mark);
}
