/* SPDX-License-Identifier: Apache-2.0 */
#include "second_line.h"

void sim_second_begin(struct sim_second *s, unsigned line, const struct sim_batch *first,
                      int enclave)
{
    s->fork = first->number;
    s->lines[line].b[0] = first;
    s->lines[line].n = 1;
    s->lines[line].enclave = enclave;
}

/* The first two nodes follow the host (sim_draw_lie). */
void sim_second_share(struct sim_world *w, struct sim_second *s, uint8_t other)
{
    bool first = sim_chance(&w->op_rng, 50);
    for (unsigned i = 0; i < w->o.nodes; i++) {
        bool on_0 = i == 0 ? first : i == 1 ? !first : sim_chance(&w->op_rng, 50);
        s->line_of[i] = on_0 ? 0 : other;
    }
}

void sim_second_grow(struct sim_world *w, struct sim_second *s, const struct sim_batch *b)
{
    struct sim_answer a;
    sim_answer_init(&a);
    for (unsigned k = 0; k < 2 && s->fork != 0; k++)
        while (s->lines[k].n > 0 && s->lines[k].n < SIM_LINE_MAX && s->lines[k].enclave >= 0 &&
               s->fork + s->lines[k].n <= b->number &&
               sim_op_create(w, (unsigned)s->lines[k].enclave, 3, &a))
            s->lines[k].b[s->lines[k].n++] = sim_op_created(w, &a);
    sim_answer_free(&a);
}

const struct sim_batch *sim_second_show(const struct sim_second *s, int node,
                                        const struct sim_batch *b)
{
    if (node < 0 || s->fork == 0 || s->line_of[node] == SIM_HOSTS || b->number < s->fork)
        return b;
    uint64_t i = b->number - s->fork;
    unsigned line = s->line_of[node];
    return i < s->lines[line].n ? s->lines[line].b[i] : NULL;
}

void sim_second_slip(struct sim_world *w, const struct sim_second *s)
{
    for (unsigned i = 0; i < w->o.nodes; i++)
        if (s->line_of[i] != SIM_HOSTS)
            sim_feed_slip(w, i, s->lines[s->line_of[i]].b[0]);
}

bool sim_second_seal(struct sim_world *w, unsigned enclave, struct sim_answer *a)
{
    if (!sim_op_activate(w, enclave, w->newest->b->header.term + 1, a) ||
        !sim_op_create(w, enclave, 3, a))
        return false;
    sim_second_begin(w->op_state, 0, sim_op_created(w, a), (int)enclave);
    return true;
}

void sim_second_tell(struct sim_world *w, int who, const char *text)
{
    sim_second_share(w, w->op_state, SIM_HOSTS);
    sim_second_slip(w, w->op_state);
    sim_op_lie(w, 0, who, NULL, text);
    sim_op_done(w);
}

void sim_second_op_begin(struct sim_world *w)
{
    sim_op_state(w, sizeof(struct sim_second));
    sim_op_begin(w);
}

void sim_second_op_sees(struct sim_world *w, const struct sim_batch *b)
{
    sim_second_grow(w, w->op_state, b);
}

const struct sim_batch *sim_second_op_show(struct sim_world *w, int node, enum sim_showing as,
                                           const struct sim_batch *b)
{
    (void)as;
    return sim_second_show(w->op_state, node, b);
}
