/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static ts_err join_methods(struct ts_api *api, const struct ts_rpc_method *extra, size_t n_extra)
{
    const struct {
        const struct ts_rpc_method *methods;
        size_t n;
    } parts[] = {
        {ts_eth_methods, ts_eth_n_methods},
        {ts_eth_state_methods, ts_eth_n_state_methods},
        {ts_eth_block_methods, ts_eth_n_block_methods},
        {ts_eth_tx_methods, ts_eth_n_tx_methods},
        {ts_ten_methods, ts_ten_n_methods},
        {extra, n_extra},
    };
    size_t n = 0;
    for (size_t i = 0; i < TS_COUNT(parts); i++)
        n += parts[i].n;
    api->methods = calloc(n, sizeof(*api->methods));
    if (api->methods == NULL)
        return TS_E_NOMEM;
    for (size_t i = 0; i < TS_COUNT(parts); i++) {
        if (parts[i].n == 0)
            continue;
        memcpy(api->methods + api->n_methods, parts[i].methods, parts[i].n * sizeof(*api->methods));
        api->n_methods += parts[i].n;
    }
    return TS_OK;
}

struct ts_api *ts_api_new(const struct ts_rpc_backend *backend, const struct ts_rpc_method *extra,
                          size_t n_extra)
{
    struct ts_api *api = calloc(1, sizeof(*api));
    if (api == NULL)
        return NULL;
    api->backend = *backend;
    ts_buf_init(&api->raw, 0);
    ts_buf_init(&api->scratch, 0);
    api->infos = ts_infos_new(&api->backend);
    if (api->infos == NULL || join_methods(api, extra, n_extra) != TS_OK) {
        ts_api_free(api);
        return NULL;
    }
    return api;
}

void ts_api_free(struct ts_api *api)
{
    if (api == NULL)
        return;
    ts_folds_free(api);
    ts_infos_free(api->infos);
    ts_buf_free(&api->raw);
    ts_buf_free(&api->scratch);
    free(api->methods);
    free(api);
}

const struct ts_rpc_method *ts_api_methods(const struct ts_api *api, size_t *n)
{
    *n = api->n_methods;
    return api->methods;
}

void ts_api_put_methods(const struct ts_api *api, struct ts_buf *out)
{
    size_t column = 0;
    for (size_t i = 0; i < api->n_methods; i++) {
        size_t n = strlen(api->methods[i].name);
        bool is_last = i + 1 == api->n_methods;
        if (column == 0 || column + 1 + n + 1 > 78) {
            ts_buf_printf(out, "%s ", column == 0 ? "" : "\n");
            column = 1;
        }
        ts_buf_printf(out, " %s%s", api->methods[i].name, is_last ? "\n" : ",");
        column += n + 2;
    }
}

void ts_api_attach(struct ts_api *api, struct ts_rpc *rpc)
{
    api->rpc = rpc;
}

const struct ts_rpc_backend *ts_api_backend(const struct ts_api *api)
{
    return &api->backend;
}

void ts_api_fail(struct ts_rpc_call *call, ts_err err, const char *text)
{
    ts_rpc_error(call, TS_RPC_FAILED, text != NULL && text[0] != '\0' ? text : ts_err_text(err),
                 NULL);
}

void ts_api_answer_missing(struct ts_rpc_call *call, ts_err err)
{
    if (err == TS_E_NOT_FOUND)
        ts_rpc_result(call, json_null());
    else
        ts_rpc_fail(call, TS_RPC_FAILED, "the store cannot be read: %s", ts_err_text(err));
}

/* ---- batches --------------------------------------------------------------------------------- */

const struct ts_head *ts_api_head(const struct ts_api *api)
{
    return &api->backend.chain(api->backend.ctx)->head;
}

uint64_t ts_api_number_of(const struct ts_api *api, const struct ts_block_ref *ref)
{
    uint64_t head = ts_api_head(api)->number;
    switch (ref->kind) {
    case TS_BLOCK_EARLIEST:
        return 0;
    case TS_BLOCK_NUMBER:
        return ref->number;
    case TS_BLOCK_SAFE:
    case TS_BLOCK_FINALIZED: {
        if (api->backend.finality == NULL)
            return head;
        uint64_t n = api->backend.finality(api->backend.ctx, ref->kind);
        return n < head ? n : head;
    }
    case TS_BLOCK_LATEST:
    case TS_BLOCK_PENDING:
        break;
    case TS_BLOCK_HASH:
        TS_CHECK(!"a hash is no number");
    }
    return head;
}

struct copy {
    struct ts_api *api;
    struct ts_api_batch *out;
    ts_err err;
};

static bool copy_batch(void *ctx, const struct ts_store_batch *b)
{
    struct copy *c = ctx;
    if (b->status != TS_BATCH_COMMITTED || b->number > ts_api_head(c->api)->number)
        return false;
    ts_buf_reset(&c->api->raw);
    ts_buf_put(&c->api->raw, b->raw.p, b->raw.n);
    c->err = c->api->raw.err;
    *c->out = (struct ts_api_batch){
        .number = b->number, .hash = b->hash, .raw = ts_buf_bytes(&c->api->raw)};
    return false;
}

ts_err ts_api_batch_by_number(struct ts_api *api, uint64_t number, struct ts_api_batch *out)
{
    struct copy c = {.api = api, .out = out, .err = TS_E_NOT_FOUND};
    if (number == 0 || number > ts_api_head(api)->number)
        return TS_E_NOT_FOUND;
    ts_err err = ts_store_committed(api->backend.store, number, 1, copy_batch, &c);
    if (err == TS_OK && c.err == TS_OK && out->number != number)
        return TS_E_NOT_FOUND; /* the store begins above it */
    return err != TS_OK ? err : c.err;
}

ts_err ts_api_batch_by_hash(struct ts_api *api, const ts_hash *hash, struct ts_api_batch *out)
{
    struct copy c = {.api = api, .out = out, .err = TS_E_NOT_FOUND};
    ts_err err = ts_store_by_hash(api->backend.store, hash, copy_batch, &c);
    return err != TS_OK ? err : c.err;
}

ts_err ts_api_batch_by_ref(struct ts_api *api, const struct ts_block_ref *ref,
                           struct ts_api_batch *out)
{
    if (ref->kind == TS_BLOCK_HASH)
        return ts_api_batch_by_hash(api, &ref->hash, out);
    return ts_api_batch_by_number(api, ts_api_number_of(api, ref), out);
}

ts_err ts_api_find_tx(struct ts_api *api, const ts_hash *hash, uint64_t *number, uint64_t *index)
{
    uint64_t n = 0;
    uint64_t i = 0;
    ts_err err = ts_store_find_tx(api->backend.store, hash, &n, &i);
    if (err == TS_OK && n > ts_api_head(api)->number)
        err = TS_E_NOT_FOUND;
    if (err == TS_OK) {
        *number = n;
        *index = i;
    }
    return err;
}

ts_err ts_api_decode(ts_bytes raw, ts_decoded_fn fn, void *ctx)
{
    struct ts_batch batch;
    struct ts_arena arena;
    ts_arena_init(&arena, 0);
    ts_err err = ts_batch_decode(raw, TS_MAX_BATCH_BYTES, &arena, &batch);
    if (err == TS_OK)
        fn(ctx, &batch);
    ts_arena_free(&arena);
    return err;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

bool ts_json_add(json_t *obj, const char *key, json_t *value)
{
    return json_object_set_new_nocheck(obj, key, value) == 0;
}

json_t *ts_json_if(bool ok, json_t *obj)
{
    if (ok)
        return obj;
    json_decref(obj);
    return NULL;
}
