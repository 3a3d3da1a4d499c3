/* SPDX-License-Identifier: Apache-2.0 */
/* L1 as the trace tells it, for checkers: its line, and every block that was ever on it. */
#ifndef TS_SIM_CHECK_L1_H
#define TS_SIM_CHECK_L1_H

#include "base/map.h"
#include "check_line.h"

struct sim_l1_seen {
    struct ts_map by_hash;            /* → const struct sim_l1_block * */
    const struct sim_l1_block **line; /* ascending, without gaps */
    size_t n, cap;
};

void sim_l1_seen_init(struct sim_l1_seen *s);
void sim_l1_seen_free(struct sim_l1_seen *s);
void sim_l1_seen_event(struct sim_l1_seen *s, const struct sim_event *e);
/* Of any fork; NULL: L1 never had it. */
const struct sim_l1_block *sim_l1_seen_by(const struct sim_l1_seen *s, const ts_hash *hash);
/* Of the line as it is now; NULL: above or below it. */
const struct sim_l1_block *sim_l1_seen_at(const struct sim_l1_seen *s, uint64_t number);
/* The last batch of the newest rollup in block or below it, on block's line; 0: none. */
uint64_t sim_l1_rolled_up(const struct sim_l1_seen *s, const struct sim_l1_block *block);
/* From here on honest parties stop: L1 went back behind what the newest batch names. */
bool sim_l1_goes_back(const struct sim_event *e, const struct sim_batch *newest);

#endif
