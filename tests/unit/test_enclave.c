/* SPDX-License-Identifier: Apache-2.0 */
/* The enclave core: life, permissions, and the ordinary way of a network. */
#include <string.h>

#include "enclave/lifecycle.h"
#include "enclave_kit.h"

static void three_enclaves_produce_and_report(void **state)
{
    (void)state;
    struct ek *k = ek_open(3, 3);
    for (size_t i = 0; i < 3; i++)
        ek_start(k, i);
    ek_promote(k, 0);
    ek_run(k, 0, 5);
    struct ts_batch last = ek_decode(k, ek_batch(k, 5));
    assert_int_equal(last.payload.n_reports, 3);
    assert_int_equal(last.payload.n_absent, 0);
    assert_int_equal(last.payload.n_transitions, 0);
    struct ts_batch first = ek_decode(k, ek_batch(k, 1));
    assert_int_equal(first.payload.n_transitions, 4);
    ek_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_enclaves_produce_and_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
