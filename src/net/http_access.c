/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_access.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <strings.h>
#include <uv.h>

#define BEARER "bearer "

static bool is_loopback(const char *name)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    const char *suffix = ".localhost";
    size_t n = strlen(name);
    if (strcasecmp(name, "localhost") == 0)
        return true;
    if (n > strlen(suffix) && strcasecmp(name + n - strlen(suffix), suffix) == 0)
        return true;
    if (uv_ip4_addr(name, 0, &v4) == 0)
        return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
    return uv_ip6_addr(name, 0, &v6) == 0 && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

/* The name of "name:port", "[v6]:port" or either without port; false when it is none of these. */
static bool host_name(const char *host, char *out, size_t size)
{
    const char *start = host;
    const char *end = strchr(host, ':');
    if (host[0] == '[') {
        start++;
        end = strchr(host, ']');
        if (!end || (end[1] != '\0' && end[1] != ':'))
            return false;
    } else if (!end) {
        end = host + strlen(host);
    }
    size_t n = (size_t)(end - start);
    if (n == 0 || n >= size)
        return false;
    memcpy(out, start, n);
    out[n] = '\0';
    return true;
}

bool ts_access_host(const char *host, const char *listen_address, char *const *allowed,
                    size_t n_allowed)
{
    char name[256];
    for (size_t i = 0; i < n_allowed; i++)
        if (strcmp(allowed[i], "*") == 0)
            return true;
    if (!host_name(host, name, sizeof(name)))
        return false;
    for (size_t i = 0; i < n_allowed; i++)
        if (strcasecmp(allowed[i], name) == 0)
            return true;
    return strcasecmp(name, listen_address) == 0 || is_loopback(name);
}

bool ts_access_origin(const char *origin, const char *host, char *const *allowed, size_t n_allowed)
{
    const char *http = "http://";
    if (strncasecmp(origin, http, strlen(http)) == 0 &&
        strcasecmp(origin + strlen(http), host) == 0)
        return true;
    for (size_t i = 0; i < n_allowed; i++)
        if (strcmp(allowed[i], "*") == 0 || strcasecmp(allowed[i], origin) == 0)
            return true;
    return false;
}

bool ts_access_is_bearer(const char *authorization)
{
    return strncasecmp(authorization, BEARER, strlen(BEARER)) == 0;
}

bool ts_access_bearer(const char *authorization, const char *token)
{
    if (!ts_access_is_bearer(authorization))
        return false;
    const char *given = authorization + strlen(BEARER);
    size_t n_given = strlen(given);
    size_t n = strlen(token);
    volatile uint8_t diff = n_given != n || n == 0;
    for (size_t i = 0; i < n_given; i++)
        diff = (uint8_t)(diff | (given[i] ^ token[n > 0 ? i % n : 0]));
    return diff == 0;
}

bool ts_access_has_token(const char *value, const char *token)
{
    size_t n = strlen(token);
    while (*value != '\0') {
        value += strspn(value, ", \t");
        size_t k = strcspn(value, ", \t");
        if (k == n && strncasecmp(value, token, n) == 0)
            return true;
        value += k;
    }
    return false;
}
