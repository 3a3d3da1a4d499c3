/* SPDX-License-Identifier: Apache-2.0 */
#include "node/shell_page.h"

#include <stdio.h>
#include <string.h>

/* Everything from here and nothing from elsewhere; no text ever becomes a script. Browsers that do
 * not take 'self' for a WebSocket's origin know it by its Host header. */
#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src "        \
    "'self'%s%s%s%s; "                                                                             \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for "      \
    "'script'; "                                                                                   \
    "trusted-types 'none'"
#define MAX_HOST 128

static const struct ts_page_file *find(const char *path)
{
    for (size_t i = 0; i < ts_page_n_files; i++) {
        if (strcmp(ts_page_files[i].path, path) == 0)
            return &ts_page_files[i];
    }
    return NULL;
}

/* Whether a comma-separated list holds the word, with or without a weight other than 0. */
static bool takes(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; p != NULL && *p != '\0'; p = strchr(p, ',')) {
        p += strspn(p, ", \t");
        if (strncasecmp(p, word, n) == 0 && strchr(",; \t", p[n]) != NULL) {
            const char *end = p + strcspn(p, ",");
            const char *q = strstr(p, "q=0");
            return q == NULL || q > end || q[3] == '.';
        }
    }
    return false;
}

static bool has_it(const struct ts_http_request *req, const char *etag)
{
    const char *known = ts_http_header(req, "if-none-match");
    return known != NULL && strstr(known, etag) != NULL;
}

/* Nothing but what a name and a port are made of. */
static bool is_plain(const char *host)
{
    return host != NULL && strlen(host) < MAX_HOST &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") ==
               strlen(host);
}

static void set_headers(struct ts_http_request *req, const char *etag)
{
    char policy[sizeof(POLICY) + 2 * MAX_HOST + 32];
    const char *host = ts_http_header(req, "host");
    bool plain = is_plain(host);
    (void)snprintf(policy, sizeof(policy), POLICY, plain ? " ws://" : "", plain ? host : "",
                   plain ? " wss://" : "", plain ? host : "");
    ts_http_set_header(req, "ETag", etag);
    ts_http_set_header(req, "Cache-Control", "no-cache");
    ts_http_set_header(req, "Vary", "Accept-Encoding");
    ts_http_set_header(req, "Content-Security-Policy", policy);
    ts_http_set_header(req, "Referrer-Policy", "no-referrer");
    ts_http_set_header(req, "Cross-Origin-Opener-Policy", "same-origin");
    ts_http_set_header(req, "Cross-Origin-Resource-Policy", "same-origin");
}

bool ts_page_answer(struct ts_http_request *req, const char *path)
{
    char etag[40];
    const struct ts_page_file *f = find(path);
    if (f == NULL)
        return false;
    const char *accepts = ts_http_header(req, "accept-encoding");
    bool packed = accepts != NULL && f->packed.n < f->raw.n && takes(accepts, "gzip");
    (void)snprintf(etag, sizeof(etag), "\"%s%s\"", f->tag, packed ? "-gz" : "");
    bool known = has_it(req, etag);
    set_headers(req, etag);
    if (known) {
        ts_http_reply(req, 304, NULL, (ts_bytes){0});
        return true;
    }
    if (packed)
        ts_http_set_header(req, "Content-Encoding", "gzip");
    ts_http_reply(req, 200, f->type, packed ? f->packed : f->raw);
    return true;
}
