/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave_kit.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "crypto/sign.h"
#include "engine/tx_sign.h"

/* ---- checkpoint slots in memory ---- */

static ts_err store_peek(void *ctx, size_t slot, void *out, size_t n, size_t *got)
{
    struct ek_store *s = ctx;
    *got = n < s->slots[slot].n ? n : s->slots[slot].n;
    if (*got > 0)
        memcpy(out, s->slots[slot].p, *got);
    return TS_OK;
}

static ts_err store_write_begin(void *ctx, size_t slot)
{
    struct ek_store *s = ctx;
    s->slot = slot;
    ts_buf_reset(&s->writing);
    ts_buf_reset(&s->slots[slot]);
    return TS_OK;
}

static ts_err store_write(void *ctx, const void *p, size_t n)
{
    struct ek_store *s = ctx;
    if (s->fail_after != 0 && s->writing.n + n > s->fail_after)
        return TS_E_DISK_FULL;
    ts_buf_put(&s->writing, p, n);
    return s->writing.err;
}

static ts_err store_write_end(void *ctx, bool keep)
{
    struct ek_store *s = ctx;
    if (keep)
        ts_buf_put(&s->slots[s->slot], s->writing.p, s->writing.n);
    return s->slots[s->slot].err;
}

static ts_err store_read_begin(void *ctx, size_t slot)
{
    struct ek_store *s = ctx;
    s->slot = slot;
    s->at = 0;
    return s->slots[slot].n > 0 ? TS_OK : TS_E_NOT_FOUND;
}

static ts_err store_read(void *ctx, void *out, size_t n, size_t *got)
{
    struct ek_store *s = ctx;
    size_t left = s->slots[s->slot].n - s->at;
    *got = n < left ? n : left;
    if (*got > 0)
        memcpy(out, s->slots[s->slot].p + s->at, *got);
    s->at += *got;
    return TS_OK;
}

static void store_read_end(void *ctx)
{
    (void)ctx;
}

static void store_init(struct ek_store *s)
{
    s->ops = (struct ts_checkpoint_store){
        .ctx = s,
        .n_slots = 2,
        .peek = store_peek,
        .write_begin = store_write_begin,
        .write = store_write,
        .write_end = store_write_end,
        .read_begin = store_read_begin,
        .read = store_read,
        .read_end = store_read_end,
    };
    ts_buf_init(&s->slots[0], 0);
    ts_buf_init(&s->slots[1], 0);
    ts_buf_init(&s->writing, 0);
}

/* ---- the network ---- */

/* splitmix64: the same seed, the same run. */
uint64_t ek_random(struct ek *k)
{
    uint64_t z = k->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static ts_err env_random(void *ctx, void *out, size_t n)
{
    uint8_t *p = out;
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)ek_random(ctx);
    return TS_OK;
}

static int by_id(const void *a, const void *b)
{
    const struct ek_enclave *left = a;
    const struct ek_enclave *right = b;
    return ts_address_compare(&left->id, &right->id);
}

static int by_address(const void *a, const void *b)
{
    const struct ts_alloc *left = a;
    const struct ts_alloc *right = b;
    return ts_address_compare(&left->address, &right->address);
}

static void make_enclaves(struct ek *k)
{
    for (size_t i = 0; i < k->n; i++) {
        k->enclaves[i].identity.b[0] = 0x11;
        k->enclaves[i].identity.b[31] = (uint8_t)(i + 1);
        assert_int_equal(ts_address_of_key(k->crypto, &k->enclaves[i].identity, &k->enclaves[i].id),
                         TS_OK);
    }
    qsort(k->enclaves, k->n, sizeof(k->enclaves[0]), by_id);
    for (size_t i = 0; i < k->n; i++)
        store_init(&k->enclaves[i].store);
}

static void make_genesis(struct ek *k, size_t n_listed, const struct ts_params *params,
                         uint64_t l1_chain_id, const ts_address *other)
{
    struct ts_genesis *g = &k->genesis;
    ts_u256 funds = ts_u256_of(UINT64_C(1000000000000000000));
    uint8_t *raw;
    size_t n;
    *g = (struct ts_genesis){.chain_id = EK_CHAIN, .time = 1000, .l1_chain_id = l1_chain_id};
    g->params = *params;
    g->params.base_fee = EK_BASE_FEE;
    if (l1_chain_id != 0)
        g->contract.b[0] = 1;
    g->coinbase.b[0] = 0xcb;
    g->whitelist = calloc(n_listed + 1, sizeof(*g->whitelist));
    g->alloc = calloc(EK_PEOPLE, sizeof(*g->alloc));
    assert_non_null(g->whitelist);
    assert_non_null(g->alloc);
    for (size_t i = 0; i < n_listed; i++)
        g->whitelist[i] = k->enclaves[i].id;
    if (other != NULL)
        g->whitelist[n_listed++] = *other;
    g->n_whitelist = n_listed;
    for (size_t i = 0; i < EK_PEOPLE; i++) {
        k->people[i].b[31] = (uint8_t)(i + 1);
        assert_int_equal(ts_address_of_key(k->crypto, &k->people[i], &k->person[i]), TS_OK);
        g->alloc[i].address = k->person[i];
        ts_u256_to_be(&funds, g->alloc[i].balance);
    }
    g->n_alloc = EK_PEOPLE;
    qsort(g->alloc, g->n_alloc, sizeof(g->alloc[0]), by_address);
    assert_int_equal(ts_genesis_finish(g), TS_OK);
    assert_int_equal(ts_genesis_encode(g, &raw, &n), TS_OK);
    k->genesis_raw = ts_bytes_of(raw, n);
}

static void make_chain(struct ek *k)
{
    const uint64_t seed[2] = {1, 2};
    struct ts_engine *engine;
    ts_hash root;
    assert_int_equal(ts_ledger_engine.open(&k->genesis, k->crypto, seed, &engine), TS_OK);
    ts_ledger_engine.root(engine, &root);
    ts_ledger_engine.close(engine);
    assert_int_equal(ts_chain_init(&k->chain, &k->genesis, k->crypto, &root), TS_OK);
    k->effect = ts_effect_new();
    assert_non_null(k->effect);
}

static struct ek *open_kit(size_t n, size_t n_listed, const struct ts_params *params,
                           uint64_t l1_chain_id, const ts_address *other)
{
    struct ek *k = calloc(1, sizeof(*k));
    assert_non_null(k);
    TS_CHECK(n <= EK_MAX);
    k->n = n;
    k->now = 2000;
    k->engine = &ts_ledger_engine;
    k->crypto = ts_crypto_secp256k1(NULL);
    assert_non_null(k->crypto);
    ts_arena_init(&k->arena, 1u << 30);
    make_enclaves(k);
    make_genesis(k, n_listed, params, l1_chain_id, other);
    make_chain(k);
    return k;
}

struct ek *ek_open_with(size_t n, size_t n_listed, const struct ts_params *params,
                        uint64_t l1_chain_id)
{
    return open_kit(n, n_listed, params, l1_chain_id, NULL);
}

struct ek *ek_open_beside(size_t n, const ts_address *other)
{
    struct ts_params params;
    ts_params_default(&params);
    return open_kit(n, n, &params, 0, other);
}

struct ek *ek_open(size_t n, size_t n_listed)
{
    struct ts_params params;
    ts_params_default(&params);
    return ek_open_with(n, n_listed, &params, 0);
}

void ek_close(struct ek *k)
{
    for (size_t i = 0; i < k->n; i++) {
        struct ek_enclave *x = &k->enclaves[i];
        ts_enclave_free(x->core);
        ts_buf_free(&x->store.slots[0]);
        ts_buf_free(&x->store.slots[1]);
        ts_buf_free(&x->store.writing);
    }
    for (size_t i = 0; i < k->n_batches; i++)
        free(k->batches[i].p);
    free(k->batches);
    ts_effect_free(k->effect);
    ts_chain_free(&k->chain);
    ts_genesis_free(&k->genesis);
    free((void *)(uintptr_t)k->genesis_raw.p);
    ts_arena_free(&k->arena);
    ts_crypto_free(k->crypto);
    free(k);
}

void ek_forget(struct ek *k)
{
    ts_arena_reset(&k->arena);
}

void ek_boot(struct ek *k, size_t i)
{
    struct ek_enclave *x = &k->enclaves[i];
    struct ts_enclave_config config = {
        .crypto = k->crypto,
        .engine = k->engine,
        .checkpoints = &x->store.ops,
        .env = {.ctx = k, .random = env_random},
        .identity = x->identity,
        .seal_key = {{9, 9, 9}},
        .boot_time = k->now,
    };
    ts_enclave_free(x->core);
    assert_int_equal(ts_enclave_new(&config, &x->core), TS_OK);
    x->boots++;
}

void ek_kill(struct ek *k, size_t i)
{
    ts_enclave_free(k->enclaves[i].core);
    k->enclaves[i].core = NULL;
}

/* Bytes that live as long as the answers do. */
static ts_bytes keep(struct ek *k, ts_bytes b)
{
    uint8_t *p = ts_arena_alloc(&k->arena, b.n);
    assert_non_null(p);
    if (b.n > 0)
        memcpy(p, b.p, b.n);
    return ts_bytes_of(p, b.n);
}

struct ts_msg ek_ask(struct ek *k, size_t i, const struct ts_msg *req)
{
    struct ts_buf in;
    struct ts_buf out;
    struct ts_msg answer;
    assert_non_null(k->enclaves[i].core);
    ts_buf_init(&in, 0);
    ts_buf_init(&out, 0);
    ts_msg_put(&in, req);
    ts_enclave_handle(k->enclaves[i].core, ts_buf_bytes(&in), &out);
    ts_bytes frame = keep(k, ts_buf_bytes(&out));
    assert_int_equal(ts_msg_decode_answer(frame, &k->arena, &answer), TS_OK);
    assert_int_equal(answer.id, req->id);
    assert_true(answer.type == req->type || answer.type == TS_MSG_ERROR);
    ts_buf_free(&in);
    ts_buf_free(&out);
    return answer;
}

ts_err ek_code(const struct ts_msg *answer)
{
    return answer->type == TS_MSG_ERROR ? answer->u.error.code : TS_OK;
}

enum ts_enclave_state ek_state(const struct ek *k, size_t i)
{
    return ts_enclave_state_of(k->enclaves[i].core);
}

struct ts_msg ek_plain(struct ek *k, size_t i, uint64_t type)
{
    struct ts_msg m = {.type = type, .id = 1};
    return ek_ask(k, i, &m);
}

struct ts_msg ek_load(struct ek *k, size_t i, const struct ts_msg_head *from)
{
    struct ts_msg m = {.type = TS_MSG_LOAD, .id = 2};
    m.u.load.genesis = k->genesis_raw;
    if (from != NULL)
        m.u.load.from = *from;
    return ek_ask(k, i, &m);
}

struct ts_msg ek_accept(struct ek *k, size_t i, ts_bytes batch)
{
    struct ts_msg m = {.type = TS_MSG_ACCEPT, .id = 3};
    m.u.accept.batch = batch;
    if (k->l1_header != NULL) {
        ts_hash hash;
        m.u.accept.l1_header = k->l1_header(ek_decode(k, batch).header.l1_number, &k->arena, &hash);
    }
    return ek_ask(k, i, &m);
}

struct ts_msg ek_synced(struct ek *k, size_t i)
{
    struct ts_msg m = {.type = TS_MSG_SYNCED, .id = 4};
    m.u.synced.time = k->now;
    return ek_ask(k, i, &m);
}

struct ts_msg ek_activate(struct ek *k, size_t i, uint64_t term)
{
    struct ts_msg m = {.type = TS_MSG_ACTIVATE, .id = 5};
    m.u.activate = (struct ts_msg_activate){.term = term, .time = k->now};
    return ek_ask(k, i, &m);
}

struct ts_msg ek_step_down(struct ek *k, size_t i)
{
    struct ts_msg m = {.type = TS_MSG_STEP_DOWN, .id = 6};
    m.u.step_down.time = k->now;
    return ek_ask(k, i, &m);
}

struct ts_msg ek_offers(struct ek *k, size_t i, uint64_t above)
{
    struct ts_msg m = {.type = TS_MSG_OFFERS, .id = 7};
    m.u.offers.above = above;
    return ek_ask(k, i, &m);
}

/* Adds what enclave i hands out now. */
static void gather(struct ek *k, size_t i, struct ts_msg_create *c)
{
    struct ts_msg m = ek_plain(k, i, TS_MSG_REPORT);
    if (m.type == TS_MSG_ERROR)
        return;
    const struct ts_msg_events *e = &m.u.events;
    if (e->has_report)
        c->reports[c->n_reports++] = e->report;
    if (e->n_transitions > 0)
        memcpy(c->transitions + c->n_transitions, e->transitions,
               e->n_transitions * sizeof(*e->transitions));
    c->n_transitions += e->n_transitions;
}

struct ts_msg ek_create_request(struct ek *k, size_t producer, unsigned with)
{
    struct ts_msg m = {.type = TS_MSG_CREATE, .id = 8};
    struct ts_msg_create *c = &m.u.create;
    const struct ts_head *head = &k->chain.head;
    *c = (struct ts_msg_create){
        .parent = {head->number, head->hash},
        .time = k->now,
        .l1_number = head->l1_number,
        .l1_hash = head->l1_hash,
    };
    if (k->l1_header != NULL) {
        c->l1_number = k->l1_number;
        c->l1_header = k->l1_header(k->l1_number, &k->arena, &c->l1_hash);
    }
    c->transitions =
        ts_arena_array(&k->arena, EK_MAX * TS_MAX_UNPUBLISHED, sizeof(*c->transitions));
    c->reports = ts_arena_array(&k->arena, EK_MAX, sizeof(*c->reports));
    assert_non_null(c->transitions);
    assert_non_null(c->reports);
    for (size_t i = 0; i < k->n; i++) {
        if (i != producer && (with & (1u << i)) != 0 && k->enclaves[i].core != NULL)
            gather(k, i, c);
    }
    return m;
}

struct ts_msg ek_create(struct ek *k, size_t producer, unsigned with)
{
    struct ts_msg m = ek_create_request(k, producer, with);
    return ek_ask(k, producer, &m);
}

struct ts_batch ek_decode(struct ek *k, ts_bytes raw)
{
    struct ts_batch b;
    assert_int_equal(ts_batch_decode(raw, TS_MAX_BATCH_BYTES, &k->arena, &b), TS_OK);
    return b;
}

void ek_publish(struct ek *k, ts_bytes raw)
{
    struct ts_fault fault = {0};
    struct ts_batch b = ek_decode(k, raw);
    ts_err err = ts_batch_check(&k->chain, &b, NULL, k->effect, &fault);
    assert_string_equal(fault.what, "");
    assert_int_equal(err, TS_OK);
    assert_int_equal(ts_chain_apply(&k->chain, k->effect), TS_OK);
    k->batches = realloc(k->batches, (k->n_batches + 1) * sizeof(*k->batches));
    assert_non_null(k->batches);
    struct ek_batch *kept = &k->batches[k->n_batches++];
    kept->p = malloc(raw.n);
    assert_non_null(kept->p);
    memcpy(kept->p, raw.p, raw.n);
    kept->n = raw.n;
    k->now += 1000;
}

ts_bytes ek_batch(const struct ek *k, uint64_t number)
{
    TS_CHECK(number >= 1 && number <= k->n_batches);
    return ts_bytes_of(k->batches[number - 1].p, k->batches[number - 1].n);
}

struct ts_msg_head ek_head(const struct ek *k)
{
    return (struct ts_msg_head){k->chain.head.number, k->chain.head.hash};
}

void ek_feed(struct ek *k, size_t i)
{
    struct ts_msg m = ek_plain(k, i, TS_MSG_IDENTIFY);
    for (uint64_t n = m.u.identity.head.number + 1; n <= k->n_batches; n++) {
        m = ek_accept(k, i, ek_batch(k, n));
        assert_code(m, TS_OK);
    }
}

void ek_start(struct ek *k, size_t i)
{
    ek_boot(k, i);
    struct ts_msg m = ek_load(k, i, NULL);
    assert_code(m, TS_OK);
    ek_feed(k, i);
    m = ek_synced(k, i);
    assert_code(m, TS_OK);
    assert_state(k, i, TS_ENC_PASSIVE);
}

void ek_promote(struct ek *k, size_t i)
{
    struct ts_msg m = ek_activate(k, i, ++k->term);
    assert_code(m, TS_OK);
    assert_state(k, i, TS_ENC_ACTIVE);
}

void ek_run(struct ek *k, size_t producer, size_t batches)
{
    for (size_t n = 0; n < batches; n++) {
        struct ts_msg m = ek_create(k, producer, EK_ALL);
        assert_code(m, TS_OK);
        ek_publish(k, m.u.created.batch);
        for (size_t i = 0; i < k->n; i++) {
            if (i != producer && k->enclaves[i].core != NULL)
                ek_feed(k, i);
        }
    }
}

struct ts_msg ek_rollup_request(struct ek *k, uint64_t first, uint64_t last, uint64_t above)
{
    struct ts_msg m = {.type = TS_MSG_ROLLUP, .id = 14};
    struct ts_msg_rollup *r = &m.u.rollup;
    size_t n_above = above > last ? (size_t)(above - last) : 0;
    TS_CHECK(first >= 1 && first <= last && last + n_above <= k->n_batches);
    r->range = ts_arena_array(&k->arena, (size_t)(last - first + 1), sizeof(*r->range));
    r->above = ts_arena_array(&k->arena, n_above, sizeof(*r->above));
    assert_non_null(r->range);
    assert_non_null(r->above);
    for (uint64_t n = 1; n <= last + n_above; n++) {
        struct ts_batch b = ek_decode(k, ek_batch(k, n));
        if (n <= last)
            ts_protocol_root(&r->protocol_root, b.raw_payload, &r->protocol_root);
        if (n == last) {
            r->seal = b.seal;
            r->l1_number = b.header.l1_number;
            r->l1_hash = b.header.l1_hash;
        }
        if (n >= first && n <= last)
            r->range[r->n_range++] = (struct ts_msg_range_item){b.raw_header, b.raw_txs};
        if (n > last)
            r->above[r->n_above++] = b.raw_header;
    }
    return m;
}

static ts_bytes transfer(struct ek *k, size_t person, uint64_t nonce, const ts_address *to,
                         uint64_t wei, uint64_t gas)
{
    struct ts_buf out;
    struct ts_tx tx = {
        .type = TS_TX_DYNAMIC_FEE,
        .chain_id = EK_CHAIN,
        .nonce = nonce,
        .max_priority = ts_u256_of(1),
        .max_fee = ts_u256_of(2 * EK_BASE_FEE),
        .gas = gas,
        .to = *to,
        .value = ts_u256_of(wei),
    };
    ts_buf_init(&out, 0);
    assert_int_equal(ts_tx_sign(k->crypto, &k->people[person], &tx, &out), TS_OK);
    ts_bytes kept = keep(k, ts_buf_bytes(&out));
    ts_buf_free(&out);
    return kept;
}

ts_bytes ek_transfer(struct ek *k, size_t person, uint64_t nonce, uint64_t wei)
{
    static const ts_address to = {{0x57}};
    return transfer(k, person, nonce, &to, wei, 21000);
}

ts_bytes ek_transfer_gas(struct ek *k, size_t person, uint64_t nonce, uint64_t gas)
{
    static const ts_address to = {{0x57}};
    return transfer(k, person, nonce, &to, 1, gas);
}

ts_bytes ek_transfer_to(struct ek *k, size_t person, uint64_t nonce, const ts_address *to)
{
    return transfer(k, person, nonce, to, 1, 21000);
}

ts_bytes ek_forge(struct ek *k, struct ts_batch *b, const ts_hash *parent_root)
{
    struct ts_buf out;
    struct ts_batch_seal seal;
    ts_hash digest;
    const ts_secret *key = NULL;
    for (size_t i = 0; i < k->n; i++) {
        if (ts_address_equal(&k->enclaves[i].id, &b->header.producer))
            key = &k->enclaves[i].identity;
    }
    assert_non_null(key);
    ts_buf_init(&out, 0);
    ts_tx_root(b, &b->header.tx_root);
    ts_payload_put(&out, &b->payload);
    ts_header_hash(&k->genesis.domain, &b->header, &seal.batch_hash);
    ts_protocol_root(parent_root, ts_buf_bytes(&out), &seal.protocol_root);
    ts_seal_digest(&k->genesis.domain, &seal, &digest);
    assert_int_equal(ts_sign(k->crypto, key, &digest, &b->seal), TS_OK);
    ts_buf_reset(&out);
    ts_batch_put(&out, b);
    ts_bytes kept = keep(k, ts_buf_bytes(&out));
    ts_buf_free(&out);
    return kept;
}
