/* SPDX-License-Identifier: Apache-2.0 */
/* The call object of eth_call and eth_estimateGas. Members that change nothing here, such as prices
 * and limits, are passed over, as other nodes do. */
#include <string.h>

#include "rpc/internal.h"

static bool bad(struct ts_rpc_call *call, const char *member, const char *what)
{
    ts_rpc_fail(call, TS_RPC_INVALID_PARAMS, "parameter 1: %s must be %s", member, what);
    return false;
}

/* 0x hex of exactly n bytes. */
static bool read_fixed(const json_t *v, void *out, size_t n)
{
    return json_is_string(v) && ts_unhex(json_string_value(v), out, n) == TS_OK;
}

static bool absent(const json_t *v)
{
    return v == NULL || json_is_null(v);
}

static bool put_to(struct ts_rpc_call *call, const json_t *v, struct ts_buf *out)
{
    ts_address to;
    if (absent(v)) {
        ts_put_bytes(out, TS_API_NO_BYTES);
        return true;
    }
    if (!read_fixed(v, to.b, sizeof(to.b)))
        return bad(call, "to", "a 0x address of 20 bytes");
    ts_put_address(out, &to);
    return true;
}

static bool put_value(struct ts_rpc_call *call, const json_t *v, struct ts_buf *out)
{
    ts_u256 value = ts_u256_of(0);
    const char *text = json_string_value(v);
    if (!absent(v) &&
        (text == NULL || strncmp(text, "0x", 2) != 0 || ts_u256_parse(text, &value) != TS_OK))
        return bad(call, "value", "a 0x-quantity");
    ts_put_u256(out, &value);
    return true;
}

static bool put_data(struct ts_rpc_call *call, const json_t *object, struct ts_buf *out)
{
    const json_t *input = json_object_get(object, "input");
    const json_t *data = json_object_get(object, "data");
    if (!absent(input) && !absent(data) && !json_equal(input, data))
        return bad(call, "data", "the same as input, when both are given");
    const json_t *v = absent(input) ? data : input;
    if (absent(v)) {
        ts_put_bytes(out, TS_API_NO_BYTES);
        return true;
    }
    /* Decoded at the end of out, then moved behind its header. */
    size_t max = json_string_length(v) / 2;
    struct ts_buf bytes;
    size_t n = 0;
    ts_buf_init(&bytes, 0);
    uint8_t *p = ts_buf_extend(&bytes, max);
    bool ok =
        p != NULL && json_is_string(v) && ts_unhex_any(json_string_value(v), p, max, &n) == TS_OK;
    if (ok)
        ts_put_bytes(out, ts_bytes_of(p, n));
    ts_buf_free(&bytes);
    return ok || bad(call, "data", "0x and an even number of hex digits");
}

static bool put_access_entry(const json_t *entry, struct ts_buf *out)
{
    ts_address address;
    const json_t *keys = json_object_get(entry, "storageKeys");
    if (!read_fixed(json_object_get(entry, "address"), address.b, sizeof(address.b)) ||
        !json_is_array(keys))
        return false;
    size_t mark = ts_put_list(out);
    ts_put_address(out, &address);
    size_t keys_mark = ts_put_list(out);
    size_t i;
    const json_t *key;
    json_array_foreach(keys, i, key)
    {
        ts_hash slot;
        if (!read_fixed(key, slot.b, sizeof(slot.b)))
            return false;
        ts_put_hash(out, &slot);
    }
    ts_put_list_end(out, keys_mark);
    ts_put_list_end(out, mark);
    return true;
}

static bool put_access_list(struct ts_rpc_call *call, const json_t *v, struct ts_buf *out)
{
    static const char what[] = "an array of {address, storageKeys}";
    size_t mark = ts_put_list(out);
    if (!absent(v) && !json_is_array(v))
        return bad(call, "accessList", what);
    size_t i;
    const json_t *entry;
    json_array_foreach(v, i, entry)
    {
        if (!put_access_entry(entry, out))
            return bad(call, "accessList", what);
    }
    ts_put_list_end(out, mark);
    return true;
}

bool ts_call_param(struct ts_rpc_call *call, size_t index, struct ts_buf *out)
{
    const json_t *object = ts_rpc_param(call, index, NULL);
    if (!json_is_object(object)) {
        ts_rpc_fail(call, TS_RPC_INVALID_PARAMS, "parameter %zu must be a call object", index + 1);
        return false;
    }
    ts_address from = {{0}};
    const json_t *v = json_object_get(object, "from");
    if (!absent(v) && !read_fixed(v, from.b, sizeof(from.b)))
        return bad(call, "from", "a 0x address of 20 bytes");
    size_t mark = ts_put_list(out);
    ts_put_address(out, &from);
    if (!put_to(call, json_object_get(object, "to"), out) ||
        !put_value(call, json_object_get(object, "value"), out) || !put_data(call, object, out) ||
        !put_access_list(call, json_object_get(object, "accessList"), out))
        return false;
    ts_put_list_end(out, mark);
    return true;
}
