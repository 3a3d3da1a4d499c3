/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/tx_sign.h"

static void put_signed_fields(struct ts_buf *b, const struct ts_tx *tx)
{
    static const uint8_t empty_list[1] = {0xc0};
    if (tx->type != TS_TX_LEGACY)
        ts_put_u64(b, tx->chain_id);
    ts_put_u64(b, tx->nonce);
    if (tx->type == TS_TX_DYNAMIC_FEE)
        ts_put_u256(b, &tx->max_priority);
    ts_put_u256(b, &tx->max_fee);
    ts_put_u64(b, tx->gas);
    ts_put_bytes(b, ts_bytes_of(tx->to.b, tx->creates ? 0 : sizeof(tx->to.b)));
    ts_put_u256(b, &tx->value);
    ts_put_bytes(b, tx->data);
    if (tx->type != TS_TX_LEGACY && tx->access.raw.n == 0)
        ts_put_raw(b, ts_bytes_of(empty_list, sizeof(empty_list)));
    else if (tx->type != TS_TX_LEGACY)
        ts_put_raw(b, tx->access.raw);
}

static void put_signed(struct ts_buf *b, const struct ts_tx *tx, ts_bytes fields, const ts_sig *sig)
{
    const ts_u256 r = ts_u256_from_be(sig->b, 32);
    const ts_u256 s = ts_u256_from_be(sig->b + 32, 32);
    uint64_t parity = sig->b[64] - 27u;
    if (tx->type != TS_TX_LEGACY)
        ts_buf_put_byte(b, (uint8_t)tx->type);
    size_t mark = ts_put_list(b);
    ts_put_raw(b, fields);
    ts_put_u64(b, tx->type == TS_TX_LEGACY ? 35 + 2 * tx->chain_id + parity : parity);
    ts_put_u256(b, &r);
    ts_put_u256(b, &s);
    ts_put_list_end(b, mark);
}

static ts_err sign_fields(const struct ts_crypto *c, const ts_secret *key, const struct ts_tx *tx,
                          ts_bytes fields, struct ts_buf *out)
{
    struct ts_tx signing = *tx;
    ts_hash digest;
    ts_sig sig;
    size_t start = out->n;
    signing.signed_fields = fields;
    ts_tx_signing_hash(&signing, &digest);
    ts_err err = ts_sign(c, key, &digest, &sig);
    if (err != TS_OK)
        return err;
    put_signed(out, tx, fields, &sig);
    err = out->err;
    if (err != TS_OK) {
        out->n = start;
        out->err = TS_OK;
    }
    return err;
}

ts_err ts_tx_sign(const struct ts_crypto *c, const ts_secret *key, const struct ts_tx *fields,
                  struct ts_buf *out)
{
    struct ts_buf signed_part;
    ts_buf_init(&signed_part, 0);
    put_signed_fields(&signed_part, fields);
    ts_err err = signed_part.err;
    if (err == TS_OK)
        err = sign_fields(c, key, fields, ts_buf_bytes(&signed_part), out);
    ts_buf_free(&signed_part);
    return err;
}
