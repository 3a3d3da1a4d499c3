/* SPDX-License-Identifier: Apache-2.0 */
/* Saving and loading the ledger, with bytes that were tampered with. */
#include "ledger_kit.h"

#define HEADER 80u
#define RECORD 60u

struct tape {
    uint8_t *p;
    size_t n;
    size_t at;
};

static ts_err to_buf(void *ctx, const void *p, size_t n)
{
    struct ts_buf *b = ctx;
    ts_buf_put(b, p, n);
    return b->err;
}

static ts_err from_tape(void *ctx, void *p, size_t n)
{
    struct tape *t = ctx;
    if (n > t->n - t->at)
        return TS_E_TRUNCATED;
    memcpy(p, t->p + t->at, n);
    t->at += n;
    return TS_OK;
}

static void save(const struct ts_engine *e, struct ts_buf *b)
{
    const struct ts_sink sink = {b, to_buf};
    ts_buf_reset(b);
    assert_int_equal(ts_ledger_engine.save(e, &sink), TS_OK);
}

static ts_err load(struct ts_engine *e, const struct ts_buf *b, size_t n)
{
    struct tape tape = {b->p, n, 0};
    const struct ts_source source = {&tape, from_tape};
    ts_err err = ts_ledger_engine.load(e, &source);
    if (err == TS_OK)
        assert_int_equal(tape.at, n);
    return err;
}

/* A kit whose people have paid each other and n strangers. */
static struct kit *kit_with_history(unsigned n)
{
    struct kit *k = kit_open();
    struct ts_buf b;
    ts_buf_init(&b, 0);
    for (unsigned i = 0; i < n; i++) {
        const ts_address stranger = kit_stranger(i);
        struct ts_tx tx = kit_transfer(k, i, &stranger, 1000 + i);
        ts_buf_reset(&b);
        ts_bytes raw = kit_sign(k, 0, &tx, &b);
        kit_batch(k->engine, &raw, 1);
    }
    ts_buf_free(&b);
    return k;
}

static struct ts_engine *fresh(const struct kit *k)
{
    const uint64_t seed[2] = {77, 78};
    struct ts_engine *e;
    assert_int_equal(ts_ledger_engine.open(&k->genesis, k->crypto, seed, &e), TS_OK);
    return e;
}

static void what_was_saved_is_loaded(void **state)
{
    (void)state;
    struct kit *k = kit_with_history(150);
    struct ts_engine *e = fresh(k);
    const ts_hash root = kit_root(k->engine);
    struct ts_buf b;
    struct ts_buf again;
    ts_buf_init(&b, 0);
    ts_buf_init(&again, 0);
    save(k->engine, &b);
    assert_int_equal(b.n, HEADER + (KIT_PEOPLE + 1 + 150) * RECORD);
    assert_int_equal(load(e, &b, b.n), TS_OK);
    const ts_hash loaded = kit_root(e);
    assert_hash(&loaded, &root);
    for (uint32_t i = 0; i < 150; i++) {
        const ts_address a = kit_stranger(i);
        const ts_u256 expected = ts_u256_of(1000 + i);
        ts_u256 balance = kit_balance(e, &a);
        assert_u256(&balance, &expected);
    }
    assert_int_equal(kit_nonce(e, &k->people[0]), 150);
    save(e, &again);
    assert_true(ts_bytes_equal(ts_buf_bytes(&b), ts_buf_bytes(&again)));
    ts_buf_free(&b);
    ts_buf_free(&again);
    ts_ledger_engine.close(e);
    kit_close(k);
}

/* An account that holds nothing and has sent nothing is touched, but not kept. */
static void empty_accounts_are_not_kept(void **state)
{
    (void)state;
    struct kit *k = kit_open();
    const ts_address stranger = kit_stranger(1);
    struct ts_tx tx = kit_transfer(k, 0, &stranger, 0);
    struct ts_buf b;
    struct ts_buf raw;
    ts_buf_init(&b, 0);
    ts_buf_init(&raw, 0);
    ts_bytes txs = kit_sign(k, 0, &tx, &raw);
    kit_batch(k->engine, &txs, 1);
    save(k->engine, &b);
    assert_int_equal(b.n, HEADER + (KIT_PEOPLE + 1) * RECORD); /* and the coinbase */
    ts_buf_free(&b);
    ts_buf_free(&raw);
    kit_close(k);
}

struct damage {
    size_t at;
    uint8_t with; /* exclusive or */
    ts_err err;
};

/* After every refusal the engine stands at genesis, and can still load what is good. */
static void damaged_bytes_are_refused(void **state)
{
    (void)state;
    static const struct damage damages[] = {
        {0, 1, TS_E_CORRUPT},                   /* magic */
        {7, 2, TS_E_VERSION},                   /* version */
        {8, 1, TS_E_FOREIGN},                   /* genesis hash */
        {39, 1, TS_E_FOREIGN},                  /* its end */
        {72, 0x80, TS_E_TRUNCATED},             /* a count of 2^63 and more */
        {79, 1, TS_E_CORRUPT},                  /* one account less: the sum is wrong */
        {79, 2, TS_E_TRUNCATED},                /* two more */
        {HEADER + RECORD - 1, 1, TS_E_CORRUPT}, /* a balance */
        {HEADER + 28, 0x80, TS_E_CORRUPT},      /* a balance that overflows the sum with the next */
    };
    struct kit *k = kit_with_history(4); /* 13 accounts: 0x0d */
    struct ts_engine *e = fresh(k);
    const ts_hash genesis_root = kit_root(e);
    struct ts_buf b;
    ts_buf_init(&b, 0);
    save(k->engine, &b);
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        assert_int_equal(load(e, &b, b.n), TS_OK);
        b.p[damages[i].at] ^= damages[i].with;
        assert_int_equal(load(e, &b, b.n), damages[i].err);
        b.p[damages[i].at] ^= damages[i].with;
        const ts_hash root = kit_root(e);
        assert_hash(&root, &genesis_root);
        assert_int_equal(kit_nonce(e, &k->people[0]), 0);
    }
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(load(e, &b, n), TS_E_TRUNCATED);
    assert_int_equal(load(e, &b, b.n), TS_OK);
    ts_buf_free(&b);
    ts_ledger_engine.close(e);
    kit_close(k);
}

static void doubled_and_empty_accounts_are_refused(void **state)
{
    (void)state;
    struct kit *k = kit_with_history(4);
    struct ts_engine *e = fresh(k);
    struct ts_buf b;
    ts_buf_init(&b, 0);
    save(k->engine, &b);
    memcpy(b.p + HEADER, b.p + HEADER + RECORD, 20); /* the same address twice, the sum is right */
    assert_int_equal(load(e, &b, b.n), TS_E_CORRUPT);
    save(k->engine, &b);
    b.p[79]++;
    memset(ts_buf_extend(&b, RECORD), 0, RECORD);
    assert_int_equal(load(e, &b, b.n), TS_E_CORRUPT);
    ts_buf_free(&b);
    ts_ledger_engine.close(e);
    kit_close(k);
}

static ts_err broken(void *ctx, const void *p, size_t n)
{
    (void)p;
    (void)n;
    size_t *left = ctx;
    if (*left == 0)
        return TS_E_DISK_FULL;
    --*left;
    return TS_OK;
}

static void an_error_of_the_sink_ends_the_saving(void **state)
{
    (void)state;
    struct kit *k = kit_with_history(100);
    for (size_t i = 0; i < 3; i++) {
        size_t left = i;
        const struct ts_sink sink = {&left, broken};
        assert_int_equal(ts_ledger_engine.save(k->engine, &sink), TS_E_DISK_FULL);
    }
    kit_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_saved_is_loaded),
        cmocka_unit_test(empty_accounts_are_not_kept),
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(doubled_and_empty_accounts_are_refused),
        cmocka_unit_test(an_error_of_the_sink_ends_the_saving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
