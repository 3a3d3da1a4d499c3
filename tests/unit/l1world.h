/* SPDX-License-Identifier: Apache-2.0 */
/* A follower before a fake L1, with everything that it says compared to the truth. */
#ifndef TS_TESTS_L1WORLD_H
#define TS_TESTS_L1WORLD_H

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "fakel1.h"
#include "l1/follower.h"

#define L1WORLD_EVENTS 512

struct l1world {
    struct ts_genesis genesis;
    struct fakel1 *l1;
    struct ts_l1_follow_settings s;
    struct ts_l1_follower *f;
    uint64_t now_us, wake_us;
    unsigned in_flight, max_in_flight;
    unsigned loses_calls; /* thousandths: a call is dropped before it reaches the node */

    bool has_told;
    uint64_t told; /* newest CONFIRMED */
    ts_hash told_hash;
    uint64_t n_told;
    bool is_over;
    uint64_t rollup_next; /* first batch of the next rollup */
    uint64_t rollups, rollbacks;
    bool has_hidden; /* some rollups are not in their transactions: gaps are right */

    bool is_wanted[1000]; /* lookups by token */
    uint64_t wanted[1000];
    size_t n_wanted, n_open, n_found;
    struct ts_l1_block found; /* the newest; header and whitelist not kept */

    char events[L1WORLD_EVENTS][64]; /* name and the first pair */
    size_t n_events;
};

void l1world_open(struct l1world *w, uint64_t genesis_number, uint64_t seed);
void l1world_close(struct l1world *w);
/* A follower anew; saved: what it goes on from, may be empty. */
void l1world_start(struct l1world *w, ts_bytes saved);
/* Until so much later. */
void l1world_run(struct l1world *w, uint64_t us);
void l1world_lookup(struct l1world *w, uint64_t number);
/* How often an event was said whose line begins with text. */
size_t l1world_said(const struct l1world *w, const char *text);
struct ts_l1_status l1world_status(const struct l1world *w);
/* The follower has told the newest confirmed block and all rollups up to it. */
void l1world_check_settled(struct l1world *w);
ts_address l1world_who(unsigned i);
void l1world_grant(struct l1world *w, unsigned i);
void l1world_revoke(struct l1world *w, unsigned i);
void l1world_publish(struct l1world *w, uint64_t n, enum fakel1_way way);
/* The newest n rollups go. */
void l1world_roll_back(struct l1world *w, uint64_t n);
void l1world_mine(struct l1world *w, unsigned n);

#endif
