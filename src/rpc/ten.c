/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/ten.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "rpc/internal.h"

/* ---- batches --------------------------------------------------------------------------------- */

struct made {
    const ts_hash *hash;
    json_t *json;
};

static void make_json(void *ctx, const struct ts_batch *batch)
{
    struct made *m = ctx;
    m->json = ts_batch_json(batch, m->hash);
}

/* The one parameter, {"number"}; as the first of an array it may also be a block in the words of
 * EIP-1898. False: the call was answered. */
static bool check_ref(struct ts_rpc_call *call)
{
    const json_t *params = ts_rpc_params(call);
    const json_t *first = json_is_array(params) ? json_array_get(params, 0) : NULL;
    bool is_block = json_object_get(first, "blockNumber") || json_object_get(first, "blockHash");
    return ts_rpc_param_count(call, 1) &&
           ts_rpc_param_known(call, is_block ? "blockNumber blockHash requireCanonical" : "number");
}

/* A batch reference: as Ethereum's, or a plain number. False: the call was answered. */
bool ts_ten_param_ref(struct ts_rpc_call *call, struct ts_block_ref *ref)
{
    if (!check_ref(call))
        return false;
    const json_t *v = ts_rpc_param(call, 0, "number");
    const char *text = json_string_value(v);
    bool is_plain = json_is_integer(v) ||
                    (text != NULL && text[0] != '\0' && text[strspn(text, "0123456789")] == '\0');
    if (!is_plain)
        return ts_rpc_param_block(call, 0, "number", ref);
    ref->kind = TS_BLOCK_NUMBER;
    return ts_rpc_param_u64(call, 0, "number", &ref->number);
}

static void ten_get_batch(void *ctx, struct ts_rpc_call *call)
{
    struct ts_api *api = ctx;
    struct ts_block_ref ref;
    struct ts_api_batch b;
    struct made m = {.hash = &b.hash};
    if (!ts_ten_param_ref(call, &ref))
        return;
    ts_err err = ts_api_batch_by_ref(api, &ref, &b);
    if (err == TS_OK)
        err = ts_api_decode(b.raw, make_json, &m);
    if (err != TS_OK)
        ts_api_answer_missing(call, err);
    else
        ts_rpc_result(call, m.json);
}

struct page {
    struct ts_api *api;
    json_t *list;
    uint64_t next; /* number that must come next */
    size_t bytes;
    ts_err err;
    bool has_enclave;
    ts_address enclave;
    size_t scanned;
};

static bool add_batch(void *ctx, const struct ts_store_batch *b)
{
    struct page *p = ctx;
    struct made m = {.hash = &b->hash};
    if (b->number != p->next || (p->bytes > 0 && p->bytes + b->raw.n > TS_TEN_MAX_BYTES))
        return false;
    p->next++;
    p->bytes += b->raw.n;
    p->err = ts_api_decode(b->raw, make_json, &m);
    if (p->err == TS_OK && json_array_append_new(p->list, m.json) != 0)
        p->err = TS_E_NOMEM;
    return p->err == TS_OK;
}

/* Batches from p->next to at most to, and the head. */
static ts_err read_page(struct page *p, uint64_t to, size_t max, ts_store_batch_fn fn)
{
    uint64_t head = ts_api_head(p->api)->number;
    if (to > head)
        to = head;
    if (p->next > to)
        return TS_OK;
    uint64_t count = to - p->next + 1 < max ? to - p->next + 1 : max;
    ts_err err = ts_store_committed(p->api->backend.store, p->next, count, fn, p);
    return err != TS_OK ? err : p->err;
}

static void ten_get_batches(void *ctx, struct ts_rpc_call *call)
{
    struct page p = {.api = ctx};
    uint64_t count = 0;
    if (!ts_rpc_param_u64(call, 0, "from", &p.next) || !ts_rpc_param_u64(call, 1, "count", &count))
        return;
    if (p.next == 0)
        p.next = 1; /* batch 0 is the genesis */
    if (count > TS_TEN_MAX_BATCHES)
        count = TS_TEN_MAX_BATCHES;
    p.list = json_array();
    ts_err err = count > 0 ? read_page(&p, UINT64_MAX - 1, (size_t)count, add_batch) : TS_OK;
    if (err == TS_OK) {
        ts_rpc_result(call, p.list);
        return;
    }
    json_decref(p.list);
    ts_api_answer_missing(call, err);
}

/* ---- lifecycle ------------------------------------------------------------------------------- */

static void add_transitions(void *ctx, const struct ts_batch *batch)
{
    struct page *p = ctx;
    for (size_t i = 0; i < batch->payload.n_transitions; i++) {
        const ts_address *id = &batch->payload.transitions[i].enclave_id;
        if (p->has_enclave && !ts_address_equal(id, &p->enclave))
            continue;
        if (json_array_append_new(p->list, ts_transition_json(p->api, batch, i)) != 0)
            p->err = TS_E_NOMEM;
    }
}

static bool scan_batch(void *ctx, const struct ts_store_batch *b)
{
    struct page *p = ctx;
    bool is_enough = json_array_size(p->list) >= TS_TEN_MAX_EVENTS ||
                     (p->bytes > 0 && p->bytes + b->raw.n > TS_TEN_WINDOW_BYTES);
    if (b->number != p->next || is_enough)
        return false;
    p->next++;
    p->bytes += b->raw.n;
    ts_err err = ts_api_decode(b->raw, add_transitions, p);
    if (err != TS_OK)
        p->err = err;
    return p->err == TS_OK;
}

static bool read_lifecycle_params(struct ts_rpc_call *call, struct page *p, uint64_t *to)
{
    p->next = 1;
    *to = UINT64_MAX - 1;
    p->has_enclave = ts_rpc_has(call, 0, "enclaveId");
    if (p->has_enclave && !ts_rpc_param_address(call, 0, "enclaveId", &p->enclave))
        return false;
    if (ts_rpc_has(call, 1, "from") && !ts_rpc_param_u64(call, 1, "from", &p->next))
        return false;
    if (ts_rpc_has(call, 2, "to") && !ts_rpc_param_u64(call, 2, "to", to))
        return false;
    if (p->next == 0)
        p->next = 1;
    return true;
}

static void ten_lifecycle(void *ctx, struct ts_rpc_call *call)
{
    struct page p = {.api = ctx};
    uint64_t to = 0;
    if (!read_lifecycle_params(call, &p, &to))
        return;
    p.list = json_array();
    uint64_t first = p.next;
    ts_err err = p.list == NULL ? TS_E_NOMEM : read_page(&p, to, TS_TEN_MAX_SCAN, scan_batch);
    if (err != TS_OK) {
        json_decref(p.list);
        ts_api_answer_missing(call, err);
        return;
    }
    uint64_t head = ts_api_head(p.api)->number;
    /* A batch that the store lacks would be asked for again and again. */
    bool more = p.next <= to && p.next <= head && p.next > first;
    json_t *o = json_object();
    bool ok = ts_json_add(o, "events", json_incref(p.list)) &&
              ts_json_add(o, "next", more ? ts_json_u64(p.next) : json_null());
    json_decref(p.list);
    ts_rpc_result(call, ts_json_if(ok, o));
}

/* ---- a transaction's fate -------------------------------------------------------------------- */

static json_t *included_json(uint64_t number, uint64_t index)
{
    json_t *o = json_object();
    bool ok = ts_json_add(o, "state", json_string("included")) &&
              ts_json_add(o, "batch", ts_json_u64(number)) &&
              ts_json_add(o, "index", ts_json_u64(index));
    return ts_json_if(ok, o);
}

static json_t *rejected_json(uint64_t number, ts_err code, ts_bytes why)
{
    json_t *o = json_object();
    json_t *reason =
        why.n > 0 ? json_stringn((const char *)why.p, why.n) : json_string(ts_err_text(code));
    bool ok = ts_json_add(o, "state", json_string("rejected")) &&
              ts_json_add(o, "reason", reason) &&
              ts_json_add(o, "code", json_string(ts_err_name((int)code)));
    if (ok && number != 0)
        ok = ts_json_add(o, "batch", ts_json_u64(number));
    return ts_json_if(ok, o);
}

static json_t *plain_state(const char *state)
{
    json_t *o = json_object();
    return ts_json_if(ts_json_add(o, "state", json_string(state)), o);
}

static void ten_transaction(void *ctx, struct ts_rpc_call *call)
{
    struct ts_api *api = ctx;
    ts_hash hash;
    uint64_t number = 0;
    uint64_t index = 0;
    ts_err code = TS_OK;
    ts_bytes raw;
    if (!ts_rpc_param_hash(call, 0, "hash", &hash))
        return;
    if (api->backend.pending_tx != NULL && api->backend.pending_tx(api->backend.ctx, &hash, &raw)) {
        ts_rpc_result(call, plain_state("pending"));
        return;
    }
    ts_err err = ts_api_find_tx(api, &hash, &number, &index);
    if (err == TS_OK) {
        ts_rpc_result(call, included_json(number, index));
        return;
    }
    ts_buf_reset(&api->scratch);
    if (err == TS_E_NOT_FOUND)
        err = ts_store_rejected(api->backend.store, &hash, &number, &code, &api->scratch);
    if (err == TS_OK)
        ts_rpc_result(call, rejected_json(number, code, ts_buf_bytes(&api->scratch)));
    else if (err == TS_E_NOT_FOUND)
        ts_rpc_result(call, plain_state("unknown"));
    else
        ts_api_answer_missing(call, err);
}

/* ---- health ---------------------------------------------------------------------------------- */

static json_t *head_json(const struct ts_head *h)
{
    json_t *o = json_object();
    bool ok = ts_json_add(o, "number", ts_json_u64(h->number)) &&
              ts_json_add(o, "hash", ts_json_hash(&h->hash)) &&
              ts_json_add(o, "time", ts_json_u64(h->time)) &&
              ts_json_add(o, "term", ts_json_u64(h->term));
    return ts_json_if(ok, o);
}

static void ten_health(void *ctx, struct ts_rpc_call *call)
{
    const struct ts_api *api = ctx;
    const struct ts_rpc_backend *b = &api->backend;
    json_t *more = b->health != NULL ? b->health(b->ctx) : NULL;
    json_t *o = json_object();
    bool ok = ts_json_add(o, "client", json_string(b->client)) &&
              ts_json_add(o, "chainId", ts_json_u64(b->genesis->chain_id)) &&
              ts_json_add(o, "genesis", ts_json_hash(&b->genesis->hash)) &&
              ts_json_add(o, "head", head_json(ts_api_head(api)));
    if (ok && more != NULL)
        ok = json_object_update(o, more) == 0;
    json_decref(more);
    ts_rpc_result(call, ts_json_if(ok, o));
}

/* ---- the genesis ----------------------------------------------------------------------------- */

/* "0x…" of any length; NULL: out of memory. */
static json_t *hex_json(const uint8_t *raw, size_t n)
{
    char *text = malloc(2 * n + 3);
    json_t *v = text != NULL ? json_string(ts_hex(raw, n, text)) : NULL;
    free(text);
    return v;
}

static void ten_genesis(void *ctx, struct ts_rpc_call *call)
{
    const struct ts_api *api = ctx;
    uint8_t *raw = NULL;
    size_t n = 0;
    ts_err err = ts_genesis_encode(api->backend.genesis, &raw, &n);
    if (err != TS_OK) {
        ts_api_answer_missing(call, err);
        return;
    }
    json_t *o = json_object();
    bool ok = ts_json_add(o, "hash", ts_json_hash(&api->backend.genesis->hash)) &&
              ts_json_add(o, "raw", hex_json(raw, n));
    free(raw);
    ts_rpc_result(call, ts_json_if(ok, o));
}

/* ---- subscriptions --------------------------------------------------------------------------- */

static void ten_subscribe(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    static const char *const topics[] = {"batches", "heads", "lifecycle", "findings"};
    const char *topic = NULL;
    if (!ts_rpc_param_string(call, 0, NULL, 64, &topic))
        return;
    for (size_t i = 0; i < TS_COUNT(topics); i++) {
        if (strcmp(topic, topics[i]) == 0) {
            ts_rpc_subscribe(call, topics[i], "ten_subscription");
            return;
        }
    }
    ts_rpc_fail(call, TS_RPC_INVALID_PARAMS,
                "parameter 1 must be \"batches\", \"heads\", \"lifecycle\" or \"findings\", not "
                "\"%.40s\"",
                topic);
}

static void ten_unsubscribe(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    ts_rpc_unsubscribe(call);
}

const struct ts_rpc_method ts_ten_methods[] = {
    {"ten_getBatch", TS_RPC_HEAVY, ten_get_batch, NULL},
    {"ten_getBatches", TS_RPC_HEAVY, ten_get_batches, "from count"},
    {"ten_registry", TS_RPC_HEAVY, ts_ten_registry, NULL},
    {"ten_lifecycle", TS_RPC_HEAVY, ten_lifecycle, "enclaveId from to"},
    {"ten_findings", TS_RPC_HEAVY, ts_ten_findings, "from severity"},
    {"ten_assessment", TS_RPC_HEAVY, ts_ten_assessment, ""},
    {"ten_evidence", TS_RPC_HEAVY, ts_ten_evidence, "id"},
    {"ten_timeline", TS_RPC_HEAVY, ts_ten_timeline, "from to points last"},
    {"ten_rollups", TS_RPC_HEAVY, ts_ten_rollups, "from count"},
    {"ten_finality", TS_RPC_HEAVY, ts_ten_finality, NULL},
    {"ten_transaction", 0, ten_transaction, "hash"},
    {"ten_genesis", 0, ten_genesis, ""},
    {"ten_health", 0, ten_health, ""},
    {"ten_subscribe", TS_RPC_WS_ONLY | TS_RPC_BY_POSITION, ten_subscribe, "topic"},
    {"ten_unsubscribe", TS_RPC_WS_ONLY | TS_RPC_BY_POSITION, ten_unsubscribe, "subscription"},
};
const size_t ts_ten_n_methods = TS_COUNT(ts_ten_methods);
