/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/schema.h"

const char *ts_kind_name(enum ts_kind kind)
{
    switch (kind) {
    case TS_UINT8:
        return "uint8";
    case TS_UINT64:
        return "uint64";
    case TS_ADDRESS:
        return "address";
    case TS_BYTES32:
        return "bytes32";
    }
    return "?";
}

static void put_field(struct ts_buf *b, const struct ts_field *field, const void *value)
{
    const void *member = (const char *)value + field->offset;
    switch (field->kind) {
    case TS_UINT8:
        ts_put_u64(b, *(const uint8_t *)member);
        break;
    case TS_UINT64:
        ts_put_u64(b, *(const uint64_t *)member);
        break;
    case TS_ADDRESS:
        ts_put_address(b, member);
        break;
    case TS_BYTES32:
        ts_put_hash(b, member);
        break;
    }
}

static void read_field(struct ts_reader *r, const struct ts_field *field, void *value)
{
    void *member = (char *)value + field->offset;
    switch (field->kind) {
    case TS_UINT8:
        *(uint8_t *)member = (uint8_t)ts_read_uint(r, 1);
        break;
    case TS_UINT64:
        *(uint64_t *)member = ts_read_u64(r);
        break;
    case TS_ADDRESS:
        ts_read_address(r, member);
        break;
    case TS_BYTES32:
        ts_read_hash(r, member);
        break;
    }
}

void ts_schema_put_fields(struct ts_buf *b, const struct ts_type *type, const void *value)
{
    for (size_t i = 0; i < type->n_fields; i++)
        put_field(b, &type->fields[i], value);
}

void ts_schema_read_fields(struct ts_reader *r, const struct ts_type *type, void *value)
{
    for (size_t i = 0; i < type->n_fields; i++)
        read_field(r, &type->fields[i], value);
}

void ts_schema_put(struct ts_buf *b, const struct ts_type *type, const void *value)
{
    size_t mark = ts_put_list(b);
    ts_schema_put_fields(b, type, value);
    if (type->is_signed)
        ts_put_sig(b, (const ts_sig *)((const char *)value + type->sig_offset));
    ts_put_list_end(b, mark);
}

void ts_schema_read(struct ts_reader *r, const struct ts_type *type, void *value)
{
    ts_read_list(r);
    ts_schema_read_fields(r, type, value);
    if (type->is_signed)
        ts_read_sig(r, (ts_sig *)((char *)value + type->sig_offset));
    ts_read_list_end(r);
}

void ts_schema_type_string(struct ts_buf *b, const struct ts_type *type)
{
    ts_buf_printf(b, "%s(", type->name);
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct ts_field *field = &type->fields[i];
        ts_buf_printf(b, "%s%s %s", i > 0 ? "," : "", ts_kind_name(field->kind), field->name);
    }
    ts_buf_put_byte(b, ')');
}
