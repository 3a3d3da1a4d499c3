/* SPDX-License-Identifier: Apache-2.0 */
/* Row 11: shows different batches to different nodes, to spend softly final money twice. The active
 * seals a batch; some nodes are shown it, and the host is not. A spare takes over, and its batch of
 * the same number goes to the others. Two seals for one number: equivocation, at every node as soon
 * as any two of different views meet. */
#include "sim/operators.h"
#include "sim/operators/second_line.h"

enum { TWO_SEALS };

static const struct sim_expect expects[] = {
    [TWO_SEALS] = {.kind = SIM_FOUND, .finding = TS_F_EQUIVOCATION, .batches = 12},
    {0},
};

struct state {
    int old; /* active before; -1: not yet */
    bool is_split;
    struct sim_second lines;
};

static void begin(struct sim_world *w)
{
    struct state *s = sim_op_state(w, sizeof(struct state));
    s->old = -1;
    sim_op_begin(w);
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct state *s = w->op_state;
    if (token == 0) {
        if (s->old < 0 || !s->is_split) {
            s->old = sim_op_is_calm(w) ? sim_op_active(w) : -1;
            sim_op_later(w, 0);
            return;
        }
    }
    /* Later everybody is shown the host's line. */
    if (sim_op_head(w) < s->lines.fork + 4) {
        sim_op_later(w, 1);
        return;
    }
    for (unsigned i = 0; i < w->o.nodes; i++)
        s->lines.line_of[i] = SIM_HOSTS;
    sim_op_done(w);
}

static bool to_host(struct sim_world *w, unsigned enclave, ts_bytes frame)
{
    struct state *s = w->op_state;
    struct ts_msg m;
    ts_arena_reset(&w->op_arena);
    if (s->is_split || (int)enclave != s->old ||
        ts_msg_decode_answer(frame, &w->op_arena, &m) != TS_OK || m.type != TS_MSG_CREATE)
        return true;
    const struct sim_batch *b = sim_batch_of(w, m.u.created.batch);
    if (b->number != sim_op_head(w) + 1)
        return true;
    s->is_split = true;
    w->spared = s->old;
    sim_op_hide(w, enclave, true);
    sim_second_begin(&s->lines, 0, b, -1);
    sim_second_share(w, &s->lines, SIM_HOSTS);
    if (w->o.nodes == 1)
        s->lines.line_of[0] = 0;
    sim_second_slip(w, &s->lines);
    return false;
}

static void sees(struct sim_world *w, const struct sim_batch *b)
{
    struct state *s = w->op_state;
    if (s->is_split && b->number == s->lines.fork)
        sim_op_lie(w, TWO_SEALS, s->old, NULL, "nodes are shown two batches");
}

static const struct sim_batch *show(struct sim_world *w, int node, enum sim_showing as,
                                    const struct sim_batch *b)
{
    (void)as;
    return sim_second_show(&((struct state *)w->op_state)->lines, node, b);
}

const struct sim_operator sim_op_split_view = {
    .name = "split-view",
    .row = 11,
    .what = "different batches are shown to different nodes",
    .expects = expects,
    .tail = 14,
    .steady_nodes = true,
    .begin = begin,
    .wake = wake,
    .to_host = to_host,
    .sees = sees,
    .show = show,
};
