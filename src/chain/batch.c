/* SPDX-License-Identifier: Apache-2.0 */
/* The batch as RLP, and the hashes taken of its bytes. */
#include "chain/batch.h"

#include "chain/lists.h"
#include "crypto/keccak.h"

/* What was read since start. */
static ts_bytes span_from(const uint8_t *start, const struct ts_reader *r)
{
    return ts_bytes_of(start, (size_t)(r->p - start));
}

static void txs_read(struct ts_reader *r, struct ts_arena *arena, size_t max, struct ts_batch *out)
{
    out->txs = ts_list_open(r, arena, max, sizeof(*out->txs), &out->n_txs);
    for (size_t i = 0; i < out->n_txs; i++)
        out->txs[i] = ts_read_bytes(r, max);
    ts_read_list_end(r);
}

ts_err ts_batch_decode(ts_bytes raw, size_t max, struct ts_arena *arena, struct ts_batch *out)
{
    if (raw.n > max)
        return TS_E_LIMIT;
    struct ts_reader r = ts_reader_of(raw);
    *out = (struct ts_batch){.raw = raw};
    ts_read_list(&r);
    const uint8_t *start = r.p;
    ts_schema_read(&r, &ts_batch_header_type, &out->header);
    out->raw_header = span_from(start, &r);
    start = r.p;
    txs_read(&r, arena, max, out);
    out->raw_txs = span_from(start, &r);
    start = r.p;
    ts_payload_read(&r, arena, &out->payload);
    out->raw_payload = span_from(start, &r);
    ts_read_sig(&r, &out->seal);
    ts_read_list_end(&r);
    return ts_reader_done(&r);
}

ts_err ts_batch_l1(ts_bytes raw, uint64_t *number, ts_hash *hash)
{
    struct ts_reader r = ts_reader_of(raw);
    struct ts_batch_header h;
    ts_read_list(&r);
    ts_schema_read(&r, &ts_batch_header_type, &h);
    if (r.err != TS_OK)
        return r.err;
    *number = h.l1_number;
    *hash = h.l1_hash;
    return TS_OK;
}

void ts_txs_put(struct ts_buf *b, const ts_bytes *txs, size_t n)
{
    size_t mark = ts_put_list(b);
    for (size_t i = 0; i < n; i++)
        ts_put_bytes(b, txs[i]);
    ts_put_list_end(b, mark);
}

void ts_batch_put(struct ts_buf *b, const struct ts_batch *batch)
{
    size_t mark = ts_put_list(b);
    ts_schema_put(b, &ts_batch_header_type, &batch->header);
    ts_txs_put(b, batch->txs, batch->n_txs);
    ts_payload_put(b, &batch->payload);
    ts_put_sig(b, &batch->seal);
    ts_put_list_end(b, mark);
}

void ts_tx_root(const struct ts_batch *batch, ts_hash *out)
{
    uint8_t header[TS_RLP_HEADER_MAX];
    struct ts_keccak k;
    size_t body = 0;
    for (size_t i = 0; i < batch->n_txs; i++)
        body += ts_rlp_bytes_header(batch->txs[i], header) + batch->txs[i].n;
    /* Hashed piece by piece: the list's bytes need not exist in one place, nor memory for them. */
    ts_keccak_init(&k);
    ts_keccak_update(&k, header, ts_rlp_list_header(body, header));
    for (size_t i = 0; i < batch->n_txs; i++) {
        ts_keccak_update(&k, header, ts_rlp_bytes_header(batch->txs[i], header));
        ts_keccak_update(&k, batch->txs[i].p, batch->txs[i].n);
    }
    ts_keccak_final(&k, out);
}

void ts_protocol_root(const ts_hash *parent_root, ts_bytes raw_payload, ts_hash *out)
{
    ts_hash payload_hash;
    ts_keccak256(raw_payload, &payload_hash);
    ts_keccak256_pair(parent_root, &payload_hash, out);
}

void ts_tx_hash(ts_bytes tx, ts_hash *out)
{
    ts_keccak256(tx, out);
}
