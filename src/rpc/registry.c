/* SPDX-License-Identifier: Apache-2.0 */
/* ten_registry: the newest from the program's chain, older ones by folding the stored batches from
 * the nearest stored snapshot below, or from genesis, a slice at a time. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "chain/snapshot.h"
#include "rpc/internal.h"
#include "rpc/ten.h"

#define SLICE 16u /* batches between two looks at the rest of the loop */

struct ts_fold {
    struct ts_fold *next; /* waits for this one */
    struct ts_api *api;
    struct ts_rpc_call *call;
    uint64_t to;
    struct ts_chain chain;
    bool has_chain;
    struct ts_effect *effect;
    struct ts_arena arena;
    ts_err err; /* of the batch being folded */
    size_t done_in_slice;
};

static void fold_free(struct ts_fold *f)
{
    if (f->has_chain)
        ts_chain_free(&f->chain);
    ts_effect_free(f->effect);
    ts_arena_free(&f->arena);
    free(f);
}

/* The stored snapshot, if it is not above to; else genesis. */
static ts_err start_chain(struct ts_fold *f)
{
    const struct ts_rpc_backend *b = &f->api->backend;
    struct ts_buf snapshot;
    ts_buf_init(&snapshot, 0);
    ts_err err = ts_store_meta(b->store, "chain", &snapshot);
    if (err == TS_OK) {
        struct ts_reader r = ts_reader_of(ts_buf_bytes(&snapshot));
        err = ts_chain_snapshot_read(&r, b->genesis, b->crypto, &f->chain);
        if (err == TS_OK && f->chain.head.number > f->to) {
            ts_chain_free(&f->chain);
            err = TS_E_NOT_FOUND;
        }
    }
    ts_buf_free(&snapshot);
    if (err == TS_E_NOT_FOUND)
        err = ts_chain_init(&f->chain, b->genesis, b->crypto, &b->genesis_state_root);
    f->has_chain = err == TS_OK;
    return err;
}

static bool fold_one(void *ctx, const struct ts_store_batch *b)
{
    struct ts_fold *f = ctx;
    struct ts_batch batch;
    if (b->number != f->chain.head.number + 1 || f->done_in_slice == SLICE)
        return false;
    ts_arena_reset(&f->arena);
    f->err = ts_batch_decode(b->raw, TS_MAX_BATCH_BYTES, &f->arena, &batch);
    if (f->err == TS_OK)
        f->err = ts_batch_check(&f->chain, &batch, NULL, f->effect, NULL);
    if (f->err == TS_OK)
        f->err = ts_chain_apply(&f->chain, f->effect);
    f->done_in_slice++;
    return f->err == TS_OK && f->chain.head.number < f->to;
}

/* One slice. True: the call was answered. */
static bool fold_some(struct ts_fold *f)
{
    uint64_t before = f->chain.head.number;
    f->done_in_slice = 0;
    ts_err err = TS_OK;
    if (before < f->to)
        err = ts_store_committed(f->api->backend.store, before + 1, SLICE, fold_one, f);
    if (err == TS_OK)
        err = f->err;
    if (err == TS_OK && before < f->to && f->chain.head.number == before)
        err = TS_E_NOT_FOUND;
    if (err == TS_OK && f->chain.head.number < f->to)
        return false;
    if (err == TS_OK)
        ts_rpc_result(f->call, ts_registry_json(&f->chain));
    else
        ts_rpc_fail(f->call, TS_RPC_FAILED, "batch %" PRIu64 " cannot be folded: %s",
                    f->chain.head.number + 1, ts_err_text(err));
    return true;
}

static void on_idle(uv_idle_t *idle)
{
    struct ts_api *api = idle->data;
    struct ts_fold *f = api->fold;
    if (f == NULL) {
        (void)uv_idle_stop(idle);
        return;
    }
    if (fold_some(f)) {
        api->fold = f->next;
        api->n_folds--;
        fold_free(f);
    }
}

static ts_err enqueue(struct ts_api *api, struct ts_fold *f)
{
    if (api->idle == NULL) {
        api->idle = calloc(1, sizeof(*api->idle));
        if (api->idle == NULL || uv_idle_init(api->backend.loop, api->idle) != 0) {
            free(api->idle);
            api->idle = NULL;
            return TS_E_NOMEM;
        }
        api->idle->data = api;
    }
    struct ts_fold **end = &api->fold;
    while (*end != NULL)
        end = &(*end)->next;
    *end = f;
    api->n_folds++;
    return uv_idle_start(api->idle, on_idle) == 0 ? TS_OK : TS_E_IO;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void ts_folds_free(struct ts_api *api)
{
    while (api->fold != NULL) {
        struct ts_fold *f = api->fold;
        api->fold = f->next;
        ts_api_fail(f->call, TS_E_CLOSED, "the program is ending");
        fold_free(f);
    }
    if (api->idle != NULL)
        uv_close((uv_handle_t *)api->idle, on_closed);
    api->idle = NULL;
}

static void fold_to(struct ts_api *api, struct ts_rpc_call *call, uint64_t to)
{
    struct ts_fold *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        ts_rpc_result(call, NULL);
        return;
    }
    *f = (struct ts_fold){.api = api, .call = call, .to = to, .effect = ts_effect_new()};
    ts_arena_init(&f->arena, 0);
    ts_err err = f->effect != NULL ? start_chain(f) : TS_E_NOMEM;
    if (err != TS_OK) {
        ts_api_fail(call, err, NULL);
        fold_free(f);
    } else if (to - f->chain.head.number > TS_TEN_MAX_FOLD) {
        ts_rpc_fail(call, TS_RPC_FAILED,
                    "batch %" PRIu64 " is %" PRIu64 " batches above the nearest snapshot, that of "
                    "batch %" PRIu64 ", and at most %u are folded for one answer",
                    to, to - f->chain.head.number, f->chain.head.number, TS_TEN_MAX_FOLD);
        fold_free(f);
    } else if (api->backend.loop == NULL) {
        while (!fold_some(f))
            ;
        fold_free(f);
    } else {
        err = enqueue(api, f);
        TS_CHECK(err == TS_OK || api->idle == NULL);
        if (err != TS_OK) {
            ts_api_fail(call, err, NULL);
            fold_free(f);
        }
    }
}

void ts_ten_registry(void *ctx, struct ts_rpc_call *call)
{
    struct ts_api *api = ctx;
    struct ts_block_ref ref;
    if (!ts_ten_param_ref(call, &ref))
        return;
    if (ref.kind == TS_BLOCK_HASH) {
        ts_rpc_fail(call, TS_RPC_INVALID_PARAMS, "parameter 1 must be a batch number or tag");
        return;
    }
    uint64_t head = ts_api_head(api)->number;
    uint64_t number = ts_api_number_of(api, &ref);
    if (number == head)
        ts_rpc_result(call, ts_registry_json(api->backend.chain(api->backend.ctx)));
    else if (number > head)
        ts_rpc_fail(call, TS_RPC_FAILED, "batch %" PRIu64 " is not there: the newest is %" PRIu64,
                    number, head);
    else if (api->n_folds >= TS_TEN_MAX_FOLDS)
        ts_rpc_fail(call, TS_RPC_TOO_MANY, "too many registries are being folded; try again");
    else
        fold_to(api, call, number);
}
