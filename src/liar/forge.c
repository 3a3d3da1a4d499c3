/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "chain/rollup.h"
#include "crypto/keccak.h"
#include "l1/contract.h"
#include "liar/liar.h"

#define WRONG_BY_MS 1

const struct liar_key *liar_key_of(const struct liar *l, const ts_address *id)
{
    for (size_t i = 0; i < l->n_keys; i++)
        if (ts_address_equal(&l->keys[i].id, id))
            return &l->keys[i];
    return NULL;
}

/* The seal over the forged header, as its enclave would have set it. */
static bool seal(const struct liar *l, struct ts_batch *b, const ts_hash *parent_root)
{
    const struct liar_key *key = liar_key_of(l, &b->header.producer);
    struct ts_batch_seal what;
    ts_hash digest;
    if (key == NULL)
        return false;
    ts_header_hash(&l->genesis->domain, &b->header, &what.batch_hash);
    ts_protocol_root(parent_root, b->raw_payload, &what.protocol_root);
    ts_seal_digest(&l->genesis->domain, &what, &digest);
    return ts_sign(l->crypto, &key->key, &digest, &b->seal) == TS_OK;
}

/* Of the first report the signature's last byte but one: it decodes, and is nobody's. */
static bool edit_payload(struct ts_batch *b)
{
    if (b->payload.n_reports == 0)
        return false;
    b->payload.reports[0].sig.b[60] ^= 1;
    return true;
}

bool liar_forge(const struct liar *l, const struct ts_batch *b, const ts_hash *parent_root,
                struct ts_buf *out)
{
    struct ts_batch lie = *b;
    bool good = true;
    switch (l->attack) {
    case LIAR_EQUIVOCATION:
        lie.header.time += WRONG_BY_MS;
        good = seal(l, &lie, parent_root);
        break;
    case LIAR_WHITELIST_MISMATCH:
        lie.header.l1_hash.b[0] ^= 1;
        good = seal(l, &lie, parent_root);
        break;
    case LIAR_PAYLOAD_EDITED:
        good = edit_payload(&lie);
        break;
    case LIAR_ROLLUP_MISMATCH:
        good = false; /* its batches are true */
        break;
    }
    if (good)
        ts_batch_put(out, &lie);
    return good && out->err == TS_OK;
}

bool liar_rollup(const struct liar *l, const struct ts_batch *b, const ts_hash *root,
                 const struct ts_batch_header *head, struct ts_buf *calldata)
{
    const struct liar_key *key = liar_key_of(l, &b->header.producer);
    const struct ts_rollup_batch lie = {.time = b->header.time + WRONG_BY_MS,
                                        .term = b->header.term,
                                        .producer = b->header.producer,
                                        .l1_number = b->header.l1_number,
                                        .txs = b->txs,
                                        .n_txs = b->n_txs};
    struct ts_rollup r = {.first_number = b->header.number,
                          .last_number = b->header.number,
                          .first_parent_hash = b->header.parent_hash,
                          .protocol_root = *root,
                          .l1_number = head->l1_number,
                          .l1_hash = head->l1_hash};
    struct ts_buf data;
    ts_hash digest;
    ts_buf_init(&data, 0);
    bool good =
        key != NULL && ts_rollup_encode(&lie, 1, ts_rollup_data_max(1), &data, NULL) == TS_OK;
    if (good) {
        ts_header_hash(&l->genesis->domain, &b->header, &r.last_hash);
        ts_keccak256(ts_buf_bytes(&data), &r.data_hash);
        ts_rollup_hash(&l->genesis->domain, &r, &digest);
        good = ts_sign(l->crypto, &key->key, &digest, &r.sig) == TS_OK;
    }
    if (good)
        ts_l1_put_publish(calldata, &r, ts_buf_bytes(&data));
    ts_buf_free(&data);
    return good && calldata->err == TS_OK;
}
