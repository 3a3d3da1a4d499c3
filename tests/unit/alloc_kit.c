/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_kit.h"

#include <stdbool.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);

static size_t asked;   /* allocations since alloc_count */
static size_t fail_at; /* this one fails, and all that follow; 0: none */
static bool counting;

static bool fails(void)
{
    return counting && ++asked >= fail_at && fail_at != 0;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
    return fails() ? NULL : __real_calloc(count, n);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

void alloc_count(size_t nth)
{
    asked = 0;
    fail_at = nth;
    counting = true;
}

size_t alloc_counted(void)
{
    counting = false;
    return asked;
}
