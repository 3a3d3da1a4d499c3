/* SPDX-License-Identifier: Apache-2.0 */
/* The map against a plain array that says whether each possible key is there. */
#include "unit.h"

#include <string.h>

#include "base/map.h"
#include "base/siphash.h"

#define KEYS 700u

struct model {
    bool there[KEYS];
    uint64_t value[KEYS];
    size_t n;
};

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static void expect_same(const struct ts_map *m, const struct model *model)
{
    size_t seen = 0;
    size_t at = 0;
    void *value;
    const void *key;
    while ((key = ts_map_next(m, &at, &value)) != NULL) {
        uint32_t k;
        uint64_t v;
        memcpy(&k, key, sizeof(k));
        memcpy(&v, value, sizeof(v));
        assert_true(k < KEYS && model->there[k]);
        assert_int_equal(v, model->value[k]);
        seen++;
    }
    assert_int_equal(seen, model->n);
    assert_int_equal(m->n, model->n);
}

static void step(struct ts_map *m, struct model *model, uint64_t r)
{
    uint32_t key = (uint32_t)(r >> 8) % KEYS;
    bool is_new = false;
    void *value;
    /* The mix leans to inserts and to removals in turn, so that the map fills and empties. */
    bool insert = (r & 7) < ((r >> 60) < 8 ? 6u : 2u);
    if (insert) {
        value = ts_map_put(m, &key, &is_new);
        assert_non_null(value);
        assert_int_equal(is_new, !model->there[key]);
        model->n += is_new ? 1 : 0;
        model->there[key] = true;
        model->value[key] = r;
        memcpy(value, &r, sizeof(r));
    } else {
        assert_int_equal(ts_map_remove(m, &key), model->there[key]);
        model->n -= model->there[key] ? 1 : 0;
        model->there[key] = false;
    }
    value = ts_map_get(m, &key);
    assert_int_equal(value != NULL, model->there[key]);
    if (value != NULL)
        assert_memory_equal(value, &model->value[key], sizeof(uint64_t));
}

static void random_operations(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        static struct model model;
        struct ts_map m;
        uint64_t x = seed * 0x9e3779b97f4a7c15u;
        memset(&model, 0, sizeof(model));
        ts_map_init(&m, sizeof(uint32_t), sizeof(uint64_t), (uint64_t[]){seed, ~seed});
        for (int i = 0; i < 20000; i++) {
            step(&m, &model, next_random(&x));
            if (i % 1000 == 0)
                expect_same(&m, &model);
        }
        expect_same(&m, &model);
        ts_map_clear(&m);
        memset(&model, 0, sizeof(model));
        expect_same(&m, &model);
        ts_map_free(&m);
    }
}

/* With no value a map is a set. */
static void empty_values(void **state)
{
    (void)state;
    struct ts_map m;
    ts_hash key = {{0}};
    bool is_new;
    ts_map_init(&m, sizeof(key), 0, (uint64_t[]){1, 2});
    assert_null(ts_map_get(&m, &key));
    assert_false(ts_map_remove(&m, &key));
    for (unsigned i = 0; i < 200; i++) {
        key.b[7] = (uint8_t)i;
        assert_non_null(ts_map_put(&m, &key, &is_new));
        assert_true(is_new);
        assert_non_null(ts_map_put(&m, &key, NULL));
    }
    assert_int_equal(m.n, 200);
    ts_map_free(&m);
}

static void new_values_are_zero(void **state)
{
    (void)state;
    struct ts_map m;
    ts_map_init(&m, 1, 16, (uint64_t[]){0, 0});
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 256; i++) {
            uint8_t key = (uint8_t)i;
            uint8_t *value = ts_map_put(&m, &key, NULL);
            for (size_t j = 0; j < 16; j++)
                assert_int_equal(value[j], 0);
            memset(value, 0xff, 16);
        }
        ts_map_clear(&m);
    }
    ts_map_free(&m);
}

static void reserve_makes_room(void **state)
{
    (void)state;
    struct ts_map m;
    ts_map_init(&m, sizeof(uint32_t), 4, (uint64_t[]){3, 4});
    assert_int_equal(ts_map_reserve(&m, 1000), TS_OK);
    size_t cap = m.cap;
    for (uint32_t i = 0; i < 1000; i++)
        assert_non_null(ts_map_put(&m, &i, NULL));
    assert_int_equal(m.cap, cap);
    assert_true(m.cap <= m.n * 5 / 2); /* four of five slots, rounded up to a power of two */
    assert_int_equal(ts_map_reserve(&m, SIZE_MAX), TS_E_NOMEM);
    assert_int_equal(m.n, 1000);
    ts_map_free(&m);
}

/* First outputs of SipHash-1-3 for key 00..0f and messages of 0, 1, 2 … bytes 00 01 02 …; from the
 * test table of the Rust standard library's hasher, which is SipHash-1-3. */
static void siphash_known_answers(void **state)
{
    (void)state;
    static const uint64_t want[] = {0xabac0158050fc4dcu, 0xc9f49bf37d57ca93u, 0x82cb9b024dc7d44du,
                                    0x8bf80ab8e7ddf7fbu, 0xcf75576088d38328u, 0xdef9d52f49533b67u,
                                    0xc50d2b50c59f22a7u, 0xd3927d989bb11140u, 0x369095118d299a8eu};
    const uint64_t seed[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    uint8_t message[16];
    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = (uint8_t)i;
    for (size_t n = 0; n < sizeof(want) / sizeof(want[0]); n++)
        assert_int_equal(ts_siphash13(seed, message, n), want[n]);
}

static void values_are_aligned_behind_any_key(void **state)
{
    (void)state;
    for (size_t key_size = 1; key_size <= 33; key_size++) {
        static const uint64_t seed[2] = {1, 2};
        struct ts_map m;
        ts_map_init(&m, key_size, 12, seed);
        for (uint8_t i = 0; i < 20; i++) {
            uint8_t key[33] = {i};
            void *value = ts_map_put(&m, key, NULL);
            assert_non_null(value);
            assert_int_equal((uintptr_t)value % _Alignof(uint64_t), 0);
        }
        ts_map_free(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_aligned_behind_any_key),
        cmocka_unit_test(random_operations),
        cmocka_unit_test(empty_values),
        cmocka_unit_test(new_values_are_zero),
        cmocka_unit_test(reserve_makes_room),
        cmocka_unit_test(siphash_known_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
