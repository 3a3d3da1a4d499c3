/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of the schema types. */
#include <string.h>

#include "codec/json.h"

static const char signature_name[] = "signature";

static json_t *field_to_json(const struct ts_field *field, const void *value)
{
    const void *member = (const char *)value + field->offset;
    switch (field->kind) {
    case TS_UINT8:
        return json_integer(*(const uint8_t *)member);
    case TS_UINT64:
        return ts_json_u64(*(const uint64_t *)member);
    case TS_ADDRESS:
        return ts_json_address(member);
    case TS_BYTES32:
        return ts_json_hash(member);
    }
    return NULL;
}

json_t *ts_schema_to_json(const struct ts_type *type, const void *value)
{
    json_t *json = json_object();
    bool ok = json != NULL;
    for (size_t i = 0; ok && i < type->n_fields; i++)
        ok = json_object_set_new(json, type->fields[i].name,
                                 field_to_json(&type->fields[i], value)) == 0;
    if (ok && type->is_signed) {
        const ts_sig *sig = (const ts_sig *)((const char *)value + type->sig_offset);
        ok = json_object_set_new(json, signature_name,
                                 ts_json_bytes(ts_bytes_of(sig->b, sizeof(sig->b)))) == 0;
    }
    if (ok)
        return json;
    json_decref(json);
    return NULL;
}

/* A 0x string of exactly n bytes. */
static ts_err read_bytes(const json_t *json, void *out, size_t n)
{
    const char *text = json_string_value(json);
    if (text == NULL || strlen(text) != json_string_length(json))
        return TS_E_JSON;
    return ts_unhex(text, out, n) == TS_OK ? TS_OK : TS_E_JSON;
}

static ts_err read_field(const struct ts_field *field, const json_t *json, void *value)
{
    void *member = (char *)value + field->offset;
    uint64_t number;
    switch (field->kind) {
    case TS_UINT8:
        if (ts_json_read_u64(json, &number) != TS_OK || number > UINT8_MAX)
            return TS_E_JSON;
        *(uint8_t *)member = (uint8_t)number;
        return TS_OK;
    case TS_UINT64:
        if (ts_json_read_u64(json, &number) != TS_OK)
            return TS_E_JSON;
        *(uint64_t *)member = number;
        return TS_OK;
    case TS_ADDRESS:
        return read_bytes(json, member, sizeof(ts_address));
    case TS_BYTES32:
        return read_bytes(json, member, sizeof(ts_hash));
    }
    return TS_E_JSON;
}

static bool is_member(const struct ts_type *type, const char *name)
{
    for (size_t i = 0; i < type->n_fields; i++) {
        if (strcmp(type->fields[i].name, name) == 0)
            return true;
    }
    return type->is_signed && strcmp(name, signature_name) == 0;
}

/* The name of a member that the type does not have, or NULL. */
static const char *find_unknown(const struct ts_type *type, const json_t *json)
{
    json_t *object = (json_t *)(uintptr_t)json; /* iterating does not change it */
    for (void *it = json_object_iter(object); it != NULL; it = json_object_iter_next(object, it)) {
        if (!is_member(type, json_object_iter_key(it)))
            return json_object_iter_key(it);
    }
    return NULL;
}

ts_err ts_schema_from_json(const struct ts_type *type, const json_t *json, void *value,
                           const char **field)
{
    *field = type->name;
    if (!json_is_object(json))
        return TS_E_JSON;
    const char *unknown = find_unknown(type, json);
    if (unknown != NULL) {
        *field = unknown;
        return TS_E_JSON;
    }
    for (size_t i = 0; i < type->n_fields; i++) {
        *field = type->fields[i].name;
        if (read_field(&type->fields[i], json_object_get(json, *field), value) != TS_OK)
            return TS_E_JSON;
    }
    if (!type->is_signed)
        return TS_OK;
    *field = signature_name;
    return read_bytes(json_object_get(json, signature_name), (char *)value + type->sig_offset,
                      sizeof(ts_sig));
}
