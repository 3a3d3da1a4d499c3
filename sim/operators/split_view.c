/* SPDX-License-Identifier: Apache-2.0 */
/* Row 11, with an L1 and without: shows different batches to different nodes, to spend softly final
 * money twice. The active seals a batch; some nodes are shown it, and the host is not. A spare
 * takes over, and its batch of the same number goes to the others. Two seals for one number:
 * equivocation, at every node as soon as any two of different views meet. With an L1 the host's
 * rollup then decides: who holds the other line leaves it. */
#include "sim/l1.h"
#include "sim/operators.h"
#include "sim/operators/second_line.h"

enum { TWO_SEALS, ON_L1 };

static const struct sim_expect expects[] = {
    [TWO_SEALS] = {.kind = SIM_FOUND, .finding = TS_F_EQUIVOCATION, .batches = 12},
    {0},
};
static const struct sim_expect expects_l1[] = {
    [TWO_SEALS] = {.kind = SIM_FOUND, .finding = TS_F_EQUIVOCATION, .batches = 150},
    [ON_L1] = {.kind = SIM_TAKEN, .batches = 150},
    {0},
};

struct state {
    int old; /* active before; -1: not yet */
    bool is_split;
    bool
        goes_on; /* the line that loses, until the rollup is confirmed; else it is one batch long */
    struct sim_second lines;
};

static void begin(struct sim_world *w)
{
    struct state *s = sim_op_state(w, sizeof(struct state));
    s->old = -1;
    s->goes_on = sim_chance(&w->op_rng, 50);
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
    if (w->l1 != NULL ? w->done_us == 0 : sim_op_head(w) < s->lines.fork + 4) {
        sim_op_later(w, 1);
        return;
    }
    for (unsigned i = 0; i < w->o.nodes; i++)
        s->lines.line_of[i] = SIM_HOSTS;
    if (w->l1 == NULL)
        sim_op_done(w);
}

/* With an L1: when the rollup is confirmed for all. */
static void l1_mined(struct sim_world *w)
{
    const struct state *s = w->op_state;
    uint64_t most = 0;
    for (unsigned i = 0; i < w->o.nodes; i++)
        most = w->o.l1.of_node[i] > most ? w->o.l1.of_node[i] : most;
    uint64_t newest = w->l1->tip->told.number + 1;
    if (w->done_us != 0 || !s->is_split || newest < most)
        return;
    const struct sim_l1_mined *b = sim_l1_at(w->l1->tip, newest - most);
    if (b != NULL && b->rollup_last >= s->lines.fork)
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
    sim_second_begin(&s->lines, 0, b, w->l1 != NULL && s->goes_on ? s->old : -1);
    sim_second_share(w, &s->lines, SIM_HOSTS);
    if (w->o.nodes == 1)
        s->lines.line_of[0] = 0;
    sim_second_slip(w, &s->lines);
    return false;
}

static void sees(struct sim_world *w, const struct sim_batch *b)
{
    struct state *s = w->op_state;
    if (s->is_split)
        sim_second_grow(w, &s->lines, b);
    if (s->is_split && b->number == s->lines.fork)
        sim_op_lie(w, TWO_SEALS, s->old, NULL, "nodes are shown two batches");
    if (s->is_split && b->number == s->lines.fork && w->l1 != NULL)
        sim_op_lie(w, ON_L1, s->old, b, "this one comes to be on L1");
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

const struct sim_operator sim_op_settled_view = {
    .name = "settled-view",
    .row = 11,
    .what = "different batches are shown to different nodes, and one of them comes to be on L1",
    .expects = expects_l1,
    .tail = 40,
    .steady_nodes = true,
    .has_l1 = true,
    .begin = begin,
    .wake = wake,
    .to_host = to_host,
    .sees = sees,
    .show = show,
    .l1_mined = l1_mined,
};
