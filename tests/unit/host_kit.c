/* SPDX-License-Identifier: Apache-2.0 */
#include "host_kit.h"

#include "chain/rollup.h"

struct world_options options(unsigned enclaves, uint64_t seed)
{
    return (struct world_options){.enclaves = enclaves,
                                  .seed = seed,
                                  .interval_us = 100 * MS,
                                  .delay_us = 200,
                                  .disk_us = 500,
                                  .restart_us = 300 * MS};
}

struct world *some(unsigned enclaves, uint64_t seed)
{
    struct world_options o = options(enclaves, seed);
    return world_new(&o);
}

void done(struct world *w)
{
    world_tamper(w, NULL, NULL);
    world_run(w, 2 * SECOND);
    world_check(w, true);
    world_free(w);
}

struct world_options publishing(uint64_t seed)
{
    struct world_options o = options(3, seed);
    o.l1_block_us = SECOND;
    o.rollup_batches = 20;
    o.rollup_us = 10 * SECOND;
    o.fast_crypto = true;
    return o;
}

void check_rollups(struct world *w)
{
    uint64_t next = 1;
    for (size_t i = 0; i < world_l1_rollups_taken(w); i++) {
        ts_bytes data;
        struct ts_arena arena;
        struct ts_rollup_batch *batches;
        const struct ts_rollup *r = world_l1_rollup(w, i, &data);
        size_t n = (size_t)(r->last_number - r->first_number + 1);
        assert_int_equal(r->first_number, next);
        ts_arena_init(&arena, TS_ROLLUP_ARENA);
        assert_int_equal(ts_rollup_decode(data, n, &arena, &batches), TS_OK);
        ts_arena_free(&arena);
        next = r->last_number + 1;
    }
    assert_int_equal(next, world_l1_published(w) + 1);
}
