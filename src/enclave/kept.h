/* SPDX-License-Identifier: Apache-2.0 */
/* The newest batches this boot sealed, so that one whose answer was lost is not lost. */
#ifndef TS_ENCLAVE_KEPT_H
#define TS_ENCLAVE_KEPT_H

#include "link/messages.h"

struct ts_kept_batch {
    uint64_t number;
    ts_hash parent;
    uint8_t *p; /* owned */
    size_t n;
};

struct ts_kept {
    struct ts_kept_batch batches[TS_MAX_OFFERS]; /* ascending */
    size_t n;
};

/* Keeps a batch in fresh memory, and at most max (1 to TS_MAX_OFFERS) in all: the oldest go. The
 * memory is taken over. */
void ts_kept_add(struct ts_kept *k, size_t max, struct ts_kept_batch batch);
/* The batch sealed on this parent, or NULL. */
const struct ts_kept_batch *ts_kept_find(const struct ts_kept *k, const ts_hash *parent);
/* Points out (room for TS_MAX_OFFERS) at the batches above a number, ascending, as many as take at
 * most max bytes. Returns how many. */
size_t ts_kept_above(const struct ts_kept *k, uint64_t above, size_t max, ts_bytes *out);
void ts_kept_free(struct ts_kept *k);

#endif
