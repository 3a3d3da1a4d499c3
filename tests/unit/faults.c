/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"

/* Pointers that the core holds: open addressing, never full. */
#define SLOTS ((size_t)1 << 17)
#define GONE  ((void *)1)

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
void *__real_ts_arena_alloc(struct ts_arena *a, size_t n);
void *__real_ts_arena_array(struct ts_arena *a, size_t n, size_t size);
_Noreturn void __real_ts_check_failed(const char *what, const char *file, int line);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);
void *__wrap_ts_arena_alloc(struct ts_arena *a, size_t n);
void *__wrap_ts_arena_array(struct ts_arena *a, size_t n, size_t size);
_Noreturn void __wrap_ts_check_failed(const char *what, const char *file, int line);

static void *held[SLOTS];
static size_t n_used;                   /* slots that were ever filled */
static bool inside, is_hit, is_hit_now; /* now: in this call of the core */
static size_t count, fails_at;
static jmp_buf end;

void fault_arm(size_t n)
{
    fails_at = n;
    count = 0;
    is_hit = false;
}

bool fault_hit(void)
{
    return is_hit;
}

size_t fault_count(void)
{
    return count;
}

void fault_enter(void)
{
    TS_CHECK(!inside);
    inside = true;
    is_hit_now = false;
}

void fault_leave(void)
{
    inside = false;
}

jmp_buf *fault_end(void)
{
    return &end;
}

static size_t slot_of(const void *p)
{
    return (size_t)(((uintptr_t)p >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 47);
}

static void **find(void *p)
{
    for (size_t i = slot_of(p); held[i] != NULL; i = (i + 1) % SLOTS)
        if (held[i] == p)
            return &held[i];
    return NULL;
}

static void put(void *p)
{
    size_t i = slot_of(p);
    while (held[i] != NULL && held[i] != GONE)
        i = (i + 1) % SLOTS;
    n_used += held[i] == NULL;
    TS_CHECK(n_used < SLOTS / 2);
    held[i] = p;
}

static void *hold(void *p)
{
    if (inside && p != NULL)
        put(p);
    return p;
}

static void forget(void *p)
{
    void **slot = p != NULL ? find(p) : NULL;
    if (slot != NULL)
        *slot = GONE;
}

/* Free slots that were filled once: when nothing is held, as between two worlds. */
void fault_take_back(void)
{
    for (size_t i = 0; i < SLOTS && n_used > 0; i++) {
        if (held[i] != NULL && held[i] != GONE)
            __real_free(held[i]);
        n_used -= held[i] != NULL;
        held[i] = NULL;
    }
}

static bool fails_now(void)
{
    if (!inside || ++count != fails_at)
        return false;
    is_hit = is_hit_now = true;
    return true;
}

void *__wrap_malloc(size_t n)
{
    return fails_now() ? NULL : hold(__real_malloc(n));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : hold(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t n)
{
    if (fails_now())
        return NULL;
    bool was_held = p != NULL && find(p) != NULL;
    forget(p);
    void *q = __real_realloc(p, n);
    if (q == NULL)
        TS_CHECK(n == 0);
    else if (was_held || inside)
        put(q);
    return q;
}

void __wrap_free(void *p)
{
    forget(p);
    __real_free(p);
}

/* An arena keeps a block for the next use, so most of what it gives costs no allocation now, and
 * may cost one when messages are larger: each counts. */
void *__wrap_ts_arena_alloc(struct ts_arena *a, size_t n)
{
    return fails_now() ? NULL : __real_ts_arena_alloc(a, n);
}

void *__wrap_ts_arena_array(struct ts_arena *a, size_t n, size_t size)
{
    return fails_now() ? NULL : __real_ts_arena_array(a, n, size);
}

_Noreturn void __wrap_ts_check_failed(const char *what, const char *file, int line)
{
    if (!inside || !is_hit_now)
        __real_ts_check_failed(what, file, line);
    longjmp(end, 1);
}

static bool is_prime(size_t n)
{
    for (size_t d = 2; d * d <= n; d++)
        if (n % d == 0)
            return false;
    return n > 1;
}

size_t fault_stride(size_t total, size_t runs)
{
    size_t stride = total / runs + 1;
    if (getenv("FAULTS_ALL") != NULL || total <= runs)
        return 1;
    while (!is_prime(stride))
        stride++;
    return stride;
}
