/* SPDX-License-Identifier: Apache-2.0 */
/* The process with the host core. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "operator.h"

#define ORDER_TOKEN (UINT64_C(1) << 62)

/* ---- what the core wants done ---- */

static void broadcast(struct sim_world *w, const struct ts_host_output *o)
{
    const struct sim_batch *b = sim_batch_of(w, o->bytes);
    TS_CHECK(b != NULL);
    w->newest = b;
    struct sim_event ev = {
        .kind = SIM_BROADCAST, .who = SIM_HOST, .number = b->number, .hash = b->hash, .batch = b};
    sim_tell(w, &ev);
    if (w->o.op != NULL && w->o.op->sees != NULL)
        w->o.op->sees(w, b);
    sim_wallet_sees(w, b);
    sim_feed_push(w, SIM_HOST, o->bytes, 0);
}

static void reply(struct sim_world *w, const struct ts_host_output *o)
{
    if ((o->token & SIM_FEED_TOKEN) != 0)
        sim_feed_accepted(w, o->token, o->err, o->text);
    else if ((o->token & ORDER_TOKEN) == 0)
        sim_wallet_told(w, o->token, o->err, o->text);
}

static void load(struct sim_world *w, const struct ts_host_output *o)
{
    struct sim_ev *ev = sim_schedule(w, sim_later(w, w->o.disk_us, NULL), EV_HOST_LOADED, SIM_HOST);
    ev->gen = w->host.p.runs;
    ev->token = o->token;
    ev->from = o->from;
    ev->count = o->count;
}

static void tell_log(struct sim_world *w, const struct ts_host_output *o)
{
    struct sim_event ev = {.kind = SIM_LOG, .who = SIM_HOST, .number = (uint64_t)o->level};
    char text[600];
    snprintf(text, sizeof(text), "%s %s", o->event, o->text != NULL ? o->text : "");
    ev.text = text;
    sim_tell(w, &ev);
}

static void output(struct sim_world *w, const struct ts_host_output *o)
{
    struct sim_host *h = &w->host;
    switch (o->kind) {
    case TS_OUT_CONNECT:
        sim_connect(w, &w->links[o->link]);
        return;
    case TS_OUT_CLOSE:
        sim_close(w, &w->links[o->link]);
        return;
    case TS_OUT_SEND:
        sim_send(w, &w->links[o->link], o->bytes);
        return;
    case TS_OUT_STORE:
        sim_disk_store(w, &h->disk, SIM_HOST, h->p.runs, o->token, o->ops, o->n_ops);
        return;
    case TS_OUT_LOAD:
        load(w, o);
        return;
    case TS_OUT_BROADCAST:
        broadcast(w, o);
        return;
    case TS_OUT_REPLY:
        reply(w, o);
        return;
    case TS_OUT_EVENT:
        tell_log(w, o);
        return;
    case TS_OUT_CORRUPTED:
        sim_l1_corrupted(w, o);
        return;
    case TS_OUT_PUBLISH:
        sim_l1_publish(w, o);
        return;
    case TS_OUT_WITHDRAW:
        sim_l1_withdraw(w, o->token);
        return;
    case TS_OUT_L1_ASK:
        sim_l1_ask(w, SIM_HOST, o->number);
        return;
    case TS_OUT_STOPPED:
        return;
    }
}

static void outputs(struct sim_world *w, const struct ts_host_outputs *out)
{
    struct sim_host *h = &w->host;
    for (size_t i = 0; i < out->n; i++) {
        output(w, &out->out[i]);
        if (h->p.die_after > 0 && --h->p.die_after == 0) {
            sim_host_kill(w);
            return;
        }
    }
    h->wake = out->wake_us;
    if (h->wake == UINT64_MAX || (h->tick_at > w->now && h->tick_at <= h->wake))
        return;
    h->tick_at = h->wake > w->now ? h->wake : w->now + 1;
    sim_schedule(w, h->tick_at, EV_HOST_TICK, SIM_HOST)->gen = h->p.runs;
}

void sim_host_input(struct sim_world *w, struct ts_host_input *in)
{
    if (w->host.core == NULL)
        return;
    struct ts_host_outputs out;
    ts_host_step(w->host.core, sim_clock(w, &w->host.p), in, &out);
    outputs(w, &out);
}

/* ---- the process ---- */

/* The header of the block that the head names. */
static void load_l1(const struct sim_world *w, struct ts_host *core, const struct sim_disk *d)
{
    uint64_t head = ts_host_chain(core)->head.number;
    struct ts_store_batch b;
    if (w->l1 != NULL && sim_disk_list(d, head, 1, &b) == 1)
        ts_host_load_l1(core, b.l1_header);
}

/* In the order of the shell: snapshot, committed, prepared, discarded, settings, pool. */
static void load_disk(struct sim_world *w)
{
    struct ts_host *core = w->host.core;
    const struct sim_disk *d = &w->host.disk;
    const struct sim_meta *chain = sim_disk_meta(d, "chain");
    if (chain != NULL)
        TS_CHECK(ts_host_load_chain(core, ts_buf_bytes(&chain->value)) == TS_OK);
    struct ts_store_batch b;
    for (uint64_t n = ts_host_chain(core)->head.number + 1; sim_disk_list(d, n, 1, &b) == 1; n++)
        TS_CHECK(ts_host_load_committed(core, &b) == TS_OK);
    if (d->prepared != NULL) {
        b = sim_disk_batch(d, d->prepared, TS_BATCH_PREPARED);
        TS_CHECK(ts_host_load_prepared(core, &b) == TS_OK);
    }
    for (size_t i = 0; i < d->n_discarded; i++) {
        const struct sim_batch *x = d->discarded[i];
        b = sim_disk_batch(d, x, TS_BATCH_DISCARDED);
        if (x->number > d->n_committed)
            TS_CHECK(ts_host_load_discarded(core, &b) == TS_OK);
    }
    for (size_t i = 0; i < d->n_metas; i++)
        if (strcmp(d->metas[i].key, "chain") != 0 && strcmp(d->metas[i].key, "l1") != 0)
            TS_CHECK(ts_host_load_meta(core, d->metas[i].key, ts_buf_bytes(&d->metas[i].value)) ==
                     TS_OK);
    load_l1(w, core, d);
    for (size_t i = d->first_tx; i < d->n_txs; i++) {
        struct ts_store_tx t = d->txs[i].t;
        t.raw = ts_bytes_of(d->txs[i].raw, t.raw.n);
        if (d->txs[i].there)
            TS_CHECK(ts_host_load_tx(core, &t) == TS_OK);
    }
}

void sim_host_start(struct sim_world *w)
{
    struct sim_host *h = &w->host;
    if (h->core != NULL || h->p.held_down)
        return;
    struct ts_host_start start = {.genesis = &w->genesis,
                                  .genesis_raw = ts_bytes_of(w->genesis_raw, w->n_genesis_raw),
                                  .crypto = w->crypto,
                                  .engine = &ts_ledger_engine,
                                  .n_links = w->o.enclaves,
                                  .seed = {w->o.seed, 2}};
    struct ts_host_settings *s = &start.settings;
    const struct sim_options *o = &w->o;
    ts_host_settings_default(s, &w->genesis);
    s->commit_quorum = o->commit_quorum != 0 ? o->commit_quorum : s->commit_quorum;
    s->dispute_hold_us = o->dispute_hold_us != 0 ? o->dispute_hold_us : s->dispute_hold_us;
    s->snapshot_every = o->snapshot_every != 0 ? o->snapshot_every : s->snapshot_every;
    s->pool_max_txs = o->pool_max_txs != 0 ? o->pool_max_txs : s->pool_max_txs;
    if (o->l1.is_there) {
        s->publishes = true;
        s->rollup_batches = o->l1.rollup_batches;
        s->rollup_bytes = o->l1.rollup_bytes;
        s->rollup_us = o->l1.rollup_us;
    }
    TS_CHECK(ts_host_new(&start, &h->core) == TS_OK);
    h->p.runs++;
    h->p.asleep_until = 0;
    h->p.die_after = 0;
    h->tick_at = 0;
    struct sim_event ev = {.kind = SIM_HOST_UP, .who = SIM_HOST, .number = h->p.runs};
    sim_tell(w, &ev);
    load_disk(w);
    sim_l1_start(w, SIM_HOST);
    struct ts_host_outputs out;
    ts_host_begin(h->core, sim_clock(w, &h->p), &out);
    outputs(w, &out);
}

void sim_host_kill(struct sim_world *w)
{
    struct sim_host *h = &w->host;
    if (h->core == NULL)
        return;
    sim_disk_crash(w, &h->disk, SIM_HOST);
    sim_l1_stop(w, SIM_HOST);
    ts_host_free(h->core);
    h->core = NULL;
    h->p.asleep_until = 0;
    for (unsigned i = 0; i < w->o.enclaves; i++)
        sim_close(w, &w->links[i]);
    sim_feed_server_gone(w, SIM_HOST);
    struct sim_event ev = {.kind = SIM_HOST_DOWN, .who = SIM_HOST, .number = h->p.runs};
    sim_tell(w, &ev);
    if (!h->p.held_down)
        sim_schedule(w, w->now + w->o.restart_us, EV_HOST_START, SIM_HOST);
}

void sim_host_order(struct sim_world *w, enum ts_host_admin what, int enclave)
{
    struct ts_host_input in = {.kind = TS_IN_ADMIN,
                               .token = ORDER_TOKEN | ++w->host.n_orders,
                               .admin = what,
                               .has_id = enclave >= 0};
    if (enclave >= 0)
        in.id = w->enclaves[enclave].id;
    sim_host_input(w, &in);
}

static void give_batches(struct sim_world *w, const struct sim_ev *ev)
{
    struct ts_store_batch *list = sim_must(calloc((size_t)ev->count + 1, sizeof(*list)));
    struct ts_host_input in = {.kind = TS_IN_LOADED, .token = ev->token, .batches = list};
    in.n_batches = sim_disk_list(&w->host.disk, ev->from, ev->count, list);
    sim_host_input(w, &in);
    free(list);
}

void sim_host_event(struct sim_world *w, struct sim_ev *ev)
{
    struct sim_host *h = &w->host;
    if (ev->kind == EV_HOST_START) {
        sim_host_start(w);
        return;
    }
    if (h->core == NULL || ev->gen != h->p.runs)
        return;
    struct ts_host_input in = {.kind = TS_IN_TICK};
    if (ev->kind == EV_HOST_TICK) {
        if (h->tick_at == ev->at || h->tick_at <= w->now)
            h->tick_at = 0;
        if (h->wake > w->now) { /* it was put off */
            if (h->tick_at == 0 && h->wake != UINT64_MAX) {
                h->tick_at = h->wake;
                sim_schedule(w, h->wake, EV_HOST_TICK, SIM_HOST)->gen = h->p.runs;
            }
            return;
        }
        sim_host_input(w, &in);
    } else if (ev->kind == EV_HOST_STORED) {
        in.kind = TS_IN_STORED;
        in.token = ev->token;
        in.err = sim_disk_done(w, &h->disk, SIM_HOST, ev->token);
        if (!sim_l1_stored(w, SIM_HOST, ev->token, in.err))
            sim_host_input(w, &in);
    } else {
        give_batches(w, ev);
    }
}
