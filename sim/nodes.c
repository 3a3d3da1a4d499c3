/* SPDX-License-Identifier: Apache-2.0 */
/* Processes with a node core. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tenseq/finding.h"
#include "world.h"

static struct sim_link *enclave_link(struct sim_world *w, unsigned node)
{
    for (unsigned i = w->o.enclaves; i < w->n_enclaves; i++)
        if (w->links[i].owner == (int)node)
            return &w->links[i];
    return NULL;
}

/* ---- what the core wants done ---- */

static void tell_log(struct sim_world *w, unsigned node, const struct ts_node_output *o)
{
    struct sim_event ev = {.kind = SIM_LOG, .who = (int)node, .number = (uint64_t)o->level};
    char text[600];
    snprintf(text, sizeof(text), "%s %s", o->event, o->text != NULL ? o->text : "");
    ev.text = text;
    sim_tell(w, &ev);
}

static void tell_finding(struct sim_world *w, unsigned node, const struct ts_finding *f)
{
    struct sim_event ev = {.kind = SIM_FINDING,
                           .who = (int)node,
                           .number = f->first,
                           .hash = f->hash,
                           .finding = f,
                           .text = f->text};
    sim_tell(w, &ev);
}

static void load(struct sim_world *w, unsigned node, const struct ts_node_output *o)
{
    struct sim_ev *ev =
        sim_schedule(w, sim_later(w, w->o.disk_us, NULL), EV_NODE_LOADED, (int)node);
    ev->gen = w->nodes[node].p.runs;
    ev->token = o->token;
    ev->from = o->from;
    ev->count = o->count;
}

static void reply(struct sim_world *w, const struct ts_node_output *o)
{
    if ((o->token & SIM_FEED_TOKEN) != 0)
        sim_feed_accepted(w, o->token, o->err, o->text);
    else
        sim_wallet_told(w, o->token, o->err, o->text);
}

static void wire(struct sim_world *w, unsigned node, const struct ts_node_output *o)
{
    struct sim_link *l = o->link == TS_NODE_LINK_ENCLAVE ? enclave_link(w, node) : NULL;
    if (o->kind == TS_NODE_OUT_CONNECT) {
        if (l != NULL)
            sim_connect(w, l);
        else
            sim_feed_connect(w, node, o->link);
    } else if (o->kind == TS_NODE_OUT_CLOSE) {
        if (l != NULL)
            sim_close(w, l);
        else
            sim_feed_close(w, node, o->link, false);
    } else {
        if (l != NULL)
            sim_send(w, l, o->bytes);
        else
            sim_feed_send(w, node, o->link, o->bytes);
    }
}

static void output(struct sim_world *w, unsigned node, const struct ts_node_output *o)
{
    struct sim_node *n = &w->nodes[node];
    switch (o->kind) {
    case TS_NODE_OUT_CONNECT:
    case TS_NODE_OUT_CLOSE:
    case TS_NODE_OUT_SEND:
        wire(w, node, o);
        return;
    case TS_NODE_OUT_STORE:
        sim_disk_store(w, &n->disk, (int)node, n->p.runs, o->token, o->ops, o->n_ops);
        return;
    case TS_NODE_OUT_LOAD:
        load(w, node, o);
        return;
    case TS_NODE_OUT_VERIFY:
        TS_CHECK(false); /* verify_run is 0: it checks in the step */
        return;
    case TS_NODE_OUT_COMMITTED:
        n->head = o->number;
        if (o->push)
            sim_feed_push(w, (int)node, o->bytes, 0);
        return;
    case TS_NODE_OUT_EVIDENCE:
        sim_feed_push(w, (int)node, o->bytes, o->peer);
        return;
    case TS_NODE_OUT_REFUSE:
        sim_feed_refuse(w, o->peer);
        return;
    case TS_NODE_OUT_REPLY:
        reply(w, o);
        return;
    case TS_NODE_OUT_EVENT:
        tell_log(w, node, o);
        return;
    case TS_NODE_OUT_FINDING:
        tell_finding(w, node, o->finding);
        return;
    case TS_NODE_OUT_L1_ASK:
        sim_l1_ask(w, (int)node, o->number);
        return;
    case TS_NODE_OUT_L1_FORGET:
        sim_l1_forget(w, (int)node, o->number);
        return;
    case TS_NODE_OUT_ROLLUPS:
        sim_l1_rollups_again(w, node, o->number, o->from);
        return;
    case TS_NODE_OUT_STOPPED:
        return; /* outputs() */
    }
}

static void outputs(struct sim_world *w, unsigned node, const struct ts_node_outputs *out)
{
    struct sim_node *n = &w->nodes[node];
    for (size_t i = 0; i < out->n; i++) {
        bool ends = out->out[i].kind == TS_NODE_OUT_STOPPED;
        output(w, node, &out->out[i]);
        if (ends || (n->p.die_after > 0 && --n->p.die_after == 0)) {
            sim_node_kill(w, node);
            return;
        }
    }
    n->wake = out->wake_us;
    if (n->wake == UINT64_MAX || (n->tick_at > w->now && n->tick_at <= n->wake))
        return;
    n->tick_at = n->wake > w->now ? n->wake : w->now + 1;
    sim_schedule(w, n->tick_at, EV_NODE_TICK, (int)node)->gen = n->p.runs;
}

void sim_node_input(struct sim_world *w, unsigned i, struct ts_node_input *in)
{
    struct sim_node *n = &w->nodes[i];
    if (n->core == NULL)
        return;
    struct ts_node_outputs out;
    ts_node_step(n->core, sim_clock(w, &n->p), in, &out);
    outputs(w, i, &out);
}

/* ---- the process ---- */

static void load_disk(struct sim_node *n)
{
    const struct sim_meta *chain = sim_disk_meta(&n->disk, "chain");
    const struct sim_meta *roots = sim_disk_meta(&n->disk, "roots");
    const struct sim_meta *audit = sim_disk_meta(&n->disk, "audit");
    struct ts_store_batch b;
    char why[160];
    const struct sim_meta *line = sim_disk_meta(&n->disk, "line");
    if (chain != NULL && chain->value.n == 0)
        chain = NULL; /* it left its line */
    if (chain != NULL && roots != NULL && audit != NULL)
        TS_CHECK(ts_node_load_chain(n->core, ts_buf_bytes(&chain->value),
                                    ts_buf_bytes(&roots->value),
                                    ts_buf_bytes(&audit->value)) == TS_OK);
    const struct sim_meta *timeline = sim_disk_meta(&n->disk, "timeline");
    if (chain != NULL && timeline != NULL)
        TS_CHECK(ts_node_load_timeline(n->core, ts_buf_bytes(&timeline->value)) == TS_OK);
    for (uint64_t k = ts_node_chain(n->core)->head.number + 1;
         sim_disk_list(&n->disk, k, 1, &b) == 1; k++)
        TS_CHECK(ts_node_load_batch(n->core, &b, why) == TS_OK);
    for (size_t i = 0; i < n->disk.n_evidence; i++)
        ts_node_load_evidence(n->core, &n->disk.evidence[i].id,
                              ts_bytes_of(n->disk.evidence[i].raw, n->disk.evidence[i].n));
    for (size_t i = 0; i < n->disk.n_rollups; i++)
        TS_CHECK(ts_node_load_rollup(n->core, ts_bytes_of(n->disk.rollups[i].record,
                                                          n->disk.rollups[i].n)) == TS_OK);
    if (line != NULL)
        TS_CHECK(ts_node_load_line(n->core, ts_buf_bytes(&line->value)) == TS_OK);
}

void sim_node_start(struct sim_world *w, unsigned i)
{
    struct sim_node *n = &w->nodes[i];
    if (n->core != NULL || n->p.held_down)
        return;
    struct ts_node_start start = {.genesis = &w->genesis,
                                  .genesis_raw = ts_bytes_of(w->genesis_raw, w->n_genesis_raw),
                                  .crypto = w->crypto,
                                  .engine = &ts_ledger_engine,
                                  .name = "node/sim",
                                  .n_peers = w->o.n_peers[i],
                                  .has_enclave = w->o.validator[i],
                                  .follows_l1 = w->l1 != NULL,
                                  .seed = {w->o.seed, i}};
    ts_node_settings_default(&start.settings);
    start.settings.verify_run = 0;
    if (w->o.batches < 2 * start.settings.chain_every)
        start.settings.chain_every = 128; /* a short world has some, too */
    if (w->o.snapshot_every != 0)
        start.settings.snapshot_every = w->o.snapshot_every;
    TS_CHECK(ts_node_new(&start, &n->core) == TS_OK);
    n->p.runs++;
    n->p.asleep_until = 0;
    n->p.die_after = 0;
    n->tick_at = 0;
    struct sim_event ev = {.kind = SIM_NODE_UP, .who = (int)i, .number = n->p.runs};
    sim_tell(w, &ev);
    load_disk(n);
    sim_l1_start(w, (int)i);
    struct ts_node_outputs out;
    ts_node_begin(n->core, sim_clock(w, &n->p), &out);
    outputs(w, i, &out);
}

void sim_node_kill(struct sim_world *w, unsigned i)
{
    struct sim_node *n = &w->nodes[i];
    if (n->core == NULL)
        return;
    sim_disk_crash(w, &n->disk, (int)i);
    sim_l1_stop(w, (int)i);
    ts_node_free(n->core);
    n->core = NULL;
    n->p.asleep_until = 0;
    for (unsigned k = 0; k < w->o.n_peers[i]; k++)
        sim_feed_close(w, i, k, false);
    sim_feed_server_gone(w, (int)i);
    struct sim_link *l = enclave_link(w, i);
    if (l != NULL)
        sim_close(w, l);
    struct sim_event ev = {.kind = SIM_NODE_DOWN, .who = (int)i, .number = n->p.runs};
    sim_tell(w, &ev);
    if (!n->p.held_down)
        sim_schedule(w, w->now + w->o.restart_us, EV_NODE_START, (int)i);
}

static void give_batches(struct sim_world *w, const struct sim_ev *ev)
{
    struct ts_store_batch *list = sim_must(calloc((size_t)ev->count + 1, sizeof(*list)));
    struct ts_node_input in = {.kind = TS_NODE_IN_LOADED, .token = ev->token, .batches = list};
    in.n_batches = sim_disk_list(&w->nodes[ev->who].disk, ev->from, ev->count, list);
    sim_node_input(w, (unsigned)ev->who, &in);
    free(list);
}

static void tick(struct sim_world *w, const struct sim_ev *ev)
{
    struct sim_node *n = &w->nodes[ev->who];
    if (n->tick_at == ev->at || n->tick_at <= w->now)
        n->tick_at = 0;
    if (n->wake <= w->now) {
        struct ts_node_input in = {.kind = TS_NODE_IN_TICK};
        sim_node_input(w, (unsigned)ev->who, &in);
    } else if (n->tick_at == 0 && n->wake != UINT64_MAX) {
        n->tick_at = n->wake;
        sim_schedule(w, n->wake, EV_NODE_TICK, ev->who)->gen = n->p.runs;
    }
}

void sim_node_event(struct sim_world *w, struct sim_ev *ev)
{
    unsigned i = (unsigned)ev->who;
    struct sim_node *n = &w->nodes[i];
    if (ev->kind == EV_NODE_START) {
        sim_node_start(w, i);
        return;
    }
    if (n->core == NULL || ev->gen != n->p.runs)
        return;
    struct ts_node_input in = {.link = ev->link, .token = ev->token};
    struct sim_feed *f = &n->feeds[ev->link];
    switch (ev->kind) {
    case EV_NODE_TICK:
        tick(w, ev);
        return;
    case EV_NODE_STORED:
        in.kind = TS_NODE_IN_STORED;
        in.err = sim_disk_done(w, &n->disk, ev->who, ev->token);
        if (sim_l1_stored(w, ev->who, ev->token, in.err))
            return;
        break;
    case EV_NODE_LOADED:
        give_batches(w, ev);
        return;
    case EV_NODE_LINK:
        if (f->id != ev->token)
            return;
        f->is_up = ev->count == 1;
        if (!f->is_up)
            f->id = 0;
        in.kind = f->is_up ? TS_NODE_IN_LINK_UP : TS_NODE_IN_LINK_DOWN;
        in.text = f->is_up ? NULL : "closed by the peer";
        break;
    default:
        if (f->id != ev->token || !f->is_up)
            return;
        in.kind = TS_NODE_IN_FRAME;
        in.bytes = ts_bytes_of(ev->bytes, ev->n);
        break;
    }
    sim_node_input(w, i, &in);
}
