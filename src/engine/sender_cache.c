/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sender_cache.h"

#include "base/siphash.h"

ts_err ts_sender_cache_init(struct ts_sender_cache *c, const uint64_t seed[2])
{
    *c = (struct ts_sender_cache){.seed = {seed[0], seed[1]}};
    c->entries = calloc(TS_SENDER_CACHE_SETS * TS_SENDER_CACHE_WAYS, sizeof(*c->entries));
    return c->entries != NULL ? TS_OK : TS_E_NOMEM;
}

void ts_sender_cache_free(struct ts_sender_cache *c)
{
    free(c->entries);
    c->entries = NULL;
}

static struct ts_sender_entry *set_of(const struct ts_sender_cache *c, const ts_hash *tx)
{
    size_t set = ts_siphash13(c->seed, tx->b, sizeof(tx->b)) % TS_SENDER_CACHE_SETS;
    return c->entries + set * TS_SENDER_CACHE_WAYS;
}

bool ts_sender_cache_get(const struct ts_sender_cache *c, const ts_hash *tx, ts_address *out)
{
    const struct ts_sender_entry *set = set_of(c, tx);
    for (size_t i = 0; i < TS_SENDER_CACHE_WAYS; i++) {
        if (ts_hash_equal(&set[i].tx, tx)) {
            *out = set[i].sender;
            return true;
        }
    }
    return false;
}

void ts_sender_cache_put(struct ts_sender_cache *c, const ts_hash *tx, const ts_address *sender)
{
    struct ts_sender_entry *set = set_of(c, tx);
    memmove(set + 1, set, (TS_SENDER_CACHE_WAYS - 1) * sizeof(*set));
    set[0] = (struct ts_sender_entry){.tx = *tx, .sender = *sender};
}
