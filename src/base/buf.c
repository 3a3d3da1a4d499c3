/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define FIRST_CAP 64u

void ts_buf_init(struct ts_buf *b, size_t max)
{
    *b = (struct ts_buf){.max = max != 0 ? max : SIZE_MAX / 2, .err = TS_OK};
    TS_CHECK(b->max <= SIZE_MAX / 2);
}

void ts_buf_free(struct ts_buf *b)
{
    free(b->p);
    *b = (struct ts_buf){.max = b->max, .err = TS_OK};
}

void ts_buf_reset(struct ts_buf *b)
{
    b->n = 0;
    b->err = TS_OK;
}

/* Makes room for n more bytes, within the bound, and for one spare byte that cap does not count.
 * n and max are at most SIZE_MAX / 2. */
static bool grow(struct ts_buf *b, size_t n)
{
    size_t cap = b->cap < FIRST_CAP ? FIRST_CAP : b->cap;
    while (cap < b->n + n)
        cap *= 2;
    if (cap > b->max)
        cap = b->max;
    uint8_t *p = realloc(b->p, cap + 1);
    if (p == NULL) {
        b->err = TS_E_NOMEM;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

uint8_t *ts_buf_extend(struct ts_buf *b, size_t n)
{
    TS_CHECK(b->n <= b->max);
    if (b->err != TS_OK)
        return NULL;
    if (n > b->max - b->n) {
        b->err = TS_E_LIMIT;
        return NULL;
    }
    /* The first call allocates even for n = 0, so that NULL always means failed. */
    if ((b->p == NULL || n > b->cap - b->n) && !grow(b, n))
        return NULL;
    uint8_t *at = b->p + b->n;
    b->n += n;
    return at;
}

void ts_buf_put(struct ts_buf *b, const void *p, size_t n)
{
    uint8_t *at = ts_buf_extend(b, n);
    if (at != NULL && n > 0)
        memcpy(at, p, n);
}

void ts_buf_put_byte(struct ts_buf *b, uint8_t byte)
{
    uint8_t *at = ts_buf_extend(b, 1);
    if (at != NULL)
        *at = byte;
}

void ts_buf_printf(struct ts_buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    TS_CHECK(n >= 0);
    uint8_t *at = ts_buf_extend(b, (size_t)n);
    if (at == NULL)
        return;
    va_start(args, format);
    vsnprintf((char *)at, (size_t)n + 1, format, args); /* its NUL goes into the spare byte */
    va_end(args);
}

ts_bytes ts_buf_bytes(const struct ts_buf *b)
{
    return ts_bytes_of(b->p, b->n);
}
