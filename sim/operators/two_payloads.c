/* SPDX-License-Identifier: Apache-2.0 */
/* Row 12, the narrowest case: a spare and its copy are activated in one term and seal the same
 * header, to the last byte, over two protocol payloads, each with the Started of its own boot. The
 * batch hash is one; the protocol root is not: equivocation. The host's own line is shown to
 * nobody. */
#include "sim/operators.h"
#include "sim/operators/second_line.h"

enum { TWO_PAYLOADS };

static const struct sim_expect expects[] = {
    [TWO_PAYLOADS] = {.kind = SIM_FOUND,
                      .finding = TS_F_EQUIVOCATION,
                      .is_about_who = true,
                      .says = "two different protocol payloads",
                      .batches = 12},
    {0},
};

static const struct sim_batch *seal(struct sim_world *w, unsigned enclave, struct sim_answer *a)
{
    if (!sim_op_activate(w, enclave, w->newest->b->header.term + 7, a) ||
        !sim_op_create(w, enclave, 0, a))
        return NULL;
    return sim_op_created(w, a);
}

static bool seal_two(struct sim_world *w, struct sim_second *s, unsigned spare)
{
    struct sim_answer a;
    struct ts_msg synced = {.type = TS_MSG_SYNCED};
    unsigned copy = sim_op_clone(w, spare);
    const struct sim_batch *x = NULL, *y = NULL;
    sim_answer_init(&a);
    synced.u.synced.time = sim_clock(w, &w->host.p).unix_ms;
    if (sim_op_catch_up(w, spare, UINT64_MAX, &a) && sim_op_catch_up(w, copy, UINT64_MAX, &a) &&
        sim_op_ask(w, copy, &synced, &a)) {
        x = seal(w, spare, &a);
        y = seal(w, copy, &a);
    }
    sim_answer_free(&a);
    if (x == NULL || y == NULL || !ts_hash_equal(&x->hash, &y->hash))
        return false;
    sim_second_begin(s, 0, x, -1);
    sim_second_begin(s, 1, y, -1);
    return true;
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct sim_second *s = w->op_state;
    int spare = sim_op_is_calm(w) ? sim_op_spare(w, sim_op_active(w), -1) : -1;
    (void)token;
    /* It has no batch that the host has not committed yet. */
    if (spare < 0 || ts_enclave_head(w->enclaves[spare].core).number != w->host.disk.n_committed) {
        sim_op_later(w, 0);
        return;
    }
    sim_op_hide(w, (unsigned)spare, true);
    w->spared = spare;
    if (!seal_two(w, s, (unsigned)spare))
        return; /* then it was not done, and expect.c says so */
    sim_second_share(w, s, 1);
    sim_second_slip(w, s);
    sim_op_lie(w, TWO_PAYLOADS, spare, NULL, "one header is sealed over two payloads");
    sim_op_done(w);
}

const struct sim_operator sim_op_two_payloads = {
    .name = "two-payloads",
    .row = 12,
    .what = "one header is sealed over two protocol payloads",
    .expects = expects,
    .tail = 14,
    .min_nodes = 2,
    .steady_nodes = true,
    .begin = sim_second_op_begin,
    .wake = wake,
    .show = sim_second_op_show,
};
