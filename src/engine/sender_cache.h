/* SPDX-License-Identifier: Apache-2.0 */
/* Who signed the transactions seen last, so that one checked at admission is not recovered again
 * when it is executed. The key is the hash of a transaction's full bytes, signature included, so an
 * entry is right for ever. Bounded: 3.3 MiB. Only signatures that recovered are kept. */
#ifndef TS_ENGINE_SENDER_CACHE_H
#define TS_ENGINE_SENDER_CACHE_H

#include "tenseq/bytes.h"

#define TS_SENDER_CACHE_WAYS 4u
#define TS_SENDER_CACHE_SETS 16384u

struct ts_sender_entry {
    ts_hash tx; /* zero: free */
    ts_address sender;
};

struct ts_sender_cache {
    struct ts_sender_entry *entries; /* sets of TS_SENDER_CACHE_WAYS, newest first */
    uint64_t seed[2];                /* so that nobody can choose whose entries to push out */
};

/* TS_E_NOMEM: empty. */
ts_err ts_sender_cache_init(struct ts_sender_cache *c, const uint64_t seed[2]);
void ts_sender_cache_free(struct ts_sender_cache *c);
/* False: not known, *out is unchanged. */
bool ts_sender_cache_get(const struct ts_sender_cache *c, const ts_hash *tx, ts_address *out);
/* Remembers; drops the oldest of the set. */
void ts_sender_cache_put(struct ts_sender_cache *c, const ts_hash *tx, const ts_address *sender);

#endif
