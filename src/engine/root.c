/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/root.h"

#include "codec/rlp.h"
#include "crypto/keccak.h"

/* Leaves [address, nonce, balance] in buf, and nothing else; an earlier failure stays. */
static void put_account(struct ts_buf *buf, const struct ts_account *a)
{
    buf->n = 0;
    size_t mark = ts_put_list(buf);
    ts_put_address(buf, &a->address);
    ts_put_u64(buf, a->nonce);
    ts_put_u256(buf, &a->balance);
    ts_put_list_end(buf, mark);
}

/* keccak256 of the RLP list. The header holds the length, so the items are made twice. */
static ts_err hash_list(const struct ts_account_list *list, struct ts_buf *buf, ts_hash *out)
{
    struct ts_keccak k;
    uint8_t header[TS_RLP_HEADER_MAX];
    size_t total = 0;
    for (size_t i = 0; i < list->n && buf->err == TS_OK; i++) {
        struct ts_account a = list->at(list->ctx, i);
        put_account(buf, &a);
        total += buf->n;
    }
    ts_keccak_init(&k);
    ts_keccak_update(&k, header, ts_rlp_list_header(total, header));
    for (size_t i = 0; i < list->n && buf->err == TS_OK; i++) {
        struct ts_account a = list->at(list->ctx, i);
        put_account(buf, &a);
        ts_keccak_update(&k, buf->p, buf->n);
    }
    if (buf->err == TS_OK)
        ts_keccak_final(&k, out);
    return buf->err;
}

ts_err ts_state_root_next(ts_hash *root, const struct ts_account_list *touched)
{
    struct ts_buf buf;
    ts_hash list;
    if (touched->n == 0)
        return TS_OK;
    ts_buf_init(&buf, 0);
    ts_err err = hash_list(touched, &buf, &list);
    ts_buf_free(&buf);
    if (err == TS_OK)
        ts_keccak256_pair(root, &list, root);
    return err;
}
