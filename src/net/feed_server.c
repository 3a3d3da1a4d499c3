/* SPDX-License-Identifier: Apache-2.0 */
#include "net/feed_server.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/map.h"
#include "net/feed_guard.h"

#define ANSWER_ROOM (1024u * 1024) /* a peer with more than this waiting gets no answer yet */
#define RETRY_MS    5              /* until it is looked at again */
#define TICK_MS     500            /* how exactly deadlines of HELLO are kept */
#define MAX_TICKETS 65536          /* transactions unanswered, of all peers together */
#define KEEP_BUF    (4u * 1024 * 1024)

struct peer {
    struct peer *next;
    struct ts_feed_server *server;
    struct ts_ws *ws;
    uint64_t id;
    bool is_counted; /* among n_subscribers */
    struct ts_feed_session session;
};

/* Where the answer to a transaction goes. */
struct ticket {
    uint64_t peer;
    uint64_t id;
};

struct ts_feed_server {
    struct ts_feed_server_config config;
    char name[TS_FEED_NAME_MAX + 1];
    uv_loop_t *loop;
    uv_timer_t work, tick;
    unsigned n_handles;
    bool is_closed;
    struct peer *peers; /* the next to be served first */
    size_t n_peers, n_subscribers;
    struct ts_feed_guard guard;
    struct ts_map tickets; /* uint64_t → struct ticket */
    uint64_t last_ticket;
    struct ts_buf buf;
    struct ts_arena arena;
    struct ts_feed_server_counters counters;
};

static uint64_t now_us(void)
{
    return uv_hrtime() / 1000;
}

/* The buffer for one frame. A huge one is not kept. */
static struct ts_buf *fresh(struct ts_feed_server *f)
{
    if (f->buf.cap > KEEP_BUF)
        ts_buf_free(&f->buf);
    ts_buf_reset(&f->buf);
    return &f->buf;
}

/* A full queue closes the connection; its on_close does the rest. */
static bool send_buf(struct peer *p)
{
    const struct ts_buf *b = &p->server->buf;
    return b->err == TS_OK && ts_ws_send(p->ws, ts_buf_bytes(b), true) == TS_OK;
}

/* ---- ending a peer ---- */

static void uncount(struct peer *p)
{
    p->server->n_subscribers -= p->is_counted;
    p->is_counted = false;
}

static void end(struct peer *p, uint16_t close_code, ts_err err, const char *text)
{
    struct ts_feed_server *f = p->server;
    p->session.is_closed = true;
    p->session.n_gets = 0;
    uncount(p);
    ts_feed_put_error(fresh(f), err, text);
    (void)send_buf(p);
    char reason[100];
    snprintf(reason, sizeof(reason), "%s", text);
    ts_ws_close(p->ws, close_code, reason);
}

static void offend(struct peer *p, ts_err err, const char *text)
{
    ts_feed_guard_offence(&p->server->guard, ts_ws_peer(p->ws), now_us());
    end(p, 1008, err, text);
}

static void count_error(struct ts_feed_server_counters *c, ts_err err)
{
    if (err == TS_E_STATE)
        c->illegal++;
    else if (err == TS_E_LIMIT)
        c->too_many++;
    else if (err == TS_E_VERSION || err == TS_E_FOREIGN)
        c->foreign++;
    else
        c->malformed++;
}

/* ---- opening and closing ---- */

static void say_hello(struct peer *p)
{
    struct ts_feed_server *f = p->server;
    ts_feed_put_hello(fresh(f), &f->config.genesis, f->config.head_number, &f->config.head_hash,
                      f->name);
    (void)send_buf(p);
}

static size_t peers_at(const struct ts_feed_server *f, const char *addr)
{
    size_t n = 0;
    for (const struct peer *p = f->peers; p != NULL; p = p->next)
        n += strcmp(ts_ws_peer(p->ws), addr) == 0;
    return n;
}

/* Why a new connection may not stay; 0 or a sentence in text. */
static bool may_stay(struct ts_feed_server *f, struct ts_ws *ws, char *text, size_t size)
{
    const char *addr = ts_ws_peer(ws);
    uint64_t wait = ts_feed_guard_wait(&f->guard, addr, now_us());
    if (wait > 0)
        snprintf(text, size, "this address sent bad frames too often: come back in %" PRIu64 " ms",
                 wait / 1000 + 1);
    else if (f->n_peers > f->config.max_peers)
        snprintf(text, size, "too many peers are connected");
    else if (!ts_ws_is_local(ws) && peers_at(f, addr) > f->config.max_peers_per_addr)
        snprintf(text, size, "too many peers are connected from this address");
    else
        return true;
    return false;
}

static void on_open(void *ctx, struct ts_ws *ws)
{
    struct ts_feed_server *f = ctx;
    char text[128];
    struct peer *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        ts_ws_close(ws, 1011, "out of memory");
        return;
    }
    p->server = f;
    p->ws = ws;
    p->id = ts_ws_id(ws);
    ts_feed_session_init(&p->session, TS_FEED_SERVER, &f->config.genesis, &f->config.limits,
                         now_us());
    ts_ws_set_user(ws, p);
    struct peer **last = &f->peers;
    while (*last != NULL)
        last = &(*last)->next;
    *last = p;
    f->n_peers++;
    if (may_stay(f, ws, text, sizeof(text))) {
        say_hello(p);
        return;
    }
    f->counters.refused++;
    end(p, 1013, TS_E_BUSY, text);
}

static void unlink_peer(struct ts_feed_server *f, struct peer *p)
{
    struct peer **at = &f->peers;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    p->next = NULL;
}

static void free_if_done(struct ts_feed_server *f)
{
    if (!f->is_closed || f->n_handles > 0 || f->n_peers > 0)
        return;
    ts_feed_guard_free(&f->guard);
    ts_map_free(&f->tickets);
    ts_buf_free(&f->buf);
    ts_arena_free(&f->arena);
    free(f);
}

static void on_close(void *ctx, struct ts_ws *ws)
{
    struct ts_feed_server *f = ctx;
    struct peer *p = ts_ws_user(ws);
    if (p == NULL)
        return;
    uncount(p);
    unlink_peer(f, p);
    f->n_peers--;
    free(p);
    free_if_done(f);
}

/* ---- ranges ---- */

struct collect {
    struct ts_feed_server *f;
    size_t n;
    uint64_t next;
};

static bool collect_one(void *ctx, const struct ts_store_batch *b)
{
    struct collect *c = ctx;
    struct ts_buf *buf = &c->f->buf;
    if (b->number != c->next || (c->n > 0 && buf->n + b->raw.n > c->f->config.max_answer))
        return false;
    ts_put_bytes(buf, b->raw);
    c->n++;
    c->next++;
    c->f->counters.bytes_served += b->raw.n;
    return buf->err == TS_OK;
}

/* Only what HELLO and pushes have told of; a batch that is being stored is not there yet. */
static ts_err read_range(struct ts_feed_server *f, const struct ts_feed_get *get, struct collect *c)
{
    uint64_t head = f->config.head_number;
    if (get->from > head)
        return TS_OK;
    uint64_t count = head - get->from + 1 < get->count ? head - get->from + 1 : get->count;
    ts_err err = f->config.read(f->config.ctx, get->from, count, collect_one, c);
    return err == TS_E_NOT_FOUND ? TS_OK : err;
}

static void serve(struct peer *p)
{
    struct ts_feed_server *f = p->server;
    struct ts_feed_get get;
    struct collect c = {.f = f};
    if (!ts_feed_session_next_get(&p->session, &get))
        return;
    c.next = get.from;
    struct ts_buf *b = fresh(f);
    size_t frame = ts_put_list(b);
    ts_put_u64(b, TS_FEED_BATCHES);
    ts_put_u64(b, get.id);
    size_t list = ts_put_list(b);
    ts_err err = read_range(f, &get, &c);
    if (err != TS_OK || b->err != TS_OK) {
        f->counters.read_failures++;
        end(p, 1011, TS_E_IO, "the range could not be read here");
        return;
    }
    ts_put_list_end(b, list);
    ts_put_list_end(b, frame);
    f->counters.batches_served += c.n;
    (void)send_buf(p);
}

static void on_work(uv_timer_t *timer);

static void want_work(struct ts_feed_server *f, uint64_t ms)
{
    if (!f->is_closed && !uv_is_active((const uv_handle_t *)&f->work))
        uv_timer_start(&f->work, on_work, ms, 0);
}

/* One answer at a turn of the loop, the peers one after the other. */
static void on_work(uv_timer_t *timer)
{
    struct ts_feed_server *f = timer->data;
    struct peer *p = f->peers;
    bool is_waiting = false;
    for (; p != NULL; p = p->next) {
        if (p->session.n_gets == 0)
            continue;
        is_waiting = true;
        if (ts_ws_queued(p->ws) < ANSWER_ROOM)
            break;
    }
    if (p == NULL) {
        if (is_waiting)
            want_work(f, RETRY_MS);
        return;
    }
    unlink_peer(f, p);
    struct peer **last = &f->peers;
    while (*last != NULL)
        last = &(*last)->next;
    *last = p;
    serve(p);
    want_work(f, 0);
}

/* ---- messages ---- */

static void answer_tx(struct peer *p, uint64_t id, ts_err code, const char *text)
{
    ts_feed_put_accepted(fresh(p->server), id, code, text);
    (void)send_buf(p);
}

static void take_tx(struct peer *p, const struct ts_feed_frame *frame)
{
    struct ts_feed_server *f = p->server;
    uint64_t number = ++f->last_ticket;
    f->counters.txs++;
    struct ticket t = {.peer = p->id, .id = frame->id};
    void *value = NULL;
    if (f->config.on_tx != NULL && f->tickets.n < MAX_TICKETS)
        value = ts_map_put(&f->tickets, &number, NULL);
    if (value == NULL) {
        ts_feed_session_tx_done(&p->session);
        if (f->config.on_tx == NULL)
            answer_tx(p, frame->id, TS_E_UNSUPPORTED, "no transactions are taken here");
        else
            answer_tx(p, frame->id, TS_E_BUSY, "too many transactions wait here; try again");
        return;
    }
    memcpy(value, &t, sizeof(t));
    f->config.on_tx(f->config.ctx, number, frame->bytes);
}

/* As much as a peer may have waiting: what is left out others tell him, or the next connection. */
static bool tell_evidence(void *ctx, const ts_hash *parent_root, ts_bytes raw)
{
    struct peer *p = ctx;
    struct ts_feed_server *f = p->server;
    if (p->session.is_closed)
        return false;
    if (ts_ws_queued(p->ws) + raw.n > f->config.slow_bytes / 2)
        return true; /* a shorter one may find room */
    ts_feed_put_evidence(fresh(f), parent_root, raw);
    return send_buf(p);
}

static void take(struct peer *p, const struct ts_feed_frame *frame)
{
    struct ts_feed_server *f = p->server;
    switch (frame->type) {
    case TS_FEED_HELLO:
        f->counters.peers++;
        f->n_subscribers++;
        p->is_counted = true;
        if (f->config.evidence != NULL)
            f->config.evidence(f->config.ctx, tell_evidence, p);
        break;
    case TS_FEED_GET:
        f->counters.gets++;
        want_work(f, 0);
        break;
    case TS_FEED_TRANSACTION:
        take_tx(p, frame);
        break;
    case TS_FEED_BATCH:
        f->counters.batches_taken++;
        if (f->config.on_batch != NULL)
            f->config.on_batch(f->config.ctx, p->id, frame->bytes);
        break;
    case TS_FEED_ERROR:
        uncount(p);
        ts_ws_close(p->ws, 1000, "");
        break;
    default:
        TS_CHECK(frame->type == TS_FEED_HELLO); /* the session lets nothing else through */
    }
}

static void on_message(void *ctx, struct ts_ws *ws, ts_bytes message, bool binary)
{
    struct ts_feed_server *f = ctx;
    struct peer *p = ts_ws_user(ws);
    struct ts_feed_frame frame;
    char why[TS_FEED_TEXT_MAX];
    (void)binary; /* the path takes no other */
    if (p == NULL || p->session.is_closed)
        return;
    ts_arena_reset(&f->arena);
    ts_err err =
        ts_feed_session_receive(&p->session, now_us(), message, &f->arena, &frame, NULL, why);
    if (err == TS_OK) {
        take(p, &frame);
    } else if (err == TS_E_BUSY) {
        answer_tx(p, frame.id, TS_E_BUSY, "too many of your transactions wait here; try again");
    } else if (err == TS_E_NOMEM) {
        end(p, 1011, err, why);
    } else {
        count_error(&f->counters, err);
        offend(p, err, why);
    }
}

const struct ts_ws_handlers ts_feed_server_ws_handlers = {
    .on_open = on_open, .on_message = on_message, .on_close = on_close};

/* ---- time ---- */

static void on_tick(uv_timer_t *timer)
{
    struct ts_feed_server *f = timer->data;
    for (struct peer *p = f->peers; p != NULL; p = p->next) {
        if (ts_feed_session_tick(&p->session, now_us()) == TS_OK)
            continue;
        f->counters.late++;
        end(p, 1008, TS_E_TIMEOUT, "no HELLO came in time");
    }
}

/* ---- making it ---- */

static void fill_config(struct ts_feed_server_config *c)
{
    if (c->max_peers == 0)
        c->max_peers = 256;
    if (c->max_peers_per_addr == 0)
        c->max_peers_per_addr = 32;
    if (c->max_answer == 0)
        c->max_answer = 1024u * 1024;
    if (c->slow_bytes == 0)
        c->slow_bytes = 8u * 1024 * 1024;
    if (c->max_queued == 0)
        c->max_queued = 64u * 1024 * 1024;
}

struct ts_feed_server *ts_feed_server_new(uv_loop_t *loop,
                                          const struct ts_feed_server_config *config)
{
    struct ts_feed_server *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return NULL;
    uint64_t seed[2] = {0};
    uv_random(NULL, NULL, seed, sizeof(seed), 0, NULL); /* without it, zeros: still a bounded map */
    f->config = *config;
    fill_config(&f->config);
    snprintf(f->name, sizeof(f->name), "%s", config->name);
    f->loop = loop;
    ts_feed_guard_init(&f->guard, seed);
    ts_map_init(&f->tickets, sizeof(uint64_t), sizeof(struct ticket), seed);
    ts_buf_init(&f->buf, 0);
    ts_arena_init(&f->arena, 0);
    TS_CHECK(uv_timer_init(loop, &f->work) == 0 && uv_timer_init(loop, &f->tick) == 0);
    f->n_handles = 2;
    f->work.data = f->tick.data = f;
    uv_timer_start(&f->tick, on_tick, TICK_MS, TICK_MS);
    uv_unref((uv_handle_t *)&f->tick);
    return f;
}

static void on_handle_closed(uv_handle_t *h)
{
    struct ts_feed_server *f = h->data;
    f->n_handles--;
    free_if_done(f);
}

void ts_feed_server_close(struct ts_feed_server *f)
{
    if (f == NULL || f->is_closed)
        return;
    f->is_closed = true;
    uv_close((uv_handle_t *)&f->work, on_handle_closed);
    uv_close((uv_handle_t *)&f->tick, on_handle_closed);
}

/* ---- what the program says ---- */

/* While the peers hold more than they may together, the slowest goes. */
static void drop_slow(struct ts_feed_server *f)
{
    for (;;) {
        struct peer *slowest = NULL;
        size_t most = 0, all = 0;
        for (struct peer *p = f->peers; p != NULL; p = p->next) {
            size_t queued = p->session.is_closed ? 0 : ts_ws_queued(p->ws);
            all += queued;
            if (queued > most) {
                most = queued;
                slowest = p;
            }
        }
        if (slowest == NULL || (most <= f->config.slow_bytes && all <= f->config.max_queued))
            return;
        f->counters.slow++;
        end(slowest, 1013, TS_E_BUSY, "you take what is sent too slowly");
    }
}

static void push_all(struct ts_feed_server *f, ts_bytes raw, uint64_t except)
{
    drop_slow(f);
    ts_feed_put_batch(fresh(f), raw);
    for (struct peer *p = f->peers; p != NULL; p = p->next) {
        if (p->session.is_closed || p->id == except)
            continue;
        if (send_buf(p)) {
            f->counters.pushes++;
        } else {
            f->counters.slow++; /* the connection is closed already */
            p->session.is_closed = true;
            uncount(p);
        }
    }
}

void ts_feed_server_publish(struct ts_feed_server *f, uint64_t number, const ts_hash *hash,
                            ts_bytes raw, bool push)
{
    TS_CHECK(number == f->config.head_number + 1);
    f->config.head_number = number;
    f->config.head_hash = *hash;
    if (push)
        push_all(f, raw, 0);
}

void ts_feed_server_evidence(struct ts_feed_server *f, ts_bytes raw, uint64_t except_peer)
{
    push_all(f, raw, except_peer);
}

static struct peer *find(const struct ts_feed_server *f, uint64_t id)
{
    struct peer *p = f->peers;
    while (p != NULL && p->id != id)
        p = p->next;
    return p != NULL && !p->session.is_closed ? p : NULL;
}

void ts_feed_server_accepted(struct ts_feed_server *f, uint64_t ticket, ts_err code,
                             const char *text)
{
    struct ticket t;
    const void *value = ts_map_get(&f->tickets, &ticket);
    TS_CHECK(value != NULL); /* each is answered once */
    memcpy(&t, value, sizeof(t));
    ts_map_remove(&f->tickets, &ticket);
    struct peer *p = find(f, t.peer);
    if (p == NULL)
        return;
    ts_feed_session_tx_done(&p->session);
    answer_tx(p, t.id, code, text);
}

void ts_feed_server_refuse(struct ts_feed_server *f, uint64_t peer, ts_err code, const char *text)
{
    struct peer *p = find(f, peer);
    f->counters.illegal++;
    if (p != NULL)
        offend(p, code, text);
}

size_t ts_feed_server_peers(const struct ts_feed_server *f)
{
    return f->n_subscribers;
}

const struct ts_feed_server_counters *ts_feed_server_counters(const struct ts_feed_server *f)
{
    return &f->counters;
}
