/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_render.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIME_SIZE 40

static const char *const level_names[] = {"error", "warn", "info", "debug"};

struct out {
    char *p;
    size_t n;
    size_t size;
};

/* All or nothing. */
static bool put(struct out *o, const char *p, size_t n)
{
    if (n > o->size - o->n)
        return false;
    memcpy(o->p + o->n, p, n);
    o->n += n;
    return true;
}

static bool put_text(struct out *o, const char *text)
{
    return put(o, text, strlen(text));
}

/* RFC 3339 in UTC with milliseconds. */
static void format_time(uint64_t ms, char out[TIME_SIZE])
{
    struct tm tm = {0};
    time_t seconds = (time_t)(ms / 1000);
    gmtime_r(&seconds, &tm);
    size_t n = strftime(out, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, TIME_SIZE - n, ".%03uZ", (unsigned)(ms % 1000));
}

/* One pair of the pairs text: name, value without its quotes, where the next pair begins. */
struct pair {
    const char *name;
    size_t name_n;
    const char *value;
    size_t value_n;
    bool quoted;
    bool whole; /* false: cut off inside quotes */
    const char *next;
};

static struct pair parse_pair(const char *p)
{
    struct pair pair = {.name = p, .whole = true};
    pair.name_n = strcspn(p, "= ");
    p += pair.name_n;
    if (*p == '=')
        p++;
    pair.quoted = *p == '"';
    if (pair.quoted)
        p++;
    pair.value = p;
    if (pair.quoted) {
        while (*p != '\0' && *p != '"')
            p += *p == '\\' && p[1] != '\0' ? 2 : 1;
        pair.whole = *p == '"';
    } else {
        p += strcspn(p, " ");
    }
    pair.value_n = (size_t)(p - pair.value);
    p += pair.quoted && pair.whole ? 1 : 0;
    pair.next = p + strspn(p, " ");
    return pair;
}

/* Whether a value can stand in JSON without quotes and mean the same: a plain integer that every
 * reader holds exactly, true, or false. */
static bool is_bare(const struct pair *pair)
{
    const char *v = pair->value;
    size_t n = pair->value_n;
    if (pair->quoted)
        return false;
    if ((n == 4 && memcmp(v, "true", 4) == 0) || (n == 5 && memcmp(v, "false", 5) == 0))
        return true;
    size_t digits = strspn(v, "0123456789");
    return n > 0 && n <= 15 && digits >= n && (n == 1 || v[0] != '0');
}

static bool put_json_pair(struct out *o, const struct pair *pair)
{
    size_t before = o->n;
    const char *quote = is_bare(pair) ? "" : "\"";
    if (put_text(o, ",\"") && put(o, pair->name, pair->name_n) && put_text(o, "\":") &&
        put_text(o, quote) && put(o, pair->value, pair->value_n) && put_text(o, quote))
        return true;
    o->n = before;
    return false;
}

static void put_json(struct out *o, const struct ts_log_line *line, const char *time,
                     const char *pairs, bool whole)
{
    put_text(o, "{\"time\":\"");
    put_text(o, time);
    put_text(o, "\",\"level\":\"");
    put_text(o, level_names[line->level]);
    put_text(o, "\",\"component\":\"");
    put_text(o, line->component);
    put_text(o, "\",\"event\":\"");
    put_text(o, line->event);
    put_text(o, "\"");
    o->size -= sizeof(",\"truncated\":true}\n") - 1;
    for (const char *p = pairs; *p != '\0';) {
        struct pair pair = parse_pair(p);
        whole = put_json_pair(o, &pair) && whole;
        p = pair.next;
    }
    o->size += sizeof(",\"truncated\":true}\n") - 1;
    put_text(o, whole ? "}\n" : ",\"truncated\":true}\n");
}

static void put_plain(struct out *o, const struct ts_log_line *line, const char *time,
                      const char *pairs, bool whole)
{
    put_text(o, time);
    put_text(o, " ");
    put_text(o, level_names[line->level]);
    put_text(o, line->level == TS_LOG_WARN || line->level == TS_LOG_INFO ? "  " : " ");
    put_text(o, line->component);
    put_text(o, " ");
    put_text(o, line->event);
    if (*pairs != '\0')
        put_text(o, " ");
    put_text(o, pairs);
    put_text(o, whole ? "\n" : " truncated=true\n");
}

size_t ts_log_render_pairs(const struct ts_log_line *line, const char *pairs, bool whole,
                           char out[TS_LOG_LINE_MAX])
{
    char time[TIME_SIZE];
    struct out o = {.p = out, .size = TS_LOG_LINE_MAX};
    format_time(line->time_ms, time);
    if (line->format == TS_LOG_JSON)
        put_json(&o, line, time, pairs, whole);
    else
        put_plain(&o, line, time, pairs, whole);
    return o.n;
}

size_t ts_log_render(const struct ts_log_line *line, const char *format, va_list args,
                     char out[TS_LOG_LINE_MAX])
{
    char pairs[TS_LOG_PAIRS_MAX];
    bool whole = ts_log_pairs(format, args, pairs, sizeof(pairs));
    return ts_log_render_pairs(line, pairs, whole, out);
}
