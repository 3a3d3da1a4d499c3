/* SPDX-License-Identifier: Apache-2.0 */
/* Row 23: edits protocol payloads to erase evidence: of a batch that is pushed, before or after the
 * true one, and of history that a node asks for. The running root in each seal commits to all
 * payloads: no node takes the edited batch, and the node that was given it has proof that it is
 * false. */
#include "sim/operators.h"

enum { EDITED, FORGED, HISTORY };

static const struct sim_expect expects[] = {
    [EDITED] = {.kind = SIM_FOUND_BY,
                .finding = TS_F_PAYLOAD_EDITED,
                .batches = 4,
                .is_rare = true},
    [FORGED] = {.kind = SIM_NOT_TAKEN},
    [HISTORY] = {.kind = SIM_FOUND_BY,
                 .finding = TS_F_PAYLOAD_EDITED,
                 .batches = 40,
                 .is_rare = true},
    {0},
};

enum step { WAITS, BEFORE, AFTER, HOLDS, ANSWERS, OVER };

#define VICTIM 0 /* its only peer is the host (sim_draw_lie) */

struct state {
    enum step step;
    uint64_t number;
    const struct sim_batch *b, *forged;
};

static void begin(struct sim_world *w)
{
    sim_op_state(w, sizeof(struct state));
    sim_op_begin(w);
}

/* The batch without its last report, or with one enclave less that is absent. NULL: it has none. */
static const struct sim_batch *edit(struct sim_world *w, const struct sim_batch *b)
{
    struct ts_batch copy = *b->b;
    if (copy.payload.n_absent > 0)
        copy.payload.n_absent--;
    else if (copy.payload.n_reports > 0)
        copy.payload.n_reports--;
    else
        return NULL;
    return sim_op_forge(w, b, &copy, NULL);
}

static void told(struct sim_world *w, const struct state *s, unsigned i, int node)
{
    sim_op_lie(w, FORGED, node, s->forged, "an edited payload is shown");
    sim_op_lie(w, i, node, NULL, "an edited payload is shown");
}

static void slip(struct sim_world *w, struct state *s)
{
    bool is_shown = false;
    for (unsigned i = 0; i < w->o.nodes; i++)
        if (sim_feed_slip(w, i, s->forged)) {
            told(w, s, EDITED, (int)i);
            is_shown = true;
        }
    if (!is_shown) { /* nobody listens: the next batch */
        s->forged = NULL;
        return;
    }
    s->step = OVER;
    sim_op_done(w);
}

static void wake(struct sim_world *w, uint64_t token)
{
    static const enum step acts[] = {BEFORE, AFTER, HOLDS};
    struct state *s = w->op_state;
    if (token == 1) {
        slip(w, s);
        return;
    }
    if (!sim_op_is_calm(w)) {
        sim_op_later(w, 0);
        return;
    }
    s->step = acts[sim_below(&w->op_rng, 3)];
}

static void sees(struct sim_world *w, const struct sim_batch *b)
{
    struct state *s = w->op_state;
    if (s->step == HOLDS && s->forged != NULL && b->number > s->number + 2)
        s->step = ANSWERS;
    if ((s->step != BEFORE && s->step != AFTER && s->step != HOLDS) || s->forged != NULL)
        return;
    s->forged = edit(w, b);
    s->b = b;
    s->number = b->number;
    if (s->forged != NULL && s->step == BEFORE)
        slip(w, s);
    else if (s->forged != NULL && s->step == AFTER)
        sim_op_wake(w, 1, 1);
}

/* The victim misses some, asks for them, and is given an edited one. */
static const struct sim_batch *show(struct sim_world *w, int node, enum sim_showing as,
                                    const struct sim_batch *b)
{
    struct state *s = w->op_state;
    if (node != VICTIM || s->forged == NULL || b->number < s->number)
        return b;
    if (s->step == HOLDS)
        return NULL;
    if (s->step != ANSWERS || as != SIM_AS_ANSWER || b != s->b)
        return b;
    s->step = OVER;
    told(w, s, HISTORY, node);
    sim_op_done(w);
    return s->forged;
}

const struct sim_operator sim_op_edited_payload = {
    .name = "edited-payload",
    .row = 23,
    .what = "protocol payloads are edited",
    .expects = expects,
    .tail = 14,
    .steady_nodes = true,
    .begin = begin,
    .wake = wake,
    .sees = sees,
    .show = show,
};
