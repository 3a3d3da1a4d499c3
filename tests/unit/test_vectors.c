/* SPDX-License-Identifier: Apache-2.0 */
/* Our bytes against those of Foundry's cast (tests/vectors/make.py). */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "chain/genesis_json.h"
#include "codec/eip712.h"
#include "codec/json.h"
#include "crypto/sign.h"

/* The list of vectors in a file; *root is to be released. */
static json_t *load(const char *file, json_t **root)
{
    char path[4096];
    json_error_t error;
    snprintf(path, sizeof(path), "%s/%s", TS_VECTORS, file);
    *root = json_load_file(path, 0, &error);
    if (*root == NULL)
        fail_msg("%s line %d: %s", path, error.line, error.text);
    json_t *vectors = json_object_get(*root, "vectors");
    assert_true(json_array_size(vectors) > 0);
    return vectors;
}

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    if (text == NULL)
        fail_msg("the vector has no %s", name);
    return text;
}

static void expect_hex(const char *want, const void *p, size_t n)
{
    char *got = malloc(2 * n + 3);
    assert_non_null(got);
    assert_string_equal(ts_hex(p, n, got), want);
    free(got);
}

/* Fresh memory; the caller frees. */
static ts_bytes bytes_of_hex(const char *hex)
{
    size_t n = strlen(hex) / 2;
    uint8_t *p = malloc(n + 1);
    assert_non_null(p);
    assert_int_equal(ts_unhex_any(hex, p, n, &n), TS_OK);
    return ts_bytes_of(p, n);
}

static void free_bytes(ts_bytes b)
{
    free((void *)(uintptr_t)b.p);
}

static const struct ts_type *type_named(const char *name)
{
    static const struct ts_type *const types[] = {
        &ts_batch_header_type,  &ts_batch_seal_type, &ts_lifecycle_event_type,
        &ts_restart_event_type, &ts_rollup_type,     &ts_enclave_registration_type};
    for (size_t i = 0; i < TS_COUNT(types); i++) {
        if (strcmp(types[i]->name, name) == 0)
            return types[i];
    }
    fail_msg("no type %s", name);
    return NULL;
}

union any_value {
    struct ts_batch_header header;
    struct ts_batch_seal seal;
    struct ts_lifecycle_event lifecycle;
    struct ts_restart_event restart;
    struct ts_rollup rollup;
    struct ts_enclave_registration registration;
};

static void check_type_hash(const struct ts_type *type, const json_t *vector)
{
    struct ts_type plain = *type;
    ts_hash hash;
    ts_hash want = hash_of(text_of(vector, "typeHash"));
    plain.type_hash = NULL;
    ts_eip712_type_hash(&plain, &hash);
    assert_true(ts_hash_equal(&hash, &want));
    assert_true(ts_hash_equal(type->type_hash, &want)); /* the one in the table */
}

static void domain_of(const json_t *vector, struct ts_domain *out)
{
    const json_t *json = json_object_get(vector, "domain");
    ts_address contract = address_of(text_of(json, "verifyingContract"));
    ts_hash salt = hash_of(text_of(json, "salt"));
    uint64_t chain_id;
    assert_int_equal(ts_json_read_u64(json_object_get(json, "chainId"), &chain_id), TS_OK);
    ts_eip712_domain(chain_id, &contract, &salt, out);
    expect_hex(text_of(vector, "separator"), out->separator.b, 32);
}

static void check_rlp(const struct ts_type *type, const void *value, const char *want)
{
    union any_value back;
    struct ts_buf b;
    memset(&back, 0, sizeof(back));
    ts_buf_init(&b, 0);
    ts_schema_put(&b, type, value);
    assert_int_equal(b.err, TS_OK);
    expect_hex(want, b.p, b.n);
    struct ts_reader r = ts_reader_of(ts_buf_bytes(&b));
    ts_schema_read(&r, type, &back);
    assert_int_equal(ts_reader_done(&r), TS_OK);
    assert_memory_equal(&back, value, type->size);
    ts_buf_free(&b);
}

static void check_signature(const struct ts_crypto *c, const json_t *vector, const ts_hash *digest)
{
    ts_secret key;
    ts_sig sig;
    ts_address got;
    ts_address want = address_of(text_of(vector, "address"));
    assert_int_equal(ts_unhex(text_of(vector, "key"), key.b, sizeof(key.b)), TS_OK);
    assert_int_equal(ts_sign(c, &key, digest, &sig), TS_OK);
    expect_hex(text_of(vector, "signature"), sig.b, sizeof(sig.b));
    assert_int_equal(ts_recover(c, digest, &sig, &got), TS_OK);
    assert_true(ts_address_equal(&got, &want));
    assert_int_equal(ts_address_of_key(c, &key, &got), TS_OK);
    assert_true(ts_address_equal(&got, &want));
}

/* The functions of the public header give the same digests as the tables. */
static void check_public(const char *name, const struct ts_domain *d, const union any_value *v,
                         const ts_hash *want)
{
    ts_hash got = *want;
    if (strcmp(name, "BatchHeader") == 0)
        ts_header_hash(d, &v->header, &got);
    else if (strcmp(name, "BatchSeal") == 0)
        ts_seal_digest(d, &v->seal, &got);
    else if (strcmp(name, "LifecycleEvent") == 0)
        ts_transition_hash(d, &v->lifecycle, &got);
    else if (strcmp(name, "RestartEvent") == 0)
        ts_report_hash(d, &v->restart, &got);
    assert_true(ts_hash_equal(&got, want));
}

static void check_eip712(const struct ts_crypto *c, const json_t *vector)
{
    const struct ts_type *type = type_named(text_of(vector, "type"));
    union any_value value;
    struct ts_domain domain;
    ts_hash digest;
    const char *field;
    memset(&value, 0, sizeof(value)); /* padding too, for the comparison */
    check_type_hash(type, vector);
    if (ts_schema_from_json(type, json_object_get(vector, "value"), &value, &field) != TS_OK)
        fail_msg("%s of %s", field, type->name);
    domain_of(vector, &domain);
    ts_eip712_digest(&domain, type, &value, &digest);
    expect_hex(text_of(vector, "digest"), digest.b, sizeof(digest.b));
    check_public(type->name, &domain, &value, &digest);
    check_signature(c, vector, &digest);
    check_rlp(type, &value, text_of(vector, "rlp"));
    json_t *json = ts_schema_to_json(type, &value);
    assert_true(json_equal(json, json_object_get(vector, "value")));
    json_decref(json);
}

static void eip712(void **state)
{
    (void)state;
    json_t *root;
    json_t *vectors = load("eip712.json", &root);
    struct ts_crypto *c = ts_crypto_new();
    assert_non_null(c);
    for (size_t i = 0; i < json_array_size(vectors); i++)
        check_eip712(c, json_array_get(vectors, i));
    ts_crypto_free(c);
    json_decref(root);
}

static void put_structure(struct ts_buf *b, const json_t *json)
{
    if (json_is_string(json)) {
        ts_bytes bytes = bytes_of_hex(json_string_value(json));
        ts_put_bytes(b, bytes);
        free_bytes(bytes);
        return;
    }
    size_t mark = ts_put_list(b);
    for (size_t i = 0; i < json_array_size(json); i++)
        put_structure(b, json_array_get(json, i));
    ts_put_list_end(b, mark);
}

static void expect_structure(struct ts_reader *r, const json_t *json)
{
    if (json_is_string(json)) {
        ts_bytes bytes = ts_read_bytes(r, SIZE_MAX);
        expect_hex(json_string_value(json), bytes.p, bytes.n);
        return;
    }
    ts_read_list(r);
    assert_int_equal(ts_read_count(r), json_array_size(json));
    for (size_t i = 0; i < json_array_size(json); i++)
        expect_structure(r, json_array_get(json, i));
    ts_read_list_end(r);
}

static void rlp(void **state)
{
    (void)state;
    json_t *root;
    json_t *vectors = load("rlp.json", &root);
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *value = json_object_get(json_array_get(vectors, i), "value");
        const char *want = text_of(json_array_get(vectors, i), "rlp");
        struct ts_buf b;
        ts_buf_init(&b, 0);
        put_structure(&b, value);
        assert_int_equal(b.err, TS_OK);
        expect_hex(want, b.p, b.n);
        struct ts_reader r = ts_reader_of(ts_buf_bytes(&b));
        expect_structure(&r, value);
        assert_int_equal(ts_reader_done(&r), TS_OK);
        ts_buf_free(&b);
    }
    json_decref(root);
}

static void expect_genesis(const struct ts_genesis *g, const json_t *vector)
{
    uint8_t *raw;
    size_t n;
    expect_hex(text_of(vector, "hash"), g->hash.b, sizeof(g->hash.b));
    expect_hex(text_of(vector, "separator"), g->domain.separator.b, sizeof(g->domain.separator.b));
    assert_int_equal(ts_genesis_encode(g, &raw, &n), TS_OK);
    expect_hex(text_of(vector, "rlp"), raw, n);
    free(raw);
}

static void genesis(void **state)
{
    (void)state;
    json_t *root;
    json_t *vectors = load("genesis.json", &root);
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);
        char why[200] = "";
        struct ts_genesis g;
        char *text = json_dumps(json_object_get(vector, "json"), 0);
        ts_bytes raw = bytes_of_hex(text_of(vector, "rlp"));
        if (ts_genesis_from_json(text, strlen(text), &g, why, sizeof(why)) != TS_OK)
            fail_msg("%s", why);
        expect_genesis(&g, vector);
        ts_genesis_free(&g);
        assert_int_equal(ts_genesis_decode(raw, &g), TS_OK);
        expect_genesis(&g, vector);
        ts_genesis_free(&g);
        free(text);
        free_bytes(raw);
    }
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eip712),
        cmocka_unit_test(rlp),
        cmocka_unit_test(genesis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
