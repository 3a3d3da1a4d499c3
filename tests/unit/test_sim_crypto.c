/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's signatures: sizes and refusals of the real ones. */
#include "unit.h"

#include <string.h>

#include "crypto/sign.h"
#include "sim/crypto_fast.h"
#include "testnet.h"

static ts_secret secret_of(uint8_t n)
{
    return (ts_secret){{n, 0, 1, 2, n}};
}

static void sign_recover_and_address_agree(void **state)
{
    const struct ts_crypto *c = sim_crypto_fast();
    (void)state;
    for (uint8_t n = 1; n < 200; n++) {
        ts_secret key = secret_of(n);
        ts_hash digest = {{n, 7}};
        ts_address id, by;
        ts_sig sig, again;
        assert_int_equal(ts_address_of_key(c, &key, &id), TS_OK);
        assert_int_equal(ts_sign(c, &key, &digest, &sig), TS_OK);
        assert_int_equal(ts_sign(c, &key, &digest, &again), TS_OK);
        assert_memory_equal(&sig, &again, sizeof(sig));
        assert_int_equal(ts_recover(c, &digest, &sig, &by), TS_OK);
        assert_true(ts_address_equal(&id, &by));
        assert_in_range(sig.b[64], 27, 28);
        assert_in_range(sig.b[0], 1, 0x7f); /* r and s: above zero, low */
        assert_in_range(sig.b[32], 1, 0x7e);
    }
}

static void keys_have_their_own_addresses(void **state)
{
    const struct ts_crypto *c = sim_crypto_fast();
    ts_secret a = secret_of(1);
    ts_secret b = secret_of(2);
    ts_secret zero = {{0}};
    ts_address id_a, id_b;
    ts_hash digest = {{1}};
    ts_sig sig;
    (void)state;
    assert_int_equal(ts_address_of_key(c, &a, &id_a), TS_OK);
    assert_int_equal(ts_address_of_key(c, &b, &id_b), TS_OK);
    assert_false(ts_address_equal(&id_a, &id_b));
    assert_int_equal(ts_address_of_key(c, &zero, &id_a), TS_E_KEY);
    assert_int_equal(ts_sign(c, &zero, &digest, &sig), TS_E_KEY);
}

static void no_changed_bit_passes(void **state)
{
    const struct ts_crypto *c = sim_crypto_fast();
    ts_secret key = secret_of(3);
    ts_hash digest = {{5}};
    ts_address by;
    ts_sig good;
    (void)state;
    assert_int_equal(ts_sign(c, &key, &digest, &good), TS_OK);
    for (size_t bit = 0; bit < 8 * sizeof(good.b); bit++) {
        ts_sig bad = good;
        bad.b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(ts_recover(c, &digest, &bad, &by), TS_E_SIGNATURE);
    }
    for (size_t bit = 0; bit < 8 * sizeof(digest.b); bit++) {
        ts_hash other = digest;
        other.b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(ts_recover(c, &other, &good, &by), TS_E_SIGNATURE);
    }
}

/* A whole network runs on it. */
static void a_network_runs_on_it(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = 3, .crypto = sim_crypto_fast()});
    tn_start(net);
    tn_run(net, 20);
    struct tn_draft *d = tn_draft(net, 0);
    d->sealer = 1;
    assert_int_equal(tn_check(net, d), TS_E_V2_PRODUCER);
    tn_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sign_recover_and_address_agree),
        cmocka_unit_test(keys_have_their_own_addresses),
        cmocka_unit_test(no_changed_bit_passes),
        cmocka_unit_test(a_network_runs_on_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
