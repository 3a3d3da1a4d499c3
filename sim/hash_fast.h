/* SPDX-License-Identifier: Apache-2.0 */
/* The other half of the fast setting: a cheap mixing of the 25 lanes in place of Keccak's
 * permutation. Hashes have their sizes and spread, and prove nothing. The simulator puts it before
 * nettle's permutation of the same name, so the code that hashes is the programs' own, and no
 * program can be linked with it. */
#ifndef TS_SIM_HASH_FAST_H
#define TS_SIM_HASH_FAST_H

#include <stdbool.h>

/* For all that is hashed from now on; false, as at the start: nettle's. */
void sim_hash_fast(bool fast);

#endif
