/* SPDX-License-Identifier: Apache-2.0 */
#include "hostworld_internal.h"

#include "chain/batch.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"

/* ---- looking in ---- */

uint64_t world_now(const struct world *w)
{
    return w->now;
}

struct ts_host *world_host(struct world *w)
{
    return w->host;
}

uint64_t world_broadcasts(const struct world *w)
{
    return w->n_sent;
}

uint64_t world_head(const struct world *w)
{
    return w->n_sent > 0 ? w->sent[w->n_sent - 1].number : 0;
}

ts_address world_id(const struct world *w, unsigned i)
{
    return w->peers[i].id;
}

ts_secret world_key(const struct world *w, unsigned i)
{
    return w->peers[i].key;
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

struct ts_host_status world_host_status(const struct world *w)
{
    struct ts_host_status st;
    TS_CHECK(w->host != NULL);
    ts_host_status_of(w->host, &st);
    return st;
}

struct ts_host_enclave_status world_status(const struct world *w, unsigned link)
{
    struct ts_host_enclave_status s;
    ts_host_enclave_of(w->host, link, &s);
    return s;
}

unsigned world_events(const struct world *w, const char *event)
{
    for (size_t i = 0; i < w->n_events; i++)
        if (strcmp(w->events[i].name, event) == 0)
            return w->events[i].n;
    return 0;
}

/* ---- what befalls processes ---- */

void world_break_engine(struct world *w, unsigned i, bool broken)
{
    w->peers[i].broken = broken;
}

void world_kill(struct world *w, unsigned i)
{
    world_end_enclave(w, i);
}

void world_start(struct world *w, unsigned i)
{
    world_boot(w, i);
}

void world_hold_down(struct world *w, unsigned i, bool down)
{
    w->peers[i].held_down = down;
    if (down)
        world_end_enclave(w, i);
    else
        world_boot(w, i);
}

void world_freeze(struct world *w, unsigned i, bool frozen)
{
    w->peers[i].frozen = frozen;
}

void world_cut(struct world *w, unsigned i, bool cut)
{
    if (cut)
        world_drop_links(w, i);
    w->peers[i].cut = cut;
}

void world_slow(struct world *w, unsigned i, uint64_t delay_us)
{
    w->peers[i].delay_us = delay_us;
}

void world_occupy(struct world *w, unsigned i, bool occupied, bool mute)
{
    if (occupied)
        world_drop_links(w, i);
    w->peers[i].occupied = occupied;
    w->peers[i].mute = mute;
}

void world_point(struct world *w, unsigned link, unsigned i)
{
    if (w->links[link].peer == i)
        return;
    struct happening *h = world_schedule(w, w->now, W_LINK_DOWN);
    h->link = link;
    h->conn = w->host_gen;
    h->token = w->links[link].conn;
    w->links[link].peer = i;
    w->links[link].up = false;
}

void world_stop_host(struct world *w, uint64_t us)
{
    w->host_asleep = w->now + us;
}

void world_tamper(struct world *w, world_tamper_fn fn, void *ctx)
{
    w->tamper = fn;
    w->tamper_ctx = ctx;
}

/* ---- transactions ---- */

struct tx_record *world_record_of(struct world *w, const ts_hash *hash)
{
    for (size_t i = 0; i < w->n_records; i++)
        if (ts_hash_equal(&w->records[i].hash, hash))
            return &w->records[i];
    return NULL;
}

static size_t make_tx(struct world *w, unsigned a, uint64_t nonce, uint64_t gas_price,
                      ts_bytes data, uint8_t *out, size_t cap)
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
        ts_put_u64(&b, 21000 + 4 * data.n); /* zeros */
        ts_put_address(&b, &to);
        ts_put_u64(&b, 1);
        ts_put_bytes(&b, data);
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

ts_address world_account(const struct world *w, unsigned a)
{
    ts_address address;
    assert_int_equal(ts_address_of_key(w->crypto, &w->account[a], &address), TS_OK);
    return address;
}

size_t world_make_tx(struct world *w, unsigned a, uint64_t nonce, uint64_t gas_price, uint8_t *out,
                     size_t cap)
{
    return make_tx(w, a, nonce, gas_price, ts_bytes_of(NULL, 0), out, cap);
}

unsigned world_send_raw(struct world *w, ts_bytes raw)
{
    w->records = must(realloc(w->records, (w->n_records + 1) * sizeof(*w->records)));
    struct tx_record *r = &w->records[w->n_records];
    memset(r, 0, sizeof(*r));
    ts_tx_hash(raw, &r->hash);
    unsigned id = (unsigned)w->n_records++;
    TS_CHECK(id < WORLD_ASK_TOKENS);
    struct ts_host_input in = {.kind = TS_IN_TX, .token = id, .bytes = raw};
    world_input(w, &in);
    return id;
}

unsigned world_send(struct world *w, unsigned a)
{
    uint8_t raw[256];
    size_t n = world_make_tx(w, a, w->nonce[a]++, w->genesis.params.base_fee, raw, sizeof(raw));
    return world_send_raw(w, ts_bytes_of(raw, n));
}

unsigned world_send_data(struct world *w, unsigned a, size_t n)
{
    uint8_t *data = must(calloc(1, n));
    uint8_t *raw = must(malloc(n + 256));
    size_t size = make_tx(w, a, w->nonce[a]++, w->genesis.params.base_fee, ts_bytes_of(data, n),
                          raw, n + 256);
    unsigned id = world_send_raw(w, ts_bytes_of(raw, size));
    free(data);
    free(raw);
    return id;
}

enum world_tx_state world_tx_state(const struct world *w, unsigned tx, ts_err *err)
{
    if (err != NULL)
        *err = w->records[tx].err;
    return w->records[tx].state;
}

unsigned world_tx_batches(const struct world *w, unsigned tx)
{
    return w->records[tx].batches;
}

bool world_tx_rejected(const struct world *w, unsigned tx, ts_err *code, char *text, size_t size)
{
    const struct tx_record *r = &w->records[tx];
    if (code != NULL)
        *code = r->rejected_code;
    if (text != NULL)
        snprintf(text, size, "%s", r->rejected_text);
    return r->rejected;
}

/* ---- operators and queries ---- */

static unsigned new_asked(struct world *w)
{
    w->asked = must(realloc(w->asked, (w->n_asked + 1) * sizeof(*w->asked)));
    w->asked[w->n_asked] = (struct asked){.host_gen = w->host_gen};
    return (unsigned)w->n_asked++;
}

unsigned world_admin_later(struct world *w, enum ts_host_admin what, int enclave)
{
    unsigned n = new_asked(w);
    struct ts_host_input in = {.kind = TS_IN_ADMIN, .token = WORLD_ASK_TOKENS + n, .admin = what};
    if (enclave >= 0) {
        in.has_id = true;
        if (enclave < WORLD_MAX)
            in.id = w->peers[enclave].id;
    }
    world_input(w, &in);
    return n;
}

unsigned world_query_raw(struct world *w, enum ts_query_kind kind, ts_bytes arg)
{
    unsigned n = new_asked(w);
    struct ts_host_input in = {
        .kind = TS_IN_QUERY, .token = WORLD_ASK_TOKENS + n, .query_kind = kind, .bytes = arg};
    world_input(w, &in);
    return n;
}

unsigned world_query(struct world *w, unsigned a)
{
    return world_query_raw(w, TS_QUERY_BALANCE, ts_bytes_of(w->genesis.alloc[a].address.b, 20));
}

bool world_asked(const struct world *w, unsigned n, ts_err *err)
{
    if (err != NULL)
        *err = w->asked[n].err;
    return w->asked[n].done;
}

ts_err world_admin(struct world *w, enum ts_host_admin what, int enclave, char *text, size_t size)
{
    unsigned n = world_admin_later(w, what, enclave);
    uint64_t until = w->now + 5000000;
    while (!w->asked[n].done && world_step(w, until))
        ;
    assert_true(w->asked[n].done);
    if (text != NULL)
        snprintf(text, size, "%s", w->asked[n].text);
    return w->asked[n].err;
}

void world_ask_stop(struct world *w)
{
    struct ts_host_input in = {.kind = TS_IN_STOP};
    world_input(w, &in);
}
