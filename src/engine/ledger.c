/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's table, its state at genesis, and the checks that need no state. */
#include "engine/ledger.h"

#include "base/check.h"

static struct ts_account alloc_at(const void *ctx, size_t i)
{
    const struct ts_genesis *g = ctx;
    return (struct ts_account){.address = g->alloc[i].address,
                               .balance = ts_u256_from_be(g->alloc[i].balance, 32)};
}

/* Adds up the allocations and makes sure that they are sorted. */
static ts_err check_alloc(const struct ts_genesis *g, ts_u256 *supply)
{
    ts_u256 sum = ts_u256_of(0);
    for (size_t i = 0; i < g->n_alloc; i++) {
        struct ts_account a = alloc_at(g, i);
        if (i > 0 && ts_address_compare(&g->alloc[i - 1].address, &a.address) >= 0)
            return TS_E_RANGE;
        if (!ts_u256_add(&sum, &a.balance, &sum))
            return TS_E_RANGE;
    }
    *supply = sum;
    return TS_OK;
}

static ts_err fill(struct ts_engine *e)
{
    const struct ts_genesis *g = e->genesis;
    const struct ts_account_list list = {.ctx = g, .n = g->n_alloc, .at = alloc_at};
    ts_err err = ts_accounts_reserve(&e->accounts, g->n_alloc);
    if (err == TS_OK)
        err = ts_state_root_next(&e->root, &list);
    for (size_t i = 0; i < g->n_alloc && err == TS_OK; i++) {
        struct ts_account a = alloc_at(g, i);
        if (!ts_account_is_empty(&a))
            *ts_accounts_add(&e->accounts, &a.address) = a;
    }
    return err;
}

ts_err ts_ledger_reset(struct ts_engine *e)
{
    TS_CHECK(e->stage == TS_LEDGER_IDLE);
    ts_accounts_free(&e->accounts);
    memset(&e->root, 0, sizeof(e->root));
    ts_err err = check_alloc(e->genesis, &e->supply);
    return err == TS_OK ? fill(e) : err;
}

static void ledger_close(struct ts_engine *e)
{
    if (e == NULL)
        return;
    ts_accounts_free(&e->accounts);
    ts_accounts_free(&e->touched);
    ts_map_free(&e->deferred);
    ts_sender_cache_free(&e->senders);
    free(e);
}

static ts_err ledger_open(const struct ts_genesis *g, const struct ts_crypto *crypto,
                          const uint64_t seed[2], struct ts_engine **out)
{
    struct ts_engine *e = calloc(1, sizeof(*e));
    if (e == NULL)
        return TS_E_NOMEM;
    e->genesis = g;
    e->crypto = crypto;
    ts_accounts_init(&e->accounts, seed);
    ts_accounts_init(&e->touched, seed);
    ts_map_init(&e->deferred, sizeof(ts_address), 0, seed);
    ts_err err = ts_sender_cache_init(&e->senders, seed);
    if (err == TS_OK)
        err = ts_ledger_reset(e);
    if (err != TS_OK) {
        ledger_close(e);
        return err;
    }
    *out = e;
    return TS_OK;
}

static void ledger_root(const struct ts_engine *e, ts_hash *out)
{
    *out = e->root;
}

struct ts_account ts_ledger_committed(const struct ts_engine *e, const ts_address *address)
{
    const struct ts_account *a = ts_accounts_find(&e->accounts, address);
    return a != NULL ? *a : (struct ts_account){.address = *address};
}

static ts_err find_sender(struct ts_engine *e, const struct ts_tx *tx, ts_address *out, char *why)
{
    if (ts_sender_cache_get(&e->senders, &tx->hash, out))
        return TS_OK;
    ts_err err = ts_tx_recover(tx, e->crypto, out, why);
    if (err == TS_OK)
        ts_sender_cache_put(&e->senders, &tx->hash, out);
    return err;
}

ts_err ts_ledger_admit(struct ts_engine *e, ts_bytes raw, struct ts_tx *tx, ts_address *sender,
                       bool *has_sender, char why[TS_WHY_SIZE])
{
    *has_sender = false;
    ts_err err = ts_tx_decode(raw, e->genesis, tx, why);
    if (err == TS_OK)
        err = find_sender(e, tx, sender, why);
    if (err != TS_OK)
        return err;
    *has_sender = true;
    return ts_tx_check_static(tx, e->genesis, why);
}

const struct ts_engine_ops ts_ledger_engine = {
    .name = "ledger",
    .open = ledger_open,
    .close = ledger_close,
    .root = ledger_root,
    .begin = ts_ledger_begin,
    .execute = ts_ledger_execute,
    .finish = ts_ledger_finish,
    .commit = ts_ledger_commit,
    .rollback = ts_ledger_rollback,
    .query = ts_ledger_query,
    .save = ts_ledger_save,
    .load = ts_ledger_load,
};
