/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <sys/un.h>

#include "cfg/internal.h"

static bool read_port(const char *text, uint16_t *out)
{
    uint32_t v = 0;
    size_t n = strlen(text);
    if (n == 0 || n > 5)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        v = v * 10 + (uint32_t)(text[i] - '0');
    }
    *out = (uint16_t)v;
    return v <= UINT16_MAX;
}

static bool is_name(const char *host)
{
    for (const char *p = host; *p != 0; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
        if (!letter && !(*p >= '0' && *p <= '9') && *p != '.' && *p != '-' && *p != '_')
            return false;
    }
    return host[0] != 0 && host[0] != '-';
}

/* The host, already without brackets. */
static bool check_host(struct ts_endpoint *e, bool bracketed)
{
    struct in6_addr v6;
    struct in_addr v4;
    if (bracketed) {
        if (inet_pton(AF_INET6, e->host, &v6) != 1)
            return false;
        e->is_loopback = memcmp(&v6, &in6addr_loopback, sizeof(v6)) == 0;
        return true;
    }
    if (inet_pton(AF_INET, e->host, &v4) == 1)
        e->is_loopback = ntohl(v4.s_addr) >> 24 == 127;
    else
        e->is_loopback = strcmp(e->host, "localhost") == 0;
    return is_name(e->host);
}

static bool parse_unix(const char *path, struct ts_endpoint *e)
{
    struct sockaddr_un address;
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof(address.sun_path) || n >= sizeof(e->host))
        return false;
    memcpy(e->host, path, n + 1);
    e->is_unix = e->is_loopback = true;
    return true;
}

static bool parse_tcp(const char *text, struct ts_endpoint *e)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || !read_port(colon + 1, &e->port))
        return false;
    bool bracketed = text[0] == '[';
    if (bracketed && (colon == text + 1 || colon[-1] != ']'))
        return false;
    size_t n = (size_t)(colon - text) - (bracketed ? 2 : 0);
    if (n >= sizeof(e->host))
        return false;
    memcpy(e->host, text + (bracketed ? 1 : 0), n);
    e->host[n] = 0;
    return check_host(e, bracketed);
}

ts_err ts_endpoint_parse(const char *text, struct ts_endpoint *out)
{
    struct ts_endpoint e;
    memset(&e, 0, sizeof(e));
    bool good = strncmp(text, "unix:", 5) == 0 ? parse_unix(text + 5, &e) : parse_tcp(text, &e);
    if (!good)
        return TS_E_USAGE;
    *out = e;
    return TS_OK;
}
