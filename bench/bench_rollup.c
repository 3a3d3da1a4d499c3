/* SPDX-License-Identifier: Apache-2.0 */
/* Rollups: how small they are, and how fast a chain comes back from them.
 *
 *   bench_rollup            JSON lines on stdout, the columns of the transfers on stderr
 *   bench_rollup TIMES      times of real batches, one in each line, in milliseconds: their size
 *
 * Sizes are those of data and signed header together, as RLP. "in calldata" has the header as the
 * words of an ABI call. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "crypto/keccak.h"
#include "engine/tx_sign.h"
#include "rebuild/rebuild.h"
#include "tenseq/batch.h"

#define BATCHES   12770u
#define TRANSFERS 100000u
#define SENDERS   1000u
#define KNOWN     2000u /* recipients that are paid again and again */

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void tell(const char *name, double value)
{
    printf("{\"name\":\"%s\",\"value\":%.6g}\n", name, value);
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 24;
}

static void random_bytes(uint64_t *state, uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)next_random(state);
}

/* ---- the size of empty batches ---- */

static size_t header_size(uint64_t first, uint64_t last)
{
    struct ts_rollup r = {.first_number = first, .last_number = last, .l1_number = 20000000};
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_rollup_put(&b, &r);
    size_t n = b.n;
    ts_buf_free(&b);
    return n;
}

/* A selector, eight words, two dynamic strings: signature and data. */
static size_t calldata_size(size_t data)
{
    return 4 + 32 * (8 + 2 + 1 + 3 + 1) + (data + 31) / 32 * 32;
}

static size_t data_size(const struct ts_rollup_batch *b, size_t n)
{
    struct ts_buf out;
    ts_buf_init(&out, 0);
    TS_CHECK(ts_rollup_encode(b, n, TS_ROLLUP_MAX_DATA, &out, NULL) == TS_OK);
    size_t size = out.n;
    ts_buf_free(&out);
    return size;
}

static void fill(struct ts_rollup_batch *b, size_t n)
{
    uint64_t random = 3;
    ts_address producer;
    random_bytes(&random, producer.b, sizeof(producer.b));
    for (size_t i = 0; i < n; i++)
        b[i] = (struct ts_rollup_batch){.time = 1750000000417 + 1000 * i,
                                        .term = 12,
                                        .producer = producer,
                                        .l1_number = 22700000 + i / 12};
}

static void tell_size(const char *name, size_t data)
{
    char text[80];
    snprintf(text, sizeof(text), "%s_bytes", name);
    tell(text, (double)(data + header_size(4000000, 4000000 + BATCHES - 1)));
    snprintf(text, sizeof(text), "%s_data_bytes", name);
    tell(text, (double)data);
    snprintf(text, sizeof(text), "%s_calldata_bytes", name);
    tell(text, (double)calldata_size(data));
}

/* Milliseconds late, in a thousand: what a host on a busy machine of two cores wrote in 1036
 * batches of 100 ms, rounded. */
static uint64_t lateness(uint64_t r)
{
    static const struct {
        uint64_t below;
        uint64_t late;
    } table[] = {{943, 0}, {971, 3}, {982, 1}, {987, 2}, {992, 5}, {996, 4}, {999, 8}, {1000, 12}};
    size_t i = 0;
    while (r % 1000 >= table[i].below)
        i++;
    return table[i].late;
}

/* As the host does (src/host/produce.c:batch_time). */
static uint64_t keep_step(uint64_t parent, uint64_t clock)
{
    uint64_t slot = parent + 1000;
    uint64_t off = slot < clock ? clock - slot : slot - clock;
    return off <= 100 ? slot : clock;
}

static void bench_empty(void)
{
    static struct ts_rollup_batch b[BATCHES];
    uint64_t random = 1;
    fill(b, BATCHES);
    double start = now_s();
    tell_size("empty_exact", data_size(b, BATCHES));
    tell("encode_empty_ms", (now_s() - start) * 1e3);
    for (size_t i = 0; i < BATCHES; i++)
        b[i].time += lateness(next_random(&random));
    tell_size("empty_clock", data_size(b, BATCHES));
    for (size_t i = 1; i < BATCHES; i++)
        b[i].time = keep_step(b[i - 1].time, b[i].time);
    tell_size("empty_host", data_size(b, BATCHES));
    fill(b, BATCHES);
    for (size_t i = 0; i < BATCHES; i++)
        b[i].time += next_random(&random) % 2;
    tell_size("empty_jitter_1ms", data_size(b, BATCHES));
    fill(b, BATCHES);
    for (size_t i = 0; i < BATCHES; i++)
        b[i].time += next_random(&random) % 5;
    tell_size("empty_jitter_4ms", data_size(b, BATCHES));
    /* L1 blocks seen now and then a second late, and one in fifty missing. */
    fill(b, BATCHES);
    uint64_t l1 = b[0].l1_number;
    for (size_t i = 0; i < BATCHES; i++) {
        if (i % 12 == 0 && next_random(&random) % 50 != 0)
            l1++;
        b[i].l1_number = i % 12 == 0 && next_random(&random) % 10 == 0 ? l1 - 1 : l1;
        if (i > 0 && b[i].l1_number < b[i - 1].l1_number)
            b[i].l1_number = b[i - 1].l1_number;
    }
    tell_size("empty_l1_late", data_size(b, BATCHES));
}

/* What takes the encoder longest, for src/host/roll_maker.c: times without a step, and bytes in a
 * column just short enough for the highest quality. */
static void bench_dearest(void)
{
    static struct ts_rollup_batch b[4096];
    static uint8_t bytes[16000];
    const size_t n = TS_COUNT(b);
    uint64_t random = 3;
    fill(b, n);
    for (size_t i = 0; i < n; i++) {
        b[i].time += next_random(&random) % 700;
        b[i].term = i / 7;
    }
    double start = now_s();
    data_size(b, n);
    tell("encode_dearest_us_a_batch", (now_s() - start) * 1e6 / (double)n);
    random_bytes(&random, bytes, sizeof(bytes));
    for (size_t i = 1000; i < sizeof(bytes); i++)
        if (i % 16 >= 4)
            bytes[i] = bytes[i - 1 - next_random(&random) % 900];
    ts_bytes tx = ts_bytes_of(bytes, sizeof(bytes));
    b[0].txs = &tx;
    b[0].n_txs = 1;
    start = now_s();
    data_size(b, 1);
    tell("encode_dearest_us_a_byte", (now_s() - start) * 1e6 / sizeof(bytes));
}

static int bench_times(const char *path)
{
    static struct ts_rollup_batch b[TS_ROLLUP_MAX_BATCHES];
    char line[64];
    size_t n = 0;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 1;
    fill(b, TS_ROLLUP_MAX_BATCHES);
    while (n < TS_ROLLUP_MAX_BATCHES && fgets(line, sizeof(line), f) != NULL)
        b[n++].time = strtoull(line, NULL, 10);
    fclose(f);
    size_t size = n > 0 ? data_size(b, n) : 0;
    tell("times_batches", (double)n);
    tell("times_data_bytes", (double)size);
    return 0;
}

/* ---- the size of transfers ---- */

struct transfers {
    ts_bytes *list;
    size_t n;
    struct ts_buf bytes;
    double fields;  /* bytes of what is random in them, as numbers without leading zeros */
    double entropy; /* bits of what the generator drew, which no coding can beat */
};

static size_t size_of(const ts_u256 *v)
{
    uint8_t be[32];
    size_t zeros = 0;
    ts_u256_to_be(v, be);
    while (zeros < 32 && be[zeros] == 0)
        zeros++;
    return 32 - zeros;
}

/* Stands for signing: the same number of random bytes, a thousand times as fast. */
static ts_err random_signature(void *ctx, const uint8_t key[32], const ts_hash *digest, ts_sig *out)
{
    uint64_t *state = ctx;
    (void)key;
    (void)digest;
    random_bytes(state, out->b, 64);
    out->b[0] |= 1;
    out->b[32] = (out->b[32] & 0x7f) | 1;
    out->b[64] = (uint8_t)(27 + (next_random(state) & 1));
    return TS_OK;
}

static double log2_of(double v)
{
    int bits = 0;
    while (v >= 2) {
        v /= 2;
        bits++;
    }
    return bits + (v - 1); /* between powers of two a straight line: at most 0.09 bits off */
}

static void make_transfers(struct transfers *t)
{
    static uint64_t nonces[SENDERS];
    static ts_address known[KNOWN];
    static size_t ends[TRANSFERS];
    uint64_t random = 9, signatures = 11;
    const struct ts_crypto crypto = {.ctx = &signatures, .sign = random_signature};
    const ts_secret key = {{1}};
    ts_buf_init(&t->bytes, 0);
    random_bytes(&random, known[0].b, sizeof(known));
    for (size_t i = 0; i < SENDERS; i++)
        nonces[i] = next_random(&random) % 300;
    for (size_t i = 0; i < TRANSFERS; i++) {
        uint64_t base = 1000000000;
        struct ts_tx tx = {.type = TS_TX_DYNAMIC_FEE,
                           .chain_id = 443,
                           .nonce = nonces[next_random(&random) % SENDERS]++,
                           .max_priority = ts_u256_of(1000000 * (1 + next_random(&random) % 1500)),
                           .gas = 21000,
                           .value = ts_u256_of(1000000000 * (next_random(&random) % 10000000000))};
        bool again = next_random(&random) % 2 == 0;
        tx.max_fee = ts_u256_of(2 * base + tx.max_priority.w[0]);
        if (again)
            tx.to = known[next_random(&random) % KNOWN];
        else
            random_bytes(&random, tx.to.b, sizeof(tx.to.b));
        ts_u256 nonce = ts_u256_of(tx.nonce);
        TS_CHECK(ts_tx_sign(&crypto, &key, &tx, &t->bytes) == TS_OK);
        ends[i] = t->bytes.n;
        t->fields += 64 + 1.0 / 8 +
                     (double)(sizeof(tx.to.b) + size_of(&tx.max_priority) + size_of(&tx.max_fee) +
                              size_of(&tx.value) + size_of(&nonce));
        /* The nonces of a known sender are no news: only who it is. */
        t->entropy += 64 * 8 + 1 + log2_of(SENDERS) + log2_of(1500) + log2_of(10000000000.0) + 1 +
                      (again ? log2_of(KNOWN) : 160);
    }
    t->n = TRANSFERS;
    t->list = calloc(t->n, sizeof(*t->list));
    TS_CHECK(t->list != NULL);
    for (size_t i = 0; i < t->n; i++) {
        size_t from = i > 0 ? ends[i - 1] : 0;
        t->list[i] = ts_bytes_of(t->bytes.p + from, ends[i] - from);
    }
}

/* As many batches of 50 transfers a second as fit into one rollup. */
static size_t fit(const struct ts_rollup_batch *b, size_t n, struct ts_buf *out,
                  struct ts_rollup_sizes *sizes, size_t *encodings)
{
    size_t take = n < 26 ? n : 26;
    for (++*encodings; ts_rollup_encode(b, take, TS_ROLLUP_MAX_DATA, out, sizes) != TS_OK;
         ++*encodings)
        take--;
    return take;
}

static void print_columns(const struct ts_rollup_sizes *all, double rollups, double headers)
{
    fprintf(stderr, "%-20s %12s %12s %10s\n", "column", "bytes", "stored", "a transfer");
    for (size_t c = 0; c < TS_ROLLUP_COLUMNS; c++)
        fprintf(stderr, "%-20s %12zu %12zu %10.3f\n",
                ts_rollup_column_name((enum ts_rollup_column)c), all->raw[c], all->stored[c],
                (double)all->stored[c] / TRANSFERS);
    fprintf(stderr, "%-20s %12s %12.0f %10.3f\n", "version", "", rollups, rollups / TRANSFERS);
    fprintf(stderr, "%-20s %12s %12.0f %10.3f\n", "signed headers", "", headers,
            headers / TRANSFERS);
}

static void bench_transfers(void)
{
    static struct ts_rollup_batch b[TRANSFERS / 50];
    struct transfers t = {0};
    struct ts_rollup_sizes all = {{0}, {0}}, one;
    struct ts_buf out;
    double data = 0, headers = 0, rollups = 0, decode_s = 0;
    size_t encodings = 0;
    make_transfers(&t);
    fill(b, TS_COUNT(b));
    for (size_t i = 0; i < TS_COUNT(b); i++) {
        b[i].txs = t.list + 50 * i;
        b[i].n_txs = 50;
    }
    ts_buf_init(&out, 0);
    double start = now_s();
    for (size_t at = 0; at < TS_COUNT(b);) {
        struct ts_rollup_batch *got;
        struct ts_arena arena;
        ts_buf_reset(&out);
        size_t n = fit(b + at, TS_COUNT(b) - at, &out, &one, &encodings);
        for (size_t c = 0; c < TS_ROLLUP_COLUMNS; c++) {
            all.raw[c] += one.raw[c];
            all.stored[c] += one.stored[c];
        }
        double before = now_s();
        ts_arena_init(&arena, TS_ROLLUP_ARENA);
        TS_CHECK(ts_rollup_decode(ts_buf_bytes(&out), n, &arena, &got) == TS_OK);
        TS_CHECK(ts_bytes_equal(got[n - 1].txs[49], b[at + n - 1].txs[49]));
        ts_arena_free(&arena);
        decode_s += now_s() - before;
        data += (double)out.n;
        headers += (double)header_size(4000000 + at, 4000000 + at + n - 1);
        rollups++;
        at += n;
    }
    double encode_s = now_s() - start - decode_s;
    print_columns(&all, rollups, headers);
    tell("transfers_bytes", data + headers);
    tell("transfers_rollups", rollups);
    tell("transfers_raw_bytes", (double)t.bytes.n);
    tell("transfers_field_bytes", t.fields);
    tell("transfers_of_fields", (data + headers) / t.fields);
    tell("transfers_entropy_bytes", t.entropy / 8);
    tell("transfers_of_entropy", (data + headers) / (t.entropy / 8));
    tell("encode_full_rollup_ms", encode_s * 1e3 / (double)encodings);
    tell("decode_transfers_per_s", TRANSFERS / decode_s);
    ts_buf_free(&out);
    ts_buf_free(&t.bytes);
    free(t.list);
}

/* ---- rebuilding ---- */

struct chain {
    struct ts_genesis genesis;
    struct ts_alloc alloc;
    struct ts_crypto *crypto;
    ts_secret key;
    struct ts_rollup_batch *b;
    size_t n;
    ts_bytes *txs;
    struct ts_buf bytes;
    struct ts_rollup rollup[8];
    struct ts_buf data[8];
    size_t n_rollups;
    ts_address signer;
    uint64_t told;
};

static ts_err no_l1(void *ctx, uint64_t number, ts_hash *out)
{
    (void)ctx;
    memset(out, 0, sizeof(*out));
    memcpy(out->b, &number, sizeof(number));
    return TS_OK;
}

static ts_err is_signer(void *ctx, const struct ts_rollup *r, const ts_address *id, bool *out)
{
    const struct chain *c = ctx;
    (void)r;
    *out = ts_address_equal(id, &c->signer);
    return TS_OK;
}

static ts_err count(void *ctx, const struct ts_rebuilt *b)
{
    struct chain *c = ctx;
    c->told += b->header->number > 0;
    return TS_OK;
}

/* The batches as an enclave makes them. */
static void make_headers(struct chain *c, ts_hash *hashes)
{
    struct ts_batch_header h = {.parent_hash = c->genesis.hash};
    struct ts_engine *e;
    const uint64_t seed[2] = {1, 2};
    TS_CHECK(ts_ledger_engine.open(&c->genesis, c->crypto, seed, &e) == TS_OK);
    for (size_t i = 0; i < c->n; i++) {
        const struct ts_rollup_batch *b = &c->b[i];
        const struct ts_batch batch = {.txs = (ts_bytes *)(uintptr_t)b->txs, .n_txs = b->n_txs};
        struct ts_tx_result result;
        h.number++;
        h.time = b->time;
        h.term = b->term;
        h.producer = b->producer;
        h.l1_number = b->l1_number;
        no_l1(NULL, b->l1_number, &h.l1_hash);
        TS_CHECK(ts_ledger_engine.begin(e, h.number, h.time) == TS_OK);
        for (size_t j = 0; j < b->n_txs; j++)
            TS_CHECK(ts_ledger_engine.execute(e, b->txs[j], &result) == TS_OK &&
                     result.err == TS_OK);
        TS_CHECK(ts_ledger_engine.finish(e, &h.state_root) == TS_OK);
        ts_ledger_engine.commit(e);
        ts_tx_root(&batch, &h.tx_root);
        ts_header_hash(&c->genesis.domain, &h, &hashes[i]);
        h.parent_hash = hashes[i];
    }
    ts_ledger_engine.close(e);
}

static void roll(struct chain *c, const ts_hash *hashes, size_t each)
{
    for (size_t at = 0; at < c->n; at += each) {
        struct ts_rollup *r = &c->rollup[c->n_rollups];
        struct ts_buf *data = &c->data[c->n_rollups++];
        ts_hash digest;
        *r = (struct ts_rollup){.first_number = at + 1,
                                .last_number = at + each,
                                .first_parent_hash = at > 0 ? hashes[at - 1] : c->genesis.hash,
                                .last_hash = hashes[at + each - 1]};
        ts_buf_init(data, 0);
        TS_CHECK(ts_rollup_encode(c->b + at, each, TS_ROLLUP_MAX_SINGLE, data, NULL) == TS_OK);
        ts_keccak256(ts_buf_bytes(data), &r->data_hash);
        ts_rollup_hash(&c->genesis.domain, r, &digest);
        TS_CHECK(ts_sign(c->crypto, &c->key, &digest, &r->sig) == TS_OK);
    }
}

/* n batches in rollups of each, with a transfer in one of every. */
static void make_chain(struct chain *c, size_t n, size_t each, size_t every)
{
    memset(c, 0, sizeof(*c));
    c->crypto = ts_crypto_secp256k1(NULL);
    c->key.b[31] = 7;
    TS_CHECK(ts_address_of_key(c->crypto, &c->key, &c->signer) == TS_OK);
    c->alloc = (struct ts_alloc){.address = c->signer, .balance = {[8] = 1}};
    c->genesis = (struct ts_genesis){.chain_id = 443,
                                     .alloc = &c->alloc,
                                     .n_alloc = 1,
                                     .hash = {{9}},
                                     .coinbase = {{0xc0}},
                                     .domain = {{{5}}}};
    ts_params_default(&c->genesis.params);
    c->n = n;
    c->b = calloc(n, sizeof(*c->b));
    c->txs = calloc(n, sizeof(*c->txs));
    ts_hash *hashes = calloc(n, sizeof(*hashes));
    TS_CHECK(c->b != NULL && c->txs != NULL && hashes != NULL);
    fill(c->b, n);
    ts_buf_init(&c->bytes, 0);
    size_t *ends = calloc(n, sizeof(*ends));
    TS_CHECK(ends != NULL);
    uint64_t nonce = 0;
    for (size_t i = 0; i < n && every > 0; i++) {
        struct ts_tx tx = {.type = TS_TX_DYNAMIC_FEE,
                           .chain_id = 443,
                           .max_priority = ts_u256_of(1),
                           .max_fee = ts_u256_of(2000000000),
                           .gas = 21000,
                           .to = {{0x99, (uint8_t)i}},
                           .value = ts_u256_of(i)};
        if (i % every == 0) {
            tx.nonce = nonce++;
            TS_CHECK(ts_tx_sign(c->crypto, &c->key, &tx, &c->bytes) == TS_OK);
        }
        ends[i] = c->bytes.n;
    }
    for (size_t i = 0; i < n && every > 0; i += every) {
        size_t from = i > 0 ? ends[i - 1] : 0;
        c->txs[i] = ts_bytes_of(c->bytes.p + from, ends[i] - from);
        c->b[i].txs = &c->txs[i];
        c->b[i].n_txs = 1;
    }
    make_headers(c, hashes);
    roll(c, hashes, each);
    free(ends);
    free(hashes);
}

static void free_chain(struct chain *c)
{
    for (size_t i = 0; i < c->n_rollups; i++)
        ts_buf_free(&c->data[i]);
    ts_buf_free(&c->bytes);
    ts_crypto_free(c->crypto);
    free(c->b);
    free(c->txs);
}

/* What a shell's worker threads have found out before: here, that there is one sender. */
static ts_err known_sender(void *ctx, const ts_hash *digest, const ts_sig *sig, ts_address *out)
{
    const struct chain *c = ctx;
    (void)digest;
    (void)sig;
    *out = c->signer;
    return TS_OK;
}

static double rebuild_rate(struct chain *c, const struct ts_crypto *crypto)
{
    const struct ts_rebuild_config config = {.genesis = &c->genesis,
                                             .crypto = crypto,
                                             .engine = &ts_ledger_engine,
                                             .seed = {3, 4},
                                             .ctx = c,
                                             .l1_hash = no_l1,
                                             .is_listed = is_signer,
                                             .batch = count};
    struct ts_rebuild *r;
    struct ts_rebuild_fault fault = {.what = ""};
    c->told = 0;
    TS_CHECK(ts_rebuild_new(&config, &r) == TS_OK);
    double start = now_s();
    for (size_t i = 0; i < c->n_rollups; i++) {
        if (ts_rebuild_rollup(r, &c->rollup[i], ts_buf_bytes(&c->data[i]), &fault) != TS_OK) {
            fprintf(stderr, "bench_rollup: %s\n", fault.what);
            exit(1);
        }
    }
    double rate = (double)c->told / (now_s() - start);
    TS_CHECK(c->told == c->n);
    ts_rebuild_free(r);
    return rate;
}

static void bench_rebuild(void)
{
    static struct chain c;
    const struct ts_crypto known = {.ctx = &c, .recover = known_sender};
    make_chain(&c, 100000, 12500, 0);
    tell("rebuild_empty_batches_per_s_a_core", rebuild_rate(&c, c.crypto));
    free_chain(&c);
    make_chain(&c, 20000, 10000, 10);
    tell("rebuild_one_transfer_in_ten_batches_per_s_a_core", rebuild_rate(&c, c.crypto));
    free_chain(&c);
    make_chain(&c, 8000, 1000, 1);
    tell("rebuild_a_transfer_each_per_s_a_core", rebuild_rate(&c, c.crypto));
    tell("rebuild_a_transfer_each_senders_known_per_s", rebuild_rate(&c, &known));
    free_chain(&c);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return bench_times(argv[1]);
    bench_empty();
    bench_dearest();
    bench_transfers();
    bench_rebuild();
    return 0;
}
