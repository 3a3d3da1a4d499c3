/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of the schema types, by jansson. uint64 are JSON numbers when they fit 2^53, else decimal
 * strings; addresses, hashes and signatures are 0x hex strings. */
#ifndef TS_CODEC_JSON_H
#define TS_CODEC_JSON_H

#include <jansson.h>

#include "codec/schema.h"

/* A new object with the fields by name and, when signed, "signature". NULL: out of memory. */
json_t *ts_schema_to_json(const struct ts_type *type, const void *value);
/* Reads the same; unknown or missing members are errors. TS_E_JSON: *value is unspecified and
 * *field names the member (static or borrowed from json), or the type when json is no object. */
ts_err ts_schema_from_json(const struct ts_type *type, const json_t *json, void *value,
                           const char **field);

json_t *ts_json_hash(const ts_hash *h);
json_t *ts_json_address(const ts_address *a);
json_t *ts_json_bytes(ts_bytes b);      /* 0x hex */
json_t *ts_json_quantity(uint64_t v);   /* 0x-quantity of Ethereum's JSON-RPC */
json_t *ts_json_u256(const ts_u256 *v); /* the same for amounts */
json_t *ts_json_u64(uint64_t v);        /* number, or decimal string above 2^53 */
/* 0x-quantity, decimal string or JSON integer. TS_E_JSON for anything else, TS_E_RANGE for a number
 * that does not fit: *out is unchanged. */
ts_err ts_json_read_u64(const json_t *json, uint64_t *out);

#endif
