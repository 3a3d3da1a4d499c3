/* SPDX-License-Identifier: Apache-2.0 */
/* Types, genesis, batches, notices, snapshots of the chain. */
#include "examples.h"

#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "chain/genesis_check.h"
#include "chain/snapshot.h"
#include "codec/eip712.h"
#include "crypto/keccak.h"

static json_t *type_of(const struct ts_type *type)
{
    struct ts_buf b;
    ts_hash hash;
    json_t *out = json_object();
    json_t *fields = json_array();
    TS_CHECK(out != NULL && fields != NULL);
    ts_buf_init(&b, 0);
    ts_schema_type_string(&b, type);
    doc_add(out, "string", json_stringn((const char *)b.p, b.n));
    ts_keccak256(ts_buf_bytes(&b), &hash);
    TS_CHECK(type->type_hash != NULL && ts_hash_equal(&hash, type->type_hash));
    doc_add_hash(out, "hash", &hash);
    for (size_t i = 0; i < type->n_fields; i++)
        json_array_append_new(
            fields, json_pack("[s,s]", type->fields[i].name, ts_kind_name(type->fields[i].kind)));
    doc_add(out, "fields", fields);
    doc_add(out, "signed", json_boolean(type->is_signed));
    ts_buf_free(&b);
    return out;
}

void doc_types(json_t *to)
{
    static const struct ts_type *const types[] = {&ts_batch_header_type, &ts_batch_seal_type,
                                                  &ts_lifecycle_event_type, &ts_restart_event_type,
                                                  &ts_rollup_type};
    json_t *out = json_object();
    TS_CHECK(out != NULL);
    for (size_t i = 0; i < TS_COUNT(types); i++)
        doc_add(out, types[i]->name, type_of(types[i]));
    doc_add(to, "types", out);
}

static void add_genesis(json_t *to, const struct ts_genesis *g)
{
    uint8_t *raw;
    size_t n;
    TS_CHECK(ts_genesis_encode(g, &raw, &n) == TS_OK);
    doc_add_hex(to, "genesis", raw, n);
    free(raw);
    doc_add_hash(to, "genesis.hash", &g->hash);
    doc_add_hash(to, "genesis.separator", &g->domain.separator);
}

/* Every hash that batch 3 takes part in. */
static void add_batch(json_t *to, const struct doc_net *d)
{
    struct ts_chain before;
    struct ts_batch *b;
    struct ts_batch_seal seal;
    ts_hash hash;
    const struct ts_domain *domain = &d->net->genesis.domain;
    ts_bytes raw = tn_raw(d->net, 3);
    tn_fold(d->net, 2, &before);
    TS_CHECK(ts_batch_parse(raw, TS_MAX_BATCH_BYTES, &b) == TS_OK);
    doc_add_hex(to, "batch", raw.p, raw.n);
    ts_tx_root(b, &hash);
    doc_add_hash(to, "batch.txRoot", &hash);
    ts_header_hash(domain, &b->header, &seal.batch_hash);
    doc_add_hash(to, "batch.hash", &seal.batch_hash);
    ts_keccak256(b->raw_payload, &hash);
    doc_add_hash(to, "batch.payloadHash", &hash);
    doc_add_hash(to, "batch.parentRoot", &before.head.protocol_root);
    ts_protocol_root(&before.head.protocol_root, b->raw_payload, &seal.protocol_root);
    doc_add_hash(to, "batch.protocolRoot", &seal.protocol_root);
    ts_seal_digest(domain, &seal, &hash);
    doc_add_hash(to, "batch.sealDigest", &hash);
    ts_transition_hash(domain, &b->payload.transitions[0], &hash);
    doc_add_hash(to, "batch.transitionHash", &hash);
    ts_report_hash(domain, &b->payload.reports[0], &hash);
    doc_add_hash(to, "batch.reportHash", &hash);
    doc_add_hex(to, "batch.payload", b->raw_payload.p, b->raw_payload.n);
    doc_add_hex(to, "batch.txs", b->raw_txs.p, b->raw_txs.n);
    doc_add_hex(to, "tx", b->txs[0].p, b->txs[0].n);
    ts_batch_free(b);
    ts_chain_free(&before);
}

static void add_notice(json_t *to, const struct doc_net *d)
{
    struct ts_buf b;
    ts_address added[1] = {{{0xe3}}};
    struct ts_whitelist_change c = {.l1_number = 17,
                                    .l1_hash = d->net->genesis.hash,
                                    .added = added,
                                    .n_added = 1,
                                    .removed = &d->net->enclaves[0].id,
                                    .n_removed = 1};
    ts_buf_init(&b, 0);
    ts_whitelist_change_put(&b, &c);
    doc_add_buf(to, "notice", &b);
    ts_buf_free(&b);
}

static void add_snapshot(json_t *to, const struct doc_net *d)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_chain_snapshot_put(&b, &d->net->chain);
    doc_add_buf(to, "snapshot", &b);
    ts_buf_free(&b);
}

static json_t *params(void)
{
    json_t *out = json_array();
    TS_CHECK(out != NULL);
    for (size_t i = 0; i < TS_N_PARAMS; i++) {
        const struct ts_param *p = &ts_params_table[i];
        char low[24];
        char high[24];
        char initial[24];
        snprintf(low, sizeof(low), "%llu", (unsigned long long)p->min);
        snprintf(high, sizeof(high), "%llu", (unsigned long long)p->max);
        snprintf(initial, sizeof(initial), "%llu", (unsigned long long)p->initial);
        json_array_append_new(out, json_pack("[s,s,s,s]", p->name, low, high, initial));
    }
    return out;
}

void doc_chain(json_t *to, const struct doc_net *d)
{
    add_genesis(to, &d->net->genesis);
    doc_add(to, "params", params());
    for (size_t i = 0; i < 2; i++)
        doc_add_hex(to, i == 0 ? "enclave0" : "enclave1", tn_id(d->net, i)->b, 20);
    doc_add_hex(to, "account", d->account.b, 20);
    add_batch(to, d);
    add_notice(to, d);
    add_snapshot(to, d);
}
