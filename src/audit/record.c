/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/record.h"

#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "chain/lists.h"
#include "crypto/keccak.h"

static void put_body(struct ts_buf *b, const struct ts_record *r)
{
    switch (r->kind) {
    case TS_RECORD_CONFLICT:
        ts_put_hash(b, &r->own_hash);
        ts_put_hash(b, &r->own_root);
        ts_put_hash(b, &r->parent_root);
        ts_put_raw(b, r->batch);
        break;
    case TS_RECORD_WHITELIST:
        ts_put_hash(b, &r->parent_root);
        ts_put_raw(b, r->batch);
        ts_put_hash(b, &r->l1.hash);
        ts_put_bytes(b, r->l1.header);
        ts_addresses_put(b, r->l1.whitelist, r->l1.n_whitelist);
        ts_addresses_put(b, r->after, r->n_after);
        break;
    case TS_RECORD_PAYLOAD:
        ts_put_hash(b, &r->own_hash);
        ts_put_hash(b, &r->parent_root);
        ts_put_bytes(b, r->payload);
        break;
    case TS_RECORD_ROLLUP:
        ts_put_hash(b, &r->own_hash);
        ts_put_hash(b, &r->parent_root);
        ts_put_bytes(b, r->rollup);
        ts_put_bytes(b, r->data);
        break;
    case TS_RECORD_GRANT:
        ts_put_hash(b, &r->parent_root);
        ts_put_raw(b, r->header);
        ts_put_raw(b, r->payload);
        ts_put_sig(b, &r->seal);
        break;
    }
}

void ts_record_put(struct ts_buf *b, const struct ts_record *r)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, r->kind);
    ts_put_u64(b, r->number);
    put_body(b, r);
    ts_put_list_end(b, mark);
}

static void read_body(struct ts_reader *in, struct ts_arena *arena, struct ts_record *r)
{
    ts_address *list = NULL;
    switch (r->kind) {
    case TS_RECORD_CONFLICT:
        ts_read_hash(in, &r->own_hash);
        ts_read_hash(in, &r->own_root);
        ts_read_hash(in, &r->parent_root);
        r->batch = ts_read_raw(in);
        break;
    case TS_RECORD_WHITELIST:
        ts_read_hash(in, &r->parent_root);
        r->batch = ts_read_raw(in);
        ts_read_hash(in, &r->l1.hash);
        r->l1.header = ts_read_bytes(in, TS_MAX_L1_HEADER);
        ts_addresses_read(in, arena, TS_MAX_WHITELIST, &list, &r->l1.n_whitelist);
        r->l1.whitelist = list;
        ts_addresses_read(in, arena, TS_MAX_WHITELIST, &r->after, &r->n_after);
        break;
    case TS_RECORD_PAYLOAD:
        ts_read_hash(in, &r->own_hash);
        ts_read_hash(in, &r->parent_root);
        r->payload = ts_read_bytes(in, TS_MAX_BATCH_BYTES);
        break;
    case TS_RECORD_ROLLUP:
        ts_read_hash(in, &r->own_hash);
        ts_read_hash(in, &r->parent_root);
        r->rollup = ts_read_bytes(in, TS_MAX_BATCH_BYTES);
        r->data = ts_read_bytes(in, TS_MAX_BATCH_BYTES);
        break;
    case TS_RECORD_GRANT:
        ts_read_hash(in, &r->parent_root);
        r->header = ts_read_raw(in);
        r->payload = ts_read_raw(in);
        ts_read_sig(in, &r->seal);
        break;
    default:
        ts_reader_fail(in, TS_E_VERSION);
    }
}

ts_err ts_record_read(ts_bytes raw, struct ts_arena *arena, struct ts_record *out)
{
    struct ts_reader in = ts_reader_of(raw);
    memset(out, 0, sizeof(*out));
    ts_read_list(&in);
    out->kind = (enum ts_record_kind)ts_read_uint(&in, 1);
    out->number = ts_read_u64(&in);
    if (in.err == TS_OK)
        read_body(&in, arena, out);
    ts_read_list_end(&in);
    return ts_reader_done(&in);
}

void ts_record_grant_id(const ts_address *enclave, uint32_t nth, ts_hash *out)
{
    static const char name[] = "tenseq grant";
    struct ts_keccak k;
    ts_keccak_init(&k);
    ts_keccak_update(&k, name, sizeof(name) - 1);
    const uint8_t be[4] = {(uint8_t)(nth >> 24), (uint8_t)(nth >> 16), (uint8_t)(nth >> 8),
                           (uint8_t)nth};
    ts_keccak_update(&k, enclave->b, sizeof(enclave->b));
    if (nth > 1) /* as stores have the first */
        ts_keccak_update(&k, be, sizeof(be));
    ts_keccak_final(&k, out);
}

/* ---- evidence -------------------------------------------------------------------------------- */

ts_err ts_sealed_of(ts_bytes raw, size_t max, struct ts_arena *arena, const ts_hash *parent_root,
                    struct ts_sealed *out)
{
    struct ts_batch b;
    ts_err err = ts_batch_decode(raw, max, arena, &b);
    if (err == TS_OK)
        *out = (struct ts_sealed){.header = b.header,
                                  .parent_root = *parent_root,
                                  .payload = b.raw_payload,
                                  .seal = b.seal};
    return err;
}

ts_err ts_sealed_of_grant(const struct ts_record *r, struct ts_sealed *out)
{
    struct ts_reader in = ts_reader_of(r->header);
    *out =
        (struct ts_sealed){.parent_root = r->parent_root, .payload = r->payload, .seal = r->seal};
    ts_schema_read(&in, &ts_batch_header_type, &out->header);
    return ts_reader_done(&in);
}

static ts_err whitelist(const struct ts_record *r, size_t max, struct ts_arena *arena,
                        struct ts_evidence *out)
{
    out->kind = TS_F_WHITELIST_MISMATCH;
    out->l1_header = r->l1.header;
    ts_err err = ts_sealed_of(r->batch, max, arena, &r->parent_root, &out->batch);
    if (err == TS_OK && ts_hash_equal(&r->l1.hash, &out->batch.header.l1_hash)) {
        out->l1_list = r->l1.whitelist;
        out->n_l1_list = r->l1.n_whitelist;
    }
    return err;
}

static ts_err rollup(const struct ts_record *r, struct ts_evidence *out)
{
    struct ts_reader in = ts_reader_of(r->rollup);
    out->kind = TS_F_ROLLUP_MISMATCH;
    out->data = r->data;
    ts_schema_read(&in, &ts_rollup_type, &out->rollup);
    bool is_too_long =
        out->rollup.last_number - out->rollup.first_number >= TS_EVIDENCE_ROLLUP_BATCHES;
    out->has_data = r->data.n > 0 || (r->number == 0 && !is_too_long); /* they may be empty */
    return ts_reader_done(&in);
}

ts_err ts_record_evidence(const struct ts_record *r, ts_bytes own, const struct ts_genesis *genesis,
                          struct ts_arena *arena, struct ts_evidence *out)
{
    size_t max = (size_t)genesis->params.max_batch_bytes;
    ts_err err = TS_OK;
    memset(out, 0, sizeof(*out));
    out->genesis = genesis;
    out->has_batch = r->kind == TS_RECORD_WHITELIST || own.n > 0;
    if (own.n > 0)
        err = ts_sealed_of(own, max, arena, &r->parent_root, &out->batch);
    if (err != TS_OK)
        return err;
    switch (r->kind) {
    case TS_RECORD_CONFLICT:
        out->kind = TS_F_EQUIVOCATION;
        return ts_sealed_of(r->batch, max, arena, &r->parent_root, &out->other);
    case TS_RECORD_WHITELIST:
        return whitelist(r, max, arena, out);
    case TS_RECORD_PAYLOAD:
        out->kind = TS_F_PAYLOAD_EDITED;
        out->given = r->payload;
        return TS_OK;
    case TS_RECORD_ROLLUP:
        return rollup(r, out);
    case TS_RECORD_GRANT:
        break;
    }
    return TS_E_UNSUPPORTED;
}
