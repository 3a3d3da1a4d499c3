/* SPDX-License-Identifier: Apache-2.0 */
/* printf for log values: strings are escaped on their way in, because after formatting nobody can
 * tell a quote of the format from one that an attacker sent. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "base/check.h"
#include "base/log_render.h"

struct sink {
    char *out;
    size_t n;
    size_t size;
    bool in_quotes;
    bool cut;
};

/* All or nothing, so that a cut never leaves half an escape. */
static void put(struct sink *s, const char *p, size_t n)
{
    if (s->cut || n >= s->size - s->n) {
        s->cut = true;
        return;
    }
    memcpy(s->out + s->n, p, n);
    s->n += n;
}

static void put_escaped(struct sink *s, char c)
{
    char text[8];
    unsigned char byte = (unsigned char)c;
    if (c == '"' || c == '\\') {
        text[0] = '\\';
        text[1] = c;
        put(s, text, 2);
    } else if (byte < 0x20 || byte >= 0x7f || (c == ' ' && !s->in_quotes)) {
        snprintf(text, sizeof(text), "\\u%04x", byte);
        put(s, text, 6);
    } else {
        put(s, &c, 1);
    }
}

/* One conversion: "%", flags, width, precision, as few as there are. */
struct spec {
    char text[40]; /* without length and conversion, stars replaced by their numbers */
    size_t n;
    int precision; /* -1: none */
    int length;    /* 0, 1 for l, 2 for ll, 'z', 't', 'j' */
    char conversion;
};

static void spec_add(struct spec *spec, const char *p, size_t n)
{
    TS_CHECK(n < sizeof(spec->text) - spec->n - 4); /* room for "ll", the conversion and the NUL */
    memcpy(spec->text + spec->n, p, n);
    spec->n += n;
    spec->text[spec->n] = '\0';
}

static void spec_add_int(struct spec *spec, int v)
{
    char digits[16];
    int n = snprintf(digits, sizeof(digits), "%d", v);
    spec_add(spec, digits, (size_t)n);
}

/* Reads the length modifier. h and hh promote to int and are passed over. */
static const char *read_length(struct spec *spec, const char *f)
{
    for (; *f == 'h'; f++)
        ;
    for (; *f == 'l' && spec->length < 2; f++)
        spec->length++;
    if (*f == 'z' || *f == 't' || *f == 'j')
        spec->length = (unsigned char)*f++;
    return f;
}

/* What a value of the format's own kind formats to. The format is built here, from one that the
 * compiler has checked against its arguments. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void put_signed(struct sink *s, struct spec *spec, long long v)
{
    char text[128];
    const char tail[] = {'l', 'l', spec->conversion};
    spec_add(spec, tail, sizeof(tail));
    snprintf(text, sizeof(text), spec->text, v);
    put(s, text, strlen(text));
}

static void put_unsigned(struct sink *s, struct spec *spec, unsigned long long v)
{
    char text[128];
    const char tail[] = {'l', 'l', spec->conversion};
    spec_add(spec, tail, sizeof(tail));
    snprintf(text, sizeof(text), spec->text, v);
    put(s, text, strlen(text));
}

static void put_double(struct sink *s, struct spec *spec, double v)
{
    char text[128];
    spec_add(spec, &spec->conversion, 1);
    snprintf(text, sizeof(text), spec->text, v);
    put(s, text, strlen(text));
}
#pragma GCC diagnostic pop

static void put_string(struct sink *s, const struct spec *spec, const char *v)
{
    size_t max = spec->precision >= 0 ? (size_t)spec->precision : SIZE_MAX;
    if (v == NULL)
        v = "(null)";
    for (size_t i = 0; i < max && v[i] != '\0'; i++)
        put_escaped(s, v[i]);
}

/* In a struct, so that a pointer to it can be handed on (C11 7.16, note 253). */
struct args {
    va_list list;
};

static long long next_signed(const struct spec *spec, struct args *args)
{
    switch (spec->length) {
    case 0:
        return va_arg(args->list, int);
    case 1:
        return va_arg(args->list, long);
    case 2:
        return va_arg(args->list, long long);
    case 'z':
        return va_arg(args->list, ssize_t);
    case 't':
        return va_arg(args->list, ptrdiff_t);
    default:
        return va_arg(args->list, intmax_t);
    }
}

static unsigned long long next_unsigned(const struct spec *spec, struct args *args)
{
    switch (spec->length) {
    case 0:
        return va_arg(args->list, unsigned);
    case 1:
        return va_arg(args->list, unsigned long);
    case 2:
        return va_arg(args->list, unsigned long long);
    case 'z':
        return va_arg(args->list, size_t);
    case 't':
        return (unsigned long long)va_arg(args->list, ptrdiff_t);
    default:
        return va_arg(args->list, uintmax_t);
    }
}

static void put_value(struct sink *s, struct spec *spec, struct args *args)
{
    char c;
    switch (spec->conversion) {
    case 'd':
    case 'i':
        put_signed(s, spec, next_signed(spec, args));
        break;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        put_unsigned(s, spec, next_unsigned(spec, args));
        break;
    case 'e':
    case 'f':
    case 'g':
        put_double(s, spec, va_arg(args->list, double));
        break;
    case 'c':
        c = (char)va_arg(args->list, int);
        put_escaped(s, c);
        break;
    case 's':
        put_string(s, spec, va_arg(args->list, const char *));
        break;
    default:
        TS_CHECK(!"a conversion that the log knows");
    }
}

/* Reads one conversion behind its percent sign and puts its value; returns what follows it. */
static const char *put_conversion(struct sink *s, const char *f, struct args *args)
{
    struct spec spec = {.precision = -1};
    spec_add(&spec, "%", 1);
    for (; *f != '\0' && strchr("-+ #0.123456789*", *f) != NULL; f++) {
        if (*f == '.')
            spec.precision = 0;
        if (*f == '*') {
            int v = va_arg(args->list, int);
            spec_add_int(&spec, v);
            if (spec.precision >= 0)
                spec.precision = v;
            continue;
        }
        spec_add(&spec, f, 1);
        if (spec.precision >= 0 && *f != '.')
            spec.precision = spec.precision * 10 + (*f - '0');
    }
    f = read_length(&spec, f);
    spec.conversion = *f;
    put_value(s, &spec, args);
    return f + 1;
}

bool ts_log_pairs(const char *format, va_list args, char *out, size_t size)
{
    struct sink s = {.out = out, .size = size};
    struct args rest;
    va_copy(rest.list, args);
    const char *f = format != NULL ? format : "";
    while (*f != '\0') {
        if (*f == '%' && f[1] != '%') {
            f = put_conversion(&s, f + 1, &rest);
            continue;
        }
        if (*f == '%')
            f++;
        if (*f == '"')
            s.in_quotes = !s.in_quotes;
        if ((unsigned char)*f < 0x20)
            put_escaped(&s, *f);
        else
            put(&s, f, 1);
        f++;
    }
    va_end(rest.list);
    out[s.n] = '\0';
    return !s.cut;
}
