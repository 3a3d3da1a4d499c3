/* SPDX-License-Identifier: Apache-2.0 */
#include "l1/tx.h"

#include "codec/rlp.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"

#define TYPE_DYNAMIC_FEE 2

static void put_fields(struct ts_buf *b, const struct ts_l1_tx *tx)
{
    ts_put_u64(b, tx->chain_id);
    ts_put_u64(b, tx->nonce);
    ts_put_u64(b, tx->max_priority);
    ts_put_u64(b, tx->max_fee);
    ts_put_u64(b, tx->gas);
    ts_put_bytes(b, ts_bytes_of(tx->to.b, tx->creates ? 0 : sizeof(tx->to.b)));
    ts_put_u256(b, &tx->value);
    ts_put_bytes(b, tx->data);
    ts_put_list_end(b, ts_put_list(b)); /* no access list */
}

/* type ‖ RLP [fields…, parity, r, s]; without sig as it is signed. */
static void put_tx(struct ts_buf *b, const struct ts_l1_tx *tx, const ts_sig *sig)
{
    ts_buf_put_byte(b, TYPE_DYNAMIC_FEE);
    const size_t mark = ts_put_list(b);
    put_fields(b, tx);
    if (sig) {
        const ts_u256 r = ts_u256_from_be(sig->b, 32);
        const ts_u256 s = ts_u256_from_be(sig->b + 32, 32);
        ts_put_u64(b, sig->b[64] - 27u);
        ts_put_u256(b, &r);
        ts_put_u256(b, &s);
    }
    ts_put_list_end(b, mark);
}

static ts_err sign_fields(const struct ts_crypto *c, const ts_secret *key,
                          const struct ts_l1_tx *tx, ts_sig *sig)
{
    struct ts_buf b;
    ts_hash digest;
    ts_buf_init(&b, 0);
    put_tx(&b, tx, NULL);
    ts_err err = b.err;
    if (err == TS_OK) {
        ts_keccak256(ts_buf_bytes(&b), &digest);
        err = ts_sign(c, key, &digest, sig);
    }
    ts_buf_free(&b);
    return err;
}

ts_err ts_l1_tx_sign(const struct ts_crypto *c, const ts_secret *key, const struct ts_l1_tx *tx,
                     struct ts_buf *out, ts_hash *hash)
{
    struct ts_buf b;
    ts_sig sig;
    ts_err err = sign_fields(c, key, tx, &sig);
    if (err != TS_OK)
        return err;
    ts_buf_init(&b, 0);
    put_tx(&b, tx, &sig);
    const size_t before = out->n;
    ts_buf_put(out, b.p, b.n);
    err = b.err != TS_OK ? b.err : out->err;
    if (err != TS_OK) {
        out->n = before;
        out->err = TS_OK;
    } else if (hash) {
        ts_keccak256(ts_buf_bytes(&b), hash);
    }
    ts_buf_free(&b);
    return err;
}

/* The last 20 bytes of keccak256(RLP [sender, nonce]). */
void ts_l1_created_address(const ts_address *sender, uint64_t nonce, ts_address *out)
{
    uint8_t rlp[1 + 21 + 9];
    size_t n = 0;
    size_t size = 0;
    ts_hash h;
    for (uint64_t left = nonce; left != 0; left >>= 8)
        size++;
    rlp[n++] = 0; /* the list's header, below */
    rlp[n++] = 0x80 + 20;
    memcpy(rlp + n, sender->b, 20);
    n += 20;
    if (nonce == 0 || nonce >= 0x80)
        rlp[n++] = (uint8_t)(0x80 + size);
    while (size > 0)
        rlp[n++] = (uint8_t)(nonce >> (8 * --size));
    rlp[0] = (uint8_t)(0xc0 + n - 1);
    ts_keccak256(ts_bytes_of(rlp, n), &h);
    memcpy(out->b, h.b + 12, 20);
}
