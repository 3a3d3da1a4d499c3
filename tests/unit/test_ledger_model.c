/* SPDX-License-Identifier: Apache-2.0 */
/* Random batches against a naive model of the ledger: a flat list of accounts, 128-bit amounts, and
 * the rules written down once more. Compared are each result, each root, all balances and nonces, a
 * second engine that executes only what stood, and engines loaded from snapshots. */
#include "base/check.h"
#include "crypto/keccak.h"
#include "ledger_kit.h"

__extension__ typedef unsigned __int128 u128;

#define ROUNDS       60
#define MAX_ACCOUNTS 64
#define STRANGERS    12u

struct model_account {
    ts_address address;
    uint64_t nonce;
    u128 balance;
    bool touched;
    bool deferred;
};

struct model {
    struct model_account accounts[MAX_ACCOUNTS];
    size_t n;
    ts_hash root;
    uint64_t gas_left;
    unsigned *seen; /* how often each error came, by its number */
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t below(uint64_t *state, uint64_t n)
{
    return next_random(state) % n;
}

static struct model_account *account_of(struct model *m, const ts_address *address)
{
    for (size_t i = 0; i < m->n; i++) {
        if (ts_address_equal(&m->accounts[i].address, address))
            return &m->accounts[i];
    }
    TS_CHECK(m->n < MAX_ACCOUNTS);
    m->accounts[m->n] = (struct model_account){.address = *address};
    return &m->accounts[m->n++];
}

static ts_u256 wide(u128 v)
{
    return (ts_u256){.w = {(uint64_t)v, (uint64_t)(v >> 64)}};
}

static u128 narrow(const ts_u256 *v)
{
    TS_CHECK((v->w[2] | v->w[3]) == 0);
    return (u128)v->w[1] << 64 | v->w[0];
}

static int by_address(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(ts_address));
}

/* Takes the touched accounts into the root. */
static void model_root(struct model *m)
{
    struct model_account sorted[MAX_ACCOUNTS];
    struct ts_buf b;
    struct ts_buf both;
    ts_hash list;
    size_t touched = 0;
    memcpy(sorted, m->accounts, sizeof(sorted));
    qsort(sorted, m->n, sizeof(sorted[0]), by_address);
    ts_buf_init(&b, 0);
    ts_buf_init(&both, 0);
    size_t mark = ts_put_list(&b);
    for (size_t i = 0; i < m->n; i++) {
        if (!sorted[i].touched)
            continue;
        ts_u256 balance = wide(sorted[i].balance);
        size_t item = ts_put_list(&b);
        ts_put_address(&b, &sorted[i].address);
        ts_put_u64(&b, sorted[i].nonce);
        ts_put_u256(&b, &balance);
        ts_put_list_end(&b, item);
        touched++;
    }
    ts_put_list_end(&b, mark);
    ts_keccak256(ts_buf_bytes(&b), &list);
    ts_buf_put(&both, m->root.b, 32);
    ts_buf_put(&both, list.b, 32);
    if (touched > 0)
        ts_keccak256(ts_buf_bytes(&both), &m->root);
    for (size_t i = 0; i < m->n; i++)
        m->accounts[i].touched = m->accounts[i].deferred = false;
    ts_buf_free(&b);
    ts_buf_free(&both);
}

static uint64_t model_gas(const struct ts_tx *tx)
{
    uint64_t gas = 21000;
    for (size_t i = 0; i < tx->data.n; i++)
        gas += tx->data.p[i] != 0 ? 16 : 4;
    return gas + (tx->access.raw.n > 1 ? 2400 + 1900 : 0);
}

static ts_err model_decide(const struct kit *k, struct model *m, const struct ts_tx *tx,
                           struct model_account *from)
{
    u128 fee = narrow(&tx->max_fee);
    if (tx->to.b[0] == 0 && tx->to.b[18] == 0)
        return TS_E_TX_CODE;
    if (tx->type == TS_TX_DYNAMIC_FEE && narrow(&tx->max_priority) > fee)
        return TS_E_TX_TIP_OVER_FEE;
    if (fee < k->genesis.params.base_fee)
        return TS_E_TX_UNDERPRICED;
    if (tx->gas < model_gas(tx))
        return TS_E_TX_GAS_LOW;
    if (tx->gas > k->genesis.params.batch_gas_limit)
        return TS_E_TX_GAS_LIMIT;
    if (tx->nonce < from->nonce)
        return TS_E_TX_NONCE_LOW;
    if (tx->nonce > from->nonce)
        return from->deferred ? TS_E_TX_DEFERRED : TS_E_TX_NONCE_GAP;
    if (tx->gas > m->gas_left)
        return TS_E_TX_DEFERRED;
    if (narrow(&tx->value) + fee * tx->gas > from->balance)
        return TS_E_TX_FUNDS;
    return TS_OK;
}

static ts_err model_execute(const struct kit *k, struct model *m, const struct ts_tx *tx,
                            const ts_address *sender)
{
    account_of(m, sender);
    account_of(m, &tx->to);
    account_of(m, &k->genesis.coinbase);
    struct model_account *from = account_of(m, sender);
    struct model_account *to = account_of(m, &tx->to);
    struct model_account *coinbase = account_of(m, &k->genesis.coinbase);
    ts_err err = model_decide(k, m, tx, from);
    if (err == TS_E_TX_DEFERRED)
        from->deferred = true;
    if (err != TS_OK)
        return err;
    u128 price = narrow(&tx->max_fee);
    u128 tipped = k->genesis.params.base_fee + narrow(&tx->max_priority);
    if (tx->type == TS_TX_DYNAMIC_FEE && tipped < price)
        price = tipped;
    u128 fee = price * model_gas(tx);
    from->nonce++;
    from->balance -= fee + narrow(&tx->value);
    to->balance += narrow(&tx->value);
    coinbase->balance += fee;
    from->touched = to->touched = coinbase->touched = true;
    m->gas_left -= model_gas(tx);
    return TS_OK;
}

static ts_address random_recipient(const struct kit *k, uint64_t *rng)
{
    switch (below(rng, 10)) {
    case 0:
        return (ts_address){{[19] = 7}};
    case 1:
    case 2:
        return k->genesis.coinbase;
    case 3:
    case 4:
    case 5:
        return kit_stranger((uint32_t)below(rng, STRANGERS));
    default:
        return k->people[below(rng, KIT_PEOPLE)];
    }
}

/* Mostly good, now and then wrong in one way or two. */
static struct ts_tx random_tx(const struct kit *k, struct model *m, size_t person, uint64_t *rng)
{
    static const uint8_t data[] = {0, 1, 0, 2, 0, 3};
    static const uint8_t list[] = {0xf8, 0x38, 0xf7, 0x94, [24] = 0xe1, 0xa0, [57] = 0};
    const ts_address to = random_recipient(k, rng);
    const struct model_account *from = account_of(m, &k->people[person]);
    struct ts_tx tx = kit_transfer(k, from->nonce, &to, below(rng, 1000000));
    tx.type = (enum ts_tx_type)below(rng, 3);
    tx.max_fee = ts_u256_of(KIT_BASE_FEE - (below(rng, 20) == 0) + below(rng, 3) * 1000);
    tx.max_priority = ts_u256_of(below(rng, below(rng, 10) == 0 ? 2ull * KIT_BASE_FEE : 2000));
    if (tx.type != TS_TX_DYNAMIC_FEE)
        tx.max_priority = tx.max_fee;
    else if (below(rng, 10) != 0 && ts_u256_compare(&tx.max_priority, &tx.max_fee) > 0)
        tx.max_priority = tx.max_fee;
    tx.data = ts_bytes_of(data, below(rng, sizeof(data)));
    if (tx.type != TS_TX_LEGACY && below(rng, 2) == 0)
        tx.access.raw = ts_bytes_of(list, sizeof(list));
    tx.gas = model_gas(&tx) + below(rng, 4) * 10000 - (below(rng, 20) == 0);
    if (below(rng, 30) == 0)
        tx.gas = KIT_LIMIT + below(rng, 2);
    if (below(rng, 8) == 0)
        tx.nonce += below(rng, 4) - (from->nonce > 0);
    if (below(rng, 8) == 0) { /* all that the sender has, or as much as it can pay for */
        u128 fee = (u128)tx.max_fee.w[0] * tx.gas;
        bool payable = below(rng, 2) == 0 && fee <= from->balance;
        tx.value = wide(payable ? from->balance - fee : from->balance);
    }
    return tx;
}

static size_t copy_of(const struct ts_buf *b, size_t start, uint8_t *out)
{
    memcpy(out, b->p + start, b->n - start);
    return b->n - start;
}

struct batch_record {
    ts_bytes txs[64]; /* those that stood */
    size_t n;
    uint8_t bytes[64][400];
};

/* One random transaction through engine and model. */
static void one_transaction(struct kit *k, struct model *m, uint64_t *rng, struct batch_record *rec)
{
    struct ts_buf b;
    size_t person = below(rng, KIT_PEOPLE);
    struct ts_tx tx = random_tx(k, m, person, rng);
    ts_buf_init(&b, 0);
    ts_bytes raw = kit_sign(k, person, &tx, &b);
    if (below(rng, 12) == 0) {
        /* A changed byte gives no valid transaction of anybody who owns something. */
        b.p[below(rng, b.n)] ^= (uint8_t)(1 + below(rng, 255));
        assert_int_not_equal(kit_execute(k->engine, raw).err, TS_OK);
    } else {
        struct ts_tx_result got = kit_execute(k->engine, raw);
        ts_err expected = model_execute(k, m, &tx, &k->people[person]);
        assert_string_equal(ts_err_name((int)got.err), ts_err_name((int)expected));
        m->seen[expected]++;
        if (got.err == TS_OK) {
            assert_int_equal(got.gas_used, model_gas(&tx));
            size_t n = copy_of(&b, 0, rec->bytes[rec->n]);
            rec->txs[rec->n] = ts_bytes_of(rec->bytes[rec->n], n);
            rec->n++;
        }
    }
    ts_buf_free(&b);
}

static void assert_same_state(struct ts_engine *e, struct model *m, u128 supply)
{
    const ts_hash root = kit_root(e);
    u128 sum = 0;
    assert_hash(&root, &m->root);
    for (size_t i = 0; i < m->n; i++) {
        ts_u256 balance = kit_balance(e, &m->accounts[i].address);
        ts_u256 expected = wide(m->accounts[i].balance);
        assert_u256(&balance, &expected);
        assert_int_equal(kit_nonce(e, &m->accounts[i].address), m->accounts[i].nonce);
        sum += narrow(&balance);
    }
    assert_true(sum == supply);
}

static ts_err to_buf(void *ctx, const void *p, size_t n)
{
    struct ts_buf *b = ctx;
    ts_buf_put(b, p, n);
    return b->err;
}

static ts_err from_buf(void *ctx, void *p, size_t n)
{
    ts_bytes *left = ctx;
    if (n > left->n)
        return TS_E_TRUNCATED;
    memcpy(p, left->p, n);
    *left = ts_bytes_of(left->p + n, left->n - n);
    return TS_OK;
}

/* Saves, and goes on with another engine that loaded it; the twin's bytes are the same. */
static void change_engine(struct kit *k, const struct ts_engine *twin, uint64_t *rng)
{
    const uint64_t seed[2] = {next_random(rng), next_random(rng)};
    struct ts_buf bytes;
    struct ts_buf others;
    struct ts_engine *e;
    ts_buf_init(&bytes, 0);
    ts_buf_init(&others, 0);
    const struct ts_sink sink = {&bytes, to_buf};
    const struct ts_sink other_sink = {&others, to_buf};
    assert_int_equal(ts_ledger_engine.save(k->engine, &sink), TS_OK);
    assert_int_equal(ts_ledger_engine.save(twin, &other_sink), TS_OK);
    assert_true(ts_bytes_equal(ts_buf_bytes(&bytes), ts_buf_bytes(&others)));
    assert_int_equal(ts_ledger_engine.open(&k->genesis, k->crypto, seed, &e), TS_OK);
    ts_bytes left = ts_buf_bytes(&bytes);
    const struct ts_source source = {&left, from_buf};
    assert_int_equal(ts_ledger_engine.load(e, &source), TS_OK);
    assert_int_equal(left.n, 0);
    ts_ledger_engine.close(k->engine);
    k->engine = e;
    ts_buf_free(&bytes);
    ts_buf_free(&others);
}

static void one_batch(struct kit *k, struct ts_engine *twin, struct model *m, uint64_t *rng)
{
    struct batch_record rec = {.n = 0};
    const struct model before = *m;
    size_t count = below(rng, 20);
    uint64_t fate = below(rng, 5);
    ts_hash root;
    m->gas_left = k->genesis.params.batch_gas_limit;
    assert_int_equal(ts_ledger_engine.begin(k->engine, 1, 0), TS_OK);
    for (size_t i = 0; i < count; i++)
        one_transaction(k, m, rng, &rec);
    if (fate > 0) {
        assert_int_equal(ts_ledger_engine.finish(k->engine, &root), TS_OK);
        model_root(m);
        assert_hash(&root, &m->root);
    }
    if (fate < 2) {
        ts_ledger_engine.rollback(k->engine);
        *m = before;
        return;
    }
    ts_ledger_engine.commit(k->engine);
    kit_batch(twin, rec.txs, rec.n);
}

static void run(uint64_t seed, unsigned *seen)
{
    struct kit *k = kit_open();
    const uint64_t twin_seed[2] = {seed, ~seed};
    struct ts_engine *twin;
    struct model m = {.seen = seen};
    uint64_t rng = seed * 0x9e3779b97f4a7c15u;
    if (seed % 2 == 0)
        k->genesis.coinbase = k->people[seed % KIT_PEOPLE];
    assert_int_equal(ts_ledger_engine.open(&k->genesis, k->crypto, twin_seed, &twin), TS_OK);
    for (size_t i = 0; i < KIT_PEOPLE; i++) {
        struct model_account *a = account_of(&m, &k->people[i]);
        a->balance = KIT_FUNDS;
        a->touched = true;
    }
    model_root(&m);
    for (int round = 0; round < ROUNDS; round++) {
        one_batch(k, twin, &m, &rng);
        assert_same_state(k->engine, &m, (u128)KIT_FUNDS * KIT_PEOPLE);
        assert_same_state(twin, &m, (u128)KIT_FUNDS * KIT_PEOPLE);
        if (below(&rng, 8) == 0)
            change_engine(k, twin, &rng);
    }
    ts_ledger_engine.close(twin);
    kit_close(k);
}

static void the_ledger_does_what_its_model_does(void **state)
{
    (void)state;
    static const ts_err reached[] = {TS_OK,
                                     TS_E_TX_CODE,
                                     TS_E_TX_TIP_OVER_FEE,
                                     TS_E_TX_UNDERPRICED,
                                     TS_E_TX_GAS_LOW,
                                     TS_E_TX_GAS_LIMIT,
                                     TS_E_TX_NONCE_LOW,
                                     TS_E_TX_NONCE_GAP,
                                     TS_E_TX_DEFERRED,
                                     TS_E_TX_FUNDS};
    unsigned seen[256] = {0};
    for (uint64_t seed = 1; seed <= 6; seed++)
        run(seed, seen);
    for (size_t i = 0; i < TS_COUNT(reached); i++) {
        if (seen[reached[i]] < 5)
            fail_msg("%s came %u times", ts_err_name((int)reached[i]), seen[reached[i]]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ledger_does_what_its_model_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
