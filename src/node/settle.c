/* SPDX-License-Identifier: Apache-2.0 */
/* Callers who wait until what is checked is durable as well: a finding is told when its batch is
 * checked, and what proves it is in the store a moment later. */
#include "node/internal.h"

static void answer(struct ts_node *n, size_t i, ts_err err, const char *text)
{
    ts_node_reply(n, n->settling[i].token, err, (ts_bytes){0}, text);
    n->settling[i] = n->settling[--n->n_settling];
}

/* A step in flight has none of what is queued now, which goes into the next. */
void ts_node_settle(struct ts_node *n, uint64_t token)
{
    uint64_t steps = (n->store_token != 0 || n->flight.n > 0) + (uint64_t)(n->queue.n > 0);
    if (steps == 0 || n->is_stopping)
        ts_node_reply(n, token, steps == 0 ? TS_OK : TS_E_CLOSED, (ts_bytes){0},
                      steps == 0 ? NULL : "the node is stopping");
    else if (n->n_settling == NODE_SETTLING)
        ts_node_reply(n, token, TS_E_BUSY, (ts_bytes){0}, "too many requests wait; try again");
    else
        n->settling[n->n_settling++] =
            (struct settling){.token = token,
                              .after = n->steps_stored + steps,
                              .until_us = n->now.mono_us + n->s.settle_us};
}

void ts_node_settle_stored(struct ts_node *n)
{
    n->steps_stored++;
    for (size_t i = n->n_settling; i-- > 0;) {
        if (n->settling[i].after <= n->steps_stored)
            answer(n, i, TS_OK, NULL);
    }
}

void ts_node_settle_stop(struct ts_node *n)
{
    while (n->n_settling > 0)
        answer(n, n->n_settling - 1, TS_E_CLOSED, "the node is stopping");
}

void ts_node_settle_tick(struct ts_node *n, uint64_t *wake)
{
    for (size_t i = n->n_settling; i-- > 0;) {
        if (n->now.mono_us >= n->settling[i].until_us)
            answer(n, i, TS_E_TIMEOUT, "the store does not keep up");
        else if (n->settling[i].until_us < *wake)
            *wake = n->settling[i].until_us;
    }
}
