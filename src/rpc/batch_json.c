/* SPDX-License-Identifier: Apache-2.0 */
/* The three elements of a batch by name. */
#include "chain/batch.h"
#include "crypto/keccak.h"
#include "rpc/internal.h"

/* Appends a new item, which is stolen; false when it or list is NULL. */
static bool append(json_t *list, json_t *item)
{
    return json_array_append_new(list, item) == 0;
}

static json_t *txs_json(const struct ts_batch *b)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < b->n_txs; i++)
        ok = append(list, ts_json_bytes(b->txs[i]));
    return ts_json_if(ok, list);
}

static json_t *transitions_json(const struct ts_payload *p)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < p->n_transitions; i++)
        ok = append(list, ts_schema_to_json(&ts_lifecycle_event_type, &p->transitions[i]));
    return ts_json_if(ok, list);
}

static json_t *reports_json(const struct ts_payload *p)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < p->n_reports; i++)
        ok = append(list, ts_schema_to_json(&ts_restart_event_type, &p->reports[i]));
    return ts_json_if(ok, list);
}

static json_t *addresses_json(const ts_address *a, size_t n)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < n; i++)
        ok = append(list, ts_json_address(&a[i]));
    return ts_json_if(ok, list);
}

static bool add_whitelist_change(json_t *o, ts_bytes body)
{
    struct ts_whitelist_change c;
    struct ts_arena arena;
    ts_arena_init(&arena, 0);
    bool ok = true;
    if (ts_whitelist_change_decode(body, &arena, &c) == TS_OK)
        ok = ts_json_add(o, "l1Number", ts_json_u64(c.l1_number)) &&
             ts_json_add(o, "l1Hash", ts_json_hash(&c.l1_hash)) &&
             ts_json_add(o, "added", addresses_json(c.added, c.n_added)) &&
             ts_json_add(o, "removed", addresses_json(c.removed, c.n_removed));
    ts_arena_free(&arena);
    return ok;
}

static json_t *notice_json(const struct ts_notice *n)
{
    json_t *o = json_object();
    bool ok = ts_json_add(o, "type", ts_json_u64(n->type)) &&
              ts_json_add(o, "body", ts_json_bytes(n->body));
    if (ok && n->type == TS_NOTICE_WHITELIST)
        ok = add_whitelist_change(o, n->body);
    return ts_json_if(ok, o);
}

static json_t *payload_json(const struct ts_payload *p)
{
    json_t *o = json_object();
    json_t *notices = json_array();
    bool ok = notices != NULL;
    for (size_t i = 0; ok && i < p->n_notices; i++)
        ok = append(notices, notice_json(&p->notices[i]));
    ok = ts_json_add(o, "transitions", transitions_json(p)) && ok &&
         ts_json_add(o, "reports", reports_json(p)) &&
         ts_json_add(o, "absent", addresses_json(p->absent, p->n_absent)) &&
         ts_json_add(o, "notices", json_incref(notices));
    json_decref(notices);
    return ts_json_if(ok, o);
}

static json_t *hashes_json(const struct ts_batch *b)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < b->n_txs; i++) {
        ts_hash hash;
        ts_tx_hash(b->txs[i], &hash);
        ok = append(list, ts_json_hash(&hash));
    }
    return ts_json_if(ok, list);
}

json_t *ts_batch_json(const struct ts_batch *b, const ts_hash *hash)
{
    ts_hash payload_hash;
    ts_keccak256(b->raw_payload, &payload_hash);
    json_t *o = json_object();
    bool ok = ts_json_add(o, "number", ts_json_u64(b->header.number)) &&
              ts_json_add(o, "hash", ts_json_hash(hash)) &&
              ts_json_add(o, "header", ts_schema_to_json(&ts_batch_header_type, &b->header)) &&
              ts_json_add(o, "transactions", txs_json(b)) &&
              ts_json_add(o, "transactionHashes", hashes_json(b)) &&
              ts_json_add(o, "protocolPayload", payload_json(&b->payload)) &&
              ts_json_add(o, "payloadHash", ts_json_hash(&payload_hash)) &&
              ts_json_add(o, "seal", ts_json_bytes(ts_bytes_of(b->seal.b, sizeof(b->seal.b)))) &&
              ts_json_add(o, "raw", ts_json_bytes(b->raw));
    return ts_json_if(ok, o);
}

json_t *ts_transition_json(const struct ts_api *api, const struct ts_batch *batch, size_t i)
{
    ts_hash hash;
    const struct ts_lifecycle_event *e = &batch->payload.transitions[i];
    ts_transition_hash(&api->backend.genesis->domain, e, &hash);
    json_t *o = json_object();
    bool ok = ts_json_add(o, "batch", ts_json_u64(batch->header.number)) &&
              ts_json_add(o, "index", ts_json_u64(i)) &&
              ts_json_add(o, "hash", ts_json_hash(&hash)) &&
              ts_json_add(o, "event", ts_schema_to_json(&ts_lifecycle_event_type, e));
    return ts_json_if(ok, o);
}
