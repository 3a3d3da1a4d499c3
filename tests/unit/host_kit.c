/* SPDX-License-Identifier: Apache-2.0 */
#include "host_kit.h"

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
