/* SPDX-License-Identifier: Apache-2.0 */
/* The genesis' parameters as a table, and its bounds. */
#ifndef TS_CHAIN_GENESIS_CHECK_H
#define TS_CHAIN_GENESIS_CHECK_H

#include "tenseq/genesis.h"

struct ts_param {
    const char *name; /* as in docs/protocol.md and in JSON */
    size_t offset;    /* of a uint64_t in struct ts_params */
    uint64_t min;
    uint64_t max;
    uint64_t initial;
};

/* In the order of the RLP form. */
#define TS_N_PARAMS 10
extern const struct ts_param ts_params_table[TS_N_PARAMS];

uint64_t *ts_param_at(struct ts_params *p, size_t index);
uint64_t ts_param_get(const struct ts_params *p, size_t index);

/* The bounds that hold for every genesis, whatever its form, but for the order of its lists.
 * TS_E_RANGE or TS_E_CONFLICT: *why (may be NULL) is a sentence that begins with the member's name.
 */
ts_err ts_genesis_check(const struct ts_genesis *g, const char **why);

#endif
