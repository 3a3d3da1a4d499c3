/* SPDX-License-Identifier: Apache-2.0 */
/* State machines as tables of their legal moves. What is not in the table is refused. */
#ifndef TS_BASE_FSM_H
#define TS_BASE_FSM_H

#include <stddef.h>

struct ts_fsm_move {
    int state;
    int on;
    int next;
};

struct ts_fsm {
    const char *name;
    const char *const *state_names; /* indexed by state */
    const char *const *event_names; /* indexed by event */
    const struct ts_fsm_move *moves;
    size_t n_moves;
};

/* The state after event on in state, or -1 when the table has no such move. */
int ts_fsm_next(const struct ts_fsm *fsm, int state, int on);

#endif
