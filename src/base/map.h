/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map from fixed-size keys to fixed-size values, open addressing, seeded against keys that
 * an attacker chose to collide. Values move when the map grows: hold no pointer over an insert. */
#ifndef TS_BASE_MAP_H
#define TS_BASE_MAP_H

#include "tenseq/bytes.h"

struct ts_map {
    uint8_t
        *slots; /* cap slots of key ‖ value, each aligned; a bitmap of used slots stands apart */
    uint8_t *used;
    size_t key_size;
    size_t value_size;
    size_t n;
    size_t cap;       /* a power of two, or 0 */
    uint64_t seed[2]; /* SipHash key */
};

void ts_map_init(struct ts_map *m, size_t key_size, size_t value_size, const uint64_t seed[2]);
void ts_map_free(struct ts_map *m);
void ts_map_clear(struct ts_map *m);
/* Makes room for count entries in all, so that inserts up to it cannot fail. TS_E_NOMEM: unchanged.
 */
ts_err ts_map_reserve(struct ts_map *m, size_t count);
/* The value of key, or NULL. */
void *ts_map_get(const struct ts_map *m, const void *key);
/* The value of key, made zeroed when it is new (*is_new, may be NULL). NULL: out of memory. */
void *ts_map_put(struct ts_map *m, const void *key, bool *is_new);
/* True when the key was there. */
bool ts_map_remove(struct ts_map *m, const void *key);
/* Iteration in no meaningful order: start with *at = 0; NULL at the end. Returns the key; *value is
 * its value. Do not insert or remove meanwhile. */
const void *ts_map_next(const struct ts_map *m, size_t *at, void **value);

#endif
