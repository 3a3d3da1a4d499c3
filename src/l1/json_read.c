/* SPDX-License-Identifier: Apache-2.0 */
#include "l1/json_read.h"

#include <stdarg.h>

bool ts_l1_reads(const struct ts_l1_reading *r)
{
    return r->out->err == TS_OK;
}

void ts_l1_nonsense(struct ts_l1_reading *r, const char *format, ...)
{
    char rest[TS_L1_MAX_TEXT];
    char text[TS_L1_MAX_TEXT];
    va_list args;
    if (!ts_l1_reads(r))
        return;
    va_start(args, format);
    vsnprintf(rest, sizeof(rest), format, args);
    va_end(args);
    snprintf(text, sizeof(text), "the L1 node's answer to %s: %.200s",
             ts_l1_method_name(r->call->method), rest);
    ts_l1_fail_answer(r->call, TS_E_L1_NONSENSE, text, r->arena, r->out);
}

/* The text behind "0x", or NULL. */
static const char *hex_digits(struct ts_l1_reading *r, const json_t *json, const char *name,
                              size_t *n)
{
    const char *text = json_string_value(json);
    *n = json_string_length(json);
    if (!ts_l1_reads(r))
        return NULL;
    if (!text || *n < 2 || strlen(text) != *n || text[0] != '0' || text[1] != 'x') {
        ts_l1_nonsense(r, "%s is %s", name, json ? "no 0x string" : "missing");
        return NULL;
    }
    *n -= 2;
    return text + 2;
}

ts_u256 ts_l1_take_u256(struct ts_l1_reading *r, const json_t *json, const char *name)
{
    size_t n;
    ts_u256 v = ts_u256_of(0);
    const char *digits = hex_digits(r, json, name, &n);
    if (!digits)
        return v;
    if (n == 0 || n > 64 || ts_u256_parse(digits - 2, &v) != TS_OK)
        ts_l1_nonsense(r, "%s is no number", name);
    return v;
}

uint64_t ts_l1_take_u64(struct ts_l1_reading *r, const json_t *json, const char *name)
{
    const ts_u256 v = ts_l1_take_u256(r, json, name);
    if ((v.w[1] | v.w[2] | v.w[3]) == 0)
        return v.w[0];
    ts_l1_nonsense(r, "%s is larger than 64 bits", name);
    return 0;
}

void ts_l1_take_fixed(struct ts_l1_reading *r, const json_t *json, const char *name, void *out,
                      size_t n)
{
    size_t digits;
    const char *text = hex_digits(r, json, name, &digits);
    if (text && digits == 2 * n && ts_unhex(text - 2, out, n) == TS_OK)
        return;
    memset(out, 0, n);
    if (text)
        ts_l1_nonsense(r, "%s is no hex of %zu bytes", name, n);
}

ts_bytes ts_l1_take_bytes(struct ts_l1_reading *r, const json_t *json, const char *name, size_t max)
{
    size_t n;
    size_t len;
    const char *text = hex_digits(r, json, name, &n);
    if (!text)
        return ts_bytes_of(NULL, 0);
    if (n > 2 * max) {
        ts_l1_nonsense(r, "%s is longer than %zu bytes", name, max);
        return ts_bytes_of(NULL, 0);
    }
    uint8_t *p = ts_arena_alloc(r->arena, n / 2);
    if (!p) {
        ts_l1_fail_answer(r->call, TS_E_NOMEM, "out of memory", r->arena, r->out);
        return ts_bytes_of(NULL, 0);
    }
    if (ts_unhex_any(text - 2, p, n / 2, &len) != TS_OK) {
        ts_l1_nonsense(r, "%s is no hex", name);
        return ts_bytes_of(NULL, 0);
    }
    return ts_bytes_of(p, len);
}

uint64_t ts_l1_get_u64(struct ts_l1_reading *r, const json_t *object, const char *name)
{
    return ts_l1_take_u64(r, json_object_get(object, name), name);
}

void ts_l1_get_hash(struct ts_l1_reading *r, const json_t *object, const char *name, ts_hash *out)
{
    ts_l1_take_fixed(r, json_object_get(object, name), name, out->b, sizeof(out->b));
}

void ts_l1_get_address(struct ts_l1_reading *r, const json_t *object, const char *name,
                       ts_address *out)
{
    ts_l1_take_fixed(r, json_object_get(object, name), name, out->b, sizeof(out->b));
}

ts_bytes ts_l1_get_bytes(struct ts_l1_reading *r, const json_t *object, const char *name,
                         size_t max)
{
    return ts_l1_take_bytes(r, json_object_get(object, name), name, max);
}

bool ts_l1_has(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);
    return member && !json_is_null(member);
}
