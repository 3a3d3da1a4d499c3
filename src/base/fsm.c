/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fsm.h"

int ts_fsm_next(const struct ts_fsm *fsm, int state, int on)
{
    for (size_t i = 0; i < fsm->n_moves; i++) {
        if (fsm->moves[i].state == state && fsm->moves[i].on == on)
            return fsm->moves[i].next;
    }
    return -1;
}
