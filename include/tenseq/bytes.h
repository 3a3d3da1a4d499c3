/* SPDX-License-Identifier: Apache-2.0 */
/* Byte strings and the fixed-size values of the protocol, each its own type. */
#ifndef TENSEQ_BYTES_H
#define TENSEQ_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tenseq/err.h"

/* Borrowed bytes. Never owns: whoever made the memory frees it. p may be NULL only when n is 0. */
typedef struct ts_bytes {
    const uint8_t *p;
    size_t n;
} ts_bytes;

typedef struct ts_hash {
    uint8_t b[32];
} ts_hash;

/* An Ethereum address: the last 20 bytes of keccak256 of the public key. Also an enclave id. */
typedef struct ts_address {
    uint8_t b[20];
} ts_address;

/* r ‖ s ‖ v, big-endian, low s, v 27 or 28. */
typedef struct ts_sig {
    uint8_t b[65];
} ts_sig;

/* Unix milliseconds. */
typedef uint64_t ts_time;

ts_bytes ts_bytes_of(const void *p, size_t n);
bool ts_bytes_equal(ts_bytes a, ts_bytes b);

/* Comparisons as memcmp: negative, 0, positive. */
int ts_hash_compare(const ts_hash *a, const ts_hash *b);
int ts_address_compare(const ts_address *a, const ts_address *b);
bool ts_hash_equal(const ts_hash *a, const ts_hash *b);
bool ts_address_equal(const ts_address *a, const ts_address *b);
/* Whether id is one of the n of list, in whatever order. */
bool ts_address_among(const ts_address *list, size_t n, const ts_address *id);
bool ts_hash_is_zero(const ts_hash *h);
bool ts_address_is_zero(const ts_address *a);

/* Lower-case hex with 0x. out has room for 2 * n + 3 characters and ends in NUL. Returns out. */
char *ts_hex(const void *p, size_t n, char *out);

#define TS_HASH_HEX_SIZE    67
#define TS_ADDRESS_HEX_SIZE 43
#define TS_SIG_HEX_SIZE     133

/* Reads exactly 2 * n hex digits after "0x", either case. TS_E_HEX: out is unchanged. */
ts_err ts_unhex(const char *text, void *out, size_t n);

/* Reads 0x and an even number of hex digits, at most max bytes. TS_E_HEX or TS_E_LIMIT: out and
 * *len are unchanged. */
ts_err ts_unhex_any(const char *text, uint8_t *out, size_t max, size_t *len);

#endif
