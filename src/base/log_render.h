/* SPDX-License-Identifier: Apache-2.0 */
/* One log line as bytes, without any output: what log.c writes. */
#ifndef TS_BASE_LOG_RENDER_H
#define TS_BASE_LOG_RENDER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

#define TS_LOG_LINE_MAX 2048
/* Leaves room for the head, and in JSON for the extra quotes of names. */
#define TS_LOG_PAIRS_MAX 1536

struct ts_log_line {
    uint64_t time_ms; /* Unix */
    enum ts_log_level level;
    enum ts_log_format format;
    const char *component;
    const char *event;
};

/* Renders the line with its newline into out; returns how many bytes. A line that does not fit
 * loses its last pairs and says so with truncated=true; a JSON line stays valid JSON. */
size_t ts_log_render(const struct ts_log_line *line, const char *format, va_list args,
                     char out[TS_LOG_LINE_MAX]);

/* The second step alone, from pairs that ts_log_pairs made; whole: nothing was cut off from them.
 */
size_t ts_log_render_pairs(const struct ts_log_line *line, const char *pairs, _Bool whole,
                           char out[TS_LOG_LINE_MAX]);

/* The first step alone; no I/O, so that cores can make what their programs log: the pairs as text,
 * in which what came in by %s is escaped so that it ends neither its quotes nor the line: quotes,
 * backslashes, control and non-ASCII bytes, and outside quotes also spaces. Always ends in NUL;
 * false when something was cut off. */
_Bool ts_log_pairs(const char *format, va_list args, char *out, size_t size);

#endif
