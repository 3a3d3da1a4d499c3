/* SPDX-License-Identifier: Apache-2.0 */
/* Stored L1 headers, for the disks of the test worlds. */
#ifndef TS_TESTS_L1_SHELF_H
#define TS_TESTS_L1_SHELF_H

#include "store/store.h"

struct l1_shelf {
    struct ts_store_op *kept; /* number, hash and data, owned */
    size_t n;
};

/* TS_OP_PUT_L1; no error if it is there already. */
void l1_shelf_put(struct l1_shelf *s, const struct ts_store_op *op);
/* Of the block that a raw batch names; empty: none is there. */
ts_bytes l1_shelf_of(const struct l1_shelf *s, ts_bytes raw_batch);
void l1_shelf_free(struct l1_shelf *s);

#endif
