/* SPDX-License-Identifier: Apache-2.0 */
/* The set of accounts and the cache of senders. */
#include "engine/accounts.h"

#include "engine/sender_cache.h"
#include "ledger_kit.h"

static const uint64_t seed[2] = {5, 6};

static void every_account_is_found_through_all_growth(void **state)
{
    (void)state;
    const uint32_t count = 20000;
    struct ts_accounts a;
    ts_accounts_init(&a, seed);
    const ts_address none = kit_stranger(count);
    assert_null(ts_accounts_find(&a, &none));
    for (uint32_t i = 0; i < count; i++) {
        const ts_address address = kit_stranger(i);
        struct ts_account *account = ts_accounts_add(&a, &address);
        assert_non_null(account);
        assert_true(ts_account_is_empty(account));
        account->nonce = i + 1;
    }
    assert_int_equal(a.n, count);
    for (uint32_t i = 0; i < count; i++) {
        const ts_address address = kit_stranger(i);
        struct ts_account *account = ts_accounts_find(&a, &address);
        assert_ptr_equal(account, ts_accounts_at(&a, i));
        assert_int_equal(account->nonce, i + 1);
    }
    assert_null(ts_accounts_find(&a, &none));
    ts_accounts_free(&a);
}

/* Chunks and slots together, also while the index doubles: the bound of accounts.h. */
static void an_account_takes_few_bytes(void **state)
{
    (void)state;
    struct ts_accounts a;
    ts_accounts_init(&a, seed);
    for (uint32_t i = 0; i < 100000; i++) {
        const ts_address address = kit_stranger(i);
        size_t cap = a.cap;
        assert_non_null(ts_accounts_add(&a, &address));
        size_t index = a.cap * sizeof(struct ts_account_slot);
        size_t old_index = cap != a.cap ? cap * sizeof(struct ts_account_slot) : 0;
        if (a.n >= 10000)
            assert_true(a.n * sizeof(struct ts_account) + index + old_index <= a.n * 97);
    }
    ts_accounts_free(&a);
}

static void clearing_keeps_little(void **state)
{
    (void)state;
    struct ts_accounts a;
    ts_accounts_init(&a, seed);
    for (uint32_t n = 10; n <= 100000; n *= 100) {
        for (uint32_t i = 0; i < n; i++) {
            const ts_address address = kit_stranger(i);
            assert_non_null(ts_accounts_add(&a, &address));
        }
        ts_accounts_clear(&a);
        assert_int_equal(a.n, 0);
        assert_true(a.cap <= 16384);
        const ts_address address = kit_stranger(3);
        assert_null(ts_accounts_find(&a, &address));
    }
    ts_accounts_free(&a);
}

static void a_reserve_that_is_too_large_is_refused(void **state)
{
    (void)state;
    struct ts_accounts a;
    ts_accounts_init(&a, seed);
    assert_int_equal(ts_accounts_reserve(&a, SIZE_MAX), TS_E_NOMEM);
    assert_int_equal(ts_accounts_reserve(&a, 0x80000000u), TS_E_NOMEM);
    assert_int_equal(ts_accounts_reserve(&a, 5000), TS_OK);
    size_t cap = a.cap;
    for (uint32_t i = 0; i < 5000; i++) {
        const ts_address address = kit_stranger(i);
        assert_non_null(ts_accounts_add(&a, &address));
    }
    assert_int_equal(a.cap, cap);
    ts_accounts_free(&a);
}

static ts_hash hash_number(uint32_t n)
{
    return (ts_hash){{1, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

/* Whatever it still knows is right, the newest is always known, and it is of use. */
static void the_cache_forgets_but_never_lies(void **state)
{
    (void)state;
    const uint32_t count = 200000;
    struct ts_sender_cache c;
    uint32_t known = 0;
    assert_int_equal(ts_sender_cache_init(&c, seed), TS_OK);
    for (uint32_t i = 0; i < count; i++) {
        const ts_hash hash = hash_number(i);
        const ts_address sender = kit_stranger(i);
        ts_address got;
        assert_false(ts_sender_cache_get(&c, &hash, &got));
        ts_sender_cache_put(&c, &hash, &sender);
        assert_true(ts_sender_cache_get(&c, &hash, &got));
    }
    for (uint32_t i = 0; i < count; i++) {
        const ts_hash hash = hash_number(i);
        const ts_address sender = kit_stranger(i);
        ts_address got;
        if (!ts_sender_cache_get(&c, &hash, &got))
            continue;
        assert_true(ts_address_equal(&got, &sender));
        known++;
    }
    assert_true(known <= TS_SENDER_CACHE_SETS * TS_SENDER_CACHE_WAYS);
    assert_true(known > TS_SENDER_CACHE_SETS * TS_SENDER_CACHE_WAYS / 2);
    ts_sender_cache_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_account_is_found_through_all_growth),
        cmocka_unit_test(an_account_takes_few_bytes),
        cmocka_unit_test(clearing_keeps_little),
        cmocka_unit_test(a_reserve_that_is_too_large_is_refused),
        cmocka_unit_test(the_cache_forgets_but_never_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
