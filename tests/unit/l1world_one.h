/* SPDX-License-Identifier: Apache-2.0 */
/* One world of a follower for each test of a program: set up by open, taken down by close_world. */
#ifndef TS_TESTS_L1WORLD_ONE_H
#define TS_TESTS_L1WORLD_ONE_H

#include "l1world.h"

#define SECOND UINT64_C(1000000)
#define NONE   ((ts_bytes){0})

static struct l1world w;

static inline int open(void **state)
{
    (void)state;
    l1world_open(&w, 17, 1);
    return 0;
}

static inline int close_world(void **state)
{
    (void)state;
    l1world_close(&w);
    return 0;
}

static inline void lives(unsigned blocks)
{
    for (; blocks > 0; blocks--) {
        l1world_mine(&w, 1);
        l1world_run(&w, 12 * SECOND);
    }
}

#endif
