/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's header wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/check.h"
#include "chain/batch.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"
#include "hostworld.h"

#define UNIX_START 1700000000000u

enum what { W_TO_ENCLAVE, W_TO_HOST, W_LINK_UP, W_LINK_DOWN, W_STORED, W_LOADED, W_TICK, W_BOOT };

struct happening {
    uint64_t at, order;
    enum what what;
    unsigned link;
    uint64_t conn; /* link generation it belongs to; for the host's own: host generation */
    uint64_t token, from, count;
    uint8_t *bytes;
    size_t n;
};

struct stored_batch {
    uint64_t number;
    ts_hash hash;
    enum ts_batch_status status;
    uint8_t *raw;
    size_t n;
};

struct stored_tx {
    struct ts_store_tx t;
    uint8_t *raw;
    bool there;
};

struct meta {
    char key[16];
    uint8_t *p;
    size_t n;
};

struct step {
    uint64_t token;
    struct ts_store_op *ops; /* the core's; valid until STORED */
    size_t n;
};

struct peer {
    ts_secret key;
    ts_address id;
    struct ts_enclave *core;
    unsigned boots;
    uint64_t conn;               /* 0: none */
    uint64_t last_to, last_from; /* frames keep their order */
    bool held_down, frozen, cut, broken;
    struct happening *frozen_frames;
    size_t n_frozen;
};

struct tx_record {
    ts_hash hash;
    enum world_tx_state state;
    ts_err err;
    unsigned batches;
    bool rejected;
};

struct world {
    struct world_options o;
    struct ts_crypto *crypto;
    struct ts_genesis genesis;
    uint8_t *genesis_raw;
    size_t n_genesis_raw;
    uint64_t now, order, rng, next_conn, host_gen;
    struct happening *q;
    size_t n_q, cap_q;
    struct peer peers[WORLD_MAX];
    struct ts_host *host;
    uint64_t wake;
    /* the disk */
    struct stored_batch *batches;
    size_t n_batches;
    struct stored_tx *txs;
    size_t n_txs;
    struct meta metas[8];
    size_t n_metas;
    struct step *steps;
    size_t n_steps;
    ts_err disk;
    uint64_t last_disk;
    /* what was seen */
    struct stored_batch *sent;
    size_t n_sent;
    struct tx_record *records;
    size_t n_records;
    ts_secret account[WORLD_ACCOUNTS];
    uint64_t nonce[WORLD_ACCOUNTS];
    bool admin_done;
    ts_err admin_err;
    char admin_text[256];
    struct {
        char name[40];
        unsigned n;
    } events[64];
    size_t n_events;
    world_tamper_fn tamper;
    void *tamper_ctx;
    bool verbose;
};

static uint64_t rnd(struct world *w)
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
        p[i] = (uint8_t)rnd(w);
    return TS_OK;
}

static void *must(void *p)
{
    TS_CHECK(p != NULL);
    return p;
}

static uint8_t *copy(ts_bytes b)
{
    uint8_t *p = must(malloc(b.n + 1));
    if (b.n > 0)
        memcpy(p, b.p, b.n);
    return p;
}

static struct happening *schedule(struct world *w, uint64_t at, enum what what)
{
    if (w->n_q == w->cap_q) {
        w->cap_q = w->cap_q ? 2 * w->cap_q : 64;
        w->q = must(realloc(w->q, w->cap_q * sizeof(*w->q)));
    }
    struct happening *h = &w->q[w->n_q++];
    *h = (struct happening){.at = at, .order = ++w->order, .what = what};
    return h;
}

static uint64_t later(struct world *w, uint64_t base, uint64_t *last)
{
    uint64_t at = w->now + base + (base ? rnd(w) % (base + 1) : 0);
    if (last != NULL && at < *last)
        at = *last;
    if (last != NULL)
        *last = at;
    return at;
}

/* ---- the disk ---- */

static struct stored_batch *disk_find(struct world *w, uint64_t number, const ts_hash *hash)
{
    for (size_t i = 0; i < w->n_batches; i++)
        if (w->batches[i].number == number && ts_hash_equal(&w->batches[i].hash, hash))
            return &w->batches[i];
    return NULL;
}

static void disk_put_batch(struct world *w, const struct ts_store_op *op)
{
    if (disk_find(w, op->number, &op->hash) != NULL)
        return;
    w->batches = must(realloc(w->batches, (w->n_batches + 1) * sizeof(*w->batches)));
    w->batches[w->n_batches++] =
        (struct stored_batch){op->number, op->hash, op->status, copy(op->data), op->data.n};
}

static void disk_put_meta(struct world *w, const struct ts_store_op *op)
{
    struct meta *m = NULL;
    for (size_t i = 0; i < w->n_metas; i++)
        if (strcmp(w->metas[i].key, op->key) == 0)
            m = &w->metas[i];
    if (m == NULL) {
        TS_CHECK(w->n_metas < TS_COUNT(w->metas));
        m = &w->metas[w->n_metas++];
        memset(m, 0, sizeof(*m));
        snprintf(m->key, sizeof(m->key), "%s", op->key);
    }
    free(m->p);
    m->p = copy(op->data);
    m->n = op->data.n;
}

static struct tx_record *record_of(struct world *w, const ts_hash *hash)
{
    for (size_t i = 0; i < w->n_records; i++)
        if (ts_hash_equal(&w->records[i].hash, hash))
            return &w->records[i];
    return NULL;
}

static void disk_apply_op(struct world *w, const struct ts_store_op *op)
{
    struct stored_batch *b;
    struct tx_record *r;
    switch (op->kind) {
    case TS_OP_PUT_BATCH:
        disk_put_batch(w, op);
        return;
    case TS_OP_SET_STATUS:
        b = disk_find(w, op->number, &op->hash);
        TS_CHECK(b != NULL);
        for (size_t i = 0; i < w->n_batches; i++) /* no number has two committed hashes */
            TS_CHECK(op->status != TS_BATCH_COMMITTED || w->batches[i].number != op->number ||
                     w->batches[i].status != TS_BATCH_COMMITTED);
        b->status = op->status;
        return;
    case TS_OP_PUT_META:
        disk_put_meta(w, op);
        return;
    case TS_OP_PUT_TX:
        w->txs = must(realloc(w->txs, (w->n_txs + 1) * sizeof(*w->txs)));
        w->txs[w->n_txs++] = (struct stored_tx){.t = {.seq = op->seq,
                                                      .hash = op->hash,
                                                      .sender = op->sender,
                                                      .nonce = op->nonce,
                                                      .raw = {NULL, op->data.n}},
                                                .raw = copy(op->data),
                                                .there = true};
        return;
    case TS_OP_DROP_TX:
        for (size_t i = 0; i < w->n_txs; i++)
            if (ts_hash_equal(&w->txs[i].t.hash, &op->hash))
                w->txs[i].there = false;
        return;
    case TS_OP_PUT_REJECTED:
        r = record_of(w, &op->hash);
        if (r != NULL)
            r->rejected = true;
        return;
    case TS_OP_PUT_EVIDENCE:
        return;
    }
}

/* ---- the host's outputs ---- */

static void host_input(struct world *w, const struct ts_host_input *in);

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

static void connect_link(struct world *w, unsigned i)
{
    struct peer *p = &w->peers[i];
    p->conn = 0;
    bool can = !p->cut && p->core != NULL;
    struct happening *h = schedule(w, later(w, w->o.delay_us, NULL), can ? W_LINK_UP : W_LINK_DOWN);
    h->link = i;
    h->conn = w->host_gen;
    h->token = p->conn = ++w->next_conn;
}

static void send_to_enclave(struct world *w, const struct ts_host_output *o)
{
    struct peer *p = &w->peers[o->link];
    if (p->conn == 0)
        return;
    struct happening *h = schedule(w, later(w, w->o.delay_us, &p->last_to), W_TO_ENCLAVE);
    h->link = o->link;
    h->conn = p->conn;
    h->bytes = copy(o->bytes);
    h->n = o->bytes.n;
}

static void add_sent(struct world *w, uint64_t number, const ts_hash *hash, ts_bytes raw)
{
    w->sent = must(realloc(w->sent, (w->n_sent + 1) * sizeof(*w->sent)));
    w->sent[w->n_sent++] =
        (struct stored_batch){number, *hash, TS_BATCH_COMMITTED, copy(raw), raw.n};
}

static void note_broadcast(struct world *w, const struct ts_host_output *o)
{
    const struct stored_batch *b = disk_find(w, o->number, &o->hash);
    assert_non_null(b); /* I3: durable, and committed, before anyone sees it */
    assert_int_equal(b->status, TS_BATCH_COMMITTED);
    add_sent(w, o->number, &o->hash, o->bytes);
}

static void note_reply(struct world *w, const struct ts_host_output *o)
{
    if (o->token >= 1000000) {
        w->admin_done = true;
        w->admin_err = o->err;
        snprintf(w->admin_text, sizeof(w->admin_text), "%s", o->text ? o->text : "");
        return;
    }
    TS_CHECK(o->token < w->n_records);
    struct tx_record *r = &w->records[o->token];
    r->state = o->err == TS_OK ? WTX_ACKED : WTX_REFUSED;
    r->err = o->err;
}

static void host_store(struct world *w, const struct ts_host_output *o)
{
    w->steps = must(realloc(w->steps, (w->n_steps + 1) * sizeof(*w->steps)));
    w->steps[w->n_steps++] =
        (struct step){o->token, (struct ts_store_op *)(uintptr_t)o->ops, o->n_ops};
    struct happening *h = schedule(w, later(w, w->o.disk_us, &w->last_disk), W_STORED);
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
        w->peers[o->link].conn = 0;
        return;
    case TS_OUT_SEND:
        send_to_enclave(w, o);
        return;
    case TS_OUT_STORE:
        host_store(w, o);
        return;
    case TS_OUT_LOAD:
        h = schedule(w, later(w, w->o.disk_us, NULL), W_LOADED);
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
    case TS_OUT_STOPPED:
        count_event(w, "stopped", NULL);
        return;
    }
}

static void host_outputs(struct world *w, const struct ts_host_outputs *out)
{
    w->wake = out->wake_us;
    for (size_t i = 0; i < out->n; i++)
        host_output(w, &out->out[i]);
}

static struct ts_now now_of(const struct world *w)
{
    return (struct ts_now){w->now, UNIX_START + w->now / 1000};
}

static void host_input(struct world *w, const struct ts_host_input *in)
{
    if (w->host == NULL)
        return;
    struct ts_host_outputs out;
    ts_host_step(w->host, now_of(w), in, &out);
    host_outputs(w, &out);
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

void world_break_engine(struct world *w, unsigned i, bool broken)
{
    w->peers[i].broken = broken;
}

static void boot(struct world *w, unsigned i)
{
    struct peer *p = &w->peers[i];
    if (p->core != NULL || p->held_down)
        return;
    struct ts_enclave_config c = {.crypto = w->crypto,
                                  .engine = p->broken ? wrong_engine() : &ts_ledger_engine,
                                  .env = {w, env_random},
                                  .identity = p->key,
                                  .seal_key = p->key,
                                  .boot_time = now_of(w).unix_ms};
    assert_int_equal(ts_enclave_new(&c, &p->core), TS_OK);
    p->boots++;
}

static void drop_link(struct world *w, unsigned i)
{
    struct peer *p = &w->peers[i];
    if (p->conn == 0)
        return;
    struct happening *h = schedule(w, later(w, w->o.delay_us, &p->last_from), W_LINK_DOWN);
    h->link = i;
    h->conn = w->host_gen;
    h->token = p->conn;
}

static void end_enclave(struct world *w, unsigned i)
{
    struct peer *p = &w->peers[i];
    if (p->core == NULL)
        return;
    ts_enclave_free(p->core);
    p->core = NULL;
    p->frozen = false;
    drop_link(w, i);
    if (w->o.restart_us > 0)
        schedule(w, w->now + w->o.restart_us, W_BOOT)->link = i;
}

static void answer(struct world *w, unsigned i, uint64_t conn, ts_bytes frame)
{
    struct peer *p = &w->peers[i];
    uint8_t *bytes = must(malloc(TS_LINK_MAX_FRAME));
    size_t n = frame.n;
    if (w->tamper != NULL)
        n = w->tamper(w->tamper_ctx, w, i, frame, bytes, TS_LINK_MAX_FRAME);
    else
        memcpy(bytes, frame.p, n);
    if (n == 0) {
        free(bytes);
        return;
    }
    struct happening *h = schedule(w, later(w, w->o.delay_us, &p->last_from), W_TO_HOST);
    h->link = i;
    h->conn = conn;
    h->bytes = must(realloc(bytes, n));
    h->n = n;
}

static void to_enclave(struct world *w, const struct happening *h)
{
    struct peer *p = &w->peers[h->link];
    if (p->core == NULL || p->cut || h->conn != p->conn)
        return;
    struct ts_buf out;
    ts_buf_init(&out, TS_LINK_MAX_FRAME);
    ts_enclave_handle(p->core, ts_bytes_of(h->bytes, h->n), &out);
    assert_int_equal(out.err, TS_OK);
    answer(w, h->link, h->conn, ts_buf_bytes(&out));
    ts_buf_free(&out);
    if (ts_enclave_wants_exit(p->core))
        end_enclave(w, h->link);
}

/* ---- the loop ---- */

static void give_batches(struct world *w, const struct happening *h)
{
    struct ts_store_batch *list = must(calloc((size_t)h->count + 1, sizeof(*list)));
    size_t n = 0;
    for (uint64_t number = h->from; number < h->from + h->count; number++) {
        const struct stored_batch *found = NULL;
        for (size_t i = 0; i < w->n_batches; i++)
            if (w->batches[i].number == number && w->batches[i].status == TS_BATCH_COMMITTED)
                found = &w->batches[i];
        if (found == NULL)
            break;
        list[n++] = (struct ts_store_batch){found->number, found->hash, found->status,
                                            ts_bytes_of(found->raw, found->n)};
    }
    struct ts_host_input in = {
        .kind = TS_IN_LOADED, .token = h->token, .batches = list, .n_batches = n};
    host_input(w, &in);
    free(list);
}

static void disk_done(struct world *w, uint64_t token)
{
    size_t i = 0;
    while (i < w->n_steps && w->steps[i].token != token)
        i++;
    TS_CHECK(i < w->n_steps);
    struct step s = w->steps[i];
    memmove(&w->steps[i], &w->steps[i + 1], (w->n_steps - i - 1) * sizeof(s));
    w->n_steps--;
    if (w->disk == TS_OK)
        for (size_t k = 0; k < s.n; k++)
            disk_apply_op(w, &s.ops[k]);
    struct ts_host_input in = {.kind = TS_IN_STORED, .token = token, .err = w->disk};
    host_input(w, &in);
}

static void happen(struct world *w, struct happening *h)
{
    struct peer *p = &w->peers[h->link];
    struct ts_host_input in = {.link = h->link};
    switch (h->what) {
    case W_TO_ENCLAVE:
        to_enclave(w, h);
        return;
    case W_TO_HOST:
        if (h->conn != p->conn || p->cut)
            return;
        in.kind = TS_IN_FRAME;
        in.bytes = ts_bytes_of(h->bytes, h->n);
        host_input(w, &in);
        return;
    case W_LINK_UP:
        if (h->conn != w->host_gen || h->token != p->conn)
            return;
        in.kind = p->core != NULL && !p->cut ? TS_IN_LINK_UP : TS_IN_LINK_DOWN;
        if (p->core != NULL)
            ts_enclave_connected(p->core);
        else
            p->conn = 0;
        host_input(w, &in);
        return;
    case W_LINK_DOWN:
        if (h->conn != w->host_gen || h->token != p->conn)
            return;
        p->conn = 0;
        in.kind = TS_IN_LINK_DOWN;
        in.text = "closed";
        host_input(w, &in);
        return;
    case W_STORED:
        if (h->conn == w->host_gen)
            disk_done(w, h->token);
        return;
    case W_LOADED:
        if (h->conn == w->host_gen)
            give_batches(w, h);
        return;
    case W_TICK:
        return;
    case W_BOOT:
        boot(w, h->link);
        return;
    }
}

/* The index of the earliest happening that may happen now; -1: none. */
static int earliest(const struct world *w)
{
    int best = -1;
    for (size_t i = 0; i < w->n_q; i++) {
        const struct happening *h = &w->q[i];
        if (h->what == W_TO_ENCLAVE && w->peers[h->link].frozen)
            continue; /* waits in the frozen process's socket */
        if (best < 0 || h->at < w->q[best].at ||
            (h->at == w->q[best].at && h->order < w->q[best].order))
            best = (int)i;
    }
    return best;
}

static bool world_step(struct world *w, uint64_t until)
{
    int i = earliest(w);
    uint64_t at = i >= 0 ? w->q[i].at : UINT64_MAX;
    if (w->host != NULL && w->wake < at && w->wake <= until) {
        w->now = w->wake > w->now ? w->wake : w->now;
        struct ts_host_input in = {.kind = TS_IN_TICK};
        host_input(w, &in);
        return true;
    }
    if (at > until) {
        w->now = until;
        return false;
    }
    struct happening h = w->q[i];
    w->q[i] = w->q[--w->n_q];
    if (h.at > w->now)
        w->now = h.at;
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

static void make_genesis(struct world *w)
{
    struct ts_genesis *g = &w->genesis;
    g->chain_id = 443;
    g->time = UNIX_START;
    g->n_whitelist = w->o.enclaves;
    g->whitelist = must(calloc(g->n_whitelist, sizeof(*g->whitelist)));
    for (unsigned i = 0; i < w->o.enclaves; i++)
        g->whitelist[i] = w->peers[i].id;
    g->n_alloc = WORLD_ACCOUNTS;
    g->alloc = must(calloc(g->n_alloc, sizeof(*g->alloc)));
    for (unsigned i = 0; i < WORLD_ACCOUNTS; i++) {
        assert_int_equal(ts_address_of_key(w->crypto, &w->account[i], &g->alloc[i].address), TS_OK);
        g->alloc[i].balance[20] = 1;
    }
    memset(&g->coinbase, 0xcb, sizeof(g->coinbase));
    ts_params_default(&g->params);
    g->params.batch_interval_ms = w->o.interval_us / 1000;
    if (w->o.report_every > 0)
        g->params.report_every = w->o.report_every;
    if (w->o.max_report_lag > 0)
        g->params.max_report_lag = w->o.max_report_lag;
    assert_int_equal(ts_genesis_finish(g), TS_OK);
    assert_int_equal(ts_genesis_encode(g, &w->genesis_raw, &w->n_genesis_raw), TS_OK);
}

struct world *world_new(const struct world_options *o)
{
    struct world *w = must(calloc(1, sizeof(*w)));
    w->o = *o;
    w->rng = o->seed * 77 + 1;
    w->now = 1000000;
    w->verbose = getenv("WORLD_VERBOSE") != NULL;
    w->crypto = must(ts_crypto_new());
    for (unsigned i = 0; i < o->enclaves; i++) {
        memset(w->peers[i].key.b, (int)(0x11 + i), 32);
        assert_int_equal(ts_address_of_key(w->crypto, &w->peers[i].key, &w->peers[i].id), TS_OK);
    }
    for (unsigned i = 0; i < WORLD_ACCOUNTS; i++)
        memset(w->account[i].b, (int)(0x71 + i), 32);
    make_genesis(w);
    for (unsigned i = 0; i < o->enclaves; i++)
        boot(w, i);
    world_start_host(w);
    return w;
}

void world_start_host(struct world *w)
{
    TS_CHECK(w->host == NULL);
    struct ts_host_start start = {.genesis = &w->genesis,
                                  .genesis_raw = ts_bytes_of(w->genesis_raw, w->n_genesis_raw),
                                  .crypto = w->crypto,
                                  .engine = &ts_ledger_engine,
                                  .n_links = w->o.enclaves,
                                  .seed = {1, 2}};
    ts_host_settings_default(&start.settings, &w->genesis);
    if (w->o.commit_quorum > 0)
        start.settings.commit_quorum = w->o.commit_quorum;
    assert_int_equal(ts_host_new(&start, &w->host), TS_OK);
    for (uint64_t number = 1;; number++) {
        const struct stored_batch *b = NULL;
        for (size_t i = 0; i < w->n_batches; i++)
            if (w->batches[i].number == number && w->batches[i].status == TS_BATCH_COMMITTED)
                b = &w->batches[i];
        if (b == NULL)
            break;
        struct ts_store_batch sb = {b->number, b->hash, b->status, ts_bytes_of(b->raw, b->n)};
        assert_int_equal(ts_host_load_committed(w->host, &sb), TS_OK);
        if (number > world_head(w)) /* a subscriber would ask for it */
            add_sent(w, number, &b->hash, sb.raw);
    }
    for (size_t i = 0; i < w->n_batches; i++) {
        const struct stored_batch *b = &w->batches[i];
        struct ts_store_batch sb = {b->number, b->hash, b->status, ts_bytes_of(b->raw, b->n)};
        if (b->status == TS_BATCH_PREPARED)
            assert_int_equal(ts_host_load_prepared(w->host, &sb), TS_OK);
        if (b->status == TS_BATCH_DISCARDED)
            assert_int_equal(ts_host_load_discarded(w->host, &sb), TS_OK);
    }
    for (size_t i = 0; i < w->n_metas; i++)
        if (strcmp(w->metas[i].key, "chain") != 0)
            assert_int_equal(ts_host_load_meta(w->host, w->metas[i].key,
                                               ts_bytes_of(w->metas[i].p, w->metas[i].n)),
                             TS_OK);
    for (size_t i = 0; i < w->n_txs; i++)
        if (w->txs[i].there) {
            struct ts_store_tx t = w->txs[i].t;
            t.raw = ts_bytes_of(w->txs[i].raw, t.raw.n);
            assert_int_equal(ts_host_load_tx(w->host, &t), TS_OK);
        }
    w->host_gen = ++w->next_conn;
    struct ts_host_outputs out;
    ts_host_begin(w->host, now_of(w), &out);
    host_outputs(w, &out);
}

void world_kill_host(struct world *w)
{
    TS_CHECK(w->host != NULL);
    /* What was on its way to the disk may or may not have got there, in order. */
    size_t done = w->n_steps ? rnd(w) % (w->n_steps + 1) : 0;
    for (size_t i = 0; i < done && w->disk == TS_OK; i++)
        for (size_t k = 0; k < w->steps[i].n; k++)
            disk_apply_op(w, &w->steps[i].ops[k]);
    w->n_steps = 0;
    ts_host_free(w->host);
    w->host = NULL;
    w->host_gen = 0;
    for (unsigned i = 0; i < w->o.enclaves; i++)
        w->peers[i].conn = 0;
}

void world_free(struct world *w)
{
    ts_host_free(w->host);
    for (unsigned i = 0; i < w->o.enclaves; i++)
        ts_enclave_free(w->peers[i].core);
    for (size_t i = 0; i < w->n_q; i++)
        free(w->q[i].bytes);
    for (size_t i = 0; i < w->n_batches; i++)
        free(w->batches[i].raw);
    for (size_t i = 0; i < w->n_sent; i++)
        free(w->sent[i].raw);
    for (size_t i = 0; i < w->n_txs; i++)
        free(w->txs[i].raw);
    for (size_t i = 0; i < w->n_metas; i++)
        free(w->metas[i].p);
    free(w->q);
    free(w->batches);
    free(w->sent);
    free(w->txs);
    free(w->steps);
    free(w->records);
    free(w->genesis_raw);
    ts_genesis_free(&w->genesis);
    ts_crypto_free(w->crypto);
    free(w);
}

/* ---- looking in and acting ---- */

uint64_t world_now(const struct world *w)
{
    return w->now;
}

struct ts_host *world_host(struct world *w)
{
    return w->host;
}

uint64_t world_head(const struct world *w)
{
    return w->n_sent > 0 ? w->sent[w->n_sent - 1].number : 0;
}

ts_address world_id(const struct world *w, unsigned i)
{
    return w->peers[i].id;
}

int world_active(const struct world *w)
{
    const struct ts_registry *r = &ts_host_chain(w->host)->registry;
    for (unsigned i = 0; i < w->o.enclaves; i++)
        if (r->has_active && ts_address_equal(&r->active, &w->peers[i].id))
            return (int)i;
    return -1;
}

struct ts_enclave *world_enclave(struct world *w, unsigned i)
{
    return w->peers[i].core;
}

unsigned world_boots(const struct world *w, unsigned i)
{
    return w->peers[i].boots;
}

void world_kill(struct world *w, unsigned i)
{
    end_enclave(w, i);
}

void world_start(struct world *w, unsigned i)
{
    boot(w, i);
}

void world_hold_down(struct world *w, unsigned i, bool down)
{
    w->peers[i].held_down = down;
    if (down)
        end_enclave(w, i);
    else
        boot(w, i);
}

void world_freeze(struct world *w, unsigned i, bool frozen)
{
    w->peers[i].frozen = frozen;
}

void world_cut(struct world *w, unsigned i, bool cut)
{
    if (cut)
        drop_link(w, i);
    w->peers[i].cut = cut;
}

void world_disk_error(struct world *w, ts_err err)
{
    w->disk = err;
}

void world_tamper(struct world *w, world_tamper_fn fn, void *ctx)
{
    w->tamper = fn;
    w->tamper_ctx = ctx;
}

size_t world_make_tx(struct world *w, unsigned a, uint64_t nonce, uint64_t gas_price, uint8_t *out,
                     size_t cap)
{
    ts_address to;
    memset(&to, 0xee, sizeof(to));
    struct ts_buf b;
    ts_sig sig;
    ts_hash digest;
    for (int pass = 0; pass < 2; pass++) {
        ts_buf_init(&b, 0);
        size_t mark = ts_put_list(&b);
        ts_put_u64(&b, nonce);
        ts_put_u64(&b, gas_price);
        ts_put_u64(&b, 21000);
        ts_put_address(&b, &to);
        ts_put_u64(&b, 1);
        ts_put_bytes(&b, ts_bytes_of(NULL, 0));
        if (pass == 0) {
            ts_put_u64(&b, w->genesis.chain_id);
            ts_put_u64(&b, 0);
            ts_put_u64(&b, 0);
        } else {
            ts_u256 r = ts_u256_from_be(sig.b, 32), s = ts_u256_from_be(sig.b + 32, 32);
            ts_put_u64(&b, w->genesis.chain_id * 2 + 35 + (uint64_t)(sig.b[64] - 27));
            ts_put_u256(&b, &r);
            ts_put_u256(&b, &s);
        }
        ts_put_list_end(&b, mark);
        if (pass == 0) {
            ts_keccak256(ts_buf_bytes(&b), &digest);
            assert_int_equal(ts_sign(w->crypto, &w->account[a], &digest, &sig), TS_OK);
            ts_buf_free(&b);
        }
    }
    TS_CHECK(b.n <= cap);
    memcpy(out, b.p, b.n);
    size_t n = b.n;
    ts_buf_free(&b);
    return n;
}

unsigned world_send_raw(struct world *w, ts_bytes raw)
{
    w->records = must(realloc(w->records, (w->n_records + 1) * sizeof(*w->records)));
    struct tx_record *r = &w->records[w->n_records];
    memset(r, 0, sizeof(*r));
    ts_tx_hash(raw, &r->hash);
    unsigned id = (unsigned)w->n_records++;
    struct ts_host_input in = {.kind = TS_IN_TX, .token = id, .bytes = raw};
    host_input(w, &in);
    return id;
}

unsigned world_send(struct world *w, unsigned a)
{
    uint8_t raw[256];
    size_t n = world_make_tx(w, a, w->nonce[a]++, w->genesis.params.base_fee, raw, sizeof(raw));
    return world_send_raw(w, ts_bytes_of(raw, n));
}

enum world_tx_state world_tx_state(const struct world *w, unsigned tx, ts_err *err)
{
    if (err != NULL)
        *err = w->records[tx].err;
    return w->records[tx].state;
}

ts_err world_admin(struct world *w, enum ts_host_admin what, int enclave, char *text, size_t size)
{
    w->admin_done = false;
    struct ts_host_input in = {.kind = TS_IN_ADMIN, .token = 1000000, .admin = what};
    if (enclave >= 0) {
        in.has_id = true;
        if (enclave < WORLD_MAX)
            in.id = w->peers[enclave].id;
    }
    host_input(w, &in);
    uint64_t until = w->now + 5000000;
    while (!w->admin_done && world_step(w, until))
        ;
    assert_true(w->admin_done);
    if (text != NULL)
        snprintf(text, size, "%s", w->admin_text);
    return w->admin_err;
}

unsigned world_events(const struct world *w, const char *event)
{
    for (size_t i = 0; i < w->n_events; i++)
        if (strcmp(w->events[i].name, event) == 0)
            return w->events[i].n;
    return 0;
}

/* ---- what must hold ---- */

static void count_txs(struct world *w, const struct ts_batch *batch)
{
    for (size_t i = 0; i < batch->n_txs; i++) {
        ts_hash hash;
        ts_tx_hash(batch->txs[i], &hash);
        struct tx_record *r = record_of(w, &hash);
        if (r != NULL)
            r->batches++;
    }
}

static void follow_all(struct world *w)
{
    struct ts_engine *engine;
    ts_hash root;
    uint64_t seed[2] = {5, 6};
    assert_int_equal(ts_ledger_engine.open(&w->genesis, w->crypto, seed, &engine), TS_OK);
    ts_ledger_engine.root(engine, &root);
    ts_ledger_engine.close(engine);
    struct ts_chain chain;
    assert_int_equal(ts_chain_init(&chain, &w->genesis, w->crypto, &root), TS_OK);
    struct ts_effect *effect = must(ts_effect_new());
    struct ts_arena arena;
    ts_arena_init(&arena, 0);
    for (size_t i = 0; i < w->n_sent; i++) {
        const struct stored_batch *b = &w->sent[i];
        if (b->number <= chain.head.number) { /* sent again after a restart: the very same */
            assert_true(b->number + TS_RECENT > chain.head.number);
            assert_true(ts_hash_equal(ts_chain_recent(&chain, b->number), &b->hash));
            continue;
        }
        struct ts_batch batch;
        struct ts_fault fault = {.what = ""};
        ts_arena_reset(&arena);
        assert_int_equal(
            ts_batch_decode(ts_bytes_of(b->raw, b->n), TS_MAX_BATCH_BYTES, &arena, &batch), TS_OK);
        ts_err err = ts_batch_check(&chain, &batch, NULL, effect, &fault);
        if (err != TS_OK)
            fail_msg("batch %llu: %s: %s", (unsigned long long)b->number, ts_err_name(err),
                     fault.what);
        assert_int_equal(ts_chain_apply(&chain, effect), TS_OK);
        count_txs(w, &batch);
    }
    ts_arena_free(&arena);
    ts_effect_free(effect);
    ts_chain_free(&chain);
}

unsigned world_tx_batches(const struct world *w, unsigned tx)
{
    return w->records[tx].batches;
}

void world_check(struct world *w, bool settled)
{
    for (size_t i = 0; i < w->n_records; i++)
        w->records[i].batches = 0;
    follow_all(w);
    for (size_t i = 0; i < w->n_records; i++) {
        const struct tx_record *r = &w->records[i];
        assert_true(r->batches <= 1);
        assert_false(r->rejected && r->batches > 0);
        if (settled && r->state == WTX_ACKED && r->batches + r->rejected != 1)
            fail_msg("acknowledged transaction %zu is in %u batches, rejected %d", i, r->batches,
                     r->rejected);
    }
}
