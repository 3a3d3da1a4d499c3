/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/effect.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

_Static_assert(TS_MAX_CHANGES < UINT8_MAX, "change_of holds a place in changes + 1");

struct ts_effect *ts_effect_new(void)
{
    struct ts_effect *e = calloc(1, sizeof(*e));
    if (e != NULL)
        ts_arena_init(&e->arena, 64u * 1024);
    return e;
}

void ts_effect_free(struct ts_effect *e)
{
    if (e == NULL)
        return;
    ts_arena_free(&e->arena);
    free(e->boots);
    free(e->change_of);
    free(e);
}

static ts_err reset_change_of(struct ts_effect *e, size_t n)
{
    if (n > e->cap_change_of) {
        uint8_t *grown = realloc(e->change_of, 2 * n);
        if (grown == NULL)
            return TS_E_NOMEM;
        e->change_of = grown;
        e->cap_change_of = 2 * n;
    }
    if (n > 0)
        memset(e->change_of, 0, n);
    return TS_OK;
}

ts_err ts_effect_begin(struct ts_effect *e, const struct ts_chain *chain)
{
    const struct ts_registry *r = &chain->registry;
    e->state = TS_EFFECT_EMPTY;
    if (reset_change_of(e, r->n) != TS_OK)
        return TS_E_NOMEM;
    e->state = TS_EFFECT_OPEN;
    e->chain = chain;
    e->parent_number = chain->head.number;
    e->parent_hash = chain->head.hash;
    e->term = r->term;
    e->has_active = r->has_active;
    e->active = r->active;
    e->has_change = false;
    memcpy(e->whitelist, r->whitelist, r->n_whitelisted * sizeof(e->whitelist[0]));
    e->n_whitelist = r->n_whitelisted;
    e->n_changes = 0;
    e->n_boots = 0;
    return TS_OK;
}

static struct ts_change *add_change(struct ts_effect *e, size_t index,
                                    const struct ts_registry_entry *entry)
{
    TS_CHECK(e->n_changes < TS_MAX_CHANGES);
    struct ts_change *c = &e->changes[e->n_changes++];
    c->index = index;
    c->was_whitelisted = entry->whitelisted;
    c->entry = *entry;
    if (index != TS_NEW_ENTRY)
        e->change_of[index] = (uint8_t)e->n_changes;
    return c;
}

/* The change of an enclave that the registry does not hold. */
static struct ts_change *find_new(struct ts_effect *e, const ts_address *id)
{
    for (size_t i = 0; i < e->n_changes; i++) {
        struct ts_change *c = &e->changes[i];
        if (c->index == TS_NEW_ENTRY && ts_address_equal(&c->entry.id, id))
            return c;
    }
    return NULL;
}

struct ts_change *ts_effect_change(struct ts_effect *e, const ts_address *id)
{
    bool found;
    size_t i = ts_registry_index(&e->chain->registry, id, &found);
    if (!found)
        return find_new(e, id);
    if (e->change_of[i] != 0)
        return &e->changes[e->change_of[i] - 1];
    /* Who is added again was touched by the notice and so found above. */
    const struct ts_registry_entry *entry = &e->chain->registry.entries[i];
    return entry->whitelisted ? add_change(e, i, entry) : NULL;
}

bool ts_effect_whitelisted(const struct ts_effect *e, const ts_address *id)
{
    for (size_t i = 0; i < e->n_whitelist; i++) {
        if (ts_address_equal(&e->whitelist[i], id))
            return true;
    }
    return false;
}

static const char *remove_one(struct ts_effect *e, const ts_address *id)
{
    struct ts_change *c = ts_effect_change(e, id);
    if (c == NULL)
        return "the whitelist notice removes an enclave that is not whitelisted";
    c->entry.whitelisted = false;
    /* It keeps entry, boot and tip, but an active one is active no more, in silence. */
    if (c->entry.role == TS_ROLE_ACTIVE) {
        c->entry.role = TS_ROLE_PASSIVE;
        e->has_active = false;
    }
    return NULL;
}

static const char *add_one(struct ts_effect *e, const ts_address *id)
{
    const struct ts_chain *chain = e->chain;
    bool found;
    size_t i = ts_registry_index(&chain->registry, id, &found);
    if (found && chain->registry.entries[i].whitelisted)
        return "the whitelist notice adds an enclave that is already whitelisted";
    struct ts_registry_entry fresh = ts_entry_fresh(id, &chain->genesis->hash);
    struct ts_change *c =
        found ? add_change(e, i, &chain->registry.entries[i]) : add_change(e, TS_NEW_ENTRY, &fresh);
    c->entry.whitelisted = true;
    return NULL;
}

/* The whitelist before without the removed, merged with the added; all sorted. */
static void merge_whitelist(struct ts_effect *e, const struct ts_whitelist_change *c)
{
    const struct ts_registry *r = &e->chain->registry;
    size_t added = 0;
    size_t removed = 0;
    e->n_whitelist = 0;
    for (size_t i = 0; i < r->n_whitelisted; i++) {
        const ts_address *id = &r->whitelist[i];
        while (added < c->n_added && ts_address_compare(&c->added[added], id) < 0)
            e->whitelist[e->n_whitelist++] = c->added[added++];
        if (removed < c->n_removed && ts_address_equal(&c->removed[removed], id))
            removed++;
        else
            e->whitelist[e->n_whitelist++] = *id;
    }
    while (added < c->n_added)
        e->whitelist[e->n_whitelist++] = c->added[added++];
}

const char *ts_effect_whitelist_change(struct ts_effect *e, const struct ts_whitelist_change *c,
                                       const ts_address **who)
{
    size_t before = e->chain->registry.n_whitelisted;
    const char *wrong = NULL;
    *who = NULL;
    if (c->n_removed > before)
        return "the whitelist notice removes more enclaves than there are";
    if (c->n_added > TS_MAX_WHITELIST - (before - c->n_removed))
        return "the whitelist would hold more than 64 enclaves";
    for (size_t i = 0; i < c->n_removed && wrong == NULL; i++)
        wrong = remove_one(e, *who = &c->removed[i]);
    for (size_t i = 0; i < c->n_added && wrong == NULL; i++)
        wrong = add_one(e, *who = &c->added[i]);
    if (wrong == NULL)
        merge_whitelist(e, c);
    return wrong;
}

static ts_err add_boot(struct ts_effect *e, const struct ts_change *change, const ts_hash *boot_id)
{
    if (e->n_boots == e->cap_boots) {
        size_t cap = e->cap_boots + e->cap_boots / 2 + 16;
        struct ts_new_boot *grown = realloc(e->boots, cap * sizeof(*grown));
        if (grown == NULL)
            return TS_E_NOMEM;
        e->boots = grown;
        e->cap_boots = cap;
    }
    e->boots[e->n_boots++] = (struct ts_new_boot){(size_t)(change - e->changes), *boot_id};
    return TS_OK;
}

/* Started makes its enclave passive, and so does Passive; if it was the active one, none is left.
 */
static void make_passive(struct ts_effect *e, struct ts_change *change)
{
    if (change->entry.role == TS_ROLE_ACTIVE)
        e->has_active = false;
    change->entry.role = TS_ROLE_PASSIVE;
}

static void make_active(struct ts_effect *e, struct ts_change *change, uint64_t term)
{
    if (e->has_active) {
        struct ts_change *old = ts_effect_change(e, &e->active);
        TS_CHECK(old != NULL && old->entry.role == TS_ROLE_ACTIVE);
        old->entry.role = TS_ROLE_PASSIVE;
    }
    change->entry.role = TS_ROLE_ACTIVE;
    e->has_active = true;
    e->active = change->entry.id;
    e->term = term;
}

ts_err ts_effect_transition(struct ts_effect *e, struct ts_change *change,
                            const struct ts_lifecycle_event *event, const ts_hash *hash)
{
    if (event->kind == TS_STARTED && add_boot(e, change, &event->boot_id) != TS_OK)
        return TS_E_NOMEM;
    ts_entry_fold(&change->entry, event, hash, e->parent_number + 1);
    if (event->kind != TS_ACTIVE)
        make_passive(e, change);
    else if (ts_active_takes_effect(e->chain, event, e->term, change->entry.whitelisted))
        make_active(e, change, event->term);
    return TS_OK;
}

const struct ts_head *ts_effect_head(const struct ts_effect *e)
{
    TS_CHECK(e->state == TS_EFFECT_SEALED);
    return &e->head;
}

const ts_address *ts_effect_whitelist(const struct ts_effect *e, size_t *n)
{
    TS_CHECK(e->state == TS_EFFECT_FOLDED || e->state == TS_EFFECT_SEALED);
    *n = e->n_whitelist;
    return e->whitelist;
}

ts_err ts_effect_entry(const struct ts_effect *e, const ts_address *id,
                       struct ts_registry_entry *out)
{
    TS_CHECK(e->state == TS_EFFECT_FOLDED || e->state == TS_EFFECT_SEALED);
    const struct ts_registry_entry *entry = NULL;
    for (size_t i = 0; i < e->n_changes && entry == NULL; i++) {
        if (ts_address_equal(&e->changes[i].entry.id, id))
            entry = &e->changes[i].entry;
    }
    if (entry == NULL)
        entry = ts_registry_find(&e->chain->registry, id);
    if (entry == NULL)
        return TS_E_NOT_FOUND;
    *out = *entry;
    out->boot_ids = NULL;
    out->n_boot_ids = 0;
    out->cap_boot_ids = 0;
    return TS_OK;
}

void ts_effect_seal(struct ts_effect *e, const struct ts_batch_header *h, const ts_hash *hash,
                    const ts_hash *protocol_root)
{
    TS_CHECK(e->state == TS_EFFECT_FOLDED);
    TS_CHECK(h->number == e->parent_number + 1 && h->term == e->term);
    e->head = (struct ts_head){.number = h->number,
                               .hash = *hash,
                               .time = h->time,
                               .term = h->term,
                               .l1_number = h->l1_number,
                               .l1_hash = h->l1_hash,
                               .state_root = h->state_root,
                               .protocol_root = *protocol_root};
    e->state = TS_EFFECT_SEALED;
}
