/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a long chain for benches: real batches sealed by a real enclave core, checked like a host
 * does, and put into a host's database. One of the whitelisted enclaves makes them all.
 *
 *   make_chain GENESIS.json SECRET-KEY-HEX COUNT HOST.db */
#include <sys/stat.h>

#include "base/arena.h"
#include "base/check.h"
#include "chain/batch.h"
#include "chain/genesis_json.h"
#include "chain/snapshot.h"
#include "crypto/sign.h"
#include "enclave/core.h"
#include "store/store.h"

#define STEP 2000 /* batches in one durable step */

static ts_err weak_random(void *ctx, void *out, size_t n)
{
    uint64_t *state = ctx;
    uint8_t *p = out;
    for (size_t i = 0; i < n; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint8_t)(*state >> 56);
    }
    return TS_OK;
}

struct maker {
    struct ts_genesis genesis;
    struct ts_crypto *crypto;
    struct ts_enclave *enclave;
    struct ts_chain chain;
    struct ts_effect *effect;
    struct ts_arena arena;
    struct ts_buf request, answer;
    struct ts_store *store;
};

static struct ts_msg ask(struct maker *m, struct ts_msg *msg)
{
    struct ts_msg answer;
    msg->id = 1;
    ts_buf_reset(&m->request);
    ts_buf_reset(&m->answer);
    ts_msg_put(&m->request, msg);
    ts_enclave_handle(m->enclave, ts_buf_bytes(&m->request), &m->answer);
    ts_arena_reset(&m->arena);
    TS_CHECK(ts_msg_decode_answer(ts_buf_bytes(&m->answer), &m->arena, &answer) == TS_OK);
    if (answer.type == TS_MSG_ERROR) {
        fprintf(stderr, "%s: %.*s\n", ts_msg_name(msg->type), (int)answer.u.error.text.n,
                (const char *)answer.u.error.text.p);
        exit(1);
    }
    return answer;
}

static void read_genesis(struct maker *m, const char *path)
{
    static char text[1 << 20];
    char why[256] = "cannot be read";
    FILE *f = fopen(path, "re");
    size_t n = f != NULL ? fread(text, 1, sizeof(text), f) : 0;
    if (f == NULL || ts_genesis_from_json(text, n, &m->genesis, why, sizeof(why)) != TS_OK) {
        fprintf(stderr, "%s: %s\n", path, why);
        exit(1);
    }
    fclose(f);
}

static void start(struct maker *m, const char *key)
{
    static uint64_t seed = 7;
    uint64_t map_seed[2] = {1, 2};
    ts_hash root;
    struct ts_engine *engine;
    struct ts_enclave_config c = {.engine = &ts_ledger_engine, .env = {&seed, weak_random}};
    TS_CHECK(ts_unhex(key, c.identity.b, sizeof(c.identity.b)) == TS_OK);
    m->crypto = ts_crypto_new();
    c.crypto = m->crypto;
    c.boot_time = m->genesis.time;
    TS_CHECK(ts_enclave_new(&c, &m->enclave) == TS_OK);
    TS_CHECK(ts_ledger_engine.open(&m->genesis, m->crypto, map_seed, &engine) == TS_OK);
    ts_ledger_engine.root(engine, &root);
    ts_ledger_engine.close(engine);
    TS_CHECK(ts_chain_init(&m->chain, &m->genesis, m->crypto, &root) == TS_OK);
    m->effect = ts_effect_new();

    uint8_t *raw;
    size_t n;
    TS_CHECK(ts_genesis_encode(&m->genesis, &raw, &n) == TS_OK);
    struct ts_msg load = {.type = TS_MSG_LOAD}, synced = {.type = TS_MSG_SYNCED};
    struct ts_msg active = {.type = TS_MSG_ACTIVATE};
    load.u.load.genesis = ts_bytes_of(raw, n);
    ask(m, &load);
    free(raw);
    synced.u.synced.time = active.u.activate.time = m->genesis.time;
    active.u.activate.term = 1;
    ask(m, &synced);
    ask(m, &active);
}

/* One batch into op; its bytes are the caller's to free. */
static void make(struct maker *m, struct ts_store_op *op)
{
    struct ts_msg create = {.type = TS_MSG_CREATE};
    create.u.create.parent = (struct ts_msg_head){m->chain.head.number, m->chain.head.hash};
    create.u.create.time = m->chain.head.time + m->genesis.params.batch_interval_ms;
    create.u.create.l1_hash = m->chain.head.l1_hash;
    struct ts_msg a = ask(m, &create);
    struct ts_batch batch;
    struct ts_fault fault;
    ts_bytes raw = a.u.created.batch;
    TS_CHECK(ts_batch_decode(raw, TS_MAX_BATCH_BYTES, &m->arena, &batch) == TS_OK);
    TS_CHECK(ts_batch_check(&m->chain, &batch, NULL, m->effect, &fault) == TS_OK);
    TS_CHECK(ts_chain_apply(&m->chain, m->effect) == TS_OK);
    uint8_t *copy = malloc(raw.n);
    TS_CHECK(copy != NULL);
    memcpy(copy, raw.p, raw.n);
    *op = (struct ts_store_op){.kind = TS_OP_PUT_BATCH,
                               .number = m->chain.head.number,
                               .hash = m->chain.head.hash,
                               .status = TS_BATCH_COMMITTED,
                               .data = ts_bytes_of(copy, raw.n)};
}

static void store_step(struct maker *m, struct ts_store_op *ops, size_t n)
{
    struct ts_buf snapshot;
    ts_buf_init(&snapshot, 0);
    ts_chain_snapshot_put(&snapshot, &m->chain);
    ops[n] = (struct ts_store_op){
        .kind = TS_OP_PUT_META, .key = "chain", .data = ts_buf_bytes(&snapshot)};
    TS_CHECK(ts_store_apply(m->store, ops, n + 1) == TS_OK);
    ts_buf_free(&snapshot);
    for (size_t i = 0; i < n; i++)
        free((uint8_t *)(uintptr_t)ops[i].data.p);
}

int main(int argc, char **argv)
{
    static struct maker m;
    static struct ts_store_op ops[STEP + 1];
    char why[256];
    if (argc != 5) {
        fprintf(stderr, "usage: make_chain GENESIS.json SECRET-KEY-HEX COUNT HOST.db\n");
        return 2;
    }
    uint64_t count = strtoull(argv[3], NULL, 10);
    ts_arena_init(&m.arena, 0);
    ts_buf_init(&m.request, 0);
    ts_buf_init(&m.answer, 0);
    read_genesis(&m, argv[1]);
    start(&m, argv[2]);
    if (ts_store_open(argv[4], &m.genesis.hash, "host", &m.store, why, sizeof(why)) != TS_OK) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    for (uint64_t done = 0; done < count;) {
        size_t n = 0;
        for (; n < STEP && done < count; n++, done++)
            make(&m, &ops[n]);
        store_step(&m, ops, n);
    }
    ts_store_close(m.store);
    ts_enclave_free(m.enclave);
    ts_chain_free(&m.chain);
    ts_effect_free(m.effect);
    ts_crypto_free(m.crypto);
    ts_genesis_free(&m.genesis);
    ts_arena_free(&m.arena);
    ts_buf_free(&m.request);
    ts_buf_free(&m.answer);
    return 0;
}
