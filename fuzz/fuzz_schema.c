/* SPDX-License-Identifier: Apache-2.0 */
/* Each type of the field tables: bytes → value → the same bytes, and value → JSON → the same value.
 */
#include <string.h>

#include "base/check.h"
#include "codec/json.h"
#include "tenseq/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

union any_value {
    struct ts_batch_header header;
    struct ts_batch_seal seal;
    struct ts_lifecycle_event lifecycle;
    struct ts_restart_event restart;
    struct ts_rollup rollup;
    struct ts_enclave_registration registration;
};

/* Values are compared as their RLP, which leaves padding out. */
static void expect_encoding(const struct ts_type *type, const union any_value *value, ts_bytes want)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_schema_put(&b, type, value);
    TS_CHECK(b.err == TS_OK && ts_bytes_equal(ts_buf_bytes(&b), want));
    ts_buf_free(&b);
}

static void one(const struct ts_type *type, ts_bytes in)
{
    union any_value value;
    union any_value back;
    const char *field;
    struct ts_reader r = ts_reader_of(in);
    memset(&back, 0, sizeof(back));
    ts_schema_read(&r, type, &value);
    if (ts_reader_done(&r) != TS_OK)
        return;
    expect_encoding(type, &value, in);
    json_t *json = ts_schema_to_json(type, &value);
    TS_CHECK(json != NULL && ts_schema_from_json(type, json, &back, &field) == TS_OK);
    expect_encoding(type, &back, in);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ts_bytes in = ts_bytes_of(data, size);
    one(&ts_batch_header_type, in);
    one(&ts_batch_seal_type, in);
    one(&ts_lifecycle_event_type, in);
    one(&ts_restart_event_type, in);
    one(&ts_rollup_type, in);
    one(&ts_enclave_registration_type, in);
    return 0;
}
