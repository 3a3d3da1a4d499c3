/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol payload as RLP: [transitions, reports, absent, notices]. */
#include "chain/batch.h"
#include "chain/lists.h"

void *ts_list_open(struct ts_reader *r, struct ts_arena *arena, size_t max, size_t size, size_t *n)
{
    *n = 0;
    ts_read_list(r);
    size_t count = ts_read_count(r);
    if (count > max || count > (arena->max - arena->used) / size)
        ts_reader_fail(r, TS_E_LIMIT);
    if (r->err != TS_OK)
        return NULL;
    void *items = ts_arena_array(arena, count, size);
    if (items == NULL) {
        ts_reader_fail(r, TS_E_NOMEM);
        return NULL;
    }
    *n = count;
    return items;
}

void ts_addresses_read(struct ts_reader *r, struct ts_arena *arena, size_t max, ts_address **out,
                       size_t *n)
{
    ts_address *a = ts_list_open(r, arena, max, sizeof(*a), n);
    for (size_t i = 0; i < *n; i++)
        ts_read_address(r, &a[i]);
    ts_read_list_end(r);
    if (r->err != TS_OK)
        *n = 0;
    *out = r->err == TS_OK ? a : NULL;
}

void ts_addresses_put(struct ts_buf *b, const ts_address *a, size_t n)
{
    size_t mark = ts_put_list(b);
    for (size_t i = 0; i < n; i++)
        ts_put_address(b, &a[i]);
    ts_put_list_end(b, mark);
}

bool ts_addresses_ascend(const ts_address *a, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (ts_address_compare(&a[i - 1], &a[i]) >= 0)
            return false;
    }
    return true;
}

void ts_transitions_put(struct ts_buf *b, const struct ts_lifecycle_event *e, size_t n)
{
    size_t mark = ts_put_list(b);
    for (size_t i = 0; i < n; i++)
        ts_schema_put(b, &ts_lifecycle_event_type, &e[i]);
    ts_put_list_end(b, mark);
}

void ts_transitions_read(struct ts_reader *r, struct ts_arena *arena, size_t max,
                         struct ts_lifecycle_event **out, size_t *n)
{
    struct ts_lifecycle_event *e = ts_list_open(r, arena, max, sizeof(*e), n);
    for (size_t i = 0; i < *n; i++)
        ts_schema_read(r, &ts_lifecycle_event_type, &e[i]);
    ts_read_list_end(r);
    if (r->err != TS_OK)
        *n = 0;
    *out = r->err == TS_OK ? e : NULL;
}

void ts_reports_put(struct ts_buf *b, const struct ts_restart_event *e, size_t n)
{
    size_t mark = ts_put_list(b);
    for (size_t i = 0; i < n; i++)
        ts_schema_put(b, &ts_restart_event_type, &e[i]);
    ts_put_list_end(b, mark);
}

void ts_reports_read(struct ts_reader *r, struct ts_arena *arena, size_t max,
                     struct ts_restart_event **out, size_t *n)
{
    struct ts_restart_event *e = ts_list_open(r, arena, max, sizeof(*e), n);
    for (size_t i = 0; i < *n; i++)
        ts_schema_read(r, &ts_restart_event_type, &e[i]);
    ts_read_list_end(r);
    if (r->err != TS_OK)
        *n = 0;
    *out = r->err == TS_OK ? e : NULL;
}

static void notices_put(struct ts_buf *b, const struct ts_notice *notices, size_t n)
{
    size_t mark = ts_put_list(b);
    for (size_t i = 0; i < n; i++) {
        size_t inner = ts_put_list(b);
        ts_put_u64(b, notices[i].type);
        ts_put_bytes(b, notices[i].body);
        ts_put_list_end(b, inner);
    }
    ts_put_list_end(b, mark);
}

static void notices_read(struct ts_reader *r, struct ts_arena *arena, struct ts_payload *out)
{
    size_t room = TS_MAX_NOTICES_BYTES;
    struct ts_notice *notices =
        ts_list_open(r, arena, TS_MAX_NOTICES, sizeof(*notices), &out->n_notices);
    for (size_t i = 0; i < out->n_notices; i++) {
        ts_read_list(r);
        notices[i].type = ts_read_u64(r);
        notices[i].body = ts_read_bytes(r, room < TS_MAX_NOTICE_BYTES ? room : TS_MAX_NOTICE_BYTES);
        ts_read_list_end(r);
        room -= notices[i].body.n;
    }
    ts_read_list_end(r);
    out->notices = notices;
}

void ts_payload_put(struct ts_buf *b, const struct ts_payload *payload)
{
    size_t mark = ts_put_list(b);
    ts_transitions_put(b, payload->transitions, payload->n_transitions);
    ts_reports_put(b, payload->reports, payload->n_reports);
    ts_addresses_put(b, payload->absent, payload->n_absent);
    notices_put(b, payload->notices, payload->n_notices);
    ts_put_list_end(b, mark);
}

void ts_payload_read(struct ts_reader *r, struct ts_arena *arena, struct ts_payload *out)
{
    ts_read_list(r);
    ts_transitions_read(r, arena, TS_MAX_TRANSITIONS, &out->transitions, &out->n_transitions);
    ts_reports_read(r, arena, TS_MAX_WHITELIST, &out->reports, &out->n_reports);
    ts_addresses_read(r, arena, TS_MAX_WHITELIST, &out->absent, &out->n_absent);
    notices_read(r, arena, out);
    ts_read_list_end(r);
    if (r->err != TS_OK)
        *out = (struct ts_payload){0};
}
