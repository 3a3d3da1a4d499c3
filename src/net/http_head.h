/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a request or answer, gathered from http_parser's pieces: target, then name and value
 * of each header, each ended by NUL, names in lower case. Bounded. Not for use outside net. */
#ifndef TS_NET_HTTP_HEAD_H
#define TS_NET_HTTP_HEAD_H

#include "base/buf.h"

struct ts_http_head {
    struct ts_buf text;
    unsigned n_headers;
    unsigned max_headers;
    bool malformed; /* a control character was refused */
    char last;      /* what came last: 't'arget, 'n'ame or 'v'alue */
};

void ts_http_head_init(struct ts_http_head *h, size_t max_bytes, unsigned max_headers);
void ts_http_head_reset(struct ts_http_head *h);
void ts_http_head_free(struct ts_http_head *h);
/* A piece of each; false when the head is over a bound or holds control characters. */
bool ts_http_head_target(struct ts_http_head *h, const char *p, size_t n);
bool ts_http_head_name(struct ts_http_head *h, const char *p, size_t n);
bool ts_http_head_value(struct ts_http_head *h, const char *p, size_t n);
bool ts_http_head_end(struct ts_http_head *h);
/* After the end: the target, the first value of a header or NULL, how often a header comes. */
const char *ts_http_head_get_target(const struct ts_http_head *h);
const char *ts_http_head_get(const struct ts_http_head *h, const char *name);
unsigned ts_http_head_count(const struct ts_http_head *h, const char *name);

#endif
