/* SPDX-License-Identifier: Apache-2.0 */
/* Memory: an audit takes all of it at once; a batch takes none. Linked with malloc, calloc and
 * realloc wrapped. */
#include "audit_kit.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);

static size_t asked;   /* allocations since start_counting */
static size_t fail_at; /* this one fails, and all that follow; 0: none */
static bool counting;

static bool fails(void)
{
    return counting && ++asked >= fail_at && fail_at != 0;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
    return fails() ? NULL : __real_calloc(count, n);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

static void start_counting(size_t nth)
{
    asked = 0;
    fail_at = nth;
    counting = true;
}

static void every_allocation_of_a_new_audit_may_fail(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    size_t nth = 1;
    struct ts_audit *a;
    do {
        start_counting(nth);
        a = ts_audit_new(&net->genesis);
        counting = false;
    } while (a == NULL && ++nth < 100);
    assert_non_null(a);
    assert_int_equal(nth, 4); /* three allocations */
    ts_audit_free(a);
    tn_free(net);
}

static void a_batch_takes_no_memory(void **state)
{
    (void)state;
    struct audit_kit *k = kit_of(tn_random(5, 120));
    struct ts_arena arena;
    struct ts_batch b;
    ts_arena_init(&arena, 0);
    size_t all = 0;
    while (k->chain.head.number < k->net->chain.head.number) {
        ts_arena_reset(&arena);
        tn_decode(k->net, k->chain.head.number + 1, &arena, &b);
        assert_int_equal(ts_batch_check(&k->chain, &b, NULL, k->effect, NULL), TS_OK);
        assert_int_equal(ts_chain_apply(&k->chain, k->effect), TS_OK);
        start_counting(0);
        ts_audit_batch(k->audit, &k->chain, &b, NULL);
        counting = false;
        all += asked;
    }
    assert_int_equal(all, 0);
    assert_true(ts_audit_count(k->audit) > 3);
    ts_arena_free(&arena);
    kit_free(k);
}

static void bytes_without_memory_fail_softly(void **state)
{
    (void)state;
    struct audit_kit *k = kit_of(tn_random(6, 60));
    struct ts_buf buf;
    kit_follow(k);
    for (size_t nth = 1; nth < 5; nth++) {
        ts_buf_init(&buf, 0);
        start_counting(nth);
        ts_audit_put(&buf, k->audit);
        counting = false;
        assert_true(buf.err == TS_E_NOMEM || (buf.err == TS_OK && asked < nth));
        ts_buf_free(&buf);
    }
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_of_a_new_audit_may_fail),
        cmocka_unit_test(a_batch_takes_no_memory),
        cmocka_unit_test(bytes_without_memory_fail_softly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
