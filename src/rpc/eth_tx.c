/* SPDX-License-Identifier: Apache-2.0 */
/* Methods about single transactions: sending, finding, receipts. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "engine/info.h"
#include "rpc/internal.h"

/* Above any genesis' bound: a longer one is told so by the enclave's rule, not as a bad parameter.
 */
#define MAX_RAW (4u * 1024 * 1024)

/* ---- sending --------------------------------------------------------------------------------- */

/* A refusal with its name as data, so that senders can tell what passes from what does not without
 * reading sentences. */
static void refuse_tx(struct ts_rpc_call *call, ts_err err, const char *text)
{
    json_t *data = json_object();
    if (!ts_json_add(data, "code", json_string(ts_err_name((int)err)))) {
        json_decref(data);
        data = NULL;
    }
    ts_rpc_error(call, TS_RPC_FAILED, text != NULL && text[0] != '\0' ? text : ts_err_text(err),
                 data);
}

static void on_sent(void *ctx, ts_err err, ts_bytes answer, const char *text)
{
    struct ts_rpc_call *call = ctx;
    char hex[TS_HASH_HEX_SIZE];
    if (err == TS_OK && answer.n != sizeof(ts_hash))
        err = TS_E_LENGTH;
    if (err != TS_OK)
        refuse_tx(call, err, text);
    else
        ts_rpc_result_string(call, ts_hex(answer.p, answer.n, hex));
}

static void eth_send_raw_transaction(void *ctx, struct ts_rpc_call *call)
{
    struct ts_api *api = ctx;
    ts_buf_reset(&api->scratch);
    if (!ts_rpc_param_bytes(call, 0, NULL, MAX_RAW, &api->scratch))
        return;
    uint64_t max = api->backend.genesis->params.max_tx_bytes;
    char why[96];
    snprintf(why, sizeof(why), "the transaction has %zu bytes; it must have 1 to %llu",
             api->scratch.n, (unsigned long long)max);
    if (api->scratch.n > max || api->scratch.n == 0)
        refuse_tx(call, TS_E_TX_SIZE, why);
    else
        api->backend.send_tx(api->backend.ctx, ts_buf_bytes(&api->scratch), on_sent, call);
}

/* ---- one transaction ------------------------------------------------------------------------- */

struct want {
    struct ts_rpc_call *call;
    bool is_pending;
    ts_hash tx;
    ts_hash batch;
    uint64_t number;
    uint64_t index;
};

/* What the enclave says of the bytes, checked to be about them. */
static ts_err read_info(const struct want *w, ts_bytes answer, struct ts_tx_info *info)
{
    struct ts_reader r = ts_reader_of(answer);
    ts_tx_info_read(&r, info);
    ts_err err = ts_reader_done(&r);
    return err == TS_OK && !ts_hash_equal(&info->hash, &w->tx) ? TS_E_CORRUPT : err;
}

static void on_tx(void *ctx, ts_err err, ts_bytes answer, const char *text)
{
    struct want w = *(struct want *)ctx;
    struct ts_tx_info info;
    free(ctx);
    if (err == TS_OK) {
        err = read_info(&w, answer, &info);
        text = "the enclave's answer is not about this transaction";
    }
    if (err != TS_OK) {
        ts_api_fail(w.call, err, text);
        return;
    }
    /* As geth: what it will pay at the most. */
    if (w.is_pending && info.type == 2)
        info.gas_price = info.max_fee;
    struct ts_tx_place place = {
        .hash = w.is_pending ? NULL : &w.batch, .number = w.number, .index = w.index};
    ts_rpc_result(w.call, ts_tx_json(&info, &place));
}

static void ask_tx(struct ts_api *api, const struct want *want, ts_bytes raw)
{
    struct want *w = malloc(sizeof(*w));
    if (w == NULL) {
        ts_rpc_result(want->call, NULL);
        return;
    }
    *w = *want;
    /* raw may stand in the program's memory, which a query may change. */
    ts_buf_reset(&api->scratch);
    ts_buf_put(&api->scratch, raw.p, raw.n);
    if (api->scratch.err != TS_OK)
        on_tx(w, api->scratch.err, TS_API_NO_BYTES, NULL);
    else
        api->backend.query(api->backend.ctx, TS_QUERY_TRANSACTION, ts_buf_bytes(&api->scratch),
                           on_tx, w);
}

struct pick {
    struct ts_api *api;
    struct want *want;
    bool found;
};

static void pick_tx(void *ctx, const struct ts_batch *batch)
{
    struct pick *p = ctx;
    p->found = p->want->index < batch->n_txs;
    if (!p->found)
        return;
    ts_bytes raw = batch->txs[p->want->index];
    ts_tx_hash(raw, &p->want->tx);
    ask_tx(p->api, p->want, raw);
}

/* Answers with transaction index of a batch; null when it has no such one. */
static void answer_tx_of(struct ts_api *api, struct ts_rpc_call *call, const struct ts_api_batch *b,
                         uint64_t index)
{
    struct want w = {.call = call, .batch = b->hash, .number = b->number, .index = index};
    struct pick p = {.api = api, .want = &w};
    ts_err err = ts_api_decode(b->raw, pick_tx, &p);
    if (err != TS_OK || !p.found)
        ts_api_answer_missing(call, err == TS_OK ? TS_E_NOT_FOUND : err);
}

/* Looked for first: it costs nothing, and wallets ask for pending ones again and again. */
static bool find_pending(struct ts_api *api, const ts_hash *hash, ts_bytes *raw)
{
    return api->backend.pending_tx != NULL && api->backend.pending_tx(api->backend.ctx, hash, raw);
}

static void eth_get_tx_by_hash(void *ctx, struct ts_rpc_call *call)
{
    struct ts_api *api = ctx;
    struct want w = {.call = call, .is_pending = true};
    struct ts_api_batch b;
    uint64_t number = 0;
    uint64_t index = 0;
    ts_bytes raw;
    if (!ts_rpc_param_hash(call, 0, NULL, &w.tx))
        return;
    if (find_pending(api, &w.tx, &raw)) {
        ask_tx(api, &w, raw);
        return;
    }
    ts_err err = ts_api_find_tx(api, &w.tx, &number, &index);
    if (err == TS_OK)
        err = ts_api_batch_by_number(api, number, &b);
    if (err == TS_OK)
        answer_tx_of(api, call, &b, index);
    else
        ts_api_answer_missing(call, err);
}

static void tx_by_place(struct ts_api *api, struct ts_rpc_call *call,
                        const struct ts_block_ref *ref)
{
    uint64_t index = 0;
    struct ts_api_batch b;
    if (!ts_rpc_param_quantity(call, 1, NULL, &index))
        return;
    ts_err err = ts_api_batch_by_ref(api, ref, &b);
    if (err == TS_OK)
        answer_tx_of(api, call, &b, index);
    else
        ts_api_answer_missing(call, err);
}

static void eth_get_tx_by_number(void *ctx, struct ts_rpc_call *call)
{
    struct ts_block_ref ref;
    if (ts_rpc_param_block(call, 0, NULL, &ref))
        tx_by_place(ctx, call, &ref);
}

static void eth_get_tx_by_block_hash(void *ctx, struct ts_rpc_call *call)
{
    struct ts_block_ref ref = {.kind = TS_BLOCK_HASH};
    if (ts_rpc_param_hash(call, 0, NULL, &ref.hash))
        tx_by_place(ctx, call, &ref);
}

/* ---- receipts -------------------------------------------------------------------------------- */

static void on_receipt(void *ctx, ts_err err, const struct ts_infos_batch *b, const char *why)
{
    struct want w = *(struct want *)ctx;
    free(ctx);
    if (err != TS_OK)
        ts_api_fail(w.call, err, why);
    else if (w.index >= b->batch.n_txs)
        ts_api_fail(w.call, TS_E_CORRUPT, NULL);
    else
        ts_rpc_result(w.call, ts_receipt_json(b, (size_t)w.index));
}

static void eth_get_receipt(void *ctx, struct ts_rpc_call *call)
{
    struct ts_api *api = ctx;
    struct want find = {.call = call};
    struct ts_api_batch b;
    ts_bytes raw;
    if (!ts_rpc_param_hash(call, 0, NULL, &find.tx))
        return;
    if (find_pending(api, &find.tx, &raw)) {
        ts_rpc_result(call, json_null());
        return;
    }
    ts_err err = ts_api_find_tx(api, &find.tx, &find.number, &find.index);
    if (err == TS_OK)
        err = ts_api_batch_by_number(api, find.number, &b);
    struct want *w = err == TS_OK ? malloc(sizeof(*w)) : NULL;
    if (err != TS_OK) {
        ts_api_answer_missing(call, err);
    } else if (w == NULL) {
        ts_rpc_result(call, NULL);
    } else {
        *w = find;
        ts_infos_get(api->infos, b.number, &b.hash, b.raw, on_receipt, w);
    }
}

const struct ts_rpc_method ts_eth_tx_methods[] = {
    {"eth_sendRawTransaction", TS_RPC_BY_POSITION, eth_send_raw_transaction, "transaction"},
    {"eth_getTransactionByHash", TS_RPC_BY_POSITION | TS_RPC_HEAVY, eth_get_tx_by_hash, "hash"},
    {"eth_getTransactionByBlockNumberAndIndex", TS_RPC_BY_POSITION | TS_RPC_HEAVY,
     eth_get_tx_by_number, "block index"},
    {"eth_getTransactionByBlockHashAndIndex", TS_RPC_BY_POSITION | TS_RPC_HEAVY,
     eth_get_tx_by_block_hash, "hash index"},
    {"eth_getTransactionReceipt", TS_RPC_BY_POSITION | TS_RPC_HEAVY, eth_get_receipt, "hash"},
};
const size_t ts_eth_n_tx_methods = TS_COUNT(ts_eth_tx_methods);
