/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call: pure rules over header values. Not for use outside net. */
#ifndef TS_NET_HTTP_ACCESS_H
#define TS_NET_HTTP_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

/* May a page or program that wrote this Host header reach a loopback listener? Loopback names and
 * addresses, the listener's own address, and what is on the list (without port, any case; "*" is
 * everything). A name that an attacker let point to 127.0.0.1 is none of these. */
bool ts_access_host(const char *host, const char *listen_address, char *const *allowed,
                    size_t n_allowed);
/* May a page of this origin call? When it was served by this very listener, or is on the list. */
bool ts_access_origin(const char *origin, const char *host, char *const *allowed, size_t n_allowed);
/* Is the Authorization header "Bearer " and the token? The time it takes does not depend on how
 * much of the token is right. */
bool ts_access_bearer(const char *authorization, const char *token);
/* Is it a bearer header at all? */
bool ts_access_is_bearer(const char *authorization);
/* Does the comma-separated header value hold the token (lower case)? */
bool ts_access_has_token(const char *value, const char *token);

#endif
