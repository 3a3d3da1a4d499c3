/* SPDX-License-Identifier: Apache-2.0 */
/* Reading RLP lists into an arena. */
#ifndef TS_CHAIN_LISTS_H
#define TS_CHAIN_LISTS_H

#include "base/arena.h"
#include "codec/rlp.h"

/* Enters the list that comes next and makes room for its items, each of size bytes and zeroed; *n
 * is how many. The caller reads them and leaves the list. NULL when the reader has failed: with
 * TS_E_LIMIT for more than max items or more than the arena may hold, or TS_E_NOMEM; *n is 0 then.
 */
void *ts_list_open(struct ts_reader *r, struct ts_arena *arena, size_t max, size_t size, size_t *n);

/* A list of addresses, at most max. On failure *out is NULL and *n is 0. */
void ts_addresses_read(struct ts_reader *r, struct ts_arena *arena, size_t max, ts_address **out,
                       size_t *n);
void ts_addresses_put(struct ts_buf *b, const ts_address *a, size_t n);

/* Whether each address is above the one before it. */
bool ts_addresses_ascend(const ts_address *a, size_t n);

#endif
