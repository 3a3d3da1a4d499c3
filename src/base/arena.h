/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is freed all at once: what decoding one message needs. Bounded. */
#ifndef TS_BASE_ARENA_H
#define TS_BASE_ARENA_H

#include <stddef.h>

struct ts_arena_block;

struct ts_arena {
    struct ts_arena_block *blocks;
    size_t used; /* bytes handed out in all */
    size_t max;  /* bound on used */
};

/* max in bytes; 0 means 64 MiB. Allocates nothing yet. */
void ts_arena_init(struct ts_arena *a, size_t max);
/* n zeroed bytes aligned for any type (n = 0 gives a valid pointer); NULL when out of memory or
 * over the bound. Valid until reset or free. */
void *ts_arena_alloc(struct ts_arena *a, size_t n);
/* count * size with the overflow checked. */
void *ts_arena_array(struct ts_arena *a, size_t count, size_t size);
/* Forgets everything handed out and keeps one block for the next use. */
void ts_arena_reset(struct ts_arena *a);
void ts_arena_free(struct ts_arena *a);

#endif
