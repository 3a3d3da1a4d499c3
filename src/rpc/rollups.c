/* SPDX-License-Identifier: Apache-2.0 */
/* ten_rollups and ten_finality: what is kept of rollups, and what that says of a batch.
 *
 *     soft       in no rollup that was found to hold it
 *     published  in one, in an L1 block that is confirmed
 *     final      in one, in an L1 block that L1 itself calls final */
#include <string.h>

#include "base/check.h"
#include "chain/rollup.h"
#include "chain/rollup_record.h"
#include "rpc/internal.h"

#define MAX_ROLLUPS 256 /* in one answer */

struct rollups {
    struct ts_api *api;
    json_t *list;
    uint64_t l1_final;
    ts_err err;
};

static const char *finality_of(const struct ts_rollup_record *r, uint64_t l1_final)
{
    if (r->verdict != TS_ROLLUP_EQUAL)
        return "soft";
    return r->l1_block <= l1_final ? "final" : "published";
}

static json_t *signer_json(const struct ts_api *api, const struct ts_rollup *r)
{
    const struct ts_rpc_backend *b = &api->backend;
    ts_address signer;
    bool known = ts_rollup_signer(b->crypto, &b->genesis->domain, r, &signer) == TS_OK;
    return known ? ts_json_address(&signer) : json_null();
}

static json_t *rollup_json(const struct rollups *c, const struct ts_rollup_record *r)
{
    const struct ts_rollup *x = &r->rollup;
    char sig[2 * sizeof(x->sig.b) + 3];
    json_t *o = json_object();
    bool ok =
        ts_json_add(o, "firstNumber", ts_json_u64(x->first_number)) &&
        ts_json_add(o, "lastNumber", ts_json_u64(x->last_number)) &&
        ts_json_add(o, "firstParentHash", ts_json_hash(&x->first_parent_hash)) &&
        ts_json_add(o, "lastHash", ts_json_hash(&x->last_hash)) &&
        ts_json_add(o, "protocolRoot", ts_json_hash(&x->protocol_root)) &&
        ts_json_add(o, "l1Number", ts_json_u64(x->l1_number)) &&
        ts_json_add(o, "l1Hash", ts_json_hash(&x->l1_hash)) &&
        ts_json_add(o, "dataHash", ts_json_hash(&x->data_hash)) &&
        ts_json_add(o, "signature", json_string(ts_hex(x->sig.b, sizeof(x->sig.b), sig))) &&
        ts_json_add(o, "signer", signer_json(c->api, x)) &&
        ts_json_add(o, "l1Block", ts_json_u64(r->l1_block)) &&
        ts_json_add(o, "l1Transaction", ts_json_hash(&r->l1_tx)) &&
        ts_json_add(o, "bytes", ts_json_u64(r->bytes)) &&
        ts_json_add(o, "finality", json_string(finality_of(r, c->l1_final))) &&
        ts_json_add(o, "wrong", r->verdict == TS_ROLLUP_EQUAL ? json_null() : json_string(r->text));
    return ts_json_if(ok, o);
}

static bool add_rollup(void *ctx, uint64_t first, uint64_t last, ts_bytes data)
{
    struct rollups *c = ctx;
    struct ts_rollup_record r;
    (void)first;
    (void)last;
    c->err = ts_rollup_record_read(data, &r);
    if (c->err == TS_OK && json_array_append_new(c->list, rollup_json(c, &r)) != 0)
        c->err = TS_E_NOMEM;
    return c->err == TS_OK;
}

/* False: the call was answered. */
static bool follows(const struct ts_api *api, struct ts_rpc_call *call, uint64_t *l1_final)
{
    if (api->backend.rollups != NULL && api->backend.rollups(api->backend.ctx, l1_final))
        return true;
    ts_api_fail(call, TS_E_UNSUPPORTED, "only a node that follows L1 follows rollups: ask one");
    return false;
}

void ts_ten_rollups(void *ctx, struct ts_rpc_call *call)
{
    struct rollups c = {.api = ctx};
    uint64_t from = 0, count = MAX_ROLLUPS;
    if (!follows(c.api, call, &c.l1_final))
        return;
    if (ts_rpc_has(call, 0, "from") && !ts_rpc_param_u64(call, 0, "from", &from))
        return;
    if (ts_rpc_has(call, 1, "count") && !ts_rpc_param_u64(call, 1, "count", &count))
        return;
    c.list = json_array();
    if (count > 0)
        c.err = ts_store_rollups(c.api->backend.store, from,
                                 count < MAX_ROLLUPS ? count : MAX_ROLLUPS, add_rollup, &c);
    if (c.err == TS_OK) {
        ts_rpc_result(call, c.list);
        return;
    }
    json_decref(c.list);
    ts_api_answer_missing(call, c.err);
}

/* ---- finality -------------------------------------------------------------------------------- */

struct looked {
    uint64_t number, l1_final;
    const char *finality;
};

static bool look(void *ctx, uint64_t first, uint64_t last, ts_bytes data)
{
    struct looked *l = ctx;
    struct ts_rollup_record r;
    (void)last;
    if (first <= l->number && ts_rollup_record_read(data, &r) == TS_OK)
        l->finality = finality_of(&r, l->l1_final);
    return false; /* the first that ends there or later is the only one that can hold it */
}

void ts_ten_finality(void *ctx, struct ts_rpc_call *call)
{
    struct ts_api *api = ctx;
    struct ts_block_ref ref;
    struct ts_api_batch b;
    struct looked l = {.finality = "soft"};
    if (!ts_ten_param_ref(call, &ref) || !follows(api, call, &l.l1_final))
        return;
    ts_err err = ts_api_batch_by_ref(api, &ref, &b);
    if (err == TS_OK) {
        l.number = b.number;
        err = ts_store_rollups(api->backend.store, b.number, 1, look, &l);
    }
    if (err != TS_OK)
        ts_api_answer_missing(call, err);
    else
        ts_rpc_result(call, json_string(l.finality));
}
