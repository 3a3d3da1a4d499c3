/* SPDX-License-Identifier: Apache-2.0 */
/* The genesis as a JSON file (genesis_json_dep). Not in libtenseq, which has no JSON. */
#ifndef TS_CHAIN_GENESIS_JSON_H
#define TS_CHAIN_GENESIS_JSON_H

#include "tenseq/genesis.h"

/* Named fields, each required, none unknown; numbers as JSON integers or strings, alloc an object
 * of address and amount in wei. On failure *out is empty and why (at least 200 bytes) holds one
 * sentence that names the member or, for a syntax error, the line. */
ts_err ts_genesis_from_json(const char *text, size_t n, struct ts_genesis *out, char *why,
                            size_t why_size);
/* Fresh NUL-ended text that the caller frees; NULL: out of memory. */
char *ts_genesis_to_json(const struct ts_genesis *g);

#endif
