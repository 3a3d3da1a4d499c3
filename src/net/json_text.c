/* SPDX-License-Identifier: Apache-2.0 */
#include "net/json_text.h"

/* The length of the UTF-8 sequence at p, 0 when it is none. */
static size_t sequence(const unsigned char *p)
{
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) /* a NUL ends it here */
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

static size_t plain_run(const unsigned char *p)
{
    size_t n = 0;
    while (p[n] >= 0x20 && p[n] < 0x7f && p[n] != '"' && p[n] != '\\')
        n++;
    return n;
}

void ts_rpc_put_string(struct ts_buf *b, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    ts_buf_put_byte(b, '"');
    while (*p != '\0') {
        size_t n = plain_run(p);
        if (n > 0) {
            ts_buf_put(b, p, n);
        } else if (*p == '"' || *p == '\\') {
            const uint8_t escaped[] = {'\\', *p};
            ts_buf_put(b, escaped, 2);
            n = 1;
        } else if (*p < 0x20 || *p == 0x7f) {
            ts_buf_printf(b, "\\u%04x", *p);
            n = 1;
        } else if ((n = sequence(p)) > 0) {
            ts_buf_put(b, p, n);
        } else {
            ts_buf_put_byte(b, '?');
            n = 1;
        }
        p += n;
    }
    ts_buf_put_byte(b, '"');
}

static int put(const char *p, size_t n, void *ctx)
{
    struct ts_buf *b = ctx;
    ts_buf_put(b, p, n);
    return b->err == TS_OK ? 0 : -1;
}

void ts_rpc_put_json(struct ts_buf *b, const json_t *json)
{
    /* 15 digits are what a double holds of a decimal number: more is noise. */
    const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
    if (json_dump_callback(json, put, b, flags) != 0 && b->err == TS_OK)
        b->err = TS_E_NOMEM;
}
