/* SPDX-License-Identifier: Apache-2.0 */
/* The time as every core gets it: with the input, never from a clock of its own. */
#ifndef TS_BASE_NOW_H
#define TS_BASE_NOW_H

#include "tenseq/bytes.h"

/* The two clocks of every input: mono never goes back and drives timers, deadlines and intervals;
 * unix only fills in the times that are written into batches and events. */
struct ts_now {
    uint64_t mono_us;
    ts_time unix_ms;
};

#endif
