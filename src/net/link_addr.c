/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdarg.h>

#include "net/link.h"

static ts_err refuse(char *why, size_t why_size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static ts_err refuse(char *why, size_t why_size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, why_size, format, args);
    va_end(args);
    return TS_E_USAGE;
}

static ts_err parse_unix(const char *text, struct ts_link_addr *a, char *why, size_t why_size)
{
    const char *path = text + strlen("unix:");
    size_t n = strlen(path);
    if (n == 0)
        return refuse(why, why_size, "%s: the path of the socket is missing", text);
    if (n >= sizeof(a->path))
        return refuse(why, why_size, "%s: the path has %zu bytes, a Unix socket takes at most %zu",
                      text, n, sizeof(a->path) - 1);
    a->is_unix = true;
    memcpy(a->path, path, n + 1);
    return TS_OK;
}

static bool parse_port(const char *text, uint16_t *out)
{
    unsigned long v = 0;
    size_t n = strlen(text);
    if (n == 0 || n > 5)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        v = v * 10 + (unsigned long)(text[i] - '0');
    }
    if (v > UINT16_MAX)
        return false;
    *out = (uint16_t)v;
    return true;
}

/* Reads a numeric address; *loopback says whether only this machine has it. */
static bool parse_host(const char *host, uint16_t port, struct sockaddr_storage *out,
                       bool *loopback)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memset(out, 0, sizeof(*out));
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (uv_ip4_addr(host, port, &v4) == 0) {
        *loopback = (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
        memcpy(out, &v4, sizeof(v4));
        return true;
    }
    if (uv_ip6_addr(host, port, &v6) == 0) {
        *loopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
        memcpy(out, &v6, sizeof(v6));
        return true;
    }
    return false;
}

static ts_err parse_tcp(const char *text, struct ts_link_addr *a, char *why, size_t why_size)
{
    char host[64];
    const char *start = text + strlen("tcp:");
    const char *colon = strrchr(start, ':');
    uint16_t port = 0;
    bool loopback = false;
    if (!colon || !parse_port(colon + 1, &port))
        return refuse(why, why_size, "%s: a port from 0 to 65535 must follow the address", text);
    size_t n = (size_t)(colon - start);
    if (n >= 2 && start[0] == '[' && start[n - 1] == ']') {
        start++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof(host))
        return refuse(why, why_size, "%s: the address must be 127.0.0.1, [::1] or localhost", text);
    memcpy(host, start, n);
    host[n] = '\0';
    if (!parse_host(host, port, &a->tcp, &loopback))
        return refuse(why, why_size, "%s: the address must be 127.0.0.1, [::1] or localhost", text);
    if (!loopback)
        return refuse(why, why_size,
                      "%s: only loopback addresses are allowed: links are not authenticated or "
                      "encrypted yet",
                      text);
    return TS_OK;
}

ts_err ts_link_addr_parse(const char *text, struct ts_link_addr *out, char *why, size_t why_size)
{
    struct ts_link_addr a = {0};
    ts_err err;
    if (strlen(text) >= sizeof(a.text))
        return refuse(why, why_size, "the link address has %zu characters, at most %zu are allowed",
                      strlen(text), sizeof(a.text) - 1);
    if (strncmp(text, "unix:", 5) == 0)
        err = parse_unix(text, &a, why, why_size);
    else if (strncmp(text, "tcp:", 4) == 0)
        err = parse_tcp(text, &a, why, why_size);
    else
        err = refuse(why, why_size, "%s: a link address is unix:PATH or tcp:ADDR:PORT", text);
    if (err != TS_OK)
        return err;
    memcpy(a.text, text, strlen(text) + 1);
    *out = a;
    return TS_OK;
}
