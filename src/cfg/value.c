/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "cfg/internal.h"

struct unit {
    const char *name;
    uint64_t factor;
};

/* Smallest first. */
static const struct unit durations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0},
};
static const struct unit sizes[] = {
    {"B", 1}, {"", 1}, {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}, {NULL, 0},
};
static const struct unit plain[] = {{"", 1}, {NULL, 0}};

static const struct unit *units_of(enum ts_cfg_type type)
{
    return type == TS_CFG_MS ? durations : type == TS_CFG_SIZE ? sizes : plain;
}

static const char *shape_of(enum ts_cfg_type type)
{
    return type == TS_CFG_MS     ? "is not a duration such as 100ms, 1s or 5m"
           : type == TS_CFG_SIZE ? "is not a size such as 512, 64KiB or 16MiB"
                                 : "is not a whole number";
}

/* One code point of at most 21 bits; 0 when the bytes are not UTF-8. *n: bytes it takes. */
static uint32_t code_point(const unsigned char *p, size_t *n)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (len == 0 || p[0] > 0xf4)
        return 0;
    uint32_t c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) /* also the NUL at the end */
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    *n = len;
    return c < least[len] ? 0 : c;
}

/* The printable characters of YAML 1.1 without its line breaks, the tab and the byte-order mark. */
static bool is_printable(uint32_t c)
{
    if (c == 0x2028 || c == 0x2029 || c == 0xfeff)
        return false;
    return (c >= 0x20 && c <= 0x7e) || (c >= 0xa0 && c <= 0xd7ff) || (c >= 0xe000 && c <= 0xfffd) ||
           (c >= 0x10000 && c <= 0x10ffff);
}

bool cfg_is_line(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    while (*p != 0) {
        size_t n = 0;
        if (!is_printable(code_point(p, &n)))
            return false;
        p += n;
    }
    return true;
}

/* "2m" for 120000 of a duration: the largest unit that divides it. */
static void format_number(enum ts_cfg_type type, uint64_t v, char *out, size_t size)
{
    const struct unit *best = units_of(type);
    for (const struct unit *u = best; u->name != NULL; u++) {
        if (v != 0 && v % u->factor == 0 && u->name[0] != 0)
            best = u;
    }
    snprintf(out, size, "%llu%s", (unsigned long long)(v / best->factor), best->name);
}

static bool out_of_range(const char *side, enum ts_cfg_type type, uint64_t bound, char *why)
{
    char text[40];
    format_number(type, bound, text, sizeof(text));
    snprintf(why, CFG_WHY_SIZE, "is %s %s", side, text);
    return false;
}

static bool read_number(enum ts_cfg_type type, const char *text, uint64_t *out)
{
    uint64_t v = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
            return false;
    }
    if (p == text)
        return false;
    if (type == TS_CFG_MS && v == 0 && *p == 0) { /* nothing is nothing in any unit */
        *out = 0;
        return true;
    }
    for (const struct unit *u = units_of(type); u->name != NULL; u++) {
        if (strcmp(p, u->name) == 0)
            return !__builtin_mul_overflow(v, u->factor, out);
    }
    return false;
}

static bool parse_number(const struct ts_cfg_key *key, enum ts_cfg_type type, const char *text,
                         uint64_t *out, char *why)
{
    uint64_t v;
    if (!read_number(type, text, &v)) {
        snprintf(why, CFG_WHY_SIZE, "%s", shape_of(type));
        return false;
    }
    if (v < key->min)
        return out_of_range("below", type, key->min, why);
    if (key->max != 0 && v > key->max)
        return out_of_range("above", type, key->max, why);
    *out = v;
    return true;
}

/* No sign, no exponent, no inf: what people write for a rate or a chance. */
static bool parse_real(const char *text, double *out, char *why)
{
    size_t whole = strspn(text, "0123456789");
    size_t part = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
    bool has_part = text[whole] == '.';
    size_t used = whole + has_part + part;
    if (whole == 0 || text[used] != 0 || used > 40 || has_part != (part > 0)) {
        snprintf(why, CFG_WHY_SIZE, "is not a number such as 0.1, 2 or 0.001");
        return false;
    }
    *out = strtod(text, NULL); /* in the C locale, which no program here leaves */
    return true;
}

static bool parse_bool(const char *text, bool *out, char *why)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < TS_COUNT(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i % 2 == 1;
            return true;
        }
    }
    snprintf(why, CFG_WHY_SIZE, "is neither true nor false");
    return false;
}

static bool parse_choice(const struct ts_cfg_key *key, const char *text, int *out, char *why)
{
    bool is_only = key->choices[0] != NULL && key->choices[1] == NULL;
    size_t used = (size_t)snprintf(
        why, CFG_WHY_SIZE, is_only ? "is not supported; the only choice is" : "is not one of");
    for (int i = 0; key->choices[i] != NULL; i++) {
        if (strcmp(text, key->choices[i]) == 0) {
            *out = i;
            return true;
        }
        if (used < CFG_WHY_SIZE)
            used += (size_t)snprintf(why + used, CFG_WHY_SIZE - used, "%s %s", i == 0 ? "" : ",",
                                     key->choices[i]);
    }
    return false;
}

static bool parse_address(const char *text, ts_address *out, char *why)
{
    if (ts_unhex(text, out->b, sizeof(out->b)) == TS_OK)
        return true;
    snprintf(why, CFG_WHY_SIZE, "is not an address: 0x and 40 hexadecimal digits");
    return false;
}

static bool parse_text(enum ts_cfg_type type, const char *text, char *why)
{
    struct ts_endpoint endpoint;
    if (type == TS_CFG_PATH && text[0] == 0) {
        snprintf(why, CFG_WHY_SIZE, "is empty where a path is expected");
        return false;
    }
    if (type == TS_CFG_ENDPOINT && ts_endpoint_parse(text, &endpoint) != TS_OK) {
        snprintf(why, CFG_WHY_SIZE,
                 "is not an endpoint such as 127.0.0.1:9000, [::1]:9000 or unix:/run/x.sock");
        return false;
    }
    return true;
}

static bool parse_type(const struct ts_cfg_key *key, enum ts_cfg_type type, const char *text,
                       union cfg_parsed *out, char *why)
{
    switch (type) {
    case TS_CFG_U64:
    case TS_CFG_MS:
    case TS_CFG_SIZE:
        return parse_number(key, type, text, &out->u64, why);
    case TS_CFG_REAL:
        return parse_real(text, &out->real, why);
    case TS_CFG_BOOL:
        return parse_bool(text, &out->boolean, why);
    case TS_CFG_ENUM:
        return parse_choice(key, text, &out->choice, why);
    case TS_CFG_ADDRESS:
        return parse_address(text, &out->address, why);
    default:
        return parse_text(type, text, why);
    }
}

bool cfg_parse(const struct ts_cfg_key *key, enum ts_cfg_type type, const char *text,
               union cfg_parsed *out, char why[CFG_WHY_SIZE])
{
    if (!cfg_is_line(text)) {
        snprintf(why, CFG_WHY_SIZE, "is not one line of printable UTF-8 text");
        return false;
    }
    if (!parse_type(key, type, text, out, why))
        return false;
    const char *phrase = key->check == NULL ? NULL : key->check(text);
    if (phrase != NULL)
        snprintf(why, CFG_WHY_SIZE, "%s", phrase);
    return phrase == NULL;
}
