/* SPDX-License-Identifier: Apache-2.0 */
/* The data of rollups: what goes in comes out, whatever it is; hostile data give an error. */
#include "chain/rollup.h"
#include "chain/rollup_columns.h"
#include "ledger_kit.h"

#include <stdlib.h>
#include <string.h>

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 16;
}

static ts_address producer_of(uint8_t n)
{
    ts_address a;
    memset(a.b, 0x40 + n, sizeof(a.b));
    return a;
}

/* Batches a second apart, with an L1 block every twelve. */
static struct ts_rollup_batch *empty_batches(size_t n)
{
    struct ts_rollup_batch *b = calloc(n, sizeof(*b));
    assert_non_null(b);
    for (size_t i = 0; i < n; i++)
        b[i] = (struct ts_rollup_batch){.time = 1700000000123 + 1000 * i,
                                        .term = 7,
                                        .producer = producer_of(1),
                                        .l1_number = 19000000 + i / 12};
    return b;
}

static void assert_same(const struct ts_rollup_batch *a, const struct ts_rollup_batch *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(a[i].time, b[i].time);
        assert_int_equal(a[i].term, b[i].term);
        assert_int_equal(a[i].l1_number, b[i].l1_number);
        assert_memory_equal(a[i].producer.b, b[i].producer.b, sizeof(a[i].producer.b));
        assert_int_equal(a[i].n_txs, b[i].n_txs);
        for (size_t j = 0; j < a[i].n_txs; j++)
            assert_true(ts_bytes_equal(a[i].txs[j], b[i].txs[j]));
    }
}

static ts_err encode(const struct ts_rollup_batch *b, size_t n, struct ts_buf *out)
{
    struct ts_rollup_sizes sizes;
    ts_buf_init(out, 0);
    ts_err err = ts_rollup_encode(b, n, ts_rollup_data_max(n), out, &sizes);
    size_t sum = 1;
    for (size_t c = 0; c < TS_ROLLUP_COLUMNS; c++)
        sum += sizes.stored[c];
    if (err == TS_OK)
        assert_int_equal(sum, out->n);
    return err;
}

/* Decodes what is in a block of exactly its size, so that a sanitizer sees a read beyond it. */
static ts_err decode(ts_bytes data, size_t n, struct ts_arena *arena, struct ts_rollup_batch **out)
{
    uint8_t *copy = malloc(data.n > 0 ? data.n : 1);
    assert_non_null(copy);
    if (data.n > 0)
        memcpy(copy, data.p, data.n);
    ts_err err = ts_rollup_decode(ts_bytes_of(copy, data.n), n, arena, out);
    free(copy); /* nothing that was decoded may point into the data */
    return err;
}

/* Returns the size of the data. */
static size_t round_trip(const struct ts_rollup_batch *b, size_t n)
{
    struct ts_buf data, again;
    struct ts_arena arena;
    struct ts_rollup_batch *got = NULL;
    ts_arena_init(&arena, TS_ROLLUP_ARENA);
    assert_int_equal(encode(b, n, &data), TS_OK);
    assert_int_equal(decode(ts_buf_bytes(&data), n, &arena, &got), TS_OK);
    assert_same(b, got, n);
    assert_int_equal(encode(got, n, &again), TS_OK);
    assert_true(ts_bytes_equal(ts_buf_bytes(&data), ts_buf_bytes(&again)));
    size_t size = data.n;
    ts_buf_free(&data);
    ts_buf_free(&again);
    ts_arena_free(&arena);
    return size;
}

static void thousands_of_empty_batches_take_hundreds_of_bytes(void **state)
{
    (void)state;
    struct ts_rollup_batch *b = empty_batches(12770);
    assert_true(round_trip(b, 12770) < 200);
    assert_true(round_trip(b, 1) < 64);
    assert_true(round_trip(b, 2) < 64);
    free(b);
}

static void any_header_values_come_back(void **state)
{
    (void)state;
    uint64_t random = 5;
    for (int round = 0; round < 50; round++) {
        size_t n = 1 + next_random(&random) % 300;
        struct ts_rollup_batch *b = empty_batches(n);
        for (size_t i = 0; i < n; i++) {
            uint64_t what = next_random(&random) % 16;
            b[i].time += next_random(&random) % 7;
            if (what == 0)
                b[i].time = next_random(&random) << (next_random(&random) % 64);
            if (what == 1)
                b[i].term = next_random(&random) << (next_random(&random) % 64);
            if (what == 2)
                b[i].l1_number = next_random(&random) << (next_random(&random) % 64);
            if (what < 8)
                b[i].producer = producer_of((uint8_t)(next_random(&random) % 5));
        }
        round_trip(b, n);
        free(b);
    }
}

static void the_ends_of_the_number_range_come_back(void **state)
{
    (void)state;
    static const uint64_t v[] = {0, UINT64_MAX, 1, UINT64_MAX / 2 + 1, UINT64_MAX / 2, 0, 0};
    struct ts_rollup_batch b[7] = {{0}};
    for (size_t i = 0; i < 7; i++)
        b[i] =
            (struct ts_rollup_batch){.time = v[i], .term = v[6 - i], .l1_number = v[(i + 3) % 7]};
    round_trip(b, 7);
}

#define MAX_TXS 64

struct txs {
    struct kit *kit;
    struct ts_buf bytes;
    size_t ends[MAX_TXS];
    ts_bytes list[MAX_TXS];
    size_t n;
};

static void txs_open(struct txs *t)
{
    memset(t, 0, sizeof(*t));
    t->kit = kit_open();
    ts_buf_init(&t->bytes, 0);
}

static void txs_add(struct txs *t, const void *p, size_t n)
{
    assert_true(t->n < MAX_TXS);
    ts_buf_put(&t->bytes, p, n);
    t->ends[t->n++] = t->bytes.n;
}

static void txs_sign(struct txs *t, size_t person, const struct ts_tx *tx)
{
    assert_true(t->n < MAX_TXS);
    kit_sign(t->kit, person, tx, &t->bytes);
    t->ends[t->n++] = t->bytes.n;
}

/* The bytes stay where they are from now on. */
static const ts_bytes *txs_list(struct txs *t)
{
    size_t from = 0;
    for (size_t i = 0; i < t->n; i++) {
        t->list[i] = ts_bytes_of(t->bytes.p + from, t->ends[i] - from);
        from = t->ends[i];
    }
    return t->list;
}

static void txs_close(struct txs *t)
{
    ts_buf_free(&t->bytes);
    kit_close(t->kit);
}

/* Of all types, with every field at its bounds somewhere. */
static void add_transactions(struct txs *t)
{
    static const uint8_t access[] = {0xd7, 0xd6, 0x94, 1,  2,  3,  4,  5,  6,  7,  8,  9,
                                     10,   11,   12,   13, 14, 15, 16, 17, 18, 19, 20, 0xc0};
    const ts_address stranger = kit_stranger(9);
    ts_u256 most = {.w = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    for (size_t i = 0; i < 5; i++) {
        struct ts_tx tx = kit_transfer(t->kit, i, &t->kit->people[i % 3], 1000 * i);
        txs_sign(t, i, &tx);
        tx.type = TS_TX_LEGACY;
        tx.to = stranger;
        txs_sign(t, i, &tx);
        tx.type = TS_TX_ACCESS_LIST;
        tx.access.raw = ts_bytes_of(access, i % 2 == 0 ? sizeof(access) : 0);
        tx.data = ts_bytes_of("some data to a stranger", 4 * i);
        txs_sign(t, i, &tx);
        tx.type = TS_TX_DYNAMIC_FEE;
        tx.chain_id = i == 3 ? (UINT64_MAX - 36) / 2 : i;
        tx.creates = i == 2;
        tx.nonce = i == 1 ? UINT64_MAX : i;
        tx.gas = i == 2 ? 0 : UINT64_MAX;
        tx.value = tx.max_fee = most;
        txs_sign(t, i, &tx);
    }
}

/* What is no transaction, or hardly one. */
static void add_junk(struct txs *t)
{
    struct ts_tx tx = kit_transfer(t->kit, 0, &t->kit->people[0], 1);
    static const uint8_t junk[] = {0x02, 0xc0, 0x01, 0x80, 0xff, 0x00};
    uint8_t copy[200];
    txs_add(t, "", 0);
    for (size_t i = 0; i < sizeof(junk); i++)
        txs_add(t, junk + i, 1);
    txs_add(t, junk, sizeof(junk));
    struct ts_buf raw;
    ts_buf_init(&raw, 0);
    ts_bytes good = kit_sign(t->kit, 0, &tx, &raw);
    assert_true(good.n < sizeof(copy));
    /* Each of these is one byte off: the type, the list's length, y parity, the end. */
    memcpy(copy, good.p, good.n);
    copy[0] = 3;
    txs_add(t, copy, good.n);
    copy[0] = 2;
    copy[2]++;
    txs_add(t, copy, good.n);
    copy[2]--;
    assert_true(copy[good.n - 67] == 0x80 || copy[good.n - 67] == 1);
    copy[good.n - 67] = 2;
    txs_add(t, copy, good.n);
    txs_add(t, good.p, good.n - 1);
    memcpy(copy, good.p, good.n);
    txs_add(t, copy, good.n + 1);
    ts_buf_free(&raw);
}

static void all_kinds_of_transactions_come_back(void **state)
{
    (void)state;
    struct txs t;
    txs_open(&t);
    add_transactions(&t);
    add_junk(&t);
    const ts_bytes *list = txs_list(&t);
    /* All in one batch, one in each, and several with empty batches between them. */
    struct ts_rollup_batch *b = empty_batches(2 * t.n);
    b[0].txs = list;
    b[0].n_txs = t.n;
    round_trip(b, 1);
    round_trip(b, 3);
    for (size_t i = 0; i < t.n; i++) {
        b[i].txs = list + i;
        b[i].n_txs = 1;
    }
    round_trip(b, t.n);
    for (size_t i = 0; i < 2 * t.n; i++) {
        b[i].txs = list + i / 2;
        b[i].n_txs = i % 4 == 0 ? t.n - i / 2 : 0;
    }
    round_trip(b, 2 * t.n);
    free(b);
    txs_close(&t);
}

/* Only what does not parse is kept as it is. */
static void transactions_are_divided_into_columns(void **state)
{
    (void)state;
    struct txs t;
    struct ts_buf out;
    struct ts_rollup_sizes sizes;
    txs_open(&t);
    add_transactions(&t);
    size_t n = t.n;
    struct ts_rollup_batch *b = empty_batches(1);
    ts_buf_init(&out, 0);
    b->txs = txs_list(&t);
    b->n_txs = n;
    assert_int_equal(ts_rollup_encode(b, 1, TS_ROLLUP_MAX_DATA, &out, &sizes), TS_OK);
    assert_int_equal(sizes.raw[TS_COL_SIGNATURE], 64 * n);
    assert_int_equal(sizes.raw[TS_COL_RAW], 0);
    assert_int_equal(sizes.raw[TS_COL_RAW_BYTES], 0);
    assert_int_equal(sizes.raw[TS_COL_TO_BYTES], 20 * 4); /* three people and the stranger */
    ts_buf_free(&out);
    free(b);
    txs_close(&t);
}

static void equal_fields_cost_next_to_nothing(void **state)
{
    (void)state;
    struct txs t;
    txs_open(&t);
    struct ts_tx tx = kit_transfer(t.kit, 0, &t.kit->people[1], 77);
    for (size_t i = 0; i < MAX_TXS; i++) {
        tx.nonce = i;
        txs_sign(&t, 0, &tx);
    }
    struct ts_rollup_batch *b = empty_batches(1);
    b->txs = txs_list(&t);
    b->n_txs = t.n;
    assert_true(round_trip(b, 1) < 64 * MAX_TXS + 180);
    free(b);
    txs_close(&t);
}

static void limits_are_kept(void **state)
{
    (void)state;
    struct ts_buf out;
    struct ts_rollup_sizes sizes;
    struct ts_arena arena;
    struct ts_rollup_batch *got;
    struct ts_rollup_batch *b = empty_batches(TS_ROLLUP_MAX_BATCHES + 1);
    ts_buf_init(&out, 0);
    ts_arena_init(&arena, TS_ROLLUP_ARENA);
    ts_buf_put(&out, "x", 1);
    assert_int_equal(ts_rollup_encode(b, 0, 1000, &out, NULL), TS_E_RANGE);
    assert_int_equal(ts_rollup_encode(b, TS_ROLLUP_MAX_BATCHES + 1, 1000, &out, NULL), TS_E_LIMIT);
    assert_int_equal(ts_rollup_encode(b, 1000, 20, &out, &sizes), TS_E_LIMIT);
    assert_true(sizes.stored[TS_COL_TIME] > 0);
    assert_int_equal(out.n, 1);
    assert_int_equal(ts_rollup_encode(b, TS_ROLLUP_MAX_BATCHES, 1000, &out, NULL), TS_OK);
    ts_bytes data = ts_bytes_of(out.p + 1, out.n - 1);
    assert_int_equal(decode(data, TS_ROLLUP_MAX_BATCHES, &arena, &got), TS_OK);
    assert_int_equal(decode(data, TS_ROLLUP_MAX_BATCHES + 1, &arena, &got), TS_E_RANGE);
    assert_int_equal(decode(data, 0, &arena, &got), TS_E_RANGE);
    assert_int_not_equal(decode(data, TS_ROLLUP_MAX_BATCHES - 1, &arena, &got), TS_OK);
    static const ts_bytes nothing[1];
    b->txs = nothing;
    b->n_txs = TS_ROLLUP_MAX_TXS + 1;
    assert_int_equal(ts_rollup_encode(b, 1, 1000, &out, NULL), TS_E_LIMIT);
    ts_buf_free(&out);
    ts_arena_free(&arena);
    free(b);
}

/* What is said to fit fits, and not many more do. */
static void how_many_fit_is_told(void **state)
{
    (void)state;
    struct txs t;
    struct ts_buf out;
    uint64_t random = 8;
    size_t fit = 0;
    txs_open(&t);
    add_transactions(&t);
    const ts_bytes *list = txs_list(&t);
    struct ts_rollup_batch *b = empty_batches(2000);
    assert_int_equal(ts_rollup_fit(b, 0, 1000, &fit), TS_E_RANGE);
    assert_int_equal(ts_rollup_fit(b, 2000, TS_ROLLUP_MAX_DATA, &fit), TS_OK);
    assert_int_equal(fit, 2000);
    for (size_t i = 0; i < 2000; i++) {
        b[i].n_txs = next_random(&random) % 4;
        b[i].txs = list + next_random(&random) % (t.n - 4);
    }
    for (size_t max = 10; max < 200000; max *= 3) {
        ts_buf_init(&out, 0);
        assert_int_equal(ts_rollup_fit(b, 2000, max, &fit), TS_OK);
        assert_true(fit >= 1 && fit <= 2000);
        if (fit > 1)
            assert_int_equal(ts_rollup_encode(b, fit, max, &out, NULL), TS_OK);
        /* Signatures are not compressed, and they are more than a third of these. */
        if (max > 1000 && 3 * fit <= 2000)
            assert_int_equal(ts_rollup_encode(b, 3 * fit, max, &out, NULL), TS_E_LIMIT);
        ts_buf_free(&out);
    }
    /* One that is too large for any rollup does not hide those before it. */
    static const ts_bytes nothing[1];
    b[1500].txs = nothing;
    b[1500].n_txs = TS_ROLLUP_MAX_TXS + 1;
    assert_int_equal(ts_rollup_fit(b, 2000, 1u << 24, &fit), TS_OK);
    assert_int_equal(fit, 1500);
    free(b);
    txs_close(&t);
}

static void data_cut_short_or_changed_are_errors(void **state)
{
    (void)state;
    struct txs t;
    struct ts_buf data;
    struct ts_arena arena;
    struct ts_rollup_batch *got;
    txs_open(&t);
    add_transactions(&t);
    add_junk(&t);
    struct ts_rollup_batch *b = empty_batches(3);
    b[1].txs = txs_list(&t);
    b[1].n_txs = t.n;
    ts_arena_init(&arena, TS_ROLLUP_ARENA);
    assert_int_equal(encode(b, 3, &data), TS_OK);
    for (size_t n = 0; n < data.n; n++) {
        ts_arena_reset(&arena);
        assert_int_not_equal(decode(ts_bytes_of(data.p, n), 3, &arena, &got), TS_OK);
    }
    for (size_t i = 0; i < data.n; i++) {
        for (unsigned bit = 0; bit < 8; bit += 3) {
            ts_arena_reset(&arena);
            data.p[i] ^= (uint8_t)(1u << bit);
            got = NULL;
            ts_err err = decode(ts_buf_bytes(&data), 3, &arena, &got);
            assert_true((err == TS_OK) == (got != NULL));
            if (err == TS_OK && i % 32 == 0)
                round_trip(got, 3);
            data.p[i] ^= (uint8_t)(1u << bit);
        }
    }
    ts_buf_put(&data, "", 1);
    assert_int_equal(decode(ts_buf_bytes(&data), 3, &arena, &got), TS_E_TRAILING);
    ts_buf_free(&data);
    ts_arena_free(&arena);
    free(b);
    txs_close(&t);
}

/* Data made by hand: a column of so many equal bytes, compressed, in the place of the times. */
static ts_err decode_bomb(size_t n)
{
    struct ts_buf data;
    struct ts_arena arena;
    struct ts_rollup_batch *got;
    uint8_t *zeros = calloc(n, 1);
    assert_non_null(zeros);
    ts_buf_init(&data, 0);
    ts_arena_init(&arena, TS_ROLLUP_ARENA);
    ts_buf_put_byte(&data, TS_ROLLUP_VERSION);
    ts_column_pack(&data, ts_bytes_of(zeros, n), TS_SQUEEZE_TRY);
    assert_true(data.n < 1000);
    ts_err err = decode(ts_buf_bytes(&data), 5, &arena, &got);
    assert_true(arena.used <= n + 64);
    ts_buf_free(&data);
    ts_arena_free(&arena);
    free(zeros);
    return err;
}

static void a_small_rollup_cannot_ask_for_much_memory(void **state)
{
    (void)state;
    assert_int_equal(decode_bomb(TS_ROLLUP_MAX_RAW + 1), TS_E_LIMIT);
    assert_int_equal(decode_bomb(TS_ROLLUP_MAX_RAW), TS_E_TRUNCATED); /* more columns should come */
    /* A run of zeros says that there are more transactions than fit. */
    static const uint8_t many[] = {TS_ROLLUP_VERSION, 2 * 4, 0, 0, 0, 1, 2 * 2, 1, 0};
    struct ts_arena arena;
    struct ts_rollup_batch *got;
    ts_arena_init(&arena, TS_ROLLUP_ARENA);
    assert_int_not_equal(decode(ts_bytes_of(many, sizeof(many)), 2, &arena, &got), TS_OK);
    ts_arena_free(&arena);
}

static void a_version_we_do_not_know_is_said_so(void **state)
{
    (void)state;
    struct ts_buf data;
    struct ts_arena arena;
    struct ts_rollup_batch *got;
    struct ts_rollup_batch *b = empty_batches(2);
    ts_arena_init(&arena, TS_ROLLUP_ARENA);
    assert_int_equal(encode(b, 2, &data), TS_OK);
    data.p[0]++;
    assert_int_equal(decode(ts_buf_bytes(&data), 2, &arena, &got), TS_E_VERSION);
    assert_int_equal(decode((ts_bytes){0}, 2, &arena, &got), TS_E_TRUNCATED);
    ts_buf_free(&data);
    ts_arena_free(&arena);
    free(b);
}

/* Two ways to write one thing would be two rollups of one range. */
static void numbers_have_one_form(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[12];
        size_t n;
        ts_err err;
    } cases[] = {
        {{0x00}, 1, TS_E_NOT_CANONICAL},       /* zero not as a run */
        {{0x01, 0x01}, 2, TS_E_NOT_CANONICAL}, /* two runs */
        {{0x82, 0x00}, 2, TS_E_NOT_CANONICAL}, /* a byte too many */
        {{0x82}, 1, TS_E_TRUNCATED},           /* a byte too few */
        {{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x04}, 10, TS_E_RANGE},
        {{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03}, 10, TS_OK},
        {{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x83, 0x01}, 11, TS_E_RANGE},
        {{0x02, 0x02}, 2, TS_OK},
        {{0x02, 0x01}, 2, TS_OK},
        {{0x03}, 1, TS_OK},
        {{0x05}, 1, TS_E_TRAILING}, /* a run that goes on */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ts_column_reader r = ts_column_reader_of(ts_bytes_of(cases[i].bytes, cases[i].n));
        (void)ts_column_get(&r);
        if (r.p != r.end || r.zeros > 0)
            (void)ts_column_get(&r);
        assert_string_equal(ts_err_name((int)ts_column_done(&r)), ts_err_name((int)cases[i].err));
    }
}

static void a_rollup_is_signed_and_read_back(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    struct ts_domain d = {{{3}}};
    struct ts_rollup r = {.first_number = 3, .last_number = 700, .l1_number = 9}, got;
    struct ts_buf raw;
    ts_address signer;
    ts_hash digest;
    memset(r.data_hash.b, 5, sizeof(r.data_hash.b));
    ts_rollup_hash(&d, &r, &digest);
    assert_int_equal(ts_sign(k->crypto, &k->keys[2], &digest, &r.sig), TS_OK);
    ts_buf_init(&raw, 0);
    ts_rollup_put(&raw, &r);
    assert_int_equal(ts_rollup_read(ts_buf_bytes(&raw), &got), TS_OK);
    assert_int_equal(ts_rollup_signer(k->crypto, &d, &got, &signer), TS_OK);
    assert_memory_equal(signer.b, k->people[2].b, sizeof(signer.b));
    got.last_number++;
    ts_err err = ts_rollup_signer(k->crypto, &d, &got, &signer);
    assert_true(err == TS_E_SIGNATURE || !ts_address_equal(&signer, &k->people[2]));
    assert_int_equal(ts_rollup_read(ts_bytes_of(raw.p, raw.n - 1), &got), TS_E_TRUNCATED);
    ts_buf_free(&raw);
    kit_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousands_of_empty_batches_take_hundreds_of_bytes),
        cmocka_unit_test(any_header_values_come_back),
        cmocka_unit_test(the_ends_of_the_number_range_come_back),
        cmocka_unit_test(all_kinds_of_transactions_come_back),
        cmocka_unit_test(transactions_are_divided_into_columns),
        cmocka_unit_test(equal_fields_cost_next_to_nothing),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(how_many_fit_is_told),
        cmocka_unit_test(data_cut_short_or_changed_are_errors),
        cmocka_unit_test(a_small_rollup_cannot_ask_for_much_memory),
        cmocka_unit_test(a_version_we_do_not_know_is_said_so),
        cmocka_unit_test(numbers_have_one_form),
        cmocka_unit_test(a_rollup_is_signed_and_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
