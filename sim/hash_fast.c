/* SPDX-License-Identifier: Apache-2.0 */
#include "hash_fast.h"

#include <dlfcn.h>
#include <nettle/sha3.h>

#include "base/check.h"

static bool is_fast;
static void (*real_permute)(struct sha3_state *state);

void sim_hash_fast(bool fast)
{
    if (real_permute == NULL) { /* POSIX's way around what ISO C says of function pointers */
        *(void **)(void *)&real_permute = dlsym(RTLD_NEXT, "nettle_sha3_permute");
        TS_CHECK(real_permute != NULL);
    }
    is_fast = fast;
}

static inline uint64_t mix(uint64_t x, uint64_t lane)
{
    x = (x ^ lane) * UINT64_C(0x9e3779b97f4a7c15);
    return x ^ x >> 29;
}

/* Two chains through all lanes, then the lanes that are read once more, so that each of them
 * depends on every bit. Two inputs of one world have one hash by chance only, 2^-64. */
void nettle_sha3_permute(struct sha3_state *state)
{
    uint64_t *a = state->a;
    if (!is_fast) {
        if (real_permute == NULL)
            sim_hash_fast(false);
        real_permute(state);
        return;
    }
    uint64_t x = UINT64_C(0xa0761d6478bd642f), y = UINT64_C(0xe7037ed1a0b428db);
    for (unsigned i = 0; i < 24; i += 2) {
        a[i] = x = mix(x, a[i]);
        a[i + 1] = y = mix(y, a[i + 1]);
    }
    a[24] = x = mix(x ^ y << 17, a[24]);
    y = mix(y, x);
    for (unsigned i = 0; i < 4; i += 2) {
        a[i] = x = mix(x + y, a[i]);
        a[i + 1] = y = mix(y ^ x >> 7, a[i + 1]);
    }
}
