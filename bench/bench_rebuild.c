/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a chain comes back from L1: 200,000 batches at one-second intervals, an L1 block every
 * twelve, through the pipe with its threads and into files, as tenseq rebuild does it. L1 answers
 * at once, out of memory: a node's own time is not in it. Wall time; JSON lines on stdout. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "chain/batch.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"
#include "engine/tx_sign.h"
#include "rebuild/dir.h"
#include "rebuild/pipe.h"

#define BATCHES   200000u
#define EACH      2000u /* batches in a rollup */
#define L1_CHAIN  31337u
#define L1_EVERY  12u
#define BEGINNING UINT64_C(1700000000000)

struct chain {
    struct ts_genesis genesis;
    struct ts_crypto *crypto;
    ts_secret key;
    ts_address signer;
    struct ts_rollup rollup[BATCHES / EACH];
    struct ts_buf data[BATCHES / EACH];
    ts_hash last;
};

struct run {
    struct chain *c;
    uv_async_t wake;
    struct ts_pipe *pipe;
    struct ts_dir dir;
    size_t given;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void l1_hash(uint64_t number, ts_hash *out)
{
    ts_keccak256(ts_bytes_of(&number, sizeof(number)), out);
}

static uint64_t l1_number(uint64_t batch)
{
    return 1 + batch / L1_EVERY;
}

/* ---- the chain, as enclaves make it ---- */

static void make_genesis(struct chain *c)
{
    c->crypto = ts_crypto_secp256k1(NULL);
    c->key.b[31] = 7;
    TS_CHECK(ts_address_of_key(c->crypto, &c->key, &c->signer) == TS_OK);
    c->genesis = (struct ts_genesis){
        .l1_chain_id = L1_CHAIN,
        .contract = {{0xcc}},
        .chain_id = 443,
        .time = BEGINNING,
        .whitelist = calloc(1, sizeof(ts_address)),
        .n_whitelist = 1,
        .alloc = calloc(1, sizeof(struct ts_alloc)),
        .n_alloc = 1,
        .coinbase = {{0xc0}},
    };
    TS_CHECK(c->genesis.whitelist != NULL && c->genesis.alloc != NULL);
    c->genesis.whitelist[0] = c->signer;
    c->genesis.alloc[0] = (struct ts_alloc){.address = c->signer, .balance = {[8] = 1}};
    ts_params_default(&c->genesis.params);
    l1_hash(0, &c->genesis.l1_hash);
    TS_CHECK(ts_genesis_finish(&c->genesis) == TS_OK);
}

static void put_transfer(const struct chain *c, uint64_t nonce, struct ts_buf *out)
{
    const struct ts_tx tx = {.type = TS_TX_DYNAMIC_FEE,
                             .chain_id = 443,
                             .nonce = nonce,
                             .max_priority = ts_u256_of(1),
                             .max_fee = ts_u256_of(2000000000),
                             .gas = 21000,
                             .to = {{0x99, (uint8_t)nonce}},
                             .value = ts_u256_of(nonce)};
    TS_CHECK(ts_tx_sign(c->crypto, &c->key, &tx, out) == TS_OK);
}

static void seal_batch(const struct chain *c, struct ts_engine *e, const struct ts_rollup_batch *b,
                       struct ts_batch_header *h, ts_hash *hash)
{
    const struct ts_batch batch = {.txs = (ts_bytes *)(uintptr_t)b->txs, .n_txs = b->n_txs};
    struct ts_tx_result result;
    h->parent_hash = *hash;
    h->number++;
    h->time = b->time;
    h->term = b->term;
    h->producer = b->producer;
    h->l1_number = b->l1_number;
    l1_hash(h->l1_number, &h->l1_hash);
    TS_CHECK(ts_ledger_engine.begin(e, h->number, h->time) == TS_OK);
    for (size_t i = 0; i < b->n_txs; i++)
        TS_CHECK(ts_ledger_engine.execute(e, b->txs[i], &result) == TS_OK && result.err == TS_OK);
    TS_CHECK(ts_ledger_engine.finish(e, &h->state_root) == TS_OK);
    ts_ledger_engine.commit(e);
    ts_tx_root(&batch, &h->tx_root);
    ts_header_hash(&c->genesis.domain, h, hash);
}

/* Rollup k; h and hash are those of the batch before it, and then of its last. */
static void make_rollup(struct chain *c, struct ts_engine *e, size_t k, unsigned every,
                        struct ts_batch_header *h, ts_hash *hash)
{
    static struct ts_rollup_batch b[EACH];
    static ts_bytes txs[EACH];
    static uint64_t nonce;
    struct ts_rollup *r = &c->rollup[k];
    struct ts_buf *bytes = calloc(EACH, sizeof(*bytes));
    ts_hash digest;
    TS_CHECK(bytes != NULL);
    if (k == 0)
        nonce = 0;
    *r = (struct ts_rollup){
        .first_number = h->number + 1, .last_number = h->number + EACH, .first_parent_hash = *hash};
    for (size_t i = 0; i < EACH; i++) {
        uint64_t number = h->number + 1;
        bool has_tx = every > 0 && number % every == 0;
        ts_buf_init(&bytes[i], 0);
        if (has_tx)
            put_transfer(c, nonce++, &bytes[i]);
        txs[i] = ts_buf_bytes(&bytes[i]);
        b[i] = (struct ts_rollup_batch){.time = BEGINNING + 1000 * number,
                                        .term = 1,
                                        .producer = c->signer,
                                        .l1_number = l1_number(number),
                                        .txs = &txs[i],
                                        .n_txs = has_tx};
        seal_batch(c, e, &b[i], h, hash);
    }
    r->last_hash = *hash;
    r->l1_number = h->l1_number;
    r->l1_hash = h->l1_hash;
    ts_buf_init(&c->data[k], 0);
    TS_CHECK(ts_rollup_encode(b, EACH, TS_ROLLUP_MAX_SINGLE, &c->data[k], NULL) == TS_OK);
    ts_keccak256(ts_buf_bytes(&c->data[k]), &r->data_hash);
    ts_rollup_hash(&c->genesis.domain, r, &digest);
    TS_CHECK(ts_sign(c->crypto, &c->key, &digest, &r->sig) == TS_OK);
    for (size_t i = 0; i < EACH; i++)
        ts_buf_free(&bytes[i]);
    free(bytes);
}

/* A transfer in one batch of every; 0: none. */
static void make_chain(struct chain *c, unsigned every)
{
    const uint64_t seed[2] = {1, 2};
    struct ts_batch_header h = {.number = 0};
    struct ts_engine *e;
    memset(c, 0, sizeof(*c));
    make_genesis(c);
    TS_CHECK(ts_ledger_engine.open(&c->genesis, c->crypto, seed, &e) == TS_OK);
    c->last = c->genesis.hash;
    for (size_t k = 0; k < TS_COUNT(c->rollup); k++)
        make_rollup(c, e, k, every, &h, &c->last);
    ts_ledger_engine.close(e);
}

static void free_chain(struct chain *c)
{
    for (size_t i = 0; i < TS_COUNT(c->data); i++)
        ts_buf_free(&c->data[i]);
    ts_genesis_free(&c->genesis);
    ts_crypto_free(c->crypto);
}

/* ---- the way back ---- */

static ts_err on_batch(void *ctx, const struct ts_rebuilt *b)
{
    struct run *r = ctx;
    return ts_dir_batch(&r->dir, b);
}

static ts_err on_taken(void *ctx, const struct ts_rollup *rollup, const struct ts_rebuild *u)
{
    struct run *r = ctx;
    return ts_dir_rollup(&r->dir, rollup, u);
}

static void on_moved(void *ctx)
{
    struct run *r = ctx;
    uv_async_send(&r->wake);
}

static void on_wake(uv_async_t *wake)
{
    struct run *r = wake->data;
    struct chain *c = r->c;
    uint64_t number;
    ts_hash hash, parent;
    if (ts_pipe_fault(r->pipe) != NULL) {
        fprintf(stderr, "bench_rebuild: %s %s\n", ts_pipe_fault(r->pipe)->what, r->dir.why);
        exit(1);
    }
    while (r->given < TS_COUNT(c->rollup) && ts_pipe_has_room(r->pipe)) {
        size_t k = r->given++;
        TS_CHECK(ts_pipe_give(r->pipe, &c->rollup[k], ts_buf_bytes(&c->data[k]), &c->signer, 1) ==
                 TS_OK);
    }
    while (ts_pipe_next_block(r->pipe, &number)) {
        l1_hash(number, &hash);
        l1_hash(number - 1, &parent);
        ts_pipe_block(r->pipe, number, &hash, &parent);
    }
    if (r->given == TS_COUNT(c->rollup) && ts_pipe_is_idle(r->pipe) &&
        !uv_is_closing((uv_handle_t *)wake))
        uv_close((uv_handle_t *)wake, NULL);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_all(const char *dir)
{
    TS_CHECK(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

static double rate(struct chain *c)
{
    char dir[256];
    const char *tmp = getenv("TMPDIR");
    uv_loop_t loop;
    struct run r = {.c = c};
    (void)snprintf(dir, sizeof(dir), "%s/rebuildXXXXXX", tmp != NULL ? tmp : "/tmp");
    TS_CHECK(mkdtemp(dir) != NULL && uv_loop_init(&loop) == 0);
    double start = now_s();
    const struct ts_pipe_config config = {.loop = &loop,
                                          .genesis = &c->genesis,
                                          .crypto = c->crypto,
                                          .engine = &ts_ledger_engine,
                                          .seed = {3, 4},
                                          .ctx = &r,
                                          .batch = on_batch,
                                          .taken = on_taken,
                                          .moved = on_moved};
    TS_CHECK(ts_pipe_new(&config, &r.pipe) == TS_OK);
    TS_CHECK(ts_dir_open(&r.dir, dir, &c->genesis, ts_pipe_rebuild(r.pipe)) == TS_OK);
    TS_CHECK(uv_async_init(&loop, &r.wake, on_wake) == 0);
    r.wake.data = &r;
    uv_async_send(&r.wake);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    TS_CHECK(ts_dir_save(&r.dir, ts_pipe_rebuild(r.pipe)) == TS_OK);
    double took = now_s() - start;
    const struct ts_head *head = ts_rebuild_head(ts_pipe_rebuild(r.pipe));
    TS_CHECK(head->number == BATCHES && ts_hash_equal(&head->hash, &c->last));
    ts_pipe_free(r.pipe);
    ts_dir_close(&r.dir);
    TS_CHECK(uv_loop_close(&loop) == 0);
    remove_all(dir);
    return BATCHES / took;
}

/* ---- payloads ---- */

#define FOLDED  10000u
#define REPORTS 3u

/* A batch with reports whose signatures nobody looks at here: that is a validator's business. */
static void put_sealed(const struct chain *c, struct ts_batch *b, ts_hash *root,
                       struct ts_buf *rebuilt, struct ts_buf *raw, ts_hash *hash)
{
    struct ts_batch_seal seal;
    struct ts_buf payload;
    ts_hash digest;
    ts_buf_init(&payload, 0);
    ts_payload_put(&payload, &b->payload);
    ts_header_hash(&c->genesis.domain, &b->header, hash);
    ts_protocol_root(root, ts_buf_bytes(&payload), root);
    ts_buf_free(&payload);
    seal = (struct ts_batch_seal){.batch_hash = *hash, .protocol_root = *root};
    ts_seal_digest(&c->genesis.domain, &seal, &digest);
    TS_CHECK(ts_sign(c->crypto, &c->key, &digest, &b->seal) == TS_OK);
    ts_batch_put(raw, b);
    size_t mark = ts_put_list(rebuilt);
    ts_schema_put(rebuilt, &ts_batch_header_type, &b->header);
    ts_txs_put(rebuilt, NULL, 0);
    ts_put_list_end(rebuilt, mark);
    TS_CHECK(raw->err == TS_OK && rebuilt->err == TS_OK);
}

static double fold_rate(struct chain *c)
{
    struct ts_restart_event reports[REPORTS] = {{.seq = 1}, {.seq = 1}, {.seq = 1}};
    struct ts_batch b = {.payload = {.reports = reports, .n_reports = REPORTS}};
    struct ts_fold f = {.genesis = &c->genesis, .crypto = c->crypto};
    struct ts_buf rebuilt, raw;
    ts_hash root = {{0}}, hash;
    char why[TS_FOLD_WHY];
    double took = 0;
    for (unsigned i = 0; i < REPORTS; i++)
        reports[i].enclave_id.b[0] = (uint8_t)i;
    b.header.producer = c->signer;
    ts_buf_init(&rebuilt, 0);
    ts_buf_init(&raw, 0);
    for (uint64_t n = 1; n <= FOLDED; n++) {
        b.header.number = n;
        ts_buf_reset(&rebuilt);
        ts_buf_reset(&raw);
        put_sealed(c, &b, &root, &rebuilt, &raw, &hash);
        double start = now_s();
        TS_CHECK(ts_fold_batch(&f, ts_buf_bytes(&raw), ts_buf_bytes(&rebuilt), &hash, why) ==
                 TS_OK);
        took += now_s() - start;
    }
    ts_buf_free(&rebuilt);
    ts_buf_free(&raw);
    return FOLDED / took;
}

int main(void)
{
    static const struct {
        const char *name;
        unsigned every;
    } cases[] = {{"rebuild_from_l1_empty_per_s", 0},
                 {"rebuild_from_l1_transfer_in_twenty_per_s", 20},
                 {"rebuild_from_l1_transfer_in_four_per_s", 4}};
    static struct chain c;
    for (size_t i = 0; i < TS_COUNT(cases); i++) {
        make_chain(&c, cases[i].every);
        printf("{\"name\":\"%s\",\"value\":%.6g}\n", cases[i].name, rate(&c));
        free_chain(&c);
    }
    memset(&c, 0, sizeof(c));
    make_genesis(&c);
    printf("{\"name\":\"payloads_checked_per_s\",\"value\":%.6g}\n", fold_rate(&c));
    free_chain(&c);
    return 0;
}
