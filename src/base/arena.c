/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define DEFAULT_MAX (64u * 1024 * 1024)
#define FIRST_BLOCK 4096u
#define ALIGN       alignof(max_align_t)

struct ts_arena_block {
    struct ts_arena_block *next;
    size_t size;
    size_t used;
    alignas(max_align_t) unsigned char data[];
};

void ts_arena_init(struct ts_arena *a, size_t max)
{
    *a = (struct ts_arena){.max = max != 0 ? max : DEFAULT_MAX};
    TS_CHECK(a->max <= SIZE_MAX / 4);
}

/* A block twice as large as the newest one, or larger when n needs it. */
static struct ts_arena_block *add_block(struct ts_arena *a, size_t n)
{
    size_t size = a->blocks != NULL ? 2 * a->blocks->size : FIRST_BLOCK;
    if (size < n)
        size = n;
    struct ts_arena_block *block = malloc(sizeof(*block) + size);
    if (block == NULL)
        return NULL;
    *block = (struct ts_arena_block){.next = a->blocks, .size = size};
    a->blocks = block;
    return block;
}

void *ts_arena_alloc(struct ts_arena *a, size_t n)
{
    if (n > a->max - a->used)
        return NULL;
    size_t rounded = (n + ALIGN - 1) / ALIGN * ALIGN;
    struct ts_arena_block *block = a->blocks;
    if (block == NULL || rounded > block->size - block->used)
        block = add_block(a, rounded);
    if (block == NULL)
        return NULL;
    void *p = block->data + block->used;
    block->used += rounded;
    /* Padding counts too, or many small values would pass the bound. */
    a->used = rounded < a->max - a->used ? a->used + rounded : a->max;
    return memset(p, 0, n);
}

void *ts_arena_array(struct ts_arena *a, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return ts_arena_alloc(a, count * size);
}

void ts_arena_reset(struct ts_arena *a)
{
    struct ts_arena_block *keep = a->blocks; /* the newest is the largest */
    if (keep == NULL)
        return;
    struct ts_arena rest = {.blocks = keep->next};
    ts_arena_free(&rest);
    keep->next = NULL;
    keep->used = 0;
    a->used = 0;
}

void ts_arena_free(struct ts_arena *a)
{
    while (a->blocks != NULL) {
        struct ts_arena_block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
    a->used = 0;
}
