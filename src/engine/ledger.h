/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the ledger engine: its state, and the parts that ts_ledger_engine's table points to. */
#ifndef TS_ENGINE_LEDGER_H
#define TS_ENGINE_LEDGER_H

#include "base/map.h"
#include "engine/accounts.h"
#include "engine/engine.h"
#include "engine/root.h"
#include "engine/rules.h"
#include "engine/sender_cache.h"
#include "engine/tx.h"

enum ts_ledger_stage {
    TS_LEDGER_IDLE,    /* between batches: touched is empty */
    TS_LEDGER_OPEN,    /* begun: transactions change touched alone */
    TS_LEDGER_FINISHED /* next_root is known, accounts has room for what is new */
};

struct ts_engine {
    const struct ts_genesis *genesis;
    const struct ts_crypto *crypto;
    struct ts_accounts accounts; /* the committed state: accounts that are not empty */
    ts_hash root;                /* of the committed state */
    ts_u256 supply;              /* what the genesis allocates: the sum of all balances, for ever */
    struct ts_sender_cache senders;

    enum ts_ledger_stage stage;
    struct ts_accounts touched; /* as they are after the batch so far */
    struct ts_map deferred;     /* senders of which a transaction found no room in this batch */
    uint64_t gas_left;          /* of the batch */
    ts_hash next_root;
};

/* The account in the committed state, empty when there is none. */
struct ts_account ts_ledger_committed(const struct ts_engine *e, const ts_address *address);

/* Decodes, finds the sender and checks all that needs no state, in the order: TS_E_TX_SIZE, _FORM,
 * _TYPE, _CHAIN_ID, _SIGNATURE, then the static rules. *sender is set when *has_sender. */
ts_err ts_ledger_admit(struct ts_engine *e, ts_bytes raw, struct ts_tx *tx, ts_address *sender,
                       bool *has_sender, char why[TS_WHY_SIZE]);

/* Puts the state of genesis in place of what is held. TS_E_NOMEM: no account is held, root zero.
 * TS_E_RANGE: allocations out of order or above 2^256 - 1 in all. */
ts_err ts_ledger_reset(struct ts_engine *e);

/* The table's calls, see engine.h. */
ts_err ts_ledger_begin(struct ts_engine *e, uint64_t number, ts_time time);
ts_err ts_ledger_execute(struct ts_engine *e, ts_bytes raw, struct ts_tx_result *out);
ts_err ts_ledger_finish(struct ts_engine *e, ts_hash *root);
void ts_ledger_commit(struct ts_engine *e);
void ts_ledger_rollback(struct ts_engine *e);
ts_err ts_ledger_query(struct ts_engine *e, enum ts_query_kind kind, ts_bytes arg,
                       struct ts_buf *out);
ts_err ts_ledger_save(const struct ts_engine *e, const struct ts_sink *to);
ts_err ts_ledger_load(struct ts_engine *e, const struct ts_source *from);

#endif
