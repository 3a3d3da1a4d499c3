/* SPDX-License-Identifier: Apache-2.0 */
/* Structured logging for programs: one line an event on stderr. Cores and libraries never log. */
#ifndef TS_BASE_LOG_H
#define TS_BASE_LOG_H

enum ts_log_level { TS_LOG_ERROR, TS_LOG_WARN, TS_LOG_INFO, TS_LOG_DEBUG };
enum ts_log_format { TS_LOG_TEXT, TS_LOG_JSON };

/* Set once at start-up, before threads. component, such as "host", is borrowed for ever. */
void ts_log_setup(const char *component, enum ts_log_level level, enum ts_log_format format);

/* One line: time, level, component, event, then key=value pairs given as a format such as
 * "number=%llu hash=%s". Values hold no newline after formatting: control characters are escaped,
 * and values with spaces must be quoted in the format ("reason=\"%s\""). What comes in by %s is
 * escaped so that it cannot end its quotes or make a pair of its own. NULL format: no pairs. At
 * most 2 KiB; what does not fit is cut off, and truncated=true says so. Conversions: d i u x X o c
 * s e f g, with flags, width, precision. */
void ts_log(enum ts_log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with pairs that a core has made already, by ts_log_pairs (base/log_render.h). At most
 * TS_LOG_PAIRS_MAX bytes. NULL: no pairs. */
void ts_log_made(enum ts_log_level level, const char *event, const char *pairs);

#endif
