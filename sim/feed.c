/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds between a node and its peers: streams as those to enclaves, but that pushes may be lost,
 * doubled and late where a fault says so, since peers owe each other nothing. The serving end is
 * what the programs' feed servers do, with their session. */
#include <stdlib.h>

#include "base/check.h"
#include "operator.h"

static uint64_t make_id(struct sim_world *w, unsigned node, unsigned link)
{
    return ++w->next_conn << 8 | node << 4 | link;
}

static unsigned node_of(uint64_t id)
{
    return (unsigned)(id >> 4 & 0xf);
}

/* NULL: no longer open. */
static struct sim_feed *feed_by(struct sim_world *w, uint64_t id)
{
    unsigned node = node_of(id), link = (unsigned)(id & 0xf);
    if (node >= w->o.nodes || link >= w->o.n_peers[node])
        return NULL;
    struct sim_feed *f = &w->nodes[node].feeds[link];
    return f->id != 0 && (f->id & 0x7fffffff) == (id & 0x7fffffff) ? f : NULL;
}

static bool server_is_up(const struct sim_world *w, int server)
{
    return server == SIM_HOST ? w->host.core != NULL : w->nodes[server].core != NULL;
}

static const struct sim_disk *disk_of(const struct sim_world *w, int server)
{
    return server == SIM_HOST ? &w->host.disk : &w->nodes[server].disk;
}

static void tell_client(struct sim_world *w, unsigned node, unsigned link, uint64_t at,
                        uint64_t conn, bool up)
{
    struct sim_ev *ev = sim_schedule(w, at, EV_NODE_LINK, (int)node);
    ev->link = link;
    ev->gen = w->nodes[node].p.runs;
    ev->token = conn;
    ev->count = up;
}

static void deliver(struct sim_world *w, unsigned node, unsigned link, uint64_t at,
                    const struct ts_buf *b)
{
    TS_CHECK(b->err == TS_OK);
    struct sim_ev *ev = sim_schedule(w, at, EV_NODE_FRAME, (int)node);
    ev->link = link;
    ev->gen = w->nodes[node].p.runs;
    ev->token = w->nodes[node].feeds[link].id;
    ev->bytes = sim_copy(ts_buf_bytes(b));
    ev->n = b->n;
}

/* As with links to enclaves. */
static bool is_lost(struct sim_world *w, struct sim_feed *f)
{
    if (w->now < f->hole_until)
        f->lost = f->id;
    return f->lost == f->id;
}

static void to_client(struct sim_world *w, unsigned node, unsigned link, const struct ts_buf *b)
{
    struct sim_feed *f = &w->nodes[node].feeds[link];
    if (!is_lost(w, f))
        deliver(w, node, link, sim_later(w, w->o.feed_us, &f->to_client), b);
}

/* A push may be lost, doubled and late. */
static void push(struct sim_world *w, unsigned node, unsigned link, const struct sim_batch *batch,
                 ts_bytes raw)
{
    struct sim_feed *f = &w->nodes[node].feeds[link];
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_feed_put_batch(&b, batch != NULL ? batch->b->raw : raw);
    if (w->now >= f->noise_until) {
        to_client(w, node, link, &b);
    } else if (!is_lost(w, f)) {
        for (unsigned i = 0; i < 2; i++)
            if (sim_chance(&w->rng, 60))
                deliver(w, node, link, w->now + 1 + sim_below(&w->rng, SIM_S), &b);
    }
    ts_buf_free(&b);
}

static const struct sim_batch *shown(struct sim_world *w, int server, int node, enum sim_showing as,
                                     const struct sim_batch *b)
{
    const struct sim_operator *op = w->o.op;
    return server == SIM_HOST && op != NULL && op->show != NULL ? op->show(w, node, as, b) : b;
}

bool sim_feed_slip(struct sim_world *w, unsigned node, const struct sim_batch *b)
{
    bool is_open = false;
    for (unsigned k = 0; k < w->o.n_peers[node]; k++) {
        struct sim_feed *f = &w->nodes[node].feeds[k];
        if (f->id == 0 || !f->is_up || f->server != SIM_HOST)
            continue;
        push(w, node, k, b, b->b->raw);
        is_open = true;
    }
    return is_open;
}

void sim_feed_push(struct sim_world *w, int server, ts_bytes raw, uint64_t except)
{
    const struct sim_batch *b = server == SIM_HOST ? sim_batch_of(w, raw) : NULL;
    for (unsigned n = 0; n < w->o.nodes; n++)
        for (unsigned k = 0; k < w->o.n_peers[n]; k++) {
            struct sim_feed *f = &w->nodes[n].feeds[k];
            if (f->id == 0 || !f->is_up || f->server != server || f->id == except)
                continue;
            const struct sim_batch *as = shown(w, server, (int)n, SIM_AS_PUSH, b);
            if (as != NULL || b == NULL)
                push(w, n, k, as, raw);
        }
}

void sim_feed_connect(struct sim_world *w, unsigned node, unsigned link)
{
    struct sim_feed *f = &w->nodes[node].feeds[link];
    uint64_t at = sim_later(w, w->o.feed_us, NULL);
    f->id = make_id(w, node, link);
    f->is_up = false;
    f->to_client = f->to_server = at;
    if (w->now < f->cut_until || !server_is_up(w, f->server)) {
        tell_client(w, node, link, at, f->id, false);
        return;
    }
    ts_feed_session_init(&f->session, TS_FEED_SERVER, &w->genesis.hash, NULL, w->now);
    tell_client(w, node, link, at, f->id, true);
    const struct sim_disk *d = disk_of(w, f->server);
    struct ts_buf b;
    ts_buf_init(&b, 0);
    const struct sim_batch *head =
        d->n_committed != 0
            ? shown(w, f->server, (int)node, SIM_AS_HELLO, d->committed[d->n_committed - 1])
            : NULL;
    ts_feed_put_hello(&b, &w->genesis.hash, head != NULL ? head->number : 0,
                      head != NULL ? &head->hash : &w->genesis.hash, "peer/sim");
    to_client(w, node, link, &b);
    ts_buf_free(&b);
}

void sim_feed_close(struct sim_world *w, unsigned node, unsigned link, bool tell)
{
    struct sim_feed *f = &w->nodes[node].feeds[link];
    if (f->id == 0)
        return;
    if (tell)
        tell_client(w, node, link, sim_later(w, w->o.feed_us, &f->to_client), f->id, false);
    else
        f->id = 0;
    ts_feed_session_tick(&f->session, w->now);
}

void sim_feed_server_gone(struct sim_world *w, int server)
{
    for (unsigned n = 0; n < w->o.nodes; n++)
        for (unsigned k = 0; k < w->o.n_peers[n]; k++)
            if (w->nodes[n].feeds[k].server == server)
                sim_feed_close(w, n, k, true);
}

void sim_feed_refuse(struct sim_world *w, uint64_t conn)
{
    if (feed_by(w, conn) != NULL)
        sim_feed_close(w, node_of(conn), (unsigned)(conn & 0xf), true);
}

void sim_feed_send(struct sim_world *w, unsigned node, unsigned link, ts_bytes message)
{
    struct sim_feed *f = &w->nodes[node].feeds[link];
    if (f->id == 0 || !f->is_up || is_lost(w, f))
        return;
    struct sim_ev *ev =
        sim_schedule(w, sim_later(w, w->o.feed_us, &f->to_server), EV_TO_SERVER, f->server);
    ev->token = f->id;
    ev->bytes = sim_copy(message);
    ev->n = message.n;
}

/* ---- the serving end ---- */

static void answer_get(struct sim_world *w, struct sim_feed *f, const struct ts_feed_get *get)
{
    static struct ts_store_batch found[TS_FEED_MAX_GET];
    static ts_bytes list[TS_FEED_MAX_GET];
    unsigned node = node_of(f->id);
    struct ts_feed_frame frame = {.type = TS_FEED_BATCHES, .id = get->id, .batches = list};
    size_t n = sim_disk_list(disk_of(w, f->server), get->from,
                             get->count < TS_FEED_MAX_GET ? get->count : TS_FEED_MAX_GET, found);
    for (size_t i = 0; i < n; i++) {
        const struct sim_batch *b = sim_batch_of(w, found[i].raw);
        b = shown(w, f->server, (int)node, SIM_AS_ANSWER, b);
        if (b == NULL)
            break;
        list[frame.n_batches++] = b->b->raw;
    }
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_feed_put(&b, &frame);
    to_client(w, node, (unsigned)(f->id & 0xf), &b);
    ts_buf_free(&b);
}

static void put_accepted(struct sim_world *w, struct sim_feed *f, uint64_t id, ts_err code,
                         const char *text)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_feed_session_tx_done(&f->session);
    ts_feed_put_accepted(&b, id, code, text);
    to_client(w, node_of(f->id), (unsigned)(f->id & 0xf), &b);
    ts_buf_free(&b);
}

/* A token names connection and request, so that the answer finds back. */
void sim_feed_accepted(struct sim_world *w, uint64_t token, ts_err code, const char *text)
{
    struct sim_feed *f = feed_by(w, token >> 32 & 0x7fffffff);
    if (f != NULL)
        put_accepted(w, f, token & 0xffffffff, code, text);
}

static void take_tx(struct sim_world *w, struct sim_feed *f, const struct ts_feed_frame *frame)
{
    uint64_t token = SIM_FEED_TOKEN | (f->id & 0x7fffffff) << 32 | frame->id;
    if (f->server == SIM_HOST) {
        struct ts_host_input in = {.kind = TS_IN_TX, .token = token, .bytes = frame->bytes};
        sim_host_input(w, &in);
    } else {
        struct ts_node_input in = {
            .kind = TS_NODE_IN_TX, .token = token, .bytes = frame->bytes, .is_relay = true};
        sim_node_input(w, (unsigned)f->server, &in);
    }
}

static bool server_sleeps(struct sim_world *w, struct sim_feed *f, struct sim_ev *ev)
{
    const struct sim_proc *p = f->server == SIM_HOST ? &w->host.p : &w->nodes[f->server].p;
    if (p->asleep_until <= w->now)
        return false;
    struct sim_ev *later = sim_schedule(w, p->asleep_until, EV_TO_SERVER, ev->who);
    later->token = ev->token;
    later->bytes = ev->bytes;
    later->n = ev->n;
    ev->bytes = NULL;
    return true;
}

static void take_message(struct sim_world *w, struct sim_feed *f, ts_bytes message)
{
    struct ts_arena arena;
    struct ts_feed_frame frame;
    struct ts_feed_get get;
    char why[TS_FEED_TEXT_MAX];
    ts_arena_init(&arena, 0);
    ts_err err = ts_feed_session_receive(&f->session, w->now, message, &arena, &frame, NULL, why);
    if (err == TS_E_BUSY)
        put_accepted(w, f, frame.id, err, why);
    else if (err != TS_OK)
        sim_feed_close(w, node_of(f->id), (unsigned)(f->id & 0xf), true);
    else if (frame.type == TS_FEED_GET && ts_feed_session_next_get(&f->session, &get))
        answer_get(w, f, &get);
    else if (frame.type == TS_FEED_TRANSACTION)
        take_tx(w, f, &frame);
    else if (frame.type == TS_FEED_BATCH && f->server != SIM_HOST) {
        struct ts_node_input in = {.kind = TS_NODE_IN_BATCH, .peer = f->id, .bytes = frame.bytes};
        sim_node_input(w, (unsigned)f->server, &in);
    }
    ts_arena_free(&arena);
}

void sim_feed_event(struct sim_world *w, struct sim_ev *ev)
{
    struct sim_feed *f = feed_by(w, ev->token);
    if (f != NULL && w->now < f->cut_until)
        f->lost = f->id; /* nothing comes through after it */
    if (f == NULL || f->id != ev->token || !server_is_up(w, f->server) || f->lost == f->id ||
        server_sleeps(w, f, ev))
        return;
    take_message(w, f, ts_bytes_of(ev->bytes, ev->n));
}
