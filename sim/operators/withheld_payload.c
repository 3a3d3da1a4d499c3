/* SPDX-License-Identifier: Apache-2.0 */
/* Row 23: drops protocol payloads later, to erase evidence. The host claims a head that it gives no
 * batch for: the node that asks has it as payload-withheld, of the batch whose payload every later
 * seal commits to. */
#include "sim/operators.h"

enum { WITHHELD };

static const struct sim_expect expects[] = {
    [WITHHELD] = {.kind = SIM_FOUND_BY, .finding = TS_F_PAYLOAD_WITHHELD, .batches = 40},
    {0},
};

#define VICTIM 0 /* its only peer is the host (sim_draw_lie) */

struct state {
    const struct sim_batch *claimed; /* NULL: nothing yet */
    bool is_over;
};

static void begin(struct sim_world *w)
{
    sim_op_state(w, sizeof(struct state));
    sim_op_begin(w);
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct state *s = w->op_state;
    (void)token;
    if (s->claimed == NULL && sim_op_is_calm(w) && w->nodes[VICTIM].feeds[0].is_up &&
        w->nodes[VICTIM].head == sim_op_head(w)) {
        struct ts_batch copy = *w->newest->b;
        copy.header.time++;
        s->claimed = sim_op_forge(w, w->newest, &copy, NULL);
        sim_feed_close(w, VICTIM, 0, true); /* it comes back, and is greeted */
        sim_op_lie(w, WITHHELD, VICTIM, NULL, "a batch is claimed and not given");
    } else if (s->claimed != NULL && sim_op_head(w) > s->claimed->number + 12) {
        s->is_over = true;
        sim_op_done(w);
        return;
    }
    sim_op_later(w, 0);
}

static const struct sim_batch *show(struct sim_world *w, int node, enum sim_showing as,
                                    const struct sim_batch *b)
{
    struct state *s = w->op_state;
    if (node != VICTIM || s->claimed == NULL || s->is_over || b->number < s->claimed->number)
        return b;
    return as == SIM_AS_HELLO ? s->claimed : NULL;
}

const struct sim_operator sim_op_withheld_payload = {
    .name = "withheld-payload",
    .row = 23,
    .what = "protocol payloads are withheld",
    .expects = expects,
    .tail = 14,
    .steady_nodes = true,
    .begin = begin,
    .wake = wake,
    .show = show,
};
