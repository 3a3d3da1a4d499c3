/* SPDX-License-Identifier: Apache-2.0 */
#include "tenseq/genesis.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/genesis_check.h"
#include "chain/lists.h"
#include "codec/eip712.h"
#include "codec/rlp.h"
#include "crypto/keccak.h"

void ts_genesis_free(struct ts_genesis *g)
{
    free(g->whitelist);
    free(g->alloc);
    *g = (struct ts_genesis){0};
}

static void put_alloc(struct ts_buf *b, const struct ts_genesis *g)
{
    size_t mark = ts_put_list(b);
    for (size_t i = 0; i < g->n_alloc; i++) {
        ts_u256 balance = ts_u256_from_be(g->alloc[i].balance, sizeof(g->alloc[i].balance));
        size_t inner = ts_put_list(b);
        ts_put_address(b, &g->alloc[i].address);
        ts_put_u256(b, &balance);
        ts_put_list_end(b, inner);
    }
    ts_put_list_end(b, mark);
}

static void put_genesis(struct ts_buf *b, const struct ts_genesis *g)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, TS_GENESIS_VERSION);
    ts_put_u64(b, g->l1_chain_id);
    ts_put_address(b, &g->contract);
    ts_put_u64(b, g->chain_id);
    ts_put_u64(b, g->time);
    ts_put_u64(b, g->l1_number);
    ts_put_hash(b, &g->l1_hash);
    ts_addresses_put(b, g->whitelist, g->n_whitelist);
    put_alloc(b, g);
    ts_put_address(b, &g->coinbase);
    for (size_t i = 0; i < TS_N_PARAMS; i++)
        ts_put_u64(b, ts_param_get(&g->params, i));
    ts_put_list_end(b, mark);
}

ts_err ts_genesis_encode(const struct ts_genesis *g, uint8_t **raw, size_t *n)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    put_genesis(&b, g);
    if (b.err != TS_OK) {
        ts_err err = b.err;
        ts_buf_free(&b);
        return err;
    }
    *raw = b.p;
    *n = b.n;
    return TS_OK;
}

static void fill_in(struct ts_genesis *g, ts_bytes raw)
{
    ts_keccak256(raw, &g->hash);
    ts_eip712_domain(g->l1_chain_id, &g->contract, &g->hash, &g->domain);
}

/* Enters a list and makes room for its items with malloc. NULL: the reader has failed. */
static void *open_list(struct ts_reader *r, size_t max, size_t size, size_t *n)
{
    ts_read_list(r);
    size_t count = ts_read_count(r);
    if (count > max)
        ts_reader_fail(r, TS_E_LIMIT);
    if (r->err != TS_OK)
        return NULL;
    void *items = calloc(count > 0 ? count : 1, size);
    if (items == NULL)
        ts_reader_fail(r, TS_E_NOMEM);
    else
        *n = count;
    return items;
}

static void read_alloc(struct ts_reader *r, struct ts_genesis *g)
{
    g->alloc = open_list(r, TS_MAX_ALLOC, sizeof(*g->alloc), &g->n_alloc);
    for (size_t i = 0; i < g->n_alloc; i++) {
        ts_read_list(r);
        ts_read_address(r, &g->alloc[i].address);
        ts_u256 balance = ts_read_u256(r);
        ts_u256_to_be(&balance, g->alloc[i].balance);
        ts_read_list_end(r);
    }
    ts_read_list_end(r);
}

static void read_genesis(struct ts_reader *r, struct ts_genesis *g)
{
    ts_read_list(r);
    if (ts_read_u64(r) != TS_GENESIS_VERSION)
        ts_reader_fail(r, TS_E_VERSION);
    g->l1_chain_id = ts_read_u64(r);
    ts_read_address(r, &g->contract);
    g->chain_id = ts_read_u64(r);
    g->time = ts_read_u64(r);
    g->l1_number = ts_read_u64(r);
    ts_read_hash(r, &g->l1_hash);
    g->whitelist = open_list(r, TS_MAX_WHITELIST, sizeof(*g->whitelist), &g->n_whitelist);
    for (size_t i = 0; i < g->n_whitelist; i++)
        ts_read_address(r, &g->whitelist[i]);
    ts_read_list_end(r);
    read_alloc(r, g);
    ts_read_address(r, &g->coinbase);
    for (size_t i = 0; i < TS_N_PARAMS; i++)
        *ts_param_at(&g->params, i) = ts_read_u64(r);
    ts_read_list_end(r);
}

/* The RLP form is canonical only with both lists strictly ascending. */
static bool is_sorted(const struct ts_genesis *g)
{
    for (size_t i = 1; i < g->n_alloc; i++) {
        if (ts_address_compare(&g->alloc[i - 1].address, &g->alloc[i].address) >= 0)
            return false;
    }
    return ts_addresses_ascend(g->whitelist, g->n_whitelist);
}

ts_err ts_genesis_decode(ts_bytes raw, struct ts_genesis *out)
{
    struct ts_genesis g = {0};
    struct ts_reader r = ts_reader_of(raw);
    read_genesis(&r, &g);
    ts_err err = ts_reader_done(&r);
    if (err == TS_OK && !is_sorted(&g))
        err = TS_E_NOT_CANONICAL;
    if (err == TS_OK)
        err = ts_genesis_check(&g, NULL);
    if (err != TS_OK) {
        ts_genesis_free(&g);
        *out = (struct ts_genesis){0};
        return err;
    }
    fill_in(&g, raw);
    *out = g;
    return TS_OK;
}

static int by_address(const void *a, const void *b)
{
    return ts_address_compare(a, b);
}

static int by_account(const void *a, const void *b)
{
    const struct ts_alloc *x = a;
    const struct ts_alloc *y = b;
    return ts_address_compare(&x->address, &y->address);
}

ts_err ts_genesis_finish(struct ts_genesis *g)
{
    uint8_t *raw;
    size_t n;
    if (g->n_whitelist > 1)
        qsort(g->whitelist, g->n_whitelist, sizeof(*g->whitelist), by_address);
    if (g->n_alloc > 1)
        qsort(g->alloc, g->n_alloc, sizeof(*g->alloc), by_account);
    ts_err err = ts_genesis_check(g, NULL);
    if (err == TS_OK)
        err = ts_genesis_encode(g, &raw, &n);
    if (err != TS_OK)
        return err;
    fill_in(g, ts_bytes_of(raw, n));
    free(raw);
    return TS_OK;
}
