/* SPDX-License-Identifier: Apache-2.0 */
/* What enclaves sign for the management contract: contracts/vectors/management.json, which
 * Foundry's cast made and the contract's own tests read too, against our digests and signers. */
#include "unit.h"

#include <string.h>

#include "chain/rollup.h"
#include "codec/eip712.h"
#include "codec/json.h"
#include "crypto/sign.h"
#include "tenseq/verify.h"

struct vectors {
    json_t *json;
    struct ts_domain domain;
    struct ts_crypto *crypto;
};

static int set_up(void **state)
{
    static struct vectors v;
    uint64_t chain_id;
    v.json = json_load_file(TS_VECTORS "/management.json", 0, NULL);
    assert_non_null(v.json);
    const json_t *d = json_object_get(v.json, "domain");
    ts_address contract = address_of(json_string_value(json_object_get(d, "verifyingContract")));
    ts_hash salt = hash_of(json_string_value(json_object_get(d, "salt")));
    assert_int_equal(ts_json_read_u64(json_object_get(d, "chainId"), &chain_id), TS_OK);
    ts_eip712_domain(chain_id, &contract, &salt, &v.domain);
    v.crypto = ts_crypto_new();
    assert_non_null(v.crypto);
    *state = &v;
    return 0;
}

static int tear_down(void **state)
{
    struct vectors *v = *state;
    ts_crypto_free(v->crypto);
    json_decref(v->json);
    return 0;
}

static void expect_hash(const json_t *json, const char *name, const ts_hash *got)
{
    ts_hash want = hash_of(json_string_value(json_object_get(json, name)));
    assert_memory_equal(want.b, got->b, sizeof(want.b));
}

static ts_sig sig_of(const json_t *json, const char *name)
{
    ts_sig sig;
    assert_int_equal(ts_unhex(json_string_value(json_object_get(json, name)), sig.b, sizeof(sig.b)),
                     TS_OK);
    return sig;
}

static void read_value(const struct ts_type *type, const json_t *json, void *out)
{
    const char *field;
    if (ts_schema_from_json(type, json, out, &field) != TS_OK)
        fail_msg("%s of %s", field, type->name);
}

static void the_separator(void **state)
{
    const struct vectors *v = *state;
    expect_hash(v->json, "separator", &v->domain.separator);
}

static void registrations(void **state)
{
    const struct vectors *v = *state;
    const json_t *list = json_object_get(v->json, "registrations");
    assert_int_equal(json_array_size(list), 2);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        struct ts_enclave_registration r = {
            .enclave_id = address_of(json_string_value(json_object_get(one, "enclaveId"))),
            .measurement = hash_of(json_string_value(json_object_get(one, "measurement"))),
        };
        ts_hash digest;
        ts_sig sig = sig_of(one, "signature");
        ts_eip712_digest(&v->domain, &ts_enclave_registration_type, &r, &digest);
        expect_hash(one, "digest", &digest);
        assert_int_equal(ts_verify_signer(v->crypto, &digest, &sig, &r.enclave_id), TS_OK);
    }
}

static void check_sealed(const struct vectors *v, const json_t *one)
{
    struct ts_batch_header header;
    struct ts_batch_seal seal = {
        .protocol_root = hash_of(json_string_value(json_object_get(one, "protocolRoot")))};
    ts_hash digest;
    ts_sig sig = sig_of(one, "seal");
    read_value(&ts_batch_header_type, json_object_get(one, "header"), &header);
    ts_header_hash(&v->domain, &header, &seal.batch_hash);
    expect_hash(one, "batchHash", &seal.batch_hash);
    ts_seal_digest(&v->domain, &seal, &digest);
    expect_hash(one, "sealDigest", &digest);
    assert_int_equal(ts_verify_signer(v->crypto, &digest, &sig, &header.producer), TS_OK);
}

static void equivocations(void **state)
{
    const struct vectors *v = *state;
    const json_t *list = json_object_get(v->json, "equivocations");
    assert_int_equal(json_array_size(list), 3);
    for (size_t i = 0; i < json_array_size(list); i++) {
        check_sealed(v, json_object_get(json_array_get(list, i), "a"));
        check_sealed(v, json_object_get(json_array_get(list, i), "b"));
    }
}

static void a_rollup(void **state)
{
    const struct vectors *v = *state;
    json_t *one = json_array_get(json_object_get(v->json, "rollups"), 0);
    json_t *value = json_deep_copy(json_object_get(one, "rollup"));
    struct ts_rollup r;
    ts_hash digest;
    ts_address signer;
    ts_address want =
        address_of(json_string_value(json_array_get(json_object_get(v->json, "enclaves"), 1)));
    json_object_set(value, "signature", json_object_get(one, "signature"));
    read_value(&ts_rollup_type, value, &r);
    json_decref(value);
    ts_rollup_hash(&v->domain, &r, &digest);
    expect_hash(one, "digest", &digest);
    assert_int_equal(ts_rollup_signer(v->crypto, &v->domain, &r, &signer), TS_OK);
    assert_true(ts_address_equal(&signer, &want));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_separator),
        cmocka_unit_test(registrations),
        cmocka_unit_test(equivocations),
        cmocka_unit_test(a_rollup),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
