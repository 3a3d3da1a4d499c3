/* SPDX-License-Identifier: Apache-2.0 */
/* What several checkers share: the lines of batches that there are in a world, and the whitelist as
 * notices make it. All of it is apart from src/chain, which is what is being checked. */
#ifndef TS_SIM_CHECK_LINE_H
#define TS_SIM_CHECK_LINE_H

#include "checker.h"

/* One file for each. */
extern const struct sim_checker sim_check_i1, sim_check_i2, sim_check_i3, sim_check_i4,
    sim_check_i5, sim_check_i6, sim_check_i7, sim_check_i8, sim_check_i9, sim_check_i10,
    sim_check_i11, sim_check_i12, sim_check_expect, sim_check_rollups, sim_check_i4_rollups,
    sim_check_halt;

/* Line 0 is what an honest host has committed, which is what it broadcasts and serves; line 1 + i
 * is what node i has taken. */
#define SIM_LINES (1 + SIM_MAX_NODES)

struct sim_line {
    const struct sim_batch **batches; /* number k at k - 1 */
    size_t n, cap;
    bool is_lost; /* a batch was left out: another checker says so, and this line ends there */
};

/* Calls batch for each batch that a line gains, in order. When a line turns back to another branch,
 * reset comes first and then all of the new line. */
struct sim_lines {
    const struct sim_setting *setting;
    struct sim_line line[SIM_LINES];
    void (*batch)(void *state, unsigned line, const struct sim_batch *b, const struct sim_event *e,
                  struct sim_verdict *v);
    void (*reset)(void *state, unsigned line);
};

void sim_lines_see(struct sim_lines *l, void *state, const struct sim_event *e,
                   struct sim_verdict *v);
void sim_lines_free(struct sim_lines *l);
/* The batch of that number in a line, or NULL. */
const struct sim_batch *sim_line_at(const struct sim_line *l, uint64_t number);
bool sim_same_batch(const struct sim_batch *a, const struct sim_batch *b);
/* "batch 7 of the host's line", for sentences. Returns out. */
#define SIM_WHERE_SIZE 64
const char *sim_where(unsigned line, uint64_t number, char out[SIM_WHERE_SIZE]);

struct sim_whitelist {
    ts_address ids[TS_MAX_WHITELIST];
    size_t n;
};

void sim_whitelist_init(struct sim_whitelist *w, const struct ts_genesis *g);
/* Takes the whitelist notices of a batch; *changed: there was one. NULL, or what is wrong with one:
 * then w is partly changed. */
const char *sim_whitelist_fold(struct sim_whitelist *w, const struct ts_batch *b, bool *changed);
/* Its place, or -1. */
int sim_whitelist_find(const struct sim_whitelist *w, const ts_address *id);

/* A seed for maps that is the same in every run. */
extern const uint64_t sim_map_seed[2];
/* The pointer, which must not be NULL: a checker without memory is none. */
void *sim_check_memory(void *p);
/* list, with room for one more than n. */
void *sim_check_grow(void *list, size_t n, size_t *cap, size_t size);

#endif
