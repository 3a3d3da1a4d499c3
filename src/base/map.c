/* SPDX-License-Identifier: Apache-2.0 */
/* Linear probing. A removal shifts the entries behind it back, so there are no tombstones and
 * lookups never slow down with age. */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/siphash.h"

#define FIRST_CAP   8u
#define VALUE_ALIGN _Alignof(uint64_t) /* no value holds a larger type */

/* The most entries that cap slots hold: four of five, so that a free slot soon ends every probe. */
static size_t room_of(size_t cap)
{
    return cap - cap / 5 - 1;
}

void ts_map_init(struct ts_map *m, size_t key_size, size_t value_size, const uint64_t seed[2])
{
    TS_CHECK(key_size > 0 && key_size <= SIZE_MAX / 4 && value_size <= SIZE_MAX / 4);
    *m =
        (struct ts_map){.key_size = key_size, .value_size = value_size, .seed = {seed[0], seed[1]}};
}

void ts_map_free(struct ts_map *m)
{
    free(m->slots);
    free(m->used);
    m->slots = NULL;
    m->used = NULL;
    m->n = 0;
    m->cap = 0;
}

void ts_map_clear(struct ts_map *m)
{
    if (m->cap > 0)
        memset(m->used, 0, m->cap / 8);
    m->n = 0;
}

static bool is_used(const struct ts_map *m, size_t slot)
{
    return (m->used[slot / 8] >> (slot % 8) & 1) != 0;
}

static void set_used(struct ts_map *m, size_t slot, bool used)
{
    uint8_t bit = (uint8_t)(1u << (slot % 8));
    if (used)
        m->used[slot / 8] |= bit;
    else
        m->used[slot / 8] &= (uint8_t)~bit;
}

/* Where the value lies in a slot: behind the key, aligned for whatever a value holds. */
static size_t value_at(const struct ts_map *m)
{
    return (m->key_size + VALUE_ALIGN - 1) / VALUE_ALIGN * VALUE_ALIGN;
}

static size_t slot_size(const struct ts_map *m)
{
    return value_at(m) + (m->value_size + VALUE_ALIGN - 1) / VALUE_ALIGN * VALUE_ALIGN;
}

static uint8_t *slot_at(const struct ts_map *m, size_t slot)
{
    return m->slots + slot * slot_size(m);
}

static size_t home_of(const struct ts_map *m, const void *key)
{
    return (size_t)ts_siphash13(m->seed, key, m->key_size) & (m->cap - 1);
}

/* The slot that holds key, or the free one where it belongs. cap must not be 0. */
static size_t find_slot(const struct ts_map *m, const void *key)
{
    size_t slot = home_of(m, key);
    while (is_used(m, slot) && memcmp(slot_at(m, slot), key, m->key_size) != 0)
        slot = (slot + 1) & (m->cap - 1);
    return slot;
}

static ts_err rehash(struct ts_map *m, size_t cap)
{
    size_t size = slot_size(m);
    if (cap > SIZE_MAX / 2 / size)
        return TS_E_NOMEM;
    struct ts_map next = *m;
    next.cap = cap;
    next.slots = malloc(cap * size);
    next.used = calloc(cap / 8, 1);
    if (next.slots == NULL || next.used == NULL) {
        free(next.slots);
        free(next.used);
        return TS_E_NOMEM;
    }
    for (size_t i = 0; i < m->cap; i++) {
        if (!is_used(m, i))
            continue;
        size_t to = find_slot(&next, slot_at(m, i));
        memcpy(slot_at(&next, to), slot_at(m, i), size);
        set_used(&next, to, true);
    }
    free(m->slots);
    free(m->used);
    *m = next;
    return TS_OK;
}

ts_err ts_map_reserve(struct ts_map *m, size_t count)
{
    size_t cap = m->cap != 0 ? m->cap : FIRST_CAP;
    while (room_of(cap) < count) {
        if (cap > SIZE_MAX / 4)
            return TS_E_NOMEM;
        cap *= 2;
    }
    return cap == m->cap ? TS_OK : rehash(m, cap);
}

void *ts_map_get(const struct ts_map *m, const void *key)
{
    if (m->n == 0)
        return NULL;
    size_t slot = find_slot(m, key);
    return is_used(m, slot) ? slot_at(m, slot) + value_at(m) : NULL;
}

void *ts_map_put(struct ts_map *m, const void *key, bool *is_new)
{
    void *value = ts_map_get(m, key);
    if (is_new != NULL)
        *is_new = value == NULL;
    if (value != NULL)
        return value;
    if (ts_map_reserve(m, m->n + 1) != TS_OK)
        return NULL;
    size_t slot = find_slot(m, key);
    memcpy(slot_at(m, slot), key, m->key_size);
    memset(slot_at(m, slot) + value_at(m), 0, m->value_size);
    set_used(m, slot, true);
    m->n++;
    return slot_at(m, slot) + value_at(m);
}

/* Closes the hole that a removal left: an entry moves back when the hole lies between its home and
 * where it stands, or a probe for it would end at the hole. */
static void close_hole(struct ts_map *m, size_t hole)
{
    size_t mask = m->cap - 1;
    for (size_t at = (hole + 1) & mask; is_used(m, at); at = (at + 1) & mask) {
        size_t from_home = (at - home_of(m, slot_at(m, at))) & mask;
        size_t from_hole = (at - hole) & mask;
        if (from_home < from_hole)
            continue;
        memcpy(slot_at(m, hole), slot_at(m, at), slot_size(m));
        hole = at;
    }
    set_used(m, hole, false);
}

bool ts_map_remove(struct ts_map *m, const void *key)
{
    if (m->n == 0)
        return false;
    size_t slot = find_slot(m, key);
    if (!is_used(m, slot))
        return false;
    close_hole(m, slot);
    m->n--;
    return true;
}

const void *ts_map_next(const struct ts_map *m, size_t *at, void **value)
{
    for (; *at < m->cap; (*at)++) {
        if (!is_used(m, *at))
            continue;
        uint8_t *slot = slot_at(m, (*at)++);
        if (value != NULL)
            *value = slot + value_at(m);
        return slot;
    }
    return NULL;
}
