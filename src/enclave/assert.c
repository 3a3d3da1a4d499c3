/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "enclave/state.h"

/* I7: the unpublished transitions are one chain on top of the published tip. */
static void assert_one_chain(const struct ts_enclave *e)
{
    const struct ts_own *own = &e->own;
    const struct ts_registry_entry *entry = ts_registry_find(&e->line->chain.registry, &own->id);
    uint64_t seq = entry != NULL ? entry->tip_seq : 0;
    const ts_hash *prev = entry != NULL ? &entry->tip_hash : &e->line->genesis.hash;
    TS_CHECK(own->n_unpublished <= TS_MAX_UNPUBLISHED);
    for (size_t i = 0; i < own->n_unpublished; i++) {
        const struct ts_lifecycle_event *t = &own->unpublished[i];
        TS_CHECK(t->seq == ++seq && ts_hash_equal(&t->prev, prev));
        TS_CHECK(i == 0 ? t->kind != TS_STARTED || !own->started_published : t->kind != TS_STARTED);
        TS_CHECK(t->batch_number <= e->line->chain.head.number);
        prev = &own->hashes[i];
    }
    TS_CHECK(own->tip_seq == seq && ts_hash_equal(&own->tip_hash, prev));
}

static void assert_active(const struct ts_enclave *e)
{
    const struct ts_own *own = &e->own;
    const struct ts_registry *r = &e->line->chain.registry;
    TS_CHECK(own->term != 0);
    TS_CHECK(own->n_unpublished < TS_MAX_UNPUBLISHED);
    if (own->n_unpublished > 0) {
        /* Not in a batch yet: then it was signed at this head, and takes effect when it seals. */
        const struct ts_lifecycle_event *newest = &own->unpublished[own->n_unpublished - 1];
        TS_CHECK(newest->kind == TS_ACTIVE && newest->term == own->term);
        TS_CHECK(newest->batch_number == e->line->chain.head.number);
        TS_CHECK(newest->term > r->term);
    } else {
        TS_CHECK(r->has_active && ts_address_equal(&r->active, &own->id));
        TS_CHECK(r->term == own->term && e->kept.n > 0);
    }
}

void ts_enclave_assert(const struct ts_enclave *e)
{
    const struct ts_own *own = &e->own;
    TS_CHECK((e->line == NULL) == (e->state == TS_ENC_EMPTY));
    switch (e->state) {
    case TS_ENC_EMPTY:
        TS_CHECK(!own->has_started && own->n_unpublished == 0);
        break;
    case TS_ENC_SYNCING:
        TS_CHECK(!own->has_started && own->n_unpublished == 0 && e->kept.n == 0);
        assert_one_chain(e);
        break;
    case TS_ENC_VALIDATING:
        TS_CHECK(own->has_started || (own->n_unpublished == 0 && e->kept.n == 0));
        assert_one_chain(e);
        break;
    case TS_ENC_PASSIVE:
        TS_CHECK(own->has_started);
        assert_one_chain(e);
        break;
    case TS_ENC_ACTIVE:
        TS_CHECK(own->has_started);
        assert_one_chain(e);
        assert_active(e);
        break;
    case TS_ENC_HALTED:
        for (size_t i = 0; i < sizeof(own->key.b); i++)
            TS_CHECK(own->key.b[i] == 0);
        break;
    }
}
