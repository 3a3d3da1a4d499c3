/* SPDX-License-Identifier: Apache-2.0 */
#include "hostworld_internal.h"

#include "crypto/sign.h"
#include "sim/crypto_fast.h"

#define LEAVE_US 4000000u /* an enclave that said LEAVING waits so long for EXIT */

uint64_t world_random(struct world *w)
{
    w->rng += 0x9e3779b97f4a7c15u;
    uint64_t z = w->rng;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static ts_err env_random(void *ctx, void *out, size_t n)
{
    struct world *w = ctx;
    uint8_t *p = out;
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)world_random(w);
    return TS_OK;
}

void *must(void *p)
{
    TS_CHECK(p != NULL);
    return p;
}

uint8_t *world_copy(ts_bytes b)
{
    uint8_t *p = must(malloc(b.n + 1));
    if (b.n > 0)
        memcpy(p, b.p, b.n);
    return p;
}

struct happening *world_schedule(struct world *w, uint64_t at, enum what what)
{
    if (w->n_q == w->cap_q) {
        w->cap_q = w->cap_q ? 2 * w->cap_q : 64;
        w->q = must(realloc(w->q, w->cap_q * sizeof(*w->q)));
    }
    struct happening *h = &w->q[w->n_q++];
    *h = (struct happening){.at = at, .order = ++w->order, .what = what};
    return h;
}

uint64_t world_later(struct world *w, uint64_t base, uint64_t *last)
{
    uint64_t at = w->now + base + (base ? world_random(w) % (base + 1) : 0);
    if (last != NULL && at < *last)
        at = *last;
    if (last != NULL)
        *last = at;
    return at;
}

/* ---- the host's outputs ---- */

static void count_event(struct world *w, const char *name, const char *text)
{
    if (w->verbose)
        fprintf(stderr, "%10.3f ms %s %s\n", (double)w->now / 1000, name, text ? text : "");
    for (size_t i = 0; i < w->n_events; i++)
        if (strcmp(w->events[i].name, name) == 0) {
            w->events[i].n++;
            return;
        }
    TS_CHECK(w->n_events < TS_COUNT(w->events));
    snprintf(w->events[w->n_events].name, sizeof(w->events[0].name), "%s", name);
    w->events[w->n_events++].n = 1;
}

static uint64_t delay_to(const struct world *w, unsigned link)
{
    uint64_t own = w->peers[w->links[link].peer].delay_us;
    return own > 0 ? own : w->o.delay_us;
}

static void connect_link(struct world *w, unsigned link)
{
    struct wlink *l = &w->links[link];
    const struct peer *p = &w->peers[l->peer];
    bool can = !p->cut && p->core != NULL;
    struct happening *h =
        world_schedule(w, world_later(w, delay_to(w, link), NULL), can ? W_LINK_UP : W_LINK_DOWN);
    h->link = link;
    h->conn = w->host_gen;
    h->token = l->conn = ++w->next_conn;
    l->up = false;
}

static void send_to_enclave(struct world *w, const struct ts_host_output *o)
{
    struct wlink *l = &w->links[o->link];
    if (l->conn == 0)
        return;
    struct happening *h =
        world_schedule(w, world_later(w, delay_to(w, o->link), &l->last_to), W_TO_ENCLAVE);
    h->link = o->link;
    h->conn = l->conn;
    h->bytes = world_copy(o->bytes);
    h->n = o->bytes.n;
}

void world_add_sent(struct world *w, uint64_t number, const ts_hash *hash, ts_bytes raw)
{
    WORLD_GROW(w->sent, w->n_sent);
    w->sent[w->n_sent++] =
        (struct stored_batch){number, *hash, TS_BATCH_COMMITTED, world_copy(raw), raw.n};
}

static void note_broadcast(struct world *w, const struct ts_host_output *o)
{
    const struct stored_batch *b = world_disk_find(w, o->number, &o->hash);
    assert_non_null(b); /* I3: durable, and committed, before anyone sees it */
    assert_int_equal(b->status, TS_BATCH_COMMITTED);
    assert_true(b->n == o->bytes.n && memcmp(b->raw, o->bytes.p, b->n) == 0);
    world_add_sent(w, o->number, &o->hash, o->bytes);
}

static void note_reply(struct world *w, const struct ts_host_output *o)
{
    if (o->token >= WORLD_ASK_TOKENS) {
        TS_CHECK(o->token - WORLD_ASK_TOKENS < w->n_asked);
        struct asked *a = &w->asked[o->token - WORLD_ASK_TOKENS];
        assert_false(a->done); /* one answer each */
        a->done = true;
        a->err = o->err;
        snprintf(a->text, sizeof(a->text), "%s", o->text ? o->text : "");
        return;
    }
    TS_CHECK(o->token < w->n_records);
    struct tx_record *r = &w->records[o->token];
    assert_int_equal(r->state, WTX_WAITING);
    r->state = o->err == TS_OK ? WTX_ACKED : WTX_REFUSED;
    r->err = o->err;
}

static void host_store(struct world *w, const struct ts_host_output *o)
{
    w->steps = must(realloc(w->steps, (w->n_steps + 1) * sizeof(*w->steps)));
    w->steps[w->n_steps++] =
        (struct step){o->token, (struct ts_store_op *)(uintptr_t)o->ops, o->n_ops};
    struct happening *h = world_schedule(w, world_later(w, w->o.disk_us, &w->last_disk), W_STORED);
    h->token = o->token;
    h->conn = w->host_gen;
}

static void host_output(struct world *w, const struct ts_host_output *o)
{
    struct happening *h;
    switch (o->kind) {
    case TS_OUT_CONNECT:
        connect_link(w, o->link);
        return;
    case TS_OUT_CLOSE:
        w->links[o->link].conn = 0;
        return;
    case TS_OUT_SEND:
        send_to_enclave(w, o);
        return;
    case TS_OUT_STORE:
        host_store(w, o);
        return;
    case TS_OUT_LOAD:
        h = world_schedule(w, world_later(w, w->o.disk_us, NULL), W_LOADED);
        h->token = o->token;
        h->from = o->from;
        h->count = o->count;
        h->conn = w->host_gen;
        return;
    case TS_OUT_BROADCAST:
        note_broadcast(w, o);
        return;
    case TS_OUT_REPLY:
        note_reply(w, o);
        return;
    case TS_OUT_EVENT:
        count_event(w, o->event, o->text);
        return;
    case TS_OUT_CORRUPTED:
        w->l1sim.n_corrupted++;
        w->l1sim.corrupted = o->switched.from;
        w->l1sim.successor = o->switched.to;
        return;
    case TS_OUT_PUBLISH:
        world_publish(w, o);
        return;
    case TS_OUT_WITHDRAW:
        world_withdraw(w, o->token);
        return;
    case TS_OUT_L1_ASK:
        world_l1_asked(w, o->number);
        return;
    case TS_OUT_STOPPED:
        count_event(w, "stopped", NULL);
        return;
    }
}

void world_outputs(struct world *w, const struct ts_host_outputs *out)
{
    w->wake = out->wake_us;
    for (size_t i = 0; i < out->n; i++) {
        /* Whoever carries it out closes all that the others need. */
        assert_true(out->out[i].kind != TS_OUT_STOPPED || i + 1 == out->n);
        host_output(w, &out->out[i]);
    }
}

struct ts_now world_clock(const struct world *w)
{
    return (struct ts_now){w->now, WORLD_UNIX_START + w->now / 1000};
}

void world_input(struct world *w, const struct ts_host_input *in)
{
    if (w->host == NULL)
        return;
    struct ts_host_outputs out;
    ts_host_step(w->host, world_clock(w), in, &out);
    world_outputs(w, &out);
}

/* ---- enclaves ---- */

/* An engine that is right but for its roots, as a corrupted build would be. */
static ts_err wrong_finish(struct ts_engine *e, ts_hash *root)
{
    ts_err err = ts_ledger_engine.finish(e, root);
    root->b[31] ^= 1;
    return err;
}

static const struct ts_engine_ops *wrong_engine(void)
{
    static struct ts_engine_ops ops;
    ops = ts_ledger_engine;
    ops.finish = wrong_finish;
    return &ops;
}

void world_boot(struct world *w, unsigned i)
{
    struct peer *p = &w->peers[i];
    if (p->core != NULL || p->held_down)
        return;
    struct ts_enclave_config c = {.crypto = w->crypto,
                                  .engine = p->broken ? wrong_engine() : &ts_ledger_engine,
                                  .checkpoints = w->o.snapshot_every ? &p->slots.ops : NULL,
                                  .env = {w, env_random},
                                  .identity = p->key,
                                  .seal_key = p->key,
                                  .boot_time = world_clock(w).unix_ms};
    assert_int_equal(ts_enclave_new(&c, &p->core), TS_OK);
    p->boots++;
    p->busy_until = 0;
}

static void drop_link(struct world *w, unsigned link)
{
    struct wlink *l = &w->links[link];
    if (l->conn == 0)
        return;
    struct happening *h =
        world_schedule(w, world_later(w, delay_to(w, link), &l->last_from), W_LINK_DOWN);
    h->link = link;
    h->conn = w->host_gen;
    h->token = l->conn;
}

void world_drop_links(struct world *w, unsigned i)
{
    for (unsigned l = 0; l < w->o.enclaves; l++)
        if (w->links[l].peer == i)
            drop_link(w, l);
}

void world_end_enclave(struct world *w, unsigned i)
{
    struct peer *p = &w->peers[i];
    if (p->core == NULL)
        return;
    ts_enclave_free(p->core);
    p->core = NULL;
    p->frozen = false;
    p->busy_until = 0;
    world_drop_links(w, i);
    if (w->o.restart_us > 0)
        world_schedule(w, w->now + w->o.restart_us, W_BOOT)->link = i;
}

static void to_host(struct world *w, unsigned link, uint64_t at, ts_bytes frame)
{
    unsigned i = w->links[link].peer;
    uint8_t *room = NULL;
    if (w->tamper != NULL) {
        /* Not new for every answer: the tests run with memory that is filled with a pattern. */
        room = w->room != NULL ? w->room : must(malloc(TS_LINK_MAX_FRAME));
        w->room = NULL;
        frame = ts_bytes_of(room, w->tamper(w->tamper_ctx, w, i, frame, room, TS_LINK_MAX_FRAME));
    }
    if (frame.n > 0) {
        struct happening *h = world_schedule(w, at, W_TO_HOST);
        h->link = link;
        h->conn = w->links[link].conn;
        h->bytes = memcpy(must(malloc(frame.n)), frame.p, frame.n);
        h->n = frame.n;
    }
    if (room != NULL) {
        free(w->room);
        w->room = room;
    }
}

static void answer(struct world *w, unsigned link, ts_bytes frame)
{
    struct wlink *l = &w->links[link];
    to_host(w, link, world_later(w, delay_to(w, link), &l->last_from), frame);
}

/* The link that enclave i talks on, or -1. */
static int link_of(const struct world *w, unsigned i)
{
    for (unsigned l = 0; l < w->o.enclaves; l++)
        if (w->links[l].peer == i && w->links[l].conn != 0 && w->links[l].up)
            return (int)l;
    return -1;
}

void world_say(struct world *w, unsigned i, ts_bytes frame)
{
    int link = link_of(w, i);
    if (link >= 0)
        answer(w, (unsigned)link, frame);
}

void world_leave(struct world *w, unsigned i)
{
    if (w->peers[i].core == NULL)
        return;
    if (link_of(w, i) < 0) {
        world_end_enclave(w, i);
        return;
    }
    struct ts_msg m = {.type = TS_MSG_LEAVING, .is_answer = true};
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_msg_put(&b, &m);
    world_say(w, i, ts_buf_bytes(&b));
    ts_buf_free(&b);
    struct happening *h = world_schedule(w, w->now + LEAVE_US, W_GONE);
    h->link = i;
    h->token = w->peers[i].boots;
}

/* How long the request keeps the enclave from the next one. */
static uint64_t work_of(const struct world *w, const struct peer *p, const struct happening *h)
{
    struct ts_msg m;
    struct ts_arena arena;
    uint64_t us = 0;
    if (w->o.snapshot_us == 0 && p->rollup_cost_us == 0)
        return 0;
    ts_arena_init(&arena, 0);
    ts_err err = ts_msg_decode_request(ts_bytes_of(h->bytes, h->n), &arena, &m);
    if (err == TS_OK && m.type == TS_MSG_SNAPSHOT)
        us = w->o.snapshot_us;
    else if (err == TS_OK && m.type == TS_MSG_ROLLUP)
        us = p->rollup_cost_us * (m.u.rollup.n_range + m.u.rollup.n_above / 4);
    ts_arena_free(&arena);
    return us;
}

static void to_enclave(struct world *w, const struct happening *h)
{
    struct wlink *l = &w->links[h->link];
    struct peer *p = &w->peers[l->peer];
    if (p->core == NULL || p->cut || p->occupied || h->conn != l->conn)
        return;
    struct ts_buf out;
    ts_buf_init(&out, TS_LINK_MAX_FRAME);
    uint64_t work = work_of(w, p, h);
    if (work > 0) {
        p->busy_until = w->now + work;
        l->last_from = p->busy_until;
    }
    ts_enclave_handle(p->core, ts_bytes_of(h->bytes, h->n), &out);
    if (out.err == TS_OK)
        answer(w, h->link, ts_buf_bytes(&out));
    else
        drop_link(w, h->link); /* as the enclave's program does */
    ts_buf_free(&out);
    if (ts_enclave_wants_exit(p->core))
        world_end_enclave(w, l->peer);
}

/* ---- the loop ---- */

static void give_batches(struct world *w, const struct happening *h)
{
    struct ts_store_batch *list = must(calloc((size_t)h->count + 1, sizeof(*list)));
    size_t n = 0;
    for (uint64_t number = h->from; number < h->from + h->count; number++) {
        const struct stored_batch *found = world_disk_committed(w, number);
        if (found == NULL)
            break;
        list[n++] = world_disk_batch(w, found);
    }
    w->n_loaded += n;
    struct ts_host_input in = {
        .kind = TS_IN_LOADED, .token = h->token, .batches = list, .n_batches = n};
    world_input(w, &in);
    free(list);
}

/* The host hears that it is connected, that the enclave serves another, and that it is not. */
static void turn_away(struct world *w, unsigned link)
{
    static const char why[] = "this enclave serves another host";
    struct ts_host_input in = {.kind = TS_IN_LINK_UP, .link = link};
    struct ts_msg m = {.type = TS_MSG_ERROR, .is_answer = true};
    struct ts_buf b;
    m.u.error.code = TS_E_BUSY;
    m.u.error.text = ts_bytes_of(why, sizeof(why) - 1);
    ts_buf_init(&b, 0);
    ts_msg_put(&b, &m);
    if (!w->peers[w->links[link].peer].mute)
        answer(w, link, ts_buf_bytes(&b));
    ts_buf_free(&b);
    drop_link(w, link);
    world_input(w, &in);
}

/* A new connection ends the enclave's old one. */
static void link_up(struct world *w, const struct happening *h)
{
    struct wlink *l = &w->links[h->link];
    struct peer *p = &w->peers[l->peer];
    struct ts_host_input in = {.kind = TS_IN_LINK_DOWN, .link = h->link};
    if (p->core == NULL || p->cut) {
        l->conn = 0;
        world_input(w, &in);
        return;
    }
    for (unsigned o = 0; o < w->o.enclaves; o++)
        if (o != h->link && w->links[o].peer == l->peer && w->links[o].up)
            drop_link(w, o);
    if (p->occupied) {
        turn_away(w, h->link);
        return;
    }
    l->up = true;
    ts_enclave_connected(p->core);
    in.kind = TS_IN_LINK_UP;
    world_input(w, &in);
}

/* Counts a frame that arrives; true: it does not, and the link is gone. */
static bool frame_is_lost(struct world *w, const struct happening *h)
{
    bool to_host = h->what == W_TO_HOST;
    bool is_frame = to_host || h->what == W_TO_ENCLAVE;
    struct wlink *l = &w->links[h->link];
    if (!is_frame || h->conn != l->conn || h->conn == 0)
        return false;
    if (++w->frames[to_host] == w->lose_frame[to_host]) {
        l->broken = l->conn;
        drop_link(w, h->link);
    }
    return l->broken == l->conn;
}

static void happen_on_link(struct world *w, const struct happening *h)
{
    struct wlink *l = &w->links[h->link];
    struct ts_host_input in = {.link = h->link};
    if (frame_is_lost(w, h))
        return;
    if (h->what == W_TO_ENCLAVE) {
        to_enclave(w, h);
    } else if (h->what == W_TO_HOST) {
        if (h->conn != l->conn || h->conn == 0 || w->peers[l->peer].cut)
            return;
        in.kind = TS_IN_FRAME;
        in.bytes = ts_bytes_of(h->bytes, h->n);
        world_input(w, &in);
    } else if (h->conn == w->host_gen && h->token == l->conn && l->conn != 0) {
        if (h->what == W_LINK_UP) {
            link_up(w, h);
            return;
        }
        l->conn = 0;
        l->up = false;
        in.kind = TS_IN_LINK_DOWN;
        in.text = "closed";
        world_input(w, &in);
    }
}

static void happen(struct world *w, struct happening *h)
{
    switch (h->what) {
    case W_TO_ENCLAVE:
    case W_TO_HOST:
    case W_LINK_UP:
    case W_LINK_DOWN:
        happen_on_link(w, h);
        return;
    case W_STORED:
        if (h->conn == w->host_gen)
            world_disk_done(w, h->token);
        return;
    case W_LOADED:
        if (h->conn == w->host_gen && !w->lose_loads)
            give_batches(w, h);
        return;
    case W_L1_BLOCK:
        world_l1_block(w);
        return;
    case W_L1_TOLD:
        if (h->conn == w->host_gen)
            world_l1_told(w, h->from);
        return;
    case W_L1_MINED:
        world_l1_mined(w, h);
        return;
    case W_BOOT:
        world_boot(w, h->link);
        return;
    case W_GONE:
        if (w->peers[h->link].boots == h->token)
            world_end_enclave(w, h->link);
        return;
    }
}

/* When it may happen; UINT64_MAX: it waits in a frozen process's socket. */
static uint64_t due(const struct world *w, const struct happening *h)
{
    if (h->what == W_BOOT || h->what == W_GONE)
        return h->at;
    if (h->what != W_TO_ENCLAVE)
        return h->at > w->host_asleep ? h->at : w->host_asleep;
    const struct peer *p = &w->peers[w->links[h->link].peer];
    if (p->frozen)
        return UINT64_MAX;
    return h->at > p->busy_until ? h->at : p->busy_until;
}

/* The index of the earliest happening that may happen now; -1: none. */
static int earliest(const struct world *w, uint64_t *at)
{
    int best = -1;
    *at = UINT64_MAX;
    for (size_t i = 0; i < w->n_q; i++) {
        const struct happening *h = &w->q[i];
        uint64_t t = due(w, h);
        if (t == UINT64_MAX)
            continue;
        if (best < 0 || t < *at ||
            (t == *at &&
             (h->at < w->q[best].at || (h->at == w->q[best].at && h->order < w->q[best].order)))) {
            best = (int)i;
            *at = t;
        }
    }
    return best;
}

bool world_step(struct world *w, uint64_t until)
{
    uint64_t at;
    int i = earliest(w, &at);
    uint64_t wake = w->wake > w->host_asleep ? w->wake : w->host_asleep;
    if (w->host != NULL && w->wake != UINT64_MAX && wake < at && wake <= until) {
        w->now = wake > w->now ? wake : w->now;
        struct ts_host_input in = {.kind = TS_IN_TICK};
        world_input(w, &in);
        return true;
    }
    if (i < 0 || at > until) {
        w->now = until;
        return false;
    }
    struct happening h = w->q[i];
    w->q[i] = w->q[--w->n_q];
    if (at > w->now)
        w->now = at;
    happen(w, &h);
    free(h.bytes);
    return true;
}

void world_run(struct world *w, uint64_t us)
{
    uint64_t until = w->now + us;
    while (world_step(w, until))
        ;
}

bool world_run_to(struct world *w, uint64_t number, uint64_t limit_us)
{
    uint64_t until = w->now + limit_us;
    while (world_head(w) < number)
        if (!world_step(w, until))
            return false;
    return true;
}

/* ---- set-up ---- */

static void set_params(struct world *w, struct ts_params *p)
{
    const struct world_options *o = &w->o;
    ts_params_default(p);
    p->batch_interval_ms = o->interval_us / 1000;
    p->report_every = o->report_every ? o->report_every : p->report_every;
    p->max_report_lag = o->max_report_lag ? o->max_report_lag : p->max_report_lag;
    p->max_batch_bytes = o->max_batch_bytes ? o->max_batch_bytes : p->max_batch_bytes;
    p->max_tx_bytes = o->max_tx_bytes ? o->max_tx_bytes : p->max_tx_bytes;
    p->max_l1_age_ms = o->max_l1_age_ms ? o->max_l1_age_ms : p->max_l1_age_ms;
    p->batch_gas_limit = o->batch_gas_limit ? o->batch_gas_limit : p->batch_gas_limit;
}

static void make_genesis(struct world *w)
{
    struct ts_genesis *g = &w->genesis;
    g->chain_id = 443;
    g->time = WORLD_UNIX_START;
    g->n_whitelist = w->o.enclaves - w->o.validators;
    g->whitelist = must(calloc(g->n_whitelist, sizeof(*g->whitelist)));
    for (unsigned i = 0; i < g->n_whitelist; i++)
        g->whitelist[i] = w->peers[i].id;
    g->n_alloc = WORLD_ACCOUNTS;
    g->alloc = must(calloc(g->n_alloc, sizeof(*g->alloc)));
    for (unsigned i = 0; i < WORLD_ACCOUNTS; i++) {
        assert_int_equal(ts_address_of_key(w->crypto, &w->account[i], &g->alloc[i].address), TS_OK);
        g->alloc[i].balance[20] = 1;
    }
    memset(&g->coinbase, 0xcb, sizeof(g->coinbase));
    set_params(w, &g->params);
    if (w->o.l1_block_us != 0)
        world_l1_init(w);
    assert_int_equal(ts_genesis_finish(g), TS_OK);
    assert_int_equal(ts_genesis_encode(g, &w->genesis_raw, &w->n_genesis_raw), TS_OK);
}

struct world *world_new(const struct world_options *o)
{
    struct world *w = must(calloc(1, sizeof(*w)));
    TS_CHECK(o->enclaves <= WORLD_MAX && o->validators < o->enclaves);
    w->o = *o;
    w->rng = o->seed * 77 + 1;
    w->now = 1000000;
    w->verbose = getenv("WORLD_VERBOSE") != NULL;
    w->crypto = o->fast_crypto ? sim_crypto_fast() : (w->real = must(ts_crypto_new()));
    for (unsigned i = 0; i < o->enclaves; i++) {
        memset(w->peers[i].key.b, (int)(0x11 + i), 32);
        assert_int_equal(ts_address_of_key(w->crypto, &w->peers[i].key, &w->peers[i].id), TS_OK);
        world_slots_init(&w->peers[i].slots, w);
        w->links[i].peer = i;
    }
    for (unsigned i = 0; i < WORLD_ACCOUNTS; i++)
        memset(w->account[i].b, (int)(0x71 + i), 32);
    make_genesis(w);
    for (unsigned i = 0; i < o->enclaves; i++)
        world_boot(w, i);
    world_start_host(w);
    return w;
}

void world_publish_rollups(struct world *w, uint64_t batches)
{
    w->o.rollup_batches = batches;
}

void world_rollup_cost(struct world *w, unsigned i, uint64_t us)
{
    w->peers[i].rollup_cost_us = us;
}

uint64_t world_loaded(const struct world *w)
{
    return w->n_loaded;
}

void world_start_host(struct world *w)
{
    assert_true(world_try_start_host(w));
}

bool world_try_start_host(struct world *w)
{
    TS_CHECK(w->host == NULL);
    struct ts_host_start start = {.genesis = &w->genesis,
                                  .genesis_raw = ts_bytes_of(w->genesis_raw, w->n_genesis_raw),
                                  .crypto = w->crypto,
                                  .engine = &ts_ledger_engine,
                                  .n_links = w->o.enclaves,
                                  .seed = {1, 2}};
    struct ts_host_settings *s = &start.settings;
    ts_host_settings_default(s, &w->genesis);
    s->commit_quorum = w->o.commit_quorum ? w->o.commit_quorum : s->commit_quorum;
    s->dispute_hold_us = w->o.dispute_hold_us ? w->o.dispute_hold_us : s->dispute_hold_us;
    s->snapshot_every = w->o.snapshot_every ? w->o.snapshot_every : s->snapshot_every;
    s->publishes = w->o.rollup_batches != 0;
    s->rollup_batches = s->publishes ? w->o.rollup_batches : s->rollup_batches;
    s->rollup_us = w->o.rollup_us ? w->o.rollup_us : s->rollup_us;
    ts_err err = ts_host_new(&start, &w->host);
    if (err == TS_OK)
        err = world_disk_load(w);
    if (err != TS_OK) {
        assert_int_equal(err, TS_E_NOMEM);
        ts_host_free(w->host);
        w->host = NULL;
        return false;
    }
    w->host_gen = ++w->next_conn;
    w->host_asleep = 0;
    struct ts_host_outputs out;
    ts_host_begin(w->host, world_clock(w), &out);
    world_outputs(w, &out);
    world_l1_greet(w);
    return true;
}

void world_kill_host(struct world *w)
{
    TS_CHECK(w->host != NULL);
    /* What was on its way to the disk may or may not have got there, in order. */
    size_t done = w->n_steps ? world_random(w) % (w->n_steps + 1) : 0;
    for (size_t i = 0; i < done && w->disk == TS_OK; i++)
        world_disk_apply(w, &w->steps[i]);
    w->n_steps = 0;
    ts_host_free(w->host);
    w->host = NULL;
    w->host_gen = 0;
    for (unsigned l = 0; l < w->o.enclaves; l++) {
        w->links[l].conn = 0;
        w->links[l].up = false;
    }
}

void world_free(struct world *w)
{
    ts_host_free(w->host);
    for (unsigned i = 0; i < w->o.enclaves; i++) {
        ts_enclave_free(w->peers[i].core);
        world_slots_free(&w->peers[i].slots);
    }
    for (size_t i = 0; i < w->n_q; i++)
        free(w->q[i].bytes);
    for (size_t i = 0; i < w->n_sent; i++)
        free(w->sent[i].raw);
    world_disk_free(w);
    free(w->q);
    free(w->sent);
    free(w->records);
    free(w->asked);
    world_l1_free(w);
    free(w->genesis_raw);
    free(w->room);
    ts_genesis_free(&w->genesis);
    ts_crypto_free(w->real);
    free(w);
}
