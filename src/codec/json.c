/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_EXACT (UINT64_C(1) << 53) /* up to here every JSON reader holds integers exactly */

json_t *ts_json_hash(const ts_hash *h)
{
    char text[TS_HASH_HEX_SIZE];
    return json_string(ts_hex(h->b, sizeof(h->b), text));
}

json_t *ts_json_address(const ts_address *a)
{
    char text[TS_ADDRESS_HEX_SIZE];
    return json_string(ts_hex(a->b, sizeof(a->b), text));
}

json_t *ts_json_bytes(ts_bytes b)
{
    char *text = b.n <= (SIZE_MAX - 3) / 2 ? malloc(2 * b.n + 3) : NULL;
    if (text == NULL)
        return NULL;
    json_t *json = json_string(ts_hex(b.p, b.n, text));
    free(text);
    return json;
}

json_t *ts_json_u256(const ts_u256 *v)
{
    char text[67];
    return json_string(ts_u256_quantity(v, text));
}

json_t *ts_json_quantity(uint64_t v)
{
    ts_u256 wide = ts_u256_of(v);
    return ts_json_u256(&wide);
}

json_t *ts_json_u64(uint64_t v)
{
    char text[24];
    if (v <= MAX_EXACT)
        return json_integer((json_int_t)v);
    snprintf(text, sizeof(text), "%" PRIu64, v);
    return json_string(text);
}

ts_err ts_json_read_u64(const json_t *json, uint64_t *out)
{
    if (json_is_integer(json)) {
        json_int_t v = json_integer_value(json);
        if (v < 0)
            return TS_E_RANGE;
        *out = (uint64_t)v;
        return TS_OK;
    }
    ts_u256 wide;
    if (!json_is_string(json) || strlen(json_string_value(json)) != json_string_length(json))
        return TS_E_JSON;
    if (ts_u256_parse(json_string_value(json), &wide) != TS_OK)
        return TS_E_JSON;
    if ((wide.w[1] | wide.w[2] | wide.w[3]) != 0)
        return TS_E_RANGE;
    *out = wide.w[0];
    return TS_OK;
}
