/* SPDX-License-Identifier: Apache-2.0 */
/* Host and nodes towards L1: the follower and, at the host, the submitter, with what the programs'
 * shell keeps around them (shell/follow.c, shell/submit.c, host/shell_l1.c, node/shell_l1.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "l1.h"
#include "operator.h"

#define AGAIN_US UINT64_C(100000)  /* before all is read anew */
#define FINAL_US UINT64_C(4000000) /* between two looks at L1's finality */

struct sim_l1_party *sim_l1_party(const struct sim_world *w, int who)
{
    return &w->l1->party[who + 1];
}

const struct sim_proc *sim_l1_proc(const struct sim_world *w, int who)
{
    return who == SIM_HOST ? &w->host.p : &w->nodes[who].p;
}

static bool is_up(const struct sim_world *w, int who)
{
    return who == SIM_HOST ? w->host.core != NULL : w->nodes[who].core != NULL;
}

static void tell_log(struct sim_world *w, int who, int level, const char *event, const char *what)
{
    char text[600];
    snprintf(text, sizeof(text), "%s %s", event, what);
    struct sim_event ev = {.kind = SIM_LOG, .who = who, .number = (uint64_t)level, .text = text};
    sim_tell(w, &ev);
}

static void arm(struct sim_world *w, int who, enum sim_l1_asker which, uint64_t *tick_at,
                uint64_t at)
{
    if (at == UINT64_MAX || (*tick_at > w->now && *tick_at <= at))
        return;
    *tick_at = at > w->now ? at : w->now + 1;
    struct sim_ev *ev = sim_schedule(w, *tick_at, EV_L1_TICK, who);
    ev->gen = sim_l1_proc(w, who)->runs;
    ev->link = which;
    ev->token = *tick_at;
}

/* ---- the follower's word to its core ---- */

static bool may_save(const struct sim_world *w, int who)
{
    struct ts_node_status st;
    struct ts_host_status host;
    if (who == SIM_HOST) {
        ts_host_status_of(w->host.core, &host);
        return host.rolled_up_is_stored;
    }
    ts_node_status_of(w->nodes[who].core, &st);
    return st.rollups.waiting == 0;
}

static void again(struct sim_world *w, int who)
{
    struct sim_follow *f = &sim_l1_party(w, who)->follow;
    f->is_again = true;
    f->is_dirty = true;
    arm(w, who, SIM_L1_FOLLOWS, &f->tick_at, w->now + AGAIN_US);
}

void sim_l1_rollups_again(struct sim_world *w, unsigned node, uint64_t above, uint64_t from)
{
    sim_l1_party(w, (int)node)->follow.settings.rollups_above = above;
    sim_l1_party(w, (int)node)->follow.settings.rollups_from = from;
    again(w, (int)node);
}

static void host_hears(struct sim_world *w, const struct ts_l1_follow_output *o)
{
    struct ts_l1_block block = o->block;
    struct ts_host_input in = {.l1 = &block};
    struct ts_host_status st;
    uint64_t run = w->host.p.runs;
    switch (o->kind) {
    case TS_L1_FOLLOW_CONFIRMED:
    case TS_L1_FOLLOW_BLOCK:
        in.kind = TS_IN_L1_BLOCK;
        in.is_newest = o->kind == TS_L1_FOLLOW_CONFIRMED;
        break;
    case TS_L1_FOLLOW_REORG:
        in.kind = TS_IN_L1_REORG;
        break;
    case TS_L1_FOLLOW_ROLLUP:
        in.kind = TS_IN_ROLLUP;
        in.rollup = &o->rollup->rollup;
        break;
    case TS_L1_FOLLOW_ROLLBACK:
        in.kind = TS_IN_ROLLBACK;
        in.rollback = &o->rollback;
        break;
    default:
        return;
    }
    if (in.kind == TS_IN_L1_BLOCK && w->o.op != NULL && w->o.op->l1_tells != NULL)
        w->o.op->l1_tells(w, &block);
    sim_host_input(w, &in);
    if (w->host.core == NULL || w->host.p.runs != run || o->kind != TS_L1_FOLLOW_REORG)
        return; /* who died of it has no follower, and o is gone */
    ts_host_status_of(w->host.core, &st);
    if (!st.l1_is_halted)
        again(w, SIM_HOST);
}

static void node_hears(struct sim_world *w, int who, const struct ts_l1_follow_output *o)
{
    struct ts_node_input in = {.l1 = &o->block, .rollup = o->rollup};
    struct ts_node_status st;
    uint64_t run = w->nodes[who].p.runs;
    switch (o->kind) {
    case TS_L1_FOLLOW_CONFIRMED:
        in.kind = TS_NODE_IN_L1_CONFIRMED;
        break;
    case TS_L1_FOLLOW_BLOCK:
        in.kind = TS_NODE_IN_L1_BLOCK;
        break;
    case TS_L1_FOLLOW_REORG:
        in.kind = TS_NODE_IN_L1_REORG;
        break;
    case TS_L1_FOLLOW_ROLLUP:
        in.kind = TS_NODE_IN_ROLLUP;
        break;
    case TS_L1_FOLLOW_ROLLBACK:
        in.kind = TS_NODE_IN_ROLLBACK;
        in.rollback = &o->rollback;
        break;
    default:
        return;
    }
    sim_node_input(w, (unsigned)who, &in);
    if (w->nodes[who].core == NULL || w->nodes[who].p.runs != run || o->kind != TS_L1_FOLLOW_REORG)
        return; /* likewise */
    ts_node_status_of(w->nodes[who].core, &st);
    if (!st.l1.is_halted)
        sim_l1_rollups_again(w, (unsigned)who, st.rollups.checked, 0);
}

static void forget_lookup(struct sim_follow *f, const struct ts_l1_follow_output *o)
{
    for (size_t i = 0; i < f->n_given; i++) {
        if (f->lookups[i].token != o->token || f->lookups[i].number != o->block.number)
            continue;
        f->lookups[i] = f->lookups[--f->n_given];
        f->lookups[f->n_given] = f->lookups[--f->n_lookups];
        return;
    }
}

static void follower_says(struct sim_world *w, int who, const struct ts_l1_follow_output *o)
{
    struct sim_follow *f = &sim_l1_party(w, who)->follow;
    switch (o->kind) {
    case TS_L1_FOLLOW_CALL:
        sim_l1_call(w, who, SIM_L1_FOLLOWS, o->call);
        return;
    case TS_L1_FOLLOW_EVENT:
        tell_log(w, who, o->level, o->event, o->text);
        return;
    case TS_L1_FOLLOW_CONFIRMED:
        f->is_dirty = true;
        break;
    case TS_L1_FOLLOW_BLOCK:
        forget_lookup(f, o);
        break;
    case TS_L1_FOLLOW_ROLLUP:
    case TS_L1_FOLLOW_ROLLBACK:
    case TS_L1_FOLLOW_REORG:
        break;
    }
    if (who == SIM_HOST)
        host_hears(w, o);
    else
        node_hears(w, who, o);
}

/* ---- the follower ---- */

static void save(struct sim_world *w, int who)
{
    struct sim_follow *f = &sim_l1_party(w, who)->follow;
    struct sim_disk *d = who == SIM_HOST ? &w->host.disk : &w->nodes[who].disk;
    if (f->is_saving || !f->is_dirty || f->is_again || w->now < f->saved_us + w->o.l1.save_us ||
        !may_save(w, who))
        return;
    ts_buf_reset(&f->saving);
    ts_l1_follower_save(f->core, &f->saving);
    TS_CHECK(f->saving.err == TS_OK);
    f->op =
        (struct ts_store_op){.kind = TS_OP_PUT_META, .key = "l1", .data = ts_buf_bytes(&f->saving)};
    f->saved_us = w->now;
    f->is_saving = true;
    f->is_dirty = false;
    sim_disk_store(w, d, who, sim_l1_proc(w, who)->runs, SIM_L1_SAVE_TOKEN, &f->op, 1);
}

bool sim_l1_stored(struct sim_world *w, int who, uint64_t token, ts_err err)
{
    if (token != SIM_L1_SAVE_TOKEN)
        return false;
    struct sim_follow *f = &sim_l1_party(w, who)->follow;
    f->is_saving = false;
    f->is_dirty = f->is_dirty || err != TS_OK;
    return true;
}

static void step(struct sim_world *w, int who, const struct ts_l1_follow_input *in)
{
    struct sim_follow *f = &sim_l1_party(w, who)->follow;
    const struct sim_proc *p = sim_l1_proc(w, who);
    struct ts_l1_follow_outputs out;
    uint64_t run = p->runs;
    ts_l1_follower_step(f->core, sim_clock(w, p), in, &out);
    for (size_t i = 0; i < out.n; i++) {
        follower_says(w, who, &out.out[i]);
        if (!is_up(w, who) || p->runs != run)
            return; /* it died of what it heard */
    }
    arm(w, who, SIM_L1_FOLLOWS, &f->tick_at, out.wake_us);
    if (f->n_given < f->n_lookups || f->is_again)
        arm(w, who, SIM_L1_FOLLOWS, &f->tick_at, w->now + (f->is_again ? AGAIN_US : 0));
    save(w, who);
}

static void ask_final(struct sim_world *w, int who)
{
    struct sim_follow *f = &sim_l1_party(w, who)->follow;
    struct ts_l1_call c = {.id = 1, .method = TS_L1_BLOCK, .tag = TS_L1_FINALIZED};
    struct ts_l1_status st;
    ts_l1_follower_status(f->core, &st);
    if (who == SIM_HOST || w->now < f->final_us || !st.is_up)
        return;
    f->final_us = w->now + FINAL_US;
    sim_l1_call(w, who, SIM_L1_FINALITY, &c);
}

static void take_final(struct sim_world *w, int who, const struct ts_l1_answer *a)
{
    struct sim_follow *f = &sim_l1_party(w, who)->follow;
    if (a->err != TS_OK || !a->u.block.found || a->u.block.number <= f->final)
        return;
    f->final = a->u.block.number;
    struct ts_node_input in = {.kind = TS_NODE_IN_L1_FINAL, .number = f->final};
    sim_node_input(w, (unsigned)who, &in);
}

static void tick_follower(struct sim_world *w, int who)
{
    struct sim_follow *f = &sim_l1_party(w, who)->follow;
    const struct sim_proc *p = sim_l1_proc(w, who);
    uint64_t run = p->runs;
    if (f->is_again) {
        ts_l1_follower_free(f->core);
        TS_CHECK(ts_l1_follower_new(&w->genesis, &f->settings, &f->core) == TS_OK);
        f->is_again = false;
        f->n_given = 0;
    }
    while (f->n_given < f->n_lookups) {
        size_t i = f->n_given++;
        step(w, who,
             &(struct ts_l1_follow_input){.kind = TS_L1_FOLLOW_LOOKUP,
                                          .token = f->lookups[i].token,
                                          .number = f->lookups[i].number});
        if (!is_up(w, who) || p->runs != run)
            return;
    }
    step(w, who, &(struct ts_l1_follow_input){.kind = TS_L1_FOLLOW_TICK});
    if (is_up(w, who) && p->runs == run)
        ask_final(w, who);
}

void sim_l1_ask(struct sim_world *w, int who, uint64_t number)
{
    struct sim_follow *f = &sim_l1_party(w, who)->follow;
    for (size_t i = 0; i < f->n_lookups; i++)
        if (f->lookups[i].number == number)
            return;
    TS_CHECK(f->n_lookups < TS_L1_MAX_LOOKUPS);
    f->lookups[f->n_lookups].token = number;
    f->lookups[f->n_lookups++].number = number;
    arm(w, who, SIM_L1_FOLLOWS, &f->tick_at, w->now);
}

void sim_l1_forget(struct sim_world *w, int who, uint64_t number)
{
    struct sim_follow *f = &sim_l1_party(w, who)->follow;
    for (size_t i = f->n_given; i < f->n_lookups; i++)
        if (f->lookups[i].number == number) {
            f->lookups[i] = f->lookups[--f->n_lookups];
            return;
        }
}

/* ---- the submitter ---- */

static void submit_step(struct sim_world *w, const struct ts_l1_submit_input *in)
{
    struct sim_submit *s = &sim_l1_party(w, SIM_HOST)->submit;
    struct ts_l1_submit_outputs out;
    uint64_t run = w->host.p.runs;
    ts_l1_submitter_step(s->core, sim_clock(w, &w->host.p), in, &out);
    for (size_t i = 0; i < out.n; i++) {
        const struct ts_l1_submit_output *o = &out.out[i];
        if (o->kind == TS_L1_SUBMIT_CALL) {
            sim_l1_call(w, SIM_HOST, SIM_L1_SUBMITS, o->call);
        } else if (o->kind == TS_L1_SUBMIT_EVENT) {
            tell_log(w, SIM_HOST, o->level, o->event, o->text);
        } else if (o->kind == TS_L1_SUBMIT_DONE) {
            struct ts_host_input told = {
                .kind = TS_IN_SUBMITTED, .token = o->job, .err = o->err, .text = o->text};
            sim_host_input(w, &told);
        }
        if (w->host.core == NULL || w->host.p.runs != run)
            return;
    }
    arm(w, SIM_HOST, SIM_L1_SUBMITS, &s->tick_at,
        s->n_waiting + s->n_cancels > 0 ? w->now : out.wake_us);
}

static void tick_submitter(struct sim_world *w)
{
    struct sim_submit *s = &sim_l1_party(w, SIM_HOST)->submit;
    uint64_t run = w->host.p.runs;
    while (s->n_waiting > 0) {
        uint64_t job = s->waiting[0].job;
        struct ts_buf data = s->waiting[0].data;
        memmove(&s->waiting[0], &s->waiting[1], --s->n_waiting * sizeof(s->waiting[0]));
        submit_step(w, &(struct ts_l1_submit_input){.kind = TS_L1_SUBMIT_JOB,
                                                    .job = job,
                                                    .to = w->genesis.contract,
                                                    .data = ts_buf_bytes(&data)});
        ts_buf_free(&data);
        if (w->host.core == NULL || w->host.p.runs != run)
            return;
    }
    while (s->n_cancels > 0) {
        submit_step(w, &(struct ts_l1_submit_input){.kind = TS_L1_SUBMIT_CANCEL,
                                                    .job = s->cancels[--s->n_cancels]});
        if (w->host.core == NULL || w->host.p.runs != run)
            return;
    }
    submit_step(w, &(struct ts_l1_submit_input){.kind = TS_L1_SUBMIT_TICK});
}

void sim_l1_publish(struct sim_world *w, const struct ts_host_output *o)
{
    struct sim_submit *s = &sim_l1_party(w, SIM_HOST)->submit;
    TS_CHECK(s->n_waiting < SIM_L1_JOBS);
    struct ts_buf *b = &s->waiting[s->n_waiting].data;
    s->waiting[s->n_waiting++].job = o->token;
    struct ts_rollup r = *o->rollup;
    ts_bytes data = o->bytes;
    if (w->o.op != NULL && w->o.op->publishes != NULL)
        data = w->o.op->publishes(w, &r, data);
    ts_buf_init(b, 0);
    ts_l1_put_publish(b, &r, data);
    TS_CHECK(b->err == TS_OK);
    arm(w, SIM_HOST, SIM_L1_SUBMITS, &s->tick_at, w->now);
}

void sim_l1_withdraw(struct sim_world *w, uint64_t job)
{
    struct sim_submit *s = &sim_l1_party(w, SIM_HOST)->submit;
    if (s->n_cancels == SIM_L1_JOBS)
        return;
    s->cancels[s->n_cancels++] = job;
    arm(w, SIM_HOST, SIM_L1_SUBMITS, &s->tick_at, w->now);
}

/* Governance does what the host asks for, if it does so at all. */
void sim_l1_corrupted(struct sim_world *w, const struct ts_host_output *o)
{
    if (w->l1 == NULL || !w->o.l1.replaces)
        return;
    for (unsigned k = 0; k < 2; k++)
        for (unsigned i = 0; i < w->o.enclaves; i++)
            if (ts_address_equal(&w->enclaves[i].id, k == 0 ? &o->switched.to : &o->switched.from))
                sim_l1_act(w, i, k == 0);
}

/* ---- the process ---- */

static void load(struct sim_world *w, int who)
{
    struct sim_follow *f = &sim_l1_party(w, who)->follow;
    const struct sim_meta *m =
        sim_disk_meta(who == SIM_HOST ? &w->host.disk : &w->nodes[who].disk, "l1");
    if (m == NULL)
        return;
    ts_err err = ts_l1_follower_load(f->core, ts_buf_bytes(&m->value));
    if (err != TS_OK)
        tell_log(w, who, 3, "l1-state-unusable", ts_err_text((int)err));
}

static void start_submitter(struct sim_world *w)
{
    struct sim_submit *s = &sim_l1_party(w, SIM_HOST)->submit;
    struct ts_l1_submit_settings set;
    ts_l1_submit_settings_default(&set);
    set.chain_id = SIM_L1_CHAIN;
    set.confirmations = w->o.l1.confirmations;
    set.poll_us = w->o.l1.poll_us;
    set.stuck_us = w->o.l1.stuck_us;
    TS_CHECK(ts_l1_submitter_new(&set, w->crypto, &w->l1->key, &s->core) == TS_OK);
    s->tick_at = 0;
    arm(w, SIM_HOST, SIM_L1_SUBMITS, &s->tick_at, w->now);
}

void sim_l1_start(struct sim_world *w, int who)
{
    if (w->l1 == NULL)
        return;
    struct sim_follow *f = &sim_l1_party(w, who)->follow;
    struct ts_node_status st;
    *f = (struct sim_follow){.saved_us = w->now};
    ts_buf_init(&f->saving, 0);
    ts_l1_follow_settings_default(&f->settings);
    f->settings.poll_us = w->o.l1.poll_us;
    f->settings.wants_rollups = true;
    f->settings.confirmations = who == SIM_HOST ? w->o.l1.confirmations : w->o.l1.of_node[who];
    if (who != SIM_HOST) {
        ts_node_status_of(w->nodes[who].core, &st);
        f->settings.rollups_above = st.rollups.checked;
        f->settings.rollups_from = st.rollups.checked_l1;
    }
    TS_CHECK(ts_l1_follower_new(&w->genesis, &f->settings, &f->core) == TS_OK);
    load(w, who);
    arm(w, who, SIM_L1_FOLLOWS, &f->tick_at, w->now);
    if (who == SIM_HOST)
        start_submitter(w);
}

void sim_l1_stop(struct sim_world *w, int who)
{
    if (w->l1 == NULL)
        return;
    struct sim_l1_party *p = sim_l1_party(w, who);
    ts_l1_follower_free(p->follow.core);
    p->follow.core = NULL;
    ts_buf_free(&p->follow.saving);
    ts_l1_submitter_free(p->submit.core);
    p->submit.core = NULL;
    p->submit.n_cancels = 0;
    while (p->submit.n_waiting > 0)
        ts_buf_free(&p->submit.waiting[--p->submit.n_waiting].data);
}

static void take_answer(struct sim_world *w, const struct sim_ev *ev)
{
    const struct ts_l1_answer *a = &((const struct sim_l1_answer *)(const void *)ev->bytes)->a;
    if (ev->link == SIM_L1_FOLLOWS)
        step(w, ev->who, &(struct ts_l1_follow_input){.kind = TS_L1_FOLLOW_ANSWER, .answer = a});
    else if (ev->link == SIM_L1_SUBMITS)
        submit_step(w, &(struct ts_l1_submit_input){.kind = TS_L1_SUBMIT_ANSWER, .answer = a});
    else
        take_final(w, ev->who, a);
}

void sim_l1_party_event(struct sim_world *w, struct sim_ev *ev)
{
    struct sim_l1_party *p = sim_l1_party(w, ev->who);
    if (!is_up(w, ev->who) || ev->gen != sim_l1_proc(w, ev->who)->runs)
        return;
    if (ev->kind == EV_L1_ANSWER)
        take_answer(w, ev);
    else if (ev->link == SIM_L1_FOLLOWS && ev->token == p->follow.tick_at)
        tick_follower(w, ev->who);
    else if (ev->link == SIM_L1_SUBMITS && ev->token == p->submit.tick_at)
        tick_submitter(w);
}
