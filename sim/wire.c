/* SPDX-License-Identifier: Apache-2.0 */
/* Streams between host or nodes and enclaves: in order, with delay; they end, go silent, become
 * slow. Nothing on a stream is doubled or overtaken, as on a real one. */
#include <stdlib.h>

#include "operator.h"

static bool owner_is_up(const struct sim_world *w, const struct sim_link *l)
{
    return l->owner == SIM_HOST ? w->host.core != NULL : w->nodes[l->owner].core != NULL;
}

static uint64_t owner_run(const struct sim_world *w, const struct sim_link *l)
{
    return l->owner == SIM_HOST ? w->host.p.runs : w->nodes[l->owner].p.runs;
}

static uint64_t delay(const struct sim_world *w, const struct sim_link *l)
{
    return w->now < l->slow_until ? w->o.link_us * 20 : w->o.link_us;
}

static void tell_owner(struct sim_world *w, struct sim_link *l, bool up)
{
    if (l->owner == SIM_HOST) {
        struct ts_host_input in = {.kind = up ? TS_IN_LINK_UP : TS_IN_LINK_DOWN, .link = l->no};
        in.text = up ? NULL : "closed";
        sim_host_input(w, &in);
    } else {
        struct ts_node_input in = {.kind = up ? TS_NODE_IN_LINK_UP : TS_NODE_IN_LINK_DOWN,
                                   .link = l->no};
        in.text = up ? NULL : "closed";
        sim_node_input(w, (unsigned)l->owner, &in);
    }
}

static struct sim_ev *on_link(struct sim_world *w, struct sim_link *l, uint64_t at,
                              enum sim_ev_kind kind)
{
    struct sim_ev *ev = sim_schedule(w, at, kind, (int)l->enclave);
    ev->link = (unsigned)(l - w->links);
    ev->gen = owner_run(w, l);
    ev->token = l->conn;
    return ev;
}

void sim_connect(struct sim_world *w, struct sim_link *l)
{
    bool can = w->enclaves[l->enclave].core != NULL && w->now >= l->cut_until;
    l->conn = ++w->next_conn;
    l->is_up = false;
    l->last_to = l->last_from = 0;
    on_link(w, l, sim_later(w, delay(w, l), NULL), can ? EV_LINK_UP : EV_LINK_DOWN);
}

void sim_close(struct sim_world *w, struct sim_link *l)
{
    (void)w;
    l->conn = 0;
    l->is_up = false;
}

void sim_drop(struct sim_world *w, struct sim_link *l)
{
    l->is_up = false;
    if (l->conn != 0 && owner_is_up(w, l))
        on_link(w, l, sim_later(w, delay(w, l), &l->last_from), EV_LINK_DOWN);
}

static bool is_hidden(const struct sim_world *w, const struct sim_link *l)
{
    return l->owner == SIM_HOST && (w->op_hidden >> l->enclave & 1) != 0;
}

/* A stream that has lost something brings nothing after it: it only ends. */
static bool is_lost(struct sim_world *w, struct sim_link *l)
{
    if (w->now < l->hole_until || is_hidden(w, l))
        l->lost = l->conn;
    return l->lost == l->conn;
}

static void put(struct sim_ev *ev, ts_bytes frame)
{
    ev->bytes = sim_copy(frame);
    ev->n = frame.n;
}

void sim_send_past(struct sim_world *w, struct sim_link *l, ts_bytes frame)
{
    if (l->conn != 0 && !is_lost(w, l))
        put(on_link(w, l, sim_later(w, delay(w, l), &l->last_to), EV_TO_ENCLAVE), frame);
}

void sim_send(struct sim_world *w, struct sim_link *l, ts_bytes frame)
{
    const struct sim_operator *op = w->o.op;
    if (l->conn == 0 || is_lost(w, l))
        return;
    if (op != NULL && op->to_enclave != NULL && l->owner == SIM_HOST &&
        !op->to_enclave(w, l->enclave, frame))
        return;
    sim_send_past(w, l, frame);
}

void sim_answer(struct sim_world *w, struct sim_link *l, uint64_t at, ts_bytes frame)
{
    const struct sim_operator *op = w->o.op;
    if (l->conn == 0 || is_lost(w, l))
        return;
    if (op != NULL && op->to_host != NULL && l->owner == SIM_HOST &&
        !op->to_host(w, l->enclave, frame))
        return;
    uint64_t when = at + delay(w, l) + sim_below(&w->rng, delay(w, l) + 1);
    if (when < l->last_from)
        when = l->last_from;
    l->last_from = when;
    put(on_link(w, l, when, EV_FROM_ENCLAVE), frame);
}

static void come_up(struct sim_world *w, struct sim_link *l)
{
    struct sim_enclave *e = &w->enclaves[l->enclave];
    bool can = e->core != NULL && w->now >= l->cut_until;
    if (can) {
        l->is_up = true;
        ts_enclave_connected(e->core);
    } else {
        l->conn = 0;
    }
    tell_owner(w, l, can);
}

static void take_frame(struct sim_world *w, struct sim_link *l, const struct sim_ev *ev)
{
    struct ts_buf answer;
    ts_buf_init(&answer, TS_LINK_MAX_FRAME);
    if (sim_handle(w, l->enclave, ts_bytes_of(ev->bytes, ev->n), &answer)) {
        struct sim_proc *p = &w->enclaves[l->enclave].p;
        if (p->die_after > 0 && --p->die_after == 0) {
            ts_buf_free(&answer);
            sim_end(w, l->enclave, "killed before it answered");
            return;
        }
        uint64_t busy = w->enclaves[l->enclave].p.asleep_until;
        sim_answer(w, l, busy > w->now ? busy : w->now, ts_buf_bytes(&answer));
        if (ts_enclave_wants_exit(w->enclaves[l->enclave].core))
            sim_end(w, l->enclave, "it was told to exit");
    }
    ts_buf_free(&answer);
}

void sim_wire_event(struct sim_world *w, struct sim_ev *ev)
{
    struct sim_link *l = &w->links[ev->link];
    if (l->conn == 0 || l->conn != ev->token || !owner_is_up(w, l) || owner_run(w, l) != ev->gen)
        return;
    if (ev->kind == EV_LINK_UP) {
        come_up(w, l);
    } else if (ev->kind == EV_LINK_DOWN) {
        sim_close(w, l);
        tell_owner(w, l, false);
    } else if (w->now < l->cut_until || l->lost == l->conn) {
        l->lost = l->conn; /* nothing comes through after it, however short the cut was */
    } else if (ev->kind == EV_TO_ENCLAVE) {
        if (l->is_up && w->enclaves[l->enclave].core != NULL)
            take_frame(w, l, ev);
    } else if (l->owner == SIM_HOST) {
        struct ts_host_input in = {
            .kind = TS_IN_FRAME, .link = l->no, .bytes = ts_bytes_of(ev->bytes, ev->n)};
        sim_host_input(w, &in);
    } else {
        struct ts_node_input in = {
            .kind = TS_NODE_IN_FRAME, .link = l->no, .bytes = ts_bytes_of(ev->bytes, ev->n)};
        sim_node_input(w, (unsigned)l->owner, &in);
    }
}
