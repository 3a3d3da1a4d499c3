/* SPDX-License-Identifier: Apache-2.0 */
/* The state root of the ledger:
 *
 *     stateRoot(n) = keccak256(stateRoot(n-1) ‖ keccak256(RLP([[address, nonce, balance], …])))
 *
 * over the accounts that batch n touched, sorted by address, as they are after it; unchanged when
 * it touched none. It commits to the whole history of the state, not to one state. */
#ifndef TS_ENGINE_ROOT_H
#define TS_ENGINE_ROOT_H

#include "engine/accounts.h"

/* Accounts one after the other, sorted by address, at most one for each address. */
struct ts_account_list {
    const void *ctx;
    size_t n;
    struct ts_account (*at)(const void *ctx, size_t i); /* i < n; the same at every call */
};

/* The root after a batch that touched these; *root is the one before. Constant memory.
 * TS_E_NOMEM: unchanged. */
ts_err ts_state_root_next(ts_hash *root, const struct ts_account_list *touched);

#endif
