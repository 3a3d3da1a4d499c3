/* SPDX-License-Identifier: Apache-2.0 */
/* Telling subscribers of new heads, in their order. */
#include <stdlib.h>

#include "base/check.h"
#include "rpc/internal.h"

/* A head whose gas is not known yet; those behind it wait. */
struct ts_head_note {
    struct ts_head_note *next;
    struct ts_api *api;
    json_t *json; /* NULL until it can be told */
    bool is_ready;
};

static void flush(struct ts_api *api)
{
    while (api->notes != NULL && api->notes->is_ready) {
        struct ts_head_note *n = api->notes;
        api->notes = n->next;
        api->n_notes--;
        if (n->json != NULL && api->rpc != NULL)
            ts_rpc_publish(api->rpc, "newHeads", n->json);
        json_decref(n->json);
        free(n);
    }
}

static void on_gas(void *ctx, ts_err err, const struct ts_infos_batch *b, const char *why)
{
    (void)why;
    struct ts_head_note *n = ctx;
    if (err == TS_OK)
        (void)json_object_set_new(n->json, "gasUsed", ts_json_quantity(b->gas_used));
    n->is_ready = true;
    flush(n->api);
}

struct head {
    struct ts_api *api;
    uint64_t number;
    const ts_hash *hash;
};

static void tell_head(struct ts_api *api, const struct ts_batch *batch, const struct head *h)
{
    struct ts_head_note *n = calloc(1, sizeof(*n));
    json_t *json = ts_block_json(api, batch, h->hash, false, 0);
    if (n == NULL || json == NULL || api->n_notes >= TS_HEADS_MAX_WAITING) {
        /* Subscribers see a gap in the numbers, which they have to bear anyway. */
        free(n);
        json_decref(json);
        return;
    }
    *n = (struct ts_head_note){.api = api, .json = json};
    struct ts_head_note **end = &api->notes;
    while (*end != NULL)
        end = &(*end)->next;
    *end = n;
    api->n_notes++;
    ts_infos_get(api->infos, h->number, h->hash, batch->raw, on_gas, n);
}

/* A batch in a few words, however much is in it. */
static json_t *head_line_json(const struct ts_batch *b, const ts_hash *hash)
{
    json_t *o = json_object(), *absent = json_array();
    bool ok = absent != NULL;
    for (size_t i = 0; ok && i < b->payload.n_absent; i++)
        ok = json_array_append_new(absent, ts_json_address(&b->payload.absent[i])) == 0;
    ok = ts_json_add(o, "number", ts_json_u64(b->header.number)) && ok &&
         ts_json_add(o, "hash", ts_json_hash(hash)) &&
         ts_json_add(o, "time", ts_json_u64(b->header.time)) &&
         ts_json_add(o, "term", ts_json_u64(b->header.term)) &&
         ts_json_add(o, "producer", ts_json_address(&b->header.producer)) &&
         ts_json_add(o, "transactions", ts_json_u64(b->n_txs)) &&
         ts_json_add(o, "transitions", ts_json_u64(b->payload.n_transitions)) &&
         ts_json_add(o, "absent", json_incref(absent));
    json_decref(absent);
    return ts_json_if(ok, o);
}

static void tell(void *ctx, const struct ts_batch *batch)
{
    const struct head *h = ctx;
    struct ts_rpc *rpc = h->api->rpc;
    if (ts_rpc_subscribers(rpc, "batches") > 0) {
        json_t *json = ts_batch_json(batch, h->hash);
        if (json != NULL)
            ts_rpc_publish(rpc, "batches", json);
        json_decref(json);
    }
    if (ts_rpc_subscribers(rpc, "heads") > 0) {
        json_t *json = head_line_json(batch, h->hash);
        if (json != NULL)
            ts_rpc_publish(rpc, "heads", json);
        json_decref(json);
    }
    for (size_t i = 0; i < batch->payload.n_transitions && ts_rpc_subscribers(rpc, "lifecycle") > 0;
         i++) {
        json_t *json = ts_transition_json(h->api, batch, i);
        if (json != NULL)
            ts_rpc_publish(rpc, "lifecycle", json);
        json_decref(json);
    }
    if (ts_rpc_subscribers(rpc, "newHeads") > 0)
        tell_head(h->api, batch, h);
}

void ts_api_new_head(struct ts_api *api, uint64_t number, const ts_hash *hash, ts_bytes raw)
{
    struct head h = {.api = api, .number = number, .hash = hash};
    if (api->rpc == NULL || (ts_rpc_subscribers(api->rpc, "newHeads") == 0 &&
                             ts_rpc_subscribers(api->rpc, "batches") == 0 &&
                             ts_rpc_subscribers(api->rpc, "heads") == 0 &&
                             ts_rpc_subscribers(api->rpc, "lifecycle") == 0))
        return;
    (void)ts_api_decode(raw, tell, &h); /* the program checked it before */
}
