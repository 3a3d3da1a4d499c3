/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a batch. A transaction is decided before it changes anything, so one that is refused
 * leaves no trace; a batch changes its own set of accounts until it is committed. */
#include <inttypes.h>

#include "base/check.h"
#include "engine/ledger.h"

/* The account as the batch in progress has left it. */
static struct ts_account current(const struct ts_engine *e, const ts_address *address)
{
    const struct ts_account *a = ts_accounts_find(&e->touched, address);
    return a != NULL ? *a : ts_ledger_committed(e, address);
}

/* The same, to be changed. Room for it was reserved. */
static struct ts_account *touch(struct ts_engine *e, const ts_address *address)
{
    struct ts_account *a = ts_accounts_find(&e->touched, address);
    if (a != NULL)
        return a;
    a = ts_accounts_add(&e->touched, address);
    TS_CHECK(a != NULL);
    *a = ts_ledger_committed(e, address);
    return a;
}

ts_err ts_ledger_begin(struct ts_engine *e, uint64_t number, ts_time time)
{
    (void)number;
    (void)time;
    TS_CHECK(e->stage == TS_LEDGER_IDLE && e->touched.n == 0);
    ts_map_clear(&e->deferred);
    e->gas_left = e->genesis->params.batch_gas_limit;
    e->stage = TS_LEDGER_OPEN;
    return TS_OK;
}

/* A nonce gap behind a deferred transaction of the same sender is no verdict: it closes once that
 * one has found its batch. */
static ts_err check_nonce(const struct ts_engine *e, const struct ts_tx *tx,
                          const struct ts_account *sender, char *why)
{
    ts_err err = ts_tx_check_nonce(tx, sender->nonce, why);
    if (err != TS_E_TX_NONCE_GAP || ts_map_get(&e->deferred, &sender->address) == NULL)
        return err;
    return ts_refuse(why, TS_E_TX_DEFERRED,
                     "deferred: an earlier transaction of this sender found no room in this batch");
}

static ts_err check_room(const struct ts_engine *e, const struct ts_tx *tx, char *why)
{
    if (tx->gas <= e->gas_left)
        return TS_OK;
    return ts_refuse(why, TS_E_TX_DEFERRED,
                     "deferred: the gas limit is %" PRIu64 ", %" PRIu64 " is left in this batch",
                     tx->gas, e->gas_left);
}

static ts_err decide(struct ts_engine *e, ts_bytes raw, struct ts_tx *tx, ts_address *from,
                     char *why)
{
    bool has_sender;
    ts_err err = ts_ledger_admit(e, raw, tx, from, &has_sender, why);
    if (err != TS_OK)
        return err;
    struct ts_account sender = current(e, from);
    err = check_nonce(e, tx, &sender, why);
    if (err == TS_OK)
        err = check_room(e, tx, why);
    if (err == TS_OK)
        err = ts_tx_check_funds(tx, &sender.balance, why);
    return err;
}

/* Moves value and fee. Sender, recipient and coinbase may be one account or two: each step reads
 * what the one before left. No sum can be above the supply, which fits 256 bits. */
static uint64_t apply(struct ts_engine *e, const struct ts_tx *tx, const ts_address *from)
{
    uint64_t gas = ts_tx_intrinsic_gas(tx);
    ts_u256 fee = ts_tx_price(tx, e->genesis->params.base_fee);
    struct ts_account *sender = touch(e, from);
    struct ts_account *recipient = touch(e, &tx->to);
    struct ts_account *coinbase = touch(e, &e->genesis->coinbase);
    bool fits = ts_u256_mul64(&fee, gas, &fee);
    sender->nonce++;
    fits = fits && ts_u256_sub(&sender->balance, &tx->value, &sender->balance);
    fits = fits && ts_u256_sub(&sender->balance, &fee, &sender->balance);
    fits = fits && ts_u256_add(&recipient->balance, &tx->value, &recipient->balance);
    fits = fits && ts_u256_add(&coinbase->balance, &fee, &coinbase->balance);
    TS_CHECK(fits);
    e->gas_left -= gas;
    return gas;
}

ts_err ts_ledger_execute(struct ts_engine *e, ts_bytes raw, struct ts_tx_result *out)
{
    struct ts_tx tx;
    ts_address from;
    TS_CHECK(e->stage == TS_LEDGER_OPEN);
    if (ts_accounts_reserve(&e->touched, e->touched.n + 3) != TS_OK)
        return TS_E_NOMEM;
    struct ts_tx_result result = {.err = TS_OK};
    result.err = decide(e, raw, &tx, &from, result.why);
    if (result.err == TS_E_TX_DEFERRED && ts_map_put(&e->deferred, &from, NULL) == NULL)
        return TS_E_NOMEM;
    if (result.err == TS_OK)
        result.gas_used = apply(e, &tx, &from);
    *out = result;
    return TS_OK;
}

static int by_address(const void *a, const void *b)
{
    const struct ts_account *const *left = a;
    const struct ts_account *const *right = b;
    return ts_address_compare(&(*left)->address, &(*right)->address);
}

static struct ts_account pointed_at(const void *ctx, size_t i)
{
    const struct ts_account *const *sorted = ctx;
    return *sorted[i];
}

static ts_err root_after(const struct ts_engine *e, ts_hash *root)
{
    size_t n = e->touched.n;
    if (n == 0)
        return TS_OK;
    const struct ts_account **sorted = calloc(n, sizeof(*sorted));
    if (sorted == NULL)
        return TS_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        sorted[i] = ts_accounts_at(&e->touched, i);
    qsort(sorted, n, sizeof(*sorted), by_address);
    const struct ts_account_list list = {.ctx = sorted, .n = n, .at = pointed_at};
    ts_err err = ts_state_root_next(root, &list);
    free(sorted);
    return err;
}

ts_err ts_ledger_finish(struct ts_engine *e, ts_hash *root)
{
    TS_CHECK(e->stage == TS_LEDGER_OPEN);
    ts_hash next = e->root;
    size_t n_new = 0;
    ts_err err = root_after(e, &next);
    if (err != TS_OK)
        return err;
    for (size_t i = 0; i < e->touched.n; i++)
        n_new += ts_accounts_find(&e->accounts, &ts_accounts_at(&e->touched, i)->address) == NULL;
    err = ts_accounts_reserve(&e->accounts, e->accounts.n + n_new);
    if (err != TS_OK)
        return err;
    e->next_root = next;
    e->stage = TS_LEDGER_FINISHED;
    *root = next;
    return TS_OK;
}

static void end_batch(struct ts_engine *e)
{
    ts_accounts_clear(&e->touched);
    ts_map_clear(&e->deferred);
    e->stage = TS_LEDGER_IDLE;
}

/* New accounts are added in the order in which the batch touched them, which all parties share. */
void ts_ledger_commit(struct ts_engine *e)
{
    TS_CHECK(e->stage == TS_LEDGER_FINISHED);
    for (size_t i = 0; i < e->touched.n; i++) {
        const struct ts_account *from = ts_accounts_at(&e->touched, i);
        struct ts_account *to = ts_accounts_find(&e->accounts, &from->address);
        if (to == NULL && ts_account_is_empty(from))
            continue;
        if (to == NULL)
            to = ts_accounts_add(&e->accounts, &from->address);
        TS_CHECK(to != NULL);
        *to = *from;
    }
    e->root = e->next_root;
    end_batch(e);
}

void ts_ledger_rollback(struct ts_engine *e)
{
    TS_CHECK(e->stage != TS_LEDGER_IDLE);
    end_batch(e);
}
