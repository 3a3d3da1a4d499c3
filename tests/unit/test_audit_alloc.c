/* SPDX-License-Identifier: Apache-2.0 */
/* Memory: an audit takes all of it at once; a batch takes none. Linked with malloc, calloc and
 * realloc wrapped. */
#include "alloc_kit.h"
#include "audit_kit.h"

static void every_allocation_of_a_new_audit_may_fail(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    size_t nth = 1;
    struct ts_audit *a;
    do {
        alloc_count(nth);
        a = ts_audit_new(&net->genesis);
        alloc_counted();
    } while (a == NULL && ++nth < 100);
    assert_non_null(a);
    assert_int_equal(nth, 5); /* four allocations */
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
        alloc_count(0);
        ts_audit_batch(k->audit, &k->chain, &b, NULL);
        all += alloc_counted();
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
        alloc_count(nth);
        ts_audit_put(&buf, k->audit);
        size_t asked = alloc_counted();
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
