/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/effect.h"

ts_err ts_chain_init(struct ts_chain *c, const struct ts_genesis *g, const struct ts_crypto *crypto,
                     const ts_hash *genesis_state_root)
{
    *c = (struct ts_chain){.genesis = g, .crypto = crypto};
    c->head = (struct ts_head){.hash = g->hash,
                               .time = g->time,
                               .l1_number = g->l1_number,
                               .l1_hash = g->l1_hash,
                               .state_root = *genesis_state_root};
    c->recent[0] = g->hash;
    return ts_registry_init(&c->registry, g);
}

void ts_chain_free(struct ts_chain *c)
{
    ts_registry_free(&c->registry);
    *c = (struct ts_chain){0};
}

const ts_hash *ts_chain_recent(const struct ts_chain *c, uint64_t number)
{
    if (number > c->head.number || c->head.number - number >= TS_RECENT)
        return NULL;
    return &c->recent[number % TS_RECENT];
}

/* New boots of one change. */
static size_t count_boots(const struct ts_effect *e, size_t change)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n_boots; i++)
        n += e->boots[i].change == change;
    return n;
}

/* All memory that applying takes, so that the rest cannot fail. lists: boot id lists of the new
 * entries, by change; on failure the caller frees them. */
static ts_err reserve(struct ts_registry *r, const struct ts_effect *e,
                      ts_hash *lists[TS_MAX_CHANGES])
{
    size_t fresh = 0;
    for (size_t i = 0; i < e->n_changes; i++) {
        const struct ts_change *c = &e->changes[i];
        size_t n = e->n_boots > 0 ? count_boots(e, i) : 0;
        if (c->index == TS_NEW_ENTRY) {
            fresh++;
            if (n > 0 && (lists[i] = calloc(n, sizeof(*lists[i]))) == NULL)
                return TS_E_NOMEM;
        } else if (ts_entry_reserve_boots(&r->entries[c->index], n) != TS_OK) {
            return TS_E_NOMEM;
        }
    }
    return ts_registry_reserve(r, fresh);
}

static void append_boots(struct ts_registry_entry *entry, const struct ts_effect *e, size_t change)
{
    for (size_t i = 0; i < e->n_boots; i++) {
        if (e->boots[i].change != change)
            continue;
        TS_CHECK(entry->n_boot_ids < entry->cap_boot_ids);
        entry->boot_ids[entry->n_boot_ids++] = e->boots[i].boot_id;
    }
}

/* The new entry, with the boot id list that the registry has for it. */
static struct ts_registry_entry changed(const struct ts_change *c, ts_hash *boot_ids, size_t n,
                                        size_t cap)
{
    struct ts_registry_entry entry = c->entry;
    entry.boot_ids = boot_ids;
    entry.n_boot_ids = n;
    entry.cap_boot_ids = cap;
    return entry;
}

static void apply_entries(struct ts_registry *r, const struct ts_effect *e,
                          ts_hash *lists[TS_MAX_CHANGES])
{
    for (size_t i = 0; i < e->n_changes; i++) {
        const struct ts_change *c = &e->changes[i];
        if (c->index == TS_NEW_ENTRY)
            continue;
        struct ts_registry_entry *old = &r->entries[c->index];
        *old = changed(c, old->boot_ids, old->n_boot_ids, old->cap_boot_ids);
        append_boots(old, e, i);
    }
    /* Inserting moves entries, so indices hold only up to here. */
    for (size_t i = 0; i < e->n_changes; i++) {
        const struct ts_change *c = &e->changes[i];
        if (c->index != TS_NEW_ENTRY)
            continue;
        struct ts_registry_entry entry = changed(c, lists[i], 0, count_boots(e, i));
        append_boots(&entry, e, i);
        ts_registry_insert(r, &entry);
    }
}

ts_err ts_chain_apply(struct ts_chain *chain, const struct ts_effect *e)
{
    struct ts_registry *r = &chain->registry;
    ts_hash *lists[TS_MAX_CHANGES] = {0};
    TS_CHECK(e->state == TS_EFFECT_SEALED && e->parent_number == chain->head.number);
    TS_CHECK(ts_hash_equal(&e->parent_hash, &chain->head.hash));
    if (reserve(r, e, lists) != TS_OK) {
        for (size_t i = 0; i < e->n_changes; i++)
            free(lists[i]);
        return TS_E_NOMEM;
    }
    apply_entries(r, e, lists);
    r->term = e->term;
    r->has_active = e->has_active;
    r->active = e->has_active ? e->active : (ts_address){{0}};
    memcpy(r->whitelist, e->whitelist, e->n_whitelist * sizeof(r->whitelist[0]));
    r->n_whitelisted = e->n_whitelist;
    chain->head = e->head;
    chain->recent[e->head.number % TS_RECENT] = e->head.hash;
    return TS_OK;
}
