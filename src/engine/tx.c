/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/tx.h"

#include <inttypes.h>

#include "crypto/keccak.h"
#include "crypto/sign.h"

/* A reader that knows which field it is at, for the sentence. */
struct decoding {
    struct ts_reader r;
    const char *at;
};

static struct ts_reader *on(struct decoding *d, const char *field)
{
    if (d->r.err == TS_OK)
        d->at = field;
    return &d->r;
}

void ts_access_list_read(struct ts_reader *r, struct ts_access_list *out)
{
    const uint8_t *start = r->p;
    *out = (struct ts_access_list){.n_addresses = 0};
    ts_read_list(r);
    while (ts_read_more(r)) {
        ts_address address;
        ts_hash key;
        ts_read_list(r);
        ts_read_address(r, &address);
        out->n_addresses++;
        ts_read_list(r);
        for (; ts_read_more(r); out->n_keys++)
            ts_read_hash(r, &key);
        ts_read_list_end(r);
        ts_read_list_end(r);
    }
    ts_read_list_end(r);
    out->raw = ts_bytes_of(start, (size_t)(r->p - start));
}

static void read_recipient(struct ts_reader *r, struct ts_tx *tx)
{
    ts_bytes to = ts_read_bytes(r, sizeof(tx->to.b));
    tx->creates = to.n == 0;
    if (to.n == sizeof(tx->to.b))
        memcpy(tx->to.b, to.p, to.n);
    else if (to.n != 0)
        ts_reader_fail(r, TS_E_LENGTH);
}

/* The fields that the signature covers; the reader stands inside the list. */
static void read_signed_fields(struct decoding *d, struct ts_tx *tx)
{
    const uint8_t *start = d->r.p;
    if (tx->type != TS_TX_LEGACY)
        tx->chain_id = ts_read_u64(on(d, "chainId"));
    tx->nonce = ts_read_u64(on(d, "nonce"));
    if (tx->type == TS_TX_DYNAMIC_FEE) {
        tx->max_priority = ts_read_u256(on(d, "maxPriorityFeePerGas"));
        tx->max_fee = ts_read_u256(on(d, "maxFeePerGas"));
    } else {
        tx->max_fee = ts_read_u256(on(d, "gasPrice"));
        tx->max_priority = tx->max_fee;
    }
    tx->gas = ts_read_u64(on(d, "gasLimit"));
    read_recipient(on(d, "to"), tx);
    tx->value = ts_read_u256(on(d, "value"));
    tx->data = ts_read_bytes(on(d, "data"), SIZE_MAX);
    if (tx->type != TS_TX_LEGACY)
        ts_access_list_read(on(d, "accessList"), &tx->access);
    tx->signed_fields = ts_bytes_of(start, (size_t)(d->r.p - start));
}

/* Legacy v holds the chain id and the parity: 35 + 2 * chainId + parity (EIP-155). */
static ts_err take_legacy_v(struct ts_tx *tx, const ts_u256 *v, char *why)
{
    char text[79];
    tx->v = v->w[0];
    if ((v->w[1] | v->w[2] | v->w[3]) != 0)
        return ts_refuse(why, TS_E_TX_CHAIN_ID, "invalid chain id: v is %s, above 64 bits",
                         ts_u256_decimal(v, text));
    if (tx->v == 27 || tx->v == 28)
        return ts_refuse(why, TS_E_TX_CHAIN_ID,
                         "the transaction has no replay protection (v is %" PRIu64
                         "): sign it for this chain (EIP-155)",
                         tx->v);
    if (tx->v < 35)
        return ts_refuse(why, TS_E_TX_SIGNATURE,
                         "invalid signature: v is %" PRIu64 ", which no signature has", tx->v);
    tx->chain_id = (tx->v - 35) / 2;
    tx->y_parity = (uint8_t)((tx->v - 35) % 2);
    return TS_OK;
}

static ts_err take_v(struct ts_tx *tx, const ts_u256 *v, char *why)
{
    const ts_u256 one = ts_u256_of(1);
    char text[79];
    if (tx->type == TS_TX_LEGACY)
        return take_legacy_v(tx, v, why);
    if (ts_u256_compare(v, &one) > 0)
        return ts_refuse(why, TS_E_TX_SIGNATURE, "invalid signature: y parity is %s, not 0 or 1",
                         ts_u256_decimal(v, text));
    tx->v = v->w[0];
    tx->y_parity = (uint8_t)v->w[0];
    return TS_OK;
}

/* The list, from its header to its end. */
static ts_err decode_list(ts_bytes list, struct ts_tx *tx, char *why)
{
    struct decoding d = {.r = ts_reader_of(list)};
    ts_read_list(on(&d, "the list"));
    read_signed_fields(&d, tx);
    ts_u256 v = ts_read_u256(on(&d, tx->type == TS_TX_LEGACY ? "v" : "yParity"));
    tx->r = ts_read_u256(on(&d, "r"));
    tx->s = ts_read_u256(on(&d, "s"));
    ts_read_list_end(on(&d, "the list"));
    ts_err err = ts_reader_done(&d.r);
    if (err != TS_OK)
        return ts_refuse(why, TS_E_TX_FORM, "malformed transaction: %s: %s", d.at,
                         ts_err_text((int)err));
    return take_v(tx, &v, why);
}

static ts_err refuse_type(uint8_t type, char *why)
{
    if (type == 3)
        return ts_refuse(why, TS_E_TX_TYPE,
                         "blob transactions (EIP-4844, type 3) are not supported on this chain");
    if (type == 4)
        return ts_refuse(why, TS_E_TX_TYPE,
                         "transactions that set code (EIP-7702, type 4) are not supported on this "
                         "chain");
    return ts_refuse(why, TS_E_TX_TYPE,
                     "transaction type 0x%02x is not supported: use legacy, EIP-2930 or EIP-1559",
                     type);
}

/* The type by the first byte (EIP-2718); *list is what follows it. */
static ts_err take_type(ts_bytes raw, struct ts_tx *tx, ts_bytes *list, char *why)
{
    if (raw.n == 0)
        return ts_refuse(why, TS_E_TX_FORM, "malformed transaction: it is empty");
    uint8_t first = raw.p[0];
    if (first >= 0xc0) {
        tx->type = TS_TX_LEGACY;
        *list = raw;
        return TS_OK;
    }
    if (first >= 0x80)
        return ts_refuse(why, TS_E_TX_FORM,
                         "malformed transaction: first byte 0x%02x is neither a list nor a type",
                         first);
    if (first != TS_TX_ACCESS_LIST && first != TS_TX_DYNAMIC_FEE)
        return refuse_type(first, why);
    tx->type = (enum ts_tx_type)first;
    *list = ts_bytes_of(raw.p + 1, raw.n - 1);
    return TS_OK;
}

ts_err ts_tx_decode(ts_bytes raw, const struct ts_genesis *g, struct ts_tx *out,
                    char why[TS_WHY_SIZE])
{
    ts_bytes list = {0};
    *out = (struct ts_tx){.raw = raw};
    if (raw.n > g->params.max_tx_bytes)
        return ts_refuse(why, TS_E_TX_SIZE,
                         "oversized data: the transaction has %zu bytes, the limit is %" PRIu64,
                         raw.n, g->params.max_tx_bytes);
    ts_err err = take_type(raw, out, &list, why);
    if (err == TS_OK)
        err = decode_list(list, out, why);
    if (err != TS_OK)
        return err;
    if (out->chain_id != g->chain_id)
        return ts_refuse(why, TS_E_TX_CHAIN_ID,
                         "invalid chain id: the transaction is for chain %" PRIu64
                         ", this is chain %" PRIu64,
                         out->chain_id, g->chain_id);
    ts_keccak256(raw, &out->hash);
    return TS_OK;
}

/* An RLP number of at most nine bytes, and the two empty strings that EIP-155 puts behind it. */
static size_t put_chain_id(uint8_t out[11], uint64_t chain_id)
{
    uint8_t n = 0;
    for (uint64_t left = chain_id; left != 0; left >>= 8)
        n++;
    size_t at = 0;
    if (chain_id == 0 || chain_id >= 0x80)
        out[at++] = (uint8_t)(0x80 + n);
    for (; n > 0; n--)
        out[at++] = (uint8_t)(chain_id >> (8 * (n - 1)));
    out[at++] = 0x80;
    out[at++] = 0x80;
    return at;
}

void ts_tx_signing_hash(const struct ts_tx *tx, ts_hash *out)
{
    uint8_t type = (uint8_t)tx->type;
    uint8_t tail[11];
    uint8_t header[TS_RLP_HEADER_MAX];
    size_t n_tail = tx->type == TS_TX_LEGACY ? put_chain_id(tail, tx->chain_id) : 0;
    size_t n_header = ts_rlp_list_header(tx->signed_fields.n + n_tail, header);
    struct ts_keccak k;
    ts_keccak_init(&k);
    if (tx->type != TS_TX_LEGACY)
        ts_keccak_update(&k, &type, 1);
    ts_keccak_update(&k, header, n_header);
    ts_keccak_update(&k, tx->signed_fields.p, tx->signed_fields.n);
    ts_keccak_update(&k, tail, n_tail);
    ts_keccak_final(&k, out);
}

/* Half the order of secp256k1, rounded down: a higher s is the other form of the same signature. */
static const ts_u256 half_order = {
    .w = {0xdfe92f46681b20a0, 0x5d576e7357a4501d, 0xffffffffffffffff, 0x7fffffffffffffff}};

/* The scheme has refused the signature; says why in words. */
static ts_err refuse_signature(const struct ts_tx *tx, char *why)
{
    if (ts_u256_is_zero(&tx->r) || ts_u256_is_zero(&tx->s))
        return ts_refuse(why, TS_E_TX_SIGNATURE,
                         "invalid signature: r and s must not be zero; is the transaction signed?");
    if (ts_u256_compare(&tx->s, &half_order) > 0)
        return ts_refuse(why, TS_E_TX_SIGNATURE,
                         "invalid signature: s is above half the curve order (EIP-2)");
    return ts_refuse(why, TS_E_TX_SIGNATURE,
                     "invalid signature: no account can have made it (r, s or v is wrong)");
}

ts_err ts_tx_recover(const struct ts_tx *tx, const struct ts_crypto *crypto, ts_address *out,
                     char why[TS_WHY_SIZE])
{
    ts_hash digest;
    ts_sig sig;
    ts_tx_signing_hash(tx, &digest);
    ts_u256_to_be(&tx->r, sig.b);
    ts_u256_to_be(&tx->s, sig.b + 32);
    sig.b[64] = (uint8_t)(27 + tx->y_parity);
    if (ts_recover(crypto, &digest, &sig, out) != TS_OK)
        return refuse_signature(tx, why);
    return TS_OK;
}
