/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the host core begin and end with (hostworld.h). */
#ifndef TS_TEST_HOST_KIT_H
#define TS_TEST_HOST_KIT_H

#include "hostworld.h"
#include "unit.h"

#define MS     1000u
#define SECOND 1000000u

/* A batch each 100 ms, quick links and disks, and a supervisor that waits 300 ms. */
struct world_options options(unsigned enclaves, uint64_t seed);
struct world *some(unsigned enclaves, uint64_t seed);
/* Nobody tampers any more; after two seconds all is checked, and the world freed. */
void done(struct world *w);
/* Three enclaves whose host publishes a rollup of 20 batches, on an L1 with a block a second. */
struct world_options publishing(uint64_t seed);
/* What the contract took: contiguous from 1 on, and each decodes to as many batches as it says. */
void check_rollups(struct world *w);

#endif
