/* SPDX-License-Identifier: Apache-2.0 */
/* Counts allocations and lets one of them, and all that follow, fail. For a program that is linked
 * with alloc_wraps (meson.build): malloc, calloc and realloc wrapped. */
#ifndef TS_TEST_ALLOC_KIT_H
#define TS_TEST_ALLOC_KIT_H

#include <stddef.h>

/* From now on allocations are counted; the nth fails, and all that follow. 0: none fails. */
void alloc_count(size_t nth);
/* Ends it; how many were asked for. */
size_t alloc_counted(void);

#endif
