/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters with one sentence for each way to get them wrong. */
#include "codec/json.h"
#include "net/jsonrpc_internal.h"

static const json_t *only_object(const json_t *params)
{
    const json_t *first = json_array_size(params) == 1 ? json_array_get(params, 0) : NULL;
    return json_is_object(first) ? first : NULL;
}

static const json_t *find(const struct ts_rpc_call *call, size_t index, const char *name)
{
    const json_t *params = call->params;
    if (json_is_object(params))
        return name ? json_object_get(params, name) : NULL;
    if (name && only_object(params))
        return json_object_get(only_object(params), name);
    return json_array_get(params, index);
}

const json_t *ts_rpc_param(const struct ts_rpc_call *call, size_t index, const char *name)
{
    const json_t *p = find(call, index, name);
    return json_is_null(p) ? NULL : p;
}

bool ts_rpc_has(const struct ts_rpc_call *call, size_t index, const char *name)
{
    return ts_rpc_param(call, index, name) != NULL;
}

/* Answers that the parameter must be what is said; always false. */
static bool must_be(struct ts_rpc_call *call, size_t index, const char *name, const char *what)
{
    bool named = name && (json_is_object(call->params) || only_object(call->params));
    const char *verb = ts_rpc_has(call, index, name) ? "must be" : "is missing; it must be";
    if (named)
        ts_rpc_fail(call, TS_RPC_INVALID_PARAMS, "parameter \"%s\" %s %s", name, verb, what);
    else
        ts_rpc_fail(call, TS_RPC_INVALID_PARAMS, "parameter %zu %s %s", index + 1, verb, what);
    return false;
}

static const char *text_of(const struct ts_rpc_call *call, size_t index, const char *name)
{
    const char *text = json_string_value(find(call, index, name));
    return text ? text : "";
}

bool ts_rpc_param_count(struct ts_rpc_call *call, size_t n)
{
    if (!json_is_array(call->params) || json_array_size(call->params) <= n)
        return true;
    ts_rpc_fail(call, TS_RPC_INVALID_PARAMS, "%zu parameters are given, at most %zu are taken",
                json_array_size(call->params), n);
    return false;
}

/* ---- their names ---- */

/* The next of names, *at behind it; 0: none is left. */
static size_t next_name(const char **at, const char **name)
{
    *name = *at + strspn(*at, " ");
    size_t n = strcspn(*name, " ");
    *at = *name + n;
    return n;
}

static size_t count_names(const char *names)
{
    const char *name;
    size_t count = 0;
    while (next_name(&names, &name) > 0)
        count++;
    return count;
}

static bool has_name(const char *names, const char *text)
{
    const char *name;
    size_t n;
    while ((n = next_name(&names, &name)) > 0)
        if (strlen(text) == n && memcmp(text, name, n) == 0)
            return true;
    return false;
}

/* The name of a member that is not among names, or NULL. */
static const char *find_unknown(const json_t *params, const char *names)
{
    json_t *object = (json_t *)(uintptr_t)params; /* iterating does not change it */
    for (void *it = json_object_iter(object); it != NULL; it = json_object_iter_next(object, it))
        if (!has_name(names, json_object_iter_key(it)))
            return json_object_iter_key(it);
    return NULL;
}

#define LIST_SIZE 160

static void list_names(const char *names, const char *quote, char out[LIST_SIZE])
{
    const char *name;
    size_t n, at = 0;
    out[0] = '\0';
    while ((n = next_name(&names, &name)) > 0 && at < LIST_SIZE)
        at += (size_t)snprintf(out + at, LIST_SIZE - at, "%s%s%.*s%s", at > 0 ? ", " : "", quote,
                               (int)n, name, quote);
}

bool ts_rpc_param_known(struct ts_rpc_call *call, const char *names)
{
    const json_t *object = json_is_object(call->params) ? call->params : only_object(call->params);
    char known[LIST_SIZE];
    size_t n = count_names(names);
    if (object == NULL)
        return ts_rpc_param_count(call, n);
    const char *unknown = find_unknown(object, names);
    if (unknown == NULL)
        return true;
    list_names(names, "\"", known);
    ts_rpc_fail(call, TS_RPC_INVALID_PARAMS, "there is no parameter \"%.40s\"; %s %s", unknown,
                n == 1 ? "there is" : "there are", n == 0 ? "none" : known);
    return false;
}

bool ts_rpc_param_by_position(struct ts_rpc_call *call, const char *names)
{
    char known[LIST_SIZE];
    if (!json_is_object(call->params) || json_object_size(call->params) == 0)
        return ts_rpc_param_count(call, count_names(names));
    list_names(names, "", known);
    ts_rpc_fail(call, TS_RPC_INVALID_PARAMS, "parameters are taken by position, as an array: [%s]",
                known);
    return false;
}

bool ts_rpc_param_hash(struct ts_rpc_call *call, size_t index, const char *name, ts_hash *out)
{
    if (ts_unhex(text_of(call, index, name), out->b, sizeof(out->b)) == TS_OK)
        return true;
    return must_be(call, index, name, "a 0x hash of 32 bytes");
}

bool ts_rpc_param_address(struct ts_rpc_call *call, size_t index, const char *name, ts_address *out)
{
    if (ts_unhex(text_of(call, index, name), out->b, sizeof(out->b)) == TS_OK)
        return true;
    return must_be(call, index, name, "a 0x address of 20 bytes");
}

bool ts_rpc_param_u64(struct ts_rpc_call *call, size_t index, const char *name, uint64_t *out)
{
    const json_t *p = ts_rpc_param(call, index, name);
    if (p && ts_json_read_u64(p, out) == TS_OK)
        return true;
    return must_be(call, index, name, "a number from 0 to 2^64 - 1, a decimal string or 0x hex");
}

/* "0x0", or 0x and up to 16 hex digits the first of which is not 0. */
static bool read_quantity(const char *text, uint64_t *out)
{
    size_t n = strlen(text);
    uint64_t v = 0;
    if (n < 3 || n > 18 || text[0] != '0' || text[1] != 'x' || (text[2] == '0' && n > 3))
        return false;
    for (const char *p = text + 2; *p != '\0'; p++) {
        unsigned d;
        if (*p >= '0' && *p <= '9')
            d = (unsigned)(*p - '0');
        else if (*p >= 'a' && *p <= 'f')
            d = (unsigned)(*p - 'a') + 10;
        else if (*p >= 'A' && *p <= 'F')
            d = (unsigned)(*p - 'A') + 10;
        else
            return false;
        v = v << 4 | d;
    }
    *out = v;
    return true;
}

bool ts_rpc_param_quantity(struct ts_rpc_call *call, size_t index, const char *name, uint64_t *out)
{
    if (read_quantity(text_of(call, index, name), out))
        return true;
    return must_be(call, index, name, "a 0x quantity of at most 8 bytes without leading zeros");
}

bool ts_rpc_param_u256(struct ts_rpc_call *call, size_t index, const char *name, ts_u256 *out)
{
    if (ts_u256_parse(text_of(call, index, name), out) == TS_OK)
        return true;
    return must_be(call, index, name, "a 0x or decimal string of at most 32 bytes");
}

bool ts_rpc_param_bool(struct ts_rpc_call *call, size_t index, const char *name, bool *out)
{
    const json_t *p = find(call, index, name);
    if (!json_is_boolean(p))
        return must_be(call, index, name, "true or false");
    *out = json_is_true(p);
    return true;
}

bool ts_rpc_param_string(struct ts_rpc_call *call, size_t index, const char *name, size_t max,
                         const char **out)
{
    const json_t *p = find(call, index, name);
    char what[64];
    if (json_is_string(p) && json_string_length(p) <= max) {
        *out = json_string_value(p);
        return true;
    }
    snprintf(what, sizeof(what), "a string of at most %zu bytes", max);
    return must_be(call, index, name, what);
}

bool ts_rpc_param_bytes(struct ts_rpc_call *call, size_t index, const char *name, size_t max,
                        struct ts_buf *out)
{
    const json_t *p = find(call, index, name);
    size_t digits = json_string_length(p);
    size_t n = digits > 2 ? (digits - 2) / 2 : 0;
    char what[64];
    snprintf(what, sizeof(what), "0x and hex digits of at most %zu bytes", max);
    if (!json_is_string(p) || n > max)
        return must_be(call, index, name, what);
    size_t before = out->n;
    uint8_t *room = ts_buf_extend(out, n);
    if (!room) {
        ts_rpc_fail(call, TS_RPC_INTERNAL, "%s", ts_err_text(out->err));
        return false;
    }
    size_t len;
    if (ts_unhex_any(json_string_value(p), room, n, &len) == TS_OK)
        return true;
    out->n = before;
    return must_be(call, index, name, what);
}

/* ---- blocks ---- */

static bool read_tag(const char *text, struct ts_block_ref *out)
{
    static const struct {
        const char *name;
        enum ts_block_kind kind;
    } tags[] = {
        {"latest", TS_BLOCK_LATEST},       {"pending", TS_BLOCK_PENDING},   {"safe", TS_BLOCK_SAFE},
        {"finalized", TS_BLOCK_FINALIZED}, {"earliest", TS_BLOCK_EARLIEST},
    };
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        if (strcmp(text, tags[i].name) == 0) {
            *out = (struct ts_block_ref){.kind = tags[i].kind};
            return true;
        }
    }
    return false;
}

static bool read_number_or_hash(const char *number, const char *hash, struct ts_block_ref *out)
{
    struct ts_block_ref ref = {.kind = TS_BLOCK_NUMBER};
    if (number && read_quantity(number, &ref.number)) {
        *out = ref;
        return true;
    }
    ref.kind = TS_BLOCK_HASH;
    if (hash && ts_unhex(hash, ref.hash.b, sizeof(ref.hash.b)) == TS_OK) {
        *out = ref;
        return true;
    }
    return false;
}

bool ts_rpc_param_block(struct ts_rpc_call *call, size_t index, const char *name,
                        struct ts_block_ref *out)
{
    const json_t *p = ts_rpc_param(call, index, name);
    if (!p && !json_is_object(call->params))
        p = ts_rpc_param(call, index, NULL); /* an object may be a block of its own */
    if (!p) {
        *out = (struct ts_block_ref){.kind = TS_BLOCK_LATEST};
        return true;
    }
    const char *text = json_string_value(p);
    if (text && (read_tag(text, out) || read_number_or_hash(text, text, out)))
        return true;
    const char *number = json_string_value(json_object_get(p, "blockNumber"));
    const char *hash = json_string_value(json_object_get(p, "blockHash"));
    if (!number != !hash && read_number_or_hash(number, hash, out))
        return true;
    return must_be(call, index, json_is_object(call->params) ? name : NULL,
                   "a block tag, a 0x number, a 0x hash of 32 bytes, or an object with one of "
                   "blockNumber and blockHash");
}
