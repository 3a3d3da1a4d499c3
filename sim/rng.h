/* SPDX-License-Identifier: Apache-2.0 */
/* Chance from a seed: splitmix64. The same seed gives the same draws for ever. */
#ifndef TS_SIM_RNG_H
#define TS_SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct sim_rng {
    uint64_t state;
};

static inline uint64_t sim_next(struct sim_rng *r)
{
    r->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = r->state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 to n - 1; 0 for n = 0. */
static inline uint64_t sim_below(struct sim_rng *r, uint64_t n)
{
    return n != 0 ? sim_next(r) % n : 0;
}

/* From low to high, both included. */
static inline uint64_t sim_between(struct sim_rng *r, uint64_t low, uint64_t high)
{
    return low + sim_below(r, high - low + 1);
}

static inline bool sim_chance(struct sim_rng *r, unsigned percent)
{
    return sim_below(r, 100) < percent;
}

/* About mean: most are below it, few far above, at most eight times it. */
static inline uint64_t sim_about(struct sim_rng *r, uint64_t mean)
{
    uint64_t x = sim_below(r, 2 * mean + 1);
    for (unsigned i = 0; i < 2 && sim_chance(r, 12); i++)
        x *= 2;
    return x;
}

#endif
