/* SPDX-License-Identifier: Apache-2.0 */
/* How fast the ledger executes, and what an account costs in memory. Prints one JSON object a line
 * on stdout and a table on stderr. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/check.h"
#include "crypto/sign.h"
#include "engine/engine.h"
#include "engine/tx_sign.h"

#define TXS       20000u
#define PER_BATCH 1000u
#define ACCOUNTS  1000000u

static const uint64_t seed[2] = {1, 2};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void result(const char *name, double value, const char *unit)
{
    printf("{\"bench\":\"ledger\",\"name\":\"%s\",\"value\":%.3f,\"unit\":\"%s\"}\n", name, value,
           unit);
    fprintf(stderr, "ledger  %-32s %14.1f %s\n", name, value, unit);
}

/* In bytes; field is "VmRSS:" or "VmHWM:". */
static double memory(const char *field)
{
    char line[256];
    uint64_t kib = 0;
    FILE *f = fopen("/proc/self/status", "re");
    TS_CHECK(f != NULL);
    while (fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtoull(line + strlen(field), NULL, 10);
    }
    fclose(f);
    return (double)kib * 1024;
}

static struct ts_alloc funded = {.balance = {[8] = 1}};

static struct ts_genesis genesis_of(const ts_address *who)
{
    funded.address = *who;
    return (struct ts_genesis){
        .chain_id = 443,
        .alloc = &funded,
        .n_alloc = 1,
        .coinbase = {{3}},
        .params = {.max_tx_bytes = 131072, .batch_gas_limit = 1u << 30, .base_fee = 1000000000},
    };
}

static ts_address stranger(uint64_t n)
{
    return (ts_address){{0x57, [17] = (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

static struct ts_tx transfer(uint64_t nonce)
{
    return (struct ts_tx){.type = TS_TX_DYNAMIC_FEE,
                          .chain_id = 443,
                          .nonce = nonce,
                          .max_priority = ts_u256_of(1),
                          .max_fee = ts_u256_of(2000000000),
                          .gas = 21000,
                          .to = stranger(nonce),
                          .value = ts_u256_of(1000)};
}

/* Executes n transactions that lie one after the other, in batches. */
static void run(struct ts_engine *e, const struct ts_buf *txs, const size_t *ends, size_t n)
{
    for (size_t i = 0; i < n;) {
        ts_hash root;
        TS_CHECK(ts_ledger_engine.begin(e, 1, 0) == TS_OK);
        for (size_t end = i + PER_BATCH; i < end && i < n; i++) {
            struct ts_tx_result r;
            size_t start = i > 0 ? ends[i - 1] : 0;
            ts_bytes raw = ts_bytes_of(txs->p + start, ends[i] - start);
            TS_CHECK(ts_ledger_engine.execute(e, raw, &r) == TS_OK && r.err == TS_OK);
        }
        TS_CHECK(ts_ledger_engine.finish(e, &root) == TS_OK);
        ts_ledger_engine.commit(e);
    }
}

static void admit(struct ts_engine *e, const struct ts_buf *txs, const size_t *ends, size_t n)
{
    struct ts_buf arg;
    struct ts_buf out;
    ts_buf_init(&arg, 0);
    ts_buf_init(&out, 0);
    for (size_t i = 0; i < n; i++) {
        size_t start = i > 0 ? ends[i - 1] : 0;
        ts_buf_reset(&arg);
        ts_buf_reset(&out);
        size_t mark = ts_put_list(&arg);
        ts_put_bytes(&arg, ts_bytes_of(txs->p + start, ends[i] - start));
        ts_put_list_end(&arg, mark);
        TS_CHECK(ts_ledger_engine.query(e, TS_QUERY_CHECK, ts_buf_bytes(&arg), &out) == TS_OK);
    }
    ts_buf_free(&arg);
    ts_buf_free(&out);
}

static void speed(void)
{
    static size_t ends[TXS];
    const ts_secret key = {{[31] = 7}};
    struct ts_crypto *crypto = ts_crypto_secp256k1(NULL);
    struct ts_engine *e;
    struct ts_buf txs;
    ts_address who;
    ts_buf_init(&txs, 0);
    TS_CHECK(ts_address_of_key(crypto, &key, &who) == TS_OK);
    const struct ts_genesis g = genesis_of(&who);
    for (size_t i = 0; i < TXS; i++) {
        struct ts_tx tx = transfer(i);
        TS_CHECK(ts_tx_sign(crypto, &key, &tx, &txs) == TS_OK);
        ends[i] = txs.n;
    }
    TS_CHECK(ts_ledger_engine.open(&g, crypto, seed, &e) == TS_OK);
    double t = now();
    run(e, &txs, ends, TXS);
    result("execute, sender unknown", TXS / (now() - t), "tx/s");
    ts_ledger_engine.close(e);

    TS_CHECK(ts_ledger_engine.open(&g, crypto, seed, &e) == TS_OK);
    t = now();
    admit(e, &txs, ends, TXS);
    result("check at admission", TXS / (now() - t), "tx/s");
    t = now();
    run(e, &txs, ends, TXS);
    double took = now() - t;
    result("execute, sender cached", TXS / took, "tx/s");
    result("execute, sender cached, each", took / TXS * 1e6, "us");
    ts_ledger_engine.close(e);
    ts_buf_free(&txs);
    ts_crypto_free(crypto);
}

/* Signatures cost nothing here, so that a million accounts come to be the way they really do. */
static ts_err sign(void *ctx, const uint8_t key[32], const ts_hash *digest, ts_sig *out)
{
    (void)ctx;
    (void)key;
    (void)digest;
    memset(out->b, 1, sizeof(out->b));
    out->b[64] = 27;
    return TS_OK;
}

static ts_err recover(void *ctx, const ts_hash *digest, const ts_sig *sig, ts_address *out)
{
    (void)ctx;
    (void)digest;
    (void)sig;
    *out = funded.address;
    return TS_OK;
}

static void one_batch_of_new_accounts(struct ts_engine *e, const struct ts_crypto *crypto,
                                      uint64_t nonce, struct ts_buf *b)
{
    const ts_secret key = {{0}};
    ts_hash root;
    TS_CHECK(ts_ledger_engine.begin(e, 1, 0) == TS_OK);
    for (uint64_t end = nonce + PER_BATCH; nonce < end; nonce++) {
        struct ts_tx tx = transfer(nonce);
        struct ts_tx_result r;
        ts_buf_reset(b);
        TS_CHECK(ts_tx_sign(crypto, &key, &tx, b) == TS_OK);
        TS_CHECK(ts_ledger_engine.execute(e, ts_buf_bytes(b), &r) == TS_OK && r.err == TS_OK);
    }
    TS_CHECK(ts_ledger_engine.finish(e, &root) == TS_OK);
    ts_ledger_engine.commit(e);
}

static ts_err to_file(void *ctx, const void *p, size_t n)
{
    return fwrite(p, 1, n, ctx) == n ? TS_OK : TS_E_IO;
}

static ts_err from_file(void *ctx, void *p, size_t n)
{
    return fread(p, 1, n, ctx) == n ? TS_OK : TS_E_TRUNCATED;
}

static void snapshot(struct ts_engine *e)
{
    FILE *f = tmpfile();
    TS_CHECK(f != NULL);
    const struct ts_sink sink = {f, to_file};
    const struct ts_source source = {f, from_file};
    double t = now();
    TS_CHECK(ts_ledger_engine.save(e, &sink) == TS_OK);
    result("save a million accounts", (now() - t) * 1e3, "ms");
    rewind(f);
    t = now();
    TS_CHECK(ts_ledger_engine.load(e, &source) == TS_OK);
    result("load a million accounts", (now() - t) * 1e3, "ms");
    fclose(f);
}

static void size(void)
{
    const struct ts_crypto crypto = {.sign = sign, .recover = recover};
    const ts_address who = {{9}};
    const struct ts_genesis g = genesis_of(&who);
    struct ts_engine *e;
    struct ts_buf b;
    double slowest = 0;
    ts_buf_init(&b, 0);
    double before = memory("VmRSS:");
    TS_CHECK(ts_ledger_engine.open(&g, &crypto, seed, &e) == TS_OK);
    for (uint64_t n = 0; n < ACCOUNTS; n += PER_BATCH) {
        double t = now();
        one_batch_of_new_accounts(e, &crypto, n, &b);
        t = now() - t;
        slowest = t > slowest ? t : slowest;
    }
    result("memory, 1M accounts", (memory("VmRSS:") - before) / ACCOUNTS, "bytes/account");
    result("memory, 1M accounts, peak", (memory("VmHWM:") - before) / ACCOUNTS, "bytes/account");
    result("slowest batch of 1000 on the way", slowest * 1e3, "ms");
    snapshot(e);
    result("memory after loading, peak", (memory("VmHWM:") - before) / ACCOUNTS, "bytes/account");
    ts_ledger_engine.close(e);
    ts_buf_free(&b);
}

int main(void)
{
    size();
    speed();
    return 0;
}
