/* SPDX-License-Identifier: Apache-2.0 */
/* Processes around an enclave core, and the two slots where one keeps its checkpoints. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "world.h"

#define LEAVE_US (4 * SIM_S) /* who said LEAVING waits so long for EXIT */

/* Who is at work: an engine does not know whose it is. */
static const struct sim_enclave *at_work;

/* Right but for its roots, as in a corrupted build or memory. */
static ts_err finish(struct ts_engine *e, ts_hash *root)
{
    ts_err err = ts_ledger_engine.finish(e, root);
    if (at_work != NULL && at_work->is_corrupt)
        root->b[31] ^= 1;
    return err;
}

static const struct ts_engine_ops *engine(void)
{
    static struct ts_engine_ops ops;
    ops = ts_ledger_engine;
    ops.finish = finish;
    return &ops;
}

void sim_boot(struct sim_world *w, unsigned i)
{
    struct sim_enclave *e = &w->enclaves[i];
    if (e->core != NULL || e->p.held_down)
        return;
    struct ts_enclave_config c = {.crypto = w->crypto,
                                  .engine = engine(),
                                  .checkpoints = w->o.snapshot_every != 0 ? &e->slots.ops : NULL,
                                  .env = {&e->p, sim_random},
                                  .identity = e->key,
                                  .seal_key = e->key,
                                  .boot_time = sim_clock(w, &e->p).unix_ms};
    TS_CHECK(ts_enclave_new(&c, &e->core) == TS_OK);
    e->p.runs++;
    e->p.asleep_until = 0;
    e->p.die_after = 0;
    e->is_leaving = false;
    e->booted_us = w->now;
    e->is_corrupt = e->is_broken;
    w->setting.broken[i] = w->setting.broken[i] || e->is_broken;
    struct sim_event ev = {.kind = SIM_BOOT, .who = (int)i, .number = e->p.runs};
    sim_tell(w, &ev);
}

/* What was being written is torn. */
static void tear(struct sim_world *w, struct sim_slots *s)
{
    struct ts_buf *b = &s->slots[s->slot];
    b->n = sim_below(&w->rng, b->n + 1);
}

void sim_end(struct sim_world *w, unsigned i, const char *why)
{
    struct sim_enclave *e = &w->enclaves[i];
    if (e->core == NULL)
        return;
    if (e->p.asleep_until > w->now && w->o.snapshot_every != 0 && sim_chance(&w->rng, 30))
        tear(w, &e->slots);
    ts_enclave_free(e->core);
    e->core = NULL;
    e->p.asleep_until = 0;
    sim_drop(w, &w->links[i]);
    struct sim_event ev = {.kind = SIM_END, .who = (int)i, .number = e->p.runs, .text = why};
    sim_tell(w, &ev);
    if (!e->p.held_down)
        sim_schedule(w, w->now + w->o.restart_us, EV_BOOT, (int)i);
}

void sim_leave(struct sim_world *w, unsigned i)
{
    struct sim_enclave *e = &w->enclaves[i];
    struct sim_link *l = &w->links[i];
    if (e->core == NULL || e->is_leaving)
        return;
    if (ts_enclave_state_of(e->core) != TS_ENC_ACTIVE || !l->is_up) {
        sim_end(w, i, "it was asked to end");
        return;
    }
    struct ts_msg m = {.type = TS_MSG_LEAVING, .is_answer = true};
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_msg_put(&b, &m);
    e->is_leaving = true;
    sim_answer(w, l, w->now, ts_buf_bytes(&b));
    ts_buf_free(&b);
    sim_schedule(w, w->now + LEAVE_US, EV_ENCLAVE_END, (int)i)->token = e->p.runs;
}

static ts_err error_of(const struct ts_msg *m)
{
    return m != NULL && m->type == TS_MSG_ERROR ? m->u.error.code : TS_OK;
}

bool sim_handle(struct sim_world *w, unsigned i, ts_bytes frame, struct ts_buf *answer)
{
    struct sim_enclave *e = &w->enclaves[i];
    struct ts_msg request, reply;
    if (e->core == NULL)
        return false;
    ts_arena_reset(&w->arena);
    bool is_request = ts_msg_decode_request(frame, &w->arena, &request) == TS_OK;
    struct sim_event ev = {.kind = SIM_REQUEST, .who = (int)i, .msg = is_request ? &request : NULL};
    if (is_request && request.type == TS_MSG_ACCEPT)
        ev.batch = sim_batch_of(w, request.u.accept.batch);
    sim_tell(w, &ev);
    at_work = e;
    ts_enclave_handle(e->core, frame, answer);
    at_work = NULL;
    TS_CHECK(answer->err == TS_OK);
    bool is_answer = ts_msg_decode_answer(ts_buf_bytes(answer), &w->arena, &reply) == TS_OK;
    const struct sim_batch *accepted = ev.batch;
    ev = (struct sim_event){.kind = SIM_ANSWER,
                            .who = (int)i,
                            .batch = accepted,
                            .msg = is_answer ? &reply : NULL,
                            .request = is_request ? &request : NULL,
                            .err = error_of(is_answer ? &reply : NULL)};
    if (is_answer && reply.type == TS_MSG_CREATE)
        ev.batch = sim_batch_of(w, reply.u.created.batch);
    sim_tell(w, &ev);
    if (is_request && request.type == TS_MSG_SNAPSHOT && ev.err == TS_OK)
        e->p.asleep_until = w->now + w->o.snapshot_us;
    return true;
}

/* ---- checkpoints ---- */

static ts_err slots_peek(void *ctx, size_t slot, void *out, size_t n, size_t *got)
{
    struct sim_slots *s = ctx;
    *got = n < s->slots[slot].n ? n : s->slots[slot].n;
    if (*got > 0)
        memcpy(out, s->slots[slot].p, *got);
    return TS_OK;
}

static ts_err slots_write_begin(void *ctx, size_t slot)
{
    struct sim_slots *s = ctx;
    s->slot = slot;
    ts_buf_reset(&s->writing);
    return TS_OK;
}

static ts_err slots_write(void *ctx, const void *p, size_t n)
{
    struct sim_slots *s = ctx;
    ts_buf_put(&s->writing, p, n);
    return s->writing.err;
}

static ts_err slots_write_end(void *ctx, bool keep)
{
    struct sim_slots *s = ctx;
    ts_buf_reset(&s->slots[s->slot]);
    if (keep)
        ts_buf_put(&s->slots[s->slot], s->writing.p, s->writing.n);
    return s->slots[s->slot].err;
}

static ts_err slots_read_begin(void *ctx, size_t slot)
{
    struct sim_slots *s = ctx;
    s->slot = slot;
    s->at = 0;
    return s->slots[slot].n > 0 ? TS_OK : TS_E_NOT_FOUND;
}

static ts_err slots_read(void *ctx, void *out, size_t n, size_t *got)
{
    struct sim_slots *s = ctx;
    size_t left = s->slots[s->slot].n - s->at;
    *got = n < left ? n : left;
    if (*got > 0)
        memcpy(out, s->slots[s->slot].p + s->at, *got);
    s->at += *got;
    return TS_OK;
}

static void slots_read_end(void *ctx)
{
    (void)ctx;
}

void sim_slots_init(struct sim_slots *s)
{
    s->ops = (struct ts_checkpoint_store){.ctx = s,
                                          .n_slots = 2,
                                          .peek = slots_peek,
                                          .write_begin = slots_write_begin,
                                          .write = slots_write,
                                          .write_end = slots_write_end,
                                          .read_begin = slots_read_begin,
                                          .read = slots_read,
                                          .read_end = slots_read_end};
    ts_buf_init(&s->slots[0], 0);
    ts_buf_init(&s->slots[1], 0);
    ts_buf_init(&s->writing, 0);
}

void sim_slots_free(struct sim_slots *s)
{
    ts_buf_free(&s->slots[0]);
    ts_buf_free(&s->slots[1]);
    ts_buf_free(&s->writing);
}
