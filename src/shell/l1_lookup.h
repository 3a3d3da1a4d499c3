/* SPDX-License-Identifier: Apache-2.0 */
/* The stored header of the L1 block that a stored batch names, for shells that give batches to a
 * core. */
#ifndef TS_SHELL_L1_LOOKUP_H
#define TS_SHELL_L1_LOOKUP_H

#include "store/store.h"

/* Remembers the newest, since many batches in a row name one block. */
struct ts_l1_lookup {
    struct ts_store *store;
    ts_hash hash;
    struct ts_buf header; /* empty: nothing is remembered */
};

void ts_l1_lookup_init(struct ts_l1_lookup *l, struct ts_store *store);
void ts_l1_lookup_free(struct ts_l1_lookup *l);
/* *out: valid until the next call; empty when the batch names no block (zeros) or none is stored of
 * it. Errors: TS_E_NOMEM, those of a read, of a batch that does not decode; *out is empty then. */
ts_err ts_l1_lookup(struct ts_l1_lookup *l, ts_bytes raw_batch, ts_bytes *out);

#endif
