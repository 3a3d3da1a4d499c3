/* SPDX-License-Identifier: Apache-2.0 */
/* The nth allocation inside a core fails, once; those of the world around it never do. A core that
 * stops by TS_CHECK because of it has ended its process: its memory is taken back, and the world
 * goes on without it. For programs that are linked with FAULT_WRAPS (meson.build). */
#ifndef TS_TESTS_FAULTS_H
#define TS_TESTS_FAULTS_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The nth allocation inside the core from now on fails; 0: none does, they are counted only. */
void fault_arm(size_t n);
/* Whether it has failed. */
bool fault_hit(void);
/* Allocations inside the core since fault_arm. */
size_t fault_count(void);

/* Around every call of the core under test. False: the process has ended inside. */
#define FAULT_INSIDE(call)                                                                         \
    (fault_enter(),                                                                                \
     setjmp(*fault_end()) == 0 ? ((call), fault_leave(), true) : (fault_leave(), false))
void fault_enter(void);
void fault_leave(void);
jmp_buf *fault_end(void);
/* What was allocated inside the core and is still there is freed: its process has ended. */
void fault_take_back(void);

/* How far to go in a loop over n = 1 … total: 1 with FAULTS_ALL in the environment, else the least
 * prime with which there are no more than about `runs`. */
size_t fault_stride(size_t total, size_t runs);

#endif
