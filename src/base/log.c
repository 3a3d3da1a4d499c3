/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "base/log_render.h"

/* The one place of the tree with state of its own: a log call must work from anywhere in a
 * program, and is written only by ts_log_setup at start-up. */
static struct ts_log_line setup = {
    .level = TS_LOG_INFO, .format = TS_LOG_TEXT, .component = "tenseq"};

void ts_log_setup(const char *component, enum ts_log_level level, enum ts_log_format format)
{
    setup = (struct ts_log_line){.component = component, .level = level, .format = format};
}

static uint64_t now_ms(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A log that cannot be written has nowhere to say so. */
static void write_all(const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(STDERR_FILENO, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        p += done;
        n -= (size_t)done;
    }
}

static struct ts_log_line line_of(enum ts_log_level level, const char *event)
{
    struct ts_log_line line = setup;
    line.time_ms = now_ms();
    line.level = level;
    line.event = event;
    return line;
}

void ts_log(enum ts_log_level level, const char *event, const char *format, ...)
{
    char text[TS_LOG_LINE_MAX];
    if (level > setup.level)
        return;
    int saved = errno; /* callers log, then look at errno */
    struct ts_log_line line = line_of(level, event);
    va_list args;
    va_start(args, format);
    size_t n = ts_log_render(&line, format, args, text);
    va_end(args);
    write_all(text, n);
    errno = saved;
}

void ts_log_made(enum ts_log_level level, const char *event, const char *pairs)
{
    char text[TS_LOG_LINE_MAX];
    if (level > setup.level)
        return;
    int saved = errno;
    struct ts_log_line line = line_of(level, event);
    size_t n = ts_log_render_pairs(&line, pairs != NULL ? pairs : "", true, text);
    write_all(text, n);
    errno = saved;
}
