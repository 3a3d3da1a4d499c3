/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_head.h"

void ts_http_head_init(struct ts_http_head *h, size_t max_bytes, unsigned max_headers)
{
    *h = (struct ts_http_head){.max_headers = max_headers, .last = 't'};
    ts_buf_init(&h->text, max_bytes);
}

void ts_http_head_reset(struct ts_http_head *h)
{
    ts_buf_reset(&h->text);
    h->n_headers = 0;
    h->last = 't';
    h->malformed = false;
}

void ts_http_head_free(struct ts_http_head *h)
{
    ts_buf_free(&h->text);
}

/* http_parser lets a control character through as the first of a value. None may come here: NUL is
 * what separates the parts. */
static bool is_text(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char ch = (unsigned char)p[i];
        if ((ch < 0x20 && ch != '\t') || ch == 0x7f)
            return false;
    }
    return true;
}

static bool put_text(struct ts_http_head *h, const char *p, size_t n)
{
    if (!is_text(p, n)) {
        h->malformed = true;
        return false;
    }
    ts_buf_put(&h->text, p, n);
    return h->text.err == TS_OK;
}

static bool put_end(struct ts_http_head *h)
{
    ts_buf_put_byte(&h->text, 0);
    return h->text.err == TS_OK;
}

bool ts_http_head_target(struct ts_http_head *h, const char *p, size_t n)
{
    return put_text(h, p, n);
}

static char lower(char ch)
{
    return ch >= 'A' && ch <= 'Z' ? (char)(ch - 'A' + 'a') : ch;
}

bool ts_http_head_name(struct ts_http_head *h, const char *p, size_t n)
{
    if (h->last != 'n') {
        h->last = 'n';
        if (!put_end(h) || ++h->n_headers > h->max_headers)
            return false;
    }
    size_t start = h->text.n;
    if (!put_text(h, p, n))
        return false;
    for (size_t i = start; i < h->text.n; i++)
        h->text.p[i] = (uint8_t)lower((char)h->text.p[i]);
    return true;
}

bool ts_http_head_value(struct ts_http_head *h, const char *p, size_t n)
{
    if (h->last != 'v' && !put_end(h))
        return false;
    h->last = 'v';
    return put_text(h, p, n);
}

bool ts_http_head_end(struct ts_http_head *h)
{
    if (h->last == 'n' && !put_end(h))
        return false;
    return put_end(h);
}

const char *ts_http_head_get_target(const struct ts_http_head *h)
{
    return (const char *)h->text.p;
}

/* The name of the next header at or after at, or NULL; names and values alternate. */
static const char *next_name(const struct ts_http_head *h, const char *at)
{
    return at < (const char *)h->text.p + h->text.n ? at : NULL;
}

static const char *behind(const char *text)
{
    return text + strlen(text) + 1;
}

const char *ts_http_head_get(const struct ts_http_head *h, const char *name)
{
    const char *at = next_name(h, behind(ts_http_head_get_target(h)));
    while (at && strcmp(at, name) != 0)
        at = next_name(h, behind(behind(at)));
    return at ? behind(at) : NULL;
}

unsigned ts_http_head_count(const struct ts_http_head *h, const char *name)
{
    unsigned count = 0;
    const char *at = next_name(h, behind(ts_http_head_get_target(h)));
    for (; at; at = next_name(h, behind(behind(at))))
        count += strcmp(at, name) == 0;
    return count;
}
